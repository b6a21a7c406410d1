"""Magnets in a text: found, and renamed, beside a plain search for the word and a copy of it."""

import asyncio
import re
import statistics
import time
from collections.abc import Callable
from functools import partial
from random import Random

from benchmarks.figures import Figure, Section
from benchmarks.scale import Scale
from benchmarks.timing import interleaved
from services.magnets.parse import find_magnets
from services.magnets.rewrite import rename
from services.torrents import InfoHash, TorrentId

_PLAIN = re.compile(r"magnet:\?[^\s]+")


async def text(scale: Scale) -> Section:
    section = Section("Magnets in a text")
    notes, torrent = _notes(scale.text_bytes)
    size = len(notes.encode())

    def plain() -> object:
        return _PLAIN.findall(notes)

    def replaced() -> object:
        return _PLAIN.sub(lambda found: found[0] + "&dn=x", notes)

    def rate(act: Callable[[], object]) -> float:
        began = time.perf_counter()
        act()
        return size / (time.perf_counter() - began)

    acts: dict[str, Callable[[], object]] = {
        "parse": lambda: find_magnets(notes),
        "regex": plain,
        "rewrite": lambda: rename(notes, torrent, "三体.全集"),
        "sub": replaced,
    }
    gave = await interleaved({name: partial(asyncio.to_thread, rate, act) for name, act in acts.items()}, scale.rounds)
    values = {name: statistics.median(rates) for name, rates in gave.items()}
    for what, beside, other in (
        ("parse", "a regular expression that finds the word", "regex"),
        ("rewrite", "a regular expression that adds a name to each", "sub"),
    ):
        section.figures.append(
            Figure(what=f"{what} a text", value=values[what], unit="B/s", beside=beside, other=values[other])
        )
    return section


def _notes(size: int) -> tuple[str, TorrentId]:
    """Return a text of magnets between words, about *size* bytes, and a torrent that a tenth of them name."""
    random = Random(4711)  # noqa: S311 - the same text each time
    common = random.randbytes(20).hex()
    lines, length = [], 0
    while length < size:
        digits = common if random.random() < 0.1 else random.randbytes(20).hex()  # noqa: PLR2004
        line = (
            f"周末一起看：magnet:?xt=urn:btih:{digits}&dn=%E4%B8%89%E4%BD%93.S01E{random.randrange(99):02}"
            f"&tr=udp%3A%2F%2Ftracker.example%3A6969%2Fannounce&tr=http%3A%2F%2Ft.example%2Fannounce ，and later"
        )
        lines.append(line)
        length += len(line.encode()) + 1
    return "\n".join(lines), TorrentId.of(InfoHash(common))

"""Searches among many notes, by words of every kind."""

import asyncio
import contextlib
import random
import sqlite3
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from benchmarks.figures import Figure, Section, Target
from benchmarks.rig import PERSON, folder
from benchmarks.scale import Scale
from benchmarks.timing import percentile, timed
from services.store.statements import load_queries
from services.store.store import Store
from services.torrents import NotebookId

_PAGE = 10
_FREQUENT_CHINESE, _RARE_CHINESE = "周末", "霹雳"
_FREQUENT_ENGLISH, _RARE_ENGLISH = "movie", "zeppelin"
_KINDS: Mapping[str, Sequence[str]] = {
    "two Chinese characters, frequent": (_FREQUENT_CHINESE,),
    "two Chinese characters, rare": (_RARE_CHINESE,),
    "an English word, frequent": (_FREQUENT_ENGLISH,),
    "an English word, rare": (_RARE_ENGLISH,),
    "a frequent and a rare word": (_FREQUENT_ENGLISH, _RARE_CHINESE),
    "three frequent words": (_FREQUENT_CHINESE, _FREQUENT_ENGLISH, "1080p"),
    "a word that is nowhere": ("quetzalcoatl",),
}
_RARE = 20_000


async def search(scale: Scale) -> Section:
    section = Section(f"Search in {scale.notes:,} notes")
    async with folder() as path:
        databases = {"full": path / "full.db", "one": path / "one.db"}
        for name, notes in (("full", scale.notes), ("one", 1)):
            async with Store.open(databases[name]) as store:
                await store.write(lambda tx: tx.notebooks.open("tg:1", 0.0))
            await asyncio.to_thread(_fill, databases[name], notes)
        began = time.perf_counter()
        async with Store.open(databases["full"]) as full, Store.open(databases["one"]) as one:
            indexed = time.perf_counter() - began
            for kind, words in _KINDS.items():
                took: dict[str, list[float]] = {"full": [], "one": []}
                for _ in range(scale.rounds * scale.searches):
                    for name, store in (("full", full), ("one", one)):
                        took[name].append(await timed(partial(_searched, store, words)))
                section.figures.append(
                    Figure(
                        what=f"{kind}, p95",
                        value=percentile(took["full"], 0.95),
                        unit="s",
                        beside="the same in 1 note",
                        other=percentile(took["one"], 0.95),
                        target=Target(bound=0.02, unit="s"),
                        cause=(
                            "FTS5 joins the notebook's word, which every note has, with the searched ones, and reads "
                            "their lists to the end"
                        ),
                    )
                )
    section.figures.append(Figure(what=f"{scale.notes:,} notes indexed anew at a start", value=indexed, unit="s"))
    return section


async def _searched(store: Store, words: Sequence[str]) -> None:
    await store.read(lambda tx: tx.words.search(NotebookId(1), words, before=None, limit=_PAGE))


def _fill(path: Path, count: int) -> None:
    """Store *count* notes as an older calibot did, without their words: the next `Store.open` indexes them."""
    insert = load_queries()["insert_note"]
    chance = random.Random(4711)  # noqa: S311 - the same notes each time
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN")
        for number in range(count):
            note = {"notebook_id": 1, "text": _note(chance, number), "origin": None, "person": PERSON, "source": None}
            connection.execute(insert, note | {"created_at": float(number)})
        connection.execute("COMMIT")


def _note(chance: random.Random, number: int) -> str:
    """Return a note of some Chinese, some English and a magnet; each frequent word stands in every second note."""
    chinese = "".join(chr(0x4E00 + int(2_000 * chance.random() ** 2)) for _ in range(20))
    english = " ".join(f"word{int(20_000 * chance.random() ** 3)}" for _ in range(8))
    frequent = [word for word in (_FREQUENT_CHINESE, _FREQUENT_ENGLISH, "1080p") if chance.random() < 0.5]  # noqa: PLR2004
    rare = [_RARE_CHINESE, _RARE_ENGLISH] if number % _RARE == _RARE // 2 else []
    magnet = f"magnet:?xt=urn:btih:{chance.randbytes(20).hex()}&dn={english.partition(' ')[0]}"
    return f"{chinese}，{' '.join([*frequent, *rare])} {english}：{magnet}"

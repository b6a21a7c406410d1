"""Lookups from the terminal: what is read, how many run at once, what is printed."""

import asyncio
import io
import json
import sys
from dataclasses import replace
from types import SimpleNamespace

import pytest

from bot.resolve import BadInput, gathered, look_up
from bot.resolve_screen import Board, Outcome, as_json, as_text
from services.clock import SystemClock
from services.errors import NotFound, ResolverDown
from services.resolvers.breaker import Breaker
from services.resolvers.chain import Chain, Source
from services.torrents import FileEntry, Hints, InfoHash, Name, Progress, Step, TorrentId, TorrentInfo

ONE, TWO = "1" * 40, "2" * 64


def info(torrent: TorrentId, name: str = "name", *, files: int = 1, certain: bool = True) -> TorrentInfo:
    return TorrentInfo(
        torrent=torrent,
        name=Name(text=name, raw=name.encode("utf-8", "replace"), certain=certain),
        size=files,
        files=tuple(FileEntry(f"file {number}", 1) for number in range(files)),
        source="swarm",
        verified=True,
    )


def typed(monkeypatch: pytest.MonkeyPatch, text: bytes, *, terminal: bool = False) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(text), isatty=lambda: terminal))


# What is read.


def test_the_same_torrent_is_looked_up_once_with_all_hints(monkeypatch: pytest.MonkeyPatch) -> None:
    typed(monkeypatch, f"magnet:?xt=urn:btih:{ONE}&tr=http%3A%2F%2Fb%2Fa\n{TWO}".encode())
    found = gathered([f"magnet:?xt=urn:btih:{ONE}&tr=http%3A%2F%2Fa%2Fa", "-"])
    assert found == {
        TorrentId(v1=InfoHash(ONE)): Hints(trackers=("http://a/a", "http://b/a")),
        TorrentId(v2=InfoHash(TWO)): Hints(),
    }


def test_a_word_that_was_named_before_is_no_bad_input() -> None:
    assert len(gathered([ONE, ONE])) == 1


@pytest.mark.parametrize("words", [["nothing"], [ONE, "nothing"], ["-"], [""]])
def test_a_word_that_names_no_torrent_is_refused(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    typed(monkeypatch, b"nothing\n\xff\n")
    with pytest.raises(BadInput, match="no magnet link"):
        gathered(words)


def test_without_a_word_a_terminal_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    typed(monkeypatch, ONE.encode(), terminal=True)
    with pytest.raises(BadInput, match="Name a magnet link"):
        gathered([])
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(BadInput, match="Name a magnet link"):
        gathered([])


# How it is looked up.


class Fake:
    """A source that answers when it is told to."""

    label = "fake"

    def __init__(self, error: Exception | None = None) -> None:
        self.running = self.most = 0
        self.three_run = asyncio.Event()
        self.may_end = asyncio.Event()
        self._error = error

    async def resolve(self, torrent: TorrentId, hints: Hints, progress: Progress) -> TorrentInfo:
        self.running += 1
        self.most = max(self.most, self.running)
        if self.running == 3:
            self.three_run.set()
        progress.started()
        progress.report(Step("asking", {"trackers": 2, "trackers_answered": 1, "dht": 0, "dht_nodes": 0, "peers": 0}))
        try:
            await self.may_end.wait()
            if self._error is not None:
                raise self._error
            return info(torrent)
        finally:
            self.running -= 1

    def add_hints(self, torrent: TorrentId, hints: Hints) -> None:
        """Nothing runs that needs them."""


async def outcomes(fake: Fake, count: int, *, most: int = 3, seconds: float = 10) -> list[Outcome]:
    wanted = {TorrentId(v1=InfoHash(f"{number + 1:040x}")): Hints() for number in range(count)}
    told: list[Outcome] = []
    await look_up(fake, wanted, most=most, seconds=seconds, board=Board(None), told=told.append)
    assert {one.torrent for one in told} == set(wanted)
    return told


async def test_no_more_run_at_once_than_the_settings_say() -> None:
    fake = Fake()
    looking = asyncio.create_task(outcomes(fake, 10))
    await fake.three_run.wait()
    fake.may_end.set()
    assert all(one.info for one in await looking)
    assert fake.most == 3


async def test_time_is_judged_by_what_was_seen() -> None:
    (one,) = await outcomes(Fake(), 1, seconds=0.01)
    assert one.failure == Step("dead", {"trackers": 1, "nodes": 0})


async def test_the_time_of_a_lookup_begins_when_its_source_does() -> None:
    clock, fake = SystemClock(), Fake()
    asked = []

    class Noting(Fake):
        async def resolve(self, torrent: TorrentId, hints: Hints, progress: Progress) -> TorrentInfo:
            asked.append(torrent)
            return await fake.resolve(torrent, hints, progress)

    one_at_once = Chain([Source(Noting(), breaker=Breaker(clock), most=1)], clock=clock)
    told: list[Outcome] = []
    wanted = {TorrentId(v1=InfoHash(f"{number + 1:040x}")): Hints() for number in range(3)}
    await look_up(one_at_once, wanted, most=3, seconds=0.01, board=Board(None), told=told.append)
    assert asked == [one.torrent for one in told], "each had a turn, and its time in it"


@pytest.mark.parametrize(
    ("error", "code"),
    [(NotFound(reason="x"), "not_found"), (ResolverDown(), "resolver_down"), (ZeroDivisionError(), "internal")],
)
async def test_a_failure_ends_its_own_lookup_alone(error: Exception, code: str) -> None:
    fake = Fake(error)
    fake.may_end.set()
    told = await outcomes(fake, 5)
    assert [one.failure.code if one.failure else None for one in told] == [code] * 5


# What is printed.


def found(name: str, **more: bool) -> Outcome:
    torrent = TorrentId(v1=InfoHash(ONE))
    return Outcome(torrent, 1.23456, info(torrent, name, **more), None)


@pytest.mark.parametrize("name", ["\x1b[31m", "\x7f", "\x9b", "a\nb", "\u202e", "\u2066", "\ud800", '"\\', "三体"])
def test_a_name_is_exact_in_json_and_harmless_on_a_terminal(name: str) -> None:
    line = as_json(found(name))
    assert line.isprintable()
    assert line.isascii()
    assert json.loads(line)["name"] == name
    text = as_text(found(name))
    assert text.count("\n") == 3
    assert not set("\x1b\x7f\x9b\u202e\u2066\ud800") & set(text)


def test_of_a_claim_that_tells_its_size_alone_no_files_are_counted() -> None:
    claim = replace(info(TorrentId(v1=InfoHash(ONE)), files=0), size=123_456, verified=False)
    line = as_text(replace(found("x"), info=claim)).splitlines()[2]
    assert line == "  123 kB · claimed by the swarm, not verified"


@pytest.mark.parametrize(
    ("size", "files", "told"),
    [
        (0, (), (None, None)),
        (123, (), (123, None)),
        (0, (FileEntry("empty", 0),), (0, [{"path": "empty", "size": 0}])),
        (5, (FileEntry("a", 5),), (5, [{"path": "a", "size": 5}])),
    ],
)
def test_what_a_claim_does_not_tell_is_null_in_json(
    size: int, files: tuple[FileEntry, ...], told: tuple[int | None, list[dict[str, object]] | None]
) -> None:
    claim = replace(info(TorrentId(v1=InfoHash(ONE))), size=size, files=files, verified=False)
    value = json.loads(as_json(replace(found("x"), info=claim)))
    assert (value["size"], value["files"]) == told


def test_of_what_is_verified_size_and_files_are_known_though_there_be_none() -> None:
    empty = info(TorrentId(v1=InfoHash(ONE)), files=0)
    value = json.loads(as_json(replace(found("x"), info=empty)))
    assert (value["size"], value["files"]) == (0, [])


def test_a_guess_is_told_as_one_and_a_name_that_is_empty_too() -> None:
    assert "its encoding is a guess" in as_text(found("x", certain=False))
    assert json.loads(as_json(found("x", certain=False)))["certain"] is False
    assert "(its name is empty)" in as_text(found(""))


def test_a_failure_has_a_code_for_programs_and_a_sentence_for_people() -> None:
    lost = Outcome(TorrentId(v1=InfoHash(ONE)), 60.0, None, Step("slow", {"peers": 3}))
    told = json.loads(as_json(lost))
    assert (told["status"], told["name"], told["files"], told["verified"]) == ("slow", None, None, False)
    assert told["error"] in as_text(lost)

"""Text files and .torrent files are fetched from a Telegram that fails."""

import asyncio
import contextlib
from collections import deque
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from telegram import Bot, Document
from telegram.error import BadRequest, NetworkError, RetryAfter, TelegramError, TimedOut

from handlers.files import Files
from sandbox.swarm import make_sample
from services.errors import FileTooLarge, FileUnavailable, NotATorrent
from services.resolvers.libtorrent import read_torrent
from services.torrents import TorrentInfo
from tests.fake_clock import FakeClock

Steps = list[TelegramError | None]


class FakeFiles:
    """Gives one file, or fails as it is told, step by step: getFile, the download, getFile..."""

    def __init__(self, clock: FakeClock, content: bytes) -> None:
        self.clock, self.content = clock, content
        self.file_size: int | None = None
        self.steps: deque[TelegramError | None] = deque()
        self.asked: list[float] = []
        self.takes = 0.0

    @property
    def bot(self) -> Bot:
        return cast("Bot", self)

    async def get_file(self, file_id: str) -> "FakeFiles":
        assert file_id == "a"
        self.asked.append(self.clock.now() - 1000)
        await self._step()
        return self

    async def download_as_bytearray(self, *, read_timeout: float) -> bytearray:
        assert read_timeout > 5
        await self._step()
        return bytearray(self.content)

    async def _step(self) -> None:
        await self.clock.sleep(self.takes)
        error = self.steps.popleft() if self.steps else None
        if error is not None:
            raise error


class Room:
    def __init__(self) -> None:
        self.clock = FakeClock(1000)
        self.telegram = FakeFiles(self.clock, b"text\r\n")
        self.files = Files(self.clock, read_torrent)

    async def fetch(self, *, claimed: int | None = None, seconds: float = 300) -> str:
        document = Document("a", "a", file_size=claimed)
        fetching = asyncio.ensure_future(self.files.text_of(document, self.telegram.bot))
        await self.clock.advance(seconds)
        return await fetching

    async def read(self, *, claimed: int | None = None) -> TorrentInfo:
        document = Document("a", "a", file_size=claimed)
        reading = asyncio.ensure_future(self.files.torrent_of(document, self.telegram.bot))
        await self.clock.advance(300)
        return await reading


@pytest.fixture
def room() -> Room:
    return Room()


async def test_a_file_that_telegram_gives_is_asked_for_once(room: Room) -> None:
    assert await room.fetch() == "text\r\n"
    assert room.telegram.asked == [0]


@pytest.mark.parametrize(
    "steps",
    [
        [NetworkError("Bad Gateway")],
        [TimedOut()],
        [None, TimedOut()],
        [BadRequest("wrong file_id or the file is temporarily unavailable")],
        [None, NetworkError("Internal Server Error (500)"), TimedOut()],
    ],
)
async def test_what_fails_is_tried_again_after_a_pause(room: Room, steps: Steps) -> None:
    room.telegram.steps.extend(steps)
    assert await room.fetch() == "text\r\n"
    failures = sum(one is not None for one in steps)
    assert room.telegram.asked == [0, 1, 4][: failures + 1]


async def test_after_three_tries_the_file_is_unavailable(room: Room) -> None:
    room.telegram.steps.extend([TimedOut()] * 9)
    with pytest.raises(FileUnavailable):
        await room.fetch()
    assert room.telegram.asked == [0, 1, 4]


async def test_a_429_is_waited_for_where_it_is_short(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PTB_TIMEDELTA", "1")  # else making a RetryAfter warns
    room.telegram.steps.append(RetryAfter(25))
    assert await room.fetch() == "text\r\n"
    assert room.telegram.asked == [0, 25]


async def test_a_429_that_lasts_for_long_is_not_waited_for(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PTB_TIMEDELTA", "1")  # else making a RetryAfter warns
    room.telegram.steps.append(RetryAfter(31))
    with pytest.raises(FileUnavailable):
        await room.fetch(seconds=0)
    assert room.telegram.asked == [0]


async def test_no_try_begins_more_than_thirty_seconds_after_the_first(room: Room) -> None:
    room.telegram.takes = 20
    room.telegram.steps.extend([TimedOut()] * 9)
    with pytest.raises(FileUnavailable):
        await room.fetch()
    assert room.telegram.asked == [0, 21]


async def test_a_download_that_drips_is_given_up_after_a_minute_and_leaves_nothing_behind(room: Room) -> None:
    room.telegram.takes = 1e9
    with pytest.raises(FileUnavailable):
        await room.fetch(seconds=60)
    assert room.telegram.asked == [0]
    assert room.clock.sleeping == 0


@pytest.mark.parametrize("told", ["message", "getFile", "never"])
async def test_a_file_that_is_too_large_is_refused_as_soon_as_it_is_known(room: Room, told: str) -> None:
    size = 1_000_001
    room.telegram.content = b"x" * size if told == "never" else b"x"
    room.telegram.file_size = size if told == "getFile" else None
    with pytest.raises(FileTooLarge):
        await room.fetch(claimed=size if told == "message" else None)
    assert len(room.telegram.asked) == (told != "message")


@pytest.mark.parametrize("told", ["message", "getFile", "never"])
async def test_a_torrent_file_that_is_too_large_is_refused_as_soon_as_it_is_known(room: Room, told: str) -> None:
    size = 16 * 1_048_576 + 1
    room.telegram.content = b"x" * size if told == "never" else b"x"
    room.telegram.file_size = size if told == "getFile" else None
    with pytest.raises(FileTooLarge):
        await room.read(claimed=size if told == "message" else None)
    assert len(room.telegram.asked) == (told != "message")


async def test_a_torrent_file_is_read_where_telegram_gives_it_at_last(room: Room) -> None:
    sample = make_sample("True.mkv", kind="hybrid")
    room.telegram.content = b"d4:info" + sample.info + b"e"
    room.telegram.steps.extend([TimedOut()])
    info = await room.read()
    assert (info.name.text, info.source, info.verified) == ("True.mkv", "file", True)
    assert [str(one) for one in info.torrent.hashes] == [sample.v1, sample.v2]


async def test_a_torrent_file_that_telegram_never_gives_is_unavailable(room: Room) -> None:
    room.telegram.steps.extend([TimedOut()] * 9)
    with pytest.raises(FileUnavailable):
        await room.read()


_FEW_LETTERS = st.binary(max_size=200) | st.text("deil0123456789:-info", max_size=200).map(str.encode)


@given(content=_FEW_LETTERS)
@settings(max_examples=200, deadline=None)
def test_whatever_bytes_are_sent_they_are_a_torrent_or_none(content: bytes) -> None:
    async def read() -> None:
        room = Room()
        room.telegram.content = content
        with contextlib.suppress(NotATorrent):
            await room.read()

    asyncio.run(read())

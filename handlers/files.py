"""Text files and .torrent files that people send, fetched from Telegram."""

import asyncio
from collections.abc import Callable

import structlog
from structlog.typing import FilteringBoundLogger
from telegram import Bot, Document
from telegram.error import TelegramError, TimedOut

from handlers.refusals import loggable, seconds_to_wait
from services.clock import Clock, at_most
from services.decoding import decode_file
from services.errors import FileTooLarge, FileUnavailable, NotATorrent, NotFound
from services.torrents import TorrentInfo

_log: FilteringBoundLogger = structlog.get_logger(__name__)

LARGEST_FILE = 1_000_000
"""Bytes. Telegram lets a bot fetch twenty times as much; nobody reads such a note."""
LARGEST_TORRENT = 16 * 1_048_576
"""Bytes of a .torrent: a larger one is read from no source (`services.resolvers.torrent_file`)."""
UNREADABLE = (FileTooLarge, FileUnavailable, NotATorrent)
"""Why a file cannot be read."""
ReadTorrent = Callable[[bytes, str], TorrentInfo]
"""Returns what the bytes of a .torrent say, for the source of this label; NotFound where they are none. Blocks."""
_SENT = "file"
_TORRENTS_AT_ONCE = 8  # each is in memory whole; one is read at a time, which may take ten times as much
_FETCH_SECONDS = 20.0  # without a byte
_WHOLE_SECONDS = 60.0  # a try in all: else one that drips would keep its place, and its chat, for hours
_PAUSES = (1.0, 3.0)
_LATEST_TRY = 30.0
"""Seconds after the first try: what is next in the chat waits meanwhile."""


class Files:
    """Fetches files; a fetch that fails is tried again a few times, and after a 429 when Telegram says."""

    def __init__(self, clock: Clock, read: ReadTorrent) -> None:
        self._clock = clock
        self._read = read
        self._places = asyncio.Semaphore(_TORRENTS_AT_ONCE)
        self._reading = asyncio.Lock()

    async def text_of(self, document: Document, bot: Bot) -> str:
        """Return the text of *document*.

        Raises:
            FileTooLarge: nobody would read such a note.
            FileUnavailable: Telegram does not give it.
        """
        content = await self._fetched(document, bot, LARGEST_FILE)
        return await asyncio.to_thread(decode_file, content)

    async def torrent_of(self, document: Document, bot: Bot) -> TorrentInfo:
        """Return what *document*, a .torrent, says of its torrent; of it nothing else is kept.

        Raises:
            FileTooLarge, FileUnavailable: it is not read, or Telegram does not give it.
            NotATorrent: it is none.
        """
        async with self._places:
            content = await self._fetched(document, bot, LARGEST_TORRENT)
            async with self._reading:
                try:
                    return await asyncio.to_thread(self._read, content, _SENT)
                except NotFound as error:
                    raise NotATorrent from error

    async def _fetched(self, document: Document, bot: Bot, most: int) -> bytes:
        _check(document.file_size, most)
        content = await self._tried(document, bot, most)
        _check(len(content), most)
        return content

    async def _tried(self, document: Document, bot: Bot, most: int) -> bytes:
        latest = self._clock.monotonic() + _LATEST_TRY
        for pause in _PAUSES:
            try:
                return await self._try(document, bot, most)
            except TelegramError as error:
                wait = max(pause, seconds_to_wait(error))
                if self._clock.monotonic() + wait > latest:
                    raise _unavailable(error) from error
            await self._clock.sleep(wait)
        try:
            return await self._try(document, bot, most)
        except TelegramError as error:
            raise _unavailable(error) from error

    async def _try(self, document: Document, bot: Bot, most: int) -> bytes:
        fetching = asyncio.ensure_future(_fetch(document, bot, most))
        await at_most(self._clock, _WHOLE_SECONDS, fetching)
        if fetching.cancelled():
            raise TimedOut
        return fetching.result()


async def _fetch(document: Document, bot: Bot, most: int) -> bytes:
    file = await bot.get_file(document.file_id)
    _check(file.file_size, most)
    return bytes(await file.download_as_bytearray(read_timeout=_FETCH_SECONDS))


def _check(size: int | None, most: int) -> None:
    if (size or 0) > most:
        raise FileTooLarge(most=most)


def _unavailable(error: TelegramError) -> FileUnavailable:
    _log.info("file_unavailable", error=loggable(error))
    return FileUnavailable()

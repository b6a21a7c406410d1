"""Text files that people send, fetched from Telegram."""

import asyncio

import structlog
from structlog.typing import FilteringBoundLogger
from telegram import Bot, Document
from telegram.error import TelegramError

from handlers.refusals import loggable, seconds_to_wait
from services.clock import Clock
from services.decoding import decode_file
from services.errors import FileTooLarge, FileUnavailable

_log: FilteringBoundLogger = structlog.get_logger(__name__)

LARGEST_FILE = 1_000_000
"""Bytes. Telegram lets a bot fetch twenty times as much; nobody reads such a note."""
_FETCH_SECONDS = 20.0
_PAUSES = (1.0, 3.0)
_LATEST_TRY = 30.0
"""Seconds after the first try: what is next in the chat waits meanwhile."""


class Files:
    """Fetches files; a fetch that fails is tried again a few times, and after a 429 when Telegram says."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def text_of(self, document: Document, bot: Bot) -> str:
        """Return the text of *document*.

        Raises:
            FileTooLarge: nobody would read such a note.
            FileUnavailable: Telegram does not give it.
        """
        _check(document.file_size)
        content = await self._fetched(document, bot)
        _check(len(content))
        return await asyncio.to_thread(decode_file, content)

    async def _fetched(self, document: Document, bot: Bot) -> bytes:
        latest = self._clock.monotonic() + _LATEST_TRY
        for pause in _PAUSES:
            try:
                return await _fetch(document, bot)
            except TelegramError as error:
                wait = max(pause, seconds_to_wait(error))
                if self._clock.monotonic() + wait > latest:
                    raise _unavailable(error) from error
            await self._clock.sleep(wait)
        try:
            return await _fetch(document, bot)
        except TelegramError as error:
            raise _unavailable(error) from error


async def _fetch(document: Document, bot: Bot) -> bytes:
    file = await bot.get_file(document.file_id)
    _check(file.file_size)
    return bytes(await file.download_as_bytearray(read_timeout=_FETCH_SECONDS))


def _check(size: int | None) -> None:
    if (size or 0) > LARGEST_FILE:
        raise FileTooLarge(most=LARGEST_FILE)


def _unavailable(error: TelegramError) -> FileUnavailable:
    _log.info("file_unavailable", error=loggable(error))
    return FileUnavailable()

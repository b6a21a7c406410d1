"""The bot whose updates are stored before the offset that confirms them advances (Bot API, getUpdates)."""

import asyncio
from collections.abc import Callable
from typing import Any

import structlog
from structlog.typing import FilteringBoundLogger
from telegram import Update
from telegram.error import Conflict, InvalidToken, NetworkError, TelegramError
from telegram.ext import ExtBot

from handlers.receipts import Receipts
from handlers.refusals import loggable

_log: FilteringBoundLogger = structlog.get_logger(__name__)


class InboxBot(ExtBot[None]):
    """A bot that keeps what it fetches in *receipts*, and says in one line what keeps it from fetching.

    *revoked* is called when Telegram does not accept the token any more: to go on is pointless then.
    """

    def __init__(self, *, receipts: Receipts, revoked: Callable[[], None], **settings: Any) -> None:
        super().__init__(**settings)
        self._receipts = receipts
        self._revoked = revoked
        self._confirmed = 0
        self._trouble: type[TelegramError] | None = None
        self._fetches = True

    def fetch_no_more(self) -> None:
        """Let `get_updates` ask nothing any more, not even to confirm: what comes again for that is known."""
        self._fetches = False

    async def get_updates(self, *args: Any, **settings: Any) -> tuple[Update, ...]:
        """Return the updates that never came before, all of them stored."""
        if not self._fetches:
            return ()
        settings["offset"] = max(settings.get("offset") or 0, self._confirmed)
        try:
            updates = await super().get_updates(*args, **settings)
        except TelegramError as error:
            if not self._fetches:  # it was under way, and nobody takes its error any more
                return ()
            if not isinstance(error, InvalidToken):
                self._told(error)
                raise
            if error.message == "Unauthorized":
                self._revoked()
                await asyncio.Event().wait()  # the program ends
            self._told(error)
            raise NetworkError(error.message) from error  # a 404 may pass: it must not end the polling for good
        if self._trouble is not None:
            self._trouble = None
            _log.info("telegram.reachable")
        new = await self._receipts.keep(updates)
        if updates:  # also where none is new: else they would be fetched for ever
            self._confirmed = updates[-1].update_id + 1
        return tuple(new)

    def _told(self, error: TelegramError) -> None:
        """Tell the log about trouble of a new kind."""
        kind = Conflict if isinstance(error, Conflict) else TelegramError
        if kind is self._trouble:
            return
        self._trouble = kind
        if kind is Conflict:
            _log.error("telegram.conflict", remedy="another program polls with this token: stop one of the two")
        else:
            _log.warning("telegram.unreachable", error=loggable(error), remedy="it is tried again until it answers")

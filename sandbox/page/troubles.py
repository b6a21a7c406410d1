"""Telegram's troubles, to switch on and watch a bot recover."""

import asyncio
import contextlib
from typing import Self

from sandbox.botapi import BotApi, Fault

_SECONDS_LATE = 2.0
_RETRY_AFTER = 5
_LIMITED = ("sendMessage", "editMessageText")


class Troubles:
    """What is wrong with *api*, nothing any more at the end of the ``async with``.

    *gone_seconds* is how long it is gone, when it is.
    """

    def __init__(self, api: BotApi, gone_seconds: float) -> None:
        self._api = api
        self._being_gone: asyncio.Task[None] | None = None
        self.gone = False
        self.slow = False
        self.gone_seconds = gone_seconds

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.make_slow(slow=False)
        if self._being_gone is not None:
            self._being_gone.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._being_gone

    def make_slow(self, *, slow: bool) -> None:
        """Give each answer two seconds late, or no longer."""
        self.slow = slow
        self._api.be_late(_SECONDS_LATE if slow else 0)

    def refuse(self) -> None:
        """Refuse the next message and the next edit, and ask for five seconds of silence."""
        for method in _LIMITED:
            self._api.break_next(method, Fault.too_many(_RETRY_AFTER))

    def begin_being_gone(self) -> None:
        if not self.gone:
            self.gone = True
            self._being_gone = asyncio.create_task(self._be_gone())

    async def _be_gone(self) -> None:
        try:
            await self._api.vanish()
            await asyncio.sleep(self.gone_seconds)
        finally:
            self.gone = False
            await self._api.come_back()

    def as_json(self) -> dict[str, object]:
        return {"slow": self.slow, "gone": self.gone}

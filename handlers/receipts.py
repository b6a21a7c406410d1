"""Which updates are not done yet: each is stored before Telegram is told that it came, until all it asks for is told.

A program that dies meanwhile handles it again when it is started. That is harmless: what was done is done once by its
request key, and answers again; and of its answers those that were told are not told again.
"""

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

from telegram import Bot, Update

from services.errors import StoreUnavailable
from services.inbox import Delivery, Inbox

Release = Callable[[], None]


@dataclass(slots=True)
class _Open:
    """How many things an update *waits* for: its handler, and its answers. Of those *asked* for, *told* were sent.

    A handler that runs again asks for the same answers once more, in the same order.
    """

    told: int = 0
    asked: int = 0
    waits: int = 1


class Receipts:
    """Inside ``async with`` it stores what is done soon after it is; left, it has stored all that is done by then."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self._open: dict[int, _Open] = {}
        self._told: dict[int, int] = {}
        self._done: set[int] = set()
        self._wake = asyncio.Event()
        self._running: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._running = asyncio.create_task(self._run(), name="receipts")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait([self._running])
        await self._store()

    async def keep(self, updates: Sequence[Update]) -> Sequence[Update]:
        """Store *updates*; return those that are to be handled: each that never came before.

        All of them where the store fails: they are handled now or never, and whoever wrote them is told.
        """
        if not updates:
            return updates
        try:
            new = await self._inbox.keep([Delivery(one.update_id, one.to_json()) for one in updates])
        except StoreUnavailable:
            return updates
        self._open.update((number, _Open()) for number in new)
        return [one for one in updates if one.update_id in new]

    async def unfinished(self, bot: Bot) -> Sequence[Update]:
        """Return what an earlier process was given and had not done, to be handled again. Raises StoreUnavailable."""
        unfinished = await self._inbox.unfinished()
        self._open.update((one.number, _Open(one.told)) for one in unfinished)
        return [Update.de_json(json.loads(one.content), bot) for one in unfinished]

    def hold(self, update_id: int) -> Release:
        """Let the update wait for one thing more; return what says that this is done. To say it twice is harmless."""
        if update_id not in self._open:  # it could not be stored
            return lambda: None
        self._open[update_id].waits += 1
        left = [update_id]

        def release() -> None:
            if left:
                self.handled(left.pop())

        return release

    def answers(self, update_id: int) -> Release | None:
        """Let the update wait for one answer more, as `hold` does; None where an earlier process has told that one."""
        there = self._open.get(update_id)
        if there is None:
            return lambda: None
        there.asked += 1
        this = there.asked
        if this <= there.told:
            return None
        release = self.hold(update_id)

        def told() -> None:
            if there.told == this - 1:
                there.told = this
                self._told[update_id] = this
                self._wake.set()
            release()

        return told

    def handled(self, update_id: int) -> None:
        """Say that one thing is done which the update waited for."""
        there = self._open.get(update_id)
        if there is None:
            return
        there.waits -= 1
        if not there.waits:
            del self._open[update_id]
            self._told.pop(update_id, None)
            self._done.add(update_id)
            self._wake.set()

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            await self._store()

    async def _store(self) -> None:
        """Store what is done; what cannot be now, with the next. At worst it is handled again."""
        done, told = list(self._done), dict(self._told)
        if not done and not told:
            return
        try:
            await self._inbox.finish(done, told)
        except StoreUnavailable:  # the store has said so
            return
        self._done.difference_update(done)
        self._told = dict(self._told.items() - told.items())  # more of them may be told by now

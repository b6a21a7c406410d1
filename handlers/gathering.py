"""Forwarded messages that come together are answered together."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

import structlog
from structlog.typing import FilteringBoundLogger

from handlers.outbox import Outbox
from handlers.outgoing import Address, Message
from handlers.receipts import Receipts, Release
from handlers.saved_view import batch_messages
from handlers.text import escape
from services.clock import Clock
from services.i18n import Translation
from services.notebook.notebook import Saved
from services.torrents import NoteId, PersonId

_log: FilteringBoundLogger = structlog.get_logger(__name__)

_PAUSE = 2.0


@dataclass(slots=True, kw_only=True)
class _Batch:
    """What one person forwards into one chat. Every note of it is committed; only the answer waits, until *due*."""

    to: Address
    reply_to: int
    t: Translation
    due: float
    saved: list[Saved] = field(default_factory=list)
    without: int = 0
    unread: int = 0
    updates: list[tuple[int, NoteId | None]] = field(default_factory=list)
    releases: list[Release] = field(default_factory=list)


class Gathering:
    """Owns the answers that wait. Leaving it (``async with``) gives them all to the outbox, which sends them still."""

    def __init__(self, outbox: Outbox, receipts: Receipts, clock: Clock) -> None:
        self._outbox = outbox
        self._receipts = receipts
        self._clock = clock
        self._batches: dict[tuple[Address, PersonId], _Batch] = {}
        self._waiting: set[asyncio.Task[None]] = set()
        self._open = False

    async def __aenter__(self) -> Self:
        self._open = True
        return self

    async def __aexit__(self, *_: object) -> None:
        self._open = False
        for task in self._waiting:
            task.cancel()
        if self._waiting:
            await asyncio.wait(self._waiting)
        for key in list(self._batches):
            self._answer(key)

    def add(
        self,
        to: Address,
        person: PersonId,
        saved: Saved | None,
        *,
        update_id: int,
        reply_to: int,
        t: Translation,
        hint: bool,
        unread: bool = False,
    ) -> None:
        """Answer a forwarded message together with those that come within two seconds of it.

        *saved* is None where it has no magnet; *hint*: that is to be said. *unread*: of its file the caption was kept.
        """
        key = to, person
        due = self._clock.monotonic() + _PAUSE
        batch = self._batches.get(key)
        if batch is None:
            batch = self._batches[key] = _Batch(to=to, reply_to=reply_to, t=t, due=due)
            self._begin(key, batch)
        batch.reply_to, batch.due = reply_to, due
        if saved is not None:
            batch.saved.append(saved)
        else:
            batch.without += hint
        batch.unread += unread
        batch.updates.append((update_id, saved.note_id if saved else None))
        batch.releases.append(self._receipts.hold(update_id))
        if not self._open:
            self._answer(key)

    def _begin(self, key: tuple[Address, PersonId], batch: _Batch) -> None:
        if not self._open:
            return
        task = asyncio.create_task(self._when_due(key, batch), name="forwarded")
        self._waiting.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._waiting.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("gathering_bug", exc_info=error)

    async def _when_due(self, key: tuple[Address, PersonId], batch: _Batch) -> None:
        while (left := batch.due - self._clock.monotonic()) > 0:
            await self._clock.sleep(left)
        self._answer(key)

    def _answer(self, key: tuple[Address, PersonId]) -> None:
        batch = self._batches.pop(key)
        t = batch.t
        messages = batch_messages(t, batch.saved, batch.without, batch.unread)
        if not messages and batch.without:
            nothing = t.gettext("There is no magnet link in what you forwarded: nothing was kept.")
            messages = [(Message(escape(nothing)), ())]
        left = dict(batch.updates)
        for place, (message, notes) in enumerate(messages, start=1):
            # Of several messages each is the answer to its own notes: after a crash those that were told are not again.
            its = [one for one, note in left.items() if note in notes or place == len(messages)]
            told = _all([self._receipts.hold(update_id) for update_id in its])
            self._outbox.answer(batch.to, message, reply_to=batch.reply_to, told=told)
            for update_id in its:
                del left[update_id]
        _all(batch.releases)()


def _all(releases: Sequence[Release]) -> Release:
    def release() -> None:
        for one in releases:
            one()

    return release

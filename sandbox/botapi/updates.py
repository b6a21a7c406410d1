"""The updates that wait for the bot, and long polling for them (Bot API, "Getting updates")."""

import asyncio
from collections.abc import Sequence

from sandbox.botapi.errors import Refused
from sandbox.botapi.pulse import Pulse

_CONFLICT = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
_MAX_SECONDS = 50
_MAX_COUNT = 100


class UpdateQueue:
    """Keeps updates until an offset confirms them. The first one has the number *first*."""

    def __init__(self, first: int) -> None:
        self._next = first
        self._waiting: list[tuple[int, dict[str, object]]] = []
        self._allowed: frozenset[str] = frozenset()
        self._added = Pulse()
        self._poller: object = None
        self._closed = False

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, kind: str, content: dict[str, object]) -> None:
        """Queue an update, unless the bot said that it does not want this kind."""
        if self._allowed and kind not in self._allowed:
            return
        self._waiting.append((self._next, {"update_id": self._next, kind: content}))
        self._next += 1
        self._added.beat()

    def allow(self, kinds: Sequence[str]) -> None:
        """Keep from now on these kinds only, all when empty; what is queued stays."""
        self._allowed = frozenset(kinds)

    def drop(self) -> None:
        self._waiting.clear()

    def close(self) -> None:
        """Answer whoever waits, and wait no more."""
        self._closed = True
        self._added.beat()

    async def poll(self, offset: int, limit: int, seconds: float) -> list[dict[str, object]]:
        """Return up to *limit* updates from *offset* on, as soon as there is one, none after *seconds*.

        All before *offset* are confirmed and gone; a negative one counts from the end.

        Raises:
            Refused: 409, when a later poll began to wait; as with Telegram, the earlier one is told.
        """
        self._confirm(offset)
        if self._waiting or seconds <= 0:
            return self._head(limit)
        poller = self._poller = object()
        self._added.beat()
        try:
            async with asyncio.timeout(min(seconds, _MAX_SECONDS)):
                while not self._waiting and not self._closed:
                    await self._added.wait()
                    if self._poller is not poller:
                        raise Refused(409, _CONFLICT)
        except TimeoutError:
            pass
        return self._head(limit)

    def _head(self, limit: int) -> list[dict[str, object]]:
        return [update for _, update in self._waiting[: max(1, min(limit, _MAX_COUNT))]]

    def _confirm(self, offset: int) -> None:
        if offset < 0:
            self._waiting = self._waiting[offset:]
        elif offset:
            self._waiting = [(number, update) for number, update in self._waiting if number >= offset]

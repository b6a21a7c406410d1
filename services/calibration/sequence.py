"""The one sequence of changes, in memory: what changed after a number, at the cost of what changed."""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass

from services.torrents import NoteId, TaskId

Key = TaskId | NoteId


@dataclass(frozen=True, slots=True)
class Touched:
    """What changed after a number, each with its number, oldest first, up to *number*; *more*: that is not all."""

    changes: tuple[tuple[Key, int], ...]
    number: int
    more: bool


class Sequence:
    """Gives each change the next number, from *boot* × 2³² on, and remembers the last change of *kept* things."""

    def __init__(self, boot: int, *, kept: int = 20_000) -> None:
        self._floor = self._last = boot << 32
        self._kept = kept
        # In the order of the numbers. Readers in threads ask for them, too: a key is never missing for a moment.
        self._touched: OrderedDict[Key, int] = OrderedDict()
        self._news = asyncio.Event()

    @property
    def number(self) -> int:
        """The last number given."""
        return self._last

    def touch(self, key: Key) -> None:
        """Give a change of *key* the next number."""
        self._last += 1
        self._touched[key] = self._last
        self._touched.move_to_end(key)
        self._news.set()
        if len(self._touched) > self._kept:
            oldest = next(iter(self._touched))
            self._floor = self._touched.pop(oldest)

    async def after(self, number: int) -> None:
        """Return when a change after *number* was given its own."""
        while self._last <= number:
            self._news.clear()
            await self._news.wait()

    def number_of(self, key: Key) -> int:
        """Return the number of the last change of *key*; the oldest kept when that is forgotten."""
        return self._touched.get(key, self._floor)

    def since(self, number: int, limit: int) -> Touched | None:
        """Return what changed after *number*, at most *limit* things; None where that is not known any more."""
        if not self._floor <= number <= self._last:
            return None
        newest_first = []
        for key, changed in reversed(self._touched.items()):
            if changed <= number:
                break
            newest_first.append((key, changed))
        part = newest_first[::-1][:limit]
        return Touched(
            changes=tuple(part),
            number=part[-1][1] if part else self._last,
            more=len(newest_first) > limit,
        )

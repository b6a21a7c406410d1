"""Writes down what lookups tell: in order, many of them in one transaction, until it worked."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from services.calibration.apply import Applied, Told, apply_told
from services.calibration.ports import TaskStore, Tx
from services.clock import Clock
from services.errors import StoreUnavailable

T = TypeVar("T")
_LONGEST_PAUSE = 30.0  # seconds between two tries while the database cannot be written
_MOST_TOGETHER = 256  # words in one transaction: beyond it more only make others wait


@dataclass(eq=False, slots=True)
class _Entry:
    """What was told together, and who waits until it is stored."""

    told: Sequence[Told]
    done: asyncio.Future[None]


class Journal:
    """Owned by the runner. *applied* hears what each transaction changed, before who told it goes on."""

    def __init__(self, tasks: TaskStore, clock: Clock, applied: Callable[[Applied], None]) -> None:
        self._tasks = tasks
        self._clock = clock
        self._applied = applied
        self._waiting: list[_Entry] = []
        self._some = asyncio.Event()
        self._closing = asyncio.Event()
        self._writing: asyncio.Task[None] | None = None

    def open(self) -> None:
        self._writing = asyncio.create_task(self._write_all(), name="journal")

    def give_up(self) -> None:
        """From now on try nothing twice: what the store does not take is looked up again at the next start."""
        self._closing.set()

    async def close(self) -> None:
        """Return when it has ended; nobody waits for it any more."""
        if self._writing is not None:
            self._writing.cancel()
            await asyncio.wait([self._writing])

    async def tell(self, *told: Told) -> None:
        """Return when it is stored, or given up. Raises what else went wrong, such as a value no database takes."""
        entry = _Entry(told, asyncio.get_running_loop().create_future())
        self._waiting.append(entry)
        self._some.set()
        await entry.done

    async def read(self, fn: Callable[[Tx], Awaitable[T]]) -> T | None:
        """Read until it worked; None when it was given up."""
        return await self._until_it_works(lambda: self._tasks.read(fn))

    async def _write_all(self) -> None:
        while True:
            await self._some.wait()
            entries = self._take()
            try:
                await self._write(entries)
            except Exception as error:  # noqa: BLE001 - it is told, whole, to whom it concerns
                await self._write_apart(entries, error)

    def _take(self) -> list[_Entry]:
        size, many = 0, 0
        for entry in self._waiting:
            if many and size + len(entry.told) > _MOST_TOGETHER:
                break
            size, many = size + len(entry.told), many + 1
        entries, self._waiting = self._waiting[:many], self._waiting[many:]
        if not self._waiting:
            self._some.clear()
        return entries

    async def _write_apart(self, entries: list[_Entry], error: Exception) -> None:
        """One of *entries* is bad: each is written for itself, so that it spoils no other."""
        if len(entries) == 1:
            _settle(entries, error)
            return
        for entry in entries:
            try:
                await self._write([entry])
            except Exception as own:  # noqa: BLE001 - the same
                _settle([entry], own)

    async def _write(self, entries: list[_Entry]) -> None:
        told, now = [one for entry in entries for one in entry.told], self._clock.now()
        applied = await self._until_it_works(lambda: self._tasks.write(lambda tx: apply_told(tx, told, now)))
        if applied is not None:
            self._applied(applied)
        _settle(entries)

    async def _until_it_works(self, attempt: Callable[[], Awaitable[T]]) -> T | None:
        """What was accepted is not given up because the disk is full for a while."""
        pause = 1.0
        while True:
            try:
                return await attempt()
            except StoreUnavailable:  # the store tells the log, once
                if self._closing.is_set():
                    return None
            await self._pause(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def _pause(self, seconds: float) -> None:
        """Return after *seconds*, or as soon as there is no more time because of closing."""
        waits = [asyncio.ensure_future(self._clock.sleep(seconds)), asyncio.ensure_future(self._closing.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()


def _settle(entries: list[_Entry], error: Exception | None = None) -> None:
    for entry in entries:
        if entry.done.done():
            continue
        if error is None:
            entry.done.set_result(None)
        else:
            entry.done.set_exception(error)

"""Who is next: fair shares of the slots among notebooks, and among the tasks of each. Pure."""

import heapq
import itertools
from collections import Counter, deque
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from services.torrents import NotebookId, TaskId

K = TypeVar("K", bound=Hashable)
W = TypeVar("W")

_RESERVED = 10  # one slot in ten
_FEW = 5


@dataclass(frozen=True, slots=True)
class Share:
    """Whose slot it is."""

    notebook: NotebookId
    task: TaskId


class _Turns(Generic[K]):
    """Those who are in line: who holds the fewest slots first; of several, who has waited longest for a turn."""

    def __init__(self) -> None:
        self.held: Counter[K] = Counter()
        self._tickets: dict[K, int] = {}
        self._heap: list[tuple[int, int, K]] = []  # with places that were given up since: see _tickets
        self._next = itertools.count()

    def __bool__(self) -> bool:
        return bool(self._tickets)

    def line_up(self, key: K) -> None:
        if key not in self._tickets:
            self._place(key)

    def leave(self, key: K) -> None:
        self._tickets.pop(key, None)

    def hold(self, key: K, more: int) -> None:
        """Count *more* slots (or fewer) as held by *key*, which takes another place if it is in line."""
        self.held[key] += more
        if not self.held[key]:
            del self.held[key]
        if key in self._tickets:
            self._place(key)

    def in_order(self) -> Iterator[K]:
        """Yield the first; and, for as long as one asks, whoever comes then. Nobody leaves by that."""
        passed = []
        try:
            while self._heap:
                entry = heapq.heappop(self._heap)
                if self._tickets.get(entry[2]) == entry[1]:
                    passed.append(entry)
                    yield entry[2]
        finally:
            for entry in passed:
                heapq.heappush(self._heap, entry)

    def _place(self, key: K) -> None:
        ticket = self._tickets[key] = next(self._next)
        heapq.heappush(self._heap, (self.held[key], ticket, key))


class FairLine(Generic[W]):
    """Work in line, and who holds the *slots*.

    Who holds the fewest slots is next, so that two notebooks with batches get equal parts. One slot in ten is for
    tasks that hold few: else a batch of dead torrents would have all of them, for a minute, when a single one comes.
    """

    def __init__(self, slots: int) -> None:
        self._reserved = slots // _RESERVED
        self._notebooks: _Turns[NotebookId] = _Turns()
        self._tasks: dict[NotebookId, _Turns[TaskId]] = {}
        self._work: dict[Share, deque[W]] = {}

    def put(self, share: Share, work: W) -> None:
        """Let *work* stand in line behind what its task has there."""
        self._work.setdefault(share, deque()).append(work)
        self._tasks.setdefault(share.notebook, _Turns()).line_up(share.task)
        self._notebooks.line_up(share.notebook)

    def take(self, free: int) -> tuple[Share, W] | None:
        """Take what is next while *free* slots are; None where nothing is in line for them."""
        share = self._first(few=free <= self._reserved)
        if share is None:
            return None
        work = self._work[share].popleft()
        if not self._work[share]:
            self._leave(share)
        return share, work

    def hold(self, share: Share) -> None:
        """Count a slot as held by *share*."""
        self._tasks.setdefault(share.notebook, _Turns()).hold(share.task, 1)
        self._notebooks.hold(share.notebook, 1)

    def free(self, share: Share) -> None:
        """Count it as free again."""
        tasks = self._tasks[share.notebook]
        tasks.hold(share.task, -1)
        self._notebooks.hold(share.notebook, -1)
        self._forget(share.notebook)

    def _first(self, *, few: bool) -> Share | None:
        for notebook in self._notebooks.in_order():
            tasks = self._tasks[notebook]
            task = next(tasks.in_order())
            if not few or tasks.held[task] < _FEW:
                return Share(notebook, task)
        return None

    def _leave(self, share: Share) -> None:
        del self._work[share]
        tasks = self._tasks[share.notebook]
        tasks.leave(share.task)
        if not tasks:
            self._notebooks.leave(share.notebook)
            self._forget(share.notebook)

    def _forget(self, notebook: NotebookId) -> None:
        tasks = self._tasks[notebook]
        if not tasks and not tasks.held:
            del self._tasks[notebook]

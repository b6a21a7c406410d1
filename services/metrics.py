"""How the bot is doing: what waits and what is at work now, and what the lookups of a time took and came to."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeVar

from services.calibration.manager import AsyncCalibrationManager
from services.calibration.task import Snapshot, State
from services.clock import Clock
from services.torrents import NotebookId, PersonId

T = TypeVar("T")
_DAY = 86400.0
PERIOD_SECONDS = 30 * _DAY
_FOUND = "found"
_LEFT = "cancelled"
_REMEMBERED = 3.0  # seconds
_MOST_REMEMBERED = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """How long *lookups* waited in line, in seconds; None where there was none."""

    lookups: int
    average: float | None
    p95: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceTimes:
    """How many names a source found, and the seconds from the beginning of such a lookup to its name."""

    source: str
    found: int
    p50: float
    p95: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """How many lookups found a name, and how many ended without one. Those that were stopped are neither."""

    found: int = 0
    missed: int = 0


@dataclass(frozen=True, slots=True)
class Day:
    """What the lookups came to that ended on a day of UTC, which began at *start* (seconds since 1970)."""

    start: float
    ends: Ends


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What there is to count.

    *waiting* and *at_work*: items now. The rest is about the lookups of the last *seconds*; a name that was known
    needed none. *outcomes* are counts by code, the most frequent first: ``found``, ``cancelled`` (everybody who waited
    left it), or a failure's. *by_day* has a line for each day up to today, which is not over.
    """

    waiting: int
    at_work: int
    seconds: float
    waits: Waits
    by_source: tuple[SourceTimes, ...]
    outcomes: Mapping[str, int]
    by_day: tuple[Day, ...] = ()

    @property
    def success_share(self) -> float | None:
        """Found, of those that came to an end by themselves; None where none did."""
        return self.share(self.outcomes.get(_FOUND, 0))

    def share(self, found: int) -> float | None:
        """Return *found* of those that came to an end by themselves; None where none did."""
        ended = sum(many for outcome, many in self.outcomes.items() if outcome != _LEFT)
        return found / ended if ended else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """The first *tasks* under way *at* a time, of *many*: those at work before those that wait."""

    tasks: tuple[Snapshot, ...]
    many: int
    at: float


class LookupFigures(Protocol):
    """What the lookups since a time (seconds since 1970) add up to. A percentile is a value that was measured."""

    async def waits(self, since: float) -> Waits: ...
    async def by_source(self, since: float) -> Sequence[SourceTimes]:
        """Return a line for each source that found a name, the busiest first."""

    async def outcomes(self, since: float) -> Mapping[str, int]:
        """Return how many ended how, the most frequent first."""

    async def by_day(self, since: float) -> Mapping[int, Ends]:
        """Return the days of UTC (from 1970 on, from 0) on which any ended."""


class ServedFigures(Protocol):
    """What the lookups were to notebooks: their tasks' own wait, time and end, whoever else waited for them."""

    def of(self, notebooks: Collection[NotebookId]) -> LookupFigures:
        """Return what they were to these."""


class MetricsTx(Protocol):
    """One transaction, as the figures see it."""

    @property
    def lookups(self) -> LookupFigures: ...
    @property
    def served(self) -> ServedFigures: ...


class MetricsStore(Protocol):
    """Where the figures are read."""

    async def read(self, fn: Callable[[MetricsTx], Awaitable[T]]) -> T:
        """Run *fn* on a consistent view of what is committed. Raises StoreUnavailable."""


@dataclass(slots=True)
class _Answer:
    """What a question was answered with, while that is *good_until*; one asker at a time counts."""

    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    good_until: float = 0.0
    figures: Figures | None = None


class Metrics:
    """Counts when it is asked; who asks the same meanwhile, or soon after, has the same answer."""

    def __init__(self, store: MetricsStore, manager: AsyncCalibrationManager, clock: Clock) -> None:
        self._store = store
        self._manager = manager
        self._clock = clock
        self._counting = asyncio.Lock()  # many rows take long to count, and others have something to read, too
        self._answers: OrderedDict[tuple[float, frozenset[NotebookId] | None], _Answer] = OrderedDict()

    async def queue(self, *, notebook: NotebookId | None = None, asked_by: PersonId | None = None, most: int) -> Queue:
        """Return the first *most* tasks under way, of this notebook and person where they are given."""
        tasks, many = await self._manager.live_tasks(notebook=notebook, asked_by=asked_by, limit=most)
        return Queue(tasks=tuple(tasks), many=many, at=self._clock.now())

    async def figures(
        self, seconds: float = PERIOD_SECONDS, *, notebooks: Collection[NotebookId] | None = None
    ) -> Figures:
        """Return the figures of now and of the last *seconds*; with *notebooks*, of their tasks alone.

        Raises:
            StoreUnavailable: nothing can be read now.
        """
        question = seconds, None if notebooks is None else frozenset(notebooks)
        answer = self._answers.setdefault(question, _Answer())
        self._answers.move_to_end(question)
        if len(self._answers) > _MOST_REMEMBERED:
            self._answers.popitem(last=False)
        async with answer.turn:
            if answer.figures is None or answer.good_until <= self._clock.monotonic():
                async with self._counting:
                    answer.figures = await self._count(*question)
                answer.good_until = self._clock.monotonic() + _REMEMBERED
            return answer.figures

    async def _count(self, seconds: float, notebooks: Collection[NotebookId] | None) -> Figures:
        now = self._clock.now()
        since = now - seconds
        days = range(int(now // _DAY) - round(seconds / _DAY) + 1, int(now // _DAY) + 1)

        async def read(tx: MetricsTx) -> Figures:
            lookups = tx.lookups if notebooks is None else tx.served.of(notebooks)
            on = await lookups.by_day(days.start * _DAY)
            return Figures(
                waiting=0,
                at_work=0,
                seconds=seconds,
                waits=await lookups.waits(since),
                by_source=tuple(await lookups.by_source(since)),
                outcomes=await lookups.outcomes(since),
                by_day=tuple(Day(day * _DAY, on.get(day, Ends())) for day in days),
            )

        figures = await self._store.read(read)
        live = await self._manager.live_items(notebooks)
        return replace(figures, waiting=live.get(State.PENDING, 0), at_work=live.get(State.RUNNING, 0))

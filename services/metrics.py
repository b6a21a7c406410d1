"""How the bot is doing: what waits and what is at work now, and what the lookups of a time took and came to."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from services.calibration.manager import AsyncCalibrationManager
from services.calibration.task import Snapshot, State
from services.clock import Clock
from services.torrents import NotebookId, PersonId

T = TypeVar("T")
PERIOD_SECONDS = 30 * 86400.0
_FOUND = "found"
_LEFT = "cancelled"


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
class Figures:
    """What there is to count.

    *waiting* and *at_work*: items now. The rest is about the lookups of the last *seconds*; a name that was known
    needed none. *outcomes* are counts by code, the most frequent first: ``found``, ``cancelled`` (everybody who waited
    left it), or a failure's.
    """

    waiting: int
    at_work: int
    seconds: float
    waits: Waits
    by_source: tuple[SourceTimes, ...]
    outcomes: Mapping[str, int]

    @property
    def success_share(self) -> float | None:
        """Found, of those that came to an end by themselves; None where none did."""
        ended = sum(many for outcome, many in self.outcomes.items() if outcome != _LEFT)
        return self.outcomes.get(_FOUND, 0) / ended if ended else None


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


class MetricsTx(Protocol):
    """One transaction, as the figures see it."""

    @property
    def lookups(self) -> LookupFigures: ...


class MetricsStore(Protocol):
    """Where the figures are read."""

    async def read(self, fn: Callable[[MetricsTx], Awaitable[T]]) -> T:
        """Run *fn* on a consistent view of what is committed. Raises StoreUnavailable."""


class Metrics:
    """Counts when it is asked; keeps nothing."""

    def __init__(self, store: MetricsStore, manager: AsyncCalibrationManager, clock: Clock) -> None:
        self._store = store
        self._manager = manager
        self._clock = clock

    async def queue(self, *, notebook: NotebookId | None = None, asked_by: PersonId | None = None, most: int) -> Queue:
        """Return the first *most* tasks under way, of this notebook and person where they are given."""
        tasks, many = await self._manager.live_tasks(notebook=notebook, asked_by=asked_by, limit=most)
        return Queue(tasks=tuple(tasks), many=many, at=self._clock.now())

    async def figures(self, seconds: float = PERIOD_SECONDS) -> Figures:
        """Return the figures of now and of the last *seconds*. Raises StoreUnavailable."""
        since = self._clock.now() - seconds

        async def read(tx: MetricsTx) -> tuple[Waits, Sequence[SourceTimes], Mapping[str, int]]:
            lookups = tx.lookups
            return await lookups.waits(since), await lookups.by_source(since), await lookups.outcomes(since)

        waits, by_source, outcomes = await self._store.read(read)
        now = await self._manager.live_items()
        return Figures(
            waiting=now.get(State.PENDING, 0),
            at_work=now.get(State.RUNNING, 0),
            seconds=seconds,
            waits=waits,
            by_source=tuple(by_source),
            outcomes=outcomes,
        )

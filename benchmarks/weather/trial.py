"""One trial: who looked which names up, in which weather, and how that went beside the floor."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.peers.port import Missing
from benchmarks.swarm_process import Sought
from benchmarks.timing import percentile
from benchmarks.weather.climate import CALM, STORM, Climate
from benchmarks.weather.network import Placed, Way
from benchmarks.weather.searching import Order, Outcome, ready
from benchmarks.weather.simulator import Simulator, Strain

LIARS = {"honest": 0.02, "liars": 0.15}
CLIMATES = {"calm": CALM, "storm": STORM}
STARTS = ("warm", "cold")

PATIENCE = 60.0
SOON = 30.0

_APART = 0.5
_WARMING = 20
_MOST_LATE = 0.02
_LATEST = 0.2


@dataclass(frozen=True, slots=True)
class Trial:
    """*climate*, *liars* and *start* are words of the above; *who* is one of `searchers.PROGRAMS`."""

    climate: str
    liars: str
    start: str
    way: Way
    who: str

    @property
    def weather(self) -> Climate:
        return CLIMATES[self.climate].with_liars(LIARS[self.liars])

    @property
    def words(self) -> tuple[str, ...]:
        return (self.climate, self.liars, self.start, self.way, self.who)


@dataclass(frozen=True, slots=True)
class Result:
    """What a trial brought; *floors*, like the outcome's seconds, name by name."""

    trial: Trial
    outcome: Outcome
    floors: tuple[float, ...]
    strain: Strain

    @property
    def _seconds(self) -> list[float]:
        return [math.inf if one is None else one for one in self.outcome.seconds]

    def seconds(self, share: float) -> float:
        """Return the seconds within which *share* of the names were found; infinite where fewer were."""
        return percentile(self._seconds, share)

    def floor(self, share: float) -> float:
        return percentile(self.floors, share)

    def ratio(self, share: float) -> float:
        return self.seconds(share) / self.floor(share)

    def found(self, within: float) -> float:
        """Return the share of the names that were found within so many seconds."""
        return sum(one <= within for one in self._seconds) / len(self._seconds)

    @property
    def questions(self) -> float:
        """The DHT's datagrams a name, those that keep it alive included."""
        return self.strain.asked / len(self.floors)

    @property
    def strained(self) -> str:
        """Why the simulator was what held the names up; empty where it was not."""
        if self.strain.late > _MOST_LATE or self.strain.latest > _LATEST:
            return (
                f"it answered late: {self.strain.late * 1e3:.0f} ms (99 %), {self.strain.latest * 1e3:.0f} ms at worst"
            )
        return f"the kernel dropped {self.strain.dropped} datagrams" if self.strain.dropped else ""


async def tried(trial: Trial, network: Simulator, names: int) -> Result:
    """Make *trial* in its *network*. Raises Missing."""
    placed = await network.place(_WARMING, names, trial.way)
    warm = trial.start == "warm"
    before = await network.place(0, _WARMING, trial.way) if warm else []
    order = Order(
        who=trial.who,
        routers=network.routers if trial.way != "trackers" else (),
        warming=_sought(before),
        names=_sought(placed),
        apart=_APART if warm else 0.0,
        patience=PATIENCE,
    )
    async with ready(order) as searcher:
        await network.strain()  # from here on
        outcome = await searcher.go()
        strain = await network.strain()
    floors = tuple(one.warm if warm else one.cold for one in placed)
    return Result(trial, outcome, floors, strain)


def _sought(placed: Sequence[Placed]) -> tuple[Sought, ...]:
    return tuple(Sought(hash=one.hash, trackers=one.trackers) for one in placed)


__all__ = ["Missing", "Result", "Trial", "tried"]

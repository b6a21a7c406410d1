"""One trial: who looked which names up, in which weather, and how that went beside the floor."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.peers.port import Missing
from benchmarks.swarm_process import Sought
from benchmarks.timing import percentile
from benchmarks.weather.climate import CALM, STORM, Climate
from benchmarks.weather.network import WAYS, Placed, Way
from benchmarks.weather.searching import Order, Outcome, ready
from benchmarks.weather.simulator import Simulator, Strain

LIARS = {"honest": 0.02, "liars": 0.15}
CLIMATES = {"calm": CALM, "storm": STORM}
STARTS = ("warm", "cold")

PATIENCE = 60.0
SOON = 30.0

MOST_NAMES = 400

_MANY = 4
_APART = 0.5
_WARMING = 20
_MOST_LATE = 0.03
_LATEST = 0.1


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

    def names(self, usual: int) -> int:
        """Return how many names it looks up, where others look up *usual*.

        Calibot's warm ones in the usual weather are many: the slowest twentieth of sixty is three names, and another
        three each time.
        """
        is_usual = (self.climate, self.liars, self.start, self.who) == ("calm", "honest", "warm", "calibot")
        return min(_MANY * usual, MOST_NAMES) if is_usual else usual

    @property
    def words(self) -> tuple[str, ...]:
        return (self.climate, self.liars, self.start, self.way, self.who)


@dataclass(frozen=True, slots=True)
class Result:
    """What a trial brought; *placed*, like the outcome's seconds, name by name. *asked*: the DHT's datagrams."""

    trial: Trial
    outcome: Outcome
    placed: tuple[Placed, ...]
    asked: int

    @property
    def floors(self) -> list[float]:
        return [one.warm if self.trial.start == "warm" else one.cold for one in self.placed]

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

    def slowest(self, share: float) -> list[Placed]:
        """Return that *share* of the names that took longest, those never found first."""
        ranked = sorted(range(len(self.placed)), key=self._seconds.__getitem__, reverse=True)
        return [self.placed[number] for number in ranked[: math.ceil(share * len(ranked))]]

    @property
    def questions(self) -> float:
        """The DHT's datagrams a name, those that keep it alive included."""
        return self.asked / len(self.placed)

    @property
    def cpu(self) -> float:
        """Seconds of CPU a name."""
        return self.outcome.cpu / len(self.placed)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A trial whose torrents are in the network, for whoever is at *host*."""

    trial: Trial
    host: str
    warming: tuple[Placed, ...]
    placed: tuple[Placed, ...]


async def prepared(trial: Trial, network: Simulator, usual: int, host: str) -> Prepared:
    """Put the torrents of *trial* into *network*, *usual* ones or more to measure by and some to warm up with."""
    names = trial.names(usual)
    first = WAYS.index(trial.way) * (names + _WARMING)
    placed = await network.place(first, _WARMING + names, trial.way)
    warming = placed[:_WARMING] if trial.start == "warm" else []
    return Prepared(trial, host, tuple(warming), tuple(placed[_WARMING:]))


async def tried(made: Prepared, network: Simulator, patience: float) -> Result:
    """Make the trial in its *network*; names not found within *patience* seconds are given up. Raises Missing."""
    trial = made.trial
    order = Order(
        who=trial.who,
        host=made.host,
        routers=network.routers if trial.way != "trackers" else (),
        warming=_sought(made.warming),
        names=_sought(made.placed),
        apart=_APART if trial.start == "warm" else 0.0,
        patience=patience,
    )
    async with ready(order) as searcher:
        await network.asked_by(made.host)  # from here on
        outcome = await searcher.go()
        asked = await network.asked_by(made.host)
    if order.routers and not asked:
        raise Missing("it asked the DHT nothing at all, as if it had no network")
    return Result(trial, outcome, made.placed, asked)


def strained(strain: Strain) -> str:
    """Return why the simulator was what held the names up; empty where it was not."""
    if strain.late > _MOST_LATE or strain.latest > _LATEST:
        return f"it answered {strain.late * 1e3:.0f} ms too late (99 %), {strain.latest * 1e3:.0f} ms (99.9 %)"
    return f"the kernel dropped {strain.dropped} datagrams" if strain.dropped else ""


def _sought(placed: Sequence[Placed]) -> tuple[Sought, ...]:
    return tuple(Sought(hash=one.hash, trackers=one.trackers) for one in placed)

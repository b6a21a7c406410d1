"""Names: 1, 100 and 1,000 by a tracker, 20 by the DHT, and what a lookup that nobody answers costs in memory."""

import asyncio
import contextlib
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from benchmarks.figures import Figure, Section, Target
from benchmarks.peers.aria2 import Aria2
from benchmarks.peers.calibot import Calibot
from benchmarks.peers.floor import Floor
from benchmarks.peers.magnet2torrent import Magnet2Torrent
from benchmarks.peers.port import Finder, Missing, Peer
from benchmarks.peers.qbittorrent import Qbittorrent
from benchmarks.peers.stock import Stock, Urged
from benchmarks.processes import ask, module, running
from benchmarks.scale import Scale
from benchmarks.swarm_process import RemoteSwarm, Sought, remote_swarm
from benchmarks.timing import interleaved, percentile

CALIBOT, STOCK = Calibot(), Stock()
FLOOR, FLOOR_IN_DHT = Floor(), Urged()
PEERS: Sequence[Peer] = (CALIBOT, FLOOR, FLOOR_IN_DHT, STOCK, Aria2(), Qbittorrent(), Magnet2Torrent())

_MOST = 0.99
_BAD = 80
_TARGETS = {1: 1.5, 100: 1.5, 1_000: 1.2}
_BY_TRACKER = (
    "the sessions' threads, the loop that hears of each outcome, and the swarm's process are more than the machine has "
    "cores"
)
_BY_DHT = (
    "the swarm's nodes answer each lookup on the cores that calibot has, too; what stands beside it is one libtorrent "
    "that does nothing else"
)


class _Runner:
    """One peer's runs, each with a rest after it, in which it takes out what it had: that weighs on no other's time.

    Whoever has once not found all within the patience is not asked again: its figure stands.
    """

    def __init__(
        self, finder: Finder, sought: Callable[[], Awaitable[Sequence[Sought]]], patience: float, rest: float
    ) -> None:
        self._finder = finder
        self._sought = sought
        self._patience = patience
        self._rest = rest
        self.short: int | None = None
        """How many it found, where it did not find all."""
        self.most: list[float] = []
        """The seconds after which it had 99 of 100, a run each."""
        self.cpu: list[float] = []
        """The seconds that this process has computed, the rest included, a run each."""

    async def __call__(self) -> float:
        if self.short is not None:
            return self._patience
        sought = await self._sought()
        computed = time.process_time()
        times = await self._finder.find(sought, self._patience)
        await asyncio.sleep(self._rest)
        self.cpu.append(time.process_time() - computed)
        if len(times) < len(sought):
            self.short = len(times)
            return self._patience
        self.most.append(percentile(times, _MOST))
        return times[-1]


async def by_tracker(scale: Scale) -> Section:
    section = Section("Names by an HTTP tracker")
    async with remote_swarm() as swarm:
        for count in scale.names:
            sought = await swarm.seed(count)

            async def same(sought: Sequence[Sought] = sought) -> Sequence[Sought]:
                return sought

            target = Target(bound=_TARGETS.get(count, 2), of_ratio=True)
            task = _Task(f"{_counted(count)} by tracker", count, same, target, beside=FLOOR.name)
            section.figures += await _found(section, swarm, scale, task)
    return section


async def by_dht(scale: Scale) -> Section:
    section = Section("Names by the DHT")
    async with remote_swarm() as swarm:

        async def fresh() -> Sequence[Sought]:  # by the DHT one also finds those who asked before
            return await swarm.seed(scale.dht_names, "dht")

        what, target = f"{_counted(scale.dht_names)} by the DHT", Target(bound=0.020, unit="s")
        task = _Task(what, scale.dht_names, fresh, target, beside=FLOOR_IN_DHT.name, dht=True)
        section.figures += await _found(section, swarm, scale, task)
    return section


async def among_bad(scale: Scale) -> Section:
    """Measure one name that one good peer has among eighty bad ones."""
    section = Section("A good peer among bad ones")
    async with remote_swarm() as swarm:

        async def fresh() -> Sequence[Sought]:
            return await swarm.seed(1, bad=_BAD)

        what, target = f"1 name, a good peer among {_BAD} bad", Target(bound=0.010, unit="s")
        section.figures += await _found(section, swarm, scale, _Task(what, 1, fresh, target, beside=STOCK.name))
    return section


@dataclass(frozen=True, slots=True)
class _Task:
    """So many names to find, what is wanted of calibot, and whom it stands *beside*."""

    what: str
    count: int
    sought: Callable[[], Awaitable[Sequence[Sought]]]
    target: Target
    beside: str
    dht: bool = False

    def of_ours(self, values: Mapping[str, float], share: str = "") -> Figure:
        return Figure(
            what=f"{share}{self.what}: calibot",
            value=values[CALIBOT.name],
            unit="s",
            beside=self.beside,
            other=values.get(self.beside),
            target=self.target,
            cause=_BY_DHT if self.dht else _BY_TRACKER,
        )


async def _found(section: Section, swarm: RemoteSwarm, scale: Scale, task: _Task) -> list[Figure]:
    async with contextlib.AsyncExitStack() as stack:
        runners: dict[str, _Runner] = {}
        for peer in (one for one in PEERS if one not in {FLOOR, FLOOR_IN_DHT} or one.name == task.beside):
            try:
                finder = await stack.enter_async_context(peer.open(swarm, dht=task.dht))
            except Missing as missing:
                section.missing[peer.name] = str(missing)
            else:
                runners[peer.name] = _Runner(finder, task.sought, scale.patience, scale.rest(task.count))
        await asyncio.sleep(scale.settle if task.dht else 0)
        gave = await interleaved(runners, scale.rounds)
    values = {name: statistics.median(seconds) for name, seconds in gave.items()}
    remarks = {
        name: f"once found {runner.short:,} of {task.count:,} in {scale.patience:.0f} s, asked no more"
        for name, runner in runners.items()
        if runner.short is not None
    }
    ours = values[CALIBOT.name]
    figures = [task.of_ours(values)]
    if task.count * (1 - _MOST) >= 1:
        early = {name: statistics.median(runner.most) for name, runner in runners.items() if runner.most}
        figures.append(task.of_ours(early, "99 % of "))
        if task.beside in runners:
            figures.append(_spent(task, runners))
    for name, value in values.items():
        if name not in {CALIBOT.name, FLOOR.name, FLOOR_IN_DHT.name}:  # it and its floor are one line
            remark = remarks.get(name, "")
            figures.append(
                Figure(what=f"{task.what}: {name}", value=value, unit="s", beside="calibot", other=ours, remark=remark)
            )
    return figures


def _spent(task: _Task, runners: Mapping[str, _Runner]) -> Figure:
    ours, other = (statistics.median(runners[name].cpu) for name in (CALIBOT.name, task.beside))
    what = f"CPU of {task.what}, until all have left: calibot"
    return Figure(what=what, value=ours, unit="s", beside=task.beside, other=other)


def _counted(count: int) -> str:
    return "1 name" if count == 1 else f"{count:,} names"


async def dead(scale: Scale) -> Section:
    """Measure each in a process of its own, which has done nothing else."""
    section = Section("A dead lookup's memory and CPU")
    spent: dict[str, list[float]] = {"calibot": [], "stock": []}
    async with remote_swarm() as swarm:

        async def grown(who: str) -> float:
            arguments = (who, str(scale.dead), str(scale.settle), swarm.tracker)
            async with running(*module("benchmarks.dead_lookups", *arguments), talks=True) as process:
                said = await ask(process)
                spent[who].append(said["cpu"] / scale.settle * 10)
                return float(said["bytes"]) / scale.dead

        gave = await interleaved({who: partial(grown, who) for who in spent}, scale.rounds)
    for what, unit, of, target in (
        (f"a lookup that nobody answers, of {scale.dead:,}", "B", gave, Target(bound=20_000, unit="B")),
        (f"CPU of {scale.dead:,} of them in 10 s", "s", spent, None),
    ):
        section.figures.append(
            Figure(
                what=what,
                value=statistics.median(of["calibot"]),
                unit=unit,
                beside=STOCK.name,
                other=statistics.median(of["stock"]),
                target=target,
                cause="beside libtorrent's torrent, each has in Python a lookup, what it has seen, a task and a future",
            )
        )
    return section


async def versions() -> dict[str, str]:
    """Return the versions of all who take part."""
    found = {}
    for peer in PEERS:
        with contextlib.suppress(Missing):
            if version := await peer.version():
                found[peer.name] = version
    return found

"""Names: 1, 100 and 1,000 by a tracker, 20 by the DHT, and what a lookup that nobody answers costs in memory."""

import asyncio
import contextlib
import statistics
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from benchmarks.figures import Figure, Section, Target
from benchmarks.peers.aria2 import Aria2
from benchmarks.peers.calibot import Calibot
from benchmarks.peers.floor import Floor
from benchmarks.peers.magnet2torrent import Magnet2Torrent
from benchmarks.peers.port import Finder, Missing, Peer
from benchmarks.peers.qbittorrent import Qbittorrent
from benchmarks.peers.stock import Stock
from benchmarks.processes import ask, module, running
from benchmarks.scale import Scale
from benchmarks.swarm_process import RemoteSwarm, Sought, remote_swarm
from benchmarks.timing import interleaved, percentile

CALIBOT, FLOOR, STOCK = Calibot(), Floor(), Stock()
PEERS: Sequence[Peer] = (CALIBOT, FLOOR, STOCK, Aria2(), Qbittorrent(), Magnet2Torrent())

_MOST = 0.99
_BY_TRACKER = (
    "each outcome goes from libtorrent's thread to the loop, and its info dictionary is decoded in another; with "
    "the swarm's, these are more threads than the machine has cores"
)
_TAIL = (
    "the last few of many wait for a time-out of uTP before they are connected by TCP (99 % are there long before); "
    "with outgoing uTP off the last of 1,000 came after 1.4 to 2.0 s instead of 4.3 to 6.2 s, but a peer that speaks "
    "uTP alone is then never reached"
)
_BY_DHT = "calibot repeats the announces that a bootstrap has lost after 1, 2, 4 ... s"


class _Runner:
    """One peer's runs. Whoever has once not found all within the patience is not asked again: its figure stands."""

    def __init__(self, finder: Finder, sought: Callable[[], Awaitable[Sequence[Sought]]], patience: float) -> None:
        self._finder = finder
        self._sought = sought
        self._patience = patience
        self.short: int | None = None
        """How many it found, where it did not find all."""
        self.most: list[float] = []
        """The seconds after which it had 99 of 100, a run each."""

    async def __call__(self) -> float:
        if self.short is not None:
            return self._patience
        sought = await self._sought()
        times = await self._finder.find(sought, self._patience)
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

            figures = await _found(section, swarm, scale, f"{_counted(count)} by tracker", count, same, dht=False)
            section.figures += figures
    return section


async def by_dht(scale: Scale) -> Section:
    section = Section("Names by the DHT")
    async with remote_swarm() as swarm:

        async def fresh() -> Sequence[Sought]:  # by the DHT one also finds those who asked before
            return await swarm.seed(scale.dht_names, "dht")

        what = f"{_counted(scale.dht_names)} by the DHT"
        section.figures += await _found(section, swarm, scale, what, scale.dht_names, fresh, dht=True)
    return section


async def _found(
    section: Section,
    swarm: RemoteSwarm,
    scale: Scale,
    what: str,
    count: int,
    sought: Callable[[], Awaitable[Sequence[Sought]]],
    *,
    dht: bool,
) -> list[Figure]:
    async with contextlib.AsyncExitStack() as stack:
        runners: dict[str, _Runner] = {}
        for peer in PEERS:
            try:
                finder = await stack.enter_async_context(peer.open(swarm, dht=dht))
            except Missing as missing:
                section.missing[peer.name] = str(missing)
            else:
                runners[peer.name] = _Runner(finder, sought, scale.patience)
        await asyncio.sleep(scale.settle if dht else 0)
        gave = await interleaved(runners, scale.rounds)
    values = {name: statistics.median(seconds) for name, seconds in gave.items()}
    remarks = {
        name: f"once found {runner.short:,} of {count:,} in {scale.patience:.0f} s, asked no more"
        for name, runner in runners.items()
        if runner.short is not None
    }
    ours = values[CALIBOT.name]
    figures = [_ours(what, values, _BY_DHT if dht else _TAIL if count > 1 else _BY_TRACKER, dht=dht)]
    if count * (1 - _MOST) >= 1 and not dht:
        most = {name: runner.most for name, runner in runners.items() if runner.most}
        medians = {name: statistics.median(one) for name, one in most.items()}
        figures.append(_ours(f"99 % of {what}", medians, _BY_TRACKER))
    for name, value in values.items():
        if name not in {CALIBOT.name, FLOOR.name}:  # those two are one line
            remark = remarks.get(name, "")
            figures.append(
                Figure(what=f"{what}: {name}", value=value, unit="s", beside="calibot", other=ours, remark=remark)
            )
    return figures


def _ours(what: str, values: dict[str, float], cause: str, *, dht: bool = False) -> Figure:
    beside = STOCK.name if dht else FLOOR.name
    return Figure(
        what=f"{what}: calibot",
        value=values[CALIBOT.name],
        unit="s",
        beside=beside,
        other=values.get(beside),
        target=Target(bound=1 if dht else 2, of_ratio=True),
        cause=cause,
    )


def _counted(count: int) -> str:
    return "1 name" if count == 1 else f"{count:,} names"


async def memory(scale: Scale) -> Section:
    """Measure each in a process of its own, which has done nothing else."""
    section = Section("Memory of a dead lookup")
    async with remote_swarm() as swarm:

        async def grown(who: str) -> float:
            arguments = (who, str(scale.dead), str(scale.settle), swarm.tracker)
            async with running(*module("benchmarks.dead_lookups", *arguments), talks=True) as process:
                return float(await ask(process)) / scale.dead

        gave = await interleaved({who: partial(grown, who) for who in ("calibot", "stock")}, scale.rounds)
    section.figures.append(
        Figure(
            what=f"a lookup that nobody answers, of {scale.dead:,}",
            value=statistics.median(gave["calibot"]),
            unit="B",
            beside=STOCK.name,
            other=statistics.median(gave["stock"]),
            target=Target(bound=20_000, unit="B"),
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

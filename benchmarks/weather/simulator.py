"""The simulated network in a process of its own: `Simulator` is what whoever measures has of it."""

import asyncio
import contextlib
import dataclasses
import gc
import json
import resource
import sys
from array import array
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.processes import answer, ask, module, running
from benchmarks.timing import percentile
from benchmarks.weather.climate import Climate
from benchmarks.weather.network import Network, Placed, Way

_BEAT = 0.01
_ALL_UDP = Path("/proc/net/udp")


@dataclass(frozen=True, slots=True, kw_only=True)
class Strain:
    """How the simulator fared since it was last asked.

    Args:
        asked: how many datagrams came to the DHT's nodes.
        late: seconds; 99 of 100 answers were sent no later than that after their time.
        latest: seconds, the worst of them.
        dropped: datagrams that the kernel had no room for, since the beginning.
    """

    asked: int
    late: float
    latest: float
    dropped: int


@dataclass(frozen=True, slots=True)
class Simulator:
    """A network in another process. *routers* as ``host:port``."""

    process: Process
    routers: tuple[str, ...]

    async def place(self, first: int, count: int, way: Way) -> list[Placed]:
        """Return *count* torrents from number *first* on, which are found by *way* alone from now on."""
        placed = await ask(self.process, {"first": first, "count": count, "way": way})
        return [Placed(**one | {"trackers": tuple(one["trackers"])}) for one in placed]

    async def strain(self) -> Strain:
        return Strain(**await ask(self.process, {}))


@contextlib.asynccontextmanager
async def simulator(climate: Climate, seed: int, nodes: int) -> AsyncIterator[Simulator]:
    wanted = json.dumps({"climate": dataclasses.asdict(climate), "seed": seed, "nodes": nodes})
    async with running(*module("benchmarks.weather.simulator", wanted), talks=True) as process:
        yield Simulator(process, tuple(await ask(process)))


async def _serve(climate: Climate, seed: int, nodes: int) -> None:
    async with Network(climate, seed, nodes) as network:
        gc.disable()  # a collection in the middle would hold up every answer; the process does not live long
        answer(network.routers)
        beats = array("f")
        beating = asyncio.create_task(_beat(beats))
        lines = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
        while line := await lines.readline():
            answer(_answered(network, beats, json.loads(line)))
        beating.cancel()
        await asyncio.wait([beating])


def _answered(network: Network, beats: "array[float]", asked: Mapping[str, Any]) -> object:
    if asked:
        numbers = range(asked["first"], asked["first"] + asked["count"])
        return [dataclasses.asdict(network.place(number, asked["way"])) for number in numbers]
    late = [*network.late(), *beats]
    del beats[:]
    return dataclasses.asdict(
        Strain(asked=network.dht.taken(), late=percentile(late, 0.99), latest=max(late), dropped=_dropped())
    )


async def _beat(beats: "array[float]") -> None:
    """Note how late the loop is, again and again."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + _BEAT
        await asyncio.sleep(_BEAT)
        beats.append(max(0.0, loop.time() - due))


def _dropped() -> int:
    return sum(int(line.split()[-1]) for line in _ALL_UDP.read_text("ascii").splitlines()[1:])


if __name__ == "__main__":
    _wanted = json.loads(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    asyncio.run(_serve(Climate(**_wanted["climate"]), _wanted["seed"], _wanted["nodes"]))

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
from dataclasses import dataclass, field
from typing import Any

from benchmarks.processes import answer, ask, module, running
from benchmarks.timing import percentile
from benchmarks.weather.climate import Climate
from benchmarks.weather.network import Network, Placed, Way

_BEAT = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Strain:
    """How the simulator fared since it was last asked.

    Args:
        late: seconds; 99 of 100 answers were sent no later than that after their time.
        latest: the same of 999 of 1,000.
        dropped: datagrams that the kernel had no room for, since the beginning.
    """

    late: float
    latest: float
    dropped: int


@dataclass(frozen=True, slots=True)
class Simulator:
    """A network in another process. *routers* as ``host:port``."""

    process: Process
    routers: tuple[str, ...]
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def place(self, first: int, count: int, way: Way) -> list[Placed]:
        """Return *count* torrents from number *first* on, which are found by *way* alone from now on."""
        placed = await self._ask({"first": first, "count": count, "way": way})
        return [Placed(**one | {"trackers": tuple(one["trackers"])}) for one in placed]

    async def asked_by(self, host: str) -> int:
        """Return how many datagrams the DHT's nodes had from *host* since this was last asked."""
        asked: int = await self._ask({"host": host})
        return asked

    async def strain(self) -> Strain:
        return Strain(**await self._ask({}))

    async def _ask(self, question: object) -> Any:
        async with self._lock:
            return await ask(self.process, question)


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
    if "first" in asked:
        numbers = range(asked["first"], asked["first"] + asked["count"])
        return [dataclasses.asdict(network.place(number, asked["way"])) for number in numbers]
    if "host" in asked:
        return network.dht.asked_by(asked["host"])
    late = [0.0, *network.late(), *beats]
    del beats[:]
    return dataclasses.asdict(
        Strain(late=percentile(late, 0.99), latest=percentile(late, 0.999), dropped=network.dht.dropped())
    )


async def _beat(beats: "array[float]") -> None:
    """Note how late the loop is, again and again."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + _BEAT
        await asyncio.sleep(_BEAT)
        beats.append(max(0.0, loop.time() - due))


if __name__ == "__main__":
    _wanted = json.loads(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    asyncio.run(_serve(Climate(**_wanted["climate"]), _wanted["seed"], _wanted["nodes"]))

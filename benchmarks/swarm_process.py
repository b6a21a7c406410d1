"""The sandbox's swarm in a process of its own, so that nobody who is measured shares an interpreter with it."""

import asyncio
import contextlib
import json
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from benchmarks.processes import answer, ask, module, running
from sandbox.swarm import Swarm, Way, make_sample


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """A torrent to find the name of: its v1 info-hash in hex, and trackers where it is found by them."""

    hash: str
    trackers: tuple[str, ...] = ()

    @property
    def magnet(self) -> str:
        trackers = "".join(f"&tr={quote(url, safe='')}" for url in self.trackers)
        return f"magnet:?xt=urn:btih:{self.hash}{trackers}"


@dataclass(frozen=True, slots=True)
class RemoteSwarm:
    """A swarm in another process. *dht_nodes* as ``host:port``."""

    process: Process
    tracker: str
    dht_nodes: tuple[str, ...]

    async def seed(self, count: int, by: Way = "tracker") -> list[Sought]:
        """Return *count* new torrents that somebody has, found by one way alone."""
        trackers = (self.tracker,) if by == "tracker" else ()
        return [Sought(hash=one, trackers=trackers) for one in await ask(self.process, {"seed": count, "by": by})]


@contextlib.asynccontextmanager
async def remote_swarm() -> AsyncIterator[RemoteSwarm]:
    async with running(*module("benchmarks.swarm_process"), talks=True) as process:
        said = await ask(process)
        yield RemoteSwarm(process, said["tracker"], tuple(said["dht_nodes"]))


async def _serve() -> None:
    async with Swarm() as swarm:
        answer({"tracker": swarm.tracker_url, "dht_nodes": swarm.dht_nodes})
        lines = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
        while line := await lines.readline():
            asked = json.loads(line)
            answer(_seeded(swarm, asked["seed"], (asked["by"],)))


def _seeded(swarm: Swarm, count: int, by: Sequence[Way]) -> list[str | None]:
    return [swarm.seed(make_sample(f"三体 The Three-Body Problem {one}.mkv"), by=by).v1 for one in range(count)]


if __name__ == "__main__":
    asyncio.run(_serve())

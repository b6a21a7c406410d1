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
from sandbox.swarm.peers import Endpoint, Mute, Refusing


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

    async def seed(self, count: int, by: Way = "tracker", *, bad: int = 0) -> list[Sought]:
        """Return *count* new torrents that somebody has, found by one way alone.

        The way leads to so many *bad* peers, too: half of them refuse, half take a connection and say nothing.
        """
        trackers = (self.tracker,) if by == "tracker" else ()
        hashes = await ask(self.process, {"seed": count, "by": by, "bad": bad})
        return [Sought(hash=one, trackers=trackers) for one in hashes]


@contextlib.asynccontextmanager
async def remote_swarm() -> AsyncIterator[RemoteSwarm]:
    async with running(*module("benchmarks.swarm_process"), talks=True) as process:
        said = await ask(process)
        yield RemoteSwarm(process, said["tracker"], tuple(said["dht_nodes"]))


async def _serve() -> None:
    async with Swarm() as swarm, contextlib.AsyncExitStack() as stack:
        bad: list[Endpoint] = []
        answer({"tracker": swarm.tracker_url, "dht_nodes": swarm.dht_nodes})
        lines = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
        while line := await lines.readline():
            asked = json.loads(line)
            while len(bad) < asked["bad"]:
                bad.append(await _bad(len(bad), stack))
            answer(_seeded(swarm, asked["seed"], (asked["by"],), bad[: asked["bad"]]))


async def _bad(number: int, stack: contextlib.AsyncExitStack) -> Endpoint:
    host = f"127.0.4.{number + 1}"
    if number % 2:
        return (await stack.enter_async_context(Refusing(host))).endpoint
    return (await stack.enter_async_context(Mute(host))).endpoint


def _seeded(swarm: Swarm, count: int, by: Sequence[Way], bad: Sequence[Endpoint]) -> list[str | None]:
    samples = [make_sample(f"三体 The Three-Body Problem {one}.mkv") for one in range(count)]
    for sample in samples:
        for peer in bad:
            swarm.find(sample, peer, by)
        swarm.seed(sample, by=by)
    return [sample.v1 for sample in samples]


if __name__ == "__main__":
    asyncio.run(_serve())

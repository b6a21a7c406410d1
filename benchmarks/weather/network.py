"""The simulated network as one thing: its DHT, its trackers, its peers, and the floor of each name in it."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from random import Random
from typing import Literal, Self

from benchmarks.weather import floor
from benchmarks.weather.climate import Climate
from benchmarks.weather.crowd import torrent
from benchmarks.weather.dht import Dht
from benchmarks.weather.nodes import CLOSEST
from benchmarks.weather.peers import Peers
from benchmarks.weather.trackers import Trackers

Way = Literal["dht", "trackers", "both"]
WAYS: Sequence[Way] = ("dht", "trackers", "both")

_ROUTERS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A torrent of the network.

    Args:
        hash: its v1 info-hash in hex.
        trackers: their URLs, in the magnet's order.
        reached: how its good peers can be reached, as `crowd.Torrent.reached` has it.
        liars: how many of its peers lie.
        warm: seconds of its floor for whoever has used the DHT before.
        cold: the same for whoever has just been started.
    """

    hash: str
    trackers: tuple[str, ...]
    reached: str
    liars: int
    warm: float
    cold: float


class Network:
    """A network of so many *nodes*, drawn from *seed*, in this *climate*, from ``async with`` on."""

    def __init__(self, climate: Climate, seed: int, nodes: int = 1_000_000) -> None:
        self._climate = climate
        self._seed = seed
        self._random = Random(f"network {seed}")  # noqa: S311 - the same network each time
        self.dht = Dht(nodes, seed, climate)
        self.peers = Peers(seed, climate)
        self.trackers = Trackers(seed, climate)
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self.dht)
            await stack.enter_async_context(self.peers)
            await stack.enter_async_context(self.trackers)
            self._stack = stack.pop_all()
        self._routers = [self._some_node(port) for port in self.dht.ports[:_ROUTERS]]
        self._seeker = self._some_node(self.dht.ports[0])
        return self

    def _some_node(self, port: int) -> int:
        """Return a node that listens on *port*, and answers."""
        nodes = self.dht.nodes
        while True:
            node = self._random.randrange(len(nodes))
            if nodes.round_trip(node) and nodes.compact(node)[24:] == port.to_bytes(2, "big"):
                return node

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    @property
    def routers(self) -> list[str]:
        """The nodes to begin with, as ``host:port``."""
        places = (self.dht.nodes.compact(node)[20:] for node in self._routers)
        return [f"{'.'.join(map(str, place[:4]))}:{int.from_bytes(place[4:], 'big')}" for place in places]

    def late(self) -> list[float]:
        """Return the seconds by which what was sent since the last call left too late."""
        late = [*self.dht.late, *self.peers.late]
        del self.dht.late[:], self.peers.late[:]
        return late

    def place(self, number: int, way: Way) -> Placed:
        """Have the torrent *number*, found by *way* alone, and return it."""
        one = torrent(number, self._seed, self._climate)
        peers = self.peers.add(one)
        urls = self.trackers.urls(self.peers.hanging_port) if way != "dht" else ()
        self.trackers.add(one.info_hash, peers)
        if way != "trackers":
            self.dht.add(one.info_hash, peers)
        rest = floor.from_peer(one)
        tracker = floor.by_tracker([self.trackers.round_trip]) if urls else float("inf")
        known = floor.warm_table(self.dht.nodes, one.info_hash, self._seeker)
        warm, cold = (
            floor.by_dht(self.dht.nodes, one.info_hash, begin, known) if way != "trackers" else float("inf")
            for begin in (known[:CLOSEST], self._routers)
        )
        return Placed(
            hash=one.info_hash.hex(),
            trackers=urls,
            reached=one.reached,
            liars=one.liars,
            warm=rest + min(warm, tracker),
            cold=rest + min(cold, tracker),
        )

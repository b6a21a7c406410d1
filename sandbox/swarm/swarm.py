"""The swarm as one thing: what is in it, and who can be found where."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Literal, Protocol, Self, TypeVar

from sandbox.swarm.dht import Dht
from sandbox.swarm.peers import Mute, Seeder
from sandbox.swarm.samples import Sample, make_sample
from sandbox.swarm.tracker import Tracker
from sandbox.swarm.udp_tracker import UdpTracker

Endpoint = tuple[str, int]
Way = Literal["tracker", "dht"]


class Peer(Protocol):
    """Somebody who can be found: there from ``async with`` on, and at ``endpoint`` from then on."""

    endpoint: Endpoint

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *_: object) -> None: ...


AnyPeer = TypeVar("AnyPeer", bound=Peer)

_EVERY_WAY: Sequence[Way] = ("tracker", "dht")
_MUTE_HOSTS = ("127.0.2.1", "127.0.2.2", "127.0.2.3", "127.0.2.4")


class Swarm:
    """A tracker by HTTP and UDP, a DHT, a seeder and four mute peers on loopback, from ``async with`` on.

    A sample that it returns knows its HTTP tracker and its peers, for ``Sample.magnet``.
    """

    def __init__(self, *, dht: bool = True) -> None:
        self.tracker = Tracker()
        self.udp_tracker = UdpTracker(self.tracker.peers)
        self.dht = Dht() if dht else None
        self.mutes = tuple(Mute(host) for host in _MUTE_HOSTS)
        self._seeder = Seeder()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self.tracker)
            await stack.enter_async_context(self.udp_tracker)
            if self.dht is not None:
                await stack.enter_async_context(self.dht)
            for mute in self.mutes:
                await stack.enter_async_context(mute)
            await stack.enter_async_context(self._seeder)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    @property
    def tracker_url(self) -> str:
        return self.tracker.url

    @property
    def dht_nodes(self) -> list[str]:
        """The DHT's nodes as ``host:port``: any of them serves to begin with."""
        return self.dht.addresses if self.dht is not None else []

    @property
    def announces(self) -> list[str]:
        """The 20-byte hashes, in hex, that the tracker was asked for, one a question."""
        return self.tracker.announces

    def seed(self, sample: Sample, *, by: Sequence[Way] = _EVERY_WAY) -> Sample:
        """Have *sample*, found by the ways named; by none of them it is found by its peers' addresses alone."""
        self._seeder.add(sample)
        self.find(sample, self._seeder.endpoint, by)
        return self.unseeded(sample)

    def unseeded(self, sample: Sample) -> Sample:
        """Return *sample* with the addresses of this swarm, where nobody has it (yet)."""
        return replace(sample, trackers=(self.tracker_url,), peers=(self._seeder.endpoint,))

    def dead(self) -> Sample:
        """Return a sample that nobody has: the tracker says so, the DHT knows nothing."""
        return replace(self.unseeded(make_sample("nobody has this")), peers=())

    async def begin_seeding(self, sample: Sample, *, by: Sequence[Way] = _EVERY_WAY) -> None:
        """Have *sample*, which was looked for in vain until now."""
        self.seed(sample, by=by)

    def stall(self, sample: Sample, *, by: Sequence[Way] = _EVERY_WAY) -> Sample:
        """Let *sample* be found at the mute peers alone: they accept, and give nothing."""
        for mute in self.mutes:
            self.find(sample, mute.endpoint, by)
        return replace(self.unseeded(sample), peers=tuple(mute.endpoint for mute in self.mutes))

    async def place(self, peer: AnyPeer, sample: Sample, *, by: Sequence[Way] = _EVERY_WAY) -> AnyPeer:
        """Return *peer* begun, to end with the swarm, and let *sample* be found at it by the ways named.

        A `Seeder` has no torrents until they are added to it.
        """
        await self._stack.enter_async_context(peer)
        self.find(sample, peer.endpoint, by)
        return peer

    def find(self, sample: Sample, peer: Endpoint, by: Sequence[Way], *, leecher: bool = False) -> None:
        """Let *sample* be found at *peer*, whoever that is, by the ways named."""
        if leecher:
            self.tracker.leechers.add(peer)
        for wire_hash in sample.wire_hashes:
            if "tracker" in by:
                self.tracker.peers[wire_hash].append(peer)
            if "dht" in by and self.dht is not None:
                self.dht.add(wire_hash, peer)

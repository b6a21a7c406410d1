"""calibot's own source of names, with the settings that the bot gives it."""

import contextlib
from collections.abc import AsyncIterator, Sequence

from benchmarks.peers.gathering import gathered
from benchmarks.swarm_process import RemoteSwarm, Sought
from services.resolvers.libtorrent import LibtorrentResolver
from services.torrents import Hints, InfoHash, Step, TorrentId, TorrentInfo


class Silent:
    """A progress that nobody reads."""

    def started(self) -> None: ...

    def report(self, step: Step) -> None: ...

    def claimed(self, info: TorrentInfo) -> None: ...


class Calibot:
    """See `Peer`."""

    name = "calibot"

    async def version(self) -> str:
        return ""

    @contextlib.asynccontextmanager
    async def open(self, swarm: RemoteSwarm, *, dht: bool) -> "AsyncIterator[_Finder]":
        async with LibtorrentResolver.open(
            listen_interfaces="127.0.0.1:0",
            dht=dht,
            dht_bootstrap_nodes=swarm.dht_nodes[:3] if dht else (),
            allow_private_peers=True,
        ) as resolver:
            yield _Finder(resolver)


class _Finder:
    def __init__(self, resolver: LibtorrentResolver) -> None:
        self._resolver = resolver

    async def find(self, sought: Sequence[Sought], patience: float) -> list[float]:
        return await gathered((self._one(one) for one in sought), patience)

    async def _one(self, sought: Sought) -> None:
        torrent, hints = asked(sought)
        await self._resolver.resolve(torrent, hints, Silent())


def asked(sought: Sought) -> tuple[TorrentId, Hints]:
    """Return *sought* as calibot asks for it."""
    return TorrentId.of(InfoHash(sought.hash)), Hints(trackers=sought.trackers)

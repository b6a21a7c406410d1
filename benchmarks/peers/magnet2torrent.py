"""magnet2torrent: the same work in pure Python."""

import contextlib
import importlib.metadata
import importlib.util
import logging
from collections.abc import AsyncIterator, Sequence

from benchmarks.peers.gathering import gathered
from benchmarks.peers.port import Missing
from benchmarks.swarm_process import RemoteSwarm, Sought


class Magnet2Torrent:
    """See `Peer`."""

    name = "magnet2torrent"

    async def version(self) -> str:
        _here()
        return importlib.metadata.version("magnet2torrent")

    @contextlib.asynccontextmanager
    async def open(self, swarm: RemoteSwarm, *, dht: bool) -> "AsyncIterator[_Finder]":  # noqa: ARG002 - the port's
        _here()
        if dht:
            raise Missing("its DHT listens on every interface")
        yield _Finder()


def _here() -> None:
    if importlib.util.find_spec("magnet2torrent") is None:
        raise Missing("magnet2torrent is not installed here (make bench installs it)")


class _Finder:
    async def find(self, sought: Sequence[Sought], patience: float) -> list[float]:
        logging.getLogger("magnet2torrent").setLevel(logging.CRITICAL)
        return await gathered((_one(one) for one in sought), patience)


async def _one(sought: Sought) -> None:
    from magnet2torrent import Magnet2Torrent as Theirs  # noqa: PLC0415 - in the benchmark's own packages alone

    await Theirs(sought.magnet).retrieve_torrent()

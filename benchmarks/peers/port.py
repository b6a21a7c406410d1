"""What is asked of each who finds names."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from benchmarks.swarm_process import RemoteSwarm, Sought


class Missing(Exception):
    """It is not here, or cannot do this on loopback; its text says why."""


class Finder(Protocol):
    """One who is ready to find names."""

    async def find(self, sought: Sequence[Sought], patience: float) -> list[float]:
        """Look all of *sought* up at once; return, for each that was found, after how many seconds, rising.

        It ends after *patience* seconds. Nothing of it runs on.
        """


class Peer(Protocol):
    """One who finds names, not started."""

    name: str

    async def version(self) -> str:
        """Return its version. Raises Missing."""

    def open(self, swarm: RemoteSwarm, *, dht: bool) -> AbstractAsyncContextManager[Finder]:
        """Be ready on loopback, with the DHT of *swarm* (and without trackers) where *dht*. Raises Missing."""

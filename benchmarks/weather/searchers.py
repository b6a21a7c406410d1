"""Those who look names up one by one, while other lookups are under way."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from benchmarks.peers.calibot import Silent, asked
from benchmarks.peers.stock import Stock, StockFinder
from benchmarks.swarm_process import Sought
from services.resolvers.libtorrent import LibtorrentResolver

_LOOK_EVERY = 0.005


class Searcher(Protocol):
    """One who is ready. *pid* is the process whose memory and time its work takes."""

    pid: int

    async def find(self, sought: Sought) -> None:
        """Return when the name of *sought* is found."""


Opener = Callable[[Sequence[str]], AbstractAsyncContextManager[Searcher]]
"""Makes one that enters the DHT by the nodes named, or has none where none are."""


class _Calibot:
    def __init__(self, resolver: LibtorrentResolver) -> None:
        self.pid = os.getpid()
        self._resolver = resolver

    async def find(self, sought: Sought) -> None:
        await self._resolver.resolve(*asked(sought), Silent())


@contextlib.asynccontextmanager
async def _calibot(routers: Sequence[str]) -> AsyncIterator[_Calibot]:
    async with LibtorrentResolver.open(
        listen_interfaces="127.0.0.1:0",
        dht=bool(routers),
        dht_bootstrap_nodes=routers,
        allow_private_peers=True,
    ) as resolver:
        yield _Calibot(resolver)


class _Stock:
    def __init__(self, finder: StockFinder) -> None:
        self.pid = os.getpid()
        self._finder = finder
        self._waiting: dict[str, asyncio.Event] = {}

    async def find(self, sought: Sought) -> None:
        found = self._waiting[sought.hash] = asyncio.Event()
        handles = self._finder.add([sought])
        try:
            await found.wait()
        finally:
            self._finder.remove(handles)

    async def pump(self) -> None:
        """Tell those who wait what has come. Never returns."""
        while True:
            await asyncio.sleep(_LOOK_EVERY)
            for one in self._finder.received():
                self._waiting[one].set()


@contextlib.asynccontextmanager
async def _stock(routers: Sequence[str]) -> AsyncIterator[_Stock]:
    async with Stock().loopback(routers) as finder:
        searcher = _Stock(finder)
        pumping = asyncio.create_task(searcher.pump())
        try:
            yield searcher
        finally:
            pumping.cancel()
            await asyncio.wait([pumping])


@dataclass(frozen=True, slots=True)
class Program:
    """One who can be a searcher; *here* raises Missing where it cannot."""

    open: Opener
    here: Callable[[], object] = bool


PROGRAMS: Mapping[str, Program] = {"calibot": Program(_calibot), "libtorrent": Program(_stock)}

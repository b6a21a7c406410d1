"""Those who look names up one by one, while other lookups are under way."""

import asyncio
import contextlib
import json
import os
import tempfile
import time
import urllib.request
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from benchmarks.peers import aria2
from benchmarks.peers.calibot import Silent, asked
from benchmarks.peers.port import Missing
from benchmarks.peers.qbittorrent import Qbittorrent
from benchmarks.peers.stock import Stock, StockFinder
from benchmarks.ports import free_port
from benchmarks.processes import running
from benchmarks.swarm_process import Sought
from benchmarks.weather import router_names
from services.resolvers.libtorrent import LibtorrentResolver

_LOOK_EVERY = 0.005
_LOOK_AT_FILES_EVERY = 0.05
_START = 20.0


class Searcher(Protocol):
    """One who is ready. *pid* is the process whose memory and time its work takes."""

    pid: int

    async def find(self, sought: Sought) -> None:
        """Return when the name of *sought* is found."""


Opener = Callable[[str, Sequence[str]], AbstractAsyncContextManager[Searcher]]
"""Makes one at the address named that enters the DHT by the nodes named, or has none where none are."""


class _Calibot:
    def __init__(self, resolver: LibtorrentResolver) -> None:
        self.pid = os.getpid()
        self._resolver = resolver

    async def find(self, sought: Sought) -> None:
        await self._resolver.resolve(*asked(sought), Silent())


@contextlib.asynccontextmanager
async def _calibot(host: str, routers: Sequence[str]) -> AsyncIterator[_Calibot]:
    async with LibtorrentResolver.open(
        listen_interfaces=f"{host}:0",
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
async def _stock(host: str, routers: Sequence[str]) -> AsyncIterator[_Stock]:
    async with Stock().loopback(routers, host) as finder:
        searcher = _Stock(finder)
        pumping = asyncio.create_task(searcher.pump())
        try:
            yield searcher
        finally:
            pumping.cancel()
            await asyncio.wait([pumping])


class _Aria2:
    """It is asked over JSON-RPC, since a start for each name would be cold; a name has come when its file has."""

    def __init__(self, pid: int, port: int, folder: Path) -> None:
        self.pid = pid
        self._address = f"http://127.0.0.1:{port}/jsonrpc"
        self._folder = folder

    async def find(self, sought: Sought) -> None:
        number = await self._call("addUri", [sought.magnet])
        try:
            while not await asyncio.to_thread((self._folder / f"{sought.hash}.torrent").exists):  # noqa: ASYNC110 - it has no event
                await asyncio.sleep(_LOOK_AT_FILES_EVERY)
        finally:
            with contextlib.suppress(OSError):  # it has ended by itself
                await self._call("forceRemove", number)

    async def up(self) -> None:
        """Return when it answers."""
        until = time.monotonic() + _START
        while True:
            try:
                await self._call("getVersion")
            except OSError:
                if time.monotonic() > until:
                    raise
                await asyncio.sleep(_LOOK_EVERY)
            else:
                return

    async def _call(self, method: str, *parameters: object) -> object:
        body = json.dumps({"jsonrpc": "2.0", "id": "", "method": f"aria2.{method}", "params": parameters})
        return await asyncio.to_thread(self._posted, body.encode())

    def _posted(self, body: bytes) -> object:
        with urllib.request.urlopen(self._address, body, timeout=_START) as answered:  # noqa: S310 - ours
            return json.load(answered)["result"]


@contextlib.asynccontextmanager
async def _aria2(host: str, routers: Sequence[str]) -> AsyncIterator[_Aria2]:
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        dht = (f"--dht-entry-point={routers[0]}", f"--dht-listen-port={free_port()}") if routers else ()
        async with running(
            *(aria2.program(), "--no-conf", "--quiet", f"--interface={host}"),
            *("--enable-rpc", f"--rpc-listen-port={port}"),
            *(f"--enable-dht={'true' if routers else 'false'}", "--enable-dht6=false", *dht),
            *(f"--dht-file-path={folder}/dht.dat", f"--listen-port={free_port()}", f"--dir={folder}"),
            *("--bt-metadata-only=true", "--bt-save-metadata=true", "--max-concurrent-downloads=10000"),
            patience=0,  # asked to, it takes seconds to end
        ) as process:
            searcher = _Aria2(process.pid, port, Path(folder))
            await searcher.up()
            yield searcher


class _Qbittorrent:
    """Asked over its Web API."""

    def __init__(self, client: Any, pid: int) -> None:
        self.pid = pid
        self._client = client
        self._waiting: dict[str, asyncio.Event] = {}

    async def find(self, sought: Sought) -> None:
        found = self._waiting[sought.hash] = asyncio.Event()
        # Paused it would never look; without a condition to stop at it would go on to the payload.
        await asyncio.to_thread(self._client.torrents_add, urls=sought.magnet, stop_condition="MetadataReceived")
        try:
            await found.wait()
        finally:
            await asyncio.to_thread(self._client.torrents_delete, delete_files=True, torrent_hashes=sought.hash)

    async def pump(self) -> None:
        """Tell those who wait what has come. Never returns."""
        while True:
            await asyncio.sleep(_LOOK_AT_FILES_EVERY)
            for one in await asyncio.to_thread(self._client.torrents_info):
                if one.size > 0 and one.hash in self._waiting:
                    self._waiting[one.hash].set()


@contextlib.asynccontextmanager
async def _qbittorrent(host: str, routers: Sequence[str]) -> AsyncIterator[_Qbittorrent]:
    async with Qbittorrent().client(host, dht=bool(routers)) as (client, pid):
        searcher = _Qbittorrent(client, pid)
        pumping = asyncio.create_task(searcher.pump())
        try:
            yield searcher
        finally:
            pumping.cancel()
            await asyncio.wait([pumping])


def _qbittorrent_here(routers: Sequence[str]) -> None:
    Qbittorrent().here()
    if routers and not router_names.led(router_names.PORTS):
        raise Missing("it enters the DHT by public nodes of its own, and their names could not be led to ours here")


@dataclass(frozen=True, slots=True)
class Program:
    """One who can be a searcher. *here* is given the DHT's nodes, too, and raises Missing where it cannot."""

    open: Opener
    here: Callable[[Sequence[str]], object] = len


PROGRAMS: Mapping[str, Program] = {
    "calibot": Program(_calibot),
    "libtorrent": Program(_stock),
    "aria2c": Program(_aria2, lambda _: aria2.program()),
    "qbittorrent": Program(_qbittorrent, _qbittorrent_here),
}

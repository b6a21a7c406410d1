"""Peers: seeders that give metadata and have no payload, and peers that accept a connection and say nothing."""

import asyncio
from typing import Self

import libtorrent as lt

from sandbox.swarm.samples import Sample

Endpoint = tuple[str, int]

_HOST = "127.0.1.1"  # not 127.0.0.1: to libtorrent, peers of one address are one peer, and the seeker is there

_SETTINGS: "lt.settings_pack" = {  # a name of the stubs alone
    "listen_interfaces": f"{_HOST}:0",
    "enable_dht": False,
    "enable_lsd": False,
    "enable_upnp": False,
    "enable_natpmp": False,
    "alert_mask": 0,
    "tick_interval": 100,
    "connections_limit": 10_000,
    "listen_queue_size": 3_000,
    "active_limit": -1,
    "active_seeds": -1,
    "allow_multiple_connections_per_ip": True,
    # Whoever is asked for payload that is not there falls into error and stops to give metadata.
    "unchoke_slots_limit": 0,
    "allowed_fast_set_size": 0,
}


def _start() -> lt.session:
    return lt.session(_SETTINGS)


class Seeder:
    """One peer that has the metadata of every sample added to it."""

    def __init__(self) -> None:
        self._session: list[lt.session] = []

    async def __aenter__(self) -> Self:
        self._session.append(await asyncio.to_thread(_start))
        self.endpoint: Endpoint = (_HOST, self._session[0].listen_port())
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self._session.clear)  # the last reference ends the session's threads, and waits

    def add(self, sample: Sample) -> None:
        """Have *sample* from now on."""
        params = lt.add_torrent_params()
        params.ti = lt.torrent_info(b"d4:info" + sample.info + b"e")
        params.save_path = "/dev/null/swarm"  # where nobody, not even root, can make a file
        params.flags = (
            lt.torrent_flags.seed_mode | lt.torrent_flags.upload_mode | lt.torrent_flags.default_dont_download
        )
        self._session[0].add_torrent(params)


class Mute:
    """A peer at *host* that accepts and never says a word."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.BaseTransport] = set()
        self.connected = asyncio.Event()
        self.endpoint: Endpoint = (host, 0)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.get_running_loop().create_server(lambda: _Silence(self), self._host, 0)
        self.endpoint = self._server.sockets[0].getsockname()[:2]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
        for transport in list(self._open):
            transport.close()

    def opened(self, transport: asyncio.BaseTransport) -> None:
        self._open.add(transport)
        self.connected.set()

    def closed(self, transport: asyncio.BaseTransport) -> None:
        self._open.discard(transport)


class _Silence(asyncio.Protocol):
    def __init__(self, peer: Mute) -> None:
        self._peer = peer
        self._transport: asyncio.BaseTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._peer.opened(transport)

    def connection_lost(self, _exc: Exception | None) -> None:
        if self._transport is not None:
            self._peer.closed(self._transport)

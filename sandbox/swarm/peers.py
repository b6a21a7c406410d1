"""Peers: seeders that give metadata and have no payload, and peers that nobody comes to speak with."""

import asyncio
import errno
import socket
from contextlib import AsyncExitStack
from typing import Literal, Self

import libtorrent as lt

from sandbox.swarm.samples import Sample
from sandbox.swarm.tcp_server import tcp_server

Endpoint = tuple[str, int]

Speech = Literal["any", "plain", "mse", "utp"]
"""How a seeder can be spoken to: in any way, or by plain TCP, encrypted TCP or uTP alone."""

# None is 127.0.0.1: to libtorrent, peers of one address are one peer, and the seeker is there.
_HOSTS: dict[Speech, str] = {"any": "127.0.1.1", "plain": "127.0.1.2", "mse": "127.0.1.3", "utp": "127.0.1.4"}

_SETTINGS: "lt.settings_pack" = {  # a name of the stubs alone
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
    "utp_fin_resends": 1,  # else who ends waits seconds for a word of those who have gone
    "allow_multiple_connections_per_ip": True,
    # Whoever is asked for payload that is not there falls into error and stops to give metadata.
    "unchoke_slots_limit": 0,
    "allowed_fast_set_size": 0,
}

_MORE_THAN_A_QUEUE = 4  # of length 0, which takes one

_FORCED, _DISABLED = 0, 2  # libtorrent's enc_policy
_NO_UTP: "lt.settings_pack" = {"enable_incoming_utp": False, "enable_outgoing_utp": False}
_NO_TCP: "lt.settings_pack" = {"enable_incoming_tcp": False, "enable_outgoing_tcp": False}
_SPOKEN: "dict[Speech, lt.settings_pack]" = {
    "any": {},
    "plain": {**_NO_UTP, "in_enc_policy": _DISABLED, "out_enc_policy": _DISABLED},
    "mse": {**_NO_UTP, "in_enc_policy": _FORCED, "out_enc_policy": _FORCED},
    "utp": _NO_TCP,
}


class Seeder:
    """One peer that has the metadata of every sample added to it. Who *speaks* another way is refused.

    *picky*: it bears one connection from an address for each torrent, as clients do out of the box.
    """

    def __init__(self, speaks: Speech = "any", *, picky: bool = False) -> None:
        self._host = _HOSTS[speaks]
        self._settings: lt.settings_pack = {
            **_SETTINGS,
            **_SPOKEN[speaks],
            "listen_interfaces": f"{self._host}:0",
            "allow_multiple_connections_per_ip": not picky,
        }
        self._session: list[lt.session] = []

    async def __aenter__(self) -> Self:
        self._session.append(await asyncio.to_thread(lt.session, self._settings))
        self.endpoint: Endpoint = (self._host, self._session[0].listen_port())
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


class Refusing:
    """An address at which nobody listens, and nobody else will: who connects is refused at once."""

    def __init__(self, host: str) -> None:
        self._socket = socket.socket()
        self.endpoint: Endpoint = (host, 0)

    async def __aenter__(self) -> Self:
        self._socket.bind(self.endpoint)
        self.endpoint = self._socket.getsockname()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._socket.close()


class Hanging(Refusing):
    """An address from which no answer comes: its queue of connections is full, and nobody takes one out."""

    def __init__(self, host: str) -> None:
        super().__init__(host)
        self._queued: list[socket.socket] = []

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        self._socket.listen(0)
        for _ in range(_MORE_THAN_A_QUEUE):
            self._queued.append(socket.socket())
            self._queued[-1].setblocking(False)  # noqa: FBT003 - it takes no keyword
            if self._queued[-1].connect_ex(self.endpoint) not in {0, errno.EINPROGRESS}:
                raise ConnectionError(f"{self.endpoint} is no place to hang")
        return self

    async def __aexit__(self, *_: object) -> None:
        for queued in self._queued:
            queued.close()
        await super().__aexit__()


class Mute:
    """A peer at *host* that accepts and never says a word; a *curt* one hangs up at once."""

    def __init__(self, host: str, *, curt: bool = False) -> None:
        self._host = host
        self._curt = curt
        self._stack = AsyncExitStack()
        self.connected = asyncio.Event()
        self.endpoint: Endpoint = (host, 0)

    async def __aenter__(self) -> Self:
        server = await self._stack.enter_async_context(tcp_server(self._be_silent, self._host))
        self.endpoint = server.sockets[0].getsockname()[:2]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def _be_silent(self, reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        self.connected.set()
        while not self._curt and await reader.read(4_096):
            pass

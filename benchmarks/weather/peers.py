"""The peers: one TCP and one UDP socket for all of them, and two ports where nobody answers."""

import asyncio
import ipaddress
import socket
from array import array
from contextlib import AsyncExitStack, suppress
from functools import partial
from random import Random
from typing import Self, cast

from benchmarks.ports import free_port
from benchmarks.weather.climate import Climate
from benchmarks.weather.crowd import Kind, Peer, Torrent
from benchmarks.weather.delay import Path, Pipe
from benchmarks.weather.seeders import BACKED, Seeders
from benchmarks.weather.wildcard import Endpoint, Wildcard, on_loopback
from sandbox.swarm.giver import Giver

_HOST = "127.0.0.1"
_BY_UTP = frozenset({Kind.GOOD, Kind.GOOD_BY_UTP})
_QUEUE = 3_000


class Peers:
    """Every peer of every torrent that was added."""

    def __init__(self, seed: int, climate: Climate) -> None:
        self._climate = climate
        self._random = Random(f"peers {seed}")  # noqa: S311 - the same weather each time
        self._seeders = Seeders()
        self._known: dict[str, tuple[Peer, Torrent]] = {}
        self._by_utp: dict[int, Peer] = {}
        self._utp: dict[tuple[Endpoint, int], asyncio.Future[asyncio.DatagramTransport]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.get_running_loop()
        self.late = array("f")

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._seeders)
            self._refusing = free_port()
            self._hanging = Hanging()
            stack.callback(self._hanging.close)
            listening = socket.socket()
            on_loopback(listening)
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(("", 0))
            server = await self._loop.create_server(lambda: _Front(self), sock=listening, backlog=_QUEUE)
            stack.callback(server.close)
            self._port: int = listening.getsockname()[1]
            for port in (self._port, self._hanging.port):
                stack.callback(Wildcard(self._hear, port).close)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for ready in self._utp.values():
            if ready.done() and not ready.cancelled():
                ready.result().close()
        await self._stack.aclose()

    @property
    def hanging_port(self) -> int:
        """Where nobody can be connected to, at any address."""
        return self._hanging.port

    def add(self, torrent: Torrent) -> list[Endpoint]:
        """Let the peers of *torrent* be there; return where they are."""
        for kind in {peer.kind for peer in torrent.peers} & BACKED:
            self._seeders.add(kind, torrent.sample)
        self._known |= {peer.host: (peer, torrent) for peer in torrent.peers}
        self._by_utp |= {int(ipaddress.IPv4Address(one.host)): one for one in torrent.peers if one.kind in _BY_UTP}
        ports = {
            Kind.HANGS: self._hanging.port,
            Kind.GOOD_BY_UTP: self._hanging.port,
            Kind.REFUSES: self._refusing,
        }
        return [(peer.host, ports.get(peer.kind, self._port)) for peer in torrent.peers]

    def at(self, host: str) -> tuple[Peer, Torrent] | None:
        return self._known.get(host)

    def path(self, peer: Peer) -> Path:
        return Path(peer.round_trip, self._climate.loss, self._random)

    def backend(self, kind: Kind) -> Endpoint:
        return _HOST, self._seeders.ports[kind]

    def speak(self, reader: asyncio.StreamReader, front: "_Front", peer: Peer, torrent: Torrent) -> None:
        """Tell the seeker behind *front* falsehoods, or that there is no metadata, until it goes."""
        task = asyncio.create_task(_speak(reader, front, peer, torrent))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # uTP.

    def _hear(self, at: Wildcard, meant: int, sender: Endpoint, data: bytes, came: float) -> None:
        peer = self._by_utp.get(meant)
        if peer is None:
            return
        path = self.path(peer)
        if not path.lost():
            self._loop.call_at(came + path.half, self._pass_on, at, meant, sender, data, peer)
            self._loop.call_at(came + path.half, self._note, came + path.half)

    def _note(self, due: float) -> None:
        self.late.append(max(0.0, self._loop.time() - due))

    def _pass_on(self, at: Wildcard, meant: int, sender: Endpoint, data: bytes, peer: Peer) -> None:
        ready = self._utp.get((sender, meant))
        if ready is None:
            ready = self._utp[sender, meant] = self._loop.create_future()
            back = partial(at.send, meant, sender)
            self._tasks.add(task := asyncio.create_task(self._open(ready, peer, back)))
            task.add_done_callback(self._tasks.discard)
        ready.add_done_callback(lambda opened: opened.result().sendto(data))

    async def _open(
        self, ready: "asyncio.Future[asyncio.DatagramTransport]", peer: Peer, back: "partial[None]"
    ) -> None:
        transport, _ = await self._loop.create_datagram_endpoint(
            lambda: _Back(self.path(peer), back), remote_addr=self.backend(peer.kind)
        )
        ready.set_result(transport)


class _Back(asyncio.DatagramProtocol):
    """Takes what libtorrent says by uTP, and lets the seeker have it half a round trip later."""

    def __init__(self, path: Path, back: "partial[None]") -> None:
        self._path = path
        self._back = back
        self._loop = asyncio.get_running_loop()

    def datagram_received(self, data: bytes, _addr: object) -> None:
        if not self._path.lost():
            self._loop.call_later(self._path.half, self._back, data)


class Hanging:
    """A port where no connection ever comes about, at any address: its queue is full, and nobody accepts."""

    def __init__(self) -> None:
        self._listening = socket.socket()
        on_loopback(self._listening)
        self._listening.bind(("", 0))
        self._listening.listen(0)
        self.port: int = self._listening.getsockname()[1]
        self._waiting = [socket.socket() for _ in range(4)]
        for one in self._waiting:
            one.setblocking(False)  # noqa: FBT003 - it takes no keyword
            with suppress(BlockingIOError):
                one.connect((_HOST, self.port))

    def close(self) -> None:
        for one in (self._listening, *self._waiting):
            one.close()


class _Front(asyncio.Protocol):
    """A seeker's TCP connection to a peer. The kernel accepts at once: what is sent waits for when it would have."""

    def __init__(self, peers: Peers) -> None:
        self._peers = peers
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._inward: Pipe | None = None
        self._outward: Pipe | None = None
        self._reader: asyncio.StreamReader | None = None
        self._behind: _Behind | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        known = self._peers.at(transport.get_extra_info("sockname")[0])
        if known is None:
            self._transport.abort()
            return
        peer, torrent = known
        path = self._peers.path(peer)
        opens = self._loop.time() + path.connecting()
        if peer.kind is Kind.CLOSES:
            self._loop.call_at(opens, self.close)
        if peer.kind is Kind.STALLS or peer.kind is Kind.CLOSES:
            return
        self._inward, self._outward = Pipe(path, opens), Pipe(path, opens)
        if peer.kind in BACKED:
            self._behind = _Behind(self)
            self._behind.connect(self._peers.backend(peer.kind))
        else:
            self._reader = asyncio.StreamReader()
            self._peers.speak(self._reader, self, peer, torrent)

    def data_received(self, data: bytes) -> None:
        take = self._behind.take if self._behind else self._reader.feed_data if self._reader else None
        if take is not None and self._inward is not None:
            self._inward.after(partial(take, data))

    def eof_received(self) -> None:
        return None

    def connection_lost(self, _exc: Exception | None) -> None:
        self._transport = None
        end = self._behind.close if self._behind else self._reader.feed_eof if self._reader else None
        if end is not None and self._inward is not None:
            self._inward.after(end)

    def say(self, data: bytes) -> None:
        """Let the seeker have *data* when it arrives."""
        if self._outward is not None:
            self._outward.after(partial(self._write, data))

    def end(self) -> None:
        """Close the connection when all that was said has arrived."""
        if self._outward is not None:
            self._outward.after(self.close)

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


class _Behind(asyncio.Protocol):
    """The connection to libtorrent's peer, which is there at once."""

    def __init__(self, front: _Front) -> None:
        self._front = front
        self._transport: asyncio.Transport | None = None
        self._waiting: list[bytes] = []
        self._opening: asyncio.Task[object] | None = None
        self._closed = False

    def connect(self, place: Endpoint) -> None:
        self._opening = asyncio.create_task(asyncio.get_running_loop().create_connection(lambda: self, *place))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        for data in self._waiting:
            self._transport.write(data)
        if self._closed:
            self._transport.close()

    def take(self, data: bytes) -> None:
        if self._transport is None:
            self._waiting.append(data)
        else:
            self._transport.write(data)

    def data_received(self, data: bytes) -> None:
        self._front.say(data)

    def connection_lost(self, _exc: Exception | None) -> None:
        self._front.end()

    def close(self) -> None:
        self._closed = True
        if self._transport is not None:
            self._transport.close()


class _Mouth:
    """Lets the seeker behind *front* have what is said; of what is on its way there is never too much."""

    def __init__(self, front: _Front) -> None:
        self._front = front

    def write(self, data: bytes, /) -> None:
        self._front.say(data)

    async def drain(self) -> None:
        return None


async def _speak(reader: asyncio.StreamReader, front: _Front, peer: Peer, torrent: Torrent) -> None:
    speaker = Giver(
        peer.host,
        b"\xee" * len(torrent.sample.info),
        dull=peer.kind is Kind.EMPTY,
        encrypted_for=torrent.info_hash if peer.kind is Kind.LIES_BY_MSE else b"",
    )
    await speaker.serve(reader, _Mouth(front))
    front.end()

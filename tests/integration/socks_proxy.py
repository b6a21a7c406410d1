"""A SOCKS5 proxy on loopback (RFC 1928: CONNECT and UDP ASSOCIATE; RFC 1929) that counts, and fails when it is told to.

All that it sends into the world comes from `SOURCE`: whoever is contacted from elsewhere was contacted beside it.
"""

import asyncio
import ipaddress
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from typing import Literal, Self, cast

from sandbox.swarm.tcp_server import stop_listening

Endpoint = tuple[str, int]
Mood = Literal["well", "no udp", "refuses", "mute", "no socks"]

HOST, SOURCE = "127.6.6.6", "127.5.5.5"
_VERSION, _NONE, _PASSWORD, _NO_WAY = 5, 0, 2, 0xFF
_CONNECT, _ASSOCIATE = 1, 3
_IPV4, _NAME, _IPV6 = 1, 3, 4
_DONE, _NOT_ALLOWED, _UNREACHABLE, _UNKNOWN_COMMAND = 0, 2, 4, 7


class SocksProxy:
    """There from ``async with`` on. *login* is whom it admits, with which password; *names* are those it resolves.

    It counts where it was told to connect to (`connected`), where datagrams went (`sent`), the names among both
    (`named`), and who was refused (`refused`).
    """

    def __init__(
        self,
        *,
        login: tuple[str, str] | None = None,
        names: Mapping[str, str] | None = None,
        mood: Mood = "well",
    ) -> None:
        self.mood: Mood = mood
        self.connected: Counter[Endpoint] = Counter()
        self.sent: Counter[Endpoint] = Counter()
        self.named: Counter[str] = Counter()
        self.associated = 0
        self.refused = 0
        self.news = asyncio.Event()
        """Set at whatever is counted; clear it to wait for the next."""
        self.port = 0
        self._login = login
        self._names = dict(names or {})
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"socks5://{HOST}:{self.port}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, HOST, self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.die()

    async def die(self) -> None:
        """End all that it carries, and listen no more."""
        if self._server is not None:
            await stop_listening(self._server)
        await self.cut()

    async def cut(self) -> None:
        """End all that it carries now."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = cast("asyncio.Task[None]", asyncio.current_task())
        self._tasks.add(task)
        try:
            with suppress(OSError, EOFError, ValueError, asyncio.CancelledError):
                await self._serve(reader, writer)
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.mood in {"mute", "no socks"}:
            self.refused += 1
            self.news.set()
            if self.mood == "no socks":
                writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            await reader.read(3)
            await reader.read()
            return
        if not await self._admitted(reader, writer):
            self.refused += 1
            self.news.set()
            return
        _, command, _, kind = await reader.readexactly(4)
        host = await self._host(reader, kind)
        port = int.from_bytes(await reader.readexactly(2), "big")
        if self.mood == "refuses":
            self.refused += 1
            self._answer(writer, _NOT_ALLOWED)
        elif command == _CONNECT:
            self.connected[host, port] += 1
            self.news.set()
            await self._connect(reader, writer, host, port)
        elif command == _ASSOCIATE and self.mood == "well":
            await self._associate(reader, writer)
        else:
            self.refused += 1
            self._answer(writer, _UNKNOWN_COMMAND)
        self.news.set()

    async def _admitted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        version, count = await reader.readexactly(2)
        offered = await reader.readexactly(count)
        wanted = _NONE if self._login is None else _PASSWORD
        if version != _VERSION or wanted not in offered:
            writer.write(bytes((_VERSION, _NO_WAY)))
            return False
        writer.write(bytes((_VERSION, wanted)))
        if self._login is None:
            return True
        said = []
        await reader.readexactly(1)
        for _ in range(2):
            (length,) = await reader.readexactly(1)
            said.append((await reader.readexactly(length)).decode())
        known = tuple(said) == self._login
        writer.write(bytes((1, not known)))
        return known

    async def _host(self, reader: asyncio.StreamReader, kind: int) -> str:
        if kind == _NAME:
            (length,) = await reader.readexactly(1)
            return self._resolved((await reader.readexactly(length)).decode())
        return str(ipaddress.ip_address(await reader.readexactly(4 if kind == _IPV4 else 16)))

    def _resolved(self, host: str) -> str:
        with suppress(ValueError):
            return str(ipaddress.ip_address(host))
        self.named[host] += 1
        return self._names.get(host, "")

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, port: int) -> None:
        try:
            there = await asyncio.open_connection(host, port, local_addr=(SOURCE, 0)) if host else None
        except OSError:
            there = None
        if there is None:
            self._answer(writer, _UNREACHABLE)
            return
        self._answer(writer, _DONE)
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(_carry(reader, there[1]))
                both.create_task(_carry(there[0], writer))
        finally:
            there[1].close()

    async def _associate(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        with ExitStack() as stack:
            outer, world = await loop.create_datagram_endpoint(_World, local_addr=(SOURCE, 0))
            stack.callback(outer.close)
            inner, world.relay = await loop.create_datagram_endpoint(lambda: _Relay(self, outer), local_addr=(HOST, 0))
            stack.callback(inner.close)
            self.associated += 1
            self._answer(writer, _DONE, inner.get_extra_info("sockname"))
            self.news.set()
            await reader.read()  # it lives as long as its connection

    def _answer(self, writer: asyncio.StreamWriter, word: int, bound: Endpoint = ("0.0.0.0", 0)) -> None:  # noqa: S104 - RFC 1928: nowhere
        writer.write(bytes((_VERSION, word, 0)) + _packed(*bound[:2]))

    def unwrapped(self, packet: bytes) -> tuple[Endpoint, bytes] | None:
        """Return where *packet* is to go, and what; None where that cannot be."""
        kind, at = packet[3], 4
        if kind == _NAME:
            host, at = self._resolved(packet[5 : 5 + packet[4]].decode()), 5 + packet[4]
        else:
            length = 4 if kind == _IPV4 else 16
            host, at = str(ipaddress.ip_address(packet[4 : 4 + length])), 4 + length
        there = (host, int.from_bytes(packet[at : at + 2], "big"))
        self.sent[there] += 1
        self.news.set()
        return (there, packet[at + 2 :]) if host and ":" not in host else None


def _packed(host: str, port: int) -> bytes:
    return bytes((_IPV4,)) + ipaddress.IPv4Address(host).packed + port.to_bytes(2, "big")


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(2**16):
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()


class _Relay(asyncio.DatagramProtocol):
    """The end of an association to which the client sends, and that gives it what comes back."""

    def __init__(self, proxy: SocksProxy, world: asyncio.DatagramTransport) -> None:
        self._proxy = proxy
        self._world = world
        self._transport: asyncio.DatagramTransport | None = None
        self._client: Endpoint | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)  # asyncio's own is none by its bases

    def datagram_received(self, data: bytes, addr: Endpoint) -> None:
        self._client = addr
        if sent := self._proxy.unwrapped(data):
            self._world.sendto(sent[1], sent[0])

    def came(self, data: bytes, addr: Endpoint) -> None:
        if self._transport is not None and self._client is not None:
            self._transport.sendto(bytes(3) + _packed(*addr) + data, self._client)


class _World(asyncio.DatagramProtocol):
    """The end of an association that the world sees."""

    relay: _Relay | None = None

    def datagram_received(self, data: bytes, addr: Endpoint) -> None:
        if self.relay is not None:
            self.relay.came(data, addr)

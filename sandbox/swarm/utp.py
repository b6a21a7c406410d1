"""uTP (BEP 29), by the one who is connected to: a stream in datagrams, for peers who are to be reached in no other way.

It sends as fast as the other side takes it, since loopback is never congested, and ends a connection by a reset.
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from typing import Self, cast

Endpoint = tuple[str, int]

_VERSION = 1
_DATA, _FIN, _STATE, _RESET, _SYN = range(5)
_HEADER = 20
_MOST_DATA = 1_200
_WINDOW = 2**20
_MOST_UNDER_WAY = 64  # packets: more would overflow a socket's buffer
_TRIED_AGAIN_AFTER = 0.5


class UtpWriter:
    """One connection. Who has read *reader* to its end, or `close`s, has nothing more to say."""

    def __init__(self, send: Callable[[bytes], None], connection: int, seen: int, closed: Callable[[], None]) -> None:
        self.reader = asyncio.StreamReader()
        self._send = send
        self._connection = connection
        self._closed = closed
        self._seen = seen
        self._early: dict[int, bytes] = {}
        self._next = int.from_bytes(os.urandom(2), "big")
        self._under_way: dict[int, bytes] = {}
        self._room = asyncio.Event()
        self._again: asyncio.TimerHandle | None = None
        self._delay = 0
        self._pending = b""
        self._over = False

    def hear(self, kind: int, sent_at: int, number: int, acknowledged: int, data: bytes) -> None:
        """Take in one packet."""
        self._delay = (_microseconds() - sent_at) % 2**32
        for one in [one for one in self._under_way if (acknowledged - one) % 2**16 < 2**15]:
            del self._under_way[one]
        self._room.set()
        if kind == _RESET:
            self.close()
        elif kind in {_DATA, _FIN}:
            self._take(number, data if kind == _DATA else b"")
        if kind != _STATE and not self._over:
            self._packet(_STATE, self._next)

    def _take(self, number: int, data: bytes) -> None:
        """Give on what comes in its turn, and keep what comes before; no data at all is the end."""
        if 0 < (number - self._seen) % 2**16 < 2**15:
            self._early[number] = data
        while not self._over and (following := (self._seen + 1) % 2**16) in self._early:
            self._seen = following
            given = self._early.pop(following)
            if not self.reader.at_eof() and given:
                self.reader.feed_data(given)
            elif not given:
                self.reader.feed_eof()

    def write(self, data: bytes) -> None:
        self._pending += data

    async def drain(self) -> None:
        """Send what was written; ConnectionResetError when the other side has gone."""
        while self._pending:
            while len(self._under_way) >= _MOST_UNDER_WAY and not self._over:
                self._room.clear()
                await self._room.wait()
            if self._over:
                raise ConnectionResetError
            data, self._pending = self._pending[:_MOST_DATA], self._pending[_MOST_DATA:]
            self._under_way[self._next] = data
            self._packet(_DATA, self._next, data)
            self._next = (self._next + 1) % 2**16
            if self._again is None:
                self._again = asyncio.get_running_loop().call_later(_TRIED_AGAIN_AFTER, self._try_again)

    def _try_again(self) -> None:
        self._again = None
        for number, data in self._under_way.items():
            self._packet(_DATA, number, data)
        if self._under_way:
            self._again = asyncio.get_running_loop().call_later(_TRIED_AGAIN_AFTER, self._try_again)

    def _packet(self, kind: int, number: int, data: bytes = b"") -> None:
        fields = (
            (kind << 4 | _VERSION, 1),
            (0, 1),
            (self._connection, 2),
            (_microseconds(), 4),
            (self._delay, 4),
            (_WINDOW, 4),
            (number, 2),
            (self._seen, 2),
        )
        self._send(b"".join(value.to_bytes(size, "big") for value, size in fields) + data)

    def close(self) -> None:
        if not self._over:
            self._packet(_RESET, self._next)
            self._over = True
            self._under_way.clear()
            self._room.set()
            if self._again is not None:
                self._again.cancel()
            self.reader.feed_eof()
            self._closed()


class UtpServer(asyncio.DatagramProtocol):
    """Takes connections at *host*, and has each *served* until that returns."""

    def __init__(self, host: str, served: Callable[[asyncio.StreamReader, UtpWriter], Awaitable[None]]) -> None:
        self._served = served
        self._connections: dict[tuple[Endpoint, int], UtpWriter] = {}
        self._serving: set[asyncio.Task[None]] = set()
        self._transport: asyncio.DatagramTransport | None = None
        self.endpoint: Endpoint = (host, 0)

    async def __aenter__(self) -> Self:
        await asyncio.get_running_loop().create_datagram_endpoint(lambda: self, local_addr=self.endpoint)
        return self

    async def __aexit__(self, *_: object) -> None:
        for writer in list(self._connections.values()):
            writer.close()
        if self._serving:
            await asyncio.wait(self._serving)
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)  # asyncio's own is none by its bases
        self.endpoint = transport.get_extra_info("sockname")[:2]

    def datagram_received(self, data: bytes, addr: Endpoint) -> None:
        if len(data) < _HEADER or data[0] & 15 != _VERSION:
            return  # the DHT's, or nobody's
        kind = data[0] >> 4
        connection = int.from_bytes(data[2:4], "big")
        number = int.from_bytes(data[16:18], "big")
        if kind == _SYN:
            self._accept(addr, connection, number)
            connection = (connection + 1) % 2**16
        if writer := self._connections.get((addr, connection)):
            sent_at, acknowledged = int.from_bytes(data[4:8], "big"), int.from_bytes(data[18:20], "big")
            writer.hear(kind, sent_at, number, acknowledged, _payload(data))

    def _accept(self, addr: Endpoint, connection: int, number: int) -> None:
        theirs = (addr, (connection + 1) % 2**16)
        if self._transport is None or theirs in self._connections:
            return
        transport = self._transport
        writer = UtpWriter(
            lambda packet: transport.sendto(packet, addr), connection, number, lambda: self._forget(theirs)
        )
        self._connections[theirs] = writer
        serving = asyncio.get_running_loop().create_task(self._serve(writer))
        self._serving.add(serving)
        serving.add_done_callback(self._serving.discard)

    async def _serve(self, writer: UtpWriter) -> None:
        await self._served(writer.reader, writer)
        writer.close()

    def _forget(self, connection: tuple[Endpoint, int]) -> None:
        self._connections.pop(connection, None)


def _payload(packet: bytes) -> bytes:
    """Return what stands behind the header and its extensions: of each the next one's kind, a length, so many bytes."""
    kind, at = packet[1], _HEADER
    while kind and at + 2 <= len(packet):
        kind, at = packet[at], at + 2 + packet[at + 1]
    return packet[at:]


def _microseconds() -> int:
    return time.monotonic_ns() // 1_000 % 2**32

"""A connection by uTP (BEP 29) to one peer, to whom little is said, and from whom much is heard.

The peer sets the pace of what it gives, by what is acknowledged, as everywhere. What is said to it are a few packets,
so few that there is no pace to be set.
"""

import asyncio
import math
import secrets
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from enum import IntEnum
from typing import cast

from services.clock import Clock
from services.resolvers.libtorrent.evidence import Endpoint

_VERSION = 1
_HEADER = struct.Struct(">BBHIIIHH")  # kind and version, extension, connection, two times, window, number, acknowledged
_SELECTIVE_ACK = 1
_NUMBERS = 0xFFFF  # of packets
_MICROSECONDS = 0xFFFF_FFFF
_WINDOW = 128 * 1_024  # bytes that the peer may have under way, and that are kept of what comes before its turn
_FURTHEST = 256  # packets before its turn that one is still kept: as many small ones are a window
_SAID_AGAIN_AFTER = 0.5  # seconds, the shortest time that BEP 29 allows; each time twice as many
_MOST_EXTENSIONS = 4
_MOST_DATAGRAMS = 8_000  # twice what two MiB are in the smallest packets of libtorrent: each costs us time


class _Kind(IntEnum):
    DATA, FIN, STATE, RESET, SYN = range(5)


@asynccontextmanager
async def by_utp(
    peer: Endpoint, local: str | None, *, clock: Clock
) -> AsyncIterator[tuple[asyncio.StreamReader, Callable[[bytes], None]]]:
    """Connect to *peer*, from the address *local* where there is one; yield what is heard, and how to speak.

    What is said at once is one packet, so it has to be short. *clock*: when something is said again.

    Raises:
        OSError: there is no connection.
    """
    loop = asyncio.get_running_loop()
    transport, stream = await loop.create_datagram_endpoint(
        lambda: _Stream(clock), local_addr=(local, 0) if local else None, remote_addr=peer
    )
    stream.call()
    speaking = asyncio.create_task(stream.say_again(), name="uTP")
    try:
        await stream.connected
        yield stream.heard, stream.say
    finally:
        speaking.cancel()
        stream.end()
        transport.close()
        await asyncio.wait([speaking])
        if not speaking.cancelled():
            speaking.result()  # it has failed


class _Stream(asyncio.DatagramProtocol):
    """*heard* is what has come in its turn; *connected* is done when the peer has answered, or fails."""

    def __init__(self, clock: Clock) -> None:
        self.heard = asyncio.StreamReader()
        self.connected: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._clock = clock
        self._transport: asyncio.DatagramTransport | None = None
        # The peer calls the connection so, and we by the next number. Until it has answered, each call has its own: of
        # two by the same libtorrent makes two connections, and hears us in the one while we hear it in the other.
        self._calls = [secrets.randbelow(_NUMBERS)]
        self._next = 1
        self._unheard: dict[int, tuple[_Kind, bytes]] = {}  # what we have said, by its number, until it is acknowledged
        self._waits_since = 0.0
        self._pause = _SAID_AGAIN_AFTER
        self._last = 0  # number of what has come in its turn
        self._early: dict[int, bytes] = {}
        self._kept = 0  # bytes of these
        self._took = 0  # microseconds that the last packet was on its way, by our clock and the peer's
        self._left = _MOST_DATAGRAMS
        self._over = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)  # asyncio's own is none by its bases

    def error_received(self, exc: Exception) -> None:
        self._fail(exc)

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(exc or ConnectionResetError())

    def call(self) -> None:
        """Ask the peer for a connection. Whoever does so has to `end` it."""
        self._begin(_Kind.SYN)

    def say(self, data: bytes) -> None:
        self._begin(_Kind.DATA, data)

    def end(self) -> None:
        """Let the peer, too, forget the connection."""
        if not self._over:
            for call in self._calls:
                self._send(_Kind.RESET, self._next, of=call)
            self._fail(ConnectionAbortedError())

    async def say_again(self) -> None:
        """Say once more what is not acknowledged in time. Never returns."""
        while True:
            now = self._clock.monotonic()
            due = self._waits_since + self._pause if self._unheard else math.inf
            if now < due:
                await self._clock.sleep(min(due - now, _SAID_AGAIN_AFTER))
                continue
            self._waits_since, self._pause = now, 2 * self._pause
            if not self.connected.done():
                self._calls.append((self._calls[-1] + 2) & _NUMBERS)
            for number, (kind, data) in list(self._unheard.items()):  # what cannot be sent ends all of it
                self._send(kind, number, data)

    def datagram_received(self, data: bytes, _addr: object) -> None:
        self._left -= 1
        if self._left < 0:
            self.end()
        if self._over or len(data) < _HEADER.size:
            return
        first, _, connection, sent, _, _, number, acknowledged = _HEADER.unpack_from(data)
        given = _payload(data)
        kind = first >> 4
        names = {
            connection,
            (connection - (kind == _Kind.RESET)) & _NUMBERS,
        }  # to whom it does not know libutp says ours back
        call = next((one for one in self._calls if one in names), None)
        if first & 15 != _VERSION or call is None or given is None:
            return
        self._took = (self._now() - sent) & _MICROSECONDS
        if kind == _Kind.RESET:
            self._fail(ConnectionResetError())
        elif not self.connected.done():
            self._answered(call, kind, number, acknowledged)
        else:
            self._take_acknowledged(acknowledged)
            if kind == _Kind.FIN or (kind == _Kind.DATA and given):
                self._take(number, given if kind == _Kind.DATA else b"")

    def _answered(self, call: int, kind: int, number: int, acknowledged: int) -> None:
        if acknowledged == 1 and kind == _Kind.STATE:
            for other in self._calls:
                if other != call:
                    self._send(_Kind.RESET, self._next, of=other)
            self._calls = [call]
            self._take_acknowledged(acknowledged)
            self._last = (number - 1) & _NUMBERS  # it counts no packets without data
            self.connected.set_result(None)
        elif kind == _Kind.FIN:
            self._fail(ConnectionRefusedError())

    def _take_acknowledged(self, last: int) -> None:
        heard = [one for one in self._unheard if (last - one) & _NUMBERS <= _NUMBERS // 2]
        for one in heard:
            del self._unheard[one]
        if heard:
            self._waits_since, self._pause = self._clock.monotonic(), _SAID_AGAIN_AFTER

    def _take(self, number: int, data: bytes) -> None:
        """Give on what comes in its turn, keep what comes before it, and acknowledge both; no data is the end."""
        before_its_turn = (number - self._last - 1) & _NUMBERS
        room = before_its_turn < _FURTHEST and self._kept + len(data) <= _WINDOW
        if number not in self._early and (room or not before_its_turn):
            self._early[number] = data
            self._kept += len(data)
        while not self._over and (following := (self._last + 1) & _NUMBERS) in self._early:
            self._last = following
            given = self._early.pop(following)
            self._kept -= len(given)
            if given:
                self.heard.feed_data(given)
            else:
                self._fail(ConnectionResetError())
        self._send(_Kind.STATE, self._next)

    def _begin(self, kind: _Kind, data: bytes = b"") -> None:
        if self._over:
            return
        if not self._unheard:
            self._waits_since, self._pause = self._clock.monotonic(), _SAID_AGAIN_AFTER
        number, self._next = self._next, (self._next + 1) & _NUMBERS
        self._unheard[number] = kind, data
        self._send(kind, number, data)

    def _send(self, kind: _Kind, number: int, data: bytes = b"", *, of: int | None = None) -> None:
        connection = ((self._calls[-1] if of is None else of) + (kind is not _Kind.SYN)) & _NUMBERS
        early = self._selective_ack()
        extension = _SELECTIVE_ACK if early else 0
        fields = (kind << 4 | _VERSION, extension, connection, self._now(), self._took, _WINDOW, number, self._last)
        if self._transport is not None:
            self._transport.sendto(_HEADER.pack(*fields) + early + data)

    def _selective_ack(self) -> bytes:
        """Return the extension that says which packets have come before their turn: a bit each, from the second on."""
        bits = sum(1 << ((number - self._last - 2) & _NUMBERS) for number in self._early)
        size = -(-bits.bit_length() // 32) * 4
        return bytes((0, size)) + bits.to_bytes(size, "little") if bits else b""

    def _fail(self, why: Exception) -> None:
        if not self._over:
            self._over = True
            self._unheard.clear()
            self._early.clear()
            self.heard.feed_eof()
            if not self.connected.done():
                self.connected.set_exception(why)
                self.connected.exception()  # nobody may wait for it any more, which is no fault

    def _now(self) -> int:
        return int(self._clock.monotonic() * 1_000_000) & _MICROSECONDS


def _payload(packet: bytes) -> bytes | None:
    """Return what stands behind the header and its extensions, None where these run past the end of *packet*.

    Of each extension that is the kind of the next one, its length, and so many bytes. More than a few are no packet.
    """
    extension, at = packet[1], _HEADER.size
    for _ in range(_MOST_EXTENSIONS):
        if not extension or at + 2 > len(packet):
            break
        extension, at = packet[at], at + 2 + packet[at + 1]
    return None if extension or at > len(packet) else packet[at:]

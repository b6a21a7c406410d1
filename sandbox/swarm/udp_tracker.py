"""A UDP tracker (BEP 15; options after an announce, BEP 41, are passed over) beside the HTTP one, of the same peers."""

import asyncio
import hashlib
import ipaddress
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Self, cast

Endpoint = tuple[str, int]

_PROTOCOL = 0x41727101980.to_bytes(8, "big")
_CONNECT, _ANNOUNCE, _SCRAPE, _ERROR = (number.to_bytes(4, "big") for number in range(4))
_HEAD = 16
_ANNOUNCE_LENGTH = 98
_HASH_LENGTH = 20
_MOST_SCRAPED = 74
_STOPPED = (3).to_bytes(4, "big")
_MINUTE = 60


class UdpTracker:
    """Answers at *host* who has what, by *peers*: those of the family of its own address.

    Who asks is named to itself, as trackers do. A connection id counts for its own address, for one to two minutes.

    Args:
        peers: by 20-byte hash.
        host: an IPv4 or IPv6 address.
        interval: seconds until who asked may ask again.
        now: seconds that only grow.
        secret: what connection ids are made of. All trackers have the same one where none is given: libtorrent
            remembers an id by address alone, for the whole process, and brings it to the next swarm's tracker.
    """

    def __init__(
        self,
        peers: Mapping[bytes, Sequence[Endpoint]],
        *,
        host: str = "127.0.0.1",
        interval: int = 1,
        now: Callable[[], float] = time.monotonic,
        secret: bytes = b"sandbox",
    ) -> None:
        self._peers = peers
        self._host = host
        self._interval = interval
        self._now = now
        self._secret = secret
        self._port = 0
        self._transport: asyncio.DatagramTransport | None = None
        self.announces: list[str] = []
        self.asked = asyncio.Event()
        """Set at each announce; clear it to wait for the next."""
        self.refusal = b""
        """What every announce is refused with, while it is not empty."""

    @property
    def url(self) -> str:
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"udp://{host}:{self._port}/announce"

    async def __aenter__(self) -> Self:
        self._transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: _Socket(self), local_addr=(self._host, 0)
        )
        self._port = self._transport.get_extra_info("sockname")[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._transport is not None:
            self._transport.close()

    def answer(self, packet: bytes, asker: Endpoint) -> bytes:
        """Return what *packet* of *asker* is answered with; nothing, when it is none of BEP 15."""
        connection, action, head = packet[:8], packet[8:12], packet[8:_HEAD]
        if action == _CONNECT and connection == _PROTOCOL and len(head) == _HEAD - 8:
            return head + self._connection(asker, 0)
        if not (action == _SCRAPE or (action == _ANNOUNCE and len(packet) >= _ANNOUNCE_LENGTH)):
            return b""
        if connection not in {self._connection(asker, 0), self._connection(asker, 1)}:
            return _ERROR + head[4:] + b"the connection id is not known, or not any more"
        if action == _SCRAPE:
            return head + self._scraped(packet[_HEAD:])
        self._heard(packet)
        return _ERROR + head[4:] + self.refusal if self.refusal else head + self._announced(packet, asker)

    def _heard(self, announce: bytes) -> None:
        if announce[80:84] != _STOPPED:
            self.announces.append(announce[16:36].hex())
            self.asked.set()

    def _connection(self, asker: Endpoint, minutes_ago: int) -> bytes:
        minute = int(self._now() // _MINUTE) - minutes_ago
        said = b"%b %b %d" % (self._secret, asker[0].encode(), minute)
        return hashlib.sha1(said, usedforsecurity=False).digest()[:8]

    def _announced(self, packet: bytes, asker: Endpoint) -> bytes:
        known = self._peers.get(packet[16:36], ())
        asked_by = [(asker[0], port)] if (port := int.from_bytes(packet[96:98], "big")) else []
        figures = (self._interval, len(asked_by), len(known))
        return b"".join(figure.to_bytes(4, "big") for figure in figures) + self._compact([*known, *asked_by])

    def _compact(self, peers: Sequence[Endpoint]) -> bytes:
        family = ipaddress.ip_address(self._host).version
        addresses = [(ipaddress.ip_address(host), port) for host, port in peers]
        return b"".join(
            address.packed + port.to_bytes(2, "big") for address, port in addresses if address.version == family
        )

    def _scraped(self, hashes: bytes) -> bytes:
        starts = range(0, min(len(hashes) // _HASH_LENGTH, _MOST_SCRAPED) * _HASH_LENGTH, _HASH_LENGTH)
        seeders = (len(self._peers.get(hashes[start : start + _HASH_LENGTH], ())) for start in starts)
        return b"".join(count.to_bytes(4, "big") + bytes(8) for count in seeders)


class _Socket(asyncio.DatagramProtocol):
    def __init__(self, tracker: UdpTracker) -> None:
        self._tracker = tracker
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)  # asyncio's own is none by its bases

    def datagram_received(self, data: bytes, addr: tuple[str, int, int, int] | Endpoint) -> None:
        if self._transport is not None and (answer := self._tracker.answer(data, addr[:2])):
            self._transport.sendto(answer, addr)

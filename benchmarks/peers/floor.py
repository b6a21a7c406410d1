"""The floor: the fewest bytes that bring a torrent's metadata by an HTTP tracker (BEP 3, 9, 10, 23), nothing beside.

No time-outs, no second peer, no uTP, no encryption, no DHT, no protection from anybody: it is what the exchange itself
costs in Python, not something to run.
"""

import asyncio
import contextlib
import hashlib
import ipaddress
from collections.abc import AsyncIterator, Sequence
from urllib.parse import quote, urlsplit

from benchmarks.peers.gathering import gathered
from benchmarks.peers.port import Missing
from benchmarks.swarm_process import RemoteSwarm, Sought
from sandbox.swarm.bencoding import decode, encode

Endpoint = tuple[str, int]

_PROTOCOL = b"\x13BitTorrent protocol"
_EXTENSIONS = bytes((0, 0, 0, 0, 0, 0x10, 0, 0))
_EXTENDED = 20
_UT_METADATA = 1
_PIECE = 16_384
_ID = b"-XX0001-benchmark000"


class Floor:
    """See `Peer`."""

    name = "a bare BEP 9 exchange"

    async def version(self) -> str:
        return ""

    @contextlib.asynccontextmanager
    async def open(self, swarm: RemoteSwarm, *, dht: bool) -> "AsyncIterator[_Finder]":  # noqa: ARG002 - the port's
        if dht:
            raise Missing("it has no DHT")
        yield _Finder()


class _Finder:
    async def find(self, sought: Sequence[Sought], patience: float) -> list[float]:
        return await gathered((_metadata(one) for one in sought), patience)


async def _metadata(sought: Sought) -> bytes:
    info_hash = bytes.fromhex(sought.hash)
    host, port = (await _peers(sought.trackers[0], info_hash))[0]
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(_PROTOCOL + _EXTENSIONS + info_hash + _ID)
        writer.write(_message(0, encode({b"m": {b"ut_metadata": _UT_METADATA}})))
        if (await reader.readexactly(68))[28:48] != info_hash:
            raise ConnectionError("another torrent")
        info = await _pieces(reader, writer)
    finally:
        writer.close()
    if hashlib.sha1(info, usedforsecurity=False).digest() != info_hash:
        raise ConnectionError("another torrent's metadata")
    return info


async def _peers(tracker: str, info_hash: bytes) -> list[Endpoint]:
    """Return the peers that *tracker* names."""
    url = urlsplit(tracker)
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    query = (
        f"info_hash={quote(info_hash, safe='')}&peer_id={_ID.decode()}&port=0&uploaded=0&downloaded=0&left=1&compact=1"
    )
    writer.write(f"GET {url.path}?{query} HTTP/1.1\r\nHost: {url.netloc}\r\nConnection: close\r\n\r\n".encode())
    body = (await reader.read()).partition(b"\r\n\r\n")[2]
    writer.close()
    peers = decode(body)[b"peers"]
    assert isinstance(peers, bytes)  # noqa: S101 - asked for as compact
    places = (peers[at : at + 6] for at in range(0, len(peers), 6))
    return [(str(ipaddress.IPv4Address(place[:4])), int.from_bytes(place[4:], "big")) for place in places]


async def _pieces(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    size, pieces = 0, dict[int, bytes]()
    while not size or len(pieces) < -(-size // _PIECE):
        body = await reader.readexactly(int.from_bytes(await reader.readexactly(4), "big"))
        if body[:1] != bytes((_EXTENDED,)):
            continue
        if body[1] == 0:
            hello = decode(body[2:])
            extensions, size = hello[b"m"], _whole(hello[b"metadata_size"])
            assert isinstance(extensions, dict)  # noqa: S101 - BEP 10
            theirs = _whole(extensions[b"ut_metadata"])
            for number in range(-(-size // _PIECE)):
                writer.write(_message(theirs, encode({b"msg_type": 0, b"piece": number})))
        elif body[1] == _UT_METADATA:
            head, _, piece = body[2:].partition(b"ee")  # the end of its last number, and its own
            pieces[_whole(decode(head + b"ee")[b"piece"])] = piece
    return b"".join(pieces[number] for number in sorted(pieces))


def _whole(value: object) -> int:
    assert isinstance(value, int)  # noqa: S101 - the floor talks to the sandbox's peers alone
    return value


def _message(extension: int, body: bytes) -> bytes:
    return (2 + len(body)).to_bytes(4, "big") + bytes((_EXTENDED, extension)) + body

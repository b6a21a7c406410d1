"""One exchange with one peer: all of its metadata is asked for at once (BEP 3, 9, 10).

libtorrent asks a peer for one piece after the other, each a round trip after the last.
"""

import asyncio
import hashlib
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any, cast

import libtorrent as lt

from services.resolvers.libtorrent.evidence import Endpoint
from services.resolvers.libtorrent.lookups import wire_hash
from services.resolvers.libtorrent.settings import USUAL_METADATA
from services.torrents import InfoHash

PIECE = 16_384
"""Bytes of metadata that are asked for by one message; the last ones may be fewer."""

_PROTOCOL = b"\x13BitTorrent protocol"
_EXTENSIONS = bytes((0, 0, 0, 0, 0, 0x10, 0, 0))
_REST = 48  # bytes of a handshake after these: what it knows, the info-hash, the peer's id
_EXTENDED = 20
_GREETING, _METADATA = 0, 1  # extended messages: of BEP 10, and the one that we call ut_metadata
_REQUEST, _DATA = 0, 1  # message types of BEP 9
_MOST_EXTENSIONS = 255
_LONGEST_HEAD = 256  # bytes before a piece: what they hold becomes objects of Python, which hold up all others
_LONGEST_GREETING = 4_096
_LONGEST = PIECE + _LONGEST_HEAD  # bytes of a message that is read
_AT_ONCE = 8  # pieces that a peer is asked for: of more than 160 KiB libtorrent leaves the rest for a second later
_MOST_NOISE = 256 * 1_024  # bytes that are no metadata: the bitfield of a million pieces is half of that
_LEAST = 256  # bytes that a message counts for, however short: each costs us time

Say = Callable[[bytes], None]

Connect = Callable[[Endpoint, str | None], AbstractAsyncContextManager[tuple[asyncio.StreamReader, Say]]]
"""Connects to a peer, from an address where one is given: what is heard, and how to speak. Raises OSError."""


class Useless(Exception):
    """The peer has no metadata, gives none, or what is not that of the torrent."""


@asynccontextmanager
async def by_tcp(peer: Endpoint, local: str | None) -> AsyncIterator[tuple[asyncio.StreamReader, Say]]:
    """See `Connect`."""
    reader, writer = await asyncio.open_connection(*peer, local_addr=(local, 0) if local else None)

    def say(data: bytes) -> None:
        if not writer.is_closing():  # else asyncio logs it, as often as a peer likes that is gone
            writer.write(data)

    try:
        yield reader, say
    finally:
        writer.transport.abort()
        with suppress(OSError):
            await writer.wait_closed()


async def metadata(
    info_hash: InfoHash,
    peer: Endpoint,
    heard: Callable[[], None],
    may_hold: Callable[[int], bool],
    *,
    connect: Connect = by_tcp,
    local: str | None = None,
) -> bytes:
    """Return the info dictionary of *info_hash*, as *peer* gives it, when it was verified: SHA-1, or SHA-256 for v2.

    It takes as long as the peer likes: *heard* is called whenever that has brought it nearer to its end.

    Args:
        info_hash: what is asked for.
        peer: who is.
        heard: see above.
        may_hold: whether there is room for so many bytes, which the peer says that there are, until this is over.
        connect: connects to it.
        local: the address that the connection is bound to.

    Raises:
        Useless: see there. What is larger than two MiB, or than there is room for, is not asked for.
        OSError, EOFError: there is no connection, or no more.
    """
    async with connect(peer, local) as (reader, say):
        heard()
        talk = _Talk(reader, say, heard)
        theirs, size = _offer(await talk.greeting(bytes.fromhex(wire_hash(info_hash))))
        if not may_hold(size):
            raise Useless
        info = await talk.pieces(theirs, size)
    digest = hashlib.sha1(info, usedforsecurity=False) if info_hash.is_v1 else hashlib.sha256(info)
    if digest.hexdigest() != info_hash.hex:
        raise Useless
    return info


class _Talk:
    def __init__(self, reader: asyncio.StreamReader, say: Say, heard: Callable[[], None]) -> None:
        self._reader = reader
        self._say = say
        self._heard = heard
        self._allowed = _MOST_NOISE

    async def greeting(self, wanted: bytes) -> bytes:
        """Return what the peer says of itself, where it is one that has the torrent *wanted* (its 20 bytes)."""
        fingerprint = lt.generate_fingerprint("LT", *map(int, lt.version.split(".")))
        own_id = (fingerprint + secrets.token_urlsafe(9)).encode()  # as libtorrent itself makes one
        own: dict[bytes, object] = {b"m": {b"ut_metadata": _METADATA}, b"v": f"libtorrent/{lt.version}".encode()}
        self._say(_PROTOCOL + _EXTENSIONS + wanted + own_id + _message(_GREETING, own))
        if await self._reader.readexactly(len(_PROTOCOL)) != _PROTOCOL:
            raise Useless
        if (await self._reader.readexactly(_REST))[8:28] != wanted:
            raise Useless
        self._heard()
        said = await self._next(_GREETING)
        self._heard()
        return said

    async def pieces(self, theirs: int, size: int) -> bytes:
        """Return all *size* bytes, asked for by the number *theirs*."""
        lengths = [min(PIECE, size - start) for start in range(0, size, PIECE)]
        given: dict[int, bytes] = {}
        asked = 0
        while len(given) < len(lengths):
            if more := range(asked, min(len(given) + _AT_ONCE, len(lengths))):
                self._say(b"".join(_message(theirs, {b"msg_type": _REQUEST, b"piece": piece}) for piece in more))
                asked = more.stop
            body = await self._next(_METADATA)
            words = _words(body[:_LONGEST_HEAD])
            piece = words.get(b"piece")
            if words.get(b"msg_type") != _DATA or not isinstance(piece, int) or not 0 <= piece < asked:
                raise Useless
            if piece in given:
                raise Useless
            given[piece] = body[-lengths[piece] :]
            self._heard()
        return b"".join(given[piece] for piece in range(len(lengths)))

    async def _next(self, number: int) -> bytes:
        """Return what the next extended message of that *number* says; all others are passed over."""
        wanted = bytes((_EXTENDED, number))
        while True:
            length = int.from_bytes(await self._reader.readexactly(4), "big")
            head = await self._reader.readexactly(min(2, length))
            if number == _METADATA and head == wanted and length <= _LONGEST:
                return await self._reader.readexactly(length - 2)
            self._allowed -= max(_LEAST, length)
            if self._allowed < 0:
                raise Useless
            if head == wanted and length <= _LONGEST:
                return await self._reader.readexactly(length - 2)
            left = length - len(head)
            while left:
                left -= len(await self._reader.readexactly(min(left, PIECE)))


def _message(number: int, words: dict[bytes, object]) -> bytes:
    """Return the extended message of that *number*."""
    body = bytes((_EXTENDED, number)) + lt.bencode(cast("Any", words))
    return len(body).to_bytes(4, "big") + body


def _offer(greeting: bytes) -> tuple[int, int]:
    """Return by what number the peer knows ut_metadata, and how many bytes of it there are."""
    if len(greeting) > _LONGEST_GREETING:
        raise Useless
    words = _words(greeting)
    extensions, size = words.get(b"m"), words.get(b"metadata_size")
    theirs = extensions.get(b"ut_metadata") if isinstance(extensions, dict) else None
    if not isinstance(theirs, int) or not 0 < theirs <= _MOST_EXTENSIONS:
        raise Useless
    if not isinstance(size, int) or not 0 < size <= USUAL_METADATA:
        raise Useless
    return theirs, size


def _words(body: bytes) -> dict[bytes, object]:
    """Return the dictionary that *body* begins with."""
    try:
        words: object = lt.bdecode(body)
    except RuntimeError as error:
        raise Useless from error
    if not isinstance(words, dict):
        raise Useless
    return words

"""A peer that gives any bytes as the metadata of whatever it is asked for: a liar, or a sick torrent's (BEP 9)."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Self

from sandbox.swarm.bencoding import decode, encode

Endpoint = tuple[str, int]
Read = Callable[[int], Awaitable[bytes]]
Write = Callable[[bytes], object]

PROTOCOL = b"\x13BitTorrent protocol"
"""What a plain connection begins with (BEP 3)."""

_EXTENDED = 20
_UT_METADATA = 3
_REFUSED = 2
_PIECE = 16_384


class Giver:
    """One peer at *host*, over plain TCP alone, whose metadata is *info*: of so many bytes as it *claims*."""

    def __init__(self, host: str, info: bytes, *, claims: int | None = None) -> None:
        self._host = host
        self._info = info
        self._claims = len(info) if claims is None else claims
        self._server: asyncio.Server | None = None
        self.given = asyncio.Event()
        """Set when the last piece was sent."""
        self.endpoint: Endpoint = (host, 0)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, self._host, 0)
        self.endpoint = self._server.sockets[0].getsockname()[:2]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            if await reader.readexactly(len(PROTOCOL)) == PROTOCOL:  # else it is encrypted: they will try it plain
                await give(
                    reader.readexactly,
                    writer.write,
                    self._info,
                    name=self._host,
                    claims=self._claims,
                    given=self.given.set,
                )
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def give(
    read: Read, write: Write, info: bytes, *, name: str, claims: int | None, given: Callable[[], object] | None = None
) -> None:
    """Give *info* to whoever has just said which protocol it speaks; ends by an error of *read* alone.

    Args:
        read: reads so many bytes of what the other says.
        write: says it to the other.
        info: the bytes that are given as the metadata.
        name: sets this peer's id apart.
        claims: how many bytes the metadata is said to have; None for a peer that has none, and refuses.
        given: is called after the last piece.
    """
    wanted = (await read(48))[8:28]
    write(PROTOCOL + bytes((0, 0, 0, 0, 0, 0x10, 0, 0)) + wanted + b"-XX0001-" + name.encode()[:12].ljust(12))
    hello: dict[bytes, object] = {b"m": {b"ut_metadata": _UT_METADATA}}
    hello |= {} if claims is None else {b"metadata_size": claims, b"upload_only": 1}
    write(_message(bytes((_EXTENDED, 0)) + encode(hello)))
    theirs = 0
    while True:
        body = await read(int.from_bytes(await read(4), "big"))
        if body[:1] != bytes((_EXTENDED,)):
            continue
        words = decode(body[2:])
        if body[1] == 0:
            theirs = _extension(words)
        elif body[1] == _UT_METADATA and isinstance(piece := words.get(b"piece"), int):
            answer = encode({b"msg_type": _REFUSED, b"piece": piece}) if claims is None else _piece(info, piece)
            write(_message(bytes((_EXTENDED, theirs)) + answer))
            if given is not None and (piece + 1) * _PIECE >= len(info):
                given()


def _piece(info: bytes, number: int) -> bytes:
    head = encode({b"msg_type": 1, b"piece": number, b"total_size": len(info)})
    return head + info[number * _PIECE : (number + 1) * _PIECE]


def _message(body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + body


def _extension(words: dict[bytes, object]) -> int:
    extensions = words.get(b"m")
    number = extensions.get(b"ut_metadata") if isinstance(extensions, dict) else None
    return number if isinstance(number, int) else 0

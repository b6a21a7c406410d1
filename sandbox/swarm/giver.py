"""A peer that gives any bytes as the metadata of whatever it is asked for: a liar, or a sick torrent's (BEP 9)."""

import asyncio
from contextlib import suppress
from typing import Self

from sandbox.swarm.bencoding import decode, encode

Endpoint = tuple[str, int]

_PROTOCOL = b"\x13BitTorrent protocol"
_EXTENDED = 20
_UT_METADATA = 3
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
            if await reader.readexactly(len(_PROTOCOL)) == _PROTOCOL:  # else it is encrypted: they will try it plain
                await self._talk(reader, writer)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        wanted = (await reader.readexactly(48))[8:28]
        writer.write(
            _PROTOCOL + bytes((0, 0, 0, 0, 0, 0x10, 0, 0)) + wanted + b"-XX0001-" + self._host.encode()[:12].ljust(12)
        )
        hello = encode({b"m": {b"ut_metadata": _UT_METADATA}, b"metadata_size": self._claims, b"upload_only": 1})
        writer.write(_message(bytes((_EXTENDED, 0)) + hello))
        theirs = 0
        while True:
            body = await reader.readexactly(int.from_bytes(await reader.readexactly(4), "big"))
            if body[:1] != bytes((_EXTENDED,)):
                continue
            words = decode(body[2:])
            if body[1] == 0:
                theirs = _extension(words)
            elif body[1] == _UT_METADATA and isinstance(piece := words.get(b"piece"), int):
                writer.write(_message(bytes((_EXTENDED, theirs)) + self._piece(piece)))
                if (piece + 1) * _PIECE >= len(self._info):
                    self.given.set()

    def _piece(self, number: int) -> bytes:
        head = encode({b"msg_type": 1, b"piece": number, b"total_size": len(self._info)})
        return head + self._info[number * _PIECE : (number + 1) * _PIECE]


def _message(body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + body


def _extension(words: dict[bytes, object]) -> int:
    extensions = words.get(b"m")
    number = extensions.get(b"ut_metadata") if isinstance(extensions, dict) else None
    return number if isinstance(number, int) else 0

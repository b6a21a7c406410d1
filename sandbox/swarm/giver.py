"""A peer that gives any bytes as the metadata of whatever it is asked for: a liar, or a sick torrent's (BEP 9)."""

import asyncio
from contextlib import AsyncExitStack, suppress
from typing import Self

from sandbox.swarm.bencoding import decode, encode
from sandbox.swarm.lies import PIECE, Lie, truth
from sandbox.swarm.mse import Sink, Wire
from sandbox.swarm.tcp_server import tcp_server
from sandbox.swarm.utp import UtpServer

Endpoint = tuple[str, int]

_PROTOCOL = b"\x13BitTorrent protocol"
_EXTENDED = 20
_UT_METADATA = 3
_PAUSE = 0.005  # one who answers without end would else leave the loop to nobody: its pipe may never be full


class Giver:
    """One peer at *host*, over TCP or uTP alone, whose metadata is *info*: of so many bytes as it *claims*.

    Args:
        host: an address; the port is any.
        info: what it gives, whichever torrent it is asked for.
        claims: in bytes; those of *info* when missing.
        lie: how it answers.
        encrypted_for: the 20-byte hash that it can be asked for, by MSE alone; when empty, any and plain alone.
        dull: it knows no ut_metadata.
        utp: it can be reached by uTP alone.
    """

    def __init__(
        self,
        host: str,
        info: bytes,
        *,
        claims: int | None = None,
        lie: Lie = truth,
        encrypted_for: bytes = b"",
        dull: bool = False,
        utp: bool = False,
    ) -> None:
        self._host = host
        self._info = info
        self._claims = len(info) if claims is None else claims
        self._lie = lie
        self._encrypted_for = encrypted_for
        self._dull = dull
        self._utp = utp
        self._stack = AsyncExitStack()
        self.greeted = asyncio.Event()
        """Set when somebody has said what extensions it knows (BEP 10)."""
        self.given = asyncio.Event()
        """Set when the last piece was sent."""
        self.sent = 0
        """Bytes of its answers so far."""
        self.endpoint: Endpoint = (host, 0)

    async def __aenter__(self) -> Self:
        if self._utp:
            self.endpoint = (await self._stack.enter_async_context(UtpServer(self._host, self.serve))).endpoint
            return self
        server = await self._stack.enter_async_context(tcp_server(self.serve, self._host))
        self.endpoint = server.sockets[0].getsockname()[:2]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def serve(self, reader: asyncio.StreamReader, sink: Sink) -> None:
        """Speak to whoever is at the other end, until it goes; it need not have been entered for that."""
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            wire = Wire(reader, sink)
            if self._encrypted_for:
                wire = await Wire.encrypted(reader, sink, self._encrypted_for)
            if await wire.read(len(_PROTOCOL)) == _PROTOCOL:  # else it is encrypted: they will try it plain
                await self._talk(wire)

    async def _talk(self, wire: Wire) -> None:
        wanted = (await wire.read(48))[8:28]
        await wire.write(
            _PROTOCOL + bytes((0, 0, 0, 0, 0, 0x10, 0, 0)) + wanted + b"-XX0001-" + self._host.encode()[:12].ljust(12)
        )
        await wire.write(_message(bytes((_EXTENDED, 0)) + encode(self._hello())))
        theirs = 0
        while True:
            body = await wire.read(int.from_bytes(await wire.read(4), "big"))
            if body[:1] != bytes((_EXTENDED,)):
                continue
            words = decode(body[2:])
            if body[1] == 0:
                theirs = _extension(words)
                self.greeted.set()
            elif body[1] == _UT_METADATA and isinstance(piece := words.get(b"piece"), int):
                await self._answer(wire, theirs, piece)

    def _hello(self) -> dict[bytes, object]:
        known = {} if self._dull else {b"m": {b"ut_metadata": _UT_METADATA}, b"metadata_size": self._claims}
        return {b"m": {}, b"upload_only": 1} | known

    async def _answer(self, wire: Wire, theirs: int, piece: int) -> None:
        for number, answer in enumerate(self._lie(self._info, self._claims, piece)):
            if number:
                await asyncio.sleep(_PAUSE)
            await wire.write(_message(bytes((_EXTENDED, theirs)) + answer))
            self.sent += len(answer)
            if (piece + 1) * PIECE >= len(self._info):
                self.given.set()


def _message(body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + body


def _extension(words: dict[bytes, object]) -> int:
    extensions = words.get(b"m")
    number = extensions.get(b"ut_metadata") if isinstance(extensions, dict) else None
    return number if isinstance(number, int) else 0

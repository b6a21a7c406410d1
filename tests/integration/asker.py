"""A peer that asks for all that there is, and counts what it gets."""

import asyncio
import os
from collections import Counter
from contextlib import AsyncExitStack, suppress
from typing import Self

from sandbox.swarm.bencoding import decode, encode
from sandbox.swarm.lies import truth
from sandbox.swarm.tcp_server import tcp_server

UNCHOKE, INTERESTED, HAVE, REQUEST, PIECE, HAVE_ALL, ALLOWED_FAST, EXTENDED = 1, 2, 4, 6, 7, 14, 17, 20
GIVING = {UNCHOKE, HAVE, PIECE, HAVE_ALL, ALLOWED_FAST}
UT_METADATA = 3
ASK, GIVE, REFUSE = 0, 1, 2
KNOWS = bytes((0, 0, 0, 0, 0, 0x10, 0, 0x04))  # BEP 10 and BEP 6


class Asker:
    """A peer that asks for pieces and metadata of *wanted*, again and again, and counts what it gets.

    When it has been refused three times and is asked itself, it gives *info* as the metadata, and asks once more.
    """

    def __init__(self, wanted: bytes, info: bytes = b"") -> None:
        self._wanted = wanted
        self._info = info
        self._theirs = 0
        self._gives = False
        self.hello: dict[bytes, object] = {}
        """What we have said of ourselves (BEP 10)."""
        self.got: Counter[int] = Counter()
        self.metadata: Counter[object] = Counter()
        self.refused = asyncio.Event()
        self.over = asyncio.Event()
        self.endpoint = ("", 0)
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        server = await self._stack.enter_async_context(tcp_server(self.talk, "127.0.5.1"))
        self.endpoint = server.sockets[0].getsockname()[:2]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            writer.write(b"\x13BitTorrent protocol" + KNOWS + self._wanted + os.urandom(20))
            if (await reader.readexactly(20))[1:] == b"BitTorrent protocol":  # else encrypted; it comes again, plain
                await reader.readexactly(48)
                hello: dict[bytes, object] = {b"m": {b"ut_metadata": UT_METADATA}}
                if self._info:
                    hello[b"metadata_size"] = len(self._info)
                writer.write(message(EXTENDED, b"\0" + encode(hello)))
                while True:
                    body = await reader.readexactly(int.from_bytes(await reader.readexactly(4), "big"))
                    if body:
                        self.got[body[0]] += 1
                        self._hear(body, writer)
        writer.close()
        if self._gives:
            self.over.set()

    def _hear(self, body: bytes, writer: asyncio.StreamWriter) -> None:
        if body[0] != EXTENDED:
            return
        words = decode(body[2:])
        if body[1] == 0 and isinstance(known := words.get(b"m"), dict):
            self.hello = words
            self._theirs = known[b"ut_metadata"]
            writer.write(self._questions())
        elif body[1] == UT_METADATA and words.get(b"msg_type") == ASK:
            self._gives = bool(self._info)
        elif body[1] == UT_METADATA:
            self.metadata[words.get(b"msg_type")] += 1
            if sum(self.metadata.values()) >= 3:
                self.refused.set()
            else:
                writer.write(self._questions())
        if self._gives and self.refused.is_set():
            (piece,) = truth(self._info, len(self._info), 0)
            writer.write(message(EXTENDED, bytes((self._theirs,)) + piece) + self._questions())

    def _questions(self) -> bytes:
        pieces = (one.to_bytes(4, "big") + bytes(4) + (2**14).to_bytes(4, "big") for one in range(4))
        metadata = bytes((self._theirs,)) + encode({b"msg_type": ASK, b"piece": 0})
        return b"".join((message(INTERESTED), *(message(REQUEST, one) for one in pieces), message(EXTENDED, metadata)))


def message(kind: int, body: bytes = b"") -> bytes:
    return (len(body) + 1).to_bytes(4, "big") + bytes((kind,)) + body

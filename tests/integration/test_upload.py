"""Nobody is given payload by us, nor metadata while we look for it, whoever began the connection."""

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Self

import pytest

from sandbox.swarm import Swarm, make_sample
from sandbox.swarm.bencoding import decode, encode
from sandbox.swarm.lies import truth
from services.torrents import Hints
from tests.integration.swarm_help import Running, Steps, opened, torrent_id

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
        self.got: Counter[int] = Counter()
        self.metadata: Counter[object] = Counter()
        self.refused = asyncio.Event()
        self.over = asyncio.Event()
        self.endpoint = ("", 0)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self.talk, "127.0.5.1", 0)
        self.endpoint = self._server.sockets[0].getsockname()[:2]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

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


@pytest.fixture
async def swarm() -> AsyncIterator[Swarm]:
    async with Swarm() as one:
        yield one


def nothing_was_given(asker: Asker) -> bool:
    return not GIVING & asker.got.keys() and not asker.metadata[GIVE]


async def test_whom_we_connect_to_is_given_nothing(swarm: Swarm) -> None:
    dead = swarm.dead()
    async with (
        Asker(dead.wire_hashes[0]) as asker,
        opened(swarm) as resolver,
        Running(resolver, torrent_id(dead), Hints(peers=(asker.endpoint,))),
    ):
        await asker.refused.wait()
    assert nothing_was_given(asker), (asker.got, asker.metadata)
    assert asker.metadata == {REFUSE: 3}


async def test_who_connects_to_us_is_given_nothing(swarm: Swarm) -> None:
    dead = swarm.dead()
    asker = Asker(dead.wire_hashes[0])
    async with opened(swarm, host="127.0.0.1") as resolver, Running(resolver, torrent_id(dead)) as running:
        await running.steps.until(lambda step: True)
        port = resolver._arms[0].session._held.listen_port()
        talking = asyncio.create_task(
            asker.talk(*await asyncio.open_connection("127.0.0.1", port, local_addr=("127.0.5.2", 0)))
        )
        await asker.refused.wait()
    await talking
    assert nothing_was_given(asker), (asker.got, asker.metadata)


async def test_metadata_that_has_just_come_is_there_for_a_moment_alone_and_payload_never(swarm: Swarm) -> None:
    sample = make_sample("ours for a moment")
    async with Asker(sample.wire_hashes[0], sample.info) as asker, opened(swarm, sessions=1) as resolver:
        found = await resolver.resolve(torrent_id(sample), Hints(peers=(asker.endpoint,)), Steps())
        assert found.name.text == "ours for a moment"
        await asker.over.wait()
    assert not GIVING & asker.got.keys()
    assert asker.metadata[GIVE] <= 1, "libtorrent may answer who asks in the same breath, before it tells us"

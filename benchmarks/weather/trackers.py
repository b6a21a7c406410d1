"""Three HTTP trackers: one is dead, one slow, one good. Each torrent's magnet names them in this order."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from random import Random
from typing import Self
from urllib.parse import parse_qsl

from benchmarks.weather.climate import Climate
from benchmarks.weather.wildcard import Endpoint
from sandbox.swarm.bencoding import encode
from sandbox.swarm.tracker import compact_peers

_HOST = "127.0.0.3"
_SLOW = (2.0, 3.0)
_INTERVAL = 1_800


class Trackers:
    """The good and the slow one; whoever asks connects at once, and waits a round trip longer for the answer."""

    def __init__(self, seed: int, climate: Climate) -> None:
        self._random = Random(f"trackers {seed}")  # noqa: S311 - the same weather each time
        self.round_trip = climate.round_trip
        self._peers: dict[bytes, bytes] = {}
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._begin, _HOST, 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    def urls(self, hanging_port: int) -> tuple[str, str, str]:
        assert self._server is not None  # noqa: S101 - it is open
        port = self._server.sockets[0].getsockname()[1]
        return (
            f"http://127.0.0.2:{hanging_port}/announce",
            f"http://{_HOST}:{port}/announce/slow",
            f"http://{_HOST}:{port}/announce",
        )

    def add(self, info_hash: bytes, peers: Iterable[Endpoint]) -> None:
        self._peers[info_hash] = compact_peers(peers)

    def _begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                await self._answer(reader, writer)
        finally:  # also of who is left waiting at the end
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = (await reader.readuntil(b"\r\n\r\n")).split(b" ")[1].decode("latin-1")
        path, _, query = line.partition("?")
        await asyncio.sleep(2 * self.round_trip + (self._random.uniform(*_SLOW) if "slow" in path else 0))
        asked = dict(parse_qsl(query, encoding="latin-1")).get("info_hash", "").encode("latin-1")
        peers = self._peers.get(asked, b"")
        body = encode({b"interval": _INTERVAL, b"complete": 1, b"incomplete": 3, b"peers": peers})
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        await writer.drain()

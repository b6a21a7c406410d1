"""What connections to the web server are like."""

import asyncio
import contextlib
import logging
import socket
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.integration.web_help import Site, served
from tests.unit.web_world import ALICE
from web import connections, serving
from web.serving import _listening


def test_an_answers_body_does_not_wait_until_its_head_is_acknowledged() -> None:
    with _listening("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_the_kernel_takes_little_for_a_client_that_reads_nothing() -> None:
    with _listening("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        accepted, _ = listener.accept()
        with accepted:
            accepted.setblocking(False)
            taken = 0
            with contextlib.suppress(BlockingIOError):
                while True:
                    taken += accepted.send(b"x" * 65_536)
            assert taken < 1_000_000


@pytest.mark.parametrize(("path", "status"), [("/api/events", 401), ("/nowhere", 404)])
async def test_a_websocket_that_is_refused_is_no_fault_in_the_log(
    path: str, status: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with served(tmp_path) as site:
        with pytest.raises(InvalidStatus) as refused:
            async with connect(f"ws://127.0.0.1:{site.port}{path}", proxy=None):
                pass
        assert refused.value.response.status_code == status
    assert [one.getMessage() for one in caplog.records if one.levelno >= logging.WARNING] == []


async def test_a_request_whose_head_does_not_end_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "_LONGEST_HEAD", 0.2)
    async with served(tmp_path) as site:
        for beginning in (b"", b"GET / HTTP/1.1\r\n"):
            reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
            writer.write(beginning)
            assert await reader.read() == b""
            writer.close()
        async with httpx.AsyncClient(base_url=site.address) as client:  # a whole one is not
            assert (await client.get("/healthz")).status_code == 200
            assert (await client.get("/healthz")).status_code == 200


async def test_connections_beyond_what_files_there_are_for_are_cut_and_the_others_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(connections, "most", lambda: 3)
    async with served(tmp_path) as site, httpx.AsyncClient(base_url=site.address) as client:
        assert (await client.get("/healthz")).status_code == 200
        async with contextlib.AsyncExitStack() as stack:
            open_ones = [await asyncio.open_connection("127.0.0.1", site.port) for _ in range(5)]
            for _, writer in open_ones:
                stack.callback(writer.close)
            for reader, _ in open_ones[2:]:
                with contextlib.suppress(ConnectionResetError):
                    assert await reader.read() == b""
            assert (await client.get("/healthz")).status_code == 200
    assert [one.getMessage() for one in caplog.records if one.levelno >= logging.WARNING] == []


PING = b"\x89\xfd\0\0\0\0" + b"a" * 125
EMPTY_FRAGMENT, NO_TEXT = b"\x00\x80\0\0\0\0", b"\x81\x81\0\0\0\0\xff"


@pytest.mark.parametrize("frames", [[PING], [b"\x01\x80\0\0\0\0", *[EMPTY_FRAGMENT] * 1_000], [NO_TEXT]])
async def test_a_listener_who_talks_without_end_is_left_and_nothing_is_kept_of_it(
    frames: list[bytes], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with served(tmp_path) as site:
        reader, writer = await listening(site)
        with contextlib.suppress(ConnectionError):
            for _ in range(1_000):
                writer.write(b"".join(frames))
                await writer.drain()
        said = bytearray()
        with contextlib.suppress(ConnectionResetError):
            while part := await reader.read(65_536):
                said += part
        writer.close()
        assert len(said) < 100_000
    assert [one.getMessage() for one in caplog.records if one.levelno >= logging.WARNING] == []


async def test_a_listener_who_takes_no_last_word_is_gone_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "_LAST_WORD", 0.1)
    there: list[connections.Listener] = []
    gone = asyncio.Event()

    class Watched(connections.Listener):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            super().connection_made(transport)
            there.append(self)

        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            gone.set()

    monkeypatch.setattr(serving, "Listener", Watched)
    async with served(tmp_path) as site:
        _, writer = await listening(site)
        there[0].transport.write(b"x" * 10_000_000)  # more than the kernel keeps for who reads nothing
        writer.write(PING * 200)
        await asyncio.wait_for(gone.wait(), 10)
        writer.transport.abort()


async def test_what_a_listener_says_now_and_then_is_not_read(tmp_path: Path) -> None:
    async with served(tmp_path) as site:
        headers = {"Authorization": f"Bearer {site.tokens[ALICE]}"}
        async with connect(f"ws://127.0.0.1:{site.port}/api/events", proxy=None, additional_headers=headers) as socket:
            for _ in range(20):
                await socket.send("hello")
                await socket.send(b"hello")
            await (await socket.ping())
            assert '"snapshot"' in str(await socket.recv())


async def listening(site: Site) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    writer.write(
        "GET /api/events HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        f"Authorization: Bearer {site.tokens[ALICE]}\r\n\r\n".encode()
    )
    assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
    return reader, writer

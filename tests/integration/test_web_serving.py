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

from services.notebook.notebook import Notebook
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


async def test_where_there_are_as_many_connections_as_files_the_one_that_was_silent_longest_makes_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(connections, "most", lambda: 3)
    async with served(tmp_path) as site, contextlib.AsyncExitStack() as stack:

        async def another() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
            reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
            stack.callback(writer.close)
            return reader, writer

        async def asks(client: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> None:
            client[1].write(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
            await client[0].readuntil(b"}")

        async def is_left(client: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> None:
            with contextlib.suppress(ConnectionResetError):
                assert await client[0].read() == b""

        first, second = await another(), await another()
        for client in (first, second, first):
            await asks(client)
        silent = await another()
        await asks(visitor := await another())
        await is_left(second)
        await asks(first)
        await asks(await another())
        await is_left(silent)
        await asks(first)
        await asks(await another())
        await is_left(visitor)
        await asks(first)
    assert [one.getMessage() for one in caplog.records if one.levelno >= logging.WARNING] == []


async def test_an_answer_that_is_taken_slowly_is_not_cut_to_make_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "most", lambda: 3)
    loop, paused = asyncio.get_running_loop(), asyncio.Event()

    class Watched(connections.Http):
        def pause_writing(self) -> None:
            super().pause_writing()
            paused.set()

    monkeypatch.setattr(serving, "Http", Watched)
    async with served(tmp_path) as site, contextlib.AsyncExitStack() as stack:
        own = await site.services.notebook.behind(str(ALICE))
        note = await site.services.notebook.save(
            "long " * 180_000, notebook=own, person=ALICE, origin=None, anything=True
        )
        assert note is not None
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            client.setblocking(False)
            await loop.sock_connect(client, ("127.0.0.1", site.port))
            asked = f"GET /api/notes/{note.note_id} HTTP/1.1\r\nHost: a\r\n"
            await loop.sock_sendall(client, f"{asked}Authorization: Bearer {site.tokens[ALICE]}\r\n\r\n".encode())
            await asyncio.wait_for(paused.wait(), 10)
            for _ in range(5):
                visitor, writer = await asyncio.open_connection("127.0.0.1", site.port)
                stack.callback(writer.close)
                writer.write(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
                assert (await visitor.readline()).startswith(b"HTTP/1.1 200 ")
            said = b""
            while not said.endswith(b"}"):
                more = await asyncio.wait_for(loop.sock_recv(client, 65_536), 10)
                assert more, f"cut after {len(said)} bytes"
                said += more
        assert len(said) > 900_000


async def test_an_upload_that_goes_on_outlives_those_that_say_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "most", lambda: 3)
    heard = asyncio.Event()

    class Watched(connections.Http):
        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            heard.set()

    monkeypatch.setattr(serving, "Http", Watched)
    async with served(tmp_path) as site, contextlib.AsyncExitStack() as stack:
        reader, upload = await asyncio.open_connection("127.0.0.1", site.port)
        stack.callback(upload.close)
        body = b'{"text": "a long note"}'
        upload.write(b"POST /api/notes HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n")
        upload.write(f"Authorization: Bearer {site.tokens[ALICE]}\r\nContent-Length: {len(body)}\r\n\r\n".encode())
        for letter in body:
            heard.clear()
            upload.write(bytes([letter]))
            await heard.wait()
            _, writer = await asyncio.open_connection("127.0.0.1", site.port)
            stack.callback(writer.close)
        assert (await reader.readline()).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("before", [b"", b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"], ids=["alone", "with another"])
async def test_those_whose_body_does_not_come_make_room_the_one_first_that_waits_longest(
    before: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(connections, "most", lambda: 3)
    async with served(tmp_path) as site, contextlib.AsyncExitStack() as stack:
        waited_for = []
        for _ in range(3):
            reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
            stack.callback(writer.close)
            writer.write(before + b"GET /healthz HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n")
            writer.write(b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 2\r\n\r\n")
            await reader.readuntil(b"HTTP/1.1 100 Continue\r\n\r\n")
            writer.write(b"x")
            waited_for.append((reader, writer))
        async with httpx.AsyncClient(base_url=site.address) as client:
            assert (await client.get("/healthz")).status_code == 200
        (longest, _), *others = waited_for
        with contextlib.suppress(ConnectionResetError):
            assert await longest.read() == b""
        for reader, writer in others:
            writer.write(b"x")
            assert (await reader.readline()).startswith(b"HTTP/1.1 200 ")
    assert [one.getMessage() for one in caplog.records if one.levelno >= logging.WARNING] == []


PING = b"\x89\xfd\0\0\0\0" + b"a" * 125
PONG = b"\x8a\x80\0\0\0\0"
EMPTY_FRAGMENT, NO_TEXT = b"\x00\x80\0\0\0\0", b"\x81\x81\0\0\0\0\xff"


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ("".join(f"X-{number}: a\r\n" for number in range(150)), 431),
        (f"X: {'a' * 10_000}\r\n", 431),
        ("Content-Length: 3\r\n", None),
        ("Transfer-Encoding: chunked\r\n", None),
    ],
)
async def test_a_handshake_that_cannot_be_read_is_answered_and_left_and_does_not_hold_up_the_end(
    header: str, status: int | None, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with served(tmp_path) as site:
        reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
        writer.write(f"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{header}\r\n".encode())
        said = await reader.read()
        assert said.startswith(f"HTTP/1.1 {status} ".encode()) if status else said == b""
    writer.close()
    assert [one.getMessage() for one in caplog.records if one.levelno >= logging.WARNING] == []


async def test_a_body_in_very_many_pieces_is_left_and_one_in_many_is_read(tmp_path: Path) -> None:
    body = '{"text": "%s"}' % ("a" * 900)
    async with served(tmp_path) as site:
        for further, answered in ((0, True), (2_000, False)):
            reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
            pieces = "".join(f"1\r\n{one}\r\n" for one in " " * further + body)
            writer.write(
                "POST /api/notes HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nConnection: close\r\n"
                f"Authorization: Bearer {site.tokens[ALICE]}\r\nTransfer-Encoding: chunked\r\n\r\n{pieces}".encode()
            )
            if answered:
                writer.write(b"0\r\n\r\n")
            said = b""
            with contextlib.suppress(ConnectionResetError):
                said = await asyncio.wait_for(reader.read(), 5)
            assert said.startswith(b"HTTP/1.1 200 ") is answered
            writer.close()


async def test_who_takes_nothing_of_an_answer_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "_BETWEEN_LOOKS", 0.2)
    gone = asyncio.Event()

    class Watched(connections.Http):
        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            gone.set()

    monkeypatch.setattr(serving, "Http", Watched)
    async with served(tmp_path) as site:
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            client.setblocking(False)
            await asyncio.get_running_loop().sock_connect(client, ("127.0.0.1", site.port))
            await asyncio.get_running_loop().sock_sendall(client, b"GET /docs HTTP/1.1\r\nHost: a\r\n\r\n" * 200)
            await asyncio.wait_for(gone.wait(), 10)


async def test_a_burst_of_connections_makes_no_more_of_them_than_there_may_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "most", lambda: 20)
    there: set[connections.Http] = set()

    class Watched(connections.Http):
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
            super().connection_made(transport)
            there.add(self)

        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            there.discard(self)

    monkeypatch.setattr(serving, "Http", Watched)
    async with served(tmp_path) as site, contextlib.AsyncExitStack() as stack:
        for _ in range(100):  # the kernel takes them; the loop has all of them in one turn
            burst = stack.enter_context(socket.create_connection(("127.0.0.1", site.port)))
            burst.setblocking(False)
        async with httpx.AsyncClient(base_url=site.address) as client:
            assert (await client.get("/healthz")).status_code == 200
        assert 0 < len(there) <= 20


async def test_a_stop_waits_for_no_client_that_takes_nothing_and_is_no_fault(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        client.setblocking(False)
        loop, paused = asyncio.get_running_loop(), asyncio.Event()

        class Watched(connections.Http):
            def pause_writing(self) -> None:
                super().pause_writing()
                paused.set()

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(serving, "Http", Watched)
            async with served(tmp_path) as site:
                await loop.sock_connect(client, ("127.0.0.1", site.port))
                await loop.sock_sendall(client, b"GET /docs HTTP/1.1\r\nHost: a\r\n\r\n" * 200)
                await asyncio.wait_for(paused.wait(), 10)
    assert [one.getMessage() for one in caplog.records if one.levelno >= logging.WARNING] == []


async def test_a_stop_waits_for_no_client_that_leaves_a_little_untaken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    there: list[connections.Http] = []

    class Watched(connections.Http):
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
            super().connection_made(transport)
            there.append(self)

    monkeypatch.setattr(serving, "Http", Watched)
    loop = asyncio.get_running_loop()
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        client.setblocking(False)
        async with served(tmp_path) as site:
            await loop.sock_connect(client, ("127.0.0.1", site.port))
            await loop.sock_sendall(client, b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
            assert await loop.sock_recv(client, 1)
            while not there[0].transport.get_write_buffer_size():
                there[0].transport.write(b"x" * 10_000)
            assert not there[0].flow.write_paused
    assert [one.getMessage() for one in caplog.records if one.levelno >= logging.WARNING] == []


async def test_a_stop_waits_for_a_client_that_goes_on_reading(tmp_path: Path) -> None:
    said = b""
    loop, paused, stopping = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()

    class Watched(connections.Http):
        def pause_writing(self) -> None:
            super().pause_writing()
            paused.set()

        def shutdown(self) -> None:
            super().shutdown()
            stopping.set()

        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            stopping.set()

    async def read_on(client: socket.socket) -> None:
        nonlocal said
        await stopping.wait()
        while more := await loop.sock_recv(client, 65_536):
            said += more

    with socket.socket() as client, pytest.MonkeyPatch.context() as patch:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        client.setblocking(False)
        patch.setattr(serving, "Http", Watched)
        async with asyncio.TaskGroup() as group, served(tmp_path) as site:
            own = await site.services.notebook.behind(str(ALICE))
            note = await site.services.notebook.save(
                "long " * 200_000, notebook=own, person=ALICE, origin=None, anything=True
            )
            assert note is not None
            await loop.sock_connect(client, ("127.0.0.1", site.port))
            asked = f"GET /api/notes/{note.note_id} HTTP/1.1\r\nHost: a\r\n"
            await loop.sock_sendall(client, f"{asked}Authorization: Bearer {site.tokens[ALICE]}\r\n\r\n".encode())
            await asyncio.wait_for(paused.wait(), 10)
            group.create_task(read_on(client))
    head, _, body = said.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    assert len(body) > 1_000_000
    assert body.endswith(b"}")


async def test_what_is_no_request_is_no_fault_in_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with served(tmp_path) as site:
        for nonsense in (
            b"nonsense\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n",
        ):
            reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
            writer.write(nonsense)
            assert (await reader.readline()).startswith(b"HTTP/1.1 4")
            writer.close()
    assert [one.getMessage() for one in caplog.records if one.levelno >= logging.WARNING] == []


@pytest.mark.parametrize("frames", [[PING], [PONG], [b"\x01\x80\0\0\0\0", *[EMPTY_FRAGMENT] * 1_000], [NO_TEXT]])
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


async def test_a_stop_waits_for_no_listener_that_takes_nothing_and_is_no_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    there: list[connections.Listener] = []

    class Watched(connections.Listener):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            super().connection_made(transport)
            there.append(self)

    monkeypatch.setattr(serving, "Listener", Watched)
    async with served(tmp_path) as site:
        _, writer = await listening(site)
        there[0].transport.write(b"x" * 10_000_000)  # more than the kernel keeps for who reads nothing
    writer.transport.abort()
    assert [one.getMessage() for one in caplog.records if one.levelno >= logging.WARNING] == []


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


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [("get", "/api/notes/1", "shutting_down"), ("delete", "/api/notes/1", "outcome_unknown")],
)
async def test_what_is_not_done_when_a_stop_has_waited_is_told_so_and_no_fault(
    method: str, path: str, code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What changes something may have been done: what is being written is written, whoever is cut off."""
    began = asyncio.Event()

    async def slow(*_: object, **__: object) -> None:
        began.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(serving, "_PATIENCE", 0.1)
    for name in ("get", "delete"):
        monkeypatch.setattr(Notebook, name, slow)
    async with httpx.AsyncClient() as client, asyncio.TaskGroup() as group:
        async with served(tmp_path) as site:
            headers = {"Authorization": f"Bearer {site.tokens[ALICE]}"}
            asked = group.create_task(client.request(method, f"{site.address}{path}", headers=headers))
            await asyncio.wait_for(began.wait(), 10)
        answer = await asked
    assert (answer.status_code, answer.json()["code"]) == (503, code)
    assert [one.getMessage() for one in caplog.records if one.exc_info] == []

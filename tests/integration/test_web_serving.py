"""What connections to the web server are like."""

import contextlib
import logging
import socket
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.integration.web_help import served
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

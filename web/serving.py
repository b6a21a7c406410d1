"""The server: in the loop of whoever starts it, which also stops it."""

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import AsyncIterator, Iterator, Sequence

import structlog
import uvicorn
from fastapi import FastAPI

from services.errors import WebUnavailable
from web.connections import CLIENTS, Http, Listener

log = structlog.stdlib.get_logger(__name__)
_PATIENCE = 1  # seconds that requests under way have when it stops
_BACKLOG = 256  # connections that are taken in one turn of the loop, too: fewer than the files that are kept back
_MOST_BETWEEN = 65_536  # bytes (Linux: twice that) that the kernel keeps for a client that has not taken them
_MOST_HEARD = 4096  # bytes of one message of a listener's: there is nothing for it to say


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to the program: else uvicorn takes them, and ends the process before it has cleaned up."""
        yield


@contextlib.asynccontextmanager
async def serving(app: FastAPI, host: str, port: int, proxies: Sequence[str] = ()) -> AsyncIterator[int]:
    """Serve *app* at *host* and *port* (0: a free one) while the ``async with`` lasts; yield the port.

    What *proxies* (addresses and networks) say of whom they ask for is believed: ``X-Forwarded-For``, ``-Proto``.
    The end begins when *app* is to stop, at the latest when that is left.

    Raises:
        WebUnavailable: it cannot listen there.
    """
    listener = await asyncio.to_thread(_listening, host, port)
    logging.getLogger(CLIENTS).setLevel(logging.ERROR)
    settings = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        proxy_headers=bool(proxies),  # else uvicorn believes whoever asks from this machine
        forwarded_allow_ips=list(proxies),
        timeout_graceful_shutdown=_PATIENCE,
        http=Http,
        ws=Listener,
        ws_max_size=_MOST_HEARD,
        backlog=_BACKLOG,
        ws_per_message_deflate=False,  # a window of its own for each socket, for messages that are small
    )
    server = _Server(settings)
    running = asyncio.create_task(server.serve(sockets=[listener]))

    async def leave() -> None:
        await app.state.stopping.wait()
        server.should_exit = True
        await asyncio.wait({running}, timeout=_PATIENCE * 0.9)
        for one in list(server.server_state.connections):  # uvicorn would cut these off now, with a traceback
            if isinstance(one, Listener) or (isinstance(one, Http) and one.takes_nothing):
                one.leave()

    leaving = asyncio.create_task(leave())
    try:
        there = listener.getsockname()[1]
        log.info("web.listening", host=host, port=there)
        yield there
    finally:
        app.state.stopping.set()
        await leaving
        await running


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise WebUnavailable(reason=os.strerror(error.errno) if error.errno else str(error)) from error
    # Each connection has these from the listener. asyncio sets the first on those that it opens itself alone; without
    # it an answer's body waits until its head is acknowledged: 40 ms. Without the second the kernel takes megabytes for
    # a listener that reads nothing, and it is not seen to be too slow before they are full.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _MOST_BETWEEN)
    return listener

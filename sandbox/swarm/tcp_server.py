"""Servers of TCP that leave no connection open when they end."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def tcp_server(answer: Answer, host: str) -> AsyncIterator[asyncio.Server]:
    """Yield a server at any port of *host*, which has *answer* speak to whoever comes, until either goes or it ends."""
    talking: set[asyncio.StreamWriter] = set()
    over = False

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if over:  # it had come in, and nobody knew of it yet
            writer.transport.abort()
            return
        talking.add(writer)
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                await answer(reader, writer)
        finally:
            talking.discard(writer)
            writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_server(serve, host, 0)
    try:
        yield server
    finally:
        try:
            await stop_listening(server)
        finally:
            over = True
            for writer in talking:
                writer.transport.abort()  # an endless one is in the middle of a word


async def stop_listening(server: asyncio.Server) -> None:
    """Let nobody in any more, and close *server* once it knows of whoever had just come in.

    A server that is closed between the two loses that connection, and nobody closes it.
    """
    loop = asyncio.get_running_loop()
    for listener in server.sockets:
        loop.remove_reader(listener)
    try:
        await asyncio.sleep(0)
    finally:
        server.close()

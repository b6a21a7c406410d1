"""Where the server can be reached, and how it is gone for a time."""

import asyncio
import socket

from aiohttp import web

_TURNS = (
    4  # of the loop, in which what was accepted is a connection that can be cut: else it stays, and nobody closes it
)


class Listener:
    """Lets an application be reached at a port of loopback. The port stays its own while nobody listens there."""

    def __init__(self, application: web.Application) -> None:
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
        self._socket: socket.socket | None = None
        self._site: web.SockSite | None = None

    async def open(self) -> str:
        """Begin to listen at a free port and return the address."""
        await self._runner.setup()
        self._socket = _bound(0)
        await self.listen()
        return "http://{}:{}".format(*self._socket.getsockname())

    async def close(self) -> None:
        if self._site is not None and self._socket is not None:
            await self._stop(self._site, self._socket)
        await self._runner.cleanup()
        if self._socket is not None:
            self._socket.close()

    async def listen(self) -> None:
        """Take connections; one that takes them already goes on."""
        if self._site is None and self._socket is not None:
            self._site = web.SockSite(self._runner, self._socket)
            await self._site.start()

    async def refuse(self) -> None:
        """Take no more connections, and cut those that there are."""
        if self._site is None or self._socket is None or self._runner.server is None:
            return
        port = self._socket.getsockname()[1]
        await self._stop(self._site, self._socket)
        self._socket = _bound(port)  # it does not listen: without it somebody else could be given the port
        for connection in self._runner.server.connections:
            connection.force_close()

    async def _stop(self, site: web.SockSite, listening: socket.socket) -> None:
        """Accept nothing more, and only then close: asyncio leaves open what it accepted in the moment before."""
        asyncio.get_running_loop().remove_reader(listening)
        for _ in range(_TURNS):
            await asyncio.sleep(0)
        await site.stop()
        self._site = None


def _bound(port: int) -> socket.socket:
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # the cut connections still hold the port for a while
    bound.bind(("127.0.0.1", port))
    return bound

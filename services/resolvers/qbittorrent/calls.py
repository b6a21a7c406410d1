"""Questions to a qBittorrent, one after the other, in a thread of their own: its library knows nothing of a loop."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import structlog

from services.errors import LookupFailed, ResolverDown
from services.resolvers.qbittorrent.server import Listed, Server

log = structlog.stdlib.get_logger(__name__)
T = TypeVar("T")


class Calls:
    """Asks *server*. One question at a time: its library's session bears no more, and so we log in once.

    When the server was silent, whatever waits already is answered at once that it is: on a stop, nobody waits for more
    than one time-out.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="qbittorrent")
        self._asked = 0
        self._silent = 0
        self._down: str | None = ""  # nobody knows
        self._closed = False
        self._listing: Future[list[Listed]] | None = None

    async def ask(self, question: Callable[[Server], T]) -> T:
        """Return what the server says to *question*. Who is cancelled leaves one that has begun to its end.

        Raises:
            ResolverDown: it does not say, or this is closed.
        """
        return await asyncio.wrap_future(self._begin(question))

    async def everything(self) -> Sequence[Listed]:
        """Return every torrent that the server has. Who comes before it is asked has the same answer."""
        if self._listing is None or self._listing.running() or self._listing.done():
            self._listing = self._begin(Server.listed)
        return await asyncio.shield(asyncio.wrap_future(self._listing))

    def _begin(self, question: Callable[[Server], T]) -> "Future[T]":
        if self._closed:
            raise ResolverDown(reason="closed")
        self._asked += 1
        return self._thread.submit(self._ask, question, self._asked)

    def _ask(self, question: Callable[[Server], T], number: int) -> T:
        if number <= self._silent:
            raise ResolverDown(reason="timeout")
        try:
            said = question(self._server)
        except LookupFailed as error:
            failure = type(error)(**error.parameters)  # the first one has the library's own, which keeps its connection
        else:
            self._take_in(None)
            return said
        down = str(failure.parameters["reason"]) if isinstance(failure, ResolverDown) else None
        self._take_in(down)
        if down == "timeout":
            self._silent = self._asked
        raise failure

    def _take_in(self, down: str | None) -> None:
        """Note for which reason it is *down*, if it is, and tell the log when that changes."""
        if down is not None and down != self._down:
            log.warning("qbittorrent.down", reason=down)
        elif down is None and self._down:
            log.info("qbittorrent.up")
        self._down = down

    def _leave(self) -> None:
        self._server.leave(politely=self._down is None)

    async def close(self) -> None:
        """Log out where it answers, and return when nothing is asked any more."""
        last = asyncio.wrap_future(self._thread.submit(self._leave))
        self._closed = True
        await asyncio.wait([last])
        last.exception()  # seen: whoever does not answer has no session of ours
        self._thread.shutdown(wait=False)

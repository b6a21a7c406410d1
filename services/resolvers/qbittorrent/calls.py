"""Questions to a qBittorrent, one after the other, in a thread of their own: its library knows nothing of a loop."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from queue import SimpleQueue
from threading import Thread
from typing import TypeVar

import structlog

from services.errors import LookupFailed, ResolverDown
from services.resolvers.qbittorrent.server import Listed, Server

log = structlog.stdlib.get_logger(__name__)
T = TypeVar("T")
_PATIENCE = 2.0  # seconds at most for a farewell


class Calls:
    """Asks *server*. One question at a time: its library's session bears no more, and so we log in once.

    When the server was silent, whatever waits already is answered at once that it is: on a stop, nobody waits for more
    than one time-out. Nobody waits for the thread either when it hangs, not even the interpreter at its end.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._questions: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        Thread(target=self._work, name="qbittorrent", daemon=True).start()
        self._asked = 0
        self._answered = 0
        self._silent = 0
        self._down: str | None = ""  # nobody knows
        self._closed = False
        self._listing: Future[list[Listed]] | None = None

    async def ask(self, question: Callable[[Server], T]) -> T:
        """Return what the server says to *question*. Who is cancelled leaves one that has begun to its end.

        Raises:
            ResolverDown: it does not say, or this is closed.
        """
        return await self._said(self._begin(question))

    async def everything(self) -> Sequence[Listed]:
        """Return every torrent that the server has. Who comes before it is asked has the same answer."""
        if self._listing is None or self._listing.running() or self._listing.done():
            self._listing = self._begin(Server.listed)
        return await self._said(self._listing, shared=True)

    async def _said(self, future: "Future[T]", *, shared: bool = False) -> T:
        waiting = asyncio.wrap_future(future)
        try:
            while not waiting.done():
                answered = self._answered
                await asyncio.wait([waiting], timeout=2 * self._server.seconds)
                if not waiting.done() and self._answered == answered:
                    raise ResolverDown(reason="timeout")
            return waiting.result()
        finally:
            if not shared:
                waiting.cancel()

    def _begin(self, question: Callable[[Server], T]) -> "Future[T]":
        if self._closed:
            raise ResolverDown(reason="closed")
        self._asked += 1
        return self._submit(partial(self._ask, question, self._asked))

    def _submit(self, work: Callable[[], T]) -> "Future[T]":
        future: Future[T] = Future()

        def answer() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(work())
            except BaseException as error:  # noqa: BLE001 - whoever waits for it is told
                future.set_exception(error)

        self._questions.put(answer)
        return future

    def _work(self) -> None:
        while (answer := self._questions.get()) is not None:
            answer()
            self._answered += 1

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
        """Log out where it answers, and return when nothing is asked any more, or will not be answered soon."""
        last = asyncio.wrap_future(self._submit(self._leave))
        self._closed = True
        self._questions.put(None)
        await asyncio.wait([last], timeout=_PATIENCE)
        if last.done():
            last.exception()  # seen: whoever does not answer has no session of ours

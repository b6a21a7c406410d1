"""What one connection may cost the others: how long it may say or take nothing whole, how much, and how many."""

import asyncio
import logging
import re
from collections.abc import Callable, Iterator

import h11
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.frames import CloseCode, Frame

from services import open_files

CLIENTS = "uvicorn.error.clients"
"""The log of what clients do wrong: as much as they like, so that only errors of ours belong there."""

_LONGEST_HEAD = 20.0  # seconds
_LONGEST_HEAD_BYTES = 65_536
_BETWEEN_LOOKS = 120.0
"""Seconds in which a client takes some of what waits for it, or is left: the kernel asks for more in large steps."""
_MOST_CHUNKS = 2_000  # of a body: each costs as much as one of any size
_FEWEST = 64
_WRITTEN_OUT = re.compile(rb"https?://([^/?#@]+)(/[^?]*)?(\?.*)?", re.IGNORECASE)
_MOST_FRAMES = 100  # of a listener between two of our pings (20 s): there is nothing for it to say
_LAST_WORD = 10.0  # seconds in which a listener may yet take what it was sent
_TOGETHER = 512  # bytes of them that are read before it is looked how many they were


def most() -> int:
    """Return how many connections there may be, so that none of the program's other files is the one too many."""
    return max(_FEWEST, open_files.share(2))


class _Requests(h11.Connection):
    """Leaves, by *leave*, whoever sends a body in very many chunks."""

    def __init__(self, leave: Callable[[], None]) -> None:
        super().__init__(h11.SERVER, _LONGEST_HEAD_BYTES)
        self._leave = leave
        self._chunks = 0

    def next_event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        event = super().next_event()
        if isinstance(event, h11.Request):
            self._chunks = 0
            return _to_a_server(event)
        if isinstance(event, h11.Data) and event.chunk_start:
            self._chunks += 1
            if self._chunks > _MOST_CHUNKS:
                self._leave()
                return h11.NEED_DATA
        return event


def _to_a_server(asked: h11.Request) -> h11.Request:
    """Return what is asked as clients ask servers, where it was asked as they ask proxies (RFC 9112, section 3.2.2)."""
    written_out = _WRITTEN_OUT.fullmatch(asked.target)
    if written_out is None:
        return asked
    host, path, query = written_out.groups()
    headers = [(b"host", host), *((name, value) for name, value in asked.headers if name != b"host")]
    return h11.Request(
        method=asked.method, headers=headers, target=(path or b"/") + (query or b""), http_version=asked.http_version
    )


class Http(H11Protocol):
    """Leaves whoever begins a request and does not end its head, or takes nothing of an answer.

    uvicorn waits for both without an end.
    """

    _waiting: asyncio.TimerHandle | None = None
    _looking: asyncio.TimerHandle | None = None
    heard_at = 0.0

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, object],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.logger = logging.getLogger(CLIENTS)
        self.conn = _Requests(self.leave)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        super().connection_made(transport)
        self.heard_at = self.loop.time()
        self._wait()
        self._look(None, 0)
        if len(self.connections) > most():
            others = (one for one in self.connections if one is not self and isinstance(one, Http) and one.is_awaited)
            min(others, key=lambda one: one.heard_at, default=self).leave()

    def data_received(self, data: bytes) -> None:
        self.heard_at = self.loop.time()
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._wait_no_more()
        elif self._waiting is None:
            self._wait()

    def on_response_complete(self) -> None:
        self.heard_at = self.loop.time()  # so long it could not ask for more
        super().on_response_complete()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        self._forget()
        super().handle_websocket_upgrade(event)

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget()
        super().connection_lost(exc)

    @property
    def is_awaited(self) -> bool:
        """Whether it has to be waited for a request, or for the rest of one, and for nothing else.

        A slow client has yet to take an answer that for h11 is over.
        """
        waits = self.conn.their_state in {h11.IDLE, h11.SEND_BODY} and not self.takes_nothing
        return waits and not self.transport.is_closing()

    @property
    def takes_nothing(self) -> bool:
        """Whether some of an answer waits until it takes it."""
        return self.transport.get_write_buffer_size() > 0

    def leave(self) -> None:
        """Be gone in the loop's next turn, and not meant by this one's any more."""
        self._wait_no_more()
        self.transport.abort()

    def _wait(self) -> None:
        self._waiting = self.loop.call_later(_LONGEST_HEAD, self.leave)

    def _wait_no_more(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _look(self, answer: RequestResponseCycle | None, untaken: int) -> None:
        """Leave whoever has taken nothing of what of this *answer* was *untaken* before."""
        now = self.transport.get_write_buffer_size()
        if untaken and answer is self.cycle and now >= untaken:
            self.leave()
            return
        self._looking = self.loop.call_later(_BETWEEN_LOOKS, self._look, self.cycle, now)

    def _forget(self) -> None:
        self._wait_no_more()
        if self._looking is not None:
            self._looking.cancel()
            self._looking = None


class Listener(WebSocketsSansIOProtocol):
    """Reads nothing of what it is told, and leaves whoever goes on telling: uvicorn answers each ping, however many."""

    _frames = 0

    def data_received(self, data: bytes) -> None:
        for part in _parts(data):
            if self.transport.is_closing():
                return
            super().data_received(part)
        if not self.handshake_initiated:  # the whole head was there: uvicorn does not look why it was not taken
            self._end()

    def handle_text(self, event: Frame) -> None:  # noqa: ARG002 - it is not read
        self._hear()

    def handle_bytes(self, event: Frame) -> None:  # noqa: ARG002
        self._hear()

    def handle_cont(self, event: Frame) -> None:  # noqa: ARG002
        self._hear()

    def handle_ping(self) -> None:
        super().handle_ping()
        self._hear()

    def handle_pong(self, event: Frame) -> None:
        super().handle_pong(event)
        self._hear()

    def send_keepalive_ping(self) -> None:
        self._frames = 0
        super().send_keepalive_ping()

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self._leave_soon()

    def on_task_complete(self, task: asyncio.Task[None]) -> None:
        super().on_task_complete(task)
        self._leave_soon()

    def leave(self) -> None:
        """Be gone in the loop's next turn, whatever it has not taken yet."""
        self.transport.abort()

    def _hear(self) -> None:
        self._frames += 1
        if self._frames <= _MOST_FRAMES or self.close_sent:
            return
        self.conn.fail(CloseCode.POLICY_VIOLATION, "too many messages")
        self._end()

    def _end(self) -> None:
        """Say what there is to be said yet, and be gone."""
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.transport.close()
        self._leave_soon()

    def _leave_soon(self) -> None:
        """Be gone soon, whatever of the last words it takes: who reads nothing would stay for ever."""
        self.loop.call_later(_LAST_WORD, self.leave)


def _parts(data: bytes) -> Iterator[bytes]:
    for begin in range(0, len(data), _TOGETHER):
        yield data[begin : begin + _TOGETHER]

"""What one connection may cost the others: how long it may say nothing whole, how much it may say, and how many."""

import asyncio
import resource
from collections.abc import Iterator

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import CloseCode, Frame

_LONGEST_HEAD = 20.0  # seconds
_KEPT_BACK = 512  # open files that are for all else: the database, the swarm, Telegram
_FEWEST = 64
_MOST_FRAMES = 100  # of a listener between two of our pings (20 s): there is nothing for it to say
_LAST_WORD = 10.0  # seconds in which a listener may yet take what it was sent
_TOGETHER = 512  # bytes of them that are read before it is looked how many they were


def most() -> int:
    """Return how many connections there may be, so that none of the program's other files is the one too many."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(_FEWEST, files - _KEPT_BACK) if files != resource.RLIM_INFINITY else 65_536


class Http(H11Protocol):
    """Leaves whoever begins a request and does not end its head: uvicorn waits for that without an end."""

    _waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        super().connection_made(transport)
        if len(self.connections) > most():
            transport.abort()
        else:
            self._wait()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._wait_no_more()
        elif self._waiting is None:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._wait_no_more()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._waiting = self.loop.call_later(_LONGEST_HEAD, self.transport.abort)

    def _wait_no_more(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None


class Listener(WebSocketsSansIOProtocol):
    """Reads nothing of what it is told, and leaves whoever goes on telling: uvicorn answers each ping, however many."""

    _frames = 0

    def data_received(self, data: bytes) -> None:
        for part in _parts(data):
            if self.transport.is_closing():
                return
            super().data_received(part)

    def handle_text(self, event: Frame) -> None:  # noqa: ARG002 - it is not read
        self._hear()

    def handle_bytes(self, event: Frame) -> None:  # noqa: ARG002
        self._hear()

    def handle_cont(self, event: Frame) -> None:  # noqa: ARG002
        self._hear()

    def handle_ping(self) -> None:
        super().handle_ping()
        self._hear()

    def send_keepalive_ping(self) -> None:
        self._frames = 0
        super().send_keepalive_ping()

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self._leave()

    def on_task_complete(self, task: asyncio.Task[None]) -> None:
        super().on_task_complete(task)
        self._leave()

    def _hear(self) -> None:
        self._frames += 1
        if self._frames <= _MOST_FRAMES or self.close_sent:
            return
        self.conn.fail(CloseCode.POLICY_VIOLATION, "too many messages")
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.transport.close()
        self._leave()

    def _leave(self) -> None:
        """Be gone soon, whatever of the last words it takes: who reads nothing would stay for ever."""
        self.loop.call_later(_LAST_WORD, self.transport.abort)


def _parts(data: bytes) -> Iterator[bytes]:
    for begin in range(0, len(data), _TOGETHER):
        yield data[begin : begin + _TOGETHER]

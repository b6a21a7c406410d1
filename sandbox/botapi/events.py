"""What the server saw: requests as they pass through it, and calls that are over."""

import enum
from collections.abc import Callable
from dataclasses import dataclass


class Phase(enum.Enum):
    """How far a request is."""

    RECEIVED = "received"
    """Read whole; nothing of it is done."""
    APPLIED = "applied"
    """Done, or refused; not answered."""
    ANSWERED = "answered"
    """Its answer is written out. Never seen when the answer is lost or nobody is there to take it."""


@dataclass(frozen=True, slots=True)
class Event:
    """The *n*-th event, from 1 on: a request to *method* (as documented, ``sendMessage``) reached *phase*."""

    n: int
    method: str
    phase: Phase
    chat_id: int | None


@dataclass(frozen=True, slots=True)
class Call:
    """A request that is over.

    Args:
        method: as the bot wrote it.
        chat_id: what the request named, None where it named none.
        at: when it came, in seconds since 1970.
        status: the HTTP status of the answer, 0 when there was none: lost to order, or nobody there to take it.
        description: of a refusal, else "".
        self_made_429: the bot ran into a flood limit; False for a 429 that was ordered.
    """

    method: str
    chat_id: int | None
    at: float
    status: int
    description: str
    self_made_429: bool


class EventLog:
    """Counts events and tells the listeners, at once and in order."""

    def __init__(self) -> None:
        self.count = 0
        self.calls: list[Call] = []
        self._listeners: list[Callable[[Event], None]] = []

    def listen(self, listener: Callable[[Event], None]) -> Callable[[], None]:
        """Call *listener* after each event; the returned function ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def add(self, method: str, phase: Phase, chat_id: int | None) -> None:
        self.count += 1
        event = Event(self.count, method, phase, chat_id)
        for listener in tuple(self._listeners):
            listener(event)

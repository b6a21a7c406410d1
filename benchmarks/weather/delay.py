"""A connection that takes its time: what is sent on loopback at once arrives half a round trip later."""

import asyncio
from collections import deque
from collections.abc import Callable
from random import Random

_AGAIN = 0.2
"""Seconds after which TCP sends again what was lost, beside a round trip; a lost SYN costs a second."""

_SYN_AGAIN = 1.0


class Path:
    """The way between a seeker and one peer, *round_trip* seconds there and back. *loss* by TCP is lateness."""

    def __init__(self, round_trip: float, loss: float, random: Random) -> None:
        self.round_trip = round_trip
        self._loss = loss
        self._random = random

    @property
    def half(self) -> float:
        return self.round_trip / 2

    def lost(self) -> bool:
        return self._random.random() < self._loss

    def connecting(self) -> float:
        """Return the seconds that a TCP connection takes to come about."""
        return self.round_trip + (_SYN_AGAIN if self.lost() or self.lost() else 0)

    def by_tcp(self) -> float:
        """Return the seconds that a piece of a stream takes to the other end."""
        return self.half + (_AGAIN + self.round_trip if self.lost() else 0)


class Pipe:
    """One direction of a TCP connection that stands from *opens* on, the loop's time: in order, each piece late."""

    def __init__(self, path: Path, opens: float) -> None:
        self._path = path
        self._opens = opens
        self._due = opens
        self._loop = asyncio.get_running_loop()
        self._under_way: deque[Callable[[], object]] = deque()

    def after(self, act: Callable[[], object]) -> None:
        """Have *act* called when what is sent now arrives."""
        self._due = max(self._due, max(self._opens, self._loop.time()) + self._path.by_tcp())
        self._under_way.append(act)
        self._loop.call_at(self._due, self._arrive)  # of two at the same time the loop may call either first

    def _arrive(self) -> None:
        self._under_way.popleft()()

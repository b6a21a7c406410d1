"""Telegram's flood limits, as its FAQ for bots states them and bots measure them."""

import math
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass

_MINUTE = 60.0
_SECOND = 1.0
_EPSILON = 1e-6
"""Seconds: a wall clock in a double is no finer."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a bot may send and edit.

    Args:
        per_chat_per_second: how fast a chat's allowance comes back.
        burst: a chat's allowance after quiet.
        group_per_minute: in one group in any 60 seconds.
        overall_per_second: in all chats in any second.
        enforced: whether there are limits at all.
    """

    per_chat_per_second: float = 1
    burst: int = 5
    group_per_minute: int = 20
    overall_per_second: int = 30
    enforced: bool = True

    @classmethod
    def none(cls) -> "Limits":
        return cls(enforced=False)


class FloodControl:
    """Counts sends and edits against *limits*, by the seconds that *now* gives."""

    def __init__(self, limits: Limits, now: Callable[[], float]) -> None:
        self._limits = limits
        self._now = now
        self._chats: dict[int, _Bucket] = defaultdict(lambda: _Bucket(limits.per_chat_per_second, limits.burst, now()))
        self._groups: dict[int, _Window] = defaultdict(lambda: _Window(limits.group_per_minute, _MINUTE))
        self._overall = _Window(limits.overall_per_second, _SECOND)

    def admit(self, chat_id: int, *, group: bool) -> int:
        """Count one send or edit and return 0; or count nothing and return in how many whole seconds it would pass."""
        if not self._limits.enforced:
            return 0
        now = self._now()
        held: list[_Bucket | _Window] = [self._chats[chat_id], self._overall]
        if group:
            held.append(self._groups[chat_id])
        wait = max(one.wait(now) for one in held)
        if wait > _EPSILON:
            return math.ceil(wait - _EPSILON)
        for one in held:
            one.take(now)
        return 0


class _Bucket:
    """A token bucket: full at first, *rate* tokens a second come back, up to *size*."""

    def __init__(self, rate: float, size: int, now: float) -> None:
        self._rate = rate
        self._size = float(size)
        self._tokens = float(size)
        self._counted = now

    def wait(self, now: float) -> float:
        self._tokens = min(self._size, self._tokens + (now - self._counted) * self._rate)
        self._counted = now
        return (1 - self._tokens) / self._rate

    def take(self, now: float) -> None:
        self.wait(now)
        self._tokens -= 1


class _Window:
    """At most *count* in any *seconds*."""

    def __init__(self, count: int, seconds: float) -> None:
        self._count = count
        self._seconds = seconds
        self._taken: deque[float] = deque()

    def wait(self, now: float) -> float:
        while self._taken and self._taken[0] <= now - self._seconds + _EPSILON:
            self._taken.popleft()
        return self._taken[0] + self._seconds - now if len(self._taken) >= self._count else 0.0

    def take(self, now: float) -> None:
        self._taken.append(now)

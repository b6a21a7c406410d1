"""When the next request to Telegram may go. Pure: the time comes in, nothing waits here.

The figures are those that drew no 429 when they were measured: Telegram bears a burst of five in a chat and then one a
second, 20 a minute in a group, 30 a second over all chats; sends and edits share them. A group's gap, and what its ends
leave of the burst, let a board that changes all the time be edited evenly: at 3.05 s its minute was used up early, and
it stood still for 12 s.
"""

import math
from collections import deque
from dataclasses import dataclass
from enum import IntEnum


class Rank(IntEnum):
    """Who goes first: an answer to a person, then the end of a task, progress, and what was told before."""

    ANSWER = 0
    END = 1
    PROGRESS = 2
    ANEW = 3


Kept = tuple[int, int, int, int]
"""By rank: how many slots it leaves to better ones."""

_ROUNDING = 1e-6  # of sums of floats as large as a clock's: no wait


@dataclass(frozen=True, slots=True)
class Bucket:
    """*size* at once after quiet, then one each *gap* seconds."""

    size: int
    gap: float
    kept: Kept = (0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Window:
    """At most *most* in any *span* seconds."""

    most: int
    span: float
    kept: Kept = (0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Rate:
    """What a chat, or all chats together, may be sent: both limits hold, where given."""

    bucket: Bucket | None = None
    window: Window | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The rates of a private chat, of a group, and of all chats together."""

    private: Rate = Rate(Bucket(4, 1.05, kept=(0, 0, 1, 1)))
    group: Rate = Rate(Bucket(3, 3.4, kept=(0, 1, 1, 2)), Window(19, 61.0, kept=(0, 0, 7, 7)))
    overall: Rate = Rate(window=Window(29, 1.02, kept=(0, 1, 3, 3)))


class Slots:
    """The slots of one `Rate`.

    A slot is taken when Telegram has answered: a request that was slow on its way then counts at the latest moment at
    which Telegram can have seen it. Those still under way are told to `wait`.
    """

    def __init__(self, rate: Rate) -> None:
        self._bucket = rate.bucket
        self._window = rate.window
        self._full_at = -math.inf  # when the bucket will be full again: the later, the emptier it is
        self._taken: deque[float] = deque()  # the moments within the window

    def wait(self, now: float, rank: Rank, *, under_way: int = 0) -> float:
        """Return the seconds until a request of *rank* may go; infinity: not before one *under_way* ended."""
        wait = max(self._bucket_wait(now, rank), self._window_wait(now, rank, under_way))
        return wait if wait > _ROUNDING else 0.0

    def take(self, now: float) -> None:
        """Count a request that was answered *now*."""
        if self._bucket:
            self._full_at = max(now, self._full_at) + self._bucket.gap
        if self._window:
            self._taken.append(now)

    def hold(self, until: float) -> None:
        """Let nothing go before *until* (a 429), and then one each gap, not a burst."""
        if self._bucket:
            self._full_at = max(self._full_at, until + (self._bucket.size - 1) * self._bucket.gap)

    def quiet_in(self, now: float) -> float:
        """Return the seconds until these slots are as good as new."""
        last = self._taken[-1] + self._window.span if self._window and self._taken else -math.inf
        return max(0.0, self._full_at - now, last - now)

    def _bucket_wait(self, now: float, rank: Rank) -> float:
        if self._bucket is None:
            return 0.0
        return self._full_at - now - (self._bucket.size - 1 - self._bucket.kept[rank]) * self._bucket.gap

    def _window_wait(self, now: float, rank: Rank, under_way: int) -> float:
        if self._window is None:
            return 0.0
        while self._taken and self._taken[0] + self._window.span <= now:
            self._taken.popleft()
        room = self._window.most - self._window.kept[rank] - under_way
        if room <= 0:
            return math.inf
        if len(self._taken) < room:
            return 0.0
        return self._taken[len(self._taken) - room] + self._window.span - now

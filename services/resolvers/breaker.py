"""Whether a source is worth asking: one that cannot be asked is left alone for a while, and each time for longer."""

import math

from services.clock import Clock


class Breaker:
    """Counts how often in a row a source could not be asked; after *most* times it pauses.

    A pause lasts *first* seconds, and twice as long each time that the one who tries after it fails, *longest* at most.
    """

    def __init__(self, clock: Clock, *, most: int = 3, first: float = 10.0, longest: float = 600.0) -> None:
        self._clock = clock
        self._most = most
        self._first = first
        self._longest = longest
        self._failures = 0
        self._pause = 0.0
        self._until = -math.inf
        self._trying = False

    @property
    def seconds_left(self) -> float:
        """How long the source is left alone from now on; 0 where it may be asked, or one tries whether it may."""
        return max(0.0, self._until - self._clock.monotonic()) if self._failures >= self._most else 0.0

    @property
    def down(self) -> bool:
        """Whether it is not to be asked now: it pauses, or one tries whether it works again."""
        return self._trying or self.seconds_left > 0

    def begin(self) -> bool:
        """Return whether it may be asked; if so, what became of it must be told: one of the three below."""
        if self.down:
            return False
        self._trying = self._failures >= self._most
        return True

    def worked(self) -> None:
        """It answered, be it that it does not know."""
        self._failures, self._pause, self._until, self._trying = 0, 0.0, -math.inf, False

    def failed(self) -> None:
        """It could not be asked."""
        self._failures += 1
        self._trying = False
        now = self._clock.monotonic()
        if self._failures >= self._most and now >= self._until:  # else one of many that began before the pause
            self._pause = min(self._longest, 2 * self._pause or self._first)
            self._until = now + self._pause

    def left(self) -> None:
        """Nobody waited for what would become of it."""
        self._trying = False

"""Whether a source is worth asking: one that cannot be asked is left alone for a while, and each time for longer."""

import asyncio
import math

from services.clock import Clock


class Turn:
    """One asking of a source, of which must be told what became."""

    def __init__(self) -> None:
        self.over = asyncio.Event()
        """Whether it tries no more whether the source works again."""


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
        self._trying: Turn | None = None

    @property
    def seconds_left(self) -> float:
        """How long the source is left alone from now on; 0 where it may be asked, or one tries whether it may."""
        return max(0.0, self._until - self._clock.monotonic()) if self.doubtful else 0.0

    @property
    def down(self) -> bool:
        """Whether it is not to be asked now: it pauses, or one tries whether it works again."""
        return self._trying is not None or self.seconds_left > 0

    @property
    def doubtful(self) -> bool:
        """Whether it has paused and has not answered since: one at once tries whether it works again."""
        return self._failures >= self._most

    async def tried(self) -> None:
        """Return when what the one who tries has come to is told, if one does."""
        if self._trying:
            await self._trying.over.wait()

    def begin(self) -> Turn | None:
        """Return a turn where it may be asked now; what became of that must be told: one of the three below."""
        if self.down:
            return None
        turn = Turn()
        if self.doubtful:
            self._trying = turn
        return turn

    def worked(self) -> None:
        """It answered, be it that it does not know, or that it is looking."""
        self._failures, self._pause, self._until = 0, 0.0, -math.inf
        self._try_no_more()

    def failed(self, turn: Turn) -> bool:
        """It could not be asked. Return whether it is left alone for that; no old *turn* makes a pause longer."""
        self._failures += 1
        tried = turn is self._trying
        if not tried and self._failures != self._most:
            return False
        self._pause = min(self._longest, 2 * self._pause or self._first)
        self._until = self._clock.monotonic() + self._pause
        self._try_no_more()
        return True

    def left(self, turn: Turn) -> None:
        """Nobody waited for what would become of it."""
        if turn is self._trying:
            self._try_no_more()

    def _try_no_more(self) -> None:
        if self._trying:
            self._trying.over.set()
        self._trying = None

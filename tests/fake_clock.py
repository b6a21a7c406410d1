"""A clock that tests move by hand (after trio's MockClock)."""

import asyncio
import heapq
import itertools


class FakeClock:
    """Starts at *now*; ``advance`` wakes each sleeper at its own moment, in order, and lets the loop come to rest."""

    def __init__(self, now: float = 1_700_000_000.0) -> None:
        self._now = now
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    def now(self) -> float:
        return self._now

    def monotonic(self) -> float:
        return self._now

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        sleeper: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now + seconds, next(self._order), sleeper))
        await sleeper

    async def advance(self, seconds: float) -> None:
        """Move time on by *seconds*, stopping at each moment at which somebody wakes."""
        end = self._now + seconds
        await settle()
        while self._sleepers and self._sleepers[0][0] <= end + 1e-9:
            moment, _, sleeper = heapq.heappop(self._sleepers)
            if sleeper.done():
                continue
            self._now = max(self._now, moment)
            sleeper.set_result(None)
            await settle()
        self._now = end
        await settle()

    @property
    def sleeping(self) -> int:
        """How many wait for this clock."""
        return sum(not sleeper.done() for _, _, sleeper in self._sleepers)


async def settle() -> None:
    """Return when nothing in the loop can go on without time, a socket or a thread."""
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(0)
        if not loop._ready:  # type: ignore[attr-defined]
            return

"""Time as a dependency, so that tests move it by hand."""

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """Where time comes from."""

    def now(self) -> float:
        """Return the wall clock in seconds since 1970 (UTC): for what is stored and shown."""

    def monotonic(self) -> float:
        """Return seconds that never go back: for waits and deadlines."""

    async def sleep(self, seconds: float) -> None:
        """Return after *seconds*; at once, but after a turn of the loop, when they are not positive."""


class SystemClock:
    """The machine's own time."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))

"""Time as a dependency, so that tests move it by hand."""

import asyncio
import time
from typing import Any, Protocol


class Clock(Protocol):
    """Where time comes from."""

    def now(self) -> float:
        """Return the wall clock in seconds since 1970 (UTC): for what is stored and shown."""

    def monotonic(self) -> float:
        """Return seconds that never go back: for waits and deadlines."""

    async def sleep(self, seconds: float) -> None:
        """Return after *seconds*; at once, but after a turn of the loop, when they are not positive."""


async def at_most(clock: Clock, seconds: float, what: asyncio.Future[Any]) -> None:
    """Wait until *what* is over, and end it after so many *seconds*."""
    both = {what, asyncio.ensure_future(clock.sleep(seconds))}
    try:
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in both:
            one.cancel()
        await asyncio.wait(both)


class SystemClock:
    """The machine's own time."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))

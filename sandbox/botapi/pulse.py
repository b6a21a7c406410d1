"""A condition without a lock: whoever waits is woken at the next beat."""

import asyncio


class Pulse:
    """Wakes all waiters at each ``beat``. What is checked before ``wait``, without an await between, misses none."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Future[None]] = set()

    def beat(self) -> None:
        for future in self._waiting:
            if not future.done():
                future.set_result(None)

    async def wait(self) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(future)
        try:
            await future
        finally:
            self._waiting.discard(future)

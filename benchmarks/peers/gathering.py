"""Many lookups at once, within a time."""

import asyncio
import time
from collections.abc import Coroutine, Iterable
from typing import Any


async def gathered(lookups: Iterable[Coroutine[Any, Any, object]], patience: float) -> list[float]:
    """Run *lookups* at once; return after how many seconds each came that did not fail. The rest is cancelled."""
    began = time.perf_counter()
    times: list[float] = []

    async def one(lookup: Coroutine[Any, Any, object]) -> None:
        await lookup
        times.append(time.perf_counter() - began)

    tasks = [asyncio.create_task(one(lookup)) for lookup in lookups]
    _, late = await asyncio.wait(tasks, timeout=patience)
    for task in late:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return times

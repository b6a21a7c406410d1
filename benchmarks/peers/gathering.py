"""Many lookups at once, within a time."""

import asyncio
import time
from collections.abc import Coroutine, Iterable
from typing import Any


async def gathered(lookups: Iterable[Coroutine[Any, Any, object]], patience: float) -> tuple[float, int]:
    """Run *lookups* at once; return the seconds until the last, and how many did not fail. The rest is cancelled."""
    began = time.perf_counter()
    tasks = [asyncio.create_task(lookup) for lookup in lookups]
    _, late = await asyncio.wait(tasks, timeout=patience)
    took = time.perf_counter() - began
    for task in late:
        task.cancel()
    ends = await asyncio.gather(*tasks, return_exceptions=True)
    return took, sum(not isinstance(end, BaseException) for end in ends)

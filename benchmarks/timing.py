"""Runs in turn, so that whatever else the machine does meets all of them alike."""

import math
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence

Run = Callable[[], Awaitable[float]]


async def interleaved(runs: Mapping[str, Run], rounds: int) -> dict[str, list[float]]:
    """Return what each run gave in each round; in every second round they take turns the other way round."""
    gave: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(rounds):
        for name in list(runs) if number % 2 == 0 else reversed(list(runs)):
            gave[name].append(await runs[name]())
    return gave


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that *share* of *values* do not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


async def timed(act: Callable[[], Awaitable[object]]) -> float:
    """Return the seconds that *act* took."""
    began = time.perf_counter()
    await act()
    return time.perf_counter() - began

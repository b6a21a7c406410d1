"""Batches whose lookups cost nothing: what is left is the manager's own work."""

import asyncio
import os
import statistics
import sys
import time
from functools import partial

from benchmarks import unread
from benchmarks.figures import Figure, Section, Target
from benchmarks.processes import answer, ask, module, resident, running
from benchmarks.rig import PERSON, at_once, hashes, rig
from benchmarks.scale import Scale
from benchmarks.timing import interleaved
from services.calibration.task import State

_PATIENCE = 120.0


async def batch(scale: Scale) -> Section:
    """Run each batch in a process of its own; of 1,000 and of 5,000 in turn."""
    section = Section("Batches")
    small, large = scale.batches
    grown: dict[int, list[float]] = {small: [], large: []}
    early: dict[int, list[float]] = {small: [], large: []}

    async def run(count: int) -> float:
        async with running(*module("benchmarks.batch", str(count)), talks=True) as process:
            said = await ask(process)
        grown[count].append(said["grown"])
        early[count].append(said["early"])
        return float(said["seconds"])

    gave = await interleaved({str(count): partial(run, count) for count in (small, large)}, scale.rounds)
    seconds = {count: statistics.median(gave[str(count)]) for count in (small, large)}
    section.figures += [
        Figure(
            what=f"a batch of {large:,}, nothing looked up",
            value=large / seconds[large],
            unit="items/s",
            beside=f"a batch of {small:,}",
            other=small / seconds[small],
            target=Target(bound=1_000, at_least=True, unit="items/s"),
            cause="each item is started, found, filed and counted in SQLite; all of it in one interpreter",
        ),
        Figure(
            what=f"cost of an item at {large:,}",
            value=seconds[large] / large,
            unit="s",
            beside=f"at {small:,}",
            other=seconds[small] / small,
            target=Target(bound=1.25, of_ratio=True),
            cause="not linear: something is paid for the whole batch with each item",
        ),
        Figure(
            what=f"memory that a batch of {large:,} adds by its end",
            value=statistics.median(grown[large]),
            unit="B",
            beside="when a tenth of it is done",
            other=statistics.median(early[large]),
            target=Target(bound=1.25, of_ratio=True),
            cause="not flat: something is kept for each item that ends",
        ),
        Figure(
            what=f"memory that a batch of {large:,} adds, at its most",
            value=statistics.median(grown[large]),
            unit="B",
            beside=f"a batch of {small:,}",
            other=statistics.median(grown[small]),
        ),
    ]
    return section


async def _run(count: int) -> None:
    async with rig(at_once) as rigged:
        request = hashes(count)
        before = early = most = resident()
        began = time.perf_counter()
        task_id = await rigged.manager.submit_task(
            request=request, notebook=rigged.notebook, asked_by=PERSON, cause="command"
        )
        async with asyncio.timeout(_PATIENCE):
            while (snapshot := await rigged.manager.get_task_status(task_id)) and not snapshot.task.state.ended:
                await asyncio.sleep(0.02)
                most = max(most, resident(os.getpid()))
                if snapshot.counts.get(State.COMPLETED, 0) <= count // 10:
                    early = most
        said = {
            "seconds": time.perf_counter() - began,
            "grown": max(most, resident(os.getpid())) - before,
            "early": early - before,
        }
    answer(said)  # not before: whoever asked ends us, and the folder would stay


if __name__ == "__main__":
    unread.log()
    asyncio.run(_run(int(sys.argv[1])))

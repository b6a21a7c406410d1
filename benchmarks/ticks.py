"""One tick of the live status while nothing happens, by how many messages follow something."""

import statistics
import time
import uuid
from collections.abc import Sequence

from telegram import Bot

from benchmarks.figures import Figure, Section, Target
from benchmarks.rig import PERSON, hashes, live_status, never, rig
from benchmarks.scale import Scale
from benchmarks.timing import timed
from handlers.outbox import Outbox
from services.calibration.follower import NewFollower
from services.calibration.manager import AsyncCalibrationManager
from services.calibration.ports import Tx
from services.calibration.task import Item, Task
from services.clock import SystemClock
from services.store.store import Store
from services.torrents import NotebookId, TaskId

_TOGETHER = 500


async def ticks(scale: Scale) -> Section:
    section = Section("A tick of the live status")
    values: dict[int, float] = {}
    for followers in scale.followers:
        values[followers] = await _tick(followers, scale)
        none = scale.followers[0]
        section.figures.append(
            Figure(
                what=f"a tick, {followers:,} idle followers",
                value=values[followers],
                unit="s",
                beside=f"{none:,} followers" if followers != none else "",
                other=values[none] if followers != none else None,
                target=Target(bound=0.001, unit="s"),
                cause="a tick looks at each follower, though nothing has changed",
            )
        )
    return section


async def _tick(followers: int, scale: Scale) -> float:
    async with rig(never, max_workers=1) as rigged:
        await rigged.manager.shutdown()
        for first in range(0, followers, _TOGETHER):
            await _follow(rigged.store, rigged.notebook, range(first, min(first + _TOGETHER, followers)))
        async with AsyncCalibrationManager(never, tasks=rigged.store, max_workers=1, timeout=3600) as manager:
            live = live_status(rigged.store, manager)
            # Not entered: it takes marks and sends nothing.
            outbox = Outbox(Bot("42:NOBODY"), live, clock=SystemClock())
            await live.resume(outbox)
            await _settled(manager)
            await live.poll()
            return statistics.median([await timed(live.poll) for _ in range(scale.ticks)])


async def _settled(manager: AsyncCalibrationManager) -> None:
    """Let the one lookup that runs have begun."""
    number = -1
    while number != manager.number:
        number = manager.number
        await SystemClock().sleep(0.2)


async def _follow(store: Store, notebook: NotebookId, places: Sequence[int]) -> None:
    async def write(tx: Tx) -> None:
        for place in places:
            request = hashes(1)
            ((torrent, hints),) = request.torrents
            task = Task(
                id=TaskId(str(uuid.uuid4())),
                notebook=notebook,
                asked_by=PERSON,
                cause="command",
                request=request,
                created_at=time.time(),
            )
            await tx.tasks.insert(task, task.id, [Item(task_id=task.id, position=0, torrent=torrent, hints=hints)])
            await tx.followers.add(task, NewFollower(address=f"tg:{1 + place}", reply_to=1))

    await store.write(write)

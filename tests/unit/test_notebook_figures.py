"""What the lookups were to notebooks: their own, whoever else waited for them; and day by day."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import pytest

from services.calibration.manager import AsyncCalibrationManager
from services.calibration.ports import LookedUp
from services.errors import NotFound
from services.metrics import Ends, Figures, Metrics, SourceTimes, Waits
from services.store.store import Store, Tx
from services.torrents import NotebookId, PersonId, TaskId
from tests.fake_clock import FakeClock
from tests.unit.conftest import Run
from tests.unit.fakes import FakeEngine, hashes, torrent

ALICE, BOB = PersonId("tg:1"), PersonId("tg:2")
DAY = 86400.0
T = TypeVar("T")


@pytest.fixture
async def other(store: Store, clock: FakeClock) -> NotebookId:
    return await store.write(lambda tx: tx.notebooks.open("tg:2", clock.now()))


async def submit(manager: AsyncCalibrationManager, notebook: NotebookId, *words: str, who: PersonId = ALICE) -> TaskId:
    return TaskId(await manager.submit_task(request=hashes(*words), notebook=notebook, asked_by=who, cause="command"))


async def of(store: Store, manager: AsyncCalibrationManager, clock: FakeClock, *notebooks: NotebookId) -> Figures:
    return await Metrics(store, manager, clock).figures(notebooks=notebooks)


async def test_a_notebook_is_told_of_its_own_lookups_alone(
    store: Store, clock: FakeClock, notebook: NotebookId, other: NotebookId, run: Run, engine: FakeEngine
) -> None:
    engine.knows("a", "A")
    engine.knows("b", "B")
    async with run(max_workers=1) as manager:
        await submit(manager, notebook, "a")
        await submit(manager, notebook, "b")
        await clock.advance(5)
        await submit(manager, other, "lost", who=BOB)
        await clock.advance(0)
        mine, theirs = await of(store, manager, clock, notebook), await of(store, manager, clock, other)
        both, nobodys = await of(store, manager, clock, notebook, other), await of(store, manager, clock)
    assert (mine.waits, mine.outcomes) == (Waits(lookups=2, average=0.5, p95=1.0), {"found": 2})
    assert mine.by_source == (SourceTimes(source="swarm", found=2, p50=1.0, p95=1.0),)
    assert (mine.at_work, theirs.at_work, both.at_work, nobodys.at_work) == (0, 1, 1, 0)
    assert (theirs.outcomes, both.outcomes, nobodys.outcomes) == ({}, {"found": 2}, {})


async def test_a_lookup_that_two_notebooks_wait_for_is_to_each_what_it_saw_of_it(
    store: Store, clock: FakeClock, notebook: NotebookId, other: NotebookId, run: Run, engine: FakeEngine
) -> None:
    engine.delay = 10.0
    engine.knows("a", "A")
    async with run() as manager:
        await submit(manager, notebook, "a")
        await clock.advance(7)
        await submit(manager, other, "a", who=BOB)
        await clock.advance(5)
        mine, theirs = await of(store, manager, clock, notebook), await of(store, manager, clock, other)
        whole = await Metrics(store, manager, clock).figures()
    assert [one.p95 for one in (*mine.by_source, *theirs.by_source)] == [10.0, 3.0]
    assert whole.outcomes == {"found": 1}


async def test_what_was_known_before_was_no_lookup(
    store: Store, clock: FakeClock, notebook: NotebookId, other: NotebookId, run: Run, engine: FakeEngine
) -> None:
    engine.knows("a", "A")
    async with run() as manager:
        await submit(manager, other, "a", who=BOB)
        await clock.advance(5)
        await submit(manager, notebook, "a")
        await clock.advance(5)
        assert (await of(store, manager, clock, notebook)).outcomes == {}


async def test_failures_and_what_was_stopped_are_told_and_what_had_not_begun_is_not(
    store: Store, clock: FakeClock, notebook: NotebookId, run: Run, engine: FakeEngine
) -> None:
    engine.names[torrent("a")] = NotFound(reason="another torrent")
    async with run(max_workers=1) as manager:
        await submit(manager, notebook, "a")
        await clock.advance(5)
        task = await submit(manager, notebook, "b", "c", "d")
        await clock.advance(5)
        assert (await of(store, manager, clock, notebook)).waiting == 2
        await manager.cancel_task(task, notebook=notebook, asked_by=ALICE)
        found = await of(store, manager, clock, notebook)
    assert found.outcomes == {"cancelled": 1, "not_found": 1}
    assert (found.success_share, found.waiting, found.at_work) == (0.0, 0, 0)


async def test_a_retry_has_waited_since_it_was_asked_for_again(
    store: Store, clock: FakeClock, notebook: NotebookId, run: Run, engine: FakeEngine
) -> None:
    engine.names[torrent("a")] = NotFound(reason="another torrent")
    async with run(max_workers=1) as manager:
        task = await submit(manager, notebook, "a")
        await clock.advance(100)
        engine.knows("a", "A")
        engine.knows("b", "B")
        engine.delay = 9
        await submit(manager, notebook, "b")
        await clock.advance(3)
        await manager.retry_task(task, notebook=notebook, asked_by=ALICE)
        await clock.advance(6)
        await clock.advance(9)
        found = await of(store, manager, clock, notebook)
    assert found.waits == Waits(lookups=3, average=2.0, p95=6.0)
    assert found.outcomes == {"found": 2, "not_found": 1}


async def test_the_figures_outlive_the_tasks_and_are_forgotten_after_ninety_days(
    store: Store, clock: FakeClock, notebook: NotebookId, run: Run, engine: FakeEngine
) -> None:
    engine.knows("a", "A")
    async with run() as manager:
        task = await submit(manager, notebook, "a")
        await clock.advance(5)
        clock._now += 2 * DAY
        await manager.cleanup_old_tasks()
        assert await manager.get_task_status(task) is None
        assert (await of(store, manager, clock, notebook)).outcomes == {"found": 1}
        clock._now += 89 * DAY
        await manager.cleanup_old_tasks()
        metrics = Metrics(store, manager, clock)
        assert (await metrics.figures(365 * DAY, notebooks=[notebook])).outcomes == {}


async def test_a_days_lookups_are_those_of_utc_up_to_today(store: Store, clock: FakeClock, run: Run) -> None:
    today = clock.now() // DAY * DAY
    clock._now = today + 60.0

    async def ended(at: float, *outcomes: str) -> None:
        rows = [LookedUp(torrent=torrent("x"), source=None, waited=0, took=1, outcome=one) for one in outcomes]
        await store.write(lambda tx: tx.lookups.add(rows, at))

    await ended(today, "found", "dead", "slow", "cancelled")
    await ended(today - 0.001, "found")
    await ended(today - 29 * DAY, "timed_out")
    await ended(today - 29 * DAY - 1, "found")
    async with run() as manager:
        days = (await Metrics(store, manager, clock).figures()).by_day
    assert [one.start for one in days] == [today - back * DAY for back in range(29, -1, -1)]
    told = {round((today - one.start) / DAY): one.ends for one in days if one.ends != Ends()}
    assert told == {0: Ends(found=1, missed=2), 1: Ends(found=1), 29: Ends(missed=1)}


@dataclass
class SlowStore:
    """Reads for a second."""

    store: Store
    clock: FakeClock
    reading: int = 0
    most: int = 0
    reads: int = 0

    async def read(self, fn: Callable[[Tx], Awaitable[T]]) -> T:
        self.reading += 1
        self.reads += 1
        self.most = max(self.most, self.reading)
        await self.clock.sleep(1)
        self.reading -= 1
        return await self.store.read(fn)


async def test_a_question_that_many_ask_is_counted_once_and_again_when_seconds_have_passed(
    store: Store, clock: FakeClock, notebook: NotebookId, run: Run
) -> None:
    async with run() as manager:
        slow = SlowStore(store, clock)
        metrics = Metrics(slow, manager, clock)
        asked = [asyncio.create_task(metrics.figures(notebooks=[notebook])) for _ in range(40)]
        await clock.advance(1)
        assert len({id(one) for one in await asyncio.gather(*asked)}) == 1
        await clock.advance(2.9)
        await metrics.figures(notebooks=[notebook])
        assert slow.reads == 1
        await clock.advance(0.2)
        again = asyncio.create_task(metrics.figures(notebooks=[notebook]))
        await clock.advance(1)
        await again
    assert slow.reads == 2


async def test_different_questions_are_counted_one_after_another_so_that_others_can_read(
    store: Store, clock: FakeClock, run: Run
) -> None:
    async with run() as manager:
        slow = SlowStore(store, clock)
        metrics = Metrics(slow, manager, clock)
        asked = [asyncio.create_task(metrics.figures(notebooks=[NotebookId(one)])) for one in (1, 1, 1, 1, 2)]
        await clock.advance(1)
        assert [one.done() for one in asked] == [True, True, True, True, False]
        await clock.advance(1)
        assert asked[-1].done()
    assert (slow.most, slow.reads) == (1, 2)


async def test_for_whoever_has_gone_nothing_is_counted_and_those_who_asked_the_same_have_their_answer(
    store: Store, clock: FakeClock, run: Run
) -> None:
    async with run() as manager:
        slow = SlowStore(store, clock)
        metrics = Metrics(slow, manager, clock)
        asked = [asyncio.create_task(metrics.figures(notebooks=[NotebookId(one)])) for one in (1, 2, 3, 3)]
        await clock.advance(0.5)
        asked[1].cancel()
        asked[2].cancel()
        await clock.advance(0.5)
        await clock.advance(1)
        assert [one.done() and not one.cancelled() for one in asked] == [True, False, False, True]
    assert slow.reads == 2

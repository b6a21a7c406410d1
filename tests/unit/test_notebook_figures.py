"""What the lookups were to notebooks: their own, whoever else waited for them; and day by day."""

import asyncio
from collections.abc import Awaitable, Callable

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


async def test_of_a_retry_only_the_time_that_it_took_is_known(
    store: Store, clock: FakeClock, notebook: NotebookId, run: Run, engine: FakeEngine
) -> None:
    engine.names[torrent("a")] = NotFound(reason="another torrent")
    async with run() as manager:
        task = await submit(manager, notebook, "a")
        await clock.advance(100)
        engine.knows("a", "A")
        await manager.retry_task(task, notebook=notebook, asked_by=ALICE)
        await clock.advance(5)
        found = await of(store, manager, clock, notebook)
    assert found.waits == Waits(lookups=2, average=0.0, p95=0.0)
    assert found.outcomes == {"found": 1, "not_found": 1}


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


async def test_figures_are_counted_one_after_another_so_that_others_can_read(
    store: Store, clock: FakeClock, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, reading, most = store.read, 0, 0

    async def slow(fn: Callable[[Tx], Awaitable[object]]) -> object:
        nonlocal reading, most
        reading += 1
        most = max(most, reading)
        await clock.sleep(1)
        reading -= 1
        return await read(fn)

    async with run() as manager:
        monkeypatch.setattr(store, "read", slow)
        metrics = Metrics(store, manager, clock)
        asked = [asyncio.create_task(metrics.figures()) for _ in range(3)]
        await clock.advance(10)
        await asyncio.gather(*asked)
        monkeypatch.undo()
    assert most == 1

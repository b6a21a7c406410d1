"""How the items of a batch come to wait: a stretch at a time, what is known at once, and nothing twice."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest

from services.calibration import admission
from services.calibration.manager import AsyncCalibrationManager
from services.calibration.ports import Tx
from services.calibration.task import State
from services.store.store import Store
from services.torrents import Hints, NotebookId, PersonId, Step, TaskId
from tests.fake_clock import FakeClock, settle
from tests.unit.conftest import Run
from tests.unit.fakes import FakeEngine, hashes, torrent

ALICE = PersonId("tg:1")
T = TypeVar("T")


@pytest.fixture(autouse=True)
def _short_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight items of a task wait at once, and four are read together."""
    monkeypatch.setattr(admission, "_FEWEST", 8)
    monkeypatch.setattr(admission, "_TOGETHER", 4)


def words(count: int) -> list[str]:
    return [f"{number:03}" for number in range(count)]


async def submit(
    manager: AsyncCalibrationManager, notebook: NotebookId, *named: str, person: PersonId = ALICE
) -> TaskId:
    return await manager.submit_task(request=hashes(*named), notebook=notebook, asked_by=person, cause="command")


async def counts(manager: AsyncCalibrationManager, task_id: TaskId) -> dict[State, int]:
    snapshot = await manager.get_task_status(task_id)
    assert snapshot is not None
    return dict(snapshot.counts)


async def test_of_a_batch_a_stretch_waits_and_the_rest_follows_in_its_order(
    run: Run, engine: FakeEngine, clock: FakeClock, notebook: NotebookId
) -> None:
    engine.delay = 1
    for word in words(50):
        engine.knows(word, f"{word}.iso")
    most = 0
    async with run(max_workers=2) as manager:
        task_id = await submit(manager, notebook, *words(50))
        for _ in range(25):
            await clock.advance(1)
            most = max(most, manager._runner._lookups.waiting(task_id))
        assert await counts(manager, task_id) == {State.COMPLETED: 50}
    assert most == 8
    assert list(engine.calls) == [torrent(word) for word in words(50)]
    assert set(engine.calls.values()) == {1}


async def test_slots_are_never_idle_while_a_batch_has_more(
    run: Run, engine: FakeEngine, clock: FakeClock, notebook: NotebookId
) -> None:
    async with run(max_workers=5, timeout=10) as manager:
        task_id = await submit(manager, notebook, *words(100))
        for second in range(1, 20):
            await clock.advance(10)
            assert (await counts(manager, task_id)).get(State.RUNNING) == 5, second
        await clock.advance(10)
        assert await counts(manager, task_id) == {State.FAILED: 100}


async def test_what_is_known_is_told_at_once_though_it_stands_behind_many_that_are_not(
    run: Run, engine: FakeEngine, clock: FakeClock, notebook: NotebookId
) -> None:
    engine.knows("known", "known.iso")
    async with run(max_workers=2) as manager:
        await submit(manager, notebook, "known")
        await clock.advance(1)
        task_id = await submit(manager, notebook, *words(40), "known")
        await clock.advance(1)
        assert (await counts(manager, task_id))[State.COMPLETED] == 1
    assert engine.calls[torrent("known")] == 1


async def test_a_batch_that_is_cancelled_leaves_nothing_behind_and_a_retry_takes_all_of_it_up(
    run: Run, engine: FakeEngine, clock: FakeClock, notebook: NotebookId
) -> None:
    engine.delay = 1
    async with run(max_workers=2) as manager:
        task_id = await submit(manager, notebook, *words(40))
        await clock.advance(0.5)
        await manager.cancel_task(task_id, notebook=notebook, asked_by=ALICE)
        await clock.advance(5)
        assert await counts(manager, task_id) == {State.CANCELLED: 40}
        assert not engine.running
        for word in words(40):
            engine.knows(word, f"{word}.iso")
        await manager.retry_task(task_id, notebook=notebook, asked_by=ALICE)
        await clock.advance(25)
        assert await counts(manager, task_id) == {State.COMPLETED: 40}


async def test_hints_that_come_later_reach_those_of_a_batch_that_do_not_wait_yet(
    run: Run, engine: FakeEngine, clock: FakeClock, notebook: NotebookId
) -> None:
    engine.delay = 1
    for word in words(30):
        engine.knows(word, f"{word}.iso")
    later = Hints(trackers=("http://later.example/announce",))
    async with run(max_workers=2) as manager:
        task_id = await submit(manager, notebook, *words(30))
        await clock.advance(0.5)
        twin = await manager.submit_task(
            request=hashes(*words(30), hints=later), notebook=notebook, asked_by=ALICE, cause="command"
        )
        assert twin == task_id
        await clock.advance(20)
    assert engine.hints[torrent("029")] == later
    assert engine.hints[torrent("005")] == later


async def test_a_start_takes_up_the_whole_rest_of_a_batch(
    run: Run, engine: FakeEngine, clock: FakeClock, notebook: NotebookId, store: Store
) -> None:
    engine.delay = 1
    for word in words(30):
        engine.knows(word, f"{word}.iso")
    async with run(max_workers=2) as manager:
        task_id = await submit(manager, notebook, *words(30))
        await clock.advance(3.5)
    async with run(max_workers=2) as manager:
        await clock.advance(20)
        assert await counts(manager, task_id) == {State.COMPLETED: 30}


async def test_batches_of_many_people_at_once_are_walked_each_for_itself(
    run: Run, engine: FakeEngine, clock: FakeClock, store: Store
) -> None:
    for word in words(60):
        engine.knows(word, f"{word}.iso")
    books = [await store.write(lambda tx, one=one: tx.notebooks.open(f"tg:{one}", 1.0)) for one in range(4)]  # type: ignore[misc]
    async with run(max_workers=3) as manager:
        tasks = await asyncio.gather(
            *(submit(manager, book, *words(60)[place * 5 :]) for place, book in enumerate(books))
        )
        await clock.advance(60)
        for place, task_id in enumerate(tasks):
            assert await counts(manager, task_id) == {State.COMPLETED: 60 - place * 5}
    assert set(engine.calls.values()) == {1}


@pytest.fixture
def arrive(store: Store, monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Return what holds back, while it is not set, all that was read: meanwhile others write."""
    arrive, real = asyncio.Event(), store.read
    arrive.set()

    async def read(fn: Callable[[Tx], Awaitable[T]]) -> T:
        found = await real(fn)
        await arrive.wait()
        return found

    monkeypatch.setattr(store, "read", read)
    return arrive


async def test_what_another_lookup_found_after_it_was_read_is_not_looked_up(
    run: Run, engine: FakeEngine, clock: FakeClock, notebook: NotebookId, arrive: asyncio.Event
) -> None:
    engine.evidence = Step("asking", {"trackers": 1})
    engine.knows("x", "x.iso")
    async with run() as manager:
        await submit(manager, notebook, "x")
        await settle()
        arrive.clear()
        task_id = await submit(manager, notebook, "x", person=PersonId("tg:2"))
        await clock.advance(1)
        arrive.set()
        await clock.advance(1)
        assert await counts(manager, task_id) == {State.COMPLETED: 1}
        assert engine.calls[torrent("x")] == 1
        assert manager._progress == {}


async def test_what_was_cancelled_after_it_was_read_is_not_looked_up(
    run: Run, engine: FakeEngine, notebook: NotebookId, arrive: asyncio.Event
) -> None:
    engine.evidence = Step("asking", {"trackers": 1})
    async with run() as manager:
        arrive.clear()
        task_id = await submit(manager, notebook, "x", "y")
        await settle()
        await manager.cancel_task(task_id, notebook=notebook, asked_by=ALICE)
        arrive.set()
        await settle()
        assert not engine.calls
        assert manager._progress == {}


async def test_what_was_cancelled_and_retried_after_it_was_read_is_looked_up(
    run: Run, engine: FakeEngine, clock: FakeClock, notebook: NotebookId, arrive: asyncio.Event
) -> None:
    engine.knows("x", "x.iso")
    async with run() as manager:
        arrive.clear()
        task_id = await submit(manager, notebook, "x")
        await settle()
        await manager.cancel_task(task_id, notebook=notebook, asked_by=ALICE)
        await manager.retry_task(task_id, notebook=notebook, asked_by=ALICE)
        arrive.set()
        await clock.advance(1)
        assert await counts(manager, task_id) == {State.COMPLETED: 1}
        assert engine.calls[torrent("x")] == 1

"""What the manager promises when functions misbehave, the store fails, and everybody acts at once."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest

from services.calibration import admission
from services.calibration.manager import AsyncCalibrationManager
from services.calibration.ports import CalibrationResult, LookupRequest, Tx
from services.calibration.task import State
from services.errors import CalibotError, NotFound, ResolverDown, StoreUnavailable
from services.store.store import Store
from services.torrents import FileEntry, Hints, Name, NotebookId, PersonId, Progress, Step, TaskId, TorrentInfo
from tests.fake_clock import FakeClock, settle
from tests.unit.conftest import Run
from tests.unit.fakes import FakeEngine, hashes, info_of, torrent

ALICE = PersonId("tg:1")
T = TypeVar("T")


async def submit(
    manager: AsyncCalibrationManager, notebook: NotebookId, *words: str, person: PersonId = ALICE
) -> TaskId:
    return await manager.submit_task(request=hashes(*words), notebook=notebook, asked_by=person, cause="command")


async def state(store: Store, task_id: TaskId) -> State:
    task = await store.read(lambda tx: tx.tasks.get(task_id))
    assert task is not None
    return task.state


class Faults:
    """Lets reads and writes of a store fail, as a full or damaged disk does: those that *fails* says."""

    def __init__(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        self.fails: Callable[[], bool] = lambda: False
        for name in ("read", "write"):
            monkeypatch.setattr(store, name, self._around(getattr(store, name)))

    def _around(self, real: Callable[[Callable[[Tx], Awaitable[T]]], Awaitable[T]]) -> object:
        async def call(fn: Callable[[Tx], Awaitable[T]]) -> T:
            if self.fails():
                await asyncio.sleep(0)
                raise StoreUnavailable(reason="disk full")
            return await real(fn)

        return call


async def _cancelled_by_itself(lookup: LookupRequest, progress: Progress) -> CalibrationResult:
    raise asyncio.CancelledError


async def _nothing(lookup: LookupRequest, progress: Progress) -> CalibrationResult:
    return None  # type: ignore[return-value] # the misbehaviour


async def _too_large(lookup: LookupRequest, progress: Progress) -> CalibrationResult:
    name = Name(text="x", raw=b"x")
    return CalibrationResult(
        TorrentInfo(torrent=lookup.torrent, name=name, size=2**63, files=(), source="x", verified=True)
    )


async def _surrogate(lookup: LookupRequest, progress: Progress) -> CalibrationResult:
    name = Name(text="\ud800", raw=b"x")
    files = (FileEntry("x", 1),)
    return CalibrationResult(
        TorrentInfo(torrent=lookup.torrent, name=name, size=1, files=files, source="x", verified=True)
    )


@pytest.mark.parametrize("function", [_cancelled_by_itself, _nothing, _too_large, _surrogate])
async def test_whatever_a_function_does_its_task_ends(
    function: object, run: Run, store: Store, clock: FakeClock, notebook: NotebookId
) -> None:
    async with run(function) as manager:
        task_id = await submit(manager, notebook, "x")
        await clock.advance(1)
        assert await state(store, task_id) is State.FAILED


async def test_an_ordinary_function_that_leaks_stop_iteration_fails_its_task_and_frees_its_slot(
    run: Run, store: Store, notebook: NotebookId
) -> None:
    def leak(lookup: LookupRequest, progress: Progress) -> CalibrationResult:
        return next(iter(()))

    async with run(leak, max_workers=1) as manager:
        task_id = await submit(manager, notebook, "x")
        number = 0
        while await state(store, task_id) is not State.FAILED:
            number = (await manager.changes_since(number)).number
    assert await state(store, task_id) is State.FAILED


async def test_a_cancel_while_known_names_are_applied_leaves_no_lookup_behind(
    run: Run, engine: FakeEngine, store: Store, clock: FakeClock, notebook: NotebookId
) -> None:
    known = [f"known {number}" for number in range(20)]
    for word in known:
        engine.knows(word, "name")
    async with run(max_workers=1, timeout=1e6) as manager:
        await submit(manager, notebook, *known)
        await clock.advance(30)
        task_id = await submit(manager, notebook, *known, "never found")
        for _ in range(200):
            await asyncio.sleep(0)
        await manager.cancel_task(task_id, notebook=notebook, asked_by=ALICE)
        await settle()
        assert not engine.running
        assert await state(store, task_id) is State.CANCELLED


@pytest.mark.parametrize("after", range(4))
async def test_a_store_that_fails_once_strands_nothing_that_was_accepted(
    after: int, run: Run, engine: FakeEngine, store: Store, clock: FakeClock, notebook: NotebookId,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    engine.knows("x", "x.iso")
    faults = Faults(store, monkeypatch)
    async with run() as manager:
        calls = iter(range(1000))
        faults.fails = lambda: next(calls) == after
        try:
            task_id = await submit(manager, notebook, "x")
        except StoreUnavailable:
            assert after == 0, "who is told that nothing was accepted must be told the truth"
            task_id = await submit(manager, notebook, "x")
        await clock.advance(60)
        assert await state(store, task_id) is State.COMPLETED


async def test_hints_of_one_who_joins_at_any_turn_reach_the_lookup(
    run: Run, engine: FakeEngine, notebook: NotebookId
) -> None:
    async with run(max_workers=1000) as manager:
        for turns in range(60):
            word, calls = f"word {turns}", []
            for person in ("tg:1", "tg:2"):
                request = hashes(word, hints=Hints(trackers=(f"http://{person}/",)))
                calls.append(
                    asyncio.ensure_future(
                        manager.submit_task(
                            request=request, notebook=notebook, asked_by=PersonId(person), cause="command"
                        )
                    )
                )
                for _ in range(turns):
                    await asyncio.sleep(0)
            await asyncio.gather(*calls)
            await settle()
            assert len(engine.hints[torrent(word)].trackers) == 2


async def test_an_end_that_the_ttl_has_overtaken_is_told_to_who_polls(
    run: Run, engine: FakeEngine, clock: FakeClock, notebook: NotebookId
) -> None:
    engine.knows("x", "x.iso")
    async with run(task_ttl_seconds=0.1) as manager:
        number = (await manager.changes_since(0)).number
        task_id = await submit(manager, notebook, "x")
        await clock.advance(10)
        changes = await manager.changes_since(number)
        assert [snapshot.task.id for snapshot in changes.tasks] == [task_id]
        assert await manager.get_task_status(task_id) is None


class Lives:
    """People who submit, cancel and retry at random, over several starts; all of it from one seed."""

    def __init__(self, seed: int, store: Store, clock: FakeClock, engine: FakeEngine, notebook: NotebookId) -> None:
        self.random = random.Random(seed)
        self.store, self.clock, self.engine, self.notebook = store, clock, engine, notebook
        self.words = [f"w{number}" for number in range(self.random.randint(1, 6))]
        self.tasks: list[TaskId] = []
        self.keys: dict[str, TaskId] = {}
        engine.delay = self.random.choice([0, 0.01, 1.0])
        engine.evidence = Step("asking", {"trackers": 1})
        kinds: list[Callable[[str], object]] = [
            lambda _: "name",
            lambda _: NotFound(),
            lambda word: info_of(torrent(word), "claimed", verified=False),
            lambda _: ValueError("bug"),
            lambda _: None,
        ]
        for word in self.words:
            if (answer := self.random.choice(kinds)(word)) is not None:
                engine.names[torrent(word)] = answer  # type: ignore[assignment] # one of the kinds above

    async def act(self, manager: AsyncCalibrationManager) -> None:
        person = PersonId(f"tg:{self.random.randint(1, 2)}")
        for _ in range(self.random.randint(1, 6)):
            for _ in range(self.random.choice([0, 1, 2, 3, 5, 8, 13, 30, 80])):
                await asyncio.sleep(0)
            call = asyncio.ensure_future(self._one(manager, person))
            if self.random.random() < 0.15:
                for _ in range(self.random.randint(0, 12)):
                    await asyncio.sleep(0)
                call.cancel()
            await asyncio.wait([call])
            if not call.cancelled() and (error := call.exception()) is not None:
                assert isinstance(error, CalibotError)

    async def _one(self, manager: AsyncCalibrationManager, person: PersonId) -> None:
        chosen = self.random.random()
        if chosen < 0.5 or not self.tasks:
            key = f"k{self.random.randint(1, 20)}" if self.random.random() < 0.4 else None
            words = self.random.sample(self.words, self.random.randint(1, len(self.words)))
            task_id = await manager.submit_task(
                request=hashes(*words), notebook=self.notebook, asked_by=person, cause="command", request_key=key
            )
            assert key is None or self.keys.setdefault(key, task_id) == task_id
            self.tasks.append(task_id)
        else:
            change = manager.cancel_task if chosen < 0.75 else manager.retry_task
            await change(self.random.choice(self.tasks), notebook=self.notebook, asked_by=person, everyones=True)

    async def live(self, manager: AsyncCalibrationManager) -> None:
        people = [asyncio.ensure_future(self.act(manager)) for _ in range(self.random.randint(1, 5))]
        while not all(person.done() for person in people):
            await asyncio.sleep(0)
            if self.random.random() < 0.05:
                await self.clock.advance(self.random.choice([0.004, 0.01, 1]))
        await asyncio.gather(*people)

    async def check_that_progress_is_kept_of_tasks_under_way_alone(self, manager: AsyncCalibrationManager) -> None:
        await settle()
        under_way = await self.store.read(lambda tx: tx.tasks.unended())
        assert manager._progress.keys() <= {task.id for task in under_way}

    async def check_that_all_has_ended(self, manager: AsyncCalibrationManager) -> None:
        for task_id in await self.store.read(lambda tx: tx.tasks.recent(0.0)):
            assert (await state(self.store, task_id)).ended
            assert not await self.store.read(lambda tx, one=task_id: tx.tasks.unended_among([one]))  # type: ignore[misc]
        lookups = manager._runner._lookups
        assert not self.engine.running
        kept = [lookups._in_line, lookups._held_up, lookups._under_way, lookups._of_item, lookups._items_of]
        assert [*kept, lookups._line._work, lookups._line._tasks] == [{}] * 7
        assert not manager._runner._admission._walks
        assert not manager._progress


@pytest.mark.parametrize("stretch", [512, 2])
@pytest.mark.parametrize("fault_rate", [0.0, 0.03])
@pytest.mark.parametrize("seed", range(40))
async def test_whatever_people_do_in_whatever_order_every_task_ends_and_nothing_is_left(
    seed: int, fault_rate: float, stretch: int, run: Run, engine: FakeEngine, store: Store, clock: FakeClock,
    notebook: NotebookId, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(admission, "_FEWEST", stretch)
    monkeypatch.setattr(admission, "_TIMES", 1)
    monkeypatch.setattr(admission, "_TOGETHER", stretch // 2)
    lives, faults = Lives(seed, store, clock, engine, notebook), Faults(store, monkeypatch)
    for _ in range(lives.random.randint(1, 3)):
        workers = lives.random.randint(1, 3)
        async with run(max_workers=workers, timeout=lives.random.choice([0.005, 5, 60])) as manager:
            faults.fails = lambda: lives.random.random() < fault_rate
            await lives.live(manager)
            faults.fails = lambda: False
            await lives.check_that_progress_is_kept_of_tasks_under_way_alone(manager)
            if lives.random.random() < 0.7:
                await clock.advance(1200)
                await lives.check_that_all_has_ended(manager)
        assert not manager._runner._owned
        assert engine.most_at_once <= 3
    assert all(task.state is State.PENDING for task in await store.read(lambda tx: tx.tasks.unended()))


async def test_nothing_is_kept_of_what_a_cancelled_attempt_reported(
    run: Run, engine: FakeEngine, notebook: NotebookId
) -> None:
    async with run(max_workers=1) as manager:
        task_id = await submit(manager, notebook, "x")
        await settle()
        engine.running[torrent("x")].report(Step("connecting", {"peers": 7}))
        await manager.cancel_task(task_id, notebook=notebook, asked_by=ALICE)
        await settle()
        assert manager._progress == {}


async def test_a_name_that_was_found_is_not_timed_out_while_the_disk_is_full(
    run: Run, engine: FakeEngine, clock: FakeClock, store: Store, notebook: NotebookId, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.knows("x", "x.iso")
    faults = Faults(store, monkeypatch)
    async with run(timeout=60) as manager:
        task_id = await submit(manager, notebook, "x")
        await settle()
        faults.fails = lambda: True
        await clock.advance(64)
        faults.fails = lambda: False
        await clock.advance(60)
        assert await state(store, task_id) is State.COMPLETED


@pytest.mark.parametrize("hangs", [False, True])
async def test_an_engine_that_cannot_detach_keeps_no_shutdown_from_handing_its_work_back(
    hangs: bool, run: Run, engine: FakeEngine, clock: FakeClock, store: Store, notebook: NotebookId,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    async def detach() -> None:
        if hangs:
            await asyncio.Event().wait()
        raise ResolverDown(reason="gone")

    monkeypatch.setattr(engine, "detach", detach)
    async with run() as manager:
        task_id = await submit(manager, notebook, "x")
        await settle()
        closing = asyncio.create_task(manager.shutdown())
        await clock.advance(60)
        await closing
    assert not engine.running
    assert await state(store, task_id) is State.PENDING


async def test_who_joins_a_lookup_under_way_hears_where_it_stands(
    run: Run, engine: FakeEngine, notebook: NotebookId
) -> None:
    engine.evidence = Step("connecting", {"peers": 7})
    async with run() as manager:
        await submit(manager, notebook, "x")
        await settle()
        task_id = await submit(manager, notebook, "x", person=PersonId("tg:2"))
        await settle()
        snapshot = await manager.get_task_status(task_id)
        assert snapshot is not None
        assert snapshot.progress == engine.evidence

"""What nobody has verified: it serves those who run out of time, says so, and gives way to what is verified."""

from dataclasses import replace

import pytest

from services.calibration.manager import AsyncCalibrationManager
from services.calibration.task import HashRequest, Snapshot, State, verdict
from services.errors import NotFound
from services.store.store import Store
from services.torrents import Hints, NotebookId, PersonId, Step, TaskId
from tests.fake_clock import FakeClock
from tests.unit.conftest import Run
from tests.unit.fakes import FakeEngine, info_of, torrent

X = torrent("x")
CLAIM = info_of(X, "claimed.mkv", verified=False)


async def ask(manager: AsyncCalibrationManager, notebook: NotebookId, cause: str = "command") -> TaskId:
    request = HashRequest(((X, Hints()),))
    person = PersonId(f"tg:{cause}")
    return await manager.submit_task(request=request, notebook=notebook, asked_by=person, cause=cause)


async def shown(manager: AsyncCalibrationManager, task_id: TaskId) -> Snapshot:
    snapshot = await manager.get_task_status(task_id)
    assert snapshot is not None
    return snapshot


async def test_who_runs_out_of_time_is_served_by_what_is_claimed_and_its_source_is_counted(
    run: Run, engine: FakeEngine, clock: FakeClock, notebook: NotebookId, store: Store
) -> None:
    engine.claims[X] = CLAIM
    async with run(timeout=60) as manager:
        task_id = await ask(manager, notebook)
        await clock.advance(59)
        assert (await shown(manager, task_id)).task.state is State.RUNNING
        await clock.advance(2)
        snapshot = await shown(manager, task_id)
        assert snapshot.task.state is State.COMPLETED
        found = snapshot.first.found
        assert found is not None
        assert (found.name.text, found.verified, found.source) == ("claimed.mkv", False, "swarm")
        assert not engine.running
        sources = await store.read(lambda tx: tx.lookups.by_source(0.0))
        assert [(one.source, one.found) for one in sources] == [("swarm", 1)]


async def test_what_is_verified_in_time_is_what_a_claim_gives_way_to(
    run: Run, engine: FakeEngine, clock: FakeClock, notebook: NotebookId
) -> None:
    engine.claims[X] = CLAIM
    engine.knows("x", "true.mkv")
    async with run(timeout=60) as manager:
        task_id = await ask(manager, notebook)
        await clock.advance(2)
        found = (await shown(manager, task_id)).first.found
        assert found is not None
        assert (found.name.text, found.verified) == ("true.mkv", True)


async def test_a_claim_of_a_lookup_that_failed_serves_nobody(
    run: Run, engine: FakeEngine, clock: FakeClock, notebook: NotebookId
) -> None:
    engine.claims[X] = CLAIM
    engine.knows("x", NotFound())
    async with run(timeout=60) as manager:
        task_id = await ask(manager, notebook)
        await clock.advance(2)
        assert (await shown(manager, task_id)).task.state is State.FAILED


async def test_a_claim_serves_each_in_its_own_time_and_what_is_verified_later_is_everybodys(
    run: Run, engine: FakeEngine, clock: FakeClock, notebook: NotebookId, store: Store
) -> None:
    engine.claims[X] = CLAIM
    engine.knows("x", "true.mkv")
    engine.delay = 70
    async with run(timeout=60) as manager:
        first = await ask(manager, notebook)
        await clock.advance(30)
        second = await ask(manager, notebook, "api")
        await clock.advance(31)
        found = (await shown(manager, first)).first.found
        assert found is not None
        assert (found.name.text, found.verified) == ("claimed.mkv", False)
        assert (await shown(manager, second)).task.state is State.RUNNING
        await clock.advance(10)
        names = [(await shown(manager, one)).first.found for one in (first, second)]
        assert [one and (one.name.text, one.verified) for one in names] == [("true.mkv", True)] * 2


async def test_who_cancels_gets_no_claim(run: Run, engine: FakeEngine, clock: FakeClock, notebook: NotebookId) -> None:
    engine.claims[X] = CLAIM
    async with run(timeout=60) as manager:
        task_id = await ask(manager, notebook)
        await clock.advance(1)
        await manager.cancel_task(task_id, notebook=notebook, asked_by=PersonId("tg:command"))
        snapshot = await shown(manager, task_id)
        assert snapshot.task.state is State.CANCELLED
        assert snapshot.first.found is None


async def test_a_claim_that_no_database_takes_ends_its_item_all_the_same(
    run: Run, engine: FakeEngine, clock: FakeClock, notebook: NotebookId
) -> None:
    engine.claims[X] = replace(CLAIM, size=2**63)
    async with run(timeout=60) as manager:
        task_id = await ask(manager, notebook)
        await clock.advance(61)
        snapshot = await shown(manager, task_id)
        assert snapshot.task.state is State.FAILED
        assert snapshot.first.failure is not None
        assert snapshot.first.failure.code == "internal"
        assert not engine.running


@pytest.mark.parametrize("parameters", [{}, {"sources": "command,http"}, {"down": "http", "sources": "command"}])
def test_what_nothing_of_a_swarm_was_told_of_has_no_verdict_on_it(parameters: dict[str, str]) -> None:
    assert verdict(Step("asking_others", parameters)).code == "timed_out"

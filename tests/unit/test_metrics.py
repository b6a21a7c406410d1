"""What the lookups add up to, and what is under way."""

import random

import pytest

from services.calibration.ports import LookedUp
from services.calibration.task import HashRequest
from services.metrics import Figures, Metrics, SourceTimes, Waits
from services.store.store import Store
from services.torrents import NotebookId, PersonId, TaskId
from tests.fake_clock import FakeClock, settle
from tests.unit.conftest import Run
from tests.unit.fakes import FakeEngine, hashes, torrent

ALICE, BOB = PersonId("tg:1"), PersonId("tg:2")
DAY = 86400.0


def looked_up(outcome: str = "found", source: str | None = "swarm", waited: float = 0.0, took: float = 1.0) -> LookedUp:
    return LookedUp(
        torrent=torrent("x"), source=source if outcome == "found" else None, waited=waited, took=took, outcome=outcome
    )


async def figures(store: Store, clock: FakeClock, run: Run, *rows: LookedUp, at: float | None = None) -> Figures:
    when = clock.now() if at is None else at
    await store.write(lambda tx: tx.lookups.add(rows, when))
    async with run() as manager:
        return await Metrics(store, manager, clock).figures()


async def test_where_nothing_was_looked_up_there_is_nothing_to_divide(store: Store, clock: FakeClock, run: Run) -> None:
    found = await figures(store, clock, run)
    assert (found.waits, found.by_source, found.outcomes) == (Waits(lookups=0, average=None, p95=None), (), {})
    assert (found.waiting, found.at_work, found.success_share) == (0, 0, None)


async def test_one_lookup_is_its_own_percentile(store: Store, clock: FakeClock, run: Run) -> None:
    found = await figures(store, clock, run, looked_up(waited=2.0, took=3.0))
    assert found.waits == Waits(lookups=1, average=2.0, p95=2.0)
    assert found.by_source == (SourceTimes(source="swarm", found=1, p50=3.0, p95=3.0),)
    assert found.success_share == 1.0


@pytest.mark.parametrize("count", [2, 19, 20, 21, 100, 333])
async def test_percentiles_are_the_values_at_their_rank(store: Store, clock: FakeClock, run: Run, count: int) -> None:
    numbers = [float(number) for number in range(1, count + 1)]
    random.Random(count).shuffle(numbers)
    found = await figures(store, clock, run, *(looked_up(waited=one, took=2 * one) for one in numbers))
    p50, p95 = -(-count * 50 // 100), -(-count * 95 // 100)
    assert found.waits == Waits(lookups=count, average=found.waits.average, p95=p95)
    assert found.waits.average == pytest.approx((count + 1) / 2)
    assert found.by_source == (SourceTimes(source="swarm", found=count, p50=2 * p50, p95=2 * p95),)


async def test_the_time_to_a_name_is_told_for_each_source_and_of_names_alone(
    store: Store, clock: FakeClock, run: Run
) -> None:
    rows = [looked_up(took=1.0), looked_up(took=3.0), looked_up(source="cache", took=0.1), looked_up("dead", took=60.0)]
    found = await figures(store, clock, run, *rows)
    assert found.by_source == (
        SourceTimes(source="swarm", found=2, p50=1.0, p95=3.0),
        SourceTimes(source="cache", found=1, p50=0.1, p95=0.1),
    )


async def test_what_people_stopped_is_neither_success_nor_failure(store: Store, clock: FakeClock, run: Run) -> None:
    ends = ["found", "found", "found", "dead", "cancelled", "cancelled"]
    found = await figures(store, clock, run, *map(looked_up, ends))
    assert list(found.outcomes.items()) == [("found", 3), ("cancelled", 2), ("dead", 1)]
    assert found.success_share == 0.75
    stopped = Figures(
        waiting=0, at_work=0, seconds=1, waits=Waits(lookups=1, average=0, p95=0), by_source=(),
        outcomes={"cancelled": 1},
    )  # fmt: skip
    assert stopped.success_share is None


async def test_what_is_older_than_the_period_does_not_count(store: Store, clock: FakeClock, run: Run) -> None:
    await figures(store, clock, run, looked_up("dead"), at=clock.now() - 30 * DAY - 1)
    found = await figures(store, clock, run, looked_up(), at=clock.now() - 30 * DAY)
    assert found.outcomes == {"found": 1}
    assert found.waits.lookups == 1


async def test_what_waits_and_what_is_at_work_is_counted_by_items(
    store: Store, clock: FakeClock, notebook: NotebookId, run: Run
) -> None:
    async with run(max_workers=2) as manager:
        await manager.submit_task(
            request=hashes("a", "b", "c", "d", "e"), notebook=notebook, asked_by=ALICE, cause="command"
        )
        await settle()
        found = await Metrics(store, manager, clock).figures()
        assert (found.at_work, found.waiting) == (2, 3)


async def test_real_lookups_are_what_is_counted(
    store: Store, clock: FakeClock, notebook: NotebookId, run: Run, engine: FakeEngine
) -> None:
    engine.knows("a", "A")
    engine.knows("b", "B")
    async with run(max_workers=1) as manager:
        await manager.submit_task(request=hashes("a", "b"), notebook=notebook, asked_by=ALICE, cause="command")
        await clock.advance(5)
        found = await Metrics(store, manager, clock).figures()
    assert found.waits == Waits(lookups=2, average=0.5, p95=1.0)
    assert found.by_source == (SourceTimes(source="swarm", found=2, p50=1.0, p95=1.0),)
    assert (found.success_share, found.at_work, found.waiting) == (1.0, 0, 0)


async def test_the_queue_has_those_at_work_first_and_what_was_asked_for_alone(
    store: Store, clock: FakeClock, notebook: NotebookId, run: Run
) -> None:
    other = await store.write(lambda tx: tx.notebooks.open("tg:2", clock.now()))
    async with run(max_workers=2) as manager:

        async def submit(request: HashRequest, where: NotebookId, who: PersonId) -> str:
            await clock.advance(1)
            return await manager.submit_task(request=request, notebook=where, asked_by=who, cause="command")

        tasks = [
            await submit(hashes("a"), notebook, ALICE),
            await submit(hashes("b"), other, BOB),
            await submit(hashes("c"), notebook, BOB),
            await submit(hashes("d"), notebook, ALICE),
        ]
        ended = await submit(hashes("e"), notebook, ALICE)
        await manager.cancel_task(TaskId(ended), notebook=notebook, asked_by=ALICE)
        await settle()
        metrics = Metrics(store, manager, clock)

        async def ids(**asked: object) -> tuple[list[str], int]:
            queue = await metrics.queue(**{"most": 20, **asked})  # type: ignore[arg-type] # each by its name
            assert queue.at == clock.now()
            return [one.task.id for one in queue.tasks], queue.many

        assert await ids() == (tasks, 4)
        assert await ids(most=3) == (tasks[:3], 4)
        assert await ids(notebook=other) == ([tasks[1]], 1)
        assert await ids(asked_by=ALICE) == ([tasks[0], tasks[3]], 2)
        assert await ids(notebook=other, asked_by=ALICE) == ([], 0)

"""Nobody waits behind somebody else's batch."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from services.calibration.shares import FairLine, Share
from services.store.store import Store
from services.torrents import NotebookId, PersonId, TaskId
from tests.fake_clock import FakeClock, settle
from tests.unit.conftest import Run
from tests.unit.fakes import FakeEngine, hashes, torrent

ALICE, BOB = PersonId("tg:1"), PersonId("tg:2")


async def test_a_single_lookup_beside_a_batch_takes_the_next_slot(
    run: Run, engine: FakeEngine, clock: FakeClock, notebook: NotebookId
) -> None:
    words = [f"batch {number}" for number in range(50)]
    for word in [*words, "single"]:
        engine.knows(word, f"{word}.iso")
    engine.delay = 10
    async with run(max_workers=2) as manager:
        await manager.submit_task(request=hashes(*words), notebook=notebook, asked_by=ALICE, cause="command")
        await settle()
        single = await manager.submit_task(request=hashes("single"), notebook=notebook, asked_by=ALICE, cause="command")
        await clock.advance(20)
        snapshot = await manager.get_task_status(single)
        assert snapshot is not None
        assert snapshot.task.state.ended


async def test_a_single_lookup_does_not_even_wait_for_a_slot_beside_a_batch_of_the_dead(
    run: Run, engine: FakeEngine, notebook: NotebookId
) -> None:
    dead = hashes(*(f"dead {number}" for number in range(500)))
    async with run(max_workers=100) as manager:
        await manager.submit_task(request=dead, notebook=notebook, asked_by=ALICE, cause="command")
        await settle()
        assert len(engine.running) == 90
        await manager.submit_task(request=hashes("single"), notebook=notebook, asked_by=ALICE, cause="command")
        await settle()
        assert torrent("single") in engine.running


async def test_one_who_asks_for_what_waits_in_somebodys_batch_does_not_wait_with_it(
    run: Run, engine: FakeEngine, clock: FakeClock, notebook: NotebookId
) -> None:
    words = [f"batch {number}" for number in range(50)]
    for word in words:
        engine.knows(word, f"{word}.iso")
    async with run(max_workers=1) as manager:
        await manager.submit_task(request=hashes(*words), notebook=notebook, asked_by=ALICE, cause="command")
        await settle()
        await manager.submit_task(request=hashes(words[-1]), notebook=notebook, asked_by=BOB, cause="command")
        await clock.advance(1.5)
        assert list(engine.running) == [torrent(words[-1])]
        await clock.advance(60)
        assert Counter(engine.calls.values()) == {1: 50}


async def test_two_chats_with_batches_get_equal_parts_even_if_one_came_later(
    run: Run, engine: FakeEngine, clock: FakeClock, notebook: NotebookId, store: Store
) -> None:
    other = await store.write(lambda tx: tx.notebooks.open("tg:2", clock.now()))
    first, second = [f"first {number}" for number in range(300)], [f"second {number}" for number in range(300)]
    for word in [*first, *second]:
        engine.knows(word, f"{word}.iso")
    engine.delay = 10
    async with run(max_workers=8, timeout=1e6) as manager:
        await manager.submit_task(request=hashes(*first), notebook=notebook, asked_by=ALICE, cause="command")
        await settle()
        # Two tasks there, one here: it is chats that share.
        await manager.submit_task(request=hashes(*second[:150]), notebook=other, asked_by=BOB, cause="command")
        await manager.submit_task(request=hashes(*second[150:]), notebook=other, asked_by=ALICE, cause="command")
        await clock.advance(10)
        firsts = set(map(torrent, first))
        for _ in range(5):
            await clock.advance(10)
            assert sum(one in firsts for one in engine.running) == 4
            assert len(engine.running) == 8


@given(
    st.lists(st.tuples(st.integers(1, 3), st.sampled_from("abc")), max_size=40),
    st.lists(st.booleans(), max_size=80),
    st.integers(1, 30),
)
def test_the_line_loses_nothing_keeps_each_tasks_order_and_never_lets_a_slot_lie_idle(
    wanted: list[tuple[int, str]], frees: list[bool], slots: int
) -> None:
    line: FairLine[int] = FairLine(slots)
    waiting: dict[Share, list[int]] = {}
    for number, (notebook, task) in enumerate(wanted):
        share = Share(NotebookId(notebook), TaskId(f"{notebook}{task}"))
        line.put(share, number)
        waiting.setdefault(share, []).append(number)
    held: list[Share] = []
    for free in [*frees, *[True] * len(wanted)]:
        while len(held) < slots and (taken := line.take(slots - len(held))) is not None:
            share, number = taken
            assert waiting[share].pop(0) == number
            of = Counter(one.notebook for one in held)
            others = [one.notebook for one, left in waiting.items() if left]
            if slots - len(held) > slots // 10:
                assert all(of[share.notebook] <= of[one] for one in others)
            line.hold(share)
            held.append(share)
        if slots - len(held) > slots // 10:
            assert not any(waiting.values())
        if free and held:
            line.free(held.pop(len(held) // 2))
    while held:
        line.free(held.pop())
        while (taken := line.take(slots)) is not None:
            assert waiting[taken[0]].pop(0) == taken[1]
    assert not any(waiting.values())
    assert (line._work, line._tasks) == ({}, {})

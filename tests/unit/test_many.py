"""Many notes and hashes at once: which are meant, and how much one person may ask for."""

import pytest

from services.calibration.allowance import Allowance
from services.calibration.manager import AsyncCalibrationManager
from services.calibration.ports import Tx
from services.calibration.task import NoteRequest, State
from services.errors import AllCalibrated, AllowanceUsedUp, NoteNotFound, TooMany, TooManyTasks
from services.notebook.note import Latest, Mark, Note, Numbered, Selection, Uncalibrated
from services.notebook.notebook import Notebook
from services.store.store import Store
from services.torrents import NotebookId, NoteId, PersonId, TaskId
from tests.fake_clock import FakeClock
from tests.unit.conftest import Run
from tests.unit.fakes import FakeEngine, hashes, info_of, torrent

ALICE, BOB = PersonId("tg:1"), PersonId("tg:2")


async def add(store: Store, notebook: NotebookId, *words: str) -> NoteId:
    text = " ".join(f"magnet:?xt=urn:btih:{torrent(word).shown}" for word in words)
    note = Note(
        id=NoteId(0), notebook=notebook, text=text, version=1, origin=None, person=ALICE, created_at=1.0, changed_at=1.0
    )
    return await store.write(lambda tx: tx.notes.insert(note, map(torrent, words)))


async def submit(
    manager: AsyncCalibrationManager, notebook: NotebookId, *words: str, person: PersonId = ALICE
) -> TaskId:
    return await manager.submit_task(request=hashes(*words), notebook=notebook, asked_by=person, cause="command")


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (Numbered(((1, 1),)), [1]),
        (Numbered(((2, 4),)), [3, 4]),
        (Numbered(((4, 4), (1, 1), (1, 3))), [1, 3, 4]),
        (Numbered(((3, 10**30),)), [3, 4, 8]),
        (Numbered(((10**30, 10**30 + 1), (8, 8))), [8]),
        (Latest(2), [4, 8]),
        (Latest(10**30), [1, 3, 4, 8]),
        (Uncalibrated(), [1, 3, 4, 8]),
    ],
)
async def test_foreign_missing_deleted_and_linkless_notes_are_passed_over(
    selection: Selection, expected: list[int], store: Store, notebook: NotebookId, clock: FakeClock
) -> None:
    other = await store.write(lambda tx: tx.notebooks.open("tg:2", 1.0))
    await add(store, notebook, "a")
    await add(store, other, "a")
    await add(store, notebook, "b")
    await add(store, notebook, "a", "c")
    await add(store, notebook)
    deleted = await add(store, notebook, "d")
    await store.write(lambda tx: tx.notes.delete(deleted, 5.0))
    await add(store, other, "e")
    await add(store, notebook, "f")
    assert await Notebook(store, clock, lambda _: None).select(notebook, selection) == expected


@pytest.mark.parametrize("selection", [Numbered(((2, 3),)), Numbered(((99, 10**30),)), Latest(0), Numbered(((5, 1),))])
async def test_nothing_but_foreign_and_missing_numbers_is_as_one_that_is_missing(
    selection: Selection, store: Store, notebook: NotebookId, clock: FakeClock
) -> None:
    other = await store.write(lambda tx: tx.notebooks.open("tg:2", 1.0))
    await add(store, notebook, "a")
    for word in "bc":
        await add(store, other, word)
    with pytest.raises(NoteNotFound):
        await Notebook(store, clock, lambda _: None).select(notebook, selection)


async def test_all_are_those_not_yet_calibrated_or_failed_and_with_force_every_one(
    store: Store, notebook: NotebookId, clock: FakeClock, run: Run, engine: FakeEngine
) -> None:
    engine.knows("found", "found.iso")
    done, failed, new = [await add(store, notebook, word) for word in ("found", "dead", "found")]
    both = await add(store, notebook, "found", "new")
    async with run() as manager:
        for note_id in (done, failed):
            await manager.submit_task(
                request=NoteRequest((note_id,)), notebook=notebook, asked_by=ALICE, cause="command"
            )
        await clock.advance(100)
    new = await add(store, notebook, "found")
    keeper = Notebook(store, clock, lambda _: None)
    assert await keeper.select(notebook, Uncalibrated()) == [failed, both, new]
    assert len(await keeper.select(notebook, Uncalibrated(force=True))) == 5


async def test_where_every_note_is_calibrated_all_says_so_and_with_force_takes_them_again(
    store: Store, notebook: NotebookId, clock: FakeClock
) -> None:
    keeper = Notebook(store, clock, lambda _: None)
    await add(store, notebook)
    for force in (False, True):
        with pytest.raises(NoteNotFound):
            await keeper.select(notebook, Uncalibrated(force))
    note_id = await add(store, notebook, "a")
    mark = Mark(notebook, torrent("a"), State.COMPLETED, TaskId("one"))
    await store.write(lambda tx: tx.notes.mark([mark], 2.0))
    with pytest.raises(AllCalibrated):
        await keeper.select(notebook, Uncalibrated())
    assert await keeper.select(notebook, Uncalibrated(force=True)) == [note_id]
    with pytest.raises(NoteNotFound):
        await keeper.select(notebook, Numbered(((99, 100),)))


async def test_a_thousand_notes_are_the_most_and_all_takes_no_more(
    store: Store, notebook: NotebookId, clock: FakeClock
) -> None:
    for _ in range(1001):
        await add(store, notebook, "a")
    keeper = Notebook(store, clock, lambda _: None)
    for selection in (Numbered(((1, 1001),)), Latest(1001)):
        with pytest.raises(TooMany):
            await keeper.select(notebook, selection)
    assert await keeper.select(notebook, Uncalibrated()) == list(range(1, 1001))
    assert await keeper.select(notebook, Latest(1000)) == list(range(2, 1002))


async def test_all_begins_with_what_was_never_tried_and_goes_on_with_what_was_tried_longest_ago(
    store: Store, notebook: NotebookId, clock: FakeClock
) -> None:
    await add(store, notebook, "0", "never answered for")
    for number in range(1, 1002):
        await add(store, notebook, str(number))

    async def try_one_after_another(tx: Tx) -> None:
        for at, number in enumerate(reversed(range(1000))):
            await tx.notes.mark([Mark(notebook, torrent(str(number)), State.FAILED, TaskId("one"))], at)

    await store.write(try_one_after_another)
    for force in (False, True):
        chosen = await Notebook(store, clock, lambda _: None).select(notebook, Uncalibrated(force))
        assert chosen == list(range(3, 1003))


async def test_all_takes_no_more_notes_than_one_task_may_have_torrents_of(
    store: Store, notebook: NotebookId, clock: FakeClock, run: Run
) -> None:
    huge = await add(store, notebook, *map(str, range(5001)))
    half = await add(store, notebook, *map(str, range(2500)))
    same = await add(store, notebook, *map(str, range(2500)))
    rest = await add(store, notebook, *map(str, range(2000, 5000)))
    beyond = await add(store, notebook, "beyond")
    keeper = Notebook(store, clock, lambda _: None)

    def done(word: str | int) -> Mark:
        return Mark(notebook, torrent(str(word)), State.COMPLETED, TaskId("one"))

    async with run() as manager:
        for expected in ([half, same, rest], [beyond]):
            chosen = await keeper.select(notebook, Uncalibrated())
            assert chosen == expected
            request = NoteRequest(tuple(chosen))
            await manager.submit_task(request=request, notebook=notebook, asked_by=ALICE, cause="command")
            await store.write(lambda tx: tx.notes.mark(list(map(done, range(5000))), 2.0))
    await store.write(lambda tx: tx.notes.mark([done("beyond")], 3.0))
    with pytest.raises(TooMany):
        await keeper.select(notebook, Uncalibrated())
    await store.write(lambda tx: tx.notes.delete(huge, 5.0))
    with pytest.raises(AllCalibrated):
        await keeper.select(notebook, Uncalibrated())


async def test_five_thousand_torrents_are_the_most_of_a_task(run: Run, notebook: NotebookId) -> None:
    async with run() as manager:
        with pytest.raises(TooMany):
            await submit(manager, notebook, *map(str, range(5001)))
        await submit(manager, notebook, *map(str, range(5000)))


async def test_a_hash_of_many_notes_is_looked_up_once_and_all_of_them_are_corrected(
    store: Store, notebook: NotebookId, clock: FakeClock, run: Run, engine: FakeEngine
) -> None:
    engine.knows("a", "a.iso")
    numbers = tuple([await add(store, notebook, "a") for _ in range(300)])
    async with run() as manager:
        task_id = await manager.submit_task(
            request=NoteRequest(numbers), notebook=notebook, asked_by=ALICE, cause="command"
        )
        await clock.advance(5)
        snapshot = await manager.get_task_status(task_id)
    assert snapshot is not None
    assert (snapshot.counts, snapshot.first.corrected) == ({State.COMPLETED: 1}, numbers)
    assert engine.calls == {torrent("a"): 1}
    texts = {(await Notebook(store, clock, lambda _: None).get(notebook, one)).text for one in numbers}
    assert texts == {f"magnet:?xt=urn:btih:{torrent('a').shown}&dn=a.iso"}


async def test_who_has_enough_tasks_under_way_waits_for_one_to_end_and_others_do_not(
    run: Run, clock: FakeClock, notebook: NotebookId
) -> None:
    async with run(allowance=Allowance(tasks=2)) as manager:
        first = await submit(manager, notebook, "1")
        await submit(manager, notebook, "2")
        with pytest.raises(TooManyTasks) as refused:
            await submit(manager, notebook, "3")
        assert refused.value.parameters == {"most": 2}
        assert await submit(manager, notebook, "1") == first, "what is joined is no task more"
        await submit(manager, notebook, "3", person=BOB)
        await manager.cancel_task(first, notebook=notebook, asked_by=ALICE)
        await submit(manager, notebook, "3")


async def test_what_is_known_already_is_asked_for_however_many_tasks_are_under_way(
    run: Run, clock: FakeClock, notebook: NotebookId
) -> None:
    async with run(allowance=Allowance(tasks=1)) as manager:
        await submit(manager, notebook, "1")
        await manager.learn(info_of(torrent("known"), "known.mkv"))
        known = await submit(manager, notebook, "known")
        await clock.advance(1)
        snapshot = await manager.get_task_status(known)
        assert snapshot is not None
        assert snapshot.task.state is State.COMPLETED
        with pytest.raises(TooManyTasks):
            await submit(manager, notebook, "known", "2")


async def test_a_retry_is_one_more_task_under_way(run: Run, notebook: NotebookId) -> None:
    async with run(allowance=Allowance(tasks=1)) as manager:
        first = await submit(manager, notebook, "1")
        await manager.cancel_task(first, notebook=notebook, asked_by=ALICE)
        second = await submit(manager, notebook, "2")
        with pytest.raises(TooManyTasks):
            await manager.retry_task(first, notebook=notebook, asked_by=ALICE)
        await manager.cancel_task(second, notebook=notebook, asked_by=ALICE)
        await manager.retry_task(first, notebook=notebook, asked_by=ALICE)


async def test_an_hours_lookups_are_bounded_for_each_person_and_it_is_said_when_they_are_free_again(
    run: Run, clock: FakeClock, engine: FakeEngine, notebook: NotebookId
) -> None:
    for word in "abcdefg":
        engine.knows(word, word)
    async with run(allowance=Allowance(lookups=5), task_ttl_seconds=1) as manager:
        await submit(manager, notebook, "a", "b")
        await clock.advance(600)
        await submit(manager, notebook, "c", "d")
        await manager.cleanup_old_tasks()
        with pytest.raises(AllowanceUsedUp) as refused:
            await submit(manager, notebook, "e", "f")
        assert refused.value.parameters == {"most": 5, "minutes": 50}
        await submit(manager, notebook, "a", "b", "c", "d", "e", person=BOB)
        await clock.advance(100)
        await submit(manager, notebook, "a", "b", "c", "d", "e")  # what is known costs nothing
        with pytest.raises(TooMany):
            await submit(manager, notebook, *map(str, range(6)))
        await clock.advance(50 * 60 - 101)
        with pytest.raises(AllowanceUsedUp):
            await submit(manager, notebook, "f", "g")
        await clock.advance(1)
        await submit(manager, notebook, "f", "g")


async def test_a_retry_counts_what_it_looks_up_again(run: Run, clock: FakeClock, notebook: NotebookId) -> None:
    async with run(allowance=Allowance(lookups=3)) as manager:
        task_id = await submit(manager, notebook, "dead", "too")
        await clock.advance(100)
        with pytest.raises(AllowanceUsedUp):
            await manager.retry_task(task_id, notebook=notebook, asked_by=ALICE)
        await clock.advance(3600)
        await manager.retry_task(task_id, notebook=notebook, asked_by=ALICE)

"""What was written into notes can be taken back, and stays so."""

import pytest

from services.calibration.task import NoteRequest, Written
from services.errors import EditedSince, LookupFailed, NoteChanged, NoteNotFound, NothingToUndo, WrittenSince
from services.notebook.history import History, Undone
from services.notebook.note import Cause, Change, Note
from services.store.store import Store
from services.torrents import NotebookId, NoteId, PersonId, TaskId, TorrentId
from tests.fake_clock import FakeClock
from tests.unit.conftest import Run
from tests.unit.fakes import FakeEngine, torrent

ALICE, BOB = PersonId("tg:1"), PersonId("tg:2")


def link(word: str) -> str:
    return f"magnet:?xt=urn:btih:{torrent(word).shown}"


@pytest.fixture
def told() -> list[NoteId]:
    return []


@pytest.fixture
def history(store: Store, clock: FakeClock, told: list[NoteId]) -> History:
    return History(store, clock, told.append)


class Notes:
    def __init__(self, store: Store, notebook: NotebookId, run: Run, engine: FakeEngine, clock: FakeClock) -> None:
        self.store, self.notebook, self.run, self.engine, self.clock = store, notebook, run, engine, clock

    async def add(self, *words: str, before: str = "") -> NoteId:
        text = before + " and ".join(map(link, words))
        note = Note(
            id=NoteId(0), notebook=self.notebook, text=text, version=1, origin=None, person=ALICE, created_at=1.0,
            changed_at=1.0,
        )  # fmt: skip
        return await self.store.write(lambda tx: tx.notes.insert(note, map(torrent, words)))

    async def text(self, note_id: NoteId) -> str:
        note = await self.store.read(lambda tx: tx.notes.get(self.notebook, note_id))
        assert note is not None
        return note.text

    async def calibrate(self, *notes: NoteId, named: bool = False) -> TaskId:
        async with self.run() as manager:
            task_id = await manager.submit_task(
                request=NoteRequest(notes, named=notes if named else ()),
                notebook=self.notebook, asked_by=ALICE, cause="command",
            )  # fmt: skip
            await self.clock.advance(5)
        return task_id

    async def edit(self, note_id: NoteId, text: str) -> None:
        note = await self.store.read(lambda tx: tx.notes.get(self.notebook, note_id))
        assert note is not None
        change = Change(cause=Cause.EDIT, person=BOB, task_id=None, at=2.0)
        assert await self.store.write(lambda tx: tx.notes.replace_text(note, text, change))


@pytest.fixture
def notes(store: Store, notebook: NotebookId, run: Run, engine: FakeEngine, clock: FakeClock) -> Notes:
    for word in "abc":
        engine.knows(word, f"{word}.iso")
    return Notes(store, notebook, run, engine, clock)


async def test_an_undo_takes_back_all_that_the_last_task_wrote_and_a_second_one_writes_it_again(
    notes: Notes, history: History, notebook: NotebookId, told: list[NoteId]
) -> None:
    note_id = await notes.add("a", "b")
    before = await notes.text(note_id)
    await notes.calibrate(note_id)
    after = await notes.text(note_id)
    assert after.count("dn=") == 2
    for text, again in [(before, False), (after, True), (before, False)]:
        undone = await history.undo(notebook, note_id, person=BOB)
        assert undone == Undone(notes=(note_id,), refused=(), again=again)
        assert await notes.text(note_id) == text
    assert told == [note_id] * 3


async def test_each_change_is_told_with_its_cause_person_and_task_before_and_after(
    notes: Notes, history: History, notebook: NotebookId
) -> None:
    note_id = await notes.add("a")
    before = await notes.text(note_id)
    task_id = await notes.calibrate(note_id)
    after = await notes.text(note_id)
    await history.undo(notebook, note_id, person=BOB)
    second, first = (await history.page(notebook, note_id, page=0, size=3)).steps
    assert (first.before, first.after, second.before, second.after) == (before, after, after, before)
    assert (first.change.cause, first.change.person, first.change.task_id) == ("command", ALICE, task_id)
    assert (second.change.cause, second.change.person, second.change.task_id) == ("undo", BOB, task_id)


async def test_an_undo_is_refused_where_a_person_has_edited_since(
    notes: Notes, history: History, notebook: NotebookId
) -> None:
    note_id = await notes.add("a")
    with pytest.raises(NothingToUndo):
        await history.undo(notebook, note_id, person=ALICE)
    await notes.calibrate(note_id)
    await notes.edit(note_id, "edited")
    with pytest.raises(EditedSince):
        await history.undo(notebook, note_id, person=ALICE)
    assert await notes.text(note_id) == "edited"
    with pytest.raises(NoteNotFound):
        await history.undo(NotebookId(notebook + 1), note_id, person=ALICE)


async def test_an_edit_before_the_names_does_not_stand_in_the_way(
    notes: Notes, history: History, notebook: NotebookId
) -> None:
    note_id = await notes.add("a")
    edited = "edited: " + link("a")
    await notes.edit(note_id, edited)
    with pytest.raises(NothingToUndo):
        await history.undo(notebook, note_id, person=ALICE)
    await notes.calibrate(note_id)
    await history.undo(notebook, note_id, person=ALICE)
    assert await notes.text(note_id) == edited


async def test_the_undo_of_a_batch_undoes_it_as_one_and_the_undo_of_a_note_only_that(
    notes: Notes, history: History, notebook: NotebookId
) -> None:
    numbers = [await notes.add("a"), await notes.add("b"), await notes.add("c")]
    before = [await notes.text(one) for one in numbers]
    task_id = await notes.calibrate(*numbers)
    after = [await notes.text(one) for one in numbers]
    await history.undo(notebook, numbers[0], person=ALICE)
    assert [await notes.text(one) for one in numbers] == [before[0], *after[1:]]
    await notes.edit(numbers[1], "edited")
    undone = await history.undo_task(notebook, task_id, person=ALICE)
    assert undone == Undone(notes=(numbers[2],), refused=(numbers[1],), again=False)
    assert [await notes.text(one) for one in numbers] == [before[0], "edited", before[2]]
    undone = await history.undo_task(notebook, task_id, person=ALICE, again=True)
    assert undone == Undone(notes=(numbers[2],), refused=(numbers[1],), again=True), "what was undone apart stays so"
    assert [await notes.text(one) for one in numbers] == [before[0], "edited", after[2]]
    await history.undo(notebook, numbers[0], person=ALICE)
    assert await notes.text(numbers[0]) == after[0]
    with pytest.raises(NothingToUndo):
        await history.undo_task(NotebookId(notebook + 1), task_id, person=ALICE)


async def test_the_undo_of_a_task_is_taken_back_in_one_note_by_the_undo_of_that_note(
    notes: Notes, history: History, notebook: NotebookId
) -> None:
    numbers = [await notes.add("a"), await notes.add("b")]
    before = [await notes.text(one) for one in numbers]
    task_id = await notes.calibrate(*numbers)
    after = [await notes.text(one) for one in numbers]
    await history.undo_task(notebook, task_id, person=ALICE)
    undone = await history.undo(notebook, numbers[0], person=ALICE)
    assert undone.again
    assert [await notes.text(one) for one in numbers] == [after[0], before[1]]


async def test_a_task_whose_notes_were_all_undone_apart_has_nothing_to_undo_or_to_write_again(
    notes: Notes, history: History, notebook: NotebookId
) -> None:
    note_id = await notes.add("a")
    before = await notes.text(note_id)
    task_id = await notes.calibrate(note_id)
    await history.undo(notebook, note_id, person=ALICE)
    for again in (False, True):
        with pytest.raises(NothingToUndo):
            await history.undo_task(notebook, task_id, person=ALICE, again=again)
    assert await notes.text(note_id) == before


async def test_what_is_pressed_twice_does_not_turn_into_its_opposite(
    notes: Notes, history: History, notebook: NotebookId
) -> None:
    numbers = [await notes.add("a"), await notes.add("b")]
    before = [await notes.text(one) for one in numbers]
    task_id = await notes.calibrate(*numbers)
    after = [await notes.text(one) for one in numbers]
    await history.undo_task(notebook, task_id, person=ALICE)
    with pytest.raises(NothingToUndo):
        await history.undo_task(notebook, task_id, person=ALICE)
    assert [await notes.text(one) for one in numbers] == before
    await history.undo(notebook, numbers[0], person=ALICE)
    undone = await history.undo_task(notebook, task_id, person=ALICE, again=True)
    assert undone.notes == (numbers[1],), "it is no undo of what stands again"
    assert [await notes.text(one) for one in numbers] == after
    with pytest.raises(NothingToUndo):
        await history.undo_task(notebook, task_id, person=ALICE, again=True)
    assert [await notes.text(one) for one in numbers] == after


async def test_the_undo_of_a_task_tells_whether_a_person_or_another_task_was_there_since(
    notes: Notes, history: History, notebook: NotebookId
) -> None:
    note_id = await notes.add("a")
    first = await notes.calibrate(note_id)
    await history.undo(notebook, note_id, person=ALICE)
    second = await notes.calibrate(note_id, named=True)
    after = await notes.text(note_id)
    with pytest.raises(WrittenSince):
        await history.undo_task(notebook, first, person=ALICE)
    assert await notes.text(note_id) == after
    await notes.edit(note_id, "edited")
    for task_id in (first, second):
        with pytest.raises(EditedSince):
            await history.undo_task(notebook, task_id, person=ALICE)


async def test_what_a_later_task_wrote_and_has_taken_back_keeps_nobody_from_undoing_an_earlier_one(
    notes: Notes, history: History, notebook: NotebookId
) -> None:
    note_id = await notes.add("a", "late")
    sent = await notes.text(note_id)
    notes.engine.knows("late", LookupFailed())
    first = await notes.calibrate(note_id)
    named = await notes.text(note_id)
    notes.engine.knows("late", "late.iso")
    second = await notes.calibrate(note_id)
    both = await notes.text(note_id)
    with pytest.raises(WrittenSince):
        await history.undo_task(notebook, first, person=ALICE)
    await history.undo_task(notebook, second, person=ALICE)
    for again, text in [(False, sent), (True, named), (False, sent)]:
        undone = await history.undo_task(notebook, first, person=ALICE, again=again)
        assert undone == Undone(notes=(note_id,), refused=(), again=again)
        assert await notes.text(note_id) == text
    with pytest.raises(WrittenSince):
        await history.undo_task(notebook, second, person=ALICE, again=True)
    for text in (named, sent, named):
        await history.undo(notebook, note_id, person=ALICE)
        assert await notes.text(note_id) == text, "what was done last, by turns"
    await history.undo_task(notebook, second, person=ALICE, again=True)
    assert await notes.text(note_id) == both


async def test_what_a_task_wrote_before_and_after_another_is_taken_back_as_far_as_it_lies_on_top_and_told(
    notes: Notes, history: History, notebook: NotebookId
) -> None:
    note_id = await notes.add("a", "late", "last")
    texts = [await notes.text(note_id)]
    for word in ("late", "last"):
        notes.engine.knows(word, LookupFailed())
    first = await notes.calibrate(note_id)
    texts.append(await notes.text(note_id))
    notes.engine.knows("late", "late.iso")
    second = await notes.calibrate(note_id)
    texts.append(await notes.text(note_id))
    notes.engine.knows("last", "last.iso")
    async with notes.run() as manager:
        await manager.retry_task(first, notebook=notebook, asked_by=ALICE)
        await notes.clock.advance(5)
        undone = await history.undo_task(notebook, first, person=ALICE)
        assert undone == Undone(notes=(note_id,), refused=(note_id,), again=False)
        assert await notes.text(note_id) == texts.pop()
        with pytest.raises(WrittenSince):
            await history.undo_task(notebook, first, person=ALICE)
        await history.undo_task(notebook, second, person=ALICE)
        assert await notes.text(note_id) == texts.pop()
        snapshot = await manager.get_task_status(first)
        assert snapshot is not None
        assert snapshot.written == Written(standing=(note_id,))
        assert await history.undo_task(notebook, first, person=ALICE) == Undone(
            notes=(note_id,), refused=(), again=False
        )
        assert await notes.text(note_id) == texts.pop()


async def test_what_was_undone_stays_so_until_a_calibrate_names_the_notes_number(
    notes: Notes, history: History, notebook: NotebookId, store: Store
) -> None:
    pinned, other = await notes.add("a"), await notes.add("a", "b")
    before = await notes.text(pinned)
    await notes.calibrate(pinned)
    after = await notes.text(pinned)
    await history.undo(notebook, pinned, person=ALICE)
    await notes.calibrate(pinned, other)
    assert await notes.text(pinned) == before, "a range, and another note's number, pass it over"
    assert (await notes.text(other)).count("dn=") == 2
    await notes.calibrate(pinned, named=True)
    assert await notes.text(pinned) == after
    assert not await store.read(lambda tx: tx.notes.pinned(notebook, [torrent("a")]))


async def test_an_undo_that_was_taken_back_pins_nothing(
    notes: Notes, history: History, notebook: NotebookId, store: Store
) -> None:
    note_id = await notes.add("a")
    await notes.calibrate(note_id)
    await history.undo(notebook, note_id, person=ALICE)
    assert await store.read(lambda tx: tx.notes.pinned(notebook, [torrent("a")])) == {(note_id, torrent("a"))}
    await history.undo(notebook, note_id, person=ALICE)
    assert not await store.read(lambda tx: tx.notes.pinned(notebook, [torrent("a")]))


async def test_an_undo_of_a_version_that_is_no_longer_there_is_refused(
    notes: Notes, history: History, notebook: NotebookId
) -> None:
    note_id = await notes.add("a")
    before = await notes.text(note_id)
    await notes.calibrate(note_id)
    await history.undo(notebook, note_id, person=ALICE, expected=2)
    with pytest.raises(NoteChanged):  # pressed twice: it would take the undo back
        await history.undo(notebook, note_id, person=ALICE, expected=2)
    assert await notes.text(note_id) == before


async def test_an_undo_that_comes_twice_is_done_once(notes: Notes, history: History, notebook: NotebookId) -> None:
    note_id = await notes.add("a")
    before = await notes.text(note_id)
    await notes.calibrate(note_id)
    answers = [await history.undo(notebook, note_id, person=ALICE, request_key="once") for _ in range(3)]
    assert answers == [Undone(notes=(note_id,), refused=(), again=False)] * 3
    assert await notes.text(note_id) == before


@pytest.mark.parametrize("asked", [torrent("a"), TorrentId(torrent("a").v1)])
async def test_a_deleted_note_is_passed_over_and_comes_back_as_it_was(
    asked: TorrentId, notes: Notes, notebook: NotebookId, store: Store
) -> None:
    note_id = await notes.add("a")
    before = await notes.text(note_id)
    await store.write(lambda tx: tx.notes.delete(note_id, 10.0))
    assert await store.read(lambda tx: tx.notes.get(notebook, note_id)) is None
    assert await store.read(lambda tx: tx.notes.having(notebook, [asked])) == {}
    other = await notes.add("a")
    await notes.calibrate(other)
    assert not await store.write(lambda tx: tx.notes.restore(notebook, note_id, 11.0))
    assert await store.write(lambda tx: tx.notes.restore(notebook, note_id, 10.0))
    assert await notes.text(note_id) == before
    await store.write(lambda tx: tx.notes.delete(note_id, 10.0))
    await store.write(lambda tx: tx.notes.purge(10.5))
    assert not await store.write(lambda tx: tx.notes.restore(notebook, note_id, 0.0))


@pytest.mark.parametrize("old", ["Big+Buck+Bunny", "Big%20Buck%20Bunny&dn=Ad", "Big%20buck%20bunny"])
async def test_what_was_undone_stays_so_though_the_old_name_reads_the_same(
    old: str, notes: Notes, history: History, notebook: NotebookId
) -> None:
    notes.engine.knows("d", "Big Buck Bunny")
    note_id = await notes.add("d")
    await notes.edit(note_id, before := f"{link('d')}&dn={old}")
    other = await notes.add("d")
    task_id = await notes.calibrate(note_id, other)
    assert await notes.text(note_id) == f"{link('d')}&dn=Big%20Buck%20Bunny"
    await history.undo_task(notebook, task_id, person=ALICE)
    await notes.calibrate(await notes.add("d"), named=True)
    assert await notes.text(note_id) == before

"""An old name that claimed something else is shown beside the new one, and kept by a press."""

import pytest

from services.calibration.manager import AsyncCalibrationManager
from services.errors import AllUndone, CannotChoose, EditedSince, NothingToUndo, TaskNotFound, WrittenSince
from services.notebook.history import History
from services.notebook.note import Cause, Change
from services.store.store import Store
from services.torrents import NotebookId, TaskId
from tests.fake_clock import FakeClock
from tests.unit.conftest import Run
from tests.unit.fakes import FakeEngine, torrent
from tests.unit.name_world import ALICE, BOB, World, guessed, labels, link


@pytest.fixture
def world(store: Store, notebook: NotebookId, clock: FakeClock, engine: FakeEngine) -> World:
    engine.knows("film", "The Matrix (1999)")
    engine.knows("other", "Other.iso")
    for number in range(6):
        engine.knows(f"guess {number}", guessed(f"guess {number}"))
    return World(store, notebook, clock, engine)


async def test_an_old_name_that_claimed_something_else_is_shown_beside_the_new_one_and_can_be_kept(
    world: World, run: Run, store: Store
) -> None:
    async with run() as manager:
        note, other = await world.add(link("film", "Inception"), "film"), await world.add(link("film"), "film")
        task_id = await world.calibrate(manager, note)
        shown = await world.shown(manager, task_id)
        assert "was: Inception → now: The Matrix (1999)" in shown.html
        assert labels(shown) == ["Keep old", "Undo"]
        for key in ("one", "one", "two"):  # a press too many takes nothing back again
            await manager.keep_old_name((task_id, 0), notebook=world.notebook, asked_by=BOB, request_key=key)
        assert await world.text(note) == link("film", "Inception")
        assert await world.text(other) == link("film")
        shown = await world.shown(manager, task_id)
        assert "The old name was kept: Inception" in shown.html
        assert "Undone in" not in shown.html
        assert "Corrected" not in shown.html
        assert labels(shown) == []
        with pytest.raises(AllUndone) as refused:
            await world.calibrate(manager, note, named=False)
        assert refused.value.parameters == {"number": note}
        assert await world.text(note) == link("film", "Inception")
        revisions = await store.read(lambda tx: tx.notes.revisions(note))
        assert [(one.change.cause, one.change.person) for one in revisions] == [
            ("command", ALICE),
            (Cause.KEPT_ALL, BOB),
        ]
        await world.calibrate(manager, note)
        assert await world.text(note) == link("film", "The%20Matrix%20%281999%29")


@pytest.mark.parametrize("old", ["18", "", "The%20Matrix", "@channel"])
async def test_a_name_that_claimed_nothing_else_is_not_asked_about(world: World, run: Run, old: str) -> None:
    async with run() as manager:
        note = await world.add(link("film", old), "film")
        task_id = await world.calibrate(manager, note)
        shown = await world.shown(manager, task_id)
        assert "was:" not in shown.html
        assert labels(shown) == ["Undo"]
        with pytest.raises(CannotChoose):
            await manager.keep_old_name((task_id, 0), notebook=world.notebook, asked_by=BOB)
        assert "Matrix" in await world.text(note)


async def test_an_old_name_is_not_kept_over_what_somebody_edited_since(world: World, run: Run, store: Store) -> None:
    async with run() as manager:
        note = await world.add(link("film", "Inception"), "film")
        task_id = await world.calibrate(manager, note)
        change = Change(cause=Cause.EDIT, person=BOB, task_id=None, at=2.0)
        at = await world.note(note)
        assert await store.write(lambda tx: tx.notes.replace_text(at, "edited", change))
        with pytest.raises(EditedSince):
            await manager.keep_old_name((task_id, 0), notebook=world.notebook, asked_by=BOB)
        assert await world.text(note) == "edited"
        shown = await world.shown(manager, task_id)
        assert "Corrected" not in shown.html
        assert "was: " not in shown.html
        assert labels(shown) == []


async def test_an_old_name_in_a_note_that_was_deleted_is_not_asked_about_until_it_is_back(
    world: World, run: Run, store: Store
) -> None:
    async with run() as manager:
        note = await world.add(link("film", "Inception"), "film")
        task_id = await world.calibrate(manager, note)
        await store.write(lambda tx: tx.notes.delete(note, 1.0))
        assert labels(await world.shown(manager, task_id)) == []
        await store.write(lambda tx: tx.notes.restore(world.notebook, note, 0.0))
        assert labels(await world.shown(manager, task_id)) == ["Keep old", "Undo"]


async def test_of_several_torrents_the_old_name_of_each_is_kept_by_itself(
    world: World, run: Run, store: Store, clock: FakeClock, engine: FakeEngine
) -> None:
    engine.knows("last", "The Last")
    async with run() as manager:
        text = (
            f"{link('other', 'x')} {link('film', 'Inception')} {link('last', 'A raw name')}&tr=x {link('film', '18')}"
        )
        note = await world.add(text, "other", "film", "last")
        task_id = await world.calibrate(manager, note)
        after = await world.text(note)
        shown = await world.shown(manager, task_id)
        assert "was: Inception → now: The Matrix (1999)" in shown.html
        assert [one.partition(": ")[2] for one in sorted(labels(shown)) if "Keep" in one] == ["A raw name", "Inception"]
        await manager.keep_old_name((task_id, 1), notebook=world.notebook, asked_by=BOB)
        kept = after.replace("The%20Matrix%20%281999%29", "Inception", 1).replace("The%20Matrix%20%281999%29", "18")
        assert await world.text(note) == kept
        shown = await world.shown(manager, task_id)
        assert "1 note corrected." in shown.html
        assert "Undone in" not in shown.html
        assert labels(shown) == ["Keep old: A raw name", "Undo"]
        assert await store.read(lambda tx: tx.notes.pinned(world.notebook, [torrent("film"), torrent("last")])) == {
            (note, torrent("film"))
        }
        history = History(store, clock, lambda _: None)
        for expected in (text, kept, text):  # the others are undone, and written again
            await history.undo(world.notebook, note, person=ALICE)
            assert await world.text(note) == expected
        with pytest.raises(TaskNotFound):
            await manager.keep_old_name((task_id, 1), notebook=NotebookId(world.notebook + 1), asked_by=BOB)


async def test_a_note_in_which_all_was_undone_is_not_named_among_those_of_a_range(
    world: World, run: Run, store: Store, clock: FakeClock
) -> None:
    async with run() as manager:
        notes = [await world.add(link(word), word) for word in ("film", "other")]
        await world.calibrate(manager, *notes)
        await History(store, clock, lambda _: None).undo(world.notebook, notes[0], person=ALICE)
        task_id = await world.calibrate(manager, *notes, named=False)
        assert await world.text(notes[0]) == link("film")
        assert f" · #{notes[1]} · " in (await world.shown(manager, task_id)).html
        assert f"#{notes[0]}" not in (await world.shown(manager, task_id)).html


async def test_of_several_old_names_that_of_the_note_that_was_asked_for_is_shown(world: World, run: Run) -> None:
    async with run() as manager:
        await world.add(link("film", "Else"), "film")
        note = await world.add(link("film", "Inception"), "film")
        task_id = await world.calibrate(manager, note)
        assert "was: Inception → now: The Matrix (1999)" in (await world.shown(manager, task_id)).html


async def test_an_old_name_is_told_of_the_notes_that_had_it_alone(
    world: World, run: Run, store: Store, clock: FakeClock
) -> None:
    async with run() as manager:
        note = await world.add(link("film", "Inception"), "film")
        other = await world.add(link("film", "18"), "film")
        task_id = await world.calibrate(manager, note)
        await History(store, clock, lambda _: None).undo(world.notebook, note, person=ALICE)
        shown = await world.shown(manager, task_id)
        assert f"Corrected: #{other}" in shown.html
        assert "was: " not in shown.html
        assert labels(shown) == ["Undo"]


@pytest.mark.parametrize("undone", [0, 1])
async def test_an_old_name_may_be_kept_while_the_new_one_stands_in_a_note_that_had_it(
    world: World, run: Run, store: Store, clock: FakeClock, undone: int
) -> None:
    async with run() as manager:
        notes = [await world.add(link("film", "Inception"), "film") for _ in range(2)]
        task_id = await world.calibrate(manager, *notes)
        await History(store, clock, lambda _: None).undo(world.notebook, notes[undone], person=ALICE)
        shown = await world.shown(manager, task_id)
        assert "was: Inception → now: The Matrix (1999)" in shown.html
        assert labels(shown) == ["Keep old", "Undo"]


async def test_an_old_name_that_is_typed_over_was_not_kept(
    world: World, run: Run, store: Store, clock: FakeClock
) -> None:
    async with run() as manager:
        note = await world.add(link("film", "Inception"), "film")
        task_id = await world.calibrate(manager, note)
        await manager.keep_old_name((task_id, 0), notebook=world.notebook, asked_by=BOB)
        await world.edit(note, f"see {link('film', 'Inception')}", ALICE)
        assert "The old name was kept: Inception" in (await world.shown(manager, task_id)).html
        await world.edit(note, link("film", "Mine"), ALICE)
        assert "The old name was kept" not in (await world.shown(manager, task_id)).html


async def test_each_note_is_judged_by_itself_when_an_old_name_is_kept(world: World, run: Run, store: Store) -> None:
    async with run() as manager:
        notes = [await world.add(link("film", name), "film") for name in ("Inception", "Inception", "Else")]
        task_id = await world.calibrate(manager, *notes)
        at = await world.note(notes[0])
        change = Change(cause=Cause.EDIT, person=BOB, task_id=None, at=2.0)
        assert await store.write(lambda tx: tx.notes.replace_text(at, "edited", change))
        await manager.keep_old_name((task_id, 0), notebook=world.notebook, asked_by=BOB)
        assert [await world.text(one) for one in notes] == ["edited", link("film", "Inception"), link("film", "Else")]


async def test_two_old_names_of_one_note_are_kept_one_after_the_other(world: World, run: Run) -> None:
    async with run() as manager:
        text = f"{link('film', 'Inception')} {link('film', '18')} {link('other', 'Else')}, {link('film')}"
        note = await world.add(text, "film", "other")
        task_id = await world.calibrate(manager, note)
        assert "dn=Other.iso" in await world.text(note)
        for position in (0, 1):
            await manager.keep_old_name((task_id, position), notebook=world.notebook, asked_by=BOB)
        assert await world.text(note) == text
        shown = await world.shown(manager, task_id)
        assert shown.html.count("The old name was kept: ") == 2
        assert "corrected" not in shown.html
        assert labels(shown) == []


async def test_an_old_name_that_was_kept_is_written_over_again_by_an_undo_of_its_note_and_the_card_says_so(
    world: World, run: Run, store: Store, clock: FakeClock
) -> None:
    async with run() as manager:
        history = History(store, clock, lambda _: None)
        note = await world.add(link("film", "Inception"), "film")
        task_id = await world.calibrate(manager, note)
        await manager.keep_old_name((task_id, 0), notebook=world.notebook, asked_by=BOB)
        for again in (False, True):
            with pytest.raises(NothingToUndo):
                await history.undo_task(world.notebook, task_id, person=BOB, again=again)
        await history.undo(world.notebook, note, person=BOB)
        assert "Matrix" in await world.text(note)
        shown = await world.shown(manager, task_id)
        assert "kept" not in shown.html
        assert f"Corrected: #{note}" in shown.html
        assert labels(shown) == ["Keep old", "Undo"]


async def test_a_task_that_was_undone_as_a_whole_asks_about_no_old_name(
    world: World, run: Run, store: Store, clock: FakeClock
) -> None:
    async with run() as manager:
        history = History(store, clock, lambda _: None)
        for text in (link("film", "Inception"), f"{link('film', 'Inception')} {link('other', 'Else')}"):
            note = await world.add(text, "film", "other")
            task_id = await world.calibrate(manager, note)
            await history.undo_task(world.notebook, task_id, person=BOB)
            assert await world.text(note) == text
            shown = await world.shown(manager, task_id)
            assert "Undone in 1 note." in shown.html
            assert "was: " not in shown.html
            assert "old name was kept" not in shown.html
            assert labels(shown) == ["Write again"]


async def test_the_undo_of_a_task_after_an_old_name_was_kept_is_taken_back_without_it(
    world: World, run: Run, store: Store, clock: FakeClock
) -> None:
    async with run() as manager:
        history = History(store, clock, lambda _: None)
        texts = [f"{link('film', 'Inception')} {link('other', 'Else')}", link("film", "Inception"), link("other")]
        notes = [await world.add(text, "film", "other") for text in texts]
        task_id = await world.calibrate(manager, *notes)
        await manager.keep_old_name((task_id, 0), notebook=world.notebook, asked_by=BOB)
        kept = [await world.text(one) for one in notes]
        assert kept == [text.replace("Else", "Other.iso") for text in texts[:2]] + [link("other", "Other.iso")]
        shown = await world.shown(manager, task_id)
        assert "2 notes corrected." in shown.html
        assert "Undone in" not in shown.html
        undone = await history.undo_task(world.notebook, task_id, person=BOB)
        assert (undone.notes, undone.again) == ((notes[0], notes[2]), False)
        assert [await world.text(one) for one in notes] == texts
        shown = await world.shown(manager, task_id)
        assert "Undone in 2 notes." in shown.html
        assert labels(shown) == ["Write again"]
        undone = await history.undo_task(world.notebook, task_id, person=BOB, again=True)
        assert (undone.notes, undone.again) == ((notes[0], notes[2]), True)
        assert [await world.text(one) for one in notes] == kept
        shown = await world.shown(manager, task_id)
        assert "The old name was kept: Inception" in shown.html
        assert "was: Else → now: Other.iso" in shown.html
        assert labels(shown) == ["Keep old: Else", "Undo"]


async def test_a_note_that_was_undone_apart_is_told_beside_those_that_stand(
    world: World, run: Run, store: Store, clock: FakeClock
) -> None:
    async with run() as manager:
        history = History(store, clock, lambda _: None)
        notes = [await world.add(text, "film", "other") for text in (link("film"), link("film"), link("other"))]
        batch = await world.calibrate(manager, *notes[1:])
        await history.undo(world.notebook, notes[0], person=BOB)
        shown = await world.shown(manager, batch)
        assert "2 notes corrected.\nUndone in 1 note." in shown.html
        assert labels(shown) == ["Undo"]


async def test_the_card_of_one_torrent_names_the_notes_in_which_its_name_stands(
    world: World, run: Run, store: Store, clock: FakeClock
) -> None:
    async with run() as manager:
        history = History(store, clock, lambda _: None)
        notes = [await world.add(link("film"), "film") for _ in range(2)]
        task_id = await world.calibrate(manager, notes[0])
        await history.undo(world.notebook, notes[0], person=BOB)
        shown = await world.shown(manager, task_id)
        assert f"Corrected: #{notes[1]}\nUndone in 1 note." in shown.html
        assert labels(shown) == ["Undo"]
        await history.undo(world.notebook, notes[1], person=BOB)
        shown = await world.shown(manager, task_id)
        assert "Corrected" not in shown.html
        assert "Undone in 2 notes." in shown.html
        assert labels(shown) == [], "each note was undone by itself, and is written again by itself"


@pytest.mark.parametrize("several", [False, True])
async def test_a_note_that_was_edited_since_is_not_among_those_that_a_card_says_are_corrected(
    world: World, run: Run, store: Store, *, several: bool
) -> None:
    async with run() as manager:
        words = ["film", "other"] if several else ["film"]
        notes = [await world.add(" ".join(map(link, words)), *words) for _ in range(2)]
        task_id = await world.calibrate(manager, *notes)
        whole = f"Corrected: #{notes[0]}, #{notes[1]}" if not several else "2 notes corrected."
        assert whole in (await world.shown(manager, task_id)).html
        for left in (f"Corrected: #{notes[1]}" if not several else "1 note corrected.", None):
            note = notes[0] if left else notes[1]
            await world.edit(note, f"My {await world.text(note)}", BOB)
            shown = await world.shown(manager, task_id)
            assert left in shown.html.splitlines() if left else "orrected" not in shown.html
            assert "to correct" not in shown.html


async def test_an_old_name_is_not_kept_over_what_another_task_has_written_since(world: World, run: Run) -> None:
    async with run() as manager:
        note = await world.add(f"{link('film', 'Inception')} {link('late', 'Else')}", "film", "late")
        first = await world.calibrate(manager, note)
        world.engine.knows("late", "Late.iso")
        await manager.cancel_task(first, notebook=world.notebook, asked_by=ALICE)
        await world.calibrate(manager, note)
        text = await world.text(note)
        assert "Late.iso" in text
        with pytest.raises(WrittenSince):
            await manager.keep_old_name((first, 0), notebook=world.notebook, asked_by=BOB)
        assert await world.text(note) == text
        assert "Keep old" not in " ".join(labels(await world.shown(manager, first)))


async def test_every_old_name_of_a_batch_can_be_kept_one_after_another(world: World, run: Run) -> None:
    words = [f"word {number}" for number in range(12)]
    for word in words:
        world.engine.knows(word, f"{word}.iso")
    async with run() as manager:
        notes = [await world.add(link(word, "Inception"), word) for word in words]
        task_id = await world.calibrate(manager, *notes)
        for left in range(12, 0, -1):
            kept = [label for label in labels(await world.shown(manager, task_id)) if label.startswith("Keep old")]
            assert len(kept) == min(left, 5)
            snapshot = await manager.get_task_status(task_id)
            assert snapshot is not None
            await manager.keep_old_name(snapshot.undecided[0].key, notebook=world.notebook, asked_by=BOB)
        assert not any(label.startswith("Keep old") for label in labels(await world.shown(manager, task_id)))
        for word, note in zip(words, notes, strict=True):
            assert await world.text(note) == link(word, "Inception")


async def test_every_old_name_of_a_batch_is_told_though_many_names_are_guesses(world: World, run: Run) -> None:
    words = [f"word {number}" for number in range(12)]
    for word in words:
        world.engine.knows(word, f"{word}.iso")
    guesses = [f"guess {number}" for number in range(6)]
    async with run() as manager:
        notes = [await world.add(link(word, f"Old-{word[5:]}"), word) for word in words]
        notes += [await world.add(link(word), word) for word in guesses]
        task_id = await world.calibrate(manager, *notes)
        shown = await world.shown(manager, task_id)
        told = shown.html.count("was: ")
        assert told >= 5
        assert "More old names were replaced." in shown.html
        assert "Show old names" in labels(shown)
        assert await old_names(manager, task_id) == [f"Old-{word[5:]}" for word in words]
        await world.edit(notes[0], "mine", BOB)
        assert await old_names(manager, task_id) == [f"Old-{word[5:]}" for word in words[1:]]


@pytest.mark.parametrize("undone", [True, False])
async def test_old_names_behind_many_that_came_back_can_still_be_kept(
    undone: bool, world: World, run: Run, store: Store, clock: FakeClock
) -> None:
    many, few = [f"big {number}" for number in range(70)], [f"small {number}" for number in range(8)]
    for word in (*many, *few):
        world.engine.knows(word, f"{word}.iso")
    async with run() as manager:
        first = await world.add("\n".join(link(word, f"Old-{word[4:]}") for word in many), *many)
        second = await world.add("\n".join(link(word) for word in many), *many)
        third = await world.add("\n".join(link(word, f"Mine-{word[6:]}") for word in few), *few)
        task_id = await world.calibrate(manager, first, second, third)
        await clock.advance(30)
        if undone:
            await History(store, clock, manager.note_changed).undo(world.notebook, first, person=BOB)
        else:
            await world.edit(first, "gone", BOB)
        assert await old_names(manager, task_id) == [f"Mine-{number}" for number in range(8)]
        assert "Show old names" in labels(await world.shown(manager, task_id))


async def old_names(manager: AsyncCalibrationManager, task_id: TaskId) -> list[str | None]:
    """Return the old names that can be kept, a few after another."""
    names: list[str | None] = []
    place: int | None = 0
    while place is not None:
        found = await manager.list_replaced(task_id, place=place)
        names += [item.was for item in found.items]
        place = found.following
    return names


async def test_the_next_old_names_are_those_after_the_ones_that_were_shown_whatever_was_kept_since(
    world: World, run: Run
) -> None:
    words = [f"word {number}" for number in range(13)]
    for word in words:
        world.engine.knows(word, f"{word}.iso")
    async with run() as manager:
        notes = [await world.add(link(word, f"Old-{word[5:]}"), word) for word in words]
        task_id = await world.calibrate(manager, *notes)
        first = await manager.list_replaced(task_id)
        for item in first.items[:3]:
            await manager.keep_old_name(item.key, notebook=world.notebook, asked_by=BOB)
        assert first.following is not None
        second = await manager.list_replaced(task_id, place=first.following)
        assert [item.was for item in second.items] == [f"Old-{number}" for number in range(5, 10)]
        assert second.following is not None
        last = await manager.list_replaced(task_id, place=second.following)
        assert ([item.was for item in last.items], last.following) == (["Old-10", "Old-11", "Old-12"], None)
        assert last.before == 5
        assert second.before == 3, "the first that is left before it"
        assert (await manager.list_replaced(task_id, place=3)).before is None


async def test_what_was_undone_in_notes_hides_no_old_name_that_can_still_be_kept(
    world: World, run: Run, store: Store, clock: FakeClock
) -> None:
    words = [f"word {number}" for number in range(16)]
    for word in words:
        world.engine.knows(word, f"{word}.iso")
    async with run() as manager:
        named = [await world.add(link(word, f"Old-{word[5:]}"), word) for word in words]
        bare = [await world.add(link(word), word) for word in words]
        task_id = await world.calibrate(manager, *named, *bare)
        history = History(store, clock, manager.note_changed)
        for note in named[:12]:
            await history.undo(world.notebook, note, person=BOB)
        assert await old_names(manager, task_id) == [f"Old-{word[5:]}" for word in words[12:]]
        shown = await world.shown(manager, task_id)
        assert shown.html.count("was: ") == 4
        assert "More old names" not in shown.html
        for note in named[12:]:
            await history.undo(world.notebook, note, person=BOB)
        shown = await world.shown(manager, task_id)
        assert "Show old names" not in labels(shown)

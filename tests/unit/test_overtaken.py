"""A claim that somebody let be written, and what is verified later: it is offered to all notes that carry the claim."""

from collections.abc import Collection
from unittest.mock import Mock

import pytest

from services.calibration.choice import Choice, choices
from services.calibration.manager import AsyncCalibrationManager
from services.calibration.task import HashRequest, NoteRequest, State
from services.errors import CannotChoose, NotFound
from services.magnets.parse import find_magnets
from services.notebook.edits import Edits
from services.notebook.history import History
from services.notebook.note import Uncalibrated
from services.notebook.notebook import Notebook
from services.notebook.writers import Writers
from services.store.store import Store
from services.torrents import Hints, InfoHash, Name, NotebookId, NoteId, TaskId, TorrentId
from tests.fake_clock import FakeClock
from tests.unit.conftest import Run
from tests.unit.fakes import FakeEngine, info_of, torrent
from tests.unit.name_world import ALICE, BOB, World, guessed, labels, link

CLAIM, TRUE = "claimed.mkv", "true.mkv"
GUESS = guessed("claim")
WORD = choices(Name(text=CLAIM, raw=CLAIM.encode()), verified=False)[0].word
CLAIMED_GUESS = guessed("claim", verified=False)
OFFER = "The name in #1 was never verified. Press this one to write it there."


@pytest.fixture
def world(store: Store, notebook: NotebookId, clock: FakeClock, engine: FakeEngine) -> World:
    engine.knows("claim", info_of(torrent("claim"), CLAIM, verified=False))
    return World(store, notebook, clock, engine)


async def chosen(world: World, manager: AsyncCalibrationManager) -> tuple[NoteId, TaskId]:
    """Let the claim be written into a note by a press; return the note, and the task whose card was pressed."""
    note = await world.add(link("claim", "18"), "claim")
    task_id = await world.calibrate(manager, note)
    await world.choose(manager, task_id, WORD)
    assert await world.text(note) == link("claim", CLAIM)
    return note, task_id


async def looked_for(world: World, manager: AsyncCalibrationManager, engine: FakeEngine) -> tuple[NoteId, TaskId]:
    """Let the claim be chosen, and looked for once more, for twenty seconds, for a note; return that, and its task."""
    await chosen(world, manager)
    engine.delay = 20
    note = await world.add(link("claim", "18"), "claim")
    return note, await world.calibrate(manager, note)


async def of_hash(world: World, manager: AsyncCalibrationManager, notebook: NotebookId | None = None) -> TaskId:
    """Look the torrent up by its hash, which writes nothing."""
    task_id = await manager.submit_task(
        request=HashRequest(((torrent("claim"), Hints()),)), notebook=notebook or world.notebook, asked_by=ALICE,
        cause="command",
    )  # fmt: skip
    await world.clock.advance(5)
    return task_id


async def edited(edits: Edits, world: World, note: NoteId, text: str, where: str) -> None:
    """Have Alice change *note*, which is from a message of hers, on the page or in that message."""
    if where == "on the page":
        there = (await world.note(note)).version
        await edits.replace(text, notebook=world.notebook, note_id=note, expected=there, person=ALICE)
    else:
        await edits.apply(text, notebook=world.notebook, person=ALICE, origin="tg:1:0#7")


async def other_notebook(world: World) -> NotebookId:
    return await world.store.write(lambda tx: tx.notebooks.open("tg:2", 1.0))


async def test_a_verified_name_is_offered_to_the_notes_that_carry_a_claim_and_written_on_a_press(
    world: World, run: Run, engine: FakeEngine, store: Store, clock: FakeClock
) -> None:
    async with run() as manager:
        note, first = await chosen(world, manager)
        engine.knows("claim", info_of(torrent("claim"), TRUE))
        task_id = await of_hash(world, manager)
        assert await world.text(note) == link("claim", CLAIM)
        for one in (task_id, first):
            shown = await world.shown(manager, one)
            assert OFFER in shown.html
            assert TRUE in labels(shown)
            assert "Is this its name" not in shown.html
            assert "Corrected" not in shown.html
        number = manager.number
        for _ in range(2):
            await world.choose(manager, task_id, "utf-8")
            assert await world.text(note) == link("claim", TRUE)
        revisions = await store.read(lambda tx: tx.notes.revisions(note))
        assert [(one.change.cause, one.change.person, one.change.task_id) for one in revisions] == [
            ("chosen", BOB, first), ("chosen", BOB, task_id),
        ]  # fmt: skip
        shown = await world.shown(manager, task_id)
        assert ("Corrected: #1" in shown.html, labels(shown)) == (True, ["Undo"])
        assert {one.task.id for one in (await manager.changes_since(number)).tasks} == {task_id, first}
        assert OFFER not in (await world.shown(manager, first)).html
        await History(store, clock, manager.note_changed).undo_task(world.notebook, task_id, person=BOB)
        assert await world.text(note) == link("claim", CLAIM)
        for one in (task_id, first):
            assert OFFER not in (await world.shown(manager, one)).html, "what was undone is not offered once more"


async def test_the_card_on_which_a_claim_was_chosen_offers_what_another_notebook_had_verified_later(
    world: World, run: Run, engine: FakeEngine
) -> None:
    async with run() as manager:
        note, first = await chosen(world, manager)
        number = manager.number
        engine.knows("claim", info_of(torrent("claim"), TRUE))
        theirs = await of_hash(world, manager, await other_notebook(world))
        assert first in {one.task.id for one in (await manager.changes_since(number)).tasks}
        assert OFFER in (await world.shown(manager, first)).html
        assert OFFER not in (await world.shown(manager, theirs)).html
        await world.choose(manager, first, "utf-8")
        assert await world.text(note) == link("claim", TRUE)


async def test_a_name_is_offered_to_notes_whose_claim_nobody_pressed_and_they_count_as_uncalibrated(
    world: World, run: Run, store: Store, clock: FakeClock
) -> None:
    async def left() -> Collection[NoteId]:
        return await store.read(lambda tx: tx.notes.uncalibrated([note]))

    async with run() as manager:
        note = await world.add(link("claim", "18"), "claim")
        task_id = await world.calibrate(manager, note)
        assert not await left()
        number = manager.number
        await manager.learn(info_of(torrent("claim"), TRUE))
        assert task_id in {one.task.id for one in (await manager.changes_since(number)).tasks}
        assert set(await left()) == {note}
        shown = await world.shown(manager, task_id)
        assert ("stood there already" in shown.html, OFFER in shown.html, labels(shown)) == (False, True, [TRUE])
        await world.choose(manager, task_id, "utf-8")
        assert await world.text(note) == link("claim", TRUE)
        assert not await left()
        shown = await world.shown(manager, task_id)
        assert ("Corrected: #1" in shown.html, labels(shown)) == (True, ["Undo"])
        await History(store, clock, manager.note_changed).undo_task(world.notebook, task_id, person=BOB)
        assert await world.text(note) == link("claim", "18")
        assert OFFER not in (await world.shown(manager, task_id)).html


@pytest.mark.parametrize("how", ["cancelled", "failed"])
async def test_a_name_is_offered_over_a_claim_though_its_note_was_tried_once_more_in_vain(
    world: World, run: Run, how: str
) -> None:
    async with run() as manager:
        note = await world.add(link("claim", "18"), "claim")
        task_id = await world.calibrate(manager, note)
        world.engine.names.clear()
        if how == "failed":
            world.engine.knows("claim", NotFound())
        again = await world.calibrate(manager, note)
        if how == "cancelled":
            await manager.cancel_task(again, notebook=world.notebook, asked_by=ALICE)
        number = manager.number
        await manager.learn(info_of(torrent("claim"), TRUE))
        assert {one.task.id for one in (await manager.changes_since(number)).tasks} == {task_id}
        shown = await world.shown(manager, task_id)
        assert ("stood there" in shown.html, OFFER in shown.html, labels(shown)) == (False, True, [TRUE])
        await world.choose(manager, task_id, "utf-8")
        assert await world.text(note) == link("claim", TRUE)


async def test_a_link_that_was_taken_out_and_put_back_since_is_its_persons_and_no_card_asks_about_the_claim(
    world: World, run: Run, store: Store, clock: FakeClock
) -> None:
    edits = Edits(store, clock, lambda _: None)
    async with run() as manager:
        note = await world.add(link("claim", "18"), "claim")
        task_id = await world.calibrate(manager, note)
        for version, said in enumerate(["nothing", link("claim", "18")], 1):
            await edits.replace(said, notebook=world.notebook, note_id=note, expected=version, person=ALICE)
        number = manager.number
        await manager.learn(info_of(torrent("claim"), TRUE))
        assert {one.task.id for one in (await manager.changes_since(number)).tasks} == {task_id}
        shown = await world.shown(manager, task_id)
        assert (TRUE in shown.html, "stood there" in shown.html, labels(shown)) == (True, False, [])
        assert await store.read(lambda tx: tx.notes.uncalibrated([note])) == {note}


async def test_the_card_of_a_hash_that_no_note_has_tells_what_is_verified_in_the_place_of_a_claim(
    world: World, run: Run
) -> None:
    async with run() as manager:
        task_id = await of_hash(world, manager)
        number = manager.number
        await manager.learn(info_of(torrent("claim"), TRUE))
        assert {one.task.id for one in (await manager.changes_since(number)).tasks} == {task_id}
        assert f"<b>{TRUE}</b>" in (await world.shown(manager, task_id)).html


@pytest.mark.parametrize("meanwhile", ["deleted", "taken out", "written for another"])
async def test_of_a_claim_that_nobody_pressed_it_is_not_said_that_the_verified_name_stood_there(
    world: World, run: Run, store: Store, clock: FakeClock, meanwhile: str
) -> None:
    async with run() as manager:
        note = await world.add(link("claim", "18"), "claim")
        task_id = await world.calibrate(manager, note)
        if meanwhile == "deleted":
            await Notebook(store, clock, manager.note_changed).delete(world.notebook, note)
        elif meanwhile == "taken out":
            await world.edit(note, "nothing", ALICE)
        else:
            world.engine.knows("claim", TRUE)
            await world.calibrate(manager, await world.add(link("claim"), "claim"))
            assert await world.text(note) == link("claim", TRUE)
        await manager.learn(info_of(torrent("claim"), TRUE))
        shown = await world.shown(manager, task_id)
        assert (TRUE in shown.html, "stood there" in shown.html, labels(shown)) == (True, False, [])


@pytest.mark.parametrize("typed", ["typed", CLAIM, None])
async def test_what_was_typed_or_kept_since_nobody_pressed_a_claim_is_offered_nothing(
    world: World, run: Run, typed: str | None
) -> None:
    async with run() as manager:
        note = await world.add(link("claim", "18"), "claim")
        task_id = await world.calibrate(manager, note)
        if typed:
            await world.edit(note, link("claim", typed), ALICE)
        else:
            await world.pin(note, "claim")
        await manager.learn(info_of(torrent("claim"), TRUE))
        assert labels(await world.shown(manager, task_id)) == []
        assert not await world.store.read(lambda tx: tx.notes.uncalibrated([note]))
        await world.choose(manager, task_id, "utf-8")
        assert await world.text(note) == link("claim", typed or "18")


@pytest.mark.parametrize("typed", ["typed", CLAIM])
async def test_what_was_typed_while_a_claim_was_looked_for_is_offered_nothing(
    world: World, run: Run, engine: FakeEngine, typed: str
) -> None:
    engine.delay = 9
    async with run() as manager:
        note = await world.add(link("claim", "18"), "claim")
        task_id = await world.calibrate(manager, note)
        await world.edit(note, link("claim", typed), ALICE)
        await world.clock.advance(9)
        await manager.learn(info_of(torrent("claim"), TRUE))
        shown = await world.shown(manager, task_id)
        assert (f"<b>{TRUE}</b>" in shown.html, labels(shown)) == (True, [])
        await world.choose(manager, task_id, "utf-8")
        assert await world.text(note) == link("claim", typed)


@pytest.mark.parametrize("apart", [True, False])
async def test_what_a_person_typed_is_theirs_though_it_is_what_was_claimed(
    world: World, run: Run, *, apart: bool
) -> None:
    async with run() as manager:
        note, task_id = await chosen(world, manager)
        typed = await world.add(link("claim", "18"), "claim")
        await world.edit(typed, link("claim", CLAIM), ALICE, apart=apart)
        await manager.learn(info_of(torrent("claim"), TRUE))
        for one in (task_id, await of_hash(world, manager)):
            assert OFFER in (await world.shown(manager, one)).html
        await world.choose(manager, task_id, "utf-8")
        assert [await world.text(one) for one in (note, typed)] == [link("claim", TRUE), link("claim", CLAIM)]


async def test_the_name_is_offered_to_no_note_that_nobody_asked_for_and_nobody_wrote_a_claim_into(
    world: World, run: Run
) -> None:
    async with run() as manager:
        note = await world.add(link("claim", "18"), "claim")
        others = [await world.add(link("claim", "mine"), "claim")]
        task_id = await world.calibrate(manager, note)
        await manager.learn(info_of(torrent("claim"), TRUE))
        tasks = [task_id, await of_hash(world, manager)]
        others.append(await world.add(link("claim", "later"), "claim"))
        assert OFFER in (await world.shown(manager, tasks[0])).html
        assert labels(await world.shown(manager, tasks[1])) == []
        for one in tasks:
            await world.choose(manager, one, "utf-8")
        assert await world.text(note) == link("claim", TRUE)
        assert [await world.text(one) for one in others] == [link("claim", "mine"), link("claim", "later")]
        assert labels(await world.shown(manager, tasks[0])) == ["Undo"]


async def test_a_card_whose_task_wrote_nothing_offers_no_note_that_was_added_since(world: World, run: Run) -> None:
    async with run() as manager:
        note, _ = await chosen(world, manager)
        await manager.learn(info_of(torrent("claim"), TRUE))
        first, again = await world.calibrate(manager, note), await world.calibrate(manager, note)
        fresh = await world.add(link("claim", "fresh"), "claim")
        for one in (first, again):
            assert TRUE not in labels(await world.shown(manager, one))
            await world.choose(manager, one, "utf-8")
        assert await world.text(fresh) == link("claim", "fresh")


async def test_a_note_that_nobody_asked_for_stays_uncalibrated_until_a_name_is_written_there(
    world: World, run: Run, store: Store
) -> None:
    async def left() -> Collection[NoteId]:
        return set(await store.read(lambda tx: tx.notes.uncalibrated([NoteId(1), NoteId(2), NoteId(3)])))

    async with run() as manager:
        other = await world.add(f"b {link('claim', '18')}", "claim")
        _, task_id = await chosen(world, manager)
        assert await left() == {other}
        await manager.learn(info_of(torrent("claim"), TRUE))
        await world.choose(manager, task_id, "utf-8")
        assert await left() == {other}
        await world.calibrate(manager, await world.add(link("claim"), "claim"))
        assert (await left(), await world.text(other)) == (set(), f"b {link('claim', TRUE)}")


async def test_a_guess_leaves_the_notes_uncalibrated_that_nobody_asked_for(
    world: World, run: Run, store: Store, engine: FakeEngine
) -> None:
    engine.knows("claim", GUESS)
    async with run() as manager:
        other = await world.add(f"b {link('claim', '18')}", "claim")
        note = await world.add(link("claim", "18"), "claim")
        task_id = await world.calibrate(manager, note)
        await world.choose(manager, task_id, choices(GUESS.name, verified=True)[0].word)
        assert set(await store.read(lambda tx: tx.notes.uncalibrated([note, other]))) == {other}


async def test_of_many_notes_in_which_people_typed_the_claimed_words_none_is_offered(world: World, run: Run) -> None:
    async with run() as manager:
        notes = [await world.add(link("claim", "18"), "claim") for _ in range(6)]
        note, first = await chosen(world, manager)
        await world.clock.advance(1)
        for one in notes:
            await world.edit(one, link("claim", CLAIM), ALICE, apart=True)
        await manager.learn(info_of(torrent("claim"), TRUE))
        assert f"The name in #{note} was never verified." in (await world.shown(manager, first)).html
        await world.choose(manager, first, "utf-8")
        assert await world.text(note) == link("claim", TRUE)
        shown = await world.shown(manager, first)
        assert ("never verified" in shown.html, labels(shown)) == (False, ["Undo"])


async def test_a_chosen_claim_is_written_into_no_note_that_was_not_asked_for(world: World, run: Run) -> None:
    async with run() as manager:
        typed, other = [await world.add(link("claim", "18"), "claim") for _ in range(2)]
        task_id = await world.calibrate(manager, typed)
        await world.edit(typed, link("claim", "mine"), ALICE, apart=True)
        await world.choose(manager, task_id, WORD)
        await world.calibrate(manager, other)
        assert [await world.text(one) for one in (typed, other)] == [link("claim", "mine"), link("claim", CLAIM)]


@pytest.mark.parametrize("pressed", ["before", "on another card", "on its own card", "by themselves"])
async def test_what_somebody_types_while_their_task_runs_stays_whoever_else_presses_the_claim(
    world: World, run: Run, engine: FakeEngine, pressed: str
) -> None:
    async with run() as manager:
        first = await world.calibrate(manager, await world.add(link("claim", "18"), "claim"))
        if pressed == "before":
            await world.choose(manager, first, WORD)
        engine.delay = 20
        note = await world.add(link("claim", "18"), "claim")
        task_id = await world.calibrate(manager, note)
        await world.edit(note, link("claim", "mine"), ALICE, apart=True)
        await world.clock.advance(20)
        if pressed != "before":
            choice = Choice(first if pressed == "on another card" else task_id, 0, WORD)
            person = ALICE if pressed == "by themselves" else BOB
            await manager.choose_name(choice, notebook=world.notebook, asked_by=person)
        stays = pressed != "by themselves"
        assert await world.text(note) == link("claim", "mine" if stays else CLAIM)
        shown = await world.shown(manager, task_id)
        assert ("typed another name: no note was changed." in shown.html) == stays


@pytest.mark.parametrize("own_card", [True, False])
async def test_what_was_typed_stays_though_another_torrent_of_its_task_is_asked_for_again(
    world: World, run: Run, engine: FakeEngine, own_card: bool
) -> None:
    engine.knows("lost", NotFound())
    async with run() as manager:
        first = await world.calibrate(manager, await world.add(link("claim", "18"), "claim"))
        engine.delay = 20
        note = await world.add(f"{link('claim', '18')} {link('lost')}", "claim", "lost")
        task_id = await world.calibrate(manager, note)
        await world.edit(note, f"{link('claim', 'mine')} {link('lost')}", ALICE, apart=True)
        await world.clock.advance(20)
        engine.knows("lost", info_of(torrent("lost"), "found.mkv"))
        await manager.retry_task(task_id, notebook=world.notebook, asked_by=ALICE)
        await world.clock.advance(20)
        await world.choose(manager, task_id if own_card else first, WORD)
        assert await world.text(note) == f"{link('claim', 'mine')} {link('lost', 'found.mkv')}"


async def test_what_is_typed_while_what_was_asked_for_again_waits_for_its_turn_stays(
    world: World, run: Run, engine: FakeEngine
) -> None:
    engine.knows("other", NotFound())
    async with run(max_workers=1) as manager:
        note, task_id = await looked_for(world, manager, engine)
        await manager.cancel_task(task_id, notebook=world.notebook, asked_by=ALICE)
        await world.calibrate(manager, await world.add(link("other"), "other"))
        await manager.retry_task(task_id, notebook=world.notebook, asked_by=ALICE)
        await world.clock.advance(5)
        await world.edit(note, link("claim", "mine"), ALICE, apart=True)
        await world.clock.advance(10)
        await world.clock.advance(20)
        snapshot = await manager.get_task_status(task_id)
        assert snapshot is not None
        assert (snapshot.task.state, await world.text(note)) == (State.COMPLETED, link("claim", "mine"))


async def test_names_that_are_typed_the_other_way_round_are_typed(world: World, run: Run, engine: FakeEngine) -> None:
    async with run() as manager:
        await chosen(world, manager)
        engine.delay = 20
        note = await world.add(f"{link('claim', 'a')} {link('claim', 'b')}", "claim")
        await world.calibrate(manager, note)
        turned = f"{link('claim', 'b')} {link('claim', 'a')}"
        await world.edit(note, turned, ALICE, apart=True)
        await world.clock.advance(20)
        assert await world.text(note) == turned


@pytest.mark.parametrize("beside", [(), ("18",)])
@pytest.mark.parametrize("how", ["chosen before", "chosen by another on another card"])
async def test_who_types_the_claim_itself_while_it_is_looked_for_has_typed_no_other_name(
    world: World, run: Run, engine: FakeEngine, how: str, beside: Collection[str]
) -> None:
    def text(*names: str) -> str:
        return " ".join(link("claim", one) for one in names)

    async with run() as manager:
        if how == "chosen before":
            await chosen(world, manager)
        pressed = await world.calibrate(manager, await world.add(link("claim", "18"), "claim"))
        engine.delay = 20
        note = await world.add(text("18", *beside), "claim")
        task_id = await world.calibrate(manager, note)
        await world.edit(note, text(CLAIM, *beside), ALICE, apart=True)
        await world.clock.advance(20)
        if how != "chosen before":
            await world.choose(manager, pressed, WORD)
        assert await world.text(note) == text(CLAIM, *(CLAIM for _ in beside))
        shown = (await world.shown(manager, task_id)).html
        assert ("typed another name" in shown, "stood there already" in shown) == (False, not beside)


async def test_over_what_was_typed_before_it_was_asked_for_again_what_is_verified_is_offered(
    world: World, run: Run, engine: FakeEngine
) -> None:
    engine.knows("claim", NotFound())
    async with run() as manager:
        note = await world.add(link("claim", "18"), "claim")
        task_id = await world.calibrate(manager, note)
        await world.edit(note, link("claim", "mine"), ALICE, apart=True)
        await world.clock.advance(1)
        engine.knows("claim", info_of(torrent("claim"), CLAIM, verified=False))
        await manager.retry_task(task_id, notebook=world.notebook, asked_by=ALICE)
        await world.clock.advance(5)
        await manager.learn(info_of(torrent("claim"), TRUE))
        assert OFFER in (await world.shown(manager, task_id)).html
        await world.choose(manager, task_id, "utf-8")
        assert await world.text(note) == link("claim", TRUE)


@pytest.mark.parametrize("how", ["another person asks", "the name goes", "words are added", "it is asked for again"])
async def test_a_chosen_claim_is_written_where_it_is_asked_for_after_an_edit_or_none_typed_a_name(
    world: World, run: Run, engine: FakeEngine, how: str
) -> None:
    async with run() as manager:
        note, task_id = await looked_for(world, manager, engine)
        if how == "it is asked for again":
            await manager.cancel_task(task_id, notebook=world.notebook, asked_by=ALICE)
        text = {"the name goes": link("claim"), "words are added": link("claim", "18") + " words"}
        await world.edit(note, text.get(how, link("claim", "mine")), ALICE, apart=True)
        await world.clock.advance(1)
        if how == "it is asked for again":
            await manager.retry_task(task_id, notebook=world.notebook, asked_by=ALICE)
        if how == "another person asks":
            request = NoteRequest((note,), named=(note,))
            await manager.submit_task(request=request, notebook=world.notebook, asked_by=BOB, cause="command")
        await world.clock.advance(30)
        assert find_magnets(await world.text(note))[0].name == CLAIM


@pytest.fixture
def writers_read(monkeypatch: pytest.MonkeyPatch) -> Mock:
    """Return what counts how often all that a note was is read."""
    read = Mock(side_effect=Writers)
    monkeypatch.setattr("services.notebook.writers.Writers", read)
    return read


async def test_of_what_a_long_note_was_little_is_read_where_nobody_typed_a_name(
    world: World, run: Run, writers_read: Mock
) -> None:
    async with run() as manager:
        note = await world.add(link("claim", "18"), "claim")
        task_id = await world.calibrate(manager, note)
        await world.edit(note, link("claim", "18") + " words", ALICE, apart=True)
        await world.choose(manager, task_id, WORD)
        assert await world.text(note) == link("claim", CLAIM) + " words"
        assert writers_read.call_count == 0


async def test_what_was_typed_in_a_note_is_read_once_a_press_for_however_many_tasks(
    world: World, run: Run, writers_read: Mock
) -> None:
    async with run() as manager:
        note = await world.add(link("claim", "18"), "claim")
        tasks = [await world.calibrate(manager, note) for _ in range(3)]
        await world.edit(note, link("claim", "mine"), ALICE, apart=True)
        await world.choose(manager, tasks[0], WORD)
        assert await world.text(note) == link("claim", "mine")
        assert writers_read.call_count == 1


async def test_what_an_undo_brings_back_that_people_typed_is_theirs(world: World, store: Store) -> None:
    note = await world.add(link("claim", "18"), "claim", origin="tg:1#1")
    await store.write(lambda tx: tx.names.put([info_of(torrent("claim"), TRUE)], 1.0))
    edits = Edits(store, world.clock, lambda _: None)
    history = History(store, world.clock, lambda _: None)
    await edits.replace(link("claim", "mine"), notebook=world.notebook, note_id=note, expected=1, person=ALICE)
    await edits.apply(link("claim", "18") + " words", notebook=world.notebook, person=ALICE, origin="tg:1#1")
    for name in ("mine", "18", "mine"):
        assert await world.text(note) == link("claim", name) + " words"
        await history.undo(world.notebook, note, person=BOB)


async def test_of_a_note_in_which_somebody_typed_a_name_it_is_not_said_that_the_true_one_stood_there(
    world: World, run: Run
) -> None:
    async with run() as manager:
        note = await world.add(link("claim", "18"), "claim")
        task_id = await world.calibrate(manager, note)
        await world.clock.advance(1)
        await world.edit(note, link("claim", "mine"), ALICE, apart=True)
        await manager.learn(info_of(torrent("claim"), TRUE))
        shown = (await world.shown(manager, task_id)).html
        assert (TRUE in shown, "stood there" in shown, "never verified" in shown) == (True, False, False)


async def test_a_note_in_which_the_true_name_was_undone_is_not_said_to_be_corrected(
    world: World, run: Run, store: Store, clock: FakeClock
) -> None:
    async with run() as manager:
        note, first = await chosen(world, manager)
        await manager.learn(info_of(torrent("claim"), TRUE))
        await world.clock.advance(1)
        last = await world.calibrate(manager, note)
        assert await world.text(note) == link("claim", TRUE)
        await History(store, clock, manager.note_changed).undo_task(world.notebook, last, person=ALICE)
        assert await world.text(note) == link("claim", CLAIM)
        assert "Corrected" not in (await world.shown(manager, first)).html


@pytest.mark.parametrize("one_note", [True, False])
async def test_what_is_written_again_is_the_name_that_was_verified_since_and_no_claim(
    world: World, run: Run, store: Store, clock: FakeClock, *, one_note: bool
) -> None:
    async with run() as manager:
        note, task_id = await chosen(world, manager)
        history = History(store, clock, manager.note_changed)
        await history.undo_task(world.notebook, task_id, person=ALICE)
        await manager.learn(info_of(torrent("claim"), TRUE))
        shown = await world.shown(manager, task_id)
        assert (f"<b>{TRUE}</b>" in shown.html, labels(shown)) == (True, ["Write again"])
        if one_note:
            await history.undo(world.notebook, note, person=ALICE)
        else:
            await history.undo_task(world.notebook, task_id, person=ALICE, again=True)
        assert await world.text(note) == link("claim", TRUE)
        shown = await world.shown(manager, task_id)
        assert ("Corrected: #1" in shown.html, labels(shown)) == (True, ["Undo"])
        await history.undo_task(world.notebook, task_id, person=ALICE)
        assert await world.text(note) == link("claim", "18")


@pytest.mark.parametrize("name", ["x" * 1001, " ", None])
async def test_what_was_verified_since_and_cannot_stand_in_a_note_by_itself_is_not_written_again_for_a_claim(
    world: World, run: Run, store: Store, clock: FakeClock, name: str | None
) -> None:
    async with run() as manager:
        note, task_id = await chosen(world, manager)
        history = History(store, clock, manager.note_changed)
        await history.undo_task(world.notebook, task_id, person=ALICE)
        await manager.learn(GUESS if name is None else info_of(torrent("claim"), name))
        await history.undo_task(world.notebook, task_id, person=ALICE, again=True)
        assert await world.text(note) == link("claim", CLAIM)


@pytest.mark.parametrize("name", ["x" * 1001, " ", None])
async def test_a_note_with_a_claim_is_not_said_to_be_corrected_where_what_is_verified_cannot_stand_there_by_itself(
    world: World, run: Run, name: str | None
) -> None:
    async with run() as manager:
        note, task_id = await chosen(world, manager)
        await manager.learn(GUESS if name is None else info_of(torrent("claim"), name))
        shown = await world.shown(manager, task_id)
        assert ("Corrected" in shown.html, "never verified" in shown.html) == (False, False)
        assert "Undo" in labels(shown)
        if name is None:
            (reading, *_) = choices(GUESS.name, verified=True)
            await world.choose(manager, task_id, reading.word)
            assert [one.name for one in find_magnets(await world.text(note))] == [reading.text]
            assert "Corrected: #1" in (await world.shown(manager, task_id)).html


async def test_each_of_many_notes_that_have_a_claim_is_offered_and_none_said_to_be_corrected(
    world: World, run: Run
) -> None:
    async with run() as manager:
        words = "word " * 2_400
        notes = [await world.add(words + link("claim", "18"), "claim") for _ in range(20)]
        first = await world.calibrate(manager, *notes)
        await world.choose(manager, first, WORD)
        await manager.learn(info_of(torrent("claim"), TRUE))
        assert "Corrected" not in (await world.shown(manager, first)).html
        await world.choose(manager, first, "utf-8")
        assert {await world.text(one) for one in notes} == {words + link("claim", TRUE)}


async def test_a_press_leaves_a_note_in_which_somebody_else_has_typed_a_name_though_the_presser_has_since(
    world: World, run: Run
) -> None:
    async with run() as manager:
        note = await world.add(f"{link('claim', '18')} {link('claim', '19')}", "claim")
        task_id = await world.calibrate(manager, note)
        await world.edit(note, f"{link('claim', 'alice')} {link('claim', '19')}", ALICE, apart=True)
        await world.clock.advance(1)
        await world.edit(note, f"{link('claim', 'alice')} {link('claim', 'bob')}", BOB, apart=True)
        await world.choose(manager, task_id, WORD)
        assert await world.text(note) == f"{link('claim', 'alice')} {link('claim', 'bob')}"


async def test_a_card_that_offers_the_name_does_not_say_that_it_stood_there(world: World, run: Run) -> None:
    async with run() as manager:
        note, first = await chosen(world, manager)
        again = await world.calibrate(manager, note)
        assert "stood there already" in (await world.shown(manager, again)).html
        await manager.learn(info_of(torrent("claim"), TRUE))
        for one in (first, again):
            shown = await world.shown(manager, one)
            assert ("stood there already" in shown.html, OFFER in shown.html) == (False, True)


async def test_a_note_whose_own_name_was_the_claim_is_offered_what_is_verified_though_another_had_it_undone(
    world: World, run: Run, store: Store, clock: FakeClock
) -> None:
    async with run() as manager:
        _, elsewhere = await chosen(world, manager)
        await History(store, clock, manager.note_changed).undo_task(world.notebook, elsewhere, person=ALICE)
        own = await world.add(link("claim", CLAIM), "claim")
        task_id = await world.calibrate(manager, own)
        assert "stood there already" in (await world.shown(manager, task_id)).html
        await manager.learn(info_of(torrent("claim"), TRUE))
        assert labels(await world.shown(manager, task_id)) == [TRUE]
        await world.choose(manager, task_id, "utf-8")
        assert await world.text(own) == link("claim", TRUE)


async def test_a_note_task_corrects_the_claim_by_itself_and_has_nothing_to_offer(
    world: World, run: Run, engine: FakeEngine
) -> None:
    async with run() as manager:
        note, first = await chosen(world, manager)
        engine.knows("claim", info_of(torrent("claim"), TRUE))
        later = await world.calibrate(manager, await world.add(link("claim"), "claim"))
        assert await world.text(note) == link("claim", TRUE)
        for one in (first, later):
            assert TRUE not in labels(await world.shown(manager, one))


async def test_other_names_in_a_note_that_carries_a_claim_stay(world: World, run: Run, engine: FakeEngine) -> None:
    async with run() as manager:
        note, _ = await chosen(world, manager)
        text = f"{link('claim', 'typed')} {link('claim', CLAIM)} {link('film', CLAIM)}"
        await world.edit(note, text, ALICE, apart=True)
        engine.knows("claim", info_of(torrent("claim"), TRUE))
        await world.choose(manager, await of_hash(world, manager), "utf-8")
        assert await world.text(note) == f"{link('claim', 'typed')} {link('claim', TRUE)} {link('film', CLAIM)}"


@pytest.mark.parametrize("undone", [True, False])
async def test_what_was_undone_or_typed_in_another_note_of_the_task_stays_where_the_offer_is_pressed(
    world: World, run: Run, store: Store, clock: FakeClock, *, undone: bool
) -> None:
    async with run() as manager:
        first = await world.add(link("claim", "18"), "claim")
        second = await world.add(f"b {link('claim', 'mine')}", "claim")
        task_id = await world.calibrate(manager, first, second)
        await world.choose(manager, task_id, WORD)
        if undone:
            await History(store, clock, manager.note_changed).undo(world.notebook, second, person=ALICE)
        else:
            await world.edit(second, f"b {link('claim', 'mine')}", BOB)
        await manager.learn(info_of(torrent("claim"), TRUE))
        assert OFFER in (await world.shown(manager, task_id)).html
        await world.choose(manager, task_id, "utf-8")
        assert await world.text(first) == link("claim", TRUE)
        assert await world.text(second) == f"b {link('claim', 'mine')}"
        assert OFFER not in (await world.shown(manager, task_id)).html


@pytest.mark.parametrize("pressed", [True, False])
@pytest.mark.parametrize("verified_first", [True, False])
async def test_what_is_verified_of_one_hash_says_nothing_of_its_pair_with_a_foreign_one(
    world: World, run: Run, engine: FakeEngine, *, pressed: bool, verified_first: bool
) -> None:
    alone = torrent("claim")
    pair = TorrentId(alone.v1, InfoHash("9" * 64))
    engine.names[pair] = info_of(pair, CLAIM, verified=False)
    text = f"magnet:?xt=urn:btih:{pair.v1}&xt=urn:btmh:1220{pair.v2}&dn="
    async with run() as manager:
        note = await world.insert(f"{text}18", pair)
        if verified_first:
            await manager.learn(info_of(alone, TRUE))
        task_id = await world.calibrate(manager, note)
        if pressed:
            await world.choose(manager, task_id, WORD)
        if not verified_first:
            await manager.learn(info_of(alone, TRUE))
        item = await world.item(manager, task_id)
        assert item.found is not None
        assert (item.found.torrent, item.found.name.text, item.found.verified) == (pair, CLAIM, False)
        assert TRUE not in (await world.shown(manager, task_id)).html
        if not pressed:
            await world.choose(manager, task_id, WORD)
        assert await world.text(note) == text + CLAIM
        known = await world.store.read(lambda tx: tx.facts.of(world.notebook, [alone, pair]))
        assert {one: known[one].verified for one in known} == {alone: True, pair: False}
        await manager.learn(info_of(pair, "both.mkv"))  # two of one hash: what was read first stays
        await manager.learn(info_of(alone, TRUE))
        known = await world.store.read(lambda tx: tx.facts.of(world.notebook, [alone, pair]))
        assert {one: known[one].verified for one in known} == {alone: True, pair: False}


async def test_neither_a_pinned_note_nor_one_that_says_something_else_by_now_is_offered_anything(
    world: World, run: Run, engine: FakeEngine
) -> None:
    async with run() as manager:
        note, _ = await chosen(world, manager)
        engine.knows("claim", info_of(torrent("claim"), TRUE))
        await world.pin(note, "claim")
        task_id = await of_hash(world, manager)
        assert labels(await world.shown(manager, task_id)) == []
        await world.store.write(lambda tx: tx.notes.unpin(note))
        assert labels(await world.shown(manager, task_id)) == [TRUE]
        await world.edit(note, link("claim", "typed"), ALICE)
        assert labels(await world.shown(manager, task_id)) == []
        await world.choose(manager, task_id, "utf-8")
        assert await world.text(note) == link("claim", "typed")
        theirs = await of_hash(world, manager, await other_notebook(world))
        choice, notebook = Choice(theirs, 0, "utf-8"), await other_notebook(world)
        with pytest.raises(CannotChoose):
            await manager.choose_name(choice, notebook=notebook, asked_by=BOB)


async def test_a_verified_name_that_has_to_be_read_first_is_offered_when_it_was(
    world: World, run: Run, engine: FakeEngine
) -> None:
    async with run() as manager:
        note, _ = await chosen(world, manager)
        await world.clock.advance(4000)
        assert await manager.cleanup_old_tasks() == 1  # else it is written into the notes of that task
        engine.knows("claim", GUESS)
        task_id = await of_hash(world, manager)
        shown = await world.shown(manager, task_id)
        assert OFFER not in shown.html
        (reading, *_) = choices(GUESS.name, verified=True)
        await world.choose(manager, task_id, reading.word)
        assert reading.text not in await world.text(note)
        assert OFFER in (shown := await world.shown(manager, task_id)).html
        assert reading.text in labels(shown)
        await world.choose(manager, task_id, reading.word)
        assert [one.name for one in find_magnets(await world.text(note))] == [reading.text]


async def test_an_earlier_reading_of_a_claim_that_stands_in_a_note_is_offered_what_is_verified_and_not_called_it(
    world: World, run: Run, engine: FakeEngine, store: Store, clock: FakeClock
) -> None:
    engine.knows("claim", CLAIMED_GUESS)
    later, earlier, *_ = choices(CLAIMED_GUESS.name, verified=False)
    notes = Notebook(store, clock, lambda _: None)
    async with run() as manager:
        one, two = [await world.add(link("claim", "18"), "claim") for _ in range(2)]
        first, second = [await world.calibrate(manager, note) for note in (one, two)]
        await world.choose(manager, first, earlier.word)
        await notes.delete(world.notebook, one)
        await world.choose(manager, second, later.word)
        await notes.restore(world.notebook, one)
        await manager.learn(info_of(torrent("claim"), TRUE))
        for task_id in (first, second):
            shown = await world.shown(manager, task_id)
            assert "The name in #1, #2 was never verified." in shown.html
            assert "Corrected" not in shown.html
        await world.choose(manager, first, "utf-8")
        assert [await world.text(note) for note in (one, two)] == [link("claim", TRUE)] * 2


async def test_what_a_notebook_had_chosen_is_offered_in_the_one_that_it_is_joined_to(
    world: World, run: Run, engine: FakeEngine
) -> None:
    async with run() as manager:
        note, _ = await chosen(world, manager)
        other = await other_notebook(world)
        engine.knows("claim", info_of(torrent("claim"), TRUE))
        await of_hash(world, manager, other)
        await world.store.write(lambda tx: tx.notebooks.join(world.notebook, other))
        shown = await world.shown(manager, await of_hash(world, manager, other))
        assert (OFFER in shown.html, note) == (True, 1)


async def test_a_note_whose_claim_was_put_right_keeps_the_true_name_where_the_old_one_of_another_is_kept(
    world: World, run: Run
) -> None:
    async with run() as manager:
        note, _ = await chosen(world, manager)
        old = await world.add(link("claim", "The.Old.Movie.2001"), "claim")
        task_id = await world.calibrate(manager, old)
        await manager.learn(info_of(torrent("claim"), TRUE))
        await world.choose(manager, task_id, "utf-8")
        assert [await world.text(one) for one in (note, old)] == [link("claim", TRUE)] * 2
        await manager.keep_old_name((task_id, 0), notebook=world.notebook, asked_by=BOB)
        assert [await world.text(one) for one in (note, old)] == [
            link("claim", TRUE), link("claim", "The.Old.Movie.2001"),
        ]  # fmt: skip
        pins = await world.store.read(lambda tx: tx.notes.pinned(world.notebook, [torrent("claim")]))
        assert {pinned for pinned, _ in pins} == {old}
        shown = await world.shown(manager, task_id)
        assert (f"Corrected: #{note}" in shown.html, labels(shown)) == (True, ["Undo"])


@pytest.mark.parametrize("typed", [True, False])
async def test_of_several_notes_the_one_whose_own_name_is_the_claim_is_offered_the_true_one_too(
    world: World, run: Run, *, typed: bool
) -> None:
    async with run() as manager:
        own = await world.add(link("claim", CLAIM), "claim")
        other = await world.add(f"b {link('claim', '18')}", "claim")
        task_id = await world.calibrate(manager, own, other)
        if typed:
            await world.edit(other, f"b {link('claim', 'mine')}", ALICE, apart=True)
        await world.choose(manager, task_id, WORD)
        await manager.learn(info_of(torrent("claim"), TRUE))
        offered = f"#{own}" if typed else f"#{own}, #{other}"
        shown = (await world.shown(manager, task_id)).html
        assert f"The name in {offered} was never verified. Press this one to write it there." in shown
        await world.choose(manager, task_id, "utf-8")
        assert await world.text(own) == link("claim", TRUE)
        assert await world.text(other) == f"b {link('claim', 'mine' if typed else TRUE)}"
        assert not await world.store.read(lambda tx: tx.notes.uncalibrated([own]))


async def test_what_is_written_again_over_an_edit_is_what_is_known_of_what_was_found_and_what_people_typed(
    world: World, run: Run, store: Store, clock: FakeClock, engine: FakeEngine
) -> None:
    engine.knows("b", info_of(torrent("b"), "b-claimed.mkv", verified=False))
    (b_claimed,) = choices(Name(text="b-claimed.mkv", raw=b"b-claimed.mkv"), verified=False)
    edits, history = Edits(store, clock, lambda _: None), History(store, clock, lambda _: None)

    def text(claim: str, b: str, film: str) -> str:
        return f"{link('claim', claim)} {link('b', b)} {link('film', film)}"

    async with run() as manager:
        said = text("18", "19", "20")
        note = await world.add(said, "claim", "b", "film", origin="tg:1:0#5")
        for word, choice in (("claim", WORD), ("b", b_claimed.word)):
            request = NoteRequest((note,), named=(note,), torrents=(torrent(word),))
            task_id = await manager.submit_task(
                request=request, notebook=world.notebook, asked_by=ALICE, cause="command"
            )
            await clock.advance(5)
            await world.choose(manager, task_id, choice)
        version, typed = (await world.note(note)).version, text(CLAIM, "b-claimed.mkv", "mine")
        await edits.replace(typed, notebook=world.notebook, note_id=note, expected=version, person=ALICE)
        await edits.apply(f"{said} words", notebook=world.notebook, person=ALICE, origin="tg:1:0#5")
        assert await world.text(note) == f"{typed} words"
        await history.undo(world.notebook, note, person=ALICE)
        assert await world.text(note) == f"{said} words"
        for word, name in (("claim", TRUE), ("film", "film.mkv")):
            await manager.learn(info_of(torrent(word), name))
        await history.undo(world.notebook, note, person=ALICE)
        assert await world.text(note) == f"{text(TRUE, 'b-claimed.mkv', 'mine')} words"


@pytest.mark.parametrize("meanwhile", ["deleted", "taken out", "written for another"])
async def test_of_a_note_whose_own_name_was_the_claim_it_is_not_said_that_the_true_one_stood_there(
    world: World, run: Run, store: Store, clock: FakeClock, meanwhile: str
) -> None:
    async with run() as manager:
        note = await world.add(link("claim", CLAIM), "claim")
        task_id = await world.calibrate(manager, note)
        await world.choose(manager, task_id, WORD)
        assert "stood there already" in (await world.shown(manager, task_id)).html
        if meanwhile == "deleted":
            await Notebook(store, clock, manager.note_changed).delete(world.notebook, note)
        elif meanwhile == "taken out":
            await world.edit(note, "nothing", ALICE)
        await manager.learn(info_of(torrent("claim"), TRUE))
        if meanwhile == "written for another":
            await world.calibrate(manager, note)
            assert await world.text(note) == link("claim", TRUE)
        shown = await world.shown(manager, task_id)
        assert (TRUE in shown.html, "stood there" in shown.html, labels(shown)) == (True, False, [])
        await manager.learn(info_of(torrent("claim"), TRUE))
        if meanwhile == "written for another":
            later = await world.calibrate(manager, note)
            await manager.learn(info_of(torrent("claim"), TRUE))
            assert "stood there already" in (await world.shown(manager, later)).html


@pytest.mark.parametrize("how", ["deleted", "taken out"])
async def test_where_the_magnet_went_from_the_note_that_was_asked_for_a_chosen_claim_is_not_said_to_stand_there(
    world: World, run: Run, engine: FakeEngine, store: Store, clock: FakeClock, how: str
) -> None:
    async with run() as manager:
        note, task_id = await looked_for(world, manager, engine)
        if how == "deleted":
            await Notebook(store, clock, manager.note_changed).delete(world.notebook, note)
        else:
            edits = Edits(store, clock, lambda _: None)
            await edits.replace("nothing", notebook=world.notebook, note_id=note, expected=1, person=ALICE)
        await clock.advance(20)
        shown = (await world.shown(manager, task_id)).html
        assert ("stood there" in shown, "in none of these notes any more" in shown) == (False, True)


async def test_a_note_in_which_what_was_taken_back_is_known_to_be_right_is_not_said_to_be_corrected_by_it(
    world: World, run: Run, store: Store, clock: FakeClock
) -> None:
    history = History(store, clock, lambda _: None)
    async with run() as manager:
        note = await world.add(link("claim", TRUE), "claim")
        task_id = await world.calibrate(manager, note)
        await world.choose(manager, task_id, WORD)
        await history.undo_task(world.notebook, task_id, person=ALICE)
        await manager.learn(info_of(torrent("claim"), TRUE))
        undone = await history.undo_task(world.notebook, task_id, person=ALICE, again=True)
        assert (undone.notes, undone.again) == ((), True)
        assert await world.text(note) == link("claim", TRUE)
        assert "Corrected" not in (await world.shown(manager, task_id)).html
        assert [one.change.cause for one in await store.read(lambda tx: tx.notes.revisions(note))] == [
            "chosen", "undo_task",
        ]  # fmt: skip
        assert not await store.read(lambda tx: tx.notes.pinned(world.notebook, [torrent("claim")]))


@pytest.mark.parametrize("typed", [True, False])
async def test_what_a_press_wrote_for_another_task_is_not_said_to_have_stood_there(
    world: World, run: Run, *, typed: bool
) -> None:
    async with run() as manager:
        note = await world.add(link("claim", "18"), "claim")
        pressed = await world.calibrate(manager, note)
        if typed:  # for the pressed card, and not for the other, which was asked for later
            await world.edit(note, link("claim", "mine"), ALICE, apart=True)
            await world.clock.advance(1)
        other = await world.calibrate(manager, note)
        await world.choose(manager, pressed, WORD)
        assert await world.text(note) == link("claim", CLAIM)
        writer, silent = (other, pressed) if typed else (pressed, other)
        assert f"Corrected: #{note}" in (await world.shown(manager, writer)).html
        shown = (await world.shown(manager, silent)).html
        assert ("Corrected" in shown, "stood there" in shown, "no note was changed" in shown) == (False, False, False)


@pytest.mark.parametrize("pressed", [True, False])
@pytest.mark.parametrize("how", ["on the page", "in the message"])
@pytest.mark.parametrize("what", ["words", "a name"])
async def test_a_note_with_a_claim_that_got_more_words_is_yet_to_be_calibrated_and_one_that_got_a_name_is_not(
    world: World, run: Run, store: Store, clock: FakeClock, *, pressed: bool, how: str, what: str
) -> None:
    edits = Edits(store, clock, lambda _: None)
    async with run() as manager:
        note = await world.add(link("claim", "18"), "claim", origin="tg:1:0#7")
        task_id = await world.calibrate(manager, note)
        if pressed:
            await world.choose(manager, task_id, WORD)
        await clock.advance(4000)
        assert await manager.cleanup_old_tasks() == 1
        there = await world.note(note)
        if how == "on the page":
            text = f"{there.text} words" if what == "words" else link("claim", "mine")
            await edits.replace(text, notebook=world.notebook, note_id=note, expected=there.version, person=ALICE)
        else:
            text = f"{link('claim', '18')} words" if what == "words" else link("claim", "mine")
            await edits.apply(text, notebook=world.notebook, person=ALICE, origin="tg:1:0#7")
        await manager.learn(info_of(torrent("claim"), TRUE))
        assert set(await store.read(lambda tx: tx.notes.uncalibrated([note]))) == ({note} if what == "words" else set())


@pytest.mark.parametrize("forgotten", [False, True])
async def test_a_note_in_which_a_name_was_typed_while_the_claim_was_looked_for_is_not_yet_to_be_calibrated(
    world: World, run: Run, engine: FakeEngine, store: Store, *, forgotten: bool
) -> None:
    engine.delay = 20
    async with run() as manager:
        note = await world.add(link("claim", "18"), "claim")
        await world.calibrate(manager, note)
        await world.edit(note, link("claim", "mine"), ALICE, apart=True)
        await world.clock.advance(20 + 4000 * forgotten)
        assert await manager.cleanup_old_tasks() == forgotten
        await manager.learn(info_of(torrent("claim"), TRUE))
        assert not await store.read(lambda tx: tx.notes.uncalibrated([note]))


@pytest.mark.parametrize("how", ["retried", "asked for by another task", "pressed", "pressed while another task ran"])
async def test_what_was_typed_before_the_claim_was_asked_for_again_or_pressed_keeps_no_note_from_being_calibrated(
    world: World, run: Run, engine: FakeEngine, store: Store, how: str
) -> None:
    async with run() as manager:
        note = await world.add(link("claim", "18"), "claim")
        if how == "retried":
            engine.knows("claim", NotFound())
        elif how == "asked for by another task":
            engine.delay = 10
        task_id = await world.calibrate(manager, note)
        if how == "pressed while another task ran":
            engine.delay = 20
            await world.calibrate(manager, note)
        await world.edit(note, link("claim", "mine"), BOB, apart=True)
        await world.clock.advance(1)
        if how == "retried":
            engine.knows("claim", info_of(torrent("claim"), CLAIM, verified=False))
            await manager.retry_task(task_id, notebook=world.notebook, asked_by=ALICE)
        elif how == "asked for by another task":
            await world.calibrate(manager, note, await world.add(link("claim", "19"), "claim"))
        else:
            await world.choose(manager, task_id, WORD)
        await world.clock.advance(20)
        await manager.learn(info_of(torrent("claim"), TRUE))
        assert await store.read(lambda tx: tx.notes.uncalibrated([note])) == {note}


@pytest.mark.parametrize(("before", "after", "typed"), [("18 18", "18", False), ("a b", "b a", True), ("a", "", False)])
async def test_a_link_that_goes_types_no_name_and_names_the_other_way_round_are_typed(
    world: World, run: Run, store: Store, clock: FakeClock, before: str, after: str, *, typed: bool
) -> None:
    edits = Edits(store, clock, lambda _: None)
    before, after = (
        " ".join(link("claim", one) for one in names.split()) or link("claim") for names in (before, after)
    )
    async with run() as manager:
        note = await world.add(before, "claim")
        await world.calibrate(manager, note)
        await edits.replace(after, notebook=world.notebook, note_id=note, expected=1, person=ALICE)
        await manager.learn(info_of(torrent("claim"), TRUE))
        left = set(await store.read(lambda tx: tx.notes.uncalibrated([note])))
        assert left == (set() if typed else {note})


@pytest.mark.parametrize("how", ["on the page", "in the message"])
@pytest.mark.parametrize("hashes", ["one", "a second", "a second one later"])
@pytest.mark.parametrize("before", [True, False])
async def test_a_name_that_is_typed_before_or_after_the_claim_gave_way_stays_until_it_is_taken_out(
    world: World, run: Run, store: Store, clock: FakeClock, how: str, hashes: str, *, before: bool
) -> None:
    edits = Edits(store, clock, lambda _: None)
    other = f"&xt=urn:btmh:1220{'cd' * 32}"

    async def edit(text: str) -> None:
        await clock.advance(1)
        await edited(edits, world, note, text, how)

    async def left() -> Collection[NoteId]:
        selected = await store.read(lambda tx: tx.notes.select(world.notebook, Uncalibrated(), 10))
        assert set(await store.read(lambda tx: tx.notes.uncalibrated([note]))) == set(selected)
        return selected

    async with run() as manager:
        note = await world.add(link("claim", "18"), "claim", origin="tg:1:0#7")
        await world.calibrate(manager, note)
        if not before:
            await manager.learn(info_of(torrent("claim"), TRUE))
            assert await left() == [note]
        await edit(f"{link('claim', 'mine')}{other if hashes == 'a second' else ''}")
        if hashes == "a second one later":
            await edit(f"{link('claim', 'mine')}{other}")
        if before:
            await clock.advance(1)
            await manager.learn(info_of(torrent("claim"), TRUE))
        assert not await left()
        await edit(link("claim"))
        assert await left() == [note]


async def test_a_guess_in_whose_note_a_name_is_typed_after_the_claim_gave_way_waits_for_somebodys_word(
    world: World, run: Run, store: Store, clock: FakeClock
) -> None:
    edits = Edits(store, clock, lambda _: None)
    async with run() as manager:
        note = await world.add(link("claim", "18"), "claim")
        await world.calibrate(manager, note)
        await manager.learn(GUESS)
        await clock.advance(1)
        mine = link("claim", "mine")
        await edits.replace(mine, notebook=world.notebook, note_id=note, expected=1, person=ALICE)
        assert not await store.read(lambda tx: tx.notes.uncalibrated([note]))
        assert set(await store.read(lambda tx: tx.notes.undecided([note]))) == {note}


async def test_a_note_whose_claim_was_put_right_by_a_press_is_calibrated_whatever_is_edited_later(
    world: World, run: Run, store: Store, clock: FakeClock
) -> None:
    edits = Edits(store, clock, lambda _: None)

    async def edit(text: str) -> None:
        await clock.advance(1)
        there = (await world.note(note)).version
        await edits.replace(text, notebook=world.notebook, note_id=note, expected=there, person=ALICE)

    async with run() as manager:
        note, task_id = await chosen(world, manager)
        both = f"{link('claim', CLAIM)}&xt=urn:btmh:1220{'cd' * 32}"
        await edit(both)
        await manager.learn(info_of(find_magnets(both)[0].torrents[0], TRUE))
        await world.choose(manager, task_id, "utf-8")
        right = await world.text(note)
        assert TRUE in right
        await edit(f"{right} words")
        assert not await store.read(lambda tx: tx.notes.uncalibrated([note]))


@pytest.mark.parametrize("how", ["on the page", "in the message"])
async def test_a_note_whose_typed_name_is_taken_out_again_is_yet_to_be_calibrated(
    world: World, run: Run, store: Store, clock: FakeClock, how: str
) -> None:
    edits = Edits(store, clock, lambda _: None)
    async with run() as manager:
        note = await world.add(link("claim", "18"), "claim", origin="tg:1:0#7")
        await world.calibrate(manager, note)
        for text in (link("claim", "mine"), link("claim")):
            await edited(edits, world, note, text, how)
        assert await world.text(note) == link("claim")
        await manager.learn(info_of(torrent("claim"), TRUE))
        assert await store.read(lambda tx: tx.notes.uncalibrated([note])) == {note}


async def test_a_typed_name_that_its_message_brings_back_is_typed(
    world: World, run: Run, store: Store, clock: FakeClock
) -> None:
    edits = Edits(store, clock, lambda _: None)
    async with run() as manager:
        note = await world.add(link("claim", "18"), "claim", origin="tg:1:0#7")
        await world.calibrate(manager, note)
        await clock.advance(1)
        mine = link("claim", "mine")
        await edits.apply(mine, notebook=world.notebook, person=ALICE, origin="tg:1:0#7")
        await edits.replace(link("claim"), notebook=world.notebook, note_id=note, expected=2, person=ALICE)
        await edits.apply(f"{mine} words", notebook=world.notebook, person=ALICE, origin="tg:1:0#7")
        await manager.learn(info_of(torrent("claim"), TRUE))
        assert not await store.read(lambda tx: tx.notes.uncalibrated([note]))
        assert await world.text(note) == f"{mine} words"


@pytest.mark.parametrize("said", ["at first", "by an edit before it was calibrated"])
async def test_a_name_that_its_message_brings_back_and_nobody_typed_since_is_yet_to_be_calibrated(
    world: World, run: Run, store: Store, clock: FakeClock, said: str
) -> None:
    edits = Edits(store, clock, lambda _: None)
    junk = link("claim", "18")
    async with run() as manager:
        note = await world.add(junk if said == "at first" else link("claim"), "claim", origin="tg:1:0#7")
        await edits.apply(junk, notebook=world.notebook, person=ALICE, origin="tg:1:0#7")
        await clock.advance(1)
        await world.calibrate(manager, note)
        await clock.advance(1)
        there = (await world.note(note)).version
        await edits.replace(link("claim"), notebook=world.notebook, note_id=note, expected=there, person=ALICE)
        await edits.apply(f"{junk} words", notebook=world.notebook, person=ALICE, origin="tg:1:0#7")
        assert await world.text(note) == f"{junk} words"
        await manager.learn(info_of(torrent("claim"), TRUE))
        assert await store.read(lambda tx: tx.notes.select(world.notebook, Uncalibrated(), 10)) == [note]


@pytest.mark.parametrize("where", ["on the page", "in the message"])
async def test_a_link_whose_second_hash_is_taken_out_has_the_name_that_it_had_and_no_typed_one(
    world: World, run: Run, store: Store, clock: FakeClock, where: str
) -> None:
    edits = Edits(store, clock, lambda _: None)
    junk = link("claim", "18")
    both = f"{junk}&xt=urn:btmh:1220{'cd' * 32}"
    hybrid = find_magnets(both)[0].torrents[0]
    world.engine.names[hybrid] = info_of(hybrid, CLAIM, verified=False)
    async with run() as manager:
        note = await world.insert(both, hybrid, origin="tg:1:0#7")
        await world.calibrate(manager, note)
        await edited(edits, world, note, junk, where)
        assert await world.text(note) == junk
        await manager.learn(info_of(hybrid, TRUE))
        assert await store.read(lambda tx: tx.notes.select(world.notebook, Uncalibrated(), 10)) == [note]


@pytest.mark.parametrize("where", ["on the page", "in the message"])
@pytest.mark.parametrize(
    ("what", "left"),
    [
        ("nothing else", True),
        ("its claim was pressed", False),
        ("a name is typed", False),
        ("a name was typed before", False),
        ("the one hash is known", False),
        ("the hash has its own link", False),
    ],
)
async def test_a_hash_whose_pair_alone_was_claimed_is_yet_to_be_calibrated_by_itself(
    world: World, run: Run, store: Store, clock: FakeClock, where: str, what: str, *, left: bool
) -> None:
    edits = Edits(store, clock, lambda _: None)
    other = f"xt=urn:btmh:1220{'cd' * 32}"

    async def edit(text: str) -> None:
        await clock.advance(1)
        await edited(edits, world, note, text, where)

    hybrid = find_magnets(f"{link('claim')}&{other}")[0].torrents[0]
    world.engine.names[hybrid] = info_of(hybrid, CLAIM, verified=False)
    async with run() as manager:
        note = await world.insert(f"{link('claim', '18')}&{other}", hybrid, origin="tg:1:0#7")
        if what == "the one hash is known":
            await of_hash(world, manager)
        task_id = await world.calibrate(manager, note)
        if what == "its claim was pressed":
            await world.choose(manager, task_id, WORD)
        if what == "a name was typed before":
            await edit(f"{link('claim', 'mine')}&{other}")
        name = "mine" if what.startswith("a name") else "18"
        beside = f" magnet:?{other}&dn={name}" if what == "the hash has its own link" else ""
        await edit(f"{link('claim', name)}{beside}")
        assert set(await store.read(lambda tx: tx.notes.uncalibrated([note]))) == ({note} if left else set())


@pytest.mark.parametrize("where", ["on the page", "in the message"])
@pytest.mark.parametrize(
    ("typed", "left"), [("before", False), ("with it", False), ("before it was calibrated", True), ("never", True)]
)
@pytest.mark.parametrize("verified", [True, False])
@pytest.mark.parametrize("first", ["v1", "v2"])
async def test_a_typed_name_whose_link_gets_a_second_hash_is_not_yet_to_be_calibrated(
    world: World, run: Run, store: Store, clock: FakeClock, where: str, typed: str, first: str, *, verified: bool,
    left: bool,
) -> None:  # fmt: skip
    edits = Edits(store, clock, lambda _: None)
    one, other = f"xt=urn:btih:{torrent('claim').shown}", f"xt=urn:btmh:1220{'cd' * 32}"
    if first == "v2":
        one, other = other, one
    alone, pair = (find_magnets(f"magnet:?{topics}")[0].torrents[0] for topics in (one, f"{one}&{other}"))
    world.engine.names |= {alone: info_of(alone, CLAIM, verified=verified), pair: info_of(pair, TRUE)}

    async def edit(name: str, topics: str) -> None:
        await clock.advance(1)
        text = f"magnet:?{topics}&dn={name}"
        await edited(edits, world, note, text, where)

    async with run() as manager:
        note = await world.insert(f"magnet:?{one}&dn=18", alone, origin="tg:1:0#7")
        if typed == "before it was calibrated":
            await edit("mine", one)
            await clock.advance(1)
        await world.calibrate(manager, note)
        if typed == "before":
            await edit("mine", one)
        stands = find_magnets(await world.text(note))[0].name or ""
        said = "18" if typed == "never" else "mine"
        await edit(stands if left and where == "on the page" else said, f"{one}&{other}")
        await manager.learn(info_of(pair, TRUE))
        assert await store.read(lambda tx: tx.notes.select(world.notebook, Uncalibrated(), 10)) == [note] * left
        if not left:
            assert await world.text(note) == f"magnet:?{one}&{other}&dn=mine"
            await world.calibrate(manager, note)
            assert await world.text(note) == f"magnet:?{one}&{other}&dn={TRUE}"


@pytest.mark.parametrize("found", [True, False])
async def test_a_typed_name_stays_where_its_link_takes_the_hash_of_another_in(
    world: World, run: Run, store: Store, clock: FakeClock, *, found: bool
) -> None:
    edits = Edits(store, clock, lambda _: None)
    other = f"xt=urn:btmh:1220{'cd' * 32}"
    half = find_magnets(f"magnet:?{other}")[0].torrents[0]
    world.engine.names[half] = info_of(half, CLAIM, verified=False) if found else NotFound()
    async with run() as manager:
        note = await world.insert(f"{link('claim', '18')} magnet:?{other}&dn=19", torrent("claim"), half)
        await world.calibrate(manager, note)
        await clock.advance(1)
        mine = link("claim", "mine")
        both = f"{mine}&{other}"
        await edits.replace(f"{mine} magnet:?{other}", notebook=world.notebook, note_id=note, expected=1, person=ALICE)
        await edits.replace(both, notebook=world.notebook, note_id=note, expected=2, person=ALICE)
        await manager.learn(info_of(find_magnets(both)[0].torrents[0], TRUE))
        assert not await store.read(lambda tx: tx.notes.select(world.notebook, Uncalibrated(), 10))


@pytest.mark.parametrize("edited", ["the other alone", "both without a name", "one each", "one each, the other named"])
async def test_a_hash_whose_link_is_no_more_that_with_a_typed_name_is_yet_to_be_calibrated_again(
    world: World, run: Run, store: Store, clock: FakeClock, edited: str
) -> None:
    edits = Edits(store, clock, lambda _: None)
    other = f"xt=urn:btmh:1220{'cd' * 32}"
    mine = link("claim", "mine")
    text = {
        "the other alone": f"magnet:?{other}",
        "both without a name": f"{link('claim')}&{other}",
        "one each": f"{mine} magnet:?{other}",
        "one each, the other named": f"{mine} magnet:?{other}&dn=19",
    }[edited]
    world.engine.names[torrent("claim")] = info_of(torrent("claim"), TRUE)
    async with run() as manager:
        note = await world.insert(link("claim", "18"), torrent("claim"))
        await world.calibrate(manager, note)
        for told in (mine, f"{mine}&{other}", text):
            await clock.advance(1)
            there = (await world.note(note)).version
            await edits.replace(told, notebook=world.notebook, note_id=note, expected=there, person=ALICE)
        assert await store.read(lambda tx: tx.notes.select(world.notebook, Uncalibrated(), 10)) == [note]


async def test_a_name_that_its_message_brings_back_without_the_second_hash_was_typed_by_nobody(
    world: World, run: Run, store: Store, clock: FakeClock
) -> None:
    edits = Edits(store, clock, lambda _: None)
    junk, nameless = (f"{link('claim', name)}&xt=urn:btmh:1220{'cd' * 32}" for name in ("18", ""))
    hybrid = find_magnets(junk)[0].torrents[0]
    world.engine.names[hybrid] = info_of(hybrid, CLAIM, verified=False)
    async with run() as manager:
        note = await world.insert(junk, hybrid, origin="tg:1:0#7")
        await world.calibrate(manager, note)
        await clock.advance(1)
        await edits.replace(nameless, notebook=world.notebook, note_id=note, expected=1, person=ALICE)
        await edits.apply(link("claim", "18"), notebook=world.notebook, person=ALICE, origin="tg:1:0#7")
        assert await world.text(note) == link("claim", "18")
        await manager.learn(info_of(hybrid, TRUE))
        assert await store.read(lambda tx: tx.notes.select(world.notebook, Uncalibrated(), 10)) == [note]


async def test_a_link_that_its_message_brings_back_leaves_what_was_typed_in_another_of_its_torrent_typed(
    world: World, run: Run, store: Store, clock: FakeClock
) -> None:
    edits = Edits(store, clock, lambda _: None)
    first, second, mine = link("claim", "18"), link("claim", "19"), link("claim", "mine")
    async with run() as manager:
        note = await world.add(f"{first} {second}", "claim", origin="tg:1:0#7")
        await world.calibrate(manager, note)
        elsewhere = f"{mine} {link('claim')}"
        await edits.replace(elsewhere, notebook=world.notebook, note_id=note, expected=1, person=ALICE)
        await edits.apply(f"{first} {second} words", notebook=world.notebook, person=ALICE, origin="tg:1:0#7")
        assert await world.text(note) == f"{mine} {second} words"
        await manager.learn(info_of(torrent("claim"), TRUE))
        assert not await store.read(lambda tx: tx.notes.select(world.notebook, Uncalibrated(), 10))


async def test_a_message_that_never_had_a_name_takes_none_from_a_note_in_which_somebody_typed_it_elsewhere(
    world: World, run: Run, store: Store, clock: FakeClock
) -> None:
    edits = Edits(store, clock, lambda _: None)
    async with run() as manager:
        note = await world.add(link("claim"), "claim", origin="tg:1:0#7")
        await world.calibrate(manager, note)
        mine = link("claim", "mine")
        await edits.replace(mine, notebook=world.notebook, note_id=note, expected=1, person=ALICE)
        await edits.apply(f"{link('claim')} words", notebook=world.notebook, person=ALICE, origin="tg:1:0#7")
        assert await world.text(note) == f"{mine} words"
        await manager.learn(info_of(torrent("claim"), TRUE))
        assert not await store.read(lambda tx: tx.notes.uncalibrated([note]))


async def test_of_a_note_that_was_away_while_its_claim_came_it_is_not_said_that_it_has_no_magnet_any_more(
    world: World, run: Run, engine: FakeEngine, store: Store, clock: FakeClock
) -> None:
    notes = Notebook(store, clock, lambda _: None)
    engine.delay = 20
    async with run() as manager:
        note = await world.add(link("claim", "18"), "claim")
        task_id = await world.calibrate(manager, note)
        await notes.delete(world.notebook, note)
        await clock.advance(20)
        await notes.restore(world.notebook, note)
        await manager.learn(info_of(torrent("claim"), TRUE))
        shown = (await world.shown(manager, task_id)).html
        assert (OFFER in shown, "none of these notes" in shown) == (True, False)

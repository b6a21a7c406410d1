"""What is verified in the place of claims, where one task found the names of several torrents."""

from unittest.mock import Mock

import pytest

from services.calibration import overtaken, snapshots
from services.calibration.choice import choices
from services.calibration.manager import AsyncCalibrationManager
from services.calibration.task import HashRequest
from services.notebook.history import History
from services.notebook.note import Uncalibrated
from services.notebook.writers import Writers
from services.store.store import Store
from services.torrents import Hints, Name, NotebookId, NoteId, TaskId
from tests.fake_clock import FakeClock
from tests.unit.conftest import Run
from tests.unit.fakes import FakeEngine, info_of, torrent
from tests.unit.name_world import ALICE, BOB, World, guessed, labels, link

A, B = "a-claimed.mkv", "b-claimed.mkv"
TRUE_A, TRUE_B = "a-true.mkv", "b-true.mkv"
GUESS = guessed("b")


def text(a: str, b: str) -> str:
    return f"{link('a', a)} {link('b', b)}"


def offer(word: str) -> str:
    digits = torrent(word).shown.hex[:8]
    return f"The name of <code>{digits}</code>… in #1 was never verified. Press this one to write it there."


@pytest.fixture
def world(store: Store, notebook: NotebookId, clock: FakeClock, engine: FakeEngine) -> World:
    engine.knows("a", info_of(torrent("a"), A, verified=False))
    engine.knows("b", info_of(torrent("b"), B, verified=False))
    return World(store, notebook, clock, engine)


async def calibrated(world: World, manager: AsyncCalibrationManager, *, pressed: bool) -> tuple[NoteId, TaskId]:
    note = await world.add(text("18", "19"), "a", "b")
    task_id = await world.calibrate(manager, note)
    if pressed:
        for position, claim in enumerate((A, B)):
            (only,) = choices(Name(text=claim, raw=claim.encode()), verified=False)
            await world.choose(manager, task_id, only.word, position=position)
        assert await world.text(note) == text(A, B)
    return note, task_id


async def claimed(
    world: World, manager: AsyncCalibrationManager, engine: FakeEngine, count: int
) -> tuple[list[str], TaskId]:
    """Let the names of so many torrents of one note be claimed; return their words, and the task."""
    words = [f"{number:02x}" for number in range(count)]
    for word in words:
        engine.knows(word, info_of(torrent(word), f"claimed {word}", verified=False))
    note = await world.add(" ".join(link(word, "18") for word in words), *words)
    return words, await world.calibrate(manager, note)


async def selected(world: World) -> list[NoteId]:
    return list(await world.store.read(lambda tx: tx.notes.select(world.notebook, Uncalibrated(), 10)))


@pytest.mark.parametrize("pressed", [True, False])
async def test_each_verified_name_is_offered_over_its_claim_one_after_the_other(
    world: World, run: Run, store: Store, clock: FakeClock, *, pressed: bool
) -> None:
    async with run() as manager:
        note, task_id = await calibrated(world, manager, pressed=pressed)
        await manager.learn(info_of(torrent("a"), TRUE_A))
        await manager.learn(info_of(torrent("b"), TRUE_B))
        for position, (word, name) in enumerate([("a", TRUE_A), ("b", TRUE_B)]):
            shown = await world.shown(manager, task_id)
            assert offer(word) in shown.html
            assert "corrected" not in shown.html
            assert [one for one in labels(shown) if one.endswith(".mkv")] == [name]
            await world.choose(manager, task_id, "utf-8", position=position)
        assert await world.text(note) == text(TRUE_A, TRUE_B)
        shown = await world.shown(manager, task_id)
        assert ("1 note corrected." in shown.html, labels(shown)) == (True, ["Undo"])
        assert await selected(world) == []
        await History(store, clock, manager.note_changed).undo_task(world.notebook, task_id, person=BOB)
        assert await world.text(note) == text("18", "19")


async def test_what_is_verified_is_offered_before_a_guess_is_asked_for_which_nobody_may_know(
    world: World, run: Run, engine: FakeEngine
) -> None:
    engine.knows("b", GUESS)
    async with run() as manager:
        note = await world.add(text("18", "19"), "a", "b")
        task_id = await world.calibrate(manager, note)
        await manager.learn(info_of(torrent("a"), TRUE_A))
        shown = await world.shown(manager, task_id)
        assert (TRUE_A in labels(shown), offer("a") in shown.html) == (True, True)
        await world.choose(manager, task_id, "utf-8")
        assert await world.text(note) == text(TRUE_A, "19")
        readings = choices(GUESS.name, verified=True)
        shown = await world.shown(manager, task_id)
        assert [one for one in labels(shown) if one != "Undo"] == [one.text for one in readings]


async def test_behind_very_many_that_were_put_right_the_next_is_offered(
    world: World, run: Run, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshots, "_JUDGED", 2)
    async with run() as manager:
        words, task_id = await claimed(world, manager, engine, 7)
        for place, word in enumerate(words):
            await manager.learn(info_of(torrent(word), f"true {word}"))
            assert offer(word) in (await world.shown(manager, task_id)).html
            await world.choose(manager, task_id, "utf-8", position=place)
        assert "never verified" not in (await world.shown(manager, task_id)).html


async def test_a_note_with_a_typed_name_is_not_said_to_be_corrected_where_another_is_offered_behind_it(
    world: World, run: Run, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshots, "_JUDGED", 1)
    engine.knows("guess", guessed())
    async with run() as manager:
        typed = await world.add(f"{link('a', '18')} {link('guess')}", "a", "guess")
        behind = await world.add(link("b", "19"), "b")
        task_id = await world.calibrate(manager, typed, behind)
        await world.edit(typed, f"{link('a', 'Own')} {link('guess')}", ALICE)
        await world.choose(manager, task_id, "big5hkscs", position=1)
        assert "1 note corrected." in (await world.shown(manager, task_id)).html
        for word, name in (("a", TRUE_A), ("b", TRUE_B)):
            await manager.learn(info_of(torrent(word), name))
        shown = await world.shown(manager, task_id)
        assert ("note corrected" in shown.html, TRUE_B in labels(shown)) == (False, True)


async def test_a_card_of_many_reads_what_a_note_was_once(
    world: World, run: Run, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with run() as manager:
        words, task_id = await claimed(world, manager, engine, 20)
        for word in words:
            await manager.learn(info_of(torrent(word), f"true {word}"))
        read = Mock(side_effect=Writers)
        monkeypatch.setattr(overtaken, "Writers", read)
        assert offer(words[0]) in (await world.shown(manager, task_id)).html
        assert read.call_count == 1


async def test_the_names_of_hashes_are_offered_to_the_notes_that_have_claims(world: World, run: Run) -> None:
    async with run() as manager:
        note, _ = await calibrated(world, manager, pressed=True)
        await manager.learn(info_of(torrent("b"), TRUE_B))
        request = HashRequest(tuple((torrent(one), Hints()) for one in "ab"))
        task_id = await manager.submit_task(request=request, notebook=world.notebook, asked_by=ALICE, cause="command")
        await world.clock.advance(5)
        assert offer("b") in (await world.shown(manager, task_id)).html
        await world.choose(manager, task_id, "utf-8", position=1)
        assert await world.text(note) == text(A, TRUE_B)


@pytest.mark.parametrize("pressed", [True, False])
async def test_a_note_with_a_claim_is_calibrated_again_with_all_that_are_not(
    world: World, run: Run, *, pressed: bool
) -> None:
    async with run() as manager:
        note, _ = await calibrated(world, manager, pressed=pressed)
        assert await selected(world) == []
        await manager.learn(info_of(torrent("a"), TRUE_A))
        assert await selected(world) == [note]
        await world.calibrate(manager, note, named=False)
        assert await world.text(note) == text(TRUE_A, B if pressed else "19")
        assert await selected(world) == []

"""What a task says of notes that it did not change, and what it leaves to be asked for."""

import pytest

from services.calibration.manager import AsyncCalibrationManager
from services.calibration.task import NoteRequest, PassedOver
from services.notebook.edits import Edits
from services.notebook.history import History
from services.notebook.note import Uncalibrated
from services.notebook.notebook import Notebook
from services.store.store import Store
from services.torrents import NotebookId, NoteId, PersonId, TaskId
from tests.fake_clock import FakeClock
from tests.unit.conftest import Run
from tests.unit.fakes import FakeEngine, info_of, torrent
from tests.unit.name_world import guessed

ALICE = PersonId("tg:1")
LINK = f"magnet:?xt=urn:btih:{torrent('film').shown}"
GUESS = guessed("film")


class Home:
    """A notebook whose only note is *note*, and its people."""

    def __init__(self, store: Store, clock: FakeClock, notebook: NotebookId) -> None:
        self.store, self.clock, self.notebook = store, clock, notebook
        self.notes = Notebook(store, clock, lambda _: None)
        self.edits = Edits(store, clock, lambda _: None)
        self.note = NoteId(0)

    async def add(self, text: str) -> None:
        saved = await self.notes.save(text, notebook=self.notebook, person=ALICE, origin="one")
        assert saved is not None
        self.note = saved.note_id

    async def edit(self, text: str) -> None:
        await self.edits.apply(text, notebook=self.notebook, person=ALICE, origin="one")

    async def submit(self, manager: AsyncCalibrationManager) -> TaskId:
        return await manager.submit_task(
            request=NoteRequest((self.note,)), notebook=self.notebook, asked_by=ALICE, cause="command"
        )

    async def why(self, manager: AsyncCalibrationManager, task_id: TaskId) -> PassedOver | None:
        snapshot = await manager.get_task_status(task_id)
        assert snapshot is not None
        assert snapshot.first.found is not None
        return snapshot.first.passed_over

    async def left(self) -> list[NoteId]:
        """Return the notes that `/calibrate all` would take."""
        return list(await self.store.read(lambda tx: tx.notes.select(self.notebook, Uncalibrated(force=False), 10)))


@pytest.fixture
async def home(store: Store, clock: FakeClock, notebook: NotebookId, engine: FakeEngine) -> Home:
    engine.knows("film", "The Matrix (1999)")
    engine.delay = 5
    home = Home(store, clock, notebook)
    await home.add(LINK)
    return home


async def test_a_note_that_was_deleted_meanwhile_is_gone_and_when_it_is_back_it_is_still_to_be_calibrated(
    home: Home, run: Run, clock: FakeClock
) -> None:
    async with run() as manager:
        task_id = await home.submit(manager)
        await clock.advance(1)
        await home.notes.delete(home.notebook, home.note)
        await clock.advance(9)
        assert await home.why(manager, task_id) is PassedOver.GONE
        await home.notes.restore(home.notebook, home.note)
        assert await home.left() == [home.note]
        await home.submit(manager)
        await clock.advance(9)
        assert await home.left() == []


async def test_a_magnet_that_was_edited_away_meanwhile_is_gone(home: Home, run: Run, clock: FakeClock) -> None:
    async with run() as manager:
        task_id = await home.submit(manager)
        await clock.advance(1)
        await home.edit("nothing left")
        await clock.advance(9)
        assert await home.why(manager, task_id) is PassedOver.GONE


@pytest.mark.parametrize("elsewhere", ["written there for another", "there already", "undone there"])
async def test_of_a_note_that_is_gone_it_is_not_told_how_it_is_with_another(
    home: Home, run: Run, clock: FakeClock, store: Store, elsewhere: str
) -> None:
    named = "&dn=The%20Matrix%20%281999%29" if elsewhere == "there already" else ""
    other = await home.notes.save(f"{LINK}{named}", notebook=home.notebook, person=ALICE, origin=None)
    assert other is not None
    if elsewhere == "undone there":
        await store.write(lambda tx: tx.notes.pin(other.note_id, [torrent("film")], 1.0))
    async with run() as manager:
        task_id = await home.submit(manager)
        if elsewhere == "written there for another":
            await manager.submit_task(
                request=NoteRequest((other.note_id,)), notebook=home.notebook, asked_by=ALICE, cause="command"
            )
        await home.edit("nothing left")
        await clock.advance(9)
        assert await home.why(manager, task_id) is PassedOver.GONE


async def test_a_name_that_a_person_undid_meanwhile_is_passed_over(
    home: Home, run: Run, clock: FakeClock, store: Store
) -> None:
    async with run() as manager:
        task_id = await home.submit(manager)
        await clock.advance(1)
        await store.write(lambda tx: tx.notes.pin(home.note, [torrent("film")], 1.0))
        await clock.advance(9)
        assert await home.why(manager, task_id) is PassedOver.PINNED


async def test_a_name_that_was_undone_in_one_of_two_notes_is_not_said_to_stand_there(
    home: Home, run: Run, clock: FakeClock, store: Store
) -> None:
    await home.notes.save(f"{LINK}&dn=The%20Matrix%20%281999%29", notebook=home.notebook, person=ALICE, origin=None)
    async with run() as manager:
        task_id = await home.submit(manager)
        await clock.advance(1)
        await store.write(lambda tx: tx.notes.pin(home.note, [torrent("film")], 1.0))
        await clock.advance(9)
        assert await home.why(manager, task_id) is PassedOver.PINNED


async def test_a_name_that_stands_there_is_not_passed_over(home: Home, run: Run, clock: FakeClock) -> None:
    async with run() as manager:
        for _ in range(2):
            task_id = await home.submit(manager)
            await clock.advance(9)
            assert await home.why(manager, task_id) is None


async def test_a_name_that_was_undone_in_a_note_that_nobody_asked_for_is_not_passed_over_where_it_stands(
    home: Home, run: Run, clock: FakeClock, store: Store
) -> None:
    other = await home.notes.save(LINK, notebook=home.notebook, person=ALICE, origin=None)
    assert other is not None
    await store.write(lambda tx: tx.notes.pin(other.note_id, [torrent("film")], 1.0))
    await home.edit(f"{LINK}&dn=The%20Matrix%20%281999%29")
    async with run() as manager:
        task_id = await home.submit(manager)
        await clock.advance(9)
        assert await home.why(manager, task_id) is None


async def test_what_is_undone_later_changes_nothing_of_what_a_task_has_found_before(
    home: Home, run: Run, clock: FakeClock, store: Store
) -> None:
    history = History(store, clock, lambda _: None)
    async with run() as manager:
        pinned = await home.submit(manager)
        await clock.advance(1)
        await store.write(lambda tx: tx.notes.pin(home.note, [torrent("film")], 1.0))
        await clock.advance(9)
        await store.write(lambda tx: tx.notes.unpin(home.note))
        await home.submit(manager)
        await clock.advance(9)
        stood = await home.submit(manager)
        await clock.advance(9)
        for _ in range(2):
            await history.undo(home.notebook, home.note, person=ALICE)
            assert await home.why(manager, stood) is None
            assert await home.why(manager, pinned) is PassedOver.PINNED


@pytest.mark.parametrize("claimed", [True, False])
async def test_a_name_that_was_not_sure_is_known_to_have_been_so(
    home: Home, run: Run, clock: FakeClock, engine: FakeEngine, *, claimed: bool
) -> None:
    engine.knows("film", info_of(torrent("film"), "claimed.mkv", verified=False) if claimed else GUESS)
    async with run() as manager:
        task_id = await home.submit(manager)
        await clock.advance(9)
        assert await home.why(manager, task_id) is PassedOver.UNSURE
        await manager.learn(info_of(torrent("film"), "The Matrix (1999)"))
        assert await home.why(manager, task_id) is PassedOver.UNSURE

"""Whose the notes are that were kept without Telegram."""

import contextlib
import re
import sqlite3
from dataclasses import replace

import pytest

from services.access import Access
from services.calibration.task import NoteRequest
from services.errors import NoteNotFound
from services.metrics import Metrics
from services.notebook.history import History
from services.notebook.local import LOCAL, unite
from services.notebook.notebook import Notebook
from services.notebook.people import People
from services.notebook.ports import NotebookTx
from services.notebook.search import Search
from services.store.statements import load_migrations, load_queries
from services.store.store import Store
from services.torrents import Name, NotebookId, NoteId, PersonId
from tests.fake_clock import FakeClock
from tests.unit.conftest import Run
from tests.unit.fakes import FakeEngine, info_of, torrent

ALICE, BOB = PersonId("tg:1"), PersonId("tg:2")


class World:
    """One start of the program, as far as notebooks go."""

    def __init__(self, store: Store, clock: FakeClock) -> None:
        self.store, self.clock = store, clock
        self.notebook = Notebook(store, clock, lambda _: None)

    async def note(self, door: PersonId, text: str = "a word") -> NoteId:
        notebook = await self.notebook.behind(door)
        saved = await self.notebook.save(text, notebook=notebook, person=door, origin=None, anything=True)
        assert saved is not None
        return saved.note_id

    async def opens(self, door: PersonId) -> list[NoteId]:
        page = await self.notebook.page(await self.notebook.behind(door))
        return sorted(note.id for note in page.notes)

    async def known(self, door: PersonId) -> NotebookId | None:
        return await self.store.read(lambda tx: tx.notebooks.behind(door))

    async def start(self, *owners: PersonId) -> People:
        """Start with these owners in the settings."""
        people = await People(self.store, Access(owners=frozenset(owners)), self.clock).load()
        await people.share_local(owners)
        return people

    async def choose(self, notebook: NotebookId, name: Name, person: PersonId, at: float) -> None:
        await self.store.write(lambda tx: tx.names.choose(notebook, torrent("x"), name, person, at))

    async def unite(self, owner: PersonId) -> bool:
        return await self.store.write(lambda tx: unite(tx, owner))


@pytest.fixture
def world(store: Store, clock: FakeClock) -> World:
    return World(store, clock)


async def test_who_sends_the_code_has_the_notes_at_once(world: World) -> None:
    number = await world.note(LOCAL)
    people = await world.start()
    assert people.start_code is not None
    assert await people.claim(ALICE, people.start_code)
    assert await world.opens(ALICE) == [number]


async def test_where_it_fails_the_code_stays_good(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    people = await world.start()
    code = str(people.start_code)

    async def fail(tx: NotebookTx, owner: PersonId) -> bool:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr("services.notebook.people.unite", fail)
        with pytest.raises(ZeroDivisionError):
            await people.claim(ALICE, code)
    assert people.start_code == code
    assert await people.claim(ALICE, code)


async def test_a_wrong_code_has_nothing(world: World) -> None:
    number = await world.note(LOCAL)
    people = await world.start()
    assert not await people.claim(BOB, "wrong")
    assert (await world.known(BOB), await world.opens(LOCAL)) == (None, [number])


async def test_the_first_owner_of_the_settings_has_them_at_the_start(world: World) -> None:
    number = await world.note(LOCAL)
    await world.start(BOB, ALICE)
    assert (await world.opens(BOB), await world.known(ALICE)) == ([number], None)


async def test_an_owner_who_was_stored_has_them_at_the_start(world: World) -> None:
    people = await world.start()
    assert people.start_code is not None
    await people.claim(ALICE, people.start_code)
    number = await world.note(LOCAL)  # without Telegram again, before the owner has written a word
    await world.start()
    assert await world.opens(ALICE) == [number]


async def test_with_nobody_to_have_them_they_stay_where_they_are(world: World) -> None:
    number = await world.note(LOCAL)
    await world.start()
    assert await world.opens(LOCAL) == [number]


async def test_they_are_had_once_and_by_no_later_owner(world: World) -> None:
    number = await world.note(LOCAL)
    await world.start(ALICE)
    mine = await world.note(BOB)
    await world.start(BOB)
    assert (await world.opens(ALICE), await world.opens(BOB)) == ([number], [mine])
    assert not await world.unite(ALICE), "nor twice by the same"


async def test_without_telegram_again_the_same_notes_are_open(world: World) -> None:
    before = await world.note(LOCAL)
    await world.start(ALICE)
    after = await world.note(ALICE)
    await world.start()
    assert await world.opens(LOCAL) == [before, after]


async def test_an_owner_of_long_ago_opens_their_notes_without_telegram(world: World) -> None:
    number = await world.note(ALICE)
    await world.start(ALICE)
    assert await world.opens(LOCAL) == [number]


async def test_with_no_notes_at_all_nothing_is_made(world: World) -> None:
    assert not await world.unite(ALICE)
    assert (await world.known(LOCAL), await world.known(ALICE)) == (None, None)


# Both have notes.


async def test_both_notebooks_become_one_and_every_note_keeps_its_number(world: World) -> None:
    numbers = [await world.note(ALICE), await world.note(LOCAL), await world.note(ALICE), await world.note(LOCAL)]
    kept = await world.known(ALICE)
    await world.start(ALICE)
    assert await world.opens(ALICE) == await world.opens(LOCAL) == numbers
    assert await world.known(ALICE) == kept, "what was open in the chat goes on"


async def test_what_came_is_found_by_its_words_and_by_its_torrents(world: World) -> None:
    await world.note(ALICE)
    number = await world.note(LOCAL, f"holiday magnet:?xt=urn:btih:{torrent('x').shown.hex}")
    await world.start(ALICE)
    here = await world.notebook.behind(ALICE)
    lines, _ = await Search(world.store).lines(here, "holiday", 0)
    assert [line.note.id for line in lines] == [number]
    assert await world.store.read(lambda tx: tx.notes.numbers_having(here, [torrent("x")])) == [number]


async def test_a_note_that_was_put_away_can_be_taken_back_there(world: World) -> None:
    mine, number = await world.note(ALICE), await world.note(LOCAL)
    await world.notebook.delete(await world.notebook.behind(LOCAL), number)
    await world.start(ALICE)
    assert await world.opens(ALICE) == [mine]
    await world.notebook.restore(await world.notebook.behind(ALICE), number)
    assert await world.opens(ALICE) == [mine, number]


async def test_a_task_under_way_writes_its_name_there_and_can_be_undone(
    world: World, run: Run, engine: FakeEngine
) -> None:
    engine.names[torrent("x")] = "x.iso"
    text = f"magnet:?xt=urn:btih:{torrent('x').shown.hex}"
    await world.note(ALICE)
    number = await world.note(LOCAL, text)
    async with run() as manager:
        task = await manager.submit_task(
            request=NoteRequest((number,)), notebook=await world.notebook.behind(LOCAL), asked_by=LOCAL, cause="api"
        )
        await world.unite(ALICE)  # by the code: while it is at work
        await world.clock.advance(5)
        here = await world.notebook.behind(ALICE)
        assert "x.iso" in (await world.notebook.get(here, number)).text
        tasks = await manager.changes_since(0, notebooks=[here])
        assert [one.task.id for one in tasks.tasks] == [task]
        history = History(world.store, world.clock, lambda _: None)
        await history.undo(here, number, person=ALICE)
        assert (await world.notebook.get(here, number)).text == text


async def test_what_was_looked_up_there_counts_for_the_figures_of_both(
    world: World, run: Run, engine: FakeEngine
) -> None:
    await world.note(ALICE)
    async with run() as manager:
        for door in (ALICE, LOCAL):
            number = await world.note(door, f"magnet:?xt=urn:btih:{torrent(door).shown.hex}")
            notebook = await world.notebook.behind(door)
            await manager.submit_task(request=NoteRequest((number,)), notebook=notebook, asked_by=door, cause="api")
        await world.clock.advance(100)
        await world.unite(ALICE)
        here = await world.notebook.behind(ALICE)
        figures = await Metrics(world.store, manager, world.clock).figures(notebooks=[here])
        assert sum(figures.outcomes.values()) == 2


def test_no_table_goes_on_with_a_notebook_that_has_become_part_of_another() -> None:
    queries = " ".join(text for name, text in load_queries().items() if name.startswith(("join_", "forget_")))
    with contextlib.closing(sqlite3.connect(":memory:")) as database:
        for script in load_migrations():
            database.executescript(script)
        rows = database.execute(
            "SELECT tables.name FROM pragma_table_list AS tables JOIN pragma_table_info(tables.name) AS columns "
            "WHERE tables.type = 'table' AND columns.name = 'notebook_id'"
        ).fetchall()
    named = {str(name) for (name,) in rows}
    assert {"chosen_names", "replaced_claims"} <= named
    assert {"notes", "tasks", "notebook_lookups"} <= named
    assert [one for one in sorted(named) if not re.search(rf"(UPDATE|DELETE FROM) {one}\b", queries)] == []


@pytest.mark.parametrize("later", [ALICE, LOCAL])
async def test_of_two_readings_of_a_name_the_later_one_counts(world: World, later: PersonId) -> None:
    info = info_of(torrent("x"), "x.iso", certain=False)
    await world.store.write(lambda tx: tx.names.put([info], 1.0))
    for door in (ALICE, LOCAL):
        notebook = await world.notebook.behind(door)
        name = replace(info.name, text=f"by {door}", chosen=True)
        await world.choose(notebook, name, door, 3.0 if door == later else 2.0)
    await world.start(ALICE)
    chosen = await world.store.read(lambda tx: tx.names.chosen([torrent("x")]))
    assert [(where, name.text) for (where, _), name in chosen.items()] == [(await world.known(ALICE), f"by {later}")]


async def test_a_crash_in_the_middle_changes_nothing(world: World) -> None:
    mine, number = await world.note(ALICE), await world.note(LOCAL)

    async def crash(tx: NotebookTx) -> None:
        await unite(tx, ALICE)
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await world.store.write(crash)
    assert (await world.opens(ALICE), await world.opens(LOCAL)) == ([mine], [number])
    with pytest.raises(NoteNotFound):
        await world.notebook.get(await world.notebook.behind(ALICE), number)
    await world.start(ALICE)
    assert await world.opens(ALICE) == [mine, number]

"""A page of a note's history is what its whole history says there, and reads no more texts than it tells of."""

import asyncio
import sqlite3
import tempfile
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from handlers import history_view
from handlers.notes import history_message
from services.calibration.manager import AsyncCalibrationManager
from services.calibration.task import NoteRequest
from services.errors import AllUndone, CalibotError, LookupFailed, NoteNotFound
from services.i18n import ENGLISH
from services.notebook.differences import Difference, differences
from services.notebook.edits import Edits
from services.notebook.history import History
from services.notebook.note import Cause, Change, Step, steps_of
from services.notebook.notebook import Notebook
from services.store.statements import Parameters, Statements
from services.store.store import Store, Tx
from services.torrents import NotebookId, NoteId, PersonId, TaskId
from tests.fake_clock import FakeClock
from tests.inline_store import inline_store
from tests.unit.fakes import FakeEngine
from tests.unit.name_world import link

ALICE, BOB = PersonId("tg:1"), PersonId("tg:2")
HERE = "tg:1#5"


def together(steps: Sequence[Step]) -> Iterator[Step]:
    """Yield the steps, oldest first; an edit and the names that were carried over it are one."""
    for step, following in zip_longest(steps, steps[1:]):
        if step.change.cause == Cause.CARRIED:
            continue
        if following is not None and following.change.cause == Cause.CARRIED:
            yield replace(step, version=following.version, after=following.after)
        else:
            yield step


class Writer:
    """A note that is written, edited in its message and elsewhere, and undone."""

    def __init__(self, store: Store, notebook: NotebookId, clock: FakeClock, manager: AsyncCalibrationManager) -> None:
        self.store, self.notebook, self.clock, self.manager = store, notebook, clock, manager
        self.history = History(store, clock, lambda _: None)
        self.edits = Edits(store, clock, lambda _: None)
        self.kept = Notebook(store, clock, lambda _: None)
        self.tasks: list[TaskId] = []
        self.words = 0

    def text(self, name: str) -> str:
        self.words += 1
        return f"{self.words}: {link('a', name)} {link('late', '18')}"

    async def save(self) -> NoteId:
        text = self.text("18")
        saved = await self.kept.save(text, notebook=self.notebook, person=ALICE, origin=HERE)
        assert saved is not None
        return saved.note_id

    async def act(self, note_id: NoteId, move: str) -> None:
        note = await self.kept.get(self.notebook, note_id)
        match move:
            case "calibrate":
                request = NoteRequest((note_id,), named=(note_id,))
                self.tasks.append(
                    await self.manager.submit_task(
                        request=request, notebook=self.notebook, asked_by=ALICE, cause="command"
                    )
                )
            case "retry":
                for task in self.tasks[-1:]:
                    await self.manager.retry_task(task, notebook=self.notebook, asked_by=ALICE)
            case "undo":
                await self.history.undo(self.notebook, note_id, person=BOB)
            case "undo task":
                for task in self.tasks[-1:]:
                    await self.history.undo_task(self.notebook, task, person=BOB)
            case "edit":  # names that were written are carried over it
                await self.edits.apply(self.text("18"), notebook=self.notebook, person=BOB, origin=HERE)
            case "type a name":
                await self.edits.apply(self.text("mine"), notebook=self.notebook, person=BOB, origin=HERE)
            case "elsewhere":
                await self.edits.replace(
                    self.text("18"), notebook=self.notebook, note_id=note_id, expected=note.version, person=BOB
                )
        await self.clock.advance(5)


MOVES = st.sampled_from(["calibrate", "retry", "undo", "undo task", "edit", "type a name", "elsewhere"])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@example([])
@example(["calibrate", "edit", "edit", "undo", "edit", "calibrate", "edit"])
@example(["calibrate", "retry", "edit", "elsewhere", "undo"])
@given(st.lists(MOVES, max_size=10))
def test_the_pages_put_together_are_the_whole_history_newest_first(moves: list[str]) -> None:
    async def run(folder: Path) -> None:
        clock = FakeClock()
        engine = FakeEngine(clock)
        engine.knows("a", "a.iso")
        engine.knows("late", LookupFailed())
        async with (
            inline_store(folder / "calibot.db") as store,
            AsyncCalibrationManager(engine, tasks=store, clock=clock) as manager,
        ):
            notebook = await store.write(lambda tx: tx.notebooks.open("tg:1", 1.0))
            writer = Writer(store, notebook, clock, manager)
            note_id = await writer.save()
            for move in moves:
                if move == "retry":
                    engine.knows("late", "late.iso")
                try:
                    await writer.act(note_id, move)
                except (AllUndone, CalibotError):
                    continue
            await paged(writer, note_id)

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run(Path(folder)))


async def paged(writer: Writer, note_id: NoteId) -> None:
    """Compare every page, of every size, with the whole history."""
    note = await writer.kept.get(writer.notebook, note_id)
    revisions = await writer.store.read(lambda tx: tx.notes.revisions(note_id))
    whole = list(together(steps_of(note, revisions)))[::-1]
    for size in range(1, len(whole) + 2):
        told: list[Step] = []
        pages = max(1, -(-len(whole) // size))
        for number in range(pages):
            page = await writer.history.page(writer.notebook, note_id, page=number, size=size)
            assert (page.page, page.total, page.version) == (number, len(whole), note.version)
            told += page.steps
        assert told == whole
        for beyond, nearest in ((-1, 0), (pages, pages - 1), (2**40, pages - 1)):
            page = await writer.history.page(writer.notebook, note_id, page=beyond, size=size)
            assert page.page == nearest
            assert list(page.steps) == whole[nearest * size : (nearest + 1) * size]


@pytest.fixture
async def note_id(store: Store, notebook: NotebookId, clock: FakeClock) -> NoteId:
    """A note that was edited thirty times; over each of the newest twenty, names were carried."""
    saved = await Notebook(store, clock, lambda _: None).save(
        link("a"), notebook=notebook, person=ALICE, origin=HERE, anything=True
    )
    assert saved is not None

    async def edit(tx: Tx) -> None:
        for number in range(30):
            for cause in [Cause.EDIT, Cause.CARRIED][: 1 if number < 10 else 2]:
                note = await tx.notes.get(notebook, saved.note_id)
                assert note is not None
                change = Change(cause=cause, person=ALICE, task_id=None, at=float(number))
                await tx.notes.replace_text(note, f"{number} {cause}", change)

    await store.write(edit)
    return saved.note_id


@pytest.mark.parametrize(("page", "texts"), [(0, 1 + 5), (1, 1 + 6), (5, 1 + 6), (9, 1 + 6)])
async def test_a_page_reads_the_texts_of_its_steps_alone(
    page: int, texts: int, store: Store, notebook: NotebookId, note_id: NoteId, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    run = Statements.run

    async def watched(statements: Statements, sql: str, parameters: Parameters | None = None) -> Sequence[sqlite3.Row]:
        rows = await run(statements, sql, parameters)
        read.extend(row["text"] for row in rows if "text" in row.keys())  # noqa: SIM118 - a row is no mapping
        return rows

    monkeypatch.setattr(Statements, "run", watched)
    found = await History(store, FakeClock(), lambda _: None).page(notebook, note_id, page=page, size=5)
    assert (len(found.steps), found.total) == (5, 30)
    assert len(read) == texts


async def test_another_notebooks_history_is_not_told(store: Store, notebook: NotebookId, note_id: NoteId) -> None:
    with pytest.raises(NoteNotFound):
        await History(store, FakeClock(), lambda _: None).page(NotebookId(notebook + 1), note_id, page=0, size=5)


async def test_a_chat_goes_on_while_long_texts_are_compared(
    store: Store, notebook: NotebookId, note_id: NoteId, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: set[int] = set()

    def compared(step: Step) -> Sequence[Difference]:
        threads.add(threading.get_ident())
        return differences(step)

    monkeypatch.setattr(history_view, "differences", compared)
    message = await history_message(History(store, FakeClock(), lambda _: None), ENGLISH, notebook, note_id, 1)
    assert "25 · edited" in message.html
    assert threads
    assert threading.get_ident() not in threads

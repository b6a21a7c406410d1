"""What is read for one notebook costs the same, however much others keep: counted in steps of SQLite's machine."""

from collections.abc import Awaitable, Callable, Sequence

import pytest

from services.calibration.task import State
from services.decoding import decode
from services.notebook.note import Latest, Mark, Note, Numbered, Uncalibrated
from services.store.store import Store, Tx
from services.torrents import FileEntry, NotebookId, NoteId, PersonId, TaskId, TorrentId, TorrentInfo
from tests.unit.fakes import torrent

ALICE = PersonId("tg:1")
GUESS = decode("三国演义".encode("gbk"))
MINE = [[torrent(f"mine {note} {place}") for place in range(4)] for note in range(5)]
FLAT = [one for torrents in MINE for one in torrents]

Reading = Callable[[Tx, NotebookId, Sequence[NoteId]], Awaitable[object]]
READINGS: dict[str, Reading] = {
    "undecided": lambda tx, _, notes: tx.notes.undecided(notes),
    "uncalibrated": lambda tx, _, notes: tx.notes.uncalibrated(notes),
    "those": lambda tx, notebook, notes: tx.notes.those(notebook, notes),
    "having": lambda tx, notebook, _: tx.notes.having(notebook, FLAT),
    "pinned": lambda tx, notebook, _: tx.notes.pinned(notebook, FLAT),
    "numbers having": lambda tx, notebook, _: tx.notes.numbers_having(notebook, FLAT),
    "not calibrated": lambda tx, notebook, _: tx.notes.select(notebook, Uncalibrated(force=True), 100),
    "the latest": lambda tx, notebook, _: tx.notes.select(notebook, Latest(100), 100),
    "numbered": lambda tx, notebook, notes: tx.notes.select(notebook, Numbered(((notes[0], notes[-1]),)), 100),
    "known": lambda tx, notebook, _: tx.facts.of(notebook, FLAT),
    "verified": lambda tx, _, __: tx.names.verified(FLAT),
    "page": lambda tx, notebook, _: tx.notes.page(notebook, limit=11),
}


async def keep(store: Store, notebook: NotebookId, torrents: Sequence[TorrentId]) -> NoteId:
    """Keep a note of *torrents* whose names are guesses; some were chosen, some are pinned."""
    note = Note(
        id=NoteId(0), notebook=notebook, text="x", version=1, origin=None, person=ALICE, created_at=1.0, changed_at=1.0
    )
    infos = [
        TorrentInfo(torrent=one, name=GUESS, size=1, files=(FileEntry("a", 1),), source="swarm", verified=True)
        for one in torrents
    ]
    marks = [Mark(notebook=notebook, torrent=one, outcome=State.COMPLETED, task_id=TaskId("t")) for one in torrents]

    async def kept(tx: Tx) -> NoteId:
        note_id = await tx.notes.insert(note, torrents)
        await tx.names.put(infos, 1.0)
        await tx.notes.mark(marks, 1.0)
        for one in torrents[:2]:
            await tx.names.choose(notebook, one, GUESS, ALICE, 1.0)
        await tx.notes.pin(note_id, torrents[1:3], 1.0)
        return note_id

    return await store.write(kept)


async def steps_of(store: Store, reading: Callable[[Tx], Awaitable[object]]) -> int:
    steps = 0

    def step() -> None:
        nonlocal steps
        steps += 1

    sqlite = store._writer._connection.sqlite
    sqlite.set_progress_handler(step, 1)
    try:
        await store.write(reading)
    finally:
        sqlite.set_progress_handler(None, 1)
    return steps


@pytest.mark.parametrize("name", READINGS)
async def test_what_others_keep_costs_a_reader_nothing(name: str, store: Store) -> None:
    mine, theirs = [await store.write(lambda tx, d=door: tx.notebooks.open(d, 1.0)) for door in ("tg:1", "tg:2")]  # type: ignore[misc]
    notes = [await keep(store, mine, torrents) for torrents in MINE]

    async def reading(tx: Tx) -> object:
        return await READINGS[name](tx, mine, notes)

    alone = await steps_of(store, reading)
    assert alone > 0
    others = [[torrent(f"their {note} {place}") for place in range(4)] for note in range(50)]
    for torrents in others:
        await keep(store, theirs, torrents)
    # Where a row of theirs stands behind the last one of mine, seeing that costs a step.
    assert await steps_of(store, reading) - alone < len(others)

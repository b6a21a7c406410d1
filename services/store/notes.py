"""Rows of notes, their torrents and their earlier texts."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence

from services.calibration.task import State
from services.notebook.note import Change, Mark, Note
from services.store import codec
from services.store.statements import Parameters, Statements
from services.torrents import NotebookId, NoteId, PersonId, TorrentId


class NoteRows:
    """See `services.notebook.ports.Notes`."""

    def __init__(self, statements: Statements) -> None:
        self._run = statements

    async def insert(self, note: Note, torrents: Iterable[TorrentId]) -> NoteId:
        row = await self._run.one(
            "insert_note",
            notebook_id=note.notebook,
            text=note.text,
            origin=note.origin,
            person=note.person,
            created_at=note.created_at,
        )
        assert row is not None  # noqa: S101 - RETURNING gives the row
        note_id = NoteId(row["id"])
        await self._run.many(
            "insert_note_hash",
            [
                {"note_id": note_id, "info_hash": one.hex, "notebook_id": note.notebook}
                for torrent in torrents
                for one in torrent.hashes
            ],
        )
        return note_id

    async def get(self, notebook: NotebookId, note_id: NoteId) -> Note | None:
        if not 0 < note_id < 2**63:  # what sqlite can hold: beyond it there is no note
            return None
        row = await self._run.one("note", id=note_id, notebook_id=notebook)
        return _note(row) if row else None

    async def having(self, notebook: NotebookId, torrents: Sequence[TorrentId]) -> Mapping[TorrentId, Sequence[Note]]:
        having: dict[TorrentId, list[Note]] = {}
        rows = await self._run.all("notes_having", notebook_id=notebook, torrents=codec.torrents_to_json(torrents))
        for row in rows:
            having.setdefault(torrents[row["place"]], []).append(_note(row))
        return having

    async def replace_text(self, note: Note, text: str, change: Change) -> bool:
        await self._run.one(
            "keep_revision",
            id=note.id,
            expected=note.version,
            cause=change.cause,
            change_person=change.person,
            task_id=change.task_id,
            at=change.at,
        )
        row = await self._run.one("replace_note_text", id=note.id, expected=note.version, text=text, at=change.at)
        return row is not None

    async def mark(self, marks: Sequence[Mark], at: float) -> None:
        rows: dict[bool, list[Parameters]] = {True: [], False: []}
        for one in marks:
            failed_pair = one.outcome != State.COMPLETED and bool(one.torrent.v1 and one.torrent.v2)
            rows[failed_pair].append(_mark_row(one, at))
        await self._run.many("mark_notes_with_both_hashes", rows[True])
        await self._run.many("mark_note_hashes", rows[False])

    async def earlier_texts(self, note_id: NoteId) -> Sequence[str]:
        return [row["text"] for row in await self._run.all("earlier_texts", note_id=note_id)]


def _mark_row(mark: Mark, at: float) -> Parameters:
    return {
        "notebook_id": mark.notebook,
        "v1": codec.hex_of(mark.torrent.v1),
        "v2": codec.hex_of(mark.torrent.v2),
        "outcome": mark.outcome,
        "task_id": mark.task_id,
        "at": at,
    }


def _note(row: sqlite3.Row) -> Note:
    return Note(
        id=NoteId(row["id"]),
        notebook=NotebookId(row["notebook_id"]),
        text=row["text"],
        version=row["version"],
        origin=row["origin"],
        person=PersonId(row["person"]),
        created_at=row["created_at"],
        changed_at=row["changed_at"],
    )

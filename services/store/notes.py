"""Rows of notes, their torrents and their earlier texts."""

import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import accumulate, permutations

from services.calibration.choice import choices
from services.calibration.task import State
from services.notebook.note import (
    MOST_TORRENTS,
    Cause,
    Change,
    Latest,
    Mark,
    Note,
    Numbered,
    Revision,
    Selection,
    Uncalibrated,
    Whereabouts,
)
from services.store import codec
from services.store.names import name_from
from services.store.statements import Parameters, Statements
from services.store.words import WordRows
from services.torrents import Name, NotebookId, NoteId, PersonId, TaskId, TorrentId

_GUESSES_READ = 5  # of a note: a long one is read anew in each of its encodings
_BEYOND = 2**63  # what sqlite can hold: from here on there is no note


class NoteRows:
    """See `services.notebook.ports.Notes`."""

    def __init__(self, statements: Statements, words: WordRows) -> None:
        self._run = statements
        self._words = words

    async def insert(self, note: Note, torrents: Iterable[TorrentId]) -> NoteId:
        row = await self._run.one(
            "insert_note",
            notebook_id=note.notebook,
            text=note.text,
            origin=note.origin,
            person=note.person,
            created_at=note.created_at,
            source=note.source,
        )
        assert row is not None  # noqa: S101 - RETURNING gives the row
        note_id = NoteId(row["id"])
        await self._add_torrents(note_id, note.notebook, torrents)
        await self._words.refresh([note_id])
        return note_id

    async def _add_torrents(self, note_id: NoteId, notebook: NotebookId, torrents: Iterable[TorrentId]) -> None:
        rows: list[Parameters] = [
            {"note_id": note_id, "info_hash": one.hex, "notebook_id": notebook}
            for torrent in torrents
            for one in torrent.hashes
        ]
        await self._run.many("insert_note_hash", rows)

    async def get(self, notebook: NotebookId, note_id: NoteId) -> Note | None:
        return next(iter(await self.those(notebook, [note_id])), None)

    async def those(self, notebook: NotebookId, note_ids: Collection[NoteId]) -> Sequence[Note]:
        ids = codec.dump([one for one in note_ids if 0 < one < _BEYOND])
        return [_note(row) for row in await self._run.all("notes", ids=ids, notebook_id=notebook)]

    async def whereabouts(self, note_ids: Collection[NoteId]) -> Sequence[Whereabouts]:
        rows = await self._run.all("whereabouts", ids=codec.dump(list(note_ids)))
        return [
            Whereabouts(
                id=NoteId(row["id"]),
                notebook=NotebookId(row["notebook_id"]),
                version=row["version"],
                deleted=bool(row["deleted"]),
            )
            for row in rows
        ]

    async def select(self, notebook: NotebookId, selection: Selection, limit: int) -> Sequence[NoteId]:
        match selection:
            case Numbered(ranges):
                within = [(low, min(high, _BEYOND - 1)) for low, high in ranges if low < _BEYOND]
                rows = await self._run.all(
                    "select_numbered", notebook_id=notebook, ranges=codec.dump(within), limit=limit
                )
            case Uncalibrated(force):
                meant = await self._run.all(
                    "select_uncalibrated", notebook_id=notebook, force=force, limit=limit, most_torrents=MOST_TORRENTS
                )
                torrents = accumulate(row["fresh"] for row in meant)
                rows = [row for row, many in zip(meant, torrents, strict=True) if many <= MOST_TORRENTS]
            case Latest(count):
                rows = await self._run.all("select_latest", notebook_id=notebook, limit=min(count, limit))
        return sorted(NoteId(row["id"]) for row in rows)

    async def from_origin(self, origin: str) -> Note | None:
        row = await self._run.one("note_from_origin", origin=origin)
        return _note(row) if row else None

    async def deleted_from(self, origin: str) -> Note | None:
        row = await self._run.one("deleted_note_from_origin", origin=origin)
        return _note(row) if row else None

    async def numbers_having(self, notebook: NotebookId, torrents: Iterable[TorrentId]) -> Sequence[NoteId]:
        hashes = codec.dump([one.hex for torrent in torrents for one in torrent.hashes])
        return [NoteId(row["id"]) for row in await self._run.all("numbers_having", notebook_id=notebook, hashes=hashes)]

    async def uncalibrated(self, note_ids: Collection[NoteId]) -> Collection[NoteId]:
        rows = await self._run.all("uncalibrated_among", ids=codec.dump(list(note_ids)))
        return {NoteId(row["note_id"]) for row in rows}

    async def undecided(self, note_ids: Collection[NoteId]) -> Collection[NoteId]:
        rows = await self._run.all("undecided_among", ids=codec.dump(list(note_ids)), most=_GUESSES_READ + 1)
        guesses: dict[NoteId, list[tuple[Name, bool]]] = {}
        for row in rows:
            guesses.setdefault(NoteId(row["note_id"]), []).append((name_from(row), bool(row["verified"])))
        few = {note: set(names) for note, names in guesses.items() if len(names) <= _GUESSES_READ}
        each_once = set[tuple[Name, bool]]().union(*few.values())
        to_choose = {(name, verified) for name, verified in each_once if choices(name, verified=verified)}
        return {note for note in guesses if note not in few or few[note] & to_choose}

    async def having(self, notebook: NotebookId, torrents: Sequence[TorrentId]) -> Mapping[TorrentId, Sequence[Note]]:
        having: dict[TorrentId, list[Note]] = {}
        rows = await self._run.all("notes_having", notebook_id=notebook, torrents=codec.torrents_to_json(torrents))
        for row in rows:
            having.setdefault(torrents[row["place"]], []).append(_note(row))
        return having

    async def pinned(self, notebook: NotebookId, torrents: Sequence[TorrentId]) -> Collection[tuple[NoteId, TorrentId]]:
        rows = await self._run.all("pinned_notes", notebook_id=notebook, torrents=codec.torrents_to_json(torrents))
        return {(NoteId(row["note_id"]), torrents[row["place"]]) for row in rows}

    async def pin(self, note_id: NoteId, torrents: Iterable[TorrentId], at: float) -> None:
        await self._run.many("insert_pin", [{"at": at, **one} for one in _hashes_of(note_id, torrents)])

    async def unpin(self, note_id: NoteId, torrents: Iterable[TorrentId] | None = None) -> None:
        if torrents is None:
            await self._run.one("delete_pins", note_id=note_id)
        else:
            await self._run.many("delete_pin", _hashes_of(note_id, torrents))

    async def replace_text(self, note: Note, text: str, change: Change) -> bool:
        about: Parameters = {
            "id": note.id,
            "expected": note.version,
            "cause": change.cause,
            "change_person": change.person,
            "task_id": change.task_id,
            "at": change.at,
            "apart": change.apart,
        }
        if await self._run.one("extend_revision", others=codec.dump(list(Cause)), **about) is None:
            await self._run.one("keep_revision", **about)
        row = await self._run.one("replace_note_text", id=note.id, expected=note.version, text=text, at=change.at)
        if row is not None:
            await self._changed(note.id)
        return row is not None

    async def set_torrents(self, note: Note, torrents: Iterable[TorrentId]) -> None:
        torrents = list(torrents)
        hashes = [one.hex for torrent in torrents for one in torrent.hashes]
        await self._run.one("delete_other_note_hashes", note_id=note.id, hashes=codec.dump(hashes))
        await self._add_torrents(note.id, note.notebook, torrents)
        await self._changed(note.id)

    async def mark_typed(self, note_id: NoteId, torrents: Iterable[TorrentId], at: float | None) -> None:
        hashes = [one.hex for torrent in torrents for one in torrent.hashes]
        await self._run.one("mark_typed", note_id=note_id, hashes=codec.dump(hashes), at=at)

    async def share_typed(self, note_id: NoteId, torrents: Iterable[TorrentId]) -> None:
        rows: list[Parameters] = [
            {"note_id": note_id, "info_hash": one, "other": other}
            for torrent in torrents
            for one, other in permutations([half.hex for half in torrent.hashes], 2)
        ]
        await self._run.one("unshare_typed", note_id=note_id)  # for good, where its link lost the name or a hash
        await self._run.many("share_typed", rows)

    async def reopen_halves(self, note_id: NoteId) -> None:
        await self._run.one("reopen_halves", note_id=note_id)

    async def mark(self, marks: Sequence[Mark], at: float) -> None:
        rows: dict[bool, list[Parameters]] = {True: [], False: []}
        for one in marks:
            failed_pair = one.outcome != State.COMPLETED and bool(one.torrent.v1 and one.torrent.v2)
            rows[failed_pair].append(_mark_row(one, at))
        await self._run.many("mark_notes_with_both_hashes", rows[True])
        await self._run.many("mark_note_hashes", rows[False])

    async def revisions(self, note_id: NoteId) -> Sequence[Revision]:
        return [_revision(row) for row in await self._run.all("revisions", note_id=note_id)]

    async def count_steps(self, note_id: NoteId) -> int:
        row = await self._run.one("count_steps", note_id=note_id)
        assert row is not None  # noqa: S101 - a count is a row
        return int(row["steps"])

    async def last_cause(self, note_id: NoteId) -> str | None:
        row = await self._run.one("last_cause", note_id=note_id)
        return None if row is None else row["cause"]

    async def page_of_steps(self, note_id: NoteId, *, skip: int, limit: int) -> Sequence[Revision]:
        rows = await self._run.all("page_of_steps", note_id=note_id, skip=skip, limit=limit)
        return [_revision(row) for row in rows]

    async def written_by(self, notebook: NotebookId, task_id: TaskId) -> Sequence[Note]:
        rows = await self._run.all("notes_written_by", notebook_id=notebook, task_id=task_id)
        return [_note(row) for row in rows]

    async def page(
        self, notebook: NotebookId, *, before: NoteId | None = None, skip: int = 0, limit: int
    ) -> Sequence[Note]:
        older_than = None if before is None else min(before, _BEYOND - 1)
        rows = await self._run.all("page_of_notes", notebook_id=notebook, before=older_than, skip=skip, limit=limit)
        return [_note(row) for row in rows]

    async def page_after(self, notebook: NotebookId, *, after: NoteId, limit: int) -> Sequence[Note]:
        rows = await self._run.all(
            "page_of_notes_after", notebook_id=notebook, after=min(after, _BEYOND - 1), limit=limit
        )
        return [_note(row) for row in rows]

    async def delete(self, note_id: NoteId, at: float) -> None:
        await self._run.one("delete_note", id=note_id, at=at)
        await self._changed(note_id)

    async def restore(self, notebook: NotebookId, note_id: NoteId, since: float) -> bool:
        if not 0 < note_id < _BEYOND:
            return False
        row = await self._run.one("restore_note", id=note_id, notebook_id=notebook, since=since)
        if row is not None:
            await self._changed(note_id)
        return row is not None

    async def _changed(self, note_id: NoteId) -> None:
        """Have it found by the words that it has now, and the cards that speak of it shown once more."""
        await self._words.refresh([note_id])
        await self._run.one("renew_followers", note_id=note_id)

    async def put_away(self, notebook: NotebookId, note_id: NoteId, since: float) -> bool:
        row = await self._run.one("note_put_away", id=note_id, notebook_id=notebook, since=since)
        return row is not None

    async def purge(self, before: float) -> None:
        await self._run.one("purge_notes", before=before)


def _hashes_of(note_id: NoteId, torrents: Iterable[TorrentId]) -> list[dict[str, str | float]]:
    return [{"note_id": note_id, "info_hash": one.hex} for torrent in torrents for one in torrent.hashes]


def _revision(row: sqlite3.Row) -> Revision:
    change = Change(
        cause=row["cause"],
        person=PersonId(row["person"]),
        task_id=TaskId(row["task_id"]) if row["task_id"] else None,
        at=row["at"],
        apart=bool(row["apart"]),
    )
    return Revision(version=row["version"], text=row["text"], change=change)


def _mark_row(mark: Mark, at: float) -> Parameters:
    return {
        "notebook_id": mark.notebook,
        "v1": codec.hex_of(mark.torrent.v1),
        "v2": codec.hex_of(mark.torrent.v2),
        "outcome": mark.outcome,
        "notes": None if mark.notes is None else codec.dump(list(mark.notes)),
        "task_id": mark.task_id,
        "asked_at": mark.asked_at,
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
        source=row["source"],
    )

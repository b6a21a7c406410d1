"""Notes: kept as they were written."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from services.clock import Clock
from services.errors import NoteNotFound, TooMany
from services.magnets.parse import Magnet, find_magnets
from services.notebook.note import Note, Selection, Uncalibrated
from services.notebook.once import once
from services.notebook.ports import NotebookStore, NotebookTx
from services.torrents import NotebookId, NoteId, PersonId

_MOST_SELECTED = 1000


@dataclass(frozen=True, slots=True)
class Saved:
    """What saving a text did: its note's number, and how many magnets and distinct torrents it has."""

    note_id: NoteId
    magnets: int
    torrents: int

    @classmethod
    def from_json(cls, text: str) -> Self:
        value = json.loads(text)
        return cls(NoteId(value["note_id"]), value["magnets"], value["torrents"])

    def to_json(self) -> str:
        return json.dumps({"note_id": self.note_id, "magnets": self.magnets, "torrents": self.torrents})


class Notebook:
    """The notes behind every door."""

    def __init__(self, store: NotebookStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def behind(self, door: str) -> NotebookId:
        """Return the notebook that *door* (a chat's address) opens; a new one at its first use."""
        known = await self._store.read(lambda tx: tx.notebooks.behind(door))
        return (
            known
            if known is not None
            else await self._store.write(lambda tx: tx.notebooks.open(door, self._clock.now()))
        )

    async def save(
        self, text: str, *, notebook: NotebookId, person: PersonId, origin: str | None, request_key: str | None = None
    ) -> Saved | None:
        """Keep *text*, byte for byte, as a note if it has a magnet; None, and nothing is kept, where it has none."""
        magnets = find_magnets(text)
        if not magnets:
            return None
        now = self._clock.now()
        note = Note(
            id=NoteId(0),
            notebook=notebook,
            text=text,
            version=1,
            origin=origin,
            person=person,
            created_at=now,
            changed_at=now,
        )

        async def save(tx: NotebookTx) -> str:
            return await once(tx, request_key, now, lambda: _insert(tx, note, magnets))

        return Saved.from_json(await self._store.write(save))

    async def select(self, notebook: NotebookId, selection: Selection) -> Sequence[NoteId]:
        """Return the numbers of the notes that are meant, rising; of `Uncalibrated` the first 1,000.

        Raises:
            NoteNotFound: there is none here.
            TooMany: more than 1,000 were asked for.
        """
        chosen = await self._store.read(lambda tx: tx.notes.select(notebook, selection, _MOST_SELECTED + 1))
        if not chosen:
            raise NoteNotFound
        if len(chosen) > _MOST_SELECTED and not isinstance(selection, Uncalibrated):
            raise TooMany(most=_MOST_SELECTED)
        return chosen[:_MOST_SELECTED]

    async def get(self, notebook: NotebookId, note_id: NoteId) -> Note:
        """Return the note.

        Raises:
            NoteNotFound: it is unknown or another notebook's.
        """
        note = await self._store.read(lambda tx: tx.notes.get(notebook, note_id))
        if note is None:
            raise NoteNotFound(note_id=note_id)
        return note


async def _insert(tx: NotebookTx, note: Note, magnets: tuple[Magnet, ...]) -> str:
    torrents = list(dict.fromkeys(torrent for magnet in magnets for torrent in magnet.torrents))
    note_id = await tx.notes.insert(note, torrents)
    return Saved(note_id, len(magnets), len(torrents)).to_json()

"""Notes: kept as they were written, shown in pages, put away and taken back."""

import asyncio
import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

from services.clock import Clock
from services.errors import AllCalibrated, KeptAlready, NotDeleted, NoteNotFound, TooMany
from services.magnets.junk import is_junk
from services.magnets.parse import Magnet, find_magnets
from services.notebook.note import MOST_TORRENTS, Known, Latest, Note, Selection, Uncalibrated, Whereabouts
from services.notebook.once import once
from services.notebook.ports import NotebookStore, NotebookTx
from services.torrents import NotebookId, NoteId, PersonId, TorrentId

_MOST_SELECTED = 1000
_LONG = 50_000
"""Characters: a longer text is read in a thread, so that nobody waits for it."""
_DELETED_KEPT = 86400.0
_ON_A_PAGE = 10


@dataclass(frozen=True, slots=True)
class Saved:
    """What saving a text did: its note's number, how many magnets and distinct torrents it has.

    *known* are the numbers of the notes, in the same notebook, that had one of its torrents before.
    """

    note_id: NoteId
    magnets: int
    torrents: int
    known: tuple[NoteId, ...] = ()

    @classmethod
    def from_json(cls, text: str) -> Self:
        value = json.loads(text)
        known = tuple(NoteId(one) for one in value.get("known", ()))
        return cls(NoteId(value["note_id"]), value["magnets"], value["torrents"], known)

    def to_json(self) -> str:
        return json.dumps(
            {"note_id": self.note_id, "magnets": self.magnets, "torrents": self.torrents, "known": self.known}
        )


@dataclass(frozen=True, slots=True)
class Page:
    """Some notes, newest first; those of them with a *junk* name, an *uncalibrated* torrent, an *undecided* name.

    *older*, *newer*: whether there are such.
    """

    notes: Sequence[Note]
    junk: Collection[NoteId]
    uncalibrated: Collection[NoteId]
    undecided: Collection[NoteId]
    older: bool
    newer: bool


class Notebook:
    """The notes behind every door. *changed* hears of each note that comes, goes, or comes back."""

    def __init__(self, store: NotebookStore, clock: Clock, changed: Callable[[NoteId], None]) -> None:
        self._store = store
        self._clock = clock
        self._changed = changed

    async def behind(self, door: str) -> NotebookId:
        """Return the notebook that *door* (a chat's address) opens; a new one at its first use."""
        known = await self._store.read(lambda tx: tx.notebooks.behind(door))
        return (
            known
            if known is not None
            else await self._store.write(lambda tx: tx.notebooks.open(door, self._clock.now()))
        )

    async def save(
        self,
        text: str,
        *,
        notebook: NotebookId,
        person: PersonId,
        origin: str | None,
        source: str | None = None,
        anything: bool = False,
        once_only: bool = False,
        request_key: str | None = None,
    ) -> Saved | None:
        """Keep *text*, byte for byte, as a note if it has a magnet, or *anything*; else None, and nothing is kept.

        Raises:
            KeptAlready: *once_only*, and its message *origin* is a note of the notebook.
        """
        magnets = await magnets_of(text)
        if not magnets and not anything:
            return None
        note = new_note(text, notebook, person, origin, at=self._clock.now(), source=source)

        async def save(tx: NotebookTx) -> str:
            async def act() -> str:
                there = await tx.notes.from_origin(origin) if once_only and origin is not None else None
                if there is not None and there.notebook == notebook:
                    raise KeptAlready(number=there.id)
                return await insert(tx, note, magnets)

            return await once(tx, request_key, note.created_at, act)

        saved = Saved.from_json(await self._store.write(save))
        self._changed(saved.note_id)
        return saved

    async def select(self, notebook: NotebookId, selection: Selection) -> Sequence[NoteId]:
        """Return the numbers of the notes that are meant, rising; of `Uncalibrated` 1,000, tried least lately.

        Raises:
            NoteNotFound: there is none here.
            AllCalibrated: there are some, and none is `Uncalibrated`.
            TooMany: more than 1,000 were asked for, or there is none but one with more torrents than a task may have.
        """
        limit = _MOST_SELECTED if isinstance(selection, Uncalibrated) else _MOST_SELECTED + 1

        async def select(tx: NotebookTx) -> Sequence[NoteId]:
            chosen = await tx.notes.select(notebook, selection, limit)
            if not chosen and isinstance(selection, Uncalibrated):
                latest = await tx.notes.select(notebook, Latest(_MOST_SELECTED), _MOST_SELECTED)
                if await tx.notes.uncalibrated(latest):
                    raise TooMany(most=MOST_TORRENTS)  # in one note
                if latest:
                    raise AllCalibrated
            return chosen

        chosen = await self._store.read(select)
        if not chosen:
            raise NoteNotFound
        if len(chosen) > _MOST_SELECTED:
            raise TooMany(most=_MOST_SELECTED)
        return chosen

    async def get(self, notebook: NotebookId, note_id: NoteId) -> Note:
        """Return the note.

        Raises:
            NoteNotFound: it is unknown or another notebook's.
        """
        return await self._store.read(lambda tx: note_in(tx, notebook, note_id))

    async def among(self, notebooks: Sequence[NotebookId], note_ids: Sequence[NoteId]) -> NotebookId:
        """Return the one of *notebooks* in which all these notes are.

        Raises:
            NoteNotFound: one of them is not where the first is, or in none of them.
        """

        async def find(tx: NotebookTx) -> NotebookId:
            for notebook in notebooks:
                if await tx.notes.get(notebook, note_ids[0]) is not None:
                    there = {note.id for note in await tx.notes.those(notebook, note_ids)}
                    missing = next((one for one in note_ids if one not in there), None)
                    if missing is not None:
                        raise NoteNotFound(note_id=missing)
                    return notebook
            raise NoteNotFound(note_id=note_ids[0])

        return await self._store.read(find)

    async def whereabouts(self, note_ids: Collection[NoteId]) -> Sequence[Whereabouts]:
        """Return where these notes are, put away or not; those deleted for good are nowhere."""
        return await self._store.read(lambda tx: tx.notes.whereabouts(note_ids))

    async def known(self, notebook: NotebookId, magnets: Sequence[Magnet]) -> Mapping[TorrentId, Known]:
        """Return what is known, in this notebook, of the torrents of *magnets*."""
        torrents = dict.fromkeys(torrent for magnet in magnets for torrent in magnet.torrents)
        return await self._store.read(lambda tx: tx.facts.of(notebook, list(torrents)))

    async def page(self, notebook: NotebookId, *, before: NoteId | None = None, after: NoteId | None = None) -> Page:
        """Return ten notes: the newest, those next older than *before*, or those next newer than *after*."""

        async def read(tx: NotebookTx) -> Page:
            if after is not None:
                rising = await tx.notes.page_after(notebook, after=after, limit=_ON_A_PAGE + 1)
                newer, notes = len(rising) > _ON_A_PAGE, list(rising[:_ON_A_PAGE])[::-1]
                older = bool(await tx.notes.page(notebook, before=NoteId(after + 1), limit=1))
            else:
                falling = await tx.notes.page(notebook, before=before, limit=_ON_A_PAGE + 1)
                older, notes = len(falling) > _ON_A_PAGE, list(falling[:_ON_A_PAGE])
                newer = before is not None and bool(
                    await tx.notes.page_after(notebook, after=NoteId(before - 1), limit=1)
                )
            ids = [note.id for note in notes]
            uncalibrated, undecided = await tx.notes.uncalibrated(ids), await tx.notes.undecided(ids)
            return Page(notes, (), uncalibrated, undecided, older, newer)

        page = await self._store.read(read)
        return replace(page, junk=await asyncio.to_thread(_with_junk_names, page.notes))  # they may be very long

    async def delete(self, notebook: NotebookId, note_id: NoteId, *, request_key: str | None = None) -> None:
        """Put the note away; for a day it can be taken back. Raises NoteNotFound."""
        now = self._clock.now()

        async def delete(tx: NotebookTx) -> str:
            async def act() -> str:
                await note_in(tx, notebook, note_id)
                await tx.notes.delete(note_id, now)
                return ""

            return await once(tx, request_key, now, act)

        await self._store.write(delete)
        self._changed(note_id)

    async def restore(self, notebook: NotebookId, note_id: NoteId, *, request_key: str | None = None) -> None:
        """Take back a note that was put away less than a day ago.

        Raises:
            NotDeleted: it is there.
            NoteNotFound: there is none (any more).
        """
        now = self._clock.now()

        async def restore(tx: NotebookTx) -> str:
            async def act() -> str:
                if await tx.notes.get(notebook, note_id) is not None:
                    raise NotDeleted(note_id=note_id)
                if not await tx.notes.restore(notebook, note_id, now - _DELETED_KEPT):
                    raise NoteNotFound(note_id=note_id)
                return ""

            return await once(tx, request_key, now, act)

        await self._store.write(restore)
        self._changed(note_id)

    async def can_restore(self, notebook: NotebookId, note_id: NoteId) -> bool:
        """Whether the note was put away less than a day ago."""
        since = self._clock.now() - _DELETED_KEPT
        return await self._store.read(lambda tx: tx.notes.put_away(notebook, note_id, since))

    async def purge(self) -> None:
        """Delete for good what was put away more than a day ago."""
        await self._store.write(lambda tx: tx.notes.purge(self._clock.now() - _DELETED_KEPT))


def _with_junk_names(notes: Sequence[Note]) -> Collection[NoteId]:
    return {note.id for note in notes if has_junk_name(find_magnets(note.text))}


def has_junk_name(magnets: Iterable[Magnet]) -> bool:
    """Whether the name of one of *magnets* tells nothing of its torrent."""
    return any(is_junk(one.name or "") for one in magnets)


async def magnets_of(text: str) -> tuple[Magnet, ...]:
    """Return the magnets of *text*; others have their turn while a long one is read."""
    return await asyncio.to_thread(find_magnets, text) if len(text) > _LONG else find_magnets(text)


def new_note(
    text: str, notebook: NotebookId, person: PersonId, origin: str | None, *, at: float, source: str | None = None
) -> Note:
    """Return a note that is not stored yet."""
    return Note(
        id=NoteId(0),
        notebook=notebook,
        text=text,
        version=1,
        origin=origin,
        person=person,
        created_at=at,
        changed_at=at,
        source=source,
    )


async def insert(tx: NotebookTx, note: Note, magnets: Sequence[Magnet]) -> str:
    """Store *note* and return what was `Saved`, as JSON."""
    torrents = list(dict.fromkeys(torrent for magnet in magnets for torrent in magnet.torrents))
    known = tuple(await tx.notes.numbers_having(note.notebook, torrents))
    note_id = await tx.notes.insert(note, torrents)
    return Saved(note_id, len(magnets), len(torrents), known).to_json()


async def note_in(tx: NotebookTx, notebook: NotebookId, note_id: NoteId) -> Note:
    """Return the note. Raises NoteNotFound."""
    note = await tx.notes.get(notebook, note_id)
    if note is None:
        raise NoteNotFound(note_id=note_id)
    return note

"""Notes are found by their words, a page at a time, and by the torrents in them; and what a list says of each."""

import asyncio
import re
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from services.errors import SearchTooLong
from services.magnets.parse import find_magnets
from services.notebook.excerpts import Excerpt, beginning, excerpt, in_place_of_links, one_line, readable
from services.notebook.note import Known, Note
from services.notebook.notebook import has_junk_name
from services.notebook.ports import NotebookStore, NotebookTx
from services.notebook.words import searched_words, stands_apart
from services.torrents import FileEntry, NotebookId, NoteId, TorrentId

A_PAGE = 10
A_LIST = 20
_LONGEST = 200
_LOOKED_AT = 20_000
"""Characters of a note that its excerpt is made of: it may be a list of thousands of links."""
_LOOKED_FOR = 8
"""Words that are looked for in a long note: each costs its time, and its excerpt begins at one of them."""
_AT_ONCE = 65_536  # characters
_MOST_REMEMBERED = 5_000  # notes


@dataclass(frozen=True, slots=True)
class Hit:
    """A note that was found, and what of it to show."""

    note_id: NoteId
    excerpt: Excerpt


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Ten *hits* at most, newest first. *older* and *newer* are what to go on with; None where there is nothing."""

    hits: tuple[Hit, ...]
    older: NoteId | None
    newer: NoteId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What a list says of a note: one line of it, and how many *torrents* it has.

    *junk*: one of their names tells nothing; *calibrated*: nothing is left to calibrate in it; *undecided*: a name that
    was found is a guess, and nobody has decided about it.
    """

    note: Note
    excerpt: str
    torrents: int
    junk: bool
    calibrated: bool
    undecided: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A torrent that *notes* have, newest first, and what is *known* of it."""

    torrent: TorrentId
    notes: Sequence[NoteId]
    known: Known | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Torrent:
    """A torrent that a notebook has, in a note or in a task alone, and a page of its *files*; *more*: another one."""

    held: Held
    files: Sequence[FileEntry]
    more: bool


@dataclass(frozen=True, slots=True)
class _Told:
    """What a list says of a note by its text alone."""

    beginning: str
    torrents: int
    junk: bool


class Search:
    """Looks into one notebook, never into another. What lists say of a text is remembered: it is asked for often."""

    def __init__(self, store: NotebookStore) -> None:
        self._store = store
        self._told: OrderedDict[tuple[NoteId, int], _Told] = OrderedDict()

    async def page(
        self, notebook: NotebookId, words: str, *, before: NoteId | None = None, after: NoteId | None = None
    ) -> Page:
        """Return notes that have all words of *words* (see `asked`): the newest, or those next to a page's cursor.

        *before* a page's `Page.older`, or *after* its `Page.newer`; where nothing is left there, the newest.
        """
        asked_words = searched_words(words)

        async def read(tx: NotebookTx) -> tuple[Sequence[Note], NoteId | None, NoteId | None]:
            ids, older = await _page_of_ids(tx, notebook, asked_words, before, after)
            newer = await tx.words.search(notebook, asked_words, after=ids[0], limit=1) if ids else ()
            notes = await tx.notes.those(notebook, ids)
            return notes[::-1], ids[-1] if older else None, ids[0] if newer else None

        notes, older, newer = await self._store.read(read)
        return Page(hits=await self._hits(notes, asked_words), older=older, newer=newer)

    async def lines(self, notebook: NotebookId, words: str, page: int) -> tuple[Sequence[Line], bool]:
        """Return the notes of a *page* (from 0) of twenty, newest first, and whether there is another page.

        They are those that have all words of *words* (see `asked`); where there are none, all.
        """
        asked_words, skip = searched_words(words), page * A_LIST

        async def read(tx: NotebookTx) -> tuple[Sequence[Note], Collection[NoteId], Collection[NoteId]]:
            if asked_words:
                ids = await tx.words.search(notebook, asked_words, skip=skip, limit=A_LIST + 1)
                notes = (await tx.notes.those(notebook, ids))[::-1]
            else:
                notes = await tx.notes.page(notebook, skip=skip, limit=A_LIST + 1)
            ids = [note.id for note in notes]
            return notes, await tx.notes.uncalibrated(ids), await tx.notes.undecided(ids)

        notes, uncalibrated, undecided = await self._store.read(read)
        shown = notes[:A_LIST]
        excerpts = [hit.excerpt.text for hit in await self._hits(shown, asked_words)] if asked_words else []
        told = [await self._of(note) for note in shown]
        lines = [
            Line(
                note=note,
                excerpt=excerpt or one.beginning,
                torrents=one.torrents,
                junk=one.junk,
                calibrated=note.id not in uncalibrated,
                undecided=note.id in undecided,
            )
            for note, one, excerpt in zip_longest(shown, told, excerpts)
        ]
        return lines, len(notes) > A_LIST

    async def _of(self, note: Note) -> _Told:
        """Return what a list says of the note at its version; made in a thread, as it may be long."""
        key = note.id, note.version
        if key not in self._told:
            self._told[key] = await asyncio.to_thread(_told_of, note.text)
            if len(self._told) > _MOST_REMEMBERED:
                self._told.popitem(last=False)
        self._told.move_to_end(key)
        return self._told[key]

    async def _hits(self, notes: Sequence[Note], words: Sequence[str]) -> tuple[Hit, ...]:
        """Return the excerpts of *notes*, made in a thread: there may be very many files to look through."""
        excerpts = await asyncio.to_thread(_in_texts, notes, words)
        elsewhere = [note for note in notes if note.id not in excerpts]
        if elsewhere:
            ids = [note.id for note in elsewhere]
            known = await self._store.read(lambda tx: tx.words.known(ids))
            excerpts |= await asyncio.to_thread(_in_what_is_known, elsewhere, known, words)
        return tuple(Hit(note.id, excerpts[note.id]) for note in notes)

    async def holders(self, notebook: NotebookId, torrents: Sequence[TorrentId]) -> Sequence[Held]:
        """Return those of *torrents* that notes of the notebook have. Of others nothing is said, known or not."""

        async def read(tx: NotebookTx) -> Sequence[Held]:
            rising = {one: await tx.notes.numbers_having(notebook, [one]) for one in torrents}
            held = {one: notes[::-1] for one, notes in rising.items() if notes}
            known = await tx.facts.of(notebook, held)
            return [Held(torrent=one, notes=notes, known=known.get(one)) for one, notes in held.items()]

        return await self._store.read(read)

    async def torrent(
        self, notebooks: Sequence[NotebookId], torrent: TorrentId, *, page: int, size: int
    ) -> Torrent | None:
        """Return the torrent as the first of *notebooks* has it, with a *page* (from 0) of its files.

        None where none of them has it, known or not.
        """

        async def read(tx: NotebookTx) -> Torrent | None:
            for notebook in notebooks:
                notes = await tx.notes.numbers_having(notebook, [torrent])
                if notes or await tx.facts.asked_for(notebook, torrent.shown):
                    known = (await tx.facts.of(notebook, [torrent])).get(torrent)
                    files = await tx.facts.files(torrent, skip=page * size, limit=size + 1)
                    held = Held(torrent=torrent, notes=notes[::-1], known=known)
                    return Torrent(held=held, files=files[:size], more=len(files) > size)
            return None

        return await self._store.read(read)


def asked(text: str) -> str:
    """Return the words of *text* as they are searched for and shown; empty where it has no letter and no digit.

    A magnet link is looked for by its info-hash: another note may have the same torrent by another link.

    Raises:
        SearchTooLong: they are more than 200 characters.
    """
    words = " ".join(searched_words(one_line(in_place_of_links(text, lambda one: one.torrents[0].shown.hex))))
    if len(words) > _LONGEST:
        raise SearchTooLong(most=_LONGEST)
    return words


async def _page_of_ids(
    tx: NotebookTx, notebook: NotebookId, words: Sequence[str], before: NoteId | None, after: NoteId | None
) -> tuple[Sequence[NoteId], bool]:
    """Return a page's notes, newest first, and whether there are older ones."""
    if after is not None:
        newer = await tx.words.search(notebook, words, after=after, limit=A_PAGE)
        if len(newer) == A_PAGE:
            return newer, bool(await tx.words.search(notebook, words, before=newer[-1], limit=1))
        before = None  # they are the newest: a whole page of those
    ids = await tx.words.search(notebook, words, before=before, limit=A_PAGE + 1)
    if not ids and before is not None:  # they were deleted meanwhile
        ids = await tx.words.search(notebook, words, limit=A_PAGE + 1)
    return ids[:A_PAGE], len(ids) > A_PAGE


def _told_of(text: str) -> _Told:
    magnets = find_magnets(text)
    return _Told(
        beginning=_beginning(text).text,
        torrents=len({torrent for magnet in magnets for torrent in magnet.torrents}),
        junk=has_junk_name(magnets),
    )


def _beginning(text: str) -> Excerpt:
    return beginning(readable(text[:_LOOKED_AT]))


def _as_written(word: str) -> str:
    """Return a pattern for *word* where a text has it in the same letters."""
    is_within = stands_apart(word[0]) or not word[0].isalnum()
    return re.escape(word) if is_within else rf"\b{re.escape(word)}"


def _first(text: str, words: Sequence[str]) -> int:
    """Return where one of *words* first stands; 0 where none does. A part at a time: one call holds up all threads."""
    pattern, longest = re.compile("|".join(map(_as_written, words)), re.IGNORECASE), max(map(len, words))
    for begin in range(0, len(text), _AT_ONCE):
        if found := pattern.search(text, begin, begin + _AT_ONCE + longest):
            return found.start()
    return 0


def _near(text: str, words: Sequence[str]) -> str:
    """Return what is looked at of *text*: from the line on where one of *words* first stands as it was searched for."""
    if len(text) <= _LOOKED_AT:
        return text
    at = _first(text, sorted(words, key=len, reverse=True)[:_LOOKED_FOR])
    line = text.rfind("\n", max(0, at - _LOOKED_AT // 2), at) + 1
    start = line or max(0, at - _LOOKED_AT // 2)
    return text[start : start + _LOOKED_AT]


def _in_texts(notes: Sequence[Note], words: Sequence[str]) -> dict[NoteId, Excerpt]:
    if not words:
        return {note.id: _beginning(note.text) for note in notes}
    found = {note.id: excerpt([readable(_near(note.text, words))], words) for note in notes}
    return {note_id: one for note_id, one in found.items() if one is not None}


def _in_what_is_known(
    notes: Sequence[Note], known: Mapping[NoteId, Sequence[str]], words: Sequence[str]
) -> dict[NoteId, Excerpt]:
    return {
        note.id: excerpt([*known.get(note.id, ()), *_hashes_in(note, words)], words) or _beginning(note.text)
        for note in notes
    }


def _hashes_in(note: Note, words: Sequence[str]) -> list[str]:
    magnets = find_magnets(_near(note.text, words))
    return [info_hash.hex for magnet in magnets for torrent in magnet.torrents for info_hash in torrent.hashes]

"""Names that nobody verified, and stand in notes though the true one is known by now."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from services.calibration.apply import writable
from services.calibration.ports import Tx
from services.calibration.task import Found, Item, ItemKey, NoteRequest, Task
from services.magnets.parse import find_magnets
from services.notebook.note import Change, Note
from services.notebook.writers import Writers, is_corrected
from services.torrents import InfoHash, NoteId, TorrentId

_MOST_TEXT = 300_000
"""Characters of a note, and all that it was, which are read: of more it is not told who wrote what."""
_MOST_FOR_A_CARD = 3_000_000
"""The same, of all notes of a card."""


@dataclass(frozen=True, slots=True)
class Left:
    """The notes that names are *offered* to, and those that have *others*, over which none is offered.

    Items in whose place nothing claimed ever was have neither.
    """

    offered: Mapping[ItemKey, Sequence[NoteId]] = field(default_factory=dict)
    others: tuple[NoteId, ...] = ()


class Behind(NamedTuple):
    """A note that still has a name which nobody verified, in the links that *start* at these."""

    note: Note
    starts: Collection[int]


async def with_claims(tx: Tx, task: Task, item: Item) -> Sequence[Behind] | None:
    """Return the notes that have names which were only claimed, where the item's is verified; None if none ever was.

    Those are what was written there when people let it. Where they did not, and it is the item of notes, these have
    their own names still. What was typed, undone or kept is passed over.
    """
    suspicions = await _suspicions(tx, task, [item])
    if suspicions is None:
        return None
    library = _Library(tx, task)
    behind = [Behind(one.note, await library.starts(one)) for one in suspicions if not one.kept]
    return [one for one in behind if one.starts]


async def left_behind(tx: Tx, task: Task, items: Sequence[Item]) -> Left:
    """Return the notes of `with_claims` for those of *items* that have such, and where else other names stand."""
    library = _Library(tx, task)
    offered: dict[ItemKey, list[NoteId]] = {}
    others: list[NoteId] = []
    for one in await _suspicions(tx, task, items) or ():
        if not one.kept and await library.starts(one):
            offered.setdefault(one.item.key, []).append(one.note.id)
        else:
            others.append(one.note.id)
    return Left(offered, tuple(others))


@dataclass(frozen=True, slots=True)
class _Suspicion:
    """*note* has one of *others* as a name where *item* has *found* another. *own*: it was asked for, in vain.

    *kept*: nothing is offered there, since people undid or kept it, or the name is a guess or cannot stand in a note.
    """

    item: Item
    found: Found
    note: Note
    others: Collection[str | None]
    claims: Collection[str]
    own: bool
    kept: bool


async def _suspicions(tx: Tx, task: Task, items: Sequence[Item]) -> Sequence[_Suspicion] | None:
    """Return what only who wrote it can clear up, in all notes; None where nothing was ever claimed."""
    verified = {one.key: one.found for one in items if one.found and one.found.verified}
    torrents = list({found.torrent for found in verified.values()})
    replaced = await tx.names.replaced_claims(torrents) if torrents else {}
    claims = {torrent: set(texts) for (notebook, torrent), texts in replaced.items() if notebook == task.notebook}
    if not claims:
        return None
    pins = await tx.notes.pinned(task.notebook, list(claims))
    having = await tx.notes.having(task.notebook, list(claims))
    texts: dict[NoteId, _Names] = {}
    suspicions = []
    for item in items:
        found = verified.get(item.key)
        if found is None or found.torrent not in claims:
            continue
        asked = frozenset(task.request.notes if isinstance(task.request, NoteRequest) and writable(found) else ())
        for note in having.get(found.torrent, ()):
            if note.id not in texts:
                texts[note.id] = _Names.of(note.text)
            others = {*texts[note.id].of_those(found)} - {found.name.text}
            own = note.id in asked and note.id not in item.corrected
            kept = not writable(found) or (note.id, found.torrent) in pins
            if others if own else others & claims[found.torrent]:
                suspicions.append(_Suspicion(item, found, note, others, claims[found.torrent], own, kept))
    return suspicions


@dataclass(frozen=True, slots=True)
class _Names:
    """The names in a text, by the torrents that its links name."""

    by_hash: Mapping[InfoHash, Collection[TorrentId]]
    names: Mapping[TorrentId, Collection[str | None]]

    @classmethod
    def of(cls, text: str) -> "_Names":
        names: dict[TorrentId, set[str | None]] = {}
        for magnet in find_magnets(text):
            names.setdefault(magnet.torrents[0], set()).add(magnet.name)
        by_hash: dict[InfoHash, list[TorrentId]] = {}
        for torrent in names:
            for one in torrent.hashes:
                by_hash.setdefault(one, []).append(torrent)
        return cls(by_hash, names)

    def of_those(self, found: Found) -> Iterator[str | None]:
        """Yield the names of the links that *found* speaks of."""
        near: Iterable[TorrentId] = {one for digest in found.torrent.hashes for one in self.by_hash.get(digest, ())}
        for torrent in near:
            if found.speaks_of(torrent):
                yield from self.names[torrent]


class _Library:
    """Reads all that notes were, each once, and not very much of it."""

    def __init__(self, tx: Tx, task: Task) -> None:
        self._tx = tx
        self._task = task
        self._left = _MOST_FOR_A_CARD
        self._read: dict[NoteId, Writers | None] = {}

    async def starts(self, one: _Suspicion) -> Collection[int]:
        """Return where the links start whose names nobody typed since the item was asked for."""
        if one.note.id not in self._read:
            self._read[one.note.id] = await self._writers(one.note)
        writers = self._read[one.note.id]
        asked_at = self._task.asked_at(one.item)
        return [
            link.start
            for link, wrote in (writers.of(one.found.speaks_of) if writers else ())
            if link.name in one.others
            and ((one.own and _is_before(wrote, asked_at)) or (link.name in one.claims and is_corrected(wrote)))
        ]

    async def _writers(self, note: Note) -> Writers | None:
        revisions = await self._tx.notes.revisions(note.id)
        size = len(note.text) + sum(len(before.text) for before in revisions)
        if size > min(_MOST_TEXT, self._left):
            return None
        self._left -= size
        return Writers(note, revisions)


def _is_before(wrote: Change | None, asked_at: float) -> bool:
    return wrote is None or wrote.at < asked_at

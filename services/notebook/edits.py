"""Messages that people edit: their notes follow, and keep the names that were written into them.

A note may be edited elsewhere, too: its message does not say that, and is not heard of by it.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

from services.clock import Clock
from services.errors import NoteChanged
from services.magnets.parse import Magnet, find_magnets
from services.magnets.rewrite import rename_at
from services.notebook.history import only_writer
from services.notebook.kin import Kin
from services.notebook.note import Cause, Change, Note, Revision
from services.notebook.notebook import Saved, insert, magnets_of, new_note, note_in
from services.notebook.once import once
from services.notebook.ports import NotebookStore, NotebookTx
from services.notebook.writers import Writers
from services.torrents import NotebookId, NoteId, PersonId, TaskId, TorrentId

_MOST_BYTES = 4
"""That a character takes in a file, in any encoding."""
_Key = tuple[TorrentId, str | None]


@dataclass(frozen=True, slots=True)
class Edited:
    """What an edit did: it changed the note *changed*, or became a new one, *saved*; or neither.

    *deleted*: it would have changed this note, which is put away; *untouched*: this one, and not all of it was there.
    """

    changed: NoteId | None = None
    saved: Saved | None = None
    deleted: NoteId | None = None
    untouched: NoteId | None = None

    @classmethod
    def from_json(cls, text: str) -> Self:
        value = json.loads(text)
        changed, saved, deleted = value["changed"], value["saved"], value.get("deleted")
        untouched = value.get("untouched")
        return cls(
            NoteId(changed) if changed else None,
            Saved.from_json(saved) if saved else None,
            NoteId(deleted) if deleted else None,
            NoteId(untouched) if untouched else None,
        )

    def to_json(self) -> str:
        saved = self.saved and self.saved.to_json()
        return json.dumps(
            {"changed": self.changed, "saved": saved, "deleted": self.deleted, "untouched": self.untouched}
        )


class Edits:
    """What becomes of edited messages and notes. *changed* hears of each note that is changed, or made of a message."""

    def __init__(self, store: NotebookStore, clock: Clock, changed: Callable[[NoteId], None]) -> None:
        self._store = store
        self._clock = clock
        self._changed = changed

    async def apply(
        self,
        text: str,
        *,
        notebook: NotebookId,
        person: PersonId,
        origin: str,
        source: str | None = None,
        anything: bool = False,
        missing: int = 0,
        request_key: str | None = None,
    ) -> Edited:
        """Let the note that was made of the message *origin* say *text*.

        If none was, a text with a magnet, or *anything*, becomes one. A name that was written into the note meanwhile
        stays where *person* did not touch that magnet's own name. A note that was deleted stays so, as it was; and so
        does one that may have the *missing* bytes of the message's file, which could not be fetched again.
        """
        magnets = await magnets_of(text)
        now = self._clock.now()

        async def edit(tx: NotebookTx) -> Edited:
            there = await tx.notes.from_origin(origin)
            note = there or await tx.notes.deleted_from(origin)
            if note is None:
                if not (magnets or anything):
                    return Edited()
                fresh = new_note(text, notebook, person, origin, at=now, source=source)
                return Edited(saved=Saved.from_json(await insert(tx, fresh, magnets)))
            revisions = await tx.notes.revisions(note.id)
            base = last_said(note, revisions)
            if note.notebook != notebook or text == base:
                return Edited()
            if there is None:
                return Edited(deleted=note.id)
            if missing and missing <= _MOST_BYTES * len(base):
                return Edited(untouched=note.id)
            writer = None if _edited_apart(revisions) else only_writer(note, revisions)
            return await _follow(tx, note, base, text, magnets, person, now, writer)

        async def write(tx: NotebookTx) -> str:
            async def act() -> str:
                return (await edit(tx)).to_json()

            return await once(tx, request_key, now, act)

        edited = Edited.from_json(await self._store.write(write))
        touched = edited.saved.note_id if edited.saved is not None else edited.changed
        if touched is not None:
            self._changed(touched)
        return edited

    async def replace(
        self,
        text: str,
        *,
        notebook: NotebookId,
        note_id: NoteId,
        expected: int,
        person: PersonId,
        request_key: str | None = None,
    ) -> None:
        """Let the note say *text*, which *person* typed over what they saw: it as it was at version *expected*.

        Nothing is carried over it. If the note's message is edited later, the note follows that again.

        Raises:
            NoteNotFound: no such note here.
            NoteChanged: it is not at *expected* any more.
        """
        magnets = await magnets_of(text)
        seen = await self._store.read(lambda tx: tx.notes.get(notebook, note_id))
        typed = _typed(await magnets_of(seen.text), magnets) if seen else ()
        now = self._clock.now()

        async def write(tx: NotebookTx) -> str:
            async def act() -> str:
                note = await note_in(tx, notebook, note_id)
                if note.version != expected:
                    raise NoteChanged(note_id=note_id, expected=expected)
                if text == note.text:
                    return ""
                change = Change(cause=Cause.EDIT, person=person, task_id=None, at=now, apart=True)
                await tx.notes.replace_text(note, text, change)
                await tx.notes.set_torrents(note, _torrents(magnets))
                await tx.notes.mark_typed(note_id, typed, now)
                await _settle(tx, note_id, magnets)
                return "changed"

            return await once(tx, request_key, now, act)

        if await self._store.write(write):
            self._changed(note_id)


async def _follow(
    tx: NotebookTx, note: Note, base: str, text: str, magnets: Sequence[Magnet], person: PersonId, now: float,
    writer: TaskId | None,
) -> Edited:  # fmt: skip
    carried = with_names(base, text, note.text)
    # Two steps, so that what the person typed is known at the next edit, and an undo takes back the names alone. Where
    # all stands there already it is theirs from now on.
    await tx.notes.replace_text(note, text, Change(cause=Cause.EDIT, person=person, task_id=None, at=now))
    if carried != text:
        as_said = replace(note, text=text, version=note.version + 1)
        change = Change(cause=Cause.CARRIED, person=person, task_id=writer, at=now)
        await tx.notes.replace_text(as_said, carried, change)
    await tx.notes.set_torrents(note, _torrents(magnets))
    there = magnets if carried == text else find_magnets(carried)
    typed = _typed(find_magnets(base), magnets)
    await tx.notes.mark_typed(note.id, typed, now)
    # What was taken out elsewhere, and the message has still, comes back with it: typed when it was, if anybody did.
    if back := set(_typed(find_magnets(note.text), there)) - set(typed):
        writers = Writers(await note_in(tx, note.notebook, note.id), await tx.notes.revisions(note.id))
        for torrent, at in writers.typed(back):
            await tx.notes.mark_typed(note.id, [torrent], at)
    await _settle(tx, note.id, there)
    return Edited(changed=note.id)


async def _settle(tx: NotebookTx, note_id: NoteId, magnets: Sequence[Magnet]) -> None:
    """Let what is marked of each hash be right for the links that the note has now."""
    await tx.notes.mark_typed(note_id, _nameless(magnets), None)
    await tx.notes.share_typed(note_id, _torrents(magnets))
    await tx.notes.reopen_halves(note_id)


def _torrents(magnets: Sequence[Magnet]) -> Sequence[TorrentId]:
    return list(dict.fromkeys(torrent for magnet in magnets for torrent in magnet.torrents))


def _typed(before: Sequence[Magnet], after: Sequence[Magnet]) -> Sequence[TorrentId]:
    """Return the torrents that have names in *after* which none of their links had *before*, or has otherwise now."""
    had, has = _names_of(before), _names_of(after)
    kin = Kin(had)
    return [
        torrent
        for torrent, names in has.items()
        if _differ([name for one in kin.of(torrent) for name in had[one]], names)
    ]


def _nameless(magnets: Sequence[Magnet]) -> Sequence[TorrentId]:
    """Return the torrents that have no name in any link which shares a hash with them."""
    named = {one for magnet in magnets if magnet.name for one in magnet.torrents[0].hashes}
    return [torrent for torrent in _torrents(magnets) if named.isdisjoint(torrent.hashes)]


def _names_of(magnets: Sequence[Magnet]) -> Mapping[TorrentId, Sequence[str]]:
    names: dict[TorrentId, list[str]] = {}
    for one in magnets:
        names.setdefault(one.torrents[0], []).extend([one.name] if one.name else [])
    return names


def _differ(had: Sequence[str], has: Sequence[str]) -> bool:
    return bool(Counter(has) - Counter(had)) or (len(had) == len(has) and had != has)


def last_said(note: Note, revisions: Sequence[Revision]) -> str:
    """Return the text that the note's message last gave it: its first one, or that of the message's last edit."""
    texts = [*(one.text for one in revisions), note.text]
    edits = [place for place, one in enumerate(revisions, 1) if one.change.cause == Cause.EDIT and not one.change.apart]
    return texts[edits[-1] if edits else 0]


def _edited_apart(revisions: Sequence[Revision]) -> bool:
    """Whether the last edit was made elsewhere than in the message."""
    edits = [one.change.apart for one in revisions if one.change.cause == Cause.EDIT]
    return bool(edits) and edits[-1]


def with_names(base: str, edited: str, current: str) -> str:
    """Return *edited* with the names that were written into *current*, in each magnet whose own name it left alone.

    *base* is what the person had typed before, *current* what it was made since: but for names it is the same, unless
    somebody typed another text elsewhere.
    """
    before = find_magnets(base)
    written: dict[_Key, Magnet] = {}
    for old, new in _since(before, find_magnets(current)):
        # A link with two names has the first one's written for both: there it is the text that tells, not the name.
        rewritten = old.torrents == new.torrents and base[old.start : old.end] != current[new.start : new.end]
        if new.name is not None and (rewritten or new.name != old.name):
            written[_key(old)] = new
    alike: dict[str | None, list[TorrentId]] = {}
    for torrent, name in map(_key, before):
        alike.setdefault(name, []).append(torrent)
    kin = {name: Kin(torrents) for name, torrents in alike.items()}

    def in_place_of(torrent: TorrentId, name: str | None) -> str | None:
        stand = [written.get((one, name)) for one in kin[name].of(torrent)] if name in kin else []
        names = {new.name if new and _one_is_within(new.torrents[0], torrent) else None for new in stand}
        return names.pop() if len(names) == 1 else None

    typed = find_magnets(edited)
    carried = {key: in_place_of(*key) for key in set(map(_key, typed))}
    names = {one.start: name for one in typed if (name := carried[_key(one)]) is not None}
    return rename_at(edited, names)[0]


def _since(before: Sequence[Magnet], now: Sequence[Magnet]) -> Iterator[tuple[Magnet, Magnet]]:
    """Yield each magnet with what it is now: by its place, or, where others stand there, by its torrent.

    A hash may have been added or taken out: then by the one torrent that it can be.
    """
    if [one.torrents for one in before] == [one.torrents for one in now]:
        yield from zip(before, now, strict=True)
        return
    of_torrent = {one.torrents[0]: one for one in reversed(now)}
    there, here = (Kin(one.torrents[0] for one in links) for links in (before, now))
    for one in before:
        torrent = one.torrents[0]
        found = here.of(torrent)
        if len(found) == 1 and there.of(found[0]) == [torrent]:
            yield one, of_torrent[found[0]]


def _key(magnet: Magnet) -> _Key:
    return magnet.torrents[0], magnet.name


def _one_is_within(one: TorrentId, other: TorrentId) -> bool:
    return one.answers(other) or other.answers(one)

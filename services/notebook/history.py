"""What was written into notes, and its undoing."""

import json
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import takewhile
from typing import Self

from services.clock import Clock
from services.errors import CalibotError, EditedSince, NoteChanged, NothingToUndo, WrittenSince
from services.magnets.parse import Magnet, find_magnets
from services.magnets.rewrite import rename_at
from services.notebook.note import (
    BACK,
    Cause,
    Change,
    Note,
    Revision,
    SpeaksOf,
    Step,
    is_sure,
    may_be_written,
    steps_of,
)
from services.notebook.notebook import note_in
from services.notebook.once import once
from services.notebook.ports import NotebookStore, NotebookTx
from services.notebook.writers import Writers, is_corrected
from services.torrents import NotebookId, NoteId, PersonId, TaskId, TorrentId


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryPage:
    """The *steps* of a *page* (from 0), newest first, of the *total* that made the note what it is at *version*.

    An edit and the names that were carried over it are one step.
    """

    steps: Sequence[Step]
    total: int
    page: int
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Undone:
    """What an undo did: the *notes* that it changed, and those *refused*, which were changed since.

    A note is both where a part of what the task wrote lies beneath what another did. *again*: it took an earlier undo
    back.
    """

    notes: tuple[NoteId, ...]
    refused: tuple[NoteId, ...]
    again: bool

    @classmethod
    def from_json(cls, text: str) -> Self:
        value = json.loads(text)
        notes, refused = (tuple(NoteId(one) for one in value[key]) for key in ("notes", "refused"))
        return cls(notes=notes, refused=refused, again=value["again"])

    def to_json(self) -> str:
        return json.dumps(asdict(self))


class History:
    """The revisions of notes. *changed* hears of each note whose text was replaced."""

    def __init__(self, store: NotebookStore, clock: Clock, changed: Callable[[NoteId], None]) -> None:
        self._store = store
        self._clock = clock
        self._changed = changed

    async def page(self, notebook: NotebookId, note_id: NoteId, *, page: int, size: int) -> HistoryPage:
        """Return a page of a note's changes; the nearest one where there is none such. Raises NoteNotFound."""

        async def read(tx: NotebookTx) -> HistoryPage:
            note = await note_in(tx, notebook, note_id)
            total = await tx.notes.count_steps(note_id)
            nearest = min(max(page, 0), max(total - 1, 0) // size)
            newer = min(nearest, 1)  # the step after the page's newest has the text that this one made
            revisions = await tx.notes.page_of_steps(note_id, skip=nearest * size - newer, limit=size + newer)
            newest = steps_of(note, revisions)[::-1]
            return HistoryPage(steps=newest[newer:], total=total, page=nearest, version=note.version)

        return await self._store.read(read)

    async def can_undo(self, note_id: NoteId) -> bool:
        """Whether the last change of the note is one that can be taken back."""
        cause = await self._store.read(lambda tx: tx.notes.last_cause(note_id))
        return cause is not None and cause != Cause.EDIT

    async def undo(
        self,
        notebook: NotebookId,
        note_id: NoteId,
        *,
        person: PersonId,
        expected: int | None = None,
        request_key: str | None = None,
    ) -> Undone:
        """Take back what stands of what the last task wrote into the note; or, where nothing does, the taking back.

        *expected* is the version that the person has seen: else two presses in a row would undo nothing.

        Raises:
            NoteNotFound: no such note here.
            NoteChanged: it is not at *expected* any more.
            NothingToUndo: nothing was written into it.
            EditedSince: a person edited it since.
        """

        async def undo(tx: NotebookTx) -> Undone:
            note = await note_in(tx, notebook, note_id)
            if expected not in {None, note.version}:
                raise NoteChanged(note_id=note_id)
            back = _way_back(note, await tx.notes.revisions(note_id))
            written = await self._write(tx, back, person, Cause.UNDO)
            return Undone(notes=(note_id,) if written else (), refused=(), again=back.again)

        return await self._once(undo, request_key)

    async def undo_task(
        self,
        notebook: NotebookId,
        task_id: TaskId,
        *,
        person: PersonId,
        again: bool = False,
        request_key: str | None = None,
    ) -> Undone:
        """Take back all that still stands of what a task wrote; or write *again* what this took back.

        Notes changed since stay, and so does what was taken back by itself: one note's, or a name. What other tasks
        wrote since and have taken back is no change.

        Raises:
            NothingToUndo: nothing of it stands here; or nothing was taken back with the whole.
            EditedSince, WrittenSince: a person, or another task, has changed since what it wrote into.
        """

        async def undo(tx: NotebookTx) -> Undone:
            ways: list[_WayBack] = []
            refused: dict[NoteId, CalibotError] = {}
            for note in await tx.notes.written_by(notebook, task_id):
                mine = _stretch(note, await tx.notes.revisions(note.id), task_id)
                if not mine.steps or mine.stays_beneath:
                    refused[note.id] = mine.refusal
                if mine.steps and (mine.last == Cause.UNDO_TASK if again else mine.last not in BACK):
                    ways.append(_way_of(note, mine.steps))
            if not ways:
                raise next(iter(refused.values()), NothingToUndo())
            changed = tuple([way.note.id for way in ways if await self._write(tx, way, person, Cause.UNDO_TASK)])
            return Undone(notes=changed, refused=tuple(refused), again=again)

        return await self._once(undo, request_key)

    async def _write(self, tx: NotebookTx, way: "_WayBack", person: PersonId, undo: Cause) -> bool:
        """Write what the note had, and pin or unpin it; return whether there was anything to write."""
        now = self._clock.now()
        torrents = renamed(way.note.text, way.text)
        change = Change(cause=Cause.REDO if way.again else undo, person=person, task_id=way.task_id, at=now)
        text = await _as_known(tx, way, torrents, change) if way.again else way.text
        there = way.text != text == way.note.text  # what is known by now is what was taken back
        if not there:
            await tx.notes.replace_text(way.note, text, change)
        if way.again:
            await tx.notes.unpin(way.note.id, torrents)
        else:
            await tx.notes.pin(way.note.id, torrents, now)
        return not there

    async def _once(self, act: Callable[[NotebookTx], Awaitable[Undone]], key: str | None) -> Undone:
        async def write(tx: NotebookTx) -> str:
            async def answer() -> str:
                return (await act(tx)).to_json()

            return await once(tx, key, self._clock.now(), answer)

        undone = Undone.from_json(await self._store.write(write))
        for note_id in undone.notes:
            self._changed(note_id)
        return undone


async def take_back(
    tx: NotebookTx, notebook: NotebookId, torrent: TorrentId, speaks_of: SpeaksOf, *,
    notes: Sequence[NoteId], was: str, claims: Collection[str], change: Change,
) -> Sequence[NoteId]:  # fmt: skip
    """Take back, and pin, the name that *change*'s task wrote for one torrent into *notes*; return those changed.

    Into the links that it *speaks_of*: what the same task wrote there for others stays. A note in which it was taken
    back already is passed over, and one that would have one of *claims* again, and not what it *was*.

    Raises:
        EditedSince, WrittenSince: every note was changed since, by a person or by another task.
    """
    changed: list[NoteId] = []
    refused: list[CalibotError] = []
    pinned = await tx.notes.pinned(notebook, [torrent])
    for note in await tx.notes.those(notebook, notes):
        mine = _stretch(note, await tx.notes.revisions(note.id), change.task_id)
        text = _without(note, mine.steps, speaks_of)
        if text == note.text or (text is None and mine.steps and (note.id, torrent) in pinned):
            continue
        if text is None:
            refused.append(mine.refusal)
            continue
        brought_back = {*names_in(text, speaks_of)}
        if was not in brought_back and brought_back.intersection(claims):
            continue
        cause = Cause.KEPT_ALL if text == mine.steps[-1].before else Cause.KEPT
        await tx.notes.replace_text(note, text, replace(change, cause=cause))
        await tx.notes.pin(note.id, [torrent], change.at)
        changed.append(note.id)
    if refused and not changed:
        raise refused[0]
    return changed


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stretch:
    """What may be taken back, or written again, of what a task did to a note.

    *steps* are the last ones of the task, newest first: nothing of anybody else stands upon them. *refusal* is why
    whatever the task wrote before them stays; it *stays_beneath* where another task wrote upon it.
    """

    steps: Sequence[Step]
    stays_beneath: bool
    refusal: CalibotError

    @property
    def last(self) -> str:
        """Why the last of its steps was made."""
        return self.steps[0].change.cause


def _stretch(note: Note, revisions: Sequence[Revision], task_id: TaskId | None) -> _Stretch:
    """Return the last steps of a task in *note*.

    A task may have written several names, people have chosen some, and taken some back: all that began with one text.
    Who undoes takes back what lies on top: so the steps that stand are a pile.
    """
    pile, done = _since_edit(note, revisions)
    own = [one for one in done if one[0].change.task_id == task_id and one[0].change.cause != Cause.CARRIED]
    last, taken = own[-1] if own else (None, ())
    steps = _on_top(pile, task_id)
    if all(one.change.cause == Cause.CARRIED for one in steps):
        steps = []  # it has written nothing since the edit
    if last is not None and last.change.cause in BACK and last.after == note.text:
        steps = [last, *taken]
    beneath = any(one.change.task_id == task_id for one in pile if one not in steps)
    wrote = last is not None if not steps else beneath
    refusal = WrittenSince(note_id=note.id) if wrote else EditedSince(note_id=note.id)
    return _Stretch(steps=steps, stays_beneath=beneath and bool(steps), refusal=refusal)


def only_writer(note: Note, revisions: Sequence[Revision]) -> TaskId | None:
    """Return the one task whose names stand in *note*; None where there is none, or several have written."""
    pile, _ = _since_edit(note, revisions)
    writers = {one.change.task_id for one in pile}
    return writers.pop() if len(writers) == 1 else None


def _since_edit(
    note: Note, revisions: Sequence[Revision]
) -> tuple[Sequence[Step], Sequence[tuple[Step, Sequence[Step]]]]:
    """Return the steps since the last edit that stand, as a pile; and all of them, each with what it took from it."""
    pile: list[Step] = []
    done: list[tuple[Step, Sequence[Step]]] = []
    for one in steps_of(note, revisions):
        if one.change.cause == Cause.EDIT:
            pile, done = [], []
            continue
        taken = _on_top(pile, one.change.task_id) if one.change.cause in BACK else []
        del pile[len(pile) - len(taken) :]
        if one.change.cause not in BACK:
            pile.append(one)
        done.append((one, taken))
    return pile, done


def _on_top(pile: Sequence[Step], task_id: TaskId | None) -> list[Step]:
    """Return the steps of the task that lie on top of *pile*, newest first."""
    return list(takewhile(lambda one: one.change.task_id == task_id, reversed(pile)))


def stands(note: Note, revisions: Sequence[Revision], task_id: TaskId) -> bool:
    """Whether something that the task wrote into *note* can be taken back."""
    steps = _stretch(note, revisions, task_id).steps
    return bool(steps) and steps[0].change.cause not in BACK


def taken_back(note: Note, revisions: Sequence[Revision], task_id: TaskId, speaks_of: SpeaksOf) -> str | None:
    """Return what `take_back` would make of *note*; None where it would not change it."""
    text = _without(note, _stretch(note, revisions, task_id).steps, speaks_of)
    return None if text == note.text else text


def names_in(text: str, speaks_of: SpeaksOf) -> Sequence[str | None]:
    """Return the names that the magnets have in *text* of which something *speaks*."""
    return [one.name for one in find_magnets(text) if speaks_of(one.torrents[0])]


def _without(note: Note, mine: Sequence[Step], speaks_of: SpeaksOf) -> str | None:
    """Return what *note* were if the steps of a task had not named such magnets in it; None where they have not."""
    naming = [one.before for one in mine if any(map(speaks_of, renamed(one.before, one.after)))]
    if not naming:
        return None
    pieces: list[str] = []
    done = 0
    for now, then in zip(find_magnets(note.text), find_magnets(naming[-1]), strict=False):
        if speaks_of(now.torrents[0]):
            pieces += note.text[done : now.start], naming[-1][then.start : then.end]
            done = now.end
    return "".join([*pieces, note.text[done:]])


def renamed(before: str, after: str) -> Sequence[TorrentId]:
    """Return the torrents whose names were written otherwise in two texts that differ in names alone."""
    return list(dict.fromkeys(one.torrents[0] for one in _renamed(before, after)))


def _renamed(before: str, after: str) -> Iterator[Magnet]:
    """Yield the magnets of *after* that stand otherwise there than in *before*."""
    for one, other in zip(find_magnets(before), find_magnets(after), strict=False):
        if before[one.start : one.end] != after[other.start : other.end]:
            yield other


async def _as_known(tx: NotebookTx, way: "_WayBack", torrents: Collection[TorrentId], redo: Change) -> str:
    """Return the text to write again, with what people have chosen of these names since, or what was verified.

    What somebody typed they have again.
    """
    known = await tx.facts.of(way.note.notebook, torrents)
    sure = {
        one: fact.name.text
        for one, fact in known.items()
        if is_sure(fact.name, verified=fact.verified) and may_be_written(fact.name)
    }
    again = [one for one in _renamed(way.note.text, way.text) if sure.get(one.torrents[0], one.name) != one.name]
    if again and way.task_id is None:  # several tasks have written them, and people typed some
        done = Revision(version=way.note.version, text=way.note.text, change=redo)
        writers = Writers(replace(way.note, text=way.text), [*await tx.notes.revisions(way.note.id), done])
        found = {link.start for link, wrote in writers.of(sure.__contains__) if is_corrected(wrote)}
        again = [one for one in again if one.start in found]
    return rename_at(way.text, {one.start: sure[one.torrents[0]] for one in again})[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class _WayBack:
    """The text that *note* had before what is undone; or, *again*, before its undoing."""

    note: Note
    text: str
    task_id: TaskId | None
    again: bool


def _way_back(note: Note, revisions: Sequence[Revision]) -> _WayBack:
    """Return how to undo the last thing that was done to *note*."""
    if not revisions:
        raise NothingToUndo(note_id=note.id)
    last = revisions[-1].change
    if last.cause == Cause.EDIT:
        written = any(one.change.cause != Cause.EDIT for one in revisions)
        raise EditedSince(note_id=note.id) if written else NothingToUndo(note_id=note.id)
    if last.cause == Cause.CARRIED:
        return _way_of(note, steps_of(note, revisions)[-1:])
    return _way_of(note, _stretch(note, revisions, last.task_id).steps)


def _way_of(note: Note, mine: Sequence[Step]) -> _WayBack:
    """Return how to undo the steps of one task, newest first; or the last, where it took the others back."""
    again = mine[0].change.cause in BACK
    return _WayBack(note=note, text=mine[0 if again else -1].before, task_id=mine[0].change.task_id, again=again)

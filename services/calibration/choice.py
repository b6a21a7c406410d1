"""What a person decides about a name that was found: each call inside one transaction."""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from services.calibration.apply import Applied, named_in
from services.calibration.overtaken import Behind, with_claims
from services.calibration.ports import Tx
from services.calibration.task import Found, Item, ItemKey, NoteRequest, PassedOver, State, Task
from services.errors import CannotChoose, TaskNotFound
from services.magnets.rewrite import rename_at
from services.notebook.history import names_in, stands, take_back
from services.notebook.note import Cause, Change, Mark, Note, may_be_written
from services.notebook.writers import Typed
from services.readings import Reading, readings
from services.torrents import Name, NotebookId, NoteId, PersonId, TaskId, TorrentId

_CLAIM = "="


@dataclass(frozen=True, slots=True)
class Choice:
    """The name of a task's item at *position* is the `Offered` that goes by *word*."""

    task_id: TaskId
    position: int
    word: str


class Offered(NamedTuple):
    """What people may say that a name is: *text*, its bytes in *encoding*; or a claim, which as a whole has none.

    *word* stands for it in a `Choice`: its encoding; and of claims, of which another may come meanwhile, what tells all
    of them apart.
    """

    word: str
    encoding: str
    text: str

    def read(self, name: Name) -> Name:
        """Return *name* as it is where this was chosen."""
        return Name(text=self.text, raw=name.raw, encoding=self.encoding, chosen=True)


def choices(name: Name, *, verified: bool, again: bool = False) -> Sequence[Offered]:
    """Return what people may choose from: the readings of a name whose encoding was guessed, or one not *verified*.

    The one that was chosen, or that is verified and certain, is among them only where it may be chosen *again*.
    """
    as_a_whole = name.encoding.startswith(_CLAIM) if name.chosen else name.certain and not verified
    if as_a_whole:
        offers = may_be_written(name) and (again or not name.chosen)
        return [_claimed(name.raw, Reading(_word(name.raw, name.text), name.text))] if offers else []
    if name.certain and not name.chosen:
        return [Offered(name.encoding, name.encoding, name.text)] if again and may_be_written(name) else []
    offered = [
        Offered(one.encoding, one.encoding, one.text) if verified else _claimed(name.raw, one)
        for one in readings(name.raw, name.encoding)
    ]
    return [
        one
        for one in offered
        if may_be_written(one.read(name)) and (again or not (name.chosen and name.text == one.text))
    ]


def _claimed(raw: bytes, reading: Reading) -> Offered:
    return Offered(_word(raw, reading.text), reading.encoding, reading.text)


def _word(raw: bytes, text: str) -> str:
    """Return what tells a claim, and a reading of it, from all others: a button has no room for more of it."""
    return f"{_CLAIM}{hashlib.sha256(raw + text.encode(errors='replace')).hexdigest()[:12]}"


async def other_readings(tx: Tx, task: Task, item: Item) -> Sequence[NoteId]:
    """Return the notes in which the task wrote another reading than the chosen one, and where that stands."""
    if item.found is None or not item.found.name.chosen:
        return ()
    others = {one.text for one in choices(item.found.name, verified=item.found.verified)}
    return [
        note.id
        for note in await tx.notes.those(task.notebook, item.corrected)
        if not others.isdisjoint(names_in(note.text, item.found.speaks_of))
        and stands(note, await tx.notes.revisions(note.id), task.id)
    ]


async def apply_choice(tx: Tx, choice: Choice, notebook: NotebookId, person: PersonId, now: float) -> Applied:
    """Store the choice for the notebook, and write the name into the notes that its tasks were asked for.

    Of all tasks that found the torrent, not only of the one that was pressed: in each the name is certain now. A name
    that was chosen before is replaced. What was settled before is written over claims alone, where such stand.

    Raises:
        TaskNotFound: no such task in this notebook.
        CannotChoose: the item has no such reading, or a name that is certain.
    """
    task, item, found = await _found(tx, choice.task_id, choice.position, notebook)
    name = found.name
    offered = choices(name, verified=found.verified, again=True)
    pressed = next((one for one in offered if one.word == choice.word), None)
    if pressed is None:
        raise CannotChoose
    behind = await with_claims(tx, task, item)
    sure = found.verified and name.certain and not name.chosen
    if sure and behind is None:
        raise CannotChoose
    settled = (name.chosen or sure) and name.text == pressed.text
    over_claims_alone = settled and not await other_readings(tx, task, item)
    await tx.followers.again(task.id)
    if over_claims_alone and not behind:
        return Applied(tasks={task.id})  # pressed twice, or on what is not so any more
    chosen = found if sure else replace(found, name=pressed.read(name))
    if not sure:
        await tx.names.choose(notebook, found.torrent, chosen.name, person, now)
    change = Change(cause=Cause.CHOSEN, person=person, task_id=task.id, at=now)
    put_right = [one.note.id for one in behind or () if await _correct(tx, one, chosen, change)]
    item = replace(item, corrected=tuple(sorted({*item.corrected, *put_right})))
    # What is claimed of a pair is said of neither of its hashes.
    same = [one for one in await tx.tasks.found_in(notebook, found.torrent) if _torrent_of(one) == found.torrent]
    others = [one for one in same if one.key != item.key]
    tasks = await tx.tasks.those({one.task_id for one in others})
    await tx.followers.renew(list(tasks))
    applied = Applied(tasks={task.id, *tasks}, notes=set(put_right))
    if over_claims_alone:
        await tx.tasks.replace_items([replace(item, passed_over=None)])
        await tx.notes.mark([Mark(notebook, found.torrent, State.COMPLETED, task.id, put_right, now)], now)
        return applied
    corrected = {one.key: set(one.corrected) for one in (item, *others)}
    typed: dict[NoteId, Typed] = {}
    for one in (item, *others):
        owner = tasks.get(one.task_id, task)
        changed = await _write(tx, owner, one, chosen, replace(change, task_id=owner.id), typed, pressed=one is item)
        corrected[one.key].update(changed)
        applied.notes.update(changed)
    for one in (item, *others):  # what one task leaves as it is another may have written
        written = applied.notes.intersection(corrected[one.key])
        why = None if written else await _why_not(tx, tasks.get(one.task_id, task), chosen, applied.notes)
        told = replace(one, corrected=tuple(sorted(corrected[one.key])), passed_over=why)
        await tx.tasks.replace_items([told])
    await tx.notes.mark([Mark(notebook, found.torrent, State.COMPLETED, task.id, list(applied.notes), now)], now)
    return applied


async def _correct(tx: Tx, behind: Behind, found: Found, change: Change) -> bool:
    """Write the name over those that nobody verified alone."""
    text, _ = rename_at(behind.note.text, dict.fromkeys(behind.starts, found.name.text))
    return await tx.notes.replace_text(behind.note, text, change)


def _torrent_of(item: Item) -> TorrentId | None:
    return item.found.torrent if item.found else None


async def _write(
    tx: Tx, task: Task, item: Item, found: Found, change: Change, typed: dict[NoteId, Typed], *, pressed: bool
) -> Sequence[NoteId]:
    """Write the name into the notes of the task but those in which a person undid or kept it, or typed one since.

    That is since it was asked for: who types while it runs does not know what it will find. Where its own card was
    *pressed*, the presser's own words are written over, and so is what was undone in those notes that were asked for by
    their own number: it is as if they were calibrated again. Return the notes whose text was changed. What was *typed*
    in a note is read for one task, and kept for the others: of a long one that takes long.
    """
    pinned = await tx.notes.pinned(task.notebook, [found.torrent])
    changed = []
    for note in await _asked_for(tx, task, found):
        text, _ = named_in(note.text, [found])
        pinned_here = (note.id, found.torrent) in pinned
        if text == note.text and not pinned_here:
            continue
        if note.id not in typed:
            typed[note.id] = Typed(note, await tx.notes.revisions(note.id))
        presser = change.person if pressed else None
        if typed[note.id].since(task.asked_at(item), found.speaks_of, found.name.text, but=presser):
            continue
        if pressed and isinstance(task.request, NoteRequest) and note.id in task.request.named:
            await tx.notes.unpin(note.id, [found.torrent])
        elif pinned_here:
            continue
        if text != note.text and await tx.notes.replace_text(note, text, change):
            changed.append(note.id)
    return changed


async def _asked_for(tx: Tx, task: Task, found: Found) -> Sequence[Note]:
    """Return the notes of the task with links that *found* speaks of."""
    if not isinstance(task.request, NoteRequest):
        return ()
    asked = frozenset(task.request.notes)
    having = (await tx.notes.having(task.notebook, [found.torrent])).get(found.torrent, ())
    return [note for note in having if note.id in asked and names_in(note.text, found.speaks_of)]


async def _why_not(tx: Tx, task: Task, found: Found, written: Collection[NoteId]) -> PassedOver | None:
    """Return why none of the notes of the task was changed by it; None where the name stood in all.

    Where it was *written* now for another task it did not: to this one it was left to people.
    """
    if not isinstance(task.request, NoteRequest):
        return None
    notes = await _asked_for(tx, task, found)
    if any(note.id in written for note in notes):
        return PassedOver.UNSURE
    if all(named_in(note.text, [found])[0] == note.text for note in notes):
        return None if notes else PassedOver.GONE
    return PassedOver.PINNED


async def apply_keep(tx: Tx, key: ItemKey, notebook: NotebookId, person: PersonId, now: float) -> Applied:
    """Take back, and pin, the name that an item wrote into notes; not over claims, which nobody asked to keep.

    Raises:
        TaskNotFound: no such task in this notebook.
        CannotChoose: there is no old name to keep.
        EditedSince, WrittenSince: all of its notes were changed since.
    """
    task, item, found = await _found(tx, *key, notebook)
    if item.was is None:
        raise CannotChoose
    claims = (await tx.names.replaced_claims([found.torrent])).get((notebook, found.torrent), ())
    change = Change(cause=Cause.KEPT, person=person, task_id=task.id, at=now)
    changed = await take_back(
        tx, notebook, found.torrent, found.speaks_of, notes=item.corrected, was=item.was, claims=claims, change=change
    )
    await tx.followers.again(task.id)
    return Applied(tasks={task.id}, notes=set(changed))


async def _found(tx: Tx, task_id: TaskId, position: int, notebook: NotebookId) -> tuple[Task, Item, Found]:
    task = await tx.tasks.get(task_id)
    if task is None or task.notebook != notebook:
        raise TaskNotFound
    items = await tx.tasks.items_at([(task_id, position)])
    if not items or items[0].found is None:
        raise CannotChoose
    return task, items[0], items[0].found

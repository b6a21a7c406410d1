"""What a person decides about a name that was found: each call inside one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from services.calibration.apply import Applied, may_be_written, passed_over
from services.calibration.ports import Tx
from services.calibration.task import Found, Item, ItemKey, NoteRequest, PassedOver, Task
from services.errors import CannotChoose, TaskNotFound
from services.magnets.rewrite import rename
from services.notebook.history import take_back
from services.notebook.note import Cause, Change, Note
from services.readings import Reading, readings
from services.torrents import Name, NotebookId, NoteId, PersonId, TaskId


@dataclass(frozen=True, slots=True)
class Choice:
    """The name of a task's item at *position* is that which its bytes are in *encoding*."""

    task_id: TaskId
    position: int
    encoding: str


def choices(name: Name) -> Sequence[Reading]:
    """Return what people may choose from: the readings of a name whose encoding was guessed, without the chosen one."""
    if name.certain and not name.chosen:
        return ()
    return [
        one for one in readings(name.raw, name.encoding) if may_be_written(_read(name, one)) and not _stands(name, one)
    ]


def _stands(name: Name, reading: Reading) -> bool:
    return name.chosen and name.text == reading.text


def _read(name: Name, reading: Reading) -> Name:
    return Name(text=reading.text, raw=name.raw, encoding=reading.encoding, chosen=True)


async def apply_choice(tx: Tx, choice: Choice, notebook: NotebookId, person: PersonId, now: float) -> Applied:
    """Store the choice for the notebook, and write the name into the notes that its tasks were asked for.

    Of all tasks that found the torrent, not only of the one that was pressed: in each the name is certain now. A name
    that was chosen before is replaced.

    Raises:
        TaskNotFound: no such task in this notebook.
        CannotChoose: the item has no such reading, or a name that is certain.
    """
    task, item, found = await _found(tx, choice.task_id, choice.position, notebook)
    name = found.name
    if name.chosen and name.encoding == choice.encoding:
        return Applied()  # chosen already: pressed twice
    reading = next((one for one in choices(name) if one.encoding == choice.encoding), None)
    if reading is None:
        raise CannotChoose
    chosen = replace(found, name=_read(name, reading))
    await tx.names.choose(notebook, found.torrent, chosen.name, person, now)
    others = [one for one in await tx.tasks.found_in(notebook, found.torrent) if one.key != item.key]
    tasks = await tx.tasks.those({one.task_id for one in others})
    await tx.followers.again(task.id)
    await tx.followers.renew(list(tasks))
    applied = Applied(tasks={task.id, *tasks})
    for one in (item, *others):
        owner = tasks.get(one.task_id, task)
        since = None if one is item else one.ended_at
        changed, why = await _write(tx, owner, chosen, person, now, unless_edited_since=since)
        corrected = tuple(sorted({*one.corrected, *changed}))
        await tx.tasks.replace_items([replace(one, corrected=corrected, passed_over=None if corrected else why)])
        applied.notes.update(changed)
    return applied


async def _write(
    tx: Tx, task: Task, found: Found, person: PersonId, now: float, *, unless_edited_since: float | None
) -> tuple[Sequence[NoteId], PassedOver | None]:
    """Write the name into the notes of the task but those in which a person undid or kept it.

    Where its own card was pressed (*unless_edited_since* is None), those that were asked for by their own number have
    it written even so: it is as if they were calibrated again. Where another's was, a note that people have edited
    since is theirs. Return the notes whose text was changed, and why if there are none.
    """
    if not isinstance(task.request, NoteRequest):
        return (), None
    change = Change(cause=Cause.CHOSEN, person=person, task_id=task.id, at=now)
    pinned = set(await tx.notes.pinned(task.notebook, [found.torrent]))
    changed = []
    asked = frozenset(task.request.notes)
    having = (await tx.notes.having(task.notebook, [found.torrent])).get(found.torrent, ())
    notes = [note for note in having if note.id in asked]
    for note in notes:
        if unless_edited_since is not None and await _edited(tx, note, unless_edited_since):
            pinned |= {(note.id, found.torrent)}
            continue
        if unless_edited_since is None and note.id in task.request.named:
            await tx.notes.unpin(note.id, [found.torrent])
            pinned -= {(note.id, found.torrent)}
        elif (note.id, found.torrent) in pinned:
            continue
        text = rename(note.text, found.torrent, found.name.text)
        if text != note.text and await tx.notes.replace_text(note, text, change):
            changed.append(note.id)
    return changed, passed_over(found.torrent, [note.id for note in notes], pinned)


async def _edited(tx: Tx, note: Note, since: float) -> bool:
    changes = [one.change for one in await tx.notes.revisions(note.id)]
    return any(one.cause == Cause.EDIT and one.at >= since for one in changes)


async def apply_keep(tx: Tx, key: ItemKey, notebook: NotebookId, person: PersonId, now: float) -> Applied:
    """Take back, and pin, the name that an item wrote into notes.

    Raises:
        TaskNotFound: no such task in this notebook.
        CannotChoose: there is no old name to keep.
        EditedSince, WrittenSince: all of its notes were changed since.
    """
    task, item, found = await _found(tx, *key, notebook)
    if item.was is None:
        raise CannotChoose
    changed = await take_back(tx, notebook, task.id, found.torrent, notes=item.corrected, person=person, now=now)
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

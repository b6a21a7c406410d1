"""What there is to see of tasks, and what changed of them."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from services.calibration.apply import named_in
from services.calibration.choice import other_readings
from services.calibration.overtaken import Left, left_behind
from services.calibration.ports import Tx
from services.calibration.task import Found, Item, ItemKey, Lost, NoteRequest, OldName, Snapshot, State, Task, Written
from services.notebook.history import names_in, stands, taken_back
from services.notebook.note import Note
from services.torrents import NotebookId, NoteId, Step, TaskId

T = TypeVar("T")
_OUTCOMES_SHOWN = 5
_GUESSES_SHOWN = 5
_REPLACED_COUNTED = 20  # more than a card has lines for
_JUDGED = 60  # items for a card: to judge one reads its notes and what they were
_JUDGED_FOR_A_PAGE = 600
_OVERTAKEN_LOOKED_AT = 240
REPLACED_SHOWN = 5
"""Old names that were replaced: on the card of a task, and on a page of them."""


@dataclass(frozen=True, slots=True)
class Changes(Generic[T]):
    """What changed, up to and with *number*.

    The *seq* of each task, and of each note, is the number of its last change among them: what is not yet known with
    it has a greater one. *reset*: the number asked for is not known any more; *tasks* are then all there are, and what
    is not among them is gone. *more*: ask again at once, after *number*.
    """

    tasks: tuple[T, ...]
    notes: Mapping[NoteId, int]
    number: int
    reset: bool
    more: bool


@dataclass(frozen=True, slots=True)
class Replaced:
    """A few items whose old name was replaced; from which position on others come before them, or are *following*.

    A position is the same whatever is kept of the others: a count would skip as many as were kept since it was told.
    """

    items: tuple[Item, ...] = ()
    before: int | None = None
    following: int | None = None


async def read_snapshots(
    tx: Tx,
    task_ids: Iterable[TaskId],
    *,
    since: float,
    number_of: Callable[[TaskId], int],
    progress: Mapping[TaskId, Step],
    notebooks: Collection[NotebookId] | None = None,
) -> Sequence[Snapshot]:
    """Return those of the tasks that there are and that did not end before *since*, in the order asked for.

    *number_of* tells a task's last change, *progress* the newest word of its lookups. With *notebooks*: those in them.
    """
    snapshots = []
    asked = list(task_ids)
    tasks = await tx.tasks.those(asked)
    if notebooks is not None:
        tasks = {task_id: task for task_id, task in tasks.items() if task.notebook in notebooks}
    firsts = {item.task_id: item for item in await tx.tasks.items_at([(task_id, 0) for task_id in tasks])}
    written = await _written(tx, {task_id: task for task_id, task in tasks.items() if task.state.ended})
    for task_id in asked:
        task, first = tasks.get(task_id), firsts.get(task_id)
        if task is None or first is None or (task.completed_at is not None and task.completed_at < since):
            continue
        counts = await tx.tasks.counts(task_id)
        single = sum(counts.values()) == 1
        outcomes = await tx.tasks.outcomes(task_id, _OUTCOMES_SHOWN)
        told = written.get(task_id, Written())
        undecided: Sequence[Item] = ()
        replaced = 0
        left = await left_behind(tx, task, [first]) if single else Left()
        if task.state.ended and not single:  # of one under way to look for them reads all of it
            overtaken, left = await _overtaken(tx, task)
            undecided, replaced = await _undecided(tx, task, told.standing)
            undecided = (*[one for one in overtaken if one.key in left.offered][:1], *undecided)
        several = (first, *outcomes, *undecided)
        snapshots.append(
            Snapshot(
                task=task,
                seq=number_of(task_id),
                counts=counts,
                first=first,
                outcomes=tuple(outcomes),
                undecided=tuple(undecided),
                replaced=replaced,
                progress=progress.get(task_id) if task.state is State.RUNNING else None,
                written=told,
                only_claimed=left.offered,
                unwritten=left.others,
                # Where all of it was undone, all old names stand.
                otherwise=tuple(await other_readings(tx, task, first)) if single else (),
                old_names={} if told.as_one and not told.standing else await _old_names(tx, task, several),
            )
        )
    return snapshots


async def read_glances(
    tx: Tx, task_ids: Iterable[TaskId], progress: Mapping[TaskId, Step]
) -> Mapping[TaskId, Snapshot]:
    """Return those of the tasks that there are, with as much as a line about each needs: at the price of one."""
    tasks = await tx.tasks.those(list(task_ids))
    counts = await tx.tasks.counts_of(list(tasks))
    firsts = await tx.tasks.items_at([(task_id, 0) for task_id in tasks])
    return {
        first.task_id: Snapshot(
            task=tasks[first.task_id],
            seq=0,
            counts=counts[first.task_id],
            first=first,
            outcomes=(),
            progress=progress.get(first.task_id),
        )
        for first in firsts
    }


async def _written(tx: Tx, ended: Mapping[TaskId, Task]) -> Mapping[TaskId, Written]:
    written = dict(await tx.tasks.written(ended))
    for task_id, note_id in await tx.tasks.written_apart(ended):
        for note in await tx.notes.those(ended[task_id].notebook, [note_id]):
            if stands(note, await tx.notes.revisions(note.id), task_id):
                known = written.get(task_id, Written())
                written[task_id] = replace(known, standing=tuple(sorted((*known.standing, note_id))))
    return written


async def _overtaken(tx: Tx, task: Task) -> tuple[Sequence[Item], Left]:
    """Return the first items in whose place something verified came, among which notes are left behind; and these."""
    place = 0
    others: set[NoteId] = set()
    while True:
        items = await tx.tasks.overtaken(task.id, place, _JUDGED)
        left = await left_behind(tx, task, items)
        others.update(left.others)
        if left.offered or len(items) < _JUDGED or place >= _OVERTAKEN_LOOKED_AT:
            return items, Left(left.offered, tuple(sorted(others)))
        place = items[-1].key[1] + 1


async def _undecided(tx: Tx, task: Task, standing: Collection[NoteId]) -> tuple[Sequence[Item], int]:
    """Return those about whose names people may decide, and how many old names were replaced, or that it is many."""
    guesses = await tx.tasks.guesses(task.id, _GUESSES_SHOWN)
    replaced, rest = await _replaced(tx, task, standing, place=0, most=_REPLACED_COUNTED)
    return (*guesses, *replaced[:REPLACED_SHOWN]), len(replaced) if rest is None else _REPLACED_COUNTED


async def read_replaced(tx: Tx, task_id: TaskId, place: int) -> Replaced:
    """Return the first of the task's items, from position *place* on, whose old name can still be kept."""
    task = await tx.tasks.get(task_id)
    if task is None:
        return Replaced()
    standing = (await _written(tx, {task_id: task})).get(task_id, Written()).standing
    judged = _JUDGED_FOR_A_PAGE
    found, rest = await _replaced(tx, task, standing, place=place, most=REPLACED_SHOWN + 1, judged=judged)
    earlier, _ = await _replaced(tx, task, standing, place=place, most=REPLACED_SHOWN, judged=judged, back=True)
    return Replaced(
        tuple(found[:REPLACED_SHOWN]),
        before=earlier[-1].position if earlier else None,
        following=found[-1].position if len(found) > REPLACED_SHOWN else rest,
    )


async def _replaced(
    tx: Tx,
    task: Task,
    standing: Collection[NoteId],
    *,
    place: int,
    most: int,
    judged: int = _JUDGED,
    back: bool = False,
) -> tuple[Sequence[Item], int | None]:
    """Return *most* such items from *place* on, or *back* from it.

    Of those that may be, so many are *judged*; where few of them are and more are left, also the place of the rest.
    """
    found: list[Item] = []
    for _ in range(judged // REPLACED_SHOWN):
        items = await tx.tasks.replaced(task.id, standing, place=place, back=back, limit=REPLACED_SHOWN)
        old_names = await _old_names(tx, task, items)
        found += [item for item in items if old_names.get(item.key) is OldName.REPLACED]
        if len(found) >= most or len(items) < REPLACED_SHOWN:
            return found[:most], None
        place = items[-1].position if back else items[-1].position + 1
    return found[:most], place


async def _old_names(tx: Tx, task: Task, items: Iterable[Item]) -> Mapping[ItemKey, OldName]:
    old_names: dict[ItemKey, OldName] = {}
    for item in items:
        if item.found is None or item.was in {None, item.found.name.text} or item.key in old_names:
            continue
        for note in await tx.notes.those(task.notebook, item.corrected):
            became = await _old_name(tx, task, item.found, item.was, note)
            if became is not None:
                old_names[item.key] = became
            if became is OldName.REPLACED:  # it may be kept there, whatever was kept in others
                break
    return old_names


async def _old_name(tx: Tx, task: Task, found: Found, was: str | None, note: Note) -> OldName | None:
    """Return what became in *note* of the name that *was* there; None where it never was, or neither stands now."""
    if was in names_in(note.text, found.speaks_of):
        pinned = await tx.notes.pinned(task.notebook, [found.torrent])
        return OldName.KEPT if (note.id, found.torrent) in pinned else None
    before = taken_back(note, await tx.notes.revisions(note.id), task.id, found.speaks_of)
    if before is None or was not in names_in(before, found.speaks_of):
        return None
    return OldName.REPLACED if named_in(note.text, [found])[0] == note.text else None


async def read_lost(tx: Tx, task_id: TaskId, *, offset: int, limit: int) -> Sequence[Lost]:
    """Return what the task did not find, by position, each with those of the task's notes that have it."""
    task = await tx.tasks.get(task_id)
    if task is None:
        return ()
    items = await tx.tasks.items(task_id, states=(State.FAILED, State.CANCELLED), offset=offset, limit=limit)
    asked = frozenset(task.request.notes if isinstance(task.request, NoteRequest) else ())
    having = await tx.notes.having(task.notebook, [item.torrent for item in items]) if asked else {}
    return [Lost(item, tuple(note.id for note in having.get(item.torrent, ()) if note.id in asked)) for item in items]

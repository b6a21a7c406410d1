"""What an accepted request, a started lookup and an outcome change in the store: each inside one transaction."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from services.calibration.ports import Tx
from services.calibration.task import Found, Item, NoteRequest, State, Task, end_of
from services.magnets.rewrite import rename
from services.notebook.note import Change
from services.torrents import NotebookId, NoteId, Step, TaskId

_LONGEST_WRITTEN = 1000
"""Bytes of UTF-8: a longer name is shown and not written."""

ItemKey = tuple[TaskId, int]


@dataclass(slots=True)
class Applied:
    """What a transaction changed: tasks, notes, and the items that ended in it."""

    tasks: set[TaskId] = field(default_factory=set)
    notes: set[NoteId] = field(default_factory=set)
    ended: set[ItemKey] = field(default_factory=set)


def writable(found: Found) -> bool:
    """Whether a name goes into notes by itself: verified, certain, to be seen, and not overlong."""
    length = len(found.name.text.encode(errors="replace"))
    return found.verified and found.name.certain and not found.name.blank and length <= _LONGEST_WRITTEN


async def apply_started(tx: Tx, keys: Iterable[tuple[ItemKey, int]], now: float) -> Applied:
    """Move items (each with the attempt that started it) and their tasks to running; what has moved on stays."""
    applied = Applied()
    for (task_id, position), attempt in keys:
        item = await tx.tasks.item(task_id, position)
        if item is None or item.state.ended:
            applied.ended.add((task_id, position))  # whoever let it wait had read it before it ended
            continue
        if item.state is not State.PENDING or item.attempt != attempt:
            continue
        await tx.tasks.replace_item(item.to(State.RUNNING, started_at=now))
        await _start_task(tx, task_id, now)
        applied.tasks.add(task_id)
    return applied


async def apply_found(tx: Tx, found: Found, items: Sequence[Item], now: float) -> Applied:
    """End *items* as completed, and write the name into the notes of those notebooks that asked through notes."""
    applied = Applied()
    tasks = await _tasks_of(tx, items)
    corrected: dict[NotebookId, tuple[NoteId, ...]] = {}
    for task in tasks.values():
        if isinstance(task.request, NoteRequest) and task.notebook not in corrected:
            corrected[task.notebook] = await _correct(tx, task, found, now)
            applied.notes.update(corrected[task.notebook])
    for item in items:
        task = tasks[item.task_id]
        notes = corrected[task.notebook] if isinstance(task.request, NoteRequest) else ()
        await _end_item(tx, item, task, State.COMPLETED, now, found=found, corrected=notes)
        applied.ended.add((item.task_id, item.position))
    return await _end_tasks(tx, tasks, now, applied)


async def apply_failure(tx: Tx, failure: Step, keys: Iterable[tuple[ItemKey, int]], now: float) -> Applied:
    """End as failed those items that are still at the attempt that failed."""
    applied = Applied()
    items = [(await tx.tasks.item(*key), attempt) for key, attempt in keys]
    failed = [item for item, attempt in items if item and not item.state.ended and item.attempt == attempt]
    tasks = await _tasks_of(tx, failed)
    for item in failed:
        await _end_item(tx, item, tasks[item.task_id], State.FAILED, now, failure=failure)
        applied.ended.add((item.task_id, item.position))
    return await _end_tasks(tx, tasks, now, applied)


async def apply_cancel(tx: Tx, task: Task, now: float) -> Applied:
    """End a task under way, and what is left of it, as cancelled; it keeps the names that it found."""
    applied = Applied()
    for item in await tx.tasks.items(task.id, states=(State.PENDING, State.RUNNING)):
        await tx.tasks.replace_item(item.to(State.CANCELLED, ended_at=now))
        if isinstance(task.request, NoteRequest):
            await tx.notes.mark(task.notebook, item.torrent, State.CANCELLED, task.id, now)
        applied.ended.add((item.task_id, item.position))
    await tx.tasks.replace(task.to(State.CANCELLED, completed_at=now))
    applied.tasks.add(task.id)
    return applied


async def apply_retry(tx: Tx, task: Task) -> Task:
    """Put the failed and cancelled items of an ended task back to pending, as one attempt more."""
    again = task.to(State.PENDING, attempt=task.attempt + 1, started_at=None, completed_at=None)
    for item in await tx.tasks.items(task.id, states=(State.FAILED, State.CANCELLED)):
        await tx.tasks.replace_item(
            item.to(State.PENDING, attempt=again.attempt, started_at=None, ended_at=None, failure=None)
        )
    await tx.tasks.replace(again)
    await tx.followers.again(task.id)
    return again


async def hand_back(tx: Tx) -> Sequence[Task]:
    """Put all that was running back to pending, and return the tasks under way. No attempt is counted."""
    tasks = await tx.tasks.unended()
    for task in tasks:
        if task.state is State.RUNNING:
            for item in await tx.tasks.items(task.id, states=(State.RUNNING,)):
                await tx.tasks.replace_item(item.to(State.PENDING, started_at=None))
            await tx.tasks.replace(task.to(State.PENDING))
    return tasks


async def _tasks_of(tx: Tx, items: Iterable[Item]) -> dict[TaskId, Task]:
    tasks: dict[TaskId, Task] = {}
    for item in items:
        if item.task_id not in tasks:
            task = await tx.tasks.get(item.task_id)
            assert task is not None  # noqa: S101 - items go with their task
            tasks[item.task_id] = task
    return tasks


async def _start_task(tx: Tx, task_id: TaskId, now: float) -> None:
    task = await tx.tasks.get(task_id)
    if task is not None and task.state is State.PENDING:
        await tx.tasks.replace(task.to(State.RUNNING, started_at=task.started_at or now))


async def _end_item(tx: Tx, item: Item, task: Task, state: State, now: float, **outcome: object) -> None:
    if item.state is State.PENDING:  # served by another's lookup while it was in line
        item = item.to(State.RUNNING, started_at=now)
    ended = item.to(state, ended_at=now, **outcome)
    await tx.tasks.replace_item(ended)
    if isinstance(task.request, NoteRequest):
        torrent = ended.found.torrent if ended.found else ended.torrent
        await tx.notes.mark(task.notebook, torrent, state, task.id, now)


async def _end_tasks(tx: Tx, tasks: dict[TaskId, Task], now: float, applied: Applied) -> Applied:
    for task_id in tasks:
        applied.tasks.add(task_id)
        await _start_task(tx, task_id, now)
        if await tx.tasks.has_unended(task_id):
            continue
        task = await tx.tasks.get(task_id)
        end = end_of(await tx.tasks.counts(task_id))
        if task is not None and end is not None:
            await tx.tasks.replace(task.to(end, completed_at=now))
    return applied


async def _correct(tx: Tx, task: Task, found: Found, now: float) -> tuple[NoteId, ...]:
    """Write the name into every note of the task's notebook that has the torrent; return those that it changed."""
    if not writable(found):
        return ()
    change = Change(cause=task.cause, person=task.asked_by, task_id=task.id, at=now)
    changed = []
    for note in await tx.notes.having(task.notebook, found.torrent):
        text = rename(note.text, found.torrent, found.name.text)
        if text != note.text and await tx.notes.replace_text(note, text, change):
            changed.append(note.id)
    return tuple(changed)

"""What there is to see of the tasks, and what changes of them."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from typing import TypeVar

from services.calibration.ports import TaskStore, Tx
from services.calibration.sequence import Sequence as Changed
from services.calibration.snapshots import Changes, Replaced, read_glances, read_lost, read_replaced, read_snapshots
from services.calibration.task import Item, Lost, Snapshot, State, Task
from services.clock import Clock
from services.errors import TaskNotFound
from services.torrents import NotebookId, NoteId, PersonId, Step, TaskId

T = TypeVar("T")


class Views:
    """The readings of `AsyncCalibrationManager`; an ended task is answered for *ttl* seconds."""

    def __init__(self, tasks: TaskStore, clock: Clock, ttl: float) -> None:
        self._tasks = tasks
        self._clock = clock
        self._ttl = ttl
        self._progress: dict[TaskId, Step] = {}
        self._changed = Changed(0)

    async def get_task_status(self, task_id: TaskId) -> Snapshot | None:
        """Return the task as it stands; None when it is unknown, or ended longer ago than the ttl."""
        snapshots = await self._tasks.read(lambda tx: self._snapshots(tx, [task_id]))
        return snapshots[0] if snapshots else None

    async def ended(self, task_id: TaskId) -> Snapshot:
        """Return the task when it has ended. Raises TaskNotFound."""
        seen: int | None = None
        while True:
            number, own = self._changed.number, self._changed.number_of(task_id)
            if own != seen:
                snapshot, seen = await self.get_task_status(task_id), own
                if snapshot is None:
                    raise TaskNotFound
                if snapshot.task.state.ended:
                    return snapshot
            await self._changed.after(number)

    async def glance(self, task_ids: Iterable[TaskId]) -> Mapping[TaskId, Snapshot]:
        """Return what lines about these tasks need, however old they are; see `read_glances`."""
        return await self._tasks.read(lambda tx: read_glances(tx, task_ids, self._progress))

    async def live_tasks(
        self, *, notebook: NotebookId | None = None, asked_by: PersonId | None = None, limit: int = 20
    ) -> tuple[Sequence[Snapshot], int]:
        """Return the first *limit* tasks under way as they are stored, and how many there are; see `Tasks.live`."""

        async def live(tx: Tx) -> tuple[Sequence[Snapshot], int]:
            task_ids, many = await tx.tasks.live(notebook=notebook, asked_by=asked_by, limit=limit)
            return await self._snapshots(tx, task_ids), many

        return await self._tasks.read(live)

    async def tasks_of(
        self, notebook: NotebookId, *, note: NoteId | None = None, limit: int, ended: int
    ) -> tuple[Sequence[Snapshot], int]:
        """Return the newest *limit* tasks under way and the *ended* ones that ended last, the newest first.

        So each keeps its place until it is not among them. With *note*, those that are about it. The number is how
        many are under way.
        """
        since = self._clock.now() - self._ttl

        async def tasks(tx: Tx) -> tuple[Sequence[Snapshot], int]:
            live, many = await tx.tasks.live(notebook=notebook, asked_by=None, note=note, limit=limit, newest=True)
            over = await tx.tasks.ended_of(notebook, note=note, since=since, limit=ended)
            snapshots = await self._snapshots(tx, [*live, *over])
            return sorted(snapshots, key=lambda one: one.task.created_at, reverse=True), many

        return await self._tasks.read(tasks)

    async def live_items(self, notebooks: Collection[NotebookId] | None = None) -> Mapping[State, int]:
        """Return how many items are pending, and how many running; with *notebooks*, of their tasks."""
        if notebooks is None:
            return await self._tasks.read(lambda tx: tx.tasks.live_items())
        return await self._tasks.read(lambda tx: tx.tasks.live_items_of(notebooks))

    async def list_items(
        self, task_id: TaskId, *, page: int = 0, size: int = 20, states: Sequence[State] = ()
    ) -> Sequence[Item]:
        """Return a page (from 0) of the task's items by position, of these *states* where any is given."""
        return await self._tasks.read(lambda tx: tx.tasks.items(task_id, states=states, offset=page * size, limit=size))

    async def list_lost(self, task_id: TaskId, *, page: int = 0, size: int = 10) -> Sequence[Lost]:
        """Return a page (from 0) of what the task did not find, by position, each with its notes."""
        return await self._tasks.read(lambda tx: read_lost(tx, task_id, offset=page * size, limit=size))

    async def list_replaced(self, task_id: TaskId, *, place: int = 0) -> Replaced:
        """Return the first of the task's items, from position *place* on, whose old name can still be kept."""
        return await self._tasks.read(lambda tx: read_replaced(tx, task_id, place))

    @property
    def number(self) -> int:
        """The number of the last change: where one begins who knows everything up to now."""
        return self._changed.number

    async def changed_after(self, number: int) -> None:
        """Return when something has changed after *number*."""
        await self._changed.after(number)

    async def changes_since(
        self, number: int, *, limit: int = 500, notebooks: Collection[NotebookId] | None = None
    ) -> Changes[Snapshot]:
        """Return what changed after *number* (0 at first), at most *limit* things unless it is a reset.

        With *notebooks* only their tasks are read; the notes are always everybody's.
        """

        async def everything(tx: Tx) -> Sequence[Snapshot]:
            return await self._snapshots(tx, await self._recent(tx), notebooks=notebooks)

        async def those(tx: Tx, tasks: Mapping[TaskId, int]) -> Sequence[Snapshot]:
            # Whatever their age: who polls seldom must hear of an end that the ttl has overtaken, too.
            return await self._snapshots(tx, tasks, since=0.0, number_of=tasks.__getitem__, notebooks=notebooks)

        return await self._since(number, limit, everything, those)

    async def tasks_since(self, number: int, *, limit: int = 500) -> Changes[Task]:
        """Return the same as `changes_since`, with the tasks alone: what was found is not read."""

        async def everything(tx: Tx) -> Sequence[Task]:
            return await those(tx, await self._recent(tx))

        async def those(tx: Tx, tasks: Collection[TaskId]) -> Sequence[Task]:
            return list((await tx.tasks.those(tasks)).values())

        return await self._since(number, limit, everything, those)

    async def _recent(self, tx: Tx) -> Sequence[TaskId]:
        return await tx.tasks.recent(self._clock.now() - self._ttl)

    async def _since(
        self,
        number: int,
        limit: int,
        everything: Callable[[Tx], Awaitable[Sequence[T]]],
        those: Callable[[Tx, Mapping[TaskId, int]], Awaitable[Sequence[T]]],
    ) -> Changes[T]:
        touched = self._changed.since(number, limit)
        if touched is None:
            number = self._changed.number
            return Changes(tuple(await self._tasks.read(everything)), {}, number, reset=True, more=False)
        tasks = {TaskId(key): changed for key, changed in touched.changes if isinstance(key, str)}
        notes = {NoteId(key): changed for key, changed in touched.changes if isinstance(key, int)}
        changed = await self._tasks.read(lambda tx: those(tx, tasks)) if tasks else ()
        return Changes(tuple(changed), notes, touched.number, reset=False, more=touched.more)

    async def unshown_ends(self, task_id: TaskId | None = None) -> Sequence[Snapshot]:
        """Return the ended tasks (or this one) of which a follower has not yet shown the end, however old."""

        async def unshown(tx: Tx) -> Sequence[Snapshot]:
            ended = await tx.tasks.with_unshown_end()
            return await self._snapshots(tx, [one for one in ended if task_id in {None, one}], since=0.0)

        return await self._tasks.read(unshown)

    async def _snapshots(
        self,
        tx: Tx,
        task_ids: Iterable[TaskId],
        *,
        since: float | None = None,
        number_of: Callable[[TaskId], int] | None = None,
        notebooks: Collection[NotebookId] | None = None,
    ) -> Sequence[Snapshot]:
        return await read_snapshots(
            tx,
            task_ids,
            since=self._clock.now() - self._ttl if since is None else since,
            number_of=number_of or self._changed.number_of,
            progress=self._progress,
            notebooks=notebooks,
        )

"""The followers, as the front end that shows them needs them."""

from collections.abc import Sequence

from services.calibration.follower import Follower, FollowerId, NewFollower
from services.calibration.ports import TaskStore, Tx
from services.calibration.task import State
from services.clock import Clock
from services.errors import TaskNotFound
from services.torrents import NotebookId, TaskId


class Followership:
    """Which message shows which task, and what it shows; all of it stored."""

    def __init__(self, tasks: TaskStore, clock: Clock) -> None:
        self._tasks = tasks
        self._clock = clock

    async def get(self, follower: FollowerId) -> Follower | None:
        """Return the follower."""
        return await self._tasks.read(lambda tx: tx.followers.get(follower))

    async def at(self, address: str, message_id: int) -> Follower | None:
        """Return the follower that is this message."""
        return await self._tasks.read(lambda tx: tx.followers.at(address, message_id))

    async def of(self, task_id: TaskId) -> Sequence[Follower]:
        """Return the followers of a task."""
        return await self._tasks.read(lambda tx: tx.followers.of(task_id))

    async def unfinished(self) -> Sequence[Follower]:
        """Return those that have not shown an end, oldest first."""
        return await self._tasks.read(lambda tx: tx.followers.unfinished())

    async def adopt(self, task_id: TaskId, notebook: NotebookId, follower: NewFollower) -> None:
        """Let a message that nobody follows show a task of its notebook; one that is followed stays as it is.

        Raises:
            TaskNotFound: no such task in this notebook.
        """

        async def adopt(tx: Tx) -> None:
            task = await tx.tasks.get(task_id)
            if task is None or task.notebook != notebook:
                raise TaskNotFound
            if follower.message_id is None or await tx.followers.at(follower.address, follower.message_id) is None:
                await tx.followers.add(task, follower)

        await self._tasks.write(adopt)

    async def shown(self, follower: Follower, message_id: int, attempt: int, state: State) -> None:
        """Store what the message shows now; an end that a retry has overtaken meanwhile is not the last word."""
        ended = self._clock.now() if state.ended else None

        async def store(tx: Tx) -> None:
            task = await tx.tasks.get(follower.task_id)
            overtaken = task is not None and task.attempt != attempt
            await tx.followers.shown(follower, message_id, attempt, state, None if overtaken else ended)

        await self._tasks.write(store)

    async def rests(self, follower: FollowerId) -> None:
        """Store that nothing more can be shown to it."""
        await self._tasks.write(lambda tx: tx.followers.gone(follower, self._clock.now()))

    async def lost_message(self, follower: FollowerId) -> None:
        """Store that its message was deleted: only the end is shown, in a new one."""
        await self._tasks.write(lambda tx: tx.followers.gone(follower, None))

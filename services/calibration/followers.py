"""The followers, as the front end that shows them needs them."""

from collections.abc import Collection, Sequence

from services.calibration.boards import Boards, follow
from services.calibration.follower import Follower, FollowerId, NewFollower, Place
from services.calibration.ports import TaskStore, Tx
from services.calibration.task import State
from services.clock import Clock
from services.errors import TaskNotFound
from services.torrents import NotebookId, NoteId, PersonId, TaskId


class Followership:
    """Which message shows which task, and what it shows; all of it stored."""

    def __init__(self, tasks: TaskStore, clock: Clock) -> None:
        self._tasks = tasks
        self._clock = clock
        self.boards = Boards(tasks, clock)

    async def get(self, follower: FollowerId) -> Follower | None:
        """Return the follower."""
        return await self._tasks.read(lambda tx: tx.followers.get(follower))

    async def at(self, address: str, message_id: int) -> Follower | None:
        """Return the follower that is this message."""
        return await self._tasks.read(lambda tx: tx.followers.at(address, message_id))

    async def of(self, *task_ids: TaskId) -> Sequence[Follower]:
        """Return the followers of these tasks, oldest first."""
        return await self._tasks.read(lambda tx: tx.followers.of(*task_ids))

    async def unfinished(self) -> Sequence[Follower]:
        """Return those that have not shown an end, oldest first."""
        return await self._tasks.read(lambda tx: tx.followers.unfinished())

    async def unshown_ends(self) -> Collection[TaskId]:
        """Return the ended tasks of which a follower has not yet shown the end."""
        return await self._tasks.read(lambda tx: tx.tasks.with_unshown_end())

    async def asker(self, task_id: TaskId) -> PersonId | None:
        """Return who asked for a task; None when it is kept no longer."""
        task = await self._tasks.read(lambda tx: tx.tasks.get(task_id))
        return task.asked_by if task else None

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
                await follow(tx, task, follower)

        await self._tasks.write(adopt)

    async def shown(self, follower: Follower, message_id: int, attempt: int, state: State) -> Follower | None:
        """Store what the message shows now, *follower* being as it was when that was made; return it as it is then.

        An end is not the last word where a retry, or a press that asked for something else, has overtaken it. The
        message may have been pressed, and followed, before its sender heard of it: see `Followers.shown`.
        """
        ended = self._clock.now() if state.ended else None

        async def store(tx: Tx) -> Follower | None:
            there = await tx.followers.get(follower.id)
            overtaken = there is not None and there.renewed != follower.renewed
            await tx.followers.shown(follower, message_id, attempt, state, None if overtaken else ended)
            return await tx.followers.get(follower.id)

        return await self._tasks.write(store)

    async def leaving(self) -> Sequence[Follower]:
        """Return those whose own message is still to say that a board shows their task."""
        return await self._tasks.read(lambda tx: tx.followers.leaving())

    async def left(self, follower: Follower) -> None:
        """Store that its message says so, or was deleted."""
        message_id = follower.message_id
        if message_id is not None:
            await self._tasks.write(lambda tx: tx.followers.left(follower.id, message_id))

    async def closed(self) -> Sequence[Place]:
        """Return the places that take no messages from us."""
        return await self._tasks.read(lambda tx: tx.followers.closed())

    async def close(self, *places: Place) -> None:
        """Store that these take none. What is to be shown there stays so."""

        async def close(tx: Tx) -> None:
            for place in places:
                await tx.followers.close(place, self._clock.now())

        await self._tasks.write(close)

    async def open(self, *places: Place) -> None:
        """Store that these take messages."""

        async def open_them(tx: Tx) -> None:
            for place in places:
                await tx.followers.open(place)

        await self._tasks.write(open_them)

    async def again(self, task_id: TaskId) -> None:
        """Let every message of a task show its end once more: somebody was refused what it offers."""
        await self._tasks.write(lambda tx: tx.followers.again(task_id))

    async def behind(self, notes: Collection[NoteId]) -> Sequence[Follower]:
        """Return those that have shown the end of a task which wrote into *notes*, which have changed since."""
        return await self._tasks.read(lambda tx: tx.followers.behind(notes)) if notes else ()

    async def turn(self, follower: FollowerId, failed_page: int | None) -> None:
        """Let a message show a page (from 0) of what its task did not find; None, or a task under way: its card."""

        async def turn(tx: Tx) -> None:
            one = await tx.followers.get(follower)
            task = await tx.tasks.get(one.task_id) if one is not None else None
            if task is not None and task.state.ended:
                await tx.followers.turn(follower, failed_page)

        await self._tasks.write(turn)

    async def rests(self, follower: Follower) -> None:
        """Store that there is nothing more to show of its task; its message stays the one that shows it."""
        await self._tasks.write(lambda tx: tx.followers.gone(follower, self._clock.now()))

    async def lost_message(self, follower: Follower) -> None:
        """Store that its message was deleted: only the end is shown, in a new one."""
        await self._tasks.write(lambda tx: tx.followers.gone(follower, None))

"""The repeating job that polls the manager and marks what must be shown; and what the outbox then shows."""

from dataclasses import dataclass

from handlers.cards import card
from handlers.outbox import Outbox
from handlers.outgoing import Address, Card, Gone
from handlers.slots import Rank
from services.calibration.follower import Follower, FollowerId
from services.calibration.followers import Followership
from services.calibration.manager import AsyncCalibrationManager
from services.calibration.task import Snapshot, State, Task
from services.clock import Clock
from services.torrents import TaskId


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskCard(Card):
    """A card, and the task that it shows: its message may become another task's while it is on its way."""

    task_id: TaskId


class LiveStatus:
    """Keeps every followed message true. It implements the outbox's `Cards`."""

    def __init__(self, manager: AsyncCalibrationManager, followers: Followership, clock: Clock) -> None:
        self._manager = manager
        self._followers = followers
        self._clock = clock
        self._outbox: Outbox | None = None
        self._number = 0

    async def resume(self, outbox: Outbox) -> None:
        """Begin to mark for *outbox*: first all messages that have not shown an end, so that they go on."""
        self._outbox = outbox
        self._number = (await self._manager.changes_since(0)).number
        ended = {snapshot.task.id for snapshot in await self._manager.unshown_ends()}
        for follower in await self._followers.unfinished():
            self._mark(follower, Rank.END if follower.task_id in ended else Rank.PROGRESS)

    async def poll(self) -> None:
        """Mark the messages of what changed since the last poll."""
        more = True
        while more:
            changes = await self._manager.changes_since(self._number)
            for snapshot in changes.tasks:
                rank = Rank.END if snapshot.task.state.ended else Rank.PROGRESS
                await self._mark_all(snapshot.task.id, rank)
            self._number, more = changes.number, changes.more  # not before all are marked: the store may fail there

    async def show(self, task_id: TaskId) -> None:
        """Mark the task's messages as an answer to somebody who asks now."""
        await self._mark_all(task_id, Rank.ANSWER)

    async def _mark_all(self, task_id: TaskId, rank: Rank) -> None:
        for follower in await self._followers.of(task_id):
            self._mark(follower, rank)

    def _mark(self, follower: Follower, rank: Rank) -> None:
        if self._outbox is not None:
            self._outbox.mark(follower.id, Address.parse(follower.address), rank)

    # What the outbox asks for.

    async def render(self, follower: FollowerId) -> TaskCard | None:
        one = await self._followers.get(follower)
        if one is None or one.end_shown_at is not None:
            return None
        snapshot = await self._snapshot(one.task_id)
        if snapshot is None:  # its task is kept no longer: there is nothing left to show
            await self._followers.rests(follower)
            return None
        state = shown_state(snapshot.task)
        if one.gone and not state.ended:
            return None
        return TaskCard(
            task_id=one.task_id,
            to=Address.parse(one.address),
            message=card(snapshot, state, self._clock.now(), one.language),
            message_id=one.message_id,
            reply_to=one.reply_to,
            attempt=snapshot.task.attempt,
            state=state,
            ended=state.ended,
        )

    async def _snapshot(self, task_id: TaskId) -> Snapshot | None:
        """Return the task as it stands, even if it ended longer ago than anybody else is told of."""
        snapshot = await self._manager.get_task_status(task_id)
        return snapshot or next(iter(await self._manager.unshown_ends(task_id)), None)

    async def shown(self, follower: FollowerId, card: Card, message_id: int) -> None:
        one = await self._followers.get(follower)
        if one is not None and isinstance(card, TaskCard) and card.task_id == one.task_id:
            await self._followers.shown(one, message_id, card.attempt, State(card.state))

    async def gone(self, follower: FollowerId, card: Card, reason: Gone) -> None:  # noqa: ARG002 - the port's
        if reason is Gone.CHAT:
            await self._followers.rests(follower)
        else:
            await self._followers.lost_message(follower)


def shown_state(task: Task) -> State:
    """Return the state to show: a running card does not go back to pending because the program was started anew.

    Judged by the task alone: when the program was killed, what its message showed may not have been stored yet.
    """
    return State.RUNNING if task.state is State.PENDING and task.started_at is not None else task.state

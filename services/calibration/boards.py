"""Boards: when the tasks of a place are shown by one message, and what of them it has shown; all of it stored."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from services.calibration.board import Board, Line, LineShown
from services.calibration.follower import BoardId, FollowerId, NewFollower
from services.calibration.ports import TaskStore, Tx
from services.calibration.task import Task
from services.clock import Clock


async def follow(tx: Tx, task: Task, follower: NewFollower) -> None:
    """Let *follower* show the task, by itself or on its place's board."""
    await tx.followers.add(task, follower)
    await fold(tx, follower.address)


async def fold(tx: Tx, address: str) -> None:
    """Let a board show all that is live at *address* if that is more than may stand there alone."""
    many, alone = await tx.boards.crowd(address)
    if alone is not None and many > alone:
        await tx.boards.gather(address)


@dataclass(frozen=True, slots=True)
class Listed:
    """A board with all its lines, oldest first."""

    board: Board
    lines: Sequence[Line]


class Boards:
    """The boards, as the front end that shows them needs them."""

    def __init__(self, tasks: TaskStore, clock: Clock) -> None:
        self._tasks = tasks
        self._clock = clock

    async def get(self, board: BoardId) -> Listed | None:
        async def get(tx: Tx) -> Listed | None:
            there = await tx.boards.get(board)
            return None if there is None else Listed(there, await tx.boards.lines(board))

        return await self._tasks.read(get)

    async def at(self, address: str, message_id: int) -> Board | None:
        """Return the board that is this message."""
        return await self._tasks.read(lambda tx: tx.boards.at(address, message_id))

    async def take_off(self, board: BoardId, followers: Collection[FollowerId]) -> None:
        """Let these stand alone from now on."""
        await self._tasks.write(lambda tx: tx.boards.take_off(board, followers))

    async def open(self) -> Sequence[Board]:
        """Return those that are not closed, or whose message is behind."""
        return await self._tasks.read(lambda tx: tx.boards.open())

    async def behind(self) -> Sequence[Board]:
        """Return those whose message is behind."""
        return await self._tasks.read(lambda tx: tx.boards.behind())

    async def shown(
        self, board: BoardId, lines: Collection[LineShown], *, at: tuple[str, int] | None = None, last: bool = False
    ) -> None:
        """Store what its message (*at* an address), or another one, shows of *lines*; closed by its *last* word."""

        async def store(tx: Tx) -> None:
            await tx.boards.show(board, lines, self._clock.now())
            if at is not None:
                await tx.boards.put_up(board, *at)
            if last:
                await tx.boards.close(board, self._clock.now())

        await self._tasks.write(store)

    async def adopt(self, board: BoardId, address: str, message_id: int) -> bool:
        """Let a message be a board of its address that has none; return whether it is that."""

        async def adopt(tx: Tx) -> bool:
            there = await tx.boards.get(board)
            if there is None or there.address != address or there.message_id not in {None, message_id}:
                return False
            await tx.boards.put_up(board, address, message_id)
            return True

        return await self._tasks.write(adopt)

    async def turn(self, board: BoardId, page: int) -> None:
        """Let it show a page (from 0) of its live tasks."""
        await self._tasks.write(lambda tx: tx.boards.turn(board, page))

    async def ask(self, board: BoardId, *, asking: bool) -> None:
        """Let it ask whether to cancel all, or no longer."""
        await self._tasks.write(lambda tx: tx.boards.ask(board, asking=asking))

    async def lost_message(self, board: BoardId) -> None:
        """Store that its message was deleted."""
        await self._tasks.write(lambda tx: tx.boards.take_down(board))

"""Rows of boards: which message shows many tasks of a place."""

import sqlite3
from collections.abc import Collection, Sequence

from services.calibration.board import Board, Line, LineShown
from services.calibration.follower import BoardId, FollowerId
from services.calibration.task import State
from services.store import codec
from services.store.statements import Statements
from services.torrents import PersonId, TaskId


class BoardRows:
    """See `services.calibration.ports.Boards`."""

    def __init__(self, statements: Statements) -> None:
        self._run = statements

    async def crowd(self, address: str) -> tuple[int, int | None]:
        row = await self._run.one("crowd", address=address)
        assert row is not None  # noqa: S101 - a count is always a row
        return row["many"], row["alone"]

    async def gather(self, address: str) -> None:
        await self._run.one("open_board", address=address)
        await self._run.one("gather_crowd", address=address)

    async def get(self, board: BoardId) -> Board | None:
        row = await self._run.one("board", id=board)
        return _board(row) if row else None

    async def at(self, address: str, message_id: int) -> Board | None:
        row = await self._run.one("board_at", address=address, message_id=message_id)
        return _board(row) if row else None

    async def open(self) -> Sequence[Board]:
        return [_board(row) for row in await self._run.all("open_boards")]

    async def behind(self) -> Sequence[Board]:
        return [_board(row) for row in await self._run.all("boards_behind")]

    async def move(self, address: str, became: str) -> None:
        await self._run.one("move_lines", address=address, became=became)
        await self._run.one("move_board", address=address, became=became)
        await self._run.one("leave_boards", address=address)

    async def lines(self, board: BoardId) -> Sequence[Line]:
        return [_line(row) for row in await self._run.all("board_lines", id=board)]

    async def put_up(self, board: BoardId, address: str, message_id: int) -> None:
        await self._run.one("put_up_board", id=board, address=address, message_id=message_id)

    async def take_down(self, board: BoardId) -> None:
        await self._run.one("take_down_board", id=board)

    async def show(self, board: BoardId, lines: Collection[LineShown], at: float) -> None:
        await self._run.many(
            "line_shown",
            [
                {
                    "id": line.follower,
                    "board": board,
                    "task_id": line.task_id,
                    "attempt": line.attempt,
                    "state": line.state,
                    "end_shown_at": at if line.told else None,
                }
                for line in lines
            ],
        )

    async def close(self, board: BoardId, at: float) -> None:
        await self._run.one("close_board", id=board, at=at)

    async def take_off(self, board: BoardId, followers: Collection[FollowerId]) -> None:
        await self._run.one("take_off_board", id=board, followers=codec.dump(list(followers)))
        await self._run.one("board_behind", id=board)

    async def turn(self, board: BoardId, page: int) -> None:
        await self._run.one("turn_board", id=board, page=page)

    async def ask(self, board: BoardId, *, asking: bool) -> None:
        await self._run.one("ask_on_board", id=board, asking=asking)

    async def forget(self, before: float) -> None:
        await self._run.one("forget_boards", before=before)


def _board(row: sqlite3.Row) -> Board:
    return Board(
        id=BoardId(row["id"]),
        address=row["address"],
        language=row["language"],
        reply_to=row["reply_to"],
        message_id=row["message_id"],
        page=row["page"],
        asking=bool(row["asking"]),
        closed=row["closed_at"] is not None,
        behind=bool(row["behind"]),
    )


def _line(row: sqlite3.Row) -> Line:
    return Line(
        follower=FollowerId(row["id"]),
        task_id=TaskId(row["task_id"]),
        asked_by=PersonId(row["asked_by"]),
        reply_to=row["reply_to"],
        message_id=row["message_id"],
        language=row["language"],
        attempt=row["attempt"],
        state=State(row["state"]),
        shown=(row["shown_attempt"], State(row["shown_state"]) if row["shown_state"] else None),
        asked_at=row["asked_at"],
        ended_at=row["completed_at"],
        told=row["end_shown_at"] is not None,
        forgotten=bool(row["forgotten"]),
        can_retry=bool(row["can_retry"]),
        needs_card=bool(row["needs_card"]),
    )

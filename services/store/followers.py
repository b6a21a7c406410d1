"""Rows of followers: which message shows which task."""

import json
import sqlite3
from collections.abc import Collection, Mapping, Sequence

from services.calibration.follower import BoardId, Follower, FollowerId, NewFollower, Place
from services.calibration.task import State, Task
from services.store import codec
from services.store.statements import Statements
from services.torrents import NotebookId, NoteId, PersonId, TaskId


class FollowerRows:
    """See `services.calibration.ports.Followers`."""

    def __init__(self, statements: Statements, requests: codec.ReadRequest) -> None:
        self._run = statements
        self._request = requests

    async def add(self, task: Task, follower: NewFollower) -> FollowerId:
        row = await self._run.one(
            "insert_follower",
            task_id=task.id,
            notebook_id=task.notebook,
            asked_by=task.asked_by,
            request=codec.request_to_json(task.request),
            address=follower.address,
            reply_to=follower.reply_to,
            message_id=follower.message_id,
            language=follower.language,
            alone=follower.alone,
        )
        assert row is not None  # noqa: S101 - RETURNING gives the row
        return FollowerId(row["id"])

    async def get(self, follower: FollowerId) -> Follower | None:
        row = await self._run.one("follower", id=follower)
        return self._follower(row) if row else None

    async def at(self, address: str, message_id: int) -> Follower | None:
        row = await self._run.one("follower_at", address=address, message_id=message_id)
        return self._follower(row) if row else None

    async def of(self, *task_ids: TaskId) -> Sequence[Follower]:
        return [self._follower(row) for row in await self._run.all("followers_of", task_ids=json.dumps(task_ids))]

    async def unfinished(self) -> Sequence[Follower]:
        return [self._follower(row) for row in await self._run.all("unfinished_followers")]

    async def shown(
        self, follower: Follower, message_id: int, attempt: int, state: State, end_shown_at: float | None
    ) -> None:
        here: Mapping[str, str | int] = {"id": follower.id, "address": follower.address, "message_id": message_id}
        await self._run.one("forget_adopted_twin", task_id=follower.task_id, **here)
        await self._run.one("yield_to_adopter", **here)
        await self._run.one(
            "follower_shown",
            task_id=follower.task_id,
            attempt=attempt,
            state=state,
            end_shown_at=end_shown_at,
            **here,
        )

    async def move(self, address: str, became: str) -> Sequence[Follower]:
        await self._run.one("forget_told_followers", address=address)
        rows = await self._run.all("move_followers", address=address, became=became)
        return [self._follower(row) for row in rows]

    async def gone(self, follower: Follower, end_shown_at: float | None) -> None:
        await self._run.one("follower_gone", id=follower.id, task_id=follower.task_id, end_shown_at=end_shown_at)

    async def turn(self, follower: FollowerId, failed_page: int | None) -> None:
        await self._run.one("turn_follower", id=follower, failed_page=failed_page)

    async def closed(self) -> Sequence[Place]:
        return [_place(row) for row in await self._run.all("closed_places")]

    async def close(self, place: Place, at: float) -> None:
        await self._run.one("close_place", address=place.address, whole=place.whole, at=at)
        await self._run.one("set_boards_apart", address=place.address, whole=place.whole, at=at)

    async def open(self, place: Place) -> None:
        await self._run.one("open_place", address=place.address, whole=place.whole)

    async def forget(self, before: float) -> None:
        await self._run.one("forget_followers", before=before)
        for place in map(_place, await self._run.all("places_closed_before", before=before)):
            await self._run.one("forget_followers_at", address=place.address, whole=place.whole)
            await self._run.one("forget_place", address=place.address, whole=place.whole)

    async def behind(self, notes: Collection[NoteId]) -> Sequence[Follower]:
        return [self._follower(row) for row in await self._run.all("followers_behind", notes=json.dumps(list(notes)))]

    async def renew(self, task_ids: Collection[TaskId]) -> None:
        await self._run.one("renew_followers_of", task_ids=json.dumps(list(task_ids)))

    async def again(self, task_id: TaskId) -> None:
        await self._run.one("followers_again", task_id=task_id)

    async def revive(self, task_id: TaskId) -> Sequence[str]:
        await self._run.one("forget_closed_twins", task_id=task_id)
        await self._run.one("boards_left", task_id=task_id)
        rows = await self._run.all("revive_followers", task_id=task_id)
        return list(dict.fromkeys(row["address"] for row in rows))

    async def leaving(self) -> Sequence[Follower]:
        return [self._follower(row) for row in await self._run.all("leaving_followers")]

    async def left(self, follower: FollowerId, message_id: int) -> None:
        await self._run.one("left_message", id=follower, message_id=message_id)

    def _follower(self, row: sqlite3.Row) -> Follower:
        return Follower(
            id=FollowerId(row["id"]),
            task_id=TaskId(row["task_id"]),
            notebook=NotebookId(row["notebook_id"]),
            asked_by=PersonId(row["asked_by"]),
            request=self._request(row["request"]),
            address=row["address"],
            reply_to=row["reply_to"],
            message_id=row["message_id"],
            language=row["language"],
            shown_attempt=row["shown_attempt"],
            shown_state=State(row["shown_state"]) if row["shown_state"] else None,
            end_shown_at=row["end_shown_at"],
            gone=bool(row["gone"]),
            failed_page=row["failed_page"],
            renewed=row["renewed"],
            on_board=BoardId(row["board_id"]) if row["board_id"] is not None else None,
        )


def _place(row: sqlite3.Row) -> Place:
    return Place(row["address"], bool(row["whole"]))

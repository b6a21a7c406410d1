"""Rows of tasks and their items."""

import json
import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from services.calibration.task import Found, Item, ItemKey, PassedOver, State, Task, Written
from services.store import codec
from services.store.names import name_from
from services.store.statements import Statements
from services.torrents import NotebookId, NoteId, PersonId, TaskId, TorrentId


class TaskRows:
    """See `services.calibration.ports.Tasks`."""

    def __init__(self, statements: Statements, requests: codec.ReadRequest) -> None:
        self._run = statements
        self._request = requests

    async def insert(self, task: Task, digest: str, items: Iterable[Item]) -> None:
        await self._run.one(
            "insert_task",
            id=task.id,
            notebook_id=task.notebook,
            asked_by=task.asked_by,
            cause=task.cause,
            request=codec.request_to_json(task.request),
            request_digest=digest,
            state=task.state,
            attempt=task.attempt,
            created_at=task.created_at,
            started_at=task.started_at,
            completed_at=task.completed_at,
        )
        await self._run.many(
            "insert_item",
            (
                {
                    "task_id": item.task_id,
                    "position": item.position,
                    "v1": codec.hex_of(item.torrent.v1),
                    "v2": codec.hex_of(item.torrent.v2),
                    "hints": codec.hints_to_json(item.hints),
                    "state": item.state,
                    "attempt": item.attempt,
                }
                for item in items
            ),
        )

    async def get(self, task_id: TaskId) -> Task | None:
        return (await self.those([task_id])).get(task_id)

    async def those(self, task_ids: Collection[TaskId]) -> Mapping[TaskId, Task]:
        rows = await self._run.all("tasks", ids=codec.dump(list(task_ids)))
        return {TaskId(row["id"]): self._task(row) for row in rows}

    async def replace(self, tasks: Sequence[Task]) -> None:
        await self._run.many(
            "replace_task",
            [
                {
                    "id": task.id,
                    "state": task.state,
                    "attempt": task.attempt,
                    "started_at": task.started_at,
                    "completed_at": task.completed_at,
                }
                for task in tasks
            ],
        )

    async def live_twin(self, notebook: NotebookId, asked_by: PersonId, digest: str) -> Task | None:
        row = await self._run.one("live_twin", notebook_id=notebook, asked_by=asked_by, request_digest=digest)
        return self._task(row) if row else None

    async def unended(self) -> Sequence[Task]:
        return [self._task(row) for row in await self._run.all("unended_tasks")]

    async def under_way(self, asked_by: PersonId) -> int:
        row = await self._run.one("tasks_under_way", asked_by=asked_by)
        return int(row["many"]) if row else 0

    async def live(
        self,
        *,
        notebook: NotebookId | None,
        asked_by: PersonId | None,
        note: NoteId | None = None,
        limit: int,
        newest: bool = False,
    ) -> tuple[Sequence[TaskId], int]:
        rows = await self._run.all(
            "live_tasks", notebook_id=notebook, asked_by=asked_by, note_id=note, limit=limit, newest=newest
        )
        return [TaskId(row["id"]) for row in rows], int(rows[0]["many"]) if rows else 0

    async def live_items(self) -> Mapping[State, int]:
        return {State(row["state"]): int(row["many"]) for row in await self._run.all("live_items")}

    async def live_items_of(self, notebooks: Collection[NotebookId]) -> Mapping[State, int]:
        rows = await self._run.all("live_items_of", notebooks=codec.dump(sorted(set(notebooks))))
        return {State(row["state"]): int(row["many"]) for row in rows}

    async def recent(self, since: float) -> Sequence[TaskId]:
        return [TaskId(row["id"]) for row in await self._run.all("recent_tasks", since=since)]

    async def ended_of(
        self, notebook: NotebookId, *, note: NoteId | None, since: float, limit: int
    ) -> Sequence[TaskId]:
        rows = await self._run.all("ended_tasks_of", notebook_id=notebook, note_id=note, since=since, limit=limit)
        return [TaskId(row["id"]) for row in rows]

    async def with_unshown_end(self) -> Sequence[TaskId]:
        return [TaskId(row["id"]) for row in await self._run.all("tasks_with_unshown_end")]

    async def delete_ended(self, before: float, unshown_before: float) -> Sequence[TaskId]:
        rows = await self._run.all("delete_ended_tasks", before=before, unshown_before=unshown_before)
        return [TaskId(row["id"]) for row in rows]

    async def items(
        self, task_id: TaskId, *, states: Sequence[State] = (), offset: int = 0, limit: int = -1
    ) -> Sequence[Item]:
        rows = await self._run.all(
            "items", task_id=task_id, states=codec.dump([str(state) for state in states]), offset=offset, limit=limit
        )
        return [_item(row) for row in rows]

    async def unended_items(self, task_id: TaskId, *, place: int, limit: int) -> Sequence[Item]:
        return [_item(row) for row in await self._run.all("unended_items", task_id=task_id, place=place, limit=limit)]

    async def named_items(self, task_id: TaskId, *, place: int, limit: int) -> Sequence[Item]:
        return [_item(row) for row in await self._run.all("named_items", task_id=task_id, place=place, limit=limit)]

    async def items_at(self, keys: Collection[ItemKey]) -> Sequence[Item]:
        return [_item(row) for row in await self._run.all("items_at", keys=codec.dump(list(keys)))]

    async def replace_items(self, items: Sequence[Item]) -> None:
        await self._run.many(
            "replace_item",
            [
                {
                    "task_id": item.task_id,
                    "position": item.position,
                    "hints": codec.hints_to_json(item.hints),
                    "state": item.state,
                    "attempt": item.attempt,
                    "asked_again_at": item.asked_again_at,
                    "started_at": item.started_at,
                    "ended_at": item.ended_at,
                    "code": item.failure.code if item.failure else None,
                    "parameters": codec.parameters_to_json(item.failure.parameters) if item.failure else None,
                    "corrected": codec.dump(item.corrected),
                    "passed_over": item.passed_over,
                    "was": item.was,
                }
                for item in items
            ],
        )

    async def unended_among(self, task_ids: Collection[TaskId]) -> Collection[TaskId]:
        rows = await self._run.all("tasks_with_unended_item", ids=codec.dump(list(task_ids)))
        return {TaskId(row["id"]) for row in rows}

    async def counts(self, task_id: TaskId) -> Mapping[State, int]:
        return (await self.counts_of([task_id])).get(task_id, {})

    async def counts_of(self, task_ids: Collection[TaskId]) -> Mapping[TaskId, Mapping[State, int]]:
        counts: dict[TaskId, dict[State, int]] = {}
        for row in await self._run.all("item_counts", ids=codec.dump(list(task_ids))):
            counts.setdefault(TaskId(row["task_id"]), {})[State(row["state"])] = int(row["many"])
        return counts

    async def found_in(self, notebook: NotebookId, torrent: TorrentId) -> Sequence[Item]:
        hashes = {"v1": codec.hex_of(torrent.v1), "v2": codec.hex_of(torrent.v2)}
        found = map(_item, await self._run.all("items_found_in", notebook_id=notebook, **hashes))
        return [one for one in found if one.found is not None and one.found.torrent == torrent]

    async def outcomes(self, task_id: TaskId, limit: int) -> Sequence[Item]:
        return [_item(row) for row in await self._run.all("outcomes", task_id=task_id, limit=limit)]

    async def guesses(self, task_id: TaskId, limit: int) -> Sequence[Item]:
        return [_item(row) for row in await self._run.all("guesses", task_id=task_id, limit=limit)]

    async def overtaken(self, task_id: TaskId, place: int, limit: int) -> Sequence[Item]:
        return [_item(row) for row in await self._run.all("overtaken", task_id=task_id, place=place, limit=limit)]

    async def replaced(
        self, task_id: TaskId, notes: Collection[NoteId], *, place: int, back: bool, limit: int
    ) -> Sequence[Item]:
        asked: dict[str, str | int] = {
            "task_id": task_id,
            "notes": codec.dump(list(notes)),
            "place": place,
            "limit": limit,
        }
        rows = await (self._run.all("replaced_before", **asked) if back else self._run.all("replaced_from", **asked))
        return [_item(row) for row in rows]

    async def written(self, task_ids: Collection[TaskId]) -> Mapping[TaskId, Written]:
        rows = await self._run.all("notes_written", ids=codec.dump(list(task_ids)))
        return {TaskId(row["task_id"]): _written(row) for row in rows}

    async def written_apart(self, task_ids: Collection[TaskId]) -> Sequence[tuple[TaskId, NoteId]]:
        rows = await self._run.all("written_apart", ids=codec.dump(list(task_ids)))
        return [(TaskId(row["task_id"]), NoteId(row["note_id"])) for row in rows]

    async def waiting(self, torrents: Collection[TorrentId]) -> Mapping[TorrentId, Sequence[Item]]:
        asked = list(torrents)
        waiting: dict[TorrentId, list[Item]] = {}
        for row in await self._run.all("items_waiting", torrents=codec.torrents_to_json(asked)):
            waiting.setdefault(asked[row["place"]], []).append(_item(row))
        return waiting

    def _task(self, row: sqlite3.Row) -> Task:
        return Task(
            id=TaskId(row["id"]),
            notebook=NotebookId(row["notebook_id"]),
            asked_by=PersonId(row["asked_by"]),
            cause=row["cause"],
            request=self._request(row["request"]),
            state=State(row["state"]),
            attempt=row["attempt"],
            created_at=row["created_at"],
            started_at=row["started_at"],
            completed_at=row["completed_at"],
        )


def _item(row: sqlite3.Row) -> Item:
    return Item(
        task_id=TaskId(row["task_id"]),
        position=row["position"],
        torrent=codec.torrent_from(row["v1"], row["v2"]),
        hints=codec.hints_from_json(row["hints"]),
        state=State(row["state"]),
        attempt=row["attempt"],
        asked_again_at=row["asked_again_at"],
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        failure=codec.step_from(row["code"], row["parameters"]),
        found=_found(row),
        corrected=tuple(NoteId(number) for number in json.loads(row["corrected"])),
        passed_over=PassedOver(row["passed_over"]) if row["passed_over"] else None,
        was=row["was"],
    )


def _written(row: sqlite3.Row) -> Written:
    standing = map(NoteId, sorted(json.loads(row["standing"])))
    return Written(standing=tuple(standing), undone=row["undone"], as_one=row["as_one"])


def _found(row: sqlite3.Row) -> Found | None:
    if row["name"] is None:
        return None
    return Found(
        torrent=codec.torrent_from(row["found_v1"], row["found_v2"]),
        name=replace(name_from(row), chosen=bool(row["chosen"])),
        size=row["size"],
        file_count=row["file_count"],
        source=row["source"],
        verified=bool(row["verified"]),
    )

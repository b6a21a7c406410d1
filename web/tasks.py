"""What people do with tasks, over HTTP and on the page: in the notebooks that are open to them."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated

from fastapi import Path, Request

from services.calibration.task import CalibrationRequest, NoteRequest, Snapshot
from services.clock import at_most
from services.errors import TaskNotFound
from services.torrents import NotebookId, NoteId, TaskId
from web.context import Asker
from web.refusals import NotInTime
from web.stopping import unless_stopping

_CAUSE = "api"
_GRACE = 5.0  # seconds: a lookup that runs out of time says why, and began after the request

TaskName = Annotated[str, Path(max_length=64)]


async def ended(request: Request, asker: Asker, task_id: TaskId) -> Snapshot:
    """Return the task when it has ended.

    Raises:
        NotInTime: it is not in time, or the client has gone.
        ShuttingDown: the server stops before.
    """
    return await unless_stopping(request, _ended(request, asker, task_id))


async def _ended(request: Request, asker: Asker, task_id: TaskId) -> Snapshot:
    waiting = asyncio.ensure_future(asker.services.manager.ended(task_id))
    leaving = asyncio.ensure_future(_left(request))
    leaving.add_done_callback(lambda _: waiting.cancel())
    try:
        await at_most(asker.services.clock, asker.services.timeout + _GRACE, waiting)
    finally:
        leaving.cancel()
        await asyncio.wait({leaving})
    if waiting.cancelled():
        raise NotInTime(task_id=task_id)
    return waiting.result()


async def _left(request: Request) -> None:
    """Return when the client has gone."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def moved(asker: Asker, task_id: str, move: Callable[..., Awaitable[None]]) -> Snapshot:
    """Let the asker *move* a task that they may see, and return what it is then."""
    task = (await visible(asker, TaskId(task_id))).task
    await move(
        task.id,
        notebook=task.notebook,
        asked_by=asker.person,
        everyones=asker.may_any,
        request_key=asker.request_key,
    )
    return await visible(asker, task.id)


async def submit_notes(asker: Asker, note_ids: Sequence[NoteId]) -> TaskId:
    """Submit these notes, which are all in one notebook. Raises NoteNotFound."""
    notebook = await asker.notebook_with(note_ids)
    return await submit_request(asker, notebook, NoteRequest(tuple(note_ids), named=tuple(note_ids)))


async def submit_request(asker: Asker, notebook: NotebookId, request: CalibrationRequest) -> TaskId:
    return await asker.services.manager.submit_task(
        request=request, notebook=notebook, asked_by=asker.person, cause=_CAUSE, request_key=asker.request_key
    )


async def visible(asker: Asker, task_id: TaskId) -> Snapshot:
    """Return the task, if it is one of a notebook that the asker may open. Raises TaskNotFound."""
    snapshot = await asker.services.manager.get_task_status(task_id)
    if snapshot is None:
        raise TaskNotFound
    notebook = snapshot.task.notebook
    if notebook == asker.notebook:
        return snapshot
    shared = await asker.shared()
    if notebook not in shared.notebooks:
        shared.insist()
        raise TaskNotFound
    return snapshot

"""``/api/calibrate``: tasks over HTTP, as they are in a chat."""

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Annotated, Self

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.calibration.task import CalibrationRequest, HashRequest, NoteRequest, Snapshot, State
from services.clock import at_most
from services.errors import LookupFailed, TaskNotFound
from services.notebook.note import MOST_TORRENTS, Uncalibrated
from services.torrents import Hints, InfoHash, NotebookId, NoteId, Step, TaskId, TorrentId
from web.context import Asker, WhoAsks
from web.described import refusals
from web.errors import refused
from web.refusals import AsyncDisabled, NotInTime
from web.shapes import Accepted, AcceptedBatch, Items, Result, TaskStatus, failure_of, item_of, result_of, status_of
from web.stopping import unless_stopping
from web.words import words_of

router = APIRouter(prefix="/api/calibrate")
_CAUSE = "api"
_ON_A_PAGE = 20
_MOST_NOTES = 1_000
_GRACE = 5.0  # seconds: a lookup that runs out of time says why, and began after the request
_STRICT = ConfigDict(extra="forbid", strict=True)

NoteNumber = Annotated[int, Field(ge=1, lt=2**63)]
Hash = Annotated[str, Field(min_length=32, max_length=64)]
TaskName = Annotated[str, Path(max_length=64)]


class One(BaseModel):
    """A note, or an info-hash: exactly one of the two."""

    model_config = _STRICT
    note_id: NoteNumber | None = None
    info_hash: Hash | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (self.note_id is None) == (self.info_hash is None):
            raise ValueError("exactly one of note_id and info_hash")
        return self


class Many(BaseModel):
    """Notes of one notebook, info-hashes, or all notes of one's own that were not calibrated: exactly one of these."""

    model_config = _STRICT
    note_ids: Annotated[list[NoteNumber], Field(min_length=1, max_length=_MOST_NOTES)] | None = None
    info_hashes: Annotated[list[Hash], Field(min_length=1, max_length=MOST_TORRENTS)] | None = None
    all: bool | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if [self.note_ids is None, self.info_hashes is None, not self.all].count(False) != 1:
            raise ValueError("exactly one of note_ids, info_hashes and all")
        return self


async def _switched_on(asker: WhoAsks) -> None:
    """Refuse what goes on while nobody waits for it, where that is switched off. Raises AsyncDisabled."""
    if not asker.services.async_enabled:
        raise AsyncDisabled


@router.post("/async", dependencies=[Depends(_switched_on)], responses=refusals(404, 409))
async def submit(asker: WhoAsks, body: One) -> Accepted:
    """Take on a task, and answer at once."""
    if (done := await asker.done_before()) is not None:
        return Accepted(task_id=done, status=(await _visible(asker, done)).task.state)
    if body.note_id is not None:
        task_id = await _submit_notes(asker, [NoteId(body.note_id)])
    else:
        assert body.info_hash is not None  # noqa: S101 - exactly one is given
        task_id = await _submit(asker, asker.notebook, _hashes([body.info_hash]))
    return Accepted(task_id=task_id, status=State.PENDING)


@router.post("/batch", dependencies=[Depends(_switched_on)], responses=refusals(404, 409))
async def submit_many(asker: WhoAsks, body: Many) -> AcceptedBatch:
    """Take on one task for many."""
    if (done := await asker.done_before()) is not None:
        snapshot = await _visible(asker, done)
        return AcceptedBatch(task_id=done, status=snapshot.task.state, total=snapshot.total)
    if body.note_ids is not None:
        task_id = await _submit_notes(asker, [NoteId(one) for one in dict.fromkeys(body.note_ids)])
    elif body.info_hashes is not None:
        task_id = await _submit(asker, asker.notebook, _hashes(body.info_hashes))
    else:
        notes = await asker.services.notebook.select(asker.notebook, Uncalibrated())
        task_id = await _submit(asker, asker.notebook, NoteRequest(tuple(notes)))
    snapshot = await _visible(asker, task_id)
    return AcceptedBatch(task_id=task_id, status=State.PENDING, total=snapshot.total)


@router.get("/status/{task_id}", responses=refusals(404))
async def status(request: Request, asker: WhoAsks, task_id: TaskName) -> TaskStatus:
    """Return the task as it stands."""
    return await _status(request, asker, await _visible(asker, TaskId(task_id)))


@router.get("/status/{task_id}/items", responses=refusals(404))
async def items(
    request: Request, asker: WhoAsks, task_id: TaskName, page: Annotated[int, Query(ge=0, le=MOST_TORRENTS)] = 0
) -> Items:
    """Return a page of twenty of the task's items."""
    snapshot = await _visible(asker, TaskId(task_id))
    t = words_of(request)
    there = await asker.services.manager.list_items(snapshot.task.id, page=page, size=_ON_A_PAGE)
    return Items(
        task_id=snapshot.task.id,
        page=page,
        items=[item_of(one, t) for one in there],
        more=(page + 1) * _ON_A_PAGE < snapshot.total,
    )


@router.post("/cancel/{task_id}", responses=refusals(404, 409))
async def cancel(asker: WhoAsks, task_id: TaskName) -> Accepted:
    """End a task under way."""
    return await _moved(asker, task_id, asker.services.manager.cancel_task)


@router.post("/retry/{task_id}", responses=refusals(404, 409))
async def retry(asker: WhoAsks, task_id: TaskName) -> Accepted:
    """Look up again what an ended task did not find."""
    return await _moved(asker, task_id, asker.services.manager.retry_task)


@router.post("/{note_id}", response_model=Result, responses=refusals(404, 409, 502, 504))
async def calibrate_and_wait(
    request: Request, asker: WhoAsks, note_id: Annotated[int, Path(ge=1, lt=2**63)]
) -> Result | JSONResponse:
    """Calibrate a note, and answer when that is done; 502 with why no name was found, 504 when it still goes on."""
    manager = asker.services.manager
    if (task_id := await asker.done_before()) is not None:
        await _visible(asker, task_id)
    else:
        task_id = await _submit_notes(asker, [NoteId(note_id)])
    snapshot = await unless_stopping(request, _ended(request, asker, task_id))
    if snapshot.task.state is not State.COMPLETED:
        why = failure_of(snapshot) or Step(LookupFailed.code)
        return refused(request, HTTPStatus.BAD_GATEWAY, why.code, why.parameters)
    return Result(result=result_of(await manager.list_items(task_id, size=MOST_TORRENTS, states=(State.COMPLETED,))))


async def _ended(request: Request, asker: Asker, task_id: TaskId) -> Snapshot:
    """Return the task when it has ended.

    Raises:
        NotInTime: it is not in time, or the client has gone.
    """
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


async def _moved(asker: Asker, task_id: str, move: Callable[..., Awaitable[None]]) -> Accepted:
    """Let the asker *move* a task that they may see, and return what it is then."""
    task = (await _visible(asker, TaskId(task_id))).task
    await move(
        task.id,
        notebook=task.notebook,
        asked_by=asker.person,
        everyones=asker.may_any,
        request_key=asker.request_key,
    )
    return Accepted(task_id=task.id, status=(await _visible(asker, task.id)).task.state)


async def _submit_notes(asker: Asker, note_ids: list[NoteId]) -> TaskId:
    """Submit these notes, which are all in one notebook. Raises NoteNotFound."""
    notebook = await asker.notebook_with(note_ids)
    return await _submit(asker, notebook, NoteRequest(tuple(note_ids), named=tuple(note_ids)))


def _hashes(spelled: list[str]) -> HashRequest:
    torrents = dict.fromkeys(TorrentId.of(InfoHash.parse(one)) for one in spelled)
    return HashRequest(tuple((torrent, Hints()) for torrent in torrents))


async def _submit(asker: Asker, notebook: NotebookId, request: CalibrationRequest) -> TaskId:
    return await asker.services.manager.submit_task(
        request=request, notebook=notebook, asked_by=asker.person, cause=_CAUSE, request_key=asker.request_key
    )


async def _visible(asker: Asker, task_id: TaskId) -> Snapshot:
    """Return the task, if it is one of a notebook that the asker may open. Raises TaskNotFound."""
    snapshot = await asker.services.manager.get_task_status(task_id)
    if snapshot is None:
        raise TaskNotFound
    notebook = snapshot.task.notebook
    if notebook != asker.notebook and notebook not in await asker.shared():
        raise TaskNotFound
    return snapshot


async def _status(request: Request, asker: Asker, snapshot: Snapshot) -> TaskStatus:
    manager, task_id = asker.services.manager, snapshot.task.id
    first = await manager.list_items(task_id, size=_ON_A_PAGE)
    found = (
        await manager.list_items(task_id, size=MOST_TORRENTS, states=(State.COMPLETED,))
        if snapshot.task.state is State.COMPLETED
        else ()
    )
    return status_of(snapshot, first, found, words_of(request))

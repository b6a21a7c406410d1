"""``/api/calibrate``: tasks over HTTP, as they are in a chat."""

from http import HTTPStatus
from typing import Annotated, Self

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.calibration.task import HashRequest, NoteRequest, Snapshot, State
from services.errors import LookupFailed
from services.notebook.note import MOST_TORRENTS, Uncalibrated
from services.torrents import Hints, InfoHash, NoteId, Step, TaskId, TorrentId
from web.context import Asker, WhoAsks
from web.described import refusals
from web.errors import refused
from web.notes import DIGITS
from web.refusals import AsyncDisabled
from web.shapes import Accepted, AcceptedBatch, Items, Result, TaskStatus, failure_of, item_of, result_of, status_of
from web.tasks import TaskName, ended, moved, submit_notes, submit_request, visible
from web.words import words_of

router = APIRouter(prefix="/api/calibrate")
_ON_A_PAGE = 20
_MOST_NOTES = 1_000
_STRICT = ConfigDict(extra="forbid", strict=True)

NoteNumber = Annotated[int, Field(ge=1, lt=2**63)]
Hash = Annotated[str, Field(min_length=32, max_length=64)]


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
        return Accepted(task_id=done, status=(await visible(asker, done)).task.state)
    if body.note_id is not None:
        task_id = await submit_notes(asker, [NoteId(body.note_id)])
    else:
        assert body.info_hash is not None  # noqa: S101 - exactly one is given
        task_id = await submit_request(asker, asker.notebook, _hashes([body.info_hash]))
    return Accepted(task_id=task_id, status=State.PENDING)


@router.post("/batch", dependencies=[Depends(_switched_on)], responses=refusals(404, 409))
async def submit_many(asker: WhoAsks, body: Many) -> AcceptedBatch:
    """Take on one task for many."""
    if (done := await asker.done_before()) is not None:
        snapshot = await visible(asker, done)
        return AcceptedBatch(task_id=done, status=snapshot.task.state, total=snapshot.total)
    if body.note_ids is not None:
        task_id = await submit_notes(asker, [NoteId(one) for one in dict.fromkeys(body.note_ids)])
    elif body.info_hashes is not None:
        task_id = await submit_request(asker, asker.notebook, _hashes(body.info_hashes))
    else:
        notes = await asker.services.notebook.select(asker.notebook, Uncalibrated())
        task_id = await submit_request(asker, asker.notebook, NoteRequest(tuple(notes)))
    snapshot = await visible(asker, task_id)
    return AcceptedBatch(task_id=task_id, status=State.PENDING, total=snapshot.total)


@router.get("/status/{task_id}", responses=refusals(404))
async def status(request: Request, asker: WhoAsks, task_id: TaskName) -> TaskStatus:
    """Return the task as it stands."""
    return await _status(request, asker, await visible(asker, TaskId(task_id)))


@router.get("/status/{task_id}/items", responses=refusals(404))
async def items(
    request: Request,
    asker: WhoAsks,
    task_id: TaskName,
    page: Annotated[int, Query(ge=0, le=MOST_TORRENTS), DIGITS] = 0,
) -> Items:
    """Return a page of twenty of the task's items."""
    snapshot = await visible(asker, TaskId(task_id))
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
    return _accepted(await moved(asker, task_id, asker.services.manager.cancel_task))


@router.post("/retry/{task_id}", responses=refusals(404, 409))
async def retry(asker: WhoAsks, task_id: TaskName) -> Accepted:
    """Look up again what an ended task did not find."""
    return _accepted(await moved(asker, task_id, asker.services.manager.retry_task))


@router.post(
    "/{note_id}", response_model=Result, response_model_exclude_none=True, responses=refusals(404, 409, 502, 504)
)
async def calibrate_and_wait(
    request: Request, asker: WhoAsks, note_id: Annotated[int, Path(ge=1, lt=2**63), DIGITS]
) -> Result | JSONResponse:
    """Calibrate a note, and answer when that is done; 502 with why no name was found, 504 when it still goes on.

    What is only claimed is written into no note by itself: the answer has it as *claimed*, too.
    """
    manager = asker.services.manager
    if (task_id := await asker.done_before()) is not None:
        await visible(asker, task_id)
    else:
        task_id = await submit_notes(asker, [NoteId(note_id)])
    snapshot = await ended(request, asker, task_id)
    if snapshot.task.state is not State.COMPLETED:
        why = failure_of(snapshot) or Step(LookupFailed.code)
        return refused(request, HTTPStatus.BAD_GATEWAY, why.code, why.parameters)
    return result_of(await manager.list_items(task_id, size=MOST_TORRENTS, states=(State.COMPLETED,)))


def _accepted(snapshot: Snapshot) -> Accepted:
    return Accepted(task_id=snapshot.task.id, status=snapshot.task.state)


def _hashes(spelled: list[str]) -> HashRequest:
    torrents = dict.fromkeys(TorrentId.of(InfoHash.parse(one)) for one in spelled)
    return HashRequest(tuple((torrent, Hints()) for torrent in torrents))


async def _status(request: Request, asker: Asker, snapshot: Snapshot) -> TaskStatus:
    manager, task_id = asker.services.manager, snapshot.task.id
    first = await manager.list_items(task_id, size=_ON_A_PAGE)
    found = (
        await manager.list_items(task_id, size=MOST_TORRENTS, states=(State.COMPLETED,))
        if snapshot.task.state is State.COMPLETED
        else ()
    )
    return status_of(snapshot, first, found, words_of(request))

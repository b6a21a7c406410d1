"""What people do on the page: each form changes something, and leads back to a page that shows it.

Without a script nothing keeps anybody from pressing twice: what is so already leads there, too.
"""

import contextlib
import hashlib
from http import HTTPStatus

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from services.calibration.choice import Choice
from services.calibration.task import NoteRequest, State
from services.errors import (
    CalibotError,
    CannotCancel,
    CannotRetry,
    NotDeleted,
    NoteChanged,
    NoteNotFound,
    ShuttingDown,
    StoreUnavailable,
    TaskNotFound,
)
from services.notebook.note import Cause, Uncalibrated
from services.torrents import NotebookId, NoteId, TaskId
from web.context import Asker, WhoAsks
from web.forms import Form, came_from, form_of, numbers_in, text_in, word_in
from web.given import FrontEnd
from web.notes import NoteNumber
from web.refusals import BadRequest, NoMagnets, NothingChosen, NotInTime
from web.tasks import TaskName, ended, moved, submit_notes, submit_request, visible
from web.told import telling

router = APIRouter(include_in_schema=False)
_MOST_NOTES = 1_000
_LONGEST_KEY = 64
_MOST_DIGITS = 9


@router.post("/notes")
async def keep(request: Request, asker: WhoAsks) -> Response:
    """Keep a text, and look up its names where the button says so."""
    form = await form_of(request)
    notebook = await asker.opened(_notebook_in(form))
    text = text_in(form)
    key = _key(asker, notebook, form, text)
    saved = await asker.services.notebook.save(
        text, notebook=notebook, person=asker.person, origin=None, anything=True, request_key=key
    )
    assert saved is not None  # noqa: S101 - anything is kept
    address = f"/notes/{saved.note_id}"
    if not saved.magnets or "calibrate" not in form:
        return _to(address)
    named = NoteRequest((saved.note_id,), named=(saved.note_id,))
    try:
        task_id = await submit_request(asker, notebook, named)
    except CalibotError as error:  # the note is kept: a form that is sent again would keep another
        return _to(telling(address, error))
    return await _led(request, asker, task_id, address)


@router.post("/notes/{note_id}/undo")
async def undo(request: Request, asker: WhoAsks, note_id: NoteNumber) -> Response:
    """Take back what the last task wrote into the note as it was at *version*; or the taking back."""
    versions = numbers_in(await form_of(request), "version")
    if len(versions) != 1:
        raise BadRequest(where="version")

    history, version = asker.services.history, versions[0]

    async def undone(notebook: NotebookId) -> None:
        try:
            await history.undo(notebook, note_id, person=asker.person, expected=version)
        except NoteChanged:
            steps = (await history.page(notebook, note_id, page=0, size=1)).steps
            backs = {Cause.UNDO, Cause.REDO}
            if not any(
                (one.version, one.change.person) == (version, asker.person) and one.change.cause in backs
                for one in steps
            ):
                raise

    await asker.where_it_is(undone)
    return _to(f"/notes/{note_id}")


@router.post("/notes/{note_id}/delete")
async def delete(asker: WhoAsks, note_id: NoteNumber) -> Response:
    """Put the note away, and lead to where it is offered back."""
    notebooks = asker.services.notebook

    async def deleted(notebook: NotebookId) -> None:
        try:
            await notebooks.delete(notebook, note_id)
        except NoteNotFound:
            if not await notebooks.can_restore(notebook, note_id):
                raise

    await asker.where_it_is(deleted)
    return _to(f"/notes/{note_id}")


@router.post("/notes/{note_id}/restore")
async def restore(asker: WhoAsks, note_id: NoteNumber) -> Response:
    """Take back a note that was deleted less than a day ago."""
    with contextlib.suppress(NotDeleted):
        await asker.where_it_is(lambda notebook: asker.services.notebook.restore(notebook, note_id))
    return _to(f"/notes/{note_id}")


@router.post("/calibrate")
async def calibrate(request: Request, asker: WhoAsks) -> Response:
    """Look up the names of one note, of the chosen ones, or of all that were not yet."""
    form = await form_of(request)
    notebook = await asker.opened(_notebook_in(form))
    if "all" in form:
        try:
            notes = await asker.services.notebook.select(notebook, Uncalibrated())
        except NoteNotFound:
            raise NoMagnets from None
        task_id = await submit_request(asker, notebook, NoteRequest(tuple(notes)))
    else:
        chosen = numbers_in(form, "only") or numbers_in(form, "note")
        if not chosen:
            raise NothingChosen
        if len(chosen) > _MOST_NOTES:
            raise BadRequest(where="note")
        task_id = await submit_notes(asker, [NoteId(one) for one in chosen])
    return await _led(request, asker, task_id, came_from(request))


@router.post("/tasks/{task_id}/cancel")
async def cancel(request: Request, asker: WhoAsks, task_id: TaskName) -> Response:
    """End a task under way."""
    try:
        await moved(asker, task_id, asker.services.manager.cancel_task)
    except CannotCancel as error:
        if error.parameters["state"] != State.CANCELLED:
            raise
    return _to(telling(came_from(request)))


@router.post("/tasks/{task_id}/retry")
async def retry(request: Request, asker: WhoAsks, task_id: TaskName) -> Response:
    """Look up again what an ended task did not find."""
    try:
        await moved(asker, task_id, asker.services.manager.retry_task)
    except CannotRetry as error:
        if error.parameters["state"] not in {State.PENDING, State.RUNNING}:
            raise
    return await _led(request, asker, TaskId(task_id), came_from(request))


@router.post("/tasks/{task_id}/choose")
async def choose(request: Request, asker: WhoAsks, task_id: TaskName) -> Response:
    """Store which reading of a name that a task found is right; whoever edits notes there may."""
    form = await form_of(request)
    task = (await visible(asker, TaskId(task_id))).task
    choice = Choice(task.id, _position_in(form), word_in(form, "encoding"))
    await asker.services.manager.choose_name(choice, notebook=task.notebook, asked_by=asker.person)
    return _to(telling(came_from(request)))


@router.post("/tasks/{task_id}/keep-old")
async def keep_old(request: Request, asker: WhoAsks, task_id: TaskName) -> Response:
    """Put back the name that stood in notes before a task wrote another; whoever edits notes there may."""
    form = await form_of(request)
    task = (await visible(asker, TaskId(task_id))).task
    item = task.id, _position_in(form)
    await asker.services.manager.keep_old_name(item, notebook=task.notebook, asked_by=asker.person)
    return _to(telling(came_from(request)))


async def _led(request: Request, asker: Asker, task_id: TaskId, address: str) -> Response:
    """Lead to *address*: at once, or when the task has ended where nothing is to go on by itself.

    What has ended may be kept no longer; what has not goes on, and the page says so.
    """
    if asker.services.watched_by is FrontEnd.SYNC:
        with contextlib.suppress(TaskNotFound, NotInTime, ShuttingDown, StoreUnavailable):
            await ended(request, asker, task_id)
    return _to(telling(address))


def _notebook_in(form: Form) -> int | None:
    return next(iter(numbers_in(form, "notebook")), None)


def _position_in(form: Form) -> int:
    word = word_in(form, "position")
    if not (word.isascii() and word.isdecimal() and len(word) <= _MOST_DIGITS):
        raise BadRequest(where="position")
    return int(word)


def _key(asker: Asker, notebook: NotebookId, form: Form, text: str) -> str | None:
    """Return the key under which *text* is kept once in *notebook*, however often this form sends it."""
    key = word_in(form, "key")
    digest = hashlib.sha256(text.encode()).hexdigest()
    return f"page:{asker.person}:{notebook}:{digest}:{key}" if 0 < len(key) <= _LONGEST_KEY else None


def _to(address: str) -> Response:
    return RedirectResponse(address, HTTPStatus.SEE_OTHER)

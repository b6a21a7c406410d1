"""``/api/notes`` and ``/api/notebooks``: notes over HTTP, as they are in a chat."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from services.notebook.notebook import magnets_of
from services.notebook.search import asked
from services.torrents import NotebookId, NoteId
from web.context import Asker, WhoAsks
from web.described import refusals
from web.note_shapes import (
    DeletedNote,
    Notebooks,
    Notes,
    OneNote,
    OneNotebook,
    Steps,
    line_of,
    note_of,
    steps_of,
)

router = APIRouter(prefix="/api")
_STRICT = ConfigDict(extra="forbid", strict=True)
_LONGEST = 1_000_000
_STEPS_ON_A_PAGE = 10
_BEYOND = 2**63  # what sqlite can hold: from here on nothing has this number


def _fit(text: str) -> str:
    if "\0" in text or not text.strip():
        raise ValueError("blank, or with NUL")
    return text


def _digits(word: object) -> object:
    if isinstance(word, str) and not (word.isascii() and word.isdecimal()):
        raise ValueError("not digits alone")
    return word


DIGITS = BeforeValidator(_digits)
"""Of an address's numbers: pydantic reads ``1_0``, ``+1`` and `` 1``, too."""
Text = Annotated[str, Field(max_length=_LONGEST), AfterValidator(_fit)]
Number = Annotated[int, Field(ge=1, lt=_BEYOND)]
NoteNumber = Annotated[NoteId, Path(ge=1, lt=_BEYOND), DIGITS]
NotebookNumber = Annotated[int | None, Query(ge=1, lt=_BEYOND), DIGITS]
Page = Annotated[int, Query(ge=0, lt=2**40), DIGITS]


class NewNote(BaseModel):
    """A text to keep, in a *notebook* that is open to who asks; where none is given, in their own."""

    model_config = _STRICT
    text: Text
    notebook: Number | None = None


class Typed(BaseModel):
    """What a note shall say, typed over it as it was at *version*."""

    model_config = _STRICT
    text: Text
    version: Number


class Seen(BaseModel):
    """The version of a note that a person saw."""

    model_config = _STRICT
    version: Number


@router.get("/notebooks")
async def notebooks(asker: WhoAsks) -> Notebooks:
    """Return the notebooks that are open to who asks."""
    (await asker.shared()).insist()
    shared = [OneNotebook(id=one, own=False, title=title or None) for one, title in (await asker.titles()).items()]
    return Notebooks(notebooks=[OneNotebook(id=asker.notebook, own=True), *shared])


@router.get("/notes", responses=refusals(404))
async def notes(
    asker: WhoAsks,
    q: str = "",
    page: Page = 0,
    notebook: NotebookNumber = None,
) -> Notes:
    """Return a page of twenty notes, newest first: all, or those that have all words of *q*."""
    here = await asker.opened(notebook)
    async with asker.turn():
        lines, more = await asker.services.search.lines(here, asked(q), page)
    return Notes(page=page, notes=[line_of(one) for one in lines], more=more)


@router.post("/notes", responses=refusals(404))
async def keep(asker: WhoAsks, body: NewNote) -> OneNote:
    """Keep a text, byte for byte, whether or not there is a magnet in it."""
    notebook = await asker.opened(body.notebook)
    saved = await asker.services.notebook.save(
        body.text, notebook=notebook, person=asker.person, origin=None, anything=True, request_key=asker.request_key
    )
    assert saved is not None  # noqa: S101 - anything is kept
    return await _note(asker, notebook, saved.note_id)


@router.get("/notes/{note_id}", responses=refusals(404))
async def note(asker: WhoAsks, note_id: NoteNumber) -> OneNote:
    """Return the note with its torrents."""
    return await asker.where_it_is(lambda notebook: _note(asker, notebook, note_id))


@router.put("/notes/{note_id}", responses=refusals(404, 409))
async def edit(asker: WhoAsks, note_id: NoteNumber, body: Typed) -> OneNote:
    """Let the note say what a person typed; 409 ``note_changed`` where it is not what they saw."""

    async def replaced(notebook: NotebookId) -> OneNote:
        await asker.services.edits.replace(
            body.text,
            notebook=notebook,
            note_id=note_id,
            expected=body.version,
            person=asker.person,
            request_key=asker.request_key,
        )
        return await _note(asker, notebook, note_id)

    return await asker.where_it_is(replaced)


@router.delete("/notes/{note_id}", responses=refusals(404))
async def delete(asker: WhoAsks, note_id: NoteNumber) -> DeletedNote:
    """Put the note away; for a day it can be taken back."""

    async def deleted(notebook: NotebookId) -> DeletedNote:
        await asker.services.notebook.delete(notebook, note_id, request_key=asker.request_key)
        return DeletedNote(id=note_id)

    return await asker.where_it_is(deleted)


@router.post("/notes/{note_id}/restore", responses=refusals(404, 409))
async def restore(asker: WhoAsks, note_id: NoteNumber) -> OneNote:
    """Take back a note that was deleted less than a day ago."""

    async def restored(notebook: NotebookId) -> OneNote:
        await asker.services.notebook.restore(notebook, note_id, request_key=asker.request_key)
        return await _note(asker, notebook, note_id)

    return await asker.where_it_is(restored)


@router.get("/notes/{note_id}/history", responses=refusals(404))
async def history(asker: WhoAsks, note_id: NoteNumber, page: Page = 0) -> Steps:
    """Return a page of ten of the note's changes, newest first."""
    found = await asker.where_it_is(
        lambda notebook: asker.services.history.page(notebook, note_id, page=page, size=_STEPS_ON_A_PAGE)
    )
    there = found.steps if found.page == page else ()
    shown = await asyncio.to_thread(steps_of, there)  # they may be very long
    return Steps(id=note_id, page=page, steps=shown, more=(page + 1) * _STEPS_ON_A_PAGE < found.total)


@router.post("/notes/{note_id}/undo", responses=refusals(404, 409))
async def undo(asker: WhoAsks, note_id: NoteNumber, body: Seen) -> OneNote:
    """Take back what stands of what the last task wrote into the note; or, where nothing does, the taking back."""

    async def undone(notebook: NotebookId) -> OneNote:
        await asker.services.history.undo(
            notebook, note_id, person=asker.person, expected=body.version, request_key=asker.request_key
        )
        return await _note(asker, notebook, note_id)

    return await asker.where_it_is(undone)


async def _note(asker: Asker, notebook: NotebookId, note_id: NoteId) -> OneNote:
    """Return the note. Raises NoteNotFound."""
    found = await asker.services.notebook.get(notebook, note_id)
    magnets = await magnets_of(found.text)
    known = await asker.services.notebook.known(notebook, magnets)
    return OneNote(note=await asyncio.to_thread(note_of, found, magnets, known))  # there may be very many

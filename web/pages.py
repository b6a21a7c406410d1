"""The page: a person's notes in a browser, as HTML that needs no script to be read."""

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response

from services.errors import NoteNotFound
from services.i18n import Translation
from services.notebook.note import BACK, Cause, Step
from services.notebook.notebook import magnets_of
from services.notebook.search import Line, asked
from services.torrents import NotebookId, NoteId
from services.units import minute
from web.context import Asker, WhoAsks
from web.entry import remember, session_in
from web.given import services_of
from web.html import Button
from web.labels import another_link, labels
from web.note_parts import FilesAt, short, step_shown, told_apart, torrent_shown
from web.notes import NotebookNumber, NoteNumber, Page
from web.refusals import NoSuchAddress
from web.shapes import time_of
from web.task_rows import tasks_shown
from web.told import told_in
from web.words import words_of

router = APIRouter(include_in_schema=False)
_MOST_TORRENTS = 20
_MOST_STEPS = 20


@router.get("/static/{name}")
async def static(request: Request, name: str) -> Response:
    """Return a file of the page."""
    found = services_of(request).html.files.get(name)
    if found is None:
        raise NoSuchAddress
    kind, content = found
    return Response(content, media_type=kind, headers={"Cache-Control": "max-age=3600"})


@router.get("/")
async def notebook(
    request: Request,
    asker: WhoAsks,
    q: str = "",
    page: Page = 0,
    notebook: NotebookNumber = None,
) -> Response:
    """Show a page of a notebook's notes, or of those that have all words of *q*; and what is under way there."""
    t, services = words_of(request), services_of(request)
    here = await asker.opened(notebook)
    words = asked(q)
    async with asker.turn():
        lines, more = await services.search.lines(here, words, page)
    own = here == asker.notebook
    kept = {"q": q if words else ""} | ({} if own else {"notebook": str(here)})
    return await page_of(
        request,
        "notebook.html",
        say={**labels(t), "found_for": t.gettext("Notes with {words}").format(words=words)},
        notebooks=await notebooks_of(asker, t),
        notebook=here,
        own=own,
        q=q if words else "",
        key=secrets.token_hex(),
        tasks=await tasks_shown(asker, t, here),
        notes=[_line(t, one) for one in lines],
        empty=_empty(t, words, page, telegram=services.telegram),
        newer=_address(kept, page - 1 if lines else 0) if page else None,
        older=_address(kept, page + 1) if more else None,
    )


@router.get("/notes/{note_id}")
async def note(
    request: Request, asker: WhoAsks, note_id: NoteNumber, page: Page = 0, changes: Page = 0, whole: Page = 0,
    of: Annotated[str, Query(max_length=64)] = "", files: Page = 0,
) -> Response:  # fmt: skip
    """Show a note: its text, torrents with their true names and files, and history; or offer a deleted one back."""
    t, services = words_of(request), services_of(request)

    def at(page: int, changes: int, whole: int = 0, **files: str | int) -> str:
        """Return where there are these pages of the torrents and of the changes, one of these *whole*."""
        query = {"page": page, "changes": changes, "whole": whole, **files}
        asked = urlencode({key: value for key, value in query.items() if value})
        return f"/notes/{note_id}?{asked}".removesuffix("?")

    async def shown(here: NotebookId) -> Response:
        try:
            found = await services.notebook.get(here, note_id)
        except NoteNotFound:
            if not await services.notebook.can_restore(here, note_id):
                raise
            return _deleted(request, t, note_id, "/" if here == asker.notebook else f"/?notebook={here}")
        can_undo = await services.history.can_undo(note_id)  # before what is shown of it: a lookup may end between
        history = await services.history.page(here, note_id, page=changes, size=_MOST_STEPS)
        magnets = await magnets_of(found.text)
        place = min(page, max(len(magnets) - 1, 0) // _MOST_TORRENTS)
        on_it = magnets[place * _MOST_TORRENTS : (place + 1) * _MOST_TORRENTS]
        known = await services.notebook.known(here, on_it)
        files_at = FilesAt(
            torrent=of, page=files, address=lambda which, to: at(place, history.page, of=which, files=to)
        )
        torrents = [await torrent_shown(asker, t, here, one, known, files_at) for one in on_it]
        further = len(magnets) - place * _MOST_TORRENTS - len(on_it)
        older = (history.page + 1) * _MOST_STEPS < history.total
        return await page_of(
            request,
            "note.html",
            say=labels(t),
            notebooks=await notebooks_of(asker, t),
            notebook=here,
            heading=t.gettext("Note #{number}").format(number=note_id),
            note=found,
            changed=minute(found.changed_at),
            tasks=await tasks_shown(asker, t, here, note_id),
            torrents=list(told_apart(torrents)),
            further=t.ngettext("And {count} more torrent.", "And {count} more torrents.", further).format(count=further)
            if further
            else "",
            before=at(place - 1, history.page) if place else None,
            after=at(place + 1, history.page) if further else None,
            undo_at=_undo_at(history.steps) if can_undo and history.steps and not history.page else None,
            undo_said=t.gettext("Write again") if history.steps and history.steps[0].change.cause in BACK else None,
            newer=at(place, history.page - 1) if history.page else None,
            older=at(place, history.page + 1) if older else None,
            steps=await asyncio.to_thread(
                lambda: [step_shown(t, one, at(place, history.page, one.version), whole) for one in history.steps]
            ),
        )

    async with asker.turn():
        return await asker.where_it_is(shown)


def _undo_at(steps: Sequence[Step]) -> int:
    """Return the version of the step that an undo takes back: names that lie beneath edits and what was kept."""
    if steps[0].change.cause in BACK:
        return steps[0].version
    over = {Cause.EDIT, Cause.KEPT, *BACK}
    return next((one.version for one in steps if one.change.cause not in over), steps[0].version)


def _deleted(request: Request, t: Translation, note_id: NoteId, to: str) -> Response:
    return services_of(request).html.plain(
        labels(t), t.gettext("Note #{number} is deleted.").format(number=note_id),
        [t.gettext("For a day it can be taken back.")],
        button=Button(t.gettext("Take it back"), f"/notes/{note_id}/restore"), back=labels(t)["skip"], to=to,
    )  # fmt: skip


@router.get("/under-way")
async def under_way(
    request: Request, asker: WhoAsks, notebook: NotebookNumber = None, note: NotebookNumber = None
) -> Response:
    """Show what is under way in a notebook or about a note, and what has just ended: that part of its page alone."""
    t = words_of(request)
    here = await asker.opened(notebook)
    tasks = await tasks_shown(asker, t, here, NoteId(note) if note else None)
    return await _made(request, "under_way.html", {"say": labels(t), "tasks": tasks})


async def page_of(request: Request, template: str, **given: object) -> Response:
    """Return a page; the browser is let in for a month from now on.

    It is told so when that has changed, once a day: a page that is long in the making would put its session back in
    the place of one that was opened meanwhile.
    """
    answer = await _made(request, template, given)
    session = session_in(request)
    if session is not None and await services_of(request).sessions.visited(session):
        remember(request, answer, session)
    return answer


async def _made(request: Request, template: str, given: dict[str, object]) -> Response:
    """Return a page or a part of one, made in a thread: there may be much on it."""
    services, t = services_of(request), words_of(request)
    out = t.gettext("You are logged out. What you typed stays here, to be copied, or sent when you are in again.")
    given = {
        "front_end": services.watched_by,
        "outcome": told_in(request.query_params, t),
        "logged_out": f"{out} {another_link(t, telegram=services.telegram)}",
        **given,
    }
    return await asyncio.to_thread(services.html.page, template, **given)


async def notebooks_of(asker: Asker, t: Translation) -> Sequence[Mapping[str, object]]:
    """Return the notebooks that are open to them now, for the tools of a page."""
    titles = await asker.titles()
    shown = [{"id": asker.notebook, "title": t.gettext("Your notes")}]
    for place, (notebook, title) in enumerate(titles.items(), 1):
        shown.append({"id": notebook, "title": short(title) or t.gettext("Group {number}").format(number=place)})
    return shown


def _address(kept: Mapping[str, str], page: int) -> str:
    query = {key: value for key, value in kept.items() if value} | ({"page": str(page)} if page else {})
    return f"/?{urlencode(query)}" if query else "/"


def _empty(t: Translation, words: str, page: int, *, telegram: bool) -> Sequence[str]:
    if page:
        return [t.gettext("There are no older notes.")]
    if words:
        return [t.gettext("No note has all of these words.")]
    none = t.gettext("There are no notes yet.")
    if not telegram:
        return [none, t.gettext("Paste a magnet link above: it becomes a note, and stands here.")]
    return [
        none,
        t.gettext("Paste a magnet link above, or send the bot a message with one: it becomes a note, and stands here."),
    ]


def _line(t: Translation, line: Line) -> Mapping[str, object]:
    return {
        "id": line.note.id,
        "excerpt": line.excerpt,
        "torrents": t.ngettext("{count} torrent", "{count} torrents", line.torrents).format(count=line.torrents),
        "torrents_there": line.torrents > 0,
        "junk": line.junk,
        "open": not line.calibrated,
        "undecided": line.undecided,
        "at": time_of(line.note.changed_at),
        "day": minute(line.note.changed_at),
    }

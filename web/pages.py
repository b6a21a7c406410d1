"""The page: a person's notes in a browser, as HTML that needs no script to be read."""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from http import HTTPStatus
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import RedirectResponse

from services.calibration.task import NoteRequest, Snapshot
from services.errors import LinkUsedUp, MembershipUnknown
from services.i18n import Translation, cause_word, state_word
from services.magnets.junk import is_junk
from services.magnets.parse import Magnet
from services.notebook.differences import differences, together
from services.notebook.excerpts import one_line
from services.notebook.history import Step
from services.notebook.note import Known
from services.notebook.notebook import magnets_of
from services.notebook.search import Line, asked
from services.torrents import FileEntry, NotebookId, TorrentId
from services.units import minute, size
from web.context import Asker, WhoAsks
from web.entry import COOKIE, check_origin, remember
from web.given import services_of
from web.labels import labels, the_terminals_link
from web.notes import NotebookNumber, NoteNumber, Page
from web.rates import client_of
from web.refusals import NoSuchAddress
from web.shapes import time_of
from web.tree import Branch, tree_of
from web.words import words_of

router = APIRouter(include_in_schema=False)
_MOST_TORRENTS = 20
_MOST_FILES = 200  # of one torrent
_MOST_STEPS = 20
_MOST_TASKS = 20
_LONGEST = 300  # characters of a name, or of what an edit replaced

Secret = Annotated[str, Path(max_length=200)]


@router.get("/static/{name}")
async def static(request: Request, name: str) -> Response:
    """Return a file of the page."""
    found = services_of(request).html.files.get(name)
    if found is None:
        raise NoSuchAddress
    kind, content = found
    return Response(content, media_type=kind, headers={"Cache-Control": "max-age=3600"})


@router.get("/login/{secret}")
async def ask_login(request: Request, secret: Secret) -> Response:
    """Ask whether to use the link up: whoever fetches it to show what is behind it does not."""
    t, services = words_of(request), services_of(request)
    await _counted(request, services.sessions.whose_link(secret))
    told = t.gettext("This browser is then let in for a month; /logout all in the chat ends that.")
    if not services.telegram:
        told = t.gettext("This browser is then let in for a month, or until you log out.")
    return services.html.plain(
        labels(t), t.gettext("Open your notes in this browser?"), [told], action=request.url.path,
        button=t.gettext("Open"),
    )  # fmt: skip


@router.post("/login/{secret}")
async def login(request: Request, secret: Secret) -> Response:
    """Use the link up, and let the browser in."""
    check_origin(request)
    sessions = services_of(request).sessions
    session = await _counted(request, sessions.open(secret))
    await sessions.close(request.cookies.get(COOKIE, ""))  # the one that this browser had
    answer = RedirectResponse("/", HTTPStatus.SEE_OTHER)
    remember(request, answer, session)
    return answer


@router.post("/logout")
async def logout(request: Request) -> Response:
    """Let the browser in no more."""
    check_origin(request)
    t, services = words_of(request), services_of(request)
    await services.sessions.close(request.cookies.get(COOKIE, ""))
    another = t.gettext("/login in the chat gives another link.") if services.telegram else the_terminals_link(t)
    answer = services.html.plain(labels(t), t.gettext("You are logged out."), [another])
    answer.delete_cookie(COOKIE)
    return answer


@router.get("/")
async def notebook(
    request: Request,
    asker: WhoAsks,
    q: Annotated[str, Query(max_length=1000)] = "",
    page: Page = 0,
    notebook: NotebookNumber = None,
) -> Response:
    """Show a page of a notebook's notes, or of those that have all words of *q*; and what is under way there."""
    t, services = words_of(request), services_of(request)
    here = await asker.opened(notebook)
    words = asked(q)
    lines, more = await services.search.lines(here, words, page)
    live, _ = await services.manager.live_tasks(notebook=here, limit=_MOST_TASKS)
    own = here == asker.notebook
    kept = {"q": q if words else ""} | ({} if own else {"notebook": str(here)})
    return await _page(
        request,
        "notebook.html",
        say={**labels(t), "found_for": t.gettext("Notes with {words}").format(words=words)},
        notebooks=await _notebooks(asker, t),
        notebook=here,
        own=own,
        q=q if words else "",
        tasks=[_task(t, one) for one in live],
        notes=[_line(t, one) for one in lines],
        empty=_empty(t, words, page, telegram=services.telegram),
        newer=_address(kept, page - 1) if page else None,
        older=_address(kept, page + 1) if more else None,
    )


@router.get("/notes/{note_id}")
async def note(request: Request, asker: WhoAsks, note_id: NoteNumber) -> Response:
    """Show a note: its text, its torrents with their true names and files, and its history."""
    t, services = words_of(request), services_of(request)

    async def shown(here: NotebookId) -> Response:
        found = await services.notebook.get(here, note_id)
        steps = await services.history.steps(here, note_id)
        magnets = await magnets_of(found.text)
        first = magnets[:_MOST_TORRENTS]
        known = await services.notebook.known(here, first)
        torrents = [await _torrent(asker, t, here, one, known) for one in first]
        newest = list(together(steps))[::-1][:_MOST_STEPS]
        further = len(magnets) - len(first)
        return await _page(
            request,
            "note.html",
            say=labels(t),
            notebooks=await _notebooks(asker, t),
            notebook=here,
            heading=t.gettext("Note #{number}").format(number=note_id),
            note=found,
            changed=minute(found.changed_at),
            torrents=torrents,
            further=t.ngettext("And {count} more torrent.", "And {count} more torrents.", further).format(count=further)
            if further
            else "",
            steps=await asyncio.to_thread(lambda: [_step(t, one) for one in newest]),
        )

    return await asker.where_it_is(shown)


async def _page(request: Request, template: str, **given: object) -> Response:
    """Return a page, made in a thread: there may be much on it. The browser is let in for a month from now on."""
    answer = await asyncio.to_thread(services_of(request).html.page, template, **given)
    if (session := request.cookies.get(COOKIE)) is not None:
        remember(request, answer, session)
    return answer


async def _counted(request: Request, asked_for: Awaitable[str]) -> str:
    """Return what is asked for with a link; a client may be wrong about one so often, and then has to wait."""
    try:
        return await asked_for
    except LinkUsedUp:
        request.app.state.limits.guesses.take(client_of(request))
        raise


async def _notebooks(asker: Asker, t: Translation) -> Sequence[Mapping[str, object]]:
    try:
        shared = [one for one in dict.fromkeys(await asker.shared()) if one != asker.notebook]
    except MembershipUnknown:  # those of groups, another time
        shared = []
    names = [(asker.notebook, t.gettext("Your notes"))]
    names += [(one, t.gettext("Group {number}").format(number=place)) for place, one in enumerate(shared, 1)]
    return [{"id": number, "title": title} for number, title in names]


def _address(kept: Mapping[str, str], page: int) -> str:
    query = {key: value for key, value in kept.items() if value} | ({"page": str(page)} if page else {})
    return f"/?{urlencode(query)}" if query else "/"


def _empty(t: Translation, words: str, page: int, *, telegram: bool) -> Sequence[str]:
    if words:
        return [t.gettext("No note has all of these words.")]
    if page:
        return [t.gettext("There are no older notes.")]
    none = t.gettext("There are no notes yet.")
    if not telegram:
        return [none]
    return [
        none,
        t.gettext("Send or forward a message with a magnet link to the bot: it becomes a note, and stands here."),
    ]


def _line(t: Translation, line: Line) -> Mapping[str, object]:
    return {
        "id": line.note.id,
        "excerpt": line.excerpt,
        "torrents": t.ngettext("{count} torrent", "{count} torrents", line.torrents).format(count=line.torrents),
        "junk": line.junk,
        "open": not line.calibrated,
        "at": time_of(line.note.changed_at),
        "day": minute(line.note.changed_at),
    }


def _task(t: Translation, snapshot: Snapshot) -> Mapping[str, object]:
    request = snapshot.task.request
    notes = request.notes[:3] if isinstance(request, NoteRequest) else ()
    what = [f"#{number}" for number in notes] or [snapshot.first.torrent.shown.hex]
    done = sum(many for state, many in snapshot.counts.items() if state.ended)
    return {
        "state": str(snapshot.task.state),
        "said": state_word(t, snapshot.task.state),
        "what": " ".join(what),
        "done": done,
        "total": snapshot.total,
    }


async def _torrent(
    asker: Asker, t: Translation, here: NotebookId, magnet: Magnet, known: Mapping[TorrentId, Known]
) -> Mapping[str, object]:
    torrent = magnet.torrents[0]
    told = known.get(torrent)
    shown: dict[str, object] = {
        "info_hash": torrent.shown.hex,
        "here": None if magnet.name is None else _short(magnet.name),
        "junk": is_junk(magnet.name or ""),
        "true_name": None,
        "trust": "",
        "trust_said": "",
        "size": "",
        "files": (),
        "files_said": "",
        "unseen": "",
    }
    if told is None:
        return shown
    found = await asker.services.search.torrent([here], torrent.shown, page=0, size=_MOST_FILES)
    many = told.file_count
    unseen = many - _MOST_FILES if found and found.more else 0
    more = t.ngettext("And {count} more file.", "And {count} more files.", unseen)
    return shown | {
        "true_name": _short(told.name.text),
        "trust": "verified" if told.verified else "claimed",
        "trust_said": t.gettext("verified") if told.verified else t.gettext("not verified"),
        "size": size(told.size),
        "files": await asyncio.to_thread(_branches, found.files) if found else (),
        "files_said": t.ngettext("{count} file", "{count} files", many).format(count=many),
        "unseen": more.format(count=unseen) if unseen else "",
    }


def _branches(files: Sequence[FileEntry]) -> Sequence[Mapping[str, object]]:
    return [_branch(one) for one in tree_of(files)]


def _branch(branch: Branch) -> Mapping[str, object]:
    return {
        "name": _short(branch.name),
        "size": size(branch.size),
        "within": [_branch(one) for one in branch.within.values()],
    }


def _step(t: Translation, step: Step) -> Mapping[str, object]:
    return {
        "cause": cause_word(t, step.change.cause),
        "at": time_of(step.change.at),
        "day": minute(step.change.at),
        "changes": [
            {
                "before": one_line(one.before),
                "removed": _short(one.removed or ""),
                "added": _short(one.added or ""),
                "after": one_line(one.after),
            }
            for one in differences(step)[:_MOST_TORRENTS]
        ],
    }


def _short(text: str) -> str:
    return one_line(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…")

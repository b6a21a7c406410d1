"""The page of a lookup of many torrents: each of them, what was not found, and which old names were replaced."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response

from services.calibration.task import Item, Snapshot, State
from services.i18n import Translation, replaced_said, state_word
from services.torrents import NoteId, TaskId
from web.context import Asker, WhoAsks
from web.labels import labels
from web.notes import Page
from web.pages import notebooks_of, page_of
from web.task_rows import MOST_NOTES, outcome_shown, row_of, shortened
from web.tasks import TaskName, visible
from web.words import words_of

router = APIRouter(include_in_schema=False)
_ON_A_PAGE = 50
_Only = Literal["", "lost", "replaced"]


@router.get("/tasks/{task_id}")
async def task(
    request: Request, asker: WhoAsks, task_id: TaskName, only: Annotated[_Only, Query()] = "", page: Page = 0
) -> Response:
    """Show a lookup and its torrents: a *page* of all, or of those not found; or old names from that position on."""
    t = words_of(request)
    snapshot = await visible(asker, TaskId(task_id))
    async with asker.turn():
        rows, before, after = await _rows(asker, t, snapshot, only, page)
    row = row_of(asker, t, snapshot)

    def at(only: str, page: int | None) -> str | None:
        query = urlencode({key: value for key, value in {"only": only, "page": page}.items() if value})
        return None if page is None else f"/tasks/{task_id}?{query}".removesuffix("?") + "#items-title"

    kinds = {
        "": t.gettext("All: {count}").format(count=snapshot.total),
        "lost": t.gettext("Not found: {count}").format(count=snapshot.lost),
        "replaced": t.gettext("Old names replaced"),
    }
    return await page_of(
        request,
        "task.html",
        say=labels(t),
        notebooks=await notebooks_of(asker, t),
        notebook=snapshot.task.notebook,
        heading=t.gettext("Lookup of {first}").format(first=row["what"]),
        task=row,
        kinds=[{"said": said, "address": at(kind, 0), "here": kind == only} for kind, said in kinds.items()],
        items=rows,
        empty=_empty(t, only),
        before=at(only, before),
        after=at(only, after),
    )


async def _rows(
    asker: Asker, t: Translation, snapshot: Snapshot, only: _Only, page: int
) -> tuple[Sequence[Mapping[str, object]], int | None, int | None]:
    """Return what is on a page, and where the pages before and after it begin."""
    manager, task_id = asker.services.manager, snapshot.task.id
    if only == "replaced":
        replaced = await manager.list_replaced(task_id, place=page)
        return [_replaced(t, one) for one in replaced.items], replaced.before, replaced.following
    total = snapshot.lost if only == "lost" else snapshot.total
    page = min(page, max(total - 1, 0) // _ON_A_PAGE)
    before, after = page - 1 if page else None, page + 1 if (page + 1) * _ON_A_PAGE < total else None
    if only == "lost":
        lost = await manager.list_lost(task_id, page=page, size=_ON_A_PAGE)
        return [_row(t, one.item, one.notes) for one in lost], before, after
    items = await manager.list_items(task_id, page=page, size=_ON_A_PAGE)
    return [_row(t, one, one.corrected) for one in items], before, after


def _row(t: Translation, item: Item, notes: Sequence[NoteId]) -> Mapping[str, object]:
    told = item.state in {State.COMPLETED, State.FAILED}
    return {
        "position": item.position,
        "info_hash": item.torrent.shown.hex,
        "notes": notes[:MOST_NOTES],
        "outcome": outcome_shown(t, item, several=False) if told else None,
        "state": str(item.state),
        "said": state_word(t, item.state),
        "replaced": "",
    }


def _replaced(t: Translation, item: Item) -> Mapping[str, object]:
    new = "" if item.found is None else item.found.name.text
    said = replaced_said(t, shortened(item.was or ""), shortened(new))
    return {**_row(t, item, item.corrected), "outcome": None, "replaced": said}


def _empty(t: Translation, only: _Only) -> str:
    if only == "replaced":
        return t.gettext("No old name is left to keep here.")
    return t.gettext("All that has ended was found.")

"""Tasks as the page shows them."""

from collections.abc import Mapping, Sequence

from services.calibration.decisions import (
    asked_of,
    corrected_in,
    not_written,
    over_claims,
    shown_of,
    to_keep,
    unanswered,
)
from services.calibration.task import Item, NoteRequest, OldName, Snapshot, State
from services.i18n import (
    Translation,
    blank_word,
    kept_said,
    not_written_said,
    only_claimed_said,
    question_said,
    replaced_said,
    sentence,
    source_word,
    state_word,
    trust_word,
)
from services.magnets.rewrite import magnet_link
from services.notebook.excerpts import one_line
from services.torrents import NotebookId, NoteId
from services.units import minute
from web.context import Asker
from web.shapes import time_of

_MOST_LIVE = 20
_MOST_ENDED = 5
_ENDED_AMONG = 10  # of those that ended last what asks something stays: each is read whole, once a second
MOST_NOTES = 5
_DIGITS = 16  # of an info-hash
_LONGEST = 120  # characters of a name or a source


async def tasks_shown(
    asker: Asker, t: Translation, notebook: NotebookId, note: NoteId | None = None
) -> Mapping[str, object]:
    """Return what is under way in *notebook*, or about its *note*, what has ended last, and how many more there are."""
    latest, many = await asker.services.manager.tasks_of(notebook, note=note, limit=_MOST_LIVE, ended=_ENDED_AMONG)
    more = many - _MOST_LIVE
    ended = _staying([one for one in latest if one.task.state.ended])
    snapshots = [one for one in latest if not one.task.state.ended or one in ended]
    over = max(ended, key=lambda one: one.task.completed_at or 0.0, default=None)
    return {
        "address": f"/under-way?notebook={notebook}" + (f"&note={note}" if note else ""),
        "rows": [row_of(asker, t, one) for one in snapshots],
        "more": t.gettext("And {count} more.").format(count=more) if more > 0 else "",
        "latest": "" if over is None else f"{state_word(t, over.task.state)} {_about(over)}",
    }


def _staying(ended: Sequence[Snapshot]) -> Sequence[Snapshot]:
    """Return those that stay in the list: what ended last, then what waits for an answer, then others."""
    latest = sorted(ended, key=lambda one: -(one.task.completed_at or 0.0))
    return [*latest[:1], *sorted(latest[1:], key=lambda one: unanswered(one) is None)][:_MOST_ENDED]


def row_of(asker: Asker, t: Translation, snapshot: Snapshot) -> Mapping[str, object]:
    """Return what ``task_row.html`` shows of a task."""
    task, progress = snapshot.task, snapshot.progress
    may = asker.may_any or task.asked_by == asker.person
    several = snapshot.total > 1
    outcomes = snapshot.outcomes if several else (snapshot.first,)
    said = sentence(progress.code, progress.parameters, t) if progress else ""
    at = task.completed_at or task.started_at
    return {
        "id": task.id,
        "state": str(task.state),
        "said": state_word(t, task.state),
        "notes": _notes(snapshot),
        "what": _what(t, snapshot),
        "about": _about(snapshot),
        "done": snapshot.total - snapshot.left,
        "total": snapshot.total,
        "counted": _counted(t, snapshot) if several else "",
        "items_at": f"/tasks/{task.id}" if several else "",
        "progress": t.gettext("waiting for its turn") if task.state is State.PENDING else said,
        "outcomes": [told for one in outcomes if (told := outcome_shown(t, one, several=several)) is not None],
        "corrected": _corrected(t, snapshot),
        "link": _link(snapshot),
        **_decisions(t, snapshot),
        "live": not task.state.ended,
        "may_cancel": may and not task.state.ended,
        "may_retry": may and snapshot.can_retry,
        "at": "" if at is None else time_of(at),
        "day": "" if at is None else minute(at),
    }


def _notes(snapshot: Snapshot) -> Sequence[int]:
    request = snapshot.task.request
    return request.notes[:MOST_NOTES] if isinstance(request, NoteRequest) else ()


def _about(snapshot: Snapshot) -> str:
    """Return what a task is about, in a few words of any language."""
    request = snapshot.task.request
    return " ".join(f"#{one}" for one in _notes(snapshot)) if isinstance(request, NoteRequest) else _digits(snapshot)


def _what(t: Translation, snapshot: Snapshot) -> str:
    more = snapshot.total - 1
    if not more:
        return _digits(snapshot)
    said = t.ngettext("{first} and {more} more", "{first} and {more} more", more)
    return said.format(first=_digits(snapshot), more=more)


def _digits(snapshot: Snapshot) -> str:
    return _digits_of(snapshot.first)


def _digits_of(item: Item) -> str:
    return f"{item.torrent.shown.hex[:_DIGITS]}…"


def _counted(t: Translation, snapshot: Snapshot) -> str:
    said = t.gettext("{found} of {total} found, {lost} not, {left} left")
    found = snapshot.counts.get(State.COMPLETED, 0)
    return said.format(found=found, total=snapshot.total, lost=snapshot.lost, left=snapshot.left)


def outcome_shown(t: Translation, item: Item, *, several: bool) -> Mapping[str, object] | None:
    """Return the name that was found, and how sure it is, or why there is none; None while neither is known.

    Of *several*, a reason stands beside the torrent that it is about.
    """
    if (found := item.found) is not None:
        blank = found.name.blank
        name = blank_word(t, empty=not found.name.text) if blank else shortened(found.name.text)
        sure = found.verified and found.name.certain
        source = source_word(t, found.source) or shortened(found.source)
        trust = trust_word(t, verified=found.verified, certain=found.name.certain, source=source)
        kind = "verified" if sure else "claimed"
        return {"name": name, "why": "", "which": "", "trust": kind, "trust_said": trust}
    if item.failure is not None:
        why = sentence(item.failure.code, item.failure.parameters, t)
        return {
            "name": "",
            "why": one_line(why),
            "which": _digits_of(item) if several else "",
            "trust": "",
            "trust_said": "",
        }
    return None


def _corrected(t: Translation, snapshot: Snapshot) -> str:
    count = len(corrected_in(snapshot))
    if not count:
        return ""
    return t.ngettext("{count} note corrected.", "{count} notes corrected.", count).format(count=count)


def _decisions(t: Translation, snapshot: Snapshot) -> Mapping[str, object]:
    """Return what is left to people about the names that were found, and what they have decided."""
    several, writes = snapshot.total > 1, isinstance(snapshot.task.request, NoteRequest)
    asked, unsure, why = asked_of(snapshot), unanswered(snapshot), not_written(snapshot)
    told = ["" if why is None else not_written_said(t, why), _undone(t, snapshot.written.undone)]
    told += [_claim(t, snapshot, one, several=several) for one in shown_of(snapshot)]
    question = ""
    if unsure is not None:
        one = len(unsure.readings) == 1
        question = question_said(t, _digits_of(unsure.item), several=several, writes=writes, one=one)
    elif offer := over_claims(snapshot):
        item, notes = offer
        question = only_claimed_said(
            t, _digits_of(item), " ".join(f"#{one}" for one in notes[:MOST_NOTES]), several=several
        )
    return {
        "question": question,
        "position": 0 if asked is None else asked.item.position,
        "readings": () if asked is None else [(one.word, shortened(one.text)) for one in asked.readings],
        "told": list(filter(None, told)),
        "to_keep": [
            (
                one.position,
                t.gettext("Keep old: {name}").format(name=shortened(one.was or ""))
                if several
                else t.gettext("Keep old"),
            )
            for one in to_keep(snapshot)
        ],
    }


def _claim(t: Translation, snapshot: Snapshot, item: Item, *, several: bool) -> str:
    """Return what became of a name that claimed something else; "" where there was none."""
    became = snapshot.old_names.get(item.key)
    if item.found is None or item.was is None or became is None:
        return ""
    if became is OldName.KEPT:
        said = kept_said(t, shortened(item.was))
    else:
        said = replaced_said(t, shortened(item.was), shortened(item.found.name.text))
    return f"{_digits_of(item)} · {said}" if several else said


def _undone(t: Translation, count: int) -> str:
    return t.ngettext("Undone in {count} note.", "Undone in {count} notes.", count).format(count=count) if count else ""


def _link(snapshot: Snapshot) -> str:
    """Return the magnet of the one torrent that was asked for by its hash: it stands in no note."""
    item = snapshot.first
    if snapshot.total > 1 or isinstance(snapshot.task.request, NoteRequest) or item.found is None:
        return ""
    name = item.found.name
    return magnet_link(item.torrent, name.text, item.hints) if name.certain and not name.blank else ""


def shortened(text: str) -> str:
    return one_line(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…")

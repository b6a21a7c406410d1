"""What a note's history looks like: a page of its changes, and what an undo did. Pure."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import zip_longest

from telegram import InlineKeyboardMarkup

from handlers.buttons import Verb, button
from handlers.outgoing import Message
from handlers.text import escape, shown_name
from services.i18n import Translation
from services.magnets.parse import find_magnets
from services.notebook.history import Step, Undone
from services.notebook.note import Cause
from services.torrents import NoteId

_ON_A_PAGE = 5
_NAMES_SHOWN = 3
_LONGEST_NAME = 80
_AROUND = 24
"""Characters that are shown on each side of what an edit changed."""


def history_page(t: Translation, number: NoteId, steps: Sequence[Step], page: int) -> Message:
    """Return the *page* (from 0) of a note's changes, newest first; the nearest one where there is none such."""
    if not steps:
        return Message(escape(t.gettext("Nothing was changed in #{number} since it was saved.").format(number=number)))
    version = steps[-1].version + 1
    shown = list(enumerate(_together(steps), start=1))[::-1]
    last = (len(shown) - 1) // _ON_A_PAGE
    page = min(max(page, 0), last)
    title = t.gettext("History of #{number}").format(number=number)
    lines = [f"<b>{escape(title)}</b>"]
    for place, step in shown[page * _ON_A_PAGE : (page + 1) * _ON_A_PAGE]:
        when = datetime.fromtimestamp(step.change.at, UTC).strftime("%Y-%m-%d %H:%M UTC")
        lines += ["", escape(f"{place} · {_cause(t, step.change.cause)} · {when}"), *_changed(t, step)]
    row = [button(t.gettext("Newer"), Verb.HISTORY, f"{number}:{page - 1}")] if page > 0 else []
    row += [button(t.gettext("Older"), Verb.HISTORY, f"{number}:{page + 1}")] if page < last else []
    row.append(button(t.gettext("Undo"), Verb.UNDO, f"{number}:{version}"))
    return Message("\n".join(lines), InlineKeyboardMarkup([row]))


def undone(t: Translation, number: NoteId, done: Undone) -> str:
    if done.again:
        return t.gettext("The names stand again in #{number}.").format(number=number)
    return t.gettext("#{number} is as it was before.").format(number=number)


def _together(steps: Sequence[Step]) -> Iterator[Step]:
    """Yield the steps, oldest first; an edit and the names that were carried over it are one."""
    for step, following in zip_longest(steps, steps[1:]):
        if step.change.cause == Cause.CARRIED:
            continue
        if following is not None and following.change.cause == Cause.CARRIED:
            yield replace(step, after=following.after)
        else:
            yield step


def _cause(t: Translation, cause: str) -> str:
    match cause:
        case Cause.EDIT:
            return t.gettext("edited")
        case Cause.UNDO | Cause.UNDO_TASK:
            return t.gettext("undone")
        case Cause.KEPT | Cause.KEPT_ALL:
            return t.gettext("old name kept")
        case Cause.REDO:
            return t.gettext("undo taken back")
        case Cause.CHOSEN:
            return t.gettext("chosen by hand")
        case _:  # a task's: however it was asked for
            return t.gettext("calibrated")


def _changed(t: Translation, step: Step) -> list[str]:
    """Return what a step changed: names, one a line, or the part of the text that an edit replaced."""
    if step.change.cause == Cause.EDIT:
        same = step.before == step.after
        return [escape(t.gettext("(typed as it stood)")) if same else _difference(step.before, step.after)]
    pairs = zip(find_magnets(step.before), find_magnets(step.after), strict=False)
    names = list(dict.fromkeys((old.name, new.name) for old, new in pairs if old.name != new.name))
    lines = [f"<s>{_name(t, old)}</s> → <b>{_name(t, new)}</b>" for old, new in names[:_NAMES_SHOWN]]
    more = len(names) - _NAMES_SHOWN
    if more > 0:
        lines.append(escape(t.ngettext("and {more} more", "and {more} more", more).format(more=more)))
    return lines


def _name(t: Translation, name: str | None) -> str:
    return escape(shown_name(name, _LONGEST_NAME)) if name and name.strip() else escape(t.gettext("(no name)"))


def _difference(before: str, after: str) -> str:
    """Return the one place where two texts differ, with a little of what stands around it."""
    start = _alike(before, after)
    end = _alike(before[start:][::-1], after[start:][::-1])
    removed, added = before[start : len(before) - end], after[start : len(after) - end]
    left, right = before[max(0, start - _AROUND) : start], before[len(before) - end :][:_AROUND]
    pieces = [
        "…" if start > _AROUND else "",
        _shown(left),
        f"<s>{_shown(removed)}</s>" if removed else "",
        f"<b>{_shown(added)}</b>" if added else "",
        _shown(right),
        "…" if end > _AROUND else "",
    ]
    return "".join(pieces)


def _alike(one: str, other: str) -> int:
    """Return how many characters two texts begin with alike."""
    return bisect_left(range(1, min(len(one), len(other)) + 1), 1, key=lambda end: one[:end] != other[:end])


def _shown(text: str) -> str:
    words = text[: 4 * _LONGEST_NAME].replace("\r", "").replace("\t", " ").replace("\n", " ⏎ ")
    return escape(shown_name(words, 2 * _LONGEST_NAME))

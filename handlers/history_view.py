"""What a note's history looks like: a page of its changes, and what an undo did. Pure."""

from itertools import count

from telegram import InlineKeyboardMarkup

from handlers.buttons import Verb, button
from handlers.outgoing import Message
from handlers.text import escape, shown_name
from services.i18n import Translation, cause_word
from services.notebook.differences import Difference, differences
from services.notebook.history import HistoryPage, Undone
from services.notebook.note import Cause, Step
from services.torrents import NoteId
from services.units import minute

STEPS_ON_A_PAGE = 5
_NAMES_SHOWN = 3
_LONGEST_NAME = 80


def history_page(t: Translation, number: NoteId, shown: HistoryPage) -> Message:
    """Return a page of `STEPS_ON_A_PAGE` of a note's changes, each with its number."""
    if not shown.steps:
        return Message(escape(t.gettext("Nothing was changed in #{number} since it was saved.").format(number=number)))
    page, last = shown.page, (shown.total - 1) // STEPS_ON_A_PAGE
    title = t.gettext("History of #{number}").format(number=number)
    lines = [f"<b>{escape(title)}</b>"]
    places = count(shown.total - page * STEPS_ON_A_PAGE, -1)
    for place, step in zip(places, shown.steps, strict=False):
        when = minute(step.change.at)
        lines += ["", escape(f"{place} · {cause_word(t, step.change.cause)} · {when}"), *_changed(t, step)]
    row = [button(t.gettext("Newer"), Verb.HISTORY, f"{number}:{page - 1}")] if page > 0 else []
    row += [button(t.gettext("Older"), Verb.HISTORY, f"{number}:{page + 1}")] if page < last else []
    row.append(button(t.gettext("Undo"), Verb.UNDO, f"{number}:{shown.version}"))
    return Message("\n".join(lines), InlineKeyboardMarkup([row]))


def undone(t: Translation, number: NoteId, done: Undone) -> str:
    if done.again:
        return t.gettext("The names stand again in #{number}.").format(number=number)
    return t.gettext("#{number} is as it was before.").format(number=number)


def _changed(t: Translation, step: Step) -> list[str]:
    """Return what a step changed: names, one a line, or the part of the text that an edit replaced."""
    changes = differences(step)
    if step.change.cause == Cause.EDIT:
        return [_place(one) for one in changes] or [escape(t.gettext("(typed as it stood)"))]
    lines = [f"<s>{_name(t, one.removed)}</s> → <b>{_name(t, one.added)}</b>" for one in changes[:_NAMES_SHOWN]]
    more = len(changes) - _NAMES_SHOWN
    if more > 0:
        lines.append(escape(t.ngettext("and {more} more", "and {more} more", more).format(more=more)))
    return lines


def _name(t: Translation, name: str | None) -> str:
    return escape(shown_name(name, _LONGEST_NAME)) if name and name.strip() else escape(t.gettext("(no name)"))


def _place(one: Difference) -> str:
    pieces = [
        "…" if one.more_before else "",
        _shown(one.before),
        f"<s>{_shown(one.removed)}</s>" if one.removed else "",
        f"<b>{_shown(one.added)}</b>" if one.added else "",
        _shown(one.after),
        "…" if one.more_after else "",
    ]
    return "".join(pieces)


def _shown(text: str) -> str:
    words = text[: 4 * _LONGEST_NAME].replace("\r", "").replace("\t", " ").replace("\n", " ⏎ ")
    return escape(shown_name(words, 2 * _LONGEST_NAME))

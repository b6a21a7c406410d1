"""What people are asked about names that were found: which reading is right, whether an old one stays. Pure."""

from telegram import InlineKeyboardButton

from handlers.buttons import Verb, about_choice, about_item, button
from handlers.text import LONGEST_NAME, digits, escape, shown_name
from services.calibration.choice import Choice
from services.calibration.decisions import asked_of, shown_of, to_keep, unanswered
from services.calibration.task import Item, NoteRequest, OldName, Snapshot
from services.i18n import Translation, kept_said, question_said, replaced_said

Rows = list[list[InlineKeyboardButton]]

_LONGEST_LABEL = 48
_SHORT = 120
_MOST_KEPT = 5  # of many at once: the others have pages of their own


def claims(t: Translation, snapshot: Snapshot) -> list[str]:
    """Return a line for each old name that claimed something else: beside the new one, or that it was kept."""
    several = snapshot.total > 1
    lines: list[str] = []
    for item in shown_of(snapshot):
        became = snapshot.old_names.get(item.key)
        if item.found is None or item.was is None or became is None:
            continue
        if became is OldName.REPLACED:
            words = claim(t, item, _SHORT if several else LONGEST_NAME)
        else:
            words = kept_said(t, _name(item.was, several=several))
        lines.append(f"{digits(item.torrent)} · {words}" if several else words)
    if _more(snapshot):
        lines.append(t.gettext("More old names were replaced."))
    return lines


def _old_names_row(t: Translation, snapshot: Snapshot) -> list[InlineKeyboardButton]:
    """Return the button to all old names that were replaced, where not each can be kept on the card."""
    if not _more(snapshot) and snapshot.replaced <= _MOST_KEPT:
        return []
    return [button(t.gettext("Show old names"), Verb.REPLACED, snapshot.task.id)]


def _more(snapshot: Snapshot) -> bool:
    """Whether old names were replaced that have no line on the card."""
    return snapshot.replaced > sum(snapshot.old_names.get(item.key) is OldName.REPLACED for item in shown_of(snapshot))


def keep_button(t: Translation, item: Item) -> InlineKeyboardButton:
    """Return the button that keeps the old name of one of many."""
    return button(_label(t.gettext("Keep old: {name}").format(name=item.was)), Verb.KEEP_OLD, about_item(item.key))


def question(t: Translation, snapshot: Snapshot) -> list[str]:
    """Return the line that asks which reading is right, where one may be chosen and none was."""
    asked = unanswered(snapshot)
    if asked is None:
        return []
    writes, one = isinstance(snapshot.task.request, NoteRequest), len(asked.readings) == 1
    torrent = digits(asked.item.torrent)
    return [question_said(t, torrent, several=snapshot.total > 1, writes=writes, one=one)]


def choice_rows(t: Translation, snapshot: Snapshot) -> Rows:
    """Return a row for each reading that may be chosen, and for each old name that may be kept."""
    return [*_readings(snapshot), *_keep(t, snapshot), *filter(None, [_old_names_row(t, snapshot)])]


def claim(t: Translation, item: Item, most: int) -> str:
    """Return an old name that claimed something else, and the new one, in so many UTF-16 units each; "" without one."""
    if item.found is None or item.was is None or item.was == item.found.name.text:  # chosen since
        return ""
    old, new = (escape(shown_name(name, most)) for name in (item.was, item.found.name.text))
    return replaced_said(t, old, new)


def _name(name: str, *, several: bool) -> str:
    return escape(shown_name(name, _SHORT) if several else shown_name(name))


def _readings(snapshot: Snapshot) -> Rows:
    asked = asked_of(snapshot)
    if asked is None:
        return []
    task_id, position = snapshot.task.id, asked.item.position
    return [
        [button(_label(one.text), Verb.READING, about_choice(Choice(task_id, position, one.word)))]
        for one in asked.readings
    ]


def _keep(t: Translation, snapshot: Snapshot) -> Rows:
    several = snapshot.total > 1
    return [
        [keep_button(t, item) if several else button(t.gettext("Keep old"), Verb.KEEP_OLD, about_item(item.key))]
        for item in to_keep(snapshot)
    ]


def _label(name: str) -> str:
    shown = " ".join(shown_name(name).split())
    return shown if len(shown) <= _LONGEST_LABEL else shown[: _LONGEST_LABEL - 1] + "…"

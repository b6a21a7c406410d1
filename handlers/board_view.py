"""What a board looks like, and the messages that tell ends of it: from values to (text, keyboard). Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from telegram import InlineKeyboardMarkup

from handlers.buttons import Verb, button
from handlers.cards import (
    counted,
    latest,
    retry_failed,
    sent_in_no_note,
    shown_state,
    subject,
    told,
    written_nowhere,
)
from handlers.choice_view import claim
from handlers.outgoing import Message
from handlers.text import LONGEST, units
from services.calibration.follower import BoardId
from services.calibration.task import Snapshot, State, end_of
from services.i18n import Translation, duration, state_word

LIVE_LINES = 10
END_LINES = 12
"""Of ended tasks beside live ones, at most, but for those that nobody was told of: of these as many as fit."""
MOST_ENDS = 80
"""That fit a message, if their lines are short: the last word of a board has so many."""
_FEW_NOTES = 3
_FEW_DIGITS = 8
_SHORT = 90
_REASON = 240
"""Room for a whole reason: what there is to be done stands at its end."""
_CUT_REASON = 90
_SHORTER = 60
_HALF = 45


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What a board shows: *live* are those of its *page* (from 0), newest first.

    Of those that have ended *fresh* were told to nobody, the oldest first; *ended* are the latest others, newest first.
    *counts* has the tasks of the whole board by their states. *kept*: of some of them it is known how they ended.
    *shared*: those under way were asked for by several people.
    """

    board: BoardId
    counts: Mapping[State, int]
    page: int
    live: Sequence[Snapshot]
    fresh: Sequence[Snapshot]
    ended: Sequence[Snapshot]
    asking: bool
    can_retry: bool
    kept: bool = True
    shared: bool = False

    @property
    def left(self) -> int:
        """How many tasks have not ended."""
        return sum(count for state, count in self.counts.items() if not state.ended)


def board_card(view: View, now: float | None, t: Translation) -> tuple[Message, int]:
    """Return the board at *now*, and how many of the fresh ends it tells.

    Without *now* it has not the times that pass by themselves.
    """
    if not view.counts:
        return Message(t.gettext("What was listed here goes on below.")), 0
    if not view.kept:
        return Message(t.gettext("What was listed here is no longer kept.")), 0
    lines = [_title(t, view)]
    lines += [_live(t, one, now) for one in view.live]
    first = view.page * LIVE_LINES
    more = view.left - first - len(view.live)
    if more > 0:
        lines.append(t.gettext("+{count} more").format(count=more))
    hint, behind = _how_to_keep(t, [*view.fresh, *view.ended]), []
    if view.asking and view.left:
        question = t.ngettext("Cancel {count} task?", "Cancel all {count} tasks?", view.left)
        behind = ["", question.format(count=view.left)]
        if view.shared:
            behind[-1] = t.gettext("Cancel these? A press cancels one's own tasks; an administrator's cancels all.")
    told = _ends(t, view.fresh, [*lines, "", *hint, *behind])
    most = END_LINES if view.left else MOST_ENDS
    others = view.ended[: max(0, most - len(told))]
    ends = [*reversed(told), *_ends(t, others, [*lines, "", *told, *hint, *behind])]
    between = [""] if ends and view.live else []
    return Message("\n".join([*lines, *between, *ends, *hint, *behind]), _keyboard(t, view, more)), len(told)


def _how_to_keep(t: Translation, ends: Sequence[Snapshot]) -> Sequence[str]:
    """Return the line that says how to keep the torrents of files that were sent, and that were in no note then."""
    if not any(map(sent_in_no_note, ends)):
        return []
    return [t.gettext("What was in no note here is kept by a reply to its file with /save.")]


def _ends(t: Translation, ends: Sequence[Snapshot], there: Sequence[str]) -> Sequence[str]:
    """Return a line for each of *ends*, the first ones, as many as fit: with whole reasons where all of them do."""
    whole = [_ended(t, one, _REASON) for one in ends]
    told = _fitting(whole, there)
    return told if len(told) == len(whole) else _fitting([_ended(t, one, _CUT_REASON) for one in ends], there)


def _fitting(wanted: Sequence[str], there: Sequence[str]) -> Sequence[str]:
    """Return as many of the lines *wanted*, the first ones, as a message takes beside those that are *there*.

    Lines are counted with their markup: a little more than Telegram counts.
    """
    room = LONGEST - sum(units(line) + 1 for line in there)
    for number, line in enumerate(wanted):
        room -= units(line) + 1
        if room < 0:
            return wanted[:number]
    return wanted


def _title(t: Translation, view: View) -> str:
    state = State.RUNNING if view.left else end_of(view.counts) or State.COMPLETED
    total, found = sum(view.counts.values()), view.counts.get(State.COMPLETED, 0)
    tasks = t.ngettext("{count} task", "{count} tasks", total).format(count=total)
    said = t.gettext("<b>{state}</b> · {tasks}: {found} found, {lost} not, {left} left")
    return said.format(
        state=state_word(t, state), tasks=tasks, found=found, lost=total - found - view.left, left=view.left
    )


def _live(t: Translation, one: Snapshot, now: float | None) -> str:
    state = shown_state(one.task)
    words = [state_word(t, state), _subject(t, one)]
    if one.total > 1:
        words.append(counted(t, one))
    elif state is State.RUNNING and one.progress is not None:
        words.append(told(t, one.progress, _SHORTER))
    if now is not None and one.task.started_at is not None:
        words.append(duration(t, max(0.0, now - one.task.started_at)))
    return " · ".join(words)


def _subject(t: Translation, one: Snapshot) -> str:
    return subject(t, one, _FEW_NOTES, _FEW_DIGITS)


def _ended(t: Translation, one: Snapshot, most: int) -> str:
    mark = "✓" if one.task.state is State.COMPLETED else "✗"
    if one.task.state is State.CANCELLED:
        outcome = state_word(t, State.CANCELLED)
    elif one.total > 1:
        outcome = counted(t, one)
    else:
        outcome = claim(t, one.first, _HALF) or latest(t, one.first, _SHORT, most)
    words = [f"{mark} {_subject(t, one)}", outcome]
    if written_nowhere(one):
        words.append(t.gettext("no note was changed"))
    return " · ".join(words)


def _keyboard(t: Translation, view: View, more: int) -> InlineKeyboardMarkup | None:
    turning = []
    if view.page:
        turning.append(button(t.gettext("Previous"), Verb.BOARD_PAGE, view.board, view.page - 1))
    if more > 0:
        turning.append(button(t.gettext("Next"), Verb.BOARD_PAGE, view.board, view.page + 1))
    row = []
    if view.left and view.asking:
        yes = t.gettext("Yes, cancel {count}").format(count=view.left) if not view.shared else t.gettext("Yes, cancel")
        row = [button(yes, Verb.CANCEL_ALL, view.board), button(t.gettext("No"), Verb.KEEP_ALL, view.board)]
    elif view.left:
        row.append(button(t.gettext("Refresh"), Verb.BOARD, view.board))
        row.append(button(t.gettext("Cancel all"), Verb.ASK_CANCEL_ALL, view.board))
    if view.can_retry:
        row.append(button(retry_failed(t), Verb.RETRY_ALL, view.board))
    rows = [one for one in (turning, row) if one]
    return InlineKeyboardMarkup(rows) if rows else None


def ends_message(ends: Sequence[Snapshot], t: Translation) -> tuple[Message, int]:
    """Return a message of its own that tells *ends*, and how many of them, the first ones: as many as fit."""
    head, hint = [t.gettext("These have ended:")] if len(ends) > 1 else [], _how_to_keep(t, ends)
    told = _ends(t, ends, [*head, *hint])
    return Message("\n".join([*head, *told, *hint])), len(told)


def moved_message(one: Snapshot, t: Translation) -> Message:
    """Return what a message shows whose task is shown by a board now."""
    return Message(t.gettext("{task} is shown in another message now.").format(task=_subject(t, one)))

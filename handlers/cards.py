"""What a task looks like: from a snapshot to (text, keyboard). Pure."""

from collections.abc import Sequence

from telegram import InlineKeyboardButton, InlineKeyboardMarkup

from handlers.buttons import Verb, button
from handlers.choice_view import choice_rows, claim, claims, keep_button, question
from handlers.outgoing import Message
from handlers.text import LONGEST, LONGEST_NAME, digits, escape, extent, listed, shown_name, units
from services.calibration.apply import writable
from services.calibration.decisions import corrected_in, not_written, over_claims
from services.calibration.snapshots import Replaced
from services.calibration.task import FROM_FILE, Found, Item, Lost, NoteRequest, Snapshot, State, Task
from services.i18n import (
    Translation,
    blank_word,
    duration,
    not_written_said,
    only_claimed_said,
    sentence,
    source_word,
    state_word,
    trust_word,
)
from services.magnets.rewrite import magnet_link
from services.torrents import Name, NoteId, Step

_SHOWN_DIGITS = 16
_SHOWN_NOTES = 20
_LATEST = 5
_SHORT = 120
_BAR = 20
_ENOUGH_DONE = 5
_FEW_NOTES = 3
LOST_PAGE = 10
"""Items in a page of what was not found."""


def card(snapshot: Snapshot, state: State, now: float, t: Translation) -> Message:
    """Return the card of *snapshot*, shown as being in *state* at *now* (seconds since 1970).

    Its first word is the state's. It never outgrows a message: its lines are few, what comes from outside is cut by
    `shown_name`, and the link to copy is there only where it fits.
    """
    lines = [f"<b>{state_word(t, state)}</b> · {subject(t, snapshot)}", *_body(t, snapshot, state, now)]
    lines.append(_footer(t, snapshot, state, now))
    if link := _link_to_copy(snapshot, lines):
        lines.append(link)
    return Message("\n".join(lines), _keyboard(t, snapshot, state))


def shown_state(task: Task) -> State:
    """Return the state to show: a running card does not go back to pending because the program was started anew.

    Judged by the task alone: when the program was killed, what its message showed may not have been stored yet.
    """
    return State.RUNNING if task.state is State.PENDING and task.started_at is not None else task.state


def subject(
    t: Translation, snapshot: Snapshot, most_notes: int = _SHOWN_NOTES, most_digits: int = _SHOWN_DIGITS
) -> str:
    """Return what is looked up: the notes' numbers, the first *most_notes* of them, and the hash."""
    request = snapshot.task.request
    shown = digits(snapshot.first.torrent, most_digits)
    more = snapshot.total - 1
    if more:
        shown = t.ngettext("{first} and {more} more", "{first} and {more} more", more).format(first=shown, more=more)
    if isinstance(request, NoteRequest):
        return f"{numbers(t, request.notes, most_notes)} · {shown}"
    return shown


def numbers(t: Translation, notes: Sequence[NoteId], most: int = _SHOWN_NOTES) -> str:
    """Return the first *most* of *notes*, and how many more there are."""
    shown = listed(t, (f"#{note}" for note in notes[:most]))
    more = len(notes) - most
    if more > 0:
        return t.ngettext("{notes} and {more} more", "{notes} and {more} more", more).format(notes=shown, more=more)
    return shown


def _body(t: Translation, snapshot: Snapshot, state: State, now: float) -> list[str]:
    lines = []
    if snapshot.total == 1:
        lines += _outcome(t, snapshot.first)
    else:
        lines += _batch(t, snapshot, state, now)
    lines += [*_in_notes(t, snapshot), *_in_no_note(t, snapshot), *claims(t, snapshot), *question(t, snapshot)]
    if state is State.RUNNING and snapshot.progress is not None:
        lines.append(told(t, snapshot.progress))
    if state is State.PENDING:
        lines.append(t.gettext("waiting for its turn"))
    return lines


def _batch(t: Translation, snapshot: Snapshot, state: State, now: float) -> list[str]:
    """Return how far a task of several items is, how fast it goes, and the latest that came of it."""
    lines, total, left = [counted(t, snapshot)], snapshot.total, snapshot.left
    if not state.ended:
        lines.insert(0, _bar(total - left, total))
        lines += _pace(t, snapshot, total - left, left, now)
    lines += [f"{digits(item.torrent)} · {latest(t, item)}" for item in snapshot.outcomes[:_LATEST]]
    return lines


def counted(t: Translation, snapshot: Snapshot) -> str:
    """Return how many of a task's torrents were found, were not, and are left."""
    said = t.gettext("{found} of {total} found, {lost} not, {left} left")
    found = snapshot.counts.get(State.COMPLETED, 0)
    return said.format(found=found, total=snapshot.total, lost=snapshot.lost, left=snapshot.left)


def _bar(done: int, total: int) -> str:
    full = _BAR * done // total
    return f"{'▓' * full}{'░' * (_BAR - full)} {100 * done // total} %"


def _pace(t: Translation, snapshot: Snapshot, done: int, left: int, now: float) -> list[str]:
    """Return the line of the rate, once enough is known of it, and of the time left where that may be true."""
    took = now - (snapshot.task.started_at or now)
    again = snapshot.task.attempt > 1  # what the attempts before have found is no part of its pace
    if again or done < _ENOUGH_DONE or took < 1 or not left:
        return []
    rate = done / took
    shown = t.gettext("{rate} a second").format(rate=f"{rate:.3g}")
    if rate < 1:
        shown = t.gettext("{rate} a minute").format(rate=f"{60 * rate:.3g}")
    needed, latest = left / rate, snapshot.outcomes[0].ended_at if snapshot.outcomes else None
    if needed < 1 or (latest is not None and now - latest > needed):  # those that are left take longer
        return [shown]
    return [t.gettext("{rate}, about {time} left").format(rate=shown, time=duration(t, needed))]


def latest(t: Translation, item: Item, most: int = _SHORT, most_of_reason: int = LONGEST_NAME) -> str:
    """Return what came of an item: its name, or the reason why there is none, in so many UTF-16 units."""
    if item.found is not None:
        return _named(t, item.found, most)
    if item.failure is not None:
        return told(t, item.failure, most_of_reason)
    return t.gettext("not looked up") if item.started_at is None else state_word(t, item.state)


def _named(t: Translation, found: Found, most: int) -> str:
    name = blank(t, found.name) if found.name.blank else escape(shown_name(found.name.text, most))
    if found.verified and found.name.certain:
        return name
    return f"{name} ({trust_word(t, verified=found.verified, certain=found.name.certain)})"


def _outcome(t: Translation, item: Item) -> list[str]:
    if item.found is not None:
        return _found(t, item.found)
    if item.failure is not None:
        return [told(t, item.failure)]
    return []


def told(t: Translation, step: Step, most: int = LONGEST_NAME) -> str:
    return escape(shown_name(sentence(step.code, step.parameters, t), most))


def _found(t: Translation, found: Found) -> list[str]:
    name = shown_name(found.name.text)
    trust = trust_word(t, verified=found.verified, certain=True, source=source_name(t, found.source))
    lines = [
        blank(t, found.name) if found.name.blank else f"<b>{escape(name)}</b>",
        " · ".join([*extent(t, found.size, found.file_count), escape(trust)]),
    ]
    encoding = escape(shown_name(found.name.encoding))
    if found.name.chosen:
        read_as = t.gettext("Chosen by hand: {encoding}").format(encoding=encoding)
        lines.append(read_as if found.verified else t.gettext("Chosen by hand."))
    elif not found.name.certain:
        lines.append(t.gettext("Its encoding is a guess: {encoding}").format(encoding=encoding))
    return lines


def source_name(t: Translation, source: str) -> str:
    """Return what people call the *source* of a name, as plain text."""
    return source_word(t, source) or shown_name(source)


def blank(t: Translation, name: Name) -> str:
    return blank_word(t, empty=not name.text)


def _in_notes(t: Translation, snapshot: Snapshot) -> list[str]:
    """Return what became of the notes."""
    written, why, lines = snapshot.written, not_written(snapshot), []
    if snapshot.total == 1 and written.standing:
        if corrected := corrected_in(snapshot):
            lines.append(t.gettext("Corrected: {notes}").format(notes=numbers(t, corrected)))
        if snapshot.otherwise:
            others = numbers(t, snapshot.otherwise)
            lines.append(t.gettext("Another reading stands in {notes}.").format(notes=others))
        if why is not None:
            lines.append(not_written_said(t, why))
    elif why is not None:
        lines.append(not_written_said(t, why))
    elif count := len(corrected_in(snapshot)):
        lines.append(t.ngettext("{count} note corrected.", "{count} notes corrected.", count).format(count=count))
    if count := written.undone:
        lines.append(t.ngettext("Undone in {count} note.", "Undone in {count} notes.", count).format(count=count))
    if offer := over_claims(snapshot):
        item, notes = offer
        torrent, several = digits(item.torrent), snapshot.total > 1
        lines.append(only_claimed_said(t, torrent, numbers(t, notes), several=several))
    return lines


def _in_no_note(t: Translation, snapshot: Snapshot) -> list[str]:
    """Return how to keep the torrent of a file that was sent, and that was in no note then."""
    if not sent_in_no_note(snapshot):
        return []
    return [t.gettext("No note here had this torrent. To keep it, reply to the file with /save.")]


def sent_in_no_note(snapshot: Snapshot) -> bool:
    """Whether a file was sent whose torrent was in no note then."""
    task = snapshot.task
    return task.cause == FROM_FILE and not isinstance(task.request, NoteRequest) and snapshot.first.found is not None


def written_nowhere(snapshot: Snapshot) -> bool:
    """Whether the one name that was found for notes is in none of them."""
    found, first = snapshot.first.found, snapshot.first
    if snapshot.total > 1 or found is None or first.corrected or not isinstance(snapshot.task.request, NoteRequest):
        return False
    return first.passed_over is not None or not writable(found)


def _footer(t: Translation, snapshot: Snapshot, state: State, now: float) -> str:
    task, words = snapshot.task, []
    began = task.started_at or (task.created_at if task.attempt == 1 else None)  # a retry keeps the time of its task
    elapsed = max(0.0, (task.completed_at or now) - (began or now))
    if not state.ended:
        words.append(duration(t, elapsed))
    elif began is not None:
        short = elapsed < 1
        took = t.gettext("took under a second") if short else t.gettext("took {time}").format(time=duration(t, elapsed))
        words.append(took)
    if task.attempt > 1:
        words.append(t.gettext("attempt {number}").format(number=task.attempt))
    if state is State.CANCELLED:
        words.append(t.gettext("nothing more is looked up"))
    return " · ".join(words)


def _link_to_copy(snapshot: Snapshot, lines: list[str]) -> str | None:
    """Return the corrected magnet as a line to copy, where there is one and it fits."""
    item = snapshot.first
    if snapshot.total != 1 or item.found is None or not item.found.name.certain or item.found.name.blank:
        return None
    link = magnet_link(item.torrent, item.found.name.text, item.hints)
    # The lines are counted with their markup: a little more than Telegram counts.
    if units("\n".join(lines)) + 1 + units(link) > LONGEST:
        return None
    return f"<code>{escape(link)}</code>"


def _keyboard(t: Translation, snapshot: Snapshot, state: State) -> InlineKeyboardMarkup | None:
    rows = [*choice_rows(t, snapshot), *filter(None, [_row(t, snapshot, state)])]
    return InlineKeyboardMarkup(rows) if rows else None


def _row(t: Translation, snapshot: Snapshot, state: State) -> list[InlineKeyboardButton]:
    """Return the buttons that are about the whole task."""
    task_id = snapshot.task.id
    if not state.ended:
        return [
            button(t.gettext("Refresh"), Verb.REFRESH, task_id),
            button(t.gettext("Cancel"), Verb.CANCEL, task_id),
        ]
    row = []
    if snapshot.can_retry:
        several = snapshot.total > 1
        row.append(button(retry_failed(t) if several else t.gettext("Retry"), Verb.RETRY, task_id))
        if several:
            row.append(button(t.gettext("Show failed"), Verb.FAILED, task_id))
    if snapshot.written.standing:
        row.append(button(t.gettext("Undo"), Verb.UNDO_TASK, task_id))
    if snapshot.written.as_one:
        row.append(button(t.gettext("Write again"), Verb.WRITE_AGAIN, task_id))
    return row


def retry_failed(t: Translation) -> str:
    return t.gettext("Retry failed")


def failed_card(snapshot: Snapshot, lost: Sequence[Lost], page: int, t: Translation) -> Message:
    """Return *page* (from 0) of what the task of *snapshot* did not find, with a way back to its card."""
    total = snapshot.lost
    first = page * LOST_PAGE
    title = t.gettext("Not found: {first}–{last} of {total}").format(
        first=min(first + 1, total), last=first + len(lost), total=total
    )
    lines = [f"<b>{state_word(t, snapshot.task.state)}</b> · {subject(t, snapshot)}", title]
    for one in lost:
        where = f"{numbers(t, one.notes[:_FEW_NOTES])} · " if one.notes else ""
        lines.append(f"{where}{digits(one.item.torrent)} · {latest(t, one.item)}")
    before, after = page - 1 if page else None, page + 1 if first + len(lost) < total else None
    row = _turning(t, snapshot, Verb.FAILED, before, after)
    return Message("\n".join(lines), InlineKeyboardMarkup([row]))


def replaced_card(snapshot: Snapshot, replaced: Replaced, t: Translation) -> Message:
    """Return some of the old names that the task of *snapshot* replaced, each with a way to keep it."""
    lines = [f"<b>{state_word(t, snapshot.task.state)}</b> · {subject(t, snapshot)}"]
    lines.append(t.gettext("Old names that were replaced:"))
    lines += [f"{digits(item.torrent)} · {claim(t, item, LONGEST_NAME)}" for item in replaced.items]
    row = _turning(t, snapshot, Verb.REPLACED, replaced.before, replaced.following)
    keep = [[keep_button(t, item)] for item in replaced.items]
    return Message("\n".join(lines), InlineKeyboardMarkup([*keep, row]))


def _turning(
    t: Translation, snapshot: Snapshot, verb: Verb, before: int | None, after: int | None
) -> list[InlineKeyboardButton]:
    """Return the buttons from a page to its card, and to its neighbours."""
    task_id = snapshot.task.id
    row = [button(t.gettext("Back"), Verb.CARD, task_id)]
    if before is not None:
        row.append(button(t.gettext("Previous"), verb, task_id, before))
    if after is not None:
        row.append(button(t.gettext("Next"), verb, task_id, after))
    return row

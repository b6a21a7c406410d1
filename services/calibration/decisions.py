"""What is left to people about the names that a task found: which reading is right, whether an old one stays. Pure."""

from collections.abc import Sequence
from enum import StrEnum
from itertools import chain
from typing import NamedTuple

from services.calibration.apply import writable
from services.calibration.choice import Offered, choices
from services.calibration.task import Item, NoteRequest, OldName, PassedOver, Snapshot
from services.torrents import NoteId

_MOST_KEPT = 5  # of many at once: the others have pages of their own


class Asked(NamedTuple):
    """An item whose name people may choose from *readings*."""

    item: Item
    readings: Sequence[Offered]


class NotWritten(StrEnum):
    """Why a name that was found is in no note."""

    GONE = "gone"
    PINNED = "pinned"
    THERE = "there"
    LONG = "long"
    UNSURE = "unsure"


_WHY = {None: NotWritten.THERE, PassedOver.PINNED: NotWritten.PINNED}
"""Of a name that goes into notes by itself: what became of one that was not sure then is told where it stands."""


def shown_of(snapshot: Snapshot) -> Sequence[Item]:
    """Return the items that the task's card tells of."""
    if snapshot.total == 1:
        return (snapshot.first,)
    return list({one.key: one for one in (*snapshot.undecided, *snapshot.outcomes)}.values())


def asked_of(snapshot: Snapshot) -> Asked | None:
    """Return the item whose name people may choose: the only one, or of many the first shown that is to be chosen.

    That is one which nobody has chosen, and then one whose verified name is to be written over a claim.
    """
    for item in shown_of(snapshot):
        behind = item.key in snapshot.only_claimed
        if snapshot.total > 1 and _is_chosen(item) and not behind:
            continue
        found, again = item.found, bool(snapshot.otherwise) or behind
        if found is not None and (offered := choices(found.name, verified=found.verified, again=again)):
            return Asked(item, offered)
    return None


def unanswered(snapshot: Snapshot) -> Asked | None:
    """Return the same where nobody has chosen yet."""
    asked = asked_of(snapshot)
    return None if asked is None or _is_chosen(asked.item) or _is_sure(asked.item) else asked


def over_claims(snapshot: Snapshot) -> tuple[Item, Sequence[NoteId]] | None:
    """Return the item whose verified name people may choose over names that never were, and the notes with these."""
    asked = asked_of(snapshot)
    notes = snapshot.only_claimed.get(asked.item.key) if asked else None
    return (asked.item, notes) if asked and notes else None


def to_keep(snapshot: Snapshot) -> Sequence[Item]:
    """Return the items whose old name was replaced and can still be kept, as many as stand on a card."""
    return [
        item
        for item in shown_of(snapshot)
        if item.was is not None and snapshot.old_names.get(item.key) is OldName.REPLACED
    ][:_MOST_KEPT]


def not_written(snapshot: Snapshot) -> NotWritten | None:
    """Return why no note was changed then by the one name that was found; others may have changed them since."""
    first, written = snapshot.first, snapshot.written
    if snapshot.total > 1 or first.found is None or not isinstance(snapshot.task.request, NoteRequest):
        return None
    if written.standing:
        pinned = snapshot.otherwise and first.passed_over is PassedOver.PINNED
        return _why(first) if pinned else None
    passed_over = first.passed_over is not None and not written.undone
    told = (passed_over or not first.corrected) and unanswered(snapshot) is None
    why = _why(first) if told else None
    elsewhere = why in {NotWritten.THERE, NotWritten.GONE} and (snapshot.only_claimed or snapshot.unwritten)
    return None if elsewhere else why


def corrected_in(snapshot: Snapshot) -> Sequence[NoteId]:
    """Return the notes in which what the task wrote stands, but those that have another name than what is known now."""
    behind = {*snapshot.otherwise, *snapshot.unwritten, *chain.from_iterable(snapshot.only_claimed.values())}
    return [one for one in snapshot.written.standing if one not in behind]


def _why(item: Item) -> NotWritten | None:
    found = item.found
    if found is None:
        return None
    if item.passed_over is PassedOver.GONE:
        return NotWritten.GONE
    if writable(found):
        return _WHY.get(item.passed_over)
    sure = found.name.certain and not found.name.blank and found.verified
    return NotWritten.LONG if sure else NotWritten.UNSURE


def _is_sure(item: Item) -> bool:
    return item.found is not None and item.found.verified and item.found.name.certain


def _is_chosen(item: Item) -> bool:
    return item.found is not None and item.found.name.chosen

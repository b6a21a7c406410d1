"""What a button carries: at most 64 bytes of a verb and what it is about (Bot API, InlineKeyboardButton)."""

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Self

from telegram import InlineKeyboardButton, Message

from services.calibration.choice import Choice
from services.calibration.follower import BoardId
from services.calibration.task import ItemKey
from services.torrents import NoteId, TaskId

_PAGED = re.compile(r"(?P<about>.+):(?P<page>0|[1-9][0-9]{0,3})", re.ASCII)
_NUMBER = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)
_ITEM = re.compile(r"([^:]+):([0-9]{1,4})")
_CHOICE = re.compile(r"([^:]+):([0-9]{1,4}):(=?[a-z0-9_-]+)")
_LONGEST = 64 - len("calibrate_all:")
_MOST_NOTES = 5000
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_WIDEST = 256  # a button has no room for more bits
_BITS = re.compile(r"([0-9a-z]{1,12})-([0-9a-z]{1,50})", re.ASCII)
_RUNS = re.compile(r"[0-9a-z]{1,12}(?:\.[0-9a-z]{1,12}){0,60}", re.ASCII)


class Verb(StrEnum):
    """What a press asks for."""

    REFRESH = "refresh"
    CANCEL = "cancel"
    RETRY = "retry"
    CALIBRATE = "calibrate"
    UNDO_TASK = "undo_task"
    WRITE_AGAIN = "write_again"
    READING = "reading"
    KEEP_OLD = "keep_old"
    FAILED = "failed"
    REPLACED = "replaced"
    CARD = "card"
    CALIBRATE_ALL = "calibrate_all"
    CALIBRATE_BELOW = "calibrate_below"
    """In a message of its own: the pressed one stays as it is."""
    OLDER = "older"
    NEWER = "newer"
    ASK_DELETE = "ask_delete"
    DELETE = "delete"
    KEEP = "keep"
    UNDELETE = "undelete"
    SHOW_HISTORY = "show_history"
    """In a message of its own."""
    HISTORY = "history"
    UNDO = "undo"
    FOUND_OLDER = "found_older"
    FOUND_NEWER = "found_newer"
    LANGUAGE = "language"
    BOARD = "board"
    BOARD_PAGE = "board_page"
    ASK_CANCEL_ALL = "ask_cancel_all"
    CANCEL_ALL = "cancel_all"
    KEEP_ALL = "keep_all"
    RETRY_ALL = "retry_all"


@dataclass(frozen=True, slots=True)
class Press:
    """What was pressed: *about* is a task's id, a note's number, or what else the verb is about; *page* of a list.

    For `Verb.READING` it is a `Choice`, as `about_choice` spells it; for `Verb.KEEP_OLD` an item, as `about_item` does.
    """

    verb: Verb
    about: str
    page: int = 0

    @classmethod
    def parse(cls, data: str | None) -> Self | None:
        """Return what *data* asks for; None where it is not of our making."""
        verb, colon, about = (data or "").partition(":")
        if not colon or not about or verb not in set(Verb):
            return None
        if verb in {Verb.FAILED, Verb.REPLACED, Verb.BOARD_PAGE} and (paged := _PAGED.fullmatch(about)):
            return cls(Verb(verb), paged["about"], int(paged["page"]))
        return cls(Verb(verb), about)

    @property
    def task_id(self) -> TaskId:
        """The task that the press is about, where it is about one."""
        return TaskId(self.about.partition(":")[0] if self.verb in {Verb.READING, Verb.KEEP_OLD} else self.about)

    @property
    def board(self) -> BoardId | None:
        """The board that the press is on; None where it is none of our making."""
        return BoardId(int(self.about)) if _NUMBER.fullmatch(self.about) else None

    @property
    def choice(self) -> Choice | None:
        """The reading that is chosen; None where it is none of our making."""
        chosen = _CHOICE.fullmatch(self.about)
        return Choice(TaskId(chosen[1]), int(chosen[2]), chosen[3]) if chosen else None

    @property
    def item(self) -> ItemKey | None:
        """The item whose old name is kept; None where it is none of our making."""
        kept = _ITEM.fullmatch(self.about)
        return (TaskId(kept[1]), int(kept[2])) if kept else None


def stands_on(message: Message, data: str | None) -> bool:
    """Whether *message* has the button: what nobody follows is not made a card, or a board, by forged data."""
    rows = message.reply_markup.inline_keyboard if message.reply_markup else ()
    return any(one.callback_data == data for row in rows for one in row)


def about_item(key: ItemKey) -> str:
    return f"{key[0]}:{key[1]}"


def about_choice(choice: Choice) -> str:
    """Return what a button carries for *choice*: with the longest encoding and a batch's last item, 56 bytes."""
    return f"{choice.task_id}:{choice.position}:{choice.word}"


def button(label: str, verb: Verb, about: str | int, page: int = 0) -> InlineKeyboardButton:
    return InlineKeyboardButton(label, callback_data=f"{verb}:{about}:{page}" if page else f"{verb}:{about}")


def runs(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Return rising *numbers* as runs of neighbours: the first and the last of each."""
    found: list[tuple[int, int]] = []
    for number in numbers:
        if found and number == found[-1][1] + 1:
            found[-1] = found[-1][0], number
        else:
            found.append((number, number))
    return found


def batches(numbers: Sequence[NoteId]) -> list[tuple[str, Sequence[NoteId]]]:
    """Cut rising *numbers* into as few batches as buttons can carry; return each as a button carries it, too."""
    done: list[tuple[str, Sequence[NoteId]]] = []
    start = 0
    while start < len(numbers):
        ends = range(start + 1, min(len(numbers), start + _MOST_NOTES) + 1)
        fitting = bisect_right(ends, _LONGEST, key=lambda end: len(_packed(numbers[start:end])))
        end = ends[fitting - 1]
        done.append((_packed(numbers[start:end]), numbers[start:end]))
        start = end
    return done


def _packed(numbers: Sequence[NoteId]) -> str:
    """Return the first number, and in the shorter of two ways which are behind it; see `unpacked`."""
    first, last = numbers[0], numbers[-1]
    found = runs(numbers)
    steps = [found[0][1] - found[0][0]]
    for (_, end), (begin, until) in pairwise(found):
        steps += [begin - end, until - begin]
    packed = ".".join(map(_short, [first, *steps]))
    if last - first > _WIDEST:
        return packed
    return min(packed, f"{_short(first)}-{_short(sum(1 << (one - first) for one in numbers))}", key=len)


def unpacked(text: str) -> tuple[NoteId, ...] | None:
    """Return the numbers that a button carries; None where they are not of our making.

    Behind the first number stand by turns how many follow it, and how far the next run is; or, where there are many
    gaps, a bit for each number from the first on.
    """
    if bits := _BITS.fullmatch(text):
        first, set_bits = (int(one, len(_DIGITS)) for one in bits.groups())
        return tuple(NoteId(first + place) for place in range(set_bits.bit_length()) if set_bits >> place & 1) or None
    if not _RUNS.fullmatch(text):
        return None
    first, *steps = (int(one, len(_DIGITS)) for one in text.split("."))
    if len(steps) % 2 == 0 or sum(steps[::2]) >= _MOST_NOTES:
        return None
    numbers: list[int] = []
    for gap, more in zip([first, *steps[1::2]], steps[::2], strict=True):
        begin = gap if not numbers else numbers[-1] + gap
        numbers += range(begin, begin + more + 1)
    return tuple(map(NoteId, numbers))


def _short(number: int) -> str:
    digits = ""
    while number or not digits:
        number, digit = divmod(number, len(_DIGITS))
        digits = _DIGITS[digit] + digits
    return digits

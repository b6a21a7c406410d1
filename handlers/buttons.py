"""What a button carries: at most 64 bytes of a verb and what it is about (Bot API, InlineKeyboardButton)."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from telegram import InlineKeyboardButton

_PAGED = re.compile(r"(?P<about>.+):(?P<page>0|[1-9][0-9]{0,3})", re.ASCII)


class Verb(StrEnum):
    """What a press asks for."""

    REFRESH = "refresh"
    CANCEL = "cancel"
    RETRY = "retry"
    CALIBRATE = "calibrate"
    UNDO = "undo"
    FAILED = "failed"
    CARD = "card"


@dataclass(frozen=True, slots=True)
class Press:
    """What was pressed: *about* is a task's id, or a note's number for `Verb.CALIBRATE`; *page* is that of a list."""

    verb: Verb
    about: str
    page: int = 0

    @classmethod
    def parse(cls, data: str | None) -> Self | None:
        """Return what *data* asks for; None where it is not of our making."""
        verb, colon, about = (data or "").partition(":")
        if not colon or not about or verb not in set(Verb):
            return None
        if verb == Verb.FAILED and (paged := _PAGED.fullmatch(about)):
            return cls(Verb.FAILED, paged["about"], int(paged["page"]))
        return cls(Verb(verb), about)


def button(label: str, verb: Verb, about: str | int, page: int = 0) -> InlineKeyboardButton:
    return InlineKeyboardButton(label, callback_data=f"{verb}:{about}:{page}" if page else f"{verb}:{about}")

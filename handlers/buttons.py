"""What a button carries: at most 64 bytes of a verb and what it is about (Bot API, InlineKeyboardButton)."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from telegram import InlineKeyboardButton


class Verb(StrEnum):
    """What a press asks for."""

    REFRESH = "refresh"
    CANCEL = "cancel"
    RETRY = "retry"
    CALIBRATE = "calibrate"


@dataclass(frozen=True, slots=True)
class Press:
    """What was pressed: *about* is a task's id, or a note's number for `Verb.CALIBRATE`."""

    verb: Verb
    about: str

    @classmethod
    def parse(cls, data: str | None) -> Self | None:
        """Return what *data* asks for; None where it is not of our making."""
        verb, colon, about = (data or "").partition(":")
        if not colon or not about or verb not in set(Verb):
            return None
        return cls(Verb(verb), about)


def button(label: str, verb: Verb, about: str | int) -> InlineKeyboardButton:
    return InlineKeyboardButton(label, callback_data=f"{verb}:{about}")

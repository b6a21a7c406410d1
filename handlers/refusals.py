"""What Telegram's errors mean. Where the library's and Telegram's own words are known, and nowhere else."""

from collections.abc import Mapping
from datetime import timedelta
from enum import Enum, auto

from telegram.error import BadRequest, ChatMigrated, Forbidden, InvalidToken, NetworkError, RetryAfter, TelegramError


class Fate(Enum):
    """What an error means for the message that met it."""

    HOLD = auto()
    LATER = auto()
    MESSAGE_GONE = auto()
    TOPIC_GONE = auto()
    CHAT_GONE = auto()
    CHAT_MOVED = auto()
    REVOKED = auto()
    REFUSED = auto()


# Telegram's own words, in lower case: the Bot API has no codes for them.
_SAID: Mapping[str, Fate] = {
    "message to edit not found": Fate.MESSAGE_GONE,
    "message can't be edited": Fate.MESSAGE_GONE,
    "message_id_invalid": Fate.MESSAGE_GONE,
    "message thread not found": Fate.TOPIC_GONE,
    "topic_closed": Fate.TOPIC_GONE,
    "topic_deleted": Fate.TOPIC_GONE,
    "not enough rights to send documents": Fate.REFUSED,  # text may be sent all the same
    "chat not found": Fate.CHAT_GONE,
    "group chat was deactivated": Fate.CHAT_GONE,
    "not enough rights to send": Fate.CHAT_GONE,
    "have no rights to send": Fate.CHAT_GONE,
    "chat_write_forbidden": Fate.CHAT_GONE,
    "peer_id_invalid": Fate.CHAT_GONE,
}


def fate(error: TelegramError) -> Fate:
    """Return what *error* means for the message that met it."""
    match error:
        case RetryAfter():
            return Fate.HOLD
        case InvalidToken():
            return Fate.REVOKED
        case Forbidden() | ChatMigrated():
            return Fate.CHAT_MOVED if isinstance(error, ChatMigrated) else Fate.CHAT_GONE
        case BadRequest():  # a NetworkError to its library, though it was answered
            said = error.message.lower()
            return next((meaning for words, meaning in _SAID.items() if words in said), Fate.REFUSED)
        case NetworkError() if "Request Entity Too Large" in error.message:
            return Fate.REFUSED
        case _:
            return Fate.LATER


def seconds_to_wait(error: TelegramError) -> float:
    """Return the seconds for which a 429 holds its chat: a number or a timedelta, by the library's setting."""
    after = error.retry_after if isinstance(error, RetryAfter) else 0
    return after.total_seconds() if isinstance(after, timedelta) else float(after)


def new_chat(error: TelegramError) -> int:
    """Return which chat the one of a `CHAT_MOVED` has become."""
    assert isinstance(error, ChatMigrated)  # noqa: S101 - no other has this fate
    return error.new_chat_id


def loggable(error: TelegramError) -> str:
    """Return what may be logged: Telegram quotes our text in its answers, an HTTP library the address and its token."""
    if isinstance(error, BadRequest | Forbidden | InvalidToken | ChatMigrated):
        return error.message.split('"', 1)[0]
    return type(error).__name__

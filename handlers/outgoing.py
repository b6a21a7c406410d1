"""What goes out to Telegram: where to, what it shows, and whom the outbox asks for it."""

import re
from dataclasses import dataclass
from typing import IO, Protocol, Self

from telegram import InlineKeyboardMarkup

from services.calibration.follower import BoardId, FollowerId

_ADDRESS = re.compile(r"tg:(-?[0-9]+)(?::([0-9]+))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a message goes: a chat, and in a forum the topic. Written ``tg:<chat>`` or ``tg:<chat>:<thread>``.

    *thread_id* is given only where Telegram says ``is_topic_message``; elsewhere it refuses the number.
    """

    chat_id: int
    thread_id: int | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the address that *text* spells; ValueError if none."""
        match = _ADDRESS.fullmatch(text)
        if match is None:
            raise ValueError(f"no address: {text!r}")
        return cls(int(match[1]), int(match[2]) if match[2] else None)

    @classmethod
    def spelled_by(cls, text: str) -> bool:
        """Whether *text* spells an address of Telegram's."""
        return _ADDRESS.fullmatch(text) is not None

    @property
    def door(self) -> str:
        """The address of the whole chat."""
        return str(type(self)(self.chat_id))

    @property
    def is_group(self) -> bool:
        return self.chat_id < 0

    def __str__(self) -> str:
        return f"tg:{self.chat_id}" if self.thread_id is None else f"tg:{self.chat_id}:{self.thread_id}"


@dataclass(frozen=True, slots=True)
class Document:
    """A file to send: what it is called, what is in it, and of which *kind* (a MIME type) that is.

    *content* is at most 50 MB. An open file is read from its beginning, and closed, or let go, when that is over.
    """

    name: str
    content: bytes | IO[bytes]
    kind: str = "text/plain"

    def close(self) -> None:
        """Give back what it holds: it is not sent (again)."""
        if not isinstance(self.content, bytes):
            self.content.close()


@dataclass(frozen=True, slots=True)
class Message:
    """What a message shows: Telegram's HTML, at most 4,096 UTF-16 units after parsing, and its buttons.

    With a *document* the text is its caption: at most 1,024, perhaps none.
    """

    html: str
    keyboard: InlineKeyboardMarkup | None = None
    document: Document | None = None


@dataclass(frozen=True, slots=True)
class TheBoard:
    """The message that is a board."""

    board: BoardId


@dataclass(frozen=True, slots=True)
class EndsOf:
    """A message of its own that tells ends of a board."""

    board: BoardId


Subject = FollowerId | TheBoard | EndsOf
"""Whose message shows something that changes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What a subject's message should show now. *ended*: it is sent anew where that message was deleted."""

    to: Address
    message: Message
    message_id: int | None
    """None: it must be sent first."""
    reply_to: int | None
    ended: bool


class Cards(Protocol):
    """What the outbox needs of whoever knows what messages show.

    `render`, `gone` and `moved` may raise StoreUnavailable: they are tried again.
    """

    async def render(self, subject: Subject, /) -> Card | None:
        """Return what its message should show now, since its slot has come; None: nothing (more) to show."""

    async def shown(self, subject: Subject, card: Card, message_id: int, /) -> None:
        """Store that Telegram shows *card* as *message_id*: sent, edited, or so already.

        What the store does not take is kept and stored later, and the subject is not rendered before.
        """

    async def gone(self, subject: Subject, card: Card, /) -> None:
        """Store that the message of *card* was deleted, or cannot be edited (again).

        An ended card is sent anew by the outbox, and `shown` then tells its new id; of one still live, the end is later
        rendered without a message id.
        """

    def took(self, place: Address, /) -> None:
        """Know that a message was taken at *place*."""

    def closed(self, place: Address, /, *, whole: bool) -> None:
        """Know that *place*, its *whole* chat or its topic alone, takes no messages: what waits for it is dropped.

        Nothing but answers is to be marked there until it is open again; then all that is to be shown.
        """

    async def moved(self, chat_id: int, became: int) -> None:
        """Store that a chat has become another one, and mark there what is to be shown anew; told any number of times.

        Cards are rendered with their new place from then on.
        """

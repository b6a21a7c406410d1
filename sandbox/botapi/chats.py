"""Chats, who is in them, and the messages that stand there."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from sandbox.botapi.errors import Refused, bad_request
from sandbox.botapi.files import File
from sandbox.botapi.keyboard import Keyboard, as_json
from sandbox.botapi.text import Formatted

Kind = Literal["private", "group", "supergroup"]
Status = Literal["creator", "administrator", "member", "restricted", "left", "kicked"]


_TO_CHANNEL = 10**9  # from a group's id to that of the channel that is linked to it


@dataclass(frozen=True, slots=True)
class Account:
    """A user of Telegram: a person or a bot (Bot API, User)."""

    id: int
    first_name: str
    username: str = ""
    language: str = ""
    is_bot: bool = False

    def as_json(self) -> dict[str, object]:
        shape: dict[str, object] = {"id": self.id, "is_bot": self.is_bot, "first_name": self.first_name}
        extra = {"username": self.username, "language_code": self.language}
        return shape | {name: value for name, value in extra.items() if value}


ANONYMOUS = Account(1087968824, "Group", "GroupAnonymousBot", is_bot=True)
"""Who stands as sender of what an anonymous administrator writes (Bot API, Message, ``sender_chat``)."""


TELEGRAM = Account(777000, "Telegram")
"""Who stands as sender of a channel's post in the group that is linked to the channel."""


class HasAccount(Protocol):
    """A person."""

    @property
    def account(self) -> Account: ...


@dataclass(slots=True, eq=False)
class Message:
    """A message in its chat, alive: its text, buttons and versions follow each edit.

    *html* is what the sender gave, with its tags; *formatted* what Telegram kept of it. *versions* are the times and
    plain texts over its life, the present one last. *options* are what sending it asked for and nobody sees here.
    Under a *photo* or a *document* the text is its caption. *forwarded* says from whom (Bot API, MessageOrigin).
    *channel_post*: it came by itself from the channel that is linked here. *service*: what it tells instead of words,
    which Telegram says itself.
    """

    id: int
    chat: "Chat"
    sender: Account
    date: float
    formatted: Formatted
    html: str
    keyboard: Keyboard = ()
    reply_to: "Message | None" = None
    topic: int | None = None
    anonymous: bool = False
    photo: bool = False
    channel_post: bool = False
    document: File | None = None
    forwarded: Mapping[str, object] | None = None
    service: Mapping[str, object] = field(default_factory=dict)
    options: Mapping[str, object] = field(default_factory=dict)
    edited: float | None = None
    deleted: bool = False
    versions: list[tuple[float, str]] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The plain text that people see."""
        return self.formatted.text

    @property
    def from_bot(self) -> bool:
        return self.sender.is_bot and not self.anonymous

    @property
    def has_caption(self) -> bool:
        return self.photo or self.document is not None

    @property
    def buttons(self) -> tuple[tuple[tuple[str, str], ...], ...]:
        """The rows of buttons: what stands on each, and its callback data (or its URL, or the text it copies)."""
        return tuple(tuple((button.text, button.value) for button in row) for row in self.keyboard)

    def change(self, formatted: Formatted, html: str, keyboard: Keyboard, now: float) -> None:
        """Replace what it shows."""
        if formatted.text != self.text:
            self.versions.append((now, formatted.text))
        self.formatted, self.html, self.keyboard, self.edited = formatted, html, keyboard, now

    def as_json(self, *, with_reply: bool = True) -> dict[str, object]:
        shape: dict[str, object] = {
            "message_id": self.id,
            "from": self.sender.as_json(),
            "chat": self.chat.as_json(),
            "date": int(self.date),
        }
        extra: dict[str, object] = {
            "sender_chat": self._sender_chat(),
            "is_automatic_forward": self.channel_post,
            "message_thread_id": self.topic,
            "is_topic_message": self.topic and True,
            "caption" if self.has_caption else "text": self.text,
            "caption_entities" if self.has_caption else "entities": [one.as_json() for one in self.formatted.entities],
            "document": self.document.as_document() if self.document else None,
            "forward_origin": {"date": int(self.date), **self.forwarded} if self.forwarded else None,
            "photo": [_photo_json(self.id)] if self.photo else None,
            "reply_markup": as_json(self.keyboard) if self.keyboard else None,
            "reply_to_message": self.reply_to.as_json(with_reply=False) if self.reply_to and with_reply else None,
            "link_preview_options": self.options.get("link_preview_options"),
            "edit_date": self.edited and int(self.edited),
        }
        return shape | {name: value for name, value in extra.items() if value} | dict(self.service)

    def _sender_chat(self) -> dict[str, object] | None:
        if self.channel_post:
            return {"id": self.chat.id - _TO_CHANNEL, "type": "channel", "title": self.chat.title}
        return self.chat.as_json() if self.anonymous else None

    def __str__(self) -> str:
        buttons = " ".join(f"[{text}]" for row in self.buttons for text, _ in row)
        told = ", ".join(f"{name} {value}" for name, value in self.service.items())
        return f"#{self.id} {self.sender.first_name}: {self.text or told} {buttons}".rstrip()


def _photo_json(number: int) -> dict[str, object]:
    """Return a PhotoSize; its file cannot be had."""
    return {"file_id": f"photo-{number}", "file_unique_id": f"unique-{number}", "width": 90, "height": 67}


class Chat:
    """A chat that the bot knows: a private one (its id is the person's), a group or a supergroup (ids below 0).

    Message ids count from *first_id* in each chat, as in supergroups, so that whoever mixes chats up is found out. Of a
    group that became a supergroup, *upgraded_to* is that one: nobody does anything here any more.
    """

    def __init__(
        self, identity: int, kind: Kind, bot: Account, members: tuple[Account, ...], title: str, *, forum: bool
    ) -> None:
        self.id = identity
        self.kind = kind
        self.title = title
        self.forum = forum
        self.topics: list[int] = []
        self.first_id = 1
        self.upgraded_to: Chat | None = None
        self.on_bot_status: Callable[[Chat, Status, Status], None] = lambda *_: None
        self._bot = bot
        self._members: dict[int, tuple[Account, Status]] = {one.id: (one, "member") for one in (*members, bot)}
        self._messages: list[Message] = []

    @property
    def messages(self) -> tuple[Message, ...]:
        """What stands in the chat now, oldest first."""
        return tuple(message for message in self._messages if not message.deleted)

    @property
    def bot_messages(self) -> tuple[Message, ...]:
        """The bot's own of those."""
        return tuple(message for message in self.messages if message.from_bot)

    @property
    def every_message(self) -> tuple[Message, ...]:
        """All that was ever sent, the deleted ones too."""
        return tuple(self._messages)

    @property
    def is_group(self) -> bool:
        return self.kind != "private"

    def find(self, message_id: int) -> Message | None:
        """Return the message with this id, None when there is none or it was deleted."""
        return next((message for message in self.messages if message.id == message_id), None)

    def add(self, message: Message) -> None:
        message.versions.append((message.date, message.text))
        self._messages.append(message)

    @property
    def next_id(self) -> int:
        return len(self._messages) + len(self.topics) + self.first_id

    def open_topic(self) -> int:
        """Begin a topic and return its ``message_thread_id``."""
        if not self.forum:
            raise ValueError(f"{self.title} is no forum")
        self.topics.append(self.next_id)
        return self.topics[-1]

    def status(self, user_id: int) -> Status:
        """Return what this user is here; "left" for one who never came."""
        return self._members[user_id][1] if user_id in self._members else "left"

    def account(self, user_id: int) -> Account | None:
        return self._members[user_id][0] if user_id in self._members else None

    @property
    def somebody(self) -> Account:
        """The person of a private chat; in a group the first one who came."""
        return next((account for account, _ in self._members.values() if not account.is_bot), ANONYMOUS)

    def set_status(self, who: "HasAccount | Account", status: Status) -> None:
        """Make a person, or the bot, what *status* says; the bot is told of its own by ``my_chat_member``."""
        account = who if isinstance(who, Account) else who.account
        before = self.status(account.id)
        self._members[account.id] = (account, status)
        if account == self._bot and before != status:
            self.on_bot_status(self, before, status)

    def upgraded(self, identity: int) -> "Chat":
        """Return the supergroup *identity* that this group becomes: with its members as they are, and no message."""
        chat = Chat(identity, "supergroup", self._bot, (), self.title, forum=False)
        chat._members = dict(self._members)
        self.upgraded_to = chat
        return chat

    def check_bot_may_see(self) -> None:
        """Refuse a request about this chat as Telegram does where the bot is not in it, and where it is another now."""
        status = self.status(self._bot.id)
        if status == "kicked" and not self.is_group:
            raise Refused(403, "Forbidden: bot was blocked by the user")
        if status == "kicked":
            raise Refused(403, f"Forbidden: bot was kicked from the {self.kind} chat")
        if status == "left":
            raise Refused(403, f"Forbidden: bot is not a member of the {self.kind} chat")
        if self.upgraded_to is not None:
            there = {"migrate_to_chat_id": self.upgraded_to.id}
            raise Refused(400, "Bad Request: group chat was upgraded to a supergroup chat", there)

    def check_bot_may_write(self, what: str = "text messages") -> None:
        self.check_bot_may_see()
        if self.status(self._bot.id) == "restricted":
            raise bad_request(f"not enough rights to send {what} to the chat")

    def as_json(self) -> dict[str, object]:
        shape: dict[str, object] = {"id": self.id, "type": self.kind}
        if self.is_group:
            return shape | {"title": self.title} | ({"is_forum": True} if self.forum else {})
        person = self.somebody
        return shape | {"first_name": person.first_name} | ({"username": person.username} if person.username else {})

    def __str__(self) -> str:
        return "\n  ".join([f"{self.title} ({self.id}):", *map(str, self.messages[-5:])])

"""What the page is told: plain values for JSON. Texts go out as texts; the page makes nodes of them, never HTML."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sandbox.botapi import Account, Call, Chat, Message, Person
from sandbox.botapi.text import Entity, commands, utf16_length

_LINK = re.compile(r"http://127\.0\.0\.1(?::[0-9]+)?/[!-~]*")
_NOTHING_FOUND_IN = {"code", "pre", "text_link", "bot_command"}


@dataclass(frozen=True, slots=True)
class Offer:
    """Something to try: a press on *label* (English, Chinese) puts *text* where one types; *sort* gathers them.

    Of the sort "several" each line of *text* is sent at once, as a message of its own.
    """

    sort: str
    label: tuple[str, str]
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """Who can be played, where they write, and what there is to try.

    Args:
        people: each with what they are to the bot, in English and in Chinese.
        chats: their private ones and groups; whoever is in one sees it.
        chips: short things to try.
        torrents: magnets to try.
    """

    people: Sequence[tuple[Person, tuple[str, str]]]
    chats: Sequence[Chat]
    chips: Sequence[Offer] = ()
    torrents: Sequence[Offer] = ()
    _by_id: dict[int, Person] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_id", {person.id: person for person, _ in self.people})

    def person(self, number: object) -> Person | None:
        return self._by_id.get(number) if isinstance(number, int) else None

    def chat_of(self, person: Person, number: object) -> Chat | None:
        """Return the chat with this id, where *person* is in it."""
        return next((chat for chat in self.chats if chat.id == number and is_in(person, chat)), None)

    def as_json(self, bot: Account) -> dict[str, object]:
        return {
            "bot": bot.first_name,
            "people": [
                {
                    "id": person.id,
                    "name": person.account.first_name,
                    "role": list(role),
                    "language": person.account.language,
                    "chats": [chat.id for chat in self.chats if is_in(person, chat)],
                }
                for person, role in self.people
            ],
            "chats": [{"id": chat.id, "kind": chat.kind, "title": chat.title} for chat in self.chats],
            "chips": [_offer(one) for one in self.chips],
            "torrents": [_offer(one) for one in self.torrents],
        }


def is_in(person: Person, chat: Chat) -> bool:
    return chat.status(person.id) not in {"left", "kicked"}


def _offer(one: Offer) -> dict[str, object]:
    return {"sort": one.sort, "label": list(one.label), "text": one.text}


def message_json(message: Message) -> dict[str, object]:
    """Return all that is seen of *message*; offsets count UTF-16 units, as JavaScript does."""
    if message.deleted:
        return {"deleted": True}
    return {
        "sender": message.sender.id,
        "name": message.sender.first_name,
        "bot": message.from_bot,
        "at": message.date,
        "text": message.text,
        "entities": [_entity(one) for one in _entities(message)],
        "buttons": [
            [{"text": button.text, "kind": button.kind, "value": button.value} for button in row]
            for row in message.keyboard
        ],
        "reply": message.reply_to.id if message.reply_to else None,
        "forwarded": _origin(message.forwarded) if message.forwarded else "",
        "file": _file(message),
        "edited": message.edited is not None,
    }


def _entities(message: Message) -> list[Entity]:
    """Return the formatting, with the commands, and the links to this machine, that apps find by themselves."""
    given = list(message.formatted.entities)
    closed = [one for one in given if one.type in _NOTHING_FOUND_IN]
    found = [
        command
        for command in (*commands(message.text), *_links(message.text))
        if not any(
            one.offset < command.offset + command.length and command.offset < one.offset + one.length for one in closed
        )
    ]
    return sorted([*given, *found], key=lambda one: (one.offset, -one.length))


def _links(text: str) -> Iterator[Entity]:
    """Yield the ``url`` entities of *text* that lead to this machine: no other can be followed out of the sandbox."""
    for found in _LINK.finditer(text):
        yield Entity("url", utf16_length(text[: found.start()]), len(found[0]), found[0])


def _entity(one: Entity) -> dict[str, object]:
    return {"type": one.type, "offset": one.offset, "length": one.length, "url": one.url}


def _file(message: Message) -> dict[str, object] | None:
    file = message.document
    return {"id": file.id, "name": file.name, "size": file.size} if file else None


def _origin(origin: Mapping[str, object]) -> str:
    """Return the name that a MessageOrigin says."""
    match origin:
        case (
            {"sender_user": {"first_name": str(name)}}
            | {"sender_user_name": str(name)}
            | {"chat": {"title": str(name)}}
        ):
            return name
    return "?"


def origin_of(message: Message) -> Mapping[str, object]:
    """Return from whom *message* is when it is forwarded (Bot API, MessageOrigin): from whom it was before, if so."""
    return message.forwarded or {"type": "user", "sender_user": message.sender.as_json()}


def call_json(call: Call) -> dict[str, object]:
    return {"method": call.method, "status": call.status, "description": call.description}

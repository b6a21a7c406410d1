"""A message's text as Telegram keeps it: cleaned, measured in UTF-16 units, with entities (Bot API, MessageEntity)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

MAX_LENGTH = 4096
MAX_CAPTION = 1024
"""The longest text of a message, in UTF-16 units after entity parsing (Bot API, sendMessage)."""
_MAX_ENTITIES = 100

_COMMAND = re.compile(r"(?<![\w/<>])/[a-zA-Z0-9_]{1,64}(?:@[a-zA-Z0-9_]{3,32})?(?![\w/<>])")
_LINK = re.compile(r"(?:https?|tg|ton)://[^\s/]+.*|[^\s:/?#]+\.[^\s:/?#]+(?:[:/?#].*)?", re.IGNORECASE | re.DOTALL)
# TDLib, clean_input_string: separators and bidirectional controls, and marks drawn over or under whole lines.
_DROPPED = re.compile("[\r\u2028-\u202e\u0333\u033f\u030a]")
_BLANKED = re.compile("[\x00-\x09\x0b\x0c\x0e-\x1f]")


@dataclass(frozen=True, slots=True)
class Entity:
    """One piece of formatting; *offset* and *length* in UTF-16 units."""

    type: str
    offset: int
    length: int
    url: str = ""
    language: str = ""

    def as_json(self) -> dict[str, object]:
        shape: dict[str, object] = {"type": self.type, "offset": self.offset, "length": self.length}
        extra = {"url": self.url, "language": self.language}
        return shape | {name: value for name, value in extra.items() if value}


@dataclass(frozen=True, slots=True)
class Formatted:
    """A text and its entities, sorted: outer before inner."""

    text: str
    entities: tuple[Entity, ...] = ()


def utf16_length(text: str) -> int:
    return len(text) + sum(letter > "\uffff" for letter in text)


def checked_link(url: str) -> str:
    """Return *url*, or "" where Telegram keeps no link: ``magnet:`` and all schemes but http, https, tg and ton."""
    return url if _LINK.fullmatch(url) else ""


def commands(text: str) -> tuple[Entity, ...]:
    """Return what Telegram marks as ``bot_command`` in *text* (TDLib, ``find_bot_commands``)."""
    return tuple(
        Entity("bot_command", utf16_length(text[: found.start()]), len(found.group()))
        for found in _COMMAND.finditer(text)
    )


def styled(text: str, style: str) -> Formatted:
    """Return *text*, all of it in one *style* such as ``bold``, or ``code``, in which Telegram finds no command."""
    found = () if style == "code" else commands(text)
    return Formatted(text, (Entity(style, 0, utf16_length(text)), *found))


def cleaned(message: Formatted) -> Formatted:
    """Return what Telegram keeps of *message* (TDLib, ``clean_input_string`` and ``fix_formatted_text``).

    Controls become spaces, carriage returns, line separators and bidirectional controls go, blanks are trimmed at both
    ends (before the first entity only), and no more than a hundred entities stay.
    """
    text, moved = _without_dropped(message.text)
    text = _BLANKED.sub(" ", text)
    entities = [
        replace(one, offset=moved[one.offset], length=moved[one.offset + one.length] - moved[one.offset])
        for one in message.entities
    ]
    text = text.rstrip(" \n")
    begin = min([len(text) - len(text.lstrip(" \n")), *(one.offset for one in entities)])
    text = text[begin:]
    end = utf16_length(text)
    kept = [
        replace(one, offset=one.offset - begin, length=min(one.length, end + begin - one.offset)) for one in entities
    ]
    return Formatted(text, tuple([one for one in kept if one.length > 0][:_MAX_ENTITIES]))


def _without_dropped(text: str) -> tuple[str, list[int]]:
    """Return *text* without what Telegram drops, and for each old UTF-16 offset the new one."""
    moved: list[int] = []
    at = 0
    for letter in text:
        width = 0 if _DROPPED.match(letter) else utf16_length(letter)
        moved += [at] * utf16_length(letter)
        at += width
    moved.append(at)
    return _DROPPED.sub("", text), moved


def entity_from(shape: Mapping[str, object]) -> Entity:
    """Return the entity that a request spells out.

    Raises:
        ValueError: a field is missing, unknown, or of another type.
    """
    match {"url": "", "language": "", **shape}:
        case {"type": str(kind), "offset": int(offset), "length": int(length), "url": str(url), **rest}:
            language = rest.pop("language")
            if isinstance(language, str) and not rest:
                return Entity(kind, offset, length, url, language)
    raise ValueError("an entity has a type, an offset and a length, perhaps a url or a language")

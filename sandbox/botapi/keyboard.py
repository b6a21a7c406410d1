"""Inline keyboards, checked as Telegram checks them (Bot API, InlineKeyboardMarkup; TDLib, ``ReplyMarkup.cpp``)."""

from collections.abc import Mapping
from dataclasses import dataclass

from sandbox.botapi.errors import bad_request
from sandbox.botapi.parameters import only
from sandbox.botapi.text import checked_link

_MAX_DATA_BYTES = 64
_MAX_COPIED = 256
_MAX_BUTTONS = 100


@dataclass(frozen=True, slots=True)
class Button:
    """A button: what stands on it, and what its *kind* (``callback_data``, ``url``, ``copy_text``) carries."""

    text: str
    kind: str
    value: str

    def as_json(self) -> dict[str, object]:
        carried: object = {"text": self.value} if self.kind == "copy_text" else self.value
        return {"text": self.text, self.kind: carried}


Keyboard = tuple[tuple[Button, ...], ...]


def keyboard_from(markup: Mapping[str, object] | None) -> Keyboard:
    """Return the rows of *markup* (a ``reply_markup``), () for none and for one without buttons.

    Raises:
        Refused: with Telegram's words; other keyboards than inline ones are not in the sandbox.
    """
    if markup is None:
        return ()
    only(markup, {"inline_keyboard"}, "reply_markup")
    rows = markup.get("inline_keyboard")
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise bad_request('field "inline_keyboard" must be of type Array')
    keyboard = tuple(tuple(_button(button) for button in row) for row in rows if row)
    if sum(map(len, keyboard)) > _MAX_BUTTONS:
        raise bad_request("reply markup is too long")
    return keyboard


def as_json(keyboard: Keyboard) -> dict[str, object]:
    return {"inline_keyboard": [[button.as_json() for button in row] for row in keyboard]}


def _button(shape: object) -> Button:
    if not isinstance(shape, dict):
        raise bad_request("can't parse inline keyboard button: InlineKeyboardButton must be an Object")
    only(shape, {"text", "callback_data", "url", "copy_text"}, "InlineKeyboardButton")
    text = shape.get("text")
    if not isinstance(text, str):
        raise bad_request("can't parse inline keyboard button: Can't find field \"text\"")
    kinds = shape.keys() - {"text"}
    if len(kinds) != 1:
        raise bad_request("can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard")
    kind = kinds.pop()
    button = Button(text, kind, _carried(kind, shape[kind]))
    if not text.strip():
        raise bad_request("inline keyboard button text must be non-empty")
    return button


def _carried(kind: str, given: object) -> str:
    value = given.get("text") if kind == "copy_text" and isinstance(given, dict) else given
    if not isinstance(value, str):
        raise bad_request(f'can\'t parse inline keyboard button: Field "{kind}" must be of type String')
    if kind == "callback_data" and not 1 <= len(value.encode()) <= _MAX_DATA_BYTES:
        raise bad_request("BUTTON_DATA_INVALID")
    if kind == "copy_text" and not 1 <= len(value) <= _MAX_COPIED:
        raise bad_request("BUTTON_COPY_TEXT_INVALID")
    if kind == "url" and not checked_link(value):
        raise bad_request(f"inline keyboard button URL '{value}' is invalid: Unsupported URL protocol")
    return value

"""Inline keyboards in the sandbox: what Telegram takes and what it refuses."""

import pytest

from sandbox.botapi.errors import Refused
from sandbox.botapi.keyboard import Button, as_json, keyboard_from


def _one(**button: object) -> dict[str, object]:
    return {"inline_keyboard": [[button]]}


def test_buttons_of_three_kinds_are_kept_as_they_came() -> None:
    given = {
        "inline_keyboard": [
            [{"text": "Cancel", "callback_data": "c:1"}, {"text": "Site", "url": "https://example.org"}],
            [{"text": "Copy", "copy_text": {"text": "magnet:?xt=urn:btih:0"}}],
        ]
    }
    keyboard = keyboard_from(given)
    assert keyboard[0][0] == Button("Cancel", "callback_data", "c:1")
    assert as_json(keyboard) == given


@pytest.mark.parametrize("markup", [None, {"inline_keyboard": []}, {"inline_keyboard": [[]]}])
def test_no_buttons_are_no_keyboard(markup: dict[str, object] | None) -> None:
    assert keyboard_from(markup) == ()


def test_data_of_64_bytes_is_the_longest() -> None:
    assert keyboard_from(_one(text="x", callback_data="三" * 21 + "a"))[0][0].value == "三" * 21 + "a"


@pytest.mark.parametrize(
    ("markup", "description"),
    [
        (_one(text="x", callback_data=""), "Bad Request: BUTTON_DATA_INVALID"),
        (_one(text="x", callback_data="三" * 22), "Bad Request: BUTTON_DATA_INVALID"),
        (_one(text="", callback_data="x"), "Bad Request: inline keyboard button text must be non-empty"),
        (_one(callback_data="x"), "Bad Request: can't parse inline keyboard button: Can't find field \"text\""),
        (
            _one(text="x"),
            "Bad Request: can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard",
        ),
        (_one(text="x", copy_text={"text": "y" * 257}), "Bad Request: BUTTON_COPY_TEXT_INVALID"),
        (
            _one(text="x", url="magnet:?xt=1"),
            "Bad Request: inline keyboard button URL 'magnet:?xt=1' is invalid: Unsupported URL protocol",
        ),
        (
            _one(text="x", callback_data=5),
            'Bad Request: can\'t parse inline keyboard button: Field "callback_data" must be of type String',
        ),
        ({"inline_keyboard": [[{"text": "x", "callback_data": "y"}] * 101]}, "Bad Request: reply markup is too long"),
        ({"keyboard": []}, "Bad Request: sandbox: reply_markup has no field 'keyboard' here"),
    ],
)
def test_what_telegram_refuses_is_refused_in_its_words(markup: dict[str, object], description: str) -> None:
    with pytest.raises(Refused) as refused:
        keyboard_from(markup)
    assert (refused.value.status, refused.value.description) == (400, description)

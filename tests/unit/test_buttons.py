"""What a button carries, and what of it is believed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.buttons import Press, Verb, button


@given(st.sampled_from(Verb), st.uuids().map(str) | st.integers(1, 2**63 - 1))
def test_what_was_put_on_a_button_comes_back_and_fits(verb: Verb, about: str | int) -> None:
    data = button("Label", verb, about).callback_data
    assert isinstance(data, str)
    assert len(data.encode()) <= 64
    assert Press.parse(data) == Press(verb, str(about))


@pytest.mark.parametrize(
    "data",
    [
        None,
        "",
        ":",
        "cancel",
        "cancel:",
        ":3f2b8c1e-9d7a-4b6f-8e5d-1c2a3b4c5d6e",
        "Cancel:1",
        "CANCEL:1",
        " cancel:1",
        "cancel :1",
        "delete:1",
        "canc\0el:1",
        "ｃancel:1",
        "Verb.CANCEL:1",
        "x" * 64,
    ],
)
def test_what_is_not_of_our_making_is_nothing(data: str | None) -> None:
    assert Press.parse(data) is None


@given(st.text(st.characters()))
def test_any_text_is_read_as_one_of_our_verbs_or_not_at_all(data: str) -> None:
    pressed = Press.parse(data)
    assert pressed is None or data in {f"{pressed.verb}:{pressed.about}", f"failed:{pressed.about}:{pressed.page}"}


@given(st.text(min_size=1))
def test_what_a_press_is_about_is_left_for_others_to_judge(about: str) -> None:
    assert Press.parse(f"retry:{about}") == Press(Verb.RETRY, about)


@given(st.uuids().map(str), st.integers(0, 9999))
def test_a_page_comes_back_and_fits(about: str, page: int) -> None:
    data = button("Next", Verb.FAILED, about, page).callback_data
    assert isinstance(data, str)
    assert len(data.encode()) <= 64
    assert Press.parse(data) == Press(Verb.FAILED, about, page)

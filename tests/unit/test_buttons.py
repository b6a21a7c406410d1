"""What a button carries, and what of it is believed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.buttons import Press, Verb, about_choice, batches, button, unpacked
from services.calibration.choice import Choice, choices
from services.decoding import decode
from services.readings import _CANDIDATES, _ENCODINGS, _SHIFTED
from services.torrents import NoteId, TaskId


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
        "remove:1",
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


@given(st.uuids().map(str), st.integers(0, 4999), st.sampled_from([*_ENCODINGS, *_CANDIDATES, *_SHIFTED, "utf-8"]))
def test_a_choice_comes_back_and_fits(task_id: str, position: int, encoding: str) -> None:
    choice = Choice(TaskId(task_id), position, encoding)
    data = button("Label", Verb.READING, about_choice(choice)).callback_data
    assert isinstance(data, str)
    assert len(data.encode()) <= 64
    pressed = Press.parse(data)
    assert pressed is not None
    assert (pressed.choice, pressed.task_id) == (choice, TaskId(task_id))


@given(st.binary(max_size=60), st.booleans(), st.booleans(), st.booleans(), st.uuids().map(str))
def test_whatever_people_may_choose_from_comes_back_and_fits(
    raw: bytes, verified: bool, again: bool, chosen: bool, task_id: str
) -> None:
    name = decode(raw)
    for _ in range(2):  # as it was found, and once it has been chosen
        for offered in choices(name, verified=verified, again=again):
            choice = Choice(TaskId(task_id), 4999, offered.word)
            data = button("Label", Verb.READING, about_choice(choice)).callback_data
            assert isinstance(data, str)
            assert len(data.encode()) <= 64
            pressed = Press.parse(data)
            assert pressed is not None
            assert pressed.choice == choice
        if not chosen or not (offers := choices(name, verified=verified)):
            break
        name = offers[0].read(name)


@pytest.mark.parametrize(
    "about", ["x", "x:0", "x:0:=", "x:0:a=b", "x:0:", "x:-1:utf-8", "x:99999:utf-8", "x:0:utf-8:y", ":0:utf-8", "x:0:é"]
)
def test_a_choice_of_somebody_elses_making_is_none(about: str) -> None:
    assert Press(Verb.READING, about).choice is None


@given(st.text(min_size=1))
def test_what_a_press_is_about_is_left_for_others_to_judge(about: str) -> None:
    assert Press.parse(f"retry:{about}") == Press(Verb.RETRY, about)


@given(st.uuids().map(str), st.integers(0, 9999))
def test_a_page_comes_back_and_fits(about: str, page: int) -> None:
    data = button("Next", Verb.FAILED, about, page).callback_data
    assert isinstance(data, str)
    assert len(data.encode()) <= 64
    assert Press.parse(data) == Press(Verb.FAILED, about, page)


@given(st.sets(st.integers(1, 10**9), min_size=1, max_size=80) | st.sets(st.integers(1, 200), min_size=1))
def test_any_numbers_fit_on_buttons_and_come_back(numbers: set[int]) -> None:
    rising = sorted(map(NoteId, numbers))
    cut = batches(rising)
    for packed, some in cut:
        data = button("Calibrate all", Verb.CALIBRATE_ALL, packed).callback_data
        assert isinstance(data, str)
        assert len(data.encode()) <= 64
        assert unpacked(packed) == tuple(some)
    assert [number for _, some in cut for number in some] == rising


def test_every_other_one_of_two_hundred_numbers_fits_on_one_button() -> None:
    numbers = [NoteId(number) for number in range(10**9, 10**9 + 200, 2)]
    assert [some for _, some in batches(numbers)] == [numbers]


def test_a_long_run_is_carried_whole_up_to_what_one_button_may_mean() -> None:
    assert [len(some) for _, some in batches([NoteId(number) for number in range(10**9, 10**9 + 12_000)])] == [
        5000,
        5000,
        2000,
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "1.",
        ".1",
        "1.1.1",
        "1.zzzz",
        "1.2s.1.2s.1.zz0",
        "A.1",
        "1.1 ",
        "１.1",
        "1.-1",
        "1-0",
        "1-",
        "-1",
        "1-1-1",
    ],
)
def test_forged_numbers_are_nothing_and_cost_nothing(text: str) -> None:
    assert unpacked(text) is None

"""Text as Telegram counts and shows it."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.text import LONGEST, blanks_behind, escape, is_blank, parts, shown_name, units
from sandbox.botapi.markup import parse_html
from sandbox.botapi.text import MAX_LENGTH, cleaned

_TEXT = st.text(st.characters() | st.sampled_from("\n\n  🎬"))


def test_the_longest_message_is_telegrams() -> None:
    assert LONGEST == MAX_LENGTH


@given(st.text())
def test_units_are_those_of_utf_16(text: str) -> None:
    assert units(text) == len(text.encode("utf-16-le")) // 2


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_escaped_text_is_shown_as_it_is(text: str) -> None:
    assert parse_html(f"<b>{escape(text)}</b>").text == text


def test_what_cannot_be_sent_is_replaced() -> None:
    assert escape("a\0b\ud800c\udfff") == "a\ufffdb\ufffdc\ufffd"


_BLANKS = st.text(st.sampled_from("\x01\t\n\r \u2028\u202a\u202e\u0333\u033f\u030a\0a"))


@given(_BLANKS)
def test_what_telegram_makes_nothing_of_is_blank(text: str) -> None:
    kept = cleaned(parse_html(escape(text))).text
    assert is_blank(text) == (not kept)


@given(_BLANKS)
def test_blanks_behind_a_text_are_all_that_telegram_strips_off_it(text: str) -> None:
    behind = blanks_behind(text)
    front = text.removesuffix(behind)
    assert is_blank(behind)
    assert not front or not is_blank(front[-1])
    assert cleaned(parse_html(escape(front))).text == cleaned(parse_html(escape(text))).text


# Parts.


@given(_TEXT, st.integers(2, 9))
def test_no_part_is_too_long_and_none_is_white_space_alone(text: str, longest: int) -> None:
    for part in parts(text, longest):
        assert units(part) <= longest
        assert part.strip()


@given(_TEXT.map(lambda text: "".join(text.split())), st.integers(2, 9))
def test_parts_of_text_without_white_space_are_the_whole_of_it_in_order(text: str, longest: int) -> None:
    assert "".join(parts(text, longest)) == text


def test_text_that_fits_is_one_part_byte_for_byte() -> None:
    text = "  a\r\n\xa0🎬 \t" + "x" * (LONGEST - 11) + " "
    assert units(text) == LONGEST
    assert list(parts(text)) == [text]


def test_a_text_is_cut_at_the_last_line_end_where_one_is_near() -> None:
    assert list(parts("one\ntwo\nthree", 9)) == ["one\ntwo\n", "three"]
    assert list(parts("a\nbcdefghij", 9)) == ["a\nbcdefgh", "ij"], "the only line end is too far back"


def test_a_character_of_two_units_is_not_cut_in_two() -> None:
    assert list(parts("a🎬🎬", 4)) == ["a🎬", "🎬"]


def test_an_empty_text_has_no_parts() -> None:
    assert list(parts("")) == []


def test_a_text_a_hundred_times_as_long_takes_about_a_hundred_times_as_long() -> None:
    def seconds(length: int) -> float:
        began = time.process_time()
        assert sum(map(units, parts("x" * length))) == length
        return time.process_time() - began

    short = min(seconds(20_000) for _ in range(5))
    assert seconds(2_000_000) < 300 * short


# Names.


@given(st.text(st.characters(), max_size=700))
def test_a_shown_name_is_one_line_of_at_most_300_units_that_can_be_sent(name: str) -> None:
    shown = shown_name(name)
    assert units(shown) <= 300
    assert len(shown.splitlines()) <= 1
    assert not set(shown) & set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\0")
    shown.encode()


@pytest.mark.parametrize(
    "name", ["debian.iso", "三体.全集.mkv", "👩‍👩‍👧‍👦", "a & <b>", "x" * 300, "🎬" * 150, "שלום", " "]
)
def test_a_harmless_name_is_shown_as_it_is(name: str) -> None:
    assert shown_name(name) == name


def test_a_long_name_says_that_it_was_cut() -> None:
    assert shown_name("x" * 301) == "x" * 299 + "…"
    assert shown_name("🎬" * 151) == "🎬" * 149 + "…"


def test_overrides_are_taken_out_and_controls_made_visible() -> None:
    assert shown_name("a\u202egpj.exe") == "agpj.exe"
    assert shown_name("a\nb\0c\x85d\u2028e\ud800f") == "a\ufffdb\ufffdc\ufffdd\ufffde\ufffdf"

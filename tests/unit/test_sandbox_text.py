"""What the sandbox keeps of a text, and what it finds in it."""

import pytest

from sandbox.botapi.text import Entity, Formatted, cleaned, commands, utf16_length


def test_length_counts_what_utf16_counts() -> None:
    assert utf16_length("a三🎬") == 4


def test_blanks_at_both_ends_go_and_entities_move_along() -> None:
    assert cleaned(Formatted(" \n a bc \n", (Entity("bold", 5, 4),))) == Formatted("a bc", (Entity("bold", 2, 2),))


def test_blanks_inside_the_first_entity_stay() -> None:
    assert cleaned(Formatted("  x", (Entity("code", 0, 3),))) == Formatted("  x", (Entity("code", 0, 3),))


def test_an_entity_of_blanks_alone_at_the_end_goes() -> None:
    assert cleaned(Formatted("a  ", (Entity("bold", 1, 2),))) == Formatted("a")


def test_controls_become_spaces_and_line_ends_stay() -> None:
    assert cleaned(Formatted("a\0b\tc\x1fd\r\ne")) == Formatted("a b c d\ne")


def test_bidirectional_controls_go_and_offsets_follow() -> None:
    given = Formatted("\u202ea\u202c\u2028🎬b", (Entity("bold", 6, 1),))
    assert cleaned(given) == Formatted("a🎬b", (Entity("bold", 3, 1),))


def test_no_more_than_a_hundred_entities_stay() -> None:
    given = Formatted("x" * 200, tuple(Entity("bold", at, 1) for at in range(0, 200, 1)))
    assert len(cleaned(given).entities) == 100


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("/start", [(0, 6)]),
        ("🎬 /a@some_bot /b", [(3, 11), (15, 2)]),
        ("/a/b", []),
        ("x/a", []),
        ("三/a", []),
        ("/三", []),
        ("(/a)", [(1, 2)]),
        ("/" + "a" * 65, []),
    ],
)
def test_commands_are_found_where_telegram_finds_them(text: str, found: list[tuple[int, int]]) -> None:
    assert [(one.offset, one.length) for one in commands(text)] == found

"""Bars and columns: what stands in the box that is drawn."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.charts import WHOLE, Box, columns, lengths

NUMBERS = st.lists(st.integers(0, 10**12), max_size=40)
PAIRS = st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 10**9)), max_size=40)


def test_the_longest_bar_is_whole_and_the_others_are_their_part_of_it() -> None:
    assert lengths([5, 10, 0, 2.5]) == [500, 1000, 0, 250]


def test_a_share_is_a_part_of_one() -> None:
    assert lengths([0.75], 1.0) == [750]
    assert lengths([0.0], 1.0) == [0]


@pytest.mark.parametrize("values", [[], [0, 0], [0.0]])
def test_where_there_is_nothing_no_bar_is_drawn(values: list[float]) -> None:
    assert lengths(values) == [0] * len(values)


def test_what_is_not_nothing_can_be_seen() -> None:
    assert lengths([1, 10**9])[0] > 0
    drawn = columns([(1, 0), (10**9, 1)]).pairs
    assert drawn[0][0].height > 0
    assert drawn[1][1].height > 0


@given(NUMBERS)
def test_a_longer_bar_is_never_of_a_smaller_number_and_none_leaves_its_box(values: list[int]) -> None:
    drawn = lengths(values)
    assert all(0 <= one <= WHOLE for one in drawn)
    by_value = [length for _, length in sorted(zip(values, drawn, strict=True))]
    assert by_value == sorted(by_value)


def test_found_stands_on_the_base_and_not_found_hangs_from_it_in_one_scale() -> None:
    drawn = columns([(6, 0), (3, 2), (0, 0)])
    assert (drawn.width, drawn.height, drawn.base) == (30, 100, 75)
    assert drawn.pairs[0] == (Box(1, 0, 8, 75), Box(1, 75, 8, 0))
    assert drawn.pairs[1] == (Box(11, 37, 8, 38), Box(11, 75, 8, 25))
    assert drawn.pairs[2] == (Box(21, 75, 8, 0), Box(21, 75, 8, 0))


def test_where_all_was_found_the_base_is_the_floor() -> None:
    assert columns([(1, 0), (4, 0)]).base == 100


@given(PAIRS)
def test_no_column_leaves_its_box_or_touches_the_next(pairs: list[tuple[int, int]]) -> None:
    drawn = columns(pairs)
    for place, (above, below) in enumerate(drawn.pairs):
        assert place * 10 <= above.x == below.x
        assert above.x + above.width <= (place + 1) * 10
        assert above.y >= 0
        assert above.y + above.height == drawn.base == below.y
        assert below.y + below.height <= drawn.height

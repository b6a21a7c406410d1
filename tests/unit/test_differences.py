"""What each change of a note did, for whoever shows it."""

import pytest

from services.notebook.differences import Difference, differences
from services.notebook.note import Cause, Change, Step
from services.torrents import PersonId
from tests.unit.name_world import link


def step(before: str, after: str, cause: str = "command", version: int = 1) -> Step:
    change = Change(cause=cause, person=PersonId("tg:1"), task_id=None, at=1.0)
    return Step(version=version, before=before, after=after, change=change)


def test_names_that_were_written_are_told_once_each_and_in_order() -> None:
    before = f"{link('a', '18')} {link('b')} {link('c', 'kept')} {link('a', '18')}"
    after = f"{link('a', 'A')} {link('b', 'B')} {link('c', 'kept')} {link('a', 'A')}"
    assert differences(step(before, after)) == [
        Difference(removed="18", added="A"),
        Difference(removed=None, added="B"),
    ]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("one two", "one three two", Difference(before="one t", removed="", added="hree t", after="wo")),
        ("", "new", Difference(removed="", added="new")),
        ("gone", "", Difference(removed="gone", added="")),
        (
            f"{'x' * 30}1{'y' * 30}",
            f"{'x' * 30}2{'y' * 30}",
            Difference(before="x" * 24, removed="1", added="2", after="y" * 24, more_before=True, more_after=True),
        ),
        (f"{'x' * 24}1", f"{'x' * 24}", Difference(before="x" * 24, removed="1", added="")),
    ],
)
def test_an_edit_is_the_one_place_where_the_texts_differ(before: str, after: str, expected: Difference) -> None:
    (one,) = differences(step(before, after, Cause.EDIT))
    assert one == expected


def test_what_was_typed_as_it_stood_is_no_difference() -> None:
    assert differences(step("same", "same", Cause.EDIT)) == []

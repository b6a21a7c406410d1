"""The sequence of changes against a naive one that forgets nothing."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.calibration.sequence import Key, Sequence, Touched
from services.torrents import NoteId, TaskId

BOOT = 3
FIRST = BOOT << 32

_KEYS = st.integers(0, 7).map(lambda number: TaskId(f"t{number}")) | st.integers(0, 3).map(NoteId)
_CHANGES = st.lists(_KEYS, max_size=60)


def played(changes: list[Key], *, kept: int = 1000) -> Sequence:
    sequence = Sequence(BOOT, kept=kept)
    for key in changes:
        sequence.touch(key)
    return sequence


def naive(changes: list[Key], number: int) -> list[tuple[Key, int]]:
    """Return each thing that changed after *number* with the number of its last change, oldest first."""
    last = {key: FIRST + place for place, key in enumerate(changes, start=1)}
    return sorted(((key, at) for key, at in last.items() if at > number), key=lambda pair: pair[1])


def keys_of(touched: Touched) -> list[Key]:
    return [key for key, _ in touched.changes]


def followed(sequence: Sequence, number: int, limit: int) -> tuple[list[Key], int]:
    """Ask again and again until there is no more, as a poll does."""
    keys: list[Key] = []
    while True:
        touched = sequence.since(number, limit)
        assert touched is not None
        assert len(touched.changes) <= limit
        keys += keys_of(touched)
        number = touched.number
        if not touched.more:
            return keys, number


@given(_CHANGES, st.integers(0, 60), st.integers(1, 9))
def test_what_changed_after_a_number_is_told_once_each_in_order_and_nothing_is_lost(
    changes: list[Key], back: int, limit: int
) -> None:
    sequence = played(changes)
    number = FIRST + min(back, len(changes))
    keys, reached = followed(sequence, number, limit)
    assert keys == [key for key, _ in naive(changes, number)]
    assert reached == sequence.number == FIRST + len(changes)


@given(_CHANGES, _CHANGES, st.integers(1, 5))
def test_one_who_polls_while_things_change_hears_of_every_last_change(
    before: list[Key], during: list[Key], limit: int
) -> None:
    sequence = played(before)
    heard: dict[Key, int] = {}
    number = FIRST
    for key in during:
        touched = sequence.since(number, limit)
        assert touched is not None
        heard |= {one: sequence.number_of(one) for one in keys_of(touched)}
        number = touched.number
        sequence.touch(key)
    rest, _ = followed(sequence, number, limit)
    heard |= {one: sequence.number_of(one) for one in rest}
    assert heard == dict(naive(before + during, FIRST))


@given(_CHANGES, st.integers(1, 6), st.integers(-2, 70))
def test_with_little_kept_an_answer_is_whole_or_says_that_it_is_not(changes: list[Key], kept: int, back: int) -> None:
    sequence = played(changes, kept=kept)
    number = FIRST + back
    touched = sequence.since(number, 1000)
    if touched is not None:
        assert list(touched.changes) == naive(changes, number)
        assert touched.number == sequence.number
    else:
        assert number < FIRST or number > sequence.number or len(naive(changes, FIRST)) > kept


@given(_CHANGES, st.integers(1, 6))
def test_as_many_things_as_are_kept_can_change_without_a_reset(changes: list[Key], kept: int) -> None:
    sequence = played(changes, kept=kept)
    recent = naive(changes, FIRST)[-kept:]
    number = recent[0][1] - 1 if recent else sequence.number
    touched = sequence.since(number, 1000)
    assert touched is not None
    assert list(touched.changes) == recent


@pytest.mark.parametrize("number", [-1, 0, 1, FIRST - 1, FIRST + 3, (BOOT + 1) << 32])
def test_a_number_of_another_boot_or_of_the_future_is_not_known(number: int) -> None:
    assert played([TaskId("a"), TaskId("b")]).since(number, 10) is None


def test_at_the_last_number_nothing_has_changed() -> None:
    sequence = played([TaskId("a")])
    assert sequence.since(sequence.number, 10) == Touched((), sequence.number, more=False)


def test_a_task_and_a_note_are_told_apart() -> None:
    touched = played([TaskId("1"), NoteId(1)]).since(FIRST, 10)
    assert touched is not None
    assert keys_of(touched) == [TaskId("1"), NoteId(1)]


def test_each_change_has_a_number_above_all_before_it_and_a_thing_the_number_of_its_last() -> None:
    sequence = played([TaskId("a"), TaskId("b"), TaskId("a")])
    assert sequence.number_of(TaskId("a")) == FIRST + 3
    assert sequence.number_of(TaskId("b")) == FIRST + 2
    assert sequence.number_of(TaskId("never")) == FIRST
    assert Sequence(BOOT + 1).number > sequence.number


def test_what_is_forgotten_has_a_number_that_still_counts() -> None:
    sequence = played([TaskId("a"), TaskId("b"), TaskId("c")], kept=2)
    assert sequence.number_of(TaskId("a")) == FIRST + 1
    assert sequence.since(FIRST, 10) is None
    touched = sequence.since(FIRST + 1, 10)
    assert touched is not None
    assert keys_of(touched) == [TaskId("b"), TaskId("c")]


async def test_all_who_wait_hear_of_the_next_change_and_none_of_an_earlier_one() -> None:
    sequence = Sequence(1)
    sequence.touch(TaskId("a"))
    await sequence.after(sequence.number - 1)
    waiting = [asyncio.ensure_future(sequence.after(sequence.number)) for _ in range(3)]
    later = asyncio.ensure_future(sequence.after(sequence.number + 1))
    await asyncio.sleep(0)
    assert not any(one.done() for one in waiting)
    sequence.touch(TaskId("a"))
    await asyncio.gather(*waiting)
    await asyncio.sleep(0)
    assert not later.done()
    sequence.touch(TaskId("b"))
    await later

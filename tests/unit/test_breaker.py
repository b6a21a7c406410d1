"""A source that cannot be asked is left alone for a while, and each time for longer."""

import pytest

from services.resolvers.breaker import Breaker, Turn
from tests.fake_clock import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def breaker(clock: FakeClock) -> Breaker:
    return Breaker(clock, most=3, first=10, longest=35)


def fail(breaker: Breaker, times: int) -> None:
    for _ in range(times):
        breaker.failed(begun(breaker))


def begun(breaker: Breaker) -> Turn:
    turn = breaker.begin()
    assert turn is not None
    return turn


def test_two_failures_are_no_reason_to_pause_and_three_in_a_row_are(breaker: Breaker) -> None:
    fail(breaker, 2)
    assert breaker.begin()
    breaker.worked()
    fail(breaker, 2)
    assert not breaker.down
    fail(breaker, 1)
    assert breaker.down
    assert not breaker.begin()
    assert breaker.seconds_left == 10


async def test_after_the_pause_one_tries_and_the_others_wait_for_what_it_says(
    breaker: Breaker, clock: FakeClock
) -> None:
    fail(breaker, 3)
    await clock.advance(10)
    assert not breaker.down
    assert breaker.begin()
    assert breaker.down
    assert not breaker.begin()
    breaker.worked()
    assert all(breaker.begin() for _ in range(5))


async def test_each_pause_is_twice_as_long_up_to_the_longest_and_begins_anew_when_it_has_worked(
    breaker: Breaker, clock: FakeClock
) -> None:
    fail(breaker, 3)
    for pause in (10, 20, 35, 35):
        assert breaker.seconds_left == pause
        await clock.advance(pause)
        fail(breaker, 1)
    await clock.advance(35)
    breaker.begin()
    breaker.worked()
    fail(breaker, 3)
    assert breaker.seconds_left == 10


async def test_many_that_began_before_the_pause_make_it_no_longer(breaker: Breaker, clock: FakeClock) -> None:
    turns = [begun(breaker) for _ in range(100)]
    assert [breaker.failed(one) for one in turns].count(True) == 1
    assert breaker.seconds_left == 10


async def test_one_that_tried_and_was_left_lets_another_try(breaker: Breaker, clock: FakeClock) -> None:
    fail(breaker, 3)
    await clock.advance(10)
    breaker.left(begun(breaker))
    assert breaker.begin()


@pytest.mark.parametrize("fails", [True, False])
async def test_what_becomes_of_one_that_began_before_the_pause_lets_nobody_else_try(
    breaker: Breaker, clock: FakeClock, *, fails: bool
) -> None:
    old = begun(breaker)
    fail(breaker, 3)
    await clock.advance(10)
    assert breaker.begin()
    if fails:
        breaker.failed(old)
    else:
        breaker.left(old)
    assert breaker.down
    assert not breaker.begin()
    assert breaker.seconds_left == 0

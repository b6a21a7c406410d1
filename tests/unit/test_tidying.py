"""What is done now and then while the program runs."""

import pytest
from structlog.testing import capture_logs

from bot.core import tidied
from services.errors import StoreUnavailable
from tests.fake_clock import FakeClock


class Chore:
    """Counts how often it was done, and fails as often as it is told to."""

    def __init__(self, *fails: Exception) -> None:
        self.done = 0
        self._fails = list(fails)

    async def __call__(self) -> None:
        self.done += 1
        if self._fails:
            raise self._fails.pop()


async def test_chores_are_done_soon_and_then_every_ten_minutes_until_the_end(clock: FakeClock) -> None:
    chore = Chore()
    async with tidied(clock, chore):
        assert chore.done == 0
        await clock.advance(3)
        assert chore.done == 1
        await clock.advance(598)
        assert chore.done == 1
        await clock.advance(601)
        assert chore.done == 3
    await clock.advance(3600)
    assert chore.done == 3


@pytest.mark.parametrize(
    ("error", "event"), [(StoreUnavailable(reason="full"), "store.unavailable"), (ValueError(), "tidying.bug")]
)
async def test_one_that_fails_is_told_and_keeps_neither_itself_nor_the_others(
    clock: FakeClock, error: Exception, event: str
) -> None:
    failing, other = Chore(error), Chore()
    with capture_logs() as logs:
        async with tidied(clock, failing, other):
            await clock.advance(3)
            assert (failing.done, other.done) == (1, 1)
            await clock.advance(600)
            assert (failing.done, other.done) == (2, 2)
    assert [one["event"] for one in logs] == [event]

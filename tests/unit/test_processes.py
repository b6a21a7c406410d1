"""How the processes of a session are told to end."""

import asyncio
import signal
from typing import Any, cast

import pytest

from services.resolvers import processes
from tests.fake_clock import FakeClock


class FakeSession:
    """One of whose processes some are left until it has been told so many times."""

    def __init__(self, times: int) -> None:
        self._times = times
        self.told: list[int] = []

    async def send(self, which: int) -> None:
        if len(self.told) == self._times:
            raise ProcessLookupError
        self.told.append(which)


@pytest.mark.parametrize(
    ("which", "told"),
    [
        (signal.SIGTERM, [signal.SIGTERM, 0, 0]),
        (signal.SIGKILL, [signal.SIGKILL] * 3),
    ],
)
async def test_whoever_is_left_is_killed_again_and_asked_to_end_once(which: signal.Signals, told: list[int]) -> None:
    session, clock = FakeSession(len(told)), FakeClock()
    telling = asyncio.ensure_future(processes._told(cast("Any", session), which, 1.0, clock))
    while not telling.done():
        await clock.advance(0.05)
    with pytest.raises(ProcessLookupError):
        await telling
    assert session.told == told

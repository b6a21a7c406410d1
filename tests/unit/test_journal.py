"""How what lookups tell is written down when the database will not have it."""

import asyncio

from services.calibration.journal import Journal
from services.calibration.ports import Tx
from services.errors import StoreUnavailable
from services.store.store import Store
from tests.fake_clock import FakeClock


async def test_a_store_that_fails_is_tried_again_after_twice_the_time_and_at_last_each_half_minute(
    store: Store, clock: FakeClock
) -> None:
    began, tries = clock.now(), []

    async def read(tx: Tx) -> str:
        tries.append(clock.now() - began)
        if len(tries) < 8:
            raise StoreUnavailable(reason="disk full")
        return "read"

    journal = Journal(store, clock, lambda applied: None)
    reading = asyncio.create_task(journal.read(read))
    await clock.advance(100)
    assert reading.done()
    assert await reading == "read"
    assert tries == [0, 1, 3, 7, 15, 31, 61, 91]


async def test_a_journal_that_gives_up_tries_nothing_twice(store: Store, clock: FakeClock) -> None:
    tries = []

    async def read(tx: Tx) -> str:
        tries.append(clock.now())
        raise StoreUnavailable(reason="disk full")

    journal = Journal(store, clock, lambda applied: None)
    reading = asyncio.create_task(journal.read(read))
    await clock.advance(0.5)
    journal.give_up()
    await clock.advance(0)
    assert reading.done()
    assert await reading is None
    assert len(tries) == 2
    assert await journal.read(read) is None
    assert len(tries) == 3

"""An update is stored before Telegram is told that it came, and kept until all it asks for is told."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import cast

import pytest
from telegram import Bot, Chat, Message, Update, User

from handlers.receipts import Receipts
from services.errors import StoreUnavailable
from services.inbox import Delivery, Inbox
from services.store.store import Store
from tests.fake_clock import FakeClock, settle

BOT = cast("Bot", None)


def said(number: int, text: str = "x") -> Update:
    who = User(1, "Alice", is_bot=False)
    return Update(number, message=Message(7, datetime.now(UTC), Chat(1, "private"), from_user=who, text=text))


@pytest.fixture
def inbox(store: Store, clock: FakeClock) -> Inbox:
    return Inbox(store, clock, "tg:1")


@pytest.fixture
async def receipts(inbox: Inbox) -> AsyncIterator[Receipts]:
    async with Receipts(inbox) as receipts:
        yield receipts


async def unfinished(inbox: Inbox) -> list[int]:
    await settle()
    return [one.number for one in await inbox.unfinished()]


async def test_what_came_before_is_not_handled_again(receipts: Receipts, inbox: Inbox) -> None:
    assert await receipts.keep([said(1), said(2)]) == [said(1), said(2)]
    receipts.handled(1)
    assert await unfinished(inbox) == [2]
    assert await receipts.keep([said(1), said(2), said(3)]) == [said(3)]
    assert await receipts.keep([]) == []


async def test_an_update_is_done_when_its_handler_and_all_its_answers_are(receipts: Receipts, inbox: Inbox) -> None:
    await receipts.keep([said(1)])
    first, second = receipts.hold(1), receipts.hold(1)
    receipts.handled(1)
    first()
    first()
    assert await unfinished(inbox) == [1], "one answer said twice that it was told"
    second()
    assert await unfinished(inbox) == []
    receipts.handled(1)
    receipts.hold(1)()
    assert await unfinished(inbox) == []


async def test_what_was_not_done_is_handled_again_as_it_was(inbox: Inbox) -> None:
    texts = ["三体 🧲 \ud83e", 'a "quote"\\n\0', "magnet:?xt=urn:btih:" + "a" * 40]
    async with Receipts(inbox) as earlier:
        await earlier.keep([said(number, text) for number, text in enumerate(texts)])
        earlier.handled(1)
    async with Receipts(inbox) as receipts:
        again = await receipts.unfinished(BOT)
        assert [(one.update_id, one.message and one.message.text) for one in again] == [(0, texts[0]), (2, texts[2])]
        assert await receipts.keep([said(0), said(2)]) == [], "Telegram was not told, and delivers them again"
        for one in again:
            receipts.handled(one.update_id)
    assert await unfinished(inbox) == []


async def test_answers_that_were_told_are_not_told_again_by_the_next_process(inbox: Inbox) -> None:
    async with Receipts(inbox) as earlier:
        await earlier.keep([said(1), said(2)])
        parts = [earlier.answers(1) for _ in range(4)]
        earlier.handled(1)
        for part in (parts[0], parts[1], parts[3]):
            assert part is not None
            part()
        other = earlier.answers(2)
        assert other is not None
        await settle()
    async with Receipts(inbox) as receipts:
        await receipts.unfinished(BOT)
        assert [receipts.answers(1) is None for _ in range(4)] == [True, True, False, False]
        assert receipts.answers(2) is not None


async def test_what_is_done_when_the_program_stops_is_stored(inbox: Inbox) -> None:
    async with Receipts(inbox) as receipts:
        await receipts.keep([said(1), said(2)])
        receipts.handled(1)
    assert await unfinished(inbox) == [2]


class Failing(Inbox):
    """Fails as often as it is told to."""

    failures = 0

    async def keep(self, deliveries: object) -> set[int]:
        raise StoreUnavailable(reason="disk full")

    async def finish(self, numbers: object, told: object) -> None:
        if self.failures:
            self.failures -= 1
            raise StoreUnavailable(reason="disk full")
        await super().finish(numbers, told)  # type: ignore[arg-type] # handed on


async def test_while_the_store_fails_updates_are_handled_so_that_people_are_told(
    store: Store, clock: FakeClock
) -> None:
    async with Receipts(Failing(store, clock, "tg:1")) as receipts:
        assert await receipts.keep([said(1)]) == [said(1)]
        receipts.hold(1)()
        receipts.handled(1)


async def test_what_could_not_be_stored_as_done_is_with_the_next(store: Store, inbox: Inbox, clock: FakeClock) -> None:
    await inbox.keep([Delivery(one, said(one).to_json()) for one in (1, 2)])
    failing = Failing(store, clock, "tg:1")
    failing.failures = 1
    async with Receipts(failing) as receipts:
        await receipts.unfinished(BOT)
        receipts.handled(1)
        assert await unfinished(inbox) == [1, 2]
        receipts.handled(2)
        assert await unfinished(inbox) == []


async def test_each_source_has_its_own_numbers(store: Store, clock: FakeClock, inbox: Inbox) -> None:
    other = Inbox(store, clock, "tg:2")
    assert set(await inbox.keep([Delivery(1, "a")])) == set(await other.keep([Delivery(1, "b")])) == {1}
    await inbox.finish([1], {})
    assert await other.unfinished() == [Delivery(1, "b")]


async def test_a_finished_ones_words_go_at_once_and_its_number_after_two_days(
    store: Store, clock: FakeClock, inbox: Inbox
) -> None:
    await inbox.keep([Delivery(1, "secret"), Delivery(2, "waits")])
    await inbox.finish([1], {})
    assert await inbox.unfinished() == [Delivery(2, "waits")]
    await clock.advance(47 * 3600)
    await inbox.purge()
    assert await inbox.keep([Delivery(1, "again")]) == set()
    await clock.advance(2 * 3600)
    await inbox.purge()
    assert set(await inbox.keep([Delivery(1, "new"), Delivery(2, "again")])) == {1}


async def test_a_cancelled_fetch_leaves_what_was_stored_to_the_next_start(inbox: Inbox) -> None:
    receipts = Receipts(inbox)
    fetching = asyncio.create_task(receipts.keep([said(1)]))
    await asyncio.sleep(0)
    fetching.cancel()
    await asyncio.wait([fetching])
    assert await unfinished(inbox) == [1]

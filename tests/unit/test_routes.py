"""What becomes of errors that nobody else heard."""

import asyncio
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import cast

import pytest
from structlog.testing import capture_logs
from telegram import Chat, Message, Update, User

from handlers.context import CalibotContext
from handlers.receipts import Receipts
from handlers.routes import OneAfterAnotherInAChat, bug
from handlers.strangers import Strangers
from services.errors import StoreUnavailable
from services.inbox import Inbox
from services.store.store import Store
from services.torrents import PersonId
from tests.fake_clock import FakeClock, settle


def job_that_met(error: Exception) -> CalibotContext:
    return cast("CalibotContext", SimpleNamespace(error=error))


async def logged(error: Exception) -> list[tuple[str, bool]]:
    """Return what is logged of a job's *error*: the line, and whether with a traceback."""
    with capture_logs() as logs:
        await bug(None, job_that_met(error))
    return [(line["event"], "exc_info" in line) for line in logs]


async def test_a_job_that_finds_no_store_is_a_line_and_no_bug() -> None:
    assert await logged(StoreUnavailable(reason="disk full")) == [("store.unavailable", False)]


async def test_a_bug_in_a_job_is_logged_with_its_traceback() -> None:
    assert await logged(ZeroDivisionError()) == [("handler.bug", True)]


def written(number: int, chat: int) -> Update:
    who = User(chat, "somebody", is_bot=False)
    return Update(number, message=Message(number, datetime.now(UTC), Chat(chat, "private"), from_user=who, text="x"))


@pytest.fixture
def inbox(store: Store, clock: FakeClock) -> Inbox:
    return Inbox(store, clock, "tg:1")


async def test_an_update_is_done_when_it_was_handled_and_not_when_that_was_cancelled(inbox: Inbox) -> None:
    async with Receipts(inbox) as receipts:
        processor = OneAfterAnotherInAChat(receipts)
        await receipts.keep([written(1, 1), written(2, 1)])
        await processor.process_update(written(1, 1), asyncio.sleep(0))
        waiting = asyncio.create_task(processor.process_update(written(2, 1), asyncio.Event().wait()))
        await settle()
        waiting.cancel()
        await asyncio.wait([waiting])
    assert [one.number for one in await inbox.unfinished()] == [2]


async def test_a_stop_gives_what_is_under_way_a_moment_and_leaves_the_rest_to_the_next_process(
    inbox: Inbox, clock: FakeClock
) -> None:
    async with Receipts(inbox) as receipts:
        processor = OneAfterAnotherInAChat(receipts)
        await receipts.keep([written(number, number) for number in (1, 2)])
        updates = [
            asyncio.create_task(processor.process_update(written(number, number), clock.sleep(seconds)))
            for number, seconds in ((1, 0.2), (2, 50.0))
        ]
        await settle()
        finishing = asyncio.create_task(processor.finish(clock, asyncio.wait(updates)))
        await clock.advance(0.2)
        assert not finishing.done()
        await clock.advance(0.2)
        assert finishing.done()
        await asyncio.wait(updates)
        await processor.finish(clock, asyncio.sleep(0))
    assert [one.number for one in await inbox.unfinished()] == [2]


async def test_one_chats_backlog_holds_up_no_other_chat_and_no_press(inbox: Inbox) -> None:
    processor = OneAfterAnotherInAChat(Receipts(inbox))
    gate = asyncio.Event()
    done: list[str] = []

    async def quick(what: str) -> None:
        done.append(what)

    async def slow() -> None:
        await gate.wait()

    backlog = [asyncio.create_task(processor.process_update(written(n, 1), slow())) for n in range(1000)]
    await settle()
    await processor.process_update(written(1001, 2), quick("other chat"))
    await processor.process_update(Update(1002), quick("press"))
    gate.set()
    await asyncio.gather(*backlog)
    assert done == ["other chat", "press"]


def test_a_stranger_is_told_once_an_hour() -> None:
    clock = FakeClock()
    strangers = Strangers(clock)
    told = [strangers.to_be_told(PersonId(f"tg:{one}")) for one in (1, 2, 1, 1, 2)]
    assert told == [True, True, False, False, False]
    clock._now += 3601
    assert [strangers.to_be_told(PersonId("tg:1")) for _ in range(2)] == [True, False]
    for one in range(20_000):
        strangers.to_be_told(PersonId(f"tg:{one}"))
    assert len(strangers._told) == 10_000

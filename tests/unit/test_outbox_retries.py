import itertools
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import pytest
from structlog.testing import capture_logs
from telegram.error import (
    BadRequest,
    Forbidden,
    NetworkError,
    RetryAfter,
    TelegramError,
    TimedOut,
)

from handlers.outbox import Address, Message, Rank
from tests.unit.fake_telegram import Mishap
from tests.unit.outbox_world import ALICE, BOB, World, opened

BAD_GATEWAY = Mishap(NetworkError("Bad Gateway"))
LOST_ANSWER = Mishap(TimedOut(), applied=True)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with opened() as world:
        yield world


@pytest.fixture(autouse=True)
def _durations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PTB_TIMEDELTA", "1")  # else making a RetryAfter warns


async def test_a_429_holds_its_own_chat_alone_and_nothing_is_lost(world: World) -> None:
    world.telegram.mishaps(100, Mishap(RetryAfter(timedelta(seconds=30))))
    world.outbox.answer(ALICE, Message("one"))
    world.outbox.answer(ALICE, Message("two"))
    await world.clock.advance(0.1)
    world.outbox.answer(BOB, Message("at once"))
    world.outbox.answer(ALICE, Message("three"))
    await world.clock.advance(0.1)
    assert world.telegram.texts(200) == ["at once"]
    await world.clock.advance(29.7)
    assert world.telegram.texts(100) == []
    await world.clock.advance(0.5)
    assert world.telegram.texts(100) == ["one"]
    await world.clock.advance(3)
    assert world.telegram.texts(100) == ["one", "two", "three"]


async def test_a_429_in_seconds_without_a_timedelta_is_understood(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RetryAfter, "retry_after", 5)
    world.telegram.mishaps(100, Mishap(RetryAfter(5)))
    world.outbox.answer(ALICE, Message("one"))
    await world.clock.advance(4.9)
    assert world.telegram.texts(100) == []
    await world.clock.advance(0.5)
    assert world.telegram.texts(100) == ["one"]


@pytest.mark.parametrize("error", [NetworkError("Bad Gateway"), TimedOut(), TelegramError("Invalid server response")])
async def test_what_failed_on_the_way_is_tried_until_it_worked(world: World, error: TelegramError) -> None:
    world.telegram.mishaps(100, *[Mishap(error)] * 12)
    world.outbox.answer(ALICE, Message("answer 1"))
    world.outbox.answer(ALICE, Message("answer 2"))
    follower = world.begin(1, BOB)
    await world.clock.advance(1)
    assert world.telegram.shown(200) == ["pending"]
    world.telegram.mishaps(200, *[Mishap(error)] * 12)
    world.end(follower, "completed")
    await world.clock.advance(300)
    assert world.telegram.texts(100) == ["answer 1", "answer 2"]
    assert world.telegram.shown(200) == ["completed"]


async def test_retries_back_off_from_half_a_second_to_half_a_minute(world: World) -> None:
    world.telegram.latency = lambda: 1e-3
    world.telegram.down = True
    world.begin(1, ALICE)
    at = list[float]()
    for _ in range(3000):
        before = len(world.cards.rendered)
        await world.clock.advance(0.1)
        at += [world.clock.now()] * (len(world.cards.rendered) - before)
    gaps = [later - earlier for earlier, later in itertools.pairwise(at)]
    assert 0.4 < gaps[0] < 0.9
    assert 15 < max(gaps) < 31
    assert len(gaps) < 25
    world.telegram.down = False
    await world.clock.advance(31)
    assert world.telegram.shown(100) == ["pending"]


async def test_a_person_who_writes_is_answered_at_once_whatever_failed_before(world: World) -> None:
    follower = world.begin(1, ALICE)
    await world.clock.advance(5)
    world.telegram.down = True
    world.report(follower, "running")
    await world.clock.advance(200)
    world.telegram.down = False
    world.outbox.answer(ALICE, Message("hello"))
    await world.clock.advance(0.1)
    assert world.telegram.texts(100) == ["pending", "hello", "running"]


async def test_a_fresh_card_is_tried_at_once_too(world: World) -> None:
    world.telegram.down = True
    world.outbox.answer(ALICE, Message("saved as #12"))
    await world.clock.advance(200)
    world.telegram.down = False
    world.begin(1, ALICE)
    await world.clock.advance(0.1)
    assert world.telegram.texts(100) == ["saved as #12", "pending"]


async def test_marks_without_end_in_a_chat_that_is_held_take_no_memory(world: World) -> None:
    followers = [world.begin(number, ALICE) for number in range(3)]
    await world.clock.advance(10)
    world.telegram.down = True
    for _ in range(1000):
        for follower in followers:
            world.report(follower, f"running at {world.clock.now()}")
        await world.clock.advance(0.5)
    queue = world.outbox._chats[100]
    assert len(queue._waiting) == 3
    assert len(queue._heap) < 10


async def test_when_one_chat_gets_through_again_all_others_are_tried(world: World) -> None:
    world.telegram.down = True
    for number in range(20):
        world.begin(number, Address(1000 + number))
    await world.clock.advance(300)
    world.telegram.down = False
    world.outbox.answer(Address(1000), Message("are you there?"))
    await world.clock.advance(1)
    assert len(world.telegram.messages) == 21


async def test_not_modified_is_success(world: World) -> None:
    follower = world.begin(1, ALICE)
    await world.clock.advance(1)
    world.cards.followers[follower].seen = None  # the process died before it was stored
    world.report(follower, "pending")
    with capture_logs() as logs:
        await world.clock.advance(10)
    assert world.cards.followers[follower].seen == "pending"
    assert world.cards.rendered == [follower, follower]
    assert logs == []


async def test_the_lost_answer_to_an_edit_is_harmless(world: World) -> None:
    follower = world.begin(1, ALICE)
    await world.clock.advance(1)
    world.telegram.mishaps(100, LOST_ANSWER, LOST_ANSWER)
    world.end(follower, "completed")
    await world.clock.advance(10)
    assert world.telegram.texts(100) == ["pending", "completed"]
    assert world.cards.followers[follower].seen == "completed"


async def test_the_lost_answer_to_a_card_sent_leaves_one_message_more_and_the_second_is_followed(world: World) -> None:
    world.telegram.mishaps(100, LOST_ANSWER)
    follower = world.begin(1, ALICE)
    await world.clock.advance(5)
    world.end(follower, "completed")
    await world.clock.advance(5)
    assert world.telegram.shown(100) == ["pending", "completed"]


async def test_a_slow_request_in_one_chat_does_not_delay_another(world: World) -> None:
    world.telegram.slow[100] = 60
    world.outbox.answer(ALICE, Message("slow"))
    await world.clock.advance(1)
    for number in range(8):
        world.outbox.answer(BOB, Message(str(number)))
    await world.clock.advance(5)
    assert len(world.telegram.texts(200)) == 8
    assert world.telegram.most_at_once[100] == 1


async def test_one_request_at_a_time_in_a_chat(world: World) -> None:
    for number in range(10):
        world.outbox.answer(ALICE, Message(str(number)))
    await world.clock.advance(20)
    assert world.telegram.most_at_once[100] == 1
    assert world.telegram.texts(100) == [str(number) for number in range(10)]


async def test_of_more_than_two_hundred_answers_none_is_dropped_while_the_chat_is_reached(world: World) -> None:
    for number in range(300):
        world.outbox.answer(ALICE, Message(str(number)))
    await world.clock.advance(400)
    assert world.telegram.texts(100) == [str(number) for number in range(300)]


async def test_the_rest_of_a_long_answer_comes_in_order_behind_others(world: World) -> None:
    world.outbox.answer(ALICE, Message("part 0"))
    for number in range(1, 30):
        world.outbox.answer(ALICE, Message(f"part {number}"), rank=Rank.END)
    await world.clock.advance(10)
    sent = len(world.telegram.texts(100))
    assert 4 < sent < 20
    world.outbox.answer(ALICE, Message("hello"))
    await world.clock.advance(60)
    texts = world.telegram.texts(100)
    assert texts[sent] == "hello"
    assert [text for text in texts if text != "hello"] == [f"part {number}" for number in range(30)]


async def test_more_than_two_hundred_waiting_answers_drop_the_oldest_while_the_chat_fails(world: World) -> None:
    world.telegram.down = True
    world.outbox.answer(ALICE, Message("0"))
    await world.clock.advance(0.1)
    with capture_logs() as logs:
        for number in range(1, 210):
            world.outbox.answer(ALICE, Message(str(number)))
    assert [line["event"] for line in logs] == ["answer_dropped"] * 10
    world.telegram.down = False
    await world.clock.advance(400)
    assert world.telegram.texts(100) == [str(number) for number in range(10, 210)]


# What is told when an answer is over.


class Said:
    """Who was told that their answer is over, in order."""

    def __init__(self) -> None:
        self.over: list[str] = []

    def told(self, what: str) -> Callable[[], None]:
        return lambda: self.over.append(what)


async def test_an_answer_is_over_when_it_is_known_to_have_worked(world: World) -> None:
    said = Said()
    world.telegram.mishaps(100, BAD_GATEWAY, LOST_ANSWER)
    world.outbox.answer(ALICE, Message("one"), told=said.told("one"))
    await world.clock.advance(0.1)
    assert said.over == []
    await world.clock.advance(10)
    assert said.over == ["one"]


@pytest.mark.parametrize("error", [Forbidden("bot was blocked by the user"), BadRequest("Bad Request: no such entity")])
async def test_an_answer_is_over_when_it_is_pointless(world: World, error: TelegramError) -> None:
    said = Said()
    world.telegram.mishaps(100, Mishap(error))
    world.outbox.answer(ALICE, Message("one"), told=said.told("one"))
    await world.clock.advance(1)
    assert said.over == ["one"]


async def test_the_answers_that_are_dropped_because_too_many_wait_are_over(world: World) -> None:
    said = Said()
    world.telegram.mishaps(100, *[BAD_GATEWAY] * 300)
    for number in range(203):
        world.outbox.answer(ALICE, Message("x"), told=said.told(str(number)))
        await world.clock.advance(0.1)
    assert said.over[:2] == ["0", "1"]


async def test_an_edit_that_a_newer_one_replaces_is_over_and_is_not_made_after_it_though_it_failed(
    world: World,
) -> None:
    said = Said()
    world.outbox.answer(ALICE, Message("a list"))
    await world.clock.advance(1)
    (message_id,) = (number for chat, number in world.telegram.messages if chat == 100)
    world.telegram.mishaps(100, BAD_GATEWAY)
    world.outbox.edit(ALICE, message_id, Message("page 2"), told=said.told("page 2"))
    world.telegram.latency = lambda: 0.5
    await world.clock.advance(0.2)
    world.outbox.edit(ALICE, message_id, Message("page 3"), told=said.told("page 3"))
    await world.clock.advance(30)
    assert world.telegram.shown(100) == ["page 3"]
    assert said.over == ["page 2", "page 3"]


async def test_what_waits_when_the_outbox_is_left_is_not_over() -> None:
    said = Said()
    async with opened() as world:
        world.telegram.mishaps(100, *[BAD_GATEWAY] * 300)
        world.outbox.answer(ALICE, Message("one"), told=said.told("one"))
        await world.clock.advance(1)
    assert said.over == []

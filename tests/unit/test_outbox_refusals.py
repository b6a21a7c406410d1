import io
from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs
from telegram.error import BadRequest, Forbidden, InvalidToken, NetworkError, TelegramError, TimedOut

from handlers.outbox import Address, FollowerId, Message
from handlers.outgoing import Document
from tests.unit.fake_telegram import Mishap
from tests.unit.outbox_world import ALICE, BOB, GROUP, World, opened

BAD_GATEWAY = Mishap(NetworkError("Bad Gateway"))
LOST_ANSWER = Mishap(TimedOut(), applied=True)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with opened() as world:
        yield world


async def test_the_end_of_a_deleted_message_is_sent_anew_once(world: World) -> None:
    follower = world.begin(1, ALICE)
    await world.clock.advance(1)
    world.telegram.messages.clear()
    world.end(follower, "completed")
    await world.clock.advance(10)
    assert world.telegram.shown(100) == ["completed"]
    assert world.cards.lost == [follower]
    (new,) = world.telegram.messages
    assert world.cards.followers[follower].message_id == new[1]


async def test_an_end_found_in_the_turn_of_progress_is_sent_anew_too(world: World) -> None:
    follower = world.begin(1, ALICE)
    await world.clock.advance(1)
    world.telegram.messages.clear()
    world.report(follower, "completed")
    world.cards.followers[follower].ended = True
    await world.clock.advance(10)
    assert world.telegram.shown(100) == ["completed"]


async def test_the_progress_of_a_deleted_message_is_not_sent_anew(world: World) -> None:
    follower = world.begin(1, ALICE)
    await world.clock.advance(1)
    world.telegram.messages.clear()
    world.report(follower, "running")
    await world.clock.advance(30)
    assert world.telegram.shown(100) == []
    assert world.cards.lost == [follower]


async def test_an_end_sent_anew_survives_a_failing_network(world: World) -> None:
    follower = world.begin(1, ALICE)
    await world.clock.advance(1)
    world.telegram.messages.clear()
    world.end(follower, "completed")
    gone = Mishap(BadRequest("Bad Request: MESSAGE_ID_INVALID"))
    world.telegram.mishaps(100, gone, BAD_GATEWAY, BAD_GATEWAY)
    await world.clock.advance(20)
    assert world.telegram.shown(100) == ["completed"]


async def test_an_end_marked_again_while_it_is_sent_anew_is_sent_once(world: World) -> None:
    follower = world.begin(1, ALICE)
    await world.clock.advance(1)
    world.telegram.messages.clear()
    world.end(follower, "completed")
    gone = Mishap(BadRequest("Bad Request: message to edit not found"))
    world.telegram.mishaps(100, gone, BAD_GATEWAY)
    await world.clock.advance(0.1)
    world.end(follower, "completed, and more is known")
    await world.clock.advance(20)
    assert world.telegram.shown(100) == ["completed, and more is known"]
    assert world.cards.lost == [follower]


@pytest.mark.parametrize(
    "error",
    [
        Forbidden("Forbidden: bot was blocked by the user"),
        Forbidden("Forbidden: bot was kicked from the group chat"),
        BadRequest("Bad Request: chat not found"),
        BadRequest("Bad Request: not enough rights to send text messages to the chat"),
    ],
)
async def test_a_chat_that_is_closed_to_us_is_given_up_with_all_that_waits_for_it(
    world: World, error: TelegramError
) -> None:
    world.telegram.mishaps(-500, Mishap(error))
    world.outbox.answer(GROUP, Message("answer 1"))
    world.outbox.answer(GROUP, Message("answer 2"))
    for number in range(20):
        world.begin(number, GROUP)
    world.outbox.answer(ALICE, Message("another chat"))
    await world.clock.advance(1)
    assert world.telegram.shown(-500) == []
    assert (world.cards.shut, world.cards.open) == ([(GROUP, True)], [ALICE])
    assert world.telegram.shown(100) == ["another chat"]
    world.outbox.answer(GROUP, Message("let in again"))
    await world.clock.advance(5)
    assert world.telegram.shown(-500) == ["let in again"]
    assert world.cards.open == [ALICE, GROUP]


async def test_a_closed_topic_is_given_up_alone_with_all_that_waits_for_it(world: World) -> None:
    world.telegram.mishaps(-500, Mishap(BadRequest("Bad Request: TOPIC_CLOSED")))
    topic = Address(-500, 4)
    world.begin(1, topic)
    world.begin(2, Address(-500, 5))
    world.begin(3, topic)
    await world.clock.advance(5)
    assert (world.cards.shut, world.cards.open) == ([(topic, False)], [Address(-500, 5)])
    assert [call.thread_id for call in world.telegram.calls] == [5]


async def test_a_request_that_telegram_refuses_is_dropped_alone_and_logged_without_its_text(world: World) -> None:
    world.telegram.mishaps(
        100, Mishap(BadRequest('Bad Request: can\'t parse entities: unsupported start tag "secret"'))
    )
    with capture_logs() as logs:
        world.outbox.answer(ALICE, Message("<secret>"))
        world.outbox.answer(ALICE, Message("fine"))
        await world.clock.advance(1)
    assert world.telegram.texts(100) == ["fine"]
    (line,) = logs
    assert (line["event"], line["log_level"], line["chat"]) == ("telegram_refused", "error", 100)
    assert "secret" not in str(line)
    assert "unsupported start tag" in line["error"].lower()


async def test_a_network_error_is_logged_without_the_address_and_its_token(world: World) -> None:
    world.telegram.mishaps(
        100, Mishap(NetworkError("httpx.ConnectError: https://api.telegram.org/bot1:TOKEN/sendMessage"))
    )
    with capture_logs() as logs:
        world.outbox.answer(ALICE, Message("hello"))
        await world.clock.advance(1)
    assert [line["event"] for line in logs] == ["telegram_unreachable"]
    assert "TOKEN" not in str(logs)


async def test_a_revoked_token_ends_all_sending_and_nothing_counts_as_told(world: World) -> None:
    told: list[str] = []
    for address in (ALICE, BOB, GROUP):
        world.telegram.mishaps(address.chat_id, Mishap(InvalidToken("Unauthorized")))
    with capture_logs() as logs:
        for address in (ALICE, ALICE, BOB, GROUP):
            world.outbox.answer(address, Message("hello"), told=lambda: told.append("hello"))
        await world.clock.advance(1)
        world.outbox.answer(BOB, Message("hello"), told=lambda: told.append("hello"))
        await world.clock.advance(60)
    assert logs == [], "whoever fetches the updates says it"
    assert told == []
    assert world.telegram.calls == []
    await world.outbox.drained()
    assert world.clock.sleeping == 0


async def test_a_bug_in_one_card_is_logged_and_silences_no_other(world: World) -> None:
    world.cards.broken.add(FollowerId(1))
    with capture_logs() as logs:
        world.begin(1, ALICE)
        world.begin(2, ALICE, "fine")
        await world.clock.advance(1)
    assert world.telegram.texts(100) == ["fine"]
    assert [line["event"] for line in logs] == ["outbox_bug"]


async def test_a_card_that_could_not_be_read_from_the_store_is_shown_later(world: World) -> None:
    world.cards.unreadable = 5
    world.begin(1, ALICE)
    await world.clock.advance(60)
    assert world.telegram.shown(100) == ["pending"]


async def test_cards_that_cannot_be_read_hold_their_own_chats_alone(world: World) -> None:
    world.cards.unreadable = 10**6
    for number in range(1, 41):
        world.begin(number, Address(1000 + number))
    await world.clock.advance(5)
    world.outbox.answer(BOB, Message("hello"))
    await world.clock.advance(1)
    assert world.telegram.shown(200) == ["hello"]
    world.cards.unreadable = 0
    await world.clock.advance(60)
    assert all(one.message_id for one in world.cards.followers.values())
    assert len(world.telegram.messages) == 41


async def test_a_card_that_cannot_be_read_silences_nobody_in_its_chat(world: World) -> None:
    world.cards.unreadable = 10**6
    world.begin(1, ALICE)
    await world.clock.advance(120)
    for words in ("one", "two", "three"):
        world.outbox.answer(ALICE, Message(words))
        await world.clock.advance(7)
        assert world.telegram.shown(100)[-1] == words
    before = len(world.cards.rendered)
    await world.clock.advance(300)
    assert len(world.cards.rendered) - before <= 20, "it is not tried again and again"


async def test_a_card_that_takes_long_to_be_stored_holds_its_own_chat_alone(world: World) -> None:
    world.cards.store_takes = 30.0
    world.begin(1, ALICE)
    await world.clock.advance(1)
    world.outbox.answer(BOB, Message("hello"))
    await world.clock.advance(1)
    assert world.telegram.shown(200) == ["hello"]


async def test_an_end_that_is_refused_as_if_it_had_a_message_is_not_sent_for_ever(world: World) -> None:
    world.telegram.mishaps(100, *[Mishap(BadRequest("Bad Request: message to edit not found"))] * 50)
    follower = world.begin(1, ALICE, "completed")
    world.cards.followers[follower].ended = True
    await world.clock.advance(60)
    world.outbox.answer(ALICE, Message("hello"))
    world.telegram._mishaps.clear()
    await world.clock.advance(10)
    assert world.telegram.shown(100) == ["hello"]
    assert world.cards.lost == []


async def test_an_answer_that_a_closed_chat_was_not_told_is_dropped_once_and_its_file_closed(world: World) -> None:
    told: list[str] = []
    file = io.BytesIO(b"abc")
    world.telegram.blocked.add(100)
    with world.outbox.standing_still(100):
        document = Document("n.txt", file)
        world.outbox.answer(ALICE, Message("a", document=document), told=lambda: told.append("dropped"))
        world.outbox.answer(ALICE, Message("b"), told=lambda: told.append("dropped, too"))
    await world.clock.advance(1)
    world.telegram.blocked.clear()
    await world.clock.advance(60)
    assert told == ["dropped", "dropped, too"]
    assert file.closed
    assert world.telegram.texts(100) == []

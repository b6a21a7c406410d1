"""Files and edits go out as answers do: within the same slots, tried again, in their order."""

import io
import weakref
from collections.abc import AsyncIterator

import pytest
from telegram.error import BadRequest, Forbidden, NetworkError, RetryAfter, TelegramError

from handlers.outbox import Address, Message, Rank
from handlers.outgoing import Document
from tests.unit.fake_telegram import Mishap
from tests.unit.outbox_world import ALICE, World, opened

FILE = Message("a note", document=Document("note-12.txt", b"\xef\xbb\xbfas it is\r\n"))


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with opened() as world:
        yield world


async def test_a_file_goes_as_it_is_with_its_name_and_caption_as_a_reply_in_its_topic(world: World) -> None:
    world.outbox.answer(Address(-500, 9), FILE, reply_to=3)
    await world.clock.advance(1)
    (call,) = world.telegram.calls
    assert call.document == ("note-12.txt", b"\xef\xbb\xbfas it is\r\n")
    assert (call.text, call.thread_id) == ("a note", 9)
    assert call.reply is not None
    assert call.reply.message_id == 3


async def test_files_count_as_messages_do_and_keep_their_order(world: World) -> None:
    for number in range(6):
        world.outbox.answer(ALICE, FILE if number % 2 else Message(str(number)))
    await world.clock.advance(0.1)
    assert world.telegram.texts(100) == ["0", "a note", "2", "a note"]
    await world.clock.advance(5)
    assert world.telegram.texts(100) == ["0", "a note", "2", "a note", "4", "a note"]
    assert world.telegram.refused == 0


async def test_a_file_of_a_lower_rank_lets_answers_go_first(world: World) -> None:
    with world.outbox.standing_still(ALICE.chat_id):
        world.outbox.answer(ALICE, FILE, rank=Rank.END)
        world.outbox.answer(ALICE, Message("an answer"))
    await world.clock.advance(5)
    assert world.telegram.texts(100) == ["an answer", "a note"]


@pytest.mark.parametrize("held", [True, False])
@pytest.mark.parametrize("kind", ["file", "edit"])
async def test_what_could_not_go_is_tried_again(
    world: World, held: bool, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PTB_TIMEDELTA", "1")
    error = RetryAfter(3) if held else NetworkError("Bad Gateway")
    world.outbox.answer(ALICE, Message("before"))
    await world.clock.advance(1)
    world.telegram.mishaps(100, Mishap(error))
    if kind == "file":
        world.outbox.answer(ALICE, FILE)
    else:
        world.outbox.edit(ALICE, 1, Message("a note"))
    await world.clock.advance(20)
    assert world.telegram.texts(100) == ["before", "a note"]


async def test_an_edit_shows_in_its_message_and_the_same_again_is_as_good(world: World) -> None:
    world.outbox.answer(ALICE, Message("question"))
    await world.clock.advance(1)
    for _ in range(2):
        world.outbox.edit(ALICE, 1, Message("answer"))
        await world.clock.advance(2)
    assert world.telegram.shown(100) == ["answer"]


async def test_of_several_edits_of_a_message_that_wait_the_newest_is_made(world: World) -> None:
    world.outbox.answer(ALICE, Message("page 1"))
    await world.clock.advance(1)
    with world.outbox.standing_still(ALICE.chat_id):
        for number in range(2, 9):
            world.outbox.edit(ALICE, 1, Message(f"page {number}"))
    await world.clock.advance(9)
    assert world.telegram.texts(100) == ["page 1", "page 8"]


async def test_an_edit_of_a_message_that_was_deleted_is_dropped(world: World) -> None:
    world.outbox.edit(ALICE, 99, Message("too late"))
    world.outbox.answer(ALICE, Message("goes on"))
    await world.clock.advance(2)
    assert world.telegram.shown(100) == ["goes on"]


@pytest.mark.parametrize("error", [Forbidden("Forbidden: bot was blocked by the user"), BadRequest("Bad Request: x")])
async def test_what_is_refused_is_dropped_and_what_comes_after_goes(world: World, error: TelegramError) -> None:
    world.telegram.mishaps(100, Mishap(error))
    world.outbox.answer(ALICE, FILE)
    await world.clock.advance(1)
    world.outbox.edit(ALICE, 1, Message("an edit of nothing"))
    world.outbox.answer(ALICE, Message("goes on"))
    await world.clock.advance(2)
    assert world.telegram.shown(100) == ["goes on"]


def open_file(content: bytes = b"x") -> tuple[Message, io.BytesIO]:
    file = io.BytesIO(content)
    return Message("open", document=Document("a.json", file)), file


async def test_an_open_file_goes_out_from_its_beginning_each_time_and_is_closed(world: World) -> None:
    world.telegram.mishaps(100, Mishap(NetworkError("reset")), Mishap(NetworkError("again"), applied=True))
    message, file = open_file(b"whole")
    world.outbox.answer(ALICE, message)
    await world.clock.advance(10)
    assert [call.document for call in world.telegram.calls] == [("a.json", b"whole")] * 2
    assert file.closed


async def test_a_file_that_may_not_be_sent_there_takes_nothing_else_with_it(world: World) -> None:
    refusal = BadRequest("Bad Request: not enough rights to send documents to the chat")
    world.telegram.mishaps(100, Mishap(refusal), Mishap(NetworkError("Request Entity Too Large (413)")))
    (one, first), (other, second) = open_file(), open_file()
    for message in (one, other, Message("text")):
        world.outbox.answer(ALICE, message)
    await world.clock.advance(5)
    assert world.telegram.texts(100) == ["text"]
    assert first.closed
    assert second.closed


async def test_an_open_file_that_is_given_up_is_let_go(world: World) -> None:
    held = {}
    for why in ("blocked", "crowded out"):
        message, file = open_file()
        held[why] = weakref.ref(file)
        world.telegram.blocked = {100} if why == "blocked" else set()
        world.telegram.down = why == "crowded out"
        world.outbox.answer(ALICE, message)
        del file, message
        await world.clock.advance(2)
        if why == "crowded out":
            for number in range(201):
                world.outbox.answer(ALICE, Message(str(number)))
        await world.clock.advance(30)
    assert {why: one() for why, one in held.items()} == {"blocked": None, "crowded out": None}

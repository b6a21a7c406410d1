import io
import json
from collections.abc import AsyncIterator, Mapping

import pytest
from telegram import Bot, CallbackQuery, InlineKeyboardButton, InlineKeyboardMarkup, User
from telegram.error import BadRequest, NetworkError, TimedOut
from telegram.request import BaseRequest, RequestData

from handlers.outbox import Address, Message
from handlers.outgoing import Document
from tests.unit.outbox_world import ALICE, GROUP, World, opened


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with opened() as world:
        yield world


@pytest.fixture
def query() -> CallbackQuery:
    return CallbackQuery(id="q1", from_user=User(1, "A", is_bot=False), chat_instance="x", data="r")


@pytest.mark.parametrize("address", [Address(4711), Address(-1001234567890), Address(-100, 7)])
def test_an_address_is_read_as_it_is_written(address: Address) -> None:
    assert Address.parse(str(address)) == address


@pytest.mark.parametrize("text", ["", "tg:", "tg:x", "4711", "tg:1:2:3", "tg:1:-2", "tg:１", "tg:1\n"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no address"):
        Address.parse(text)


def test_a_group_has_a_negative_number() -> None:
    assert GROUP.is_group
    assert not ALICE.is_group


async def test_a_card_is_sent_as_a_reply_in_its_topic_and_then_edited(world: World) -> None:
    follower = world.begin(1, Address(-500, 9))
    await world.clock.advance(1)
    world.end(follower, "completed")
    await world.clock.advance(5)
    sent, edited = world.telegram.calls
    assert sent.thread_id == 9
    assert sent.reply is not None
    assert (sent.reply.message_id, sent.reply.allow_sending_without_reply) == (7, True)
    assert edited.edits == world.cards.followers[follower].message_id
    assert world.cards.followers[follower].seen == "completed"


async def test_an_answer_has_its_buttons_and_what_it_replies_to(world: World) -> None:
    keyboard = InlineKeyboardMarkup([[InlineKeyboardButton("Calibrate", callback_data="c:12")]])
    world.outbox.answer(ALICE, Message("saved as #12", keyboard), reply_to=3)
    world.outbox.answer(ALICE, Message("no reply"))
    await world.clock.advance(1)
    assert list(world.telegram.messages.values()) == [("saved as #12", keyboard), ("no reply", None)]
    first, second = world.telegram.calls
    assert first.reply is not None
    assert first.reply.message_id == 3
    assert second.reply is None


class Wire(BaseRequest):
    """What the library puts on the wire."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, Mapping[str, object]]] = []
        self.files: list[Mapping[str, object]] = []

    @property
    def read_timeout(self) -> float | None:
        return None

    async def initialize(self) -> None:
        pass

    async def shutdown(self) -> None:
        pass

    async def do_request(  # as the library declares it
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        read_timeout: object = None,
        write_timeout: object = None,
        connect_timeout: object = None,
        pool_timeout: object = None,
    ) -> tuple[int, bytes]:
        assert request_data is not None
        self.requests.append((url.rpartition("/")[2], request_data.parameters))
        if request_data.multipart_data:
            self.files.append(request_data.multipart_data)
        message = {"message_id": 5, "date": 1, "chat": {"id": -500, "type": "supergroup"}, "text": "x"}
        answer = True if "answerCallbackQuery" in url else message
        return 200, json.dumps({"ok": True, "result": answer}).encode()


async def test_the_library_sends_what_is_meant(query: CallbackQuery) -> None:
    wire = Wire()
    world = World.made(Bot("1:a", request=wire, get_updates_request=wire))
    async with world.outbox:
        follower = world.begin(1, Address(-500, 9), "<b>pending</b>")
        await world.clock.advance(1)
        world.end(follower, "<b>completed</b>")
        await world.clock.advance(10)
        await world.outbox.press(query, "done", alert=True)
    common = {"chat_id": -500, "parse_mode": "HTML", "link_preview_options": {"is_disabled": True}}
    assert wire.requests == [
        (
            "sendMessage",
            {
                **common,
                "text": "<b>pending</b>",
                "message_thread_id": 9,
                "reply_parameters": {"message_id": 7, "allow_sending_without_reply": True},
            },
        ),
        ("editMessageText", {**common, "text": "<b>completed</b>", "message_id": 5}),
        ("answerCallbackQuery", {"callback_query_id": "q1", "text": "done", "show_alert": True}),
    ]


async def test_the_library_sends_a_file_as_it_is() -> None:
    wire = Wire()
    world = World.made(Bot("1:a", request=wire, get_updates_request=wire))
    file = Document("note-12.txt", b"\xffas it is\r\n")
    async with world.outbox:
        world.outbox.answer(Address(-500, 9), Message("<b>#12</b>", document=file), reply_to=7)
        await world.clock.advance(1)
    ((method, given),) = wire.requests
    assert method == "sendDocument"
    assert given == {
        "chat_id": -500,
        "caption": "<b>#12</b>",
        "parse_mode": "HTML",
        "message_thread_id": 9,
        "reply_parameters": {"message_id": 7, "allow_sending_without_reply": True},
    }
    assert wire.files == [{"document": ("note-12.txt", b"\xffas it is\r\n", "text/plain")}]


async def test_the_library_is_handed_an_open_file_and_does_not_read_it_whole() -> None:
    wire, content = Wire(), io.BytesIO(b"{}")
    world = World.made(Bot("1:a", request=wire, get_updates_request=wire))
    async with world.outbox:
        world.outbox.answer(ALICE, Message("", document=Document("a.json", content, "application/json")))
        await world.clock.advance(1)
    assert wire.files == [{"document": ("a.json", content, "application/json")}]


async def test_a_press_is_answered_at_once_round_the_queue(world: World, query: CallbackQuery) -> None:
    for number in range(10):
        world.outbox.answer(ALICE, Message(str(number)))
    await world.outbox.press(query, "x" * 300)
    assert world.telegram.presses == [("q1", "x" * 200)]


async def test_a_press_answered_too_late_is_harmless(world: World, query: CallbackQuery) -> None:
    world.telegram.press_mishaps.append(BadRequest("Bad Request: query is too old and response timeout expired"))
    await world.outbox.press(query)
    assert world.telegram.presses == []


async def test_a_press_whose_answer_failed_on_the_way_is_tried_once_more(world: World, query: CallbackQuery) -> None:
    world.telegram.press_mishaps.append(NetworkError("Bad Gateway"))
    await world.outbox.press(query)
    assert world.telegram.presses == [("q1", None)]
    world.telegram.press_mishaps.extend([TimedOut(), TimedOut()])
    await world.outbox.press(query)
    assert len(world.telegram.presses) == 1

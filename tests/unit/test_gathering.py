"""Forwarded messages that come together share one answer."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from handlers.buttons import Verb, unpacked
from handlers.gathering import Gathering
from handlers.outgoing import Address
from handlers.receipts import Receipts
from services.i18n import ENGLISH
from services.inbox import Delivery, Inbox
from services.notebook.notebook import Saved
from services.store.store import Store
from services.torrents import NoteId, PersonId
from tests.fake_clock import FakeClock
from tests.unit.outbox_world import ALICE, BOB, GROUP, World, opened

NOBODY: Any = None  # no bot is needed to read an update
ME, YOU = PersonId("tg:1"), PersonId("tg:2")


class Room:
    def __init__(self, world: World, inbox: Inbox) -> None:
        self.world, self.inbox = world, inbox
        self.receipts = Receipts(inbox)
        self.gathering = Gathering(world.outbox, self.receipts, world.clock)
        self.message_id = 0

    def forward(
        self,
        number: int | None,
        to: Address = ALICE,
        person: PersonId = ME,
        *,
        known: tuple[int, ...] = (),
        unread: bool = False,
    ) -> None:
        self.message_id += 1
        saved = None if number is None else Saved(NoteId(number), 2, 2, tuple(map(NoteId, known)))
        hint = not to.is_group
        self.gathering.add(
            to,
            person,
            saved,
            update_id=self.message_id,
            reply_to=self.message_id,
            t=ENGLISH,
            hint=hint,
            unread=unread,
        )

    def texts(self, to: Address = ALICE) -> list[str]:
        return self.world.telegram.texts(to.chat_id)

    def pressed(self, to: Address = ALICE) -> list[str]:
        """Return what the buttons of the chat's messages carry."""
        keyboards = [board for (chat, _), (_, board) in self.world.telegram.messages.items() if chat == to.chat_id]
        return [str(one.callback_data) for board in keyboards if board for row in board.inline_keyboard for one in row]


@pytest.fixture
def inbox(store: Store, clock: FakeClock) -> Inbox:
    return Inbox(store, clock, "tg:1")


@pytest.fixture
async def room(inbox: Inbox) -> AsyncIterator[Room]:
    async with opened() as world:
        room = Room(world, inbox)
        async with room.receipts, room.gathering:
            yield room


async def test_what_was_forwarded_is_not_done_before_the_answer_to_all_of_it_is_told(room: Room) -> None:
    await room.inbox.keep([Delivery(number, json.dumps({"update_id": number})) for number in (1, 2)])
    for update in await room.receipts.unfinished(NOBODY):
        room.forward(update.update_id)
        room.receipts.handled(update.update_id)
    await room.world.clock.advance(1.9)
    assert len(await room.inbox.unfinished()) == 2
    await room.world.clock.advance(0.2)
    assert room.texts() == ["#1–#2 saved, 4 magnets."]
    assert await room.inbox.unfinished() == []


async def test_of_an_answer_in_several_messages_those_that_were_told_are_not_again_after_a_stop_between_them(
    room: Room,
) -> None:
    """Numbers are everybody's: those of one person are too far apart for one button."""
    numbers = [number * 50 for number in range(1, 101)]
    await room.inbox.keep([Delivery(one, json.dumps({"update_id": one})) for one in numbers])
    for update in await room.receipts.unfinished(NOBODY):
        room.message_id = update.update_id - 1
        room.forward(update.update_id)
        room.receipts.handled(update.update_id)
    await room.world.clock.advance(2.1)
    told = {one for data in room.pressed() for one in unpacked(data.partition(":")[2]) or ()}
    assert 1 < len(told) < len(numbers)
    assert {one.number for one in await room.inbox.unfinished()} == {*numbers} - told
    await room.world.clock.advance(60)
    assert await room.inbox.unfinished() == []


async def test_a_hundred_that_come_within_two_seconds_of_each_other_are_answered_once(room: Room) -> None:
    for number in range(12, 112):
        room.forward(number)
        await room.world.clock.advance(1.9)
        assert room.texts() == []
    await room.world.clock.advance(0.2)
    assert room.texts() == ["#12–#111 saved, 200 magnets."]
    (call,) = room.world.telegram.calls
    assert call.reply is not None
    assert call.reply.message_id == 100, "below the last of them"
    (data,) = room.pressed()
    verb, _, about = data.partition(":")
    assert verb == Verb.CALIBRATE_ALL
    assert unpacked(about) == tuple(range(12, 112))


async def test_two_that_come_more_than_two_seconds_apart_are_answered_each(room: Room) -> None:
    room.forward(1)
    await room.world.clock.advance(2.1)
    room.forward(2)
    await room.world.clock.advance(2.1)
    assert room.texts() == ["#1 saved: 2 magnets.", "#2 saved: 2 magnets."]
    assert room.pressed() == ["calibrate:1", "calibrate:2"]


async def test_each_person_and_each_chat_is_answered_by_itself(room: Room) -> None:
    for number, (to, person) in enumerate([(GROUP, ME), (GROUP, YOU), (BOB, ME), (GROUP, ME)], start=1):
        room.forward(number, to, person)
    await room.world.clock.advance(9)
    assert sorted(room.texts(GROUP)) == ["#1, #4 saved, 4 magnets.", "#2 saved: 2 magnets."]
    assert room.texts(BOB) == ["#3 saved: 2 magnets."]


async def test_numbers_that_others_took_meanwhile_are_passed_over(room: Room) -> None:
    numbers = [1, 2, 3, 7, 9, 10]
    for number in numbers:
        room.forward(number)
    await room.world.clock.advance(3)
    assert room.texts() == ["#1–#3, #7, #9–#10 saved, 12 magnets."]
    assert unpacked(room.pressed()[0].partition(":")[2]) == tuple(numbers)


async def test_what_one_button_cannot_carry_is_answered_in_as_few_messages_as_can_be(room: Room) -> None:
    numbers = list(range(1000, 1300, 3))
    for number in numbers:
        room.forward(number)
    await room.world.clock.advance(60)
    carried = [unpacked(data.partition(":")[2]) or () for data in room.pressed()]
    assert sorted(one for some in carried for one in some) == numbers
    assert len(carried) == 2
    first = carried[0]
    assert room.texts()[0] == f"{len(first)} notes from #1000 to #{first[-1]} saved, {2 * len(first)} magnets."


async def test_the_same_magnets_as_before_are_said_but_for_those_within_the_batch(room: Room) -> None:
    room.forward(20, known=(3, 4))
    room.forward(21, known=(4, 7, 9, 20))
    await room.world.clock.advance(3)
    assert room.texts() == ["#20–#21 saved, 4 magnets; already in #3, #4, #7 and 1 more."]


async def test_messages_without_a_magnet_are_counted_in_private_and_nothing_in_a_group(room: Room) -> None:
    for to in (ALICE, GROUP):
        for number in (1, None, 2, None, None):
            room.forward(number, to)
    await room.world.clock.advance(3)
    assert room.texts() == ["#1–#2 saved, 4 magnets.\n3 messages without a magnet link were not kept."]
    assert room.texts(GROUP) == ["#1–#2 saved, 4 magnets."]


async def test_files_that_could_not_be_read_are_counted_everywhere(room: Room) -> None:
    for to in (ALICE, GROUP):
        room.forward(1, to, unread=True)
        room.forward(None, to)
    room.forward(2, GROUP, unread=True)
    await room.world.clock.advance(3)
    unread = "The file of 1 message could not be read: its caption alone is kept."
    assert room.texts() == [f"#1 saved: 2 magnets.\n{unread}\n1 message without a magnet link was not kept."]
    assert room.texts(GROUP) == [
        "#1–#2 saved, 4 magnets.\nThe files of 2 messages could not be read: their captions alone are kept."
    ]


async def test_only_messages_without_a_magnet_get_one_line_in_private_and_silence_in_a_group(room: Room) -> None:
    for to in (ALICE, GROUP):
        for _ in range(9):
            room.forward(None, to)
    await room.world.clock.advance(3)
    assert room.texts() == ["There is no magnet link in what you forwarded: nothing was kept."]
    assert room.texts(GROUP) == []


async def test_at_a_stop_the_answers_that_wait_are_given_at_once(inbox: Inbox) -> None:
    async with opened() as world:
        room = Room(world, inbox)
        async with room.gathering:
            for number in range(5, 9):
                room.forward(number, ALICE)
            room.forward(9, GROUP)
            await world.clock.advance(1)
        await world.clock.advance(0.5)
        assert room.texts() == ["#5–#8 saved, 8 magnets."]
        assert room.texts(GROUP) == ["#9 saved: 2 magnets."]
        room.forward(10)
        await world.clock.advance(0.5)
        assert room.texts()[1:] == ["#10 saved: 2 magnets."], "too late to wait for others"


async def test_what_a_stop_finds_waiting_is_sent_by_the_outbox_that_is_left_after_it(inbox: Inbox) -> None:
    async with opened() as world:
        room = Room(world, inbox)
        await room.gathering.__aenter__()
        room.forward(1)
        await room.gathering.__aexit__()
    assert room.texts() == ["#1 saved: 2 magnets."]


async def test_a_stop_with_nothing_that_waits_is_at_once(inbox: Inbox) -> None:
    async with opened() as world:
        room = Room(world, inbox)
        async with room.gathering:
            room.forward(1)
            await world.clock.advance(3)
        assert world.clock.sleeping <= 2, "nothing of ours"
        assert room.texts() == ["#1 saved: 2 magnets."]

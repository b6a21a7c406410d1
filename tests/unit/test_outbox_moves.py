"""A group becomes a supergroup: what waits for it goes there, whoever tells of it first."""

import asyncio
import io
from collections.abc import AsyncIterator

import pytest

from handlers.outbox import Address, FollowerId, Message, Rank
from handlers.outgoing import Document
from tests.unit.outbox_world import ALICE, GROUP, World, opened

SUPERGROUP = Address(-100500)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with opened() as world:
        yield world


def upgrade(world: World) -> None:
    world.telegram.upgraded[GROUP.chat_id] = SUPERGROUP.chat_id


async def a_live_card(world: World) -> FollowerId:
    follower = world.begin(1, GROUP)
    await world.clock.advance(1)
    world.report(follower, "running")
    await world.clock.advance(5)
    return follower


async def test_an_answer_goes_to_the_supergroup_and_replies_to_nothing(world: World) -> None:
    upgrade(world)
    for number in (1, 2):
        world.outbox.answer(GROUP, Message(f"answer {number}"), reply_to=7)
    await world.clock.advance(10)
    assert world.telegram.texts(SUPERGROUP.chat_id) == ["answer 1", "answer 2"]
    assert [call.reply for call in world.telegram.calls] == [None, None]


async def test_a_file_that_waits_goes_to_the_supergroup_whole(world: World) -> None:
    upgrade(world)
    file = io.BytesIO(b"the notebook")
    world.outbox.answer(GROUP, Message("export", document=Document("notes.json", file)))
    await world.clock.advance(10)
    assert [call.document for call in world.telegram.calls] == [("notes.json", b"the notebook")]
    assert file.closed


async def test_a_live_card_is_sent_anew_once_and_goes_on_there(world: World) -> None:
    follower = await a_live_card(world)
    upgrade(world)
    world.report(follower, "half way")
    await world.clock.advance(10)
    world.end(follower, "completed")
    await world.clock.advance(10)
    assert world.telegram.texts(SUPERGROUP.chat_id) == ["half way", "completed"]
    assert world.telegram.shown(SUPERGROUP.chat_id) == ["completed"]
    assert world.telegram.shown(GROUP.chat_id) == ["running"]


async def test_the_service_message_moves_what_waits_before_anything_is_refused(world: World) -> None:
    follower = await a_live_card(world)
    upgrade(world)
    world.telegram.slow[GROUP.chat_id] = 10
    world.end(follower, "completed")
    world.outbox.answer(GROUP, Message("first, under way"))
    await world.clock.advance(0.5)
    world.outbox.answer(GROUP, Message("second"))
    await world.outbox.moved(GROUP.chat_id, SUPERGROUP.chat_id)
    await world.clock.advance(3)
    assert world.telegram.texts(SUPERGROUP.chat_id) == ["second", "completed"]
    await world.clock.advance(20)
    assert world.telegram.texts(SUPERGROUP.chat_id) == ["second", "completed", "first, under way"]


async def test_any_number_of_words_of_it_show_a_card_once(world: World) -> None:
    follower = await a_live_card(world)
    upgrade(world)
    world.end(follower, "completed")
    for _ in range(3):
        await world.outbox.moved(GROUP.chat_id, SUPERGROUP.chat_id)
        await world.clock.advance(5)
    assert world.telegram.texts(SUPERGROUP.chat_id) == ["completed"]


async def test_what_is_marked_by_its_old_place_is_shown_at_its_new_one_alone(world: World) -> None:
    follower = await a_live_card(world)
    upgrade(world)
    await world.outbox.moved(GROUP.chat_id, SUPERGROUP.chat_id)
    world.cards.followers[follower].text = "completed"
    world.outbox.mark(follower, GROUP, Rank.END)  # by whoever read the follower just before
    await world.clock.advance(10)
    assert world.telegram.texts(SUPERGROUP.chat_id) == ["completed"]


async def test_an_edit_of_what_stands_in_the_old_group_is_let_go(world: World) -> None:
    world.outbox.answer(GROUP, Message("page 1"))
    await world.clock.advance(5)
    upgrade(world)
    world.outbox.edit(GROUP, 1, Message("page 2"))
    world.outbox.answer(GROUP, Message("hello"))
    await world.clock.advance(10)
    assert world.telegram.texts(SUPERGROUP.chat_id) == ["hello"]


async def test_while_the_store_fails_nothing_is_lost(world: World) -> None:
    follower = await a_live_card(world)
    upgrade(world)
    world.cards.store_down = 3
    world.outbox.answer(GROUP, Message("hello"))
    world.report(follower, "half way")
    await world.clock.advance(60)
    assert sorted(world.telegram.texts(SUPERGROUP.chat_id)) == ["half way", "hello"]
    assert set(world.cards.moves) == {(GROUP.chat_id, SUPERGROUP.chat_id)}


async def test_an_orderly_stop_sends_the_answers_of_an_upgraded_group_too() -> None:
    world = World.made()
    await world.outbox.__aenter__()
    upgrade(world)
    world.outbox.answer(GROUP, Message("hello"))
    leaving = asyncio.ensure_future(world.outbox.__aexit__(None, None, None))
    await world.clock.advance(7)
    await leaving
    assert world.telegram.texts(SUPERGROUP.chat_id) == ["hello"]


async def test_an_upgrade_holds_no_other_chat(world: World) -> None:
    upgrade(world)
    world.outbox.answer(GROUP, Message("hello"))
    world.outbox.answer(ALICE, Message("good day"))
    await world.clock.advance(0.5)
    assert world.telegram.texts(ALICE.chat_id) == ["good day"]

"""Boards in the topics of one forum: what folds in one leaves the others alone, and is told of there."""

import re

import pytest

from handlers.outgoing import Address
from services.store.store import Store
from services.torrents import NotebookId
from tests.fake_clock import FakeClock
from tests.unit.board_world import GROUP, Begin, World, knows, starts
from tests.unit.fakes import FakeEngine

FILMS, SONGS = Address(GROUP.chat_id, 4), Address(GROUP.chat_id, 9)


@pytest.fixture
def begin(store: Store, clock: FakeClock, engine: FakeEngine, notebook: NotebookId) -> Begin:
    return starts(store, clock, engine, notebook)


def sizes(world: World, topic: Address) -> list[str]:
    return [re.sub("</?b>", "", board).split(":")[0] for board in world.boards(topic)]


async def three_each(world: World) -> None:
    for number in range(3):
        for topic in (FILMS, SONGS):
            await world.ask(f"{topic} {number}", to=topic)
    await world.passes(20)


async def test_what_folds_in_one_topic_leaves_the_cards_of_another_alone(begin: Begin) -> None:
    async with begin() as world:
        await three_each(world)
        assert [len(world.living(topic)) for topic in (FILMS, SONGS)] == [3, 3]
        assert world.boards() == []
        await world.ask("one more", to=FILMS)
        await world.passes(20)
        (board,) = world.boards()
        assert "running</b> · 4 tasks: 0 found, 0 not, 4 left" in board
        assert world.boards(FILMS) == [board]
        assert len(world.living(SONGS)) == 3
        await world.at_rest()
        assert [text.split(" ")[0] for text in world.shown(SONGS)] == ["<b>failed</b>"] * 3
        assert sum(text.endswith(" is shown in another message now.") for text in world.shown(FILMS)) == 3


async def test_boards_of_two_topics_are_apart_each_in_its_own_thread(begin: Begin) -> None:
    async with begin() as world:
        await three_each(world)
        for topic in (FILMS, SONGS, SONGS):
            await world.ask(f"{topic} {len(await world.followers.unfinished())}", to=topic)
        await world.passes(20)
        assert [sizes(world, topic) for topic in (FILMS, SONGS)] == [["running · 4 tasks"], ["running · 5 tasks"]]
        assert len(world.boards()) == 2, "and none beside the topics"
        await world.at_rest()
        assert [sizes(world, topic) for topic in (FILMS, SONGS)] == [["failed · 4 tasks"], ["failed · 5 tasks"]]
        assert world.living() == []


async def test_lists_and_replies_that_tell_ends_of_a_topics_board_go_to_that_topic(
    begin: Begin, engine: FakeEngine
) -> None:
    engine.delay = 0.01
    async with begin() as world:
        quick = knows(engine, 150)
        for word in quick:
            await world.ask(word, to=FILMS)
        await world.at_rest()
        engine.delay = 50
        for number in range(10):
            engine.knows(f"late {number}", f"late {number}.")
            await world.ask(f"late {number}", to=FILMS, reply_to=20 + number)
        await world.at_rest()
        lists = [call for call in world.telegram.calls if call.text.startswith("These have ended:")]
        assert {call.reply is not None for call in lists} == {True, False}, "a list, and a reply to who waited"
        assert {call.thread_id for call in world.telegram.calls if call.edits is None} == {FILMS.thread_id}


async def test_a_restart_goes_on_in_the_board_of_each_topic(begin: Begin) -> None:
    async with begin() as world:
        for topic in (FILMS, SONGS):
            for number in range(4):
                await world.ask(f"{topic} {number}", to=topic)
        await world.passes(30)
        assert [sizes(world, topic) for topic in (FILMS, SONGS)] == [["running · 4 tasks"]] * 2
    async with begin() as world:
        await world.at_rest()
        assert [sizes(world, topic) for topic in (FILMS, SONGS)] == [["failed · 4 tasks"]] * 2
        assert world.living() == []

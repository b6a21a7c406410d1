"""What Telegram has taken and the store has not: it is stored as soon as the store works, whatever Telegram does."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from services.calibration.boards import Boards
from services.calibration.followers import Followership
from services.errors import StoreUnavailable
from services.store.store import Store
from services.torrents import NotebookId
from tests.fake_clock import FakeClock
from tests.unit.board_world import ALICE, GROUP, Begin, UnevenEngine, World, knows, starts
from tests.unit.fakes import FakeEngine


@pytest.fixture
def engine(clock: FakeClock) -> UnevenEngine:
    return UnevenEngine(clock)


@pytest.fixture
def begin(store: Store, clock: FakeClock, engine: FakeEngine, notebook: NotebookId) -> Begin:
    return starts(store, clock, engine, notebook)


async def _down(*_: object, **__: object) -> None:
    raise StoreUnavailable(reason="disk full")


@contextmanager
def nothing_is_stored_as_shown() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as broken:
        broken.setattr(Followership, "shown", _down)
        broken.setattr(Boards, "shown", _down)
        yield


async def shows_a_card(world: World, word: str = "a") -> None:
    """Have a card sent whose number is not stored."""
    with nothing_is_stored_as_shown():
        await world.ask(word, to=ALICE)
        await world.passes(2)
        assert len(world.living(ALICE)) == 1


async def shows_a_board(world: World) -> None:
    """Have a board sent whose number is not stored."""
    with nothing_is_stored_as_shown():
        for word in "abcd":
            await world.ask(word)
        await world.passes(2)
        assert len(world.boards()) == 1


async def test_a_card_goes_on_after_a_restart_in_which_telegram_could_not_be_reached_before(begin: Begin) -> None:
    async with begin() as world:
        await shows_a_card(world)
        world.telegram.down = True
        await world.passes(20)
    async with begin() as world:
        world.telegram.down = False
        await world.at_rest()
        assert [text.split(" ")[0] for text in world.shown(ALICE)] == ["<b>failed</b>"]


async def test_a_board_goes_on_after_a_restart_in_which_telegram_could_not_be_reached_before(begin: Begin) -> None:
    async with begin() as world:
        await shows_a_board(world)
        world.telegram.down = True
        await world.passes(20)
    async with begin() as world:
        world.telegram.down = False
        await world.at_rest()
        assert world.living() == []
        assert len(world.boards()) == 1


async def test_a_card_in_a_chat_that_is_closed_then_goes_on_when_it_is_open_again(begin: Begin) -> None:
    async with begin() as world:
        await shows_a_card(world)
        world.telegram.blocked.add(ALICE.chat_id)
        await world.passes(100)
        world.telegram.blocked.clear()
        await world.live.somebody_is_at(ALICE, everywhere=True)
        await world.at_rest()
        assert [text.split(" ")[0] for text in world.shown(ALICE)] == ["<b>failed</b>"]


async def test_a_card_that_is_folded_in_a_chat_that_is_closed_then_says_where_to_look_when_it_is_open_again(
    begin: Begin,
) -> None:
    async with begin() as world:
        with nothing_is_stored_as_shown():
            await world.ask("a")
            await world.passes(2)
            world.telegram.blocked.add(GROUP.chat_id)
            for word in "bcd":
                await world.ask(word)
            await world.passes(20)
        await world.passes(100)
        world.telegram.blocked.clear()
        await world.live.somebody_is_at(GROUP, everywhere=True)
        await world.at_rest()
        assert world.living() == []


async def test_a_board_whose_group_becomes_another_then_does_not_take_its_number_along(
    begin: Begin, store: Store
) -> None:
    await store.write(lambda tx: tx.notebooks.open(str(GROUP), 0))
    async with begin() as world:
        await shows_a_board(world)
        await world.live.moved(GROUP.chat_id, -600)
        await world.passes(4)
        assert [board.message_id for board in await world.followers.boards.open()] != [1]


async def test_it_is_one_message_and_no_answer_waits_for_it(begin: Begin) -> None:
    async with begin() as world:
        with nothing_is_stored_as_shown():
            await world.ask("a", to=ALICE)
            await world.passes(70)
            assert len(world.telegram.calls) == 1
            await world.ask("b", to=ALICE)
            await world.passes(1)
            assert len(world.shown(ALICE)) == 2
        await world.at_rest()
        assert [text.split(" ")[0] for text in world.shown(ALICE)] == ["<b>failed</b>"] * 2


async def test_ends_are_listed_once(begin: Begin, engine: UnevenEngine) -> None:
    engine.delay = 0.01
    async with begin() as world:
        for word in knows(engine, 150):
            await world.ask(word)
        for _ in range(20):
            with nothing_is_stored_as_shown():
                await world.passes(1.5)
            await world.passes(0.5)
        await world.at_rest()
        told = "\n".join(text for text in world.shown() if text.startswith("These have ended:"))
        assert told
        assert [word for word in range(150) if told.count(f"name w{word}.") > 1] == []


async def test_an_orderly_stop_stores_what_the_store_takes_again(begin: Begin) -> None:
    async with begin() as world:
        with nothing_is_stored_as_shown():
            await world.ask("a", to=ALICE)
            await world.clock.advance(0.3)
        assert len(world.living(ALICE)) == 1
    async with begin() as world:
        await world.at_rest()
        assert [text.split(" ")[0] for text in world.shown(ALICE)] == ["<b>failed</b>"]

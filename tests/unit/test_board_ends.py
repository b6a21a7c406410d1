"""No end of a list goes untold: also one that comes while another leaves it, or whose chat gets another number."""

import pytest

from handlers.outgoing import Address
from services.calibration.boards import Boards
from services.calibration.follower import BoardId, FollowerId
from services.store.store import Store
from services.torrents import NotebookId, TaskId
from tests.fake_clock import FakeClock
from tests.unit.board_world import GROUP, Begin, UnevenEngine, knows, starts
from tests.unit.name_world import guessed


@pytest.fixture
def engine(clock: FakeClock) -> UnevenEngine:
    return UnevenEngine(clock)


@pytest.fixture
def begin(store: Store, clock: FakeClock, engine: UnevenEngine, notebook: NotebookId) -> Begin:
    return starts(store, clock, engine, notebook)


@pytest.fixture
def guesses(engine: UnevenEngine) -> None:
    for word in ("guess 0", "guess 1"):  # not in the loop: how to read them is loaded from files
        engine.knows(word, guessed(word))


@pytest.mark.parametrize("words", [("guess",), ("one", "other")], ids=["guess", "batch"])
async def test_an_end_that_comes_while_another_is_taken_off_has_its_card_too(
    begin: Begin,
    engine: UnevenEngine,
    clock: FakeClock,
    guesses: None,
    words: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    take_off, tasks = Boards.take_off, list[TaskId]()
    async with begin() as world:

        async def behind_the_others_end(self: Boards, board: BoardId, apart: list[FollowerId]) -> None:
            while (other := await world.manager.get_task_status(tasks[1])) and not other.task.state.ended:
                await clock.sleep(0.01)
            await take_off(self, board, apart)

        monkeypatch.setattr(Boards, "take_off", behind_the_others_end)
        engine.delay = 50
        for word in knows(engine, 3):
            await world.ask(word)
        await world.passes(20)
        for number in range(2):
            engine.delay = 10 + 5 * number
            asked = [f"{word} {number}" for word in words]
            for word in asked if len(words) > 1 else ():
                engine.knows(word, f"name {word}.")
            tasks.append(await world.ask(*asked, reply_to=30 + number))
            await world.clock.advance(0.6)
        await world.at_rest()
        cards = [text for text in world.shown() if ("Which of these" if len(words) == 1 else "2 of 2 found") in text]
        assert len([one for one in cards if one.startswith("<b>completed</b> · <code>")]) == 2


@pytest.mark.parametrize("wait", [0, 3, 10, 20])
async def test_ends_that_a_list_has_only_counted_are_told_where_the_group_has_become_another(
    begin: Begin, engine: UnevenEngine, store: Store, wait: float
) -> None:
    became = Address(-600)
    await store.write(lambda tx: tx.notebooks.open(str(GROUP), 0))
    words = knows(engine, 25)
    engine.delay = 0.05
    async with begin() as world:
        for number in range(10):
            await world.ask(f"dead {number}")
        for number, word in enumerate(words):
            await world.ask(word, reply_to=20 + number, person=2 + number % 6)
        for number in range(6):
            await world.ask(f"dead too {number}")
        while not any(" 25 found" in text for text in world.boards()):
            await world.passes(0.5)
        await world.passes(wait)
        world.telegram.upgraded[GROUP.chat_id] = became.chat_id
        await world.live.moved(GROUP.chat_id, became.chat_id)
        await world.passes(90)
        told = "\n".join(world.telegram.texts(GROUP.chat_id) + world.telegram.texts(became.chat_id))
        assert [word for word in words if f"name {word}." not in told] == []

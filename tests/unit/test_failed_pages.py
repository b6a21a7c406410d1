"""Which pages of what was not found, or replaced, a press may turn to, and what its message shows then."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio

from handlers.buttons import Verb
from handlers.cards import LOST_PAGE
from services.calibration.follower import NewFollower
from services.calibration.manager import AsyncCalibrationManager
from services.calibration.task import NoteRequest
from services.errors import NotFound
from services.store.store import Store
from services.torrents import NotebookId, TaskId
from tests.fake_clock import FakeClock
from tests.unit.conftest import Run
from tests.unit.fakes import FakeEngine, hashes
from tests.unit.name_world import World, link
from tests.unit.test_presses import ALICE, CARD, Presser

NO_LONGER = "This button is no longer in use."


@dataclass
class Board:
    """A task, its card, and somebody who presses."""

    manager: AsyncCalibrationManager
    presser: Presser
    clock: FakeClock
    task_id: TaskId

    async def press(self, verb: Verb, page: int = 0, *, on_card: bool = True) -> str | None:
        about = f"{self.task_id}:{page}" if page else self.task_id
        return await self.presser.press(verb, about, stands=on_card)

    async def shown(self) -> str:
        message = await self.presser.live.render((await self.presser.follower()).id)
        assert message is not None
        return message.message.html


@pytest_asyncio.fixture
async def board(
    run: Run, engine: FakeEngine, clock: FakeClock, store: Store, notebook: NotebookId
) -> AsyncIterator[Board]:
    words = [f"lost {number}" for number in range(LOST_PAGE + 2)]
    for word in words:
        engine.knows(word, NotFound(reason="no"))
    async with run() as manager:
        task_id = await manager.submit_task(
            request=hashes(*words),
            notebook=notebook,
            asked_by=ALICE,
            cause="command",
            follower=NewFollower(address="tg:1", message_id=CARD),
        )
        yield Board(manager, Presser(manager, store, clock), clock, task_id)


async def test_a_page_that_the_message_has_no_button_for_is_not_turned_to(board: Board) -> None:
    await board.clock.advance(5)
    await board.presser.show()
    for verb, page in [(Verb.FAILED, 0), (Verb.FAILED, 1), (Verb.FAILED, 77), (Verb.CARD, 0)]:
        assert await board.press(verb, page, on_card=False) == NO_LONGER
    assert board.presser.box.marks == []
    assert (await board.presser.follower()).failed_page is None


async def test_a_page_is_turned_to_and_back_where_its_button_stands(board: Board) -> None:
    await board.clock.advance(5)
    assert await board.press(Verb.FAILED) is None
    assert "Not found: 1–10 of 12" in await board.shown()
    assert await board.press(Verb.FAILED, 1) is None
    assert "Not found: 11–12 of 12" in await board.shown()
    assert await board.press(Verb.CARD) is None
    assert "Not found" not in await board.shown()


async def test_a_page_of_a_task_that_was_begun_again_meanwhile_is_not_what_its_end_shows(board: Board) -> None:
    await board.clock.advance(5)
    await board.manager.retry_task(board.task_id, notebook=(await board.presser.follower()).notebook, asked_by=ALICE)
    await board.press(Verb.FAILED)  # from a card that was not yet edited
    await board.clock.advance(5)
    assert "Not found" not in await board.shown()
    assert "failed" in await board.shown()


async def test_a_page_beyond_the_last_is_the_card(board: Board) -> None:
    await board.clock.advance(5)
    await board.press(Verb.FAILED, 77)
    assert "Not found" not in await board.shown()


@pytest.mark.parametrize("verb", [Verb.FAILED, Verb.UNDO_TASK])
async def test_what_a_press_asks_for_is_shown_though_an_earlier_edit_was_on_its_way(verb: Verb, board: Board) -> None:
    await board.clock.advance(5)
    follower = await board.presser.follower()
    on_its_way = await board.presser.live.render(follower.id)
    assert on_its_way is not None
    if verb is Verb.FAILED:
        await board.press(verb)
    else:
        await board.presser.followers.again(board.task_id)  # as an undo does
    await board.presser.live.shown(follower.id, on_its_way, CARD)  # its answer comes after the press
    assert (await board.presser.follower()).end_shown_at is None
    if verb is Verb.FAILED:
        assert "Not found: 1–10 of 12" in await board.shown()
    await board.presser.show()
    assert (await board.presser.follower()).end_shown_at is not None


async def test_every_old_name_can_be_kept_on_a_page_of_its_own_and_the_message_stays_there(
    run: Run, engine: FakeEngine, clock: FakeClock, store: Store, notebook: NotebookId
) -> None:
    world, words = World(store, notebook, clock, engine), [f"word {number}" for number in range(7)]
    for word in words:
        engine.knows(word, f"{word}.iso")
    async with run() as manager:
        notes = [await world.add(link(word, f"Old-{word[5:]}"), word) for word in words]
        task_id = await manager.submit_task(
            request=NoteRequest(tuple(notes), named=tuple(notes)),
            notebook=notebook,
            asked_by=ALICE,
            cause="command",
            follower=NewFollower(address="tg:1", message_id=CARD),
        )
        await clock.advance(5)
        board = Board(manager, Presser(manager, store, clock), clock, task_id)
        assert await board.press(Verb.REPLACED, on_card=False) == NO_LONGER
        assert await board.press(Verb.REPLACED) is None
        shown = await board.shown()
        assert [f"was: Old-{number} →" in shown for number in range(7)] == [True] * 5 + [False] * 2
        assert await board.press(Verb.REPLACED, 5) is None
        shown = await board.shown()
        assert "was: Old-4" not in shown
        assert "was: Old-6 → now: word 6.iso" in shown
        await board.presser.press(Verb.KEEP_OLD, f"{task_id}:6")
        assert await world.text(notes[6]) == link("word 6", "Old-6")
        shown = await board.shown()
        assert "was: Old-5" in shown
        assert "Old-6" not in shown
        await board.presser.press(Verb.KEEP_OLD, f"{task_id}:5")
        assert "was: Old-4" in await board.shown(), "where nothing is left, what came before"
        await board.presser.services.history.undo(notebook, notes[6], person=ALICE)  # which writes it again
        assert "was: Old-4" in await board.shown()
        assert await board.press(Verb.CARD) is None
        assert "Old names that" not in await board.shown()

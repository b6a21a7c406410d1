"""When the tasks of a place are shown by one board, and what is stored of it."""

from dataclasses import dataclass

import pytest

from services.calibration.board import Board, Line, LineShown
from services.calibration.boards import Boards
from services.calibration.follower import Follower, NewFollower, Place
from services.calibration.followers import Followership
from services.calibration.manager import AsyncCalibrationManager
from services.calibration.task import State
from services.errors import LookupFailed
from services.store.store import Store
from services.torrents import NotebookId, PersonId, TaskId
from tests.fake_clock import FakeClock, settle
from tests.unit.fakes import FakeEngine, hashes

ALICE = PersonId("tg:1")
HERE, THERE = "tg:100", "tg:200"


@dataclass
class World:
    manager: AsyncCalibrationManager
    store: Store
    notebook: NotebookId
    clock: FakeClock

    @property
    def followers(self) -> Followership:
        return Followership(self.store, self.clock)

    @property
    def boards(self) -> Boards:
        return Boards(self.store, self.clock)

    async def ask(self, word: str, address: str = HERE, *, alone: int | None = 3, becomes: int | None = None) -> TaskId:
        return await self.manager.submit_task(
            request=hashes(word),
            notebook=self.notebook,
            asked_by=ALICE,
            cause="command",
            follower=NewFollower(address=address, reply_to=7, message_id=becomes, alone=alone),
        )

    async def retry(self, task_id: TaskId) -> None:
        await self.manager.retry_task(task_id, notebook=self.notebook, asked_by=ALICE)

    async def one(self, task_id: TaskId) -> Follower:
        (one,) = await self.followers.of(task_id)
        return one

    async def lines(self, board: Board) -> list[TaskId]:
        return [line.task_id for line in await self.all_lines(board)]

    async def all_lines(self, board: Board) -> list[Line]:
        listed = await self.boards.get(board.id)
        assert listed is not None
        return list(listed.lines)

    async def close(self, board: Board) -> None:
        """Tell all its ends."""
        await self.boards.shown(
            board.id, [told(line) for line in await self.all_lines(board)], at=(board.address, 60), last=True
        )


def told(line: Line) -> LineShown:
    return LineShown(
        follower=line.follower, task_id=line.task_id, attempt=line.attempt, state=line.state, told=line.state.ended
    )


@pytest.fixture
def world(store: Store, notebook: NotebookId, clock: FakeClock, engine: FakeEngine) -> World:
    engine.knows("lost", LookupFailed())
    for word in ("found", "found too", "found as well", "found at last"):
        engine.knows(word, word)
    manager = AsyncCalibrationManager(engine, tasks=store, clock=clock)
    return World(manager, store, notebook, clock)


async def test_as_many_as_may_stand_alone_do_and_one_more_folds_them_all(world: World) -> None:
    async with world.manager:
        tasks = [await world.ask(word) for word in "abc"]
        assert await world.boards.open() == []
        tasks.append(await world.ask("d"))
        (board,) = await world.boards.open()
        assert (board.address, board.reply_to, board.message_id) == (HERE, 7, None)
        assert await world.lines(board) == tasks
        tasks.append(await world.ask("e"))
        assert await world.boards.open() == [board]
        assert await world.lines(board) == tasks


async def test_other_places_and_those_that_never_fold_count_for_themselves(world: World) -> None:
    async with world.manager:
        for word in "abc":
            await world.ask(word)
            await world.ask(word, THERE)
        for number, word in enumerate("abcdefgh"):
            await world.ask(word, f"{HERE}:{number}")
            await world.ask(word, "page", alone=None)
        assert await world.boards.open() == []


async def test_what_has_shown_its_end_counts_no_more_even_when_it_shows_it_again(world: World) -> None:
    async with world.manager:
        ended = [await world.ask(word) for word in ("found", "found too")]
        await world.clock.advance(1)
        for task_id in ended:
            await world.followers.shown(await world.one(task_id), 50 + len(task_id), 1, State.COMPLETED)
        unshown = await world.ask("found as well")
        await world.clock.advance(1)
        await world.followers.again(ended[0])
        await world.ask("a")
        await world.ask("b")
        assert await world.boards.open() == []
        await world.ask("c")
        (board,) = await world.boards.open()
        assert (await world.lines(board))[0] == unshown
        assert len(await world.lines(board)) == 4


async def test_a_message_that_becomes_a_card_in_a_crowd_is_on_the_board_and_has_still_to_say_so(world: World) -> None:
    async with world.manager:
        for word in "abc":
            await world.ask(word)
        pressed = await world.one(await world.ask("d", becomes=50))
        assert pressed.leaving
        assert await world.followers.leaving() == [pressed]
        await world.followers.left(pressed)
        assert await world.followers.leaving() == []
        assert await world.followers.at(HERE, 50) is None
        again = await world.one(await world.ask("e", becomes=50))
        assert again.leaving, "the same message, pressed for another task"


async def test_an_adopted_message_folds_as_a_new_one(world: World) -> None:
    async with world.manager:
        task_id, *_ = [await world.ask(word) for word in "abc"]
        adopted = NewFollower(address=HERE, message_id=50, alone=3)
        await world.followers.adopt(task_id, world.notebook, adopted)
        (board,) = await world.boards.open()
        assert len(await world.lines(board)) == 4


async def test_a_card_whose_end_was_on_its_way_while_it_folded_is_off_the_board(world: World) -> None:
    async with world.manager:
        on_its_way = await world.one(await world.ask("found"))
        await world.clock.advance(1)
        for word in "abc":
            await world.ask(word)
        after = await world.followers.shown(on_its_way, 50, 1, State.COMPLETED)
        assert after is not None
        assert (after.on_board, after.message_id) == (None, 50)
        (board,) = await world.boards.open()
        assert len(await world.lines(board)) == 3


async def test_a_card_that_was_on_its_way_while_it_folded_has_still_to_say_where_its_task_is(world: World) -> None:
    async with world.manager:
        on_its_way = await world.one(await world.ask("a"))
        for word in "bcd":
            await world.ask(word)
        after = await world.followers.shown(on_its_way, 50, 1, State.RUNNING)
        assert after is not None
        assert after.leaving


async def test_a_board_closes_with_its_last_word_unless_an_end_is_still_to_come(world: World) -> None:
    async with world.manager:
        for word in ("found", "found too", "lost", "a"):
            await world.ask(word)
        await world.clock.advance(1)
        (board,) = await world.boards.open()
        await world.close(board)
        assert len(await world.boards.open()) == 1
        await world.clock.advance(60)
        lines = await world.all_lines(board)
        assert [line.fresh for line in lines] == [False, False, False, True]
        await world.close(board)
        assert await world.boards.open() == []
        assert await world.boards.at(HERE, 60) is not None
        await world.ask("b")
        assert await world.boards.open() == [], "a new one stands alone again"


async def test_what_is_retried_stays_on_an_open_board_and_stands_alone_after_a_closed_one(world: World) -> None:
    async with world.manager:
        lost = await world.ask("lost")
        for word in ("found", "found too", "found as well"):
            await world.ask(word)
        await world.clock.advance(1)
        (board,) = await world.boards.open()
        lines = await world.all_lines(board)
        await world.boards.shown(board.id, [told(lines[0])], at=(HERE, 60))
        await world.retry(lost)
        assert (await world.one(lost)).on_board == board.id
        assert [line.told for line in await world.all_lines(board)] == [False] * 4
        await world.boards.shown(board.id, [told(lines[0])])
        assert not (await world.all_lines(board))[0].told, "the retry has overtaken it"
        await world.clock.advance(1)
        await world.close(board)
        await world.retry(lost)
        alone = await world.one(lost)
        assert (alone.on_board, alone.message_id, alone.end_shown_at) == (None, None, None)
        assert len(await world.lines(board)) == 3


async def test_a_board_of_a_closed_place_is_behind_until_a_text_of_its_own_has_all_its_ends(
    world: World, engine: FakeEngine
) -> None:
    async with world.manager:
        for word in "abcd":
            engine.knows(word, LookupFailed())
            await world.ask(word)
        (board,) = await world.boards.open()
        lines = await world.all_lines(board)
        await world.boards.shown(board.id, [told(line) for line in lines], at=(HERE, 60))
        await world.followers.close(Place(HERE, whole=True))
        await world.boards.shown(board.id, [told(line) for line in lines], at=(HERE, 60))
        await world.clock.advance(3)
        ends = [told(line) for line in await world.all_lines(board)]
        await world.boards.shown(board.id, ends)  # by another message
        assert [one.id for one in await world.boards.behind()] == [board.id]
        await world.boards.shown(board.id, (), at=(HERE, 60), last=True)
        assert await world.boards.behind() == []


async def test_many_that_are_retried_at_once_fold_onto_a_new_board(world: World, engine: FakeEngine) -> None:
    async with world.manager:
        for word in "abcdef":
            engine.knows(word, LookupFailed())
        tasks = [await world.ask(word) for word in "abcdef"]
        await world.clock.advance(3)
        (board,) = await world.boards.open()
        await world.close(board)
        for task_id in tasks:
            await world.retry(task_id)
        (other,) = [one for one in await world.boards.open() if not one.closed]
        assert other.id != board.id
        assert await world.lines(other) == tasks
        assert [one.id for one in await world.boards.behind()] == [board.id]


async def test_a_note_that_changes_or_a_press_elsewhere_brings_no_end_of_a_board_again(world: World) -> None:
    async with world.manager:
        task_id, *_ = [await world.ask(word) for word in ("found", "found too", "found as well", "lost")]
        await world.clock.advance(1)
        (board,) = await world.boards.open()
        await world.close(board)
        await world.followers.again(task_id)
        await world.store.write(lambda tx: tx.followers.renew([task_id]))
        assert await world.followers.unfinished() == []


async def test_a_message_that_nobody_follows_becomes_the_board_that_has_none(world: World) -> None:
    async with world.manager:
        for word in "abcd":
            await world.ask(word)
        (board,) = await world.boards.open()
        assert not await world.boards.adopt(board.id, THERE, 60)
        assert await world.boards.adopt(board.id, HERE, 60)
        assert await world.boards.adopt(board.id, HERE, 60), "pressed before what was sent was stored"
        assert not await world.boards.adopt(board.id, HERE, 61)
        await world.boards.lost_message(board.id)
        assert await world.boards.adopt(board.id, HERE, 61)


async def test_boards_are_forgotten_with_their_followers(world: World) -> None:
    async with world.manager:
        for word in ("found", "found too", "found as well", "lost"):
            await world.ask(word)
        await world.clock.advance(1)
        (board,) = await world.boards.open()
        await world.close(board)
        await settle()
        await world.clock.advance(89 * 86400)
        await world.manager.cleanup_old_tasks()
        listed = await world.boards.get(board.id)
        assert listed is not None
        assert [(line.forgotten, line.state) for line in listed.lines] == [
            (True, State.COMPLETED), (True, State.COMPLETED), (True, State.COMPLETED), (True, State.FAILED)
        ]  # fmt: skip
        await world.clock.advance(2 * 86400)
        await world.manager.cleanup_old_tasks()
        assert await world.boards.get(board.id) is None


# A place that gets another name.


async def test_an_open_board_moves_with_its_place_and_leaves_its_message_behind(world: World) -> None:
    async with world.manager:
        tasks = [await world.ask(str(number)) for number in range(4)]
        (board,) = await world.boards.open()
        await world.boards.shown(board.id, [], at=(HERE, 60))
        await world.store.write(lambda tx: tx.boards.move(HERE, THERE))
        await world.store.write(lambda tx: tx.followers.move(HERE, THERE))
        (moved,) = await world.boards.open()
        assert (moved.id, moved.address, moved.message_id) == (board.id, THERE, None)
        assert await world.lines(moved) == tasks
        await world.store.write(lambda tx: tx.boards.move(HERE, THERE))
        assert await world.boards.open() == [moved], "told of it again"


async def test_where_a_board_is_open_already_the_lines_go_to_that_one(world: World) -> None:
    async with world.manager:
        there = [await world.ask(str(number), THERE) for number in range(4)]
        (board,) = await world.boards.open()
        here = [await world.ask(str(number)) for number in range(4, 8)]
        await world.store.write(lambda tx: tx.boards.move(HERE, THERE))
        await world.store.write(lambda tx: tx.followers.move(HERE, THERE))
        assert await world.boards.open() == [board]
        assert await world.lines(board) == [*there, *here]

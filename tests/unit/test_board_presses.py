"""What presses on a board do, without a Telegram."""

from handlers.board_status import BoardCard
from handlers.buttons import Verb
from handlers.outgoing import Address, TheBoard
from handlers.slots import Rank
from services.calibration.board import Board
from services.calibration.follower import NewFollower
from services.calibration.task import State
from services.errors import LookupFailed
from services.store.store import Store
from services.torrents import NotebookId, PersonId, TaskId
from tests.fake_clock import FakeClock
from tests.unit.conftest import Run
from tests.unit.fakes import FakeEngine, hashes
from tests.unit.test_presses import CARD, Presser

HERE = "tg:1"
NOT_THEIRS = "Only the person who asked for it, or an administrator, may do that."


async def asked(presser: Presser, notebook: NotebookId, *words: str, person: int = 1) -> list[TaskId]:
    return [
        await presser.manager.submit_task(
            request=hashes(word),
            notebook=notebook,
            asked_by=PersonId(f"tg:{person}"),
            cause="command",
            follower=NewFollower(address=HERE, reply_to=7, alone=3),
        )
        for word in words
    ]


async def put_up(presser: Presser, message_id: int = CARD) -> Board:
    """Let the open board be shown as *message_id*, and return it."""
    (board,) = await presser.followers.boards.open()
    card = await presser.live.render(TheBoard(board.id))
    assert isinstance(card, BoardCard)
    await presser.live.shown(TheBoard(board.id), card, message_id)
    return board


async def states(presser: Presser, board: Board) -> list[State]:
    listed = await presser.followers.boards.get(board.id)
    assert listed is not None
    return [line.state for line in listed.lines]


async def html(presser: Presser, board: Board) -> str:
    card = await presser.live.render(TheBoard(board.id))
    assert card is not None
    return card.message.html


async def test_cancel_all_asks_once_and_a_no_takes_the_question_back(
    run: Run, clock: FakeClock, store: Store, notebook: NotebookId
) -> None:
    async with run() as manager:
        presser = Presser(manager, store, clock)
        await asked(presser, notebook, *"abcd")
        board = await put_up(presser)
        assert await presser.press(Verb.ASK_CANCEL_ALL, board.id) is None
        assert "Cancel all 4 tasks?" in await html(presser, board)
        assert await presser.press(Verb.KEEP_ALL, board.id) is None
        assert "Cancel all" not in await html(presser, board)
        assert await presser.press(Verb.CANCEL_ALL, board.id) == "Stopped 4 tasks."
        assert set(await states(presser, board)) == {State.CANCELLED}


async def test_whoever_may_touch_only_their_own_cancels_and_retries_those_alone(
    run: Run, clock: FakeClock, store: Store, notebook: NotebookId, engine: FakeEngine
) -> None:
    for word in "abcdef":
        engine.knows(word, LookupFailed())
    engine.delay = 5
    async with run(max_workers=9) as manager:
        presser = Presser(manager, store, clock)
        await asked(presser, notebook, *"abcd", person=1)
        await asked(presser, notebook, "e", person=2)
        board = await put_up(presser)
        assert await presser.press(Verb.CANCEL_ALL, board.id, who=3) == NOT_THEIRS
        assert await presser.press(Verb.CANCEL_ALL, board.id, who=2) == "Stopped 1 task. 4 are others'."
        await clock.advance(6)
        assert await states(presser, board) == [State.FAILED] * 4 + [State.CANCELLED]
        assert await presser.press(Verb.RETRY_ALL, board.id, who=3) == NOT_THEIRS
        assert await presser.press(Verb.RETRY_ALL, board.id, who=2) == "Trying 1 task again."
        assert await presser.press(Verb.RETRY_ALL, board.id, who=1) == "Trying 4 tasks again."  # an owner, everyone's


async def test_a_board_whose_number_was_told_to_nobody_is_adopted_by_a_press(
    run: Run, clock: FakeClock, store: Store, notebook: NotebookId
) -> None:
    async with run() as manager:
        presser = Presser(manager, store, clock)
        await asked(presser, notebook, *"abcd")
        (board,) = await presser.followers.boards.open()
        assert await presser.press(Verb.BOARD, board.id, stands=False) == "This button is no longer in use."
        assert await presser.press(Verb.BOARD, board.id) is None
        adopted = await presser.followers.boards.at(HERE, CARD)
        assert adopted is not None
        assert adopted.id == board.id
        assert await presser.press(Verb.BOARD, board.id, stands=False) is None, (
            "edited since: it is the board all the same"
        )


async def test_a_board_in_a_closed_chat_is_tried_again_when_it_is_pressed(
    run: Run, clock: FakeClock, store: Store, notebook: NotebookId
) -> None:
    async with run() as manager:
        presser = Presser(manager, store, clock)
        await asked(presser, notebook, *"abcd")
        board = await put_up(presser)
        presser.live.closed(Address.parse(HERE), whole=True)
        await presser.live.poll()
        assert presser.box.marks == []
        assert await presser.press(Verb.BOARD, board.id) is None
        await presser.live.poll()
        assert (TheBoard(board.id), Rank.END) in presser.box.marks


async def test_another_message_of_a_board_says_that_the_list_goes_on_elsewhere(
    run: Run, clock: FakeClock, store: Store, notebook: NotebookId
) -> None:
    async with run() as manager:
        presser = Presser(manager, store, clock)
        await asked(presser, notebook, *"abcd")
        board = await put_up(presser)
        await presser.press(Verb.CANCEL_ALL, board.id, message_id=CARD + 1)
        assert presser.box.edits == [(CARD + 1, "This list goes on in another message.")]
        assert State.CANCELLED not in await states(presser, board)


async def test_whoever_may_cancel_nothing_is_not_asked(
    run: Run, clock: FakeClock, store: Store, notebook: NotebookId
) -> None:
    async with run() as manager:
        presser = Presser(manager, store, clock)
        await asked(presser, notebook, *"abcd")
        board = await put_up(presser)
        assert await presser.press(Verb.ASK_CANCEL_ALL, board.id, who=3) == NOT_THEIRS
        listed = await presser.followers.boards.get(board.id)
        assert listed is not None
        assert not listed.board.asking


async def test_a_forged_board_is_none(run: Run, clock: FakeClock, store: Store, notebook: NotebookId) -> None:
    async with run() as manager:
        presser = Presser(manager, store, clock)
        for about in ("99", "x", "0", "1:1", "-1"):
            assert await presser.press(Verb.CANCEL_ALL, about) == "This button is no longer in use."

"""Boards from command to summary: the real manager, store and outbox, between a Telegram with limits and a clock."""

import random
import re
from dataclasses import replace

import pytest

from handlers.board_status import _untold
from handlers.outgoing import Address
from services.calibration.follower import BoardId
from services.calibration.followers import Followership
from services.calibration.task import NoteRequest, State
from services.errors import StoreUnavailable
from services.store.store import Store
from services.torrents import NotebookId, PersonId
from tests.fake_clock import FakeClock
from tests.unit.board_world import ALICE, GROUP, Begin, UnevenEngine, knows, starts
from tests.unit.fakes import FakeEngine, info_of, torrent
from tests.unit.name_world import World, guessed, link


@pytest.fixture
def engine(clock: FakeClock) -> UnevenEngine:
    return UnevenEngine(clock)


@pytest.fixture
def begin(store: Store, clock: FakeClock, engine: FakeEngine, notebook: NotebookId) -> Begin:
    return starts(store, clock, engine, notebook)


async def test_few_tasks_have_a_message_each(begin: Begin, engine: FakeEngine) -> None:
    async with begin() as world:
        for word in knows(engine, 3):
            await world.ask(word)
        await world.at_rest()
        assert [text.split(" ")[0] for text in world.shown()] == ["<b>completed</b>"] * 3


async def test_more_fold_into_one_message_and_no_other_stays_in_a_live_state(begin: Begin) -> None:
    async with begin() as world:
        for word in "abc":
            await world.ask(word)
            await world.passes(4)
        assert len(world.living()) == 3
        await world.ask("d")
        await world.passes(20)
        (board,) = world.living()
        assert "running</b> · 4 tasks: 0 found, 0 not, 4 left" in board
        assert [text.endswith(" is shown in another message now.") for text in world.shown()] == [True] * 3 + [False]
        await world.at_rest()
        assert world.living() == []
        (board,) = world.boards()
        assert board.startswith("<b>failed</b> · 4 tasks: 0 found, 4 not, 0 left")


async def test_a_card_that_could_not_be_stored_as_shown_before_its_task_was_folded_does_not_stay_live(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def down(*_: object) -> None:
        raise StoreUnavailable(reason="disk full")

    async with begin() as world:
        with monkeypatch.context() as broken:
            broken.setattr(Followership, "shown", down)
            await world.ask("a")
            await world.passes(4)
            assert len(world.living()) == 1
            for word in "bcd":
                await world.ask(word)
        await world.passes(30)
        assert [" tasks: " in text for text in world.living()] == [True]
        moved = [text for text in world.shown() if " tasks: " not in text]
        assert moved
        assert all(text.endswith(" is shown in another message now.") for text in moved)
        assert await world.followers.leaving() == []


async def test_every_end_of_many_at_once_is_told_by_name(begin: Begin, engine: FakeEngine) -> None:
    engine.delay = 0.01
    async with begin() as world:
        words = knows(engine, 150)
        for word in words:
            await world.ask(word)
        await world.at_rest()
        told = "\n".join(world.telegram.texts(GROUP.chat_id))
        assert [word for word in words if f"name {word}." not in told] == []
        lists = [text for text in world.shown() if text.startswith("These have ended:")]
        assert lists, "more ended in one slot than a board has room for"
        assert world.telegram.refused == 0
        (board,) = world.boards()
        assert board.startswith("<b>completed</b> · 150 tasks: 150 found, 0 not, 0 left")


async def test_the_last_word_of_a_board_has_the_names(begin: Begin, engine: FakeEngine) -> None:
    async with begin() as world:
        words = knows(engine, 40)
        for word in words:
            await world.ask(word)
        await world.at_rest()
        (board,) = world.boards()
        assert [word for word in words if f"name {word}." not in board] == []


async def test_who_waited_over_a_minute_gets_a_reply_and_one_for_several(begin: Begin, engine: FakeEngine) -> None:
    async with begin() as world:
        for number in range(4):
            await world.ask(f"dead {number}", reply_to=10 + number, person=1 + number // 3)
        await world.at_rest()
        replies = [call for call in world.telegram.calls if call.text.startswith(("✗", "These have ended"))]
        assert replies == [], "a minute is not over a minute"
        engine.delay = 50
        words = knows(engine, 10)
        for number, word in enumerate(words):
            await world.ask(word, reply_to=20 + number, person=1 + number % 2)
        await world.at_rest()
        replies = [call for call in world.telegram.calls if call.text.startswith(("✓", "These have ended"))]
        assert {call.reply.message_id: call.text.count("✓") for call in replies if call.reply} == {29: 3, 28: 2}


@pytest.mark.parametrize(("seconds", "slow"), [(59.0, False), (60.4, False), (66.0, True)])
async def test_one_that_has_run_out_of_its_minute_has_not_taken_over_a_minute(
    seconds: float, begin: Begin, *, slow: bool
) -> None:
    async with begin() as world:
        for word in "abcd":
            await world.ask(word)
        await world.at_rest()
        listed = await world.followers.boards.get(BoardId(1))
        assert listed is not None
        line = replace(listed.lines[0], told=False, forgotten=False, asked_at=1.0, ended_at=1 + seconds)
        assert _untold([line]) == (([], [line]) if slow else ([line], []))


async def test_sixty_at_once_in_a_group_are_shown_within_3_5_s_and_another_chat_is_answered_meanwhile(
    begin: Begin, engine: UnevenEngine
) -> None:
    engine.spread = 1, 13
    async with begin() as world:
        words = knows(engine, 60, lost=10)
        for word in words:
            await world.ask(word)
        changed: dict[tuple[int, int], float] = {}
        worst, asked = 0.0, []
        for step in range(1200):
            await world.clock.advance(0.1)
            if step % 5 == 0:
                await world.live.poll()
            if step % 200 == 50:
                asked.append(world.clock.now())
                engine.knows(f"alone {step}", "alone")
                await world.ask(f"alone {step}", to=ALICE, alone=5)
            counts = await world.ends()
            changed.setdefault(counts, world.clock.now())
            board = next(iter(world.boards()), None)
            seen = re.search(r"(\d+) found, (\d+) not", board) if board else None
            shown = (int(seen[1]), int(seen[2])) if seen else (0, 0)
            later = [at for said, at in changed.items() if sum(said) > sum(shown)]
            if later:
                worst = max(worst, world.clock.now() - min(later))
        assert sum(counts) == 60
        assert worst <= 3.5
        answers = [call.at for call in world.telegram.calls if call.chat_id == ALICE.chat_id and call.edits is None]
        assert len(answers) == len(asked)
        assert max(at - since for at, since in zip(answers, asked, strict=True)) < 1
        await world.at_rest()
        assert world.telegram.refused == 0
        told = "\n".join(world.telegram.texts(GROUP.chat_id))
        assert [word for word in words[10:] if f"name {word}." not in told] == []
        assert [word for word in words[:10] if f"✗ <code>{torrent(word).shown.hex[:8]}</code>" not in told] == []
        assert world.living() == []


async def test_a_restart_goes_on_in_the_same_message_and_tells_what_ended_meanwhile(
    begin: Begin, engine: FakeEngine
) -> None:
    async with begin() as world:
        for word in knows(engine, 2):
            await world.ask(word)
        for word in "abc":
            await world.ask(word)
        await world.passes(0.5)
        await world.clock.advance(1.2)  # ended, and not polled
    async with begin() as world:
        await world.at_rest()
        (board,) = world.boards()
        assert board.startswith("<b>completed</b> · 5 tasks: 2 found, 3 not, 0 left")
        assert world.living() == []


@pytest.mark.parametrize("seed", range(6))
async def test_deaths_at_any_moment_leave_no_message_in_a_live_state_and_no_end_untold(
    seed: int, begin: Begin, engine: FakeEngine
) -> None:
    draw = random.Random(seed)
    words = knows(engine, 30, lost=5)
    engine.delay = 1.0
    left = list(words)
    while left:
        async with begin() as world:
            for _ in range(draw.randrange(1, 9)):
                if left:
                    await world.ask(left.pop())
                await world.passes(draw.choice([0.5, 0.5, 2]))
    async with begin() as world:
        await world.at_rest()
        told = "\n".join(world.telegram.texts(GROUP.chat_id))
        assert [word for word in words[5:] if f"name {word}." not in told] == []
        assert world.living() == []


@pytest.fixture
def guesses(engine: FakeEngine) -> list[str]:
    """Words whose names have an encoding that is guessed."""
    words = [f"guess {number}" for number in range(5)]
    for word in words:
        engine.knows(word, guessed(word))
    return words


async def test_a_name_about_which_is_asked_has_a_message_of_its_own(
    begin: Begin, engine: FakeEngine, guesses: list[str]
) -> None:
    async with begin() as world:
        guess = await world.ask(guesses[0], reply_to=9)
        for word in knows(engine, 3):
            await world.ask(word)
        await world.at_rest()
        (board,) = world.boards()
        assert board.startswith("<b>completed</b> · 3 tasks: 3 found")
        (card,) = [text for text in world.shown() if text.startswith("<b>completed</b> · <code>")]
        assert "Which of these is its name?" in card
        (follower,) = await world.followers.of(guess)
        assert follower.on_board is None
        assert world.living() == []
        for word in "abcd":
            await world.ask(word)
        assert len([one for one in await world.followers.of(guess) if one.on_board is None]) == 1


async def test_a_claim_in_whose_place_something_is_verified_before_its_board_tells_it_has_a_card_all_the_same(
    begin: Begin, engine: FakeEngine, store: Store, clock: FakeClock, notebook: NotebookId
) -> None:
    engine.delay = 8
    words = [f"claim {number}" for number in range(4)]
    notes = World(store, notebook, clock, engine)
    async with begin() as world:
        tasks = []
        for word in words:
            engine.knows(word, info_of(torrent(word), f"{word}.mkv", verified=False))
            note = await notes.add(link(word, "18"), word)
            tasks.append(await world.ask_for(NoteRequest((note,))))
        await world.passes(7)
        assert len(world.boards()) == 1
        while not (await notes.item(world.manager, tasks[-1])).state.ended:
            await clock.advance(0.1)
        for word in words[:2]:
            await world.manager.learn(info_of(torrent(word), f"{word} true.mkv"))
        await world.at_rest()
        offers = [text for text in world.shown() if "was never verified. Press this one" in text]
        assert len(offers) == 2
        assert "true.mkv" in offers[0]


async def test_the_end_of_many_torrents_in_one_task_leaves_the_board_for_a_card(
    begin: Begin, engine: FakeEngine
) -> None:
    engine.delay = 20
    async with begin() as world:
        words = knows(engine, 4, lost=1)
        many = await world.ask(*words)
        for word in "abcd":
            await world.ask(word)
        await world.passes(15)
        (board,) = world.living()
        assert "5 tasks" in board
        await world.at_rest()
        (card,) = [text for text in world.shown() if "3 of 4 found, 1 not, 0 left" in text]
        assert card.startswith("<b>completed</b>")
        assert "name w3." in card
        (follower,) = await world.followers.of(many)
        assert follower.on_board is None
        assert world.living() == []


async def test_a_task_that_asks_which_reading_is_right_keeps_its_card_when_others_fold(
    begin: Begin, guesses: list[str]
) -> None:
    async with begin() as world:
        many = await world.ask(guesses[0], *[f"slow{number}" for number in range(5)])
        await world.passes(6)
        (card,) = world.living()
        assert "Which of these" in card
        for word in "abcd":
            await world.ask(word)
        await world.passes(10)
        assert sorted(" tasks: " in text for text in world.living()) == [False, True]
        (follower,) = await world.followers.of(many)
        assert follower.on_board is None
        await world.at_rest()
        assert world.living() == []


async def test_one_that_was_asked_for_twice_on_a_board_has_one_message_when_it_is_tried_again(
    begin: Begin, engine: FakeEngine
) -> None:
    async with begin() as world:
        for word in "abcd":
            await world.ask(word)
        task_id = await world.ask("d")
        await world.at_rest()
        before = len(world.shown())
        await world.manager.retry_task(task_id, notebook=world.notebook, asked_by=PersonId("tg:1"))
        await world.at_rest()
        assert len(world.shown()) == before + 1


@pytest.mark.parametrize("delay", [0.01, 20])
async def test_a_board_all_of_whose_tasks_are_asked_about_says_so_or_is_not_sent(
    delay: float, begin: Begin, engine: FakeEngine, guesses: list[str]
) -> None:
    engine.delay = delay
    async with begin() as world:
        for word in guesses:
            await world.ask(word)
        await world.at_rest()
        assert [text for text in world.shown() if "0 tasks" in text] == []
        assert sum("Which of these is its name?" in text for text in world.shown()) == 5
        assert world.living() == []


async def test_a_closed_board_whose_tasks_are_all_tried_again_says_where_they_are(
    begin: Begin, engine: FakeEngine
) -> None:
    async with begin() as world:
        tasks = [await world.ask(word) for word in knows(engine, 4, lost=4)]
        await world.at_rest()
        closed = await world.followers.boards.get(BoardId(1))
        assert closed is not None
        for task_id in tasks:
            await world.manager.retry_task(task_id, notebook=world.notebook, asked_by=PersonId("tg:1"))
        world.live.boards.show(closed.board)
        await world.passes(60)
        assert [text for text in world.shown() if "0 tasks" in text] == []
        assert "What was listed here goes on below." in world.shown()


async def test_a_board_that_was_deleted_is_sent_anew(begin: Begin) -> None:
    async with begin() as world:
        for word in "abcd":
            await world.ask(word)
        await world.passes(10)
        for key, (text, _) in list(world.telegram.messages.items()):
            if " tasks: " in text:
                del world.telegram.messages[key]
        await world.at_rest()
        (board,) = world.boards()
        assert board.startswith("<b>failed</b>")


async def test_a_board_at_rest_goes_on_where_its_group_has_become_another(begin: Begin, store: Store) -> None:
    became = Address(-600)
    await store.write(lambda tx: tx.notebooks.open(str(GROUP), 0))
    async with begin() as world:
        for word in "abcd":
            await world.ask(word)
        await world.passes(10)
        world.telegram.blocked.add(GROUP.chat_id)
        await world.ask("e")
        await world.passes(10)
        world.telegram.blocked.clear()
        world.telegram.upgraded[GROUP.chat_id] = became.chat_id
        await world.live.moved(GROUP.chat_id, became.chat_id)
        await world.at_rest()
        (board,) = world.shown(became)
        assert board.startswith("<b>failed</b> · 5 tasks")


async def test_a_chat_that_is_open_again_has_no_message_in_a_live_state(begin: Begin) -> None:
    async with begin() as world:
        tasks = [await world.ask(word) for word in "abc"]
        await world.passes(10)
        for task in [await world.ask("d"), *tasks]:
            await world.manager.cancel_task(task, notebook=world.notebook, asked_by=PersonId("tg:1"), everyones=True)
        while not any(" 0 left" in text for text in world.shown()):
            await world.passes(0.5)
        assert len(world.living()) == 3  # the board goes first
        world.telegram.blocked.add(GROUP.chat_id)
        await world.passes(100)
        world.telegram.blocked.clear()
        await world.live.somebody_is_at(GROUP, everywhere=True)
        await world.at_rest()
        assert world.living() == []


async def test_ends_that_a_board_had_no_room_for_are_told_when_its_chat_is_open_again(
    begin: Begin, engine: FakeEngine
) -> None:
    words = knows(engine, 40)
    async with begin() as world:
        for word in words:
            await world.ask(word)
        await world.clock.advance(0.5)
        while not any("found" in text and " 0 left" in text for text in world.shown()):
            await world.passes(0.5)
        world.telegram.blocked.add(GROUP.chat_id)
        await world.passes(10)
        world.telegram.blocked.clear()
        await world.live.somebody_is_at(GROUP, everywhere=True)
        await world.at_rest()
        told = "\n".join(world.telegram.texts(GROUP.chat_id))
        assert [word for word in words if f"name {word}." not in told] == []


async def test_time_alone_costs_no_edit_of_a_board(begin: Begin) -> None:
    async with begin() as world:
        for word in "abcde":
            await world.ask(word)
        await world.passes(20)
        calls = len(world.telegram.calls)
        await world.passes(30)
        assert len(world.telegram.calls) == calls


async def test_what_is_retried_after_the_summary_has_a_message_of_its_own(begin: Begin, engine: FakeEngine) -> None:
    async with begin() as world:
        tasks = [await world.ask(word) for word in knows(engine, 4, lost=1)]
        await world.at_rest()
        engine.knows("w0", "name w0.")
        await world.manager.retry_task(tasks[0], notebook=world.notebook, asked_by=PersonId("tg:1"))
        await world.at_rest()
        assert world.shown()[-1].startswith("<b>completed</b> · <code>")
        assert "name w0." in world.shown()[-1]
        assert State.COMPLETED in {one.shown_state for one in await world.followers.of(tasks[0])}


async def test_all_of_an_ended_list_is_tried_again_in_other_messages_whatever_was_asked_for_twice(
    begin: Begin, engine: FakeEngine
) -> None:
    async with begin() as world:
        for word in knows(engine, 4, lost=4):
            await world.ask(word)
        await world.ask("w0", reply_to=8)
        await world.at_rest()
        listed = await world.followers.boards.get(BoardId(1))
        assert listed is not None
        for task_id in dict.fromkeys(line.task_id for line in listed.lines):
            await world.manager.retry_task(task_id, notebook=world.notebook, asked_by=PersonId("tg:1"))
        world.live.boards.show(listed.board)
        await world.passes(5)
        await world.at_rest()
        assert world.living() == []
        assert "What was listed here goes on below." in world.shown()


@pytest.mark.parametrize("closed", ["when it ends", "before"])
@pytest.mark.parametrize("words", [["d", "e", "f"], ["guess 0"]], ids=["a batch", "a guess"])
async def test_the_last_line_of_a_list_may_get_a_card_while_its_chat_is_closed(
    words: list[str], closed: str, begin: Begin, engine: FakeEngine, guesses: list[str]
) -> None:
    for word in "abcdef":
        engine.knows(word, f"name {word}.")
    engine.delay = 20
    async with begin() as world:
        for word in "abc":
            await world.ask(word)
        await world.passes(10)
        engine.delay = 25 if closed == "before" else 60
        await world.ask(*words)
        await world.passes(8 if closed == "before" else 30)
        world.telegram.blocked.add(GROUP.chat_id)
        await world.passes(10 if closed == "before" else 60)
        world.telegram.blocked.clear()
        await world.live.somebody_is_at(GROUP, everywhere=True)
        await world.at_rest()
        await world.passes(60)
        assert world.living() == []
        assert [text for text in world.shown() if " 1 left" in text] == []


async def test_a_list_that_can_be_edited_again_goes_on_to_its_end(
    begin: Begin, engine: FakeEngine, guesses: list[str]
) -> None:
    for word in "abc":
        engine.knows(word, f"name {word}.")
    engine.delay = 55
    async with begin() as world:
        for word in "abc":
            await world.ask(word)
        await world.passes(5)
        engine.delay = 30
        await world.ask(guesses[0])
        await world.passes(20)
        assert " 4 left" in world.boards()[0]
        world.telegram.blocked.add(GROUP.chat_id)
        await world.passes(15)
    world.telegram.blocked.clear()
    async with begin() as world:
        await world.live.somebody_is_at(GROUP, everywhere=True)
        await world.at_rest()
        await world.passes(60)
        assert world.living() == []
        assert "3 found, 0 not, 0 left" in world.boards()[0]
        assert sum("Which of these is its name?" in text for text in world.shown()) == 1
        told = "\n".join(world.telegram.texts(GROUP.chat_id))
        assert [word for word in "abc" if f"name {word}." not in told] == []
        assert await world.followers.boards.open() == []


async def test_a_list_that_moved_without_its_message_is_not_behind(begin: Begin, guesses: list[str]) -> None:
    async with begin() as world:
        for word in guesses[:4]:
            await world.ask(word)
        await world.passes(0.5)
        (board,) = await world.followers.boards.open()
        await world.followers.boards.shown(board.id, (), at=(board.address, 60))
        await world.passes(0.5)
        listed = await world.followers.boards.get(board.id)
        assert listed is not None
        await world.followers.boards.take_off(board.id, [line.follower for line in listed.lines])
        await world.live.moved(GROUP.chat_id, -600)
        await world.passes(60)
        assert await world.followers.boards.open() == []

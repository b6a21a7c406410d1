import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable

import pytest
from telegram.error import NetworkError, RetryAfter

from handlers.outbox import Address, Figures, FollowerId, Message, Rank
from tests.fake_clock import settle
from tests.unit.fake_telegram import Mishap
from tests.unit.outbox_world import ALICE, BOB, GROUP, World, opened

Recorder = Callable[[str, object], None]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with opened() as world:
        yield world


async def test_a_burst_of_four_answers_goes_at_once_and_then_one_each_gap(world: World) -> None:
    for number in range(6):
        world.outbox.answer(ALICE, Message(str(number)))
    await world.clock.advance(0.1)
    assert world.telegram.texts(100) == ["0", "1", "2", "3"]
    await world.clock.advance(1.05)
    assert world.telegram.texts(100) == ["0", "1", "2", "3", "4"]
    await world.clock.advance(1.05)
    assert world.telegram.texts(100) == ["0", "1", "2", "3", "4", "5"]


async def test_an_answer_goes_at_once_while_progress_is_live(world: World) -> None:
    followers = [world.begin(number, ALICE) for number in range(3)]
    for turn in range(60):
        for follower in followers:
            world.report(follower, f"running {turn}")
        await world.clock.advance(0.5)
    world.outbox.answer(ALICE, Message("at once"))
    await world.clock.advance(0.05)
    assert world.telegram.texts(100)[-1] == "at once"


async def test_fifty_tasks_in_one_group_meet_no_429_and_every_end_is_told(
    world: World, record_testsuite_property: Recorder
) -> None:
    draw = random.Random(3)
    world.telegram.latency = lambda: draw.uniform(0.01, 0.5)
    begin = world.clock.now()
    followers = [world.begin(number, GROUP, f"#{number} pending") for number in range(50)]
    marked: dict[str, float] = {}
    await world.clock.advance(200)  # fifty first cards, each an answer to a person
    for turn in range(600):
        for number, follower in enumerate(followers):
            if turn == 100 + 8 * number:
                marked[f"#{number} completed"] = world.clock.now()
                world.end(follower, f"#{number} completed")
            elif turn < 100 + 8 * number:
                world.report(follower, f"#{number} running {turn}")
        if turn % 37 == 36:
            marked[f"answer {turn}"] = world.clock.now()
            world.outbox.answer(GROUP, Message(f"answer {turn}"))
        await world.clock.advance(0.5)
    await world.clock.advance(120)
    assert world.telegram.refused == 0
    assert [text for text in world.telegram.shown(-500) if text.startswith("#")] == [
        f"#{n} completed" for n in range(50)
    ]
    waited = {call.text: call.at - marked[call.text] for call in world.telegram.calls if call.text in marked}
    assert waited.keys() == marked.keys()
    answers = [wait for text, wait in waited.items() if text.startswith("answer")]
    ends = [wait for text, wait in waited.items() if text.endswith("completed")]
    assert max(answers) < 5
    at = [call.at for call in world.telegram.calls]
    record_testsuite_property("group: calls a minute", 60 * len(at) / (at[-1] - begin))
    record_testsuite_property("group: answers waited at worst", max(answers))
    record_testsuite_property("group: ends waited on average", sum(ends) / 50)
    record_testsuite_property("group: ends waited at worst", max(ends))


async def test_two_hundred_private_chats_changing_at_once_meet_no_429_and_less_than_thirty_a_second(
    world: World, record_testsuite_property: Recorder
) -> None:
    draw = random.Random(4)
    world.telegram.latency = lambda: draw.uniform(0.01, 0.12)
    followers = [world.begin(number, Address(1000 + number)) for number in range(200)]
    await world.clock.advance(12)
    assert len(world.telegram.messages) == 200
    changed = world.clock.now()
    for follower in followers:
        world.report(follower, "running")
    await world.clock.advance(12)
    stale = [call.at - changed for call in world.telegram.calls if call.text == "running"]
    assert len(stale) == 200
    assert max(stale) <= 9
    for _ in range(60):
        for follower in followers:
            world.report(follower, f"running at {world.clock.now()}")
        await world.clock.advance(0.5)
    assert world.telegram.refused == 0
    at = [call.at for call in world.telegram.calls]
    assert all(later - earlier > 1 for earlier, later in zip(at, at[29:], strict=False))
    record_testsuite_property("200 chats: stale on average", sum(stale) / 200)
    record_testsuite_property("200 chats: stale at worst", max(stale))


async def test_in_a_chat_answers_go_before_ends_and_ends_before_progress(world: World) -> None:
    one, two, three = (world.begin(number, ALICE) for number in range(3))
    world.outbox.answer(ALICE, Message("the burst is spent"))
    await world.clock.advance(0.1)
    world.report(one, "progress")
    world.end(two, "end 2")
    world.end(three, "end 3")
    world.outbox.answer(ALICE, Message("answer 1"))
    world.outbox.answer(ALICE, Message("answer 2"))
    await world.clock.advance(10)
    assert world.telegram.texts(100)[4:] == ["answer 1", "answer 2", "end 2", "end 3", "progress"]


async def test_across_chats_answers_go_before_ends_and_ends_before_progress(world: World) -> None:
    world.telegram.latency = lambda: 0  # what starts together arrives in order
    followers = [world.begin(number, Address(1000 + number)) for number in range(100)]
    await world.clock.advance(20)
    for follower in followers[:60]:
        world.report(follower, "progress")
    for follower in followers[60:]:
        world.end(follower, "end")
    for number in range(40):
        world.outbox.answer(Address(5000 + number), Message("answer"))
    await world.clock.advance(20)
    told = [call.text for call in world.telegram.calls[100:]]
    assert told == ["answer"] * 40 + ["end"] * 40 + ["progress"] * 60


async def test_an_answer_need_not_wait_behind_the_progress_of_all_other_chats(world: World) -> None:
    followers = [world.begin(number, Address(1000 + number)) for number in range(100)]
    await world.clock.advance(20)
    for turn in range(20):
        for follower in followers:
            world.report(follower, f"progress {turn}")
        await world.clock.advance(0.5)
    world.outbox.answer(ALICE, Message("at once"))
    await world.clock.advance(0.05)
    assert world.telegram.texts(100) == ["at once"]


async def test_a_mark_again_keeps_its_place_and_the_better_rank(world: World) -> None:
    one, two, three = (world.begin(number, ALICE) for number in range(3))
    world.outbox.answer(ALICE, Message("the burst is spent"))
    await world.clock.advance(0.1)
    world.report(one, "first in line")
    world.report(two, "second in line")
    world.report(one, "first in line, newer")
    world.report(three, "running")
    world.end(three, "end")
    world.outbox.mark(three, ALICE, Rank.PROGRESS)
    await world.clock.advance(10)
    assert world.telegram.texts(100)[4:] == ["end", "first in line, newer", "second in line"]


async def test_progress_of_several_cards_takes_turns(world: World) -> None:
    followers = [world.begin(number, ALICE, f"#{number} pending") for number in range(3)]
    for turn in range(40):
        for number, follower in enumerate(followers):
            world.report(follower, f"#{number} running {turn}")
        await world.clock.advance(0.5)
    edits = [text[:2] for text in world.telegram.texts(100)[6:18]]
    assert edits == ["#0", "#1", "#2"] * 4


async def test_many_marks_while_a_slot_is_awaited_make_one_edit_with_the_newest_text(world: World) -> None:
    follower = world.begin(1, ALICE)
    for _ in range(3):
        world.outbox.answer(ALICE, Message("the burst is spent"))
    await world.clock.advance(0.1)
    world.cards.rendered.clear()
    for number in range(20):
        world.report(follower, f"running {number}")
    world.cards.followers[follower].text = "newer than any mark"
    await world.clock.advance(10)
    assert world.telegram.texts(100)[4:] == ["newer than any mark"]
    assert world.cards.rendered == [follower]


async def test_a_mark_during_its_own_request_is_shown_afterwards(world: World) -> None:
    world.telegram.slow[100] = 3
    follower = world.begin(1, ALICE)
    await world.clock.advance(1)
    world.report(follower, "running")
    await world.clock.advance(1)
    world.end(follower, "completed")
    await world.clock.advance(20)
    assert world.telegram.texts(100) == ["pending", "completed"]
    assert len(world.telegram.messages) == 1


async def test_nothing_to_show_any_more_takes_no_slot(world: World) -> None:
    for number in range(50):
        world.outbox.mark(FollowerId(number), ALICE, Rank.ANSWER)
    for _ in range(4):
        world.outbox.answer(ALICE, Message("at once"))
    await world.clock.advance(0.1)
    assert len(world.cards.rendered) == 50
    assert len(world.telegram.texts(100)) == 4


async def test_idle_costs_nothing(world: World) -> None:
    for number in range(50):
        follower = world.begin(number, Address(1000 + number))
        world.end(follower, "completed")
    world.outbox.answer(GROUP, Message("hello"))
    await world.clock.advance(70)
    assert world.outbox._chats == {}
    assert world.clock.sleeping == 0


async def test_drained_returns_when_nothing_waits_and_nothing_is_under_way(world: World) -> None:
    await world.outbox.drained()
    for number in range(5):
        world.outbox.answer(ALICE, Message(str(number)))
    drained = asyncio.ensure_future(world.outbox.drained())
    await world.clock.advance(1)
    assert not drained.done()
    await world.clock.advance(0.1)
    assert drained.done()
    assert len(world.telegram.texts(100)) == 5


async def test_leaving_lets_a_request_under_way_finish_and_starts_no_other() -> None:
    world = World.made()
    world.telegram.latency = lambda: 0.5
    async with asyncio.TaskGroup() as tasks:
        await world.outbox.__aenter__()
        follower = world.begin(1, ALICE)
        world.begin(2, ALICE)
        await world.clock.advance(0.1)
        leaving = tasks.create_task(world.outbox.__aexit__(None, None, None))
        await settle()
        assert not leaving.done()
        world.outbox.answer(BOB, Message("too late"))
        await world.clock.advance(0.5)
        assert leaving.done()
    assert world.cards.followers[follower].seen == "pending"
    assert world.telegram.texts(100) == ["pending"]
    assert world.telegram.texts(200) == []
    assert world.clock.sleeping == 0


async def test_leaving_sends_the_answers_that_wait_and_drops_progress_and_ends() -> None:
    world = World.made()
    async with asyncio.TaskGroup() as tasks:
        await world.outbox.__aenter__()
        one, two = world.begin(1, ALICE), world.begin(2, ALICE)
        await world.clock.advance(5)
        for number in range(3):
            world.outbox.answer(ALICE, Message(f"answer {number}"))
        world.outbox.answer(ALICE, Message("the rest of a long one"), rank=Rank.END)
        world.outbox.edit(ALICE, world.cards.followers[one].message_id or 0, Message("the answer to a press"))
        await world.clock.advance(0.1)
        world.report(one, "progress")
        world.end(two, "end")
        world.begin(3, ALICE)
        leaving = tasks.create_task(world.outbox.__aexit__(None, None, None))
        await settle()
        world.outbox.answer(ALICE, Message("too late"))
        await world.clock.advance(1.1)
        assert leaving.done()
    answers = [*(f"answer {number}" for number in range(3)), "the answer to a press", "the rest of a long one"]
    assert world.telegram.texts(100) == ["pending", "pending", *answers]
    assert world.telegram.refused == 0
    assert world.clock.sleeping == 0


async def test_leaving_sends_answers_for_little_more_than_a_second() -> None:
    world = World.made()
    await world.outbox.__aenter__()
    for number in range(20):
        world.outbox.answer(ALICE, Message(str(number)))
    await world.clock.advance(0.1)
    leaving = asyncio.ensure_future(world.outbox.__aexit__(None, None, None))
    await world.clock.advance(1.1)
    assert not leaving.done()
    await world.clock.advance(0.2)
    assert leaving.done()
    assert world.telegram.texts(100) == [str(number) for number in range(5)]
    assert world.clock.sleeping == 0


async def test_leaving_tries_an_answer_again_that_fails_meanwhile_and_no_card() -> None:
    world = World.made()
    world.telegram.mishaps(100, Mishap(NetworkError("Bad Gateway")))
    world.telegram.mishaps(200, Mishap(NetworkError("Bad Gateway")))
    await world.outbox.__aenter__()
    world.outbox.answer(ALICE, Message("hello"))
    world.begin(1, BOB)
    await settle()
    leaving = asyncio.ensure_future(world.outbox.__aexit__(None, None, None))
    await world.clock.advance(2)
    assert leaving.done()
    assert world.telegram.texts(100) == ["hello"]
    assert world.telegram.texts(200) == []


async def test_leaving_with_no_answer_that_waits_gives_what_is_under_way_a_second() -> None:
    world = World.made()
    world.telegram.latency = lambda: 1000
    await world.outbox.__aenter__()
    world.begin(1, ALICE)
    world.begin(2, ALICE)
    await world.clock.advance(1)
    leaving = asyncio.ensure_future(world.outbox.__aexit__(None, None, None))
    await world.clock.advance(0.9)
    assert not leaving.done()
    await world.clock.advance(0.2)
    assert leaving.done()


async def test_leaving_cancels_what_hangs_and_leaves_no_task_behind() -> None:
    world = World.made()
    world.telegram.latency = lambda: 1000
    before = asyncio.all_tasks()
    await world.outbox.__aenter__()
    for number in range(10):
        world.outbox.answer(Address(1000 + number), Message("hello"))
        world.outbox.answer(ALICE, Message("hello"))
    await world.clock.advance(1)
    leaving = asyncio.ensure_future(world.outbox.__aexit__(None, None, None))
    await world.clock.advance(2.1)
    assert not leaving.done()
    await world.clock.advance(0.2)
    assert leaving.done()
    await leaving
    assert asyncio.all_tasks() == before
    assert world.clock.sleeping == 0


async def test_leaving_at_once_leaves_nothing_behind() -> None:
    world = World.made()
    before = asyncio.all_tasks()
    async with world.outbox:
        world.begin(1, ALICE)
    assert asyncio.all_tasks() == before
    assert world.telegram.calls == []


async def test_what_was_put_in_before_it_is_entered_is_sent_then() -> None:
    world = World.made()
    world.outbox.answer(ALICE, Message("hello"))
    async with world.outbox:
        await world.clock.advance(1)
    assert world.telegram.texts(100) == ["hello"]


async def test_a_fresh_process_sends_no_burst_since_the_one_before_it_may_have_just_done_so(world: World) -> None:
    world.outbox._began = world.clock.monotonic()
    for number in range(3):
        world.outbox.answer(ALICE, Message(f"answer {number}"))
    await world.clock.advance(1)
    assert len(world.telegram.calls) == 1
    await world.clock.advance(1)
    assert len(world.telegram.calls) == 2


async def test_a_chat_stands_still_while_a_press_in_it_is_answered_and_no_other_does(world: World) -> None:
    with world.outbox.standing_still(ALICE.chat_id):
        with world.outbox.standing_still(ALICE.chat_id):
            world.outbox.answer(ALICE, Message("alice"))
            world.outbox.answer(BOB, Message("bob"))
            await world.clock.advance(1)
        await world.clock.advance(0.5)
        assert [call.text for call in world.telegram.calls] == ["bob"]
    await world.clock.advance(1)
    assert [call.text for call in world.telegram.calls] == ["bob", "alice"]


async def test_whoever_presses_without_end_keeps_nobody_from_being_told(world: World) -> None:
    """Each press is asked about, in a group, for half a second: the next one comes before that is over."""
    with contextlib.ExitStack() as first:
        first.enter_context(world.outbox.standing_still(GROUP.chat_id))
        world.outbox.answer(GROUP, Message("an end"))
        for _ in range(12):
            with world.outbox.standing_still(GROUP.chat_id):
                await world.clock.advance(0.25)
                first.close()
                first.enter_context(world.outbox.standing_still(GROUP.chat_id))
    assert [call.text for call in world.telegram.calls] == ["an end"]


async def test_what_waits_and_what_was_asked_of_telegram_is_counted(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PTB_TIMEDELTA", "1")  # else making a RetryAfter warns
    world.telegram.mishaps(100, Mishap(RetryAfter(30)))
    for number in range(3):
        world.outbox.answer(ALICE, Message(str(number)))
    await world.clock.advance(1)
    assert world.outbox.figures == Figures(waiting=3, requests=1, flood_waits=1)
    await world.clock.advance(60)
    assert world.outbox.figures == Figures(waiting=0, requests=4, flood_waits=1)

"""What Telegram delivered is done and told, whatever becomes of the process meanwhile."""

import asyncio
import re
import signal
from collections.abc import Awaitable, Callable
from functools import partial

import aiohttp
import pytest

from sandbox.botapi import BotApi, Event, Fault, File, Message, Phase
from sandbox.swarm import make_sample
from tests.e2e.conftest import World

REVOKED = Fault(401, "Unauthorized")
LINK = f"magnet:?xt=urn:btih:{'a' * 40}"


def replies(asked: Message) -> list[Message]:
    return [one for one in asked.chat.bot_messages if one.reply_to is asked]


def kill_at(world: World, method: str, phase: Phase, *, has: Callable[[], bool] = lambda: True) -> asyncio.Event:
    """Kill the program at the first such event at which *has* is true."""
    killed = asyncio.Event()

    def heard(event: Event) -> None:
        if (event.method, event.phase) == (method, phase) and not killed.is_set() and has():
            world.kill()
            killed.set()

    world.api.on_event(heard)
    return killed


async def again(world: World, killed: asyncio.Event) -> None:
    await killed.wait()
    assert await world.ended() == -signal.SIGKILL
    await world.start()


async def test_what_was_delivered_to_a_process_that_died_at_once_is_done_by_the_next(running: World) -> None:
    said: list[Message] = []
    killed = kill_at(running, "getUpdates", Phase.ANSWERED, has=lambda: bool(said))
    said += [running.alice.say(running.private, text) for text in ("/save words", LINK, "/help", "/note 1")]
    await again(running, killed)
    answers = [await running.answer(one) for one in said]
    assert [one.text.split()[0] for one in answers] == ["#1", "#2", "I", "words"]
    await running.ask("/notes")
    assert [len(replies(one)) for one in said] == [1, 1, 1, 1]
    assert running.rows("SELECT count(*) FROM notes") == [(2,)]
    assert await running.stop() == 0
    assert running.rows("SELECT count(*) FROM inbox WHERE content IS NOT NULL") == [(0,)]


async def test_what_waits_for_an_answer_when_the_program_stops_is_answered_by_the_next(running: World) -> None:
    running.api.break_next("sendMessage", Fault.BAD_GATEWAY, times=1000)
    asked = running.alice.say(running.private, "/save words")
    await running.api.until(lambda: [one for one in running.api.calls if one.status == 502])
    assert await running.stop() == 0
    assert replies(asked) == []
    running.api.mend()
    await running.start()
    assert (await running.answer(asked)).text.startswith("#1 saved")
    assert len(await _settled(running, lambda: replies(asked))) == 1


async def _settled(world: World, look: Callable[[], list[Message]]) -> list[Message]:
    """Return what *look* finds when the bot has answered what was asked after it."""
    await world.ask("/help")
    return look()


async def test_of_an_answer_in_parts_those_that_were_sent_are_not_sent_again(running: World) -> None:
    text = "\n".join([LINK, *(f"line {number} {'x' * 50}" for number in range(160))])
    saved = await running.answer(running.alice.say(running.private, "", document=File("list.txt", text.encode())))
    assert saved.text.startswith("#1 saved")
    asked = running.alice.say(running.private, "/note 1")

    def heard(event: Event) -> None:
        if (event.method, event.phase, len(replies(asked))) == ("sendMessage", Phase.ANSWERED, 2):
            running.api.break_next("sendMessage", Fault.BAD_GATEWAY, times=1000)

    running.api.on_event(heard)
    await running.api.until(lambda: sum(one.status == 502 for one in running.api.calls) > 1)
    running.kill()
    assert await running.ended() == -signal.SIGKILL
    running.api.mend()
    await running.start()
    await running.ask("/help")
    assert [one.text.split()[2] for one in replies(asked)] == ["1/3", "2/3", "3/3"]


async def test_an_update_is_not_done_twice_though_its_receipt_was_not_confirmed(running: World) -> None:
    asked: list[Message] = []
    killed = kill_at(running, "getUpdates", Phase.RECEIVED, has=lambda: bool(asked) and bool(replies(asked[0])))
    asked.append(running.alice.say(running.private, "/save words"))
    await again(running, killed)
    await running.ask("/help")
    assert len(replies(asked[0])) <= 2, "once more at most, where the answer was not known to be sent"
    assert running.rows("SELECT count(*) FROM notes") == [(1,)]


async def test_a_torrent_file_that_comes_twice_makes_one_task_and_one_correction(running: World) -> None:
    sample = make_sample("Once")
    assert (await running.ask(sample.magnet(dn="18"))).text.startswith("#1 saved")
    asked: list[Message] = []
    killed = kill_at(running, "getUpdates", Phase.RECEIVED, has=lambda: bool(asked) and bool(replies(asked[0])))
    asked.append(running.alice.say(running.private, "", document=File("a.torrent", b"d4:info" + sample.info + b"e")))
    await again(running, killed)
    await running.ask("/help")
    await running.api.until(lambda: [one for one in replies(asked[0]) if "Corrected: #1" in one.text])
    assert len(replies(asked[0])) <= 2, "once more at most, where the answer was not known to be sent"
    assert running.rows("SELECT count(*) FROM tasks") == [(1,)]
    assert running.rows("SELECT count(*) FROM revisions") == [(1,)]


async def test_a_chat_that_is_open_again_is_told_what_it_missed_though_the_program_dies_having_answered_it(
    world: World,
) -> None:
    world.status_interval = 600
    bob = world.invite("Bob")
    await world.start()
    card = await world.ask(f"/calibrate_hash {world.swarm.dead().magnet()}")
    world.alice.block()
    await world.alice.press(card, "Cancel")
    await world.api.until(lambda: any(call.status == 403 for call in world.api.calls))
    await world.ask("/help", person=bob, chat=world.api.private(bob))  # the card has come to rest by then
    world.alice.unblock()
    asked: list[Message] = []
    killed = kill_at(world, "getUpdates", Phase.RECEIVED, has=lambda: bool(asked) and bool(replies(asked[0])))
    asked.append(world.alice.say(world.private, "/start"))
    await world.answer(asked[0])
    world.alice.say(world.private, "/help")  # lets it fetch: its answer to the first was stored by then
    await again(world, killed)
    await world.shows(card, "cancelled")


async def test_a_token_that_is_revoked_ends_the_program_with_a_line_and_a_code_of_its_own(running: World) -> None:
    for method in ("getUpdates", "sendMessage"):
        running.api.break_next(method, REVOKED, times=10_000)
    asked = running.alice.say(running.private, "/save words")
    assert await running.ended() == 3
    assert running.output.count("telegram.token_revoked") == 1
    assert "BotFather" in running.output
    assert "Traceback" not in running.output, running.output
    assert running.api.token not in running.output
    running.api.mend()
    await running.start()
    assert (await running.answer(asked)).text.startswith("#1 saved")


async def test_a_404_that_passes_does_not_end_it(running: World) -> None:
    running.api.break_next("getUpdates", Fault(404, "Not Found"), times=2)
    assert (await running.ask("/save words")).text.startswith("#1 saved")
    assert running.output.count("telegram.unreachable") == 1
    await running.printed(re.compile("telegram.reachable"))


async def test_another_process_with_the_token_is_said_once_and_both_go_on(running: World) -> None:
    async with aiohttp.ClientSession() as session:
        url = f"{running.api.base_url}{running.api.token}/getUpdates"
        for turn in range(1, 4):
            async with session.get(url, params={"timeout": 1}) as answer:
                assert answer.status in {200, 409}
            await running.api.until(partial(_conflicts, running.api, turn))
    assert (await running.ask("/help")).text
    assert running.output.count("telegram.conflict") == 1
    assert "stop one of the two" in running.output


def _conflicts(api: BotApi, least: int) -> bool:
    return sum(call.status == 409 for call in api.calls) >= least


@pytest.mark.parametrize("how", [lambda world: world.stop(), lambda world: world.stop(signal.SIGINT)])
async def test_a_stop_with_answers_that_cannot_be_sent_is_in_order(
    how: Callable[[World], Awaitable[int]], running: World
) -> None:
    running.api.break_next("sendMessage", Fault.BAD_GATEWAY, times=1000)
    running.alice.say(running.private, "/save words")
    await running.api.until(lambda: [one for one in running.api.calls if one.status == 502])
    assert await how(running) == 0

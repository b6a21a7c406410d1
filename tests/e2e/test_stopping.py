"""How the program ends when it is told to: in order, whatever Telegram does; at once, when it is told twice."""

import asyncio
import contextlib
import re
import signal

import pytest

from sandbox.botapi import Fault
from sandbox.swarm import make_sample
from tests.e2e.conftest import World

_STOPPING = re.compile(r"event='bot\.stopping'")
_SIGNALS = (signal.SIGINT, signal.SIGTERM)

_A_NAME_SERVER_THAT_NEVER_ANSWERS = """
import socket, threading
real = socket.getaddrinfo
def asked(host, *others, **named):
    if host in ("telegram.invalid", b"telegram.invalid"):
        print("asking the name server", flush=True)
        threading.Event().wait()
    return real(host, *others, **named)
socket.getaddrinfo = asked
"""


async def busy(world: World) -> None:
    """Let lookups run, and answers wait for a Telegram that answers without an end."""
    for _ in range(7):
        world.alice.say(world.private, f"/calibrate_hash {world.swarm.dead().magnet()}")
    await world.api.until(lambda: world.rows("SELECT count(*) FROM items WHERE state = 'running'") == [(7,)])
    there = len(world.private.bot_messages)
    world.api.break_next("sendMessage", Fault.ENDLESS_ANSWER, times=100)
    for _ in range(6):
        world.alice.say(world.private, "/help")
    await world.api.until(lambda: len(world.private.bot_messages) > there)


@pytest.mark.parametrize("second", _SIGNALS)
@pytest.mark.parametrize("first", _SIGNALS)
async def test_a_second_signal_ends_it_at_once(running: World, first: signal.Signals, second: signal.Signals) -> None:
    await busy(running)
    assert running.process is not None
    running.process.send_signal(first)
    await running.printed(_STOPPING)
    assert await running.stop(second) == 128 + second
    assert "Traceback" not in running.output
    assert "bot.stopped" not in running.output


async def test_two_signals_in_the_same_moment_end_it(running: World) -> None:
    await busy(running)
    assert running.process is not None
    for number in (signal.SIGSTOP, *_SIGNALS, signal.SIGCONT):
        running.process.send_signal(number)
    assert await running.ended() in {128 + one for one in _SIGNALS}
    assert "Traceback" not in running.output
    assert "Exception" not in running.output


async def test_what_a_second_signal_cuts_off_is_done_after_the_next_start(running: World) -> None:
    sample = running.swarm.unseeded(make_sample("Cut off.mkv"))
    card = await running.ask(f"/calibrate_hash {sample.magnet()}")
    running.api.break_next("sendMessage", Fault.BAD_GATEWAY, times=100)
    asked = [running.alice.say(running.private, "/help") for _ in range(3)]
    await running.api.until(lambda: running.rows("SELECT count(*) FROM inbox WHERE content IS NOT NULL") == [(3,)])
    await running.follows(card)
    assert running.process is not None
    running.process.send_signal(signal.SIGINT)
    await running.printed(_STOPPING)
    assert await running.stop(signal.SIGINT) == 128 + signal.SIGINT
    running.api.mend()
    await running.swarm.begin_seeding(sample)
    await running.start()
    await running.shows(card, "completed", "Cut off.mkv")
    for one in asked:
        assert "/calibrate" in (await running.answer(one)).text


async def test_a_stop_waits_for_no_end_of_what_telegram_answers(running: World) -> None:
    await busy(running)
    running.api.break_next("getUpdates", Fault.ENDLESS_ANSWER, times=100)
    assert await running.stop() == 0
    assert "Traceback" not in running.output


@pytest.mark.parametrize("method", ["getChatMember", "answerCallbackQuery"])
async def test_a_stop_waits_for_no_press_that_telegram_holds_up(world: World, method: str) -> None:
    bob = world.api.person("Bob")
    group = world.group("Friends", world.alice, bob)
    await world.start()
    card = await world.ask(f"/calibrate_hash {world.swarm.dead().magnet()}", person=bob, chat=group)
    world.api.break_next(method, Fault.ENDLESS_ANSWER, times=100)
    ordered = world.api.faults_to_come
    pressing = asyncio.create_task(bob.press_data(card, "x"))
    await world.api.until(lambda: world.api.faults_to_come < ordered)
    assert await world.stop() == 0
    assert "Traceback" not in world.output
    pressing.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await pressing


async def test_a_stop_waits_for_no_minute_that_telegram_wants_to_be_left_alone(running: World) -> None:
    running.api.break_next("getUpdates", Fault.too_many(retry_after=60), times=100)
    running.alice.say(running.private, "/help")  # ends the call under way
    await running.printed(re.compile(r"event='telegram\.unreachable'"))
    assert await running.stop() == 0
    assert "Traceback" not in running.output


@pytest.mark.parametrize("method", ["getMe", "setMyCommands", "deleteWebhook"])
async def test_a_stop_while_it_starts_waits_for_no_end_of_what_telegram_answers(world: World, method: str) -> None:
    world.api.break_next(method, Fault.ENDLESS_ANSWER, times=100)
    await world.launch(world.write_settings())
    await world.api.until(lambda: world.api.faults_to_come < 100, 30)
    assert await world.stop() == 0
    assert "Traceback" not in world.output


async def test_a_stop_waits_for_no_name_server_that_never_answers(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    (world.folder / "sitecustomize.py").write_text(_A_NAME_SERVER_THAT_NEVER_ANSWERS, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(world.folder))
    world.base_url = "http://telegram.invalid/bot"
    await world.launch(world.write_settings())
    await world.printed(re.compile("asking the name server"))
    assert await world.stop() == 0
    assert "Traceback" not in world.output

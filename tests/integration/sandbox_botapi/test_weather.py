"""Floods, ordered faults, and what a test can watch and wait for."""

import asyncio
import datetime as dt

import pytest
from telegram import (
    Bot,
)
from telegram.error import BadRequest, NetworkError, RetryAfter

from sandbox.botapi import BotApi, Chat, Event, Fault, Person, Phase
from tests.integration.sandbox_botapi.clients import HandMovedTime, bot_of, http_of, next_press


async def test_a_flood_is_refused_with_the_seconds_to_wait(clock: HandMovedTime) -> None:
    async with (
        BotApi(now=clock) as api,
        http_of(api) as http,
        bot_of(api) as bot,
    ):
        private = api.private(api.person("Alice"))
        for number in range(4):
            await bot.send_message(private.id, f"{number}")
        await bot.edit_message_text("edits count too", private.id, 1)
        answer = await http.post("sendMessage", json={"chat_id": private.id, "text": "x"})
        assert (answer.status_code, answer.json()) == (
            429,
            {
                "ok": False,
                "error_code": 429,
                "description": "Too Many Requests: retry after 1",
                "parameters": {"retry_after": 1},
            },
        )
        with pytest.raises(RetryAfter):
            await bot.edit_message_text("so is an edit", private.id, 1)
        assert [call.self_made_429 for call in api.calls[-3:]] == [False, True, True]
        clock.now += 1
        await bot.edit_message_text("a second later", private.id, 1)
        assert private.messages[0].text == "a second later"


async def test_answers_to_presses_are_never_a_flood(clock: HandMovedTime) -> None:
    async with BotApi(now=clock) as api, bot_of(api) as bot:
        alice = api.person("Alice")
        private = api.private(alice)
        for number in range(5):
            await bot.send_message(private.id, f"{number}")
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(alice.press_data(private.messages[-1], "x"))
            assert await (await next_press(bot)).answer()


async def test_an_endless_answer_is_of_something_done_and_ends_with_whoever_waits(
    bot: Bot, api: BotApi, private: Chat
) -> None:
    api.break_next("sendMessage", Fault.ENDLESS_ANSWER)
    sending = asyncio.ensure_future(bot.send_message(private.id, "x"))
    await api.until(lambda: private.bot_messages)
    assert not sending.done()
    sending.cancel()
    await api.until(lambda: [call for call in api.calls if (call.method, call.status) == ("sendMessage", 0)])


async def test_a_slow_answer_is_done_at_once_and_told_when_it_is_let_go(bot: Bot, api: BotApi, private: Chat) -> None:
    release = asyncio.Event()
    api.break_next("sendMessage", Fault.slow_answer(release))
    sending = asyncio.ensure_future(bot.send_message(private.id, "x"))
    await api.until(lambda: private.bot_messages)
    assert not sending.done()
    release.set()
    assert (await sending).message_id == private.bot_messages[0].id


async def test_ordered_faults_come_as_often_as_ordered_and_change_nothing(bot: Bot, api: BotApi, private: Chat) -> None:
    api.break_next("sendMessage", Fault.BAD_GATEWAY, times=2)
    api.break_next("sendMessage", Fault.too_many(retry_after=3))
    for _ in range(2):
        with pytest.raises(NetworkError, match="Bad Gateway"):
            await bot.send_message(private.id, "x")
    with pytest.raises(RetryAfter) as wait:
        await bot.send_message(private.id, "x")
    assert wait.value.retry_after == dt.timedelta(seconds=3)
    assert private.messages == ()
    await bot.send_message(private.id, "x")
    calls = [(call.status, call.description, call.self_made_429) for call in api.calls if call.method == "sendMessage"]
    assert calls == [
        (502, "Bad Gateway", False),
        (502, "Bad Gateway", False),
        (429, "Too Many Requests: retry after 3", False),
        (200, "", False),
    ]


async def test_a_fault_may_be_for_one_chat(bot: Bot, api: BotApi, private: Chat) -> None:
    other = api.private(api.person("Bob"))
    api.break_next("sendMessage", Fault.BAD_GATEWAY, chat=other)
    await bot.send_message(private.id, "x")
    with pytest.raises(NetworkError):
        await bot.send_message(other.id, "x")


async def test_a_lost_answer_is_a_network_error_for_what_was_done(bot: Bot, api: BotApi, private: Chat) -> None:
    api.break_next("sendMessage", Fault.LOST_ANSWER)
    with pytest.raises(NetworkError) as lost:
        await bot.send_message(private.id, "done all the same")
    assert not isinstance(lost.value, BadRequest)
    assert [message.text for message in private.messages] == ["done all the same"]
    assert (api.calls[-1].status, api.calls[-1].chat_id) == (0, private.id)


async def test_a_lost_request_is_a_network_error_for_what_was_never_done(bot: Bot, api: BotApi, private: Chat) -> None:
    phases: list[Phase] = []
    api.on_event(lambda event: phases.append(event.phase))
    api.break_next("sendMessage", Fault.LOST_REQUEST)
    with pytest.raises(NetworkError) as lost:
        await bot.send_message(private.id, "lost")
    assert not isinstance(lost.value, BadRequest)
    assert private.messages == ()
    assert phases == [Phase.RECEIVED]
    assert (api.calls[-1].status, api.calls[-1].chat_id) == (0, private.id)
    assert (await bot.send_message(private.id, "said again")).message_id == 1


async def test_a_server_that_is_gone_refuses_connections_until_it_comes_back(
    bot: Bot, api: BotApi, alice: Person, private: Chat
) -> None:
    address = api.base_url
    await api.vanish()
    with pytest.raises(NetworkError):  # the connection that it had was cut
        await bot.send_message(private.id, "x")
    with pytest.raises(NetworkError, match="ConnectError"):
        await bot.send_message(private.id, "x")
    await api.vanish()
    alice.say(private, "is anybody there?")
    await api.come_back()
    await api.come_back()
    assert api.base_url == address
    assert len(await bot.get_updates()) == 1
    await bot.send_message(private.id, "here I am")
    assert [message.text for message in private.bot_messages] == ["here I am"]
    assert [call.method for call in api.calls] == ["getMe", "getUpdates", "sendMessage"]


async def test_a_server_that_goes_cuts_the_poll_that_waits_and_keeps_the_updates(
    bot: Bot, api: BotApi, alice: Person, private: Chat
) -> None:
    polling = asyncio.ensure_future(bot.get_updates(timeout=30))
    await api.until(lambda: api.events == 4)  # getMe has three, then the poll is received
    await api.vanish()
    with pytest.raises(NetworkError):
        await polling
    alice.say(private, "hello")
    await api.come_back()
    (update,) = await bot.get_updates()
    assert update.message is not None
    assert update.message.text == "hello"


async def test_a_server_that_is_gone_can_be_left() -> None:
    async with BotApi() as api:
        await api.vanish()


async def test_events_tell_each_phase_before_the_next_begins(bot: Bot, api: BotApi, private: Chat) -> None:
    seen: list[tuple[int, str, Phase, int]] = []

    def watch(event: Event) -> None:
        seen.append((event.n, event.method, event.phase, len(private.messages)))

    before = api.events
    forget = api.on_event(watch)
    await bot.send_message(private.id, "x")
    await api.until(lambda: len(seen) == 3)
    forget()
    await bot.send_message(private.id, "y")
    assert seen == [
        (before + 1, "sendMessage", Phase.RECEIVED, 0),
        (before + 2, "sendMessage", Phase.APPLIED, 1),
        (before + 3, "sendMessage", Phase.ANSWERED, 1),
    ]


async def test_until_gives_what_it_waited_for(api: BotApi, alice: Person, private: Chat) -> None:
    async with asyncio.TaskGroup() as tasks:
        found = tasks.create_task(api.until(lambda: private.messages))
        await asyncio.sleep(0)
        said = alice.say(private, "hello")
    assert found.result() == (said,)


async def test_until_says_what_stood_in_the_chats_when_it_gave_up(api: BotApi, alice: Person, private: Chat) -> None:
    alice.say(private, "only this")
    with pytest.raises(TimeoutError, match="only this"):
        await api.until(lambda: False, seconds=0.01)


async def test_people_cannot_do_what_no_app_lets_them(api: BotApi, alice: Person, private: Chat) -> None:
    group = api.group("Friends", alice)
    said = alice.say(private, "hello")
    for impossible in (
        lambda: alice.say(private, ""),
        lambda: alice.say(private, "🎬" * 2049),
        lambda: api.person("Bob").say(group, "x"),
        lambda: alice.say(group, "x", reply_to=said),
        lambda: api.person("Bob").edit(said, "x"),
        group.open_topic,
    ):
        with pytest.raises(ValueError, match=r"."):
            impossible()


async def test_a_listener_may_break_the_very_request_that_it_hears_of(bot: Bot, api: BotApi, private: Chat) -> None:
    def break_it(event: Event) -> None:
        if event.phase is Phase.RECEIVED:
            api.break_next(event.method, Fault.BAD_GATEWAY)

    api.on_event(break_it)
    with pytest.raises(NetworkError, match="Bad Gateway"):
        await bot.send_message(private.id, "x")
    assert private.messages == ()


async def test_a_late_server_does_at_once_what_it_answers_late_until_that_ends(
    bot: Bot, api: BotApi, private: Chat
) -> None:
    api.be_late(0.1)
    began = asyncio.get_running_loop().time()
    await bot.send_message(private.id, "x")
    assert asyncio.get_running_loop().time() - began >= 0.1
    api.be_late(3600)
    sending = asyncio.ensure_future(bot.send_message(private.id, "y"))
    await api.until(lambda: len(private.bot_messages) == 2)
    sending.cancel()
    api.be_late(0)
    await bot.send_message(private.id, "z")

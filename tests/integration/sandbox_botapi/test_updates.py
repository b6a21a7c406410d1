"""Updates: what people do comes to the bot, by long polling; presses and their answers."""

import asyncio

import httpx
import pytest
from telegram import (
    Bot,
    Update,
)
from telegram import Message as TelegramMessage
from telegram.error import Conflict
from telegram.ext import Application, CallbackQueryHandler, CommandHandler, ContextTypes

from sandbox.botapi import BotApi, Chat, Event, Person, Phase
from tests.integration.sandbox_botapi.clients import HandMovedTime, bot_of, http_of, keyboard, next_press, refusal


async def test_people_who_write_and_edit_make_updates(bot: Bot, api: BotApi, alice: Person) -> None:
    group = api.group("Friends", alice)
    first = alice.say(group, "/calibrate@calibot_sandbox_bot 1")
    alice.edit(first, "second thoughts")
    alice.say(group, "as the group", reply_to=first, anonymous=True)
    said, edited, anonymous = await bot.get_updates()
    assert said.message is not None
    assert said.message.from_user is not None
    assert (said.message.from_user.id, said.message.chat.id, said.message.chat.title) == (alice.id, group.id, "Friends")
    assert [(one.type, one.offset, one.length) for one in said.message.entities] == [("bot_command", 0, 30)]
    assert edited.edited_message is not None
    assert edited.edited_message.text == "second thoughts"
    assert anonymous.message is not None
    assert anonymous.message.sender_chat == anonymous.message.chat
    assert anonymous.message.reply_to_message is not None


async def test_a_channels_post_stands_in_its_group_as_an_automatic_forward(
    bot: Bot, api: BotApi, alice: Person
) -> None:
    group = api.group("Friends", alice)
    post = api.post(group, "/help")
    (update,) = await bot.get_updates()
    assert update.message is not None
    assert update.message.is_automatic_forward
    assert update.message.sender_chat is not None
    assert (update.message.sender_chat.type, update.message.chat.id) == ("channel", group.id)
    assert update.message.from_user is not None
    assert not update.message.from_user.is_bot
    assert group.messages == (post,)
    assert group.bot_messages == ()


async def test_under_a_photo_the_words_are_a_caption(bot: Bot, alice: Person, private: Chat) -> None:
    alice.say(private, "/see this", photo=True)
    (update,) = await bot.get_updates()
    assert update.message is not None
    assert (update.message.text, update.message.caption, len(update.message.photo)) == (None, "/see this", 1)
    assert [one.type for one in update.message.caption_entities] == ["bot_command"]
    with pytest.raises(ValueError, match="1,024"):
        alice.say(private, "x" * 1025, photo=True)


async def test_update_ids_begin_at_the_clock_and_an_offset_confirms(
    bot: Bot, alice: Person, private: Chat, clock: HandMovedTime
) -> None:
    for text in "abc":
        alice.say(private, text)
    first = await bot.get_updates(limit=2)
    began = int(clock.now * 1000)
    assert [update.update_id for update in first] == [began, began + 1]
    assert len(await bot.get_updates()) == 3, "nothing was confirmed"
    (third,) = await bot.get_updates(offset=first[-1].update_id + 1)
    assert await bot.get_updates(offset=third.update_id + 1) == ()
    assert await bot.get_updates() == ()


async def test_a_later_sandboxs_updates_are_new_though_there_were_many_in_the_last_seconds(
    bot: Bot, alice: Person, private: Chat, clock: HandMovedTime
) -> None:
    """A bot that is started again with its database would take an old number for what it has handled."""
    for number in range(100):
        alice.say(private, str(number))
    before = await bot.get_updates()
    clock.now += 2
    async with BotApi(now=lambda: clock.now) as later, bot_of(later) as again:
        bob = later.person("Bob")
        bob.say(later.private(bob), "hello")
        (first,) = await again.get_updates()
    assert first.update_id > before[-1].update_id


async def test_a_negative_offset_keeps_the_last_ones(bot: Bot, alice: Person, private: Chat) -> None:
    for text in "abc":
        alice.say(private, text)
    (last,) = await bot.get_updates(offset=-1)
    assert last.message is not None
    assert last.message.text == "c"


async def test_unwanted_kinds_are_not_queued_until_they_are_wanted_again(
    bot: Bot, alice: Person, private: Chat
) -> None:
    await bot.get_updates(allowed_updates=[Update.MESSAGE])
    said = alice.say(private, "a")
    alice.edit(said, "b")
    assert len(await bot.get_updates()) == 1
    await bot.get_updates(allowed_updates=[])
    alice.edit(said, "c")
    assert len(await bot.get_updates()) == 2


async def test_a_long_poll_is_answered_the_moment_somebody_writes(
    bot: Bot, api: BotApi, alice: Person, private: Chat
) -> None:
    async with asyncio.TaskGroup() as tasks:
        poll = tasks.create_task(bot.get_updates(timeout=30))
        await api.until(lambda: api.events == 4)  # getMe has three, then the poll is received
        alice.say(private, "hello")
    assert len(poll.result()) == 1


async def test_the_later_of_two_pollers_stays_and_the_earlier_one_is_told(
    bot: Bot, api: BotApi, alice: Person, private: Chat
) -> None:
    async with bot_of(api) as other, asyncio.TaskGroup() as tasks:
        arrived: list[Event] = []
        api.on_event(lambda event: arrived.append(event) if event.phase is Phase.RECEIVED else None)
        earlier = tasks.create_task(_told_of_conflict(bot))
        await api.until(lambda: arrived)
        later = tasks.create_task(other.get_updates(timeout=30))
        await api.until(lambda: any(call.status == 409 for call in api.calls))
        alice.say(private, "hello")
    assert earlier.result() == (
        "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
    )
    assert len(later.result()) == 1


async def _told_of_conflict(bot: Bot) -> str:
    with pytest.raises(Conflict) as conflict:
        await bot.get_updates(timeout=30)
    return conflict.value.message


async def test_webhooks_are_dropped_with_what_waits(bot: Bot, alice: Person, private: Chat) -> None:
    alice.say(private, "hello")
    assert await bot.delete_webhook()
    assert len(await bot.get_updates()) == 1
    assert await bot.delete_webhook(drop_pending_updates=True)
    assert await bot.get_updates() == ()


async def test_a_poller_that_went_away_hears_of_no_conflict(
    bot: Bot, api: BotApi, alice: Person, private: Chat
) -> None:
    gone = asyncio.create_task(bot.get_updates(timeout=30))
    await api.until(lambda: api.events == 4)
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    async with asyncio.TaskGroup() as tasks:
        poll = tasks.create_task(bot.get_updates(timeout=30))
        await api.until(lambda: sum(call.method == "getUpdates" for call in api.calls) == 1)
        alice.say(private, "hello")
    assert len(poll.result()) == 1
    assert [call.status for call in api.calls if call.method == "getUpdates"] == [0, 200]


async def test_a_press_comes_to_the_bot_and_its_answer_to_the_person(
    bot: Bot, alice: Person, private: Chat, clock: HandMovedTime
) -> None:
    await bot.send_message(private.id, "card", reply_markup=keyboard(("Refresh", "Cancel")))
    async with asyncio.TaskGroup() as tasks:
        press = tasks.create_task(alice.press(private.bot_messages[-1], "Cancel"))
        query = await next_press(bot)
        assert (query.data, query.from_user.id) == ("cancel", alice.id)
        assert isinstance(query.message, TelegramMessage)
        assert query.message.text == "card"
        clock.now += 3
        assert await bot.answer_callback_query(query.id, "done", show_alert=True)
    answer = press.result()
    assert (answer.text, answer.show_alert, answer.seconds) == ("done", True, 3)


@pytest.mark.parametrize("data", ["", "no such data", "三" * 30])
async def test_forged_data_comes_as_it_is(bot: Bot, alice: Person, private: Chat, data: str) -> None:
    await bot.send_message(private.id, "card")
    async with asyncio.TaskGroup() as tasks:
        press = tasks.create_task(alice.press_data(private.messages[-1], data))
        query = await next_press(bot)
        assert query.data == data
        await query.answer()
    assert press.result().text == ""


async def test_a_press_is_answered_once_and_in_time(
    http: httpx.AsyncClient, bot: Bot, alice: Person, private: Chat, clock: HandMovedTime
) -> None:
    too_old = (400, "Bad Request: query is too old and response timeout expired or query ID is invalid")
    assert await refusal(http, "answerCallbackQuery", callback_query_id="17") == too_old
    await bot.send_message(private.id, "card", reply_markup=keyboard(("Cancel",)))
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(alice.press(private.messages[-1], "Cancel"))
        query = await next_press(bot)
        assert await refusal(http, "answerCallbackQuery", callback_query_id=query.id, text="x" * 201) == (
            400,
            "Bad Request: MESSAGE_TOO_LONG",
        )
        await query.answer()
    assert await refusal(http, "answerCallbackQuery", callback_query_id=query.id) == too_old
    second = asyncio.create_task(alice.press(private.messages[-1], "Cancel"))
    query = await next_press(bot)
    clock.now += 15.1
    assert await refusal(http, "answerCallbackQuery", callback_query_id=query.id) == too_old
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second


async def test_nobody_presses_what_is_not_there(bot: Bot, alice: Person, private: Chat) -> None:
    await bot.send_message(private.id, "card", reply_markup=keyboard(("Cancel",)))
    card = private.messages[-1]
    with pytest.raises(LookupError, match="no button 'Retry'"):
        await alice.press(card, "Retry")
    alice.delete(card)
    with pytest.raises(LookupError, match="deleted"):
        await alice.press(card, "Cancel")


async def test_a_whole_application_talks_and_stops_without_one_refused_call(
    api: BotApi, alice: Person, private: Chat
) -> None:
    async def start(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        assert update.message is not None
        await update.message.reply_html("<b>hello</b>", do_quote=True, reply_markup=keyboard(("Cancel",)))

    async def cancel(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        assert update.callback_query is not None
        await update.callback_query.answer("stopped")
        await update.callback_query.edit_message_text("cancelled")

    builder = Application.builder().token(api.token).base_url(api.base_url).base_file_url(api.base_file_url)
    application = builder.job_queue(None).build()
    application.add_handlers([CommandHandler("start", start), CallbackQueryHandler(cancel, "cancel")])
    async with application:
        await application.start()
        assert application.updater is not None
        await application.updater.start_polling(poll_interval=0, timeout=30)
        said = alice.say(private, "/start")
        card = (await api.until(lambda: private.bot_messages))[0]
        assert card.reply_to is said
        assert (await alice.press(card, "Cancel")).text == "stopped"
        await api.until(lambda: card.text == "cancelled")
        await application.updater.stop()
        await application.stop()
    assert {call.status for call in api.calls} <= {200, 0}


async def test_leaving_the_sandbox_ends_a_waiting_poll(clock: HandMovedTime) -> None:
    async with BotApi(now=clock) as api, http_of(api) as http:
        poll = asyncio.create_task(http.post("getUpdates", json={"timeout": 50}))
        await api.until(lambda: api.events)
        await api.__aexit__(None, None, None)
        assert (await poll).json() == {"ok": True, "result": []}

"""Messages: sent, edited, deleted, and refused as Telegram refuses them."""

import httpx
import pytest
from telegram import (
    Bot,
    CopyTextButton,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    LinkPreviewOptions,
    ReplyParameters,
)
from telegram import Message as TelegramMessage
from telegram.constants import ChatMemberStatus, ParseMode
from telegram.error import BadRequest, Forbidden

from sandbox.botapi import BotApi, Chat, Person
from tests.integration.sandbox_botapi.clients import HandMovedTime, keyboard, refusal


async def test_a_sent_message_stands_in_the_chat_and_comes_back_whole(
    bot: Bot, alice: Person, private: Chat, clock: HandMovedTime
) -> None:
    asked = alice.say(private, "/calibrate 1")
    sent = await bot.send_message(
        private.id,
        "<b>pending</b> &lt;三体&gt; 🎬",
        parse_mode=ParseMode.HTML,
        reply_markup=keyboard(("Refresh", "Cancel"), ("Retry",)),
        reply_parameters=ReplyParameters(asked.id),
        link_preview_options=LinkPreviewOptions(is_disabled=True),
        disable_notification=True,
    )
    (message,) = private.bot_messages
    assert message.id == sent.message_id
    assert message.text == sent.text == "pending <三体> 🎬"
    assert message.html == "<b>pending</b> &lt;三体&gt; 🎬"
    assert message.buttons == ((("Refresh", "refresh"), ("Cancel", "cancel")), (("Retry", "retry"),))
    assert message.reply_to is asked
    assert message.options == {"disable_notification": True, "link_preview_options": {"is_disabled": True}}
    assert message.versions == [(clock.now, "pending <三体> 🎬")]
    assert sent.reply_to_message is not None
    assert sent.reply_to_message.text == "/calibrate 1"
    assert sent.text_html == "<b>pending</b> &lt;三体&gt; 🎬"
    assert sent.reply_markup == keyboard(("Refresh", "Cancel"), ("Retry",))
    assert sent.date.timestamp() == clock.now


async def test_a_message_may_copy_a_text_by_a_button(bot: Bot, private: Chat) -> None:
    button = InlineKeyboardButton("Copy", copy_text=CopyTextButton("magnet:?xt=urn:btih:0"))
    sent = await bot.send_message(private.id, "x", reply_markup=InlineKeyboardMarkup([[button]]))
    assert sent.reply_markup is not None
    assert sent.reply_markup.inline_keyboard[0][0] == button
    assert private.messages[0].buttons == ((("Copy", "magnet:?xt=urn:btih:0"),),)


@pytest.mark.parametrize(
    ("given", "description"),
    [
        ({"text": ""}, "message text is empty"),
        ({}, "message text is empty"),
        ({"text": " \n"}, "message text is empty"),
        ({"text": "<b></b>", "parse_mode": "HTML"}, "message text is empty"),
        ({"text": "x" * 4097}, "message is too long"),
        ({"text": "🎬" * 2049}, "message is too long"),
        ({"text": "a < b", "parse_mode": "HTML"}, 'can\'t parse entities: Unsupported start tag "" at byte offset 2'),
        ({"text": "三<x>", "parse_mode": "html"}, 'can\'t parse entities: Unsupported start tag "x" at byte offset 3'),
        ({"text": "x", "reply_parameters": {"message_id": 99}}, "message to be replied not found"),
        ({"text": "x", "message_thread_id": 7}, "message thread not found"),
        (
            {"text": "x", "entities": [{"type": "bold", "offset": 0, "length": 2}]},
            "entity beginning at UTF-16 offset 0 ends after the end of the text at UTF-16 offset 1",
        ),
        (
            {"text": "x", "reply_markup": {"inline_keyboard": [[{"text": "x", "callback_data": "y" * 65}]]}},
            "BUTTON_DATA_INVALID",
        ),
    ],
)
async def test_a_bad_message_is_refused_in_telegrams_words(
    http: httpx.AsyncClient, private: Chat, given: dict[str, object], description: str
) -> None:
    assert await refusal(http, "sendMessage", chat_id=private.id, **given) == (400, f"Bad Request: {description}")
    assert private.messages == ()


async def test_the_longest_text_is_measured_after_parsing(bot: Bot, private: Chat) -> None:
    await bot.send_message(private.id, "<b>" + "&lt;" * 4096 + "</b>", parse_mode=ParseMode.HTML)
    assert private.messages[0].text == "<" * 4096


async def test_a_reply_to_a_deleted_message_may_be_allowed(bot: Bot, alice: Person, private: Chat) -> None:
    asked = alice.say(private, "hello")
    alice.delete(asked)
    with pytest.raises(BadRequest, match="Message to be replied not found"):
        await bot.send_message(private.id, "x", reply_parameters=ReplyParameters(asked.id))
    sent = await bot.send_message(
        private.id, "x", reply_parameters=ReplyParameters(asked.id, allow_sending_without_reply=True)
    )
    assert sent.reply_to_message is None


async def test_topics_take_messages_in_forums_alone(bot: Bot, api: BotApi, alice: Person) -> None:
    forum = api.group("Forum", alice, forum=True)
    topic = forum.open_topic()
    sent = await bot.send_message(forum.id, "x", message_thread_id=topic)
    assert (sent.message_thread_id, sent.is_topic_message) == (topic, True)
    assert forum.messages[0].topic == topic
    assert alice.say(forum, "y", reply_to=forum.messages[0]).topic == topic
    with pytest.raises(BadRequest, match="Message thread not found"):
        await bot.send_message(forum.id, "x", message_thread_id=topic + 1)


async def test_a_chat_that_never_opened_is_not_found(http: httpx.AsyncClient, alice: Person) -> None:
    for chat_id in (alice.id, -1, "@alice"):
        assert await refusal(http, "sendMessage", chat_id=chat_id, text="x") == (400, "Bad Request: chat not found")
    assert await refusal(http, "sendMessage", text="x") == (400, "Bad Request: chat_id is empty")


async def test_who_blocked_or_threw_out_the_bot_is_out_of_reach(
    http: httpx.AsyncClient, api: BotApi, alice: Person, private: Chat
) -> None:
    group, small = api.group("Friends", alice), api.group("Few", alice, kind="group")
    alice.block()
    group.set_status(api.bot, "kicked")
    small.set_status(api.bot, "left")
    texts = [
        (private, "Forbidden: bot was blocked by the user"),
        (group, "Forbidden: bot was kicked from the supergroup chat"),
        (small, "Forbidden: bot is not a member of the group chat"),
    ]
    for chat, description in texts:
        assert await refusal(http, "sendMessage", chat_id=chat.id, text="x") == (403, description)
    alice.unblock()
    assert (await http.post("sendMessage", json={"chat_id": private.id, "text": "x"})).json()["ok"] is True


async def test_a_restricted_bot_may_not_send(http: httpx.AsyncClient, api: BotApi, alice: Person) -> None:
    group = api.group("Friends", alice)
    group.set_status(api.bot, "restricted")
    assert await refusal(http, "sendMessage", chat_id=group.id, text="x") == (
        400,
        "Bad Request: not enough rights to send text messages to the chat",
    )


async def test_the_bot_is_told_that_it_was_blocked(bot: Bot, alice: Person, private: Chat) -> None:
    alice.block()
    (update,) = await bot.get_updates()
    assert update.my_chat_member is not None
    assert update.my_chat_member.new_chat_member.status is ChatMemberStatus.BANNED
    assert update.my_chat_member.from_user.id == alice.id


async def test_forbidden_reaches_a_bot_as_forbidden(bot: Bot, alice: Person, private: Chat) -> None:
    alice.block()
    with pytest.raises(Forbidden, match="bot was blocked by the user"):
        await bot.send_message(private.id, "x")


async def test_an_edit_changes_the_message_and_keeps_its_versions(
    bot: Bot, private: Chat, clock: HandMovedTime
) -> None:
    sent = await bot.send_message(private.id, "pending", reply_markup=keyboard(("Cancel",)))
    clock.now += 2
    edited = await bot.edit_message_text("<i>running</i>", private.id, sent.message_id, parse_mode=ParseMode.HTML)
    assert isinstance(edited, TelegramMessage)
    assert edited.edit_date is not None
    (message,) = private.messages
    assert (message.text, message.html, message.buttons) == ("running", "<i>running</i>", ())
    assert message.versions == [(clock.now - 2, "pending"), (clock.now, "running")]


@pytest.mark.parametrize("text", ["<b>x</b> y", "<strong>x</strong> y", "  <b>x</b> y\n"])
async def test_an_edit_that_shows_the_same_is_refused(http: httpx.AsyncClient, private: Chat, text: str) -> None:
    markup = {"inline_keyboard": [[{"text": "a", "callback_data": "b"}]]}
    place = {"chat_id": private.id, "parse_mode": "HTML", "reply_markup": markup}
    await http.post("sendMessage", json={"text": "<b>x</b> y", **place})
    same = (
        "Bad Request: message is not modified: specified new message content and reply markup are exactly the same as "
        "a current content and reply markup of the message"
    )
    assert await refusal(http, "editMessageText", text=text, message_id=1, **place) == (400, same)
    assert await refusal(http, "editMessageReplyMarkup", chat_id=private.id, message_id=1, reply_markup=markup) == (
        400,
        same,
    )


@pytest.mark.parametrize("change", [{"text": "x y"}, {"text": "<i>x</i> y"}, {"reply_markup": {"inline_keyboard": []}}])
async def test_an_edit_of_entities_or_buttons_alone_is_an_edit(
    http: httpx.AsyncClient, private: Chat, change: dict[str, object]
) -> None:
    markup = {"inline_keyboard": [[{"text": "a", "callback_data": "b"}]]}
    place = {"chat_id": private.id, "parse_mode": "HTML", "reply_markup": markup, "text": "<b>x</b> y"}
    await http.post("sendMessage", json=place)
    assert (await http.post("editMessageText", json={**place, "message_id": 1, **change})).json()["ok"] is True


async def test_buttons_alone_may_be_edited(bot: Bot, private: Chat) -> None:
    sent = await bot.send_message(private.id, "<b>x</b>", parse_mode=ParseMode.HTML)
    await bot.edit_message_reply_markup(private.id, sent.message_id, reply_markup=keyboard(("Retry",)))
    assert private.messages[0].buttons == ((("Retry", "retry"),),)
    assert private.messages[0].html == "<b>x</b>"


async def test_a_deleted_message_and_a_foreign_one_cannot_be_edited(
    http: httpx.AsyncClient, bot: Bot, alice: Person, private: Chat
) -> None:
    theirs = alice.say(private, "hello")
    sent = await bot.send_message(private.id, "x")
    alice.delete(private.messages[-1])
    gone = (400, "Bad Request: message to edit not found")
    assert await refusal(http, "editMessageText", chat_id=private.id, message_id=sent.message_id, text="y") == gone
    assert await refusal(http, "editMessageReplyMarkup", chat_id=private.id, message_id=99) == gone
    assert await refusal(http, "editMessageText", chat_id=private.id, message_id=theirs.id, text="y") == (
        400,
        "Bad Request: message can't be edited",
    )
    assert await refusal(http, "editMessageText", chat_id=private.id, text="y") == (
        400,
        "Bad Request: message identifier is not specified",
    )


async def test_the_bot_deletes_its_own_messages_and_others_where_it_may(
    bot: Bot, api: BotApi, alice: Person, private: Chat
) -> None:
    group = api.group("Friends", alice)
    theirs = alice.say(group, "hello")
    await bot.delete_message(private.id, (await bot.send_message(private.id, "x")).message_id)
    assert private.messages == ()
    with pytest.raises(BadRequest, match="Message can't be deleted"):
        await bot.delete_message(group.id, theirs.id)
    group.set_status(api.bot, "administrator")
    await bot.delete_message(group.id, theirs.id)
    with pytest.raises(BadRequest, match="Message to delete not found"):
        await bot.delete_message(group.id, theirs.id)
    assert theirs.deleted


async def test_messages_are_numbered_from_where_a_test_says() -> None:
    async with BotApi(first_message=1_000) as api:
        alice = api.person("Alice")
        assert [alice.say(chat, "x").id for chat in (api.private(alice), api.group("Friends", alice))] == [1_000, 1_000]
        assert alice.say(api.private(alice), "y").id == 1_001

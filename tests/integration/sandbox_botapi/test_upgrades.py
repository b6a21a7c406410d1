"""A basic group becomes a supergroup: who is told, and what is left of the old one."""

import pytest
from telegram import Bot, Update
from telegram.error import ChatMigrated

from sandbox.botapi import BotApi, Chat, Person
from tests.integration.sandbox_botapi.clients import http_of, keyboard


@pytest.fixture
def group(api: BotApi, alice: Person) -> Chat:
    return api.group("Friends", alice, api.person("Bob"), kind="group")


async def test_either_chat_tells_of_the_other_by_a_service_message(bot: Bot, alice: Person, group: Chat) -> None:
    alice.say(group, "before")
    chat = alice.upgrade(group)
    assert (chat.kind, chat.title) == ("supergroup", "Friends")
    assert chat.id != group.id
    _, left, come = [update.message for update in await bot.get_updates()]
    assert left is not None
    assert come is not None
    assert left.from_user is not None
    assert (left.chat.id, left.from_user.id, left.message_id) == (group.id, alice.id, 2)
    assert (left.migrate_to_chat_id, left.migrate_from_chat_id, left.text) == (chat.id, None, None)
    assert (come.chat.id, come.message_id, come.sender_chat) == (chat.id, 1, come.chat)
    assert (come.migrate_from_chat_id, come.migrate_to_chat_id, come.text) == (group.id, None, None)


async def test_privacy_mode_hides_no_upgrade(bot: Bot, api: BotApi, alice: Person, group: Chat) -> None:
    api.privacy_mode = True
    alice.say(group, "unheard")
    chat = alice.upgrade(group)
    alice.say(chat, "unheard")
    assert len(await bot.get_updates()) == 2


async def test_an_upgrade_is_told_as_messages_alone(bot: Bot, alice: Person, group: Chat) -> None:
    await bot.get_updates(allowed_updates=[Update.CALLBACK_QUERY])
    alice.upgrade(group)
    assert await bot.get_updates() == ()


async def test_a_bot_that_is_not_there_hears_of_no_upgrade(bot: Bot, api: BotApi, alice: Person, group: Chat) -> None:
    group.set_status(api.bot, "left")
    await bot.get_updates(offset=-1)
    alice.upgrade(group)
    assert [update for update in await bot.get_updates() if update.message] == []


async def test_all_that_is_asked_of_the_old_chat_is_answered_with_the_new_one(
    bot: Bot, api: BotApi, alice: Person, group: Chat
) -> None:
    card = await bot.send_message(group.id, "card")
    chat = alice.upgrade(group)
    for ask in (
        lambda: bot.send_message(group.id, "x"),
        lambda: bot.send_document(group.id, b"x"),
        lambda: bot.edit_message_text("x", group.id, card.message_id),
        lambda: bot.edit_message_reply_markup(group.id, card.message_id, reply_markup=keyboard(("Cancel",))),
        lambda: bot.delete_message(group.id, card.message_id),
        lambda: bot.get_chat(group.id),
        lambda: bot.get_chat_member(group.id, alice.id),
        lambda: bot.send_chat_action(group.id, "typing"),
    ):
        with pytest.raises(ChatMigrated) as migrated:
            await ask()
        assert migrated.value.new_chat_id == chat.id
    assert [message.text for message in group.bot_messages] == ["card"]
    async with http_of(api) as http:
        answer = await http.post("sendMessage", json={"chat_id": group.id, "text": "x"})
    assert (answer.status_code, answer.json()) == (
        400,
        {
            "ok": False,
            "error_code": 400,
            "description": "Bad Request: group chat was upgraded to a supergroup chat",
            "parameters": {"migrate_to_chat_id": chat.id},
        },
    )


async def test_in_the_new_chat_everybody_is_what_they_were_and_messages_count_anew(
    bot: Bot, alice: Person, group: Chat
) -> None:
    group.set_status(alice, "creator")
    await bot.send_message(group.id, "card")
    chat = alice.upgrade(group)
    assert (await bot.get_chat_member(chat.id, alice.id)).status == "creator"
    sent = await bot.send_message(chat.id, "hello")
    assert sent.message_id == 2, "after the service message"
    assert [message.text for message in chat.bot_messages] == ["hello"]


async def test_nobody_does_anything_in_a_group_that_was_upgraded(
    bot: Bot, api: BotApi, alice: Person, private: Chat, group: Chat
) -> None:
    await bot.send_message(group.id, "card", reply_markup=keyboard(("Cancel",)))
    said = alice.say(group, "hello")
    with pytest.raises(ValueError, match="cannot upgrade"):
        api.person("Mallory").upgrade(group)
    alice.upgrade(group)
    for impossible in (
        lambda: alice.say(group, "x"),
        lambda: alice.edit(said, "x"),
        lambda: alice.upgrade(group),
        lambda: alice.upgrade(private),
    ):
        with pytest.raises(ValueError, match=r"is a supergroup now|cannot upgrade"):
            impossible()
    with pytest.raises(ValueError, match="is a supergroup now"):
        await alice.press(group.bot_messages[-1], "Cancel")

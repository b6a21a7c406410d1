"""How the sandbox's Telegram is asked, and what it says of people, chats and commands."""

import httpx
import pytest
from telegram import (
    Bot,
    BotCommand,
    BotCommandScopeAllChatAdministrators,
    BotCommandScopeChat,
    ChatMemberAdministrator,
)
from telegram.constants import ChatMemberStatus
from telegram.error import BadRequest, InvalidToken

from sandbox.botapi import BotApi, Chat, Person
from tests.integration.sandbox_botapi.clients import bot_of, refusal


async def test_a_bot_learns_who_it_is(bot: Bot, api: BotApi) -> None:
    assert (bot.id, bot.username, bot.first_name) == (42, api.bot.username, "calibot")


async def test_another_token_is_unauthorized_and_a_malformed_one_is_not_found(api: BotApi) -> None:
    async with httpx.AsyncClient() as http:
        wrong = await http.get(f"{api.base_url}42:OTHER/getMe")
        malformed = await http.get(f"{api.base_url}nonsense/getMe")
    assert (wrong.status_code, wrong.json()) == (401, {"ok": False, "error_code": 401, "description": "Unauthorized"})
    assert (malformed.status_code, malformed.json()["description"]) == (404, "Not Found")
    with pytest.raises(InvalidToken):
        async with bot_of(api, "42:OTHER"):
            pass


async def test_parameters_come_by_query_form_multipart_and_json_and_methods_in_any_case(
    http: httpx.AsyncClient, private: Chat
) -> None:
    markup = {"inline_keyboard": [[{"text": "a", "callback_data": "b"}]]}
    text_markup = '{"inline_keyboard": [[{"text": "a", "callback_data": "b"}]]}'
    chat_id = str(private.id)
    await http.get("SENDMESSAGE", params={"chat_id": chat_id, "text": "1", "reply_markup": text_markup})
    await http.post("sendMessage", data={"chat_id": chat_id, "text": "2", "reply_markup": text_markup})
    await http.post(
        "sendmessage", files={"chat_id": (None, chat_id), "text": (None, "3"), "reply_markup": (None, text_markup)}
    )
    await http.post("sendMessage", json={"chat_id": private.id, "text": "4", "reply_markup": markup})
    assert [message.text for message in private.messages] == ["1", "2", "3", "4"]
    assert {message.buttons for message in private.messages} == {((("a", "b"),),)}


async def test_what_the_sandbox_does_not_know_is_refused(http: httpx.AsyncClient, private: Chat) -> None:
    assert await refusal(http, "sendPigeon") == (404, "Not Found: method not found")
    assert await refusal(http, "sendMessage", chat_id=private.id, text="x", parse_mod="HTML") == (
        400,
        "Bad Request: sandbox: sendMessage has no parameter 'parse_mod' here",
    )
    assert await refusal(http, "sendMessage", chat_id=private.id, text=5) == (
        400,
        "Bad Request: sandbox: parameter 'text' must be a String",
    )
    assert await refusal(http, "sendMessage", chat_id=private.id, text="x", parse_mode="Org") == (
        400,
        "Bad Request: unsupported parse_mode",
    )
    assert private.messages == ()


async def test_broken_unicode_is_refused(http: httpx.AsyncClient, private: Chat) -> None:
    answer = await http.post(
        "sendMessage",
        content=f'{{"chat_id": {private.id}, "text": "\\ud83d"}}',
        headers={"content-type": "application/json"},
    )
    assert answer.json()["description"] == "Bad Request: strings must be encoded in UTF-8"


@pytest.mark.parametrize("status", list(ChatMemberStatus))
async def test_a_member_is_what_the_group_says(bot: Bot, api: BotApi, alice: Person, status: ChatMemberStatus) -> None:
    group = api.group("Friends", alice)
    group.set_status(alice, status.value)
    member = await bot.get_chat_member(group.id, alice.id)
    assert (member.status, member.user.id, member.user.first_name) == (status, alice.id, "Alice")


async def test_an_administrator_has_rights_and_a_stranger_has_left(bot: Bot, api: BotApi, alice: Person) -> None:
    group = api.group("Friends", alice)
    group.set_status(alice, "administrator")
    administrator = await bot.get_chat_member(group.id, alice.id)
    assert isinstance(administrator, ChatMemberAdministrator)
    assert administrator.can_delete_messages
    assert (await bot.get_chat_member(group.id, api.person("Bob").id)).status is ChatMemberStatus.LEFT
    assert (await bot.get_chat_member(group.id, 5)).status is ChatMemberStatus.LEFT
    with pytest.raises(BadRequest, match="Invalid user_id specified"):
        await bot.get_chat_member(group.id, 0)


async def test_a_chat_says_what_it_is(bot: Bot, api: BotApi, alice: Person, private: Chat) -> None:
    group = await bot.get_chat(api.group("Friends", alice, forum=True).id)
    assert (group.type, group.title, group.is_forum) == ("supergroup", "Friends", True)
    person = await bot.get_chat(private.id)
    assert (person.type, person.first_name, person.username) == ("private", "Alice", "alice")


async def test_typing_is_taken_and_nonsense_is_not(bot: Bot, private: Chat) -> None:
    assert await bot.send_chat_action(private.id, "typing")
    with pytest.raises(BadRequest, match="Wrong parameter action in request"):
        await bot.send_chat_action(private.id, "dancing")


async def test_command_lists_are_kept_by_scope_and_language(bot: Bot, private: Chat) -> None:
    await bot.set_my_commands([("help", "What I do")])
    await bot.set_my_commands([BotCommand("hilfe", "Was ich tue")], language_code="de")
    await bot.set_my_commands([("note", "Show it")], scope=BotCommandScopeChat(private.id))
    assert await bot.get_my_commands() == (BotCommand("help", "What I do"),)
    assert await bot.get_my_commands(language_code="de") == (BotCommand("hilfe", "Was ich tue"),)
    assert await bot.get_my_commands(scope=BotCommandScopeChat(private.id)) == (BotCommand("note", "Show it"),)
    await bot.delete_my_commands()
    assert await bot.get_my_commands() == ()


@pytest.mark.parametrize(
    ("command", "description"),
    [
        ({"command": "Help", "description": "x"}, "BOT_COMMAND_INVALID"),
        ({"command": "a" * 33, "description": "x"}, "BOT_COMMAND_INVALID"),
        ({"command": "help", "description": ""}, "BOT_COMMAND_DESCRIPTION_INVALID"),
        ({"command": "help", "description": "x" * 257}, "BOT_COMMAND_DESCRIPTION_INVALID"),
    ],
)
async def test_a_bad_command_is_refused(http: httpx.AsyncClient, command: dict[str, str], description: str) -> None:
    assert await refusal(http, "setMyCommands", commands=[command]) == (400, f"Bad Request: {description}")


async def test_an_app_lists_the_narrowest_commands_in_its_language(bot: Bot, api: BotApi, private: Chat) -> None:
    alice, bob = api.person("Alice", language="en"), api.person("Bob", language="zh-hans")
    group = api.group("Friends", alice, bob)
    group.set_status(alice, "administrator")
    assert api.menu(group, alice) == []
    await bot.set_my_commands([("help", "What I do")])
    await bot.set_my_commands([("help", "帮助")], language_code="zh")
    await bot.set_my_commands([("allow", "Let in")], scope=BotCommandScopeAllChatAdministrators())
    assert api.menu(api.private(alice), alice) == [("help", "What I do")]
    assert api.menu(api.private(bob), bob) == [("help", "帮助")]
    assert api.menu(group, alice) == [("allow", "Let in")]
    assert api.menu(group, bob) == [("help", "帮助")]

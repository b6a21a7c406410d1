"""Files: sent by people and fetched by the bot, sent by the bot, and refused as Telegram refuses them."""

import io

import httpx
import pytest
from telegram import Bot, InputFile
from telegram.constants import ParseMode
from telegram.error import BadRequest, NetworkError

from sandbox.botapi import BotApi, Chat, File, Person
from sandbox.botapi.files import MAX_UPLOAD
from tests.integration.sandbox_botapi.clients import keyboard


async def test_a_file_that_a_person_sends_is_fetched_byte_for_byte(bot: Bot, alice: Person, private: Chat) -> None:
    content = bytes(range(256)) * 5
    alice.say(private, "/save", document=File("list.txt", content))
    (update,) = await bot.get_updates()
    assert update.message is not None
    assert update.message.caption == "/save"
    assert [one.type for one in update.message.caption_entities] == ["bot_command"]
    document = update.message.document
    assert document is not None
    assert (document.file_name, document.mime_type, document.file_size) == ("list.txt", "text/plain", 1280)
    file = await bot.get_file(document.file_id)
    assert bytes(await file.download_as_bytearray()) == content


async def test_an_unknown_file_and_one_over_twenty_megabytes_are_refused(
    bot: Bot, alice: Person, private: Chat
) -> None:
    with pytest.raises(BadRequest, match="Wrong file_id"):
        await bot.get_file("nothing")
    message = alice.say(private, "", document=File("big.txt", b"x", claimed=20_000_001))
    assert message.document is not None
    with pytest.raises(BadRequest, match="File is too big"):
        await bot.get_file(message.document.id)


async def test_nothing_is_downloaded_with_another_token_or_elsewhere(api: BotApi, alice: Person, private: Chat) -> None:
    message = alice.say(private, "", document=File("a.txt", b"x"))
    assert message.document is not None
    async with httpx.AsyncClient() as client:
        for place, status in [
            (f"{api.token}/{message.document.path}", 200),
            (f"42:OTHER/{message.document.path}", 401),
            (f"{api.token}/documents/nothing", 404),
        ]:
            assert (await client.get(f"{api.base_file_url}{place}")).status_code == status


async def test_a_file_that_the_bot_sends_stands_in_the_chat(bot: Bot, alice: Person, private: Chat) -> None:
    asked = alice.say(private, "/note 12")
    sent = await bot.send_document(
        private.id,
        InputFile("三体\r\n".encode(), "note-12.txt"),
        caption="<b>#12</b>",
        parse_mode=ParseMode.HTML,
        reply_to_message_id=asked.id,
        reply_markup=keyboard(("Delete",)),
    )
    (message,) = private.bot_messages
    assert message.document is not None
    assert (message.document.name, message.document.content) == ("note-12.txt", "三体\r\n".encode())
    assert (message.text, message.reply_to, message.buttons) == ("#12", asked, ((("Delete", "delete"),),))
    assert sent.document is not None
    assert sent.caption == "#12"
    with pytest.raises(BadRequest, match="There is no text in the message to edit"):
        await bot.edit_message_text("x", private.id, sent.message_id)


@pytest.mark.parametrize(
    ("content", "caption", "description"),
    [
        (b"", "x", "File must be non-empty"),
        (b"x", "x" * 1025, "Message caption is too long"),
        (b"x", "<b>", "Can't parse entities"),
    ],
)
async def test_what_is_no_file_to_send_is_refused(
    bot: Bot, private: Chat, content: bytes, caption: str, description: str
) -> None:
    with pytest.raises(BadRequest, match=description):
        await bot.send_document(private.id, InputFile(content, "a.txt"), caption=caption, parse_mode=ParseMode.HTML)
    assert private.messages == ()


async def test_an_open_file_without_a_caption_may_have_fifty_megabytes(bot: Bot, private: Chat) -> None:
    for size in (1, MAX_UPLOAD):
        content = io.BytesIO(b"x" * size)
        await bot.send_document(private.id, InputFile(content, "a.json", read_file_handle=False))
    with pytest.raises(NetworkError, match="Request Entity Too Large"):
        await bot.send_document(private.id, b"x" * (MAX_UPLOAD + 100_000), filename="a.json")
    assert [(one.text, one.document and len(one.document.content)) for one in private.bot_messages] == [
        ("", 1),
        ("", MAX_UPLOAD),
    ]


async def test_a_muted_bot_sends_no_files(bot: Bot, api: BotApi, alice: Person) -> None:
    group = api.group("Quiet", alice)
    group.set_status(api.bot, "restricted")
    with pytest.raises(BadRequest, match="Not enough rights to send documents to the chat"):
        await bot.send_document(group.id, b"x", filename="a")


async def test_a_forwarded_message_says_from_whom(bot: Bot, alice: Person, private: Chat) -> None:
    alice.say(private, "x", forwarded={"type": "hidden_user", "sender_user_name": "Somebody"})
    (update,) = await bot.get_updates()
    assert update.message is not None
    assert update.message.forward_origin is not None
    assert update.message.forward_origin.type == "hidden_user"


async def test_privacy_mode_hides_what_is_not_meant_for_the_bot(alice: Person) -> None:
    async with (
        BotApi(reads_all=False) as api,
        Bot(api.token, base_url=api.base_url, base_file_url=api.base_file_url) as bot,
    ):
        assert bot.bot.can_read_all_group_messages is False
        person = api.person("Alice")
        group = api.group("Friends", person)
        for text in ("hello", "/start"):
            person.say(group, text)
        group.set_status(api.bot, "administrator")
        person.say(group, "to an administrator")
        texts = [one.message.text for one in await bot.get_updates() if one.message]
    assert texts == ["/start", "to an administrator"]

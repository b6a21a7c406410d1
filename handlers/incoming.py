"""What a message brings that may be kept: its words, or the text file in it; where it stands, and whom it is from."""

import asyncio

from telegram import (
    Bot,
    Document,
    Message,
    MessageEntity,
    MessageOriginChannel,
    MessageOriginChat,
    MessageOriginHiddenUser,
    MessageOriginUser,
)
from telegram.error import TelegramError

from handlers.context import address_of
from services.decoding import decode_file
from services.errors import FileTooLarge, FileUnavailable
from services.notebook.notebook import magnets_of

LARGEST_FILE = 1_000_000
"""Bytes. Telegram lets a bot fetch twenty times as much; nobody reads such a note."""
_FETCH_SECONDS = 20.0
_SAVE = "/save"


def origin_of(message: Message) -> str:
    """Return the message's name, by which its note is found when it is edited."""
    return f"{address_of(message)}#{message.message_id}"


def source_of(message: Message) -> str | None:
    """Return whom a forwarded message is from, as they call themselves; None where it is not forwarded."""
    match message.forward_origin:
        case MessageOriginUser(sender_user=user):
            return _named(user.full_name, user.username)
        case MessageOriginHiddenUser(sender_user_name=name):
            return name
        case MessageOriginChat(sender_chat=chat) | MessageOriginChannel(chat=chat):
            return _named(chat.effective_name or "", chat.username)
        case _:
            return None


def _named(name: str, username: str | None) -> str:
    return f"{name} (@{username})" if username else name


def is_command(message: Message) -> bool:
    """Whether the message, or its caption, begins with a command."""
    entities = message.entities or message.caption_entities
    return any(one.type == MessageEntity.BOT_COMMAND and one.offset == 0 for one in entities)


def after_command(text: str) -> str:
    """Return what follows the command that *text* begins with, but for the blank between the two."""
    words = text[len(text.split(maxsplit=1)[0]) :]
    return words[1:]


def argument_of(message: Message) -> str:
    """Return what stands after the command that *message* begins with."""
    return (message.text or "")[message.entities[0].length :].strip()  # a command is ASCII


def argument_or_replied(message: Message) -> str:
    """Return what stands after the command; where that is nothing, the words of the message that it replies to."""
    replied = message.reply_to_message
    return argument_of(message) or ((replied.text or replied.caption or "").strip() if replied else "")


def is_save_caption(message: Message, bot: Bot) -> bool:
    """Whether the caption says that what it belongs to shall be kept, whatever it is."""
    if not message.caption or not is_command(message):
        return False
    return message.caption.split(maxsplit=1)[0].lower() in {_SAVE, f"{_SAVE}@{bot.username}".lower()}


def is_text_file(document: Document | None) -> bool:
    if document is None:
        return False
    return (document.mime_type or "").startswith("text/") or (document.file_name or "").lower().endswith(".txt")


async def words_in(message: Message, bot: Bot) -> str:
    """Return what there is to keep: a text file's text, as it is, else the message's text or caption.

    A caption with a magnet stands before its file's text; a ``/save`` that it begins with is left out.

    Raises:
        FileTooLarge, FileUnavailable: the file cannot be kept.
    """
    words = message.text or message.caption or ""
    if is_save_caption(message, bot):
        words = after_command(words)
    if message.document is None or not is_text_file(message.document):
        return words
    text = await _fetched(message.document, bot)
    return f"{words}\n\n{text}" if await magnets_of(words) else text


async def _fetched(document: Document, bot: Bot) -> str:
    if (document.file_size or 0) > LARGEST_FILE:
        raise FileTooLarge(most=LARGEST_FILE)
    try:
        file = await bot.get_file(document.file_id)
        if (file.file_size or 0) > LARGEST_FILE:
            raise FileTooLarge(most=LARGEST_FILE)
        content = bytes(await file.download_as_bytearray(read_timeout=_FETCH_SECONDS))
    except TelegramError as error:
        raise FileUnavailable from error
    if len(content) > LARGEST_FILE:
        raise FileTooLarge(most=LARGEST_FILE)
    return await asyncio.to_thread(decode_file, content)

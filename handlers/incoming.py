"""What a message brings that may be kept: its words, or the text file in it; where it stands, and whom it is from."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

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

from handlers.context import CalibotContext, address_of
from handlers.files import UNREADABLE
from handlers.text import LONGEST
from services.calibration.apply import writable
from services.calibration.task import Found
from services.errors import FileTooLarge, FileUnavailable, NotATorrent
from services.magnets.parse import torrents_in
from services.magnets.rewrite import magnet_link
from services.notebook.notebook import magnets_of
from services.torrents import Hints, TorrentId, TorrentInfo

TAKE_WORDS = frozenset({"save", "calibrate_hash"})
"""Commands that stand before words, or in the caption of a file, and are no part of these."""
_GLUE = ",，、:： \u3000"


@dataclass(frozen=True, slots=True)
class Words:
    """What a message says that may be kept. *unread*: why the text of its file is not in it."""

    text: str
    unread: FileTooLarge | FileUnavailable | NotATorrent | None = None


def origin_of(message: Message, *, file: bool = False) -> str:
    """Return the message's name, by which its note is found when it is edited.

    *file*: the name of its .torrent, whose note is no word of its caption's.
    """
    return f"{address_of(message)}#{message.message_id}{'+file' if file else ''}"


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
    return _command_in(message) is not None


def command_of(message: Message, bot: Bot) -> str | None:
    """Return the command, without its slash, that the message or its caption begins with; None for another bot's."""
    entity = _command_in(message)
    if entity is None:
        return None
    command, _, addressee = _words_of(message)[: entity.length].lower().removeprefix("/").partition("@")
    return command if addressee in {"", str(bot.username).lower()} else None


def argument_of(message: Message) -> str:
    """Return what stands after the command that *message*, or its caption, begins with."""
    return _after_command(message).strip()


def arguments_of(message: Message) -> Sequence[str]:
    """Return the words after the command that *message* begins with, and after what glues them to it: ``/note，34``."""
    return argument_of(message).lstrip(_GLUE).split()


def said_in(message: Message, bot: Bot) -> str:
    """Return the message's text or caption, without a command of `TAKE_WORDS` and the blank behind it."""
    return _after_command(message) if command_of(message, bot) in TAKE_WORDS else _words_of(message)


def _command_in(message: Message) -> MessageEntity | None:
    """Return where the command stands that *message* begins with: in bold, too; in what is forwarded there is none."""
    if message.forward_origin is not None:  # somebody else's words
        return None
    entities = message.entities or message.caption_entities
    return next((one for one in entities if one.type == MessageEntity.BOT_COMMAND and one.offset == 0), None)


def _after_command(message: Message) -> str:
    entity, words = _command_in(message), _words_of(message)
    rest = words[entity.length :] if entity is not None else words  # a command is ASCII
    return rest[1:] if rest[:1].isspace() else rest


def _words_of(message: Message) -> str:
    return message.text or message.caption or ""


def is_text_file(document: Document | None) -> bool:
    if document is None:
        return False
    return (document.mime_type or "").startswith("text/") or (document.file_name or "").lower().endswith(".txt")


def is_torrent_file(document: Document | None) -> bool:
    if document is None:
        return False
    return document.mime_type == "application/x-bittorrent" or (document.file_name or "").lower().endswith(".torrent")


async def words_in(message: Message, context: CalibotContext, *, torrent: bool = False) -> Words:
    """Return what there is to keep: a text file's text, as it is, else the message's text or caption.

    A caption with a magnet stands before its file's text, and alone where that cannot be read; a command that they
    begin with is left out. *torrent*: a .torrent counts as a text, its magnet.

    Raises:
        FileTooLarge, FileUnavailable, NotATorrent: the file cannot be read, and its caption has no magnet.
    """
    words = said_in(message, context.bot)
    if is_torrent_file(message.document) and not torrent:
        return Words(words)
    try:
        text = await _file_in(message, context)
    except UNREADABLE as error:
        if not await magnets_of(words):
            raise
        return Words(words, error)
    if text is None:
        return Words(words)
    stays = bool(words.strip()) if is_torrent_file(message.document) else bool(await magnets_of(words))
    return Words(f"{words}\n\n{text}" if stays else text)


async def asked_in(message: Message, context: CalibotContext) -> str:
    """Return what a command asks about: what is said after it and in its file, or else in what it replies to.

    Raises:
        FileTooLarge, FileUnavailable, NotATorrent: a file cannot be read.
    """
    asked = argument_of(message) if message.text else await _all_in(message, context)
    if asked or message.reply_to_message is None:
        return asked
    return await _all_in(message.reply_to_message, context)


async def _all_in(message: Message, context: CalibotContext) -> str:
    return f"{said_in(message, context.bot)}\n{await _file_in(message, context) or ''}".strip()


async def _file_in(message: Message, context: CalibotContext) -> str | None:
    document = message.document
    if document is not None and is_torrent_file(document):
        return _magnet_of(await learned(document, context))
    if document is None or not is_text_file(document):
        return None
    return await context.services.files.text_of(document, context.bot)


async def learned(document: Document, context: CalibotContext) -> TorrentInfo:
    """Return what a .torrent says; its name is known from then on.

    Raises:
        FileTooLarge, FileUnavailable, NotATorrent: it cannot be read; nothing was changed.
    """
    info = await context.services.files.torrent_of(document, context.bot)
    await context.services.manager.learn(info)
    return info


def _magnet_of(info: TorrentInfo) -> str:
    """Return a magnet of it, with its name where that may be written: a guess waits for somebody's word."""
    return magnet_link(info.torrent, info.name.text if writable(Found.of(info)) else None, Hints())


async def torrents_of(text: str) -> Sequence[tuple[TorrentId, Hints]]:
    """Return the torrents of *text*, see `torrents_in`; others have their turn while a file's is read."""
    return await asyncio.to_thread(torrents_in, text) if len(text) > LONGEST else torrents_in(text)

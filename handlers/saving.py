"""Messages become notes, ``/save`` keeps any text, and edited messages change their notes."""

from dataclasses import replace

from telegram import Document, Update

from handlers.answers import answer, errors_as_answers, say, sentence_of
from handlers.context import (
    CalibotContext,
    address_of,
    chat_of,
    is_private,
    key_of,
    message_of,
    notebook_of,
    person_of,
    words_of,
)
from handlers.files import UNREADABLE
from handlers.incoming import (
    Words,
    command_of,
    is_command,
    is_text_file,
    is_torrent_file,
    origin_of,
    said_in,
    source_of,
    words_in,
)
from handlers.outgoing import Message
from handlers.saved_view import saved_message
from handlers.text import escape
from services.errors import FileUnavailable
from services.magnets.parse import torrents_in


@errors_as_answers
async def save(update: Update, context: CalibotContext) -> None:
    """Keep a message with a magnet as a note; what has none is answered with a line, in private alone."""
    message = message_of(update)
    asked = command_of(message, context.bot) == "save"
    try:
        words = await words_in(message, context, torrent=asked)
    except UNREADABLE:
        if asked or is_private(chat_of(update)):
            raise
        return  # a file in a group need not be meant for the bot
    saved = await context.services.notebook.save(
        words.text,
        notebook=await notebook_of(update, context),
        person=person_of(update),
        origin=origin_of(message, file=asked and is_torrent_file(message.document)),
        source=source_of(message),
        anything=asked and bool(words.text.strip()),
        request_key=key_of(update, context),
    )
    if message.forward_origin is not None:
        context.services.gathering.add(
            address_of(message),
            person_of(update),
            saved,
            update_id=update.update_id,
            reply_to=message.message_id,
            t=words_of(update, context),
            hint=is_private(chat_of(update)),
            unread=words.unread is not None,
        )
    elif saved is not None:
        answer(update, context, _with_unread(update, context, saved_message(words_of(update, context), saved), words))
    elif asked or is_private(chat_of(update)):
        say(update, context, _nothing_kept(update, context, words.text, asked=asked))


def _with_unread(update: Update, context: CalibotContext, message: Message, words: Words) -> Message:
    """Return *message*, and why the text of a file is not in the note that it tells of."""
    if words.unread is None:
        return message
    reason = sentence_of(words.unread, update, context)
    said = words_of(update, context).gettext("It is the caption alone. {reason}").format(reason=reason)
    return replace(message, html=f"{message.html}\n{escape(said)}")


def _nothing_kept(update: Update, context: CalibotContext, text: str, *, asked: bool) -> str:
    t = words_of(update, context)
    if asked:
        return t.gettext("There is no text in it that I could keep.")
    if is_text_file(message_of(update).document):
        return t.gettext(
            "There is no magnet link in this file. To keep it all the same, send it with /save as its caption."
        )
    if torrents_in(text):
        return t.gettext("That is an info-hash. Its name: /calibrate_hash and then it. I keep magnet links as notes.")
    if "magnet:" in text.lower():
        return t.gettext(
            "There is no whole magnet link in it: one has an info-hash of 40 or 64 hex digits, or 32 base32."
        )
    return t.gettext("Send me a magnet link and I keep it as a note. /help tells more.")


@errors_as_answers
async def save_command(update: Update, context: CalibotContext) -> None:
    """Handle ``/save <text>``, or in reply to a message: keep it, whatever it says."""
    message = message_of(update)
    t = words_of(update, context)
    kept, words = message, Words(said_in(message, context.bot))
    if not words.text.strip() and message.reply_to_message is not None:
        kept = message.reply_to_message
        words = await words_in(kept, context, torrent=True)
    if not words.text.strip():
        say(update, context, t.gettext("Keep what? Send /save and the text, or reply with /save to a message."))
        return
    saved = await context.services.notebook.save(
        words.text,
        notebook=await notebook_of(update, context),
        person=person_of(update),
        origin=origin_of(kept, file=is_torrent_file(kept.document)),
        source=source_of(kept),
        anything=True,
        once_only=True,
        request_key=key_of(update, context),
    )
    assert saved is not None  # noqa: S101 - anything is kept
    answer(update, context, _with_unread(update, context, saved_message(t, saved), words))


@errors_as_answers
async def edited(update: Update, context: CalibotContext) -> None:
    """Let the note of an edited message follow it; edited commands other than ``/save`` change nothing."""
    message = message_of(update)
    asked = command_of(message, context.bot) == "save"
    if is_command(message) and not asked:
        return
    try:
        words = await words_in(message, context, torrent=asked)
    except UNREADABLE:
        if is_private(chat_of(update)):
            raise
        return
    if not words.text.strip():
        return
    done = await context.services.edits.apply(
        words.text,
        notebook=await notebook_of(update, context),
        person=person_of(update),
        origin=origin_of(message, file=asked and is_torrent_file(message.document)),
        source=source_of(message),
        anything=asked,
        missing=_missing(message.document, words),
        request_key=key_of(update, context),
    )
    t = words_of(update, context)
    if done.deleted is not None:
        lost = t.gettext("#{number} is deleted: your edit changed nothing. /undelete {number} takes it back as it was.")
        say(update, context, lost.format(number=done.deleted))
    elif done.untouched is not None:
        stays = t.gettext("The file could not be fetched: #{number} stays as it was. Please edit the message again.")
        say(update, context, stays.format(number=done.untouched))
    elif done.saved is not None:
        answer(update, context, _with_unread(update, context, saved_message(t, done.saved), words))
    elif done.changed is not None and is_private(chat_of(update)):
        updated = Message(escape(t.gettext("#{number} updated.").format(number=done.changed)))
        answer(update, context, _with_unread(update, context, updated, words))


def _missing(document: Document | None, words: Words) -> int:
    """Return how many bytes could not be fetched that the message's note may have; a file too large is in no note."""
    if not isinstance(words.unread, FileUnavailable):
        return 0
    if document is None or is_torrent_file(document):  # its magnet is shorter than it
        return 1
    return document.file_size or 1

"""Messages become notes, ``/save`` keeps any text, and edited messages change their notes."""

from telegram import Update

from handlers.answers import answer, errors_as_answers, say
from handlers.context import (
    CalibotContext,
    address_of,
    chat_of,
    is_private,
    key_of,
    language_of,
    message_of,
    notebook_of,
    person_of,
    words_of,
)
from handlers.incoming import (
    command_of,
    is_command,
    is_text_file,
    origin_of,
    said_in,
    source_of,
    words_in,
)
from handlers.saved_view import saved_message
from services.errors import FileTooLarge, FileUnavailable
from services.magnets.parse import torrents_in


@errors_as_answers
async def save(update: Update, context: CalibotContext) -> None:
    """Keep a message with a magnet as a note; what has none is answered with a line, in private alone."""
    message = message_of(update)
    asked = command_of(message, context.bot) == "save"
    try:
        text = await words_in(message, context.bot)
    except (FileTooLarge, FileUnavailable):
        if asked or is_private(chat_of(update)):
            raise
        return  # a file in a group need not be meant for the bot
    saved = await context.services.notebook.save(
        text,
        notebook=await notebook_of(update, context),
        person=person_of(update),
        origin=origin_of(message),
        source=source_of(message),
        anything=asked and bool(text.strip()),
        request_key=key_of(update, context),
    )
    if message.forward_origin is not None:
        context.services.gathering.add(
            address_of(message),
            person_of(update),
            saved,
            reply_to=message.message_id,
            language=language_of(update),
            hint=is_private(chat_of(update)),
        )
    elif saved is not None:
        answer(update, context, saved_message(words_of(update), saved))
    elif asked or is_private(chat_of(update)):
        say(update, context, _nothing_kept(update, text, asked=asked))


def _nothing_kept(update: Update, text: str, *, asked: bool) -> str:
    t = words_of(update)
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
    t = words_of(update)
    kept, text = message, said_in(message, context.bot)
    if not text.strip() and message.reply_to_message is not None:
        kept = message.reply_to_message
        text = await words_in(kept, context.bot)
    if not text.strip():
        say(update, context, t.gettext("Keep what? Send /save and the text, or reply with /save to a message."))
        return
    notebook = await notebook_of(update, context)
    there = await context.services.notebook.from_origin(notebook, origin_of(kept))
    if there is not None:
        say(update, context, t.gettext("This message is kept already: #{number}.").format(number=there.id))
        return
    saved = await context.services.notebook.save(
        text,
        notebook=notebook,
        person=person_of(update),
        origin=origin_of(kept),
        source=source_of(kept),
        anything=True,
        request_key=key_of(update, context),
    )
    assert saved is not None  # noqa: S101 - anything is kept
    answer(update, context, saved_message(t, saved))


@errors_as_answers
async def edited(update: Update, context: CalibotContext) -> None:
    """Let the note of an edited message follow it; edited commands other than ``/save`` change nothing."""
    message = message_of(update)
    asked = command_of(message, context.bot) == "save"
    if is_command(message) and not asked:
        return
    try:
        text = await words_in(message, context.bot)
    except (FileTooLarge, FileUnavailable):
        if is_private(chat_of(update)):
            raise
        return
    if not text.strip():
        return
    done = await context.services.edits.apply(
        text,
        notebook=await notebook_of(update, context),
        person=person_of(update),
        origin=origin_of(message),
        source=source_of(message),
        anything=asked,
        request_key=key_of(update, context),
    )
    t = words_of(update)
    if done.deleted is not None:
        lost = t.gettext("#{number} is deleted: your edit changed nothing. /undelete {number} takes it back as it was.")
        say(update, context, lost.format(number=done.deleted))
    elif done.saved is not None:
        answer(update, context, saved_message(t, done.saved))
    elif done.changed is not None and is_private(chat_of(update)):
        say(update, context, t.gettext("#{number} updated.").format(number=done.changed))

"""Messages become notes; ``/note`` shows one."""

import re

from telegram import InlineKeyboardMarkup, Update

from handlers.answers import answer, answer_at_length, errors_as_answers, say
from handlers.buttons import Verb, button
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
from handlers.outgoing import Message
from handlers.text import escape
from services.errors import NoteNotFound
from services.i18n import Translation
from services.magnets.parse import torrents_in
from services.torrents import NoteId

_NUMBER = re.compile(r"#?([0-9]{1,18})", re.ASCII)


def note_number(argument: str) -> NoteId | None:
    """Return the note's number that *argument* spells (``12`` or ``#12``); None where it is not one."""
    match = _NUMBER.fullmatch(argument)
    return NoteId(int(match[1])) if match else None


@errors_as_answers
async def save(update: Update, context: CalibotContext) -> None:
    """Keep a message with a magnet as a note; other words are answered with help, in private alone."""
    message = message_of(update)
    t = words_of(update)
    saved = await context.services.notebook.save(
        message.text or message.caption or "",
        notebook=await notebook_of(update, context),
        person=person_of(update),
        origin=f"{address_of(message)}#{message.message_id}",
        request_key=key_of(update, context),
    )
    if saved is None:
        if is_private(chat_of(update)):
            say(update, context, _what_to_send(t, message.text or message.caption or ""))
        return
    magnets = t.ngettext("{count} magnet", "{count} magnets", saved.magnets).format(count=saved.magnets)
    if saved.torrents != saved.magnets:
        torrents = t.ngettext("{count} torrent", "{count} torrents", saved.torrents).format(count=saved.torrents)
        magnets = f"{magnets}, {torrents}"
    keyboard = InlineKeyboardMarkup([[button(t.gettext("Calibrate"), Verb.CALIBRATE, saved.note_id)]])
    text = t.gettext("#{number} saved: {magnets}.").format(number=saved.note_id, magnets=magnets)
    answer(update, context, Message(escape(text), keyboard))


def _what_to_send(t: Translation, text: str) -> str:
    if torrents_in(text):
        return t.gettext("That is an info-hash. Its name: /calibrate_hash and then it. I keep magnet links as notes.")
    if "magnet:" in text.lower():
        return t.gettext(
            "There is no whole magnet link in it: one has an info-hash of 40 or 64 hex digits, or 32 base32."
        )
    return t.gettext("Send me a magnet link and I keep it as a note. /help tells more.")


@errors_as_answers
async def note(update: Update, context: CalibotContext) -> None:
    """Handle ``/note <number>``: the text as it is, in as many messages as it needs."""
    arguments = context.args or []
    number = note_number(arguments[0]) if len(arguments) == 1 else None
    if number is None:
        if len(arguments) == 1 and arguments[0].isascii() and arguments[0].isdecimal():
            raise NoteNotFound
        say(update, context, words_of(update).gettext("Which note? Send its number: /note 12"))
        return
    found = await context.services.notebook.get(await notebook_of(update, context), number)
    answer_at_length(update, context, found.text)

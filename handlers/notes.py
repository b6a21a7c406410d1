"""Commands about notes that are kept: shown, listed, put away, taken back, undone."""

import asyncio
import re

from telegram import Update

from handlers import note_view
from handlers.answers import answer, errors_as_answers, say
from handlers.context import CalibotContext, key_of, message_of, notebook_of, person_of, words_of
from handlers.history_view import STEPS_ON_A_PAGE, history_page, undone
from handlers.incoming import arguments_of
from handlers.outgoing import Message
from handlers.slots import Rank
from services.errors import NoteNotFound
from services.i18n import Translation
from services.notebook.history import History
from services.notebook.notebook import magnets_of
from services.torrents import NotebookId, NoteId

_NUMBER = re.compile(r"#?([0-9]{1,18})", re.ASCII)


def note_number(argument: str) -> NoteId | None:
    """Return the note's number that *argument* spells (``12`` or ``#12``); None where it is not one."""
    match = _NUMBER.fullmatch(argument)
    return NoteId(int(match[1])) if match else None


def _asked_number(update: Update, context: CalibotContext, command: str) -> NoteId | None:
    """Return the one number that was given; None, and the person is told how, where it is none.

    Raises:
        NoteNotFound: it has more digits than any note's number.
    """
    arguments = arguments_of(message_of(update))
    number = note_number(arguments[0]) if len(arguments) == 1 else None
    if number is None:
        if len(arguments) == 1 and arguments[0].isascii() and arguments[0].isdecimal():
            raise NoteNotFound
        which = words_of(update, context).gettext("Which note? Send its number: /{command} 12")
        say(update, context, which.format(command=command))
    return number


@errors_as_answers
async def note(update: Update, context: CalibotContext) -> None:
    """Handle ``/note <number>``: its torrents' names, and the text as it is."""
    number = _asked_number(update, context, "note")
    if number is None:
        return
    found = await context.services.notebook.get(await notebook_of(update, context), number)
    magnets = await magnets_of(found.text)
    known = await context.services.notebook.known(found.notebook, magnets)
    for place, part in enumerate(note_view.note_messages(words_of(update, context), found, magnets, known)):
        rank = Rank.END if place else Rank.ANSWER  # a long note does not mute its chat
        answer(update, context, part, rank=rank)


@errors_as_answers
async def notes(update: Update, context: CalibotContext) -> None:
    """Handle ``/notes``: the newest ten, and buttons to the others."""
    page = await context.services.notebook.page(await notebook_of(update, context))
    answer(update, context, note_view.notes_page(words_of(update, context), page))


@errors_as_answers
async def delete(update: Update, context: CalibotContext) -> None:
    """Handle ``/delete <number>``: ask once."""
    number = _asked_number(update, context, "delete")
    if number is not None:
        found = await context.services.notebook.get(await notebook_of(update, context), number)
        answer(update, context, note_view.delete_question(words_of(update, context), found))


@errors_as_answers
async def undelete(update: Update, context: CalibotContext) -> None:
    """Handle ``/undelete <number>``."""
    number = _asked_number(update, context, "undelete")
    if number is not None:
        notebook = await notebook_of(update, context)
        await context.services.notebook.restore(notebook, number, request_key=key_of(update, context))
        answer(update, context, note_view.back(words_of(update, context), number))


@errors_as_answers
async def history(update: Update, context: CalibotContext) -> None:
    """Handle ``/history <number>``."""
    number = _asked_number(update, context, "history")
    if number is not None:
        notebook, t = await notebook_of(update, context), words_of(update, context)
        answer(update, context, await history_message(context.services.history, t, notebook, number, 0))


async def history_message(history: History, t: Translation, notebook: NotebookId, number: NoteId, page: int) -> Message:
    """Return a page (from 0) of a note's history. Raises NoteNotFound."""
    found = await history.page(notebook, number, page=page, size=STEPS_ON_A_PAGE)
    return await asyncio.to_thread(history_page, t, number, found)  # the texts may be very long


@errors_as_answers
async def undo(update: Update, context: CalibotContext) -> None:
    """Handle ``/undo <number>``; a second one takes the first back."""
    number = _asked_number(update, context, "undo")
    if number is not None:
        done = await context.services.history.undo(
            await notebook_of(update, context),
            number,
            person=person_of(update),
            request_key=key_of(update, context),
        )
        say(update, context, undone(words_of(update, context), number, done))

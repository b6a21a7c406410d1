"""Presses on buttons that are about notes, not about a task's card."""

import re
from dataclasses import dataclass

from telegram import Update

from handlers import note_view
from handlers.answers import sentence_of
from handlers.buttons import Press, Verb
from handlers.context import CalibotContext, follower_of, key_of, notebook_of, person_of, words_of
from handlers.history_view import undone
from handlers.notes import history_message, note_number
from handlers.outgoing import Message
from handlers.search import turned
from handlers.submitting import submit
from services.calibration.board import Board
from services.calibration.task import NoteRequest
from services.errors import NotDeleted, NoteNotFound
from services.i18n import Translation
from services.torrents import NotebookId, NoteId, TaskId

VERBS = frozenset({
    Verb.CALIBRATE_BELOW, Verb.OLDER, Verb.NEWER, Verb.ASK_DELETE, Verb.DELETE, Verb.KEEP, Verb.UNDELETE,
    Verb.SHOW_HISTORY, Verb.HISTORY, Verb.UNDO, Verb.FOUND_OLDER, Verb.FOUND_NEWER,
})  # fmt: skip
_PAIR = re.compile(r"([0-9]{1,18}):([0-9]{1,9})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What comes of a press: what is *said* in a flash, what the pressed message *becomes*, what is *answered* below.

    *task* is one that has a card to be shown, *board* one that has changed.
    """

    said: str | None = None
    becomes: Message | None = None
    answered: Message | None = None
    task: TaskId | None = None
    board: Board | None = None


async def act(update: Update, context: CalibotContext, pressed: Press) -> Outcome:
    """Do what was asked of a note.

    Raises:
        CalibotError: it cannot be done; nothing was changed.
    """
    number, more = _about(pressed)
    notebook, t = await notebook_of(update, context), words_of(update, context)
    match pressed.verb:
        case Verb.CALIBRATE_BELOW:
            return Outcome(task=await _calibrate(update, context, notebook, number))
        case Verb.OLDER | Verb.NEWER | Verb.FOUND_OLDER | Verb.FOUND_NEWER as verb:
            listed = verb in {Verb.OLDER, Verb.NEWER}
            page = _page(context, t, notebook, verb, number) if listed else turned(update, context, verb, number)
            return Outcome(becomes=await page)
        case Verb.SHOW_HISTORY:
            return Outcome(answered=await _history(context, t, notebook, number, 0))
        case Verb.HISTORY:
            return Outcome(becomes=await _history(context, t, notebook, number, more))
        case Verb.UNDO:
            return await _undo(update, context, notebook, number, more)
        case _:
            return await _delete(update, context, notebook, pressed.verb, number)


def _about(pressed: Press) -> tuple[NoteId, int]:
    """Return the note's number, and what else the button carries: a page, or a version."""
    pair = _PAIR.fullmatch(pressed.about)
    if pair and pressed.verb in {Verb.HISTORY, Verb.UNDO}:
        return NoteId(int(pair[1])), int(pair[2])
    number = note_number(pressed.about)
    if number is None or pressed.verb in {Verb.HISTORY, Verb.UNDO}:
        raise NoteNotFound
    return number, 0


async def _calibrate(update: Update, context: CalibotContext, notebook: NotebookId, number: NoteId) -> TaskId:
    """Begin a card below the pressed message; pressed again while it is live, it is that one."""
    request, follower = NoteRequest((number,), named=(number,)), follower_of(update)
    for card in await context.services.followers.unfinished():
        if (card.address, card.reply_to, card.request) == (follower.address, follower.reply_to, request):
            return card.task_id
    return await submit(update, context, request, notebook=notebook, cause="button", follower=follower)


async def _page(context: CalibotContext, t: Translation, notebook: NotebookId, verb: Verb, number: NoteId) -> Message:
    older = verb is Verb.OLDER
    page = await context.services.notebook.page(
        notebook, before=number if older else None, after=None if older else number
    )
    if not page.notes:  # they were deleted meanwhile
        page = await context.services.notebook.page(notebook)
    return note_view.notes_page(t, page)


async def _history(context: CalibotContext, t: Translation, notebook: NotebookId, number: NoteId, page: int) -> Message:
    return await history_message(context.services.history, t, notebook, number, page)


async def _undo(update: Update, context: CalibotContext, notebook: NotebookId, number: NoteId, version: int) -> Outcome:
    done = await context.services.history.undo(
        notebook, number, person=person_of(update), expected=version, request_key=key_of(update, context)
    )
    t = words_of(update, context)
    becomes = await _history(context, t, notebook, number, 0)
    return Outcome(said=undone(t, number, done), becomes=becomes)


async def _delete(update: Update, context: CalibotContext, notebook: NotebookId, verb: Verb, number: NoteId) -> Outcome:
    """Ask before a note is deleted, delete it, keep it, or take it back."""
    kept, t, key = context.services.notebook, words_of(update, context), key_of(update, context)
    match verb:
        case Verb.ASK_DELETE:
            return Outcome(answered=note_view.delete_question(t, await kept.get(notebook, number)))
        case Verb.DELETE:
            await kept.delete(notebook, number, request_key=key)
            return Outcome(becomes=note_view.deleted(t, number))
        case Verb.UNDELETE:
            return await _back(update, context, notebook, number)
        case _:
            await kept.get(notebook, number)
            return Outcome(becomes=note_view.kept(t, number))


async def _back(update: Update, context: CalibotContext, notebook: NotebookId, number: NoteId) -> Outcome:
    """Take a note back; what says that it is deleted must not go on saying so where it was back already."""
    becomes, said = note_view.back(words_of(update, context), number), None
    try:
        await context.services.notebook.restore(notebook, number, request_key=key_of(update, context))
    except NotDeleted as error:
        said = sentence_of(error, update, context)
    return Outcome(becomes=becomes, said=said)

"""``/calibrate`` and ``/calibrate_hash``: a task at once, and one message that follows it."""

import re
from collections.abc import Sequence

from telegram import Update

from handlers.answers import errors_as_answers, say
from handlers.context import (
    CalibotContext,
    follower_of,
    key_of,
    message_of,
    notebook_of,
    words_of,
)
from handlers.incoming import argument_of, asked_in, torrents_of
from handlers.submitting import submit
from services.calibration.task import CalibrationRequest, HashRequest, NoteRequest
from services.errors import InvalidInfoHash
from services.i18n import Translation
from services.magnets.parse import torrents_in
from services.notebook.note import Latest, Numbered, Selection, Uncalibrated
from services.torrents import NoteId

_RANGE = re.compile(r"#?([0-9]+)(?:[-–—]#?([0-9]+))?", re.ASCII)
_BETWEEN = re.compile(r"[\s,;，；、]+")


@errors_as_answers
async def calibrate(update: Update, context: CalibotContext) -> None:
    """Handle ``/calibrate 12``, ``12 15 20-40``, ``all``, ``all force`` and ``last 100``."""
    if await _done_before(update, context):
        return
    words = [word for word in _BETWEEN.split(argument_of(message_of(update)).lower()) if word]
    selection = selected(words)
    if selection is None:
        say(update, context, _which(words_of(update, context), " ".join(words)))
    else:
        named = _named(words) if isinstance(selection, Numbered) else ()
        await _submit(update, context, await _request(update, context, selection, named))


def selected(words: Sequence[str]) -> Selection | None:
    """Return the notes that *words* mean; None where they mean none."""
    match words:
        case ["all"]:
            return Uncalibrated()
        case ["all", "force"]:
            return Uncalibrated(force=True)
        case ["last", count] if count.isascii() and count.isdecimal() and count.strip("0"):
            return Latest(int(count))
    ranges = [_RANGE.fullmatch(word) for word in words]
    found = [tuple(sorted((int(one[1]), int(one[2] or one[1])))) for one in ranges if one]
    return Numbered(tuple((low, high) for low, high in found)) if found and len(found) == len(words) else None


def _named(words: Sequence[str]) -> tuple[NoteId, ...]:
    """Return the notes that stand among *words* by their own number, not in a range."""
    return tuple(dict.fromkeys(NoteId(int(one[1])) for one in map(_RANGE.fullmatch, words) if one and not one[2]))


async def _request(
    update: Update, context: CalibotContext, selection: Selection, named: tuple[NoteId, ...]
) -> NoteRequest:
    """Return the request for the notes that are meant, of which *named* stand there by their own number.

    Raises:
        NoteNotFound: there is none here.
        AllCalibrated: none is left of `all`.
    """
    if isinstance(selection, Numbered) and len(named) == len(selection.ranges) == 1:
        return NoteRequest(named, named=named)  # one note may have no magnet, and is told so
    notes = await context.services.notebook.select(await notebook_of(update, context), selection)
    return NoteRequest(tuple(notes), named=tuple(one for one in named if one in notes))


def _which(t: Translation, text: str) -> str:
    if torrents_in(text):
        return t.gettext("That is a torrent, no note's number. Its name: /calibrate_hash and then it.")
    if text.split()[:1] == ["last"]:
        return t.gettext("How many of the newest notes? From 1 to 1,000: /calibrate last 100")
    return t.gettext("Which notes? Send numbers: /calibrate 12, or 12 15 20-40, or last 100, or all.")


@errors_as_answers
async def calibrate_hash(update: Update, context: CalibotContext) -> None:
    """Handle ``/calibrate_hash``: with info-hashes or magnets, under a text file of them, or in reply to either."""
    if await _done_before(update, context):
        return
    text = await asked_in(message_of(update), context)
    if not text:
        say(
            update,
            context,
            words_of(update, context).gettext(
                "Which torrent? Send its info-hash or magnet: /calibrate_hash <info-hash>; or reply with it to a "
                "message or a text file that has some."
            ),
        )
        return
    torrents = await torrents_of(text)
    if not torrents:
        raise InvalidInfoHash
    await _submit(update, context, HashRequest(tuple(torrents)))


async def _done_before(update: Update, context: CalibotContext) -> bool:
    """Whether an earlier process submitted what is asked; its card is shown. The notes and files may be others now."""
    task_id = await context.services.manager.submitted(key_of(update, context))
    if task_id is not None:
        await context.services.live.show(task_id)
    return task_id is not None


async def _submit(update: Update, context: CalibotContext, request: CalibrationRequest) -> None:
    notebook = await notebook_of(update, context)
    task_id = await submit(update, context, request, notebook=notebook, cause="command", follower=follower_of(update))
    await context.services.live.show(task_id)  # the follower was stored with the task: it is shown even if we die here

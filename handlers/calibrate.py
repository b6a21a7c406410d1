"""``/calibrate`` and ``/calibrate_hash``: a task at once, and one message that follows it."""

from telegram import Update

from handlers.answers import errors_as_answers, say
from handlers.context import (
    CalibotContext,
    follower_of,
    key_of,
    message_of,
    notebook_of,
    person_of,
    words_of,
)
from handlers.notes import note_number
from services.calibration.task import CalibrationRequest, HashRequest, NoteRequest
from services.errors import InvalidInfoHash, NoteNotFound
from services.magnets.parse import torrents_in


@errors_as_answers
async def calibrate(update: Update, context: CalibotContext) -> None:
    """Handle ``/calibrate <note_id>``."""
    arguments = context.args or []
    number = note_number(arguments[0]) if len(arguments) == 1 else None
    if number is None:
        if len(arguments) == 1 and arguments[0].isascii() and arguments[0].isdecimal():
            raise NoteNotFound  # more digits than any note's number has
        t = words_of(update)
        if torrents_in(" ".join(arguments)):
            say(
                update,
                context,
                t.gettext("That is a torrent, no note's number. Its name: /calibrate_hash and then it."),
            )
            return
        say(update, context, t.gettext("Which note? Send its number: /calibrate 12"))
        return
    await _submit(update, context, NoteRequest((number,), named=(number,)))


@errors_as_answers
async def calibrate_hash(update: Update, context: CalibotContext) -> None:
    """Handle ``/calibrate_hash <info_hash | magnet>``, or in reply to a message that has one."""
    message = message_of(update)
    text = (message.text or "")[message.entities[0].length :]  # a command, which is ASCII, begins the message
    replied = message.reply_to_message
    if not text.strip() and replied is not None:
        text = replied.text or replied.caption or ""
    if not text.strip():
        say(
            update,
            context,
            words_of(update).gettext(
                "Which torrent? Send its info-hash or magnet: /calibrate_hash <info-hash>, or reply with it to a "
                "message that has one."
            ),
        )
        return
    torrents = torrents_in(text)
    if not torrents:
        raise InvalidInfoHash
    await _submit(update, context, HashRequest(torrents))


async def _submit(update: Update, context: CalibotContext, request: CalibrationRequest) -> None:
    task_id = await context.services.manager.submit_task(
        request=request,
        notebook=await notebook_of(update, context),
        asked_by=person_of(update),
        cause="command",
        follower=follower_of(update),
        request_key=key_of(update, context),
    )
    await context.services.live.show(task_id)  # the follower was stored with the task: it is shown even if we die here

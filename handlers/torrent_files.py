"""A .torrent that is sent: its name is known from then on, and written into the notes that have the torrent."""

from telegram import Update

from handlers.answers import errors_as_answers
from handlers.context import CalibotContext, chat_of, follower_of, is_private, key_of, message_of, notebook_of
from handlers.files import UNREADABLE
from handlers.incoming import learned, said_in
from handlers.saving import save
from handlers.submitting import submit
from services.calibration.task import FROM_FILE, CalibrationRequest, HashRequest, NoteRequest
from services.errors import NothingToLookUp
from services.notebook.notebook import magnets_of
from services.torrents import Hints, NotebookId, TaskId, TorrentId


@errors_as_answers
async def torrent_sent(update: Update, context: CalibotContext) -> None:
    """Correct the notes that have the torrent, as a task; where none has, a card tells its name.

    A caption with a magnet is kept as any message is. What cannot be read is answered with a line, in private alone.
    """
    message, manager = message_of(update), context.services.manager
    document = message.document
    assert document is not None  # noqa: S101 - the router lets nothing else through
    if await magnets_of(said_in(message, context.bot)):
        await save(update, context)
    key = f"{key_of(update, context)}+file"  # the update's own may be the caption's note
    task_id = await manager.submitted(key)
    if task_id is None:
        try:
            info = await learned(document, context)
        except UNREADABLE:
            if is_private(chat_of(update)):
                raise
            return  # a file in a group need not be meant for the bot
        task_id = await _calibrate(update, context, info.torrent, key)
    await context.services.live.show(task_id)


async def _calibrate(update: Update, context: CalibotContext, torrent: TorrentId, key: str) -> TaskId:
    notebook = await notebook_of(update, context)
    held = await context.services.search.holders(notebook, [torrent])
    if held:
        request = NoteRequest(tuple(sorted(held[0].notes)), torrents=(torrent,))
        try:
            return await _submit(update, context, request, notebook, key)
        except NothingToLookUp:  # they share one of its hashes, and name another with it
            pass
    return await _submit(update, context, HashRequest(((torrent, Hints()),)), notebook, key)


async def _submit(
    update: Update, context: CalibotContext, request: CalibrationRequest, notebook: NotebookId, key: str
) -> TaskId:
    follower = follower_of(update)
    return await submit(update, context, request, notebook=notebook, cause=FROM_FILE, follower=follower, key=key)

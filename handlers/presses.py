"""Buttons. Every press is answered at once, before any edit; what may not be changes nothing."""

from telegram import CallbackQuery, Update

from handlers.answers import sentence_of
from handlers.buttons import Press, Verb
from handlers.context import (
    CalibotContext,
    address_of,
    follower_of,
    key_of,
    may_any,
    message_of,
    notebook_of,
    person_of,
    words_of,
)
from handlers.notes import note_number
from services.calibration.follower import Follower
from services.calibration.task import CalibrationRequest, NoteRequest
from services.errors import CalibotError, NoteNotFound, TaskNotFound
from services.torrents import NotebookId, TaskId


async def press(update: Update, context: CalibotContext) -> None:
    """Handle a press of any button, ours or forged."""
    query = update.callback_query
    assert query is not None  # noqa: S101 - registered for presses alone
    pressed = Press.parse(query.data)
    if pressed is None or update.effective_message is None or not query.message or not query.message.is_accessible:
        await _answer(context, query, words_of(update).gettext("This button is no longer in use."))
        return
    try:
        task_id = await _act(update, context, pressed)
    except CalibotError as error:
        await _answer(context, query, sentence_of(error, update))
        return
    await _answer(context, query)
    await context.services.live.show(task_id)


async def _answer(context: CalibotContext, query: CallbackQuery, text: str | None = None) -> None:
    await context.services.outbox.press(query, text)


async def _act(update: Update, context: CalibotContext, pressed: Press) -> TaskId:
    """Do what was asked, and return the task that the message then shows."""
    notebook = await notebook_of(update, context)
    if pressed.verb is Verb.CALIBRATE:
        number = note_number(pressed.about)
        if number is None:
            raise NoteNotFound
        return await _submit(update, context, NoteRequest((number,)), notebook)
    task_id = TaskId(pressed.about)
    follower = await _followed(update, context, task_id, notebook)
    manager, key = context.services.manager, key_of(update, context)
    match pressed.verb:
        case Verb.REFRESH:
            if await manager.get_task_status(task_id) is None:
                raise TaskNotFound
        case Verb.CANCEL:
            everyones = await may_any(update, context)
            await manager.cancel_task(
                task_id, notebook=notebook, asked_by=person_of(update), everyones=everyones, request_key=key
            )
        case Verb.RETRY:
            everyones = await may_any(update, context)
            try:
                await manager.retry_task(
                    task_id, notebook=notebook, asked_by=person_of(update), everyones=everyones, request_key=key
                )
            except TaskNotFound:
                if follower is None:
                    raise
                # Its retention is over: the request that was kept with the message is asked anew.
                return await _submit(update, context, follower.request, notebook)
    return task_id


async def _followed(update: Update, context: CalibotContext, task_id: TaskId, notebook: NotebookId) -> Follower | None:
    """Return the follower that is the pressed message, adopted where nobody followed it.

    Raises:
        TaskNotFound: the message shows another task, or the task is not of this notebook.
    """
    followers, message = context.services.followers, message_of(update)
    address = str(address_of(message))
    follower = await followers.at(address, message.message_id)
    if follower is None:
        await followers.adopt(task_id, notebook, follower_of(update, becomes=True))
        return await followers.at(address, message.message_id)
    if follower.task_id != task_id or follower.notebook != notebook:
        raise TaskNotFound
    return follower


async def _submit(update: Update, context: CalibotContext, request: CalibrationRequest, notebook: NotebookId) -> TaskId:
    return await context.services.manager.submit_task(
        request=request,
        notebook=notebook,
        asked_by=person_of(update),
        cause="button",
        follower=follower_of(update, becomes=True),
        request_key=key_of(update, context),
    )

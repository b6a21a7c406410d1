"""Buttons. Every press is answered at once, before any edit; what may not be changes nothing."""

from telegram import CallbackQuery, Message, Update

from handlers import board_presses, note_presses
from handlers.answers import answer, sentence_of
from handlers.buttons import Press, Verb, stands_on, unpacked
from handlers.context import (
    CalibotContext,
    address_of,
    chat_of,
    follower_of,
    key_of,
    may_any,
    message_of,
    notebook_of,
    person_of,
    words_of,
)
from handlers.language import chosen
from handlers.note_presses import Outcome
from handlers.notes import note_number
from handlers.slots import Rank
from handlers.submitting import submit
from services.calibration.follower import Follower
from services.calibration.task import CalibrationRequest, NoteRequest, is_left_of
from services.errors import (
    CalibotError,
    CannotCancel,
    CannotChoose,
    CannotRetry,
    EditedSince,
    NoteNotFound,
    NothingToUndo,
    TaskNotFound,
    WrittenSince,
)
from services.torrents import NotebookId, TaskId

_PAGES = {Verb.FAILED, Verb.REPLACED, Verb.CARD}
_ON_NO_CARD = note_presses.VERBS | {Verb.LANGUAGE}
_BEHIND = (CannotCancel, CannotRetry, CannotChoose, NothingToUndo, EditedSince, WrittenSince)
"""What is refused because the card with the button shows what is true no longer."""


async def press(update: Update, context: CalibotContext) -> None:
    """Handle a press of any button, ours or forged."""
    query = update.callback_query
    assert query is not None  # noqa: S101 - registered for presses alone
    if not isinstance(query.message, Message):  # it was deleted, or is too old: Telegram tells its number alone
        await _answer(context, query, _no_longer(update, context).said)
        return
    await context.services.live.somebody_is_at(address_of(message_of(update)))
    with context.services.outbox.standing_still(chat_of(update).id):
        try:
            outcome = await _act(update, context, query)
        except _BEHIND as error:
            outcome = Outcome(task=await _adopted(update, context, query), said=sentence_of(error, update, context))
        except CalibotError as error:
            outcome = Outcome(said=sentence_of(error, update, context))
        _show(update, context, outcome)
        await _answer(context, query, outcome.said)
    if outcome.board is not None:
        context.services.live.boards.show(outcome.board)
    if outcome.task is not None:
        # The press was answered; as an answer its edit would, in a busy group, keep everybody's ends out for ever.
        await context.services.live.show(outcome.task, Rank.END)


def _show(update: Update, context: CalibotContext, outcome: Outcome) -> None:
    """Put what came of a press into the chat, which stands still until the press is answered."""
    message, services = message_of(update), context.services
    if outcome.becomes is not None:
        told = services.receipts.hold(update.update_id)
        services.outbox.edit(address_of(message), message.message_id, outcome.becomes, told=told)
    if outcome.answered is not None:
        answer(update, context, outcome.answered)


async def _answer(context: CalibotContext, query: CallbackQuery, text: str | None = None) -> None:
    await context.services.outbox.press(query, text)


async def _act(update: Update, context: CalibotContext, query: CallbackQuery) -> Outcome:
    """Do what was asked, and return what comes of it."""
    pressed, message = Press.parse(query.data), message_of(update)
    if pressed is None:
        return _no_longer(update, context)
    if pressed.verb in board_presses.VERBS:
        return await board_presses.act(update, context, pressed, message) or _no_longer(update, context)
    follower = None if pressed.verb in _ON_NO_CARD else await _follower_at(context, message)
    # What else is asked of a card that was edited since, its task's state decides.
    if (follower is None or pressed.verb in _PAGES) and not stands_on(message, query.data):
        return _no_longer(update, context)
    if pressed.verb is Verb.LANGUAGE:
        return await chosen(update, context, pressed.about)
    if pressed.verb in note_presses.VERBS:
        return await note_presses.act(update, context, pressed)
    return await _act_on_card(update, context, pressed, message, follower)


async def _act_on_card(
    update: Update, context: CalibotContext, pressed: Press, message: Message, follower: Follower | None
) -> Outcome:
    notebook = await notebook_of(update, context)
    if pressed.verb in {Verb.CALIBRATE, Verb.CALIBRATE_ALL}:
        return Outcome(task=await _calibrate(update, context, _requested(pressed), notebook, follower))
    task_id = pressed.task_id
    if follower is not None and (follower.task_id, follower.notebook) != (task_id, notebook):
        raise TaskNotFound
    return await _act_on_task(update, context, pressed, message, notebook, follower)


async def _act_on_task(
    update: Update,
    context: CalibotContext,
    pressed: Press,
    message: Message,
    notebook: NotebookId,
    follower: Follower | None,
) -> Outcome:
    task_id, said = pressed.task_id, None
    match pressed.verb:
        case Verb.UNDO_TASK | Verb.WRITE_AGAIN as verb:
            said = await _undo(update, context, task_id, notebook, again=verb is Verb.WRITE_AGAIN)
        case Verb.CANCEL:
            await _cancel(update, context, task_id, notebook)
        case Verb.RETRY:
            task_id = await _retry(update, context, task_id, notebook, follower)
        case Verb.READING | Verb.KEEP_OLD:
            task_id = await _decide(update, context, pressed, notebook, follower)
            if follower is not None and (follower.failed_page or 0) < 0:
                await context.services.followers.turn(follower.id, await _rest_of(context, follower))
        case _:
            if await context.services.followers.asker(task_id) is None:
                raise TaskNotFound
    await _follow(update, context, task_id, notebook, follower)  # not before it was allowed
    if pressed.verb in _PAGES and (shown := await _follower_at(context, message)) is not None:
        pages = {Verb.FAILED: pressed.page, Verb.REPLACED: ~pressed.page}
        await context.services.followers.turn(shown.id, pages.get(pressed.verb))
    return Outcome(task=task_id, said=said)


async def _rest_of(context: CalibotContext, follower: Follower) -> int | None:
    """Return the page of old names that is left where one of them was kept; None: there is none."""
    place = ~(follower.failed_page or 0)
    left = await context.services.manager.list_replaced(follower.task_id, place=place)
    if left.items:
        return ~place
    return None if left.before is None else ~left.before


def _no_longer(update: Update, context: CalibotContext) -> Outcome:
    return Outcome(said=words_of(update, context).gettext("This button is no longer in use."))


async def _follower_at(context: CalibotContext, message: Message) -> Follower | None:
    return await context.services.followers.at(str(address_of(message)), message.message_id)


async def _undo(update: Update, context: CalibotContext, task_id: TaskId, notebook: NotebookId, *, again: bool) -> str:
    """Take back what the task wrote, or write it *again*; return what that did."""
    undone = await context.services.history.undo_task(
        notebook, task_id, person=person_of(update), again=again, request_key=key_of(update, context)
    )
    await context.services.live.poll()  # the card is behind its notes now, and is shown next
    t, count = words_of(update, context), len(undone.notes)
    if undone.again and not (count or undone.refused):
        return t.gettext("The name stood there already: there was nothing to correct.")
    if undone.again:
        done = t.ngettext("Written again into {count} note.", "Written again into {count} notes.", count)
    else:
        done = t.ngettext("Undone in {count} note.", "Undone in {count} notes.", count)
    said = done.format(count=count)
    if stay := len(set(undone.refused) - set(undone.notes)):
        more = t.ngettext("{count} was changed since, and stays.", "{count} were changed since, and stay.", stay)
        said = t.gettext("{said} {more}").format(said=said, more=more.format(count=stay))
    if len(undone.refused) > stay and not undone.again:
        more = t.gettext("What it wrote before another task did stays: undo that one first.")
        said = t.gettext("{said} {more}").format(said=said, more=more)
    return said


async def _adopted(update: Update, context: CalibotContext, query: CallbackQuery) -> TaskId | None:
    """Let the pressed message show the task of its button, which could not be done what was asked."""
    pressed = Press.parse(query.data)
    assert pressed is not None  # noqa: S101 - it was understood
    assert isinstance(query.message, Message)  # noqa: S101 - the same
    follower = await _follower_at(context, query.message)
    try:
        await context.services.followers.again(pressed.task_id)
        await _follow(update, context, pressed.task_id, await notebook_of(update, context), follower)
    except CalibotError:  # the refusal is told; its card stays behind
        return None
    return pressed.task_id


async def _follow(
    update: Update, context: CalibotContext, task_id: TaskId, notebook: NotebookId, follower: Follower | None
) -> None:
    """Let the pressed message show its task from now on, whatever became of it before."""
    if follower is None:
        await context.services.followers.adopt(task_id, notebook, follower_of(update, becomes=True))


def _requested(pressed: Press) -> NoteRequest:
    """Return which notes shall be calibrated. Raises NoteNotFound where it is no number of a note."""
    if pressed.verb is Verb.CALIBRATE_ALL:
        numbers = unpacked(pressed.about)
        if numbers is None:
            raise NoteNotFound
        return NoteRequest(numbers)
    number = note_number(pressed.about)
    if number is None:
        raise NoteNotFound
    return NoteRequest((number,), named=(number,))


async def _calibrate(
    update: Update, context: CalibotContext, request: NoteRequest, notebook: NotebookId, follower: Follower | None
) -> TaskId:
    if follower is None:
        return await _submit(update, context, request, notebook)
    if follower.notebook != notebook or not is_left_of(follower.request, request):
        raise TaskNotFound
    if await context.services.followers.asker(follower.task_id) is None:  # kept no longer: it is asked anew
        return await _submit(update, context, request, notebook)
    await _follow(update, context, follower.task_id, notebook, follower)
    return follower.task_id  # pressed twice: it is the card already


async def _cancel(update: Update, context: CalibotContext, task_id: TaskId, notebook: NotebookId) -> None:
    await context.services.manager.cancel_task(
        task_id,
        notebook=notebook,
        asked_by=person_of(update),
        everyones=await _may_everyones(update, context, task_id),
        request_key=key_of(update, context),
    )


async def _may_everyones(update: Update, context: CalibotContext, task_id: TaskId) -> bool:
    """Whether the presser may touch other people's tasks; Telegram is not asked where this one is their own."""
    if await context.services.followers.asker(task_id) == person_of(update):
        return False
    return await may_any(update, context)


async def _retry(
    update: Update, context: CalibotContext, task_id: TaskId, notebook: NotebookId, follower: Follower | None
) -> TaskId:
    try:
        await context.services.manager.retry_task(
            task_id,
            notebook=notebook,
            asked_by=person_of(update),
            everyones=await _may_everyones(update, context, task_id),
            request_key=key_of(update, context),
        )
    except TaskNotFound:
        if follower is None:
            raise
        # Its retention is over: the request that was kept with the message is asked anew.
        return await _submit(update, context, follower.request, notebook)
    return task_id


async def _decide(
    update: Update, context: CalibotContext, pressed: Press, notebook: NotebookId, follower: Follower | None
) -> TaskId:
    """Let the presser choose a name; whoever edits notes here may."""
    manager, person, key = context.services.manager, person_of(update), key_of(update, context)
    try:
        if pressed.verb is Verb.KEEP_OLD and (item := pressed.item) is not None:
            await manager.keep_old_name(item, notebook=notebook, asked_by=person, request_key=key)
        elif (choice := pressed.choice) is not None:
            await manager.choose_name(choice, notebook=notebook, asked_by=person, request_key=key)
        else:
            raise CannotChoose
    except TaskNotFound:
        if follower is None or pressed.verb is Verb.KEEP_OLD:
            raise
        # Its retention is over: asked anew, the card offers the readings once more.
        return await _submit(update, context, follower.request, notebook)
    return pressed.task_id


async def _submit(update: Update, context: CalibotContext, request: CalibrationRequest, notebook: NotebookId) -> TaskId:
    follower = follower_of(update, becomes=True)
    return await submit(update, context, request, notebook=notebook, cause="button", follower=follower)

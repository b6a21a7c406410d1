"""What presses on a board do: to itself, and to all of its tasks that the presser may touch."""

from collections.abc import Awaitable, Callable, Sequence

from telegram import Message, Update

from handlers.buttons import Press, Verb, stands_on
from handlers.context import CalibotContext, address_of, key_of, may_any, notebook_of, person_of, words_of
from handlers.note_presses import Outcome
from handlers.outgoing import Message as Shown
from services.calibration.board import Line
from services.calibration.boards import Listed
from services.errors import CalibotError, CannotCancel, CannotRetry, NotAllowed, TaskNotFound
from services.torrents import TaskId

VERBS = frozenset({
    Verb.BOARD, Verb.BOARD_PAGE, Verb.ASK_CANCEL_ALL, Verb.CANCEL_ALL, Verb.KEEP_ALL, Verb.RETRY_ALL,
})  # fmt: skip


async def act(update: Update, context: CalibotContext, pressed: Press, message: Message) -> Outcome | None:
    """Do what was pressed on the board that *message* is, or becomes; None where it is none."""
    boards, said = context.services.followers.boards, None
    listed = await boards.get(pressed.board) if pressed.board is not None else None
    if listed is None or listed.board.address != str(address_of(message)):
        return None
    board, message_id = listed.board, message.message_id
    data = update.callback_query.data if update.callback_query else None
    if board.message_id != message_id and not stands_on(message, data):
        return None
    if board.message_id != message_id and not await boards.adopt(board.id, board.address, message_id):
        # Its number was told to nobody, and the board has another message by now.
        return Outcome(becomes=Shown(words_of(update, context).gettext("This list goes on in another message.")))
    match pressed.verb:
        case Verb.BOARD_PAGE:
            await boards.turn(board.id, pressed.page)
        case Verb.ASK_CANCEL_ALL:
            await _own(update, context, [line for line in listed.lines if not line.state.ended])
            await boards.ask(board.id, asking=True)
        case Verb.KEEP_ALL:
            await boards.ask(board.id, asking=False)
        case Verb.CANCEL_ALL:
            said = await _cancel(update, context, listed)
        case Verb.RETRY_ALL:
            said = await _retry(update, context, listed)
    return Outcome(said=said, board=board)


async def _cancel(update: Update, context: CalibotContext, listed: Listed) -> str:
    lines = [line for line in listed.lines if not line.state.ended]
    mine, everyones = await _own(update, context, lines)
    notebook, manager = await notebook_of(update, context), context.services.manager

    async def cancel(task_id: TaskId) -> None:
        await manager.cancel_task(task_id, notebook=notebook, asked_by=person_of(update), everyones=everyones)

    done = await _each(mine, cancel)
    await context.services.followers.boards.ask(listed.board.id, asking=False)
    t = words_of(update, context)
    said = t.ngettext("Stopped {count} task.", "Stopped {count} tasks.", done).format(count=done)
    if others := len({line.task_id for line in lines} - set(mine)):
        more = t.ngettext("{count} is another's.", "{count} are others'.", others).format(count=others)
        said = t.gettext("{said} {more}").format(said=said, more=more)
    return said


async def _retry(update: Update, context: CalibotContext, listed: Listed) -> str:
    lost = [line for line in listed.lines if line.can_retry]
    mine, everyones = await _own(update, context, lost)
    notebook, manager, key = await notebook_of(update, context), context.services.manager, key_of(update, context)

    async def retry(task_id: TaskId) -> None:
        await manager.retry_task(
            task_id,
            notebook=notebook,
            asked_by=person_of(update),
            everyones=everyones,
            request_key=f"{key}:{task_id}",  # else an update that is handled once more would try those again
        )

    done = await _each(mine, retry)
    t = words_of(update, context)
    return t.ngettext("Trying {count} task again.", "Trying {count} tasks again.", done).format(count=done)


async def _own(update: Update, context: CalibotContext, lines: Sequence[Line]) -> tuple[list[TaskId], bool]:
    """Return the tasks that the presser may touch, and whether they may touch everyone's.

    Raises NotAllowed where there are tasks, and none of them is theirs.
    """
    person = person_of(update)
    mine = [line for line in lines if line.asked_by == person]
    # Telegram is not asked where all are their own.
    everyones = len(mine) < len(lines) and await may_any(update, context)
    if lines and not mine and not everyones:
        raise NotAllowed
    return list(dict.fromkeys(line.task_id for line in (lines if everyones else mine))), everyones


async def _each(task_ids: Sequence[TaskId], act: Callable[[TaskId], Awaitable[None]]) -> int:
    """Do it with each task, but where it is too late for that; return with how many it was done."""
    done = 0
    for task_id in task_ids:
        try:
            await act(task_id)
        except (CannotCancel, CannotRetry, TaskNotFound):
            continue
        except CalibotError:  # too much for this person: what was done is done
            if not done:
                raise
            break
        done += 1
    return done

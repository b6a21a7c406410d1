"""Who gets in: runs before every other handler, and ends the update for those who do not."""

from telegram import Update
from telegram.constants import ChatMemberStatus, ChatType
from telegram.ext import ApplicationHandlerStop

from handlers.answers import answer
from handlers.context import (
    CalibotContext,
    chat_of,
    door_of,
    incoming_of,
    is_private,
    member_status,
    person_of,
    words_of,
)
from handlers.incoming import argument_of, command_of
from handlers.outgoing import Message
from handlers.slots import Rank
from handlers.text import escape
from services.torrents import PersonId

MEMBERS = {
    ChatMemberStatus.OWNER,
    ChatMemberStatus.ADMINISTRATOR,
    ChatMemberStatus.MEMBER,
    ChatMemberStatus.RESTRICTED,
}


async def gate(update: Update, context: CalibotContext) -> None:
    """Let through what people who are served write, edit and press; strangers get one line in private, else silence."""
    chat = update.effective_chat
    if chat is None or chat.type == ChatType.CHANNEL or update.effective_user is None:
        raise ApplicationHandlerStop
    if update.callback_query is not None:
        if not await _may_press(update, context):
            await context.services.outbox.press(
                update.callback_query, words_of(update, context).gettext("You may not do that.")
            )
            raise ApplicationHandlerStop
        return
    incoming = incoming_of(update)
    if incoming is None or incoming.is_automatic_forward:  # a channel's post in its group of comments
        raise ApplicationHandlerStop
    if not _served(update, context):
        if is_private(chat) and update.message is not None and not _claims(update, context):
            _refuse(update, context)
            raise ApplicationHandlerStop
        if not is_private(chat) or update.message is None:
            raise ApplicationHandlerStop


def _served(update: Update, context: CalibotContext) -> bool:
    chat = chat_of(update)
    return context.services.people.access.serves(person_of(update), door_of(chat), private=is_private(chat))


async def _may_press(update: Update, context: CalibotContext) -> bool:
    """Judge by who presses: in an open group, people press buttons of a chat that they are no members of."""
    if not _served(update, context):
        return False
    chat = chat_of(update)
    if is_private(chat) or context.services.people.access.may_any(person_of(update), administrator=False):
        return True
    return await member_status(update, context) in MEMBERS


def _claims(update: Update, context: CalibotContext) -> bool:
    """Whether a stranger tries to become the first owner: that is for ``/start`` to judge.

    It must be a command to the router, too: what only looks like one would go on as any text.
    """
    return context.services.people.start_code is not None and _is_try(update, context)


def _is_try(update: Update, context: CalibotContext) -> bool:
    message = update.message
    if message is None or message.text is None:
        return False
    return command_of(message, context.bot) == "start" and bool(argument_of(message))


def _refuse(update: Update, context: CalibotContext) -> None:
    """Tell a stranger so, once an hour, after everybody who is served."""
    if context.services.strangers.to_be_told(person_of(update)):
        answer(update, context, Message(escape(_refusal(update, context))), rank=Rank.PROGRESS)


def _refusal(update: Update, context: CalibotContext) -> str:
    if context.services.people.code_used_up and _is_try(update, context):
        return words_of(update, context).gettext(
            "The tries for the code are used up. Start the bot again: it shows a new one."
        )
    number = PersonId(person_of(update)).removeprefix("tg:")
    return (
        words_of(update, context)
        .gettext("This bot serves only the people whom its owner has let in. Your number, for its owner: {number}")
        .format(number=number)
    )

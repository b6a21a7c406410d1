"""A group becomes a supergroup: Telegram says so in either of them."""

from telegram import Message, Update
from telegram.ext import ApplicationHandlerStop

from handlers.context import CalibotContext, message_of


async def upgraded(update: Update, context: CalibotContext) -> None:
    """Go on in the supergroup, and let nobody else have the update: it is Telegram's own word, whoever did it."""
    await context.services.outbox.moved(*chats_in(message_of(update)))
    raise ApplicationHandlerStop


def chats_in(message: Message) -> tuple[int, int]:
    """Return what the group's number was, and what it is now."""
    if message.migrate_to_chat_id is not None:
        return message.chat.id, message.migrate_to_chat_id
    assert message.migrate_from_chat_id is not None  # noqa: S101 - it has the one or the other
    return message.migrate_from_chat_id, message.chat.id

"""Short answers to people, and errors as answers."""

import functools
from collections.abc import Callable, Coroutine
from typing import Any

from telegram import Update

from handlers.context import CalibotContext, address_of, message_of, words_of
from handlers.outgoing import Message
from handlers.slots import Rank
from handlers.text import escape, parts
from services.errors import CalibotError
from services.i18n import sentence

Handler = Callable[[Update, CalibotContext], Coroutine[Any, Any, None]]


def say(update: Update, context: CalibotContext, text: str) -> None:
    """Answer the update's message with plain *text*."""
    answer(update, context, Message(escape(text)))


def answer(
    update: Update,
    context: CalibotContext,
    message: Message,
    *,
    rank: Rank = Rank.ANSWER,
    then: Callable[[], None] | None = None,
) -> None:
    """Answer the update's message. Until that is sent, the update is not done; *then* is called, too.

    What an earlier process has told of the same update is not told again.
    """
    asked, services = message_of(update), context.services
    release = services.receipts.answers(update.update_id)

    def told() -> None:
        if release is not None:
            release()
        if then is not None:
            then()

    if release is None:
        told()
        return

    services.outbox.answer(address_of(asked), message, reply_to=asked.message_id, rank=rank, told=told)


def answer_at_length(update: Update, context: CalibotContext, text: str) -> None:
    """Answer the update's message with plain *text*, in as many messages as it needs."""
    for number, part in enumerate(parts(text)):
        rank = Rank.END if number else Rank.ANSWER  # a long answer does not mute its chat
        answer(update, context, Message(escape(part)), rank=rank)


def sentence_of(error: CalibotError, update: Update, context: CalibotContext) -> str:
    return sentence(error.code, error.parameters, words_of(update, context))


def errors_as_answers(handler: Handler) -> Handler:
    """Tell the person who asked what *handler* could not do."""

    @functools.wraps(handler)
    async def answering(update: Update, context: CalibotContext) -> None:
        try:
            await handler(update, context)
        except CalibotError as error:
            say(update, context, sentence_of(error, update, context))

    return answering

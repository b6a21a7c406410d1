"""``/token`` and ``/tokens``: by which a person's programs are let in over HTTP."""

from collections.abc import Sequence

from telegram import Update

from handlers.answers import answer, answer_at_length, errors_as_answers, say
from handlers.context import CalibotContext, chat_of, is_private, key_of, message_of, person_of, words_of
from handlers.incoming import argument_of
from handlers.outgoing import Message
from handlers.text import escape
from services.i18n import Translation
from services.notebook.tokens import Token
from services.units import minute

_TAKE_BACK = "revoke"


@errors_as_answers
async def token(update: Update, context: CalibotContext) -> None:
    """Handle ``/token backup``: a new token, shown once. In a group it says where."""
    if not is_private(chat_of(update)):
        _where(update, context)
        return
    name = argument_of(message_of(update)).strip()
    secret = await context.services.tokens.give(person_of(update), name, request_key=key_of(update, context))
    answer(update, context, token_message(words_of(update, context), name, secret))


@errors_as_answers
async def tokens(update: Update, context: CalibotContext) -> None:
    """Handle ``/tokens``, which lists a person's own, and ``/tokens revoke backup``, which takes one back."""
    if not is_private(chat_of(update)):
        _where(update, context)
        return
    t, mine = words_of(update, context), context.services.tokens
    word, _, name = argument_of(message_of(update)).strip().partition(" ")
    if not word:
        answer_at_length(update, context, tokens_text(t, await mine.of(person_of(update))))
    elif word.lower() == _TAKE_BACK and name.strip():
        await mine.take_back(person_of(update), name.strip(), request_key=key_of(update, context))
        say(update, context, t.gettext("{name} opens nothing any more.").format(name=name.strip()))
    else:
        say(update, context, t.gettext("/tokens lists your tokens; /tokens revoke NAME takes one back."))


def _where(update: Update, context: CalibotContext) -> None:
    say(update, context, words_of(update, context).gettext("Tokens are given in a private chat with me alone."))


def token_message(t: Translation, name: str, secret: str) -> Message:
    """Return what shows a new token, the only time."""
    told = t.gettext(
        "A token for {name}, shown this once. Whoever has it acts as you: keep it secret. "
        "/tokens revoke {name} takes it back."
    ).format(name=name)
    return Message(f"{escape(told)}\n<pre>{escape(secret)}</pre>")


def tokens_text(t: Translation, tokens: Sequence[Token]) -> str:
    """Return a line for each token: its name, and when it was made and last used."""
    if not tokens:
        return t.gettext("You have no tokens. /token NAME gives one, for a program of yours.")
    lines = [
        t.gettext("{name} - made {made}, last used {used}").format(
            name=one.name,
            made=minute(one.created_at),
            used=t.gettext("never") if one.used_at is None else minute(one.used_at),
        )
        for one in tokens
    ]
    return "\n".join([*lines, "", t.gettext("/tokens revoke NAME takes one back.")])

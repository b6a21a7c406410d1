"""``/language``: in which language a chat is answered."""

from telegram import InlineKeyboardMarkup, Update

from handlers.answers import answer, errors_as_answers, say
from handlers.buttons import Verb, button
from handlers.context import CalibotContext, chat_of, door_of, is_private, key_of, may_any, message_of, words_of
from handlers.incoming import argument_of
from handlers.note_presses import Outcome
from handlers.outgoing import Message
from handlers.text import escape
from services.errors import AdministratorsOnly
from services.i18n import Catalogues, Translation

_OWN = "auto"
NAMES = {"en": "English", "zh": "中文"}
"""What each language calls itself."""


@errors_as_answers
async def language(update: Update, context: CalibotContext) -> None:
    """Handle ``/language``, which asks, and ``/language zh``, which chooses."""
    asked = argument_of(message_of(update))
    if asked:
        meant = _meant(asked, context.services.languages.catalogues)
        if meant is None:
            which = words_of(update, context).gettext(
                "I speak English and Chinese: /language en, /language zh. "
                "With /language auto each person is answered in their own."
            )
            say(update, context, which)
            return
        await _choose(update, context, meant)
    answer(update, context, _shown(update, context))


async def chosen(update: Update, context: CalibotContext, about: str) -> Outcome:
    """Do what a press on one of the languages asks for, and return what comes of it.

    Raises:
        AdministratorsOnly: nothing was changed.
    """
    meant = _meant(about, context.services.languages.catalogues)
    if meant is not None:
        await _choose(update, context, meant)
    return Outcome(becomes=_shown(update, context))


def _meant(asked: str, catalogues: Catalogues) -> str | None:
    """Return the language that is asked for, by its tag or its name, or `_OWN`; None where it is none that there is."""
    word = asked.strip().lower()
    if word == _OWN:
        return _OWN
    named = (tag for tag, name in NAMES.items() if name.lower() == word)
    return next(named, None) or catalogues.known(word)


async def _choose(update: Update, context: CalibotContext, meant: str) -> None:
    chat = chat_of(update)
    if not is_private(chat) and not await may_any(update, context):
        raise AdministratorsOnly
    language = None if meant == _OWN else meant
    await context.services.languages.choose(door_of(chat), language, request_key=key_of(update, context))


def _shown(update: Update, context: CalibotContext) -> Message:
    return language_message(words_of(update, context), context.services.languages.of(door_of(chat_of(update))))


def language_message(t: Translation, language: str | None) -> Message:
    """Return what says that a chat's language is this, and asks for another."""
    if language is None:
        text = t.gettext("In this chat each person is answered in the language of their Telegram.")
    else:
        text = t.gettext("In this chat I speak {language}.").format(language=NAMES.get(language, language))
    row = [button(name, Verb.LANGUAGE, tag) for tag, name in NAMES.items()]
    own = [button(t.gettext("Each person's own"), Verb.LANGUAGE, _OWN)]
    return Message(escape(text), InlineKeyboardMarkup([row, own]))

"""``/allow``, ``/deny`` and ``/people``: whom the owners let in."""

import re
from collections.abc import Sequence

from telegram import Message, Update

from handlers.answers import answer_at_length, errors_as_answers, say
from handlers.context import CalibotContext, chat_of, is_private, key_of, message_of, person_of, words_of
from handlers.incoming import arguments_of
from services.access import LetIn, Role
from services.i18n import Translation
from services.notebook.people import Outcome
from services.units import minute

_NUMBER = re.compile(r"-?[0-9]{1,16}", re.ASCII)  # Telegram's have at most 52 bits; those of groups are below zero


@errors_as_answers
async def allow(update: Update, context: CalibotContext) -> None:
    """Handle ``/allow``: in reply to a person's message, with a number, or alone in a group."""
    people, t = context.services.people, words_of(update, context)
    people.check_owner(person_of(update))
    number = _meant(update)
    if number is None:
        say(update, context, _whom(t, "/allow"))
        return
    if number == context.bot.id:
        say(
            update, context, t.gettext("{number} is my own number: send a person's or a group's.").format(number=number)
        )
        return
    outcome = await people.allow(
        f"tg:{number}",
        Role.CHAT if number < 0 else Role.USER,
        asked_by=person_of(update),
        request_key=key_of(update, context),
    )
    say(update, context, _allowed(t, number, outcome))


@errors_as_answers
async def deny(update: Update, context: CalibotContext) -> None:
    """Handle ``/deny``: the same ways as ``/allow``."""
    people, t = context.services.people, words_of(update, context)
    people.check_owner(person_of(update))
    number = _meant(update)
    if number is None:
        say(update, context, _whom(t, "/deny"))
        return
    outcome = await people.deny(f"tg:{number}", asked_by=person_of(update), request_key=key_of(update, context))
    if outcome is Outcome.AS_BEFORE:
        say(update, context, t.gettext("{number} is not let in.").format(number=number))
    else:
        say(update, context, t.gettext("{number} is no longer let in.").format(number=number))


@errors_as_answers
async def show_people(update: Update, context: CalibotContext) -> None:
    """Handle ``/people``."""
    everybody = context.services.people.everybody(asked_by=person_of(update))
    answer_at_length(update, context, people_text(words_of(update, context), everybody))


def _meant(update: Update) -> int | None:
    """Return the number of the person or group that is meant; None where that is not clear."""
    arguments = arguments_of(message_of(update))
    if arguments:
        fits = len(arguments) == 1 and _NUMBER.fullmatch(arguments[0])
        return (int(arguments[0]) or None) if fits else None
    message, chat = message_of(update), chat_of(update)
    if message.external_reply is not None or message.reply_to_story is not None:
        return None  # it is no reply by Telegram's other field, and must not be taken for a word about the group
    replied = _replied_to(message)
    if replied is None:
        return None if is_private(chat) else chat.id
    sender = replied.from_user
    if sender is None or sender.is_bot or replied.sender_chat is not None or replied.forward_origin is not None:
        return None
    return sender.id


def _replied_to(message: Message) -> Message | None:
    """Return the message that a person chose to reply to: in a topic each message replies to the topic's beginning."""
    replied = message.reply_to_message
    if replied is None or replied.forum_topic_created is not None:
        return None
    return replied


def _whom(t: Translation, command: str) -> str:
    return t.gettext(
        "Whom? Reply with {command} to a person's own message, or send a number: {command} 4711. "
        "Alone in a group, {command} means that group."
    ).format(command=command)


def _allowed(t: Translation, number: int, outcome: Outcome) -> str:
    if outcome is Outcome.AS_BEFORE:
        return t.gettext("{number} is let in already.").format(number=number)
    if number < 0:
        return t.gettext("Group {number} is let in: whoever may write there is served there.").format(number=number)
    return t.gettext("{number} is let in: they are served in their private chat with me.").format(number=number)


def people_text(t: Translation, everybody: Sequence[LetIn]) -> str:
    """Return who is let in, by role, each with where it comes from."""
    headings = {
        Role.OWNER: t.gettext("Owners"),
        Role.USER: t.gettext("People"),
        Role.CHAT: t.gettext("Groups"),
    }
    sections = []
    for role, heading in headings.items():
        lines = [f"{_shown(one.who)} - {_origin(t, one)}" for one in everybody if one.role is role]
        sections.append("\n".join([heading, *(lines or [t.gettext("none")])]))
    return "\n\n".join(sections)


def _origin(t: Translation, one: LetIn) -> str:
    if one.added_at is None:
        return t.gettext("by the settings")
    day = minute(one.added_at)
    if one.added_by is None:
        return t.gettext("by the code of a start, {day}").format(day=day)
    return t.gettext("by {person}, {day}").format(person=_shown(one.added_by), day=day)


def _shown(who: str) -> str:
    return who.removeprefix("tg:")

"""``/login`` and ``/logout``: by which a person's browser is let in, and out."""

from telegram import Update

from handlers.answers import errors_as_answers, say
from handlers.context import CalibotContext, chat_of, is_private, message_of, person_of, words_of
from handlers.incoming import argument_of

_EVERYWHERE = "all"


@errors_as_answers
async def login(update: Update, context: CalibotContext) -> None:
    """Handle ``/login``: a link that opens the page, once. In a group it says where."""
    t, services = words_of(update, context), context.services
    if services.site is None:
        say(update, context, t.gettext("The page is switched off: [web] in the settings of this bot's owner."))
        return
    if not is_private(chat_of(update)):
        say(update, context, t.gettext("Links to the page are given in a private chat with me alone."))
        return
    link = f"{services.site.address}/login/{await services.sessions.link(person_of(update))}"
    lines = [
        t.gettext("This link opens your notes in a browser, once, within five minutes. Keep it to yourself."),
        link,
    ]
    if not services.site.public:
        lines.append(t.gettext("It works on the bot's own machine. For others its owner sets public_url under [web]."))
    say(update, context, "\n\n".join(lines))


@errors_as_answers
async def logout(update: Update, context: CalibotContext) -> None:
    """Handle ``/logout all``: no browser is let in any more as this person."""
    t = words_of(update, context)
    if argument_of(message_of(update)).strip().lower() != _EVERYWHERE:
        say(update, context, t.gettext("/logout all logs you out in every browser."))
        return
    closed = await context.services.sessions.close_all(person_of(update))
    said = t.ngettext("You are logged out in {count} browser.", "You are logged out in {count} browsers.", closed)
    say(update, context, said.format(count=closed))

"""``/start``, ``/help``, and what is said to words that mean nothing."""

from telegram import Update
from telegram.constants import ChatMemberStatus
from telegram.error import TelegramError

from handlers.answers import errors_as_answers, say
from handlers.context import CalibotContext, chat_of, door_of, is_private, message_of, person_of, words_of
from handlers.incoming import argument_of
from services.i18n import Translation


@errors_as_answers
async def start(update: Update, context: CalibotContext) -> None:
    """Handle ``/start``, and ``/start CODE`` of the first owner."""
    t = words_of(update, context)
    people = context.services.people
    person, chat = person_of(update), chat_of(update)
    code = argument_of(message_of(update))
    if code and is_private(chat) and people.start_code is not None:
        if await people.claim(person, code):
            say(update, context, t.gettext("You are this bot's owner now.") + "\n\n" + help_text(t))
            return
        if not people.access.serves(person, door_of(chat), private=True):
            say(update, context, t.gettext("That is not the code which this bot's terminal shows."))
            return
    text = help_text(t)
    if not is_private(chat):
        text += "\n\n" + t.gettext("This group's number, for my owner's settings or /allow: {number}").format(
            number=chat.id
        )
        if not await _hears_everything(update, context):
            text += "\n\n" + t.gettext(
                "Telegram hides this group's ordinary messages from me (privacy mode): of what is posted here I see "
                "commands alone. To change that, make me an administrator; or let my owner send /setprivacy to "
                "@BotFather, choose Disable, then remove me from this group and add me again."
            )
        elif people.access.lets_in(people.access.now(door_of(chat))):
            text += "\n\n" + t.gettext("I see all that is posted here: a message with a magnet link becomes a note.")
    say(update, context, text)


async def _hears_everything(update: Update, context: CalibotContext) -> bool:
    """Whether ordinary messages of this group reach the bot; asked anew, since its owner may have just changed it."""
    try:
        me = await context.bot.get_me()
        if me.can_read_all_group_messages:
            return True
        member = await context.bot.get_chat_member(chat_of(update).id, me.id)
    except TelegramError:
        return bool(context.bot.can_read_all_group_messages)
    return member.status == ChatMemberStatus.ADMINISTRATOR


@errors_as_answers
async def show_help(update: Update, context: CalibotContext) -> None:
    """Handle ``/help``."""
    say(update, context, help_text(words_of(update, context)))


async def unknown_command(update: Update, context: CalibotContext) -> None:
    """Answer a command that is none of ours, in private alone: in a group it may be another bot's."""
    if is_private(chat_of(update)):
        say(
            update,
            context,
            words_of(update, context).gettext("I do not know this command. /help lists those that I know."),
        )


def help_text(t: Translation) -> str:
    return t.gettext(
        "I keep notes of magnet links and find the true names of their torrents.\n"
        "\n"
        "Send or forward a message with a magnet link, or a text file with some: it becomes a note. Edit the message, "
        "and the note follows.\n"
        "A .torrent file: the notes that have its torrent get its name\n"
        "/save <text> - keep any text, or in reply to a message, that one\n"
        "/calibrate 12 - find the true names for note 12 and correct it\n"
        "/calibrate 12 15 20-40, /calibrate last 100 - the same for many\n"
        "/calibrate all - for all that were not yet, 1,000 at a time\n"
        "/calibrate_hash <info-hashes or magnets> - find their names; changes no note\n"
        "/notes - list your notes\n"
        "/note 12 - show the names in note 12, and its text as it is\n"
        "/history 12 - show what was changed in note 12\n"
        "/undo 12 - take back what was written into note 12; again, and it is written again\n"
        "/delete 12 - delete note 12; for a day /undelete 12 takes it back\n"
        "/search words - find notes by their words, names and file names\n"
        "/find <info-hash or magnet> - find the notes that have a torrent\n"
        "/export - all notes as files\n"
        "/queue - what is being looked up\n"
        "/language - in which language this chat is answered\n"
        "/login - a link that opens your notes in a browser; /logout all\n"
        "/token backup - a token for a program of yours; /tokens lists them\n"
        "/help - this text\n"
        "\n"
        "For this bot's owners:\n"
        "/allow 4711, /deny 4711 - let somebody in, or no longer; also in reply to them, or alone for a group\n"
        "/people - who is let in\n"
        "/stats - what 30 days of lookups came to\n"
        "\n"
        "A lookup asks the public BitTorrent network, which sees this bot's address."
    )


def command_list(t: Translation) -> list[tuple[str, str]]:
    """Return the commands and their descriptions, as Telegram's menu shows them."""
    return [
        ("calibrate", t.gettext("find the true names for a note: /calibrate 12")),
        ("calibrate_hash", t.gettext("find the name of one info-hash or magnet")),
        ("save", t.gettext("keep a text as a note: /save and the text")),
        ("notes", t.gettext("list the notes")),
        ("note", t.gettext("show a note: /note 12")),
        ("history", t.gettext("show what was changed in a note: /history 12")),
        ("undo", t.gettext("take back what was written into a note: /undo 12")),
        ("delete", t.gettext("delete a note: /delete 12")),
        ("undelete", t.gettext("take a deleted note back: /undelete 12")),
        ("search", t.gettext("find notes by their words: /search words")),
        ("find", t.gettext("find the notes that have a torrent")),
        ("export", t.gettext("all notes as files")),
        ("queue", t.gettext("what is being looked up")),
        ("login", t.gettext("open your notes in a browser")),
        ("logout", t.gettext("log out in every browser: /logout all")),
        ("token", t.gettext("a token for a program of yours: /token NAME")),
        ("tokens", t.gettext("list your tokens, or take one back")),
        ("language", t.gettext("choose the language of this chat")),
        ("allow", t.gettext("for owners: let in a person or a group")),
        ("deny", t.gettext("for owners: let them in no longer")),
        ("people", t.gettext("for owners: who is let in")),
        ("stats", t.gettext("for owners: what the lookups came to")),
        ("help", t.gettext("what I can do")),
    ]

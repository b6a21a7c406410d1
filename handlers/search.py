"""``/search`` and its pages, and ``/find``.

What was searched for stands in the message with the results, and is read back from there when a page is turned:
Telegram hands the message over with each press, so it needs no other memory and no press can bring other words.
"""

from collections.abc import Iterator, Sequence

from telegram import InlineKeyboardMarkup, Message, MessageEntity, Update

from handlers.answers import answer, errors_as_answers, say
from handlers.buttons import Verb, button
from handlers.cards import blank, numbers
from handlers.context import CalibotContext, message_of, notebook_of, words_of
from handlers.incoming import argument_of, asked_in, torrents_of
from handlers.outgoing import Message as Shown
from handlers.text import escape, extent, shown_name
from services.errors import InvalidInfoHash, NoteNotFound
from services.i18n import Translation, trust_word
from services.notebook.excerpts import Excerpt
from services.notebook.note import Known
from services.notebook.search import Held, Page, asked
from services.torrents import NoteId, TorrentId

_MOST_FOUND = 6  # with long names they fill a message


@errors_as_answers
async def search(update: Update, context: CalibotContext) -> None:
    """Handle ``/search <words>``."""
    words = asked(argument_of(message_of(update)))
    if not words:
        say(update, context, words_of(update, context).gettext("Search for which words? /search ubuntu iso"))
        return
    page = await context.services.search.page(await notebook_of(update, context), words)
    answer(update, context, _shown(words_of(update, context), words, page))


async def turned(update: Update, context: CalibotContext, verb: Verb, cursor: NoteId) -> Shown:
    """Return what the pressed message shows next: the page that is older, or newer, than *cursor*.

    Raises:
        NoteNotFound: the message shows no search.
    """
    words = _words_on(message_of(update))
    if not words:
        raise NoteNotFound
    older = verb is Verb.FOUND_OLDER
    page = await context.services.search.page(
        await notebook_of(update, context), words, before=cursor if older else None, after=None if older else cursor
    )
    return _shown(words_of(update, context), words, page)


def _words_on(message: Message) -> str:
    """Return the words for which *message* shows a search: they are its first entity, see `_shown`."""
    first = next(iter(message.entities), None)
    return asked(message.parse_entity(first)) if first and first.type == MessageEntity.CODE else ""


def _shown(t: Translation, words: str, page: Page) -> Shown:
    quoted = f"<code>{escape(words)}</code>"
    if not page.hits:
        return Shown(t.gettext("No note here has {words}.").format(words=quoted))
    lines = [f"#{hit.note_id} {_marked(hit.excerpt)}".rstrip() for hit in page.hits]
    return Shown("\n".join([t.gettext("Notes with {words}:").format(words=quoted), *lines]), _keyboard(t, page))


def _marked(excerpt: Excerpt) -> str:
    return "".join(_pieces(excerpt))


def _pieces(excerpt: Excerpt) -> Iterator[str]:
    done = 0
    for start, end in excerpt.marks:
        yield escape(excerpt.text[done:start])
        yield f"<b>{escape(excerpt.text[start:end])}</b>"
        done = end
    yield escape(excerpt.text[done:])


def _keyboard(t: Translation, page: Page) -> InlineKeyboardMarkup | None:
    row = [] if page.newer is None else [button(t.gettext("Newer"), Verb.FOUND_NEWER, page.newer)]
    row += [] if page.older is None else [button(t.gettext("Older"), Verb.FOUND_OLDER, page.older)]
    return InlineKeyboardMarkup([row]) if row else None


@errors_as_answers
async def find(update: Update, context: CalibotContext) -> None:
    """Handle ``/find <info-hash | magnet>``, or in reply to a message that has one."""
    t, text = words_of(update, context), await asked_in(message_of(update), context)
    if not text:
        say(
            update,
            context,
            t.gettext(
                "Find which torrent? Send its info-hash or magnet: /find <info-hash>, or reply with it to a message "
                "that has one."
            ),
        )
        return
    torrents = [torrent for torrent, _ in await torrents_of(text)]
    if not torrents:
        raise InvalidInfoHash
    held = await context.services.search.holders(await notebook_of(update, context), torrents)
    if held:
        answer(update, context, Shown("\n\n".join(_blocks(t, held))))
    else:
        say(update, context, _nothing(t, torrents))


def _nothing(t: Translation, torrents: list[TorrentId]) -> str:
    return t.ngettext("No note here has this torrent.", "No note here has any of these torrents.", len(torrents))


def _blocks(t: Translation, held: Sequence[Held]) -> Iterator[str]:
    """Return a few lines for each of the first torrents, and how many more there are."""
    for one in held[:_MOST_FOUND]:
        yield "\n".join([*_known(t, one.torrent, one.known), _in_notes(t, one.notes)])
    if (more := len(held) - _MOST_FOUND) > 0:
        yield t.ngettext("And {count} more torrent.", "And {count} more torrents.", more).format(count=more)


def _known(t: Translation, torrent: TorrentId, known: Known | None) -> list[str]:
    if known is None:
        return [f"<code>{torrent.shown}</code>", t.gettext("Its name is not known yet.")]
    name = blank(t, known.name) if known.name.blank else f"<b>{escape(shown_name(known.name.text))}</b>"
    trust = trust_word(t, verified=known.verified, certain=known.name.certain)
    return [name, " · ".join([*extent(t, known.size, known.file_count), trust])]


def _in_notes(t: Translation, notes: Sequence[NoteId]) -> str:
    return t.gettext("In {notes}").format(notes=numbers(t, notes))

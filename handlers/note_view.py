"""What notes look like: one whole, a page of them, one that shall be deleted. Pure."""

from collections.abc import Mapping, Sequence
from itertools import islice

from telegram import InlineKeyboardMarkup

from handlers.buttons import Verb, button
from handlers.outgoing import Document, Message
from handlers.text import LONGEST, blanks_behind, escape, extent, is_blank, listed, parts, shown_name, units
from services.i18n import Translation, trust_word
from services.magnets.parse import Magnet, find_magnets
from services.notebook.note import Known, Note
from services.notebook.notebook import Page
from services.torrents import NoteId, TorrentId
from services.units import size

LINE = "———"
_MOST_PARTS = 3
_PART_HEAD = 32
"""UTF-16 units that the line with a part's number takes at most."""
_SHORT_HASH = 16
_TITLE = 60
_LOOKED_AT = 4000
"""Characters of a note that its first words are made of."""


def note_messages(
    t: Translation, note: Note, magnets: Sequence[Magnet], known: Mapping[TorrentId, Known]
) -> list[Message]:
    """Return the messages that show *note*: the names of its torrents, whom it is from, a line, the text as it is.

    What does not fit into one comes in numbered parts. The text is a file where these are over three, where a cut would
    lose blanks, and where Telegram would show nothing of it.
    """
    names, source = _names(t, magnets, known), _source(t, note)
    head = "\n".join([*names, *source, LINE, ""]) if names or source else ""
    keyboard = _keyboard(t, note.id, calibrate=bool(magnets))
    whole = head + note.text
    if is_blank(whole):
        summary = t.gettext("#{number} cannot be shown as it is: its text is the file below.")
        return _as_file(note, summary.format(number=note.id), keyboard)
    if units(whole) <= LONGEST:
        return [Message(escape(whole), keyboard)]
    pieces = list(parts(whole, LONGEST - _PART_HEAD))
    if len(pieces) <= _MOST_PARTS and "".join(pieces) == whole and not _loses_blanks(pieces):
        total = len(pieces)
        shown = [
            Message(escape(f"#{note.id} · {number}/{total}\n{piece}")) for number, piece in enumerate(pieces, start=1)
        ]
        return [*shown[:-1], Message(shown[-1].html, keyboard)]
    return _as_file(note, _summary(t, note.id, source, names), keyboard)


def _loses_blanks(pieces: Sequence[str]) -> bool:
    """Whether more than a line's end stands at a cut: Telegram strips the ends of a message."""
    return any(blanks_behind(piece) not in {"", "\n", "\r\n"} for piece in pieces[:-1])


def _as_file(note: Note, summary: str, keyboard: InlineKeyboardMarkup) -> list[Message]:
    file = Document(f"note-{note.id}.txt", note.text.encode("utf-8", "replace"))
    return [Message(escape(summary), keyboard), Message("", document=file)]


def _source(t: Translation, note: Note) -> list[str]:
    """Return the line that says whom a forwarded text is from."""
    return [t.gettext("From {source}").format(source=shown_name(note.source))] if note.source else []


def _summary(t: Translation, number: NoteId, source: Sequence[str], names: Sequence[str]) -> str:
    """Return whom a note is from whose text comes as a file, and its names: as many as fit."""
    lines = [t.gettext("#{number} is long: its text is the file below.").format(number=number), *source]
    left = LONGEST - units("\n".join(lines)) - _PART_HEAD
    for place, name in enumerate(names):
        left -= units(name) + 1
        if left < 0:
            more = len(names) - place
            return "\n".join([*lines, t.ngettext("and {more} more", "and {more} more", more).format(more=more)])
        lines.append(name)
    return "\n".join(lines)


def _names(t: Translation, magnets: Sequence[Magnet], known: Mapping[TorrentId, Known]) -> list[str]:
    """Return a line for each torrent: its name, and where it is known, its size and how sure it is."""
    said: dict[TorrentId, str] = {}
    for magnet in magnets:
        for place, torrent in enumerate(magnet.torrents):
            said[torrent] = said.get(torrent) or ("" if place else magnet.name or "")
    return [_name(t, torrent, name, known.get(torrent)) for torrent, name in said.items()]


def _name(t: Translation, torrent: TorrentId, said: str, known: Known | None) -> str:
    name = known.name.text if known else said
    shown = shown_name(name) if name.strip() else _nameless(t, torrent)
    if known is None:
        return shown
    if known.verified and known.name.certain:
        return f"{shown} · {size(known.size)} ✓"
    trust = trust_word(t, verified=known.verified, certain=known.name.certain)
    return " · ".join([shown, *islice(extent(t, known.size, known.file_count), 1), trust])


def _nameless(t: Translation, torrent: TorrentId) -> str:
    return t.gettext("(no name) {digits}…").format(digits=torrent.shown.hex[:_SHORT_HASH])


def _keyboard(t: Translation, number: NoteId, *, calibrate: bool) -> InlineKeyboardMarkup:
    row = [button(t.gettext("Calibrate"), Verb.CALIBRATE_BELOW, number)] if calibrate else []
    row += [
        button(t.gettext("History"), Verb.SHOW_HISTORY, number),
        button(t.gettext("Delete"), Verb.ASK_DELETE, number),
    ]
    return InlineKeyboardMarkup([row])


def notes_page(t: Translation, page: Page) -> Message:
    """Return a page of notes, newest first: each with its number and first words, and what is to be done about it."""
    if not page.notes:
        return Message(escape(t.gettext("There is no note here yet. Send me a magnet link and I keep it as one.")))
    lines = [_line(t, note, page) for note in page.notes]
    row = [button(t.gettext("Newer"), Verb.NEWER, page.notes[0].id)] if page.newer else []
    row += [button(t.gettext("Older"), Verb.OLDER, page.notes[-1].id)] if page.older else []
    return Message("\n".join(lines), InlineKeyboardMarkup([row]) if row else None)


def _line(t: Translation, note: Note, page: Page) -> str:
    marks = [t.gettext("junk name")] if note.id in page.junk else []
    marks += [t.gettext("not calibrated")] if note.id in page.uncalibrated else []
    marks += [t.gettext("name to choose")] if note.id in page.undecided else []
    marked = f" · <i>{escape(listed(t, marks))}</i>" if marks else ""
    return f"<b>#{note.id}</b> {escape(title(t, note.text))}{marked}"


def title(t: Translation, text: str) -> str:
    """Return the first words of a note, its links shown by their names."""
    looked = text[:_LOOKED_AT]
    pieces, done = [], 0
    for magnet in find_magnets(looked):
        name = magnet.name if magnet.name and magnet.name.strip() else _nameless(t, magnet.torrents[0])
        pieces += [looked[done : magnet.start], name]
        done = magnet.end
    return shown_name(" ".join("".join([*pieces, looked[done:]]).split()), _TITLE)


def delete_question(t: Translation, note: Note) -> Message:
    text = t.gettext("Delete #{number}?").format(number=note.id)
    row = [button(t.gettext("Delete"), Verb.DELETE, note.id), button(t.gettext("Keep"), Verb.KEEP, note.id)]
    return Message(f"{escape(text)}\n{escape(title(t, note.text))}", InlineKeyboardMarkup([row]))


def deleted(t: Translation, number: NoteId) -> Message:
    text = t.gettext("#{number} is deleted. For a day it can be taken back: /undelete {number}").format(number=number)
    return Message(escape(text), InlineKeyboardMarkup([[button(t.gettext("Undo delete"), Verb.UNDELETE, number)]]))


def kept(t: Translation, number: NoteId) -> Message:
    return Message(escape(t.gettext("#{number} stays.").format(number=number)))


def back(t: Translation, number: NoteId) -> Message:
    return Message(escape(t.gettext("#{number} is back.").format(number=number)))

"""What is answered to what was kept. Pure."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from telegram import InlineKeyboardMarkup

from handlers.buttons import Verb, batches, button, runs
from handlers.outgoing import Message
from handlers.text import escape, listed
from services.i18n import Translation
from services.notebook.notebook import Saved
from services.torrents import NoteId

_KNOWN_SHOWN = 3
_RUNS_SHOWN = 5


def saved_message(t: Translation, saved: Saved) -> Message:
    """Return the answer to one text that was kept."""
    known = _known(t, saved.known)
    if not saved.magnets:
        return Message(escape(t.gettext("#{number} saved.").format(number=saved.note_id)))
    magnets = _count(t, saved.magnets)
    if saved.torrents != saved.magnets:
        torrents = t.ngettext("{count} torrent", "{count} torrents", saved.torrents).format(count=saved.torrents)
        magnets = listed(t, (magnets, torrents))
    text = t.gettext("#{number} saved: {magnets}{known}.").format(number=saved.note_id, magnets=magnets, known=known)
    return Message(
        escape(text), InlineKeyboardMarkup([[button(t.gettext("Calibrate"), Verb.CALIBRATE, saved.note_id)]])
    )


def batch_messages(
    t: Translation, together: Sequence[Saved], without: int, unread: int
) -> list[tuple[Message, Collection[NoteId]]]:
    """Return the answer to what was forwarded together; several where one button cannot carry all the numbers.

    Each with the notes that it tells of; the last one tells the rest, too.

    *without*: how many messages had no magnet, where that is to be said; *unread*: how many had a file that could not
    be read.
    """
    by_number = {one.note_id: one for one in together}
    messages: list[tuple[Message, Collection[NoteId]]] = [
        (_batch_message(t, packed, [by_number[one] for one in numbers]), numbers)
        for packed, numbers in batches(sorted(by_number))
    ]
    if messages:
        last, numbers = messages[-1]
        html = "\n".join([last.html, *map(escape, _left_out(t, without, unread))])
        messages[-1] = replace(last, html=html), numbers
    return messages


def _left_out(t: Translation, without: int, unread: int) -> Iterator[str]:
    if unread:
        yield t.ngettext(
            "The file of {count} message could not be read: its caption alone is kept.",
            "The files of {count} messages could not be read: their captions alone are kept.",
            unread,
        ).format(count=unread)
    if without:
        yield t.ngettext(
            "{count} message without a magnet link was not kept.",
            "{count} messages without a magnet link were not kept.",
            without,
        ).format(count=without)


def _batch_message(t: Translation, packed: str, together: Sequence[Saved]) -> Message:
    if len(together) == 1:
        return saved_message(t, together[0])
    numbers = [one.note_id for one in together]
    known = _known(t, {one for saved in together for one in saved.known} - set(numbers))
    magnets = _count(t, sum(one.magnets for one in together))
    text = t.gettext("{notes} saved, {magnets}{known}.").format(
        notes=numbered(t, numbers), magnets=magnets, known=known
    )
    keyboard = InlineKeyboardMarkup([[button(t.gettext("Calibrate all"), Verb.CALIBRATE_ALL, packed)]])
    return Message(escape(text), keyboard)


def numbered(t: Translation, numbers: Sequence[NoteId]) -> str:
    """Return rising numbers as people write them: #12–#111, #115; how many there are where that grows too long."""
    found = runs(numbers)
    if len(found) > _RUNS_SHOWN:
        return t.gettext("{count} notes from #{first} to #{last}").format(
            count=len(numbers), first=numbers[0], last=numbers[-1]
        )
    return listed(t, (f"#{first}" if first == last else f"#{first}–#{last}" for first, last in found))


def _count(t: Translation, magnets: int) -> str:
    return t.ngettext("{count} magnet", "{count} magnets", magnets).format(count=magnets)


def _known(t: Translation, notes: Collection[NoteId]) -> str:
    """Return where the same magnets were before; nothing where they are new."""
    if not notes:
        return ""
    numbers = listed(t, (f"#{one}" for one in sorted(notes)[:_KNOWN_SHOWN]))
    more = len(notes) - _KNOWN_SHOWN
    if more > 0:
        numbers = t.ngettext("{notes} and {more} more", "{notes} and {more} more", more).format(
            notes=numbers, more=more
        )
    return t.gettext("; already in {notes}").format(notes=numbers)

"""Parts of a note's page: its torrents with their files, and the changes of its history."""

import asyncio
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from services.i18n import Translation, blank_word, cause_word, source_word, trust_word
from services.magnets.junk import is_junk
from services.magnets.parse import Magnet
from services.magnets.rewrite import magnet_link
from services.notebook.differences import differences
from services.notebook.excerpts import one_line
from services.notebook.note import Cause, Known, Step
from services.torrents import FileEntry, NotebookId, TorrentId
from services.units import minute, size
from web.context import Asker
from web.shapes import time_of
from web.tree import Branch, tree_of

_MOST_FILES = 200  # of one torrent, on a page
_MOST_CHANGES = 20
_LONGEST = 300  # characters of a name, or of what an edit replaced
# Joiners, and what chooses a letter's form (Unicode, Default_Ignorable_Code_Point of Mn): seen in their letters alone.
_SHAPING = frozenset(
    "\u200c\u200d\u034f\u17b4\u17b5\u180b\u180c\u180d\u180f"
    + "".join(map(chr, [*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)]))
)
_LONGEST_WHOLE = 100_000  # where all of it is asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesAt:
    """The *page* of the files that is asked for, of the *torrent* with this info-hash; *address* of another one."""

    torrent: str
    page: int
    address: Callable[[str, int], str]


async def torrent_shown(
    asker: Asker, t: Translation, here: NotebookId, magnet: Magnet, known: Mapping[TorrentId, Known], at: FilesAt
) -> Mapping[str, object]:
    """Return a torrent of a note, with the page of its files that is asked for."""
    torrent = magnet.torrents[0]
    told = known.get(torrent)
    shown: dict[str, object] = {
        "info_hash": torrent.shown.hex,
        "here": None if magnet.name is None or (told and told.name.text == magnet.name) else short(magnet.name),
        "junk": is_junk(magnet.name or ""),
        "true_name": None,
        "link": "",
        "trust": "",
        "trust_said": "",
        "size": "",
        "files": (),
        "files_said": "",
        "unseen": "",
        "opened": False,
        "files_before": None,
        "files_after": None,
    }
    if told is None:
        return shown
    many, info_hash = told.file_count, torrent.shown.hex
    opened = at.torrent == info_hash
    place = min(at.page, max(many - 1, 0) // _MOST_FILES) if opened else 0
    found = await asker.services.search.torrent([here], torrent, page=place, size=_MOST_FILES)
    unseen = many - (place + 1) * _MOST_FILES if found and found.more else 0
    more = t.ngettext("And {count} more file.", "And {count} more files.", unseen)
    whole = many <= _MOST_FILES
    source = source_word(t, told.source) or short(told.source)
    return shown | {
        "true_name": blank_word(t, empty=not told.name.text) if told.name.blank else short(told.name.text),
        "link": magnet_link(torrent, told.name.text, magnet.hints) if told.name.certain and not told.name.blank else "",
        "trust": "verified" if told.verified and told.name.certain else "claimed",
        "trust_said": trust_word(t, verified=told.verified, certain=told.name.certain, source=source),
        "size": size(told.size) if told.size or many else "",
        "files": await asyncio.to_thread(_branches, found.files, whole=whole) if found else (),
        "files_said": t.ngettext("{count} file", "{count} files", many).format(count=many),
        "unseen": more.format(count=unseen) if unseen else "",
        "opened": opened,
        "files_before": at.address(info_hash, place - 1) if place else None,
        "files_after": at.address(info_hash, place + 1) if unseen else None,
    }


def told_apart(torrents: Iterable[Mapping[str, object]]) -> Iterator[Mapping[str, object]]:
    """Yield them with an ``id`` each, which stays theirs when others come before them: links to one may be several."""
    times = Counter[object]()
    for one in torrents:
        info_hash = one["info_hash"]
        times[info_hash] += 1
        yield {**one, "id": info_hash if times[info_hash] == 1 else f"{info_hash}-{times[info_hash]}"}


def _branches(files: Sequence[FileEntry], *, whole: bool) -> Sequence[Mapping[str, object]]:
    return [_branch(one, whole=whole) for one in tree_of(files)]


def _branch(branch: Branch, *, whole: bool) -> Mapping[str, object]:
    """Return a branch as it is shown: a folder has no size where not the *whole* of the files is at hand."""
    return {
        "name": short(branch.name),
        "size": size(branch.size) if whole or not branch.within else "",
        "within": [_branch(one, whole=whole) for one in branch.within.values()],
    }


def step_shown(t: Translation, step: Step, address: str, whole: int) -> Mapping[str, object]:
    """Return a change of the note as it is shown, with the first of what it changed; at *address* with all of it."""
    changes = differences(step)
    all_of_it = step.version == whole
    most = _LONGEST_WHOLE if all_of_it else _LONGEST
    more = 0 if all_of_it else max(0, len(changes) - _MOST_CHANGES)
    cut = not all_of_it and any(len(text or "") > most for one in changes for text in (one.removed, one.added))
    said = t.gettext("Show all of it") if cut else ""
    if more:
        said = t.ngettext("And {count} more change.", "And {count} more changes.", more).format(count=more)

    def seen(text: str) -> str:
        return _with_breaks(text, most) if step.change.cause == Cause.EDIT else short(text, most)

    def changed(text: str) -> str:
        return _all_seen(text, most) if step.change.cause == Cause.EDIT else short(text, most)

    return {
        "more": said,
        "address": address,
        "version": step.version,
        "cause": cause_word(t, step.change.cause),
        "at": time_of(step.change.at),
        "day": minute(step.change.at),
        "changes": [
            {
                "before": ("…" if one.more_before else "") + seen(one.before),
                "removed": changed(one.removed or ""),
                "added": changed(one.added or ""),
                "after": seen(one.after) + ("…" if one.more_after else ""),
            }
            for one in changes[: len(changes) - more]
        ],
    }


def short(text: str, most: int = _LONGEST) -> str:
    return one_line(_cut(text, most))


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}…"


def _with_breaks(text: str, most: int) -> str:
    """Return a piece of a text with its line breaks to be seen, and its spaces as they are."""
    lines = _cut(text, most).replace("\r", "").replace("\t", " ").split("\n")
    return " ⏎ ".join(" ".join(map(one_line, line.split(" "))) for line in lines)


def _all_seen(text: str, most: int) -> str:
    """Return what an edit put in or took away; what cannot be seen is there by its number."""
    cut = _cut(text, most)
    alone = _SHAPING.issuperset(cut)
    return "".join(one if one == "\t" or (one in _SHAPING and not alone) else _seen(one) for one in cut)


def _seen(character: str) -> str:
    if character == "\n":
        return " ⏎ "
    unseen = character in _SHAPING or unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
    return f"⟨U+{ord(character):04X}⟩" if unseen else character

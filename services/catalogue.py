"""A catalogue of translations: gettext's .po file, read as it is.

What programs usually read is a binary that is compiled of it; that would be one more thing to build, or to forget.
"""

import gettext
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

_STRING = re.compile(r'(?:(msgid|msgid_plural|msgstr|msgstr\[0\]) )?"((?:[^"\\]|\\["\\nt])*)"')
_ESCAPED = re.compile(r"\\(.)")
_MEANT = {"n": "\n", "t": "\t"}


class Entry(NamedTuple):
    """A sentence in English, what it is for many, where it counts something, and its translation."""

    english: str
    many: str | None
    translation: str


class Catalogue(gettext.NullTranslations):
    """The sentences of a language that says one and many alike; what it does not have is said in English."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        super().__init__()
        self._translations = {one.english: one.translation for one in entries}

    def gettext(self, message: str) -> str:
        return self._translations.get(message) or super().gettext(message)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return self._translations.get(msgid1) or super().ngettext(msgid1, msgid2, n)


def entries(text: str) -> Sequence[Entry]:
    """Return what *text*, a .po file's, translates; its head is left out.

    Raises:
        ValueError: it has something that is not read here: several plural forms, contexts, entries that are fuzzy or
            obsolete, one sentence twice, or what is no .po file.
    """
    head, *found = map(_entry, filter(None, re.split(r"\n\s*\n", text.strip())))
    if head.english:
        raise ValueError(f"the head is missing before {head.english!r}")
    if len({one.english for one in found} - {""}) < len(found):
        raise ValueError("a sentence is there twice")
    return found


def _entry(block: str) -> Entry:
    strings = list(_strings(block))
    match [keyword for keyword, _ in strings]:
        case ["msgid", "msgstr"] | ["msgid", "msgid_plural", "msgstr[0]"]:
            english, *many, translation = (string for _, string in strings)
            return Entry(english, many[0] if many else None, translation)
    raise ValueError(f"no entry that is read here: {block!r}")


def _strings(block: str) -> Iterator[tuple[str, str]]:
    """Yield each keyword of an entry with its string, which may go over several lines."""
    keyword, pieces = "", list[str]()
    for line in block.splitlines():
        if line.startswith("#"):
            if line.startswith(("#~", "#|")) or (line.startswith("#,") and "fuzzy" in line):
                raise ValueError(f"no finished entry: {block!r}")
            continue
        string = _STRING.fullmatch(line)
        if string is None:
            raise ValueError(f"not understood: {line!r}")
        if string[1]:
            if keyword:
                yield keyword, "".join(pieces)
            keyword, pieces = string[1], []
        pieces.append(_ESCAPED.sub(lambda escape: _MEANT.get(escape[1], escape[1]), string[2]))
    yield keyword, "".join(pieces)

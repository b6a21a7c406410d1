"""What a found note shows: one line of it, and where in it the searched words stand. Pure, and plain text.

A word stands where the index (`services.notebook.words`, FTS5's ``unicode61``) has it: letters count without case,
width and diacritics, punctuation only parts words, letters of scripts without spaces are words of their own, and a word
may be the beginning of one.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from services.magnets.parse import Magnet, find_magnets
from services.notebook.words import plain_form, stands_apart

_LONGEST = 140
_BEFORE = 30
_LONGEST_MARK = 100  # with what goes before it, it has room in an excerpt
_MOST_MARKS = 6  # a message has no more than 100 entities (Bot API)
_JOINERS = "\u200c\u200d"

Mark = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Excerpt:
    """One line of *text*; *marks* are where searched words begin and end in it, rising and apart from each other."""

    text: str
    marks: tuple[Mark, ...] = ()


def readable(text: str) -> str:
    """Return *text* on one line, with names in place of its links; hashes in place of those without a name."""
    return one_line(in_place_of_links(text, lambda one: one_line(one.name or "") or one.torrents[0].shown.hex))


def in_place_of_links(text: str, word: Callable[[Magnet], str]) -> str:
    """Return *text* with a *word* in place of each of its links."""
    pieces, done = [], 0
    for magnet in find_magnets(text):
        pieces += [text[done : magnet.start], word(magnet)]
        done = magnet.end
    return " ".join([*pieces, text[done:]])


def one_line(text: str) -> str:
    """Return *text* on one line, without controls: those that would turn its direction are among them."""
    shown = {ord(one): _visible(one) for one in set(text)}  # a long text has few different ones
    return " ".join(text.translate(shown).split())


def excerpt(lines: Iterable[str], words: Sequence[str]) -> Excerpt | None:
    """Return an excerpt of the first of *lines* in which one of *words* stands; None where none does."""
    pattern = _pattern(words)
    for line in lines:
        text = one_line(line)
        if marks := _marks(text, pattern):
            return _around(text, marks)
    return None


def beginning(line: str) -> Excerpt:
    """Return an excerpt of *line* with nothing marked."""
    return _around(one_line(line), [])


def _visible(character: str) -> str:
    match unicodedata.category(character):
        case "Cf":
            return character if character in _JOINERS else ""
        case "Cc" | "Cs" | "Zl" | "Zp":
            return " "
        case _:
            return character


def _pattern(words: Sequence[str]) -> re.Pattern[str]:
    phrases = [" +".join(map(re.escape, _folded(word)[0].split())) for word in words]
    longest_first = sorted(filter(None, phrases), key=len, reverse=True)
    return re.compile(rf"(?<![^ ])(?:{'|'.join(longest_first) or '(?!)'})")


def _marks(text: str, pattern: re.Pattern[str]) -> list[Mark]:
    folded, places = _folded(text)
    marks = []
    for match in pattern.finditer(folded):
        start, end = places[match.start()], places[match.end() - 1] + 1
        while end < len(text) and _combines(text[end]):
            end += 1
        if end - start <= _LONGEST_MARK:
            marks.append((start, end))
    return marks


def _folded(text: str) -> tuple[str, list[int]]:
    """Return *text* as the index reads it, with spaces between words, and where each of its characters stands."""
    letters: list[str] = []
    places: list[int] = []
    read = {one: "".join(map(_read, plain_form(one))) for one in set(text)}
    for place, character in enumerate(text):
        letters.append(read[character])
        places += [place] * len(read[character])
    return "".join(letters), places


def _read(character: str) -> str:
    if _combines(character):
        return ""
    return f" {character} " if stands_apart(character) else _plain(character)


def _plain(character: str) -> str:
    """Return one letter or digit without case and diacritics; a space for what is neither."""
    if not character.isalnum() and unicodedata.category(character) != "Co":
        return " "
    apart = unicodedata.normalize("NFD", character)
    letter = apart[0] if all(map(_combines, apart[1:])) else character
    folded = letter.casefold()
    return folded if len(folded) == 1 else letter


def _combines(character: str) -> bool:
    return unicodedata.category(character)[0] == "M"


def _around(text: str, marks: Sequence[Mark]) -> Excerpt:
    """Return what stands around the first of *marks*, in whole words where they are short."""
    first, first_end = marks[0] if marks else (0, 0)
    start = _start(text, first)
    end = _end(text, first_end, start + _LONGEST)
    head, tail = "…" if start else "", "…" if end < len(text) else ""
    moved = len(head) - start
    within = [(begin + moved, stop + moved) for begin, stop in marks if stop <= end]
    return Excerpt(f"{head}{text[start:end]}{tail}", tuple(within[:_MOST_MARKS]))


def _start(text: str, first: int) -> int:
    """Return where an excerpt begins whose first mark is at *first*."""
    if first <= _BEFORE:
        return 0
    start = first - _BEFORE
    start = text.find(" ", start, first) + 1 or start
    while start < first and (_combines(text[start]) or text[start] in _JOINERS):
        start += 1
    return start


def _end(text: str, first_end: int, limit: int) -> int:
    """Return where an excerpt ends that may not go beyond *limit*."""
    if len(text) <= limit:
        return len(text)
    space = text.rfind(" ", max(first_end, limit - _BEFORE), limit + 1)
    return space if space > 0 else limit

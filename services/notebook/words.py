"""What the words of a note are, and of a search: pure text for SQLite's FTS5.

No tokenizer of FTS5 finds Chinese words of two characters, the most usual ones, nor a word within a sentence of
Thai: so letters of scripts without spaces stand apart, each a word of its own, and a searched word becomes a phrase.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator

from services.magnets.parse import find_magnets
from services.torrents import NotebookId

_MOST_KNOWN = 400_000
"""Characters that are indexed of what is known of a note's torrents: beyond them only files of very many go."""
_AT_ONCE = 32_768
"""Characters that are looked through in one call, which holds up all threads."""

_UNSPACED = re.compile(
    "([\u0e01-\u0e30\u0e32\u0e33\u0e40-\u0e46\u0e81-\u0eb0\u0eb2\u0eb3\u0ebd-\u0ec6\u0edc-\u0edf"  # Thai, Lao
    "\u1000-\u102a\u103f\u1050-\u1055\u1780-\u17b3"  # Burmese, Khmer
    "\u2e80-\u2fdf\u3005-\u3007\u3041-\u30ff\u3105-\u318e\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uac00-\ud7a3\uf900-\ufaff\uff66-\uff9d\U00020000-\U0003fffd])"
)
_UNSEARCHABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff\"]")


def words_of(text: str, known: Iterable[str]) -> str:
    """Return the words by which a note is found: its *text*, its links' names and hashes, and what is *known* of them.

    *known* are names and hashes, then paths of files. Of a link nothing else counts: each has the same trackers.
    """
    pieces, done = [], 0
    for magnet in find_magnets(text):
        hashes = (one.hex for torrent in magnet.torrents for one in torrent.hashes)
        pieces += [text[done : magnet.start], magnet.name or "", *hashes]
        done = magnet.end
    own, found = "\n".join([*pieces, text[done:]]), "\n".join(dict.fromkeys(known))[:_MOST_KNOWN]
    return "\n".join(map(_apart, [*_parts(own), *_parts(found)]))


def _parts(text: str) -> Iterator[str]:
    """Yield *text* in parts that end where words do; a word longer than a part is cut."""
    begin = 0
    while begin < len(text):
        end = begin + _AT_ONCE
        space = max(text.rfind(" ", begin, end), text.rfind("\n", begin, end)) if end < len(text) else -1
        end = space + 1 if space > begin else end
        yield text[begin:end]
        begin = end


def searched_words(text: str) -> tuple[str, ...]:
    """Return the words of a search; empty where *text* has no letter and no digit."""
    return tuple(word for word in _UNSEARCHABLE.sub(" ", text).split() if any(map(str.isalnum, word)))


def stands_apart(character: str) -> bool:
    """Whether *character* is a word of its own."""
    return _UNSPACED.match(character) is not None


def query(notebook: NotebookId, words: Iterable[str]) -> str:
    """Return the FTS5 query for the notes of *notebook* that have all *words*, each perhaps the beginning of one.

    Each is quoted: no operator of FTS5's language has a meaning in it.
    """
    phrases = " AND ".join(f'"{_apart(word)}" *' for word in words)
    return f'notebook : "{notebook_word(notebook)}" AND words : ({phrases})'


def notebook_word(notebook: NotebookId) -> str:
    """Return the word by which FTS5 keeps notebooks apart."""
    return f"notebook{notebook}"


def plain_form(character: str) -> str:
    """Return *character* as people type it who search for it: no wide letter, no half-width kana, no ligature."""
    form = unicodedata.decomposition(character)
    if form.startswith(("<wide>", "<narrow>")) or "\ufb00" <= character <= "\ufb06":
        return unicodedata.normalize("NFKC", character)
    return character


def _apart(text: str) -> str:
    forms = {ord(one): plain_form(one) for one in set(text) if not one.isascii()}
    return _UNSPACED.sub(r" \1 ", _UNSEARCHABLE.sub(" ", unicodedata.normalize("NFC", text.translate(forms))))

"""Text as Telegram counts and shows it."""

import html
import unicodedata
from collections.abc import Iterable, Iterator

from services.i18n import Translation
from services.torrents import TorrentId
from services.units import size

LONGEST = 4096
"""UTF-16 units in a message's text, after its entities are parsed (Bot API, sendMessage)."""

LONGEST_NAME = 300
_DRAWN_OVER = frozenset("\u030a\u0333\u033f")  # marks that Telegram drops (TDLib, clean_input_string)
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def units(text: str) -> int:
    """Return the length of *text* in UTF-16 units."""
    return len(text) + sum(character > "\uffff" for character in text)


def escape(text: str) -> str:
    """Return *text* so that Telegram's HTML shows it as text."""
    return html.escape(_sendable(text), quote=False)


def extent(t: Translation, many_bytes: int, many_files: int) -> Iterator[str]:
    """Yield how much a torrent is, as far as that is known: whoever claims a name need not say it."""
    if many_bytes or many_files:
        yield size(many_bytes)
    if many_files:
        yield t.ngettext("{count} file", "{count} files", many_files).format(count=many_files)


def digits(torrent: TorrentId, most: int = 8) -> str:
    """Return the first digits of the hash that a torrent is shown by, as HTML."""
    return f"<code>{torrent.shown.hex[:most]}</code>…"


def listed(t: Translation, things: Iterable[str]) -> str:
    """Return *things* one after another, as a language sets them apart."""
    return t.gettext(", ").join(things)


def parts(text: str, longest: int = LONGEST) -> Iterator[str]:
    """Cut *text* into pieces of at most *longest* (2 or more) UTF-16 units, at a line's end where one is near.

    Pieces of white space alone are left out: Telegram refuses them.
    """
    start = 0
    while start < len(text):
        end = _end(text, start, longest)
        if end < len(text):
            line_end = text.rfind("\n", (start + end) // 2, end)
            end = line_end + 1 if line_end >= 0 else end
        if not text[start:end].isspace():
            yield text[start:end]
        start = end


def is_blank(text: str) -> bool:
    """Whether Telegram may show nothing of *text*: it refuses a message of such alone, and strips it off an end."""
    return all(map(_is_blank, _sendable(text)))


def blanks_behind(text: str) -> str:
    """Return what is blank at the end of *text*."""
    end = len(text)
    while end and is_blank(text[end - 1]):
        end -= 1
    return text[end:]


def _is_blank(character: str) -> bool:
    return character.isspace() or character in _DRAWN_OVER or unicodedata.category(character) in {"Cc", "Cf"}


def shown_name(name: str, longest: int = LONGEST_NAME) -> str:
    """Return a torrent's name as it is shown: one line, no bidirectional controls, not over *longest* UTF-16 units."""
    visible = "".join(_visible(character) for character in name[: 2 * longest] if character not in _BIDI)
    if units(visible) > longest or len(name) > 2 * longest:
        visible = visible[: _end(visible, 0, longest - 1)] + "…"
    return visible


def _visible(character: str) -> str:
    return "\ufffd" if unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} else character


def _sendable(text: str) -> str:
    """Replace what JSON in UTF-8 cannot carry, or Telegram drops."""
    return "".join(
        "\ufffd" if character == "\0" or "\ud800" <= character <= "\udfff" else character for character in text
    )


def _end(text: str, start: int, longest: int) -> int:
    """Return where the longest piece of *text* from *start* on ends that has at most *longest* UTF-16 units."""
    fit = 0
    for place in range(start, len(text)):
        fit += 2 if text[place] > "\uffff" else 1
        if fit > longest:
            return place
    return len(text)

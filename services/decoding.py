"""Bytes that strangers wrote, as text: UTF-8 where they are that, else by a detector's guess."""

import codecs
import re
from collections import Counter
from collections.abc import Sequence

from services.readings import LARGE, decode_as, decodes, guess_encoding, readings
from services.torrents import Name

# Short GBK words may be valid UTF-8 by chance, 谢谢 as лл: never with three bytes a letter, and two letters in a row.
_SHORT = 16
_BY_CHANCE = re.compile(rb"[\x20-\x7e]*(?:(?:[\xc2-\xdf][\xa1-\xbf])+[\x20-\x7e]*)+")
_PAIR = re.compile(rb"(?:[\xc2-\xdf][\xa1-\xbf]){2}")
_EVIDENT = 4  # so many: what is in another encoding hardly ever passes for UTF-8, not even a short file
_EVIDENT_AGAINST = 32  # so many where another encoding has no fault: short words in Thai pass for Korean but for a few
_FEWEST_PARTS, _MOST_PARTS = 4, 32  # of a file, each guessed by itself
_WIDER = {"tis-620": "cp874", "euc_kr": "cp949", "shift_jis_2004": "cp932"}  # each has all that the other has

# The mark of UTF-32 begins with that of UTF-16.
_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
_WINDOW = 256  # bytes that are decoded at once where some are damaged: an error copies all that it is about
_ESCAPE = b"\x1b"  # begins a shift of ISO-2022, which is ASCII by its bytes


def decode(raw: bytes) -> Name:
    """Return *raw* as text: UTF-8 where it is that, else by a detector's guess, which is not certain.

    Nor is UTF-8 certain where the same bytes are as likely Chinese or Japanese: a few letters, or an escape sequence.
    U+FFFD stands in the text only when its own UTF-8 bytes stand in *raw*. Never fails.
    """
    try:
        return Name(text=raw.decode(), raw=raw, certain=not _may_be_other(raw))
    except UnicodeDecodeError:
        plausible = readings(raw)
        encoding = plausible[0].encoding if plausible else guess_encoding((raw,))
        return Name(text=decode_as(raw, encoding), raw=raw, encoding=encoding, certain=False)


def decode_file(raw: bytes) -> str:
    """Return the text of a file, its line ends as they are; a byte order mark is no part of it.

    Unicode by its mark, UTF-16 without one by its links, UTF-8 where nearly all of it is that, else a guess. What is
    damaged becomes ``?``; lines that are something else among those of UTF-8 are guessed alone. Never fails.
    """
    for mark, encoding in _MARKS.items():
        if raw.startswith(mark):
            return _mended(raw[len(mark) :], encoding)
    if b"\0" in raw:
        for encoding in ("utf-16-le", "utf-16-be"):
            if "magnet:?" in (text := _mended(raw, encoding)).lower():
                return text
    return _mostly_decoded(raw.removeprefix(codecs.BOM_UTF8))


def _mostly_decoded(raw: bytes) -> str:
    lines = raw.split(b"\n")
    if not _mostly(raw, "utf-8", least=_EVIDENT):
        # Of a long list of links most lines tell nothing.
        return _mended(raw, _guess([line for line in lines if not line.isascii()]))
    others = dict.fromkeys(line for line in lines if not _mostly(line, "utf-8", least=1))
    encoding = _guess(list(others))
    return "\n".join(_mended(line, encoding if line in others else "utf-8") for line in lines)


def _guess(lines: Sequence[bytes]) -> str:
    """Return the encoding of *lines*, where a letter that is damaged has no say."""
    raw = b"\n".join(lines)
    for of_most in _guesses_of_parts(lines):
        if _mostly(raw, of_most, _EVIDENT):
            return of_most
    guess = guess_encoding(lines)
    if guess in LARGE:
        return guess
    least = _EVIDENT if guess == "latin-1" else _EVIDENT_AGAINST
    damaged = (one for one in LARGE if _mostly(raw, one, least))
    return next((one for one in damaged if guess_encoding(_whole(raw, one).split(b"\n")) == one), guess)


def _guesses_of_parts(lines: Sequence[bytes]) -> Sequence[str]:
    """Return what *lines* are taken for in parts, each by itself: most of those that have no fault in it, best first.

    One bad byte makes Korean a fault, and gb18030 of all of it, without one: so only of the part that it stands in.
    """
    different = list(dict.fromkeys(lines))
    count = min(_MOST_PARTS, max(_FEWEST_PARTS, len(different) // 2))
    if len(different) < count:
        return ()
    parts = [different[place::count] for place in range(count)]
    guesses = Counter(_WIDER.get(one, one) for one in map(guess_encoding, parts))
    return [
        encoding
        for encoding, times in guesses.most_common()
        if times > 1 and times > sum(decodes(b"\n".join(part), encoding) for part in parts) / 2
    ]


def _mostly(raw: bytes, encoding: str, least: int) -> bool:
    """Whether *raw* is in *encoding* but for damage: beside each bad byte stand *least* good ones beyond ASCII."""
    good = len(_whole(raw, encoding))
    return good - len(raw.decode("ascii", "ignore")) >= least * (len(raw) - good)


def _whole(raw: bytes, encoding: str) -> bytes:
    return raw.decode(encoding, "ignore").encode(encoding, "ignore")


def _mended(raw: bytes, encoding: str) -> str:
    pieces, start = [], 0
    while start < len(raw):
        window = raw[start : start + _WINDOW]
        try:
            pieces.append(window.decode(encoding))
            start += len(window)
        except UnicodeDecodeError as error:
            # What is before it first: a letter that the window cuts is whole in the next one.
            pieces.append(window[: error.start].decode(encoding) if error.start else "?")
            start += error.start or error.end
    return "".join(pieces)


def _may_be_other(raw: bytes) -> bool:
    """Whether *raw*, which is UTF-8, may as well be meant as GB 2312 or ISO-2022."""
    if _ESCAPE in raw:
        return True
    chance = len(raw) <= _SHORT and _PAIR.search(raw) and _BY_CHANCE.fullmatch(raw)
    return bool(chance) and decodes(raw, "gb2312")

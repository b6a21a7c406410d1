"""Bytes that somebody wrote as text and did not say how: which encoding, and what else they may mean."""

import unicodedata
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import chardet

LARGE = ("gb18030", "big5hkscs", "cp932", "shift_jis_2004", "euc_jis_2004", "euc_kr", "cp949")
"""Those of several bytes a letter: one byte more or less, and they are none."""

_ENCODINGS = (
    *LARGE,
    *("cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258", "koi8-r", "koi8-u"),
    *("cp866", "cp874", "tis-620", "iso8859-1", "iso8859-2", "iso8859-5", "iso8859-7", "iso8859-9", "iso8859-15"),
)
"""Those that people's computers wrote names in. A detector of everything takes short names for a mainframe's."""

_REPLACEMENT = "\ufffd"
_ENOUGH = 4_096
"""Bytes that a guess is made from: more cost time and tell nothing new."""

_MOST = 3
_PLAUSIBLE = 0.4
_CANDIDATES = ("gb18030", "big5hkscs", "cp932", "euc_jis_2004", "cp949", "cp1251", "koi8-r", "cp866", "cp1252")
_SHIFTED = ("iso2022_jp_3", "iso2022_kr")
_ESCAPE = b"\x1b"
# The letters that each of the large encodings puts first, since they are used most: by their first byte.
_FREQUENT = {"gb18030": (0xB0, 0xD7), "big5hkscs": (0xA4, 0xC6), "cp932": (0x88, 0x97), "euc_jis_2004": (0xB0, 0xCF)}
_CYRILLIC = frozenset({"cp1251", "koi8-r", "cp866"})


class Reading(NamedTuple):
    """What a name says if its bytes are in *encoding* (Python's name of it)."""

    encoding: str
    text: str


def readings(raw: bytes, guess: str | None = None) -> tuple[Reading, ...]:
    """Return what *raw* may say, at most three texts, the most plausible first; none where no reading is plausible.

    *guess* is an encoding that was guessed before: with it nothing is loaded, and it takes a moment.
    A text with controls, with letters that no Unicode knows or with U+FFFD is not plausible.
    """
    if not 0 < len(raw) <= _ENOUGH:  # a name so long is written nowhere
        return ()
    found: dict[str, Reading] = {}
    for encoding in _likely(raw, guess):
        text = _read(raw, encoding)
        if text is not None:
            found.setdefault(text, Reading(encoding, text))
    return tuple(found.values())[:_MOST]


def _likely(raw: bytes, guess: str | None) -> Iterator[str]:
    """Yield encodings, the likeliest first: UTF-8 and the detector's guess, then by the letters that they give."""
    yield "utf-8"
    if _ESCAPE in raw:
        yield from _SHIFTED
    if guess is None:
        yield guess_encoding((raw,))
    elif guess in _ENCODINGS:
        yield guess
    scores = {one: _score(text, one) for one in _CANDIDATES if (text := _read(raw, one)) is not None}
    yield from sorted((one for one, score in scores.items() if score >= _PLAUSIBLE), key=lambda one: -scores[one])


def _read(raw: bytes, encoding: str) -> str | None:
    """Return *raw* in *encoding*; None where that is no text that a person would have written."""
    try:
        text = raw.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        return None
    strange = any(one == _REPLACEMENT or unicodedata.category(one) in {"Cc", "Cn", "Co", "Cs"} for one in text)
    return None if strange else text


def _score(text: str, encoding: str) -> float:
    """Return how usual the letters of *text* that are not ASCII are for names in *encoding*, from 0 to 1."""
    padded = f" {text} "
    weights = [
        _weight(one, before + behind, encoding)
        for before, one, behind in zip(padded, padded[1:], padded[2:], strict=False)
        if not one.isascii()
    ]
    return sum(weights) / len(weights) if weights else 0.0


def _weight(letter: str, neighbours: str, encoding: str) -> float:
    among_ascii = any(one.isascii() and one.isalpha() for one in neighbours)
    if encoding == "cp1252":
        return (1.0 if among_ascii else 0.3) if letter.isalpha() else 0.2
    if encoding in _CYRILLIC:
        return _cyrillic_weight(letter, neighbours, among_ascii=among_ascii)
    if encoding == "cp949":
        return _hangul_weight(letter)
    return _ideographic_weight(letter, encoding)


def _hangul_weight(letter: str) -> float:
    if not "가" <= letter <= "힣":
        return 0.3
    try:
        letter.encode("euc_kr")
    except UnicodeEncodeError:  # one of those thousands that hardly any word has
        return 0.1
    return 1.0


def _ideographic_weight(letter: str, encoding: str) -> float:
    if "\u3041" <= letter <= "\u30fe":  # kana
        return 0.3 if encoding in {"gb18030", "big5hkscs"} else 1.0
    if "\uff61" <= letter <= "\uff9f":  # half-width kana: what other encodings look like as Shift-JIS
        return 0.1
    first, last = _FREQUENT[encoding]
    lead = letter.encode(encoding)[0]
    if first <= lead <= last and unicodedata.category(letter) == "Lo":
        return 0.9
    return 0.5 if unicodedata.category(letter)[0] in "PSZ" else 0.3


def _cyrillic_weight(letter: str, neighbours: str, *, among_ascii: bool) -> float:
    if not "\u0400" <= letter <= "\u045f":
        return 0.5 if letter in "«»–—№„“”…" else 0.0
    # A capital behind a small letter: the three encodings turn each other's cases round.
    turned = letter.isupper() and "\u0430" <= neighbours[0] <= "\u045f"
    return 0.2 if among_ascii or turned else 1.0


def guess_encoding(samples: Iterable[bytes]) -> str:
    """Return the Python name of an encoding that decodes every one of *samples*, at best the one that they are in."""
    every = tuple(samples)
    if all(_is_kana(raw) for raw in every):
        return "cp932"
    found = chardet.detect(b"\n".join(every)[:_ENOUGH], compat_names=False, include_encodings=_ENCODINGS)["encoding"]
    if found and all(decodes(raw, found) for raw in every):
        return found
    return "latin-1"


def _is_kana(raw: bytes) -> bool:
    """Whether at least half of what is not ASCII in *raw* is kana in Shift-JIS, which the detector misses in names."""
    if not decodes(raw, "cp932"):
        return False
    strange = [letter for letter in raw.decode("cp932") if not letter.isascii()]
    kana = sum("\u3041" <= letter <= "\u30fc" for letter in strange)
    return bool(kana) and 2 * kana >= len(strange)


def decode_as(raw: bytes, encoding: str) -> str:
    """Return *raw* decoded by *encoding*; by Latin-1, which never fails, where that would lose letters."""
    return raw.decode(encoding) if decodes(raw, encoding) else raw.decode("latin-1")


def decodes(raw: bytes, encoding: str) -> bool:
    """Whether *raw* is text in *encoding*."""
    try:
        return _REPLACEMENT not in raw.decode(encoding) or encoding == "utf-8"
    except (UnicodeDecodeError, LookupError):
        return False

"""Bytes that strangers wrote, as text: UTF-8 where they are that, else by a detector's guess."""

import codecs
import re
from collections.abc import Iterable

import chardet

from services.torrents import Name

_ENCODINGS = (
    *("gb18030", "big5hkscs", "cp932", "shift_jis_2004", "euc_jis_2004", "euc_kr", "cp949"),
    *("cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258", "koi8-r", "koi8-u"),
    *("cp866", "cp874", "tis-620", "iso8859-1", "iso8859-2", "iso8859-5", "iso8859-7", "iso8859-9", "iso8859-15"),
)
"""Those that people's computers wrote names in. A detector of everything takes short names for a mainframe's."""

# Short GBK words may be valid UTF-8 by chance, 谢谢 as лл: never with three bytes a letter, and two letters in a row.
_SHORT = 16
_BY_CHANCE = re.compile(rb"[\x20-\x7e]*(?:(?:[\xc2-\xdf][\xa1-\xbf])+[\x20-\x7e]*)+")
_PAIR = re.compile(rb"(?:[\xc2-\xdf][\xa1-\xbf]){2}")
_ESCAPE = b"\x1b"  # begins a shift of ISO-2022, which is ASCII by its bytes
_REPLACEMENT = "\ufffd"
_ENOUGH = 4_096
"""Bytes that a guess is made from: more cost time and tell nothing new."""


def decode(raw: bytes) -> Name:
    """Return *raw* as text: UTF-8 where it is that, else by a detector's guess, which is not certain.

    Nor is UTF-8 certain where the same bytes are as likely Chinese or Japanese: a few letters, or an escape sequence.
    U+FFFD stands in the text only when its own UTF-8 bytes stand in *raw*. Never fails.
    """
    try:
        return Name(text=raw.decode(), raw=raw, certain=not _may_be_other(raw))
    except UnicodeDecodeError:
        encoding = guess_encoding((raw,))
        return Name(text=decode_as(raw, encoding), raw=raw, encoding=encoding, certain=False)


def decode_file(raw: bytes) -> str:
    """Return the text of a file, its line ends as they are; a byte order mark is no part of it.

    UTF-8 with or without a mark, UTF-16 with one, else a guess. Never fails.
    """
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) and _decodes(raw, "utf-16"):
        return raw.decode("utf-16")
    marked = raw.removeprefix(codecs.BOM_UTF8)
    try:
        return marked.decode()
    except UnicodeDecodeError:
        # Of a long list of links most lines tell nothing.
        telling = [line for line in marked.split(b"\n") if not line.isascii()]
        return decode_as(marked, guess_encoding(telling))


def _may_be_other(raw: bytes) -> bool:
    """Whether *raw*, which is UTF-8, may as well be meant as GB 2312 or ISO-2022."""
    if _ESCAPE in raw:
        return True
    chance = len(raw) <= _SHORT and _PAIR.search(raw) and _BY_CHANCE.fullmatch(raw)
    return bool(chance) and _decodes(raw, "gb2312")


def guess_encoding(samples: Iterable[bytes]) -> str:
    """Return the Python name of an encoding that decodes every one of *samples*, at best the one that they are in."""
    every = tuple(samples)
    if all(_is_kana(raw) for raw in every):
        return "cp932"
    found = chardet.detect(b"\n".join(every)[:_ENOUGH], compat_names=False, include_encodings=_ENCODINGS)["encoding"]
    if found and all(_decodes(raw, found) for raw in every):
        return found
    return "latin-1"


def _is_kana(raw: bytes) -> bool:
    """Whether at least half of what is not ASCII in *raw* is kana in Shift-JIS, which the detector misses in names."""
    if not _decodes(raw, "cp932"):
        return False
    strange = [letter for letter in raw.decode("cp932") if not letter.isascii()]
    kana = sum("\u3041" <= letter <= "\u30fc" for letter in strange)
    return bool(kana) and 2 * kana >= len(strange)


def decode_as(raw: bytes, encoding: str) -> str:
    """Return *raw* decoded by *encoding*; by Latin-1, which never fails, where that would lose letters."""
    return raw.decode(encoding) if _decodes(raw, encoding) else raw.decode("latin-1")


def _decodes(raw: bytes, encoding: str) -> bool:
    try:
        return _REPLACEMENT not in raw.decode(encoding) or encoding == "utf-8"
    except (UnicodeDecodeError, LookupError):
        return False

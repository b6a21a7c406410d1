"""Bytes that strangers wrote, as text: UTF-8 where they are that, else by a detector's guess."""

import codecs
import re

from services.readings import decode_as, decodes, guess_encoding, readings
from services.torrents import Name

# Short GBK words may be valid UTF-8 by chance, 谢谢 as лл: never with three bytes a letter, and two letters in a row.
_SHORT = 16
_BY_CHANCE = re.compile(rb"[\x20-\x7e]*(?:(?:[\xc2-\xdf][\xa1-\xbf])+[\x20-\x7e]*)+")
_PAIR = re.compile(rb"(?:[\xc2-\xdf][\xa1-\xbf]){2}")
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

    UTF-8 with or without a mark, UTF-16 with one, else a guess. Never fails.
    """
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) and decodes(raw, "utf-16"):
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
    return bool(chance) and decodes(raw, "gb2312")

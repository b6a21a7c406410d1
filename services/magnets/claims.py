"""What a name claims, beside another."""

import re
import unicodedata
from itertools import pairwise

from services.magnets.junk import is_junk

_IDEOGRAPHIC = "\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\U00020000-\U0003ffff"
_STRETCH = re.compile(f"[{_IDEOGRAPHIC}]+")
_WORD = re.compile(rf"[^\W_{_IDEOGRAPHIC}]{{3,}}")
# What nearly every name has, whatever it names.
_OF_NO_TITLE = re.compile(
    r"the|and|mkv|mp4|avi|wmv|iso|zip|rar|epub|pdf|torrent|[0-9]{3,4}[pi]|uhd|hdr|hdr10|(?:8|10)bit|blu|ray|bluray|b[rd]rip"
    r"|(?:bd)?remux|web|web(?:rip|dl)|dvd|dvdrip|hdtv|hdrip|[hx]26[45]|hevc|avc|xvid|aac|ac3|dts|flac|mp3|atmos|truehd"
    r"|complete|season|episode|proper|repack|english|chinese|ch[st]|eng"
)
_FILLERS = re.compile("国语|國語|中字|双语|雙語|字幕|全集|完结|高清|蓝光|藍光|简体|繁体|繁體")
_LONG = 5


def clearly_different(old: str, new: str) -> bool:
    """Whether *old*, no junk, claims another thing than *new*: they share no word of three letters, no two CJK ones.

    Words that nearly every name has (``1080p``, ``mkv``) are no sign that two names are of one thing; a name of
    nothing else claims nothing. Case, accents and width make no difference.
    """
    if is_junk(old):
        return False
    claimed, true = _words(old), _words(new)
    return bool(claimed) and not claimed & true and not _within(claimed, true) and not _within(true, claimed)


def _within(words: set[str], others: set[str]) -> bool:
    """Whether one of *words* that is long is part of one of *others*: some write names without gaps."""
    return any(word in other for word in words if len(word) >= _LONG for other in others)


def _words(name: str) -> set[str]:
    plain = "".join(one for one in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(one))
    plain = _FILLERS.sub(" ", unicodedata.normalize("NFC", plain))
    pairs = {one + two for stretch in _STRETCH.findall(plain) for one, two in pairwise(stretch)}
    return {word for word in (*_WORD.findall(plain), *pairs) if not _OF_NO_TITLE.fullmatch(word)}

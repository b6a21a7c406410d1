"""Where a magnet link lies in a text, and its parameters in it: spans alone, nothing is decoded here.

A link reaches to the next one at most, and what ends it depends on nothing beyond: so the time is linear, and changing
one link moves no other.
"""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

_SCHEME = re.compile(r"magnet:\?", re.IGNORECASE | re.ASCII)
_SHORTEST = len("magnet:?xt=urn:btih:") + 32

# An HTML character reference stands for its character: `&amp;` separates, `&quot;` ends, `&#39;` is part of a name.
_AMPERSAND = r"(?:amp|#0{0,4}38|#x0{0,4}26);"
_REFERENCE = r"(?:#[0-9]{1,7}|#x[0-9a-f]{1,6}|apos|quot|lt|gt|nbsp);"
_DELIMITING = r"(?:quot|lt|gt|nbsp|#0{0,4}(?:34|60|62|160)|#x0{0,4}(?:22|3c|3e|a0));"
_SEPARATOR = re.compile(rf"&{_AMPERSAND}|&(?!{_REFERENCE})", re.IGNORECASE | re.ASCII)
# What ends a name: a separator that is not the word " & ", or a reference that no name has.
_NAME_STOP = re.compile(
    rf"&(?!(?<= &)(?:{_AMPERSAND})? )(?:(?={_AMPERSAND}|{_DELIMITING})|(?!{_REFERENCE}))", re.IGNORECASE | re.ASCII
)
_OURS = re.compile(rf"&(?:{_AMPERSAND})?(?:(?:xt|tr|xl|ws|x\.pe)(?:\.[0-9]{{1,4}})?|dn)=", re.IGNORECASE | re.ASCII)

# What a key, a topic (`xt`) and any other value are made of. Each has the letters of the one before: so what ended one
# parameter cannot begin another, and a closing separator holds wherever a link ends.
_KEY = r"A-Za-z0-9.%_\-"
_URN = rf"{_KEY}=:#"
_PLAIN = rf"{_URN}/?@!$*+,;~"
_TOPIC = re.compile(rf"[{_URN}]*")
_VALUE = re.compile(rf"[][(){{}}{_PLAIN}]*")
_ANY_KEY = re.compile(rf"([{_KEY}]+)(=?)")
_TOPIC_KIND, _NAME_KIND = 1, 2  # kinds are numbered as the groups of _USUAL
_KINDS = {"xt": _TOPIC_KIND, "dn": _NAME_KIND, "tr": 3, "x.pe": 4}
_NUMBER = re.compile(r"(?<=xt|tr|pe)\.[0-9]{1,4}\Z")

# The usual parameters, read at once: some that are none of ours, then one of ours, each with its separator. Bounded,
# because an unbounded group keeps a way back for each of its turns, and a megabyte of them runs out of the cache.
_SEPARATED = rf"(?:&{_AMPERSAND}|&(?!{_REFERENCE}))"
_BALANCED = rf"(?:[{_PLAIN}]++|\([{_PLAIN}]*+\)|\[[{_PLAIN}]*+\]){{0,100}}"
_FOREIGN = rf"(?!(?:xt|tr|x\.pe)[.=]|dn=)[A-Za-z0-9._\-]++(?:={_BALANCED})?{_SEPARATED}"
_USUAL = re.compile(
    rf"(?:{_SEPARATED}|{_FOREIGN}){{0,100}}"
    rf"(?:(?:xt=([{_URN}]*+)|dn=([{_PLAIN}]*+)|tr=([{_PLAIN}]*+)|x\.pe=({_BALANCED})){_SEPARATED})?",
    re.IGNORECASE | re.ASCII,
)

_APOSTROPHES = "'’‘"
_HARD = r'\x00-\x1f\x7f-\x9f\u2028\u2029"`<>＂'
_HARD_STOP = re.compile(rf"[{_HARD}]")
_HARD_STOP_IN_APOSTROPHES = re.compile(rf"[{_HARD}{_APOSTROPHES}]")
_SOFT_STOP = re.compile(r"[ \xa0\u1680\u2000-\u200b\u202f\u205f\u2060\u3000\ufeff、。〃，．：；！？｡､]")
_ESCAPE = re.compile(r"%[0-9a-f]{2}", re.IGNORECASE | re.ASCII)
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_BRACKETS = tuple(zip("([{“«‹（［｛【《〈「『〔〖〘〚｢", ")]}”»›）］｝】》〉」』〕〗〙〛｣", strict=True))
_CLOSING = re.compile("[" + re.escape("".join(closing for _, closing in _BRACKETS)) + "]")
_TRAILING = ",.;!?:…" + _APOSTROPHES
_MARKUP = "*_~|"


Span = tuple[int, int]


class Link(NamedTuple):
    """A link spans *start* to *end* in code points. It was read up to *limit*, within *opener* (a quote or markup).

    The others are the spans of its values: ``xt``, ``dn``, ``tr`` and ``x.pe``.
    """

    start: int
    end: int
    limit: int
    opener: str
    topics: list[Span]
    names: list[Span]
    trackers: list[Span]
    peers: list[Span]


def find_links(text: str) -> Iterator[Link]:
    """Yield every link that is long enough to name a torrent, in order."""
    starts = [match.start() for match in _SCHEME.finditer(text)]
    taken = 0
    for start, limit in pairwise([*starts, len(text)]):
        if limit - start < _SHORTEST:
            continue
        link = read_link(text, start, limit, text[start - 1] if start > taken else "")
        taken = link.end
        yield link


def read_link(text: str, start: int, limit: int, opener: str) -> Link:
    """Return the link that begins with ``magnet:?`` at *start* and ends before *limit*.

    *opener* is the character before it, empty when there is none or when it belongs to another link.
    """
    stop = _HARD_STOP_IN_APOSTROPHES if opener and opener in _APOSTROPHES else _HARD_STOP
    hard = stop.search(text, start, limit)
    reader = _Reader(text, hard.start() if hard else limit, _TRAILING + (opener if opener in _MARKUP else ""))
    end = reader.read(start + len("magnet:?"))
    return Link(start, end, limit, opener, *reader.found)


def first_separator(text: str) -> str:
    """Return the first separator of *text*, a part of a link without its name; empty when there is none."""
    separator = _SEPARATOR.search(text)
    return separator[0] if separator else ""


class _Reader:
    """Reads one link's parameters, up to *limit*."""

    def __init__(self, text: str, limit: int, trailing: str) -> None:
        self.text = text
        self.limit = limit
        self.trailing = trailing
        self.found: tuple[list[Span], ...] = ([], [], [], [])
        self._ours = 0  # the first of our parameters from here on, as far as was asked

    def read(self, position: int) -> int:
        """Collect the parameters from *position* on; return where the link ends."""
        while True:
            begin = self._usual(position)
            kind, value, end = self._any(begin)
            separator = _SEPARATOR.match(self.text, end, self.limit)
            if separator is None:
                end = begin + len(self.text[begin:end].rstrip(self.trailing))
            if kind:
                self.found[kind - 1].append((value, end))
            if separator is None:
                return end
            position = separator.end()

    def _usual(self, position: int) -> int:
        """Collect the usual parameters from *position* on; return where they end."""
        found = self.found
        for usual in _USUAL.finditer(self.text, position, self.limit):
            kind = usual.lastindex
            if kind:
                found[kind - 1].append(usual.span(kind))
            elif usual.end() == usual.start():
                return usual.end()
        return position

    def _any(self, position: int) -> tuple[int, int, int]:
        """Return the kind of the parameter at *position* (0: not one of ours), and its value's span."""
        key = _ANY_KEY.match(self.text, position, self.limit)
        if key is None:
            return 0, position, position
        value = key.end()
        if not key[2]:
            return 0, value, value
        kind = _kind(key[1])
        if kind == _NAME_KIND:
            return kind, value, self._name_end(value)
        run = (_TOPIC if kind == _TOPIC_KIND else _VALUE).match(self.text, value, self.limit)
        return kind, value, value + _unopened(run[0] if run else "")

    def _name_end(self, start: int) -> int:
        """Return where the ``dn`` that begins at *start* ends.

        Raw names have spaces and CJK punctuation in them; so has the prose after a link. They are the name's when one
        of our parameters follows.
        """
        boundary = _NAME_STOP.search(self.text, start, self.limit)
        end = boundary.start() if boundary else self.limit
        raw = self.text[start:end]
        closed, soft = _unopened(raw), _soft_stop(raw)
        if closed <= soft:
            return start + closed
        if closed < len(raw) or "://" in raw[soft:] or not self._ours_follow(end):
            return start + soft
        return end

    def _ours_follow(self, position: int) -> bool:
        """Whether one of our parameters begins at *position* or later, before another link."""
        if self._ours < position:
            found = _OURS.search(self.text, position, self.limit)
            self._ours = found.start() if found else self.limit
        return self._ours < self.limit


def _kind(key: str) -> int:
    key = key.lower()
    if key not in _KINDS:
        key = _NUMBER.sub("", _ESCAPE.sub(lambda escape: chr(int(escape[0][1:], 16)), key).lower())
    return _KINDS.get(key, 0)


def _unopened(raw: str) -> int:
    """Return where the first closing bracket stands that *raw* did not open, or its length."""
    end = len(raw)
    if _CLOSING.search(raw) is None:
        return end
    for opening, closing in _BRACKETS:
        depth = position = 0
        for part in raw[:end].split(closing)[:-1]:
            depth += part.count(opening) - 1
            position += len(part)
            if depth < 0:
                end = position
                break
            position += 1
    return end


def _soft_stop(raw: str) -> int:
    """Return where prose may begin in *raw*, or its length: at a space, CJK punctuation, or letters after escapes."""
    soft = _SOFT_STOP.search(raw)
    end = soft.start() if soft else len(raw)
    foreign = _NOT_ASCII.search(raw, 0, end)
    # Whoever escaped a space would have escaped these letters: they are glued to the link.
    if foreign and _ESCAPE.search(raw, 0, foreign.start()):
        return foreign.start()
    return end

"""Where a magnet link lies in a text, and its parameters in it: nothing is decoded here.

A link reaches to the next one at most, and what ends it depends on nothing beyond: so the time is linear, and changing
one link moves no other. Inside a link every separator before a key begins a parameter: to find what a link holds needs
no second reading.
"""

import re
import unicodedata
from collections.abc import Iterator
from itertools import accumulate, pairwise, repeat
from typing import NamedTuple

_PREFIX = "magnet:?"
_SCHEME = re.compile(r"magnet:\?", re.IGNORECASE | re.ASCII)
_SHORTEST = len("magnet:?xt=urn:btih:") + 32


def _any_case(pattern: str) -> str:
    """Return *pattern*, which has no sets, for letters in any case: `re.IGNORECASE` is several times slower."""
    return re.sub("[a-z]", lambda letter: f"[{letter[0]}{letter[0].upper()}]", pattern)


# An HTML character reference stands for its character: `&amp;` separates, `&quot;` ends, `&#39;` is part of a name.
_AMPERSAND = _any_case(r"(?:amp|#0{0,4}38|#x0{0,4}26);")
_REFERENCE = rf"(?:#[0-9]{{1,7}}|#[Xx][0-9A-Fa-f]{{1,6}}|{_any_case('apos|quot|lt|gt|nbsp')});"
_OF_NO_NAME = _any_case(r"0{0,4}(?:34|38|60|62|160);|x0{0,4}(?:22|26|3c|3e|a0);")
_OF_A_NAME = rf"(?:#(?!{_OF_NO_NAME})(?:[0-9]{{1,7}}|[Xx][0-9A-Fa-f]{{1,6}})|{_any_case('apos')});"
_SEPARATED = rf"&(?:{_AMPERSAND}|(?!{_REFERENCE}))"
# What ends a name: any `&` but that of the word " & " and that of such a reference.
_STOP = rf"&(?!(?<= &)(?:{_AMPERSAND})? |{_OF_A_NAME})"

# What a key, a topic (`xt`) and any other value are made of. Each has the letters of the one before: so what ended one
# parameter cannot begin another, and a closing separator holds wherever a link ends.
_KEY = r"A-Za-z0-9.%_\-"
_URN = rf"{_KEY}=:#"
_PLAIN = rf"{_URN}/?@!$*+,;~"
_NUMBER = r"(?:(?:\.|%2[Ee])(?:[0-9]|%3[0-9]){1,4})?"

_APOSTROPHES = "'’‘"
_HARD = r'\x00-\x1f\x7f-\x9f\u2028\u2029"`<>＂'
_SOFT = r" \xa0\u1680\u2000-\u200b\u202f\u205f\u2060\u3000\ufeff、。〃，．：；！？｡､"
_OPENING_OF = dict(zip(")]}”»›）］｝】》〉」』〕〗〙〛｣", "([{“«‹（［｛【《〈「『〔〖〘〚｢", strict=True))
_OPENING, _CLOSING = re.escape("".join(_OPENING_OF.values())), re.escape("".join(_OPENING_OF))
_TRAILING = ",.;!?:…" + _APOSTROPHES + "".join(_OPENING_OF.values())
_MARKUP = "*_~|"


def _key(name: str, number: str = _NUMBER) -> str:
    """Return a pattern for the key *name* and its ``=``: each letter may be percent-encoded, a number may follow."""
    letters = (f"(?:{re.escape(letter)}|%{ord(letter):x}|%{ord(letter.upper()):x})" for letter in name)
    return f"{_any_case(''.join(letters))}{number}="


def _pairs(brackets: str, inside: str) -> str:
    """Return a pattern for *inside* between brackets; *brackets* are the closing ones."""
    return "|".join(f"{re.escape(_OPENING_OF[one])}{inside}{re.escape(one)}" for one in brackets)


def _usual(name: str) -> str:
    """Return a pattern for parameters that need no thought, each with its separator; *name* is for the values of `dn`.

    Its groups are bounded: an unbounded one keeps a way back for each of its turns, and a megabyte of them runs out of
    the cache.
    """
    inner = rf"[{_PLAIN}]*+(?:(?:{_pairs(')]}', f'[{_PLAIN}]*+')})[{_PLAIN}]*+){{0,100}}"
    value = rf"[{_PLAIN}]*+(?:(?:{_pairs(')]}', inner)}|[(\[{{])[{_PLAIN}]*+){{0,100}}"
    other = rf"[{_KEY}]++(?:={value})?"
    parameter = rf"(?![DXdx%]){other}|&+(?=&)|{_DN}(?:{name})|{_XT}[{_URN}]*+|(?=[DXdx%])(?!{_DN}|{_XT}){other}"
    return rf"(?:(?:{parameter})?{_SEPARATED}){{0,100}}"


_XT, _TR, _PE, _DN = _key("xt"), _key("tr"), _key("x.pe"), _key("dn", number="")
# A name in which nothing may be prose; and one with spaces, brackets in pairs and references, but no URL.
_SOLID = rf"[{_PLAIN}]*+|[^&%{_SOFT}{_CLOSING}]*+"
_UNBRACKETED = f"[^&:{_OPENING}{_CLOSING}]"
_RAW = (
    rf"(?:{_UNBRACKETED}++|{_pairs(''.join(_OPENING_OF), f'{_UNBRACKETED}*+')}|[{_OPENING}]|:(?!//)|(?!{_STOP})&)"
    rf"{{0,100}}(?={_STOP})"
)
_USUAL = re.compile(_usual(_SOLID))
_USUAL_BEFORE_OURS = re.compile(_usual(f"{_SOLID}|{_RAW}"))
_OURS = rf"&(?:{_AMPERSAND})?(?:{_any_case('(?:xt|tr|xl|ws|x[.]pe)')}(?:\.[0-9]{{1,4}})?|[Dd][Nn])="
_LAST_OF_OURS = re.compile(rf"(?s:.*){_OURS}")
_ANY = re.compile(rf"({_DN})[{_PLAIN}]*+|{_XT}[{_URN}]*+|[{_KEY}]++(?:=[{_PLAIN}]*+([][(){{}}][][(){{}}{_PLAIN}]*+)?)?")
_NAME_KIND, _BRACKETED_KIND = 1, 2  # as the groups of _ANY
_SEPARATOR = re.compile(_SEPARATED)
_NAME_STOP = re.compile(_STOP)

_TOPICS, _TRACKERS, _PEERS = (re.compile(rf"&(?:{_AMPERSAND})?{key}([^&]*)") for key in (_XT, _TR, _PE))
_LAST_TOPIC = re.compile(rf"(?s:.*)&(?:{_AMPERSAND})?{_XT}[^&]*")
_MORE = re.compile(rf"&(?:{_AMPERSAND})?(?:{_DN}|{_TR}|{_PE})")
_NAMES = re.compile(rf"&(?:{_AMPERSAND})?{_DN}")
_NOTHING_TO_JOIN = re.compile(rf"(?:[{_SOFT}][^&]*)?\Z")

_HARD_STOP = re.compile(rf"[{_HARD}]")
_HARD_STOP_IN_APOSTROPHES = re.compile(rf"[{_HARD}{_APOSTROPHES}]")
_SOFT_STOP = re.compile(rf"[{_SOFT}]")
_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")
# What is no letter, joiner or bracket: it may be a combining mark, punctuation within a word (哈利·波特), or an emoji.
_SIGN = re.compile(rf"[^\w\x00-\x7f\u200c\u200d\ud800-\udfff{_OPENING}{_CLOSING}](\w?)")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")


class Link(NamedTuple):
    """A link of *text*, from *start* to *end*, in code points.

    It was read up to *limit*, where it had to end, within *opener* (a quote or markup). *parameters* are its own, each
    with a separator before it.
    """

    text: str
    start: int
    end: int
    limit: int
    opener: str
    parameters: str

    def topics(self) -> list[str]:
        """Return the values of ``xt``, as they are written; so do the next two for ``tr`` and ``x.pe``."""
        return _TOPICS.findall(self.parameters)

    def trackers(self) -> list[str]:
        return _TRACKERS.findall(self.parameters)

    def peers(self) -> list[str]:
        return _PEERS.findall(self.parameters)

    def topics_end(self) -> int:
        """Return where the last ``xt`` ends; where the link ends when it has none."""
        last = _LAST_TOPIC.match(self.parameters)
        return self.end - len(self.parameters) + last.end() if last else self.end

    def says_more(self) -> bool:
        """Whether there is any ``dn``, ``tr`` or ``x.pe``: to ask for all at once is faster."""
        return _MORE.search(self.parameters) is not None

    def name(self) -> tuple[int, int] | None:
        """Return where the value of the first ``dn`` begins and ends."""
        key = _NAMES.search(self.parameters)
        if key is None:
            return None
        start = self.end - len(self.parameters) + key.end()
        return start, self._name_end(start)

    def without_names(self, start: int) -> tuple[str, str]:
        """Return what stands from *start* on, without any ``dn``: as far as there was one, and the rest."""
        before, *named = _NAMES.split(self.text[start : self.end])
        if not named:
            return "", before
        behind = [_behind_name(one) for one in named[:-1] if "&" in one]
        return "".join([before, *behind]), self.text[self._name_end(self.end - len(named[-1])) : self.end]

    def may_become(self, changed: str) -> bool:
        """Whether *changed*, in place of this link, would be read to its own end and no further.

        *changed* has another ``dn``, percent-encoded, or none where this has one.
        """
        if changed[-1] != ";" and _NOTHING_TO_JOIN.match(self.text, self.end, self.limit):
            return changed[-1] not in _trailing(self.opener)
        behind = self.text[self.end : self.limit]
        return read_link(changed + behind, 0, len(changed) + len(behind), self.opener).end == len(changed)

    def _name_end(self, start: int) -> int:
        stop = _NAME_STOP.search(self.text, start, self.limit)
        return min(stop.start(), self.end) if stop else self.end


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
    limit = hard.start() if hard else limit
    begin = start + len(_PREFIX)
    end = _parameters_end(text, begin, limit, _trailing(opener))
    return Link(text, start, end, limit, opener, "&" + text[begin:end])


def first_separator(text: str) -> str:
    """Return the first separator of *text*, a part of a link without its name; empty when there is none."""
    separator = _SEPARATOR.search(text)
    return separator[0] if separator else ""


def _behind_name(parameters: str) -> str:
    """Return what stands behind the value of ``dn`` that *parameters* begin with."""
    stop = _NAME_STOP.search(parameters)
    return parameters[stop.start() :] if stop else ""


def _trailing(opener: str) -> str:
    """Return the punctuation that a link cannot end in."""
    return _TRAILING + opener if opener and opener in _MARKUP else _TRAILING


def _parameters_end(text: str, position: int, limit: int, trailing: str) -> int:
    """Return where the parameters end that begin at *position*."""
    ours = 0
    while True:
        parameter = _ANY.match(text, position, limit)
        kind = parameter.lastindex if parameter else None
        end = parameter.end() if parameter else position
        if kind == _BRACKETED_KIND:
            end = position + _unopened(text[position:end])
        separator = _SEPARATOR.match(text, end, limit)
        if parameter and kind == _NAME_KIND and separator is None and end < limit:
            ours = ours or _last_of_ours(text, position, limit)
            usual = _pass(_USUAL_BEFORE_OURS, text, position, ours)
            if usual > position:
                position = usual
                continue
            end = _name_end(text, parameter.end(_NAME_KIND), limit, ours)
            separator = _SEPARATOR.match(text, end, limit)
        if separator is None:
            return position + len(text[position:end].rstrip(trailing))
        position = _pass(_USUAL, text, separator.end(), limit)


def _pass(usual: re.Pattern[str], text: str, position: int, limit: int) -> int:
    """Return where the *usual* parameters end that begin at *position*."""
    while (some := usual.match(text, position, limit)) and some.end() > position:
        position = some.end()
    return position


def _last_of_ours(text: str, position: int, limit: int) -> int:
    """Return where the last of our keys ends, before another link; *position* when there is none."""
    ours = _LAST_OF_OURS.match(text, position, limit)
    return ours.end() if ours else position


def _name_end(text: str, start: int, limit: int, ours: int) -> int:
    """Return where the ``dn`` that begins at *start* ends.

    Raw names have spaces and CJK punctuation in them; so has the prose after a link. They are the name's when one
    of our parameters follows, the last of them at *ours*.
    """
    boundary = _NAME_STOP.search(text, start, limit)
    end = boundary.start() if boundary else limit
    raw = text[start:end]
    closed, soft = _unopened(raw), _soft_stop(raw)
    if closed <= soft:
        return start + closed
    if closed < len(raw) or "://" in raw[soft:] or end >= ours:
        return start + soft
    return end


def _unopened(raw: str) -> int:
    """Return where the first closing bracket stands that *raw* did not open, or its length."""
    end = len(raw)
    for closing in filter(raw.__contains__, _OPENING_OF):
        *parts, _ = raw[:end].split(closing)
        opened = accumulate(map(str.count, parts, repeat(_OPENING_OF[closing])))
        unopened = next((number for number, depth in enumerate(opened, 1) if depth < number), 0)
        if unopened:
            end = len(closing.join(parts[:unopened]))
    return end


def _ends_a_word(sign: re.Match[str]) -> bool:
    kind = unicodedata.category(sign[0][0])
    return kind[0] != "M" and (not sign[1] or kind == "So" or kind[0] == "C")


def _soft_stop(raw: str) -> int:
    """Return where prose may begin in *raw*, or its length.

    That is at a space, CJK punctuation, a sign that no word has (an emoji, a control), or letters after escapes.
    """
    soft = _SOFT_STOP.search(raw)
    end = soft.start() if soft else len(raw)
    end = next((sign.start() for sign in _SIGN.finditer(raw, 0, end) if _ends_a_word(sign)), end)
    foreign = _NOT_ASCII.search(raw, 0, end)
    # Whoever escaped a space would have escaped these letters: they are glued to the link.
    if foreign and _ESCAPE.search(raw, 0, foreign.start()):
        return foreign.start()
    return end

"""Where a magnet link lies in a text, and its parameters in it: nothing is decoded here.

A link is read in three steps: over all parameters that a separator closes, whatever their brackets; then the last one,
with an eye on the prose behind it; then back to the first bracket that the link did not open. It reaches to the next
link at most, and what ends it depends on nothing beyond: so the time is linear, and changing one link moves no other.

Whoever breaks a link into lines does so before an `&`: it goes on in a line that begins with `&` and a key. Such a
break is part of the separator; within the reach of a link there is no other.
"""

import re
import unicodedata
from collections.abc import Iterator
from itertools import accumulate, compress, count, pairwise, repeat
from operator import lt
from typing import NamedTuple

_PREFIX = "magnet:?"
_SCHEME = re.compile(r"magnet:\?", re.IGNORECASE | re.ASCII)
_SHORTEST = len("magnet:?xt=urn:btih:") + 32


def _any_case(pattern: str) -> str:
    """Return *pattern*, which has no sets, for letters in any case: `re.IGNORECASE` is several times slower."""
    return re.sub("[a-z]", lambda letter: f"[{letter[0]}{letter[0].upper()}]", pattern)


def _key(name: str) -> str:
    """Return a pattern for the key *name*, of which each letter may be percent-encoded."""
    letters = (f"(?:{re.escape(letter)}|%{ord(letter):x}|%{ord(letter.upper()):x})" for letter in name)
    return _any_case("".join(letters))


# Repeats are possessive (`*+`): else each turn of a million leaves a way back to remember.

# An HTML character reference stands for its character: `&amp;` separates, `&quot;` ends, `&#39;` is part of a name and,
# as an apostrophe itself, is not at its end.
_AMPERSAND = _any_case(r"(?:amp|#0{0,4}38|#x0{0,4}26);")
_REFERENCE = rf"(?:#[0-9]{{1,7}}|#[Xx][0-9A-Fa-f]{{1,6}}|{_any_case('apos|quot|lt|gt|nbsp')});"
_OF_NO_NAME = _any_case(r"#0{0,4}(?:34|38|60|62|160);|#x0{0,4}(?:22|26|3c|3e|a0);|amp|quot|lt|gt|nbsp")
_BREAK = r"(?:\r?\n)?"
_SEPARATED = rf"{_BREAK}&(?:{_AMPERSAND}|(?!{_REFERENCE}))"
# An `&` within a name: that of the word " & ", or that of such a reference.
_WITHIN_NAME = rf"&(?:(?<= &)(?:{_AMPERSAND})? |(?!{_OF_NO_NAME}){_REFERENCE})"

_NUMBER = r"(?:(?:\.|%2[Ee])(?:[0-9]|%3[0-9]){1,4})?"
_DN = f"{_key('dn')}="
_XT, _TR, _PE = (f"{_key(name)}{_NUMBER}=" for name in ("xt", "tr", "x.pe"))
_BEGIN = f"&(?!&)(?:{_AMPERSAND})?"
_VALUE = r"[^&\r\n]*"

_APOSTROPHES = "'’‘"
_HARD = r'\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029"`<>＂'
# What ends sentences and their parts: in Greek, Armenian, Hebrew, Arabic and Syriac; in India, Tibet, Burma, Ethiopia,
# Cambodia and Mongolia; in CJK. (Ethiopia's word divider, U+1361, and Armenia's signs within a word are in names.)
_MARKS = (
    r"‼‽⁇⁈⁉\u037e\u055d\u0589\u05c3\u060c\u061b\u061d-\u061f\u06d4\u0700-\u070a\u070c"
    r"\u0964\u0965\u0df4\u0f0d-\u0f11\u104a\u104b\u1362-\u1368\u17d4-\u17d6\u17da\u1802-\u1805\u1808\u1809"
    r"、。〃，．：；！？｡､"
)
_SOFT = rf" \xa0\u1680\u2000-\u200b\u202f\u205f\u2060\u3000\ufeff{_MARKS}"
_OPENING_OF = dict(zip(")]}”»›）］｝】》〉」』〕〗〙〛｣", "([{“«‹（［｛【《〈「『〔〖〘〚｢", strict=True))
_BRACKETS = re.escape("".join([*_OPENING_OF, *_OPENING_OF.values()]))
_TRAILING = ",.;!?:…" + _APOSTROPHES + "".join(_OPENING_OF.values())
_MARKUP = "*_~|"


def _backwards(trailing: str) -> re.Pattern[str]:
    """Return a pattern for *trailing* punctuation, and for references to it, that are read backwards."""
    decimal = "|".join(str(ord(one))[::-1] for one in trailing)
    hexadecimal = "|".join(_any_case(f"{ord(one):x}"[::-1]) for one in trailing)
    apostrophe = _any_case("sopa")
    reference = rf";(?:(?:(?:{decimal})0{{0,4}}|(?:{hexadecimal})0{{0,4}}[Xx])#|{apostrophe})&"
    another = rf";(?:[0-9]{{1,7}}#|[0-9A-Fa-f]{{1,6}}[Xx]#|{apostrophe})&"
    return re.compile(rf"(?:{reference}|(?!{another})[{re.escape(trailing)}])*+")


_TRAILING_BACKWARDS = _backwards(_TRAILING)

# What a key, a topic (`xt`) and any other value are made of. A topic that ends a link ends before a `#fragment`.
_OF_KEY = r"A-Za-z0-9.%_\-"
_OF_TOPIC = rf"{_OF_KEY}=:"
_OF_VALUE = rf"{_OF_TOPIC}#/?@!$*+,;~()\[\]{{}}"
_ANY_NAME = rf"[^&\r\n]*+(?:{_WITHIN_NAME}[^&\r\n]*+)*+"
# A name without white space or foreign punctuation; then what follows these in a name, where a URL would be prose.
_SOLID = rf"[^&\r\n{_SOFT}]*+(?:{_WITHIN_NAME}[^&\r\n{_SOFT}]*+)*+"
_SPACED = rf"[^&:\r\n]*+(?:(?::(?!//)|{_WITHIN_NAME})[^&:\r\n]*+)*+"


def _closed(name: str) -> re.Pattern[str]:
    """Return a pattern for parameters that a separator closes, where values of `dn` are like *name*.

    Most parameters, of any key, are like the first kind.
    """
    kinds = rf"[{_OF_KEY}]++(?:=[{_OF_TOPIC}#]*+)?|{_DN}{name}|(?!{_XT})[{_OF_KEY}]++=[{_OF_VALUE}]*+"
    return re.compile(rf"(?:(?:{kinds})?&*{_SEPARATED})*+")


_CLOSED = _closed(_SOLID)
_CLOSED_BEFORE_OURS = _closed(_SOLID + _SPACED)
_OURS = rf"&(?:(?=[DdTtWwXx])|{_AMPERSAND})(?:{_any_case('(?:xt|tr|xl|ws|x[.]pe)')}(?:\.[0-9]{{1,4}})?|[Dd][Nn])="
_LAST_OF_OURS = re.compile(f".*{_OURS}")  # in the same line
_LAST = re.compile(rf"({_DN})|{_XT}[{_OF_TOPIC}]*+|[{_OF_KEY}]++(?:=[{_OF_VALUE}]*+)?")
_SEPARATOR = re.compile(_SEPARATED)
_NAME = re.compile(_ANY_NAME)

_TOPICS, _TRACKERS, _PEERS = (re.compile(f"{_BEGIN}{key}({_VALUE})") for key in (_XT, _TR, _PE))
_LAST_TOPIC = re.compile(f"(?s:.*){_BEGIN}{_XT}{_VALUE}")
_HINTS = re.compile(f"&(?:(?=[TtXx%])|{_AMPERSAND})(?:{_TR}|{_PE}){_VALUE}")
_NAMES = re.compile(f"{_BREAK}{_BEGIN}{_DN}")
_LAST_NAME = re.compile(f"(?s:.*){_BEGIN}{_DN}")
_NAMES_APART = re.compile(f"({_BEGIN}{_DN}{_ANY_NAME})")
_NEAR = 1000
_CLOSING = re.compile(f"[{re.escape(''.join(_OPENING_OF))}]")

_GOES_ON = rf"&(?:{_AMPERSAND})?[{_OF_KEY}]{{1,64}}+="
_END_OF_LINE = rf"\r(?!\n{_GOES_ON})|\n(?!{_GOES_ON})"
_HARD_STOP = re.compile(rf"[{_HARD}]|{_END_OF_LINE}")
_HARD_STOP_IN_APOSTROPHES = re.compile(rf"[{_HARD}{_APOSTROPHES}]|{_END_OF_LINE}")
_SOFT_STOP = re.compile(rf"[{_SOFT}]")
_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")
# What is no letter, joiner or bracket: it may be a combining mark, punctuation within a word (哈利·波特), or an emoji.
_SIGN = re.compile(rf"[^\w\x00-\x7f\u200c\u200d\ud800-\udfff{_BRACKETS}]")
_END_OF_WORD = re.compile("e|j(?!w)")
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

    def topics(self) -> str:
        """Return the values of ``xt``, as they are written, with an ``&`` between them."""
        return "&".join(_TOPICS.findall(self.parameters))

    def hints(self) -> tuple[list[str], list[str]]:
        """Return the values of ``tr`` and those of ``x.pe``, as they are written."""
        # What is neither may be most of the link: to look through it once is faster.
        hints = "".join(_HINTS.findall(self.parameters))
        return (_TRACKERS.findall(hints), _PEERS.findall(hints)) if hints else ([], [])

    def topics_end(self) -> int:
        """Return where the last ``xt`` ends; where the link ends when it has none."""
        last = _LAST_TOPIC.match(self.parameters)
        return self.end - len(self.parameters) + last.end() if last else self.end

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
        behind = [_NAME.sub("", one, 1) for one in named[:-1] if "&" in one]
        return "".join([before, *behind]), self.text[self._name_end(self.end - len(named[-1])) : self.end]

    def behind(self) -> str:
        """Return what stands between this link and where it had to end."""
        return self.text[self.end : self.limit]

    def _name_end(self, start: int) -> int:
        return min(_end(_NAME, self.text, start, self.limit), self.end)


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
    parameters = "&" + text[begin : _reach(text, begin, limit)]
    parameters = _without_trailing(parameters[: _opened_end(parameters)], _trailing(opener))
    return Link(text, start, begin - 1 + len(parameters), limit, opener, parameters)


def ends_before(behind: str, link: str, opener: str) -> bool:
    """Whether *link*, within *opener* and with *behind* after it, would be read to its own end and no further."""
    return read_link(link + behind, 0, len(link) + len(behind), opener).end == len(link)


def first_separator(text: str) -> str:
    """Return the first separator of *text*, a part of a link without its name, and no break; empty without any."""
    separator = _SEPARATOR.search(text)
    return separator[0].lstrip("\r\n") if separator else ""


def _end(pattern: re.Pattern[str], text: str, start: int, limit: int) -> int:
    """Return where that ends which *pattern* matches at *start*; *start* when it is nothing."""
    match = pattern.match(text, start, limit)
    return match.end() if match else start


def _trailing(opener: str) -> str:
    """Return the punctuation that a link cannot end in."""
    return _TRAILING + opener if opener and opener in _MARKUP else _TRAILING


def _without_trailing(parameters: str, trailing: str) -> str:
    """Return *parameters* without *trailing* punctuation at their end.

    A separator's own is none, nor is that of a character reference; but one that stands for such punctuation is.
    """
    stripped = parameters.rstrip(trailing)
    if not parameters.startswith(";", len(stripped)):
        return stripped
    separator = _SEPARATOR.match(parameters, parameters.rfind("&"))
    if separator:
        return parameters[: max(len(stripped), separator.end())]
    end = len(stripped) + 1
    return parameters[: end - _end(_TRAILING_BACKWARDS, parameters[end - 1 :: -1], 0, end)]


def _reach(text: str, position: int, limit: int) -> int:
    """Return where the parameters that begin at *position* would end if every bracket in them were theirs."""
    while True:
        position = _end(_CLOSED, text, position, limit)
        last = _LAST.match(text, position, limit)
        if last is None:
            return position
        name = last.end()
        if not last[1] or name == limit:
            return name
        # A name with spaces, or prose behind the link? It is a name when one of our parameters follows.
        ours = _end(_LAST_OF_OURS, text, position, limit)
        spaced = _end(_CLOSED_BEFORE_OURS, text, position, ours)
        if spaced == position:
            return name + _soft_stop(text[name : _end(_NAME, text, name, limit)])
        position = spaced


def _opened_end(parameters: str) -> int:
    """Return where *parameters*, in which every bracket was theirs, end for one that they did not open.

    The brackets of names and those of all else are counted apart: a rename drops the former.
    """
    if not _CLOSING.search(parameters):
        return len(parameters)
    # A rename reads what is behind such a bracket once more: as a rule that is nearly all.
    if len(parameters) > _NEAR and (near := _opened_end(parameters[:_NEAR])) < _NEAR:
        return near
    others, names = _names_apart(parameters)
    end = _unopened(others)
    in_name = _unopened(names[:end])
    name = _LAST_NAME.match(parameters, 0, in_name) if in_name < end else None
    return name.end() + _soft_stop(parameters[name.end() : in_name]) if name else end


def _names_apart(parameters: str) -> tuple[str, str]:
    """Return *parameters* with spaces for each ``dn``, and with spaces for all else."""
    others = _NAMES_APART.split(parameters)
    if len(others) == 1:
        return parameters, ""
    names = others.copy()
    others[1::2] = map(" ".__mul__, map(len, others[1::2]))
    names[::2] = map(" ".__mul__, map(len, names[::2]))
    return "".join(others), "".join(names)


def _unopened(raw: str) -> int:
    """Return where the first closing bracket stands that *raw* did not open, or its length."""
    end = len(raw)
    for closing in filter(raw.__contains__, _OPENING_OF):
        opening = _OPENING_OF[closing]
        # As many brackets as there can be are pairs with nothing between them.
        parts = raw[:end].replace(opening + closing, "  ").split(closing)
        opened = accumulate(map(str.count, parts[:-1], repeat(opening)))
        if number := next(compress(count(1), map(lt, opened, count(1))), 0):
            end = len(closing.join(parts[:number]))
    return end


def _kind(character: str) -> str:
    """Return ``w`` for what goes on with a word, ``j`` for what joins two, and ``e`` for what ends one."""
    if not _SIGN.match(character):
        return "w" if character.isalnum() or character == "_" else " "
    kind = unicodedata.category(character)
    if kind[0] == "M":
        return "m"
    return "e" if kind == "So" or kind[0] == "C" else "j"


def _sign_stop(raw: str) -> int:
    """Return where the first sign stands that no word has, or the length of *raw*."""
    # A million characters are few different ones.
    kinds = raw.translate({ord(one): _kind(one) for one in set(raw)})
    stop = _END_OF_WORD.search(kinds)
    return stop.start() if stop else len(raw)


def _soft_stop(raw: str) -> int:
    """Return where prose may begin in *raw*, or its length.

    That is at a space, foreign punctuation, a sign that no word has (an emoji, a control), or letters after escapes.
    """
    soft = _SOFT_STOP.search(raw)
    end = soft.start() if soft else len(raw)
    if raw.isascii():
        return end
    if _SIGN.search(raw, 0, end):
        end = _sign_stop(raw[:end])
    foreign = _NOT_ASCII.search(raw, 0, end)
    # Whoever escaped a space would have escaped these letters: they are glued to the link.
    if foreign and _ESCAPE.search(raw, 0, foreign.start()):
        return foreign.start()
    return end

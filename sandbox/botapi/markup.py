"""Telegram's HTML, parsed with Telegram's rules and refused with Telegram's words.

Source: Bot API, "HTML style"; TDLib, ``parse_html`` in ``MessageEntity.cpp``, whose reading of every odd input is
followed. Not here: ``tg-emoji`` and ``tg-time``.
"""

import re
import sys
from dataclasses import dataclass, replace
from typing import NoReturn

from sandbox.botapi.text import Entity, Formatted, checked_link, utf16_length

_TYPES = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "span": "spoiler",
    "tg-spoiler": "spoiler",
    "a": "text_link",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
}
_CHARACTER = re.compile(r"&(?:#x(?P<hex>[0-9a-fA-F]*)|#(?P<decimal>[0-9]*)|(?P<name>[a-zA-Z]*))")
_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
_LONGEST_REFERENCE = 9
_TOKEN = re.compile(r"[a-zA-Z0-9.-]*")
_END = "\0"
"""Stands behind the last letter, as in C: what looks for a letter stops there."""
_SPACES = " \t\r\n\v"


class UnparsableHtml(ValueError):
    """The text is no HTML of Telegram's; the message is the part after ``can't parse entities: ``."""


def parse_html(source: str) -> Formatted:
    """Return the text and entities of *source*, not yet cleaned.

    Raises:
        UnparsableHtml: with Telegram's reason and the byte offset in *source*.
    """
    return _Parser(source).parse()


@dataclass(frozen=True, slots=True)
class _Open:
    """A tag that is not closed yet: where its text begins, in UTF-16 units and in pieces."""

    tag: str
    argument: str
    offset: int
    piece: int


class _Parser:
    def __init__(self, source: str) -> None:
        self._source = source + _END
        self._at = 0
        self._pieces: list[str] = []
        self._length = 0
        self._open: list[_Open] = []
        self._entities: list[Entity] = []

    def parse(self) -> Formatted:
        while self._at < len(self._source) - 1:
            letter = self._source[self._at]
            if letter == "<":
                if self._source[self._at + 1] == "/":
                    self._end_tag()
                else:
                    self._start_tag()
            else:
                self._put(self._character() or self._next())
        if self._open:
            raise UnparsableHtml(f'Can\'t find end tag corresponding to start tag "{self._open[-1].tag}"')
        # A language belongs to a whole `pre` alone; a `code` that fills no `pre` loses it.
        kept = [replace(one, language="") if one.type == "code" else one for one in self._entities]
        return Formatted("".join(self._pieces), tuple(sorted(kept, key=lambda one: (one.offset, -one.length))))

    def _put(self, letter: str) -> None:
        if "\ud800" <= letter <= "\udfff":
            raise UnparsableHtml(
                "Text contains invalid Unicode characters after decoding HTML entities, check for unmatched surrogate "
                "code units"
            )
        self._pieces.append(letter)
        self._length += utf16_length(letter)

    def _next(self) -> str:
        self._at += 1
        return self._source[self._at - 1]

    def _character(self) -> str:
        """Read a character reference; "" and no step where there is none that Telegram knows: it stays as typed."""
        found = _CHARACTER.match(self._source, self._at)
        if found is None:
            return ""
        if found["name"] is not None:
            character = _NAMED.get(found["name"], "")
        else:
            code = int(found["hex"] or "0", 16) if found["hex"] is not None else int(found["decimal"] or "0")
            known = 0 < code < sys.maxunicode and len(found.group()) <= _LONGEST_REFERENCE
            character = chr(code) if known else ""
        if character:
            self._at = found.end() + (self._source[found.end()] == ";")
        return character

    def _start_tag(self) -> None:
        begin = self._at
        self._at += 1
        tag = self._until(">").lower()
        if self._here == _END:
            self._fail("Unclosed start tag", begin)
        if tag not in _TYPES:
            self._fail(f'Unsupported start tag "{tag}"', begin)
        argument = self._attributes(tag, begin)
        self._at += 1
        if tag == "span" and argument != "spoiler":
            self._fail('Tag "span" must have class "tg-spoiler"', begin)
        self._open.append(_Open(tag, argument, self._length, len(self._pieces)))

    def _attributes(self, tag: str, begin: int) -> str:
        """Read up to the tag's ``>`` and return the one attribute's value that matters for *tag*."""
        argument = ""
        self._skip_spaces()
        while self._here != ">":
            name = self._until("=>")
            if not name:
                self._fail(f'Empty attribute name in the tag "{tag}"', begin)
            self._skip_spaces()
            if tag == "blockquote" and name == "expandable" and self._here != "=":
                argument = name
                continue
            if self._here != "=":
                self._fail(f'Expected equal sign in declaration of an attribute of the tag "{tag}"', begin)
            self._at += 1
            self._skip_spaces()
            if self._here == _END:
                self._fail(f'Unclosed start tag "{tag}"', begin)
            value = self._quoted() if self._here in "'\"" else self._token()
            if self._here == _END:
                self._fail("Unclosed start tag", begin)
            argument = _argument(tag, name, value) or argument
            self._skip_spaces()
        return argument

    def _token(self) -> str:
        begin = self._at
        found = _TOKEN.match(self._source, begin)
        self._at = found.end() if found else begin
        if self._here not in _SPACES + _END + ">":
            self._fail("Unexpected end of name token", begin)
        return self._source[begin : self._at].lower()

    def _quoted(self) -> str:
        quote = self._next()
        value: list[str] = []
        while self._here not in {quote, _END}:
            value.append(self._character() or self._next())
        if self._here == quote:
            self._at += 1
        return "".join(value)

    def _end_tag(self) -> None:
        begin = self._at
        if not self._open:
            self._fail("Unexpected end tag", begin)
        self._at += 2
        found = self._until(">").lower()
        self._skip_spaces()
        if self._here != ">":
            self._fail("Unclosed end tag", begin)
        self._at += 1
        opened = self._open.pop()
        if found not in {"", opened.tag}:
            self._fail("Unmatched end tag", begin, f', expected "</{opened.tag}>", found "</{found}>"')
        self._close(opened)

    def _close(self, opened: _Open) -> None:
        """Make the entity of *opened*, unless nothing stands in it."""
        length = self._length - opened.offset
        if not length:
            return
        kind, url, language = _TYPES[opened.tag], "", ""
        inner = self._entities[-1] if self._entities else None
        same = inner is not None and (inner.offset, inner.length) == (opened.offset, length)
        if opened.tag == "a":
            url = checked_link(opened.argument or "".join(self._pieces[opened.piece :]))
            if not url:
                return
        elif opened.tag == "pre" and inner and same and inner.type == "code":
            language = inner.language
            self._entities.pop()
        elif opened.tag == "blockquote" and opened.argument:
            kind = "expandable_blockquote"
        elif opened.tag == "code":
            language = opened.argument
        self._entities.append(Entity(kind, opened.offset, length, url, language))

    @property
    def _here(self) -> str:
        return self._source[self._at]

    def _until(self, stops: str) -> str:
        begin = self._at
        while self._here not in _SPACES + _END + stops:
            self._at += 1
        return self._source[begin : self._at]

    def _skip_spaces(self) -> None:
        while self._here in _SPACES:
            self._at += 1

    def _fail(self, reason: str, at: int, more: str = "") -> NoReturn:
        raise UnparsableHtml(f"{reason} at byte offset {len(self._source[:at].encode())}{more}")


def _argument(tag: str, name: str, value: str) -> str:
    match tag, name:
        case "a", "href":
            return value
        case "code", "class":
            return value.removeprefix("language-") if value.startswith("language-") else ""
        case "span", "class":
            return value.removeprefix("tg-") if value.startswith("tg-") else ""
        case _:
            return ""

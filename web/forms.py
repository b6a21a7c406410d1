"""What the forms of the page have sent (HTML, application/x-www-form-urlencoded)."""

import asyncio
from collections.abc import Mapping, Sequence
from urllib.parse import unquote_to_bytes, urlsplit

from fastapi import Request
from starlette.requests import HTTPConnection

from web.entry import origins_of
from web.refusals import BadRequest, NothingToKeep, TextTooLong

_MOST_FIELDS = 2_000
_LONGEST = 1_000_000
_LONG = 65_536  # bytes: what is longer is decoded in a thread
_PIECE = 65_536  # bytes
_ESCAPE = 3  # bytes of one
_MOST_DIGITS = 19
_BEYOND = 2**63  # what sqlite can hold

Form = Mapping[str, Sequence[str]]


async def form_of(request: Request) -> Form:
    """Return the values of each field. Raises BadRequest."""
    body = await request.body()
    try:
        return await asyncio.to_thread(_fields, body) if len(body) > _LONG else _fields(body)
    except ValueError:  # other bytes, other text than UTF-8, or too much of it
        raise BadRequest(where="form") from None


def _fields(body: bytes) -> Form:
    """Return the values of each field. Raises ValueError."""
    if not body.isascii() or body.count(b"&") >= _MOST_FIELDS:
        raise ValueError
    form: dict[str, list[str]] = {}
    for field in filter(None, body.split(b"&")):
        name, _, value = field.partition(b"=")
        form.setdefault(_decoded(name), []).append(_decoded(value))
    return form


def _decoded(word: bytes) -> str:
    """Return what *word* stands for, a piece at a time: at once, each escape of megabytes would be an object."""
    word, pieces, start = word.replace(b"+", b" "), [], 0
    while start < len(word):
        end = start + _PIECE
        within = word.find(b"%", end - _ESCAPE + 1, end)  # an escape that the piece would be cut in
        end = within if within > start else end
        pieces.append(unquote_to_bytes(word[start:end]))
        start = end
    return b"".join(pieces).decode()


def text_in(form: Form) -> str:
    """Return the text to keep: browsers send each line's end as CR LF (HTML, 4.10.21.7), whatever was typed.

    Raises:
        NothingToKeep: there is none.
        TextTooLong: it is.
        BadRequest: it has NUL.
    """
    text = word_in(form, "text").replace("\r\n", "\n")
    if not text.strip():
        raise NothingToKeep
    if len(text) > _LONGEST:
        raise TextTooLong(most=_LONGEST)
    if "\0" in text:
        raise BadRequest(where="text")
    return text


def word_in(form: Form, name: str) -> str:
    return form.get(name, [""])[0]


def numbers_in(form: Form, name: str) -> Sequence[int]:
    """Return the field's numbers, each once. Raises BadRequest."""
    numbers = []
    for word in dict.fromkeys(form.get(name, ())):
        number = int(word) if word.isascii() and word.isdecimal() and len(word) <= _MOST_DIGITS else 0
        if not 0 < number < _BEYOND:
            raise BadRequest(where=name)
        numbers.append(number)
    return numbers


def came_from(request: HTTPConnection) -> str:
    """Return the page of ours that the form stood on, for the way back; the first page where that is not known."""
    try:
        parts = urlsplit(request.headers.get("referer", ""))
    except ValueError:  # a client may say anything
        return "/"
    if f"{parts.scheme}://{parts.netloc}" not in origins_of(request):
        return "/"
    path = f"/{parts.path.lstrip('/')}"
    return f"{path}?{parts.query}" if parts.query else path

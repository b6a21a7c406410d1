"""What the forms of the page have sent (HTML, application/x-www-form-urlencoded)."""

from collections.abc import Mapping, Sequence
from urllib.parse import parse_qs, urlsplit

from fastapi import Request
from starlette.requests import HTTPConnection

from web.entry import origins_of
from web.refusals import BadRequest, NothingToKeep, TextTooLong

_MOST_FIELDS = 2_000
_LONGEST = 1_000_000
_MOST_DIGITS = 19
_BEYOND = 2**63  # what sqlite can hold

Form = Mapping[str, Sequence[str]]


async def form_of(request: Request) -> Form:
    """Return the values of each field. Raises BadRequest."""
    try:
        body = (await request.body()).decode("ascii")
        return parse_qs(body, keep_blank_values=True, encoding="utf-8", errors="strict", max_num_fields=_MOST_FIELDS)
    except ValueError:  # other bytes, other text than UTF-8, or too much of it
        raise BadRequest(where="form") from None


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

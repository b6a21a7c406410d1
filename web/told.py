"""What became of a press, on the page that it leads to: a code and numbers in its address, and no words."""

from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode, urlsplit

from services.errors import AllowanceUsedUp, CalibotError, NothingToLookUp, TooMany, TooManyTasks
from services.i18n import Translation, sentence

_KEPT = "kept"
_REASONS = frozenset(one.code for one in (TooManyTasks, AllowanceUsedUp, TooMany, NothingToLookUp))
_NUMBERS = ("most", "minutes")
_MOST_DIGITS = 9


def telling(address: str, error: CalibotError | None = None) -> str:
    """Return *address*, a path of ours, where it tells of *error* and of nothing before it."""
    parts = urlsplit(address)
    query = [(key, value) for key, value in parse_qsl(parts.query) if key not in {"told", *_NUMBERS}]
    if error is not None:
        query += [("told", error.code if error.code in _REASONS else _KEPT)]
        query += [(key, str(error.parameters[key])) for key in _NUMBERS if key in error.parameters]
    return f"{parts.path}?{urlencode(query)}" if query else parts.path


def told_in(query: Mapping[str, str], t: Translation) -> list[str]:
    """Return what a page tells whose address has this *query*."""
    code = query.get("told", "")
    kept = [t.gettext("The note is kept, but its names are not looked up.")]
    if code in _REASONS:
        return [*kept, sentence(code, {key: _number(query.get(key, "")) for key in _NUMBERS}, t)]
    return kept if code == _KEPT else []


def _number(word: str) -> int:
    return int(word) if word.isascii() and word.isdecimal() and len(word) <= _MOST_DIGITS else 0

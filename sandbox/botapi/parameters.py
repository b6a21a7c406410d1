"""The parameters of one request, read strictly."""

import json
from collections.abc import Mapping

from sandbox.botapi.errors import bad_request
from sandbox.botapi.files import File

_YES = {"true", "yes", "1"}
_NO = {"false", "no", "0", ""}


class Parameters:
    """What was given to *method*, by name: strings of a form, or the values of a JSON body.

    Stricter than Telegram, so that tests notice our mistakes: a name that is not *known*, and a value of another type
    than the documented one, are refused, where Telegram ignores them.
    """

    def __init__(self, method: str, given: Mapping[str, object], known: frozenset[str]) -> None:
        unknown = sorted(given.keys() - known)
        if unknown:
            raise bad_request(f"sandbox: {method} has no parameter {unknown[0]!r} here")
        self._given = {name: value for name, value in given.items() if value is not None}
        _refuse_broken_unicode({name: value for name, value in self._given.items() if not isinstance(value, File)})

    def __contains__(self, name: str) -> bool:
        return name in self._given

    def text(self, name: str) -> str:
        """Return a string, "" when it is not given."""
        value = self._given.get(name, "")
        if not isinstance(value, str):
            raise bad_request(f"sandbox: parameter {name!r} must be a String")
        return value

    def file(self, name: str) -> File | None:
        """Return an uploaded file; None when there is none. Files by id or URL are not in the sandbox."""
        value = self._given.get(name)
        if value is not None and not isinstance(value, File):
            raise bad_request(f"sandbox: parameter {name!r} must be an uploaded file")
        return value

    def integer(self, name: str, default: int = 0) -> int:
        value = self._given.get(name, default)
        if not isinstance(value, bool) and isinstance(value, int | str):
            try:
                return int(value)
            except ValueError:
                pass
        raise bad_request(f"sandbox: parameter {name!r} must be an Integer")

    def flag(self, name: str) -> bool:
        word = str(self._given.get(name, "")).lower()
        if word not in _YES | _NO:
            raise bad_request(f"sandbox: parameter {name!r} must be a Boolean")
        return word in _YES

    def mapping(self, name: str) -> Mapping[str, object] | None:
        """Return an object, None when it is not given."""
        value = self._decoded(name)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise bad_request(f"can't parse {name}: an Object was expected")
        return value

    def mappings(self, name: str) -> list[Mapping[str, object]]:
        """Return an array of objects, [] when it is not given."""
        return [value for value in self._array(name) if isinstance(value, dict)]

    def words(self, name: str) -> list[str]:
        """Return an array of strings, [] when it is not given."""
        return [value for value in self._array(name) if isinstance(value, str)]

    def _array(self, name: str) -> list[object]:
        value = self._decoded(name)
        if value is None:
            return []
        if not isinstance(value, list) or len({type(one) for one in value}) > 1:
            raise bad_request(f"can't parse {name}: an Array was expected")
        return value

    def _decoded(self, name: str) -> object:
        value = self._given.get(name)
        if not isinstance(value, str):
            return value
        try:
            decoded: object = json.loads(value)
        except ValueError as error:
            raise bad_request(f"can't parse {name}: it is no JSON") from error
        _refuse_broken_unicode(decoded)
        return decoded


def only(shape: Mapping[str, object], known: set[str], what: str) -> None:
    """Refuse *shape* when it has a field that the sandbox does not know."""
    unknown = sorted(shape.keys() - known)
    if unknown:
        raise bad_request(f"sandbox: {what} has no field {unknown[0]!r} here")


def _refuse_broken_unicode(value: object) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise bad_request("strings must be encoded in UTF-8") from error

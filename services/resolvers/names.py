"""True names from an info dictionary's bytes. The text of a name is ours to decode: libtorrent's own is sanitised."""

from collections.abc import Iterable, Mapping

import chardet

from services.torrents import Name

_REPLACEMENT = "\ufffd"
_ENOUGH = 4_096
"""Bytes that a guess is made from: more cost time and tell nothing new."""


def true_name(info: Mapping[bytes, object]) -> Name:
    """Return the name in the info dictionary *info*: ``name.utf-8`` where there is one, else ``name`` (BEP 3)."""
    return decode(raw_text(info, b"name"))


def raw_text(entry: Mapping[bytes, object], key: bytes) -> bytes:
    """Return the string at *key*.utf-8, else at *key*, of a decoded dictionary; empty when neither is a string."""
    for candidate in (entry.get(key + b".utf-8"), entry.get(key)):
        if isinstance(candidate, bytes):
            return candidate
    return b""


def decode(raw: bytes) -> Name:
    """Return *raw* as text: UTF-8 where it is that, else by a detector's guess, which is not certain.

    U+FFFD stands in the text only when its own UTF-8 bytes stand in *raw*. Never fails.
    """
    try:
        return Name(text=raw.decode(), raw=raw)
    except UnicodeDecodeError:
        encoding = guess_encoding((raw,))
        return Name(text=decode_as(raw, encoding), raw=raw, encoding=encoding, certain=False)


def guess_encoding(samples: Iterable[bytes]) -> str:
    """Return the Python name of an encoding that decodes every one of *samples*, at best the one that they are in."""
    every = tuple(samples)
    found = chardet.detect(b"\n".join(every)[:_ENOUGH], compat_names=False)["encoding"]
    if found and all(_decodes(raw, found) for raw in every):
        return found
    return "latin-1"


def decode_as(raw: bytes, encoding: str) -> str:
    """Return *raw* decoded by *encoding*; by Latin-1, which never fails, where that would lose letters."""
    return raw.decode(encoding) if _decodes(raw, encoding) else raw.decode("latin-1")


def _decodes(raw: bytes, encoding: str) -> bool:
    try:
        return _REPLACEMENT not in raw.decode(encoding) or encoding == "utf-8"
    except (UnicodeDecodeError, LookupError):
        return False

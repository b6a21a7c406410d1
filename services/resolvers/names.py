"""True names from an info dictionary's bytes. The text of a name is ours to decode: libtorrent's own is sanitised."""

from collections.abc import Mapping

from services.decoding import decode
from services.torrents import Name


def true_name(info: Mapping[bytes, object]) -> Name:
    """Return the name in the info dictionary *info*: ``name.utf-8`` where there is one, else ``name`` (BEP 3)."""
    return decode(raw_text(info, b"name"))


def raw_text(entry: Mapping[bytes, object], key: bytes) -> bytes:
    """Return the string at *key*.utf-8, else at *key*, of a decoded dictionary; empty when neither is a string."""
    for candidate in (entry.get(key + b".utf-8"), entry.get(key)):
        if isinstance(candidate, bytes):
            return candidate
    return b""

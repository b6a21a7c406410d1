"""Bencoding (BEP 3) as plain bytes, ints, lists and dicts: libtorrent's, with the types that it really has."""

from collections.abc import Mapping

import libtorrent as lt


def encode(value: Mapping[bytes, object]) -> bytes:
    """Return the dictionary *value* bencoded, its keys sorted."""
    return lt.bencode(dict(value))  # type: ignore[arg-type]  # the stub's alias does not nest


def decode(data: bytes) -> dict[bytes, object]:
    """Return the dictionary that *data* encodes; an empty one when it is none."""
    value: object = lt.bdecode(data)
    return value if isinstance(value, dict) else {}

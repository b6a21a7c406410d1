"""Whether a bencoded value can be read in two ways, since a key stands in it twice (BEP 3)."""

import re

_STRING = re.compile(rb"([0-9]+):")
_INTEGER = re.compile(rb"i[^e]*e")


def has_a_key_twice(data: bytes) -> bool:
    """Whether a dictionary in *data*, which libtorrent has decoded, has one of its keys twice. Blocks, for long."""
    containers: list[set[bytes] | None] = []  # the keys of a dictionary; None is a list
    key_next = False
    at = 0
    while at < len(data):
        if data[at : at + 1] == b"e":
            containers.pop()
            at += 1
        elif key_next and (key := _STRING.match(data, at)):
            end = key.end() + int(key[1])
            keys = containers[-1]
            assert keys is not None  # noqa: S101 - lists have no keys
            if data[key.end() : end] in keys:
                return True
            keys.add(data[key.end() : end])
            at, key_next = end, False
            continue
        elif data[at : at + 1] in {b"d", b"l"}:
            containers.append(set() if data[at : at + 1] == b"d" else None)
            at += 1
        elif integer := _INTEGER.match(data, at):
            at = integer.end()
        elif string := _STRING.match(data, at):
            at = string.end() + int(string[1])
        else:
            raise ValueError("no bencoded value")
        key_next = bool(containers) and containers[-1] is not None
    return False

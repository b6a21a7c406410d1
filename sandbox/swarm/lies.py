"""What a peer can answer with when it is asked for a piece of its metadata (BEP 9): the truth, and all else."""

import itertools
from collections.abc import Callable, Iterator

from sandbox.swarm.bencoding import encode

PIECE = 16_384
"""Bytes of metadata in one message; the last one has the rest."""

Lie = Callable[[bytes, int, int], Iterator[bytes]]
"""Of the metadata that it has, the size that it claims and a piece's number: each message that it sends for them."""


def another(info: bytes) -> bytes:
    """Return metadata of the size of *info*, the last byte of each piece changed."""
    changed = bytearray(info)
    for end in (*range(PIECE, len(info), PIECE), len(info)):
        changed[end - 1] ^= 0xFF
    return bytes(changed)


def truth(info: bytes, _claims: int, piece: int) -> Iterator[bytes]:
    """Give the piece."""
    yield _given(piece, len(info), info[piece * PIECE : (piece + 1) * PIECE])


def zeros(_info: bytes, claims: int, piece: int) -> Iterator[bytes]:
    """Give nothing but zeros, of as many bytes as are claimed."""
    yield _given(piece, claims, bytes(max(0, min(PIECE, claims - piece * PIECE))))


def first_alone(_info: bytes, claims: int, piece: int) -> Iterator[bytes]:
    """Give the first piece, of zeros, and never another."""
    if not piece:
        yield _given(piece, claims, bytes(PIECE))


def short(info: bytes, claims: int, piece: int) -> Iterator[bytes]:
    """Give the first half of the piece."""
    whole = info[piece * PIECE : (piece + 1) * PIECE]
    yield _given(piece, claims, whole[: len(whole) // 2])


def all_but_the_last(info: bytes, claims: int, piece: int) -> Iterator[bytes]:
    """Give each piece, but never the last."""
    if (piece + 1) * PIECE < claims:
        yield from truth(info, claims, piece)


def another_size(info: bytes, _claims: int, piece: int) -> Iterator[bytes]:
    """Give the piece, and say that it belongs to metadata of another size than was claimed."""
    yield _given(piece, len(info) + PIECE, info[piece * PIECE : (piece + 1) * PIECE])


def refusal(_info: bytes, _claims: int, piece: int) -> Iterator[bytes]:
    """Say that it has no such piece."""
    yield encode({b"msg_type": 2, b"piece": piece})


def pieces_without_end(_info: bytes, claims: int, piece: int) -> Iterator[bytes]:
    """Give piece after piece, whatever was asked for, and never stop."""
    for number in itertools.count(piece):
        yield _given(number, claims, bytes(PIECE))


def noise_without_end(_info: bytes, _claims: int, _piece: int) -> Iterator[bytes]:
    """Give what is no message of BEP 9, and never stop."""
    return itertools.repeat(b"\xff" * PIECE)


def _given(piece: int, size: int, data: bytes) -> bytes:
    return encode({b"msg_type": 1, b"piece": piece, b"total_size": size}) + data

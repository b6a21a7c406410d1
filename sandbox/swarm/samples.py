"""Torrents that have metadata and no payload, and names that hurt."""

import hashlib
import itertools
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

from sandbox.swarm.bencoding import encode

Kind = Literal["v1", "v2", "hybrid"]
Endpoint = tuple[str, int]
Files = Sequence[tuple[str, int]]
InfoDict = dict[bytes, object]
Draw = Callable[[int], bytes]

_SMALLEST_PIECE = 16_384
_MOST_PIECES = 500

HOSTILE_NAMES: dict[str, bytes] = {
    "tags": b"<b>bold</b> & <a href='tg://x'>link</a>",
    "right-to-left override": "cod.\u202egnp.exe".encode(),
    "long": ("长" * 250).encode(),
    "gbk": "三体.全集.国语中字".encode("gb18030"),
    "shift-jis": "テスト動画 第一話.mkv".encode("shift-jis"),
    "nul": b"before\0after",
    "newline": b"one\r\ntwo\nthree",
    "replacement character": "truly \ufffd in it".encode(),
    "path separators": b"../../etc/passwd\\..\\x",
    "dots": b"..",
    "empty": b"",
    "over 1000 bytes": b"n" * 1_500,
    "not text": b"\xff\xfe\x81\x00\x9d",
    "percent": b"100%25 & a=b # ? +",
    "emoji": "👩‍👩‍👧‍👦 family.mkv".encode(),
}
"""Names as the raw bytes of an info dictionary, by what is bad about them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A torrent of the sandbox. *name* is None when *raw_name* was given instead; *info* is the bencoded dictionary."""

    name: str | None
    raw_name: bytes
    info: bytes
    v1: str | None
    v2: str | None
    size: int
    files: tuple[tuple[str, int], ...]
    trackers: tuple[str, ...] = ()
    peers: tuple[Endpoint, ...] = ()

    def magnet(self, dn: str | None = None, *, trackers: bool = True, peers: bool = False) -> str:
        """Return a magnet link of it (BEP 9), with its trackers (``tr``) and peers (``x.pe``) where asked for."""
        topics = [f"urn:btih:{self.v1}"] if self.v1 else []
        topics += [f"urn:btmh:1220{self.v2}"] if self.v2 else []
        parts = [f"xt={topic}" for topic in topics]
        parts += [f"dn={quote(dn, safe='')}"] if dn is not None else []
        parts += [f"tr={quote(url, safe='')}" for url in self.trackers] if trackers else []
        parts += [f"x.pe={host}:{port}" for host, port in self.peers] if peers else []
        return "magnet:?" + "&".join(parts)

    @property
    def wire_hashes(self) -> tuple[bytes, ...]:
        """The 20-byte hashes under which trackers, the DHT and peers know it: SHA-1, and SHA-256 cut short (BEP 52)."""
        return tuple(bytes.fromhex(digits)[:20] for digits in (self.v1, self.v2) if digits)


def make_sample(
    name: str | None = None,
    *,
    kind: Kind = "v1",
    files: Files | None = None,
    raw_name: bytes | None = None,
    piece_length: int | None = None,
    seed: bytes | None = None,
) -> Sample:
    """Return a new torrent; two calls never give the same hash, unless they give the same *seed* and all else.

    Args:
        name: what it is called; or give *raw_name*.
        kind: which hashes it has.
        files: paths with ``/`` and sizes in bytes; one file of the torrent's own name when missing.
        raw_name: the name's bytes, in any encoding or none.
        piece_length: in bytes, a power of two from 16 KiB; the smaller, the larger the metadata. Chosen when missing.
        seed: what all that is random in it is drawn from.
    """
    raw = (name or "").encode() if raw_name is None else raw_name
    info = _info_dict(raw, kind, files, piece_length, os.urandom if seed is None else _drawn_from(seed))
    encoded = encode(info)
    listed = tuple(files) if files else ((name or raw.decode("utf-8", "replace"), 1_234),)
    return Sample(
        name=name if raw_name is None else None,
        raw_name=raw,
        info=encoded,
        v1=None if kind == "v2" else hashlib.sha1(encoded, usedforsecurity=False).hexdigest(),
        v2=None if kind == "v1" else hashlib.sha256(encoded).hexdigest(),
        size=sum(size for _, size in listed),
        files=listed,
    )


def _drawn_from(seed: bytes) -> Draw:
    numbers = itertools.count()
    return lambda size: hashlib.shake_256(seed + next(numbers).to_bytes(8, "big")).digest(size)


def _info_dict(raw: bytes, kind: Kind, files: Files | None, piece_length: int | None, draw: Draw) -> InfoDict:
    single = files is None
    listed: list[tuple[tuple[bytes, ...], int]] = (
        [((raw,), 1_234)] if files is None else [(tuple(path.encode().split(b"/")), size) for path, size in files]
    )
    piece = piece_length or _piece_length(sum(size for _, size in listed))
    info: InfoDict = {b"name": raw, b"piece length": piece, b"salt": draw(8)}
    if kind != "v1":
        # A file named by hostile bytes alone is no path: v2 keeps the hostility to the torrent's own name.
        info |= {b"meta version": 2, b"file tree": _file_tree(listed, draw)}
    if kind != "v2":
        info |= _v1_keys(listed, piece, draw, single=single, aligned=kind == "hybrid")
    return info


def _piece_length(size: int) -> int:
    piece = _SMALLEST_PIECE
    while size > piece * _MOST_PIECES:
        piece *= 2
    return piece


def _v1_keys(
    listed: list[tuple[tuple[bytes, ...], int]], piece: int, draw: Draw, *, single: bool, aligned: bool
) -> InfoDict:
    if single:
        return {b"length": listed[0][1], b"pieces": _pieces(listed[0][1], piece, draw)}
    entries: list[InfoDict] = []
    for number, (path, size) in enumerate(sorted(listed) if aligned else listed):
        entries.append({b"length": size, b"path": list(path)})
        gap = -size % piece
        if aligned and gap and number < len(listed) - 1:  # BEP 47: each file of a hybrid begins at a piece
            entries.append({b"attr": b"p", b"length": gap, b"path": [b".pad", str(gap).encode()]})
    total = sum(size for size in (entry[b"length"] for entry in entries) if isinstance(size, int))
    return {b"files": entries, b"pieces": _pieces(total, piece, draw)}


def _pieces(size: int, piece: int, draw: Draw) -> bytes:
    return draw(20) * -(-size // piece)


def _file_tree(listed: list[tuple[tuple[bytes, ...], int]], draw: Draw) -> InfoDict:
    tree: InfoDict = {}
    for path, size in listed:
        branch = tree
        for part in path:
            branch = branch.setdefault(part, {})  # type: ignore[assignment]  # a tree of dicts down to its leaves
        branch[b""] = {b"length": size, b"pieces root": draw(32)} if size else {b"length": 0}
    return tree

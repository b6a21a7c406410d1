"""What an info dictionary says of its torrent (BEP 3, 47, 52)."""

import hashlib
from collections.abc import Iterator, Mapping

from services.readings import decode_as, guess_encoding
from services.resolvers.names import raw_text, true_name
from services.torrents import FileEntry, InfoHash, Name, TorrentId, TorrentInfo

_Path = tuple[bytes, ...]

_DEEPEST = 100
"""Folders inside folders: libtorrent's own limit for bencoded values."""


def hashes_of(section: bytes, *, v1: bool, v2: bool) -> TorrentId:
    """Return the info-hashes of the info dictionary whose bytes are *section*: SHA-1 for v1, SHA-256 for v2."""
    return TorrentId(
        v1=InfoHash(hashlib.sha1(section, usedforsecurity=False).hexdigest()) if v1 else None,
        v2=InfoHash(hashlib.sha256(section).hexdigest()) if v2 else None,
    )


def describe(info: Mapping[bytes, object], torrent: TorrentId, source: str) -> TorrentInfo:
    """Return what the decoded dictionary *info* says.

    Args:
        info: as bdecoded; what is malformed in it is passed over.
        torrent: the hashes that were computed from its bytes.
        source: the resolver's label.
    """
    name = true_name(info)
    entries = _entries(info)
    return TorrentInfo(
        torrent=torrent,
        name=name,
        size=sum(size for _, size in entries),
        files=_named(entries, name),
        source=source,
        verified=True,
    )


def is_utf8(info: Mapping[bytes, object]) -> bool:
    """Whether all texts in *info* are UTF-8: else their encoding has to be guessed, slowly."""
    paths = (part for path, _ in _entries(info) for part in path)
    return _is_utf8(raw_text(info, b"name")) and all(map(_is_utf8, paths))


def _entries(info: Mapping[bytes, object]) -> list[tuple[_Path, int]]:
    tree = info.get(b"file tree")
    return list(_tree_files(tree) if isinstance(tree, dict) else _listed_files(info))


def _named(entries: list[tuple[_Path, int]], name: Name) -> tuple[FileEntry, ...]:
    """Return *entries* with paths as text; a file without a path is the torrent itself."""
    encoding = _encoding_of((b"/".join(path) for path, _ in entries), name)
    return tuple(
        FileEntry("/".join(decode_as(part, encoding) for part in path) if path else name.text, size)
        for path, size in entries
    )


def _encoding_of(paths: Iterator[bytes], name: Name) -> str:
    strange = [path for path in paths if not _is_utf8(path)]
    if not strange:
        return "utf-8"
    return guess_encoding(strange) if name.certain else name.encoding


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def _listed_files(info: Mapping[bytes, object]) -> Iterator[tuple[_Path, int]]:
    """Yield the files of a v1 dictionary but its pad files (BEP 47)."""
    files = info.get(b"files")
    if not isinstance(files, list):
        yield (), _size(info)
        return
    for entry in files:
        if isinstance(entry, dict) and not _is_pad(entry):
            yield _path(entry), _size(entry)


def _tree_files(tree: Mapping[bytes, object]) -> Iterator[tuple[_Path, int]]:
    """Yield the files of a v2 dictionary's tree, whose leaves stand at the empty key (BEP 52)."""
    branches: list[tuple[_Path, Mapping[bytes, object]]] = [((), tree)]
    while branches:
        path, branch = branches.pop()
        for part, below in sorted(branch.items(), reverse=True):
            if not isinstance(below, dict):
                continue
            if part:
                if len(path) < _DEEPEST:
                    branches.append(((*path, part), below))
            elif not _is_pad(below):
                yield path, _size(below)


def _path(entry: Mapping[bytes, object]) -> _Path:
    for parts in (entry.get(b"path.utf-8"), entry.get(b"path")):
        if isinstance(parts, list):
            return tuple(part for part in parts if isinstance(part, bytes))
    return (raw_text(entry, b"name"),)


def _size(entry: Mapping[bytes, object]) -> int:
    length = entry.get(b"length")
    return length if isinstance(length, int) and length > 0 else 0


def _is_pad(entry: Mapping[bytes, object]) -> bool:
    attributes = entry.get(b"attr")
    return isinstance(attributes, bytes) and b"p" in attributes

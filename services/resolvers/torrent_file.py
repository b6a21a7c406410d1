"""A .torrent, or a bare info dictionary, in a file: what it says is verified, since its info-hash is computed."""

from collections.abc import Callable
from pathlib import Path

from services.errors import NotFound
from services.torrents import TorrentId, TorrentInfo

LARGEST = 16 * 1_048_576
"""Bytes of a file that is read: libtorrent refuses larger metadata, too."""

UNREADABLE = "file_unreadable"
"""The reason of a file that cannot be read: it may be another time."""

ANOTHER = "another torrent"
"""The reason of what is not the torrent that was asked for."""

ReadTorrent = Callable[[bytes, str], TorrentInfo]
"""Returns what the bytes of a .torrent, or of a bare info dictionary, say, for the source of this label. Blocks.

Raises NotFound where they are neither; parameter *reason* is ``torrent_unusable``.
"""


def torrent_in(path: Path, asked: TorrentId, source: str, read: ReadTorrent) -> TorrentInfo:
    """Return what the file at *path* says of the torrent *asked* for. Blocks.

    Raises:
        NotFound: it is not that torrent's, cannot be read, or is too large; parameter *reason* says which.
    """
    return told_by(content_of(path), asked, source, read)


def told_by(content: bytes, asked: TorrentId, source: str, read: ReadTorrent) -> TorrentInfo:
    """Return what *content* says of the torrent *asked* for. Blocks.

    Raises:
        NotFound: it is not that torrent's; parameter *reason* says which.
    """
    info = read(content, source)
    if not info.torrent.answers(asked):
        raise NotFound(reason=ANOTHER)
    return info


def content_of(path: Path) -> bytes:
    """Return what is in the file at *path*. Blocks.

    Raises:
        NotFound: it cannot be read, or is too large; parameter *reason* says which.
    """
    try:
        if not path.is_file():  # what is none may never end
            raise NotFound(reason=UNREADABLE)
        if not path.stat().st_size:  # so say the system's own, some of which never end either
            return b""
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise NotFound(reason=UNREADABLE) from error
    if len(content) > LARGEST:
        raise NotFound(reason="file_too_large")
    return content

"""The bytes of an info dictionary, read by libtorrent's own decoder (BEP 3)."""

from typing import cast

import libtorrent as lt

from services.errors import NotFound
from services.resolvers.libtorrent.lookups import Metadata
from services.resolvers.metadata import describe, hashes_of
from services.torrents import TorrentInfo


def described(given: Metadata, source: str) -> TorrentInfo:
    """Return what *given* says; *source* is the resolver's label. Blocks.

    Raises:
        NotFound: libtorrent cannot read it; parameter *reason* is ``metadata_unusable``.
    """
    torrent, section = given
    try:
        info: object = lt.bdecode(section)
    except RuntimeError as error:  # more items than it counts to: some 200,000 files
        raise NotFound(reason="metadata_unusable") from error
    return describe(cast("dict[bytes, object]", info), torrent, source)


def read_torrent(content: bytes, source: str) -> TorrentInfo:
    """See `services.resolvers.torrent_file.ReadTorrent`."""
    try:
        given = _loaded(content)
    except RuntimeError as error:
        raise NotFound(reason="torrent_unusable") from error
    return described(given, source)


def _loaded(content: bytes) -> Metadata:
    try:
        loaded = lt.load_torrent_buffer(content).ti
    except RuntimeError:
        loaded = lt.load_torrent_buffer(b"d4:info" + content + b"e").ti  # perhaps it is the inner part alone
    assert loaded is not None  # noqa: S101 - it was loaded, or had raised
    hashes, section = loaded.info_hashes(), loaded.info_section()
    return hashes_of(section, v1=hashes.has_v1(), v2=hashes.has_v2()), section

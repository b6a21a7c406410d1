"""The bytes of an info dictionary, read by libtorrent's own decoder (BEP 3)."""

from typing import cast

import libtorrent as lt

from services.errors import NotFound
from services.resolvers.libtorrent.lookups import Metadata
from services.resolvers.metadata import describe
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

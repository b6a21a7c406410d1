"""The embedded source: libtorrent, for metadata alone (BEP 3, 5, 9, 10, 29, 52). The product's only imports of it.

Each *info-hash* is one torrent of the session, a hybrid is two: lookups whose hashes overlap share torrents, and one
that pairs a good v1 with a foreign v2 hash does not take the good one from others.
"""

from services.resolvers.libtorrent.decoding import read_torrent
from services.resolvers.libtorrent.resolver import LibtorrentResolver
from services.resolvers.libtorrent.settings import on_any_port

__all__ = ["LibtorrentResolver", "on_any_port", "read_torrent"]

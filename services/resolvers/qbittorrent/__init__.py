"""A qBittorrent of the operator's as a source, asked by its Web API. What is put there for a lookup is taken away."""

from services.resolvers.qbittorrent.resolver import QbittorrentResolver
from services.resolvers.qbittorrent.server import Login, Server

__all__ = ["Login", "QbittorrentResolver", "Server"]

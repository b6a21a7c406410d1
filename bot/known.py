"""What the database has of claims, for the source of names that tells them."""

from dataclasses import dataclass

from services.store.store import Store
from services.torrents import TorrentId, TorrentInfo


@dataclass(frozen=True, slots=True)
class KnownClaims:
    """See `services.resolvers.cache.KnownNames`."""

    store: Store

    async def claim(self, torrent: TorrentId) -> TorrentInfo | None:
        return await self.store.read(lambda tx: tx.names.claimed(torrent))

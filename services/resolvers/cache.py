"""What was claimed before, as a source: told at once, while the others are asked."""

from typing import Protocol

import structlog

from services.errors import LookupFailed, StoreUnavailable
from services.resolvers.port import Resolver
from services.torrents import Hints, Progress, TorrentId, TorrentInfo

log = structlog.stdlib.get_logger(__name__)


class KnownNames(Protocol):
    """Where claims are kept."""

    async def claim(self, torrent: TorrentId) -> TorrentInfo | None:
        """Return what was last claimed of exactly these hashes, with the source that did; None where nothing was.

        Raises:
            StoreUnavailable: it cannot be read.
        """


class CacheResolver:
    """A `Resolver` that tells what is *known* to be claimed, and then asks *sources*.

    They are asked as if nothing was known: what one of them says, a newer claim too, is the answer. Where none has a
    name the known claim is, with the source that made it.
    """

    label = "cache"

    def __init__(self, sources: Resolver, known: KnownNames) -> None:
        self._sources = sources
        self._known = known
        self._looking: dict[TorrentId, Hints] = {}

    async def resolve(self, torrent: TorrentId, hints: Hints, progress: Progress) -> TorrentInfo:
        """See `Resolver.resolve`.

        Raises:
            LookupFailed: nothing is known, and no source has the name: as they say.
        """
        self._looking[torrent] = hints
        try:
            claim = await self._claim(torrent)
        finally:
            hints = self._looking.pop(torrent)
        if claim is not None:
            progress.claimed(claim)
        try:
            return await self._sources.resolve(torrent, hints, progress)
        except LookupFailed:
            if claim is None:
                raise
            return claim

    def add_hints(self, torrent: TorrentId, hints: Hints) -> None:
        """See `Resolver.add_hints`."""
        if torrent in self._looking:
            self._looking[torrent] = self._looking[torrent].merged(hints)
        else:
            self._sources.add_hints(torrent, hints)

    async def _claim(self, torrent: TorrentId) -> TorrentInfo | None:
        try:
            return await self._known.claim(torrent)
        except StoreUnavailable as error:
            log.error("store.unavailable", **error.parameters)  # noqa: TRY400 - no bug: the sources are asked
            return None

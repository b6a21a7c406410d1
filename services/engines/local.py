"""Lookups in this process: a resolver as an engine."""

from services.calibration.ports import CalibrationResult, LookupRequest
from services.resolvers.port import Resolver
from services.torrents import Hints, Progress, TorrentId


class LocalEngine:
    """Runs each lookup on *resolver*, at once."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver

    async def __call__(self, lookup: LookupRequest, progress: Progress, /) -> CalibrationResult:
        return CalibrationResult(await self._resolver.resolve(lookup.torrent, lookup.hints, progress))

    def add_hints(self, torrent: TorrentId, hints: Hints) -> None:
        self._resolver.add_hints(torrent, hints)

    async def detach(self) -> None:
        """Do nothing: a local lookup ends with its cancellation."""

"""Links that are found again in another text though a hash of theirs was added or taken out."""

from collections.abc import Iterable, Sequence

from services.torrents import TorrentId


class Kin:
    """Some *torrents*, to find one of them again by the hashes that it has by now.

    Of a pair each half is kin, and the other way round. Two pairs that share a hash are two torrents.
    """

    def __init__(self, torrents: Iterable[TorrentId]) -> None:
        self._there = dict.fromkeys(torrents)
        self._pairs: dict[TorrentId, list[TorrentId]] = {}
        for one in self._there:
            for half in _halves(one):
                self._pairs.setdefault(half, []).append(one)

    def of(self, torrent: TorrentId) -> Sequence[TorrentId]:
        """Return *torrent* where it is one of them, else all of its kin: none, one or several."""
        if torrent in self._there:
            return [torrent]
        return self._pairs.get(torrent) or [half for half in _halves(torrent) if half in self._there]


def _halves(torrent: TorrentId) -> Sequence[TorrentId]:
    hashes = torrent.hashes
    return [TorrentId.of(one) for one in hashes] if len(hashes) > 1 else []

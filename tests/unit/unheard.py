"""A session of ours over one of libtorrent that takes what is added when a test lets it."""

from types import SimpleNamespace
from typing import Any, cast

import libtorrent as lt

from services.resolvers.libtorrent.session import Session
from services.torrents import InfoHash


class Unheard:
    """In libtorrent's place: what was added, and not taken or refused yet, stands in line, the first that came first.

    *added* are the info-hashes, *told* the trackers and peers of each, *held* the handles that are there.
    """

    def __init__(self) -> None:
        self.session = Session(cast("lt.session", self), "plain", leads=True)
        self.added: list[InfoHash] = []
        self.told: list[tuple[list[str], list[tuple[str, int]]]] = []
        self.held: list[object] = []
        self._tickets: list[str] = []

    def async_add_torrent(self, params: lt.add_torrent_params) -> None:
        hashes = params.info_hashes
        self.added.append(InfoHash(str(hashes.v2 if hashes.has_v2() else hashes.v1)))
        self.told.append((list(params.trackers), list(params.peers)))
        self._tickets.append(params.save_path)

    def remove_torrent(self, handle: object) -> None:
        self.held.remove(handle)

    def take(self, handle: object) -> None:
        self.held.append(handle)
        self._tell(handle, lt.error_code())

    def refuse(self) -> None:
        self._tell(None, lt.error_code(1, lt.generic_category()))

    def _tell(self, handle: object, error: lt.error_code) -> None:
        params = SimpleNamespace(save_path=self._tickets.pop(0))
        self.session.added(cast("Any", SimpleNamespace(params=params, error=error, handle=handle)))

    def close(self) -> None:
        self.session._bell.close()
        self.session._rope.close()

"""Where peers lie: each is heard alone, so that what it gives is not mixed with what others give.

libtorrent puts metadata together from the pieces of several peers. One liar among them spoils it again and again, and
it bans nobody, since it cannot tell who it was.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import libtorrent as lt
import structlog

from services.errors import ResolverDown
from services.resolvers.libtorrent.evidence import Endpoint
from services.resolvers.libtorrent.lookups import Board, SoughtTorrent
from services.resolvers.libtorrent.session import Handle, Session, connections
from services.torrents import Hints

_PATIENCE = 1.0  # seconds that a peer is heard for the first time; each time twice as many
_MOST_TIMES = 10
_TALK = 2.0  # seconds since the first connection, without a name, after which peers are doubted

Found = Callable[[Handle, lt.torrent_info | None], None]
"""Is told what was found for whom the leading session knows by that handle."""

_log = structlog.get_logger(__name__)


@dataclass(slots=True, eq=False)
class _Hearing:
    """One *peer* is heard about *torrent*, until the clock's seconds are *until*."""

    torrent: SoughtTorrent[Handle]
    peer: Endpoint
    until: float


class Lane:
    """Hears the peers that are connected in the session *of*, in a *session* that connects as that one does.

    One at a time for each torrent. *found* is told of metadata.
    """

    def __init__(self, of: Session, session: Session, found: Found) -> None:
        self.session = session
        self._of = of
        self._found = found
        self._hearings: dict[Handle, _Hearing] = {}

    def hear(self) -> None:
        """Take in what the session says."""
        for alert in self.session.alerts():
            match alert:
                case lt.metadata_received_alert():
                    if hearing := self._hearings.get(alert.handle):
                        self._found(hearing.torrent.handle, alert.handle.torrent_file())
                case lt.metadata_failed_alert() | lt.peer_disconnected_alert() | lt.peer_error_alert():
                    self._end(alert.handle)
                case lt.torrent_error_alert():
                    self._end(alert.handle)

    def look(self, torrents: Sequence[SoughtTorrent[Handle]], now: float) -> None:
        """Hear the next peer of each of *torrents*, where none is heard. *now* in the clock's seconds."""
        for handle, hearing in list(self._hearings.items()):
            if not hearing.torrent.wanted or now >= hearing.until:
                self._end(handle)
        heard = {hearing.torrent for hearing in self._hearings.values()}
        for torrent in torrents:
            if torrent not in heard:
                self._begin(torrent, now)

    def _begin(self, torrent: SoughtTorrent[Handle], now: float) -> None:
        handle = next((one for one, holder in torrent.racing() if holder is self._of), None)
        if handle is None:
            return
        can = [one for one in connections(handle, self._of.way) if one.tried and one.stands]
        can = [one for one in can if torrent.heard[one.peer] < _MOST_TIMES]
        if not can:
            return
        # Who has not spoken yet may have had no turn, where liars have used up what the torrent may fetch.
        peer = min(can, key=lambda one: (torrent.heard[one.peer], not one.talks, -one.rate)).peer
        torrent.heard[peer] += 1
        try:
            alone = self.session.add(torrent.info_hash, Hints(peers=(peer,)), alone=True)
        except ResolverDown as error:  # the one before may not have gone yet; there is a next time
            _log.debug("swarm.lane", way=self.session.way, **error.parameters)
            return
        torrent.alone[alone] = self.session
        self._hearings[alone] = _Hearing(torrent, peer, now + _PATIENCE * 2 ** (torrent.heard[peer] - 1))

    def _end(self, handle: Handle) -> None:
        hearing = self._hearings.pop(handle, None)
        if hearing and hearing.torrent.alone.pop(handle, None):  # else all of it has gone
            self.session.remove(handle)


def doubted(board: Board[Handle], now: float) -> list[SoughtTorrent[Handle]]:
    """Return the torrents on *board* of which peers must be heard alone."""
    every = [torrent for torrent in board.torrents.values() if torrent.wanted]
    for torrent in every:
        if torrent.talking_since is None:
            torrent.talking_since = now if torrent.sightings.connections else None
        elif now - torrent.talking_since >= _TALK:
            torrent.doubted = True
    return [torrent for torrent in every if torrent.doubted]

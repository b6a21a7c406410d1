"""Where peers lie: each is heard alone, so that what it gives is not mixed with what others give.

libtorrent puts metadata together from the pieces of several peers. One liar among them spoils it again and again, and
it bans nobody, since it cannot tell who it was.
"""

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import libtorrent as lt
import structlog

from services.errors import ResolverDown
from services.resolvers.libtorrent.alerts import MISMATCHING_INFO_HASH, UNANSWERED
from services.resolvers.libtorrent.doubts import BRINGS
from services.resolvers.libtorrent.evidence import Connection, Whereabouts
from services.resolvers.libtorrent.lookups import Board, SoughtTorrent
from services.resolvers.libtorrent.session import Handle, Session, connections
from services.resolvers.libtorrent.settings import LARGEST_METADATA, WAYS_IN_TURN
from services.torrents import Hints

_PATIENCE = 1.5  # seconds that a peer is heard for the first time; each time twice as many
_IN_TURN = 4.0  # the same, where it is tried by uTP, by TCP and with encryption, one after the other
_MOST_PATIENCE, _MOST_APART = 12.0, 8.0
_LULL = 3.0  # seconds between two pieces of a slow peer, who is heard on
_MOST_LULLS = 4.0  # times its patience, once all were heard: who brings without end may not keep the others from it
_MOST_TIMES = 10
_MOST_BYTES = LARGEST_METADATA + 2**20  # from one peer, with all else that it says
_AT_ONCE = 10  # torrents: each costs a few calls that wait for libtorrent, and memory for what a peer says there is
_MOST_LOOKED_AT = 20  # torrents: whether somebody can be heard costs a call, too

Found = Callable[[SoughtTorrent[Handle], lt.torrent_info | None], None]
"""Is told what was found for a torrent."""

_log = structlog.get_logger(__name__)


@dataclass(slots=True, eq=False)
class _Hearing:
    """One *peer* is heard about *torrent*, until the clock's seconds are *until*; perhaps it has *hung_up* once.

    While it *brings* something it is heard on, until they are *at_most* so many.
    """

    torrent: SoughtTorrent[Handle]
    peer: Connection
    until: float
    at_most: float
    brings: bool = False
    hung_up: bool = False


class Lane:
    """Hears the peers that are connected in the session *of*, in a *session* that connects as that one does.

    One at a time for each torrent, and nobody who is *here*. *found* is told of metadata.
    """

    def __init__(self, of: Session, session: Session, here: Whereabouts, found: Found) -> None:
        self.session = session
        self._of = of
        self._here = here
        self._found = found
        self._hearings: dict[Handle, _Hearing] = {}

    def hear(self) -> None:
        """Take in what the session says. Never fails."""
        for alert in self.session.alerts():
            try:
                self._take(alert)
            except Exception:  # noqa: BLE001 - the queue is empty now: one that is sick may not cost the others
                _log.exception("an alert of a lane was passed over", alert=alert.what())

    def _take(self, alert: lt.alert) -> None:
        match alert:
            case lt.metadata_received_alert():
                self._on_metadata(alert.handle, alert.handle.torrent_file())
            case lt.torrent_conflict_alert():  # a hybrid that is heard by each of its hashes: both stop, in error
                for handle in (alert.handle, alert.conflicting_torrent):
                    self._on_metadata(handle, alert.metadata)
            case lt.listen_succeeded_alert():
                self._here.listen(alert.address, alert.port)
            case lt.metadata_failed_alert() | lt.torrent_error_alert():
                self._on_failure(alert)
            case lt.peer_disconnected_alert() | lt.peer_error_alert() if not self._tries_again(alert):
                self._on_hanging_up(alert.handle)
            case lt.state_update_alert():
                for state in alert.status:
                    self._on_state(state)

    def measure(self) -> None:
        """Have the session say how much each peer has sent that is heard."""
        if self._hearings:
            self.session.post_states()

    def _on_state(self, state: lt.torrent_status) -> None:
        if state.total_download > _MOST_BYTES:
            self._on_lie(state.handle)
        elif hearing := self._hearings.get(state.handle):
            hearing.brings = state.download_rate >= BRINGS

    def _on_failure(self, alert: lt.metadata_failed_alert | lt.torrent_error_alert) -> None:
        if isinstance(alert, lt.metadata_failed_alert) and alert.error.value() == MISMATCHING_INFO_HASH:
            self._on_lie(alert.handle)
        else:
            self._end(alert.handle)

    def _on_lie(self, handle: Handle) -> None:
        """End what is to be heard, for good: nobody else can have given what is wrong, or more than metadata is."""
        if hearing := self._hearings.get(handle):
            hearing.torrent.doubts.liars |= {hearing.peer.peer}
        self._end(handle)

    def _tries_again(self, alert: lt.peer_disconnected_alert | lt.peer_error_alert) -> bool:
        """Whether the session connects in several ways, one after another, and may yet find the one that is right."""
        hearing = self._hearings.get(alert.handle)
        if hearing is None or self._of.way not in WAYS_IN_TURN:
            return False
        if not hearing.peer.talks or alert.op in UNANSWERED:
            return True
        first, hearing.hung_up = not hearing.hung_up, True
        return first  # who insists on encryption hangs up where it is greeted without

    def _on_hanging_up(self, handle: Handle) -> None:
        """End what was to be heard; who talks in the race and hangs up here may bear one connection from us."""
        if hearing := self._hearings.get(handle):
            doubts, way, peer = hearing.torrent.doubts, self._of.way, hearing.peer
            if peer.talks:
                doubts.refuse(way, peer.peer)
            else:
                doubts.silent_until[way, peer.peer] = hearing.until
        self._end(handle)

    def _on_metadata(self, handle: Handle, info: lt.torrent_info | None) -> None:
        if hearing := self._hearings.get(handle):
            self._found(hearing.torrent, info)

    def look(self, torrents: Sequence[SoughtTorrent[Handle]], now: float) -> None:
        """Hear the next peer of each of *torrents*, where none is heard. *now* in the clock's seconds."""
        for handle, hearing in list(self._hearings.items()):
            if hearing.brings:
                hearing.until = min(max(hearing.until, now + _LULL), hearing.at_most)
            if not hearing.torrent.wanted or now >= hearing.until:
                self._end(handle)
        heard = {hearing.torrent for hearing in self._hearings.values()}
        due = (one for one in torrents if one not in heard and _somebody_may_talk(one) and one.doubts.can_hear(now))
        for torrent in heapq.nsmallest(_MOST_LOOKED_AT, due, key=self._urgency):
            if len(self._hearings) < _AT_ONCE:
                torrent.doubts.looked[self._of.way] = now
                self._begin(torrent, now)

    def _urgency(self, torrent: SoughtTorrent[Handle]) -> tuple[bool, float]:
        """Return what is the less the sooner *torrent* is to have its turn: where nobody lied they may all be dead."""
        return not torrent.doubts.ever_lied, torrent.doubts.looked.get(self._of.way, 0.0)

    def _begin(self, torrent: SoughtTorrent[Handle], now: float) -> None:
        peer = self._next(torrent, now)
        if peer is None:
            return
        try:
            alone = self.session.add(torrent.info_hash, Hints(peers=(peer.peer,)), alone=True)
        except ResolverDown as error:  # the one before may not have gone yet; there is a next time
            _log.debug("swarm.lane", way=self.session.way, **error.parameters)
            return
        torrent.alone[alone] = self.session
        times = torrent.doubts.hear(self._of.way, peer.peer)
        most = _MOST_PATIENCE if torrent.doubts.apart is None else _MOST_APART
        first = _IN_TURN if self._of.way in WAYS_IN_TURN else _PATIENCE
        patience = min(first * 2 ** (times - 1), most)
        longest = patience * _MOST_LULLS if times > 1 else patience
        self._hearings[alone] = _Hearing(torrent, peer, now + patience, now + longest)

    def _next(self, torrent: SoughtTorrent[Handle], now: float) -> Connection | None:
        """Return who is to be heard: the one that was least often, of those who talk, the fastest."""
        doubts, way = torrent.doubts, self._of.way
        if doubts.apart is not None:
            left = [one for one in doubts.candidates.get(way, ()) if one.peer not in doubts.apart | doubts.liars]
            return left[0] if left else None
        handle = next((one for one, holder in torrent.racing() if holder is self._of), None)
        every = [] if handle is None else connections(handle, way)
        can = [one for one in every if one.tried and one.stands and not self._here.are(one.peer)]
        can = [one for one in can if doubts.heard[way, one.peer] < _MOST_TIMES and one.peer not in doubts.liars]
        # Who has not spoken yet may have had no turn, where liars have used up what the torrent may fetch.
        can.sort(key=lambda one: (doubts.heard[way, one.peer], not one.talks, -one.rate))
        doubts.candidates[way] = can
        heeded = (one for one in can if one.talks or doubts.silent_until.get((way, one.peer), now) <= now)
        only = len(torrent.sightings.standing) == 1
        useful = (one for one in heeded if not doubts.spare(one.rate, now, only=only))
        return next((one for one in useful if (way, one.peer) not in doubts.refusers), None)

    def _end(self, handle: Handle) -> None:
        hearing = self._hearings.pop(handle, None)
        if hearing and hearing.torrent.alone.pop(handle, None):  # else all of it has gone
            self.session.remove(handle)


def _somebody_may_talk(torrent: SoughtTorrent[Handle]) -> bool:
    """Whether it is worth to look who: how many stand is known half a second later, who has lied did stand."""
    return torrent.doubts.lied or torrent.doubts.unheard or bool(torrent.sightings.standing)


def doubted(board: Board[Handle], now: float) -> list[SoughtTorrent[Handle]]:
    """Return the torrents on *board* of which peers must be heard alone."""
    every = [torrent for torrent in board.torrents.values() if torrent.wanted]
    for torrent in every:
        torrent.doubts.look(now, connected=bool(torrent.sightings.standing))
    return [torrent for torrent in every if torrent.doubts.stand]

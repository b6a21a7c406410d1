"""What libtorrent says of its own accord, taken down where it belongs: ends, and evidence."""

import errno
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from functools import partial
from sys import intern

import libtorrent as lt
import structlog

from services.errors import NotFound, ResolverDown
from services.resolvers.libtorrent.decoding import metadata_of
from services.resolvers.libtorrent.evidence import DhtSightings, Whereabouts
from services.resolvers.libtorrent.lookups import Board, Failure, Metadata, SoughtTorrent
from services.resolvers.libtorrent.race import Race
from services.resolvers.libtorrent.session import Handle, Session, ask_again
from services.resolvers.libtorrent.settings import LARGEST_METADATA

ALERTS = (
    lt.alert_category.error
    | lt.alert_category.status
    | lt.alert_category.tracker
    | lt.alert_category.connect
    | lt.alert_category.peer
)
"""The categories that `Alerts` reads from, as an alert mask."""

ALERTS_BESIDE = ALERTS | lt.alert_category.dht_operation
"""Those of a session beside the leading one: its DHT is asked by hand, and must say what it has found."""

BOOTSTRAP = lt.alert_category.dht
"""The one that tells of the DHT's bootstrap: it wakes us for every question that the DHT asks of us, too."""

UNANSWERED = (lt.operation_t.sock_open, lt.operation_t.sock_bind, lt.operation_t.connect)
"""What failed where a peer did not take a connection."""

_MUCH = 512 * 1_024  # bytes: most metadata has less
_ENOUGH = 2 * LARGEST_METADATA  # bytes: whoever sends so many without an end is a liar, or has too large metadata
_TRICKLE = 512 * 1_024  # bytes a second: of less, whoever comes later waits until what came too fast is made up for
_QUESTIONS = tuple(
    f"dht.dht_{question}_in"
    for question in ("ping", "find_node", "get_peers", "announce_peer", "get", "put", "sample_infohashes")
)
_PORT_TAKEN = "another program has the port: end it, or set resolvers.libtorrent.listen_interfaces to a free one"
_DUPLICATE_TORRENT = 19  # libtorrent's error codes
MISMATCHING_INFO_HASH = 30
_TIMED_OUT = 36
_SELF_CONNECTION = 47
_TRACKERS_OWN_WORD = 173  # that it refuses; its reason may be empty, and in any encoding
_ASKED_ANEW = 2
"""How often a tracker that is silent is asked again at once: to lose one datagram is enough for that."""

_HEARD = frozenset(
    {
        *(lt.metadata_received_alert, lt.metadata_failed_alert, lt.torrent_conflict_alert, lt.torrent_error_alert),
        lt.add_torrent_alert,
        *(lt.peer_connect_alert, lt.peer_disconnected_alert, lt.peer_error_alert, lt.state_update_alert),
        *(lt.tracker_reply_alert, lt.tracker_error_alert, lt.session_stats_alert, lt.external_ip_alert),
        *(lt.dht_bootstrap_alert, lt.dht_get_peers_reply_alert, lt.listen_succeeded_alert, lt.listen_failed_alert),
    }
)  # of what comes, more than half is of other kinds

_log = structlog.get_logger(__name__)


class Alerts:
    """Takes what *session* says onto *board*, what it says of the DHT to *dht*, and where it is *here*.

    *race* is told of peers; *again*, that what the DHT was asked is lost. *ports* are those that it shall listen on;
    libtorrent takes others, and says nothing, where they are in use.
    """

    def __init__(
        self,
        session: Session,
        board: Board[Handle],
        dht: DhtSightings,
        here: Whereabouts,
        *,
        race: Race,
        again: Callable[[Iterable[SoughtTorrent[Handle]]], None],
        ports: Collection[int] = (),
    ) -> None:
        self._session = session
        self._board = board
        self._dht = dht
        self._here = here
        self._race = race
        self._again = again
        self._ports = ports
        self._stats_asked = False

    def ask_about_dht(self) -> None:
        """Let libtorrent say what it knows of the DHT, unless that is on its way, or there is none."""
        if self._dht.asked and not self._stats_asked:
            self._stats_asked = True
            self._session.post_stats()

    def hear(self) -> None:
        """Take in all that is new. Never fails."""
        for alert in self._session.alerts():
            if type(alert) not in _HEARD:
                continue
            try:
                self._on_end(alert)
                self._on_news(alert)
            except Exception:  # noqa: BLE001 - the queue is empty now: one that is sick may not cost other people theirs
                _log.exception("an alert of the swarm was passed over", alert=alert.what())

    def _on_end(self, alert: lt.alert) -> None:
        match alert:
            case lt.add_torrent_alert():
                self._session.added(alert)
            case lt.metadata_received_alert():
                self._on_metadata(alert.handle, alert.handle.torrent_file())
            case lt.torrent_conflict_alert():  # a hybrid that is here by each of its hashes: both stop, in error
                for handle in (alert.handle, alert.conflicting_torrent):
                    self._on_metadata(handle, alert.metadata)
            case lt.metadata_failed_alert() if alert.error.value() == MISMATCHING_INFO_HASH:
                if torrent := self._board.running.get(alert.handle):
                    torrent.doubts.lie()
            case lt.metadata_failed_alert():
                self._on_failure(alert.handle, partial(NotFound, reason="metadata_unusable"))
            case lt.torrent_error_alert() if alert.error.value() != _DUPLICATE_TORRENT:
                self._on_failure(alert.handle, partial(ResolverDown, reason=alert.error.message()))

    def _on_news(self, alert: lt.alert) -> None:
        match alert:
            case lt.peer_connect_alert() | lt.peer_disconnected_alert() | lt.peer_error_alert():
                self._on_peer(alert)
            case lt.state_update_alert():
                self._on_states(alert.status)
            case lt.tracker_reply_alert():
                self._on_tracker_answer(alert)
            case lt.tracker_error_alert() if alert.error.value() == _TRACKERS_OWN_WORD:
                self._on_tracker_answer(alert)
            case lt.tracker_error_alert() if alert.error.value() == _TIMED_OUT:
                self._on_silent_tracker(alert)
            case lt.session_stats_alert():
                self._on_stats(alert.values)
            case lt.dht_bootstrap_alert() | lt.dht_get_peers_reply_alert():
                self._on_dht(alert)
            case lt.external_ip_alert():  # some stranger's word: too little to keep a place off everybody
                self._here.named.append(alert.external_address)
            case lt.listen_succeeded_alert() | lt.listen_failed_alert():
                self._on_listening(alert)

    def _on_listening(self, alert: lt.listen_succeeded_alert | lt.listen_failed_alert) -> None:
        if isinstance(alert, lt.listen_failed_alert):
            _log.warning("cannot listen", on=alert.listen_interface(), error=alert.error.message())
            return
        self._here.listen(alert.address, alert.port)
        if self._ports and alert.port not in self._ports:
            _log.warning("swarm.other_port", wanted=sorted(self._ports), listens_on=alert.port, remedy=_PORT_TAKEN)

    def _on_failure(self, handle: Handle, failure: Failure) -> None:
        if torrent := self._board.running.get(handle):
            self._end(torrent, failure)

    def _on_metadata(self, handle: Handle, info: lt.torrent_info | None) -> None:
        if torrent := self._board.running.get(handle):
            self.found(torrent, info)

    def found(self, torrent: SoughtTorrent[Handle], info: lt.torrent_info | None) -> None:
        """End *torrent* with *info*, where that is still wanted."""
        if info is not None and torrent.wanted:
            self.brought(torrent, metadata_of(info))

    def brought(self, torrent: SoughtTorrent[Handle], given: Metadata) -> None:
        """End *torrent* with *given*, where that is still wanted."""
        if torrent.wanted:
            self._end(torrent, given)
            for info_hash in given[0].hashes:  # it may be sought by its other hash, too
                if (other := self._board.sought(info_hash)) and other.wanted:
                    self._end(other, given)

    def _end(self, torrent: SoughtTorrent[Handle], given: Metadata | Failure) -> None:
        """End *torrent*. With its metadata a hybrid occupies its other hash too: it goes at once."""
        self._board.end(torrent, given)
        if callable(given) or len(given[0].hashes) > 1:
            torrent.remove()
        else:
            self._race.retire(torrent)

    def _on_states(self, states: Sequence[lt.torrent_status]) -> None:
        for state in states:
            if torrent := self._board.running.get(state.handle):
                torrent.doubts.much |= state.total_download > _MUCH
                if state.total_download > _ENOUGH:
                    state.handle.set_download_limit(_TRICKLE)  # else it fetches and refuses at full speed, for ever
                    if not torrent.doubts.ever_lied:
                        torrent.doubts.lie()
                torrent.sightings.count(
                    known=state.list_peers,
                    connections=state.num_peers,
                    seeds=state.num_complete,  # -1 where no tracker has said
                    by=self._session.way,
                )

    def _on_tracker_answer(self, alert: lt.tracker_alert) -> None:
        if torrent := self._board.running.get(alert.handle):
            torrent.sightings.answered.add(intern(alert.url))  # the string that `AddressPolicy` gave

    def _on_silent_tracker(self, alert: lt.tracker_error_alert) -> None:
        """Ask it again where no tracker has answered: libtorrent itself would wait for half a minute."""
        torrent = self._board.running.get(alert.handle)
        if torrent and not torrent.sightings.answered and alert.times_in_row <= _ASKED_ANEW:
            ask_again(alert.handle, alert.url)

    def _on_dht(self, alert: lt.dht_bootstrap_alert | lt.dht_get_peers_reply_alert) -> None:
        if isinstance(alert, lt.dht_bootstrap_alert):
            self._again(self._board.torrents.values())
        elif torrent := self._board.torrents.get(str(alert.info_hash)):
            self._race.named(torrent, alert.peers())

    def _on_stats(self, values: dict[str, int]) -> None:
        self._stats_asked = False
        self._dht.nodes = values["dht.dht_nodes"]
        self._dht.messages = values["dht.dht_messages_in"] - values["dht.dht_messages_in_dropped"]
        self._dht.questions = sum(values[question] for question in _QUESTIONS)
        for lookup in self._board.lookups:
            lookup.dht_before.setdefault(self._session.way, replace(self._dht))

    def _on_peer(self, alert: lt.peer_connect_alert | lt.peer_disconnected_alert | lt.peer_error_alert) -> None:
        """Take in that a connection to a peer is tried, or is over: with an error where the peer spoke nonsense."""
        torrent = self._board.running.get(alert.handle)
        if torrent is None:
            return
        sightings = torrent.sightings
        if isinstance(alert, lt.peer_connect_alert):
            again = alert.endpoint in sightings.dialled
            sightings.tried(alert.endpoint, self._here)
            if alert.endpoint not in torrent.known and "outgoing" in alert.message():  # others come from any port
                self._race.dialled(torrent, alert.endpoint, self._session, again=again)
        elif alert.error.value() == _SELF_CONNECTION:
            sightings.was_ourselves(alert.endpoint)
        else:
            # Whoever takes a connection and drops it at once may seem to have dropped it before.
            met = alert.op not in UNANSWERED or alert.error.value() == errno.ECONNRESET
            sightings.over(alert.endpoint, met=met)

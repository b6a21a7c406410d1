"""The embedded source: libtorrent, for metadata alone (BEP 3, 5, 9, 10, 29, 52). The product's only import of it.

Each *info-hash* is one torrent of the session, a hybrid is two: lookups whose hashes overlap share torrents, and one
that pairs a good v1 with a foreign v2 hash does not take the good one from others.
"""

import asyncio
import heapq
import socket
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Self, cast

import libtorrent as lt
import structlog

from services.clock import Clock, SystemClock
from services.errors import NotFound, ResolverDown
from services.resolvers import kept_state
from services.resolvers.addresses import AddressPolicy, own_addresses
from services.resolvers.evidence import DhtSightings
from services.resolvers.lookups import Board, Failure, Lookup, Metadata, SoughtTorrent
from services.resolvers.metadata import describe, hashes_of
from services.resolvers.settings import LARGEST_METADATA, session_settings
from services.torrents import Hints, InfoHash, Progress, TorrentId, TorrentInfo

DHT_BOOTSTRAP_NODES = ("dht.libtorrent.org:25401", "router.bittorrent.com:6881", "dht.transmissionbt.com:6881")

_MOST_HINTS = 100
_TICK = 0.25
_REPORT_EVERY = 0.5
_SAVE_EVERY = 300.0
_WATCH_BOOTSTRAP = 30.0
_MOST_LOOKED_AT = 50
_ENOUGH = 2 * LARGEST_METADATA  # bytes: whoever sends so many without an end is a liar, or has too large metadata
_TRICKLE = 64 * 1_024  # bytes a second

_CATEGORIES = lt.alert_category.error | lt.alert_category.status | lt.alert_category.tracker | lt.alert_category.connect
_DUPLICATE_TORRENT = 19  # libtorrent's error codes
_MISMATCHING_INFO_HASH = 30
_DHT_STATE = lt.save_state_flags_t.save_dht_state
_NOWHERE = "/dev/null/calibot"  # where nobody, not even root, can make a file
_FLAGS = (
    lt.torrent_flags.upload_mode  # no payload
    | lt.torrent_flags.default_dont_download  # nor a file for it
    | lt.torrent_flags.duplicate_is_error
    | lt.torrent_flags.disable_lsd
    | lt.torrent_flags.apply_ip_filter  # without it the filter is passed by
    | lt.torrent_flags.update_subscribe
)

_log = structlog.get_logger(__name__)

_Lookup = Lookup[lt.torrent_handle]
_Torrent = SoughtTorrent[lt.torrent_handle]


@dataclass(slots=True)
class _Turn:
    """When the watch was *opened*, when it last *saved* and *reported*, and whether the DHT is *bootstrapping*."""

    opened: float
    saved: float
    reported: float
    bootstrapping: bool


class LibtorrentResolver:
    """A `Resolver` that asks the swarm itself. `open` makes one."""

    label = "swarm"

    def __init__(self, session: lt.session, policy: AddressPolicy, clock: Clock, *, dht: bool) -> None:
        self._session = session
        self._policy = policy
        self._clock = clock
        self._dht = DhtSightings(asked=dht)
        self._dht_messages = 0
        self._stats_asked = False
        self._own: set[tuple[str, int]] = set()
        self._named: deque[tuple[str, int]] = deque(maxlen=20)
        self._board: Board[lt.torrent_handle] = Board()
        self._closed = False

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        *,
        listen_interfaces: str = "0.0.0.0:0,[::]:0",
        dht: bool = True,
        dht_bootstrap_nodes: Sequence[str] = DHT_BOOTSTRAP_NODES,
        allow_private_peers: bool = False,
        allowed_addresses: Sequence[str] = (),
        dht_state: Path | None = None,
        clock: Clock | None = None,
    ) -> AsyncIterator[Self]:
        """Yield a resolver with a session of its own. At the end, lookups under way fail with ResolverDown.

        Args:
            listen_interfaces: ``address:port``, comma-separated; port 0 is any.
            dht: whether to use the DHT (BEP 5).
            dht_bootstrap_nodes: ``host:port`` each; the operator's own word, not held back by any filter.
            allow_private_peers: contact private, loopback and link-local addresses too.
            allowed_addresses: addresses or networks (CIDR) to contact though they are private.
            dht_state: a file that keeps the DHT's nodes between starts; made when missing, passed over when broken.
            clock: for the repeated announces and the pace of progress.

        Raises:
            ResolverDown: libtorrent could not be started.
        """
        policy = AddressPolicy(allow_private_peers, tuple(allowed_addresses))
        settings = session_settings(
            listen_interfaces=listen_interfaces,
            dht=dht,
            dht_bootstrap_nodes=dht_bootstrap_nodes,
            alert_mask=_CATEGORIES | (lt.alert_category.dht if dht else 0),
        )
        self = cls(*await asyncio.to_thread(_start, settings, policy, dht_state), clock or SystemClock(), dht=dht)
        bell, rope = socket.socketpair()
        for end in (bell, rope):
            end.setblocking(False)  # noqa: FBT003 - it takes no keyword
        watching = asyncio.create_task(self._watch(dht_state), name="swarm")
        # Not set_alert_notify: its Python callback waits for the interpreter while a call into libtorrent holds it.
        self._session.set_alert_fd(rope.fileno())
        asyncio.get_running_loop().add_reader(bell, self._on_bell, bell)
        try:
            yield self
        finally:
            self._end_lookups()
            asyncio.get_running_loop().remove_reader(bell)
            await asyncio.shield(asyncio.create_task(self._close(watching, dht_state, bell, rope)))

    async def resolve(self, torrent: TorrentId, hints: Hints, progress: Progress) -> TorrentInfo:
        """See `Resolver.resolve`. Steps are those of `evidence.step`; at most two a second, and only when they differ.

        Raises:
            NotFound: the metadata came and libtorrent cannot read it; parameter *reason* is ``metadata_unusable``.
                Metadata over 16 MiB is refused piece by piece, of which libtorrent says nothing: its lookup goes on,
                with peers and without a name, since another peer may tell of another size.
            ResolverDown: libtorrent refused, or is being closed.
        """
        if self._closed:
            raise ResolverDown(reason="closed")
        lookup = _Lookup(torrent, progress, asyncio.get_running_loop().create_future())
        try:
            self._begin(lookup, hints)
            progress.started()
            lookup.tell(self._heard_by(lookup))
            given = await lookup.found
        finally:
            self._remove(self._board.leave(lookup))
        if callable(given):
            raise given()
        return await asyncio.to_thread(_described, given, self.label)

    def add_hints(self, torrent: TorrentId, hints: Hints) -> None:
        """See `Resolver.add_hints`."""
        for info_hash in torrent.hashes:
            if running := self._board.sought(info_hash):
                self._hint(running, hints)

    def _begin(self, lookup: _Lookup, hints: Hints) -> None:
        self._board.begin(lookup)
        self._ask_stats()
        for info_hash in lookup.asked.hashes:
            torrent = self._board.sought(info_hash)
            if torrent is None:
                torrent = self._add(info_hash, hints)
            else:
                if torrent.info_hash.is_v1 and not info_hash.is_v1:
                    self._make_whole(torrent, info_hash)
                self._hint(torrent, hints)
            self._board.join(lookup, torrent)

    def _remove(self, handles: Sequence[lt.torrent_handle]) -> None:
        if not self._closed:  # else they have gone with their session, or will
            for handle in handles:
                self._session.remove_torrent(handle)

    def _add(self, info_hash: InfoHash, hints: Hints) -> _Torrent:
        params = _params(info_hash)
        params.trackers = [*islice(self._policy.trackers(hints.trackers), _MOST_HINTS)]
        params.peers = [*islice(self._policy.peers(hints.peers), _MOST_HINTS)]
        torrent = _Torrent(info_hash, self._added(params))
        torrent.sightings.trackers.update(params.trackers)
        torrent.sightings.hinted.update(params.peers)
        self._board.seek(torrent)
        self._announce(torrent, self._clock.monotonic())
        return torrent

    def _make_whole(self, torrent: _Torrent, info_hash: InfoHash) -> None:
        """Look *torrent* up by the v2 *info_hash* instead of its first 40 digits, which somebody took for a v1 hash.

        To libtorrent the two are one torrent. Nobody can have what is looked up by those digits alone.
        """
        if torrent.given is None:
            self._session.remove_torrent(torrent.handle)
        torrent.given = None
        params = _params(info_hash)
        params.trackers, params.peers = [*torrent.sightings.trackers], [*torrent.sightings.hinted]
        self._board.replace(torrent, info_hash, self._added(params))
        self._announce(torrent, self._clock.monotonic())

    def _added(self, params: lt.add_torrent_params) -> lt.torrent_handle:
        try:
            return self._session.add_torrent(params)
        except RuntimeError:
            # A hybrid that has just come by its other hash holds this one too, until we hear of it.
            self._hear()
        try:
            return self._session.add_torrent(params)
        except RuntimeError as error:
            raise ResolverDown(reason=str(error)) from error

    def _hint(self, torrent: _Torrent, hints: Hints) -> None:
        if torrent.given is not None:
            return
        known = torrent.sightings.trackers
        news = (url for url in hints.trackers if url not in known)
        for url in islice(self._policy.trackers(news), _MOST_HINTS - len(known)):
            known.add(url)
            torrent.handle.add_tracker({"url": url})
        room = _MOST_HINTS - len(torrent.sightings.hinted)
        for peer in islice(self._policy.peers(hints.peers), room):
            torrent.sightings.hinted.add(peer)
            torrent.handle.connect_peer(peer)

    async def _watch(self, dht_state: Path | None) -> None:
        """Announce again, ask libtorrent for news and tell them, for as long as there is a lookup."""
        now = self._clock.monotonic()
        turn = _Turn(opened=now, saved=now, reported=now, bootstrapping=self._dht.asked)
        while True:
            await self._board.busy.wait()
            await self._clock.sleep(_TICK)
            try:
                await self._take(turn, dht_state)
            except Exception:  # noqa: BLE001 - one turn that fails may not end every lookup until a restart
                _log.exception("a turn of the swarm's watch was lost")

    async def _take(self, turn: "_Turn", dht_state: Path | None) -> None:
        now = self._clock.monotonic()
        self._announce_again(now)
        if now - turn.reported >= _REPORT_EVERY:
            turn.reported = now
            self._report(now)
        if turn.bootstrapping and now - turn.opened > _WATCH_BOOTSTRAP:
            turn.bootstrapping = False  # the category wakes us for every question that the DHT asks of us
            self._session.apply_settings({"alert_mask": _CATEGORIES})
        if dht_state and self._dht.nodes and now - turn.saved > _SAVE_EVERY:
            turn.saved = now
            await asyncio.to_thread(kept_state.write, dht_state, _state(self._session))

    def _announce_again(self, now: float) -> None:
        for torrent in self._board.running.values():
            if now >= torrent.next_announce:
                self._announce(torrent, now)

    def _announce(self, torrent: _Torrent, now: float) -> None:
        if self._dht.asked:
            torrent.handle.force_dht_announce()  # by itself libtorrent begins with one torrent in four seconds
            torrent.plan_announce(now)

    def _report(self, now: float) -> None:
        self._session.post_torrent_updates(0)
        self._ask_stats()
        unclear = [one for one in self._board.running.values() if one.sightings.connected and not one.sightings.willing]
        for torrent in heapq.nsmallest(_MOST_LOOKED_AT, unclear, key=lambda one: one.looked):
            torrent.looked = now
            torrent.sightings.willing = _willing(torrent.handle)
        for lookup in self._board.lookups:
            lookup.tell(self._heard_by(lookup))

    def _ask_stats(self) -> None:
        if self._dht.asked and not self._stats_asked:
            self._stats_asked = True
            self._session.post_session_stats()

    def _heard_by(self, lookup: _Lookup) -> DhtSightings:
        """Return what the DHT showed since *lookup* began: nodes that fell silent before it do not count."""
        heard = lookup.heard is not None and self._dht_messages > lookup.heard
        return DhtSightings(self._dht.asked, self._dht.nodes if heard else 0)

    def _on_bell(self, bell: socket.socket) -> None:
        bell.recv(4_096)
        self._hear()

    def _hear(self) -> None:
        for alert in self._session.pop_alerts():  # an alert lives until the next call
            try:
                self._on_end(alert)
                self._on_news(alert)
            except Exception:  # noqa: BLE001 - the queue is empty now: one that is sick may not cost other people theirs
                _log.exception("an alert of the swarm was passed over", alert=alert.what())

    def _on_end(self, alert: lt.alert) -> None:
        match alert:
            case lt.metadata_received_alert():
                self._on_metadata(alert.handle.torrent_file(), alert.handle)
            case lt.torrent_conflict_alert():  # a hybrid that is here by each of its hashes: both stop, in error
                self._on_metadata(alert.metadata, alert.handle, alert.conflicting_torrent)
            case lt.metadata_failed_alert() if alert.error.value() != _MISMATCHING_INFO_HASH:
                self._give(alert.handle, partial(NotFound, reason="metadata_unusable"))
            case lt.torrent_error_alert() if alert.error.value() != _DUPLICATE_TORRENT:
                self._give(alert.handle, partial(ResolverDown, reason=alert.error.message()))

    def _on_news(self, alert: lt.alert) -> None:
        match alert:
            case lt.peer_connect_alert() | lt.peer_disconnected_alert():
                self._on_peer(alert)
            case lt.state_update_alert():
                self._on_states(alert.status)
            case lt.tracker_reply_alert():
                self._on_tracker_answer(alert)
            case lt.tracker_error_alert() if _is_trackers_own_word(alert):
                self._on_tracker_answer(alert)
            case lt.session_stats_alert():
                self._on_stats(alert.values)
            case lt.dht_bootstrap_alert():
                for torrent in self._board.running.values():
                    torrent.handle.force_dht_announce()  # what was asked before is lost
            case lt.external_ip_alert():  # some stranger's word: too little to keep a place off everybody
                self._named.append((alert.external_address, self._session.listen_port()))
            case lt.listen_failed_alert():
                _log.warning("cannot listen", on=alert.listen_interface(), error=alert.error.message())

    def _on_metadata(self, info: lt.torrent_info | None, *handles: lt.torrent_handle) -> None:
        if info is None:
            return
        section, hashes = info.info_section(), info.info_hashes()
        given: Metadata | Failure = (hashes_of(section, v1=hashes.has_v1(), v2=hashes.has_v2()), section)
        for handle in handles:
            self._give(handle, given)

    def _give(self, handle: lt.torrent_handle, given: Metadata | Failure) -> None:
        """End what *handle* was for. It goes at once: with its metadata a hybrid occupies its other hash too."""
        if self._board.give(handle, given):
            self._session.remove_torrent(handle)

    def _on_states(self, states: Sequence[lt.torrent_status]) -> None:
        for state in states:
            if torrent := self._board.running.get(state.handle):
                if state.total_download > _ENOUGH and state.download_rate > _TRICKLE:
                    state.handle.set_download_limit(_TRICKLE)  # else it fetches and refuses at full speed, for ever
                torrent.sightings.count(known=state.list_peers, connected=state.num_peers)

    def _on_tracker_answer(self, alert: lt.tracker_alert) -> None:
        self._own.add(alert.local_endpoint)
        if torrent := self._board.running.get(alert.handle):
            torrent.sightings.answered.add(alert.url)

    def _on_stats(self, values: dict[str, int]) -> None:
        self._stats_asked = False
        self._dht.nodes = values["dht.dht_nodes"]
        self._dht_messages = values["dht.dht_messages_in"]
        for lookup in self._board.lookups:
            if lookup.heard is None:
                lookup.heard = self._dht_messages

    def _on_peer(self, alert: lt.peer_connect_alert | lt.peer_disconnected_alert) -> None:
        """Take in that a connection to a peer is tried, or is over."""
        if torrent := self._board.running.get(alert.handle):
            if alert.endpoint in self._own or alert.endpoint in self._named:
                torrent.sightings.ourselves.add(alert.endpoint)
            elif isinstance(alert, lt.peer_disconnected_alert) and alert.op != lt.operation_t.connect:
                torrent.sightings.met.add(alert.endpoint)

    def _end_lookups(self) -> None:
        self._closed = True
        self._board.fail(partial(ResolverDown, reason="closed"))

    async def _close(
        self, watching: "asyncio.Task[None]", dht_state: Path | None, bell: socket.socket, rope: socket.socket
    ) -> None:
        watching.cancel()
        await asyncio.wait([watching])
        held = [self._session]
        del self._session  # whoever drops the last reference waits for the session's threads: not the loop
        await asyncio.to_thread(_stop, held, dht_state if self._dht.nodes else None, bell, rope)


def _start(
    settings: dict[str, int | str | bool], policy: AddressPolicy, dht_state: Path | None
) -> tuple[lt.session, AddressPolicy]:
    policy = policy.knowing_own(*own_addresses())
    params = _saved(dht_state)
    params.settings = cast("lt.settings_pack", settings)
    params.ip_filter = _ip_filter(policy)  # here, so that there is no moment without it
    try:
        return lt.session(params), policy
    except RuntimeError as error:
        raise ResolverDown(reason=str(error)) from error


def _params(info_hash: InfoHash) -> lt.add_torrent_params:
    digest = bytes.fromhex(info_hash.hex)
    params = lt.add_torrent_params()
    params.info_hashes = lt.info_hash_t(lt.sha1_hash(digest) if info_hash.is_v1 else lt.sha256_hash(digest))
    params.save_path = _NOWHERE
    params.flags = _FLAGS
    return params


def _saved(dht_state: Path | None) -> lt.session_params:
    state = kept_state.read(dht_state)
    try:
        return lt.session_params() if state is None else lt.read_session_params(state, _DHT_STATE)
    except RuntimeError as error:
        _log.warning("the DHT's state is passed over", path=str(dht_state), error=str(error))
        return lt.session_params()


def _state(session: lt.session) -> bytes:
    return lt.write_session_params_buf(session.session_state(_DHT_STATE), _DHT_STATE)


def _stop(held: list[lt.session], dht_state: Path | None, bell: socket.socket, rope: socket.socket) -> None:
    """Drop the session, then the sockets: its threads write to one of them up to their end."""
    if dht_state is not None:
        kept_state.write(dht_state, _state(held[0]))
    held.clear()
    rope.close()
    bell.close()


def _willing(handle: lt.torrent_handle) -> int:
    """Return how many peers have said that they have all that they want (BEP 21), and so the metadata.

    Nothing else that libtorrent tells of a peer before the metadata is here shows that it has it. Asks libtorrent's
    thread, about 0.1 ms.
    """
    return sum(bool(peer.flags & lt.peer_info.upload_only) for peer in handle.get_peer_info())


def _is_trackers_own_word(alert: lt.tracker_error_alert) -> bool:
    """Whether the tracker itself refused. Its reason may be in any encoding, and the binding knows UTF-8 alone."""
    try:
        return bool(alert.failure_reason())
    except UnicodeDecodeError:
        return True


def _ip_filter(policy: AddressPolicy) -> lt.ip_filter:
    made = lt.ip_filter()
    for rule in policy.rules():
        made.add_rule(rule.first, rule.last, int(rule.blocked))
    return made


def _described(given: Metadata, source: str) -> TorrentInfo:
    torrent, section = given
    try:
        info: object = lt.bdecode(section)
    except RuntimeError as error:  # more items than it counts to: some 200,000 files
        raise NotFound(reason="metadata_unusable") from error
    return describe(cast("dict[bytes, object]", info), torrent, source)

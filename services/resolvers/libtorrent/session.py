"""One libtorrent session: it starts, is asked, rings when it has news, and ends."""

import asyncio
import itertools
import socket
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self, cast

import libtorrent as lt
import structlog

from services.errors import ResolverDown
from services.resolvers.addresses import AddressPolicy
from services.resolvers.libtorrent import kept_state
from services.resolvers.libtorrent.evidence import Connection, Endpoint
from services.resolvers.libtorrent.lookups import wire_hash
from services.resolvers.libtorrent.settings import Way, bootstrap_nodes
from services.resolvers.socks import Proxy
from services.torrents import Hints, InfoHash

Handle = lt.torrent_handle
"""One torrent of a session, that is one info-hash."""

Added = Callable[[Handle | ResolverDown], None]
"""Is told by which handle a torrent is there, or that libtorrent refused it, and why."""

_DHT_STATE = lt.save_state_flags_t.save_dht_state
_DISCARD = 9
_EACH = -1  # of the trackers
_MOST_REFUSALS = 3  # of a hybrid that is sought by either hash, while lookups of both come and go
_NOWHERE = "/dev/null/calibot"  # where nobody, not even root, can make a file
_FLAGS = (
    lt.torrent_flags.upload_mode  # no payload
    | lt.torrent_flags.default_dont_download  # nor a file for it
    | lt.torrent_flags.duplicate_is_error
    | lt.torrent_flags.disable_lsd
    | lt.torrent_flags.apply_ip_filter  # without it the filter is passed by
    | lt.torrent_flags.update_subscribe
)
_UNNAMED = lt.torrent_flags.disable_dht
_ALONE = _UNNAMED | lt.torrent_flags.disable_pex
_BY_OTHERS = lt.peer_info.tracker | lt.peer_info.dht | lt.peer_info.pex | lt.peer_info.lsd

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class _Coming:
    """What was added soon and not heard of yet."""

    params: lt.add_torrent_params
    then: Added
    wanted: Callable[[], bool]
    refusals: int = 0


class Session:
    """A session that looks for metadata, and the only holder of libtorrent's own. `start` makes one, `stop` ends it.

    *way* is how it connects; *leads*: see `start`.
    """

    def __init__(self, held: lt.session, way: Way, *, leads: bool) -> None:
        self.way = way
        self._held = held
        self._leads = leads
        self._keeping: asyncio.Task[None] | None = None
        self._tickets = itertools.count()
        self._coming: dict[str, _Coming] = {}
        self._bell, self._rope = socket.socketpair()
        for end in (self._bell, self._rope):
            end.setblocking(False)  # noqa: FBT003 - it takes no keyword

    @classmethod
    async def start(
        cls,
        settings: dict[str, int | str | bool],
        way: Way,
        policy: AddressPolicy,
        dht_state: Path | None,
        *,
        leads: bool = True,
    ) -> Self:
        """Return a session that contacts nobody whom *policy* keeps off, with the DHT's nodes that *dht_state* has.

        In the DHT it is who it was before if it *leads*, else somebody else, who is not remembered either.

        Raises:
            ResolverDown: libtorrent could not be started.
        """
        return cls(await asyncio.to_thread(_start, settings, policy, dht_state, leads=leads), way, leads=leads)

    def on_alerts(self, hear: Callable[[], None]) -> None:
        """Call *hear* in the running loop whenever there are `alerts`, until `fall_silent`."""
        # Not set_alert_notify: its Python callback waits for the interpreter while a call into libtorrent holds it.
        self._held.set_alert_fd(self._rope.fileno())
        asyncio.get_running_loop().add_reader(self._bell, self._on_bell, hear)

    def fall_silent(self) -> None:
        asyncio.get_running_loop().remove_reader(self._bell)

    def _on_bell(self, hear: Callable[[], None]) -> None:
        self._bell.recv(4_096)
        hear()

    def alerts(self) -> Sequence[lt.alert]:
        """Return what is new, and empty the queue. An alert lives until the next call."""
        return self._held.pop_alerts()

    def look_each(self, milliseconds: int) -> None:
        """Look for peers to connect to, and for what is over, so often."""
        self._held.apply_settings({"tick_interval": milliseconds})

    def want_alerts(self, mask: int) -> None:
        self._held.apply_settings({"alert_mask": mask})

    def keep_off(self, policy: AddressPolicy) -> None:
        """Contact nobody from now on whom *policy* keeps off."""
        self._held.set_ip_filter(ip_filter(policy))

    def enter_dht(self, nodes: Sequence[str]) -> None:
        """Enter the DHT anew at *nodes*, ``host:port`` each: it begins without any other node that it knew."""
        for given in ("", bootstrap_nodes(nodes)):  # what is set already would change nothing
            self._held.apply_settings({"dht_bootstrap_nodes": given})

    def come_again(self, proxy: Proxy) -> None:
        """Go to *proxy*, the one that it has, anew: libtorrent does not by itself where its answer was no good."""
        for port in (_DISCARD, proxy.port):  # without any in between, all would go beside it
            self._held.apply_settings({"proxy_port": port})

    def add(self, info_hash: InfoHash, hints: Hints, *, alone: bool = False, unnamed: bool = False) -> Handle:
        """Let *info_hash* be looked up (BEP 9), with all of *hints*, which the address policy has admitted.

        *alone*: of those alone, neither the DHT nor other peers are asked for more. *unnamed*: we are not named in the
        DHT as one who has it, since libtorrent does not ask there by itself; `ask_dht` does.

        Raises:
            ResolverDown: libtorrent refused; among others, because it has that info-hash.
        """
        params = _params(info_hash, hints, alone=alone, unnamed=unnamed)
        try:
            return self._held.add_torrent(params)
        except RuntimeError as error:
            raise ResolverDown(reason=str(error)) from error

    def add_soon(
        self,
        info_hash: InfoHash,
        hints: Hints,
        then: Added,
        *,
        wanted: Callable[[], bool],
        alone: bool = False,
        unnamed: bool = False,
    ) -> None:
        """Do as `add` without waiting for libtorrent's thread, which serves peers; *then* is told what came of it.

        What is not *wanted* any more by then leaves again, and nobody is told. What libtorrent refuses is added once
        more: who had it is going, a lookup that was given up, or a hybrid that came by its other hash.
        """
        self._send(_Coming(_params(info_hash, hints, alone=alone, unnamed=unnamed), then, wanted))

    def _send(self, coming: _Coming) -> None:
        coming.params.save_path = f"{_NOWHERE}/{next(self._tickets)}"  # all that says which alert is whose
        self._coming[coming.params.save_path] = coming
        self._held.async_add_torrent(coming.params)

    @property
    def coming(self) -> int:
        """How many were added soon of which was not heard yet."""
        return len(self._coming)

    def added(self, alert: lt.add_torrent_alert) -> None:
        """Take in what came of something that was added; of what `add` did nobody is told."""
        coming = self._coming.pop(alert.params.save_path, None)
        if coming is None:
            return
        refused = alert.error.value() != 0
        if not coming.wanted():
            if not refused:
                self.remove(alert.handle)
        elif refused and coming.refusals < _MOST_REFUSALS:
            self._send(replace(coming, refusals=coming.refusals + 1))
        else:
            coming.then(ResolverDown(reason=alert.error.message()) if refused else alert.handle)

    def remove(self, handle: Handle) -> None:
        self._held.remove_torrent(handle)

    def pause(self, handle: Handle) -> None:
        """Leave all peers of the torrent, and connect to none until `resume`."""
        handle.pause()

    def resume(self, handle: Handle) -> None:
        handle.resume()

    def ask_dht(self, info_hash: InfoHash) -> None:
        """Ask the DHT who has *info_hash*, for dht_get_peers_reply_alerts."""
        self._held.dht_get_peers(lt.sha1_hash(bytes.fromhex(wire_hash(info_hash))))

    def post_states(self) -> None:
        """Ask for a state_update_alert."""
        self._held.post_torrent_updates(0)

    def post_stats(self) -> None:
        """Ask for a session_stats_alert."""
        self._held.post_session_stats()

    async def keep_dht(self, dht_state: Path) -> None:
        """Keep the DHT's nodes in the file *dht_state*, for another `start`. A failure is logged."""
        keeping = asyncio.to_thread(_keep, self._held, dht_state, leads=self._leads)
        self._keeping = asyncio.create_task(keeping, name="dht state")
        await asyncio.shield(self._keeping)

    async def stop(self, dht_state: Path | None) -> None:
        """End it, the DHT's nodes kept in the file *dht_state*. From the call on, nothing else may be asked of it."""
        if self._keeping is not None:  # its thread goes on when its caller is cancelled: two would write one file
            await asyncio.wait([self._keeping])
            del self._keeping
        held = [self._held]
        del self._held  # whoever drops the last reference waits for the session's threads: not the loop
        await asyncio.to_thread(_stop, held, dht_state, self._bell, self._rope, leads=self._leads)


def _params(info_hash: InfoHash, hints: Hints, *, alone: bool, unnamed: bool) -> lt.add_torrent_params:
    digest = bytes.fromhex(info_hash.hex)
    params = lt.add_torrent_params()
    params.info_hashes = lt.info_hash_t(lt.sha1_hash(digest) if info_hash.is_v1 else lt.sha256_hash(digest))
    params.trackers, params.peers = [*hints.trackers], [*hints.peers]
    params.save_path = _NOWHERE
    params.flags = _FLAGS | (_ALONE if alone else _UNNAMED if unnamed else 0)
    return params


def _start(
    settings: dict[str, int | str | bool], policy: AddressPolicy, dht_state: Path | None, *, leads: bool
) -> lt.session:
    params = _saved(dht_state, leads=leads)
    params.settings = cast("lt.settings_pack", settings)
    params.ip_filter = ip_filter(policy)  # here, so that there is no moment without it
    try:
        session = lt.session(params)
    except RuntimeError as error:
        raise ResolverDown(reason=str(error)) from error
    session.set_peer_class_filter(lt.ip_filter())  # else peers in the machine's own network are unchoked
    return session


def _saved(dht_state: Path | None, *, leads: bool) -> lt.session_params:
    state = kept_state.read(dht_state)
    try:
        if state is None:
            return lt.session_params()
        return lt.read_session_params(state if leads else _nameless(state), _DHT_STATE)
    except RuntimeError as error:
        _log.warning("the DHT's state is passed over", path=str(dht_state), error=str(error))
        return lt.session_params()


def _nameless(state: bytes) -> bytes:
    """Return the DHT's *state* without our own ids in it: two nodes of one id would take each other's place."""
    kept: object = lt.bdecode(state)
    if not isinstance(kept, dict) or not isinstance(kept.get(b"dht state"), dict):
        return state  # whoever reads it says so
    kept[b"dht state"].pop(b"node-id", None)
    return lt.bencode(cast("Any", kept))


def _keep(session: lt.session, dht_state: Path, *, leads: bool) -> None:
    state = _state(session)
    kept_state.write(dht_state, state if leads else _nameless(state))


def _state(session: lt.session) -> bytes:
    return lt.write_session_params_buf(session.session_state(_DHT_STATE), _DHT_STATE)


def ip_filter(policy: AddressPolicy) -> lt.ip_filter:
    """Return what keeps off whom *policy* does: of those its ``access`` is not 0."""
    made = lt.ip_filter()
    for rule in policy.rules():
        made.add_rule(rule.first, rule.last, int(rule.blocked))
    return made


def _stop(
    held: list[lt.session], dht_state: Path | None, bell: socket.socket, rope: socket.socket, *, leads: bool
) -> None:
    """Drop the session, then the sockets: its threads write to one of them up to their end."""
    if dht_state is not None:
        _keep(held[0], dht_state, leads=leads)
    held.clear()
    rope.close()
    bell.close()


def connect(handle: Handle, peers: Iterable[Endpoint], *, named: bool = False) -> None:
    """Let the torrent know of *peers*, whom others have *named* or the magnet."""
    for peer in peers:
        handle.connect_peer(peer, lt.peer_info.dht if named else 0)


def ask_trackers(handle: Handle) -> None:
    """Let the torrent's trackers be asked now."""
    handle.force_reannounce()


def ask_again(handle: Handle, tracker: str) -> None:
    """Let the one at the URL *tracker* be asked now, though libtorrent would leave it alone for a while."""
    try:
        urls = [one["url"] for one in handle.trackers()]
    except UnicodeDecodeError:  # a tracker's last words are in there: they may be in any encoding
        urls = []
    number = urls.index(tracker) if tracker in urls else _EACH
    handle.force_reannounce(0, number, lt.reannounce_flags_t.ignore_min_interval)


def connections(handle: Handle, by: str) -> list[Connection]:
    """Return the torrent's connections in the session of the way *by*. Asks libtorrent's thread, about 0.1 ms."""
    return [
        Connection(
            peer.ip,
            stands=not peer.flags & lt.peer_info.connecting,
            tried=bool(peer.flags & lt.peer_info.local_connection),
            named=bool(peer.source & _BY_OTHERS),
            rate=peer.down_speed,  # of this one: the torrent's own counts what trackers say, too
            pieces=peer.num_pieces,
            by=by,
            talks=bool(peer.flags & lt.peer_info.supports_extensions),
        )
        for peer in handle.get_peer_info()
    ]

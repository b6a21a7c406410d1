"""The resolver itself: what it is made of, and one caller's lookup from its beginning to its end."""

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Self

from services.clock import Clock, SystemClock
from services.errors import ResolverDown
from services.resolvers.addresses import AddressPolicy, own_addresses
from services.resolvers.libtorrent.alerts import ALERTS, ALERTS_WITH_DHT, Alerts
from services.resolvers.libtorrent.decoding import described
from services.resolvers.libtorrent.evidence import DhtSightings
from services.resolvers.libtorrent.lookups import Board, Lookup
from services.resolvers.libtorrent.seeker import Seeker
from services.resolvers.libtorrent.session import Handle, Session
from services.resolvers.libtorrent.settings import fixed_ports, session_settings
from services.resolvers.libtorrent.watch import Watch
from services.torrents import Hints, Progress, TorrentId, TorrentInfo

DHT_BOOTSTRAP_NODES = ("dht.libtorrent.org:25401", "router.bittorrent.com:6881", "dht.transmissionbt.com:6881")


class LibtorrentResolver:
    """A `Resolver` that asks the swarm itself. `open` makes one."""

    label = "swarm"

    def __init__(
        self,
        session: Session,
        policy: AddressPolicy,
        clock: Clock,
        *,
        dht: bool,
        dht_state: Path | None,
        ports: Collection[int] = (),
    ) -> None:
        self._session = session
        self._dht = DhtSightings(asked=dht)
        self._dht_state = dht_state
        self._board: Board[Handle] = Board()
        self._alerts = Alerts(session, self._board, self._dht, ports=ports)
        self._seeker = Seeker(session, self._board, self._alerts, self._dht, policy=policy, clock=clock)
        self._watch = Watch(
            session, self._board, self._alerts, self._dht, self._seeker, clock=clock, dht_state=dht_state
        )
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
        policy = policy.knowing_own(*await asyncio.to_thread(own_addresses))
        settings = session_settings(
            listen_interfaces=listen_interfaces,
            dht=dht,
            dht_bootstrap_nodes=dht_bootstrap_nodes,
            alert_mask=ALERTS_WITH_DHT if dht else ALERTS,
        )
        session = await Session.start(settings, policy, dht_state)
        ports = fixed_ports(listen_interfaces)
        self = cls(session, policy, clock or SystemClock(), dht=dht, dht_state=dht_state, ports=ports)
        watching = asyncio.create_task(self._watch.run(), name="swarm")
        session.on_alerts(self._alerts.hear)
        try:
            yield self
        finally:
            self._end_lookups()
            session.fall_silent()
            await asyncio.shield(asyncio.create_task(self._close(watching)))

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
        lookup: Lookup[Handle] = Lookup(torrent, progress, asyncio.get_running_loop().create_future())
        try:
            self._seeker.begin(lookup, hints)
            progress.started()
            lookup.tell(self._dht)
            given = await lookup.found
        finally:
            self._remove(self._board.leave(lookup))
        if callable(given):
            raise given()
        return await asyncio.to_thread(described, given, self.label)

    def dht_nodes(self) -> int:
        """Return how many nodes of the DHT have answered, as last heard, and ask libtorrent for the number now."""
        self._alerts.ask_about_dht()
        return self._dht.since(DhtSightings(asked=True)).nodes

    def add_hints(self, torrent: TorrentId, hints: Hints) -> None:
        """See `Resolver.add_hints`."""
        self._seeker.add_hints(torrent, hints)

    def _remove(self, handles: Sequence[Handle]) -> None:
        if not self._closed:  # else they have gone with their session, or will
            for handle in handles:
                self._session.remove(handle)

    def _end_lookups(self) -> None:
        self._closed = True
        self._board.fail(partial(ResolverDown, reason="closed"))

    async def _close(self, watching: "asyncio.Task[None]") -> None:
        watching.cancel()
        await asyncio.wait([watching])
        await self._session.stop(self._dht_state if self._dht.nodes else None)

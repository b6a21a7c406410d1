"""The resolver itself: what it is made of, and one caller's lookup from its beginning to its end."""

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Self

from services.clock import Clock, SystemClock
from services.errors import ResolverDown
from services.resolvers.addresses import AddressPolicy
from services.resolvers.libtorrent.alerts import ALERTS, ALERTS_BESIDE, BOOTSTRAP, Alerts
from services.resolvers.libtorrent.arms import Arm
from services.resolvers.libtorrent.decoding import told
from services.resolvers.libtorrent.entrance import Entrance, Return
from services.resolvers.libtorrent.evidence import DhtSightings, Whereabouts
from services.resolvers.libtorrent.exchanges import Exchanges
from services.resolvers.libtorrent.lanes import Lane
from services.resolvers.libtorrent.lookups import Board, Lookup, Metadata, SoughtTorrent
from services.resolvers.libtorrent.race import Race
from services.resolvers.libtorrent.seeker import Seeker
from services.resolvers.libtorrent.session import Handle, Session
from services.resolvers.libtorrent.settings import (
    LARGEST_METADATA,
    USUAL_METADATA,
    WAYS,
    Way,
    bound_to,
    fixed_ports,
    on_any_port,
    session_settings,
)
from services.resolvers.libtorrent.watch import Watch
from services.resolvers.own_addresses import OwnAddresses
from services.resolvers.socks import Proxy
from services.torrents import Hints, Progress, TorrentId, TorrentInfo

DHT_BOOTSTRAP_NODES = ("dht.libtorrent.org:25401", "router.bittorrent.com:6881", "dht.transmissionbt.com:6881")


class LibtorrentResolver:
    """A `Resolver` that asks the swarm itself. `open` makes one."""

    label = "swarm"

    def __init__(
        self,
        sessions: Sequence[Session],
        lanes: Sequence[Session],
        policy: AddressPolicy,
        clock: Clock,
        *,
        dht: bool,
        dht_state: Path | None,
        listen_interfaces: str,
        everywhere: Sequence[str] = (),
    ) -> None:
        lead, *beside = sessions
        ports = fixed_ports(listen_interfaces)
        here = Whereabouts()
        self._board: Board[Handle] = Board()
        self._exchanges = Exchanges(policy, here, bound_to(listen_interfaces), self._brought, clock)
        self._race = Race(beside, self._board, policy, here, clock, ask=self._exchanges.ask)
        self._arms = [
            self._arm(lead, lanes[0], here, ALERTS_BESIDE if policy.proxied else ALERTS, dht=dht, ports=ports),
            *(self._arm(one, lane, here, ALERTS_BESIDE, dht=dht) for one, lane in zip(beside, lanes[1:], strict=True)),
        ]
        every = [arm.alerts for arm in self._arms]
        self._seeker = Seeker(
            lead, self._board, every, self._race, dht=dht, policy=policy, clock=clock, everywhere=everywhere
        )
        self._watch = Watch(
            self._arms, self._board, here, self._seeker, self._exchanges, clock=clock, dht_state=dht_state
        )
        self._dht_state = dht_state
        self._clock = clock
        self._closed = False

    def _arm(
        self, session: Session, lane: Session, here: Whereabouts, mask: int, *, dht: bool, ports: Collection[int] = ()
    ) -> Arm:
        shown = DhtSightings(asked=dht)
        alerts = Alerts(
            session,
            self._board,
            shown,
            here,
            race=self._race,
            again=lambda torrents: self._seeker.ask_dht(torrents),  # noqa: PLW0108 - it comes later
            ports=ports,
        )
        return Arm(session, alerts, shown, Lane(session, lane, here, alerts.found), mask)

    def _brought(self, torrent: SoughtTorrent[Handle], given: Metadata) -> None:
        self._arms[0].alerts.brought(torrent, given)

    @classmethod
    @asynccontextmanager
    async def open(  # noqa: PLR0913 - each is a setting of its own
        cls,
        *,
        listen_interfaces: str = "0.0.0.0:0,[::]:0",
        dht: bool = True,
        dht_bootstrap_nodes: Sequence[str] = DHT_BOOTSTRAP_NODES,
        allow_private_peers: bool = False,
        allowed_addresses: Sequence[str] = (),
        extra_trackers: Sequence[str] = (),
        proxy: Proxy | None = None,
        dht_state: Path | None = None,
        sessions: int = 3,
        clock: Clock | None = None,
    ) -> AsyncIterator[Self]:
        """Yield a resolver with sessions of its own. At the end, lookups under way fail with ResolverDown.

        Args:
            listen_interfaces: ``address:port``, comma-separated; port 0 is any. The leading session has that port, the
                others any. Where no address is a wildcard, all that goes out is bound to them; not behind a proxy.
            dht: whether to use the DHT (BEP 5).
            dht_bootstrap_nodes: ``host:port`` each; the operator's own word, not held back by any filter. Behind a
                proxy, that resolves their names.
            allow_private_peers: contact private, loopback and link-local addresses too.
            allowed_addresses: addresses or networks (CIDR) to contact though they are private.
            extra_trackers: are asked for every torrent, beside those of its hints; behind a proxy, by UDP alone.
            proxy: through it trackers, peers and the DHT are asked, or not at all; those of hints then only where
                private addresses may be contacted, since nobody sees where a name leads.
            dht_state: a file that keeps the DHT's nodes between starts; made when missing, passed over when broken.
            sessions: how many race: 1 tries TCP and uTP in turn; 2 have one for each, which finds who speaks one alone
                seconds sooner; 3 also find who insists on encryption at once. Each brings a DHT node of its own and a
                lane, and costs about 6 MB and 80 questions to the DHT a name.
            clock: for the repeated announces and the pace of progress.

        Raises:
            ResolverDown: libtorrent could not be started.
        """
        policy = AddressPolicy(allow_private_peers, tuple(allowed_addresses), proxied=proxy is not None)
        clock = clock or SystemClock()
        own = await OwnAddresses.read(policy, clock)
        policy = own.policy
        ways, elsewhere = WAYS[sessions], on_any_port(listen_interfaces)
        nodes = () if proxy else dht_bootstrap_nodes
        settings = partial(session_settings, dht_bootstrap_nodes=nodes, proxy=proxy)
        bootstrap = BOOTSTRAP if dht else 0
        async with AsyncExitStack() as stack:

            async def started(
                way: Way, mask: int, listen: str, *, dht: bool, leads: bool = False, lane: bool = False
            ) -> Session:
                largest = LARGEST_METADATA if way == ways[0] else USUAL_METADATA
                wanted = settings(
                    listen_interfaces=listen, dht=dht, alert_mask=mask, way=way, largest=largest, incoming=not lane
                )
                session = await Session.start(wanted, way, policy, dht_state if dht else None, leads=leads)
                stack.push_async_callback(session.stop, None)
                return session

            # Behind a proxy it is not who it was, or will be, without one.
            mask = ALERTS_BESIDE if proxy else ALERTS
            lead = await started(ways[0], mask | bootstrap, listen_interfaces, dht=dht, leads=proxy is None)
            beside = [await started(way, ALERTS_BESIDE | bootstrap, elsewhere, dht=dht) for way in ways[1:]]
            lanes = [await started(way, ALERTS, elsewhere, dht=False, lane=True) for way in ways]
            stack.pop_all()  # from here on it is ours to stop them
        self = cls(
            [lead, *beside],
            lanes,
            policy,
            clock,
            dht=dht,
            dht_state=dht_state,
            listen_interfaces=listen_interfaces,
            everywhere=tuple(policy.operators_trackers(extra_trackers)),
        )
        running = self._run(own)
        entrance = self._entrance(dht_bootstrap_nodes if dht else (), proxy)
        running.append(asyncio.create_task(entrance.run(), name="swarm's entrance"))
        try:
            yield self
        finally:
            self._end_lookups()
            await asyncio.shield(asyncio.create_task(self._close(running)))

    def _run(self, own: OwnAddresses) -> "list[asyncio.Task[None]]":
        for arm in self._arms:
            arm.session.on_alerts(arm.alerts.hear)
            arm.lane.session.on_alerts(arm.lane.hear)

        def keep_off() -> None:
            for arm in self._arms:
                for session in (arm.session, arm.lane.session):
                    session.keep_off(own.policy)
            self._exchanges.keep_off(own.policy)

        every = (self._watch.run(), self._race.run(), own.run(keep_off))
        return [asyncio.create_task(one, name="swarm") for one in every]

    def _entrance(self, nodes: Sequence[str], proxy: Proxy | None) -> Entrance | Return:
        def again() -> None:
            self._seeker.ask_dht(self._board.torrents.values())

        if proxy:
            return Entrance(proxy, self._arms, nodes, self._board, again, self._clock)
        return Return(self._arms, nodes, self._board, again, self._clock)

    async def resolve(self, torrent: TorrentId, hints: Hints, progress: Progress) -> TorrentInfo:
        """See `Resolver.resolve`. Steps are those of `evidence.step`; at most two a second, and only when they differ.

        Raises:
            NotFound: the metadata came and libtorrent cannot read it; parameter *reason* is ``metadata_unusable``.
                Metadata over 8 MiB is refused piece by piece, of which libtorrent says nothing: its lookup goes on,
                with peers and without a name, since another peer may tell of another size.
            ResolverDown: libtorrent refused, or is being closed.
        """
        if self._closed:
            raise ResolverDown(reason="closed")
        lookup: Lookup[Handle] = Lookup(torrent, progress, asyncio.get_running_loop().create_future())
        try:
            self._seeker.begin(lookup, hints)
            progress.started()
            lookup.tell(self._dhts, self._clock.monotonic())
            given = await lookup.found
        finally:
            idle = self._board.leave(lookup)
            if not self._closed:  # else they have gone with their sessions, or will
                for one in idle:
                    one.remove()
        if callable(given):
            raise given()
        return await told(given, self.label)

    def dht_nodes(self) -> int:
        """Return how many nodes of the DHT have answered, as last heard, and ask libtorrent for the number now."""
        lead = self._arms[0]
        lead.alerts.ask_about_dht()
        return lead.dht.since(DhtSightings(asked=True)).nodes

    def add_hints(self, torrent: TorrentId, hints: Hints) -> None:
        """See `Resolver.add_hints`."""
        self._seeker.add_hints(torrent, hints)

    @property
    def _dhts(self) -> dict[str, DhtSightings]:
        return {arm.session.way: arm.dht for arm in self._arms}

    def _end_lookups(self) -> None:
        self._closed = True
        self._board.fail(partial(ResolverDown, reason="closed"))
        for arm in self._arms:
            arm.session.fall_silent()
            arm.lane.session.fall_silent()

    async def _close(self, running: "Sequence[asyncio.Task[None]]") -> None:
        for task in running:
            task.cancel()
        await asyncio.wait(running)
        await self._exchanges.close()
        lead, *beside = self._arms
        await asyncio.gather(
            lead.session.stop(self._dht_state if lead.dht.nodes else None),
            *(arm.session.stop(None) for arm in beside),
            *(arm.lane.session.stop(None) for arm in self._arms),
        )

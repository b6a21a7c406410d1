"""Has the leading session look up what is wanted: where its torrents are told to ask, and how often they do."""

from collections.abc import Iterable, Sequence
from functools import partial
from itertools import islice

from services.clock import Clock
from services.errors import ResolverDown
from services.resolvers.addresses import AddressPolicy
from services.resolvers.libtorrent.alerts import Alerts
from services.resolvers.libtorrent.lookups import Board, Lookup, SoughtTorrent
from services.resolvers.libtorrent.race import Race
from services.resolvers.libtorrent.session import Handle, Session, connect
from services.torrents import Hints, InfoHash, TorrentId

_MOST_HINTS = 100
_MOST_COMING = 50  # unheard: libtorrent keeps the memory that the most alerts at once have taken


class Seeker:
    """Puts what the lookups on *board* want into *session*, and tells it where to ask: whom *policy* admits alone.

    *alerts* are all sessions', that one's first; *race* has the others. *dht*: whether the DHT is asked. *everywhere*
    are the trackers that are asked for every torrent.
    """

    def __init__(
        self,
        session: Session,
        board: Board[Handle],
        alerts: Sequence[Alerts],
        race: Race,
        *,
        dht: bool,
        policy: AddressPolicy,
        clock: Clock,
        everywhere: Sequence[str] = (),
    ) -> None:
        self._session = session
        self._board = board
        self._alerts = alerts
        self._race = race
        self._dht = dht
        self._policy = policy
        self._clock = clock
        self._everywhere = tuple(everywhere)

    def begin(self, lookup: Lookup[Handle], hints: Hints) -> None:
        """Put *lookup* on the board, and each of its info-hashes into the session where it is not in there already."""
        if self._session.coming >= _MOST_COMING:
            self._alerts[0].hear()
        self._board.begin(lookup)
        for alerts in self._alerts:
            alerts.ask_about_dht()
        for info_hash in lookup.asked.hashes:
            self._race.clear(info_hash)
            torrent = self._board.sought(info_hash)
            if torrent is None:
                torrent = self._add(info_hash, hints)
            else:
                if torrent.info_hash.is_v1 and not info_hash.is_v1:
                    self._make_whole(torrent, info_hash)
                self._hint(torrent, hints)
            self._board.join(lookup, torrent)

    def add_hints(self, torrent: TorrentId, hints: Hints) -> None:
        """See `Resolver.add_hints`."""
        for info_hash in torrent.hashes:
            if running := self._board.sought(info_hash):
                self._hint(running, hints)

    def _add(self, info_hash: InfoHash, hints: Hints) -> SoughtTorrent[Handle]:
        own = islice(self._policy.trackers(hints.trackers), _MOST_HINTS)
        trackers = tuple(dict.fromkeys((*own, *self._everywhere)))
        peers = tuple(islice(self._policy.peers(hints.peers), _MOST_HINTS))
        torrent = SoughtTorrent(info_hash, None, self._session)
        torrent.sightings.trackers.update(trackers)
        torrent.sightings.hint(peers)
        self._board.seek(torrent)
        self._put(torrent, Hints(trackers, peers))
        self._race.hinted(torrent, peers)
        return torrent

    def _put(self, torrent: SoughtTorrent[Handle], told: Hints) -> None:
        info_hash = torrent.info_hash

        def wanted() -> bool:
            return self._board.awaits(torrent) and torrent.info_hash == info_hash

        then = partial(self._on_added, torrent, told)
        self._session.add_soon(info_hash, told, then, wanted=wanted, unnamed=self._policy.proxied)

    def _on_added(self, torrent: SoughtTorrent[Handle], told: Hints, given: Handle | ResolverDown) -> None:
        """Take in what came of adding *torrent*, *told* of so much."""
        if isinstance(given, ResolverDown):
            self._board.end(torrent, partial(ResolverDown, **given.parameters))
            return
        self._board.there(torrent, given)
        for url in torrent.sightings.trackers.difference(told.trackers):
            given.add_tracker({"url": url})
        connect(given, torrent.sightings.hinted.difference(told.peers))
        self._announce(torrent, self._clock.monotonic())

    def _make_whole(self, torrent: SoughtTorrent[Handle], info_hash: InfoHash) -> None:
        """Look *torrent* up by the v2 *info_hash* instead of its first 40 digits, which somebody took for a v1 hash.

        To libtorrent the two are one torrent. Nobody can have what is looked up by those digits alone.
        """
        if torrent.given is None or torrent.handle is None:  # else it was taken out when it was found
            self._board.stop(torrent)
            torrent.remove()
        torrent.given, torrent.info_hash, torrent.handle = None, info_hash, None
        self._put(torrent, Hints(tuple(torrent.sightings.trackers), tuple(torrent.sightings.hinted)))
        self._race.anew(torrent)

    def _hint(self, torrent: SoughtTorrent[Handle], hints: Hints) -> None:
        if torrent.given is not None:
            return
        known = torrent.sightings.trackers
        news = (url for url in self._policy.trackers(hints.trackers) if url not in known)
        for url in islice(news, _MOST_HINTS + len(self._everywhere) - len(known)):
            known.add(url)
            if torrent.handle is not None:
                torrent.handle.add_tracker({"url": url})
        room = _MOST_HINTS - len(torrent.sightings.hinted)
        for peer in islice(self._policy.peers(hints.peers), room):
            torrent.sightings.hint([peer])
            if torrent.handle is not None:
                connect(torrent.handle, [peer])
            self._race.hinted(torrent, [peer])

    def announce_again(self, now: float) -> None:
        """Ask the DHT again for what is due by *now*, the clock's seconds."""
        for torrent in self._board.torrents.values():
            if torrent.given is None and torrent.handle is not None and now >= torrent.next_announce:
                self._announce(torrent, now)

    def _announce(self, torrent: SoughtTorrent[Handle], now: float) -> None:
        if self._dht:
            self.ask_dht([torrent])
            torrent.plan_announce(now)

    def ask_dht(self, torrents: Iterable[SoughtTorrent[Handle]]) -> None:
        """Let each session ask its DHT for *torrents*."""
        for torrent in torrents:
            if torrent.given is None and torrent.handle is not None:
                if self._policy.proxied:  # named there, our own sessions would find each other behind the proxy
                    self._session.ask_dht(torrent.info_hash)
                else:
                    torrent.handle.force_dht_announce()  # by itself libtorrent begins with one torrent in four seconds
                self._race.ask_dht(torrent)

"""With whom metadata is exchanged beside the sessions, how many they are, and how long they have for it."""

import asyncio
import math
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

import structlog

from services import open_files
from services.clock import Clock
from services.errors import NotFound
from services.resolvers.addresses import AddressPolicy
from services.resolvers.libtorrent.decoding import metadata_in
from services.resolvers.libtorrent.evidence import Endpoint, Whereabouts
from services.resolvers.libtorrent.exchange import PIECE, Useless, by_tcp, metadata
from services.resolvers.libtorrent.lookups import Exchange, Metadata, SoughtTorrent, wire_hash
from services.resolvers.libtorrent.mse import Key, by_mse
from services.resolvers.libtorrent.session import Handle, ip_filter
from services.resolvers.libtorrent.settings import is_address
from services.resolvers.libtorrent.utp import by_utp

_WAYS = 3
_AT_ONCE = 300
_OF_ONE = 60  # under way or in line: whom one torrent has beside them is left to the sessions
_PATIENCE = 4.0  # seconds for a connection, a greeting, or a piece
_TRIPS, _MOST_OF_TRIPS = 10, 15.0  # so many times what connecting took, but not more seconds, has who is far away
_LONGEST = 60.0
_TIMES = 3  # that one is begun: libtorrent forgets a connection by uTP, in silence, of which three times nothing came
_MOST_IN_LINE = 1_000  # the last ones: who stands there for a lookup that is over leaves when its turn comes
_MOST_HELD = 32 * 2**20  # bytes of unfinished metadata: whoever finds no room is left to the sessions
_MOST_OF_ONE = 8 * 2**20  # the same, of one torrent: what strangers say that it has may not keep all others out
_ONE_KEY = 60.0  # seconds of the same one for MSE: whoever listens at many places shall not know us by it
_SOON = 2.0  # seconds in which half of the metadata is to come where others wait: for the line, or for room

_Asking = Callable[[Callable[[], None], Callable[[int], bool]], Awaitable[bytes]]
"""Asks a peer, see `metadata`."""

Found = Callable[[SoughtTorrent[Handle], Metadata], None]
"""Is told what was found for a torrent."""

_log = structlog.get_logger(__name__)


@dataclass(slots=True, eq=False)
class _Exchange:
    """One with *peer*, which has until the clock's seconds are *until*, and *at_most* so many.

    Once it has said how much metadata there is, so many bytes may be *held*; *given* pieces of it have come *since*.
    Each answer may take so many seconds at least as some round *trips*; *silent* is who took longer. It was begun some
    *times* before. *task* is what speaks with it.
    """

    peer: Endpoint
    until: float
    at_most: float
    times: int = 0
    silent: bool = False
    held: int = 0
    given: int = 0
    since: float = math.inf
    trips: float = _MOST_OF_TRIPS
    task: "asyncio.Task[None]" = field(init=False)

    @property
    def gives(self) -> bool:
        return self.held > 0

    def is_slow(self, now: float) -> bool:
        """Whether less than half has come in some time: then it is the line that it waits for, and no answers."""
        return now >= self.since + max(_SOON, self.trips) and 2 * self.given * PIECE < self.held

    def end(self) -> None:
        self.task.cancel()


def _held(exchanges: Iterable[Exchange]) -> int:
    return sum(one.held for one in exchanges)


def _is_waited_for(torrent: SoughtTorrent[Handle]) -> bool:
    """Whether others share a line with who is slow, or find little room beside what it says that there is."""
    return torrent.sightings.receiving or 2 * _held(torrent.exchanges) > _MOST_OF_ONE


class Exchanges:
    """Asks peers for their metadata, whom *policy* admits and its filter, and who are not *here*, and tells *found*.

    Each is asked by TCP, plain and encrypted, and by uTP at the same time, since nobody knows which it takes, from one
    of the addresses *bound*, where there are any; nobody is asked where those are no addresses but devices, or behind a
    proxy.
    """

    def __init__(
        self, policy: AddressPolicy, here: Whereabouts, bound: Sequence[str], found: Found, clock: Clock
    ) -> None:
        self._running: dict[_Exchange, SoughtTorrent[Handle]] = {}
        self._line: deque[tuple[SoughtTorrent[Handle], Endpoint]] = deque(maxlen=_MOST_IN_LINE)
        self._here = here
        self._bound = bound
        self._found = found
        self._clock = clock
        self._at_once = min(_AT_ONCE, open_files.share(10))
        self._closed = False
        self._key, self._key_since = Key(), clock.monotonic()
        self.keep_off(policy)

    def keep_off(self, policy: AddressPolicy) -> None:
        """Contact nobody from now on whom *policy* keeps off."""
        self._policy, self._filter = policy, ip_filter(policy)
        for one in self._running:
            if not [*self._admitted([one.peer])]:
                one.end()

    def _admitted(self, peers: Iterable[Endpoint]) -> Iterator[Endpoint]:
        return (peer for peer in self._policy.peers(peers) if not self._filter.access(peer[0]))

    def ask(self, torrent: SoughtTorrent[Handle], peers: Iterable[Endpoint]) -> None:
        """Ask those of *peers* for the metadata of *torrent* who are not being asked, as soon as there is room."""
        if self._policy.proxied:
            return
        waiting = {peer for one, peer in self._line if one is torrent}
        room = (_OF_ONE - len(torrent.exchanges)) // _WAYS - len(waiting)
        if room > 0:
            asked = waiting.union(one.peer for one in torrent.exchanges)
            for peer in self._admitted(peers):
                if peer not in asked and not self._here.are(peer):
                    asked.add(peer)
                    self._line.append((torrent, peer))
                    room -= 1
                if not room:
                    break
            self._go_on()

    def _go_on(self) -> None:
        while self._line and len(self._running) + _WAYS <= self._at_once and not self._closed:
            torrent, peer = self._line.popleft()
            if self._may_ask(torrent, peer):
                self._begin(torrent, peer)

    def _may_ask(self, torrent: SoughtTorrent[Handle], peer: Endpoint) -> bool:
        wanted = torrent.wanted and torrent.doubts.apart is None and not self._closed
        return wanted and bool([*self._admitted([peer])])

    def _begin(self, torrent: SoughtTorrent[Handle], peer: Endpoint) -> None:
        own = [one for one in self._bound if is_address(one) and (":" in one) == (":" in peer[0])]
        if self._bound and not own:
            return
        by_mse_to_it = partial(by_mse, wanted=bytes.fromhex(wire_hash(torrent.info_hash)), key=self._key)
        for connect in (by_tcp, partial(by_utp, clock=self._clock), by_mse_to_it):
            asking = partial(metadata, torrent.info_hash, peer, connect=connect, local=own[0] if own else None)
            self._start(torrent, peer, asking)

    def _start(self, torrent: SoughtTorrent[Handle], peer: Endpoint, asking: _Asking, times: int = 0) -> None:
        now = self._clock.monotonic()
        exchange = _Exchange(peer, now + _PATIENCE, now + _LONGEST, times)
        exchange.task = asyncio.create_task(self._speak(torrent, exchange, asking), name="exchange")
        self._running[exchange] = torrent
        torrent.exchanges |= {exchange}
        exchange.task.add_done_callback(partial(self._over, torrent, exchange, asking))

    async def _speak(self, torrent: SoughtTorrent[Handle], exchange: _Exchange, asking: _Asking) -> None:
        began = self._clock.monotonic()

        def heard() -> None:
            now = self._clock.monotonic()
            exchange.trips = min(exchange.trips, _TRIPS * (now - began))  # it is heard first when it is connected
            exchange.until = now + max(_PATIENCE, exchange.trips)
            exchange.given += exchange.gives

        def may_hold(size: int) -> bool:
            if size + _held(self._running) > _MOST_HELD or size + _held(torrent.exchanges) > _MOST_OF_ONE:
                return False
            exchange.held, exchange.since = size, self._clock.monotonic()
            for other in torrent.exchanges - {exchange}:
                if other.peer == exchange.peer:  # what it gives, it gives once
                    other.end()
            return True

        try:
            given = await metadata_in(await asking(heard, may_hold))
        except (OSError, EOFError, Useless, NotFound):  # whoever else is asked may have it
            return
        self._found(torrent, given)

    def _over(
        self, torrent: SoughtTorrent[Handle], exchange: _Exchange, asking: _Asking, task: "asyncio.Task[None]"
    ) -> None:
        del self._running[exchange]
        torrent.exchanges -= {exchange}
        times = exchange.times + 1
        if exchange.silent and exchange.gives and times < _TIMES and self._may_ask(torrent, exchange.peer):
            self._start(torrent, exchange.peer, asking, times)
        if not task.cancelled() and (error := task.exception()):
            _log.error("an exchange with a peer was lost", exc_info=error)
        self._go_on()

    def look(self, now: float) -> None:
        """End what has taken too long or is in others' way, the clock's seconds being *now*."""
        if now >= self._key_since + _ONE_KEY:
            self._key, self._key_since = Key(), now
        crowded = 2 * _held(self._running) > _MOST_HELD
        for one, torrent in self._running.items():
            one.silent = one.until <= now < one.at_most
            if now >= min(one.until, one.at_most) or (one.is_slow(now) and (crowded or _is_waited_for(torrent))):
                one.end()

    async def close(self) -> None:
        """End all of it, for good."""
        self._closed = True
        for one in self._running:
            one.end()
        if self._running:
            await asyncio.wait([one.task for one in self._running])

"""With whom metadata is exchanged beside the sessions, how many they are, and how long they have for it."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice

import structlog

from services.clock import Clock
from services.errors import NotFound
from services.resolvers.addresses import AddressPolicy
from services.resolvers.libtorrent.decoding import metadata_in
from services.resolvers.libtorrent.evidence import Endpoint, Whereabouts
from services.resolvers.libtorrent.exchange import Connect, Useless, by_tcp, metadata
from services.resolvers.libtorrent.lookups import Metadata, SoughtTorrent
from services.resolvers.libtorrent.session import Handle, ip_filter
from services.resolvers.libtorrent.settings import is_address
from services.resolvers.libtorrent.utp import by_utp

_AT_ONCE = 300
_OF_ONE = 60  # under way or in line: whom one torrent has beside them is left to the sessions
_PATIENCE = 4.0  # seconds for a connection, a greeting, or a piece
_LONGEST = 60.0
_MOST_IN_LINE = 5_000  # the last ones: who stands there for a lookup that is over leaves when its turn comes
_MOST_HELD = 32 * 2**20  # bytes of unfinished metadata: whoever finds no room is left to the sessions

Found = Callable[[SoughtTorrent[Handle], Metadata], None]
"""Is told what was found for a torrent."""

_log = structlog.get_logger(__name__)


@dataclass(slots=True, eq=False)
class _Exchange:
    """One with *peer*, which has until the clock's seconds are *until*, and *at_most* so many.

    So many bytes of metadata may be *held*, once it has said how many it has. *task* is what speaks with it.
    """

    peer: Endpoint
    until: float
    at_most: float
    held: int = 0
    task: "asyncio.Task[None]" = field(init=False)

    @property
    def gives(self) -> bool:
        return self.held > 0

    def end(self) -> None:
        self.task.cancel()


class Exchanges:
    """Asks peers for their metadata, whom *policy* admits and its filter, and who are not *here*, and tells *found*.

    Each is asked by TCP and by uTP at the same time, since nobody knows which it takes, from one of the addresses
    *bound*, where there are any; nobody is asked where those are no addresses but devices, or behind a proxy.
    """

    def __init__(
        self, policy: AddressPolicy, here: Whereabouts, bound: Sequence[str], found: Found, clock: Clock
    ) -> None:
        self._running: set[_Exchange] = set()
        self._line: deque[tuple[SoughtTorrent[Handle], Endpoint]] = deque(maxlen=_MOST_IN_LINE)
        self._ways: Sequence[Connect] = (by_tcp, partial(by_utp, clock=clock))
        self._here = here
        self._bound = bound
        self._found = found
        self._clock = clock
        self._closed = False
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
        if not self._policy.proxied:
            waiting = {peer for one, peer in self._line if one is torrent}
            asked = waiting.union(one.peer for one in torrent.exchanges)
            room = (_OF_ONE - len(torrent.exchanges)) // len(self._ways) - len(waiting)
            new = dict.fromkeys(one for one in self._admitted(peers) if one not in asked and not self._here.are(one))
            self._line.extend((torrent, peer) for peer in islice(new, max(0, room)))
            self._go_on()

    def _go_on(self) -> None:
        while self._line and len(self._running) + len(self._ways) <= _AT_ONCE and not self._closed:
            torrent, peer = self._line.popleft()
            if torrent.wanted and torrent.doubts.apart is None:
                for admitted in self._admitted([peer]):
                    self._begin(torrent, admitted)

    def _begin(self, torrent: SoughtTorrent[Handle], peer: Endpoint) -> None:
        own = [one for one in self._bound if is_address(one) and (":" in one) == (":" in peer[0])]
        if self._bound and not own:
            return
        now = self._clock.monotonic()
        for connect in self._ways:
            exchange = _Exchange(peer, now + _PATIENCE, now + _LONGEST)
            speaking = self._speak(torrent, exchange, connect, own[0] if own else None)
            exchange.task = asyncio.create_task(speaking, name="exchange")
            self._running.add(exchange)
            torrent.exchanges |= {exchange}
            exchange.task.add_done_callback(partial(self._over, torrent, exchange))

    async def _speak(
        self, torrent: SoughtTorrent[Handle], exchange: _Exchange, connect: Connect, local: str | None
    ) -> None:
        def heard() -> None:
            exchange.until = self._clock.monotonic() + _PATIENCE

        def may_hold(size: int) -> bool:
            there_is_room = size + sum(one.held for one in self._running) <= _MOST_HELD
            exchange.held = size if there_is_room else 0
            return there_is_room

        asking = metadata(torrent.info_hash, exchange.peer, heard, may_hold, connect=connect, local=local)
        try:
            given = await metadata_in(await asking)
        except (OSError, EOFError, Useless, NotFound):  # whoever else is asked may have it
            return
        self._found(torrent, given)

    def _over(self, torrent: SoughtTorrent[Handle], exchange: _Exchange, task: "asyncio.Task[None]") -> None:
        self._running.remove(exchange)
        torrent.exchanges -= {exchange}
        if not task.cancelled() and (error := task.exception()):
            _log.error("an exchange with a peer was lost", exc_info=error)
        self._go_on()

    def look(self, now: float) -> None:
        """End what has taken too long, the clock's seconds being *now*."""
        for one in self._running:
            if now >= min(one.until, one.at_most):
                one.end()

    async def close(self) -> None:
        """End all of it, for good."""
        self._closed = True
        for one in self._running:
            one.end()
        if self._running:
            await asyncio.wait([one.task for one in self._running])

"""With whom metadata is exchanged beside the sessions, how many they are, and how long they have for it."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice

import structlog

from services.clock import Clock
from services.errors import NotFound
from services.resolvers.addresses import AddressPolicy
from services.resolvers.libtorrent.decoding import metadata_in
from services.resolvers.libtorrent.evidence import Endpoint
from services.resolvers.libtorrent.exchange import Useless, metadata
from services.resolvers.libtorrent.lookups import Metadata, SoughtTorrent
from services.resolvers.libtorrent.session import Handle, ip_filter
from services.resolvers.libtorrent.settings import is_address

_AT_ONCE = 200
_OF_ONE = 30  # asked or in line: whom one torrent has beside them is left to the sessions
_PATIENCE = 4.0  # seconds for a connection, a greeting, or a piece
_LONGEST = 60.0
_MOST_IN_LINE = 5_000  # the last ones: who stands there for a lookup that is over leaves when its turn comes
_MOST_HELD = 32 * 2**20  # bytes of unfinished metadata: whoever finds no room is left to the sessions

Found = Callable[[SoughtTorrent[Handle], Metadata], None]
"""Is told what was found for a torrent."""

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Turn:
    """How long a peer has for its metadata: until the clock's seconds are *until*, and *at_most* so many.

    So many bytes of it may be *held*.
    """

    until: float
    at_most: float
    held: int = 0


class Exchanges:
    """Asks peers for their metadata by plain TCP, those whom *policy* admits and its filter, and tells *found*.

    Each has one connection that is bound to one of the addresses *bound*, where there are any; to nobody where those
    are no addresses but devices, or behind a proxy.
    """

    def __init__(self, policy: AddressPolicy, bound: Sequence[str], found: Found, clock: Clock) -> None:
        self.keep_off(policy)
        self._bound = bound
        self._found = found
        self._clock = clock
        self._turns: dict[asyncio.Task[None], _Turn] = {}
        self._line: deque[tuple[SoughtTorrent[Handle], Endpoint]] = deque(maxlen=_MOST_IN_LINE)

    def keep_off(self, policy: AddressPolicy) -> None:
        """Contact nobody from now on whom *policy* keeps off."""
        self._policy, self._filter = policy, ip_filter(policy)

    def ask(self, torrent: SoughtTorrent[Handle], peers: Iterable[Endpoint]) -> None:
        """Ask *peers* for the metadata of *torrent*, each as soon as there is room for it."""
        if not self._policy.proxied:
            waiting = sum(one is torrent for one, _ in self._line)
            room = max(0, _OF_ONE - len(torrent.exchanges) - waiting)
            self._line.extend((torrent, peer) for peer in islice(peers, room))
            self._go_on()

    def _go_on(self) -> None:
        while self._line and len(self._turns) < _AT_ONCE:
            torrent, peer = self._line.popleft()
            if torrent.wanted and torrent.doubts.apart is None:
                for host, port in self._policy.peers([peer]):
                    if not self._filter.access(host):
                        self._begin(torrent, (host, port))

    def _begin(self, torrent: SoughtTorrent[Handle], peer: Endpoint) -> None:
        here = [one for one in self._bound if is_address(one) and (":" in one) == (":" in peer[0])]
        if self._bound and not here:
            return
        now = self._clock.monotonic()
        turn = _Turn(now + _PATIENCE, now + _LONGEST)
        task = asyncio.create_task(self._exchange(torrent, peer, turn, here[0] if here else None), name="exchange")
        self._turns[task] = turn
        torrent.exchanges |= {task}
        task.add_done_callback(partial(self._over, torrent))

    async def _exchange(self, torrent: SoughtTorrent[Handle], peer: Endpoint, turn: _Turn, local: str | None) -> None:
        def heard() -> None:
            turn.until = self._clock.monotonic() + _PATIENCE

        def may_hold(size: int) -> bool:
            there_is_room = size + sum(one.held for one in self._turns.values()) <= _MOST_HELD
            turn.held = size if there_is_room else 0
            return there_is_room

        try:
            given = await metadata_in(await metadata(torrent.info_hash, peer, heard, may_hold, local=local))
        except (OSError, EOFError, Useless, NotFound):  # whoever else is asked may have it
            return
        self._found(torrent, given)

    def _over(self, torrent: SoughtTorrent[Handle], task: "asyncio.Task[None]") -> None:
        del self._turns[task]
        torrent.exchanges -= {task}
        if not task.cancelled() and (error := task.exception()):
            _log.error("an exchange with a peer was lost", exc_info=error)
        self._go_on()

    def look(self, now: float) -> None:
        """End what has taken too long, the clock's seconds being *now*."""
        for task, turn in self._turns.items():
            if now >= min(turn.until, turn.at_most):
                task.cancel()

    async def close(self) -> None:
        """End all of it."""
        while self._turns:
            self._line.clear()
            for task in self._turns:
                task.cancel()
            await asyncio.wait(self._turns)

"""The sessions beside the leading one: each connects in a way of its own, since peers differ in which they take."""

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice

import structlog

from services.clock import Clock
from services.errors import ResolverDown
from services.resolvers.addresses import AddressPolicy
from services.resolvers.libtorrent.evidence import Endpoint, Whereabouts
from services.resolvers.libtorrent.lookups import Board, Holder, SoughtTorrent, wire_hash
from services.resolvers.libtorrent.session import Handle, Session, connect
from services.torrents import Hints, InfoHash

_HEAD_START = 0.01  # seconds: most names come from the leading session within less, and cost nobody else anything
_HEAD_START_IN_DHT = 0.03  # of many at once: where nodes are near, five more that ask would be what it waits for
_A_NAME = 0.0005  # seconds that the leading session takes for each of many: by so much more its start is longer
_PACE = 0.01
_LULL = 0.1  # seconds without a rush until those leave that have brought their names: between two they are in the way
_AT_ONCE = 5  # each time: of a thousand names at once the leading session finds most before their turn
_OUT_AT_ONCE = 25
_MOST_RETIRED = 1_000
_MOST_PEERS = 500  # kept of a torrent, the last ones: a stranger may name any number of addresses

_Line = deque[tuple[float, SoughtTorrent[Handle]]]
"""Whose turn comes when, the first to come at its head."""

Ask = Callable[[SoughtTorrent[Handle], Iterable[Endpoint]], None]
"""Asks peers of a torrent for its metadata, beside the sessions."""

_log = structlog.get_logger(__name__)


class Race:
    """Sends the sessions *beside* the leading one after the torrents on *board* that have a peer and no name yet.

    What one session learns of peers, whom *policy* admits and who are not *here*, all are told, and *ask* asks them.
    """

    def __init__(
        self,
        beside: Sequence[Session],
        board: Board[Handle],
        policy: AddressPolicy,
        here: Whereabouts,
        clock: Clock,
        *,
        ask: Ask,
    ) -> None:
        self._beside = beside
        self._board = board
        self._policy = policy
        self._here = here
        self._clock = clock
        self._ask = ask
        self._due: _Line = deque()
        self._to_ask: _Line = deque()
        self._retired: dict[str, SoughtTorrent[Handle]] = {}
        self._came = 0  # since the last turn
        self._calm_at = 0.0  # of the clock, after the last rush of names
        self._waiting = asyncio.Event()

    def ask_dht(self, torrent: SoughtTorrent[Handle]) -> None:
        """Ask each session's DHT for peers of *torrent*, as soon as its turn comes, unless its name is found before."""
        if self._beside:
            self._line_up(self._to_ask, torrent, _HEAD_START_IN_DHT if self._to_ask else 0.0)

    def dialled(self, torrent: SoughtTorrent[Handle], peer: Endpoint, by: Session, *, again: bool) -> None:
        """Take in that *torrent* has *peer*, with whom the session *by* tries to connect, perhaps *again*.

        Of very many those that were forgotten are tried again and again: they are no news.
        """
        forgotten = again and len(torrent.known) == _MOST_PEERS
        if peer not in torrent.known and not forgotten and not self._here.are(peer):
            torrent.sightings.named.add(peer)
            self._tell(torrent, [peer], but=by)

    def named(self, torrent: SoughtTorrent[Handle], peers: Iterable[Endpoint]) -> None:
        """Take in that a DHT says that *torrent* has *peers*."""
        others = [one for one in peers if not self._here.are(one)]
        torrent.sightings.named.update(others)
        self._tell(torrent, self._policy.peers(one for one in others if one not in torrent.known))

    def hinted(self, torrent: SoughtTorrent[Handle], peers: Iterable[Endpoint]) -> None:
        """Take in that the magnet says so, which the leading session knows."""
        unknown = [one for one in peers if one not in torrent.known]
        self._tell(torrent, unknown, but=torrent.holder, named=False)

    def _tell(
        self,
        torrent: SoughtTorrent[Handle],
        peers: Iterable[Endpoint],
        *,
        but: Holder[Handle] | None = None,
        named: bool = True,
    ) -> None:
        """Tell all of *peers* but the session *but*, which knows; let others join where these are the first."""
        new = list(islice(peers, _MOST_PEERS))
        if torrent.given is not None or not new:
            return
        paused = torrent.take_up(self._clock.monotonic())  # else nobody is connected to
        if not torrent.known:
            self._line_up(self._due, torrent, _HEAD_START)
        torrent.known.update(dict.fromkeys(new))
        for forgotten in list(islice(torrent.known, max(0, len(torrent.known) - _MOST_PEERS))):
            del torrent.known[forgotten]
        for handle, holder in torrent.racing():
            if holder is not but:
                connect(handle, new, named=named)
        if torrent.joined:
            self._ask(torrent, torrent.known if paused else new)

    def anew(self, torrent: SoughtTorrent[Handle]) -> None:
        """Begin once more with *torrent*, which no session has any more but the leading one."""
        known = list(torrent.known)
        torrent.known.clear()
        self._tell(torrent, known, but=torrent.holder)

    def retire(self, torrent: SoughtTorrent[Handle]) -> None:
        """Take *torrent*, which has brought its metadata, out of all sessions: where names come in a rush, after it.

        To leave costs as much as to be found, since its trackers are told.
        """
        self._came += 1
        self._waiting.set()
        in_a_rush = self._came >= _AT_ONCE or self._clock.monotonic() < self._calm_at
        if in_a_rush and len(self._retired) < _MOST_RETIRED:
            self._retired[wire_hash(torrent.info_hash)] = torrent
        else:
            torrent.remove()

    def clear(self, info_hash: InfoHash) -> None:
        """Take what was retired of *info_hash* out of all sessions now: it is sought again."""
        if retired := self._retired.pop(wire_hash(info_hash), None):
            retired.remove()

    async def run(self) -> None:
        """Let the sessions take part, a few torrents at a time. Never returns."""
        while True:
            await self._waiting.wait()
            await self._clock.sleep(_PACE)
            try:
                self._take(self._clock.monotonic())
            except Exception:  # noqa: BLE001 - one torrent that fails may not keep the sessions off all others
                _log.exception("a turn of the swarm's race was lost")

    def _take(self, now: float) -> None:
        came, self._came = self._came, 0
        if came >= _AT_ONCE:
            self._calm_at = now + _LULL
        full = len(self._retired) >= _MOST_RETIRED
        if came < _AT_ONCE or full:
            self._let_take_part(now)
        if now >= self._calm_at or full:
            for wire in list(islice(self._retired, _OUT_AT_ONCE)):
                self._retired.pop(wire).remove()
        if not (self._due or self._to_ask or self._retired):
            self._waiting.clear()

    def _let_take_part(self, now: float) -> None:
        """Let the other sessions join, and ask their DHT, where the leading one has had its time."""
        while self._due and not self._due[0][1].wanted:
            self._due.popleft()  # what is found has no part in how long the others wait
        longer = max(0, len(self._due) - _AT_ONCE) * _A_NAME
        for torrent in _next_of(self._due, now - longer):
            if not torrent.joined:
                self._join(torrent)
        for torrent in _next_of(self._to_ask, now):
            for session in self._beside:
                session.ask_dht(torrent.info_hash)

    def _line_up(self, line: _Line, torrent: SoughtTorrent[Handle], head_start: float) -> None:
        line.append((self._clock.monotonic() + head_start, torrent))
        self._waiting.set()

    def _join(self, torrent: SoughtTorrent[Handle]) -> None:
        info_hash, told = torrent.info_hash, frozenset(torrent.known)
        hints = Hints(peers=tuple(torrent.known))
        torrent.joined = True

        def wanted() -> bool:
            return torrent.wanted and torrent.info_hash == info_hash

        for session in self._beside:
            then = partial(self._on_joined, torrent, session, told)
            session.add_soon(info_hash, hints, then, wanted=wanted, alone=True)
        self._ask(torrent, torrent.known)

    def _on_joined(
        self,
        torrent: SoughtTorrent[Handle],
        session: Session,
        told: Collection[Endpoint],
        given: Handle | ResolverDown,
    ) -> None:
        if isinstance(given, ResolverDown):  # the others go on
            _log.debug("swarm.beside", way=session.way, **given.parameters)
        else:
            self._board.seek_beside(torrent, given, session)
            connect(given, [one for one in torrent.known if one not in told])


def _next_of(line: _Line, now: float) -> Iterator[SoughtTorrent[Handle]]:
    """Take the first few out of *line* whose turn has come, and yield them; who is not wanted any more counts not."""
    taken = 0
    while taken < _AT_ONCE and line and line[0][0] <= now:
        _, torrent = line.popleft()
        if torrent.wanted:
            taken += 1
            yield torrent

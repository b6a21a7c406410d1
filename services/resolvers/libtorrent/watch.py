"""The pace of lookups: when they ask again, and when people are told where they stand."""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from services.clock import Clock
from services.resolvers.libtorrent.arms import Arm
from services.resolvers.libtorrent.evidence import DhtSightings, Whereabouts
from services.resolvers.libtorrent.exchanges import Exchanges
from services.resolvers.libtorrent.lanes import doubted
from services.resolvers.libtorrent.lookups import Board
from services.resolvers.libtorrent.seeker import Seeker
from services.resolvers.libtorrent.session import Handle, connections
from services.resolvers.libtorrent.settings import BUSY, CALM

_TICK = 0.1
_REPORT_EVERY = 0.5
_SAVE_EVERY = 300.0
_WATCH_BOOTSTRAP = 30.0
_MOST_LOOKED_AT = 50

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Turn:
    """When the watch was *opened*, when it last *saved* and *reported*, and whether the DHT is *bootstrapping*."""

    opened: float
    saved: float
    reported: float
    bootstrapping: bool


class Watch:
    """Takes its turns for as long as there is a lookup on *board*. *dht_state*: see `LibtorrentResolver.open`."""

    def __init__(
        self,
        arms: Sequence[Arm],
        board: Board[Handle],
        here: Whereabouts,
        seeker: Seeker,
        exchanges: Exchanges,
        *,
        clock: Clock,
        dht_state: Path | None,
    ) -> None:
        self._arms = arms
        self._board = board
        self._here = here
        self._seeker = seeker
        self._exchanges = exchanges
        self._clock = clock
        self._dht_state = dht_state

    async def run(self) -> None:
        """Announce again, ask libtorrent for news and tell them, for as long as there is a lookup. Never returns."""
        now = self._clock.monotonic()
        turn = _Turn(opened=now, saved=now, reported=now, bootstrapping=self._arms[0].dht.asked)
        while True:
            if not self._board.busy.is_set():
                self._pace(CALM)
                await self._board.busy.wait()
                self._pace(BUSY)
            await self._clock.sleep(_TICK)
            try:
                await self._take(turn)
            except Exception:  # noqa: BLE001 - one turn that fails may not end every lookup until a restart
                _log.exception("a turn of the swarm's watch was lost")

    def _pace(self, milliseconds: int) -> None:
        for arm in self._arms:
            arm.look_each(milliseconds)

    async def _take(self, turn: _Turn) -> None:
        now = self._clock.monotonic()
        self._exchanges.look(now)
        self._seeker.announce_again(now)
        unheard = doubted(self._board, now)
        for torrent in unheard:
            if torrent.settle(now):
                self._exchanges.ask(torrent, torrent.known)
        for arm in self._arms:
            arm.lane.look(unheard, now)
        if now - turn.reported >= _REPORT_EVERY:
            turn.reported = now
            self._report(now)
        if turn.bootstrapping and now - turn.opened > _WATCH_BOOTSTRAP:
            turn.bootstrapping = False
            for arm in self._arms:
                arm.hear_less()
        lead = self._arms[0]
        if self._dht_state and lead.dht.nodes and now - turn.saved > _SAVE_EVERY:
            turn.saved = now
            await lead.session.keep_dht(self._dht_state)

    def _report(self, now: float) -> None:
        for arm in self._arms:
            arm.session.post_states()
            arm.lane.measure()
            arm.alerts.ask_about_dht()
        unclear = (one for one in self._board.torrents.values() if one.given is None and one.sightings.unclear)
        for torrent in heapq.nsmallest(_MOST_LOOKED_AT, unclear, key=lambda one: one.looked):
            torrent.looked = now
            found = [one for handle, holder in torrent.racing() for one in connections(handle, holder.way)]
            torrent.sightings.look(found, self._here, now)
        dhts: dict[str, DhtSightings] = {arm.session.way: arm.dht for arm in self._arms}
        for lookup in self._board.lookups:
            lookup.tell(dhts, now)

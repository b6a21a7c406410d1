"""The pace of lookups: when they ask again, and when people are told where they stand."""

import heapq
from dataclasses import dataclass
from pathlib import Path

import structlog

from services.clock import Clock
from services.resolvers.libtorrent.alerts import ALERTS, Alerts
from services.resolvers.libtorrent.evidence import DhtSightings
from services.resolvers.libtorrent.lookups import Board
from services.resolvers.libtorrent.seeker import Seeker
from services.resolvers.libtorrent.session import Handle, Session, connections

_TICK = 0.25
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
        session: Session,
        board: Board[Handle],
        alerts: Alerts,
        dht: DhtSightings,
        seeker: Seeker,
        *,
        clock: Clock,
        dht_state: Path | None,
    ) -> None:
        self._session = session
        self._board = board
        self._alerts = alerts
        self._dht = dht
        self._seeker = seeker
        self._clock = clock
        self._dht_state = dht_state

    async def run(self) -> None:
        """Announce again, ask libtorrent for news and tell them, for as long as there is a lookup. Never returns."""
        now = self._clock.monotonic()
        turn = _Turn(opened=now, saved=now, reported=now, bootstrapping=self._dht.asked)
        while True:
            await self._board.busy.wait()
            await self._clock.sleep(_TICK)
            try:
                await self._take(turn)
            except Exception:  # noqa: BLE001 - one turn that fails may not end every lookup until a restart
                _log.exception("a turn of the swarm's watch was lost")

    async def _take(self, turn: _Turn) -> None:
        now = self._clock.monotonic()
        self._seeker.announce_again(now)
        if now - turn.reported >= _REPORT_EVERY:
            turn.reported = now
            self._report(now)
        if turn.bootstrapping and now - turn.opened > _WATCH_BOOTSTRAP:
            turn.bootstrapping = False  # the category wakes us for every question that the DHT asks of us
            self._session.want_alerts(ALERTS)
        if self._dht_state and self._dht.nodes and now - turn.saved > _SAVE_EVERY:
            turn.saved = now
            await self._session.keep_dht(self._dht_state)

    def _report(self, now: float) -> None:
        self._session.post_states()
        self._alerts.ask_about_dht()
        unclear = (one for one in self._board.running.values() if one.sightings.unclear)
        for torrent in heapq.nsmallest(_MOST_LOOKED_AT, unclear, key=lambda one: one.looked):
            torrent.looked = now
            torrent.sightings.look(connections(torrent.handle), self._alerts.here, now)
        for lookup in self._board.lookups:
            lookup.tell(self._dht)

"""Where the DHT is entered: again where it was lost, and through a proxy, which alone may resolve its nodes' names."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import structlog

from services.clock import Clock
from services.resolvers.libtorrent.arms import Arm
from services.resolvers.libtorrent.evidence import DhtSightings
from services.resolvers.libtorrent.lookups import Board
from services.resolvers.libtorrent.session import Handle, ask_trackers
from services.resolvers.libtorrent.settings import is_address
from services.resolvers.socks import Proxy, nodes_behind

_LOOK = 1.0
_SHORTEST_PAUSE, _LONGEST_PAUSE = 5.0, 64.0
_PATIENCE, _LONGEST_PATIENCE = 4, 12
_ROUND = 10.0

_log = structlog.get_logger(__name__)


class Entrance:
    """Has the sessions of *arms* enter the DHT at *nodes* (``host:port``), whose names *proxy* resolves.

    Those that are addresses, too: libtorrent asks them once, which is before the proxy knows its sessions. Nor
    does it go to the proxy again that has answered wrongly, or not at all: once that is well, all sessions go there
    anew. While *board* is busy and nothing comes through it, *again* is told to ask, and then the proxy is tried.
    """

    def __init__(
        self,
        proxy: Proxy,
        arms: Sequence[Arm],
        nodes: Sequence[str],
        board: Board[Handle],
        again: Callable[[], None],
        clock: Clock,
    ) -> None:
        self._nodes = nodes
        self._addresses = [one for one in nodes if is_address(one.rpartition(":")[0])]
        self._proxy = proxy
        self._arms = arms
        self._board = board
        self._again = again
        self._clock = clock
        self._down = False
        self._patience = _PATIENCE

    async def run(self) -> None:
        """Enter, and look after the proxy. Never returns."""
        stale, pause = False, 1.0
        while True:
            found = await self._found()
            if self._down:
                stale = True
                await self._clock.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
                continue
            if stale:
                await self._come_again()
            if self._nodes:
                for arm in self._arms:
                    arm.session.enter_dht(list(dict.fromkeys((*self._addresses, *found))))
            stale = await self._stale(entered_again=stale)
            pause = 1.0

    async def _come_again(self) -> None:
        for arm in self._arms:
            for session in (arm.session, arm.lane.session):
                session.come_again(self._proxy)
        await self._clock.sleep(_LOOK)
        for torrent in self._board.torrents.values():
            if torrent.wanted and torrent.handle is not None:
                ask_trackers(torrent.handle)

    async def _found(self) -> Sequence[str]:
        """Return where nodes answer through the proxy, and say when it goes out of order, and when it is well again."""
        try:
            found = await nodes_behind(self._proxy, self._nodes)
        except OSError as error:
            found, wrong = (), error.strerror or str(error) or "it does not answer in time"
        else:
            wrong = "" if found or not self._nodes else "no datagram comes back through it"
        if wrong and not self._down:
            _log.warning("swarm.proxy", proxy=str(self._proxy), error=wrong)
        elif self._down and not wrong:
            _log.info("swarm.proxy_back", proxy=str(self._proxy))
        self._down = bool(wrong)
        return found

    async def _stale(self, *, entered_again: bool) -> bool:
        """Return when the proxy is to be tried again: whether a session hears nothing through it."""
        if not self._nodes:
            return await self._trackers_are_silent()
        rounds = 0
        while rounds < self._patience:
            if not self._board.busy.is_set():
                await self._board.busy.wait()
                rounds = 0
            before = [arm.dht.messages for arm in self._arms]
            await self._clock.sleep(_SHORTEST_PAUSE)
            if all(arm.dht.messages > heard for arm, heard in zip(self._arms, before, strict=True)):
                rounds, self._patience = 0, _PATIENCE
            else:
                rounds += 1
            if entered_again or rounds == self._patience - 1:
                entered_again = False
                self._again()
        self._patience = min(2 * self._patience, _LONGEST_PATIENCE)
        return True

    async def _trackers_are_silent(self) -> bool:
        """Return, after a while, whether no tracker has answered any lookup that took all of it."""
        await self._board.busy.wait()
        before = set(self._board.torrents.values())
        await self._clock.sleep(self._patience * _ROUND)
        every = [torrent.sightings for torrent in before.intersection(self._board.torrents.values())]
        silent = any(one.trackers for one in every) and not any(one.answered for one in every)
        self._patience = min(2 * self._patience, _LONGEST_PATIENCE) if silent else _PATIENCE
        return silent


@dataclass(slots=True)
class _Door:
    """By which *arm* enters the DHT again, *due* by the clock's seconds; *knocked*, and nobody has answered yet.

    *before* is what its DHT had shown when it was last looked at.
    """

    arm: Arm
    due: float
    before: DhtSightings
    pause: float = _SHORTEST_PAUSE
    knocked: bool = False


class Return:
    """Has the sessions of *arms* enter the DHT again at *nodes* when they know none of it, while *board* is busy.

    libtorrent enters it once. Where an address comes, or comes back, it begins there without a node, and for good.
    *again* is told when one has answered: what was asked before is lost.
    """

    def __init__(
        self,
        arms: Sequence[Arm],
        nodes: Sequence[str],
        board: Board[Handle],
        again: Callable[[], None],
        clock: Clock,
    ) -> None:
        self._arms = arms
        self._nodes = nodes
        self._board = board
        self._again = again
        self._clock = clock

    async def run(self) -> None:
        """Look every second, for as long as there are nodes to enter at."""
        if not self._nodes:
            return
        doors: list[_Door] = []
        while True:
            if not self._board.busy.is_set() or not doors:
                await self._board.busy.wait()
                due = self._clock.monotonic() + _SHORTEST_PAUSE
                doors = [_Door(arm, due, replace(arm.dht)) for arm in self._arms]
            await self._clock.sleep(_LOOK)
            came_back = [self._look(door, self._clock.monotonic()) for door in doors]
            if any(came_back):
                self._again()

    def _look(self, door: _Door, now: float) -> bool:
        """Return whether the DHT has just come back."""
        dht, before = door.arm.dht, door.before
        door.before = replace(dht)
        if dht.nodes or dht.since(before).nodes:
            came_back = door.knocked
            door.pause = _SHORTEST_PAUSE if dht.nodes else door.pause  # the nodes to begin at never count as such
            door.due, door.knocked = now + door.pause, False
            return came_back
        if now >= door.due:
            door.arm.session.enter_dht(self._nodes)
            door.knocked = True
            door.due = now + door.pause
            door.pause = min(2 * door.pause, _LONGEST_PAUSE)
        return False

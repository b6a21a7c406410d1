"""Where the DHT is entered: again where it was lost, and through a proxy, which alone may resolve its nodes' names."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import structlog

from services.clock import Clock
from services.resolvers.libtorrent.arms import Arm
from services.resolvers.libtorrent.evidence import DhtSightings
from services.resolvers.libtorrent.lookups import Board
from services.resolvers.libtorrent.session import Handle, Session
from services.resolvers.libtorrent.settings import is_address
from services.resolvers.socks import Proxy, nodes_behind

_LOOK = 1.0
_SHORTEST_PAUSE, _LONGEST_PAUSE = 5.0, 64.0

_log = structlog.get_logger(__name__)


class Entrance:
    """Finds the *nodes* (``host:port``) through *proxy*, and has sessions enter the DHT there.

    Those that are addresses, too: before its sessions are known to the proxy, libtorrent asks none, and not again.
    """

    def __init__(self, proxy: Proxy, nodes: Sequence[str], clock: Clock) -> None:
        self._nodes = nodes
        self._addresses = [one for one in nodes if is_address(one.rpartition(":")[0])]
        self._proxy = proxy
        self._clock = clock

    async def run(self, sessions: Sequence[Session]) -> None:
        """Let *sessions* enter the DHT; tries again while no node answers."""
        pause = 1.0
        while self._nodes:
            try:
                found = await nodes_behind(self._proxy, self._nodes)
            except OSError as error:
                _log.warning("swarm.proxy", proxy=str(self._proxy), error=error.strerror or str(error))
                found = ()
            for session in sessions:
                session.enter_dht(list(dict.fromkeys((*self._addresses, *found))))
            if found:
                return
            await self._clock.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)


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
        """Look every second. Never returns."""
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
            door.due, door.pause, door.knocked = now + _SHORTEST_PAUSE, _SHORTEST_PAUSE, False
            return came_back
        if now >= door.due:
            door.arm.session.enter_dht(self._nodes)
            door.knocked = True
            door.due = now + door.pause
            door.pause = min(2 * door.pause, _LONGEST_PAUSE)
        return False

"""Where the DHT is entered behind a proxy, which alone may resolve the names of the nodes to begin with."""

from collections.abc import Sequence

import structlog

from services.clock import Clock
from services.resolvers.libtorrent.session import Session
from services.resolvers.libtorrent.settings import is_address
from services.resolvers.socks import Proxy, nodes_behind

_LONGEST_PAUSE = 64.0

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

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
    """Finds the *nodes* (``host:port``) through *proxy*. *addresses* are those of them that are no names."""

    def __init__(self, proxy: Proxy, nodes: Sequence[str], clock: Clock) -> None:
        self.addresses = [one for one in nodes if is_address(one.rpartition(":")[0])]
        self._names = [one for one in nodes if one not in self.addresses]
        self._proxy = proxy
        self._clock = clock

    async def run(self, sessions: Sequence[Session]) -> None:
        """Let *sessions* enter the DHT where the names lead; tries again while none of them leads anywhere."""
        pause = 1.0
        while self._names:
            try:
                found = await nodes_behind(self._proxy, self._names)
            except OSError as error:
                _log.warning("swarm.proxy", proxy=str(self._proxy), error=error.strerror or str(error))
                found = ()
            if found:
                for session in sessions:
                    session.enter_dht([*self.addresses, *found])
                return
            await self._clock.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

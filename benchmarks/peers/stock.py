"""libtorrent as it comes: its own settings, but for what keeps it on loopback and off the payload."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Sequence

import libtorrent as lt

from benchmarks.swarm_process import RemoteSwarm, Sought

_LOOK_EVERY = 0.001
_NOWHERE = "/dev/null/benchmark"


class Stock:
    """See `Peer`. Its torrents are not auto-managed: libtorrent would begin three at a time."""

    name = "libtorrent, its own settings"
    urged = False
    """Whether it asks the DHT at once."""

    async def version(self) -> str:
        return lt.__version__

    @contextlib.asynccontextmanager
    async def open(self, swarm: RemoteSwarm, *, dht: bool) -> "AsyncIterator[StockFinder]":
        async with self.loopback(swarm.dht_nodes[:3] if dht else ()) as finder:
            yield finder

    @contextlib.asynccontextmanager
    async def loopback(self, dht_nodes: Sequence[str] = (), host: str = "127.0.0.1") -> "AsyncIterator[StockFinder]":
        """Be ready at *host*; with the DHT that *dht_nodes* lead to, where there are any."""
        finder = StockFinder(await asyncio.to_thread(_session, dht_nodes, host, urged=self.urged), urged=self.urged)
        try:
            yield finder
        finally:
            await asyncio.to_thread(finder.close)


class Urged(Stock):
    """The floor of names by the DHT for whoever has them from libtorrent, which begins one in seconds by itself."""

    name = "libtorrent alone, its DHT asked at once"
    urged = True


def _session(dht_nodes: Sequence[str], host: str, *, urged: bool) -> lt.session:
    return lt.session(
        {
            "listen_interfaces": f"{host}:0",
            "enable_dht": bool(dht_nodes),
            "dht_bootstrap_nodes": ",".join(dht_nodes),
            "dht_block_ratelimit": 100_000 if urged else 5,  # by the default some of the answers are dropped
            "enable_lsd": False,
            "enable_upnp": False,
            "enable_natpmp": False,
            "alert_mask": lt.alert.category_t.status_notification,
        }
    )


class StockFinder:
    """See `Finder`. *urged*: it asks the DHT at once."""

    def __init__(self, session: lt.session, *, urged: bool = False) -> None:
        self._session = [session]
        self._urged = urged

    def close(self) -> None:
        self._session.clear()

    def add(self, sought: Sequence[Sought]) -> list[lt.torrent_handle]:
        """Begin to look *sought* up."""
        handles = []
        for one in sought:
            params = lt.parse_magnet_uri(one.magnet)
            params.save_path = _NOWHERE
            params.flags &= ~(lt.torrent_flags.auto_managed | lt.torrent_flags.paused)
            params.flags |= lt.torrent_flags.upload_mode | lt.torrent_flags.default_dont_download
            handles.append(self._session[0].add_torrent(params))
            if self._urged:
                handles[-1].force_dht_announce()
        return handles

    async def find(self, sought: Sequence[Sought], patience: float) -> list[float]:
        began = time.perf_counter()
        handles = self.add(sought)
        times: list[float] = []
        while len(times) < len(sought) and (now := time.perf_counter() - began) < patience:
            alerts = self._session[0].pop_alerts()
            times += [now for alert in alerts if isinstance(alert, lt.metadata_received_alert)]
            await asyncio.sleep(_LOOK_EVERY)
        self.remove(handles)
        return times

    def remove(self, handles: Sequence[lt.torrent_handle]) -> None:
        """Look for them no more."""
        for handle in handles:
            self._session[0].remove_torrent(handle)

    def received(self) -> list[str]:
        """Return the info-hashes whose metadata has come since the last call."""
        alerts = self._session[0].pop_alerts()
        return [str(alert.handle.info_hashes().v1) for alert in alerts if isinstance(alert, lt.metadata_received_alert)]

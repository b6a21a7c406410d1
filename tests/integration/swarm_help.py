"""What the tests of the swarm and of its resolver share."""

import asyncio
import socket
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Literal, Self

import libtorrent as lt

from sandbox.swarm import Sample, Swarm
from services.clock import Clock, SystemClock
from services.resolvers.libtorrent import LibtorrentResolver
from services.resolvers.port import Resolver
from services.resolvers.socks import Proxy
from services.torrents import Hints, InfoHash, Step, TorrentId, TorrentInfo


class QuickClock(SystemClock):
    """A clock by which each second lasts a fifth of one."""

    def monotonic(self) -> float:
        return 5 * super().monotonic()

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds / 5)


def listen_interfaces() -> str:
    """Return loopback, of both families where the machine has both; DHT does not run on one expanded from 0.0.0.0."""
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return "127.0.0.1:0"
    return "127.0.0.1:0,[::1]:0"


async def metadata_by_magnet(
    magnet: str, nodes: str = "", settings: "lt.settings_pack | None" = None, *, patient: bool = True
) -> bytes | None:
    """Return what a plain libtorrent gets of *magnet*; None when it is not *patient* and a peer was lost before."""
    packed: lt.settings_pack = {
        "listen_interfaces": listen_interfaces(),
        "dht_bootstrap_nodes": nodes,
        "enable_lsd": False,
        "enable_upnp": False,
        "enable_natpmp": False,
        "stop_tracker_timeout": 0,
        "tick_interval": 100,
        "alert_mask": lt.alert.category_t.peer_notification | lt.alert.category_t.connect_notification,
        **(settings or {}),
    }
    lost = (lt.peer_disconnected_alert, lt.peer_error_alert)

    def fetch() -> bytes | None:
        session = lt.session(packed)
        params = lt.parse_magnet_uri(magnet)
        params.save_path = "/dev/null/test"
        params.flags |= lt.torrent_flags.upload_mode
        handle = session.add_torrent(params)
        handle.force_dht_announce()
        while not handle.status().has_metadata:
            session.wait_for_alert(100)
            failed = any(isinstance(alert, lost) for alert in session.pop_alerts()) and not patient
            if failed and not handle.status().has_metadata:
                return None
        info = handle.torrent_file()
        assert info is not None
        return info.info_section()

    return await asyncio.to_thread(fetch)


def opened(
    swarm: Swarm | None = None,
    *,
    dht_state: Path | None = None,
    bootstrap: tuple[str, ...] | None = None,
    private: bool = True,
    allowed: tuple[str, ...] = (),
    host: str | None = None,
    extra: tuple[str, ...] = (),
    proxy: Proxy | None = None,
    sessions: Literal[1, 2, 3] = 3,
    dht: bool = True,
    clock: Clock | None = None,
) -> AbstractAsyncContextManager[LibtorrentResolver]:
    nodes = tuple(swarm.dht_nodes[:3]) if swarm and bootstrap is None else bootstrap or ()
    return LibtorrentResolver.open(
        listen_interfaces=f"{host}:0" if host else listen_interfaces(),
        dht=dht,
        dht_bootstrap_nodes=nodes,
        allow_private_peers=private,
        allowed_addresses=allowed,
        extra_trackers=extra,
        proxy=proxy,
        dht_state=dht_state,
        sessions=sessions,
        clock=clock,
    )


def torrent_id(sample: Sample, by: Literal["all", "v1", "v2"] = "all") -> TorrentId:
    return TorrentId(
        v1=InfoHash(sample.v1) if sample.v1 and by != "v2" else None,
        v2=InfoHash(sample.v2) if sample.v2 and by != "v1" else None,
    )


def trackers_of(sample: Sample) -> Hints:
    return Hints(trackers=sample.trackers)


def peers_of(sample: Sample) -> Hints:
    return Hints(peers=sample.peers)


class Steps:
    """A progress that remembers, and lets a test wait for a step."""

    def __init__(self) -> None:
        self.starts = 0
        self.seen: list[Step] = []
        self._news = asyncio.Event()

    def started(self) -> None:
        self.starts += 1

    def report(self, step: Step) -> None:
        self.seen.append(step)
        self._news.set()

    def claimed(self, info: TorrentInfo) -> None:
        raise AssertionError("the swarm verifies what it answers")

    @property
    def last(self) -> Step:
        return self.seen[-1]

    async def until(self, reached: Callable[[Step], bool]) -> Step:
        while not self.seen or not reached(self.last):
            self._news.clear()
            await self._news.wait()
        return self.last


class Running:
    """A lookup that runs beside the test; leaving it cancels it and waits for its end."""

    def __init__(self, resolver: Resolver, torrent: TorrentId, hints: Hints | None = None) -> None:
        self.steps = Steps()
        self._coroutine = resolver.resolve(torrent, hints or Hints(), self.steps)

    async def __aenter__(self) -> Self:
        self.task: asyncio.Task[TorrentInfo] = asyncio.create_task(self._coroutine)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.task.cancel()
        await asyncio.wait([self.task])


def number(step: Step, parameter: str) -> int:
    return int(step.parameters[parameter])


def nothing_left_in(resolver: LibtorrentResolver) -> bool:
    """Whether no session has a torrent, and nobody waits for one."""
    board = resolver._board
    sessions = [one._held for arm in resolver._arms for one in (arm.session, arm.lane.session)]
    for arm in resolver._arms:
        arm.session._held.get_torrents()  # whatever was on its way into it is there when that returns
        arm.alerts.hear()
    held = [torrent for session in sessions for torrent in session.get_torrents()]
    return not (held or board.torrents or board.running or board.lookups)

"""One lookup as a qBittorrent sees it: what is looked at for it, and what has been seen."""

import asyncio
from dataclasses import dataclass, field
from typing import Self

from services.errors import LookupFailed
from services.resolvers.qbittorrent.server import Asked, Listed
from services.torrents import Hints, Progress, Step, TorrentId


@dataclass(slots=True, eq=False)
class Lookup:
    """Waits for the bytes of a .torrent: of the torrent with *tag*, which is ours, or of *key*, which is another's.

    With neither, the server is asked for *magnet* itself. *outcome* is the bytes, or None where the torrent has gone.
    """

    torrent: TorrentId
    hints: Hints
    progress: Progress
    more: list[Hints]
    """What it has learnt since, and its torrent has not been told."""
    magnet: str = ""
    tag: str = ""
    key: str = ""
    outcome: "asyncio.Future[bytes | None]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    added: bool = False
    missing_since: float | None = None
    down_since: float | None = None
    asked: Asked = field(default_factory=Asked)
    begun_at: float = 0.0
    due_at: float = 0.0
    ever_connected: int = 0
    told: Step | None = None

    def again(self, *, tag: str = "", key: str = "") -> Self:
        """Return the same lookup, of another torrent there."""
        return type(self)(self.torrent, self.hints, self.progress, self.more, tag=tag, key=key)

    def begin(self, now: float, seconds: float) -> None:
        """Take in that it is looked at from *now* on; what concerns it alone is due after so many *seconds*."""
        self.begun_at, self.due_at = now, now + seconds

    def is_due(self, now: float, seconds: float) -> bool:
        """Whether it is time for what concerns it alone; then that is due again after so many *seconds*."""
        due = now >= self.due_at
        if due:
            self.due_at = now + seconds
        return due

    def settle(self, content: bytes | None) -> None:
        if not self.outcome.done():
            self.outcome.set_result(content)

    def settle_with(self, content: bytes | None) -> None:
        """Take in *content*, where there is some."""
        if content is not None:
            self.settle(content)

    def fail(self, error: LookupFailed) -> None:
        if not self.outcome.done():
            self.outcome.set_exception(error)
            self.outcome.exception()  # seen: perhaps nobody waits for it yet, and never will

    def see(self, row: Listed, dht_nodes: int) -> None:
        """Take in what is listed of its torrent, and tell where that is more than before."""
        self.missing_since = None
        self.ever_connected = max(self.ever_connected, row.connected)
        peers = max(row.named, self.asked.named, self.ever_connected)
        step = Step(
            "connecting" if peers else "asking",
            {
                "trackers": max(len(self.hints.trackers), self.asked.trackers),
                "trackers_answered": self.asked.answered,
                "dht": int(self.asked.dht),
                "dht_nodes": dht_nodes,
                "peers": peers,
                "connected": row.connected,
                "ever_connected": self.ever_connected,
            },
        )
        if step != self.told:
            self.told = step
            self.progress.report(step)

"""One lookup as a qBittorrent sees it: what is looked at for it, and what has been seen."""

import asyncio
from dataclasses import dataclass, field
from functools import reduce
from typing import Self

from services.errors import LookupFailed
from services.resolvers.port import ASKED, IN_LINE
from services.resolvers.qbittorrent.server import Asked, Listed
from services.torrents import Hints, Progress, Step, TorrentId

_REFUSALS = 3  # of hints that came late


@dataclass(slots=True, eq=False)
class Lookup:
    """Waits for the bytes of a .torrent: of the torrent with *tag*, which is ours, or of *key*, which is another's.

    With neither, the server is asked for *magnet* itself. *outcome* is the bytes, or None where the torrent has gone.
    """

    torrent: TorrentId
    hints: Hints
    progress: Progress
    more: list[Hints]
    """What it has learnt since."""
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
    seen: Step | None = None
    told: Step | None = None
    late: Hints = field(default_factory=Hints)
    """What of `more` may be passed on, and its torrent has not been told."""
    _taken: int = 0
    _refusals: int = 0

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

    def take_more(self) -> Hints | None:
        """Return what it has learnt since this was asked last; None where it has not."""
        new, self._taken = self.more[self._taken :], len(self.more)
        return reduce(Hints.merged, new) if new else None

    def told_late(self) -> None:
        """Take in that its torrent has been told what came late, or need not be."""
        self.late, self._refusals = Hints(), 0

    def refused_late(self) -> None:
        """Take in that it could not be told; after three times it is let be."""
        self._refusals += 1
        if self._refusals == _REFUSALS:
            self.told_late()

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
        still = IN_LINE if row.queued else ASKED if row.stopped else None
        if still is None:
            self.seen = self._evidence(row, dht_nodes)
        self.tell(self.seen or Step(still or ASKED))

    def _evidence(self, row: Listed, dht_nodes: int) -> Step:
        peers = max(row.named, self.asked.named, self.ever_connected)
        return Step(
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

    def tell(self, step: Step) -> None:
        """Report *step* where it is not what was told last."""
        if step != self.told:
            self.told = step
            self.progress.report(step)

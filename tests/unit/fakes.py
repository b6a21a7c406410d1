"""A source of names that behaves as a swarm does, on a hand-moved clock; and short ways to say what to look up."""

import asyncio
import hashlib
from collections import Counter

from services.access import Access
from services.calibration.moves import Moves
from services.calibration.ports import CalibrationResult, LookupRequest
from services.calibration.task import HashRequest
from services.errors import CalibotError
from services.notebook.people import People
from services.store.store import Store
from services.torrents import FileEntry, Hints, InfoHash, Name, Progress, Step, TorrentId, TorrentInfo
from tests.fake_clock import FakeClock


def torrent(word: str) -> TorrentId:
    """Return the v1 torrent that *word* stands for."""
    return TorrentId.of(InfoHash(hashlib.sha1(word.encode(), usedforsecurity=False).hexdigest()))


def hashes(*words: str, hints: Hints | None = None) -> HashRequest:
    return HashRequest(tuple((torrent(word), hints or Hints()) for word in words))


def info_of(asked: TorrentId, name: str, *, verified: bool = True, certain: bool = True) -> TorrentInfo:
    return TorrentInfo(
        torrent=asked,
        name=Name(text=name, raw=name.encode(), certain=certain),
        size=1234,
        files=(FileEntry("a.mkv", 1000), FileEntry("b.txt", 234)),
        source="swarm",
        verified=verified,
    )


def moves(store: Store, clock: FakeClock) -> Moves:
    """Return who moves places in *store*, where the settings let nobody in."""
    return Moves(store, People(store, Access(), clock), clock)


class FakeEngine:
    """Finds what it was told after *delay* seconds; what it was not told of it looks for until it is left."""

    def __init__(self, clock: FakeClock, *, delay: float = 1.0) -> None:
        self.clock = clock
        self.delay = delay
        self.names: dict[TorrentId, str | CalibotError | TorrentInfo | Exception] = {}
        self.claims: dict[TorrentId, TorrentInfo] = {}
        self.evidence: Step | None = None
        self.starts_at_once = True
        self.calls: Counter[TorrentId] = Counter()
        self.hints: dict[TorrentId, Hints] = {}
        self.running: dict[TorrentId, Progress] = {}
        self.most_at_once = 0
        self.detached = False
        self.lingers: asyncio.Event | None = None

    def knows(self, word: str, name: str | CalibotError | TorrentInfo | Exception) -> None:
        self.names[torrent(word)] = name

    async def __call__(self, lookup: LookupRequest, progress: Progress, /) -> CalibrationResult:
        asked = lookup.torrent
        assert asked not in self.running, "one lookup of a torrent at a time"
        self.calls[asked] += 1
        self.hints[asked] = lookup.hints
        self.running[asked] = progress
        self.most_at_once = max(self.most_at_once, len(self.running))
        try:
            if self.starts_at_once:
                progress.started()
            if self.evidence:
                progress.report(self.evidence)
            if asked in self.claims:
                progress.claimed(self.claims[asked])
            await self.clock.sleep(self.delay if asked in self.names else 1e9)
            answer = self.names[asked]
            if isinstance(answer, Exception):
                raise answer
            return CalibrationResult(answer if isinstance(answer, TorrentInfo) else info_of(asked, answer))
        except asyncio.CancelledError:
            if self.lingers is not None:
                await self.lingers.wait()
            raise
        finally:
            del self.running[asked]

    def add_hints(self, asked: TorrentId, hints: Hints) -> None:
        if asked in self.running:
            self.hints[asked] = self.hints[asked].merged(hints)

    async def detach(self) -> None:
        self.detached = True

"""What several sections measure in: a store on disk, a manager on it, and functions that look up nothing."""

import asyncio
import contextlib
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from handlers.live_status import LiveStatus
from services.access import Access
from services.calibration.followers import Followership
from services.calibration.manager import AsyncCalibrationManager
from services.calibration.moves import Moves
from services.calibration.ports import CalibrationFunc, CalibrationResult, LookupRequest
from services.calibration.task import HashRequest
from services.clock import SystemClock
from services.i18n import Catalogues
from services.notebook.languages import Languages
from services.notebook.people import People
from services.store.store import Store
from services.torrents import FileEntry, Hints, InfoHash, Name, NotebookId, PersonId, Progress, TorrentId, TorrentInfo

PERSON = PersonId("tg:1")


@dataclass(frozen=True, slots=True)
class Rig:
    store: Store
    manager: AsyncCalibrationManager
    notebook: NotebookId
    database: Path


@contextlib.asynccontextmanager
async def folder() -> AsyncIterator[Path]:
    """Yield a folder that is gone afterwards."""
    path = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="calibot-bench-"))
    try:
        yield path
    finally:
        await asyncio.to_thread(shutil.rmtree, path)


@contextlib.asynccontextmanager
async def rig(function: CalibrationFunc, *, max_workers: int = 100) -> AsyncIterator[Rig]:
    """Yield a manager that looks up by *function*, on a new database."""
    async with folder() as path, Store.open(path / "calibot.db") as store:
        notebook = await store.write(lambda tx: tx.notebooks.open("tg:1", 0.0))
        async with AsyncCalibrationManager(function, tasks=store, max_workers=max_workers, timeout=3600) as manager:
            yield Rig(store, manager, notebook, path / "calibot.db")


def live_status(store: Store, manager: AsyncCalibrationManager) -> LiveStatus:
    """Return what keeps the messages true, in English."""
    clock = SystemClock()
    moves = Moves(store, People(store, Access(), clock), clock)
    return LiveStatus(manager, Followership(store, clock), moves, clock, Languages(store, Catalogues({}), clock))


def found(torrent: TorrentId, name: str) -> CalibrationResult:
    """Return what a lookup gives that has found *name*."""
    return CalibrationResult(
        TorrentInfo(
            torrent=torrent,
            name=Name(text=name, raw=name.encode()),
            size=1234,
            files=(FileEntry("a.mkv", 1234),),
            source="swarm",
            verified=True,
        )
    )


def hashes(count: int) -> HashRequest:
    """Return a request of *count* torrents that nobody has asked for yet."""
    return HashRequest(tuple((TorrentId.of(InfoHash(os.urandom(20).hex())), Hints()) for _ in range(count)))


async def never(lookup: LookupRequest, progress: Progress, /) -> CalibrationResult:  # noqa: ARG001 - the port's
    """Look up what nobody has."""
    await asyncio.Event().wait()
    raise AssertionError


async def at_once(lookup: LookupRequest, progress: Progress, /) -> CalibrationResult:  # noqa: ARG001 - the port's
    """Find a name without looking: all that is left is what calibot does about it."""
    return found(lookup.torrent, f"三体 {lookup.torrent.shown}")

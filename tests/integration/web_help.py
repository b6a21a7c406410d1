"""The application at a real socket, over a real store and the machine's own clock; and notes to ask it for."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from services.calibration.manager import AsyncCalibrationManager
from services.calibration.ports import CalibrationResult, LookupRequest
from services.calibration.task import HashRequest, NoteRequest
from services.clock import SystemClock
from services.errors import NotFound
from services.store.store import Store
from services.torrents import Hints, NoteId, PersonId, Progress, TaskId, TorrentId
from tests.unit.fakes import info_of, torrent
from tests.unit.web_world import ALICE, BOB, GROUP, services_over
from web.app import make_app
from web.given import Services
from web.serving import serving

NOTES = 12
FOUND, SLOW = torrent("x"), torrent("slow")


class Instant:
    """Finds the name of one torrent of two at once, and that of no other; SLOW it looks for until it is left."""

    async def __call__(self, lookup: LookupRequest, progress: Progress, /) -> CalibrationResult:
        progress.started()
        if lookup.torrent == SLOW:
            await asyncio.Event().wait()
        if lookup.torrent != FOUND and int(lookup.torrent.shown.hex[0], 16) % 2:
            raise NotFound
        return CalibrationResult(info_of(lookup.torrent, "三体.iso"))

    def add_hints(self, asked: TorrentId, hints: Hints) -> None:
        """Nothing runs long enough to be told more."""

    async def detach(self) -> None:
        """Nothing goes on."""


@dataclass(frozen=True)
class Site:
    """Where it listens, whom it knows, and what is there.

    Notes from 1 on, a task that is done and one that is not, and a note in which something can be undone.
    """

    port: int
    services: Services
    store: Store
    tokens: Mapping[PersonId, str]
    tasks: Sequence[TaskId]
    undoable: NoteId

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@asynccontextmanager
async def served(folder: Path, rate_limit: int = 0) -> AsyncIterator[Site]:
    """Serve the application while the ``async with`` lasts."""
    clock = SystemClock()
    async with (
        Store.open(folder / "calibot.db") as store,
        AsyncCalibrationManager(Instant(), tasks=store, clock=clock) as manager,
    ):
        services, _, tokens = await services_over(manager, store, clock)
        services = dataclasses.replace(services, rate_limit=rate_limit)
        for number in range(NOTES):
            door = GROUP if number % 3 == 2 else str(ALICE)  # every third
            link = f"magnet:?xt=urn:btih:{torrent('x' if number == 0 else str(number)).shown}&dn=18"
            notebook = await services.notebook.behind(door)
            await services.notebook.save(f"n{number}: {link}", notebook=notebook, person=BOB, origin=None)
        own = await services.notebook.behind(str(ALICE))
        undoable = await services.notebook.save(
            f"magnet:?xt=urn:btih:{FOUND.shown}&dn=18", notebook=own, person=ALICE, origin=None
        )
        assert undoable is not None
        tasks = [
            await manager.submit_task(request=one, notebook=own, asked_by=ALICE, cause="api")
            for one in (NoteRequest((undoable.note_id,)), HashRequest(((SLOW, Hints()),)))
        ]
        await manager.ended(tasks[0])
        async with serving(make_app(services), "127.0.0.1", 0) as port:
            yield Site(port, services, store, tokens, tasks, undoable.note_id)

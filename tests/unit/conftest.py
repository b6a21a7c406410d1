"""A hand-moved clock, a store on it, and a way to run managers over them."""

import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from services.calibration.manager import AsyncCalibrationManager
from services.store.store import Store
from services.torrents import NotebookId
from tests.fake_clock import FakeClock
from tests.inline_store import inline_store
from tests.unit.fakes import FakeEngine
from tests.unit.unheard import Unheard

Run = Callable[..., AbstractAsyncContextManager[AsyncCalibrationManager]]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def engine(clock: FakeClock) -> FakeEngine:
    return FakeEngine(clock)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with inline_store(tmp_path / "calibot.db") as store:
        yield store


@pytest.fixture
async def notebook(store: Store, clock: FakeClock) -> NotebookId:
    return await store.write(lambda tx: tx.notebooks.open("tg:1", clock.now()))


@pytest.fixture
def run(store: Store, clock: FakeClock, engine: FakeEngine) -> Run:
    """Return a way to run a manager, as at each start of the program: ``async with run(max_workers=2) as manager``."""

    @contextlib.asynccontextmanager
    async def running(function: object = None, **settings: float) -> AsyncIterator[AsyncCalibrationManager]:
        manager = AsyncCalibrationManager(
            function or engine,  # type: ignore[arg-type] # any kind of function: that is the test
            tasks=store,
            clock=clock,
            **settings,  # type: ignore[arg-type] # numbers by name
        )
        async with manager:
            yield manager

    return running


@pytest.fixture
def unheard() -> Iterator[Unheard]:
    with contextlib.closing(Unheard()) as held:
        yield held

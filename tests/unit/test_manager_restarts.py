"""What a shutdown waits for and hands back, and what a start finds of it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest

from services.calibration.manager import AsyncCalibrationManager
from services.calibration.ports import Tx
from services.calibration.task import State, Task
from services.store.store import Store
from services.torrents import NotebookId, PersonId, TaskId
from tests.fake_clock import FakeClock, settle
from tests.unit.conftest import Run
from tests.unit.fakes import FakeEngine, hashes

ALICE = PersonId("tg:1")
T = TypeVar("T")


async def submit(manager: AsyncCalibrationManager, notebook: NotebookId) -> TaskId:
    return await manager.submit_task(request=hashes("x"), notebook=notebook, asked_by=ALICE, cause="command")


async def stored(store: Store, task_id: TaskId) -> Task:
    task = await store.read(lambda tx: tx.tasks.get(task_id))
    assert task is not None
    return task


async def test_a_task_has_been_running_since_it_first_was_whatever_restarts_lie_between(
    run: Run, clock: FakeClock, store: Store, notebook: NotebookId
) -> None:
    began = clock.now()
    async with run() as manager:
        task_id = await submit(manager, notebook)
        await clock.advance(7)
    async with run():
        await clock.advance(1)
        task = await stored(store, task_id)
        assert (task.state, task.started_at) == (State.RUNNING, began)


async def test_a_retry_counts_its_time_anew(run: Run, clock: FakeClock, store: Store, notebook: NotebookId) -> None:
    async with run() as manager:
        task_id = await submit(manager, notebook)
        await clock.advance(7)
        await manager.cancel_task(task_id, notebook=notebook, asked_by=ALICE)
        await manager.retry_task(task_id, notebook=notebook, asked_by=ALICE)
        await settle()
        assert (await stored(store, task_id)).started_at == clock.now()


async def test_a_shutdown_lets_those_who_are_asking_have_their_answer(
    run: Run, store: Store, notebook: NotebookId, monkeypatch: pytest.MonkeyPatch
) -> None:
    written, real = asyncio.Event(), store.write

    async def write(fn: Callable[[Tx], Awaitable[T]]) -> T:
        await written.wait()
        return await real(fn)

    async with run() as manager:
        monkeypatch.setattr(store, "write", write)
        asking = asyncio.create_task(submit(manager, notebook))
        await settle()
        closing = asyncio.create_task(manager.shutdown())
        await settle()
        monkeypatch.setattr(store, "write", real)
        written.set()
        await closing
        assert asking.done()
    assert (await stored(store, await asking)).state is State.PENDING


async def test_what_a_shutdown_hands_back_is_not_timed_out_while_its_lookup_lingers(
    run: Run, engine: FakeEngine, clock: FakeClock, store: Store, notebook: NotebookId
) -> None:
    engine.lingers = asyncio.Event()
    async with run(timeout=60) as manager:
        task_id = await submit(manager, notebook)
        await settle()
        closing = asyncio.create_task(manager.shutdown())
        await clock.advance(61)
        engine.lingers.set()
        await closing
    assert (await stored(store, task_id)).state is State.PENDING

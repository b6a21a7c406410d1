"""The one manager of calibrations: what people ask of it, and what is told to whoever watches."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

import structlog

from services.calibration.allowance import Allowance, forget_old
from services.calibration.apply import Applied, Named, apply_cancel, apply_retry, apply_told, hand_back
from services.calibration.boards import follow
from services.calibration.choice import Choice, apply_choice, apply_keep
from services.calibration.follower import NewFollower
from services.calibration.functions import engine_of
from services.calibration.ports import CalibrationFunc, Engine, LookedUp, OrdinaryFunc, TaskStore, Tx
from services.calibration.request import digest_of, items_of, own_task, shown_by, wanted_of
from services.calibration.runner import Runner
from services.calibration.sequence import Sequence as Changed
from services.calibration.task import CalibrationRequest, Found, ItemKey, State, Task
from services.calibration.views import Views
from services.clock import Clock, SystemClock
from services.errors import CannotCancel, CannotRetry, NothingToLookUp, ShuttingDown, StoreUnavailable
from services.notebook.once import KEPT_SECONDS, once
from services.torrents import NotebookId, NoteId, PersonId, Step, TaskId, TorrentInfo

log = structlog.stdlib.get_logger(__name__)
T = TypeVar("T")
_UNSHOWN_KEPT = 30 * 86400.0
_LOOKUPS_KEPT = 90 * 86400.0
_FOLLOWERS_KEPT = 90 * 86400.0  # from its end on: so long its buttons work


class AsyncCalibrationManager(Views):
    """Owns every running lookup. Leaving it (``async with``) hands them back to pending and awaits them all.

    Args:
        calibration_func: does one lookup: an `Engine`, an async function, or an ordinary one, which runs in threads.
        tasks: where tasks are kept; nothing is acknowledged before it is committed there.
        clock: time, for time-outs and retention.
        max_workers: how many lookups run at once.
        timeout: seconds that an item may be running.
        task_ttl_seconds: how long an ended task is answered for.
        allowance: how much one person may ask for.
        looked_up: hears of each lookup that has ended, once that is stored.

    Every method is for the loop that entered it; from other threads through ``asyncio.run_coroutine_threadsafe``.
    """

    def __init__(
        self,
        calibration_func: CalibrationFunc | OrdinaryFunc | Engine,
        *,
        tasks: TaskStore,
        clock: Clock | None = None,
        max_workers: int = 5,
        timeout: float = 60,
        task_ttl_seconds: float = 3600,
        allowance: Allowance = Allowance(),  # noqa: B008 - immutable
        looked_up: Callable[[LookedUp], None] | None = None,
    ) -> None:
        super().__init__(tasks, clock or SystemClock(), task_ttl_seconds)
        self._allowance = allowance
        self._looked_up = looked_up
        self._calls: set[asyncio.Task[Any]] = set()
        self._open = False
        self._runner = Runner(
            engine_of(calibration_func, max_workers),
            tasks=tasks,
            clock=self._clock,
            max_workers=max_workers,
            timeout=timeout,
            told=self._told,
            progressed=self._progressed,
        )

    async def __aenter__(self) -> Self:
        async def start(tx: Tx) -> tuple[int, Sequence[Task]]:
            return await tx.next_boot(), await hand_back(tx)

        boot, unended = await self._tasks.write(start)
        self._changed = Changed(boot)
        self._open = True
        self._runner.open()
        for task in unended:
            self._runner.admit(task.id)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.shutdown()

    async def shutdown(self) -> None:
        """Accept nothing more, leave the lookups, and put what was running back to pending for the next start."""
        if not self._open:
            return
        self._open = False
        if self._calls:
            await asyncio.wait(self._calls)
        await self._runner.close()
        try:
            await self._tasks.write(hand_back)
        except StoreUnavailable as error:  # the next start does the same
            log.error("store.unavailable", **error.parameters)  # noqa: TRY400 - no bug: no traceback

    async def submit_task(
        self,
        *,
        request: CalibrationRequest,
        notebook: NotebookId,
        asked_by: PersonId,
        cause: str,
        follower: NewFollower | None = None,
        request_key: str | None = None,
    ) -> TaskId:
        """Store a task and return its id at once; the same request under way gives that one, with a follower more.

        Raises:
            NoteNotFound: a note of the request is not in this notebook.
            NothingToLookUp: it names no torrent.
            AllUndone: all that it names was undone, or kept, in its notes.
            TooMany, TooManyTasks, AllowanceUsedUp: this person may not ask for so much, or not now.
            ShuttingDown, StoreUnavailable: nothing was accepted.
        """

        async def submit(tx: Tx) -> str:
            if follower is not None and (shown := await shown_by(tx, follower, request, notebook)) is not None:
                return shown.id  # somebody was quicker: the message is a card already, and stays that one
            wanted, torrents = await wanted_of(tx, notebook, request)
            if not torrents:
                raise NothingToLookUp
            digest = digest_of(wanted, torrents)
            task = await tx.tasks.live_twin(notebook, asked_by, digest)
            if task is not None:
                items = await tx.tasks.items(task.id)
                await tx.tasks.replace_items([item.with_hints(torrents[item.torrent]) for item in items])
            else:
                await self._allowance.ask(tx, asked_by, torrents, self._clock.now())
                task = Task(
                    id=TaskId(str(uuid.uuid4())),
                    notebook=notebook,
                    asked_by=asked_by,
                    cause=cause,
                    request=wanted,
                    created_at=self._clock.now(),
                )
                await tx.tasks.insert(task, digest, items_of(task.id, torrents))
            if follower is not None:
                await follow(tx, task, follower)
            return task.id

        task_id = TaskId(await self._once(request_key, submit))
        log.info("task.submitted", task=task_id, by=asked_by, shown_at=follower.address if follower else None)
        return task_id

    async def learn(self, info: TorrentInfo) -> None:
        """Store a verified name that nobody looked up; whatever waits for it ends with it.

        Raises:
            ShuttingDown, StoreUnavailable: nothing was stored.
        """

        async def learn() -> None:
            now, named = self._clock.now(), Named(found=Found.of(info), info=info)
            self._told(await self._tasks.write(lambda tx: apply_told(tx, [named], now)))

        await self._whole(learn)

    async def submitted(self, request_key: str) -> TaskId | None:
        """Return the task that was submitted under this key, whatever would be answered to the request now."""
        stored = await self._tasks.read(lambda tx: tx.answers.get(request_key))
        return None if stored is None else TaskId(stored)

    async def cancel_task(
        self,
        task_id: TaskId,
        *,
        notebook: NotebookId,
        asked_by: PersonId,
        everyones: bool = False,
        request_key: str | None = None,
    ) -> None:
        """End a task under way as cancelled. *everyones*: this person may do so to other people's tasks.

        Raises:
            TaskNotFound: no such task in this notebook.
            NotAllowed: it is another person's.
            CannotCancel: it has ended.
        """
        applied = Applied()

        async def cancel(tx: Tx) -> str:
            task = await own_task(tx, task_id, notebook, asked_by, everyones=everyones)
            if task.state.ended:
                raise CannotCancel(state=task.state)
            applied.ended.update(await apply_cancel(tx, task, self._clock.now()))
            applied.over[task_id] = State.CANCELLED
            return task_id

        await self._once(request_key, cancel, applied)

    async def retry_task(
        self,
        task_id: TaskId,
        *,
        notebook: NotebookId,
        asked_by: PersonId,
        everyones: bool = False,
        follower: NewFollower | None = None,
        request_key: str | None = None,
    ) -> None:
        """Look up again what an ended task did not find, as one attempt more.

        Raises:
            TaskNotFound: no such task in this notebook.
            NotAllowed: it is another person's.
            CannotRetry: it is under way, or found everything.
            TooMany, TooManyTasks, AllowanceUsedUp: this person may not ask for so much, or not now.
        """

        async def retry(tx: Tx) -> str:
            task = await own_task(tx, task_id, notebook, asked_by, everyones=everyones)
            counts = await tx.tasks.counts(task_id)
            if not task.state.ended or not (counts.get(State.FAILED) or counts.get(State.CANCELLED)):
                raise CannotRetry(state=task.state)
            lost = await tx.tasks.items(task_id, states=(State.FAILED, State.CANCELLED))
            now = self._clock.now()
            await self._allowance.ask(tx, asked_by, [item.torrent for item in lost], now)
            await apply_retry(tx, task, now)
            if follower is not None:
                await follow(tx, task, follower)
            return task_id

        await self._once(request_key, retry)

    def note_changed(self, note_id: NoteId) -> None:
        """Give a change of a note that was none of a task's the next number."""
        self._changed.touch(note_id)

    async def choose_name(
        self, choice: Choice, *, notebook: NotebookId, asked_by: PersonId, request_key: str | None = None
    ) -> None:
        """Store which reading of a name is right, and write it into the notes that tasks here were asked for.

        Whoever edits notes may do so.

        Raises:
            TaskNotFound: no such task in this notebook.
            CannotChoose: there is no such reading.
        """
        await self._decide(
            choice.task_id, request_key, lambda tx, now: apply_choice(tx, choice, notebook, asked_by, now)
        )

    async def keep_old_name(
        self, item: ItemKey, *, notebook: NotebookId, asked_by: PersonId, request_key: str | None = None
    ) -> None:
        """Take back the name that an item wrote into notes, and let nothing write it again by itself.

        Raises:
            TaskNotFound: no such task in this notebook.
            CannotChoose: there is no old name to keep.
            EditedSince, WrittenSince: the notes were changed since.
        """
        await self._decide(item[0], request_key, lambda tx, now: apply_keep(tx, item, notebook, asked_by, now))

    async def _decide(self, task_id: TaskId, key: str | None, act: Callable[[Tx, float], Awaitable[Applied]]) -> None:
        applied = Applied()

        async def decide(tx: Tx) -> str:
            done = await act(tx, self._clock.now())
            applied.tasks, applied.notes = done.tasks, done.notes
            return task_id

        await self._once(key, decide, applied)

    async def cleanup_old_tasks(self) -> int:
        """Delete what is kept no longer; return how many tasks that were."""
        now = self._clock.now()

        async def clean(tx: Tx) -> Sequence[TaskId]:
            await tx.answers.forget(now - KEPT_SECONDS)
            await tx.lookups.forget(now - _LOOKUPS_KEPT)
            await tx.served.forget(now - _LOOKUPS_KEPT)
            await forget_old(tx, now)
            await tx.followers.forget(now - _FOLLOWERS_KEPT)
            await tx.boards.forget(now - _FOLLOWERS_KEPT)
            return await tx.tasks.delete_ended(now - self._ttl, now - max(self._ttl, _UNSHOWN_KEPT))

        return len(await self._tasks.write(clean))

    async def _once(self, key: str | None, act: Callable[[Tx], Awaitable[str]], applied: Applied | None = None) -> str:
        """Let *act* change one task, once for *key*, and the runner with it: both, or neither, whoever is cancelled.

        *applied* says by then what it has changed besides the task.
        """

        async def change() -> str:
            answer = await self._tasks.write(lambda tx: once(tx, key, self._clock.now(), lambda: act(tx)))
            task_id, told = TaskId(answer), applied or Applied()
            self._runner.admit(task_id)
            told.tasks.add(task_id)
            self._told(told)
            return task_id

        return await self._whole(change)

    async def _whole(self, change: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Let *change* run to its end, whoever is cancelled."""
        if not self._open:
            raise ShuttingDown
        call = asyncio.create_task(change())
        self._calls.add(call)
        call.add_done_callback(self._called)
        return await asyncio.shield(call)

    def _called(self, call: asyncio.Task[Any]) -> None:
        self._calls.discard(call)
        if not call.cancelled():
            call.exception()  # heard, even where its caller was cancelled

    def _told(self, applied: Applied) -> None:
        for task_id, state in applied.over.items():
            log.info("task.ended", task=task_id, state=str(state))
        for task_id in applied.tasks:
            self._changed.touch(task_id)
        for note_id in applied.notes:
            self._changed.touch(note_id)
        if self._looked_up is not None:
            for one in applied.lookups:
                self._looked_up(one)
        self._runner.leave(applied.ended)
        for task_id in applied.tasks:
            if not self._runner.waits(task_id):
                self._progress.pop(task_id, None)

    def _progressed(self, tasks: Iterable[TaskId], step: Step) -> None:
        for task_id in tasks:
            self._progress[task_id] = step
            self._changed.touch(task_id)


_process_manager: AsyncCalibrationManager | None = None


def set_async_calibration_manager(manager: AsyncCalibrationManager | None) -> None:
    """Make *manager* the process's one: for the composition root alone."""
    global _process_manager  # noqa: PLW0603 - the only global there is
    _process_manager = manager


def get_async_calibration_manager() -> AsyncCalibrationManager:
    """Return the process's manager. Raises RuntimeError before the composition root has set it."""
    if _process_manager is None:
        raise RuntimeError("the program has not been put together yet")
    return _process_manager

"""Runs the lookups: admits items, keeps to the slots, enforces time-outs, and applies what comes of it."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import TypeVar

import structlog

from services.calibration.apply import Applied, ItemKey, apply_failure, apply_found, apply_started
from services.calibration.lookups import Lookup, Lookups, Wait
from services.calibration.ports import CalibrationResult, Engine, LookupRequest, TaskStore, Tx
from services.calibration.task import Found, Item, State, verdict
from services.clock import Clock
from services.errors import CalibotError, NotFound, StoreUnavailable
from services.torrents import Step, TaskId, TorrentId, TorrentInfo

T = TypeVar("T")
log = structlog.stdlib.get_logger(__name__)
_LONGEST_PAUSE = 30.0  # seconds between two tries to write an outcome while the database cannot be written


class Runner:
    """Owns every lookup under way. *told* hears what each transaction changed, *progressed* what lookups report."""

    def __init__(
        self,
        engine: Engine,
        *,
        tasks: TaskStore,
        clock: Clock,
        max_workers: int,
        timeout: float,
        told: Callable[[Applied], None],
        progressed: Callable[[Iterable[TaskId], Step], None],
    ) -> None:
        self._engine = engine
        self._tasks = tasks
        self._clock = clock
        self._timeout = timeout
        self._told = told
        self._progressed = progressed
        self._lookups = Lookups(max_workers)
        self._deadlines: deque[Wait] = deque()  # all wait equally long: the first is the next
        self._deadline_set = asyncio.Event()
        self._owned: set[asyncio.Task[None]] = set()
        self._watching: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()

    def open(self) -> None:
        """Begin to watch the time-outs."""
        self._watching = asyncio.create_task(self._watch(), name="time-outs")

    async def close(self) -> None:
        """Begin nothing more, leave every lookup, and return when all are gone."""
        self._closing.set()
        await self._engine.detach()
        for lookup in self._lookups.under_way():
            lookup.end()
        while self._owned:
            await asyncio.wait(self._owned)
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.wait([self._watching])

    def admit(self, task_id: TaskId) -> None:
        """Let the task's pending items go on their way; those that are on it stay as they are."""
        self._own(self._admit(task_id))

    def leave(self, keys: Iterable[ItemKey]) -> None:
        """Take items that have ended out of their lookups."""
        self._lookups.left(keys)
        self._begin()

    def leave_task(self, task_id: TaskId) -> None:
        """Take all of a task's items out of their lookups."""
        self.leave(self._lookups.of_task(task_id))

    def waits(self, task_id: TaskId) -> bool:
        """Whether an item of the task waits for a lookup."""
        return bool(self._lookups.of_task(task_id))

    def _own(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._owned.add(task)
        task.add_done_callback(self._disown)
        return task

    def _disown(self, task: asyncio.Task[None]) -> None:
        self._owned.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("calibration.bug", exc_info=error)

    async def _admit(self, task_id: TaskId) -> None:
        async def sort(tx: Tx) -> list[tuple[Item, Found | None]]:
            items = await tx.tasks.items(task_id, states=(State.PENDING, State.RUNNING))
            return [(item, await tx.names.verified(item.torrent)) for item in items]

        items = await self._persist(sort, reading=True)
        if items is None:
            return
        if known := [(item, found) for item, found in items if found and item.state is State.PENDING]:
            await self._apply_known(known)
        for item, found in items:
            if found is None:
                self._join(item)
        self._begin()

    async def _apply_known(self, known: list[tuple[Item, Found]]) -> None:
        """Move a task whose names are known through running to its end: no lookup."""
        first, _ = known[0]
        await self._started([Wait((first.task_id, first.position), first.attempt)])
        for _, found in known:
            await self._found(found)

    def _join(self, item: Item) -> None:
        lookup, wait = self._lookups.join(item, self._clock.monotonic())
        if lookup is not None and lookup.leave is not None:
            self._engine.add_hints(lookup.torrent, item.hints)
        if lookup is not None and lookup.started and wait is not None:
            self._run([wait])
            if lookup.evidence is not None:
                self._progressed([item.task_id], lookup.evidence)

    def _begin(self) -> None:
        if self._closing.is_set():
            return
        for lookup in self._lookups.startable():
            self._own(self._look_up(lookup))

    async def _look_up(self, lookup: Lookup) -> None:
        began = self._clock.monotonic()
        call = asyncio.create_task(self._call(lookup))
        lookup.leave = call.cancel
        if lookup.ending:
            call.cancel()
        await asyncio.wait([call])
        left, lookup.ending = lookup.ending, True  # who comes from here on is not among those that the outcome serves
        source = None
        try:
            result = _result_of(call, lookup.torrent, left=left)
            if result is not None:
                await self._found(Found.of(result), result, lookup.waits)
                source = result.source
            outcome = "found" if result else lookup.left_as
        except CalibotError as error:
            outcome = error.code
            await self._failed(lookup, Step(error.code, error.parameters))
        except Exception:  # such as a value that no database takes: its items end all the same
            log.exception("lookup.bug")
            outcome = _Bug.code
            await self._failed(lookup, Step(_Bug.code))
        finally:
            self._lookups.finished(lookup)
            self._begin()
        if source is not None or not self._closing.is_set():  # what is handed back has not ended
            await self._leave_row(lookup, began, outcome, source)

    async def _call(self, lookup: Lookup) -> CalibrationResult:
        """Call the engine with the hints of all who have joined up to its first step."""
        request = LookupRequest(torrent=lookup.torrent, hints=lookup.hints)
        return await self._engine(request, _Reporter(self, lookup))

    async def _leave_row(self, lookup: Lookup, began: float, outcome: str, source: str | None) -> None:
        waited, took = began - lookup.asked_at, self._clock.monotonic() - began
        at = self._clock.now()
        await self._persist(
            lambda tx: tx.lookups.add(lookup.torrent, source=source, waited=waited, took=took, outcome=outcome, at=at)
        )

    # What a lookup tells.

    def begun(self, lookup: Lookup) -> None:
        if not lookup.started:
            lookup.started = True
            self._run(list(lookup.waits.values()))

    def reported(self, lookup: Lookup, step: Step) -> None:
        if lookup.evidence != step:
            lookup.evidence = step
            self._progressed({task_id for task_id, _ in lookup.waits}, step)

    def _run(self, waits: list[Wait]) -> None:
        """Give items that are running from now on their time, and store that they are."""
        for wait in waits:
            wait.deadline = self._clock.monotonic() + self._timeout
            self._deadlines.append(wait)
        self._deadline_set.set()
        self._own(self._started(waits))

    async def _watch(self) -> None:
        while True:
            self._deadline_set.clear()
            while self._deadlines:
                deadline = self._deadlines[0].deadline
                assert deadline is not None  # noqa: S101 - set before it is appended
                left = deadline - self._clock.monotonic()
                if left > 0:
                    await self._clock.sleep(left)
                    continue
                wait = self._deadlines.popleft()
                if (lookup := self._lookups.waits_for(wait)) is not None:
                    self._own(self._time_out(lookup, wait))
            await self._deadline_set.wait()

    # What becomes of it, stored before anything in memory moves on.

    async def _started(self, waits: list[Wait]) -> None:
        now = self._clock.now()
        await self._apply(lambda tx: apply_started(tx, [(wait.key, wait.attempt) for wait in waits], now))

    async def _found(self, found: Found, info: TorrentInfo | None = None, keys: Iterable[ItemKey] = ()) -> None:
        """Apply a name: a verified one to every item that waits for its hash, a claimed one to the items *keys*."""
        now, keys = self._clock.now(), list(keys)

        async def write(tx: Tx) -> Applied:
            if info is not None:
                await tx.names.put(info, now)
            if found.verified:
                return await apply_found(tx, found, await tx.tasks.waiting(found.torrent), now)
            items = [await tx.tasks.item(*key) for key in keys]
            return await apply_found(tx, found, [item for item in items if item and not item.state.ended], now)

        await self._apply(write)

    async def _failed(self, lookup: Lookup, failure: Step) -> None:
        keys = [(wait.key, wait.attempt) for wait in lookup.waits.values()]
        now = self._clock.now()
        if keys:
            await self._apply(lambda tx: apply_failure(tx, failure, keys, now))

    async def _time_out(self, lookup: Lookup, wait: Wait) -> None:
        now = self._clock.now()
        failure = verdict(lookup.evidence)
        lookup.left_as = failure.code
        await self._apply(lambda tx: apply_failure(tx, failure, [(wait.key, wait.attempt)], now))

    async def _apply(self, write: Callable[[Tx], Awaitable[Applied]]) -> None:
        applied = await self._persist(write)
        if applied is not None:
            self._told(applied)

    async def _persist(self, fn: Callable[[Tx], Awaitable[T]], *, reading: bool = False) -> T | None:
        """Run *fn* until it worked: what was accepted is not given up because the disk is full for a while."""
        pause = 1.0
        while True:
            try:
                return await (self._tasks.read(fn) if reading else self._tasks.write(fn))
            except StoreUnavailable as error:
                log.error("store.unavailable", **error.parameters)  # noqa: TRY400 - no bug: no traceback
            if self._closing.is_set():
                return None  # the next start looks it up again
            await self._pause(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def _pause(self, seconds: float) -> None:
        """Return after *seconds*, or as soon as there is no more time because of closing."""
        waits = [asyncio.ensure_future(self._clock.sleep(seconds)), asyncio.ensure_future(self._closing.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()


class _Reporter:
    """The progress of one lookup."""

    def __init__(self, runner: Runner, lookup: Lookup) -> None:
        self._runner = runner
        self._lookup = lookup

    def started(self) -> None:
        self._runner.begun(self._lookup)

    def report(self, step: Step) -> None:
        self._runner.reported(self._lookup, step)


class _Bug(CalibotError):
    """A lookup failed in a way that nobody foresaw."""

    code = "internal"


def _result_of(call: "asyncio.Future[CalibrationResult]", asked: TorrentId, *, left: bool) -> TorrentInfo | None:
    """Return what the lookup found, None when it was left; whatever it raised is raised as one of our errors."""
    if call.cancelled():
        if left:
            return None
        raise _Bug  # it was cancelled by itself, not by us: nobody else will end its items
    error = call.exception()
    if isinstance(error, CalibotError):
        raise error
    if error is not None:
        log.error("lookup.bug", exc_info=error)
        raise _Bug from error
    result: object = call.result()
    if not isinstance(result, CalibrationResult):
        log.error("lookup.bug", got=type(result).__name__)
        raise _Bug
    info = result.info
    if info.verified and not info.torrent.answers(asked):
        raise NotFound(reason="another torrent")
    return info

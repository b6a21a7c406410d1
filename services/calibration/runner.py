"""Runs the lookups: keeps to the slots, enforces time-outs, and applies what comes of it."""

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Coroutine, Iterable
from dataclasses import replace

import structlog

from services.calibration.admission import Admission
from services.calibration.apply import Applied, Began, Failed, Named, Told, Waits
from services.calibration.journal import Journal
from services.calibration.lookups import Lookup, Lookups, Wait
from services.calibration.ports import CalibrationResult, Engine, LookedUp, LookupRequest, TaskStore
from services.calibration.task import Found, Item, ItemKey, verdict
from services.clock import Clock
from services.errors import CalibotError, NotFound
from services.torrents import NotebookId, Step, TaskId, TorrentId, TorrentInfo

log = structlog.stdlib.get_logger(__name__)
_DETACH_SECONDS = 10.0


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
        self._journal = Journal(tasks, clock, told)
        self._clock = clock
        self._timeout = timeout
        self._progressed = progressed
        self._lookups = Lookups(max_workers)
        self._admission = Admission(self._journal, self._lookups, most=max_workers, join=self._join, begin=self._begin)
        self._deadlines: deque[Wait] = deque()  # all wait equally long: the first is the next
        self._deadline_set = asyncio.Event()
        self._owned: set[asyncio.Task[None]] = set()
        self._watching: asyncio.Task[None] | None = None
        self._closing = False

    def open(self) -> None:
        """Begin to write, and to watch the time-outs."""
        self._journal.open()
        self._watching = asyncio.create_task(self._watch(), name="time-outs")

    async def close(self) -> None:
        """Begin nothing more, leave every lookup, and return when all are gone."""
        self._closing = True
        self._journal.give_up()
        await self._detach()
        for lookup in self._lookups.under_way():
            lookup.end()
        while self._owned:
            await asyncio.wait(self._owned)
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.wait([self._watching])
        await self._journal.close()

    async def _detach(self) -> None:
        """Ask the engine to let go; whatever it does, the lookups are left and the work is handed back."""
        detaching = asyncio.ensure_future(self._engine.detach())
        patience = asyncio.ensure_future(self._clock.sleep(_DETACH_SECONDS))
        await asyncio.wait([detaching, patience], return_when=asyncio.FIRST_COMPLETED)
        patience.cancel()
        if not detaching.done():
            log.error("engine.detach_hangs")
            detaching.cancel()
        elif (error := detaching.exception()) is not None:
            log.error("engine.detach_failed", exc_info=error)

    def admit(self, task_id: TaskId) -> None:
        """Let the task's pending items go on their way; those that are on it stay as they are."""
        self._own(self._admission.admit(task_id))

    def leave(self, keys: Collection[ItemKey]) -> None:
        """Take items that have ended out of their lookups."""
        self._admission.ended(keys)
        self._lookups.left(keys)
        self._begin()

    def waits(self, task_id: TaskId) -> bool:
        """Whether an item of the task waits for a lookup."""
        return self._lookups.waiting(task_id) > 0

    def _own(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._owned.add(task)
        task.add_done_callback(self._disown)
        return task

    def _disown(self, task: asyncio.Task[None]) -> None:
        self._owned.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("calibration.bug", exc_info=error)

    def _join(self, item: Item, notebook: NotebookId) -> None:
        lookup, wait = self._lookups.join(item, notebook, self._clock.monotonic())
        if lookup is not None and lookup.leave is not None:
            self._engine.add_hints(lookup.torrent, item.hints)
        if lookup is not None and lookup.started and wait is not None:
            self._run([wait])
            if lookup.evidence is not None:
                self._progressed([item.task_id], lookup.evidence)

    def _begin(self) -> None:
        if self._closing:
            return
        for lookup in self._lookups.startable():
            self._own(self._look_up(lookup))
        for task_id in self._admission.short():
            self._own(self._admission.go_on(task_id))

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
            outcome = "found" if result else lookup.left_as
            served = result or (lookup.claim if outcome == "found" else None)
            source = served.source if served else None
            told: Told | None = Named(found=Found.of(result), info=result, waits=_waits(lookup)) if result else None
        except CalibotError as error:
            outcome, told = error.code, Failed(Step(error.code, error.parameters), _waits(lookup))
        row = LookedUp(
            torrent=lookup.torrent,
            source=source,
            waited=began - lookup.asked_at,
            took=self._clock.monotonic() - began,
            outcome=outcome,
        )
        try:
            if told is not None or not self._closing:  # what is handed back has not ended
                await self._tell_end(told, row, lookup)
        finally:
            self._lookups.finished(lookup)
            self._begin()

    async def _tell_end(self, told: Told | None, row: LookedUp, lookup: Lookup) -> None:
        if not await self._stored(*([told] if told else []), row):
            await self._journal.tell(
                Failed(Step(_Bug.code), _waits(lookup)), replace(row, outcome=_Bug.code, source=None)
            )

    async def _stored(self, *told: Told) -> bool:
        """Store what a lookup came to, if that is possible: its items end all the same."""
        try:
            await self._journal.tell(*told)
        except Exception:  # such as a value that no database takes
            log.exception("lookup.bug")
            return False
        return True

    async def _call(self, lookup: Lookup) -> CalibrationResult:
        """Call the engine with the hints of all who have joined up to its first step."""
        request = LookupRequest(torrent=lookup.torrent, hints=lookup.hints)
        return await self._engine(request, _Reporter(self, lookup))

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
        self._own(self._journal.tell(Began(tuple((wait.key, wait.attempt) for wait in waits))))

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
                lookup = self._lookups.waits_for(wait)
                if lookup is not None and not lookup.ending:  # else what came of it is being written: it was in time
                    self._own(self._time_out(lookup, wait))
            await self._deadline_set.wait()

    async def _time_out(self, lookup: Lookup, wait: Wait) -> None:
        waits = ((wait.key, wait.attempt),)
        if lookup.claim is not None:
            lookup.left_as = "found"
            if not await self._stored(Named(found=Found.of(lookup.claim), info=lookup.claim, waits=waits)):
                lookup.left_as = _Bug.code
                await self._journal.tell(Failed(Step(_Bug.code), waits))
            return
        failure = verdict(lookup.evidence)
        lookup.left_as = failure.code
        await self._journal.tell(Failed(failure, waits))


class _Reporter:
    """The progress of one lookup."""

    def __init__(self, runner: Runner, lookup: Lookup) -> None:
        self._runner = runner
        self._lookup = lookup

    def started(self) -> None:
        self._runner.begun(self._lookup)

    def report(self, step: Step) -> None:
        self._runner.reported(self._lookup, step)

    def claimed(self, info: TorrentInfo) -> None:
        self._lookup.claim = info


class _Bug(CalibotError):
    """A lookup failed in a way that nobody foresaw."""

    code = "internal"


def _waits(lookup: Lookup) -> Waits:
    return tuple((wait.key, wait.attempt) for wait in lookup.waits.values())


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

"""A program that is run once, bounded in time and in what it says; nothing of its session is left behind. Linux."""

import asyncio
import contextlib
import os
import signal
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from services.clock import Clock, at_most

log = structlog.stdlib.get_logger(__name__)
_GRACE = 2.0  # seconds: from TERM to KILL, and in which at most what was said is read when all are gone
_SOON = 0.2  # seconds: in which a KILL has worked, and after which silence is the end of what was said
_LOOKS = 0.05  # seconds between two looks whether anybody is left
_AT_ONCE = 65_536


class TooLong(Exception):
    """It did not end in its time."""


class TooMuch(Exception):
    """It said more than is read."""


@dataclass(frozen=True, slots=True)
class Ran:
    """How a program ended: its exit *code* (negative: the signal that ended it), and what it said."""

    code: int
    out: bytes
    err: bytes


async def run(argv: Sequence[str], *, environment: Mapping[str, str], seconds: float, most: int, clock: Clock) -> Ran:
    """Run *argv* without a shell, in a session of its own, and return how it ended.

    The whole session is ended when its first process has, after *seconds*, when either output has over *most* bytes,
    and when the caller is cancelled: asked to (TERM), and after a grace made to (KILL). What has become another user's
    cannot be: the log says so, and it is waited for no longer than the grace.

    Raises:
        TooLong, TooMuch: see there.
        OSError, ValueError: it cannot be started.
    """
    async with _heard() as out, _heard() as err:
        starting = asyncio.ensure_future(
            asyncio.create_subprocess_exec(
                *argv,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=out.end,
                stderr=err.end,
                env=environment,
                start_new_session=True,
            )
        )
        try:
            process = await asyncio.shield(starting)  # cancelled, it would end its first process alone
            out.begin(most)
            err.begin(most)
            in_time = await _ended_in(seconds, process, {out.too_much, err.too_much}, clock)
        finally:
            await _through(asyncio.ensure_future(_end(starting, clock)))
        if in_time:
            await _read_out((out, err), clock)
        if out.too_much.done() or err.too_much.done():
            raise TooMuch
        if not in_time or process.returncode is None:
            raise TooLong
        return Ran(process.returncode, bytes(out.said), bytes(err.said))


async def _ended_in(seconds: float, process: Process, ends: set[asyncio.Future[None]], clock: Clock) -> bool:
    """Wait until *process* has ended, one of *ends* has come, or *seconds* are over; return whether it has ended."""
    ended = asyncio.ensure_future(process.wait())
    late = asyncio.ensure_future(clock.sleep(seconds))
    try:
        first: set[asyncio.Future[Any]] = {ended, late, *ends}
        await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
        return ended.done()
    finally:
        late.cancel()
        ended.cancel()


async def _through(ending: asyncio.Future[None]) -> None:
    """Wait until *ending* is over, however often the caller is cancelled meanwhile."""
    cancelled: asyncio.CancelledError | None = None
    while not ending.done():
        try:
            await asyncio.wait({ending})
        except asyncio.CancelledError as error:
            cancelled = error
    ending.result()
    if cancelled is not None:
        raise cancelled


async def _end(starting: asyncio.Future[Process], clock: Clock) -> None:
    """End every process of the session whose first one is *starting*, or has started."""
    await asyncio.wait({starting})
    if starting.exception() is not None:
        return
    process = starting.result()
    thread = ThreadPoolExecutor(1, "processes")  # the loop's own may all be held up
    session = _Session(process, thread)
    try:
        with contextlib.suppress(ProcessLookupError):  # all of it has gone
            await _told(session, signal.SIGTERM, _GRACE, clock)
            await _told(session, signal.SIGKILL, _SOON, clock)
    except PermissionError as error:  # who is left has changed its user
        log.warning("process.not_ended", pid=process.pid, error=str(error))
    finally:
        thread.shutdown(wait=False)
    await at_most(clock, _GRACE, asyncio.ensure_future(process.wait()))


async def _told(session: "_Session", which: signal.Signals, seconds: float, clock: Clock) -> None:
    """Tell all of *session*, and look for so many *seconds* whether anybody of it is left.

    Raises:
        ProcessLookupError: nobody is.
        PermissionError: nobody whom we may tell.
    """
    until = clock.monotonic() + seconds
    await session.send(which)
    while clock.monotonic() < until:
        await clock.sleep(_LOOKS)
        # Who was just begun while others were killed was not told.
        await session.send(which if which is signal.SIGKILL else 0)


class _Session:
    """All that a program has begun, in whatever group, but for what has moved to another session."""

    def __init__(self, leader: Process, thread: Executor) -> None:
        self._leader = leader
        self._thread = thread
        self._last_seen: set[int] = set()

    async def send(self, which: int) -> None:
        """Send *which* to each group, the leader's first. Raises as `_told` does."""
        there = await asyncio.get_running_loop().run_in_executor(self._thread, _groups_in, self._leader.pid)
        refused: PermissionError | None = None
        told = False
        for group in self._groups(there):
            try:
                os.killpg(group, which)
                told = True
            except ProcessLookupError:
                continue
            except PermissionError as error:
                refused = error
        if not told:
            raise refused or ProcessLookupError

    def _groups(self, there: Mapping[int, int]) -> Sequence[int]:
        """Return the groups of those who are *there*, the leader's first; who has ended and is ours is buried.

        When the leader is gone and all others are, another session may get its number: so whoever is in it counts as
        long as somebody of the last look is among them.
        """
        if self._leader.returncode is None:  # what it ended with is asyncio's to hear
            groups = set(there.values()) - {self._leader.pid}
        else:
            if self._last_seen and not self._last_seen & there.keys():
                there = {}
            groups = set(there.values()) | {self._leader.pid}
            for group in groups:  # orphans are ours where we are a container's first process
                _bury(group)
        self._last_seen = set(there)
        return [self._leader.pid, *(groups - {self._leader.pid})]


def _bury(group: int) -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-group, os.WNOHANG)[0]:
            pass


def _groups_in(session: int) -> Mapping[int, int]:
    """Return the group of each process that is in *session*; nothing where the system does not say. Blocks."""
    found = {}
    with contextlib.suppress(FileNotFoundError):
        for pid in [int(one.name) for one in Path("/proc").iterdir() if one.name.isdecimal()]:
            with contextlib.suppress(ProcessLookupError):  # it has ended meanwhile
                if os.getsid(pid) == session:
                    found[pid] = os.getpgid(pid)
    return found


class _Output:
    """One of a program's outputs: *end* is what it writes to, *said* what has come of it."""

    def __init__(self, end: int, reader: asyncio.StreamReader) -> None:
        self.end = end
        self.said = bytearray()
        self.too_much: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._reader = reader
        self.reading: asyncio.Task[None] | None = None

    def begin(self, most: int) -> None:
        """Let go of *end*, which is the program's now, and read."""
        self.let_go()
        self.reading = asyncio.create_task(self._read(most))

    def let_go(self) -> None:
        if self.end >= 0:
            os.close(self.end)
            self.end = -1

    async def stop(self) -> None:
        if self.reading is not None:
            self.reading.cancel()
            await asyncio.wait({self.reading})
        self.too_much.cancel()

    async def _read(self, most: int) -> None:
        while chunk := await self._reader.read(_AT_ONCE):
            self.said += chunk
            if len(self.said) > most:
                self.too_much.set_result(None)
                return


async def _read_out(outputs: Sequence[_Output], clock: Clock) -> None:
    """Return when *outputs* are at their ends, or nothing more comes: who has left the group may hold them for ever."""
    readings = {one.reading for one in outputs if one.reading is not None}
    until = clock.monotonic() + _GRACE
    before = -1
    while (said := sum(len(one.said) for one in outputs)) > before and clock.monotonic() < until:
        before = said
        await at_most(clock, _SOON, asyncio.ensure_future(asyncio.wait(readings)))


@contextlib.asynccontextmanager
async def _heard() -> AsyncIterator[_Output]:
    """Yield one output; both of its ends are closed when the ``async with`` is left."""
    inner, outer = os.pipe()
    reader = asyncio.StreamReader(limit=_AT_ONCE)
    output = _Output(outer, reader)
    try:
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(inner, "rb", buffering=0)
        )
        try:
            yield output
        finally:
            await output.stop()
            transport.close()
    finally:
        output.let_go()

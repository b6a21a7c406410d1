"""Any way to look up, as an engine: what can be spoken to while it runs, an async function, an ordinary one."""

import asyncio
import inspect
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import cast

from services.calibration.ports import CalibrationFunc, CalibrationResult, Engine, LookupRequest, OrdinaryFunc
from services.torrents import Hints, Progress, Step, TorrentId, TorrentInfo


def engine_of(function: CalibrationFunc | OrdinaryFunc | Engine, max_workers: int) -> Engine:
    """Return *function* as an engine; an ordinary one gets *max_workers* threads of its own."""
    if isinstance(function, Engine):
        return function
    if inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__):
        return AsyncEngine(cast("CalibrationFunc", function))
    return ThreadEngine(cast("OrdinaryFunc", function), max_workers)


class AsyncEngine:
    """An async function: running from its call on, and deaf to later hints."""

    def __init__(self, function: CalibrationFunc) -> None:
        self._function = function

    async def __call__(self, lookup: LookupRequest, progress: Progress, /) -> CalibrationResult:
        progress.started()
        return await self._function(lookup, progress)

    def add_hints(self, torrent: TorrentId, hints: Hints) -> None:
        """Do nothing: the function has what it was called with."""

    async def detach(self) -> None:
        """Do nothing: it ends with its cancellation."""


class ThreadEngine:
    """An ordinary function in threads. No thread can be stopped: a lookup that is left lasts until its thread ends."""

    def __init__(self, function: OrdinaryFunc, max_workers: int) -> None:
        self._function = function
        self._threads = ThreadPoolExecutor(max_workers, thread_name_prefix="calibration")

    async def __call__(self, lookup: LookupRequest, progress: Progress, /) -> CalibrationResult:
        loop = asyncio.get_running_loop()
        relay = _FromThread(progress, loop.call_soon_threadsafe)

        def run() -> CalibrationResult:
            relay.started()
            try:
                return self._function(lookup, relay)
            except StopIteration as error:  # a future cannot carry it: nobody would ever hear of the end
                raise RuntimeError("StopIteration") from error

        thread = loop.run_in_executor(self._threads, run)
        try:
            return await asyncio.shield(thread)
        except asyncio.CancelledError:
            await asyncio.wait([thread])
            if not thread.cancelled():
                thread.exception()  # seen: nobody waits for it any more
            raise

    def add_hints(self, torrent: TorrentId, hints: Hints) -> None:
        """Do nothing: the function has what it was called with."""

    async def detach(self) -> None:
        """Begin no call that has not begun; those under way are waited for by their callers."""
        self._threads.shutdown(wait=False, cancel_futures=True)


class _FromThread:
    """Progress told from a thread."""

    def __init__(self, progress: Progress, call: Callable[..., object]) -> None:
        self._progress = progress
        self._call = call

    def started(self) -> None:
        self._call(self._progress.started)

    def report(self, step: Step) -> None:
        self._call(self._progress.report, step)

    def claimed(self, info: TorrentInfo) -> None:
        self._call(self._progress.claimed, info)

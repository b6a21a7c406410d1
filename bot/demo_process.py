"""calibot as its own process, for the demo: started against the sandbox, watched, stopped."""

import asyncio
import contextlib
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, STDOUT, Process
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import BinaryIO

_ROOT = Path(__file__).parents[1]
_PATIENCE = 10.0
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextlib.asynccontextmanager
async def running(config: Path, output: BinaryIO) -> AsyncIterator["asyncio.Task[int]"]:
    """Run ``python -m bot run`` while the ``async with`` lasts; yield a task that gives its exit code when it ends.

    It has a session of its own: Ctrl-C in the terminal does not reach it, so that it is stopped here and in order.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "run", "--config", str(config)),
        cwd=_ROOT,
        env=_environment(),
        stdin=DEVNULL,
        stdout=output,
        stderr=STDOUT,
        start_new_session=True,
    )
    ended = asyncio.create_task(process.wait())
    try:
        yield ended
    finally:
        await _stop(process, ended)


@contextlib.contextmanager
def first_signal() -> Iterator["asyncio.Future[int]"]:
    """Yield a future that the first signal fills. Later ones change nothing: the end is under way, and bounded."""
    loop = asyncio.get_running_loop()
    first: asyncio.Future[int] = loop.create_future()

    def came(number: int) -> None:
        if not first.done():
            first.set_result(number)

    for number in _SIGNALS:
        loop.add_signal_handler(number, came, number)
    try:
        yield first
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)


async def _stop(process: Process, ended: "asyncio.Task[int]") -> None:
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    await asyncio.wait({ended}, timeout=_PATIENCE)
    if not ended.done():
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    await ended


def _environment() -> dict[str, str]:
    """Return this process's environment without our settings, and without proxies: all is on loopback."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.upper().startswith("CALIBOT_") and not name.lower().endswith("_proxy")
    }


def last_lines(output: Path, count: int = 8) -> list[str]:
    """Return the last *count* lines of what the process wrote."""
    return output.read_text("utf-8", "replace").splitlines()[-count:]

"""What is left of a test, counted: processes, threads, open files and sockets, and tasks of the loop."""

import asyncio
import contextlib
import gc
import os
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

_SOON = 5
"""Seconds: a thread ends just after what has waited for it, and a torrent is gone just after its lookup."""


def processes(mark: str) -> list[int]:
    """Return the processes, of whatever parent, in whose environment *mark* stands."""
    found = []
    for one in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark.encode() in (one / "environ").read_bytes() and int(one.name) != os.getpid():
                found.append(int(one.name))
    return found


def children() -> list[int]:
    """Return the processes of which this one is the parent, be it that they have ended and nobody has looked."""
    found = []
    for one in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            _, _, behind_its_name = (one / "stat").read_text().rpartition(")")
            if int(behind_its_name.split()[1]) == os.getpid():
                found.append(int(one.name))
    return found


async def soon(is_so: Callable[[], bool]) -> bool:
    """Return whether *is_so* comes within some seconds."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_SOON):
            while not is_so():  # noqa: ASYNC110 - it has no event
                await asyncio.sleep(0.01)
    return is_so()


def all_there(mark: str) -> set[str]:
    """Return in words what there is, of the processes those that are ours or have *mark*."""
    found = {f"process {pid}" for pid in [*processes(mark), *children()]}
    names = {one.native_id: one.name for one in threading.enumerate()}
    for one in Path("/proc/self/task").iterdir():
        with contextlib.suppress(OSError):  # it has ended meanwhile
            found.add(f"thread {one.name} {names.get(int(one.name)) or (one / 'comm').read_text().strip()}")
    for one in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):  # the listing's own
            found.add(f"file {one.name} {one.readlink()}")
    return found | {f"task {one!r}" for one in asyncio.all_tasks() - {asyncio.current_task()}}


@pytest.fixture(autouse=True)
async def nothing_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """Yield a mark that every process has which comes of this test; see that nothing is left of it.

    A file of tests that imports this has it before all else, so that it looks when all else is over.
    """
    monkeypatch.setenv("MARK", str(tmp_path))
    mark = f"MARK={tmp_path}"
    before = all_there(mark)

    def left() -> set[str]:
        gc.collect()  # an error of qbittorrent-api's holds the connection that it came by, in a cycle
        return all_there(mark) - before

    yield mark
    await asyncio.get_running_loop().shutdown_default_executor()  # its threads wait for more, for good
    if not await soon(lambda: not left()):
        pytest.fail("it left " + "; ".join(sorted(left())))

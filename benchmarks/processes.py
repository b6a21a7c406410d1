"""Child processes of a run: started without our settings and without proxies, talked to by lines, always ended."""

import asyncio
import contextlib
import gc
import json
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
_LONGEST_LINE = 2**24
_PATIENCE = 10.0


def environment() -> dict[str, str]:
    """Return this process's environment without our own settings, and without proxies: all is on loopback."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.upper().startswith("CALIBOT_") and not name.lower().endswith("_proxy")
    }


@contextlib.asynccontextmanager
async def running(*command: str, talks: bool = False, patience: float = _PATIENCE) -> AsyncIterator[Process]:
    """Run *command* while the ``async with`` lasts, then end it, and after *patience* seconds more kill it.

    *talks*: lines can be written to it and read from it.
    """
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=ROOT,
        env=environment(),
        stdin=PIPE if talks else DEVNULL,
        stdout=PIPE if talks else DEVNULL,
        stderr=None if talks else DEVNULL,
        limit=_LONGEST_LINE,
    )
    try:
        yield process
    finally:
        await _end(process, patience)


async def _end(process: Process, patience: float) -> None:
    if process.returncode is None and patience:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), patience)
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def module(name: str, *arguments: str) -> tuple[str, ...]:
    """Return the command that runs a module with this interpreter."""
    return (sys.executable, "-m", name, *arguments)


async def ask(process: Process, question: object = None) -> Any:
    """Write *question* as a line of JSON, where there is one, and return the answer's value."""
    assert process.stdout is not None and process.stdin is not None  # noqa: PT018, S101 - started with talks=True
    if question is not None:
        process.stdin.write(json.dumps(question).encode() + b"\n")
        await process.stdin.drain()
    line = await process.stdout.readline()
    if not line:
        raise RuntimeError("a child process of the benchmark ended without an answer")
    return json.loads(line)


def answer(value: object) -> None:
    """Write *value* as a line of JSON for whoever asked."""
    print(json.dumps(value), flush=True)  # noqa: T201 - it is the answer


def resident(pid: int | str = "self") -> int:
    """Return the bytes of memory that a process has in use (Linux); our own without what is garbage by now."""
    if pid == "self":
        gc.collect()
    for line in Path(f"/proc/{pid}/status").read_text("utf-8").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0

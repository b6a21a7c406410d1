"""A command of the program, run until it ends."""

import asyncio
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.conftest import ROOT, environment


@dataclass(frozen=True, slots=True)
class Ended:
    """How it ended, and what it printed."""

    code: int
    output: str
    errors: str

    def line(self, subject: str) -> str:
        """Return the line of a check that is about *subject*, mark and all."""
        return next(line for line in self.output.splitlines() if line[2:].startswith(f"{subject}: "))


async def command(*words: str | Path, given: bytes = b"", cwd: Path = ROOT, **variables: str) -> Ended:
    """Run ``python -m bot`` with *words*, and *given* as its standard input."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "bot", *map(str, words)),
        cwd=cwd,
        env=environment() | {"PYTHONPATH": str(ROOT)} | variables,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(60):
            output, errors = await process.communicate(given)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    ended = Ended(process.returncode, output.decode(), errors.decode())
    assert "Traceback" not in ended.output + ended.errors
    return ended


async def unread(*words: str | Path) -> tuple[int | None, bytes]:
    """Run ``python -m bot`` with *words* while nobody reads its standard output; return its code and its errors."""
    reading, writing = os.pipe()
    os.close(reading)
    return await _printed_to(writing, *words)


async def on_a_full_disk(*words: str | Path) -> tuple[int | None, bytes]:
    """Run ``python -m bot`` with *words* and its standard output on a full disk; return its code and its errors."""
    return await _printed_to(os.open("/dev/full", os.O_WRONLY), *words)


async def _printed_to(output: int, *words: str | Path) -> tuple[int | None, bytes]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", *words),
        cwd=ROOT,
        env=environment() | {"PYTHONUNBUFFERED": ""},  # as a person has it: what is left is written at the exit
        stdout=output,
        stderr=asyncio.subprocess.PIPE,
    )
    os.close(output)
    _, errors = await process.communicate()
    return process.returncode, errors

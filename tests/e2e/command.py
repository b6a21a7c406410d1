"""A command of the program, run until it ends."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
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
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
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
    try:
        code, _, errors = await _ended(sys.executable, "-m", "bot", *words, output=writing)
    finally:
        os.close(writing)
    return code, errors


async def redirected(how: str, *words: str | Path) -> tuple[int | None, bytes, bytes]:
    """Run ``python -m bot`` with *words* and its streams redirected, as a shell has it; return its code and them."""
    return await _ended("sh", "-c", f'exec "$@" {how}', "sh", sys.executable, "-m", "bot", *words, output=PIPE)


async def interrupted(
    number: int, where: str, *words: str | Path, hangs: bool = False
) -> tuple[int | None, bytes, bytes]:
    """Run ``python -m bot`` with *words*, which gets the signal *number* when it calls what *where* names.

    *where* is ``module.function``, which *hangs* from then on, or not. Return its code and its streams.
    """
    script = """
import importlib, os, sys, threading
from bot import cli
number, hangs, where, *words = sys.argv[1:]
name, function = where.rsplit(".", 1)
module = importlib.import_module(name)
called = getattr(module, function)
def interrupted(*arguments, **named):
    os.kill(os.getpid(), int(number))
    if hangs:
        threading.Event().wait()
    return called(*arguments, **named)
setattr(module, function, interrupted)
sys.exit(cli.main(words))
"""
    return await _ended(sys.executable, "-c", script, str(number), "for ever" * hangs, where, *words, output=PIPE)


async def _ended(*command: str | Path, output: int) -> tuple[int | None, bytes, bytes]:
    buffered = environment() | {"PYTHONUNBUFFERED": ""}  # as a person has it: what is left is written at the exit
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, env=buffered, stdout=output, stderr=PIPE)
    try:
        said, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode, said, errors

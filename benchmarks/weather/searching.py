"""One searcher in a process of its own: it is opened, warmed up where that is wanted, and then measured."""

import asyncio
import contextlib
import dataclasses
import json
import os
import signal
import sys
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.peers.port import Missing
from benchmarks.processes import answer, ask, module, resident, running
from benchmarks.swarm_process import Sought
from benchmarks.weather.searchers import PROGRAMS, Searcher

_TICKS = os.sysconf("SC_CLK_TCK")
_MISSING = "missing"
_WARMING_APART = 0.25
_WARMING_PATIENCE = 6.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What *who* is to do at the address *host*.

    Args:
        routers: the DHT's nodes to begin with; none for no DHT.
        warming: what it looks up before; where there is nothing, it is started when the word comes.
        apart: seconds between the beginnings of two names.
        patience: seconds after which a name is given up.
        settle: seconds between the start and the first name of *warming*.
    """

    who: str
    host: str
    routers: tuple[str, ...]
    warming: tuple[Sought, ...]
    names: tuple[Sought, ...]
    apart: float
    patience: float
    settle: float = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Seconds for each name, None for one that was not found; the most bytes of memory, and seconds of CPU, it took."""

    seconds: tuple[float | None, ...]
    memory: int
    cpu: float


@dataclass(frozen=True, slots=True)
class Ready:
    """A searcher in another process that waits for the word."""

    process: Process

    async def go(self) -> Outcome:
        """Give the word. Raises Missing."""
        told = await _told(self.process, {})
        await self.process.wait()  # it ends by itself
        return Outcome(**told | {"seconds": tuple(told["seconds"])})


@contextlib.asynccontextmanager
async def ready(order: Order) -> AsyncIterator[Ready]:
    """Yield whom *order* names, opened and warm. Raises Missing."""
    async with running(*module("benchmarks.weather.searching"), talks=True) as process:
        await _told(process, dataclasses.asdict(order))
        yield Ready(process)


async def _told(process: Process, question: object) -> dict[str, Any]:
    told: dict[str, Any] = await ask(process, question)
    if _MISSING in told:
        raise Missing(told[_MISSING])
    return told


async def _serve() -> None:
    me = asyncio.current_task()
    assert me is not None  # noqa: S101 - asyncio.run made it
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, me.cancel)  # what we started ends with us
    lines = asyncio.StreamReader(limit=2**24)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    told = json.loads(await lines.readline())
    warming, names = (tuple(_sought(one) for one in told.pop(key)) for key in ("warming", "names"))
    order = Order(warming=warming, names=names, **told)
    try:
        outcome = await _done(order, lines)
    except Missing as missing:
        answer({_MISSING: str(missing)})
    else:
        answer(dataclasses.asdict(outcome))


async def _done(order: Order, lines: asyncio.StreamReader) -> Outcome:
    """Do what *order* says; when the first name can come, tell so, and wait for the word."""
    program = PROGRAMS[order.who]
    program.here(order.routers)
    if not order.warming:
        answer({})
        await lines.readline()
    async with program.open(order.host, order.routers) as searcher:
        if order.warming:
            await asyncio.sleep(order.settle)
            await _search(searcher, order.warming, _WARMING_APART, _WARMING_PATIENCE)
            answer({})
            await lines.readline()
        return await _measured(searcher, order)


def _sought(told: dict[str, object]) -> Sought:
    trackers = told["trackers"]
    assert isinstance(trackers, list)  # noqa: S101 - ours
    return Sought(hash=str(told["hash"]), trackers=tuple(trackers))


async def _measured(searcher: Searcher, order: Order) -> Outcome:
    before = _cpu(searcher.pid)
    seconds = await _search(searcher, order.names, order.apart, order.patience)
    spent = _cpu(searcher.pid) - before
    return Outcome(seconds=seconds, memory=resident(searcher.pid), cpu=spent)


async def _search(
    searcher: Searcher, names: Sequence[Sought], apart: float, patience: float
) -> tuple[float | None, ...]:
    """Look *names* up, begun so many seconds *apart*; return for each how many seconds it took, at most *patience*."""

    async def one(number: int, sought: Sought) -> float | None:
        await asyncio.sleep(number * apart)
        began = time.perf_counter()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await searcher.find(sought)
                return time.perf_counter() - began
        return None

    return tuple(await asyncio.gather(*(one(number, sought) for number, sought in enumerate(names))))


def _cpu(pid: int) -> float:
    """Return the seconds of CPU that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


if __name__ == "__main__":
    with contextlib.suppress(asyncio.CancelledError):
        asyncio.run(_serve())

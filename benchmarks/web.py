"""Lookups submitted over HTTP at a steady rate, beside a pool of threads behind Flask; and the chat meanwhile."""

import asyncio
import contextlib
import importlib.util
import re
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass

import aiohttp

from benchmarks.bots import Bot, calibot
from benchmarks.figures import Figure, Section, Target
from benchmarks.paced import SECONDS
from benchmarks.ports import free_port
from benchmarks.processes import ask, module, running
from benchmarks.scale import Scale
from benchmarks.timing import percentile

_BESIDE = "5 threads behind Flask, served by 4"
_PEOPLE = 12
_PAUSE = 0.2
"""Seconds between two commands; each of the chats has one in 2.4."""
_COMMAND = "/notes"
_PATIENCE = 10.0
_WARM = 1.0
_CAUSE = (
    "200 tasks taken on, stored, and 100 looked up in a second are half a core: a machine that is shared, or whose "
    "disk is slow to flush, gives less; a future in memory costs none of it, and is lost when the process ends"
)


@dataclass(frozen=True, slots=True)
class _Load:
    """What a load met: seconds from when each request was due, how late they were sent, and how many failed."""

    took: Sequence[float]
    late: Sequence[float]
    errors: int
    done: int
    """Lookups that were done when the last request was answered."""


async def web(scale: Scale) -> Section:
    section = Section("Lookups submitted over HTTP (one run)")
    ours, meanwhile, idle = await _calibots(scale)
    theirs = None
    if all(importlib.util.find_spec(name) for name in ("flask", "gunicorn")):
        theirs = await _threads(scale)
    else:
        section.missing[_BESIDE] = "flask and gunicorn are not installed here (make bench installs them)"
    section.figures += _beside(scale, ours, theirs)
    section.figures += [
        Figure(
            what=f"{_COMMAND} in the chat meanwhile → answer, {name}",
            value=percentile(meanwhile, share),
            unit="s",
            beside="with nothing else to do",
            other=percentile(idle, share),
        )
        for name, share in (("p50", 0.5), ("p99", 0.99))
    ]
    return section


def _beside(scale: Scale, ours: _Load, theirs: _Load | None) -> Iterator[Figure]:
    what = f"{scale.web_rate:.0f} requests a second for {scale.web_seconds:.0f} s"
    measures: list[tuple[str, Callable[[_Load], float], str, Target | None]] = [
        ("answer after it was due, p50", lambda load: percentile(load.took, 0.5), "s", None),
        ("answer after it was due, p99", lambda load: percentile(load.took, 0.99), "s", Target(bound=0.02, unit="s")),
        ("of that the client's own delay, p99", lambda load: percentile(load.late, 0.99), "s", None),
        ("errors", lambda load: load.errors, "", Target(bound=0)),
        (f"lookups of {SECONDS:.0f} s done at its end", lambda load: load.done, "", None),
    ]
    for name, measure, unit, target in measures:
        yield Figure(
            what=f"{what}: {name}",
            value=measure(ours),
            unit=unit,
            beside=_BESIDE if theirs else "",
            other=measure(theirs) if theirs else None,
            target=target,
            cause=_CAUSE,
        )


async def _calibots(scale: Scale) -> tuple[_Load, list[float], list[float]]:
    """Return what the load met, and what the chat's answers took while it ran, and before."""
    port = await asyncio.to_thread(free_port)
    async with calibot(_PEOPLE, program="benchmarks.paced", web_port=port) as bot:
        found = re.search(r"calibot_[\w-]{43}", (await bot.answer(0, "/token bench")).text)
        assert found is not None  # noqa: S101 - the owner is given one
        address, token = f"http://127.0.0.1:{port}", found[0]
        await _loaded(address, token, scale.web_rate, _WARM)
        await asyncio.sleep(min(scale.settle, _WARM + 1))
        enough = asyncio.Event()
        asyncio.get_running_loop().call_later(scale.web_seconds, enough.set)
        idle = await _asked(bot, enough)
        before = await _done(address, token)
        enough = asyncio.Event()
        asking = asyncio.create_task(_asked(bot, enough))
        try:
            took, late, errors = await _loaded(address, token, scale.web_rate, scale.web_seconds)
        finally:
            enough.set()
            meanwhile = await asking
        done = await _done(address, token) - before
    return _Load(took, late, errors, done), meanwhile, idle


async def _asked(bot: Bot, enough: asyncio.Event) -> list[float]:
    """Ask each person's chat in turn until it is enough; return what the answers took."""
    took: list[float] = []
    while not enough.is_set():
        took.append(await bot.answer_to(len(took) % _PEOPLE, _COMMAND))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(enough.wait(), max(0.0, _PAUSE - took[-1]))
    return took


async def _threads(scale: Scale) -> _Load:
    port = await asyncio.to_thread(free_port)
    address = f"http://127.0.0.1:{port}"
    options = (
        "--threads",
        "4",
        "--workers",
        "1",
        "--keep-alive",
        "60",
        "--log-level",
        "critical",
        "--no-control-socket",
        "--graceful-timeout",
        "1",
    )
    command = (
        sys.executable,
        "-m",
        "gunicorn",
        "--bind",
        f"127.0.0.1:{port}",
        *options,
        "benchmarks.threaded:make_app()",
    )
    # Its worker would go on with what waits in the pool: gunicorn ends it after a second, unless it is killed itself.
    async with running(*command):
        await _listens(port)
        await _loaded(address, "none", scale.web_rate, _WARM)
        before = await _done(address)
        took, late, errors = await _loaded(address, "none", scale.web_rate, scale.web_seconds)
        return _Load(took, late, errors, await _done(address) - before)


async def _loaded(address: str, token: str, rate: float, seconds: float) -> tuple[list[float], list[float], int]:
    arguments = (address, token, str(rate), str(seconds))
    async with running(*module("benchmarks.web_load", *arguments), talks=True) as process:
        met = await ask(process)
        return met["took"], met["late"], met["errors"]


async def _done(address: str, token: str = "") -> int:
    """Return how many lookups are done."""
    async with _session() as session:
        if not token:
            async with session.get(f"{address}/done") as response:
                return int((await response.json())["done"])
        async with session.get(f"{address}/metrics", headers={"Authorization": f"Bearer {token}"}) as response:
            found = re.search(r'^calibot_lookups_total\{outcome="found"\} (\S+)', await response.text(), re.MULTILINE)
            return int(float(found[1])) if found else 0


@contextlib.asynccontextmanager
async def _session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_PATIENCE)) as session:
        yield session


async def _listens(port: int) -> None:
    async with asyncio.timeout(_PATIENCE):
        while True:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                return
            await asyncio.sleep(0.05)

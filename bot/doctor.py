"""``python -m bot check``: whether everything that the bot needs is there, and what to do where it is not."""

import asyncio
import logging
import os
import shutil
import stat
import tempfile
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from errno import EADDRINUSE
from pathlib import Path

from bot import logs, swarm
from bot.config import Settings, load
from bot.config_resolvers import Libtorrent
from bot.doctor_sources import look_at_sources
from bot.doctor_swarm import look_at_proxy
from bot.doctor_telegram import look_at_telegram
from bot.finding import Finding, bad, good
from bot.listening import TCP, Interface, has_port, interfaces, refusal
from bot.signals import until_signalled
from bot.terminal import OutputLost, end_without_output, say, why
from services.errors import CalibotError, DatabaseDamaged, NewerSchema, ResolverDown
from services.store.copies import examine
from services.store.health import remedy
from services.store.lock import holder
from services.units import size

_LEAST_FREE = 100_000_000
_DHT_SECONDS = 10.0
_DHT_SETTLED = 1.0
_LOOK_EVERY = 0.1


@dataclass(frozen=True, slots=True)
class _Running:
    """Whether a calibot has the settings' database open, and which process that is, where it is known."""

    at_all: bool = False
    process: int | None = None

    def __str__(self) -> str:
        return f"a calibot (process {self.process})" if self.process else "a calibot"


def main(config: Path, live: str | None) -> int:
    """Check everything, one line each; return 0 when all is well, else 1. A signal ends it with 130, 143 or 129.

    Args:
        config: the settings.
        live: a chat's number or @name, where one real message is sent and edited; None for no message.
    """
    settings = load(config)
    token = settings.telegram.token.get_secret_value()
    logs.configure(token, logging.CRITICAL)  # what is wrong is said here, in lines of its own

    def tell(finding: Finding) -> bool:
        say(str(finding).replace(token, "<token>") if token else str(finding))
        return finding.good

    try:
        with swarm.borrowed_dht_state(settings.database.path) as dht_state:
            checking = until_signalled(_check(_findings(settings, live, dht_state), tell))
            return asyncio.Runner().run(checking)  # not closed: it would wait for threads; see `bot.cli`
    except OutputLost as error:  # of what `_check` says of it, too
        return end_without_output(error)


async def _check(findings: AsyncIterator[Finding], tell: Callable[[Finding], bool]) -> int:
    well = True
    try:
        async for finding in findings:
            well = tell(finding) and well
    except Exception as error:  # noqa: BLE001 - a traceback may have the token in it
        well = tell(bad("check", f"it cannot go on ({type(error).__name__})", "that is a bug: please tell its makers"))
    return 0 if well else 1


async def _findings(settings: Settings, live: str | None, dht_state: Path) -> AsyncIterator[Finding]:
    if settings.telegram.token.get_secret_value() or live is not None or not settings.web.enabled:
        for finding in await look_at_telegram(settings.telegram, live):
            yield finding
    else:
        yield good("token", "there is none: the page runs alone, without Telegram")
    running, finding = await asyncio.to_thread(_look_at_database, settings.database.path)
    yield finding
    yield await asyncio.to_thread(_look_at_disk, settings.database.path)
    if settings.web.enabled:
        yield await asyncio.to_thread(_look_at_web_port, Interface(settings.web.host, settings.web.port), running)
    async for finding in look_at_sources(settings.resolvers, settings.web):
        yield finding
    if "libtorrent" not in settings.resolvers.order:
        return
    if proxy := settings.resolvers.libtorrent.through:
        yield await look_at_proxy(settings.resolvers.libtorrent, proxy)
    free, finding = await asyncio.to_thread(_look_at_port, settings.resolvers.libtorrent, running)
    yield finding
    yield await _look_at_dht(settings.resolvers.libtorrent, dht_state, any_port=not free)


# The database and its disk.


def _look_at_database(path: Path) -> tuple[_Running, Finding]:
    path = path.resolve()
    there = _stat(path)
    if there is None or not stat.S_ISREG(there.st_mode) or not there.st_size:
        return _Running(), _look_at_place(path)
    try:
        in_use = examine(path)
    except (DatabaseDamaged, NewerSchema) as error:
        return _Running(), bad("database", why(error))
    except CalibotError as error:
        return _Running(), bad("database", why(error), remedy(why(error)))
    if not in_use:
        return _Running(), good("database", f"{path} is whole, and can be written")
    running = _Running(at_all=True, process=holder(path))
    return running, good("database", f"{path} is whole; {running} has it open, so it was only read")


def _look_at_place(path: Path) -> Finding:
    folder, there = _nearest(path), _stat(path)
    if there is not None and not stat.S_ISREG(there.st_mode):
        return bad("database", f"{path} is no file", "see [database] path")
    if not _takes_files(folder):
        return bad("database", f"{folder} is no folder that can be written", "see [database] path")
    return good("database", f"there is none yet; the first start makes {path}")


def _takes_files(folder: Path) -> bool:
    try:
        # By making one: /proc and /sys say of themselves that root may write there.
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        return False
    return True


def _look_at_disk(database: Path) -> Finding:
    database = database.resolve()
    free, there = shutil.disk_usage(_nearest(database)).free, _stat(database)
    needed = max(_LEAST_FREE, 2 * (there.st_size if there else 0))  # an update keeps a copy
    said = f"{size(free)} free in {_nearest(database)}"
    return good("disk", said) if free >= needed else bad("disk", said, f"make room: {size(needed)} at least")


def _nearest(path: Path) -> Path:
    """Return the nearest of the folders above *path* that there is."""
    return next(folder for folder in path.parents if _stat(folder))


def _stat(path: Path) -> os.stat_result | None:
    """Return what is at *path*; None where nothing is, or where that may not be looked at."""
    try:
        return path.stat()
    except OSError:
        return None


# The ports.


def _look_at_web_port(wanted: Interface, running: _Running) -> Finding:
    refused = refusal(wanted, TCP)
    if refused is None:
        return good("web port", f"{wanted} can be had")
    if refused.errno == EADDRINUSE:
        return _judge_taken("web port", [wanted], running, "port in [web]")
    return bad("web port", f"{wanted}: {refused.strerror}", "change host or port in [web]")


def _look_at_port(settings: Libtorrent, running: _Running) -> tuple[bool, Finding]:
    """Return whether the ports are free for us to use now, and what is to be said of them."""
    wanted = interfaces(settings.listen_interfaces)
    refused = {one: why_not for one in wanted if (why_not := refusal(one))}
    taken = [one for one, why_not in refused.items() if why_not.errno == EADDRINUSE]
    if taken:
        return False, _judge_taken("swarm port", taken, running, "listen_interfaces")
    if len(refused) == len(wanted):
        said = "; ".join(f"{one}: {why_not.strerror}" for one, why_not in refused.items())
        return False, bad("swarm port", said, "change listen_interfaces in [resolvers.libtorrent]")
    there = ", ".join(str(one) for one in wanted if one not in refused)
    without = "".join(f" ({one} is not there: {why_not.strerror})" for one, why_not in refused.items())
    return True, good("swarm port", f"{there} can be had{without}")


def _judge_taken(subject: str, taken: list[Interface], running: _Running, setting: str) -> Finding:
    where = ", ".join(map(str, taken))
    seen = [running.process and has_port(running.process, one.port) for one in taken]
    if running.at_all and all(seen):
        return good(subject, f"{where}: in use by {running}, as it should be")
    if running.at_all and False not in seen:
        return good(subject, f"{where}: in use while {running} runs; from here it cannot be seen whose it is")
    return bad(subject, f"{where}: in use by another program", f"stop that one, or change {setting}")


async def _look_at_dht(settings: Libtorrent, dht_state: Path, *, any_port: bool) -> Finding:
    if not settings.dht:
        return good("DHT", "off by the settings; torrents are found by their trackers alone")
    try:
        async with swarm.opened(settings, dht_state, any_port=any_port) as resolver:
            nodes = await _nodes_reached(resolver.dht_nodes)
    except ResolverDown as error:
        return bad("DHT", f"the swarm part does not start: {why(error)}", "mend [resolvers.libtorrent]")
    if nodes:
        return good("DHT", "1 node reached" if nodes == 1 else f"{nodes} nodes reached")
    way = "see proxy" if settings.through else "let UDP out of this machine"
    how = f"{way}, and see dht_bootstrap_nodes"
    return bad("DHT", f"no node answered within {_DHT_SECONDS:.0f} s", how)


async def _nodes_reached(count: Callable[[], int]) -> int:
    """Return how many nodes answered: when there are some, and no more come, or when the time is over."""
    loop = asyncio.get_running_loop()
    end, most, settled = loop.time() + _DHT_SECONDS, 0, 0.0
    while (now := loop.time()) < end and not (most and now >= settled):
        if (nodes := count()) > most:
            most, settled = nodes, now + _DHT_SETTLED
        await asyncio.sleep(_LOOK_EVERY)
    return most

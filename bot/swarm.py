"""The embedded resolver as the settings want it: the bot's own, or a command's beside it."""

import contextlib
import faulthandler
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from bot.config_resolvers import Libtorrent
from services.resolvers.libtorrent import LibtorrentResolver, on_any_port

_LONGEST_END = 30.0  # seconds: the process ends then, and loses what a power cut loses


@contextlib.asynccontextmanager
async def opened(
    settings: Libtorrent, dht_state: Path | None, *, any_port: bool = False
) -> AsyncIterator[LibtorrentResolver]:
    """Open the resolver. *any_port*: on the settings' interfaces, but not on their ports, which a bot may have.

    libtorrent holds the interpreter while its sessions end, for good where a proxy fell silent at the wrong moment.
    Then no thread of Python hears anything, and faulthandler's, which needs no interpreter, ends the process.
    """
    listen = settings.listen_interfaces
    opening = LibtorrentResolver.open(
        listen_interfaces=on_any_port(listen) if any_port else listen,
        dht=settings.dht,
        dht_bootstrap_nodes=settings.dht_bootstrap_nodes,
        allow_private_peers=settings.allow_private_peers,
        extra_trackers=settings.extra_trackers,
        proxy=settings.through,
        sessions=settings.sessions,
        dht_state=dht_state,
    )
    with open(os.devnull, "w") as nowhere, contextlib.ExitStack() as ended:  # noqa: ASYNC230, PTH123 - it never waits
        ended.callback(faulthandler.cancel_dump_traceback_later)
        async with opening as resolver, contextlib.AsyncExitStack() as ending:
            ending.callback(faulthandler.dump_traceback_later, _LONGEST_END, exit=True, file=nowhere)
            yield resolver


def dht_state_of(database: Path) -> Path:
    """Return where the bot that has *database* keeps what the DHT remembers."""
    return database.with_name(database.name + ".dht")


@contextlib.contextmanager
def borrowed_dht_state(database: Path) -> Iterator[Path]:
    """Yield a copy of what the bot with *database* keeps of the DHT: its own file may be written meanwhile. Blocks."""
    with tempfile.TemporaryDirectory(prefix="calibot-", ignore_cleanup_errors=True) as folder:
        copy = Path(folder) / "dht"
        with contextlib.suppress(OSError):
            shutil.copyfile(dht_state_of(database), copy)
        yield copy

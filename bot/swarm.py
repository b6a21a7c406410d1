"""The embedded resolver as the settings want it: the bot's own, or a command's beside it."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bot.config_resolvers import Libtorrent
from services.resolvers.libtorrent import LibtorrentResolver, on_any_port


def opened(
    settings: Libtorrent, dht_state: Path | None, *, any_port: bool = False
) -> contextlib.AbstractAsyncContextManager[LibtorrentResolver]:
    """Open the resolver. *any_port*: on the settings' interfaces, but not on their ports, which a bot may have."""
    listen = settings.listen_interfaces
    return LibtorrentResolver.open(
        listen_interfaces=on_any_port(listen) if any_port else listen,
        dht=settings.dht,
        dht_bootstrap_nodes=settings.dht_bootstrap_nodes,
        allow_private_peers=settings.allow_private_peers,
        extra_trackers=settings.extra_trackers,
        proxy=settings.through,
        sessions=settings.sessions,
        dht_state=dht_state,
    )


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

"""A lookup that takes a second and finds a name; and calibot, as its users start it, with it in the swarm's place."""

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import AsyncIterator, Sequence
from unittest import mock

from benchmarks.rig import found
from bot import cli, swarm
from services.torrents import Hints, Progress, TorrentId, TorrentInfo

SECONDS = 1.0


def look_up(info_hash: str) -> str:
    """Return a name. Blocks."""
    time.sleep(SECONDS)
    return f"{info_hash}.mkv"


class Paced:
    """The same as a `Resolver`."""

    label = "paced"

    async def resolve(self, torrent: TorrentId, hints: Hints, progress: Progress) -> TorrentInfo:  # noqa: ARG002 - the port's
        progress.started()
        await asyncio.sleep(SECONDS)
        return found(torrent, f"{torrent.shown}.mkv").info

    def add_hints(self, torrent: TorrentId, hints: Hints) -> None:
        """It needs none."""


@contextlib.asynccontextmanager
async def _opened(*_: object, **__: object) -> AsyncIterator[Paced]:
    yield Paced()


def main(arguments: Sequence[str]) -> int:
    """Run calibot's command line."""
    with mock.patch.object(swarm, "opened", _opened):
        return cli.main(arguments)


if __name__ == "__main__":
    os.environ.setdefault("PTB_TIMEDELTA", "true")  # else each 429 warns inside the library
    sys.exit(main(sys.argv[1:]))

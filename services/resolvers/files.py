"""The .torrent files in the operator's folders as a source: found by their info-hash, whatever they are called."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import islice, takewhile
from pathlib import Path
from typing import Self

import structlog

from services.clock import Clock, at_most
from services.errors import NotFound, ResolverDown
from services.resolvers.torrent_file import UNREADABLE, ReadTorrent, content_of, torrent_in
from services.torrents import Hints, InfoHash, Progress, TorrentId, TorrentInfo

log = structlog.stdlib.get_logger(__name__)
_MOST_FILES = 100_000
_EACH = 10.0  # seconds between two looks into the folders
_AT_ONCE = 4  # files that are read for what they say
_PATIENCE = 1.0  # seconds that the end waits for a look
_SUFFIX = ".torrent"

_Stamp = tuple[int, int]
"""When a file was changed (nanoseconds), and how large it is: while both are the same, so is what it says."""

_CLOSED: _Stamp = (-1, -1)  # a folder's
_UNKNOWN: _Stamp = (-1, 0)


@dataclass(frozen=True, slots=True)
class _Seen:
    stamp: _Stamp
    hashes: tuple[InfoHash, ...] = ()
    trouble: str = ""

    def holds(self, stamp: _Stamp) -> bool:
        """Whether it still is so; what could not be read may be readable by now, and its stamp does not say so."""
        return self.stamp == stamp and self.trouble != UNREADABLE


@dataclass(slots=True)
class _Shelf:
    """What the last look has found: each file's hashes or trouble, a folder's trouble; and where each hash is.

    *too_many*: there were more files than are looked at. *trouble* is why none of the folders could be read.
    """

    seen: Mapping[Path, _Seen] = field(default_factory=dict)
    where: Mapping[InfoHash, Sequence[Path]] = field(default_factory=dict)
    too_many: bool = False
    trouble: str = ""


class FilesResolver:
    """A `Resolver` that reads the .torrent files in *folders*, and in those within them. `open` makes one."""

    label = "files"

    def __init__(self, folders: Sequence[Path], *, clock: Clock, read: ReadTorrent) -> None:
        self._folders = tuple(folders)
        self._clock = clock
        self._read = read
        self._shelf = _Shelf()
        self._looked_at: float | None = None
        self._looking: asyncio.Task[None] | None = None
        self._over = threading.Event()
        # Threads of its own: a read from a mount that hangs never returns, and must hold up nobody else, nor the end.
        self._looker = ThreadPoolExecutor(1, "files-look")
        self._readers = ThreadPoolExecutor(_AT_ONCE, "files")

    @classmethod
    @asynccontextmanager
    async def open(cls, folders: Sequence[Path], *, clock: Clock, read: ReadTorrent) -> AsyncIterator[Self]:
        """Yield one. At the end a look under way ends with the file that it is at, or is left where that hangs."""
        self = cls(folders, clock=clock, read=read)
        try:
            yield self
        finally:
            self._over.set()
            if self._looking:
                await at_most(clock, _PATIENCE, self._looking)
            for one in (self._looker, self._readers):
                one.shutdown(wait=False, cancel_futures=True)

    async def resolve(self, torrent: TorrentId, hints: Hints, progress: Progress) -> TorrentInfo:  # noqa: ARG002
        """See `Resolver.resolve`. The folders are looked into at most every ten seconds.

        Raises:
            NotFound: no file is this torrent's (parameter *reason* is ``no_file``), or none can be read any more.
            ResolverDown: none of the folders can be read.
        """
        progress.started()
        await self._look_where_it_is_time()
        if self._shelf.trouble:
            raise ResolverDown(reason=self._shelf.trouble)
        failure = NotFound(reason="no_file")
        for path in dict.fromkeys(path for one in torrent.hashes for path in self._shelf.where.get(one, ())):
            try:
                return await asyncio.get_running_loop().run_in_executor(
                    self._readers, torrent_in, path, torrent, self.label, self._read
                )
            except NotFound as error:  # it has gone or changed meanwhile; there may be a copy
                failure = error
        raise failure

    def add_hints(self, torrent: TorrentId, hints: Hints) -> None:
        """Do nothing: a file needs none."""

    async def _look_where_it_is_time(self) -> None:
        """Return when the folders have been looked into: one look at a time, which all who come meanwhile wait for.

        It goes on when nobody waits for it any more: its thread would, too, and the next would begin beside it.
        """
        now = self._clock.monotonic()
        if self._looking is None and (self._looked_at is None or now - self._looked_at >= _EACH):
            self._looking = asyncio.create_task(self._look(), name="files")
        if self._looking:
            await asyncio.shield(self._looking)

    async def _look(self) -> None:
        try:
            self._shelf = await asyncio.get_running_loop().run_in_executor(
                self._looker, _looked_into, self._folders, self._shelf, self._read, self._over
            )
            self._looked_at = self._clock.monotonic()
        except asyncio.CancelledError:  # by the end alone
            log.warning("files.hung", folders=[str(one) for one in self._folders])
            raise
        finally:
            self._looking = None


def try_to_enter(folder: Path) -> None:
    """Return where what is in *folder* can be reached; of one that may only be read nothing but names is told.

    Raises:
        OSError: it cannot.
    """
    os.scandir(f"{folder}/.").close()


@dataclass(frozen=True, slots=True)
class Counted:
    """How many files are *usable*, which are *unusable*, and which folders are *closed* to us."""

    usable: int
    unusable: Sequence[Path]
    closed: Sequence[Path]


def counted(folders: Sequence[Path], read: ReadTorrent, over: threading.Event) -> Counted:
    """Count what is in *folders*. Blocks, until it is *over*."""
    seen = _looked_into(folders, _Shelf(), read, over).seen
    troubled: dict[bool, list[Path]] = {True: [], False: []}
    for path, what in seen.items():
        if what.trouble:
            troubled[what.stamp == _CLOSED].append(path)
    return Counted(sum(not what.trouble for what in seen.values()), troubled[False], troubled[True])


def _looked_into(folders: Sequence[Path], before: _Shelf, read: ReadTorrent, over: threading.Event) -> _Shelf:
    """Return what is in *folders* now; a file is read anew where it has changed. Blocks, until it is *over*."""
    seen: dict[Path, _Seen] = {}

    def refused(error: OSError) -> None:
        path = Path(error.filename)
        seen[path] = _unusable(path, _CLOSED, before.seen.get(path), error.strerror or str(error))

    found = takewhile(lambda _: not over.is_set(), _files_in(folders, refused, over))
    for path, stamp in islice(found, _MOST_FILES):
        known = before.seen.get(path)
        seen[path] = known if known and known.holds(stamp) else _read_anew(path, stamp, known, read)
    too_many = next(found, None) is not None
    if too_many and not before.too_many:
        log.warning("files.too_many", most=_MOST_FILES)
    where: dict[InfoHash, list[Path]] = {}
    for path, what in seen.items():
        for one in what.hashes:
            where.setdefault(one, []).append(path)
    troubles = [seen[one].trouble for one in folders if one in seen]  # but for those that can be read
    trouble = "; ".join(dict.fromkeys(troubles)) if len(troubles) == len(folders) else ""
    return _Shelf(seen, where, too_many, trouble)


def _files_in(
    folders: Sequence[Path], refused: Callable[[OSError], None], over: threading.Event
) -> Iterator[tuple[Path, _Stamp]]:
    """Yield what is there, until it is *over*; *refused* is told of each folder that cannot be looked into."""
    for folder in folders:
        try:
            try_to_enter(folder)
        except OSError as error:
            refused(error)
            continue
        for within, _, names in os.walk(folder, onerror=refused):
            if over.is_set():
                return
            for name in names:
                if not name.lower().endswith(_SUFFIX):
                    continue
                path = Path(within, name)
                try:
                    there = path.stat()
                    stamp = there.st_mtime_ns, there.st_size
                except FileNotFoundError:  # it has gone meanwhile
                    continue
                except OSError:
                    stamp = _UNKNOWN
                yield path, stamp


def _read_anew(path: Path, stamp: _Stamp, before: _Seen | None, read: ReadTorrent) -> _Seen:
    try:
        return _Seen(stamp, read(content_of(path), "").torrent.hashes)
    except NotFound as error:
        return _unusable(path, stamp, before, str(error.parameters["reason"]))


def _unusable(path: Path, stamp: _Stamp, before: _Seen | None, reason: str) -> _Seen:
    """Return that it is so, which the log is told once."""
    seen = _Seen(stamp, trouble=reason)
    if seen != before:
        log.warning("files.unusable", path=str(path), reason=reason)
    return seen

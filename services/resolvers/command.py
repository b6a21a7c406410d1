"""A program of the operator's as a source: it is given an info-hash, and says what it knows on its standard output."""

import asyncio
import codecs
import json
import os
import re
import shutil
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Self, TypeGuard, cast

import structlog

from services.clock import Clock, at_most
from services.decoding import decode
from services.errors import LookupFailed, NotFound, ResolverDown, SourceFailed, SourceLate
from services.resolvers.processes import Ran, TooLong, TooMuch, run
from services.resolvers.torrent_file import ANOTHER, ReadTorrent, torrent_in
from services.torrents import FileEntry, Hints, Name, Progress, TorrentId, TorrentInfo

log = structlog.stdlib.get_logger(__name__)
_MOST_SAID = 1_048_576  # bytes
_AT_ONCE = 4  # files that are read
_MOST_FILES = 100_000
_LONGEST_NAME = 4_096  # bytes
_LONGEST_REASON = 300  # characters
_LARGEST = 2**63 - 1  # bytes: what a database takes
_MOST_OF_A_LINE = 256  # bytes: more of a script's first one no system reads
_MOST_TRIES = 100  # lines at which an object may begin
_NAMED = ("name", "torrent")  # each of them is enough
_OURS = "CALIBOT_"
"""How variables of the environment begin, in any case, that may hold a secret of ours."""


class CommandResolver:
    """A `Resolver` that runs *argv*, in which ``{info_hash}`` stands for what is looked for. `open` makes one.

    No shell is involved. The last line of its output that is not empty is the torrent's name, which nobody has
    verified; or a JSON object with ``name`` and perhaps ``size`` and ``files`` (each with ``path`` and ``size``), which
    may be all of its output, too; or the absolute path of a .torrent or a bare info dictionary, alone or as the
    object's ``torrent``, and that is verified: the object's name counts where that file cannot be used.
    """

    label = "command"

    def __init__(self, argv: Sequence[str], *, seconds: float, clock: Clock, read: ReadTorrent) -> None:
        self._argv = tuple(argv)
        self._seconds = seconds
        self._clock = clock
        self._read = read
        # Threads of its own: a read from a mount that hangs never returns, and must hold up nobody else, nor the end.
        self._readers = ThreadPoolExecutor(_AT_ONCE, "command-files")
        self._listener = ThreadPoolExecutor(1, "command")

    @classmethod
    @asynccontextmanager
    async def open(cls, argv: Sequence[str], *, seconds: float, clock: Clock, read: ReadTorrent) -> AsyncIterator[Self]:
        """Yield one. At the end a read that hangs is left."""
        self = cls(argv, seconds=seconds, clock=clock, read=read)
        try:
            yield self
        finally:
            for one in (self._readers, self._listener):
                one.shutdown(wait=False, cancel_futures=True)

    async def resolve(self, torrent: TorrentId, hints: Hints, progress: Progress) -> TorrentInfo:  # noqa: ARG002
        """See `Resolver.resolve`. It runs once, and its whole process group is gone when this returns.

        Raises:
            NotFound: it said nothing, what is neither a name nor a file, or named one that is not this torrent.
            SourceFailed: it ended with an error, said too much, or (SourceLate) took too long.
            ResolverDown: it cannot be run.
        """
        progress.started()
        until = self._clock.monotonic() + self._seconds
        out = (await self._ran(torrent)).out
        understanding = asyncio.get_running_loop().run_in_executor(self._listener, self._understood, out, torrent)
        path, claim = await understanding
        if path is not None:
            try:
                return await self._read_in_time(path, torrent, until)
            except LookupFailed as error:
                if isinstance(claim, NotFound) or error.parameters["reason"] == ANOTHER:
                    raise
        if isinstance(claim, NotFound):
            raise claim
        return claim

    async def _read_in_time(self, path: Path, torrent: TorrentId, until: float) -> TorrentInfo:
        loop = asyncio.get_running_loop()
        reading = loop.run_in_executor(self._readers, torrent_in, path, torrent, self.label, self._read)
        await at_most(self._clock, until - self._clock.monotonic(), reading)
        if reading.cancelled():
            log.warning("command.hung", path=_without_hashes(str(path), torrent))
            raise self._too_late()
        return reading.result()

    def _understood(self, out: bytes, torrent: TorrentId) -> tuple[Path | None, TorrentInfo | NotFound]:
        """Return which file is named, where one is, and what is claimed, or why nothing is."""
        out = out.removeprefix(codecs.BOM_UTF8).strip()
        line = _last_line(out)
        said = next((one for text in _perhaps_objects(out, line) if (one := _object_in(text)) is not None), None)
        path = _path_in(said, line)
        named = line if said is None else said.get("name")
        name = named.encode(errors="replace") if isinstance(named, str) else named
        nothing = said is None and (path or line == b"null" or not line.strip(b"}] ,"))
        if nothing or not isinstance(name, bytes) or not 0 < len(name) <= _LONGEST_NAME:
            return path, NotFound(reason="nothing_said" if _knows_none(said, line) else "output_unusable")
        return path, _claimed(decode(name), said or {}, torrent, self.label)

    def add_hints(self, torrent: TorrentId, hints: Hints) -> None:
        """Do nothing: it is told an info-hash alone."""

    async def _ran(self, torrent: TorrentId) -> Ran:
        argv = [one.replace("{info_hash}", torrent.shown.hex) for one in self._argv]
        environment = {name: value for name, value in os.environ.items() if not name.upper().startswith(_OURS)}
        try:
            ran = await run(argv, environment=environment, seconds=self._seconds, most=_MOST_SAID, clock=self._clock)
        except OSError as error:
            looking = asyncio.get_running_loop().run_in_executor(self._listener, why_not_run, argv[0])
            raise ResolverDown(reason=_without_hashes(await looking or str(error), torrent)) from error
        except ValueError as error:
            raise ResolverDown(reason=str(error)) from error
        except TooMuch as error:
            raise SourceFailed(source=self.label, reason="it said more than 1 MiB") from error
        except TooLong as error:
            raise self._too_late() from error
        if ran.code:
            said = _without_hashes(_last_line(ran.err).decode(errors="replace"), torrent)[:_LONGEST_REASON]
            raise SourceFailed(source=self.label, reason=said or f"exit code {ran.code}")
        return ran

    def _too_late(self) -> SourceLate:
        return SourceLate(source=self.label, reason=f"no answer in {self._seconds:g} s")


def why_not_run(program: str) -> str:
    """Return why *program* cannot be run, as far as its first line tells; nothing where that tells no reason. Blocks.

    Of a script whose interpreter is not there the system says that the script is not.
    """
    path = shutil.which(program)
    try:
        if path is None or not Path(path).is_file():  # what is none may never end
            return ""
        with Path(path).open("rb") as file:
            head = file.read(_MOST_OF_A_LINE)
    except OSError:
        return ""
    why = _wrong_with(head)
    return f"{path}: {why}" if why else ""


def _wrong_with(head: bytes) -> str:
    """Return why what begins with *head* cannot be run, as far as that tells."""
    line, *_ = head.split(b"\n")
    if not line.startswith(b"#!"):
        return "" if b"\0" in head else "it is no binary, and its first line does not begin with #!"
    if line.endswith(b"\r"):
        return "its first line ends in CR LF, as on Windows; LF alone can be read"
    named, sought, *_ = (*map(os.fsdecode, line[2:].strip().split(maxsplit=1)), "", "")
    if not (Path(named).is_file() and os.access(named, os.X_OK)):
        return f"its first line names {named or 'nothing'}, which is no program that can be run"
    if Path(named).name == "env" and sought and not (sought.startswith("-") or "=" in sought or shutil.which(sought)):
        return f"its first line has env look for {sought}, which is no program that can be run"
    return ""


def _last_line(said: bytes) -> bytes:
    return next((one.strip() for one in reversed(said.splitlines()) if one.strip()), b"")


def _without_hashes(text: str, torrent: TorrentId) -> str:
    """Return *text* without those of *torrent*: it gets into the log, which has nothing of what people ask for."""
    spelled = [f"{one.hex[:40]}(?:{one.hex[40:]})?" for one in torrent.hashes]  # qBittorrent cuts a v2 one to 40 digits
    return re.sub("|".join(spelled), "{info_hash}", text, flags=re.IGNORECASE)


def _perhaps_objects(out: bytes, line: bytes) -> Iterator[bytes]:
    """Yield what may be the object that *out* ends with: all of it, its last *line*, or lines from one on."""
    yield from (out, line)
    if line.startswith(b"}"):
        begins = [one.start() for one in re.finditer(rb"^\{", out, re.MULTILINE)]
        yield from (out[one:] for one in reversed(begins[-_MOST_TRIES:]))


def _object_in(text: bytes) -> Mapping[str, object] | None:
    """Return the JSON object that *text* is; None where it is a name, which may begin with a brace, too."""
    try:
        said: object = json.loads(text) if text.startswith(b"{") else None
    except (ValueError, RecursionError):
        return None
    return cast("Mapping[str, object]", said) if isinstance(said, dict) else None


def _knows_none(said: Mapping[str, object] | None, line: bytes) -> bool:
    """Whether it says that it knows no name: by nothing, or by null in the place of one."""
    if not said:
        return said is not None or line in {b"", b"null"}
    return not said.keys().isdisjoint(_NAMED) and all(said.get(one) in (None, "") for one in _NAMED)


def _path_in(said: Mapping[str, object] | None, line: bytes) -> Path | None:
    """Return which file is named, if one is: by an object that says so, or by a line that is a path."""
    named = said.get("torrent") if said else None
    if isinstance(named, str) and named.startswith("/") and "\0" not in named:
        return Path(named)
    return Path(os.fsdecode(line)) if line.startswith(b"/") else None


def _claimed(name: Name, said: Mapping[str, object], torrent: TorrentId, source: str) -> TorrentInfo:
    files = tuple(_files(said.get("files")))
    size = said.get("size")
    return TorrentInfo(
        torrent=torrent,
        name=name,
        size=size if _is_size(size) else min(sum(one.size for one in files), _LARGEST),
        files=files,
        source=source,
        verified=False,
    )


def _files(listed: object) -> Iterator[FileEntry]:
    """Yield the files of a list; what is malformed in it is passed over."""
    for one in listed[:_MOST_FILES] if isinstance(listed, list) else ():
        if isinstance(one, dict) and _is_path(path := one.get("path")) and _is_size(size := one.get("size")):
            yield FileEntry(path, size)


def _is_path(value: object) -> TypeGuard[str]:
    """Whether it can be stored: JSON may have half of a letter, which UTF-8 has not."""
    if not isinstance(value, str):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_size(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LARGEST

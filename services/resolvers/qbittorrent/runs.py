"""Whose a torrent is that was added: which run of calibot it is from, and whether that run is over.

A run is one process from its start to its end. It has a name that nobody else has, ``calibot-0123456789ab``, which is
the category of all that it adds, and the beginning of their tags (``calibot-0123456789ab-7``: one a lookup). A file of
that name lies in a folder beside the database and is locked as long as the process lives; the kernel lets go of it
whatever ends the process. So of the names in that folder those are dead whose file can be locked. They alone are swept:
neither another installation's (its folder is another one), nor those of a ``bot resolve`` beside the bot.

The file has the address of the qBittorrent, so that a dead run is looked for where it was. An address may be spelled
otherwise now: so a dead run of another one is looked for, too, and is left for that one where nothing of it is here.
"""

import contextlib
import fcntl
import os
import re
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Self

import structlog

log = structlog.stdlib.get_logger(__name__)
_NAME = re.compile(r"calibot-[0-9a-f]{12}")
_UNNAMED = ".new-"
_LONGEST_URL = 10_000
# Empty files and links are made as soon as there is metadata: so it is below what is no folder. Windows would make that
# one; there a name of more than 255 characters cannot be.
_NOWHERE = "/dev/null/" + "nothing-is-saved-here." * 12


class Run:
    """One process's, or that of a dead one. While this is open, no other takes it for dead."""

    def __init__(self, name: str, file: Path | None = None, descriptor: int = -1, *, elsewhere: bool = False) -> None:
        self.name = name
        self.elsewhere = elsewhere
        """Whether the address that it asked is spelled otherwise than ours."""
        self._file = file
        self._descriptor = descriptor
        self._lookups = 0

    @classmethod
    def begin(cls, folder: Path, url: str) -> Self:
        """Return a new one, which asks the qBittorrent at *url*. Without a file it is never swept. Blocks."""
        name = f"calibot-{secrets.token_hex(6)}"
        unnamed = folder / (_UNNAMED + name)
        descriptor = -1
        try:
            folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(unnamed, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.write(descriptor, url.encode())
            unnamed.rename(folder / name)  # it has its name when it is locked: before, it would be taken for dead
        except OSError as error:
            log.warning("qbittorrent.unmarked", folder=str(folder), error=str(error))
            if descriptor >= 0:
                os.close(descriptor)
                with contextlib.suppress(OSError):
                    unnamed.unlink()
            return cls(name)
        return cls(name, folder / name, descriptor)

    @classmethod
    def dead(cls, folder: Path, url: str) -> list[Self]:
        """Return those in *folder* whose processes are gone; *url* is where the qBittorrent is now. Blocks."""
        try:
            files = sorted(one for one in folder.iterdir() if _NAME.fullmatch(one.name))
        except OSError:
            return []
        return [run for one in files if (run := cls._locked(one, url)) is not None]

    @classmethod
    def _locked(cls, file: Path, url: str) -> Self | None:
        try:
            descriptor = os.open(file, os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            swept = not os.path.samestat(os.fstat(descriptor), file.stat())  # another has just done it
            if not swept:
                asked = os.pread(descriptor, _LONGEST_URL, 0)
                return cls(file.name, file, descriptor, elsewhere=asked != url.encode())
        except OSError:  # it lives
            pass
        os.close(descriptor)
        return None

    @property
    def folder(self) -> str:
        """The last name of `place`."""
        return f".{self.name}"

    @property
    def place(self) -> str:
        """Where its torrents would have their files: nobody can make that folder."""
        return f"{_NOWHERE}/{self.folder}"

    def next_tag(self) -> str:
        """Return a tag for one more lookup."""
        self._lookups += 1
        return f"{self.name}-{self._lookups}"

    def tags_among(self, tags: Iterable[str]) -> list[str]:
        """Return those of *tags* that are this run's."""
        return [one for one in tags if one.startswith(self.name + "-")]

    def end(self, *, clean: bool) -> None:
        """Let go of it; where it is not *clean*, the next start takes it for dead, and looks what is left. Blocks."""
        if self._file is not None:
            if clean:
                with contextlib.suppress(OSError):
                    self._file.unlink()
            os.close(self._descriptor)
            self._file = None

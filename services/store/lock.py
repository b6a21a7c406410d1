"""Whose database it is: a lock beside the file that dies with its process, and whether the file is where it was."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from services.errors import DatabaseInUse, StoreUnavailable


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Have the database at *path* for this process alone; its folder is made when missing. Blocks.

    Raises:
        DatabaseInUse: another process has it.
        StoreUnavailable: the lock's file cannot be made.
    """
    descriptor = _taken(path)
    try:
        yield
    finally:
        os.close(descriptor)


def _taken(path: Path) -> int:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(_beside(path), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreUnavailable(reason=str(error)) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise DatabaseInUse(path=str(path)) from error
    except OSError as error:
        os.close(descriptor)
        raise StoreUnavailable(reason=str(error)) from error
    with contextlib.suppress(OSError):  # for people's eyes: on a full disk the lock holds without it
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, b"%d\n" % os.getpid(), 0)
    return descriptor


def holder(path: Path) -> int | None:
    """Return the id of the process that took the lock of the database at *path* last; None when unknown. Blocks."""
    try:
        return int(_beside(path.resolve()).read_bytes())
    except (OSError, ValueError):
        return None


def _beside(path: Path) -> Path:
    return path.with_name(path.name + ".lock")


def create(path: Path) -> None:
    """Make the file at *path*, empty and readable by its owner alone, where there is none. Blocks."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise StoreUnavailable(reason=str(error)) from error


class Place:
    """The file at *path* as it is now: SQLite writes on into a file that was deleted, and says nothing."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = self._now()

    def check(self) -> None:
        """Raise StoreUnavailable when another file, or none, is at the path. Blocks, for microseconds."""
        if self._now() != self._file:
            raise StoreUnavailable(reason="the file was deleted or replaced while it was open")

    def _now(self) -> tuple[int, int] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

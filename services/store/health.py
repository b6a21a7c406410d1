"""What the log is told of a database that does not work: once, with what to do, and when it works again."""

from pathlib import Path

import structlog

log = structlog.stdlib.get_logger(__name__)

# sqlite's own words, or the system's: what is wrong, and what its owner can do.
_REMEDIES = {
    "full": "make room on its disk; nothing that was acknowledged is lost, and it goes on by itself",
    "readonly": "make the file and its folder writable for calibot's user; it goes on by itself",
    "malformed": "stop calibot, and put a backup in its place: python -m bot restore FILE",
    "vtable constructor failed": "stop calibot, and put a backup in its place: python -m bot restore FILE",
    "not a database": "stop calibot, and put a backup in its place: python -m bot restore FILE",
    "deleted or replaced": "stop calibot, put the file or a backup in its place (python -m bot restore FILE), start it",
    "I/O error": "look at its disk, at its free space and at limits on file sizes; it goes on by itself",
}


def is_damage(reason: str) -> bool:
    """Whether a database that failed for *reason* contradicts itself."""
    return "malformed" in reason or "vtable constructor failed" in reason


def remedy(reason: str) -> str:
    """Return what can be done about a database that failed for *reason*."""
    return next((what for words, what in _REMEDIES.items() if words in reason), "look at the file and its disk")


class Health:
    """Hears of each time that the database at *path* was used for *use*: a trouble is logged once, not at each time."""

    def __init__(self, path: Path, use: str) -> None:
        self._path = path
        self._use = use
        self._trouble: str | None = None

    @property
    def in_trouble(self) -> bool:
        return self._trouble is not None

    def failed(self, reason: str) -> None:
        if reason != self._trouble:
            self._trouble = reason
            log.error("database.unavailable", use=self._use, path=str(self._path), reason=reason, remedy=remedy(reason))

    def worked(self) -> None:
        if self._trouble is not None:
            self._trouble = None
            log.info("database.available", use=self._use, path=str(self._path))

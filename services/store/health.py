"""What the log is told of a database that does not work: once, with what to do, and when it works again."""

from pathlib import Path

import structlog

log = structlog.stdlib.get_logger(__name__)

_ROOM = "make room on its disk"
_RIGHTS = "make the file and its folder writable for calibot's user"
_BACKUP = "put a backup in its place (python -m bot restore FILE)"
# sqlite's own words, or the system's: what is wrong, and what its owner can do.
_REMEDIES = {
    "full": _ROOM,
    "No space left": _ROOM,
    "readonly": _RIGHTS,
    "Permission denied": _RIGHTS,
    "I/O error": "look at its disk, at its free space and at limits on file sizes",
    "malformed": _BACKUP,
    "vtable constructor failed": _BACKUP,
    "not a database": _BACKUP,
    "deleted or replaced": "put the file or a backup in its place (python -m bot restore FILE)",
}
_OTHERWISE = "look at the file and its disk"
_TAKES_A_STOP = frozenset({_BACKUP, _REMEDIES["deleted or replaced"]})


def is_damage(reason: str) -> bool:
    """Whether a database that failed for *reason* contradicts itself."""
    return "malformed" in reason or "vtable constructor failed" in reason


def remedy(reason: str) -> str:
    """Return what can be done about a database that failed for *reason*, while no calibot has it open."""
    return next((what for words, what in _REMEDIES.items() if words in reason), _OTHERWISE)


def _remedy_under_way(reason: str) -> str:
    what = remedy(reason)
    if what in _TAKES_A_STOP:
        return f"stop calibot, {what}, start it"
    if what == _OTHERWISE:
        return what
    return f"{what}; nothing that was acknowledged is lost, and a calibot that runs goes on by itself"


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
            what = _remedy_under_way(reason)
            log.error("database.unavailable", use=self._use, path=str(self._path), reason=reason, remedy=what)

    def worked(self) -> None:
        if self._trouble is not None:
            self._trouble = None
            log.info("database.available", use=self._use, path=str(self._path))

"""A file of bytes that is worth keeping between starts, and no disaster to lose: the DHT's state."""

from pathlib import Path

import structlog

_log = structlog.get_logger(__name__)


def read(path: Path | None) -> bytes | None:
    """Return what *path* holds; None when there is no such file, or none that can be read. Blocks."""
    if path is None:
        return None
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        _log.warning("kept state cannot be read", path=str(path), error=str(error))
        return None


def write(path: Path, state: bytes) -> None:
    """Replace *path*'s bytes by *state*: all of it or nothing. A failure is logged. Blocks."""
    beside = path.with_name(path.name + ".new")
    try:
        beside.write_bytes(state)
        beside.replace(path)
    except OSError as error:
        _log.warning("state cannot be kept", path=str(path), error=str(error))

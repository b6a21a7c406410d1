"""The product's log, written as it is in use, and read by nobody: its cost is measured, its lines are not shown."""

import logging
import os
from pathlib import Path

from bot import logs


def log() -> None:
    """Let all that is logged from now on be rendered, and written to nowhere. Blocks."""
    logs.configure("")
    (handler,) = logging.getLogger().handlers
    assert isinstance(handler, logging.StreamHandler)  # noqa: S101 - our own
    handler.setStream(Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - for good

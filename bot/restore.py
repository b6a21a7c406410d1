"""``python -m bot restore``: a backup in the place of the database."""

import time
from pathlib import Path

from bot.config import load
from bot.terminal import complain, tell_done, why
from services.errors import CalibotError
from services.store.copies import restore


def main(file: Path, config: Path) -> int:
    """Put a copy of the backup *file* in the place of the settings' database; return the exit code."""
    database = load(config).database.path
    try:
        kept = restore(file, database, stamp=time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()))
    except CalibotError as error:
        return complain(f"Nothing was restored: {why(error)}", code=1)
    was = f" What was there until now is kept in {kept}." if kept else ""
    return tell_done(f"{database} is what {file} was.{was}")

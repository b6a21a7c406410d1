"""``python -m bot backup``: the database as one file, taken while the bot runs or not."""

from pathlib import Path

from bot.config import load
from bot.terminal import complain, tell_done, why
from services.errors import CalibotError
from services.store.copies import back_up
from services.units import size


def main(file: Path, config: Path, *, force: bool) -> int:
    """Write a backup of the settings' database into *file*, while the bot runs or not; return the exit code."""
    database = load(config).database.path
    try:
        count = back_up(database, file, replace=force)
    except CalibotError as error:
        return complain(f"Nothing was backed up: {why(error)}", code=1)
    return tell_done(f"{database} is backed up in {file}: {size(count)}, found whole.")

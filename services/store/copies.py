"""Whole copies of a database: taken while it is in use, checked before they count, put in its place. All blocks."""

import contextlib
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from itertools import chain, count
from pathlib import Path

from services.errors import DatabaseDamaged, DatabaseInUse, NewerSchema, StoreUnavailable
from services.store.health import is_damage
from services.store.lock import locked
from services.store.statements import load_migrations, load_queries

_TABLES = ("counters", "notebooks", "notes", "names", "tasks")  # of every version
_LOGS = ("-wal", "-journal")  # what SQLite keeps beside a file and would apply to the next one of that name
_THERE_ALREADY = "{file} is there already; to replace it: --force"
_INDEX = "-shm"  # of such a log; made anew where it is missing


def back_up(database: Path, file: Path, *, replace: bool = False) -> int:
    """Write all that is committed in *database* into *file*, whoever has it open; return the copy's size in bytes.

    The copy is one file by itself, readable by its owner alone, and found whole. *file* is written at its end, at once.

    Raises:
        StoreUnavailable: there is no such database, *file* is there already and not to be replaced, no room ...
        DatabaseDamaged: the copy is not whole, because *database* is not; nothing was written.
    """
    database, file = database.resolve(), file.resolve()
    if file.is_dir():
        raise StoreUnavailable(reason=f"{file} is a folder")
    if not file.parent.is_dir():
        raise StoreUnavailable(reason=f"there is no folder {file.parent}")
    if file == database or (file.exists() and database.exists() and file.samefile(database)):
        raise StoreUnavailable(reason=f"{file} is the database itself")
    if file.exists() and not replace:
        raise StoreUnavailable(reason=_THERE_ALREADY.format(file=file))
    with _copy_beside(database, file) as copy:
        return _put(copy, file, replace=replace)


def restore(file: Path, database: Path, *, stamp: str) -> Path | None:
    """Put a copy of *file* in the place of *database*, for which no calibot may run; notes are numbered on as there.

    Args:
        file: a backup of this version of calibot or an older one.
        database: what is replaced; its folder is made when missing.
        stamp: what the name of the database that was there until now gets, behind ``.before-restore-``; a number comes
            after it where that is taken.

    Returns:
        Where that one is kept, with all that was committed in it; None when there was none.

    Raises:
        DatabaseInUse, NewerSchema, DatabaseDamaged, StoreUnavailable: nothing was changed.
    """
    file, database = file.resolve(), database.resolve()
    if not file.is_file():  # before anything is made beside the database
        raise StoreUnavailable(reason=f"there is no file {file}")
    with locked(database):
        if database.exists() and file.samefile(database):
            raise StoreUnavailable(reason=f"{file} is the database itself")
        with _copy_beside(file, database) as copy:
            _number_on(copy, database)
            _give_to_owner_of(database, copy)
            kept = _set_aside(database, f"{database.name}.before-restore-{stamp}")
            _put(copy, database, replace=True)
    return kept


def examine(database: Path) -> bool:
    """Find *database* whole and, unless a calibot has it open, writable; return whether one has. Changes nothing in it.

    Raises:
        NewerSchema, DatabaseDamaged, StoreUnavailable: what is wrong with it.
    """
    database = database.resolve()
    try:
        with locked(database), _ours(database):
            _check(database, "rw")
    except DatabaseInUse:
        with _ours(database):
            _check(database, "ro")
        return True
    return False


def _check(database: Path, mode: str) -> None:
    with _opened(database, mode) as connection:
        version = _version(connection, database)
        if mode == "rw":
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(f"PRAGMA user_version = {version}")  # the same, and yet a page is written
            connection.execute("COMMIT")
        _find_whole(connection, "quick_check", database)


@contextlib.contextmanager
def _copy_beside(source: Path, target: Path) -> Iterator[Path]:
    """Yield a copy of *source*, checked, in a new file beside *target*; it is gone afterwards unless it was moved."""
    if not source.is_file():
        raise StoreUnavailable(reason=f"there is no file {source}")
    copy = None
    try:
        with _ours(source):
            descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".new", dir=target.parent)
            copy = Path(name)
            os.close(descriptor)
            with _opened(source, "rw") as original, _opened(copy, "rw") as written:
                # In one step: in several, each write of another process would begin it anew.
                original.backup(written)
                written.execute("PRAGMA journal_mode = DELETE")  # one file by itself, which can be read anywhere
                _version(written, source)
                _find_whole(written, "integrity_check", source)
            _flush(copy)
        yield copy
    finally:
        if copy is not None:
            copy.unlink(missing_ok=True)
            _remove_logs_of(copy)


def _version(connection: sqlite3.Connection, path: Path) -> int:
    """Return the schema's version. Raises NewerSchema, and StoreUnavailable for what is no database of calibot's."""
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > len(load_migrations()):
        raise NewerSchema(path=str(path))
    if not all(connection.execute(f"PRAGMA table_info({table})").fetchone() for table in _TABLES):
        raise StoreUnavailable(reason=f"{path} is no database of calibot's")
    return version


def _find_whole(connection: sqlite3.Connection, check: str, path: Path) -> None:
    if [tuple(row) for row in connection.execute(f"PRAGMA {check}(1)")] != [("ok",)]:
        raise DatabaseDamaged(path=str(path))


@contextlib.contextmanager
def _opened(path: Path, mode: str) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(
        sqlite3.connect(f"{path.as_uri()}?mode={mode}", uri=True, isolation_level=None, timeout=10)
    ) as connection:
        yield connection


@contextlib.contextmanager
def _ours(path: Path) -> Iterator[None]:
    """Turn what sqlite and the system say of the database at *path* into our errors."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        if is_damage(str(error)):
            raise DatabaseDamaged(path=str(path)) from error
        where = "" if "disk" in str(error) else f"{path}: "  # which of the two it was, sqlite does not say
        raise StoreUnavailable(reason=f"{where}{error}") from error
    except OSError as error:
        raise StoreUnavailable(reason=str(error)) from error


def _number_on(copy: Path, database: Path) -> None:
    """Let *copy* give no note a number that *database* gave: buttons in chats still speak of that one."""
    number = _number_of(database)
    with _ours(copy):
        with _opened(copy, "rw") as connection:
            if number <= _last_number(connection):
                return
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(load_queries()["forget_last_number"])
            connection.execute(load_queries()["put_last_number"], {"number": number})
            connection.execute("COMMIT")
        _flush(copy)


def _number_of(database: Path) -> int:
    """Return the last number that *database* gave, its log included; 0 when it cannot be read."""
    mode = "ro" if _logs_of(database) else "ro&immutable=1"  # else SQLite would make logs where there are none
    try:
        with _opened(database, mode) as connection:
            return _last_number(connection)
    except sqlite3.DatabaseError:
        return 0


def _last_number(connection: sqlite3.Connection) -> int:
    return int(connection.execute(load_queries()["last_number"]).fetchone()[0])


def _set_aside(database: Path, name: str) -> Path | None:
    """Keep the file *database* under *name*, with what its logs have; none of these stays beside the old name."""
    with _ours(database):
        if not database.exists():
            _remove_logs_of(database)
            return None
        names = chain([name], (f"{name}-{number}" for number in count(2)))
        kept = next(path for path in map(database.with_name, names) if not path.exists())
        _keep(database, kept)
        for log in _logs_of(database):
            _keep(log, kept.with_name(kept.name + log.name.removeprefix(database.name)))
        if database.exists() and _fold_logs(database):
            _remove_logs_of(kept)
        _remove_logs_of(database)
        return kept


def _keep(file: Path, kept: Path) -> None:
    """Let *file* be known as *kept*, too: so that there is a database at every moment. What is there stays."""
    try:
        kept.hardlink_to(file)
    except FileExistsError as error:
        raise StoreUnavailable(reason=_THERE_ALREADY.format(file=kept)) from error
    except OSError:  # a file system without links
        file.rename(kept)


def _fold_logs(database: Path) -> bool:
    """Have SQLite take a log that a crash left into its file; return whether it could. Of damage it throws it away."""
    try:
        with _opened(database, "rw") as connection:
            connection.execute("PRAGMA user_version").fetchone()
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.DatabaseError:
        return False
    return True


def _remove_logs_of(path: Path) -> None:
    for log in _logs_of(path):
        log.unlink()
    path.with_name(path.name + _INDEX).unlink(missing_ok=True)


def _logs_of(path: Path) -> list[Path]:
    return [log for end in _LOGS if (log := path.with_name(path.name + end)).exists()]


def _give_to_owner_of(database: Path, copy: Path) -> None:
    """Let the file *copy* belong to whom the database, or else its folder, belongs to, where we may: root restores."""
    there = (database if database.exists() else database.parent).stat()
    with contextlib.suppress(OSError):
        os.chown(copy, there.st_uid, there.st_gid)


def _put(copy: Path, file: Path, *, replace: bool) -> int:
    """Let the file *copy* be *file* from now on, and after a power cut; return its size.

    Where nothing is to *replace*, what another process has put there meanwhile stays.
    """
    with _ours(file):
        size = copy.stat().st_size
        if replace:
            copy.replace(file)
        else:
            _keep(copy, file)
        _flush(file.parent)
    return size


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""Copies of a database: taken while it is written, found whole, put in its place."""

import asyncio
import contextlib
import itertools
import os
import sqlite3
import sys
from pathlib import Path
from types import FrameType

import pytest

from services.errors import DatabaseDamaged, DatabaseInUse, NewerSchema, StoreUnavailable
from services.store import copies
from services.store.copies import back_up, examine, restore
from services.store.statements import load_migrations
from services.store.store import Store
from tests.integration.database_help import (
    beside,
    damage,
    execute,
    filled,
    first_version,
    in_a_namespace,
    notes,
    pragma,
    read,
    save,
)

VERSION = len(load_migrations())
SOME = [f"note {number} " + "x" * 500 for number in range(300)]


@pytest.fixture
def database(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    return tmp_path / "data" / "calibot.db"


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    (tmp_path / "backups").mkdir()
    return tmp_path / "backups" / "calibot.backup"


async def number_of_the_next(database: Path) -> object:
    """Save one more note; return its number."""
    async with Store.open(database) as store:
        await save(store, "the next")
    return read(database, "SELECT max(id) FROM notes")[0][0]


# Taken.


async def test_a_backup_of_a_database_in_use_has_all_that_was_acknowledged(database: Path, backup: Path) -> None:
    async with Store.open(database) as store:
        await save(store, "one", "二")
        size = await asyncio.to_thread(back_up, database, backup)
        await save(store, "three")
    assert notes(backup) == ["one", "二"]
    assert read(backup, "PRAGMA integrity_check") == [("ok",)]
    assert (backup.stat().st_mode & 0o777, backup.stat().st_size) == (0o600, size)
    assert beside(backup) == set(), "one file, and nothing left over"
    assert notes(database) == ["one", "二", "three"]


async def test_backups_taken_while_it_is_written_are_whole_and_hold_nobody_up(database: Path, tmp_path: Path) -> None:
    files = [tmp_path / f"{number}.backup" for number in range(5)]
    done = asyncio.Event()
    acknowledged = 0

    async def write() -> None:
        nonlocal acknowledged
        while not done.is_set():
            await save(store, f"{acknowledged}")
            acknowledged += 1

    async with Store.open(database) as store:
        writing = asyncio.create_task(write())
        least = []
        for file in files:
            least.append(acknowledged)
            await asyncio.to_thread(back_up, database, file)
        done.set()
        await writing
    for file, count in zip(files, least, strict=True):
        found = notes(file)
        assert len(found) >= count
        assert found == [str(number) for number in range(len(found))]
        assert read(file, "PRAGMA integrity_check") == [("ok",)]


async def test_what_is_there_is_replaced_only_when_told(database: Path, backup: Path) -> None:
    await filled(database, "one")
    assert beside(database) == set()
    backup.write_text("precious", encoding="utf-8")
    with pytest.raises(StoreUnavailable, match="--force"):
        await asyncio.to_thread(back_up, database, backup)
    assert backup.read_text(encoding="utf-8") == "precious"
    await asyncio.to_thread(back_up, database, backup, replace=True)
    assert notes(backup) == ["one"]
    assert beside(database) == set()


async def test_of_backups_at_the_same_time_into_one_file_one_is_made(database: Path, backup: Path) -> None:
    await filled(database, *SOME)
    ends = await asyncio.gather(
        *[asyncio.to_thread(back_up, database, backup) for _ in range(6)], return_exceptions=True
    )
    assert sorted(type(one).__name__ for one in ends) == ["StoreUnavailable"] * 5 + ["int"]
    assert notes(backup) == list(SOME)
    assert beside(backup) == set()


async def test_a_backup_that_cannot_be_made_leaves_nothing(database: Path, backup: Path, tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="no file"):
        await asyncio.to_thread(back_up, database, backup)
    await filled(database, *SOME)
    link = tmp_path / "link"
    link.symlink_to(database)
    twin = tmp_path / "twin"
    twin.hardlink_to(database)
    for target in (database, link, twin):
        with pytest.raises(StoreUnavailable, match="the database itself"):
            await asyncio.to_thread(back_up, database, target, replace=True)
    with pytest.raises(StoreUnavailable, match="is a folder"):
        await asyncio.to_thread(back_up, database, tmp_path, replace=True)
    with pytest.raises(StoreUnavailable, match="no folder"):
        await asyncio.to_thread(back_up, database, tmp_path / "nowhere" / "file")
    damage(database)
    with pytest.raises(DatabaseDamaged):
        await asyncio.to_thread(back_up, database, backup)
    junk = tmp_path / "junk"
    junk.write_bytes(b"no database " * 1000)
    with pytest.raises(StoreUnavailable, match="not a database"):
        await asyncio.to_thread(back_up, junk, backup)
    assert not backup.exists()
    assert beside(backup) == set()


async def test_a_backup_that_has_no_room_is_refused_and_leaves_nothing(database: Path, tmp_path: Path) -> None:
    await filled(database, *SOME)
    script = (
        "import sys\nfrom pathlib import Path\nfrom services.errors import StoreUnavailable\n"
        "from services.store.copies import back_up\nfolder = Path(sys.argv[2])\ntry:\n"
        "    back_up(Path(sys.argv[1]), folder / 'backup')\nexcept StoreUnavailable as error:\n"
        "    print(error.parameters['reason'], list(folder.iterdir()))"
    )
    mount = 'mount -t tmpfs -o size=128k none "$2"; exec "$3" -c "$4" "$1" "$2"'
    (tmp_path / "small").mkdir()
    small = str(tmp_path / "small")
    ended = await asyncio.to_thread(in_a_namespace, mount, str(database), small, sys.executable, script)
    assert ended.stdout == "database or disk is full []\n", ended.stderr


# Put back.


async def test_a_restored_database_is_the_backup_and_the_old_one_is_kept(database: Path, backup: Path) -> None:
    await filled(database, "old")
    await asyncio.to_thread(back_up, database, backup)
    async with Store.open(database) as store:
        await save(store, "newer")
    kept = await asyncio.to_thread(restore, backup, database, stamp="T")
    assert kept == database.with_name("calibot.db.before-restore-T")
    assert notes(kept) == ["old", "newer"]
    assert notes(database) == ["old"]
    assert database.stat().st_mode & 0o777 == 0o600
    assert beside(database) == {kept.name}
    async with Store.open(database) as store:
        await save(store, "goes on")
    assert notes(database) == ["old", "goes on"]
    assert notes(backup) == ["old"]


async def test_what_a_crash_left_in_the_old_ones_log_is_kept_with_it_and_not_given_to_the_new_one(
    database: Path, backup: Path
) -> None:
    await filled(database, "old")
    await asyncio.to_thread(back_up, database, backup)
    script = (
        "import asyncio, os, sys\nfrom pathlib import Path\nfrom services.store.store import Store\n"
        "from tests.integration.database_help import save\nasync def main():\n"
        "    async with Store.open(Path(sys.argv[1])) as store:\n"
        "        await save(store, 'in the log')\n        os.kill(os.getpid(), 9)\nasyncio.run(main())"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, str(database), env=os.environ | {"PYTHONPATH": str(Path.cwd())}
    )
    assert await process.wait() == -9
    assert database.with_name("calibot.db-wal").stat().st_size
    kept = await asyncio.to_thread(restore, backup, database, stamp="T")
    assert kept is not None
    assert beside(database) == {kept.name}
    assert notes(database) == ["old"]
    assert notes(kept) == ["old", "in the log"]
    assert await number_of_the_next(database) == 3


async def test_no_number_that_the_replaced_database_gave_is_given_again(database: Path, backup: Path) -> None:
    """A message about the former #2 would delete the new one."""
    await filled(database, "1")
    await asyncio.to_thread(back_up, database, backup)
    await filled(database, "2", "3")
    execute(database, "DELETE FROM notes WHERE id > 1")
    await asyncio.to_thread(restore, backup, database, stamp="T")
    assert notes(database) == ["1"]
    assert await number_of_the_next(database) == 4
    await asyncio.to_thread(restore, backup, database, stamp="U")
    assert await number_of_the_next(database) == 5


async def test_a_backup_that_had_no_note_yet_goes_on_after_the_replaced_ones(database: Path, backup: Path) -> None:
    first_version(backup)
    await filled(database, "1", "2")
    await asyncio.to_thread(restore, backup, database, stamp="T")
    assert await number_of_the_next(database) == 3


async def test_a_backup_that_is_further_goes_on_after_its_own_last_note(database: Path, backup: Path) -> None:
    await filled(backup, "1", "2", "3")
    await filled(database, "1")
    await asyncio.to_thread(restore, backup, database, stamp="T")
    assert await number_of_the_next(database) == 4


async def test_a_damaged_database_is_replaced_whatever_it_tells_of_its_numbers(database: Path, backup: Path) -> None:
    await filled(backup, "1")
    await filled(database, *SOME)
    damage(database)
    await asyncio.to_thread(restore, backup, database, stamp="T")
    assert await number_of_the_next(database) == len(SOME) + 1, "what can be read counts"
    database.write_bytes(database.read_bytes()[:4096] + b"\xa5" * 4096)
    await asyncio.to_thread(restore, backup, database, stamp="U")
    assert await number_of_the_next(database) == 2


@pytest.mark.timeout(120)  # a process for each of its steps
def test_whenever_a_restore_dies_the_old_database_or_the_new_one_is_there_whole(database: Path, backup: Path) -> None:
    first_version(backup, "1")
    first_version(database, "1", "2", mode="wal")
    old = database.read_bytes()
    found: list[list[object]] = []
    for steps in itertools.count():
        for left in database.parent.iterdir():
            left.unlink()
        database.write_bytes(old)
        died = dies(backup, database, after=steps)
        assert read(database, "PRAGMA integrity_check") == [("ok",)]
        assert read(database, "SELECT seq FROM sqlite_sequence") == [(2,)]
        found.append(notes(database))
        if not died:
            break
    assert found == sorted(found, reverse=True), "the new one is there from one step on"
    assert (found[0], found[-1]) == (["1", "2"], ["1"])


def dies(backup: Path, database: Path, *, after: int) -> bool:
    """Restore in a process that dies before its next step *after* so many; return whether there was one. Blocks."""
    process = os.fork()
    if not process:
        left = after

        def step(frame: FrameType, _event: str, _argument: object) -> None:
            nonlocal left
            left -= frame.f_code.co_filename == copies.__file__
            if left < 0:
                os._exit(9)

        sys.setprofile(step)
        restore(backup, database, stamp="T")
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 9


async def test_a_damaged_databases_log_stays_with_it(database: Path, backup: Path) -> None:
    await filled(database, "old")
    await asyncio.to_thread(back_up, database, backup)
    database.write_bytes(b"no database " * 1000)
    database.with_name("calibot.db-wal").write_bytes(b"its log")
    kept = await asyncio.to_thread(restore, backup, database, stamp="T")
    assert kept is not None
    assert beside(database) == {kept.name, kept.name + "-wal"}
    assert kept.read_bytes().startswith(b"no database")
    assert notes(database) == ["old"]


async def test_restores_within_one_second_keep_what_each_of_them_replaced(database: Path, backup: Path) -> None:
    await filled(backup, "new")
    await filled(database, "old")
    kept = [await asyncio.to_thread(restore, backup, database, stamp="T") for _ in range(3)]
    assert [one and one.name for one in kept] == [f"calibot.db.before-restore-T{end}" for end in ("", "-2", "-3")]
    assert [notes(one) for one in kept if one] == [["old"], ["new"], ["new"]]


async def test_a_lost_database_is_restored_without_what_its_log_left(database: Path, backup: Path) -> None:
    await filled(database, "old")
    await asyncio.to_thread(back_up, database, backup)
    database.unlink()
    database.with_name("calibot.db-wal").write_bytes(b"of one that is gone")
    assert await asyncio.to_thread(restore, backup, database, stamp="T") is None
    assert beside(database) == set()
    elsewhere = database.parents[1] / "new" / "calibot.db"
    assert await asyncio.to_thread(restore, backup, elsewhere, stamp="T") is None
    assert notes(database) == notes(elsewhere) == ["old"]


async def test_a_backup_of_an_older_version_is_restored_and_updated_at_the_start(database: Path, backup: Path) -> None:
    first_version(backup, "of old")
    await asyncio.to_thread(restore, backup, database, stamp="T")
    assert read(database, "PRAGMA user_version") == [(1,)]
    async with Store.open(database):
        pass
    assert (notes(database), read(database, "PRAGMA user_version")) == (["of old"], [(VERSION,)])


async def test_what_cannot_be_restored_changes_nothing(database: Path, backup: Path, tmp_path: Path) -> None:
    await filled(database, "precious")
    before = database.read_bytes()

    async def refused(error: type[StoreUnavailable], file: Path, words: str | None = None) -> None:
        with pytest.raises(error, match=words):
            await asyncio.to_thread(restore, file, database, stamp="T")
        assert database.read_bytes() == before
        assert beside(database) == set()

    await refused(StoreUnavailable, tmp_path / "nowhere", "no file")
    await refused(StoreUnavailable, tmp_path, "no file")
    await refused(StoreUnavailable, database, "the database itself")
    backup.write_bytes(b"")
    await refused(StoreUnavailable, backup, "no database of calibot's")
    backup.write_bytes(b"junk " * 10_000)
    await refused(StoreUnavailable, backup, "not a database")
    backup.unlink()
    with contextlib.closing(sqlite3.connect(backup)) as foreign:
        foreign.execute("CREATE TABLE notes (text TEXT)")
        foreign.execute("PRAGMA user_version = 1")
        foreign.commit()
    await refused(StoreUnavailable, backup, "no database of calibot's")
    backup.unlink()
    await filled(backup, *SOME)
    damage(backup)
    await refused(DatabaseDamaged, backup)
    backup.unlink()
    await filled(backup, "future")
    execute(backup, f"PRAGMA user_version = {VERSION + 1}")
    await refused(NewerSchema, backup)


async def test_a_database_in_use_is_not_replaced(database: Path, backup: Path) -> None:
    async with Store.open(database) as store:
        await save(store, "one")
        await asyncio.to_thread(back_up, database, backup)
        with pytest.raises(DatabaseInUse):
            await asyncio.to_thread(restore, backup, database, stamp="T")
        await save(store, "two")
    assert notes(database) == ["one", "two"]


# Looked at.


async def test_a_look_at_a_database_tells_who_has_it_and_changes_nothing(database: Path) -> None:
    async with Store.open(database) as store:
        await save(store, "one")
        assert await asyncio.to_thread(examine, database)
        await save(store, "two")
    before = read(database, "SELECT * FROM counters")
    assert not await asyncio.to_thread(examine, database)
    assert (notes(database), read(database, "SELECT * FROM counters")) == (["one", "two"], before)
    assert beside(database) == set()


@pytest.mark.parametrize("in_use", [False, True])
async def test_a_look_finds_damage_whoever_has_it(database: Path, *, in_use: bool) -> None:
    async with contextlib.AsyncExitStack() as stack:
        store = await stack.enter_async_context(Store.open(database))
        await save(store, *SOME)
        await pragma(store, "wal_checkpoint(TRUNCATE)")
        if not in_use:
            await stack.aclose()
        damage(database)
        with pytest.raises(DatabaseDamaged):
            await asyncio.to_thread(examine, database)


async def test_a_look_at_what_is_newer_or_none_of_ours_says_so(database: Path) -> None:
    await filled(database, "one")
    execute(database, f"PRAGMA user_version = {VERSION + 1}")
    with pytest.raises(NewerSchema):
        await asyncio.to_thread(examine, database)
    database.write_bytes(b"junk " * 10_000)
    with pytest.raises(StoreUnavailable, match="not a database"):
        await asyncio.to_thread(examine, database)

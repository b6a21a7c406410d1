"""A database over its life: updates, crashes, full and damaged disks, files that go away."""

import asyncio
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from services.errors import DatabaseDamaged, NewerSchema, StoreUnavailable
from services.store import opening
from services.store.lock import holder
from services.store.statements import load_migrations
from services.store.store import Store
from services.torrents import NotebookId, NoteId
from tests.integration.database_help import (
    ROOT,
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
    return tmp_path / "calibot.db"


async def left_open(path: Path, *texts: str) -> None:
    """Make a database at *path* whose process was killed; all that it acknowledged is in the file itself."""
    script = (
        "import asyncio, os, sys\nfrom pathlib import Path\nfrom services.store.store import Store\n"
        "from tests.integration.database_help import pragma, save\n"
        "async def main():\n    async with Store.open(Path(sys.argv[1])) as store:\n"
        "        await save(store, *sys.argv[2:])\n        await pragma(store, 'wal_checkpoint(TRUNCATE)')\n"
        "        os.kill(os.getpid(), 9)\nasyncio.run(main())"
    )
    command = [sys.executable, "-c", script, str(path), *texts]
    await asyncio.to_thread(python, *command)


def python(*command: str) -> None:
    subprocess.run(command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=False)  # noqa: S603 - our own


# Updates.


async def test_before_an_update_the_old_database_is_kept_for_its_owner_alone(database: Path) -> None:
    first_version(database, "one", "二")
    async with Store.open(database):
        pass
    kept = database.with_name("calibot.db.before-v2")
    assert kept.stat().st_mode & 0o777 == 0o600
    assert notes(kept) == notes(database) == ["one", "二"]
    assert read(kept, "PRAGMA user_version") == [(1,)]
    assert read(kept, "PRAGMA integrity_check") == [("ok",)]
    assert read(database, "PRAGMA user_version") == [(VERSION,)]
    async with Store.open(database):
        pass
    assert beside(database) == {kept.name} | {f"calibot.db.before-v{later}" for later in range(3, VERSION + 1)}


async def test_what_a_crash_left_in_the_log_is_in_the_copy_before_an_update(database: Path) -> None:
    live = database.with_name("live.db")
    first_version(live, mode="wal")
    script = (
        "import os, sqlite3, sys\nc = sqlite3.connect(sys.argv[1])\nc.execute('PRAGMA wal_autocheckpoint = 0')\n"
        "c.execute('INSERT INTO notebooks (id, created_at) VALUES (1, 1.0)')\nc.commit()\nos.kill(os.getpid(), 9)"
    )
    await asyncio.to_thread(python, sys.executable, "-c", script, str(live))
    assert live.with_name("live.db-wal").stat().st_size
    async with Store.open(live):
        pass
    assert read(live.with_name("live.db.before-v2"), "SELECT id FROM notebooks") == [(1,)]


async def test_nothing_is_kept_of_a_new_or_an_empty_database(database: Path) -> None:
    async with Store.open(database):
        pass
    empty = database.with_name("empty.db")
    first_version(empty)
    async with Store.open(empty):
        pass
    assert [name for name in beside(database) if "before" in name] == []


async def test_an_update_that_fails_leaves_the_old_version_and_can_be_done_again(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first_version(database, "one")
    good = await asyncio.to_thread(load_migrations)
    broken = [good[0], good[1] + "\nINSERT INTO nowhere VALUES (1);\n", *good[2:]]
    with monkeypatch.context() as patch:
        patch.setattr("services.store.store.load_migrations", lambda: broken)
        with pytest.raises(StoreUnavailable):
            async with Store.open(database):
                pass
    assert read(database, "PRAGMA user_version") == [(1,)]
    assert notes(database) == ["one"]
    async with Store.open(database):
        pass
    assert notes(database) == ["one"]


async def test_no_room_for_the_copy_refuses_the_update_and_changes_nothing(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first_version(database, "one")

    def full(*_: object, **__: object) -> int:
        raise StoreUnavailable(reason="database or disk is full")

    monkeypatch.setattr(opening, "back_up", full)
    with pytest.raises(StoreUnavailable, match="full"):
        async with Store.open(database):
            pass
    assert read(database, "PRAGMA user_version") == [(1,)]


async def test_a_newer_schema_is_left_as_it_is(database: Path) -> None:
    await filled(database, "of the future")
    newer = VERSION + 1
    execute(database, f"PRAGMA user_version = {newer}")
    with pytest.raises(NewerSchema):
        async with Store.open(database):
            pass
    assert read(database, "PRAGMA user_version") == [(newer,)]
    assert notes(database) == ["of the future"]


# Crashes and damage.


def checks(logged: object) -> int:
    assert isinstance(logged, list)
    return [entry["event"] for entry in logged].count("database.checking")


async def test_a_database_is_checked_at_the_start_after_a_crash_and_at_no_other(database: Path) -> None:
    with capture_logs() as logged:
        await filled(database, "one")
        await filled(database, "two")
    assert checks(logged) == 0
    await left_open(database, "three")
    with capture_logs() as logged:
        await filled(database, "four")
    assert checks(logged) == 1
    with capture_logs() as logged:
        await filled(database, "five")
    assert checks(logged) == 0
    assert notes(database) == ["one", "two", "three", "four", "five"]


async def test_a_start_that_fails_in_the_body_was_closed_in_order(database: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        async with Store.open(database):
            raise ZeroDivisionError
    with capture_logs() as logged:
        await filled(database)
    assert checks(logged) == 0


async def test_damage_that_a_crash_left_is_refused_with_its_remedy(database: Path) -> None:
    await left_open(database, *SOME)
    damage(database)
    with capture_logs() as logged, pytest.raises(DatabaseDamaged) as refused:
        async with Store.open(database):
            pass
    assert refused.value.parameters == {"path": str(database)}
    assert [entry["event"] for entry in logged if entry["log_level"] == "error"] == ["database.damaged"]


async def test_damage_of_the_index_is_refused_at_any_start(database: Path) -> None:
    await filled(database, *SOME)
    execute(database, "DELETE FROM note_words_data")
    with pytest.raises(DatabaseDamaged):
        async with Store.open(database):
            pass


async def test_damage_under_way_is_told_and_what_is_whole_goes_on(database: Path) -> None:
    with capture_logs() as logged:
        async with Store.open(database) as store:
            await save(store, *SOME)
            await pragma(store, "wal_checkpoint(TRUNCATE)")
            damage(database)
            reads = [
                store.read(lambda tx, n=number: tx.notes.get(NotebookId(1), NoteId(n)))  # type: ignore[misc]
                for number in range(1, len(SOME) + 1)
            ]
            found = await asyncio.gather(*reads, return_exceptions=True)
            assert await store.read(lambda tx: tx.notebooks.behind("tg:1")) is not None
    refused = [one for one in found if isinstance(one, Exception)]
    assert 0 < len(refused) < len(SOME)
    for error in refused:
        assert isinstance(error, StoreUnavailable)
        assert "malformed" in str(error.parameters["reason"])
    told = [entry for entry in logged if entry["event"] == "database.unavailable"]
    assert told
    assert all("restore" in entry["remedy"] for entry in told)


# Disks.


@pytest.fixture
def no_file_may_grow() -> Iterator[None]:
    """Let every write into a file fail, as it does on a broken disk, for as long as the fixture's test says."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_a_disk_that_refuses_loses_nothing_acknowledged_and_goes_on_when_it_takes_again(
    database: Path, no_file_may_grow: None
) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with capture_logs() as logged:
        async with Store.open(database) as store:
            await save(store, "before")
            resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
            for _ in range(3):
                with pytest.raises(StoreUnavailable):
                    await save(store, "lost")
            assert await store.read(lambda tx: tx.notebooks.behind("tg:1")) is not None
            resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
            await save(store, "after")
    assert notes(database) == ["before", "after"]
    events = [entry["event"] for entry in logged if entry["event"].startswith("database.")]
    assert events == ["database.unavailable", "database.available"], "one line each, however often it failed"


async def test_a_read_only_database_is_told_and_goes_on_when_it_is_not(database: Path) -> None:
    async with Store.open(database) as store:
        await save(store, "before")
        await pragma(store, "query_only = ON")  # sqlite's own stand-in: nothing is read-only to root
        with capture_logs() as logged, pytest.raises(StoreUnavailable, match="readonly"):
            await save(store, "lost")
        await pragma(store, "query_only = OFF")
        await save(store, "after")
    assert notes(database) == ["before", "after"]
    assert ["writable" in entry["remedy"] for entry in logged] == [True]


_ON_A_SMALL_DISK = """
import asyncio, os, sys
from pathlib import Path
from services.errors import StoreUnavailable
from services.store.store import Store
from services.torrents import NotebookId, NoteId
from tests.integration.database_help import notes, save

async def main(folder):
    kept, filler = [], folder / "filler"
    async with Store.open(folder / "calibot.db") as store:
        with filler.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                pass
        refused = []
        for number in range(200):
            try:
                await save(store, f"{number} " + "x" * 5000)
                kept.append(number)
            except StoreUnavailable as error:
                refused.append(str(error.parameters["reason"]))
        assert any("full" in reason for reason in refused), refused
        filler.unlink()
        await save(store, "1000 after")
    found = [int(text.split()[0]) for text in notes(folder / "calibot.db")]
    assert found == [*kept, 1000], (found, kept)
    print("recovered")

asyncio.run(main(Path(sys.argv[1])))
"""


def test_a_full_disk_loses_nothing_acknowledged_and_room_on_it_is_enough_to_go_on(tmp_path: Path) -> None:
    mount = 'mount -t tmpfs -o size=1m none "$1"; exec "$2" -c "$3" "$1"'
    ended = in_a_namespace(mount, str(tmp_path), sys.executable, _ON_A_SMALL_DISK)
    assert ended.stdout.splitlines()[-1:] == ["recovered"], ended.stderr


def test_a_start_on_a_read_only_disk_is_refused_with_its_reason(tmp_path: Path) -> None:
    first_version(tmp_path / "calibot.db", "one")
    script = (
        "import asyncio, sys\nfrom pathlib import Path\nfrom services.errors import StoreUnavailable\n"
        "from services.store.store import Store\nasync def main():\n    try:\n"
        "        async with Store.open(Path(sys.argv[1]) / 'calibot.db'):\n            print('opened')\n"
        "    except StoreUnavailable as error:\n        print(error.parameters['reason'])\nasyncio.run(main())"
    )
    mount = 'mount --bind "$1" "$1"; mount -o remount,bind,ro "$1"; exec "$2" -c "$3" "$1"'
    ended = in_a_namespace(mount, str(tmp_path), sys.executable, script)
    assert "Read-only" in ended.stdout, ended.stderr
    assert beside(tmp_path / "calibot.db") == set()


# Files.


@pytest.mark.parametrize("replaced", [False, True], ids=["deleted", "replaced"])
async def test_a_file_that_went_away_is_noticed_before_anything_is_acknowledged(
    database: Path, *, replaced: bool
) -> None:
    aside = database.with_name("aside.db")
    with capture_logs() as logged:
        async with Store.open(database) as store:
            await save(store, "before")
            database.rename(aside)
            if replaced:
                database.touch()
            for _ in range(2):
                with pytest.raises(StoreUnavailable, match="deleted or replaced"):
                    await save(store, "lost")
            aside.replace(database)
            await save(store, "after")
    assert notes(database) == ["before", "after"]
    events = [entry["event"] for entry in logged if entry["event"].startswith("database.")]
    assert events == ["database.unavailable", "database.available"]


async def test_whoever_has_it_open_is_known(database: Path) -> None:
    assert await asyncio.to_thread(holder, database) is None
    async with Store.open(database):
        assert await asyncio.to_thread(holder, database) == os.getpid()

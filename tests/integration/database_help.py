"""Databases for tests of how they are kept: filled, read from outside, damaged."""

import contextlib
import os
import shutil
import sqlite3
import subprocess
from pathlib import Path

import pytest

from services.notebook.note import Note
from services.store.store import Store, Tx
from services.torrents import NotebookId, NoteId, PersonId

ROOT = Path(__file__).parents[2]
FIRST_SCHEMA = min((ROOT / "services/store/migrations").glob("*.sql"))


def a_note(notebook: NotebookId, text: str) -> Note:
    person = PersonId("tg:1")
    return Note(
        id=NoteId(0),
        notebook=notebook,
        text=text,
        version=1,
        origin=None,
        person=person,
        created_at=1.0,
        changed_at=1.0,
    )


async def save(store: Store, *texts: str, door: str = "tg:1") -> None:
    """Store notes of these *texts* in the notebook behind *door*, each in a transaction of its own."""
    for text in texts:

        async def insert(tx: Tx, text: str = text) -> None:
            await tx.notes.insert(a_note(await tx.notebooks.open(door, 1.0), text), [])

        await store.write(insert)


async def filled(path: Path, *texts: str, door: str = "tg:1") -> None:
    """Make a database at *path* that was closed in order, with notes of these *texts*."""
    async with Store.open(path) as store:
        await save(store, *texts, door=door)


def first_version(path: Path, *texts: str, mode: str = "delete") -> None:
    """Make a database as calibot's first version did, with notes of these *texts*. Blocks."""
    with contextlib.closing(sqlite3.connect(path)) as old:
        old.execute(f"PRAGMA journal_mode = {mode}")
        old.executescript(FIRST_SCHEMA.read_text(encoding="utf-8"))
        if texts:
            old.execute("INSERT INTO notebooks (id, created_at) VALUES (1, 1.0)")
        old.executemany(
            "INSERT INTO notes (notebook_id, text, person, created_at, changed_at) VALUES (1, ?, 'tg:1', 1.0, 1.0)",
            [(text,) for text in texts],
        )
        old.execute("PRAGMA user_version = 1")
        old.commit()


def read(path: Path, sql: str) -> list[tuple[object, ...]]:
    """Return what *sql* reads at *path*, in use or not. Blocks."""
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=rw", uri=True)) as connection:
        return connection.execute(sql).fetchall()


def execute(path: Path, sql: str) -> None:
    """Change the database at *path*, which nobody has open, by *sql*. Blocks."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute(sql)
        connection.commit()


def notes(path: Path) -> list[object]:
    return [text for (text,) in read(path, "SELECT text FROM notes ORDER BY id")]


def damage(path: Path) -> None:
    """Overwrite pages in the middle of the file, behind those where tables begin. Blocks."""
    size = path.stat().st_size
    assert size > 100 * 4096, "too small to have such pages"
    with path.open("r+b") as file:
        file.seek(size // 2 // 4096 * 4096)
        file.write(b"\xa5" * (size // 4))


def beside(path: Path) -> set[str]:
    """Return the names of the files in *path*'s folder but its own and its lock's. Blocks."""
    return {one.name for one in path.parent.iterdir()} - {path.name, path.name + ".lock"}


def in_a_namespace(shell: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run *shell* where its mounts are its own; they go with it. Skips where no such place can be had."""
    unshare = shutil.which("unshare")
    probe = [unshare or "false", "-rm", "mount", "-t", "tmpfs", "none", "/mnt"]
    if subprocess.run(probe, check=False, capture_output=True).returncode:  # noqa: S603 - our own words
        pytest.skip("no mounts of one's own here")
    command = [unshare or "false", "-rm", "sh", "-euc", shell, "sh", *arguments]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(  # noqa: S603 - our own words
        command, cwd=ROOT, env=environment, check=False, capture_output=True, text=True
    )


async def pragma(store: Store, setting: str) -> None:
    """Let the writer's connection do this."""
    await store._writer.drive(lambda: store._writer.run(f"PRAGMA {setting}"))

"""From a file to a database that can be used: found whole after a crash, brought to this version, indexed."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

import structlog

from services.errors import DatabaseDamaged, NewerSchema, StoreUnavailable
from services.store.copies import back_up
from services.store.health import is_damage
from services.store.statements import Statements
from services.store.words import WordRows
from services.torrents import NoteId

log = structlog.stdlib.get_logger(__name__)
_INDEXED_TOGETHER = 500


async def make_ready(writer: Statements, migrations: Sequence[str], path: Path) -> None:
    """Bring the database to this version and mark it as open; in the writer's thread.

    Raises:
        NewerSchema: a newer calibot made it; it is left as it is.
        DatabaseDamaged: it is not whole: after a crash all of it is checked, else only what is used here.
        StoreUnavailable: it cannot be written, or not be backed up before a migration.
    """
    version = (await writer.run("PRAGMA user_version"))[0][0]
    if version > len(migrations):
        raise NewerSchema(path=str(path))
    try:
        if version and await _was_left_open(writer):
            await _find_whole(writer, path)
        await _migrate(writer, migrations, path, version)
        await _index(writer)
        await writer.one("mark_open")
    except StoreUnavailable as error:
        if is_damage(str(error.parameters.get("reason"))):
            raise DatabaseDamaged(path=str(path)) from error
        raise


async def _was_left_open(writer: Statements) -> bool:
    row = await writer.one("was_left_open")
    return row is not None and bool(row["value"])


async def _find_whole(writer: Statements, path: Path) -> None:
    log.info("database.checking", path=str(path), why="it was not closed in order")
    try:
        found = [str(row[0]) for row in await writer.run("PRAGMA quick_check(1)")]
    except StoreUnavailable as error:
        found = [str(error.parameters.get("reason"))]
    if found != ["ok"]:
        log.error("database.damaged", path=str(path), found=" ".join(found[0].split()))
        raise DatabaseDamaged(path=str(path))


async def _migrate(writer: Statements, migrations: Sequence[str], path: Path, version: int) -> None:
    for number, script in enumerate(migrations[version:], start=version + 1):
        if await _has_data(writer, number - 1):
            kept = path.with_name(f"{path.name}.before-v{number}")
            back_up(path, kept, replace=True)
            log.info("database.migrating", path=str(path), version=number, backup=str(kept))
        await writer.run("BEGIN IMMEDIATE")
        for statement in _split(script):
            await writer.run(statement)
        await writer.run(f"PRAGMA user_version = {number}")
        await writer.run("COMMIT")


async def _has_data(writer: Statements, version: int) -> bool:
    row = await writer.one("has_data") if version else None
    return row is not None and bool(row["has_data"])


async def _index(writer: Statements) -> None:
    """Index the words of notes that an older calibot stored without."""
    words = WordRows(writer)
    while rows := await writer.all("unindexed_notes", limit=_INDEXED_TOGETHER):
        await writer.run("BEGIN IMMEDIATE")
        await words.refresh([NoteId(row["id"]) for row in rows])
        await writer.run("COMMIT")


def _split(script: str) -> list[str]:
    """Return the statements of *script*, by sqlite's own judgement of where one is complete."""
    statements, current = [], ""
    for line in script.splitlines(keepends=True):
        current += line
        if sqlite3.complete_statement(current):
            statements.append(current.strip())
            current = ""
    return statements

"""A connection to SQLite, and the thread in which whole transactions run on it."""

import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol, TypeVar

import aiosqlite

T = TypeVar("T")
_STATEMENTS = 512  # kept prepared: more than there are queries


class Connection(Protocol):
    """What `connect` opens."""

    @property
    def sqlite(self) -> sqlite3.Connection:
        """What runs the statements; for what is given to `drive` alone."""

    async def drive(self, work: Callable[[], Awaitable[T]]) -> T:
        """Return what *work* returns; it waits for nothing."""

    async def close(self) -> None: ...


class _Threaded(aiosqlite.Connection):
    """A hop to the thread and back costs more than most statements: there is one in a transaction, not one in each."""

    @property
    def sqlite(self) -> sqlite3.Connection:
        return self._conn

    async def drive(self, work: Callable[[], Awaitable[T]]) -> T:
        done: T = await self._execute(driven, work)  # type: ignore[no-untyped-call] # aiosqlite's own way in
        return done


async def connect(path: Path) -> Connection:
    """Open the database at *path*; its transactions begin and end where they say so. Raises sqlite3.DatabaseError."""

    def connector() -> sqlite3.Connection:
        connection = sqlite3.connect(path, isolation_level=None, cached_statements=_STATEMENTS)
        connection.row_factory = sqlite3.Row
        return connection

    connection = _Threaded(connector, iter_chunk_size=64)
    await connection
    return connection


def driven(work: Callable[[], Awaitable[T]]) -> T:
    """Run *work* to its end in this thread. Where it waits for something, that is a bug, raised there."""
    steps = work().__await__()
    try:
        next(steps)
        while True:
            steps.throw(RuntimeError("a transaction waits for nothing but its statements"))
    except StopIteration as end:
        done: T = end.value
        return done

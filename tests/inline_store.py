"""The store with its SQL run in the loop's own thread: a hand-moved clock does not see aiosqlite's threads.

It is the real store with real transactions and real rollback on a real file; only the hop to a thread is left out.
"""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

from services.store.statements import Connection, Parameters
from services.store.store import Store


class InlineConnection:
    """Behaves as ``aiosqlite.Connection``; others get their turn before each statement, as with a thread."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    async def execute_fetchall(self, sql: str, parameters: Parameters | None = None, /) -> Iterable[sqlite3.Row]:
        await asyncio.sleep(0)
        return self.execute(sql, parameters or {})

    def execute(self, sql: str, parameters: Parameters) -> list[sqlite3.Row]:
        return self._connection.execute(sql, parameters).fetchall()

    async def executemany(self, sql: str, parameters: Iterable[Parameters], /) -> None:
        await asyncio.sleep(0)
        self._connection.executemany(sql, parameters)

    async def close(self) -> None:
        self._connection.close()


async def open_inline(path: Path) -> Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.row_factory = sqlite3.Row
    return InlineConnection(connection)


@contextlib.asynccontextmanager
async def inline_store(path: Path) -> AsyncIterator[Store]:
    async with Store.open(path, connect=open_inline) as store:
        yield store

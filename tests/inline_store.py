"""The store with its SQL run in the loop's own thread: a hand-moved clock does not see aiosqlite's threads.

It is the real store with real transactions and real rollback on a real file; only the hop to a thread is left out.
"""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from services.store.connection import Connection, driven
from services.store.store import Store

T = TypeVar("T")


class InlineConnection:
    """Behaves as a connection with a thread; others get their turn before each transaction, and after it."""

    def __init__(self, sqlite: sqlite3.Connection) -> None:
        self.sqlite = sqlite

    async def drive(self, work: Callable[[], Awaitable[T]]) -> T:
        await asyncio.sleep(0)
        done = driven(work)
        await asyncio.sleep(0)
        return done

    async def close(self) -> None:
        self.sqlite.close()


async def open_inline(path: Path) -> Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.row_factory = sqlite3.Row
    return InlineConnection(connection)


@contextlib.asynccontextmanager
async def inline_store(path: Path) -> AsyncIterator[Store]:
    async with Store.open(path, opens=open_inline) as store:
        yield store

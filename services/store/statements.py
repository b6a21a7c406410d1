"""SQL by name: the files of ``queries/`` and the one place that runs them."""

import sqlite3
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from services.errors import StoreUnavailable
from services.store.connection import Connection

T = TypeVar("T")
Parameters = Mapping[str, str | int | float | bytes | None]
_FOLDER = Path(__file__).parent


def load_queries() -> dict[str, str]:
    """Read every ``-- name: <name>`` block of ``queries/*.sql``. Blocks: not for the event loop."""
    queries: dict[str, str] = {}
    for path in sorted(_FOLDER.glob("queries/*.sql")):
        for block in path.read_text(encoding="utf-8").split("-- name: ")[1:]:
            name, _, sql = block.partition("\n")
            if name in queries:
                raise ValueError(f"{path.name} names {name} again")
            queries[name] = sql.strip()
    return queries


def load_migrations() -> list[str]:
    """Read ``migrations/*.sql`` in order; the n-th (from 1) makes schema version n. Blocks."""
    return [path.read_text(encoding="utf-8") for path in sorted(_FOLDER.glob("migrations/*.sql"))]


class Statements:
    """A connection with the named queries. sqlite's errors become ours here.

    What runs statements blocks: it is called in what is given to `drive` alone.
    """

    def __init__(self, connection: Connection, queries: Mapping[str, str]) -> None:
        self._connection = connection
        self._queries = queries

    async def drive(self, work: Callable[[], Awaitable[T]]) -> T:
        """Run *work* in the connection's thread, where it waits for its statements alone."""
        return await self._connection.drive(work)

    async def all(self, name: str, /, **parameters: str | float | bytes | None) -> Sequence[sqlite3.Row]:
        """Run the query *name* and return its rows."""
        return await self.run(self._queries[name], parameters)

    async def one(self, name: str, /, **parameters: str | float | bytes | None) -> sqlite3.Row | None:
        """Run the query *name* and return its first row."""
        rows = await self.all(name, **parameters)
        return rows[0] if rows else None

    async def many(self, name: str, rows: Iterable[Parameters]) -> None:
        """Run the statement *name* once for each of *rows*, which may be made as they go; for an empty list nothing."""
        if rows == []:
            return
        try:
            self._connection.sqlite.executemany(self._queries[name], rows)
        except sqlite3.DatabaseError as error:
            raise _ours(error) from error

    async def run(self, sql: str, parameters: Parameters | None = None) -> Sequence[sqlite3.Row]:
        """Run one statement."""
        try:
            return self._connection.sqlite.execute(sql, parameters or {}).fetchall()
        except sqlite3.DatabaseError as error:
            raise _ours(error) from error

    async def close(self) -> None:
        await self._connection.close()


def _ours(error: sqlite3.DatabaseError) -> Exception:
    """Return a full, damaged, locked or read-only database as `StoreUnavailable`; a wrong statement stays a bug."""
    if isinstance(error, sqlite3.OperationalError) or type(error) is sqlite3.DatabaseError:
        return StoreUnavailable(reason=str(error))
    return error

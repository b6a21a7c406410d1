"""The database: who may write it, and how a transaction runs."""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Generic, TypeVar

import structlog

from services.errors import StoreUnavailable
from services.store.boards import BoardRows
from services.store.codec import ReadRequest, request_from_json
from services.store.connection import Connection, connect
from services.store.followers import FollowerRows
from services.store.health import Health
from services.store.ledger import AnswerRows, AskedRows, DeliveryRows, LookupRows, ServedRows
from services.store.lock import Place, create, locked
from services.store.names import FactRows, NameRows
from services.store.notes import NoteRows
from services.store.opening import make_ready
from services.store.people import NotebookRows, PeopleRows
from services.store.sessions import SessionRows
from services.store.statements import Statements, load_migrations, load_queries
from services.store.tasks import TaskRows
from services.store.tokens import TokenRows
from services.store.words import WordRows

log = structlog.stdlib.get_logger(__name__)
T = TypeVar("T")
Connect = Callable[[Path], Awaitable[Connection]]
_GONE = (sqlite3.DatabaseError, ValueError)  # what a connection says that is closed; ValueError: aiosqlite's
_READERS = 2
_MOST_TOGETHER = 64  # writes that share one COMMIT: more would only make the first of them wait


class Tx:
    """One transaction: every table through its noun."""

    def __init__(self, statements: Statements, requests: ReadRequest) -> None:
        self._statements = statements
        self.answers = AnswerRows(statements)
        self.asked = AskedRows(statements)
        self.boards = BoardRows(statements)
        self.deliveries = DeliveryRows(statements)
        self.facts = FactRows(statements)
        self.followers = FollowerRows(statements, requests)
        self.lookups = LookupRows(statements)
        self.words = WordRows(statements)
        self.names = NameRows(statements, self.words)
        self.notebooks = NotebookRows(statements)
        self.notes = NoteRows(statements, self.words)
        self.people = PeopleRows(statements)
        self.served = ServedRows(statements)
        self.sessions = SessionRows(statements)
        self.tasks = TaskRows(statements, requests)
        self.tokens = TokenRows(statements)

    async def next_boot(self) -> int:
        row = await self._statements.one("next_boot")
        assert row is not None  # noqa: S101 - RETURNING gives the row
        return int(row["value"])


@dataclass(eq=False)
class _Job(Generic[T]):
    """A write that somebody waits for; *result* is kept back until COMMIT."""

    fn: Callable[[Tx], Awaitable[T]]
    done: asyncio.Future[T]
    result: T | None = None
    error: Exception | None = None

    async def run(self, statements: Statements, tx: Tx) -> None:
        """Do the write under a savepoint, so that its failure undoes nothing of the others."""
        await statements.run("SAVEPOINT job")
        try:
            self.result = await self.fn(tx)
        except Exception as error:  # noqa: BLE001 - handed, whole, to the one who asked
            self.error = error
            await self._undo(statements)
        except asyncio.CancelledError as error:  # of something that was cancelled before: nobody else's end
            self.error = StoreUnavailable(reason="interrupted")
            self.error.__cause__ = error
            await self._undo(statements)
        await statements.run("RELEASE job")

    async def _undo(self, statements: Statements) -> None:
        try:
            await statements.run("ROLLBACK TO job")
        except StoreUnavailable:
            if isinstance(self.error, StoreUnavailable):  # a full disk, which has undone the whole transaction
                raise self.error from None
            raise

    def settle(self, failure: Exception | None) -> None:
        """Tell the one who waits how it ended."""
        if self.done.done():
            return
        error = failure or self.error
        if error is None:
            self.done.set_result(self.result)  # type: ignore[arg-type] # without an error there is a result
        else:
            self.done.set_exception(error)
            self.done.exception()  # heard, even where its caller was cancelled


class Store:
    """One writer connection with a task of its own, a few readers beside it.

    A transaction's function runs in its connection's thread, from its first line to its last: it waits for its
    statements alone, and changes nothing that others look at.
    """

    def __init__(self, writer: Statements, readers: list[Statements], path: Path, place: Place | None) -> None:
        self._writer = writer
        self._place = place
        self._writing = Health(path, "writing")
        self._looking = Health(path, "reading")
        self._jobs: asyncio.Queue[_Job[Any] | None] = asyncio.Queue()
        self._readers: asyncio.Queue[tuple[Statements, Tx]] = asyncio.Queue()
        # A batch's request is long, and read again with each of its outcomes, and each second for the page, which has
        # 25 tasks: those of two such are in memory once. Of fewer than a page has each would push out the next.
        self._requests: ReadRequest = lru_cache(maxsize=64)(request_from_json)
        for reader in readers:
            self._readers.put_nowait((reader, Tx(reader, self._requests)))
        self._reading: set[asyncio.Task[Any]] = set()
        self._closed = False

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls, path: Path, *, opens: Connect = connect) -> AsyncIterator["Store"]:
        """Open the database at *path*, made or brought to this version where needed, for this process alone.

        Raises:
            DatabaseInUse: another process has it open.
            NewerSchema: a newer calibot made it.
            DatabaseDamaged: it was left open by a crash, and is not whole.
            StoreUnavailable: it cannot be read or written.
        """
        path = await asyncio.to_thread(path.resolve)  # the lock is the file's, by whatever name it is opened
        async with contextlib.AsyncExitStack() as stack:
            lock = locked(path)
            await asyncio.to_thread(lock.__enter__)
            stack.push(lock)
            await asyncio.to_thread(create, path)
            # A connection that is handed in runs in the loop's own thread: there is no other to look at the file in.
            place = await asyncio.to_thread(Place, path) if opens is connect else None
            queries, migrations = await asyncio.gather(
                asyncio.to_thread(load_queries), asyncio.to_thread(load_migrations)
            )

            async def opened(*pragmas: str) -> Statements:
                statements = Statements(await _opened(opens, path), queries)
                stack.push_async_callback(statements.close)
                await statements.drive(lambda: _set(statements, "busy_timeout = 5000", "foreign_keys = ON", *pragmas))
                return statements

            writer = await opened("journal_mode = WAL", "synchronous = FULL")
            await writer.drive(lambda: make_ready(writer, migrations, path))
            store = cls(writer, [await opened("query_only = ON") for _ in range(_READERS)], path, place)
            async with store._running():
                yield store

    @contextlib.asynccontextmanager
    async def _running(self) -> AsyncIterator[None]:
        writing = asyncio.create_task(self._write_all(), name="store writer")
        try:
            yield
        finally:
            self._closed = True
            self._jobs.put_nowait(None)
            await writing
            await asyncio.gather(*self._reading, return_exceptions=True)  # each has told its own caller
            with contextlib.suppress(StoreUnavailable, *_GONE):
                await self._writer.drive(lambda: self._writer.one("mark_closed"))

    async def write(self, fn: Callable[[Tx], Awaitable[T]]) -> T:
        """Run *fn* from BEGIN IMMEDIATE to COMMIT in the store's own task; a cancelled caller changes nothing of it.

        Others' writes may share the COMMIT, never the outcome.

        Raises:
            StoreUnavailable: nothing was changed.
            Exception: what *fn* raised; nothing was changed.
        """
        if self._closed:
            raise StoreUnavailable(reason="closed")
        job = _Job(fn, asyncio.get_running_loop().create_future())
        self._jobs.put_nowait(job)
        return await asyncio.shield(job.done)

    async def read(self, fn: Callable[[Tx], Awaitable[T]]) -> T:
        """Run *fn* on a consistent view of what is committed. Raises StoreUnavailable."""
        if self._closed:
            raise StoreUnavailable(reason="closed")
        task = asyncio.create_task(self._read(fn))
        self._reading.add(task)
        task.add_done_callback(self._was_read)
        return await asyncio.shield(task)

    def _was_read(self, task: asyncio.Task[Any]) -> None:
        self._reading.discard(task)
        if not task.cancelled():
            task.exception()  # heard, even where its caller was cancelled

    async def _read(self, fn: Callable[[Tx], Awaitable[T]]) -> T:
        reader, tx = await self._readers.get()
        try:
            found = await reader.drive(lambda: _viewed(reader, lambda: fn(tx)))
        except StoreUnavailable as error:
            self._looking.failed(str(error.parameters.get("reason")))
            raise
        else:
            self._looking.worked()
            return found
        finally:
            self._readers.put_nowait((reader, tx))

    async def _write_all(self) -> None:
        tx = Tx(self._writer, self._requests)
        while (job := await self._jobs.get()) is not None:
            jobs = [job]
            while len(jobs) < _MOST_TOGETHER and not self._jobs.empty():
                following = self._jobs.get_nowait()
                if following is None:
                    self._jobs.put_nowait(None)  # it is the last there will be: for the next turn
                    break
                jobs.append(following)
            await self._commit(jobs, tx)

    async def _commit(self, jobs: list[_Job[Any]], tx: Tx) -> None:
        failure: Exception | None = StoreUnavailable(reason="interrupted")
        proof = True
        try:
            proof = await self._writer.drive(lambda: self._transact(jobs, tx))
            failure = None
        except StoreUnavailable as error:
            failure = error
        except Exception as error:  # whatever it is: who waits hears of it, and the next one is served
            log.exception("store.bug")
            failure = StoreUnavailable(reason=type(error).__name__)
        finally:
            self._watch([failure, *(job.error for job in jobs)], proof=proof)
            for job in jobs:
                job.settle(failure)

    async def _transact(self, jobs: list[_Job[Any]], tx: Tx) -> bool:
        """Do *jobs* from BEGIN to COMMIT, or nothing; return whether the database is proved to take writes."""
        if self._place is not None:
            self._place.check()
        done = False
        try:
            await self._writer.run("BEGIN IMMEDIATE")
            before = await self._changes() if self._writing.in_trouble else None
            for job in jobs:
                await job.run(self._writer, tx)
            await self._writer.run("COMMIT")
            done = True
            # A full disk takes what changes nothing: that is no sign of better times.
            return before is None or await self._changes() > before
        finally:
            if not done:
                with contextlib.suppress(StoreUnavailable, *_GONE):  # there may be none left to leave
                    await self._writer.run("ROLLBACK")

    async def _changes(self) -> int:
        """Return how many rows the writer has changed since it was opened."""
        row = await self._writer.one("changes_so_far")
        assert row is not None  # noqa: S101 - a function's value is a row
        return int(row["changes"])

    def _watch(self, errors: list[Exception | None], *, proof: bool) -> None:
        """Tell the log what became of a transaction."""
        trouble = next((error for error in errors if isinstance(error, StoreUnavailable)), None)
        if trouble is not None:
            self._writing.failed(str(trouble.parameters.get("reason")))
        elif proof:
            self._writing.worked()


async def _set(statements: Statements, *pragmas: str) -> None:
    for pragma in pragmas:
        await statements.run(f"PRAGMA {pragma}")


async def _viewed(reader: Statements, look: Callable[[], Awaitable[T]]) -> T:
    """Return what *look* finds on one view of what is committed."""
    await reader.run("BEGIN")
    try:
        return await look()
    finally:
        with contextlib.suppress(StoreUnavailable):  # sqlite may have left it by itself, and says so
            await reader.run("ROLLBACK")


async def _opened(connect: Connect, path: Path) -> Connection:
    try:
        return await connect(path)
    except sqlite3.DatabaseError as error:
        raise StoreUnavailable(reason=str(error)) from error

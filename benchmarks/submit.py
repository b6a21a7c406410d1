"""From a request to its task's id, beside a bare commit of the same rows."""

import asyncio
import time
import uuid
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import aiosqlite

from benchmarks.figures import Figure, Section, Target
from benchmarks.rig import PERSON, hashes, never, rig
from benchmarks.scale import Scale
from benchmarks.timing import percentile, timed
from services.calibration.follower import NewFollower
from services.store.statements import Parameters, load_queries

_CAUSE = (
    "the rows are few; what costs is that the store asks before it writes (the request key, a message that is a card "
    "already, an equal request under way, what is known of the torrent), and a hop to SQLite's thread and back"
)


async def submit(scale: Scale) -> Section:
    section = Section("Submit")
    async with rig(never, max_workers=1) as rigged:
        queries = await asyncio.to_thread(load_queries)
        connection = await _connected(rigged.database.with_name("bare.db"), rigged.database)
        try:
            ours: list[float] = []
            bare: list[float] = []

            async def submitted(number: int) -> None:
                await rigged.manager.submit_task(
                    request=hashes(1),
                    notebook=rigged.notebook,
                    asked_by=PERSON,
                    cause="command",
                    follower=NewFollower(address="tg:1", reply_to=number),
                    request_key=f"tg:{number}",
                )

            async def committed(number: int) -> None:
                await _commit(connection, queries, number)

            for number in range(scale.rounds * scale.submits):
                for act, seconds in ((submitted, ours), (committed, bare)):
                    seconds.append(await timed(partial(act, number)))
        finally:
            await connection.close()
    section.figures += [
        Figure(
            what="submit → task_id, median",
            value=percentile(ours, 0.5),
            unit="s",
            beside="a bare commit of the same rows",
            other=percentile(bare, 0.5),
            target=Target(bound=2, of_ratio=True),
            cause=_CAUSE,
        ),
        Figure(
            what="submit → task_id, p99",
            value=percentile(ours, 0.99),
            unit="s",
            beside="a bare commit of the same rows",
            other=percentile(bare, 0.99),
            target=Target(bound=0.005, unit="s"),
            cause="one COMMIT in a hundred waits for the disk, which others use too: the bare commit's does as well",
        ),
    ]
    return section


async def _connected(path: Path, like: Path) -> aiosqlite.Connection:
    """Open a database of its own at *path*, with the tables of the one at *like* and the settings of a store."""
    async with aiosqlite.connect(like) as model, aiosqlite.connect(path) as copy:
        await model.backup(copy)
    connection = await aiosqlite.connect(path, isolation_level=None)
    for setting in ("journal_mode = WAL", "synchronous = FULL"):
        await connection.execute_fetchall(f"PRAGMA {setting}")
    return connection


async def _commit(connection: aiosqlite.Connection, queries: Mapping[str, str], number: int) -> None:
    """Write what a submitted task is, with the store's own statements, and nothing else."""
    task_id, (torrent, _) = str(uuid.uuid4()), hashes(1).torrents[0]
    now = time.time()
    rows: list[tuple[str, Parameters]] = [
        ("insert_asked", {"person": PERSON, "lookups": 1, "at": now}),
        (
            "insert_task",
            {
                "id": task_id,
                "notebook_id": 1,
                "asked_by": PERSON,
                "cause": "command",
                "request": "{}",
                "request_digest": task_id,
                "state": "pending",
                "attempt": 1,
                "created_at": now,
                "started_at": None,
                "completed_at": None,
            },
        ),
        (
            "insert_item",
            {
                "task_id": task_id,
                "position": 0,
                "v1": torrent.shown.hex,
                "v2": None,
                "hints": "{}",
                "state": "pending",
                "attempt": 1,
            },
        ),
        (
            "insert_follower",
            {
                "task_id": task_id,
                "notebook_id": 1,
                "asked_by": PERSON,
                "request": "{}",
                "address": "tg:1",
                "reply_to": number,
                "message_id": None,
                "language": "en",
                "alone": 3,
            },
        ),
        ("insert_answer", {"key": f"tg:{number}", "answer": task_id, "at": now}),
    ]
    await connection.execute_fetchall("BEGIN IMMEDIATE")
    for name, parameters in rows:
        await connection.execute_fetchall(queries[name], parameters)
    await connection.execute_fetchall("COMMIT")

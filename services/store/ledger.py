"""Rows that are kept for a time only: what was delivered, answers to request keys, and what lookups took."""

import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence

from services.calibration.ports import LookedUp, Served
from services.inbox import Delivery
from services.metrics import Ends, SourceTimes, Waits
from services.store import codec
from services.store.statements import Statements
from services.torrents import NotebookId, PersonId


class AnswerRows:
    """See `services.notebook.ports.Answers`."""

    def __init__(self, statements: Statements) -> None:
        self._run = statements

    async def get(self, key: str) -> str | None:
        row = await self._run.one("answer", key=key)
        return str(row["answer"]) if row else None

    async def put(self, key: str, answer: str, at: float) -> None:
        await self._run.one("insert_answer", key=key, answer=answer, at=at)

    async def forget(self, before: float) -> None:
        await self._run.one("forget_answers", before=before)


class DeliveryRows:
    """See `services.inbox.Deliveries`."""

    def __init__(self, statements: Statements) -> None:
        self._run = statements

    async def add(self, source: str, deliveries: Iterable[Delivery], at: float) -> Collection[int]:
        pairs = codec.dump([(one.number, one.content) for one in deliveries])
        rows = await self._run.all("add_deliveries", source=source, deliveries=pairs, at=at)
        return {row["number"] for row in rows}

    async def unfinished(self, source: str) -> Sequence[Delivery]:
        rows = await self._run.all("unfinished_deliveries", source=source)
        return [Delivery(row["number"], row["content"], row["told"]) for row in rows]

    async def finish(self, source: str, numbers: Collection[int]) -> None:
        await self._run.one("finish_deliveries", source=source, numbers=codec.dump(list(numbers)))

    async def tell(self, source: str, told: Mapping[int, int]) -> None:
        await self._run.many(
            "answers_told",
            [{"source": source, "number": number, "told": count} for number, count in told.items()],
        )

    async def forget(self, before: float) -> None:
        await self._run.one("forget_deliveries", before=before)


class LookupRows:
    """See `services.calibration.ports.Lookups`, and `services.metrics.LookupFigures`."""

    def __init__(self, statements: Statements) -> None:
        self._run = statements

    async def add(self, rows: Sequence[LookedUp], at: float) -> None:
        await self._run.many(
            "insert_lookup",
            [
                {
                    "v1": codec.hex_of(row.torrent.v1),
                    "v2": codec.hex_of(row.torrent.v2),
                    **_measured(row, at),
                }
                for row in rows
            ],
        )

    async def forget(self, before: float) -> None:
        await self._run.one("forget_lookups", before=before)

    async def waits(self, since: float) -> Waits:
        return _waits(await self._run.all("lookup_waits", since=since))

    async def by_source(self, since: float) -> Sequence[SourceTimes]:
        return _by_source(await self._run.all("lookups_by_source", since=since))

    async def outcomes(self, since: float) -> Mapping[str, int]:
        return _outcomes(await self._run.all("lookup_outcomes", since=since))

    async def by_day(self, since: float) -> Mapping[int, Ends]:
        return _by_day(await self._run.all("lookups_by_day", since=since))


def _measured(row: LookedUp | Served, at: float) -> Mapping[str, str | float | None]:
    return {"source": row.source, "waited": row.waited, "took": row.took, "outcome": row.outcome, "at": at}


class ServedRows:
    """See `services.calibration.ports.ServedNotebooks`, and `services.metrics.ServedFigures`."""

    def __init__(self, statements: Statements) -> None:
        self._run = statements

    async def add(self, rows: Sequence[Served], at: float) -> None:
        await self._run.many(
            "insert_notebook_lookup",
            [{"notebook_id": row.notebook, **_measured(row, at)} for row in rows],
        )

    async def forget(self, before: float) -> None:
        await self._run.one("forget_notebook_lookups", before=before)

    def of(self, notebooks: Collection[NotebookId]) -> "LookupsOfNotebooks":
        return LookupsOfNotebooks(self._run, notebooks)


class LookupsOfNotebooks:
    """See `services.metrics.LookupFigures`."""

    def __init__(self, statements: Statements, notebooks: Collection[NotebookId]) -> None:
        self._run = statements
        self._notebooks = codec.dump(sorted(set(notebooks)))

    async def waits(self, since: float) -> Waits:
        return _waits(await self._run.all("notebook_lookup_waits", notebooks=self._notebooks, since=since))

    async def by_source(self, since: float) -> Sequence[SourceTimes]:
        return _by_source(await self._run.all("notebook_lookups_by_source", notebooks=self._notebooks, since=since))

    async def outcomes(self, since: float) -> Mapping[str, int]:
        return _outcomes(await self._run.all("notebook_lookup_outcomes", notebooks=self._notebooks, since=since))

    async def by_day(self, since: float) -> Mapping[int, Ends]:
        return _by_day(await self._run.all("notebook_lookups_by_day", notebooks=self._notebooks, since=since))


def _waits(rows: Sequence[sqlite3.Row]) -> Waits:
    row = rows[0]  # an aggregate gives one
    return Waits(lookups=row["many"], average=row["average"], p95=row["p95"])


def _by_source(rows: Sequence[sqlite3.Row]) -> Sequence[SourceTimes]:
    return [SourceTimes(source=row["source"], found=row["many"], p50=row["p50"], p95=row["p95"]) for row in rows]


def _outcomes(rows: Sequence[sqlite3.Row]) -> Mapping[str, int]:
    return {row["outcome"]: int(row["many"]) for row in rows}


def _by_day(rows: Sequence[sqlite3.Row]) -> Mapping[int, Ends]:
    return {row["day"]: Ends(found=row["found"], missed=row["missed"]) for row in rows}


class AskedRows:
    """See `services.calibration.ports.Asked`."""

    def __init__(self, statements: Statements) -> None:
        self._run = statements

    async def add(self, person: PersonId, lookups: int, at: float) -> None:
        await self._run.one("insert_asked", person=person, lookups=lookups, at=at)

    async def since(self, person: PersonId, since: float) -> Sequence[tuple[float, int]]:
        return [(row["at"], row["lookups"]) for row in await self._run.all("asked", person=person, since=since)]

    async def forget(self, before: float) -> None:
        await self._run.one("forget_asked", before=before)

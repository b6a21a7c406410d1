"""Rows of people, and of the doors to notebooks."""

from collections.abc import Sequence

from services.store.statements import Statements
from services.torrents import NotebookId, PersonId


class NotebookRows:
    """See `services.notebook.ports.Notebooks`."""

    def __init__(self, statements: Statements) -> None:
        self._run = statements

    async def behind(self, door: str) -> NotebookId | None:
        row = await self._run.one("door", door=door)
        return NotebookId(row["notebook_id"]) if row else None

    async def open(self, door: str, at: float) -> NotebookId:
        known = await self.behind(door)
        if known is not None:
            return known
        row = await self._run.one("insert_notebook", at=at)
        assert row is not None  # noqa: S101 - RETURNING gives the row
        notebook = NotebookId(row["id"])
        await self._run.one("insert_door", door=door, notebook_id=notebook)
        return notebook


class PeopleRows:
    """See `services.notebook.ports.People`."""

    def __init__(self, statements: Statements) -> None:
        self._run = statements

    async def owners(self) -> Sequence[PersonId]:
        return [PersonId(row["person"]) for row in await self._run.all("owners")]

    async def add_owner(self, person: PersonId, at: float) -> None:
        await self._run.one("add_owner", person=person, at=at)

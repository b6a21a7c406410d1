"""Rows of people, and of the doors to notebooks."""

from collections.abc import Mapping, Sequence

from services.access import LetIn, Role
from services.notebook.words import notebook_word
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

    async def languages(self) -> Mapping[str, str]:
        return {row["door"]: row["language"] for row in await self._run.all("languages")}

    async def speak(self, door: str, language: str | None) -> None:
        await self._run.one("speak", door=door, language=language)

    async def move(self, door: str, became: str) -> bool:
        return await self._run.one("move_door", door=door, became=became) is not None

    async def doors_of(self, notebook: NotebookId) -> Sequence[str]:
        return [row["door"] for row in await self._run.all("doors_of", notebook_id=notebook)]

    async def join(self, notebook: NotebookId, into: NotebookId) -> None:
        await self._run.one("join_words", old=notebook, word=notebook_word(into))
        await self._run.one("join_chosen_names", old=notebook, new=into)
        await self._run.one("forget_chosen_names_of", old=notebook)
        await self._run.one("join_replaced_claims", old=notebook, new=into)
        await self._run.one("forget_replaced_claims_of", old=notebook)
        await self._run.one("join_notes", old=notebook, new=into)
        await self._run.one("join_note_hashes", old=notebook, new=into)
        await self._run.one("join_tasks", old=notebook, new=into)
        await self._run.one("join_followers", old=notebook, new=into)
        await self._run.one("join_lookups", old=notebook, new=into)
        await self._run.one("join_doors", old=notebook, new=into)
        await self._run.one("forget_notebook", old=notebook)


class PeopleRows:
    """See `services.notebook.ports.People`."""

    def __init__(self, statements: Statements) -> None:
        self._run = statements

    async def everybody(self) -> Sequence[LetIn]:
        return [
            LetIn(
                who=row["who"],
                role=Role(row["role"]),
                added_at=row["added_at"],
                added_by=PersonId(row["added_by"]) if row["added_by"] else None,
            )
            for row in await self._run.all("let_in")
        ]

    async def put(self, one: LetIn) -> None:
        if one.role is Role.CHAT:
            await self._run.one("put_allowed_chat", door=one.who, at=one.added_at, by=one.added_by)
        else:
            await self._run.one("put_person", person=one.who, role=one.role, at=one.added_at, by=one.added_by)

    async def remove(self, who: str) -> None:
        await self._run.one("remove_person", person=who)
        await self._run.one("remove_allowed_chat", door=who)

    async def moved(self) -> Mapping[str, str]:
        return {row["door"]: row["became"] for row in await self._run.all("moved")}

    async def move(self, door: str, became: str, at: float) -> None:
        await self._run.one("insert_moved", door=door, became=became, at=at)

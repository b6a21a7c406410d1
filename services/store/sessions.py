"""Rows of login links and sessions."""

import sqlite3

from services.notebook.sessions import Pass
from services.store.statements import Statements
from services.torrents import PersonId


class SessionRows:
    """See `services.notebook.sessions.SessionTable`."""

    def __init__(self, statements: Statements) -> None:
        self._run = statements

    async def add_link(self, link: Pass, digest: bytes, most: int) -> None:
        await self._run.one("add_link", digest=digest, person=link.person, good_until=link.good_until)
        await self._run.one("forget_older_links", person=link.person, most=most)

    async def link(self, digest: bytes) -> Pass | None:
        return _pass(await self._run.one("link", digest=digest))

    async def use_up(self, digest: bytes) -> None:
        await self._run.one("use_up_link", digest=digest)

    async def put(self, session: Pass, digest: bytes) -> None:
        await self._run.one("put_session", digest=digest, person=session.person, good_until=session.good_until)

    async def get(self, digest: bytes) -> Pass | None:
        return _pass(await self._run.one("session", digest=digest))

    async def remove(self, digest: bytes) -> None:
        await self._run.one("remove_session", digest=digest)

    async def remove_all(self, person: PersonId) -> int:
        await self._run.one("remove_links_of", person=person)
        return len(await self._run.all("remove_sessions_of", person=person))

    async def forget(self, before: float) -> None:
        await self._run.one("forget_links", before=before)
        await self._run.one("forget_sessions", before=before)


def _pass(row: sqlite3.Row | None) -> Pass | None:
    return None if row is None else Pass(person=PersonId(row["person"]), good_until=row["good_until"])

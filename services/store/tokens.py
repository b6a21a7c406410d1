"""Rows of the tokens by which people's programs are known."""

import sqlite3
from collections.abc import Sequence

from services.notebook.tokens import Token
from services.store.statements import Statements
from services.torrents import PersonId


class TokenRows:
    """See `services.notebook.tokens.TokenTable`."""

    def __init__(self, statements: Statements) -> None:
        self._run = statements

    async def put(self, token: Token, digest: bytes) -> None:
        await self._run.one("put_token", person=token.person, name=token.name, digest=digest, at=token.created_at)

    async def with_digest(self, digest: bytes) -> Token | None:
        row = await self._run.one("token_with", digest=digest)
        return _token(row) if row else None

    async def of(self, person: PersonId) -> Sequence[Token]:
        return [_token(row) for row in await self._run.all("tokens_of", person=person)]

    async def used(self, digest: bytes, at: float) -> None:
        await self._run.one("token_used", digest=digest, at=at)

    async def remove(self, person: PersonId, name: str) -> None:
        await self._run.one("remove_token", person=person, name=name)


def _token(row: sqlite3.Row) -> Token:
    return Token(person=PersonId(row["person"]), name=row["name"], created_at=row["created_at"], used_at=row["used_at"])

"""The tokens by which people's programs are known: shown once, and stored as what cannot be turned back into them."""

import contextlib
import hashlib
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import structlog

from services.clock import Clock
from services.errors import StoreUnavailable, TokenNameTaken, TokenNameUnfit, TokenNotFound, TooManyTokens
from services.notebook.once import once
from services.notebook.ports import NotebookTx
from services.torrents import PersonId

log = structlog.stdlib.get_logger(__name__)
T = TypeVar("T")
_MOST = 20
_LONGEST_NAME = 40
_PREFIX = "calibot_"  # by which people, and those who look for leaked secrets, know what it is
_BYTES = 32
_USED_EVERY = 3600.0  # seconds: how exactly the last use is known, so that a request is no write


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What is told of a token. Times are seconds since 1970; *used_at* to the hour."""

    person: PersonId
    name: str
    created_at: float
    used_at: float | None = None


class TokenTable(Protocol):
    """The tokens, as the store has them: each with the SHA-256 of what was shown."""

    async def put(self, token: Token, digest: bytes) -> None:
        """Store it; of a person and name that are there, only the *digest* is replaced."""

    async def with_digest(self, digest: bytes) -> Token | None: ...
    async def of(self, person: PersonId) -> Sequence[Token]:
        """Return the person's tokens, oldest first."""

    async def used(self, digest: bytes, at: float) -> None: ...
    async def remove(self, person: PersonId, name: str) -> None: ...


class TokenTx(NotebookTx, Protocol):
    """One transaction, as tokens see it."""

    @property
    def tokens(self) -> TokenTable: ...


class TokenStore(Protocol):
    """Where their transactions run; see `services.notebook.ports.NotebookStore`."""

    async def write(self, fn: Callable[[TokenTx], Awaitable[T]]) -> T: ...
    async def read(self, fn: Callable[[TokenTx], Awaitable[T]]) -> T: ...


class Tokens:
    """Gives tokens, knows whose they are, and takes them back."""

    def __init__(self, store: TokenStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def give(self, person: PersonId, name: str, *, request_key: str | None = None) -> str:
        """Return a new token of *person*, which nobody can be told again.

        The same request again gives another in its place: the answer with the first may be lost.

        Raises:
            TokenNameUnfit: the name is empty, too long, or has more than one line.
            TokenNameTaken: this person has one of that name.
            TooManyTokens: this person has as many as one may have.
        """
        if not name or len(name) > _LONGEST_NAME or not name.isprintable():
            raise TokenNameUnfit(most=_LONGEST_NAME)
        secret = _PREFIX + secrets.token_urlsafe(_BYTES)
        token = Token(person=person, name=name, created_at=self._clock.now())

        async def give(tx: TokenTx) -> None:
            async def judge() -> str:
                there = await tx.tokens.of(person)
                if any(one.name == name for one in there):
                    raise TokenNameTaken
                if len(there) >= _MOST:
                    raise TooManyTokens(most=_MOST)
                return name

            await once(tx, request_key, token.created_at, judge)
            await tx.tokens.put(token, _digest(secret))

        await self._store.write(give)
        log.info("token.given", person=person)
        return secret

    async def whose(self, secret: str) -> PersonId | None:
        """Return whose token it is; None where it is nobody's (any more)."""
        digest = _digest(secret)
        token = await self._store.read(lambda tx: tx.tokens.with_digest(digest))
        if token is None:
            return None
        now = self._clock.now()
        if token.used_at is None or token.used_at + _USED_EVERY < now:
            with contextlib.suppress(StoreUnavailable):  # who asks may only want to read; the store says so itself
                await self._store.write(lambda tx: tx.tokens.used(digest, now))
        return token.person

    async def of(self, person: PersonId) -> Sequence[Token]:
        """Return the person's tokens, oldest first."""
        return await self._store.read(lambda tx: tx.tokens.of(person))

    async def take_back(self, person: PersonId, name: str, *, request_key: str | None = None) -> None:
        """Let the person's token of this name open nothing any more.

        Raises:
            TokenNotFound: there is none.
        """

        async def take_back(tx: TokenTx) -> None:
            async def act() -> str:
                if all(one.name != name for one in await tx.tokens.of(person)):
                    raise TokenNotFound
                await tx.tokens.remove(person, name)
                return name

            await once(tx, request_key, self._clock.now(), act)

        await self._store.write(take_back)
        log.info("token.taken_back", person=person)


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode(errors="replace")).digest()  # 256 random bits: no slow hash is needed

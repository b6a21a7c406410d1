"""Who is at a browser: let in by a link that is good once, and known for a month after the last visit."""

import hashlib
import hmac
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

import structlog

from services.clock import Clock
from services.errors import LinkUsedUp, StoreUnavailable
from services.notebook.ports import NotebookTx
from services.torrents import PersonId

log = structlog.stdlib.get_logger(__name__)
T = TypeVar("T")
LINK_SECONDS = 300.0
SESSION_SECONDS = 30 * 86400.0
_RENEWED_EVERY = 86400.0  # seconds: how exactly the last visit is known, so that a request is no write
_MOST_LINKS = 5  # of a person, that are good at once
_BYTES = 32
_AGAIN_SECONDS = 60.0  # that a press on a link's page may be sent again in, at least; at most twice that


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """What lets *person* in until *good_until* (seconds since 1970)."""

    person: PersonId
    good_until: float


class SessionTable(Protocol):
    """Links and sessions, as the store has them: each with the SHA-256 of its secret."""

    async def add_link(self, link: Pass, digest: bytes, most: int) -> None:
        """Store it; of the person's links the *most* newest stay."""

    async def link(self, digest: bytes) -> Pass | None: ...
    async def use_up(self, digest: bytes) -> None: ...
    async def put(self, session: Pass, digest: bytes) -> None:
        """Store it, or until when it is good from now on."""

    async def get(self, digest: bytes) -> Pass | None: ...
    async def remove(self, digest: bytes) -> None: ...
    async def remove_all(self, person: PersonId) -> int:
        """Forget the person's sessions and links; return how many sessions that were."""

    async def forget(self, before: float) -> None:
        """Delete what was good no longer than until *before*."""


class SessionTx(NotebookTx, Protocol):
    """One transaction, as sessions see it."""

    @property
    def sessions(self) -> SessionTable: ...


class SessionStore(Protocol):
    """Where their transactions run; see `services.notebook.ports.NotebookStore`."""

    async def write(self, fn: Callable[[SessionTx], Awaitable[T]]) -> T: ...
    async def read(self, fn: Callable[[SessionTx], Awaitable[T]]) -> T: ...


class Sessions:
    """Gives links, opens a session with each once, and knows whose a session is."""

    def __init__(self, store: SessionStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._key = secrets.token_bytes(_BYTES)

    async def link(self, person: PersonId) -> str:
        """Return the secret of a link that lets *person* in, once, within five minutes."""
        secret = secrets.token_urlsafe(_BYTES)
        link = Pass(person=person, good_until=self._clock.now() + LINK_SECONDS)

        async def add(tx: SessionTx) -> None:
            await tx.sessions.forget(self._clock.now())
            await tx.sessions.add_link(link, _digest(secret), _MOST_LINKS)

        await self._store.write(add)
        return secret

    async def whose_link(self, secret: str) -> PersonId:
        """Return whom a link would let in. Raises LinkUsedUp."""
        return (await self._store.read(lambda tx: self._good_link(tx, _digest(secret)))).person

    async def open(self, secret: str, press: str = "") -> str:
        """Use a link up, and return the secret of the session that it opens.

        Where the same *press*, a secret of the page that the link has shown, is sent again within a minute, that is the
        same session: a browser that sends it twice drops the first answer.

        Raises:
            LinkUsedUp: it was used, or is too old, or never was; or what it opened was closed since.
        """
        now = int(self._clock.now() // _AGAIN_SECONDS)
        opened = [self._opened_by(secret, press, when) for when in (now, now - 1)] if press else []
        fresh = opened[0] if opened else secrets.token_urlsafe(_BYTES)

        async def use(tx: SessionTx) -> tuple[str, PersonId | None]:
            for one in opened:
                if await tx.sessions.get(_digest(one)) is not None:
                    return one, None
            person = (await self._good_link(tx, _digest(secret))).person
            await tx.sessions.use_up(_digest(secret))
            await tx.sessions.put(self._session(person), _digest(fresh))
            return fresh, person

        session, person = await self._store.write(use)
        if person is not None:
            log.info("session.opened", person=person)
        return session

    def _opened_by(self, secret: str, press: str, when: int) -> str:
        """Return the session's secret: made with a key, so that who knows the rest can do nothing but send it again."""
        return hmac.digest(self._key, f"{secret} {press} {when}".encode(errors="replace"), "sha256").hex()

    async def whose(self, secret: str) -> PersonId | None:
        """Return whose session it is; None where it is nobody's (any more)."""
        session = await self._store.read(lambda tx: tx.sessions.get(_digest(secret)))
        return None if session is None or session.good_until <= self._clock.now() else session.person

    async def visited(self, secret: str) -> bool:
        """Let the session be good for a month from now on; return whether it was a day since it last was made so."""
        session = await self._store.read(lambda tx: tx.sessions.get(_digest(secret)))
        if session is None or not self._is_due(session):
            return False
        try:
            return await self._store.write(lambda tx: self._renew(tx, secret))
        except StoreUnavailable:  # who asks may only want to read; the store says so itself
            return False

    async def close(self, secret: str) -> None:
        """Let this session open nothing any more."""
        await self._store.write(lambda tx: tx.sessions.remove(_digest(secret)))

    async def close_all(self, person: PersonId) -> int:
        """Let none of the person's sessions and links open anything any more; return how many sessions that were."""

        async def close(tx: SessionTx) -> int:
            await tx.sessions.forget(self._clock.now())  # who was gone by then is not logged out
            return await tx.sessions.remove_all(person)

        closed = await self._store.write(close)
        if closed:
            log.info("session.all_closed", person=person)
        return closed

    async def _good_link(self, tx: SessionTx, digest: bytes) -> Pass:
        link = await tx.sessions.link(digest)
        if link is None or link.good_until <= self._clock.now():
            raise LinkUsedUp
        return link

    async def _renew(self, tx: SessionTx, secret: str) -> bool:
        session = await tx.sessions.get(_digest(secret))
        if session is None or not self._is_due(session):  # it may have been closed meanwhile
            return False
        await tx.sessions.put(self._session(session.person), _digest(secret))
        return True

    def _is_due(self, session: Pass) -> bool:
        now = self._clock.now()
        return now < session.good_until < now + SESSION_SECONDS - _RENEWED_EVERY

    def _session(self, person: PersonId) -> Pass:
        return Pass(person=person, good_until=self._clock.now() + SESSION_SECONDS)


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode(errors="replace")).digest()  # 256 random bits: no slow hash is needed

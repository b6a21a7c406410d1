"""The people who are let in, and how the first of them becomes the owner."""

import hmac
import secrets
from typing import Self

import structlog

from services.access import Access
from services.clock import Clock
from services.errors import StoreUnavailable
from services.notebook.ports import NotebookStore
from services.torrents import PersonId

log = structlog.stdlib.get_logger(__name__)
_TRIES = 5


class People:
    """Knows who is let in: those of the settings, and the owners that the store remembers."""

    def __init__(self, store: NotebookStore, access: Access, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._code = secrets.token_hex(8)
        self._tries = _TRIES
        self.access = access

    async def load(self) -> Self:
        """Let in the owners that are stored."""
        owners = await self._store.read(lambda tx: tx.people.owners())
        self.access = self.access.with_owners(*owners)
        return self

    @property
    def start_code(self) -> str | None:
        """The code, new at each start, that makes the first owner; None where there is one or the tries are used up."""
        return self._code if self._tries and not self.access.owners else None

    @property
    def code_used_up(self) -> bool:
        """Whether there is no owner, and nobody can become the first before the next start."""
        return not self._tries and not self.access.owners

    async def claim(self, person: PersonId, code: str) -> bool:
        """Make *person* the first owner if *code* is right; a wrong one uses up one of five tries."""
        if self.start_code is None:
            return False
        self._tries -= 1
        if not hmac.compare_digest(code.encode(errors="replace"), self._code.encode()):
            if not self._tries:
                log.warning("owner.code_used_up", remedy="somebody tried five wrong codes: start the bot again")
            return False
        left, self._tries = self._tries, 0  # it works once: nobody else can use it while this is written
        try:
            await self._store.write(lambda tx: tx.people.add_owner(person, self._clock.now()))
        except StoreUnavailable:
            self._tries = left
            raise
        self.access = self.access.with_owners(person)
        return True

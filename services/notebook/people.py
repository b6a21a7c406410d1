"""The people who are let in: how the first of them becomes the owner, and whom an owner lets in from a chat."""

import hmac
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import chain
from typing import Self

import structlog

from services.access import Access, LetIn, Role
from services.clock import Clock
from services.errors import InTheSettings, LastOwner, OwnersOnly
from services.notebook.local import unite
from services.notebook.once import once
from services.notebook.ports import NotebookStore, NotebookTx
from services.torrents import PersonId

log = structlog.stdlib.get_logger(__name__)
_TRIES = 5


class Outcome(StrEnum):
    """What came of letting somebody in, or of taking that back."""

    CHANGED = "changed"
    AS_BEFORE = "as_before"


@dataclass(frozen=True, slots=True)
class Stored:
    """What the store remembers: who was let in, and what chats have become."""

    added: Sequence[LetIn]
    moved: Mapping[str, str]


class People:
    """Knows who is let in: those of the settings, and those that the store remembers."""

    def __init__(self, store: NotebookStore, access: Access, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._code = secrets.token_hex(8)
        self._tries = _TRIES
        self._redeemed = False
        self._settings = access
        self._added: tuple[LetIn, ...] = ()
        self.access = access

    async def load(self) -> Self:
        """Let in those that are stored."""
        self.know(await self._store.read(self.stored))
        return self

    async def share_local(self, named: Sequence[PersonId]) -> None:
        """Let this machine's page and the first owner open one notebook: the first *named*, else the first stored."""
        stored = (PersonId(one.who) for one in self._added if one.role is Role.OWNER)
        first = next(chain(named, stored), None)
        if first is not None and await self._store.write(lambda tx: unite(tx, first)):
            log.info("notebook.shared", owner=first)

    async def stored(self, tx: NotebookTx) -> Stored:
        """Return what is stored, which `know` is to be told once that is committed."""
        return Stored(await tx.people.everybody(), await tx.people.moved())

    def know(self, stored: Stored) -> None:
        """Judge by what is *stored* from now on."""
        self._added = tuple(stored.added)
        self.access = self._settings.after(stored.moved).joined(stored.added)

    @property
    def start_code(self) -> str | None:
        """The code, new at each start, that makes the first owner; None where it was sent or the tries are used up."""
        return self._code if self._tries and not self._redeemed and not self.access.owners else None

    @property
    def code_used_up(self) -> bool:
        """Whether there is no owner, and nobody can become the first before the next start."""
        return not self._tries and not self.access.owners

    async def claim(self, person: PersonId, code: str) -> bool:
        """Make *person* the first owner if *code* is right; a wrong one uses up one of five tries."""
        if self.start_code is None:
            return False
        if not hmac.compare_digest(code.encode(errors="replace"), self._code.encode()):
            self._tries -= 1
            if not self._tries:
                log.warning("owner.code_used_up", remedy="somebody tried five wrong codes: start the bot again")
            return False
        self._redeemed = True  # it works once: nobody else can use it while this is written
        owner = LetIn(who=person, role=Role.OWNER, added_at=self._clock.now())

        async def write(tx: NotebookTx) -> Stored:
            await tx.people.put(owner)
            await unite(tx, person)
            return await self.stored(tx)

        try:
            self.know(await self._store.write(write))
        finally:
            self._redeemed = bool(self.access.owners)  # whatever kept it from that, the code stays good
        return True

    def check_owner(self, person: PersonId) -> None:
        """Raise OwnersOnly unless *person* is an owner."""
        if person not in self.access.owners:
            raise OwnersOnly

    def everybody(self, *, asked_by: PersonId) -> Sequence[LetIn]:
        """Return all who are let in, those of the settings first. Raises OwnersOnly."""
        self.check_owner(asked_by)
        listed = [one for one in self._settings.listed() if one.who not in self.access.moved]
        known = {(one.who, one.role) for one in listed}
        return (*listed, *(one for one in self._added if (one.who, one.role) not in known))

    async def allow(self, who: str, role: Role, *, asked_by: PersonId, request_key: str | None = None) -> Outcome:
        """Let *who* in as *role*, at once and over restarts; whoever is let in already stays as they are.

        Raises:
            OwnersOnly: *asked_by* is none.
            StoreUnavailable: nothing was changed.
        """
        self.check_owner(asked_by)
        who = self.access.now(who)

        async def allow(tx: NotebookTx) -> str:
            if self._settings.lets_in(who) or any(one.who == who for one in await tx.people.everybody()):
                return Outcome.AS_BEFORE
            await tx.people.put(LetIn(who=who, role=role, added_at=self._clock.now(), added_by=asked_by))
            return Outcome.CHANGED

        return await self._once(request_key, allow)

    async def deny(self, who: str, *, asked_by: PersonId, request_key: str | None = None) -> Outcome:
        """Let *who* in no longer.

        Raises:
            OwnersOnly: *asked_by* is none.
            InTheSettings: *who* is let in there.
            LastOwner: without *who* there is no owner.
            StoreUnavailable: nothing was changed.
        """
        self.check_owner(asked_by)
        who = self.access.now(who)

        async def deny(tx: NotebookTx) -> str:
            if self._settings.lets_in(who):
                raise InTheSettings
            added = await tx.people.everybody()
            if self._settings.joined(added).owners == {who}:
                raise LastOwner
            if all(one.who != who for one in added):
                return Outcome.AS_BEFORE
            await tx.people.remove(who)
            return Outcome.CHANGED

        return await self._once(request_key, deny)

    async def _once(self, key: str | None, act: Callable[[NotebookTx], Awaitable[str]]) -> Outcome:
        async def write(tx: NotebookTx) -> tuple[str, Stored]:
            return await once(tx, key, self._clock.now(), lambda: act(tx)), await self.stored(tx)

        outcome, stored = await self._store.write(write)
        self.know(stored)
        return Outcome(outcome)

    async def lets_in(self, tx: NotebookTx, who: str) -> bool:
        """Whether *who* is let in, by the settings or by what is stored."""
        return self._settings.lets_in(who) or any(one.who == who for one in await tx.people.everybody())

    async def move(self, tx: NotebookTx, old: str, new: str) -> bool:
        """Let the chat *old* be *new* from now on, let in as it was.

        Whoever let it in has let in the new one; for the settings, the chat itself says so. Returns whether that was so
        and they do not know the new one.
        """
        now = self._clock.now()
        before = next((one for one in await tx.people.everybody() if one.who == old), None)
        by_settings = self._settings.lets_in(old) and not self._settings.lets_in(new)
        if before is None and by_settings:
            before = LetIn(who=old, role=Role.CHAT, added_at=now, added_by=PersonId(old))
        if before is not None and not await self.lets_in(tx, new):
            await tx.people.put(replace(before, who=new))
        await tx.people.remove(old)
        await tx.people.move(old, new, now)
        return by_settings

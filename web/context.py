"""Who asks, and what they may open."""

import contextlib
import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Annotated, TypeVar

from fastapi import Depends, Header, Request

from services.errors import MembershipUnknown, NoteNotFound
from services.torrents import NotebookId, NoteId, PersonId, TaskId
from web.entry import let_in
from web.given import Services, services_of
from web.refusals import NotebookNotFound
from web.turns import Turns

T = TypeVar("T")
_MOST_KEY = 200


@dataclass(frozen=True, slots=True)
class Shared:
    """The *notebooks* that somebody shares with others now; *all_known*: of no other it could not be found out."""

    notebooks: Sequence[NotebookId]
    all_known: bool

    def insist(self) -> None:
        """Let on who has to know of all: what is in none of these may be in another. Raises MembershipUnknown."""
        if not self.all_known:
            raise MembershipUnknown


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, the notebook that is their own, and the key under which it is done once."""

    person: PersonId
    notebook: NotebookId
    request_key: str | None
    services: Services
    turns: Turns

    def turn(self) -> AbstractAsyncContextManager[None]:
        """Wait until nothing else is made for them that costs much."""
        return self.turns.of(self.person)

    async def shared(self) -> Shared:
        """Return the notebooks that they share with others now."""
        others = await self.services.doors.others(self.person)
        return Shared([await self.services.notebook.behind(door) for door in others.doors], others.all_known)

    async def titles(self) -> Mapping[NotebookId, str]:
        """Return the titles of the notebooks that they share with others now."""
        doors, behind = self.services.doors, self.services.notebook.behind
        titles = {await behind(door): await doors.title(door) for door in (await doors.others(self.person)).doors}
        titles.pop(self.notebook, None)
        return titles

    async def opened(self, number: int | None) -> NotebookId:
        """Return the notebook of this *number*, if it is open to them now; where none is given, their own.

        Raises:
            NotebookNotFound: it is not, or there is none.
            MembershipUnknown: it cannot be found out now whether it is.
        """
        if number is None or number == self.notebook:
            return self.notebook
        shared = await self.shared()
        for notebook in shared.notebooks:
            if notebook == number:
                return notebook
        shared.insist()
        raise NotebookNotFound

    async def where_it_is(self, act: Callable[[NotebookId], Awaitable[T]]) -> T:
        """Return what *act* does in the notebook of theirs where it finds its note; others are asked after their own.

        Raises:
            NoteNotFound: *act* does so in each of them.
            MembershipUnknown: it is in none that is known to be open to them, and of another that is not known now.
        """
        try:
            return await act(self.notebook)
        except NoteNotFound:
            shared = await self.shared()
            for notebook in shared.notebooks:
                with contextlib.suppress(NoteNotFound):
                    return await act(notebook)
            shared.insist()
            raise

    async def notebook_with(self, note_ids: Sequence[NoteId]) -> NotebookId:
        """Return the notebook of theirs in which all these notes are; others are asked only where it is not their own.

        Raises:
            NoteNotFound: one of them is not where the first is, or in none.
            MembershipUnknown: it cannot be found out now whether it is.
        """
        notebooks = self.services.notebook
        try:
            return await notebooks.among([self.notebook], note_ids)
        except NoteNotFound:
            shared = await self.shared()
            try:
                return await notebooks.among([self.notebook, *shared.notebooks], note_ids)
            except NoteNotFound:
                shared.insist()
                raise

    async def done_before(self) -> TaskId | None:
        """Return the task that the same request was answered with, whatever would be answered to it now."""
        if self.request_key is None:
            return None
        return await self.services.manager.submitted(self.request_key)

    @property
    def may_any(self) -> bool:
        """Whether they may cancel and retry what others asked for."""
        return self.services.people.access.may_any(self.person, administrator=False)


async def asker(
    request: Request,
    idempotency_key: Annotated[str | None, Header(min_length=1, max_length=_MOST_KEY)] = None,
) -> Asker:
    """Return who asks. Raises TokenNeeded, NotLetIn, FromAnotherSite; see `web.entry`."""
    services = services_of(request)
    person, notebook = await let_in(request)
    key = None
    if idempotency_key is not None:
        # The same key with something else in it is another request: what it asks for is not to be lost.
        asked = hashlib.sha256(await request.body()).hexdigest()
        key = f"http:{person}:{request.method}:{request.url.path}:{asked}:{idempotency_key}"
    return Asker(person, notebook, key, services, request.app.state.turns)


WhoAsks = Annotated[Asker, Depends(asker)]

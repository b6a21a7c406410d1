"""What every route is handed: the services by name, and who asks."""

import contextlib
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Protocol, TypeVar

from fastapi import Depends, Header, Request
from starlette.requests import HTTPConnection

from services.calibration.manager import AsyncCalibrationManager
from services.clock import Clock
from services.errors import NoteNotFound
from services.i18n import Catalogues
from services.notebook.edits import Edits
from services.notebook.history import History
from services.notebook.notebook import Notebook
from services.notebook.people import People
from services.notebook.search import Search
from services.notebook.tokens import Tokens
from services.torrents import NotebookId, NoteId, PersonId, TaskId
from web.rates import client_of
from web.refusals import NotebookNotFound, NotLetIn, TokenNeeded

T = TypeVar("T")
_SCHEME = "bearer"
_MOST_KEY = 200


class Doors(Protocol):
    """Which doors are open to whom. People and doors are the other front end's own words."""

    def own(self, person: PersonId) -> str | None:
        """Return the door of the person's own notebook; None where they are not served."""

    async def others(self, person: PersonId) -> Sequence[str]:
        """Return the doors of the notebooks that the person shares with others now.

        Raises:
            MembershipUnknown: it cannot be found out.
        """


@dataclass(frozen=True, slots=True)
class Services:
    """What routes call; built by the composition root.

    *timeout*: seconds that a lookup may take. *async_enabled*: whether tasks may go on while nobody waits for them.
    *rate_limit*: how many requests a client may send in a minute; 0 is no bound.
    """

    manager: AsyncCalibrationManager
    notebook: Notebook
    search: Search
    history: History
    edits: Edits
    people: People
    tokens: Tokens
    doors: Doors
    catalogues: Catalogues
    clock: Clock
    timeout: float
    async_enabled: bool = True
    rate_limit: int = 0


def services_of(connection: HTTPConnection) -> Services:
    services = connection.app.state.services
    assert isinstance(services, Services)  # noqa: S101 - the app is made with them
    return services


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, the notebook that is their own, and the key under which it is done once."""

    person: PersonId
    notebook: NotebookId
    request_key: str | None
    services: Services

    async def shared(self) -> Sequence[NotebookId]:
        """Return the notebooks that they share with others now. Raises MembershipUnknown."""
        doors = await self.services.doors.others(self.person)
        return [await self.services.notebook.behind(door) for door in doors]

    async def opened(self, number: int | None) -> NotebookId:
        """Return the notebook of this *number*, if it is open to them now; where none is given, their own.

        Raises:
            NotebookNotFound: it is not, or there is none.
            MembershipUnknown: it cannot be found out now whether it is.
        """
        if number is None or number == self.notebook:
            return self.notebook
        shared = next((one for one in await self.shared() if one == number), None)
        if shared is None:
            raise NotebookNotFound
        return shared

    async def where_it_is(self, act: Callable[[NotebookId], Awaitable[T]]) -> T:
        """Return what *act* does in the notebook of theirs where it finds its note; others are asked after their own.

        Raises:
            NoteNotFound: *act* does so in each of them.
            MembershipUnknown: it is not in their own, and it cannot be found out now which others are open to them.
        """
        try:
            return await act(self.notebook)
        except NoteNotFound:
            for notebook in await self.shared():
                with contextlib.suppress(NoteNotFound):
                    return await act(notebook)
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
            return await notebooks.among([self.notebook, *await self.shared()], note_ids)

    async def done_before(self) -> TaskId | None:
        """Return the task that the same request was answered with, whatever would be answered to it now."""
        if self.request_key is None:
            return None
        return await self.services.manager.submitted(self.request_key)

    @property
    def may_any(self) -> bool:
        """Whether they may cancel and retry what others asked for."""
        return self.services.people.access.may_any(self.person, administrator=False)


async def holder_of(services: Services, authorization: str | None) -> tuple[PersonId, NotebookId]:
    """Return whose token is in ``Authorization: Bearer`` (RFC 6750), and the notebook that is their own.

    Raises:
        TokenNeeded: there is none, or it is nobody's.
        NotLetIn: whose token it is, is served no more.
    """
    scheme, _, secret = (authorization or "").partition(" ")
    person = await services.tokens.whose(secret.strip()) if scheme.lower() == _SCHEME else None
    if person is None:
        raise TokenNeeded
    own = services.doors.own(person)
    if own is None:
        raise NotLetIn
    return person, await services.notebook.behind(own)


async def claimed(connection: HTTPConnection, authorization: str | None) -> tuple[PersonId, NotebookId]:
    """Return the same of a client, which may be wrong so often and then has to wait."""
    try:
        return await holder_of(services_of(connection), authorization)
    except TokenNeeded:
        if authorization is not None:
            connection.app.state.limits.guesses.take(client_of(connection))
        raise


async def asker(
    request: Request,
    authorization: Annotated[str | None, Header()] = None,
    idempotency_key: Annotated[str | None, Header(min_length=1, max_length=_MOST_KEY)] = None,
) -> Asker:
    """Return who asks. Raises TokenNeeded, NotLetIn; see `holder_of`."""
    services = services_of(request)
    person, notebook = await claimed(request, authorization)
    key = None
    if idempotency_key is not None:
        # The same key with something else in it is another request: what it asks for is not to be lost.
        asked = hashlib.sha256(await request.body()).hexdigest()
        key = f"http:{person}:{request.url.path}:{asked}:{idempotency_key}"
    return Asker(person, notebook, key, services)


WhoAsks = Annotated[Asker, Depends(asker)]

"""``/api/events``: tasks and notes as they change, over a WebSocket (RFC 6455)."""

import asyncio
import contextlib
from collections.abc import Collection
from enum import IntEnum
from typing import NoReturn

from fastapi import APIRouter, WebSocket
from starlette.websockets import WebSocketDisconnect

from services.clock import at_most
from services.errors import CalibotError
from services.torrents import NotebookId, NoteId, TaskId
from web.context import Asker
from web.entry import check_origin, known, let_in
from web.errors import turn_away
from web.feed import Feed
from web.given import services_of
from web.refusals import AsyncDisabled, BadRequest, NoSuchAddress, NotLetIn, TokenNeeded
from web.shapes import Place, SnapshotEvent, TaskStatus, glimpse_of, place_of
from web.stopping import first_of
from web.words import words_of

router = APIRouter()
_SLOWEST = 10.0  # seconds in which a listener must have taken one message
_LAST_WORD = 30.0  # seconds in which one who was too slow may yet hear that
_LOOKED_AT_EVERY = 30.0  # seconds between two looks at who listens
_LONGEST_NUMBER = 20
_MOST_NOTEBOOKS = 1_000
_NEVER = 0


class End(IntEnum):
    """Why a socket is closed by us (RFC 6455, section 7.4)."""

    STOPPING = 1012
    TRY_AGAIN = 1013
    TOKEN_GONE = 4401
    """Its token opens nothing any more."""
    BEGIN_ANEW = 4409
    """Other notebooks than before are open to it: connect without ``since``."""
    TOO_SLOW = 4408


class _TooSlow(Exception):
    """It has not taken a message in time."""


class _Listener:
    """One socket, and the *notebooks* whose changes it is told."""

    def __init__(self, socket: WebSocket, feed: Feed, asker: Asker) -> None:
        self._socket = socket
        self._feed = feed
        self._asker = asker
        self._t = words_of(socket)
        self._clock = asker.services.clock
        self._notebooks: Collection[NotebookId] = ()

    async def serve(self, since: int | None, heard_of: Collection[int] | None) -> End | None:
        """Tell it what changes until that ends; return why. None where it has gone by itself.

        *since* is the last number that it has heard, about the notebooks that it has *heard_of*.
        """
        try:
            return await first_of(self._left(), self._stopping(), self._tell(since, heard_of), self._look())
        except WebSocketDisconnect:
            return None
        except _TooSlow:
            return End.TOO_SLOW
        except CalibotError:
            return End.TRY_AGAIN

    async def _left(self) -> None:
        while (await self._socket.receive())["type"] != "websocket.disconnect":
            pass  # nothing that it may say is of interest

    async def _stopping(self) -> End:
        await self._socket.app.state.stopping.wait()
        return End.STOPPING

    async def _tell(self, since: int | None, heard_of: Collection[int] | None) -> NoReturn:
        self._notebooks = await self._open_now()
        if heard_of is not None and not set(self._notebooks) <= set(heard_of):
            since = _NEVER  # of the others it knows nothing
        number = await self._snapshot(since)
        while True:
            batch = await self._feed.after(number)
            if batch.reset:
                number = await self._snapshot(number)
                continue
            for event in batch.events:
                if event.seq > number and event.notebook in self._notebooks:
                    await self._send(event.text(self._t))
            number = batch.number

    async def _snapshot(self, since: int | None) -> int:
        """Tell all tasks, or what changed *since*; return the number up to which."""
        manager, notebook = self._asker.services.manager, self._asker.services.notebook
        number, reset, more = since or 0, False, True
        tasks: dict[TaskId, TaskStatus] = {}
        notes: dict[NoteId, Place] = {}
        while more:
            changes = await manager.changes_since(number, notebooks=self._notebooks)
            if changes.reset:
                reset, tasks, notes = since is not None, {}, {}
            tasks |= {one.task.id: glimpse_of(one, self._t) for one in changes.tasks}
            places = await notebook.whereabouts(list(changes.notes)) if changes.notes else ()
            notes |= {one.id: place_of(one) for one in places if one.notebook in self._notebooks}
            number, more = changes.number, changes.more
        event = SnapshotEvent(
            seq=number,
            reset=reset,
            notebooks=sorted(self._notebooks),
            tasks=list(tasks.values()),
            notes=list(notes.values()),
        )
        await self._send(event.model_dump_json())
        return number

    async def _send(self, text: str) -> None:
        sending = asyncio.ensure_future(self._socket.send_text(text))
        await at_most(self._clock, _SLOWEST, sending)
        if sending.cancelled():
            raise _TooSlow
        sending.result()

    async def _look(self) -> End:
        """Return when other notebooks are open to it than before, or none."""
        while True:
            await self._clock.sleep(_LOOKED_AT_EVERY)
            try:
                await known(self._socket)
            except (TokenNeeded, NotLetIn):
                return End.TOKEN_GONE
            now = await self._open_now()
            if not set(now) <= set(self._notebooks):
                return End.BEGIN_ANEW
            self._notebooks = now

    async def _open_now(self) -> Collection[NotebookId]:
        shared = await self._asker.shared()
        return {self._asker.notebook, *shared.notebooks}  # of others nothing on a guess: once known, all is told anew


@router.websocket("/api/events")
async def events(socket: WebSocket) -> None:
    """Tell what changes in the notebooks that are open to whoever asks.

    ``since``: the last number that they heard; ``notebooks``: those that it was about.
    """
    feed: Feed = socket.app.state.feed
    with contextlib.ExitStack() as listening:
        try:
            asker = await _asker(socket)
            since = _number(socket.query_params.get("since"), "since")
            heard_of = _numbers(socket.query_params.get("notebooks"))
            listening.enter_context(feed.listening(asker.person))
        except CalibotError as error:
            await turn_away(socket.scope, socket.receive, socket.send, error)
            return
        await socket.accept()
        end = await _Listener(socket, feed, asker).serve(since, heard_of)
        if end is not None:
            await at_most(asker.services.clock, _LAST_WORD, asyncio.ensure_future(_close(socket, end)))


async def _close(socket: WebSocket, end: End) -> None:
    with contextlib.suppress(WebSocketDisconnect):  # it has gone by itself, or there is no time for it any more
        await socket.close(end)


@router.websocket("/{path:path}")
async def nowhere(socket: WebSocket) -> None:
    """Answer as over HTTP; the framework would refuse without a word."""
    await turn_away(socket.scope, socket.receive, socket.send, NoSuchAddress())


async def _asker(socket: WebSocket) -> Asker:
    if "origin" in socket.headers:  # a browser's: only they are led astray by other sites
        check_origin(socket)
    person, notebook = await let_in(socket)
    services = services_of(socket)
    if not services.async_enabled:
        raise AsyncDisabled
    return Asker(person, notebook, None, services, socket.app.state.turns)


def _number(text: str | None, name: str) -> int | None:
    """Return a number of the query. Raises BadRequest."""
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= _LONGEST_NUMBER):
        raise BadRequest(where=f"query.{name}")
    return int(text)


def _numbers(text: str | None) -> Collection[int] | None:
    """Return ``notebooks``, numbers with commas between. Raises BadRequest."""
    if text is None:
        return None
    named = text.split(",", _MOST_NOTEBOOKS)
    return {number for one in named if (number := _number(one, "notebooks")) is not None}

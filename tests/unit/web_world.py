"""The application between its real services and a hand-moved clock; people with tokens, and a group of two of them."""

import asyncio
import json
from collections.abc import AsyncIterator, MutableMapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from fastapi import FastAPI

from services.access import Access
from services.calibration.manager import AsyncCalibrationManager
from services.clock import Clock
from services.i18n import Catalogues
from services.metrics import Metrics
from services.notebook.edits import Edits
from services.notebook.history import History
from services.notebook.notebook import Notebook
from services.notebook.people import People
from services.notebook.search import Search
from services.notebook.sessions import Sessions
from services.notebook.tokens import Tokens
from services.store.store import Store
from services.torrents import NoteId, PersonId
from tests.fake_clock import FakeClock
from tests.unit.fakes import torrent
from web.app import make_app
from web.figures import Figures
from web.given import Others, Services
from web.html import Html

ALICE, BOB, CAROL, MALLORY = (PersonId(f"tg:{number}") for number in (1, 2, 3, 4))
HTML = Html.load()
GROUP = "tg:-5"
"""Alice, the owner, and Bob are in it; Carol is served in private alone, Mallory no more."""


@dataclass
class GroupDoors:
    """Who is in the group, as Telegram would tell."""

    people: People
    members: set[PersonId]
    reachable: bool = True
    further: Sequence[str] = ()
    """Doors of groups that are open to everybody, however it is with the other."""
    asked: int = 0

    def own(self, person: PersonId) -> str | None:
        return str(person) if self.people.access.serves(person, str(person), private=True) else None

    async def others(self, person: PersonId) -> Others:
        self.asked += 1
        there = [GROUP, *self.further] if person in self.members else []
        return Others(there if self.reachable else self.further, all_known=self.reachable)

    async def title(self, door: str) -> str:
        return {GROUP: "电影 <2026>"}.get(door, "") if self.reachable else ""


@dataclass
class Socket:
    """A listener at the other end of a WebSocket (ASGI): what it was sent, and why it was closed."""

    app: FastAPI
    scope: dict[str, object]
    sent: list[dict[str, Any]] = field(default_factory=list)
    status: int | None = None
    body: dict[str, object] = field(default_factory=dict)
    accepted: bool = False
    closed: int | None = None

    def __post_init__(self) -> None:
        self._said: asyncio.Queue[dict[str, object]] = asyncio.Queue()
        self._reads = asyncio.Event()
        self._reads.set()
        self._said.put_nowait({"type": "websocket.connect"})
        self.running = asyncio.create_task(self.app(self.scope, self._said.get, self._take))

    async def _take(self, message: MutableMapping[str, Any]) -> None:
        await self._reads.wait()
        match message["type"]:
            case "websocket.accept":
                self.accepted = True
            case "websocket.send":
                self.sent.append(json.loads(message["text"]))
            case "websocket.close":
                self.closed = message["code"]
            case "websocket.http.response.start":
                self.status = message["status"]
            case "websocket.http.response.body":
                self.body = json.loads(message["body"])

    def stops_reading(self) -> None:
        self._reads.clear()

    def reads_again(self) -> None:
        self._reads.set()

    def says(self, text: str) -> None:
        self._said.put_nowait({"type": "websocket.receive", "text": text})

    async def leaves(self) -> None:
        self._said.put_nowait({"type": "websocket.disconnect", "code": 1005})
        await self.running

    def heard(self) -> list[dict[str, Any]]:
        """Return what it was sent since the last time this was asked."""
        sent, self.sent = self.sent, []
        return sent


@dataclass
class World:
    app: FastAPI
    services: Services
    doors: GroupDoors
    http: httpx.AsyncClient
    clock: FakeClock
    tokens: dict[PersonId, str]
    sockets: list[Socket] = field(default_factory=list)

    @asynccontextmanager
    async def client(self, host: str) -> AsyncIterator[httpx.AsyncClient]:
        """Yield somebody who asks from *host*."""
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False, client=(host, 1234))
        async with httpx.AsyncClient(transport=transport, base_url="http://calibot") as http:
            yield http

    def as_(self, person: PersonId | None, language: str = "en", **more: str) -> dict[str, str]:
        """Return the headers by which *person* is known."""
        headers = {"Accept-Language": language} | {key.replace("_", "-"): value for key, value in more.items()}
        return headers | ({"Authorization": f"Bearer {self.tokens[person]}"} if person else {})

    async def send(
        self, method: str, person: PersonId | None, path: str, body: object = None, **more: str
    ) -> httpx.Response:
        headers = self.as_(person, **more) | {"Content-Type": "application/json"}
        content = b"" if body is None else json.dumps(body)
        return await self.http.request(method, path, content=content, headers=headers)

    async def post(self, person: PersonId | None, path: str, body: object = None, **more: str) -> httpx.Response:
        return await self.send("POST", person, path, body, **more)

    async def get(self, person: PersonId | None, path: str, **more: str) -> httpx.Response:
        return await self.http.get(path, headers=self.as_(person, **more))

    async def listen(
        self, person: PersonId | None, query: str = "", *, path: str = "/api/events", **more: str
    ) -> Socket:
        """Open a WebSocket at *path*, and let it hear what there is at first."""
        headers = {"Host": "calibot"} | self.as_(person, **more)
        socket = Socket(
            self.app,
            {
                "type": "websocket",
                "asgi": {"version": "3.0"},
                "scheme": "ws",
                "path": path,
                "raw_path": path.encode(),
                "root_path": "",
                "query_string": query.encode(),
                "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
                "subprotocols": [],
                "extensions": {"websocket.http.response": {}},
                "state": {},
            },
        )
        self.sockets.append(socket)
        await self.clock.advance(0)
        return socket

    async def note(self, door: str, *words: str) -> NoteId:
        """Keep a note with a magnet for each word."""
        notebook = await self.services.notebook.behind(door)
        text = "\n".join(f"{word}: magnet:?xt=urn:btih:{torrent(word).shown}" for word in words)
        saved = await self.services.notebook.save(text, notebook=notebook, person=ALICE, origin=None, anything=True)
        assert saved is not None
        return saved.note_id

    async def text(self, door: str, note_id: NoteId) -> str:
        return (await self.services.notebook.get(await self.services.notebook.behind(door), note_id)).text

    async def ended(self, path: str, body: object, person: PersonId = ALICE) -> dict[str, object]:
        """Submit, let it end, and return its status."""
        task_id = (await self.post(person, path, body)).json()["task_id"]
        await self.clock.advance(100)
        status: dict[str, object] = (await self.get(person, f"/api/calibrate/status/{task_id}")).json()
        return status


@dataclass(frozen=True)
class Sent:
    """What the chat's messages are doing."""

    waiting: int = 3
    requests: int = 40
    flood_waits: int = 2


async def services_over(
    manager: AsyncCalibrationManager, store: Store, clock: Clock, figures: Figures | None = None
) -> tuple[Services, GroupDoors, dict[PersonId, str]]:
    """Return what the application is given, who is in the group, and each person's token."""
    access = Access(owners=frozenset({ALICE}), users=frozenset({BOB, CAROL, MALLORY}), chats=frozenset({GROUP}))
    people, tokens = People(store, access, clock), Tokens(store, clock)
    given = {person: await tokens.give(person, "test") for person in (ALICE, BOB, CAROL, MALLORY)}
    people.access = Access(owners=access.owners, users=access.users - {MALLORY}, chats=access.chats)
    doors = GroupDoors(people, {ALICE, BOB})
    services = Services(
        manager=manager,
        notebook=Notebook(store, clock, manager.note_changed),
        search=Search(store),
        history=History(store, clock, manager.note_changed),
        edits=Edits(store, clock, manager.note_changed),
        people=people,
        tokens=tokens,
        sessions=Sessions(store, clock),
        metrics=Metrics(store, manager, clock),
        doors=doors,
        html=HTML,
        figures=figures or Figures(Sent),
        catalogues=await asyncio.to_thread(Catalogues.load),
        clock=clock,
        timeout=60.0,
    )
    return services, doors, given


@asynccontextmanager
async def web_world(
    manager: AsyncCalibrationManager, store: Store, clock: FakeClock, figures: Figures | None = None
) -> AsyncIterator[World]:
    services, doors, given = await services_over(manager, store, clock, figures)
    app = make_app(services)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://calibot") as http:
        world = World(app, services, doors, http, clock, given)
        try:
            yield world
        finally:
            app.state.stopping.set()
            await asyncio.gather(*(socket.running for socket in world.sockets))

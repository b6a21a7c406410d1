"""Every route, and what it says to each: about what is in the notebook of a group that Alice and Bob are in."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from urllib.parse import urlencode

import httpx
import pytest
from fastapi import APIRouter
from starlette.routing import Route, WebSocketRoute

from services.store.store import Store
from services.torrents import PersonId
from tests.fake_clock import FakeClock
from tests.unit.conftest import Run
from tests.unit.fakes import FakeEngine, torrent
from tests.unit.name_world import guessed
from tests.unit.web_world import ALICE, BOB, CAROL, GROUP, MALLORY, World, web_world

THE_NAME = "True.Name.mkv"
PEOPLE: dict[str, PersonId | None] = {
    "nobody": None,
    "let in no more": MALLORY,
    "member of another notebook": CAROL,
    "member": BOB,
    "owner": ALICE,
}
OPEN = (200, 200, 200, 200, 200)
THEIRS = (401, 403, 404, 200, 200)
"""What is in a notebook is there for those whom it is open to."""
ASKED = (401, 403, 404, 403, 200)
"""A task is cancelled and tried again by whoever asked for it, and by owners."""
EACHS = (401, 403, 200, 200, 200)
"""Everybody who is served has something of this of their own."""
OWNERS = (401, 403, 403, 403, 200)


@dataclass(frozen=True)
class Row:
    """A route; *says* are the statuses for `PEOPLE`. A page's form leads to another page where it is done."""

    method: str
    route: str
    says: tuple[int, int, int, int, int]
    path: str = ""
    body: object = None

    @property
    def is_page(self) -> bool:
        return not self.route.startswith(("/api/", "/metrics"))

    def __str__(self) -> str:
        return f"{self.method} {self.path or self.route} {json.dumps(self.body)}"


def done(says: tuple[int, int, int, int, int]) -> tuple[int, int, int, int, int]:
    a, b, c, d, e = (303 if one == 200 else one for one in says)
    return a, b, c, d, e


HASH = torrent("x").shown.hex
CALIBRATE, TASK = "/api/calibrate", "{task_id}"
TABLE = [
    Row("POST", f"{CALIBRATE}/async", THEIRS, body={"note_id": 1}),
    Row("POST", f"{CALIBRATE}/async", EACHS, body={"info_hash": HASH}),
    Row("POST", f"{CALIBRATE}/batch", THEIRS, body={"note_ids": [1]}),
    Row("POST", f"{CALIBRATE}/batch", EACHS, body={"info_hashes": [HASH]}),
    Row("POST", f"{CALIBRATE}/batch", (401, 403, 404, 404, 404), body={"all": True}),  # of their own: there is none
    Row("POST", f"{CALIBRATE}/{{note_id}}", THEIRS, f"{CALIBRATE}/1"),
    Row("GET", f"{CALIBRATE}/status/{TASK}", THEIRS, f"{CALIBRATE}/status/{{live}}"),
    Row("GET", f"{CALIBRATE}/status/{TASK}/items", THEIRS, f"{CALIBRATE}/status/{{ended}}/items"),
    Row("POST", f"{CALIBRATE}/cancel/{TASK}", ASKED, f"{CALIBRATE}/cancel/{{live}}"),
    Row("POST", f"{CALIBRATE}/retry/{TASK}", ASKED, f"{CALIBRATE}/retry/{{ended}}"),
    Row("WS", "/api/events", (401, 403, 101, 101, 101)),
    Row("WS", "/{path:path}", (404, 404, 404, 404, 404), "/api/nowhere"),
    Row("GET", "/api/notebooks", EACHS),
    Row("GET", "/api/notes", EACHS),
    Row("GET", "/api/notes", THEIRS, "/api/notes?notebook={notebook}&q=true"),
    Row("POST", "/api/notes", EACHS, body={"text": "x"}),
    Row("POST", "/api/notes", THEIRS, body={"text": "x", "notebook": "{notebook}"}),
    Row("GET", "/api/notes/{note_id}", THEIRS, "/api/notes/1"),
    Row("PUT", "/api/notes/{note_id}", THEIRS, "/api/notes/1", {"text": "x", "version": 2}),
    Row("DELETE", "/api/notes/{note_id}", THEIRS, "/api/notes/1"),
    Row("POST", "/api/notes/{note_id}/restore", THEIRS, "/api/notes/2/restore"),
    Row("GET", "/api/notes/{note_id}/history", THEIRS, "/api/notes/1/history"),
    Row("POST", "/api/notes/{note_id}/undo", THEIRS, "/api/notes/1/undo", {"version": 2}),
    Row("GET", "/api/torrents/{info_hash}", THEIRS, f"/api/torrents/{HASH}"),
    Row("GET", "/metrics", OWNERS),
    Row("GET", "/healthz", OPEN),
    Row("GET", "/readyz", OPEN),
    Row("GET", "/openapi.json", OPEN),
    Row("GET", "/docs", OPEN),
    Row("GET", "/static/{name}", OPEN, "/static/page.css"),
    Row("GET", "/login/{secret}", (404, 404, 404, 404, 404), "/login/guessed"),
    Row("POST", "/login/{secret}", (404, 404, 404, 404, 404), "/login/guessed"),
    Row("POST", "/logout", OPEN),
    Row("GET", "/", EACHS),
    Row("GET", "/", THEIRS, "/?notebook={notebook}"),
    Row("GET", "/under-way", EACHS),
    Row("GET", "/under-way", THEIRS, "/under-way?notebook={notebook}"),
    Row("GET", "/figures", EACHS),
    Row("GET", "/notes/{note_id}", THEIRS, "/notes/1"),
    Row("POST", "/notes", done(EACHS), body={"text": "x"}),
    Row("POST", "/notes", done(THEIRS), body={"text": "x", "notebook": "{notebook}"}),
    Row("POST", "/notes/{note_id}/undo", done(THEIRS), "/notes/1/undo", {"version": 2}),
    Row("GET", "/notes/{note_id}", THEIRS, "/notes/2"),  # it is put away
    Row("POST", "/notes/{note_id}/delete", done(THEIRS), "/notes/1/delete"),
    Row("POST", "/notes/{note_id}/restore", done(THEIRS), "/notes/2/restore"),
    Row("POST", "/calibrate", done(THEIRS), body={"only": 1}),
    Row("POST", "/calibrate", done(THEIRS), body={"all": 1, "notebook": "{notebook}"}),
    Row("GET", "/tasks/{task_id}", THEIRS, "/tasks/{live}"),
    Row("POST", "/tasks/{task_id}/cancel", done(ASKED), "/tasks/{live}/cancel"),
    Row(
        "POST",
        "/tasks/{task_id}/choose",
        done(THEIRS),
        "/tasks/{guessed}/choose",
        {"position": 0, "encoding": "big5hkscs"},
    ),
    Row("POST", "/tasks/{task_id}/keep-old", done(THEIRS), "/tasks/{replaced}/keep-old", {"position": 0}),
    Row("POST", "/tasks/{task_id}/retry", done(ASKED), "/tasks/{ended}/retry"),
]


@pytest.fixture
def knowing(engine: FakeEngine) -> FakeEngine:
    engine.knows("guess", guessed())  # the detector reads its tables: not in the loop
    return engine


@pytest.fixture
async def world(run: Run, store: Store, clock: FakeClock, knowing: FakeEngine) -> AsyncIterator[World]:
    engine = knowing
    engine.knows("x", THE_NAME)
    engine.knows("put away", THE_NAME)
    engine.knows("replaced", THE_NAME)
    async with run() as manager, web_world(manager, store, clock) as world:
        yield world


async def _prepared(world: World) -> dict[str, str]:
    """Keep notes of the group: one that was calibrated, one put away, one whose lookup failed, one being looked up."""
    notebook = await world.services.notebook.behind(GROUP)
    for words in ("x", "put away", "lost", "slow", "guess"):
        await world.note(GROUP, words)
    old = f"magnet:?xt=urn:btih:{torrent('replaced').shown}&dn=Something.else.entirely"
    await world.services.notebook.save(old, notebook=notebook, person=ALICE, origin=None)
    await world.ended(f"{CALIBRATE}/async", {"note_id": 1})
    ended = await world.ended(f"{CALIBRATE}/async", {"note_id": 3})
    guess = await world.ended(f"{CALIBRATE}/async", {"note_id": 5})
    replaced = await world.ended(f"{CALIBRATE}/async", {"note_id": 6})
    await world.send("DELETE", ALICE, "/api/notes/2")
    live = (await world.post(ALICE, f"{CALIBRATE}/async", {"note_id": 4})).json()
    await world.clock.advance(1)
    return {"notebook": str(notebook), "ended": str(ended["task_id"]), "live": live["task_id"]} | {
        "guessed": str(guess["task_id"]),
        "replaced": str(replaced["task_id"]),
    }


async def _ask(world: World, row: Row, person: PersonId | None, given: dict[str, str]) -> httpx.Response:
    path = (row.path or row.route).format(**given)
    headers, content = {"Origin": "http://calibot"}, b""
    if row.is_page:
        headers["Accept"] = "text/html"
        if person is not None:
            secret = await world.services.sessions.open(await world.services.sessions.link(person))
            headers["Cookie"] = f"calibot_session={secret}"
    else:
        headers |= world.as_(person)
    if isinstance(row.body, dict):
        body = {key: int(given["notebook"]) if key == "notebook" else value for key, value in row.body.items()}
        content = (urlencode(body) if row.is_page else json.dumps(body)).encode()
        headers["Content-Type"] = "application/x-www-form-urlencoded" if row.is_page else "application/json"
    asking = asyncio.create_task(world.http.request(row.method, path, content=content, headers=headers))
    await world.clock.advance(2)
    return await asking


@pytest.mark.parametrize("row", TABLE, ids=str)
@pytest.mark.parametrize("who", PEOPLE)
async def test_each_route_says_to_each_what_it_shall_and_nothing_of_others(row: Row, who: str, world: World) -> None:
    given, place = await _prepared(world), list(PEOPLE).index(who)
    expected, group = row.says[place], await world.services.notebook.behind(GROUP)
    before = await world.services.search.lines(group, "", 0)
    if row.method == "WS":
        socket = await world.listen(PEOPLE[who], path=row.path or row.route)
        heard = json.dumps(socket.sent)
        assert (101 if socket.accepted else socket.status) == expected
    else:
        answer = await _ask(world, row, PEOPLE[who], given)
        assert answer.status_code == expected, answer.text
        heard = answer.text
    if place < list(PEOPLE).index("member"):
        for theirs in (THE_NAME, "magnet:", given["live"], given["ended"]):
            assert theirs not in heard.replace(row.path.format(**given), "")
        assert await world.services.search.lines(group, "", 0) == before
        assert (await world.services.manager.live_tasks(notebook=group))[1] == 1


async def test_every_route_is_in_the_table(world: World) -> None:
    assert {(row.method, row.route) for row in TABLE} == set(_routes(world))


def _routes(world: World) -> Iterator[tuple[str, str]]:
    for one in world.app.routes:
        included = getattr(one, "original_router", None)  # FastAPI keeps a router that is included whole
        for route in included.routes if isinstance(included, APIRouter) else [one]:
            if isinstance(route, WebSocketRoute):
                yield "WS", route.path
            elif isinstance(route, Route):
                yield from ((method, route.path) for method in route.methods or () if method != "HEAD")

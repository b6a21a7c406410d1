"""A hundred listeners, or a thousand where SOAK is set: each change reaches all that may see it, and nobody else."""

import asyncio
import contextlib
import json
import os
import random
import re
import resource
import socket
import time
from collections import deque
from collections.abc import AsyncIterator, Collection, Coroutine, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from sandbox.botapi import Person
from tests.e2e.conftest import World
from tests.e2e.test_web import address_of, token_of

_SOAK = "SOAK" in os.environ
_SEED = int(os.environ.get("SEED", "20261129"))
_LISTENERS = 1_000 if _SOAK else 100
_FURTHER = 24 if _SOAK else 0  # people: one may listen fifty times, and for a moment those who were cut off do, too
_CHANGES = 300 if _SOAK else 40
_SLOW = 20 if _SOAK else 0
_LONG = 4_000  # notes: more than the buffers between take
_TOO_SLOW = 15.0  # seconds in which whoever reads nothing is dropped
_FILES = 4_096
Change = tuple[int, int, int, bool]
"""A note's notebook, number and version, and whether it was deleted."""


@pytest.fixture
def _files() -> Iterator[None]:
    """A socket is a file, here and in the program, which has our limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, _FILES)), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@dataclass
class Member:
    """A person, the notebooks that are open to them (their own first), and a client with their token."""

    token: str
    notebooks: Sequence[int]
    http: httpx.AsyncClient

    async def asks(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        answer = await self.http.request(method, path, json=body)
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told


@dataclass
class Listener:
    """One at the other end of a WebSocket, who may be cut off and comes again; *changes* are what it has heard."""

    address: str
    member: Member
    changes: list[Change] = field(default_factory=list)
    last: dict[int, Change] = field(default_factory=dict)
    tasks: dict[str, str] = field(default_factory=dict)
    since: int | None = None
    notebooks: str = ""
    cuts: int = 0
    socket: ClientConnection | None = None

    def __post_init__(self) -> None:
        self._heard = asyncio.Event()
        self._may_come = asyncio.Event()
        self._may_come.set()

    async def connect(self) -> None:
        """Connect, and hear what there is, or what there is more."""
        query = f"?since={self.since}&notebooks={self.notebooks}" if self.since is not None else ""
        headers = {"Authorization": f"Bearer {self.member.token}"}
        self.socket = await connect(
            self.address + query, additional_headers=headers, proxy=None, ping_interval=None, open_timeout=60
        )
        await self._hear(self.socket)

    async def listen(self) -> None:
        """Hear all, however often it is cut off, until that is cancelled."""
        while True:
            await self._may_come.wait()
            with contextlib.suppress(ConnectionClosed):
                if self.socket is None:
                    await self.connect()
                while self.socket is not None:
                    await self._hear(self.socket)
            self.socket = None

    async def until(self, change: Change) -> None:
        """Return when that is the last that it has heard of the note."""
        while self.last.get(change[1]) != change:
            self._heard.clear()
            await self._heard.wait()

    def cut(self) -> None:
        """Break the connection; it may not come before that is said."""
        if self.socket is not None:
            self.cuts += 1
            self._may_come.clear()
            self.socket.transport.abort()

    def may_come(self) -> None:
        self._may_come.set()

    async def _hear(self, socket: ClientConnection) -> None:
        event = json.loads(await socket.recv())
        assert self.since is None or event["seq"] >= self.since, "numbers rise"
        match event["type"]:
            case "snapshot":
                assert not event["reset"]
                self.notebooks = ",".join(map(str, event["notebooks"]))
                self.tasks |= {one["task_id"]: one["status"] for one in event["tasks"]}
                self._changed(*map(change_of, event["notes"]))
            case "task":
                self.tasks[event["task"]["task_id"]] = event["task"]["status"]
            case "note":
                self._changed(change_of(event["note"]))
        self.since = event["seq"]
        self._heard.set()

    def _changed(self, *changes: Change) -> None:
        self.changes += changes
        self.last |= {change[1]: change for change in changes}


def change_of(place: dict[str, Any]) -> Change:
    return (place["notebook"], place["id"], place["version"], place["deleted"])


class Writer:
    """Changes notes and tasks, one after the other, and knows in which order."""

    def __init__(self, members: Sequence[Member], witnesses: Sequence[Listener], seed: int) -> None:
        self._members = members
        self._witnesses = witnesses
        self._draw = random.Random(seed)
        self._here: dict[int, tuple[Member, Change]] = {}
        self.changes: list[Change] = []
        self.cancelled: dict[str, int] = {}
        """Tasks, and in which notebook."""

    async def act(self) -> None:
        """Do something."""
        member = self._draw.choice(self._members)
        match self._draw.randrange(8):
            case 0:
                await self._task(member)
            case 1 | 2 | 3 if self._here:
                await self._again(*self._draw.choice(list(self._here.values())))
            case _:
                await self.keep(member, self._draw.choice(member.notebooks))

    async def keep(self, member: Member, notebook: int) -> Change:
        body = {"text": f"words {len(self.changes)}", "notebook": notebook}
        return self._done(member, note_of(await member.asks("POST", "/api/notes", body)))

    async def _again(self, member: Member, change: Change) -> None:
        """Change that note again, once it was heard: what changes faster is told together."""
        notebook, number, version, deleted = change
        for witness in [one for one in self._witnesses if notebook in one.member.notebooks][:1]:
            await witness.until(change)
        path = f"/api/notes/{number}"
        if deleted:
            self._done(member, note_of(await member.asks("POST", f"{path}/restore")))
        elif self._draw.random() < 0.3:
            await member.asks("DELETE", path)
            self._done(member, (notebook, number, version, True))
        else:
            typed = {"text": f"others {len(self.changes)}", "version": version}
            self._done(member, note_of(await member.asks("PUT", path, typed)))

    async def _task(self, member: Member) -> None:
        asked = {"info_hash": self._draw.randbytes(20).hex()}
        task_id = (await member.asks("POST", "/api/calibrate/async", asked))["task_id"]
        await member.asks("POST", f"/api/calibrate/cancel/{task_id}")
        self.cancelled[task_id] = member.notebooks[0]

    def _done(self, member: Member, change: Change) -> Change:
        self._here[change[1]] = (member, change)
        self.changes.append(change)
        return change

    def told(self, notebooks: Collection[int]) -> list[Change]:
        """Return all that whoever may open these was to hear, in order."""
        return [one for one in self.changes if one[0] in notebooks]


def note_of(answer: dict[str, Any]) -> Change:
    note = answer["note"]
    return (note["notebook"], note["id"], note["version"], False)


@pytest.mark.usefixtures("_files")
@pytest.mark.timeout(280 if _SOAK else 120)
async def test_each_change_reaches_all_that_may_see_it_in_order_and_nobody_else(world: World) -> None:
    bob, carol, dora = world.invite("Bob"), world.invite("Carol"), world.invite("Dora")
    further = [world.invite(f"Emma {number}") for number in range(_FURTHER)]
    world.group("Films", world.alice, bob, *further[::2])
    world.group("Music", bob, carol, *further[1::2])
    await launch(world)
    address = (await address_of(world)).replace("http:", "ws:") + "/api/events"
    async with contextlib.AsyncExitStack() as stack:
        people = (world.alice, bob, carol, *further, dora)
        members = [await stack.enter_async_context(member(world, one)) for one in people]
        assert [len(one.notebooks) for one in members] == [2, 3, 2, *[2] * _FURTHER, 1]
        *heard, alone = members
        slow = await reading_nothing(address, alone, _SLOW)
        listeners = [Listener(address, heard[number % len(heard)]) for number in range(_LISTENERS)]
        await fifty_at_once([one.connect() for one in listeners])
        listening = [asyncio.create_task(one.listen()) for one in listeners]
        cut, steady = listeners[: _LISTENERS // 5], listeners[_LISTENERS // 5 :]
        writer = Writer(members, steady[: len(heard)], _SEED)
        await act_and_cut(writer, cut, _TOO_SLOW if slow else 0.0)
        lasts = {one.token: await writer.keep(one, one.notebooks[0]) for one in members}
        async with asyncio.timeout(120):
            await asyncio.gather(*(one.until(lasts[one.member.token]) for one in listeners))
        for task in listening:
            task.cancel()
        await asyncio.wait(listening)

        check(writer, steady, cut)
        for behind in slow:
            await dropped_and_back(behind, address, alone, lasts[alone.token])
        for one in listeners:
            one.cut()
    assert await world.stop() == 0
    assert "Traceback" not in world.output


def check(writer: Writer, steady: Sequence[Listener], cut: Sequence[Listener]) -> None:
    for one in steady:
        assert one.changes == writer.told(one.member.notebooks)
    for one in cut:
        told = writer.told(one.member.notebooks)
        assert one.last == {change[1]: change for change in told}
        assert set(one.changes) <= set(told)
    for one in (*steady, *cut):
        theirs = {task for task, notebook in writer.cancelled.items() if notebook in one.member.notebooks}
        assert one.tasks == dict.fromkeys(theirs, "cancelled")
    assert all(one.cuts for one in cut)
    assert writer.cancelled


async def launch(world: World) -> None:
    config = world.write_settings()
    config.write_text(config.read_text(encoding="utf-8") + "[web]\nrate_limit = 0\n", encoding="utf-8")
    await world.launch(config)
    await world.printed(re.compile("is running as"))


@contextlib.asynccontextmanager
async def member(world: World, person: Person) -> AsyncIterator[Member]:
    token = await token_of(world, person)
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=await address_of(world), headers=headers, timeout=60) as http:
        there = (await http.get("/api/notebooks")).json()["notebooks"]
        yield Member(token, [one["id"] for one in there], http)


async def fifty_at_once(what: Sequence[Coroutine[Any, Any, None]]) -> None:
    turn = asyncio.Semaphore(50)

    async def one(coroutine: Coroutine[Any, Any, None]) -> None:
        async with turn:
            await coroutine

    await asyncio.gather(*map(one, what))


async def act_and_cut(writer: Writer, listeners: Sequence[Listener], seconds: float) -> None:
    """Let the writer act so often, and for so long; each of the *listeners* is cut off, and comes five acts later."""
    began, number, away = time.monotonic(), 0, deque[Listener]()
    turns = deque(listeners)
    while number < _CHANGES or turns or time.monotonic() - began < seconds:
        await writer.act()
        number += 1
        for _ in range(min(len(turns), 1 + len(listeners) // _CHANGES)):
            away.append(turns.popleft())
            away[-1].cut()
        if number % 5 == 0:
            while away:
                away.popleft().may_come()
    while away:
        away.popleft().may_come()


# Who reads nothing.


async def reading_nothing(address: str, member: Member, count: int) -> list[ClientConnection]:
    """Let so many connect who read nothing of what there is, which is more than the buffers between them take."""
    if not count:
        return []
    first = Listener(address, member)
    await first.connect()
    first.cut()
    for begin in range(0, _LONG, 20):
        bodies = [{"text": f"words {begin + number}"} for number in range(20)]
        await asyncio.gather(*(member.asks("POST", "/api/notes", body) for body in bodies))
    query = f"?since={first.since}&notebooks={first.notebooks}"
    return [await _reading_nothing(address + query, member) for _ in range(count)]


async def _reading_nothing(address: str, member: Member) -> ClientConnection:
    host, port = address.removeprefix("ws://").partition("/")[0].split(":")
    there = socket.socket()
    there.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    there.connect((host, int(port)))
    headers = {"Authorization": f"Bearer {member.token}"}
    connection = await connect(address, additional_headers=headers, proxy=None, ping_interval=None, sock=there)
    connection.transport.pause_reading()
    return connection


async def dropped_and_back(connection: ClientConnection, address: str, member: Member, last: Change) -> None:
    """See why it was dropped, and that it hears the rest when it comes again."""
    connection.transport.resume_reading()
    snapshot = json.loads(await connection.recv())
    with contextlib.suppress(ConnectionClosed):
        while True:
            await connection.recv()
    assert connection.close_code == 4408
    again = Listener(address, member, since=snapshot["seq"], notebooks=",".join(map(str, snapshot["notebooks"])))
    await again.connect()
    assert again.last[last[1]] == last
    again.cut()

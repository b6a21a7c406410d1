"""Bots as their users start them, each with a Telegram of its own on loopback."""

import asyncio
import contextlib
import json
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.processes import module, resident, running
from benchmarks.rig import PERSON, folder, hashes, never
from sandbox.botapi import BotApi, Chat, Message, Person
from services.calibration.manager import AsyncCalibrationManager
from services.store.store import Store

_PATIENCE = 30.0
_SETTINGS = """
[telegram]
token = "{token}"
base_url = "{base_url}"
base_file_url = "{base_file_url}"
owners = [{owner}]
allowed_users = {users}
[database]
path = {database}
[calibration]
timeout = 3600
max_workers = {workers}
{unbounded}
[web]
port = {web_port}
rate_limit = 0
[resolvers.libtorrent]
listen_interfaces = "127.0.0.1:0"
dht = false
allow_private_peers = true
"""


@dataclass(frozen=True, slots=True)
class Bot:
    """A bot that runs. *chats* are its people's, each a private one; *started* is the seconds that its start took."""

    api: BotApi
    process: Process
    chats: Sequence[tuple[Person, Chat]]
    started: float

    @property
    def resident(self) -> int:
        return resident(self.process.pid)

    async def answer_to(self, place: int, text: str) -> float:
        """Let the person at *place* say *text*; return the seconds until the first message that replies to it."""
        began = time.perf_counter()
        await self.answer(place, text)
        return time.perf_counter() - began

    async def answer(self, place: int, text: str) -> Message:
        """Let the person at *place* say *text*; return the first message that replies to it."""
        person, chat = self.chats[place]
        asked = person.say(chat, text)
        return (await self.api.until(lambda: _replies(chat, asked), _PATIENCE))[0]


def _replies(chat: Chat, asked: Message) -> list[Message]:
    return [one for one in chat.bot_messages if one.reply_to is asked]


@contextlib.asynccontextmanager
async def calibot(people: int = 1, *, lookups: int = 0, program: str = "bot", web_port: int = 0) -> AsyncIterator[Bot]:
    """Run calibot; with *lookups* that nobody answers, which a run before it has left under way.

    *program* is the module that runs it; with a *web_port* nobody is told that they ask for too much.
    """
    async with folder() as path, BotApi() as api:
        chats = _people(api, people)
        config, database = path / "config.toml", path / "calibot.db"
        text = _SETTINGS.format(
            token=api.token,
            base_url=api.base_url,
            base_file_url=api.base_file_url,
            owner=chats[0][0].id,
            users=[person.id for person, _ in chats[1:]],
            database=json.dumps(str(database)),
            workers=max(100, lookups + 10),
            unbounded="tasks_per_person = 0\nlookups_per_hour = 0" if web_port else "",
            web_port=web_port,
        )
        await asyncio.to_thread(config.write_text, text, "utf-8")
        if lookups:
            await _left_under_way(database, lookups)
        async with _started(api, chats, *module(program, "run", "--config", str(config))) as bot:
            yield bot


@contextlib.asynccontextmanager
async def echo(people: int = 1) -> AsyncIterator[Bot]:
    async with BotApi() as api:
        chats, addresses = _people(api, people), (api.base_url, api.base_file_url)
        async with _started(api, chats, *module("benchmarks.echo", api.token, *addresses)) as bot:
            yield bot


def _people(api: BotApi, count: int) -> list[tuple[Person, Chat]]:
    people = [api.person(f"Person {number}", language="en") for number in range(count)]
    return [(person, api.private(person)) for person in people]


async def _left_under_way(database: Path, lookups: int) -> None:
    async with Store.open(database) as store:
        notebook = await store.write(lambda tx: tx.notebooks.open("tg:nobody", 0.0))
        async with AsyncCalibrationManager(never, tasks=store) as manager:
            await manager.submit_task(request=hashes(lookups), notebook=notebook, asked_by=PERSON, cause="command")


@contextlib.asynccontextmanager
async def _started(api: BotApi, chats: Sequence[tuple[Person, Chat]], *command: str) -> AsyncIterator[Bot]:
    """Run *command* and yield it when it asks for messages; its logs are dropped."""
    polls = asyncio.Event()
    api.on_event(lambda event: polls.set() if event.method == "getUpdates" else None)
    began = time.perf_counter()
    async with running(*command) as process:
        async with asyncio.timeout(_PATIENCE):
            await polls.wait()
        yield Bot(api, process, chats, time.perf_counter() - began)

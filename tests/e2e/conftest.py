"""A world to run the real process in: Telegram and a swarm on loopback, and ``python -m bot run`` against both."""

import asyncio
import contextlib
import json
import os
import re
import signal
import sqlite3
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import pytest

from sandbox.botapi import BotApi, Chat, Message, Person
from sandbox.botapi.chats import Kind
from sandbox.botapi.text import Formatted
from sandbox.swarm import Swarm

ROOT = Path(__file__).parents[2]
_SETTINGS = """
[telegram]
token = "{token}"
base_url = "{base_url}"
base_file_url = "{base_file_url}"
owners = {owners}
allowed_users = {users}
allowed_chats = {chats}
status_interval = {status_interval}
[database]
path = "{database}"
[calibration]
timeout = {timeout}
[resolvers.libtorrent]
listen_interfaces = "127.0.0.1:0"
dht_bootstrap_nodes = {nodes}
allow_private_peers = true
"""


W = TypeVar("W", bound="World")


def environment() -> dict[str, str]:
    """Return this process's environment without our own settings, but that each program has a web port of its own."""
    others = {key: value for key, value in os.environ.items() if not key.startswith("CALIBOT_")}
    return others | {"CALIBOT_WEB__PORT": "0"}


def _variables(section: str, settings: Mapping[str, object]) -> dict[str, str]:
    """Return *settings*, of which some have ``section.key`` for a name, as variables of the environment."""
    return {
        f"CALIBOT_{section}__{key.upper().replace('.', '__')}": value if isinstance(value, str) else json.dumps(value)
        for key, value in settings.items()
    }


@dataclass
class World:
    """Telegram with Alice, the owner; a swarm; and the program, which can be started, stopped and killed.

    *base_url* is where the program looks for Telegram: at the sandbox's own server, unless told. *web* are settings of
    the page.
    """

    api: BotApi
    swarm: Swarm
    folder: Path
    alice: Person
    private: Chat
    timeout: float = 60.0
    status_interval: float = 0.2
    users: list[int] = field(default_factory=list)
    chats: list[int] = field(default_factory=list)
    owners: list[int] | None = None
    base_url: str = ""
    web: dict[str, object] = field(default_factory=dict)
    resolvers: dict[str, object] = field(default_factory=dict)
    process: Process | None = None
    output: str = ""
    _reading: "asyncio.Task[None] | None" = None
    _printed: asyncio.Event = field(default_factory=asyncio.Event)
    _running: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def database(self) -> Path:
        return self.folder / "calibot.db"

    def invite(self, name: str) -> Person:
        """Return somebody new who is served in private, from the next start on."""
        person = self.api.person(name)
        self.users.append(person.id)
        return person

    def group(self, title: str, *people: Person, kind: Kind = "supergroup") -> Chat:
        """Return a new group whose members are served there, from the next start on."""
        group = self.api.group(title, *people, kind=kind)
        self.chats.append(group.id)
        return group

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        """Return what *sql* reads in the program's database, running or not."""
        with contextlib.closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as connection:
            return connection.execute(sql).fetchall()

    def write_settings(self) -> Path:
        path = self.folder / "config.toml"
        path.write_text(
            _SETTINGS.format(
                token=self.api.token,
                base_url=self.base_url or self.api.base_url,
                base_file_url=self.api.base_file_url,
                owners=[self.alice.id] if self.owners is None else self.owners,
                users=self.users,
                chats=self.chats,
                status_interval=self.status_interval,
                database=self.database,
                timeout=self.timeout,
                nodes=str(self.swarm.dht_nodes).replace("'", '"'),
            ),
            encoding="utf-8",
        )
        return path

    async def start(self) -> None:
        """Start the program and return when it says that it is running."""
        await self.launch(self.write_settings())
        assert self.process is not None
        async with asyncio.timeout(30):
            await self._running.wait()
        assert self.process.returncode is None, self.output

    async def launch(self, config: Path) -> None:
        """Start the program with the settings at *config*, and wait for nothing."""
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bot",
            "run",
            "--config",
            str(config),
            cwd=ROOT,
            env=environment() | _variables("WEB", self.web) | _variables("RESOLVERS", self.resolvers),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        self._running.clear()
        self._reading = asyncio.create_task(self._read(self.process, self._running))

    async def _read(self, process: Process, running: asyncio.Event) -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            self.output += line.decode()
            self._printed.set()
            if b"is running as" in line:
                running.set()
        running.set()

    async def printed(self, pattern: re.Pattern[str]) -> re.Match[str]:
        """Return what *pattern* finds in the program's output, as soon as it is there."""
        async with asyncio.timeout(20):
            while (found := pattern.search(self.output)) is None:
                self._printed.clear()
                await self._printed.wait()
        return found

    def kill(self) -> None:
        """End it as a power cut does."""
        if self.process is not None and self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()

    async def ended(self) -> int:
        """Return its exit code when it has ended."""
        assert self.process is not None
        async with asyncio.timeout(30):
            code = await self.process.wait()
            if self._reading is not None:
                await self._reading
        return code

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to stop, as ``systemctl stop`` or Ctrl-C do, and return its exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        return await self.ended()

    async def answer(self, asked: Message, seconds: float = 20) -> Message:
        """Return the bot's first message that replies to *asked*."""
        replies = await self.api.until(
            lambda: [one for one in asked.chat.bot_messages if one.reply_to is asked], seconds
        )
        return replies[0]

    async def ask(self, text: str | Formatted, *, person: Person | None = None, chat: Chat | None = None) -> Message:
        """Say *text* (Alice in her private chat, unless told) and return the bot's answer."""
        return await self.answer((person or self.alice).say(chat or self.private, text))

    async def shows(self, message: Message, *words: str, seconds: float = 30) -> Message:
        """Return *message* when its text begins with the first of *words* and has the others."""
        await self.api.until(
            lambda: message.text.startswith(words[0]) and all(word in message.text for word in words), seconds
        )
        return message

    async def follows(self, message: Message) -> None:
        """Return when *message* is stored as one to edit: before, its number dies with the process.

        That is looked for with each request to Telegram, the polls for updates among them.
        """
        followed = "SELECT message_id FROM followers UNION SELECT message_id FROM boards"
        await self.api.until(lambda: (message.id,) in self.rows(followed))


def kept(shown: Message) -> str:
    """Return a note's text as ``/note`` shows it: what stands below the names of its torrents."""
    return shown.text.partition("———\n")[2] or shown.text


def states(message: Message) -> list[str]:
    """Return the states that a card showed over its life: the first word of each version."""
    shown = [text.split(" ", 1)[0] for _, text in message.versions]
    return [state for position, state in enumerate(shown) if position == 0 or shown[position - 1] != state]


@contextlib.asynccontextmanager
async def opened_world(folder: Path, kind: type[W], *, reads_all: bool = True) -> AsyncIterator[W]:
    """Hold a world in *folder*; the program is not started. Files whose tests do not disturb each other share one."""
    async with BotApi(reads_all=reads_all) as api, Swarm() as swarm:
        alice = api.person("Alice", username="alice", language="en")
        world = kind(api, swarm, folder, alice, api.private(alice))
        try:
            yield world
        finally:
            world.kill()
            if world.process is not None:
                await world.ended()


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with opened_world(tmp_path, World) as world:
        yield world


@pytest.fixture
async def running(world: World) -> World:
    await world.start()
    return world

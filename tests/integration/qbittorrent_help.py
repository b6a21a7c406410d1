"""A real qbittorrent-nox with an owner, on loopback, and what the tests of that source share."""

import asyncio
import contextlib
import inspect
import json
import os
import secrets
import shutil
import threading
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from aiohttp import web

from benchmarks.peers.qbittorrent import USER, connected, write_settings
from benchmarks.ports import free_port
from benchmarks.processes import running
from sandbox.swarm import Sample, Swarm
from services.clock import Clock, SystemClock
from services.resolvers.addresses import AddressPolicy
from services.resolvers.libtorrent import read_torrent
from services.resolvers.qbittorrent import Login, QbittorrentResolver
from services.torrents import TorrentInfo
from tests.integration.leftovers import soon
from tests.integration.swarm_help import Running, Steps, torrent_id, trackers_of

if TYPE_CHECKING:
    import qbittorrentapi

Row = dict[str, Any]


def program() -> str:
    """Return where qbittorrent-nox is. Without it these tests are left out, which CI does not forgive."""
    found = shutil.which("qbittorrent-nox")
    if found is None:
        missing = "qbittorrent-nox is not here, so nobody asked one for names (on Debian: apt install qbittorrent-nox)"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    return found


class Nox:
    """A qbittorrent-nox whose profile is in *folder*; `client` is its owner's."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.password = secrets.token_urlsafe()
        self.client: qbittorrentapi.Client
        self._stack = contextlib.AsyncExitStack()
        self._process: asyncio.subprocess.Process

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        command = (program(), f"--profile={self.folder}", f"--webui-port={self.port}")
        self._process = await self._stack.enter_async_context(running(*command))
        await self._listens()
        self.client = await connected(self.port, self.password)
        self._stack.callback(self.client._trigger_session_initialization)  # closes its connections, which are counted

    async def _listens(self) -> None:
        """Wait until it does: a client that is refused logs an error, which holds the connection that comes of it."""
        while self._process.returncode is None:
            with contextlib.suppress(ConnectionRefusedError):
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                writer.close()
                return await writer.wait_closed()
            await asyncio.sleep(0.05)
        pytest.fail(f"it has ended before anybody could ask it: see its log in {self.folder}")

    async def stop(self) -> None:
        await self._stack.aclose()

    async def kill(self) -> None:
        self._process.kill()
        await self._stack.aclose()

    async def rows(self) -> list[Row]:
        """Return the torrents that are there."""
        return [dict(one) for one in await asyncio.to_thread(self.client.torrents_info)]

    async def hashes(self) -> set[str]:
        return {row["hash"] for row in await self.rows()}

    async def marks(self) -> tuple[list[str], list[str]]:
        """Return its tags and its categories."""
        tags = await asyncio.to_thread(self.client.torrents_tags)
        return sorted(map(str, tags)), sorted(await asyncio.to_thread(self.client.torrents_categories))

    async def add(self, sample: Sample, **options: Any) -> None:
        """Add *sample* as its owner does; they want its payload, which nobody has."""
        said = await asyncio.to_thread(self.client.torrents_add, urls=sample.magnet(), **options)
        assert said == "Ok."
        await self.until(lambda rows: any(sample.v1 in {row["hash"], row["infohash_v1"]} for row in rows))

    async def until(self, reached: Any) -> list[Row]:
        """Return its torrents as soon as they are such that *reached*."""
        while not reached(rows := await self.rows()):  # noqa: ASYNC110 - it has no event
            await asyncio.sleep(0.05)
        return rows

    async def until_on_disk(self, count: int) -> None:
        """Return when so many torrents would be there after a kill."""
        folder = self.folder / "qBittorrent" / "data" / "BT_backup"
        while len(list(folder.glob("*.fastresume"))) < count:  # noqa: ASYNC110 - no event
            await asyncio.sleep(0.05)

    def saved(self) -> list[Path]:
        """Return what lies where payload is saved."""
        return sorted((self.folder / "saved").rglob("*"))


class Counting(SystemClock):
    """A clock that counts how often somebody begins to wait by it: the source does between two looks at a server."""

    def __init__(self) -> None:
        self._turns = 0
        self._more = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        self._turns += 1
        self._more.set()
        await super().sleep(seconds)

    async def looks(self, count: int) -> None:
        """Return when one has begun after now, and so many are over."""
        until = self._turns + count + 1
        while self._turns < until:
            self._more.clear()
            await self._more.wait()


class Hurried(Counting):
    """One on which every second is a tenth of one."""

    def monotonic(self) -> float:
        return super().monotonic() * 10

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds / 10)


@dataclass
class World:
    """A swarm, a qBittorrent that knows nobody else, and where calibot marks what it adds."""

    swarm: Swarm
    nox: Nox
    marks: Path

    def opened(
        self,
        *,
        url: str = "",
        password: str = "",
        seconds: float = 5,
        clock: Clock | None = None,
        policy: AddressPolicy | None = None,
        marks: Path | None = None,
    ) -> AbstractAsyncContextManager[QbittorrentResolver]:
        return QbittorrentResolver.open(
            Login(url or self.nox.url, USER, password or self.nox.password, seconds=seconds),
            marks=marks or self.marks,
            policy=policy or AddressPolicy(allow_private=True),
            clock=clock or SystemClock(),
            read=read_torrent,
        )


@pytest.fixture
async def nox(tmp_path: Path) -> AsyncIterator[Nox]:
    """Yield a qBittorrent that has no queue."""
    one = Nox(tmp_path / "profile")
    await asyncio.to_thread(write_settings, one.folder, one.port, one.password)
    try:
        await one.start()
        yield one
    finally:
        await one.stop()


@pytest.fixture
async def world(nox: Nox, tmp_path: Path) -> AsyncIterator[World]:
    """Yield a qBittorrent in a swarm; see that nothing is left there."""
    async with Swarm(dht=False) as swarm, nothing_left_there(nox, tmp_path / "marks"):
        yield World(swarm, nox, tmp_path / "marks")


class Front:
    """Stands before a qBittorrent, counts what it is asked, and answers itself where `answers` has something."""

    def __init__(self, nox: Nox) -> None:
        self._nox = nox
        self._over = asyncio.Event()
        self._more = asyncio.Event()
        self.asked: Counter[str] = Counter()
        self.bodies: list[tuple[str, str]] = []
        """What it was told, each with the last word of the path."""
        self.answers: dict[str, Answer] = {}
        """What is answered, by the last word of the path; ``*`` is any."""
        self.after: dict[str, Answer] = {}
        """The same, when the real one has done what it was asked for."""
        self.rewritten: dict[str, Callable[[bytes], bytes]] = {}
        """How what the real one answers is changed."""
        self.refused: dict[str, str] = {}
        """By the last word of the path what a question has in it that is answered with 500."""
        self.url = ""

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator["Front"]:
        app = web.Application(client_max_size=2**24)
        app.router.add_route("*", "/{path:.*}", self._answer)
        runner = web.AppRunner(app, shutdown_timeout=0)
        await runner.setup()
        async with aiohttp.ClientSession(self._nox.url, cookie_jar=aiohttp.DummyCookieJar()) as self._session:
            try:
                await web.TCPSite(runner, "127.0.0.1", 0).start()
                self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
                yield self
            finally:
                self._over.set()
                await runner.cleanup()

    async def until(self, reached: Callable[[Counter[str]], bool]) -> None:
        """Return when it has been asked so much that *reached*."""
        while not reached(self.asked):
            self._more.clear()
            await self._more.wait()

    async def asked_again(self, times: int) -> None:
        """Return when it has been asked so often from now on."""
        until = self.asked.total() + times
        await self.until(lambda asked: asked.total() >= until)

    async def silence(self) -> web.StreamResponse:
        """Answer when nobody waits any more."""
        await self._over.wait()
        return web.Response(status=500)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        word = request.path.rpartition("/")[2]
        self.asked[word] += 1
        self._more.set()
        answer = self.answers.get(word) or self.answers.get("*")
        if answer is not None:
            instead = await answer()
            if instead is not None:
                return instead
        body = await request.read()
        self.bodies.append((word, body.decode(errors="replace")))
        if word in self.refused and self.refused[word].encode() in body:
            return web.Response(status=500)
        kept = {name: request.headers[name] for name in ("Cookie", "Content-Type") if name in request.headers}
        async with self._session.request(request.method, request.path_qs, data=body, headers=kept) as said:
            if word in self.after:
                await self.after[word]()
            given = {name: said.headers[name] for name in ("Set-Cookie", "Content-Type") if name in said.headers}
            content = await said.read()
            if said.ok and word in self.rewritten:
                content = self.rewritten[word](content)
            return web.Response(status=said.status, body=content, headers=given)


Answer = Callable[[], Awaitable["web.StreamResponse | None"]]


def saying(status: int, text: str = "") -> Answer:
    async def answer() -> web.StreamResponse:
        return web.Response(status=status, text=text)

    return answer


def as_windows_has_it(info: bytes) -> bytes:
    """Return *info*, where it lists torrents with the paths of a qBittorrent on Windows."""
    said = json.loads(info)
    rows = said if isinstance(said, list) else []  # another info is that of the transfers
    for row in rows:
        row["save_path"] = "D:" + row["save_path"].replace("/", "\\")
    return json.dumps(said).encode()


@pytest.fixture
async def front(world: World) -> AsyncIterator[Front]:
    async with Front(world.nox).open() as one:
        yield one


async def look_up(resolver: QbittorrentResolver, sample: Sample) -> TorrentInfo:
    return await resolver.resolve(torrent_id(sample), trackers_of(sample), Steps())


def looking(resolver: QbittorrentResolver, sample: Sample) -> Running:
    return Running(resolver, torrent_id(sample), trackers_of(sample))


def ours() -> set[str]:
    """Return what runs here of the source: tasks and threads."""
    tasks = {f"task {one.get_name()}" for one in asyncio.all_tasks() if "/resolvers/" in _file_of(one)}
    return tasks | {f"thread {one.name}" for one in threading.enumerate() if one.name.startswith("qbittorrent")}


def _file_of(task: "asyncio.Task[Any]") -> str:
    coroutine = task.get_coro()
    return coroutine.cr_code.co_filename if inspect.iscoroutine(coroutine) else ""


@contextlib.asynccontextmanager
async def nothing_left_there(nox: Nox, marks: Path) -> AsyncIterator[None]:
    """See that what goes on inside leaves no torrent, tag, category, payload or mark, and nobody who asks for more.

    What else is left here is counted when the server has ended: `leftovers.nothing_left`.
    """
    rows, kept = await nox.hashes(), await nox.marks()
    yield
    assert await soon(lambda: not ours()), ours()
    assert await nox.hashes() == rows
    assert await nox.marks() == kept
    assert list(marks.glob("*")) == []
    assert nox.saved() == []


async def forget_all(world: World) -> None:
    """Take away what its owner has."""
    client = world.nox.client
    await asyncio.to_thread(client.torrents_delete, delete_files=True, torrent_hashes=await world.nox.hashes())
    tags, categories = await world.nox.marks()
    await asyncio.to_thread(client.torrents_delete_tags, tags=tags)
    await asyncio.to_thread(client.torrents_remove_categories, categories=categories)

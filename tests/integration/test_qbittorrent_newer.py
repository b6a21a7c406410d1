"""Newer Web APIs, played as qBittorrent's source has them (its torrentscontroller.cpp): none was tried for real."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from aiohttp import web

from sandbox.swarm import make_sample
from services.clock import SystemClock
from services.errors import NotFound, ResolverDown
from services.resolvers.addresses import AddressPolicy
from services.resolvers.libtorrent import read_torrent
from services.resolvers.port import ASKED, DOWN
from services.resolvers.qbittorrent import Login, QbittorrentResolver
from services.torrents import Hints, Step
from tests.integration.leftovers import nothing_left
from tests.integration.swarm_help import Running, Steps, torrent_id

__all__ = ["nothing_left"]

SAMPLE = make_sample("Newer.mkv", kind="hybrid")
X = torrent_id(SAMPLE, "v1")
FILE = b"d4:info" + SAMPLE.info + b"e"
USER, PASSWORD = "owner", "its password"
KEY = "qbt_0123456789abcdefghijklmnopqr"


class Played:
    """Answers as one of *version* and *api* does; metadata comes when it was asked for so many *times*."""

    def __init__(self, version: str, api: str, *, times: int = 3) -> None:
        self.version = version
        self.api = api
        self.times = times
        self.asked: Counter[str] = Counter()
        self.sources: Counter[str] = Counter()
        self.fetched = asyncio.Event()
        self.rows: dict[str, dict[str, object]] = {}
        self.owned = False
        self.refusal = 0
        self.away = False
        self.deleted: list[str] = []
        self.url = ""

    async def start(self) -> web.AppRunner:
        app = web.Application()
        app.router.add_route("*", "/api/v2/{part}/{word}", self._answer)
        runner = web.AppRunner(app, shutdown_timeout=0)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        return runner

    async def _answer(self, request: web.Request) -> web.Response:
        if self.away:
            assert request.transport is not None
            request.transport.close()
        word = request.match_info["word"]
        self.asked[word] += 1
        given = {key: str(value) for key, value in (await request.post()).items()}
        if word == "login":
            return self._log_in(given)
        if request.headers.get("Authorization") != f"Bearer {KEY}" and request.cookies.get("SID") != "let in":
            return web.Response(status=403, text="Forbidden")
        assert given.get("hashes") != "all"
        answer = {
            "webapiVersion": lambda: web.Response(text=self.api),
            "version": lambda: web.Response(text=self.version),
            "info": lambda: web.json_response(self._listed(given)),
            "add": lambda: self._add(given),
            "delete": lambda: self._delete(given),
            "export": lambda: self._export(given),
            "fetchMetadata": lambda: self._fetch(given["source"]),
            "saveMetadata": lambda: web.Response(status=409) if self.owned else web.Response(body=FILE),
            "tags": lambda: web.json_response([]),
            "trackers": lambda: web.json_response([]),
            "categories": lambda: web.json_response({}),
        }.get(word)
        return answer() if answer else web.json_response({})

    def _log_in(self, given: dict[str, str]) -> web.Response:
        """As 5.2 answers."""
        if (given["username"], given["password"]) != (USER, PASSWORD):
            return web.Response(status=401, text="Unauthorized")
        answer = web.Response(status=204)
        answer.set_cookie("SID", "let in", httponly=True)
        return answer

    def _delete(self, given: dict[str, str]) -> web.Response:
        self.deleted.append(given["deleteFiles"])
        for one in given["hashes"].split("|"):
            self.rows.pop(one, None)
        return web.Response()

    def _export(self, given: dict[str, str]) -> web.Response:
        return web.Response(body=FILE) if given["hash"] in self.rows or self.owned else web.Response(status=404)

    def _listed(self, given: dict[str, str]) -> list[dict[str, object]]:
        rows = [row for row in self.rows.values() if given.get("category", row["category"]) == row["category"]]
        for row in rows:
            if self.asked["info"] >= self.times:
                row |= {"state": "stoppedDL", "has_metadata": True, "total_size": 1234, "hash": str(SAMPLE.v2)[:40],
                        "infohash_v2": str(SAMPLE.v2)}  # fmt: skip
        self.rows = {str(row["hash"]): row for row in self.rows.values()}
        return rows

    def _add(self, given: dict[str, str]) -> web.Response:
        assert (given["stopped"], given["stopCondition"]) == ("False", "MetadataReceived")
        key = str(SAMPLE.v1)
        self.rows[key] = {
            "hash": key, "infohash_v1": key, "infohash_v2": "", "category": given["category"], "tags": given["tags"],
            "state": "metaDL", "has_metadata": False, "total_size": -1,
            "save_path": f"/srv/{given['savepath']}",
        }  # fmt: skip
        return web.Response(text="Ok.")

    async def until_fetched(self, source: str) -> None:
        """Return when *source* has been asked for."""
        while not self.sources[source]:
            self.fetched.clear()
            await self.fetched.wait()

    def _fetch(self, source: str) -> web.Response:
        self.sources[source] += 1
        self.fetched.set()
        if self.refusal:
            return web.Response(status=self.refusal, text="Unable to parse")
        named = {"infohash_v1": SAMPLE.v1, "infohash_v2": "", "hash": SAMPLE.v1}
        if self.asked["fetchMetadata"] < self.times:
            return web.json_response(named, status=202)
        return web.json_response(named | {"info": {"name": "sanitised", "length": 1234, "files": []}})


async def played(one: Played) -> AsyncIterator[Played]:
    runner = await one.start()
    try:
        yield one
    finally:
        await runner.cleanup()


@pytest.fixture
async def with_fetch() -> AsyncIterator[Played]:
    async for one in played(Played("v5.2.0", "2.15.1")):
        yield one


@pytest.fixture(params=[("v5.0.0", "2.11.2"), ("v5.1.2", "2.11.4")])
async def without_fetch(request: pytest.FixtureRequest) -> AsyncIterator[Played]:
    async for one in played(Played(*request.param)):
        yield one


def opened(
    one: Played, marks: Path, *, api_key: str = KEY, password: str = ""
) -> AbstractAsyncContextManager[QbittorrentResolver]:
    by_name = Login(one.url, USER, password, seconds=2)
    return QbittorrentResolver.open(
        by_name if password else Login(one.url, api_key=api_key, seconds=2),
        marks=marks,
        policy=AddressPolicy(),
        clock=SystemClock(),
        read=read_torrent,
    )


async def test_metadata_is_fetched_without_a_torrent_being_added(with_fetch: Played, tmp_path: Path) -> None:
    async with opened(with_fetch, tmp_path) as resolver:
        steps = Steps()
        info = await resolver.resolve(X, Hints(), steps)
    assert steps.last == Step(ASKED), "while it is being looked for"
    assert (info.name.text, info.verified, info.torrent) == ("Newer.mkv", True, torrent_id(SAMPLE))
    assert set(with_fetch.sources) == {f"magnet:?xt=urn:btih:{SAMPLE.v1}"}
    assert (with_fetch.asked["fetchMetadata"], with_fetch.asked["add"], with_fetch.asked["delete"]) == (3, 0, 0)


async def test_who_is_asked_again_when_it_is_back_says_so(with_fetch: Played, tmp_path: Path) -> None:
    async with opened(with_fetch, tmp_path) as resolver, Running(resolver, X) as lookup:
        with_fetch.times = 1000
        await lookup.steps.until(lambda step: step == Step(ASKED))
        with_fetch.away = True
        await lookup.steps.until(lambda step: step == Step(DOWN))
        with_fetch.away = False
        await lookup.steps.until(lambda step: step == Step(ASKED))


async def test_what_its_owner_has_is_exported_where_metadata_is_fetched(with_fetch: Played, tmp_path: Path) -> None:
    with_fetch.owned = True
    async with opened(with_fetch, tmp_path) as resolver:
        assert (await resolver.resolve(X, Hints(), Steps())).name.text == "Newer.mkv"
    assert with_fetch.asked["export"] == 1


async def test_nobody_is_asked_any_more_for_a_fetch_that_was_cancelled(with_fetch: Played, tmp_path: Path) -> None:
    with_fetch.times = 1000
    another = make_sample("Another.mkv")
    mine, other = (f"magnet:?xt=urn:btih:{one.v1}" for one in (SAMPLE, another))
    async with opened(with_fetch, tmp_path) as resolver:
        async with Running(resolver, X):
            await with_fetch.until_fetched(mine)
        async with Running(resolver, torrent_id(another, "v1")) as running:
            await with_fetch.until_fetched(other)
            asked = with_fetch.sources[mine]  # what was on its way has come: one is asked after the other
            with_fetch.times = with_fetch.asked["fetchMetadata"] + 5
            with pytest.raises(NotFound):  # what is played is another one
                await running.task
        assert with_fetch.sources[mine] == asked


async def test_a_tracker_that_could_be_read_as_more_is_not_fetched_with(with_fetch: Played, tmp_path: Path) -> None:
    """Some versions decode the source once more: what is in a tracker would be a parameter of the magnet."""
    trackers = ("udp://1.1.1.1:1/a?b=1", "udp://1.1.1.1:1/a?b=1&x.pe=10.0.0.1:1", "udp://1.1.1.1:1/%26x.pe=10.0.0.1:1")
    async with opened(with_fetch, tmp_path) as resolver:
        await resolver.resolve(X, Hints(trackers), Steps())
    assert set(with_fetch.sources) == {f"magnet:?xt=urn:btih:{SAMPLE.v1}&tr=udp%3A%2F%2F1.1.1.1%3A1%2Fa%3Fb%3D1"}


async def test_a_magnet_that_it_refuses_is_not_found(with_fetch: Played, tmp_path: Path) -> None:
    with_fetch.refusal = 400
    async with opened(with_fetch, tmp_path) as resolver:
        with pytest.raises(NotFound):
            await resolver.resolve(X, Hints(), Steps())


async def test_where_there_is_no_fetch_a_torrent_is_added_and_deleted(without_fetch: Played, tmp_path: Path) -> None:
    async with opened(without_fetch, tmp_path) as resolver:
        info = await resolver.resolve(X, Hints(), Steps())
        assert without_fetch.rows == {}
    assert info.name.text == "Newer.mkv"
    assert without_fetch.deleted == ["False"]
    assert without_fetch.asked["fetchMetadata"] == 0
    assert list(tmp_path.iterdir()) == []


async def test_an_api_key_needs_no_login_and_a_wrong_one_is_tried_once(with_fetch: Played, tmp_path: Path) -> None:
    async with opened(with_fetch, tmp_path) as resolver:
        await resolver.resolve(X, Hints(), Steps())
    assert (with_fetch.asked["login"], with_fetch.asked["logout"]) == (0, 0)
    with_fetch.asked.clear()
    async with opened(with_fetch, tmp_path, api_key="qbt_another") as resolver:
        for _ in range(7):
            with pytest.raises(ResolverDown, match="password"):
                await resolver.resolve(X, Hints(), Steps())
    assert with_fetch.asked.total() == 1


async def test_by_a_name_and_a_password_it_is_let_in_once(with_fetch: Played, tmp_path: Path) -> None:
    async with opened(with_fetch, tmp_path, password=PASSWORD) as resolver:
        for _ in range(3):
            assert (await resolver.resolve(X, Hints(), Steps())).name.text == "Newer.mkv"
    assert (with_fetch.asked["login"], with_fetch.asked["logout"]) == (1, 1)


async def test_a_wrong_password_is_tried_once_where_that_is_answered_with_401(
    with_fetch: Played, tmp_path: Path
) -> None:
    async with opened(with_fetch, tmp_path, password=f"not {PASSWORD}") as resolver:
        for _ in range(7):
            with pytest.raises(ResolverDown, match="password"):
                await resolver.resolve(X, Hints(), Steps())
    assert with_fetch.asked["login"] == 1

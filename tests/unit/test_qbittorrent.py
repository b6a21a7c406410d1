"""What a qBittorrent is told and what its library raises: pure, no socket."""

import ast
import asyncio
import fcntl
import inspect
import os
import re
import socket
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar, cast

import pytest
import qbittorrentapi
import requests
from qbittorrentapi import exceptions
from requests.exceptions import ConnectTimeout, ReadTimeout, SSLError

from services.errors import ResolverDown
from services.resolvers.addresses import AddressPolicy
from services.resolvers.port import ASKED, DOWN
from services.resolvers.qbittorrent import Login, Server
from services.resolvers.qbittorrent.lookups import Lookup
from services.resolvers.qbittorrent.magnets import Guard, decoded_twice, magnet
from services.resolvers.qbittorrent.runs import Run
from services.resolvers.qbittorrent.server import Listed, _read
from services.resolvers.qbittorrent.watch import Watch
from services.torrents import Hints, InfoHash, Step, TorrentId
from tests.fake_clock import FakeClock
from tests.integration.swarm_help import Steps

T = TypeVar("T")
V1, V2 = InfoHash("1" * 40), InfoHash("2" * 64)
ROOT = Path(__file__).parents[2]
URL = "http://127.0.0.1:8080"
ERRORS = [one for _, one in inspect.getmembers(exceptions, inspect.isclass) if issubclass(one, exceptions.APIError)]


def naming_all(code: str) -> list[str]:
    """Return the texts in Python *code*, comments left out, by which a qBittorrent would be told that all are meant."""
    texts = [str(one.value) for one in ast.walk(ast.parse(code)) if isinstance(one, ast.Constant)]
    return [one for one in texts if re.search(r"\A(b')?all'?\Z|hashes=all\b", one)]


@pytest.mark.parametrize("error", ERRORS)
def test_every_error_of_the_library_is_that_it_is_down(monkeypatch: pytest.MonkeyPatch, error: type[Exception]) -> None:
    def fail(*_: object, **_and: object) -> None:
        raised = error()
        if isinstance(raised, exceptions.HTTPError) and not hasattr(raised, "http_status_code"):
            raised.http_status_code = 418
        raise raised

    monkeypatch.setattr(qbittorrentapi.Client, "torrents_info", fail)
    with pytest.raises(ResolverDown) as failed:
        Server(Login(URL)).listed()
    assert failed.value.parameters["reason"]


@pytest.mark.parametrize(
    ("why", "reason"),
    [(SSLError, "certificate"), (ReadTimeout, "timeout"), (ConnectTimeout, "timeout"), (OSError, "unreachable")],
)
def test_it_is_told_why_nobody_answers(monkeypatch: pytest.MonkeyPatch, why: type[Exception], reason: str) -> None:
    def fail(*_: object, **_and: object) -> None:
        try:
            raise why
        except OSError:
            raise exceptions.APIConnectionError  # noqa: B904 - as the library does

    monkeypatch.setattr(qbittorrentapi.Client, "torrents_info", fail)
    with pytest.raises(ResolverDown, match=reason):
        Server(Login(URL)).listed()


@pytest.mark.parametrize("keys", [["all"], ["1" * 40, "all"], ["1" * 64], ["1" * 40 + "|" + "2" * 40], []])
def test_nothing_but_info_hashes_is_ever_deleted(monkeypatch: pytest.MonkeyPatch, keys: list[str]) -> None:
    monkeypatch.setattr(qbittorrentapi.Client, "torrents_delete", lambda *_, **__: pytest.fail("it was asked"))
    with pytest.raises(ResolverDown):
        Server(Login(URL)).delete(keys)


def test_no_file_is_ever_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    monkeypatch.setattr(
        qbittorrentapi.Client, "torrents_delete", lambda _, *, delete_files, **__: asked.append(delete_files)
    )
    Server(Login(URL)).delete(["1" * 40])
    assert asked == [False]
    assert 'deleteFiles="true"' not in (ROOT / "examples" / "find_name_qbittorrent.py").read_text("utf-8")


def test_nothing_of_the_environment_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    for word in ("USERNAME", "PASSWORD", "API_KEY", "DO_NOT_VERIFY_WEBUI_CERTIFICATE"):
        monkeypatch.setenv(f"QBITTORRENTAPI_{word}", "s3cret")
        monkeypatch.setenv(f"PYTHON_QBITTORRENTAPI_{word}", "s3cret")
    asked: list[tuple[object, object, object]] = []

    def send(session: requests.Session, request: requests.PreparedRequest, **given: object) -> None:
        asked.append((request.body, request.headers.get("Authorization"), given["verify"] is not False))
        raise requests.ConnectionError

    monkeypatch.setattr(requests.Session, "send", send)
    client = Server(Login("https://127.0.0.1:9"))._client
    client.begin(5)
    with pytest.raises(exceptions.APIConnectionError):
        client.auth_log_in()
    assert set(asked) == {("username=&password=", None, True)}


@pytest.mark.parametrize("said", ["""delete(hashes="all")""", "delete('all')", "f'?hashes=all&x={y}'", "b'hashes=all'"])
def test_where_all_would_stand_it_is_seen(said: str) -> None:
    assert naming_all(said)
    assert not naming_all(f"# {said}")


@pytest.mark.parametrize("folder", ["services", "bot", "examples", "benchmarks"])
def test_nowhere_in_the_code_stands_all(folder: str) -> None:
    sources = {one: one.read_text("utf-8") for one in (ROOT / folder).rglob("*.py")}
    assert any("qbittorrent" in said for said in sources.values())
    assert [one for one, said in sources.items() if naming_all(said)] == []


def test_a_login_shows_no_secret() -> None:
    assert "s3cret" not in repr(Login(URL, "me", "s3cret", "s3cret-key"))


def test_a_magnet_says_hashes_trackers_and_peers_and_nothing_else() -> None:
    hints = Hints(("http://a.example/announce?x=1&y=2", "udp://b.example:1"), (("1.1.1.1", 5), ("2606:4700::1", 6)))
    assert magnet(TorrentId(V1, V2), hints) == (
        f"magnet:?xt=urn:btih:{V1}&xt=urn:btmh:1220{V2}"
        "&tr=http%3A%2F%2Fa.example%2Fannounce%3Fx%3D1%26y%3D2&tr=udp%3A%2F%2Fb.example%3A1"
        "&x.pe=1.1.1.1:5&x.pe=[2606:4700::1]:6"
    )
    assert decoded_twice(hints) == Hints(hints.trackers[1:], hints.peers)


class Names:
    """Name servers that answer with what is in *leads*; those of other names are silent until `over`."""

    def __init__(self, leads: dict[str, list[str]]) -> None:
        self._leads = leads
        self._loop = asyncio.get_running_loop()
        self._over = threading.Event()
        self.asked: asyncio.Queue[str] = asyncio.Queue()

    def getaddrinfo(self, host: str, *_: object, **_and: object) -> list[tuple[object, ...]]:
        self._loop.call_soon_threadsafe(self.asked.put_nowait, host)
        host.encode("idna")  # as the real one does
        if host not in self._leads:
            self._over.wait()
        if not self._leads.get(host):
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return [(0, 0, 0, "", (one, 0)) for one in self._leads[host]]

    def over(self) -> None:
        self._over.set()


@pytest.fixture
async def names(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Names]:
    one = Names(
        {
            "public.example": ["1.1.1.1"],
            "both.example": ["1.1.1.1", "10.0.0.1"],
            "inner.example": ["::ffff:192.168.1.1"],
            "nowhere.example": [],
        }
    )
    monkeypatch.setattr(socket, "getaddrinfo", one.getaddrinfo)
    yield one
    one.over()


def trackers(*names: str) -> Hints:
    return Hints(tuple(f"http://{one}.example/a" for one in names))


@pytest.mark.usefixtures("names")
async def test_a_name_that_leads_to_a_private_address_is_left_out() -> None:
    hints = replace(trackers("public", "both", "inner"), peers=(("10.0.0.1", 1), ("1.1.1.1", 1)))
    found = await Guard(AddressPolicy(), FakeClock()).passed(hints)
    assert found == Hints(("http://public.example/a",), (("1.1.1.1", 1),))
    everybody = await Guard(AddressPolicy(allow_private=True), FakeClock()).passed(hints)
    assert everybody == hints


@pytest.mark.usefixtures("names")
async def test_a_name_of_which_nobody_says_where_it_leads_is_left_out() -> None:
    hints = trackers("public", "nowhere", "x" * 64)
    assert await Guard(AddressPolicy(), FakeClock()).passed(hints) == trackers("public")


async def test_a_name_whose_server_is_silent_is_left_out_after_two_seconds(names: Names) -> None:
    clock = FakeClock()
    guarding = asyncio.create_task(Guard(AddressPolicy(), clock).passed(trackers("silent")))
    assert await names.asked.get() == "silent.example"
    await clock.advance(1.9)
    assert not guarding.done()
    await clock.advance(0.1)
    assert await guarding == Hints()


async def test_names_whose_servers_are_silent_hold_up_no_other(names: Names) -> None:
    guard = Guard(AddressPolicy(), FakeClock())
    silent = [f"silent{number}" for number in range(49)]
    guarding = asyncio.create_task(guard.passed(trackers(*silent, "public")))
    asked = {await names.asked.get() for _ in range(50)}
    assert "public.example" in asked
    assert await guard.passed(trackers("public")) == trackers("public")
    names.over()
    assert await guarding == trackers("public")


async def test_a_name_whose_server_is_silent_is_asked_for_once_by_many(names: Names) -> None:
    clock = FakeClock()
    guard = Guard(AddressPolicy(), clock)
    many = [asyncio.create_task(guard.passed(trackers("silent"))) for _ in range(20)]
    await names.asked.get()
    await clock.advance(2)
    assert await asyncio.gather(*many) == [Hints()] * 20
    assert await guard.passed(trackers("public")) == trackers("public")
    assert names.asked.get_nowait() == "public.example"


# Which processes are over.


def test_a_run_is_dead_when_its_process_is(tmp_path: Path) -> None:
    first, second = Run.begin(tmp_path, URL), Run.begin(tmp_path, URL)
    assert Run.dead(tmp_path, URL) == []
    first.end(clean=False)  # the kernel does so, too
    dead = Run.dead(tmp_path, URL)
    assert [one.name for one in dead] == [first.name]
    assert Run.dead(tmp_path, URL) == [], "it is swept by one process"
    dead[0].end(clean=True)
    second.end(clean=True)
    assert list(tmp_path.iterdir()) == []


def test_it_is_known_of_a_dead_run_whether_it_asked_at_another_address(tmp_path: Path) -> None:
    run = Run.begin(tmp_path, "http://localhost:8080")
    run.end(clean=False)
    for url, elsewhere in ((URL, True), ("http://localhost:8080", False)):
        (dead,) = Run.dead(tmp_path, url)
        assert (dead.name, dead.elsewhere) == (run.name, elsewhere)
        dead.end(clean=False)


def test_a_file_is_not_taken_for_dead_before_it_is_locked(tmp_path: Path) -> None:
    (tmp_path / ".new-calibot-0123456789ab").touch()
    (tmp_path / "notes.txt").touch()
    assert Run.dead(tmp_path, URL) == []
    run = Run.begin(tmp_path, URL)
    descriptor = os.open(tmp_path / run.name, os.O_RDWR)
    with pytest.raises(BlockingIOError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(descriptor)
    run.end(clean=True)


def test_tags_are_told_from_those_of_others(tmp_path: Path) -> None:
    run = Run.begin(tmp_path, URL)
    tags = [run.next_tag(), run.next_tag()]
    assert len(set(tags)) == 2
    assert run.tags_among([*tags, "calibot", run.name, "mine", f"x{tags[0]}", Run("calibot-0").next_tag()]) == tags
    run.end(clean=True)


@pytest.mark.parametrize("state", ["queuedDL", "pausedDL", "stoppedDL"])
async def test_what_was_seen_before_it_stood_in_line_or_was_stopped_stays_what_is_told(state: str) -> None:
    def row(state: str) -> Listed:
        (listed,) = _read([{"hash": V1.hex, "state": state}])
        return listed

    steps = Steps()
    lookup = Lookup(TorrentId.of(V1), Hints(), steps, [])
    lookup.see(row(state), 0)
    lookup.see(row("metaDL"), 9)
    lookup.see(row(state), 0)
    told = [one.code for one in steps.seen]
    assert told == ["in_line" if state == "queuedDL" else "asking_others", "asking"]
    lookup.tell(Step(DOWN))
    lookup.see(row(state), 0)
    assert steps.last.parameters["dht_nodes"] == 9


class Fetching:
    """Is asked for metadata in vain, and for its DHT, of which it says nothing while it is *away*."""

    away = False

    async def ask(self, question: Callable[[Server], T]) -> T:
        return question(cast("Server", self))

    def dht_nodes(self) -> int:
        if self.away:
            raise ResolverDown(reason="timeout")
        return 9

    def fetched(self, _: str) -> None:
        return None


async def test_who_was_told_that_it_is_down_is_asked_for_at_once_when_it_is_back() -> None:
    clock, server, steps = FakeClock(), Fetching(), Steps()
    watch = Watch(cast("Any", server), Run("calibot-0"), [], Guard(AddressPolicy(), clock), clock=clock)
    lookup = Lookup(TorrentId.of(V1), Hints(), steps, [], magnet=f"magnet:?xt=urn:btih:{V1.hex}")
    tasks = [asyncio.create_task(watch.run()), asyncio.create_task(watch.found(lookup))]
    await clock.advance(60)
    for _ in range(5):
        server.away = True
        await clock.advance(5.5)
        assert steps.last == Step(DOWN)
        server.away = False
        await clock.advance(0.5)
        assert steps.last == Step(ASKED)
    for one in tasks:
        one.cancel()
    await asyncio.wait(tasks)

"""Web caches as a source, over real sockets: what they answer, where they lead, and whom nobody is to contact."""

import asyncio
import gc
import gzip
import socket
import threading
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import httpcore
import pytest

from bot import sources
from bot.config import Web
from bot.config_resolvers import Http, Libtorrent, Resolvers
from bot.doctor_sources import look_at_sources
from sandbox.swarm import make_sample
from services.clock import Clock, SystemClock
from services.errors import LookupFailed, NotFound, ResolverDown
from services.resolvers.addresses import AddressPolicy
from services.resolvers.http import HttpResolver
from services.resolvers.libtorrent import read_torrent
from services.resolvers.port import Resolver
from services.torrents import Hints, InfoHash, TorrentId, TorrentInfo
from tests.fake_clock import FakeClock, settle
from tests.integration.leftovers import nothing_left, soon
from tests.integration.swarm_help import Steps

__all__ = ["nothing_left"]

SAMPLE = make_sample("Cached.mkv")
HASH = SAMPLE.v1 or ""
TORRENT = b"d4:info" + SAMPLE.info + b"e"
X = TorrentId.of(InfoHash(HASH))
OPEN = AddressPolicy(allowed=("127.0.0.1",))


class Cache:
    """A server that answers each path as it was told, and knows what it was asked for."""

    def __init__(self) -> None:
        self.answers: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.heads: list[bytes] = []
        self.stays_open = False
        self.port = 0
        self._served: set[asyncio.Task[None]] = set()
        self._told = asyncio.Condition()

    @asynccontextmanager
    async def at(self, host: str = "127.0.0.1") -> AsyncIterator["Cache"]:
        server = await asyncio.start_server(self._connected, host, 0)
        self.port = server.sockets[0].getsockname()[1]
        async with server:
            yield self
            for one in self._served:
                one.cancel()
            await asyncio.gather(*self._served, return_exceptions=True)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._served.add(asyncio.create_task(self._serve(reader, writer)))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            try:
                head = await reader.readuntil(b"\r\n\r\n")
                self.heads.append(head)
                path = head.split()[1].decode()
                self.asked.append(path)
                async with self._told:
                    self._told.notify_all()
                writer.write(self.answers.get(path, answer(404, b"no")))
                await writer.drain()
                if self.stays_open:
                    await asyncio.Event().wait()
            finally:
                writer.close()

    @property
    def is_connected(self) -> bool:
        return any(not one.done() for one in self._served)

    async def is_asked(self, times: int) -> None:
        async with self._told:
            await self._told.wait_for(lambda: len(self.asked) >= times)

    def url(self, path: str = "/{info_hash}.torrent", host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"


class Counted(FakeClock):
    """A clock that says when somebody begins to wait for it."""

    def __init__(self) -> None:
        super().__init__()
        self.falls_asleep = asyncio.Semaphore(0)

    async def sleep(self, seconds: float) -> None:
        self.falls_asleep.release()
        await super().sleep(seconds)


def answer(status: int, body: bytes = b"", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


@pytest.fixture
async def cache() -> AsyncIterator[Cache]:
    async with Cache().at() as one:
        yield one


def opened(
    template: str, *, policy: AddressPolicy = OPEN, seconds: float = 20, at_once: int = 10, clock: Clock | None = None
) -> AbstractAsyncContextManager[HttpResolver]:
    return HttpResolver.open(
        template, policy=policy, seconds=seconds, at_once=at_once, clock=clock or SystemClock(), read=read_torrent
    )


async def look(template: str, policy: AddressPolicy = OPEN) -> TorrentInfo:
    async with opened(template, policy=policy) as resolver:
        return await resolver.resolve(X, Hints(), Steps())


async def failure(template: str, policy: AddressPolicy = OPEN) -> LookupFailed:
    with pytest.raises(LookupFailed) as failed:
        await look(template, policy=policy)
    return failed.value


def several(
    *templates: str, clock: Clock | None = None, marks: Path = Path("/none")
) -> AbstractAsyncContextManager[Resolver]:
    """Open the caches as the settings have it that name them."""
    http, private = Http(templates=templates, timeout=10), Libtorrent(allow_private_peers=True)
    settings = Resolvers(order=("http",), http=http, libtorrent=private)
    return sources.opened(settings, None, clock or SystemClock(), marks=marks)


async def test_what_a_cache_has_is_verified(cache: Cache) -> None:
    cache.answers[f"/{HASH}.torrent"] = answer(200, TORRENT)
    info = await look(cache.url())
    assert (info.name.text, info.verified, info.source, info.torrent) == ("Cached.mkv", True, "http", X)


async def test_what_a_cache_sends_as_gzip_unasked_is_read(cache: Cache) -> None:
    cache.answers["/x"] = answer(200, gzip.compress(TORRENT), "Content-Encoding: gzip")
    assert (await look(cache.url("/x"))).name.text == "Cached.mkv"
    cache.answers["/y"] = answer(200, TORRENT, "content-encoding: Identity")
    assert (await look(cache.url("/y"))).name.text == "Cached.mkv"
    cache.answers["/z"] = answer(200, gzip.compress(TORRENT) + bytes(200_000), "Content-Encoding: gzip")
    assert (await look(cache.url("/z"))).name.text == "Cached.mkv"


async def test_it_is_told_the_info_hash_in_small_or_capital_digits_and_nothing_else(cache: Cache) -> None:
    cache.answers[f"/a/{HASH.upper()}?x={HASH}"] = answer(200, TORRENT)
    await look(cache.url("/a/{INFO_HASH}?x={info_hash}"))
    (head,) = cache.heads
    names = sorted(line.partition(b":")[0].lower() for line in head.splitlines()[1:] if line)
    assert names == [b"accept-encoding", b"host", b"user-agent"]
    assert b"user-agent: calibot\r\n" in head.lower()


async def test_the_next_is_asked_where_one_does_not_have_it(cache: Cache) -> None:
    cache.answers[f"/second?{HASH}"] = answer(200, TORRENT)
    templates = (cache.url("/first?{info_hash}"), "http://127.0.0.1:1/{info_hash}", cache.url("/second?{info_hash}"))
    async with several(*templates) as chain:
        assert (await chain.resolve(X, Hints(), Steps())).name.text == "Cached.mkv"
    assert cache.asked == [f"/first?{HASH}", f"/second?{HASH}"]


async def test_one_that_is_silent_costs_its_time_until_it_is_left_alone(cache: Cache) -> None:
    cache.answers[f"/{HASH}.torrent"] = answer(200, TORRENT)
    clock = FakeClock()
    async with Cache().at() as silent, several(silent.url(), cache.url(), clock=clock) as chain:
        silent.stays_open, silent.answers[f"/{HASH}.torrent"] = True, b""
        for times in (1, 2, 3):
            looking = asyncio.ensure_future(chain.resolve(X, Hints(), Steps()))
            await silent.is_asked(times)
            assert not looking.done()
            await clock.advance(6)
            assert (await looking).name.text == "Cached.mkv"
        await chain.resolve(X, Hints(), Steps())
    assert len(cache.asked) == 4


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (answer(404), "no_file"),
        (answer(410), "no_file"),
        (answer(200, b"<html>not found</html>"), "torrent_unusable"),
        (answer(200), "torrent_unusable"),
        (answer(200, b"d4:info" + make_sample("Another").info + b"e"), "another torrent"),
        (answer(200, b"x" * (16 * 1_048_576 + 1)), "file_too_large"),
        (answer(200, gzip.compress(bytes(16 * 1_048_576 + 1)), "Content-Encoding: gzip"), "file_too_large"),
        (answer(200, gzip.compress(TORRENT) + bytes(17 * 1_048_576), "Content-Encoding: gzip"), "file_too_large"),
        (answer(200, gzip.compress(TORRENT)[:-20], "Content-Encoding: gzip"), "torrent_unusable"),
        (answer(200, TORRENT, "Content-Encoding: gzip"), "torrent_unusable"),
        (answer(200, TORRENT, "Content-Encoding: br"), "torrent_unusable"),
    ],
)
async def test_what_is_not_this_torrent_is_no_answer(cache: Cache, said: bytes, reason: str) -> None:
    cache.answers["/x"] = said
    failed = await failure(cache.url("/x"))
    assert isinstance(failed, NotFound)
    assert failed.parameters == {"reason": reason}


@pytest.mark.parametrize(
    "said",
    [
        *(answer(status) for status in (500, 429, 403, 302, 304)),
        answer(302, b"", "Location: "),
        *(b"", b"garbage\r\n\r\n", b"HTTP/1.1 200 X\r\n"),
    ],
)
async def test_one_that_is_in_trouble_is_down(cache: Cache, said: bytes) -> None:
    cache.answers["/x"] = said
    assert isinstance(await failure(cache.url("/x")), ResolverDown)


async def test_an_answer_that_breaks_off_is_no_torrent(cache: Cache) -> None:
    cache.answers["/x"] = answer(200, TORRENT)[:-5]
    assert isinstance(await failure(cache.url("/x")), ResolverDown)


async def test_an_endless_answer_is_left_when_it_has_brought_too_much(cache: Cache) -> None:
    cache.stays_open = True
    cache.answers["/x"] = b"HTTP/1.1 200 X\r\n\r\n" + b"x" * (17 * 1_048_576)
    assert (await failure(cache.url("/x"))).parameters == {"reason": "file_too_large"}


async def test_one_that_says_nothing_has_its_time_and_no_more(cache: Cache) -> None:
    clock = FakeClock()
    cache.stays_open = True
    cache.answers["/x"] = b"HTTP/1.1 200 X\r\n"
    async with opened(cache.url("/x"), seconds=10, clock=clock) as resolver:
        looking = asyncio.ensure_future(resolver.resolve(X, Hints(), Steps()))
        await settle()
        await clock.advance(10)
        with pytest.raises(ResolverDown, match="no answer in time"):
            await looking
    assert clock.sleeping == 0


async def test_as_many_as_may_ask_at_once_are_asked_for_at_once(cache: Cache) -> None:
    cache.stays_open = True
    cache.answers["/x"] = b"HTTP/1.1 200 X\r\n"
    async with opened(cache.url("/x"), at_once=12) as resolver:
        looking = [asyncio.ensure_future(resolver.resolve(X, Hints(), Steps())) for _ in range(12)]
        async with asyncio.timeout(10):
            await cache.is_asked(12)
        for one in looking:
            one.cancel()
        await asyncio.wait(looking)


async def test_one_that_a_lookup_left_at_any_moment_is_asked_as_before_and_no_connection_stays(
    cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, found = socket.getaddrinfo, asyncio.Event()
    loop = asyncio.get_running_loop()

    def looked_up(host: str, port: int, **how: int) -> Sequence[object]:
        loop.call_soon_threadsafe(found.set)
        return real(host, port, **how)

    monkeypatch.setattr(socket, "getaddrinfo", looked_up)
    cache.answers["/x"] = answer(200, TORRENT)
    gc.disable()
    try:
        async with asyncio.timeout(15), opened(cache.url("/x"), at_once=2) as resolver:
            for turns in [*range(60)] * 3:
                found.clear()
                looking = asyncio.ensure_future(resolver.resolve(X, Hints(), Steps()))
                await found.wait()
                for _ in range(turns):
                    await asyncio.sleep(0)
                looking.cancel()
                await asyncio.wait([looking])
            assert (await resolver.resolve(X, Hints(), Steps())).name.text == "Cached.mkv"
        assert await soon(lambda: not cache.is_connected)
    finally:
        gc.enable()


# Where they lead, and where nobody goes.


async def test_a_redirect_is_followed_and_its_end_verified(cache: Cache) -> None:
    cache.answers |= {"/x": answer(301, b"", "Location: /y?z=1"), "/y?z=1": answer(200, TORRENT)}
    assert (await look(cache.url("/x"))).name.text == "Cached.mkv"


async def test_a_redirect_to_what_is_not_ascii_is_followed(cache: Cache) -> None:
    cache.answers |= {
        "/x": answer(301, b"", "Location: /é ü%20?z=ñ"),
        "/%C3%A9%20%C3%BC%20?z=%C3%B1": answer(200, TORRENT),
    }
    assert (await look(cache.url("/x"))).name.text == "Cached.mkv"


NO_HOSTS = [
    "127.0.0.1:99999",
    "127.0.0.1:abc",
    "127.0.0.1:0",
    f"{'a' * 64}.example",
    "a..example",
    "..example",
    "b%C3%BC",
]


@pytest.mark.parametrize(
    "template", [*(f"http://{one}/x" for one in NO_HOSTS), "http://bü.example/x", "http://127.0.0.1/é"]
)
async def test_what_is_no_address_counts_as_down(template: str) -> None:
    failed = await failure(template)
    assert isinstance(failed, ResolverDown)
    assert failed.parameters == {"reason": f"{urlsplit(template).netloc}: no such address"}


@pytest.mark.parametrize(
    "to",
    [
        *("/x", "ftp://127.0.0.1/x", "file:///etc/passwd", "http://", "http://[/", "javascript:x"),
        *(f"http://{one}/x" for one in NO_HOSTS),
        "http://bü.example/x",
    ],
)
async def test_a_redirect_that_leads_nowhere_or_in_a_circle_is_no_answer(cache: Cache, to: str) -> None:
    cache.answers["/x"] = answer(302, b"", f"Location: {to}")
    assert (await failure(cache.url("/x"))).parameters == {"reason": "redirected"}
    assert len(cache.asked) <= 4


SPELLINGS = [
    "127.9.9.9",
    "127.9.2313",
    "0x7f090909",
    "2131298569",
    "0177.9.9.9",
    "[::ffff:127.9.9.9]",
    "[::1]",
    "localhost",
]


@pytest.mark.parametrize("host", SPELLINGS)
async def test_no_private_address_is_contacted_by_a_redirect_or_by_name(cache: Cache, host: str) -> None:
    policy = AddressPolicy(allowed=("127.0.0.1",) if host != "localhost" else ("127.0.0.2",))
    async with Cache().at(
        "127.9.9.9" if "9" in host or "2131" in host else "::1" if host == "[::1]" else "127.0.0.1"
    ) as inner:
        inner.answers["/x"] = answer(200, TORRENT)
        target = inner.url("/x", host)
        cache.answers["/x"] = answer(302, b"", f"Location: {target}")
        for template in [target] if host == "localhost" else [target, cache.url("/x")]:
            assert isinstance(await failure(template, policy), ResolverDown)
        assert inner.asked == []


async def test_a_name_that_leads_elsewhere_the_next_time_is_connected_to_where_it_was_looked_at(
    cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = socket.getaddrinfo
    hosts = iter(["127.0.0.1", *["127.9.9.9"] * 5])
    seen: list[str] = []

    def rebinding(host: str, port: int, **how: int) -> Sequence[object]:
        seen.append(host)
        return real(next(hosts) if host == "cache.example" else host, port, **how)

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    async with Cache().at("127.9.9.9") as inner:
        cache.answers["/x"] = answer(200, TORRENT)
        url = cache.url("/x", "cache.example")
        assert (await look(url)).name.text == "Cached.mkv"
        assert isinstance(await failure(url), ResolverDown)
        assert inner.asked == []
    assert "cache.example" in seen


async def test_of_several_addresses_those_that_may_not_be_contacted_are_passed_over(
    cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    def several(_host: str, port: int, **_: int) -> Sequence[object]:
        kinds = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
        return [(*kinds, (one, port)) for one in ("10.0.0.1", "127.9.9.9", "127.0.0.1")]

    monkeypatch.setattr(socket, "getaddrinfo", several)
    cache.answers["/x"] = answer(200, TORRENT)
    assert (await look(cache.url("/x", "cache.example"))).name.text == "Cached.mkv"


async def test_an_address_that_says_nothing_keeps_no_other_of_its_name_from_its_turn(
    cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    def two(_host: str, port: int, **_: int) -> Sequence[object]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in ("127.0.0.2", "127.0.0.1")]

    cache.answers["/x"] = answer(200, TORRENT)
    clock = Counted()
    policy = AddressPolicy(allowed=("127.0.0.1", "127.0.0.2"))
    with socket.socket() as silent, socket.socket() as first:
        silent.bind(("127.0.0.2", cache.port))
        silent.listen(0)  # one fits into its queue; whoever comes after that hears nothing
        first.connect(silent.getsockname())
        monkeypatch.setattr(socket, "getaddrinfo", two)
        async with opened(cache.url("/x", "cache.example"), policy=policy, seconds=10, clock=clock) as resolver:
            looking = asyncio.ensure_future(resolver.resolve(X, Hints(), Steps()))
            async with asyncio.timeout(10):
                for _ in ("for an answer", "for the first address"):
                    await clock.falls_asleep.acquire()
            await settle()
            assert cache.asked == []
            await clock.advance(5)
            async with asyncio.timeout(10):
                assert (await looking).name.text == "Cached.mkv"
    assert clock.sleeping == 0


async def test_a_name_server_that_says_nothing_holds_up_nobody_who_needs_a_thread_and_no_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked, answers = threading.Semaphore(0), threading.Event()

    def silent(*_: object, **_how: object) -> Sequence[object]:
        asked.release()
        answers.wait(60)
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", silent)
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
    try:
        async with asyncio.timeout(10):
            async with opened("http://cache.example/{info_hash}", at_once=3) as resolver:
                looking = [asyncio.ensure_future(resolver.resolve(X, Hints(), Steps())) for _ in range(3)]
                for _ in looking:
                    await asyncio.to_thread(asked.acquire)
                for one in looking:
                    one.cancel()
                await asyncio.wait(looking)
    finally:
        answers.set()


@pytest.mark.parametrize("left", [True, False])
async def test_a_lookup_that_ends_in_the_handshake_leaves_no_connection(*, left: bool) -> None:
    clock, begun, closed = FakeClock(), asyncio.Event(), asyncio.Event()

    async def shakes_no_hands(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(1)  # its hello
        begun.set()
        with suppress(ConnectionError):
            while await reader.read(4096):
                pass
        closed.set()
        writer.close()

    async with asyncio.timeout(10), await asyncio.start_server(shakes_no_hands, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with opened(f"https://127.0.0.1:{port}/x", seconds=10, clock=clock) as resolver:
            looking = asyncio.ensure_future(resolver.resolve(X, Hints(), Steps()))
            await begun.wait()
            if left:
                looking.cancel()
            else:
                await clock.advance(10)
            await asyncio.wait([looking])
            await closed.wait()


async def test_this_machines_own_public_address_is_not_contacted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connected: list[str] = []

    async def connect(_: object, host: str, *_and: object) -> httpcore.AsyncNetworkStream:
        connected.append(host)
        raise httpcore.ConnectError

    monkeypatch.setattr(httpcore.AnyIOBackend, "connect_tcp", connect)
    monkeypatch.setattr("services.resolvers.own_addresses.own_addresses", lambda: (["8.8.4.4"], True))
    templates = ("http://8.8.4.4/{info_hash}", "http://8.8.8.8/{info_hash}")
    settings = Resolvers(order=("http",), http=Http(templates=templates))
    async with sources.opened(settings, None, SystemClock(), marks=tmp_path) as chain:
        with pytest.raises(LookupFailed):
            await chain.resolve(X, Hints(), Steps())
    assert connected == ["8.8.8.8"]


# What a check says of them.


async def checked(*templates: str, seconds: float = 10) -> list[str]:
    http, private = Http(templates=templates, timeout=seconds), Libtorrent(allow_private_peers=True)
    settings = Resolvers(order=("http",), http=http, libtorrent=private)
    return [str(one) async for one in look_at_sources(settings, Web())]


async def test_a_check_has_each_answer_once_and_tells_it_no_info_hash(cache: Cache) -> None:
    async with Cache().at("::1") as other:
        templates = (cache.url("/a/{info_hash}"), cache.url("/b?x={INFO_HASH}"), other.url(host="[::1]"))
        (line,) = await checked(*templates)
        assert (cache.asked, other.asked) == (["/"], ["/"])
        assert f"Host: [::1]:{other.port}".encode() in other.heads[0].splitlines()
        there = f"127.0.0.1:{cache.port}, [::1]:{other.port}"
    assert line == f"✓ http: {there} will learn which torrents are looked for"


async def test_a_check_asks_one_server_by_http_and_by_https_where_both_are_named(cache: Cache) -> None:
    templates = (cache.url(), cache.url().replace("http", "https"))
    down, well = await checked(*templates)
    assert down.startswith(f"✗ http: 127.0.0.1:{cache.port}: ")
    assert well == f"✓ http: 127.0.0.1:{cache.port} will learn which torrents are looked for"


async def test_a_check_says_of_this_machines_own_public_address_nothing_of_private_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("services.resolvers.own_addresses.own_addresses", lambda: (["8.8.4.4"], True))
    settings = Resolvers(order=("http",), http=Http(templates=("http://8.8.4.4/{info_hash}",)))
    (line,) = [str(one) async for one in look_at_sources(settings, Web())]
    assert line == "✗ http: 8.8.4.4: no address that may be contacted — see [resolvers.http] templates"


@pytest.mark.parametrize(
    ("template", "why"),
    [
        ("http://127.0.0.1:1/{info_hash}", "nobody can be reached there"),
        ("http://nowhere.example/{info_hash}", "Name or service not known"),
        ("http://curt/{info_hash}", "Server disconnected without sending a response."),
        ("https://curt/{info_hash}", "EndOfStream"),
        ("https://plain/{info_hash}", "it speaks no https"),
    ],
)
async def test_a_check_tells_of_one_that_does_not_answer_why_and_of_the_others(
    cache: Cache, monkeypatch: pytest.MonkeyPatch, template: str, why: str
) -> None:
    real = socket.getaddrinfo

    def known(host: str, port: int, **how: int) -> Sequence[object]:
        if host == "nowhere.example":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return real(host, port, **how)

    def hangs_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    def speaks_no_https(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    monkeypatch.setattr(socket, "getaddrinfo", known)
    async with (
        await asyncio.start_server(hangs_up, "127.0.0.1", 0) as curt,
        await asyncio.start_server(speaks_no_https, "127.0.0.1", 0) as plain,
    ):
        template = template.replace("curt", f"127.0.0.1:{curt.sockets[0].getsockname()[1]}")
        template = template.replace("plain", f"127.0.0.1:{plain.sockets[0].getsockname()[1]}")
        down, well = await checked(template, cache.url())
    assert down == f"✗ http: {urlsplit(template).netloc}: {why} — see [resolvers.http] templates"
    assert well == f"✓ http: 127.0.0.1:{cache.port} will learn which torrents are looked for"


async def test_a_check_waits_for_a_silent_one_no_longer_than_a_lookup_does(cache: Cache) -> None:
    cache.stays_open, cache.answers["/"] = True, b""
    (line,) = await checked(cache.url(), seconds=0.1)
    assert line == f"✗ http: 127.0.0.1:{cache.port}: no answer in time — see [resolvers.http] templates"

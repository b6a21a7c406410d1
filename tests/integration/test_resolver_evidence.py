"""What the embedded resolver tells of a lookup under way: who answers, who is there, and who is nobody."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import cast

import libtorrent as lt
import pytest

from sandbox.swarm import Swarm, Way, make_sample
from sandbox.swarm.tcp_server import tcp_server
from services.calibration.task import verdict
from services.resolvers.libtorrent import LibtorrentResolver
from services.resolvers.libtorrent.alerts import Alerts
from services.resolvers.libtorrent.evidence import Endpoint
from services.torrents import Hints, InfoHash, Step, TorrentId
from tests.integration.swarm_help import Running, listen_interfaces, number, opened, torrent_id, trackers_of


async def test_it_says_that_it_started_and_where_it_stands_at_once(swarm: Swarm, resolver: LibtorrentResolver) -> None:
    async with Running(resolver, torrent_id(swarm.dead()), Hints(trackers=("ws://no", swarm.tracker_url))) as dead:
        first = await dead.steps.until(lambda step: True)
        assert dead.steps.starts == 1
        assert dead.steps.seen == [first]
        assert first.code == "asking"
        assert first.parameters == {
            "trackers": 1,
            "trackers_answered": 0,
            "dht": 1,
            "dht_nodes": 0,
            "peers": 0,
            "connected": 0,
            "ever_connected": 0,
            "gone_for": 0,
            "seeds": 0,
        }


async def test_of_a_dead_one_trackers_and_dht_answer_and_there_is_nobody(
    swarm: Swarm, resolver: LibtorrentResolver
) -> None:
    dead = swarm.dead()
    async with Running(resolver, torrent_id(dead), trackers_of(dead)) as running:
        step = await running.steps.until(
            lambda step: number(step, "trackers_answered") == 1 and number(step, "dht_nodes") > 0
        )
        assert (step.code, number(step, "peers")) == ("asking", 0)
        told = len(running.steps.seen)
        assert swarm.dht is not None
        for _ in range(2):
            swarm.dht.asked.clear()
            await swarm.dht.asked.wait()
        assert (running.steps.last.code, number(running.steps.last, "peers")) == ("asking", 0)
        assert len(running.steps.seen) == told  # the same again is no news


async def test_a_bootstrap_node_that_answers_is_a_dht_that_answers(swarm: Swarm) -> None:
    # libtorrent counts no bootstrap node among its nodes: here each is one.
    every = tuple(swarm.dht_nodes)
    async with (
        opened(swarm, bootstrap=every, host="127.0.0.1") as resolver,
        Running(resolver, torrent_id(swarm.dead())) as running,
    ):
        step = await running.steps.until(lambda step: number(step, "dht_nodes") > 0)
        assert verdict(step).code == "dead"


async def test_a_closed_port_that_the_magnet_alone_names_is_no_peer_seen(resolver: LibtorrentResolver) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.5.5", 0))  # and does not listen
        hints = Hints(peers=(closed.getsockname(),))
        async with Running(resolver, TorrentId.of(InfoHash("ab" * 20)), hints) as running:
            await running.steps.until(lambda step: number(step, "dht_nodes") > 0)
            (handle,) = resolver._arms[0].session._held.get_torrents()
            assert handle.status().list_peers == 1
            assert {(step.code, number(step, "peers")) for step in running.steps.seen} == {("asking", 0)}


@pytest.mark.parametrize("way", ["tracker", "dht"])
async def test_a_closed_port_that_the_magnet_and_others_name_is_a_peer_seen(
    swarm: Swarm, resolver: LibtorrentResolver, way: Way
) -> None:
    wanted = swarm.dead()
    with socket.socket() as closed:
        closed.bind(("127.0.5.5", 0))  # and does not listen
        swarm.find(wanted, closed.getsockname(), by=[way])
        hints = replace(trackers_of(wanted), peers=(closed.getsockname(),))
        async with Running(resolver, torrent_id(wanted), hints) as running:
            told = await running.steps.until(lambda step: max(number(step, "peers"), number(step, "seeds")) == 1)
            assert verdict(told) == Step("slow", {"peers": 1, "met": 0})


@pytest.mark.parametrize(
    ("host", "peer"),
    [
        ("127.0.0.1", ("::1", 9)),
        pytest.param(
            "[::1]", ("127.0.0.1", 9), marks=pytest.mark.skipif("::1" not in listen_interfaces(), reason="no IPv6")
        ),
    ],
)
async def test_a_peer_that_we_have_no_address_to_try_from_is_no_peer_seen(
    monkeypatch: pytest.MonkeyPatch, host: str, peer: Endpoint
) -> None:
    over = asyncio.Event()
    hear = Alerts._on_peer

    def on_peer(
        alerts: Alerts, alert: lt.peer_connect_alert | lt.peer_disconnected_alert | lt.peer_error_alert
    ) -> None:
        hear(alerts, alert)
        over.set()

    monkeypatch.setattr(Alerts, "_on_peer", on_peer)
    nobody = TorrentId.of(InfoHash("ab" * 20))
    async with opened(host=host) as resolver, Running(resolver, nobody, Hints(peers=(peer,))) as running:
        await over.wait()
        resolver.add_hints(nobody, Hints(trackers=("http://127.0.0.1:1/announce",)))
        await running.steps.until(lambda step: number(step, "trackers") == 1)
        resolver.add_hints(nobody, Hints(trackers=("http://127.0.0.1:2/announce",)))
        await running.steps.until(lambda step: number(step, "trackers") == 2)  # with what libtorrent said at the first
        (handle,) = resolver._arms[0].session._held.get_torrents()
        assert handle.status().list_peers == 1
        assert {(step.code, number(step, "peers")) for step in running.steps.seen} == {("asking", 0)}


async def test_a_tracker_that_names_us_to_ourselves_has_named_nobody(
    swarm: Swarm, resolver: LibtorrentResolver
) -> None:
    dead = swarm.dead()
    async with Running(resolver, torrent_id(dead), trackers_of(dead)) as running:
        for _ in range(3):
            swarm.tracker.asked.clear()
            await swarm.tracker.asked.wait()
        await running.steps.until(lambda step: number(step, "trackers_answered") == 1)
        (handle,) = resolver._arms[0].session._held.get_torrents()
        assert handle.status().list_peers == 1  # it was named
        assert {(step.code, number(step, "peers")) for step in running.steps.seen} == {("asking", 0)}


@contextlib.asynccontextmanager
async def nobodys_port(port: int) -> AsyncIterator[None]:
    """Keep whoever else runs on this machine from listening at *port*; connections to it are refused."""
    with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        for one in (tcp, udp):
            one.bind(("127.0.0.1", port))
        yield


@pytest.mark.parametrize("way", ["tracker", "dht"])
async def test_what_is_left_of_us_from_before_a_restart_is_nobody(swarm: Swarm, way: Way) -> None:
    dead = swarm.dead()
    async with opened(swarm) as before, Running(before, torrent_id(dead), trackers_of(dead)) as running:
        await running.steps.until(lambda step: number(step, "trackers_answered") == 1)
        old_port = before._arms[0].session._held.listen_port()
    swarm.find(dead, ("127.0.0.1", old_port), by=[way], leecher=True)  # whoever is killed takes back nothing
    async with (
        nobodys_port(old_port),
        opened(swarm) as after,
        Running(after, torrent_id(dead), trackers_of(dead)) as running,
    ):
        step = await running.steps.until(lambda step: number(step, "trackers_answered") == 1)
        swarm.tracker.asked.clear()
        await swarm.tracker.asked.wait()
        (handle,) = after._arms[0].session._held.get_torrents()
        assert handle.status().list_peers == 2  # ourselves as we are, and as we were
        assert {(step.code, number(step, "peers")) for step in running.steps.seen} == {("asking", 0)}
        assert verdict(step).code == "dead"


@pytest.mark.parametrize("closed", ["named by the magnets", "ourselves from before a restart"])
async def test_many_dead_ones_that_meet_ourselves_beside_a_closed_port_have_no_peer(
    monkeypatch: pytest.MonkeyPatch, swarm: Swarm, resolver: LibtorrentResolver, closed: str
) -> None:
    met: set[lt.torrent_handle] = set()
    news = asyncio.Event()
    hear = Alerts._on_peer

    def on_peer(
        alerts: Alerts, alert: lt.peer_connect_alert | lt.peer_disconnected_alert | lt.peer_error_alert
    ) -> None:
        hear(alerts, alert)
        if isinstance(alert, lt.peer_disconnected_alert) and alert.error.message() == "connected to ourselves":
            met.add(alert.handle)
            news.set()

    monkeypatch.setattr(Alerts, "_on_peer", on_peer)
    every = [swarm.dead() for _ in range(40)]
    async with AsyncExitStack() as stack:
        with socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))  # and does not listen
            there: Endpoint = nobody.getsockname()
            hints = [trackers_of(dead) for dead in every]
            if closed == "named by the magnets":
                hints = [replace(one, peers=(there,)) for one in hints]
            else:
                for dead in every:
                    swarm.find(dead, there, by=["tracker"], leecher=True)
            lookups = [Running(resolver, torrent_id(dead), one) for dead, one in zip(every, hints, strict=True)]
            for lookup in lookups:
                await stack.enter_async_context(lookup)
            while len(met) < len(every):
                news.clear()
                await news.wait()
            for lookup in lookups:
                await lookup.steps.until(lambda step: number(step, "trackers_answered") == 1)
            told = [step for lookup in lookups for step in lookup.steps.seen]
            assert {number(step, "peers") for step in told} == {0}
            assert {verdict(lookup.steps.last).code for lookup in lookups} == {"dead"}


async def test_many_beside_each_other_see_a_peer_that_takes_connections_and_says_nothing(
    swarm: Swarm, resolver: LibtorrentResolver
) -> None:
    async def be_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(4_096):
            pass
        writer.close()

    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(tcp_server(be_silent, "127.0.0.1"))
        hints = Hints((swarm.tracker_url,), (server.sockets[0].getsockname(),))
        lookups = [Running(resolver, torrent_id(swarm.dead()), hints) for _ in range(40)]
        for lookup in lookups:
            await stack.enter_async_context(lookup)
        for lookup in lookups:
            assert verdict(await lookup.steps.until(lambda step: number(step, "peers") == 1)).code == "slow"


async def test_the_address_that_a_tracker_sees_us_at_is_known_for_ours(
    swarm: Swarm, resolver: LibtorrentResolver
) -> None:
    swarm.tracker.external_ip = "93.184.216.34"
    async with Running(resolver, torrent_id(swarm.dead()), Hints((swarm.tracker_url,))) as running:
        await running.steps.until(lambda step: number(step, "trackers_answered") == 1)
        assert resolver._arms[0].alerts._here.have("93.184.216.34")


async def test_another_at_our_own_address_is_a_peer_once_it_answers(swarm: Swarm, resolver: LibtorrentResolver) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(1)
        writer.close()

    wanted = swarm.dead()
    async with tcp_server(hang_up, "127.0.0.1") as other:
        swarm.find(wanted, other.sockets[0].getsockname(), by=["tracker"])
        async with Running(resolver, torrent_id(wanted), trackers_of(wanted)) as running:
            step = await running.steps.until(lambda step: number(step, "peers") == 1 and not number(step, "connected"))
            assert verdict(step).code == "slow"


async def test_a_peer_that_the_magnet_names_and_that_speaks_nonsense_after_its_greeting_is_there(
    swarm: Swarm, resolver: LibtorrentResolver
) -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError):  # it tries a greeting that we do not understand, too
            theirs = await reader.readexactly(68)
            writer.write(theirs[:48] + b"-XX0001-nonsense-now" + (1).to_bytes(4) + bytes([99]))
            await reader.read(4_096)
        writer.close()

    async with tcp_server(greet, "127.0.9.1") as server:
        hints = Hints(peers=(server.sockets[0].getsockname(),))
        async with Running(resolver, TorrentId.of(InfoHash("ab" * 20)), hints) as running:
            step = await running.steps.until(lambda step: number(step, "peers") == 1 and not number(step, "connected"))
            assert number(step, "ever_connected") == 1
            assert verdict(step).code == "slow"


async def test_another_who_looks_for_it_too_gives_nothing_and_is_not_said_to(swarm: Swarm) -> None:
    nobody = TorrentId.of(InfoHash("ab" * 20))
    async with opened() as here, opened(host="127.0.8.8") as there:
        hints = Hints(trackers=(swarm.tracker_url,), peers=(("127.0.8.8", there._arms[0].session._held.listen_port()),))
        async with Running(there, nobody), Running(here, nobody, hints) as running:
            step = await running.steps.until(lambda step: number(step, "connected") == 1)
            for _ in range(3):
                swarm.tracker.asked.clear()
                await swarm.tracker.asked.wait()
            assert (step.code, running.steps.last.code) == ("connecting", "connecting")


async def test_of_a_stalled_one_peers_are_seen_and_none_gives(swarm: Swarm, resolver: LibtorrentResolver) -> None:
    stalled = swarm.stall(make_sample("stalled"))
    async with Running(resolver, torrent_id(stalled), trackers_of(stalled)) as running:
        step = await running.steps.until(lambda step: number(step, "connected") == 4)
        assert (step.code, number(step, "peers")) == ("connecting", 4)
        assert not running.task.done()


async def test_cut_off_nobody_answers() -> None:
    asked = asyncio.Event()

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()
        await writer.wait_closed()
        asked.set()

    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
        deaf.bind(("127.3.1.1", 0))
        deaf.setblocking(False)
        async with tcp_server(hang_up, "127.0.0.1") as server:
            tracker = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/announce"
            async with (
                opened(bootstrap=(f"127.3.1.1:{deaf.getsockname()[1]}",)) as resolver,
                Running(resolver, TorrentId.of(InfoHash("ab" * 20)), Hints(trackers=(tracker,))) as running,
            ):
                await asked.wait()
                for _ in range(3):  # it asks the DHT again and again
                    await loop.sock_recv(deaf, 2_000)
                step = running.steps.last
                assert step.code == "asking"
                assert (number(step, "trackers"), number(step, "trackers_answered")) == (1, 0)
                assert (number(step, "dht"), number(step, "dht_nodes")) == (1, 0)


async def test_cut_off_is_whoever_has_no_tracker_though_beside_it_one_names_us_to_ourselves(swarm: Swarm) -> None:
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mute:
        mute.bind(("127.3.1.1", 0))
        mute.setblocking(False)
        async with opened(bootstrap=(f"127.3.1.1:{mute.getsockname()[1]}",), host="127.0.0.1") as resolver:
            beside = Running(resolver, torrent_id(swarm.dead()), Hints((swarm.tracker_url,)))
            async with Running(resolver, torrent_id(swarm.dead())) as alone, beside:
                while not resolver._arms[0].dht.messages:  # libtorrent asks whom the tracker names: ourselves
                    await loop.sock_recv(mute, 2_000)
                step = await beside.steps.until(lambda step: number(step, "trackers_answered") == 1)
                assert verdict(step).code == "dead"
                for _ in range(3):
                    await loop.sock_recv(mute, 2_000)
                assert verdict(alone.steps.last).code == "cut_off"


class RefusingTracker(asyncio.DatagramProtocol):
    """A UDP tracker (BEP 15) that lets everybody connect, and refuses every announce with *reason*."""

    def __init__(self, reason: bytes) -> None:
        self._reason = reason

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: Endpoint) -> None:
        action, transaction = data[8:12], data[12:16]
        connects = action == bytes(4)
        answer = bytes(4) + transaction + b"\7" * 8 if connects else b"\0\0\0\3" + transaction + self._reason
        self._transport.sendto(answer, addr)


REFUSERS = "127.0.6.6"  # libtorrent keeps a connection id for each address, for the whole process, and all tests in it


@pytest.mark.parametrize("reason", [b"not registered", b""])
async def test_a_udp_trackers_refusal_is_its_answer_whether_it_says_why_or_not(reason: bytes) -> None:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: RefusingTracker(reason), (REFUSERS, 0))
    port = transport.get_extra_info("sockname")[1]
    hints = Hints((f"udp://{REFUSERS}:{port}/announce",))
    with contextlib.closing(transport):
        async with (
            opened(host="127.0.0.1") as resolver,
            Running(resolver, TorrentId.of(InfoHash("ab" * 20)), hints) as running,
        ):
            step = await running.steps.until(lambda step: number(step, "trackers_answered") == 1)
            assert verdict(step).code == "dead"


@pytest.mark.parametrize("late", [False, True])
async def test_a_tracker_is_asked_whose_scheme_is_written_in_capitals(
    swarm: Swarm, resolver: LibtorrentResolver, *, late: bool
) -> None:
    dead = swarm.dead()
    hints = Hints((swarm.tracker_url.replace("http", "HTTP"), swarm.tracker_url))
    async with Running(resolver, torrent_id(dead), Hints() if late else hints) as running:
        if late:
            await running.steps.until(lambda step: True)
            resolver.add_hints(torrent_id(dead), hints)
        step = await running.steps.until(lambda step: number(step, "trackers_answered") == 1)
        assert number(step, "trackers") == 1


@pytest.mark.parametrize("status", ["404 Not Found", "502 Bad Gateway", "511 Network Authentication Required"])
async def test_an_error_page_is_no_trackers_answer(monkeypatch: pytest.MonkeyPatch, status: str) -> None:
    failed = asyncio.Event()
    hear = Alerts._on_news

    def on_news(alerts: Alerts, alert: lt.alert) -> None:
        hear(alerts, alert)
        if isinstance(alert, lt.tracker_error_alert):
            failed.set()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 {status}\r\nContent-Length: 4\r\n\r\npage".encode())
        writer.close()

    monkeypatch.setattr(Alerts, "_on_news", on_news)
    async with tcp_server(answer, "127.0.0.1") as server:
        hints = Hints((f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/announce",))
        async with (
            opened(host="127.0.0.1") as resolver,
            Running(resolver, TorrentId.of(InfoHash("ab" * 20)), hints) as running,
        ):
            await failed.wait()
            assert [one.sightings.answered for one in resolver._board.torrents.values()] == [set()]
            assert verdict(running.steps.last).code == "cut_off"

"""Behind a SOCKS5 proxy the swarm is asked through it or not at all."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, MutableMapping, Sequence
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from benchmarks.ports import free_port
from sandbox.swarm import Swarm, make_sample
from sandbox.swarm.peers import Seeder, Speech
from services.resolvers.libtorrent import LibtorrentResolver
from services.resolvers.socks import ProxyRefused, nodes_behind, proxy_of, relay
from services.torrents import Hints
from tests.integration.asker import Asker
from tests.integration.private_vectors import INNER, Sensor
from tests.integration.socks_proxy import Mood, SocksProxy
from tests.integration.swarm_help import QuickClock, Running, Steps, number, opened, torrent_id

ROOT = Path(__file__).parents[2]


@pytest.fixture
async def swarm() -> AsyncIterator[Swarm]:
    async with Swarm() as one:
        yield one


@pytest.mark.timeout(60)
async def test_nothing_goes_beside_it_whatever_its_mood_and_no_name_is_asked_for_here(own_network: list[str]) -> None:
    program = await asyncio.create_subprocess_exec(
        *own_network, sys.executable, "-m", "tests.integration.proxied", cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await program.communicate()
    tried = json.loads(said.splitlines()[-1])
    assert tried["beside"] == {}
    assert tried["knocks"] == 1, "and nobody answered"
    assert tried["by http"] == 0
    assert {"127.0.0.1 > 127.0.0.53", f"127.0.0.1 > {INNER}"} <= set(tried["control"]), "the sensor hears"
    assert tried["well"] == {
        "names": ["by the dht", "by the tracker"],
        "named": ["127.3.1.1.router.test", "127.3.2.1.router.test", "127.3.3.1.router.test", "tracker.test"],
        "inner": [],
        "web": [],
        "refused": 0,
    }
    assert tried["without udp"] == {"names": ["by its peer"], "sent": 0, "named": []}
    assert tried["refusing"] == tried["wrong password"] == {"connected": 0, "sent": 0}
    assert tried["dying"] == {"names": ["before"], "after": False}
    assert tried["not there"] == {"found": False}


@pytest.mark.parametrize("speaks", ["plain", "mse", "utp"])
async def test_every_kind_of_peer_is_reached_through_it(swarm: Swarm, speaks: Speech) -> None:
    seeder = Seeder(speaks)
    sample = swarm.unseeded(make_sample(f"by {speaks}"))
    await swarm.place(seeder, sample)
    seeder.add(sample)
    async with SocksProxy() as proxy, opened(swarm, proxy=proxy_of(proxy.url)) as resolver:
        found = await resolver.resolve(torrent_id(sample), Hints(), Steps())
        assert found.name.text == f"by {speaks}"
        assert seeder.endpoint in (proxy.sent if speaks == "utp" else proxy.connected)


async def test_when_it_comes_back_the_swarm_is_asked_again(swarm: Swarm) -> None:
    proxy = SocksProxy()
    async with proxy, opened(swarm, proxy=proxy_of(proxy.url)) as resolver:
        sample = swarm.seed(make_sample("before"), by=["dht"])
        assert (await resolver.resolve(torrent_id(sample), Hints(), Steps())).name.text == "before"
        await proxy.die()
        async with proxy:
            sample = swarm.seed(make_sample("after"), by=["dht"])
            assert (await resolver.resolve(torrent_id(sample), Hints(), Steps())).name.text == "after"


@pytest.mark.parametrize("mood", ["refuses", "no udp", "mute", "no socks"])
@pytest.mark.parametrize("from_the_start", [True, False])
@pytest.mark.timeout(60)
async def test_what_was_wrong_with_it_is_said_once_and_forgotten_when_it_is_well(
    swarm: Swarm, mood: Mood, *, from_the_start: bool
) -> None:
    async with SocksProxy(mood=mood if from_the_start else "well") as proxy:
        with capture_logs() as logs:
            tracker = (swarm.udp_tracker.url,)
            async with opened(swarm, proxy=proxy_of(proxy.url), extra=tracker, clock=QuickClock()) as resolver:
                if not from_the_start:
                    sample = swarm.seed(make_sample("before"), by=["dht"])
                    await resolver.resolve(torrent_id(sample), Hints(), Steps())
                    proxy.mood = mood
                    await proxy.cut()
                async with Running(resolver, torrent_id(swarm.dead())):
                    await _logged(logs, "swarm.proxy", proxy)
                    proxy.mood = "well"
                    for way in ("dht", "tracker"):
                        sample = swarm.seed(make_sample(f"by {way}"), by=[way])
                        assert (await resolver.resolve(torrent_id(sample), Hints(), Steps())).name.text == f"by {way}"
                    await _logged(logs, "swarm.proxy_back", proxy)
    said = [line["event"] for line in logs if line["event"].startswith("swarm.proxy")]
    assert said == ["swarm.proxy", "swarm.proxy_back"]
    assert all(line.get("error", "?") for line in logs), "it is said what happened"


async def _logged(logs: Sequence[MutableMapping[str, object]], event: str, proxy: SocksProxy) -> None:
    while not any(line["event"] == event for line in logs):
        proxy.news.clear()
        await proxy.news.wait()


@pytest.mark.timeout(60)
async def test_without_the_dht_trackers_are_asked_again_when_it_is_well(swarm: Swarm) -> None:
    async with SocksProxy(mood="refuses") as proxy:
        tracker = (swarm.udp_tracker.url,)
        async with opened(swarm, proxy=proxy_of(proxy.url), extra=tracker, clock=QuickClock(), dht=False) as resolver:
            sample = swarm.seed(make_sample("by the tracker"), by=["tracker"])
            async with Running(resolver, torrent_id(sample)) as running:
                while proxy.refused < 3:
                    proxy.news.clear()
                    await proxy.news.wait()
                proxy.mood = "well"
                assert (await running.task).name.text == "by the tracker"


async def test_a_dead_torrent_is_none_of_peers_behind_it_either(swarm: Swarm) -> None:
    dead = swarm.dead()
    assert swarm.dht
    async with (
        SocksProxy() as proxy,
        opened(swarm, proxy=proxy_of(proxy.url), extra=(swarm.udp_tracker.url,)) as resolver,
        Running(resolver, torrent_id(dead)) as running,
    ):
        answered = ("trackers_answered", "dht_nodes")
        step = await running.steps.until(lambda step: all(number(step, one) > 0 for one in answered))
        swarm.dht.asked.clear()
        await swarm.dht.asked.wait()  # again
        step = running.steps.last
        assert number(step, "peers") == 0
        assert number(step, "trackers") == 1
        named = [peer for node in swarm.dht._nodes for peer in node.peers[dead.wire_hashes[0]]]
        assert named == [], "we would be found by our own sessions, which do not know themselves there"


@pytest.mark.parametrize(("allowed", "contacts"), [((), False), ((INNER,), True)])
async def test_whom_the_swarm_names_the_filter_keeps_off_behind_it_too(
    swarm: Swarm, allowed: tuple[str, ...], *, contacts: bool
) -> None:
    others = ("127.0.0.1", "127.0.1.0/24", "127.0.2.0/24", "127.3.0.0/16", *allowed)
    mute = swarm.stall(make_sample("mute"))
    async with SocksProxy() as proxy, Sensor() as sensor:
        for wire_hash in mute.wire_hashes:
            swarm.tracker.peers[wire_hash].append((INNER, sensor.port))
        swarm.find(mute, (INNER, sensor.port), ["dht"])
        hints = Hints(peers=((INNER, sensor.port),))
        tracker = (swarm.udp_tracker.url,)
        through = proxy_of(proxy.url)
        async with (
            opened(swarm, private=False, allowed=others, proxy=through, extra=tracker) as resolver,
            Running(resolver, torrent_id(mute), hints) as running,
        ):
            if contacts:
                await sensor.contacted.wait()
            await running.steps.until(lambda step: number(step, "connected") > 0)
            while sum(host.startswith("127.0.2.") for host, _ in proxy.connected.elements()) < 12:
                proxy.news.clear()
                await proxy.news.wait()
        assert bool(sensor.contacts) is contacts
        assert any(host == INNER for host, _ in (*proxy.connected, *proxy.sent)) is contacts


async def test_who_is_in_the_dht_without_it_is_somebody_else_behind_it(swarm: Swarm, tmp_path: Path) -> None:
    state = tmp_path / "dht"
    ids: list[bool] = []
    async with SocksProxy() as proxy:
        for way in (None, proxy_of(proxy.url), None):
            async with opened(swarm, proxy=way, dht_state=state) as resolver:
                await resolver.resolve(
                    torrent_id(swarm.seed(make_sample(f"x{len(ids)}"), by=["dht"])), Hints(), Steps()
                )
                async with Running(resolver, torrent_id(swarm.dead())) as running:
                    await running.steps.until(lambda step: number(step, "dht_nodes") > 0)
            ids.append(b"7:node-id" in state.read_bytes())
    assert ids == [True, False, True]


async def test_peers_are_told_less_of_us_behind_it(swarm: Swarm) -> None:
    dead = swarm.dead()
    told: list[set[bytes]] = []
    async with SocksProxy() as proxy:
        for way in (None, proxy_of(proxy.url)):
            async with (
                Asker(dead.wire_hashes[0]) as asker,
                opened(swarm, proxy=way) as resolver,
                Running(resolver, torrent_id(dead), Hints(peers=(asker.endpoint,))),
            ):
                await asker.refused.wait()
            told.append(asker.hello.keys() & {b"v", b"ipv4", b"ipv6", b"p"})
    assert b"v" in told[0]
    assert told[1] == set()


async def test_nobody_can_connect_to_us_past_it(swarm: Swarm) -> None:
    place = "127.0.0.1", free_port()
    async with SocksProxy() as proxy:
        listen = f"127.0.0.1:{place[1]}"
        async with LibtorrentResolver.open(listen_interfaces=listen, dht=False):
            (await asyncio.open_connection(*place))[1].close()
        async with LibtorrentResolver.open(listen_interfaces=listen, dht=False, proxy=proxy_of(proxy.url)):
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection(*place)


# The client of our own, for the names of the DHT's nodes and for `check`.


async def test_it_resolves_the_names_of_the_dhts_nodes(swarm: Swarm) -> None:
    host, _, port = swarm.dht_nodes[0].rpartition(":")
    async with SocksProxy(names={"router.test": host}, login=("a", "b")) as proxy:
        found = await nodes_behind(proxy_of(proxy.url.replace("//", "//a:b@")), [f"router.test:{port}", "none.test:9"])
        assert found == [f"{host}:{port}"]
        assert set(proxy.named) == {"router.test", "none.test"}


@pytest.mark.parametrize(
    ("login", "mood", "said"),
    [
        (("a", "b"), "well", "it wants a user and a password"),
        (None, "no udp", "it carries no UDP"),
        (None, "refuses", "it carries no UDP"),
    ],
)
async def test_what_it_refuses_is_said(login: tuple[str, str] | None, mood: Mood, said: str) -> None:
    async with SocksProxy(login=login, mood=mood) as proxy:
        with pytest.raises(ProxyRefused, match=said):
            async with relay(proxy_of(proxy.url)):
                pass


async def test_a_wrong_password_is_said_without_it() -> None:
    async with SocksProxy(login=("a", "b")) as proxy:
        with pytest.raises(ProxyRefused, match="it refuses the user, or the password") as refused:
            async with relay(proxy_of(proxy.url.replace("//", "//a:hush@"))):
                pass
    assert "hush" not in repr(refused.value)
    assert "hush" not in repr(proxy_of(proxy.url.replace("//", "//a:hush@")))


async def test_what_is_no_socks5_proxy_is_said(swarm: Swarm) -> None:
    port = swarm.tracker_url.split(":")[2].partition("/")[0]
    with pytest.raises(ProxyRefused):
        async with relay(proxy_of(f"socks5://127.0.0.1:{port}")):
            pass

"""No way in a magnet leads into the operator's own network.

127.9.9.9 plays that network here; the swarm's own hosts are allowed. All ways, at once: test_private_vectors.py.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from sandbox.swarm import Sample, Swarm, Way, make_sample
from services.resolvers.addresses import AddressPolicy
from services.resolvers.libtorrent.session import Session
from services.torrents import Hints, InfoHash, TorrentId
from tests.fake_clock import FakeClock
from tests.integration.leftovers import nothing_left
from tests.integration.private_vectors import INNER, Sensor
from tests.integration.swarm_help import Running, Steps, number, opened, torrent_id, trackers_of

__all__ = ["nothing_left"]

ALLOWED = ("127.0.0.1", "127.0.1.1", "127.3.0.0/16")
NOBODY = TorrentId.of(InfoHash("ab" * 20))


@pytest.fixture
async def swarm() -> AsyncIterator[Swarm]:
    async with Swarm() as one:
        yield one


@pytest.fixture
async def sensor() -> AsyncIterator[Sensor]:
    async with Sensor() as one:
        yield one


@asynccontextmanager
async def redirecting(target: str) -> AsyncIterator[tuple[str, asyncio.Event]]:
    """Yield a tracker that sends everybody on to *target*, and what is set when somebody came."""
    came = asyncio.Event()

    async def announce(_: web.Request) -> web.Response:
        came.set()
        return web.Response(status=302, headers={"Location": target})

    app = web.Application()
    app.router.add_get("/announce", announce)
    runner = web.AppRunner(app, shutdown_timeout=0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/announce", came
    finally:
        await runner.cleanup()


SPELLINGS = [
    "http://127.9.9.9:{port}/announce",
    "http://2131298569:{port}/announce",
    "http://0x7f090909:{port}/announce",
    "http://0177.011.011.011:{port}/announce",
    "http://127.9.2313:{port}/announce",
    "http://[::ffff:127.9.9.9]:{port}/announce",
    "udp://127.9.9.9:{port}/announce",
    "udp://2131298569:{port}/announce",
]


def spelled(port: int) -> Hints:
    return Hints(tuple(spelling.format(port=port) for spelling in SPELLINGS), ((INNER, port), ("127.9.2313", port)))


def named_by(swarm: Swarm, sensor: Sensor, ways: Sequence[Way]) -> Sample:
    """Return a torrent of which *ways* name the inner host as its only peer."""
    sample = swarm.unseeded(make_sample("inner"))
    swarm.find(sample, (INNER, sensor.port), ways)
    return sample


def test_the_spellings_are_all_of_the_inner_host() -> None:
    assert list(AddressPolicy().trackers(spelled(80).trackers)) == []
    assert list(AddressPolicy().peers(spelled(80).peers)) == []


@pytest.mark.parametrize("spelling", ["http://127.9.9.9:{port}/announce", "udp://127.9.9.9:{port}", "x.pe"])
async def test_allowed_they_are_contacted(swarm: Swarm, sensor: Sensor, spelling: str) -> None:
    hints = Hints((spelling.format(port=sensor.port),))
    if spelling == "x.pe":
        hints = Hints(peers=((INNER, sensor.port),))
    async with opened(swarm) as resolver, Running(resolver, NOBODY, hints):
        await sensor.contacted.wait()


@pytest.mark.parametrize("way", ["tracker", "dht"])
async def test_allowed_peers_that_the_swarm_names_are_contacted(swarm: Swarm, sensor: Sensor, way: Way) -> None:
    sample = named_by(swarm, sensor, [way])
    async with opened(swarm) as resolver, Running(resolver, torrent_id(sample), trackers_of(sample)):
        await sensor.contacted.wait()


async def test_allowed_a_redirect_is_followed(swarm: Swarm, sensor: Sensor) -> None:
    async with (
        redirecting(f"http://{INNER}:{sensor.port}/announce") as (tracker, _),
        opened(swarm) as resolver,
        Running(resolver, NOBODY, Hints((tracker,))),
    ):
        await sensor.contacted.wait()


async def test_kept_off_nothing_reaches_them_and_the_swarm_is_asked_all_the_same(swarm: Swarm, sensor: Sensor) -> None:
    sample = named_by(swarm, sensor, ["tracker", "dht"])
    async with redirecting(f"http://{INNER}:{sensor.port}/announce") as (redirect, came):
        hints = Hints((swarm.tracker_url, redirect)).merged(spelled(sensor.port))
        async with (
            opened(swarm, private=False, allowed=ALLOWED) as resolver,
            Running(resolver, torrent_id(sample), hints) as running,
        ):
            await came.wait()
            await running.steps.until(lambda step: number(step, "dht_nodes") > 0)
            swarm.tracker.asked.clear()
            await swarm.tracker.asked.wait()  # a second time, seconds later: what would have been tried has been
            assert number(running.steps.last, "peers") == 0
        assert sensor.contacts == []


async def test_kept_off_hints_that_come_later_do_not_reach_them_either(swarm: Swarm, sensor: Sensor) -> None:
    sample = swarm.unseeded(make_sample("late"))
    async with (
        opened(swarm, private=False, allowed=ALLOWED) as resolver,
        Running(resolver, torrent_id(sample)) as running,
    ):
        await running.steps.until(lambda step: True)
        resolver.add_hints(torrent_id(sample), spelled(sensor.port))
        resolver.add_hints(torrent_id(sample), trackers_of(sample))
        for _ in range(3):  # seconds: what would have been tried has been
            swarm.tracker.asked.clear()
            await swarm.tracker.asked.wait()
        assert number(running.steps.last, "peers") == 0
    assert sensor.contacts == []


async def test_allowed_hints_that_come_later_are_contacted(swarm: Swarm, sensor: Sensor) -> None:
    async with opened(swarm) as resolver, Running(resolver, NOBODY) as running:
        await running.steps.until(lambda step: True)
        resolver.add_hints(NOBODY, Hints(peers=((INNER, sensor.port),)))
        await sensor.contacted.wait()


async def test_a_trackers_word_for_our_own_address_keeps_no_place_off(swarm: Swarm) -> None:
    swarm.tracker.external_ip = "93.184.216.34"
    place = "http://93.184.216.34/announce"
    async with (
        opened(swarm, private=False, allowed=ALLOWED) as resolver,
        Running(resolver, NOBODY, Hints((swarm.tracker_url,))) as running,
    ):
        await running.steps.until(lambda step: number(step, "trackers_answered") == 1)
        swarm.tracker.asked.clear()
        await swarm.tracker.asked.wait()
        assert list(resolver._seeker._policy.trackers([place])) == [place]
        assert resolver._arms[0].session._held.get_ip_filter().access("93.184.216.34") == 0


async def test_an_address_that_this_machine_gets_later_is_kept_off_by_every_session_and_exchange(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here: list[str] = []
    monkeypatch.setattr("services.resolvers.own_addresses.own_addresses", lambda: (list(here), True))
    told: asyncio.Queue[Session] = asyncio.Queue()
    keep_off = Session.keep_off

    def watched(session: Session, policy: AddressPolicy) -> None:
        keep_off(session, policy)
        told.put_nowait(session)

    monkeypatch.setattr(Session, "keep_off", watched)
    clock = FakeClock()
    async with opened(private=False, dht=False, clock=clock) as resolver:
        sessions = {one for arm in resolver._arms for one in (arm.session, arm.lane.session)}
        here.append("8.8.4.4")
        await clock.advance(10)
        assert {await told.get() for _ in sessions} == sessions
        assert {one._held.get_ip_filter().access("8.8.4.4") for one in sessions} == {1}
        assert {one._held.get_ip_filter().access("8.8.4.5") for one in sessions} == {0}
        assert [resolver._exchanges._filter.access(one) for one in ("8.8.4.4", "8.8.4.5")] == [1, 0]
        assert [*resolver._exchanges._policy.peers([("8.8.4.4", 1), ("8.8.4.5", 1)])] == [("8.8.4.5", 1)]


async def test_kept_off_a_torrent_is_found_by_the_peers_that_may_be_contacted(swarm: Swarm, sensor: Sensor) -> None:
    sample = swarm.seed(make_sample("found"))
    hints = Hints((swarm.tracker_url,)).merged(spelled(sensor.port))
    async with opened(swarm, private=False, allowed=ALLOWED) as resolver:
        assert (await resolver.resolve(torrent_id(sample), hints, Steps())).name.text == "found"
    assert sensor.contacts == []

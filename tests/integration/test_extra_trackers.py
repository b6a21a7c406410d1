"""The operator's own trackers are asked for every torrent, and the settings reach the resolver."""

from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from bot import swarm as bots
from bot.config_resolvers import Libtorrent
from sandbox.swarm import Swarm, make_sample
from services.torrents import Hints
from tests.integration.private_vectors import INNER, Sensor
from tests.integration.swarm_help import Running, Steps, number, opened, torrent_id


@pytest.fixture
async def swarm() -> AsyncIterator[Swarm]:
    async with Swarm() as one:
        yield one


@pytest.mark.parametrize("scheme", ["http", "udp"])
async def test_a_magnet_without_a_tracker_is_found_by_them(swarm: Swarm, scheme: str) -> None:
    sample = swarm.seed(make_sample("by ours"), by=["tracker"])
    extra = swarm.tracker_url if scheme == "http" else swarm.udp_tracker.url
    async with opened(swarm, extra=(extra,)) as resolver:
        assert (await resolver.resolve(torrent_id(sample), Hints(), Steps())).name.text == "by ours"


async def test_they_are_counted_beside_the_magnets_own_and_none_twice(swarm: Swarm) -> None:
    both = (swarm.tracker_url, swarm.udp_tracker.url)
    async with (
        opened(swarm, extra=both) as resolver,
        Running(resolver, torrent_id(swarm.dead()), Hints(trackers=(swarm.tracker_url,))) as running,
    ):
        step = await running.steps.until(lambda step: number(step, "trackers_answered") == 2)
        assert number(step, "trackers") == 2


async def test_they_leave_a_magnets_own_trackers_their_room(swarm: Swarm) -> None:
    dead = torrent_id(swarm.dead())
    extra = tuple(f"{swarm.tracker_url}?{number}" for number in range(50))
    async with opened(swarm, extra=extra) as resolver, Running(resolver, dead) as running:
        await running.steps.until(lambda step: number(step, "trackers") == 50)
        resolver.add_hints(dead, Hints(trackers=tuple(f"{swarm.tracker_url}?x{number}" for number in range(200))))
        await running.steps.until(lambda step: number(step, "trackers") == 150)


async def test_a_private_one_is_kept_off_as_a_magnets_is(swarm: Swarm) -> None:
    allowed = ("127.0.0.1", "127.0.1.1", "127.3.0.0/16")
    async with Sensor() as sensor:
        extra = (f"http://{INNER}:{sensor.port}/announce", f"udp://{INNER}:{sensor.port}", swarm.tracker_url)
        sample = swarm.seed(make_sample("found"), by=["tracker"])
        async with opened(swarm, private=False, allowed=allowed, extra=extra) as resolver:
            assert (await resolver.resolve(torrent_id(sample), Hints(), Steps())).name.text == "found"
            async with Running(resolver, torrent_id(swarm.dead())) as running:
                await running.steps.until(lambda step: number(step, "trackers_answered") == 1)
                assert number(running.steps.last, "trackers") == 1
        assert sensor.contacts == []
        async with opened(swarm, extra=extra) as resolver, Running(resolver, torrent_id(swarm.dead())):
            await sensor.contacted.wait()


@pytest.mark.parametrize("sessions", [1, 2, 3])
async def test_each_number_of_sessions_finds_a_name(swarm: Swarm, sessions: int) -> None:
    settings = Libtorrent(
        listen_interfaces="127.0.0.1:0",
        dht_bootstrap_nodes=tuple(swarm.dht_nodes[:3]),
        allow_private_peers=True,
        sessions=sessions,
        extra_trackers=(swarm.tracker_url,),
    )
    sample = swarm.seed(make_sample("found"))
    async with bots.opened(settings, None) as resolver:
        assert len(resolver._arms) == sessions
        assert resolver._seeker._everywhere == (swarm.tracker_url,)
        assert (await resolver.resolve(torrent_id(sample), Hints(), Steps())).name.text == "found"


async def test_the_settings_proxy_is_that_of_every_session() -> None:
    settings = Libtorrent(proxy=SecretStr("socks5://me:word@127.0.0.1:9"), listen_interfaces="0.0.0.0:0")
    async with bots.opened(settings, None) as resolver:
        sessions = [one for arm in resolver._arms for one in (arm.session, arm.lane.session)]
        kept: list[dict[str, object]] = [{**one._held.get_settings()} for one in sessions]
    assert len(kept) == 6
    told = ("proxy_type", "proxy_hostname", "proxy_port", "proxy_username", "proxy_password")
    assert {tuple(one[key] for key in told) for one in kept} == {(3, "127.0.0.1", 9, "me", "word")}

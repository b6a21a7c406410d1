"""Sessions that race for one name: each reaches peers that others do not, and none is there without need."""

from typing import Any, Literal

import pytest

from sandbox.swarm import Swarm, make_sample
from sandbox.swarm.peers import Seeder, Speech
from sandbox.swarm.swarm import Way
from services.resolvers.libtorrent import LibtorrentResolver
from services.resolvers.libtorrent.session import Added, Session
from services.torrents import Hints, InfoHash, TorrentId
from tests.integration.swarm_help import Running, Steps, nothing_left_in, opened, torrent_id, trackers_of

SPEECHES: tuple[Speech, ...] = ("any", "plain", "mse", "utp")


def held(resolver: LibtorrentResolver) -> list[int]:
    """Return how many torrents each racing session has, the leading one's first."""
    return [len(arm.session._held.get_torrents()) for arm in resolver._arms]


@pytest.mark.parametrize("way", ["tracker", "dht"])
@pytest.mark.parametrize("speaks", SPEECHES)
async def test_a_peer_that_can_be_spoken_to_in_one_way_alone_gives_its_name(
    swarm: Swarm, resolver: LibtorrentResolver, speaks: Speech, way: Way
) -> None:
    sample = swarm.unseeded(make_sample(f"by {speaks}"))
    (await swarm.place(Seeder(speaks), sample, by=[way])).add(sample)
    hints = trackers_of(sample) if way == "tracker" else Hints()
    assert (await resolver.resolve(torrent_id(sample), hints, Steps())).name.text == f"by {speaks}"
    assert nothing_left_in(resolver)


@pytest.mark.parametrize("speaks", SPEECHES)
async def test_a_peer_that_is_hinted_late_is_spoken_to_in_every_way(
    swarm: Swarm, resolver: LibtorrentResolver, speaks: Speech
) -> None:
    sample = swarm.unseeded(make_sample("late"))
    seeder = await swarm.place(Seeder(speaks), sample, by=[])
    seeder.add(sample)
    async with Running(resolver, torrent_id(sample)) as running:
        await running.steps.until(lambda step: True)
        resolver.add_hints(torrent_id(sample), Hints(peers=(seeder.endpoint,)))
        assert (await running.task).name.text == "late"
    assert nothing_left_in(resolver)


@pytest.mark.parametrize(("sessions", "speaks"), [(1, "plain"), (1, "utp"), (2, "plain"), (2, "mse"), (2, "utp")])
async def test_fewer_sessions_reach_them_too(swarm: Swarm, sessions: Literal[1, 2], speaks: Speech) -> None:
    sample = swarm.unseeded(make_sample("few"))
    (await swarm.place(Seeder(speaks), sample)).add(sample)
    async with opened(swarm, sessions=sessions) as resolver:
        assert len(resolver._arms) == sessions
        assert (await resolver.resolve(torrent_id(sample), trackers_of(sample), Steps())).name.text == "few"
        assert nothing_left_in(resolver)


async def test_what_nobody_has_is_one_torrent_of_the_leading_session(
    swarm: Swarm, resolver: LibtorrentResolver
) -> None:
    dead = swarm.dead()
    async with Running(resolver, torrent_id(dead), trackers_of(dead)) as running:
        await running.steps.until(lambda step: step.parameters["trackers_answered"] == 1)
        for _ in range(2):
            swarm.tracker.asked.clear()
            await swarm.tracker.asked.wait()
        assert held(resolver) == [1, 0, 0]
    assert nothing_left_in(resolver)


async def test_what_has_a_peer_that_says_nothing_is_sought_by_every_session(
    swarm: Swarm, resolver: LibtorrentResolver
) -> None:
    stalled = swarm.stall(make_sample("stalled"))
    async with Running(resolver, torrent_id(stalled), trackers_of(stalled)) as running:
        await running.steps.until(lambda step: step.code == "connecting")
        assert held(resolver) == [1, 1, 1]
    assert nothing_left_in(resolver)


async def test_a_peer_that_only_another_sessions_dht_knows_is_told_to_the_leading_one(
    swarm: Swarm, resolver: LibtorrentResolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample = swarm.unseeded(make_sample("told"))
    (await swarm.place(Seeder("plain"), sample, by=["dht"])).add(sample)
    added: list[InfoHash] = []
    add_soon = Session.add_soon

    def without_the_dht(session: Session, info_hash: InfoHash, hints: Hints, then: Added, **how: Any) -> None:
        added.append(info_hash)
        add_soon(session, info_hash, hints, then, **{**how, "unnamed": True})

    monkeypatch.setattr(Session, "add_soon", without_the_dht)
    assert (await resolver.resolve(torrent_id(sample), Hints(), Steps())).name.text == "told"
    assert added
    assert nothing_left_in(resolver)


async def test_what_is_made_whole_while_every_session_seeks_it_leaves_nothing(
    swarm: Swarm, resolver: LibtorrentResolver
) -> None:
    v2 = "ab" * 32
    mutes = Hints(peers=tuple(mute.endpoint for mute in swarm.mutes))
    async with Running(resolver, TorrentId(v1=InfoHash(v2[:40])), mutes) as cut_short:
        await cut_short.steps.until(lambda step: step.code == "connecting")
        assert held(resolver) == [1, 1, 1]
        async with Running(resolver, TorrentId(v2=InfoHash(v2)), mutes) as whole:
            await whole.steps.until(lambda step: step.code == "connecting")
    assert nothing_left_in(resolver)

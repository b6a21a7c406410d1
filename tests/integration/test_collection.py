"""The torrents that the demo offers: each is found, late, or never, as its label says."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from sandbox.swarm import TORRENTS, Collection, Swarm, Torrent
from services.magnets.parse import torrents_in
from tests.integration.swarm_help import Running, Steps, opened


@pytest.fixture
async def swarm() -> AsyncIterator[Swarm]:
    async with Swarm() as one:
        yield one


def test_there_are_two_dozen_of_every_sort() -> None:
    assert len(TORRENTS) >= 24
    assert {one.sort for one in TORRENTS} == {"plain", "script", "hostile", "slow", "dead"}
    assert len({one.label for one in TORRENTS}) == len(TORRENTS)


def test_each_is_the_same_torrent_in_every_sandbox_and_no_two_are_one() -> None:
    first, second = ([one.sample() for one in TORRENTS] for _ in range(2))
    assert first == second
    assert len({(one.v1, one.v2) for one in first}) == len(TORRENTS)


async def test_all_that_are_there_at_once_are_found_by_their_magnets(swarm: Swarm) -> None:
    there = [one for one in TORRENTS if one.after == 0]
    async with Collection(swarm) as collection, opened(swarm) as resolver:
        asked = [torrents_in(collection.magnets[one.label[0]])[0] for one in there]
        found = await asyncio.gather(*(resolver.resolve(torrent, hints, Steps()) for torrent, hints in asked))
    names = [one.name if isinstance(one.name, bytes) else one.name.encode() for one in there]
    assert [info.name.raw for info in found] == names


async def test_the_late_ones_come_after_they_were_asked_for_and_the_dead_never(swarm: Swarm) -> None:
    late = Torrent(sort="slow", label=("late", "late"), name="late.mkv", after=0.01, mute=True)
    dead = Torrent(sort="dead", label=("dead", "dead"), name="dead", after=None)
    async with Collection(swarm, [late, dead]) as collection, opened(swarm) as resolver:
        ((torrent, hints),) = torrents_in(collection.magnets["dead"])
        async with Running(resolver, torrent, hints) as waiting:
            ((torrent, hints),) = torrents_in(collection.magnets["late"])
            assert (await resolver.resolve(torrent, hints, Steps())).name.text == "late.mkv"
            assert not waiting.task.done()
        assert not swarm.tracker.peers.get(dead.sample().wire_hashes[0])

"""Nobody is given payload by us, nor metadata while we look for it, whoever began the connection."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from sandbox.swarm import Swarm, make_sample
from services.torrents import Hints
from tests.integration.asker import GIVE, GIVING, REFUSE, Asker
from tests.integration.swarm_help import Running, Steps, opened, torrent_id


@pytest.fixture
async def swarm() -> AsyncIterator[Swarm]:
    async with Swarm() as one:
        yield one


def nothing_was_given(asker: Asker) -> bool:
    return not GIVING & asker.got.keys() and not asker.metadata[GIVE]


async def test_whom_we_connect_to_is_given_nothing(swarm: Swarm) -> None:
    dead = swarm.dead()
    async with (
        Asker(dead.wire_hashes[0]) as asker,
        opened(swarm) as resolver,
        Running(resolver, torrent_id(dead), Hints(peers=(asker.endpoint,))),
    ):
        await asker.refused.wait()
    assert nothing_was_given(asker), (asker.got, asker.metadata)
    assert asker.metadata == {REFUSE: 3}


async def test_who_connects_to_us_is_given_nothing(swarm: Swarm) -> None:
    dead = swarm.dead()
    asker = Asker(dead.wire_hashes[0])
    async with opened(swarm, host="127.0.0.1") as resolver, Running(resolver, torrent_id(dead)) as running:
        await running.steps.until(lambda step: True)
        port = resolver._arms[0].session._held.listen_port()
        talking = asyncio.create_task(
            asker.talk(*await asyncio.open_connection("127.0.0.1", port, local_addr=("127.0.5.2", 0)))
        )
        await asker.refused.wait()
    await talking
    assert nothing_was_given(asker), (asker.got, asker.metadata)


async def test_metadata_that_has_just_come_is_there_for_a_moment_alone_and_payload_never(swarm: Swarm) -> None:
    sample = make_sample("ours for a moment")
    async with Asker(sample.wire_hashes[0], sample.info) as asker, opened(swarm, sessions=1) as resolver:
        found = await resolver.resolve(torrent_id(sample), Hints(peers=(asker.endpoint,)), Steps())
        assert found.name.text == "ours for a moment"
        await asker.over.wait()
    assert not GIVING & asker.got.keys()
    assert asker.metadata[GIVE] <= 1, "libtorrent may answer who asks in the same breath, before it tells us"

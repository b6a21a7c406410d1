"""The embedded resolver's own beginning and end: where it listens, what it remembers, how it closes."""

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from sandbox.swarm import Swarm, make_sample
from services.errors import ResolverDown
from services.resolvers.libtorrent import LibtorrentResolver
from services.resolvers.libtorrent.lookups import SoughtTorrent
from services.torrents import Hints, InfoHash, TorrentId
from tests.integration.swarm_help import Running, Steps, number, opened, torrent_id, trackers_of


@pytest.fixture
async def swarm() -> AsyncIterator[Swarm]:
    async with Swarm() as one:
        yield one


async def test_a_port_that_another_program_has_is_said(swarm: Swarm) -> None:
    sample = swarm.seed(make_sample("a name comes all the same"))
    with socket.socket() as other, capture_logs() as logs:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        async with LibtorrentResolver.open(
            listen_interfaces=f"127.0.0.1:{port}", dht=False, allow_private_peers=True
        ) as resolver:
            await resolver.resolve(torrent_id(sample), trackers_of(sample), Steps())
    said = [line for line in logs if line["event"] == "swarm.other_port"]
    assert {(*line["wanted"], line["listens_on"] == port) for line in said} == {(port, False)}


async def test_what_was_asked_before_the_dht_is_there_is_asked_again_when_it_is(swarm: Swarm) -> None:
    asked_again = asyncio.Event()

    class Early:
        def force_dht_announce(self) -> None:
            asked_again.set()

    async with opened(swarm) as resolver:  # without a lookup, the watch asks nothing
        resolver._board.seek(SoughtTorrent(InfoHash("ab" * 20), Early(), None))  # type: ignore[arg-type] # as much as is told
        await asked_again.wait()


async def test_what_a_session_has_already_is_refused_and_said(swarm: Swarm) -> None:
    info_hash, said = InfoHash("ab" * 20), asyncio.Event()
    given: list[object] = []

    def hear(what: object) -> None:
        given.append(what)
        said.set()

    async with opened(swarm) as resolver:
        session = resolver._arms[0].session
        session.add(info_hash, Hints())
        session.add_soon(info_hash, Hints(), hear, wanted=lambda: True)
        await said.wait()
    (refusal,) = given
    assert isinstance(refusal, ResolverDown)


async def test_who_asks_again_at_once_for_what_was_just_given_up_gets_its_name(swarm: Swarm) -> None:
    sample = swarm.seed(make_sample("asked for again"))
    async with opened(swarm) as resolver:
        for _ in range(20):
            given_up = asyncio.create_task(resolver.resolve(torrent_id(sample), trackers_of(sample), Steps()))
            await asyncio.sleep(0)
            given_up.cancel()
            await asyncio.wait([given_up])
        info = await resolver.resolve(torrent_id(sample), trackers_of(sample), Steps())
    assert info.name.text == "asked for again"


async def test_the_dht_is_remembered_between_starts(swarm: Swarm, tmp_path: Path) -> None:
    state = tmp_path / "dht.state"
    dead = swarm.dead()
    async with opened(swarm, dht_state=state) as first, Running(first, torrent_id(dead)) as running:
        await running.steps.until(lambda step: number(step, "dht_nodes") > 0)
    assert [path.name for path in tmp_path.iterdir()] == ["dht.state"]
    sample = swarm.seed(make_sample("remembered"), by=("dht",))
    async with opened(dht_state=state) as second:
        info = await resolver_without_bootstrap(second, torrent_id(sample))
    assert info == "remembered"


async def resolver_without_bootstrap(resolver: LibtorrentResolver, torrent: TorrentId) -> str:
    return (await resolver.resolve(torrent, Hints(), Steps())).name.text


async def test_a_broken_dht_state_is_passed_over(swarm: Swarm, tmp_path: Path) -> None:
    state = tmp_path / "dht.state"
    state.write_bytes(b"no such thing")
    sample = swarm.seed(make_sample("found"))
    async with opened(swarm, dht_state=state) as resolver:
        assert (await resolver.resolve(torrent_id(sample), Hints(), Steps())).name.text == "found"


async def test_closing_ends_what_runs_and_refuses_what_comes(swarm: Swarm) -> None:
    dead = swarm.dead()
    async with opened(swarm) as resolver:
        running = asyncio.create_task(resolver.resolve(torrent_id(dead), trackers_of(dead), Steps()))
        steps = Steps()
        other = asyncio.create_task(resolver.resolve(torrent_id(swarm.dead()), Hints(), steps))
        await steps.until(lambda step: True)
    for task in (running, other):
        with pytest.raises(ResolverDown):
            await task
    with pytest.raises(ResolverDown):
        await resolver.resolve(torrent_id(dead), Hints(), Steps())


async def test_who_is_cancelled_while_it_closes_leaves_it_to_close_all_the_same(swarm: Swarm, tmp_path: Path) -> None:
    state = tmp_path / "dht.state"
    dead = torrent_id(swarm.dead())
    before, ready, enough = asyncio.all_tasks(), asyncio.Event(), asyncio.Event()

    async def use() -> None:
        async with opened(swarm, dht_state=state) as resolver:
            async with Running(resolver, dead) as running:
                await running.steps.until(lambda step: number(step, "dht_nodes") > 0)
            ready.set()
            await enough.wait()

    using = asyncio.create_task(use())
    await ready.wait()
    enough.set()
    await asyncio.sleep(0)
    using.cancel()
    await asyncio.wait(asyncio.all_tasks() - before)
    assert using.cancelled()
    assert state.exists()

"""Liars beside one good peer: the name comes all the same, and they cost little.

The metadata has several pieces: libtorrent puts those of several peers together, and cannot tell whose was wrong.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import pytest

from sandbox.swarm import Sample, Swarm, giver
from sandbox.swarm.peers import Hanging, Mute, Refusing, Seeder
from services.resolvers.libtorrent import LibtorrentResolver, exchanges
from services.resolvers.libtorrent.session import Handle
from services.resolvers.libtorrent.settings import LARGEST_METADATA, USUAL_METADATA
from services.torrents import Hints, InfoHash, TorrentInfo
from tests.integration.leftovers import nothing_left
from tests.integration.liars import COSTLY, LIARS, LOOKUPS, MOST_METADATA, Liar, large
from tests.integration.swarm_help import Running, Steps, nothing_left_in, number, opened, torrent_id, trackers_of

__all__ = ["nothing_left"]

ROOT = Path(__file__).parents[2]
SOON = 10
"""Seconds, of which a lookup among liars needs a few."""
THREE = ("127.0.2.20", "127.0.2.21", "127.0.2.22")


@pytest.fixture
async def swarm() -> AsyncIterator[Swarm]:
    async with Swarm(dht=False) as one:
        yield one


async def found_once_hinted(
    resolver: LibtorrentResolver, true: Sample, liars: Sequence[giver.Giver], good: Seeder
) -> None:
    """Have the name come from *good*, of whom is heard when all *liars* were met."""
    async with asyncio.timeout(SOON), Running(resolver, torrent_id(true), trackers_of(true)) as running:
        for one in liars:
            await one.greeted.wait()
        resolver.add_hints(torrent_id(true), Hints(peers=(good.endpoint,)))
        assert (await running.task).name.text == "true"
    assert nothing_left_in(resolver)


@pytest.fixture
def by_the_sessions_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no metadata be exchanged beside them: an honest peer would have given its own before a lane hears it."""
    monkeypatch.setattr(exchanges, "_AT_ONCE", 0)


@pytest.mark.timeout(60)
@pytest.mark.usefixtures("by_the_sessions_alone")
@pytest.mark.parametrize("picky", [False, True], ids=["bears many connections from us", "bears one"])
async def test_beside_three_liars_of_each_kind_its_name_comes(
    swarm: Swarm, resolver: LibtorrentResolver, *, picky: bool
) -> None:
    async with Seeder("plain", picky=picky) as good, AsyncExitStack() as stack:
        kinds: dict[asyncio.Task[TorrentInfo], str] = {}
        liars: list[giver.Giver] = []
        samples = {kind: swarm.unseeded(large()) for kind in LIARS}
        for kind, true in samples.items():
            liars += [await swarm.place(LIARS[kind](host, true), true) for host in THREE]
            running = await stack.enter_async_context(Running(resolver, torrent_id(true), trackers_of(true)))
            kinds[running.task] = kind
        for one in liars:
            await one.greeted.wait()
        for true in samples.values():
            good.add(true)
            resolver.add_hints(torrent_id(true), Hints(peers=(good.endpoint,)))
        came, waiting = await asyncio.wait(kinds, timeout=3 * SOON)
        assert {kinds[task] for task in waiting} == set()
        assert {task.result().name.text for task in came} == {"true"}


@pytest.mark.usefixtures("by_the_sessions_alone")
@pytest.mark.parametrize("liar", LIARS.values(), ids=LIARS)
async def test_after_three_liars_were_met_the_name_comes_from_who_is_hinted(
    swarm: Swarm, resolver: LibtorrentResolver, liar: Liar
) -> None:
    true = swarm.unseeded(large())
    liars = [await swarm.place(liar(host, true), true) for host in THREE]
    good = await swarm.place(Seeder("plain"), true, by=[])
    good.add(true)
    async with asyncio.timeout(SOON), Running(resolver, torrent_id(true), trackers_of(true)) as running:
        met = [asyncio.create_task(one.greeted.wait()) for one in liars]
        await asyncio.wait(met, return_when=asyncio.FIRST_COMPLETED)
        for waiting in met:
            waiting.cancel()
        resolver.add_hints(torrent_id(true), Hints(peers=(good.endpoint,)))
        assert (await running.task).name.text == "true"


@pytest.mark.usefixtures("by_the_sessions_alone")
@pytest.mark.parametrize("kind", ["other bytes", "half pieces", "too small a size", "pieces without end"])
async def test_among_liars_the_name_comes_from_a_peer_that_bears_one_connection_from_us(
    swarm: Swarm, resolver: LibtorrentResolver, kind: str
) -> None:
    true = swarm.unseeded(large())
    liars = [await swarm.place(LIARS[kind](host, true), true) for host in THREE]
    good = await swarm.place(Seeder("plain", picky=True), true, by=[])
    good.add(true)
    await found_once_hinted(resolver, true, liars, good)


@pytest.mark.timeout(60)
@pytest.mark.usefixtures("by_the_sessions_alone")
async def test_by_one_session_that_tries_all_ways_the_name_comes_from_a_peer_that_speaks_one_alone() -> None:
    async with Swarm(dht=False) as swarm, opened(swarm, dht=False, sessions=1) as resolver:
        true = swarm.unseeded(large())
        for host in THREE:
            await swarm.place(LIARS["pieces without end"](host, true), true)
        good = await swarm.place(Seeder("plain", picky=True), true, by=[])
        good.add(true)
        async with asyncio.timeout(3 * SOON), Running(resolver, torrent_id(true), trackers_of(true)) as running:
            await running.steps.until(lambda step: number(step, "peers") == len(THREE))
            swarm.tracker.asked.clear()
            await swarm.tracker.asked.wait()  # again: they have given for some seconds
            resolver.add_hints(torrent_id(true), Hints(peers=(good.endpoint,)))
            assert (await running.task).name.text == "true"


@pytest.mark.parametrize("picky", [False, True], ids=["bears many connections from us", "bears one"])
async def test_among_liars_of_every_kind_the_name_comes_by_an_exchange_too(
    swarm: Swarm, resolver: LibtorrentResolver, *, picky: bool
) -> None:
    true = swarm.unseeded(large())
    kinds = [kind for kind in LIARS if "sizes that disagree" not in kind]  # of these an exchange takes what is true
    liars = [await swarm.place(LIARS[kind](f"127.0.2.{20 + place}", true), true) for place, kind in enumerate(kinds)]
    good = await swarm.place(Seeder("plain", picky=picky), true, by=[])
    good.add(true)
    await found_once_hinted(resolver, true, liars, good)


async def test_among_peers_of_every_bad_kind_the_name_comes(swarm: Swarm, resolver: LibtorrentResolver) -> None:
    true = swarm.unseeded(large())
    for place, liar in enumerate(LIARS.values()):
        await swarm.place(liar(f"127.0.2.{20 + place}", true), true)
    for bad in (Refusing("127.0.2.50"), Hanging("127.0.2.51"), Mute("127.0.2.52"), Mute("127.0.2.53", curt=True)):
        await swarm.place(bad, true)
    (await swarm.place(Seeder("plain"), true)).add(true)
    async with asyncio.timeout(SOON):
        assert (await resolver.resolve(torrent_id(true), trackers_of(true), Steps())).name.text == "true"


async def test_nobody_comes_in_where_a_peer_is_heard_alone(
    swarm: Swarm, resolver: LibtorrentResolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    true, heard = swarm.unseeded(large()), asyncio.Event()
    dull = await swarm.place(LIARS["no metadata at all"]("127.0.2.20", true), true)
    lane = resolver._arms[0].lane.session
    add = lane.add

    def hear(info_hash: InfoHash, hints: Hints, *, alone: bool) -> Handle:
        heard.set()
        return add(info_hash, hints, alone=alone)

    monkeypatch.setattr(lane, "add", hear)
    async with asyncio.timeout(SOON), Running(resolver, torrent_id(true), trackers_of(true)):
        await dull.greeted.wait()
        await heard.wait()
        answered = b""
        with suppress(ConnectionError):
            reader, writer = await asyncio.open_connection("127.0.0.1", lane._held.listen_port())
            writer.write(b"\x13BitTorrent protocol" + bytes(8) + true.wire_hashes[0] + b"-XX0001-abcdefghijkl")
            answered = await reader.read(68)
            writer.close()
        assert answered == b""


@pytest.mark.parametrize("kind", ["other bytes", "pieces without end"])
async def test_who_lies_alone_is_known_as_a_liar(
    swarm: Swarm, resolver: LibtorrentResolver, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(giver, "_PAUSE", 0.0005)  # no metadata is as large as what it sends in these seconds
    true = swarm.unseeded(large())
    liar = await swarm.place(LIARS[kind]("127.0.2.20", true), true)
    async with asyncio.timeout(4 * SOON), Running(resolver, torrent_id(true), trackers_of(true)) as running:
        await running.steps.until(lambda _: True)
        (sought,) = resolver._board.torrents.values()
        while not sought.doubts.liars:
            swarm.tracker.asked.clear()
            await swarm.tracker.asked.wait()  # again and again
        assert sought.doubts.liars == {liar.endpoint}
    assert nothing_left_in(resolver)


async def test_liars_without_end_or_measure_cost_what_is_known_beforehand() -> None:
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.integration.liars", cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await program.communicate()
    figures: dict[str, int] = json.loads(said)
    assert figures["sent"] > MOST_METADATA, "else they were held back by something else"
    assert figures["ended"] == 0
    each = LARGEST_METADATA + 2 * USUAL_METADATA
    assert figures["most"] - figures["before"] < each * (LOOKUPS + len(COSTLY) + 10), "heard alone are ten"

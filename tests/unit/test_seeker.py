"""What is told of a torrent between its lookup's beginning and its coming into the session."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from services.errors import ResolverDown
from services.resolvers.addresses import AddressPolicy
from services.resolvers.libtorrent.evidence import Whereabouts
from services.resolvers.libtorrent.lookups import Board, Lookup
from services.resolvers.libtorrent.race import Race
from services.resolvers.libtorrent.seeker import Seeker
from services.torrents import Hints, InfoHash, TorrentId
from tests.fake_clock import FakeClock
from tests.unit.unheard import Unheard

DIGITS = "ab" * 20
TRACKERS = ("http://127.0.0.1:1/a", "http://127.0.0.1:2/a")
PEERS = (("127.0.0.1", 6_881), ("127.0.0.1", 6_882))


class FakeHandle:
    def __init__(self) -> None:
        self.trackers: list[str] = []
        self.peers: list[tuple[str, int]] = []
        self.asked_dht = 0

    def add_tracker(self, tracker: dict[str, str]) -> None:
        self.trackers.append(tracker["url"])

    def connect_peer(self, peer: tuple[str, int], source: int) -> None:
        self.peers.append(peer)

    def force_dht_announce(self) -> None:
        self.asked_dht += 1


class World:
    """A seeker, and what it lets libtorrent look up."""

    def __init__(self, libtorrent: Unheard) -> None:
        self.libtorrent, self.board = libtorrent, Board[Any]()
        policy, clock = AddressPolicy(allow_private=True), FakeClock()
        self.race = Race([], self.board, policy, Whereabouts(), clock, ask=lambda *_: None)
        alerts = SimpleNamespace(ask_about_dht=lambda: None, hear=self.take)
        self.seeker = Seeker(
            libtorrent.session, self.board, [cast("Any", alerts)], self.race, dht=True, policy=policy, clock=clock
        )

    def begin(self, digits: str = DIGITS, hints: Hints = Hints()) -> Lookup[Any]:  # noqa: B008 - it is frozen
        progress = cast("Any", SimpleNamespace(report=lambda _: None))
        found = asyncio.get_running_loop().create_future()
        lookup = Lookup[Any](TorrentId.of(InfoHash(digits)), progress, found)
        self.seeker.begin(lookup, hints)
        return lookup

    def take(self) -> FakeHandle:
        handle = FakeHandle()
        self.libtorrent.take(handle)
        return handle

    def leave(self, lookup: Lookup[Any]) -> None:
        for one in self.board.leave(lookup):
            one.remove()


@pytest.fixture
def world(unheard: Unheard) -> World:
    return World(unheard)


async def test_a_torrent_is_asked_for_once_it_is_there(world: World) -> None:
    world.begin()
    world.seeker.announce_again(9.0)
    assert world.take().asked_dht == 1


async def test_of_a_thousand_lookups_at_once_few_torrents_are_there_unheard(world: World) -> None:
    most = 0
    for number in range(1_000):
        world.begin(f"{number + 1:040x}")
        most = max(most, world.libtorrent.session.coming)
    assert most == 50


async def test_what_nobody_waits_for_any_more_when_it_comes_is_taken_away(world: World) -> None:
    world.leave(world.begin())
    world.take()
    assert (world.libtorrent.held, world.board.running) == ([], {})


async def test_who_comes_while_the_one_before_is_taken_away_has_a_torrent_of_its_own(world: World) -> None:
    world.leave(world.begin())
    lookup = world.begin()
    world.take()
    world.libtorrent.refuse()
    handle = world.take()
    assert world.libtorrent.held == [handle]
    assert [one.handle for one in lookup.torrents] == [handle]
    assert handle.asked_dht == 1


async def test_what_is_learnt_before_it_is_there_is_told_when_it_is(world: World) -> None:
    world.begin(hints=Hints(TRACKERS[:1], PEERS[:1]))
    world.begin(hints=Hints(TRACKERS, PEERS))
    assert world.libtorrent.told == [([*TRACKERS[:1]], [*PEERS[:1]])]
    handle = world.take()
    assert (handle.trackers, handle.peers) == ([*TRACKERS[1:]], [*PEERS[1:]])


async def test_what_is_refused_is_not_tried_again_where_nobody_waits_for_it(world: World) -> None:
    world.leave(world.begin())
    world.libtorrent.refuse()
    assert len(world.libtorrent.added) == 1


async def test_a_refusal_is_told_to_whoever_waits_once_it_is_tried_again_in_vain(world: World) -> None:
    lookup = world.begin()
    for _ in range(4):
        world.libtorrent.refuse()
    failure = await lookup.found
    assert callable(failure)
    assert isinstance(failure(), ResolverDown)


async def test_what_was_found_in_a_rush_and_is_sought_again_has_a_torrent_of_its_own(world: World) -> None:
    for number in range(9):
        first = world.begin(f"{number:040x}")
        handle = world.take()
        (torrent,) = first.torrents
        world.board.end(torrent, (TorrentId.of(torrent.info_hash), b"de"))
        world.race.retire(torrent)
        world.leave(first)
    assert handle in world.libtorrent.held
    world.begin(f"{8:040x}")
    assert handle not in world.libtorrent.held
    assert world.take() in world.libtorrent.held


async def test_a_torrent_that_comes_by_half_of_its_hash_is_looked_up_by_the_whole(world: World) -> None:
    world.begin()
    lookup = world.begin(DIGITS + "cd" * 12)
    world.take()
    world.libtorrent.refuse()
    handle = world.take()
    assert world.libtorrent.held == [handle]
    assert [(one.handle, one.info_hash.hex) for one in lookup.torrents] == [(handle, DIGITS + "cd" * 12)]


async def test_by_the_whole_of_a_hash_whose_half_was_refused_others_join_anew(world: World) -> None:
    removed = list[object]()
    half = world.begin()
    (torrent,) = half.torrents
    torrent.joined = True
    world.board.seek_beside(torrent, "beside", cast("Any", SimpleNamespace(remove=removed.append)))
    for _ in range(4):
        world.libtorrent.refuse()
    world.begin(DIGITS + "cd" * 12)
    assert (torrent.joined, torrent.beside, removed) == (False, {}, ["beside"])

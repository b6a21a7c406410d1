"""Which peer is heard alone, and for how long."""

from types import SimpleNamespace
from typing import Any, cast

import libtorrent as lt
import pytest

from services.errors import ResolverDown
from services.resolvers.libtorrent import lanes
from services.resolvers.libtorrent.evidence import Connection, Endpoint, Whereabouts
from services.resolvers.libtorrent.lookups import Board, Lookup, SoughtTorrent
from services.torrents import Hints, InfoHash

A, B, C = (("203.0.113.1", 1), ("203.0.113.2", 2), ("203.0.113.3", 3))


OURSELVES: Endpoint = ("198.51.100.7", 6_881)
HERE = Whereabouts({OURSELVES[0]}, {OURSELVES[1]})


class FakeSession:
    """Has the handles that it gave and did not get back, each with whom it was to ask."""

    way = "plain"

    def __init__(self) -> None:
        self.held: dict[str, Endpoint] = {}
        self.heard: list[Endpoint] = []
        self.refuses = False
        self.paused: list[str] = []

    def add(self, info_hash: InfoHash, hints: Hints, *, alone: bool) -> str:
        assert alone
        if self.refuses:
            raise ResolverDown(reason="it is here")
        (peer,) = hints.peers
        handle = f"{info_hash.hex} {len(self.heard)}"
        self.held[handle] = peer
        self.heard.append(peer)
        return handle

    def remove(self, handle: str) -> None:
        del self.held[handle]

    def pause(self, handle: str) -> None:
        self.paused.append(handle)

    def resume(self, handle: str) -> None:
        self.paused.remove(handle)


class World:
    """One torrent that somebody waits for, whose peers are those of *standing*."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.standing: list[Connection] = []
        self.racing, self.session = FakeSession(), FakeSession()
        monkeypatch.setattr(lanes, "connections", lambda *_: self.standing)
        self.lane = lanes.Lane(cast("Any", self.racing), cast("Any", self.session), HERE, lambda *_: None)
        self.torrent = SoughtTorrent[Any](InfoHash("ab" * 20), "handle", cast("Any", self.racing))
        self.torrent.lookups.add(cast("Lookup[Any]", object()))

    def many(self, count: int) -> list[SoughtTorrent[Any]]:
        """Return so many torrents that somebody waits for, each with the one peer A."""
        self.standing = [peer(A)]
        every = []
        for number in range(count):
            torrent = SoughtTorrent[Any](InfoHash(f"{number:040x}"), f"handle {number}", cast("Any", self.racing))
            torrent.lookups.add(cast("Lookup[Any]", object()))
            torrent.sightings.standing = frozenset({A})
            every.append(torrent)
        return every

    def hang_up(self) -> None:
        """Let the peer that is heard hang up."""
        (handle,) = self.session.held
        self.lane._on_hanging_up(cast("Any", handle))

    def look(self, now: float) -> None:
        self.torrent.sightings.standing = frozenset(one.peer for one in self.standing)
        self.torrent.doubts.look(now, connected=bool(self.standing))
        self.torrent.settle(now)
        self.lane.look([self.torrent], now)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return World(monkeypatch)


def peer(one: Endpoint, *, rate: int = 0, talks: bool = True, stands: bool = True, tried: bool = True) -> Connection:
    return Connection(one, stands=stands, tried=tried, named=True, rate=rate, talks=talks)


def test_one_is_heard_at_a_time_those_who_talk_first_and_the_fastest_of_them(world: World) -> None:
    world.standing = [peer(A, talks=False), peer(B, rate=10), peer(C, rate=20)]
    for now in (0.0, 2.0, 4.0):
        world.look(now)
        assert len(world.session.held) == 1
    assert world.session.heard == [C, B, A]


def test_who_brings_something_is_not_heard_beside_the_race_before_anybody_lied(world: World) -> None:
    world.standing = [peer(A, rate=1_000), peer(B, rate=999)]
    for now in (0.0, 2.0, 6.0):
        world.look(now)
    assert set(world.session.heard) == {B}
    world.torrent.doubts.lie()
    world.look(12.0)
    assert world.session.heard[-1] == A


@pytest.mark.parametrize(("much", "now"), [(True, 4.0), (False, 15.0)])
def test_who_brings_very_much_or_for_long_is_heard_alone_all_the_same(world: World, now: float, *, much: bool) -> None:
    world.standing = [peer(A, rate=9_000), peer(B, rate=9_000)]
    world.look(0.0)
    world.torrent.doubts.much = much
    world.look(now - 0.1)
    assert bool(world.session.heard) is much
    world.look(now)
    assert world.session.heard == [A]


def test_the_only_one_who_brings_something_is_left_alone_however_much_and_long_until_somebody_has_lied(
    world: World,
) -> None:
    world.standing = [peer(A, rate=9_000)]
    world.look(0.0)
    world.torrent.doubts.much = True
    world.look(100.0)
    assert world.session.heard == []
    world.torrent.doubts.lie()
    world.look(100.1)
    assert world.session.heard == [A]


@pytest.mark.parametrize(
    ("brings_until", "begun"),
    [
        (3.0, [0.0, 1.5, 6.0]),  # three seconds after it brought something
        (99.0, [0.0, 1.5, 13.5]),  # four times as long as it would have been heard
    ],
)
def test_who_brings_something_slowly_is_heard_on_where_it_was_heard_before(
    world: World, brings_until: float, begun: list[float]
) -> None:
    world.standing = [peer(A)]
    times = []
    for half in range(40):
        now, before = half / 2, len(world.session.heard)
        world.look(now)
        times += [now] * (len(world.session.heard) - before)
        for handle in world.session.held:
            rate = 1_000 if now < brings_until else 999
            world.lane._on_state(cast("Any", SimpleNamespace(handle=handle, total_download=0, download_rate=rate)))
    assert times[:3] == begun


def test_who_was_heard_is_heard_again_when_all_were_and_for_twice_as_long(world: World) -> None:
    world.standing = [peer(A)]
    begun = []
    for tenth in range(80):
        before = len(world.session.heard)
        world.look(tenth / 10)
        begun += [tenth / 10] * (len(world.session.heard) - before)
    assert begun == [0.0, 1.5, 4.5]


def test_nobody_is_heard_more_than_ten_times(world: World) -> None:
    world.standing = [peer(A)]
    for now in range(0, 10_000, 10):
        world.look(float(now))
    assert len(world.session.heard) == 10
    assert world.session.held == {}


@pytest.mark.parametrize("one", [peer(A, stands=False), peer(A, tried=False), peer(OURSELVES)])
def test_who_does_not_stand_or_came_from_a_port_of_its_own_or_is_ourselves_is_not_heard(
    world: World, one: Connection
) -> None:
    world.standing = [one]
    world.look(0.0)
    assert world.session.heard == []


@pytest.mark.parametrize(
    ("way", "talks", "op", "goes_on"),
    [
        ("any", True, lt.operation_t.connect, True),
        ("tcp", False, lt.operation_t.sock_read, True),
        ("any", True, lt.operation_t.sock_read, True),
        ("plain", False, lt.operation_t.connect, False),
    ],
)
def test_who_is_tried_in_several_ways_is_not_given_up_after_the_first(
    world: World, way: str, talks: bool, op: lt.operation_t, goes_on: bool
) -> None:
    world.racing.way = way
    world.standing = [peer(A, talks=talks)]
    world.look(0.0)
    (handle,) = world.session.held
    alert = cast("Any", SimpleNamespace(handle=handle, op=op))
    assert world.lane._tries_again(alert) is goes_on
    again = world.lane._tries_again(alert)
    assert again is (goes_on and not (talks and op == lt.operation_t.sock_read)), "it is greeted with encryption once"
    world.look(3.9)
    assert (handle in world.session.held) is (way != "plain")
    world.look(4.0)
    assert handle not in world.session.held


def test_what_nobody_waits_for_any_more_is_left_at_the_next_look(world: World) -> None:
    world.standing = [peer(A)]
    world.look(0.0)
    world.torrent.lookups.clear()
    world.lane.look([], 0.25)
    assert world.session.held == {}


def test_what_has_gone_with_its_torrent_is_not_taken_away_again(world: World) -> None:
    world.standing = [peer(A)]
    world.look(0.0)
    world.racing.held["handle"] = A
    world.torrent.remove()
    world.look(1.5)
    assert list(world.session.held.values()) == [A], "heard anew, not the old one taken away twice"


def test_a_session_that_refuses_is_asked_another_time(world: World) -> None:
    world.standing = [peer(A)]
    world.session.refuses = True
    world.look(0.0)
    world.session.refuses = False
    world.look(0.25)
    assert world.session.heard == [A]


def test_whom_the_session_refuses_to_hear_apart_has_its_turn_still(world: World) -> None:
    world.standing = [peer(A)]
    world.torrent.doubts.lie()
    world.look(0.0)
    world.hang_up()
    world.look(0.1)
    world.session.refuses = True
    world.look(0.4)
    world.session.refuses = False
    world.look(0.5)
    assert world.session.heard == [A, A]
    assert world.torrent.doubts.heard["plain", A] == 1


def test_peers_are_doubted_two_seconds_after_the_first_connection(world: World) -> None:
    board = Board[Any]()
    board.seek(world.torrent)
    assert lanes.doubted(board, 0.0) == []
    world.torrent.sightings.standing = frozenset({A})
    assert [lanes.doubted(board, now) for now in (1.0, 2.9)] == [[], []]
    assert lanes.doubted(board, 3.0) == [world.torrent]


def test_a_peer_that_gave_what_is_wrong_is_doubted_at_once(world: World) -> None:
    board = Board[Any]()
    board.seek(world.torrent)
    world.torrent.doubts.lie()
    assert lanes.doubted(board, 0.0) == [world.torrent]


def test_of_very_many_torrents_ten_are_heard_at_once_and_all_have_their_turn(world: World) -> None:
    every = world.many(25)
    begun = []
    for now in (1.0, 1.1, 2.6, 4.2):
        world.lane.look(every, now)
        begun.append(len(world.session.heard))
        assert len(world.session.held) <= 10
    assert begun == [10, 10, 20, 30]
    assert sorted(torrent.doubts.heard.total() for torrent in every) == 20 * [1] + 5 * [2]


def test_where_somebody_has_lied_peers_are_heard_before_those_of_others(world: World) -> None:
    every = world.many(25)
    lied = every[-1]
    lied.doubts.lie()
    lied.doubts.looked["plain"] = 9.0
    world.lane.look(every, 10.0)
    assert lied.doubts.heard.total() == 1


def test_where_nobody_is_to_be_heard_any_more_no_other_torrent_waits(world: World) -> None:
    *over, last = every = world.many(15)
    for torrent in every:
        torrent.doubts.lie()
    for torrent in over:
        torrent.doubts.liars = frozenset({A})
    world.lane.look(every, 1.0)
    assert last.doubts.heard.total() == 1


def test_where_one_lied_and_one_bears_one_connection_the_race_is_paused_until_all_that_it_had_were_heard(
    world: World,
) -> None:
    world.standing = [peer(A), peer(B)]
    world.torrent.doubts.lie()
    world.look(0.0)
    world.hang_up()
    world.look(0.1)
    assert world.racing.paused == ["handle"]
    world.standing = []
    world.look(0.3)
    assert world.session.heard == [A], "the race has only just let them go"
    for now in (0.4, 3.5):
        world.look(now)
        assert world.racing.paused == ["handle"], "not all were heard"
    assert world.session.heard == [A, A, B], "who hung up is heard again, and none is forgotten"
    world.hang_up()
    world.look(3.75)
    assert world.racing.paused == []


def test_where_nobody_lied_the_race_is_left_alone_for_ten_seconds_then_for_twice_as_long(world: World) -> None:
    world.standing = [peer(A)]
    paused = [False]
    for now in range(60):
        world.look(float(now))
        world.torrent.doubts.refuse("plain", A)
        paused.append(bool(world.racing.paused))
    assert [now for now in range(60) if paused[now + 1] and not paused[now]] == [10, 33]
    assert sum(paused) == 6


def test_a_race_that_brings_something_is_paused_where_it_was_lied_to_alone(world: World) -> None:
    world.standing = [peer(A)]
    world.torrent.sightings.receiving = True
    world.look(0.0)
    world.hang_up()
    world.look(20.0)
    assert world.racing.paused == []
    world.torrent.doubts.lie()
    world.look(20.1)
    assert world.racing.paused == ["handle"]


def test_a_race_that_was_paused_goes_on_for_two_seconds_and_is_paused_again_where_it_is_lied_to_again(
    world: World,
) -> None:
    world.standing = [peer(A)]
    paused = []
    world.torrent.doubts.lie()
    for tenth in range(40):
        world.look(tenth / 10)
        world.torrent.doubts.refuse("plain", A)
        if tenth == 5:
            world.torrent.take_up(0.5)
        if tenth == 15:
            world.torrent.doubts.lie()
        paused += [tenth] if world.racing.paused else []
    assert paused == [1, 2, 3, 4, *range(25, 30)]


def test_a_race_that_is_not_lied_to_again_is_left_alone_though_a_peer_refuses(world: World) -> None:
    world.standing = [peer(A)]
    world.torrent.doubts.lie()
    for tenth in (0, 1):
        world.look(tenth / 10)
        world.torrent.doubts.refuse("plain", A)
    world.torrent.take_up(0.2)
    for tenth in range(3, 150):
        world.look(tenth / 10)
        world.torrent.doubts.refuse("plain", A)
        assert world.racing.paused == []


def test_who_hangs_up_before_it_has_said_anything_is_left_alone_for_as_long_as_it_would_have_been_heard(
    world: World,
) -> None:
    world.standing = [peer(A, talks=False)]
    begun = []
    for tenth in range(80):
        before = len(world.session.heard)
        world.look(tenth / 10)
        if len(world.session.heard) > before:
            begun.append(tenth)
            world.hang_up()
    assert begun == [0, 15, 45]
    world.standing = [peer(A)]
    world.look(8.1)
    assert len(world.session.heard) == 4, "it talks now"


def test_who_has_refused_to_be_heard_beside_the_race_is_not_asked_again_and_keeps_its_turns(world: World) -> None:
    world.standing = [peer(A)]
    world.look(0.0)
    world.hang_up()
    for tenth in range(1, 20):
        world.look(tenth / 10)
    assert world.session.heard == [A]
    assert world.torrent.doubts.heard["plain", A] == 0


def test_a_race_is_paused_for_ten_seconds_at_most(world: World) -> None:
    world.standing = [peer((f"203.0.113.{number}", number)) for number in range(1, 30)]
    world.torrent.doubts.lie()
    paused = []
    for tenth in range(300):
        world.look(tenth / 10)
        if tenth == 0:
            world.hang_up()
        paused += [tenth] if world.racing.paused else []
    assert (paused[0], paused[-1], len(paused)) == (1, 100, 100)


def test_a_peer_that_has_said_nothing_in_the_race_either_pauses_nothing_when_it_hangs_up(world: World) -> None:
    world.standing = [peer(A, talks=False)]
    world.torrent.doubts.lie()
    world.look(0.0)
    world.hang_up()
    world.look(0.1)
    assert world.racing.paused == []


def test_who_alone_gave_what_is_wrong_or_more_than_any_metadata_is_heard_no_more(world: World) -> None:
    world.standing = [peer(A)]
    world.look(0.0)
    (handle,) = world.session.held
    world.lane._on_lie(cast("Any", handle))
    world.look(100.0)
    assert world.session.heard == [A]
    assert world.session.held == {}


def test_where_a_peer_has_lied_the_next_look_hears_one_whether_or_not_it_is_known_yet_who_stands(world: World) -> None:
    world.standing = [peer(A)]
    world.torrent.doubts.lie()
    world.lane.look([world.torrent], 0.0)
    assert world.session.heard == [A]


def test_how_often_a_peer_was_heard_in_one_way_counts_in_no_other(world: World) -> None:
    world.standing = [peer(A), peer(B)]
    world.torrent.doubts.heard["mse", A] = 1
    world.look(0.0)
    assert world.session.heard == [A]

"""Whom metadata is exchanged with, how many they are at once, and how long each has."""

import asyncio
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from sandbox.swarm import make_sample
from sandbox.swarm.samples import Kind
from services.resolvers.addresses import AddressPolicy
from services.resolvers.libtorrent import exchanges
from services.resolvers.libtorrent.evidence import Endpoint, Whereabouts
from services.resolvers.libtorrent.exchange import Connect, Useless, by_tcp
from services.resolvers.libtorrent.exchanges import Exchanges
from services.resolvers.libtorrent.lookups import Metadata, SoughtTorrent
from services.resolvers.libtorrent.mse import by_mse
from services.resolvers.libtorrent.utp import by_utp
from services.torrents import InfoHash
from tests.fake_clock import FakeClock, settle

PUBLIC = AddressPolicy()
A, B, SIX = ("198.41.0.4", 1), ("198.41.0.5", 2), ("2620:fe::fe", 3)
MANY = [("198.41.0.6", port) for port in range(1, 301)]


class Talk:
    """An exchange with a peer that goes on until it is told what comes of it."""

    def __init__(
        self, heard: Callable[[], None], may_hold: Callable[[int], bool], local: str | None, connect: Connect
    ) -> None:
        self.heard, self.may_hold, self.local, self.connect = heard, may_hold, local, connect
        self.comes: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()


class Peers:
    """All who are asked: the *talks* with them by plain TCP, and those *by_utp* and *by_mse*."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.here = Whereabouts()
        self.talks: dict[Endpoint, Talk] = {}
        self.by_utp: dict[Endpoint, Talk] = {}
        self.by_mse: dict[Endpoint, Talk] = {}
        self.found: list[tuple[SoughtTorrent[Any], Metadata]] = []
        self.made: list[Exchanges] = []

    async def metadata(
        self,
        _: InfoHash,
        peer: Endpoint,
        heard: Callable[[], None],
        may_hold: Callable[[int], bool],
        *,
        connect: Connect,
        local: str | None,
    ) -> bytes:
        ways = {by_tcp: self.talks, by_utp: self.by_utp, by_mse: self.by_mse}
        talks = ways[connect.func if isinstance(connect, partial) else connect]
        talk = talks[peer] = Talk(heard, may_hold, local, connect)
        try:
            return await talk.comes
        finally:
            del talks[peer]

    def end(self, peer: Endpoint, why: Exception) -> None:
        """Let *peer* give nothing, in any way."""
        for talks in (self.talks, self.by_utp, self.by_mse):
            talks[peer].comes.set_exception(why)

    def exchanges(self, policy: AddressPolicy = PUBLIC, bound: tuple[str, ...] = ()) -> Exchanges:
        def found(torrent: SoughtTorrent[Any], given: Metadata) -> None:
            self.found.append((torrent, given))
            torrent.give(given)

        self.made.append(Exchanges(policy, self.here, bound, found, self.clock))
        return self.made[-1]


@pytest.fixture
def peers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Peers]:
    made = Peers(FakeClock())
    monkeypatch.setattr(exchanges, "metadata", made.metadata)
    yield made
    assert [one for one in made.made if one._running] == [], "a test ends what it has begun"


def torrent(digits: str = "ab") -> SoughtTorrent[Any]:
    made = SoughtTorrent[Any](InfoHash(digits * 20), None, cast("Any", object()))
    made.lookups.add(cast("Any", AnyLookup()))
    return made


class AnyLookup:
    def take(self, _: object) -> None:
        """Be content with whatever comes."""


def fill(asking: Exchanges, count: int = 100) -> None:
    """Let so many be asked, as many as may be, for several torrents."""
    for first in range(0, count, 20):
        asking.ask(torrent(), MANY[first : min(first + 20, count)])


async def test_private_peers_are_asked_where_that_is_allowed_alone(peers: Peers) -> None:
    inside = [("10.9.9.9", 1), ("127.0.0.1", 2), ("::ffff:10.9.9.9", 3), ("fd00::9", 4), ("198.41.0.9", 0), ("name", 5)]
    asking = peers.exchanges()
    asking.ask(torrent(), [*inside, A])
    await settle()
    assert [*peers.talks] == [A]
    asking.keep_off(PUBLIC.knowing_own(B[0]))
    asking.ask(torrent(), [B])
    await settle()
    assert [*peers.talks] == [*peers.by_utp] == [*peers.by_mse] == [A]
    asking.keep_off(AddressPolicy(allow_private=True))
    asking.ask(torrent(), inside[:1])
    await settle()
    assert [*peers.talks] == [A, inside[0]]
    await asking.close()


async def test_whom_we_are_to_keep_off_now_is_left(peers: Peers) -> None:
    asking = peers.exchanges()
    asking.ask(torrent(), [A, B])
    await settle()
    asking.keep_off(PUBLIC.knowing_own(A[0]))
    await settle()
    assert [*peers.talks] == [*peers.by_utp] == [*peers.by_mse] == [B]
    await asking.close()


async def test_ourselves_whom_a_magnet_may_name_are_not_asked(peers: Peers) -> None:
    peers.here.listen(*A)
    asking = peers.exchanges()
    asking.ask(torrent(), [A, B])
    await settle()
    assert [*peers.talks] == [*peers.by_utp] == [*peers.by_mse] == [B]
    await asking.close()


async def test_neither_the_policy_nor_its_filter_alone_lets_a_peer_be_asked(
    peers: Peers, monkeypatch: pytest.MonkeyPatch
) -> None:
    asking = peers.exchanges()
    monkeypatch.setattr(AddressPolicy, "admits", lambda *_: True)
    asking.ask(torrent(), [("10.9.9.9", 1)])
    monkeypatch.setattr(AddressPolicy, "admits", lambda *_: False)
    asking.ask(torrent(), [A])
    await settle()
    assert peers.talks == {}


async def test_behind_a_proxy_nobody_is_asked(peers: Peers) -> None:
    peers.exchanges(AddressPolicy(proxied=True)).ask(torrent(), [A])
    await settle()
    assert peers.talks == {}


@pytest.mark.parametrize(
    ("bound", "asked"),
    [
        ((), {A: None, SIX: None}),
        (("10.8.0.2",), {A: "10.8.0.2"}),
        (("2620:fe::1",), {SIX: "2620:fe::1"}),
        (("tun0",), {}),
        (("tun0", "10.8.0.2"), {A: "10.8.0.2"}),
    ],
)
async def test_who_is_asked_is_so_from_the_address_that_is_bound(
    peers: Peers, bound: tuple[str, ...], asked: dict[Endpoint, str | None]
) -> None:
    asking = peers.exchanges(bound=bound)
    asking.ask(torrent(), [A, SIX])
    await settle()
    for talks in (peers.talks, peers.by_utp, peers.by_mse):
        assert {peer: talk.local for peer, talk in talks.items()} == asked
    await asking.close()


async def test_who_is_being_asked_is_not_asked_once_more(peers: Peers) -> None:
    asking, sought, other = peers.exchanges(), torrent(), torrent("cd")
    fill(asking, 99)
    asking.ask(sought, [A, A, (f"::ffff:{A[0]}", A[1]), B, B])
    asking.ask(sought, [A, B])
    asking.ask(other, [A])
    await settle()
    assert [*peers.talks] == [*MANY[:99], A]
    assert [*asking._line] == [(sought, B), (other, A)]
    first = peers.talks[A]
    for number in range(3):
        peers.end(MANY[number], Useless())
    await settle()
    assert [*peers.talks] == [*MANY[3:99], A, B]
    assert peers.talks[A] is not first, "the other torrent's"
    assert not first.comes.done()
    await asking.close()


async def test_who_stands_in_line_stands_there_once(peers: Peers) -> None:
    asking, sought = peers.exchanges(), torrent()
    fill(asking)
    for _ in range(40):
        asking.ask(sought, [A])
    assert len(asking._line) == 1
    asking.ask(sought, [("198.41.0.7", port) for port in range(1, 301)])
    assert len(asking._line) == 20
    await settle()
    await asking.close()


async def test_whom_we_are_to_keep_off_by_the_time_of_its_turn_is_not_asked(peers: Peers) -> None:
    asking = peers.exchanges()
    fill(asking)
    asking.ask(torrent(), [A, B])
    await settle()
    asking.keep_off(PUBLIC.knowing_own(A[0]))
    peers.end(MANY[0], Useless())
    await settle()
    assert [*peers.talks] == [*MANY[1:100], B]
    await asking.close()


async def test_of_one_torrent_twenty_are_asked_at_once(peers: Peers) -> None:
    asking, sought = peers.exchanges(), torrent()
    asking.ask(sought, MANY[:40])
    await settle()
    assert [*peers.talks] == MANY[:20]
    peers.end(MANY[0], Useless())
    await settle()
    asking.ask(sought, [A, B])
    await settle()
    assert [*peers.talks] == [*MANY[1:20], A]
    await asking.close()


async def test_of_all_a_hundred_are_asked_at_once_and_the_next_when_one_is_over(peers: Peers) -> None:
    asking, last, left = peers.exchanges(), torrent(), torrent()
    fill(asking)
    asking.ask(left, [B])
    asking.ask(last, [A])
    await settle()
    assert [*peers.talks] == MANY[:100]
    left.lookups.clear()
    peers.end(MANY[7], EOFError())
    await settle()
    assert [*peers.talks] == [*MANY[:7], *MANY[8:100], A]
    await asking.close()
    assert peers.talks == {}


async def test_they_are_fewer_where_few_files_may_be_open(peers: Peers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resource.getrlimit", lambda _: (256, 256))
    asking = peers.exchanges()
    fill(asking)
    await settle()
    assert [*peers.talks] == MANY[:8]
    await asking.close()


async def test_who_brings_nothing_for_four_seconds_is_given_up(peers: Peers) -> None:
    asking = peers.exchanges()
    asking.ask(torrent(), [A, B])
    await settle()
    peers.talks[B].heard()
    await peers.clock.advance(3.9)
    asking.look(peers.clock.monotonic())
    peers.talks[B].heard()
    await peers.clock.advance(0.1)
    asking.look(peers.clock.monotonic())
    await settle()
    assert [*peers.talks] == [B]
    await peers.clock.advance(3.9)
    asking.look(peers.clock.monotonic())
    await settle()
    assert peers.talks == {}


@pytest.mark.parametrize("gives", [False, True])
async def test_who_brings_little_by_little_is_given_up_after_a_minute(peers: Peers, *, gives: bool) -> None:
    asking = peers.exchanges()
    asking.ask(torrent(), [A])
    await settle()
    if gives:
        assert peers.talks[A].may_hold(40_000)
    for _ in range(20):
        await settle()
        peers.talks[A].heard()
        await peers.clock.advance(3.0)
        asking.look(peers.clock.monotonic())
    await settle()
    assert peers.talks == {}


async def test_of_unfinished_metadata_no_more_is_held_than_there_is_room_for(peers: Peers) -> None:
    asking = peers.exchanges()
    for first in range(0, 20, 4):
        asking.ask(torrent(), MANY[first : first + 4])
    await settle()
    room = [peers.talks[peer].may_hold(2 * 2**20) for peer in MANY[:17]]
    assert room == [True] * 16 + [False]
    assert not peers.talks[MANY[17]].may_hold(1)
    peers.talks[MANY[0]].comes.set_exception(Useless())
    await settle()
    assert peers.talks[MANY[17]].may_hold(2 * 2**20)
    await asking.close()


async def test_what_strangers_say_that_one_torrent_has_leaves_room_for_others(peers: Peers) -> None:
    asking, sought, other = peers.exchanges(), torrent(), torrent("cd")
    asking.ask(sought, MANY[:10])
    asking.ask(other, [A])
    await settle()
    assert [peers.talks[peer].may_hold(2 * 2**20) for peer in MANY[:10]] == [True] * 4 + [False] * 6
    assert peers.talks[A].may_hold(2 * 2**20)
    await asking.close()


@pytest.mark.parametrize("way", ["talks", "by_utp", "by_mse"])
async def test_who_gives_metadata_in_one_way_is_not_asked_in_the_others_any_more(peers: Peers, way: str) -> None:
    asking, sought, other = peers.exchanges(), torrent(), torrent("cd")
    asking.ask(sought, [A, B])
    asking.ask(other, [SIX])
    await settle()
    ways = [peers.talks, peers.by_utp, peers.by_mse]
    gives: dict[Endpoint, Talk] = getattr(peers, way)
    assert gives[A].may_hold(40_000)
    await settle()
    asking.ask(sought, [A])
    await settle()
    assert [[*talks] for talks in ways] == [[A, B, SIX] if talks is gives else [B, SIX] for talks in ways]
    await asking.close()


async def test_what_a_peer_gives_of_one_torrent_says_nothing_of_another(peers: Peers) -> None:
    asking = peers.exchanges()
    asking.ask(torrent(), [A])
    await settle()
    first = peers.talks[A]
    asking.ask(torrent("cd"), [A])
    await settle()
    assert first.may_hold(40_000)
    await settle()
    assert len(asking._running) == 4
    await asking.close()


@pytest.mark.parametrize(
    ("receiving", "pieces", "goes_on"), [(True, 4, False), (True, 5, True), (False, 4, True), (False, 0, True)]
)
async def test_who_is_slow_leaves_its_line_to_the_sessions_where_they_receive_some(
    peers: Peers, *, receiving: bool, pieces: int, goes_on: bool
) -> None:
    asking, sought = peers.exchanges(), torrent()
    sought.sightings.receiving = receiving
    asking.ask(sought, [A])
    await settle()
    talk = peers.talks[A]
    for _ in range(3):
        talk.heard()
    talk.may_hold(10 * 16_384)
    for _ in range(pieces):
        talk.heard()
    for seconds, there in ((1.9, True), (0.1, goes_on)):
        await peers.clock.advance(seconds)
        asking.look(peers.clock.monotonic())
        await settle()
        assert (A in peers.talks) == there
    await asking.close()


@pytest.mark.parametrize(
    ("connects_in", "silent", "slow"),
    [(0.0, 4.0, 2.0), (0.1, 4.0, 2.0), (0.3, 4.0, 3.0), (1.0, 10.0, 10.0), (3.0, 15.0, 15.0)],
)
@pytest.mark.parametrize("receiving", [False, True])
async def test_who_is_far_away_has_longer_for_each_answer(
    peers: Peers, connects_in: float, silent: float, slow: float, *, receiving: bool
) -> None:
    asking, sought = peers.exchanges(), torrent()
    sought.sightings.receiving = receiving
    asking.ask(sought, [A])
    await settle()
    talk = peers.talks[A]
    await peers.clock.advance(connects_in)
    talk.heard()
    await peers.clock.advance(0.5)
    talk.heard()
    assert talk.may_hold(10 * 16_384)
    left = min(silent, slow) if receiving else silent
    for seconds, goes_on in ((left - 0.1, True), (0.1, False)):
        await peers.clock.advance(seconds)
        asking.look(peers.clock.monotonic())
        await settle()
        assert (peers.talks.get(A) is talk) == goes_on
    await asking.close()


async def begun(peers: Peers, asking: Exchanges, sought: SoughtTorrent[Any]) -> None:
    """Let the peer A say by uTP how much metadata of *sought* there is, and nothing else for four seconds."""
    asking.ask(sought, [A])
    await settle()
    peers.by_utp[A].heard()
    assert peers.by_utp[A].may_hold(40_000)
    await peers.clock.advance(4.0)


async def test_who_gives_and_falls_silent_is_asked_again_in_that_way_twice(peers: Peers) -> None:
    asking, sought = peers.exchanges(), torrent()
    await begun(peers, asking, sought)
    for _ in range(2):
        asking.look(peers.clock.monotonic())
        await settle()
        assert ([*peers.talks], [*peers.by_utp], [*peers.by_mse]) == ([], [A], [])
        assert [(one.peer, one.gives) for one in sought.exchanges] == [(A, False)]
        peers.by_utp[A].heard()
        assert peers.by_utp[A].may_hold(40_000)
        await peers.clock.advance(4.0)
    asking.look(peers.clock.monotonic())
    await settle()
    assert (peers.by_utp, sought.exchanges) == ({}, frozenset())


@pytest.mark.parametrize("why", ["found", "paused", "kept off", "closed"])
async def test_who_fell_silent_is_not_asked_again_where_nobody_is(peers: Peers, why: str) -> None:
    asking, sought = peers.exchanges(), torrent()
    await begun(peers, asking, sought)
    asking.look(peers.clock.monotonic())
    match why:
        case "found":
            sought.lookups.clear()
        case "paused":
            sought.doubts.apart = set()
        case "kept off":
            asking.keep_off(PUBLIC.knowing_own(A[0]))
        case _:
            await asking.close()
    await settle()
    assert peers.by_utp == {}


@pytest.mark.parametrize(("torrents", "of_each", "go_on"), [(1, 2, True), (1, 3, False), (7, 1, True), (8, 1, False)])
async def test_who_is_slow_leaves_its_room_to_others_where_more_than_half_of_it_is_taken(
    peers: Peers, torrents: int, of_each: int, *, go_on: bool
) -> None:
    asking, many = peers.exchanges(), iter(MANY)
    for _ in range(torrents):
        asking.ask(torrent(), islice(many, of_each))
    asking.ask(torrent(), [A])
    await settle()
    slow = MANY[: torrents * of_each]
    for one in slow:
        peers.talks[one].heard()
        assert peers.talks[one].may_hold(2 * 2**20)
    assert peers.talks[A].may_hold(2**14)
    peers.talks[A].heard()
    for seconds, there in ((1.9, True), (0.1, go_on)):
        await peers.clock.advance(seconds)
        asking.look(peers.clock.monotonic())
        await settle()
        assert [*peers.talks] == [*(slow if there else []), A]
    await asking.close()


async def test_the_key_for_mse_is_another_after_a_minute(peers: Peers) -> None:
    asking, keys = peers.exchanges(), list[object]()
    for seconds, peer in ((0.0, A), (59.9, B), (0.1, SIX)):
        await peers.clock.advance(seconds)
        asking.look(peers.clock.monotonic())
        asking.ask(torrent(), [peer])
        await settle()
        keys.append(cast("partial[Any]", peers.by_mse[peer].connect).keywords["key"])
    assert keys[0] is keys[1]
    assert keys[1] is not keys[2]
    await asking.close()


@pytest.mark.parametrize("error", [OSError(), EOFError(), Useless()], ids=lambda one: type(one).__name__)
async def test_who_fails_is_passed_over_in_silence(peers: Peers, error: Exception) -> None:
    asking, sought = peers.exchanges(), torrent()
    asking.ask(sought, [A])
    await settle()
    with capture_logs() as logs:
        peers.end(A, error)
        await settle()
    assert (logs, peers.found, sought.exchanges) == ([], [], frozenset())


@pytest.mark.parametrize("unreadable", [b"i5e", b"", b"d4:name1:fe", make_sample("f").info + b"4:more4:here"])
async def test_what_libtorrent_cannot_read_is_passed_over(peers: Peers, unreadable: bytes) -> None:
    asking = peers.exchanges()
    asking.ask(torrent(), [A])
    await settle()
    with capture_logs() as logs:
        peers.talks[A].comes.set_result(unreadable)
        await settle()
    assert (logs, peers.found, peers.talks) == ([], [], {})


async def test_a_fault_of_ours_is_logged_and_keeps_nobody_else_from_it(peers: Peers) -> None:
    asking, sought = peers.exchanges(), torrent()
    asking.ask(sought, [A, B])
    await settle()
    with capture_logs() as logs:
        peers.talks[A].comes.set_exception(RuntimeError("sick"))
        await settle()
    assert [one["log_level"] for one in logs] == ["error"]
    assert [*peers.talks] == [B]
    await asking.close()


@pytest.mark.parametrize("kind", ["v1", "v2", "hybrid"])
async def test_what_comes_is_told_with_its_hashes_and_ends_the_others(peers: Peers, kind: Kind) -> None:
    sample = make_sample("found", kind=kind)
    asking, sought, other = peers.exchanges(), torrent(), torrent("cd")
    asking.ask(sought, [A, B])
    asking.ask(other, [SIX])
    await settle()
    peers.talks[A].comes.set_result(sample.info)
    await settle()
    ((told, (hashes, section)),) = peers.found
    assert (told, section) == (sought, sample.info)
    assert {one.hex for one in hashes.hashes} == {one for one in (sample.v1, sample.v2) if one}
    assert [*peers.talks] == [SIX]
    await asking.close()


async def test_metadata_that_is_large_is_told_too(peers: Peers) -> None:
    sample = make_sample("large", files=[("f", 16_384 * 2_500)], piece_length=16_384)
    asking, sought = peers.exchanges(), torrent()
    asking.ask(sought, [A])
    await settle()
    tasks = [one.task for one in asking._running]
    peers.talks[A].comes.set_result(sample.info)
    await asyncio.wait(tasks)
    await settle()
    assert [section for _, (_, section) in peers.found] == [sample.info]


def paused(sought: SoughtTorrent[Any]) -> None:
    sought.doubts.lie()
    sought.doubts.refuse("plain", A)
    assert not sought.settle(0.0)


async def test_with_its_torrent_an_exchange_ends(peers: Peers) -> None:
    asking, sought, other = peers.exchanges(), torrent(), torrent("cd")
    asking.ask(sought, [A])
    asking.ask(other, [B])
    await settle()
    sought.remove()
    await settle()
    assert [*peers.talks] == [*peers.by_utp] == [*peers.by_mse] == [B]
    await asking.close()


async def test_while_the_race_pauses_who_gives_metadata_is_heard_on_and_the_others_are_asked_after_it(
    peers: Peers,
) -> None:
    asking, sought = peers.exchanges(), torrent()
    sought.known.update({A: None, B: None, SIX: None})
    asking.ask(sought, sought.known)
    await settle()
    assert peers.talks[B].may_hold(40_000)
    peers.talks[A].heard()
    paused(sought)
    await settle()
    assert ([*peers.talks], [*peers.by_utp], [*peers.by_mse]) == ([B], [], [])
    assert sought.settle(60.0)
    asking.ask(sought, sought.known)
    await settle()
    assert [*peers.talks] == [B, A, SIX]
    await asking.close()


async def test_who_waits_in_line_is_not_asked_while_the_race_pauses(peers: Peers) -> None:
    asking, sought = peers.exchanges(), torrent()
    fill(asking)
    asking.ask(sought, [A])
    await settle()
    paused(sought)
    peers.end(MANY[0], Useless())
    await settle()
    assert [*peers.talks] == MANY[1:100]
    await asking.close()


async def test_one_torrent_does_not_fill_the_line(peers: Peers) -> None:
    asking, sought, crowd = peers.exchanges(), torrent(), torrent()
    fill(asking)
    asking.ask(sought, [A])
    for _ in range(20):
        asking.ask(crowd, [("198.41.0.7", port) for port in range(1, 301)])
    await settle()
    peers.end(MANY[0], Useless())
    await settle()
    assert [*peers.talks] == [*MANY[1:100], A]
    await asking.close()


async def test_what_is_closed_has_ended_and_nobody_in_line_is_asked(peers: Peers) -> None:
    asking = peers.exchanges()
    fill(asking, 250)
    await settle()
    await asking.close()
    assert (peers.talks, asking._running) == ({}, {})
    await settle()
    assert peers.talks == {}


async def test_after_the_end_nobody_is_asked(peers: Peers) -> None:
    asking = peers.exchanges()
    await asking.close()
    asking.ask(torrent(), [A])
    await settle()
    assert peers.talks == {}

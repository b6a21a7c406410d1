"""What the racing sessions are told of peers, and when who is asked beside them."""

from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from services.resolvers.addresses import AddressPolicy
from services.resolvers.libtorrent import race
from services.resolvers.libtorrent.evidence import Endpoint, Whereabouts
from services.resolvers.libtorrent.lookups import Board, SoughtTorrent
from services.torrents import InfoHash
from tests.fake_clock import FakeClock
from tests.unit.unheard import Unheard

A, B, C = ("203.0.113.1", 1), ("203.0.113.2", 2), ("203.0.113.3", 3)


def nobody(_torrent: SoughtTorrent[Any], _peers: Iterable[Endpoint]) -> None:
    """Ask none of them."""


class Joining:
    """A race of two sessions for one torrent, of which a peer is known; the other session is asked to join."""

    def __init__(self, other: Unheard) -> None:
        self.board, self.other, clock = Board[Any](), other, FakeClock()
        self.torrent = SoughtTorrent[Any](InfoHash("ab" * 20), "leading", cast("Any", object()))
        self.torrent.lookups.add(cast("Any", object()))
        policy = AddressPolicy(allow_private=True)
        self.race = race.Race([other.session], self.board, policy, Whereabouts(), clock, ask=nobody)
        self.race.hinted(self.torrent, [A])
        self.race._take(clock.monotonic() + 1.0)


@pytest.fixture
def joining(unheard: Unheard) -> Joining:
    return Joining(unheard)


class FakeSession:
    """Says what becomes of its one handle."""

    way = "plain"

    def __init__(self, said: list[object]) -> None:
        self._said = said

    def pause(self, _: str) -> None:
        self._said.append("paused")

    def resume(self, _: str) -> None:
        self._said.append("resumed")

    def remove(self, handle: object) -> None:
        self._said.append(handle)


async def test_a_peer_that_becomes_known_while_the_race_is_paused_ends_the_pause_and_is_connected_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said: list[object] = []

    def connect(_: str, peers: list[Endpoint], *, named: bool) -> None:
        said.append((peers, named))

    monkeypatch.setattr(race, "connect", connect)
    session = cast("Any", FakeSession(said))
    torrent = SoughtTorrent[Any](InfoHash("ab" * 20), "handle", session)
    torrent.known[A] = None
    torrent.doubts.lie()
    torrent.doubts.refuse("plain", A)
    torrent.settle(0.0)
    racing = race.Race([], Board[Any](), AddressPolicy(allow_private=True), Whereabouts(), FakeClock(), ask=nobody)
    racing.named(torrent, [A])
    assert said == ["paused"]
    racing.named(torrent, [A, B])
    assert said == ["paused", "resumed", ([B], True)]


class Asking:
    """A race of so many sessions, in which those are *asked* for metadata, too, by the torrents' hashes."""

    def __init__(self, *beside: object) -> None:
        self.asked: list[tuple[str, list[Endpoint]]] = []
        self.clock = FakeClock()
        policy = AddressPolicy(allow_private=True)
        self.race = race.Race(cast("Any", beside), Board[Any](), policy, Whereabouts(), self.clock, ask=self._ask)

    def _ask(self, torrent: SoughtTorrent[Any], peers: Iterable[Endpoint]) -> None:
        self.asked.append((torrent.info_hash.hex[:2], sorted(peers)))

    async def turn(self, after: float) -> None:
        await self.clock.advance(after)
        self.race._take(self.clock.monotonic())


@pytest.mark.parametrize("others", [0, 1])
async def test_peers_are_asked_by_nobody_else_until_the_leading_session_has_had_its_time(
    unheard: Unheard, monkeypatch: pytest.MonkeyPatch, others: int
) -> None:
    monkeypatch.setattr(race, "connect", lambda *_, **__: None)
    asking = Asking(*[unheard.session][:others])
    torrent = SoughtTorrent[Any](InfoHash("ab" * 20), "handle", cast("Any", object()))
    torrent.lookups.add(cast("Any", object()))
    asking.race.hinted(torrent, [A])
    await asking.turn(0.005)
    asking.race.named(torrent, [B])
    assert asking.asked == []
    await asking.turn(0.006)
    assert asking.asked == [("ab", [A, B])]
    asking.race.named(torrent, [A, C])
    assert asking.asked[1:] == [("ab", [C])]
    await asking.turn(1.0)
    assert len(asking.asked) == 2


async def test_after_a_pause_all_who_are_known_are_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(race, "connect", lambda *_, **__: None)
    asking = Asking()
    holder = SimpleNamespace(pause=lambda _: None, resume=lambda _: None)
    torrent = SoughtTorrent[Any](InfoHash("ab" * 20), "handle", cast("Any", holder))
    torrent.lookups.add(cast("Any", object()))
    asking.race.hinted(torrent, [A])
    await asking.turn(1.0)
    torrent.doubts.lie()
    torrent.doubts.refuse("plain", A)
    torrent.settle(0.0)
    asking.race.named(torrent, [B])
    asking.race.named(torrent, [C])
    assert [peers for _, peers in asking.asked] == [[A], [A, B], [C]]


async def test_peers_of_what_was_found_meanwhile_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(race, "connect", lambda *_, **__: None)
    asking = Asking()
    torrent = SoughtTorrent[Any](InfoHash("ab" * 20), "handle", cast("Any", object()))
    asking.race.hinted(torrent, [A])
    await asking.turn(1.0)
    assert asking.asked == []


async def test_what_is_sought_by_its_whole_hash_is_asked_of_all_who_are_known_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(race, "connect", lambda *_, **__: None)
    asking = Asking()
    torrent = SoughtTorrent[Any](InfoHash("ab" * 20), "handle", cast("Any", FakeSession([])))
    torrent.lookups.add(cast("Any", object()))
    asking.race.hinted(torrent, [A])
    await asking.turn(1.0)
    torrent.remove()
    torrent.info_hash = InfoHash("cd" * 32)
    asking.race.anew(torrent)
    assert asking.asked == [("ab", [A])], "the leading session begins anew, too"
    await asking.turn(1.0)
    assert asking.asked == [("ab", [A]), ("cd", [A])]


async def test_who_is_named_after_very_many_is_connected_to_and_the_first_are_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[Endpoint] = []
    monkeypatch.setattr(race, "connect", lambda _, peers, *, named: told.extend(peers))
    leading, session = cast("Any", object()), cast("Any", FakeSession([]))
    torrent = SoughtTorrent[Any](InfoHash("ab" * 20), "handle", leading, {"beside": session})
    racing = race.Race(
        [session], Board[Any](), AddressPolicy(allow_private=True), Whereabouts(), FakeClock(), ask=nobody
    )
    dead = [("203.0.113.3", port) for port in range(1, 701)]
    racing.named(torrent, dead)
    racing.named(torrent, [A])
    racing.hinted(torrent, [B])
    assert told[-2:] == [A, B]
    assert len(torrent.known) == 500
    told.clear()
    racing.dialled(torrent, dead[0], leading, again=True)
    assert told == []
    racing.dialled(torrent, ("203.0.113.4", 1), leading, again=False)
    assert told == [("203.0.113.4", 1)]


async def test_who_becomes_known_while_a_session_joins_is_told_to_it_when_it_has(
    joining: Joining, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[object, list[Endpoint]]] = []
    monkeypatch.setattr(race, "connect", lambda handle, peers, **_: told.append((handle, peers)))
    joining.race.named(joining.torrent, [B])
    joining.other.take("joined")
    assert told == [("leading", [B]), ("joined", [B])]
    assert joining.board.running == {"joined": joining.torrent}


async def test_a_session_that_is_refused_while_a_lookup_before_is_leaving_it_joins_all_the_same(
    joining: Joining, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(race, "connect", lambda *_, **__: None)
    joining.other.refuse()
    joining.other.take("joined")
    assert joining.board.running == {"joined": joining.torrent}


async def test_a_session_that_is_refused_four_times_is_left_out(joining: Joining) -> None:
    for _ in range(4):
        joining.other.refuse()
    assert (joining.other.session.coming, joining.board.running) == (0, {})


async def test_a_session_that_joins_when_nobody_waits_any_more_leaves_nothing(joining: Joining) -> None:
    joining.torrent.lookups.clear()
    joining.other.take("joined")
    assert (joining.other.held, joining.torrent.beside, joining.board.running) == ([], {}, {})


async def test_a_session_that_joins_by_half_of_a_hash_that_is_whole_meanwhile_leaves_nothing(joining: Joining) -> None:
    joining.torrent.info_hash = InfoHash("ab" * 32)
    joining.other.take("joined")
    assert (joining.other.held, joining.torrent.beside, joining.board.running) == ([], {}, {})


async def test_of_several_at_once_what_is_found_soon_is_asked_of_no_other_sessions_dht() -> None:
    asked: list[InfoHash] = []
    session, clock = cast("Any", SimpleNamespace(ask_dht=asked.append)), FakeClock()
    racing = race.Race([session], Board[Any](), AddressPolicy(allow_private=True), Whereabouts(), clock, ask=nobody)
    first, found, sought = (SoughtTorrent[Any](InfoHash(byte * 20), byte, session) for byte in ("ab", "cd", "ef"))
    for torrent in (first, found, sought):
        torrent.lookups.add(cast("Any", object()))
        racing.ask_dht(torrent)
    racing._take(clock.monotonic())
    assert asked == [first.info_hash]
    found.lookups.clear()
    racing._take(clock.monotonic() + 0.05)
    assert asked == [first.info_hash, sought.info_hash]


class Rush:
    """A race whose leading session has *left* those torrents by the numbers that are their handles."""

    def __init__(self, beside: tuple[object, ...] = ()) -> None:
        self.left: list[object] = []
        self._leading = cast("Any", FakeSession(self.left))
        policy = AddressPolicy(allow_private=True)
        self._clock = FakeClock()
        self.race = race.Race(cast("Any", beside), Board[Any](), policy, Whereabouts(), self._clock, ask=nobody)

    def torrent(self, number: int) -> SoughtTorrent[Any]:
        torrent = SoughtTorrent[Any](InfoHash(f"{number:040x}"), number, self._leading)
        torrent.lookups.add(cast("Any", object()))
        return torrent

    def bring(self, numbers: range) -> None:
        for number in numbers:
            self.race.retire(self.torrent(number))

    async def turn(self, after: float = 9.0) -> list[object]:
        """Return what has left since the last turn and in this one, so many seconds after it."""
        await self._clock.advance(after)
        self.race._take(self._clock.monotonic())
        left, self.left[:] = self.left[:], []
        return left


async def test_what_brings_its_name_leaves_at_once() -> None:
    rush = Rush()
    for number in range(9):
        rush.bring(range(number, number + 1))
        assert rush.left == [number]
        assert await rush.turn() == [number]


async def test_of_names_that_come_in_a_rush_the_torrents_leave_after_it_a_few_at_a_time() -> None:
    rush = Rush()
    rush.bring(range(30))
    assert await rush.turn() == [0, 1, 2, 3]
    rush.bring(range(30, 35))
    assert await rush.turn() == []
    assert await rush.turn() == [*range(4, 29)]
    rush.bring(range(35, 36))
    assert await rush.turn() == [35, *range(29, 35)]
    assert not rush.race._waiting.is_set()


async def test_a_moment_without_names_is_no_end_of_a_rush() -> None:
    rush = Rush()
    rush.bring(range(10))
    assert await rush.turn(0.01) == [0, 1, 2, 3]
    rush.bring(range(10, 11))
    assert await rush.turn(0.01) == []
    rush.bring(range(11, 20))
    assert await rush.turn(0.01) == []
    assert await rush.turn(0.09) == []
    assert await rush.turn(0.01) == [*range(4, 20)]


async def test_in_a_rush_without_an_end_no_more_than_a_thousand_wait_to_leave() -> None:
    rush = Rush()
    for beginning in range(0, 6_000, 60):
        rush.bring(range(beginning, beginning + 60))
        await rush.turn()
    assert 900 < len(rush.race._retired) <= 1_000


async def test_while_names_come_in_a_rush_no_other_session_takes_part() -> None:
    joined: list[InfoHash] = []
    asked: list[InfoHash] = []
    other = SimpleNamespace(
        way="mse", ask_dht=asked.append, add_soon=lambda info_hash, *_, **__: joined.append(info_hash)
    )
    rush = Rush((other,))
    torrent = rush.torrent(99)
    rush.race.hinted(torrent, [A])
    rush.race.ask_dht(torrent)
    rush.bring(range(5))
    await rush.turn()
    assert (joined, asked) == ([], [])
    await rush.turn()
    assert (joined, asked) == ([torrent.info_hash], [torrent.info_hash])


def in_line(count: int) -> tuple[Rush, list[SoughtTorrent[Any]], list[InfoHash]]:
    """Return a race of two sessions, so many torrents that wait for the other one, and which of them it has joined."""
    joined: list[InfoHash] = []
    other = SimpleNamespace(way="mse", add_soon=lambda info_hash, *_, **__: joined.append(info_hash))
    rush = Rush((other,))
    torrents = [rush.torrent(number) for number in range(count)]
    for torrent in torrents:
        rush.race.hinted(torrent, [A])
    return rush, torrents, joined


async def test_the_more_stand_in_line_the_longer_the_leading_session_is_alone() -> None:
    rush, torrents, joined = in_line(200)
    await rush.turn(0.1)
    assert joined == []
    await rush.turn(0.01)
    assert joined == [torrent.info_hash for torrent in torrents[:5]]
    for found in torrents[5:195]:
        found.lookups.clear()
    few = torrents[195:]
    await rush.turn(0)
    assert joined[5:] == [torrent.info_hash for torrent in few]


async def test_as_few_as_join_at_a_turn_wait_no_longer_than_one() -> None:
    rush, torrents, joined = in_line(5)
    await rush.turn(0.0101)
    assert joined == [torrent.info_hash for torrent in torrents]


async def test_what_is_sought_again_leaves_before_it_is() -> None:
    rush = Rush()
    rush.bring(range(10))
    rush.race.clear(InfoHash(f"{7:040x}"))
    rush.race.clear(InfoHash(f"{77:040x}"))
    assert await rush.turn() == [0, 1, 2, 3, 7]
    assert await rush.turn() == [4, 5, 6, 8, 9]

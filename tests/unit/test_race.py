"""What the racing sessions are told of peers while their race is paused."""

from typing import Any, cast

import pytest

from services.resolvers.addresses import AddressPolicy
from services.resolvers.libtorrent import race
from services.resolvers.libtorrent.evidence import Endpoint, Whereabouts
from services.resolvers.libtorrent.lookups import Board, SoughtTorrent
from services.torrents import InfoHash
from tests.fake_clock import FakeClock

A, B = ("203.0.113.1", 1), ("203.0.113.2", 2)


class FakeSession:
    """Says what becomes of its one handle."""

    way = "plain"

    def __init__(self, said: list[object]) -> None:
        self._said = said

    def pause(self, _: str) -> None:
        self._said.append("paused")

    def resume(self, _: str) -> None:
        self._said.append("resumed")


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
    racing = race.Race([], Board[Any](), AddressPolicy(allow_private=True), Whereabouts(), FakeClock())
    racing.named(torrent, [A])
    assert said == ["paused"]
    racing.named(torrent, [A, B])
    assert said == ["paused", "resumed", ([B], True)]


async def test_who_is_named_after_very_many_is_connected_to_and_the_first_are_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[Endpoint] = []
    monkeypatch.setattr(race, "connect", lambda _, peers, *, named: told.extend(peers))
    leading, session = cast("Any", object()), cast("Any", FakeSession([]))
    torrent = SoughtTorrent[Any](InfoHash("ab" * 20), "handle", leading, {"beside": session})
    racing = race.Race([session], Board[Any](), AddressPolicy(allow_private=True), Whereabouts(), FakeClock())
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

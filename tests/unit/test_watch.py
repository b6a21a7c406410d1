"""What the watch over the swarm looks at, turn by turn."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from services.resolvers.libtorrent import watch
from services.resolvers.libtorrent.arms import Arm
from services.resolvers.libtorrent.evidence import Connection, DhtSightings, Endpoint, Whereabouts
from services.resolvers.libtorrent.lookups import Board, SoughtTorrent
from services.torrents import InfoHash
from tests.fake_clock import FakeClock

GIVER: Endpoint = ("203.0.113.9", 6_881)
OTHER: Endpoint = ("203.0.113.10", 6_881)


class Swarm:
    """One torrent that is looked for, and who is connected with it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.connections: list[Connection] = []
        self.looks = 0
        self.clock = FakeClock()
        monkeypatch.setattr(watch, "connections", self._connections)
        board = Board[Any]()
        self.torrent = SoughtTorrent[Any](InfoHash("ab" * 20), "handle", cast("Any", SimpleNamespace(way="any")))
        board.seek(self.torrent)
        session = SimpleNamespace(post_states=lambda: None, way="any")
        alerts = SimpleNamespace(ask_about_dht=lambda: None)
        lane = SimpleNamespace(measure=lambda: None, look=lambda *_: None)
        self.asked: list[list[Endpoint]] = []
        exchanges = SimpleNamespace(look=lambda _: None, ask=lambda _, peers: self.asked.append([*peers]))
        arm = Arm(cast("Any", session), cast("Any", alerts), DhtSightings(asked=False), cast("Any", lane), 0)
        self._watch = watch.Watch(
            [arm],
            board,
            Whereabouts(),
            cast("Any", SimpleNamespace(announce_again=lambda _: None)),
            cast("Any", exchanges),
            clock=self.clock,
            dht_state=None,
        )

    def _connections(self, handle: object, by: str) -> list[Connection]:
        assert (handle, by) == (self.torrent.handle, "any")
        self.looks += 1
        return self.connections

    def turn(self) -> None:
        self.torrent.sightings.count(known=2, connections=len(self.connections))
        self._watch._report(1.0)

    async def take(self, after: float) -> None:
        """Take a turn, as the watch does so many seconds later."""
        await self.clock.advance(after)
        now = self.clock.monotonic()
        await self._watch._take(watch._Turn(opened=now, saved=now, reported=now, bootstrapping=False))


def standing(peer: Endpoint) -> Connection:
    return Connection(peer, stands=True, tried=True, named=True)


def test_who_has_gone_while_others_stay_is_connected_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    swarm = Swarm(monkeypatch)
    for connections in ([standing(GIVER), standing(OTHER)], [standing(OTHER)]):
        swarm.connections = connections
        swarm.turn()
        assert swarm.torrent.sightings.connected == len(connections)


def test_what_has_no_connection_and_no_hint_is_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    swarm = Swarm(monkeypatch)
    swarm.turn()
    assert swarm.looks == 0
    swarm.torrent.sightings.hint([OTHER])
    swarm.turn()
    assert swarm.looks == 1
    swarm.torrent.sightings.over(OTHER, met=True)
    swarm.turn()
    assert swarm.looks == 1


async def test_after_a_pause_of_the_race_those_who_are_known_are_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    swarm = Swarm(monkeypatch)
    swarm.torrent.known[GIVER] = swarm.torrent.known[OTHER] = None
    swarm.torrent.lookups.add(cast("Any", object()))
    swarm.torrent.holder = cast("Any", SimpleNamespace(pause=lambda _: None, resume=lambda _: None))
    swarm.torrent.doubts.lie()
    swarm.torrent.doubts.refuse("any", GIVER)
    await swarm.take(0.0)
    assert swarm.torrent.doubts.apart is not None
    assert swarm.asked == []
    await swarm.take(60.0)
    assert swarm.asked == [[GIVER, OTHER]]
    await swarm.take(60.0)
    assert len(swarm.asked) == 1

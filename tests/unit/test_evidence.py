"""Who counts as a peer, and who is nobody."""

import pytest

from services.resolvers.libtorrent.evidence import Connection, Endpoint, Sightings, Whereabouts

PORT, OLD_PORT = 6_881, 4_711
OURS, SEEN_AT, THEIRS = "192.168.1.5", "198.51.100.7", "203.0.113.9"


@pytest.fixture
def here() -> Whereabouts:
    here = Whereabouts()
    here.listen(OURS, PORT)
    here.named.append(SEEN_AT)
    return here


def peers_after(here: Whereabouts, peer: Endpoint, *, met: bool) -> int:
    """Return how many peers there are when *peer* alone is known, and was tried in vain or *met*."""
    sightings = Sightings()
    sightings.tried(peer, here, met=False)
    if met:
        sightings.tried(peer, here, met=True)
    sightings.count(known=1, connections=0)
    return sightings.seen


@pytest.mark.parametrize("address", [OURS, SEEN_AT])
def test_our_own_address_and_port_are_ourselves_whoever_answers_there(here: Whereabouts, address: str) -> None:
    assert peers_after(here, (address, PORT), met=False) == 0
    assert peers_after(here, (address, PORT), met=True) == 0


@pytest.mark.parametrize("address", [OURS, SEEN_AT])
def test_another_port_of_our_own_address_is_a_peer_once_it_has_answered(here: Whereabouts, address: str) -> None:
    assert peers_after(here, (address, OLD_PORT), met=False) == 0
    assert peers_after(here, (address, OLD_PORT), met=True) == 1


@pytest.mark.parametrize("port", [PORT, OLD_PORT])
def test_somebody_elsewhere_is_a_peer_though_it_does_not_answer(here: Whereabouts, port: int) -> None:
    assert peers_after(here, (THEIRS, port), met=False) == 1


def test_whom_the_magnet_alone_names_is_a_peer_once_it_has_answered(here: Whereabouts) -> None:
    sightings = Sightings(hinted={(THEIRS, PORT)})
    sightings.tried((THEIRS, PORT), here, met=False)
    sightings.count(known=1, connections=0)
    assert sightings.seen == 0
    sightings.tried((THEIRS, PORT), here, met=True)
    sightings.count(known=1, connections=0)
    assert sightings.seen == 1


@pytest.mark.parametrize("peer", [(THEIRS, PORT), (OURS, OLD_PORT), (SEEN_AT, OLD_PORT)])
def test_whoever_has_taken_a_connection_from_us_is_a_peer_though_it_says_nothing(
    here: Whereabouts, peer: Endpoint
) -> None:
    sightings = Sightings(hinted={peer})
    sightings.tried(peer, here, met=False)
    sightings.count(known=1, connections=1)
    sightings.look([Connection(peer, tried=True, willing=False)])
    assert (sightings.seen, sightings.connected) == (1, 1)
    sightings.count(known=1, connections=0)
    assert (sightings.seen, sightings.connected) == (1, 0), "seen once is seen"


def test_strangers_cannot_name_addresses_without_end(here: Whereabouts) -> None:
    here.named.extend(f"203.0.113.{number}" for number in range(100))
    assert len(here.named) < 100
    assert here.have(OURS)


@pytest.mark.parametrize("address", [OURS, SEEN_AT])
def test_a_connection_with_ourselves_is_none_at_either_end(here: Whereabouts, address: str) -> None:
    sightings = Sightings(hinted={(THEIRS, PORT)})
    ends = [Connection((address, PORT), tried=True, willing=False), Connection((OURS, 40_000), False, False)]
    for end in ends:
        sightings.tried(end.peer, here, met=False)
        sightings.count(known=2, connections=len(ends))
        sightings.look(ends)
        assert (sightings.seen, sightings.connected) == (0, 0)
    sightings.look([*ends, Connection((THEIRS, PORT), tried=True, willing=False)])
    assert (sightings.seen, sightings.connected) == (1, 1)


def test_who_is_willing_is_so_only_while_it_is_connected() -> None:
    sightings = Sightings()
    sightings.count(known=1, connections=1)
    sightings.look([Connection((THEIRS, PORT), tried=False, willing=True)])
    assert (sightings.seen, sightings.willing) == (1, 1)
    sightings.count(known=1, connections=0)
    assert (sightings.seen, sightings.willing) == (1, 0)

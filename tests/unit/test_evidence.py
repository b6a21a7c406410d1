"""Who counts as a peer, and who is nobody."""

import pytest

from services.resolvers.libtorrent.evidence import Endpoint, Sightings, Whereabouts

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
    sightings.count(known=1, connected=0)
    return sightings.peers


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
    sightings.count(known=1, connected=0)
    assert sightings.peers == 0
    sightings.tried((THEIRS, PORT), here, met=True)
    sightings.count(known=1, connected=0)
    assert sightings.peers == 1


def test_strangers_cannot_name_addresses_without_end(here: Whereabouts) -> None:
    here.named.extend(f"203.0.113.{number}" for number in range(100))
    assert len(here.named) < 100
    assert here.have(OURS)


def test_a_connection_with_ourselves_is_none() -> None:
    here, sightings = Whereabouts(), Sightings()
    here.listen("127.0.0.1", 6881)
    sightings.tried(("127.0.0.1", 6881), here, met=False)
    sightings.count(known=1, connected=1)
    assert (sightings.peers, sightings.connected) == (0, 0)
    sightings.hinted.add(("192.0.2.1", 6881))
    sightings.count(known=2, connected=2)
    assert sightings.peers == 1, "whom the magnet named has answered"
    sightings.count(known=3, connected=1)
    assert sightings.peers == 1
    sightings.count(known=4, connected=4)
    assert sightings.peers == 3

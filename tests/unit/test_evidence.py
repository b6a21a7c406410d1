"""Who counts as a peer, and who is nobody."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from services.resolvers.libtorrent.evidence import Connection, DhtSightings, Endpoint, Sightings, Whereabouts, step

PORT, OLD_PORT = 6_881, 4_711
OURS, SEEN_AT, THEIRS = "192.168.1.5", "198.51.100.7", "203.0.113.9"


@pytest.fixture
def here() -> Whereabouts:
    here = Whereabouts()
    here.listen(OURS, PORT)
    here.named.append(SEEN_AT)
    return here


def standing(peer: Endpoint, *, tried: bool = True) -> Connection:
    return Connection(peer, stands=True, tried=tried, named=False)


def peers_after(here: Whereabouts, peer: Endpoint, *, met: bool) -> int:
    """Return how many peers there are when *peer* alone is known, and was tried in vain or *met*."""
    sightings = Sightings()
    sightings.tried(peer, here)
    sightings.over(peer, met=met)
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
    sightings = Sightings(hinted=frozenset({(THEIRS, PORT)}))
    sightings.tried((THEIRS, PORT), here)
    sightings.over((THEIRS, PORT), met=False)
    sightings.count(known=1, connections=0)
    assert sightings.seen == 0
    sightings.over((THEIRS, PORT), met=True)
    sightings.count(known=1, connections=0)
    assert sightings.seen == 1


def test_whom_the_magnet_names_and_others_too_is_a_peer_though_it_does_not_answer(here: Whereabouts) -> None:
    sightings = Sightings(hinted=frozenset({(THEIRS, PORT)}))
    for named, seen in ((False, 0), (True, 1), (False, 1)):
        sightings.look([Connection((THEIRS, PORT), stands=False, tried=True, named=named)], here, 0.0)
        sightings.count(known=1, connections=0)
        assert (sightings.seen, sightings.connected) == (seen, 0)


@pytest.mark.parametrize("peer", [(THEIRS, PORT), (OURS, OLD_PORT), (SEEN_AT, OLD_PORT)])
def test_whoever_has_taken_a_connection_from_us_is_a_peer_though_it_says_nothing(
    here: Whereabouts, peer: Endpoint
) -> None:
    sightings = Sightings(hinted=frozenset({peer}))
    sightings.tried(peer, here)
    sightings.count(known=1, connections=1)
    sightings.look([standing(peer)], here, 0.0)
    assert (sightings.seen, sightings.connected) == (1, 1)
    sightings.count(known=1, connections=0)
    assert (sightings.seen, sightings.connected) == (0, 0), "it may have been refused, which is told next"
    sightings.over(peer, met=True)
    sightings.count(known=1, connections=0)
    assert (sightings.seen, sightings.connected) == (1, 0)


def test_a_refused_connection_that_seemed_to_stand_is_no_peer(here: Whereabouts) -> None:
    sightings, peer = Sightings(hinted=frozenset({(THEIRS, PORT)})), (THEIRS, PORT)
    for connections in (0, 1):  # the one is with ourselves
        sightings.tried(peer, here)
        sightings.count(known=1, connections=connections)
        sightings.look([standing(peer)], here, 0.0)
        assert sightings.seen == connections
        sightings.over(peer, met=False)
        assert sightings.seen == 0


def test_whoever_came_by_and_went_was_there(here: Whereabouts) -> None:
    sightings = Sightings()
    for peer, seen in (((OURS, 40_000), 0), ((THEIRS, 40_000), 1)):
        sightings.tried(peer, here)
        sightings.over(peer, met=True)
        sightings.count(known=0, connections=0)
        assert sightings.seen == seen, "libtorrent does not list it"


def test_whom_others_named_before_the_magnet_stays_a_peer(here: Whereabouts) -> None:
    sightings = Sightings()
    sightings.tried((THEIRS, PORT), here)
    sightings.over((THEIRS, PORT), met=False)
    sightings.hint([(THEIRS, PORT)])
    sightings.count(known=1, connections=0)
    assert sightings.seen == 1


@pytest.mark.parametrize("address", [OURS, SEEN_AT])
def test_a_connection_with_ourselves_is_none_at_either_end(here: Whereabouts, address: str) -> None:
    sightings = Sightings(hinted=frozenset({(THEIRS, PORT)}))
    ends = [standing((address, PORT)), standing((OURS, 40_000), tried=False)]
    sightings.count(known=0, connections=len(ends))
    sightings.look(ends, here, 0.0)
    assert (sightings.seen, sightings.connected) == (0, 0), "before anybody has told of them"
    for end in ends:
        sightings.tried(end.peer, here)
    sightings.count(known=3, connections=len(ends))
    sightings.look(ends, here, 0.0)
    assert (sightings.seen, sightings.connected) == (0, 0)
    sightings.look([*ends, standing((THEIRS, PORT))], here, 0.0)
    assert (sightings.seen, sightings.connected) == (1, 1)


def test_an_end_of_our_own_connection_that_is_over_hides_nobody(here: Whereabouts) -> None:
    sightings = Sightings()
    for port in (40_000, 40_001):
        sightings.tried((OURS, port), here)
        sightings.was_ourselves((OURS, port))
    sightings.tried((THEIRS, PORT), here)
    sightings.count(known=1, connections=0)
    assert sightings.seen == 1


def test_we_are_no_peer_though_it_is_a_while_until_we_meet_ourselves(here: Whereabouts) -> None:
    sightings = Sightings()
    sightings.count(known=1, connections=0)
    assert sightings.seen == 0, "nobody was tried yet: who is known may be ourselves"
    sightings.tried((OURS, PORT), here)
    sightings.count(known=1, connections=0)
    assert sightings.seen == 0


def codes(sightings: Sightings, here: Whereabouts, *means: Sequence[int]) -> str:
    """Return where it stands, a letter each half second, of peers of whom libtorrent tells these *means*."""
    told = []
    for turn, rates in enumerate(zip(*means, strict=True)):
        sightings.count(known=1, connections=len(rates))
        peers = [standing((f"127.0.9.{number}", PORT)) for number in range(len(rates))]
        ends = [replace(peer, rate=rate) for peer, rate in zip(peers, rates, strict=True)]
        sightings.look(ends, here, turn / 2)
        told.append(step([sightings], DhtSightings(asked=False), turn / 2).code[0])
    return "".join(told)


def means(*came: int) -> list[int]:
    """Return what libtorrent tells each half second of a peer that brings so many bytes each second."""
    mean, told = 0, []
    for count in came:
        mean = mean * 4 // 5 + count // 5
        told += [mean, mean]
    return told


def test_metadata_comes_while_more_comes_than_talk(here: Whereabouts) -> None:
    told = codes(Sightings(), here, means(*[600] * 20, *[2_500] * 30))
    assert told.strip("c") == told.lstrip("c")
    assert set(told[:40]) == {"c"}
    assert set(told[46:]) == {"r"}


def test_a_peers_first_words_are_talk(here: Whereabouts) -> None:
    assert set(codes(Sightings(), here, means(3_500, *[280] * 30))) == {"c"}


@pytest.mark.parametrize("each_second", [20, 100])
def test_what_a_peer_tells_of_its_pieces_is_talk(here: Whereabouts, each_second: int) -> None:
    sightings = Sightings()
    told = ""
    for second, mean in enumerate(means(*[200 + 49 * each_second] * 60)[::2]):
        sightings.count(known=1, connections=1)
        end = replace(standing((THEIRS, PORT)), rate=mean, pieces=1 + each_second * (1 + second))
        sightings.look([end], here, float(second))
        told += "r" if sightings.receiving else "c"
    assert set(told) == {"c"}


def test_a_bitfield_is_talk(here: Whereabouts) -> None:
    sightings = Sightings()
    for turn, mean in enumerate(means(12_500 + 400, *[100] * 20)):
        sightings.count(known=1, connections=1)
        sightings.look([replace(standing((THEIRS, PORT)), rate=mean, pieces=100_000)], here, turn / 2)
        assert not sightings.receiving


def test_pieces_that_are_told_in_lumps_and_counted_before_their_bytes_are_talk(here: Whereabouts) -> None:
    sightings, pieces = Sightings(), 1
    for second, mean in enumerate(means(*[200, 200, 200 + 3 * 30 * 120] * 20)[::2]):
        sightings.count(known=1, connections=1)
        pieces += 3 * 120 if second % 3 == 1 else 0  # a look before the mean has them
        sightings.look([replace(standing((THEIRS, PORT)), rate=mean, pieces=pieces)], here, float(second))
        assert not sightings.receiving


def test_metadata_comes_from_a_peer_that_tells_of_its_pieces_too(here: Whereabouts) -> None:
    sightings = Sightings()
    for second, mean in enumerate(means(*[20_000] * 30)[::2]):
        sightings.count(known=1, connections=1)
        sightings.look([replace(standing((THEIRS, PORT)), rate=mean, pieces=20 * second)], here, float(second))
        assert sightings.receiving


@pytest.mark.parametrize("rate", [3_000, 20_000, 500_000, 9_000_000])
def test_metadata_that_has_stopped_is_said_to_come_no_longer_though_the_mean_is_high_for_half_a_minute(
    here: Whereabouts, rate: int
) -> None:
    told = codes(Sightings(), here, means(*[rate] * 10, *[0] * 40))
    assert set(told[4:34]) == {"r"}
    assert set(told[44:]) == {"c"}


@pytest.mark.parametrize("apart", [5, 8, 10])
def test_metadata_that_comes_in_pieces_far_apart_comes_all_the_while(here: Whereabouts, apart: int) -> None:
    assert set(codes(Sightings(), here, means(*[32_768, *[0] * (apart - 1)] * 8))) == {"r"}


@pytest.mark.parametrize("slow", [4_000, 10_000, 40_000])
def test_metadata_that_comes_slower_than_before_comes_all_the_while(here: Whereabouts, slow: int) -> None:
    assert set(codes(Sightings(), here, means(*[400_000] * 10, *[slow] * 60))) == {"r"}


def test_a_fast_peer_that_has_stalled_hides_no_slow_one(here: Whereabouts) -> None:
    stalled = means(*[400_000] * 10, *[0] * 60)
    assert set(codes(Sightings(), here, stalled, means(*[5_000] * 70))) == {"r"}


def test_of_peers_that_are_looked_at_seldom_a_stall_is_seen_too(here: Whereabouts) -> None:
    sightings = Sightings()
    told = ""
    every = means(*[500_000] * 20, *[0] * 40)
    for turn in range(0, len(every), 5):  # each two and a half seconds
        sightings.count(known=1, connections=1)
        sightings.look([replace(standing((THEIRS, PORT)), rate=every[turn])], here, turn / 2)
        told += "r" if sightings.receiving else "c"
    assert told == "r" * 12 + "c" * 12


def test_metadata_is_said_to_come_no_longer_once_its_giver_has_gone(here: Whereabouts) -> None:
    sightings = Sightings()
    sightings.count(known=2, connections=2)
    giver, other = standing((THEIRS, PORT)), standing((THEIRS, PORT + 1))
    sightings.look([replace(giver, rate=3_000), replace(other, rate=20)], here, 0.0)
    assert step([sightings], DhtSightings(asked=False), 1.0).code == "receiving"
    sightings.look([replace(other, rate=20)], here, 0.5)
    assert step([sightings], DhtSightings(asked=False), 1.0).code == "connecting"
    sightings.look([replace(giver, rate=3_000)], here, 1.0)
    sightings.count(known=1, connections=0)
    assert step([sightings], DhtSightings(asked=False), 1.0).code == "connecting"


def test_whoever_comes_again_from_another_port_is_one_peer(here: Whereabouts) -> None:
    sightings = Sightings()
    for port in (40_000, 40_001):
        peer = (THEIRS, port)
        sightings.tried(peer, here)
        sightings.count(known=0, connections=1)
        sightings.look([standing(peer, tried=False)], here, 0.0)
        assert sightings.seen == 1
        sightings.over(peer, met=True)
        sightings.count(known=0, connections=0)
        assert sightings.seen == 1
    sightings.count(known=0, connections=2)
    sightings.look([standing((THEIRS, port), tried=False) for port in (40_002, 40_003)], here, 0.0)
    assert sightings.seen == 2, "they are there at once"


def test_strangers_cannot_name_addresses_without_end(here: Whereabouts) -> None:
    here.named.extend(f"203.0.113.{number}" for number in range(100))
    assert len(here.named) < 100
    assert here.have(OURS)


def test_how_long_ago_the_last_peer_left_is_told_in_two_steps(here: Whereabouts) -> None:
    sightings = Sightings()

    def gone_for(now: float) -> object:
        return step([Sightings(), sightings], DhtSightings(asked=False), now).parameters["gone_for"]

    assert gone_for(99.0) == 0, "nobody has come yet"
    sightings.count(known=1, connections=1)
    sightings.look([standing((THEIRS, PORT))], here, 100.0)
    sightings.count(known=1, connections=0)
    assert [gone_for(now) for now in (109.0, 110.0, 129.0, 130.0, 400.0)] == [0, 10, 10, 30, 30]

import math
from random import Random

import pytest

from benchmarks.weather import floor, plan
from benchmarks.weather.climate import CALM, STORM, Climate
from benchmarks.weather.crowd import GOOD, LIARS, PEERS, Kind, Peer, Torrent, shares, torrent
from benchmarks.weather.network import Placed
from benchmarks.weather.nodes import CLOSEST, Nodes
from benchmarks.weather.page import page, targets_of
from benchmarks.weather.searching import Outcome
from benchmarks.weather.trial import Result, Trial

PORTS = (6881, 25401, 7000)


@pytest.fixture(scope="module")
def nodes() -> Nodes:
    return Nodes(2_000, 7, CALM, PORTS)


def distance(nodes: Nodes, node: int, target: bytes) -> int:
    return int.from_bytes(nodes.id(node), "big") ^ int.from_bytes(target, "big")


def targets(count: int) -> list[bytes]:
    random = Random(4711)
    return [random.randbytes(20) for _ in range(count)]


def test_the_closest_nodes_are_those_that_looking_at_all_of_them_finds(nodes: Nodes) -> None:
    for target in targets(20):
        ranked = sorted(range(len(nodes)), key=lambda node: distance(nodes, node, target))
        assert nodes.closest(target) == ranked[:CLOSEST]
        answering = [node for node in ranked if nodes.round_trip(node)]
        assert nodes.holders(target) == answering[:CLOSEST]


def test_each_node_is_where_its_compact_form_says(nodes: Nodes) -> None:
    places = {nodes.compact(node)[20:] for node in range(len(nodes))}
    assert len({place[:4] for place in places}) == len(nodes), "an address each"
    assert {place[0] for place in places} == {127}
    for node in range(len(nodes)):
        place = nodes.compact(node)[20:]
        assert nodes.at(int.from_bytes(place[:4], "big"), int.from_bytes(place[4:], "big")) == node
    assert nodes.at(int.from_bytes(bytes((127, 0, 0, 1)), "big"), PORTS[0]) is None


def test_neighbours_by_id_share_no_slash_24(nodes: Nodes) -> None:
    for target in targets(50):
        networks = [nodes.compact(node)[20:23] for node in nodes.closest(target, 20)]
        assert len(set(networks)) == len(networks)


def test_whom_a_node_knows_is_nearer_than_itself_and_always_the_same(nodes: Nodes) -> None:
    random = Random(1)
    for target in targets(50):
        node = random.randrange(len(nodes))
        known = nodes.known_to(node, target)
        assert len(known) == CLOSEST
        assert known == nodes.known_to(node, target)
        near = nodes.closest(target)
        assert known == near or all(distance(nodes, one, target) < distance(nodes, node, target) for one in known)


def test_a_seed_gives_the_same_network_and_another_seed_another() -> None:
    again, other = Nodes(300, 7, CALM, PORTS), Nodes(300, 8, CALM, PORTS)
    same = Nodes(300, 7, CALM, PORTS)
    assert [again.compact(node) for node in range(300)] == [same.compact(node) for node in range(300)]
    assert [again.compact(node) for node in range(300)] != [other.compact(node) for node in range(300)]


def test_as_many_nodes_are_silent_and_they_are_as_far_away_as_the_climate_says(nodes: Nodes) -> None:
    trips = sorted(trip for trip in map(nodes.round_trip, range(len(nodes))) if trip)
    assert len(trips) / len(nodes) == pytest.approx(1 - CALM.silent, abs=0.04)
    assert trips[len(trips) // 2] == pytest.approx(CALM.round_trip, rel=0.1)


@pytest.mark.parametrize("climate", [CALM, CALM.with_liars(0.15), STORM])
def test_the_crowd_has_its_shares_and_every_torrent_a_good_peer(climate: Climate) -> None:
    every = [torrent(number, 3, climate) for number in range(400)]
    kinds = [peer.kind for one in every for peer in one.peers]
    assert all(GOOD & {peer.kind for peer in one.peers} for one in every)
    assert {len(one.peers) for one in every} == {PEERS}
    assert sum(shares(climate).values()) == pytest.approx(1)
    assert sum(kind in LIARS for kind in kinds) / len(kinds) == pytest.approx(climate.liars, abs=0.02)
    assert len({peer.host for one in every for peer in one.peers}) == len(kinds), "an address each"
    assert all(16_384 < len(one.sample.info) <= 3 * 16_384 for one in every), "several pieces of metadata"
    assert torrent(5, 3, climate).info_hash == every[5].info_hash != torrent(5, 4, climate).info_hash


def test_the_floor_from_peers_is_the_best_good_peer_and_mse_costs_a_round_trip() -> None:
    sample = torrent(0, 1, CALM).sample
    far, near = Peer("127.1.0.1", Kind.GOOD_BY_TCP, 0.2), Peer("127.1.0.2", Kind.GOOD_BY_MSE, 0.1)
    liar = Peer("127.1.0.3", Kind.LIES, 0.01)
    assert floor.from_peer(Torrent(sample, (far, near, liar))) == pytest.approx(0.4)
    assert floor.from_peer(Torrent(sample, (far, liar))) == pytest.approx(0.6)
    assert [Torrent(sample, some).reached for some in ((far, near), (near,))] == ["TCP", "MSE alone"]


def test_the_floor_by_the_dht_is_a_round_trip_from_a_holder_and_never_less_than_the_fastest(nodes: Nodes) -> None:
    for target in targets(30):
        holders = nodes.holders(target)
        trips = [nodes.round_trip(node) for node in holders]
        assert floor.by_dht(nodes, target, holders) == pytest.approx(min(trips))
        begin = floor.warm_table(nodes, target, 11)
        assert all(map(nodes.round_trip, begin)), "a table that was used has no silent nodes"
        warm = floor.by_dht(nodes, target, begin)
        assert warm >= min(trips)
        assert warm <= floor.by_dht(nodes, target, begin[:1]), "who knows more is not later"


def result(seconds: tuple[float | None, ...], *words: str) -> Result:
    trial = Trial("calm", "honest", "warm", "dht", "calibot") if not words else Trial(*words)  # type: ignore[arg-type]
    placed = tuple(
        Placed(hash="", trackers=(), reached="TCP", liars=0, warm=1.0, cold=2.0) for _ in range(len(seconds))
    )
    return Result(trial, Outcome(seconds=seconds, memory=1, cpu=1.0), placed, asked=400)


def test_a_name_that_was_not_found_is_slower_than_any_other() -> None:
    some = result((1.0, None, 3.0, 2.0))
    assert some.seconds(0.5) == 2.0
    assert some.ratio(0.75) == 3.0
    assert math.isinf(some.seconds(0.95))
    assert [some.found(within) for within in (0.5, 2.0, 30, 60)] == [0, 0.5, 0.75, 0.75]
    assert some.questions == 100


def test_the_floor_beside_a_burst_is_that_of_a_cold_start() -> None:
    assert result((3.0,), "calm", "honest", "cold", "dht", "calibot").ratio(0.5) == 1.5


def test_only_calibot_in_the_calm_has_targets_and_more_time_among_liars() -> None:
    met = [figure.met for figure in targets_of(result((1.0, 1.2, 1.5, None)))]
    assert met == [True, False, False]
    assert all(figure.met for figure in targets_of(result((2.4,), "calm", "liars", "warm", "both", "calibot")))
    assert list(targets_of(result((1.0,), "storm", "honest", "warm", "dht", "calibot"))) == []
    assert list(targets_of(result((1.0,), "calm", "honest", "warm", "dht", "aria2c"))) == []


def test_the_page_shows_a_dash_for_a_share_that_was_never_found_and_says_what_the_slowest_have_in_common() -> None:
    said = {"alone": "", "seed": 1, "names": 4, "nodes": 9, "patience": 60.0, "seconds": 1.0}
    written = page([result((1.2, 1.3, 1.5, None))], {"calm storm": "no time"}, {}, said)
    assert "## Calm, 2 % liars" in written
    assert "| warm | the DHT | calibot | 1.3 s | 1.3 | – | – | 75 % | 75 % | 100 | 250 ms | 0.001 KB |" in written
    assert "- not measured: calm storm: no time." in written
    assert (
        "wanted ≤ 1.6 ×. Cause: 1 were not found; of the slowest 1 (of all 4), good peers are reached 1 (4) by TCP"
        in (written)
    )


def test_calibot_warm_in_the_usual_weather_looks_up_four_times_as_many_names() -> None:
    many = [one.words for one in plan.wanted([]) if one.names(60) != 60]
    assert {*many} == {("calm", "honest", "warm", way, "calibot") for way in ("dht", "trackers", "both")}
    decisive = Trial("calm", "honest", "warm", "dht", "calibot")
    assert [decisive.names(usual) for usual in (2, 60, 200, 400)] == [8, 240, 400, 400]


def test_words_leave_trials_that_have_one_of_each_kind() -> None:
    some = plan.wanted(["warm", "dht", "both", "calm", "calibot"])
    assert {one.words for one in some} == {
        ("calm", liars, "warm", way, "calibot") for liars in ("honest", "liars") for way in ("dht", "both")
    }
    assert {one.who for one in plan.wanted(["storm"])} == {"calibot"}
    assert {one.who for one in plan.wanted(["storm", "aria2c"])} == {"aria2c"}


def test_every_trial_is_in_one_batch_and_bursts_begin_one_way_after_the_other() -> None:
    every = plan.wanted([])
    made = list(plan.batches(every))
    assert sorted(one.words for batch in made for one in batch) == sorted(one.words for one in every)
    assert all(len({(one.weather, one.start, one.who == "calibot") for one in batch}) == 1 for batch in made)
    for batch in made:
        begins = {(one.way, wait) for one, wait in zip(batch, plan.waits(batch), strict=True)}
        assert len({wait for _, wait in begins}) == (3 if batch[0].start == "cold" else 1)
        assert len(begins) == 3, "those who are asked by the same way begin together"

"""The sandbox's swarm, asked by hand and by a plain libtorrent."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from urllib.parse import parse_qs, quote_from_bytes, urlsplit

import aiohttp
import libtorrent as lt
import pytest

from sandbox.swarm import HOSTILE_NAMES, Kind, Sample, Swarm, Way, make_sample
from sandbox.swarm.bencoding import decode, encode
from tests.integration.swarm_help import metadata_by_magnet

SEEDER = "127.0.1.1"


@pytest.fixture
async def swarm() -> AsyncIterator[Swarm]:
    async with Swarm() as one:
        yield one


async def ask(url: str, **query: bytes) -> dict[bytes, object]:
    words = "&".join(f"{key}={quote_from_bytes(value)}" for key, value in query.items())
    async with aiohttp.ClientSession() as client, client.get(f"{url}?{words}") as answer:
        return decode(await answer.read())


async def ask_node(node: str, method: bytes, **asked: bytes | int) -> dict[bytes, object]:
    """Send one question to a DHT node and return the answer's body (BEP 5)."""
    host, port = node.split(":")
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[bytes] = loop.create_future()

    class Asker(asyncio.DatagramProtocol):
        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            answer.set_result(data)

    transport, _ = await loop.create_datagram_endpoint(Asker, remote_addr=(host, int(port)))
    try:
        words = {b"id": b"i" * 20} | {key.encode(): value for key, value in asked.items()}
        transport.sendto(encode({b"t": b"aa", b"y": b"q", b"q": method, b"a": words}))
        body = decode(await answer)[b"r"]
        assert isinstance(body, dict)
        return body
    finally:
        transport.close()


@pytest.mark.parametrize("kind", ["v1", "v2", "hybrid"])
def test_a_sample_has_the_hashes_of_its_bytes(kind: Kind) -> None:
    sample = make_sample("三体", kind=kind, files=[("a/b.mkv", 1_234), ("c.txt", 0)])
    assert sample.v1 == (hashlib.sha1(sample.info, usedforsecurity=False).hexdigest() if kind != "v2" else None)
    assert sample.v2 == (hashlib.sha256(sample.info).hexdigest() if kind != "v1" else None)
    assert sample.size == 1_234
    assert lt.torrent_info(b"d4:info" + sample.info + b"e").num_files() >= 2


def test_no_two_samples_are_the_same() -> None:
    assert make_sample("x").v1 != make_sample("x").v1


@pytest.mark.parametrize("raw", HOSTILE_NAMES.values(), ids=HOSTILE_NAMES)
def test_a_raw_name_stands_in_the_dictionary_as_it_is(raw: bytes) -> None:
    sample = make_sample(raw_name=raw, files=[("f", 1)])
    assert decode(sample.info)[b"name"] == raw
    assert sample.name is None


async def test_a_magnet_has_what_was_asked_for(swarm: Swarm) -> None:
    sample = swarm.seed(make_sample("三体", kind="hybrid"))
    words = parse_qs(urlsplit(sample.magnet("a&b", peers=True)).query)
    assert words["xt"] == [f"urn:btih:{sample.v1}", f"urn:btmh:1220{sample.v2}"]
    assert words["dn"] == ["a&b"]
    assert words["tr"] == [swarm.tracker_url]
    assert words["x.pe"][0].startswith(SEEDER)
    assert set(parse_qs(urlsplit(sample.magnet(trackers=False)).query)) == {"xt"}


@pytest.mark.parametrize("kind", ["v1", "v2", "hybrid"])
async def test_a_stranger_gets_the_metadata_by_tracker(swarm: Swarm, kind: Kind) -> None:
    sample = swarm.seed(make_sample("x", kind=kind, files=[("a/b", 1), ("c", 99_999), ("d", 0)]), by=["tracker"])
    assert await metadata_by_magnet(sample.magnet()) == sample.info
    assert sample.wire_hashes[0].hex() in swarm.announces


async def test_a_stranger_gets_the_metadata_by_dht(swarm: Swarm) -> None:
    sample = swarm.seed(make_sample("x"), by=["dht"])
    assert await metadata_by_magnet(sample.magnet(trackers=False), swarm.dht_nodes[0]) == sample.info
    assert swarm.announces == []


async def test_a_stranger_gets_the_metadata_by_the_peers_address(swarm: Swarm) -> None:
    sample = swarm.seed(make_sample("x"), by=[])
    assert await metadata_by_magnet(sample.magnet(trackers=False, peers=True)) == sample.info


async def test_the_tracker_answers_compact_and_not(swarm: Swarm) -> None:
    sample = swarm.seed(make_sample("x"))
    short = await ask(swarm.tracker_url, info_hash=sample.wire_hashes[0], compact=b"1")
    assert isinstance(short[b"peers"], bytes)
    assert short[b"peers"][:4] == bytes((127, 0, 1, 1))
    long = await ask(swarm.tracker_url, info_hash=sample.wire_hashes[0], compact=b"0")
    assert isinstance(long[b"peers"], list)
    assert [peer[b"ip"] for peer in long[b"peers"]] == [SEEDER.encode()]


async def test_the_tracker_knows_nobody_for_a_dead_one_and_says_so(swarm: Swarm) -> None:
    dead = swarm.dead()
    answer = await ask(swarm.tracker_url, info_hash=dead.wire_hashes[0])
    assert (answer[b"complete"], answer[b"peers"]) == (0, b"")
    assert swarm.announces == [dead.v1]


async def test_the_tracker_refuses_what_is_no_hash(swarm: Swarm) -> None:
    assert b"failure reason" in await ask(swarm.tracker_url, info_hash=b"short")


async def test_the_tracker_is_scraped(swarm: Swarm) -> None:
    (wire,) = swarm.seed(make_sample("x")).wire_hashes
    answer = await ask(swarm.tracker_url.replace("announce", "scrape"), info_hash=wire)
    assert answer == {b"files": {wire: {b"complete": 1, b"incomplete": 0}}}


async def test_the_nodes_have_an_address_each_in_networks_of_their_own(swarm: Swarm) -> None:
    hosts = [node.split(":")[0] for node in swarm.dht_nodes]
    assert len({host.rsplit(".", 1)[0] for host in hosts}) == len(hosts) == 16


async def test_a_node_takes_an_announce_with_its_own_token_alone(swarm: Swarm) -> None:
    node, wanted = swarm.dht_nodes[0], b"w" * 20
    found = await ask_node(node, b"get_peers", info_hash=wanted)
    assert b"values" not in found
    assert isinstance(found[b"token"], bytes)
    await ask_node(node, b"announce_peer", info_hash=wanted, port=4_711, token=b"nope")
    assert b"values" not in await ask_node(node, b"get_peers", info_hash=wanted)
    await ask_node(node, b"announce_peer", info_hash=wanted, port=4_711, token=found[b"token"])
    again = await ask_node(node, b"get_peers", info_hash=wanted)
    assert again[b"values"] == [bytes((127, 0, 0, 1)) + (4_711).to_bytes(2, "big")]


async def test_a_node_names_the_eight_nearest(swarm: Swarm) -> None:
    found = await ask_node(swarm.dht_nodes[0], b"find_node", target=b"w" * 20)
    assert isinstance(found[b"nodes"], bytes)
    assert len(found[b"nodes"]) == 8 * 26
    assert await ask_node(swarm.dht_nodes[0], b"ping") == {b"id": found[b"id"]}


@pytest.mark.parametrize("way", ["tracker", "dht"])
async def test_one_that_begins_to_be_seeded_is_found_from_then_on(swarm: Swarm, way: Way) -> None:
    sample = swarm.unseeded(make_sample("late"))
    assert await peers_of(swarm, sample, way) == 0
    await swarm.begin_seeding(sample, by=[way])
    assert await peers_of(swarm, sample, way) == 1


async def peers_of(swarm: Swarm, sample: Sample, way: Way) -> int:
    if way == "tracker":
        found = (await ask(swarm.tracker_url, info_hash=sample.wire_hashes[0]))[b"peers"]
        return len(found) // 6 if isinstance(found, bytes) else -1
    answers = [await ask_node(node, b"get_peers", info_hash=sample.wire_hashes[0]) for node in swarm.dht_nodes]
    return len({str(answer[b"values"]) for answer in answers if b"values" in answer})


async def test_mute_peers_accept_and_say_nothing(swarm: Swarm) -> None:
    stalled = swarm.stall(make_sample("x"))
    assert await peers_of(swarm, stalled, "tracker") == 4
    host, port = stalled.peers[0]
    _, writer = await asyncio.open_connection(host, port)
    writer.write(b"\x13BitTorrent protocol")
    await swarm.mutes[0].connected.wait()
    writer.close()
    await writer.wait_closed()


async def test_without_a_dht_there_are_no_nodes() -> None:
    async with Swarm(dht=False) as swarm:
        assert swarm.dht_nodes == []
        sample = swarm.seed(make_sample("x"))
        assert await metadata_by_magnet(sample.magnet()) == sample.info


async def test_two_swarms_stand_beside_each_other(swarm: Swarm) -> None:
    async with Swarm() as other:
        assert not set(swarm.dht_nodes) & set(other.dht_nodes)
        assert swarm.tracker_url != other.tracker_url

"""The sandbox's UDP tracker, asked by hand and by our resolver."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import pytest

from sandbox.swarm import Swarm, make_sample
from sandbox.swarm.udp_tracker import UdpTracker
from services.torrents import Hints
from tests.integration.swarm_help import Running, Steps, number, opened, torrent_id

PROTOCOL = bytes.fromhex("0000041727101980")
WANTED = b"w" * 20
PEERS = {WANTED: [("127.0.1.1", 4_711), ("::2", 4_712)]}
ASKER = ("127.0.0.9", 50_000)


class Hand:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.seconds = 1_000.0 * 60

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
async def swarm() -> AsyncIterator[Swarm]:
    async with Swarm() as one:
        yield one


@pytest.fixture
def clock() -> Hand:
    return Hand()


@pytest.fixture
def tracker(clock: Hand) -> UdpTracker:
    return UdpTracker(PEERS, now=clock)


def packet(action: int, body: bytes = b"", connection: bytes = PROTOCOL) -> bytes:
    return connection + action.to_bytes(4, "big") + b"tran" + body


def announce(connection: bytes, *, event: int = 2, port: int = 6_881, options: bytes = b"") -> bytes:
    body = WANTED + b"p" * 20 + bytes(24) + event.to_bytes(4, "big") + bytes(8) + b"\xff" * 4
    return packet(1, body + port.to_bytes(2, "big") + options, connection)


def connected(tracker: UdpTracker) -> bytes:
    answer = tracker.answer(packet(0), ASKER)
    assert answer[:8] == bytes(4) + b"tran"
    assert len(answer) == 16
    return answer[8:]


def number_at(answer: bytes, start: int) -> int:
    return int.from_bytes(answer[start : start + 4], "big")


def test_an_announce_is_answered_with_who_has_it_and_who_asks(tracker: UdpTracker) -> None:
    answer = tracker.answer(announce(connected(tracker)), ASKER)
    assert answer[:8] == (1).to_bytes(4, "big") + b"tran"
    assert [number_at(answer, start) for start in (8, 12, 16)] == [1, 1, 2]
    assert answer[20:] == bytes((127, 0, 1, 1)) + (4_711).to_bytes(2, "big") + bytes((127, 0, 0, 9, 6_881 >> 8, 225))
    assert tracker.announces == [WANTED.hex()]
    assert tracker.asked.is_set()


def test_options_after_an_announce_are_passed_over(tracker: UdpTracker) -> None:
    path = b"/announce?key=1"
    options = b"\x02" + bytes((len(path),)) + path + b"\x01\x00"
    asked = connected(tracker)
    assert tracker.answer(announce(asked, options=options), ASKER) == tracker.answer(announce(asked), ASKER)


def test_who_stops_is_answered_and_not_counted(tracker: UdpTracker) -> None:
    assert tracker.answer(announce(connected(tracker), event=3), ASKER)[:4] == (1).to_bytes(4, "big")
    assert tracker.announces == []


def test_a_connection_id_lives_between_one_and_two_minutes(tracker: UdpTracker, clock: Hand) -> None:
    connection = connected(tracker)
    clock.seconds += 119
    assert number_at(tracker.answer(announce(connection), ASKER), 0) == 1
    clock.seconds += 1
    assert number_at(tracker.answer(announce(connection), ASKER), 0) == 3
    assert tracker.announces == [WANTED.hex()]


def test_a_connection_id_is_of_one_address_and_of_one_secret(tracker: UdpTracker, clock: Hand) -> None:
    connection = connected(tracker)
    assert number_at(tracker.answer(announce(connection), ("127.0.0.8", ASKER[1])), 0) == 3
    assert number_at(UdpTracker(PEERS, now=clock, secret=b"x").answer(announce(connection), ASKER), 0) == 3
    assert number_at(tracker.answer(announce(connection), (ASKER[0], 1)), 0) == 1


@pytest.mark.parametrize(
    "garbage", [b"", b"x" * 15, b"x" * 16, b"x" * 2_000, packet(4), packet(0, connection=b"x" * 8)]
)
def test_garbage_is_dropped(tracker: UdpTracker, garbage: bytes) -> None:
    assert tracker.answer(garbage, ASKER) == b""


def test_half_an_announce_is_dropped(tracker: UdpTracker) -> None:
    assert tracker.answer(announce(connected(tracker))[:97], ASKER) == b""
    assert tracker.announces == []


def test_a_scrape_counts_who_has_each(tracker: UdpTracker) -> None:
    answer = tracker.answer(packet(2, WANTED + b"n" * 20 + b"half", connected(tracker)), ASKER)
    assert answer == (2).to_bytes(4, "big") + b"tran" + bytes((0, 0, 0, 2)) + bytes(8) + bytes(12)


def test_a_refusal_is_an_error_in_its_words(tracker: UdpTracker) -> None:
    tracker.refusal = b"no"
    assert tracker.answer(announce(connected(tracker)), ASKER) == (3).to_bytes(4, "big") + b"tranno"


def test_by_ipv6_peers_are_of_18_bytes(clock: Hand) -> None:
    tracker = UdpTracker(PEERS, host="::1", now=clock)
    asker = ("::9", 1)
    connection = tracker.answer(packet(0), asker)[8:]
    answer = tracker.answer(announce(connection), asker)
    assert answer[20:] == bytes(15) + b"\x02" + (4_712).to_bytes(2, "big") + bytes(15) + b"\x09\x1a\xe1"


async def test_the_resolver_gets_a_name_by_it(swarm: Swarm) -> None:
    sample = swarm.seed(make_sample("by udp"), by=["tracker"])
    async with opened(swarm) as resolver:
        hints = Hints(trackers=(swarm.udp_tracker.url,))
        assert (await resolver.resolve(torrent_id(sample), hints, Steps())).name.text == "by udp"
    assert sample.v1 in swarm.udp_tracker.announces
    assert swarm.announces == []


async def test_what_is_lost_is_asked_for_again_before_libtorrent_would_where_no_tracker_has_answered(
    swarm: Swarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracker = swarm.udp_tracker
    dead, sample = swarm.dead(), swarm.seed(make_sample("at the second time"), by=["tracker"])
    answer = tracker.answer

    def lose_the_first(packet: bytes, asker: tuple[str, int]) -> bytes:
        told = answer(packet, asker)
        return told if packet[8:12] == bytes(4) or tracker.announces.count(sample.v1 or "") > 1 else b""

    monkeypatch.setattr(tracker, "answer", lose_the_first)
    elsewhere = Hints(trackers=(tracker.url, swarm.tracker_url))
    async with opened(swarm, dht=False) as resolver, Running(resolver, torrent_id(dead), elsewhere) as other:
        await other.steps.until(lambda step: number(step, "trackers_answered") == 1)
        info = await resolver.resolve(torrent_id(sample), Hints(trackers=(tracker.url,)), Steps())
    assert info.name.text == "at the second time"
    assert Counter(tracker.announces) == {dead.v1: 1, sample.v1: 2}


async def test_the_resolver_hears_that_it_refuses(swarm: Swarm) -> None:
    swarm.udp_tracker.refusal = b"not now"
    sample = swarm.seed(make_sample("later"), by=["tracker"])
    hints = Hints(trackers=(swarm.udp_tracker.url,))
    async with opened(swarm) as resolver, Running(resolver, torrent_id(sample), hints) as running:
        await swarm.udp_tracker.asked.wait()
        await running.steps.until(lambda step: number(step, "trackers_answered") == 1)
        assert not running.task.done()


async def test_it_stands_on_a_socket_of_its_own_and_stays_silent_on_garbage(swarm: Swarm) -> None:
    port = int(swarm.udp_tracker.url.rpartition(":")[2].partition("/")[0])
    heard: asyncio.Queue[bytes] = asyncio.Queue()

    class Listener(asyncio.DatagramProtocol):
        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            heard.put_nowait(data)

    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(Listener, remote_addr=("127.0.0.1", port))
    transport.sendto(b"garbage that nobody answers")
    transport.sendto(packet(0))
    assert (await heard.get())[:8] == bytes(4) + b"tran"
    assert heard.empty()
    transport.close()

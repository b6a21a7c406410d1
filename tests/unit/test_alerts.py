"""What is done about a torrent whose metadata does not end, and what counts as a word of the DHT."""

import asyncio
import errno
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import libtorrent as lt
import pytest

from sandbox.swarm import make_sample
from services.resolvers.libtorrent.alerts import Alerts
from services.resolvers.libtorrent.evidence import DhtSightings, Whereabouts
from services.resolvers.libtorrent.lookups import Board, Lookup, SoughtTorrent
from services.resolvers.libtorrent.settings import LARGEST_METADATA
from services.torrents import InfoHash, TorrentId


class Handle:
    """Remembers how it was slowed down, and which of its trackers were asked anew, with which flags."""

    def __init__(self) -> None:
        self.limits: list[int] = []
        self.asked: list[tuple[int, int]] = []

    def set_download_limit(self, limit: int) -> None:
        self.limits.append(limit)

    def force_reannounce(self, seconds: int, tracker: int, flags: int) -> None:
        assert seconds == 0
        self.asked.append((tracker, flags))

    def trackers(self) -> list[dict[str, str]]:
        return [{"url": "another"}, {"url": "silent"}]


def heard_by(board: Board[Any], dht: DhtSightings) -> Alerts:
    """Return who takes in what a session says that nobody has."""
    session = cast("Any", SimpleNamespace(way="any"))
    return Alerts(session, board, dht, Whereabouts(), race=cast("Any", None), again=lambda _: None)


def limits_after(*, downloaded: int) -> list[int]:
    """Return the limits, in bytes a second, that a torrent gets that has *downloaded* so many bytes."""
    handle, board = Handle(), Board[Any]()
    board.there(SoughtTorrent(InfoHash("ab" * 20), None, cast("Any", None)), handle)
    alerts = heard_by(board, DhtSightings(asked=False))
    state = SimpleNamespace(handle=handle, total_download=downloaded, list_peers=1, num_peers=1, num_complete=-1)
    alerts._on_states(cast("Any", [state]))
    return handle.limits


@pytest.mark.parametrize("downloaded", [0, LARGEST_METADATA, LARGEST_METADATA * 5 // 4])
def test_metadata_that_may_still_end_is_fetched_at_full_speed(downloaded: int) -> None:
    assert limits_after(downloaded=downloaded) == []


def test_whoever_sends_twice_the_largest_metadata_is_listened_to_at_512_kib_a_second() -> None:
    assert limits_after(downloaded=2 * LARGEST_METADATA + 1) == [524_288]


@pytest.mark.parametrize(
    ("op", "error", "peers"),
    [
        (lt.operation_t.connect, errno.ECONNREFUSED, 0),
        (lt.operation_t.connect, errno.ETIMEDOUT, 0),
        (lt.operation_t.sock_bind, errno.EADDRNOTAVAIL, 0),
        (lt.operation_t.connect, errno.ECONNRESET, 1),
        (lt.operation_t.sock_read, errno.ECONNRESET, 1),
    ],
)
def test_whoever_takes_a_connection_and_drops_it_at_once_is_a_peer(op: lt.operation_t, error: int, peers: int) -> None:
    handle, board, there = Handle(), Board[Any](), ("203.0.113.9", 6_881)
    board.there(SoughtTorrent(InfoHash("ab" * 20), None, cast("Any", None)), handle)
    alerts = heard_by(board, DhtSightings(asked=False))
    sightings = board.running[handle].sightings
    sightings.hint([there])
    code = SimpleNamespace(value=lambda: error)
    alerts._on_peer(cast("Any", SimpleNamespace(handle=handle, endpoint=there, op=op, error=code)))
    sightings.count(known=1, connections=0)
    assert sightings.seen == peers


@pytest.mark.parametrize(("times", "answered", "asked"), [(1, False, 1), (2, False, 1), (3, False, 0), (1, True, 0)])
def test_a_tracker_that_is_silent_is_asked_twice_more_at_once_where_none_has_answered(
    times: int, answered: bool, asked: int
) -> None:
    handle, board = Handle(), Board[Any]()
    board.there(SoughtTorrent(InfoHash("ab" * 20), None, cast("Any", None)), handle)
    board.running[handle].sightings.answered |= {"another"} if answered else set()
    alerts = heard_by(board, DhtSightings(asked=False))
    alerts._on_silent_tracker(cast("Any", SimpleNamespace(handle=handle, times_in_row=times, url="silent")))
    assert handle.asked == asked * [(1, lt.reannounce_flags_t.ignore_min_interval)]


def test_what_a_tracker_said_in_another_encoding_keeps_no_silent_one_from_being_asked_again() -> None:
    class Odd(Handle):
        def trackers(self) -> list[dict[str, str]]:
            return [{"url": "silent", "message": b"\xff".decode()}]

    handle, board = Odd(), Board[Any]()
    board.there(SoughtTorrent(InfoHash("ab" * 20), None, cast("Any", None)), handle)
    alerts = heard_by(board, DhtSightings(asked=False))
    alerts._on_silent_tracker(cast("Any", SimpleNamespace(handle=handle, times_in_row=1, url="silent")))
    assert handle.asked == [(-1, lt.reannounce_flags_t.ignore_min_interval)]


async def test_a_hybrid_that_comes_by_one_hash_has_come_by_the_other() -> None:
    board = Board[Any]()
    sample, lookups = make_sample("both", kind="hybrid"), []
    for digits in (sample.v1, sample.v2):
        asked = TorrentId.of(InfoHash(digits or ""))
        lookup = Lookup[Any](asked, cast("Any", None), asyncio.get_running_loop().create_future())
        torrent = SoughtTorrent(asked.hashes[0], None, cast("Any", None))
        board.begin(lookup)
        board.seek(torrent)
        board.join(lookup, torrent)
        lookups.append(lookup)
    info = lt.torrent_info(b"d4:info" + sample.info + b"e")
    heard_by(board, DhtSightings(asked=False)).found(lookups[0].torrents[0], info)
    both = TorrentId(v1=InfoHash(sample.v1 or ""), v2=InfoHash(sample.v2 or ""))
    assert [await one.found for one in lookups] == 2 * [(both, sample.info)]


class HeardDht:
    """What the DHT has shown, told by libtorrent's counters, since it was made."""

    def __init__(self, **counters: int) -> None:
        self._shown = DhtSightings(asked=True)
        self._alerts = heard_by(Board[Any](), self._shown)
        self.count(**counters)
        self._before = replace(self._shown)

    def count(self, **counters: int) -> None:
        metrics = [one.name for one in lt.session_stats_metrics()]
        self._alerts._on_stats(dict.fromkeys(metrics, 0) | {f"dht.dht_{name}": n for name, n in counters.items()})

    @property
    def nodes(self) -> int:
        return self._shown.since(self._before).nodes


def test_a_message_of_the_dht_that_libtorrent_dropped_is_no_answer() -> None:
    dht = HeardDht(nodes=3, messages_in=50)
    dht.count(nodes=3, messages_in=90, messages_in_dropped=40)
    assert dht.nodes == 0
    dht.count(nodes=3, messages_in=91, messages_in_dropped=40)
    assert dht.nodes == 3


def test_what_we_asked_ourselves_and_answered_is_no_answer() -> None:
    dht = HeardDht(nodes=0, messages_in=10, get_peers_in=5)
    dht.count(nodes=0, messages_in=16, get_peers_in=7, ping_in=1)
    assert dht.nodes == 0
    dht.count(nodes=0, messages_in=17, get_peers_in=7, ping_in=1)
    assert dht.nodes == 1, "a bootstrap node's, which libtorrent does not count"


def test_where_nodes_are_known_a_question_is_a_strangers() -> None:
    dht = HeardDht(nodes=4)
    dht.count(nodes=4, messages_in=2, find_node_in=1)
    assert dht.nodes == 4

"""The oracle's floor: how soon a name can be had by whoever knows all but what the network alone can tell.

It asks whom it hears of, all of them at once, never one that is silent, and nothing is lost. It then speaks to the best
peer alone: a round trip to connect, one for both handshakes, one for the metadata; with a peer that insists on MSE
there is one more, for the keys.

libtorrent takes a round trip for each piece of the metadata. By warm trackers, 400 names of two or three pieces came to
1.44 and 1.74 times this (p50 and p95) by its sessions alone; with all pieces of plain TCP peers asked for at once, to
1.2 and 1.58 to 1.7; with those of uTP peers, too, 240 names came to 1.2 and 1.65 to 1.72, and to 1.15 and 1.43 by MSE
as well. Of the slowest 20 more than half are then reached by uTP alone, which begins with little at a time, and goes on
with less after a loss.
"""

import heapq
from collections.abc import Iterable, Sequence

from benchmarks.weather.crowd import GOOD, Kind, Torrent
from benchmarks.weather.nodes import CLOSEST, Nodes

_ROUND_TRIPS = {Kind.GOOD: 3, Kind.GOOD_BY_TCP: 3, Kind.GOOD_BY_UTP: 3, Kind.GOOD_BY_MSE: 4}
_BUCKETS = (128, 64, 32, 16)  # libtorrent's, where others have eight


def by_dht(nodes: Nodes, info_hash: bytes, begin: Iterable[int], spare: Sequence[int] = ()) -> float:
    """Return the seconds until the first node that holds *info_hash* has answered, by way of those in *begin*.

    Where all whom these lead to are silent, it goes on with those in *spare*. Raises LookupError where nobody is left.
    """
    holders = set(nodes.holders(info_hash))
    heard = {node for node in begin if nodes.round_trip(node)}
    coming = [(nodes.round_trip(node), node) for node in heard]
    heapq.heapify(coming)
    while coming:
        now, node = heapq.heappop(coming)
        if node in holders:
            return now
        told = nodes.known_to(node, info_hash)
        for one in (*told, *(() if coming else spare)):
            trip = nodes.round_trip(one)
            if trip and one not in heard:
                heard.add(one)
                heapq.heappush(coming, (now + trip, one))
    raise LookupError("nobody leads there")


def warm_table(nodes: Nodes, info_hash: bytes, seeker: int) -> list[int]:
    """Return whom a seeker that has been in the DHT for long, as the node *seeker*, knows there, nearest first.

    They all answer: who does not leaves a table that is used. A lookup begins with the first eight.
    """
    differs = int.from_bytes(nodes.id(seeker)[:8], "big") ^ int.from_bytes(info_hash[:8], "big")
    bucket = 64 - differs.bit_length()
    most = _BUCKETS[bucket] if bucket < len(_BUCKETS) else CLOSEST
    drawn = 2 * most
    while True:
        known = nodes.known_to(seeker, info_hash, drawn, drawn)
        answering = [one for one in known if nodes.round_trip(one)]
        if len(answering) >= most or drawn >= len(nodes):
            return answering[:most]
        drawn *= 2


def by_tracker(round_trips: Sequence[float]) -> float:
    """Return the seconds until the first tracker has answered: it is connected to, and asked."""
    return 2 * min(round_trips)


def from_peer(torrent: Torrent) -> float:
    """Return the seconds from a peer's address to the metadata, with the best of the good peers."""
    return min(_ROUND_TRIPS[peer.kind] * peer.round_trip for peer in torrent.peers if peer.kind in GOOD)

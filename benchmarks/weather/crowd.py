"""Who has a torrent, or says so: its twelve peers and its metadata, drawn from the seed and the torrent's number."""

import ipaddress
from dataclasses import dataclass
from enum import Enum
from random import Random

from benchmarks.weather.climate import Climate
from sandbox.swarm import Sample, make_sample

PEERS = 12
_FIRST_ADDRESS = int(ipaddress.IPv4Address("127.1.0.0"))
_MOST_TORRENTS = 2**16 // PEERS
_PIECES = (1_000, 2_300)  # 20 to 46 KB of metadata, two or three pieces of it


class Kind(Enum):
    """What becomes of a connection to a peer."""

    HANGS = "the connection never comes about"
    REFUSES = "it is refused"
    STALLS = "it is accepted, and nothing is said"
    CLOSES = "it is accepted and closed"
    EMPTY = "the peer has no metadata"
    LIES = "the peer gives false metadata"
    LIES_BY_MSE = "the same, and only to whom it speaks MSE with"
    GOOD = "the peer gives its metadata, by TCP or uTP, plain or by MSE"
    GOOD_BY_TCP = "by TCP alone, plain or by MSE"
    GOOD_BY_MSE = "by TCP and MSE alone"
    GOOD_BY_UTP = "by uTP alone; by TCP it hangs"


LIARS = frozenset({Kind.LIES, Kind.LIES_BY_MSE})
GOOD = frozenset({Kind.GOOD, Kind.GOOD_BY_TCP, Kind.GOOD_BY_MSE, Kind.GOOD_BY_UTP})

_SHARES = {Kind.REFUSES: 0.17, Kind.STALLS: 0.07, Kind.CLOSES: 0.06, Kind.EMPTY: 0.05}
_OF_GOOD = {Kind.GOOD: 0.4, Kind.GOOD_BY_TCP: 0.25, Kind.GOOD_BY_MSE: 0.15, Kind.GOOD_BY_UTP: 0.2}
_GOOD_SHARE = 0.13


@dataclass(frozen=True, slots=True)
class Peer:
    """One peer. *round_trip* in seconds."""

    host: str
    kind: Kind
    round_trip: float


@dataclass(frozen=True, slots=True)
class Torrent:
    sample: Sample
    peers: tuple[Peer, ...]

    @property
    def info_hash(self) -> bytes:
        return self.sample.wire_hashes[0]

    @property
    def reached(self) -> str:
        """How one of its good peers can be reached: by plain TCP, or else only by what is more seldom."""
        kinds = {peer.kind for peer in self.peers}
        if kinds & {Kind.GOOD, Kind.GOOD_BY_TCP}:
            return "TCP"
        ways = {Kind.GOOD_BY_MSE: "MSE", Kind.GOOD_BY_UTP: "uTP"}
        return " or ".join(way for kind, way in ways.items() if kind in kinds) + " alone"

    @property
    def liars(self) -> int:
        return sum(peer.kind in LIARS for peer in self.peers)


def shares(climate: Climate) -> dict[Kind, float]:
    """Return the share of each kind among all peers; whom the others leave hangs."""
    lies = {Kind.LIES: climate.liars / 2, Kind.LIES_BY_MSE: climate.liars / 2}
    found = _SHARES | lies | {kind: _GOOD_SHARE * share for kind, share in _OF_GOOD.items()}
    return found | {Kind.HANGS: 1 - sum(found.values())}


def torrent(number: int, seed: int, climate: Climate) -> Torrent:
    """Return the torrent *number* of *seed*, always the same one; at least one of its peers is good."""
    assert number < _MOST_TORRENTS  # noqa: S101 - there are no more addresses
    random = Random(f"torrent {seed} {number}")  # noqa: S311 - the same crowd each time
    share = shares(climate)
    kinds = random.choices(list(share), list(share.values()), k=PEERS)
    if not GOOD.intersection(kinds):
        kinds[random.randrange(PEERS)] = random.choices(list(_OF_GOOD), list(_OF_GOOD.values()))[0]
    first = _FIRST_ADDRESS + number * PEERS
    peers = tuple(
        Peer(str(ipaddress.IPv4Address(first + place)), kind, climate.drawn_round_trip(random))
        for place, kind in enumerate(kinds)
    )
    name, pieces = f"三体 The Three-Body Problem {number}.mkv", random.randint(*_PIECES)
    files = ((name, pieces * 2**20),)
    sample = make_sample(name, files=files, piece_length=2**20, seed=random.randbytes(8))
    return Torrent(sample, peers)

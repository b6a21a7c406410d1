"""What the swarm has shown of a lookup so far, and how that is told."""

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Self

from services.torrents import Step

Endpoint = tuple[str, int]

_KEPT = 0.8  # of a peer's mean rate, from one second to the next
_JITTER = 0.25  # seconds
_WINDOW = 5.0  # seconds
_TALK = 5_000  # bytes in such a time: a peer that has nothing to give says less
_LULL = 6.0  # seconds more: slow peers give 32 KiB at a time
_LONG_GONE = (10, 30)  # seconds
_FIRST_HAVES = 8_000  # bytes
_HAVE = 80  # bytes: a message of one piece (BEP 3), with the packet that may carry it alone


@dataclass(slots=True)
class Whereabouts:
    """Where we are: we listen at *addresses*, on *ports*; strangers have *named* the addresses that they see us at."""

    addresses: set[str] = field(default_factory=set)
    ports: set[int] = field(default_factory=set)
    named: deque[str] = field(default_factory=lambda: deque(maxlen=20))

    def listen(self, address: str, port: int) -> None:
        self.addresses.add(address)
        self.ports.add(port)

    def have(self, address: str) -> bool:
        """Whether *address* is ours."""
        return address in self.addresses or address in self.named

    def are(self, peer: Endpoint) -> bool:
        """Whether *peer* is ourselves."""
        return self.have(peer[0]) and peer[1] in self.ports


@dataclass(frozen=True, slots=True)
class Connection:
    """One with *peer*, which *stands*, or is still being made.

    *tried* is one that we made, *named* a peer that trackers, the DHT or other peers name. *rate* is how many bytes a
    second it brings, as a mean; it has so many *pieces*, of which it tells. *by* is the session's way; *talks*: the
    peer has said that it has more to say than BEP 3 (BEP 10).
    """

    peer: Endpoint
    stands: bool
    tried: bool
    named: bool
    rate: int = 0
    pieces: int = 0
    by: str = ""
    talks: bool = False


@dataclass(slots=True)
class _Flow:
    """What one peer brings.

    libtorrent tells a *mean* alone: each second four fifths of what it was, and a fifth of what came. After a fast peer
    has stalled that is high for half a minute; so what came is taken out of two means, those *at* two moments.
    """

    at: float
    mean: int = 0
    pieces: int = 0
    came: deque[tuple[float, float]] = field(default_factory=deque)
    last: float = -math.inf
    """When more had come than talk."""

    def take(self, mean: int, pieces: int, now: float) -> None:
        """Take in the mean of *now*, and how many pieces the peer has told of: that is no metadata."""
        seconds = max(int(now - self.at - _JITTER), int(mean != self.mean))  # as few as it may be
        if seconds:
            left = _KEPT**seconds
            told: float = _HAVE * (pieces - self.pieces)
            if not self.pieces:
                told = max(pieces / 8, min(told, _FIRST_HAVES))  # as a bitfield, which may not be whole
            # Pieces are counted at once, and the mean has their bytes a second later: what is too much here is owed to
            # the next look.
            self.came.append((now, max(0.0, seconds * (mean - left * self.mean) / (1 - left)) - told))
            self.mean, self.pieces, self.at = mean, pieces, now
        while self.came and now - self.came[0][0] >= _WINDOW:
            self.came.popleft()
        if sum(count for _, count in self.came) > _TALK:
            self.last = now


@dataclass(slots=True)
class Sightings:
    """What the swarm has shown of one info-hash.

    *trackers* were asked, those *answered* did (nobody is an answer). *hinted* are the peers that the magnet itself
    named; *named* have trackers, the DHT or other peers, as far as was looked; *met* those that a connection was made
    with. *ourselves* are where we were named to ourselves: libtorrent connects there too. *neighbours* have an address
    of ours and another port: others, ourselves from before a restart, or the other end of a connection with ourselves.

    *dialled* are all with whom a connection was tried, or came. *listed* is how many others there are by their
    addresses, *seeds* how many have it by a tracker's word. So many *connections* stand now, with ourselves too;
    *standing* are the others among them, as far as was looked; *last_seen* is when some stood last (the clock's
    seconds). *receiving*: one of them brings more than peers say who give nothing.
    """

    trackers: set[str] = field(default_factory=set)
    answered: set[str] = field(default_factory=set)
    # Of a dead torrent these stay empty, which costs nothing; an empty set has 216 bytes.
    hinted: frozenset[Endpoint] = frozenset()
    ourselves: frozenset[Endpoint] = frozenset()
    neighbours: frozenset[Endpoint] = frozenset()
    named: set[Endpoint] = field(default_factory=set)  # strangers make these three as large as they like
    met: set[Endpoint] = field(default_factory=set)
    dialled: set[Endpoint] = field(default_factory=set)
    listed: int = 0
    seeds: int = 0
    connections: int = 0
    standing: frozenset[Endpoint] = frozenset()
    last_seen: float | None = None
    receiving: bool = False
    _flows: dict[tuple[str, Endpoint], _Flow] = field(default_factory=dict)
    _counts: dict[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def seen(self) -> int:
        """How many others there are: by their addresses, or because they took a connection or made one.

        What comes from a neighbour may have been an end of our own.
        """
        return max(self.listed, self.ever_connected)

    @property
    def ever_connected(self) -> int:
        """How many others have, or had, a connection with us. Whoever comes again does so from another port."""
        hosts = {host for host, _ in (self.met - self.ourselves - self.neighbours) | self.standing}
        return max(len(self.standing), len(hosts))

    @property
    def connected(self) -> int:
        """How many others have a connection with us now."""
        return len(self.standing)

    def hint(self, peers: Iterable[Endpoint]) -> None:
        """Take in that the magnet names *peers*; whom others have named before is no hint."""
        self.hinted |= {one for one in peers if one not in self.dialled}

    def tried(self, peer: Endpoint, here: Whereabouts) -> None:
        """Take in that a connection with *peer* is tried, or has come from it; we are *here*."""
        self.dialled.add(peer)
        if here.are(peer):
            self.ourselves |= {peer}
        elif here.have(peer[0]):
            self.neighbours |= {peer}

    def over(self, peer: Endpoint, *, met: bool) -> None:
        """Take in that the connection with *peer* is over, and whether it was *met*."""
        if met:
            self.met.add(peer)
        else:
            self.standing -= {peer}

    def was_ourselves(self, end: Endpoint) -> None:
        """Take in that what had come from *end* was our own connection, and is over."""
        self.neighbours -= {end}
        self.dialled.discard(end)

    def count(self, *, known: int, connections: int, seeds: int = 0, by: str = "") -> None:
        """Take in how many peers and *seeds* are known to a session, *by* its way, and how many connections stand.

        Whom the magnet alone names, and a neighbour, is none until a connection was answered.
        """
        unproved = (self._hinted_alone | self.neighbours) - self.met
        self._counts[by] = known, connections
        self.seeds = max(self.seeds, seeds)
        most = max(most for most, _ in self._counts.values())
        # One that was not dialled yet may be ourselves.
        self.listed = min(most, len(self.dialled)) - len(unproved | self.ourselves)
        self.connections = sum(standing for _, standing in self._counts.values())
        if not self.connections:
            self.standing = frozenset()
            self._flows.clear()
            self.receiving = False

    @property
    def _hinted_alone(self) -> frozenset[Endpoint]:
        return self.hinted - self.named

    @property
    def unclear(self) -> bool:
        """Whether a `look` may tell more."""
        return bool(self.connections or self._hinted_alone - self.met)

    def look(self, connections: Iterable[Connection], here: Whereabouts, now: float) -> None:
        """Take in each of the *connections*: whoever took one from us is there; we are *here*. *now* in seconds."""
        every = [one for one in connections if not here.are(one.peer)]
        standing = [one for one in every if one.stands] if self.connections else []  # those refused seem to, too
        others = [one for one in standing if one.tried or not here.have(one.peer[0])]
        self.named.update(one.peer for one in every if one.named)
        self.dialled.update(one.peer for one in every)
        self.standing = frozenset(one.peer for one in others)
        if others:
            self.last_seen = now
        self._flows = {(one.by, one.peer): self._flows.get((one.by, one.peer)) or _Flow(at=now) for one in others}
        for one in others:
            self._flows[one.by, one.peer].take(one.rate, one.pieces, now)
        self.receiving = any(now - flow.last < _LULL for flow in self._flows.values())


@dataclass(slots=True)
class DhtSightings:
    """What the DHT has shown of itself: it is *asked* or not, and so many *nodes* answered and are remembered.

    *messages* is how many it has brought that libtorrent took in; *questions* are those of them that asked us.
    """

    asked: bool
    nodes: int = 0
    messages: int = 0
    questions: int = 0

    def since(self, before: Self | None) -> Self:
        """Return what it has shown since *before*: nodes that fell silent until then do not count.

        One at least where any message came: bootstrap nodes answer, and libtorrent never counts them. It asks peers
        that a tracker names, too, and so ourselves: before any node is known, a question is our own, and so its answer.
        """
        if before is None:
            return replace(self, nodes=0)
        others = self.messages - before.messages
        if not self.nodes:
            others -= 2 * (self.questions - before.questions)
        return replace(self, nodes=max(1, self.nodes) if others > 0 else 0)


def step(sightings: Iterable[Sightings], dht: DhtSightings, now: float) -> Step:
    """Return where a lookup stands whose one or two info-hashes have shown *sightings*.

    Codes: ``asking`` (no peer seen yet), ``connecting`` (peers seen; one may be about to give metadata), ``receiving``
    (it comes; little metadata is here before that can be told). Parameters, all of them ints: trackers,
    trackers_answered, dht (0 or 1), dht_nodes, peers, seeds (by a tracker's word), connected (now), ever_connected,
    gone_for (10 or 30: at least so many seconds ago, of *now*, all had gone who ever stood; else 0).
    """
    every = tuple(sightings)
    left = [now - one.last_seen for one in every if one.last_seen is not None]
    gone = 0.0 if any(one.standing for one in every) else min(left, default=0.0)
    peers = max((one.seen for one in every), default=0)
    code = "receiving" if any(one.receiving for one in every) else "connecting" if peers else "asking"
    return Step(
        code,
        {
            "trackers": len(set().union(*(one.trackers for one in every))),
            "trackers_answered": len(set().union(*(one.answered for one in every))),
            "dht": int(dht.asked),
            "dht_nodes": dht.nodes,
            "peers": peers,
            "seeds": max((one.seeds for one in every), default=0),
            "connected": max((one.connected for one in every), default=0),
            "ever_connected": max((one.ever_connected for one in every), default=0),
            "gone_for": max((seconds for seconds in _LONG_GONE if gone >= seconds), default=0),
        },
    )


def differs(new: Step, old: Step | None) -> bool:
    """Whether *new* tells a person more than *old*: how many nodes the DHT has does not, whether it has any does."""
    if old is None:
        return True
    return new.code != old.code or _telling(new) != _telling(old)


def _telling(one: Step) -> dict[str, int | float | str]:
    return {**one.parameters, "dht_nodes": bool(one.parameters["dht_nodes"])}

"""What the swarm has shown of a lookup so far, and how that is told."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Self

from services.torrents import Step

Endpoint = tuple[str, int]


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


@dataclass(frozen=True, slots=True)
class Connection:
    """One that stands with *peer*: *tried* is one that we made, *willing* a peer that certainly has the metadata."""

    peer: Endpoint
    tried: bool
    willing: bool


@dataclass(slots=True)
class Sightings:
    """What the swarm has shown of one info-hash.

    *trackers* were asked, those *answered* did (nobody is an answer). *hinted* are the peers that the magnet itself
    named, *met* those that a connection was made with, *ourselves* where trackers or the DHT named us to ourselves.
    *neighbours* have an address of ours and another port: others, ourselves from before a restart, or the other end of
    a connection with ourselves. *seen* is how many others there are. So many *connections* stand now, with ourselves
    too; of them *willing* are with peers that certainly have the metadata.
    """

    trackers: set[str] = field(default_factory=set)
    answered: set[str] = field(default_factory=set)
    hinted: set[Endpoint] = field(default_factory=set)
    met: set[Endpoint] = field(default_factory=set)
    ourselves: set[Endpoint] = field(default_factory=set)
    neighbours: set[Endpoint] = field(default_factory=set)
    seen: int = 0
    connections: int = 0
    willing: int = 0

    @property
    def connected(self) -> int:
        """How many others have a connection with us now."""
        return min(self.connections, self.seen)

    def tried(self, peer: Endpoint, here: Whereabouts, *, met: bool) -> None:
        """Take in that a connection with *peer* was tried, or that it was *met*; we are *here*."""
        address, port = peer
        if here.have(address) and port in here.ports:
            self.ourselves.add(peer)
        elif met:
            self.met.add(peer)
        elif here.have(address):
            self.neighbours.add(peer)

    def count(self, *, known: int, connections: int) -> None:
        """Take in how many peers are known, and how many connections stand; a peer that was seen once stays seen.

        Whom the magnet alone names, and a neighbour, is none until a connection was answered.
        """
        unproved = (self.hinted | self.neighbours) - self.met - self.ourselves
        self.seen = max(self.seen, known - len(unproved | self.ourselves))
        self.connections = connections
        if not connections:
            self.willing = 0

    def look(self, connections: Iterable[Connection]) -> None:
        """Take in each of the *connections* that stand: whoever took one from us is there."""
        standing = tuple(connections)
        self.willing = sum(one.willing for one in standing)
        self.seen = max(self.seen, sum(one.tried and one.peer not in self.ourselves for one in standing))


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


def step(sightings: Iterable[Sightings], dht: DhtSightings) -> Step:
    """Return where a lookup stands whose one or two info-hashes have shown *sightings*.

    Codes: ``asking`` (no peer seen yet), ``connecting`` (peers seen; one may be about to give metadata),
    ``receiving`` (a peer is connected that certainly has it, since it has the whole torrent). Parameters, all of them
    ints: trackers, trackers_answered, dht (0 or 1), dht_nodes, peers, connected.
    """
    every = tuple(sightings)
    peers = max((one.seen for one in every), default=0)
    code = "receiving" if any(one.willing for one in every) else "connecting" if peers else "asking"
    return Step(
        code,
        {
            "trackers": len(set().union(*(one.trackers for one in every))),
            "trackers_answered": len(set().union(*(one.answered for one in every))),
            "dht": int(dht.asked),
            "dht_nodes": dht.nodes,
            "peers": peers,
            "connected": max((one.connected for one in every), default=0),
        },
    )


def differs(new: Step, old: Step | None) -> bool:
    """Whether *new* tells a person more than *old*: how many nodes the DHT has does not, whether it has any does."""
    if old is None:
        return True
    return new.code != old.code or _telling(new) != _telling(old)


def _telling(one: Step) -> dict[str, int | float | str]:
    return {**one.parameters, "dht_nodes": bool(one.parameters["dht_nodes"])}

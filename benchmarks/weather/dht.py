"""The DHT (BEP 5) of a million nodes: answers late, or never, with whom the asked node knows."""

import asyncio
from array import array
from collections import Counter
from collections.abc import Iterable
from contextlib import ExitStack
from random import Random
from socket import inet_aton
from typing import Self

from benchmarks.weather.climate import Climate
from benchmarks.weather.nodes import Nodes
from benchmarks.weather.wildcard import Endpoint, Wildcard, dropped
from sandbox.swarm.bencoding import decode
from sandbox.swarm.tracker import compact_peers

ROUTER_PORTS = (6881, 25401)
"""What the DHT's public routers listen on: whoever cannot be told other names finds nodes there, if they are free."""

_SOCKETS = 10
_TOKEN = b"5:token4:calm"


class Dht:
    """*count* nodes. Announces are taken and forgotten: who asks later finds the same peers."""

    def __init__(self, count: int, seed: int, climate: Climate) -> None:
        self._count = count
        self._seed = seed
        self._climate = climate
        self._random = Random(f"dht {seed}")  # noqa: S311 - the same weather each time
        self._sockets: list[Wildcard] = []
        self._values: dict[bytes, tuple[frozenset[int], bytes]] = {}
        self._loop = asyncio.get_running_loop()
        self._asked: Counter[str] = Counter()
        self.late = array("f")
        """Seconds by which each answer left too late."""

    async def __aenter__(self) -> Self:
        with ExitStack() as stack:
            for port in (*ROUTER_PORTS, *(0 for _ in range(_SOCKETS - len(ROUTER_PORTS)))):
                self._sockets.append(self._at(port))
                stack.callback(self._sockets[-1].close)
            self.ports = [one.port for one in self._sockets]
            self.nodes = await asyncio.to_thread(Nodes, self._count, self._seed, self._climate, self.ports)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stack.close()

    def _at(self, port: int) -> Wildcard:
        try:
            return Wildcard(self._hear, port)
        except OSError:  # somebody has it, where the network is not ours alone
            return Wildcard(self._hear)

    def add(self, info_hash: bytes, peers: Iterable[Endpoint]) -> None:
        """Let *peers* be found under *info_hash* at the eight nearest nodes that answer."""
        values = b"".join(b"6:" + compact_peers([peer]) for peer in peers)
        self._values[info_hash] = (frozenset(self.nodes.holders(info_hash)), b"6:valuesl" + values + b"e")

    def asked_by(self, host: str) -> int:
        """Return how many datagrams came from *host* since this was last asked, for silent nodes too."""
        return self._asked.pop(host, 0)

    def dropped(self) -> int:
        """Return how many datagrams the kernel had no room for."""
        return dropped({one.port for one in self._sockets})

    def _hear(self, at: Wildcard, meant: int, sender: Endpoint, data: bytes, came: float) -> None:
        self._asked[sender[0]] += 1
        node = self.nodes.at(meant, at.port)
        trip = self.nodes.round_trip(node) if node is not None else 0.0
        if node is None or not trip or self._lost() or self._lost():  # the question, or its answer
            return
        answer = self._answer(node, sender, decode(data))
        if answer:
            self._loop.call_at(came + trip, self._send, at, meant, sender, answer, came + trip)

    def _lost(self) -> bool:
        return self._random.random() < self._climate.loss

    def _send(self, at: Wildcard, source: int, to: Endpoint, answer: bytes, due: float) -> None:
        at.send(source, to, answer)
        self.late.append(max(0.0, self._loop.time() - due))

    def _answer(self, node: int, sender: Endpoint, message: dict[bytes, object]) -> bytes:
        asked, number = message.get(b"a"), message.get(b"t")
        if not isinstance(asked, dict) or not isinstance(number, bytes):
            return b""
        body = b"2:id20:" + self.nodes.id(node)
        target = asked.get(b"info_hash", asked.get(b"target"))
        if isinstance(target, bytes) and message.get(b"q") != b"announce_peer":
            known = b"".join(map(self.nodes.compact, self.nodes.known_to(node, target)))
            body += b"5:nodes%d:%b" % (len(known), known)
            if message.get(b"q") == b"get_peers":
                body += _TOKEN
                holders, values = self._values.get(target, (frozenset[int](), b""))
                body += values if node in holders else b""
        place = inet_aton(sender[0]) + sender[1].to_bytes(2, "big")
        return b"d2:ip6:%b1:rd%be1:t%d:%b1:y1:re" % (place, body, len(number), number)

"""A DHT of many small nodes (BEP 5), each on an address of its own.

libtorrent holds back a node that answers fast and often (``dht_block_ratelimit``) and asks one node of each /24 alone,
so that one node, or many in one network, would not be a DHT to it.
"""

import asyncio
import hashlib
import os
import socket
from collections import defaultdict
from contextlib import AsyncExitStack, suppress
from typing import Self

from sandbox.swarm.bencoding import decode, encode
from sandbox.swarm.tracker import compact_peers

Endpoint = tuple[str, int]
Message = dict[bytes, object]

_CLOSEST = 8
_LONGEST = 2_048  # asyncio's own servers make room for 256 KiB each time: more work than the answer


class Dht:
    """Nodes at 127.3.1.1, 127.3.2.1, ..., all of which know each other; values live at the eight nearest."""

    def __init__(self, nodes: int = 16) -> None:
        self._nodes = [Node(self, f"127.3.{number}.1") for number in range(1, nodes + 1)]
        self._stack = AsyncExitStack()
        self.asked = asyncio.Event()
        """Set at each question; clear it to wait for the next."""

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            for node in self._nodes:
                node.open()
                stack.callback(node.close)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    @property
    def addresses(self) -> list[str]:
        return [f"{node.host}:{node.port}" for node in self._nodes]

    def closest(self, target: bytes) -> list["Node"]:
        """Return the eight nodes nearest to *target* by XOR."""
        number = int.from_bytes(target, "big")
        return sorted(self._nodes, key=lambda node: node.number ^ number)[:_CLOSEST]

    def add(self, info_hash: bytes, peer: Endpoint) -> None:
        """Let *peer* be found under the 20-byte *info_hash* from now on."""
        for node in self.closest(info_hash):
            node.peers[info_hash][peer] = None


class Node:
    """One node: answers ping, find_node, get_peers and announce_peer from `open` on, and asks nothing itself."""

    def __init__(self, dht: Dht, host: str) -> None:
        self.host = host
        self.be(hashlib.sha1(host.encode(), usedforsecurity=False).digest(), 0)
        self.peers: defaultdict[bytes, dict[Endpoint, None]] = defaultdict(dict)
        self._dht = dht
        self._secret = os.urandom(8)
        self._socket: socket.socket

    def be(self, node_id: bytes, port: int) -> None:
        """Be the node of this 20-byte id at *port*."""
        self.id = node_id
        self.port = port
        self.number = int.from_bytes(node_id, "big")
        self.compact = node_id + socket.inet_aton(self.host) + port.to_bytes(2, "big")
        """Its id and address in 26 bytes."""

    def open(self) -> None:
        self._socket = socket.socket(type=socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            self._socket.bind((self.host, 0))
        except OSError:
            self._socket.close()
            raise
        self.be(self.id, self._socket.getsockname()[1])
        asyncio.get_running_loop().add_reader(self._socket, self._hear)

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()

    def _hear(self) -> None:
        with suppress(BlockingIOError):
            while True:
                self._answer(*self._socket.recvfrom(_LONGEST))

    def _answer(self, data: bytes, addr: Endpoint) -> None:
        message = decode(data)
        asked = message.get(b"a")
        if not isinstance(asked, dict):
            return
        self._dht.asked.set()
        reply = self._reply(message[b"q"], asked, addr)
        answer = {b"t": message[b"t"], b"y": b"r", b"ip": compact_peers([addr]), b"r": {b"id": self.id} | reply}
        self._socket.sendto(encode(answer), addr)

    def _reply(self, method: object, asked: Message, addr: Endpoint) -> Message:
        target = asked.get(b"info_hash", asked.get(b"target"))
        if not isinstance(target, bytes):
            return {}
        if method == b"announce_peer":
            if asked.get(b"token") == self._token(addr[0]):
                port = addr[1] if asked.get(b"implied_port") else asked[b"port"]
                self.peers[target][addr[0], int(str(port))] = None
            return {}
        reply: Message = {b"nodes": b"".join(node.compact for node in self._dht.closest(target))}
        if method == b"get_peers":
            reply[b"token"] = self._token(addr[0])
            # On loopback a seeker that is told of itself cannot know itself: it has no public address to leave out.
            if known := self.peers.get(target, {}).keys() - {addr}:
                reply[b"values"] = [compact_peers([peer]) for peer in known]
        return reply

    def _token(self, host: str) -> bytes:
        return hashlib.sha1(self._secret + host.encode(), usedforsecurity=False).digest()[:4]

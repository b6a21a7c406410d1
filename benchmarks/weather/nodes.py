"""The DHT's nodes as numbers: where each is, whether and how fast it answers, and whom it knows. Nothing is sent here.

An id's first eight bytes are drawn, and kept sorted, so that those near to a target lie side by side; the other twelve
follow from them. Addresses are spread over 127/8 so that neighbours by id are none by address: libtorrent asks one node
of each /24 alone.
"""

import struct
from array import array
from bisect import bisect_left
from collections.abc import Sequence
from random import Random

from benchmarks.weather.climate import Climate

CLOSEST = 8
"""How many nodes an answer names, and how many hold what is announced."""

_BITS = 64
_MASK = 2**_BITS - 1
_ADDRESSES = 127 << 24
_KEPT_FREE = 2 << 16  # 127.0/16 and 127.1/16 are for seekers, trackers and peers
_COMPACT = struct.Struct(">QQIIH")
_ODD = 0x9E3779B97F4A7C15


class Nodes:
    """*count* nodes, drawn from *seed*, that share the sockets of *ports*: each is one address and one port."""

    def __init__(self, count: int, seed: int, climate: Climate, ports: Sequence[int]) -> None:
        random = Random(f"nodes {seed}")  # noqa: S311 - the same network each time
        drawn = array("Q")
        drawn.frombytes(random.randbytes(8 * count))
        self._ids = array("Q", sorted(drawn))
        self._ports = ports
        self._stride = (2**24 - _KEPT_FREE) // count
        self._step = next(step for step in range(count * 5 // 8 | 1, 2 * count, 2) if _coprime(step, count))
        self._back = pow(self._step, -1, count)
        silent, draw = climate.silent, climate.drawn_round_trip
        self._round_trips = array("f", (0.0 if random.random() < silent else draw(random) for _ in range(count)))
        self._narrow = max(0, _BITS + 1 - (count // CLOSEST).bit_length())

    def __len__(self) -> int:
        return len(self._ids)

    def round_trip(self, node: int) -> float:
        """Return the seconds until *node* answers; 0 for one that never does."""
        return self._round_trips[node]

    def id(self, node: int) -> bytes:
        return self.compact(node)[:20]

    def compact(self, node: int) -> bytes:
        """Return the id, address and port of *node* in 26 bytes, as answers have them."""
        head = self._ids[node]
        place = node * self._step % len(self._ids)
        address = _ADDRESSES + _KEPT_FREE + place * self._stride
        return _COMPACT.pack(head, head * _ODD & _MASK, node, address, self._ports[place % len(self._ports)])

    def at(self, address: int, port: int) -> int | None:
        """Return who has *port* at *address*, a whole number; None where nobody is."""
        place, rest = divmod(address - _ADDRESSES - _KEPT_FREE, self._stride)
        if rest or not 0 <= place < len(self._ids) or self._ports[place % len(self._ports)] != port:
            return None
        return place * self._back % len(self._ids)

    def closest(self, target: bytes, count: int = CLOSEST) -> list[int]:
        """Return the *count* nodes nearest to *target* by XOR, nearest first, silent ones too."""
        return self._closest(_head(target), count)

    def _closest(self, head: int, count: int) -> list[int]:
        width = self._narrow
        while True:  # whoever shares more leading bits is nearer
            begin, end = self._within(head, width)
            if end - begin >= count or width >= _BITS:
                ids = self._ids
                return sorted(range(begin, end), key=lambda node: ids[node] ^ head)[:count]
            width += 1

    def _within(self, head: int, width: int) -> tuple[int, int]:
        """Return the range of nodes whose ids differ from *head* in its last *width* of 64 bits at most."""
        first = head >> width << width
        begin = bisect_left(self._ids, first)
        return begin, bisect_left(self._ids, first + (1 << width), begin)

    def known_to(self, node: int, target: bytes, most: int = CLOSEST, count: int = CLOSEST) -> list[int]:
        """Return those nearest to *target*, up to *count*, of whom *node* knows.

        Its routing table has *most* of those who share exactly as many leading bits with it as *target* does, always
        the same ones; where there are no more, it has all of them, and knows its neighbourhood as a whole.
        """
        head = _head(target)
        differs = self._ids[node] ^ head
        width = max(0, differs.bit_length() - 1)
        begin, end = self._within(head, width)
        if end - begin <= most:
            return self._closest(head, count)
        drawn = set[int]()
        state = self._ids[node] ^ width * _ODD
        while len(drawn) < most:
            state = (state * 6364136223846793005 + 1442695040888963407) & _MASK
            drawn.add(begin + ((state >> 32) * (end - begin) >> 32))
        ids = self._ids
        return sorted(drawn, key=lambda one: ids[one] ^ head)[:count]

    def holders(self, target: bytes) -> list[int]:
        """Return the eight nearest to *target* of those that answer: where what was announced lies."""
        near = self.closest(target, min(len(self), 16 * CLOSEST))
        return [node for node in near if self._round_trips[node]][:CLOSEST]


def _coprime(one: int, other: int) -> bool:
    while other:
        one, other = other, one % other
    return one == 1


def _head(target: bytes) -> int:
    return int.from_bytes(target[:8], "big")

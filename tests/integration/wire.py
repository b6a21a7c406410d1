"""What goes over the wires of a network of one's own."""

import asyncio
import socket
from collections import Counter
from typing import Self

_ALL_PROTOCOLS = 3  # ETH_P_ALL
_OUTGOING = 4
_IPV4, _IPV6 = 0x0800, 0x86DD


class Wire:
    """Hears every packet on a *device*. *ours* are the addresses that all may go to or come from."""

    def __init__(self, *ours: str, device: str = "lo") -> None:
        self._ours = set(ours)
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ALL_PROTOCOLS))
        self._socket.bind((device, 0))
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**25)
        self.others: Counter[str] = Counter()

    def __enter__(self) -> Self:
        asyncio.get_running_loop().add_reader(self._socket, self._hear)
        return self

    def __exit__(self, *_: object) -> None:
        self._hear()
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()

    def _hear(self) -> None:
        while True:
            try:
                packet, (_, protocol, direction, *_) = self._socket.recvfrom(2**16)
            except BlockingIOError:
                return
            if direction == _OUTGOING or protocol not in {_IPV4, _IPV6}:
                continue
            family, at, length = (socket.AF_INET, 12, 4) if protocol == _IPV4 else (socket.AF_INET6, 8, 16)
            ends = [socket.inet_ntop(family, packet[at + n * length : at + (n + 1) * length]) for n in (0, 1)]
            if not self._ours & {*ends}:
                self.others[" > ".join(ends)] += 1

"""UDP sockets that serve every address of 127/8 at once, and know when each datagram came (Linux).

A node or peer of the simulation costs no socket then. Each datagram is answered from the address it was sent to
(IP_PKTINFO); the kernel's own time of its arrival is told, so that what waits for us in a buffer loses no time by it.
"""

import asyncio
import contextlib
import socket
import struct
import time
from collections.abc import Callable, Collection
from pathlib import Path

Endpoint = tuple[str, int]

_PKTINFO = struct.Struct("=iII")
_TIME = struct.Struct("=qq")
_IP_PKTINFO = 8  # Python 3.11 has no name for these
_SO_TIMESTAMPNS = 35
_SO_RCVBUFFORCE = 33
_BUFFER = 2**25
_ANCILLARY = socket.CMSG_SPACE(_PKTINFO.size) + socket.CMSG_SPACE(_TIME.size)
_LONGEST = 4_096
_AT_ONCE = 50


class Wildcard:
    """One such socket, at *port*; 0 is any. Raises OSError where it is taken.

    *hear* is called with the address that was meant (a whole number, in network order as `struct` has it), who sent
    it, what, and when it came, in the loop's time.
    """

    def __init__(self, hear: Callable[["Wildcard", int, Endpoint, bytes, float], None], port: int = 0) -> None:
        self._hear = hear
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        on_loopback(self._socket)
        self._socket.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
        with contextlib.suppress(PermissionError):
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER)
        try:
            self._socket.bind(("", port))
        except OSError:
            self._socket.close()
            raise
        self.port: int = self._socket.getsockname()[1]
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket, self._on_readable)

    def close(self) -> None:
        self._loop.remove_reader(self._socket)
        self._socket.close()

    def send(self, source: int, to: Endpoint, data: bytes) -> None:
        """Send *data* from the address *source*. Where the kernel has no room it is lost, as everything may be."""
        ancillary = [(socket.IPPROTO_IP, _IP_PKTINFO, _PKTINFO.pack(0, socket.htonl(source), 0))]
        with contextlib.suppress(OSError):
            self._socket.sendmsg([data], ancillary, 0, to)

    def _on_readable(self) -> None:
        for _ in range(_AT_ONCE):
            try:
                data, ancillary, _, sender = self._socket.recvmsg(_LONGEST, _ANCILLARY)
            except BlockingIOError:
                return
            meant, came = 0, self._loop.time()
            for _, kind, value in ancillary:
                if kind == _IP_PKTINFO:
                    meant = socket.ntohl(_PKTINFO.unpack(value)[2])
                else:
                    seconds, nanoseconds = _TIME.unpack(value)
                    came -= max(0.0, time.time() - seconds - nanoseconds / 1e9)
            self._hear(self, meant, sender, data, came)


def on_loopback(one: socket.socket) -> None:
    """Keep *one* to loopback, though it will be bound to every address."""
    one.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo")


def dropped(ports: Collection[int]) -> int:
    """Return how many datagrams to *ports* the kernel had no room for."""
    lines = (line.split() for line in Path("/proc/net/udp").read_text("ascii").splitlines()[1:])
    return sum(int(fields[-1]) for fields in lines if int(fields[1].rpartition(":")[2], 16) in ports)

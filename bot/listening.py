"""Whether a port can be had, and who has it."""

import ipaddress
import socket
from collections.abc import Collection, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from errno import ENODEV
from pathlib import Path

TCP, TCP_AND_UDP = (socket.SOCK_STREAM,), (socket.SOCK_STREAM, socket.SOCK_DGRAM)
_NETWORK = ("tcp", "tcp6", "udp", "udp6")


@dataclass(frozen=True, slots=True)
class Interface:
    """Where the swarm's part or the web server listens. *host* is an address: any one where a *device* is named."""

    host: str
    port: int
    device: str = ""

    def __str__(self) -> str:
        if self.device:
            return f"{self.device}:{self.port}"
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def interfaces(text: str) -> list[Interface]:
    """Return what *text* says, which the settings have admitted."""
    parts = (part.strip().rpartition(":") for part in text.split(","))
    return [_interface(host.strip("[]"), int(port)) for host, _, port in parts]


def _interface(host: str, port: int) -> Interface:
    try:
        return Interface(str(ipaddress.ip_address(host)), port)
    except ValueError:
        return Interface("0.0.0.0", port, device=host)  # noqa: S104 - to look whether its port is free


def refusal(interface: Interface, kinds: Collection[socket.SocketKind] = TCP_AND_UDP) -> OSError | None:
    """Return why the port cannot be had for sockets of all these *kinds*, or None. Nothing is sent. Blocks."""
    if interface.device and interface.device not in (name for _, name in socket.if_nameindex()):
        return OSError(ENODEV, f"there is no device {interface.device}")
    family = socket.AF_INET6 if ":" in interface.host else socket.AF_INET
    try:
        with ExitStack() as stack:
            for kind in kinds:
                probe = stack.enter_context(socket.socket(family, kind))
                if family == socket.AF_INET6:
                    probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                if kind == socket.SOCK_STREAM:
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as libtorrent and asyncio do
                probe.bind((interface.host, interface.port))
                if kind == socket.SOCK_STREAM:
                    probe.listen(1)
    except OSError as error:
        return error
    return None


def has_port(process: int, port: int) -> bool | None:
    """Return whether *process* has a socket at *port*; None when that cannot be seen from here. Blocks."""
    try:
        mine = {link.readlink().name for link in Path(f"/proc/{process}/fd").iterdir() if link.is_symlink()}
        return any(f"socket:[{inode}]" in mine for inode in _sockets_at(port))
    except OSError:
        return None


def _sockets_at(port: int) -> Iterator[str]:
    """Yield the inodes of this machine's sockets whose own port is *port*."""
    for kind in _NETWORK:
        table = Path("/proc/net", kind)
        if not table.exists():
            continue
        for line in table.read_text("ascii").splitlines()[1:]:
            _, own, *fields = line.split()
            if int(own.rpartition(":")[2], 16) == port:
                yield fields[7]

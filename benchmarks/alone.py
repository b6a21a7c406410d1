"""A network that has nothing but loopback, where the machine lets us have one (Linux, user namespaces)."""

import fcntl
import shutil
import socket
import struct
import subprocess
import tempfile
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

_UNSHARE = ("unshare", "--map-root-user", "--net", "--mount")
_HOSTS = Path("/etc/hosts")
_SET_FLAGS = 0x8914  # SIOCSIFFLAGS
_UP = 1


def command(arguments: Sequence[str]) -> list[str] | None:
    """Return the command that runs *arguments* in a network of its own; None where that is not to be had."""
    if shutil.which(_UNSHARE[0]) is None:
        return None
    tried = subprocess.run([*_UNSHARE, "true"], check=False, capture_output=True)  # noqa: S603 - ours
    return None if tried.returncode else [*_UNSHARE, *arguments]


def bring_up_loopback() -> None:
    """Let the new network's loopback work: it begins switched off."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SET_FLAGS, struct.pack("16sH22x", b"lo", _UP))


def name(hosts: Mapping[str, str]) -> bool:
    """Let the names of *hosts* lead to its addresses, for us alone; return whether that could be had."""
    lines = [f"{address} {host}" for host, address in hosts.items()]
    with tempfile.NamedTemporaryFile("w", encoding="utf-8") as file:
        file.write("\n".join(["127.0.0.1 localhost", *lines, ""]))
        file.flush()
        bound = subprocess.run(["mount", "--bind", file.name, _HOSTS], check=False, capture_output=True)  # noqa: S603, S607
    return bound.returncode == 0


def named(hosts: Collection[str]) -> bool:
    """Whether all of *hosts* have an address without anybody being asked."""
    known = {word for line in _HOSTS.read_text("utf-8").splitlines() for word in line.split()[1:]}
    return known.issuperset(hosts)

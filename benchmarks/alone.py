"""A network that has nothing but loopback, where the machine lets us have one (Linux, user namespaces)."""

import fcntl
import shutil
import socket
import struct
import subprocess
from collections.abc import Sequence
from pathlib import Path

_UNSHARE = ("unshare", "--map-root-user", "--net", "--mount")
_SET_FLAGS = 0x8914  # SIOCSIFFLAGS
_UP = 1
_SETTINGS = {
    "ipv4/ip_local_port_range": "1024 65535",
    "ipv4/tcp_max_tw_buckets": "0",  # each connection takes a port for a minute more; without one, connect() looks long
    "ipv4/tcp_max_syn_backlog": "8192",
    "core/somaxconn": "4096",
}


def command(arguments: Sequence[str]) -> list[str] | None:
    """Return the command that runs *arguments* in a network of its own; None where that is not to be had."""
    if shutil.which(_UNSHARE[0]) is None:
        return None
    tried = subprocess.run([*_UNSHARE, "true"], check=False, capture_output=True)  # noqa: S603 - ours
    return None if tried.returncode else [*_UNSHARE, *arguments]


def bring_up_loopback() -> None:
    """Let the new network's loopback work: it begins switched off, and bears few connections at once and after them."""
    for setting, value in _SETTINGS.items():
        Path("/proc/sys/net", setting).write_text(value)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SET_FLAGS, struct.pack("16sH22x", b"lo", _UP))

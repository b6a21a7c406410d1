"""Ports for what must be told its port before it has it."""

import contextlib
import secrets
import socket


def free_port() -> int:
    """Return a port of loopback that is free by TCP and UDP, and not one of those that the system gives to any socket.

    One of those would be somebody else's in the moment in which who was told it ends and starts again.
    """
    while True:
        port = 20_000 + secrets.randbelow(12_000)  # below it are some that browsers refuse
        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp, contextlib.suppress(OSError):
            tcp.bind(("127.0.0.1", port))
            udp.bind(("127.0.0.1", port))
            return port

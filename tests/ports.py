"""Ports for what must be told its port before it has it."""

import contextlib
import random
import socket


def free_port() -> int:
    """Return a port of loopback that is free, and not one of those that whoever connects gets as their own."""
    while True:
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", random.randrange(20_000, 32_000)))
            return int(probe.getsockname()[1])

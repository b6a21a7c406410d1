"""How much one client may ask for, and how often it may be wrong about who it is."""

import ipaddress
from collections import OrderedDict

from starlette.requests import HTTPConnection

from services.clock import Clock

_MINUTE = 60.0
_GUESSES = 20  # a minute and client
_MOST_CLIENTS = 50_000
_ROUNDING = 1e-3  # seconds


class Rates:
    """So many a minute for each client, saved up for at most that long; 0 is no bound. As a leaky bucket (GCRA)."""

    def __init__(self, clock: Clock, a_minute: int) -> None:
        self._clock = clock
        self._each = _MINUTE / a_minute if a_minute else 0.0
        self._until: OrderedDict[str, float] = OrderedDict()  # when a client's allowance is whole again

    def wait(self, client: str) -> float:
        """Return the seconds until *client* may come once more."""
        if not self._each:
            return 0.0
        now = self._clock.monotonic()
        wait = self._until.get(client, now) + self._each - _MINUTE - now
        return wait if wait > _ROUNDING else 0.0

    def take(self, client: str) -> None:
        """Count one of *client*'s."""
        now = self._clock.monotonic()
        self._until[client] = max(self._until.pop(client, now), now) + self._each
        if len(self._until) > _MOST_CLIENTS:
            self._until.popitem(last=False)


class Limits:
    """What each client has left: of requests, and of wrong answers to who it is.

    *looks* are wrong links that are only looked at, which any site's page can have a browser do: they are
    counted apart.
    """

    def __init__(self, clock: Clock, requests_a_minute: int) -> None:
        self.requests = Rates(clock, requests_a_minute)
        self.guesses = Rates(clock, _GUESSES)
        self.looks = Rates(clock, _GUESSES)


def client_of(connection: HTTPConnection) -> str:
    """Return who is asking: an address of IPv4, or a network of IPv6 such as one subscriber has (/64, RFC 6177)."""
    host = connection.client.host if connection.client else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)

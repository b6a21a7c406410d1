"""Which addresses may be contacted. A magnet is a stranger's words: it must not reach into the operator's network."""

import ipaddress
import re
import socket
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from sys import intern
from typing import Self
from urllib.parse import urlsplit

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

PRIVATE_RANGES = (
    *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
    *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24"),
    *("203.0.113.0/24", "224.0.0.0/3"),
    *("::/3", "4000::/2", "8000::/1", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"),
)
"""Everything that is not the public internet (IANA's special-purpose registries), v4-mapped and tunnels included."""

_PRIVATE = tuple(map(ipaddress.ip_network, PRIVATE_RANGES))
_LAST_PORT = 65_535
_TRACKER_SCHEMES = frozenset({"http", "https", "udp"})  # no ip filter stops ws and wss trackers, nor their peers
_LONGEST_URL = 2_000
_WEB_HOST = re.compile(r"[A-Za-z0-9._:-]+", re.ASCII)
_INET_ATON = re.compile(r"[0-9a-fxA-FX.]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Rule:
    """From *first* to *last*, both included, addresses are *blocked* or not. Later rules outrank earlier ones."""

    first: str
    last: str
    blocked: bool


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """Who may be contacted: the public internet but this machine itself, and what is *allowed* beside it.

    *allow_private* lifts the private ranges. *allowed* has addresses or networks (CIDR) that may be contacted though
    they are private. *own* has this machine's public addresses: a router may turn what is sent to them back inside.
    *proxied*: trackers are asked by a proxy, which resolves names, so that no filter sees where they lead.
    """

    allow_private: bool = False
    allowed: tuple[str, ...] = ()
    own: AbstractSet[str] = frozenset()
    proxied: bool = False

    def knowing_own(self, *spellings: str) -> Self:
        """Return this policy with those of *spellings* in ``own`` that are public addresses."""
        found = {str(address) for address in map(literal, spellings) if address and not _within(address, _PRIVATE)}
        return replace(self, own=self.own | found)

    def rules(self) -> list[Rule]:
        """Return the policy as an IP filter's rules."""
        blocked = () if self.allow_private else PRIVATE_RANGES
        return [
            *(_rule(network, blocked=True) for network in (*blocked, *sorted(self.own))),
            *(_rule(network, blocked=False) for network in self.allowed),
        ]

    def admits(self, address: Address) -> bool:
        """Whether *address* may be contacted."""
        if _within(address, [ipaddress.ip_network(text, strict=False) for text in self.allowed]):
            return True
        return str(address) not in self.own and (self.allow_private or not _within(address, _PRIVATE))

    def trackers(self, urls: Iterable[str]) -> Iterator[str]:
        """Yield those of *urls* that may be asked: the scheme is right, and no address is spelled out that is kept off.

        A name that leads to a private address is left to the IP filter; behind a proxy, where that cannot see it, none
        is asked unless private ones may be. The scheme comes in small letters: libtorrent knows no other.
        """
        if self.allow_private or not self.proxied:
            yield from self.operators_trackers(urls)

    def operators_trackers(self, urls: Iterable[str]) -> Iterator[str]:
        """Yield those of *urls* that may be asked where they are the operator's own word: no filter sees them proxied.

        Behind a proxy, none by HTTP: it may name peers by names, which libtorrent would have resolved here.
        """
        for url in urls:
            host = tracker_host(url)
            if self.proxied and not url.lower().startswith("udp:"):
                continue
            address = literal(host) if host else None
            if host and (address is None or self.admits(address)):
                scheme, colon, rest = url.partition(":")
                yield intern(scheme.lower() + colon + rest)  # a thousand lookups ask the same few

    def peers(self, peers: Iterable[tuple[str, int]]) -> Iterator[tuple[str, int]]:
        """Yield those of *peers* that may be connected to, their addresses in the usual spelling.

        A host that is a name is passed over: BEP 9 admits it, libtorrent does not; nor 0.0.0.0 or ``::``, which is
        nobody's.
        """
        for host, port in peers:
            address = literal(host)
            if address is None or address.is_unspecified or not 0 < port <= _LAST_PORT:
                continue
            if self.admits(address):
                yield str(address), port


def _rule(text: str, *, blocked: bool) -> Rule:
    network = ipaddress.ip_network(text, strict=False)
    return Rule(str(network[0]), str(network[-1]), blocked)


def literal(host: str) -> Address | None:
    """Return the address that *host* spells: dotted, IPv6 with or without brackets, or as inet_aton reads it.

    ``2130706433``, ``0x7f.1`` and ``127.1`` are 127.0.0.1 to a C library, and to no one else. A v4-mapped IPv6 address
    is the IPv4 one. None when *host* is a name.
    """
    bare = host.strip("[]").partition("%")[0].rstrip(".")
    try:
        address: Address = ipaddress.ip_address(bare)
    except ValueError:
        return _as_inet_aton(bare)
    return getattr(address, "ipv4_mapped", None) or address


def _as_inet_aton(host: str) -> Address | None:
    if not _INET_ATON.fullmatch(host):
        return None
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except OSError:
        return None


def _within(address: Address, networks: Iterable[Network]) -> bool:
    return any(address.version == network.version and address in network for network in networks)


def tracker_host(url: str) -> str | None:
    """Return the host of a tracker that libtorrent may be given, or None: another scheme, no host, or no URL at all."""
    if len(url) > _LONGEST_URL or not url.isprintable() or " " in url:
        return None
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return None
    return host if parts.scheme in _TRACKER_SCHEMES else None


def can_be_asked(address: str) -> bool:
    """Whether a request can be made for *address*: in ASCII, with a host and a port that there may be."""
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
        host.encode("idna")  # as the lookup of a name does
        port = parts.port
    except ValueError:
        return False
    plain = address.isascii() and address.isprintable() and " " not in address
    return plain and parts.scheme in {"http", "https"} and port != 0 and _WEB_HOST.fullmatch(host) is not None

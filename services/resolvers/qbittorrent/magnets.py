"""The magnet that a qBittorrent is given: info-hashes, and those trackers and peers that it may contact."""

import asyncio
import socket
from collections.abc import Iterable
from urllib.parse import quote

from services.clock import Clock, at_most
from services.resolvers.addresses import AddressPolicy, literal, tracker_host
from services.torrents import Hints, TorrentId

_PATIENCE = 2.0  # seconds for all names together
_MOST = 50  # trackers, and peers: who asks more, asks nobody who answers


async def allowed(hints: Hints, policy: AddressPolicy, clock: Clock) -> Hints:
    """Return those of *hints* that *policy* lets be contacted.

    No IP filter of ours stands between a qBittorrent and a tracker, as it does in the swarm: a name is looked up here,
    and left out where it leads to an address that is kept off.
    """
    trackers = list(policy.trackers(hints.trackers))[:_MOST]
    peers = tuple(policy.peers(hints.peers))[:_MOST]
    hosts = {host for one in trackers if (host := tracker_host(one)) and literal(host) is None}
    off = set() if policy.allow_private else await _kept_off(hosts, policy, clock)
    return Hints(tuple(one for one in trackers if tracker_host(one) not in off), peers)


async def _kept_off(hosts: Iterable[str], policy: AddressPolicy, clock: Clock) -> set[str]:
    """Return those of *hosts* that lead to an address that *policy* keeps off. Who is silent leads nowhere."""
    looking = {host: asyncio.ensure_future(_addresses(host)) for host in hosts}
    if looking:
        await at_most(clock, _PATIENCE, asyncio.gather(*looking.values(), return_exceptions=True))
    off = set()
    for host, found in looking.items():
        if found.cancelled() or found.exception() is not None:
            continue
        addresses = [literal(one) for one in found.result()]
        if not all(one is not None and policy.admits(one) for one in addresses):
            off.add(host)
    return off


async def _addresses(host: str) -> list[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [str(place[0]) for *_, place in found]


def magnet(torrent: TorrentId, hints: Hints) -> str:
    """Return a magnet link of *torrent* with *hints* (BEP 9, 53): no name, nor anything else of a note."""
    parts = [f"xt=urn:btih:{torrent.v1}"] if torrent.v1 else []
    parts += [f"xt=urn:btmh:1220{torrent.v2}"] if torrent.v2 else []
    parts += [f"tr={quote(one, safe='')}" for one in hints.trackers]
    parts += [f"x.pe=[{host}]:{port}" if ":" in host else f"x.pe={host}:{port}" for host, port in hints.peers]
    return "magnet:?" + "&".join(parts)


def decoded_twice(hints: Hints) -> Hints:
    """Return *hints* without trackers that would be read as more than one: early 5.2 decodes a magnet once more."""
    return Hints(tuple(one for one in hints.trackers if not set(one) & set("%&#+")), hints.peers)

"""The magnet that a qBittorrent is given: info-hashes, and those trackers and peers that it may contact."""

import asyncio
import contextlib
import socket
from collections.abc import Collection
from threading import Thread
from urllib.parse import quote

from services.clock import Clock, at_most
from services.resolvers.addresses import AddressPolicy, literal, tracker_host
from services.torrents import Hints, TorrentId

_PATIENCE = 2.0  # seconds for all names together
_MOST = 50  # trackers, and peers: who asks more, asks nobody who answers
_MOST_NAMES = 300  # that are looked up at once: more are as if their name servers were silent


class Guard:
    """Lets pass what *policy* lets a qBittorrent contact.

    No IP filter of ours stands between a qBittorrent and a tracker, as it does in the swarm: a name is looked up here,
    and passed on where it is known in time to lead to nobody who is kept off.
    """

    def __init__(self, policy: AddressPolicy, clock: Clock) -> None:
        self._policy = policy
        self._clock = clock
        self._looking: dict[str, asyncio.Future[Collection[str]]] = {}

    async def passed(self, hints: Hints) -> Hints:
        """Return those of *hints* that may be contacted."""
        trackers = list(self._policy.trackers(hints.trackers))[:_MOST]
        peers = tuple(self._policy.peers(hints.peers))[:_MOST]
        hosts = {host for one in trackers if (host := tracker_host(one)) and literal(host) is None}
        off = set() if self._policy.allow_private else await self._kept_off(hosts)
        return Hints(tuple(one for one in trackers if tracker_host(one) not in off), peers)

    async def _kept_off(self, hosts: Collection[str]) -> Collection[str]:
        looking = {host: found for host in hosts if (found := self._look_up(host)) is not None}
        if looking:
            waiting = asyncio.ensure_future(asyncio.wait(looking.values()))  # others may wait for the same
            await at_most(self._clock, _PATIENCE, waiting)
        known = {host: found.result() for host, found in looking.items() if found.done()}
        return {host for host in hosts if not self._admits(known.get(host, ()))}

    def _admits(self, addresses: Collection[str]) -> bool:
        found = [literal(one) for one in addresses]
        return bool(found) and all(one is not None and self._policy.admits(one) for one in found)

    def _look_up(self, host: str) -> "asyncio.Future[Collection[str]] | None":
        """Have *host* looked up in a thread of its own: where its name server is silent, that holds up nobody else.

        The thread is not waited for at the end, either.
        """
        if host not in self._looking and len(self._looking) < _MOST_NAMES:
            loop = asyncio.get_running_loop()
            found = self._looking[host] = loop.create_future()
            found.add_done_callback(lambda _: self._looking.pop(host))
            try:
                Thread(target=_answer, args=(host, found, loop), name="qbittorrent's names", daemon=True).start()
            except RuntimeError:  # there are too many threads
                found.set_result(())
        return self._looking.get(host)


def _answer(host: str, found: "asyncio.Future[Collection[str]]", loop: asyncio.AbstractEventLoop) -> None:
    addresses = _addresses(host)
    with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
        loop.call_soon_threadsafe(found.set_result, addresses)


def _addresses(host: str) -> Collection[str]:
    """Return where *host* leads: nowhere where nobody says. Blocks."""
    try:
        return [str(place[0]) for *_, place in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]
    except (OSError, ValueError):  # the latter where it is no name at all
        return ()


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

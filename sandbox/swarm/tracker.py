"""An HTTP tracker (BEP 3, compact answers BEP 23 and 7, scrape BEP 48) that names only the peers it was given."""

import asyncio
import ipaddress
import socket
from collections import defaultdict
from collections.abc import Iterable
from typing import Self
from urllib.parse import unquote_to_bytes

from aiohttp import web

from sandbox.swarm.bencoding import encode

Endpoint = tuple[str, int]

_BACKLOG = 4_096  # of a thousand who ask at once, the system lets most wait a second where this is asyncio's 100


class Tracker:
    """Who has what, by 20-byte hash in ``peers``. Who asks is named to itself, as trackers do, and to nobody else."""

    def __init__(self, interval: int = 1) -> None:
        self.peers: defaultdict[bytes, list[Endpoint]] = defaultdict(list)
        self.leechers: set[Endpoint] = set()
        """Those of the peers who look for it themselves."""
        self.announces: list[str] = []
        self.asked = asyncio.Event()
        """Set at each announce; clear it to wait for the next."""
        self.refusal = b""
        """The failure reason that everybody is answered with, while it is not empty; bytes in any encoding."""
        self.external_ip = ""
        """The IPv4 address that everybody is told to be at, while it is not empty (BEP 24)."""
        self._interval = interval
        self._port = 0
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/announce"

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/announce", self._announce)
        app.router.add_get("/scrape", self._scrape)
        self._runner = web.AppRunner(app, shutdown_timeout=0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, backlog=_BACKLOG)
        await site.start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _announce(self, request: web.Request) -> web.Response:
        query = _raw_query(request)
        wanted = query.get("info_hash", [b""])[0]
        if len(wanted) != 20:  # noqa: PLR2004 - BEP 3: SHA-1
            return _answer({b"failure reason": b"info_hash has not 20 bytes"})
        if query.get("event") != [b"stopped"]:
            self.announces.append(wanted.hex())
            self.asked.set()
        if self.refusal:
            return _answer({b"failure reason": self.refusal})
        known = [*self.peers.get(wanted, []), *_asker(request, query)]
        compact = query.get("compact") != [b"0"]
        peers: object = (
            compact_peers(known) if compact else [{b"ip": host.encode(), b"port": port} for host, port in known]
        )
        told = {b"external ip": ipaddress.IPv4Address(self.external_ip).packed} if self.external_ip else {}
        return _answer(
            {
                **told,
                b"interval": self._interval,
                b"min interval": self._interval,
                b"complete": self._seeds(wanted),
                b"incomplete": len(known) - self._seeds(wanted),
                b"peers": peers,
            }
        )

    async def _scrape(self, request: web.Request) -> web.Response:
        hashes = _raw_query(request).get("info_hash", [])
        return _answer({b"files": {one: {b"complete": self._seeds(one), b"incomplete": 0} for one in hashes}})

    def _seeds(self, wanted: bytes) -> int:
        return sum(peer not in self.leechers for peer in self.peers.get(wanted, []))


def compact_peers(peers: Iterable[Endpoint]) -> bytes:
    """Return IPv4 *peers* as BEP 23 has them: six bytes each."""
    return b"".join(socket.inet_aton(host) + port.to_bytes(2, "big") for host, port in peers)


def _asker(request: web.Request, query: dict[str, list[bytes]]) -> list[Endpoint]:
    """Return who asks, if it listens at all and speaks IPv4."""
    port = query.get("port", [b"0"])[0]
    if request.remote is None or ":" in request.remote or not port.isdigit() or not 0 < int(port) < 2**16:
        return []
    return [(request.remote, int(port))]


def _raw_query(request: web.Request) -> dict[str, list[bytes]]:
    """Return the query as bytes: an info-hash is not text, and aiohttp's own parser takes it for UTF-8."""
    found: dict[str, list[bytes]] = {}
    for pair in request.raw_path.partition("?")[2].split("&"):
        key, _, value = pair.partition("=")
        found.setdefault(key, []).append(unquote_to_bytes(value.replace("+", " ")))
    return found


def _answer(body: dict[bytes, object]) -> web.Response:
    return web.Response(body=encode(body), content_type="text/plain")

"""Every way that is known in which a magnet could lead into the operator's own network, as a table.

127.9.9.9 plays that network, and so do 127.0.0.1 and ::1, to which names lead; 127.0.4.0/24 and the DHT's nodes play
the internet. Each vector has a hash, a magnet and a sensor of its own.
"""

import asyncio
import hashlib
import ipaddress
import socket
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Literal, Self
from unittest.mock import patch
from urllib.parse import quote

from aiohttp import web

from sandbox.swarm import Swarm
from sandbox.swarm.bencoding import decode, encode
from sandbox.swarm.dht import Node
from sandbox.swarm.tcp_server import stop_listening, tcp_server
from sandbox.swarm.tracker import compact_peers
from sandbox.swarm.udp_tracker import UdpTracker
from services.magnets.parse import torrents_in
from tests.integration.swarm_help import Running, listen_interfaces, opened

Endpoint = tuple[str, int]
Heard = Literal["ours", "stock", "nobody"]
"""Who follows it, where private addresses are allowed: our resolver, or a libtorrent that takes magnets as they are.

Nobody: none of them does, or not always.
"""

INNER = "127.9.9.9"
LOOPBACK = ("127.0.0.1", "::1")
WEB, UDP, GOSSIP = "127.0.4.1", "127.0.4.2", "127.0.4.3"
INTERNET = ("127.0.4.0/24", "127.3.0.0/16")

_EXTENDED = 20
_UT_PEX, _UT_HOLEPUNCH = 1, 2
_HASH = 20
_TRIES = 20


class Sensor(asyncio.DatagramProtocol):
    """Hears every connection and every datagram to one port of *hosts*."""

    def __init__(self, *hosts: str) -> None:
        self._hosts = hosts or (INNER,)
        self._stack = AsyncExitStack()
        self.contacts: list[str] = []
        self.contacted = asyncio.Event()
        self.port = 0

    async def __aenter__(self) -> Self:
        for _ in range(_TRIES):
            with suppress(OSError):  # what is free at one host may be taken at another
                await self._listen()
                return self
        raise OSError("no port is free at all of these hosts")

    async def _listen(self) -> None:
        self.port = 0
        async with AsyncExitStack() as stack:
            loop = asyncio.get_running_loop()
            for host in self._hosts:
                server = await loop.create_server(lambda: _Connection(self), host, self.port)
                stack.push_async_callback(stop_listening, server)
                self.port = server.sockets[0].getsockname()[1]
                transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(host, self.port))
                stack.callback(transport.close)
            self._stack = stack.pop_all()

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    def heard(self, what: str) -> None:
        self.contacts.append(what)
        self.contacted.set()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.heard(f"udp {data[:40]!r} from {addr}")


class _Connection(asyncio.Protocol):
    def __init__(self, sensor: Sensor) -> None:
        self._sensor = sensor

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._sensor.heard(f"tcp from {transport.get_extra_info('peername')}")
        transport.close()


class Lures:
    """What stands on the internet and leads inwards, by the 20-byte hash that it is asked for.

    A web server is a tracker at ``announce``, which names nobody, and at other paths redirects or names peers; beside
    it are a UDP tracker, a peer that gossips, and *swarm*'s DHT.
    """

    def __init__(self, swarm: Swarm) -> None:
        self.swarm = swarm
        self.redirects: dict[str, tuple[int, str]] = {}
        self.answers: dict[str, dict[bytes, object]] = {}
        self.peers: dict[bytes, list[Endpoint]] = {}
        self.gossip = _Gossip()
        self.udp = UdpTracker(self.peers, host=UDP)
        self.asked: defaultdict[str, Counter[str]] = defaultdict(Counter)
        """By hash, and by the session that asks, which its port tells."""
        self._news = asyncio.Event()
        self._stack = AsyncExitStack()
        self.web = ""

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/announce/{wanted}", self._announce)
        app.router.add_get("/announce/redirect/{wanted}", self._redirect)
        app.router.add_get("/announce/told/{wanted}", self._told)
        runner = web.AppRunner(app, shutdown_timeout=0)
        async with AsyncExitStack() as stack:
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            await web.TCPSite(runner, WEB, 0).start()
            self.web = f"http://{WEB}:{runner.addresses[0][1]}/announce"
            await stack.enter_async_context(self.udp)
            await stack.enter_async_context(self.gossip)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def asked_again(self, wanted: Sequence[str]) -> None:
        """Return when each hash in *wanted* was announced once more, and twice by one session: seconds apart."""
        before = {one: self.asked[one].total() for one in wanted}
        while any(self.asked[one].total() == before[one] or max(self.asked[one].values()) == 1 for one in wanted):
            self._news.clear()
            await self._news.wait()

    async def _announce(self, request: web.Request) -> web.Response:
        self.asked[request.match_info["wanted"]][request.query_string.partition("&port=")[2][:5]] += 1
        self._news.set()
        return web.Response(body=encode({b"interval": 1, b"min interval": 1, b"peers": b""}))

    async def _redirect(self, request: web.Request) -> web.Response:
        status, location = self.redirects[request.match_info["wanted"]]
        return web.Response(status=status, headers={"Location": location})

    async def _told(self, request: web.Request) -> web.Response:
        return web.Response(body=encode({b"interval": 1, **self.answers[request.match_info["wanted"]]}))


class _Gossip:
    """A peer that tells whoever comes one thing: of peers (BEP 11), or whom to meet through a NAT (BEP 55)."""

    def __init__(self) -> None:
        self.words: dict[bytes, tuple[bytes, bytes]] = {}
        """By hash, the extension's name and the message."""
        self.told: set[bytes] = set()
        self._news = asyncio.Event()
        self._stack = AsyncExitStack()
        self.endpoint: Endpoint = (GOSSIP, 0)

    async def __aenter__(self) -> Self:
        server = await self._stack.enter_async_context(tcp_server(self._serve, GOSSIP))
        self.endpoint = server.sockets[0].getsockname()[:2]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def told_all(self) -> None:
        while self.told < self.words.keys():
            self._news.clear()
            await self._news.wait()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        opening = await reader.readexactly(68)
        if opening.startswith(b"\x13BitTorrent protocol"):  # else it is encrypted: they will try it plain
            await self._talk(opening[28:48], reader, writer)

    async def _talk(self, wanted: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hello = encode({b"m": {b"ut_pex": _UT_PEX, b"ut_holepunch": _UT_HOLEPUNCH}})
        writer.write(b"\x13BitTorrent protocol" + bytes((0, 0, 0, 0, 0, 0x10, 0, 0)) + wanted + b"-XX0001-gossipgossip")
        writer.write(_message(0, hello))
        while True:
            body = await reader.readexactly(int.from_bytes(await reader.readexactly(4), "big"))
            if body[:2] == bytes((_EXTENDED, 0)) and wanted in self.words:
                extension, word = self.words[wanted]
                known = decode(body[2:]).get(b"m")
                number = known.get(extension) if isinstance(known, dict) else None
                if isinstance(number, int):
                    writer.write(_message(number, word))
                    await writer.drain()
                    self.told.add(wanted)
                    self._news.set()


def _message(extension: int, body: bytes) -> bytes:
    return (len(body) + 2).to_bytes(4, "big") + bytes((_EXTENDED, extension)) + body


# The table.

Lay = Callable[[Lures, bytes, int], str]
"""Set out what is needed for a hash and the sensor's port, and return what the magnet says beside its hash."""


@dataclass(frozen=True, slots=True)
class Vector:
    """One *way* in, *named*. *hosts* are where its sensor listens; *heard*, see `Heard`."""

    way: str
    named: str
    lay: Lay
    hosts: tuple[str, ...] = (INNER,)
    heard: Heard = "ours"

    @property
    def id(self) -> str:
        return f"{self.way}: {self.named}"

    @property
    def hash(self) -> bytes:
        return hashlib.sha1(self.id.encode(), usedforsecurity=False).digest()

    def magnet(self, lures: Lures, port: int) -> str:
        clock = quote(f"{lures.web}/{self.hash.hex()}", safe="")
        return f"magnet:?xt=urn:btih:{self.hash.hex()}&tr={clock}&{self.lay(lures, self.hash, port)}"


_SPELLINGS: dict[str, str] = {
    "dotted": "127.9.9.9",
    "decimal": "2131298569",
    "hexadecimal": "0x7f090909",
    "hexadecimal in capitals": "0X7F090909",
    "hexadecimal, dotted": "0x7f.0x9.0x9.0x9",
    "octal": "0177.011.011.011",
    "octal with many zeros": "00000177.011.011.011",
    "mixed": "127.0x9.011.9",
    "of three parts": "127.9.2313",
    "of two parts": "127.592137",
    "with a user": "me:secret@127.9.9.9",
}
_UNREAD_SPELLINGS: dict[str, str] = {  # libtorrent asks from an IPv6 address of its own, from which no way leads there
    "mapped": "[::ffff:127.9.9.9]",
    "mapped, in hexadecimal": "[::ffff:7f09:909]",
    "mapped, at length": "[0:0:0:0:0:ffff:127.9.9.9]",
    "compatible": "[::127.9.9.9]",
    "NAT64": "[64:ff9b::127.9.9.9]",
    "6to4": "[2002:7f09:909::]",
}
_OWN: dict[str, tuple[str, tuple[str, ...]]] = {
    "IPv6 loopback": ("[::1]", ("::1",)),
    "IPv6 loopback at length": ("[0:0:0:0:0:0:0:1]", ("::1",)),
    "nobody's": ("0.0.0.0", LOOPBACK[:1]),  # noqa: S104 - as a target it is this machine
    "zero": ("0", LOOPBACK[:1]),
    "IPv6, nobody's": ("[::]", ("::1",)),
    "short loopback": ("127.1", LOOPBACK[:1]),
}
_NAMES = ("localhost", "LOCALHOST", "ip6-localhost", "ip6-loopback")
_HOSTS_FILE = Path("/etc/hosts")
_PATHS: dict[str, str] = {
    "above announce": "/announce/../admin",
    "above announce, encoded": "/announce/%2e%2e/admin",
    "below announce": "/announce.php/../../latest/meta-data/",
    "with a query": "/announce?passkey=1&x=2",
}
_PATHS_ELSEWHERE: dict[str, str] = {"none": "", "another": "/latest/meta-data/", "short": "/x"}
"""Those at which libtorrent asks no loopback address while its SSRF mitigation is on, whatever is allowed."""


def _tracker(url: str) -> Lay:
    return lambda _lures, _wanted, port: f"tr={quote(url.format(port=port), safe='')}"


def _peer(peer: str) -> Lay:
    return lambda _lures, _wanted, port: f"x.pe={peer.format(port=port)}"


def _parameter(text: str) -> Lay:
    return lambda _lures, _wanted, port: text.format(port=port)


def _redirect(location: str, status: int = 302) -> Lay:
    def lay(lures: Lures, wanted: bytes, port: int) -> str:
        lures.redirects[wanted.hex()] = status, location.format(port=port)
        return f"tr={quote(f'{lures.web}/redirect/{wanted.hex()}', safe='')}"

    return lay


def _redirect_twice(lures: Lures, wanted: bytes, port: int) -> str:
    lures.redirects[f"{wanted.hex()}0"] = 302, f"http://{INNER}:{port}/announce"
    lures.redirects[wanted.hex()] = 302, f"{lures.web}/redirect/{wanted.hex()}0"
    return f"tr={quote(f'{lures.web}/redirect/{wanted.hex()}', safe='')}"


def _told(answer: Callable[[int], dict[bytes, object]]) -> Lay:
    def lay(lures: Lures, wanted: bytes, port: int) -> str:
        lures.answers[wanted.hex()] = answer(port)
        return f"tr={quote(f'{lures.web}/told/{wanted.hex()}', safe='')}"

    return lay


def _told_by_name(host: bytes) -> Lay:
    return _told(lambda port: {b"peers": [{b"ip": host, b"port": port, b"peer id": b"p" * 20}]})


def _told_by_udp(lures: Lures, wanted: bytes, port: int) -> str:
    lures.peers[wanted] = [(INNER, port)]
    return f"tr={quote(lures.udp.url, safe='')}"


def _gossip(extension: bytes, word: Callable[[int], bytes]) -> Lay:
    def lay(lures: Lures, wanted: bytes, port: int) -> str:
        lures.gossip.words[wanted] = extension, word(port)
        host, at = lures.gossip.endpoint
        return f"x.pe={host}:{at}"

    return lay


def _pex(added: Callable[[int], dict[bytes, object]]) -> Lay:
    return _gossip(b"ut_pex", lambda port: encode(added(port)))


def _dht_values(lures: Lures, wanted: bytes, port: int) -> str:
    if lures.swarm.dht is not None:
        lures.swarm.dht.add(wanted, (INNER, port))
    return "dn=x"


def _dht_nodes(lures: Lures, wanted: bytes, port: int) -> str:
    """Let every node name one at the sensor as the nearest of all."""
    if lures.swarm.dht is not None:
        inner = Node(lures.swarm.dht, INNER)
        inner.be(wanted, port)
        lures.swarm.dht._nodes.append(inner)
    return "dn=x"


def _six(host: str, port: int) -> bytes:
    return ipaddress.IPv6Address(host).packed + port.to_bytes(2, "big")


def _four(port: int) -> bytes:
    return compact_peers([(INNER, port)])


_SCHEMES = ("http", "https", "udp")
_WEB_SOCKETS = ("ws", "wss")
_LOCATIONS: dict[str, str] = {
    "dotted": "http://127.9.9.9:{port}/announce",
    "decimal": "http://2131298569:{port}/announce",
    "https": "https://127.9.9.9:{port}/announce",
    "with a user": "http://me:secret@127.9.9.9:{port}/announce",
    "above announce": "http://127.9.9.9:{port}/announce/../admin",
}
_UNREAD_LOCATIONS: dict[str, str] = {
    "mapped": "http://[::ffff:127.9.9.9]:{port}/announce",
    "without a scheme": "//127.9.9.9:{port}/announce",
    "udp": "udp://127.9.9.9:{port}/announce",
    "in capitals": "HTTP://127.9.9.9:{port}/announce",
    "file": "file:///etc/passwd",
}


def _redirected(named: str, host: str, hosts: tuple[str, ...]) -> Vector:
    # From the IPv4 address at which a tracker was asked no way leads on to IPv6.
    heard: Heard = "ours" if any(":" not in one for one in hosts) else "nobody"
    return Vector("redirect", named, _redirect(f"http://{host}:{{port}}/announce"), hosts, heard)


def _trackers() -> Iterable[Vector]:
    for scheme, (named, host) in product(_SCHEMES, _SPELLINGS.items()):
        yield Vector(f"{scheme} tracker", named, _tracker(f"{scheme}://{host}:{{port}}/announce"))
    for scheme, (named, host) in product(_SCHEMES, _UNREAD_SPELLINGS.items()):
        yield Vector(f"{scheme} tracker", named, _tracker(f"{scheme}://{host}:{{port}}/announce"), heard="nobody")
    for scheme, (named, (host, hosts)) in product(_SCHEMES, _OWN.items()):
        yield Vector(f"{scheme} tracker", named, _tracker(f"{scheme}://{host}:{{port}}/announce"), hosts)
    for scheme in ("HTTP", "HtTpS", "UDP"):
        yield Vector(f"{scheme} tracker", "dotted", _tracker(f"{scheme}://127.9.9.9:{{port}}/announce"))
    for named, path in _PATHS.items():
        yield Vector("http tracker's path", named, _tracker(f"http://127.9.9.9:{{port}}{path}"))
    for named, path in _PATHS_ELSEWHERE.items():
        yield Vector("http tracker's path", named, _tracker(f"http://127.9.9.9:{{port}}{path}"), heard="stock")
    for scheme, (named, host) in product(_WEB_SOCKETS, _SPELLINGS.items()):
        heard: Heard = "stock" if named == "dotted" else "nobody"  # one after the other: it would take a minute
        yield Vector(f"{scheme} tracker", named, _tracker(f"{scheme}://{host}:{{port}}/announce"), heard=heard)


def _answers() -> Iterable[Vector]:
    for status in (301, 302, 303, 307, 308):
        yield Vector(f"redirect by {status}", "dotted", _redirect(_LOCATIONS["dotted"], status))
    for named, location in _LOCATIONS.items():
        yield Vector("redirect", named, _redirect(location))
    for named, location in _UNREAD_LOCATIONS.items():
        yield Vector("redirect", named, _redirect(location), heard="nobody")
    yield _redirected("IPv6 loopback", "[::1]", ("::1",))
    yield Vector("redirect", "by way of another", _redirect_twice)
    yield Vector("tracker's answer", "compact", _told(lambda port: {b"peers": _four(port)}))
    yield Vector("tracker's answer", "compact6", _told(lambda port: {b"peers6": _six("::1", port)}), ("::1",))
    yield Vector("tracker's answer", "compact6, mapped", _told(lambda port: {b"peers6": _six(f"::ffff:{INNER}", port)}))
    yield Vector("tracker's answer", "a dictionary", _told_by_name(INNER.encode()))
    yield Vector("tracker's answer", "a dictionary, decimal", _told_by_name(b"2131298569"))
    yield Vector("tracker's answer", "a dictionary, octal", _told_by_name(b"0177.011.011.011"))
    yield Vector("tracker's answer", "a dictionary, mapped", _told_by_name(f"::ffff:{INNER}".encode()))
    yield Vector("tracker's answer", "a dictionary, IPv6 loopback", _told_by_name(b"::1"), ("::1",))
    yield Vector("tracker's answer", "by udp", _told_by_udp)


def _peers_and_dht() -> Iterable[Vector]:
    for named in ("dotted", "decimal", "hexadecimal", "octal", "of three parts"):
        yield Vector("x.pe", named, _peer(f"{_SPELLINGS[named]}:{{port}}"))
    for named in ("mapped", "mapped, in hexadecimal"):
        yield Vector("x.pe", named, _peer(f"{_UNREAD_SPELLINGS[named]}:{{port}}"))
    yield Vector("x.pe", "IPv6 loopback", _peer("[::1]:{port}"), ("::1",))
    yield Vector("x.pe", "a name", _peer("localhost:{port}"), LOOPBACK, heard="nobody")
    yield Vector("pex", "added", _pex(lambda port: {b"added": _four(port), b"added.f": b"\x10"}))
    yield Vector("pex", "added as uTP's", _pex(lambda port: {b"added": _four(port), b"added.f": b"\x14"}))
    yield Vector("pex", "added6", _pex(lambda port: {b"added6": _six("::1", port), b"added6.f": b"\x10"}), ("::1",))
    yield Vector(
        "pex",
        "added6, mapped",
        _pex(lambda port: {b"added6": _six(f"::ffff:{INNER}", port), b"added6.f": b"\x10"}),
    )
    yield Vector("holepunch", "connect", _gossip(b"ut_holepunch", lambda port: b"\x01\x00" + _four(port) + bytes(4)))
    yield Vector("dht", "values", _dht_values)
    yield Vector("dht", "nodes", _dht_nodes)


def _magnets() -> Iterable[Vector]:
    yield Vector("magnet", "dht=", _parameter("dht=127.9.9.9:{port}"), heard="stock")
    for key in ("ws", "as", "xs", "mt", "kt"):
        yield Vector("magnet", f"{key}=", _parameter(f"{key}=http://127.9.9.9:{{port}}/x.torrent"), heard="nobody")


_PRIVATE = ("10.9.9.9", "100.64.9.9", "169.254.169.254", "172.16.9.9", "192.168.9.9", "fd00::9")


def private_vectors() -> Iterable[Vector]:
    """Yield what leads to private addresses that are no loopback; a machine has them in a network of its own alone."""
    for host in _PRIVATE:
        spelled = f"[{host}]" if ":" in host else host
        for path in ("/announce", *_PATHS_ELSEWHERE.values()):
            yield Vector(f"http://{host}", path, _tracker(f"http://{spelled}:{{port}}{path}"), (host,))
        yield Vector("udp tracker", host, _tracker(f"udp://{spelled}:{{port}}/announce"), (host,))
        yield _redirected(host, spelled, (host,))
        yield Vector("x.pe", host, _peer(f"{spelled}:{{port}}"), (host,))
        yield Vector("tracker's answer", host, _told_by_name(host.encode()), (host,))


def misread_vectors() -> Iterable[Vector]:
    """Yield what a C library does not take for an address, so that whoever resolves names is asked of it."""
    hosts = (
        "127.9.9.9.",
        "127%2e9%2e9%2e9",
        "１２７.９.９.９",
        "①②⑦.⑨.⑨.⑨",
        "example.org@127.9.9.9",
        "127.9.9.9#x",
        "127.9.9.9\\@x",
    )
    for scheme, host in product((*_SCHEMES, "ws"), hosts):
        yield Vector(f"{scheme} tracker", host, _tracker(f"{scheme}://{host}:{{port}}/announce"), heard="nobody")
    yield Vector(
        "http tracker",
        "beside one of i2p",
        lambda _lures, _wanted, port: f"tr=http://tracker.i2p/announce&tr=http://{INNER}:{port}/announce",
    )


def own_names() -> dict[str, tuple[str, ...]]:
    """Return what this machine's hosts file has for its names for itself, where that is loopback alone.

    The file alone: whoever resolves names elsewhere is not asked.
    """
    lines = [line.partition("#")[0].split() for line in _HOSTS_FILE.read_text(encoding="utf-8").splitlines()]
    known = {
        name: tuple(words[0] for words in lines if name.lower() in map(str.lower, words[1:]))
        for name in (*_NAMES, socket.gethostname())
    }
    return {name: hosts if all(_is_loopback(host) for host in hosts) else () for name, hosts in known.items()}


def _is_loopback(host: str) -> bool:
    return ipaddress.ip_address(host).is_loopback


def listening(vectors: Iterable[Vector]) -> tuple[Vector, ...]:
    """Return those of *vectors* whose sensors can listen: where there is no IPv6, nothing leads in by it."""
    six = "::1" in listen_interfaces()
    return tuple(one for one in vectors if six or not any(":" in host for host in one.hosts))


def named_vectors(names: Mapping[str, tuple[str, ...]]) -> tuple[Vector, ...]:
    """Return what leads in by *names*, each with the addresses that it stands for."""
    return tuple(
        vector
        for name, hosts in names.items()
        for vector in (
            *(Vector(f"{one} tracker", name, _tracker(f"{one}://{name}:{{port}}/announce"), hosts) for one in _SCHEMES),
            _redirected(name, name, hosts),
            Vector("tracker's answer", f"a dictionary, {name}", _told_by_name(name.encode()), hosts),
        )
        if hosts
    )


@asynccontextmanager
async def laid(vectors: Iterable[Vector]) -> AsyncIterator[tuple[Lures, dict[Vector, Sensor], dict[Vector, str]]]:
    """Yield what leads in by *vectors*, and of each the sensor and the magnet."""
    async with AsyncExitStack() as stack:
        swarm = await stack.enter_async_context(Swarm())
        lures = await stack.enter_async_context(Lures(swarm))
        sensors = {one: await stack.enter_async_context(Sensor(*one.hosts)) for one in vectors}
        yield lures, sensors, {one: one.magnet(lures, sensor.port) for one, sensor in sensors.items()}


@asynccontextmanager
async def looked_up(lures: Lures, magnets: Iterable[str], *, private: bool) -> AsyncIterator[None]:
    """Have our resolver look all of *magnets* up, as they are read out of a note.

    It is not bound to where it listens, as out of the box: so it could reach most.
    """
    async with AsyncExitStack() as stack:
        stack.enter_context(patch("services.resolvers.libtorrent.settings.bound_to", return_value=[]))
        resolver = await stack.enter_async_context(opened(lures.swarm, private=private, allowed=INTERNET))
        for magnet in magnets:
            ((torrent, hints),) = torrents_in(magnet)
            await stack.enter_async_context(Running(resolver, torrent, hints))
        yield


async def contacts_of(vectors: Sequence[Vector]) -> dict[str, list[str]]:
    """Return what is heard by id where private addresses are kept off, once all has been tried."""
    async with laid(vectors) as (lures, sensors, magnets), looked_up(lures, magnets.values(), private=False):
        await lures.gossip.told_all()
        await lures.asked_again([one.hash.hex() for one in vectors])  # what would have been tried has been
        return {one.id: sensor.contacts for one, sensor in sensors.items() if sensor.contacts}


async def silent_of(vectors: Iterable[Vector], seconds: float) -> list[str]:
    """Return the ids of those of which nothing is heard in *seconds* though private addresses are allowed."""
    heard = [one for one in vectors if one.heard == "ours"]
    async with laid(heard) as (lures, sensors, magnets), looked_up(lures, magnets.values(), private=True):
        waiting = {asyncio.create_task(sensor.contacted.wait()): one.id for one, sensor in sensors.items()}
        _, silent = await asyncio.wait(waiting, timeout=seconds)
        for one in silent:
            one.cancel()
        return sorted(waiting[one] for one in silent)


VECTORS = (*_trackers(), *_answers(), *_peers_and_dht(), *_magnets())
"""All but those by names, which depend on who resolves them."""

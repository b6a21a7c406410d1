"""A SOCKS5 proxy (RFC 1928, 1929): how it is named, whether it carries UDP, and whom a name leads to behind it."""

import asyncio
import contextlib
import ipaddress
import os
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import unquote, urlsplit

_VERSION, _ASSOCIATE, _IPV4, _NAME, _IPV6 = 5, 3, 1, 3, 4
_NO_LOGIN, _BY_PASSWORD, _NO_WAY = 0, 2, 0xFF
_LENGTHS = {_IPV4: 4, _IPV6: 16}
_LONGEST = 255  # bytes of a user, a password or a name
_PATIENCE = 5.0  # seconds for the proxy
_TIMES, _PAUSE = 3, 1.0  # a datagram may be lost

_LONGEST_NAME = 253  # of a host, with its dots
_SHAPE = 'must be "socks5://host:port" or "socks5://user:password@host:port"'
_NO_HTTP = (
    "must be a SOCKS5 proxy: what goes through an HTTP one goes round the filter that keeps private addresses off, and "
    "neither the DHT nor UDP goes through it at all"
)
_NO_HOST = "must have a host that can be looked up: ASCII letters, and of each part between dots 63 at most"
_NO_SOCKS4 = "must be a SOCKS5 proxy: SOCKS4 carries no UDP"
_OTHERS = {"http": _NO_HTTP, "https": _NO_HTTP, "socks4": _NO_SOCKS4, "socks4a": _NO_SOCKS4}

Endpoint = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Proxy:
    """Where it is, and as whom it is spoken to; *user* is empty where it asks for none."""

    host: str
    port: int
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class ProxyRefused(OSError):
    """The proxy answered, and will not do what was asked of it; *carries_no_udp* where that alone is wrong with it."""

    def __init__(self, why: str, *, carries_no_udp: bool = False) -> None:
        super().__init__(why)
        self.carries_no_udp = carries_no_udp


def can_be_looked_up(host: str) -> bool:
    """Whether *host* is an address, or a name that can be asked for as it stands: ASCII, its labels not too long."""
    try:
        host.encode("idna")  # as the lookup of a name does
    except UnicodeError:
        return False
    return (
        bool(host) and host.isascii() and host.isprintable() and not {" ", ","} & {*host} and len(host) <= _LONGEST_NAME
    )


def proxy_of(url: str) -> Proxy:
    """Return the proxy that *url* names; user and password are percent-decoded.

    Raises:
        ValueError: it names none that can be used. Says why, and nothing of *url*, which may have a password in it.
    """
    scheme = url.partition(":")[0].lower()
    if why_not := _OTHERS.get(scheme):
        raise ValueError(why_not)
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError(_SHAPE) from None
    more = parts.path.strip("/") or parts.query or parts.fragment
    if scheme != "socks5" or not url.isprintable() or " " in url or not host or not port or more:
        raise ValueError(_SHAPE)
    if not can_be_looked_up(host):
        raise ValueError(_NO_HOST)
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if (bool(user), bool(password)) not in {(True, True), (False, False)} or ("@" in parts.netloc and not user):
        raise ValueError("must have a user and a password, or neither")
    if max(len(user.encode()), len(password.encode())) > _LONGEST:
        raise ValueError(f"must have a user and a password of {_LONGEST} bytes at most")
    return Proxy(host, port, user, password)


@contextlib.asynccontextmanager
async def relay(proxy: Proxy) -> AsyncIterator["Relay"]:
    """Yield a way for datagrams through *proxy*, which resolves the names that they are for.

    Raises:
        ProxyRefused: it admits nobody of that name and password, or carries no UDP.
        OSError: it is not there, or does not answer in time.
    """
    async with contextlib.AsyncExitStack() as stack:
        try:
            async with asyncio.timeout(_PATIENCE):
                reader, writer = await asyncio.open_connection(proxy.host, proxy.port)
                stack.callback(writer.close)
                await _login(reader, writer, proxy)
                host, port = await _associate(reader, writer)
        except asyncio.IncompleteReadError:
            raise ProxyRefused("it hangs up; it may be no SOCKS5 proxy") from None
        if ipaddress.ip_address(host).is_unspecified:
            host = str(writer.get_extra_info("peername")[0])
        loop = asyncio.get_running_loop()
        transport, made = await loop.create_datagram_endpoint(Relay, remote_addr=(host, port))
        stack.callback(transport.close)
        yield made


async def _login(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, proxy: Proxy) -> None:
    ways = (_NO_LOGIN, _BY_PASSWORD) if proxy.user else (_NO_LOGIN,)
    writer.write(bytes((_VERSION, len(ways), *ways)))
    version, way = await reader.readexactly(2)
    if version != _VERSION:
        raise ProxyRefused("it is no SOCKS5 proxy")
    if way not in ways:
        raise ProxyRefused("it admits nobody like that" if proxy.user else "it wants a user and a password")
    if way == _BY_PASSWORD:
        user, password = proxy.user.encode(), proxy.password.encode()
        writer.write(bytes((1, len(user))) + user + bytes((len(password),)) + password)
        _, refused = await reader.readexactly(2)
        if refused:
            raise ProxyRefused("it refuses the user, or the password")


async def _associate(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Endpoint:
    writer.write(bytes((_VERSION, _ASSOCIATE, 0, _IPV4)) + bytes(6))
    _, refused, _, kind = await reader.readexactly(4)
    if refused or kind not in _LENGTHS:
        raise ProxyRefused("it carries no UDP", carries_no_udp=True)
    host = ipaddress.ip_address(await reader.readexactly(_LENGTHS[kind]))
    return str(host), int.from_bytes(await reader.readexactly(2), "big")


class Relay(asyncio.DatagramProtocol):
    """Sends datagrams through a proxy, and keeps from where answers came. `relay` makes one."""

    def __init__(self) -> None:
        self.came: list[tuple[Endpoint, bytes]] = []
        self.news = asyncio.Event()
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)  # asyncio's own is none by its bases

    def send(self, data: bytes, host: str, port: int) -> None:
        """Send *data* to *port* of what the proxy takes *host* for."""
        name = host.encode("ascii")
        if self._transport is not None:
            self._transport.sendto(bytes((0, 0, 0, _NAME, len(name))) + name + port.to_bytes(2, "big") + data)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:  # noqa: ARG002 - the proxy's
        length = _LENGTHS.get(data[3]) if len(data) > 4 else None  # noqa: PLR2004 - RFC 1928: the head
        if length and len(data) >= 6 + length:
            host = ipaddress.ip_address(data[4 : 4 + length])
            self.came.append(((str(host), int.from_bytes(data[4 + length : 6 + length], "big")), data[6 + length :]))
            self.news.set()


async def nodes_behind(proxy: Proxy, names: Collection[str]) -> Sequence[str]:
    """Return, as ``address:port``, from where nodes of the DHT answer that *names* (``host:port``) lead to.

    The proxy alone resolves them: each is pinged (BEP 5) by its name, and the answer says where it came from.

    Raises:
        OSError: see `relay`.
    """
    asked = {os.urandom(4): name.rpartition(":") for name in names}
    found: dict[bytes, str] = {}
    async with relay(proxy) as through:
        for _ in range(_TIMES):
            for word in asked.keys() - found.keys():
                host, _, port = asked[word]
                ping = b"d1:ad2:id20:%be1:q4:ping1:t4:%b1:y1:qe" % (os.urandom(20), word)
                through.send(ping, host.strip("[]"), int(port))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_PAUSE):
                    while len(found) < len(asked):
                        await through.news.wait()
                        through.news.clear()
                        found |= _answers(through, asked)
    return sorted(found.values())


def _answers(through: Relay, asked: Collection[bytes]) -> dict[bytes, str]:
    return {
        word: f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        for (host, port), data in through.came
        for word in asked
        if b"1:t4:" + word in data and b"1:y1:r" in data
    }

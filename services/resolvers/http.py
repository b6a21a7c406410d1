"""Caches of .torrent files on the web as a source. Each is told what is looked for: none is asked that is not named."""

import asyncio
import ipaddress
import re
import socket
import ssl
import zlib
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from typing import Self, TypeVar
from urllib.parse import quote, urljoin, urlsplit

import httpcore

from services.clock import Clock, at_most
from services.errors import NotFound, ResolverDown
from services.resolvers.addresses import Address, AddressPolicy, can_be_asked, literal
from services.resolvers.torrent_file import LARGEST, ReadTorrent, told_by
from services.torrents import Hints, Progress, TorrentId, TorrentInfo

_MOST_REDIRECTS = 3
_NETWORKS = [
    ipaddress.ip_network(one)
    for one in (
        *("10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "fe80::/10"),
        "127.0.1.0/24",  # where Debian has a machine's own name
    )
]
_LOOPBACK = re.compile(r"[^.]+\.?|.+\.(localhost|localdomain)\.?", re.IGNORECASE)
_HEADERS = (("User-Agent", "calibot"), ("Accept-Encoding", "identity"))
_KNOWS_NOT = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
_PLAIN = "!#$%&'()*+,/:;=?@[]~"  # what a redirect may say as it is, beside letters, digits and "_.-"
PRIVATE = "it is in a private network"
"""Why one is not asked that would be if private addresses might be contacted."""

_T = TypeVar("_T")
_SOCKET_OPTION = tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]


class HttpResolver:
    """A `Resolver` that asks one cache, at the address that *template* gives. `open` makes one.

    In the template ``{info_hash}`` stands for the info-hash in small hex digits, ``{INFO_HASH}`` in capital ones.
    """

    label = "http"

    def __init__(
        self,
        connection: Callable[[httpcore.Origin], httpcore.AsyncHTTPConnection],
        template: str,
        *,
        seconds: float,
        clock: Clock,
        read: ReadTorrent,
    ) -> None:
        self._connection = connection
        self._template = template
        self._seconds = seconds
        self._clock = clock
        self._read = read

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        template: str,
        *,
        policy: AddressPolicy,
        seconds: float,
        at_once: int,
        clock: Clock,
        read: ReadTorrent,
    ) -> AsyncIterator[Self]:
        """Yield one that contacts nobody whom *policy* keeps off; each name has so many *seconds*.

        Name servers are asked in threads of its own, for *at_once* lookups at once: one that is silent must hold up
        nobody else, nor the end.
        """
        trust = await asyncio.to_thread(ssl.create_default_context)
        threads = ThreadPoolExecutor(at_once, thread_name_prefix="http")
        try:
            backend = _Guarded(policy, seconds, clock, threads)
            connection = partial(httpcore.AsyncHTTPConnection, ssl_context=trust, network_backend=backend)
            yield cls(connection, template, seconds=seconds, clock=clock, read=read)
        finally:
            threads.shutdown(wait=False, cancel_futures=True)

    async def resolve(self, torrent: TorrentId, hints: Hints, progress: Progress) -> TorrentInfo:  # noqa: ARG002
        """See `Resolver.resolve`.

        Raises:
            NotFound: it does not have it, or what came is not this torrent.
            ResolverDown: it could not be asked.
        """
        progress.started()
        asked = torrent.shown.hex
        address = self._template.replace("{info_hash}", asked).replace("{INFO_HASH}", asked.upper())
        content = await self._in_time(self._fetched(address))
        return await asyncio.to_thread(told_by, content, torrent, self.label, self._read)

    def add_hints(self, torrent: TorrentId, hints: Hints) -> None:
        """Do nothing: it is told an info-hash alone."""

    @property
    def server(self) -> str:
        """Its host, with its port where the template names one."""
        return urlsplit(self._template).netloc

    @property
    def root(self) -> str:
        """Where it is asked whether it answers."""
        return urljoin(self._template, "/")

    async def reach(self) -> None:
        """See that it answers, whatever it says: it is asked for nothing that there is to know.

        Raises:
            ResolverDown: it does not; parameter *reason* says why.
        """
        await self._in_time(self._greeted())

    async def _greeted(self) -> None:
        async with self._asked(self.root):
            pass

    async def _in_time(self, asking: Coroutine[None, None, _T]) -> _T:
        asked = asyncio.ensure_future(asking)
        await at_most(self._clock, self._seconds, asked)
        if asked.cancelled():
            raise self._down("no answer in time")
        return asked.result()

    async def _fetched(self, address: str) -> bytes:
        if not can_be_asked(address):
            raise self._down("no such address")
        for _ in range(_MOST_REDIRECTS + 1):
            async with self._asked(address) as answer:
                further = _further(address, answer)
                if further is None:
                    return await self._whole(answer)
                address = further
        raise NotFound(reason="redirected")

    @asynccontextmanager
    async def _asked(self, address: str) -> AsyncIterator[httpcore.Response]:
        # No pool: one that is cancelled just when its connection stands would take a place there for good (1.0.9).
        connection = self._connection(httpcore.URL(address).origin)
        host = ("Host", urlsplit(address).netloc.rpartition("@")[2])  # httpcore leaves the brackets of IPv6 out
        try:
            async with connection, connection.stream("GET", address, headers=(host, *_HEADERS)) as answer:
                yield answer
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, OSError) as error:
            raise self._down(_why(error)) from error

    async def _whole(self, answer: httpcore.Response) -> bytes:
        if answer.status in _KNOWS_NOT:
            raise NotFound(reason="no_file")
        if answer.status != HTTPStatus.OK:
            raise self._down(f"status {answer.status}")
        content, came, unpacked = bytearray(), 0, _unpacking(_header(answer, b"content-encoding"))
        async for chunk in answer.aiter_stream():
            came += len(chunk)
            content += unpacked(chunk, LARGEST + 1 - len(content))
            if max(came, len(content)) > LARGEST:
                raise NotFound(reason="file_too_large")
        return bytes(content)

    def _down(self, why: str) -> ResolverDown:
        return ResolverDown(reason=f"{self.server}: {why}")


def _why(error: BaseException) -> str:
    """Return what is at the bottom of it, in its own words: what lies above says that something has failed."""
    while beneath := error.__cause__ or next((one for one in error.args if isinstance(one, BaseException)), None):
        error = beneath
    return (error.strerror if isinstance(error, OSError) else str(error)) or type(error).__name__


def _further(address: str, answer: httpcore.Response) -> str | None:
    """Return where *answer* redirects to; None where it names no place.

    Raises:
        NotFound: it leads to where nobody is asked.
    """
    location = _header(answer, b"location")
    if not location or not HTTPStatus.MULTIPLE_CHOICES <= answer.status < HTTPStatus.BAD_REQUEST:
        return None
    try:
        further = urljoin(address, quote(location, _PLAIN))
    except ValueError as error:
        raise NotFound(reason="redirected") from error
    if not can_be_asked(further) or urlsplit(further).scheme not in {"https", urlsplit(address).scheme}:
        raise NotFound(reason="redirected")
    return further


def _header(answer: httpcore.Response, wanted: bytes) -> bytes:
    return next((value for name, value in answer.headers if name.lower() == wanted), b"")


def _unpacking(encoding: bytes) -> Callable[[bytes, int], bytes]:
    """Return what makes a part of an answer plain, so many bytes of it at most: some send gzip unasked."""
    match encoding.strip().lower():
        case b"" | b"identity":
            return lambda part, _: part
        case b"gzip" | b"x-gzip":
            gzip = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)

            def unpacked(part: bytes, most: int) -> bytes:
                try:
                    return b"" if gzip.eof else gzip.decompress(part, most)  # after its end zlib would keep it
                except zlib.error as error:
                    raise NotFound(reason="torrent_unusable") from error

            return unpacked
        case _:
            raise NotFound(reason="torrent_unusable")


class _Guarded(httpcore.AsyncNetworkBackend):
    """Connects to what a name leads to, where that may be contacted: what is looked at is what is connected to.

    Of so many *seconds* each address has an equal share: one that is silent keeps no other from its turn.
    """

    def __init__(self, policy: AddressPolicy, seconds: float, clock: Clock, threads: ThreadPoolExecutor) -> None:
        self._policy = policy
        self._seconds = seconds
        self._clock = clock
        self._threads = threads
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - as httpcore has it
        local_address: str | None = None,
        socket_options: Iterable[_SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        found = await self._addresses(host, port)
        addresses = [one for one, address in found.items() if self._policy.admits(address)]
        private = any(self._would_be_asked(host, address) for address in found.values())
        failure: Exception = httpcore.ConnectError(PRIVATE if private else "no address that may be contacted")
        for address in addresses:
            connecting = asyncio.ensure_future(
                self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
            )
            try:
                await at_most(self._clock, self._seconds / len(addresses), connecting)
            except asyncio.CancelledError:
                if connecting.done() and not connecting.cancelled() and not connecting.exception():
                    await connecting.result().aclose()
                raise
            if connecting.cancelled():
                failure = httpcore.ConnectTimeout("no connection in time")
                continue
            try:
                return _Stream(connecting.result())
            except httpcore.NetworkError as error:
                failure = error
        raise failure

    def _would_be_asked(self, host: str, address: Address) -> bool:
        """Whether it is kept off as a private address alone, and meant: whoever blocks a name answers with others."""
        named = literal(host) is not None or _LOOPBACK.fullmatch(host) is not None
        meant = named or any(address in one for one in _NETWORKS)
        return meant and replace(self._policy, allow_private=True).admits(address)

    async def _addresses(self, host: str, port: int) -> Mapping[str, Address]:
        """Return where *host* leads to, by how that is spelled."""
        asking = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
        found = await asyncio.get_running_loop().run_in_executor(self._threads, asking)
        spelled = (str(place[0]) for *_, place in found)
        return {one: address for one in spelled if (address := literal(one)) is not None}


class _Stream(httpcore.AsyncNetworkStream):
    """A connection that is closed where nobody waits for the end of its handshake: httpcore leaves it open there."""

    def __init__(self, inner: httpcore.AsyncNetworkStream) -> None:
        self._inner = inner

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - as httpcore has it
        return await self._inner.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - as httpcore has it
        await self._inner.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - as httpcore has it
    ) -> httpcore.AsyncNetworkStream:
        try:
            return await self._inner.start_tls(ssl_context, server_hostname, timeout)
        except asyncio.CancelledError:
            await self.aclose()
            raise

    def get_extra_info(self, info: str) -> object:
        return self._inner.get_extra_info(info)

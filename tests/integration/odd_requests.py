"""Requests as nobody should send them: bytes for a socket, drawn by a seed, each an oddity put on a sound request."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random

from tests.integration.odd_corpus import (
    BODIES,
    EXTRA,
    FRAMES,
    FRAMINGS,
    GARBAGE,
    METHODS,
    NUMBERS,
    PATHS,
    QUERIES,
    SECRETS,
    SOCKET,
    TYPES,
    VERSIONS,
    Headers,
)


@dataclass(frozen=True)
class Route:
    """A route, and a sound body for it."""

    method: str
    path: str
    body: object = None

    @property
    def label(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True)
class Odd:
    """What is written, one piece after the other; *waits*: who sent it waits for the answer, else leaves at once."""

    kind: str
    route: Route
    pieces: Sequence[bytes]
    waits: bool = True


@dataclass
class _Request:
    method: bytes
    target: bytes
    headers: Headers
    body: bytes = b""
    version: bytes = b"HTTP/1.1"
    length: bytes | None = b""
    """Empty: as it is; None: not told."""

    def set(self, name: bytes, value: bytes) -> None:
        self.headers = [one for one in self.headers if one[0].lower() != name.lower()] + [(name, value)]

    def raw(self) -> bytes:
        headers = list(self.headers)
        if self.length is not None and (self.body or self.length):
            headers.append((b"Content-Length", self.length or str(len(self.body)).encode()))
        lines = [b" ".join((self.method, self.target, self.version)), *(b": ".join(one) for one in headers)]
        return b"\r\n".join([*lines, b"", self.body])


def odd_requests(seed: int, count: int, routes: Sequence[Route], token: str, host: str) -> Sequence[Odd]:
    """Return *count* of them: each kind at each route in turn, as *seed* draws them."""
    kinds = [*_KINDS, "body", "body", "body", "framing", "socket"]
    return [
        _odd(Random(f"{seed}:{number}"), kinds[number % len(kinds)], routes, number // len(kinds), token, host)
        for number in range(count)
    ]


def _odd(random: Random, kind: str, routes: Sequence[Route], turn: int, token: str, host: str) -> Odd:
    fitting = [one for one in routes if _fits(kind, one)]
    chosen = fitting if fitting and turn % 4 else routes
    route = chosen[turn % len(chosen)]
    odd = _KINDS[kind](random, _sound(route, token, host))
    return replace(odd, kind=kind, route=route)


def _fits(kind: str, route: Route) -> bool:
    """Whether more of this kind is asked there: where it is read at all."""
    match kind:
        case "body" | "type" | "framing" | "left":
            return route.body is not None
        case "number":
            return any(part[:1].isdigit() for part in route.path.split("/"))
        case "query":
            return route.method == "GET"
        case "socket":
            return route.path == "/api/events"
    return False


def _sound(route: Route, token: str, host: str) -> _Request:
    headers = [(b"Host", host.encode()), (b"Connection", b"close"), (b"Authorization", f"Bearer {token}".encode())]
    body = b"" if route.body is None else json.dumps(route.body).encode()
    if body:
        headers.append((b"Content-Type", b"application/json"))
    return _Request(route.method.encode(), route.path.encode(), headers, body)


def _sent(request: _Request, **more: bool) -> Odd:
    return Odd("", Route("", ""), [request.raw()], **more)


def _body(random: Random, request: _Request) -> Odd:
    request.body = random.choice(BODIES)
    request.set(b"Content-Type", b"application/json")
    return _sent(request)


def _type(random: Random, request: _Request) -> Odd:
    request.set(b"Content-Type", random.choice(TYPES))
    request.body = request.body or b"{}"
    return _sent(request)


def _number(random: Random, request: _Request) -> Odd:
    """Put it in the place of each name or number of the path."""
    parts = request.target.split(b"/")
    place = max((place for place, part in enumerate(parts) if part[:1].isdigit()), default=len(parts) - 1)
    parts[place] = random.choice(NUMBERS).encode()
    request.target = b"/".join(parts)
    return _sent(request)


def _path(random: Random, request: _Request) -> Odd:
    request.target = random.choice(PATHS).encode()
    return _sent(request)


def _query(random: Random, request: _Request) -> Odd:
    request.target += b"?" + random.choice(QUERIES).encode()
    return _sent(request)


def _method(random: Random, request: _Request) -> Odd:
    request.method = random.choice(METHODS).encode()
    return _sent(request)


def _version(random: Random, request: _Request) -> Odd:
    request.version = random.choice(VERSIONS).encode()
    return _sent(request)


def _header(random: Random, request: _Request) -> Odd:
    name, value = random.choice(EXTRA)
    port = dict(request.headers)[b"Host"].rpartition(b":")[2]
    value = value.replace(b"calibot_session", b"calibot_session_" + port)
    if name in {b"Upgrade", b"HTTP2-Settings"}:
        request.set(b"Connection", b"Upgrade, close")
    if random.random() < 0.5:
        request.set(name, value)
    else:
        request.headers.append((name, value))
    if name == b"Cookie":
        request.headers = [one for one in request.headers if one[0] != b"Authorization"]
    return _sent(request)


def _secret(random: Random, request: _Request) -> Odd:
    if random.random() < 0.8:
        request.set(b"Authorization", random.choice(SECRETS))
    else:
        request.headers.append((b"Authorization", random.choice(SECRETS)))
    return _sent(request)


def _framing(random: Random, request: _Request) -> Odd:
    length, headers, body = random.choice(FRAMINGS)
    request.length, request.body = length, request.body if body is None else body
    request.headers += headers
    request.set(b"Content-Type", b"application/json")
    return _sent(request)


def _socket(random: Random, request: _Request) -> Odd:
    for name, value in SOCKET:
        request.set(name, value)
    match random.randrange(6):
        case 0:
            request.headers.remove(random.choice(SOCKET))
        case 1:
            request.set(b"Sec-WebSocket-Key", random.choice([b"", b"x", b"\xff", b"A" * 5_000]))
        case 2:
            request.set(b"Sec-WebSocket-Version", random.choice([b"0", b"8", b"99", b"x", b"13, 8"]))
        case 3:
            name = random.choice([b"Sec-WebSocket-Protocol", b"Sec-WebSocket-Extensions"])
            request.set(
                name, random.choice([b"\xff", b",,,", b"a" * 5_000, b"permessage-deflate; server_max_window_bits=99"])
            )
    request.length, request.body = None, random.choice(FRAMES)
    return _sent(request)


def _cut(random: Random, request: _Request) -> Odd:
    raw = request.raw()
    return Odd("", Route("", ""), [raw[: random.randrange(1, len(raw))]], waits=False)


def _left(_: Random, request: _Request) -> Odd:
    """More is told than comes, and then nobody is there."""
    request.length = str(len(request.body) + 10).encode()
    return _sent(request, waits=False)


def _dribbled(random: Random, request: _Request) -> Odd:
    raw = request.raw()
    at = sorted(random.sample(range(1, len(raw)), min(5, len(raw) - 1)))
    return Odd("", Route("", ""), [raw[begin:end] for begin, end in zip([0, *at], [*at, None], strict=True)])


def _pipelined(random: Random, request: _Request) -> Odd:
    first = replace(request, headers=[one for one in request.headers if one[0] != b"Connection"])
    other = _Request(b"GET", b"/healthz", [(b"Host", b"x")])
    pieces = [first.raw(), other.raw(), first.raw(), random.choice([*GARBAGE, request.raw()])]
    random.shuffle(pieces)
    last = _Request(b"GET", b"/healthz", [(b"Host", b"x"), (b"Connection", b"close")])
    return Odd("", Route("", ""), [b"".join([*pieces, last.raw()])])


def _garbage(random: Random, request: _Request) -> Odd:
    raw = random.choice([*GARBAGE, random.randbytes(random.randrange(1, 300)) + b"\r\n\r\n"])
    return Odd("", Route("", ""), [raw + request.raw()])


def _damaged(random: Random, request: _Request) -> Odd:
    """Some of its bytes are others."""
    raw = bytearray(request.raw())
    for _ in range(random.randrange(1, 6)):
        raw[random.randrange(len(raw))] = random.randrange(256)
    return Odd("", Route("", ""), [bytes(raw)])


_KINDS: dict[str, Callable[[Random, _Request], Odd]] = {
    one.__name__.strip("_"): one
    for one in (
        _body,
        _number,
        _path,
        _query,
        _method,
        _header,
        _framing,
        _type,
        _secret,
        _socket,
        _cut,
        _version,
        _left,
        _dribbled,
        _pipelined,
        _garbage,
        _damaged,
    )
}

"""Message Stream Encryption (MSE) by the one who connects: some peers speak with nobody else.

It hides, and protects nothing: RC4, by a key that is made of the info-hash, which both know. Source: wiki.vuze.com,
"Message Stream Encryption".
"""

import asyncio
import hashlib
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

from services.resolvers.libtorrent.evidence import Endpoint
from services.resolvers.libtorrent.exchange import Say, by_tcp

_PRIME = int(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD"
    "EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A63A36210000000000090563",
    16,
)
_KEY_LENGTH = 96
_PRIVATE_BITS = 160
_LONGEST_PAD = 512
_VERIFICATION = bytes(8)
_PLAIN, _RC4 = 1, 2  # what may follow the handshakes
_THROWN_AWAY = 1_024  # first bytes of a key stream
_FIRST = 68  # bytes that go with ours, which is the handshake of BEP 3: libtorrent takes no more
_AT_ONCE = 4_096  # bytes that are decrypted in a turn: most of a millisecond, which everybody else waits


class Key:
    """What a secret is made of with each peer. One will do for many: it costs some time, and protects nothing."""

    def __init__(self) -> None:
        self._private = secrets.randbits(_PRIVATE_BITS)
        self.public = pow(2, self._private, _PRIME).to_bytes(_KEY_LENGTH, "big")

    def secret(self, public: bytes) -> bytes:
        """Return what it has in common with the peer's *public* key."""
        return pow(int.from_bytes(public, "big"), self._private, _PRIME).to_bytes(_KEY_LENGTH, "big")


@asynccontextmanager
async def by_mse(
    peer: Endpoint, local: str | None, *, wanted: bytes, key: Key
) -> AsyncIterator[tuple[asyncio.StreamReader, Say]]:
    """See `exchange.Connect`; *wanted* are the 20 bytes of the info-hash. What follows is plain where the peer likes.

    Raises:
        OSError, EOFError: there is no connection, or nobody at the other end who speaks MSE.
    """
    async with by_tcp(peer, local) as (reader, say):
        say(key.public + secrets.token_bytes(secrets.randbelow(_LONGEST_PAD + 1)))  # so that its length tells nothing
        wire = _Wire(reader, say, key.secret(await reader.readexactly(_KEY_LENGTH)), wanted)
        hearing = asyncio.create_task(wire.hear(), name="MSE")
        try:
            yield wire.heard, wire.say
        finally:
            hearing.cancel()
            await asyncio.wait([hearing])
            if not hearing.cancelled():
                hearing.result()  # it has ended, or failed


class _Wire:
    """What both have a *secret* for: *heard* is what the peer says, decrypted where that is needed."""

    def __init__(self, reader: asyncio.StreamReader, say: Say, secret: bytes, wanted: bytes) -> None:
        self.heard = asyncio.StreamReader()
        self._reader = reader
        self._say = say
        self._ours, self._theirs = (_Rc4(_sha1(key, secret, wanted)) for key in (b"keyA", b"keyB"))
        named = int.from_bytes(_sha1(b"req2", wanted), "big") ^ int.from_bytes(_sha1(b"req3", secret), "big")
        self._asks = _sha1(b"req1", secret) + named.to_bytes(20, "big")
        self._waits = b""
        self._plain: bool | None = None  # until the peer has chosen

    def say(self, data: bytes) -> None:
        if self._asks:
            offer = _VERIFICATION + (_PLAIN | _RC4).to_bytes(4, "big") + bytes(2)
            first, data = data[:_FIRST], data[_FIRST:]
            self._say(self._asks + self._ours.crypted(offer + len(first).to_bytes(2, "big") + first))
            self._asks = b""
        if self._plain is None:
            self._waits += data
        else:
            self._say(data if self._plain else self._ours.crypted(data))

    async def hear(self) -> None:
        """Take in all that the peer says, until it ends, or says what is no answer to ours."""
        try:
            if await self._is_answered():
                self.say(self._waits)
                while data := await self._reader.read(_AT_ONCE):
                    self.heard.feed_data(data if self._plain else self._theirs.crypted(data))
                    await asyncio.sleep(0)  # what has come already is read without one
        except (OSError, EOFError):  # whoever listens learns by the end of it
            pass
        finally:
            self.heard.feed_eof()

    async def _is_answered(self) -> bool:
        """Read up to where the peer's own words begin, behind pads of any length; return whether all of it is right."""
        mark = self._theirs.crypted(_VERIFICATION)
        seen = await self._reader.readexactly(len(mark))
        for _ in range(_LONGEST_PAD):
            if seen == mark:
                break
            seen = seen[1:] + await self._reader.readexactly(1)
        if seen != mark:
            return False
        answer = self._theirs.crypted(await self._reader.readexactly(6))
        chosen, pad = int.from_bytes(answer[:4], "big"), int.from_bytes(answer[4:], "big")
        if chosen not in {_PLAIN, _RC4} or pad > _LONGEST_PAD:
            return False
        self._theirs.crypted(await self._reader.readexactly(pad))
        self._plain = chosen == _PLAIN
        return True


class _Rc4:
    def __init__(self, key: bytes) -> None:
        self._stream = _keystream(key)
        self.crypted(bytes(_THROWN_AWAY))

    def crypted(self, data: bytes) -> bytes:
        """Return *data*, en- or decrypted; its place in the stream counts."""
        return bytes(byte ^ key for byte, key in zip(data, self._stream, strict=False))


def _keystream(key: bytes) -> Iterator[int]:
    state = list(range(256))
    at = 0
    for number in range(256):
        at = (at + state[number] + key[number % len(key)]) % 256
        state[number], state[at] = state[at], state[number]
    number = at = 0
    while True:
        number = (number + 1) % 256
        at = (at + state[number]) % 256
        state[number], state[at] = state[at], state[number]
        yield state[(state[number] + state[at]) % 256]


def _sha1(*parts: bytes) -> bytes:
    return hashlib.sha1(b"".join(parts), usedforsecurity=False).digest()

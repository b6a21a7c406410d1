"""Message Stream Encryption, by the one who is connected to: what BitTorrent peers say before they say anything.

It hides, and protects nothing: RC4, and the key is the info-hash that both know. Source: wiki.vuze.com, "Message Stream
Encryption".
"""

import asyncio
import hashlib
import os
from collections.abc import Iterator
from typing import Protocol, Self

_PRIME = int(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD"
    "EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A63A36210000000000090563",
    16,
)
_PROTOCOL = b"\x13BitTorrent protocol"
_KEY_LENGTH = 96
_LONGEST_PAD = 512
_VERIFICATION = bytes(8)
_PLAIN, _RC4 = 1, 2


class NotEncrypted(ConnectionError):
    """They do not speak MSE, or not for this torrent."""


class Sink(Protocol):
    """What takes bytes: a StreamWriter, or uTP's."""

    def write(self, data: bytes, /) -> None: ...

    async def drain(self) -> None: ...


class Wire:
    """What is read and written once two peers have found each other: plain, or through two ciphers."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: Sink,
        *,
        ahead: bytes = b"",
        ciphers: "tuple[Rc4, Rc4] | None" = None,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._ahead = ahead
        self._ciphers = ciphers

    @classmethod
    async def encrypted(cls, reader: asyncio.StreamReader, writer: Sink, info_hash: bytes) -> Self:
        """Return the wire to who has connected for *info_hash*; what follows is plain if they agree to that.

        Raises:
            NotEncrypted: see there.
        """
        opening = await reader.readexactly(len(_PROTOCOL))
        if opening == _PROTOCOL:
            raise NotEncrypted
        private = int.from_bytes(os.urandom(20), "big")
        public = int.from_bytes(opening + await reader.readexactly(_KEY_LENGTH - len(opening)), "big")
        writer.write(pow(2, private, _PRIME).to_bytes(_KEY_LENGTH, "big"))
        await writer.drain()
        secret = pow(public, private, _PRIME).to_bytes(_KEY_LENGTH, "big")
        await _pass_over(reader, _sha1(b"req1", secret))
        asked_for = _xor(_sha1(b"req2", info_hash), _sha1(b"req3", secret))
        if await reader.readexactly(len(asked_for)) != asked_for:
            raise NotEncrypted
        theirs, ours = Rc4(_sha1(b"keyA", secret, info_hash)), Rc4(_sha1(b"keyB", secret, info_hash))
        head = theirs.crypted(await reader.readexactly(14))
        await _skip(reader, theirs, head[12:])
        ahead_length = int.from_bytes(theirs.crypted(await reader.readexactly(2)), "big")
        ahead = theirs.crypted(await reader.readexactly(ahead_length))
        plain = bool(head[11] & _PLAIN)
        writer.write(ours.crypted(_VERIFICATION + (_PLAIN if plain else _RC4).to_bytes(4, "big") + bytes(2)))
        await writer.drain()
        return cls(reader, writer, ahead=ahead, ciphers=None if plain else (theirs, ours))

    async def read(self, size: int) -> bytes:
        """Return exactly *size* bytes; IncompleteReadError when they do not come."""
        ahead, self._ahead = self._ahead[:size], self._ahead[size:]
        rest = await self._reader.readexactly(size - len(ahead))
        return ahead + (self._ciphers[0].crypted(rest) if self._ciphers else rest)

    async def write(self, data: bytes) -> None:
        """Send *data*, and wait while too much of what was sent has not been taken."""
        self._writer.write(self._ciphers[1].crypted(data) if self._ciphers else data)
        await self._writer.drain()


class Rc4:
    """The cipher, its first 1,024 bytes already thrown away, as MSE has it."""

    def __init__(self, key: bytes) -> None:
        self._stream = _keystream(key)
        self.crypted(bytes(1_024))

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


async def _pass_over(reader: asyncio.StreamReader, mark: bytes) -> None:
    """Read up to *mark*, which stands behind a pad of any length."""
    seen = await reader.readexactly(len(mark))
    for _ in range(_LONGEST_PAD):
        if seen.endswith(mark):
            return
        seen += await reader.readexactly(1)
    if not seen.endswith(mark):
        raise NotEncrypted


async def _skip(reader: asyncio.StreamReader, cipher: Rc4, length: bytes) -> None:
    cipher.crypted(await reader.readexactly(int.from_bytes(length, "big")))


def _sha1(*parts: bytes) -> bytes:
    return hashlib.sha1(b"".join(parts), usedforsecurity=False).digest()


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(left ^ right for left, right in zip(one, other, strict=True))

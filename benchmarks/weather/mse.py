"""The answering side of MSE, the encrypted handshake of BitTorrent, for liars that insist on it."""

import hashlib
import secrets

from benchmarks.weather.giving import Read, Write

Key = tuple[int, bytes]
"""A secret exponent, and what is shown of it."""

_PRIME = int(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74"
    "020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A63A36210000000000090563",
    16,
)
_KEY = 96
_LONGEST_PAD = 512
_CHECK = bytes(8)
_PLAIN = 1
_CIPHER = 2
_FIRST_DROPPED = 1_024


class Rc4:
    """The cipher's stream, its first kilobyte dropped as MSE has it."""

    def __init__(self, key: bytes) -> None:
        state, other = list(range(256)), 0
        for at in range(256):
            other = (other + state[at] + key[at % len(key)]) & 255
            state[at], state[other] = state[other], state[at]
        self._state, self._at, self._other = state, 0, 0
        self.turned(bytes(_FIRST_DROPPED))

    def turned(self, data: bytes) -> bytes:
        """Return *data* encrypted, or decrypted, with what comes next of the stream."""
        state, at, other, turned = self._state, self._at, self._other, bytearray(data)
        for place, byte in enumerate(data):
            at = (at + 1) & 255
            one = state[at]
            other = (other + one) & 255
            state[at], state[other] = two, _ = state[other], one
            turned[place] = byte ^ state[(one + two) & 255]
        self._at, self._other = at, other
        return bytes(turned)


def new_key() -> Key:
    """Return a key for `answered`. One does for many handshakes: nothing here is secret, and to make one takes time."""
    mine = secrets.randbits(160)
    return mine, pow(2, mine, _PRIME).to_bytes(_KEY, "big")


async def answered(first: bytes, read: Read, write: Write, info_hash: bytes, key: Key) -> tuple[Read, Write]:
    """Answer the handshake that begins with *first*; return how to read and write from then on.

    Raises:
        ConnectionError: whoever asks speaks no MSE, or means another torrent.
    """
    theirs = int.from_bytes(first + await read(_KEY - len(first)), "big")
    mine, shown = key
    write(shown)
    secret = pow(theirs, mine, _PRIME).to_bytes(_KEY, "big")
    await _read_up_to(_hash(b"req1", secret), read)
    await read(20)  # which torrent: here it is always the same
    hears, says = Rc4(_hash(b"keyA", secret, info_hash)), Rc4(_hash(b"keyB", secret, info_hash))
    if hears.turned(await read(8)) != _CHECK:
        raise ConnectionError("another torrent")
    offered = int.from_bytes(hears.turned(await read(4)), "big")
    hears.turned(await read(await _number(hears, read)))
    begun = hears.turned(await read(await _number(hears, read)))
    chosen = _PLAIN if offered & _PLAIN else _CIPHER  # plain costs the simulation less
    write(says.turned(_CHECK + chosen.to_bytes(4, "big") + bytes(2)))
    if chosen == _CIPHER:
        return _after(begun, _deciphered(hears, read)), lambda data: write(says.turned(data))
    return _after(begun, read), write


async def _read_up_to(mark: bytes, read: Read) -> None:
    seen = await read(len(mark))
    for _ in range(_LONGEST_PAD):
        if seen == mark:
            return
        seen = seen[1:] + await read(1)
    if seen != mark:
        raise ConnectionError("no MSE")


async def _number(hears: Rc4, read: Read) -> int:
    return int.from_bytes(hears.turned(await read(2)), "big")


def _deciphered(hears: Rc4, read: Read) -> Read:
    async def deciphered(count: int) -> bytes:
        return hears.turned(await read(count))

    return deciphered


def _after(begun: bytes, read: Read) -> Read:
    """Return what reads *begun* first."""
    left = bytearray(begun)

    async def reading(count: int) -> bytes:
        taken = bytes(left[:count])
        del left[:count]
        return taken + await read(count - len(taken)) if len(taken) < count else taken

    return reading


def _hash(*parts: bytes) -> bytes:
    return hashlib.sha1(b"".join(parts), usedforsecurity=False).digest()

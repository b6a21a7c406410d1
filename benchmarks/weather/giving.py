"""A peer's side of BEP 9 and 10: it gives any bytes as a torrent's metadata, or has none."""

from collections.abc import Awaitable, Callable

from sandbox.swarm.bencoding import decode, encode

Read = Callable[[int], Awaitable[bytes]]
Write = Callable[[bytes], object]

PROTOCOL = b"\x13BitTorrent protocol"
"""What a plain connection begins with (BEP 3)."""

_EXTENDED = 20
_UT_METADATA = 3
_REFUSED = 2
_PIECE = 16_384


async def give(read: Read, write: Write, info: bytes, *, name: str, claims: int | None) -> None:
    """Give *info* to whoever has just said which protocol it speaks; ends by an error of *read* alone.

    Args:
        read: reads so many bytes of what the other says.
        write: says it to the other.
        info: the bytes that are given as the metadata.
        name: sets this peer's id apart.
        claims: how many bytes the metadata is said to have; None for a peer that has none, and refuses.
    """
    wanted = (await read(48))[8:28]
    write(PROTOCOL + bytes((0, 0, 0, 0, 0, 0x10, 0, 0)) + wanted + b"-XX0001-" + name.encode()[:12].ljust(12))
    hello: dict[bytes, object] = {b"m": {b"ut_metadata": _UT_METADATA}}
    hello |= {} if claims is None else {b"metadata_size": claims, b"upload_only": 1}
    write(_message(bytes((_EXTENDED, 0)) + encode(hello)))
    theirs = 0
    while True:
        body = await read(int.from_bytes(await read(4), "big"))
        if body[:1] != bytes((_EXTENDED,)):
            continue
        words = decode(body[2:])
        if body[1] == 0:
            theirs = _extension(words)
        elif body[1] == _UT_METADATA and isinstance(piece := words.get(b"piece"), int):
            answer = encode({b"msg_type": _REFUSED, b"piece": piece}) if claims is None else _piece(info, piece)
            write(_message(bytes((_EXTENDED, theirs)) + answer))


def _piece(info: bytes, number: int) -> bytes:
    head = encode({b"msg_type": 1, b"piece": number, b"total_size": len(info)})
    return head + info[number * _PIECE : (number + 1) * _PIECE]


def _message(body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + body


def _extension(words: dict[bytes, object]) -> int:
    extensions = words.get(b"m")
    number = extensions.get(b"ut_metadata") if isinstance(extensions, dict) else None
    return number if isinstance(number, int) else 0

"""Smaller PNGs: what Chromium writes of a page has all colours, and letters on a plain ground need few."""

import struct
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_RGB, _PALETTE = (8, 2, 0, 0, 0), (8, 3, 0, 0, 0)
_STEPS = (1, 3, 5, 15, 17)
"""Between two shades that are kept, of 256: parts of 255, so that white stays white."""
_MOST = 256
_KEPT = 16
"""How many of the commonest colours stay as they are: of a ground that is nearly white the eye sees each step."""


def with_few_colours(png: bytes) -> bytes:
    """Return *png* with a palette, of as many shades as that has room for; as it is where the fewest are too many."""
    chunks = list(_chunks(png))
    width, height, *how = struct.unpack(">IIBBBBB", chunks[0][1])
    if tuple(how) != _RGB:
        return png
    lines = list(_lines(zlib.decompress(b"".join(data for name, data in chunks if name == b"IDAT")), width * 3))
    for step in _STEPS:
        if (made := _indexed(lines, step)) is not None:
            return _written(width, height, *made)
    return png


def _indexed(lines: Sequence[bytes], step: int) -> tuple[bytes, bytes] | None:
    """Return the palette, and what the lines are by it; None where there is no room for all."""
    seen = Counter(line[at : at + 3] for line in lines for at in range(0, len(line), 3))
    kept = {colour for colour, _ in seen.most_common(_KEPT)}
    shades = bytes((shade + step // 2) // step * step for shade in range(256))
    colours: dict[bytes, int] = {}
    rows = bytearray()
    for line in lines:
        fewer = line.translate(shades)
        places = [
            colours.setdefault(own if (own := line[at : at + 3]) in kept else fewer[at : at + 3], len(colours))
            for at in range(0, len(line), 3)
        ]
        if len(colours) > _MOST:
            return None
        rows += bytes([0, *places])
    return b"".join(colours), bytes(rows)


def _written(width: int, height: int, palette: bytes, rows: bytes) -> bytes:
    return _SIGNATURE + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in (
            (b"IHDR", struct.pack(">IIBBBBB", width, height, *_PALETTE)),
            (b"PLTE", palette),
            (b"IDAT", zlib.compress(rows, 9)),
            (b"IEND", b""),
        )
    )


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(_SIGNATURE)
    while at < len(png):
        (length,) = struct.unpack_from(">I", png, at)
        yield png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        at += length + 12


def _lines(data: bytes, width: int) -> Iterator[bytes]:
    """Yield the lines of *width* bytes, each without its filter (PNG specification, 9)."""
    above = bytes(width)
    for start in range(0, len(data), width + 1):
        line = bytearray(data[start + 1 : start + 1 + width])
        for place in range(width if data[start] else 0):
            left, corner = (line[place - 3], above[place - 3]) if place > 2 else (0, 0)
            guessed = (left, above[place], (left + above[place]) // 2, _paeth(left, above[place], corner))
            line[place] = (line[place] + guessed[data[start] - 1]) % 256
        above = bytes(line)
        yield above


def _paeth(left: int, above: int, corner: int) -> int:
    guess = left + above - corner
    return min(left, above, corner, key=lambda one: abs(guess - one))

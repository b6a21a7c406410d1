"""What makes the pictures of the user's page smaller changes nothing that anybody would see."""

import random
import struct
import zlib

from tests.pictures.png import _chunks, _lines, with_few_colours


def png(lines: list[bytes], filtered: bytes) -> bytes:
    """Return a PNG of RGB *lines*, whose bytes on the wire are *filtered*."""
    header = struct.pack(">IIBBBBB", len(lines[0]) // 3, len(lines), 8, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(filtered)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in parts
    )


def pixels(png: bytes) -> bytes:
    chunks = dict(_chunks(png))
    width, height = struct.unpack_from(">II", chunks[b"IHDR"])
    data = zlib.decompress(chunks[b"IDAT"])
    palette = chunks[b"PLTE"]
    rows = [data[(width + 1) * y + 1 : (width + 1) * (y + 1)] for y in range(height)]
    return b"".join(palette[3 * place : 3 * place + 3] for row in rows for place in row)


def filtered_by(kind: int, line: bytes, above: bytes) -> bytes:
    """Return *line* as the PNG specification's filter *kind* writes it."""
    out = bytearray([kind])
    for place, value in enumerate(line):
        a, c = (line[place - 3], above[place - 3]) if place > 2 else (0, 0)
        b = above[place]
        p = a + b - c
        nearest = a if abs(p - a) <= min(abs(p - b), abs(p - c)) else b if abs(p - b) <= abs(p - c) else c
        out.append((value - (0, a, b, (a + b) // 2, nearest)[kind]) % 256)
    return bytes(out)


def test_each_filter_is_undone_and_no_shade_moves_by_more_than_eight() -> None:
    seeded = random.Random(7)
    shown = [bytes(seeded.choice(seeded.choices(range(256), k=4)) for _ in range(30)) for _ in range(10)]
    above, wire = bytes(30), b""
    for number, line in enumerate(shown):
        wire += filtered_by(number % 5, line, above)
        above = line
    assert list(_lines(wire, 30)) == shown
    made = pixels(with_few_colours(png(shown, wire)))
    assert max(abs(one - other) for one, other in zip(made, b"".join(shown), strict=True)) <= 8


def test_the_ground_keeps_its_colour_however_many_there_are() -> None:
    seeded = random.Random(7)
    ground, many = (
        bytes((0xF4, 0xF6, 0xF8)),
        [bytes([200 + shade % 17 for shade in seeded.randbytes(3)]) for _ in range(600)],
    )
    line = b"".join(many) + ground * 300
    made = pixels(with_few_colours(png([line], b"\0" + line)))
    assert made != line
    assert made.endswith(ground * 300)


def test_a_picture_of_many_colours_stays_as_it_is() -> None:
    lines = [bytes((17 * (x % 16), 17 * (x // 16), 17 * y)[z] for x in range(256) for z in range(3)) for y in range(2)]
    given = png(lines, b"".join(b"\0" + line for line in lines))
    assert with_few_colours(given) == given


def test_it_is_done_once() -> None:
    lines = [bytes(30)]
    once = with_few_colours(png(lines, b"\0" + lines[0]))
    assert with_few_colours(once) == once

"""Charts from numbers, in whole units of a box that the page stretches to the room that there is. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

WHOLE = 1000
"""How long the longest bar of a row is."""

_HEIGHT = 100
_STEP = 10  # from one column to the next
_COLUMN = 8
_LEAST = 2  # what is not nothing is to be seen


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle; *y* goes downwards, as SVG has it."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Columns:
    """Pairs of numbers as columns in a box: the first of each stands on the *base*, the second hangs from it."""

    width: int
    height: int
    base: int
    pairs: tuple[tuple[Box, Box], ...]


def lengths(values: Sequence[float], whole: float | None = None) -> Sequence[int]:
    """Return how long the bar of each value is, where *whole* is `WHOLE`; without one the greatest value is."""
    most = max(values, default=0.0) if whole is None else whole
    return [_part(value, most, WHOLE) for value in values]


def columns(pairs: Sequence[tuple[int, int]]) -> Columns:
    """Return a column for each pair, all in one scale."""
    up, down = (max((pair[side] for pair in pairs), default=0) for side in (0, 1))
    base = _HEIGHT if not down else max(_LEAST, min(_HEIGHT - _LEAST, round(_HEIGHT * up / (up + down))))
    drawn = []
    for place, (above, below) in enumerate(pairs):
        x = place * _STEP + (_STEP - _COLUMN) // 2
        rise, fall = _part(above, up, base), _part(below, down, _HEIGHT - base)
        drawn.append((Box(x, base - rise, _COLUMN, rise), Box(x, base, _COLUMN, fall)))
    return Columns(width=len(pairs) * _STEP, height=_HEIGHT, base=base, pairs=tuple(drawn))


def _part(value: float, most: float, whole: int) -> int:
    if value <= 0 or most <= 0:
        return 0
    return min(whole, max(_LEAST, round(whole * value / most)))

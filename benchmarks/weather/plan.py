"""Which trials there are, which of them are wanted, and which can be made at the same time."""

import itertools
from collections.abc import Iterator, Sequence

from benchmarks.weather.network import WAYS
from benchmarks.weather.searchers import PROGRAMS
from benchmarks.weather.trial import CLIMATES, LIARS, STARTS, Trial

_KINDS = (tuple(CLIMATES), tuple(LIARS), STARTS, tuple(WAYS), tuple(PROGRAMS))
_OURS = "calibot"
_OTHERS_MEET = ("calm", "honest")

WORDS = tuple(word for kind in _KINDS for word in kind)
"""What can be asked for."""


def wanted(words: Sequence[str]) -> list[Trial]:
    """Return the trials that have one of *words* of each kind of them.

    Of those not asked for by their name, the others but calibot are tried in the usual weather alone.
    """
    asked = [set(kind) & set(words) for kind in _KINDS]
    return [
        one
        for one in itertools.starmap(Trial, itertools.product(*_KINDS))
        if all(not kind or word in kind for kind, word in zip(asked, one.words, strict=True))
        if one.who in words or one.who == _OURS or (one.climate, one.liars) == _OTHERS_MEET
    ]


def batches(trials: Sequence[Trial]) -> Iterator[list[Trial]]:
    """Yield *trials* in batches that are made at the same time, all of one weather.

    Names that come half a second apart leave the machine idle; of bursts calibot's are made one at a time, and those of
    the others one way at a time.
    """
    rest = list(trials)
    while rest:
        first = rest[0]
        yield (batch := [one for one in rest if _together(one, first)])
        rest = [one for one in rest if one not in batch]


def _together(one: Trial, other: Trial) -> bool:
    ours = one.who == _OURS
    alike = (one.climate, one.liars, one.start, ours) == (other.climate, other.liars, other.start, other.who == _OURS)
    return alike and (one.start == "warm" or one.way == other.way)

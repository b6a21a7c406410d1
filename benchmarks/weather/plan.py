"""Which trials there are, which of them are wanted, and which can be made at the same time."""

import itertools
from collections.abc import Iterator, Sequence

from benchmarks.weather.network import WAYS
from benchmarks.weather.searchers import PROGRAMS
from benchmarks.weather.trial import CLIMATES, LIARS, STARTS, Trial

_KINDS = (tuple(CLIMATES), tuple(LIARS), STARTS, tuple(WAYS), tuple(PROGRAMS))
_OURS = "calibot"
_OTHERS_MEET = ("calm", "honest")
_BETWEEN_BURSTS = 15.0

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
    """Yield *trials* in batches that are made at the same time: of one weather and start, calibot's without others'."""
    rest = list(trials)
    while rest:
        kind = _kind(rest[0])
        yield [one for one in rest if _kind(one) == kind]
        rest = [one for one in rest if _kind(one) != kind]


def _kind(trial: Trial) -> tuple[str, str, str, bool]:
    return trial.climate, trial.liars, trial.start, trial.who == _OURS


def waits(batch: Sequence[Trial]) -> Iterator[float]:
    """Yield for each of *batch* how many seconds after the first it begins.

    Names that come half a second apart leave the machine idle. Of bursts one way is asked at a time; whatever is not
    found after that long costs little.
    """
    ways = [way for way in WAYS if any(one.way == way for one in batch)]
    for one in batch:
        yield _BETWEEN_BURSTS * ways.index(one.way) if one.start == "cold" else 0.0

"""What the changes of a note did: the names that one wrote, or the one place that an edit replaced. Pure."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from services.magnets.parse import find_magnets
from services.notebook.note import Cause, Step

_AROUND = 24
"""Characters that are shown on each side of what an edit changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """*added* stands where *removed* stood: names, None where there was none; or a place of the text.

    *before* and *after* are a little of what stands around that place; *more_before*, *more_after*: not all of it.
    """

    removed: str | None
    added: str | None
    before: str = ""
    after: str = ""
    more_before: bool = False
    more_after: bool = False


def differences(step: Step) -> Sequence[Difference]:
    """Return what *step* changed: distinct names, or one place; nothing where somebody typed what stood there."""
    if step.change.cause == Cause.EDIT:
        return [] if step.before == step.after else [_place(step.before, step.after)]
    pairs = zip(find_magnets(step.before), find_magnets(step.after), strict=False)
    names = dict.fromkeys((old.name, new.name) for old, new in pairs if old.name != new.name)
    return [Difference(removed=old, added=new) for old, new in names]


def _place(before: str, after: str) -> Difference:
    """Return the one place where two texts differ."""
    start = _alike(before, after)
    end = _alike(before[start:][::-1], after[start:][::-1])
    return Difference(
        before=before[max(0, start - _AROUND) : start],
        removed=before[start : len(before) - end],
        added=after[start : len(after) - end],
        after=before[len(before) - end :][:_AROUND],
        more_before=start > _AROUND,
        more_after=end > _AROUND,
    )


def _alike(one: str, other: str) -> int:
    """Return how many characters two texts begin with alike."""
    return bisect_left(range(1, min(len(one), len(other)) + 1), 1, key=lambda end: one[:end] != other[:end])

"""Who wrote the names that stand in a note: a person, who typed them, or what corrected it."""

from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import NamedTuple, TypeGuard

from services.magnets.parse import Magnet, find_magnets
from services.notebook.history import BACK, SpeaksOf, names_in, steps_of
from services.notebook.note import Cause, Change, Note, Revision

_AGAIN = BACK | {Cause.KEPT, Cause.REDO}
"""What brings back names that stood there."""


class _Stood(NamedTuple):
    """A link's *name* in a text, and the change that *wrote* it there; None where it was in the note's first text."""

    name: str | None
    wrote: Change | None


def who_wrote(note: Note, revisions: Sequence[Revision], speaks_of: SpeaksOf) -> Sequence[tuple[Magnet, Change | None]]:
    """Return the links of *note* of which something *speaks*, each with the change that gave it the name that it has.

    None where it has had that from the first. What a person left alone in an edit they have not typed; and a name that
    was carried over one is whose it was before.
    """
    steps = steps_of(note, revisions)
    first = names_in(steps[0].before if steps else note.text, speaks_of)
    said = before = stand = [_Stood(one, None) for one in first]  # an edit of the message is one of what that said
    stood: dict[tuple[int, str | None], Change | None] = dict.fromkeys(enumerate(first))
    for step in steps:
        names, change = names_in(step.after, speaks_of), step.change
        if change.cause == Cause.EDIT:
            before = stand
            stand = _typed_over(stand if change.apart else said, names, change)
            said = said if change.apart else stand
            stood.clear()
        else:
            carried = before if change.cause == Cause.CARRIED else ()
            whose = {one.name: one.wrote for one in sorted(carried, key=lambda one: is_typed(one.wrote))}
            known = stood if change.cause in _AGAIN else {}
            stand = [
                one if one.name == name else _Stood(name, known.get((place, name), whose.get(name, change)))
                for place, (one, name) in enumerate(zip(stand, names, strict=False))
            ]
        stood |= {(place, one.name): one.wrote for place, one in enumerate(stand)}
    links = [one for one in find_magnets(note.text) if speaks_of(one.torrents[0])]
    return [(link, one.wrote) for link, one in zip(links, stand, strict=False)]


def is_typed(wrote: Change | None) -> TypeGuard[Change]:
    """Whether it was a person who typed what this change *wrote*, after the note's first text."""
    return wrote is not None and wrote.cause == Cause.EDIT


def is_corrected(wrote: Change | None) -> TypeGuard[Change]:
    """Whether what this change *wrote* was found: nobody typed it, and it is no old name that was taken back."""
    return wrote is not None and not is_typed(wrote) and wrote.cause not in {Cause.KEPT, *BACK}


def _typed_over(before: Sequence[_Stood], names: Sequence[str | None], change: Change) -> list[_Stood]:
    """Return what stands where a person made *names* of what stood *before*."""
    stand = [_Stood(name, change) for name in names]
    if len(before) == len(names):
        return [old if old.name == new.name else new for old, new in zip(before, stand, strict=True)]
    for there, here, many in SequenceMatcher(None, [one.name for one in before], names).get_matching_blocks():
        stand[here : here + many] = before[there : there + many]
    return stand

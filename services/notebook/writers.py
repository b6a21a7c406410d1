"""Who wrote the names that stand in a note: a person, who typed them, or what corrected it."""

from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import NamedTuple, TypeGuard

from services.magnets.parse import Magnet, find_magnets
from services.notebook.history import BACK, SpeaksOf, steps_of
from services.notebook.note import Cause, Change, Note, Revision
from services.torrents import PersonId

_AGAIN = BACK | {Cause.KEPT, Cause.REDO}
"""What brings back names that stood there."""


class _Stood(NamedTuple):
    """A link's *name* in a text, and the change that *wrote* it there; None where it was in the note's first text."""

    name: str | None
    wrote: Change | None


class Writers:
    """Who wrote the names of *note*, by its *revisions*. Each of its texts is read once."""

    def __init__(self, note: Note, revisions: Sequence[Revision]) -> None:
        steps = steps_of(note, revisions)
        self._changes = [step.change for step in steps]
        texts = [*(step.before for step in steps[:1]), *(step.after for step in steps)] or [note.text]
        self._links = [find_magnets(text) for text in texts]

    def of(self, speaks_of: SpeaksOf) -> Sequence[tuple[Magnet, Change | None]]:
        """Return the links of which something *speaks*, each with the change that gave it the name that it has.

        None where it has had that from the first. What a person left alone in an edit they have not typed; and a name
        that was carried over one, or brought back, is whose it was before.
        """
        first, *later = [[one for one in links if speaks_of(one.torrents[0])] for links in self._links]
        said = before = stand = [
            _Stood(one.name, None) for one in first
        ]  # an edit of a message is one of what that said
        stood: dict[tuple[int, str | None], Change | None] = {(at, one.name): None for at, one in enumerate(first)}
        for change, links in zip(self._changes, later, strict=True):
            names = [one.name for one in links]
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
        return [(link, one.wrote) for link, one in zip((later or [first])[-1], stand, strict=False)]


def is_typed(wrote: Change | None) -> TypeGuard[Change]:
    """Whether it was a person who typed what this change *wrote*, after the note's first text."""
    return wrote is not None and wrote.cause == Cause.EDIT


def is_typed_since(
    note: Note, revisions: Sequence[Revision], speaks_of: SpeaksOf, since: float, *, but: PersonId | None = None
) -> bool:
    """Whether *note* has a name of which something *speaks*, and that a person other than *but* has typed *since*."""

    def is_theirs(wrote: Change | None) -> bool:
        return is_typed(wrote) and wrote.at >= since and wrote.person != but

    # Of a long note, who wrote what takes seconds to tell: most that are asked about nobody has edited since.
    return any(is_theirs(one.change) for one in revisions) and any(
        is_theirs(wrote) for _, wrote in Writers(note, revisions).of(speaks_of)
    )


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

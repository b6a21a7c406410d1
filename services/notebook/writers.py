"""Who wrote the names that stand in a note: a person, who typed them, or what corrected it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from itertools import chain
from operator import attrgetter
from typing import NamedTuple, TypeGuard

from services.magnets.parse import Magnet, find_magnets
from services.notebook.kin import Kin
from services.notebook.note import BACK, Cause, Change, Note, Revision, SpeaksOf, Step, steps_of
from services.torrents import PersonId, TorrentId

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
        return self._written([[one for one in links if speaks_of(one.torrents[0])] for links in self._links])

    def typed(self, torrents: Iterable[TorrentId]) -> Iterator[tuple[TorrentId, float | None]]:
        """Yield each of *torrents* with when the last of its names that stand was typed; None where nobody did."""
        # As long as a note may be, it is gone through once.
        texts = [(links, Kin(links)) for links in map(_by_torrent, self._links)]
        _, last = texts[-1]
        for torrent in torrents:
            # Of a link that may be several by now, none has it: a list of many would be gone through for each of them.
            theirs = [[links[one] for one in kin.of(torrent) if last.of(one) == [torrent]] for links, kin in texts]
            stand = self._written([sorted(chain.from_iterable(one), key=attrgetter("start")) for one in theirs])
            yield torrent, max((wrote.at for link, wrote in stand if link.name and is_typed(wrote)), default=None)

    def _written(self, texts: Sequence[Sequence[Magnet]]) -> Sequence[tuple[Magnet, Change | None]]:
        first, *later = texts
        said = before = stand = [_Stood(one.name, None) for one in first]
        stood: dict[tuple[int, str | None], Change | None] = {(at, one.name): None for at, one in enumerate(first)}
        for change, links in zip(self._changes, later, strict=True):
            names = [one.name for one in links]
            if change.cause == Cause.EDIT:
                before = stand
                stand = _typed_over(stand, names, change)
                if not change.apart:  # it is one of what the message said
                    said = _typed_over(said, names, change)
                    stand = [
                        own if change in {own.wrote, one.wrote} else one for own, one in zip(said, stand, strict=True)
                    ]
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


class Typed:
    """What people have typed in *note*, by its *revisions*. Little is read where nobody has typed a name."""

    def __init__(self, note: Note, revisions: Sequence[Revision]) -> None:
        self._note = note
        self._revisions = revisions
        self._edits = [step for step in steps_of(note, revisions) if is_typed(step.change)]
        self._links: dict[int, tuple[Sequence[Magnet], Sequence[Magnet]]] = {}
        self._writers: Writers | None = None

    def since(self, moment: float, speaks_of: SpeaksOf, name: str, *, but: PersonId | None = None) -> bool:
        """Whether a link of which something *speaks* has another than *name*, typed by others than *but* since then."""

        def is_theirs(wrote: Change | None) -> bool:
            return is_typed(wrote) and wrote.at >= moment and wrote.person != but

        if not any(is_theirs(step.change) and self._named(step, speaks_of) for step in self._edits):
            return False
        # Who wrote what in a long note that was changed often takes seconds to tell.
        self._writers = self._writers or Writers(self._note, self._revisions)
        others = [wrote for link, wrote in self._writers.of(speaks_of) if link.name and link.name != name]
        return any(map(is_theirs, others))

    def _named(self, step: Step, speaks_of: SpeaksOf) -> bool:
        """Whether a name may stand there since *step* that did not before."""
        if not step.change.apart:  # it is one of what the message said before
            return True
        if step.version not in self._links:
            self._links[step.version] = find_magnets(step.before), find_magnets(step.after)
        had, has = ([one.name for one in links if speaks_of(one.torrents[0])] for links in self._links[step.version])
        return had != has


def is_typed(wrote: Change | None) -> TypeGuard[Change]:
    """Whether it was a person who typed what this change *wrote*, after the note's first text."""
    return wrote is not None and wrote.cause == Cause.EDIT


def is_corrected(wrote: Change | None) -> TypeGuard[Change]:
    """Whether what this change *wrote* was found: nobody typed it, and it is no old name that was taken back."""
    return wrote is not None and not is_typed(wrote) and wrote.cause not in {Cause.KEPT, *BACK}


def _by_torrent(links: Sequence[Magnet]) -> Mapping[TorrentId, Sequence[Magnet]]:
    of_each: dict[TorrentId, list[Magnet]] = {}
    for one in links:
        of_each.setdefault(one.torrents[0], []).append(one)
    return of_each


def _typed_over(before: Sequence[_Stood], names: Sequence[str | None], change: Change) -> list[_Stood]:
    """Return what stands where a person made *names* of what stood *before*."""
    stand = [_Stood(name, change) for name in names]
    if len(before) == len(names):
        return [old if old.name == new.name else new for old, new in zip(before, stand, strict=True)]
    for there, here, many in SequenceMatcher(None, [one.name for one in before], names).get_matching_blocks():
        stand[here : here + many] = before[there : there + many]
    return stand

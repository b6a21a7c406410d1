"""The note and its revisions, as values."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from services.torrents import Name, NotebookId, NoteId, PersonId, TaskId, TorrentId

SpeaksOf = Callable[[TorrentId], bool]
"""Whether what was found is about the links that name such a torrent."""

_LONGEST_WRITTEN = 1000
"""Bytes of UTF-8: a longer name is shown and not written."""


def may_be_written(name: Name) -> bool:
    """Whether a name can stand in a note: to be seen, and not overlong."""
    return not name.blank and len(name.text.encode(errors="replace")) <= _LONGEST_WRITTEN


def is_sure(name: Name, *, verified: bool) -> bool:
    """Whether a name is *verified*, or chosen by a person, and certain."""
    return (verified or name.chosen) and name.certain


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A note as it is now. *text* is what its person wrote, but for the names that were corrected in it.

    *origin* is where it came from, in the front end's own words (``tg:<chat>:<thread>#<message>``); *source*, of a
    forwarded text, whom it is from, as they call themselves. Times are seconds since 1970.
    """

    id: NoteId
    notebook: NotebookId
    text: str
    version: int
    origin: str | None
    person: PersonId
    created_at: float
    changed_at: float
    source: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Whereabouts:
    """In which notebook a note is, and at which version; *deleted*: it was put away."""

    id: NoteId
    notebook: NotebookId
    version: int
    deleted: bool


class Cause(StrEnum):
    """Why a note's text was replaced, where no task did it: a task has a cause of its own, how it was asked for."""

    EDIT = "edit"
    CARRIED = "carried"
    """Names that had been written before an edit, written again after it: the task's, where all were one task's."""
    UNDO = "undo"
    """All that its task wrote into the note was taken back there by itself: such is written again by itself."""
    UNDO_TASK = "undo_task"
    """The same where the whole task was undone."""
    REDO = "redo"
    CHOSEN = "chosen"  # a person said which reading of a name is right; the task is the one whose card asked
    KEPT = "kept"
    """An old name was taken back; something else that the task wrote stands."""
    KEPT_ALL = "kept_all"
    """The same for the last that stood: nothing of the task does any more."""


BACK = frozenset({Cause.UNDO, Cause.UNDO_TASK, Cause.KEPT_ALL})
"""After these nothing that a task wrote stands, and an undo takes them back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Why, by whom and when a note's text was replaced; *task_id* where a task did it, or where its work is undone.

    *apart*: by an edit elsewhere than in the note's message, which goes on saying what it said.
    """

    cause: str
    person: PersonId
    task_id: TaskId | None
    at: float
    apart: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """The text of a note at *version*, and the *change* that replaced it."""

    version: int
    text: str
    change: Change


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One change of a note: its text *before* and *after*."""

    version: int
    before: str
    after: str
    change: Change


def steps_of(note: Note, revisions: Sequence[Revision]) -> Sequence[Step]:
    """Return the changes that made *note* what it is, oldest first."""
    texts = [*(one.text for one in revisions), note.text]
    return [
        Step(version=one.version, before=before, after=after, change=one.change)
        for one, (before, after) in zip(revisions, pairwise(texts), strict=True)
    ]


@dataclass(frozen=True, slots=True)
class Mark:
    """How a torrent's last calibration ended, for the notes of *notebook* that have it; for *notes* alone where given.

    What was found holds for each of its hashes; what failed, for the notes that have all of them. *asked_at*: when what
    was found was last asked for there, or pressed.
    """

    notebook: NotebookId
    torrent: TorrentId
    outcome: str
    task_id: TaskId
    notes: Sequence[NoteId] | None = None
    asked_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What *source* said of a torrent: its *name*, its *size* in bytes; *verified* against its info-hash."""

    name: Name
    size: int
    file_count: int
    verified: bool
    source: str


MOST_TORRENTS = 5_000
"""That one task may have."""


@dataclass(frozen=True, slots=True)
class Numbered:
    """The notes whose numbers are in one of these ranges, both ends among them."""

    ranges: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Uncalibrated:
    """The notes with a torrent that was not yet calibrated in them, or that failed; with *force*, all.

    At once no more than have `MOST_TORRENTS`; a note that has more itself is none of them.
    """

    force: bool = False


@dataclass(frozen=True, slots=True)
class Latest:
    """The *count* newest notes."""

    count: int


Selection = Numbered | Uncalibrated | Latest
"""Which of a notebook's notes with a torrent are meant."""

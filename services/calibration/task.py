"""The task and its items, with the only arrows between their states. A task never changes, it is replaced."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Self, TypeVar

from services.torrents import Hints, Name, NotebookId, NoteId, PersonId, Step, TaskId, TorrentId, TorrentInfo


class State(StrEnum):
    """Where a task, or one of its items, stands."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        return self in {State.COMPLETED, State.FAILED, State.CANCELLED}


_ITEM_ARROWS = {
    State.PENDING: {State.RUNNING, State.CANCELLED},
    # Back to pending: a crash, or a shutdown that hands its work back.
    State.RUNNING: {State.COMPLETED, State.FAILED, State.CANCELLED, State.PENDING},
    # A retry is the only arrow out of an end.
    State.FAILED: {State.PENDING},
    State.CANCELLED: {State.PENDING},
    State.COMPLETED: set[State](),
}
# A completed task may have items that failed: those can be tried again.
_TASK_ARROWS = _ITEM_ARROWS | {State.COMPLETED: {State.PENDING}}


T = TypeVar("T", "Item", "Task")


class IllegalMove(Exception):
    """The state machine has no such arrow: a bug of ours."""


@dataclass(frozen=True, slots=True)
class NoteRequest:
    """Calibrate the torrents of these notes, and write the names into their notebook's notes.

    Those of *named* were asked for by their own number: what a person undid or kept in them is written again. In the
    others it is passed over. Where *torrents* are given, these alone of all that are in the notes.
    """

    notes: tuple[NoteId, ...]
    named: tuple[NoteId, ...] = ()
    torrents: tuple[TorrentId, ...] = ()


@dataclass(frozen=True, slots=True)
class HashRequest:
    """Find the names of these torrents; no note is changed."""

    torrents: tuple[tuple[TorrentId, Hints], ...]


CalibrationRequest = NoteRequest | HashRequest

FROM_FILE = "file"
"""The cause of a task that was asked for by sending a .torrent."""


def is_left_of(there: CalibrationRequest, request: CalibrationRequest) -> bool:
    """Whether *there* is *request*, but for notes that were passed over."""
    if isinstance(there, NoteRequest) and isinstance(request, NoteRequest):
        same = (there.named, there.torrents) == (request.named, request.torrents)
        return same and set(there.notes) <= set(request.notes)
    return there == request


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What is known of a torrent: as `TorrentInfo`, its files counted only. *size* in bytes."""

    torrent: TorrentId
    name: Name
    size: int
    file_count: int
    source: str
    verified: bool

    @classmethod
    def of(cls, info: TorrentInfo) -> Self:
        return cls(
            torrent=info.torrent,
            name=info.name,
            size=info.size,
            file_count=len(info.files),
            source=info.source,
            verified=info.verified,
        )

    def speaks_of(self, asked: TorrentId) -> bool:
        """Whether it is about a link whose hashes are these, and what its name may be written into.

        What is claimed of two hashes is said of neither of them: nobody knows that one torrent has both.
        """
        return self.torrent.answers(asked) if self.verified else self.torrent == asked


class OldName(StrEnum):
    """What became of a name that claimed something else."""

    REPLACED = "replaced"
    """The true one stands in a note, and the old one can still be kept there."""
    KEPT = "kept"
    """A person kept it."""


class PassedOver(StrEnum):
    """Why a name was written into no note when it was found, though it may be."""

    GONE = "gone"
    """No note had the torrent any more."""
    PINNED = "pinned"
    """A person had undone it in a note, or kept the old name."""
    UNSURE = "unsure"
    """It was claimed, or a guess, and left to people: whatever is known, or was written for others, by now."""


ItemKey = tuple[TaskId, int]
"""What names an item: its task, and its position in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One distinct torrent of a task. Ended, it has either what was *found* or the *failure*, unless cancelled.

    *corrected* are the notes whose text was changed by it. Where there are none, *passed_over* says why; None: the name
    stood there already, or cannot stand in a note. *was* is the name that stood in one of them and claimed something
    clearly different. It was asked for with its task, or by itself at *asked_again_at*. Times are seconds since 1970.
    """

    task_id: TaskId
    position: int
    torrent: TorrentId
    hints: Hints
    state: State = State.PENDING
    attempt: int = 1
    asked_again_at: float | None = None
    started_at: float | None = None
    ended_at: float | None = None
    failure: Step | None = None
    found: Found | None = None
    corrected: tuple[NoteId, ...] = ()
    passed_over: PassedOver | None = None
    was: str | None = None

    @property
    def key(self) -> ItemKey:
        return self.task_id, self.position

    def to(self, state: State, **changes: Any) -> "Item":
        """Return this item in *state*; IllegalMove if the machine has no such arrow."""
        return _moved(self, _ITEM_ARROWS, state, changes)

    def with_hints(self, hints: Hints) -> "Item":
        """Return this item with more places to ask."""
        return replace(self, hints=self.hints.merged(hints))


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One accepted request. *attempt* counts its tries by people; a crash is none. Times: seconds since 1970."""

    id: TaskId
    notebook: NotebookId
    asked_by: PersonId
    cause: str
    request: CalibrationRequest
    created_at: float
    state: State = State.PENDING
    attempt: int = 1
    started_at: float | None = None
    completed_at: float | None = None

    def asked_at(self, item: Item) -> float:
        """Return when *item*, one of its own, was asked for last."""
        return self.created_at if item.asked_again_at is None else item.asked_again_at

    def to(self, state: State, **changes: Any) -> "Task":
        """Return this task in *state*; IllegalMove if the machine has no such arrow."""
        return _moved(self, _TASK_ARROWS, state, changes)


def _moved(value: T, arrows: Mapping[State, set[State]], state: State, changes: dict[str, Any]) -> T:
    if state not in arrows[value.state]:
        raise IllegalMove(f"{type(value).__name__}: {value.state} -> {state}")
    return replace(value, state=state, **changes)


@dataclass(frozen=True, slots=True)
class Written:
    """The notes in which what a task wrote is *standing* as their last change, and in how many it was *undone*.

    *as_one*: in how many of the latter with the whole task.
    """

    standing: tuple[NoteId, ...] = ()
    undone: int = 0
    as_one: int = 0


@dataclass(frozen=True, slots=True)
class Lost:
    """An item of a task that was not found, and those of the task's *notes* that have it."""

    item: Item
    notes: tuple[NoteId, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What there is to see of a task at change *seq*.

    *counts* has every state that an item is in. *first* is its first item, *outcomes* the last five that ended,
    newest first. *progress* is the newest word of a lookup under way. Of an ended task, *written*; of one of many items
    *undecided*, those about whose names people may decide: five whose name is a guess, and the first five that
    *replaced* an old name, of so many, or of at least twenty. *old_names* tells of those of these items that had one;
    what others have written since leaves nothing to tell. *otherwise*: of one that found a single name, the notes in
    which it wrote another reading than the chosen one, and where that stands. And of each item whose name is verified,
    of many the first, the notes that have one which was *only_claimed*, or still their own as nobody chose that; and
    those in which it is *unwritten*, since people typed, undid or kept another, or it goes into none by itself.
    """

    task: Task
    seq: int
    counts: Mapping[State, int]
    first: Item
    outcomes: tuple[Item, ...]
    undecided: tuple[Item, ...] = ()
    replaced: int = 0
    progress: Step | None
    written: Written = Written()
    old_names: Mapping[ItemKey, OldName] = field(default_factory=dict)
    otherwise: tuple[NoteId, ...] = ()
    only_claimed: Mapping[ItemKey, Sequence[NoteId]] = field(default_factory=dict)
    unwritten: tuple[NoteId, ...] = ()

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def lost(self) -> int:
        """How many items were not found."""
        return self.counts.get(State.FAILED, 0) + self.counts.get(State.CANCELLED, 0)

    @property
    def left(self) -> int:
        """How many items have not ended."""
        return self.total - self.lost - self.counts.get(State.COMPLETED, 0)

    @property
    def can_retry(self) -> bool:
        """Whether the task has ended with something that was not found."""
        return self.task.state.ended and self.lost > 0


def end_of(counts: Mapping[State, int]) -> State | None:
    """Return how a task with items in these states has ended; None while one of them has not."""
    if counts.get(State.PENDING) or counts.get(State.RUNNING):
        return None
    if counts.get(State.COMPLETED):
        return State.COMPLETED
    return State.FAILED if counts.get(State.FAILED) else State.CANCELLED


def verdict(evidence: Step | None) -> Step:
    """Return the failure of a lookup that ran out of time, judged by the last thing that it reported.

    *evidence* parameters: ``trackers`` asked, ``trackers_answered``, ``dht`` (0 or 1), ``dht_nodes``, ``peers`` seen,
    ``seeds`` by a tracker's word, peers ``ever_connected`` and still ``connected``, for how many seconds the last of
    one source has been ``gone_for``, ``waiting``, sources whose turn has not come, ``down``, those that could not be
    asked, and ``broken``, those that failed: the failure names them as ``turnless``, ``unasked`` and ``failed``. The
    code is ``slow`` (peers there, none gave it; so many were ``met``, or, ``gone_for`` so long, are no more), ``dead``
    (somebody answered: nobody has it), ``cut_off`` (nobody answered), or, where nothing of a swarm was reported,
    ``no_turn`` (some wait) or ``timed_out``.
    """
    seen = evidence.parameters if evidence is not None else {}
    failure = _judged(seen)
    others = {
        "unasked": seen.get("down"),
        "failed": seen.get("broken"),
        "turnless": seen.get("waiting") if failure.code != "no_turn" else None,
    }
    named = {key: labels for key, labels in others.items() if labels}
    return replace(failure, parameters={**failure.parameters, **named})


def _judged(seen: Mapping[str, int | float | str]) -> Step:
    if not {"trackers", "dht", "peers"} & seen.keys():
        return Step("no_turn", {"sources": seen["waiting"]}) if "waiting" in seen else Step("timed_out")
    if peers := max(int(seen.get("peers", 0)), int(seen.get("seeds", 0))):
        gone_for = None if seen.get("connected") else seen.get("gone_for") or None
        told = {"met": seen.get("ever_connected"), "gone_for": gone_for}
        return Step("slow", {"peers": peers} | {key: value for key, value in told.items() if value is not None})
    if seen.get("trackers_answered") or seen.get("dht_nodes"):
        return Step("dead", {"trackers": seen.get("trackers_answered", 0), "nodes": seen.get("dht_nodes", 0)})
    return Step("cut_off", {"trackers": seen.get("trackers", 0), "dht": seen.get("dht", 0)})

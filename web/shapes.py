"""What is answered: tasks and their items as JSON."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel

from services.calibration.task import HashRequest, Item, NoteRequest, Snapshot, State
from services.i18n import Translation, sentence
from services.notebook.note import Whereabouts
from services.torrents import Step


class Refused(BaseModel):
    """Every error: a sentence for people, and a word for programs that does not change."""

    success: Literal[False] = False
    error: str
    code: str


class Accepted(BaseModel):
    """A task that was taken on; *total* of its items where there may be several."""

    success: Literal[True] = True
    task_id: str
    status: State


class AcceptedBatch(Accepted):
    """The same, and how many torrents it has."""

    total: int


class Said(BaseModel):
    """A step of a lookup: a code with its parameters, and its sentence."""

    code: str
    parameters: dict[str, int | float | str]
    text: str


class OneItem(BaseModel):
    """One torrent of a task. *name* is verified against its info-hash, or only claimed; *certain*: its encoding is."""

    position: int
    info_hash: str
    status: State
    name: str | None = None
    verified: bool | None = None
    certain: bool | None = None
    size: int | None = None
    files: int | None = None
    source: str | None = None
    notes: list[int] = []
    error: str | None = None
    code: str | None = None


class Claim(BaseModel):
    """A name that nobody has verified, and the *source* that claims it."""

    info_hash: str
    name: str
    source: str


class TaskStatus(BaseModel):
    """A task as it stands. Times are UTC (ISO 8601).

    *result* of a completed one are the names that were found, one a line; those that are only *claimed* once more by
    themselves. *error* and *code* of a failed one say why. *items* are the first twenty.
    """

    success: Literal[True] = True
    task_id: str
    notebook: int
    status: State
    info_hash: str | None
    note_id: int | None
    created_at: str
    started_at: str | None
    completed_at: str | None
    counts: dict[State, int]
    progress: Said | None
    items: list[OneItem]
    result: str | None = None
    claimed: list[Claim] = []
    error: str | None = None
    code: str | None = None


class Place(BaseModel):
    """Where a note is, and at which version: what it says is read apart. *deleted*: it was put away."""

    id: int
    notebook: int
    version: int
    deleted: bool


class TaskEvent(BaseModel):
    """A task has changed; *items* and *result* are those of the few torrents that ended last."""

    type: Literal["task"] = "task"
    seq: int
    task: TaskStatus


class NoteEvent(BaseModel):
    """A note has come, changed or gone."""

    type: Literal["note"] = "note"
    seq: int
    note: Place


class SnapshotEvent(BaseModel):
    """All *tasks*, or those that changed since a number, and the *notes* that did; *reset*: it is known no more.

    *notebooks* are those which it is about.
    """

    type: Literal["snapshot"] = "snapshot"
    seq: int
    reset: bool
    notebooks: list[int]
    tasks: list[TaskStatus]
    notes: list[Place]


class Items(BaseModel):
    """A page (from 0) of a task's items; *more*: there is another one."""

    success: Literal[True] = True
    task_id: str
    page: int
    items: list[OneItem]
    more: bool


class Result(BaseModel):
    """The names that were found, one a line.

    Where some are only claimed, *verified* is false, and these are *claimed*; else neither is there.
    """

    success: Literal[True] = True
    result: str
    verified: Literal[False] | None = None
    claimed: list[Claim] | None = None


def status_of(snapshot: Snapshot, items: Sequence[Item], found: Sequence[Item], t: Translation) -> TaskStatus:
    """Return the task with these of its *items*, and of a completed one all that it *found*."""
    task = snapshot.task
    request = task.request
    one_hash = isinstance(request, HashRequest) and snapshot.total == 1
    failure = failure_of(snapshot) if task.state is State.FAILED else None
    return TaskStatus(
        task_id=task.id,
        notebook=task.notebook,
        status=task.state,
        info_hash=snapshot.first.torrent.shown.hex if one_hash else None,
        note_id=request.notes[0] if isinstance(request, NoteRequest) and len(request.notes) == 1 else None,
        created_at=time_of(task.created_at),
        started_at=None if task.started_at is None else time_of(task.started_at),
        completed_at=None if task.completed_at is None else time_of(task.completed_at),
        counts=dict(snapshot.counts),
        progress=_said(snapshot.progress, t) if snapshot.progress else None,
        items=[item_of(one, t) for one in items],
        result=_names_of(found) if task.state is State.COMPLETED else None,
        claimed=_claims_of(found) if task.state is State.COMPLETED else [],
        error=sentence(failure.code, failure.parameters, t) if failure else None,
        code=failure.code if failure else None,
    )


def glimpse_of(snapshot: Snapshot, t: Translation) -> TaskStatus:
    """Return the task with the few of its items that ended last, and what they found: all that is known at once."""
    latest = (snapshot.first,) if snapshot.total == 1 else snapshot.outcomes
    return status_of(snapshot, latest, latest, t)


def place_of(whereabouts: Whereabouts) -> Place:
    return Place(
        id=whereabouts.id,
        notebook=whereabouts.notebook,
        version=whereabouts.version,
        deleted=whereabouts.deleted,
    )


def failure_of(snapshot: Snapshot) -> Step | None:
    """Return why the first of those of its items that failed did so, or one of the last; None where none did."""
    return next((one.failure for one in (snapshot.first, *snapshot.outcomes) if one.failure), None)


def item_of(item: Item, t: Translation) -> OneItem:
    shown = OneItem(position=item.position, info_hash=item.torrent.shown.hex, status=item.state)
    if (found := item.found) is not None:
        shown.name, shown.verified, shown.certain = found.name.text, found.verified, found.name.certain
        shown.size, shown.files, shown.source = found.size, found.file_count, found.source
        shown.notes = list(item.corrected)
    if (failure := item.failure) is not None:
        shown.error, shown.code = sentence(failure.code, failure.parameters, t), failure.code
    return shown


def result_of(found: Sequence[Item]) -> Result:
    """Return the names of what was found, and which of them nobody has verified."""
    claimed = _claims_of(found)
    return Result(result=_names_of(found), verified=False if claimed else None, claimed=claimed or None)


def _names_of(found: Sequence[Item]) -> str:
    return "\n".join(" ".join(one.found.name.text.splitlines()) for one in found if one.found is not None)


def _claims_of(found: Sequence[Item]) -> list[Claim]:
    return [
        Claim(info_hash=one.torrent.shown.hex, name=one.found.name.text, source=one.found.source)
        for one in found
        if one.found is not None and not one.found.verified
    ]


def _said(step: Step, t: Translation) -> Said:
    text = sentence(step.code, step.parameters, t)
    return Said(code=step.code, parameters=dict(step.parameters), text=text)


def time_of(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

"""What is answered: notes, their histories and their torrents as JSON. Times are UTC (ISO 8601)."""

from collections.abc import Mapping, Sequence
from typing import Literal

from pydantic import BaseModel

from services.magnets.junk import is_junk
from services.magnets.parse import Magnet
from services.notebook.differences import differences
from services.notebook.note import Known, Note, Step
from services.notebook.search import Line, Torrent
from services.torrents import TorrentId
from web.shapes import time_of

_MOST_CHANGES = 100
_LONGEST = 1_000
"""Characters that are told of what an edit replaced, or of a name."""


class OneNotebook(BaseModel):
    """A notebook that is open to who asks; *title* where something is known of a group."""

    id: int
    own: bool
    title: str | None = None


class Notebooks(BaseModel):
    """The notebooks that are open to who asks, their own first."""

    success: Literal[True] = True
    notebooks: list[OneNotebook]


class NoteLine(BaseModel):
    """A note in a list. *junk*: a name in it tells nothing; *calibrated*: nothing is left to calibrate in it.

    *undecided*: a name that was found is a guess, and nobody has chosen from its readings.
    """

    id: int
    notebook: int
    version: int
    excerpt: str
    torrents: int
    junk: bool
    calibrated: bool
    undecided: bool
    created_at: str
    changed_at: str


class Notes(BaseModel):
    """A page (from 0) of notes, newest first; *more*: there is another one."""

    success: Literal[True] = True
    page: int
    notes: list[NoteLine]
    more: bool


class WhatIsKnown(BaseModel):
    """What is known of a torrent; its name is the one that people of the notebook chose, where they did."""

    name: str
    verified: bool
    certain: bool
    size: int
    files: int


class Link(BaseModel):
    """A magnet of a note: its first torrent, the name that it has there, and what is known."""

    info_hash: str
    name: str | None
    junk: bool
    known: WhatIsKnown | None


class WholeNote(BaseModel):
    """A note as it is; *source*, of a forwarded text, is whom it is from."""

    id: int
    notebook: int
    version: int
    text: str
    source: str | None
    created_at: str
    changed_at: str
    torrents: list[Link]


class OneNote(BaseModel):
    """A note."""

    success: Literal[True] = True
    note: WholeNote


class DeletedNote(BaseModel):
    """The number of a note that is deleted."""

    success: Literal[True] = True
    id: int


class OneChange(BaseModel):
    """*added* stands where *removed* stood: names, null where there was none; or a place of the text and around it."""

    before: str
    removed: str | None
    added: str | None
    after: str


class OneStep(BaseModel):
    """What made *version* of a note; *further*: how many changes of names there are beyond these."""

    version: int
    at: str
    cause: str
    task_id: str | None
    changes: list[OneChange]
    further: int


class Steps(BaseModel):
    """A page (from 0) of a note's history, newest first; *more*: there is another one."""

    success: Literal[True] = True
    id: int
    page: int
    steps: list[OneStep]
    more: bool


class OneFile(BaseModel):
    """A file of a torrent, and its bytes."""

    path: str
    size: int


class OneTorrent(BaseModel):
    """A torrent, and a page (from 0) of its *files*; what is not known yet is null. *notes* are those that have it."""

    success: Literal[True] = True
    info_hash: str
    name: str | None = None
    verified: bool | None = None
    certain: bool | None = None
    size: int | None = None
    file_count: int | None = None
    source: str | None = None
    page: int
    files: list[OneFile]
    more: bool
    notes: list[int]


def line_of(line: Line) -> NoteLine:
    note = line.note
    return NoteLine(
        id=note.id,
        notebook=note.notebook,
        version=note.version,
        excerpt=line.excerpt,
        torrents=line.torrents,
        junk=line.junk,
        calibrated=line.calibrated,
        undecided=line.undecided,
        created_at=time_of(note.created_at),
        changed_at=time_of(note.changed_at),
    )


def note_of(note: Note, magnets: Sequence[Magnet], known: Mapping[TorrentId, Known]) -> WholeNote:
    return WholeNote(
        id=note.id,
        notebook=note.notebook,
        version=note.version,
        text=note.text,
        source=note.source,
        created_at=time_of(note.created_at),
        changed_at=time_of(note.changed_at),
        torrents=[_link(one, known.get(one.torrents[0])) for one in magnets],
    )


def _link(magnet: Magnet, known: Known | None) -> Link:
    return Link(
        info_hash=magnet.torrents[0].shown.hex,
        name=magnet.name,
        junk=is_junk(magnet.name or ""),
        known=None if known is None else _known(known),
    )


def _known(known: Known) -> WhatIsKnown:
    return WhatIsKnown(
        name=known.name.text,
        verified=known.verified,
        certain=known.name.certain,
        size=known.size,
        files=known.file_count,
    )


def steps_of(steps: Sequence[Step]) -> list[OneStep]:
    return [_step(one) for one in steps]


def _step(step: Step) -> OneStep:
    changes = differences(step)
    return OneStep(
        version=step.version + 1,
        at=time_of(step.change.at),
        cause=step.change.cause,
        task_id=step.change.task_id,
        changes=[
            OneChange(before=one.before, removed=_short(one.removed), added=_short(one.added), after=one.after)
            for one in changes[:_MOST_CHANGES]
        ],
        further=max(0, len(changes) - _MOST_CHANGES),
    )


def _short(text: str | None) -> str | None:
    return text if text is None or len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def torrent_of(torrent: Torrent, page: int) -> OneTorrent:
    shown = OneTorrent(
        info_hash=torrent.held.torrent.shown.hex,
        page=page,
        files=[OneFile(path=one.path, size=one.size) for one in torrent.files],
        more=torrent.more,
        notes=list(torrent.held.notes),
    )
    if (known := torrent.held.known) is not None:
        shown.name, shown.verified, shown.certain = known.name.text, known.verified, known.name.certain
        shown.size, shown.file_count, shown.source = known.size, known.file_count, known.source
    return shown

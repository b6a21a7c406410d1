"""All notes of a notebook as files; ``docs/export.md`` says what is in them.

A file is written a few notes at a time, in a thread, and stands in no folder: whatever happens to this process or to
whom it is handed, nothing of it is left.
"""

import asyncio
import contextlib
import io
import json
import os
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import ParamSpec, Self, TypeVar
from weakref import WeakKeyDictionary

import structlog

from services.clock import Clock
from services.errors import ExportFailed, ExportUnderWay
from services.notebook.note import Note, Revision
from services.notebook.ports import NotebookStore, NotebookTx
from services.torrents import NotebookId, NoteId

FORMAT = "calibot-notes"
VERSION = 1
LARGEST = 45_000_000
"""Bytes in a file: Telegram takes 50 MB of a bot (Bot API, "Sending files")."""

_TOGETHER = 50  # notes in memory
_LONGEST_HISTORY = 4_000_000  # characters of a note's history in one record: with it a file stays below 50 MB
_log = structlog.stdlib.get_logger(__name__)
P = ParamSpec("P")
T = TypeVar("T")


class Nameless(io.BufferedRandom):
    """A file that stands in no folder: it is gone when it is closed, or when nobody holds it any more."""

    @classmethod
    def new(cls, folder: Path) -> Self:
        """Make one on the disk of *folder*. Blocks."""
        descriptor, path = tempfile.mkstemp(prefix=".export-", dir=folder)
        os.unlink(path)  # noqa: PTH108 - as mkstemp gave it
        return cls(io.FileIO(descriptor, "r+b"))

    def close(self) -> None:
        """Let it be gone. What a full disk did not take was told when it was written."""
        with contextlib.suppress(OSError):
            super().close()

    def __del__(self) -> None:
        self.close()


class Kind(StrEnum):
    """What a file is."""

    JSON = "json"
    TEXT = "txt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A file to hand out: its *name*, and its *content* of at most `LARGEST` bytes, about so many *notes*."""

    kind: Kind
    name: str
    content: Nameless
    notes: int


@dataclass(frozen=True, slots=True)
class _Shape:
    """What stands around the records of a file: *head* takes its number; after the last file's stands *last_tail*."""

    kind: Kind
    head: Callable[[int], str]
    between: str
    tail: str
    last_tail: str


@dataclass(frozen=True, slots=True)
class _Record:
    """What is never parted: a note, or more of its history."""

    text: str
    notes: int = 1


class Export:
    """Writes notebooks out, one export of each at a time. *folder* is where the disk has room for them."""

    def __init__(self, store: NotebookStore, clock: Clock, folder: Path, *, largest: int = LARGEST) -> None:
        self._store = store
        self._clock = clock
        self._folder = folder
        self._largest = largest
        self._writing: set[NotebookId] = set()
        self._handed_out: WeakKeyDictionary[Nameless, NotebookId] = WeakKeyDictionary()

    async def documents(self, notebook: NotebookId) -> AsyncIterator[Document]:
        """Yield the files, each as soon as it is full: JSON and text, notes by their numbers. None without a note.

        Each note is as it is when its turn comes; one that is deleted before that is not in them.

        Raises:
            ExportUnderWay: somebody still holds files of this notebook's last export.
            ExportFailed: a file could not be written.
            StoreUnavailable: the notes could not be read.
        """
        if notebook in self._writing or self._is_held(notebook):
            raise ExportUnderWay
        self._writing.add(notebook)
        try:
            async for document in self._written(notebook):
                self._handed_out[document.content] = notebook
                yield document
        finally:
            self._writing.discard(notebook)

    def _is_held(self, notebook: NotebookId) -> bool:
        return any(owner == notebook and not file.closed for file, owner in self._handed_out.items())

    async def _written(self, notebook: NotebookId) -> AsyncIterator[Document]:
        at = self._clock.now()
        series = [_Series(shape, _day(at), self._folder, self._largest) for shape in (_json_shape(at), _TEXT_SHAPE)]
        async for page in self._pages(notebook):
            for one, records in zip(series, (_json_records, _text_records), strict=True):
                for document in await _in_thread(one.add, records(page)):
                    yield document
        for one in series:
            if (last := await _in_thread(one.end)) is not None:
                yield last

    async def _pages(self, notebook: NotebookId) -> AsyncIterator[Sequence[tuple[Note, Sequence[Revision]]]]:
        last = NoteId(0)

        async def read(tx: NotebookTx) -> Sequence[tuple[Note, Sequence[Revision]]]:
            notes = await tx.notes.page_after(notebook, after=last, limit=_TOGETHER)
            return [(one, await tx.notes.revisions(one.id) if one.version > 1 else ()) for one in notes]

        while page := await self._store.read(read):
            yield page
            last = page[-1][0].id


class _Series:
    """The files of one kind, one after another. Its calls block."""

    def __init__(self, shape: _Shape, day: str, folder: Path, largest: int) -> None:
        self._shape = shape
        self._day = day
        self._folder = folder
        self._largest = largest
        self._part = 0
        self._file: Nameless | None = None
        self._size = 0
        self._notes = 0

    def add(self, records: Iterable[_Record]) -> list[Document]:
        """Write *records*; return the files that are full."""
        full = []
        for record in records:
            encoded = record.text.encode(errors="replace")
            between = self._shape.between.encode()
            grown = self._size + len(between) + len(encoded) + len(self._shape.tail)
            if self._file is not None and grown > self._largest:
                full.append(self._ended(self._file, last=False))
            if self._file is None:
                self._begin()
            else:
                self._write(between)
            self._write(encoded)
            self._notes += record.notes
        return full

    def end(self) -> Document | None:
        """Return the last file; None where nothing was written."""
        return None if self._file is None else self._ended(self._file, last=True)

    def _begin(self) -> None:
        self._part += 1
        self._file = Nameless.new(self._folder)
        self._size = self._notes = 0
        self._write(self._shape.head(self._part).encode())

    def _write(self, data: bytes) -> None:
        assert self._file is not None  # noqa: S101 - begun
        self._file.write(data)
        self._size += len(data)

    def _ended(self, file: Nameless, *, last: bool) -> Document:
        self._write((self._shape.last_tail if last else self._shape.tail).encode())
        file.flush()
        self._file = None
        part = "" if last and self._part == 1 else f"-part-{self._part}"
        name = f"notes-{self._day}{part}.{self._shape.kind}"
        return Document(kind=self._shape.kind, name=name, content=file, notes=self._notes)


def _json_shape(at: float) -> _Shape:
    def head(part: int) -> str:
        about = {"format": FORMAT, "version": VERSION, "exported_at": _time(at), "part": part}
        return json.dumps(about)[:-1] + ', "notes": [\n'

    return _Shape(Kind.JSON, head, ",\n", '\n], "last": false}\n', '\n], "last": true}\n')


_TEXT_SHAPE = _Shape(Kind.TEXT, lambda _: "", "\n\n", "\n", "\n")


def _json_records(page: Sequence[tuple[Note, Sequence[Revision]]]) -> Iterator[_Record]:
    for note, revisions in page:
        about = {
            "number": note.id,
            "text": note.text,
            "version": note.version,
            "person": note.person,
            "created_at": _time(note.created_at),
            "changed_at": _time(note.changed_at),
            "origin": note.origin,
            "source": note.source,
        }
        first, *further = _portions(revisions)
        yield _json_record(about | {"revisions": first})
        for portion in further:
            yield _json_record({"number": note.id, "continued": True, "revisions": portion}, notes=0)


def _json_record(value: object, notes: int = 1) -> _Record:
    return _Record(json.dumps(value, ensure_ascii=False), notes)


def _portions(revisions: Sequence[Revision]) -> list[list[object]]:
    """Return *revisions* for JSON, parted where they are too long for one record; at least one portion."""
    portions: list[list[object]] = [[]]
    length = 0
    for one in revisions:
        length += len(one.text)
        if length > _LONGEST_HISTORY and portions[-1]:
            portions.append([])
            length = len(one.text)
        change = one.change
        portions[-1].append(
            {
                "version": one.version,
                "text": one.text,
                "replaced_at": _time(change.at),
                "cause": change.cause,
                "person": change.person,
                "task": change.task_id,
            }
        )
    return portions


def _text_records(page: Sequence[tuple[Note, Sequence[Revision]]]) -> Iterator[_Record]:
    for note, _ in page:
        yield _Record(f"#{note.id} · {_time(note.created_at)}\n{note.text}")


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _day(at: float) -> str:
    return _time(at)[:10]


async def _in_thread(act: Callable[P, T], *given: P.args, **named: P.kwargs) -> T:
    try:
        return await asyncio.to_thread(act, *given, **named)
    except OSError as error:
        _log.error("export.failed", reason=str(error))
        raise ExportFailed(reason=str(error)) from error

"""What changed, read once for all who listen."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from services.calibration.manager import AsyncCalibrationManager
from services.calibration.task import Snapshot
from services.clock import Clock
from services.i18n import Translation
from services.notebook.note import Whereabouts
from services.notebook.notebook import Notebook
from services.torrents import NotebookId, PersonId
from web.refusals import TooManyListeners
from web.shapes import NoteEvent, TaskEvent, glimpse_of, place_of

_PACE = 0.1  # seconds between two readings: what changes faster is told together
_TOGETHER = 500
_MOST_OF_ONE = 50  # listeners: more than anybody has tabs, and fewer than all connections, however few there may be


@dataclass(frozen=True, slots=True)
class Event:
    """One change, for whoever may open *notebook*; its text is made once for each language."""

    seq: int
    notebook: NotebookId
    _what: Snapshot | Whereabouts
    _texts: dict[Translation, str] = field(default_factory=dict)

    def text(self, t: Translation) -> str:
        if t not in self._texts:
            self._texts[t] = self._event(t).model_dump_json()
        return self._texts[t]

    def _event(self, t: Translation) -> TaskEvent | NoteEvent:
        if isinstance(self._what, Snapshot):
            return TaskEvent(seq=self.seq, task=glimpse_of(self._what, t))
        return NoteEvent(seq=self.seq, note=place_of(self._what))


@dataclass(frozen=True, slots=True)
class Batch:
    """All that changed after *after*, up to *number*, in order; *reset*: that is not known any more."""

    after: int
    number: int
    events: tuple[Event, ...]
    reset: bool


class Feed:
    """Gives listeners what changed. Who keeps up shares one reading with all others."""

    def __init__(self, manager: AsyncCalibrationManager, notebook: Notebook, clock: Clock) -> None:
        self._manager = manager
        self._notebook = notebook
        self._clock = clock
        self._turn = asyncio.Lock()
        self._listeners: Counter[PersonId] = Counter()
        self._last: Batch | None = None

    @contextlib.contextmanager
    def listening(self, person: PersonId) -> Iterator[None]:
        """Let the feed go on while the ``with`` lasts; with nobody there it begins anew.

        Raises:
            TooManyListeners: the person has as many open as one may.
        """
        if self._listeners[person] >= _MOST_OF_ONE:
            raise TooManyListeners(most=_MOST_OF_ONE)
        self._listeners[person] += 1
        try:
            yield
        finally:
            self._listeners[person] -= 1
            self._listeners = +self._listeners  # without who has left
            if not self._listeners:
                self._last = None

    async def after(self, number: int) -> Batch:
        """Return a batch that reaches beyond *number*, when something has changed; it may begin before that.

        Raises:
            StoreUnavailable: it cannot be read what.
        """
        await self._manager.changed_after(number)
        async with self._turn:
            if self._last is None or self._last.number <= number:
                await self._clock.sleep(_PACE)
            while self._last is None or self._last.number <= number:
                self._last = await self._read(number if self._last is None else self._last.number)
            last = self._last
        return last if last.after <= number else await self._read(number)

    async def _read(self, number: int) -> Batch:
        changes = await self._manager.changes_since(number, limit=_TOGETHER)
        if changes.reset:
            return Batch(number, changes.number, (), reset=True)
        events = [Event(one.seq, one.task.notebook, one) for one in changes.tasks]
        if changes.notes:
            places = await self._notebook.whereabouts(list(changes.notes))
            events += [Event(changes.notes[one.id], one.notebook, one) for one in places]
        return Batch(number, changes.number, tuple(sorted(events, key=lambda one: one.seq)), reset=False)

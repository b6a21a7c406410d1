"""What an accepted request, and what lookups tell, change in the store: each call inside one transaction."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from services.calibration.boards import fold
from services.calibration.ports import LookedUp, Served, Tx
from services.calibration.task import Found, Item, ItemKey, NoteRequest, PassedOver, State, Task, end_of
from services.magnets.claims import clearly_different
from services.magnets.parse import find_magnets
from services.magnets.rewrite import rename_at
from services.notebook.note import Change, Mark, Note, is_sure, may_be_written
from services.notebook.writers import Typed
from services.torrents import Name, NotebookId, NoteId, Step, TaskId, TorrentId, TorrentInfo

_LEFT = "cancelled"
"""What a lookup came to for those who stopped it."""


@dataclass(slots=True)
class Applied:
    """What a transaction changed: tasks, notes, the items that ended in it, and the tasks that did; and its lookups."""

    tasks: set[TaskId] = field(default_factory=set)
    notes: set[NoteId] = field(default_factory=set)
    ended: set[ItemKey] = field(default_factory=set)
    over: dict[TaskId, State] = field(default_factory=dict)
    lookups: list[LookedUp] = field(default_factory=list)


Waits = tuple[tuple[ItemKey, int], ...]
"""Items that wait for a lookup, each with the attempt that asked."""


@dataclass(frozen=True, slots=True)
class Began:
    """A lookup is running: so are its items, and their tasks."""

    waits: Waits


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A name: a verified one serves every item that waits for its hash, a claimed one those of *waits*.

    *info* is what is to be filed of it; None where it has been before.
    """

    found: Found
    info: TorrentInfo | None = None
    waits: Waits = ()


@dataclass(frozen=True, slots=True)
class Failed:
    """A failure, for those of *waits* that are still at the attempt that failed."""

    failure: Step
    waits: Waits


Pin = tuple[NoteId, TorrentId]
"""Where a person undid a name, or kept the old one; or, of a claim, has typed another while a task runs."""


@dataclass(frozen=True, slots=True)
class _Write:
    """A name that *task* writes for its *items* into *notes*, some of those *having* a link that it is about.

    Of each note it is known when the name was last asked for there: others may have done so, after the task.
    """

    task: Task
    found: Found
    having: Sequence[NoteId]
    notes: Mapping[NoteId, float]
    items: Sequence[ItemKey]


Told = Began | Named | Failed | LookedUp


def writable(found: Found) -> bool:
    """Whether a name goes into notes by itself: one that is sure, and that can."""
    return is_sure(found.name, verified=found.verified) and may_be_written(found.name)


def passed_over(found: Found, notes: Collection[NoteId], pinned: Collection[Pin]) -> PassedOver | None:
    """Return why the name was written into none of *notes*, those that were asked for and have the torrent."""
    if not notes:
        return PassedOver.GONE
    if not is_sure(found.name, verified=found.verified):
        return PassedOver.UNSURE
    return PassedOver.PINNED if any((note, found.torrent) in pinned for note in notes) else None


def served_by_lookup(item: Item, task: Task, outcome: str, source: str | None = None) -> Served | None:
    """Return what the lookup of an *item* that has ended was to its notebook; None where none had begun."""
    if item.started_at is None or item.ended_at is None:
        return None
    return Served(
        notebook=task.notebook,
        source=source,
        waited=None if item.attempt > 1 and item.asked_again_at is None else item.started_at - task.asked_at(item),
        took=item.ended_at - item.started_at,
        outcome=outcome,
    )


def named_in(text: str, founds: Sequence[Found]) -> tuple[str, Mapping[TorrentId, str | None]]:
    """Return *text* with the names of *founds* in it, and the torrents of which a link was changed.

    Each with a name that it had there and that claimed something clearly different; None without one.
    """
    verified = {one: found for found in founds if found.verified for one in found.torrent.hashes}
    claimed = {found.torrent: found for found in founds if not found.verified}
    meant: dict[int, tuple[Found, str | None]] = {}
    for magnet in find_magnets(text):
        first = magnet.torrents[0]
        candidates = (*map(verified.get, first.hashes), claimed.get(first))  # a claim never stands for what is verified
        found = next((one for one in candidates if one is not None and one.speaks_of(first)), None)
        if found is not None:
            meant[magnet.start] = found, magnet.name
    renamed, changed = rename_at(text, {start: found.name.text for start, (found, _) in meant.items()})
    became: dict[TorrentId, str | None] = {meant[start][0].torrent: None for start in changed}
    for found, old in meant.values():
        torrent = found.torrent
        if old and torrent in became and became[torrent] is None and clearly_different(old, found.name.text):
            became[torrent] = old
    return renamed, became


async def apply_told(tx: Tx, told: Sequence[Told], now: float) -> Applied:
    """Store what lookups told, in its order but for claims, which come last: names, corrected notes, items, tasks.

    What costs a statement costs it once for all of them: that is where the throughput of batches comes from.
    """
    await tx.names.put([one.info for one in told if isinstance(one, Named) and one.info], now)
    step = _Step(now)
    step.applied.tasks |= await _overtaken(tx, told)
    step.applied.lookups += [one for one in told if isinstance(one, LookedUp)]
    await tx.lookups.add(step.applied.lookups, now)
    await step.load(tx, told)
    for one in sorted(told, key=_is_claim):  # who waits for both has the verified name
        match one:
            case Began(waits):
                step.begin(waits)
            case Named():
                step.complete(one)
            case Failed(failure, waits):
                step.fail(failure, waits)
    await step.store(tx)
    return step.applied


def _is_claim(told: Told) -> bool:
    return isinstance(told, Named) and not told.found.verified


async def _overtaken(tx: Tx, told: Sequence[Told]) -> set[TaskId]:
    """Let the cards that told of a claim, whose place something verified takes, show that."""
    verified = [one.info.torrent for one in told if isinstance(one, Named) and one.info and one.info.verified]
    claims = await tx.names.replaced_claims(verified) if verified else ()
    tasks = {one.task_id for notebook, torrent in claims for one in await tx.tasks.found_in(notebook, torrent)}
    await tx.followers.renew(list(tasks))
    return tasks


class _Step:
    """The items, tasks and notes that one transaction changes, as they are in it."""

    def __init__(self, now: float) -> None:
        self.applied = Applied()
        self._now = now
        self._items: dict[ItemKey, Item] = {}
        self._waiting: dict[TorrentId, list[ItemKey]] = {}
        self._tasks: dict[TaskId, Task] = {}
        self._notes: dict[NoteId, Note] = {}
        self._chosen: Mapping[tuple[NotebookId, TorrentId], Name] = {}
        self._having: dict[tuple[NotebookId, TorrentId], list[NoteId]] = {}
        self._links: dict[NoteId, Collection[TorrentId]] = {}
        self._pinned: set[Pin] = set()
        self._asked: dict[TaskId, frozenset[NoteId]] = {}
        self._changed_items: set[ItemKey] = set()
        self._changed_tasks: set[TaskId] = set()
        self._writes: list[_Write] = []
        self._rewritten: list[tuple[Note, str, Change]] = []
        self._marks: list[Mark] = []
        self._served_by_lookups: list[Served] = []

    # What may change is read at once.

    async def load(self, tx: Tx, told: Sequence[Told]) -> None:
        named = [one for one in told if isinstance(one, Named)]
        keys = dict.fromkeys(key for one in told if not isinstance(one, LookedUp) for key, _ in one.waits)
        for item in await tx.tasks.items_at(list(keys)):
            self._items[item.key] = item
        verified = [one.found.torrent for one in named if one.found.verified]
        for torrent, items in (await tx.tasks.waiting(verified)).items():
            self._waiting[torrent] = [item.key for item in items]
            self._items.update({item.key: item for item in items})
        self._tasks = dict(await tx.tasks.those({task_id for task_id, _ in self._items}))
        if guessed := [one.found.torrent for one in named if not (one.found.name.certain and one.found.verified)]:
            self._chosen = await tx.names.chosen(guessed)
        await self._load_notes(tx, named)

    async def _load_notes(self, tx: Tx, named: Iterable[Named]) -> None:
        wanted: dict[NotebookId, list[TorrentId]] = {}
        for one in named:
            for task in _firsts(self._note_tasks(self._served(one))):
                wanted.setdefault(task.notebook, []).append(one.found.torrent)
        for notebook, asked in wanted.items():
            torrents = list(dict.fromkeys(asked))
            self._pinned.update(await tx.notes.pinned(notebook, torrents))
            for torrent, notes in (await tx.notes.having(notebook, torrents)).items():
                self._having[notebook, torrent] = [note.id for note in notes]
                self._notes.update({note.id: note for note in notes})

    def _served(self, named: Named) -> list[ItemKey]:
        """Return the items that a name serves: those it finds unended."""
        found = named.found
        keys = self._waiting.get(found.torrent, []) if found.verified else [key for key, _ in named.waits]
        return [key for key in keys if key in self._items and not self._items[key].state.ended]

    def _known(self, found: Found, notebook: NotebookId) -> Found:
        """Return *found*, by the name that people of the notebook chose for it where they did."""
        chosen = self._chosen.get((notebook, found.torrent))
        return replace(found, name=chosen) if chosen else found

    def _note_tasks(self, keys: Iterable[ItemKey]) -> list[Task]:
        """Return the tasks of *keys* that write into notes."""
        tasks = [self._tasks[task_id] for task_id in dict.fromkeys(task_id for task_id, _ in keys)]
        return [task for task in tasks if isinstance(task.request, NoteRequest)]

    # What lookups told, one after another.

    def begin(self, waits: Waits) -> None:
        for key, attempt in waits:
            item = self._items.get(key)
            if item is not None and item.state is State.PENDING and item.attempt == attempt:
                self._put(item.to(State.RUNNING, started_at=self._now))

    def complete(self, named: Named) -> None:
        keys = self._served(named)
        for key in keys:
            self._end(self._items[key], State.COMPLETED, found=named.found)
            if named.info is not None:  # else it was known: there was no lookup
                self._count(self._items[key], "found", named.found.source)
        self._plan(self._note_tasks(keys), named.found, keys)

    def fail(self, failure: Step, waits: Waits) -> None:
        for key, attempt in waits:
            item = self._items.get(key)
            if item is not None and not item.state.ended and item.attempt == attempt:
                self._end(item, State.FAILED, failure=failure)
                self._count(self._items[key], failure.code)

    def _plan(self, tasks: Sequence[Task], found: Found, keys: Collection[ItemKey]) -> None:
        """Let the name be written into every note of the tasks' notebooks that has the torrent, for items at *keys*.

        Of several tasks of a notebook the first one that asked for a note does so, and the first of all where none did:
        what a task has not written its card does not tell, and could not undo.
        """
        mine = {task.id: [key for key in keys if key[0] == task.id] for task in tasks}
        asked_at = {task.id: max(task.asked_at(self._items[key]) for key in mine[task.id]) for task in tasks}
        notes: dict[TaskId, dict[NoteId, float]] = {task.id: {} for task in tasks}
        having: dict[NotebookId, Sequence[NoteId]] = {}
        for first in _firsts(tasks):
            asking = [task for task in tasks if task.notebook == first.notebook]
            having[first.notebook] = self._spoken_of(found, first.notebook)
            for note_id in having[first.notebook]:
                here = [task for task in asking if note_id in self._asked_for(task)]
                # What nobody verified is written where it was asked for alone, even if people chose it elsewhere.
                if meant := here or ([first] if found.verified else []):
                    notes[meant[0].id][note_id] = max(asked_at[task.id] for task in meant)
        for task in tasks:
            known = self._known(found, task.notebook)
            self._writes.append(_Write(task, known, having[task.notebook], notes[task.id], mine[task.id]))

    def _spoken_of(self, found: Found, notebook: NotebookId) -> Sequence[NoteId]:
        """Return the notes that a name is about: of those that share a hash with a claim not all are."""
        having = self._having.get((notebook, found.torrent), ())
        if found.verified:
            return having
        for note_id in having:
            if note_id not in self._links:
                self._links[note_id] = {one.torrents[0] for one in find_magnets(self._notes[note_id].text)}
        return [one for one in having if any(map(found.speaks_of, self._links[one]))]

    def _asked_for(self, task: Task) -> frozenset[NoteId]:
        if task.id not in self._asked:
            self._asked[task.id] = frozenset(task.request.notes if isinstance(task.request, NoteRequest) else ())
        return self._asked[task.id]

    async def _spare_typed(self, tx: Tx) -> None:
        """Let what people typed while a task runs stay where it would write a claim that was chosen elsewhere."""
        typed: dict[NoteId, Typed] = {}
        for one in self._writes:
            for note_id, since in one.notes.items() if writable(one.found) and not one.found.verified else ():
                note = self._notes[note_id]
                if note.changed_at >= since and note_id not in typed:
                    typed[note_id] = Typed(note, await tx.notes.revisions(note_id))
                if note_id in typed and typed[note_id].since(since, one.found.speaks_of, one.found.name.text):
                    self._pinned.add((note_id, one.found.torrent))

    def _rewrite(self) -> None:
        """Write all names that a task has for a note at once: a list of thousands of links would be read for each."""
        names: dict[tuple[TaskId, NoteId], list[Found]] = {}
        for one in self._writes:
            for note_id in one.notes if writable(one.found) else ():
                if (note_id, one.found.torrent) not in self._pinned:
                    names.setdefault((one.task.id, note_id), []).append(one.found)
        became: dict[tuple[TaskId, NoteId], Mapping[TorrentId, str | None]] = {}
        for (task_id, note_id), founds in names.items():
            task, note = self._tasks[task_id], self._notes[note_id]
            text, became[task_id, note_id] = named_in(note.text, founds)
            if text != note.text:
                change = Change(cause=task.cause, person=task.asked_by, task_id=task.id, at=self._now)
                self._rewritten.append((note, text, change))
                self._notes[note_id] = replace(note, text=text, version=note.version + 1)
                self.applied.notes.add(note_id)
        for one in self._writes:
            torrent = one.found.torrent
            there = {note_id: became.get((one.task.id, note_id), {}) for note_id in one.notes}
            corrected = tuple(note_id for note_id, changed in there.items() if torrent in changed)
            asked = self._asked_for(one.task)
            about = [note_id for note_id in one.having if note_id in asked]
            why = None if corrected else passed_over(one.found, about, self._pinned)
            # What is yet to be decided about is nothing to notes that were not asked for.
            marked = one.notes if writable(one.found) else [note_id for note_id in one.notes if note_id in asked]
            for asked_at in {one.notes[note_id] for note_id in marked}:
                those = [note_id for note_id in marked if one.notes[note_id] == asked_at]
                self._marks.append(Mark(one.task.notebook, torrent, State.COMPLETED, one.task.id, those, asked_at))
            old_names = (there[note_id][torrent] for note_id in sorted(corrected, key=lambda one: one not in asked))
            was = next(filter(None, old_names), None)
            for key in one.items:
                self._items[key] = replace(self._items[key], corrected=corrected, passed_over=why, was=was)

    def _end(self, item: Item, state: State, **outcome: object) -> None:
        if item.state is State.PENDING:  # served by another's lookup while it was in line
            item = item.to(State.RUNNING, started_at=self._now)
        ended = item.to(state, ended_at=self._now, **outcome)
        self._put(ended)
        self.applied.ended.add(ended.key)
        task = self._tasks[ended.task_id]
        if isinstance(task.request, NoteRequest) and not ended.found:
            self._marks.append(Mark(task.notebook, ended.torrent, state, task.id))

    def _count(self, item: Item, outcome: str, source: str | None = None) -> None:
        served = served_by_lookup(item, self._tasks[item.task_id], outcome, source)
        if served is not None:
            self._served_by_lookups.append(served)

    def _put(self, item: Item) -> None:
        self._items[item.key] = item
        self._changed_items.add(item.key)
        task = self._tasks[item.task_id]
        self.applied.tasks.add(task.id)
        if task.state is State.PENDING:
            self._put_task(task.to(State.RUNNING, started_at=task.started_at or self._now))

    def _put_task(self, task: Task) -> None:
        self._tasks[task.id] = task
        self._changed_tasks.add(task.id)

    # And all is written at once.

    async def store(self, tx: Tx) -> None:
        await self._spare_typed(tx)
        self._rewrite()
        for note, text, change in self._rewritten:
            await tx.notes.replace_text(note, text, change)
        await tx.notes.mark(self._marks, self._now)
        await tx.served.add(self._served_by_lookups, self._now)
        await tx.tasks.replace_items([self._items[key] for key in self._changed_items])
        over = {task_id for task_id, _ in self.applied.ended if task_id in self._tasks}
        for task_id in over - set(await tx.tasks.unended_among(over)):
            end = end_of(await tx.tasks.counts(task_id))
            if end is not None and not self._tasks[task_id].state.ended:
                self._put_task(self._tasks[task_id].to(end, completed_at=self._now))
                self.applied.over[task_id] = end
        await tx.tasks.replace([self._tasks[task_id] for task_id in self._changed_tasks])


def _firsts(tasks: Iterable[Task]) -> Sequence[Task]:
    """Return the first of each notebook."""
    firsts: dict[NotebookId, Task] = {}
    for task in tasks:
        firsts.setdefault(task.notebook, task)
    return list(firsts.values())


async def apply_cancel(tx: Tx, task: Task, now: float) -> set[ItemKey]:
    """End a task under way as cancelled, and its items that are left: these are returned. It keeps what it found."""
    left = await tx.tasks.items(task.id, states=(State.PENDING, State.RUNNING))
    ended = [item.to(State.CANCELLED, ended_at=now) for item in left]
    await tx.tasks.replace_items(ended)
    await tx.served.add([one for item in ended if (one := served_by_lookup(item, task, _LEFT))], now)
    if isinstance(task.request, NoteRequest):
        await tx.notes.mark([Mark(task.notebook, item.torrent, State.CANCELLED, task.id) for item in left], now)
    await tx.tasks.replace([task.to(State.CANCELLED, completed_at=now)])
    return {item.key for item in left}


async def apply_retry(tx: Tx, task: Task, now: float) -> Task:
    """Put the failed and cancelled items of an ended task back to pending, as one attempt more."""
    again = task.to(State.PENDING, attempt=task.attempt + 1, started_at=None, completed_at=None)
    lost = await tx.tasks.items(task.id, states=(State.FAILED, State.CANCELLED))
    anew = {"attempt": again.attempt, "asked_again_at": now, "started_at": None, "ended_at": None, "failure": None}
    await tx.tasks.replace_items([item.to(State.PENDING, **anew) for item in lost])
    await tx.tasks.replace([again])
    for address in await tx.followers.revive(task.id):
        await fold(tx, address)
    return again


async def hand_back(tx: Tx) -> Sequence[Task]:
    """Put all that was running back to pending, and return the tasks under way. No attempt is counted."""
    tasks = await tx.tasks.unended()
    for task in tasks:
        if task.state is State.RUNNING:
            running = await tx.tasks.items(task.id, states=(State.RUNNING,))
            await tx.tasks.replace_items([item.to(State.PENDING, started_at=None) for item in running])
    await tx.tasks.replace([task.to(State.PENDING) for task in tasks if task.state is State.RUNNING])
    return tasks

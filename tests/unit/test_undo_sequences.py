"""Whatever people undo, keep, edit and calibrate, in any order: each note says what a simple model says."""

import asyncio
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from services.calibration.manager import AsyncCalibrationManager
from services.calibration.task import NoteRequest, Written
from services.errors import AllUndone, CalibotError, EditedSince, LookupFailed, NothingToUndo, WrittenSince
from services.notebook.history import History
from services.notebook.note import Cause, Change, Note
from services.store.store import Store
from services.torrents import NotebookId, NoteId, PersonId, TaskId
from tests.fake_clock import FakeClock
from tests.inline_store import inline_store
from tests.unit.fakes import FakeEngine, torrent

ALICE, BOB = PersonId("tg:1"), PersonId("tg:2")
TRUE = {"a": "Alpha.iso", "b": "Beta.iso", "late": "Late.iso", "last": "Last.iso"}
LATE = ("late", "last")
NOTES = (("a", "b"), ("b",), ("a", "late", "a"), ("late",), ("a", "late", "last"))
Refusal = type[CalibotError]


@dataclass
class Layer:
    """What a task wrote into a note, one name upon another.

    *stands* has what was there before, where nobody took it back; *back* what was taken back last, with the *whole*
    task or not, or a name at a time (None). *named* are the words that were written, *left* the names when it ended.
    """

    stands: dict[int, str] = field(default_factory=dict)
    back: dict[int, str] = field(default_factory=dict)
    whole: bool | None = None
    named: set[str] = field(default_factory=set)
    left: list[str] = field(default_factory=list)


@dataclass
class Model:
    """A note: the *names* of its magnets, one for each of *words*; *last* changed it, a task or a person (None).

    The *layers* are the tasks' that wrote since the last edit: several of one where others wrote in between. One is
    *seen* where the names are as it has left them: whatever came later was taken back.
    """

    words: tuple[str, ...]
    names: list[str]
    last: TaskId | None = None
    writers: set[TaskId] = field(default_factory=set)
    layers: dict[TaskId, list[Layer]] = field(default_factory=dict)
    pins: set[str] = field(default_factory=set)

    @property
    def text(self) -> str:
        magnets = zip(self.words, self.names, strict=True)
        return " and ".join(f"magnet:?xt=urn:btih:{torrent(word).shown}&dn={name}" for word, name in magnets)

    def seen(self, task: TaskId | None) -> Layer | None:
        for layer in reversed(self.layers.get(task, []) if task else []):
            newest = layer is self.layers[task][-1]  # type: ignore[index] # it has layers
            if layer.left == self.names and (newest or layer.stands):
                return layer
            if layer.stands:
                break
        return None

    def stands_beneath(self, task: TaskId) -> bool:
        """Whether something of the task stands that is not seen."""
        return any(layer.stands for layer in self.layers.get(task, []) if layer is not self.seen(task))

    def edit(self, name: str) -> None:
        self.last, self.layers = None, {}
        self.names = [f"{name}.{place}" for place in range(len(self.names))]

    def write(self, task: TaskId, word: str) -> bool:
        places = [place for place, one in enumerate(self.words) if one == word and self.names[place] != TRUE[word]]
        if not places or word in self.pins:
            return False
        layer = self.seen(task)
        if layer is None:
            layer = Layer()
            self.layers.setdefault(task, []).append(layer)
        self.writers.add(task)
        layer.back = {}
        layer.named.add(word)
        for place in places:
            layer.stands.setdefault(place, self.names[place])
            self.names[place] = TRUE[word]
        self._leaves(task, layer)
        return True

    def undo(self, task: TaskId, *, whole: bool) -> None:
        layer = self._touched(task)
        layer.whole, layer.back, layer.stands = whole, self._put(layer.stands), {}
        self.pins |= {self.words[place] for place in layer.back}
        self._leaves(task, layer)

    def redo(self, task: TaskId) -> None:
        layer = self._touched(task)
        self.pins -= {self.words[place] for place in layer.back}
        layer.stands, layer.back = self._put(layer.back), {}
        self._leaves(task, layer)

    def keep(self, task: TaskId, word: str) -> bool:
        layer = self._touched(task)
        kept = {place: name for place, name in layer.stands.items() if self.words[place] == word}
        self.pins.add(word)
        if not kept:
            return False
        layer.stands = {place: name for place, name in layer.stands.items() if place not in kept}
        back = self._put(kept)
        if not layer.stands:
            layer.whole, layer.back = None, back
        self._leaves(task, layer)
        return True

    def _touched(self, task: TaskId) -> Layer:
        layer = self.seen(task)
        assert layer is not None
        # What was taken back from upon it is out of reach now.
        self.layers[task] = [one for one in self.layers[task] if one.stands or one is layer]
        return layer

    def _put(self, names: dict[int, str]) -> dict[int, str]:
        before = {place: self.names[place] for place in names}
        for place, name in names.items():
            self.names[place] = name
        return before

    def _leaves(self, task: TaskId, layer: Layer) -> None:
        self.last, layer.left = task, list(self.names)

    def refusal(self, task: TaskId) -> Refusal:
        wrote = self.stands_beneath(task) if self.seen(task) else task in self.layers
        return WrittenSince if wrote else EditedSince


class Pair:
    """The real thing and the model, which are told the same."""

    def __init__(self, store: Store, notebook: NotebookId, clock: FakeClock) -> None:
        self.store, self.notebook, self.clock = store, notebook, clock
        self.engine = FakeEngine(clock)
        self.history = History(store, clock, lambda _: None)
        self.models: dict[NoteId, Model] = {}
        self.lost: dict[TaskId, set[str]] = {}
        self.corrected: dict[tuple[TaskId, str], list[NoteId]] = {}
        self.edits = 0

    async def begin(self) -> None:
        for word, name in TRUE.items():
            self.engine.knows(word, LookupFailed() if word in LATE else name)
        for words in NOTES:
            model = Model(words, [f"Old.{place}" for place in range(len(words))])
            note = Note(
                id=NoteId(0), notebook=self.notebook, text=model.text, version=1, origin=None, person=ALICE,
                created_at=1.0, changed_at=1.0,
            )  # fmt: skip
            self.models[await self._insert(note, words)] = model

    async def _insert(self, note: Note, words: Iterable[str]) -> NoteId:
        return await self.store.write(lambda tx: tx.notes.insert(note, map(torrent, words)))

    # What people do.

    async def calibrate(self, manager: AsyncCalibrationManager, places: Iterable[int], *, named: bool) -> None:
        notes = tuple(sorted(list(self.models)[place] for place in places))
        if named:
            for one in notes:
                self.models[one].pins.clear()
        asked = {word for one in notes for word in set(self.models[one].words) - self.models[one].pins}
        request = NoteRequest(notes, named=notes if named else ())
        try:
            task = await manager.submit_task(
                request=request, notebook=self.notebook, asked_by=ALICE, cause="command"
            )  # fmt: skip
        except AllUndone:
            assert not asked
            return
        await self.clock.advance(5)
        self.lost[task] = asked
        self._found(task)

    async def retry(self, manager: AsyncCalibrationManager, task: TaskId) -> None:
        lost = [word for word in LATE if self.engine.names[torrent(word)] != TRUE[word]]
        for word in lost[:1]:
            self.engine.knows(word, TRUE[word])
        snapshot = await manager.get_task_status(task)
        assert snapshot is not None
        if snapshot.can_retry:
            await manager.retry_task(task, notebook=self.notebook, asked_by=ALICE)
            await self.clock.advance(5)
            self._found(task)

    def _found(self, task: TaskId) -> None:
        found = {word for word in self.lost[task] if self.engine.names[torrent(word)] == TRUE[word]}
        self.lost[task] -= found
        for word in found:
            self.corrected[task, word] = [one for one, model in self.models.items() if model.write(task, word)]

    async def undo_note(self, place: int) -> None:
        note, model = list(self.models.items())[place]
        refusal: Refusal | None = None
        layer = model.seen(model.last)
        if model.last is None or layer is None:
            refusal = EditedSince if model.writers else NothingToUndo
        elif layer.stands:
            model.undo(model.last, whole=False)
        else:
            model.redo(model.last)
        await expect(refusal, self.history.undo(self.notebook, note, person=BOB))

    async def undo_task(self, task: TaskId, *, again: bool) -> None:
        mine = [one for one in self.models.values() if task in one.writers]
        seen = [(one, layer) for one in mine if (layer := one.seen(task))]
        meant = [one for one, layer in seen if (layer.back and layer.whole if again else layer.stands)]
        refusals = [one.refusal(task) for one in mine if not one.seen(task) or one.stands_beneath(task)]
        for one in meant:
            one.redo(task) if again else one.undo(task, whole=True)
        await expect(
            None if meant else [*refusals, NothingToUndo][0],
            self.history.undo_task(self.notebook, task, person=BOB, again=again),
        )

    async def keep(self, manager: AsyncCalibrationManager, task: TaskId, word: str) -> None:
        corrected = [self.models[one] for one in self.corrected.get((task, word), ())]
        if not corrected:
            return
        refused = [one for one in corrected if not (layer := one.seen(task)) or word not in layer.named]
        refusals = [one.refusal(task) for one in refused]
        changed = [one for one in corrected if one not in refused and one.keep(task, word)]
        refusal = refusals[0] if refusals and not changed else None
        items = await manager.list_items(task)
        (key,) = (one.key for one in items if one.torrent == torrent(word))
        await expect(refusal, manager.keep_old_name(key, notebook=self.notebook, asked_by=BOB))

    async def edit(self, place: int) -> None:
        note_id, model = list(self.models.items())[place]
        self.edits += 1
        model.edit(f"Typed.{self.edits}")
        note = await self.store.read(lambda tx: tx.notes.get(self.notebook, note_id))
        assert note is not None
        change = Change(cause=Cause.EDIT, person=BOB, task_id=None, at=2.0)
        assert await self.store.write(lambda tx: tx.notes.replace_text(note, model.text, change))

    # What must be true after it.

    async def check(self, manager: AsyncCalibrationManager) -> None:
        notes = await self.store.read(lambda tx: tx.notes.those(self.notebook, list(self.models)))
        assert [one.text for one in notes] == [one.text for one in self.models.values()]
        pinned = await self.store.read(lambda tx: tx.notes.pinned(self.notebook, list(map(torrent, TRUE))))
        assert pinned == {(one, torrent(word)) for one, model in self.models.items() for word in model.pins}
        for task in self.lost:
            snapshot = await manager.get_task_status(task)
            assert snapshot is not None
            seen = {note_id: layer for note_id, one in self.models.items() if (layer := one.seen(task))}
            back = [one.whole for one in seen.values() if one.back and one.whole is not None]
            standing = tuple(note_id for note_id, one in seen.items() if one.stands)
            assert snapshot.written == Written(standing, len(back), sum(back))


async def expect(refusal: Refusal | None, act: object) -> None:
    told: Refusal | None = None
    try:
        await act  # type: ignore[misc] # any of them
    except CalibotError as error:
        told = type(error)
    assert told is refusal


PLACES = st.integers(0, len(NOTES) - 1)
TASKS = st.integers(0, 3)
MOVES = st.one_of(
    st.tuples(st.just("calibrate"), st.frozensets(PLACES, min_size=1), st.booleans()),
    st.tuples(st.just("undo task"), TASKS),
    st.tuples(st.just("write again"), TASKS),
    st.tuples(st.just("undo note"), PLACES),
    st.tuples(st.just("keep"), TASKS, st.sampled_from(sorted(TRUE))),
    st.tuples(st.just("edit"), PLACES),
    st.tuples(st.just("retry"), TASKS),
)


APART = [("calibrate", frozenset({4}), False), ("retry", 1), ("retry", 0)]
OLDER = [("undo task", 0), ("write again", 0), ("write again", 1), ("undo task", 1), ("undo task", 0), ("undo note", 2)]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@example(frozenset({2}), [("calibrate", frozenset({3}), False), ("retry", 1), ("undo task", 1), *OLDER])
@example(frozenset({4}), [*APART, ("undo task", 0), ("undo task", 1), ("undo task", 0), ("write again", 0)])
@example(frozenset({4}), [*APART, ("undo task", 0), ("undo task", 1), ("keep", 0, "a"), ("write again", 0)])
@example(frozenset({4}), [*APART, *[("undo task", 0), ("undo task", 1), ("undo note", 4), ("undo task", 0)] * 2])
@example(frozenset({0, 1, 2}), [("undo task", 0), ("retry", 0), ("keep", 0, "a")])
@given(st.frozensets(PLACES, min_size=1), st.lists(MOVES, max_size=10))
def test_notes_say_what_was_written_and_not_taken_back(first: frozenset[int], moves: list[tuple[object, ...]]) -> None:
    async def run(folder: Path) -> None:
        clock = FakeClock()
        async with inline_store(folder / "calibot.db") as store:
            notebook = await store.write(lambda tx: tx.notebooks.open("tg:1", 1.0))
            pair = Pair(store, notebook, clock)
            await pair.begin()
            async with AsyncCalibrationManager(pair.engine, tasks=store, clock=clock) as manager:
                for move in [("calibrate", first, True), *moves]:
                    await act(pair, manager, move)
                    await pair.check(manager)

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run(Path(folder)))


async def act(pair: Pair, manager: AsyncCalibrationManager, move: tuple[object, ...]) -> None:
    tasks = list(pair.lost)
    match move:
        case "calibrate", frozenset() as places, bool(named):
            await pair.calibrate(manager, places, named=named)
        case "undo note", int(place):
            await pair.undo_note(place)
        case "edit", int(place):
            await pair.edit(place)
        case "undo task" | "write again" as what, int(number):
            await pair.undo_task(tasks[number % len(tasks)], again=what == "write again")
        case "keep", int(number), str(word):
            await pair.keep(manager, tasks[number % len(tasks)], word)
        case "retry", int(number):
            await pair.retry(manager, tasks[number % len(tasks)])

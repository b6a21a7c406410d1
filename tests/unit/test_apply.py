"""What one transaction makes of what lookups told."""

from collections.abc import Sequence

import pytest

from services.calibration import apply
from services.calibration.apply import Began, Named, Told, apply_told
from services.calibration.task import Found, Item, NoteRequest, State, Task
from services.magnets.parse import Magnet, find_magnets
from services.notebook.note import Cause, Change, Note
from services.store.store import Store
from services.torrents import Hints, InfoHash, NotebookId, NoteId, PersonId, TaskId, TorrentId
from tests.unit.fakes import info_of, torrent

ALICE = PersonId("tg:1")
TASK = TaskId("t")


def link(asked: TorrentId) -> str:
    return f"magnet:?xt=urn:btih:{asked.v1}" if asked.v1 else f"magnet:?xt=urn:btmh:1220{asked.v2}"


async def note_of(store: Store, notebook: NotebookId, *torrents: TorrentId) -> NoteId:
    note = Note(
        id=NoteId(0),
        notebook=notebook,
        text="\n".join(map(link, torrents)),
        version=1,
        origin=None,
        person=ALICE,
        created_at=0.0,
        changed_at=0.0,
    )
    return await store.write(lambda tx: tx.notes.insert(note, torrents))


async def task_of(
    store: Store, notebook: NotebookId, note_id: NoteId, *torrents: TorrentId, attempt: int = 1, task_id: TaskId = TASK
) -> None:
    request = NoteRequest((note_id,))
    task = Task(id=task_id, notebook=notebook, asked_by=ALICE, cause="command", request=request, created_at=0.0)
    items = [
        Item(task_id=task_id, position=n, torrent=one, hints=Hints(), attempt=attempt) for n, one in enumerate(torrents)
    ]
    await store.write(lambda tx: tx.tasks.insert(task, "", items))


async def tell(store: Store, *told: Told) -> None:
    await store.write(lambda tx: apply_told(tx, told, 1.0))


async def said_and_written(
    store: Store, notebook: NotebookId, task_id: TaskId
) -> tuple[tuple[NoteId, ...], tuple[NoteId, ...]]:
    """Return which notes the only item of a task says that it corrected, and into which the task wrote."""
    (item,) = await store.read(lambda tx: tx.tasks.items(task_id))
    written = await store.read(lambda tx: tx.notes.written_by(notebook, task_id))
    return item.corrected, tuple(one.id for one in written)


def named(asked: TorrentId, name: str) -> Named:
    info = info_of(asked, name)
    return Named(found=Found.of(info), info=info)


async def test_names_that_are_told_together_are_all_written_into_their_one_note(
    store: Store, notebook: NotebookId
) -> None:
    torrents = [torrent(word) for word in "abc"]
    note_id = await note_of(store, notebook, *torrents)
    await task_of(store, notebook, note_id, *torrents)
    await tell(store, *(named(one, word) for one, word in zip(torrents, "abc", strict=True)))
    note = await store.read(lambda tx: tx.notes.get(notebook, note_id))
    assert note is not None
    assert note.text.split("\n") == [f"{link(one)}&dn={word}" for one, word in zip(torrents, "abc", strict=True)]
    revisions = await store.read(lambda tx: tx.notes.revisions(note_id))
    assert [one.text.count("&dn=") for one in revisions] == [0], "it is one change"


async def test_who_waits_for_a_claim_and_a_verified_name_that_are_told_together_has_the_verified_one(
    store: Store, notebook: NotebookId
) -> None:
    asked = torrent("a")
    note_id = await note_of(store, notebook, asked)
    await task_of(store, notebook, note_id, asked)
    claim = info_of(asked, "claimed", verified=False)
    await tell(store, Named(found=Found.of(claim), info=claim, waits=(((TASK, 0), 1),)), named(asked, "true"))
    (item,) = await store.read(lambda tx: tx.tasks.items(TASK))
    assert item.found is not None
    assert (item.found.name.text, item.found.verified, item.corrected) == ("true", True, (note_id,))


async def test_a_note_is_read_once_for_all_names_that_are_told_together(
    store: Store, notebook: NotebookId, monkeypatch: pytest.MonkeyPatch
) -> None:
    torrents = [torrent(word) for word in "abc"]
    await task_of(store, notebook, await note_of(store, notebook, *torrents), *torrents)
    reads: list[str] = []

    def read(text: str) -> Sequence[Magnet]:
        reads.append(text)
        return find_magnets(text)

    monkeypatch.setattr(apply, "find_magnets", read)
    await tell(store, *(named(one, word) for one, word in zip(torrents, "abc", strict=True)))
    assert len(reads) == 1


async def test_what_a_task_writes_into_a_note_at_several_times_is_one_change_until_another_comes_between(
    store: Store, notebook: NotebookId
) -> None:
    torrents = [torrent(word) for word in "abcd"]
    note_id = await note_of(store, notebook, *torrents)
    await task_of(store, notebook, note_id, *torrents)
    for word in "ab":
        await tell(store, named(torrent(word), word))
    note = await store.read(lambda tx: tx.notes.get(notebook, note_id))
    assert note is not None
    edit = Change(cause=Cause.EDIT, person=ALICE, task_id=None, at=1.0)
    await store.write(lambda tx: tx.notes.replace_text(note, f"{note.text} more", edit))
    for word in "cd":
        await tell(store, named(torrent(word), word))
    revisions = await store.read(lambda tx: tx.notes.revisions(note_id))
    assert [(one.text.count("&dn="), one.change.cause) for one in revisions] == [
        (0, "command"),
        (2, "edit"),
        (2, "command"),
    ]


async def test_what_began_for_an_earlier_attempt_lets_the_next_one_wait(store: Store, notebook: NotebookId) -> None:
    x = torrent("x")
    await task_of(store, notebook, await note_of(store, notebook, x), x, attempt=2)
    for attempt, state in ((1, State.PENDING), (2, State.RUNNING)):
        await tell(store, Began((((TASK, 0), attempt),)))
        (item,) = await store.read(lambda tx: tx.tasks.items(TASK))
        assert item.state is state


async def test_a_name_found_by_one_hash_marks_the_notes_that_have_the_torrents_other_hash_alone(
    store: Store, notebook: NotebookId
) -> None:
    v1, v2 = InfoHash("1" * 40), InfoHash("2" * 64)
    asked = await note_of(store, notebook, TorrentId(v1))
    other = await note_of(store, notebook, TorrentId(v2=v2))
    await task_of(store, notebook, asked, TorrentId(v1))
    await tell(store, named(TorrentId(v1, v2), "hybrid.iso"))
    assert not await store.read(lambda tx: tx.notes.uncalibrated([asked, other]))


async def test_of_tasks_that_wait_for_one_name_each_writes_it_into_the_note_that_it_was_asked_for(
    store: Store, notebook: NotebookId
) -> None:
    x = torrent("x")
    notes = [await note_of(store, notebook, x) for _ in range(4)]
    tasks = [TaskId(one) for one in "abc"]
    for task_id, note_id in zip(tasks, (notes[1], notes[2], notes[2]), strict=True):
        await task_of(store, notebook, note_id, x, task_id=task_id)
    await tell(store, named(x, "x.iso"))
    wanted = [(notes[0], notes[1], notes[3]), (notes[2],), ()]
    assert [await said_and_written(store, notebook, task_id) for task_id in tasks] == [(one, one) for one in wanted]

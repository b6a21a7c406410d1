"""An export has every note and revision of one notebook, in files of a bounded size that nothing is left of."""

import io
import json
import os
from pathlib import Path
from typing import Any

import pytest

from services.errors import ExportFailed, ExportUnderWay
from services.notebook.export import Document, Export, Kind, Nameless
from services.notebook.note import Change, Note
from services.store.store import Store
from services.torrents import NotebookId, NoteId, PersonId, TaskId
from tests.fake_clock import FakeClock

ALICE = PersonId("tg:1")
HOSTILE = 'a "quote"\n\x01 </script> 三体 😀 \u202e\r\n#2 · 2026'


async def add(store: Store, notebook: NotebookId, text: str) -> NoteId:
    note = Note(
        id=NoteId(0), notebook=notebook, text=text, version=1, origin="tg:1#5", person=ALICE,
        created_at=1_790_000_000.0, changed_at=1_790_000_000.0,
    )  # fmt: skip
    return await store.write(lambda tx: tx.notes.insert(note, []))


async def change(store: Store, notebook: NotebookId, note_id: NoteId, text: str) -> None:
    note = await store.read(lambda tx: tx.notes.get(notebook, note_id))
    assert note is not None
    why = Change(cause="command", person=ALICE, task_id=TaskId(f"t{note.version}"), at=1_790_000_060.0)
    await store.write(lambda tx: tx.notes.replace_text(note, text, why))


async def exported(export: Export, notebook: NotebookId) -> list[Document]:
    return [one async for one in export.documents(notebook)]


def read(document: Document) -> str:
    document.content.seek(0)
    return document.content.read().decode()


def parsed(documents: list[Document]) -> list[dict[str, Any]]:
    return [json.loads(read(one)) for one in documents if one.kind is Kind.JSON]


async def test_every_note_and_revision_is_in_the_json_and_every_text_in_the_text(
    store: Store, notebook: NotebookId, clock: FakeClock, tmp_path: Path
) -> None:
    first = await add(store, notebook, "one")
    gone = await add(store, notebook, "gone")
    second = await add(store, notebook, HOSTILE)
    await change(store, notebook, first, "one, corrected")
    await change(store, notebook, first, "one, again")
    await store.write(lambda tx: tx.notes.delete(gone, 1.0))
    other = await store.write(lambda tx: tx.notebooks.open("tg:2", 1.0))
    await add(store, other, "theirs")
    documents = await exported(Export(store, clock, tmp_path), notebook)
    assert [(one.kind, one.notes) for one in documents] == [(Kind.JSON, 2), (Kind.TEXT, 2)]
    day = documents[0].name[6:16]
    assert [one.name for one in documents] == [f"notes-{day}.json", f"notes-{day}.txt"]
    (document,) = parsed(documents)
    notes = document.pop("notes")
    assert document.pop("exported_at").startswith(day)
    assert document == {"format": "calibot-notes", "version": 1, "part": 1, "last": True}
    why = {"cause": "command", "person": "tg:1", "task": "t1", "replaced_at": "2026-09-21T14:14:20Z"}
    assert notes[0] == {
        "number": first,
        "text": "one, again",
        "version": 3,
        "person": "tg:1",
        "created_at": "2026-09-21T14:13:20Z",
        "changed_at": "2026-09-21T14:14:20Z",
        "origin": "tg:1#5",
        "source": None,
        "revisions": [
            {"version": 1, "text": "one"} | why,
            {"version": 2, "text": "one, corrected"} | why | {"task": "t2"},
        ],
    }
    assert (notes[1]["number"], notes[1]["text"], notes[1]["revisions"]) == (second, HOSTILE, [])
    assert read(documents[1]) == (
        f"#{first} · 2026-09-21T14:13:20Z\none, again\n\n#{second} · 2026-09-21T14:13:20Z\n{HOSTILE}\n"
    )


async def test_the_documentation_shows_every_field(
    store: Store, notebook: NotebookId, clock: FakeClock, tmp_path: Path
) -> None:
    await change(store, notebook, await add(store, notebook, "one"), "two")
    (document,) = parsed(await exported(Export(store, clock, tmp_path), notebook))
    text = (Path(__file__).parents[2] / "docs/export.md").read_text(encoding="utf-8")
    example = json.loads(text.partition("```json\n")[2].partition("```")[0])
    assert (example["format"], example["version"]) == (document["format"], document["version"])
    for one, other in [
        (example, document),
        (example["notes"][0], document["notes"][0]),
        (example["notes"][0]["revisions"][0], document["notes"][0]["revisions"][0]),
    ]:
        assert list(one) == list(other)
        assert all(f"`{key}`" in text for key in one)


async def test_a_notebook_too_big_for_a_file_is_parted_and_each_part_is_whole(
    store: Store, notebook: NotebookId, clock: FakeClock, tmp_path: Path
) -> None:
    texts = [f"{number} {'三' * 100}" for number in range(120)]
    for text in texts:
        await add(store, notebook, text)
    documents = await exported(Export(store, clock, tmp_path, largest=10_000), notebook)
    parts = parsed(documents)
    assert [note["text"] for part in parts for note in part["notes"]] == texts
    assert [part["part"] for part in parts] == list(range(1, len(parts) + 1))
    assert [part["last"] for part in parts] == [False] * (len(parts) - 1) + [True]
    assert len(parts) > 5
    for kind in Kind:
        own = [one for one in documents if one.kind is kind]
        assert [one.name.partition("-part-")[2] for one in own] == [f"{n}.{kind}" for n in range(1, len(own) + 1)]
        assert sum(one.notes for one in own) == 120
        assert all(len(read(one).encode()) <= 10_000 for one in own)


async def test_a_history_too_long_for_a_record_goes_on_in_another(
    store: Store, notebook: NotebookId, clock: FakeClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.notebook.export._LONGEST_HISTORY", 100)
    note_id = await add(store, notebook, "0" * 60)
    for turn in range(1, 6):
        await change(store, notebook, note_id, str(turn) * 60)
    (document,) = parsed(await exported(Export(store, clock, tmp_path), notebook))
    assert [("continued" in one, one["number"]) for one in document["notes"]] == [(False, 1)] + [(True, 1)] * 4
    revisions = [one for note in document["notes"] for one in note["revisions"]]
    assert [one["version"] for one in revisions] == [1, 2, 3, 4, 5]


async def test_two_exports_are_the_same(store: Store, notebook: NotebookId, clock: FakeClock, tmp_path: Path) -> None:
    for number in range(60):
        await add(store, notebook, str(number))
    export = Export(store, clock, tmp_path)
    documents = await exported(export, notebook)
    first = [read(one) for one in documents]
    for one in documents:
        one.content.close()
    assert [read(one) for one in await exported(export, notebook)] == first


async def test_nothing_is_left_in_the_folder_and_one_export_at_a_time_is_held(
    store: Store, notebook: NotebookId, clock: FakeClock, tmp_path: Path
) -> None:
    await add(store, notebook, "one")
    folder = tmp_path / "room"
    folder.mkdir()
    export = Export(store, clock, folder)
    documents = await exported(export, notebook)
    assert list(folder.iterdir()) == []
    with pytest.raises(ExportUnderWay):
        await exported(export, notebook)
    documents[0].content.close()
    with pytest.raises(ExportUnderWay):
        await exported(export, notebook)
    documents[1].content.close()
    assert len(await exported(export, notebook)) == 2


async def test_a_notebook_without_notes_gives_no_file(
    store: Store, notebook: NotebookId, clock: FakeClock, tmp_path: Path
) -> None:
    assert await exported(Export(store, clock, tmp_path), notebook) == []


async def test_a_disk_that_takes_nothing_is_said(
    store: Store, notebook: NotebookId, clock: FakeClock, tmp_path: Path
) -> None:
    await add(store, notebook, "one")
    export = Export(store, clock, tmp_path / "not there")
    for _ in range(2):
        with pytest.raises(ExportFailed):
            await exported(export, notebook)


@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
def test_a_file_that_a_full_disk_cannot_take_is_closed_without_a_word() -> None:
    full = Nameless(io.FileIO("/dev/full", "r+b"))
    descriptor = full.fileno()
    full.write(b"x")
    del full
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)


def test_closing_a_file_that_a_full_disk_cannot_take_frees_it() -> None:
    full = Nameless(io.FileIO("/dev/full", "r+b"))
    full.write(b"x")
    full.close()
    assert full.closed

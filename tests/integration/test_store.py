"""The database: who may write it, what a transaction promises. The same promises hold for the in-loop variant."""

import asyncio
import contextlib
import itertools
import sqlite3
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from services.calibration.follower import NewFollower
from services.calibration.ports import Served
from services.calibration.task import HashRequest, Item, NoteRequest, State, Task
from services.errors import DatabaseInUse, NewerSchema, StoreUnavailable
from services.metrics import Ends, SourceTimes, Waits
from services.notebook.note import Change, Note
from services.store.connection import connect
from services.store.store import Connect, Store, Tx
from services.torrents import (
    FileEntry,
    Hints,
    InfoHash,
    Name,
    NotebookId,
    NoteId,
    PersonId,
    Step,
    TaskId,
    TorrentId,
    TorrentInfo,
)
from tests.inline_store import open_inline
from tests.integration.database_help import pragma

ALICE = PersonId("tg:1")
V1, V2 = InfoHash("1" * 40), InfoHash("2" * 64)
HINTS = Hints(trackers=("http://t/a", "udp://t:1"), peers=(("2001:db8::1", 6881),))


def info(torrent: TorrentId, text: str, *, verified: bool) -> TorrentInfo:
    return TorrentInfo(
        torrent=torrent,
        name=Name(text=text, raw=b"\xff\x00raw", encoding="gbk", certain=False),
        size=2**47,
        files=(FileEntry("a", 1),),
        source="s",
        verified=verified,
    )


@pytest.fixture(params=[connect, open_inline], ids=["threads", "in the loop"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    opens: Connect = request.param
    async with Store.open(tmp_path / "calibot.db", opens=opens) as store:
        yield store


@pytest.fixture
async def notebook(store: Store) -> NotebookId:
    return await store.write(lambda tx: tx.notebooks.open("tg:1", 1.0))


def a_note(notebook: NotebookId, text: str) -> Note:
    return Note(
        id=NoteId(0),
        notebook=notebook,
        text=text,
        version=1,
        origin="tg:1:5",
        person=ALICE,
        created_at=1.0,
        changed_at=1.0,
    )


def a_task(notebook: NotebookId, task_id: str = "t", *torrents: TorrentId) -> tuple[Task, list[Item]]:
    named = torrents or (TorrentId(V1),)
    request = HashRequest(tuple((torrent, HINTS) for torrent in named))
    task = Task(id=TaskId(task_id), notebook=notebook, asked_by=ALICE, cause="command", request=request, created_at=1.0)
    return task, [
        Item(task_id=task.id, position=position, torrent=torrent, hints=HINTS) for position, torrent in enumerate(named)
    ]


async def test_a_write_that_fails_changes_nothing_and_harms_no_other(store: Store, notebook: NotebookId) -> None:
    async def fails(tx: Tx) -> None:
        await tx.notes.insert(a_note(notebook, "lost"), [])
        raise ZeroDivisionError

    before, failed, after = await asyncio.gather(
        store.write(lambda tx: tx.notes.insert(a_note(notebook, "before"), [])),
        store.write(fails),
        store.write(lambda tx: tx.notes.insert(a_note(notebook, "after"), [])),
        return_exceptions=True,
    )
    assert isinstance(failed, ZeroDivisionError)
    assert isinstance(before, int)
    assert isinstance(after, int)
    notes = [await store.read(lambda tx, n=number: tx.notes.get(notebook, NoteId(n))) for number in range(1, 4)]  # type: ignore[misc]
    assert [note.text for note in notes if note] == ["before", "after"]


async def test_a_write_whose_caller_is_cancelled_is_done_whole(store: Store, notebook: NotebookId) -> None:
    async def two_notes(tx: Tx) -> None:
        await tx.notes.insert(a_note(notebook, "one"), [])
        await tx.notes.insert(a_note(notebook, "two"), [])

    for turns in range(40):
        call = asyncio.create_task(store.write(two_notes))
        for _ in range(turns):
            await asyncio.sleep(0)
        call.cancel()
        await asyncio.wait([call])
    count = await store.write(lambda tx: tx.notes.insert(a_note(notebook, "last"), [])) - 1
    assert count % 2 == 0


async def test_a_read_sees_only_what_is_committed(tmp_path: Path) -> None:
    inserted, may_end = threading.Event(), threading.Event()
    async with Store.open(tmp_path / "calibot.db") as store:
        notebook = await store.write(lambda tx: tx.notebooks.open("tg:1", 1.0))

        async def slow(tx: Tx) -> NoteId:
            note_id = await tx.notes.insert(a_note(notebook, "x"), [])
            inserted.set()
            assert may_end.wait(10)
            return note_id

        writing = asyncio.create_task(store.write(slow))
        assert await asyncio.to_thread(inserted.wait, 10)
        assert await store.read(lambda tx: tx.notes.get(notebook, NoteId(1))) is None
        may_end.set()
        note_id = await writing
        assert await store.read(lambda tx: tx.notes.get(notebook, note_id)) is not None


async def test_a_cancelled_reader_is_given_back(store: Store, notebook: NotebookId) -> None:
    for turns in range(20):
        call = asyncio.create_task(store.read(lambda tx: tx.notes.get(notebook, NoteId(1))))
        for _ in range(turns):
            await asyncio.sleep(0)
        call.cancel()
        await asyncio.wait([call])
    assert await store.read(lambda tx: tx.notebooks.behind("tg:1")) == notebook


async def test_a_second_start_on_the_same_database_is_refused_and_the_first_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "calibot.db"
    async with Store.open(path) as store:
        with pytest.raises(DatabaseInUse):
            async with Store.open(path):
                pass
        assert await store.write(lambda tx: tx.next_boot()) == 1
    async with Store.open(path) as store:
        assert await store.write(lambda tx: tx.next_boot()) == 2


async def test_the_lock_dies_with_its_process(tmp_path: Path) -> None:
    path = tmp_path / "calibot.db"
    script = (
        "import asyncio, sys, os\nfrom pathlib import Path\nfrom services.store.store import Store\n"
        "async def main():\n    async with Store.open(Path(sys.argv[1])) as store:\n"
        "        await store.write(lambda tx: tx.next_boot())\n        os.kill(os.getpid(), 9)\nasyncio.run(main())"
    )
    ended = await asyncio.to_thread(subprocess.run, [sys.executable, "-c", script, str(path)], check=False)
    assert ended.returncode == -9
    async with Store.open(path) as store:
        assert await store.write(lambda tx: tx.next_boot()) == 2


async def test_a_newer_schema_is_refused_untouched(tmp_path: Path) -> None:
    path = tmp_path / "calibot.db"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 999")
    connection.close()
    with pytest.raises(NewerSchema):
        async with Store.open(path):
            pass


async def test_notes_of_an_older_calibot_are_found_by_their_words_after_the_update(tmp_path: Path) -> None:
    path = tmp_path / "calibot.db"
    first = min(Path("services/store/migrations").glob("*.sql")).read_text(encoding="utf-8")
    with contextlib.closing(sqlite3.connect(path)) as old:
        old.executescript(first)
        old.execute("INSERT INTO notebooks (id, created_at) VALUES (1, 1.0)")
        old.executemany(
            "INSERT INTO notes (notebook_id, text, person, created_at, changed_at) VALUES (1, ?, 'tg:1', 1.0, 1.0)",
            [(f"note {number} 三体",) for number in range(1200)],
        )
        old.execute("PRAGMA user_version = 1")
        old.commit()
    async with Store.open(path) as store:

        async def find(word: str) -> Sequence[NoteId]:
            return await store.read(lambda tx: tx.words.search(NotebookId(1), [word], before=None, limit=2000))

        assert len(await find("三体")) == 1200
        assert await find("777") == [778]


async def test_notes_that_an_older_calibot_indexed_are_found_by_a_hybrids_other_hash_after_the_update(
    tmp_path: Path,
) -> None:
    path = tmp_path / "calibot.db"
    v1, v2 = "1" * 40, "2" * 64
    with contextlib.closing(sqlite3.connect(path)) as old:
        for number in (1, 2, 3):
            old.executescript(Path(f"services/store/migrations/{number:04}.sql").read_text(encoding="utf-8"))
        old.execute("INSERT INTO notebooks (id, created_at) VALUES (1, 1.0)")
        old.execute(
            "INSERT INTO notes (notebook_id, text, person, created_at, changed_at) VALUES (1, 'note', 'tg:1', 1.0, 1.0)"
        )
        old.execute("INSERT INTO note_hashes (note_id, info_hash, notebook_id) VALUES (1, ?, 1)", [v1])
        old.execute("INSERT INTO names VALUES (1, ?, ?, x'61', 'a', 'utf-8', 1, 1, 'swarm', 1, 1, 1.0)", [v1, v2])
        old.execute("INSERT INTO note_words (rowid, notebook, words) VALUES (1, 'notebook1', 'note')")
        old.execute("PRAGMA user_version = 3")
        old.commit()
    async with Store.open(path) as store:
        found = await store.read(lambda tx: tx.words.search(NotebookId(1), [v2], before=None, limit=2))
        assert found == [1]


async def test_names_that_an_older_calibot_kept_stay_with_their_files_and_choices(tmp_path: Path) -> None:
    path = tmp_path / "calibot.db"
    v1, v2 = "1" * 40, "2" * 64
    with contextlib.closing(sqlite3.connect(path)) as old:
        for number in range(1, 19):
            old.executescript(Path(f"services/store/migrations/{number:04}.sql").read_text(encoding="utf-8"))
        old.execute("INSERT INTO notebooks (id, created_at) VALUES (1, 1.0)")
        old.execute("INSERT INTO names VALUES (7, ?, ?, x'61', 'a', 'utf-8', 0, 1, 'swarm', 1, 1, 1.0)", [v1, v2])
        old.execute("INSERT INTO torrent_files VALUES (7, 0, 'folder/a', 1)")
        old.execute("INSERT INTO chosen_names VALUES (1, 7, 'chosen', 'utf-8', 'tg:1', 1.0)")
        old.execute("PRAGMA user_version = 18")
        old.commit()
    torrent = TorrentId(InfoHash(v1), InfoHash(v2))
    async with Store.open(path) as store:
        known = await store.read(lambda tx: tx.facts.of(NotebookId(1), [torrent]))
        assert known[torrent].name.text == "chosen"
        files = await store.read(lambda tx: tx.facts.files(TorrentId(v2=InfoHash(v2)), skip=0, limit=9))
        assert files == [FileEntry("folder/a", 1)]
        await store.write(lambda tx: tx.names.put([info(TorrentId(v2=InfoHash(v2)), "late", verified=False)], 1.0))
        assert await store.read(lambda tx: tx.facts.of(NotebookId(1), [TorrentId(v2=InfoHash(v2))])) == {
            TorrentId(v2=InfoHash(v2)): known[torrent]
        }
    with contextlib.closing(sqlite3.connect(path)) as new:
        assert new.execute("PRAGMA foreign_key_check").fetchall() == []
        assert {row[2] for row in new.execute("PRAGMA foreign_key_list(torrent_files)")} == {"names"}


async def test_of_a_claim_that_an_older_calibot_told_it_is_known_why_no_note_has_it(tmp_path: Path) -> None:
    path = tmp_path / "calibot.db"
    v1, v2 = "1" * 40, "2" * 40
    with contextlib.closing(sqlite3.connect(path)) as old:
        for number in range(1, 20):
            old.executescript(Path(f"services/store/migrations/{number:04}.sql").read_text(encoding="utf-8"))
        old.execute("INSERT INTO notebooks (id, created_at) VALUES (1, 1.0)")
        old.execute("INSERT INTO names VALUES (7, ?, NULL, x'61', 'a', 'utf-8', 1, 0, 'command', 1, 1, 1.0)", [v1])
        old.execute("INSERT INTO names VALUES (8, ?, NULL, x'61', 'a', 'utf-8', 1, 1, 'swarm', 1, 1, 1.0)", [v2])
        old.execute(
            "INSERT INTO tasks (id, notebook_id, asked_by, cause, request, request_digest, state, attempt, created_at)"
            " VALUES ('t', 1, 'tg:1', 'command', '{\"notes\": [1]}', 'd', 'completed', 1, 1.0)"
        )
        for position, info_hash in enumerate((v1, v2)):
            old.execute(
                "INSERT INTO items (task_id, position, v1, hints, state, attempt, ended_at)"
                " VALUES ('t', ?, ?, '{}', 'completed', 1, 1.0)",
                [position, info_hash],
            )
        old.execute("PRAGMA user_version = 19")
        old.commit()
    async with Store.open(path):
        pass
    with contextlib.closing(sqlite3.connect(path)) as new:
        assert new.execute("SELECT passed_over FROM items ORDER BY position").fetchall() == [("unsure",), (None,)]


async def test_a_note_that_an_older_calibot_edited_may_have_a_name_that_somebody_typed(tmp_path: Path) -> None:
    path = tmp_path / "calibot.db"
    claimed = TorrentId(InfoHash("1" * 40))
    with contextlib.closing(sqlite3.connect(path)) as old:
        for number in range(1, 21):
            old.executescript(Path(f"services/store/migrations/{number:04}.sql").read_text(encoding="utf-8"))
        old.execute("INSERT INTO notebooks (id, created_at) VALUES (1, 1.0)")
        old.execute(
            "INSERT INTO names VALUES (7, ?, NULL, x'61', 'a', 'utf-8', 1, 0, 'command', 1, 1, 1.0)", ["1" * 40]
        )
        for number, edited_at in enumerate([None, 4.0, 6.0], 1):
            old.execute(
                "INSERT INTO notes (id, notebook_id, text, person, created_at, changed_at)"
                " VALUES (?, 1, 'note', 'tg:1', 1.0, 1.0)",
                [number],
            )
            old.execute(
                "INSERT INTO note_hashes (note_id, info_hash, notebook_id, outcome, at)"
                " VALUES (?, ?, 1, 'completed', 5.0)",
                [number, "1" * 40],
            )
            if edited_at:
                old.execute(
                    "INSERT INTO revisions (note_id, version, text, cause, person, at)"
                    " VALUES (?, 1, '', 'edit', 'tg:1', ?)",
                    [number, edited_at],
                )
        old.execute("PRAGMA user_version = 20")
        old.commit()
    async with Store.open(path) as store:
        await store.write(lambda tx: tx.names.put([info(claimed, "true", verified=True)], 7.0))
        assert set(await store.read(lambda tx: tx.notes.uncalibrated([NoteId(1), NoteId(2), NoteId(3)]))) == {1, 2}


@pytest.mark.parametrize(("asked", "typed_at"), [("once", 1.5), ("again", 3.5), ("of a task that is forgotten", 4.5)])
async def test_when_the_notes_of_an_older_calibot_were_last_to_be_calibrated_is_known(
    tmp_path: Path, asked: str, typed_at: float
) -> None:
    path = tmp_path / "calibot.db"
    claimed, info_hash = TorrentId(InfoHash("1" * 40)), "1" * 40
    with contextlib.closing(sqlite3.connect(path)) as old:
        for number in range(1, 23):
            old.executescript(Path(f"services/store/migrations/{number:04}.sql").read_text(encoding="utf-8"))
        old.execute("INSERT INTO notebooks (id, created_at) VALUES (1, 1.0)")
        old.execute(
            "INSERT INTO names VALUES (7, ?, NULL, x'61', 'a', 'utf-8', 1, 0, 'command', 1, 1, 1.0)", [info_hash]
        )
        if asked != "of a task that is forgotten":
            old.execute(
                "INSERT INTO tasks"
                " (id, notebook_id, asked_by, cause, request, request_digest, state, attempt, created_at)"
                " VALUES ('t', 1, 'tg:1', 'command', '{\"notes\": [1, 2]}', 'd', 'completed', 1, 2.0)"
            )
            old.execute(
                "INSERT INTO items (task_id, position, v1, hints, state, attempt, ended_at, asked_again_at)"
                " VALUES ('t', 0, ?, '{}', 'completed', 1, 5.0, ?)",
                [info_hash, 4.0 if asked == "again" else None],
            )
        for number, at in enumerate([typed_at, typed_at + 1], 1):
            old.execute(
                "INSERT INTO notes (id, notebook_id, text, person, created_at, changed_at)"
                " VALUES (?, 1, 'note', 'tg:1', 1.0, 1.0)",
                [number],
            )
            old.execute(
                "INSERT INTO note_hashes (note_id, info_hash, notebook_id, outcome, task_id, at, typed_at)"
                " VALUES (?, ?, 1, 'completed', 't', 5.0, ?)",
                [number, info_hash, at],
            )
        old.execute("PRAGMA user_version = 22")
        old.commit()
    async with Store.open(path) as store:
        await store.write(lambda tx: tx.names.put([info(claimed, "true", verified=True)], 7.0))
        assert set(await store.read(lambda tx: tx.notes.uncalibrated([NoteId(1), NoteId(2)]))) == {1}


async def test_messages_of_an_older_calibot_that_came_to_rest_in_closed_chats_are_still_to_show_their_ends(
    tmp_path: Path,
) -> None:
    path = tmp_path / "calibot.db"
    insert_task = "INSERT INTO tasks (id, notebook_id, asked_by, cause, request, request_digest, state, attempt, created_at, started_at, completed_at) VALUES (?, 1, 'tg:1', 'command', '{\"torrents\": []}', ?, ?, ?, 1.0, 1.0, ?)"  # noqa: E501
    insert_follower = "INSERT INTO followers (id, task_id, notebook_id, asked_by, request, address, message_id, language, shown_attempt, shown_state, end_shown_at, board_id) VALUES (?, ?, 1, 'tg:1', '{\"torrents\": []}', ?, ?, 'en', ?, ?, ?, ?)"  # noqa: E501
    with contextlib.closing(sqlite3.connect(path)) as old:
        for number in range(1, 14):
            old.executescript(Path(f"services/store/migrations/{number:04}.sql").read_text(encoding="utf-8"))
        old.execute("INSERT INTO notebooks (id, created_at) VALUES (1, 1.0)")
        old.executemany(
            insert_task,
            [
                ("t1", "1", "completed", 1, 2.0),
                ("t2", "2", "failed", 1, 2.0),
                ("t3", "3", "failed", 2, 2.0),
                ("t4", "4", "running", 1, None),
            ],
        )
        old.execute(
            "INSERT INTO boards (id, address, language, message_id, closed_at) VALUES (1, 'tg:-5', 'en', 9, 3.0)"
        )
        old.executemany(
            insert_follower,
            [
                (1, "t1", "tg:1", 10, 1, "running", 3.0, None),  # its chat was closed
                (2, "t2", "tg:2", 10, 1, "failed", 3.0, None),  # it has shown its end
                (3, "t3", "tg:3:7", 10, 1, "failed", 3.0, None),  # the retry's end it has not
                (4, "t1", "tg:-5", None, 1, None, 3.0, 1),  # on a list that was closed with its chat
                (5, "gone", "tg:4", 10, 1, "running", 3.0, None),  # its task is kept no longer
                (6, "t1", "tg:6", 10, 1, "running", 3.0, None),  # its chat was closed, and is open again:
                (7, "t4", "tg:6", 11, 1, "running", None, None),  # one is under way there
            ],
        )
        old.execute("PRAGMA user_version = 13")
        old.commit()
    async with Store.open(path) as store:
        closed = await store.read(lambda tx: tx.followers.closed())
        assert sorted((one.address, one.whole) for one in closed) == [
            ("tg:-5", False),
            ("tg:1", False),
            ("tg:3:7", False),
        ]
        unfinished = await store.read(lambda tx: tx.followers.unfinished())
        assert [(one.id, one.on_board) for one in unfinished] == [
            (1, None), (3, None), (4, 1), (6, None), (7, None)
        ]  # fmt: skip
        assert [one.id for one in await store.read(lambda tx: tx.boards.behind())] == [1]


async def test_what_is_no_database_is_refused_with_a_reason(tmp_path: Path) -> None:
    path = tmp_path / "calibot.db"
    path.write_bytes(b"this is a text file, and was never a database" * 100)
    with pytest.raises(StoreUnavailable, match="not a database"):
        async with Store.open(path):
            pass
    with pytest.raises(StoreUnavailable):
        async with Store.open(path / "below a file"):
            pass


async def test_notes_are_for_their_owners_eyes(tmp_path: Path) -> None:
    path = tmp_path / "calibot.db"
    async with Store.open(path) as store:
        await store.write(lambda tx: tx.next_boot())
        assert [one.stat().st_mode & 0o077 for one in tmp_path.iterdir()] == [0, 0, 0, 0]


async def test_a_note_is_replaced_only_at_the_version_that_was_read(store: Store, notebook: NotebookId) -> None:
    note_id = await store.write(lambda tx: tx.notes.insert(a_note(notebook, "first"), [TorrentId(V1, V2)]))
    change = Change(cause="calibrate", person=ALICE, task_id=TaskId("t"), at=2.0)

    async def note() -> Note:
        found = await store.read(lambda tx: tx.notes.get(notebook, note_id))
        assert found is not None
        return found

    stale = await note()
    assert await store.write(lambda tx: tx.notes.replace_text(stale, "second", change))
    assert not await store.write(lambda tx: tx.notes.replace_text(stale, "third", change))
    assert ((await note()).text, (await note()).version) == ("second", 2)
    assert [one.text for one in await store.read(lambda tx: tx.notes.revisions(note_id))] == ["first"]
    for torrent in (TorrentId(V1), TorrentId(v2=V2), TorrentId(V1, V2)):
        having = await store.read(lambda tx, t=torrent: tx.notes.having(notebook, [t]))  # type: ignore[misc]
        assert [one.id for one in having[torrent]] == [note_id]


async def test_an_edit_is_known_to_have_been_made_apart_from_its_message(store: Store, notebook: NotebookId) -> None:
    note_id = await store.write(lambda tx: tx.notes.insert(a_note(notebook, "0"), []))
    for apart in (True, False):
        change = Change(cause="edit", person=ALICE, task_id=None, at=2.0, apart=apart)
        note = await store.read(lambda tx: tx.notes.get(notebook, note_id))
        assert note is not None
        await store.write(lambda tx, n=note, c=change: tx.notes.replace_text(n, f"{n.text}+", c))  # type: ignore[misc]
    revisions = await store.read(lambda tx: tx.notes.revisions(note_id))
    assert [(one.text, one.change.apart) for one in revisions] == [("0", True), ("0+", False)]


async def test_pages_of_notes_and_of_what_is_found_skip_the_first(store: Store, notebook: NotebookId) -> None:
    for _ in range(5):
        await store.write(lambda tx: tx.notes.insert(a_note(notebook, "word"), []))

    async def pages(tx: Tx) -> list[list[int]]:
        listed = [await tx.notes.page(notebook, skip=skip, limit=2) for skip in (0, 2, 4, 2**40)]
        found = [await tx.words.search(notebook, ["word"], skip=skip, limit=2) for skip in (0, 2, 4, 2**40)]
        assert [[note.id for note in page] for page in listed] == found
        return [list(page) for page in found]

    assert await store.read(pages) == [[5, 4], [3, 2], [1], []]


async def test_files_come_in_the_torrents_own_order_by_each_of_its_hashes(store: Store) -> None:
    files = tuple(FileEntry(f"{9 - number}.txt", number) for number in range(5))
    info = TorrentInfo(
        torrent=TorrentId(V1, V2), name=Name(text="x", raw=b"x"), size=10, files=files, source="swarm", verified=True
    )
    await store.write(lambda tx: tx.names.put([info], 1.0))
    for one in (V1, V2):
        found = await store.read(lambda tx, h=one: tx.facts.files(TorrentId.of(h), skip=1, limit=2))  # type: ignore[misc]
        assert list(found) == [*files[1:3]]
    assert await store.read(lambda tx: tx.facts.files(TorrentId.of(InfoHash("4" * 40)), skip=0, limit=2)) == []
    foreign = TorrentId(V1, InfoHash("4" * 64))
    assert await store.read(lambda tx: tx.facts.files(foreign, skip=0, limit=2)) == []


async def test_the_files_of_a_claim_are_those_of_exactly_its_hashes(store: Store) -> None:
    pair, alone, other = TorrentId(V1, V2), TorrentId.of(V1), TorrentId.of(V2)
    claim = replace(info(pair, "claim", verified=False), files=(FileEntry("claimed", 1),))
    await store.write(lambda tx: tx.names.put([claim], 1.0))

    async def files(tx: Tx) -> list[list[str]]:
        found = [await tx.facts.files(one, skip=0, limit=9) for one in (pair, alone, other)]
        return [[file.path for file in one] for one in found]

    assert await store.read(files) == [["claimed"], [], []]
    verified = replace(info(alone, "true", verified=True), files=(FileEntry("true", 1),))
    await store.write(lambda tx: tx.names.put([verified], 1.0))
    assert await store.read(files) == [["claimed"], ["true"], []]


async def test_what_a_task_asks_for_is_known_in_its_own_notebook_alone(store: Store, notebook: NotebookId) -> None:
    other = await store.write(lambda tx: tx.notebooks.open("tg:2", 1.0))
    task, items = a_task(notebook)
    await store.write(lambda tx: tx.tasks.insert(task, "digest", items))

    async def asked(tx: Tx) -> list[bool]:
        return [await tx.facts.asked_for(book, one) for book in (notebook, other) for one in (V1, V2)]

    assert await store.read(asked) == [True, False, False, False]


async def test_a_note_number_is_never_used_again(store: Store, notebook: NotebookId) -> None:
    async def make_and_lose(tx: Tx) -> NoteId:
        number = await tx.notes.insert(a_note(notebook, "x"), [])
        await tx.notes._run.run("DELETE FROM notes")
        return number

    first = await store.write(make_and_lose)
    assert await store.write(lambda tx: tx.notes.insert(a_note(notebook, "y"), [])) == first + 1


async def test_tasks_and_items_come_back_as_they_were(store: Store, notebook: NotebookId) -> None:
    task, items = a_task(notebook, "t", TorrentId(V1, V2), TorrentId(InfoHash("3" * 40)))
    await store.write(lambda tx: tx.tasks.insert(task, "digest", items))
    assert await store.read(lambda tx: tx.tasks.get(task.id)) == task
    assert await store.read(lambda tx: tx.tasks.items(task.id)) == items
    assert await store.read(lambda tx: tx.tasks.live_twin(notebook, ALICE, "digest")) == task
    assert await store.read(lambda tx: tx.tasks.live_twin(notebook, PersonId("tg:2"), "digest")) is None
    running = task.to(State.RUNNING, started_at=2.0)
    failed = items[1].to(State.RUNNING, started_at=2.0).to(State.FAILED, ended_at=3.0, failure=Step("dead", {"n": 1}))
    await store.write(lambda tx: tx.tasks.replace([running]))
    await store.write(lambda tx: tx.tasks.replace_items([failed]))
    assert await store.read(lambda tx: tx.tasks.get(task.id)) == running
    assert await store.read(lambda tx: tx.tasks.outcomes(task.id, 5)) == [failed]
    assert await store.read(lambda tx: tx.tasks.counts(task.id)) == {State.PENDING: 1, State.FAILED: 1}
    assert await store.read(lambda tx: tx.tasks.items(task.id, states=(State.PENDING,))) == items[:1]
    assert await store.read(lambda tx: tx.tasks.items(task.id, offset=1, limit=1)) == [failed]
    again = failed.to(State.PENDING, attempt=2, asked_again_at=4.0, started_at=None, ended_at=None, failure=None)
    await store.write(lambda tx: tx.tasks.replace_items([again]))
    assert await store.read(lambda tx: tx.tasks.items(task.id, offset=1, limit=1)) == [again]


async def test_what_all_tasks_on_a_page_ask_for_is_read_once(store: Store, notebook: NotebookId) -> None:
    """It is long, and the page is read again each second. Twenty tasks of a person are under way, others have ended."""
    tasks = [a_task(notebook, str(number), TorrentId(InfoHash(f"{number:040x}")))[0] for number in range(40)]
    for task in tasks:
        await store.write(lambda tx, task=task: tx.tasks.insert(task, task.id, []))  # type: ignore[misc]
    ids = [task.id for task in tasks]
    first = await store.read(lambda tx: tx.tasks.those(ids))
    again = await store.read(lambda tx: tx.tasks.those(ids))
    assert all(again[one].request is first[one].request for one in ids)


async def test_a_verified_name_is_never_replaced_by_a_claimed_one(store: Store) -> None:
    pair = TorrentId(V1, V2)
    await store.write(lambda tx: tx.names.put([info(TorrentId(V1), "claimed", verified=False)], 1.0))
    await store.write(lambda tx: tx.names.put([info(TorrentId(v2=V2), "claimed too", verified=False)], 1.0))
    assert await store.read(lambda tx: tx.names.verified([TorrentId(V1)])) == {}
    await store.write(lambda tx: tx.names.put([info(pair, "true", verified=True)], 2.0))
    await store.write(lambda tx: tx.names.put([info(TorrentId(V1), "claimed", verified=False)], 3.0))
    for asked in (TorrentId(V1), TorrentId(v2=V2), pair):
        found = await store.read(lambda tx, a=asked: tx.names.verified([a]))  # type: ignore[misc]
        assert (found[asked].torrent, found[asked].name.text, found[asked].name.raw) == (pair, "true", b"\xff\x00raw")
    assert await store.read(lambda tx: tx.names.verified([TorrentId(V1, InfoHash("9" * 64))])) == {}


async def test_a_name_keeps_when_it_was_first_seen_and_what_replaces_it_begins_anew(
    store: Store, tmp_path: Path
) -> None:
    async def after(now: float, text: str, *, verified: bool) -> list[tuple[str, float]]:
        await store.write(lambda tx: tx.names.put([info(TorrentId(V1), text, verified=verified)], now))
        with contextlib.closing(sqlite3.connect(tmp_path / "calibot.db")) as other:
            return other.execute("SELECT name, first_seen FROM names").fetchall()

    assert await after(1.0, "claimed", verified=False) == [("claimed", 1.0)]
    assert await after(2.0, "claimed", verified=False) == [("claimed", 1.0)]
    assert await after(3.0, "true", verified=True) == [("true", 3.0)]
    assert await after(4.0, "true", verified=True) == [("true", 3.0)]


async def test_a_message_that_becomes_another_tasks_follows_that_one_alone(store: Store, notebook: NotebookId) -> None:
    old, _ = a_task(notebook, "old")
    new = Task(
        id=TaskId("new"),
        notebook=notebook,
        asked_by=ALICE,
        cause="command",
        request=NoteRequest((NoteId(3),)),
        created_at=1.0,
    )
    place = NewFollower(address="tg:1", message_id=7, reply_to=None, language="zh")
    first = await store.write(lambda tx: tx.followers.add(old, place))
    shown = await store.read(lambda tx: tx.followers.get(first))
    assert shown is not None
    await store.write(lambda tx: tx.followers.shown(shown, 7, 1, State.COMPLETED, 5.0))
    second = await store.write(lambda tx: tx.followers.add(new, place))
    assert first == second
    await store.write(lambda tx: tx.followers.shown(shown, 7, 1, State.COMPLETED, 6.0))  # came too late
    follower = await store.read(lambda tx: tx.followers.at("tg:1", 7))
    assert follower is not None
    assert (follower.task_id, follower.request, follower.shown_state, follower.end_shown_at) == (
        TaskId("new"),
        NoteRequest((NoteId(3),)),
        None,
        None,
    )
    assert await store.read(lambda tx: tx.followers.of(old.id)) == []


async def test_one_database_by_two_names_is_one_database(tmp_path: Path) -> None:
    path, link = tmp_path / "calibot.db", tmp_path / "link.db"
    link.symlink_to(path)
    async with Store.open(path):
        with pytest.raises(DatabaseInUse):
            async with Store.open(link):
                pass


async def test_a_writer_whose_connection_is_gone_refuses_and_never_hangs(store: Store, notebook: NotebookId) -> None:
    await store._writer.close()
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            await store.write(lambda tx: tx.notes.insert(a_note(notebook, "x"), []))


async def test_a_full_disk_refuses_with_a_reason_and_goes_on_when_there_is_room(
    store: Store, notebook: NotebookId
) -> None:
    await pragma(store, "max_page_count = 1")
    with pytest.raises(StoreUnavailable, match="full"):
        await store.write(lambda tx: tx.notes.insert(a_note(notebook, "x" * 1_000_000), []))
    await pragma(store, "max_page_count = 1000000")
    assert await store.write(lambda tx: tx.notes.insert(a_note(notebook, "fits"), []))


async def test_a_write_that_ends_as_cancelled_fails_alone(store: Store) -> None:
    async def cancelled(tx: Tx) -> None:
        await tx.next_boot()
        raise asyncio.CancelledError

    with pytest.raises(StoreUnavailable):
        await store.write(cancelled)
    assert await store.write(lambda tx: tx.next_boot()) == 1


async def test_a_transaction_that_waits_for_something_else_fails_alone(store: Store) -> None:
    async def waits(tx: Tx) -> int:
        number = await tx.next_boot()
        await asyncio.sleep(0)
        return number

    boot, failed = await asyncio.gather(
        store.write(lambda tx: tx.next_boot()), store.write(waits), return_exceptions=True
    )
    assert (boot, type(failed)) == (1, RuntimeError)
    with pytest.raises(RuntimeError, match="waits for nothing but its statements"):
        await store.read(lambda _: asyncio.sleep(0))
    assert await store.write(lambda tx: tx.next_boot()) == 2


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("tasks_with_unended_item", "items_live"),
        ("unfinished_followers", "followers_open"),
        ("followers_behind", "followers_open"),
        ("renew_followers", "note_hashes USING PRIMARY KEY (note_id=?)"),
        ("renew_followers", "items_found_v1 (v1=?)"),
        ("renew_followers", "items_found_v2 (v2=?)"),
        ("pinned_notes", "pins_by_hash (info_hash=?)"),
        ("live_items_of", "tasks_live (notebook_id=?)"),
        ("live_items_of", "items_live (task_id=?)"),
        ("lookups_by_day", "lookups_at (at>?)"),
        ("notebook_lookup_waits", "notebook_lookups_of (notebook_id=? AND at>?)"),
        ("notebook_lookups_by_source", "notebook_lookups_of (notebook_id=? AND at>?)"),
        ("notebook_lookup_outcomes", "notebook_lookups_of (notebook_id=? AND at>?)"),
        ("notebook_lookups_by_day", "notebook_lookups_of (notebook_id=? AND at>?)"),
        ("count_steps", "COVERING INDEX revisions_by_cause (note_id=?)"),
        ("page_of_steps", "SEARCH revisions USING COVERING INDEX revisions_by_cause (note_id=?)"),
        ("page_of_steps", "following USING COVERING INDEX revisions_by_cause (note_id=? AND version=? AND cause=?)"),
        ("page_of_steps", "SEARCH revisions USING PRIMARY KEY (note_id=? AND version=?)"),
    ],
)
async def test_what_is_asked_often_reads_no_whole_table(query: str, index: str, store: Store) -> None:
    sql = "EXPLAIN QUERY PLAN " + store._writer._queries[query]
    given: dict[str, str | float] = {
        "ids": "[]", "notebooks": "[]", "notes": "[]", "torrents": "[]", "since": 0.0, "notebook_id": 1, "note_id": 1,
        "skip": 0, "limit": 1,
    }  # fmt: skip
    plan = [row["detail"] for row in await store._writer.drive(lambda: store._writer.run(sql, given))]
    assert any(index in step for step in plan), plan


async def test_what_is_known_of_a_torrent_is_kept_and_found_without_a_look_at_all_others(
    store: Store, notebook: NotebookId
) -> None:
    other = TorrentId(v2=V2)
    torrents = [TorrentId(InfoHash(f"{number:040x}")) for number in range(1_000)]
    task, items = a_task(notebook, "t", *torrents, TorrentId(V1), other)

    def told(asked: TorrentId) -> Sequence[Callable[[Tx], Awaitable[object]]]:
        return (
            lambda tx: tx.names.put([info(asked, "said", verified=False)], 1.0),
            lambda tx: tx.names.choose(notebook, asked, Name(text="chosen", raw=b"raw"), ALICE, 1.0),
            lambda tx: tx.names.chosen([asked]),
            lambda tx: tx.names.put([info(asked, "read", verified=True)], 1.0),
            lambda tx: tx.names.replaced_claims([asked]),
            lambda tx: tx.tasks.found_in(notebook, asked),
        )

    async def steps(work: Callable[[Tx], Awaitable[object]]) -> tuple[int, object]:
        """Return how many hundreds of its virtual machine's instructions SQLite needed for what *work* returned."""
        counted = itertools.count()
        sqlite = store._writer._connection.sqlite

        async def watched(tx: Tx) -> object:
            sqlite.set_progress_handler(lambda: next(counted) and 0, 100)
            try:
                return await work(tx)
            finally:
                sqlite.set_progress_handler(None, 0)

        did = await store.write(watched)
        return next(counted), did

    async def many(tx: Tx) -> None:
        await tx.tasks.insert(task, "digest", items)
        await tx.names.put([info(one, "another", verified=True) for one in torrents], 1.0)
        await tx.tasks.replace_items([replace(one, state=State.COMPLETED, ended_at=1.0) for one in items])

    await store.write(many)
    for asked in (TorrentId(V1), other):
        did = [await steps(work) for work in told(asked)]
        assert max(count for count, _ in did) < 20, did
        _, _, chosen, _, replaced, found = (one for _, one in did)
        assert [one.text for one in chosen.values()] == ["chosen"]  # type: ignore[attr-defined]
        assert replaced == {(notebook, asked): {"said", "chosen"}}
        assert [one.torrent for one in found] == [asked]  # type: ignore[attr-defined]


async def test_what_lookups_were_to_notebooks_is_read_of_those_that_are_asked_for(
    store: Store, notebook: NotebookId
) -> None:
    other = await store.write(lambda tx: tx.notebooks.open("tg:2", 1.0))

    def row(where: NotebookId, outcome: str, waited: float | None, took: float) -> Served:
        source = "swarm" if outcome == "found" else None
        return Served(notebook=where, source=source, waited=waited, took=took, outcome=outcome)

    rows = [row(notebook, "found", 1.0, 2.0), row(notebook, "found", None, 4.0), row(other, "dead", 9.0, 60.0)]
    await store.write(lambda tx: tx.served.add(rows, 86400.0))
    await store.write(lambda tx: tx.served.add([row(notebook, "dead", 5.0, 60.0)], 2 * 86400.0 - 0.5))

    async def figures(*notebooks: NotebookId, since: float = 0.0) -> tuple[object, ...]:
        async def read(tx: Tx) -> tuple[object, ...]:
            of = tx.served.of(notebooks)
            waits, outcomes = await of.waits(since), await of.outcomes(since)
            return waits, list(await of.by_source(since)), outcomes, await of.by_day(since)

        return await store.read(read)

    swarm = SourceTimes(source="swarm", found=2, p50=2.0, p95=4.0)
    assert await figures(notebook, notebook) == (
        Waits(lookups=3, average=3.0, p95=5.0), [swarm], {"found": 2, "dead": 1}, {1: Ends(found=2, missed=1)},
    )  # fmt: skip
    both = await figures(notebook, other)
    assert both[2:] == ({"dead": 2, "found": 2}, {1: Ends(found=2, missed=2)})
    assert await figures() == (Waits(lookups=0, average=None, p95=None), [], {}, {})
    await store.write(lambda tx: tx.served.forget(86401.0))
    assert (await figures(notebook, other))[2] == {"dead": 1}

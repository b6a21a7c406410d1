"""Notes are found by their words, in any script; operators of the database's search language are words too."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notebook.note import Change, Note
from services.notebook.words import searched_words
from services.store.store import Store
from services.torrents import FileEntry, Name, NotebookId, NoteId, PersonId, TorrentInfo
from tests.unit.fakes import torrent

ALICE = PersonId("tg:1")
LINK = f"magnet:?xt=urn:btih:{torrent('x').shown}"


async def add(store: Store, notebook: NotebookId, text: str, *words: str) -> NoteId:
    note = Note(
        id=NoteId(0), notebook=notebook, text=text, version=1, origin=None, person=ALICE, created_at=1.0, changed_at=1.0
    )
    return await store.write(lambda tx: tx.notes.insert(note, map(torrent, words)))


async def found(store: Store, notebook: NotebookId, words: str, **page: NoteId | int | None) -> list[NoteId]:
    asked = {"before": None, "limit": 100} | page
    return list(await store.read(lambda tx: tx.words.search(notebook, searched_words(words), **asked)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "search"),
    [
        ("The Quick brown fox", "quick"),
        ("The Quick brown fox", "FOX the"),
        ("看过三体全集了", "三体"),
        ("看过三体全集了", "全集 三体"),
        ("進撃の巨人", "の巨"),
        ("오징어 게임", "오징어"),
        ("หนังใหม่พากย์ไทย", "ใหม่"),
        ("ຮູບເງົາໃໝ່", "ໃໝ່"),
        ("ရုပ်ရှင်အသစ်", "အသစ်"),
        ("ភាពយន្តថ្មី", "ថ្មី"),
        ("Der Große Übersetzer", "übersetzer"),
        ("ＮＨＫスペシャル", "nhk"),
        ("NHKスペシャル", "ＮＨＫ"),
        ("ﾄﾞﾗえもん", "ドラ"),
        ("The ﬁnal ﬂight", "final flight"),
        ("Tie\u0302\u0301ng Vie\u0323\u0302t", "Tiếng Việt"),
        ("Война и мир", "ВОЙНА"),
        (f"{LINK}&dn=Some%20%E4%B8%89%E4%BD%93.mkv", "三体 some"),
        (f"{LINK}&dn=x", torrent("x").shown.hex),
        (f"{LINK}&dn=x", torrent("x").shown.hex.upper()[:12]),
        ("S01E02.1080p-GRP", "1080p grp"),
        ("S01E02.1080p-GRP", "s01e02.1080p"),
        ("a (b) c", "(b)"),
        ('say "hello"', '"hello"'),
        ("rock AND roll", "AND"),
        ("debian installer", "deb inst"),
    ],
)
async def test_all_words_in_any_case_find_the_note(text: str, search: str, store: Store, notebook: NotebookId) -> None:
    note_id = await add(store, notebook, text)
    await add(store, notebook, "something else")
    assert await found(store, notebook, search) == [note_id]


@pytest.mark.parametrize("search", ["体三", "มใหม", "quick slow", "NOT quick", "tracker", "notebook1", "dn", "magnet"])
async def test_what_is_not_there_is_not_found(search: str, store: Store, notebook: NotebookId) -> None:
    await add(store, notebook, f"quick 三体 ใหม่ {LINK}&tr=http://tracker.example/")
    assert await found(store, notebook, search) == []


async def test_each_notebook_finds_its_own_newest_first_and_page_by_page(store: Store, notebook: NotebookId) -> None:
    other = await store.write(lambda tx: tx.notebooks.open("tg:2", 1.0))
    mine = [await add(store, notebook, "word") for _ in range(5)]
    await add(store, other, "word")
    assert await found(store, notebook, "word") == mine[::-1]
    assert await found(store, notebook, "word", limit=2) == [mine[4], mine[3]]
    assert await found(store, notebook, "word", before=mine[3], limit=2) == [mine[2], mine[1]]


async def test_names_and_files_that_are_learned_later_find_the_notes_that_have_the_torrent(
    store: Store, notebook: NotebookId
) -> None:
    other = await store.write(lambda tx: tx.notebooks.open("tg:2", 1.0))
    mine, theirs = await add(store, notebook, LINK, "x"), await add(store, other, LINK, "x")
    assert await found(store, notebook, "ubuntu") == []
    info = TorrentInfo(
        torrent=torrent("x"), name=Name(text="Ubuntu 24.04", raw=b"Ubuntu 24.04"), size=1,
        files=(FileEntry("docs/第一章.txt", 1),), source="swarm", verified=True,
    )  # fmt: skip
    await store.write(lambda tx: tx.names.put([info], 1.0))
    assert await found(store, notebook, "ubuntu 第一章") == [mine]
    assert await found(store, other, "docs") == [theirs]


async def test_a_changed_text_is_found_by_its_new_words_and_a_deleted_note_by_none(
    store: Store, notebook: NotebookId
) -> None:
    note_id = await add(store, notebook, "old")
    note = await store.read(lambda tx: tx.notes.get(notebook, note_id))
    assert note is not None
    change = Change(cause="edit", person=ALICE, task_id=None, at=1.0)
    await store.write(lambda tx: tx.notes.replace_text(note, "new", change))
    assert (await found(store, notebook, "old"), await found(store, notebook, "new")) == ([], [note_id])
    await store.write(lambda tx: tx.notes.delete(note_id, 5.0))
    assert await found(store, notebook, "new") == []
    await store.write(lambda tx: tx.notes.restore(notebook, note_id, 0.0))
    assert await found(store, notebook, "new") == [note_id]


@given(st.text(max_size=60))
def test_a_search_has_only_words_with_a_letter_or_a_digit(text: str) -> None:
    words = searched_words(text)
    assert all(any(map(str.isalnum, word)) for word in words)
    assert not any('"' in word or "\0" in word for word in words)


OPERATORS = [
    "NEAR(a b)",
    "a NOT b",
    "^a",
    "a*",
    "col:x",
    "-a",
    "a AND",
    "((((",
    '"',
    "{x}:y",
    "a + b",
    "'; DROP",
    "\0a",
]


@pytest.mark.parametrize("search", OPERATORS)
async def test_no_operator_breaks_a_search(search: str, store: Store, notebook: NotebookId) -> None:
    if searched_words(search):
        await found(store, notebook, search)

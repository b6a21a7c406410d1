"""Pages of a search, and who has a torrent: of one notebook, never of another."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.calibration.task import HashRequest, Item, Task
from services.errors import SearchTooLong
from services.magnets.parse import Magnet, find_magnets
from services.notebook.excerpts import readable
from services.notebook.note import Cause, Change, Note
from services.notebook.search import Page, Search, Torrent, asked
from services.store.store import Store
from services.torrents import FileEntry, Hints, InfoHash, NotebookId, NoteId, PersonId, TaskId, TorrentId
from tests.unit.fakes import info_of, torrent

LINK = f"magnet:?xt=urn:btih:{torrent('x').shown}"


@pytest.fixture
def search(store: Store) -> Search:
    return Search(store)


async def add(store: Store, notebook: NotebookId, text: str, *torrents: TorrentId) -> NoteId:
    note = Note(
        id=NoteId(0), notebook=notebook, text=text, version=1, origin=None, person=PersonId("tg:1"),
        created_at=1.0, changed_at=1.0,
    )  # fmt: skip
    return await store.write(lambda tx: tx.notes.insert(note, torrents))


async def ask(store: Store, notebook: NotebookId, one: TorrentId) -> None:
    """Store a task that looks for the torrent."""
    task = Task(
        id=TaskId(one.shown.hex), notebook=notebook, asked_by=PersonId("tg:1"), cause="command",
        request=HashRequest(((one, Hints()),)), created_at=1.0,
    )  # fmt: skip
    item = Item(task_id=task.id, position=0, torrent=one, hints=Hints())
    await store.write(lambda tx: tx.tasks.insert(task, task.id, [item]))


async def other_notebook(store: Store) -> NotebookId:
    return await store.write(lambda tx: tx.notebooks.open("tg:2", 1.0))


def ids(page: Page) -> list[NoteId]:
    return [hit.note_id for hit in page.hits]


async def test_pages_go_older_and_newer_through_all_that_was_found_and_nothing_else(
    search: Search, store: Store, notebook: NotebookId
) -> None:
    other = await other_notebook(store)
    mine: list[NoteId] = []
    for _ in range(25):
        mine.append(await add(store, notebook, "word"))
        await add(store, other, "word")
    mine.reverse()
    first = await search.page(notebook, "word")
    second = await search.page(notebook, "word", before=first.older)
    third = await search.page(notebook, "word", before=second.older)
    assert [ids(one) for one in (first, second, third)] == [mine[:10], mine[10:20], mine[20:]]
    assert (first.newer, third.older) == (None, None)
    assert await search.page(notebook, "word", after=third.newer) == second
    assert await search.page(notebook, "word", after=second.newer) == first


@pytest.mark.parametrize("cursor", [0, 1, 10**18 - 1, -1])
async def test_any_cursor_gives_a_page(cursor: int, search: Search, store: Store, notebook: NotebookId) -> None:
    note_id = await add(store, notebook, "word")
    for page in (
        await search.page(notebook, "word", before=NoteId(cursor)),
        await search.page(notebook, "word", after=NoteId(cursor)),
    ):
        assert ids(page) == [note_id]
        assert (page.older, page.newer) == (None, None)


async def test_a_page_whose_notes_are_gone_shows_the_newest(search: Search, store: Store, notebook: NotebookId) -> None:
    notes = [await add(store, notebook, "word") for _ in range(12)]
    first = await search.page(notebook, "word")
    for one in notes[:2]:
        await store.write(lambda tx, one=one: tx.notes.delete(one, 1.0))  # type: ignore[misc]
    assert ids(await search.page(notebook, "word", before=first.older)) == notes[:1:-1]
    assert ids(await search.page(notebook, "word", after=NoteId(notes[9]))) == notes[:1:-1]


async def test_what_matched_is_shown_wherever_it_stands(search: Search, store: Store, notebook: NotebookId) -> None:
    await add(store, notebook, f"movie {LINK}&dn=18&tr=http://tracker.example/", torrent("x"))
    await store.write(lambda tx: tx.names.put([info_of(torrent("x"), "三体.mkv")], 1.0))

    async def line(words: str) -> tuple[str, list[str]]:
        (hit,) = (await search.page(notebook, words)).hits
        return hit.excerpt.text, [hit.excerpt.text[start:end] for start, end in hit.excerpt.marks]

    digits = torrent("x").shown.hex
    assert await line("movie") == ("movie 18", ["movie"])
    assert await line("三体") == ("三体.mkv", ["三体"])
    assert await line("a.mkv") == ("a.mkv", ["a.mkv"])
    assert await line(digits[:10]) == (digits, [digits[:10]])


async def test_holders_are_this_notebooks_and_what_is_known_is_told_of_those_alone(
    search: Search, store: Store, notebook: NotebookId
) -> None:
    other = await other_notebook(store)
    mine = [await add(store, notebook, LINK, torrent("x")) for _ in range(3)]
    await add(store, other, LINK, torrent("x"))
    await add(store, other, "theirs", torrent("y"))
    await store.write(lambda tx: tx.names.put([info_of(torrent(one), one) for one in "xy"], 1.0))
    await store.write(lambda tx: tx.notes.delete(mine[1], 1.0))
    (held,) = await search.holders(notebook, [torrent("x"), torrent("y"), torrent("z")])
    assert (held.torrent, list(held.notes)) == (torrent("x"), [mine[2], mine[0]])
    assert held.known is not None
    assert (held.known.name.text, held.known.size, held.known.file_count, held.known.verified) == ("x", 1234, 2, True)


async def test_a_hybrid_is_found_by_each_of_its_hashes_and_a_foreign_pair_has_no_name(
    search: Search, store: Store, notebook: NotebookId
) -> None:
    v1, v2 = InfoHash("1" * 40), InfoHash("2" * 64)
    note_id = await add(store, notebook, "hybrid", TorrentId(v1, v2))
    await store.write(lambda tx: tx.names.put([info_of(TorrentId(v1, v2), "both")], 1.0))
    foreign = TorrentId(v1, InfoHash("3" * 64))
    held = await search.holders(notebook, [TorrentId(v1), TorrentId(None, v2), foreign])
    assert [list(one.notes) for one in held] == [[note_id]] * 3
    assert [one.known.name.text if one.known else None for one in held] == ["both", "both", None]


@pytest.mark.parametrize("learned_first", [False, True])
async def test_a_hybrid_whose_pair_was_verified_is_found_by_the_hash_that_its_note_has_not(
    learned_first: bool, search: Search, store: Store, notebook: NotebookId
) -> None:
    pair = TorrentId(InfoHash("1" * 40), InfoHash("2" * 64))
    by_v1, by_v2 = TorrentId(pair.v1), TorrentId(None, pair.v2)

    async def learn() -> None:
        await store.write(lambda tx: tx.names.put([info_of(pair, "both")], 1.0))

    if learned_first:
        await learn()
    first = await add(store, notebook, f"magnet:?xt=urn:btih:{pair.v1}", by_v1)
    second = await add(store, notebook, f"magnet:?xt=urn:btmh:1220{pair.v2}", by_v2)
    if not learned_first:
        await learn()
    held = await search.holders(notebook, [by_v1, by_v2, pair])
    assert [list(one.notes) for one in held] == [[second, first]] * 3
    for digits in (by_v1.shown.hex, by_v2.shown.hex, by_v1.shown.hex[:12]):
        page = await search.page(notebook, digits)
        assert ids(page) == [second, first]
        assert all(hit.excerpt.marks for hit in page.hits)


async def test_a_pair_that_a_source_only_claimed_makes_no_hybrid(
    search: Search, store: Store, notebook: NotebookId
) -> None:
    v1, v2 = InfoHash("1" * 40), InfoHash("2" * 64)
    await store.write(lambda tx: tx.names.put([info_of(TorrentId(v1, v2), "both", verified=False)], 1.0))
    by_v1 = await add(store, notebook, f"magnet:?xt=urn:btih:{v1}", TorrentId(v1))
    assert not await search.holders(notebook, [TorrentId(None, v2)])
    assert ids(await search.page(notebook, "2" * 64)) == []
    by_v2 = await add(store, notebook, f"magnet:?xt=urn:btmh:1220{v2}", TorrentId(None, v2))
    held = await search.holders(notebook, [TorrentId(v1), TorrentId(None, v2)])
    assert [list(one.notes) for one in held] == [[by_v1], [by_v2]]


async def test_lists_go_through_all_notes_and_through_what_was_found_and_nothing_else(
    search: Search, store: Store, notebook: NotebookId
) -> None:
    other = await other_notebook(store)
    mine: list[NoteId] = []
    for number in range(41):
        mine.append(await add(store, notebook, f"word {'even' if number % 2 else 'odd'}"))
        await add(store, other, "word")
    await store.write(lambda tx: tx.notes.delete(mine.pop(), 1.0))
    mine.reverse()
    for words, expected in (("", mine), ("word", mine), ("even", mine[::2]), ("nothing", [])):
        found: list[NoteId] = []
        more, page = True, 0
        while more:
            lines, more = await search.lines(notebook, words, page)
            assert len(lines) == 20 or not more
            found += [line.note.id for line in lines]
            page += 1
        assert found == expected
        assert await search.lines(notebook, words, 10**9) == ([], False)


async def test_a_line_tells_what_a_note_is_and_has(search: Search, store: Store, notebook: NotebookId) -> None:
    junk = f"see {LINK}&dn=18 and {LINK}&dn=Good.mkv and magnet:?xt=urn:btih:{torrent('y').shown}&dn=Other.mkv"
    await add(store, notebook, junk, torrent("x"), torrent("y"))
    await add(store, notebook, "only\nwords " + "long " * 100)
    await store.write(lambda tx: tx.names.put([info_of(torrent("x"), "secret.mkv")], 1.0))
    (words, links), more = await search.lines(notebook, "", 0)
    assert not more
    assert (links.excerpt, links.torrents, links.junk, links.calibrated) == (
        "see 18 and Good.mkv and Other.mkv",
        2,
        True,
        False,
    )
    assert words.excerpt.startswith("only words long")
    assert len(words.excerpt) <= 141
    assert (words.torrents, words.junk, words.calibrated) == (0, False, True)
    ((found,), _) = await search.lines(notebook, "secret", 0)
    assert found.excerpt == "secret.mkv", "it is found by what is known of its torrent"


async def test_a_note_is_found_by_whatever_stands_in_it_however_long_it_is(
    search: Search, store: Store, notebook: NotebookId
) -> None:
    links = "\n".join(f"{LINK}&dn=Name.of.film.{number}.mkv" for number in range(11_000))
    long = await add(store, notebook, f"{links}\n{'長' * 200_000}終")
    for words in ("Name.of.film.10999.mkv", "終", "film.10999 長終"):
        assert ids(await search.page(notebook, words)) == [long], words


async def test_names_are_found_before_very_many_files(search: Search, store: Store, notebook: NotebookId) -> None:
    files = tuple(FileEntry(f"{number}-{'f' * 300}.mkv", 1) for number in range(2_000))
    note = await add(store, notebook, "x", torrent("x"), torrent("y"))
    many, other = info_of(torrent("x"), "many"), info_of(torrent("y"), "behind.mkv")
    await store.write(lambda tx: tx.names.put([replace(many, files=files), other], 1.0))
    assert ids(await search.page(notebook, "behind.mkv")) == [note]


async def test_what_a_list_says_of_a_text_is_worked_out_once_and_anew_when_it_has_changed(
    search: Search, store: Store, notebook: NotebookId, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []

    def counted(text: str) -> tuple[Magnet, ...]:
        looked.append(text)
        return find_magnets(text)

    monkeypatch.setattr("services.notebook.search.find_magnets", counted)
    await add(store, notebook, f"words {LINK}&dn=18")
    for _ in range(3):
        ((line,), _) = await search.lines(notebook, "", 0)
        ((found,), _) = await search.lines(notebook, "words", 0)
        assert (line.excerpt, line.torrents, line.junk) == ("words 18", 1, True)
        assert (found.torrents, found.junk) == (1, True)
    assert len(looked) == 1
    changed = Change(cause=Cause.EDIT, person=PersonId("tg:1"), task_id=None, at=2.0)
    assert await store.write(lambda tx: tx.notes.replace_text(line.note, "other words", changed))
    ((line,), _) = await search.lines(notebook, "", 0)
    assert (line.excerpt, line.torrents, line.junk) == ("other words", 0, False)


@pytest.mark.parametrize(
    ("end", "words", "shown"),
    [
        ("a Needle in it", "needle", "a Needle in it"),
        ("看电影去", "电影", "看电影去"),
        ("film(2026)", "(2026)", "film(2026)"),
        (f"magnet:?xt=urn:btih:{torrent('y').shown.hex.upper()}&dn=18", torrent("y").shown.hex, torrent("y").shown.hex),
        ("Müller", "muller", f"0 {torrent('0').shown.hex}"),
    ],
)
async def test_of_a_long_text_as_much_is_looked_at_as_an_excerpt_needs(
    end: str,
    words: str,
    shown: str,
    search: Search,
    store: Store,
    notebook: NotebookId,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where a word stands in other letters than were asked for, its beginning is shown."""
    looked: list[int] = []

    def counted(text: str) -> str:
        looked.append(len(text))
        return readable(text)

    monkeypatch.setattr("services.notebook.search.readable", counted)
    lines = "\n".join(f"{number} magnet:?xt=urn:btih:{torrent(str(number)).shown}" for number in range(2_000))
    await add(store, notebook, f"{lines}\n{end}\nand so on\n{lines}")
    ((hit,), _) = await search.lines(notebook, words, 0)
    assert shown in hit.excerpt
    assert max(looked) <= 20_000


@pytest.mark.parametrize("before", [65_530, 65_536, 131_070])
async def test_a_word_of_a_very_long_text_is_shown_wherever_it_stands(
    before: int, search: Search, store: Store, notebook: NotebookId
) -> None:
    """The text is looked through in parts, and a word may stand in two of them."""
    await add(store, notebook, f"{'a ' * (before // 2)}Zwischenräume {'b ' * 70_000}")
    ((hit,), _) = await search.lines(notebook, "zwischenräume", 0)
    assert "Zwischenräume" in hit.excerpt


async def test_a_torrent_is_told_of_where_a_note_or_a_task_has_it_and_nowhere_else(
    search: Search, store: Store, notebook: NotebookId
) -> None:
    other = await other_notebook(store)
    await store.write(lambda tx: tx.names.put([info_of(torrent(one), one) for one in "xyz"], 1.0))
    theirs = await add(store, other, LINK, torrent("x"))
    await ask(store, notebook, torrent("y"))

    async def about(word: str, *notebooks: NotebookId, page: int = 0, size: int = 9) -> Torrent | None:
        return await search.torrent(notebooks, torrent(word), page=page, size=size)

    assert await about("x", notebook) is None
    assert await about("z", notebook, other) is None
    assert await about("x") is None
    found = await about("x", notebook, other)
    assert found is not None
    assert (list(found.held.notes), found.more) == ([theirs], False)
    assert [one.path for one in found.files] == ["a.mkv", "b.txt"]
    asked_for = await about("y", notebook)
    assert asked_for is not None
    assert asked_for.held.known is not None
    assert (list(asked_for.held.notes), asked_for.held.known.source) == ([], "swarm")
    assert await about("y", other) is None
    pages = [await about("x", other, page=page, size=1) for page in range(3)]
    assert [([one.path for one in page.files], page.more) for page in pages if page] == [
        (["a.mkv"], True),
        (["b.txt"], False),
        ([], False),
    ]


@pytest.mark.parametrize("verified", [True, False])
async def test_a_hybrid_that_a_task_has_is_told_of_by_its_other_hash_where_the_pair_was_verified(
    verified: bool, search: Search, store: Store, notebook: NotebookId
) -> None:
    for turn in ("13", "24"):
        first, second = InfoHash(turn[0] * 40), InfoHash(turn[1] * 64)
        asked_for, other = (first, second) if turn == "13" else (second, first)
        await ask(store, notebook, TorrentId.of(asked_for))
        info = info_of(TorrentId(first, second), "both", verified=verified)
        await store.write(lambda tx, i=info: tx.names.put([i], 1.0))  # type: ignore[misc]
        assert await search.torrent([notebook], TorrentId.of(asked_for), page=0, size=9) is not None
        assert (await search.torrent([notebook], TorrentId.of(other), page=0, size=9) is not None) is verified


@given(st.text(max_size=150))
def test_what_is_shown_as_searched_for_is_searched_for_again(text: str) -> None:
    assert asked(asked(text)) == asked(text)


def test_a_search_has_a_length() -> None:
    assert asked("a" * 200)
    with pytest.raises(SearchTooLong):
        asked("a" * 201)


def test_a_magnet_is_looked_for_by_its_info_hash_however_it_is_written() -> None:
    one = torrent("x").shown
    assert asked(f"magnet:?xt=urn:btih:{one.hex.upper()}&dn=some+name&tr=http%3A%2F%2Ft.example%2Fa film") == (
        f"{one.hex} film"
    )
    assert asked("magnet, a word") == "magnet, a word"


async def test_a_magnet_finds_the_notes_that_have_its_torrent_by_another_link(
    search: Search, store: Store, notebook: NotebookId
) -> None:
    await add(store, notebook, f"magnet:?xt=urn:btih:{torrent('y').shown}&dn=18", torrent("y"))
    (lines, _) = await search.lines(notebook, asked(f"magnet:?dn=other&xt=urn:btih:{torrent('y').shown}"), 0)
    assert [one.note.id for one in lines] == [1]

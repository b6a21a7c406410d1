"""Pages of a search, and who has a torrent: of one notebook, never of another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.errors import SearchTooLong
from services.notebook.note import Note
from services.notebook.search import Page, Search, asked
from services.store.store import Store
from services.torrents import InfoHash, NotebookId, NoteId, PersonId, TorrentId
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


@given(st.text(max_size=150))
def test_what_is_shown_as_searched_for_is_searched_for_again(text: str) -> None:
    assert asked(asked(text)) == asked(text)


def test_a_search_has_a_length() -> None:
    assert asked("a" * 200)
    with pytest.raises(SearchTooLong):
        asked("a" * 201)

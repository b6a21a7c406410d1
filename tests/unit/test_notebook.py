"""Notes: kept as they were written, once, and for their own chat alone."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.calibration.ports import Tx
from services.errors import NotDeleted, NoteNotFound
from services.magnets.parse import find_magnets
from services.notebook.note import Note
from services.notebook.notebook import Notebook, Saved
from services.store.store import Store
from services.torrents import InfoHash, Name, NotebookId, NoteId, PersonId, TorrentId
from tests.fake_clock import FakeClock
from tests.unit.fakes import info_of, torrent

ALICE = PersonId("tg:1")
X, Y = torrent("x"), torrent("y")
LINK = f"magnet:?xt=urn:btih:{X.shown}"
OTHER = f"magnet:?xt=urn:btih:{Y.shown}"


@pytest.fixture
def notes(store: Store, clock: FakeClock) -> Notebook:
    return Notebook(store, clock, lambda _: None)


async def save(notes: Notebook, notebook: NotebookId, text: str, *, key: str | None = None) -> Saved:
    saved = await notes.save(text, notebook=notebook, person=ALICE, origin="tg:1#5", request_key=key)
    assert saved is not None
    return saved


async def having(store: Store, notebook: NotebookId, one: TorrentId) -> Sequence[Note]:
    return (await store.read(lambda tx: tx.notes.having(notebook, [one]))).get(one, [])


# Keeping.


@pytest.mark.parametrize(
    "text",
    [
        f"  {LINK}  ",
        f"one\r\ntwo\n{LINK}\r\n\r\n",
        f"\xa0{LINK}\xa0\u3000\u2028",
        f"🎬👩‍👩‍👧‍👦 {LINK} \ufe0f",
        f"\t{LINK}\x0b\x0c\x1f",
        f"a\0b {LINK}",
        f"\ufeff{LINK} e\u0301 é \ufffd",
        f"\u202e{LINK}\u202c",
        f"'; DROP TABLE notes; -- {LINK} :text ?1",
        LINK,
    ],
)
async def test_a_text_is_kept_byte_for_byte(text: str, notes: Notebook, notebook: NotebookId) -> None:
    saved = await save(notes, notebook, text)
    note = await notes.get(notebook, saved.note_id)
    assert note.text.encode() == text.encode()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(before=st.text(), after=st.text())
async def test_any_text_with_a_magnet_is_kept_byte_for_byte(
    before: str, after: str, notes: Notebook, notebook: NotebookId
) -> None:
    text = f"{before} {LINK} {after}"
    saved = await save(notes, notebook, text)
    assert (await notes.get(notebook, saved.note_id)).text == text


async def test_a_note_knows_who_wrote_it_where_and_when(
    notes: Notebook, notebook: NotebookId, clock: FakeClock
) -> None:
    saved = await save(notes, notebook, LINK)
    assert await notes.get(notebook, saved.note_id) == Note(
        id=saved.note_id,
        notebook=notebook,
        text=LINK,
        version=1,
        origin="tg:1#5",
        person=ALICE,
        created_at=clock.now(),
        changed_at=clock.now(),
    )


@pytest.mark.parametrize(
    ("text", "magnets", "torrents"),
    [
        (LINK, 1, 1),
        (f"{LINK} {OTHER}", 2, 2),
        (f"{LINK}&dn=a and again {LINK}&dn=b", 2, 1),
        (f"{LINK}&xt=urn:btmh:1220{'a' * 64}", 1, 1),
    ],
)
async def test_the_answer_counts_magnets_and_distinct_torrents(
    text: str, magnets: int, torrents: int, notes: Notebook, notebook: NotebookId
) -> None:
    saved = await save(notes, notebook, text)
    assert (saved.magnets, saved.torrents) == (magnets, torrents)


async def test_a_note_is_found_by_each_of_its_torrents_and_by_each_hash_of_a_hybrid(
    notes: Notebook, notebook: NotebookId, store: Store
) -> None:
    v1, v2 = InfoHash("1" * 40), InfoHash("2" * 64)
    saved = await save(notes, notebook, f"{LINK} magnet:?xt=urn:btih:{v1}&xt=urn:btmh:1220{v2}")
    for one in (X, TorrentId(v1), TorrentId(v2=v2), TorrentId(v1, v2)):
        assert [note.id for note in await having(store, notebook, one)] == [saved.note_id]


@pytest.mark.parametrize("text", ["", "words", "magnet:", "magnet:?dn=x", f"btih:{X.shown}", f"{X.shown}", "🎬\0"])
async def test_nothing_is_kept_of_a_text_without_a_magnet(
    text: str, notes: Notebook, notebook: NotebookId, store: Store
) -> None:
    assert await notes.save(text, notebook=notebook, person=ALICE, origin=None, request_key="k") is None
    assert await store.read(lambda tx: tx.answers.get("k")) is None
    assert (await save(notes, notebook, LINK)).note_id == 1, "no number was used up"


# Once.


async def test_the_same_request_is_kept_once_and_answered_alike(
    notes: Notebook, notebook: NotebookId, store: Store
) -> None:
    first = await save(notes, notebook, LINK, key="tg:1:1")
    assert await save(notes, notebook, LINK, key="tg:1:1") == first
    assert len(await having(store, notebook, X)) == 1


async def test_the_same_request_many_times_at_once_is_kept_once(
    notes: Notebook, notebook: NotebookId, store: Store
) -> None:
    answers = await asyncio.gather(*(save(notes, notebook, LINK, key="tg:1:1") for _ in range(20)))
    assert len(set(answers)) == 1
    assert len(await having(store, notebook, X)) == 1


async def test_the_same_words_said_twice_are_two_notes(notes: Notebook, notebook: NotebookId) -> None:
    numbers = [(await save(notes, notebook, LINK, key=key)).note_id for key in ("tg:1:1", "tg:1:2", None, None)]
    assert numbers == [1, 2, 3, 4]


def test_a_stored_answer_says_what_the_first_said() -> None:
    saved = Saved(NoteId(2**62), 3, 2)
    assert Saved.from_json(saved.to_json()) == saved


# Whose.


async def test_another_notebooks_note_is_answered_exactly_as_a_missing_one(
    notes: Notebook, notebook: NotebookId
) -> None:
    saved = await save(notes, notebook, LINK)
    other = await notes.behind("tg:2")
    with pytest.raises(NoteNotFound) as foreign:
        await notes.get(other, saved.note_id)
    with pytest.raises(NoteNotFound) as missing:
        await notes.get(other, NoteId(saved.note_id + 1))
    assert foreign.value.code == missing.value.code
    assert foreign.value.parameters == {"note_id": saved.note_id}
    assert missing.value.parameters == {"note_id": saved.note_id + 1}


@pytest.mark.parametrize("number", [0, -1, 2**63 - 1, 2**63, 10**30, -(10**30)])
async def test_a_number_that_no_note_has_is_not_found(number: int, notes: Notebook, notebook: NotebookId) -> None:
    await save(notes, notebook, LINK)
    with pytest.raises(NoteNotFound):
        await notes.get(notebook, NoteId(number))


async def test_two_doors_open_two_notebooks_and_each_always_the_same(notes: Notebook, notebook: NotebookId) -> None:
    first, second = await notes.behind("tg:-100"), await notes.behind("local")
    assert len({first, second, notebook}) == 3
    assert await notes.behind("tg:-100") == first
    assert await notes.behind("local") == second


async def test_a_door_that_is_opened_many_times_at_once_opens_one_notebook(notes: Notebook) -> None:
    assert len(set(await asyncio.gather(*(notes.behind("tg:-100") for _ in range(20))))) == 1


async def test_note_numbers_are_unique_over_all_notebooks(notes: Notebook, notebook: NotebookId) -> None:
    other = await notes.behind("tg:2")
    numbers = [(await save(notes, where, LINK)).note_id for where in (notebook, other, notebook, other)]
    assert numbers == [1, 2, 3, 4]


# The same again, anything, pages, deleting.


async def test_the_same_magnet_again_is_kept_and_known_by_the_numbers_before_it(
    notes: Notebook, notebook: NotebookId
) -> None:
    first, second = await save(notes, notebook, LINK), await save(notes, notebook, OTHER)
    again = await save(notes, notebook, f"{LINK}&dn=x {OTHER}", key="k")
    assert again.known == (first.note_id, second.note_id)
    assert await save(notes, notebook, f"{LINK}&dn=x {OTHER}", key="k") == again
    assert (first.known, second.known) == ((), ())
    elsewhere = await notes.behind("tg:2")
    assert (await save(notes, elsewhere, LINK)).known == (), "another notebook's are nobody's business"


async def test_a_page_tells_junk_names_wherever_they_stand_in_a_note(notes: Notebook, notebook: NotebookId) -> None:
    good, words = f"{LINK}&dn=The%20Goddess\n", "and many words " * 1000
    texts = (good + words, words + good, good + words + f"{OTHER}&dn=18", LINK, "words")
    saved = [await notes.save(one, notebook=notebook, person=ALICE, origin=None, anything=True) for one in texts]
    page = await notes.page(notebook)
    assert [one.note_id in page.junk for one in saved if one] == [False, False, True, True, False]


async def test_a_hybrid_that_was_verified_is_known_again_by_its_other_hash(
    notes: Notebook, notebook: NotebookId, store: Store
) -> None:
    pair = TorrentId(InfoHash("1" * 40), InfoHash("2" * 64))
    first = await save(notes, notebook, f"magnet:?xt=urn:btih:{pair.v1}")
    await store.write(lambda tx: tx.names.put([info_of(pair, "both")], 1.0))
    again = await save(notes, notebook, f"magnet:?xt=urn:btmh:1220{pair.v2}")
    assert again.known == (first.note_id,)


async def test_what_is_known_of_a_notes_torrents_is_told_claimed_or_verified(
    notes: Notebook, notebook: NotebookId, store: Store
) -> None:
    infos = [info_of(X, "Claimed", verified=False), info_of(Y, "Verified")]
    await store.write(lambda tx: tx.names.put(infos, 1.0))
    known = await notes.known(notebook, find_magnets(f"{LINK} {OTHER} magnet:?xt=urn:btih:{'3' * 40}"))
    assert {one: (fact.name.text, fact.size, fact.verified) for one, fact in known.items()} == {
        X: ("Claimed", 1234, False),
        Y: ("Verified", 1234, True),
    }


async def test_a_name_that_people_chose_is_what_is_known_in_their_notebook_alone(
    notes: Notebook, notebook: NotebookId, store: Store
) -> None:
    elsewhere = await notes.behind("tg:2")
    chosen = Name(text="三体", raw=b"x", encoding="gb18030", chosen=True)

    async def write(tx: Tx) -> None:
        await tx.names.put([info_of(X, "guess", certain=False)], 1.0)
        await tx.names.choose(notebook, X, chosen, ALICE, 2.0)

    await store.write(write)
    names = [(await notes.known(one, find_magnets(LINK)))[X].name for one in (notebook, elsewhere)]
    assert [(one.text, one.certain) for one in names] == [("三体", True), ("guess", False)]


async def test_anything_is_kept_when_that_is_asked(notes: Notebook, notebook: NotebookId) -> None:
    saved = await notes.save("no link\r\n", notebook=notebook, person=ALICE, origin=None, source="X", anything=True)
    assert saved == Saved(NoteId(1), 0, 0)
    note = await notes.get(notebook, saved.note_id)
    assert (note.text, note.source) == ("no link\r\n", "X")


async def test_pages_go_to_the_oldest_and_back_over_foreign_and_deleted_notes(
    notes: Notebook, notebook: NotebookId
) -> None:
    elsewhere = await notes.behind("tg:2")
    mine = []
    for _ in range(25):
        mine.append((await save(notes, notebook, LINK)).note_id)
        await save(notes, elsewhere, LINK)
    await notes.delete(notebook, mine.pop(12))
    newest_first = mine[::-1]
    shown: list[list[NoteId]] = []
    before: NoteId | None = None
    while True:
        page = await notes.page(notebook, before=before)
        assert page.newer is (before is not None)
        shown.append([note.id for note in page.notes])
        if not page.older:
            break
        before = page.notes[-1].id
    assert [len(one) for one in shown] == [10, 10, 4]
    assert [one for page in shown for one in page] == newest_first
    back = await notes.page(notebook, after=shown[2][0])
    assert ([note.id for note in back.notes], back.older, back.newer) == (shown[1], True, True)
    back = await notes.page(notebook, after=back.notes[0].id)
    assert ([note.id for note in back.notes], back.older, back.newer) == (shown[0], True, False)
    assert set(back.uncalibrated) == set(shown[0])


async def test_a_deleted_note_is_gone_for_a_day_and_then_for_good(
    notes: Notebook, notebook: NotebookId, clock: FakeClock
) -> None:
    saved = await save(notes, notebook, LINK)
    elsewhere = await notes.behind("tg:2")
    for _ in range(2):
        await notes.delete(notebook, saved.note_id, request_key="deleted")
    with pytest.raises(NoteNotFound):
        await notes.get(notebook, saved.note_id)
    with pytest.raises(NoteNotFound):
        await notes.delete(notebook, saved.note_id)
    await clock.advance(86_000)
    await notes.purge()
    with pytest.raises(NoteNotFound):
        await notes.restore(elsewhere, saved.note_id)
    for _ in range(2):
        await notes.restore(notebook, saved.note_id, request_key="back")
    assert (await notes.get(notebook, saved.note_id)).text == LINK
    with pytest.raises(NotDeleted):
        await notes.restore(notebook, saved.note_id)
    await notes.delete(notebook, saved.note_id)
    await clock.advance(86_401)
    with pytest.raises(NoteNotFound):
        await notes.restore(notebook, saved.note_id)
    await notes.purge()
    assert (await save(notes, notebook, LINK)).known == ()


async def test_whoever_listens_hears_of_each_note_that_comes_goes_and_comes_back(
    store: Store, notebook: NotebookId, clock: FakeClock
) -> None:
    heard: list[NoteId] = []
    notes = Notebook(store, clock, heard.append)
    first, second = [await notes.save(LINK, notebook=notebook, person=ALICE, origin=None) for _ in range(2)]
    assert first is not None
    assert second is not None
    await notes.delete(notebook, first.note_id)
    with pytest.raises(NoteNotFound):
        await notes.delete(notebook, first.note_id)
    await notes.restore(notebook, first.note_id)
    assert heard == [first.note_id, second.note_id, first.note_id, first.note_id]

"""Notes follow their messages, and keep the names that were written into them meanwhile."""

import pytest

from services.calibration.task import NoteRequest, Written
from services.errors import EditedSince, LookupFailed, NoteChanged, NoteNotFound
from services.magnets.rewrite import rename
from services.notebook.edits import Edited, Edits, with_names
from services.notebook.history import History
from services.notebook.note import Cause
from services.notebook.notebook import Notebook, Saved
from services.store.store import Store
from services.torrents import NotebookId, NoteId, PersonId
from tests.fake_clock import FakeClock
from tests.unit.conftest import Run
from tests.unit.fakes import FakeEngine, torrent

ALICE, BOB = PersonId("tg:1"), PersonId("tg:2")
HERE = "tg:1#5"
ANOTHER_HASH = f"&xt=urn:btmh:1220{'cd' * 32}"


def link(word: str, dn: str | None = None) -> str:
    return f"magnet:?xt=urn:btih:{torrent(word).shown}" + (f"&dn={dn}" if dn is not None else "")


class World:
    def __init__(self, store: Store, notebook: NotebookId, run: Run, engine: FakeEngine, clock: FakeClock) -> None:
        self.store, self.notebook, self.run, self.clock = store, notebook, run, clock
        for word in "abc":
            engine.knows(word, f"{word}.iso")
        self.told: list[NoteId] = []
        self.kept = Notebook(store, clock, lambda _: None)
        self.edits = Edits(store, clock, self.told.append)
        self.history = History(store, clock, self.told.append)

    async def save(self, text: str, *, anything: bool = False) -> NoteId:
        saved = await self.kept.save(text, notebook=self.notebook, person=ALICE, origin=HERE, anything=anything)
        assert saved is not None
        return saved.note_id

    async def edit(
        self, text: str, *, origin: str = HERE, anything: bool = False, missing: int = 0, key: str | None = None
    ) -> Edited:
        return await self.edits.apply(
            text,
            notebook=self.notebook,
            person=BOB,
            origin=origin,
            anything=anything,
            missing=missing,
            request_key=key,
        )

    async def replace(self, note_id: NoteId, text: str, *, expected: int, key: str | None = None) -> None:
        await self.edits.replace(
            text, notebook=self.notebook, note_id=note_id, expected=expected, person=BOB, request_key=key
        )

    async def text(self, note_id: NoteId) -> str:
        return (await self.kept.get(self.notebook, note_id)).text

    async def calibrate(self, note_id: NoteId) -> None:
        async with self.run() as manager:
            request = NoteRequest((note_id,), named=(note_id,))
            await manager.submit_task(request=request, notebook=self.notebook, asked_by=ALICE, cause="command")
            await self.clock.advance(5)

    async def causes(self, note_id: NoteId) -> list[tuple[str, PersonId]]:
        revisions = await self.store.read(lambda tx: tx.notes.revisions(note_id))
        return [(one.change.cause, one.change.person) for one in revisions]


@pytest.fixture
def world(store: Store, notebook: NotebookId, run: Run, engine: FakeEngine, clock: FakeClock) -> World:
    return World(store, notebook, run, engine, clock)


async def test_an_edit_replaces_the_text_as_a_revision_of_its_editor(world: World) -> None:
    note_id = await world.save(link("a", "18"))
    assert await world.edit(f"watch {link('a', '18')}") == Edited(changed=note_id)
    assert await world.text(note_id) == f"watch {link('a', '18')}"
    assert await world.causes(note_id) == [(Cause.EDIT, BOB)]
    assert world.told == [note_id]


async def test_what_changes_nothing_is_no_change(world: World) -> None:
    note_id = await world.save(link("a", "18"))
    assert await world.edit(link("a", "18")) == Edited()
    await world.calibrate(note_id)
    assert await world.edit(link("a", "18")) == Edited(), "the person typed nothing new"
    assert await world.text(note_id) == link("a", "a.iso")
    assert world.told == []


async def test_a_name_that_somebody_types_as_it_stands_is_theirs(world: World) -> None:
    note_id = await world.save(link("a", "18"))
    await world.calibrate(note_id)
    assert await world.edit(link("a", "a.iso")) == Edited(changed=note_id)
    assert world.told == [note_id]
    with pytest.raises(EditedSince):
        await world.history.undo(world.notebook, note_id, person=ALICE)
    assert await world.edit(link("a", "a.iso")) == Edited(), "and typed once more it is no news"
    await world.edit(link("a", "18"))
    assert await world.text(note_id) == link("a", "18")


async def test_of_two_names_the_one_that_was_typed_as_it_stands_is_not_undone(world: World) -> None:
    note_id = await world.save(f"{link('a', '18')} {link('b', '19')}")
    await world.calibrate(note_id)
    await world.edit(f"{link('a', 'a.iso')} {link('b', '19')}")
    assert await world.text(note_id) == f"{link('a', 'a.iso')} {link('b', 'b.iso')}"
    await world.history.undo(world.notebook, note_id, person=ALICE)
    assert await world.text(note_id) == f"{link('a', 'a.iso')} {link('b', '19')}"


async def test_a_note_that_may_have_the_text_of_a_file_stays_whole_where_that_is_missing(world: World) -> None:
    caption = link("a")
    text = f"{caption}\n\n三体"
    note_id = await world.save(text)
    for _ in range(2):
        stays = await world.edit(f"more {caption}", missing=len("三体".encode()), key="again")
        assert stays == Edited(untouched=note_id)
    assert await world.text(note_id) == text
    assert world.told == []


async def test_a_note_that_is_too_short_for_the_missing_file_follows_its_caption(world: World) -> None:
    note_id = await world.save(link("a"))
    assert await world.edit(f"more {link('a')}", missing=4 * len(link("a")) + 1) == Edited(changed=note_id)
    assert await world.text(note_id) == f"more {link('a')}"


async def test_a_name_that_was_written_survives_every_edit_of_the_words_around_it(world: World) -> None:
    note_id = await world.save(f"{link('a', '18')} {link('b')}")
    await world.calibrate(note_id)
    for words in ("see", "see and keep", "again"):
        await world.edit(f"{words} {link('a', '18')} {link('b')}")
        assert await world.text(note_id) == f"{words} {link('a', 'a.iso')} {link('b', 'b.iso')}"


async def test_a_name_that_the_person_typed_stands_and_the_others_survive(world: World) -> None:
    note_id = await world.save(f"{link('a', '18')} {link('b', '19')}")
    await world.calibrate(note_id)
    await world.edit(f"{link('a', 'mine')} {link('b', '19')}")
    assert await world.text(note_id) == f"{link('a', 'mine')} {link('b', 'b.iso')}"
    await world.edit(f"{link('a', 'mine')} {link('b', '19')} more")
    assert await world.text(note_id) == f"{link('a', 'mine')} {link('b', 'b.iso')} more"


async def test_a_name_that_the_person_took_out_is_out(world: World) -> None:
    note_id = await world.save(link("a", "18"))
    await world.calibrate(note_id)
    await world.edit(link("a"))
    assert await world.text(note_id) == link("a")


async def test_a_magnet_that_was_moved_copied_or_added_is_told_by_its_hash(world: World) -> None:
    note_id = await world.save(f"{link('a', '18')}\n{link('b', '19')}\n")
    await world.calibrate(note_id)
    await world.edit(f"{link('b', '19')}\n{link('c', '20')}\n{link('a', '18')}\n{link('a', '18')}")
    named = f"{link('b', 'b.iso')}\n{link('c', '20')}\n{link('a', 'a.iso')}\n{link('a', 'a.iso')}"
    assert await world.text(note_id) == named


async def test_the_notes_torrents_are_those_of_the_new_text(world: World) -> None:
    note_id = await world.save(link("a"))
    await world.edit(link("b"))
    having = await world.store.read(lambda tx: tx.notes.having(world.notebook, [torrent("a"), torrent("b")]))
    assert {one: [note.id for note in notes] for one, notes in having.items()} == {torrent("b"): [note_id]}


async def test_a_name_that_was_undone_does_not_come_back_by_an_edit(world: World) -> None:
    note_id = await world.save(link("a", "18"))
    await world.calibrate(note_id)
    await world.history.undo(world.notebook, note_id, person=ALICE)
    await world.edit(f"see {link('a', '18')}")
    assert await world.text(note_id) == f"see {link('a', '18')}"


async def test_an_undo_after_an_edit_takes_back_the_names_and_not_the_edit(world: World) -> None:
    note_id = await world.save(link("a", "18"))
    await world.calibrate(note_id)
    await world.edit(f"see {link('a', '18')}")
    undone = await world.history.undo(world.notebook, note_id, person=ALICE)
    assert not undone.again
    assert await world.text(note_id) == f"see {link('a', '18')}"
    await world.history.undo(world.notebook, note_id, person=ALICE)
    assert await world.text(note_id) == f"see {link('a', 'a.iso')}"


async def test_an_undo_of_what_a_task_wrote_on_both_sides_of_an_edit_takes_back_all_of_it(
    world: World, run: Run, engine: FakeEngine, clock: FakeClock
) -> None:
    engine.knows("late", LookupFailed())
    note_id = await world.save(f"{link('a', '18')} {link('late', '19')}")
    async with run() as manager:
        request = NoteRequest((note_id,), named=(note_id,))
        task_id = await manager.submit_task(
            request=request, notebook=world.notebook, asked_by=ALICE, cause="command"
        )  # fmt: skip
        await clock.advance(5)
        typed = f"see {link('a', '18')} {link('late', '19')}"
        await world.edit(typed)
        assert await world.text(note_id) == f"see {link('a', 'a.iso')} {link('late', '19')}"
        with pytest.raises(EditedSince):
            await world.history.undo_task(world.notebook, task_id, person=ALICE)
        engine.knows("late", "late.iso")
        await manager.retry_task(task_id, notebook=world.notebook, asked_by=ALICE)
        await clock.advance(5)
        both = f"see {link('a', 'a.iso')} {link('late', 'late.iso')}"
        for again, text in ((False, typed), (True, both)):
            await world.history.undo_task(world.notebook, task_id, person=ALICE, again=again)
            assert await world.text(note_id) == text
            snapshot = await manager.get_task_status(task_id)
            assert snapshot is not None
            assert snapshot.written == (Written(standing=(note_id,)) if again else Written(undone=1, as_one=1))
        for text in (typed, both):
            await world.history.undo(world.notebook, note_id, person=ALICE)
            assert await world.text(note_id) == text


async def test_an_edit_that_takes_the_names_away_cannot_be_undone(world: World) -> None:
    note_id = await world.save(link("a", "18"))
    await world.calibrate(note_id)
    await world.edit("only words")
    with pytest.raises(EditedSince):
        await world.history.undo(world.notebook, note_id, person=ALICE)
    assert await world.text(note_id) == "only words"


async def test_a_message_that_now_has_a_magnet_becomes_a_note_and_one_without_does_not(world: World) -> None:
    assert await world.edit("words", origin="tg:1#7") == Edited()
    edited = await world.edit(link("a"), origin="tg:1#7", key="k")
    assert edited == Edited(saved=Saved(NoteId(1), 1, 1))
    assert await world.edit(link("a"), origin="tg:1#7", key="k") == edited, "the same update again"
    assert await world.edit(link("b"), origin="tg:1#7") == Edited(changed=NoteId(1))


async def test_words_that_are_asked_to_be_kept_become_a_note_and_follow_later_edits(world: World) -> None:
    assert await world.edit("words", anything=True) == Edited(saved=Saved(NoteId(1), 0, 0))
    assert await world.edit("other words", anything=True) == Edited(changed=NoteId(1))
    assert await world.text(NoteId(1)) == "other words"


def test_an_answer_that_an_older_calibot_stored_is_read() -> None:
    assert Edited.from_json('{"changed": 3, "saved": null}') == Edited(changed=NoteId(3))


async def test_an_edit_that_comes_twice_is_done_once(world: World) -> None:
    note_id = await world.save(link("a"))
    for _ in range(3):
        assert await world.edit(link("b"), key="k") == Edited(changed=note_id)
    assert len(await world.causes(note_id)) == 1


async def test_a_deleted_note_stays_deleted_whatever_becomes_of_its_message(world: World) -> None:
    note_id = await world.save(link("a"))
    await world.kept.delete(world.notebook, note_id)
    assert await world.edit(link("a")) == Edited(), "nothing new was typed"
    for _ in range(2):
        assert await world.edit(link("b"), anything=True, key="k") == Edited(deleted=note_id)
    with pytest.raises(NoteNotFound):
        await world.text(note_id)
    await world.kept.restore(world.notebook, note_id)
    assert await world.text(note_id) == link("a")


async def test_of_two_notes_of_one_message_that_were_deleted_the_later_one_is_told(world: World) -> None:
    for _ in range(2):
        last = await world.save(link("a"))
        await world.kept.delete(world.notebook, last)
    assert await world.edit(f"{link('a')} x") == Edited(deleted=last)


async def test_a_note_of_another_notebook_is_not_touched(world: World) -> None:
    note_id = await world.save(link("a"))
    other = await world.kept.behind("tg:9")
    assert await world.edits.apply(link("b"), notebook=other, person=BOB, origin=HERE) == Edited()
    assert await world.text(note_id) == link("a")
    await world.kept.delete(world.notebook, note_id)
    assert await world.edits.apply(link("b"), notebook=other, person=BOB, origin=HERE) == Edited()


@pytest.mark.parametrize(
    ("base", "edited", "current", "merged"),
    [
        ("{a18}", "{a18} x", "{aA}", "{aA} x"),
        ("{a}", "{a} x", "{aA}", "{aA} x"),
        ("{a18}", "{a19}", "{aA}", "{a19}"),
        ("{a18}", "{a18}", "{a18}", "{a18}"),
        ("{a18} {a19}", "{a18}", "{aA} {aA}", "{aA}"),
        ("{a18}", "{a18} {a19}", "{aA}", "{aA} {a19}"),
        ("{a18} {aA}", "{a18} {aA} x", "{aA} {aA}", "{aA} {aA} x"),
        ("{a18}\n&dn=1 {b1}", "x {a18}\n&dn=1 {b1}", "{aA} {b1}", "x {aA} {b1}"),
        ("{aA&dn=18}", "{aA&dn=18} x", "{aA}", "{aA} x"),
        ("x", "{a18}", "x", "{a18}"),
        ("{a18}", "x", "{aA}", "x"),
        ("{a18}\r\n\u2028{b1}", "{b1}\r\n\u2028{a18}\x0b", "{aA}\r\n\u2028{bB}", "{bB}\r\n\u2028{aA}\x0b"),
    ],
)
def test_names_are_merged_three_ways(base: str, edited: str, current: str, merged: str) -> None:
    links = {
        f"{word}{name}": link(word, name or None)
        for word in "ab"
        for name in ("", "1", "18", "19", "A", "A&dn=18", "B")
    }
    assert with_names(*(one.format_map(links) for one in (base, edited, current))) == merged.format_map(links)


V1, V2 = f"magnet:?xt=urn:btih:{'1' * 40}", f"magnet:?xt=urn:btmh:1220{'2' * 64}"
BOTH = f"{V1}&xt=urn:btmh:1220{'2' * 64}"


@pytest.mark.parametrize("typed", [V1, V2, BOTH])
@pytest.mark.parametrize("edited", [V1, V2, BOTH])
def test_a_hash_that_is_added_or_taken_out_beside_another_leaves_the_written_name(typed: str, edited: str) -> None:
    shared = typed == edited or BOTH in {typed, edited}
    merged = with_names(f"{typed}&dn=18", f"{edited}&dn=18", f"{typed}&dn=Both")
    assert merged == f"{edited}&dn={'Both' if shared else '18'}"


@pytest.mark.parametrize("typed", [V1, V2, BOTH])
@pytest.mark.parametrize("elsewhere", [V1, V2, BOTH])
@pytest.mark.parametrize("edited", [V1, V2, BOTH])
def test_a_hash_that_is_added_or_taken_out_elsewhere_leaves_the_name_that_was_written_there(
    typed: str, elsewhere: str, edited: str
) -> None:
    merged = with_names(f"see {typed}&dn=18 .", f"keep {edited}&dn=18 .", f"{elsewhere}&dn=Both !")
    one_link = not {V1, V2} <= {typed, elsewhere, edited}
    assert merged == f"keep {edited}&dn={'Both' if one_link else '18'} ."


OTHER_V2 = f"urn:btmh:1220{'3' * 64}"
OTHER_PAIR = f"{V1}&xt={OTHER_V2}"


@pytest.mark.parametrize(
    ("base", "current", "edited"),
    [
        ("{both}18", "{v1}Mine {v2}Found", "{both}18"),
        ("{both}18", "{v1}Mine {other}Found", "{v2}18"),
        ("{both}18", "{other}Found", "{both}18"),
        ("{both}18", "{other}Found", "{v1}18"),
        ("{v1}18", "{both}Mine {other}Found", "{v1}18"),
        ("{v1}18", "{both}Found", "{other}18"),
        ("{both}18", "{both}Found", "{other}18"),
        ("{both}18 {other}18", "{both}Mine {other}Found", "{v1}18"),
        ("{both}18 {other}18", "{v1}Found {other}18", "{both}18"),
        ("{both}18 {other}18", "{other}18 {v1}Found", "{other}18 {both}18"),
        ("{both}18 {v1}19", "{v1}Found", "{both}18"),
        ("{v1}18 {v2}18", "{both}Found", "{both}18"),
        ("{v1}18 {v2}18", "{v2}Mine {v1}Found", "{both}18"),
    ],
)
def test_no_name_is_taken_of_another_torrent_or_where_several_may_be_meant(
    base: str, current: str, edited: str
) -> None:
    links = {"v1": f"{V1}&dn=", "v2": f"{V2}&dn=", "both": f"{BOTH}&dn=", "other": f"{OTHER_PAIR}&dn="}
    edited = edited.format_map(links)
    assert with_names(base.format_map(links), edited, current.format_map(links)) == edited


@pytest.mark.parametrize(
    ("base", "current", "edited", "merged"),
    [
        ("{both}18", "{v1}Found", "{v1}18 {v2}18", "{v1}Found {v2}18"),
        ("{both}18 {a}19", "{a}Mine {v2}Found", "{a}19 {both}18", "{a}Mine {both}Found"),
        ("{both}18 {other}18", "{other}Mine {v2}Found", "{other}18 {both}18", "{other}Mine {both}Found"),
        ("{v1}18 {v2}19", "{v1}Found {a}", "{both}18 {both}19", "{both}Found {both}19"),
        ("{both}18&dn=2", "{v1}18&dn=2", "{both}18&dn=2 x", "{both}18&dn=2 x"),
    ],
)
def test_each_of_several_links_has_its_own_name_though_hashes_were_added_or_taken_out(
    base: str, current: str, edited: str, merged: str
) -> None:
    links = {"v1": V1, "v2": V2, "both": BOTH, "other": OTHER_PAIR, "a": link("a")}
    links = {word: f"{one}&dn=" for word, one in links.items()}
    texts = [one.format_map(links) for one in (base, edited, current)]
    assert with_names(*texts) == merged.format_map(links)


def test_a_magnet_that_nothing_was_written_into_has_no_name_of_one_that_shares_a_hash() -> None:
    base, current = f"{V1}&dn=18 {BOTH}&dn=18", f"{V1}&dn=One {BOTH}&dn=18"
    assert with_names(base, f"see {base}", current) == f"see {current}"


def test_a_long_list_is_merged_in_time() -> None:
    base = "\n".join(link(f"{number}", "18") for number in range(3000))
    current = "\n".join(link(f"{number}", "Found.iso") for number in range(3000))
    assert with_names(base, base + "\nx", current) == current + "\nx"
    assert rename(base, torrent("7"), "Found.iso") != base


def test_a_long_list_of_pairs_that_share_a_hash_is_merged_in_time() -> None:
    pairs = [f"{V1}&xt=urn:btmh:1220{number:064x}" for number in range(1, 3001)]
    base = "\n".join(f"{one}&dn=18" for one in pairs)
    current = "\n".join(f"{one}&dn=Found" for one in pairs)
    edited = "\n".join([f"{V1}&dn=18"] * 3000)
    assert with_names(base, edited, current) == edited.replace("18", "Found")


# What people type elsewhere than in the message.


async def test_a_text_that_was_typed_elsewhere_is_the_note_with_its_torrents_and_no_name_is_carried(
    world: World,
) -> None:
    note_id = await world.save(f"{link('a', '18')} {link('b', '19')}")
    await world.calibrate(note_id)
    await world.replace(note_id, f"{link('a', '18')} {link('c')}", expected=3)
    assert await world.text(note_id) == f"{link('a', '18')} {link('c')}"
    assert (await world.causes(note_id))[-1] == (Cause.EDIT, BOB)
    assert world.told == [note_id]
    for word, there in (("a", [note_id]), ("b", []), ("c", [note_id])):
        numbers = await world.store.read(lambda tx, w=word: tx.notes.numbers_having(world.notebook, [torrent(w)]))  # type: ignore[misc]
        assert numbers == there
    with pytest.raises(EditedSince):
        await world.history.undo(world.notebook, note_id, person=ALICE)


async def test_only_what_was_seen_is_replaced_and_the_same_text_changes_nothing(world: World) -> None:
    note_id = await world.save(link("a", "18"))
    await world.replace(note_id, link("a", "18"), expected=1)
    assert await world.causes(note_id) == []
    await world.replace(note_id, "first", expected=1)
    for expected in (1, 3):
        with pytest.raises(NoteChanged):
            await world.replace(note_id, "second", expected=expected)
    with pytest.raises(NoteNotFound):
        await world.replace(NoteId(99), "x", expected=1)
    other = await world.kept.behind("tg:9")
    with pytest.raises(NoteNotFound):
        await world.edits.replace("x", notebook=other, note_id=note_id, expected=2, person=BOB)
    assert await world.text(note_id) == "first"
    assert world.told == [note_id]


async def test_a_replacing_that_comes_twice_is_done_once(world: World) -> None:
    note_id = await world.save("one", anything=True)
    for _ in range(2):
        await world.replace(note_id, "two", expected=1, key="k")
    assert len(await world.causes(note_id)) == 1


async def test_a_message_that_says_what_it_said_does_not_take_back_what_was_typed_elsewhere(world: World) -> None:
    """Telegram tells of an edited message for a preview, too."""
    note_id = await world.save(link("a", "18"))
    await world.replace(note_id, "typed elsewhere", expected=1)
    assert await world.edit(link("a", "18")) == Edited()
    assert await world.text(note_id) == "typed elsewhere"
    await world.edit(f"see {link('a', '18')}")
    assert await world.text(note_id) == f"see {link('a', '18')}", "what is typed last is the note"
    await world.replace(note_id, "elsewhere again", expected=3)
    assert await world.edit(f"see {link('a', '18')}") == Edited()
    await world.edit(link("a", "18"))
    assert await world.text(note_id) == link("a", "18"), "the message says again what it said at first"


async def test_a_message_that_is_edited_after_its_note_was_elsewhere_keeps_the_names_that_stand_in_that(
    world: World,
) -> None:
    note_id = await world.save(f"{link('a', '18')} {link('b', '19')}")
    await world.calibrate(note_id)
    await world.replace(note_id, f"both: {link('b', 'b.iso')} {link('a', 'mine')} {link('c')}", expected=3)
    await world.edit(f"see {link('a', '18')} {link('b', '19')}")
    assert await world.text(note_id) == f"see {link('a', 'mine')} {link('b', 'b.iso')}"
    await world.edit(f"see {link('a', 'typed')} {link('b', '19')}")
    assert await world.text(note_id) == f"see {link('a', 'typed')} {link('b', 'b.iso')}"


async def test_a_name_stays_though_a_hash_of_its_link_was_taken_out_elsewhere(world: World) -> None:
    note_id = await world.save(f"{link('a', '18')}{ANOTHER_HASH} {link('b', '19')}")
    await world.replace(note_id, f"{link('a', '18')} {link('b', 'mine')}", expected=1)
    await world.calibrate(note_id)
    assert await world.text(note_id) == f"{link('a', 'a.iso')} {link('b', 'b.iso')}"
    await world.edit(f"see {link('a', '18')}{ANOTHER_HASH} {link('b', '19')}")
    assert await world.text(note_id) == f"see {link('a', 'a.iso')}{ANOTHER_HASH} {link('b', 'b.iso')}"


async def test_names_from_before_and_after_what_was_typed_elsewhere_are_no_one_tasks(world: World) -> None:
    note_id = await world.save(f"{link('a', '18')}")
    await world.calibrate(note_id)
    await world.replace(note_id, f"{link('a', 'a.iso')} {link('b', '19')}", expected=2)
    await world.calibrate(note_id)
    await world.edit(f"see {link('a', '18')}")
    assert await world.text(note_id) == f"see {link('a', 'a.iso')}"
    (*_, last) = await world.store.read(lambda tx: tx.notes.revisions(note_id))
    assert (last.change.cause, last.change.task_id) == (Cause.CARRIED, None)
    await world.history.undo(world.notebook, note_id, person=ALICE)
    assert await world.text(note_id) == f"see {link('a', '18')}"

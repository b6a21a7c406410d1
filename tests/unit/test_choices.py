"""What a person decides about a name: which reading is right."""

import hashlib
from dataclasses import replace
from urllib.parse import quote

import pytest

from handlers.choice_view import question
from services.calibration.choice import Choice, choices
from services.calibration.task import HashRequest, State
from services.errors import CannotChoose, TaskNotFound
from services.i18n import ENGLISH
from services.magnets.parse import find_magnets
from services.magnets.rewrite import magnet_link
from services.notebook.edits import Edits
from services.notebook.history import History
from services.notebook.note import Cause, Change
from services.store.store import Store
from services.torrents import Hints, InfoHash, Name, NotebookId, NoteId, TaskId, TorrentId
from tests.fake_clock import FakeClock
from tests.unit.conftest import Run
from tests.unit.fakes import FakeEngine, info_of, torrent
from tests.unit.name_world import ALICE, BOB, TRUE, World, guessed, labels, link


@pytest.fixture
def world(store: Store, notebook: NotebookId, clock: FakeClock, engine: FakeEngine) -> World:
    engine.knows("guess", guessed())
    engine.knows("thanks", guessed("thanks", "谢谢".encode("gbk")))
    engine.knows("film", "The Matrix (1999)")
    engine.knows("other", "Other.iso")
    return World(store, notebook, clock, engine)


async def test_a_guessed_name_is_offered_in_at_most_three_readings_and_nothing_is_written_before_one_is_pressed(
    world: World, run: Run
) -> None:
    async with run() as manager:
        note = await world.add(link("guess"), "guess")
        task_id = await world.calibrate(manager, note)
        shown = await world.shown(manager, task_id)
        assert TRUE in labels(shown)
        assert 1 <= len(labels(shown)) <= 3
        assert "Which of these is its name?" in shown.html
        assert await world.text(note) == link("guess")


async def test_of_one_reading_it_is_asked_whether_that_is_the_name_and_nothing_is_said_twice(
    world: World, run: Run, engine: FakeEngine
) -> None:
    async with run() as manager:
        note = await world.add(link("guess"), "guess")
        task_id = await world.calibrate(manager, note)
        snapshot = await manager.get_task_status(task_id)
        assert snapshot is not None
        assert "no note was changed" not in (await world.shown(manager, task_id)).html
        found = snapshot.first.found
        assert found is not None
        text = "大鬧天宮.1961.國語.修復版"
        only = replace(found.name, raw=text.encode("big5"), text=text)
        one = replace(snapshot, first=replace(snapshot.first, found=replace(found, name=only)))
        assert len(choices(only, verified=True)) == 1
        words = "".join(question(ENGLISH, one))
        assert words == "Is this its name? Nothing is written before somebody presses it."


async def test_the_chosen_reading_is_written_as_a_revision_of_the_person_who_pressed_and_the_card_shows_it(
    world: World, run: Run, store: Store, clock: FakeClock
) -> None:
    async with run() as manager:
        note = await world.add(f"看{link('guess', '18')}，好", "guess")
        task_id = await world.calibrate(manager, note)
        before = await world.text(note)
        number = manager.number
        await world.choose(manager, task_id, "big5hkscs")
        (magnet,) = find_magnets(await world.text(note))
        assert magnet.name == TRUE
        history = History(store, clock, lambda _: None)
        (step,) = (await history.page(world.notebook, note, page=0, size=2)).steps
        assert (step.change.cause, step.change.person, step.change.task_id) == (Cause.CHOSEN, BOB, task_id)
        changes = await manager.changes_since(number)
        assert list(changes.notes) == [note]
        shown = await world.shown(manager, task_id)
        assert f"<b>{TRUE}</b>" in shown.html
        assert "Chosen by hand: big5hkscs" in shown.html
        assert f"Corrected: #{note}" in shown.html
        assert "Which of these" not in shown.html
        assert TRUE not in labels(shown)
        await history.undo(world.notebook, note, person=ALICE)
        assert await world.text(note) == before


async def test_a_press_that_comes_twice_writes_once_and_another_reading_replaces_the_first(
    world: World, run: Run, store: Store
) -> None:
    async with run() as manager:
        note = await world.add(link("thanks"), "thanks")
        task_id = await world.calibrate(manager, note)
        assert labels(await world.shown(manager, task_id))[:2] == ["лл", "谢谢"]
        for key in ("one", "one", "two"):
            await world.choose(manager, task_id, "utf-8", key=key)
        assert len(await store.read(lambda tx: tx.notes.revisions(note))) == 1
        await world.choose(manager, task_id, "gb18030")
        (magnet,) = find_magnets(await world.text(note))
        assert magnet.name == "谢谢"
        assert "лл" in labels(await world.shown(manager, task_id))


def claim(text: str) -> str:
    """Return the word by which *text*, which somebody claims, is chosen."""
    name = Name(text=text, raw=text.encode())
    (only,) = choices(name, verified=False)
    return only.word


async def test_a_claimed_name_is_written_on_a_press_alone_and_asks_for_it_until_then(
    world: World, run: Run, store: Store, engine: FakeEngine
) -> None:
    engine.knows("claim", info_of(torrent("claim"), "三体 claimed.mkv", verified=False))
    async with run() as manager:
        note = await world.add(link("claim", "18"), "claim")
        task_id = await world.calibrate(manager, note)
        shown = await world.shown(manager, task_id)
        assert "claimed by the swarm, not verified" in shown.html
        assert "Is this its name? Nothing is written before somebody presses it." in shown.html
        assert labels(shown)[0] == "三体 claimed.mkv"
        assert await world.text(note) == link("claim", "18")
        assert await store.read(lambda tx: tx.notes.undecided([note])) == {note}
        await world.choose(manager, task_id, claim("三体 claimed.mkv"))
        (magnet,) = find_magnets(await world.text(note))
        assert magnet.name == "三体 claimed.mkv"
        shown = await world.shown(manager, task_id)
        assert "claimed by the swarm, not verified" in shown.html
        assert "Chosen by hand.\n" in f"{shown.html}\n"
        assert "Is this its name" not in shown.html
        assert await store.read(lambda tx: tx.notes.undecided([note])) == set()


async def test_of_many_a_claimed_name_is_asked_about_on_their_card(world: World, run: Run, engine: FakeEngine) -> None:
    engine.knows("claim", info_of(torrent("claim"), "claimed.mkv", verified=False))
    async with run() as manager:
        note = await world.add(f"{link('film')} {link('claim')} {link('other')}", "film", "claim", "other")
        task_id = await world.calibrate(manager, note)
        shown = await world.shown(manager, task_id)
        assert f"Is this the name of <code>{torrent('claim').shown.hex[:8]}</code>" in shown.html
        assert "claimed.mkv (not verified)" in shown.html
        await world.choose(manager, task_id, claim("claimed.mkv"), position=1)
        assert "dn=claimed.mkv" in await world.text(note)


async def test_what_is_verified_later_takes_the_place_of_a_chosen_claim(
    world: World, run: Run, store: Store, engine: FakeEngine
) -> None:
    engine.knows("claim", info_of(torrent("claim"), "claimed.mkv", verified=False))
    async with run() as manager:
        note = await world.add(link("claim", "18"), "claim")
        await world.choose(manager, await world.calibrate(manager, note), claim("claimed.mkv"))
        engine.knows("claim", info_of(torrent("claim"), "true.mkv"))
        await world.calibrate(manager, note)
        (magnet,) = find_magnets(await world.text(note))
        assert magnet.name == "true.mkv"


async def test_a_press_on_a_claim_that_another_has_replaced_writes_nothing(
    world: World, run: Run, store: Store, engine: FakeEngine
) -> None:
    other = await store.write(lambda tx: tx.notebooks.open("tg:2", 1.0))
    engine.knows("claim", info_of(torrent("claim"), "first.mkv", verified=False))
    async with run() as manager:
        note = await world.add(link("claim", "18"), "claim")
        task_id = await world.calibrate(manager, note)
        engine.knows("claim", info_of(torrent("claim"), "second.mkv", verified=False))
        await world.calibrate(manager, await world.add(link("claim"), "claim", notebook=other), notebook=other)
        with pytest.raises(CannotChoose):
            await world.choose(manager, task_id, claim("first.mkv"))
        assert await world.text(note) == link("claim", "18")
        await world.choose(manager, task_id, claim("second.mkv"))
        assert "dn=second.mkv" in await world.text(note)


async def test_claims_of_two_hashes_and_of_a_pair_of_them_are_each_shown_and_chosen_by_themselves(
    world: World, run: Run, engine: FakeEngine, clock: FakeClock
) -> None:
    v1, v2 = torrent("claim").shown, InfoHash(hashlib.sha256(b"other").hexdigest())
    asked = {TorrentId(v2=v2): "second.mkv", TorrentId(v1, v2): "pair.mkv", TorrentId(v1): "first.mkv"}
    texts = [magnet_link(one, "18", Hints()) for one in asked]
    async with run() as manager:
        notes, tasks = [], []
        for (one, name), text in zip(asked.items(), texts, strict=True):
            engine.names[one] = info_of(one, name, verified=False)
            notes.append(await world.insert(text, one))
            tasks.append(await world.calibrate(manager, notes[-1]))
            for task_id, shown in zip(tasks, asked.values(), strict=False):
                assert labels(await world.shown(manager, task_id))[0] == shown
        assert await world.store.read(lambda tx: tx.notes.undecided(notes)) == set(notes)
        for place, (task_id, name) in enumerate(zip(tasks, asked.values(), strict=True)):
            await world.choose(manager, task_id, claim(name))
            texts[place] = texts[place].replace("dn=18", f"dn={name}")
            assert [await world.text(one) for one in notes] == texts
        known = await world.store.read(lambda tx: tx.facts.of(world.notebook, list(asked)))
        assert {one: (told.name.text, told.name.chosen) for one, told in known.items()} == {
            one: (name, True) for one, name in asked.items()
        }
        assert await world.store.read(lambda tx: tx.notes.undecided(notes)) == set()
        engine.names[TorrentId(v1)] = info_of(TorrentId(v1, v2), "true.mkv")
        await world.calibrate(manager, notes[2])
        for task_id in tasks:
            assert "<b>true.mkv</b>" in (await world.shown(manager, task_id)).html


async def test_a_press_on_a_claim_writes_no_other_that_has_its_guessed_encoding(
    world: World, run: Run, store: Store, engine: FakeEngine
) -> None:
    other = await store.write(lambda tx: tx.notebooks.open("tg:2", 1.0))
    first, second = (guessed("claim", text.encode("gb18030"), verified=False) for text in ("流浪地球", "别的电影"))
    (word,) = (one.word for one in choices(first.name, verified=False) if one.text == "流浪地球")
    engine.knows("claim", first)
    async with run() as manager:
        note = await world.add(link("claim", "18"), "claim")
        task_id = await world.calibrate(manager, note)
        assert "流浪地球" in labels(await world.shown(manager, task_id))
        engine.knows("claim", second)
        await world.calibrate(manager, await world.add(link("claim"), "claim", notebook=other), notebook=other)
        for stale in (word, "gb18030"):
            with pytest.raises(CannotChoose):
                await world.choose(manager, task_id, stale)
        assert await world.text(note) == link("claim", "18")


async def test_a_claim_that_was_chosen_stays_whoever_claims_something_else_and_serves_later_notes(
    world: World, run: Run, store: Store, engine: FakeEngine
) -> None:
    engine.knows("claim", info_of(torrent("claim"), "三体.mkv", verified=False))
    async with run() as manager:
        note = await world.add(link("claim", "18"), "claim")
        task_id = await world.calibrate(manager, note)
        await world.choose(manager, task_id, claim("三体.mkv"))
        assert [one for one in labels(await world.shown(manager, task_id)) if "mkv" in one] == []
        engine.knows("claim", info_of(torrent("claim"), "other.mkv", verified=False))
        later = await world.add(link("claim", "19"), "claim")
        await world.calibrate(manager, later)
        assert await store.read(lambda tx: tx.notes.undecided([note, later])) == set()
        (magnet,) = find_magnets(await world.text(later))
        assert magnet.name == "三体.mkv"


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-16", "latin-1", "no such", "rot13", "idna", "punycode", "zlib_codec"]
)
async def test_only_what_was_offered_can_be_chosen(world: World, run: Run, encoding: str) -> None:
    async with run() as manager:
        note = await world.add(link("guess"), "guess")
        task_id = await world.calibrate(manager, note)
        with pytest.raises(CannotChoose):
            await world.choose(manager, task_id, encoding)
        assert await world.text(note) == link("guess")


async def test_neither_a_certain_name_nor_another_notebooks_nor_a_torrent_that_is_not_there_can_be_chosen(
    world: World, run: Run, store: Store
) -> None:
    other = await store.write(lambda tx: tx.notebooks.open("tg:2", 1.0))
    async with run() as manager:
        note = await world.add(link("film"), "film")
        task_id = await world.calibrate(manager, note)
        with pytest.raises(CannotChoose):
            await world.choose(manager, task_id, "utf-8")
        with pytest.raises(CannotChoose):
            await world.choose(manager, task_id, "utf-8", position=1)
        with pytest.raises(TaskNotFound):
            await world.choose(manager, TaskId("none"), "utf-8")
        foreign = await world.add(link("guess"), "guess", notebook=other)
        theirs = await world.calibrate(manager, foreign, notebook=other)
        with pytest.raises(TaskNotFound):
            await world.choose(manager, theirs, "big5hkscs")


async def test_a_choice_holds_for_its_notebook_alone(world: World, run: Run, store: Store) -> None:
    other = await store.write(lambda tx: tx.notebooks.open("tg:2", 1.0))
    async with run() as manager:
        first, foreign = (
            await world.add(link("guess"), "guess"),
            await world.add(link("guess"), "guess", notebook=other),
        )
        theirs = await world.calibrate(manager, foreign, notebook=other)
        await world.choose(manager, await world.calibrate(manager, first), "big5hkscs")
        later = await world.add(link("guess"), "guess")
        task_id = await world.calibrate(manager, later)
        assert find_magnets(await world.text(later))[0].name == TRUE, "it is certain here, from now on"
        assert "Corrected" in (await world.shown(manager, task_id)).html
        again = await world.calibrate(manager, foreign, notebook=other)
        assert (await world.note(foreign, other)).text == link("guess")
        for one in (theirs, again):
            found = (await world.item(manager, one)).found
            assert found is not None
            assert not found.name.certain


async def test_a_choice_writes_the_name_into_the_notes_of_every_task_of_its_notebook_that_waits_for_one(
    world: World, run: Run
) -> None:
    async with run() as manager:
        notes = [await world.add(link("guess"), "guess") for _ in range(3)]
        single, other, pinned = [await world.calibrate(manager, one) for one in notes]
        batch = await world.calibrate(manager, await world.add(f"{link('film')} {link('guess')}", "film", "guess"))
        await world.pin(notes[2], "guess")
        number = manager.number
        await world.choose(manager, other, "big5hkscs")
        for task_id, note in ((single, notes[0]), (other, notes[1])):
            assert find_magnets(await world.text(note))[0].name == TRUE
            shown = await world.shown(manager, task_id)
            assert f"Corrected: #{note}" in shown.html
            assert "Chosen by hand" in shown.html
        assert await world.text(notes[2]) == link("guess")
        assert "Somebody had undone it there" in (await world.shown(manager, pinned)).html
        assert "Which of these" not in (await world.shown(manager, batch)).html
        changes = await manager.changes_since(number)
        assert {one.task.id for one in changes.tasks} == {single, other, pinned, batch}


async def test_a_choice_on_another_card_does_not_touch_a_note_that_was_edited_since(
    world: World, run: Run, store: Store
) -> None:
    async with run() as manager:
        notes = [await world.add(link("guess"), "guess") for _ in range(3)]
        waits, pressed, other = [await world.calibrate(manager, one) for one in notes]
        await world.choose(manager, pressed, "big5hkscs")
        for note in notes[:2]:
            await world.edit(note, link("guess", "My%20Own"), ALICE)
        found = (await world.item(manager, other)).found
        assert found is not None
        await world.choose(manager, other, choices(found.name, verified=True)[0].encoding)
        assert [await world.text(one) for one in notes[:2]] == [link("guess", "My%20Own")] * 2
        assert "stood there already" not in (await world.shown(manager, waits)).html


async def test_what_somebody_typed_since_is_overwritten_by_nobody_elses_press(
    world: World, run: Run, store: Store
) -> None:
    async with run() as manager:
        notes = [await world.add(link("guess", "18"), "guess") for _ in range(3)]
        task_id = await world.calibrate(manager, *notes)
        await world.edit(notes[0], link("guess", "Alices%20own"), ALICE)
        await world.edit(notes[1], link("guess", "Bobs%20own"), BOB)
        await world.edit(notes[2], f"words alone: {link('guess', '18')}", ALICE)
        await world.choose(manager, task_id, "big5hkscs")  # Bob does
        names = [find_magnets(await world.text(one))[0].name for one in notes]
        assert names == ["Alices own", TRUE, TRUE]
        shown = await world.shown(manager, task_id)
        assert f"Corrected: #{notes[1]}, #{notes[2]}" in shown.html


async def test_a_card_does_not_deny_what_another_task_that_was_asked_for_later_writes_into_its_note(
    world: World, run: Run
) -> None:
    async with run() as manager:
        note = await world.add(link("guess", "18"), "guess")
        pressed = await world.calibrate(manager, note)
        await world.edit(note, link("guess", "Alices%20own"), ALICE)
        await world.clock.advance(1)
        later = await world.calibrate(manager, note)
        await world.choose(manager, pressed, "big5hkscs")
        assert find_magnets(await world.text(note))[0].name == TRUE
        assert f"Corrected: #{note}" in (await world.shown(manager, later)).html
        shown = await world.shown(manager, pressed)
        assert ("Somebody had undone it there" in shown.html, "stood there already" in shown.html) == (False, False)


async def test_who_types_what_calibot_had_written_has_typed_it(world: World, run: Run) -> None:
    async with run() as manager:
        notes = [await world.add(link("guess", "18"), "guess") for _ in range(2)]
        hers, his = [await world.calibrate(manager, one) for one in notes]
        await world.choose(manager, hers, "big5hkscs")
        await world.edit(notes[0], f"words too: {link('guess', quote(TRUE))}", ALICE)
        found = (await world.item(manager, his)).found
        assert found is not None
        other = next(one for one in choices(found.name, verified=True))
        for task_id in (his, hers):
            await world.choose(manager, task_id, other.encoding)
            names = [find_magnets(await world.text(one))[0].name for one in notes]
            assert names == [TRUE, other.text]
        assert "typed another name: no note was changed" in (await world.shown(manager, hers)).html


async def test_a_name_typed_in_one_of_two_links_is_kept(world: World, run: Run) -> None:
    async with run() as manager:
        twice = "\n".join([link("guess", "18")] * 2)
        notes = [await world.add(twice, "guess"), await world.add(link("guess", "18"), "guess")]
        hers, his = [await world.calibrate(manager, one) for one in notes]
        await world.choose(manager, hers, "big5hkscs")
        await world.edit(notes[0], f"{link('guess', '18')}\n{link('guess', 'Mine')}", ALICE)
        note = await world.note(notes[0])
        carried = f"{link('guess', quote(TRUE))}\n{link('guess', 'Mine')}"
        change = Change(cause=Cause.CARRIED, person=ALICE, task_id=hers, at=world.clock.now())
        assert await world.store.write(lambda tx: tx.notes.replace_text(note, carried, change))
        found = (await world.item(manager, his)).found
        assert found is not None
        for task_id in (his, hers):
            await world.choose(manager, task_id, choices(found.name, verified=True)[0].encoding)
            assert await world.text(notes[0]) == carried


async def test_what_was_written_over_a_typed_name_later_is_typed_by_nobody(world: World, run: Run) -> None:
    async with run() as manager:
        notes = [await world.add(link("thanks", "18"), "thanks") for _ in range(2)]
        hers, his = [await world.calibrate(manager, one) for one in notes]
        await world.edit(notes[0], link("thanks", quote("谢谢")), BOB)
        for task_id, encoding, name in ((hers, "utf-8", "лл"), (hers, "gb18030", "谢谢"), (his, "utf-8", "лл")):
            await world.choose(manager, task_id, encoding)
            assert find_magnets(await world.text(notes[0]))[0].name == name


async def test_a_name_that_was_typed_is_said_to_have_stood_there_already(world: World, run: Run) -> None:
    async with run() as manager:
        notes = [await world.add(link("guess", "18"), "guess") for _ in range(2)]
        hers, his = [await world.calibrate(manager, one) for one in notes]
        await world.edit(notes[0], link("guess", quote(TRUE)), ALICE)
        await world.choose(manager, his, "big5hkscs")
        assert "stood there already" in (await world.shown(manager, hers)).html


async def test_who_typed_words_alone_has_typed_no_name(world: World, run: Run, store: Store, clock: FakeClock) -> None:
    async with run() as manager:
        note = await world.add(link("guess", "18"), "guess")
        task_id = await world.calibrate(manager, note)
        await world.choose(manager, task_id, "big5hkscs")
        await world.edit(note, f"words: {link('guess', '18')}", ALICE)
        found = (await world.item(manager, task_id)).found
        assert found is not None
        other = next(one for one in choices(found.name, verified=True))
        await world.choose(manager, task_id, other.encoding)
        assert find_magnets(await world.text(note))[0].name == other.text


async def test_who_typed_another_name_and_the_first_again_has_typed_it(world: World, run: Run) -> None:
    async with run() as manager:
        notes = [await world.add(link("guess", "Mine"), "guess") for _ in range(2)]
        hers, his = [await world.calibrate(manager, one) for one in notes]
        for name in ("Other", "Mine"):
            await world.edit(notes[0], link("guess", name), ALICE)
        for task_id in (his, hers):
            await world.choose(manager, task_id, "big5hkscs")
            assert await world.text(notes[0]) == link("guess", "Mine")


async def test_a_note_that_waits_for_a_reading_and_whose_words_were_edited_has_every_reading_that_is_chosen(
    world: World, run: Run
) -> None:
    async with run() as manager:
        notes = [await world.add(link("thanks"), "thanks") for _ in range(2)]
        hers, his = [await world.calibrate(manager, one) for one in notes]
        await world.edit(notes[0], f"words: {link('thanks')}", ALICE)
        await world.choose(manager, hers, "utf-8")
        await world.choose(manager, his, "gb18030")
        assert [find_magnets(await world.text(one))[0].name for one in notes] == ["谢谢"] * 2
        assert "<b>谢谢</b>" in (await world.shown(manager, hers)).html


async def test_where_another_reading_stands_the_card_says_so_and_offers_the_chosen_one(
    world: World, run: Run, store: Store, clock: FakeClock
) -> None:
    async with run() as manager:
        note = await world.add(link("thanks"), "thanks")
        hers, his = [await world.calibrate(manager, note) for _ in range(2)]
        await world.choose(manager, hers, "utf-8")
        await world.choose(manager, his, "gb18030")
        assert "谢谢" not in labels(await world.shown(manager, his))
        await History(store, clock, lambda _: None).undo_task(world.notebook, his, person=BOB)
        assert find_magnets(await world.text(note))[0].name == "лл"
        shown = await world.shown(manager, hers)
        assert "<b>谢谢</b>" in shown.html
        assert "Corrected" not in shown.html
        assert f"Another reading stands in #{note}." in shown.html
        assert "谢谢" in labels(shown)
        assert "Undo" in labels(shown)
        await world.choose(manager, hers, "gb18030")
        assert find_magnets(await world.text(note))[0].name == "谢谢"
        shown = await world.shown(manager, hers)
        assert f"Corrected: #{note}" in shown.html
        assert "Another reading" not in shown.html


async def test_a_reading_that_is_not_written_over_what_somebody_typed_says_so_where_another_stands(
    world: World, run: Run
) -> None:
    async with run() as manager:
        note = await world.add(f"{link('thanks')} {link('thanks')}", "thanks")
        task_id = await world.calibrate(manager, note)
        await world.edit(note, f"{link('thanks', 'лл')} {link('thanks')}", ALICE)
        hers = Choice(task_id, 0, "utf-8")
        await manager.choose_name(hers, notebook=world.notebook, asked_by=ALICE)
        await world.choose(manager, task_id, "gb18030")
        assert [one.name for one in find_magnets(await world.text(note))] == ["лл"] * 2
        shown = await world.shown(manager, task_id)
        assert f"Another reading stands in #{note}." in shown.html
        assert "kept or typed another name: no note was changed." in shown.html


async def test_where_another_reading_stands_no_old_name_is_told_to_have_become_the_chosen_one(
    world: World, run: Run, store: Store, clock: FakeClock
) -> None:
    async with run() as manager:
        note = await world.add(link("thanks", "Old%20Story"), "thanks")
        first = await world.calibrate(manager, note)
        history = History(store, clock, lambda _: None)
        await world.choose(manager, first, "utf-8")
        await history.undo_task(world.notebook, first, person=ALICE)
        last = await world.calibrate(manager, note)
        assert "was: Old Story → now: лл" in (await world.shown(manager, last)).html
        await world.choose(manager, first, "gb18030")
        await history.undo_task(world.notebook, first, person=ALICE)
        assert find_magnets(await world.text(note))[0].name == "лл"
        shown = await world.shown(manager, last)
        assert f"Another reading stands in #{note}." in shown.html
        assert "was: " not in shown.html


async def test_a_name_that_was_typed_beside_the_chosen_reading_is_no_other_reading(
    world: World, run: Run, store: Store, clock: FakeClock
) -> None:
    async with run() as manager:
        note = await world.add(f"{link('thanks')} {link('thanks')}", "thanks", origin="here")
        task_id = await world.calibrate(manager, note)
        await world.choose(manager, task_id, "utf-8")
        typed = f"{link('thanks', 'Mine')} {link('thanks')}"
        edits = Edits(store, clock, lambda _: None)
        await edits.apply(typed, notebook=world.notebook, person=ALICE, origin="here")
        history = History(store, clock, lambda _: None)
        for _ in range(2):
            await history.undo(world.notebook, note, person=ALICE)
        assert [one.name for one in find_magnets(await world.text(note))] == ["Mine", "лл"]
        shown = await world.shown(manager, task_id)
        assert "Another reading" not in shown.html
        assert f"Corrected: #{note}" in shown.html


async def test_an_old_name_is_no_claim_once_it_was_chosen(world: World, run: Run) -> None:
    async with run() as manager:
        first, note = await world.add(link("thanks"), "thanks"), await world.add(link("thanks", "谢谢"), "thanks")
        await world.choose(manager, await world.calibrate(manager, first), "utf-8")
        await world.edit(note, link("thanks", "谢谢"), ALICE)
        task_id = await world.calibrate(manager, note)
        shown = await world.shown(manager, task_id)
        assert "was: 谢谢 → now: лл" in shown.html
        assert "Keep old" in labels(shown)
        await world.choose(manager, task_id, "gb18030")
        assert await world.text(note) == link("thanks", "%E8%B0%A2%E8%B0%A2")
        shown = await world.shown(manager, task_id)
        assert "was: " not in shown.html
        assert "Keep old" not in labels(shown)


async def test_a_late_press_on_the_reading_that_was_chosen_writes_nothing_over_an_undo(
    world: World, run: Run, store: Store, clock: FakeClock
) -> None:
    async with run() as manager:
        note = await world.add(link("guess"), "guess")
        task_id = await world.calibrate(manager, note)
        await world.choose(manager, task_id, "big5hkscs")
        await History(store, clock, lambda _: None).undo(world.notebook, note, person=ALICE)
        await world.choose(manager, task_id, "big5hkscs")
        assert await world.text(note) == link("guess")


async def test_a_reading_that_was_chosen_again_after_another_is_its_last_tasks_and_undo_is_offered_there_alone(
    world: World, run: Run, store: Store, clock: FakeClock
) -> None:
    async with run() as manager:
        note = await world.add(link("thanks"), "thanks")
        hers, his = [await world.calibrate(manager, note) for _ in range(2)]
        for task_id, encoding in ((hers, "utf-8"), (his, "gb18030"), (his, "utf-8")):
            await world.choose(manager, task_id, encoding)
        assert "Undo" not in labels(await world.shown(manager, hers))
        assert "Corrected" not in (await world.shown(manager, hers)).html
        assert "Undo" in labels(await world.shown(manager, his))
        history = History(store, clock, lambda _: None)
        await history.undo_task(world.notebook, his, person=BOB)
        assert "Undo" in labels(await world.shown(manager, hers)), "what came later was taken back"
        await history.undo_task(world.notebook, hers, person=ALICE)
        assert await world.text(note) == link("thanks")


async def test_a_reading_that_another_task_wrote_again_over_a_third_is_that_tasks(
    world: World, run: Run, store: Store, clock: FakeClock
) -> None:
    async with run() as manager:
        note = await world.add(link("thanks"), "thanks")
        first, second, third, last = [await world.calibrate(manager, note) for _ in range(4)]
        found = (await world.item(manager, first)).found
        assert found is not None
        offered = [one.encoding for one in choices(found.name, verified=True)]
        assert len(offered) == 3
        for task_id, encoding in ((first, 1), (second, 2), (third, 1), (last, 0)):
            await world.choose(manager, task_id, offered[encoding])
        history = History(store, clock, lambda _: None)
        await history.undo(world.notebook, note, person=BOB)
        shown = await world.shown(manager, first)
        assert "Corrected" not in shown.html
        assert "Undo" not in labels(shown)
        shown = await world.shown(manager, third)
        assert f"Another reading stands in #{note}." in shown.html
        assert "Undo" in labels(shown)
        await history.undo_task(world.notebook, third, person=BOB)
        await history.undo_task(world.notebook, second, person=BOB)
        assert "Undo" in labels(await world.shown(manager, first)), "what came later was taken back"


async def test_of_a_hash_the_chosen_name_is_shown_with_the_link_to_copy_and_no_note_is_changed(
    world: World, run: Run
) -> None:
    async with run() as manager:
        note = await world.add(link("guess"), "guess")
        task_id = await manager.submit_task(
            request=HashRequest(((torrent("guess"), Hints()),)),
            notebook=world.notebook,
            asked_by=ALICE,
            cause="command",
        )
        await world.clock.advance(5)
        assert "magnet:" not in (await world.shown(manager, task_id)).html
        await world.choose(manager, task_id, "big5hkscs")
        assert "dn=%E4%B8%89%E5%9C%8B" in (await world.shown(manager, task_id)).html
        assert await world.text(note) == link("guess")


async def test_what_a_person_undid_is_passed_over_by_a_choice_unless_the_note_was_asked_for_by_its_number(
    world: World, run: Run, store: Store
) -> None:
    for named in (False, True):
        async with run() as manager:
            note = await world.add(link("thanks"), "thanks")
            task_id = await world.calibrate(manager, note, named=named)
            await world.pin(note, "thanks")
            await world.choose(manager, task_id, "gb18030" if named else "utf-8")
            assert ("dn=" in await world.text(note)) is named


async def test_a_task_of_several_torrents_asks_for_each_name_in_turn(world: World, run: Run) -> None:
    async with run() as manager:
        note = await world.add(f"{link('film')} {link('guess')}", "film", "guess")
        task_id = await world.calibrate(manager, note)
        shown = await world.shown(manager, task_id)
        assert TRUE in labels(shown)
        assert str(torrent("guess").shown)[:8] in shown.html
        await world.choose(manager, task_id, "big5hkscs", position=1)
        assert [one.name for one in find_magnets(await world.text(note))] == ["The Matrix (1999)", TRUE]
        assert labels(await world.shown(manager, task_id)) == ["Undo"]


async def test_a_claimed_name_whose_encoding_is_guessed_can_be_chosen_too(
    world: World, run: Run, engine: FakeEngine
) -> None:
    engine.knows("claimed", guessed("claimed", verified=False))
    async with run() as manager:
        note = await world.add(link("claimed"), "claimed")
        task_id = await world.calibrate(manager, note)
        offered = choices(guessed("claimed", verified=False).name, verified=False)
        for one in (*offered, *offered[-1:]):  # the last one twice
            await world.choose(manager, task_id, one.word)
            assert find_magnets(await world.text(note))[0].name == one.text
        assert {one.text for one in offered} > {TRUE}


async def test_an_undo_takes_back_the_chosen_name_and_those_that_the_task_had_written_by_itself(
    world: World, run: Run, store: Store, clock: FakeClock
) -> None:
    async with run() as manager:
        text = f"{link('film')} {link('guess')}"
        note = await world.add(text, "film", "guess")
        task_id = await world.calibrate(manager, note)
        await world.choose(manager, task_id, "big5hkscs", position=1)
        await History(store, clock, lambda _: None).undo_task(world.notebook, task_id, person=ALICE)
        assert await world.text(note) == text


@pytest.mark.parametrize("whole", [True, False])
async def test_what_is_written_again_is_the_reading_that_was_chosen_since(
    world: World, run: Run, store: Store, clock: FakeClock, *, whole: bool
) -> None:
    history = History(store, clock, lambda _: None)
    async with run() as manager:
        text = f"{link('film', '18')} 看 {link('thanks')}，好"
        first = await world.add(text, "film", "thanks")
        hers = await world.calibrate(manager, first)
        await world.choose(manager, hers, "utf-8", position=1)
        his = await world.calibrate(manager, await world.add(link("thanks"), "thanks"))
        for again in (False, True):
            if whole:
                await history.undo_task(world.notebook, hers, person=ALICE, again=again)
            else:
                await history.undo(world.notebook, first, person=ALICE)
            if not again:
                assert await world.text(first) == text
                await world.choose(manager, his, "gb18030")
        assert [one.name for one in find_magnets(await world.text(first))] == ["The Matrix (1999)", "谢谢"]
        assert "谢谢" in (await world.shown(manager, hers)).html
        await history.undo(world.notebook, first, person=ALICE)
        assert await world.text(first) == text


async def test_the_readings_of_a_batch_stand_below_all_that_its_card_tells(
    world: World, run: Run, engine: FakeEngine
) -> None:
    engine.knows("last", "The Last")
    async with run() as manager:
        note = await world.add(f"{link('film', 'Inception')} {link('guess')} {link('last', '18')}", "film", "guess")
        shown = await world.shown(manager, await world.calibrate(manager, note))
        film, guess = (f"<code>{torrent(word).shown.hex[:8]}</code>…" for word in ("film", "guess"))
        lines = shown.html.splitlines()
        assert lines[1] == "3 of 3 found, 0 not, 0 left"
        told = sorted(line.partition(" · ")[2] for line in lines[2:5])
        assert told == ["The Last", "The Matrix (1999)", f"{TRUE} (a guess)"]
        assert lines[5:8] == [
            "1 note corrected.",
            f"{film} · was: Inception → now: The Matrix (1999)",
            f"Which of these is the name of {guess}? Nothing is written before somebody presses it.",
        ]
        rows = shown.keyboard.inline_keyboard if shown.keyboard else ()
        assert rows[0][0].text == TRUE
        assert [[one.text for one in row] for row in rows[-2:]] == [["Keep old: Inception"], ["Undo"]]


async def test_every_guess_of_a_batch_can_be_chosen_one_after_another(world: World, run: Run) -> None:
    guesses, rest = [f"guess {number}" for number in range(8)], [f"rest {number}" for number in range(6)]
    for word in guesses:
        world.engine.knows(word, guessed(word))
    for word in rest:
        world.engine.knows(word, f"{word}.iso")
    async with run() as manager:
        notes = [await world.add(link(word), word) for word in (*guesses, *rest)]
        task_id = await world.calibrate(manager, *notes)
        for _ in guesses:
            shown, snapshot = await world.shown(manager, task_id), await manager.get_task_status(task_id)
            assert snapshot is not None
            assert "Which of these is the name of" in shown.html
            assert TRUE in labels(shown)
            await world.choose(manager, task_id, "big5hkscs", position=snapshot.undecided[0].position)
        assert "Which of these" not in (await world.shown(manager, task_id)).html
        assert {find_magnets(await world.text(note))[0].name for note in notes[:8]} == {TRUE}


async def test_a_note_is_undecided_from_the_guess_on_until_somebody_of_its_notebook_has_decided(
    world: World, run: Run, store: Store
) -> None:
    async with run() as manager:
        chosen, kept = [await world.add(f"{word} {link(word)}", word) for word in ("guess", "thanks")]
        sure = await world.add(link("film"), "film")
        there = await store.write(lambda tx: tx.notebooks.open("tg:2", 1.0))
        elsewhere = await world.add(link("guess"), "guess", notebook=there)

        async def undecided() -> set[NoteId]:
            notes = [chosen, kept, sure, elsewhere]
            return set(await store.read(lambda tx: tx.notes.undecided(notes)))

        task_id = await world.calibrate(manager, chosen, kept, sure)
        assert await undecided() == {chosen, kept}, "what is known but was not asked for there asks nothing"
        await world.calibrate(manager, elsewhere, notebook=there)
        assert await undecided() == {chosen, kept, elsewhere}
        await world.choose(manager, task_id, "big5hkscs")
        assert await undecided() == {kept, elsewhere}
        await world.pin(kept, "thanks")
        assert await undecided() == {elsewhere}


@pytest.mark.parametrize("raw", ["三国演义".encode("gbk") * 200, b"\x01\xff"], ids=["overlong", "no text"])
async def test_a_note_is_undecided_only_where_there_is_something_to_choose(
    raw: bytes, world: World, run: Run, store: Store
) -> None:
    name = Name(text=raw.decode("gb18030", "replace"), raw=raw, encoding="gb18030", certain=False)
    world.engine.knows("hopeless", replace(guessed("hopeless"), name=name))
    async with run() as manager:
        alone = await world.add(link("hopeless"), "hopeless")
        both = await world.add(f"{link('hopeless')} {link('guess')}", "hopeless", "guess")
        await world.calibrate(manager, alone, both)
        assert choices(name, verified=True) == []
        assert await store.read(lambda tx: tx.notes.undecided([alone, both])) == {both}


async def test_a_guess_is_one_though_both_of_its_hashes_are_in_the_note(world: World, run: Run, store: Store) -> None:
    asked = []
    for number in range(3):
        v1 = torrent(f"hybrid {number}").shown
        hybrid = TorrentId(v1, InfoHash(v1.hex + v1.hex[:24]))
        name = Name(text="ÿ" * 1_000, raw=b"\xff" * 1_000, encoding="cp1252", certain=False)
        world.engine.names[hybrid] = replace(guessed("x"), torrent=hybrid, name=name)
        asked.append(f"magnet:?xt=urn:btih:{v1}&xt=urn:btmh:1220{hybrid.v2}")
    async with run() as manager:
        note = await world.add(" ".join(asked))
        task_id = await world.calibrate(manager, note)
        snapshot = await manager.get_task_status(task_id)
        assert snapshot is not None
        assert snapshot.counts == {State.COMPLETED: 3}
        assert await store.read(lambda tx: tx.notes.undecided([note])) == set()


async def test_a_note_with_more_guesses_than_are_read_is_undecided_whatever_the_first_are(
    world: World, run: Run, store: Store
) -> None:
    words = [f"hopeless {number}" for number in range(6)]
    for word in words:
        name = Name(text="ÿ" * 1_000, raw=b"\xff" * 1_000, encoding="cp1252", certain=False)
        world.engine.knows(word, replace(guessed(word), name=name))
    async with run() as manager:
        few, many = [await world.add(" ".join(map(link, some)), *some) for some in (words[:5], words)]
        await world.calibrate(manager, few, many)
        assert await store.read(lambda tx: tx.notes.undecided([few, many])) == {many}

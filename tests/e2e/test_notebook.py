"""Notes that are kept: shown whole and in pages, put away and taken back, with their history and its undoing."""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from sandbox.botapi import Chat, Fault, File, Message, Person
from sandbox.swarm import make_sample
from tests.e2e.conftest import World, kept, opened_world

pytestmark = pytest.mark.asyncio(loop_scope="module")

MISSING = "There is no such note here."
UNUSED = "This button is no longer in use."


@dataclass
class Town(World):
    """Where each test has a guest of its own, who writes in private."""

    async def fill(self) -> None:
        self.guests: Iterator[Person] = iter([self.invite(f"Guest {number}") for number in range(30)])
        self.bob, self.carol = self.api.person("Bob"), self.api.person("Carol")
        self.square = self.group("Square", self.bob, self.carol)
        await self.start()

    def guest(self) -> "Guest":
        person = next(self.guests)
        return Guest(self, person, self.api.private(person))


@dataclass
class Guest:
    town: Town
    person: Person
    chat: Chat

    async def ask(self, text: str) -> Message:
        return await self.town.ask(text, person=self.person, chat=self.chat)

    async def press(self, message: Message, button: str) -> str:
        return (await self.person.press(message, button)).text

    async def save(self, text: str) -> str:
        """Return the new note's number."""
        return (await self.ask(text)).text.partition(" ")[0].removeprefix("#")

    async def calibrated(self, name: str, dn: str = "18") -> tuple[str, str]:
        """Return the number of a note whose name was found, and the text that it had before."""
        text = f"see {self.town.swarm.seed(make_sample(name)).magnet(dn=dn)}"
        saved = await self.ask(text)
        number = saved.text.partition(" ")[0].removeprefix("#")
        await self.press(saved, "Calibrate")
        await self.town.shows(saved, "completed", name)
        return number, text

    async def text(self, number: str) -> str:
        return kept(await self.ask(f"/note {number}"))

    async def newest(self, count: int) -> Message:
        """Return the bot's message number *count* (from 1) when it is there."""
        messages = await self.town.api.until(
            lambda: self.chat.bot_messages if len(self.chat.bot_messages) >= count else None
        )
        return messages[count - 1]


def labels(message: Message) -> list[str]:
    return [text for row in message.buttons for text, _ in row]


def data_of(message: Message, label: str) -> str:
    return next(value for row in message.buttons for text, value in row if text == label)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    async with opened_world(tmp_path_factory.mktemp("town"), Town) as town:
        await town.fill()
        yield town


# /note.


async def test_a_note_shows_names_sizes_and_what_is_verified_above_its_text(town: Town) -> None:
    guest = town.guest()
    number, text = await guest.calibrated("三体.全集.mkv")
    shown = await guest.ask(f"/note {number}")
    names, _, below = shown.text.partition("\n———\n")
    assert names.startswith("三体.全集.mkv · ")
    assert names.endswith(" ✓")
    assert below == text.replace("dn=18", "dn=%E4%B8%89%E4%BD%93.%E5%85%A8%E9%9B%86.mkv")
    assert labels(shown) == ["Calibrate", "History", "Delete"]


async def test_the_buttons_of_a_note_answer_below_it_and_leave_it_as_it_is(town: Town) -> None:
    guest = town.guest()
    number = await guest.save(town.swarm.seed(make_sample("Below.mkv")).magnet(dn="18"))
    shown = await guest.ask(f"/note {number}")
    before = shown.text
    assert await guest.press(shown, "Calibrate") == ""
    card = await guest.newest(3)
    await town.shows(card, "completed", f"#{number}", "Below.mkv")
    assert await guest.press(shown, "History") == ""
    history = await guest.newest(4)
    assert "18 → Below.mkv" in history.text
    assert await guest.press(shown, "Delete") == ""
    question = await guest.newest(5)
    assert labels(question) == ["Delete", "Keep"]
    assert {one.reply_to for one in (card, history, question)} == {shown}
    assert shown.text == before


async def test_calibrate_below_a_note_pressed_twice_is_one_card(town: Town) -> None:
    guest = town.guest()
    shown = await guest.ask(f"/note {await guest.save(town.swarm.dead().magnet())}")
    for _ in range(2):
        assert await guest.press(shown, "Calibrate") == ""
    card = await guest.newest(3)
    await town.shows(card, "running")
    end = await guest.ask("/note 0")
    assert guest.chat.bot_messages[2:] == (card, end)


async def test_a_note_of_over_three_parts_comes_as_a_file_in_spite_of_bad_weather(town: Town) -> None:
    guest = town.guest()
    number = await guest.save(make_sample("file").magnet())
    whole = "\n".join(f"magnet:?xt=urn:btih:{one:040x}&dn=Film%20{one}" for one in range(1, 250))
    said = guest.person.say(guest.chat, "x")
    await town.answer(said)
    for fault in (Fault.BAD_GATEWAY, Fault.too_many(1)):
        town.api.break_next("sendDocument", fault, chat=guest.chat)
    saved = await town.answer(guest.person.say(guest.chat, "", document=_file(whole)))
    asked = guest.person.say(guest.chat, f"/note {saved.text.partition(' ')[0]}")
    files = await town.api.until(lambda: [one for one in guest.chat.bot_messages if one.document])
    assert files[0].document is not None
    assert files[0].document.content == whole.encode()
    assert files[0].reply_to is asked
    summary = await town.answer(asked)
    assert summary.text.split("\n")[1:3] == ["Film 1", "Film 2"]
    assert labels(summary) == ["Calibrate", "History", "Delete"]
    assert await guest.text(number)


def _file(text: str) -> File:
    return File("list.txt", text.encode())


# /notes.


async def test_pages_of_notes_turn_in_the_same_message(town: Town) -> None:
    guest = town.guest()
    assert (await guest.ask("/notes")).text == "There is no note here yet. Send me a magnet link and I keep it as one."
    said = [guest.person.say(guest.chat, f"/save word {place}") for place in range(23)]
    saved = [await town.answer(one, 60) for one in said]
    numbers = [one.text.partition(" ")[0] for one in saved][::-1]
    shown = await guest.ask("/notes")

    async def shows(part: slice, buttons: list[str]) -> None:
        await town.api.until(lambda: [one.split(" ")[0] for one in shown.text.split("\n")] == numbers[part])
        assert labels(shown) == buttons

    await shows(slice(0, 10), ["Older"])
    assert shown.text.split("\n")[0] == f"{numbers[0]} word 22"
    for button, part, buttons in [
        ("Older", slice(10, 20), ["Newer", "Older"]),
        ("Older", slice(20, 23), ["Newer"]),
        ("Newer", slice(10, 20), ["Newer", "Older"]),
        ("Newer", slice(0, 10), ["Older"]),
    ]:
        assert await guest.press(shown, button) == ""
        await shows(part, buttons)


async def test_a_page_marks_junk_and_what_is_not_calibrated(town: Town) -> None:
    guest = town.guest()
    junk = await guest.save(f"see {make_sample('x').magnet(dn='18')}")
    named = await guest.save(make_sample("y").magnet(dn="The Goddess"))
    words = await guest.save("/save words")
    number, _ = await guest.calibrated("Found.mkv")
    assert (await guest.ask("/notes")).text.split("\n") == [
        f"#{number} see Found.mkv",
        f"#{words} words",
        f"#{named} The Goddess · not calibrated",
        f"#{junk} see 18 · junk name, not calibrated",
    ]


# /delete and /undelete.


async def test_a_delete_asks_once_and_can_be_taken_back_by_its_button(town: Town) -> None:
    guest = town.guest()
    link = make_sample("deleted").magnet(dn="A name")
    number = await guest.save(f"see {link}")
    question = await guest.ask(f"/delete {number}")
    assert question.text == f"Delete #{number}?\nsee A name"
    assert await guest.press(question, "Keep") == ""
    await town.shows(question, f"#{number} stays.")
    assert labels(question) == []
    question = await guest.ask(f"/delete {number}")
    press = data_of(question, "Delete")
    assert await guest.press(question, "Delete") == ""
    await town.shows(question, f"#{number} is deleted.")
    assert (await guest.ask(f"/note {number}")).text == MISSING
    assert (await guest.ask("/notes")).text.startswith("There is no note here yet.")
    assert (await guest.person.press_data(question, press)).text == UNUSED
    assert await guest.press(question, "Undo delete") == ""
    await town.shows(question, f"#{number} is back.")
    assert labels(question) == []
    assert await guest.text(number) == f"see {link}"


async def test_a_deleted_note_is_taken_back_by_its_number_and_only_then(town: Town) -> None:
    guest = town.guest()
    number = await guest.save("/save words")
    assert (await guest.ask(f"/undelete {number}")).text == "This note is not deleted: there is nothing to take back."
    question = await guest.ask(f"/delete #{number}")
    await guest.press(question, "Delete")
    assert (await guest.ask(f"/undelete {number}")).text == f"#{number} is back."
    assert await guest.text(number) == "words"
    assert await guest.press(question, "Undo delete") == "This note is not deleted: there is nothing to take back."


async def test_two_who_press_delete_at_once_delete_once_and_nobody_sees_a_bug(town: Town) -> None:
    guest = town.guest()
    number = await guest.save("/save words")
    question = await guest.ask(f"/delete {number}")
    data = data_of(question, "Delete")
    said = await asyncio.gather(*(guest.person.press_data(question, data) for _ in range(3)))
    assert [one.text for one in said].count("") == 1
    assert {one.text for one in said} <= {"", MISSING, UNUSED}
    await town.shows(question, f"#{number} is deleted.")


async def test_every_member_of_a_group_may_delete_and_take_back(town: Town) -> None:
    saved = await town.ask("/save bob's", person=town.bob, chat=town.square)
    number = saved.text.partition(" ")[0]
    question = await town.ask(f"/delete {number}", person=town.carol, chat=town.square)
    await town.carol.press(question, "Delete")
    await town.shows(question, f"{number} is deleted.")
    await town.bob.press(question, "Undo delete")
    await town.shows(question, f"{number} is back.")


async def test_after_a_day_a_deleted_note_is_gone_for_good(tmp_path: Path) -> None:
    async with opened_world(tmp_path, World) as world:
        await world.start()
        await world.ask("/save words")
        await world.alice.press(await world.ask("/delete 1"), "Delete")
        await world.ask("/note 0")
        assert await world.stop() == 0
        with contextlib.closing(sqlite3.connect(world.database)) as connection, connection:
            connection.execute("UPDATE notes SET deleted_at = deleted_at - 86500")
        await world.start()
        while world.rows("SELECT id FROM notes"):
            await world.ask("/note 0")
        assert (await world.ask("/undelete 1")).text == MISSING


# /history and /undo.


async def test_a_history_shows_each_change_and_its_button_undoes_and_takes_back(town: Town) -> None:
    guest = town.guest()
    number, before = await guest.calibrated("Undone & <found>.mkv")
    after = await guest.text(number)
    history = await guest.ask(f"/history {number}")
    assert "18 → Undone & <found>.mkv" in history.text
    assert "<s>18</s> → <b>Undone &amp; &lt;found&gt;.mkv</b>" in history.html
    assert "1 · calibrated · " in history.text
    data = data_of(history, "Undo")
    assert await guest.press(history, "Undo") == f"#{number} is as it was before."
    await town.shows(history, f"History of #{number}", "2 · undone · ", "Undone & <found>.mkv → 18")
    assert await guest.text(number) == before
    assert (await guest.person.press_data(history, data)).text == UNUSED
    assert await guest.press(history, "Undo") == f"The names stand again in #{number}."
    await town.shows(history, f"History of #{number}", "3 · undo taken back · ")
    assert await guest.text(number) == after


async def test_undo_pressed_twice_at_once_undoes_once(town: Town) -> None:
    guest = town.guest()
    number, before = await guest.calibrated("Twice.mkv")
    history = await guest.ask(f"/history {number}")
    data = data_of(history, "Undo")
    said = await asyncio.gather(*(guest.person.press_data(history, data) for _ in range(3)))
    assert [one.text for one in said].count(f"#{number} is as it was before.") == 1
    assert await guest.text(number) == before


async def test_undo_and_undo_again_and_what_cannot_be_undone(town: Town) -> None:
    guest = town.guest()
    number, before = await guest.calibrated("Command.mkv")
    after = await guest.text(number)
    for said, text in [(f"#{number} is as it was before.", before), (f"The names stand again in #{number}.", after)]:
        assert (await guest.ask(f"/undo {number}")).text == said
        assert await guest.text(number) == text
    card = next(one for one in guest.chat.bot_messages if one.text.startswith("completed"))
    assert "Corrected" in card.text
    await guest.ask(f"/undo {number}")
    await town.shows(card, "completed", "Undone in 1 note.")
    await guest.press(await guest.ask(f"/history {number}"), "Undo")
    await town.shows(card, "completed", f"Corrected: #{number}")
    words = await guest.save("/save words")
    assert (await guest.ask(f"/undo {words}")).text == "There is nothing to undo, or to write again."
    assert (await guest.ask(f"/history {words}")).text == f"Nothing was changed in #{words} since it was saved."


async def test_an_edit_is_in_the_history_and_an_undo_after_it_keeps_it(town: Town) -> None:
    guest = town.guest()
    sample = town.swarm.seed(make_sample("Edited.mkv"))
    said = guest.person.say(guest.chat, f"one {sample.magnet(dn='18')}")
    saved = await town.answer(said)
    number = saved.text.partition(" ")[0].removeprefix("#")
    await guest.press(saved, "Calibrate")
    await town.shows(saved, "completed", "Edited.mkv")
    guest.person.edit(said, f"two {sample.magnet(dn='18')}")
    await guest.newest(2)
    history = await guest.ask(f"/history {number}")
    assert "2 · edited · " in history.text
    assert "<s>one</s><b>two</b> magnet" in history.html
    assert (await guest.ask(f"/undo {number}")).text == f"#{number} is as it was before."
    assert await guest.text(number) == f"two {sample.magnet(dn='18')}"


async def test_a_long_history_is_turned_over_in_the_same_message(town: Town) -> None:
    guest = town.guest()
    link = make_sample("long history").magnet()
    said = guest.person.say(guest.chat, f"0 {link}")
    saved = await town.answer(said)
    for turn in range(1, 8):
        guest.person.edit(said, f"{turn} {link}")
    await guest.newest(8)
    history = await guest.ask(f"/history {saved.text.partition(' ')[0]}")

    async def shows(*changes: int) -> None:
        await town.api.until(
            lambda: (
                [line.split(" ")[0] for line in history.text.split("\n") if " · " in line] == list(map(str, changes))
            )
        )

    await shows(7, 6, 5, 4, 3)
    assert labels(history) == ["Older", "Undo"]
    assert await guest.press(history, "Older") == ""
    await shows(2, 1)
    assert labels(history) == ["Newer", "Undo"]
    assert await guest.press(history, "Newer") == ""
    await shows(7, 6, 5, 4, 3)
    assert await guest.press(history, "Undo") == "There is nothing to undo, or to write again."


# Whose.


async def test_buttons_that_stand_on_no_message_of_ours_do_nothing(town: Town) -> None:
    owner, thief = town.guest(), town.guest()
    number, _ = await owner.calibrated("Mine.mkv")
    theirs = await thief.ask(f"/note {await thief.save('/save words')}")
    for verb in ("delete", "undelete", "keep", "ask_delete", "show_history", "calibrate_below", "older", "newer"):
        assert (await thief.person.press_data(theirs, f"{verb}:{number}")).text == UNUSED
    for data in (f"undo:{number}:2", f"history:{number}:0", f"calibrate_all:{int(number):x}.0", "undo:1", "history:x"):
        assert (await thief.person.press_data(theirs, data)).text == UNUSED
    assert thief.chat.bot_messages[-1] is theirs
    assert await owner.text(number)

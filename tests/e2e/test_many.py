"""Many notes and hashes with one command: one message, a summary, and a way back."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from sandbox.botapi import Chat, File, Message, Person
from sandbox.swarm import make_sample
from tests.e2e.conftest import World, kept, opened_world, states

pytestmark = pytest.mark.asyncio(loop_scope="module")

NO_SUCH_NOTE = "There is no such note here."


@dataclass
class Town(World):
    """Where each test has a guest of its own, who writes in private; a dead torrent is given up after 2 s."""

    async def fill(self) -> None:
        self.guests: Iterator[Person] = iter([self.invite(f"Guest {number}") for number in range(10)])
        self.bob_alone = self.invite("Bob Alone")
        self.timeout = 2.0
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

    async def save(self, *names: str, dead: int = 0) -> list[int]:
        """Save a note for each seeded torrent of these names, then for *dead* ones, and return their numbers."""
        samples = [self.town.swarm.seed(make_sample(name)) for name in names]
        samples += [self.town.swarm.dead() for _ in range(dead)]
        answers = [await self.ask(one.magnet()) for one in samples]
        return [int(one.text.split()[0].removeprefix("#")) for one in answers]

    async def texts(self, numbers: list[int]) -> list[str]:
        return [kept(await self.ask(f"/note {number}")) for number in numbers]

    async def press(self, card: Message, label: str) -> str:
        return (await self.person.press(card, label)).text


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    async with opened_world(tmp_path_factory.mktemp("town"), Town) as town:
        await town.fill()
        yield town


def labels(message: Message) -> list[str]:
    return [text for row in message.buttons for text, _ in row]


async def test_a_batch_has_one_message_from_its_state_to_its_summary_and_can_be_undone_as_one(town: Town) -> None:
    guest = town.guest()
    numbers = await guest.save("one.mkv", "two.mkv", "three.mkv", dead=2)
    before = await guest.texts(numbers)
    sent = len(guest.chat.bot_messages)
    card = await guest.ask(f"/calibrate {numbers[0]}, #{numbers[1]} {numbers[2]}-{numbers[4]} 999999")
    await town.shows(card, "completed", "3 of 5 found, 2 not, 0 left", "3 notes corrected.", "three.mkv")
    assert len(guest.chat.bot_messages) == sent + 1
    assert states(card)[-1] == "completed"
    assert labels(card) == ["Retry failed", "Show failed", "Undo"]
    after = await guest.texts(numbers)
    assert [
        one.endswith(f"&dn={name}") or f"&dn={name}&" in one
        for one, name in zip(after, ("one.mkv", "two.mkv"), strict=False)
    ] == [True] * 2
    assert after[3:] == before[3:]

    await guest.press(card, "Show failed")
    await town.shows(card, "completed", "Not found: 1–2 of 2", f"#{numbers[3]} · ", "Dead, as it seems")
    await guest.press(card, "Back")
    await town.shows(card, "completed", "3 notes corrected.")

    assert await guest.press(card, "Undo") == "Undone in 3 notes."
    await town.shows(card, "completed", "Undone in 3 notes.")
    assert await guest.texts(numbers) == before
    assert await guest.press(card, "Write again") == "Written again into 3 notes."
    await town.shows(card, "completed", "3 notes corrected.")
    assert await guest.texts(numbers) == after


async def test_the_card_of_a_task_stays_true_when_others_change_its_notes(town: Town) -> None:
    guest = town.guest()
    first, late = town.swarm.seed(make_sample("first.mkv")), town.swarm.unseeded(make_sample("late.mkv"))
    both = f"{first.magnet()} {late.magnet()}"
    typed = guest.person.say(guest.chat, both)
    number = int((await town.answer(typed)).text.split()[0].removeprefix("#"))
    (other,) = await guest.save("other.mkv")
    card = await guest.ask(f"/calibrate {number} {other}")
    await town.shows(card, "completed", "2 notes corrected.")
    town.swarm.seed(late)
    later = await guest.ask(f"/calibrate {number}")
    await town.shows(later, "completed", "late.mkv")
    await town.shows(card, "completed", "1 note corrected.")
    assert await guest.press(card, "Undo") == "Undone in 1 note. 1 was changed since, and stays."
    await town.shows(card, "completed", "Undone in 1 note.")
    assert "Undo" not in labels(card)

    await guest.press(later, "Undo")
    await town.shows(card, "completed", "1 note corrected.", "Undone in 1 note.")
    assert {"Undo", "Write again"} < set(labels(card))

    guest.person.edit(typed, f"edited {both}")
    await town.api.until(lambda: "corrected" not in card.text)
    assert "Undo" not in labels(card)
    await guest.press(await guest.ask(f"/delete {other}"), "Delete")
    await town.api.until(lambda: "Undone" not in card.text)


async def test_retry_failed_looks_up_again_what_was_not_found_and_nothing_else(town: Town) -> None:
    guest = town.guest()
    (found,) = await guest.save("found.mkv")
    late = town.swarm.unseeded(make_sample("late.mkv"))
    number = int((await guest.ask(late.magnet())).text.split()[0].removeprefix("#"))
    card = await guest.ask(f"/calibrate {found} {number}")
    await town.shows(card, "completed", "1 of 2 found, 1 not")
    town.swarm.seed(late)
    await guest.press(card, "Retry failed")
    await town.shows(card, "completed", "2 of 2 found, 0 not", "attempt 2", "2 notes corrected.")
    assert labels(card) == ["Undo"]


async def test_foreign_numbers_are_passed_over_as_missing_ones_are(town: Town) -> None:
    guest, other = town.guest(), town.guest()
    (theirs,) = await other.save("theirs.mkv")
    (mine,) = await guest.save("mine.mkv")
    before = await other.texts([theirs])
    card = await guest.ask(f"/calibrate {theirs}-{mine} {mine + 1000}")
    await town.shows(card, "completed", f"#{mine}", "mine.mkv")
    assert f"#{theirs}" not in card.text
    for text in (
        f"/calibrate {theirs}",
        f"/calibrate {theirs} 999999",
        f"/calibrate {mine + 1}-999999",
        "/calibrate 5-1",
    ):
        assert (await guest.ask(text)).text == NO_SUCH_NOTE
    assert await other.texts([theirs]) == before


async def test_all_is_what_was_not_yet_calibrated_and_last_the_newest(town: Town) -> None:
    guest = town.guest()
    assert (await guest.ask("/calibrate all")).text == NO_SUCH_NOTE
    numbers = await guest.save("all one.mkv", "all two.mkv", dead=1)
    card = await guest.ask("/calibrate last 2")
    await town.shows(card, "completed", f"#{numbers[1]}, #{numbers[2]} ·", "1 of 2 found, 1 not")
    card = await guest.ask("/calibrate all")
    await town.shows(card, "completed", f"#{numbers[0]}, #{numbers[2]} ·", "1 of 2 found, 1 not")
    card = await guest.ask("/calibrate all force")
    await town.shows(card, "completed", f"#{numbers[0]}, #{numbers[1]}, #{numbers[2]} ·", "2 of 3 found, 1 not")


async def test_where_nothing_is_left_to_write_it_is_said_what_would_write_it(town: Town) -> None:
    guest = town.guest()
    (number,) = await guest.save("undone.mkv")
    card = await guest.ask(f"/calibrate {number}")
    await town.shows(card, "completed", "undone.mkv")
    assert (await guest.ask("/calibrate all")).text.endswith("/calibrate all force")
    await guest.ask(f"/undo {number}")
    ranges = (f"/calibrate 1-{number + 1}", f"/calibrate {number}-{number}")
    for text in ("/calibrate all force", "/calibrate last 5", f"/calibrate last {number}", *ranges):
        assert (await guest.ask(text)).text.endswith(f"A note's own number writes it again: /calibrate {number}")
    card = await guest.ask(f"/calibrate {number}")
    await town.shows(card, "completed", f"Corrected: #{number}")


async def test_many_hashes_and_magnets_are_one_task_that_changes_no_note(town: Town) -> None:
    guest = town.guest()
    samples = [town.swarm.seed(make_sample(f"hash {number}")) for number in range(3)]
    magnets = " ".join(one.magnet() for one in samples)
    card = await guest.ask(f"/calibrate_hash {town.swarm.dead().v1} {magnets}")
    await town.shows(card, "completed", "3 of 4 found, 1 not", "hash 2")
    assert labels(card) == ["Retry failed", "Show failed"]


@pytest.mark.parametrize("how", ["caption", "reply"])
async def test_a_text_file_of_hashes_and_magnets_is_looked_up_and_not_kept(town: Town, how: str) -> None:
    guest = town.guest()
    samples = [town.swarm.seed(make_sample(f"{how} {number}")) for number in range(3)]
    if how == "caption":
        file = File("list.txt", f"\ufeff{samples[1].v1}\r\n一{samples[2].magnet()},".encode())
        asked = f"/calibrate_hash {samples[0].v1}"  # beside the file's
        card = await town.answer(guest.person.say(guest.chat, asked, document=file))
    else:
        hashes = File("list.txt", f"{samples[0].v1} {samples[1].v1} {samples[2].v1}".encode())
        listed = guest.person.say(guest.chat, "", document=hashes)
        await town.answer(listed)
        card = await town.answer(guest.person.say(guest.chat, "/calibrate_hash", reply_to=listed))
    await town.shows(card, "completed", "3 of 3 found", f"{how} 2")
    assert (await guest.ask("/notes")).text.startswith("There is no note here yet.")


@pytest.mark.parametrize(
    ("caption", "content", "answer"),
    [
        ("/calibrate_hash", b"no hash", "That is no info-hash"),
        ("/calibrate_hash", b"", "Which torrent?"),
        ("/calibrate_hash", b"x" * 1_000_001, "That file is too large: the most is 1 MB."),
        ("/calibrate 1", b"words", "/calibrate takes no file: send it in a message of its own."),
        ("/save@another_bot", b"words", "I do not know this command."),
    ],
)
async def test_a_file_that_a_command_cannot_read_gets_one_line_and_is_not_kept(
    town: Town, caption: str, content: bytes, answer: str
) -> None:
    chat = town.api.private(town.bob_alone)
    said = await town.answer(town.bob_alone.say(chat, caption, document=File("list.txt", content)))
    assert said.text.startswith(answer)
    assert "\n" not in said.text


@pytest.mark.parametrize("words", ["", "abc", "1 x", "1-", "-1", "1--2", "all 5", "1,5;x", "٣", "1-2-3"])
async def test_what_names_no_notes_gets_one_line(words: str, town: Town) -> None:
    answer = await town.ask(f"/calibrate {words}")
    assert answer.text == "Which notes? Send numbers: /calibrate 12, or 12 15 20-40, or last 100, or all."


@pytest.mark.parametrize("words", ["last", "last x", "last 0", "last -1"])
async def test_a_wrong_number_of_the_newest_notes_is_said_to_be_one(words: str, town: Town) -> None:
    answer = await town.ask(f"/calibrate {words}")
    assert answer.text == "How many of the newest notes? From 1 to 1,000: /calibrate last 100"


async def test_the_counts_of_a_batch_are_exact_after_a_kill_in_its_middle(tmp_path: Path) -> None:
    async with opened_world(tmp_path, World) as world:
        world.timeout = 3.0
        await world.start()
        found = [world.swarm.seed(make_sample(f"kept {number}")) for number in range(30)]
        dead = [world.swarm.dead() for _ in range(30)]
        text = "\n".join(one.magnet() for pair in zip(found, dead, strict=True) for one in pair)
        first = await world.ask("\n".join(text.splitlines()[:30]))
        second = await world.ask("\n".join(text.splitlines()[30:]))
        card = await world.ask("/calibrate 1-2")
        await world.api.until(lambda: "of 60 found" in card.text and not card.text.startswith("pending"), 20)
        world.kill()
        await world.ended()
        await world.start()
        # The answer to the card's sending may have died with the program: then another message goes on.
        await world.api.until(lambda: world.private.bot_messages[-1].text.startswith("completed"), 30)
        card = world.private.bot_messages[-1]
        await world.shows(card, "completed", "30 of 60 found, 30 not, 0 left", "2 notes corrected.")
        ends = world.rows("SELECT state, count(*) FROM items GROUP BY state ORDER BY state")
        assert ends == [("completed", 30), ("failed", 30)]
        texts = [text for (text,) in world.rows("SELECT text FROM notes ORDER BY id")]
        assert sum(str(one).count("dn=kept%20") for one in texts) == 30
        assert first.text.startswith("#1 saved")
        assert second.text.startswith("#2 saved")

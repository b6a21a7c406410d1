"""Notes are found again: by words, page by page in one message, and by torrents; never those of another chat."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from urllib.parse import quote

import pytest
import pytest_asyncio

from sandbox.botapi import Chat, Message, Person
from sandbox.swarm import make_sample
from tests.e2e.conftest import World, opened_world

pytestmark = pytest.mark.asyncio(loop_scope="module")

UNUSED = "This button is no longer in use."


@dataclass
class Town(World):
    """Where each test has a guest of its own, who writes in private."""

    async def fill(self) -> None:
        self.guests: Iterator[Person] = iter([self.invite(f"Guest {number}") for number in range(20)])
        self.pair = next(self.guests), next(self.guests)
        self.market = self.group("Market", *self.pair)
        await self.start()

    def guest(self) -> tuple[Person, Chat]:
        guest = next(self.guests)
        return guest, self.api.private(guest)

    async def keep(self, person: Person, chat: Chat, *texts: str) -> list[str]:
        """Save notes, and return their numbers as they are shown."""
        asked = [person.say(chat, text) for text in texts]
        return [(await self.answer(one, 60)).text.partition(" ")[0] for one in asked]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    async with opened_world(tmp_path_factory.mktemp("town"), Town) as town:
        await town.fill()
        yield town


def link(name: str, digit: str = "a") -> str:
    return f"magnet:?xt=urn:btih:{digit * 40}&dn={quote(name)}&tr=http%3A%2F%2Ftracker.example%2Fannounce"


def labels(message: Message) -> list[str]:
    return [text for row in message.buttons for text, _ in row]


def data_of(message: Message, label: str) -> str:
    return next(value for row in message.buttons for text, value in row if text == label)


def found(message: Message) -> list[str]:
    """Return the numbers of the notes that a message of results shows."""
    return [line.partition(" ")[0] for line in message.text.split("\n")[1:]]


async def test_words_in_any_script_find_notes_newest_first_with_the_matches_marked(town: Town) -> None:
    guest, chat = town.guest()
    one, two, _ = await town.keep(
        guest, chat, f"to watch {link('三体.全集.mkv')} later", f"看过三体 <b>again</b>\n{link('x')}", link("Ubuntu")
    )
    result = await town.ask("/search 三体", person=guest, chat=chat)
    assert result.text == f"Notes with 三体:\n{two} 看过三体 <b>again</b> x\n{one} to watch 三体.全集.mkv later"
    assert result.html == (
        f"Notes with <code>三体</code>:\n{two} 看过<b>三体</b> &lt;b&gt;again&lt;/b&gt; x\n"
        f"{one} to watch <b>三体</b>.全集.mkv later"
    )
    assert labels(result) == []
    assert found(await town.ask("/search WATCH 全集", person=guest, chat=chat)) == [one]
    assert found(await town.ask('/search "ubuntu" OR (三体*', person=guest, chat=chat)) == []
    assert found(await town.ask("/search ^ubun*", person=guest, chat=chat)) != []


async def test_a_file_of_a_found_torrent_finds_its_note(town: Town) -> None:
    guest, chat = town.guest()
    sample = town.swarm.seed(make_sample("Course", files=[("第一章/intro.pdf", 10), ("第二章.pdf", 20)]))
    (number,) = await town.keep(guest, chat, sample.magnet(dn="18"))
    card = await town.ask(f"/calibrate {number}", person=guest, chat=chat)
    await town.shows(card, "completed")
    result = await town.ask("/search 一章 pdf", person=guest, chat=chat)
    assert result.html.endswith(f"{number} 第<b>一章</b>/intro.<b>pdf</b>")


async def test_pages_are_turned_in_the_very_message_and_after_a_restart_too(town: Town) -> None:
    guest, chat = town.guest()
    notes = (await town.keep(guest, chat, *(link(f"Word {number}") for number in range(23))))[::-1]
    result = await town.ask("/search word", person=guest, chat=chat)
    assert (found(result), labels(result)) == (notes[:10], ["Older"])
    assert (await guest.press(result, "Older")).text == ""
    await town.api.until(lambda: found(result) == notes[10:20])
    assert labels(result) == ["Newer", "Older"]
    assert await town.stop() == 0
    await town.start()
    assert (await guest.press(result, "Older")).text == ""
    await town.api.until(lambda: found(result) == notes[20:])
    assert labels(result) == ["Newer"]
    assert (await guest.press(result, "Newer")).text == ""
    await town.api.until(lambda: found(result) == notes[10:20])
    assert (await guest.press(result, "Newer")).text == ""
    await town.api.until(lambda: found(result) == notes[:10])
    assert labels(result) == ["Older"]
    assert result.text.startswith("Notes with word:\n")


async def test_a_stale_or_forged_button_gets_one_line_and_changes_nothing(town: Town) -> None:
    guest, chat = town.guest()
    numbers = await town.keep(guest, chat, *(link(f"Word {number}") for number in range(11)))
    result = await town.ask("/search word", person=guest, chat=chat)
    noted = await town.ask(f"/note {numbers[0]}", person=guest, chat=chat)
    stale = data_of(result, "Older")
    theirs = guest.say(chat, "/search word")
    await town.answer(theirs)
    for message, data in [
        (noted, stale),
        (theirs, stale),
        (result, "found_older:1"),
        (result, "found_newer:1"),
        (result, "found_older:"),
        (result, "found_older:" + "9" * 50),
        (result, "found_older:x"),
        (result, "found_sideways:1"),
    ]:
        assert (await guest.press_data(message, data)).text == UNUSED, data
    assert len(result.versions) == 1
    await guest.press(result, "Older")
    await town.api.until(lambda: labels(result) == ["Newer"])
    assert (await guest.press_data(result, stale)).text == UNUSED
    await town.ask("/note 0", person=guest, chat=chat)  # answered after whatever the presses caused
    assert len(result.versions) == 2


async def test_what_another_chat_has_is_never_found(town: Town) -> None:
    guest, chat = town.guest()
    stranger, elsewhere = town.guest()
    await town.keep(guest, chat, *(link(f"Secret {number}", "b") for number in range(11)))
    result = await town.ask("/search secret", person=guest, chat=chat)
    for text in ("/search secret", f"/search {'b' * 40}"):
        answer = await town.ask(text, person=stranger, chat=elsewhere)
        assert answer.text == f"No note here has {text.removeprefix('/search ')}."
    assert (
        await town.ask(f"/find {'b' * 40}", person=stranger, chat=elsewhere)
    ).text == "No note here has this torrent."
    await town.keep(stranger, elsewhere, *(link(f"Secret of mine {number}") for number in range(11)))
    own = await town.ask("/search secret", person=stranger, chat=elsewhere)
    await stranger.press(own, "Older")
    await town.api.until(lambda: labels(own) == ["Newer"])
    assert "Secret of mine 0" in own.text
    assert (await stranger.press_data(own, data_of(result, "Older"))).text == UNUSED


async def test_every_member_of_a_group_turns_its_pages_and_strangers_do_not(town: Town) -> None:
    one, two = town.pair
    stranger, _ = town.guest()
    await town.keep(one, town.market, *(link(f"Stall {number}") for number in range(11)))
    result = await town.ask("/search stall", person=one, chat=town.market)
    assert (await stranger.press(result, "Older")).text == "You may not do that."
    assert (await two.press(result, "Older")).text == ""
    await town.api.until(lambda: labels(result) == ["Newer"])


async def test_words_that_find_nothing_and_no_words_are_answered_with_a_line(town: Town) -> None:
    guest, chat = town.guest()

    async def said(text: str) -> str:
        return (await town.ask(text, person=guest, chat=chat)).text

    assert await said("/search <i>nothing</i> & \u202enobody") == "No note here has <i>nothing</i> nobody."
    for text in ("/search", "/search   ", '/search "*" -- 。'):
        assert await said(text) == "Search for which words? /search ubuntu iso"
    assert await said("/search " + "a" * 201) == "That is too long to search for: the most is 200 characters."


async def test_the_largest_page_is_sent(town: Town) -> None:
    guest, chat = town.guest()
    text = ("😀word" * 300 + " word & " * 100)[:1500]
    await town.keep(guest, chat, *(f"{text} {link('<&>' * 60)}" for _ in range(11)))
    result = await town.ask(f"/search word {'wor ' * 48}", person=guest, chat=chat)
    assert len(found(result)) == 10
    assert result.html.count("<b>") >= 10


async def test_find_tells_the_notes_that_have_a_torrent_with_its_name_and_size(town: Town) -> None:
    guest, chat = town.guest()
    sample = town.swarm.seed(make_sample("Found.mkv"))
    one, two, _ = await town.keep(guest, chat, sample.magnet(dn="18"), f"again {sample.magnet()}", link("Other"))
    digits = sample.v1
    before = await town.ask(f"/find {digits}", person=guest, chat=chat)
    assert before.text == f"{digits}\nIts name is not known yet.\nIn {two}, {one}"
    card = await town.ask(f"/calibrate {one}", person=guest, chat=chat)
    await town.shows(card, "completed")
    replied = await town.answer(guest.say(chat, "/find", reply_to=guest.say(chat, sample.magnet())))
    assert replied.text.startswith("Found.mkv\n")
    assert " · 1 file · verified\nIn #" in replied.text
    assert replied.text.endswith(f"{two}, {one}")
    assert (await town.ask(f"/find {'c' * 40}", person=guest, chat=chat)).text == "No note here has this torrent."
    assert (await town.ask("/find", person=guest, chat=chat)).text.startswith("Find which torrent?")
    assert (await town.ask("/find 12", person=guest, chat=chat)).text.startswith("That is no info-hash")

"""What each command answers, and to which words there is silence."""

import base64
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import pytest
import pytest_asyncio
from telegram import Bot

from sandbox.botapi import Chat, Message, Person
from sandbox.botapi.text import styled
from sandbox.swarm import Sample, make_sample
from tests.e2e.conftest import World, kept, opened_world

pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass
class Town(World):
    """Where each test has a chat of its own."""

    async def fill(self) -> None:
        self.guests: Iterator[Person] = iter([self.invite(f"Guest {number}") for number in range(20)])
        await self.start()

    def room(self) -> Chat:
        """Return a new group, where Alice is served as the owner that she is."""
        return self.api.group("Room", self.alice)

    async def ask_in_private(self, text: str) -> Message:
        guest = next(self.guests)
        return await self.ask(text, person=guest, chat=self.api.private(guest))

    def seeded(self, name: str, *, v2: bool = False) -> Sample:
        return self.swarm.seed(make_sample(name, kind="v2" if v2 else "v1", files=[("a.mkv", 1_234)]))

    async def finds(self, sample: Sample, asked: str) -> None:
        """Ask, and see the card of *sample* completed."""
        card = await self.ask(asked, chat=self.room())
        await self.shows(card, "completed", (sample.v1 or sample.v2 or "")[:8], str(sample.name), "verified")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    async with opened_world(tmp_path_factory.mktemp("town"), Town) as town:
        await town.fill()
        yield town


async def test_telegram_is_given_the_list_of_commands_in_each_language(town: Town) -> None:
    async with Bot(town.api.token, base_url=town.api.base_url) as bot:
        lists = {code: await bot.get_my_commands(language_code=code) for code in (None, "zh", "en", "de")}
    said = {code: {one.command: one.description for one in commands} for code, commands in lists.items()}
    assert said[None]["calibrate"] == "find the true names for a note: /calibrate 12"
    assert said["zh"]["calibrate"] == "查找一条笔记里的真实名称：/calibrate 12"
    assert set(said["zh"]) == set(said[None])
    assert said["en"] == said["de"] == {}  # Telegram shows them the list that is for everybody


@pytest.mark.parametrize("command", ["/start", "/help", "/help me", "/HELP", "/help@calibot_sandbox_bot"])
async def test_help_names_every_command(town: Town, command: str) -> None:
    answer = await town.ask(command, chat=town.room())
    for named in (
        "calibrate",
        "calibrate_hash",
        "save",
        "notes",
        "note",
        "history",
        "undo",
        "delete",
        "undelete",
        "search",
        "find",
        "export",
        "help",
    ):
        assert re.search(rf"/{named}\b", answer.text)


@pytest.mark.parametrize("text", ["/nonsense", "/calibrate1", "/start_me", "/nonsense@another_bot"])
async def test_an_unknown_command_gets_a_line_in_private_and_silence_in_a_group(town: Town, text: str) -> None:
    answer = await town.ask_in_private(text)
    assert answer.text == "I do not know this command. /help lists those that I know."
    await _silence(town, text)


async def test_half_a_magnet_and_a_bare_hash_are_told_what_they_lack(town: Town) -> None:
    half = await town.ask_in_private("magnet:?dn=no-topic")
    assert half.text.startswith("There is no whole magnet link in it")
    bare = await town.ask_in_private("ab" * 20)
    assert bare.text.startswith("That is an info-hash")
    number = await town.ask_in_private("/calibrate " + "ab" * 20)
    assert number.text.startswith("That is a torrent, no note's number.")


@pytest.mark.parametrize("text", ["hello", "6", "see /help", "🎬"])
async def test_words_get_a_line_of_help_in_private_and_silence_in_a_group(town: Town, text: str) -> None:
    answer = await town.ask_in_private(text)
    assert answer.text == "Send me a magnet link and I keep it as a note. /help tells more."
    await _silence(town, text)


async def test_a_command_for_another_bot_gets_silence_in_a_group(town: Town) -> None:
    await _silence(town, "/help@another_bot")


@pytest.mark.parametrize("asked", ["/calibrate {}", "/calibrate #{}", "/calibrate@calibot_sandbox_bot {}"])
async def test_a_note_is_calibrated_by_its_number(town: Town, asked: str) -> None:
    room, sample = town.room(), town.seeded("By number")
    saved = await town.ask(sample.magnet(), chat=room)
    number = saved.text.partition(" ")[0].removeprefix("#")
    card = await town.ask(asked.format(number), chat=room)
    await town.shows(card, "completed", f"#{number}", "By number")


@pytest.mark.parametrize("style", ["bold", "italic"])
async def test_a_command_in_bold_or_italic_is_one(town: Town, style: str) -> None:
    sample, room = town.seeded(f"{style}.mkv"), town.room()
    card = await town.answer(town.alice.say(room, styled(f"/calibrate_hash {sample.magnet(dn='18')}", style)))
    await town.shows(card, "completed", f"{style}.mkv")
    assert (await town.ask("/notes", chat=room)).text.startswith("There is no note here yet.")


@pytest.mark.parametrize("asked", ["/note，{}", "/note： #{}", "/note, {}", "/note　{}", "/note\n{}"])
async def test_a_number_is_understood_whatever_stands_between_it_and_its_command(town: Town, asked: str) -> None:
    room, link = town.room(), make_sample("glued").magnet()
    number = (await town.ask(link, chat=room)).text.split()[0].removeprefix("#")
    assert kept(await town.ask(asked.format(number), chat=room)) == link


async def test_calibrate_hash_makes_no_note(town: Town) -> None:
    room, sample = town.room(), town.seeded("No note")
    before = town.rows("SELECT count(*) FROM notes")
    card = await town.ask(f"/calibrate_hash {sample.magnet()}", chat=room)
    await town.shows(card, "completed", "No note")
    assert town.rows("SELECT count(*) FROM notes") == before


@pytest.mark.parametrize("spelling", ["lower", "upper", "base32", "lower base32", "v2", "in words", "two lines"])
async def test_a_bare_hash_is_looked_up_in_every_spelling(town: Town, spelling: str) -> None:
    sample = town.seeded(f"Bare {spelling}", v2=spelling == "v2")
    digits = sample.v1 or sample.v2 or ""
    base32 = base64.b32encode(bytes.fromhex(digits)).decode() if sample.v1 else ""
    spelt = {
        "lower": digits,
        "upper": digits.upper(),
        "base32": base32,
        "lower base32": base32.lower(),
        "v2": digits,
        "in words": f"what is {digits}?",
        "two lines": f"\n\n  {digits}\n",
    }
    await town.finds(sample, f"/calibrate_hash {spelt[spelling]}")


@pytest.mark.parametrize("kind", ["magnet", "hash"])
async def test_calibrate_hash_looks_into_the_message_that_it_replies_to(town: Town, kind: str) -> None:
    room, sample = town.room(), town.seeded(f"Replied {kind}")
    text = f"看看：{sample.magnet()}，好" if kind == "magnet" else f"what is {sample.v1}?"
    message = town.alice.say(room, text)
    card = await town.answer(town.alice.say(room, "/calibrate_hash", reply_to=message))
    await town.shows(card, "completed", str(sample.name))


async def test_a_photo_with_a_magnet_in_its_caption_becomes_a_note(town: Town) -> None:
    room, sample = town.room(), town.seeded("Under a photo")
    saved = await town.answer(town.alice.say(room, f"see {sample.magnet()}", photo=True))
    number = saved.text.partition(" ")[0].removeprefix("#")
    assert saved.text == f"#{number} saved: 1 magnet."
    assert kept(await town.ask(f"/note {number}", chat=room)) == f"see {sample.magnet()}"


async def test_a_card_gives_the_corrected_magnet_to_copy(town: Town) -> None:
    room, sample = town.room(), town.seeded("To copy.mkv")
    card = await town.ask(f"/calibrate_hash {sample.magnet(dn='18')}", chat=room)
    await town.shows(card, "completed", sample.magnet(dn="To copy.mkv"))
    assert "<code>magnet:?" in card.html


async def test_messages_of_one_chat_are_answered_in_their_order(town: Town) -> None:
    room = town.room()
    asked = [town.alice.say(room, text) for text in (town.seeded("first").magnet(), "/note 0", "/help")]
    await town.api.until(lambda: len(room.bot_messages) == 3)
    assert [answer.reply_to for answer in room.bot_messages] == asked


async def _silence(town: Town, text: str) -> None:
    """Say *text* in a group; what is then answered comes after whatever came before."""
    room = town.room()
    town.alice.say(room, text)
    answer = await town.ask("/note 0", chat=room)
    assert room.bot_messages == (answer,)

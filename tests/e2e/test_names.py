"""Names from the swarm, and magnets as people write them: what is shown, and what is written."""

import html
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from urllib.parse import quote

import pytest
import pytest_asyncio

from sandbox.botapi import Chat, Message, Person
from sandbox.swarm import HOSTILE_NAMES, Kind, Sample, make_sample
from tests.e2e.conftest import World, kept, opened_world

pytestmark = pytest.mark.asyncio(loop_scope="module")

_BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_OUR_TAGS = re.compile("</?(?:b|code)>")

SHOWN = {
    "tags": "<b>bold</b> & <a href='tg://x'>link</a>",
    "right-to-left override": "cod.gnp.exe",
    "long": "长" * 250,
    "nul": "before\ufffdafter",
    "newline": "one\ufffd\ufffdtwo\ufffdthree",
    "replacement character": "truly \ufffd in it",
    "path separators": "../../etc/passwd\\..\\x",
    "dots": "..",
    "percent": "100%25 & a=b # ? +",
    "emoji": "👩‍👩‍👧‍👦 family.mkv",
}
"""The hostile names that are written into notes, as people see them."""
GUESSED = {"gbk": "三体.全集.国语中字", "shift-jis": "テスト動画 第一話.mkv", "not text": ""}
SHOWN_ALONE = {"empty": "(its name is empty)", "over 1000 bytes": "n" * 200}


@dataclass
class Town(World):
    """Where each test has a guest of its own, who writes in private."""

    async def fill(self) -> None:
        self.timeout = 4
        self.guests: Iterator[Person] = iter([self.invite(f"Guest {number}") for number in range(40)])
        await self.start()

    async def calibrated(self, text: str, *words: str) -> tuple[Message, str]:
        """Return the ended card of a note of *text*, with these words in it, and what the note then is."""
        guest = next(self.guests)
        chat = self.api.private(guest)
        saved = await self.ask(text, person=guest, chat=chat)
        number = saved.text.partition(" ")[0]
        card = await self.ask(f"/calibrate {number}", person=guest, chat=chat)
        await self.shows(card, "completed", number, *words)
        return card, await self.note(number, guest, chat)

    async def note(self, number: str, guest: Person, chat: Chat) -> str:
        return kept(await self.ask(f"/note {number}", person=guest, chat=chat))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    async with opened_world(tmp_path_factory.mktemp("town"), Town) as town:
        await town.fill()
        yield town


def seeded(town: World, raw: bytes) -> Sample:
    # libtorrent takes no single file without a name, and seeds none.
    return town.swarm.seed(make_sample(raw_name=raw, files=[("a.mkv", 1_234)] if raw in {b"", b".."} else None))


def is_harmless(card: Message) -> bool:
    """Whether nothing in the card is markup but what we put there ourselves, and nothing turns its text round."""
    ours = _OUR_TAGS.sub("", card.html)
    return "<" not in ours and ">" not in ours and not _BIDI.search(html.unescape(card.html))


@pytest.mark.parametrize("hostile", SHOWN)
async def test_a_hostile_name_is_shown_as_text_and_written_as_it_is(town: Town, hostile: str) -> None:
    sample = seeded(town, HOSTILE_NAMES[hostile])
    card, note = await town.calibrated(sample.magnet(dn="18"), SHOWN[hostile], "verified")
    assert is_harmless(card)
    assert note == sample.magnet(dn="18").replace("dn=18", f"dn={quote(sample.raw_name, safe='')}")


@pytest.mark.parametrize("hostile", GUESSED)
async def test_a_guessed_encoding_is_told_and_not_written(town: Town, hostile: str) -> None:
    sample = seeded(town, HOSTILE_NAMES[hostile])
    card, note = await town.calibrated(sample.magnet(dn="18"), GUESSED[hostile], "guess")
    assert is_harmless(card)
    assert note == sample.magnet(dn="18")
    assert "magnet:" not in card.text


async def test_the_reading_that_a_person_presses_is_written_and_shown(town: Town) -> None:
    sample = town.swarm.seed(make_sample(raw_name="倩女幽魂.avi".encode("big5")))
    guest = next(town.guests)
    chat = town.api.private(guest)
    saved = await town.ask(sample.magnet(dn="18"), person=guest, chat=chat)
    number = saved.text.partition(" ")[0]
    await guest.press(saved, "Calibrate")
    await town.shows(saved, "completed", "Which of these is its name?")
    await guest.press(saved, "倩女幽魂.avi")
    await town.shows(saved, "completed", "Chosen by hand: big5hkscs", f"Corrected: {number}")
    assert is_harmless(saved)
    note = await town.note(number, guest, chat)
    assert note == sample.magnet(dn="18").replace("dn=18", f"dn={quote('倩女幽魂.avi')}")


async def test_an_old_name_that_claimed_something_else_is_kept_by_a_press(town: Town) -> None:
    sample = town.swarm.seed(make_sample("The Matrix 1999"))
    guest = next(town.guests)
    chat = town.api.private(guest)
    saved = await town.ask(sample.magnet(dn="Inception"), person=guest, chat=chat)
    number = saved.text.partition(" ")[0]
    await guest.press(saved, "Calibrate")
    await town.shows(saved, "completed", "was: Inception → now: The Matrix 1999")
    await guest.press(saved, "Keep old")
    await town.shows(saved, "completed", "The old name was kept: Inception")
    assert await town.note(number, guest, chat) == sample.magnet(dn="Inception")


@pytest.mark.parametrize("hostile", SHOWN_ALONE)
async def test_a_name_that_is_empty_or_overlong_is_shown_and_not_written(town: Town, hostile: str) -> None:
    sample = seeded(town, HOSTILE_NAMES[hostile])
    _, note = await town.calibrated(sample.magnet(dn="18"), SHOWN_ALONE[hostile], "verified")
    assert note == sample.magnet(dn="18")


async def test_every_hostile_name_of_the_sandbox_is_promised_something() -> None:
    assert {*SHOWN, *GUESSED, *SHOWN_ALONE} == {*HOSTILE_NAMES}


@pytest.mark.parametrize("kind", ["v1", "v2", "hybrid"])
async def test_every_kind_of_torrent_is_named(town: Town, kind: Kind) -> None:
    sample = town.swarm.seed(make_sample(f"A {kind}", kind=kind, files=[("a.mkv", 40_000), ("b.srt", 5_000)]))
    card, note = await town.calibrated(sample.magnet(), f"A {kind}", "45 kB", "2 files", "verified")
    assert (sample.v1 or sample.v2 or "")[:8] in card.text
    assert f"&dn=A%20{kind}&tr=" in note
    assert note.replace(f"&dn=A%20{kind}", "") == sample.magnet()


@pytest.mark.parametrize("by", ["v1", "v2"])
async def test_a_hybrid_is_named_by_either_hash(town: Town, by: str) -> None:
    hybrid = town.swarm.seed(make_sample("Either", kind="hybrid", files=[("a.mkv", 40_000)]))
    topic = f"urn:btih:{hybrid.v1}" if by == "v1" else f"urn:btmh:1220{hybrid.v2}"
    link = f"magnet:?xt={topic}&tr={quote(town.swarm.tracker_url, safe='')}"
    _, note = await town.calibrated(link, "Either", "verified")
    assert note == link.replace("&tr=", "&dn=Either&tr=")


async def test_a_torrent_is_found_by_the_dht_alone(town: Town) -> None:
    sample = town.swarm.seed(make_sample("By the DHT"), by=["dht"])
    await town.calibrated(sample.magnet(trackers=False), "By the DHT", "verified")


async def test_a_torrent_is_found_by_the_peer_in_its_link(town: Town) -> None:
    sample = town.swarm.seed(make_sample("By x.pe"), by=[])
    await town.calibrated(sample.magnet(trackers=False, peers=True), "By x.pe", "verified")


async def test_links_out_of_html_keep_their_separators(town: Town) -> None:
    sample = town.swarm.seed(make_sample("A & B"))
    text = f'<a href="{sample.magnet(dn="18").replace("&", "&amp;")}">18</a>'
    _, note = await town.calibrated(text, "A & B")
    assert note == text.replace("dn=18", "dn=A%20%26%20B")


async def test_every_spelling_of_the_hash_in_a_note_is_corrected(town: Town) -> None:
    sample = town.swarm.seed(make_sample("Spelt"))
    assert sample.v1
    lower, upper = sample.magnet(dn="18"), sample.magnet().replace(sample.v1, sample.v1.upper())
    text = f"看看{lower}。\n(MAGNET:{upper.removeprefix('magnet:')})"
    _, note = await town.calibrated(text, "Spelt", "verified")
    assert note == text.replace("dn=18", "dn=Spelt").replace(sample.v1.upper(), f"{sample.v1.upper()}&dn=Spelt")


async def test_a_note_of_several_magnets_has_one_card_that_counts(town: Town) -> None:
    first, second = (town.swarm.seed(make_sample(name)) for name in ("One.mkv", "Two.mkv"))
    dead = town.swarm.dead()
    text = f"1. {first.magnet()}\n2. {dead.magnet(dn='gone')}\n3. {second.magnet(dn='18')}\n"
    card, note = await town.calibrated(text, "2 of 3 found, 1 not, 0 left")
    assert [label for row in card.buttons for label, _ in row] == ["Retry failed", "Show failed", "Undo"]
    assert len([one for one in card.chat.bot_messages if one.buttons or "found" in one.text]) == 3, (
        "what was saved, its card, the note"
    )
    corrected = text.replace(f"{first.v1}", f"{first.v1}&dn=One.mkv").replace("dn=18", "dn=Two.mkv")
    assert note == corrected.rstrip()


async def test_a_note_that_is_longer_than_a_message_comes_in_parts(town: Town) -> None:
    name = "长" * 111
    samples = [town.swarm.seed(make_sample(f"{number}{name}")) for number in range(4)]
    links = "\n".join(f"{number}. 🎬 {sample.magnet()}" for number, sample in enumerate(samples))
    text = links + "\n" + "🎬 word " * ((4_000 - len(links)) // 9)
    guest = next(town.guests)
    chat = town.api.private(guest)
    saved = await town.ask(text, person=guest, chat=chat)
    await guest.press(saved, "Calibrate")
    await town.shows(saved, "completed", "4 of 4 found")
    whole = text
    for number, sample in enumerate(samples):
        whole = whole.replace(f"{sample.v1}", f"{sample.v1}&dn={number}{quote(name)}")
    asked = guest.say(chat, f"/note {saved.text.split('#')[1].split()[0]}")

    def parts() -> list[str]:
        return [one.text for one in chat.bot_messages if one.reply_to is asked]

    await town.api.until(lambda: len(parts()) == 3)
    heads, texts = zip(*(part.split("\n", 1) for part in parts()), strict=True)
    assert [head.partition(" · ")[2] for head in heads] == ["1/3", "2/3", "3/3"]
    assert _ink("".join(texts).partition("———")[2]) == _ink(whole)  # Telegram trims blanks at both ends
    assert all(len(part.encode("utf-16-le")) <= 2 * 4_096 for part in parts())


def _ink(text: str) -> str:
    return "".join(text.split())

""".torrent files that are sent to the chat: names that need no lookup, and notes that get them."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from functools import partial

import pytest
import pytest_asyncio

from sandbox.botapi import Chat, Fault, File, Message, Person
from sandbox.swarm import Kind, Sample, make_sample
from tests.e2e.conftest import World, kept, opened_world
from tests.e2e.test_inbox import replies
from tests.e2e.test_notes import FORWARDED, labels

pytestmark = pytest.mark.asyncio(loop_scope="module")

BROKEN = "That torrent file cannot be read: it is damaged, or none at all."
IN_NO_NOTE = "No note here had this torrent. To keep it, reply to the file with /save."
TYPE = "application/x-bittorrent"
_16_MIB = 16 * 1_048_576


def torrent_of(sample: Sample, name: str = "a.torrent", mime_type: str = TYPE) -> File:
    return File(name, b"d4:info" + sample.info + b"e", mime_type)


@dataclass
class Guest:
    """Somebody with a notebook that nobody else writes into."""

    town: "Town"
    person: Person
    chat: Chat

    async def asks(self, text: str, **more: object) -> Message:
        return await self.town.answer(self.person.say(self.chat, text, **more))  # type: ignore[arg-type]

    async def sends(self, file: File, caption: str = "") -> Message:
        return await self.asks(caption, document=file)

    async def keeps(self, text: str) -> int:
        saved = await self.asks(text)
        return int(saved.text.split()[0].removeprefix("#"))

    async def text_of(self, note: int) -> str:
        return kept(await self.asks(f"/note {note}"))


@dataclass
class Town(World):
    async def fill(self) -> None:
        self.timeout = 30
        self.people: Iterator[Person] = iter([self.invite(f"Guest {number}") for number in range(40)])
        self.bob = self.api.person("Bob")
        self.rooms: Iterator[Chat] = iter([self.group(f"Room {number}", self.alice, self.bob) for number in range(6)])
        await self.start()

    def guest(self) -> Guest:
        person = next(self.people)
        return Guest(self, person, self.api.private(person))

    def room(self) -> Guest:
        return Guest(self, self.alice, next(self.rooms))


def told(chat: Chat, words: str) -> list[Message]:
    return [one for one in chat.bot_messages if words in one.text]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    async with opened_world(tmp_path_factory.mktemp("town"), Town) as town:
        await town.fill()
        yield town


@pytest.mark.parametrize("kind", ["v1", "v2", "hybrid"])
@pytest.mark.parametrize("told_by", ["name", "type"])
async def test_its_name_is_written_into_every_note_that_has_it_without_a_lookup(
    town: Town, kind: Kind, told_by: str
) -> None:
    sample = make_sample(f"True {kind} {told_by}", kind=kind)
    file = torrent_of(sample, "FILE.TORRENT", "") if told_by == "name" else torrent_of(sample, "")
    guest, other = town.guest(), make_sample(f"beside {kind} {told_by}").magnet(dn="19")
    first, second = await guest.keeps(f"{sample.magnet(dn='18')}\n{other}"), await guest.keeps(sample.magnet())
    lookups = town.rows("SELECT count(*) FROM lookups")
    card = await guest.sends(file)
    shown = await town.shows(card, "completed", f"True {kind} {told_by}", "verified", f"Corrected: #{first}, #{second}")
    assert IN_NO_NOTE not in shown.text
    assert labels(shown) == ["Undo"]
    name = f"True {kind} {told_by}"
    assert await guest.text_of(first) == f"{sample.magnet(dn=name)}\n{other}", "and nothing beside it"
    assert town.rows("SELECT count(*) FROM lookups") == lookups
    ((source,),) = town.rows(f"SELECT source FROM names WHERE name = '{name}'")  # noqa: S608 - our own name
    assert source == "file"
    await guest.person.press(shown, "Undo")
    await town.shows(card, "completed", "Undone in 2 notes.")
    assert await guest.text_of(first) == f"{sample.magnet(dn='18')}\n{other}"


async def test_a_hybrid_corrects_links_with_either_of_its_hashes_as_one_torrent(town: Town) -> None:
    sample = make_sample("Both", kind="hybrid")
    guest = town.guest()
    notes = [
        await guest.keeps(f"magnet:?xt=urn:btih:{sample.v1}"),
        await guest.keeps(f"magnet:?xt=urn:btmh:1220{sample.v2}"),
        await guest.keeps(sample.magnet()),
    ]
    card = await guest.sends(torrent_of(sample))
    await town.shows(card, "completed", "Corrected: " + ", ".join(f"#{one}" for one in notes))


async def test_where_no_note_has_it_nothing_is_written_and_it_is_kept_on_a_word(town: Town) -> None:
    sample, guest = make_sample("New one"), town.guest()
    said = guest.person.say(guest.chat, "", document=torrent_of(sample))
    card = await town.shows(await town.answer(said), "completed", "New one", IN_NO_NOTE)
    assert (await guest.asks("/notes")).text.startswith("There is no note here yet."), "nothing was kept"
    assert card.text.splitlines()[-1] == sample.magnet(dn="New one")
    saved = await town.answer(guest.person.say(guest.chat, "/save", reply_to=said))
    note = int(saved.text.split()[0].removeprefix("#"))
    assert await guest.text_of(note) == sample.magnet(dn="New one")
    again = await town.answer(guest.person.say(guest.chat, "/save", reply_to=said))
    assert again.text == f"This message is kept already: #{note}."
    guest.person.edit(said, "a word")  # is none of that note's
    assert await guest.text_of(note) == sample.magnet(dn="New one")


async def test_with_save_as_its_caption_it_is_a_note(town: Town) -> None:
    sample, guest = make_sample("Saved"), town.guest()
    for caption, text in (("/save", ""), ("/save see this", "see this\n\n")):
        saved = await guest.sends(torrent_of(sample), caption)
        note = int(saved.text.split()[0].removeprefix("#"))
        assert await guest.text_of(note) == f"{text}{sample.magnet(dn='Saved')}"


async def test_a_caption_with_a_magnet_is_kept_and_gets_the_name(town: Town) -> None:
    sample, guest = make_sample("Captioned"), town.guest()
    said = guest.person.say(guest.chat, f"see {sample.magnet(dn='18')}", document=torrent_of(sample))
    await town.api.until(lambda: len(replies(said)) == 2)
    saved, card = replies(said)
    assert " saved: 1 magnet" in saved.text
    note = int(saved.text.split()[0].removeprefix("#"))
    await town.shows(card, "completed", f"Corrected: #{note}")


async def test_a_lookup_under_way_ends_with_its_name(town: Town) -> None:
    sample, guest = town.swarm.dead(), town.guest()
    elsewhere = town.guest()
    note = await guest.keeps(sample.magnet(dn="18"))
    running = await town.shows(await guest.asks(f"/calibrate {note}"), "running")
    other = await town.shows(await elsewhere.asks(f"/calibrate_hash {sample.v1}"), "running")
    card = await guest.sends(torrent_of(sample))
    await town.shows(card, "completed", "nobody has this")
    await town.shows(running, "completed", "nobody has this", f"Corrected: #{note}")
    await town.shows(other, "completed", "nobody has this", "verified")


async def test_calibrate_hash_and_find_take_it_too(town: Town) -> None:
    sample, guest = make_sample("Asked for"), town.guest()
    said = guest.person.say(guest.chat, "/calibrate_hash", document=torrent_of(sample))
    await town.shows(await town.answer(said), "completed", "Asked for", "verified")
    note = await guest.keeps(sample.magnet())
    found = await town.answer(guest.person.say(guest.chat, "/find", reply_to=said))
    assert found.text.endswith(f"In #{note}")


async def test_a_name_whose_encoding_is_guessed_is_written_on_a_press(town: Town) -> None:
    sample, guest = make_sample(raw_name="三体.全集.国语中字.第二季".encode("gb18030")), town.guest()
    note = await guest.keeps(sample.magnet(dn="18"))
    card = await guest.sends(torrent_of(sample))
    shown = await town.shows(card, "completed", "三体.全集.国语中字.第二季", "Its encoding is a guess")
    assert await guest.text_of(note) == sample.magnet(dn="18")
    await guest.person.press(shown, "三体.全集.国语中字.第二季")
    await town.shows(card, "completed", f"Corrected: #{note}")
    said = guest.person.say(guest.chat, "/save", document=torrent_of(make_sample(raw_name="中文名字".encode("gbk"))))
    kept_note = int((await town.answer(said)).text.split()[0].removeprefix("#"))
    assert "dn=" not in await guest.text_of(kept_note), "a guess waits for a word"


@pytest.mark.parametrize("raw", [b"", b"n" * 1_500])
async def test_a_name_that_is_empty_or_overlong_is_shown_and_not_written(town: Town, raw: bytes) -> None:
    sample, guest = make_sample(raw_name=raw, files=[("a", 1), ("b", 2)]), town.guest()
    note = await guest.keeps(sample.magnet(dn="18"))
    await town.shows(await guest.sends(torrent_of(sample)), "completed", f"#{note}", "verified")
    assert await guest.text_of(note) == sample.magnet(dn="18")


async def test_what_was_undone_stays_so_and_it_is_said(town: Town) -> None:
    sample, guest = make_sample("Pinned"), town.guest()
    note = await guest.keeps(sample.magnet(dn="18"))
    card = await town.shows(await guest.sends(torrent_of(sample)), "completed", f"Corrected: #{note}")
    await guest.person.press(card, "Undo")
    await town.shows(card, "completed", "Undone in 1 note.")
    again = await guest.sends(torrent_of(sample))
    assert again.text == f"What was undone, or kept, stays so. A note's own number writes it again: /calibrate {note}"
    assert await guest.text_of(note) == sample.magnet(dn="18")


_DEEP = b"d4:info" + b"d1:a" * 5_000 + b"e" * 5_001
_BAD = {"words": b"only words", "nothing": b"", "deep": _DEEP, "cut": torrent_of(make_sample("cut")).content[:-9],
        "junk": b"l" * _16_MIB}  # fmt: skip


@pytest.mark.parametrize("what", sorted(_BAD))
async def test_one_that_cannot_be_read_gets_one_line_in_private_and_silence_in_a_group(town: Town, what: str) -> None:
    guest = town.guest()
    names = town.rows("SELECT count(*) FROM names")
    answer = await guest.sends(File("a.torrent", _BAD[what], TYPE))
    assert answer.text == BROKEN
    if what == "words":
        room = town.room()
        room.person.say(room.chat, "", document=File("a.torrent", _BAD[what], TYPE))
        help_ = await room.asks("/help")
        assert list(room.chat.bot_messages) == [help_]
    assert town.rows("SELECT count(*) FROM names") == names


async def test_one_that_is_too_large_is_not_even_fetched(town: Town) -> None:
    guest = town.guest()
    fetched = [one for one in town.api.calls if one.method == "getFile"]
    answer = await guest.sends(File("a.torrent", b"x", TYPE, claimed=_16_MIB + 1))
    assert answer.text == "That file is too large: the most is 16.8 MB."
    assert [one for one in town.api.calls if one.method == "getFile"] == fetched


async def test_one_that_telegram_does_not_give_is_said_in_one_line(town: Town) -> None:
    guest = town.guest()
    town.api.break_next("getFile", Fault.too_many(3600))
    answer = await guest.sends(torrent_of(make_sample("not given")))
    assert answer.text == "The file could not be fetched. Please send it again."


async def test_in_a_group_it_is_answered_and_a_stranger_is_not_heard(town: Town) -> None:
    sample, room = make_sample("Grouped"), town.room()
    note = await room.keeps(sample.magnet(dn="18"))
    stranger = town.api.person("Stranger")
    refused = await town.answer(stranger.say(town.api.private(stranger), "", document=torrent_of(sample)))
    assert refused.text.startswith("This bot serves only")
    card = await town.answer(town.bob.say(room.chat, "", document=torrent_of(sample)))
    await town.shows(card, "completed", f"Corrected: #{note}")


async def test_a_forwarded_one_is_answered_as_any(town: Town) -> None:
    sample, guest = make_sample("Forwarded"), town.guest()
    note = await guest.keeps(sample.magnet(dn="18"))
    said = guest.person.say(guest.chat, "", document=torrent_of(sample), forwarded=FORWARDED["channel"][0])
    await town.shows(await town.answer(said), "completed", f"Corrected: #{note}")


async def test_each_of_many_at_once_is_answered_and_none_is_throttled(town: Town) -> None:
    guest = town.guest()
    samples = [make_sample(f"Album {number}") for number in range(10)]
    notes = [await guest.keeps("\n".join(one.magnet(dn="18") for one in samples))]
    for sample in samples:
        guest.person.say(guest.chat, "", document=torrent_of(sample))
    for sample in samples:
        await town.api.until(partial(told, guest.chat, str(sample.name)), 60)
    assert await guest.text_of(notes[0]) == "\n".join(one.magnet(dn=str(one.name)) for one in samples)
    assert not [one for one in town.api.calls if one.status == 429 and one.method != "getFile"]


async def test_an_old_name_that_claimed_something_else_is_kept_on_a_press(town: Town) -> None:
    sample, guest = make_sample("Tears of Steel (2012)"), town.guest()
    note = await guest.keeps(sample.magnet(dn="Sintel.2010.1080p.mkv"))
    card = await town.shows(await guest.sends(torrent_of(sample)), "completed", f"Corrected: #{note}")
    assert labels(card) == ["Keep old", "Undo"]
    await guest.person.press(card, "Keep old")
    assert await guest.text_of(note) == sample.magnet(dn="Sintel.2010.1080p.mkv")


async def test_an_edit_of_its_caption_is_no_second_asking_and_leaves_its_magnet_in_its_note(town: Town) -> None:
    sample, guest = make_sample("Edited"), town.guest()
    asked = guest.person.say(guest.chat, "", document=torrent_of(sample))
    await town.answer(asked)
    guest.person.edit(asked, "a word")
    saved = guest.person.say(guest.chat, "/save see this", document=torrent_of(sample))
    note = int((await town.answer(saved)).text.split()[0].removeprefix("#"))
    guest.person.edit(saved, "/save see that")
    await town.api.until(lambda: told(guest.chat, f"#{note} updated."))
    assert await guest.text_of(note) == f"see that\n\n{sample.magnet(dn='Edited')}"
    guest.person.edit(saved, "without")
    assert await guest.text_of(note) == f"see that\n\n{sample.magnet(dn='Edited')}"
    assert len(replies(asked)) == 1

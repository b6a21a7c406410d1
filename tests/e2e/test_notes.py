"""What becomes a note: typed, forwarded and edited messages, files, and whatever is sent with /save."""

import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from sandbox.botapi import Chat, Fault, File, Message, Person
from sandbox.botapi.text import Formatted, styled
from sandbox.swarm import Sample, make_sample
from tests.e2e.conftest import World, kept, opened_world

pytestmark = pytest.mark.asyncio(loop_scope="module")

_EVE = {"id": 5, "is_bot": False, "first_name": "Eve", "username": "eve"}
_NEWS = {"id": -6, "type": "channel", "title": "News", "username": "n"}
FORWARDED: Mapping[str, tuple[Mapping[str, object], str]] = {
    "user": ({"type": "user", "sender_user": _EVE}, "Eve (@eve)"),
    "hidden": ({"type": "hidden_user", "sender_user_name": "Somebody <b>"}, "Somebody <b>"),
    "chat": ({"type": "chat", "sender_chat": {"id": -5, "type": "supergroup", "title": "Friends"}}, "Friends"),
    "channel": ({"type": "channel", "chat": _NEWS, "message_id": 1}, "News (@n)"),
}


@dataclass
class Town(World):
    """Where each test has a guest, or a group, of its own."""

    async def fill(self) -> None:
        self.guests: Iterator[Person] = iter([self.invite(f"Guest {number}") for number in range(40)])
        self.bob, self.carol = self.api.person("Bob"), self.api.person("Carol")
        self.square = self.group("Square", self.alice, self.bob, self.carol)
        await self.start()

    def guest(self) -> tuple[Person, Chat]:
        guest = next(self.guests)
        return guest, self.api.private(guest)

    def room(self) -> Chat:
        return self.api.group("Room", self.alice)

    def text_of(self, saved: Message) -> str:
        """Return the text that the note of this answer has in the database."""
        ((text,),) = self.rows(f"SELECT text FROM notes WHERE id = {number_of(saved)}")  # noqa: S608 - our own number
        return str(text)

    def seeded(self, name: str) -> Sample:
        return self.swarm.seed(make_sample(name))


def number_of(answer: Message) -> int:
    """Return the note's number that an answer begins with."""
    found = re.match(r"#([0-9]+) ", answer.text)
    assert found, answer
    return int(found[1])


def labels(message: Message) -> list[str]:
    return [text for row in message.buttons for text, _ in row]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    async with opened_world(tmp_path_factory.mktemp("town"), Town) as town:
        await town.fill()
        yield town


async def silence(town: Town, room: Chat) -> None:
    """See that nothing was answered to what was said before: what is answered now would come after it."""
    before = room.bot_messages
    answer = await town.ask("/note 0", chat=room)
    assert room.bot_messages == (*before, answer)


# /save.


@pytest.mark.parametrize(
    "text",
    [
        "/save just words",
        "/save@calibot_sandbox_bot just words",
        "/save\njust words",
        "/SAVE just words",
        styled("/save just words", "bold"),
    ],
)
async def test_save_keeps_any_text(town: Town, text: str | Formatted) -> None:
    saved = await town.ask(text, chat=town.room())
    assert re.fullmatch(r"#[0-9]+ saved\.", saved.text)
    assert labels(saved) == []
    assert town.text_of(saved) == "just words"


@pytest.mark.parametrize("text", ["/save，{link} 备注", "/save({link}) rest", "/save，two words", "/save，onlyone"])
async def test_save_keeps_all_that_is_glued_to_it(town: Town, text: str) -> None:
    text = text.format(link=make_sample("glued").magnet())
    saved = await town.ask(text, chat=town.room())
    assert town.text_of(saved) == text.removeprefix("/save")


async def test_save_keeps_a_text_with_a_magnet_as_any_other_note(town: Town) -> None:
    link = make_sample("saved").magnet()
    saved = await town.ask(f"/save  two blanks {link}", chat=town.room())
    assert saved.text.endswith(" saved: 1 magnet.")
    assert labels(saved) == ["Calibrate"]
    assert town.text_of(saved) == f" two blanks {link}"


async def test_save_in_reply_keeps_that_message_once_and_its_note_follows_it(town: Town) -> None:
    words = town.bob.say(town.square, "carol's <b>words</b>")
    saved = await town.answer(town.carol.say(town.square, "/save", reply_to=words))
    assert town.text_of(saved) == words.text
    again = await town.answer(town.alice.say(town.square, "/save", reply_to=words))
    assert again.text == f"This message is kept already: #{number_of(saved)}."
    town.bob.edit(words, "other words")
    await silence(town, town.square)
    assert town.text_of(saved) == "other words"


@pytest.mark.parametrize("text", ["/save", "/save  \n "])
async def test_save_of_nothing_asks_what(town: Town, text: str) -> None:
    answer = await town.ask(text, chat=town.room())
    assert answer.text == "Keep what? Send /save and the text, or reply with /save to a message."


# Files.


@pytest.mark.parametrize("kind", ["utf-8", "utf-8-sig", "gb18030", "no name", "no type"])
async def test_a_text_file_is_one_note_with_its_line_ends(town: Town, kind: str) -> None:
    links = [make_sample(f"{kind} {number}").magnet() for number in range(120)]
    text = "想看的电影\r\n" + "\r\n".join(links) + "\n\r\n三体全集\r"
    content = text.encode(kind if kind.startswith(("utf", "gb")) else "utf-8")
    odd = {"no name": File("", content, "text/x-list"), "no type": File("LIST.TXT", content, "")}
    file = odd.get(kind, File("list.txt", content))
    guest, chat = town.guest()
    saved = await town.answer(guest.say(chat, "", document=file))
    assert saved.text.endswith(" saved: 120 magnets.")
    assert town.text_of(saved) == text


async def test_a_file_without_a_magnet_gets_one_line_in_private_and_silence_in_a_group(town: Town) -> None:
    guest, chat = town.guest()
    file = File("list.txt", b"only words")
    answer = await town.answer(guest.say(chat, "", document=file))
    assert answer.text == (
        "There is no magnet link in this file. To keep it all the same, send it with /save as its caption."
    )
    room = town.room()
    town.alice.say(room, "", document=file)
    town.alice.say(room, "a word", document=File("list.txt", b"x" * 1_000_001))
    await silence(town, room)


@pytest.mark.parametrize("caption", ["/save", "/save@calibot_sandbox_bot", "/SAVE", "/save，"])
async def test_a_file_with_save_as_its_caption_is_kept_whatever_is_in_it(town: Town, caption: str) -> None:
    saved = await town.answer(town.alice.say(town.room(), caption, document=File("a.txt", b"only words\r\n")))
    assert town.text_of(saved) == "only words\r\n"


async def test_save_in_reply_to_a_file_keeps_it(town: Town) -> None:
    room = town.room()
    file = town.alice.say(room, "", document=File("a.txt", b"only words"))
    saved = await town.answer(town.alice.say(room, "/save", reply_to=file))
    assert town.text_of(saved) == "only words"


async def test_a_caption_with_a_magnet_stands_before_its_files_text(town: Town) -> None:
    above, within = make_sample("above").magnet(), make_sample("within").magnet()
    guest, chat = town.guest()
    saved = await town.answer(guest.say(chat, f"see {above}", document=File("a.txt", within.encode())))
    assert saved.text.endswith(" saved: 2 magnets.")
    assert town.text_of(saved) == f"see {above}\n\n{within}"


@pytest.mark.parametrize("size", ["claimed", "true"])
async def test_a_file_that_is_too_large_is_refused_in_one_line(town: Town, size: str) -> None:
    guest, chat = town.guest()
    file = File("a.txt", b"x", claimed=1_000_001) if size == "claimed" else File("a.txt", b"x" * 1_000_001)
    answer = await town.answer(guest.say(chat, "", document=file))
    assert answer.text == "That file is too large: the most is 1 MB."


async def test_a_file_of_the_largest_size_is_kept_and_comes_back_as_a_file(town: Town) -> None:
    link = make_sample("large").magnet().encode()
    content = link + b"\n" * (1_000_000 - len(link))
    guest, chat = town.guest()
    saved = await town.answer(guest.say(chat, "", document=File("a.txt", content)))
    asked = guest.say(chat, f"/note {number_of(saved)}")
    files = await town.api.until(lambda: [one for one in chat.bot_messages if one.reply_to is asked and one.document])
    assert files[0].document is not None
    assert files[0].document.name == f"note-{number_of(saved)}.txt"
    assert files[0].document.content == content


@pytest.mark.parametrize("fault", [Fault.BAD_GATEWAY, Fault.LOST_ANSWER, Fault.too_many(1)])
async def test_a_file_that_telegram_does_not_give_at_first_is_kept_all_the_same(fault: Fault, town: Town) -> None:
    town.api.break_next("getFile", fault)
    link = make_sample("at first").magnet()
    saved = await town.answer(town.alice.say(town.room(), "", document=File("a.txt", link.encode())))
    assert town.text_of(saved) == link


async def test_a_file_that_telegram_does_not_give_is_said_in_one_line(town: Town) -> None:
    guest, chat = town.guest()
    town.api.break_next("getFile", Fault.too_many(3600))
    answer = await town.answer(guest.say(chat, "", document=File("a.txt", b"x")))
    assert answer.text == "The file could not be fetched. Please send it again."


_UNREAD = "It is the caption alone."
_NOT_GIVEN = "The file could not be fetched. Please send it again."


async def test_a_caption_with_a_magnet_is_kept_without_its_file_where_that_cannot_be_read(town: Town) -> None:
    link = make_sample("unread").magnet()
    large, small = File("a.txt", b"x", claimed=1_000_001), File("a.txt", b"x")
    for file, reason in ((large, "That file is too large: the most is 1 MB."), (small, _NOT_GIVEN)):
        for who, chat in (town.guest(), (town.alice, town.room())):
            if file is small:
                town.api.break_next("getFile", Fault.too_many(3600))
            saved = await town.answer(who.say(chat, f"see {link}", document=file))
            assert saved.text.endswith(f".\n{_UNREAD} {reason}")
            assert labels(saved) == ["Calibrate"]
            assert town.text_of(saved) == f"see {link}"


async def test_forwarded_captions_whose_files_cannot_be_read_are_kept_and_it_is_said(town: Town) -> None:
    link, origin = make_sample("unread").magnet(), FORWARDED["channel"][0]
    file = File("a.txt", b"x", claimed=1_000_001)
    room = town.room()
    for _ in range(2):
        said = town.alice.say(room, link, document=file, forwarded=origin)
    saved = await town.answer(said)
    assert saved.text.endswith(
        " saved, 2 magnets.\nThe files of 2 messages could not be read: their captions alone are kept."
    )


async def test_the_note_of_a_caption_follows_it_where_the_file_cannot_be_read(town: Town) -> None:
    room, link = town.room(), make_sample("unread").magnet()
    said = town.alice.say(room, link, document=File("a.txt", b"x", claimed=1_000_001))
    saved = await town.answer(said)
    town.alice.edit(said, f"more {link}")
    await silence(town, room)
    assert town.text_of(saved) == f"more {link}"


async def test_a_note_with_a_files_text_stays_whole_where_the_file_cannot_be_fetched_again(town: Town) -> None:
    room, link = town.room(), make_sample("again").magnet()
    said = town.alice.say(room, link, document=File("a.txt", b"what is in it"))
    saved = await town.answer(said)
    town.api.break_next("getFile", Fault.too_many(3600))
    town.alice.edit(said, f"more {link}")
    told = await town.api.until(lambda: room.bot_messages[1] if len(room.bot_messages) > 1 else None)
    number = number_of(saved)
    assert told.text == (f"The file could not be fetched: #{number} stays as it was. Please edit the message again.")
    assert town.text_of(saved) == f"{link}\n\nwhat is in it"


async def test_a_note_of_which_telegram_shows_nothing_comes_back_as_a_file(town: Town) -> None:
    room, content = town.room(), "\u202e\u202d\x01".encode()
    saved = await town.answer(town.alice.say(room, "/save", document=File("a.txt", content)))
    asked = town.alice.say(room, f"/note {number_of(saved)}")
    (file,) = await town.api.until(lambda: [one for one in room.bot_messages if one.reply_to is asked and one.document])
    assert file.document is not None
    assert file.document.content == content


async def test_a_file_that_is_no_text_gets_the_line_of_help(town: Town) -> None:
    guest, chat = town.guest()
    answer = await town.answer(guest.say(chat, "", document=File("a.pdf", b"%PDF", "application/pdf")))
    assert answer.text == "Send me a magnet link and I keep it as a note. /help tells more."


# Forwarded messages.


async def test_messages_forwarded_together_share_an_answer_whose_button_makes_one_card(town: Town) -> None:
    guest, chat = town.guest()
    samples = [town.seeded(f"Forwarded {number}.mkv") for number in range(30)]
    origin = FORWARDED["channel"][0]
    said = [guest.say(chat, one.magnet(dn="18"), forwarded=origin) for one in samples]
    said.append(guest.say(chat, "no magnet", forwarded=origin))
    answer = await town.answer(said[-1])
    rows = town.rows(f"SELECT id, text FROM notes WHERE person = 'tg:{guest.id}' ORDER BY id")  # noqa: S608
    assert [text for _, text in rows] == [one.text for one in said[:-1]], "numbered in their order"
    saved, left = answer.text.split("\n")
    assert saved == f"#{rows[0][0]}–#{rows[-1][0]} saved, 30 magnets."
    assert left == "1 message without a magnet link was not kept."
    assert chat.bot_messages == (answer,)
    assert (await guest.press(answer, "Calibrate all")).text == ""
    await town.shows(answer, "completed", "30 of 30 found")
    assert chat.bot_messages == (answer,)
    tasks = town.rows(f"SELECT count(*) FROM tasks WHERE asked_by = 'tg:{guest.id}'")  # noqa: S608 - our own number
    assert tasks == [(1,)]
    note = await town.ask(f"/note {rows[0][0]}", person=guest, chat=chat)
    assert kept(note) == samples[0].magnet(dn="Forwarded 0.mkv")


async def test_two_who_forward_at_the_same_time_get_each_their_own_notes(town: Town) -> None:
    pairs = [town.guest(), town.guest()]
    samples = [[town.seeded(f"Both {person} {number}.mkv") for number in range(5)] for person in range(2)]
    last = {}
    for number in range(5):
        for (guest, chat), theirs in zip(pairs, samples, strict=True):
            last[guest] = guest.say(chat, theirs[number].magnet(), forwarded=FORWARDED["hidden"][0])
    for guest, chat in pairs:
        answer = await town.answer(last[guest])
        numbers = [row[0] for row in town.rows(f"SELECT id FROM notes WHERE person = 'tg:{guest.id}'")]  # noqa: S608
        assert answer.text.endswith(" saved, 5 magnets.")
        await guest.press(answer, "Calibrate all")
        await town.shows(answer, "completed", "5 of 5 found")
        request = f"SELECT request FROM tasks WHERE asked_by = 'tg:{guest.id}'"  # noqa: S608 - our own number
        assert [json.loads(str(one))["notes"] for (one,) in town.rows(request)] == [numbers]
        assert chat.bot_messages == (answer,)


async def test_what_was_forwarded_is_kept_at_once_and_its_answer_comes_from_the_next_process(
    tmp_path: Path,
) -> None:
    async with opened_world(tmp_path, World) as world:
        await world.start()
        link = make_sample("killed").magnet()
        said = world.alice.say(world.private, link, forwarded=FORWARDED["hidden"][0])
        await world.ask("/note 0")  # answered when what went before is stored
        world.kill()
        await world.ended()
        await world.start()
        assert kept(await world.ask("/note 1")) == link
        assert (await world.answer(said)).text == "#1 saved: 1 magnet."


@pytest.mark.parametrize("kind", FORWARDED)
async def test_a_forwarded_note_knows_whom_it_is_from(town: Town, kind: str) -> None:
    origin, source = FORWARDED[kind]
    room = town.room()
    saved = await town.answer(town.alice.say(room, make_sample(f"from {kind}").magnet(), forwarded=origin))
    number = number_of(saved)
    assert town.rows(f"SELECT source FROM notes WHERE id = {number}") == [(source,)]  # noqa: S608 - our own number


async def test_typed_messages_are_answered_each_while_forwarded_ones_wait(town: Town) -> None:
    guest, chat = town.guest()
    forwarded = guest.say(chat, make_sample("forwarded").magnet(), forwarded=FORWARDED["hidden"][0])
    typed = guest.say(chat, make_sample("typed").magnet())
    first = await town.answer(typed)
    second = await town.answer(forwarded)
    assert number_of(second) < number_of(first)
    assert chat.bot_messages == (first, second)


async def test_a_stop_sends_the_answer_that_waits(tmp_path: Path) -> None:
    async with opened_world(tmp_path, World) as world:
        await world.start()
        links = [make_sample(f"{number}").magnet() for number in range(3)]
        said = [world.alice.say(world.private, link, forwarded=FORWARDED["hidden"][0]) for link in links]
        await world.ask("/note 0")  # answered when what went before is stored
        assert await world.stop() == 0
        texts = {one.text: one.reply_to for one in world.private.bot_messages}
        assert texts.get("#1–#3 saved, 3 magnets.") is said[-1]


async def test_at_a_stop_the_answers_that_wait_for_a_slot_are_sent_then_or_at_the_next_start(tmp_path: Path) -> None:
    async with opened_world(tmp_path, World) as world:
        await world.start()
        said = [world.alice.say(world.private, make_sample(f"stop {number}").magnet()) for number in range(4)]
        await world.ask("/note 0", chat=world.api.group("Room", world.alice))  # they came before it
        assert len(world.private.bot_messages) < 4
        assert await world.stop() == 0
        await world.start()
        await world.api.until(lambda: len(world.private.bot_messages) == len(said))
        await world.ask("/note 0")
        assert [one.reply_to for one in world.private.bot_messages][:-1] == said


# Edited messages.


async def test_an_edited_message_updates_its_note_and_keeps_the_names_that_were_written(town: Town) -> None:
    guest, chat = town.guest()
    one, two = town.seeded("One.mkv"), town.seeded("Two.mkv")
    said = guest.say(chat, f"{one.magnet(dn='18')} {two.magnet(dn='19')}")
    saved = await town.answer(said)
    await guest.press(saved, "Calibrate")
    await town.shows(saved, "completed", "2 of 2 found")
    guest.edit(said, f"see {one.magnet(dn='18')} {two.magnet(dn='mine')}")
    updated = await town.api.until(lambda: chat.bot_messages[1] if len(chat.bot_messages) > 1 else None)
    number = saved.text.partition("#")[2].split(" ")[0].rstrip("·")
    assert updated.text == f"#{number} updated."
    assert updated.reply_to is said
    assert town.text_of(updated) == f"see {one.magnet(dn='One.mkv')} {two.magnet(dn='mine')}"


async def test_in_a_group_an_edit_is_silent_and_its_editor_is_written_down(town: Town) -> None:
    said = town.bob.say(town.square, make_sample("before").magnet())
    saved = await town.answer(said)
    town.bob.edit(said, make_sample("after").magnet())
    await silence(town, town.square)
    assert town.text_of(saved) == said.text
    revisions = f"SELECT cause, person FROM revisions WHERE note_id = {number_of(saved)}"  # noqa: S608 - our own number
    assert town.rows(revisions) == [("edit", f"tg:{town.bob.id}")]


async def test_a_message_that_gets_a_magnet_becomes_a_note(town: Town) -> None:
    room = town.room()
    said = town.alice.say(room, "a magnet will come")
    town.alice.edit(said, "nearly")
    await silence(town, room)
    town.alice.edit(said, make_sample("at last").magnet())
    saved = await town.answer(said)
    assert saved.text.endswith(" saved: 1 magnet.")
    assert town.text_of(saved) == said.text


async def test_an_edit_that_changes_nothing_and_edited_commands_are_silent(town: Town) -> None:
    guest, chat = town.guest()
    said = guest.say(chat, make_sample("same").magnet())
    await town.answer(said)
    guest.edit(said, said.text)
    asked = guest.say(chat, "/note 0")
    await town.answer(asked)
    guest.edit(asked, f"/find {make_sample('command').magnet()}")
    end = await town.ask("/note 0", person=guest, chat=chat)
    assert chat.bot_messages[2:] == (end,)
    assert town.rows(f"SELECT count(*) FROM notes WHERE person = 'tg:{guest.id}'") == [(1,)]  # noqa: S608


@pytest.mark.parametrize("photo", [False, True])
async def test_an_edited_save_updates_its_note(photo: bool, town: Town) -> None:
    guest, chat = town.guest()
    said = guest.say(chat, "/save one", photo=photo)
    saved = await town.answer(said)
    assert town.text_of(saved) == "one"
    guest.edit(said, "/save two\n three")
    updated = await town.api.until(lambda: chat.bot_messages[1] if len(chat.bot_messages) > 1 else None)
    assert updated.text == f"#{number_of(saved)} updated."
    assert town.text_of(saved) == "two\n three"
    guest.edit(said, "/save")
    guest.edit(said, "/save@other four")
    end = await town.ask("/note 0", person=guest, chat=chat)
    assert chat.bot_messages[2:] == (end,)
    assert town.text_of(saved) == "two\n three"


async def test_a_message_that_becomes_a_save_is_kept(town: Town) -> None:
    guest, chat = town.guest()
    said = guest.say(chat, "/svae words")
    await town.answer(said)
    guest.edit(said, "/save words")
    saved = await town.api.until(lambda: chat.bot_messages[1] if len(chat.bot_messages) > 1 else None)
    assert saved.text == f"#{number_of(saved)} saved."
    assert town.text_of(saved) == "words"


async def test_who_edits_the_message_of_a_deleted_note_is_told_so(town: Town) -> None:
    room = town.room()
    said = town.alice.say(room, make_sample("gone").magnet())
    saved = await town.answer(said)
    number = number_of(saved)
    question = await town.ask(f"/delete {number}", chat=room)
    await town.alice.press(question, "Delete")
    await town.shows(question, "", "is deleted")
    town.alice.edit(said, f"more {said.text}")
    told = await town.api.until(lambda: room.bot_messages[2] if len(room.bot_messages) > 2 else None)
    assert told.text == f"#{number} is deleted: your edit changed nothing. /undelete {number} takes it back as it was."
    assert told.reply_to is said


async def test_an_anonymous_administrator_edits_as_the_group(town: Town) -> None:
    said = town.carol.say(town.square, make_sample("anonymous").magnet(), anonymous=True)
    saved = await town.answer(said)
    town.carol.edit(said, f"edited {said.text}")
    await silence(town, town.square)
    assert town.text_of(saved) == said.text
    revisions = f"SELECT person FROM revisions WHERE note_id = {number_of(saved)}"  # noqa: S608 - our own number
    assert town.rows(revisions) == [(f"tg:{town.square.id}",)]


async def test_a_caption_that_is_edited_updates_its_note(town: Town) -> None:
    room = town.room()
    said = town.alice.say(room, make_sample("caption").magnet(), photo=True)
    saved = await town.answer(said)
    town.alice.edit(said, f"more {said.text}")
    await silence(town, room)
    assert town.text_of(saved) == said.text


async def test_a_strangers_edit_is_met_with_silence(town: Town) -> None:
    stranger = town.api.person("Stranger")
    chat = town.api.private(stranger)
    said = stranger.say(chat, make_sample("strange").magnet())
    refusal = await town.answer(said)
    stranger.edit(said, make_sample("stranger").magnet())
    await town.ask("/note 0")  # what Alice is answered comes after whatever came before
    assert chat.bot_messages == (refusal,)
    assert town.rows(f"SELECT count(*) FROM notes WHERE person = 'tg:{stranger.id}'") == [(0,)]  # noqa: S608


async def test_an_edit_that_comes_at_once_waits_for_its_message(town: Town) -> None:
    guest, chat = town.guest()
    said = guest.say(chat, "", document=File("a.txt", make_sample("slow").magnet().encode()))
    guest.edit(said, make_sample("quick").magnet())
    saved = await town.answer(said)
    await town.api.until(lambda: len(chat.bot_messages) == 2)
    assert chat.bot_messages[1].text == f"#{number_of(saved)} updated."
    assert town.rows(f"SELECT count(*) FROM notes WHERE person = 'tg:{guest.id}'") == [(1,)]  # noqa: S608


# The same again.


async def test_the_same_magnet_again_is_said_and_kept(town: Town) -> None:
    room, link = town.room(), make_sample("again").magnet()
    numbers = [number_of(await town.ask(f"{link} {turn}", chat=room)) for turn in range(5)]
    last = await town.ask(link, chat=room)
    first, second, third, *_ = numbers
    assert last.text == f"#{number_of(last)} saved: 1 magnet; already in #{first}, #{second}, #{third} and 2 more."
    elsewhere = await town.ask(link, chat=town.room())
    assert elsewhere.text.endswith(" saved: 1 magnet.")

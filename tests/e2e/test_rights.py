"""Every cell of ``docs/rights.md``, on the running program. Each has a chat and a person of its own."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass

import pytest
import pytest_asyncio

from handlers.buttons import Verb
from sandbox.botapi import Chat, Message, Person
from sandbox.swarm import make_sample
from tests.e2e.conftest import World, opened_world
from tests.rights import BUTTONS, COMMANDS, Cell

pytestmark = pytest.mark.asyncio(loop_scope="module")

_NOTE = re.compile(r"\b12\b")
OWNERS_ONLY = "Only this bot's owner may do that."
ADMINISTRATORS_ONLY = "Only an administrator of this group may do that."
REFUSED_PRESSES = {
    ADMINISTRATORS_ONLY: "administrators only",
    "You may not do that.": "no",
    "Only the person who asked for it, or an administrator, may do that.": "not theirs",
}
UNDER_WAY = ("pending", "running")
EFFECTS = {
    Verb.CALIBRATE: UNDER_WAY,
    Verb.REFRESH: UNDER_WAY,
    Verb.CANCEL: ("nothing more is looked up",),
    Verb.RETRY: UNDER_WAY,
    Verb.UNDO_TASK: ("Undone in 1 note.",),
    Verb.WRITE_AGAIN: ("Corrected: #",),
    Verb.READING: ("Chosen by hand: ",),
    Verb.KEEP_OLD: ("The old name was kept: ",),
    Verb.FAILED: ("Not found: 1",),
    Verb.REPLACED: ("Old names that were replaced:",),
    Verb.CARD: ("nothing more is looked up",),
    Verb.CALIBRATE_ALL: UNDER_WAY,
    Verb.CALIBRATE_BELOW: UNDER_WAY,
    Verb.OLDER: ("first of many",),
    Verb.NEWER: ("last of many",),
    Verb.ASK_DELETE: ("Delete #",),
    Verb.DELETE: ("is deleted",),
    Verb.KEEP: ("stays.",),
    Verb.UNDELETE: ("is back.",),
    Verb.SHOW_HISTORY: ("Nothing was changed in",),
    Verb.HISTORY: ("History of #",),
    Verb.UNDO: ("History of #",),
    Verb.FOUND_OLDER: ("first of many",),
    Verb.FOUND_NEWER: ("last of many",),
    Verb.LANGUAGE: ("In this chat I speak English.",),
    Verb.BOARD: UNDER_WAY,
    Verb.BOARD_PAGE: UNDER_WAY,
    Verb.ASK_CANCEL_ALL: ("Cancel all 6 tasks?",),
    Verb.CANCEL_ALL: ("0 left",),
    Verb.KEEP_ALL: UNDER_WAY,
    Verb.RETRY_ALL: UNDER_WAY,
}
"""What a message of the chat says, one of these, when it was done, and none said before."""


@dataclass
class Town(World):
    """Alice, an owner, is everywhere; for each cell there are a group, an owner and a user whom nobody used before."""

    async def fill(self) -> None:
        self.timeout = 600  # nothing ends by itself
        cells = len(COMMANDS) + len(BUTTONS)
        owners = [self.api.person(f"Owner {number}") for number in range(cells)]
        self.owners = [self.alice.id, *(one.id for one in owners)]
        self.fresh_owners: Iterator[Person] = iter(owners)
        self.fresh_users: Iterator[Person] = iter([self.invite(f"User {number}") for number in range(cells)])
        self.groups: Iterator[Chat] = iter([self.group(f"Group {number}", self.alice) for number in range(2 * cells)])
        await self.start()

    def kept(self) -> tuple[object, ...]:
        """Return what people can change."""
        return (
            self.rows("SELECT id, attempt, state = 'cancelled' FROM tasks ORDER BY id"),
            self.rows("SELECT id, text, deleted_at FROM notes ORDER BY id"),
            self.rows("SELECT notebook_id, name_id, text FROM chosen_names ORDER BY 1, 2"),
            self.rows("SELECT * FROM people ORDER BY 1"),
            self.rows("SELECT * FROM allowed_chats ORDER BY 1"),
            self.rows("SELECT door, language FROM doors WHERE language IS NOT NULL ORDER BY 1"),
        )


@dataclass
class Actor:
    """Somebody in a chat; *anonymous*: writes as the group; without a *person* it is the channel."""

    town: Town
    chat: Chat
    person: Person | None
    anonymous: bool = False

    def say(self, text: str) -> Message:
        if self.person is None:
            return self.town.api.post(self.chat, text)
        return self.person.say(self.chat, text, anonymous=self.anonymous)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    async with opened_world(tmp_path_factory.mktemp("town"), Town) as town:
        await town.fill()
        yield town


def writing(town: Town, who: str) -> Actor:
    """Return *who*, as the table's first part says, where they write."""
    api = town.api
    match who:
        case "stranger":
            person = api.person("Stranger")
            return Actor(town, api.private(person), person)
        case "allowed user":
            person = next(town.fresh_users)
            return Actor(town, api.private(person), person)
        case "member elsewhere":
            actor = pressing(town, "writer")
            assert actor.person is not None
            actor.chat = api.group("Elsewhere", town.alice, actor.person)
            return actor
        case "owner":
            person = next(town.fresh_owners)
            return Actor(town, api.group("Anywhere", town.alice, person), person)
        case "channel post":
            return Actor(town, next(town.groups), None)
        case _:
            return pressing(town, who)


def pressing(town: Town, who: str) -> Actor:
    """Return *who* as a member of a group that is let in, or in private where they are served there alone."""
    if who == "allowed user":
        return writing(town, who)
    person = next(town.fresh_owners) if who == "owner" else town.api.person(who)
    chat = next(town.groups)
    chat.set_status(person, "administrator" if who in {"administrator", "anonymous"} else "member")
    return Actor(town, chat, person, anonymous=who == "anonymous")


# Commands.


@pytest.mark.parametrize("cell", COMMANDS, ids=lambda cell: cell.name)
async def test_a_command_gets_what_the_table_says(town: Town, cell: Cell) -> None:
    actor = writing(town, cell.who)
    text = await _about_a_note(town, actor, cell)
    there, before = actor.chat.bot_messages, town.kept()
    asked = actor.say(text)
    if cell.gets == "silence":
        answer = await town.ask("/note 0", chat=actor.chat)  # what Alice is answered comes after whatever came before
        assert actor.chat.bot_messages == (*there, answer)
    else:
        answer = await town.answer(asked)
        assert _kind(answer, actor) == cell.gets, answer.text
    if cell.gets != "yes":
        assert town.kept() == before


async def _about_a_note(town: Town, actor: Actor, cell: Cell) -> str:
    """Return what is sent, with the number of a note of the chat for 12; a stranger's chat has none."""
    if cell.who == "stranger" or _NOTE.search(cell.what) is None:
        return cell.what
    author = actor.person if cell.who == "allowed user" else town.alice
    saved = await town.ask(make_sample("noted").magnet(), person=author, chat=actor.chat)
    return _NOTE.sub(saved.text.partition(" ")[0].removeprefix("#"), cell.what)


def _kind(answer: Message, actor: Actor) -> str:
    if answer.text == OWNERS_ONLY:
        return "owners only"
    if answer.text == ADMINISTRATORS_ONLY:
        return "administrators only"
    assert actor.person is not None
    return "refused" if re.fullmatch(rf"This bot serves only [^\n]+: {actor.person.id}", answer.text) else "yes"


# Buttons.


async def _saved(actor: Actor) -> Message:
    return await actor.town.answer(actor.say(actor.town.swarm.dead().magnet()))


async def _live(actor: Actor) -> Message:
    return await actor.town.answer(actor.say(f"/calibrate_hash {actor.town.swarm.dead().magnet()}"))


async def _stopped(actor: Actor) -> Message:
    card = await _live(actor)
    await _press(actor, card, "Cancel")
    return await actor.town.shows(card, "cancelled")


async def _written(actor: Actor) -> Message:
    sample = actor.town.swarm.seed(make_sample("Written.mkv"))
    card = await actor.town.answer(actor.say(sample.magnet()))
    await _press(actor, card, "Calibrate")
    return await actor.town.shows(card, "completed", "Corrected: #")


async def _guessed(actor: Actor) -> Message:
    sample = actor.town.swarm.seed(make_sample(raw_name="倩女幽魂.avi".encode("big5")))
    card = await actor.town.answer(actor.say(sample.magnet()))
    await _press(actor, card, "Calibrate")
    return await actor.town.shows(card, "completed", "Which of these is its name?")


async def _corrected(actor: Actor) -> Message:
    sample = actor.town.swarm.seed(make_sample("The Matrix 1999"))
    card = await actor.town.answer(actor.say(sample.magnet(dn="Inception")))
    await _press(actor, card, "Calibrate")
    return await actor.town.shows(card, "completed", "was: Inception")


async def _many_corrected(actor: Actor) -> Message:
    samples = [actor.town.swarm.seed(make_sample(f"The Matrix {number}")) for number in range(1999, 2005)]
    card = await actor.town.answer(actor.say(" ".join(one.magnet(dn="Inception") for one in samples)))
    await _press(actor, card, "Calibrate")
    return await actor.town.shows(card, "completed", "6 of 6 found")


async def _taken_back(actor: Actor) -> Message:
    card = await _written(actor)
    assert actor.person is not None
    assert (await actor.person.press(card, "Undo")).text == "Undone in 1 note."
    return await actor.town.shows(card, "completed", "Undone in 1 note.")


async def _several_stopped(actor: Actor) -> Message:
    dead = " ".join(actor.town.swarm.dead().magnet() for _ in range(2))
    card = await actor.town.answer(actor.say(f"/calibrate_hash {dead}"))
    await _press(actor, card, "Cancel")
    return await actor.town.shows(card, "cancelled")


async def _turned(actor: Actor) -> Message:
    card = await _several_stopped(actor)
    await _press(actor, card, "Show failed")
    return await actor.town.shows(card, "cancelled", "Not found: 1")


async def _number(actor: Actor) -> str:
    return (await _saved(actor)).text.partition(" ")[0].removeprefix("#")


async def _shown(actor: Actor) -> Message:
    return await actor.town.answer(actor.say(f"/note {await _number(actor)}"))


async def _forward(actor: Actor, *texts: str) -> Message:
    """Forward messages, which are answered together: a group has few slots for answers."""
    assert actor.person is not None
    origin = {"type": "hidden_user", "sender_user_name": "Somebody"}
    said = [actor.person.say(actor.chat, text, forwarded=origin, anonymous=actor.anonymous) for text in texts]
    answers = await actor.town.api.until(
        lambda: [one for one in actor.chat.bot_messages if one.reply_to in said], seconds=30
    )
    return answers[0]


async def _forwarded(actor: Actor) -> Message:
    return await _forward(actor, *(actor.town.swarm.dead().magnet() for _ in range(2)))


async def _first_page(actor: Actor, command: str = "/notes") -> Message:
    words = ("first", *"123456789", "last")
    await _forward(actor, *(f"{word} of many {actor.town.swarm.dead().magnet()}" for word in words))
    return await actor.town.answer(actor.say(command))


async def _last_page(actor: Actor, command: str = "/notes") -> Message:
    page = await _first_page(actor, command)
    await _press(actor, page, "Older")
    return await actor.town.shows(page, "", "first of many")


async def _first_found(actor: Actor) -> Message:
    return await _first_page(actor, "/search of many")


async def _asked_for_languages(actor: Actor) -> Message:
    return await actor.town.answer(actor.say("/language"))


async def _last_found(actor: Actor) -> Message:
    return await _last_page(actor, "/search of many")


async def _asked_to_delete(actor: Actor) -> Message:
    return await actor.town.answer(actor.say(f"/delete {await _number(actor)}"))


async def _deleted(actor: Actor) -> Message:
    question = await _asked_to_delete(actor)
    await _press(actor, question, "Delete")
    return await actor.town.shows(question, "", "is deleted")


async def _long_history(actor: Actor) -> Message:
    assert actor.person is not None
    asked = actor.say(actor.town.swarm.dead().magnet())
    number = (await actor.town.answer(asked)).text.partition(" ")[0].removeprefix("#")
    for turn in range(6):
        actor.person.edit(asked, f"{turn} {asked.text}")
    return await actor.town.answer(actor.say(f"/history {number}"))


async def _history_of_names(actor: Actor) -> Message:
    number = (await _written(actor)).text.partition("#")[2].split()[0]
    return await actor.town.answer(actor.say(f"/history {number}"))


async def _board(actor: Actor, tasks: int = 6) -> Message:
    """Ask for more tasks than may stand alone anywhere, and return the board with all of them."""
    for _ in range(tasks):
        actor.say(f"/calibrate_hash {actor.town.swarm.dead().magnet()}")

    def boards() -> list[Message]:
        return [one for one in actor.chat.bot_messages if f"· {tasks} tasks:" in one.text]

    return (await actor.town.api.until(boards, seconds=30))[0]


async def _long_board(actor: Actor) -> Message:
    return await _board(actor, 11)


async def _asking_board(actor: Actor) -> Message:
    board = await _board(actor)
    await _press(actor, board, "Cancel all")
    return await actor.town.shows(board, "running", "Cancel all 6 tasks?")


async def _stopped_board(actor: Actor) -> Message:
    board = await _asking_board(actor)
    assert actor.person is not None
    assert (await actor.person.press(board, "Yes, cancel 6")).text == "Stopped 6 tasks."
    return await actor.town.shows(board, "cancelled", "0 left")


async def _press(actor: Actor, message: Message, label: str) -> None:
    assert actor.person is not None
    assert (await actor.person.press(message, label)).text == ""


MAKERS: Mapping[Verb, Callable[[Actor], Awaitable[Message]]] = {
    Verb.CALIBRATE: _saved,
    Verb.REFRESH: _live,
    Verb.CANCEL: _live,
    Verb.RETRY: _stopped,
    Verb.UNDO_TASK: _written,
    Verb.WRITE_AGAIN: _taken_back,
    Verb.READING: _guessed,
    Verb.KEEP_OLD: _corrected,
    Verb.FAILED: _several_stopped,
    Verb.REPLACED: _many_corrected,
    Verb.CARD: _turned,
    Verb.CALIBRATE_ALL: _forwarded,
    Verb.CALIBRATE_BELOW: _shown,
    Verb.OLDER: _first_page,
    Verb.NEWER: _last_page,
    Verb.ASK_DELETE: _shown,
    Verb.DELETE: _asked_to_delete,
    Verb.KEEP: _asked_to_delete,
    Verb.UNDELETE: _deleted,
    Verb.SHOW_HISTORY: _shown,
    Verb.HISTORY: _long_history,
    Verb.UNDO: _history_of_names,
    Verb.FOUND_OLDER: _first_found,
    Verb.FOUND_NEWER: _last_found,
    Verb.LANGUAGE: _asked_for_languages,
    Verb.BOARD: _board,
    Verb.BOARD_PAGE: _long_board,
    Verb.ASK_CANCEL_ALL: _board,
    Verb.CANCEL_ALL: _asking_board,
    Verb.KEEP_ALL: _asking_board,
    Verb.RETRY_ALL: _stopped_board,
}
"""How a message with the button comes about; the actor asks for it."""


async def test_every_button_can_be_made() -> None:
    assert set(MAKERS) == set(EFFECTS) == set(Verb)


def _new(chat: Chat, there: set[tuple[int, str]], words: tuple[str, ...]) -> bool:
    """Whether a message says one of *words* that did not say just this before."""
    new = [one.text for one in chat.bot_messages if (one.id, one.text) not in there]
    return any(word in text for text in new for word in words)


@dataclass
class Tried:
    """A cell, who presses, and the message with the button."""

    cell: Cell
    presser: Person
    message: Message

    async def press(self, town: Town) -> None:
        verb = Verb(self.cell.what)
        data = next(value for row in self.message.buttons for _, value in row if value.startswith(f"{verb}:"))
        there = {(one.id, one.text) for one in self.message.chat.bot_messages}
        answer = await self.presser.press_data(self.message, data)
        assert REFUSED_PRESSES.get(answer.text, "yes") == self.cell.gets, (self.cell.name, answer.text)
        if self.cell.gets != "yes":
            return
        if verb in {Verb.REFRESH, Verb.BOARD}:
            # Within the second that the card shows there is nothing newer to be seen: people press again.
            while not _new(self.message.chat, there, EFFECTS[verb]):
                assert (await self.presser.press_data(self.message, data)).text == answer.text
        await town.api.until(lambda: _new(self.message.chat, there, EFFECTS[verb]))


async def _prepared(town: Town, cell: Cell) -> Tried:
    presser = pressing(town, cell.who)
    assert presser.person is not None
    asker = presser
    if cell.more == "another's":
        asker = Actor(town, presser.chat, town.api.person("Another"))
        assert asker.person is not None
        presser.chat.set_status(asker.person, "member")
    message = await MAKERS[Verb(cell.what)](asker)
    if cell.who in {"stranger", "member elsewhere"}:
        presser.chat.set_status(presser.person, "left")
    if cell.who == "member elsewhere":
        next(town.groups).set_status(presser.person, "member")
    return Tried(cell, presser.person, message)


@pytest.mark.parametrize("verb", Verb)
async def test_a_button_gets_what_the_table_says(town: Town, verb: Verb) -> None:
    # Each cell has a chat of its own: what waits for a chat's slots waits at once.
    cells = [one for one in BUTTONS if one.what == verb and one.gets != "-"]
    tried = await asyncio.gather(*(_prepared(town, cell) for cell in cells))
    for one in tried:
        if one.cell.gets != "yes":
            before, buttons = town.kept(), one.message.buttons
            await one.press(town)
            assert (town.kept(), one.message.buttons) == (before, buttons), one.cell.name
    await asyncio.gather(*(one.press(town) for one in tried if one.cell.gets == "yes"))

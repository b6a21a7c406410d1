"""Who is served where, and whose press counts."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio

from sandbox.botapi import Chat, Fault, Message, Person
from sandbox.swarm import make_sample
from tests.e2e.conftest import World, opened_world

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOT_YOU = "You may not do that."
NOT_YOURS = "Only the person who asked for it, or an administrator, may do that."
UNUSED = "This button is no longer in use."
NOT_KEPT = "This task is no longer kept."
_SENTENCE = re.compile(r"[^\n]{10,200}")


@dataclass
class Town(World):
    """Alice owns the bot, Bob is an allowed user; Carol, Dave and Erin write in the groups. Mallory is a stranger."""

    async def fill(self) -> None:
        self.timeout = 600  # nothing ends by itself
        self.bob = self.invite("Bob")
        self.carol, self.dave, self.erin, self.mallory = map(self.api.person, ("Carol", "Dave", "Erin", "Mallory"))
        members = (self.alice, self.bob, self.carol, self.dave, self.erin)
        self.square = self.group("Square", *members)
        self.market = self.group("Market", *members)
        self.courts = [self.group(f"Court {number}", *members) for number in range(4)]
        for group in (self.square, self.market, *self.courts):
            group.set_status(self.erin, "administrator")
        await self.start()
        await self.ask(make_sample("note 1").magnet())
        self.foreign, self.card, self.other, self.saved = await asyncio.gather(
            self.live_card(self.alice, self.private),
            self.live_card(self.carol, self.market),
            self.live_card(self.carol, self.market),
            self.ask(make_sample("note 2").magnet(), person=self.carol, chat=self.market),
        )
        await self.api.until(lambda: self.rows("SELECT DISTINCT state FROM tasks") == [("running",)])

    async def live_card(self, person: Person, chat: Chat) -> Message:
        """Return the card of a lookup that goes on."""
        return await self.ask(f"/calibrate_hash {self.swarm.dead().magnet()}", person=person, chat=chat)


def task_of(card: Message) -> str:
    return card.buttons[0][0][1].partition(":")[2]


def data_of(message: Message, label: str) -> str:
    return next(value for row in message.buttons for text, value in row if text == label)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    async with opened_world(tmp_path_factory.mktemp("town"), Town) as town:
        await town.fill()
        yield town


async def test_an_owner_is_served_in_any_group(town: Town) -> None:
    elsewhere = town.api.group("Elsewhere", town.alice)
    assert (await town.ask("/help", chat=elsewhere)).text.startswith("I keep notes")


async def test_an_allowed_user_is_served_in_private(town: Town) -> None:
    answer = await town.ask(make_sample("bob's").magnet(), person=town.bob, chat=town.api.private(town.bob))
    assert answer.text.endswith("saved: 1 magnet.")


async def test_an_allowed_user_gets_silence_in_another_group(town: Town) -> None:
    await _silence(town, town.bob, "/help")


@pytest.mark.parametrize("text", ["hello", "/help", "/calibrate 1", "/start", "/start 0123456789abcdef", "magnet"])
async def test_a_stranger_in_private_gets_one_line_with_their_number(town: Town, text: str) -> None:
    stranger = town.api.person("Stranger")
    said = make_sample("theirs").magnet() if text == "magnet" else text
    answer = await town.ask(said, person=stranger, chat=town.api.private(stranger))
    assert re.fullmatch(rf"[^\n]+: {stranger.id}", answer.text)
    assert town.api.private(stranger).bot_messages == (answer,)


@pytest.mark.parametrize("text", ["hello", "/help", "/calibrate 1", "magnet"])
async def test_a_stranger_in_a_group_gets_silence(town: Town, text: str) -> None:
    await _silence(town, town.mallory, make_sample("theirs").magnet() if text == "magnet" else text)


async def test_a_writer_of_an_allowed_group_is_served_there_alone(town: Town) -> None:
    saved = await town.ask(make_sample("carol's").magnet(), person=town.carol, chat=town.square)
    assert saved.text.endswith("saved: 1 magnet.")
    refused = await town.ask("/help", person=town.carol, chat=town.api.private(town.carol))
    assert str(town.carol.id) in refused.text
    await _silence(town, town.carol, "/help")


async def test_an_anonymous_administrator_is_served_as_the_group(town: Town) -> None:
    asked = town.erin.say(town.square, f"/calibrate_hash {town.swarm.dead().magnet()}", anonymous=True)
    card = await town.answer(asked)
    assert card.text.partition(" ")[0] in {"pending", "running"}
    assert (await town.dave.press(card, "Cancel")).text == NOT_YOURS
    assert (await town.erin.press(card, "Cancel")).text == ""
    await town.shows(card, "cancelled")


async def _silence(town: Town, person: Person, text: str) -> None:
    """Say *text* where only the owner is served; what the owner is then answered comes after whatever came before."""
    elsewhere = town.api.group("Elsewhere", town.alice, person)
    person.say(elsewhere, text)
    answer = await town.ask("/note 0", chat=elsewhere)
    assert elsewhere.bot_messages == (answer,)


# Presses on Carol's card in the market, all of them refused.


async def _refused(town: Town, person: Person, data: str, on: Message | None = None) -> str:
    """Press, and return the one line that came back; nothing else has come of it."""
    message = on or town.card
    before = _seen(town, message)
    answer = await person.press_data(message, data)
    assert _SENTENCE.fullmatch(answer.text), answer
    assert _seen(town, message) == before
    assert (await town.carol.press(town.card, "Refresh")).text == ""  # which shows whatever there is to show
    assert _seen(town, message) == before
    return answer.text


def _seen(town: Town, message: Message) -> tuple[object, ...]:
    """What stands in the market, and what is stored; all but the progress in it."""
    return (
        message.buttons,
        [one.buttons for one in town.market.messages],
        town.rows("SELECT id, state, attempt FROM tasks ORDER BY id"),
        town.rows("SELECT id, address, message_id, task_id FROM followers ORDER BY id"),
        town.rows("SELECT id, text FROM notes ORDER BY id"),
    )


@pytest.mark.parametrize("label", ["Cancel", "Refresh"])
async def test_a_stranger_presses_in_vain(town: Town, label: str) -> None:
    line = await _refused(town, town.mallory, data_of(town.card, label))
    assert line == NOT_YOU


async def test_an_allowed_user_who_is_in_no_such_group_presses_in_vain(town: Town) -> None:
    town.market.set_status(town.bob, "left")
    assert await _refused(town, town.bob, data_of(town.card, "Cancel")) == NOT_YOU


@pytest.mark.parametrize("status", ["left", "kicked"])
async def test_who_has_left_the_group_presses_in_vain(town: Town, status: str) -> None:
    town.market.set_status(town.dave, "left" if status == "left" else "kicked")
    try:
        assert await _refused(town, town.dave, data_of(town.card, "Refresh")) == NOT_YOU
    finally:
        town.market.set_status(town.dave, "member")


@pytest.mark.parametrize(
    "fault", [Fault.BAD_GATEWAY, Fault.too_many(retry_after=1), Fault.LOST_ANSWER], ids=["502", "429", "lost answer"]
)
@pytest.mark.parametrize("name", ["mallory", "carol"])
async def test_nobody_is_let_in_while_telegram_does_not_say_who_is_a_member(
    town: Town, fault: Fault, name: str
) -> None:
    person: Person = getattr(town, name)
    town.api.break_next("getChatMember", fault)
    assert await _refused(town, person, data_of(town.saved, "Calibrate"), on=town.saved) == NOT_YOU
    assert "handler.bug" not in town.output


async def test_a_member_cannot_cancel_another_members_task(town: Town) -> None:
    line = await _refused(town, town.dave, data_of(town.card, "Cancel"))
    assert line == NOT_YOURS


FORGED = {
    "empty": "",
    "nonsense": "nonsense",
    "verb alone": "cancel",
    "verb and colon": "cancel:",
    "colon": ":",
    "64 bytes": "x" * 64,
    "unknown verb": "delete:1",
    "no task": "cancel:no-such-task",
    "no task, 64 bytes": "retry:" + "x" * 58,
    "unknown task": "refresh:00000000-0000-4000-8000-000000000000",
    "sql": "cancel:'; DROP TABLE tasks; --",
    "nul": "cancel:\0",
    "emoji": "🎬:🎬",
    "right-to-left": "refresh:\u202e",
    "capitals": "CANCEL:1",
    "no note": "calibrate:abc",
    "note 0": "calibrate:0",
    "negative note": "calibrate:-1",
    "19 digits": "calibrate:" + "9" * 19,
    "many digits": "calibrate:" + "9" * 50,
    "foreign note": "calibrate:1",
}


@pytest.mark.parametrize("data", FORGED.values(), ids=FORGED)
async def test_forged_data_is_refused(town: Town, data: str) -> None:
    await _refused(town, town.carol, data)


@pytest.mark.parametrize("verb", ["refresh", "cancel", "retry"])
async def test_a_task_of_another_chat_is_answered_as_one_that_is_not_kept(town: Town, verb: str) -> None:
    assert await _refused(town, town.carol, f"{verb}:{task_of(town.foreign)}") == NOT_KEPT


async def test_another_task_of_the_chat_cannot_be_forged_onto_a_card(town: Town) -> None:
    for label in ("Refresh", "Cancel"):
        line = await _refused(town, town.carol, data_of(town.other, label))
        assert line == NOT_KEPT


async def test_a_note_of_the_chat_cannot_be_forged_onto_a_card(town: Town) -> None:
    assert await _refused(town, town.carol, data_of(town.saved, "Calibrate")) == NOT_KEPT


@pytest.mark.parametrize("label", ["Refresh", "Cancel"])
async def test_a_task_cannot_be_forged_onto_a_message_that_is_no_card(town: Town, label: str) -> None:
    line = await _refused(town, town.carol, data_of(town.card, label), on=town.saved)
    assert line == UNUSED


async def test_a_press_on_a_message_that_is_not_the_bots_is_refused(town: Town) -> None:
    theirs = town.carol.say(town.market, "mine")
    line = await _refused(town, town.carol, data_of(town.card, "Cancel"), on=theirs)
    assert line == UNUSED


# Presses that count, one a group.


async def test_a_member_cancels_their_own_task(town: Town) -> None:
    card = await town.live_card(town.dave, town.courts[0])
    before = len(town.api.calls)
    await _cancels(town, town.dave, card)
    asked = [call.method for call in town.api.calls[before:] if call.method == "getChatMember"]
    assert len(asked) == 1, "the gate asks; whether he may touch other people's tasks is no question"


async def test_an_administrator_cancels_anybodys_task(town: Town) -> None:
    await _cancels(town, town.erin, await town.live_card(town.dave, town.courts[1]))


async def test_an_owner_cancels_and_retries_anybodys_task(town: Town) -> None:
    card = await town.live_card(town.dave, town.courts[2])
    await _cancels(town, town.alice, card)
    assert (await town.alice.press(card, "Retry")).text == ""
    assert town.rows(f"SELECT attempt FROM tasks WHERE id = '{task_of(card)}'") == [(2,)]  # noqa: S608 - our own id


async def test_a_card_that_nobody_follows_is_adopted_by_a_press_that_is_allowed_alone(town: Town) -> None:
    court = town.courts[3]
    town.api.break_next("sendMessage", Fault.LOST_ANSWER, chat=court)
    orphan = await town.live_card(town.carol, court)
    _, card = await town.api.until(lambda: court.bot_messages if len(court.bot_messages) == 2 else None)
    followed = f"SELECT message_id FROM followers WHERE address = 'tg:{court.id}' ORDER BY id"  # noqa: S608 - our own id
    noted = await town.ask("/note 0", chat=court)  # answered when what went before is stored
    assert town.rows(followed) == [(card.id,)]
    assert (await town.dave.press(orphan, "Cancel")).text == NOT_YOURS
    assert town.rows(followed) == [(card.id,)]
    await _cancels(town, town.carol, orphan)
    await town.shows(card, "cancelled")
    assert court.bot_messages == (orphan, card, noted)


async def _cancels(town: Town, person: Person, card: Message) -> None:
    assert (await person.press(card, "Cancel")).text == ""
    await town.shows(card, "cancelled")
    assert [text for row in card.buttons for text, _ in row] == ["Retry"]

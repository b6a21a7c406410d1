"""What a press on a button does to its message."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio

from sandbox.botapi import Chat, Fault, Message, Person
from sandbox.swarm import Sample, make_sample
from tests.e2e.conftest import World, kept, opened_world, states

pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass
class Town(World):
    """Where each test has a guest of its own, who writes in private."""

    async def fill(self) -> None:
        self.guests: Iterator[Person] = iter([self.invite(f"Guest {number}") for number in range(12)])
        self.two = next(self.guests), next(self.guests)
        self.group_of_two = self.group("Two", *self.two)
        await self.start()

    def guest(self) -> tuple[Person, Chat]:
        guest = next(self.guests)
        return guest, self.api.private(guest)

    def tasks_of(self, person: Person) -> list[tuple[object, ...]]:
        """Return the states and attempts of this person's tasks."""
        sql = f"SELECT state, attempt FROM tasks WHERE asked_by = 'tg:{person.id}'"  # noqa: S608 - our own number
        return self.rows(sql)

    def wanted(self, name: str) -> Sample:
        """Return a torrent that nobody has yet."""
        return self.swarm.unseeded(make_sample(name))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    async with opened_world(tmp_path_factory.mktemp("town"), Town) as town:
        await town.fill()
        yield town


def data_of(message: Message, label: str) -> str:
    return next(value for row in message.buttons for text, value in row if text == label)


def labels(message: Message) -> list[str]:
    return [text for row in message.buttons for text, _ in row]


async def test_calibrate_turns_the_very_message_into_the_card(town: Town) -> None:
    guest, chat = town.guest()
    sample = town.swarm.seed(make_sample("Pressed.mkv"))
    saved = await town.ask(sample.magnet(dn="18"), person=guest, chat=chat)
    number, ((_, data),) = saved.text.partition(" ")[0], saved.buttons[0]
    assert (await guest.press(saved, "Calibrate")).text == ""
    await town.shows(saved, "completed", number, "Pressed.mkv")
    assert (await guest.press_data(saved, data)).text == ""  # pressed twice: the card it is already
    assert states(saved)[-1] == "completed"
    assert labels(saved) == ["Undo"]
    assert chat.bot_messages == (saved,)
    note = await town.ask(f"/note {number}", person=guest, chat=chat)
    assert kept(note) == sample.magnet(dn="Pressed.mkv")
    assert town.tasks_of(guest) == [("completed", 1)]


async def test_calibrate_pressed_twice_makes_one_task(town: Town) -> None:
    guest, chat = town.guest()
    saved = await town.ask(town.swarm.dead().magnet(), person=guest, chat=chat)
    ((_, data),) = saved.buttons[0]
    first, second = await asyncio.gather(guest.press_data(saved, data), guest.press_data(saved, data))
    third = await guest.press_data(saved, data)
    assert (first.text, second.text, third.text) == ("", "", "")
    await town.shows(saved, "running")
    assert chat.bot_messages == (saved,)
    assert town.tasks_of(guest) == [("running", 1)]


async def test_refresh_cancel_and_retry_go_on_in_the_same_message(town: Town) -> None:
    guest, chat = town.guest()
    sample = town.wanted("Late.mkv")
    card = await town.ask(f"/calibrate_hash {sample.magnet()}", person=guest, chat=chat)
    assert labels(card) == ["Refresh", "Cancel"]
    assert (await guest.press(card, "Refresh")).text == ""
    assert (await guest.press(card, "Cancel")).text == ""
    await town.shows(card, "cancelled")
    assert labels(card) == ["Retry"]
    await town.swarm.begin_seeding(sample)
    assert (await guest.press(card, "Retry")).text == ""
    await town.shows(card, "completed", "Late.mkv", "attempt 2")
    assert labels(card) == []
    assert chat.bot_messages == (card,)


async def test_cancel_and_retry_pressed_twice_count_once(town: Town) -> None:
    guest, chat = town.guest()
    card = await town.ask(f"/calibrate_hash {town.swarm.dead().magnet()}", person=guest, chat=chat)
    cancel = card.buttons[0][1][1]
    retry = cancel.replace("cancel", "retry")
    assert sorted(one.text for one in await asyncio.gather(*(guest.press_data(card, cancel) for _ in range(2)))) == [
        "",
        "It has already ended.",
    ]
    assert sorted(one.text for one in await asyncio.gather(*(guest.press_data(card, retry) for _ in range(2)))) == [
        "",
        "There is nothing to try again.",
    ]
    await town.shows(card, "running", "attempt 2")
    assert chat.bot_messages == (card,)


async def test_a_card_pressed_before_telegram_has_told_of_it_is_no_second_card(town: Town) -> None:
    guest, chat = town.guest()
    release = asyncio.Event()
    town.api.break_next("sendMessage", Fault.slow_answer(release), chat=chat)
    card = await town.ask(f"/calibrate_hash {town.swarm.dead().magnet()}", person=guest, chat=chat)
    assert (await guest.press(card, "Cancel")).text == ""
    release.set()
    await town.shows(card, "cancelled")
    assert (await guest.press(card, "Retry")).text == ""
    await town.shows(card, "running", "attempt 2")
    helped = await town.ask("/help", person=guest, chat=chat)
    assert chat.bot_messages == (card, helped)
    assert "outbox_bug" not in town.output


async def test_a_chat_that_was_closed_to_the_bot_keeps_its_one_card(town: Town) -> None:
    guest, chat = town.guest()
    card = await town.ask(f"/calibrate_hash {town.swarm.dead().magnet()}", person=guest, chat=chat)
    await town.shows(card, "running")
    cancel = data_of(card, "Cancel")
    guest.block()
    await guest.press_data(card, cancel)
    await town.api.until(lambda: any((one.chat_id, one.status) == (chat.id, 403) for one in town.api.calls))
    guest.unblock()
    helped = await town.ask("/help", person=guest, chat=chat)  # answered when what went before is stored
    assert (await guest.press_data(card, cancel.replace("cancel", "refresh"))).text == ""
    await town.shows(card, "cancelled")
    assert (await guest.press(card, "Retry")).text == ""
    await town.shows(card, "running", "attempt 2")
    noted = await town.ask("/note 0", person=guest, chat=chat)
    assert chat.bot_messages == (card, helped, noted)


async def test_a_chat_that_was_closed_to_the_bot_is_told_the_end_when_it_says_start(town: Town) -> None:
    guest, chat = town.guest()
    sample = town.swarm.unseeded(make_sample("While away.mkv"))
    card = await town.ask(f"/calibrate_hash {sample.magnet()}", person=guest, chat=chat)
    await town.shows(card, "running")
    guest.block()
    await town.swarm.begin_seeding(sample)
    await town.api.until(lambda: any((one.chat_id, one.status) == (chat.id, 403) for one in town.api.calls))
    guest.unblock()
    helped = await town.ask("/start", person=guest, chat=chat)
    await town.shows(card, "completed", "While away.mkv")
    assert list(chat.bot_messages) == [card, helped]
    shown = card.versions[:]
    started = await town.ask("/start", person=guest, chat=chat)
    noted = await town.ask("/note 0", person=guest, chat=chat)
    assert card.versions == shown
    assert list(chat.bot_messages) == [card, helped, started, noted]


async def test_a_button_of_an_ended_task_changes_nothing(town: Town) -> None:
    guest, chat = town.guest()
    sample = town.wanted("Ended.mkv")
    card = await town.ask(f"/calibrate_hash {sample.magnet()}", person=guest, chat=chat)
    live = card.buttons
    await town.swarm.begin_seeding(sample)
    await town.shows(card, "completed")
    shown = card.versions[:]
    for _, data in live[0]:
        await guest.press_data(card, data)
    assert (await guest.press_data(card, live[0][1][1].replace("cancel", "retry"))).text == (
        "There is nothing to try again."
    )
    await town.ask("/note 0", person=guest, chat=chat)  # answered after whatever the presses caused
    assert card.versions == shown


async def test_two_people_who_ask_for_the_same_torrent_get_a_card_each(town: Town) -> None:
    group = town.group_of_two
    sample = town.wanted("Both.mkv")
    asked = f"/calibrate_hash {sample.magnet()}"
    cards = await asyncio.gather(*(town.ask(asked, person=person, chat=group) for person in town.two))
    assert cards[0] is not cards[1]
    await town.swarm.begin_seeding(sample)
    for card in cards:
        await town.shows(card, "completed", "Both.mkv")
    assert group.bot_messages == tuple(sorted(cards, key=lambda card: card.id))


async def test_an_answer_comes_before_the_edit_that_it_causes(tmp_path: Path) -> None:
    async with opened_world(tmp_path, World) as world:
        world.status_interval = 600  # what is edited, a press has caused
        bob = world.invite("Bob")
        await world.start()
        for _ in range(4):  # no chat has a burst at first: from here on an edit could go before its answer
            await world.ask("/help", person=bob, chat=world.api.private(bob))
        message = await world.ask(world.swarm.dead().magnet())
        for button in ("Calibrate", "Cancel", "Retry"):
            before, shown = len(world.api.calls), message.text
            await world.alice.press(message, button)
            await world.api.until(partial(_changed, message, shown))
            methods = [call.method for call in world.api.calls[before:]]
            assert methods.index("answerCallbackQuery") < methods.index("editMessageText"), button


def _changed(message: Message, shown: str) -> bool:
    return message.text != shown


async def test_buttons_of_old_messages_work_after_a_restart(town: Town) -> None:
    guest, chat = town.guest()
    sample = town.wanted("After.mkv")
    saved = await town.ask(sample.magnet(), person=guest, chat=chat)
    ended = await town.ask(f"/calibrate_hash {sample.magnet()}", person=guest, chat=chat)
    await guest.press(ended, "Cancel")
    await town.shows(ended, "cancelled")
    live = await town.ask(f"/calibrate_hash {town.swarm.dead().magnet()}", person=guest, chat=chat)
    assert await town.stop() == 0
    await town.start()
    assert (await guest.press(live, "Refresh")).text == ""
    assert (await guest.press(live, "Cancel")).text == ""
    await town.shows(live, "cancelled")
    await town.swarm.begin_seeding(sample)
    assert (await guest.press(ended, "Retry")).text == ""
    assert (await guest.press(saved, "Calibrate")).text == ""
    await town.shows(ended, "completed", "After.mkv")
    await town.shows(saved, "completed", "After.mkv")
    assert chat.bot_messages == (saved, ended, live)

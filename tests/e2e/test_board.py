"""Many tasks in one chat: one message for all of them, on the running program."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from sandbox.botapi import Chat, Message, Person
from sandbox.swarm import make_sample
from tests.e2e.conftest import World, opened_world

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIVE = ("pending", "running")


class Town(World):
    """Where each test has a guest of its own, in private, or a group."""

    async def fill(self) -> None:
        self.timeout = 600  # what is dead does not end by itself
        self.guests = iter([self.invite(f"Guest {number}") for number in range(6)])
        self.bob = self.api.person("Bob")
        self.forum = self.api.group("Forum", self.bob, forum=True)
        self.chats.append(self.forum.id)
        self.groups = iter([self.group(f"Group {number}", self.alice, self.bob) for number in range(2)])
        await self.start()

    def guest(self) -> tuple[Person, Chat]:
        person = next(self.guests)
        return person, self.api.private(person)


@dataclass(frozen=True)
class Place:
    """Where *alone* tasks have a message each."""

    person: Person
    chat: Chat
    alone: int
    topic: int | None = None

    def asks(self, town: Town, count: int) -> None:
        """Ask for what does not end."""
        for _ in range(count):
            self.person.say(self.chat, f"/calibrate_hash {town.swarm.dead().magnet()}", topic=self.topic)

    def living(self) -> list[Message]:
        return [one for one in living(self.chat) if one.topic == self.topic]

    def is_folded(self) -> bool:
        return [f"· {self.alone + 1} tasks" in one.text for one in self.living()] == [True]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    async with opened_world(tmp_path_factory.mktemp("town"), Town) as town:
        await town.fill()
        yield town


def boards(chat: Chat) -> list[Message]:
    return [one for one in chat.bot_messages if " tasks: " in one.text]


def living(chat: Chat) -> list[Message]:
    return [one for one in chat.bot_messages if one.text.startswith(LIVE)]


def asks(town: World, person: Person, chat: Chat, *magnets: str) -> list[Message]:
    return [person.say(chat, f"/calibrate_hash {magnet}") for magnet in magnets]


async def the_board(town: World, chat: Chat, tasks: int) -> Message:
    """Return the chat's board when it has so many tasks, and no other message is live."""
    await town.api.until(
        lambda: len(living(chat)) == 1 and [one for one in boards(chat) if f"· {tasks} tasks" in one.text], 60
    )
    (board,) = boards(chat)
    return board


async def test_eight_at_once_in_private_are_one_message_that_cancels_and_retries_all(town: Town) -> None:
    guest, chat = town.guest()
    late = [town.swarm.unseeded(make_sample(f"late {number}.mkv")) for number in range(8)]
    asks(town, guest, chat, *(one.magnet() for one in late))
    board = await the_board(town, chat, 8)
    assert (await guest.press(board, "Cancel all")).text == ""
    await town.shows(board, "running", "Cancel all 8 tasks?")
    await guest.press(board, "No")
    await town.api.until(lambda: "Cancel all" not in board.text)
    await guest.press(board, "Cancel all")
    await town.shows(board, "running", "Cancel all 8 tasks?")
    assert (await guest.press(board, "Yes, cancel 8")).text == "Stopped 8 tasks."
    await town.shows(board, "cancelled", "0 found, 8 not, 0 left")
    assert living(chat) == []
    for one in late:
        town.swarm.seed(one)
    assert (await guest.press(board, "Retry failed")).text == "Trying 8 tasks again."
    names = [f"late {number}.mkv" for number in range(8)]
    await town.api.until(lambda: all(any(name in one.text for one in chat.bot_messages) for name in names), 60)
    await town.api.until(lambda: living(chat) == [], 60)


async def test_five_in_private_and_three_in_a_group_or_topic_stand_alone_and_one_more_folds(town: Town) -> None:
    guest, private = town.guest()
    places = [
        Place(guest, private, 5),
        Place(town.bob, next(town.groups), 3),
        *(Place(town.bob, town.forum, 3, town.forum.open_topic()) for _ in range(2)),
    ]
    for place in places:
        place.asks(town, place.alone)
    await town.api.until(lambda: all(len(place.living()) == place.alone for place in places), 60)
    assert [board for place in places for board in boards(place.chat)] == []
    for place in places[:-1]:
        place.asks(town, 1)
    await town.api.until(lambda: all(place.is_folded() for place in places[:-1]), 60)
    assert len(places[-1].living()) == 3, "another topic's fold is not its own"


async def test_a_page_of_live_tasks_can_be_turned_to(town: Town) -> None:
    guest, chat = town.guest()
    dead = [town.swarm.dead() for _ in range(13)]
    asks(town, guest, chat, *(one.magnet() for one in dead))
    board = await the_board(town, chat, 13)
    await town.shows(board, "running", "+3 more")
    first = board.text
    await guest.press(board, "Next")
    await town.api.until(lambda: "more" not in board.text)
    shown = first + board.text
    assert all(str(one.v1)[:8] in shown for one in dead)
    await guest.press(board, "Previous")
    await town.shows(board, "running", "+3 more")


async def test_every_end_of_many_is_told_by_name_and_the_message_is_a_summary(town: Town) -> None:
    guest, chat = town.guest()
    names = [f"name {number}." for number in range(40)]
    asks(town, guest, chat, *(town.swarm.seed(make_sample(name)).magnet() for name in names))
    await town.api.until(lambda: boards(chat) and not living(chat), 90)
    told = "\n".join(text for one in chat.bot_messages for _, text in one.versions)
    assert [name for name in names if name not in told] == []
    assert not any(call.self_made_429 for call in town.api.calls)


async def test_sixty_at_once_in_a_group_leave_another_chat_its_answers(town: Town) -> None:
    chat = next(town.groups)
    guest, private = town.guest()
    names = [f"sixty {number}." for number in range(60)]
    *found, late = [make_sample(name) for name in names]
    late = town.swarm.unseeded(late)
    asks(town, town.alice, chat, late.magnet(), *(town.swarm.seed(one).magnet() for one in found))
    await town.api.until(lambda: boards(chat), 30)
    for _ in range(3):
        await town.ask("/notes", person=guest, chat=private)
    assert living(chat)
    town.swarm.seed(late)
    await town.api.until(lambda: boards(chat) and not living(chat), 120)
    told = "\n".join(text for one in chat.bot_messages for _, text in one.versions)
    assert [name for name in names if name not in told] == []
    assert not any(call.self_made_429 for call in town.api.calls)


async def test_a_kill_while_a_board_is_live_leaves_nothing_live_and_no_end_untold(tmp_path: Path) -> None:
    async with opened_world(tmp_path, World) as world:
        world.timeout = 4.0
        await world.start()
        found = [f"kept {number}." for number in range(4)]
        late = [world.swarm.unseeded(make_sample(name)) for name in found]
        dead = [world.swarm.dead() for _ in range(4)]
        asks(world, world.alice, world.private, *(one.magnet() for one in (*late, *dead)))
        board = await the_board(world, world.private, 8)
        await world.follows(board)
        world.kill()
        await world.ended()
        for one in late:
            world.swarm.seed(one)
        await world.start()
        await world.shows(board, "completed", "8 tasks: 4 found, 4 not, 0 left", seconds=60)
        told = "\n".join(text for one in world.private.bot_messages for _, text in one.versions)
        assert [name for name in found if name not in told] == []
        assert living(world.private) == []
        assert not any(call.self_made_429 for call in world.api.calls)

"""A town under bad weather: what its people ask and press, and what goes wrong meanwhile, drawn from a seed."""

import asyncio
import contextlib
import random
import re
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from sandbox.botapi import Chat, Event, Fault, Message, Person, Phase
from sandbox.swarm import Sample, make_sample
from tests.e2e.conftest import World

_LAST_MOMENT = 150  # the events in which a town of this size is busy are more
_BUTTONS = frozenset({"Refresh", "Cancel", "Retry", "Cancel all", "No", "Retry failed", "Next", "Previous"})
_YES = re.compile(r"Yes, cancel(?: \d+)?")
_METHODS = ("sendMessage", "editMessageText")

Blow = Callable[[], Awaitable[None] | None]


@dataclass
class Town(World):
    """Alice, in private; and three groups with Bob: one becomes a supergroup, one shuts the bot out, one is deleted."""

    draw: random.Random = field(default_factory=random.Random)
    asked: list[str] = field(default_factory=list)
    questions: list[Message] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    notes: dict[str, str] = field(default_factory=dict)
    lost: Counter[int | None] = field(default_factory=Counter)
    kills: int = 0

    def settle(self, seed: int) -> None:
        """Found the groups, and begin to count the messages of which the program was told nothing."""
        self.draw = random.Random(seed)
        self.bob = self.api.person("Bob")
        self.moving, self.closing, self.doomed = (
            self.group(title, self.alice, self.bob, kind="group") for title in ("Moving", "Closing", "Doomed")
        )
        self.api.on_event(self._count)

    def _count(self, event: Event) -> None:
        if event.method == "sendMessage" and event.phase is not Phase.RECEIVED:
            self.lost[event.chat_id] += 1 if event.phase is Phase.APPLIED else -1

    def unheard(self, chat: Chat) -> int:
        """Return of how many messages there the program may have heard nothing: by a fault, or by its death."""
        before = self.lost[self.moving.id] if chat is self.moved else 0
        return self.lost[chat.id] + before + self.kills

    @property
    def moved(self) -> Chat | None:
        return self.moving.upgraded_to

    @property
    def open_chats(self) -> list[Chat]:
        """Return those in which all must be true in the end."""
        return [self.private, self.closing, self.moved or self.moving]

    def notes_as_they_should_be(self) -> list[tuple[str, str]]:
        """Return each note's number and its text, corrected where the name was found."""
        found = {v1 for (v1,) in self.rows("SELECT v1 FROM items WHERE state = 'completed'")}
        named = {one.v1: one for one in self.samples}
        return [
            (number, named[v1].magnet(dn=named[v1].name if v1 in found else "18")) for number, v1 in self.notes.items()
        ]

    # What people do.

    def wanted(self) -> Sample:
        """Return a torrent that is found at once, later, or never."""
        sample = make_sample(f"name-{len(self.samples)}-end", kind="v1")
        self.samples.append(self.draw.choice([self.swarm.seed, self.swarm.unseeded, self.swarm.unseeded])(sample))
        return self.samples[-1]

    def ask_for(self, person: Person, chat: Chat, count: int) -> None:
        for _ in range(count):
            sample = self.wanted()
            person.say(chat, f"/calibrate_hash {sample.magnet()}")
            self.asked.append(sample.v1 or "")

    async def talk(self, rounds: int) -> None:
        await self._begin()
        for number in range(1, rounds):
            await self._come(number * _LAST_MOMENT)
            self.ask_for(self.alice, self.private, 7)
            self.ask_for(self.bob, self.moved or self.moving, 2)

    async def _begin(self) -> None:
        sizes = self.draw.sample([4, 4, 1], 3)
        for chat, size in zip((self.moving, self.closing, self.doomed), sizes, strict=True):
            self.ask_for(self.bob, chat, size)
        sample = self.wanted()
        saved = await self.ask(sample.magnet(dn="18"))
        self.notes[saved.text.split()[0].removeprefix("#")] = sample.v1 or ""
        self.ask_for(self.alice, self.private, 7)
        with contextlib.suppress(TimeoutError):
            await self.alice.press(saved, "Calibrate")
        self.asked.append(sample.v1 or "")

    async def press_something(self) -> None:
        """Press any button that stands somewhere, as one of the two; whoever is pressed may die before it answers."""
        stand = [
            (message, value)
            for chat in self.open_chats
            for message in chat.bot_messages
            for row in message.buttons
            for label, value in row
            if label in _BUTTONS or _YES.fullmatch(label)
        ]
        if stand:
            message, data = self.draw.choice(stand)
            person = self.draw.choice([self.alice, self.bob]) if message.chat.is_group else self.alice
            with contextlib.suppress(TimeoutError):
                await person.press_data(message, data)

    # What goes wrong.

    def _break(self, method: str, fault: Fault) -> Blow:
        answered = self.draw.choice([True, False])

        def happens() -> None:
            self.api.break_next(method, fault)
            if method == "sendMessage" and answered:
                self.questions.append(self.alice.say(self.private, "/help"))
            elif method == "sendMessage":
                self.ask_for(self.alice, self.private, 1)

        return happens

    def _breaks(self) -> list[Blow]:
        """Return one of each kind, for sends and for edits."""
        faults = (Fault.LOST_REQUEST, Fault.LOST_ANSWER, Fault.BAD_GATEWAY)
        return [
            *(self._break(method, fault) for method in _METHODS for fault in faults),
            *(self._break("answerCallbackQuery", fault) for fault in faults),
            self.storm,
        ]

    def storm(self) -> None:
        for method in _METHODS:
            self.api.break_next(method, Fault.too_many(retry_after=self.draw.randint(1, 3)), times=2)

    async def die(self) -> None:
        """Be killed, pressed while nobody is there, and started again."""
        self.kill()
        self.kills += 1
        assert await self.ended() == -9, self.output
        async with asyncio.TaskGroup() as group:
            group.create_task(self.press_something())
            await self.start()

    async def vanish(self) -> None:
        """Let Telegram be gone until the program has noticed."""
        noticed = self.output.count("unreachable")
        await self.api.vanish()
        await self.printed(re.compile(rf"(?:unreachable[\s\S]*?){{{noticed + 1}}}"))
        await self.api.come_back()
        reached = self.api.events
        await self.api.until(lambda: self.api.events > reached)

    def shut_out(self) -> None:
        self.closing.set_status(self.api.bot, "kicked")

    def let_in(self) -> None:
        self.closing.set_status(self.api.bot, "member")
        self.bob.say(self.closing, "/start")

    def move(self) -> None:
        self.alice.upgrade(self.moving)

    def delete_the_group(self) -> None:
        self.doomed.set_status(self.api.bot, "kicked")
        for message in self.doomed.messages:
            self.alice.delete(message)

    def delete_something(self) -> None:
        there = [one for one in self.private.bot_messages if not one.text.startswith("#")]
        if there:
            self.alice.delete(self.draw.choice(there))

    def seed_something(self) -> None:
        self.swarm.seed(self.draw.choice(self.samples))

    def blows(self, rounds: int) -> list[tuple[int, Blow]]:
        """Return after how many events what happens: some of it once, the rest *rounds* times."""
        last, drawn = _LAST_MOMENT * rounds, self.draw.randrange
        out, back = sorted(self.draw.sample(range(10, last), 2))
        blows: list[tuple[int, Blow]] = [(out, self.shut_out), (back, self.let_in)]
        blows += [(drawn(10, last), blow) for blow in (self.move, self.delete_the_group)]
        for _ in range(rounds):
            blows += [(drawn(10, last // 2), blow) for blow in self._breaks()]  # there are requests to come
            blows += [(drawn(10, last), blow) for blow in (self.vanish, self.delete_something)]
            blows += [(drawn(10, last), self.die) for _ in range(3)]
            blows += [(drawn(10, last), self.seed_something) for _ in range(3)]
        return sorted(blows, key=lambda one: one[0])

    async def _come(self, moment: int) -> None:
        """Return at the *moment*-th event, or when there are no more."""
        with contextlib.suppress(TimeoutError):
            await self.api.until(lambda: self.api.events >= moment, seconds=5)

    async def weather(self, rounds: int) -> None:
        for moment, blow in self.blows(rounds):
            await self._come(moment)
            if (happens := blow()) is not None:
                await happens

    async def presses(self, rounds: int) -> None:
        async with asyncio.TaskGroup() as group:
            for moment in sorted(self.draw.randrange(30, _LAST_MOMENT * rounds) for _ in range(10 * rounds)):
                await self._come(moment)
                group.create_task(self.press_something())

    async def day(self, rounds: int) -> None:
        """Let it all happen."""
        async with asyncio.TaskGroup() as group:
            for doing in (self.talk(rounds), self.weather(rounds), self.presses(rounds)):
                group.create_task(doing)
        while self.api.faults_to_come:  # what was ordered is to happen: they ask on
            await self._provoke(self.api.faults_to_come)

    async def _provoke(self, left: int) -> None:
        self.ask_for(self.alice, self.private, 1)
        await self.press_something()
        with contextlib.suppress(TimeoutError):
            await self.api.until(lambda: self.api.faults_to_come < left, seconds=5)

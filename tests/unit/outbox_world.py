"""An outbox between a Telegram and followers that behave, on a clock moved by hand."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Self

from telegram import Bot

from handlers.outbox import Address, Card, FollowerId, Message, Outbox, Rank
from handlers.outgoing import Subject
from services.errors import StoreUnavailable
from tests.fake_clock import FakeClock
from tests.unit.fake_telegram import FakeTelegram

ALICE, BOB, GROUP = Address(100), Address(200), Address(-500)


@dataclass
class Shown:
    to: Address
    text: str
    message_id: int | None = None
    ended: bool = False
    seen: str | None = None


@dataclass
class FakeCards:
    """What followers should show, and what they were told to have shown; as `live_status` keeps it in the store."""

    clock: FakeClock
    followers: dict[Subject, Shown] = field(default_factory=dict)
    rendered: list[Subject] = field(default_factory=list)
    lost: list[Subject] = field(default_factory=list)
    shut: list[tuple[Address, bool]] = field(default_factory=list)
    open: list[Address] = field(default_factory=list)
    store_down: int = 0
    store_takes: float = 0.0
    unreadable: int = 0
    """What `gone` waits for."""
    broken: set[Subject] = field(default_factory=set)
    mark: Callable[[Subject, Address, Rank], None] = lambda *_: None
    moves: list[tuple[int, int]] = field(default_factory=list)

    async def render(self, follower: Subject) -> Card | None:
        self.rendered.append(follower)
        if self.unreadable:
            self.unreadable -= 1
            raise StoreUnavailable
        if follower in self.broken:
            raise ZeroDivisionError
        one = self.followers.get(follower)
        if one is None or one.text == one.seen:
            return None
        return Card(
            to=one.to,
            message=Message(one.text),
            message_id=one.message_id,
            reply_to=7,
            ended=one.ended,
        )

    async def shown(self, follower: Subject, card: Card, message_id: int) -> None:
        if self.store_takes:
            await self.clock.sleep(self.store_takes)
        self.followers[follower].message_id = message_id
        self.followers[follower].seen = card.message.html

    async def gone(self, follower: Subject, card: Card) -> None:
        self.lost.append(follower)

    def took(self, place: Address) -> None:
        self.open.append(place)

    def closed(self, place: Address, *, whole: bool) -> None:
        self.shut.append((place, whole))

    async def moved(self, chat_id: int, became: int) -> None:
        if self.store_down:
            self.store_down -= 1
            raise StoreUnavailable
        self.moves.append((chat_id, became))
        for follower, one in self.followers.items():
            if one.to.chat_id == chat_id:
                one.to, one.message_id = Address(became), None
                one.seen = one.seen if one.ended and one.seen == one.text else None
                self.mark(follower, one.to, Rank.END)


@dataclass
class World:
    """Everything that a test touches; it marks followers as `live_status` does."""

    clock: FakeClock
    telegram: FakeTelegram
    cards: FakeCards
    outbox: Outbox

    @classmethod
    def made(cls, bot: Bot | None = None) -> Self:
        clock = FakeClock()
        telegram, cards = FakeTelegram(clock), FakeCards(clock)
        outbox = Outbox(bot or telegram.bot, cards, clock=clock, jitter=random.Random(1).random)
        cards.mark = outbox.mark
        clock._now += 60  # it has been running for a while
        return cls(clock, telegram, cards, outbox)

    def begin(self, number: int, to: Address, text: str = "pending") -> FollowerId:
        follower = FollowerId(number)
        self.cards.followers[follower] = Shown(to, text)
        self.outbox.mark(follower, to, Rank.ANSWER)
        return follower

    def report(self, follower: FollowerId, text: str) -> None:
        self.cards.followers[follower].text = text
        self.outbox.mark(follower, self.cards.followers[follower].to, Rank.PROGRESS)

    def end(self, follower: FollowerId, text: str) -> None:
        self.cards.followers[follower].text = text
        self.cards.followers[follower].ended = True
        self.outbox.mark(follower, self.cards.followers[follower].to, Rank.END)


@asynccontextmanager
async def opened() -> AsyncIterator[World]:
    """Run a world's outbox; at the end it stops, whatever still hangs, and nothing is left."""
    world = World.made()
    await world.outbox.__aenter__()
    try:
        yield world
    finally:
        leaving = asyncio.ensure_future(world.outbox.__aexit__(None, None, None))
        await world.clock.advance(7)
        await leaving
    assert world.clock.sleeping == 0

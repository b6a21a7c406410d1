"""A chat from command to summary: the real manager, store and outbox, between a Telegram with limits and a clock."""

import asyncio
import contextlib
import random
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from handlers.live_status import LiveStatus
from handlers.outbox import Outbox
from handlers.outgoing import Address
from services.calibration.follower import BoardId, NewFollower
from services.calibration.followers import Followership
from services.calibration.manager import AsyncCalibrationManager
from services.calibration.ports import CalibrationResult, LookupRequest
from services.calibration.task import CalibrationRequest, State
from services.errors import LookupFailed
from services.i18n import Catalogues
from services.notebook.languages import Languages
from services.store.store import Store
from services.torrents import NotebookId, PersonId, Progress, TaskId
from tests.fake_clock import FakeClock
from tests.unit.fake_telegram import FakeTelegram
from tests.unit.fakes import FakeEngine, hashes, moves

GROUP, ALICE = Address(-500), Address(100)
LIVE = re.compile("<b>(pending|running)</b>")


@dataclass
class World:
    """One start of the program; Telegram, the store and the swarm outlive it."""

    manager: AsyncCalibrationManager
    followers: Followership
    live: LiveStatus
    telegram: FakeTelegram
    notebook: NotebookId
    clock: FakeClock

    async def ask(self, *words: str, to: Address = GROUP, reply_to: int = 7, person: int = 1, alone: int = 3) -> TaskId:
        return await self.ask_for(hashes(*words), to=to, reply_to=reply_to, person=person, alone=alone)

    async def ask_for(
        self, request: CalibrationRequest, *, to: Address = GROUP, reply_to: int = 7, person: int = 1, alone: int = 3
    ) -> TaskId:
        task_id = await self.manager.submit_task(
            request=request,
            notebook=self.notebook,
            asked_by=PersonId(f"tg:{person}"),
            cause="command",
            follower=NewFollower(address=str(to), reply_to=reply_to, alone=alone),
        )
        await self.live.show(task_id)
        return task_id

    async def passes(self, seconds: float) -> None:
        for _ in range(round(seconds / 0.5)):
            await self.clock.advance(0.5)
            await self.live.poll()

    async def at_rest(self) -> None:
        """Let everything end, and be told."""
        for _ in range(400):
            await self.passes(5)
            untold = await self.followers.unfinished(), await self.followers.boards.open()
            if not any(untold) and not await self.followers.leaving():
                return
        raise AssertionError(self.shown())

    async def ends(self) -> tuple[int, int]:
        """Return how many of the first board's tasks have been found, and how many not."""
        listed = await self.followers.boards.get(BoardId(1))
        states = Counter([line.state for line in listed.lines] if listed else [])
        return states[State.COMPLETED], states[State.FAILED]

    def shown(self, to: Address = GROUP) -> list[str]:
        return self.telegram.shown(to.chat_id, to.thread_id)

    def living(self, to: Address = GROUP) -> list[str]:
        return [text for text in self.shown(to) if LIVE.match(text)]

    def boards(self, to: Address = GROUP) -> list[str]:
        return [text for text in self.shown(to) if " tasks: " in text]


class UnevenEngine(FakeEngine):
    """Takes another time for each lookup, where *spread* says between which."""

    spread: tuple[float, float] | None = None
    _draw = random.Random(3)

    async def __call__(self, lookup: LookupRequest, progress: Progress, /) -> CalibrationResult:
        if self.spread is not None:
            self.delay = self._draw.uniform(*self.spread)
        return await super().__call__(lookup, progress)


Begin = Callable[[], AbstractAsyncContextManager[World]]


def starts(store: Store, clock: FakeClock, engine: FakeEngine, notebook: NotebookId) -> Begin:
    """Return what starts the program in one world, each time anew."""
    telegram = FakeTelegram(clock)

    @contextlib.asynccontextmanager
    async def begin() -> AsyncIterator[World]:
        async with AsyncCalibrationManager(engine, tasks=store, clock=clock, max_workers=5) as manager:
            followers = Followership(store, clock)
            live = LiveStatus(manager, followers, moves(store, clock), clock, Languages(store, Catalogues({}), clock))
            outbox = Outbox(telegram.bot, live, clock=clock, jitter=random.Random(1).random)
            clock._now += 70
            await outbox.__aenter__()
            await live.resume(outbox)
            try:
                yield World(manager, followers, live, telegram, notebook, clock)
            finally:
                leaving = asyncio.ensure_future(outbox.__aexit__(None, None, None))
                await clock.advance(7)
                await leaving
                await live.settle()

    return begin


def knows(engine: FakeEngine, count: int, lost: int = 0) -> list[str]:
    words = [f"w{number}" for number in range(count)]
    for number, word in enumerate(words):
        engine.knows(word, LookupFailed() if number < lost else f"name {word}.")
    return words

"""The program is killed at a moment that nobody chose, and started again: what was acknowledged is there."""

import asyncio
import contextlib
import os
import random
import sqlite3

import pytest

from sandbox.botapi import Event, Message
from sandbox.swarm import Sample, make_sample
from tests.e2e.conftest import World, kept

_ENDS = ("completed", "failed", "cancelled")
_STATES = (*_ENDS, "pending", "running")
_EVENTS = 44  # an undisturbed run of the conversation has about that many
_SEED = int(os.environ.get("SEED", "20261124"))


def _moments() -> list[tuple[int, float]]:
    """Return the events at which it is killed, and how many seconds after; a hundred of them where SOAK is set."""
    draw = random.Random(_SEED)
    if "SOAK" not in os.environ:
        return [(moment, 0.0) for moment in sorted(draw.sample(range(1, _EVENTS), 12))]
    return [(draw.randrange(1, _EVENTS), draw.choice([0.0, draw.uniform(0, 0.02)])) for _ in range(100)]


class Conversation:
    """What Alice does, the same each time. She says, and presses, everything once."""

    def __init__(self, world: World) -> None:
        self.world = world
        swarm = world.swarm
        self.live = swarm.seed(make_sample("真名.Ein Name.mkv", kind="hybrid"))
        self.other = swarm.seed(make_sample("other.iso", kind="v1"))
        self.dead = swarm.dead()
        self.asked: list[Message] = []
        self.texts: dict[str, tuple[str, str]] = {}  # by note number: as written, as corrected

    async def whole(self) -> None:
        first = await self.save(self.live, "一", "&dn=%E7%9C%9F%E5%90%8D.Ein%20Name.mkv")
        await self.asks(f"/calibrate {first}")
        await self.asks(f"/calibrate_hash {self.dead.v1}")
        second = await self.save(self.other, "二", "&dn=other.iso")
        button = next(one for one in self.world.private.bot_messages if one.text.startswith(f"#{second} saved"))
        await self.presses(button, "Calibrate")

    async def save(self, sample: Sample, word: str, dn: str) -> str:
        xt = sample.magnet(trackers=False)
        text = f"{word}：{sample.magnet()}，after"
        answer = await self.asks(text)
        number = answer.text.split()[0].removeprefix("#")
        last = sample.magnet().rpartition("xt=")[2].partition("&")[0]
        self.texts[number] = (text, text.replace(f"xt={last}", f"xt={last}{dn}"))
        assert xt in text
        return number

    async def asks(self, text: str) -> Message:
        self.asked.append(self.world.alice.say(self.world.private, text))
        return await self.world.answer(self.asked[-1], seconds=30)

    async def presses(self, message: Message, button: str) -> None:
        with contextlib.suppress(TimeoutError):  # whoever was pressed died before it could say so
            await self.world.alice.press(message, button)
        await self.world.api.until(lambda: message.text.split()[0] in _STATES, seconds=30)

    def cards(self) -> list[Message]:
        return [one for one in self.world.private.bot_messages if one.text.split()[0] in _STATES]

    def living(self) -> list[Message]:
        return [one for one in self.cards() if not one.text.startswith(_ENDS)]


class Kill:
    """Kills the program *later* than the *moment*-th event from now on, so many seconds, and starts it again."""

    def __init__(self, world: World, moment: int, later: float) -> None:
        self._world = world
        self._later = later
        self._at = world.api.events + moment
        self._killed = asyncio.Event()
        world.api.on_event(self._heard)

    def _heard(self, event: Event) -> None:
        if event.n == self._at:
            if self._later:
                asyncio.get_running_loop().call_later(self._later, self._kill)
            else:
                self._kill()

    def _kill(self) -> None:
        self._world.kill()
        self._killed.set()

    async def start_again(self) -> None:
        await self._killed.wait()
        assert await self._world.ended() == -9
        await self._world.start()


@pytest.mark.parametrize(("moment", "later"), _moments())
async def test_a_kill_at_any_event_loses_nothing_that_was_acknowledged(moment: int, later: float, world: World) -> None:
    world.timeout = 3.0
    await world.start()
    talk, kill = Conversation(world), Kill(world, moment, later)
    async with asyncio.TaskGroup() as group:
        group.create_task(kill.start_again())
        group.create_task(talk.whole())

    await world.api.until(lambda: len(talk.cards()) - len(talk.living()) >= 3 and len(talk.living()) <= 1, seconds=30)
    known = {number for (number,) in world.rows("SELECT message_id FROM followers")}
    for card in talk.living():
        if card.id not in known:  # the program died before it heard of it: nobody follows it until it is pressed
            await world.alice.press(card, "Refresh")
    await world.api.until(lambda: not talk.living(), seconds=30)
    for number, (_, corrected) in talk.texts.items():
        assert kept(await talk.asks(f"/note {number}")) == corrected
    assert await world.stop() == 0

    answers = [[one for one in world.private.bot_messages if one.reply_to is asked] for asked in talk.asked]
    assert all(answers)
    assert sum(len(one) - 1 for one in answers) <= 1, "the one that was on its way may have come twice"
    for card in talk.cards():
        dead = talk.dead.v1 is not None and talk.dead.v1[:8] in card.text
        assert card.text.startswith("failed" if dead else "completed"), card.text
    assert not any(call.self_made_429 for call in world.api.calls)
    _assert_one_outcome_each(world)


def _assert_one_outcome_each(world: World) -> None:
    with contextlib.closing(sqlite3.connect(f"file:{world.folder / 'calibot.db'}?mode=ro", uri=True)) as database:
        assert database.execute("SELECT count(*) FROM tasks WHERE completed_at IS NULL OR attempt <> 1").fetchone() == (
            0,
        )
        assert database.execute("SELECT count(*) FROM items WHERE ended_at IS NULL OR attempt <> 1").fetchone() == (0,)
        assert database.execute("SELECT count(*) FROM revisions GROUP BY note_id HAVING count(*) > 1").fetchall() == []
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)

"""From a task's change to where its chat shows it, beside a message each through python-telegram-bot's rate limiter.

Both play the same tasks in the same run, each with a Telegram of its own that keeps the real one's limits.
"""

import asyncio
import contextlib
import importlib.util
import math
import os
import re
import time
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Protocol

from telegram import Bot
from telegram.error import TelegramError
from telegram.ext import AIORateLimiter, ExtBot

from benchmarks.figures import Figure, Section, Target
from benchmarks.rig import PERSON, found, live_status, rig
from benchmarks.scale import Scale
from handlers.context import ALONE_IN_GROUP, ALONE_IN_PRIVATE
from handlers.outbox import Outbox
from sandbox.botapi import BotApi, Chat
from services.calibration.follower import NewFollower
from services.calibration.ports import CalibrationResult, LookupRequest
from services.calibration.task import HashRequest
from services.clock import SystemClock
from services.torrents import Hints, InfoHash, Progress, Step, TorrentId

_POLL = 0.5
"""Seconds between two looks at what has changed: the setting's default."""
_PEERS = re.compile(r"(\d+) peers")
_END = math.inf
"""The step that a task's name is."""
_BESIDE = "a message each, AIORateLimiter"
_RETRIES = 3
_ENDS = (
    "that many names in {seconds:.0f} s are more than the messages hold that Telegram takes in that time from one chat"
)


@dataclass(frozen=True, slots=True)
class Play:
    """Tasks: the place of each one's chat, and the seconds after which it takes each step from 1 on, its name last."""

    chats: int
    group: bool
    window: float
    tasks: Sequence[tuple[int, Sequence[float]]]

    @classmethod
    def in_one_chat(cls, count: int, window: float) -> "Play":
        """Return *count* tasks in a group, with a change every fifteenth of *window*; they end in its middle third."""
        random = Random(count)  # noqa: S311 - the same each time
        each = window / 15
        tasks = []
        for _ in range(count):
            end = random.uniform(window / 4, window * 5 / 9)
            first = random.uniform(0.5, each)
            tasks.append((0, [*(first + each * step for step in range(int((end - first) / each) + 1)), end]))
        return cls(1, group=True, window=window, tasks=tasks)

    @classmethod
    def in_many_chats(cls, count: int, window: float) -> "Play":
        """Return a task in each of *count* private chats; all change at once, and end at once."""
        steps = window / 3, window * 2 / 3
        return cls(count, group=False, window=window, tasks=[(place, steps) for place in range(count)])


@dataclass(slots=True)
class Told:
    """What one bot made of a play: the seconds from each change until it was shown; *calls* it took, *refused* ones."""

    names: list[float]
    steps: list[float]
    missed: int
    calls: int
    refused: int


class Player(Protocol):
    async def play(self, play: Play, api: BotApi, chats: Sequence[Chat], digits: Sequence[str], began: float) -> None:
        """Show the tasks of *play* in their *chats*, as the changes come after *began*, until the window has ended."""


class Calibot:
    """The product from its manager to its outbox. What looks up is the play."""

    async def play(self, play: Play, api: BotApi, chats: Sequence[Chat], digits: Sequence[str], began: float) -> None:
        changes = {one: steps for one, (_, steps) in zip(digits, play.tasks, strict=True)}

        async def look_up(lookup: LookupRequest, progress: Progress, /) -> CalibrationResult:
            progress.started()
            asked = lookup.torrent.shown.hex
            *steps, end = changes[asked]
            for number, at in enumerate(steps, start=1):
                await _until(began + at)
                progress.report(Step("connecting", {"peers": number + 1}))
            await _until(began + end)
            return found(lookup.torrent, _name(asked))

        async with rig(look_up, max_workers=len(digits) + 10) as rigged, Bot(api.token, base_url=api.base_url) as bot:
            live = live_status(rigged.store, rigged.manager)
            async with Outbox(bot, live, clock=SystemClock()) as outbox:
                await live.resume(outbox)
                for one, (place, _) in zip(digits, play.tasks, strict=True):
                    await rigged.manager.submit_task(
                        request=HashRequest(((TorrentId.of(InfoHash(one)), Hints()),)),
                        notebook=rigged.notebook,
                        asked_by=PERSON,
                        cause="command",
                        follower=NewFollower(
                            address=f"tg:{chats[place].id}",
                            alone=ALONE_IN_GROUP if play.group else ALONE_IN_PRIVATE,
                        ),
                    )
                while time.time() < began + play.window:
                    await live.poll()
                    await asyncio.sleep(_POLL)


class MessageEach:
    """What one writes first: each task edits its own message whenever it changes."""

    async def play(self, play: Play, api: BotApi, chats: Sequence[Chat], digits: Sequence[str], began: float) -> None:
        limiter = AIORateLimiter(max_retries=_RETRIES)
        async with ExtBot(api.token, base_url=api.base_url, rate_limiter=limiter) as bot:

            async def follow(one: str, chat: Chat, steps: Sequence[float]) -> None:
                shown = (await bot.send_message(chat.id, f"running · {one}")).message_id
                for number, at in enumerate(steps, start=1):
                    await _until(began + at)
                    text = f"completed · {_name(one)}" if at == steps[-1] else f"running · {one} · {number + 1} peers"
                    with contextlib.suppress(TelegramError):  # refused too often: the next change is tried again
                        await bot.edit_message_text(text, chat_id=chat.id, message_id=shown)

            tasks = [
                asyncio.create_task(follow(one, chats[place], steps))
                for one, (place, steps) in zip(digits, play.tasks, strict=True)
            ]
            await _until(began + play.window)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def live(scale: Scale) -> Section:
    section = Section("A change of a task → its chat shows it (one run)")
    if "each" not in _players():
        section.missing[_BESIDE] = "aiolimiter is not installed"
    for count in scale.live_tasks:
        of = f"{count:,} tasks in a group" if count > 1 else "1 task in a group"
        play = Play.in_one_chat(count, scale.live_window)
        section.figures += _figures(of, play, await _at_once(play), worst=None if count == 1 else 3.5)
    play = Play.in_many_chats(scale.live_chats, scale.live_window * 2 / 3)
    # One after the other: here it is the requests that count, and both ask this process's Telegram.
    told = {name: await _told(player, play) for name, player in _players().items()}
    section.figures += _figures(f"a task in each of {scale.live_chats} chats", play, told, worst=9)
    return section


def _players() -> Mapping[str, Player]:
    players: dict[str, Player] = {"calibot": Calibot()}
    if importlib.util.find_spec("aiolimiter") is not None:
        players["each"] = MessageEach()
    return players


async def _at_once(play: Play) -> Mapping[str, Told]:
    players = _players()
    told = await asyncio.gather(*(_told(player, play) for player in players.values()))
    return dict(zip(players, told, strict=True))


async def _told(player: Player, play: Play) -> Told:
    digits = [os.urandom(20).hex() for _ in play.tasks]
    async with BotApi() as api:
        people = [api.person(f"Person {number}") for number in range(play.chats)]
        chats = [api.group("Group", one) if play.group else api.private(one) for one in people]
        began = time.time()
        await player.play(play, api, chats, digits, began)
        told = Told([], [], 0, len(api.calls), sum(call.self_made_429 for call in api.calls))
        for one, (place, steps) in zip(digits, play.tasks, strict=True):
            _judge(told, chats[place], one, [began + at for at in steps], began + play.window)
        return told


def _judge(told: Told, chat: Chat, digits: str, changes: Sequence[float], end: float) -> None:
    """Add how long each of the task's *changes* took to be shown; those that were not, until *end*.

    Steps count where the chat shows the task as it runs: a list of many shows the newest.
    """
    seen = _seen(chat, digits)
    times = [at for at, _, _ in seen]
    for number, at in enumerate(changes, start=1):
        step = _END if at == changes[-1] else number + 1
        first = next((then for then, _, shown in seen[bisect_left(times, at) :] if shown >= step), None)
        late = (first if first is not None else end) - at
        if step == _END:
            told.names.append(late)
            told.missed += first is None
            continue
        stands = {message: shown for then, message, shown in seen if then < at}
        if any(0 <= shown < _END for shown in stands.values()):
            told.steps.append(late)


def _seen(chat: Chat, digits: str) -> list[tuple[float, int, float]]:
    """Return when which message of *chat* came to show which step of the task, -1 where it shows the task no longer."""
    seen = []
    for message in chat.bot_messages:
        before = -1.0
        for at, text in message.versions:
            step = _step(text, digits)
            if step != before:
                seen.append((at, message.id, step))
            before = step
    return sorted(seen)


def _step(text: str, digits: str) -> float:
    if _name(digits) in text:
        return _END
    first, *others = text.split("\n")
    short = digits[:8]
    line = text if short in first else next((one for one in others if short in one), None)
    if line is None or line.endswith("another message now."):
        return -1
    peers = _PEERS.search(line)
    return int(peers[1]) if peers else 0


def _figures(of: str, play: Play, told: Mapping[str, Told], *, worst: float | None) -> list[Figure]:
    ours, each = told["calibot"], told.get("each")
    late = f", {ours.missed} of {len(play.tasks)} not shown in {play.window:.0f} s" if ours.missed else ""
    beside = _BESIDE
    if each is not None and each.missed:
        beside = f"{_BESIDE} ({each.missed} of {len(play.tasks)} not shown in {play.window:.0f} s)"
    wanted = None if worst is None else Target(bound=worst, unit="s")

    def figure(what: str, unit: str, of_told: Callable[[Told], float], target: Target | None = None) -> Figure:
        return Figure(
            what=f"{of}: {what}",
            value=of_told(ours),
            unit=unit,
            beside=beside if each is not None else "",
            other=of_told(each) if each is not None else None,
            target=target,
            cause=_ENDS.format(seconds=play.window / 3),
        )

    figures = [
        figure(f"its name, mean{late}", "s", lambda one: _mean(one.names)),
        figure(f"its name, worst{late}", "s", lambda one: max(one.names), wanted),
    ]
    if all(one.steps for one in told.values()):
        figures.append(figure("its progress, mean", "s", lambda one: _mean(one.steps)))
        figures.append(figure("its progress, worst", "s", lambda one: max(one.steps)))
    figures.append(figure("requests", "", lambda one: one.calls))
    figures.append(figure("of these refused with 429", "", lambda one: one.refused, Target(bound=0)))
    return figures


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


async def _until(at: float) -> None:
    await asyncio.sleep(max(0.0, at - time.time()))


def _name(digits: str) -> str:
    return f"Film {digits[:12]}.mkv"

"""From a command to its first answer, beside a bot that only echoes; both over the sandbox's Bot API."""

import asyncio
import os
import statistics

from benchmarks.bots import Bot, calibot, echo
from benchmarks.figures import Figure, Section, Target
from benchmarks.scale import Scale
from benchmarks.timing import percentile

_PAUSE = 0.12
"""Seconds between two commands: within Telegram's 30 a second with the edits that follow each."""
_QUIET = 4.0
"""Seconds until each chat has its whole burst again: a start takes it that its predecessor has used it up."""
_CAUSE = (
    "the command is stored before it is answered (a COMMIT that waits for the disk), its card is read back from the "
    "store, and the gate, the allowance and the outbox stand between; an echo does none of it"
)


async def commands(scale: Scale) -> Section:
    section = Section("Command → first answer")
    async with echo(scale.commands) as plain, calibot(scale.commands) as idle:
        asked = await _asked({"echo": plain, "idle": idle}, scale)
        section.figures += _figures("/calibrate_hash → first answer", asked["idle"], asked["echo"], 3)
    async with (
        echo(scale.commands) as plain,
        calibot(scale.commands, lookups=scale.running) as busy,
    ):
        asked = await _asked({"echo": plain, "busy": busy}, scale)
        what = f"the same with {scale.running:,} lookups running"
        section.figures += _figures(what, asked["busy"], asked["echo"], 5)
    return section


async def _asked(bots: dict[str, Bot], scale: Scale) -> dict[str, list[float]]:
    """Ask each bot in turn, each time from another chat."""
    took: dict[str, list[float]] = {name: [] for name in bots}
    for _ in range(scale.rounds):
        await asyncio.sleep(min(_QUIET, scale.settle))
        for place in range(scale.commands):
            for name, bot in bots.items():
                took[name].append(await bot.answer_to(place, f"/calibrate_hash {os.urandom(20).hex()}"))
                await asyncio.sleep(_PAUSE)
    return took


def _figures(what: str, ours: list[float], echoed: list[float], bound: float) -> list[Figure]:
    return [
        Figure(
            what=f"{what}, median",
            value=statistics.median(ours),
            unit="s",
            beside="a python-telegram-bot echo",
            other=statistics.median(echoed),
            target=Target(bound=bound, of_ratio=True),
            cause=_CAUSE,
        ),
        Figure(
            what=f"{what}, p95",
            value=percentile(ours, 0.95),
            unit="s",
            beside="a python-telegram-bot echo",
            other=percentile(echoed, 0.95),
        ),
    ]

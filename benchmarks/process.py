"""The process itself: how long it takes to start, and how much memory it has in use."""

import asyncio
import statistics

from benchmarks.bots import calibot, echo
from benchmarks.figures import Figure, Section, Target
from benchmarks.scale import Scale
from benchmarks.timing import interleaved


async def process(scale: Scale) -> Section:
    section = Section("The process")
    started: dict[str, list[float]] = {"calibot": [], "echo": []}

    async def idle() -> float:
        async with calibot() as bot:
            started["calibot"].append(bot.started)
            await asyncio.sleep(min(1.0, scale.settle))
            return float(bot.resident)

    async def echoing() -> float:
        async with echo() as bot:
            started["echo"].append(bot.started)
            await asyncio.sleep(min(1.0, scale.settle))
            return float(bot.resident)

    async def busy() -> float:
        async with calibot(lookups=scale.lookups) as bot:
            await asyncio.sleep(scale.settle)
            return float(bot.resident)

    gave = await interleaved({"idle": idle, "echo": echoing, "busy": busy}, scale.rounds)
    grown = {name: statistics.median(values) for name, values in gave.items()}
    section.figures += [
        Figure(
            what="start → asks for messages",
            value=statistics.median(started["calibot"]),
            unit="s",
            beside="a python-telegram-bot echo",
            other=statistics.median(started["echo"]),
        ),
        Figure(
            what="memory, idle",
            value=grown["idle"],
            unit="B",
            beside="a python-telegram-bot echo",
            other=grown["echo"],
        ),
        Figure(
            what=f"memory, {scale.lookups:,} lookups running",
            value=grown["busy"],
            unit="B",
            beside="idle",
            other=grown["idle"],
            target=Target(bound=2, of_ratio=True),
            cause="the task, its items and as many lookups of libtorrent's",
        ),
    ]
    return section

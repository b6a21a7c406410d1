"""``python -m benchmarks.weather``: names in bad weather, measured, printed and written to a page."""

import argparse
import asyncio
import itertools
import os
import signal
import sys
from collections.abc import Iterator, Sequence

from benchmarks import alone
from benchmarks.peers.port import Missing
from benchmarks.processes import environment, module
from benchmarks.weather.network import WAYS
from benchmarks.weather.searchers import PROGRAMS
from benchmarks.weather.simulator import simulator
from benchmarks.weather.trial import CLIMATES, LIARS, STARTS, Result, Trial, tried

_NODES = 1_000_000
_KINDS = (CLIMATES, LIARS, STARTS, WAYS, PROGRAMS)
_WORDS = [word for kind in _KINDS for word in kind]


def every_trial() -> Iterator[Trial]:
    for climate, liars, start, way, who in itertools.product(CLIMATES, LIARS, STARTS, WAYS, PROGRAMS):
        yield Trial(climate, liars, start, way, who)


def chosen(words: Sequence[str]) -> list[Trial]:
    """Return the trials that *words* leave: of each kind of word named, one must be the trial's."""
    kinds = [set(kind) & set(words) for kind in _KINDS]
    return [
        one
        for one in every_trial()
        if all(not kind or word in kind for kind, word in zip(kinds, one.words, strict=True))
    ]


def main(arguments: Sequence[str]) -> int:
    """Run what *arguments* say; return the exit code, 1 where something failed or the simulator was too slow."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.weather", description=__doc__)
    parser.add_argument("--only", nargs="+", default=[], choices=_WORDS, help="trials with these words")
    parser.add_argument("--seed", type=int, default=1, help="what network it is, and who is in it")
    parser.add_argument("--names", type=int, default=60, help="how many names a trial looks up")
    parser.add_argument("--nodes", type=int, default=_NODES, help="how many nodes the DHT has")
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.alone:
        alone.bring_up_loopback()
    elif again := alone.command(module("benchmarks.weather", *arguments, "--alone")):
        os.execvpe(again[0], again, environment())  # noqa: S606 - ourselves, in a network of our own
    try:
        return asyncio.run(_run(options))
    except (KeyboardInterrupt, asyncio.CancelledError):
        return 130


async def _run(options: argparse.Namespace) -> int:
    me = asyncio.current_task()
    assert me is not None  # noqa: S101 - asyncio.run made it
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, me.cancel)
    strained = False
    for weather, trials in itertools.groupby(chosen(options.only), lambda one: one.weather):
        async with simulator(weather, options.seed, options.nodes) as network:
            for trial in trials:
                try:
                    result = await tried(trial, network, options.names)
                except Missing as missing:
                    _say(f"{' '.join(trial.words)}: {missing}")
                    continue
                strained = strained or bool(result.strained)
                _say(_line(result))
    return 1 if strained else 0


def _line(result: Result) -> str:
    return (
        f"{' '.join(result.trial.words)}: "
        f"p50 {result.seconds(0.5):.2f} s, {result.ratio(0.5):.2f} x the floor; "
        f"p95 {result.seconds(0.95):.2f} s, {result.ratio(0.95):.2f} x; "
        f"found in 30 s {result.found(30):.3f}, in 60 s {result.found(60):.3f}; "
        f"{result.questions:.0f} DHT questions and {result.outcome.cpu / len(result.floors) * 1e3:.0f} ms of CPU a name, "
        f"{result.outcome.memory / 1e6:.0f} MB; simulator late {result.strain.late * 1e3:.1f} ms "
        f"(worst {result.strain.latest * 1e3:.0f}) {result.strained}"
    )


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - what a person at a terminal reads


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""``python -m benchmarks.weather``: names in bad weather, measured, printed and written to a page."""

import argparse
import asyncio
import contextlib
import itertools
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks import alone, unread
from benchmarks.peers.aria2 import Aria2
from benchmarks.peers.port import Missing
from benchmarks.peers.qbittorrent import Qbittorrent
from benchmarks.processes import ROOT, environment, module
from benchmarks.weather import page, router_names
from benchmarks.weather.plan import WORDS, batches, waits, wanted
from benchmarks.weather.simulator import Simulator, simulator
from benchmarks.weather.trial import MOST_NAMES, PATIENCE, Prepared, Result, Trial, prepared, strained, tried

_PAGE = ROOT / "docs" / "weather.md"
_LONGEST_RUN = 840.0
"""Seconds after which no other batch is begun."""

_TRIES = 2


def main(arguments: Sequence[str]) -> int:
    """Run what *arguments* say; return the exit code, 1 where the simulator was too slow to be measured by."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.weather", description=__doc__)
    parser.add_argument("--only", nargs="+", default=[], choices=WORDS, help="trials with these words; writes no page")
    parser.add_argument("--seed", type=int, default=1, help="what network it is, and who is in it")
    parser.add_argument("--names", type=int, default=60, help=f"how many names a trial looks up, {MOST_NAMES} at most")
    parser.add_argument("--nodes", type=int, default=1_000_000, help="how many nodes the DHT has")
    parser.add_argument("--patience", type=float, default=PATIENCE, help="seconds after which a name is given up")
    parser.add_argument("--output", type=Path, help="the page (docs/weather.md; none with --only)")
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if not 0 < options.names <= MOST_NAMES:
        parser.error(f"--names is from 1 to {MOST_NAMES}")
    if options.alone:
        alone.bring_up_loopback()
    elif again := alone.command(module("benchmarks.weather", *arguments, "--alone")):
        os.execvpe(again[0], again, environment())  # noqa: S606 - ourselves, in a network of our own
    unread.log()
    try:
        return asyncio.run(_Run(options).run())
    except (KeyboardInterrupt, asyncio.CancelledError):
        return 130


class _Run:
    """One run, as *options* want it."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._began = time.monotonic()
        self._results: list[Result] = []
        self._missing: dict[str, str] = {}
        self._slow = False

    async def run(self) -> int:
        """Return the exit code."""
        me = asyncio.current_task()
        assert me is not None  # noqa: S101 - asyncio.run made it
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, me.cancel)  # what we started ends with us
        for weather, trials in itertools.groupby(wanted(self._options.only), lambda one: one.weather):
            async with simulator(weather, self._options.seed, self._options.nodes) as network:
                if self._options.alone:
                    await asyncio.to_thread(_name_routers, network)
                for batch in batches(list(trials)):
                    await self._batch(network, batch)
        await self._write()
        return 1 if self._slow else 0

    async def _batch(self, network: Simulator, batch: Sequence[Trial]) -> None:
        """Make the trials of *batch*, once more where the simulator was too slow: the machine may be shared."""
        why = ""
        for _ in range(_TRIES):
            if time.monotonic() - self._began > _LONGEST_RUN:
                break
            results, why = await self._made(network, batch)
            if not why:
                self._results += results
                return
            _say(f"!!! THE SIMULATOR WAS THE BOTTLENECK: {why}")
        self._slow = self._slow or bool(why)
        why = f"the simulator was the bottleneck: {why}" if why else "the run had no time left"
        self._missing |= {" ".join(one.words): why for one in batch}

    async def _made(self, network: Simulator, batch: Sequence[Trial]) -> tuple[list[Result], str]:
        """Return what the trials of *batch* brought, and why that counts for nothing; an empty text where it counts."""
        names = self._options.names
        made = [await prepared(trial, network, names, f"127.0.0.{10 + place}") for place, trial in enumerate(batch)]
        await network.strain()  # from here on
        trying = (self._tried(one, network, wait) for one, wait in zip(made, waits(batch), strict=True))
        results = [one for one in await asyncio.gather(*trying) if one is not None]
        strain = await network.strain()
        _say(f"  simulator: late {strain.late * 1e3:.1f} ms (99 %), {strain.latest * 1e3:.1f} ms (99.9 %)")
        return results, strained(strain)

    async def _tried(self, made: Prepared, network: Simulator, wait: float) -> Result | None:
        await asyncio.sleep(wait)
        try:
            result = await tried(made, network, self._options.patience)
        except (Missing, RuntimeError) as missing:  # the second: its process has ended, and printed why
            self._missing[" ".join(made.trial.words)] = str(missing)
            return None
        _say(f"{time.monotonic() - self._began:4.0f} s  {page.line(result)}")
        return result

    async def _write(self) -> None:
        options, output = self._options, self._options.output or (None if self._options.only else _PAGE)
        said = {
            "alone": ", in a network namespace of its own" if options.alone else "",
            "seed": options.seed,
            "names": options.names,
            "nodes": options.nodes,
            "patience": options.patience,
            "seconds": time.monotonic() - self._began,
        }
        written = page.page(self._results, self._missing, await _versions(), said)
        if output is not None:
            await asyncio.to_thread(output.write_text, written, "utf-8")
        _say(written)


def _name_routers(network: Simulator) -> None:
    """Let the DHT's public routers be ours, where the network has nodes that listen on their ports."""
    hosts = {int(port): host for host, _, port in (one.rpartition(":") for one in network.routers)}
    if hosts.keys() >= set(router_names.PORTS.values()):
        router_names.lead({name: hosts[port] for name, port in router_names.PORTS.items()})


async def _versions() -> dict[str, str]:
    found = {}
    for peer in (Aria2(), Qbittorrent()):
        with contextlib.suppress(Missing):
            found[peer.name] = await peer.version()
    return found


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - what a person at a terminal reads


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""``python -m benchmarks``: measure, print and write the page."""

import argparse
import asyncio
import os
import signal
import sys
import time
import traceback
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

from benchmarks import alone, names, picture, report, unread
from benchmarks.batch import batch
from benchmarks.commands import commands
from benchmarks.figures import Section
from benchmarks.live import live
from benchmarks.process import process
from benchmarks.processes import ROOT, environment, module
from benchmarks.scale import FULL, TINY, Scale
from benchmarks.search import search
from benchmarks.submit import submit
from benchmarks.text import text
from benchmarks.ticks import ticks
from benchmarks.web import web

SECTIONS: Mapping[str, Callable[[Scale], Awaitable[Section]]] = {
    "tracker": names.by_tracker,
    "dht": names.by_dht,
    "bad": names.among_bad,
    "dead": names.dead,
    "submit": submit,
    "commands": commands,
    "web": web,
    "batch": batch,
    "text": text,
    "ticks": ticks,
    "live": live,
    "search": search,
    "process": process,
}
_LONGEST_SECTION = 240.0
_LONGEST_RUN = 900.0
_PAGE = ROOT / "docs" / "benchmarks.md"


def main(arguments: Sequence[str]) -> int:
    """Run what *arguments* say; return the exit code, 1 where a section failed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", action="append", choices=list(SECTIONS), help="this section; again for more")
    parser.add_argument("--tiny", action="store_true", help="very little of each: does it work at all?")
    parser.add_argument("--output", type=Path, help="the page (docs/benchmarks.md; none with --only)")
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.alone:
        alone.bring_up_loopback()
    elif again := alone.command(module("benchmarks", *arguments, "--alone")):
        os.execvpe(again[0], again, environment())  # noqa: S606 - ourselves, in a network of our own
    unread.log()
    try:
        return asyncio.run(_run(options))
    except (KeyboardInterrupt, asyncio.CancelledError):
        return 130


async def _run(options: argparse.Namespace) -> int:
    scale = TINY if options.tiny else FULL
    sections, failed = [], []
    began = time.monotonic()
    me = asyncio.current_task()
    assert me is not None  # noqa: S101 - asyncio.run made it
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, me.cancel)  # so that what we started ends with us
    for name in options.only or SECTIONS:
        _say(f"{time.monotonic() - began:4.0f} s  {name} ...")
        try:
            async with asyncio.timeout(min(_LONGEST_SECTION, began + _LONGEST_RUN - time.monotonic())):
                sections.append(await SECTIONS[name](scale))
        except Exception:  # noqa: BLE001 - the others are measured all the same
            traceback.print_exc()
            failed.append(name)
            sections.append(Section(name, missing={"the whole section": "it failed; its traceback was printed"}))
    await asyncio.to_thread(_write, options, scale, sections, time.monotonic() - began, await names.versions())
    return 1 if failed else 0


def _write(
    options: argparse.Namespace, scale: Scale, sections: list[Section], seconds: float, versions: Mapping[str, str]
) -> None:
    output: Path | None = options.output or (None if options.only else _PAGE)
    drawn = None
    if output is not None:
        output.parent.mkdir(exist_ok=True)
        drawn = picture.draw(sections, output.with_suffix(".svg"))
    written = report.page(
        sections,
        versions,
        rounds=scale.rounds,
        seconds=seconds,
        alone=options.alone,
        picture=drawn.name if drawn else "",
    )
    if output is not None:
        output.write_text(written, "utf-8")
    _say(written)


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - what a person at a terminal reads


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

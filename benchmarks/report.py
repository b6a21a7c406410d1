"""The page of a run, in Markdown: what was measured on which machine, and what fell short and why."""

import importlib.metadata
import os
import platform
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from benchmarks.figures import Figure, Section, shown

_PACKAGES = (
    "libtorrent",
    "python-telegram-bot",
    "aiosqlite",
    "aiohttp",
    "fastapi",
    "uvicorn",
    "flask",
    "gunicorn",
    "qbittorrent-api",
    "matplotlib",
)
_HEAD = """# Benchmarks

`make bench` measures all of this in one run and writes this page; nothing in it is written by hand. Everything talks to
loopback only{alone}.

Who is compared takes turns with calibot in the same run ({rounds} rounds), and a value is the median of them unless
another figure is named. After names is a rest, in which whoever found them takes out what it had: that counts as CPU,
and not as time. **Read the ratios**: the machine is shared. Nothing is gated by these figures.

The swarm (tracker, DHT, seeder) and the Bot API server are this repository's sandbox; names by the public swarm or
answers by the real Telegram take as long as the network between does.
"""


def page(
    sections: Sequence[Section], versions: Mapping[str, str], *, rounds: int, seconds: float, alone: bool, picture: str
) -> str:
    """Return the whole page."""
    where = ", in a network namespace of its own" if alone else ""
    lines = [_HEAD.format(alone=where, rounds=rounds), *machine_and_versions(versions, seconds)]
    if picture:
        lines += [f"![Ratios and targets]({picture})", ""]
    for section in sections:
        lines += [f"## {section.title}", "", *table(section.figures), ""]
        lines += [f"- not measured: {who}: {why}." for who, why in section.missing.items()]
        lines += [""] if section.missing else []
    lines += ["## What falls short, and why", "", *short(sections), ""]
    return "\n".join(lines)


def machine_and_versions(versions: Mapping[str, str], seconds: float) -> list[str]:
    """Return on what it was measured, and that it took so many *seconds*; *versions* are those of the peers."""
    machine = f"**Machine:** {_machine()}. The run took {seconds:.0f} s."
    return [machine, "", f"**Versions:** {_versions(versions)}.", ""]


def table(figures: Sequence[Figure]) -> Iterator[str]:
    """Yield the lines of a table of *figures*."""
    yield "| what | value | beside | ratio | target |"
    yield "|---|---:|---|---:|---|"
    for one in figures:
        beside = f"{one.beside}: {shown(one.other, one.unit)}" if one.other is not None else one.beside
        ratio = shown(one.ratio, "×") if one.ratio is not None else ""
        yield f"| {one.what} | {shown(one.value, one.unit)} | {beside} | {ratio} | {_verdict(one)} |"


def _verdict(figure: Figure) -> str:
    if figure.target is None:
        return figure.remark
    return f"{figure.target} {'✓' if figure.met else 'short: see below'}"


def short(sections: Sequence[Section]) -> list[str]:
    """Return the lines that say what missed its target, by how much, and why."""
    missed = [
        f"- **{one.what}**: {shown(one.value, one.unit)}{_times(one)}, wanted {one.target}. Cause: {one.cause}."
        for section in sections
        for one in section.figures
        if one.met is False
    ]
    return missed or ["Nothing."]


def _times(figure: Figure) -> str:
    return f" ({shown(figure.ratio, '×')} {figure.beside})" if figure.ratio else ""


def _machine() -> str:
    with_memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    models = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines()
        if line.startswith("model name")
    ]
    model = models[0] if models else platform.machine()
    return f"{model}, {os.cpu_count()} cores, {with_memory:.0f} GiB, {platform.system()} {platform.release()}"


def _versions(peers: Mapping[str, str]) -> str:
    found = {"Python": platform.python_version(), "SQLite": sqlite3.sqlite_version}
    for name in _PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    found |= {name: version for name, version in peers.items() if not name.startswith("libtorrent")}
    return ", ".join(f"{name} {version}" for name, version in found.items())

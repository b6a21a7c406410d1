"""The page of a run: a table of its trials, and whether calibot keeps to what was wanted of it."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from benchmarks import report
from benchmarks.figures import Figure, Section, Target, shown
from benchmarks.weather.trial import LIARS, PATIENCE, SOON, STARTS, Result, Trial

_HEAD = """# Names in bad weather

`make bench-weather` measures all of this in one run and writes this page; nothing in it is written by hand. Everything
talks to loopback only{alone}. Seed {seed}, {names} names a trial, {many} where calibot is warm in the calm with few
liars, a DHT of {nodes:,} nodes.

A simulated network, all of it drawn from the seed. **Calm**: of the DHT's nodes 45 % are silent, round trips are
around 110 ms, 2 % of the datagrams get lost each way. Of a torrent's twelve peers 50 % hang, 17 % refuse, 7 % stall,
6 % close, 5 % have no metadata, 2 % lie (or 15 %), 13 % are good: some by TCP alone, some by MSE alone, some by uTP
alone. Of three trackers one is dead, one slow, one good. **Storm**: 60 % are silent, round trips are around 180 ms,
8 % gets lost. `benchmarks/weather/__init__.py` says what is simulated and what is not.
The public internet was not asked.

**Warm**: the DHT was used before, and the names come half a second apart. **Cold**: started this moment, all names at
once. The **floor** is an oracle's, for the same names in the same network: it asks everybody that it hears of at once,
never one that is silent, loses nothing, speaks to the best peer alone, and gets all of the metadata in one round trip:
two or three pieces, for which libtorrent asks a peer one after the other.
**Read the ratios to it.** A name not found within {patience:.0f} s is given up; `–` where more were not found than the
percentile leaves out.
"""
_WAYS = {"dht": "the DHT", "trackers": "trackers", "both": "both"}
_NAMES = {"libtorrent": "libtorrent, its own settings", "qbittorrent": "qbittorrent-nox"}
_COLUMNS = (
    *("p50", "× floor", "p95", "× floor", "found in 30 s", "in 60 s"),
    *("DHT datagrams a name", "CPU a name", "memory"),
)
_BOUNDS = {"warm": (1.4, 1.6), "cold": (1.8, 2.2)}
_SLOW = 0.1
_LIARS_BOUND = 2.5
_SOON_BOUND = 0.99


def page(
    results: Sequence[Result], missing: Mapping[str, str], versions: Mapping[str, str], said: Mapping[str, object]
) -> str:
    """Return the whole page; *said* fills the gaps of its head, and tells the ``seconds`` of the run."""
    many = Trial("calm", "honest", "warm", "dht", "calibot").names(int(str(said["names"])))
    lines = [_HEAD.format(**said, many=many), *report.machine_and_versions(versions, float(str(said["seconds"])))]
    for title, some in _by_weather(results):
        lines += [f"## {title}", "", *_table(some), ""]
    lines += [f"- not measured: {what}: {why}." for what, why in missing.items()]
    targets = Section("Targets", [figure for one in results for figure in targets_of(one)])
    lines += ["", "## Targets", "", *report.table(targets.figures), ""]
    lines += ["## What falls short, and why", "", *report.short([targets]), ""]
    return "\n".join(lines)


def _by_weather(results: Iterable[Result]) -> Iterator[tuple[str, list[Result]]]:
    kinds: dict[str, list[Result]] = {}
    for one in results:
        kinds.setdefault(_weather(one.trial), []).append(one)
    yield from kinds.items()


def _weather(trial: Trial) -> str:
    return f"{trial.climate.title()}, {LIARS[trial.liars] * 100:.0f} % liars"


def _table(results: Sequence[Result]) -> Iterator[str]:
    yield f"| start | by | who | {' | '.join(_COLUMNS)} |"
    yield f"|---|---|---|{'---:|' * len(_COLUMNS)}"
    for one in sorted(results, key=lambda one: (STARTS.index(one.trial.start), list(_WAYS).index(one.trial.way))):
        trial = one.trial
        values = [
            *(
                text
                for share in (0.5, 0.95)
                for text in (_or_dash(one.seconds(share), "s"), _or_dash(one.ratio(share)))
            ),
            *(f"{one.found(within) * 100:.0f} %" for within in (SOON, PATIENCE)),
            f"{one.questions:.0f}",
            shown(one.cpu, "s"),
            shown(one.outcome.memory, "B"),
        ]
        yield f"| {trial.start} | {_WAYS[trial.way]} | {_NAMES.get(trial.who, trial.who)} | {' | '.join(values)} |"


def _or_dash(value: float, unit: str = "") -> str:
    return shown(value, unit) if math.isfinite(value) else "–"


def targets_of(result: Result) -> Iterator[Figure]:
    """Yield what was wanted of *result*: of calibot alone, in the calm."""
    trial = result.trial
    if trial.who != "calibot" or trial.climate != "calm":
        return
    what = f"{_weather(trial).lower()}, {trial.start}, by {_WAYS[trial.way]}"
    half, most = _BOUNDS[trial.start]
    bounds = {0.95: _LIARS_BOUND} if trial.liars == "liars" else {0.5: half, 0.95: most}
    cause = _cause(result)
    for share, bound in bounds.items():
        yield Figure(
            what=f"{what}: p{share * 100:.0f}",
            value=min(PATIENCE, result.seconds(share)),
            unit="s",
            beside="the floor",
            other=result.floor(share),
            target=Target(bound=bound, of_ratio=True),
            cause=cause,
        )
    within, share = (SOON, _SOON_BOUND) if trial.liars == "honest" else (PATIENCE, 1.0)
    yield Figure(
        what=f"{what}: found{' in 30 s' if within == SOON else ''}",
        value=result.found(within),
        unit="",
        target=Target(bound=share, at_least=True),
        cause=cause,
    )


def _cause(result: Result) -> str:
    """Return what the slowest names have in common: how their good peers are reached, and who lies."""
    slowest, every = result.slowest(_SLOW), result.placed
    reached = Counter(one.reached for one in slowest)
    ways = ", ".join(
        f"{count} ({sum(one.reached == way for one in every)}) by {way}" for way, count in reached.most_common()
    )
    never = sum(one is None for one in result.outcome.seconds)
    lost = f"{never} were not found; " if never else ""
    liars = f"{sum(one.liars > 0 for one in slowest)} ({sum(one.liars > 0 for one in every)}) have a liar"
    return f"{lost}of the slowest {len(slowest)} (of all {len(every)}), good peers are reached {ways}; {liars}"


def line(result: Result) -> str:
    """Return *result* in one line, for whoever waits for the page."""
    spots = (
        f"p{share * 100:.0f} {_or_dash(result.seconds(share), 's')} ({_or_dash(result.ratio(share), '×')})"
        for share in (0.5, 0.95)
    )
    found = ", ".join(f"{result.found(within):.3f}" for within in (SOON, PATIENCE))
    costs = (
        f"{result.questions:.0f} datagrams, {shown(result.cpu, 's')} CPU a name, {shown(result.outcome.memory, 'B')}"
    )
    return f"{' '.join(result.trial.words)}: {', '.join(spots)}; found {found}; {costs}"

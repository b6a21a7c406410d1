"""``python -m bot resolve``: names of torrents in the terminal, by the settings' resolver; no token and no database."""

import asyncio
import logging
import math
import os
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import structlog

from bot import logs, sources, swarm
from bot.config import Settings, load
from bot.resolve_screen import Board, Line, Outcome, as_json, as_text
from bot.signals import until_signalled
from bot.terminal import BAD_INPUT, OutputLost, complain, end_without_output, why
from handlers.text import shown_name
from services.calibration.task import verdict
from services.clock import SystemClock
from services.errors import CalibotError
from services.magnets.parse import torrents_in
from services.resolvers.port import Resolver
from services.torrents import Hints, Step, TorrentId

log = structlog.stdlib.get_logger(__name__)
_DEFAULT_CONFIG = Path("config.toml")
_LONGEST_SHOWN = 60
Wanted = Mapping[TorrentId, Hints]


class BadInput(Exception):
    """What was asked for names no torrent; says so."""


def main(words: Sequence[str], config: Path | None, *, json: bool, seconds: float | None) -> int:
    """Look up what *words* name, or standard input's lines; return 0 when all were found, 1 when not, 2 for bad input.

    SIGINT, SIGTERM and SIGHUP end it with 130, 143 and 129.

    Args:
        words: magnets, hashes; ``-`` stands for standard input, and so does no word at all where that is no terminal.
        config: the settings; where none is named, config.toml if there is one, else every setting's default.
        json: print a JSON object a line instead of text.
        seconds: how long one lookup may take; None for what the settings say.
    """
    config = config or (_DEFAULT_CONFIG if _DEFAULT_CONFIG.exists() else None)
    settings = load(config)
    logs.configure(settings.telegram.token.get_secret_value(), logging.ERROR)
    if seconds is not None and not (0 < seconds < math.inf):
        return complain("--timeout must be a number of seconds above 0.", code=BAD_INPUT)
    try:
        wanted = gathered(words)
    except BadInput as error:
        return complain(str(error), code=BAD_INPUT)
    try:
        with swarm.borrowed_dht_state(settings.database.path) as dht_state:
            check = shlex.join([sys.orig_argv[0], "-m", "bot", "check", f"--config={config or os.devnull}"])
            running = until_signalled(_run(wanted, settings, dht_state, check, json=json, seconds=seconds))
            return asyncio.Runner().run(running)  # not closed: it would wait for threads; see `bot.cli`
    except CalibotError as error:
        return complain(f"Nothing can be looked up with resolvers.libtorrent as it is: {why(error)}", code=1)
    except BaseExceptionGroup as errors:
        lost = errors.subgroup(OutputLost)
        if lost is None:
            raise
        return end_without_output(lost)


def gathered(words: Sequence[str]) -> Wanted:
    """Return the distinct torrents of *words*, each with the hints of all that name it.

    Raises:
        BadInput: one of them names none, or standard input does not.
    """
    if not words and (sys.stdin is None or sys.stdin.isatty()):
        raise BadInput("Name a magnet link or an info-hash, or - to read lines from standard input.")
    found: dict[TorrentId, Hints] = {}
    for word in words or ("-",):
        texts = _input_lines() if word == "-" else [word]
        named = [one for text in texts for one in torrents_in(text)]
        for torrent, hints in named:
            found[torrent] = found.get(torrent, Hints()).merged(hints)
        if not named:
            raise BadInput(f"{_cited(word)} has no magnet link and no info-hash (40 or 64 hex digits, or 32 base32).")
    return found


def _input_lines() -> Iterator[str]:
    try:
        for line in sys.stdin.buffer if sys.stdin else ():  # None: it was closed
            yield line.decode("utf-8", "replace")
    except OSError as error:
        raise BadInput(f"Standard input cannot be read: {error.strerror}.") from error


def _cited(word: str) -> str:
    if word == "-":
        return "Standard input"
    shown = shown_name(word)
    return f'"{shown[:_LONGEST_SHOWN]}…"' if len(shown) > _LONGEST_SHOWN else f'"{shown}"'


async def _run(
    wanted: Wanted, settings: Settings, dht_state: Path, check: str, *, json: bool, seconds: float | None
) -> int:
    failures: list[Step | None] = []
    troubles: dict[str, None] = {}
    with Board.on(sys.stderr) as board:

        def told(outcome: Outcome) -> None:
            failures.append(outcome.failure)
            board.say(as_json(outcome) if json else as_text(outcome))

        def troubled(source: str, reason: str) -> None:
            troubles[shown_name(f"{source}: {reason}")] = None

        marks, clock = sources.marks_of(settings.database.path), SystemClock()
        opened = sources.opened(settings.resolvers, dht_state, clock, marks=marks, any_port=True, troubled=troubled)
        async with opened as resolver:
            options = settings.calibration
            each = options.timeout if seconds is None else seconds
            await look_up(resolver, wanted, most=options.max_workers, seconds=each, board=board, told=told)
    failed = [one for one in failures if one]
    hints = [f"To see what is wrong: {check}"] if any(map(_shows_in_a_check, failed)) else []
    if hints or (troubles and any("failed" in one.parameters for one in failed)):
        complain(*troubles, *hints, code=1)
    return 1 if failed else 0


def _shows_in_a_check(failure: Step) -> bool:
    """Whether it may come of this machine or its settings; that nobody is there to be asked does not."""
    cut_off = failure.code == "cut_off" and any(failure.parameters.get(one) for one in ("trackers", "dht"))
    return cut_off or failure.code == "resolver_down" or "unasked" in failure.parameters


async def look_up(
    resolver: Resolver, wanted: Wanted, *, most: int, seconds: float, board: Board, told: Callable[[Outcome], None]
) -> None:
    """Look up all of *wanted*, at most *most* at once; call *told* with each as it ends.

    *seconds* is what each may take from when its first source has begun; *board* shows what is under way.
    """
    waiting = iter(wanted.items())

    async def work() -> None:
        for torrent, hints in waiting:
            with board.line(torrent) as line:
                outcome = await _outcome(resolver, torrent, hints, line, seconds)
            told(outcome)

    async with asyncio.TaskGroup() as group:
        for _ in range(min(most, len(wanted))):
            group.create_task(work())


async def _outcome(resolver: Resolver, torrent: TorrentId, hints: Hints, line: Line, seconds: float) -> Outcome:
    info, failure = None, None
    try:
        async with asyncio.timeout(None) as limit:
            info = await resolver.resolve(torrent, hints, _Timed(line, limit, seconds))
    except TimeoutError:
        info = line.claim
        failure = None if info else verdict(line.step)
    except CalibotError as error:
        failure = Step(error.code, error.parameters)
    except Exception as error:  # it ends this lookup alone, as in the bot
        log.exception("lookup.bug")
        failure = Step(CalibotError.code, {"error": type(error).__name__})
    return Outcome(torrent, line.seconds, info, failure)


class _Timed:
    """The progress of a lookup whose time begins when it has started, as in the bot: not while it stands in line."""

    def __init__(self, line: Line, limit: asyncio.Timeout, seconds: float) -> None:
        self._limit = limit
        self._seconds = seconds
        self.report = line.report
        self.claimed = line.claimed

    def started(self) -> None:
        if self._limit.when() is None:
            self._limit.reschedule(asyncio.get_running_loop().time() + self._seconds)

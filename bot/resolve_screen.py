"""What `resolve` prints: outcomes on standard output, and on a terminal a live line for each lookup under way."""

import contextlib
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self, TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from bot.terminal import say
from handlers.text import extent, shown_name
from services.i18n import ENGLISH, duration, sentence, source_word
from services.torrents import Step, TorrentId, TorrentInfo
from services.units import size

_SHOWN_FILES = 20
_REDRAWS_A_SECOND = 5


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a lookup ended: with *info*, or with a *failure*."""

    torrent: TorrentId
    seconds: float
    info: TorrentInfo | None
    failure: Step | None


def as_json(outcome: Outcome) -> str:
    """Return *outcome* as one line in ASCII without controls. *status* is ``found``, or the failure's code."""
    info, failure = outcome.info, outcome.failure
    listed = info and (info.verified or info.files)  # else nothing stands for what a claim has not told
    value = {
        "info_hash": outcome.torrent.shown.hex,
        "status": failure.code if failure else "found",
        "name": info.name.text if info else None,
        "size": info.size if info and (listed or info.size) else None,
        "files": [{"path": file.path, "size": file.size} for file in info.files] if info and listed else None,
        "source": info.source if info else None,
        "verified": info.verified if info else False,
        "certain": info.name.certain if info else False,
        "seconds": round(outcome.seconds, 3),
        "error": _sentence(failure) if failure else None,
    }
    return json.dumps(value).replace("\x7f", "\\u007f")  # DEL is ASCII, and a control


def as_text(outcome: Outcome) -> str:
    """Return *outcome* as lines in which no control and no bidirectional character is left."""
    digits = outcome.torrent.shown.hex
    if outcome.info is None:
        return f"{digits}\n  {_sentence(outcome.failure or Step('internal'))}"
    return "\n".join([digits, *(f"  {line}" for line in _found(outcome.info))])


def _found(info: TorrentInfo) -> Iterator[str]:
    count = len(info.files)
    yield shown_name(info.name.text) or "(its name is empty)"
    words = [*extent(ENGLISH, info.size, count)]
    source = source_word(ENGLISH, info.source) or shown_name(info.source)
    words.append(f"verified, from {source}" if info.verified else f"claimed by {source}, not verified")
    if not info.name.certain:
        words.append(f"its encoding is a guess: {shown_name(info.name.encoding)}")
    yield " · ".join(words)
    for file in info.files[:_SHOWN_FILES]:
        yield f"  {shown_name(file.path)} · {size(file.size)}"
    if count > _SHOWN_FILES:
        yield f"  and {count - _SHOWN_FILES} more"


def _sentence(step: Step) -> str:
    return shown_name(sentence(step.code, step.parameters, ENGLISH))


class Line:
    """The progress of one lookup, as a line."""

    def __init__(self, torrent: TorrentId) -> None:
        self._torrent = torrent
        self._began = time.monotonic()
        self.step: Step | None = None
        self.claim: TorrentInfo | None = None

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began

    def report(self, step: Step) -> None:
        self.step = step

    def claimed(self, info: TorrentInfo) -> None:
        self.claim = info

    def __str__(self) -> str:
        told = _sentence(self.step) if self.step else "beginning"
        return f"{self._torrent.shown.hex[:16]}… {told} · {duration(ENGLISH, self.seconds)}"


class Board:
    """The lines of what is under way, redrawn in place; and what is said for good, above them."""

    def __init__(self, console: Console | None) -> None:
        self._lines: list[Line] = []
        self._console = console
        self._live: Live | None = None

    @classmethod
    @contextlib.contextmanager
    def on(cls, stream: TextIO) -> Iterator[Self]:
        """Yield a board that is drawn on *stream* where that is a terminal, and nowhere else."""
        console = Console(file=stream, highlight=False)
        board = cls(console if stream.isatty() and not console.is_dumb_terminal else None)
        try:
            board._draw()
            yield board
        finally:
            board._wipe()

    @contextlib.contextmanager
    def line(self, torrent: TorrentId) -> Iterator[Line]:
        """Show a lookup of *torrent* while the ``with`` lasts."""
        line = Line(torrent)
        self._lines.append(line)
        try:
            yield line
        finally:
            self._lines.remove(line)

    def say(self, text: str) -> None:
        """Print *text* to standard output, for good."""
        if not sys.stdout.isatty():
            say(text)
            return
        self._wipe()
        say(text)
        self._draw()

    def _draw(self) -> None:
        if self._console is not None:
            self._live = Live(
                console=self._console,
                get_renderable=self._drawn,
                refresh_per_second=_REDRAWS_A_SECOND,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._live.start()

    def _wipe(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _drawn(self) -> Group:
        """Return the lines as they are now; called by rich's thread, too."""
        lines = tuple(self._lines)
        room = max(1, (self._console.height if self._console else 1) - 2)
        shown = [Text(str(line), no_wrap=True, overflow="ellipsis") for line in lines[:room]]
        more = len(lines) - len(shown)
        return Group(*shown, *([Text(f"and {more} more")] if more else []))

"""What commands say to a person at a terminal, and in which words."""

import io
import os
import re
import signal
import sys
from errno import EPIPE
from pathlib import Path
from typing import TextIO

from services.errors import CalibotError
from services.i18n import ENGLISH, sentence

BAD_INPUT = 2
_WHERE_BROWSERS_ARE_SEEN = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
_TOKEN = re.compile(r"[0-9]{5,}:[A-Za-z0-9_-]{5,}", re.ASCII)


class OutputLost(OSError):
    """Standard output takes nothing more: whoever read it has enough, as `head` has, or its disk is full."""


def say(*lines: str) -> None:
    """Print *lines* to standard output, at once.

    Raises:
        OutputLost: they could not be written.
    """
    try:
        print(*lines, sep="\n", flush=True)  # noqa: T201 - what a person at a terminal reads
    except OSError as error:
        raise OutputLost(error.errno, error.strerror) from error


def tell_done(line: str) -> int:
    """Print what has been done, to standard error where standard output does not take it; return 0: it is done."""
    try:
        say(line)
    except OutputLost:
        _lead_nowhere(sys.stdout)
        complain(line, code=0)
    return 0


def complain(*lines: str, code: int) -> int:
    """Print *lines* to standard error, without what may be a token in the wrong place; return *code*."""
    try:
        print(*map(without_tokens, lines), sep="\n", file=sys.stderr, flush=True)  # noqa: T201 - what a person reads
    except OSError:  # there is nobody left to be told
        _lead_nowhere(sys.stderr)
    return code


def without_tokens(text: str) -> str:
    """Return *text* with stars for all that looks like what @BotFather gives."""
    return _TOKEN.sub("***", text)


def browsers_are_seen() -> bool:
    """Whether a browser that is opened here has somewhere to appear."""
    return any(map(os.environ.get, _WHERE_BROWSERS_ARE_SEEN))


def print_whatever_comes() -> None:
    """Let letters that the terminal does not know be replaced, not raised about."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def end_without_output(error: OutputLost | BaseExceptionGroup[OutputLost]) -> int:
    """End, with the reason on standard error, or quietly where whoever read it has enough; return the exit code."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    _lead_nowhere(sys.stdout)
    if error.errno == EPIPE:
        return 128 + signal.SIGPIPE
    return complain(f"The output could not be written: {error.strerror}.", code=1)


def lose_what_is_left() -> None:
    """Let what the standard streams do not take be lost: at its exit the interpreter would try it, and end with 120."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            _lead_nowhere(stream)


def _lead_nowhere(stream: TextIO) -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def open_what_is_closed() -> None:
    """Let the standard streams that are closed lead nowhere: else files of ours would have their numbers."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115 - for as long as we run


def why(error: CalibotError) -> str:
    """Return what went wrong, for the one who can see to it: with the reason that people in a chat are not told."""
    reason = error.parameters.get("reason")
    return sentence(error.code, error.parameters, ENGLISH) if reason is None else str(reason)

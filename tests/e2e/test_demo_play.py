"""What a person sees who lets the demo play in the terminal, and what it leaves behind: nothing."""

import os
import pty
import re
import signal
import subprocess
import sys
import termios
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import pytest
from rich.cells import cell_len

from tests.e2e.demo_help import assert_nothing_left, processes, read_until, started

_DEMO = (sys.executable, "-m", "bot", "demo-terminal")
_FAST = (sys.executable, "-c", "import sys; from bot import demo_play; sys.exit(demo_play.main(fast=True))")
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_STORY = (
    "18&tr=",
    "#1 saved",
    "[Calibrate]",
    "/calibrate 1",
    "running",
    "completed",
    "神女.The.Goddess.1934.修复版",
    "/calibrate_hash",
    "running",
    "Alice presses [Cancel]",
    "cancelled",
    "[Retry]",
    "Alice presses [Retry]",
    "completed",
    "Bach - Goldberg Variations (Open, 2012)",
    "/note 1",
    "dn=%E7%A5%9E%E5%A5%B3.The.Goddess.1934.%E4%BF%AE%E5%A4%8D%E7%89%88",
    "changed: 18 -> %E7%A5%9E",
    "@BotFather",
    "make run",
    "temporary folder is removed",
)


def missing(text: str, words: Sequence[str]) -> list[str]:
    """Return those of *words* that do not follow one another in *text*: the first of them, and all after it."""
    at = 0
    for number, word in enumerate(words):
        at = text.find(word, at)
        if at < 0:
            return list(words[number:])
    return []


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "temporary"
    path.mkdir()
    return path


@contextmanager
def in_a_pipe(folder: Path) -> Iterator["subprocess.Popen[bytes]"]:
    with started(folder, _DEMO, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        yield process


def test_the_transcript_tells_the_whole_story_and_nothing_is_left(folder: Path) -> None:
    with in_a_pipe(folder) as process:
        transcript, _ = process.communicate()
    assert missing(transcript.decode(), _STORY) == []
    assert b"\x1b" not in transcript
    assert process.returncode == 0
    assert_nothing_left(folder)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_the_middle_ends_it_and_nothing_is_left(folder: Path, number: signal.Signals) -> None:
    with in_a_pipe(folder) as process:
        read_until(process, "running ·")
        assert len(processes(folder)) == 1
        process.send_signal(number)
        rest, _ = process.communicate()
    assert process.returncode == 128 + number
    assert rest.decode().endswith("Stopped. Nothing is left behind.\n")
    assert "Traceback" not in rest.decode()
    assert_nothing_left(folder)


def test_signals_while_it_stops_do_not_leave_the_bot_behind(folder: Path) -> None:
    with in_a_pipe(folder) as process:
        read_until(process, "running ·")
        for _ in range(3):
            process.send_signal(signal.SIGINT)
        process.communicate()
    assert process.returncode == 130
    assert_nothing_left(folder)


def test_when_the_bot_dies_one_line_says_so_with_the_end_of_its_log(folder: Path) -> None:
    with in_a_pipe(folder) as process:
        read_until(process, "running ·")
        (bot,) = processes(folder)
        os.kill(bot, signal.SIGKILL)
        rest, _ = process.communicate()
    assert process.returncode == 1
    words = [
        "The demo has failed: calibot ended early, with exit code -9. The last lines of calibot's log:",
        "running as",
    ]
    assert missing(rest.decode(), words) == []
    assert "Traceback" not in rest.decode()
    assert_nothing_left(folder)


def test_a_reader_who_has_enough_ends_it_quietly(folder: Path) -> None:
    with started(folder, _DEMO, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        complaints = process.stderr.read()
    assert complaints == b""
    assert process.returncode == 128 + signal.SIGPIPE
    assert_nothing_left(folder)


class PseudoTerminal:
    """A terminal of 80 columns and 24 rows with the demo in it."""

    def __init__(self, folder: Path, command: Sequence[str]) -> None:
        self._folder = folder
        self._command = command
        self.text = ""
        self.raw = b""

    def __enter__(self) -> Self:
        self._master, slave = pty.openpty()
        termios.tcsetwinsize(slave, (24, 80))
        files = dict.fromkeys(("stdin", "stdout", "stderr"), slave)
        # With the terminal as its own, so that Ctrl-C typed there is a signal.
        self._running = started(self._folder, ("setsid", "--ctty", *self._command), **files)
        self.process = self._running.__enter__()
        os.close(slave)
        return self

    def __exit__(self, *error: object) -> None:
        self._running.__exit__(None, None, None)
        self.close()

    def close(self) -> None:
        """Close the window."""
        if self._master >= 0:
            os.close(self._master)
            self._master = -1

    def type(self, keys: bytes) -> None:
        os.write(self._master, keys)

    def read_until(self, word: str = "") -> str:
        """Return all that was written, without escapes, up to *word* or, without one, to the end."""
        while not word or word not in self.text:
            try:
                piece = os.read(self._master, 65536)
            except OSError:  # nobody has it open any more
                break
            self.raw += piece
            self.text = _ESCAPES.sub("", self.raw.decode(errors="ignore")).replace("\r", "\n")
        return self.text


def test_in_a_terminal_of_80_columns_the_chat_is_drawn_and_it_ends_well(folder: Path) -> None:
    with PseudoTerminal(folder, _FAST) as terminal:
        text = terminal.read_until()
        assert terminal.process.wait() == 0
    words = ["#1 saved", "[ Calibrate ]", "edited 1×", "神女.The.Goddess.1934.修复版", "running → completed"]
    words += ["[ Cancel ]", "cancelled", "[ Retry ]", "attempt 2", "/note 1", "dn=%E7%A5%9E", "@BotFather"]
    assert missing(text, words) == []
    assert max(cell_len(line) for line in text.splitlines()) <= 80
    assert_cursor_shown(terminal.raw)
    assert_nothing_left(folder)


def test_ctrl_c_in_a_terminal_ends_it_and_nothing_is_left(folder: Path) -> None:
    with PseudoTerminal(folder, _DEMO) as terminal:
        terminal.read_until("#1 saved")
        assert len(processes(folder)) == 1
        terminal.type(b"\x03")
        text = terminal.read_until()
        assert terminal.process.wait() == 130
    assert "Stopped. Nothing is left behind." in text
    assert "Traceback" not in text
    assert_cursor_shown(terminal.raw)
    assert_nothing_left(folder)


def test_a_terminal_that_is_closed_ends_it_and_nothing_is_left(folder: Path) -> None:
    with PseudoTerminal(folder, _DEMO) as terminal:
        terminal.read_until("calibot is starting")
        terminal.close()
        assert terminal.process.wait() != 0
    assert_nothing_left(folder)


def assert_cursor_shown(raw: bytes) -> None:
    assert raw.rfind(b"\x1b[?25h") > raw.rfind(b"\x1b[?25l") >= 0

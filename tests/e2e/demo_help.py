"""The demos as processes: started, read, and what they leave behind."""

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.conftest import ROOT, environment


def processes(folder: Path) -> list[int]:
    """Return the ids of the processes whose command line names *folder*."""
    found = []
    for one in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if os.fsencode(folder) in one.read_bytes():
                found.append(int(one.parent.name))
        except OSError:
            continue  # it has ended meanwhile
    return found


def assert_nothing_left(folder: Path) -> None:
    assert list(folder.iterdir()) == []
    assert processes(folder) == []


@contextmanager
def started(folder: Path, command: Sequence[str | Path], **files: int) -> Iterator["subprocess.Popen[bytes]"]:
    """Run the demo, its temporary folder within *folder*."""
    surroundings = {name: value for name, value in environment().items() if name not in {"NO_COLOR", "COLUMNS"}}
    surroundings |= {"TMPDIR": str(folder), "TERM": "xterm-256color", "http_proxy": "http://127.0.0.1:9"}
    with subprocess.Popen(command, cwd=folder.parent, env=surroundings | {"PYTHONPATH": str(ROOT)}, **files) as process:  # type: ignore[call-overload]  # noqa: S603
        try:
            yield process
        finally:
            if process.poll() is None:
                process.terminate()


def read_until(process: "subprocess.Popen[bytes]", word: str) -> str:
    """Return what *process* wrote, up to the line that has *word*, or its end."""
    assert process.stdout is not None
    text = ""
    for line in process.stdout:
        text += line.decode()
        if word in line.decode():
            break
    return text

"""The demo as a process: the address that it prints, how it ends, and what it leaves behind."""

import re
import signal
import socket
import stat
import subprocess
import sys
import tomllib
from pathlib import Path
from urllib.request import ProxyHandler, build_opener

import pytest

from tests.e2e.demo_help import assert_nothing_left, processes, read_until, started

_DEMO = (sys.executable, "-m", "bot", "demo", "--no-browser")
_LAST_LINE = "Ctrl-C ends it"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "temporary"
    path.mkdir()
    return path


def page_at(text: str) -> str:
    """Return the page whose address stands in *text*."""
    found = re.search(r"http://127\.0\.0\.1:\d+/", text)
    assert found, text
    answer: bytes = build_opener(ProxyHandler({})).open(found[0]).read()
    return answer.decode()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_prints_where_its_page_is_until_it_is_stopped_and_leaves_nothing(
    folder: Path, number: signal.Signals
) -> None:
    with started(folder, _DEMO, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        text = read_until(process, _LAST_LINE)
        assert "<title>calibot · demo</title>" in page_at(text)
        assert len(processes(folder)) == 1
        process.send_signal(number)
        rest, _ = process.communicate()
    assert "Nothing leaves this machine" in text
    assert rest.decode() == "\nStopped. Nothing is left behind.\n"
    assert process.returncode == 0
    assert_nothing_left(folder)


def test_where_a_terminal_that_closes_is_ignored_it_goes_on(folder: Path) -> None:
    with started(folder, ("nohup", *_DEMO), stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        text = read_until(process, _LAST_LINE)
        process.send_signal(signal.SIGHUP)
        for _ in range(3):  # the first may be answered while it ends
            assert "<title>calibot · demo</title>" in page_at(text)
        process.send_signal(signal.SIGTERM)
        rest, _ = process.communicate()
    assert rest.decode() == "\nStopped. Nothing is left behind.\n"
    assert_nothing_left(folder)


def test_without_a_screen_it_opens_no_browser(folder: Path) -> None:
    script = """
import os, webbrowser
for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
    os.environ.pop(name, None)
webbrowser.open = lambda *_: print("OPENED")
from bot import demo
demo.main()
"""
    command = (sys.executable, "-c", script)
    with started(folder, command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        page_at(read_until(process, _LAST_LINE))
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate()
    assert b"OPENED" not in rest


def test_with_a_screen_it_opens_the_page(folder: Path) -> None:
    opens = "import webbrowser; webbrowser.open = lambda url: print('OPENED', url, flush=True)"
    command = (
        sys.executable,
        "-c",
        f"{opens}; import os; os.environ['BROWSER'] = 'x'; from bot import demo; demo.main()",
    )
    with started(folder, command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        page_at(read_until(process, "OPENED").partition("OPENED")[2])
        process.send_signal(signal.SIGINT)
        process.communicate()


def test_the_port_is_the_one_that_is_asked_for_and_a_taken_one_is_told(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with started(folder, (*_DEMO, "--port", port), stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
            text, _ = process.communicate()
        assert process.returncode == 1
        assert b"The demo cannot run here: " in text
        assert b"address already in use" in text
        assert b"Traceback" not in text
        assert_nothing_left(folder)
    with started(folder, (*_DEMO, "--port", port), stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        assert f"http://127.0.0.1:{port}/" in read_until(process, _LAST_LINE)


def test_what_is_kept_is_named_and_lies_beside_what_else_is_there(folder: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "config.toml").write_text("mine")
    (kept / "calibot.db").write_text("mine")
    for _ in range(2):
        command = (*_DEMO, "--keep", kept)
        with started(folder, command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
            text = read_until(process, _LAST_LINE)
            process.send_signal(signal.SIGINT)
            rest, _ = process.communicate()
        assert f"kept in {kept}; the chats begin anew" in text
        assert f"calibot's notes are in {kept}." in rest.decode()
        assert process.returncode == 0
    assert {(kept / name).read_text() for name in ("config.toml", "calibot.db")} == {"mine"}
    assert tomllib.loads((kept / "demo.toml").read_text())["calibration"]["timeout"] == 30
    assert list(folder.iterdir()) == []


def test_a_folder_that_it_makes_is_its_users_alone(folder: Path, tmp_path: Path) -> None:
    kept = tmp_path / "new"
    with started(folder, (*_DEMO, "--keep", kept), stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        read_until(process, _LAST_LINE)
        process.send_signal(signal.SIGINT)
        process.communicate()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o700


def test_a_folder_that_cannot_be_is_told(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with started(
        folder, (*_DEMO, "--keep", tmp_path / "file"), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        text, _ = process.communicate()
    assert process.returncode == 1
    assert text.startswith(b"The demo cannot run here: ")


def test_calibot_that_cannot_start_is_told_with_its_last_words(folder: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "demo.toml").write_text("[calibration]\ntimeout = 'long'\n")
    with started(folder, (*_DEMO, "--keep", kept), stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        text, _ = process.communicate()
    assert process.returncode == 1
    assert b"The demo has failed: calibot ended early, with exit code 2." in text
    assert b"timeout" in text

"""What is logged, and that the token never is."""

import io
import json
import logging
import sys
from collections.abc import Callable, Iterator

import pytest
import structlog

from bot import logs

TOKEN = "123456:ABC-secret_token"  # noqa: S105 - no real one
ADDRESS = f"https://api.telegram.org/bot{TOKEN}/getMe"

Written = Callable[[], str]


@pytest.fixture(params=[False])
def written(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Written]:
    """Configure the logs, and return what is written since; at the end all is as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    levels = {name: logging.getLogger(name).level for name in ("httpx", "httpcore", "apscheduler", "telegram")}
    settings = structlog.get_config()
    errors = io.StringIO()
    monkeypatch.setattr(sys, "stderr", errors)
    logs.configure(TOKEN, json=request.param)
    yield errors.getvalue
    root.handlers = handlers
    root.setLevel(level)
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)
    structlog.configure(**settings)


def ours() -> structlog.stdlib.BoundLogger:
    return structlog.stdlib.get_logger("calibot.test")


def test_an_event_is_one_line_with_its_time_level_name_and_values(written: Written) -> None:
    ours().info("bot.started", chat=-100, name="三体\nzwei")
    (line,) = written().splitlines()
    assert line.startswith("timestamp='20")
    for words in ("level='info'", "event='bot.started'", "logger='calibot.test'", "chat=-100", r"三体\nzwei"):
        assert words in line


def test_other_peoples_events_look_the_same(written: Written) -> None:
    logging.getLogger("other.library").warning("%s is %d", "this", 5)
    (line,) = written().splitlines()
    for words in ("level='warning'", "event='this is 5'", "logger='other.library'"):
        assert words in line


@pytest.mark.parametrize("written", [True], indirect=True)
def test_an_event_may_be_a_json_object_without_the_token(written: Written) -> None:
    ours().warning("bot.started", chat=-100, name="三体\nzwei", address=ADDRESS)
    (line,) = written().splitlines()
    event = json.loads(line)
    assert event["event"] == "bot.started"
    assert (event["level"], event["chat"], event["name"]) == ("warning", -100, "三体\nzwei")
    assert TOKEN not in line


class Opaque:
    def __repr__(self) -> str:
        return f"Opaque({ADDRESS})"


def _raise() -> None:
    try:
        int(ADDRESS)
    except ValueError as error:
        raise RuntimeError("cannot ask") from error


def _tell_ours(**values: object) -> None:
    ours().error("event", **values)


def _tell_ours_with_a_traceback() -> None:
    try:
        _raise()
    except RuntimeError:
        ours().exception("event")


def _tell_theirs_with_a_traceback() -> None:
    try:
        _raise()
    except RuntimeError:
        logging.getLogger("other").exception("event")


def _tell_an_error_that_was_kept() -> None:
    try:
        _raise()
    except RuntimeError as error:
        kept = error
    ours().error("handler.bug", exc_info=kept)


@pytest.mark.parametrize(
    "tell",
    [
        lambda: ours().info(ADDRESS),
        lambda: _tell_ours(url=ADDRESS),
        lambda: _tell_ours(urls=[ADDRESS], by={"x": (ADDRESS,)}),
        lambda: _tell_ours(error=ValueError(ADDRESS)),
        lambda: _tell_ours(one=Opaque()),
        lambda: _tell_ours(**{TOKEN: 1}),
        lambda: ours().bind(token=TOKEN).warning("event"),
        lambda: logging.getLogger("other").warning(ADDRESS),
        lambda: logging.getLogger("other").warning("%s %r", ADDRESS, Opaque()),
        lambda: logging.getLogger("other").warning("event", extra={"url": ADDRESS, "all": [Opaque()]}),
        lambda: logging.getLogger("httpx").warning("HTTP Request: %s", ADDRESS),
        _tell_ours_with_a_traceback,
        _tell_theirs_with_a_traceback,
        _tell_an_error_that_was_kept,
    ],
)
def test_the_token_is_replaced_wherever_it_stands(tell: Callable[[], None], written: Written) -> None:
    tell()
    assert written()
    assert TOKEN not in written()
    assert "secret" not in written()
    assert "<token>" in written()


def test_a_traceback_is_there(written: Written) -> None:
    _tell_ours_with_a_traceback()
    _tell_theirs_with_a_traceback()
    assert written().count("RuntimeError: cannot ask") == 2
    assert len(written().splitlines()) == 2


@pytest.mark.parametrize("library", ["httpx", "httpcore.connection", "apscheduler.executors.default", "telegram.ext"])
def test_libraries_that_tell_each_request_are_silent_but_for_warnings(library: str, written: Written) -> None:
    logging.getLogger(library).info("HTTP Request: %s", ADDRESS)
    assert not written()
    logging.getLogger(library).warning("trouble")
    assert "trouble" in written()


def test_debugging_words_are_not_written(written: Written) -> None:
    logging.getLogger("other").debug("detail")
    ours().debug("detail")
    assert not written()


def test_an_empty_token_hides_nothing(written: Written, capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("")
    ours().info("event", name="name")
    assert "name='name'" in capsys.readouterr().err

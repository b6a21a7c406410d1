"""What becomes of errors that nobody else heard."""

from types import SimpleNamespace
from typing import cast

from structlog.testing import capture_logs

from handlers.context import CalibotContext
from handlers.routes import bug
from services.errors import StoreUnavailable


def job_that_met(error: Exception) -> CalibotContext:
    return cast("CalibotContext", SimpleNamespace(error=error))


async def logged(error: Exception) -> list[tuple[str, bool]]:
    """Return what is logged of a job's *error*: the line, and whether with a traceback."""
    with capture_logs() as logs:
        await bug(None, job_that_met(error))
    return [(line["event"], "exc_info" in line) for line in logs]


async def test_a_job_that_finds_no_store_is_a_line_and_no_bug() -> None:
    assert await logged(StoreUnavailable(reason="disk full")) == [("store.unavailable", False)]


async def test_a_bug_in_a_job_is_logged_with_its_traceback() -> None:
    assert await logged(ZeroDivisionError()) == [("handler.bug", True)]

"""What every test gets: a loop that nobody may block, and a bound on its time by its folder."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from blockbuster import BlockBuster, blockbuster_ctx

_SECONDS = {"unit": 20, "integration": 20, "e2e": 120}
_TESTS = Path(__file__).parent


def pytest_configure() -> None:
    # A shell that starts the tests in the background has them, and all that they start, ignore Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("timeout") is None and item.path.is_relative_to(_TESTS):
            folder = item.path.relative_to(_TESTS).parts[0]
            item.add_marker(pytest.mark.timeout(_SECONDS.get(folder, 20)))


@pytest.fixture(autouse=True)
def _plain_logs() -> None:
    """No rendering of tracebacks, which reads source files in the loop."""
    structlog.configure(processors=[structlog.processors.add_log_level, structlog.processors.KeyValueRenderer()])


@pytest.fixture(autouse=True)
def _nothing_blocks_the_loop() -> Iterator[BlockBuster]:
    with blockbuster_ctx(["bot", "handlers", "services", "sandbox"]) as guard:
        # SQL in the loop's own thread, for clock-driven tests alone: see inline_store.py.
        for name, function in guard.functions.items():
            if name.startswith("sqlite3."):
                function.can_block_in("tests/inline_store.py", {"drive", "open_inline", "close"})
                function.can_block_in("tests/e2e/conftest.py", {"rows"})
        yield guard

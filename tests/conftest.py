"""What every test gets: a loop that nobody may block, and a bound on its time by its folder."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from blockbuster import BlockBuster, blockbuster_ctx

_SECONDS = {"unit": 20, "integration": 20, "e2e": 120}
_TESTS = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("timeout") is None and item.path.is_relative_to(_TESTS):
            folder = item.path.relative_to(_TESTS).parts[0]
            item.add_marker(pytest.mark.timeout(_SECONDS.get(folder, 20)))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip loudly what needs a component that this machine lacks; in CI that is a failure."""
    for marker in item.iter_markers("needs_component"):
        name = marker.args[0]
        if shutil.which(name) is None:
            message = f"NOT TESTED: {name} is not installed on this machine"
            if os.environ.get("CI") == "true":
                pytest.fail(message)
            pytest.skip(message)


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
                function.can_block_in("tests/inline_store.py", {"execute", "executemany", "open_inline"})
        yield guard

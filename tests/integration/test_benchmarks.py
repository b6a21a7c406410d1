"""Each section of the benchmarks still works. At this size its figures mean nothing, and none is judged."""

import asyncio
import sys
from pathlib import Path

import pytest

from benchmarks.__main__ import SECTIONS
from benchmarks.processes import ROOT, environment


@pytest.mark.timeout(90)
@pytest.mark.parametrize("name", SECTIONS)
async def test_a_section_of_the_benchmarks_brings_its_figures(name: str, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks", "--tiny", "--only", name, "--output", str(page)),
        cwd=ROOT,
        env=environment(),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed, _ = await process.communicate()
    assert process.returncode == 0, printed.decode()
    text = page.read_text("utf-8")
    assert "the whole section" not in text
    rows = [line for line in text.splitlines() if line.startswith("| ") and not line.startswith("| what")]
    assert rows, "it has figures"

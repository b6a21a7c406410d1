"""Who listens at an address, and not everywhere, is bound to it."""

import asyncio
import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.timeout(60)
async def test_nothing_goes_out_by_another_address_even_where_it_is_gone(own_network: list[str]) -> None:
    program = await asyncio.create_subprocess_exec(
        *own_network, sys.executable, "-m", "tests.integration.bound", cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await program.communicate()
    tried = json.loads(said.splitlines()[-1])
    assert tried["beside"] == {}
    assert tried["control"] > 0, "the sensor hears"
    assert tried["names"] == ["by plain", "by mse", "by utp"]
    assert tried["gone"] is False
    assert tried["device"] == {"found": False, "heard": True}
    assert tried["lost"] == {"before": "before", "after": False, "back": "after", "in the dht": "by the dht"}

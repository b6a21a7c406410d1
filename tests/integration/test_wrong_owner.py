"""A slip in `owners`: the notes that were kept without Telegram are given to a number that is nobody's."""

import asyncio
import re
import sys
from pathlib import Path

from services.notebook.local import LOCAL
from services.store.store import Store
from services.torrents import PersonId
from tests.fake_clock import FakeClock
from tests.unit.test_local import ALICE, World

ROOT = Path(__file__).parents[2]
NOBODY = PersonId("tg:999")


async def test_what_the_manual_says_gives_the_notes_to_the_right_owner(tmp_path: Path) -> None:
    manual = await asyncio.to_thread((ROOT / "docs" / "operate.md").read_text, encoding="utf-8")
    command = re.search(r'^\.venv/bin/python -c "(.*tg:999.*)"$', manual, re.MULTILINE)
    assert command
    (tmp_path / "data").mkdir()
    database = tmp_path / "data" / "calibot.db"
    async with Store.open(database) as store:
        world = World(store, FakeClock())
        number = await world.note(LOCAL)
        await world.start(NOBODY)
        assert await world.opens(NOBODY) == [number]
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", command[1], cwd=tmp_path)
    assert await process.wait() == 0
    async with Store.open(database) as store:
        world = World(store, FakeClock())
        await world.start(ALICE)
        assert await world.opens(ALICE) == await world.opens(LOCAL) == [number]
        assert await world.opens(NOBODY) == []

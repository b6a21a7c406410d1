"""What people and the log are told when the database cannot be used, and that the bot goes on when it can."""

import re
import resource
from pathlib import Path

from tests.e2e.conftest import World, kept
from tests.e2e.test_process import run
from tests.integration.database_help import damage, execute, filled, notes

MAGNET = "magnet:?xt=urn:btih:" + "1" * 40
NOT_SAVED = "Nothing was saved: the bot cannot use its database now. Its owner should look."
SOME = [f"note {number} " + "x" * 500 for number in range(300)]


def troubles(world: World) -> list[str]:
    """Return the lines of the log that are about the database's health."""
    return [line for line in world.output.splitlines() if "event='database." in line]


async def test_a_disk_that_refuses_is_told_and_loses_nothing(running: World) -> None:
    assert running.process is not None
    assert (await running.ask(f"before {MAGNET}")).text.startswith("#1")
    _, hard = resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE, (0, hard))
    for _ in range(3):
        assert (await running.ask(f"lost {MAGNET}")).text == NOT_SAVED
    assert kept(await running.ask("/note 1")) == f"before {MAGNET}"
    resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE, (hard, hard))
    assert (await running.ask(f"after {MAGNET}")).text.startswith("#2")
    trouble, over = troubles(running)
    assert "event='database.unavailable'" in trouble
    assert "remedy=" in trouble
    assert "event='database.available'" in over
    running.kill()
    await running.ended()
    await running.start()
    assert notes(running.database) == [f"before {MAGNET}", f"after {MAGNET}"]
    assert "Traceback" not in running.output


async def test_a_database_that_is_deleted_under_it_is_told_at_the_next_word(running: World) -> None:
    await running.ask(f"before {MAGNET}")
    running.database.rename(running.folder / "aside.db")
    assert (await running.ask(f"lost {MAGNET}")).text == NOT_SAVED
    (trouble,) = troubles(running)
    assert "deleted or replaced while it was open" in trouble
    (running.folder / "aside.db").rename(running.database)
    assert (await running.ask(f"after {MAGNET}")).text.startswith("#2")
    assert await running.stop() == 0
    assert notes(running.database) == [f"before {MAGNET}", f"after {MAGNET}"]


async def test_a_start_after_a_crash_checks_the_database_and_one_after_a_stop_does_not(running: World) -> None:
    await running.ask(f"one {MAGNET}")
    assert await running.stop() == 0
    await running.start()
    assert troubles(running) == []
    running.kill()
    await running.ended()
    await running.start()
    (checked,) = troubles(running)
    assert "event='database.checking'" in checked
    assert kept(await running.ask("/note 1")) == f"one {MAGNET}"


async def test_damage_after_a_crash_is_one_line_with_its_remedy(world: World) -> None:
    await filled(world.database, *SOME)
    execute(world.database, "UPDATE counters SET value = 1 WHERE name = 'open'")  # as a crash leaves it
    damage(world.database)
    code, output = await run(world.write_settings())
    assert code == 1
    *logged, said = output.splitlines()
    assert said == f"{world.database} is damaged. Put a backup in its place: python -m bot restore FILE"
    assert all("event='database." in line for line in logged)
    assert "Traceback" not in output


async def test_damage_under_way_is_told_and_what_is_whole_is_shown(world: World) -> None:
    await filled(world.database, *SOME, door=f"tg:{world.private.id}")
    await world.start()
    damage(world.database)
    shown = [kept(await world.ask(f"/note {number}")) for number in range(1, len(SOME), 60)]
    assert set(shown) - {NOT_SAVED} <= set(SOME)
    assert NOT_SAVED in shown
    assert len(set(shown)) > 1
    (trouble, *_) = troubles(world)
    assert "event='database.unavailable'" in trouble
    assert "python -m bot restore FILE" in trouble
    assert await world.stop() == 0
    assert "Traceback" not in world.output


async def test_a_newer_database_is_one_line(world: World, tmp_path: Path) -> None:
    await filled(world.database, "of the future")
    execute(world.database, "PRAGMA user_version = 999")
    code, output = await run(world.write_settings())
    assert code == 1
    assert re.fullmatch(r"[^\n]+ was made by a newer calibot\. [^\n]+\n", output), output
    assert notes(world.database) == ["of the future"]

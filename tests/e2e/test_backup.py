"""``python -m bot backup`` and ``restore``: while the bot runs, and while it does not."""

import re
import signal
from pathlib import Path

import pytest

from sandbox.swarm import make_sample
from services.store.statements import load_migrations
from tests.e2e.command import command, interrupted, redirected
from tests.e2e.conftest import World, kept
from tests.integration.database_help import beside, damage, execute, filled, first_version, notes, read

VERSION = len(load_migrations())
SOME = [f"note {number} " + "x" * 500 for number in range(300)]


async def test_a_backup_of_a_running_bot_brings_back_what_was_there(world: World, tmp_path: Path) -> None:
    file = tmp_path / "backups" / "monday"
    file.parent.mkdir()
    sample = world.swarm.unseeded(make_sample("x"))
    await world.start()
    config = world.folder / "config.toml"
    await world.ask(f"first {sample.magnet()}")
    taken = await command("backup", file, "--config", config)
    assert (taken.code, taken.errors) == (0, "")
    assert re.fullmatch(r"[^\n]+calibot\.db is backed up in [^\n]+monday: [^\n]+, found whole\.\n", taken.output)
    await world.ask(f"second {sample.magnet()}")
    assert [note for (note,) in read(world.database, "SELECT text FROM notes")] == [
        f"first {sample.magnet()}",
        f"second {sample.magnet()}",
    ]

    refused = await command("restore", file, "--config", config)
    assert (refused.code, refused.output) == (1, "")
    assert "is in use by another calibot" in refused.errors
    assert kept(await world.ask("/note 2")) == f"second {sample.magnet()}", "the bot goes on"

    assert await world.stop() == 0
    put = await command("restore", file, "--config", config)
    assert (put.code, put.errors) == (0, "")
    (aside,) = [name for name in beside(world.database) if "before-restore" in name]
    assert re.fullmatch(r"calibot\.db\.before-restore-\d{8}T\d{6}Z", aside)
    assert aside in put.output
    assert len(notes(world.database.with_name(aside))) == 2
    await world.start()
    assert kept(await world.ask("/note 1")) == f"first {sample.magnet()}"
    assert (await world.ask("/note 2")).text == "There is no such note here."
    assert (await world.ask(f"third {sample.magnet()}")).text.startswith("#3 saved"), "no number is given twice"


async def test_a_backup_is_never_overwritten_unless_it_is_forced(world: World, tmp_path: Path) -> None:
    await filled(world.database, "one")
    config = world.write_settings()
    file = tmp_path / "backup"
    file.write_text("precious", encoding="utf-8")
    refused = await command("backup", file, "--config", config)
    assert (refused.code, refused.output) == (1, "")
    assert refused.errors.count("\n") == 1
    assert "--force" in refused.errors
    assert file.read_text(encoding="utf-8") == "precious"
    assert (await command("backup", file, "--force", "--config", config)).code == 0
    assert notes(file) == ["one"]


async def test_what_is_no_backup_is_refused_in_a_line_and_nothing_changes(world: World, tmp_path: Path) -> None:
    await filled(world.database, "precious")
    config = world.write_settings()
    junk, newer, broken = (tmp_path / name for name in ("junk", "newer", "broken"))
    junk.write_bytes(b"junk " * 10_000)
    await filled(newer, "of the future")
    execute(newer, f"PRAGMA user_version = {VERSION + 1}")
    await filled(broken, *SOME)
    damage(broken)
    before = world.database.read_bytes()
    for file, said in ((junk, "not a database"), (newer, "newer calibot"), (broken, "damaged"), (tmp_path, "no file")):
        refused = await command("restore", file, "--config", config)
        assert (refused.code, refused.output, refused.errors.count("\n")) == (1, "", 1)
        assert refused.errors.startswith("Nothing was restored: ")
        assert said in refused.errors
    assert world.database.read_bytes() == before
    assert not [name for name in beside(world.database) if name.startswith("calibot.db")]


async def test_a_backup_of_nothing_or_of_a_damaged_database_is_refused_in_a_line(world: World, tmp_path: Path) -> None:
    config = world.write_settings()

    async def refused(words: str) -> None:
        ended = await command("backup", tmp_path / "backup", "--config", config)
        assert (ended.code, ended.errors.count("\n")) == (1, 1)
        assert ended.errors.startswith("Nothing was backed up: ")
        assert words in ended.errors
        assert not (tmp_path / "backup").exists()

    await refused("there is no file")
    await filled(world.database, *SOME)
    damage(world.database)
    await refused("is damaged")


async def test_an_older_backup_is_updated_at_the_next_start_and_kept(world: World, tmp_path: Path) -> None:
    old = tmp_path / "old"
    first_version(old, "of old")
    assert (await command("restore", old, "--config", world.write_settings())).code == 0
    await world.start()
    assert notes(world.database) == ["of old"]
    assert notes(world.database.with_name("calibot.db.before-v2")) == ["of old"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("name", ["backup", "restore"])
async def test_a_signal_in_the_middle_leaves_no_half_of_a_copy(
    world: World, tmp_path: Path, name: str, number: signal.Signals
) -> None:
    await filled(world.database, "one")
    file = tmp_path / "backups" / "monday"
    file.parent.mkdir()
    config = world.write_settings()
    if name == "restore":
        assert (await command("backup", file, "--config", config)).code == 0
    before = [beside(world.database), beside(file)]
    ended = await interrupted(number, "services.store.copies._find_whole", name, file, "--config", config)
    assert ended == (128 + number, b"", b"")
    assert [beside(world.database), beside(file)] == before


async def test_a_signal_after_it_has_told_what_was_done_makes_no_failure_of_it(world: World) -> None:
    await filled(world.database, "one")
    for name in ("backup", "restore"):
        words = (name, world.folder / "copy", "--config", world.write_settings())
        ended = await interrupted(signal.SIGTERM, "threading._shutdown", *words)  # what an interpreter does at its end
        assert (ended[0], ended[1].count(b"\n"), ended[2]) == (0, 1, b"")


@pytest.mark.parametrize(("how", "errors"), [(">/dev/full", 1), (">&-", 0), ("2>/dev/full", 0)])
async def test_what_is_done_is_told_where_it_can_be(world: World, how: str, errors: int) -> None:
    await filled(world.database, "one")
    for words in (("backup", world.folder / "copy"), ("restore", world.folder / "copy")):
        code, _, told = await redirected(how, *words, "--config", world.write_settings())
        assert (code, told.count(b"\n")) == (0, errors)
        assert (b"copy" in told) == bool(errors)


async def test_names_that_the_terminal_has_no_letters_for_keep_nothing_from_being_done(world: World) -> None:
    await filled(world.database, "one")
    ended = await command(
        "backup", world.folder / "星期一", "--config", world.write_settings(), PYTHONIOENCODING="ascii"
    )
    assert (ended.code, ended.errors) == (0, "")
    assert "???: " in ended.output


@pytest.mark.parametrize("name", ["backup", "restore"])
async def test_settings_that_are_missing_are_told(name: str, tmp_path: Path) -> None:
    ended = await command(name, tmp_path / "file", "--config", tmp_path / "nowhere.toml")
    assert (ended.code, "nowhere.toml" in ended.errors) == (2, True)

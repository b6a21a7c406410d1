"""``python -m bot check``: what it finds, and that it never tells the token."""

import re
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.ports import free_port
from sandbox.botapi import BotApi, Fault
from tests.e2e.command import Ended, command, interrupted, redirected, unread
from tests.e2e.conftest import World, kept, opened_world
from tests.integration.database_help import damage, filled, notes

SUBJECTS = ["token", "privacy mode", "clock", "database", "disk", "web port", "swarm port", "DHT"]
SOME = [f"note {number} " + "x" * 500 for number in range(300)]


async def check(world: World, *words: str, **changes: str) -> Ended:
    """Run it with the world's settings, in which each of *changes* replaces a line of that key."""
    config = world.write_settings()
    text = config.read_text(encoding="utf-8")
    for key, value in changes.items():
        text, count = re.subn(rf"(?m)^{key} = .*$", f"{key} = {value}", text)
        assert count == 1, key
    config = world.folder / "checked.toml"
    config.write_text(text, encoding="utf-8")
    ended = await command("check", "--config", config, *words)
    assert world.api.token not in ended.output + ended.errors
    assert ended.errors == ""
    return ended


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield taken.getsockname()[1]


async def test_where_all_is_well_it_says_so_line_by_line_and_changes_nothing(world: World) -> None:
    ended = await check(world)
    assert [line[2:].partition(":")[0] for line in ended.output.splitlines()] == SUBJECTS
    assert {line[0] for line in ended.output.splitlines()} == {"✓"}, ended.output
    assert ended.code == 0
    assert re.search(r"[1-9]\d* nodes? reached", ended.line("DHT"))
    assert not world.database.exists()
    assert not world.private.bot_messages


async def test_beside_a_running_bot_it_only_reads_and_knows_its_port(world: World) -> None:
    port, config = free_port(), world.write_settings()
    text = config.read_text(encoding="utf-8").replace('"127.0.0.1:0"', f'"127.0.0.1:{port}"')
    config.write_text(text, encoding="utf-8")
    await world.launch(config)
    await world.printed(re.compile("is running as"))
    await world.ask("a note magnet:?xt=urn:btih:" + "1" * 40)
    ended = await check(world, listen_interfaces=f'"127.0.0.1:{port}"')
    assert world.process is not None
    assert ended.code == 0, ended.output
    assert f"process {world.process.pid}) has it open, so it was only read" in ended.line("database")
    assert f"in use by a calibot (process {world.process.pid}), as it should be" in ended.line("swarm port")
    assert kept(await world.ask("/note 1")).startswith("a note")


async def test_a_port_that_another_program_has_is_told(world: World, taken_port: int) -> None:
    ended = await check(world, listen_interfaces=f'"127.0.0.1:{taken_port}"')
    assert (ended.code, ended.line("swarm port")[0]) == (1, "✗")
    assert "in use by another program" in ended.line("swarm port")
    assert ended.line("DHT")[0] == "✓", "it is reached from another port"


async def test_another_programs_port_is_not_the_running_bots(running: World, taken_port: int) -> None:
    ended = await check(running, listen_interfaces=f'"127.0.0.1:{taken_port}"')
    assert "in use by another program" in ended.line("swarm port")


async def test_without_a_token_the_page_alone_is_looked_at_and_all_is_well(world: World) -> None:
    ended = await check(world, token='""')  # noqa: S106 - none
    assert [line[2:].partition(":")[0] for line in ended.output.splitlines()] == ["token", *SUBJECTS[3:]]
    assert ended.line("token") == "✓ token: there is none: the page runs alone, without Telegram"
    assert ended.code == 0, ended.output


@pytest.mark.parametrize("words", [("--live", "4711"), ()])
async def test_without_a_token_and_where_it_is_needed_it_is_told(world: World, words: tuple[str, ...]) -> None:
    config = world.write_settings()
    text = config.read_text(encoding="utf-8").replace(world.api.token, "")
    config.write_text(text if words else f"{text}[web]\nenabled = false\n", encoding="utf-8")
    ended = await command("check", "--config", config, *words)
    assert (ended.code, ended.line("token")[0]) == (1, "✗")
    assert "@BotFather" in ended.line("token")


@pytest.mark.parametrize("token", ['"no token"', '"42:WRONG"'])
async def test_a_wrong_token_is_told_with_its_remedy(world: World, token: str) -> None:
    ended = await check(world, token=token)
    assert ended.code == 1
    assert ended.line("token")[0] == "✗"
    assert "@BotFather" in ended.line("token")
    assert "WRONG" not in ended.output
    assert ended.line("database")[0] == "✓", "the others are looked at all the same"


async def test_a_telegram_out_of_reach_is_told(world: World, taken_port: int) -> None:
    ended = await check(world, base_url='"http://127.0.0.1:9/bot"')
    assert (ended.code, ended.line("token")[0]) == (1, "✗")
    assert "cannot be reached" in ended.line("token")
    assert ended.line("clock")[0] == "✗"


@pytest.mark.parametrize("fault", [Fault.BAD_GATEWAY, Fault.too_many(retry_after=7)], ids=["502", "429"])
async def test_telegrams_troubles_are_told(world: World, fault: Fault) -> None:
    world.api.break_next("getMe", fault, times=5)
    ended = await check(world)
    assert (ended.code, ended.line("token")[0], ended.line("clock")[0]) == (1, "✗", "✓")


async def test_privacy_mode_matters_where_a_group_is_served_that_it_does_not_administer(world: World) -> None:
    world.api.privacy_mode = True
    alone = await check(world)
    assert alone.line("privacy mode")[0] == "✓"
    assert "/setprivacy" in alone.line("privacy mode")
    group = world.group("Group", world.alice)
    blind = await check(world)
    assert (blind.code, blind.line("privacy mode")[0]) == (1, "✗")
    assert str(group.id) in blind.line("privacy mode")
    assert "/setprivacy" in blind.line("privacy mode")
    group.set_status(world.api.bot, "administrator")
    assert (await check(world)).code == 0


async def test_a_group_of_the_settings_that_is_a_supergroup_now_is_looked_at_under_its_new_number(world: World) -> None:
    world.api.privacy_mode = True
    group = world.group("Group", world.alice, kind="group")
    chat = world.alice.upgrade(group)
    blind = await check(world)
    assert (blind.line("token")[0], blind.line("privacy mode")[0]) == ("✓", "✗")
    chat.set_status(world.api.bot, "administrator")
    assert (await check(world)).code == 0


@pytest.mark.parametrize(("ahead", "mark", "word"), [(120, "✗", "behind"), (-120, "✗", "ahead of"), (30, "✓", "")])
async def test_a_clock_that_is_off_by_more_than_a_minute_is_told(
    tmp_path: Path, ahead: int, mark: str, word: str
) -> None:
    async with opened_world(tmp_path, World) as world:
        api = BotApi(now=lambda: time.time() + ahead)
        async with api:
            urls = {"base_url": f'"{api.base_url}"', "base_file_url": f'"{api.base_file_url}"'}
            ended = await check(world, **urls)
    assert ended.line("clock")[0] == mark
    assert word in ended.line("clock")
    assert ended.code == (mark == "✗")


async def test_a_live_message_is_sent_and_edited(world: World) -> None:
    ended = await check(world, "--live", str(world.private.id))
    assert (ended.code, ended.line("message")[0]) == (0, "✓")
    (message,) = world.private.bot_messages
    assert len(message.versions) == 2
    assert message.text.endswith("sent and edited. All is well.")


@pytest.mark.parametrize("chat", ["-77", "nowhere\x1b[31m"])
async def test_a_chat_that_cannot_be_written_to_is_told(world: World, chat: str) -> None:
    ended = await check(world, "--live", chat)
    assert (ended.code, ended.line("message")[0]) == (1, "✗")
    assert "\x1b" not in ended.output
    assert not world.private.bot_messages


async def test_whoever_reads_may_leave(world: World) -> None:
    assert await unread("check", "--config", world.write_settings()) == (128 + signal.SIGPIPE, b"")


_FULL = b"The output could not be written: No space left on device.\n"


@pytest.mark.parametrize("words", ["check", "check --help", "demo --no-browser", "demo-terminal"])
async def test_that_what_is_said_cannot_be_written_is_told_in_a_line(world: World, words: str) -> None:
    config = [] if words.startswith("demo") else [f"--config={world.write_settings()}"]
    assert await redirected(">/dev/full", *words.split(), *config) == (1, b"", _FULL)


async def test_a_bot_that_cannot_say_that_it_runs_ends_and_tells_it_in_a_line(world: World) -> None:
    code, _, errors = await redirected(">/dev/full", "run", "--config", world.write_settings())
    assert code == 1
    assert errors.endswith(_FULL)
    assert b"Traceback" not in errors


async def test_a_bot_whose_words_nobody_reads_ends_as_others_do(world: World) -> None:
    code, errors = await unread("run", "--config", world.write_settings())
    assert code == 128 + signal.SIGPIPE
    assert b"Traceback" not in errors
    assert b"Exception ignored" not in errors


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize(
    ("where", "words"),
    [
        ("bot.doctor._look_at_dht", ["check"]),
        ("shutil.copyfile", ["check"]),
        ("shutil.copyfile", ["resolve", "ab" * 20]),
    ],
)
async def test_a_signal_ends_it_and_leaves_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch, where: str, words: list[str], number: signal.Signals
) -> None:
    temporary = world.folder / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    ended = await interrupted(number, where, *words, "--config", world.write_settings())
    assert (ended[0], ended[2]) == (128 + number, b"")
    assert not list(temporary.iterdir())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("where", ["bot.doctor._look_at_disk", "bot.doctor_sources._seen_in"])
async def test_a_signal_ends_it_while_a_look_does_not_return(world: World, where: str, number: signal.Signals) -> None:
    config = world.write_settings()
    files = f'resolvers.order = ["files"]\nresolvers.files.folders = ["{world.folder}"]\n'
    config.write_text(files + config.read_text(encoding="utf-8"), encoding="utf-8")
    ended = await interrupted(number, where, "check", "--config", config, hangs=True)
    assert (ended[0], ended[2]) == (128 + number, b"")


@pytest.mark.parametrize("how", ["2>/dev/full", "2>&-"])
@pytest.mark.parametrize("words", ["check", "backup copy.db", "restore copy.db", "run", "resolve nonsense", "nonsense"])
async def test_a_complaint_that_cannot_be_written_is_told_by_the_code_alone(
    tmp_path: Path, words: str, how: str
) -> None:
    config = [] if words == "nonsense" else [f"--config={tmp_path / 'missing.toml'}"]
    assert await redirected(how, *words.split(), *config) == (2, b"", b"")


# The database.


async def test_a_damaged_database_is_told_with_its_remedy(world: World) -> None:
    await filled(world.database, *SOME)
    damage(world.database)
    ended = await check(world)
    assert (ended.code, ended.line("database")[0]) == (1, "✗")
    assert "python -m bot restore FILE" in ended.line("database")


async def test_a_database_that_is_free_is_found_whole_and_writable(world: World) -> None:
    await filled(world.database, "one")
    ended = await check(world)
    assert (ended.code, "is whole, and can be written" in ended.output) == (0, True)
    assert notes(world.database) == ["one"]


async def test_what_is_no_database_or_has_no_place_is_told(world: World) -> None:
    world.database.write_text("junk " * 1000, encoding="utf-8")
    ended = await check(world)
    assert (ended.code, ended.line("database")[0]) == (1, "✗")
    ended = await check(world, path=f'"{world.database}/below"')
    assert (ended.code, ended.line("database")[0]) == (1, "✗")


# The settings.


async def test_settings_that_are_none_are_refused_as_everywhere(tmp_path: Path) -> None:
    ended = await command("check", "--config", tmp_path / "nowhere.toml")
    assert (ended.code, "nowhere.toml" in ended.errors) == (2, True)


async def test_without_the_dht_it_says_so(world: World) -> None:
    config = world.write_settings()
    with config.open("a", encoding="utf-8") as file:
        file.write("dht = false\n")
    ended = await command("check", "--config", config)
    assert (ended.code, "off by the settings" in ended.line("DHT")) == (0, True)


async def test_a_dht_that_nobody_answers_in_is_told(world: World) -> None:
    ended = await check(world, dht_bootstrap_nodes='["127.0.0.1:9"]')
    assert (ended.code, ended.line("DHT")[0]) == (1, "✗")


async def test_it_leaves_no_folder_behind(world: World, tmp_path: Path) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    assert (await command("check", "--config", world.write_settings(), TMPDIR=str(folder))).code == 0
    assert list(folder.iterdir()) == []

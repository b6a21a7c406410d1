"""The program as whoever runs it sees it: how it begins, what it prints, how it ends."""

import asyncio
import contextlib
import re
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.config import Web, load
from sandbox.botapi import BotApi, Fault
from sandbox.swarm import make_sample
from tests.e2e.conftest import ROOT, World, environment, kept, states

_TOKEN = "987654321:AAbbCCddEEffGGhhIIjjKKllMMnnOOppQQr"  # noqa: S105 - opens nothing


async def run(config: Path, **variables: str) -> tuple[int, str]:
    """Run the program until it ends by itself; return its exit code, and all that it printed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "bot", "run", "--config", str(config)),
        cwd=ROOT,
        env=environment() | variables,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(30):
            output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return process.returncode, output.decode()


def written(folder: Path, text: str) -> Path:
    path = folder / "config.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def deaf_address() -> Iterator[str]:
    """An address of this machine where nobody answers."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: refused
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


@pytest.mark.parametrize("token", ["", "  "])
async def test_with_no_token_and_no_page_it_says_how_to_get_one(tmp_path: Path, token: str) -> None:
    config = written(tmp_path, f'[telegram]\ntoken = "{token}"\n[web]\nenabled = false\n')
    code, output = await run(config)
    assert code == 2
    for word in ("BotFather", "token", "[telegram]", str(config), "enabled = true", "make demo"):
        assert word in output
    assert "Traceback" not in output


async def test_the_example_settings_are_whole(tmp_path: Path) -> None:
    """But for where it is and whom it reaches, what is there runs as it is: the page, on this machine alone."""
    text = (ROOT / "config.example.toml").read_text(encoding="utf-8")
    assert (await asyncio.to_thread(load, written(tmp_path, text))).web == Web()
    code, output = await run(written(tmp_path, text), CALIBOT_WEB__ENABLED="false")
    assert (code, "BotFather" in output) == (2, True)


@pytest.mark.parametrize(
    "token", [_TOKEN, "42:TEST2", "no-token-at-all", "42:TE ST", "42:TE/../ST", "42:ТЕСТ", "a\\nb"]
)
async def test_a_wrong_token_is_told_with_what_to_do_and_is_never_printed(tmp_path: Path, token: str) -> None:
    async with BotApi() as api:
        config = written(
            tmp_path,
            f'[telegram]\ntoken = "{token}"\nbase_url = "{api.base_url}"\nbase_file_url = "{api.base_file_url}"\n'
            f'[database]\npath = "{tmp_path / "calibot.db"}"\n'
            '[resolvers.libtorrent]\nlisten_interfaces = "127.0.0.1:0"\ndht_bootstrap_nodes = []\n',
        )
        code, output = await run(config)
    assert code == 2
    why, *how = [line for line in output.splitlines() if "event='web.listening'" not in line]
    assert "token" in why
    for word in ("BotFather", "[telegram]", str(config), "make demo"):
        assert word in "\n".join(how)
    assert token not in output
    assert "Traceback" not in output


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[telegram]\ntokn = 1\n", "telegram.tokn"),
        ("[telegram]\nowners = ['me']\n", "telegram.owners"),
        ("[telegramm]\ntoken = 'SECRET'\n", "telegramm"),
        ("[telegram]\nbase_url = 'SECRET'\n", "telegram.base_url"),
        ("[calibration]\nmax_workers = 0\n", "calibration.max_workers"),
        ("[calibration]\ntimeout = nan\n", "calibration.timeout"),
        ("[resolvers.libtorrent]\ndht_bootstrap_nodes = ['here']\n", "resolvers.libtorrent.dht_bootstrap_nodes"),
        ("[resolvers]\nlibtorrent = 7\n", "resolvers.libtorrent"),
        ("[telegram\ntoken = 'SECRET'\n", "TOML"),
        ("\0", "TOML"),
    ],
)
async def test_settings_that_are_not_ours_are_named_and_refused(tmp_path: Path, text: str, said: str) -> None:
    config = written(tmp_path, text)
    code, output = await run(config)
    assert code == 2
    assert said in output
    assert str(config) in output
    assert "Traceback" not in output
    assert "SECRET" not in output


async def test_settings_that_are_missing_or_no_text_are_refused(tmp_path: Path) -> None:
    missing = tmp_path / "nowhere.toml"
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe\x00")
    for path in (missing, tmp_path, binary):
        code, output = await run(path)
        assert code == 2
        assert str(path) in output
        assert "Traceback" not in output


async def test_a_wrong_environment_variable_is_named(tmp_path: Path) -> None:
    code, output = await run(written(tmp_path, ""), CALIBOT_CALIBRATION__MAX_WORKERS="many")
    assert (code, "calibration.max_workers" in output.lower()) == (2, True)
    assert "Traceback" not in output


async def test_the_environment_goes_before_the_file(world: World) -> None:
    config = world.write_settings()
    code, output = await run(config, CALIBOT_TELEGRAM__TOKEN="", CALIBOT_WEB__ENABLED="false")
    assert (code, "BotFather" in output) == (2, True)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_it_ends_at_once_while_telegram_is_out_of_reach(
    world: World, deaf_address: str, number: signal.Signals
) -> None:
    config = world.write_settings()
    text = config.read_text(encoding="utf-8").replace(world.api.base_url, f"{deaf_address}/bot")
    config.write_text(text.replace(world.api.base_file_url, f"{deaf_address}/file/bot"), encoding="utf-8")
    await world.launch(config)
    await world.printed(re.compile("unreachable"))
    assert await world.stop(number) == 0
    assert "Traceback" not in world.output
    assert world.api.token not in world.output


@pytest.mark.parametrize("method", ["getMe", "deleteWebhook"])
@pytest.mark.parametrize(
    "fault", [Fault.BAD_GATEWAY, Fault.too_many(retry_after=1), Fault.LOST_ANSWER], ids=["502", "429", "lost answer"]
)
async def test_a_start_outlasts_telegrams_troubles(world: World, method: str, fault: Fault) -> None:
    world.api.break_next(method, fault)
    await world.start()
    statuses = [call.status for call in world.api.calls if call.method == method]
    assert statuses[0] == fault.status
    assert 200 in statuses
    assert (await world.ask("/note 1")).text == "There is no such note here."
    assert world.process is not None
    assert world.process.returncode is None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_in_order(running: World, number: signal.Signals) -> None:
    assert await running.stop(number) == 0
    assert "Traceback" not in running.output


HELD = """
import asyncio, contextlib, ctypes
from types import SimpleNamespace
from bot import swarm
from bot.config_resolvers import Libtorrent

@contextlib.asynccontextmanager
async def holding(**_):
    yield
    ctypes.PyDLL(None).sleep(3600)

async def main():
    async with swarm.opened(Libtorrent(), None):
        print("found", flush=True)

swarm._LONGEST_END, swarm.LibtorrentResolver = 0.5, SimpleNamespace(open=holding)
asyncio.run(main())
"""
"""The interpreter is held for an hour while the swarm part ends: no thread of it hears anything."""


async def test_it_ends_where_libtorrent_holds_the_interpreter_for_good() -> None:
    piped = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", HELD, cwd=ROOT, stdout=piped, stderr=piped)
    said = await process.communicate()
    assert (process.returncode, said) == (1, (b"found\n", b""))


@contextlib.contextmanager
def hanging_up(how: signal.Handlers) -> Iterator[None]:
    """Let SIGHUP be so for the programs that are started meanwhile: whoever runs the tests may ignore it."""
    before = signal.signal(signal.SIGHUP, how)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)


async def test_a_terminal_that_closes_ends_it_in_order_however_often_it_says_so(world: World) -> None:
    with hanging_up(signal.SIG_DFL):
        await world.start()
    assert world.process is not None
    world.process.send_signal(signal.SIGHUP)
    await world.printed(re.compile("bot.stopping"))
    with contextlib.suppress(ProcessLookupError):
        world.process.send_signal(signal.SIGHUP)
    assert await world.ended() == 0
    assert "Traceback" not in world.output


async def test_where_a_terminal_that_closes_is_ignored_it_goes_on(world: World) -> None:
    with hanging_up(signal.SIG_IGN):
        await world.start()
    assert world.process is not None
    world.process.send_signal(signal.SIGHUP)
    assert (await world.ask("/note 1")).text == "There is no such note here."
    assert await world.stop() == 0


async def test_stopped_in_the_middle_of_a_lookup_it_goes_on_at_the_next_start(running: World) -> None:
    sample = running.swarm.unseeded(make_sample("Interrupted.mkv"))
    saved = await running.ask(sample.magnet())
    await running.alice.press(saved, "Calibrate")
    await running.shows(saved, "running")
    assert await running.stop() == 0
    assert set(states(saved)[1:]) <= {"pending", "running"}
    await running.swarm.begin_seeding(sample)
    await running.start()
    await running.shows(saved, "completed", "Interrupted.mkv")
    assert kept(await running.ask("/note 1")) == sample.magnet(dn="Interrupted.mkv")
    assert running.private.bot_messages[0] is saved
    assert "attempt" not in saved.text


async def test_a_second_process_on_the_same_database_is_refused_and_the_first_goes_on(running: World) -> None:
    code, output = await run(running.folder / "config.toml")
    assert code not in {0, 2}
    assert re.fullmatch(r"[^\n]+ is in use by another calibot\. Stop that one first\.\n", output), output
    assert (await running.ask("/note 1")).text == "There is no such note here."


@pytest.mark.parametrize("name", ["folder", "words", "words/calibot.db"])
async def test_a_database_that_cannot_be_used_is_one_line(world: World, name: str) -> None:
    (world.folder / "folder").mkdir()
    (world.folder / "words").write_text("no database " * 500, encoding="utf-8")
    config = world.write_settings()
    text = config.read_text(encoding="utf-8").replace(str(world.database), str(world.folder / name))
    code, output = await run(written(world.folder, text))
    assert code == 1
    assert re.fullmatch(r"[^\n]*database[^\n]*\n", output), output


async def test_a_busy_run_prints_neither_the_token_nor_what_people_write(world: World) -> None:
    stranger = world.api.person("Stranger")
    sample = world.swarm.seed(make_sample("SecretName"))
    await world.start()
    saved = await world.ask(f"SecretWords {sample.magnet(dn='SecretOld')}")
    await world.alice.press(saved, "Calibrate")
    await world.shows(saved, "completed")
    await world.alice.press_data(saved, "SecretData")
    await world.ask("/note SecretArgument")
    await world.ask("SecretHello", person=stranger, chat=world.api.private(stranger))
    assert await world.stop() == 0
    assert world.api.token not in world.output
    assert "Secret" not in world.output
    assert str(sample.v1) not in world.output
    assert "Traceback" not in world.output

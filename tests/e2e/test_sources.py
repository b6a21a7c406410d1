"""Names from several sources: in the terminal, in the chat, and in what ``check`` says."""

import asyncio
import json
import os
import pty
import shlex
import signal
import sys
from pathlib import Path

import pytest

from benchmarks.peers.qbittorrent import USER
from sandbox.swarm import make_sample
from tests.e2e.command import command
from tests.e2e.conftest import ROOT, World, environment
from tests.e2e.test_resolve import Place, place
from tests.integration.qbittorrent_help import Nox, nox

__all__ = ["nox", "place"]

NOT_THERE = "command: [Errno 2] No such file or directory: '/no/such/program'"


def helper(folder: Path, code: str) -> list[str]:
    """Return how to run *code* in Python, which has the info-hash as ``asked``."""
    script = folder / "helper.py"
    script.write_text(f"import sys, time\nasked = sys.argv[1]\n{code}\n", encoding="utf-8")
    return [sys.executable, "-S", str(script), "{info_hash}"]


def with_sources(place: Place, **settings: object) -> None:
    """Write *settings*, in whose names ``__`` stands for a dot, before what is there."""
    lines = [f"resolvers.{key.replace('__', '.')} = {json.dumps(value)}" for key, value in settings.items()]
    place.config.write_text("\n".join([*lines, place.config.read_text(encoding="utf-8")]), encoding="utf-8")


def how_to_check(config: Path) -> str:
    """Return the line that says so, in the words of whoever began this; the shell takes them as they stand."""
    return f"To see what is wrong: {shlex.join([sys.executable, '-m', 'bot', 'check', f'--config={config}'])}\n"


async def test_a_name_that_a_program_claims_gives_way_to_the_swarms(place: Place, tmp_path: Path) -> None:
    with_sources(place, order=["command", "libtorrent"], command__argv=helper(tmp_path, "print('claimed', asked)"))
    sample = place.swarm.seed(make_sample("True.mkv"))
    ended = await place.resolve(sample.magnet())
    assert ended.output.splitlines()[1:3] == ["  True.mkv", "  1.23 kB · 1 file · verified, from the swarm"]


async def test_what_nobody_verifies_in_time_is_told_as_a_claim(place: Place, tmp_path: Path) -> None:
    with_sources(place, order=["libtorrent", "command"], hedge_after=0.2,
                 command__argv=helper(tmp_path, "print('claimed.mkv')"))  # fmt: skip
    ended = await place.resolve("--timeout", "2", place.swarm.dead().magnet())
    assert ended.code == 0
    assert ended.output.splitlines()[1:3] == [
        "  claimed.mkv",
        "  claimed by the owner's program, not verified",
    ]


async def test_what_the_swarm_came_to_is_told_with_who_could_not_be_asked(place: Place, tmp_path: Path) -> None:
    with_sources(place, order=["files", "libtorrent"], files__folders=[str(tmp_path / "none")])
    ended = await place.resolve("--timeout", "2", place.swarm.dead().magnet())
    assert ended.code == 1
    said = ended.output.splitlines()[1]
    assert said.startswith("  Dead, as it seems: 1 tracker answered")
    assert said.endswith(" Could not be asked: the owner's torrent files.")


async def test_a_torrent_file_in_a_folder_answers_without_the_swarm(place: Place, tmp_path: Path) -> None:
    sample = make_sample("Filed.mkv")
    (tmp_path / "torrents" / "deep").mkdir(parents=True)
    (tmp_path / "torrents" / "deep" / "any.torrent").write_bytes(b"d4:info" + sample.info + b"e")
    with_sources(place, order=["files"], files__folders=[str(tmp_path / "torrents")])
    found, missing = await place.resolve(sample.magnet()), await place.resolve(place.swarm.dead().magnet())
    assert (found.code, found.output.splitlines()[1]) == (0, "  Filed.mkv")
    assert (missing.code, "No source that was asked knows this torrent." in missing.output) == (1, True)
    assert missing.errors == ""


@pytest.mark.parametrize("words", [(), ("--json",)])
async def test_of_sources_that_cannot_be_asked_it_is_said_once_who_knows_why(
    place: Place, tmp_path: Path, words: tuple[str, ...]
) -> None:
    with_sources(place, order=["command"], command__argv=["/no/such/program", "{info_hash}"])
    config = place.config.rename(tmp_path / "my settings.toml")
    ended = await command("resolve", "--config", config, *words, "1" * 40, "2" * 40)
    assert (ended.code, ended.output.count("It cannot be asked now")) == (1, 2)
    assert ended.errors == f"{NOT_THERE}\n{how_to_check(config)}"
    assert "python -m bot" not in ended.output


async def test_of_one_that_cannot_be_asked_beside_others_it_is_said_too_who_knows_why(place: Place) -> None:
    with_sources(place, order=["command", "libtorrent"], command__argv=["/no/such/program", "{info_hash}"])
    ended = await place.resolve("--timeout", "2", place.swarm.dead().magnet())
    assert "Dead, as it seems" in ended.output
    assert ended.errors == f"{NOT_THERE}\n{how_to_check(place.config)}"


async def test_why_one_failed_beside_others_is_told_in_the_terminal(place: Place, tmp_path: Path) -> None:
    argv = helper(tmp_path, "sys.stderr.write('no such <b>'); sys.exit(1)")
    with_sources(place, order=["command", "libtorrent"], command__argv=argv)
    ended = await command(
        "resolve", "--config", place.config, "--timeout", "2", place.swarm.dead().magnet(), "1" * 40,
        CALIBOT_RESOLVERS__LIBTORRENT__DHT="false",
    )  # fmt: skip
    assert ("Dead, as it seems" in ended.output, "the DHT is off" in ended.output) == (True, True)
    assert ended.output.count(" Ended with an error: the owner's program.") == 2
    assert ended.errors == "command: no such <b>\n", "a check would not show it"


async def test_where_a_program_alone_prints_what_cannot_be_used_that_is_all_that_is_told(
    place: Place, tmp_path: Path
) -> None:
    with_sources(place, order=["command"], command__argv=helper(tmp_path, "print('}')"))
    ended = await place.resolve("1" * 40)
    said = "What the owner's program printed cannot be used. Tell the bot's owner."
    assert (ended.code, ended.output.splitlines()[1:], ended.errors) == (1, [f"  {said}"], "")


async def test_what_a_cache_says_instead_of_an_answer_is_told_with_its_host_alone_and_in_the_terminal_alone(
    place: Place,
) -> None:
    async def refuse(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        host = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        with_sources(place, order=["http"], http__templates=[f"http://{host}/my-key/{{info_hash}}?key=secret"])
        ended = await place.resolve("1" * 40, "2" * 40)
    assert ended.code == 1
    assert ended.errors == f"http: {host}: status 403\n{how_to_check(place.config)}"
    assert "403" not in ended.output


async def test_where_nobody_of_the_swarm_answers_it_is_said_who_knows_why(place: Place) -> None:
    ended = await command(
        "resolve", "--timeout", "1", "1" * 40, cwd=place.config.parent / "..",
        CALIBOT_RESOLVERS__LIBTORRENT__LISTEN_INTERFACES="127.0.0.1:0",
        CALIBOT_RESOLVERS__LIBTORRENT__DHT_BOOTSTRAP_NODES='["127.0.0.1:9"]',
    )  # fmt: skip
    assert (ended.code, "Cut off" in ended.output) == (1, True)
    assert ended.errors == how_to_check(Path(os.devnull))


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
async def test_a_signal_ends_the_program_that_is_asked_even_where_the_terminal_has_gone(
    place: Place, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    pipe = tmp_path / "held"
    os.mkfifo(pipe)
    argv = helper(tmp_path, f"held = open({str(pipe)!r}, 'w')\ntime.sleep(60)")
    with_sources(place, order=["command"], command__argv=argv)
    ours, theirs = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        *("env", "--default-signal=HUP"),  # whoever runs the tests may ignore it, as nohup does
        *(sys.executable, "-m", "bot", "resolve", "--config", place.config, place.swarm.dead().magnet()),
        cwd=ROOT,
        env=environment() | {"TERM": "xterm"},
        stderr=theirs,
    )
    os.close(theirs)
    with await asyncio.to_thread(pipe.open, "rb", 0) as held:  # until it has begun
        os.set_blocking(held.fileno(), False)
        if number == signal.SIGHUP:
            os.close(ours)
        process.send_signal(number)
        assert await process.wait() == code
        assert held.read() == b"", "nobody holds it"
    if number != signal.SIGHUP:
        os.close(ours)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_second_signal_leaves_no_program_either(place: Place, tmp_path: Path, number: signal.Signals) -> None:
    began, told = tmp_path / "began", tmp_path / "told"
    os.mkfifo(began)
    os.mkfifo(told)
    ignores = f"signal.signal(signal.SIGTERM, lambda *_: open({str(told)!r}, 'w').close())"
    code = f"import signal\n{ignores}\nheld = open({str(began)!r}, 'w')\nwhile True: signal.pause()"
    with_sources(place, order=["command"], command__argv=helper(tmp_path, code))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "resolve", "--config", place.config, place.swarm.dead().magnet()),
        cwd=ROOT,
        env=environment(),
    )
    with await asyncio.to_thread(began.open, "rb", 0) as held:
        os.set_blocking(held.fileno(), False)
        process.send_signal(number)
        await asyncio.to_thread(told.read_bytes)  # it was told to end, and does not
        for _ in range(2):
            process.send_signal(number)
        assert await process.wait() == 128 + number
        assert held.read() == b"", "nobody holds it"


NO_ANSWER = """
import socket, threading
def never(*_, **__):
    print("asked", flush=True)
    threading.Event().wait()
socket.getaddrinfo = never
"""


@pytest.mark.parametrize(
    ("words", "number", "code"),
    [
        (["resolve", "a" * 40], None, 1),
        (["resolve", "a" * 40], signal.SIGINT, 130),
        (["resolve", "a" * 40], signal.SIGTERM, 143),
        (["check"], None, 1),
    ],
)
async def test_a_name_server_that_never_answers_holds_up_no_end(
    place: Place, tmp_path: Path, words: list[str], number: signal.Signals | None, code: int
) -> None:
    (tmp_path / "sitecustomize.py").write_text(NO_ANSWER, encoding="utf-8")
    with_sources(
        place,
        order=["http"],
        http__templates=["http://cache.example/{info_hash}"],
        http__timeout=0.1 if number is None else 60,
    )
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", *words, "--config", str(place.config)),
        cwd=ROOT,
        env=environment() | {"PYTHONPATH": str(tmp_path)},
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(20):
            while await process.stdout.readline() != b"asked\n":
                pass
            if number is not None:
                process.send_signal(number)
            assert await process.wait() == code
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_a_claim_is_shown_on_the_card_and_written_into_no_note(world: World) -> None:
    world.timeout = 2
    argv = helper(world.folder, "print('claimed.mkv')")
    world.resolvers = {"order": ["libtorrent", "command"], "hedge_after": 0.1, "command.argv": argv}
    await world.start()
    link = world.swarm.dead().magnet(dn="18")
    await world.ask(f"keep {link}")
    card = await world.ask("/calibrate 1")
    shown = await world.shows(card, "completed", "claimed.mkv")
    assert "claimed by the owner's program, not verified" in shown.text
    assert (await world.ask("/note 1")).text.endswith(f"keep {link}")


async def test_a_press_on_a_claim_writes_it_and_one_on_what_another_claim_has_replaced_writes_nothing(
    world: World,
) -> None:
    world.timeout = 2
    second = world.folder / "second"
    code = (
        f"import os\nname = '别的电影' if os.path.exists({str(second)!r}) else '流浪地球'\n"
        "sys.stdout.buffer.write(b'plain.mkv' if asked[0] == '0' else name.encode('gb18030'))"
    )
    world.resolvers = {"order": ["command"], "command.argv": helper(world.folder, code)}
    await world.start()
    plain = f"magnet:?xt=urn:btih:{1:040x}"
    await world.ask(f"keep {plain}&dn=18")
    card = await world.ask("/calibrate 1")
    await world.shows(card, "completed", "plain.mkv", "not verified")
    await world.alice.press(card, "plain.mkv")
    await world.shows(card, "completed", "Chosen by hand.", "Corrected: #1")
    assert (await world.ask("/note 1")).text.endswith(f"keep {plain}&dn=plain.mkv")

    link = f"magnet:?xt=urn:btih:{'f' * 40}&dn=18"
    await world.ask(f"keep {link}")
    card = await world.ask("/calibrate 2")
    await world.shows(card, "completed", "流浪地球")
    second.touch()
    await world.shows(await world.ask("/calibrate 2"), "completed", "别的电影")
    answer = await world.alice.press(card, "流浪地球")
    assert answer.text == "There is nothing to choose here any more."
    assert (await world.ask("/note 2")).text.endswith(f"keep {link}")


async def test_what_is_verified_later_is_offered_to_the_note_that_carries_a_claim(world: World) -> None:
    world.timeout = 3
    sample = make_sample("True name.mkv")
    torrent = world.folder / "it.torrent"
    code = f"import os\nprint({str(torrent)!r} if os.path.exists({str(torrent)!r}) else 'claimed.mkv')"
    world.resolvers = {"order": ["command"], "command.argv": helper(world.folder, code)}
    await world.start()
    await world.ask(f"keep {sample.magnet(dn='18')}")
    first = await world.ask("/calibrate 1")
    await world.shows(first, "completed", "claimed.mkv")
    await world.alice.press(first, "claimed.mkv")
    await world.shows(first, "completed", "Corrected: #1")
    torrent.write_bytes(b"d4:info" + sample.info + b"e")
    second = await world.ask(f"/calibrate_hash {sample.magnet()}")
    offer = "The name in #1 was never verified. Press this one to write it there."
    for card in (second, first):
        await world.shows(card, "completed", "True name.mkv", "· verified", offer)
    assert (await world.ask("/note 1")).text.endswith(sample.magnet(dn="claimed.mkv"))
    await world.alice.press(second, "True name.mkv")
    await world.shows(second, "completed", "Corrected: #1")
    await world.api.until(lambda: offer not in second.text + first.text)
    assert (await world.ask("/note 1")).text.endswith(sample.magnet(dn="True name.mkv"))
    await world.alice.press(second, "Undo")
    await world.shows(second, "completed", "Undone in 1 note.")
    assert (await world.ask("/note 1")).text.endswith(sample.magnet(dn="claimed.mkv"))
    assert offer not in second.text + first.text


async def test_what_a_program_claimed_before_it_failed_is_told_again_as_its_claim(world: World) -> None:
    asked_before = world.folder / "asked before"
    code = (
        f"from pathlib import Path\nif Path({str(asked_before)!r}).exists(): sys.exit('gone')\n"
        f"Path({str(asked_before)!r}).touch()\nprint('claimed.mkv')"
    )
    world.resolvers = {"order": ["cache", "command"], "command.argv": helper(world.folder, code)}
    await world.start()
    asked = f"/calibrate_hash {make_sample('x').magnet()}"
    for _ in range(2):
        await world.shows(
            await world.ask(asked), "completed", "claimed.mkv", "claimed by the owner's program, not verified"
        )
    await world.shows(await world.ask(f"/calibrate_hash {make_sample('y').magnet()}"), "failed", "program: gone")


async def test_a_verified_name_of_a_program_is_written(world: World) -> None:
    sample = make_sample("Found it.mkv")
    (world.folder / "it.torrent").write_bytes(b"d4:info" + sample.info + b"e")
    world.resolvers = {
        "order": ["command"],
        "command.argv": helper(world.folder, f"print('{world.folder}/it.torrent')"),
    }
    await world.start()
    await world.ask(f"keep {sample.magnet(dn='18')}")
    await world.shows(await world.ask("/calibrate 1"), "completed", "Found it.mkv", "verified")
    assert (await world.ask("/note 1")).text.endswith(sample.magnet(dn="Found it.mkv"))


async def test_a_program_that_fails_says_why_on_the_card(world: World) -> None:
    code = "sys.stderr.write('a line\\nno such torrent <b>\\n'); sys.exit(1)"
    world.resolvers = {"order": ["command"], "command.argv": helper(world.folder, code)}
    await world.start()
    card = await world.ask(f"/calibrate_hash {make_sample('x').magnet()}")
    await world.shows(card, "failed", "No name from the owner's program: no such torrent <b>")


async def test_check_tells_of_each_source(place: Place, tmp_path: Path) -> None:
    with_sources(
        place, order=["files", "command", "http"], files__folders=[str(tmp_path)],
        command__argv=["/no/such/program", "{info_hash}"], http__templates=["http://127.0.0.1:1/{info_hash}"],
    )  # fmt: skip
    ended = await command("check", "--config", place.config)
    said = ended.output
    assert f"✓ files: read in {tmp_path}" in said
    assert "✗ command: /no/such/program is no program that can be run — see [resolvers.command] argv" in said
    assert "✗ http: 127.0.0.1:1: nobody can be reached there — see [resolvers.http] templates" in said
    assert "DHT" not in said


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "✓ qbittorrent: v4.5.2 answers at {url}, and will look for what is asked for"),
        ({"password": "s3cret-and-wrong"}, "✗ qbittorrent: {url} does not let us in with this username and password"),
        ({"api_key": "qbt_s3cret"}, "✗ qbittorrent: {url} does not let us in with this API key"),
        ({"url": "http://127.0.0.1:9"}, "✗ qbittorrent: nobody can be reached at http://127.0.0.1:9"),
    ],
)
async def test_check_asks_the_qbittorrent(place: Place, nox: Nox, given: dict[str, str], said: str) -> None:
    settings = {"url": nox.url, "username": USER, "password": nox.password} | given
    with_sources(place, order=["qbittorrent"], **{f"qbittorrent__{key}": value for key, value in settings.items()})
    ended = await command("check", "--config", place.config)
    assert said.format(url=nox.url) in ended.output
    assert "s3cret" not in ended.output
    assert nox.password not in ended.output


def with_qbittorrent(place: Place, nox: Nox) -> None:
    """Let *nox* alone be asked; what it is asked for is marked beside the database."""
    written = place.config.read_text(encoding="utf-8")
    place.config.write_text(written.replace("/none/calibot.db", "/calibot.db"), encoding="utf-8")
    with_sources(
        place, order=["qbittorrent"], qbittorrent__url=nox.url, qbittorrent__username=USER,
        qbittorrent__password=nox.password,
    )  # fmt: skip


async def test_a_name_comes_from_a_qbittorrent_that_is_left_as_it_was(place: Place, nox: Nox, tmp_path: Path) -> None:
    with_qbittorrent(place, nox)
    sample = place.swarm.seed(make_sample("From there.mkv"))
    found, missing = await asyncio.gather(
        place.resolve(sample.magnet()), place.resolve("--timeout", "4", place.swarm.dead().magnet())
    )
    assert (found.code, found.output.splitlines()[1]) == (0, "  From there.mkv")
    assert (missing.code, "Dead, as it seems" in missing.output) == (1, True)
    assert (await nox.rows(), await nox.marks()) == ([], ([], []))
    assert list((tmp_path / "calibot.db.qbittorrent").iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
async def test_a_signal_in_the_middle_leaves_nothing_in_a_qbittorrent(
    place: Place, nox: Nox, number: signal.Signals
) -> None:
    with_qbittorrent(place, nox)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "resolve", "--config", place.config, place.swarm.dead().magnet()),
        cwd=ROOT,
        env=environment(),
    )
    await nox.until(lambda rows: len(rows) == 1)
    process.send_signal(number)
    await process.wait()
    if number == signal.SIGKILL:
        assert len(await nox.rows()) == 1
        await place.resolve("--timeout", "13", place.swarm.dead().magnet())
    assert (await nox.rows(), await nox.marks()) == ([], ([], []))

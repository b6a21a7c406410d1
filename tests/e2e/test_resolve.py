"""``python -m bot resolve``: names in the terminal, for people and for programs."""

import asyncio
import contextlib
import json
import os
import pty
import re
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sandbox.swarm import HOSTILE_NAMES, Swarm, make_sample
from tests.e2e.command import Ended, command, redirected, unread
from tests.e2e.conftest import ROOT, environment

CONTROLS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True)
class Place:
    """A swarm, and settings that have nothing else: no token, and a database that is never made."""

    swarm: Swarm
    config: Path

    async def resolve(self, *words: str, given: bytes = b"") -> Ended:
        return await command("resolve", "--config", self.config, *words, given=given)


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with Swarm() as swarm:
        config = tmp_path / "config.toml"
        config.write_text(
            f'[database]\npath = "{tmp_path}/none/calibot.db"\n[calibration]\nmax_workers = 3\n'
            '[resolvers.libtorrent]\nlisten_interfaces = "127.0.0.1:0"\nallow_private_peers = true\n'
            f"dht_bootstrap_nodes = {json.dumps(swarm.dht_nodes[:3])}\n",
            encoding="utf-8",
        )
        yield Place(swarm, config)
        assert not (tmp_path / "none").exists()


async def test_a_person_reads_name_size_and_files(place: Place) -> None:
    files = [(f"第{number:02}集.mkv", 1_000_000) for number in range(25)]
    sample = place.swarm.seed(make_sample("三体", files=files))
    ended = await place.resolve(sample.magnet())
    lines = ended.output.splitlines()
    assert ended.code == 0
    assert lines[:4] == [sample.v1, "  三体", "  25 MB · 25 files · verified, from the swarm", "    第00集.mkv · 1 MB"]
    assert lines[-1] == "    and 5 more"
    assert len(lines) == 3 + 20 + 1
    assert ended.errors == "", "nothing is drawn where there is no terminal"


async def test_a_program_reads_a_line_a_hash(place: Place) -> None:
    sample = place.swarm.seed(make_sample("Found.mkv", files=[("a.mkv", 5), ("b.txt", 7)]))
    dead = place.swarm.dead()
    ended = await place.resolve("--json", "--timeout", "2", sample.magnet(), dead.magnet())
    found, lost = map(json.loads, ended.output.splitlines())
    assert ended.code == 1
    assert 0 < found.pop("seconds") < lost.pop("seconds")
    assert found == {
        "info_hash": sample.v1,
        "status": "found",
        "name": "Found.mkv",
        "size": 12,
        "files": [{"path": "a.mkv", "size": 5}, {"path": "b.txt", "size": 7}],
        "source": "swarm",
        "verified": True,
        "certain": True,
        "error": None,
    }
    assert (lost["info_hash"], lost["status"], lost["name"], lost["verified"]) == (dead.v1, "dead", None, False)
    assert lost["error"].startswith("Dead, as it seems")
    assert lost.keys() | {"seconds"} == found.keys() | {"seconds"}


@pytest.mark.parametrize("how", [(), ("-",)])
async def test_standard_input_is_read_line_by_line_whatever_else_stands_there(place: Place, how: tuple[str]) -> None:
    samples = [place.swarm.seed(make_sample(f"name {number}")) for number in range(12)]
    lines = [f"{number}) see {sample.magnet(dn='x')}, later" for number, sample in enumerate(samples[:10])]
    lines += ["", "no link here", str(samples[10].v1), f"twice {samples[0].magnet()} {samples[11].magnet()}"]
    ended = await place.resolve("--json", *how, given="\r\n".join(lines).encode() + b"\n\xff\xfe\n")
    assert ended.code == 0
    assert {json.loads(line)["name"] for line in ended.output.splitlines()} == {sample.name for sample in samples}
    assert len(ended.output.splitlines()) == len(samples), "each once"


async def test_of_many_all_that_are_there_are_found(place: Place) -> None:
    samples = [place.swarm.seed(make_sample(f"name {number}")) for number in range(60)]
    ended = await place.resolve(*(sample.magnet() for sample in samples))
    assert ended.code == 0
    assert all(f"\n  {sample.name}\n" in ended.output for sample in samples)


@pytest.mark.parametrize("json_wanted", [False, True])
async def test_no_hostile_name_reaches_the_terminal_as_it_is(place: Place, *, json_wanted: bool) -> None:
    names = [raw for raw in HOSTILE_NAMES.values() if raw] + ["\x1b]0;owned\x07\x1b[2J\x7f\x9b31m".encode()]
    samples = [place.swarm.seed(make_sample(raw_name=raw, files=[("\x1b[31m\u202etxt.exe\x7f", 1)])) for raw in names]
    ended = await place.resolve(*(["--json"] if json_wanted else []), *(sample.magnet() for sample in samples))
    assert ended.code == 0
    assert CONTROLS.findall(ended.output) == []
    if json_wanted:
        assert ended.output.isascii()
        told = {one["info_hash"]: one for one in map(json.loads, ended.output.splitlines())}
        assert told[str(samples[-1].v1)]["name"] == names[-1].decode(), "what a program reads is exact"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("no hash at all",), '"no hash at all" has no magnet link and no info-hash'),
        (("0" * 40,), "has no magnet link and no info-hash"),
        (("\x1b[31m\u202e",), "has no magnet link and no info-hash"),
        (("x" * 5000,), "…"),
        (("-",), "Standard input has no magnet link"),
        (("1" * 40, "--timeout", "0"), "--timeout must be"),
        (("1" * 40, "--timeout", "nan"), "--timeout must be"),
        (("1" * 40, "--timeout", "inf"), "--timeout must be"),
    ],
)
async def test_bad_input_is_one_line(place: Place, words: tuple[str, ...], said: str) -> None:
    ended = await place.resolve(*words)
    assert (ended.code, ended.output) == (2, "")
    assert said in ended.errors
    assert ended.errors.count("\n") == 1
    assert CONTROLS.findall(ended.errors) == []
    assert len(ended.errors) < 250


async def test_settings_are_asked_for_only_where_they_are_named(place: Place, tmp_path: Path) -> None:
    named = await command("resolve", "1" * 40, "--config", tmp_path / "nowhere.toml")
    assert (named.code, "nowhere.toml" in named.errors) == (2, True)
    sample = place.swarm.seed(make_sample("By the environment"), by=["tracker"])
    ended = await command(
        "resolve",
        sample.magnet(),
        cwd=tmp_path / "..",
        CALIBOT_RESOLVERS__LIBTORRENT__LISTEN_INTERFACES="127.0.0.1:0",
        CALIBOT_RESOLVERS__LIBTORRENT__ALLOW_PRIVATE_PEERS="true",
        CALIBOT_RESOLVERS__LIBTORRENT__DHT="false",
    )
    assert (ended.code, "By the environment" in ended.output) == (0, True)
    assert (await command("resolve", "1" * 40, cwd=tmp_path / "..", CALIBOT_SURPRISE="1")).code == 2


async def test_whoever_reads_may_leave(place: Place) -> None:
    samples = [place.swarm.seed(make_sample(f"name {number}")) for number in range(30)]
    magnets = [sample.magnet() for sample in samples]
    ended = await unread("resolve", "--config", place.config, "--json", *magnets)
    assert ended == (128 + signal.SIGPIPE, b"")


async def test_that_names_cannot_be_written_is_told_in_a_line(place: Place) -> None:
    magnets = [place.swarm.seed(make_sample(f"name {number}")).magnet() for number in range(3)]
    ended = await redirected(">/dev/full", "resolve", "--config", place.config, *magnets)
    assert ended == (1, b"", b"The output could not be written: No space left on device.\n")


@pytest.mark.parametrize("how", [">&-", "2>&-", "2>/dev/full", ">&- 2>&-"])
async def test_where_a_standard_stream_is_closed_or_full_names_are_found_all_the_same(place: Place, how: str) -> None:
    magnet = place.swarm.seed(make_sample("name")).magnet()
    code, output, errors = await redirected(how, "resolve", "--config", place.config, "--json", magnet)
    assert (code, errors) == (0, b"")
    assert (b'"name"' in output) == how.startswith("2")


async def test_standard_input_that_cannot_be_read_is_told_in_a_line(place: Place, tmp_path: Path) -> None:
    ended = await redirected(f"0>{tmp_path / 'written'}", "resolve", "--config", place.config, "-")
    assert ended == (2, b"", b"Standard input cannot be read: Bad file descriptor.\n")


class Screen:
    """A terminal that one process writes to; *text* is all that it wrote."""

    def __init__(self) -> None:
        self.ours, self.theirs = pty.openpty()
        os.set_blocking(self.ours, False)
        self.text = ""
        self._news = asyncio.Event()

    def hear(self) -> None:
        with contextlib.suppress(OSError):
            self.text += os.read(self.ours, 65_536).decode("utf-8", "replace")
            self._news.set()

    async def shows(self, pattern: str) -> None:
        async with asyncio.timeout(30):
            while re.search(pattern, self.text) is None:
                self._news.clear()
                await self._news.wait()


@contextlib.asynccontextmanager
async def on_a_terminal(place: Place, *words: str) -> AsyncIterator[tuple[Screen, asyncio.subprocess.Process]]:
    screen = Screen()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "resolve", "--config", str(place.config), *words),
        cwd=ROOT,
        env=environment() | {"TERM": "xterm", "COLUMNS": "100", "LINES": "30"},
        stdin=screen.theirs,
        stdout=screen.theirs,
        stderr=screen.theirs,
        start_new_session=True,
    )
    asyncio.get_running_loop().add_reader(screen.ours, screen.hear)
    try:
        yield screen, process
    finally:
        asyncio.get_running_loop().remove_reader(screen.ours)
        if process.returncode is None:
            process.kill()
            await process.wait()
        os.close(screen.ours)
        os.close(screen.theirs)


async def test_on_a_terminal_each_lookup_is_a_live_line_until_it_ends(place: Place) -> None:
    waits = place.swarm.unseeded(make_sample("Found at last"))
    other = place.swarm.unseeded(make_sample("The other one"))
    async with on_a_terminal(place, waits.magnet(), other.magnet()) as (screen, process):
        for sample in (waits, other):
            await screen.shows(f"{str(sample.v1)[:16]}… asking 1 tracker and the DHT")
        await place.swarm.begin_seeding(waits)
        await screen.shows(f"{waits.v1}\r\n +Found at last\r\n")
        await place.swarm.begin_seeding(other)
        await screen.shows("The other one")
        assert await process.wait() == 0


async def test_on_a_terminal_it_does_not_wait_for_lines_that_nobody_types(place: Place) -> None:
    async with on_a_terminal(place) as (screen, process):
        await screen.shows("Name a magnet link or an info-hash, or - to read")
        assert await process.wait() == 2


async def test_ctrl_c_ends_it_at_once(place: Place) -> None:
    async with on_a_terminal(place, place.swarm.dead().magnet()) as (screen, process):
        await screen.shows("asking")
        process.send_signal(signal.SIGINT)
        code = await process.wait()
        screen.hear()
        assert code == 130, screen.text[-500:]
        assert "Traceback" not in screen.text

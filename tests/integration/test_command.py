"""An operator's program as a source, with real processes: what it says, how it misbehaves, and what is left of it."""

import asyncio
import contextlib
import ctypes
import errno
import json
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot import sources
from bot.config import Web
from bot.config_resolvers import Command, Files, Resolvers
from bot.doctor_sources import look_at_sources
from sandbox.swarm import make_sample
from sandbox.swarm.samples import Sample
from services.clock import Clock, SystemClock
from services.errors import LookupFailed, NotFound, ResolverDown, SourceFailed, SourceLate
from services.resolvers import processes as processes_module
from services.resolvers.command import CommandResolver
from services.resolvers.libtorrent import read_torrent
from services.torrents import Hints, InfoHash, TorrentId, TorrentInfo
from tests.fake_clock import FakeClock
from tests.integration.leftovers import children, nothing_left, processes, soon
from tests.integration.swarm_help import Running, Steps

__all__ = ["nothing_left"]

Look = Callable[..., "asyncio.Future[TorrentInfo]"]
PR_SET_CHILD_SUBREAPER = 36  # <linux/prctl.h>: whoever of ours loses its parent has us
SAMPLE = make_sample("True name.mkv", files=[("a.mkv", 1000), ("b/c.txt", 234)])
X = TorrentId(v1=InfoHash(SAMPLE.v1 or ""))
V2 = InfoHash(make_sample("True name.mkv", kind="v2").v2 or "")


@pytest.fixture
def helper(tmp_path: Path, nothing_left: str) -> Look:
    """Return a way to look X up with a helper that is this Python code."""

    def look(
        code: str, seconds: float = 20, clock: Clock | None = None, asked: TorrentId = X
    ) -> "asyncio.Future[TorrentInfo]":
        script = tmp_path / "helper.py"
        script.write_text(f"import os, sys, time, signal, json\nasked = sys.argv[1]\n{code}\n")
        argv = [sys.executable, "-S", str(script), "{info_hash}"]
        return looking_with(argv, seconds, clock, asked)

    return look


def looking_with(
    argv: list[str], seconds: float = 20, clock: Clock | None = None, asked: TorrentId = X
) -> "asyncio.Future[TorrentInfo]":
    async def look() -> TorrentInfo:
        async with opened(argv, seconds, clock) as one:
            return await one.resolve(asked, Hints(), Steps())

    return asyncio.ensure_future(look())


def opened(
    argv: list[str], seconds: float = 20, clock: Clock | None = None
) -> AbstractAsyncContextManager[CommandResolver]:
    return CommandResolver.open(argv, seconds=seconds, clock=clock or SystemClock(), read=read_torrent)


class Counting(SystemClock):
    """A clock that knows for how many seconds it was waited for."""

    slept = 0.0

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds)
        self.slept += seconds


class Hurried(SystemClock):
    """A clock on which every second is a twentieth of one."""

    def monotonic(self) -> float:
        return super().monotonic() * 20

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds / 20)


async def failure(looking: "asyncio.Future[TorrentInfo]") -> LookupFailed:
    with pytest.raises(LookupFailed) as failed:
        await looking
    return failed.value


async def test_as_many_of_it_run_at_once_as_the_settings_say_and_who_comes_later_stands_in_line(
    tmp_path: Path,
) -> None:
    log, gate, script = tmp_path / "log", tmp_path / "gate", tmp_path / "helper.py"
    os.mkfifo(gate)
    script.write_text(
        "import sys\n"
        "with open(sys.argv[2], 'a', buffering=1) as log, open(sys.argv[3], 'rb', buffering=0) as gate:\n"
        "    print('begun', file=log)\n"
        "    gate.read(1)\n"
        "    print('over', file=log)\n"
    )
    command = Command(argv=(sys.executable, "-S", str(script), "{info_hash}", str(log), str(gate)), at_once=1)
    settings = Resolvers(order=("command", "files"), command=command, files=Files(folders=(tmp_path / "none",)))
    torrents = [TorrentId(v1=InfoHash(f"{number:040x}")) for number in range(1, 4)]
    async with contextlib.AsyncExitStack() as stack:
        door = os.open(gate, os.O_RDWR)
        stack.callback(os.close, door)
        chain = await stack.enter_async_context(sources.opened(settings, None, SystemClock(), marks=tmp_path / "marks"))
        lookups = [await stack.enter_async_context(Running(chain, torrents[0]))]
        assert await soon(lambda: log.exists() and log.read_text() == "begun\n")
        for one in torrents[1:]:
            lookups.append(await stack.enter_async_context(Running(chain, one)))
            step = await lookups[-1].steps.until(lambda step: True)
            assert step.parameters.get("waiting") == "command"
        os.write(door, b"...")
        await asyncio.wait([one.task for one in lookups])
    assert log.read_text().split() == ["begun", "over"] * 3


# What it says.


async def test_its_last_line_is_a_name_that_nobody_has_verified(helper: Look) -> None:
    info = await helper("print('looking for', asked); print('三体.mkv ' + asked); print(); print('  ')")
    assert (info.name.text, info.name.certain) == (f"三体.mkv {SAMPLE.v1}", True)
    assert (info.torrent, info.verified, info.source) == (X, False, "command")
    assert (info.size, info.files) == (0, ())


async def test_a_name_in_another_encoding_is_a_guess(helper: Look) -> None:
    raw = "三体全集".encode("gbk")
    info = await helper(f"sys.stdout.buffer.write({raw!r})")
    assert (info.name.raw, info.name.text, info.name.certain) == (raw, "三体全集", False)


@pytest.mark.parametrize(
    ("said", "size", "files"),
    [
        ({"name": "A"}, 0, []),
        ({"name": "A", "size": 7}, 7, []),
        ({"name": "A", "files": [{"path": "x", "size": 3}, {"path": "y", "size": 4}]}, 7, ["x", "y"]),
        ({"name": "A", "size": -1, "files": [{"path": 1, "size": 3}, 5, {"path": "y", "size": 2**70}]}, 0, []),
        ({"name": "A", "size": True, "files": "none"}, 0, []),
        ({"name": "A", "files": [{"path": "x", "size": 2**62}] * 3}, 2**63 - 1, ["x"] * 3),
        ({"name": "A", "files": [{"path": "\ud800", "size": 3}, {"path": "y", "size": 4}]}, 4, ["y"]),
    ],
)
async def test_an_object_says_name_size_and_files_and_what_is_malformed_is_passed_over(
    helper: Look, said: object, size: int, files: list[str]
) -> None:
    info = await helper(f"print({json.dumps(said)!r})")
    assert (info.name.text, info.size, [one.path for one in info.files]) == ("A", size, files)
    assert not info.verified


@pytest.mark.parametrize(
    "said",
    [
        '{"name": "A", "size": 7}\n\n',
        'one line\n{"name": "A", "size": 7}\n',
        '{"name": "old"}\n{"name": "A", "size": 7}\n',
        '\n {\n "name": "A",\n "size": 7\n}\n\n',
        'one line\n{"a": "log"}\n{\n "name": "A",\n "size": 7,\n "files": [\n  {}\n ]\n}\n',
        '\ufeff{"name": "A", "size": 7}',
        '\ufeff{\n "name": "A",\n "size": 7\n}',
    ],
)
async def test_an_object_is_all_that_it_says_or_its_last_line(helper: Look, said: str) -> None:
    info = await helper(f"print({said!r})")
    assert (info.name.text, info.size) == ("A", 7)


@pytest.mark.parametrize("said", ["{not json", "{}x", "[1]", "7", "name with / in it", "null.mkv"])
async def test_what_is_neither_an_object_nor_a_file_is_a_name(helper: Look, said: str) -> None:
    assert (await helper(f"print({said!r})")).name.text == said


@pytest.mark.parametrize(
    "said", ["/no/such/file", "/home/me/gone.torrent", "/" + "long" * 99, "/x\0y", "/", "\ufeff/x"]
)
async def test_a_path_is_never_a_name(helper: Look, said: str) -> None:
    failed = await failure(helper(f"print({said!r})"))
    assert isinstance(failed, NotFound)
    assert failed.parameters == {"reason": "file_unreadable"}


async def test_a_path_that_may_not_be_looked_at_is_no_name_either(
    helper: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(path: Path) -> bool:
        raise PermissionError(path)

    monkeypatch.setattr(Path, "is_file", refused)
    assert (await failure(helper("print('/root/x.mkv')"))).parameters == {"reason": "file_unreadable"}


@pytest.mark.parametrize("kind", ["torrent", "info"])
@pytest.mark.parametrize("named", ["line", "object"])
async def test_a_file_that_it_names_is_verified(helper: Look, tmp_path: Path, kind: str, named: str) -> None:
    file = tmp_path / "found it.torrent"
    file.write_bytes(SAMPLE.info if kind == "info" else torrent_of(SAMPLE))
    said = str(file) if named == "line" else json.dumps({"torrent": str(file), "name": "ignored"})
    info = await helper(f"print({said!r})")
    assert (info.name.text, info.verified, info.torrent) == ("True name.mkv", True, X)
    assert [(one.path, one.size) for one in info.files] == [("a.mkv", 1000), ("b/c.txt", 234)]


@pytest.mark.parametrize("kind", ["v1", "v2", "hybrid"])
def test_each_kind_of_torrent_is_read_whole_and_bare(kind: str) -> None:
    sample = make_sample("Kind.mkv", kind=kind)  # type: ignore[arg-type] # one of three
    for content in (sample.info, torrent_of(sample)):
        info = read_torrent(content, "files")
        assert [one.hex for one in info.torrent.hashes] == [one for one in (sample.v1, sample.v2) if one]
        assert (info.name.text, info.source, info.verified) == ("Kind.mkv", "files", True)


def torrent_of(sample: Sample) -> bytes:
    return b"d8:announce20:http://a.example/ann4:info" + sample.info + b"e"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (torrent_of(make_sample("Other.mkv")), "another torrent"),
        (b"", "torrent_unusable"),
        (b"garbage", "torrent_unusable"),
        (torrent_of(SAMPLE)[:-20], "torrent_unusable"),
        (b"d" * 1_000_000, "torrent_unusable"),
        (b"\0" * (16 * 1_048_576 + 1), "file_too_large"),
        (None, "file_unreadable"),
    ],
)
async def test_a_file_that_is_not_this_torrents_is_no_answer(
    helper: Look, tmp_path: Path, content: bytes | None, reason: str
) -> None:
    file = tmp_path / "x.torrent"
    if content is not None:
        file.write_bytes(content)
    failed = await failure(helper(f"print(json.dumps({{'torrent': {str(file)!r}}}))"))
    assert isinstance(failed, NotFound)
    assert failed.parameters == {"reason": reason}


async def test_a_pipe_or_a_folder_that_it_names_is_not_waited_for(helper: Look, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name in (tmp_path / "pipe", tmp_path):
        failed = await failure(helper(f"print(json.dumps({{'torrent': {str(name)!r}}}))"))
        assert failed.parameters == {"reason": "file_unreadable"}


@pytest.fixture
async def hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Path, asyncio.Semaphore]]:
    """Yield a file whose reads do not return before the test has ended, and what tells of each that begins."""
    loop, begun, may_end = asyncio.get_running_loop(), asyncio.Semaphore(0), threading.Event()
    file, real = tmp_path / f"{SAMPLE.v1}.torrent", Path.is_file  # as qBittorrent calls its own

    def hung(path: Path) -> bool:
        if path == file:
            loop.call_soon_threadsafe(begun.release)
            may_end.wait(60)
        return real(path)

    monkeypatch.setattr(Path, "is_file", hung)
    yield file, begun
    may_end.set()


async def test_a_file_whose_read_never_returns_has_the_programs_time_and_is_told_without_what_was_looked_for(
    hangs: tuple[Path, asyncio.Semaphore], helper: Look
) -> None:
    (file, begun), clock = hangs, FakeClock()
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
    looking = helper(f"print({str(file)!r})", 20, clock)
    await begun.acquire()
    async with asyncio.timeout(5):
        await asyncio.to_thread(int)
    with capture_logs() as logged:
        await clock.advance(20)
        assert looking.done()
    assert (await failure(looking)).parameters == {"source": "command", "reason": "no answer in 20 s"}
    assert [(one["event"], one["path"]) for one in logged] == [("command.hung", str(file.with_stem("{info_hash}")))]


async def test_files_whose_reads_never_return_keep_nobody_from_a_name(
    hangs: tuple[Path, asyncio.Semaphore], nothing_left: str, tmp_path: Path
) -> None:
    (file, begun), clock = hangs, FakeClock()
    argv = ["/bin/sh", "-c", 'cat "$0"', str(tmp_path / "said"), "{info_hash}"]
    async with opened(argv, 20, clock) as one:
        (tmp_path / "said").write_text(str(file))
        looking = [asyncio.ensure_future(one.resolve(X, Hints(), Steps())) for _ in range(4)]
        for _ in looking:
            await begun.acquire()
        (tmp_path / "said").write_bytes("三体.mkv".encode("gbk"))
        async with asyncio.timeout(10):
            assert (await one.resolve(X, Hints(), Steps())).name.text == "三体.mkv"
        await clock.advance(20)
        assert [type(await failure(late)) for late in looking] == [SourceLate] * 4


async def test_the_name_beside_a_file_that_cannot_be_used_is_a_claim(
    hangs: tuple[Path, asyncio.Semaphore], helper: Look, tmp_path: Path
) -> None:
    (hung, begun), clock = hangs, FakeClock()
    (tmp_path / "garbage").write_bytes(b"garbage")
    for file in (tmp_path / "none", tmp_path / "garbage"):
        info = await helper(f"print(json.dumps({{'torrent': {str(file)!r}, 'name': 'A', 'size': 7}}))")
        assert (info.name.text, info.size, info.verified) == ("A", 7, False)
    looking = helper(f"print(json.dumps({{'torrent': {str(hung)!r}, 'name': 'A'}}))", 20, clock)
    await begun.acquire()
    await clock.advance(20)
    assert looking.result().name.text == "A"


async def test_the_name_beside_another_torrents_file_is_none(helper: Look, tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(torrent_of(make_sample("Other.mkv")))
    failed = await failure(helper(f"print(json.dumps({{'torrent': {str(tmp_path / 'other')!r}, 'name': 'A'}}))"))
    assert failed.parameters == {"reason": "another torrent"}


@pytest.mark.skipif(not Path("/proc/kmsg").is_file(), reason="not on this system")
async def test_a_file_of_the_systems_that_has_no_end_is_not_read(helper: Look) -> None:
    failed = await failure(helper("print('/proc/kmsg')"))  # what reads all of it waits for the kernel
    assert failed.parameters == {"reason": "torrent_unusable"}


# How it misbehaves.


@pytest.mark.parametrize(
    "said",
    ["", "\n", "\ufeff", "null", "{}", "a line\n{}", '{"name": null, "size": 3}', '{"name": "", "torrent": null}'],
)
async def test_one_that_says_nothing_knows_no_name(helper: Look, said: str) -> None:
    failed = await failure(helper(f"print({said!r})"))
    assert (type(failed), failed.parameters) == (NotFound, {"reason": "nothing_said"})


@pytest.mark.parametrize(
    "said",
    [
        '{"size": 3}',
        '{"title": "A"}',
        '{"name": 3}',
        '{"name": {}}',
        '{"name": "", "torrent": 3}',
        '{"torrent": "a.torrent"}',
        'a line\n{\n "name": "A"\n "size": 3\n}',
        "[\n]",
        "x" * 5000,
    ],
)
async def test_that_what_it_says_is_neither_a_name_nor_a_file_is_told(helper: Look, said: str) -> None:
    failed = await failure(helper(f"print({said!r})"))
    assert (type(failed), failed.parameters) == (NotFound, {"reason": "output_unusable"})


async def test_an_error_is_told_by_its_last_line(helper: Look) -> None:
    failed = await failure(helper("print('a name'); sys.stderr.write('trying\\nno such torrent\\n\\n'); sys.exit(1)"))
    assert isinstance(failed, SourceFailed)
    assert failed.parameters == {"source": "command", "reason": "no such torrent"}
    failed = await failure(helper("sys.exit(3)"))
    assert failed.parameters == {"source": "command", "reason": "exit code 3"}


@pytest.mark.parametrize("spelled", ["sys.argv[1]", "sys.argv[1].upper()"])
async def test_an_error_is_told_without_what_was_looked_for(helper: Look, spelled: str) -> None:
    failed = await failure(helper(f"sys.exit('no page /' + {spelled} + '.torrent')"))
    assert failed.parameters == {"source": "command", "reason": "no page /{info_hash}.torrent"}


@pytest.mark.parametrize("asked", [TorrentId(v2=V2), TorrentId(X.v1, V2)])
async def test_an_error_is_told_without_a_v2_info_hash_be_it_whole_or_cut_as_qbittorrent_shows_it(
    helper: Look, asked: TorrentId
) -> None:
    failed = await failure(helper(f"sys.exit('no {V2}, no {V2.hex[:40].upper()}')", asked=asked))
    assert failed.parameters == {"source": "command", "reason": "no {info_hash}, no {info_hash}"}


@pytest.mark.parametrize("content", [None, "no first line that the system can run"])
async def test_why_it_cannot_be_run_is_told_without_what_was_looked_for(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / str(SAMPLE.v1)).write_text(content)
        (tmp_path / str(SAMPLE.v1)).chmod(0o755)
    told = await failure(looking_with([str(tmp_path / "{info_hash}"), "{info_hash}"]))
    assert isinstance(told, ResolverDown)
    assert str(SAMPLE.v1) not in str(told.parameters["reason"])
    assert str(tmp_path / "{info_hash}") in str(told.parameters["reason"])


@pytest.mark.parametrize("where", ["stdout", "stderr"])
async def test_one_that_prints_ten_megabytes_is_ended(helper: Look, where: str) -> None:
    failed = await failure(helper(f"sys.{where}.write('x' * 10_000_000); sys.{where}.flush(); signal.pause()"))
    assert failed.parameters == {"source": "command", "reason": "it said more than 1 MiB"}


async def test_one_that_takes_too_long_and_does_not_hear_is_killed(tmp_path: Path, nothing_left: str) -> None:
    script = "trap '' TERM; echo begun > $0; while :; do sleep 1000; done"
    argv = ["/bin/sh", "-c", script, str(tmp_path / "begun"), "{info_hash}"]
    failed = await failure(looking_with(argv, 0.3))
    assert isinstance(failed, SourceLate)
    assert failed.parameters == {"source": "command", "reason": "no answer in 0.3 s"}
    assert (tmp_path / "begun").exists()


async def test_what_it_began_and_left_behind_is_ended_with_it(helper: Look) -> None:
    info = await helper("""
if os.fork() == 0:  # it has both outputs, and would hold them for ever
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.pause()
print('a name')""")
    assert info.name.text == "a name"


BEGUN = """
ready, told = os.pipe()
if os.fork() == 0:
    {}
    os.write(told, b'.')
    signal.pause()
os.read(ready, 1)
print('a name')"""
"""One that ends when another, which it began, is ready."""


async def test_who_is_left_when_it_has_ended_has_the_grace_to_tidy_up(helper: Look, tmp_path: Path) -> None:
    tidy = f"lambda *_: (time.sleep(0.3), open({str(tmp_path / 'tidied')!r}, 'w').close(), os._exit(0))"
    await helper(BEGUN.format(f"signal.signal(signal.SIGTERM, {tidy})"))
    assert (tmp_path / "tidied").exists()


async def test_who_holds_its_outputs_from_another_session_is_hardly_waited_for(
    helper: Look, nothing_left: str, tmp_path: Path
) -> None:
    clock, pipe = Counting(), tmp_path / "held"
    os.mkfifo(pipe)
    looking = helper(BEGUN.format(f"os.setsid(); held = open({str(pipe)!r}, 'w')"), clock=clock)
    with await asyncio.to_thread(pipe.open, "rb") as held:
        info = await looking
        (left,) = processes(nothing_left)
        os.kill(left, signal.SIGKILL)
        await asyncio.to_thread(held.read)  # until it has gone
    assert info.name.text == "a name"
    assert clock.slept < 1


async def test_where_nobody_is_left_there_is_no_wait(helper: Look) -> None:
    clock = Counting()
    await helper("print('a name')", clock=clock)
    assert clock.slept == 0


async def test_who_has_ended_is_not_waited_for_where_orphans_are_ours(helper: Look) -> None:
    clock, prctl = Counting(), ctypes.CDLL(None).prctl
    assert prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
    try:
        await helper(BEGUN.format(""), clock=clock)
    finally:
        prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
    assert clock.slept < 1


async def test_a_lookup_that_is_left_leaves_no_process(helper: Look, nothing_left: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "began")
    looking = helper(f"began = open({str(tmp_path / 'began')!r}, 'w'); os.fork(); began.close(); signal.pause()")
    await asyncio.to_thread((tmp_path / "began").read_bytes)  # until both have closed it
    assert len(processes(nothing_left)) == 2
    looking.cancel()
    await asyncio.wait([looking])
    assert looking.cancelled()


async def test_a_lookup_that_is_left_while_its_process_is_started_leaves_none(
    helper: Look, nothing_left: str, tmp_path: Path
) -> None:
    began = tmp_path / "began"
    os.mkfifo(began)
    for turns in range(12):
        looking = helper(f"began = open({str(began)!r}, 'w'); os.fork(); began.close(); signal.pause()")
        for _ in range(turns):
            await asyncio.sleep(0)
        if processes(nothing_left):
            began.read_bytes()  # until both are there; the loop stands still meanwhile
        looking.cancel()
        await asyncio.wait([looking])
        assert looking.cancelled()
        assert (turns, processes(nothing_left)) == (turns, [])


async def test_one_that_is_left_twice_leaves_no_process_either(helper: Look, nothing_left: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "began")
    told = "signal.signal(signal.SIGTERM, lambda *_: open({0!r}, 'w').close()); began = open({0!r}, 'w')"
    looking = helper(f"{told.format(str(tmp_path / 'began'))}; began.close()\nwhile True: signal.pause()")
    for _ in range(2):  # it has begun; it was told to end, and does not
        await asyncio.to_thread((tmp_path / "began").read_bytes)
        looking.cancel()
    await asyncio.wait([looking])
    assert looking.cancelled()


MOVES = "os.setpgid(0, 0)"  # as `timeout` does, and jobs of `set -m` do


@pytest.mark.parametrize("how", ["", "; signal.signal(signal.SIGTERM, signal.SIG_IGN)"])
async def test_who_has_moved_to_a_group_of_its_own_is_ended_too(helper: Look, how: str) -> None:
    assert (await helper(BEGUN.format(MOVES + how))).name.text == "a name"


async def test_who_has_moved_to_a_group_of_its_own_is_ended_when_the_lookup_is_left(
    helper: Look, nothing_left: str, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "began")
    began = f"open({str(tmp_path / 'began')!r}, 'w').close(); signal.pause()"
    looking = helper(BEGUN.format(MOVES) + f"\n{began}")
    await asyncio.to_thread((tmp_path / "began").read_bytes)
    assert len(processes(nothing_left)) == 2
    looking.cancel()
    await asyncio.wait([looking])
    assert looking.cancelled()


async def test_a_session_that_has_the_number_of_one_that_has_ended_is_nobodys_of_ours(
    helper: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[int, int]] = []
    looks = iter([{101: 101}, {102: 102}])  # group by process

    def tell(group: int, which: int) -> None:
        told.append((group, which))
        if group not in (101, 102):
            raise ProcessLookupError

    monkeypatch.setattr(processes_module, "_groups_in", lambda _: next(looks, {}))
    monkeypatch.setattr(os, "killpg", tell)
    await helper("print('a name')")
    assert [group for group, _ in told if group in (101, 102)] == [101]


async def test_those_who_are_ended_are_no_zombies_where_orphans_are_ours(helper: Look) -> None:
    prctl = ctypes.CDLL(None).prctl
    assert prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
    try:
        await helper(BEGUN.format(MOVES))
    finally:
        prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
    assert children() == []


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Refuse to send signals to groups, as to processes that have changed their user; yield which groups they were."""
    groups = []

    def refuse(group: int, _: int) -> None:
        groups.append(group)
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "killpg", refuse)
    with capture_logs() as told:
        yield groups
    assert [(one["event"], one["pid"]) for one in told] == [("process.not_ended", one) for one in groups]


async def test_who_may_not_be_ended_has_answered_nevertheless(helper: Look, refused: list[int]) -> None:
    assert (await helper("print('a name')")).name.text == "a name"
    assert len(refused) == 1


@pytest.mark.parametrize("left", [True, False])
async def test_who_may_not_be_ended_is_waited_for_no_longer_than_the_grace(
    helper: Look, refused: list[int], tmp_path: Path, left: bool
) -> None:
    os.mkfifo(tmp_path / "held")
    code = f"held = open({str(tmp_path / 'held')!r}, 'w'); signal.pause()"
    looking = helper(code, 1000 if left else 60, Hurried())
    with await asyncio.to_thread((tmp_path / "held").open, "rb") as held:
        if left:
            looking.cancel()
        await asyncio.wait([looking])
        os.kill(refused[0], signal.SIGKILL)
        await asyncio.to_thread(held.read)  # until it has gone
    for one in threading.enumerate():
        if one.name.startswith("asyncio-waitpid"):
            await asyncio.to_thread(one.join)  # until asyncio knows
    if left:
        assert looking.cancelled()
    else:
        assert (await failure(looking)).parameters["reason"] == "no answer in 60 s"


@pytest.mark.parametrize(
    ("program", "why"),
    [("/no/such/helper", "No such file"), ("/etc/passwd", "denied"), ("/", "denied"), ("\0", "embedded null byte")],
)
async def test_one_that_cannot_be_run_is_down(program: str, why: str, nothing_left: str) -> None:
    told = await failure(looking_with([program]))
    assert isinstance(told, ResolverDown)
    assert why in str(told.parameters["reason"])


@pytest.mark.parametrize(
    ("script", "why"),
    [
        (
            b"#!/usr/bin/python9\nprint(1)\n",
            "its first line names /usr/bin/python9, which is no program that can be run",
        ),
        (b"#! /etc/passwd -x\n", "its first line names /etc/passwd, which is no program that can be run"),
        (b"#!sh\necho Name", "its first line names sh, which is no program that can be run"),
        (b"#!\necho Name", "its first line names nothing, which is no program that can be run"),
        (b"#!/bin/sh\r\necho Name\r\n", "its first line ends in CR LF, as on Windows; LF alone can be read"),
        (b"echo Name\n", "it is no binary, and its first line does not begin with #!"),
        (b"", "it is no binary, and its first line does not begin with #!"),
    ],
)
async def test_one_whose_first_line_is_not_what_the_system_can_run_is_told_with_what_is_wrong_there(
    tmp_path: Path, script: bytes, why: str, nothing_left: str
) -> None:
    program = tmp_path / "program"
    program.write_bytes(script)
    program.chmod(0o755)
    told = await failure(looking_with([str(program)]))
    assert (type(told), told.parameters) == (ResolverDown, {"reason": f"{program}: {why}"})
    command = Command(argv=(str(program), "{info_hash}"))
    checked = [str(one) async for one in look_at_sources(Resolvers(order=("command",), command=command), Web())]
    assert checked == [f"✗ command: {program}: {why} — mend that file"]


@pytest.mark.parametrize("sought", ["no-such-program", "sh -e", "/no/such/program"])
async def test_one_whose_first_line_has_env_look_for_what_is_not_there_is_told_by_the_check(
    tmp_path: Path, sought: str, nothing_left: str
) -> None:
    program = tmp_path / "program"
    program.write_text(f"#!/usr/bin/env {sought} \necho Name\n")
    program.chmod(0o755)
    assert isinstance(await failure(looking_with([str(program)])), SourceFailed)
    command = Command(argv=(str(program), "{info_hash}"))
    checked = [str(one) async for one in look_at_sources(Resolvers(order=("command",), command=command), Web())]
    why = f"its first line has env look for {sought}, which is no program that can be run"
    assert checked == [f"✗ command: {program}: {why} — mend that file"]


@pytest.mark.parametrize(
    "script",
    [
        b"#!/bin/sh\necho Name",
        b"#! \t/bin/sh\t-e\necho Name",
        b"#!/usr/bin/env sh\necho Name",
        b"#! /usr/bin/env \t/bin/sh \necho Name",
        b"#!/usr/bin/env -S A=1 sh -e\necho Name",
    ],
)
async def test_one_whose_first_line_names_a_program_that_is_there_is_well(tmp_path: Path, script: bytes) -> None:
    program = tmp_path / "program"
    program.write_bytes(script)
    program.chmod(0o755)
    assert (await looking_with([str(program)])).name.text == "Name"
    command = Command(argv=(str(program), "{info_hash}"))
    checked = [str(one) async for one in look_at_sources(Resolvers(order=("command",), command=command), Web())]
    assert checked == [f"✓ command: {program} is asked"]


async def test_it_is_told_an_info_hash_and_no_secret_and_no_shell_reads_it(
    helper: Look, monkeypatch: pytest.MonkeyPatch, nothing_left: str
) -> None:
    monkeypatch.setenv("CALIBOT_TELEGRAM__TOKEN", "1234:secret")
    monkeypatch.setenv("calibot_telegram__token", "1234:secret")  # the settings read it, too
    found = "[k for k in os.environ if 'CALI' in k.upper()]"
    info = await helper(f"print(json.dumps({{'name': ' '.join(sys.argv[1:] + {found})}}))")
    assert info.name.text == SAMPLE.v1
    quoted = await looking_with(["/bin/echo", "$HOME; {info_hash} `id`"])
    assert quoted.name.text == f"$HOME; {SAMPLE.v1} `id`"

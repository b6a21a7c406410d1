"""A qBittorrent that does not answer as it should, goes away, or whose calibot does: nothing of ours stays there."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from benchmarks.ports import free_port
from sandbox.swarm import make_sample
from services.calibration.task import verdict
from services.clock import SystemClock
from services.errors import LookupFailed, ResolverDown
from services.resolvers.breaker import Breaker
from services.resolvers.chain import Chain, Source
from services.resolvers.qbittorrent import QbittorrentResolver
from services.resolvers.qbittorrent.runs import Run
from services.torrents import Step
from tests.integration.leftovers import nothing_left
from tests.integration.qbittorrent_help import (
    Answer,
    Counting,
    Front,
    Hurried,
    World,
    forget_all,
    front,
    look_up,
    looking,
    nox,
    saying,
    world,
)
from tests.integration.swarm_help import Running, Steps, torrent_id, trackers_of

__all__ = ["front", "nothing_left", "nox", "world"]

pytestmark = pytest.mark.timeout(60)  # a real server takes its time where others work

WRONG = "s3cret-and-wrong"
ROOT = Path(__file__).parents[2]


async def why_not(resolver: QbittorrentResolver, world: World) -> object:
    """Return for which reason a torrent that is there to be found is not."""
    with pytest.raises(LookupFailed) as failed:
        await look_up(resolver, world.swarm.dead())
    assert isinstance(failed.value, ResolverDown)
    return failed.value.parameters["reason"]


# Who does not let us in.


async def test_a_wrong_password_is_tried_once(world: World, front: Front) -> None:
    async with world.opened(url=front.url, password=WRONG) as resolver:
        assert [await why_not(resolver, world) for _ in range(7)] == ["password"] * 7
        assert front.asked["login"] == 1
    assert (await look_up_there(world)) == "Let in.mkv"


@pytest.mark.parametrize("page", ["<html>Welcome</html>", "Ok", "null"])
async def test_what_is_no_answer_to_a_login_is_no_wrong_password(world: World, front: Front, page: str) -> None:
    front.answers["login"] = saying(200, page)
    async with world.opened(url=front.url, clock=Hurried()) as resolver:
        assert await why_not(resolver, world) == "garbage"
        front.answers.clear()
        assert (await look_up(resolver, world.swarm.seed(make_sample("Let in.mkv")))).name.text == "Let in.mkv"


@pytest.mark.parametrize(("status", "text"), [(200, "Fails."), (401, "")])
async def test_a_refusal_is_a_wrong_password_as_old_and_new_versions_say_it(
    world: World, front: Front, status: int, text: str
) -> None:
    front.answers["login"] = saying(status, text)
    async with world.opened(url=front.url) as resolver:
        assert [await why_not(resolver, world) for _ in range(3)] == ["password"] * 3
    assert front.asked["login"] == 1


async def look_up_there(world: World) -> str:
    async with world.opened() as resolver:
        return (await look_up(resolver, world.swarm.seed(make_sample("Let in.mkv")))).name.text


async def test_the_log_is_told_once_that_it_is_down_and_once_that_it_is_not(world: World, front: Front) -> None:
    front.answers["*"] = saying(500)
    with capture_logs() as logs:
        async with world.opened(url=front.url) as resolver:
            assert [await why_not(resolver, world) for _ in range(3)] == ["status 500"] * 3
            front.answers.clear()
            await look_up(resolver, world.swarm.seed(make_sample("Up.mkv")))
    told = [(one["event"], one.get("reason")) for one in logs]
    assert told == [("qbittorrent.down", "status 500"), ("qbittorrent.up", None)]


async def test_thirty_at_once_try_a_wrong_password_once(world: World, front: Front) -> None:
    async with world.opened(url=front.url, password=WRONG) as resolver:
        assert await asyncio.gather(*(why_not(resolver, world) for _ in range(30))) == ["password"] * 30
    assert front.asked["login"] == 1


async def test_the_password_stands_in_no_error(world: World) -> None:
    async with world.opened(password=WRONG) as resolver:
        with pytest.raises(ResolverDown) as failed:
            await look_up(resolver, world.swarm.dead())
    error: BaseException | None = failed.value
    while error is not None:
        assert WRONG not in f"{error!r} {error}"
        error = error.__cause__ or error.__context__


async def test_a_session_that_is_over_is_begun_anew(world: World, front: Front) -> None:
    async with world.opened(url=front.url) as resolver:
        await look_up(resolver, world.swarm.seed(make_sample("1.mkv")))
        await world.nox.stop()
        await world.nox.start()
        await look_up(resolver, world.swarm.seed(make_sample("2.mkv")))
        assert front.asked["login"] == 2


# Who does not answer.


async def test_nobody_there_is_told_at_once(world: World) -> None:
    async with world.opened(url=f"http://127.0.0.1:{free_port()}") as resolver:
        assert await why_not(resolver, world) == "unreachable"


GARBAGE = [
    ("*", saying(500), "status 500"),
    ("*", saying(404), "status 404"),
    ("*", saying(302), "garbage"),
    ("*", saying(200, "<html>Welcome</html>"), "garbage"),
    ("webapiVersion", saying(200, "2.8"), "too_old"),
    ("webapiVersion", saying(200, "９.９.９"), "garbage"),
    ("info", saying(200, "null"), "garbage"),
    ("info", saying(200, '{"hash": "x"}'), "garbage"),
    ("info", saying(200, '["x"]'), "garbage"),
    ("info", saying(200, '[{"hash": 5}]'), "garbage"),
    ("info", saying(200, "[" * 10_000), "garbage"),
    ("add", saying(200, "17"), "garbage"),
    ("add", saying(200, "[" * 100_000), "garbage"),
    ("add", saying(200, "Welcome"), "garbage"),
    ("add", saying(503), "status 503"),
]


@pytest.mark.parametrize(("word", "answer", "reason"), GARBAGE)
async def test_what_is_no_answer_counts_as_down(
    world: World, front: Front, word: str, answer: Answer, reason: str
) -> None:
    front.answers[word] = answer
    async with world.opened(url=front.url, clock=Hurried()) as resolver:
        assert await why_not(resolver, world) == reason


@pytest.mark.parametrize("word", ["webapiVersion", "info", "add"])
async def test_one_that_is_silent_holds_nobody_for_long(world: World, front: Front, word: str) -> None:
    front.answers[word] = front.silence
    async with world.opened(url=front.url, seconds=1) as resolver:
        async with asyncio.timeout(8):
            assert await asyncio.gather(*(why_not(resolver, world) for _ in range(30))) == ["timeout"] * 30
        del front.answers[word]
        assert (await look_up(resolver, world.swarm.seed(make_sample("Again.mkv")))).name.text == "Again.mkv"


async def test_a_stop_does_not_wait_for_one_that_is_silent(world: World, front: Front) -> None:
    async with asyncio.timeout(10):
        async with world.opened(url=front.url, seconds=1) as resolver:
            lookups = [asyncio.create_task(look_up(resolver, world.swarm.dead())) for _ in range(10)]
            await world.nox.until(lambda rows: len(rows) == 10)
            front.answers["*"] = front.silence
            for one in lookups:
                one.cancel()
            await asyncio.wait(lookups)
    front.answers.clear()
    async with world.opened(url=front.url, clock=Hurried()):
        await world.nox.until(lambda rows: rows == [])
        await unmarked(world)


@contextlib.asynccontextmanager
async def trickling(head: bytes, piece: bytes, seconds: float) -> AsyncIterator[str]:
    """Yield the address of one who answers with *head*, and then with a *piece* every so many *seconds*."""
    over = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError), contextlib.closing(writer):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(head)
            while not over.is_set():
                writer.write(piece)
                await writer.drain()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(over.wait(), seconds)

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        over.set()
        server.close()


BODY = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 100000000000\r\n\r\n"


@pytest.mark.parametrize(
    ("head", "piece", "pause", "reason"),
    [
        (BODY, b"2", 0.1, "timeout"),
        (BODY, b"2", 60, "timeout"),
        (BODY, b"2" * 1_000_000, 0, "too_large"),
        (b"HTTP/1.1 200 OK\r\nX: ", b"2", 0.1, "timeout"),
    ],
    ids=["a trickle", "a stall", "a flood", "a trickle of headers"],
)
async def test_an_answer_without_an_end_holds_nobody_for_long(
    world: World, head: bytes, piece: bytes, pause: float, reason: str
) -> None:
    seconds = 2 if pause == 0 else 0.5
    async with trickling(head, piece, pause) as url, asyncio.timeout(8), world.opened(url=url, seconds=seconds) as one:
        assert await asyncio.gather(*(why_not(one, world) for _ in range(5))) == [reason] * 5


async def test_a_slow_one_is_waited_for(world: World, front: Front) -> None:
    async def late() -> None:
        await asyncio.sleep(0.2)

    front.answers["*"] = late
    async with world.opened(url=front.url) as resolver:
        assert (await look_up(resolver, world.swarm.seed(make_sample("Slow.mkv")))).name.text == "Slow.mkv"


async def test_an_export_that_fails_is_asked_for_again(world: World, front: Front) -> None:
    answers = iter([saying(500), saying(500), saying(409, "no metadata")])

    async def sometimes() -> web.StreamResponse | None:
        return await one() if (one := next(answers, None)) else None

    front.answers["export"] = sometimes
    async with world.opened(url=front.url) as resolver:
        assert (await look_up(resolver, world.swarm.seed(make_sample("At last.mkv")))).name.text == "At last.mkv"


async def test_an_export_that_always_fails_holds_up_no_other(world: World, front: Front) -> None:
    bad, good = (world.swarm.seed(make_sample(f"{one}.mkv")) for one in range(2))
    front.refused["export"] = str(bad.v1)
    async with world.opened(url=front.url, clock=Hurried()) as resolver:
        failing = asyncio.create_task(look_up(resolver, bad))
        assert (await look_up(resolver, good)).name.text == good.name
        with pytest.raises(ResolverDown, match="status 500"):
            await failing
        assert await world.nox.rows() == []


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
async def test_a_proxy_of_the_environment_is_not_asked(
    world: World, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    async with world.opened() as resolver:
        monkeypatch.setenv(variable, "http://127.0.0.1:9")
        info = await look_up(resolver, world.swarm.seed(make_sample("Straight.mkv")))
        monkeypatch.delenv(variable)
    assert info.name.text == "Straight.mkv"


@pytest.mark.parametrize("content", ["garbage", "d4:infod4:name1:xee"])
async def test_what_is_exported_and_is_no_such_torrent_is_no_answer(world: World, front: Front, content: str) -> None:
    front.answers["export"] = saying(200, content)
    async with world.opened(url=front.url) as resolver:
        with pytest.raises(LookupFailed):
            await look_up(resolver, world.swarm.seed(make_sample("x.mkv")))
        assert await world.nox.rows() == []


async def test_what_cannot_be_deleted_now_is_deleted_later(world: World, front: Front) -> None:
    front.answers["delete"] = saying(500)
    async with world.opened(url=front.url, clock=Hurried()) as resolver:
        assert (await look_up(resolver, world.swarm.seed(make_sample("Found.mkv")))).name.text == "Found.mkv"
        assert len(await world.nox.rows()) == 1
        front.answers.clear()
        await world.nox.until(lambda rows: rows == [])
        await until_tags(world, [])


async def test_who_says_that_it_deletes_and_does_not_holds_nobody_for_ever(world: World, front: Front) -> None:
    front.answers["delete"] = saying(200)
    with capture_logs() as logs:
        async with world.opened(url=front.url, clock=Hurried()) as resolver:
            assert (await look_up(resolver, world.swarm.seed(make_sample("Found.mkv")))).name.text == "Found.mkv"
            assert left_for(logs) == ["not deleted"]
            async with looking(resolver, world.swarm.dead()) as lookup:
                await world.nox.until(lambda rows: len(rows) == 2)
                lookup.task.cancel()
                await asyncio.wait([lookup.task])
    assert left_for(logs) == ["not deleted"] * 3  # at the end, too
    front.answers.clear()
    async with world.opened(url=front.url, clock=Hurried()):
        await world.nox.until(lambda rows: rows == [])
        await unmarked(world)


async def test_what_one_that_is_silent_at_the_end_has_still_is_told_to_the_log(world: World, front: Front) -> None:
    with capture_logs() as logs:
        async with world.opened(url=front.url, seconds=0.5) as resolver, looking(resolver, world.swarm.dead()):
            await world.nox.until(lambda rows: len(rows) == 1)
            front.answers["*"] = front.silence
            while not any(one["event"] == "qbittorrent.down" for one in logs):  # noqa: ASYNC110 - it has no event
                await asyncio.sleep(0.01)
    assert left_for(logs) == ["timeout"]
    front.answers.clear()
    async with world.opened(url=front.url, clock=Hurried()):
        await world.nox.until(lambda rows: rows == [])
        await unmarked(world)


def left_for(logs: Sequence[Mapping[str, object]]) -> list[object]:
    """Return for which reasons *logs* say that something is left."""
    return [one["reason"] for one in logs if one["event"] == "qbittorrent.left"]


async def test_an_add_whose_answer_is_lost_is_taken_away(world: World, front: Front) -> None:
    async with world.opened(url=front.url, seconds=0.5) as resolver:
        front.after["add"] = front.silence
        assert await why_not(resolver, world) == "timeout"
        await world.nox.until(lambda rows: rows == [])


# Who goes away.


@pytest.mark.parametrize("killed", [False, True])
async def test_one_that_is_started_anew_in_the_middle_answers(world: World, *, killed: bool) -> None:
    sample = world.swarm.unseeded(make_sample("Through.mkv"))
    clock = Counting()
    async with world.opened(clock=clock) as resolver:
        async with looking(resolver, sample) as lookup, looking(resolver, world.swarm.dead()):
            await world.nox.until(lambda rows: len(rows) == 2)
            await world.nox.until_on_disk(2)
            await (world.nox.kill() if killed else world.nox.stop())
            await clock.looks(1)  # in vain
            world.swarm.seed(sample)
            await world.nox.start()
            assert (await lookup.task).name.text == "Through.mkv"
        await world.nox.until(lambda rows: rows == [])


async def test_who_waits_for_one_that_has_gone_away_is_told_so_until_it_is_back(world: World) -> None:
    sample, clock = world.swarm.dead(), SystemClock()
    async with world.opened() as resolver:
        chain = Chain([Source(resolver, breaker=Breaker(clock), most=30)], clock=clock)
        async with Running(chain, torrent_id(sample), trackers_of(sample)) as lookup:
            await lookup.steps.until(lambda step: bool(step.parameters.get("trackers_answered")))
            await world.nox.until_on_disk(1)
            await world.nox.stop()
            step = await lookup.steps.until(lambda step: "down" in step.parameters)
            assert verdict(step) == Step("timed_out", {"unasked": "qbittorrent"})
            await world.nox.start()
            step = await lookup.steps.until(lambda step: step.code == "asking")
            assert "down" not in step.parameters
        await chain.rest()


async def test_one_that_stays_away_is_down_and_is_cleaned_at_the_next_start(world: World) -> None:
    async with world.opened(clock=Hurried()) as resolver, looking(resolver, world.swarm.dead()) as lookup:
        await world.nox.until(lambda rows: len(rows) == 1)
        await world.nox.until_on_disk(1)
        await world.nox.kill()
        with pytest.raises(ResolverDown, match="unreachable"):
            await lookup.task
    assert len(list(world.marks.iterdir())) == 1
    await world.nox.start()
    async with world.opened(clock=Hurried()):
        await world.nox.until(lambda rows: rows == [])
        await unmarked(world)


async def unmarked(world: World) -> None:
    """Return when one process alone is marked: the one that runs."""
    while len(list(world.marks.iterdir())) != 1:  # noqa: ASYNC110 - it has no event
        await asyncio.sleep(0.05)


async def until_tags(world: World, tags: list[str]) -> None:
    while (await world.nox.marks())[0] != tags:  # noqa: ASYNC110 - it has no event
        await asyncio.sleep(0.05)


# A process that is killed.

PROCESS = """
import asyncio, json, sys
from pathlib import Path
from services.clock import SystemClock
from services.resolvers.addresses import AddressPolicy
from services.resolvers.libtorrent import read_torrent
from services.resolvers.qbittorrent import Login, QbittorrentResolver
from services.torrents import Hints, InfoHash, TorrentId
from tests.integration.swarm_help import Steps

async def main(url, password, marks, tracker, hashes):
    opened = QbittorrentResolver.open(
        Login(url, "owner", password), marks=Path(marks), policy=AddressPolicy(allow_private=True),
        clock=SystemClock(), read=read_torrent,
    )
    async with opened as resolver:
        await asyncio.gather(*(
            resolver.resolve(TorrentId.of(InfoHash(one)), Hints((tracker,)), Steps()) for one in hashes
        ))

asyncio.run(main(*json.loads(sys.argv[1])))
"""


async def start_lookups(world: World, count: int, *, url: str = "") -> tuple[asyncio.subprocess.Process, set[str]]:
    """Start a process that looks for so many dead torrents, and return it with their hashes, when they are there."""
    hashes = [world.swarm.dead().v1 for _ in range(count)]
    given = json.dumps([url or world.nox.url, world.nox.password, str(world.marks), world.swarm.tracker_url, hashes])
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PROCESS, given), cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}
    )
    await world.nox.until(lambda rows: set(hashes) <= {row["hash"] for row in rows})
    return process, {str(one) for one in hashes}


async def test_what_a_killed_process_has_left_is_taken_away_and_nothing_else(world: World) -> None:
    owned = world.swarm.dead()
    await world.nox.add(owned, category="calibot", tags="calibot-mine")
    killed, theirs = await start_lookups(world, 5)
    living, others = await start_lookups(world, 3)
    killed.send_signal(signal.SIGKILL)
    await killed.wait()
    try:
        assert await world.nox.hashes() == {str(owned.v1)} | theirs | others
        async with world.opened(clock=Hurried()) as resolver:
            sample = world.swarm.seed(make_sample("Meanwhile.mkv"))
            assert (await look_up(resolver, sample)).name.text == "Meanwhile.mkv"
            await world.nox.until(lambda rows: {row["hash"] for row in rows} == {str(owned.v1)} | others)
            while len(list(world.marks.iterdir())) != 2:  # noqa: ASYNC110 - it has no event
                await asyncio.sleep(0.05)
            assert len((await world.nox.marks())[1]) == 3  # its owner's, ours, and the living one's
        assert await world.nox.hashes() == {str(owned.v1)} | others
    finally:
        living.send_signal(signal.SIGINT)
        await living.wait()
    assert await world.nox.hashes() == {str(owned.v1)}
    assert await world.nox.marks() == (["calibot-mine"], ["calibot"])
    await forget_all(world)


async def test_what_a_killed_process_has_left_is_taken_away_where_the_address_is_spelled_otherwise_now(
    world: World,
) -> None:
    killed, _ = await start_lookups(world, 2, url=f"http://localhost:{world.nox.port}/")
    killed.send_signal(signal.SIGKILL)
    await killed.wait()
    async with world.opened(clock=Hurried()):
        await world.nox.until(lambda rows: rows == [])
        await unmarked(world)


async def test_what_may_have_been_left_at_another_qbittorrent_is_remembered(world: World, front: Front) -> None:
    elsewhere = "http://127.0.0.1:9"
    left = await asyncio.to_thread(Run.begin, world.marks, elsewhere)
    await asyncio.to_thread(left.end, clean=False)
    async with world.opened(url=front.url, clock=Hurried()):
        while not (dead := await asyncio.to_thread(Run.dead, world.marks, elsewhere)):  # noqa: ASYNC110 - no event
            await asyncio.sleep(0.01)
    assert front.asked["tags"] > 0
    assert [one.name for one in dead] == [left.name]
    await asyncio.to_thread(dead[0].end, clean=True)


async def test_two_with_folders_of_their_own_leave_each_other_alone(world: World, tmp_path: Path) -> None:
    sample = world.swarm.dead()
    async with world.opened(marks=tmp_path / "another") as other, looking(other, sample):
        await world.nox.until(lambda rows: len(rows) == 1)
        async with world.opened() as resolver, looking(resolver, sample) as lookup:
            await lookup.steps.until(lambda step: step.code == "asking")
            assert len(await world.nox.rows()) == 1
        assert len(await world.nox.rows()) == 1


async def test_who_waits_for_anothers_looks_itself_when_that_is_gone(world: World, tmp_path: Path) -> None:
    sample = world.swarm.unseeded(make_sample("Taken on.mkv"))
    async with world.opened() as resolver:
        async with world.opened(marks=tmp_path / "another") as other, looking(other, sample):
            await world.nox.until(lambda rows: len(rows) == 1)
            steps = Steps()
            lookup = asyncio.create_task(resolver.resolve(torrent_id(sample), trackers_of(sample), steps))
            await steps.until(lambda step: step.code == "asking")
        world.swarm.seed(sample)
        assert (await lookup).name.text == "Taken on.mkv"


async def test_where_nothing_can_be_marked_names_are_found(world: World, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    async with world.opened(marks=tmp_path / "file" / "folder") as resolver:
        assert (await look_up(resolver, world.swarm.seed(make_sample("x.mkv")))).name.text == "x.mkv"

"""The sample program for `[resolvers.command]` that asks a qBittorrent, against a real one."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from benchmarks.peers.qbittorrent import USER
from sandbox.swarm import make_sample
from sandbox.swarm.samples import Kind
from services.clock import SystemClock
from services.errors import SourceFailed
from services.resolvers.command import CommandResolver
from services.resolvers.libtorrent import read_torrent
from services.torrents import Hints, TorrentId, TorrentInfo
from tests.integration.leftovers import nothing_left
from tests.integration.qbittorrent_help import Front, World, as_windows_has_it, forget_all, front, nox, saying, world
from tests.integration.swarm_help import Steps, torrent_id

__all__ = ["front", "nothing_left", "nox", "world"]

pytestmark = pytest.mark.timeout(60)  # a real server takes its time where others work

CATEGORY = "find-name"
PROGRAM = Path(__file__).parents[2] / "examples" / "find_name_qbittorrent.py"


@pytest.fixture
async def asked(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """Return a qBittorrent that the program knows, which adds the swarm's tracker to what has none."""
    monkeypatch.setenv("QBITTORRENT_URL", world.nox.url)
    monkeypatch.setenv("QBITTORRENT_USERNAME", USER)
    monkeypatch.setenv("QBITTORRENT_PASSWORD", world.nox.password)
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    preferences = {"add_trackers_enabled": True, "add_trackers": world.swarm.tracker_url}
    await asyncio.to_thread(world.nox.client.app_set_preferences, prefs=preferences)
    return world


async def look_up(torrent: TorrentId, *, seconds: float = 15, program: Path = PROGRAM) -> TorrentInfo:
    argv = [sys.executable, "-S", str(program), "{info_hash}"]
    resolver = CommandResolver(argv, seconds=seconds, clock=SystemClock(), read=read_torrent)
    return await resolver.resolve(torrent, Hints(), Steps())


@pytest.mark.parametrize("kind", ["v1", "hybrid"])
async def test_its_answer_is_verified(asked: World, kind: Kind, tmp_path: Path) -> None:
    sample = asked.swarm.seed(make_sample("三体.mkv", kind=kind, files=[("a.mkv", 1000), ("empty/c.txt", 0)]))
    info = await look_up(torrent_id(sample))
    assert (info.name.text, info.verified, info.torrent) == ("三体.mkv", True, torrent_id(sample))
    assert len(list((tmp_path / "temporary").rglob("*.torrent"))) == 1


async def test_its_owners_torrent_is_exported_and_left_alone(asked: World) -> None:
    sample = asked.swarm.seed(make_sample("Owned.mkv", kind="hybrid"))
    await asked.nox.add(sample, category="films", tags="mine", stop_condition="MetadataReceived")
    await asked.nox.until(lambda rows: rows[0]["state"] == "pausedDL")
    assert (await look_up(torrent_id(sample, "v1"))).name.text == "Owned.mkv"
    assert [(row["category"], row["tags"]) for row in await asked.nox.rows()] == [("films", "mine")]
    await forget_all(asked)


async def test_it_adds_no_hybrid_beside_its_other_half(asked: World) -> None:
    first, second = (asked.swarm.unseeded(make_sample(f"{one}.mkv", kind="hybrid")) for one in range(2))
    await asyncio.to_thread(asked.nox.client.torrents_add, urls=f"magnet:?xt=urn:btih:{first.v1}")
    await asked.nox.until(lambda rows: len(rows) == 1)
    with pytest.raises(SourceFailed, match="by its v2 info-hash"):
        await look_up(torrent_id(first, "v2"))
    await asyncio.to_thread(asked.nox.client.torrents_add, urls=f"magnet:?xt=urn:btmh:1220{second.v2}")
    await asked.nox.until(lambda rows: len(rows) == 2)
    with pytest.raises(SourceFailed, match="nothing is added"):
        await look_up(torrent_id(second, "v1"))
    assert len(await asked.nox.rows()) == 2
    await forget_all(asked)


async def test_what_it_has_added_to_one_on_windows_is_taken_away(
    asked: World, front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    front.rewritten["info"] = as_windows_has_it
    monkeypatch.setenv("QBITTORRENT_URL", front.url)
    sample = asked.swarm.seed(make_sample("Windows.mkv"))
    assert (await look_up(torrent_id(sample))).name.text == "Windows.mkv"
    assert await asked.nox.rows() == []


async def test_when_its_time_is_over_nothing_is_left(asked: World) -> None:
    with pytest.raises(SourceFailed):
        await look_up(torrent_id(asked.swarm.dead()), seconds=2)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
async def test_a_signal_at_any_question_leaves_nothing(
    asked: World, front: Front, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    monkeypatch.setenv("QBITTORRENT_URL", front.url)
    for questions in (0, 1, 2, 3, 4, 5, 6, 8):
        process = await asyncio.create_subprocess_exec(
            *("env", "--default-signal=HUP", sys.executable, "-S", str(PROGRAM), str(asked.swarm.dead().v1)),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        await front.asked_again(questions)
        process.send_signal(number)
        out, _ = await asyncio.wait_for(process.communicate(), 5)
        assert out == b""
        assert process.returncode
        assert (await asked.nox.rows(), await asked.nox.marks()) == ([], ([], []))


async def begun(world: World, count: int = 1) -> list[asyncio.subprocess.Process]:
    """Start so many for as many dead torrents, and return them when these are there."""
    processes = [
        await asyncio.create_subprocess_exec(sys.executable, "-S", str(PROGRAM), str(world.swarm.dead().v1))
        for _ in range(count)
    ]
    await world.nox.until(lambda rows: len(rows) == count)
    return processes


async def test_what_a_killed_one_has_left_is_taken_away_by_the_next_and_nothing_else(asked: World) -> None:
    killed, living = await begun(asked, 2)
    killed.kill()
    await killed.wait()
    assert (await look_up(torrent_id(asked.swarm.seed(make_sample("Next.mkv"))))).name.text == "Next.mkv"
    assert len(await asked.nox.rows()) == 1
    living.terminate()
    await living.wait()


async def test_what_it_has_left_at_one_that_went_away_is_taken_away_by_the_next(asked: World) -> None:
    (process,) = await begun(asked)
    await asked.nox.until_on_disk(1)
    await asked.nox.kill()
    assert await process.wait() == 1
    await asked.nox.start()
    await asked.nox.until(lambda rows: len(rows) == 1)
    assert (await look_up(torrent_id(asked.swarm.seed(make_sample("Next.mkv"))))).name.text == "Next.mkv"


async def test_a_run_is_known_to_live_however_long_it_does(asked: World, tmp_path: Path) -> None:
    (process,) = await begun(asked)
    (mark,) = (tmp_path / "temporary").rglob(f"{CATEGORY}-????????????")
    os.utime(mark, (0, 0))
    await look_up(torrent_id(asked.swarm.seed(make_sample("Next.mkv"))))
    assert mark.exists()
    process.kill()
    await process.wait()
    await look_up(torrent_id(asked.swarm.seed(make_sample("Later.mkv"))))
    assert not mark.exists()


async def test_of_what_one_elsewhere_has_left_its_age_decides(asked: World, tmp_path: Path) -> None:
    script = tmp_path / "sooner.py"
    script.write_text(PROGRAM.read_text("utf-8").replace("KEPT = 600", "KEPT = -1"), "utf-8")
    (process,) = await begun(asked)
    process.kill()
    await process.wait()
    for mark in (tmp_path / "temporary").rglob(f"{CATEGORY}-????????????"):
        mark.unlink()
    await look_up(torrent_id(asked.swarm.seed(make_sample("Next.mkv"))))
    assert len(await asked.nox.rows()) == 1
    await look_up(torrent_id(asked.swarm.seed(make_sample("Later.mkv"))), program=script)


async def test_several_at_once_for_one_torrent_all_find_it(asked: World) -> None:
    sample = asked.swarm.seed(make_sample("Together.mkv"))
    infos = await asyncio.gather(*(look_up(torrent_id(sample)) for _ in range(3)))
    assert [info.name.text for info in infos] == ["Together.mkv"] * 3


async def test_who_waits_for_anothers_looks_itself_when_that_is_gone(
    asked: World, front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample = asked.swarm.unseeded(make_sample("Taken on.mkv"))
    other = asyncio.create_task(look_up(torrent_id(sample)))
    await asked.nox.until(lambda rows: len(rows) == 1)
    monkeypatch.setenv("QBITTORRENT_URL", front.url)
    lookup = asyncio.create_task(look_up(torrent_id(sample)))
    await front.until(lambda asked: asked["info"] >= 4)
    other.cancel()
    await asyncio.wait([other])
    asked.swarm.seed(sample)
    assert (await lookup).name.text == "Taken on.mkv"


async def test_a_torrent_that_is_taken_away_is_looked_for_again(asked: World) -> None:
    sample = asked.swarm.unseeded(make_sample("Again.mkv"))
    lookup = asyncio.create_task(look_up(torrent_id(sample)))
    await asked.nox.until(lambda rows: len(rows) == 1)
    await asyncio.to_thread(asked.nox.client.torrents_delete, delete_files=False, torrent_hashes=sample.v1)
    asked.swarm.seed(sample)
    assert (await lookup).name.text == "Again.mkv"


async def why_not(world: World) -> object:
    """Return what it says where it finds no name."""
    with pytest.raises(SourceFailed) as failed:
        await look_up(torrent_id(world.swarm.dead()))
    return failed.value.parameters["reason"]


async def test_it_says_in_a_line_why_it_cannot(asked: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QBITTORRENT_URL", "http://127.0.0.1:9")
    assert await why_not(asked) == "qBittorrent does not answer"


@pytest.mark.parametrize(
    "url",
    [
        *("", "localhost", "127.0.0.1:8080", "http://", "http://127.0.0.1:port", "http://[::1", "file:///etc"),
        *("http://..:1/", f"http://{'a' * 64}/", "http://127.0.0.1:1/é", "http://a b/", "http://127.0.0.1:1/\n"),
    ],
)
async def test_it_says_of_what_is_no_address_how_one_looks(
    asked: World, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("QBITTORRENT_URL", url)
    assert await why_not(asked) == "QBITTORRENT_URL must be an http or https address, such as http://127.0.0.1:8080"


@pytest.mark.parametrize("listed", ['{"a": 1}', "[null]", '[{"name": "x"}]', "garbage", "[" * 100_000])
async def test_it_says_in_a_line_what_is_no_list_of_torrents(
    asked: World, front: Front, monkeypatch: pytest.MonkeyPatch, listed: str
) -> None:
    monkeypatch.setenv("QBITTORRENT_URL", front.url)
    front.answers["info"] = saying(200, listed)
    assert await why_not(asked) == "what answers is no qBittorrent"


@pytest.mark.parametrize("said", [b"garbage\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc"])
async def test_it_says_in_a_line_what_is_no_answer(asked: World, monkeypatch: pytest.MonkeyPatch, said: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        monkeypatch.setenv("QBITTORRENT_URL", f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        assert await why_not(asked) == "what answers is no qBittorrent"


async def test_a_wrong_password_is_tried_once_until_its_mark_is_deleted(
    asked: World, front: Front, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("QBITTORRENT_URL", front.url)
    monkeypatch.setenv("QBITTORRENT_PASSWORD", "wrong")
    (mark,) = {str(one) for one in await asyncio.gather(*(why_not(asked) for _ in range(4)))}
    assert await why_not(asked) == mark
    assert front.asked["login"] == 1
    monkeypatch.setenv("QBITTORRENT_PASSWORD", asked.nox.password)
    assert await why_not(asked) == mark
    (kept,) = (tmp_path / "temporary").rglob("login")
    assert mark == f"qBittorrent does not let us in: put the name and password right, then delete {kept}"
    kept.unlink()
    sample = asked.swarm.seed(make_sample("Let in.mkv"))
    assert (await look_up(torrent_id(sample))).name.text == "Let in.mkv"


async def test_a_wrong_password_is_one_persons_at_one_server(
    asked: World, front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QBITTORRENT_URL", front.url)
    monkeypatch.setenv("QBITTORRENT_USERNAME", "somebody")
    assert "does not let us in" in str(await why_not(asked))
    monkeypatch.setenv("QBITTORRENT_USERNAME", USER)
    sample = asked.swarm.seed(make_sample("Let in.mkv"))
    assert (await look_up(torrent_id(sample))).name.text == "Let in.mkv"
    monkeypatch.setenv("QBITTORRENT_USERNAME", "somebody")
    monkeypatch.setenv("QBITTORRENT_URL", f"{front.url}/")
    assert "does not let us in" in str(await why_not(asked))
    assert front.asked["login"] == 2, "how the address is spelled does not matter"
    monkeypatch.setenv("QBITTORRENT_URL", asked.nox.url)
    monkeypatch.setenv("QBITTORRENT_USERNAME", USER)
    assert (await look_up(torrent_id(sample))).name.text == "Let in.mkv"


async def test_what_is_no_answer_to_a_login_marks_nothing(
    asked: World, front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QBITTORRENT_URL", front.url)
    front.answers["login"] = saying(200, "<html>Welcome</html>")
    assert await why_not(asked) == "what answers is no qBittorrent"
    front.answers["login"] = saying(401)  # as newer versions have it
    assert "does not let us in" in str(await why_not(asked))


@pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY", "all_proxy"])
async def test_no_proxy_of_the_environment_is_used(
    asked: World, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    with monkeypatch.context() as its_own:  # its owner's client goes through what is there
        its_own.setenv(variable, "http://127.0.0.1:9")
        assert (await look_up(torrent_id(asked.swarm.seed(make_sample("x.mkv"))))).name.text == "x.mkv"


async def test_it_names_torrents_by_their_hash_and_forces_nothing_past_the_queue(
    asked: World, front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QBITTORRENT_URL", front.url)
    sample = asked.swarm.seed(make_sample("x.mkv"))
    await look_up(torrent_id(sample))
    told = {word: dict(parse_qsl(body)) for word, body in front.bodies}
    assert told["delete"] == {"hashes": sample.v1, "deleteFiles": "false"}
    assert told["export"] == {"hash": sample.v1}
    assert not {"setForceStart", "start", "resume"} & set(told)
    assert not {"forced", "forceStart", "addToTopOfQueue"} & set(told["add"])

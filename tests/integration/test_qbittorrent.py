"""A real qBittorrent as a source: its names are true, what was added for them is gone, and its owner's stays."""

import asyncio
import json
from dataclasses import replace
from urllib.parse import parse_qsl

import pytest
from aiohttp import web

from sandbox.swarm import HOSTILE_NAMES, Sample, make_sample
from sandbox.swarm.samples import Kind
from services.calibration.task import verdict
from services.clock import SystemClock
from services.errors import NotFound
from services.i18n import ENGLISH, sentence
from services.resolvers.addresses import AddressPolicy
from services.resolvers.breaker import Breaker
from services.resolvers.chain import Chain, Source
from services.torrents import Hints, Step, TorrentId
from tests.integration.leftovers import nothing_left
from tests.integration.qbittorrent_help import (
    Counting,
    Front,
    Hurried,
    Row,
    World,
    as_windows_has_it,
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

OWN = ("hash", "category", "tags", "save_path", "magnet_uri", "trackers_count", "force_start", "added_on", "auto_tmm")


def own(rows: list[Row]) -> list[dict[str, object]]:
    """Return what an owner would see changed of *rows*."""
    return sorted(({key: row[key] for key in OWN} for row in rows), key=lambda row: str(row["hash"]))


async def added_for(world: World, sample: Sample) -> Row:
    """Return the torrent that was added for *sample*, as soon as it is there."""

    def here(rows: list[Row]) -> bool:
        return any(row["infohash_v1"] == sample.v1 for row in rows)

    return next(row for row in await world.nox.until(here) if row["infohash_v1"] == sample.v1)


@pytest.mark.parametrize("kind", ["v1", "hybrid"])
async def test_a_name_is_read_from_the_file_and_is_verified(world: World, kind: Kind) -> None:
    sample = world.swarm.seed(make_sample("三体.全集 <b>.mkv", kind=kind, files=[("a.mkv", 1000), ("b/c.txt", 234)]))
    async with world.opened() as resolver:
        info = await look_up(resolver, sample)
        assert await world.nox.rows() == []
    assert (info.name.text, info.verified, info.source) == (sample.name, True, "qbittorrent")
    assert info.torrent == torrent_id(sample)
    assert (info.size, len(info.files)) == (1234, 2)


async def test_a_hybrid_is_found_by_its_v1_hash_alone(world: World) -> None:
    sample = world.swarm.seed(make_sample("Hybrid.mkv", kind="hybrid"))
    async with world.opened() as resolver:
        info = await resolver.resolve(torrent_id(sample, "v1"), trackers_of(sample), Steps())
        assert (info.name.text, info.torrent) == ("Hybrid.mkv", torrent_id(sample))


async def test_by_a_v2_hash_nothing_is_added_which_could_be_a_hybrid_that_is_there(world: World) -> None:
    sample = world.swarm.unseeded(make_sample("Owned.mkv", kind="hybrid"))
    await add_by(world, f"urn:btih:{sample.v1}")
    before = await world.nox.rows()
    async with world.opened() as resolver:
        with pytest.raises(NotFound, match="v2_alone") as failed:
            await resolver.resolve(torrent_id(sample, "v2"), trackers_of(sample), Steps())
    assert "does not look for a v2 info-hash alone" in sentence(failed.value.code, failed.value.parameters, ENGLISH)
    assert own(await world.nox.rows()) == own(before)
    await forget_all(world)


async def test_beside_a_v2_hash_without_metadata_nothing_is_added(world: World) -> None:
    sample = world.swarm.unseeded(make_sample("Owned.mkv", kind="hybrid"))
    await add_by(world, f"urn:btmh:1220{sample.v2}")
    before = await world.nox.rows()
    async with world.opened() as resolver:
        with pytest.raises(NotFound, match="half_there") as failed:
            await resolver.resolve(torrent_id(sample, "v1"), trackers_of(sample), Steps())
        assert "waits there for its metadata" in sentence(failed.value.code, failed.value.parameters, ENGLISH)
        assert own(await world.nox.rows()) == own(before)
        async with looking(resolver, sample) as lookup:  # it is known to be that one
            await lookup.steps.until(lambda step: step.code == "asking")
    assert own(await world.nox.rows()) == own(before)
    await forget_all(world)


async def test_while_a_v2_hash_waits_there_for_metadata_what_is_there_is_read(world: World) -> None:
    owned = world.swarm.seed(make_sample("Owned.mkv"))
    await world.nox.add(owned, stop_condition="MetadataReceived")
    await world.nox.until(lambda rows: rows[0]["state"] == "pausedDL")
    half = world.swarm.unseeded(make_sample("Half.mkv", kind="hybrid"))
    await asyncio.to_thread(world.nox.client.torrents_add, urls=f"magnet:?xt=urn:btmh:1220{half.v2}")
    await world.nox.until(lambda rows: len(rows) == 2)
    clock = SystemClock()
    async with world.opened() as resolver:
        chain = Chain([Source(resolver, breaker=Breaker(clock), most=30)], clock=clock)
        for sample in [world.swarm.dead() for _ in range(4)]:
            with pytest.raises(NotFound):
                await chain.resolve(torrent_id(sample), trackers_of(sample), Steps())
        assert (await chain.resolve(torrent_id(owned), trackers_of(owned), Steps())).name.text == "Owned.mkv"
        await chain.rest()
    await forget_all(world)


async def add_by(world: World, topic: str) -> None:
    """Add a magnet of *topic* as its owner does."""
    await asyncio.to_thread(world.nox.client.torrents_add, urls=f"magnet:?xt={topic}")
    await world.nox.until(lambda rows: len(rows) == 1)


async def test_what_is_added_has_a_v1_hash_alone(world: World) -> None:
    sample = replace(world.swarm.dead(), trackers=())
    both = TorrentId(torrent_id(sample).v1, torrent_id(make_sample("Another.mkv", kind="v2")).v2)
    async with world.opened() as resolver, Running(resolver, both, Hints()):
        row = await added_for(world, sample)
        assert row["magnet_uri"] == f"magnet:?xt=urn:btih:{sample.v1}"


async def test_a_name_keeps_what_qbittorrent_itself_would_show_otherwise(world: World) -> None:
    names = ("gbk", "path separators", "newline", "long")
    samples = [world.swarm.seed(make_sample(raw_name=HOSTILE_NAMES[one])) for one in names]
    async with world.opened() as resolver:
        infos = await asyncio.gather(*(look_up(resolver, one) for one in samples))
    assert [one.name.raw for one in infos] == [HOSTILE_NAMES[one] for one in names]


async def test_thirty_at_once_beside_its_owners_own(world: World) -> None:
    files = [("a.mkv", 1000), ("empty/c.txt", 0)]
    seeded = [world.swarm.seed(make_sample(f"{number}.mkv", files=files)) for number in range(24)]
    dead = [world.swarm.dead() for _ in range(6)]
    await world.nox.add(world.swarm.dead(), category="films", tags="mine")
    await world.nox.add(world.swarm.dead())
    before = await world.nox.rows()
    async with world.opened() as resolver:
        waiting = [asyncio.create_task(look_up(resolver, one)) for one in dead]
        infos = await asyncio.gather(*(look_up(resolver, one) for one in seeded))
        assert [one.name.text for one in infos] == [one.name for one in seeded]
        assert len(await world.nox.rows()) == len(before) + len(dead)
        for one in waiting:
            one.cancel()
        await asyncio.wait(waiting)
        assert all(one.cancelled() for one in waiting)
        assert own(await world.nox.rows()) == own(before)
    await asyncio.to_thread(
        world.nox.client.torrents_delete, delete_files=True, torrent_hashes=await world.nox.hashes()
    )
    await asyncio.to_thread(world.nox.client.torrents_delete_tags, tags="mine")
    await asyncio.to_thread(world.nox.client.torrents_remove_categories, categories="films")


async def test_nothing_is_saved_wherever_its_owner_has_files_saved(world: World) -> None:
    elsewhere = world.nox.folder / "elsewhere"
    preferences = {
        "auto_tmm_enabled": True, "temp_path_enabled": True, "temp_path": str(elsewhere), "preallocate_all": True,
        "torrent_content_layout": "Subfolder", "use_category_paths_in_manual_mode": True,
    }  # fmt: skip
    await asyncio.to_thread(world.nox.client.app_set_preferences, prefs=preferences)
    sample = world.swarm.seed(make_sample("Settings.mkv", files=[("a.mkv", 1000), ("empty/c.txt", 0)]))
    async with world.opened() as resolver:
        assert (await look_up(resolver, sample)).name.text == "Settings.mkv"
    assert not elsewhere.exists()


async def test_a_dead_one_is_called_dead_and_is_gone_when_nobody_waits_for_it(world: World) -> None:
    async with world.opened() as resolver, looking(resolver, world.swarm.dead()) as lookup:
        step = await lookup.steps.until(lambda step: bool(step.parameters["trackers_answered"]))
        assert verdict(step).code == "dead"
        assert lookup.steps.starts == 1
        lookup.task.cancel()
        await asyncio.wait([lookup.task])
        assert await world.nox.rows() == []


async def test_one_whose_peers_give_nothing_is_called_slow(world: World) -> None:
    sample = world.swarm.stall(make_sample("Stalled.mkv"))
    async with world.opened() as resolver, looking(resolver, sample) as lookup:
        step = await lookup.steps.until(lambda step: bool(step.parameters["peers"]))
        assert (step.code, verdict(step).code) == ("connecting", "slow")


async def test_an_end_in_the_middle_leaves_nothing(world: World) -> None:
    async with world.opened() as resolver:
        lookups = [asyncio.create_task(look_up(resolver, world.swarm.dead())) for _ in range(5)]
        await world.nox.until(lambda rows: len(rows) == 5)
    assert await world.nox.rows() == []
    await asyncio.wait(lookups)
    assert [str(one.exception()) for one in lookups] == ["('resolver_down', {'reason': 'closed'})"] * 5


async def test_who_is_cancelled_at_any_question_leaves_nothing(world: World, front: Front) -> None:
    async with world.opened(url=front.url) as resolver:
        for questions in range(8):
            async with looking(resolver, world.swarm.dead()):
                await front.asked_again(questions)
            assert await world.nox.rows() == []


async def test_an_end_at_any_of_the_first_questions_leaves_nothing(world: World, front: Front) -> None:
    for questions in range(10):
        async with world.opened(url=front.url) as resolver:
            lookups = [asyncio.create_task(look_up(resolver, world.swarm.dead())) for _ in range(3)]
            await front.asked_again(questions)
        await asyncio.wait(lookups)
    owned = world.swarm.dead()
    await world.nox.add(owned)  # what was added before would be there, too
    assert await world.nox.hashes() == {owned.v1}
    await forget_all(world)


async def test_its_owners_torrent_is_read_and_never_changed(world: World) -> None:
    sample = world.swarm.seed(make_sample("Owned.mkv", kind="hybrid"))
    await world.nox.add(sample, category="films", tags="mine", stop_condition="MetadataReceived")
    await world.nox.until(lambda rows: rows[0]["state"] == "pausedDL")
    before = await world.nox.rows()
    async with world.opened() as resolver:
        for asked in (torrent_id(sample), torrent_id(sample, "v1"), torrent_id(sample, "v2")):
            hints = Hints(trackers=("http://127.0.0.1:9/announce",))
            info = await resolver.resolve(asked, hints, Steps())
            assert info.name.text == "Owned.mkv"
    assert own(await world.nox.rows()) == own(before)
    await forget_all(world)


async def test_its_owners_magnet_is_waited_for_and_never_changed(world: World) -> None:
    sample = world.swarm.unseeded(make_sample("Awaited.mkv"))
    await world.nox.add(sample, category="films", tags="mine", stop_condition="MetadataReceived")
    before = await world.nox.rows()
    async with world.opened() as resolver, looking(resolver, sample) as lookup:
        resolver.add_hints(torrent_id(sample), Hints(trackers=("http://127.0.0.1:9/announce",)))
        await lookup.steps.until(lambda step: bool(step.parameters["trackers_answered"]))
        world.swarm.seed(sample)
        await asyncio.to_thread(world.nox.client.torrents_reannounce, torrent_hashes=sample.v1)
        assert (await lookup.task).name.text == "Awaited.mkv"
    after = await world.nox.rows()
    assert [row["magnet_uri"].count("tr=") for row in after] == [1]
    assert own([{**row, "magnet_uri": ""} for row in after]) == own([{**row, "magnet_uri": ""} for row in before])
    await forget_all(world)


async def test_what_its_owner_deletes_is_looked_for_by_ourselves(world: World) -> None:
    sample = world.swarm.unseeded(make_sample("Deleted.mkv"))
    await world.nox.add(sample)
    async with world.opened() as resolver, looking(resolver, sample) as lookup:
        await lookup.steps.until(lambda step: step.code == "asking")
        world.swarm.seed(sample)
        await asyncio.to_thread(world.nox.client.torrents_delete, delete_files=False, torrent_hashes=sample.v1)
        assert (await lookup.task).name.text == "Deleted.mkv"


async def test_who_deletes_ours_again_and_again_has_their_way(world: World) -> None:
    sample = world.swarm.dead()
    clock = Hurried()
    async with world.opened(clock=clock) as resolver, looking(resolver, sample) as lookup:
        for _ in range(3):
            await added_for(world, sample)
            await clock.looks(1)  # it was seen
            await asyncio.to_thread(world.nox.client.torrents_delete, delete_files=False, torrent_hashes=sample.v1)
        with pytest.raises(NotFound, match="taken_away"):
            await lookup.task


@pytest.mark.parametrize("what", ["category", "tag", "folder"])
async def test_what_its_owner_has_taken_over_stays(world: World, what: str) -> None:
    sample, client = world.swarm.dead(), world.nox.client
    async with world.opened() as resolver:
        async with looking(resolver, sample):
            row = await added_for(world, sample)
            match what:
                case "category":
                    await asyncio.to_thread(client.torrents_set_category, category="", torrent_hashes=row["hash"])
                case "tag":
                    await asyncio.to_thread(client.torrents_remove_tags, tags=row["tags"], torrent_hashes=row["hash"])
                case _:
                    folder = world.nox.folder / "theirs"
                    await asyncio.to_thread(client.torrents_set_location, str(folder), torrent_hashes=row["hash"])
                    await world.nox.until(lambda rows: rows[0]["save_path"] == str(folder))
            taken = await world.nox.rows()
        assert own(await world.nox.rows()) == own(taken)
    assert own(await world.nox.rows()) == own(taken)
    await forget_all(world)


@pytest.mark.parametrize("forced", [False, True])
async def test_what_was_started_is_ours_still(world: World, front: Front, *, forced: bool) -> None:
    sample, client = world.swarm.seed(make_sample("Started.mkv")), world.nox.client
    clock = Counting()
    async with world.opened(url=front.url, clock=clock) as resolver:
        front.answers["delete"] = saying(500)
        assert (await look_up(resolver, sample)).name.text == "Started.mkv"
        await world.nox.until(lambda rows: rows[0]["state"] == "error")  # there is nowhere to save it
        start = client.torrents_set_force_start if forced else client.torrents_start
        await asyncio.to_thread(start, **({"enable": True} if forced else {}), torrent_hashes=sample.v1)
        await clock.looks(1)  # it was seen
        del front.answers["delete"]
    assert await world.nox.rows() == []


async def test_in_a_queue_it_waits_for_its_turn(world: World, front: Front) -> None:
    """Who is forced past it just when its metadata comes goes on to its payload."""
    sample, owned = world.swarm.seed(make_sample("Queued.mkv")), world.swarm.dead()
    preferences = {"queueing_enabled": True, "max_active_downloads": 1, "max_active_torrents": 1}
    await asyncio.to_thread(world.nox.client.app_set_preferences, prefs=preferences)
    await world.nox.add(owned)
    await world.nox.until(lambda rows: rows[0]["state"] == "metaDL")
    clock = Counting()
    async with world.opened(url=front.url, clock=clock) as resolver, looking(resolver, sample) as lookup:
        await added_for(world, sample)
        await clock.looks(3)  # it was seen
        states = {row["hash"]: (row["state"], row["force_start"]) for row in await world.nox.rows()}
        assert states[str(sample.v1)] == ("queuedDL", False)
        await asyncio.to_thread(world.nox.client.torrents_delete, delete_files=False, torrent_hashes=owned.v1)
        assert (await lookup.task).name.text == "Queued.mkv"
    assert (front.asked["setForceStart"], front.asked["start"], front.asked["resume"]) == (0, 0, 0)


@pytest.mark.parametrize("owned", [False, True])
async def test_whose_turn_has_not_come_in_its_queue_is_told_so_and_not_that_nobody_answered(
    world: World, *, owned: bool
) -> None:
    first, queued = world.swarm.dead(), world.swarm.dead()
    preferences = {"queueing_enabled": True, "max_active_downloads": 1, "max_active_torrents": 1}
    await asyncio.to_thread(world.nox.client.app_set_preferences, prefs=preferences)
    await world.nox.add(first)
    await world.nox.until(lambda rows: rows[0]["state"] == "metaDL")
    if owned:
        await world.nox.add(queued)
    clock = SystemClock()
    async with world.opened() as resolver:
        chain = Chain([Source(resolver, breaker=Breaker(clock), most=30)], clock=clock)
        async with Running(chain, torrent_id(queued), trackers_of(queued)) as lookup:
            step = await lookup.steps.until(lambda step: "waiting" in step.parameters)
            assert verdict(step) == Step("no_turn", {"sources": "qbittorrent"})
            await asyncio.to_thread(world.nox.client.torrents_delete, delete_files=False, torrent_hashes=first.v1)
            step = await lookup.steps.until(lambda step: bool(step.parameters.get("trackers_answered")))
            assert verdict(step).code == "dead"
        await chain.rest()
    await forget_all(world)


async def test_of_what_its_owner_has_stopped_it_is_not_said_that_nobody_answered(world: World) -> None:
    stopped = world.swarm.dead()
    await world.nox.add(stopped, is_paused=True)
    async with world.opened() as resolver, looking(resolver, stopped) as lookup:
        step = await lookup.steps.until(lambda _: True)
        assert verdict(step).code == "timed_out"
        await asyncio.to_thread(world.nox.client.torrents_start, torrent_hashes=stopped.v1)
        step = await lookup.steps.until(lambda step: bool(step.parameters.get("trackers_answered")))
        assert verdict(step).code == "dead"
    await forget_all(world)


async def test_nothing_of_a_note_and_nobody_private_is_in_the_magnet(world: World) -> None:
    sample = replace(world.swarm.dead(), trackers=())
    hints = Hints(
        trackers=(
            "http://127.0.0.1:1/announce",
            "http://localhost:1/a",
            "udp://10.0.0.1:1",
            "http://192.0.2.1@2130706433/",
        ),
        peers=(("127.0.0.1", 1), ("10.0.0.1", 2), ("1.1.1.1", 3)),
    )
    clock = Counting()
    opened = world.opened(policy=AddressPolicy(), clock=clock)
    async with opened as resolver, Running(resolver, torrent_id(sample), hints):
        row = await added_for(world, sample)
        assert row["magnet_uri"] == f"magnet:?xt=urn:btih:{sample.v1}"
        assert (row["trackers_count"], row["name"]) == (0, sample.v1)
        resolver.add_hints(torrent_id(sample), hints)
        await clock.looks(3)  # it was told what it may know
        assert (await world.nox.rows())[0]["trackers_count"] == 0


async def test_hints_that_come_later_are_told(world: World) -> None:
    sample = world.swarm.seed(make_sample("Late.mkv"))
    async with world.opened() as resolver, Running(resolver, torrent_id(sample)) as lookup:
        await added_for(world, sample)
        resolver.add_hints(torrent_id(sample), trackers_of(sample))
        assert (await lookup.task).name.text == "Late.mkv"


async def test_hints_that_come_later_are_told_again_where_that_failed(world: World, front: Front) -> None:
    sample = world.swarm.seed(make_sample("Late.mkv"))
    failing = iter(range(4))

    async def failing_first() -> web.StreamResponse | None:
        return None if next(failing, None) is None else web.Response(status=500)

    front.answers["addTrackers"] = failing_first
    async with world.opened(url=front.url) as resolver, Running(resolver, torrent_id(sample)) as lookup:
        await added_for(world, sample)
        resolver.add_hints(torrent_id(sample), trackers_of(sample))
        assert (await lookup.task).name.text == "Late.mkv"


async def test_who_takes_no_hints_is_asked_three_times_and_goes_on(world: World, front: Front) -> None:
    sample = world.swarm.seed(make_sample("Late.mkv"))
    front.answers["addTrackers"] = saying(500)
    opened = world.opened(url=front.url, clock=Hurried())
    async with opened as resolver, Running(resolver, torrent_id(sample)) as lookup:
        await added_for(world, sample)
        resolver.add_hints(torrent_id(sample), trackers_of(sample))
        await front.until(lambda asked: asked["addTrackers"] >= 6)  # its library asks twice
        looks = front.asked["info"]
        await front.until(lambda asked: asked["info"] >= looks + 30)
        assert not lookup.task.done()
    assert front.asked["addTrackers"] == 6


async def test_a_torrent_that_is_added_anew_is_told_what_has_come_meanwhile(world: World) -> None:
    sample = world.swarm.unseeded(make_sample("Anew.mkv"))
    async with world.opened() as resolver, Running(resolver, torrent_id(sample)) as lookup:
        await added_for(world, sample)
        resolver.add_hints(torrent_id(sample), trackers_of(sample))
        await world.nox.until(lambda rows: bool(rows[0]["trackers_count"]))
        world.swarm.seed(sample)
        await asyncio.to_thread(world.nox.client.torrents_delete, delete_files=False, torrent_hashes=sample.v1)
        assert (await lookup.task).name.text == "Anew.mkv"


async def test_peers_alone_are_enough(world: World) -> None:
    sample = world.swarm.seed(make_sample("Peers.mkv"), by=())
    async with world.opened() as resolver:
        info = await resolver.resolve(torrent_id(sample), Hints(peers=sample.peers), Steps())
    assert info.name.text == "Peers.mkv"


async def test_what_was_added_to_one_on_windows_is_taken_away(world: World, front: Front) -> None:
    front.rewritten["info"] = as_windows_has_it
    async with world.opened(url=front.url) as resolver:
        info = await look_up(resolver, world.swarm.seed(make_sample("Windows.mkv")))
        assert info.name.text == "Windows.mkv"
        assert await world.nox.rows() == []


async def test_it_logs_in_once_and_asks_for_all_together(world: World, front: Front) -> None:
    clock = Counting()
    async with world.opened(url=front.url, clock=clock) as resolver:
        lookups = [asyncio.create_task(look_up(resolver, world.swarm.dead())) for _ in range(20)]
        await world.nox.until(lambda rows: len(rows) == 20)
        await clock.looks(1)
        infos = front.asked["info"]
        await clock.looks(5)
        assert front.asked["info"] - infos <= 10
        for one in lookups:
            one.cancel()
        await asyncio.wait(lookups)
    assert (front.asked["login"], front.asked["logout"]) == (1, 1)


async def test_eight_thousand_torrents_of_its_owners_with_a_hundred_trackers_each_are_borne(
    world: World, front: Front
) -> None:
    magnet = "magnet:?" + "&".join(f"tr=udp%3A%2F%2Ftracker{number}.example%3A6969%2Fannounce" for number in range(100))

    def crowded(info: bytes) -> bytes:
        said = json.loads(info)
        if isinstance(said, list) and not {"category", "tag", "hashes"} & set(dict(parse_qsl(front.bodies[-1][1]))):
            said += [{"hash": f"{number:040x}", "magnet_uri": magnet} for number in range(8000)]
        return json.dumps(said).encode()

    front.rewritten["info"] = crowded
    async with world.opened(url=front.url) as resolver:
        assert (await look_up(resolver, world.swarm.seed(make_sample("Crowded.mkv")))).name.text == "Crowded.mkv"


async def test_the_version_is_asked_once_a_session_and_few_questions_a_name(world: World, front: Front) -> None:
    samples = [world.swarm.seed(make_sample(f"{number}.mkv")) for number in range(10)]
    async with world.opened(url=front.url) as resolver:
        await asyncio.gather(*(look_up(resolver, one) for one in samples))
        # Two, as the first is answered that nobody is logged in.
        assert front.asked["webapiVersion"] == 2
        assert front.asked["info"] + front.asked["tags"] <= 30
        await world.nox.stop()
        await world.nox.start()
        await look_up(resolver, world.swarm.seed(make_sample("Anew.mkv")))
        assert front.asked["webapiVersion"] > 2


async def test_where_answers_take_long_names_are_told_as_they_come(world: World, front: Front) -> None:
    async def late() -> None:
        await asyncio.sleep(0.25)

    front.answers["export"] = late
    samples = [world.swarm.seed(make_sample(f"{number}.mkv")) for number in range(10)]
    async with world.opened(url=front.url, clock=Hurried()) as resolver:
        lookups = [asyncio.create_task(look_up(resolver, one)) for one in samples]
        await asyncio.wait(lookups, return_when=asyncio.FIRST_COMPLETED)
        assert front.asked["export"] < 10
        assert [(await one).name.text for one in lookups] == [one.name for one in samples]


async def test_while_it_runs_there_is_one_category_and_no_tag_of_who_is_done(world: World) -> None:
    async with world.opened() as resolver:
        for number in range(3):
            await look_up(resolver, world.swarm.seed(make_sample(f"{number}.mkv")))
        tags, categories = await world.nox.marks()
        assert (tags, len(categories)) == ([], 1)
    assert await world.nox.marks() == ([], [])


async def test_another_torrents_v2_hash_is_no_answer(world: World) -> None:
    sample, other = (world.swarm.seed(make_sample(f"{one}.mkv", kind="hybrid")) for one in range(2))
    await world.nox.add(sample, stop_condition="MetadataReceived")
    await world.nox.until(lambda rows: rows[0]["state"] == "pausedDL")
    mixed = TorrentId(torrent_id(sample).v1, torrent_id(other).v2)
    async with world.opened() as resolver:
        with pytest.raises(NotFound):
            await resolver.resolve(mixed, trackers_of(sample), Steps())
    await forget_all(world)

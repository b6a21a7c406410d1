"""The embedded resolver against the loopback swarm."""

import asyncio
import hashlib
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import libtorrent as lt
import pytest

from sandbox.swarm import HOSTILE_NAMES, Kind, Swarm, Way, make_sample
from sandbox.swarm.bencoding import encode
from sandbox.swarm.giver import Giver
from services.errors import NotFound, ResolverDown
from services.resolvers.libtorrent import LibtorrentResolver, session
from services.resolvers.libtorrent.alerts import Alerts
from services.resolvers.libtorrent.session import Added
from services.torrents import FileEntry, Hints, InfoHash, TorrentId
from tests.integration.leftovers import soon
from tests.integration.swarm_help import (
    Running,
    Steps,
    nothing_left_in,
    number,
    opened,
    peers_of,
    torrent_id,
    trackers_of,
)

EVERY_WAY: tuple[Way, ...] = ("tracker", "dht")
FILES = [("a/第一集.mkv", 1_234), ("b.txt", 40_000), ("c/empty", 0)]


@pytest.mark.parametrize("kind", ["v1", "v2", "hybrid"])
@pytest.mark.parametrize("way", ["tracker", "dht", "x.pe"])
async def test_each_kind_is_found_by_each_way(swarm: Swarm, resolver: LibtorrentResolver, kind: Kind, way: str) -> None:
    ways: list[Way] = [one for one in EVERY_WAY if one == way]  # none of them: by its address alone
    sample = swarm.seed(make_sample("三体.mkv", kind=kind, files=FILES), by=ways)
    hints = {"tracker": trackers_of(sample), "dht": Hints(), "x.pe": peers_of(sample)}[way]
    info = await resolver.resolve(torrent_id(sample), hints, Steps())
    assert (info.name.text, info.name.certain, info.verified, info.source) == ("三体.mkv", True, True, "swarm")
    assert info.torrent == torrent_id(sample)
    assert info.size == sample.size
    assert info.files == tuple(FileEntry(path, size) for path, size in FILES)
    assert nothing_left_in(resolver)


async def test_by_the_dht_alone_one_is_found_beside_hundreds_that_nobody_has(
    swarm: Swarm, resolver: LibtorrentResolver
) -> None:
    assert swarm.dht is not None
    async with AsyncExitStack() as stack:
        for one_more in range(300):
            nobody = hashlib.sha1(str(one_more).encode(), usedforsecurity=False).hexdigest()
            await stack.enter_async_context(Running(resolver, TorrentId.of(InfoHash(nobody))))
        while resolver._arms[0].dht.messages < 2_000:
            swarm.dht.asked.clear()
            await swarm.dht.asked.wait()
        sample = swarm.seed(make_sample("alive"), by=["dht"])
        assert (await resolver.resolve(torrent_id(sample), Hints(), Steps())).name.text == "alive"


async def test_a_hybrid_asked_for_by_one_hash_is_known_by_both(swarm: Swarm, resolver: LibtorrentResolver) -> None:
    sample = swarm.seed(make_sample("both", kind="hybrid"))
    info = await resolver.resolve(torrent_id(sample, by="v2"), trackers_of(sample), Steps())
    assert info.torrent == torrent_id(sample)


async def test_a_hybrid_looked_up_by_each_of_its_hashes_at_once_ends_both(
    swarm: Swarm, resolver: LibtorrentResolver
) -> None:
    samples = [swarm.seed(make_sample(f"both {number}", kind="hybrid")) for number in range(20)]
    found = await asyncio.gather(
        *(
            resolver.resolve(torrent_id(sample, by=by), trackers_of(sample), Steps())
            for sample in samples
            for by in ("v1", "v2")
        )
    )
    assert [info.name.text for info in found] == [sample.name for sample in samples for _ in range(2)]
    assert nothing_left_in(resolver)


async def test_a_pair_with_a_foreign_hash_goes_on_and_does_not_hold_back_the_good_one(
    swarm: Swarm, resolver: LibtorrentResolver
) -> None:
    good = swarm.seed(make_sample("good", kind="hybrid"))
    pair = TorrentId(v1=torrent_id(good).v1, v2=InfoHash("0f" * 32))
    async with Running(resolver, pair, trackers_of(good)) as foreign:
        await foreign.steps.until(lambda step: number(step, "trackers_answered") == 1)
        for by in ("v1", "v2", "v1"):
            info = await resolver.resolve(torrent_id(good, by=by), trackers_of(good), Steps())
            assert info.name.text == "good"
        assert not foreign.task.done()
    assert nothing_left_in(resolver)


@pytest.mark.parametrize("kind", ["v2", "hybrid"])
@pytest.mark.parametrize("first", ["cut short", "whole"])
async def test_a_v2_hash_cut_short_to_a_v1_hash_holds_nobody_back(
    swarm: Swarm, resolver: LibtorrentResolver, kind: Kind, first: str
) -> None:
    sample = swarm.seed(make_sample("whole", kind=kind), by=[])
    assert sample.v2 is not None
    cut_short, whole = InfoHash(sample.v2[:40]), torrent_id(sample)
    order = [TorrentId.of(cut_short), whole] if first == "cut short" else [whole, TorrentId.of(cut_short)]
    async with Running(resolver, order[0]) as one, Running(resolver, order[1]) as other:
        await one.steps.until(lambda step: True)
        await other.steps.until(lambda step: True)
        resolver.add_hints(whole, peers_of(sample))
        honest, wrong = (other, one) if first == "cut short" else (one, other)
        assert (await honest.task).name.text == "whole"
        assert (await resolver.resolve(torrent_id(sample, by="v2"), peers_of(sample), Steps())).name.text == "whole"
        assert not wrong.task.done()
    async with Running(resolver, TorrentId(v1=cut_short, v2=InfoHash(sample.v2)), peers_of(sample)) as pair:
        await pair.steps.until(lambda step: True)
        assert (await resolver.resolve(whole, peers_of(sample), Steps())).name.text == "whole"
        assert not pair.task.done()
    assert nothing_left_in(resolver)


async def test_a_refusal_while_a_cut_short_hash_is_made_whole_ends_those_who_wait_for_it_and_nobody_else(
    swarm: Swarm, resolver: LibtorrentResolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut_short, whole = TorrentId.of(InfoHash("ab" * 20)), TorrentId.of(InfoHash("ab" * 32))

    def refuse(_: InfoHash, __: Hints, then: Added, **_how: object) -> None:
        asyncio.get_running_loop().call_soon(then, ResolverDown(reason="no memory"))

    async with Running(resolver, cut_short) as one:
        await one.steps.until(lambda step: True)
        with monkeypatch.context() as patch:
            patch.setattr(resolver._arms[0].session, "add_soon", refuse)
            with pytest.raises(ResolverDown):
                await resolver.resolve(whole, Hints(), Steps())
        with pytest.raises(ResolverDown):
            await one.task
    sample = swarm.seed(make_sample("after it"))
    assert (await resolver.resolve(torrent_id(sample), peers_of(sample), Steps())).name.text == "after it"
    assert nothing_left_in(resolver)


@pytest.mark.parametrize("kind", ["v1", "v2", "hybrid"])
async def test_a_name_that_is_found_leaves_no_file(
    swarm: Swarm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: Kind
) -> None:
    monkeypatch.setattr(session, "_NOWHERE", str(tmp_path))  # a place where files could be
    samples = [swarm.seed(make_sample(f"files {number}", kind=kind, files=FILES)) for number in range(20)]
    async with opened(swarm) as resolver:
        await asyncio.gather(*(resolver.resolve(torrent_id(one), peers_of(one), Steps()) for one in samples))
    assert list(tmp_path.iterdir()) == []  # libtorrent's disk threads have ended


@pytest.mark.parametrize("kind", ["v1", "v2", "hybrid"])
async def test_a_torrent_that_stays_though_its_metadata_is_here_takes_no_payload_and_leaves_no_file(
    swarm: Swarm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: Kind
) -> None:
    monkeypatch.setattr(session, "_NOWHERE", str(tmp_path))
    monkeypatch.setattr(Alerts, "_on_end", lambda *_: None)  # it is too slow to hear of it
    sample = swarm.seed(make_sample("files", kind=kind, files=FILES), by=[])
    hints = trackers_of(sample).merged(peers_of(sample))
    one_hash = torrent_id(sample, by="v2" if kind == "v2" else "v1")
    async with opened(swarm) as resolver, Running(resolver, one_hash, hints):
        await asyncio.sleep(0)
        handle = resolver._arms[0].session._held.get_torrents()[0]
        while not handle.status().has_metadata:
            swarm.tracker.asked.clear()
            await swarm.tracker.asked.wait()
        assert not any(handle.get_file_priorities())
        assert handle.flags() & lt.torrent_flags.upload_mode
    assert list(tmp_path.iterdir()) == []


async def test_hostile_names_come_as_their_own_bytes(swarm: Swarm, resolver: LibtorrentResolver) -> None:
    samples = [swarm.seed(make_sample(raw_name=raw, files=[("f", 1)])) for raw in HOSTILE_NAMES.values() if raw]
    found = await asyncio.gather(
        *(resolver.resolve(torrent_id(sample), trackers_of(sample), Steps()) for sample in samples)
    )
    assert [info.name.raw for info in found] == [sample.raw_name for sample in samples]
    assert all(info.name.text.encode(info.name.encoding) == info.name.raw for info in found)


async def test_a_hundred_at_once_and_the_same_again_before_they_have_left(
    swarm: Swarm, resolver: LibtorrentResolver
) -> None:
    samples = [swarm.seed(make_sample(f"number {number}")) for number in range(100)]
    for _ in range(2):
        found = await asyncio.gather(
            *(resolver.resolve(torrent_id(sample), trackers_of(sample), Steps()) for sample in samples)
        )
        assert [info.name.text for info in found] == [sample.name for sample in samples]
    assert await soon(lambda: nothing_left_in(resolver))


@pytest.mark.parametrize("encoding", ["utf-8", "gbk"])
async def test_a_trackers_refusal_in_any_encoding_is_its_answer_and_costs_nobody_a_name(
    swarm: Swarm, resolver: LibtorrentResolver, encoding: str
) -> None:
    swarm.tracker.refusal = "种子不存在".encode(encoding)
    samples = [swarm.seed(make_sample(f"number {number}")) for number in range(20)]
    async with Running(resolver, torrent_id(swarm.dead()), Hints((swarm.tracker_url,))) as refused:
        found = await asyncio.gather(
            *(
                resolver.resolve(torrent_id(sample), trackers_of(sample).merged(peers_of(sample)), Steps())
                for sample in samples
            )
        )
        assert [info.name.text for info in found] == [sample.name for sample in samples]
        await refused.steps.until(lambda step: number(step, "trackers_answered") == 1)


async def test_an_alert_that_cannot_be_read_costs_nobody_a_name(
    swarm: Swarm, resolver: LibtorrentResolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    came = asyncio.Event()

    def sick(*_: object) -> None:
        came.set()
        raise ValueError("sick")

    monkeypatch.setattr(resolver._arms[0].alerts, "_on_tracker_answer", sick)
    monkeypatch.setattr(resolver._arms[0].alerts, "_on_states", sick)
    sample = swarm.unseeded(make_sample("late"))
    async with Running(resolver, torrent_id(sample), trackers_of(sample)) as running:
        await came.wait()
        await swarm.begin_seeding(sample)
        assert (await running.task).name.text == "late"


async def test_a_turn_of_the_watch_that_fails_ends_no_lookup(
    swarm: Swarm, resolver: LibtorrentResolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = asyncio.Event()
    report = resolver._watch._report

    def once(now: float) -> None:
        if not failed.is_set():
            failed.set()
            raise ValueError("sick")
        report(now)

    monkeypatch.setattr(resolver._watch, "_report", once)
    dead = swarm.dead()
    async with Running(resolver, torrent_id(dead), trackers_of(dead)) as running:
        await failed.wait()
        await running.steps.until(lambda step: number(step, "trackers_answered") == 1)
        assert not running.task.done()


@pytest.mark.parametrize("end", ["cancel", "time-out"])
async def test_cancel_and_time_out_leave_nothing(
    swarm: Swarm, resolver: LibtorrentResolver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(session, "_NOWHERE", str(tmp_path))
    tasks = asyncio.all_tasks()
    stalled = swarm.stall(make_sample("stalled", kind="hybrid"))
    steps = Steps()
    lookup = asyncio.create_task(resolver.resolve(torrent_id(stalled), trackers_of(stalled), steps))
    await steps.until(lambda step: number(step, "peers") == 4)
    if end == "cancel":
        lookup.cancel()
    with suppress(asyncio.CancelledError, TimeoutError):
        await asyncio.wait_for(lookup, 0)
    assert lookup.cancelled()
    assert nothing_left_in(resolver)
    assert await soon(lambda: not {task for task in asyncio.all_tasks() - tasks if "resolve" in repr(task)})
    assert list(tmp_path.iterdir()) == []


async def test_what_is_left_before_libtorrent_has_taken_it_up_leaves_nothing(
    swarm: Swarm, resolver: LibtorrentResolver
) -> None:
    dead = [swarm.dead() for _ in range(20)]
    lookups = [asyncio.create_task(resolver.resolve(torrent_id(one), trackers_of(one), Steps())) for one in dead]
    await asyncio.sleep(0)  # all have begun, and none has heard anything
    assert len(resolver._board.torrents) == len(dead)
    for one in lookups:
        one.cancel()
    await asyncio.wait(lookups)
    sample = swarm.seed(make_sample("comes behind them"))
    await resolver.resolve(torrent_id(sample), trackers_of(sample), Steps())
    assert nothing_left_in(resolver)


async def test_a_hybrid_that_has_just_come_by_one_hash_is_looked_up_by_the_other(
    swarm: Swarm, resolver: LibtorrentResolver
) -> None:
    sample = swarm.seed(make_sample("both", kind="hybrid"))
    async with Running(resolver, torrent_id(sample, by="v1"), peers_of(sample)) as first:
        await asyncio.sleep(0)  # it has begun, and has heard nothing yet
        (handle,) = resolver._arms[0].session._held.get_torrents()
        while not handle.status().has_metadata:  # without a turn of the loop: the resolver does not hear of it
            pass
        info = await resolver.resolve(torrent_id(sample, by="v2"), peers_of(sample), Steps())
        assert info.torrent == (await first.task).torrent == torrent_id(sample)
    assert nothing_left_in(resolver)


async def test_what_was_cancelled_is_found_when_asked_for_again(swarm: Swarm, resolver: LibtorrentResolver) -> None:
    sample = swarm.unseeded(make_sample("again"))
    async with Running(resolver, torrent_id(sample), trackers_of(sample)) as first:
        await first.steps.until(lambda step: True)
    await swarm.begin_seeding(sample)
    assert (await resolver.resolve(torrent_id(sample), trackers_of(sample), Steps())).name.text == "again"


@pytest.mark.parametrize("way", ["tracker", "dht"])
async def test_one_that_is_seeded_late_is_found_by_the_same_lookup(
    swarm: Swarm, resolver: LibtorrentResolver, way: Way
) -> None:
    sample = swarm.unseeded(make_sample("late"))
    async with Running(resolver, torrent_id(sample), trackers_of(sample)) as running:
        await running.steps.until(lambda step: number(step, "trackers_answered") == 1)
        await swarm.begin_seeding(sample, by=[way])
        assert (await running.task).name.text == "late"
    assert running.steps.starts == 1


@pytest.mark.parametrize("kind", ["tracker", "peer"])
async def test_hints_help_a_running_lookup(swarm: Swarm, resolver: LibtorrentResolver, kind: str) -> None:
    sample = swarm.seed(make_sample("hinted"), by=("tracker",))
    async with Running(resolver, torrent_id(sample)) as running:
        await running.steps.until(lambda step: True)
        resolver.add_hints(torrent_id(sample), trackers_of(sample) if kind == "tracker" else peers_of(sample))
        assert (await running.task).name.text == "hinted"


async def test_hints_for_what_is_not_looked_up_are_harmless(swarm: Swarm, resolver: LibtorrentResolver) -> None:
    resolver.add_hints(torrent_id(swarm.dead()), Hints(trackers=(swarm.tracker_url,), peers=(("127.0.0.1", 1),)))
    assert nothing_left_in(resolver)


async def test_metadata_that_nobody_can_read_is_refused(swarm: Swarm, resolver: LibtorrentResolver) -> None:
    sick = make_sample(raw_name=b"..")  # a single file may not be called so, and has no other name
    async with Giver("127.0.2.9", sick.info) as peer:
        with pytest.raises(NotFound) as refused:
            await resolver.resolve(torrent_id(sick), Hints(peers=(peer.endpoint,)), Steps())
    assert refused.value.parameters == {"reason": "metadata_unusable"}
    assert nothing_left_in(resolver)


async def test_metadata_that_names_the_torrent_twice_is_refused_since_others_may_read_the_other_name(
    resolver: LibtorrentResolver,
) -> None:
    info = make_sample("one").info.replace(b"4:name3:one", b"4:name3:one4:name3:two")
    async with Giver("127.0.2.9", info) as peer:
        with pytest.raises(NotFound) as refused:
            await resolver.resolve(id_of(info), Hints(peers=(peer.endpoint,)), Steps())
    assert refused.value.parameters == {"reason": "metadata_unusable"}
    assert nothing_left_in(resolver)


async def test_a_liar_is_not_believed(resolver: LibtorrentResolver) -> None:
    wanted = torrent_id(make_sample("true"))
    async with (
        Giver("127.0.2.9", make_sample("false").info) as liar,
        Running(resolver, wanted, Hints(peers=(liar.endpoint,))) as running,
    ):
        step = await running.steps.until(lambda step: number(step, "connected") == 1)
        assert (step.code, number(step, "peers")) == ("connecting", 1)
        for _ in range(2):  # asked again, it lies again, and the lookup goes on
            await liar.given.wait()
            liar.given.clear()
        assert not running.task.done()


@pytest.mark.timeout(60)
async def test_a_liar_who_gives_without_end_does_not_keep_out_who_comes_later(
    swarm: Swarm, resolver: LibtorrentResolver
) -> None:
    true = make_sample("true")
    async with Giver("127.0.2.9", bytes(16_384), claims=100) as liar, Giver("127.0.2.10", true.info) as honest:
        hints = Hints(trackers=(swarm.tracker_url,), peers=(liar.endpoint,))
        async with Running(resolver, torrent_id(true), hints) as running:
            await running.steps.until(lambda step: number(step, "connected") == 1)
            await until_held_back(swarm, resolver)
            resolver.add_hints(torrent_id(true), Hints(peers=(honest.endpoint,)))
            assert (await running.task).name.text == "true"


async def until_held_back(swarm: Swarm, resolver: LibtorrentResolver) -> None:
    """Return when what the only lookup fetches is held back; its tracker is asked again and again."""
    (handle,) = resolver._arms[0].session._held.get_torrents()
    while not handle.download_limit():
        swarm.tracker.asked.clear()
        await swarm.tracker.asked.wait()


async def test_metadata_of_8_mib_is_read() -> None:
    info = padded(8 * 2**20)
    async with Giver("127.0.2.9", info) as peer, opened() as resolver:
        found = await resolver.resolve(id_of(info), Hints(peers=(peer.endpoint,)), Steps())
    assert found.name.text == "large"


async def test_metadata_over_8_mib_is_refused_and_fetched_in_vain_at_a_trickle(
    swarm: Swarm, resolver: LibtorrentResolver
) -> None:
    info = padded(8 * 2**20 + 1)
    async with Giver("127.0.2.9", info) as peer:
        hints = Hints(trackers=(swarm.tracker_url,), peers=(peer.endpoint,))
        async with Running(resolver, id_of(info), hints) as running:
            await running.steps.until(lambda step: step.code == "receiving")
            await until_held_back(swarm, resolver)
            assert not running.task.done()
            (handle,) = resolver._arms[0].session._held.get_torrents()
            assert not handle.status().has_metadata
    assert nothing_left_in(resolver)


async def test_metadata_of_more_files_than_can_be_counted_is_refused(resolver: LibtorrentResolver) -> None:
    files = [{b"length": 1, b"path": [b"d", b"%06d" % number]} for number in range(230_000)]
    info = encode({b"files": files, b"name": b"many", b"piece length": 2**20, b"pieces": bytes(20)})
    async with Giver("127.0.2.9", info) as peer:
        with pytest.raises(NotFound) as refused:
            await resolver.resolve(id_of(info), Hints(peers=(peer.endpoint,)), Steps())
    assert refused.value.parameters == {"reason": "metadata_unusable"}
    assert nothing_left_in(resolver)


def padded(size: int) -> bytes:
    """Return an info dictionary of exactly *size* bytes, between 1 and 10 MB."""
    words = {b"length": 1, b"name": b"large", b"piece length": 16_384, b"pieces": bytes(20)}
    room = size - len(encode(words | {b"x": b"x" * 1_000_000})) + 1_000_000
    return encode(words | {b"x": b"x" * room})


def id_of(info: bytes) -> TorrentId:
    return TorrentId.of(InfoHash(hashlib.sha1(info, usedforsecurity=False).hexdigest()))

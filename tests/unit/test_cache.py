"""What was claimed before: told at once, while the sources are asked as if nobody had claimed anything."""

import asyncio

import pytest
from structlog.testing import capture_logs

from services.errors import NotFound, ResolverDown, StoreUnavailable
from services.resolvers.breaker import Breaker
from services.resolvers.cache import CacheResolver
from services.resolvers.chain import Chain, Source
from services.torrents import Hints, TorrentId, TorrentInfo
from tests.fake_clock import FakeClock, settle
from tests.unit.fakes import info_of
from tests.unit.test_chain import CLAIM, NEVER, TRUE, FakeSource, Told, X

NEWER = info_of(X, "newer.mkv", verified=False)


class FakeKnown:
    """Knows one *claim*, or fails, after *delay* seconds."""

    def __init__(self, clock: FakeClock, claim: TorrentInfo | StoreUnavailable | None, delay: float = 0.1) -> None:
        self.clock = clock
        self.known = claim
        self.delay = delay

    async def claim(self, torrent: TorrentId) -> TorrentInfo | None:
        assert torrent == X
        await self.clock.sleep(self.delay)
        if isinstance(self.known, StoreUnavailable):
            raise self.known
        return self.known


class Rig:
    def __init__(self, clock: FakeClock, source: FakeSource, claim: TorrentInfo | StoreUnavailable | None) -> None:
        self.progress = Told()
        self.source = source
        chain = Chain([Source(source, breaker=Breaker(clock), most=9)], clock=clock)
        self.cache = CacheResolver(chain, FakeKnown(clock, claim))

    def begin(self) -> "asyncio.Task[TorrentInfo]":
        return asyncio.create_task(self.cache.resolve(X, Hints(trackers=("http://a/",)), self.progress))


async def test_a_known_claim_is_told_at_once_and_what_is_verified_is_the_answer(clock: FakeClock) -> None:
    rig = Rig(clock, FakeSource(clock, "swarm", TRUE, delay=5), CLAIM)
    lookup = rig.begin()
    await clock.advance(0.2)
    assert (rig.progress.claims, len(rig.source.asked), lookup.done()) == ([CLAIM], 1, False)
    await clock.advance(5)
    assert await lookup == TRUE


async def test_a_newer_claim_takes_the_place_of_the_known_one(clock: FakeClock) -> None:
    rig = Rig(clock, FakeSource(clock, "command", NEWER), CLAIM)
    lookup = rig.begin()
    await clock.advance(2)
    assert (rig.progress.claims, await lookup) == ([CLAIM, NEWER], NEWER)


@pytest.mark.parametrize("error", [NotFound(reason="x"), ResolverDown(reason="x")])
async def test_where_no_source_has_a_name_the_known_claim_is_the_answer_with_the_source_that_made_it(
    error: NotFound | ResolverDown, clock: FakeClock
) -> None:
    lookup = Rig(clock, FakeSource(clock, "files", error), CLAIM).begin()
    await clock.advance(2)
    assert await lookup == CLAIM
    assert (await lookup).source != CacheResolver.label


async def test_where_nothing_is_known_it_fails_as_the_source_says(clock: FakeClock) -> None:
    rig = Rig(clock, FakeSource(clock, "files", NotFound(reason="x")), None)
    lookup = rig.begin()
    await clock.advance(2)
    with pytest.raises(NotFound, match="x"):
        await lookup
    assert rig.progress.claims == []


async def test_a_database_that_cannot_be_read_keeps_nobody_from_asking(clock: FakeClock) -> None:
    with capture_logs() as logs:
        lookup = Rig(clock, FakeSource(clock, "swarm", TRUE), StoreUnavailable(reason="x")).begin()
        await clock.advance(2)
        assert await lookup == TRUE
    assert [one["event"] for one in logs] == ["store.unavailable"]


async def test_hints_that_come_while_it_is_looked_for_reach_the_source(clock: FakeClock) -> None:
    rig = Rig(clock, FakeSource(clock, "swarm", TRUE, delay=5), CLAIM)
    lookup = rig.begin()
    await settle()
    rig.cache.add_hints(X, Hints(trackers=("http://b/",)))
    await clock.advance(0.2)
    assert rig.source.hints == [Hints(trackers=("http://a/", "http://b/"))]
    rig.cache.add_hints(X, Hints(trackers=("http://c/",)))
    assert rig.source.hints[1:] == [Hints(trackers=("http://c/",))]
    await clock.advance(5)
    await lookup


@pytest.mark.parametrize("after", [0.05, 1])
async def test_who_leaves_leaves_nothing_behind(after: float, clock: FakeClock) -> None:
    rig = Rig(clock, FakeSource(clock, "swarm", TRUE, delay=NEVER), CLAIM)
    lookup = rig.begin()
    await clock.advance(after)
    lookup.cancel()
    await clock.advance(1)
    assert lookup.cancelled()
    assert not rig.source.running
    rig.cache.add_hints(X, Hints(trackers=("http://b/",)))
    rig.source.delay = 1
    again = rig.begin()
    await clock.advance(3)
    assert await again == TRUE
    assert rig.source.hints[-1] == Hints(trackers=("http://a/",))

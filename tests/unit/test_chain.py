"""Many sources as one, on a hand-moved clock: who is asked when, whose answer is taken, and what is left behind."""

import asyncio
from collections.abc import Sequence

import pytest
from structlog.testing import capture_logs

from services.errors import CalibotError, NotFound, ResolverDown, SourceFailed, SourceLate
from services.resolvers.breaker import Breaker
from services.resolvers.chain import Chain, Source
from services.resolvers.port import ASKED, DOWN, IN_LINE
from services.torrents import Hints, Progress, Step, TorrentId, TorrentInfo
from tests.fake_clock import FakeClock, settle
from tests.unit.fakes import info_of, torrent

X = torrent("x")
TRUE, CLAIM = info_of(X, "true.mkv"), info_of(X, "claim.mkv", verified=False)
NEVER = 1e9
WELL = [
    *(NotFound(reason=one) for one in ("v2_alone", "half_there", "taken_away", "metadata_unusable")),
    SourceLate(source="second", reason="no answer in 30 s"),
]
"""How one ends with which nothing is wrong."""


class FakeSource:
    """Says *answer* of X after *delay* seconds, and notes when it was asked, and how each asking ended."""

    def __init__(self, clock: FakeClock, label: str, answer: TorrentInfo | Exception = TRUE, delay: float = 1) -> None:
        self.clock = clock
        self.label = label
        self.answer = answer
        self.delay = delay
        self.asked: list[float] = []
        self.hints: list[Hints] = []
        self.step: Step | None = None
        self.progress: Progress
        self.running: set[TorrentId] = set()
        self.most_at_once = 0
        self.lingers = 0.0

    async def resolve(self, torrent: TorrentId, hints: Hints, progress: Progress) -> TorrentInfo:
        assert torrent not in self.running, "never twice at once"
        self.asked.append(self.clock.now())
        self.hints.append(hints)
        self.running.add(torrent)
        self.most_at_once = max(self.most_at_once, len(self.running))
        try:
            self.progress = progress
            progress.started()
            if self.step:
                progress.report(self.step)
            await self.clock.sleep(self.delay)
            if isinstance(self.answer, Exception):
                raise self.answer
            return self.answer if torrent == X else info_of(torrent, "other.mkv")
        finally:
            await self.clock.sleep(self.lingers)  # a clean-up takes a turn at least, such as a request
            self.running.remove(torrent)

    def add_hints(self, torrent: TorrentId, hints: Hints) -> None:
        self.hints.append(hints)


class Told:
    """A progress that remembers."""

    def __init__(self) -> None:
        self.starts = 0
        self.steps: list[Step] = []
        self.claims: list[TorrentInfo] = []

    def started(self) -> None:
        self.starts += 1

    def report(self, step: Step) -> None:
        self.steps.append(step)

    def claimed(self, info: TorrentInfo) -> None:
        self.claims.append(info)


class Rig:
    """A chain of *sources*, and one who looks up with it."""

    def __init__(self, clock: FakeClock, sources: Sequence[FakeSource], most: int = 100) -> None:
        self.clock = clock
        self.began = clock.now()
        self.told = Told()
        self.sources = [Source(one, breaker=Breaker(clock), most=most) for one in sources]
        self.chain = Chain(self.sources, clock=clock, hedge_after=6)

    def begin(self, asked: TorrentId = X, hints: Hints | None = None) -> asyncio.Task[TorrentInfo]:
        return asyncio.create_task(self.chain.resolve(asked, hints or Hints(), self.told))

    async def answer(self, seconds: float) -> TorrentInfo | CalibotError | None:
        """Return what has come of a lookup in so many seconds; None where nothing has."""
        lookup = self.begin()
        await self.clock.advance(seconds)
        if not lookup.done():
            lookup.cancel()
            await asyncio.wait([lookup])
            return None
        error = lookup.exception()
        assert error is None or isinstance(error, CalibotError)
        return error or lookup.result()

    def when(self, source: FakeSource) -> list[float]:
        return [at - self.began for at in source.asked]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


# Who is asked, and when.


async def test_the_next_is_not_asked_where_the_first_answers_in_time(clock: FakeClock) -> None:
    first, second = FakeSource(clock, "first", delay=5.9), FakeSource(clock, "second")
    rig = Rig(clock, [first, second])
    assert await rig.answer(60) is TRUE
    assert second.asked == []


async def test_the_next_is_asked_when_the_one_before_has_been_silent_and_goes_on_beside_it(clock: FakeClock) -> None:
    silent = [FakeSource(clock, str(one), delay=NEVER) for one in range(2)]
    third = FakeSource(clock, "third", delay=4)
    rig = Rig(clock, [*silent, third])
    lookup = rig.begin()
    await clock.advance(15.9)
    assert [rig.when(one) for one in (*silent, third)] == [[0], [6], [12]]
    assert all(one.running for one in silent)
    await clock.advance(0.1)
    assert lookup.result() is TRUE


@pytest.mark.parametrize("failure", [NotFound(), ResolverDown(reason="refused"), ZeroDivisionError()])
async def test_the_next_is_asked_at_once_when_the_one_before_has_failed(clock: FakeClock, failure: Exception) -> None:
    first, second = FakeSource(clock, "first", failure, delay=0.5), FakeSource(clock, "second")
    rig = Rig(clock, [first, second])
    assert await rig.answer(2) is TRUE
    assert rig.when(second) == [0.5]


@pytest.mark.parametrize("late", [NEVER, 10])
async def test_one_that_is_silent_again_and_again_while_another_has_the_name_is_not_waited_for_in_growing_pauses(
    clock: FakeClock, late: float
) -> None:
    silent, second = FakeSource(clock, "silent", ResolverDown(reason="late"), delay=late), FakeSource(clock, "second")
    third = FakeSource(clock, "third", delay=NEVER)
    second.delay = 0.5
    rig = Rig(clock, [silent, second, third])

    async def waits(pause: float = 0) -> float:
        await clock.advance(pause)
        began = clock.now()
        assert await rig.answer(6.5) is TRUE
        return second.asked[-1] - began

    assert [await waits() for _ in range(3)] == [6, 6, 6]
    for pause in (10, 20, 40, 80, 160, 320, 600, 600):
        assert await waits() == 0
        assert await waits(pause - 2 * 6.5) == 0 if pause > 2 * 6.5 else True
        assert await waits(pause) == 6
    assert not rig.sources[0].breaker.down
    assert third.asked == [], "who follows it is waited for"
    silent.answer, silent.delay = NotFound(), 0.25
    assert [await waits() for _ in range(2)] == [0, 0.25]


async def test_one_that_knows_nothing_of_dead_torrents_is_waited_for(clock: FakeClock) -> None:
    swarm, cache = FakeSource(clock, "swarm", delay=NEVER), FakeSource(clock, "cache", NotFound(), delay=0.5)
    rig = Rig(clock, [swarm, cache])
    for _ in range(5):
        assert await rig.answer(60) is None
    swarm.delay = 1
    assert await rig.answer(60) is TRUE
    assert rig.when(cache) == [6, 66, 126, 186, 246]


async def test_one_that_answers_others_in_time_is_waited_for_however_much_another_knows_alone(
    clock: FakeClock,
) -> None:
    swarm, cache = FakeSource(clock, "swarm", delay=NEVER), FakeSource(clock, "cache", delay=0.5)
    rig = Rig(clock, [swarm, cache])
    for _ in range(3):
        await clock.advance(1)
        swarm.delay, began = NEVER, clock.now()
        unknown = [rig.begin(torrent(str(one))) for one in range(5)]
        await clock.advance(3)
        swarm.delay = 1
        assert await rig.answer(1) is TRUE
        await clock.advance(2.5)
        assert [cache.asked[-5:], [one.done() for one in unknown]] == [[began + 6] * 5, [True] * 5]


async def test_many_lookups_at_once_in_which_one_is_silent_are_one_silence(clock: FakeClock) -> None:
    silent, second = FakeSource(clock, "silent", delay=NEVER), FakeSource(clock, "second", delay=0.5)
    rig = Rig(clock, [silent, second])
    lookups = [rig.begin(torrent(str(one))) for one in range(20)]
    await clock.advance(6.5)
    assert all(one.done() for one in lookups)
    for _ in range(2):
        await rig.answer(6.5)
    assert rig.when(second)[20:] == [12.5, 19]


async def test_one_that_fails_late_hurries_nobody_who_was_not_to_follow_it(clock: FakeClock) -> None:
    late, silent, third = (
        FakeSource(clock, "late", NotFound(), delay=7),
        FakeSource(clock, "silent", delay=NEVER),
        FakeSource(clock, "third", delay=1),
    )
    rig = Rig(clock, [late, silent, third])
    assert await rig.answer(60) is TRUE
    assert rig.when(third) == [12]


async def test_where_one_has_no_place_the_next_is_asked_at_once_and_who_stands_in_line_gets_a_place_later(
    clock: FakeClock,
) -> None:
    full, second = FakeSource(clock, "full", delay=NEVER), FakeSource(clock, "second", delay=NEVER)
    rig = Rig(clock, [full, second], most=1)
    holds = rig.begin(torrent("other"))
    await settle()
    lookup = rig.begin()
    await settle()
    assert [rig.when(one) for one in (full, second)] == [[0], [0]]
    holds.cancel()
    await settle()
    assert full.running == {X}
    assert full.most_at_once == 1
    lookup.cancel()
    await asyncio.wait([lookup, holds])


# Whose answer is taken.


async def test_the_first_verified_answer_is_told_at_once_however_long_the_others_take_to_end(clock: FakeClock) -> None:
    slow, quick = FakeSource(clock, "slow", delay=NEVER), FakeSource(clock, "quick", delay=2)
    slow.lingers = 5
    rig = Rig(clock, [slow, quick, FakeSource(clock, "third")])
    lookup = rig.begin()
    await clock.advance(8)
    assert lookup.result() is TRUE
    assert slow.running == {X}
    resting = asyncio.create_task(rig.chain.rest())
    await clock.advance(4.9)
    assert not resting.done()
    await clock.advance(0.1)
    assert resting.done()
    assert clock.sleeping == 0


async def test_one_that_still_ends_is_not_asked_for_the_same_torrent_again_before_it_has(clock: FakeClock) -> None:
    slow, quick = FakeSource(clock, "slow", delay=NEVER), FakeSource(clock, "quick", delay=0)
    slow.lingers = 5
    rig = Rig(clock, [slow, quick])
    for _ in range(2):  # the source itself looks that it is not asked twice at once
        lookup = rig.begin()
        await clock.advance(6)
        assert lookup.result() is TRUE
    await clock.advance(20)
    assert rig.when(slow) == [0, 11]


async def test_one_that_still_ends_is_not_asked_again_by_who_comes_after_one_who_has_left(clock: FakeClock) -> None:
    slow, quick = FakeSource(clock, "slow", delay=NEVER), FakeSource(clock, "quick", delay=0)
    slow.lingers = 5
    rig = Rig(clock, [slow, quick], most=1)
    await rig.answer(6)
    waits = rig.begin()
    await settle()
    waits.cancel()
    await asyncio.wait([waits])
    assert rig.sources[0].full
    resting = asyncio.create_task(rig.chain.rest())
    await settle()
    assert not resting.done()
    lookup = rig.begin()  # the source itself looks that it is not asked twice at once
    await clock.advance(20)
    assert lookup.result() is TRUE
    assert resting.done()


async def test_a_burst_that_is_more_than_one_has_places_for_goes_on_to_the_next_at_once(clock: FakeClock) -> None:
    narrow, wide = FakeSource(clock, "narrow", delay=NEVER), FakeSource(clock, "wide", delay=NEVER)
    rig = Rig(clock, [narrow, wide])
    rig.sources[0] = Source(narrow, breaker=Breaker(clock), most=5)
    rig.chain = Chain(rig.sources, clock=clock, hedge_after=6)
    lookups = [rig.begin(torrent(str(one))) for one in range(20)]
    await settle()
    assert (len(narrow.running), len(wide.running)) == (5, 15)
    for one in lookups:
        one.cancel()
    await asyncio.wait(lookups)
    assert not narrow.running | wide.running


async def test_a_claim_is_told_and_held_as_long_as_somebody_may_verify_it(clock: FakeClock) -> None:
    claims, verifies = FakeSource(clock, "claims", CLAIM), FakeSource(clock, "verifies", delay=30)
    rig = Rig(clock, [claims, verifies])
    lookup = rig.begin()
    await clock.advance(30.9)
    assert rig.told.claims == [CLAIM]
    assert rig.when(verifies) == [1]
    assert not lookup.done()
    await clock.advance(0.1)
    assert lookup.result() is TRUE


async def test_a_claim_is_taken_when_nobody_else_is_to_come(clock: FakeClock) -> None:
    first = FakeSource(clock, "first", info_of(X, "other.mkv", verified=False), delay=8)
    second, third = FakeSource(clock, "second", CLAIM, delay=1), FakeSource(clock, "third", NotFound(), delay=1)
    rig = Rig(clock, [first, second, third])
    assert await rig.answer(8) is CLAIM  # the one that came first
    assert rig.told.claims == [CLAIM]


async def test_what_is_verified_of_another_torrent_is_no_answer(clock: FakeClock) -> None:
    wrong, right = FakeSource(clock, "wrong", info_of(torrent("y"), "wrong.mkv")), FakeSource(clock, "right")
    assert await Rig(clock, [wrong, right]).answer(2) is TRUE
    failure = await Rig(clock, [wrong]).answer(2)
    assert isinstance(failure, NotFound)
    assert failure.parameters == {"reason": "another torrent", "failed": "wrong"}


async def test_where_nobody_knows_it_who_could_be_asked_says_why(clock: FakeClock) -> None:
    down, knows_not = FakeSource(clock, "down", ResolverDown()), FakeSource(clock, "second", NotFound(reason="gone"))
    failure = await Rig(clock, [down, knows_not]).answer(5)
    assert isinstance(failure, NotFound)
    assert failure.parameters == {"reason": "gone", "unasked": "down", "failed": "second"}
    failure = await Rig(clock, [FakeSource(clock, "also down", ResolverDown(reason="refused")), down]).answer(5)
    assert isinstance(failure, ResolverDown)
    assert failure.parameters == {"source": "also down,down"}


@pytest.mark.parametrize(
    ("telling", "failed"),
    [
        (NotFound(reason="output_unusable"), "third"),
        (NotFound(reason="torrent_unusable"), "second,third"),
        (SourceFailed(source="second", reason="no such directory"), "third"),
    ],
)
async def test_what_is_wrong_with_a_source_is_told_before_that_another_has_no_such_torrent(
    clock: FakeClock, telling: CalibotError, failed: str
) -> None:
    failures = {"first": NotFound(reason="no_file"), "second": telling, "third": NotFound(reason="gone")}
    failure = await Rig(clock, [FakeSource(clock, label, one) for label, one in failures.items()]).answer(5)
    assert isinstance(failure, type(telling))
    assert failure.parameters == {**telling.parameters, "failed": failed}


@pytest.mark.parametrize(
    ("ended", "broken"),
    [
        (NotFound(reason="output_unusable"), {"broken": "second"}),
        (SourceFailed(source="second", reason="no such directory"), {"broken": "second"}),
        (NotFound(reason="nothing_said"), {}),
        (NotFound(), {}),
        *((one, {}) for one in WELL),
    ],
)
async def test_who_failed_is_told_while_another_still_looks(
    clock: FakeClock, ended: CalibotError, broken: dict[str, str]
) -> None:
    rig = Rig(clock, [FakeSource(clock, "first", delay=NEVER), FakeSource(clock, "second", ended, delay=1)])
    lookup = rig.begin()
    await clock.advance(8)
    assert rig.told.steps[-1] == Step(ASKED, {"sources": "first", **broken})
    lookup.cancel()
    await asyncio.wait([lookup])


@pytest.mark.parametrize("well", WELL)
async def test_that_one_looks_for_no_such_torrent_or_no_longer_is_told_as_no_error_of_its_own(
    clock: FakeClock, well: CalibotError
) -> None:
    none, works, broken = NotFound(reason="no_file"), FakeSource(clock, "works", well), FakeSource(clock, "broken")
    broken.answer = SourceFailed(source="broken", reason="exit code 3")
    failure = await Rig(clock, [FakeSource(clock, "none", none), works, broken]).answer(5)
    assert isinstance(failure, type(well))
    assert failure.parameters == {**well.parameters, "failed": "broken"}
    failure = await Rig(clock, [broken, works]).answer(5)
    assert isinstance(failure, SourceFailed)
    assert failure.parameters == broken.answer.parameters


async def test_the_last_word_names_who_could_not_be_asked_from_the_first_lookup_on(clock: FakeClock) -> None:
    down = FakeSource(clock, "down", ResolverDown(), delay=0)
    failed = SourceFailed(source="second", reason="no such torrent")
    rig = Rig(clock, [down, FakeSource(clock, "second", failed), FakeSource(clock, "third", NotFound())])
    for asked in (1, 2, 3, 3):
        failure = await rig.answer(5)
        assert isinstance(failure, SourceFailed)
        assert failure.parameters == {**failed.parameters, "unasked": "down"}
        assert len(down.asked) == asked


async def test_that_a_source_could_not_be_asked_is_told_in_that_very_lookup(clock: FakeClock) -> None:
    silent, down = FakeSource(clock, "silent", delay=NEVER), FakeSource(clock, "down", ResolverDown(), delay=1)
    rig = Rig(clock, [silent, down])
    lookup = rig.begin()
    await clock.advance(7)
    assert rig.told.steps[-1] == Step("asking_others", {"sources": "silent", "down": "down"})
    lookup.cancel()
    await asyncio.wait([lookup])


async def test_a_bug_of_a_source_is_logged_and_is_the_failure_where_nobody_else_knows(clock: FakeClock) -> None:
    with capture_logs() as logged:
        failure = await Rig(clock, [FakeSource(clock, "sick", ZeroDivisionError())]).answer(5)
    assert isinstance(failure, CalibotError)
    assert failure.code == "lookup_failed"
    assert [(one["event"], one["source"]) for one in logged] == [("resolver.bug", "sick")]


# What is left behind, and who is left alone.


async def test_a_cancelled_lookup_leaves_nobody_running_and_no_timer(clock: FakeClock) -> None:
    sources = [FakeSource(clock, str(one), delay=NEVER) for one in range(3)]
    rig = Rig(clock, sources)
    lookup = rig.begin()
    await clock.advance(13)
    assert [len(one.running) for one in sources] == [1, 1, 1]
    lookup.cancel()
    await asyncio.wait([lookup])
    assert [len(one.running) for one in sources] == [0, 0, 0]
    assert clock.sleeping == 0
    assert all(not one.full for one in rig.sources)


async def test_one_that_is_down_is_passed_over_with_a_word_until_one_who_tries_is_answered(clock: FakeClock) -> None:
    down, second = FakeSource(clock, "down", ResolverDown(), delay=0), FakeSource(clock, "second", delay=1)
    rig = Rig(clock, [down, second])
    for _ in range(5):
        assert await rig.answer(1) is TRUE
    assert len(down.asked) == 3
    assert rig.told.steps[-1].parameters["down"] == "down"
    down.answer = TRUE
    await clock.advance(10)
    assert await rig.answer(0) is TRUE
    assert len(down.asked) == 4
    assert len(second.asked) == 5


async def test_one_that_is_well_again_is_asked_although_who_tries_looks_for_what_nobody_has(clock: FakeClock) -> None:
    source = FakeSource(clock, "source", ResolverDown(), delay=0)
    rig = Rig(clock, [source])
    for _ in range(3):
        await rig.answer(0)
    await clock.advance(10)
    source.answer, source.delay, source.step = TRUE, NEVER, Step("asking", {"peers": 0})
    dead = rig.begin(torrent("dead"))
    await clock.advance(1)
    source.delay = 1
    assert await rig.answer(1) is TRUE
    dead.cancel()
    await asyncio.wait([dead])


async def tried_after_a_pause(clock: FakeClock, *others: FakeSource) -> tuple[Rig, FakeSource]:
    """Return a rig whose first source has been down, and takes a second to answer the next who asks."""
    source = FakeSource(clock, "source", ResolverDown(), delay=0)
    rig = Rig(clock, [source, *others])
    for _ in range(3):
        await rig.answer(0)
    await clock.advance(10)
    source.asked.clear()
    source.delay = 1
    rig.began = clock.now()
    return rig, source


async def test_who_comes_while_one_tries_asks_as_soon_as_that_one_is_answered(clock: FakeClock) -> None:
    rig, source = await tried_after_a_pause(clock)
    source.answer = TRUE
    lookups = [rig.begin(torrent(str(one))) for one in range(20)]
    await clock.advance(0.5)
    lookups.append(rig.begin())
    await clock.advance(1.5)
    assert rig.when(source) == [0] + [1] * 20
    assert all(one.result().verified for one in lookups)


async def test_who_comes_while_one_tries_asks_as_soon_as_that_is_being_looked_for(clock: FakeClock) -> None:
    rig, source = await tried_after_a_pause(clock)
    source.delay, source.step = NEVER, Step(ASKED)
    lookups = [rig.begin(torrent(str(one))) for one in range(5)]
    await settle()
    assert rig.when(source) == [0] * 5
    assert rig.told.steps[-1] == Step("asking_others", {"sources": "source"})
    for one in lookups:
        one.cancel()
    await asyncio.wait(lookups)


async def test_one_who_tries_and_says_that_it_is_down_has_not_been_answered(clock: FakeClock) -> None:
    rig, source = await tried_after_a_pause(clock)
    source.delay, source.step = NEVER, Step(DOWN)
    lookups = [rig.begin(torrent(str(one))) for one in range(5)]
    await settle()
    assert rig.when(source) == [0]
    source.progress.report(Step(ASKED))
    await settle()
    assert rig.when(source) == [0] * 5
    for one in lookups:
        one.cancel()
    await asyncio.wait(lookups)


async def test_that_a_source_is_down_is_told_to_who_stood_in_line_behind_a_trial_in_vain(clock: FakeClock) -> None:
    second = FakeSource(clock, "second", delay=NEVER)
    rig, source = await tried_after_a_pause(clock, second)
    source.answer = ResolverDown()
    lookups = [rig.begin(torrent("other")), rig.begin()]
    await clock.advance(1)
    assert rig.told.steps[-1] == Step("asking_others", {"sources": "second", "down": "source"})
    for one in lookups:
        one.cancel()
    await asyncio.wait(lookups)


async def test_who_comes_while_one_tries_in_vain_fails_with_it_and_asks_nobody(clock: FakeClock) -> None:
    rig, source = await tried_after_a_pause(clock)
    lookups = [rig.begin(torrent(str(one))) for one in range(20)]
    await clock.advance(1)
    assert rig.when(source) == [0]
    assert all(isinstance(one.exception(), ResolverDown) for one in lookups)


async def test_where_the_one_who_tries_leaves_the_next_tries_and_the_others_wait_on(clock: FakeClock) -> None:
    rig, source = await tried_after_a_pause(clock)
    source.answer = TRUE
    lookups = [rig.begin(torrent(str(one))) for one in range(5)]
    await clock.advance(0.5)
    lookups[0].cancel()
    await clock.advance(0.9)
    assert rig.when(source) == [0, 0.5]
    await clock.advance(1.1)
    assert rig.when(source) == [0, 0.5, 1.5, 1.5, 1.5]
    assert all(one.result().verified for one in lookups[1:])


async def test_who_waits_for_one_who_tries_asks_the_next_at_once(clock: FakeClock) -> None:
    second = FakeSource(clock, "second", delay=NEVER)
    rig, source = await tried_after_a_pause(clock, second)
    second.asked.clear()
    source.delay, second.delay = NEVER, 1
    tries, lookup = rig.begin(torrent("other")), rig.begin()
    await settle()
    assert (rig.when(source), rig.when(second)) == ([0], [0])
    assert rig.told.steps[-1] == Step("asking_others", {"sources": "second", "waiting": "source"})
    await clock.advance(1)
    assert lookup.result() is TRUE
    assert source.running == {torrent("other")}
    tries.cancel()
    await asyncio.wait([tries])


async def test_where_all_are_down_it_fails_at_once_and_is_asked_again_after_the_pause(clock: FakeClock) -> None:
    down = FakeSource(clock, "down", ResolverDown(reason="refused"), delay=0)
    rig = Rig(clock, [down])
    failures = [await rig.answer(0) for _ in range(5)]
    assert all(isinstance(one, ResolverDown) for one in failures)
    assert len(down.asked) == 3
    down.answer = TRUE
    await clock.advance(10)
    assert await rig.answer(0) is TRUE


async def test_who_stands_in_line_at_one_that_goes_down_meanwhile_is_not_asked_in_vain(clock: FakeClock) -> None:
    down = FakeSource(clock, "down", ResolverDown(), delay=1)
    rig = Rig(clock, [down], most=1)
    lookups = [rig.begin(torrent(str(one))) for one in range(10)]
    await clock.advance(10)
    assert len(down.asked) == 3
    assert all(isinstance(one.exception(), ResolverDown) for one in lookups)


async def test_why_one_cannot_be_asked_is_logged_when_that_begins_and_when_it_is_left_alone(clock: FakeClock) -> None:
    down = FakeSource(clock, "down", ResolverDown(reason="refused"), delay=0)
    rig = Rig(clock, [down])
    with capture_logs() as logged:
        for _ in range(1000):
            await rig.answer(0)
        await clock.advance(10)
        await rig.answer(0)
    told = [(one["event"], one["log_level"], one["source"], one["reason"]) for one in logged]
    refused = ("warning", "down", "refused")
    assert told == [("resolver.trouble", *refused), ("resolver.down", *refused), ("resolver.down", *refused)]
    assert [one.get("seconds") for one in logged] == [None, 10, 20]


async def test_why_one_fails_is_logged_and_told_to_whoever_wants_to_hear_it_and_logged_again_when_that_changes(
    clock: FakeClock,
) -> None:
    source, heard = FakeSource(clock, "source", delay=0), list[tuple[str, str]]()
    rig = Rig(clock, [source])
    one = Source(source, breaker=Breaker(clock), most=9, troubled=lambda *what: heard.append(what))
    rig.chain = Chain([one], clock=clock)
    failed, unusable = SourceFailed(source="source", reason="exit code 3"), NotFound(reason="output_unusable")
    with capture_logs() as logged:
        for source.answer in (failed, failed, *WELL, NotFound(), NotFound(reason="no_file"), failed, unusable):
            await rig.answer(0)
    assert logged == [
        {"event": "resolver.trouble", "log_level": "warning", "source": "source", "reason": why}
        for why in ("exit code 3", "output_unusable")
    ]
    assert heard == [*[("source", "exit code 3")] * 3, ("source", "output_unusable")]


@pytest.mark.parametrize("trouble", [SourceFailed(source="source", reason="broken"), ResolverDown(reason="broken")])
async def test_what_begins_again_after_a_name_is_logged_again(clock: FakeClock, trouble: CalibotError) -> None:
    source = FakeSource(clock, "source", delay=0)
    rig = Rig(clock, [source])
    with capture_logs() as logged:
        for source.answer in (trouble, trouble, TRUE, trouble):
            await rig.answer(0)
    assert [(one["event"], one["reason"]) for one in logged] == [("resolver.trouble", "broken")] * 2


async def test_why_one_cannot_be_asked_is_told_to_whoever_wants_to_hear_it(clock: FakeClock) -> None:
    down = FakeSource(clock, "down", ResolverDown(reason="refused"), delay=0)
    heard: list[tuple[str, str]] = []
    rig = Rig(clock, [down])
    rig.chain = Chain(
        [Source(down, breaker=Breaker(clock), most=9, troubled=lambda *what: heard.append(what))], clock=clock
    )
    for _ in range(5):
        await rig.answer(0)
    assert heard == [("down", "refused")] * 3, "not while it is left alone"


# Hints and words.


async def test_hints_reach_those_who_are_asked_and_those_who_are_asked_later(clock: FakeClock) -> None:
    first, second = FakeSource(clock, "first", delay=NEVER), FakeSource(clock, "second", delay=NEVER)
    rig = Rig(clock, [first, second])
    early, late = Hints(trackers=("http://a.example/",)), Hints(trackers=("http://b.example/",))
    lookup = rig.begin(hints=early)
    await settle()
    rig.chain.add_hints(X, late)
    rig.chain.add_hints(torrent("y"), late)  # of nobody's
    await clock.advance(6)
    assert first.hints == [early, late]
    assert second.hints == [early.merged(late)]
    lookup.cancel()
    await asyncio.wait([lookup])
    rig.chain.add_hints(X, late)
    assert len(first.hints) == 2


async def test_what_a_source_has_told_is_told_no_more_when_it_has_failed(clock: FakeClock) -> None:
    swarm, client = FakeSource(clock, "swarm", NotFound(), delay=1), FakeSource(clock, "client", delay=NEVER)
    swarm.step = Step("receiving", {"peers": 3})
    rig = Rig(clock, [swarm, client])
    lookup = rig.begin()
    await clock.advance(2)
    assert rig.told.steps[-1] == Step("asking_others", {"sources": "client"})
    lookup.cancel()
    await asyncio.wait([lookup])


async def test_who_stands_in_line_is_told_until_it_has_a_turn(clock: FakeClock) -> None:
    full, swarm = FakeSource(clock, "full", delay=NEVER), FakeSource(clock, "swarm", delay=NEVER)
    swarm.step = Step("asking", {"peers": 0})
    rig = Rig(clock, [full, swarm], most=1)
    holds = rig.begin(torrent("other"))
    await settle()
    rig.told.steps.clear()
    lookup = rig.begin()
    await settle()
    assert rig.told.steps[-1] == Step("asking", {"peers": 0, "waiting": "full"})
    holds.cancel()
    await settle()
    assert rig.told.steps[-1] == Step("asking", {"peers": 0, "beside": "full"})
    lookup.cancel()
    await asyncio.wait([lookup, holds])


@pytest.mark.parametrize(
    ("ended", "broken"), [(NotFound(reason="no_file"), {}), (SourceFailed(source="first"), {"broken": "first"})]
)
async def test_who_stands_in_line_where_all_before_have_ended_is_told(
    clock: FakeClock, ended: CalibotError, broken: dict[str, str]
) -> None:
    rig = Rig(clock, [FakeSource(clock, "first", ended), FakeSource(clock, "full", delay=NEVER)], most=1)
    holds = asyncio.create_task(Chain([rig.sources[1]], clock=clock).resolve(torrent("other"), Hints(), Told()))
    await settle()
    lookup = rig.begin()
    await clock.advance(2)
    assert rig.told.steps[-1] == Step(ASKED, {"waiting": "full", **broken})
    holds.cancel()
    await settle()
    assert rig.told.steps[-1] == Step(ASKED, {"sources": "full", **broken})
    lookup.cancel()
    await asyncio.wait([lookup, holds])


async def test_whose_earlier_lookup_of_the_torrent_still_ends_is_named_where_all_before_have_failed(
    clock: FakeClock,
) -> None:
    failed, client = FakeSource(clock, "failed", SourceFailed(source="failed")), FakeSource(clock, "client")
    client.delay, client.lingers = NEVER, 20
    rig = Rig(clock, [failed, client])
    first = rig.begin()
    await clock.advance(2)
    first.cancel()
    await settle()
    rig.told.steps.clear()
    lookup = rig.begin()
    await clock.advance(2)
    assert rig.told.steps[-1] == Step(ASKED, {"sources": "client", "broken": "failed"})
    lookup.cancel()
    await clock.advance(20)
    await asyncio.wait([lookup, first])


@pytest.mark.parametrize(("code", "word"), [(IN_LINE, "waiting"), (DOWN, "down")])
async def test_what_a_source_has_told_is_told_no_more_while_it_has_a_line_of_its_own_or_is_down(
    clock: FakeClock, code: str, word: str
) -> None:
    client, other = FakeSource(clock, "client", delay=NEVER), FakeSource(clock, "other", delay=NEVER)
    client.step = Step("asking", {"trackers": 1})
    rig = Rig(clock, [client, other])
    lookup = rig.begin()
    await settle()
    client.progress.report(Step(code))
    assert rig.told.steps[-1] == Step("asking_others", {word: "client"})
    await clock.advance(6)
    assert rig.told.steps[-1] == Step("asking_others", {"sources": "other", word: "client"})
    for step, told in (
        (Step(ASKED), Step("asking_others", {"sources": "client,other"})),
        (Step("asking", {"trackers": 1}), Step("asking", {"trackers": 1, "beside": "other"})),
    ):
        client.progress.report(Step(code))
        client.progress.report(step)
        assert rig.told.steps[-1] == told
    lookup.cancel()
    await asyncio.wait([lookup])


async def test_sources_with_one_label_are_one_to_people_and_each_has_its_own_breaker(clock: FakeClock) -> None:
    down, silent, full = (FakeSource(clock, "http", delay=NEVER) for _ in range(3))
    down.answer, down.delay = ResolverDown(), 0
    rig = Rig(clock, [down, silent, full])
    rig.sources[2] = Source(full, breaker=Breaker(clock), most=1)
    rig.chain = Chain(rig.sources, clock=clock, hedge_after=6)
    for _ in range(3):
        assert await rig.answer(1) is None
    holds = rig.begin(torrent("other"))
    await clock.advance(6)
    assert [len(one.running) for one in (silent, full)] == [1, 1]
    lookup = rig.begin()
    await clock.advance(6)
    assert rig.told.steps[-1] == Step("asking_others", {"sources": "http"})
    assert (len(down.asked), full.running) == (3, {torrent("other")})
    for one in (lookup, holds):
        one.cancel()
    await asyncio.wait([lookup, holds])


async def test_it_has_started_with_the_first_source_and_tells_what_all_of_them_have_seen(clock: FakeClock) -> None:
    swarm, client = FakeSource(clock, "swarm", delay=NEVER), FakeSource(clock, "client", delay=NEVER)
    swarm.step = Step("asking", {"trackers": 3, "peers": 0, "dht": 1})
    client.step = Step("connecting", {"trackers": 1, "peers": 2})
    rig = Rig(clock, [swarm, client, FakeSource(clock, "third", delay=NEVER)])
    lookup = rig.begin()
    await settle()
    assert rig.told.starts == 1
    assert rig.told.steps == [Step("asking_others", {"sources": "swarm"}), swarm.step]
    await clock.advance(6)
    assert rig.told.steps[-1] == Step("connecting", {"trackers": 3, "peers": 2, "dht": 1})
    await clock.advance(6)
    assert rig.told.steps[-1] == Step("connecting", {"trackers": 3, "peers": 2, "dht": 1, "beside": "third"})
    lookup.cancel()
    await asyncio.wait([lookup])

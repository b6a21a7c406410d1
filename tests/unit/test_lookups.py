"""Which items wait for which lookup: by example, and against a naive model."""

import asyncio
from collections import Counter

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from services.calibration.lookups import Lookup, Lookups, Wait
from services.calibration.task import Item, State
from services.torrents import Hints, InfoHash, NotebookId, PersonId, Step, TaskId, TorrentId
from tests.fake_clock import FakeClock
from tests.unit.conftest import Run
from tests.unit.fakes import FakeEngine, hashes, torrent

ALICE = PersonId("tg:1")
HERE = NotebookId(1)


def item(task: str, word: str, *, attempt: int = 1, hints: Hints | None = None, state: State = State.PENDING) -> Item:
    return Item(
        task_id=TaskId(task),
        position=0,
        torrent=torrent(word),
        hints=hints or Hints(),
        attempt=attempt,
        state=state,
    )


def joined(lookups: Lookups, one: Item) -> tuple[Lookup, Wait]:
    lookup, wait = lookups.join(one, HERE, now=0.0)
    assert lookup is not None
    assert wait is not None
    return lookup, wait


def begun(lookups: Lookups) -> list[Lookup]:
    """Start what may start, as the runner does."""
    begun = list(lookups.startable())
    for lookup in begun:
        lookup.leave = Counter[str]().clear
    return begun


def test_items_of_one_torrent_wait_for_one_lookup_with_the_hints_of_all() -> None:
    lookups = Lookups(1)
    a, b = Hints(trackers=("http://a/",)), Hints(trackers=("http://b/",))
    first, _ = joined(lookups, item("t1", "x", hints=a))
    assert begun(lookups) == [first]
    second, _ = joined(lookups, item("t2", "x", hints=b))
    assert second is first
    assert first.hints == a.merged(b)
    assert begun(lookups) == []


def test_an_item_that_waits_already_brings_its_hints_and_no_second_wait() -> None:
    lookups = Lookups(1)
    lookup, wait = joined(lookups, item("t", "x"))
    more = Hints(trackers=("http://late/",))
    assert lookups.join(item("t", "x", hints=more), HERE, now=0.0) == (lookup, None)
    assert lookup.hints == more
    assert list(lookup.waits.values()) == [wait]


def test_only_equal_pairs_of_hashes_share_a_lookup() -> None:
    lookups = Lookups(10)
    v1, v2 = InfoHash("1" * 40), InfoHash("2" * 64)
    pairs = [TorrentId(v1), TorrentId(v1, v2), TorrentId(v2=v2)]
    items = [Item(task_id=TaskId("t"), position=n, torrent=pair, hints=Hints()) for n, pair in enumerate(pairs)]
    assert len({id(joined(lookups, one)[0]) for one in items}) == 3


def test_lookups_begin_in_the_order_of_their_first_item_and_at_most_as_many_as_there_are_slots() -> None:
    lookups = Lookups(2)
    a, b, c = (joined(lookups, item(word, word))[0] for word in "abc")
    joined(lookups, item("late", "a"))
    assert begun(lookups) == [a, b]
    lookups.finished(b)
    assert begun(lookups) == [c]


def test_a_lookup_in_line_that_everybody_left_never_begins() -> None:
    lookups = Lookups(1)
    joined(lookups, item("t1", "x"))
    joined(lookups, item("t2", "x"))
    lookups.left([(TaskId("t1"), 0)])
    lookups.left([(TaskId("t2"), 0)])
    assert begun(lookups) == []


def test_a_lookup_under_way_is_left_once_when_its_last_item_leaves() -> None:
    lookups = Lookups(1)
    lookup, _ = joined(lookups, item("t1", "x"))
    joined(lookups, item("t2", "x"))
    begun(lookups)
    left: list[str] = []
    lookup.leave = lambda: left.append("left")
    lookups.left([(TaskId("t1"), 0)])
    assert not left
    lookups.left([(TaskId("t2"), 0), (TaskId("t2"), 0), (TaskId("unknown"), 7)])
    assert left == ["left"]
    assert lookup.ending


def test_a_lookup_that_is_left_before_it_can_be_is_known_to_be_ending() -> None:
    lookups = Lookups(1)
    joined(lookups, item("t", "x"))
    (lookup,) = lookups.startable()
    lookups.left([(TaskId("t"), 0)])
    assert lookup.ending


def test_an_ending_lookup_is_not_joined_and_keeps_its_slot_and_its_torrent_until_it_is_gone() -> None:
    lookups = Lookups(2)
    old, _ = joined(lookups, item("t1", "x"))
    begun(lookups)
    lookups.left([(TaskId("t1"), 0)])
    new, _ = joined(lookups, item("t2", "x"))
    also, _ = joined(lookups, item("t3", "x"))
    assert new is also is not old
    assert begun(lookups) == []
    other, _ = joined(lookups, item("t4", "y"))
    assert begun(lookups) == [other], "it holds up nobody else's torrent"
    lookups.finished(old)
    assert begun(lookups) == [new]


def test_a_finished_lookup_forgets_those_who_still_waited() -> None:
    lookups = Lookups(1)
    lookup, wait = joined(lookups, item("t", "x"))
    begun(lookups)
    lookups.finished(lookup)
    assert lookups.waits_for(wait) is None
    assert not lookups.waiting(TaskId("t"))
    assert not lookups.under_way()
    again, _ = joined(lookups, item("t", "x"))
    assert again is not lookup


def test_an_earlier_try_of_an_item_does_not_wait_any_more_when_the_next_does() -> None:
    lookups = Lookups(1)
    _, first = joined(lookups, item("t", "x"))
    lookups.left([(TaskId("t"), 0)])
    lookup, second = joined(lookups, item("t", "x", attempt=2))
    assert lookups.waits_for(first) is None
    assert lookups.waits_for(second) is lookup


def test_a_next_try_that_comes_before_the_leaving_of_the_last_takes_its_place() -> None:
    lookups = Lookups(1)
    old, first = joined(lookups, item("t", "x"))
    begun(lookups)
    new, second = joined(lookups, item("t", "x", attempt=2))
    assert new is not old
    assert old.ending
    assert lookups.waits_for(first) is None
    assert second.attempt == 2
    assert lookups.join(item("t", "x", attempt=1), HERE, now=0.0) == (new, None), "old news change nothing"
    lookups.finished(old)
    assert begun(lookups) == [new]


@pytest.mark.parametrize("state", [State.RUNNING, State.COMPLETED, State.FAILED, State.CANCELLED])
def test_an_item_that_is_not_pending_and_waits_for_nothing_gets_no_lookup(state: State) -> None:
    lookups = Lookups(1)
    assert lookups.join(item("t", "x", state=state), HERE, now=0.0) == (None, None)
    assert begun(lookups) == []


class Model(RuleBasedStateMachine):
    """Two slots, three torrents, tasks of three items; what is under way is chosen to end in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.lookups = Lookups(2)
        self.waiting: dict[tuple[TaskId, int], tuple[TorrentId, Wait, Lookup]] = {}
        self.running: list[Lookup] = []
        self.left: Counter[Lookup] = Counter()
        self.attempt = 1

    @rule(task=st.sampled_from("abc"), position=st.integers(0, 2), again=st.booleans())
    def join(self, task: str, position: int, again: bool) -> None:
        self.attempt += again
        key = (TaskId(task), position)
        one = Item(
            task_id=key[0],
            position=position,
            torrent=torrent(str(position)),
            hints=Hints(trackers=(f"http://{task}/",)),
            attempt=self.attempt,
        )
        lookup, wait = self.lookups.join(one, HERE, now=0.0)
        assert lookup is not None
        assert lookup.torrent == one.torrent
        assert set(one.hints.trackers) <= set(lookup.hints.trackers)
        assert not lookup.ending
        known = self.waiting.get(key)
        if known is not None and known[1].attempt == self.attempt:
            assert wait is None
            assert lookup is known[2]
        else:
            assert wait is not None
            self.waiting[key] = (one.torrent, wait, lookup)

    @rule()
    def begin(self) -> None:
        for lookup in self.lookups.startable():
            assert lookup.waits, "nobody would hear of it"
            lookup.leave = lambda one=lookup: self.left.update([one])
            self.running.append(lookup)
        in_line = {lookup.torrent for _, _, lookup in self.waiting.values() if lookup not in self.running}
        busy = {lookup.torrent for lookup in self.running}
        assert len(self.running) == 2 or in_line <= busy, "no slot stays empty while somebody could have it"

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        keys = data.draw(st.sets(st.sampled_from(sorted(self.waiting)), min_size=1))
        self.lookups.left(keys)
        for key in keys:
            del self.waiting[key]

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def finish(self, data: st.DataObject) -> None:
        lookup = data.draw(st.sampled_from(self.running))
        lookup.ending = True
        self.lookups.finished(lookup)
        self.running.remove(lookup)
        self.waiting = {key: one for key, one in self.waiting.items() if one[2] is not lookup}

    @invariant()
    def at_most_two_are_under_way_and_one_of_a_torrent(self) -> None:
        assert list(self.lookups.under_way()) == self.running
        assert len(self.running) <= 2
        assert len({lookup.torrent for lookup in self.running}) == len(self.running)

    @invariant()
    def every_wait_is_in_exactly_one_lookup_and_in_that_one(self) -> None:
        for key, (_, wait, lookup) in self.waiting.items():
            assert self.lookups.waits_for(wait) is lookup
            assert lookup.waits[key] is wait
            assert not lookup.ending
        lookups = {lookup for _, _, lookup in self.waiting.values()} | set(self.running)
        assert Counter(key for one in lookups for key in one.waits) == Counter(list(self.waiting))

    @invariant()
    def a_task_knows_its_waits(self) -> None:
        for task in "abc":
            keys = [(TaskId(task), position) for position in range(3)]
            assert [self.lookups.has_item(key) for key in keys] == [key in self.waiting for key in keys]
            assert self.lookups.waiting(TaskId(task)) == sum(key in self.waiting for key in keys)

    @invariant()
    def a_lookup_is_left_once_and_only_when_nobody_waits_for_it(self) -> None:
        for lookup in self.running:
            assert lookup.ending is (not lookup.waits)
            assert self.left[lookup] == int(lookup.ending)


test_no_order_of_joining_leaving_beginning_and_ending_breaks_the_lookups = Model.TestCase


async def test_a_retry_on_the_heels_of_a_cancel_is_looked_up_and_ends(
    run: Run, engine: FakeEngine, clock: FakeClock, notebook: NotebookId
) -> None:
    """Both may be committed before anybody in memory hears of the first."""
    async with run(timeout=60) as manager:
        task_id = await manager.submit_task(request=hashes("x"), notebook=notebook, asked_by=ALICE, cause="command")
        await clock.advance(1)
        engine.evidence = Step("asking", {"trackers": 1, "trackers_answered": 1})
        await asyncio.gather(
            manager.cancel_task(task_id, notebook=notebook, asked_by=ALICE),
            manager.retry_task(task_id, notebook=notebook, asked_by=ALICE),
        )
        await clock.advance(61)
        snapshot = await manager.get_task_status(task_id)
        assert snapshot is not None
        assert (snapshot.task.state, snapshot.task.attempt) == (State.FAILED, 2)
        assert engine.calls[torrent("x")] == 2

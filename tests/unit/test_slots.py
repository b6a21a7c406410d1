import math
import random

import pytest

from handlers.slots import Bucket, Limits, Rank, Rate, Slots, Window

LIMITS = Limits()
RATES = {"private": LIMITS.private, "group": LIMITS.group, "overall": LIMITS.overall}


def go(slots: Slots, start: float, seconds: float, ranks: list[Rank]) -> list[float]:
    """Return the moments at which an endless queue of *ranks*, in turn, goes."""
    now, moments = start, list[float]()
    while True:
        rank = ranks[len(moments) % len(ranks)]
        now += max(0.0, slots.wait(now, rank))
        if now > start + seconds:
            return moments
        if slots.wait(now, rank) < 1e-6:
            slots.take(now)
            moments.append(now)


@pytest.mark.parametrize(("rate", "burst", "gap"), [(LIMITS.private, 4, 1.05), (LIMITS.group, 3, 3.4)])
def test_a_burst_goes_at_once_and_then_one_each_gap(rate: Rate, burst: int, gap: float) -> None:
    moments = go(Slots(rate), 1000.0, 15, [Rank.ANSWER])
    assert moments[:burst] == [1000.0] * burst
    assert moments[burst] == pytest.approx(1000 + gap)
    assert moments[burst + 1] == pytest.approx(1000 + 2 * gap)


@pytest.mark.parametrize("rank", Rank)
@pytest.mark.parametrize("name", RATES)
def test_never_more_than_the_window_allows_in_any_window(name: str, rank: Rank) -> None:
    rate = RATES[name]
    window = rate.window or Window(math.floor(60 / 1.05) + 5, 60)
    moments = go(Slots(rate), 0.0, 300, [rank])
    most = window.most - window.kept[rank]
    for index, moment in enumerate(moments[most:]):
        assert moment - moments[index] > window.span - 1e-6


def test_a_group_gets_nearly_all_the_slots_that_it_is_allowed() -> None:
    moments = go(Slots(LIMITS.group), 0.0, 610, [Rank.ANSWER])
    assert len(moments) >= 10 * 18


def test_progress_leaves_one_slot_of_the_burst_to_better_ranks() -> None:
    slots = Slots(LIMITS.private)
    for _ in range(3):
        assert slots.wait(0.0, Rank.PROGRESS) == 0
        slots.take(0.0)
    assert slots.wait(0.0, Rank.PROGRESS) == pytest.approx(1.05)
    assert slots.wait(0.0, Rank.END) == 0
    assert slots.wait(0.0, Rank.ANSWER) == 0


def test_progress_in_a_group_takes_twelve_slots_and_an_end_still_goes() -> None:
    slots = Slots(Rate(window=LIMITS.group.window))
    for _ in range(12):
        assert slots.wait(0.0, Rank.PROGRESS) == 0
        slots.take(0.0)
    assert slots.wait(0.0, Rank.PROGRESS) == pytest.approx(61)
    assert slots.wait(0.0, Rank.END) == 0


def test_progress_is_not_slower_for_the_slot_that_it_leaves() -> None:
    assert len(go(Slots(LIMITS.private), 0.0, 105, [Rank.PROGRESS])) >= 100


def test_a_slow_request_counts_at_the_moment_of_its_answer() -> None:
    slots = Slots(LIMITS.private)
    slots.take(10.0)  # it was sent at 0, and Telegram may have seen it at any time since
    for _ in range(3):
        assert slots.wait(10.0, Rank.ANSWER) == 0
        slots.take(10.0)
    assert slots.wait(10.0, Rank.ANSWER) == pytest.approx(1.05)


def test_requests_under_way_have_their_place_in_the_window() -> None:
    slots = Slots(Rate(window=Window(3, 1.0, kept=(0, 1, 2, 2))))
    assert slots.wait(0.0, Rank.ANSWER, under_way=2) == 0
    assert slots.wait(0.0, Rank.END, under_way=2) == math.inf
    assert slots.wait(0.0, Rank.ANSWER, under_way=3) == math.inf
    slots.take(0.0)
    assert slots.wait(0.5, Rank.ANSWER, under_way=2) == pytest.approx(0.5)


def test_a_hold_lets_nothing_go_before_it_ends_and_no_burst_after() -> None:
    slots = Slots(LIMITS.private)
    slots.hold(20.0)
    assert slots.wait(5.0, Rank.ANSWER) == pytest.approx(15)
    moments = go(slots, 5.0, 18, [Rank.ANSWER])
    assert moments == pytest.approx([20.0, 21.05, 22.1])


def test_an_earlier_hold_does_not_shorten_a_later_one() -> None:
    slots = Slots(LIMITS.group)
    slots.hold(50.0)
    slots.hold(20.0)
    assert slots.wait(0.0, Rank.ANSWER) == pytest.approx(50)


def test_slots_are_as_good_as_new_when_they_say_so() -> None:
    slots = Slots(LIMITS.group)
    assert slots.quiet_in(0.0) == 0
    go(slots, 0.0, 30, [Rank.ANSWER])
    now = 30 + slots.quiet_in(30.0)
    assert slots.quiet_in(now) < 1e-6
    assert go(slots, now, 20, [Rank.ANSWER]) == pytest.approx(go(Slots(LIMITS.group), now, 20, [Rank.ANSWER]))


def test_a_better_rank_never_waits_longer() -> None:
    draw = random.Random(7)
    for rate in RATES.values():
        slots, now = Slots(rate), 0.0
        for _ in range(500):
            now += draw.random() * draw.choice([0.01, 1, 5])
            under_way = draw.randrange(4)
            waits = [slots.wait(now, rank, under_way=under_way) for rank in Rank]
            assert waits == sorted(waits)
            if waits[draw.randrange(3)] == 0:
                slots.take(now)


def test_a_bucket_alone_and_a_window_alone_are_rates() -> None:
    assert len(go(Slots(Rate(Bucket(1, 1.0))), 0.0, 9.5, [Rank.ANSWER])) == 10
    assert len(go(Slots(Rate(window=Window(5, 10.0))), 0.0, 9.5, [Rank.ANSWER])) == 5

"""The sandbox's flood limits, on a clock moved by hand."""

from sandbox.botapi.flood import FloodControl, Limits


class _Time:
    def __init__(self) -> None:
        self.now = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


def _waits(flood: FloodControl, times: int, chat_id: int = 1, *, group: bool = False) -> list[int]:
    return [flood.admit(chat_id, group=group) for _ in range(times)]


def test_five_go_at_once_and_then_one_a_second() -> None:
    time = _Time()
    flood = FloodControl(Limits(), time)
    assert _waits(flood, 6) == [0, 0, 0, 0, 0, 1]
    time.now += 1
    assert _waits(flood, 2) == [0, 1]


def test_the_allowance_comes_back_up_to_the_burst() -> None:
    time = _Time()
    flood = FloodControl(Limits(), time)
    _waits(flood, 5)
    time.now += 1000
    assert _waits(flood, 6) == [0, 0, 0, 0, 0, 1]


def test_a_refused_one_costs_nothing() -> None:
    time = _Time()
    flood = FloodControl(Limits(), time)
    assert _waits(flood, 50)[-1] == 1
    time.now += 1
    assert _waits(flood, 1) == [0]


def test_chats_do_not_hold_each_other() -> None:
    flood = FloodControl(Limits(), _Time())
    assert _waits(flood, 6)[-1] == 1
    assert _waits(flood, 1, chat_id=2) == [0]


def test_a_group_takes_twenty_in_any_minute() -> None:
    time = _Time()
    flood = FloodControl(Limits(), time)
    for _ in range(20):
        assert _waits(flood, 1, -1, group=True) == [0]
        time.now += 2
    assert _waits(flood, 1, -1, group=True) == [20], "the first was 40 s ago"
    time.now += 20
    assert _waits(flood, 2, -1, group=True) == [0, 2]


def test_a_private_chat_has_no_limit_by_the_minute() -> None:
    time = _Time()
    flood = FloodControl(Limits(), time)
    for _ in range(50):
        assert _waits(flood, 1) == [0]
        time.now += 1


def test_all_chats_together_take_thirty_in_any_second() -> None:
    time = _Time()
    flood = FloodControl(Limits(), time)
    assert [flood.admit(chat_id, group=False) for chat_id in range(31)] == [0] * 30 + [1]
    time.now += 0.5
    assert flood.admit(31, group=False) == 1
    time.now += 0.5
    assert flood.admit(31, group=False) == 0


def test_waiting_as_long_as_told_is_always_enough() -> None:
    time = _Time()
    flood = FloodControl(Limits(), time)
    for step in range(300):
        time.now += (step % 7) / 10
        wait = flood.admit(-1, group=True)
        time.now += wait
        assert not wait or flood.admit(-1, group=True) == 0


def test_without_limits_nothing_waits() -> None:
    assert _waits(FloodControl(Limits.none(), _Time()), 100, -1, group=True) == [0] * 100

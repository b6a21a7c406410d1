"""The state machine: which arrows there are, how a task ends, what a time-out means."""

import itertools

import pytest

from services.calibration.task import HashRequest, IllegalMove, Item, State, Task, end_of, verdict
from services.torrents import Hints, InfoHash, NotebookId, PersonId, Step, TaskId, TorrentId

P, R, C, F, X = State.PENDING, State.RUNNING, State.COMPLETED, State.FAILED, State.CANCELLED
PAIRS = list(itertools.product(State, State))
ITEM_ARROWS = {(P, R), (P, X), (R, C), (R, F), (R, X), (R, P), (F, P), (X, P)}
TASK_ARROWS = ITEM_ARROWS | {(C, P)}


def task(state: State) -> Task:
    return Task(
        id=TaskId("t"),
        notebook=NotebookId(1),
        asked_by=PersonId("tg:1"),
        cause="command",
        request=HashRequest(()),
        created_at=1.0,
        state=state,
    )


def item(state: State) -> Item:
    return Item(task_id=TaskId("t"), position=0, torrent=TorrentId(InfoHash("a" * 40)), hints=Hints(), state=state)


@pytest.mark.parametrize(("state", "to"), PAIRS)
def test_an_item_moves_along_its_arrows_and_no_others(state: State, to: State) -> None:
    one = item(state)
    if (state, to) in ITEM_ARROWS:
        moved = one.to(to, ended_at=5.0)
        assert (moved.state, moved.ended_at) == (to, 5.0)
    else:
        with pytest.raises(IllegalMove, match=f"{state}.*{to}"):
            one.to(to)
    assert one == item(state), "it is replaced, not changed"


@pytest.mark.parametrize(("state", "to"), PAIRS)
def test_a_task_moves_along_its_arrows_and_no_others(state: State, to: State) -> None:
    one = task(state)
    if (state, to) in TASK_ARROWS:
        moved = one.to(to, attempt=2)
        assert (moved.state, moved.attempt) == (to, 2)
    else:
        with pytest.raises(IllegalMove, match=f"{state}.*{to}"):
            one.to(to)
    assert one == task(state), "it is replaced, not changed"


@pytest.mark.parametrize("state", State)
def test_three_states_are_ends(state: State) -> None:
    assert state.ended is (state in {C, F, X})


@pytest.mark.parametrize("states", [set(some) for size in range(1, 6) for some in itertools.combinations(State, size)])
def test_a_task_ends_with_its_last_item_by_the_best_that_one_of_them_reached(states: set[State]) -> None:
    counts = {state: int(state in states) for state in State}
    best = next((state for state in (C, F, X) if state in states), None)
    expected = None if states & {P, R} else best
    assert end_of(counts) is expected
    assert end_of(dict.fromkeys(states, 3)) is expected, "states that no item is in may be left out"


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"trackers": 2, "trackers_answered": 2, "dht": 1, "dht_nodes": 9, "peers": 4}, Step("slow", {"peers": 4})),
        ({"trackers": 2, "trackers_answered": 0, "dht": 0, "dht_nodes": 0, "peers": 1}, Step("slow", {"peers": 1})),
        ({"trackers": 2, "peers": 2, "ever_connected": 1}, Step("slow", {"peers": 2, "met": 1})),
        (
            {"trackers": 2, "peers": 2, "ever_connected": 1, "gone_for": 30},
            Step("slow", {"peers": 2, "met": 1, "gone_for": 30}),
        ),
        ({"trackers": 2, "peers": 2, "ever_connected": 1, "gone_for": 0}, Step("slow", {"peers": 2, "met": 1})),
        (
            # of two sources one has lost its peers, and another is connected
            {"trackers": 2, "peers": 2, "connected": 1, "ever_connected": 1, "gone_for": 30},
            Step("slow", {"peers": 2, "met": 1}),
        ),
        ({"trackers": 2, "trackers_answered": 1, "peers": 0, "seeds": 3}, Step("slow", {"peers": 3})),
        (
            {"trackers": 2, "trackers_answered": 1, "dht": 1, "dht_nodes": 0, "peers": 0},
            Step("dead", {"trackers": 1, "nodes": 0}),
        ),
        (
            {"trackers": 2, "trackers_answered": 0, "dht": 1, "dht_nodes": 9, "peers": 0},
            Step("dead", {"trackers": 0, "nodes": 9}),
        ),
        (
            {"trackers": 2, "trackers_answered": 0, "dht": 1, "dht_nodes": 0, "peers": 0},
            Step("cut_off", {"trackers": 2, "dht": 1}),
        ),
        ({"trackers": 1}, Step("cut_off", {"trackers": 1, "dht": 0})),
    ],
)
def test_a_time_out_is_judged_by_the_evidence(parameters: dict[str, int], expected: Step) -> None:
    for code in ("asking", "connecting", "receiving"):
        assert verdict(Step(code, parameters)) == expected


@pytest.mark.parametrize(
    "seen",
    [
        {"sources": "files"},
        {"sources": "files", "waiting": "qbittorrent"},
        {"trackers": 1, "peers": 2},
        {"trackers": 1, "trackers_answered": 1},
        {"trackers": 1},
    ],
)
@pytest.mark.parametrize(("reported", "named"), [("down", "unasked"), ("broken", "failed")])
def test_a_time_out_names_who_could_not_be_asked_or_failed_whatever_it_is_judged_to_be(
    seen: dict[str, int | str], reported: str, named: str
) -> None:
    judged = verdict(Step("asking", seen))
    told = verdict(Step("asking", {**seen, reported: "command,http"}))
    assert told == Step(judged.code, {**judged.parameters, named: "command,http"})


@pytest.mark.parametrize("seen", [{}, {"sources": "files"}])
def test_where_a_source_had_no_turn_and_no_swarm_was_seen_that_is_why(seen: dict[str, str]) -> None:
    assert verdict(Step("asking", {**seen, "waiting": "command,http"})) == Step("no_turn", {"sources": "command,http"})


@pytest.mark.parametrize(
    "seen", [{"trackers": 1}, {"trackers": 1, "trackers_answered": 1}, {"trackers": 1, "dht_nodes": 9, "peers": 3}]
)
def test_what_was_seen_of_a_swarm_is_told_with_who_had_no_turn(seen: dict[str, int]) -> None:
    judged = verdict(Step("asking", seen))
    told = verdict(Step("asking", {**seen, "waiting": "command,http"}))
    assert told == Step(judged.code, {**judged.parameters, "turnless": "command,http"})


@pytest.mark.parametrize("evidence", [None, Step("asking")])
def test_without_evidence_a_time_out_is_no_more_than_that(evidence: Step | None) -> None:
    assert verdict(evidence) == Step("timed_out")

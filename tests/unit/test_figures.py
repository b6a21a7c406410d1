"""How the queue and the figures are told."""

import re

import pytest

from handlers.figures import queue_text, stats_text
from handlers.text import LONGEST, units
from services.calibration.task import HashRequest, Item, NoteRequest, Snapshot, State, Task
from services.i18n import ENGLISH
from services.metrics import Figures, Queue, SourceTimes, Waits
from services.torrents import Hints, NotebookId, NoteId, PersonId, TaskId
from tests.unit.fakes import torrent

T = ENGLISH
STATE_WORD = re.compile(r"\b(pending|running|completed|failed|cancelled)\b", re.IGNORECASE)
ONE_HASH = HashRequest(())
HASH = torrent("a").shown.hex[:16]


def snapshot(
    state: State = State.RUNNING,
    request: NoteRequest | HashRequest = ONE_HASH,
    by: str = "tg:4711",
    **counts: int,
) -> Snapshot:
    task = Task(
        id=TaskId("t"), notebook=NotebookId(1), asked_by=PersonId(by), cause="command", request=request,
        created_at=100.0, state=state,
    )  # fmt: skip
    return Snapshot(
        task=task,
        seq=1,
        counts={State(name): many for name, many in (counts or {state: 1}).items()},
        first=Item(task_id=task.id, position=0, torrent=torrent("a"), hints=Hints()),
        outcomes=(),
        progress=None,
    )


def told(*tasks: Snapshot, many: int | None = None, with_people: bool = False) -> str:
    return queue_text(
        T, Queue(tasks=tasks, many=len(tasks) if many is None else many, at=225.0), with_people=with_people
    )


def test_an_empty_queue_says_so() -> None:
    assert told() == "Nothing is being looked up."


def test_a_task_is_one_line() -> None:
    assert told(snapshot()) == f"at work · <code>{HASH}</code>… · asked 2 min 5 s ago"
    waits = snapshot(State.PENDING, NoteRequest((NoteId(12),)), pending=3, completed=4)
    assert told(waits) == f"waits · #12 · <code>{HASH}</code>… and 6 more · 3 of 7 left · asked 2 min 5 s ago"


def test_an_owner_sees_who_asked() -> None:
    assert told(snapshot(), with_people=True).endswith(" ago · by 4711")
    assert "&lt;b&gt;" in told(snapshot(by="<b>\u202e"), with_people=True)


def test_what_is_not_shown_is_counted() -> None:
    assert told(snapshot(), many=21).splitlines()[1:] == ["and 20 more"]


def test_twenty_of_the_longest_lines_fit_into_a_message() -> None:
    notes = NoteRequest(tuple(NoteId(10**18 - 1 - number) for number in range(5000)))
    tasks = [snapshot(State.PENDING, notes, "tg:" + "9" * 16, pending=5000) for _ in range(20)]
    text = told(*tasks, many=10**6, with_people=True)
    assert units(text) <= LONGEST
    assert not STATE_WORD.search(text)


def figures(outcomes: dict[str, int], *by_source: SourceTimes, average: float | None = 0.25) -> Figures:
    waits = Waits(lookups=sum(outcomes.values()), average=average, p95=None if average is None else 75.0)
    return Figures(waiting=3, at_work=2, seconds=30 * 86400.0, waits=waits, by_source=by_source, outcomes=outcomes)


def test_the_figures_are_told_in_plain_words() -> None:
    text = stats_text(
        T, figures({"found": 3, "dead": 1, "cancelled": 2}, SourceTimes(source="swarm", found=3, p50=1.5, p95=12.0))
    )
    assert text == (
        "Now: 2 at work, 3 waiting.\n\n"
        "6 lookups in 30 days\n"
        "Names found: 75 % of those that nobody stopped\n"
        "Wait before its turn: 0.2 s on average, 95 of 100 within 1 min 15 s\n"
        "From the swarm: 3 names; half within 1.5 s, 95 of 100 within 12 s\n\n"
        "How they ended:\n3 - found\n1 - nobody had it\n2 - stopped by those who asked"
    )


def test_without_lookups_there_is_one_line() -> None:
    assert stats_text(T, figures({}, average=None)) == "Now: 2 at work, 3 waiting.\n\nNo lookup in 30 days."


def test_where_all_were_stopped_no_share_is_told() -> None:
    assert "Names found" not in stats_text(T, figures({"cancelled": 2}))


@pytest.mark.parametrize("hostile", ["two\nlines", "x" * 5000, "\u202e"])
def test_an_unknown_code_or_source_stays_in_its_line(hostile: str) -> None:
    text = stats_text(T, figures({hostile: 1}, SourceTimes(source=hostile, found=1, p50=1, p95=1)))
    assert text.count("\n") == 8
    assert units(text) < LONGEST


def test_the_figures_have_no_state_word() -> None:
    failures = ["dead", "slow", "cut_off", "timed_out", "not_found", "resolver_down", "lookup_failed", "internal"]
    codes = ["found", "cancelled", *failures]
    text = stats_text(T, figures(dict.fromkeys(codes, 1)))
    assert not STATE_WORD.search(text)
    assert not any(f"- {code}\n" in text + "\n" for code in codes if code != "found")

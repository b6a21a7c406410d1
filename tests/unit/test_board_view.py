"""What a board shows, judged by the sandbox's parser of Telegram's HTML."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.board_view import END_LINES, LIVE_LINES, MOST_ENDS, View, board_card, ends_message, moved_message
from handlers.buttons import Press
from services.calibration.follower import BoardId
from services.calibration.task import FROM_FILE, NoteRequest, PassedOver, Snapshot, State
from services.i18n import ENGLISH, Translation, sentence
from services.torrents import NoteId, Step
from tests.languages import ALL
from tests.unit.test_cards import HOSTILE, NOW, buttons, found, item, seen, snapshot

in_each_language = pytest.mark.parametrize("t", ALL.values(), ids=ALL)


def noted(state: State, number: int = 12, **changes: object) -> Snapshot:
    return snapshot(item(state, 0, **changes), request=NoteRequest((NoteId(number),)))


def view(*live: Snapshot, ended: tuple[Snapshot, ...] = (), **changes: object) -> View:
    counts: dict[State, int] = {}
    for each in (*live, *ended):
        counts[each.task.state] = counts.get(each.task.state, 0) + 1
    one = View(
        board=BoardId(7),
        counts=counts,
        page=0,
        live=live,
        fresh=(),
        ended=ended,
        asking=False,
        can_retry=any(State.FAILED in each.counts for each in ended),
    )
    return replace(one, **changes)  # type: ignore[arg-type] # fields by name


def text_of(one: View, now: float | None = NOW, t: Translation = ENGLISH) -> str:
    return seen(board_card(one, now, t)[0]).text


def labels(one: View) -> list[list[str]]:
    return [[each.text for each in row] for row in buttons(board_card(one, NOW, ENGLISH)[0])]


def test_a_board_says_how_many_there_are_and_then_a_line_for_each() -> None:
    asking = snapshot(
        item(State.RUNNING), request=NoteRequest((NoteId(4),)), progress=Step("asking", {"trackers": 2, "dht": 1})
    )
    one = view(asking, noted(State.PENDING, 3), ended=(noted(State.COMPLETED, 2), noted(State.FAILED, 1)))
    lines = text_of(one).splitlines()
    dead = "Dead, as it seems: 2 trackers answered, and nobody has this torrent now. "
    dead += "Try again later, or add a tracker to the link."
    assert lines == [
        "running · 4 tasks: 1 found, 1 not, 2 left",
        "running · #4 · 01234567… · asking 2 trackers and the DHT · 1 min 5 s",
        "pending · #3 · 01234567…",
        "",
        "✓ #2 · 01234567… · debian.iso",
        f"✗ #1 · 01234567… · {dead}",
    ]
    assert labels(one) == [["Refresh", "Cancel all", "Retry failed"]]


@pytest.mark.parametrize(
    ("states", "word"),
    [
        ([State.COMPLETED, State.FAILED], "completed"),
        ([State.FAILED, State.CANCELLED], "failed"),
        ([State.CANCELLED], "cancelled"),
    ],
)
def test_a_board_whose_tasks_have_ended_is_a_summary(states: list[State], word: str) -> None:
    one = view(ended=tuple(noted(state) for state in states))
    assert text_of(one).startswith(f"{word} · ")
    assert labels(one) == ([["Retry failed"]] if State.FAILED in states else [])


def test_a_task_of_many_torrents_is_one_line_with_its_counts() -> None:
    live = snapshot(item(State.COMPLETED), item(State.RUNNING, 1), item(State.PENDING, 2))
    ended = snapshot(item(State.COMPLETED), item(State.FAILED, 1))
    lines = text_of(view(live, ended=(ended,))).splitlines()
    assert "1 of 3 found, 0 not, 2 left" in lines[1]
    assert lines[3] == "✓ 01234567… and 1 more · 1 of 2 found, 1 not, 0 left"


def test_time_that_passes_is_no_news() -> None:
    one = view(noted(State.RUNNING), ended=(noted(State.COMPLETED),))
    assert text_of(one) != text_of(one, NOW + 5)
    assert "min" not in text_of(one, None)


def test_more_than_a_page_can_be_turned_to() -> None:
    live = tuple(noted(State.RUNNING, number) for number in range(LIVE_LINES))
    one = view(*live, counts={State.RUNNING: 25})
    assert "+15 more" in text_of(one)
    assert labels(one)[0] == ["Next"]
    assert labels(replace(one, page=1))[0] == ["Previous", "Next"]
    last = replace(one, page=2, live=live[:5])
    assert "more" not in text_of(last)
    assert labels(last)[0] == ["Previous"]
    pressed = [Press.parse(each.value) for each in buttons(board_card(replace(one, page=1), NOW, ENGLISH)[0])[0]]
    assert [(one.board, one.page) for one in pressed if one is not None] == [(7, 0), (7, 2)]


def test_whoever_cancels_all_is_asked_once_and_not_when_nothing_is_left() -> None:
    one = view(noted(State.RUNNING), noted(State.RUNNING), asking=True)
    assert text_of(one).endswith("Cancel all 2 tasks?")
    assert labels(one) == [["Yes, cancel 2", "No"]]
    several = replace(one, shared=True)
    assert text_of(several).endswith("Cancel these? A press cancels one's own tasks; an administrator's cancels all.")
    assert labels(several) == [["Yes, cancel", "No"]]
    assert "Cancel" not in text_of(view(ended=(noted(State.COMPLETED),), asking=True))


def test_ends_of_their_own_message_have_a_line_each() -> None:
    one, other = noted(State.COMPLETED, 1), noted(State.CANCELLED, 2)
    assert seen(ends_message([one], ENGLISH)[0]).text == "✓ #1 · 01234567… · debian.iso"
    assert seen(ends_message([one, other], ENGLISH)[0]).text.splitlines() == [
        "These have ended:",
        "✓ #1 · 01234567… · debian.iso",
        "✗ #2 · 01234567… · cancelled",
    ]


def test_a_message_whose_task_is_on_a_board_says_so_and_has_no_state_and_no_button() -> None:
    message = moved_message(noted(State.RUNNING), ENGLISH)
    assert seen(message).text == "#12 · 01234567… is shown in another message now."
    assert message.keyboard is None


@in_each_language
@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_a_full_board_of_hostile_names_is_one_that_telegram_takes(name: str, t: Translation) -> None:
    many = NoteRequest(tuple(NoteId(10**9 + number) for number in range(5000)))
    ended = snapshot(item(State.COMPLETED, found=found(name)), request=many)
    lost = snapshot(item(State.FAILED, failure=Step("not_found", {"reason": name})), request=many)
    live = snapshot(
        item(State.RUNNING), request=many, progress=Step("connecting", {"peers": 10**9, "ever_connected": 1})
    )
    one = view(
        *([live] * LIVE_LINES), ended=(ended, lost) * (END_LINES // 2), asking=True, page=9999,
        counts={State.RUNNING: 10**6, State.COMPLETED: 10**6, State.FAILED: 10**6},
    )  # fmt: skip
    lines = text_of(one, NOW + 10**7, t).splitlines()
    assert len(lines) == 1 + LIVE_LINES + 1 + 1 + END_LINES + 2
    assert len(buttons(board_card(one, NOW, t)[0])) == 2
    full, told = board_card(replace(one, fresh=(ended, lost) * (MOST_ENDS // 2)), NOW + 10**7, t)
    assert END_LINES <= told < MOST_ENDS
    assert len(seen(full).text.splitlines()) == 1 + LIVE_LINES + 1 + 1 + told + 2
    message, told = ends_message([ended, lost] * (MOST_ENDS // 2), t)
    assert len(seen(message).text.splitlines()) == 1 + told


def test_of_ends_that_nobody_was_told_of_a_board_tells_as_many_as_fit_the_newest_first() -> None:
    before = noted(State.COMPLETED, 1)
    fresh = tuple(noted(State.COMPLETED, number, found=found(f"{number} {'x' * 30}")) for number in range(100, 180))
    message, told = board_card(view(noted(State.RUNNING), ended=(before,), fresh=fresh), NOW, ENGLISH)
    assert END_LINES < told < len(fresh)
    lines = seen(message).text.splitlines()[3:]
    assert [line.split()[1] for line in lines] == [f"#{number}" for number in reversed(range(100, 100 + told))]
    message, told = board_card(view(noted(State.RUNNING), ended=(before,) * 20, fresh=fresh[:2]), NOW, ENGLISH)
    assert told == 2
    assert len(seen(message).text.splitlines()[3:]) == END_LINES


@in_each_language
@pytest.mark.parametrize("more", [{}, {"unasked": "command,http"}])
def test_thirty_that_were_dead_all_stand_on_their_list_and_a_few_with_the_whole_reason(
    more: dict[str, str], t: Translation
) -> None:
    why = Step("dead", {"trackers": 2, "nodes": 0, **more})
    dead = tuple(noted(State.FAILED, number, failure=why) for number in range(30))
    whole = sentence(why.code, why.parameters, t)
    assert text_of(view(ended=dead), t=t).count("✗") == len(dead)
    assert text_of(view(ended=dead[:5]), t=t).count(whole) == 5


def test_a_name_that_was_written_nowhere_is_told_so() -> None:
    gone = noted(State.COMPLETED, 4, passed_over=PassedOver.GONE)
    assert text_of(view(ended=(gone,))).endswith("debian.iso · no note was changed")
    asked_by_hash = snapshot(item(State.COMPLETED, passed_over=PassedOver.GONE))
    assert text_of(view(ended=(asked_by_hash,))).endswith("debian.iso")


def test_a_name_that_claimed_something_else_is_told_with_the_new_one() -> None:
    replaced = noted(State.COMPLETED, 4, was="Inception", corrected=(NoteId(4),))
    assert text_of(view(ended=(replaced,))).endswith("· was: Inception → now: debian.iso")
    chosen_since = noted(State.COMPLETED, 4, was="debian.iso", corrected=(NoteId(4),))
    assert text_of(view(ended=(chosen_since,))).endswith(" · debian.iso")


def test_the_last_word_of_a_board_has_more_names_than_one_beside_live_tasks() -> None:
    ended = (noted(State.COMPLETED),) * MOST_ENDS
    assert len(text_of(view(noted(State.RUNNING), ended=ended)).splitlines()) == 3 + END_LINES
    assert len(text_of(view(ended=ended)).splitlines()) > 4 * END_LINES


@given(names=st.lists(st.text(max_size=400), min_size=END_LINES, max_size=END_LINES))
def test_any_names_fit(names: list[str]) -> None:
    ended = tuple(noted(State.COMPLETED, found=found(name)) for name in names)
    text_of(view(*([noted(State.RUNNING)] * LIVE_LINES), ended=ended, asking=True))


def test_a_list_of_files_that_were_in_no_note_says_once_how_to_keep_them() -> None:
    hint = "What was in no note here is kept by a reply to its file with /save."
    asked = snapshot(item(State.COMPLETED, found=found("a.mkv")))
    sent = replace(asked, task=replace(asked.task, cause=FROM_FILE))
    noted_too = replace(sent, task=replace(sent.task, request=NoteRequest((NoteId(1),))))
    unread = snapshot(item(State.FAILED, 0))
    for ends, times in (((sent, sent, asked), 1), ((asked, noted_too, unread), 0)):
        assert text_of(view(ended=ends)).count(hint) == times
        assert text_of(view(noted(State.RUNNING), fresh=ends)).count(hint) == times
        assert seen(ends_message(ends, ENGLISH)[0]).text.count(hint) == times

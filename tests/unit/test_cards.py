"""What a card shows, judged by the sandbox's parser of Telegram's HTML."""

import re
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.cards import card, failed_card
from handlers.outgoing import Message
from sandbox.botapi.keyboard import Keyboard, keyboard_from
from sandbox.botapi.markup import parse_html
from sandbox.botapi.text import MAX_LENGTH, Formatted, cleaned, utf16_length
from services.calibration.apply import writable
from services.calibration.task import (
    CalibrationRequest,
    Found,
    HashRequest,
    Item,
    Lost,
    NoteRequest,
    OldName,
    PassedOver,
    Snapshot,
    State,
    Task,
    Written,
    end_of,
)
from services.i18n import ENGLISH, Translation, duration
from services.magnets.parse import find_magnets
from services.torrents import Hints, InfoHash, Name, NotebookId, NoteId, PersonId, Step, TaskId, TorrentId
from services.units import size
from tests.languages import ALL, CHINESE

NOW = 1_700_000_000.0
V1, V2 = "0123456789abcdef0123456789abcdef01234567", 64 * "e"
TORRENT = TorrentId(InfoHash(V1))
TASK_ID = TaskId("3f2b8c1e-9d7a-4b6f-8e5d-1c2a3b4c5d6e")
STATE_WORD = re.compile("pending|running|completed|failed|cancelled")
BIDI = set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")

HOSTILE = {
    "tags": "</b><a href='tg://user?id=1'>x</a><script>",
    "ampersands": "&amp;lt;b&gt; & &#0; &lt",
    "overrides": "\u202eexe.iso\u2066\u200f",
    "NUL": "a\0b",
    "newlines": "one\ntwo\r\nthree\u2028four\u2029five\x85six",
    "long": "長" * 500,
    "long astral": "🎬" * 500,
    "surrogates": "a\ud800b\udfffc",
    "emoji": "👩‍👩‍👧‍👦 🏳️‍🌈",
    "a state": "completed",
    "states": "failed cancelled\npending running completed",
    "blank": " \u2067\u202e ",
    "empty": "",
    "braces": "{source} {0} %s {",
}


def found(name: str = "debian.iso", *, verified: bool = True, certain: bool = True, **changes: object) -> Found:
    title = Name(text=name, raw=b"raw", encoding="utf-8" if certain else "gb18030", certain=certain)
    one = Found(torrent=TORRENT, name=title, size=1_400_000_000, file_count=2, source="swarm", verified=verified)
    return replace(one, **changes)  # type: ignore[arg-type] # fields by name


def item(state: State = State.PENDING, position: int = 0, **changes: object) -> Item:
    one = Item(task_id=TASK_ID, position=position, torrent=TORRENT, hints=Hints(), state=state)
    if state is State.COMPLETED and "found" not in changes:
        changes["found"] = found()
    if state is State.FAILED and "failure" not in changes:
        changes["failure"] = Step("dead", {"trackers": 2})
    return replace(one, **changes)  # type: ignore[arg-type] # fields by name


def snapshot(*items: Item, request: CalibrationRequest | None = None, progress: Step | None = None) -> Snapshot:
    """Return the snapshot of a task with these *items*, in the state that they give it, asked for 65 s ago."""
    counts = Counter(one.state for one in items)
    state = end_of(counts) or (State.RUNNING if counts[State.RUNNING] else State.PENDING)
    task = Task(
        id=TASK_ID,
        notebook=NotebookId(1),
        asked_by=PersonId("tg:1"),
        cause="command",
        request=request or HashRequest(tuple((one.torrent, one.hints) for one in items)),
        created_at=NOW - 65,
        state=state,
        started_at=None if state is State.PENDING else NOW - 65,
        completed_at=NOW if state.ended else None,
    )
    outcomes = tuple(one for one in reversed(items) if one.state.ended)[:5]
    return Snapshot(task=task, seq=1, counts=counts, first=items[0], outcomes=outcomes, progress=progress)


def shown(one: Snapshot, state: State | None = None, t: Translation = ENGLISH) -> Message:
    return card(one, state or one.task.state, NOW, t)


def seen(message: Message) -> Formatted:
    """Return what Telegram shows of *message*; it must be one that Telegram takes."""
    formatted = cleaned(parse_html(message.html))
    assert 0 < utf16_length(formatted.text) <= MAX_LENGTH
    return formatted


def text_of(one: Snapshot, state: State | None = None, t: Translation = ENGLISH) -> str:
    return seen(shown(one, state, t)).text


def entities(one: Snapshot, kind: str) -> list[str]:
    """Return the pieces of the card's text that are formatted as *kind*."""
    formatted = seen(shown(one))
    raw = formatted.text.encode("utf-16-le")
    spans = [(2 * entity.offset, 2 * (entity.offset + entity.length)) for entity in formatted.entities]
    kinds = [entity.type for entity in formatted.entities]
    return [raw[start:end].decode("utf-16-le") for (start, end), one in zip(spans, kinds, strict=True) if one == kind]


def buttons(message: Message) -> Keyboard:
    """Return the keyboard, checked as Telegram checks it."""
    return keyboard_from(message.keyboard.to_dict() if message.keyboard else None)


def labels(one: Snapshot) -> list[str]:
    return [button.text for row in buttons(shown(one)) for button in row]


# Each state.


@pytest.mark.parametrize("state", list(State))
def test_the_first_word_of_a_card_is_its_state(state: State) -> None:
    assert text_of(snapshot(item(state))).split(" ")[0] == state


@pytest.mark.parametrize("state", list(State))
def test_a_card_may_be_shown_as_being_in_a_later_state_than_its_task(state: State) -> None:
    assert text_of(snapshot(item(State.PENDING)), state).split(" ")[0] == state


@pytest.mark.parametrize("state", list(State))
def test_a_card_names_its_note_and_at_least_eight_digits_of_the_hash(state: State) -> None:
    text = text_of(snapshot(item(state), request=NoteRequest((NoteId(12),))))
    assert "#12" in text.splitlines()[0]
    assert V1[:8] in text.splitlines()[0]


def test_a_hash_asked_for_by_itself_has_no_note() -> None:
    assert "#" not in text_of(snapshot(item()))


def test_of_a_hybrid_the_v1_hash_is_shown_and_of_a_v2_torrent_its_own() -> None:
    assert V1[:8] in text_of(snapshot(item(torrent=TorrentId(InfoHash(V1), InfoHash(V2)))))
    assert V2[:8] in text_of(snapshot(item(torrent=TorrentId(v2=InfoHash(V2)))))


def test_a_running_card_says_what_is_happening_and_how_long_it_has_lasted() -> None:
    text = text_of(snapshot(item(State.RUNNING), progress=Step("asking", {"trackers": 2, "dht": 1})))
    assert "asking 2 trackers and the DHT" in text
    assert "1 min 5 s" in text


def test_a_pending_card_says_that_it_waits() -> None:
    assert "waiting for its turn" in text_of(snapshot(item()))


def test_a_running_card_shown_for_a_task_that_went_back_does_not_say_that_it_waits() -> None:
    assert "waiting" not in text_of(snapshot(item()), State.RUNNING)


def test_a_found_torrent_shows_name_size_files_that_it_is_verified_and_the_notes_corrected() -> None:
    done = item(State.COMPLETED, corrected=(NoteId(12), NoteId(14)))
    one = snapshot(done, request=NoteRequest((NoteId(12),)))
    text = text_of(replace(one, written=Written(standing=done.corrected)))
    for words in ("debian.iso", "1.4 GB", "2 files", "verified, from the swarm", "#12, #14", "1 min 5 s"):
        assert words in text
    assert "not verified" not in text


@pytest.mark.parametrize(
    ("known", "words"),
    [
        ({}, "stood there already"),
        ({"certain": False}, "Nothing is written before somebody presses it"),
        ({"verified": False}, "Is this its name? Nothing is written before somebody presses it"),
    ],
)
def test_a_note_that_was_not_changed_is_told_why(known: dict[str, bool], words: str) -> None:
    one = item(State.COMPLETED, found=found(**known))  # type: ignore[arg-type] # flags by name
    assert words in text_of(snapshot(one, request=NoteRequest((NoteId(12),))))
    assert words not in text_of(snapshot(one))


@pytest.mark.parametrize(
    ("why", "words"),
    [(PassedOver.GONE, "in none of these notes any more"), (PassedOver.PINNED, "had undone it there")],
)
def test_a_name_that_was_passed_over_is_not_said_to_stand_there(why: PassedOver, words: str) -> None:
    one = item(State.COMPLETED, found=found(), passed_over=why)
    text = text_of(snapshot(one, request=NoteRequest((NoteId(12),))))
    assert words in text
    assert "stood there" not in text


def test_one_file_is_one_file() -> None:
    text = text_of(snapshot(item(State.COMPLETED, found=found(file_count=1))))
    assert "1 file ·" in text


def test_a_claimed_name_says_who_claims_it() -> None:
    text = text_of(snapshot(item(State.COMPLETED, found=found(verified=False, source="a cache"))))
    assert "claimed by a cache, not verified" in text


def test_of_a_claim_that_is_a_name_alone_no_size_is_told() -> None:
    claim = replace(found(verified=False, source="a cache"), size=0, file_count=0)
    assert "\nclaimed by a cache, not verified" in text_of(snapshot(item(State.COMPLETED, found=claim)))


def test_a_guessed_encoding_is_said_to_be_one_and_offers_no_link() -> None:
    one = snapshot(item(State.COMPLETED, found=found("三体", certain=False)))
    assert "三体" in text_of(one)
    assert "guess" in text_of(one)
    assert "gb18030" in text_of(one)
    assert "magnet:" not in text_of(one)


@pytest.mark.parametrize("name", [" ", "\u202e\u200b", "\u2800\u2800", "\u3164"])
def test_a_name_that_nobody_can_see_is_said_to_be_so_and_is_not_written(name: str) -> None:
    one = snapshot(item(State.COMPLETED, found=found(name)))
    assert "nothing that can be seen" in text_of(one)
    assert "magnet:" not in text_of(one)
    assert not writable(found(name))


@pytest.mark.parametrize("total", [1, 2])
def test_readings_of_a_guessed_name_are_buttons_over_all_others_and_fit_whatever_is_in_them(total: int) -> None:
    raw = "謝謝".encode("big5") * 80
    name = Name(text=raw.decode("big5"), raw=raw, encoding="big5hkscs", certain=False)
    items = [item(State.COMPLETED, place, found=replace(found(), name=name)) for place in range(total)]
    message = shown(snapshot(*items, item(State.FAILED, total)) if total > 1 else snapshot(*items))
    assert "Which of these" in seen(message).text
    rows = buttons(message)
    assert all(len(button.text) <= 48 for row in rows for button in row)
    assert rows[0][0].value == f"reading:{TASK_ID}:{total - 1}:big5hkscs"
    assert rows[-1][0].text == ("Retry failed" if total > 1 else rows[-1][0].text)


def test_a_name_that_has_no_plausible_reading_offers_none() -> None:
    name = Name(text="\xff\xfe\x81\x00\x9d", raw=b"\xff\xfe\x81\x00\x9d", encoding="latin-1", certain=False)
    one = snapshot(item(State.COMPLETED, found=replace(found(), name=name)))
    assert labels(one) == []
    assert "Which of these" not in text_of(one)


def test_a_reading_that_cannot_be_written_is_not_offered() -> None:
    for raw in (b"n" * 995 + b"\xe9n\xe9n\xe9n", b"\x1b$B!!\x1b(B"):
        name = Name(text="x", raw=raw, encoding="cp1252", certain=False)
        assert labels(snapshot(item(State.COMPLETED, found=replace(found(), name=name)))) == []


def test_an_empty_name_is_said_to_be_empty_and_offers_no_link() -> None:
    one = snapshot(item(State.COMPLETED, found=found("")))
    assert "its name is empty" in text_of(one)
    assert "magnet:" not in text_of(one)


def test_a_failure_gives_its_reason_and_what_to_try() -> None:
    text = text_of(snapshot(item(State.FAILED, failure=Step("slow", {"peers": 3}))))
    assert "3 peers seen" in text
    assert "Trying again" in text


@pytest.mark.parametrize(("started_at", "words"), [(None, "not looked up"), (5.0, "cancelled")])
def test_what_was_cancelled_in_a_batch_is_told_apart_by_whether_it_was_looked_up(
    started_at: float | None, words: str
) -> None:
    one = item(State.CANCELLED, started_at=started_at, ended_at=9.0)
    other = item(State.COMPLETED, 1, found=found("debian.iso"), started_at=5.0, ended_at=8.0)
    assert f"01234567… · {words}" in text_of(snapshot(one, other))


def test_a_cancelled_card_says_that_nothing_goes_on() -> None:
    assert "nothing more is looked up" in text_of(snapshot(item(State.CANCELLED)))


def test_a_later_attempt_is_counted_and_the_first_is_not() -> None:
    one = snapshot(item(State.RUNNING))
    assert "attempt" not in text_of(one)
    again = replace(one, task=replace(one.task, attempt=3))
    assert "attempt 3" in text_of(again)


def test_a_retry_that_waits_does_not_count_the_time_of_the_attempts_before() -> None:
    one = snapshot(item())
    again = replace(one, task=replace(one.task, attempt=2, created_at=NOW - 5000))
    assert "0 s" in text_of(again)


@pytest.mark.parametrize(("seconds", "said"), [(0.4, "took under a second"), (65, "took 1 min 5 s")])
def test_an_ended_card_says_how_long_it_took(seconds: float, said: str) -> None:
    one = snapshot(item(State.COMPLETED))
    assert said in text_of(replace(one, task=replace(one.task, started_at=NOW - seconds))).splitlines()


def test_elapsed_time_is_never_negative_when_the_clock_was_put_back() -> None:
    one = snapshot(item(State.RUNNING))
    assert "0 s" in seen(card(one, State.RUNNING, NOW - 10_000, ENGLISH)).text


# Several torrents in one.


def test_a_task_of_many_torrents_counts_them_and_shows_the_latest_outcomes() -> None:
    items = [item(State.COMPLETED, place, found=found(f"name {place}")) for place in range(6)]
    text = text_of(snapshot(*items, item(State.FAILED, 6), item(State.RUNNING, 7), request=NoteRequest((NoteId(3),))))
    assert text.split(" ")[0] == "running"
    assert "and 7 more" in text
    assert f"{'▓' * 17}{'░' * 3} 87 %" in text
    assert "6 of 8 found, 1 not, 1 left" in text
    assert "6.46 a minute, about 9 s left" in text
    assert "01234567… · name 5" in text
    assert "name 2" in text
    assert "name 1" not in text
    assert "magnet:" not in text


def test_among_many_a_guess_and_a_claim_are_said_to_be_such() -> None:
    sure = found("sure")
    guess = replace(sure, name=replace(sure.name, text="guess", certain=False))
    claim = replace(sure, name=replace(sure.name, text="claim"), verified=False)
    items = [item(State.COMPLETED, place, found=one) for place, one in enumerate((sure, guess, claim))]
    lines = text_of(snapshot(*items, item(State.RUNNING, 3))).splitlines()
    assert [line.partition("· ")[2] for line in lines if line.startswith("01234567… ·")] == [
        "claim (not verified)",
        "guess (a guess)",
        "sure",
    ]


@pytest.mark.parametrize(
    ("ended_ago", "left", "said"),
    [
        (1, 7, "1.11 a second, about 6 s left"),
        (20, 7, "1.11 a second"),  # those that are left are slower
        (0, 1, "1.2 a second"),
    ],
)
def test_the_time_that_is_left_is_told_while_it_may_be_true(ended_ago: float, left: int, said: str) -> None:
    items = [item(State.COMPLETED, place, ended_at=NOW - ended_ago) for place in range(79 - left)]
    text = text_of(snapshot(*items, *(item(State.RUNNING, len(items) + place) for place in range(left))))
    assert said in text.splitlines()


def test_of_a_retry_no_pace_is_told_since_most_may_have_been_found_before() -> None:
    found_before = [item(State.COMPLETED, place) for place in range(60)]
    one = snapshot(*found_before, *(item(State.RUNNING, 60 + place) for place in range(40)))
    assert "a minute, about" in text_of(one)
    again = text_of(replace(one, task=replace(one.task, attempt=2)))
    assert "a minute" not in again
    assert "60 of 100 found" in again


def test_a_retry_that_was_cancelled_before_it_began_took_no_time() -> None:
    one = snapshot(item(State.CANCELLED))
    task = replace(one.task, attempt=2, started_at=None, created_at=NOW - 5000)
    assert "took" not in text_of(replace(one, task=task))


def test_of_many_a_single_reading_is_asked_about_as_one() -> None:
    text = "大鬧天宮.1961.國語.修復版"
    name = Name(text=text, raw=text.encode("big5"), encoding="big5", certain=False)
    guess = item(State.COMPLETED, 0, found=replace(found(), name=name))
    for request, words in (
        (NoteRequest((NoteId(3),)), "Is this the name of 01234567…? Nothing is written before somebody presses it."),
        (None, "Is this the name of 01234567…?"),
    ):
        one = snapshot(guess, item(State.COMPLETED, 1), request=request)
        assert labels(one) == [text]
        assert words in text_of(one).splitlines()


def test_the_end_of_many_is_a_summary_that_says_what_became_of_the_notes() -> None:
    items = [item(State.COMPLETED, place, found=found(f"name {place}")) for place in range(3)]
    request = NoteRequest((NoteId(3), NoteId(4)))
    one = snapshot(*items, item(State.FAILED, 3), request=request)
    one = replace(one, written=Written(standing=(NoteId(3), NoteId(4))))
    text = text_of(one)
    assert text.splitlines()[1] == "3 of 4 found, 1 not, 0 left"
    assert "2 notes corrected." in text
    assert "▓" not in text
    assert labels(one) == ["Retry failed", "Show failed", "Undo"]
    undone = replace(one, written=Written(undone=3, as_one=2))
    assert "Undone in 3 notes." in text_of(undone)
    assert labels(undone) == ["Retry failed", "Show failed", "Write again"]
    apart = replace(one, written=Written(standing=(NoteId(3),), undone=1))
    assert "1 note corrected.\nUndone in 1 note." in text_of(apart)
    assert labels(apart) == ["Retry failed", "Show failed", "Undo"]
    assert labels(replace(one, written=Written(undone=2))) == ["Retry failed", "Show failed"]
    partly = replace(one, written=Written(standing=(NoteId(3),), undone=1, as_one=1))
    assert labels(partly) == ["Retry failed", "Show failed", "Undo", "Write again"]


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_a_batch_of_hostile_names_is_a_message_that_telegram_takes(name: str) -> None:
    items = [item(State.COMPLETED, place, found=found(name)) for place in range(1000)]
    text = text_of(snapshot(*items, item(State.RUNNING, 1000)))
    assert not BIDI & set(text)
    found_words = STATE_WORD.findall(text)
    assert found_words[0] == "running"


def test_what_was_not_found_is_shown_in_pages_with_a_way_back() -> None:
    items = [item(State.FAILED, place) for place in range(25)]
    one = snapshot(*items, request=NoteRequest(tuple(NoteId(number) for number in range(1, 26))))

    def page(number: int) -> Message:
        part = items[10 * number : 10 * number + 10]
        return failed_card(one, [Lost(item, (NoteId(item.position + 1),)) for item in part], number, ENGLISH)

    first, last = seen(page(0)).text, seen(page(2)).text
    assert first.startswith("failed · #1, #2")
    assert "Not found: 1–10 of 25" in first
    assert "#7 · 01234567… · Dead, as it seems" in first
    assert "Not found: 21–25 of 25" in last
    assert [[one.text for one in row] for row in buttons(page(0))] == [["Back", "Next"]]
    assert [[one.text for one in row] for row in buttons(page(1))] == [["Back", "Previous", "Next"]]
    assert [[one.text for one in row] for row in buttons(page(2))] == [["Back", "Previous"]]


# The link to copy.


def test_the_corrected_magnet_is_there_to_copy() -> None:
    hints = Hints(trackers=("http://t.example/announce?a=1&b=2",), peers=(("192.0.2.1", 6881),))
    one = snapshot(item(State.COMPLETED, hints=hints, found=found("三体 <1> & 2")))
    links = [code for code in entities(one, "code") if code.startswith("magnet:")]
    assert len(links) == 1
    (magnet,) = find_magnets(links[0])
    assert (magnet.start, magnet.end) == (0, len(links[0]))
    assert (magnet.torrents, magnet.name, magnet.hints) == ((TORRENT,), "三体 <1> & 2", hints)


@pytest.mark.parametrize("state", [State.PENDING, State.RUNNING, State.FAILED, State.CANCELLED])
def test_without_a_name_there_is_no_link(state: State) -> None:
    assert "magnet:" not in text_of(snapshot(item(state)))


def test_a_link_that_does_not_fit_is_left_out_and_the_longest_that_fits_is_whole() -> None:
    texts = {
        length: text_of(snapshot(item(State.COMPLETED, hints=Hints(trackers=("a" * length,)))))
        for length in range(3850, 3950)
    }
    fitting = [length for length, text in texts.items() if "magnet:" in text]
    assert fitting == [*range(3850, fitting[-1] + 1)]
    assert len(fitting) < len(texts)
    assert texts[fitting[-1]].endswith("&tr=" + "a" * fitting[-1])
    assert utf16_length(texts[fitting[-1]]) > MAX_LENGTH - 50
    assert "debian.iso" in texts[fitting[-1] + 1]


# Buttons.


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ([State.PENDING], ["Refresh", "Cancel"]),
        ([State.RUNNING], ["Refresh", "Cancel"]),
        ([State.COMPLETED], []),
        ([State.COMPLETED, State.FAILED], ["Retry failed", "Show failed"]),
        ([State.COMPLETED, State.CANCELLED], ["Retry failed", "Show failed"]),
        ([State.FAILED], ["Retry"]),
        ([State.CANCELLED], ["Retry"]),
        ([State.FAILED, State.RUNNING], ["Refresh", "Cancel"]),
    ],
)
def test_the_buttons_are_those_that_its_state_allows(states: list[State], expected: list[str]) -> None:
    assert labels(snapshot(*(item(state, place) for place, state in enumerate(states)))) == expected


def test_a_card_shown_as_running_after_a_restart_can_be_cancelled() -> None:
    message = shown(snapshot(item()), State.RUNNING)
    assert [button.text for row in buttons(message) for button in row] == ["Refresh", "Cancel"]


def test_each_button_carries_its_verb_and_the_task() -> None:
    live, ended = shown(snapshot(item())), shown(snapshot(item(State.FAILED)))
    carried = [button.value for message in (live, ended) for row in buttons(message) for button in row]
    assert carried == [f"refresh:{TASK_ID}", f"cancel:{TASK_ID}", f"retry:{TASK_ID}"]


# Hostile words from outside.


@pytest.mark.parametrize("name", list(HOSTILE.values()), ids=list(HOSTILE))
def test_a_hostile_name_is_text_and_changes_neither_markup_nor_lines(name: str) -> None:
    one, harmless = (snapshot(item(State.COMPLETED, found=found(title))) for title in (name, "harmless"))
    text = text_of(one)
    assert STATE_WORD.findall(text)[0] == "completed"
    assert not BIDI & set(text)
    assert "\0" not in shown(one).html
    assert text.count("\n") <= text_of(harmless).count("\n")
    kinds = [entity.type for entity in seen(shown(one)).entities]
    assert set(kinds) == {"bold", "code"}
    shown(one).html.encode()  # no surrogates: it goes out as UTF-8


@pytest.mark.parametrize("kind", ["tags", "ampersands", "a state", "states", "braces", "emoji"])
def test_a_hostile_name_can_be_read_as_it_is(kind: str) -> None:
    name = HOSTILE[kind].replace("\n", "\ufffd")
    assert entities(snapshot(item(State.COMPLETED, found=found(HOSTILE[kind]))), "bold")[1] == name


@pytest.mark.parametrize("old", list(HOSTILE.values()), ids=list(HOSTILE))
def test_a_hostile_old_name_is_text(old: str) -> None:
    for kept in (False, True):
        one = snapshot(item(State.COMPLETED, was=old, corrected=(NoteId(12),)), request=NoteRequest((NoteId(12),)))
        became = OldName.KEPT if kept else OldName.REPLACED
        one = replace(one, written=Written(standing=() if kept else (NoteId(12),)), old_names={one.first.key: became})
        text = text_of(one)
        assert STATE_WORD.findall(text)[0] == "completed"
        assert not BIDI & set(text)
        assert {entity.type for entity in seen(shown(one)).entities} == {"bold", "code"}
        assert labels(one) == ([] if kept else ["Keep old", "Undo"])


@pytest.mark.parametrize("hostile", list(HOSTILE.values()), ids=list(HOSTILE))
def test_hostile_sources_encodings_and_reasons_are_text(hostile: str) -> None:
    title = Name(text="x", raw=b"x", encoding=hostile, certain=False)
    claimed = snapshot(item(State.COMPLETED, found=replace(found(verified=False, source=hostile), name=title)))
    lost = snapshot(item(State.FAILED, failure=Step("not_found", {"reason": hostile})))
    for one in (claimed, lost):
        text = text_of(one)
        assert STATE_WORD.findall(text)[0] == one.task.state
        assert not BIDI & set(text)
        assert {entity.type for entity in seen(shown(one)).entities} <= {"bold", "code"}


_TEXTS = st.text(st.characters(), max_size=600) | st.sampled_from(list(HOSTILE.values()))
_TRACKERS = st.lists(st.text(st.characters(exclude_characters="\0"), max_size=200), max_size=100).map(tuple)
_STEPS = st.sampled_from([None, Step("connecting", {"peers": 10**18}), Step("not_found", {"reason": "x" * 9000})])


@given(
    name=_TEXTS,
    source=_TEXTS,
    trackers=_TRACKERS,
    states=st.lists(st.sampled_from(State), min_size=1, max_size=8),
    notes=st.lists(st.integers(1, 2**63), max_size=40).map(tuple),
    corrected=st.lists(st.integers(1, 2**63), max_size=40).map(tuple),
    step=_STEPS,
    verified=st.booleans(),
    certain=st.booleans(),
    was=st.none() | _TEXTS,
    t=st.sampled_from(list(ALL.values())),
)
def test_every_card_is_one_that_telegram_takes(
    name: str,
    source: str,
    trackers: tuple[str, ...],
    states: list[State],
    notes: tuple[NoteId, ...],
    corrected: tuple[NoteId, ...],
    step: Step | None,
    verified: bool,
    certain: bool,
    was: str | None,
    t: Translation,
) -> None:
    what = found(name, verified=verified, certain=certain, source=source, size=10**30, file_count=10**9)
    items = [
        item(
            state,
            place,
            hints=Hints(trackers),
            found=what if state is State.COMPLETED else None,
            failure=step if state is State.FAILED else None,
            corrected=corrected,
            was=was,
        )
        for place, state in enumerate(states)
    ]
    one = snapshot(*items, request=NoteRequest(notes) if notes else None, progress=step)
    one = replace(one, written=Written(standing=corrected))
    text = text_of(one, t=t)
    assert text.startswith(f"{t.gettext(one.task.state)} ")
    assert not BIDI & set(text)
    for row in buttons(shown(one, t=t)):
        assert all(len(button.value.encode()) <= 64 for button in row)


def test_the_largest_task_fits() -> None:
    hints = Hints(trackers=tuple(f"http://{place}.example/{'x' * 180}" for place in range(100)))
    notes = tuple(NoteId(10**17 + number) for number in range(1000))
    items = [
        item(State.COMPLETED, place, hints=hints, found=found("長" * 300), corrected=notes) for place in range(5000)
    ]
    one = replace(snapshot(*items, request=NoteRequest(notes)), written=Written(standing=notes))
    assert "and 980 more" in text_of(one)
    assert "and 4999 more" in text_of(one)
    single = replace(snapshot(items[0], request=NoteRequest(notes)), written=Written(standing=notes))
    assert text_of(single).count("and 980 more") == 2


# Sizes and times.


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (0, "0 B"),
        (1, "1 B"),
        (999, "999 B"),
        (1000, "1 kB"),
        (1499, "1.5 kB"),
        (999_499, "999 kB"),
        (999_500, "1 MB"),
        (12_300_000, "12.3 MB"),
        (999_900_000, "1 GB"),
        (10**12, "1 TB"),
        (10**15, "1,000 TB"),
        (10**18, "1,000,000 TB"),
    ],
)
def test_sizes_have_three_digits_and_the_unit_that_fits(count: int, expected: str) -> None:
    assert size(count) == expected


@given(st.integers(0, 10**15))
def test_a_size_is_never_more_than_half_a_percent_from_the_truth(count: int) -> None:
    amount, unit = size(count).split()
    power = ["B", "kB", "MB", "GB", "TB"].index(unit)
    assert abs(float(amount.replace(",", "")) * 1000**power - count) <= 0.005 * count


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "0 s"),
        (0.4, "0 s"),
        (7.2, "7 s"),
        (59.4, "59 s"),
        (59.6, "1 min 0 s"),
        (125, "2 min 5 s"),
        (3599.6, "1 h 0 min"),
        (11_400, "3 h 10 min"),
        (360_000, "100 h 0 min"),
    ],
)
def test_times_are_rounded_before_they_are_split(seconds: float, expected: str) -> None:
    assert duration(ENGLISH, seconds) == expected


@pytest.mark.parametrize(("seconds", "expected"), [(7.2, "7 秒"), (125, "2 分 5 秒"), (11_400, "3 小时 10 分")])
def test_times_are_told_in_chinese(seconds: float, expected: str) -> None:
    assert duration(CHINESE, seconds) == expected

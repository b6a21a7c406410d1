"""What notes, pages of notes and histories look like; names in them are hostile."""

import re
from dataclasses import replace

import pytest

from handlers.history_view import STEPS_ON_A_PAGE, history_page
from handlers.note_view import delete_question, note_messages, notes_page, title
from handlers.outgoing import Message
from handlers.saved_view import saved_message
from handlers.text import escape, units
from sandbox.botapi.markup import parse_html
from services.i18n import ENGLISH
from services.magnets.parse import find_magnets
from services.notebook.history import HistoryPage
from services.notebook.note import Change, Known, Note, Step
from services.notebook.notebook import Page, Saved
from services.torrents import Name, NotebookId, NoteId, PersonId, TorrentId
from tests.unit.fakes import torrent

T = ENGLISH
HOSTILE = [
    "<b>&</b>",
    "</s><a href='tg://x'>y</a>",
    "\u202ecod.exe",
    "a\nb\0c",
    "长" * 400,
    "{0} %s {number}",
    "🎬" * 500,
]


def link(word: str, dn: str = "") -> str:
    return f"magnet:?xt=urn:btih:{torrent(word).shown}" + (f"&dn={dn}" if dn else "")


def note_of(text: str, number: int = 12) -> Note:
    return Note(
        id=NoteId(number), notebook=NotebookId(1), text=text, version=1, origin=None, person=PersonId("tg:1"),
        created_at=0, changed_at=0,
    )  # fmt: skip


def known(name: str, *, verified: bool = True) -> Known:
    return Known(
        name=Name(text=name, raw=name.encode()), size=1_400_000_000, file_count=1, verified=verified, source="x"
    )


def shown(text: str, facts: dict[TorrentId, Known] | None = None) -> list[Message]:
    return note_messages(T, note_of(text), find_magnets(text), facts or {})


def plain(message: Message) -> str:
    """Return what people see; fails where Telegram would refuse it."""
    text = parse_html(message.html).text
    assert units(text) <= 4096
    return text


def labels(message: Message) -> list[str]:
    return [one.text for row in message.keyboard.inline_keyboard for one in row] if message.keyboard else []


# One note.


def test_a_note_shows_its_names_and_sizes_a_line_and_its_text_as_it_is() -> None:
    text = f"see {link('a', '%E4%B8%89')}\r\n{link('b', '18')} {link('c')} {link('d', 'x')}"
    (message,) = shown(text, {torrent("b"): known("三体.mkv"), torrent("d"): known("claimed", verified=False)})
    names, _, below = plain(message).partition("\n———\n")
    hidden = f"(no name) {torrent('c').shown.hex[:16]}…"
    assert names.split("\n") == ["三", "三体.mkv · 1.4 GB ✓", hidden, "claimed · 1.4 GB · not verified"]
    assert below == text
    assert labels(message) == ["Calibrate", "History", "Delete"]


def test_a_guess_has_no_tick() -> None:
    guessed = known("小城之春")
    guessed = replace(guessed, name=replace(guessed.name, encoding="gb18030", certain=False))
    (message,) = shown(link("a", "18"), {torrent("a"): guessed})
    assert plain(message).startswith("小城之春 · 1.4 GB · a guess\n")


def test_a_note_without_a_magnet_is_its_text_alone() -> None:
    (message,) = shown("words\n")
    assert plain(message) == "words\n"
    assert labels(message) == ["History", "Delete"]


def test_a_torrent_that_stands_there_twice_is_named_once() -> None:
    (message,) = shown(f"{link('a')} {link('a', 'second')} {link('a', 'third')}")
    assert plain(message).split("\n")[:2] == ["second", "———"]


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_breaks_out_of_its_line(name: str) -> None:
    (message,) = shown(link("a"), {torrent("a"): known(name)})
    lines = plain(message).split("\n")
    assert len(lines) == 3
    assert parse_html(message.html).entities == ()
    assert not re.search("[\u202a-\u202e]", lines[0])


@pytest.mark.parametrize(("count", "expected"), [(450, 1), (500, 2), (1300, 3)])
def test_a_long_note_comes_in_numbered_parts_in_order(count: int, expected: int) -> None:
    text = link("a") + "\n" + "🎬 words\n" * (count - 20)
    messages = shown(text)
    assert len(messages) == expected
    pieces = [plain(one) for one in messages]
    if expected > 1:
        heads = [one.split("\n", 1)[0] for one in pieces]
        assert heads == [f"#12 · {number}/{expected}" for number in range(1, expected + 1)]
        pieces = [one.split("\n", 1)[1] for one in pieces]
    assert "".join(pieces).partition("———\n")[2] == text
    assert [bool(one.keyboard) for one in messages] == [False] * (expected - 1) + [True]


def test_over_three_parts_the_text_is_a_file_byte_for_byte_below_its_names() -> None:
    text = f"{link('a', 'first')}\r\n" + "words \ud800\r\n" * 3000
    summary, file = shown(text, {torrent("a"): known("三体.mkv")})
    assert plain(summary) == "#12 is long: its text is the file below.\n三体.mkv · 1.4 GB ✓"
    assert labels(summary) == ["Calibrate", "History", "Delete"]
    assert file.keyboard is None
    assert file.document is not None
    assert (file.document.name, file.document.kind) == ("note-12.txt", "text/plain")
    assert file.document.content == text.replace("\ud800", "?").encode()


def test_a_file_of_very_many_torrents_names_as_many_as_a_message_has_room_for() -> None:
    text = "\n".join(link(f"{number}", f"{'长' * 50}{number}") for number in range(300))
    summary, file = shown(text)
    assert file.document is not None
    assert re.search(r"\nand [0-9]+ more\Z", plain(summary))


def test_a_forwarded_file_of_very_many_torrents_says_whom_it_is_from_and_counts_torrents_alone() -> None:
    text = "\n".join(link(f"{number}", f"{'长' * 50}{number}") for number in range(300))
    summary, _ = note_messages(T, replace(note_of(text), source="Films"), find_magnets(text), {})
    _, source, *names, more = plain(summary).splitlines()
    assert source == "From Films"
    assert more == f"and {300 - len(names)} more"


@pytest.mark.parametrize("text", ["\x01\x02", "\u202e\u202d", "\u2028\n", " \r\n\t"])
def test_a_note_of_which_telegram_would_show_nothing_is_a_file(text: str) -> None:
    summary, file = shown(text)
    assert plain(summary) == "#12 cannot be shown as it is: its text is the file below."
    assert labels(summary) == ["History", "Delete"]
    assert file.document is not None
    assert file.document.content == text.encode()


def test_a_note_with_something_between_what_telegram_drops_is_shown() -> None:
    (message,) = shown("\u202e\x01a")
    assert "a" in plain(message)


@pytest.mark.parametrize(
    "text",
    [
        "a" * 3000 + "\n" * 2000 + "b" * 500,
        "a" * 4060 + " " * 30 + "b" * 200,
        "a" * 3000 + "\n" * 2 + "b" * 2000,
        "a" * 3000 + "\n\u202e\n" + "b" * 2000,
    ],
)
def test_a_note_of_which_a_cut_would_lose_blanks_is_a_file(text: str) -> None:
    summary, file = shown(text)
    assert plain(summary) == "#12 is long: its text is the file below."
    assert file.document is not None
    assert file.document.content == text.encode()


@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
def test_a_note_that_is_cut_at_the_end_of_one_line_comes_in_parts(end: str) -> None:
    text = "a" * 3000 + end + "b" * 2000
    assert [one.document for one in shown(text)] == [None, None]


# A page of notes.


def page(
    *texts: str,
    junk: tuple[int, ...] = (),
    uncalibrated: tuple[int, ...] = (),
    undecided: tuple[int, ...] = (),
    older: bool = False,
    newer: bool = False,
) -> Message:
    notes = [note_of(text, 50 - place) for place, text in enumerate(texts)]
    marked = [set(map(NoteId, ids)) for ids in (junk, uncalibrated, undecided)]
    return notes_page(T, Page(notes, marked[0], marked[1], marked[2], older, newer))


def test_a_page_has_a_line_a_note_with_its_number_first_words_and_marks() -> None:
    message = page(
        f"to watch： {link('a', '18')}，later",
        link("b", "The%20Goddess"),
        "just\n\nwords",
        link("c"),
        junk=(50, 47),
        uncalibrated=(50, 48),
        undecided=(50, 49),
    )
    assert plain(message).split("\n") == [
        "#50 to watch： 18，later · junk name, not calibrated, name to choose",
        "#49 The Goddess · name to choose",
        "#48 just words · not calibrated",
        f"#47 (no name) {torrent('c').shown.hex[:16]}… · junk name",
    ]


@pytest.mark.parametrize(
    ("older", "newer", "expected"),
    [(False, False, []), (True, False, ["Older"]), (False, True, ["Newer"]), (True, True, ["Newer", "Older"])],
)
def test_a_page_has_the_buttons_that_lead_on(older: bool, newer: bool, expected: list[str]) -> None:
    assert labels(page("a", "b", older=older, newer=newer)) == expected


def test_an_empty_notebook_says_so() -> None:
    assert plain(page()) == "There is no note here yet. Send me a magnet link and I keep it as one."


@pytest.mark.parametrize("text", [*HOSTILE, *(link("a", name.replace(" ", "%20")) for name in HOSTILE), "\n" * 9])
def test_ten_hostile_notes_are_ten_lines(text: str) -> None:
    message = page(*[text] * 10)
    assert len(plain(message).split("\n")) == 10
    assert {one.type for one in parse_html(message.html).entities} <= {"bold", "italic"}
    assert plain(delete_question(T, note_of(text))).startswith("Delete #12?")


def test_first_words_are_cut() -> None:
    assert units(title(T, "word " * 1000)) <= 60
    assert title(T, "word " * 1000).endswith("…")


# A history.


def step(version: int, before: str, after: str, cause: str = "command") -> Step:
    change = Change(cause=cause, person=PersonId("tg:1"), task_id=None, at=1_700_000_000.0 + version)
    return Step(version=version, before=before, after=after, change=change)


def history(*steps: Step, page: int = 0) -> Message:
    """Return what is shown of a note to which the *steps* were all that happened, oldest first."""
    of_page = steps[::-1][page * STEPS_ON_A_PAGE :][:STEPS_ON_A_PAGE]
    return history_page(T, NoteId(12), HistoryPage(steps=of_page, total=len(steps), page=page, version=len(steps) + 1))


def test_a_rename_shows_the_old_and_the_new_name_with_cause_and_time() -> None:
    message = history(step(1, link("a", "18"), link("a", "%E4%B8%89.mkv")))
    assert "<s>18</s> → <b>三.mkv</b>" in message.html
    assert "1 · calibrated · 2023-11-14 22:13 UTC" in message.html
    assert labels(message) == ["Undo"]


def test_a_name_that_was_added_stands_for_none() -> None:
    message = history(step(1, link("a"), link("a", "new")))
    assert "<s>(no name)</s> → <b>new</b>" in message.html


def test_an_edit_shows_what_was_replaced_and_a_little_around_it() -> None:
    before = "x" * 100 + " one word here " + "y" * 100
    message = history(step(1, before, before.replace("one word", "two words"), "edit"))
    assert "<s>one word</s><b>two words</b> here" in message.html
    assert "edited" in message.html
    assert "x" * 40 not in message.html


def test_an_edit_to_what_stood_there_says_so() -> None:
    message = history(step(1, link("a", "A"), link("a", "A"), "edit"))
    assert message.html.endswith("UTC\n(typed as it stood)")


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        *(("undo", "undone"), ("undo_task", "undone"), ("redo", "undo taken back")),
        *(("kept", "old name kept"), ("kept_all", "old name kept"), ("chosen", "chosen by hand")),
    ],
)
def test_a_change_by_a_person_is_told_as_what_it_was(cause: str, words: str) -> None:
    message = history(step(1, link("a", "A"), link("a", "18"), cause))
    assert f"1 · {words} · " in message.html


@pytest.mark.parametrize(
    ("asked", "first", "expected"),
    [
        (0, 12, ["Older", "Undo"]),
        (1, 7, ["Newer", "Older", "Undo"]),
        (2, 2, ["Newer", "Undo"]),
    ],
)
def test_a_history_is_paged_newest_first(asked: int, first: int, expected: list[str]) -> None:
    steps = [step(number, link("a", f"{number}"), link("a", f"{number + 1}")) for number in range(1, 13)]
    message = history(*steps, page=asked)
    assert plain(message).split("\n")[2].startswith(f"{first} · ")
    assert labels(message) == expected


def test_a_note_that_nobody_changed_has_no_history() -> None:
    message = history()
    assert plain(message) == "Nothing was changed in #12 since it was saved."
    assert labels(message) == []


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("cause", ["command", "edit", "undo", "redo", "kept_all", "something new"])
def test_no_history_outgrows_a_message_or_breaks_out(name: str, cause: str) -> None:
    quoted = name.encode().hex("%")
    before = " ".join(link(f"{number}", f"%{quoted}") for number in range(9))
    steps = [step(number, f"{name}{before}", f"{before.replace('dn=', 'dn=z')}{name}", cause) for number in range(1, 9)]
    message = history(*steps)
    assert {one.type for one in parse_html(message.html).entities} <= {"bold", "strikethrough"}
    plain(message)


# What was saved.


@pytest.mark.parametrize(
    ("saved", "text"),
    [
        (Saved(NoteId(15), 1, 1), "#15 saved: 1 magnet."),
        (Saved(NoteId(15), 3, 2), "#15 saved: 3 magnets, 2 torrents."),
        (Saved(NoteId(15), 0, 0), "#15 saved."),
        (Saved(NoteId(15), 1, 1, (NoteId(7),)), "#15 saved: 1 magnet; already in #7."),
        (Saved(NoteId(15), 1, 1, tuple(map(NoteId, (7, 8, 9)))), "#15 saved: 1 magnet; already in #7, #8, #9."),
        (
            Saved(NoteId(15), 1, 1, tuple(map(NoteId, range(1, 6)))),
            "#15 saved: 1 magnet; already in #1, #2, #3 and 2 more.",
        ),
    ],
)
def test_what_was_saved_is_said_with_where_the_same_was_before(saved: Saved, text: str) -> None:
    assert plain(saved_message(T, saved)) == text


def test_a_note_of_blank_lines_that_telegram_would_drop_is_a_file() -> None:
    text = link("a") + "\n" * 9000 + "end"
    _, file = shown(text)
    assert file.document is not None
    assert file.document.content == text.encode()


def test_a_forwarded_note_says_whom_it_is_from_as_text_and_not_in_what_is_kept() -> None:
    text = link("a")
    note = replace(note_of(text), source="<b>Films</b> \u202e(@films)")
    (message,) = note_messages(T, note, find_magnets(text), {torrent("a"): known("三体.mkv")})
    names, _, kept = message.html.partition("———\n")
    assert names.splitlines()[1] == "From &lt;b&gt;Films&lt;/b&gt; (@films)"
    assert kept == escape(text)

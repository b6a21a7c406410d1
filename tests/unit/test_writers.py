"""Who wrote the name that a link of a note has: a person, who typed it, or what corrected it."""

import pytest

from services.magnets.parse import find_magnets
from services.notebook.note import Cause, Change, Note, Revision
from services.notebook.writers import Writers
from services.torrents import NotebookId, NoteId, PersonId, TaskId
from tests.unit.fakes import torrent
from tests.unit.name_world import link

ALICE, BOT = PersonId("tg:1"), PersonId("tg:2")
FIRST, TYPED, WRITTEN = None, "typed", "written"


def wrote(*steps: tuple[str, str]) -> list[str | None]:
    """Return who wrote the names of the links after *steps*: each a cause, and the names of one torrent's links then.

    *page* is an edit elsewhere than in the note's message.
    """
    links = [" ".join(link("x", name) for name in names.split()) + f" {link('y', 'other')}" for _, names in steps]
    found = writers([(cause, text) for (cause, _), text in zip(steps, links, strict=True)]).of(
        lambda one: one == torrent("x")
    )
    assert [one.name for one, _ in found] == steps[-1][1].split()
    return [None if one is None else TYPED if one.cause == Cause.EDIT else WRITTEN for _, one in found]


def writers(steps: list[tuple[str, str]]) -> Writers:
    """Return who wrote the names of a note that became what *steps* say: each a cause, and the text then."""
    texts = [text for _, text in steps]
    changes = [
        Change(
            cause=Cause.EDIT if cause == "page" else cause,
            person=ALICE if cause in {"edit", "page"} else BOT,
            task_id=TaskId("t"),
            at=float(at),
            apart=cause == "page",
        )
        for at, (cause, _) in enumerate(steps)
    ]
    revisions = [
        Revision(version=at, text=texts[at - 1], change=changes[at]) for at in range(1, len(steps))
    ]  # a revision has the text before its change
    note = Note(
        id=NoteId(1), notebook=NotebookId(1), text=texts[-1], version=len(steps), origin=None, person=ALICE,
        created_at=0.0, changed_at=0.0,
    )  # fmt: skip
    return Writers(note, revisions)


NEW = ("new", "18 19")
CARRIED = [("page", "mine 19"), ("edit", "18 19"), ("carried", "mine 19")]


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([NEW], [FIRST, FIRST]),
        ([NEW, ("chosen", "claim 19")], [WRITTEN, FIRST]),
        ([NEW, ("chosen", "claim 19"), ("page", "claim mine")], [WRITTEN, TYPED]),
        ([NEW, ("page", "claim 19")], [TYPED, FIRST]),
        ([NEW, ("page", "claim 19"), ("command", "true 19")], [WRITTEN, FIRST]),
        ([NEW, ("chosen", "claim 19"), ("page", "mine claim 19")], [TYPED, WRITTEN, FIRST]),
        ([NEW, ("chosen", "claim claim"), ("page", "claim")], [WRITTEN]),
        ([NEW, ("page", "18 19 claim"), ("chosen", "18 claim claim")], [FIRST, WRITTEN, TYPED]),
        ([NEW, ("chosen", "claim 19"), ("undo", "18 19")], [FIRST, FIRST]),
        ([NEW, ("page", "mine 19"), ("chosen", "claim 19"), ("undo", "mine 19")], [TYPED, FIRST]),
        ([NEW, ("page", "mine 19"), ("chosen", "claim claim"), ("kept", "mine claim")], [TYPED, WRITTEN]),
        ([NEW, ("chosen", "claim 19"), ("undo", "18 19"), ("redo", "claim 19")], [WRITTEN, FIRST]),
        (
            [
                NEW,
                ("page", "mine 19"),
                ("edit", "18 19"),
                ("carried", "mine 19"),
                ("undo", "18 19"),
                ("redo", "mine 19"),
            ],
            [TYPED, FIRST],
        ),
    ],
)
def test_a_name_is_of_whoever_gave_it_first_and_not_of_who_left_it_alone_or_brought_it_back(
    steps: list[tuple[str, str]], expected: list[str | None]
) -> None:
    assert wrote(*steps) == expected


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([("chosen", "claim 19"), ("edit", "18 20"), ("carried", "claim 20")], [WRITTEN, TYPED]),
        ([("page", "mine 19"), ("edit", "18 20"), ("carried", "mine 20")], [TYPED, TYPED]),
        ([("page", "claim 19"), ("chosen", "claim claim"), ("edit", "18 19"), ("carried", "claim claim")], [TYPED] * 2),
        ([("chosen", "claim 19"), ("edit", "claim 19")], [TYPED, FIRST]),
        ([("chosen", "claim 19"), ("page", "18 19"), ("edit", "18 19")], [TYPED, FIRST]),
        ([("chosen", "claim 19"), ("page", "18 19"), ("edit", "18 19 20")], [TYPED, FIRST, TYPED]),
        ([("chosen", "claim 19"), ("page", "18 19"), ("edit", "18 19"), ("edit", "18 19")], [TYPED, FIRST]),
        ([("page", "mine 19"), ("edit", "18 19"), ("edit", "18 19")], [FIRST, FIRST]),
        ([("edit", "18 claim"), ("edit", "18 claim 20")], [FIRST, TYPED, TYPED]),
        ([("chosen", "claim 19"), ("page", "claim 19 21"), ("edit", "18 20")], [FIRST, TYPED]),
    ],
)
def test_what_is_carried_over_the_edit_of_a_message_is_whose_it_was(
    steps: list[tuple[str, str]], expected: list[str | None]
) -> None:
    assert wrote(NEW, *steps) == expected


V1, V2 = link("x"), f"magnet:?xt=urn:btmh:1220{'cd' * 32}"
BOTH = f"{V1}&xt=urn:btmh:1220{'cd' * 32}"
OTHER_PAIR = f"{V1}&xt=urn:btmh:1220{'ef' * 32}"


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        ([(BOTH, "18")], (V1, "18"), None),
        ([(V2, "18")], (BOTH, "18"), None),
        ([(BOTH, "18")], (BOTH, "mine"), 1.0),
        ([(BOTH, "18")], (V1, "mine"), 1.0),
        ([(BOTH, "18"), (V1, "mine")], (BOTH, "mine"), 1.0),
        ([(BOTH, "18")], (OTHER_PAIR, "18"), 1.0),
        ([(V1, "18"), (V2, "18")], (BOTH, "18"), None),
        ([(V1, "18"), (V2, "19")], (BOTH, "19"), None),
    ],
)
def test_a_name_that_a_link_had_before_a_hash_was_added_or_taken_out_was_not_typed(
    first: list[tuple[str, str]], last: tuple[str, str], expected: float | None
) -> None:
    had, has = (" ".join(f"{one}&dn={name}" for one, name in links) for links in (first, [last]))
    ((torrent,),) = (one.torrents for one in find_magnets(has))
    assert list(writers([("new", had), ("edit", has)]).typed([torrent])) == [(torrent, expected)]


def test_what_was_typed_in_a_long_list_of_pairs_that_share_a_hash_is_told_in_time() -> None:
    pairs = [f"{V1}&xt=urn:btmh:1220{number:064x}&dn=18" for number in range(1, 4001)]
    torrents = [one.torrents[0] for one in find_magnets(" ".join(pairs))]
    steps = [("new", f"{V1}&dn=18 " * 4000), ("page", f"{V1} " * 4000), ("edit", " ".join(pairs))]
    assert list(writers(steps).typed(torrents)) == [(one, 2.0) for one in torrents]

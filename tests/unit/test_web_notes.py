"""Notes over HTTP: the exact bodies, what a chat would do with them, and what is refused."""

from collections.abc import AsyncIterator
from urllib.parse import quote

import pytest

from services.notebook.note import Cause
from services.store.store import Store
from services.torrents import NoteId, PersonId
from tests.fake_clock import FakeClock
from tests.unit.conftest import Run
from tests.unit.fakes import FakeEngine, info_of, torrent
from tests.unit.web_world import ALICE, BOB, CAROL, GROUP, MALLORY, World, web_world

NOTES, ASYNC, TORRENTS = "/api/notes", "/api/calibrate/async", "/api/torrents"
DAY = 86400.0


def link(word: str, dn: str = "") -> str:
    return f"magnet:?xt=urn:btih:{torrent(word).shown}" + (f"&dn={dn}" if dn else "")


@pytest.fixture
async def world(run: Run, store: Store, clock: FakeClock, engine: FakeEngine) -> AsyncIterator[World]:
    engine.knows("a", "a.mkv")
    engine.knows("b", "b.mkv")
    async with run() as manager, web_world(manager, store, clock) as world:
        yield world


async def put(world: World, person: PersonId, path: str, body: object, **more: str) -> dict[str, object]:
    answer = await world.send("PUT", person, path, body, **more)
    assert answer.status_code == 200, answer.text
    return dict(answer.json()["note"])


async def keep(world: World, text: str, person: PersonId = ALICE, **more: str) -> dict[str, object]:
    answer = await world.post(person, NOTES, {"text": text}, **more)
    assert answer.status_code == 200, answer.text
    return dict(answer.json()["note"])


async def calibrated(world: World, note_id: object) -> None:
    await world.post(ALICE, ASYNC, {"note_id": note_id})
    await world.clock.advance(5)


# Lists.


async def test_a_list_tells_a_line_of_each_note_newest_first(world: World) -> None:
    first = await keep(world, "only words")
    second = await keep(world, f"see\n{link('a', '18')}")
    answer = await world.get(ALICE, NOTES)
    assert answer.status_code == 200
    lines = answer.json()["notes"]
    assert answer.json() == {"success": True, "page": 0, "notes": lines, "more": False}
    assert [one["id"] for one in lines] == [second["id"], first["id"]]
    assert lines[0] == {
        "id": second["id"],
        "notebook": second["notebook"],
        "version": 1,
        "excerpt": "see 18",
        "torrents": 1,
        "junk": True,
        "calibrated": False,
        "undecided": False,
        "created_at": second["created_at"],
        "changed_at": second["changed_at"],
    }
    assert (lines[1]["torrents"], lines[1]["junk"], lines[1]["calibrated"]) == (0, False, True)
    await calibrated(world, second["id"])
    (line, _) = (await world.get(ALICE, NOTES)).json()["notes"]
    assert (line["version"], line["excerpt"], line["junk"], line["calibrated"]) == (2, "see a.mkv", False, True)


async def test_a_list_has_pages_of_twenty(world: World) -> None:
    for number in range(21):
        await keep(world, f"number {number}")
    pages = [(await world.get(ALICE, f"{NOTES}?page={page}")).json() for page in range(3)]
    assert [(len(page["notes"]), page["page"], page["more"]) for page in pages] == [
        (20, 0, True),
        (1, 1, False),
        (0, 2, False),
    ]
    found = (await world.get(ALICE, f"{NOTES}?q=numb&page=1")).json()
    assert [one["excerpt"] for one in found["notes"]] == ["number 0"]


@pytest.mark.parametrize(
    ("q", "found"),
    [("", 2), ("...", 2), ("三体", 1), ("apples", 1), ("nothing", 0), ('" OR ', 0), ("\0", 2), ("%ff", 2)],
)
async def test_words_are_taken_as_in_the_chat(q: str, found: int, world: World) -> None:
    await keep(world, "三体 pears")
    await keep(world, "apples")
    answer = await world.get(ALICE, f"{NOTES}?q={q if q == '%ff' else quote(q)}")
    assert (answer.status_code, len(answer.json()["notes"])) == (200, found)


async def test_a_search_that_is_too_long_says_so(world: World) -> None:
    answer = await world.get(ALICE, f"{NOTES}?q={'x' * 201}")
    assert (answer.status_code, answer.json()["code"]) == (400, "search_too_long")


async def test_notebooks_are_ones_own_and_those_of_groups_that_one_is_in(world: World) -> None:
    own, ours = await world.services.notebook.behind(BOB), await world.services.notebook.behind(GROUP)
    answer = await world.get(BOB, "/api/notebooks")
    assert answer.json() == {
        "success": True,
        "notebooks": [{"id": own, "own": True, "title": None}, {"id": ours, "own": False, "title": "电影 <2026>"}],
    }
    alone = (await world.get(CAROL, "/api/notebooks")).json()["notebooks"]
    assert [one["own"] for one in alone] == [True]


async def test_a_group_and_ones_own_are_listed_and_written_apart(world: World) -> None:
    own, ours = await world.services.notebook.behind(BOB), await world.services.notebook.behind(GROUP)
    answer = await world.post(BOB, NOTES, {"text": "for all", "notebook": ours})
    assert answer.json()["note"]["notebook"] == ours
    mine = await keep(world, "mine", BOB)
    for number, expected in ((own, ["mine"]), (ours, ["for all"])):
        listed = (await world.get(BOB, f"{NOTES}?notebook={number}")).json()["notes"]
        assert [one["excerpt"] for one in listed] == expected
    assert [one["id"] for one in (await world.get(BOB, NOTES)).json()["notes"]] == [mine["id"]]


# One note.


@pytest.mark.parametrize("text", ["words", " \r\n\tspaces\u200b ", f"see {link('a', '18')}\r\n", "三体 \U0001f600"])
async def test_a_text_is_kept_byte_for_byte_with_or_without_a_magnet(text: str, world: World) -> None:
    note = await keep(world, text)
    assert note["text"] == text
    answer = await world.get(ALICE, f"{NOTES}/{note['id']}")
    assert (answer.status_code, answer.json()) == (200, {"success": True, "note": note})


async def test_a_note_tells_of_each_magnet_what_is_known(world: World, store: Store) -> None:
    note = await keep(world, f"{link('a', '18')} {link('c')} {link('a', 'Good.mkv')}")
    await calibrated(world, (await keep(world, link("a")))["id"])
    told = (await world.get(ALICE, f"{NOTES}/{note['id']}")).json()["note"]
    known = {"name": "a.mkv", "verified": True, "certain": True, "size": 1234, "files": 2}
    assert told["torrents"] == [
        {"info_hash": torrent("a").shown.hex, "name": "a.mkv", "junk": False, "known": known},
        {"info_hash": torrent("c").shown.hex, "name": None, "junk": True, "known": None},
        {"info_hash": torrent("a").shown.hex, "name": "a.mkv", "junk": False, "known": known},
    ]
    assert (told["source"], told["notebook"], told["created_at"][-1]) == (None, note["notebook"], "Z")


async def test_the_same_key_keeps_once(world: World) -> None:
    first = await keep(world, "once", Idempotency_Key="k")
    assert await keep(world, "once", Idempotency_Key="k") == first
    assert (await keep(world, "once"))["id"] != first["id"]
    assert (await keep(world, "other", Idempotency_Key="k"))["id"] != first["id"], "what it says is not lost"
    assert (await keep(world, "once", BOB, Idempotency_Key="k"))["id"] != first["id"]


async def test_what_is_typed_over_a_note_is_what_it_says(world: World) -> None:
    note = await keep(world, link("a", "18"))
    path = f"{NOTES}/{note['id']}"
    await calibrated(world, note["id"])
    changed = await put(world, ALICE, path, {"text": f"no more, but {link('b', '19')}", "version": 2})
    assert (changed["text"], changed["version"]) == (f"no more, but {link('b', '19')}", 3)
    assert [one["info_hash"] for one in changed["torrents"]] == [torrent("b").shown.hex]  # type: ignore[attr-defined]
    assert await put(world, ALICE, path, {"text": changed["text"], "version": 3}) == changed
    stale = await world.send("PUT", ALICE, path, {"text": "x", "version": 2})
    assert (stale.status_code, stale.json()["code"]) == (409, "note_changed")
    keyed = {"text": "keyed", "version": 3}
    once = await put(world, ALICE, path, keyed, Idempotency_Key="k")
    assert await put(world, ALICE, path, keyed, Idempotency_Key="k") == once


async def test_a_deleted_note_is_gone_and_taken_back_for_a_day(world: World) -> None:
    note = await keep(world, "words")
    path = f"{NOTES}/{note['id']}"
    there = await world.post(ALICE, f"{path}/restore")
    assert (there.status_code, there.json()["code"]) == (409, "not_deleted")
    for _ in range(2):
        gone = await world.send("DELETE", ALICE, path, Idempotency_Key="k")
        assert (gone.status_code, gone.json()) == (200, {"success": True, "id": note["id"]})
    assert (await world.send("DELETE", ALICE, path)).status_code == 404
    assert (await world.get(ALICE, path)).status_code == 404
    for _ in range(2):
        back = await world.post(ALICE, f"{path}/restore", Idempotency_Key="k")
        assert (back.status_code, back.json()["note"]) == (200, note)
    await world.send("DELETE", ALICE, path)
    await world.clock.advance(DAY + 1)
    late = await world.post(ALICE, f"{path}/restore")
    assert (late.status_code, late.json()["code"]) == (404, "note_not_found")


async def test_a_repeated_deletion_in_a_group_is_done_once(world: World) -> None:
    note_id = await world.note(GROUP, "a")
    for _ in range(2):
        assert (await world.send("DELETE", BOB, f"{NOTES}/{note_id}", Idempotency_Key="k")).status_code == 200
        assert (await world.post(BOB, f"{NOTES}/{note_id}/restore", Idempotency_Key="k")).status_code == 200
    assert (await world.get(BOB, f"{NOTES}/{note_id}")).status_code == 200


async def test_whoever_listens_hears_of_all_that_is_done_to_notes(world: World) -> None:
    socket = await world.listen(BOB)
    notebook, note_id = await world.services.notebook.behind(GROUP), await world.note(GROUP, "a")
    await calibrated(world, note_id)
    socket.heard()
    path, heard = f"{NOTES}/{note_id}", []
    for method, more, body in (
        ("POST", "/undo", {"version": 2}),
        ("PUT", "", {"text": "x", "version": 3}),
        ("DELETE", "", None),
        ("POST", "/restore", None),
    ):
        assert (await world.send(method, ALICE, f"{path}{more}", body)).status_code == 200
        await world.clock.advance(1)
        heard += [(one["note"]["version"], one["note"]["deleted"]) for one in socket.heard() if one["type"] == "note"]
    assert heard == [(3, False), (4, False), (4, True), (4, False)]
    kept = (await world.post(ALICE, NOTES, {"text": "new", "notebook": notebook})).json()["note"]
    await world.clock.advance(1)
    assert [one["note"]["id"] for one in socket.heard()] == [kept["id"]]


# Histories.


async def test_a_history_tells_what_was_changed_and_an_undo_takes_it_back_once(world: World) -> None:
    note = await keep(world, f"see {link('a', '18')}")
    path = f"{NOTES}/{note['id']}"
    task_id = (await world.post(ALICE, ASYNC, {"note_id": note["id"]})).json()["task_id"]
    await world.clock.advance(5)
    undone = await world.post(ALICE, f"{path}/undo", {"version": 2})
    assert (undone.status_code, undone.json()["note"]["text"]) == (200, note["text"])
    twice = await world.post(ALICE, f"{path}/undo", {"version": 2})
    assert (twice.status_code, twice.json()["code"]) == (409, "note_changed")
    await put(world, ALICE, path, {"text": f"look at {link('a', '18')}", "version": 3})
    since = await world.post(ALICE, f"{path}/undo", {"version": 4})
    assert (since.status_code, since.json()["code"]) == (409, "edited_since")
    answer = (await world.get(ALICE, f"{path}/history")).json()
    assert answer == {"success": True, "id": note["id"], "page": 0, "steps": answer["steps"], "more": False}
    assert [(one["version"], one["cause"], one["task_id"]) for one in answer["steps"]] == [
        (4, Cause.EDIT, None),
        (3, Cause.UNDO, task_id),
        (2, "api", task_id),
    ]
    assert [one["changes"] for one in answer["steps"]] == [
        [{"before": "", "removed": "see", "added": "look at", "after": f" {link('a', '18')}"[:24]}],
        [{"before": "", "removed": "a.mkv", "added": "18", "after": ""}],
        [{"before": "", "removed": "18", "added": "a.mkv", "after": ""}],
    ]
    assert [one["further"] for one in answer["steps"]] == [0, 0, 0]


async def test_what_cannot_be_undone_says_why(world: World) -> None:
    note = await keep(world, "words")
    answer = await world.post(ALICE, f"{NOTES}/{note['id']}/undo", {"version": 1})
    assert (answer.status_code, answer.json()["code"]) == (409, "nothing_to_undo")


async def test_a_history_has_pages_of_ten_and_no_end_of_text(world: World) -> None:
    note = await keep(world, "0")
    path = f"{NOTES}/{note['id']}"
    for version in range(1, 12):
        await put(world, ALICE, path, {"text": str(version) * 450_000 * (version % 2) + "end", "version": version})
    pages = [(await world.get(ALICE, f"{path}/history?page={page}")) for page in range(3)]
    assert [len(page.json()["steps"]) for page in pages] == [10, 1, 0]
    assert [page.json()["more"] for page in pages] == [True, False, False]
    assert len(pages[0].content) < 50_000
    assert pages[0].json()["steps"][0]["changes"][0]["added"] == "11" * 500 + "…"


async def test_a_history_of_thousands_of_names_tells_the_first_hundred(world: World, store: Store) -> None:
    words = [f"w{number}" for number in range(150)]
    await store.write(lambda tx: tx.names.put([info_of(torrent(word), f"{word}.mkv") for word in words], 1.0))
    note = await keep(world, " ".join(link(word) for word in words))
    await calibrated(world, note["id"])
    (step,) = (await world.get(ALICE, f"{NOTES}/{note['id']}/history")).json()["steps"]
    assert (len(step["changes"]), step["further"]) == (100, 50)
    assert step["changes"][0] == {"before": "", "removed": None, "added": "w0.mkv", "after": ""}


# Torrents.


async def test_a_torrent_is_told_of_with_its_files_and_the_notes_that_have_it(world: World) -> None:
    first, second = await keep(world, link("a")), await keep(world, link("a"))
    path = f"{TORRENTS}/{torrent('a').shown.hex}"
    before = await world.get(ALICE, path)
    assert (before.status_code, before.json()) == (
        200,
        {
            "success": True,
            "info_hash": torrent("a").shown.hex,
            **dict.fromkeys(("name", "verified", "certain", "size", "file_count", "source")),
            "page": 0,
            "files": [],
            "more": False,
            "notes": [second["id"], first["id"]],
        },
    )
    await calibrated(world, first["id"])
    known = await world.get(ALICE, path.upper().replace("/API/TORRENTS", TORRENTS))
    assert known.json() == before.json() | {
        "name": "a.mkv",
        "verified": True,
        "certain": True,
        "size": 1234,
        "file_count": 2,
        "source": "swarm",
        "files": [{"path": "a.mkv", "size": 1000}, {"path": "b.txt", "size": 234}],
    }
    assert (await world.get(ALICE, f"{path}?page=1")).json()["files"] == []


async def test_what_others_look_up_is_nobodys_business(world: World) -> None:
    await world.ended(ASYNC, {"info_hash": torrent("a").shown.hex}, CAROL)
    known = await world.get(ALICE, f"{TORRENTS}/{torrent('a').shown.hex}")
    unknown = await world.get(ALICE, f"{TORRENTS}/{torrent('z').shown.hex}")
    assert (known.status_code, known.json()) == (unknown.status_code, unknown.json())
    assert (known.status_code, known.json()["code"]) == (404, "torrent_not_found")
    mine = await world.get(CAROL, f"{TORRENTS}/{torrent('a').shown.hex}")
    assert (mine.status_code, mine.json()["name"], mine.json()["notes"]) == (200, "a.mkv", [])


# Who gets in.


@pytest.mark.parametrize(("person", "expected"), [(None, 401), (MALLORY, 403), (CAROL, 200), (BOB, 200), (ALICE, 200)])
async def test_who_is_served_has_a_notebook(person: PersonId | None, expected: int, world: World) -> None:
    for path in ("/api/notebooks", NOTES):
        assert (await world.get(person, path)).status_code == expected


async def test_while_nobody_can_tell_who_is_in_a_group_ones_own_notes_are_open(world: World) -> None:
    ours, mine = await world.note(GROUP, "a"), await world.note(BOB, "b")
    notebook = await world.services.notebook.behind(GROUP)
    world.doors.reachable = False
    for path in (
        f"{NOTES}/{ours}",
        f"{NOTES}?notebook={notebook}",
        f"{TORRENTS}/{torrent('a').shown.hex}",
        "/api/notebooks",
    ):
        answer = await world.get(BOB, path)
        assert (answer.status_code, answer.json()["code"]) == (503, "membership_unknown")
    for path in (f"{NOTES}/{mine}", NOTES, f"{TORRENTS}/{torrent('b').shown.hex}"):
        assert (await world.get(BOB, path)).status_code == 200


async def test_a_group_that_cannot_be_asked_about_shuts_no_other_and_nothing_is_said_to_be_gone(world: World) -> None:
    world.doors.further = ["tg:-6"]
    ours, theirs = await world.note("tg:-6", "a"), await world.note(GROUP, "b")
    notebook = await world.services.notebook.behind("tg:-6")
    world.doors.reachable = False
    for path in (f"{NOTES}/{ours}", f"{NOTES}?notebook={notebook}", f"{TORRENTS}/{torrent('a').shown.hex}"):
        assert (await world.get(BOB, path)).status_code == 200
    assert (await world.post(BOB, "/api/calibrate/batch", {"note_ids": [ours]})).status_code == 200
    for path in (f"{NOTES}/{theirs}", f"{NOTES}/999", f"{TORRENTS}/{torrent('b').shown.hex}", "/api/notebooks"):
        answer = await world.get(BOB, path)
        assert (answer.status_code, answer.json()["code"]) == (503, "membership_unknown")
    refused = await world.post(BOB, "/api/calibrate/batch", {"note_ids": [ours, theirs]})
    assert refused.json()["code"] == "membership_unknown"


async def test_who_has_left_the_group_cannot_repeat_what_they_did_there(world: World) -> None:
    note_id = await world.note(GROUP, "a")
    path, body = f"{NOTES}/{note_id}", {"text": "x", "version": 1}
    assert (await world.send("PUT", BOB, path, body, Idempotency_Key="k")).status_code == 200
    world.doors.members.discard(BOB)
    assert (await world.send("PUT", BOB, path, body, Idempotency_Key="k")).status_code == 404


# What is refused.

NO_TEXTS: list[object] = [
    *("", "  \r\n\t\u3000", "nul\0", "\ud800", "x" * 1_000_001),
    *(None, 7, ["x"], True),
]
NO_NUMBERS: list[object] = [0, -1, 2**63, 10**400, "1", 1.5, True, None]
LAX = ("1_0", "%2B1", "%201", "1%20", "1.0", "%EF%BC%91")
"""What others read as numbers: they are digits alone here."""
NO_BODIES: list[object] = [
    *({}, [], "x", 7, None, {"more": 1}),
    *({"version": 1, "more": 1}, {"text": "x", "more": 1}, {"text": "x", "version": 1, "x\ud800": 1}),
]
BAD: list[tuple[str, str, object]] = [
    *[("POST", NOTES, {"text": text}) for text in NO_TEXTS],
    *[("PUT", f"{NOTES}/1", {"text": text, "version": 1}) for text in NO_TEXTS],
    *[("POST", NOTES, {"text": "x", "notebook": number}) for number in NO_NUMBERS if number is not None],
    *[("PUT", f"{NOTES}/1", {"text": "x", "version": number}) for number in NO_NUMBERS],
    *[("POST", f"{NOTES}/1/undo", {"version": number}) for number in NO_NUMBERS],
    *[("POST", f"{NOTES}/1/undo", body) for body in NO_BODIES],
    *[("POST", NOTES, body) for body in NO_BODIES],
    ("PUT", f"{NOTES}/1", {"text": "x"}),
    *[
        (method, f"{NOTES}/{number}{more}", {"text": "x", "version": 1} if method == "PUT" else None)
        for number in ("x", 0, -1, 2**63, 10**400, "1.5", *LAX)
        for method, more in (
            *(("GET", ""), ("PUT", ""), ("DELETE", ""), ("GET", "/history"), ("POST", "/restore"), ("POST", "/undo")),
        )
    ],
    *[
        ("GET", f"{path}?page={page}", None)
        for path in (NOTES, f"{NOTES}/1/history", f"{TORRENTS}/{'1' * 40}")
        for page in ("x", -1, 10**18, 10**400, "", "1.5", *LAX)
    ],
    *[("GET", f"{NOTES}?notebook={number}", None) for number in ("x", 0, -1, 2**63, 10**400, "", *LAX)],
    *[
        ("GET", f"{TORRENTS}/{spelled}", None)
        for spelled in ("x", "g" * 40, "0" * 40, "1" * 41, "1" * 65, "%00" * 40, "%ff" * 40, "三" * 40)
    ],
]


@pytest.mark.parametrize(("method", "path", "body"), BAD, ids=lambda value: repr(value)[:40])
async def test_a_bad_request_is_one_line_and_changes_nothing(
    method: str, path: str, body: object, world: World
) -> None:
    note = await keep(world, "words")
    assert note["id"] == 1
    answer = await world.send(method, ALICE, path, body)
    assert answer.status_code == 400, answer.text
    assert set(answer.json()) == {"success", "error", "code"}
    assert answer.json()["code"] in {"bad_request", "invalid_info_hash"}
    (line,) = (await world.get(ALICE, NOTES)).json()["notes"]
    assert (line["id"], line["version"]) == (1, 1)


async def test_what_there_is_not_is_not_found(world: World) -> None:
    most = 2**63 - 1
    body = {"text": "x", "version": 1}
    for method, path, sent, code in (
        ("GET", f"{NOTES}/{most}", None, "note_not_found"),
        ("PUT", f"{NOTES}/{most}", body, "note_not_found"),
        ("DELETE", f"{NOTES}/{most}", None, "note_not_found"),
        ("POST", f"{NOTES}/{most}/restore", None, "note_not_found"),
        ("GET", f"{NOTES}/{most}/history", None, "note_not_found"),
        ("POST", f"{NOTES}/{most}/undo", {"version": most}, "note_not_found"),
        ("GET", f"{NOTES}?notebook={most}", None, "notebook_not_found"),
        ("POST", NOTES, {"text": "x", "notebook": most}, "notebook_not_found"),
        ("GET", f"{TORRENTS}/{'1' * 40}?page={2**39}", None, "torrent_not_found"),
    ):
        answer = await world.send(method, ALICE, path, sent)
        assert (answer.status_code, answer.json()["code"]) == (404, code)
    assert (await world.get(ALICE, f"{NOTES}?page={2**40 - 1}")).json()["notes"] == []


async def test_the_longest_text_is_kept_and_told(world: World) -> None:
    text = f"{link('a')} " + "x" * (1_000_000 - len(link("a")) - 1)
    note = await keep(world, text)
    assert note["text"] == text
    (line,) = (await world.get(ALICE, NOTES)).json()["notes"]
    assert line["excerpt"].endswith("…")
    assert NoteId(line["id"]) == note["id"]

"""What people do on the page: its forms, with no script."""

import asyncio
import dataclasses
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from html import unescape
from urllib.parse import quote, urlencode

import httpx
import pytest

from services.calibration.allowance import Allowance
from services.calibration.task import NoteRequest
from services.errors import SourceFailed
from services.store.store import Store
from services.torrents import NoteId, PersonId, Step
from tests.fake_clock import FakeClock
from tests.unit.conftest import Run
from tests.unit.fakes import FakeEngine, info_of, torrent
from tests.unit.name_world import TRUE, guessed
from tests.unit.web_world import ALICE, BOB, CAROL, GROUP, MALLORY, World, web_world
from web.given import FrontEnd

BROWSER = {"Accept": "text/html", "Accept-Language": "en"}
ORIGIN = "http://calibot"
ONE = NoteId(1)
MAGNET = f"magnet:?xt=urn:btih:{torrent('x').shown}"


@pytest.fixture
def guess(engine: FakeEngine) -> None:
    engine.knows("guess", guessed())  # the detector reads its tables: not in the loop


@pytest.fixture
async def world(run: Run, store: Store, clock: FakeClock, engine: FakeEngine) -> AsyncIterator[World]:
    engine.knows("x", "True.Name.mkv")
    async with run() as manager, web_world(manager, store, clock) as world:
        world.http.headers.update(BROWSER)
        yield world


async def log_in(world: World, person: PersonId = ALICE) -> None:
    world.http.cookies.clear()
    secret = await world.services.sessions.link(person)
    assert (await world.http.post(f"/login/{secret}", headers={"Origin": ORIGIN})).status_code == 303


async def press(
    world: World,
    path: str,
    fields: Mapping[str, object] | Sequence[tuple[str, object]] = (),
    *,
    origin: str = ORIGIN,
    on: str = "/",
) -> httpx.Response:
    """Send a form, as a browser does from the page *on*."""
    headers = {
        "Origin": origin,
        "Referer": f"{origin}{on}",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    return await world.http.post(path, content=urlencode(fields), headers=headers)


async def key_on(world: World, path: str = "/") -> str:
    found = re.search(r'name="key" value="([0-9a-f]+)"', (await world.http.get(path)).text)
    assert found
    return found[1]


async def asked_for(world: World) -> list[tuple[NoteId, ...]]:
    """Return the notes of each task under way."""
    live, _ = await world.services.manager.live_tasks()
    return [one.task.request.notes for one in live if isinstance(one.task.request, NoteRequest)]


# Adding a note.


async def test_one_form_that_is_sent_to_two_notebooks_is_a_note_in_each(world: World) -> None:
    """A browser keeps what stood in a form, its key too, when another notebook is chosen."""
    group = await world.services.notebook.behind(GROUP)
    await log_in(world)
    fields = {"text": "mine", "key": await key_on(world)}
    kept = [await press(world, "/notes", {**fields, **where}) for where in ({}, {"notebook": group}, {})]
    assert [one.headers["location"] for one in kept] == ["/notes/1", "/notes/2", "/notes/1"]
    assert await world.text(GROUP, NoteId(2)) == "mine"


async def test_a_text_as_long_as_one_may_be_is_kept_in_any_script(world: World) -> None:
    await log_in(world)
    for text, status in (
        ("影" * 1_000_000, 303),
        ("🎬" * 1_000_000, 303),
        ("🎬" * 1_000_001, 413),
        ("🎬" * 1_100_000, 413),
    ):
        assert (await press(world, "/notes", {"text": text})).status_code == status


async def test_what_is_pasted_becomes_a_note_with_the_line_ends_that_were_typed(world: World) -> None:
    await log_in(world)
    answer = await press(world, "/notes", {"text": f"电影 {MAGNET}\r\n\r\nmine ", "key": await key_on(world)})
    assert (answer.status_code, answer.headers["location"]) == (303, "/notes/1")
    assert await world.text("tg:1", ONE) == f"电影 {MAGNET}\n\nmine "
    assert (await world.services.manager.live_tasks())[1] == 0


async def test_with_the_other_button_its_names_are_found_too(world: World) -> None:
    await log_in(world)
    await press(world, "/notes", {"text": MAGNET, "calibrate": "1"})
    await world.clock.advance(100)
    assert "True.Name.mkv" in await world.text("tg:1", ONE)


async def test_a_text_without_a_magnet_is_kept_with_either_button(world: World) -> None:
    await log_in(world)
    answer = await press(world, "/notes", {"text": "no magnet", "calibrate": "1"})
    assert answer.headers["location"] == "/notes/1"
    assert "no magnet" in (await world.http.get("/notes/1")).text


async def test_one_form_sent_twice_is_one_note_and_with_another_text_another(world: World) -> None:
    await log_in(world)
    key = await key_on(world)
    for text in ("first", "first", "second"):
        answer = await press(world, "/notes", {"text": text, "key": key})
    assert answer.headers["location"] == "/notes/2"
    assert await key_on(world) != key


async def test_a_note_is_added_to_the_notebook_that_is_on_view(world: World) -> None:
    group = await world.services.notebook.behind(GROUP)
    await log_in(world, BOB)
    await press(world, "/notes", {"text": "for all", "notebook": group})
    assert "for all" in (await world.http.get(f"/?notebook={group}")).text
    assert "for all" not in (await world.http.get("/")).text


@pytest.mark.parametrize("text", ["", " \r\n\t "])
async def test_blank_text_is_refused_in_one_line(world: World, text: str) -> None:
    await log_in(world)
    answer = await press(world, "/notes", {"text": text})
    assert answer.status_code == 400
    assert "There is no text to keep." in answer.text
    assert "That was not done." in answer.text


@pytest.mark.parametrize(
    "body",
    [
        b"text=%FF",
        b"text=\xff",
        b"text=a%00b",
        b"&".join([b"note=1"] * 3000),
        b"text=x&notebook=no",
        b"text=x&notebook=0",
    ],
)
async def test_a_form_that_no_browser_sends_is_refused_and_changes_nothing(world: World, body: bytes) -> None:
    await log_in(world)
    headers = {"Origin": ORIGIN, "Content-Type": "application/x-www-form-urlencoded"}
    answer = await world.http.post("/notes", content=body, headers=headers)
    assert answer.status_code == 400
    assert 'id="note-' not in (await world.http.get("/")).text


async def test_a_form_is_no_json_and_json_no_form(world: World) -> None:
    await log_in(world)
    headers = {"Origin": ORIGIN, "Content-Type": "application/json"}
    assert (await world.http.post("/notes", content=b'{"text": "x"}', headers=headers)).status_code == 415
    headers = {"Origin": ORIGIN, "Content-Type": "application/x-www-form-urlencoded"}
    assert (await world.http.post("/api/notes", content=b"text=x", headers=headers)).status_code == 415


@pytest.mark.parametrize("allowance", [Allowance(tasks=1), Allowance(lookups=1)])
async def test_a_note_that_is_kept_is_shown_whatever_becomes_of_its_lookup_and_why_there_is_none(
    run: Run, store: Store, clock: FakeClock, allowance: Allowance
) -> None:
    async with run(allowance=allowance) as manager, web_world(manager, store, clock) as world:
        world.http.headers.update(BROWSER)
        await log_in(world)
        other = f"magnet:?xt=urn:btih:{torrent('other').shown}"
        key = await key_on(world)
        assert (await press(world, "/notes", {"text": MAGNET, "calibrate": 1})).headers["location"] == "/notes/1"
        for _ in range(2):
            answer = await press(world, "/notes", {"text": other, "calibrate": 1, "key": key})
            assert (answer.status_code, answer.headers["location"][:13]) == (303, "/notes/2?told")
        page = (await world.http.get(answer.headers["location"])).text
        assert "The note is kept, but its names are not looked up." in page
        assert "You have 1 task under way" in page or "Your 1 lookups an hour are used up." in page
        assert (await world.http.get("/notes/3")).status_code == 404


async def test_a_note_that_is_kept_while_the_program_stops_is_shown(world: World) -> None:
    await log_in(world)
    await world.services.manager.shutdown()
    answer = await press(world, "/notes", {"text": MAGNET, "calibrate": 1})
    assert answer.status_code == 303
    assert "The note is kept, but its names" in (await world.http.get(answer.headers["location"])).text


async def test_an_address_can_make_the_page_tell_nothing_of_its_own(world: World) -> None:
    await world.note("tg:1", "x")
    await log_in(world)
    for query in ("told=Call%20me", "told=too_many_tasks&most=Call%20me", "told=bad_request&where=Call%20me"):
        answer = await world.http.get(f"/notes/1?{query}")
        assert (answer.status_code, "Call" in answer.text) == (200, False)


# Finding names.


async def test_names_are_found_for_one_for_the_chosen_and_for_all(world: World) -> None:
    for word in ("a", "b", "c", "d"):
        await world.note("tg:1", word)
    await log_in(world)
    asked = [
        [("only", 1), ("note", 2), ("note", 3)],  # its own button, whatever is chosen
        [("note", 2), ("note", 3)],
        [("all", 1)],
    ]
    for fields in asked:
        answer = await press(world, "/calibrate", fields, on="/?page=0")
        assert (answer.status_code, answer.headers["location"]) == (303, "/?page=0")
    assert sorted(await asked_for(world)) == [(1,), (1, 2, 3, 4), (2, 3)]


async def test_all_of_a_groups_notebook_is_that_notebooks(world: World) -> None:
    await world.note("tg:2", "own")
    shared = await world.note(GROUP, "shared")
    await log_in(world, BOB)
    await press(world, "/calibrate", {"all": 1, "notebook": await world.services.notebook.behind(GROUP)})
    assert await asked_for(world) == [(shared,)]


async def test_all_of_notes_without_a_magnet_and_of_none_left_is_answered_in_the_words_of_the_page(
    world: World,
) -> None:
    await log_in(world)
    await press(world, "/notes", {"text": "words alone"})
    assert "No note here has a magnet link." in (await press(world, "/calibrate", {"all": 1})).text
    await press(world, "/notes", {"text": MAGNET, "calibrate": 1})
    await world.clock.advance(100)
    answer = (await press(world, "/calibrate", {"all": 1})).text
    assert "All notes here are calibrated. Find names beside a note does it again." in answer
    assert "/calibrate" not in answer


async def test_lookups_stand_where_they_are_while_they_begin_and_end_the_newest_first(world: World) -> None:
    await log_in(world)
    for word in ("lost", "x", "other", "last"):
        note = await world.note("tg:1", word)
        await press(world, "/calibrate", {"only": note})
        await world.clock.advance(0.1)
    seen = [re.findall(r'<li id="task-([^"]+)"', (await world.http.get("/under-way")).text)]
    for seconds in (2, 30, 100):
        await world.clock.advance(seconds)
        seen.append(re.findall(r'<li id="task-([^"]+)"', (await world.http.get("/under-way")).text))
    assert len(seen[0]) == 4
    assert seen == seen[:1] * 4
    assert "#4" in (await world.http.get("/under-way")).text.partition('<li id="task-')[2].partition("</li>")[0]


async def test_enter_in_a_ticked_box_looks_up_those_that_are_ticked(world: World) -> None:
    """A form's default button is its first (HTML, 4.10.21.2)."""
    await world.note("tg:1", "x")
    await log_in(world)
    form = (await world.http.get("/")).text.partition('id="notes-form"')[2]
    (first, *_) = re.findall(r"<button([^>]*)>([^<]*)", form)
    assert first[1] == "Find names of those chosen"
    assert "name=" not in first[0]


async def test_a_text_that_is_too_long_is_said_to_be(world: World) -> None:
    await log_in(world)
    answer = await press(world, "/notes", {"text": "x" * 1_000_001})
    assert answer.status_code == 413
    assert "That text is too long: the most is 1000000 characters." in answer.text


async def test_what_is_refused_in_a_groups_notebook_leads_back_there(world: World) -> None:
    group = await world.services.notebook.behind(GROUP)
    note = await world.note(GROUP, "x")
    await log_in(world, BOB)
    answer = await press(world, "/calibrate", {"notebook": group}, on=f"/?notebook={group}")
    assert f'<a href="/?notebook={group}">Back</a>' in answer.text
    await press(world, f"/notes/{note}/delete")
    assert f'<a href="/?notebook={group}">To the notes</a>' in (await world.http.get(f"/notes/{note}")).text


async def test_nothing_chosen_is_said(world: World) -> None:
    await log_in(world)
    answer = await press(world, "/calibrate", {})
    assert answer.status_code == 400
    assert "Choose a note first." in answer.text


async def test_a_lookup_is_cancelled_and_tried_again(world: World) -> None:
    note = await world.note("tg:1", "lost")
    await log_in(world)
    await press(world, "/calibrate", {"only": note})
    await world.clock.advance(1)
    page = (await world.http.get("/under-way")).text
    (cancel,) = re.findall(r'action="(/tasks/[^"]+/cancel)#', page)
    assert (await press(world, cancel, on="/notes/1?x=1")).headers["location"] == "/notes/1?x=1"
    page = (await world.http.get("/under-way")).text
    assert 'class="state cancelled"' in page
    (retry,) = re.findall(r'action="(/tasks/[^"]+/retry)#', page)
    assert (await press(world, retry)).status_code == 303
    await world.clock.advance(1)
    assert 'class="state running"' in (await world.http.get("/under-way")).text


async def test_a_press_for_what_is_so_already_leads_where_the_first_one_did(world: World) -> None:
    """Without a script nothing keeps a person from pressing twice: what they asked for was done."""
    note = await world.note("tg:1", "lost")
    await log_in(world)
    await press(world, "/calibrate", {"only": note})
    await world.clock.advance(1)
    (task,) = re.findall(r'action="/tasks/([^"]+)/cancel#', (await world.http.get("/under-way")).text)
    for path, leads_to in (
        (f"/tasks/{task}/cancel", "/?x=1"),
        (f"/tasks/{task}/retry", "/?x=1"),
        (f"/notes/{note}/delete", f"/notes/{note}"),
        (f"/notes/{note}/restore", f"/notes/{note}"),
    ):
        for _ in range(2):
            answer = await press(world, path, on="/?x=1")
            assert (answer.status_code, answer.headers["location"]) == (303, leads_to)


async def test_a_press_that_came_too_late_is_told_so(world: World) -> None:
    note = await world.note("tg:1", "lost")
    lost = (await world.ended("/api/calibrate/async", {"note_id": note}))["task_id"]
    found = (await world.ended("/api/calibrate/async", {"note_id": await world.note("tg:1", "x")}))["task_id"]
    await log_in(world)
    for path in (f"/tasks/{lost}/cancel", f"/tasks/{found}/cancel", f"/tasks/{found}/retry"):
        answer = await press(world, path)
        assert (answer.status_code, "That was not done." in answer.text) == (409, True)
    await press(world, f"/notes/{note}/delete")
    world.clock._now += 90_000.0
    for act in ("delete", "restore"):
        assert (await press(world, f"/notes/{note}/{act}")).status_code == 404


async def test_the_way_back_is_a_page_of_ours(world: World) -> None:
    await world.note("tg:1", "x")
    await log_in(world)
    for referer in (
        "http://elsewhere/notes/1",
        "http://calibot//elsewhere",
        "",
        "http://calibot",
        "not an address",
        "http://[",
    ):
        headers = {"Origin": ORIGIN, "Referer": referer, "Content-Type": "application/x-www-form-urlencoded"}
        answer = await world.http.post("/calibrate", content=b"only=1", headers=headers)
        assert answer.status_code == 303
        assert re.fullmatch(r"/(?!/).*", answer.headers["location"])


@pytest.mark.parametrize(
    "path", ["/logout", "/calibrate", "/notes", "/notes/4/delete", "/notes/4/undo", "/tasks/x/cancel", "/tasks/x/retry"]
)
async def test_the_address_of_a_form_leads_a_browser_to_the_notes_and_a_program_is_told_what_it_takes(
    world: World, path: str
) -> None:
    await log_in(world)
    answer = await world.http.get(path)
    assert (answer.status_code, answer.headers["location"]) == (303, "/#")
    answer = await world.http.get(path, headers={"Accept": "*/*"})
    assert (answer.status_code, answer.json()["code"], answer.headers["allow"]) == (405, "method_not_taken", "POST")


async def test_a_browser_is_told_on_a_page_what_the_framework_refuses(world: World) -> None:
    await log_in(world)
    answer = await world.http.put("/notes/1", headers={"Origin": ORIGIN})
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")
    assert "That was not done." in answer.text
    assert "This address does not take such a request." in answer.text


async def test_a_page_that_refuses_says_when_and_how_to_come_back_as_the_api_does(world: World) -> None:
    assert (await world.http.get("/")).headers["www-authenticate"] == "Bearer"
    for number in range(21):
        answer = await press(world, f"/login/guess{number}")
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 0


async def test_undo_is_offered_where_something_can_be_undone(world: World) -> None:
    note = await world.note("tg:1", "x")
    await log_in(world)
    assert "/undo" not in (await world.http.get("/notes/1")).text
    await world.send("PUT", ALICE, "/api/notes/1", {"text": f"typed {MAGNET}", "version": 1})
    assert "/undo" not in (await world.http.get("/notes/1")).text
    await world.ended("/api/calibrate/async", {"note_id": note})
    assert 'action="/notes/1/undo#history"' in (await world.http.get("/notes/1")).text


# Deciding about names.


@pytest.mark.parametrize(
    ("language", "said"),
    [("en", "claimed by the owner's program, not verified"), ("zh", "由 所有者的程序 提供，未经验证")],
)
async def test_the_page_says_of_a_claim_that_it_is_one_and_whose(
    world: World, engine: FakeEngine, language: str, said: str
) -> None:
    engine.knows(
        "claim", dataclasses.replace(info_of(torrent("claim"), "claimed.mkv", verified=False), source="command")
    )
    note = await world.note("tg:1", "claim")
    task = (await world.ended("/api/calibrate/async", {"note_id": note}))["task_id"]
    await log_in(world)
    for address in ("/", f"/tasks/{task}", f"/notes/{note}"):
        page = await world.http.get(address, headers={"Accept-Language": language})
        assert f'<span class="mark claimed">{said}</span>' in unescape(page.text), address


async def test_what_is_verified_later_is_written_over_a_claim_on_the_page(world: World, engine: FakeEngine) -> None:
    engine.knows("claim", info_of(torrent("claim"), "claimed.mkv", verified=False))
    note = await world.note("tg:1", "claim")
    first = (await world.ended("/api/calibrate/async", {"note_id": note}))["task_id"]
    await log_in(world)
    (word,) = re.findall(r'name="encoding" value="(=[0-9a-f]+)"', (await world.http.get("/")).text)
    await press(world, f"/tasks/{first}/choose", {"position": 0, "encoding": word})
    assert "dn=claimed.mkv" in await world.text("tg:1", note)
    engine.knows("claim", info_of(torrent("claim"), "true.mkv"))
    task = (await world.ended("/api/calibrate/async", {"info_hash": torrent("claim").shown.hex}))["task_id"]
    offer = f"The name in #{note} was never verified. Press this one to write it there."
    page = (await world.http.get(f"/tasks/{task}")).text
    assert offer in page
    assert f'<button name="encoding" value="utf-8" id="choose-{task}-0-utf-8">true.mkv</button>' in page
    pressed = (await world.http.get(f"/tasks/{first}")).text
    assert (offer in pressed, "note corrected" in pressed) == (True, False)
    for _ in range(2):
        answer = await press(world, f"/tasks/{task}/choose", {"position": 0, "encoding": "utf-8"})
        assert answer.status_code == 303
        assert "dn=true.mkv" in await world.text("tg:1", note)
    assert offer not in (await world.http.get("/")).text


async def test_what_is_verified_of_one_of_many_is_offered_over_its_claim_on_the_page(
    world: World, engine: FakeEngine
) -> None:
    engine.knows("claim", info_of(torrent("claim"), "claimed.mkv", verified=False))
    engine.knows("film", info_of(torrent("film"), "film.mkv"))
    note = await world.note("tg:1", "film", "claim")
    task = (await world.ended("/api/calibrate/async", {"note_id": note}))["task_id"]
    await log_in(world)
    engine.knows("claim", info_of(torrent("claim"), "true.mkv"))
    await world.ended("/api/calibrate/async", {"info_hash": torrent("claim").shown.hex})
    page = unescape((await world.http.get(f"/tasks/{task}")).text)
    assert f"The name of {torrent('claim').shown.hex[:16]}… in #{note} was never verified." in page
    assert "note corrected" not in page
    await press(world, f"/tasks/{task}/choose", {"position": 1, "encoding": "utf-8"})
    assert "dn=true.mkv" in await world.text("tg:1", note)
    assert "1 note corrected." in (await world.http.get(f"/tasks/{task}")).text


@pytest.mark.usefixtures("guess")
async def test_a_guess_is_decided_on_the_page_and_then_stands_in_the_note(world: World) -> None:
    note = await world.note("tg:1", "guess")
    task = (await world.ended("/api/calibrate/async", {"note_id": note}))["task_id"]
    await log_in(world)
    page = (await world.http.get("/")).text
    assert "Which of these is its name? Nothing is written before somebody presses it." in page
    assert f'<button name="encoding" value="big5hkscs" id="choose-{task}-0-big5hkscs">{TRUE}</button>' in page
    choice = {"position": 0, "encoding": "big5hkscs"}
    for _ in range(2):
        answer = await press(world, f"/tasks/{task}/choose", choice, on="/notes/1")
        assert (answer.status_code, answer.headers["location"]) == (303, "/notes/1")
    assert quote(TRUE) in await world.text("tg:1", note)
    page = (await world.http.get("/")).text
    assert "Which of these" not in page
    assert "1 note corrected." in page


@pytest.mark.usefixtures("guess")
async def test_a_guess_that_nobody_has_decided_about_stays_in_the_list_of_lookups_and_marks_its_note(
    world: World, engine: FakeEngine
) -> None:
    note = await world.note("tg:1", "guess")
    task = (await world.ended("/api/calibrate/async", {"note_id": note}))["task_id"]
    for word in "abcdefg":
        engine.knows(word, f"{word}.mkv")
        await world.ended("/api/calibrate/async", {"note_id": await world.note("tg:1", word)})
    await log_in(world)
    page = (await world.http.get("/")).text
    assert "Which of these is its name?" in page
    assert re.findall(r'class="mark undecided"', page) == ['class="mark undecided"']
    assert [f">{word}.mkv<" in page for word in "abcdefg"] == [False, False, False, True, True, True, True]
    await press(world, f"/tasks/{task}/choose", {"position": 0, "encoding": "big5hkscs"})
    page = (await world.http.get("/")).text
    assert "Which of these is its name?" not in page
    assert "undecided" not in page


@pytest.mark.usefixtures("guess")
@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"position": 0, "encoding": "rot13"}, 409),
        ({"position": 5, "encoding": "big5hkscs"}, 409),
        ({"position": "x", "encoding": "big5hkscs"}, 400),
        ({"encoding": "big5hkscs"}, 400),
    ],
)
async def test_what_is_no_reading_is_refused(world: World, fields: dict[str, object], status: int) -> None:
    note = await world.note("tg:1", "guess")
    task = (await world.ended("/api/calibrate/async", {"note_id": note}))["task_id"]
    await log_in(world)
    assert (await press(world, f"/tasks/{task}/choose", fields)).status_code == status
    assert "dn=" not in await world.text("tg:1", note)


@pytest.mark.usefixtures("guess")
async def test_a_name_that_was_asked_for_by_its_hash_is_decided_and_its_link_copied(world: World) -> None:
    task = (await world.ended("/api/calibrate/async", {"info_hash": torrent("guess").shown.hex}))["task_id"]
    await log_in(world)
    assert "Press it, and here is the link to copy." in (await world.http.get("/")).text
    await press(world, f"/tasks/{task}/choose", {"position": 0, "encoding": "big5hkscs"})
    assert f"dn={quote(TRUE)}" in (await world.http.get("/")).text


async def test_an_old_name_that_was_replaced_is_shown_and_kept(world: World) -> None:
    await log_in(world)
    await press(world, "/notes", {"text": f"{MAGNET}&dn=Something.else.entirely", "calibrate": 1})
    await world.clock.advance(100)
    page = (await world.http.get("/")).text
    assert "was: Something.else.entirely → now: True.Name.mkv" in page
    (path,) = re.findall(r'action="(/tasks/[^"]+/keep-old)#', page)
    for _ in range(2):
        assert (await press(world, path, {"position": 0})).status_code == 303
    assert "Something.else.entirely" in await world.text("tg:1", ONE)
    page = (await world.http.get("/")).text
    assert "The old name was kept: Something.else.entirely" in page
    assert "/keep-old" not in page


async def test_why_a_found_name_was_not_written_is_said(world: World) -> None:
    await log_in(world)
    for _ in range(2):
        await press(world, "/notes", {"text": f"{MAGNET}&dn=True.Name.mkv", "calibrate": 1})
        await world.clock.advance(100)
    assert "The name stood there already: there was nothing to correct." in (await world.http.get("/")).text


async def test_of_many_each_reason_stands_beside_its_torrent(world: World) -> None:
    note = await world.note("tg:1", "x", "lost")
    await world.ended("/api/calibrate/async", {"note_id": note})
    await log_in(world)
    page = (await world.http.get("/")).text
    assert re.search(rf'<p class="outcome"><code>{torrent("lost").shown.hex[:16]}…</code> \w', page)


async def test_a_reason_is_told_to_its_end_however_long_it_is(world: World, engine: FakeEngine) -> None:
    engine.knows("lost", SourceFailed(source="http", reason=f"{'so ' * 98}it is"))
    engine.evidence = Step("asking", {"trackers": 1, "trackers_answered": 1, "down": "files,command"})
    note = await world.note("tg:1", "lost", "nobody has it")
    await world.ended("/api/calibrate/async", {"note_id": note})
    await log_in(world)
    page = unescape((await world.http.get("/")).text)
    assert f"No name from a web cache: {'so ' * 98}it is.</p>" in page
    assert "Could not be asked: the owner's torrent files, the owner's program.</p>" in page


# Its history.


async def test_a_correction_is_undone_and_written_again_but_not_by_a_page_of_before(world: World) -> None:
    note = await world.note("tg:1", "x")
    await world.ended("/api/calibrate/async", {"note_id": note})
    await log_in(world)

    async def version() -> str:
        found = re.search(r'name="version" value="(\d+)"', (await world.http.get("/notes/1")).text)
        assert found
        return found[1]

    before = await version()
    assert (await press(world, "/notes/1/undo", {"version": before})).headers["location"] == "/notes/1"
    assert "True.Name" not in await world.text("tg:1", note)
    twice = await press(world, "/notes/1/undo", {"version": before})
    assert twice.headers["location"] == "/notes/1", "the second press of two meant the same"
    assert "True.Name" not in await world.text("tg:1", note)
    undone = await version()
    for _ in range(2):
        again = await press(world, "/notes/1/undo", {"version": undone})
        assert again.headers["location"] == "/notes/1"
        assert "True.Name" in await world.text("tg:1", note)
    late = await press(world, "/notes/1/undo", {"version": before})
    assert late.status_code == 409
    assert "True.Name" in await world.text("tg:1", note)
    assert (await press(world, "/notes/1/undo")).status_code == 400


async def test_a_note_is_deleted_and_taken_back(world: World) -> None:
    await world.note("tg:1", "x")
    await log_in(world)
    assert (await press(world, "/notes/1/delete")).headers["location"] == "/notes/1"
    answer = await world.http.get("/notes/1")
    assert "Note #1 is deleted." in answer.text
    assert 'action="/notes/1/restore"' in answer.text
    assert (await world.get(ALICE, "/api/notes/1")).status_code == 404
    assert (await press(world, "/notes/1/restore")).headers["location"] == "/notes/1"
    assert (await world.http.get("/notes/1")).status_code == 200


async def test_a_note_that_is_deleted_is_shown_as_such_to_its_people_alone_and_for_a_day(world: World) -> None:
    await world.note("tg:1", "x")
    await log_in(world)
    await press(world, "/notes/1/delete")
    await log_in(world, CAROL)
    theirs, none = await world.http.get("/notes/1"), await world.http.get("/notes/77")
    assert (theirs.status_code, theirs.text) == (404, none.text)
    await log_in(world)
    for seconds, status in ((86_000.0, 200), (500.0, 404)):
        world.clock._now += seconds
        assert (await world.http.get("/notes/1")).status_code == status


# Where nothing goes on by itself.


async def test_where_lookups_are_waited_for_the_answer_comes_with_the_name(world: World) -> None:
    world.app.state.services = dataclasses.replace(world.services, async_enabled=False)
    await world.note("tg:1", "x")
    await log_in(world)
    assert 'data-front-end="sync"' in (await world.http.get("/")).text
    pressing = asyncio.create_task(press(world, "/calibrate", {"only": 1}))
    await world.clock.advance(100)
    assert (await pressing).status_code == 303
    assert "True.Name.mkv" in await world.text("tg:1", ONE)


async def test_what_is_waited_for_too_long_goes_on_and_pages_say_so_until_it_has_ended(world: World) -> None:
    world.app.state.services = dataclasses.replace(world.services, async_enabled=False, timeout=20.0)
    await log_in(world)
    said = "Load this page again to see what became of it."
    page = "/notes/1"
    dead = f"magnet:?xt=urn:btih:{torrent('lost').shown}"
    for path, fields in (
        ("/notes", {"text": dead, "calibrate": 1}),
        ("/calibrate", {"only": 1}),
        ("/tasks/{task}/retry", {}),
    ):
        live, _ = await world.services.manager.live_tasks()
        task = live[0].task.id if live else ""
        if "{task}" in path:
            await world.clock.advance(100)
            assert said not in (await world.http.get(page)).text
        pressing = asyncio.create_task(press(world, path.format(task=task), fields, on=page))
        await world.clock.advance(26)
        answer = await pressing
        assert answer.status_code == 303
        page = answer.headers["location"]
        shown = (await world.http.get(page)).text
        assert said in shown
        assert "/retry#" not in shown, "what is told there stands at its top"
        assert "That was not done." not in shown
    for path in ("/", f"/tasks/{task}"):
        assert said in (await world.http.get(path)).text
    world.app.state.services = world.services
    assert said not in (await world.http.get("/")).text, "it goes on by itself there"


@pytest.mark.parametrize("front_end", list(FrontEnd))
async def test_the_page_is_told_how_it_learns_of_changes(world: World, front_end: FrontEnd) -> None:
    world.app.state.services = dataclasses.replace(world.services, front_end=front_end)
    await log_in(world)
    assert f'data-front-end="{front_end}"' in (await world.http.get("/")).text


# Who may.

ACTS: list[tuple[str, dict[str, object]]] = [
    ("/notes", {"text": "x"}),
    ("/notes/1/undo", {"version": 2}),
    ("/notes/1/delete", {}),
    ("/notes/1/restore", {}),
    ("/calibrate", {"only": 1}),
    ("/calibrate", {"all": 1}),
    ("/tasks/{task}/cancel", {}),
    ("/tasks/{task}/retry", {}),
    ("/tasks/{task}/choose", {"position": 0, "encoding": "utf-8"}),
    ("/tasks/{task}/keep-old", {"position": 0}),
]


@pytest.mark.parametrize(("path", "fields"), ACTS)
async def test_nobody_and_whoever_is_let_in_no_more_can_do_anything(
    world: World, path: str, fields: dict[str, object]
) -> None:
    task = await _something_of_alices(world)
    world.http.cookies.clear()
    before = await world.text("tg:1", ONE)
    assert (await press(world, path.format(task=task), fields)).status_code == 401
    await log_in(world, MALLORY)
    assert (await press(world, path.format(task=task), fields)).status_code == 403
    assert await world.text("tg:1", ONE) == before


@pytest.mark.parametrize(("path", "fields"), ACTS)
async def test_another_sites_form_does_nothing(world: World, path: str, fields: dict[str, object]) -> None:
    task = await _something_of_alices(world)
    await log_in(world)
    before = await world.text("tg:1", ONE)
    answer = await press(world, path.format(task=task), fields, origin="http://elsewhere")
    assert answer.status_code == 403
    assert await world.text("tg:1", ONE) == before


@pytest.mark.parametrize(("path", "fields"), [one for one in ACTS if one[0] != "/notes" and "all" not in one[1]])
async def test_what_is_anothers_is_answered_as_what_is_not_there(
    world: World, path: str, fields: dict[str, object]
) -> None:
    task = await _something_of_alices(world)
    await log_in(world, CAROL)
    theirs = await press(world, path.format(task=task), fields)
    elsewhere = {name: 77 if name == "only" else value for name, value in fields.items()}
    none = await press(world, path.replace("/1/", "/77/").format(task="77"), elsewhere)
    assert theirs.status_code == none.status_code == 404
    assert theirs.text.replace("#1", "#77") == none.text
    assert await world.text("tg:1", ONE)


async def _something_of_alices(world: World) -> str:
    """Keep a note of hers, with a task that has failed."""
    note = await world.note("tg:1", "lost")
    return str((await world.ended("/api/calibrate/async", {"note_id": note}))["task_id"])

"""The page: who is let in and how, and what it shows to whom."""

import asyncio
import dataclasses
import re
from collections.abc import AsyncIterator, Sequence

import httpx
import pytest

from services.notebook.edits import Edits
from services.notebook.search import Line
from services.notebook.sessions import Sessions
from services.store.store import Store
from services.torrents import FileEntry, NotebookId, NoteId, PersonId
from tests.fake_clock import FakeClock
from tests.unit.conftest import Run
from tests.unit.fakes import FakeEngine, info_of, torrent
from tests.unit.web_world import ALICE, BOB, CAROL, GROUP, MALLORY, World, web_world

DAY = 86400.0
BROWSER = {"Accept": "text/html", "Accept-Language": "en"}
HOSTILE = '<script>alert("1")</script> & "quotes"'


@pytest.fixture
async def world(run: Run, store: Store, clock: FakeClock, engine: FakeEngine) -> AsyncIterator[World]:
    engine.knows("x", "True.Name.mkv")
    engine.knows("hostile", HOSTILE)
    async with run() as manager, web_world(manager, store, clock) as world:
        world.http.headers.update(BROWSER)
        yield world


async def log_in(world: World, person: PersonId = ALICE) -> httpx.Response:
    """Follow a fresh link, as a browser does: the client has the cookie then."""
    secret = await world.services.sessions.link(person)
    return await world.http.post(f"/login/{secret}", headers={"Origin": "http://calibot"})


async def seen(world: World, person: PersonId, path: str) -> httpx.Response:
    world.http.cookies.clear()
    await log_in(world, person)
    return await world.http.get(path)


# Getting in.


async def test_a_stranger_is_told_how_to_come_in_and_sees_nothing(world: World) -> None:
    await world.note("tg:1", "x")
    answer = await world.http.get("/")
    assert (answer.status_code, answer.headers["content-type"]) == (401, "text/html; charset=utf-8")
    assert "Send /login to the bot" in answer.text
    assert "#1" not in answer.text


async def test_a_session_of_the_chats_times_is_told_without_telegram_where_a_link_is(world: World) -> None:
    there = (await seen(world, MALLORY, "/")).text
    assert "The bot serves you no longer." in there
    world.app.state.services = dataclasses.replace(world.services, telegram=False)
    answer = await world.http.get("/")
    assert answer.status_code == 403
    assert "terminal shows a link that opens your notes." in answer.text
    assert "The bot" not in answer.text
    assert "To the notes" not in answer.text
    refused = await world.http.get("/api/notes")
    assert (refused.status_code, refused.json()["code"]) == (403, "not_let_in")


async def test_a_link_that_is_only_looked_at_is_not_used_up_and_asks_first(world: World) -> None:
    secret = await world.services.sessions.link(ALICE)
    for _ in range(3):
        asked = await world.http.get(f"/login/{secret}")
        assert asked.status_code == 200
        assert "Open your notes in this browser?" in asked.text
        assert "set-cookie" not in asked.headers
    assert (await world.http.post(f"/login/{secret}", headers={"Origin": "http://calibot"})).status_code == 303


async def test_a_page_that_only_says_something_leads_past_nothing_to_notes_that_are_not_there(world: World) -> None:
    link = f"/login/{await world.services.sessions.link(ALICE)}"
    for path in (link, "/login/used", "/", "/docs"):
        assert 'class="skip"' not in (await world.http.get(path)).text
    assert '<a class="skip" href="#main">To the notes</a>' in (await seen(world, ALICE, "/")).text


async def test_a_link_lets_in_once_and_then_says_that_it_was_used(world: World) -> None:
    secret = await world.services.sessions.link(ALICE)
    first = await world.http.post(f"/login/{secret}", headers={"Origin": "http://calibot"})
    assert (first.status_code, first.headers["location"]) == (303, "/")
    assert (await world.http.get("/")).status_code == 200
    for again in (
        await world.http.get(f"/login/{secret}"),
        await world.http.post(f"/login/{secret}", headers={"Origin": "http://calibot"}),
    ):
        assert again.status_code == 404
        assert "This link was used, or is too old." in again.text


async def shown_press(here: httpx.AsyncClient, link: str) -> dict[str, str]:
    """Return what the button of a link's page sends."""
    found = re.search(r'name="press" value="([\w-]{43})"', (await here.get(link)).text)
    assert found
    return {"press": found[1]}


async def pressed(here: httpx.AsyncClient, link: str, press: dict[str, str]) -> int:
    return (await here.post(link, data=press, headers={"Origin": "http://calibot"})).status_code


async def test_a_second_press_lets_in_the_browser_that_dropped_the_first_answer_and_nobody_else(world: World) -> None:
    link = f"/login/{await world.services.sessions.link(ALICE)}"
    async with world.client("10.0.0.2") as other:
        press, others = await shown_press(world.http, link), await shown_press(other, link)
        assert await pressed(world.http, link, press) == 303
        world.http.cookies.clear()
        assert [await pressed(other, link, one) for one in (others, {}, {"press": ""})] == [404] * 3
        assert await pressed(world.http, link, press) == 303
        assert await pressed(world.http, link, press) == 303, "with the session that it opened"
        assert (await world.http.get("/")).status_code == 200
        assert await world.services.sessions.close_all(ALICE) == 1
        assert await pressed(world.http, link, press) == 404


async def test_two_presses_at_once_open_one_session(world: World) -> None:
    link = f"/login/{await world.services.sessions.link(ALICE)}"
    press = await shown_press(world.http, link)
    assert await asyncio.gather(*(pressed(world.http, link, press) for _ in range(3))) == [303] * 3
    assert (await world.http.get("/")).status_code == 200
    assert await world.services.sessions.close_all(ALICE) == 1


async def test_a_press_is_known_again_for_a_minute_and_not_after_a_logout(world: World) -> None:
    early, late = [f"/login/{await world.services.sessions.link(ALICE)}" for _ in range(2)]
    press = await shown_press(world.http, early)
    assert await pressed(world.http, early, press) == 303
    assert await pressed(world.http, late, press) == 303, "it is each link's own"
    assert await pressed(world.http, late, press) == 303
    assert (await world.http.post("/logout", headers={"Origin": "http://calibot"})).status_code == 200
    assert await pressed(world.http, late, press) == 404
    again = f"/login/{await world.services.sessions.link(ALICE)}"
    assert await pressed(world.http, again, press) == 303
    world.clock._now += 59
    assert await pressed(world.http, again, press) == 303
    world.clock._now += 62
    assert await pressed(world.http, again, press) == 404


async def test_a_link_is_good_for_five_minutes(world: World) -> None:
    early, late = [await world.services.sessions.link(ALICE) for _ in range(2)]
    world.clock._now += 299
    assert (await world.http.get(f"/login/{early}")).status_code == 200
    world.clock._now += 2
    assert (await world.http.get(f"/login/{late}")).status_code == 404


async def test_of_many_links_the_newest_are_good(world: World) -> None:
    links = [await world.services.sessions.link(ALICE) for _ in range(7)]
    theirs = await world.services.sessions.link(BOB)
    good = [(await world.http.get(f"/login/{one}")).status_code == 200 for one in [*links, theirs]]
    assert good == [False, False, True, True, True, True, True, True]


async def test_another_sites_page_can_not_let_a_browser_in(world: World) -> None:
    secret = await world.services.sessions.link(ALICE)
    for headers in ({"Origin": "https://elsewhere.example"}, {"Origin": "null"}, {}):
        assert (await world.http.post(f"/login/{secret}", headers=headers)).status_code == 403
    assert (await world.http.get(f"/login/{secret}")).status_code == 200


@pytest.mark.parametrize(("public", "secure"), [("", False), ("https://notes.example.org", True)])
async def test_no_script_reads_the_cookie_and_it_goes_over_tls_where_there_is_tls(
    world: World, public: str, *, secure: bool
) -> None:
    world.app.state.services = dataclasses.replace(world.services, public_url=public)
    cookie = (await log_in(world)).headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert ("Secure" in cookie) == secure
    assert re.search(r"Max-Age=2592000\b", cookie)


async def test_behind_a_public_address_its_own_pages_are_no_other_sites(world: World) -> None:
    world.app.state.services = dataclasses.replace(world.services, public_url="https://notes.example.org")
    secret = await world.services.sessions.link(ALICE)
    answer = await world.http.post(f"/login/{secret}", headers={"Origin": "https://notes.example.org"})
    assert answer.status_code == 303


async def test_a_session_is_good_for_a_month_after_the_last_visit(world: World) -> None:
    await log_in(world)
    for _ in range(3):
        world.clock._now += 29 * DAY
        assert (await world.http.get("/")).status_code == 200
    world.clock._now += 31 * DAY
    assert (await world.http.get("/")).status_code == 401


async def test_a_visit_costs_no_write_but_one_a_day(
    world: World, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await log_in(world)
    await world.http.get("/")
    writes, write = 0, store.write

    async def counted(fn: object) -> object:
        nonlocal writes
        writes += 1
        return await write(fn)  # type: ignore[arg-type] # whatever is written

    monkeypatch.setattr(store, "write", counted)
    for _ in range(5):
        await world.http.get("/")
    assert writes == 0
    world.clock._now += DAY + 1
    for _ in range(5):
        await world.http.get("/")
    assert writes == 1


async def test_who_logs_out_is_out_in_this_browser_alone(world: World) -> None:
    other = await world.services.sessions.open(await world.services.sessions.link(ALICE))
    await log_in(world)
    answer = await world.http.post("/logout", headers={"Origin": "http://calibot"})
    assert "You are logged out." in answer.text
    assert (await world.http.get("/")).status_code == 401
    world.http.cookies.set("calibot_session", other)
    assert (await world.http.get("/")).status_code == 200


async def test_two_that_run_on_one_machine_leave_each_other_their_sessions(world: World) -> None:
    """A browser sends a host's cookies to all of its ports."""
    one, other = "http://calibot:8080", "http://calibot:8081"
    for here in (one, other, "http://calibot"):
        link = f"{here}/login/{await world.services.sessions.link(ALICE)}"
        assert (await world.http.post(link, headers={"Origin": here})).status_code == 303
    assert {(await world.http.get(f"{here}/")).status_code for here in (one, other, "http://calibot")} == {200}
    await world.http.post(f"{one}/logout", headers={"Origin": one})
    assert [(await world.http.get(f"{here}/")).status_code for here in (one, other)] == [401, 200]


@pytest.mark.parametrize("host", ["calibot:", "[::1]", "calibot:x", "calibot:²", "calibot:123456"])
async def test_whatever_a_host_is_said_to_be_a_session_is_known_by_it_again(world: World, host: str) -> None:
    session = await world.services.sessions.open(await world.services.sessions.link(ALICE))
    headers = [(b"Host", host.encode()), (b"Cookie", f"calibot_session={session}".encode())]
    assert (await world.http.get("/", headers=headers)).status_code == 200


async def test_another_sites_page_can_not_log_anybody_out(world: World) -> None:
    await log_in(world)
    assert (await world.http.post("/logout", headers={"Origin": "https://elsewhere.example"})).status_code == 403
    assert (await world.http.get("/")).status_code == 200


async def test_who_logs_out_everywhere_is_out_everywhere_and_others_are_not(world: World, store: Store) -> None:
    sessions = Sessions(store, world.clock)
    theirs = await sessions.open(await sessions.link(BOB))
    mine = [await sessions.open(await sessions.link(ALICE)) for _ in range(3)]
    unused = await sessions.link(ALICE)
    assert await sessions.close_all(ALICE) == 3
    assert [await sessions.whose(one) for one in [*mine, theirs]] == [None, None, None, BOB]
    assert (await world.http.get(f"/login/{unused}")).status_code == 404


async def test_who_is_served_no_more_is_told_so(world: World) -> None:
    answer = await seen(world, MALLORY, "/")
    assert answer.status_code == 403
    assert "The bot serves you no longer." in answer.text


async def test_the_browser_keeps_its_session_for_a_month_after_each_visit(world: World) -> None:
    """It is told so once a day, and nothing besides pages is a visit."""
    await world.note("tg:1", "x")
    await log_in(world)
    for days, path, told in (
        (0, "/", False),
        (2, "/under-way", False),
        (0, "/api/notes", False),
        (0, "/", True),
        (0, "/notes/1", False),
        (29, "/figures", True),
        (29, "/notes/1", True),
    ):
        world.clock._now += days * DAY
        answer = await world.http.get(path)
        assert (answer.status_code, "set-cookie" in answer.headers) == (200, told), path
        if told:
            assert world.http.cookies["calibot_session"] in answer.headers["set-cookie"]
            assert "Max-Age=2592000" in answer.headers["set-cookie"]


async def test_a_page_that_was_long_in_the_making_does_not_undo_a_login_that_came_meanwhile(world: World) -> None:
    await log_in(world)
    asked, made = asyncio.Event(), asyncio.Event()
    title = world.doors.title

    async def slow(door: str) -> str:
        asked.set()
        await made.wait()
        return await title(door)

    world.doors.title = slow  # type: ignore[method-assign] # as Telegram may be
    page = asyncio.create_task(world.http.get("/"))
    await asked.wait()
    await log_in(world)
    made.set()
    await page
    assert (await world.http.get("/")).status_code == 200


async def test_a_new_login_ends_the_session_that_the_browser_had(world: World) -> None:
    await log_in(world)
    before = world.http.cookies["calibot_session"]
    await log_in(world)
    assert await world.services.sessions.whose(before) is None
    assert await world.services.sessions.close_all(ALICE) == 1


async def test_sessions_that_had_ended_by_themselves_are_not_counted_as_logged_out(world: World) -> None:
    await log_in(world)
    world.clock._now += 31 * DAY
    assert await world.services.sessions.close_all(ALICE) == 0


async def test_a_password_of_a_proxy_before_it_is_no_matter_of_ours(world: World) -> None:
    world.http.headers["Authorization"] = "Basic YWxpY2U6c2VjcmV0"
    await log_in(world)
    assert [(await world.http.get("/")).status_code for _ in range(25)] == [200] * 25
    world.http.cookies.clear()
    assert {(await world.http.get("/")).status_code for _ in range(25)} == {401}


# A session at the API.


async def test_a_browser_may_ask_the_api_and_only_its_own_pages_may_change_something(world: World) -> None:
    await log_in(world)
    assert (await world.http.get("/api/notes")).status_code == 200
    body = {"text": "a note"}
    for headers in ({}, {"Origin": "https://elsewhere.example"}, {"Origin": "null"}):
        refused = await world.http.post("/api/notes", json=body, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (403, "from_another_site")
    kept = await world.http.post("/api/notes", json=body, headers={"Origin": "http://calibot"})
    assert kept.json()["note"]["text"] == "a note"


async def test_a_token_needs_no_origin_and_goes_before_a_cookie(world: World) -> None:
    await log_in(world, BOB)
    note = await world.note("tg:1", "x")
    answer = await world.http.get(f"/api/notes/{note}", headers=world.as_(ALICE))
    assert answer.status_code == 200
    assert (await world.post(ALICE, "/api/notes", {"text": "kept"})).status_code == 200


async def test_a_browser_listens_from_its_own_pages_alone(world: World) -> None:
    await log_in(world)
    cookie = f"calibot_session={world.http.cookies['calibot_session']}"
    assert (await world.listen(None, Cookie=cookie, Origin="http://calibot")).accepted
    for headers in ({"Origin": "https://elsewhere.example"}, {}):
        assert (await world.listen(None, Cookie=cookie, **headers)).status == 403


# What is shown.


async def test_a_persons_pages_are_made_one_after_another_and_stand_before_nobody_elses(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines, made, at_once, most = world.services.search.lines, asyncio.Event(), 0, 0
    alices = await world.services.notebook.behind(str(ALICE))

    async def slow(notebook: NotebookId, words: str, page: int) -> tuple[Sequence[Line], bool]:
        nonlocal at_once, most
        if notebook == alices:
            at_once += 1
            most = max(most, at_once)
            await made.wait()
            at_once -= 1
        return await lines(notebook, words, page)

    monkeypatch.setattr(world.services.search, "lines", slow)
    pages = [asyncio.create_task(world.get(ALICE, path)) for path in ("/", "/?q=x", "/api/notes", "/")]
    assert (await world.get(BOB, "/")).status_code == 200
    assert not any(one.done() for one in pages)
    made.set()
    assert {(await one).status_code for one in pages} == {200}
    assert most == 1


async def test_the_notebook_is_listed_with_what_is_to_be_done(world: World) -> None:
    await world.note("tg:1", "lost")
    calibrated = await world.note("tg:1", "x")
    await world.ended("/api/calibrate/async", {"note_id": calibrated})
    page = (await seen(world, ALICE, "/")).text
    assert re.findall(r'<li id="note-(\d+)"', page) == ["2", "1"]
    assert "True.Name.mkv" in page
    assert page.count('class="mark open"') == 1


async def test_a_long_notebook_has_pages_and_a_search_keeps_to_its_words(world: World) -> None:
    for number in range(45):
        await world.note("tg:1", f"w{number}" if number % 2 else f"even{number}")
    page = (await seen(world, ALICE, "/")).text
    assert len(re.findall(r'href="/notes/\d+"', page)) == 20
    last = await world.http.get("/?page=2")
    assert len(re.findall(r'href="/notes/\d+"', last.text)) == 5
    assert 'rel="next"' not in last.text
    assert 'href="/?page=1"' in last.text
    found = (await world.http.get("/?q=even44")).text
    assert re.findall(r'href="/notes/(\d+)"', found) == ["45"]
    assert 'value="even44"' in found
    assert "No note has all of these words." in (await world.http.get("/?q=nowhere")).text


async def test_a_magnet_with_many_trackers_is_searched_for_and_too_many_words_are_said_to_be_too_many(
    world: World,
) -> None:
    await world.note("tg:1", "x")
    link = f"magnet:?xt=urn:btih:{torrent('x').shown}" + "&tr=udp%3A%2F%2Ftracker.example%3A1337%2Fannounce" * 80
    await log_in(world)
    found = await world.http.get("/", params={"q": link})
    assert (found.status_code, 'id="note-1"' in found.text) == (200, True)
    refused = await world.http.get("/", params={"q": "word " * 800})
    assert "That is too long to search for: the most is 200 characters." in refused.text


@pytest.mark.parametrize(("kept", "newest"), [("", "/"), ("q=words&", "/?q=words")])
async def test_beyond_the_last_page_the_way_back_leads_to_notes(world: World, kept: str, newest: str) -> None:
    await world.note("tg:1", "words")
    page = (await seen(world, ALICE, f"/?{kept}page=77")).text
    assert "There are no older notes." in page
    assert f'<a rel="prev" href="{newest}">Newer</a>' in page


async def test_an_empty_notebook_says_how_a_note_comes_into_it(world: World) -> None:
    assert "Paste a magnet link above" in (await seen(world, CAROL, "/")).text


async def test_what_is_under_way_is_shown(world: World) -> None:
    note = await world.note("tg:1", "lost")
    await world.post(ALICE, "/api/calibrate/async", {"note_id": note})
    await world.clock.advance(1)
    page = (await seen(world, ALICE, "/")).text
    assert 'class="state running"' in page
    assert 'aria-label="Cancel #1"' in page


async def test_a_lookup_is_shown_with_when_it_began_and_then_with_when_it_ended(world: World) -> None:
    note = await world.note("tg:1", "lost")
    await log_in(world)

    async def times() -> list[tuple[str, str]]:
        page = (await world.http.get("/under-way")).text
        return re.findall(r'<time [^>]*datetime="([^"]+)">([^<]+)</time>', page)

    task = (await world.post(ALICE, "/api/calibrate/async", {"note_id": note})).json()["task_id"]
    for key, seconds in (("started_at", 1), ("completed_at", 100)):
        await world.clock.advance(seconds)
        at = (await world.get(ALICE, f"/api/calibrate/status/{task}")).json()[key]
        assert await times() == [(at, f"{at[:10]} {at[11:16]} UTC")]


async def test_a_note_is_shown_with_its_true_names_its_files_and_its_history(world: World, engine: FakeEngine) -> None:
    note = await world.note("tg:1", "x")
    await world.ended("/api/calibrate/async", {"note_id": note})
    page = (await seen(world, ALICE, f"/notes/{note}")).text
    assert "<strong>True.Name.mkv</strong>" in page
    assert "verified" in page
    assert "2 files" in page
    assert "a.mkv" in page
    assert "<ins>True.Name.mkv</ins>" in page
    assert "calibrated" in page


async def test_what_a_hostile_torrent_has_of_files_is_bounded_on_the_page(world: World, engine: FakeEngine) -> None:
    deep = FileEntry("/".join(f"folder{number}" for number in range(60)) + "/" + "n" * 5000, 1)
    many = tuple(FileEntry(f"file {number}", 1) for number in range(500))
    engine.knows("big", dataclasses.replace(info_of(torrent("big"), "big"), files=(deep, *many)))
    note = await world.note("tg:1", "big")
    await world.ended("/api/calibrate/async", {"note_id": note})
    page = (await seen(world, ALICE, f"/notes/{note}")).text
    assert "501 files" in page
    assert "And 301 more files." in page
    assert page.count('<ul class="files">') <= 13
    assert "n" * 301 not in page
    (after,) = re.findall(r'<a href="([^"#]+)#torrent-[0-9a-f]{40}">And 301 more files.</a>', page)
    page = (await world.http.get(after.replace("&amp;", "&"))).text
    assert "And 101 more files." in page
    assert "<details open>" in page
    assert "file 200 <small>" in page


async def test_a_folder_has_no_size_where_not_all_that_is_in_it_is_at_hand(world: World, engine: FakeEngine) -> None:
    many = tuple(FileEntry(f"photos/{number}", 1) for number in range(500))
    engine.knows("big", dataclasses.replace(info_of(torrent("big"), "big"), files=many))
    note = await world.note("tg:1", "big")
    await world.ended("/api/calibrate/async", {"note_id": note})
    page = (await seen(world, ALICE, f"/notes/{note}")).text
    assert "<li>photos/<ul" in page


async def test_an_edit_of_white_space_is_seen_in_the_history_and_in_the_note(world: World) -> None:
    note = await world.note("tg:1", "x")
    await world.ended("/api/calibrate/async", {"note_id": note})
    text = await world.text("tg:1", note)
    for now in (f"one two {text}", f"\none\ntwo {text}"):
        version = (await world.get(ALICE, f"/api/notes/{note}")).json()["note"]["version"]
        await world.send("PUT", ALICE, f"/api/notes/{note}", {"text": now, "version": version})
    page = (await seen(world, ALICE, f"/notes/{note}")).text
    assert "⏎" in page.partition('class="change"')[2].partition("</li>")[0]
    assert re.search(r"<pre [^>]*>\n\none", page)


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        ("alpha beta", "alpha  beta", "alpha <ins> </ins>beta"),
        ("alpha", "alpha \t", "alpha<ins> \t</ins>"),
        ("alpha", "al\u200bpha", "al<ins>⟨U+200B⟩</ins>pha"),
        ("alpha", "al\u200dpha", "al<ins>⟨U+200D⟩</ins>pha"),
        ("alpha", "al\u202epha", "al<ins>⟨U+202E⟩</ins>pha"),
        ("al\u00a0pha", "al pha", "al<del>\u00a0</del><ins> </ins>pha"),
        ("one", "👨\u200d👩", "<del>one</del><ins>👨\u200d👩</ins>"),
        ("one", "love ❤\ufe0f", "<del>one</del><ins>love ❤\ufe0f</ins>"),
        *(
            (f"❤{one}", "❤", f"❤<del>⟨U+{ord(one):04X}⟩</del>")
            for one in "\u034f\ufe00\ufe0e\ufe0f\U000e0100\U000e01ef"
        ),
    ],
)
async def test_whatever_an_edit_put_in_or_took_away_is_there_to_be_seen(
    world: World, before: str, after: str, shown: str
) -> None:
    note = (await world.post(ALICE, "/api/notes", {"text": before})).json()["note"]
    await world.send("PUT", ALICE, f"/api/notes/{note['id']}", {"text": after, "version": note["version"]})
    page = (await seen(world, ALICE, f"/notes/{note['id']}")).text
    assert f'<p class="change">{shown}</p>' in page


async def test_all_that_an_edit_took_away_can_be_seen(world: World) -> None:
    text = "\n".join(f"line {number}" for number in range(200))
    note = await world.note("tg:1", "x")
    for now in (text, "x"):
        version = (await world.get(ALICE, f"/api/notes/{note}")).json()["note"]["version"]
        await world.send("PUT", ALICE, f"/api/notes/{note}", {"text": now, "version": version})
    page = (await seen(world, ALICE, f"/notes/{note}")).text
    assert "line 199</del>" not in page
    (address, _) = re.findall(r'href="([^"]+)">Show all of it</a>', page)
    whole = (await world.http.get(address)).text
    assert "line 198 ⏎ line 199</del>" in whole
    assert whole.count("Show all of it") == 1


async def test_undo_stands_at_the_names_that_it_takes_back_and_not_at_an_edit_upon_them(world: World) -> None:
    notebook = await world.services.notebook.behind("tg:1")
    text = f"magnet:?xt=urn:btih:{torrent('x').shown}"
    await world.services.notebook.save(text, notebook=notebook, person=ALICE, origin="here")
    await world.ended("/api/calibrate/async", {"note_id": 1})
    await world.services.edits.apply(f"more {text}", notebook=notebook, person=ALICE, origin="here")
    steps = (await seen(world, ALICE, "/notes/1")).text.partition('<ol class="steps">')[2].split("<li id=")[1:]
    assert [("edited" in one, 'id="undo"' in one) for one in steps] == [(True, False), (False, True)]


async def test_a_lookup_that_ends_while_the_notes_page_is_made_is_no_fault(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    note_id = await world.note(str(ALICE), "x")
    asked = world.services.history.can_undo

    async def meanwhile(note: NoteId) -> bool:
        return True if note == note_id else await asked(note)

    monkeypatch.setattr(world.services.history, "can_undo", meanwhile)  # of what its history did not have yet
    answer = await world.get(ALICE, f"/notes/{note_id}")
    assert answer.status_code == 200
    assert 'id="undo"' not in answer.text


async def test_what_was_undone_can_be_written_again(world: World) -> None:
    note = await world.note("tg:1", "x")
    await world.ended("/api/calibrate/async", {"note_id": note})
    assert '<button id="undo">Undo' in (await seen(world, ALICE, f"/notes/{note}")).text
    version = (await world.get(ALICE, f"/api/notes/{note}")).json()["note"]["version"]
    assert (await world.post(ALICE, f"/api/notes/{note}/undo", {"version": version})).status_code == 200
    assert '<button id="undo">Write again' in (await seen(world, ALICE, f"/notes/{note}")).text


async def test_a_name_that_cannot_be_seen_is_said_to_be_so(world: World, engine: FakeEngine) -> None:
    engine.knows("unseen", "\u200b\u3164")
    note = await world.note("tg:1", "unseen")
    await world.ended("/api/calibrate/async", {"note_id": note})
    page = (await seen(world, ALICE, f"/notes/{note}")).text
    assert "<strong>(its name has nothing that can be seen)</strong>" in page


async def test_a_group_is_shown_to_its_members_alone(world: World) -> None:
    note = await world.note(GROUP, "x")
    notebook = await world.services.notebook.behind(GROUP)
    for person, there in ((ALICE, True), (BOB, True), (CAROL, False)):
        page = await seen(world, person, "/")
        assert (f"notebook={notebook}" in page.text) == there
        assert (await world.http.get(f"/notes/{note}")).status_code == (200 if there else 404)
        assert (await world.http.get(f"/?notebook={notebook}")).status_code == (200 if there else 404)


async def test_while_telegram_is_away_the_own_notebook_is_shown(world: World) -> None:
    await world.note("tg:1", "x")
    world.doors.reachable = False
    assert (await seen(world, ALICE, "/")).status_code == 200


@pytest.mark.parametrize(
    "path", ["/notes/999", "/notes/0", "/notes/x", f"/notes/{2**64}", "/?notebook=999", "/?page=-1", "/?page=x"]
)
async def test_what_is_not_there_is_said_on_a_page(world: World, path: str) -> None:
    answer = await seen(world, ALICE, path)
    assert answer.status_code in {400, 404}
    assert "<h1>That cannot be shown.</h1>" in answer.text
    assert "Traceback" not in answer.text


@pytest.mark.parametrize("number", ["x", 0, 2**64])
async def test_a_path_with_what_is_no_number_is_no_page_and_a_bad_request_of_a_program(
    world: World, number: object
) -> None:
    answer = await seen(world, ALICE, f"/notes/{number}")
    assert (answer.status_code, "There is nothing at this address." in answer.text) == (404, True)
    answer = await world.get(ALICE, f"/api/notes/{number}")
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")


async def test_nothing_that_a_note_or_a_torrent_says_becomes_markup(world: World, store: Store) -> None:
    notebook = await world.services.notebook.behind("tg:1")
    text = f"{HOSTILE}\nmagnet:?xt=urn:btih:{torrent('hostile').shown}&dn=old{HOSTILE.replace(' ', '%20')}"
    saved = await world.services.notebook.save(text, notebook=notebook, person=ALICE, origin=None, source=HOSTILE)
    assert saved is not None
    await Edits(store, world.clock, world.services.manager.note_changed).replace(
        text + HOSTILE, notebook=notebook, note_id=NoteId(1), expected=1, person=ALICE
    )
    await world.ended("/api/calibrate/async", {"note_id": 1})
    for path in ("/", "/notes/1", "/?q=alert"):
        page = (await seen(world, ALICE, path)).text
        assert "<script>" not in page
        assert page.count("<script") == 3
        assert "alert" in page


async def test_every_answer_keeps_other_sites_out(world: World) -> None:
    await world.note("tg:1", "x")
    for path in ("/", "/notes/1", "/figures", "/login/x", "/nowhere", "/api/notes", "/static/page.css"):
        answer = await seen(world, ALICE, path)
        assert answer.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'")
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert not re.search(r'(?:src|href|action)="(?:https?:)?//', answer.text)
        assert not re.search(r"<style|style=|\bon[a-z]+=", answer.text)
        assert not re.search(r'<script(?! type="module" src="/static/[a-z]+\.js\?[0-9a-f]{12}"></script>)', answer.text)


async def test_it_is_in_the_readers_language(world: World) -> None:
    await world.ended("/api/calibrate/async", {"note_id": await world.note("tg:1", "x")})
    await log_in(world)
    for path in ("/", "/notes/1", "/figures", "/login/x"):
        page = (await world.http.get(path, headers={"Accept-Language": "zh-CN"})).text
        assert '<html lang="zh-CN">' in page
        assert not re.search(r">[A-Z][a-z]+ [a-z]+ [a-z]+", page), page
        assert not re.search(r'aria-label="[^"]*[\u4e00-\u9fff]:', page), page


@pytest.mark.parametrize("name", ["page.css", "icon.svg"])
async def test_its_files_are_given_to_everybody(world: World, name: str) -> None:
    answer = await world.http.get(f"/static/{name}")
    assert answer.status_code == 200
    assert (await world.http.get("/static/..%2fapp.py")).status_code == 404


async def test_a_notes_page_shows_the_lookups_of_that_note_alone(world: World) -> None:
    first, second = await world.note("tg:1", "lost"), await world.note("tg:1", "gone")
    await world.ended("/api/calibrate/async", {"note_id": first})
    both = (await world.post(ALICE, "/api/calibrate/batch", {"note_ids": [first, second]})).json()["task_id"]
    other = (await world.post(ALICE, "/api/calibrate/async", {"note_id": second})).json()["task_id"]
    page = (await seen(world, ALICE, f"/notes/{first}")).text
    assert len(re.findall('<li id="task-', page)) == 2
    assert f"task-{both}" in page
    assert f"task-{other}" not in page
    (address,) = re.findall('data-from="(/under-way[^"]+)"', page)
    part = (await world.http.get(address.replace("&amp;", "&"))).text
    assert part.strip() in page


async def test_all_torrents_of_a_note_and_all_of_its_history_are_reached_by_links(
    world: World, engine: FakeEngine
) -> None:
    words = [f"word {number}" for number in range(45)]
    for word in words:
        engine.knows(word, f"Name.of.{word.replace(' ', '.')}.mkv")
    note = await world.note("tg:1", *words)
    await world.ended("/api/calibrate/async", {"note_id": note})
    text = await world.text("tg:1", note)
    for number in range(25):
        version = (await world.get(ALICE, f"/api/notes/{note}")).json()["note"]["version"]
        await world.send("PUT", ALICE, f"/api/notes/{note}", {"text": f"{number} {text}", "version": version})
    await log_in(world)
    hashes, versions, path = [], 0, "/notes/1"
    while path:
        page = (await world.http.get(path)).text
        hashes += re.findall(r"<p class=\"about\"><code>([0-9a-f]{40})</code>", page)
        path = _link(page, "next", "torrents")
    assert hashes == [torrent(word).shown.hex for word in words]
    path = "/notes/1?page=1"
    while path:
        page = (await world.http.get(path)).text
        assert f"<code>{torrent('word 20').shown.hex}</code>" in page
        versions += page.partition('<ol class="steps">')[2].count("<li id=")
        path = _link(page, "next", "history")
    assert versions == 26
    assert page.count('<p class="change">') == 26 - 20 - 1 + 20
    (whole,) = re.findall(r'<a href="([^"#]+)#history">And 25 more changes.</a>', page)
    assert (await world.http.get(whole.replace("&amp;", "&"))).text.count('<p class="change">') == 26 - 20 - 1 + 45


@pytest.mark.parametrize("query", ["page=99", "changes=99", "whole=99"])
async def test_a_page_of_a_note_that_is_not_there_is_the_nearest(world: World, query: str) -> None:
    await world.note("tg:1", "x")
    page = await seen(world, ALICE, f"/notes/1?{query}")
    assert (page.status_code, torrent("x").shown.hex in page.text) == (200, True)


def _link(page: str, rel: str, section: str) -> str:
    """Return where the link to the next or previous page of a section leads; "" where there is none."""
    found = re.search(rf'<a rel="{rel}" href="([^"#]+)#{section}"', page)
    return found[1].replace("&amp;", "&") if found else ""

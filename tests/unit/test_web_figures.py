"""The page of figures: what it tells, and to whom."""

import dataclasses
import re
from collections.abc import AsyncIterator

import pytest
from markupsafe import escape

from services.calibration.ports import Served
from services.store.store import Store
from services.torrents import PersonId
from tests.fake_clock import FakeClock
from tests.unit.conftest import Run
from tests.unit.fakes import FakeEngine
from tests.unit.test_web_pages import BROWSER, HOSTILE, log_in, seen
from tests.unit.web_world import ALICE, BOB, CAROL, GROUP, MALLORY, World, web_world

DAY = 86400.0


@pytest.fixture
async def world(run: Run, store: Store, clock: FakeClock, engine: FakeEngine) -> AsyncIterator[World]:
    """Of Alice's lookups two have ended, of the group's three; of Bob's one, and one is under way."""
    for word in ("a1", "a2", "g1", "g2", "g3", "b1"):
        engine.knows(word, word)
    async with run() as manager, web_world(manager, store, clock) as world:
        world.http.headers.update(BROWSER)
        for person, door, words in (
            (ALICE, "tg:1", ("a1", "a2")),
            (BOB, GROUP, ("g1", "g2", "g3")),
            (BOB, "tg:2", ("b1",)),
        ):
            note = await world.note(door, *words)
            await world.ended("/api/calibrate/async", {"note_id": note}, person)
        note = await world.note("tg:2", "lost")
        await world.post(BOB, "/api/calibrate/async", {"note_id": note})
        await world.clock.advance(1)
        yield world


def lookups_in(page: str) -> int:
    found = re.search(r"<p>(\d+) lookups? in 30 days</p>", page)
    return int(found[1]) if found else 0


async def test_nobody_sees_figures_without_being_let_in(world: World) -> None:
    answer = await world.http.get("/figures")
    assert (answer.status_code, lookups_in(answer.text)) == (401, 0)
    assert "Send /login to the bot" in answer.text
    assert "<svg" not in answer.text


async def test_where_there_is_no_bot_figures_are_no_bots(world: World) -> None:
    world.app.state.services = dataclasses.replace(world.services, telegram=False)
    page = (await seen(world, ALICE, "/figures")).text
    assert '<h1 id="figures" tabindex="-1">Figures</h1>' in page
    assert "bot's" not in page.partition('<main id="main">')[2].replace("&#39;", "'")


async def test_who_is_served_no_more_sees_none(world: World) -> None:
    answer = await seen(world, MALLORY, "/figures")
    assert answer.status_code == 403
    assert "<svg" not in answer.text


@pytest.mark.parametrize(
    ("person", "heading", "lookups", "at_work"),
    [
        (ALICE, "The whole bot's figures", 6, 1),
        (BOB, "Your notebooks' figures", 4, 1),
        (CAROL, "Your notebooks' figures", 0, 0),
    ],
)
async def test_an_owner_sees_everybodys_and_each_other_those_of_their_own_notebooks(
    world: World, person: PersonId, heading: str, lookups: int, at_work: int
) -> None:
    page = (await seen(world, person, "/figures")).text
    assert f'<h1 id="figures" tabindex="-1">{escape(heading)}</h1>' in page
    assert lookups_in(page) == lookups
    assert f"<p>Now: {at_work} at work, 0 waiting.</p>" in page


async def test_who_leaves_a_group_sees_no_more_of_its_figures(world: World) -> None:
    world.doors.members.discard(BOB)
    assert lookups_in((await seen(world, BOB, "/figures")).text) == 1


async def test_while_telegram_is_away_the_groups_are_left_out_and_that_is_said(world: World) -> None:
    world.doors.reachable = False
    page = (await seen(world, BOB, "/figures")).text
    assert lookups_in(page) == 1
    assert "the figures of groups are left out" in page


async def test_without_lookups_it_says_how_there_come_to_be_some(world: World) -> None:
    page = (await seen(world, CAROL, "/figures")).text
    assert "No lookup in 30 days." in page
    assert "Send the bot a message with a magnet link" in page
    assert "<svg" not in page


async def test_what_is_in_the_line_now_is_drawn(world: World) -> None:
    page = (await seen(world, ALICE, "/figures")).text
    assert rows_of(page)[:2] == [("at work now", 1000, "1"), ("waiting now", 0, "0")]


async def test_what_is_drawn_is_said_in_numbers_too(world: World, store: Store) -> None:
    notebook = await world.services.notebook.behind("tg:3")
    ends = ["found", "found", "found", "dead", "cancelled"]
    rows = [
        Served(notebook=notebook, source="swarm" if end == "found" else None, waited=2.0, took=took, outcome=end)
        for end, took in zip(ends, (1.0, 3.0, 90.0, 60.0, 5.0), strict=True)
    ]
    await store.write(lambda tx: tx.served.add(rows, world.clock.now() - DAY))
    page = (await seen(world, CAROL, "/figures")).text
    assert "<p>Wait before its turn: 2.0 s on average, 95 of 100 within 2.0 s</p>" in page
    assert "<p>Names found: 75 % of those that nobody stopped</p>" in page
    assert "the swarm <small>3 names</small>" in page
    assert rows_of(page) == [
        ("at work now", 0, "0"),
        ("waiting now", 0, "0"),
        ("wait, on average", 1000, "2.0 s"),
        ("wait, 95 of 100 within", 1000, "2.0 s"),
        ("success", 750, "75 %"),
        ("half within", 33, "3.0 s"),
        ("95 of 100 within", 1000, "1 min 30 s"),
        ("found", 1000, "3"),
        ("stopped by those who asked", 333, "1"),
        ("nobody had it", 333, "1"),
    ]
    drawn = "Upwards what was found each day: 3, at most 3 on one. Downwards what was not: 1, at most 1."
    assert f'role="img" aria-label="{drawn}"' in page
    assert page.count("<g><title>") == 30
    assert re.search(r"<time>\d{4}-\d\d-\d\d</time></th><td>3</td><td>1</td>", page)


async def test_a_time_that_is_said_to_be_none_has_no_bar(world: World, store: Store) -> None:
    notebook = await world.services.notebook.behind("tg:3")
    row = Served(notebook=notebook, source="swarm", waited=0.01, took=0.04, outcome="found")
    await store.write(lambda tx: tx.served.add([row], world.clock.now()))
    drawn = [bar for _, bar, said in rows_of((await seen(world, CAROL, "/figures")).text) if said == "0.0 s"]
    assert drawn == [0, 0, 0, 0]


def rows_of(page: str) -> list[tuple[str, int, str]]:
    row = re.compile(
        r'<tr><th scope="row">([^<]+)</th><td><svg .*?<rect class="part" width="(\d+)" .*?</svg></td><td>([^<]+)</td>'
    )
    return [(word, int(length), number) for word, length, number in row.findall(page)]


async def test_a_source_or_a_code_that_nobody_knows_becomes_no_markup(world: World, store: Store) -> None:
    notebook = await world.services.notebook.behind("tg:3")
    hostile = f"{HOSTILE}\n\u202e{'x' * 500}"
    rows = [
        Served(notebook=notebook, source=hostile, waited=None, took=1.0, outcome="found"),
        Served(notebook=notebook, source=None, waited=None, took=1.0, outcome=hostile),
    ]
    await store.write(lambda tx: tx.served.add(rows, world.clock.now()))
    page = (await seen(world, CAROL, "/figures")).text
    assert "<script>" not in page
    assert "\u202e" not in page
    assert "x" * 61 not in page
    assert page.count("&lt;script&gt;") == 2


async def test_it_is_linked_from_the_tools_and_stays_within_the_policy(world: World) -> None:
    for path in ("/", "/figures"):
        assert 'href="/figures"' in (await seen(world, ALICE, path)).text
    page = await world.http.get("/figures")
    assert page.headers["cache-control"] == "no-store"
    scripts = r'<script(?! type="module" src="/static/[a-z]+\.js\?[0-9a-f]{12}"></script>)'
    assert not re.search(rf"<style|style=|{scripts}|\bon[a-z]+=", page.text)


async def test_in_chinese_nothing_of_it_is_english(world: World) -> None:
    await log_in(world, BOB)
    page = await world.http.get("/figures", headers={"Accept-Language": "zh"})
    words = re.sub(r"<[^>]+>|&[lg]t;", " ", page.text)
    assert set(re.findall(r"[A-Za-z]{2,}", words)) <= {"calibot", "UTC", "BT"}

"""The page of a lookup of many torrents."""

import re
from collections.abc import AsyncIterator

import pytest

from services.store.store import Store
from services.torrents import NoteId
from tests.fake_clock import FakeClock
from tests.unit.conftest import Run
from tests.unit.fakes import FakeEngine, torrent
from tests.unit.web_world import ALICE, World, web_world

BROWSER = {"Accept": "text/html", "Accept-Language": "en"}
FOUND, LOST, OLD = 70, 60, 7


@pytest.fixture
async def world(run: Run, store: Store, clock: FakeClock, engine: FakeEngine) -> AsyncIterator[World]:
    for number in range(FOUND):
        engine.knows(f"found {number}", f"Film.{number:02}.mkv")
    async with run() as manager, web_world(manager, store, clock) as world:
        world.http.headers.update(BROWSER)
        yield world


async def logged_in(world: World) -> None:
    secret = await world.services.sessions.link(ALICE)
    await world.http.post(f"/login/{secret}", headers={"Origin": "http://calibot"})


async def batch(world: World) -> str:
    """Calibrate a note of torrents with and without a name, the first with an old one; return the task's address."""
    words = [f"found {number}" for number in range(FOUND)] + [f"lost {number}" for number in range(LOST)]
    links = [f"magnet:?xt=urn:btih:{torrent(word).shown}" for word in words]
    text = "\n".join(f"{link}&dn=Old.{place}.avi" if place < OLD else link for place, link in enumerate(links))
    notebook = await world.services.notebook.behind("tg:1")
    saved = await world.services.notebook.save(text, notebook=notebook, person=ALICE, origin=None)
    assert saved is not None
    task = await world.post(ALICE, "/api/calibrate/async", {"note_id": saved.note_id})
    for _ in range(30):
        await world.clock.advance(100)
    await logged_in(world)
    return f"/tasks/{task.json()['task_id']}"


def hashes_in(page: str) -> list[str]:
    return re.findall(r"<code>([0-9a-f]{40})</code>", page.partition('id="items"')[2])


async def pages_from(world: World, address: str | None) -> list[str]:
    pages = []
    while address is not None:
        pages.append((await world.http.get(address)).text)
        following = re.search(r'rel="next" href="([^"]+)"', pages[-1])
        address = following[1].replace("&amp;", "&") if following else None
    return pages


async def test_the_list_of_lookups_leads_to_each_torrent_of_one_and_to_what_was_not_found(world: World) -> None:
    address = await batch(world)
    list_of_lookups = (await world.http.get("/")).text
    assert f'<a href="{address}">70 of 130 found, 60 not, 0 left</a>' in list_of_lookups
    every = await pages_from(world, address)
    assert [len(hashes_in(page)) for page in every] == [50, 50, 30]
    assert len({one for page in every for one in hashes_in(page)}) == FOUND + LOST
    assert "<strong>Film.69.mkv</strong>" in every[1]
    (lost_at,) = set(re.findall(r'href="([^"]+)">Not found: 60</a>', every[0]))
    lost = await pages_from(world, lost_at)
    assert [hashes_in(page) for page in lost] == [
        [torrent(f"lost {number}").shown.hex for number in some] for some in (range(50), range(50, 60))
    ]
    assert all('href="/notes/1">#1</a>' in page for page in lost)
    assert "Film." not in lost[0].partition('id="items"')[2]


async def test_each_of_its_links_leads_to_the_list_that_it_changes(world: World) -> None:
    address = await batch(world)
    for query in ("", "?page=1", "?only=lost", "?only=replaced"):
        page = (await world.http.get(f"{address}{query}")).text.partition('id="items"')[2]
        links = re.findall(rf'href="({address}[^"]*)"', page)
        assert len(links) >= 3
        assert all(one.endswith("#items-title") for one in links)


async def test_each_old_name_of_many_can_be_kept(world: World) -> None:
    address = await batch(world)
    (replaced_at,) = re.findall(r'href="([^"]+)">Old names replaced</a>', (await world.http.get(address)).text)
    pages = await pages_from(world, replaced_at)
    old = [torrent(f"found {number}").shown.hex for number in range(OLD)]
    assert [one for page in pages for one in hashes_in(page)] == old
    assert "was: Old.6.avi → now: Film.06.mkv" in pages[-1].partition('id="items"')[2]
    await keep(world, address, OLD - 1)
    assert "&dn=Old.6.avi" in await world.text("tg:1", NoteId(1))
    assert [one for page in await pages_from(world, replaced_at) for one in hashes_in(page)] == old[:-1]
    for position in range(OLD - 1):
        await keep(world, address, position)
    assert "No old name is left to keep here." in (await world.http.get(replaced_at)).text


async def keep(world: World, address: str, position: int) -> None:
    headers = {"Origin": "http://calibot", "Content-Type": "application/x-www-form-urlencoded"}
    answer = await world.http.post(f"{address}/keep-old", content=f"position={position}", headers=headers)
    assert answer.status_code == 303


@pytest.mark.parametrize("query", ["?page=99", "?only=lost&page=99"])
async def test_a_page_beyond_the_end_is_the_last_one(world: World, query: str) -> None:
    page = (await world.http.get(f"{await batch(world)}{query}")).text
    assert hashes_in(page)
    assert 'rel="prev"' in page
    assert 'rel="next"' not in page


@pytest.mark.parametrize("query", ["?only=found", "?page=-1", "?page=x"])
async def test_another_kind_of_page_is_refused(world: World, query: str) -> None:
    assert (await world.http.get(f"{await batch(world)}{query}")).status_code == 400

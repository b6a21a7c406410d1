"""The page in a real browser, beside the chat."""

import asyncio
import re
from collections.abc import AsyncIterator

import httpx
import pytest
from playwright.async_api import Browser, Page, expect

from sandbox.swarm import make_sample
from tests.e2e.conftest import World
from tests.e2e.test_chat_page import browser
from tests.e2e.test_web import address_of

__all__ = ["browser"]
_LINK = re.compile(r"http://127\.0\.0\.1:\d+/login/[\w-]{43}")


async def link_of(world: World) -> str:
    found = _LINK.search((await world.ask("/login")).text)
    assert found
    return found[0]


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    """Yield a tab, whose console has nothing to say at the end."""
    context = await browser.new_context(locale="en-US", viewport={"width": 360, "height": 740})
    page = await context.new_page()
    wrong: list[str] = []
    page.on("console", lambda said: wrong.append(said.text) if said.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    yield page
    await context.close()
    assert wrong == []


async def test_a_link_from_the_chat_opens_the_notes_and_what_was_found(running: World, page: Page) -> None:
    sample = running.swarm.seed(make_sample("True.Name.mkv"))
    await running.ask(f"keep {sample.magnet(dn='18')} this")
    await page.goto(await link_of(running))
    await page.get_by_role("button", name="Open").click()
    note = page.get_by_role("link", name="#1 keep 18 this")
    await expect(note).to_be_visible()
    await expect(page.get_by_text("not calibrated", exact=True)).to_be_visible()
    await expect(page.get_by_text("junk name")).to_be_visible()
    await running.ask("/calibrate 1")
    await running.api.until(lambda: any("completed" in one.text for one in running.private.bot_messages) or None)
    await page.reload()
    await expect(page.get_by_text("not calibrated", exact=True)).to_have_count(0)
    await page.get_by_role("link", name="#1 keep True.Name.mkv this").click()
    await expect(page.get_by_role("heading", name="Note #1")).to_be_visible()
    torrents = page.get_by_role("region", name="Torrents")
    await expect(torrents.get_by_text("True.Name.mkv", exact=True).first).to_be_visible()
    await expect(torrents.get_by_text("verified, from the swarm", exact=True)).to_be_visible()
    await expect(page.get_by_role("region", name="History").get_by_role("insertion")).to_have_text("True.Name.mkv")
    overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert await page.evaluate(overflow) == 0
    await page.get_by_role("button", name="Log out").click()
    await expect(page.get_by_text("You are logged out.")).to_be_visible()


async def test_the_figures_are_drawn_on_a_telephones_screen_and_on_a_desks(running: World, page: Page) -> None:
    sample = running.swarm.seed(make_sample("True.Name.mkv"))
    await running.ask(f"keep {sample.magnet(dn='18')} this")
    await running.ask("/calibrate 1")
    await running.api.until(lambda: any("completed" in one.text for one in running.private.bot_messages) or None)
    await page.goto(await link_of(running))
    await page.get_by_role("button", name="Open").click()
    await page.get_by_role("link", name="Figures").click()
    await expect(page.get_by_role("heading", name="The whole bot's figures")).to_be_visible()
    await expect(page.get_by_text("1 lookup in 30 days")).to_be_visible()
    ends = page.get_by_role("region", name="How they ended")
    await expect(ends.get_by_role("row", name="found 1")).to_be_visible()
    await expect(page.get_by_role("img", name="Upwards what was found each day: 1")).to_be_visible()
    await expect(page.get_by_role("region", name="Queue").get_by_role("row", name="at work now 0")).to_be_visible()
    drawn = page.locator("section:not([aria-labelledby=queue]) svg.bar:not(.time) .part")  # times may be none: 0.0 s
    for width in (360, 1100):
        await page.set_viewport_size({"width": width, "height": 740})
        overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert await page.evaluate(overflow) == 0
        boxes = [await one.bounding_box() for one in await drawn.all()]
        assert len(boxes) == 3
        assert all(box and box["width"] > 20 and box["height"] == 10 for box in boxes)
    await page.get_by_text("The same in numbers").click()
    await expect(page.get_by_role("row", name=re.compile(r"^\d{4}-\d\d-\d\d 1 0$"))).to_have_count(1)
    await running.ask(f"/calibrate_hash {running.swarm.dead().magnet()}")
    await expect(page.get_by_text("Now: 1 at work, 0 waiting.")).to_be_visible()
    await expect(page.get_by_role("table").last).to_be_visible()  # what was opened stays so


async def test_a_link_is_used_once_and_logging_out_everywhere_ends_what_it_opened(running: World) -> None:
    link = await link_of(running)
    address = await address_of(running)
    headers = {"Accept": "text/html", "Origin": address}
    async with httpx.AsyncClient(base_url=address, headers=headers) as http:
        assert (await http.post(link)).status_code == 303
        assert (await http.get("/")).status_code == 200
        assert (await http.post(link)).status_code == 404
        assert (await running.ask("/logout")).text == "/logout all logs you out in every browser."
        assert (await running.ask("/logout all")).text == "You are logged out in 1 browser."
        assert (await http.get("/")).status_code == 401
    secret = link.rpartition("/")[2]
    assert secret not in running.output
    stored = [await asyncio.to_thread(one.read_bytes) for one in running.folder.glob("*.db*")]
    assert [one for one in stored if secret.encode() in one] == []


async def test_in_a_group_it_says_where_a_link_is_given(world: World) -> None:
    bob = world.invite("Bob")
    group = world.group("Films", world.alice, bob)
    await world.start()
    answer = await world.answer(bob.say(group, "/login"))
    assert answer.text == "Links to the page are given in a private chat with me alone."


async def test_the_link_begins_where_others_reach_the_page(world: World) -> None:
    config = world.write_settings()
    web = '[web]\npublic_url = "https://notes.example.org/"\n'
    config.write_text(config.read_text(encoding="utf-8") + web, encoding="utf-8")
    await world.launch(config)
    await world.printed(re.compile("is running as"))
    text = (await world.ask("/login")).text
    assert re.search(r"^https://notes\.example\.org/login/[\w-]{43}$", text, re.MULTILINE)
    assert "public_url" not in text


async def test_switched_off_there_is_no_link(world: World) -> None:
    config = world.write_settings()
    config.write_text(config.read_text(encoding="utf-8") + "[web]\nenabled = false\n", encoding="utf-8")
    await world.launch(config)
    await world.printed(re.compile("is running as"))
    assert (await world.ask("/login")).text.startswith("The page is switched off")

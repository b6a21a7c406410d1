"""Every page is read by axe-core (WCAG 2), as people have it: narrow and wide, light and dark, in both languages."""

import re
from typing import Literal

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, expect

from sandbox.swarm import make_sample
from tests.e2e.conftest import World
from tests.e2e.test_chat_page import browser
from tests.e2e.test_web_page import link_of

__all__ = ["browser"]
_GRAVE = {"serious", "critical"}
_OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


async def faults(page: Page) -> list[str]:
    """Return what keeps people from using *page*, and whether it is wider than its window."""
    found = (await Axe().run(page)).response["violations"]
    told = [
        f"{page.url} {one['id']}: {node['html']}" for one in found if one["impact"] in _GRAVE for node in one["nodes"]
    ]
    wider = await page.evaluate(_OVERFLOW)
    return [*told, f"{page.url} is {wider} pixels too wide"] if wider else told


async def test_what_keeps_people_from_it_would_be_seen(browser: Browser) -> None:
    page = await browser.new_page()
    await page.set_content('<html lang="en"><title>x</title><main><button></button><p>x</p></main></html>')
    assert [one for one in await faults(page) if "button-name" in one]
    await page.close()


@pytest.mark.parametrize(
    ("locale", "width", "scheme"),
    [("en-US", 360, "light"), ("zh-CN", 360, "dark"), ("zh-CN", 1280, "light"), ("en-US", 1280, "dark")],
)
async def test_nothing_keeps_anybody_from_using_a_page(
    running: World, browser: Browser, locale: str, width: int, scheme: Literal["light", "dark"]
) -> None:
    context = await browser.new_context(
        locale=locale, viewport={"width": width, "height": 800}, color_scheme=scheme, reduced_motion="reduce"
    )
    page = await context.new_page()
    link = await link_of(running)
    wrong: list[str] = []
    await page.goto(link)
    wrong += await faults(page)
    await page.locator("main button").click()
    await expect(page.locator("#text")).to_be_visible()
    wrong += await faults(page)  # with nothing in it
    sample = running.swarm.seed(make_sample("The.long.and.true.name.of.a.film.2026.mkv"))
    await running.ask(f"film {sample.magnet(dn='18')}\n{running.swarm.dead().magnet(dn='x' * 90)}")
    await running.ask("/calibrate 1")
    await running.ask(f"/calibrate_hash {running.swarm.dead().magnet()}")
    await expect(page.locator(".outcome").filter(has_text="true.name")).to_be_visible()
    wrong += await faults(page)
    address = page.url
    of_many = (await page.locator(".tasks .about a").first.get_attribute("href") or "").removeprefix("/")
    paths = (
        "notes/1",
        of_many,
        f"{of_many}?only=lost",
        "figures",
        "?q=film",
        "?q=nothing+has+this",
        "notes/77",
        "docs",
    )
    for path in paths:
        await page.goto(address + path)
        wrong += await faults(page)
    await page.goto(f"{address}notes/1")
    await page.locator("summary").first.click()
    wrong += await faults(page)
    await page.locator("#delete").click()
    await expect(page.locator("main form")).to_have_attribute("action", re.compile("restore$"))
    wrong += await faults(page)
    await context.close()
    assert wrong == []


async def test_a_person_with_a_keyboard_alone_keeps_a_note_and_finds_its_name(running: World, browser: Browser) -> None:
    sample = running.swarm.seed(make_sample("By.keyboard.mkv"))
    context = await browser.new_context(locale="en-US")
    page = await context.new_page()
    await page.goto(await link_of(running))
    await page.get_by_role("button", name="Open").focus()
    await page.keyboard.press("Enter")
    await expect(page.locator("#text")).to_be_visible()
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="To the notes")).to_be_focused()
    for _ in range(10):
        if await page.evaluate("document.activeElement.id") == "text":
            break
        await page.keyboard.press("Tab")
    await page.keyboard.type(sample.magnet(dn="18"))
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("insertion")).to_have_text("By.keyboard.mkv")
    await context.close()

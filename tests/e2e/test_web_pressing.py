"""What a press leaves alone: pressed twice it is done once, what is half typed stays, and no page grows too wide."""

import re

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from sandbox.swarm import make_sample
from tests.e2e.conftest import World
from tests.e2e.test_chat_page import browser
from tests.e2e.test_web_accessible import faults
from tests.e2e.test_web_acting import add, log_in, lookups
from tests.e2e.test_web_page import link_of, page

__all__ = ["browser", "page"]
_PRESSES_ANOTHER = """
navigation.addEventListener("navigate", () => {
  setTimeout(() => document.getElementById("find-2").click());
  navigation.addEventListener("navigate", () => {
    sessionStorage.waiting = document.getElementById("connection").checkVisibility();
  }, {once: true});
}, {once: true});
"""
"""While a page is awaited nobody else can look at the old one, nor press there."""


async def far_away(page: Page) -> None:
    """Let each answer take a while, so that there is time for a second press."""
    cdp = await page.context.new_cdp_session(page)
    await cdp.send("Network.enable")
    conditions = {"offline": False, "latency": 300, "downloadThroughput": -1, "uploadThroughput": -1}
    await cdp.send("Network.emulateNetworkConditions", conditions)


async def press_twice(page: Page, button: Locator) -> None:
    """Press where *button* is, whatever is there at the second press."""
    await button.scroll_into_view_if_needed()
    box = await button.bounding_box()
    assert box
    async with page.expect_navigation():
        await page.mouse.click(box["x"] + 9, box["y"] + 9, click_count=2, delay=30)


async def test_a_link_opened_with_a_double_press_lets_in(running: World, page: Page) -> None:
    await page.goto(await link_of(running))
    await far_away(page)
    await press_twice(page, page.get_by_role("button", name="Open"))
    await expect(page.get_by_role("heading", name="Add a note")).to_be_visible()


async def test_another_notes_button_is_heard_while_the_first_ones_answer_is_awaited(
    running: World, browser: Browser
) -> None:
    for _ in range(2):
        await running.ask(running.swarm.dead().magnet())
    context = await browser.new_context(locale="en-US")
    page = await context.new_page()
    await log_in(running, page)
    sends = re.compile("/calibrate$")
    await page.route(sends, lambda route: route.abort("aborted"))
    async with page.expect_event("requestfailed"):
        await page.get_by_role("button", name="Find names #1").click(no_wait_after=True)
    await page.unroute(sends)
    await page.get_by_role("button", name="Find names #2").click(no_wait_after=True)
    await expect(lookups(page, "#2")).to_have_count(1)
    await context.close()


async def test_a_page_waits_for_the_last_press_and_no_longer_when_its_load_was_stopped(
    world: World, page: Page
) -> None:
    world.web = {"front_end": "sync"}
    await world.start()
    for name in ("one", "two"):
        await world.ask(world.swarm.stall(make_sample(name)).magnet(dn="18"))
    await log_in(world, page)
    await page.evaluate(_PRESSES_ANOTHER)
    cdp = await page.context.new_cdp_session(page)
    async with page.expect_request(lambda one: "only=2" in (one.post_data or "")):
        await page.get_by_role("button", name="Find names #1").click(no_wait_after=True)
    await cdp.send("Page.stopLoading")
    await expect(page.get_by_text("this page goes on when it is done")).to_be_hidden()
    assert await page.evaluate("sessionStorage.waiting") == "true"
    await expect(page.get_by_role("button", name="Find names #1")).to_be_visible()


@pytest.mark.parametrize("name", ["Undo", "Delete this note"])
async def test_what_a_double_press_did_is_not_said_to_be_undone(running: World, page: Page, name: str) -> None:
    sample = running.swarm.seed(make_sample("True.mkv"))
    await log_in(running, page)
    await add(page, sample.magnet(dn="18"))
    await expect(page.get_by_role("button", name="Undo")).to_be_visible()
    await far_away(page)
    await press_twice(page, page.get_by_role("button", name=name))
    did = page.get_by_text("Note #1 is deleted.") if name != "Undo" else page.get_by_role("insertion").nth(1)
    await expect(did).to_be_visible()


async def test_half_a_note_outlives_another_press_until_it_is_kept(running: World, page: Page) -> None:
    await running.ask(running.swarm.dead().magnet())
    await log_in(running, page)
    text = page.locator("#text")
    await text.fill("half a note")
    await page.get_by_role("button", name="Find names #1").click()
    await expect(page.get_by_text("running", exact=True)).to_be_visible()
    await expect(text).to_have_value("half a note")
    await page.get_by_role("button", name="Only keep").click()
    await expect(page.get_by_role("heading", name="Note #2")).to_be_visible()
    await page.go_back()
    await expect(text).to_have_value("")
    await page.get_by_role("link", name="calibot").click()
    await expect(text).to_have_value("")


@pytest.mark.parametrize("stays", [False, True])
async def test_a_text_that_never_reached_calibot_outlives_a_look_at_another_note(
    running: World, browser: Browser, *, stays: bool
) -> None:
    """The server is down, and the browser's own page comes; or somebody stops the load, and stays."""
    context = await browser.new_context(locale="en-US")
    page = await context.new_page()
    await log_in(running, page)
    home = page.url
    await add(page, "there before", "Only keep")
    await page.goto(home)
    text = page.locator("#text")
    await text.fill("half a note")
    sends = re.compile(r"/notes(#.*)?$")
    await page.route(sends, lambda route: route.abort("aborted" if stays else "connectionrefused"))
    async with page.expect_event("requestfailed"):
        await page.get_by_role("button", name="Only keep").click(no_wait_after=True)
    await page.unroute(sends)
    if stays:
        await page.get_by_role("link", name=re.compile("^#1")).click()
    else:
        await page.wait_for_url("chrome-error://**")
        await page.go_back()
        await expect(text).to_have_value("half a note")
        await page.goto(f"{home}notes/1")
    await expect(page.get_by_role("heading", name="Note #1")).to_be_visible()
    await page.get_by_role("link", name="calibot").click()
    await expect(text).to_have_value("half a note")
    await page.get_by_role("button", name="Only keep").click()
    await expect(page.get_by_role("heading", name="Note #2")).to_be_visible()
    await expect(page).to_have_url(f"{home}notes/2")
    await page.get_by_role("link", name="calibot").click()
    await expect(text).to_have_value("")
    await context.close()


async def test_logged_out_nothing_that_was_typed_is_left(running: World, page: Page) -> None:
    await log_in(running, page)
    await page.locator("#text").fill("half a note")
    await page.get_by_role("button", name="Log out").click()
    await expect(page.get_by_text("You are logged out.")).to_be_visible()
    assert await page.evaluate("sessionStorage.length") == 0


async def test_going_back_ticks_no_other_note(running: World, page: Page) -> None:
    for _ in range(3):
        await running.ask(running.swarm.dead().magnet())
    await log_in(running, page)
    await page.get_by_role("checkbox", name="Choose #2").check()
    await page.get_by_role("link", name=re.compile("^#2")).click()
    await expect(page.get_by_role("heading", name="Note #2")).to_be_visible()
    await running.ask(running.swarm.dead().magnet())
    await page.go_back()
    await expect(page.get_by_role("checkbox", name="Choose #4")).not_to_be_checked()
    await expect(page.get_by_role("checkbox", name="Choose #2")).to_be_checked()
    assert await page.locator("input:checked").count() == 1
    await page.get_by_role("button", name="Find names of those chosen").click()
    await expect(page.get_by_text("running", exact=True)).to_be_visible()
    await expect(page.locator("input:checked")).to_have_count(0)


async def test_a_tick_is_forgotten_where_another_page_of_the_list_is_opened(running: World, page: Page) -> None:
    await running.ask(f"film {running.swarm.dead().magnet()}")
    await log_in(running, page)
    home = page.url
    await page.get_by_role("checkbox", name="Choose #1").check()
    await page.reload()
    await expect(page.get_by_role("checkbox", name="Choose #1")).to_be_checked()
    await page.goto(f"{home}?q=film")
    await expect(page.get_by_role("checkbox", name="Choose #1")).not_to_be_checked()
    await page.goto(home)
    await expect(page.get_by_role("checkbox", name="Choose #1")).not_to_be_checked()


@pytest.mark.parametrize("query", ["?q=", "?notebook=1&q=", "?q=film*", "?q=%66ilm&page=0"])
async def test_ticks_outlive_another_notes_press_however_the_address_is_spelled(
    running: World, page: Page, query: str
) -> None:
    for _ in range(2):
        await running.ask(f"film {running.swarm.dead().magnet()}")
    await log_in(running, page)
    await page.goto(f"{page.url}{query}")
    await page.get_by_role("checkbox", name="Choose #1").check()
    await page.get_by_role("button", name="Find names #2").click()
    await expect(lookups(page, "#2")).to_have_count(1)
    await expect(page.get_by_role("checkbox", name="Choose #1")).to_be_checked()


@pytest.mark.parametrize("why", ["refused", "connectionrefused", "aborted"])
async def test_ticks_whose_press_came_to_nothing_stay_until_one_is_taken(
    running: World, browser: Browser, why: str
) -> None:
    """One of the notes is deleted meanwhile; or the server is down; or somebody stops the load, and looks elsewhere."""
    for _ in range(3):
        await running.ask(running.swarm.dead().magnet())
    context = await browser.new_context(locale="en-US")
    page = await context.new_page()
    await log_in(running, page)
    home = page.url
    for number in (1, 2):
        await page.get_by_role("checkbox", name=f"Choose #{number}").check()
    press, second = page.get_by_role("button", name="Find names of those chosen"), page.locator("#choose-2")
    if why == "refused":
        deleted = await context.request.post(f"{home}notes/1/delete", headers={"Origin": home.removesuffix("/")})
        assert deleted.ok
        await press.click()
        await expect(page.get_by_text("That was not done.")).to_be_visible()
        await page.get_by_role("link", name="To the notes").click()
    else:
        sends = re.compile("/calibrate(#.*)?$")
        await page.route(sends, lambda route: route.abort(why))
        async with page.expect_event("requestfailed"):
            await press.click(no_wait_after=True)
        await page.unroute(sends)
        if why == "aborted":
            await page.get_by_role("button", name="Find names #3").click()
            await expect(lookups(page, "#3")).to_have_count(1)
        else:
            await page.wait_for_url("chrome-error://**")
            await page.go_back()
    await expect(second).to_be_checked()
    failed = await page.evaluate("sessionStorage.sent")
    await page.goto(f"{home}calibrate{failed}")  # as Enter in the line of the address does
    await expect(second).to_be_checked()
    await press.click()
    await expect(lookups(page, "#2")).to_have_count(1)
    await expect(page.locator("input:checked")).to_have_count(0)
    await page.goto(home)
    await expect(second).not_to_be_checked()
    await context.close()


async def test_what_became_of_a_press_is_told_once(running: World, page: Page) -> None:
    await log_in(running, page)
    await page.goto(f"{page.url}?told=too_many_tasks&most=3&q=film")
    await expect(page.get_by_text("The note is kept, but")).to_be_visible()
    await expect(page).to_have_url(re.compile(r"/\?q=film$"))
    await page.reload()
    await expect(page.get_by_role("heading", name="Notes with")).to_be_visible()
    await expect(page.get_by_text("The note is kept, but")).to_have_count(0)


async def test_what_the_page_says_of_itself_is_seen_where_one_is_and_hides_no_button(
    running: World, browser: Browser
) -> None:
    for _ in range(12):
        await running.ask(running.swarm.dead().magnet())
    context = await browser.new_context(locale="en-US", viewport={"width": 360, "height": 740})
    page = await context.new_page()
    await log_in(running, page)
    last = page.get_by_role("button", name="Find names of all not calibrated")
    await last.focus()
    await running.ask("/logout all")
    await running.ask(f"/calibrate_hash {running.swarm.dead().magnet()}")
    said = page.get_by_role("status").filter(has_text="You are logged out.")
    await expect(said).to_be_in_viewport(ratio=1)
    assert await faults(page) == []
    for _ in range(30):
        await page.keyboard.press("Shift+Tab")
        button, over = await page.locator(":focus").bounding_box(), await said.bounding_box()
        assert button
        assert over
        assert button["y"] >= over["y"] + over["height"] or button["y"] + button["height"] <= over["y"]
    await context.close()


async def test_a_copy_is_told_to_who_does_not_see_it_and_keeps_the_focus(running: World, page: Page) -> None:
    sample = running.swarm.seed(make_sample("True.mkv"))
    await log_in(running, page)
    await add(page, sample.magnet(dn="18"))
    copy = page.get_by_role("button", name="Copy True.mkv")
    await copy.focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("status").filter(has_text="Copied")).to_have_count(1)
    await expect(copy).to_be_focused()


async def test_no_page_is_wider_than_a_phone_whatever_is_searched_for(running: World, page: Page) -> None:
    await page.set_viewport_size({"width": 360, "height": 740})
    await log_in(running, page)
    for words in (str(running.swarm.dead().v1), "w" * 200):
        await page.goto(f"{page.url.partition('?')[0]}?q={words}")
        await expect(page.get_by_role("heading", name="Notes with")).to_be_visible()
        assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0

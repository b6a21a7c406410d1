"""The page as people work with it, beside the chat: in Chromium, on the running program."""

import re
import time

import pytest
from playwright.async_api import Browser, Locator, Page, Route, WebSocketRoute, expect

from benchmarks.ports import free_port
from sandbox.swarm import make_sample
from tests.e2e.conftest import World, kept
from tests.e2e.test_chat_page import browser
from tests.e2e.test_web_page import link_of, page

__all__ = ["browser", "page"]
_REMEMBERS_WHAT_IT_SAYS = """
document.addEventListener("submit", () => setTimeout(() => {
  sessionStorage.said = document.getElementById("connection")?.textContent;
}));
"""
_EVENTS = re.compile(r"/api/events")


async def log_in(world: World, page: Page) -> None:
    await page.goto(await link_of(world))
    await page.get_by_role("button", name=re.compile("Open|打开")).click()
    await expect(page.get_by_role("textbox").first).to_be_visible()


def lookups(page: Page, *words: str) -> Locator:
    """Return the lookups that the page shows, those with these *words*."""
    found = page.get_by_role("region", name="Lookups").get_by_role("listitem")
    for word in words:
        found = found.filter(has_text=word)
    return found


async def add(page: Page, text: str, button: str = "Keep and find names") -> None:
    await page.get_by_role("textbox", name="Magnet links, or any text").fill(text)
    await page.get_by_role("button", name=button, exact=True).click()
    await expect(page.get_by_role("heading", name=re.compile(r"Note #\d+"))).to_be_visible()


# One truth, seen from two sides.


async def test_what_begins_in_the_chat_is_on_the_page_within_a_second(running: World, page: Page) -> None:
    """The best of five: on a busy machine the browser may be late, the program is not."""
    await log_in(running, page)
    seconds = []
    for number in range(1, 6):
        began = time.monotonic()
        running.alice.say(running.private, f"/calibrate_hash {running.swarm.dead().magnet()}")
        await expect(lookups(page, "running")).to_have_count(number)
        seconds.append(time.monotonic() - began)
    assert min(seconds) < 1
    sample = running.swarm.seed(make_sample("From.the.chat.mkv"))
    await running.ask(f"one {sample.magnet(dn='18')}")
    await expect(page.get_by_role("link", name="#1 one 18")).to_be_visible()
    await running.ask("/calibrate 1")
    await expect(lookups(page, "completed", "From.the.chat.mkv")).to_be_visible()
    await expect(page.get_by_role("link", name="#1 one From.the.chat.mkv")).to_be_visible()


async def test_what_begins_on_the_page_is_in_the_queue_and_in_the_note_and_sends_no_message(
    running: World, page: Page
) -> None:
    sample = running.swarm.seed(make_sample("From.the.page.mkv"))
    dead = running.swarm.dead()
    await log_in(running, page)
    there = len(running.private.bot_messages)
    await add(page, f"film {sample.magnet(dn='18')}\n\n{dead.magnet()}")
    await expect(page.get_by_role("listitem").filter(has_text="From.the.page.mkv").first).to_be_visible()
    await expect(page.get_by_text("verified, from the swarm", exact=True).first).to_be_visible()
    assert len(running.private.bot_messages) == there
    assert "#1" in (await running.ask("/queue")).text
    note = kept(await running.ask("/note 1"))
    assert note == f"film {sample.magnet(dn='From.the.page.mkv')}\n\n{dead.magnet()}"
    await page.get_by_role("button", name="Cancel #1").click()
    await expect(lookups(page, "cancelled", "1 of 2 found")).to_be_visible()
    assert "Nothing is" in (await running.ask("/queue")).text


async def test_two_tabs_show_the_same(running: World, page: Page) -> None:
    await log_in(running, page)
    other = await page.context.new_page()
    await other.goto(page.url)
    await add(page, running.swarm.dead().magnet())
    await expect(other.get_by_role("link", name=re.compile("^#1 "))).to_be_visible()
    await expect(lookups(other, "running")).to_be_visible()
    await other.get_by_role("button", name="Cancel #1").click()
    await expect(lookups(page, "cancelled")).to_be_visible()
    await page.get_by_role("button", name="Retry #1").click()
    await expect(lookups(other, "running")).to_be_visible()


# What people do there.


async def test_one_some_and_all_are_looked_up(running: World, page: Page) -> None:
    samples = [running.swarm.seed(make_sample(f"True.{number}.mkv")) for number in range(4)]
    for sample in samples:
        await running.ask(sample.magnet(dn="18"))
    await log_in(running, page)
    await page.get_by_role("button", name="Find names #1").click()
    await expect(page.get_by_role("link", name="#1 True.0.mkv")).to_be_visible()
    for number in (2, 3):
        await page.get_by_role("checkbox", name=f"Choose #{number}").check()
    await page.get_by_role("button", name="Find names of those chosen").click()
    for number in (2, 3):
        await expect(page.get_by_role("link", name=f"#{number} True.{number - 1}.mkv")).to_be_visible()
    await expect(page.get_by_role("link", name="#4 18")).to_be_visible()
    await page.get_by_role("button", name="Find names of all not calibrated").click()
    await expect(page.get_by_role("link", name="#4 True.3.mkv")).to_be_visible()
    await expect(page.get_by_text("not calibrated", exact=True)).to_have_count(0)


async def test_a_correction_is_undone_and_its_magnet_copied_with_one_press(running: World, page: Page) -> None:
    sample = running.swarm.seed(make_sample("Copied & true.mkv"))
    await running.ask(f"keep {sample.magnet(dn='18')}")
    await log_in(running, page)
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await page.get_by_role("link", name="#1 keep 18").click()
    await page.get_by_role("button", name="Find names", exact=True).click()
    copy = page.get_by_role("button", name="Copy Copied & true.mkv")
    await copy.dblclick()
    await expect(copy).to_have_text("Copied")
    await expect(copy).to_have_text("Copy")
    copied = await page.evaluate("navigator.clipboard.readText()")
    assert copied == sample.magnet(dn="Copied & true.mkv")
    await expect(page.get_by_role("insertion")).to_have_text("Copied & true.mkv")
    await page.get_by_role("button", name="Undo").click()
    await expect(page.get_by_role("insertion")).to_have_count(2)
    assert kept(await running.ask("/note 1")) == f"keep {sample.magnet(dn='18')}"


async def test_what_changes_leaves_alone_what_is_chosen_typed_open_and_in_focus(running: World, page: Page) -> None:
    await running.ask(running.swarm.dead().magnet())
    await log_in(running, page)
    await page.get_by_role("checkbox", name="Choose #1").check()
    text = page.get_by_role("textbox", name="Magnet links, or any text")
    await text.fill("half a senten")
    find = page.get_by_role("button", name="Find names #1")
    await find.focus()
    sample = running.swarm.seed(make_sample("Later.mkv"))
    await running.ask(f"later {sample.magnet(dn='18')}")
    await running.ask("/calibrate 2")
    await expect(page.get_by_role("link", name="#2 later Later.mkv")).to_be_visible()
    await expect(page.get_by_role("checkbox", name="Choose #1")).to_be_checked()
    await expect(text).to_have_value("half a senten")
    await expect(find).to_be_focused()


async def test_a_ticked_note_stays_when_newer_ones_push_it_to_the_next_page(running: World, page: Page) -> None:
    await running.ask(running.swarm.dead().magnet())
    await log_in(running, page)
    await page.get_by_role("checkbox", name="Choose #1").check()
    address = page.url.rstrip("/")
    for number in range(20):
        form: dict[str, str | float | bool] = {"text": f"later {number}"}
        await page.context.request.post(f"{address}/notes", form=form, headers={"Origin": address}, max_redirects=0)
    await expect(page.get_by_role("link", name="#21 later 19")).to_be_visible()
    await expect(page.get_by_role("link", name="#2 later 0")).to_be_visible()
    await expect(page.get_by_role("checkbox", name="Choose #1", exact=True)).to_be_checked()
    await page.get_by_role("checkbox", name="Choose #1", exact=True).press("Enter")
    await expect(lookups(page, "running")).to_have_count(1)
    await expect(lookups(page, "#1")).to_have_count(1)


async def test_where_what_is_in_focus_vanishes_the_keyboard_goes_on_at_its_heading(running: World, page: Page) -> None:
    await log_in(running, page)
    await running.ask(running.swarm.dead().magnet())
    await running.ask("/calibrate 1")
    await page.get_by_role("button", name="Cancel #1").focus()
    other = await page.context.new_page()
    await other.goto(page.url)
    await other.get_by_role("button", name="Cancel #1").click()
    await expect(page.get_by_role("heading", name="Lookups")).to_be_focused()


async def test_a_press_leads_to_where_it_is_seen_and_the_keyboard_goes_on_there(running: World, page: Page) -> None:
    await running.ask(f"one {running.swarm.seed(make_sample('True.mkv')).magnet(dn='18')}")
    await running.ask("/calibrate 1")
    await running.ask(f"/calibrate_hash {running.swarm.dead().magnet()}")
    await log_in(running, page)
    await lookups(page, "running").get_by_role("button", name="Cancel").click()
    await expect(page.get_by_role("heading", name="Lookups")).to_be_focused()
    await page.get_by_role("link", name="#1 one True.mkv").click()
    await page.get_by_role("button", name="Undo").click()
    await expect(page.get_by_role("heading", name="History")).to_be_focused()


async def test_a_list_of_files_that_was_closed_and_a_copy_that_was_told_outlive_what_changes(
    running: World, page: Page
) -> None:
    sample = running.swarm.seed(make_sample("True.mkv"))
    await log_in(running, page)
    await add(page, sample.magnet(dn="18"))
    copy = page.get_by_role("button", name="Copy True.mkv")
    await expect(copy).to_be_visible()
    await page.goto(f"{page.url}?of={sample.v1}")
    await page.locator("summary").click()
    await page.evaluate("""() => {
      const later = window.setTimeout;
      window.setTimeout = (done, wait) => wait === 2000 ? 0 : later(done, wait);
    }""")  # its two seconds never pass
    await copy.click()
    await running.ask("/undo 1")
    await expect(page.get_by_role("insertion")).to_have_count(2)
    await expect(page.locator("details")).not_to_have_attribute("open", "")
    await expect(copy).to_have_text("Copied")


async def test_nothing_slides_away_under_a_pointer_that_moves(running: World, page: Page) -> None:
    await log_in(running, page)
    await running.ask(f"/calibrate_hash {running.swarm.dead().magnet()}")
    await expect(lookups(page, "running")).to_have_count(1)
    other = await page.context.new_page()
    await other.goto(page.url)
    await page.evaluate("""() => {
      const moves = () => document.getElementById("lookups").dispatchEvent(new Event("pointermove", {bubbles: true}));
      moves();
      window.moving = setInterval(moves, 50);
    }""")
    await running.ask(f"/calibrate_hash {running.swarm.dead().magnet()}")
    await expect(lookups(other, "running")).to_have_count(2)
    await expect(lookups(page, "running")).to_have_count(1)
    await page.evaluate("clearInterval(window.moving)")
    await expect(lookups(page, "running")).to_have_count(2)


async def test_all_of_it_works_without_a_script(running: World, browser: Browser) -> None:
    sample = running.swarm.seed(make_sample("No.script.mkv"))
    context = await browser.new_context(locale="en-US", java_script_enabled=False)
    page = await context.new_page()
    await log_in(running, page)
    await add(page, sample.magnet(dn="18"))
    await running.api.until(lambda: "No.script.mkv" in str(running.rows("SELECT text FROM notes")))
    await page.reload()
    await expect(page.get_by_role("insertion")).to_have_text("No.script.mkv")
    await expect(page.get_by_role("textbox", name="The magnet with its true name")).to_have_value(
        sample.magnet(dn="No.script.mkv")
    )
    await expect(page.get_by_role("button", name=re.compile("^Copy"))).to_have_count(0)
    await page.get_by_role("button", name="Undo").click()
    await expect(page.get_by_role("insertion")).to_have_count(2)
    await page.get_by_role("button", name="Delete this note").click()
    await expect(page.get_by_text("Note #1 is deleted.")).to_be_visible()
    await page.get_by_role("button", name="Take it back").click()
    await expect(page.get_by_role("heading", name="Note #1")).to_be_visible()
    await context.close()


async def test_it_speaks_chinese(running: World, browser: Browser) -> None:
    sample = running.swarm.seed(make_sample("真名.mkv"))
    context = await browser.new_context(locale="zh-CN")
    page = await context.new_page()
    await log_in(running, page)
    await page.get_by_role("textbox", name="磁力链接，或任意文字").fill(sample.magnet(dn="18"))
    await page.get_by_role("button", name="保存并查找名称").click()
    await expect(page.get_by_role("region", name="名称查找任务").get_by_text("真名.mkv")).to_be_visible()
    await expect(page.get_by_text("已验证").first).to_be_visible()
    await context.close()


# How it learns of what changes.


@pytest.fixture
def heard(page: Page) -> list[str]:
    """Return the addresses of the sockets that the page opens."""
    addresses: list[str] = []
    page.on("websocket", lambda one: addresses.append(one.url))
    return addresses


async def test_asking_each_second_needs_no_socket(world: World, page: Page, heard: list[str]) -> None:
    world.web = {"front_end": "poll"}
    await world.start()
    await log_in(world, page)
    await world.ask(f"/calibrate_hash {world.swarm.dead().magnet()}")
    await expect(lookups(page, "running")).to_be_visible()
    assert heard == []


async def test_where_lookups_are_waited_for_nothing_is_asked_for_and_the_name_comes_with_the_answer(
    world: World, page: Page, heard: list[str]
) -> None:
    world.web = {"front_end": "sync"}
    await world.start()
    sample = world.swarm.unseeded(make_sample("Waited.for.mkv"))
    await page.add_init_script(_REMEMBERS_WHAT_IT_SAYS)  # while a page is awaited nobody can look at the old one
    await log_in(world, page)
    asked: list[str] = []
    page.on("request", lambda one: asked.append(one.url) if one.resource_type in {"fetch", "xhr"} else None)
    await page.get_by_role("textbox", name="Magnet links, or any text").fill(sample.magnet(dn="18"))
    await page.get_by_role("button", name="Keep and find names").click(no_wait_after=True)
    await world.api.until(lambda: world.rows("SELECT 1 FROM items WHERE state = 'running'"))
    await world.swarm.begin_seeding(sample)
    await expect(page.get_by_role("insertion")).to_have_text("Waited.for.mkv")
    assert await page.evaluate("sessionStorage.said") == "Looking up … this page goes on when it is done."
    assert heard == asked == []


async def test_a_cut_socket_is_made_up_for_by_asking_and_goes_on_without_a_gap(
    running: World, page: Page, heard: list[str]
) -> None:
    routes: list[WebSocketRoute] = []
    cut = False

    async def route(one: WebSocketRoute) -> None:
        routes.append(one)
        if cut:
            await one.close(code=1011)
        else:
            one.connect_to_server()

    await page.route_web_socket(_EVENTS, route)
    await log_in(running, page)
    await running.ask(f"/calibrate_hash {running.swarm.dead().magnet()}")
    await expect(lookups(page, "running")).to_have_count(1)
    cut = True
    await routes[0].close(code=1011)
    await expect(page.get_by_text("This page looks for news every second.")).to_be_visible()
    await running.ask(f"/calibrate_hash {running.swarm.dead().magnet()}")
    await expect(lookups(page, "running")).to_have_count(2)
    cut = False
    await expect(page.get_by_text("This page looks for news every second.")).to_be_hidden()
    assert re.search(r"\?since=\d+&notebooks=1$", routes[-1].url)
    await running.ask(f"/calibrate_hash {running.swarm.dead().magnet()}")
    await expect(lookups(page, "running")).to_have_count(3)


@pytest.fixture
async def one_port(world: World) -> World:
    """Return the program, at a port that is the same at each start."""
    world.web = {"port": free_port()}
    await world.start()
    return world


async def test_the_server_started_anew_is_found_again(one_port: World, browser: Browser) -> None:
    context = await browser.new_context(locale="en-US")
    page = await context.new_page()
    await log_in(one_port, page)
    await one_port.ask(f"/calibrate_hash {one_port.swarm.dead().magnet()}")
    await expect(lookups(page, "running")).to_have_count(1)
    assert await one_port.stop() == 0
    await expect(page.get_by_text("calibot cannot be reached.")).to_be_visible()
    await one_port.start()
    await expect(page.get_by_text("calibot cannot be reached.")).to_be_hidden(timeout=30_000)  # it asks less often
    await one_port.ask(f"/calibrate_hash {one_port.swarm.dead().magnet()}")
    await expect(lookups(page, "running")).to_have_count(2)
    await context.close()


async def test_who_is_logged_out_elsewhere_is_told_so_and_keeps_what_is_half_typed(
    running: World, browser: Browser
) -> None:
    context = await browser.new_context(locale="en-US")
    page = await context.new_page()
    await log_in(running, page)
    text = page.get_by_role("textbox", name="Magnet links, or any text")
    await text.fill("half a senten")
    await running.ask("/logout all")
    await running.ask(f"/calibrate_hash {running.swarm.dead().magnet()}")
    await expect(page.get_by_role("status").filter(has_text="You are logged out.")).to_contain_text("/login")
    await expect(text).to_have_value("half a senten")
    other = await context.new_page()
    await log_in(running, other)
    await page.get_by_role("button", name="Only keep").click()
    await expect(page.get_by_text("half a senten").first).to_be_visible()
    await context.close()


async def test_a_note_that_is_no_more_is_said_to_be_gone_and_is_not_asked_for_again(
    running: World, browser: Browser
) -> None:
    context = await browser.new_context(locale="en-US")
    page = await context.new_page()
    await log_in(running, page)
    await add(page, "words", "Only keep")
    other = await context.new_page()
    await other.goto(page.url)
    asked: list[str] = []
    page.on("request", lambda one: asked.append(one.url))
    await other.get_by_role("button", name="Delete this note").click()
    await expect(page.get_by_text("This is not here any more.")).to_be_visible()
    await expect(page.get_by_text("words", exact=True)).to_be_visible()
    there = len(asked)
    await other.get_by_role("button", name="Take it back").click()
    await expect(other.get_by_role("heading", name="Note #1")).to_be_visible()
    await expect(page.get_by_text("This is not here any more.")).to_be_visible()
    assert len(asked) == there
    await context.close()


async def test_asked_too_often_it_waits_as_long_as_it_is_told_to(running: World, browser: Browser) -> None:
    context = await browser.new_context(locale="en-US")
    page = await context.new_page()
    await log_in(running, page)
    times: list[float] = []

    async def answer(route: Route) -> None:
        times.append(time.monotonic())
        if len(times) > 1:
            await route.continue_()
        else:
            await route.fulfill(status=429, headers={"Retry-After": "3"})

    await page.route(re.compile("/under-way"), answer)
    await running.ask(f"/calibrate_hash {running.swarm.dead().magnet()}")
    await expect(page.get_by_text("That was too often.")).to_be_visible()
    await expect(page.get_by_text("That was too often.")).to_be_hidden()
    await expect(lookups(page, "running")).to_have_count(1)
    assert times[1] - times[0] >= 3
    await context.close()

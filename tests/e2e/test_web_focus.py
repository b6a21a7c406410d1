"""What stands on the page changes by itself, and the keyboard stays where it is: in Chromium, on the program."""

import pytest
from playwright.async_api import Page, expect

from sandbox.swarm import make_sample
from tests.e2e.conftest import World
from tests.e2e.test_chat_page import browser
from tests.e2e.test_web_acting import add, log_in, lookups
from tests.e2e.test_web_page import page

__all__ = ["browser", "page"]
GBK = ("三体全集第一部", "红楼梦电视剧")


@pytest.mark.parametrize("answered", ["found later", "answered elsewhere"])
async def test_a_reading_in_focus_never_becomes_another_torrents(running: World, page: Page, answered: str) -> None:
    later = answered == "found later"
    first, second = (make_sample(raw_name=name.encode("gbk")) for name in GBK)
    for sample in (first, second):
        running.swarm.unseeded(sample)
    await running.swarm.begin_seeding(first)
    await log_in(running, page)
    await add(page, "\n".join(one.magnet(dn="18") for one in (first, second, make_sample("Third.mkv"))))
    other = await page.context.new_page()
    await other.goto(page.url)
    if not later:
        await running.swarm.begin_seeding(second)
        await expect(lookups(page).get_by_text("2 of 3 found")).to_be_visible()
    readings = lookups(page).get_by_role("form").get_by_role("button")
    asked = await readings.last.text_content()
    await readings.last.focus()
    if later:
        await running.swarm.begin_seeding(second)
    else:
        await lookups(other).get_by_role("button", name=asked or "", exact=True).click()
    await expect(lookups(page).get_by_role("button", name=asked or "", exact=True)).to_have_count(0)
    await expect(page.get_by_role("heading", name="Lookups")).to_be_focused()


async def test_what_goes_above_what_is_in_focus_takes_no_keyboard_along(running: World, page: Page) -> None:
    for _ in range(4):
        await running.ask(running.swarm.dead().magnet())
    await log_in(running, page)
    find = page.get_by_role("button", name="Find names #2")
    await find.focus()
    site = page.url.rstrip("/")
    for gone in (4, 1, 3):
        await page.context.request.post(f"{site}/notes/{gone}/delete", headers={"Origin": site}, max_redirects=0)
        await expect(page.get_by_role("link", name=f"#{gone}")).to_have_count(0)
        await expect(find).to_be_focused()


async def test_a_copy_in_focus_stays_so_when_the_note_says_another_name_again(running: World, page: Page) -> None:
    sample = running.swarm.seed(make_sample("True.mkv"))
    await log_in(running, page)
    await add(page, sample.magnet(dn="18"))
    copy = page.get_by_role("button", name="Copy True.mkv")
    await expect(copy).to_be_visible()
    await expect(page.get_by_role("insertion")).to_have_count(1)
    await copy.focus()
    for times in (1, 2):
        await running.ask("/undo 1" if times == 1 else "/calibrate 1")
        await expect(page.get_by_text("junk")).to_have_count(times % 2)
        await expect(copy).to_be_focused()


async def test_the_history_grows_above_what_is_in_focus_in_it(running: World, page: Page) -> None:
    said = running.alice.say(running.private, f"{'long ' * 200}{running.swarm.dead().magnet()}")
    await running.answer(said)
    await log_in(running, page)
    await page.get_by_role("link", name="#1").click()
    running.alice.edit(said, f"{'brief ' * 200}{running.swarm.dead().magnet()}")
    whole = page.get_by_role("link", name="Show all of it")
    await whole.focus()
    address = await whole.get_attribute("href")
    for changes in (2, 3):
        running.alice.edit(said, f"{changes} {running.swarm.dead().magnet()}")
        await expect(page.locator(".steps li")).to_have_count(changes)
        assert await page.evaluate("document.activeElement.getAttribute('href')") == address


async def test_the_numbers_of_the_figures_stay_open_when_the_first_name_is_found(running: World, page: Page) -> None:
    await log_in(running, page)
    running.alice.say(running.private, f"/calibrate_hash {running.swarm.dead().magnet()}")
    await lookups(page, "running").get_by_role("button", name="Cancel").click()
    await page.get_by_role("link", name="Figures").click()
    numbers = page.get_by_text("The same in numbers")
    await numbers.click()
    await running.ask(f"/calibrate_hash {running.swarm.seed(make_sample('True.mkv')).magnet()}")
    await expect(page.get_by_role("heading", name="Success and time by source")).to_be_visible()
    await expect(page.locator("details")).to_have_attribute("open", "")
    await expect(numbers).to_be_focused()


async def test_a_copy_in_focus_and_open_files_stay_their_torrents_when_another_comes_before_it(
    running: World, page: Page
) -> None:
    alpha, beta = (running.swarm.seed(make_sample(name, files=[("a.mkv", 9)])) for name in ("Alpha", "Beta"))
    said = running.alice.say(running.private, beta.magnet())
    await running.answer(said)
    await running.ask("/calibrate 1")
    await running.ask(f"/calibrate_hash {alpha.magnet()}")
    await log_in(running, page)
    await page.get_by_role("link", name="#1").first.click()
    beta_files = page.get_by_role("listitem").filter(has=page.get_by_text("Beta", exact=True)).locator("details")
    await beta_files.locator("summary").click()
    copy = page.get_by_role("button", name="Copy Beta")
    await copy.focus()
    running.alice.edit(said, f"{alpha.magnet()} {beta.magnet()}")
    await expect(page.get_by_role("button", name="Copy Alpha")).to_be_visible()
    await expect(copy).to_be_focused()
    await expect(beta_files).to_have_attribute("open", "")
    await expect(page.locator("details[open]")).to_have_count(1)
    await page.get_by_role("region", name="History").get_by_role("button").focus()
    running.alice.edit(said, "no magnet any more")
    await expect(page.get_by_role("heading", name="Torrents")).to_have_count(0)
    await expect(page.get_by_role("heading", name="History")).to_be_focused()


async def test_what_a_lookup_wrote_and_an_edit_took_away_is_no_longer_offered_to_be_undone(
    running: World, page: Page
) -> None:
    sample = running.swarm.seed(make_sample("True.mkv"))
    said = running.alice.say(running.private, sample.magnet(dn="A quite different film"))
    await running.answer(said)
    await running.ask("/calibrate 1")
    await log_in(running, page)
    keep_old = lookups(page).get_by_role("button", name="Keep old")
    await expect(keep_old).to_be_visible()
    await running.ask(f"second {running.swarm.dead().magnet()}")
    await expect(page.get_by_role("link", name="#2 second")).to_be_visible()  # it has been read again since it listens
    running.alice.edit(said, f"other words {sample.magnet(dn='Another name')}")
    await expect(keep_old).to_have_count(0)


async def test_where_all_notes_are_gone_none_is_listed_whatever_was_ticked(running: World, page: Page) -> None:
    for _ in range(3):
        await running.ask(running.swarm.dead().magnet())
    await log_in(running, page)
    await page.get_by_role("checkbox", name="Choose #2").check()
    site = page.url.rstrip("/")
    for gone in (1, 2, 3):
        await page.context.request.post(f"{site}/notes/{gone}/delete", headers={"Origin": site}, max_redirects=0)
    await expect(page.get_by_text("There are no notes yet.")).to_be_visible()
    await expect(page.get_by_role("button", name="Find names #")).to_have_count(0)


async def test_a_tick_box_that_can_no_longer_be_ticked_is_not_and_gives_the_keyboard_to_its_heading(
    running: World, page: Page
) -> None:
    said = running.alice.say(running.private, running.swarm.dead().magnet())
    await running.answer(said)
    await log_in(running, page)
    box = page.get_by_role("checkbox", name="Choose #1")
    await box.focus()
    await page.keyboard.press("Space")
    await expect(box).to_be_checked()
    running.alice.edit(said, "no magnet any more")
    await expect(box).to_be_disabled()
    await expect(box).not_to_be_checked()
    await expect(page.get_by_role("heading", name="Notes", level=2)).to_be_focused()

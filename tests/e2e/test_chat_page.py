"""The demo's chat page, used as people use it: in Chromium, by roles and words, on the running program."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, Locator, Page, WebSocketRoute, async_playwright, expect

from tests.e2e.demo_help import read_until, started

_PATIENCE = 30_000
_FILM = "A film that is called “18”"
_SLOW = "Slow: a peer comes after 6 s"


@dataclass
class Screen:
    """A page that somebody looks at, and what went wrong in it."""

    page: Page
    wrong: list[str] = field(default_factory=list)

    def went_to(self, url: str) -> None:
        if urlsplit(url).hostname != "127.0.0.1":
            self.wrong.append(url)

    @property
    def input(self) -> Locator:
        return self.page.get_by_role("textbox", name="Message")

    @property
    def messages(self) -> Locator:
        return self.page.get_by_role("list", name="Messages").get_by_role("listitem")

    def message(self, *words: str | re.Pattern[str]) -> Locator:
        """Return the newest message that has all the *words*."""
        found = self.messages
        for one in words:
            found = found.filter(has_text=one)
        return found.last

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    async def send(self, text: str) -> None:
        await self.input.fill(text)
        await self.input.press("Enter")

    async def be(self, name: str) -> None:
        await self.page.get_by_role("radio", name=name).check(force=True)

    async def go(self, chat: str) -> None:
        await self.page.get_by_role("navigation", name="Chats").get_by_role("button", name=chat).click()

    async def choose(self, message: Locator, item: str) -> None:
        """Open the menu of *message* and choose *item*."""
        await message.hover()
        await message.get_by_role("button", name="More about this message").click()
        await self.page.get_by_role("menuitem", name=item).click()

    async def tab_to(self, wanted: Locator, key: str = "Tab") -> None:
        """Press *key* until *wanted* has the focus."""
        for _ in range(300):
            if await wanted.evaluate("node => node === document.activeElement"):
                return
            await self.page.keyboard.press(key)
        raise AssertionError(f"{wanted} cannot be reached with {key}")


def chromium() -> str:
    """Return where Chromium is. Without it these tests are left out, which CI does not forgive."""
    found = shutil.which("chromium")
    if found is None:
        missing = "Chromium is not here, so nobody looked at the chat page (on Debian: apt install chromium)"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    return found


@contextmanager
def demo(folder: Path, *options: str | Path) -> Iterator[str]:
    """Run the demo and yield its page's address."""
    command = (sys.executable, "-m", "bot", "demo", "--no-browser", *options)
    with started(folder, command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        text = read_until(process, "Ctrl-C ends it")
        found = re.search(r"http://127\.0\.0\.1:\d+/", text)
        assert found, text
        yield found[0]
        process.send_signal(signal.SIGINT)
        process.communicate()
        assert process.returncode == 0


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    expect.set_options(timeout=_PATIENCE)
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium(), args=arguments)
        yield browser
        await browser.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "temporary"
    path.mkdir()
    return path


@pytest.fixture
async def url(browser: Browser, folder: Path) -> AsyncIterator[str]:
    with demo(folder) as url:
        yield url


async def opened(
    browser: Browser, url: str, sockets: Callable[[WebSocketRoute], None] | None = None, **options: object
) -> Screen:
    """Open the page, and remember whatever is wrong with it."""
    context = await browser.new_context(**{"locale": "en-US", **options})  # type: ignore[arg-type]
    page = await context.new_page()
    screen = Screen(page)
    page.on("console", lambda said: screen.wrong.append(said.text) if said.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: screen.wrong.append(str(error)))
    page.on("request", lambda asked: screen.went_to(asked.url))
    page.on("websocket", lambda asked: screen.went_to(asked.url))
    if sockets:
        await page.route_web_socket("**/live", sockets)
    await page.goto(url)
    return screen


@pytest.fixture
async def screen(browser: Browser, url: str) -> AsyncIterator[Screen]:
    screen = await opened(browser, url)
    await expect(screen.message("#5 saved")).to_be_visible()
    yield screen
    assert screen.wrong == []
    await screen.page.close()


async def test_a_magnet_is_pasted_saved_and_calibrated_and_its_card_follows(screen: Screen) -> None:
    await expect(screen.page.get_by_role("note")).to_contain_text("This is a sandbox")
    await screen.button(_FILM).click()
    await expect(screen.input).to_be_focused()
    await expect(screen.input).to_have_value(re.compile(r"^magnet:\?xt=urn:btih:.*dn=18"))
    await screen.input.press("Enter")
    saved = screen.message("#6 saved")
    await saved.get_by_role("group", name="Buttons").get_by_role("button", name="Calibrate").click()
    await expect(screen.message(re.compile("completed.*#6"), "神女.The.Goddess.1934.修复版")).to_be_visible()
    await expect(screen.message("completed", "edited")).to_be_visible()
    await screen.button(_SLOW).click()
    await screen.input.press("Enter")
    await screen.message("#7 saved").get_by_role("button", name="Calibrate").click()
    await expect(screen.message("running")).to_be_visible()
    await expect(screen.message("completed", "Metropolis.1927.Complete.mkv")).to_be_visible()


async def test_the_web_page_is_one_press_away_and_shows_the_same(screen: Screen) -> None:
    await screen.button("/login – the web page").click()
    await screen.input.press("Enter")
    async with screen.page.expect_popup() as opening:
        await screen.message("This link opens your notes").get_by_role("link").click()
    web = await opening.value
    web.on("request", lambda asked: screen.went_to(asked.url))
    await web.get_by_role("button", name="Open").click()
    await expect(web.get_by_role("link", name=re.compile("^#5 "))).to_be_visible()
    await screen.button(_FILM).click()
    await screen.input.press("Enter")
    await screen.message("#6 saved").get_by_role("button", name="Calibrate").click()
    await expect(web.get_by_role("link", name="#6 神女.The.Goddess.1934.修复版")).to_be_visible()


async def test_messages_are_answered_edited_deleted_and_forwarded(screen: Screen) -> None:
    await screen.send("/save ask Bob about it")
    await expect(screen.message("#6 saved")).to_be_visible()
    await screen.choose(screen.message(re.compile("^/save ask Bob")), "Edit")
    await expect(screen.input).to_have_value("/save ask Bob about it")
    await screen.send("/save ask Carol about it")
    edited = screen.message(re.compile("^/save ask Carol"))
    await expect(edited).to_contain_text("edited")
    await screen.send("/note 6")
    await expect(screen.message("ask Carol", re.compile(r"^(?!.*/save)"))).to_be_visible()

    await screen.choose(screen.message(re.compile("^For the long drive")), "Reply")
    await expect(screen.page.get_by_text("Reply to Alice")).to_be_visible()
    await screen.send("/find")
    asked = screen.message(re.compile(r"^AliceFor the long drive.*/find\d"))
    await expect(asked.get_by_role("button", name="Alice For the long drive:")).to_be_visible()
    await expect(screen.message("/find", "#2")).to_be_visible()

    await screen.choose(asked, "Delete")
    await screen.page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    await expect(asked).to_have_count(0)

    await screen.choose(screen.message(re.compile("^For the long drive")), "Forward")
    await screen.page.get_by_role("dialog").get_by_role("button", name="Film club").click()
    await expect(screen.page.get_by_role("heading", name="Film club")).to_be_visible()
    await expect(screen.message("Forwarded from Alice", "For the long drive")).to_be_visible()
    await expect(screen.message("saved: 1 magnet")).to_be_visible()


async def test_what_is_typed_while_a_message_is_on_its_way_stays(browser: Browser, url: str) -> None:
    answers: list[Callable[[], None]] = []

    def hold_answers(client: WebSocketRoute) -> None:
        server = client.connect_to_server()
        client.on_message(server.send)
        server.on_message(lambda m: answers.append(lambda: client.send(m)) if '"answer"' in m else client.send(m))

    screen = await opened(browser, url, sockets=hold_answers)
    await expect(screen.message("#5 saved")).to_be_visible()
    await screen.send("/save one")
    await expect(screen.message("#6 saved")).to_be_visible()
    await screen.input.fill("two")
    for answer in answers:
        answer()
    await screen.button("Send").click()
    await expect(screen.message(re.compile("^two"))).to_be_visible()
    await screen.page.close()


async def test_a_text_file_is_attached_and_an_export_can_be_saved(screen: Screen, tmp_path: Path) -> None:
    link = "magnet:?xt=urn:btih:0123456789abcdef0123456789abcdef01234567"
    async with screen.page.expect_file_chooser() as choosing:
        await screen.button("Attach a text file").click()
    (tmp_path / "链接.txt").write_text(link)
    await (await choosing.value).set_files(tmp_path / "链接.txt")
    await expect(screen.message("链接.txt")).to_be_visible()
    await expect(screen.message("#6 saved")).to_be_visible()
    await screen.send("/export")
    file = screen.messages.get_by_role("link", name=re.compile(r"\.json")).last
    async with screen.page.expect_download() as downloading:
        await file.click()
    assert link in (await (await downloading.value).path()).read_text("utf-8")


async def test_two_people_share_a_group_and_each_has_a_chat_alone(screen: Screen, browser: Browser, url: str) -> None:
    await screen.go("Film club")
    await screen.button("Emoji").click()
    await screen.input.press("Enter")
    await expect(screen.message("#6 saved")).to_be_visible()
    other = await opened(browser, url)
    await other.be("Bob")
    await expect(other.messages).to_have_count(0)
    await other.go("Film club")
    await expect(other.message("Alice", "magnet:?")).to_be_visible()
    await other.message("#6").get_by_role("button", name="Calibrate").click()
    await expect(screen.message("🎬🍿 Movie night 🌙✨")).to_be_visible()
    await screen.send("thanks")
    await expect(other.message("Alice", "thanks")).to_be_visible()
    assert other.wrong == []
    await other.page.close()


async def test_many_at_once_are_one_list_that_can_be_cancelled(screen: Screen) -> None:
    await screen.page.get_by_role("button", name="Eight at once").click()
    board = screen.message(" 8 tasks: ")
    await expect(board).to_be_visible()
    await board.get_by_role("button", name="Cancel all").click()
    await board.get_by_role("button", name="Yes, cancel").click()
    await expect(board).to_contain_text("0 left")


async def test_a_stranger_is_refused(screen: Screen) -> None:
    await screen.be("Mallory")
    await expect(screen.page.get_by_role("navigation", name="Chats").get_by_role("button")).to_have_count(1)
    await screen.send("/notes")
    await expect(screen.message("Your number", re.compile(r"70000\d{5}"))).to_be_visible()
    await expect(screen.messages).to_have_count(2)


async def test_bob_is_answered_in_chinese_and_the_page_speaks_it_too(screen: Screen) -> None:
    await screen.be("Bob")
    await screen.button("Menu").click()
    await expect(screen.page.get_by_role("option", name="/notes")).to_contain_text("笔记")
    await screen.page.get_by_role("option", name="/help").click()
    await expect(screen.message("所有者")).to_be_visible()
    await screen.button("中文").click()
    await expect(screen.page.get_by_role("note")).to_contain_text("这是沙盒")
    await screen.page.get_by_role("button", name="名字是“18”的电影").click()
    await screen.page.get_by_role("textbox", name="消息").press("Enter")
    messages = screen.page.get_by_role("list", name="消息").get_by_role("listitem")
    await messages.filter(has_text="#6").get_by_role("button", name="校准").click()
    await expect(messages.filter(has_text="神女.The.Goddess.1934.修复版").last).to_contain_text("已完成")
    assert await screen.page.evaluate("document.documentElement.lang") == "zh-Hans"


async def test_telegram_is_gone_for_ten_seconds_and_calibot_recovers(screen: Screen) -> None:
    await screen.button("Gone for 10 s").click()
    await expect(screen.page.get_by_text("Telegram is gone")).to_be_visible()
    await expect(screen.button("Gone for 10 s")).to_be_disabled()
    await screen.send("/note 1")
    await expect(screen.message("周末一起看", "/note 1")).to_be_visible()
    await expect(screen.page.get_by_text("Telegram is gone")).to_have_count(0)
    await expect(screen.button("Gone for 10 s")).to_be_enabled()


async def test_a_refusal_is_seen_and_waited_for_and_slowness_can_be_switched(screen: Screen) -> None:
    await screen.button("429: wait 5 s").click()
    await expect(screen.page.get_by_role("status")).to_contain_text("refused")
    await screen.send("/queue")
    calls = screen.page.get_by_role("list", name="What calibot asked Telegram last").get_by_role("listitem")
    await expect(calls.filter(has_text="429 Too Many Requests: retry after 5")).to_have_count(1)
    await expect(screen.messages.last.get_by_role("button", name="Alice /queue")).to_be_visible()
    slow = screen.page.get_by_role("switch", name="Slow: 2 s late")
    await slow.click()
    await expect(slow).to_be_checked()
    await slow.click()
    await expect(slow).not_to_be_checked()


async def test_hostile_names_are_words_and_nothing_else(screen: Screen) -> None:
    await screen.button("A list of magnets").click()
    await screen.input.press("Enter")
    await screen.message("#6 saved").get_by_role("button", name="Calibrate").click()
    card = screen.message("completed")
    await expect(card).to_contain_text("<b>bold</b> & <a href='tg://x'>link</a>")
    assert await card.locator("b, i, a, img").count() == 0
    await screen.send("<img src=x onerror=alert(1)>")
    await expect(screen.message("<img src=x onerror=alert(1)>")).to_be_visible()


async def test_all_can_be_done_with_the_keyboard_alone(screen: Screen) -> None:
    keyboard = screen.page.keyboard
    await screen.tab_to(screen.input)
    await keyboard.type("/hel")
    await keyboard.press("ArrowDown")
    await expect(screen.page.get_by_role("option", name="/help")).to_have_attribute("aria-selected", "true")
    await keyboard.press("Enter")
    await expect(screen.message("/calibrate_hash")).to_be_visible()
    await keyboard.type("/save one")
    await keyboard.press("Shift+Enter")
    await keyboard.type("two")
    await keyboard.press("Enter")
    await expect(screen.message("#6 saved")).to_be_visible()
    await keyboard.press("ArrowUp")
    await expect(screen.input).to_have_value("/save one\ntwo")
    await keyboard.press("Escape")
    await expect(screen.input).to_have_value("")
    more = screen.message("#1 saved").get_by_role("button", name="More about this message")
    await screen.tab_to(more, "Shift+Tab")
    await keyboard.press("Enter")
    await expect(screen.page.get_by_role("menuitem", name="Reply")).to_be_focused()
    await keyboard.press("ArrowDown")
    await expect(screen.page.get_by_role("menuitem", name="Forward")).to_be_focused()
    await keyboard.press("Escape")
    await expect(more).to_be_focused()
    await screen.tab_to(screen.message("#1 saved").get_by_role("button", name="Calibrate"))
    await keyboard.press("Enter")
    await expect(screen.message("completed", "神女")).to_be_visible()
    await expect(screen.message("completed").get_by_role("button", name="Undo")).to_be_focused()
    await screen.tab_to(screen.page.get_by_role("radio", name="Alice"), "Shift+Tab")
    await keyboard.press("ArrowRight")
    await expect(screen.page.get_by_role("radio", name="Bob")).to_be_checked()
    await expect(screen.messages).to_have_count(0)


async def test_a_phone_shows_all_of_it_within_its_width(browser: Browser, url: str) -> None:
    screen = await opened(browser, url, viewport={"width": 360, "height": 740}, is_mobile=True, has_touch=True)
    await expect(screen.message("#5 saved")).to_be_visible()
    await screen.button("Things to try").tap()
    await screen.button(_FILM).tap()
    await expect(screen.page.get_by_role("complementary", name="Things to try")).not_to_be_in_viewport()
    await screen.button("Send").tap()
    await screen.message("#6 saved").get_by_role("button", name="Calibrate").tap()
    await expect(screen.message("completed", "神女")).to_be_visible()
    assert await screen.page.evaluate("document.documentElement.scrollWidth") == 360
    for message in await screen.messages.all():
        box = await message.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 360
    assert screen.wrong == []
    await screen.page.close()


@pytest.mark.parametrize("phone", [True, False])
async def test_the_menu_of_a_tall_message_opens_beside_its_button_and_stays_while_that_is_seen(
    browser: Browser, url: str, *, phone: bool
) -> None:
    size = {"width": 390, "height": 500} if phone else {"width": 1280, "height": 400}
    screen = await opened(browser, url, viewport=size, is_mobile=phone, has_touch=phone)
    await expect(screen.message("#5 saved")).to_be_visible()
    await screen.send("/help")
    tall, menu = screen.message("/calibrate_hash"), screen.page.get_by_role("menu")
    await expect(tall).to_be_visible()
    more = tall.get_by_role("button", name="More about this message")
    await more.click()
    await expect(menu.get_by_role("menuitem", name="Reply")).to_be_focused()
    at, beside = await menu.bounding_box(), await more.bounding_box()
    assert at is not None
    assert beside is not None
    assert 0 <= beside["y"] - (at["y"] + at["height"]) < 10
    history = screen.page.get_by_role("list", name="Messages")
    scroll = "(node, up) => new Promise((done) => { node.onscroll = done; node.scrollBy(0, -up); })"
    await history.evaluate(scroll, 20)  # as when a message is edited
    await expect(menu).to_be_visible()
    await history.evaluate(scroll, 390)
    await expect(menu).to_have_count(0)
    assert screen.wrong == []
    await screen.page.close()


async def test_it_is_dark_where_that_is_wished(screen: Screen) -> None:
    background = "getComputedStyle(document.body).backgroundColor"
    light = await screen.page.evaluate(background)
    await screen.page.emulate_media(color_scheme="dark")
    assert await screen.page.evaluate(background) != light


async def test_a_page_is_told_that_the_demo_has_ended(browser: Browser, folder: Path) -> None:
    with demo(folder) as url:
        screen = await opened(browser, url)
        await screen.choose(screen.message(re.compile("^For the long drive")), "Delete")
        await expect(screen.page.get_by_role("dialog")).to_contain_text("Delete this message")
    await expect(screen.page.get_by_role("dialog").last).to_contain_text("The demo has ended.")
    await screen.page.close()


async def test_what_is_kept_is_there_the_next_time_in_chats_that_begin_anew(
    browser: Browser, folder: Path, tmp_path: Path
) -> None:
    with demo(folder, "--keep", tmp_path / "kept") as url:
        screen = await opened(browser, url)
        await screen.send("/save a word to keep")
        await expect(screen.message("#6 saved")).to_be_visible()
        await screen.page.close()
    with demo(folder, "--keep", tmp_path / "kept") as url:
        screen = await opened(browser, url)
        await expect(screen.messages).to_have_count(0)
        await screen.send("/note 6")
        await expect(screen.message("a word to keep")).to_be_visible()
        await screen.send("/calibrate 1")
        await expect(screen.message("completed", "神女")).to_be_visible()
        assert screen.wrong == []
        await screen.page.close()

"""Whoever sits before the chat page: writes, presses, waits for words, and takes pictures of messages."""

import re
from pathlib import Path
from typing import NamedTuple, Self

from playwright.async_api import Browser, Locator, Page, WebSocketRoute, expect

from sandbox.swarm import TORRENTS
from services.i18n import Translation
from tests.pictures.web_camera import WebCamera

_SIZE = {"width": 1240, "height": 1500}
_MARGIN = 6
_PATIENCE_MS = 120_000
_STYLE = "#toast, #down, .more { visibility: hidden } .history { background: var(--back) }"
"""A message alone, and before one colour: a picture of many is several times as large."""
_PLACES = {"en": "en-US", "zh": "zh-CN"}


class Kept(NamedTuple):
    """What was sent, what was answered, and the note's number."""

    sent: Locator
    answer: Locator
    number: int


class Camera:
    """Looks at the *page* of a demo that speaks the language of *t*; its pictures go into *folder*."""

    def __init__(self, page: Page, language: str, t: Translation, folder: Path) -> None:
        self.language = language
        self._page = page
        self._t = t
        self._folder = folder
        self._held: list[tuple[WebSocketRoute, str | bytes]] | None = None

    @classmethod
    async def before(cls, browser: Browser, url: str, language: str, t: Translation, folder: Path) -> Self:
        expect.set_options(timeout=_PATIENCE_MS)
        context = await browser.new_context(
            viewport=_SIZE,  # type: ignore[arg-type]
            locale=_PLACES[language],
            color_scheme="light",
            bypass_csp=True,  # else the page refuses _STYLE
        )
        context.set_default_timeout(_PATIENCE_MS)
        camera = cls(await context.new_page(), language, t, folder)
        await camera._page.route_web_socket("**/live", camera._pass_on)
        await camera._page.goto(url)
        return camera

    def _pass_on(self, page: WebSocketRoute) -> None:
        """Hand the news on to the page, but while a picture is taken: nothing is to move then."""
        server = page.connect_to_server()
        page.on_message(server.send)
        server.on_message(lambda news: page.send(news) if self._held is None else self._held.append((page, news)))

    # What is said.

    def said(self, sentence: str, **values: object) -> re.Pattern[str]:
        """Return a pattern of the English *sentence* in this language; values that are not given may be anything."""
        words = re.sub(r"</?b>", "", self._t.gettext(sentence))
        pieces = re.split(r"\{(\w+)\}", words)
        for place in range(1, len(pieces), 2):
            pieces[place] = re.escape(str(values[pieces[place]])) if pieces[place] in values else ".*"
        pieces[::2] = map(re.escape, pieces[::2])
        return re.compile("".join(pieces))

    async def until(self, message: Locator, sentence: str, **values: object) -> None:
        await expect(message).to_contain_text(self.said(sentence, **values))

    # What is done.

    async def there(self, notes: int) -> None:
        """Wait until the bot has kept what was said before."""
        await expect(self._page.locator("#messages > .bot")).to_have_count(notes)

    async def speak(self) -> None:
        """Have the bot answer this chat in the language."""
        await self.ask(f"/language {self.language}")

    async def torrent(self, label: str) -> str:
        """Return the magnet of a sample torrent, which the page puts where one types."""
        (labels,) = (one.label for one in TORRENTS if one.label[0] == label)
        shown = labels[self.language == "zh"]
        await self._page.locator("#torrents").get_by_role("button", name=shown, exact=True).click()
        return await self._page.locator("#input").input_value()

    async def say(self, text: str) -> Locator:
        """Send *text* and return its message."""
        mine = self._page.locator("#messages > .mine")
        before = await mine.count()
        await self._page.locator("#input").fill(text)
        await self._page.locator("#input").press("Enter")
        await expect(mine).to_have_count(before + 1)
        return await self._pinned(mine.last)

    async def answers(self, sent: Locator, count: int = 1) -> list[Locator]:
        """Return the first messages of the bot after *sent*."""
        after = self._page.locator(f"#messages > #{await sent.get_attribute('id')} ~ .bot")
        return [await self._pinned(after.nth(place)) for place in range(count)]

    async def ask(self, text: str) -> Locator:
        """Send *text* and return what is answered."""
        (answer,) = await self.answers(await self.say(text))
        return answer

    async def keep(self, text: str) -> Kept:
        """Send what becomes a note."""
        sent = await self.say(text)
        (answer,) = await self.answers(sent)
        found = re.search(r"#(\d+)", await answer.inner_text())
        assert found
        return Kept(sent, answer, int(found[1]))

    async def press(self, message: Locator, button: str, **values: object) -> None:
        """Press the button that says what *button* is here, and wait until that was answered."""
        found = message.locator(".keyboard button").filter(has_text=self.said(button, **values)).first
        await found.click()
        await expect(self._page.locator(".keyboard [aria-busy=true]")).to_have_count(0)

    async def forward(self, message: Locator, chat: str) -> None:
        """Forward *message* into *chat*, which is then shown."""
        await message.hover()
        await message.locator(".more").click()
        await self._page.locator(".menu button").nth(1).click()
        await self._page.locator("dialog").get_by_role("button", name=chat).click()
        await expect(self._page.locator("#title")).to_have_text(chat)

    async def go(self, place: int) -> None:
        """Open one of the chats."""
        await self._page.locator("#chats button").nth(place).click()

    async def web_page(self) -> WebCamera:
        """Follow the link of /login, which opens the web page beside this one."""
        link = await self.ask("/login")
        async with self._page.expect_popup() as opening:
            await link.get_by_role("link").click()
        web = WebCamera(await opening.value, self.said, self._folder)
        await web.enter()
        return web

    async def newest(self, sentence: str, **values: object) -> Locator:
        return await self._pinned(
            self._page.locator("#messages > .bot").filter(has_text=self.said(sentence, **values)).last
        )

    async def _pinned(self, message: Locator) -> Locator:
        await expect(message).to_be_visible()
        return self._page.locator(f"#{await message.get_attribute('id')}")

    # What is seen.

    async def take(self, name: str, *messages: Locator) -> None:
        """Write a picture of *messages*, which stand one below the other."""
        await self._page.mouse.move(0, 0)
        self._held = []
        try:
            await messages[-1].scroll_into_view_if_needed()
            parts = [part for one in messages for part in await one.locator(".bubble, .keyboard").all()]
            boxes = [box for part in parts if (box := await part.bounding_box())]
            left, top = (min(box[side] for box in boxes) - _MARGIN for side in ("x", "y"))
            right = max(box["x"] + box["width"] for box in boxes) + _MARGIN
            bottom = max(box["y"] + box["height"] for box in boxes) + _MARGIN
            await self._page.screenshot(
                path=self._folder / f"{name}.png",
                clip={"x": left, "y": top, "width": right - left, "height": bottom - top},
                style=_STYLE,
            )
        finally:
            held, self._held = self._held, None
            for page, news in held:
                page.send(news)

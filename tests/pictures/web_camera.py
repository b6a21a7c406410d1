"""Whoever sits before the web page: writes, presses, waits for words, and takes pictures of what a browser shows."""

import re
from collections.abc import Callable
from pathlib import Path

from playwright.async_api import Page, ViewportSize, expect

_DESK: ViewportSize = {"width": 900, "height": 700}
_PHONE: ViewportSize = {"width": 360, "height": 780}
_STYLE = "* { caret-color: transparent !important }"


class WebCamera:
    """Looks at the web *page*, which *said* has words for; its pictures go into *folder*."""

    def __init__(self, page: Page, said: Callable[..., re.Pattern[str]], folder: Path) -> None:
        self._page = page
        self._said = said
        self._folder = folder

    async def enter(self) -> None:
        """Open the notes by the link that was followed."""
        await self._page.set_viewport_size(_DESK)
        await self.press("Open")
        await expect(self._page.locator("#notes")).to_be_visible()

    # What is done.

    async def press(self, button: str) -> None:
        """Press the first button that says what *button* is here."""
        await self._page.get_by_role("button", name=self._said(button)).first.click()

    async def keep(self, text: str) -> None:
        """Keep *text* as a note and look up its names; its page is then shown."""
        await self.to_notes()
        await self._page.locator("#text").fill(text)
        await self.press("Keep and find names")
        await self._page.wait_for_url("**/notes/*")

    async def find(self, note: int) -> None:
        """Look up the names of a note that is listed."""
        await self._page.locator(f"#find-{note}").click()
        await expect(self._page.locator(self.lookup(note))).to_be_visible()

    async def choose(self, *notes: int) -> None:
        for one in notes:
            await self._page.locator(f"#choose-{one}").check()

    async def open_files(self) -> None:
        await self._page.locator("details summary").first.click()

    async def to_notes(self) -> None:
        await self._page.locator("header .brand").click()
        await expect(self._page.locator("#notes")).to_be_visible()

    async def to_figures(self) -> None:
        await self._page.locator("header .figures-link").click()
        await expect(self._page.locator("#figures")).to_be_visible()

    # What is waited for.

    async def until(self, what: str, sentence: str, **values: object) -> None:
        """Wait until the newest lookup, or whatever has this CSS selector, says it."""
        await expect(self._page.locator(what).first).to_contain_text(self._said(sentence, **values))

    async def until_all_ended(self) -> None:
        await expect(self._page.locator("#lookups-list progress")).to_have_count(0)

    def lookup(self, note: int) -> str:
        """Return what selects the newest lookup of a note."""
        return f'#lookups-list > li:has(a[href="/notes/{note}"])'

    # What is seen.

    async def take(self, name: str) -> None:
        """Write a picture of the whole page."""
        await self._shot(name, full_page=True)

    async def take_on_a_phone_at_night(self, name: str) -> None:
        """Write a picture of the first screen that a phone of dark colours shows."""
        await self._page.set_viewport_size(_PHONE)
        await self._page.emulate_media(color_scheme="dark")
        await self._shot(name, full_page=False)
        await self._page.emulate_media(color_scheme="light")
        await self._page.set_viewport_size(_DESK)

    async def _shot(self, name: str, *, full_page: bool) -> None:
        await self._page.mouse.move(0, 0)
        await self._page.evaluate("document.activeElement?.blur(); scrollTo(0, 0)")
        await self._page.screenshot(path=self._folder / f"{name}.png", full_page=full_page, style=_STYLE)

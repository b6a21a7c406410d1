"""``make pictures``: the pictures of ``docs/user.md``, of the demo's chat page and of the web page beside it."""

import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

from playwright.async_api import async_playwright

from services.i18n import Catalogues
from tests.e2e.test_chat_page import demo
from tests.pictures import scenes
from tests.pictures.camera import Camera
from tests.pictures.png import with_few_colours

_PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
_LANGUAGES = ("en", "zh")


async def _take(work: Path, play: Callable[[Camera], Coroutine[None, None, None]]) -> None:
    """Play before the camera in each language at once; what the bot keeps is in *work*."""
    catalogues, chromium = Catalogues.load(), shutil.which("chromium")
    if chromium is None:
        sys.exit("Chromium is not here. On Debian: apt install chromium")
    with ExitStack() as demos:
        urls = [demos.enter_context(_kept_demo(work / language)) for language in _LANGUAGES]
        async with async_playwright() as playwright:
            arguments = ["--disable-lcd-text", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
            browser = await playwright.chromium.launch(executable_path=chromium, args=arguments)
            async with asyncio.TaskGroup() as playing:
                for language, url in zip(_LANGUAGES, urls, strict=True):
                    folder = _PICTURES / language
                    folder.mkdir(parents=True, exist_ok=True)
                    camera = await Camera.before(browser, url, language, catalogues.of(language), folder)
                    playing.create_task(play(camera))
            await browser.close()


def _kept_demo(folder: Path) -> AbstractContextManager[str]:
    temporary = folder / "temporary"
    temporary.mkdir(parents=True, exist_ok=True)
    return demo(temporary, "--keep", folder / "kept")


def _let_one_in_at_a_time(work: Path) -> None:
    for settings in work.glob("*/kept/demo.toml"):
        text = settings.read_text("utf-8")
        settings.write_text(text.replace("[calibration]\n", "[calibration]\nmax_workers = 1\n"), "utf-8")


def _of_the_chat(work: Path) -> None:
    asyncio.run(_take(work, scenes.play))
    _let_one_in_at_a_time(work)
    asyncio.run(_take(work, scenes.a_busy_bot))


def _of_the_web_page(work: Path) -> None:
    asyncio.run(_take(work, scenes.the_web_page))


_KINDS = {"chat": _of_the_chat, "web": _of_the_web_page}


def main() -> None:
    """Take the pictures of the kinds that are named, or all."""
    for kind in sys.argv[1:] or _KINDS:
        with tempfile.TemporaryDirectory(prefix="calibot-pictures-") as made:
            _KINDS[kind](Path(made))
    for picture in _PICTURES.rglob("*.png"):
        picture.write_bytes(with_few_colours(picture.read_bytes()))


if __name__ == "__main__":
    main()

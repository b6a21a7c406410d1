"""Without Telegram: the page alone, for whoever started the program."""

import asyncio
import contextlib
import os
import signal
import sys
import threading
import webbrowser
from pathlib import Path

import structlog

from bot.config import Settings
from bot.core import build, open_web
from bot.doors import LocalDoor
from bot.terminal import browsers_are_seen, say
from handlers.context import Site
from services.errors import StoreUnavailable
from services.notebook.local import LOCAL
from services.notebook.sessions import Sessions
from web.figures import Figures
from web.stopping import first_of

log = structlog.stdlib.get_logger(__name__)
_LEADING_THERE = "open-in-browser.html"
_LONGEST_LINE = 4096  # bytes: what a terminal keeps of one (termios(3))


async def serve(settings: Settings, stop: asyncio.Event) -> None:
    """Serve the page until *stop*; print a link that lets this machine's owner in.

    Raises:
        StoreUnavailable, ResolverDown, WebUnavailable: the database, the swarm or the web server cannot be opened.
    """
    async with contextlib.AsyncExitStack() as stack:
        core = await build(stack, settings, Figures(lambda: None), owners=[LOCAL])
        site = await open_web(stack, core, LocalDoor(), stop)
        assert site is not None  # noqa: S101 - without a token and without a page nothing is started
        log.info("page.running")
        leading_there = settings.database.path.parent / _LEADING_THERE
        stack.callback(leading_there.unlink, missing_ok=True)
        await first_of(_let_in(site, core.sessions, leading_there), _until(stop))
        log.info("bot.stopping")
    log.info("bot.stopped")


async def _until(stop: asyncio.Event) -> None:
    await stop.wait()


async def _let_in(site: Site, sessions: Sessions, leading_there: Path) -> None:
    """Show a link, in a browser too where one can be seen, and another one whenever Enter is pressed. Never ends.

    The browser is shown the file *leading_there*.
    """
    link = await _new_link(site, sessions)
    is_heard = sys.stdin.isatty()
    another = "press Enter here" if is_heard else "start calibot again"
    say(
        "calibot is running without Telegram: its page is all that it shows. Stop it with Ctrl-C.",
        f"This link opens your notes in a browser, once, within five minutes. For another one, {another}.",
        f"  {link}",
    )
    if sys.stdout.isatty() and browsers_are_seen():
        await asyncio.to_thread(_open, link, leading_there)  # a browser in the terminal has it until it ends
    enter = _enter_pressed(sys.stdin.fileno()) if is_heard else asyncio.Event()
    while True:
        await enter.wait()
        enter.clear()
        try:
            say(f"  {await _new_link(site, sessions)}")
        except StoreUnavailable as error:
            log.error("store.unavailable", **error.parameters)  # noqa: TRY400 - no bug: no traceback


def _open(link: str, leading_there: Path) -> None:
    """Open a browser with a file that leads to *link*, and that its owner alone can read.

    With what a program is started all users of the machine can see; whoever was faster with the link would be let in.
    """
    with contextlib.suppress(OSError):  # the link stands in the terminal
        leading_there.unlink(missing_ok=True)
        with os.fdopen(os.open(leading_there, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(f'<meta http-equiv="refresh" content="0; url={link}">\n<a href="{link}">calibot</a>\n')
        webbrowser.open(leading_there.resolve().as_uri())


async def _new_link(site: Site, sessions: Sessions) -> str:
    return f"{site.address}/login/{await sessions.link(LOCAL)}"


def _enter_pressed(terminal: int) -> asyncio.Event:
    """Return an event that is set whenever Enter is pressed in the *terminal* with this descriptor.

    A thread waits for that until the process ends: what the loop sees in a terminal Ctrl-C may take away again, and a
    read would wait in its place. In the background it hears no more: reading there would stop the process.
    """
    loop, pressed = asyncio.get_running_loop(), asyncio.Event()

    def hear() -> None:
        with contextlib.suppress(OSError):  # it has hung up, or is another program's
            while os.read(terminal, _LONGEST_LINE):
                loop.call_soon_threadsafe(pressed.set)

    signal.signal(signal.SIGTTIN, signal.SIG_IGN)
    threading.Thread(target=hear, name="terminal", daemon=True).start()
    return pressed

"""``python -m bot demo``: a chat page in the browser, with calibot at work behind it, all of it on loopback."""

import asyncio
import contextlib
import tempfile
import time
import webbrowser
from collections.abc import Iterator
from dataclasses import dataclass
from errno import EPIPE
from pathlib import Path
from typing import BinaryIO

from bot.demo_cast import scene
from bot.demo_process import DemoFailed, Surroundings, first_signal, last_lines, running
from bot.terminal import OutputLost, browsers_are_seen, complain, say
from sandbox.botapi import BotApi
from sandbox.page import ChatPage
from sandbox.swarm import Collection, Swarm

_TIMEOUT = 30.0  # a minute is long to watch a dead torrent


@dataclass(frozen=True, slots=True, kw_only=True)
class _Home:
    """Where the demo's data is. Its own names: another calibot's settings and notes may lie in the same folder."""

    folder: Path
    kept: bool
    used_before: bool

    @property
    def config(self) -> Path:
        return self.folder / "demo.toml"

    @property
    def database(self) -> Path:
        return self.folder / "demo.db"

    @property
    def log(self) -> Path:
        return self.folder / "demo.log"


def main(*, port: int = 0, keep: Path | None = None, browser: bool = True) -> int:
    """Run the demo until it is told to stop (Ctrl-C); return the exit code: 1 when it failed.

    Args:
        port: the page's, on 127.0.0.1; 0 takes a free one.
        keep: a folder for calibot's data; a temporary one when missing.
        browser: open the page in one, where one can be seen.
    """
    try:
        with _home(keep) as home:
            return _run(home, port, browser=browser and browsers_are_seen())
    except OutputLost:
        raise
    except (OSError, OverflowError) as error:
        return complain(f"The demo cannot run here: {error}", code=1)
    except KeyboardInterrupt:  # before or after the signals are ours
        return 0


@contextlib.contextmanager
def _home(keep: Path | None) -> Iterator[_Home]:
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="calibot-demo-") as made:
            yield _Home(folder=Path(made), kept=False, used_before=False)
        return
    keep.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = keep.resolve()
    yield _Home(folder=folder, kept=True, used_before=(folder / "demo.db").exists())


def _run(home: _Home, port: int, *, browser: bool) -> int:
    try:
        with home.log.open("wb") as output:
            asyncio.run(_serve(home, output, port, browser=browser))
    except DemoFailed as failed:
        lines = last_lines(home.log)
        log = " The last lines of calibot's log:" if lines else ""
        return complain(f"The demo has failed: {failed}.{log}", *lines, code=1)
    _say("", "Stopped." + (f" calibot's notes are in {home.folder}." if home.kept else " Nothing is left behind."))
    return 0


async def _serve(home: _Home, output: BinaryIO, port: int, *, browser: bool) -> None:
    async with contextlib.AsyncExitStack() as stack:
        signalled = stack.enter_context(first_signal())
        # calibot remembers the messages of an earlier sandbox: no new one may have the number of one of those.
        api = BotApi(first_message=int(time.time()) if home.used_before else 1)
        try:
            await stack.enter_async_context(api)
            swarm = await stack.enter_async_context(Swarm())
            collection = await stack.enter_async_context(Collection(swarm))
        except (OSError, RuntimeError) as error:
            raise DemoFailed(f"the sandbox cannot start on loopback: {error}") from error
        here = scene(api, collection.magnets)
        if not home.used_before:
            here.say_notes()
        surroundings = Surroundings(
            token=api.token,
            base_url=api.base_url,
            base_file_url=api.base_file_url,
            dht_nodes=swarm.dht_nodes,
            database=home.database,
        )
        settings = surroundings.settings(
            owners=[here.alice.id], users=[here.bob.id], chats=[here.group.id], timeout=_TIMEOUT
        )
        await asyncio.to_thread(_write_new, home.config, settings)
        ended = await stack.enter_async_context(running(home.config, output, surroundings.variables()))
        page = await stack.enter_async_context(ChatPage(api, here.cast, port=port))
        _greet(home, page.url)
        if browser:
            await asyncio.to_thread(webbrowser.open, page.url)
        await asyncio.wait({ended, signalled}, return_when=asyncio.FIRST_COMPLETED)
        if not signalled.done():
            raise DemoFailed(f"calibot ended early, with exit code {ended.result()}")


def _write_new(path: Path, text: str) -> None:
    """Write *text*, unless there is a file already: somebody may have changed it."""
    with contextlib.suppress(FileExistsError), path.open("x", encoding="utf-8") as file:
        file.write(text)


def _greet(home: _Home, url: str) -> None:
    _say(
        f"Open {url} in a browser on this machine: that is a chat with calibot.",
        "Telegram and the swarm are simulated here; calibot is the real program. Nothing leaves this machine.",
        f"calibot's notes and settings are kept in {home.folder}; the chats begin anew at each start."
        if home.kept
        else "All data is in a temporary folder, which is removed at the end (--keep DIR keeps it).",
        "Ctrl-C ends it.",
    )


def _say(*lines: str) -> None:
    try:
        say(*lines)
    except OutputLost as error:
        if error.errno != EPIPE:  # who has read the address may leave
            raise

"""``python -m bot demo-terminal``: a conversation with calibot that plays by itself, against the sandbox."""

import asyncio
import contextlib
import signal
import sys
import tempfile
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO, TypeVar
from urllib.parse import unquote

from rich.console import Console

from bot.demo_diff import changes
from bot.demo_process import DemoFailed, Surroundings, first_signal, last_lines, running
from bot.demo_screen import Bubble, Screen, Terminal, Transcript
from bot.terminal import OutputLost, complain
from handlers.note_view import LINE
from sandbox.botapi import BotApi, Event, Message, Phase
from sandbox.swarm import Sample, Swarm, make_sample

T = TypeVar("T")

_PATIENCE = 30.0
_FILM = "神女.The.Goddess.1934.修复版"
_FILM_FILES = (("The.Goddess.1934.1080p.mkv", 4_370_000_000), ("subtitles/en.srt", 48_000))
_ALBUM = "Bach - Goldberg Variations (Open, 2012)"
_ALBUM_FILES = tuple((f"{number:02}. Variatio {number}.flac", 14_200_000) for number in range(1, 31))
_HOW_TO_GO_LIVE = (
    "1. In Telegram, send /newbot to @BotFather, and copy the token it gives you.",
    "2. make run: it makes config.toml. Put the token into that.",
    "3. make run again, and send your bot the /start CODE that it prints.",
    "",
    "Telegram and the swarm were a sandbox on 127.0.0.1, calibot was real.",
    "It has been stopped, and its temporary folder is removed.",
)


def main(*, fast: bool = False) -> int:
    """Play the demo and return its exit code: 1 when it failed, 128 and the signal's number when it was stopped.

    Args:
        fast: do not wait for anybody who reads; so it is as well where standard output is no terminal.
    """
    try:
        screen = _screen(fast=fast)
        with tempfile.TemporaryDirectory(prefix="calibot-demo-") as folder:
            code = _play(Path(folder), screen)
        if code == 0:
            screen.end("Now with your own bot", _HOW_TO_GO_LIVE)
        elif code > 1:
            complain("Stopped. Nothing is left behind.", code=code)
    except OutputLost:
        raise
    except OSError as error:
        return complain(f"The demo cannot run here: {error}", code=1)
    except KeyboardInterrupt:  # before or after the signals are ours
        return 128 + signal.SIGINT
    return code


def _screen(*, fast: bool) -> Screen:
    console = Console(highlight=False)
    if sys.stdout.isatty() and not console.is_dumb_terminal:
        return Terminal(console, paced=not fast)
    return Transcript()


def _play(folder: Path, screen: Screen) -> int:
    output = folder / "calibot.log"
    try:
        with output.open("wb") as file, screen:
            return asyncio.run(_perform(folder, file, screen))
    except DemoFailed as failed:
        lines = last_lines(output)
        log = " The last lines of calibot's log:" if lines else ""
        return complain(f"The demo has failed: {failed}.{log}", *lines, code=1)


async def _perform(folder: Path, output: BinaryIO, screen: Screen) -> int:
    """Play it all; return 0, or 128 and the number of the signal that ended it."""
    async with contextlib.AsyncExitStack() as stack:
        signalled = stack.enter_context(first_signal())
        try:
            api = await stack.enter_async_context(BotApi())
            swarm = await stack.enter_async_context(Swarm())
        except (OSError, RuntimeError) as error:
            raise DemoFailed(f"the sandbox cannot start on loopback: {error}") from error
        play = Play(api, swarm, screen)
        config = await asyncio.to_thread(play.write_settings, folder)
        ended = await stack.enter_async_context(running(config, output))
        story = asyncio.create_task(play.story())
        ends: set[asyncio.Future[Any]] = {story, ended, signalled}
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            story.cancel()
            await asyncio.wait({story})
        if signalled.done():
            return 128 + signalled.result()
        if ended.done():
            raise DemoFailed(f"calibot ended early, with exit code {ended.result()}")
        await story
    return 0


class Play:
    """Alice talks to calibot. Everything shown is what stands in the sandbox's chat: what the bot sent and edited."""

    def __init__(self, api: BotApi, swarm: Swarm, screen: Screen) -> None:
        self._api = api
        self._swarm = swarm
        self._screen = screen
        self._alice = api.person("Alice", username="alice", language="en")
        self._chat = api.private(self._alice)
        self._polls = False
        self._seen: dict[int, Bubble] = {}
        self._news: deque[Bubble] = deque()
        api.on_event(self._on_event)

    def write_settings(self, folder: Path) -> Path:
        """Write the settings that make calibot live in this sandbox, and return where."""
        path = folder / "config.toml"
        here = Surroundings(
            token=self._api.token,
            base_url=self._api.base_url,
            base_file_url=self._api.base_file_url,
            dht_nodes=self._swarm.dht_nodes,
            database=folder / "calibot.db",
        )
        path.write_text(here.settings(owners=[self._alice.id]), "utf-8")
        return path

    async def story(self) -> None:
        """Play all scenes.

        Raises:
            DemoFailed: something did not come within 30 seconds.
        """
        self._screen.scene(
            "calibot: the true names of magnet links",
            "Telegram and the BitTorrent swarm are a sandbox here, on 127.0.0.1. calibot is the real program, in a "
            "process of its own. Each message below is one that it really sent, and edited.",
        )
        self._screen.caption("calibot is starting …")
        await self._until("calibot to ask for messages", lambda: self._polls)
        await self._rest(3)
        sample = self._swarm.unseeded(make_sample(_FILM, files=_FILM_FILES))
        note = await self._save(sample)
        await self._calibrate(sample)
        await self._cancel_and_retry()
        await self._corrected(note)

    async def _save(self, sample: Sample) -> Message:
        self._screen.scene(
            "1 · A magnet is saved",
            "Alice sends what she found somewhere: a magnet link that calls its torrent “18”, amid Chinese words "
            "(“to watch at the weekend: …, bring popcorn”).",
        )
        await self._rest(4)
        note, _ = await self._ask(f"周末一起看：{sample.magnet(dn='18')}，记得带爆米花")
        self._screen.caption("It is note #1 now, kept as it is, letter by letter.")
        await self._rest(3)
        return note

    async def _calibrate(self, sample: Sample) -> None:
        self._screen.scene(
            "2 · Its true name is looked up", "The answer is one message, which then follows the lookup by itself."
        )
        _, card = await self._ask("/calibrate 1")
        self._screen.caption("Sandbox: nobody has this torrent yet. A seeder comes in a moment.")
        await self._says(card, "running")
        await self._rest(3)
        self._screen.caption("Sandbox: now the seeder is there.")
        await self._swarm.begin_seeding(sample)
        await self._says(card, "completed", _FILM)
        self._screen.caption("Found: read from the torrent's own metadata, whose hash is the one in the link.")
        await self._rest(5)

    async def _cancel_and_retry(self) -> None:
        self._screen.scene(
            "3 · A dead one is cancelled, and tried again",
            "Another magnet, without a name, looked up at once and not kept as a note.",
        )
        await self._rest(2)
        sample = self._swarm.unseeded(make_sample(_ALBUM, files=_ALBUM_FILES))
        _, card = await self._ask(f"/calibrate_hash {sample.magnet()}")
        self._screen.caption("Sandbox: nobody has this one either.")
        await self._says(card, "running")
        await self._rest(3)
        await self._press(card, "Cancel")
        await self._says(card, "cancelled")
        self._screen.caption("Nothing more is looked up for it.")
        await self._rest(3)
        self._screen.caption("Sandbox: now a seeder is there.")
        await self._swarm.begin_seeding(sample)
        await self._rest(2)
        await self._press(card, "Retry")
        await self._says(card, "completed", _ALBUM)
        self._screen.caption("The same message, its second attempt: found.")
        await self._rest(4)

    async def _corrected(self, note: Message) -> None:
        self._screen.scene("4 · The note is corrected", "The name that was found is in the note already.")
        await self._rest(1)
        _, answer = await self._ask("/note 1")
        names, line, kept = answer.text.partition(f"{LINE}\n")
        found, above = changes(note.text, kept), len(names + line)
        self._screen.highlight([replace(one, begin=one.begin + above, end=one.end + above) for one in found])
        now = ", ".join(f"“{change.before}” is “{unquote(change.after)}” now" for change in found)
        self._screen.caption(f"{now} (percent-encoded, as links are). All the rest is what Alice wrote.")
        await self._rest(6)

    async def _ask(self, text: str) -> tuple[Message, Message]:
        """Let Alice say *text*; return that message and the bot's answer to it."""
        asked = self._alice.say(self._chat, text)
        self._look()
        answered = await self._until(
            f"an answer to {text[:20]!r}",
            lambda: next((one for one in self._chat.bot_messages if one.reply_to is asked), None),
        )
        return asked, answered

    async def _says(self, card: Message, state: str, word: str = "") -> None:
        await self._until(f"{state!r} in its message", lambda: card.text.startswith(state) and word in card.text)

    async def _press(self, card: Message, button: str) -> None:
        self._screen.press("Alice", button)
        await self._rest(1)
        try:
            await self._alice.press(card, button)
        except (LookupError, TimeoutError) as error:
            raise DemoFailed(f"[{button}] could not be pressed, or was not answered") from error

    async def _rest(self, seconds: float) -> None:
        """Leave time to read, where somebody reads; what happens meanwhile is shown."""
        if self._screen.paced:
            with contextlib.suppress(TimeoutError):
                await self._watch(lambda: False, seconds)

    async def _until(self, what: str, condition: Callable[[], T | None]) -> T:
        try:
            return await self._watch(condition, _PATIENCE)
        except TimeoutError as error:
            raise DemoFailed(f"it waited {_PATIENCE:.0f} s in vain for {what}") from error

    async def _watch(self, condition: Callable[[], T | None], seconds: float) -> T:
        """Show what happens until *condition* gives something true, and return that; TimeoutError after *seconds*."""
        async with asyncio.timeout(seconds):
            while True:
                while self._news:
                    self._screen.show(self._news.popleft())
                if found := condition():
                    return found
                await self._api.until(lambda: bool(self._news) or condition(), 2 * seconds)

    def _on_event(self, event: Event) -> None:
        self._polls = self._polls or event.method == "getUpdates"
        if event.phase is Phase.APPLIED:
            self._look()

    def _look(self) -> None:
        """Take note of each message that is new or was edited, at the moment when it was: no version is missed."""
        for message in self._chat.messages:
            bubble = _bubble(message)
            if self._seen.get(message.id) != bubble:
                self._seen[message.id] = bubble
                self._news.append(bubble)


def _bubble(message: Message) -> Bubble:
    return Bubble(
        key=message.id,
        sender=message.sender.first_name,
        mine=not message.from_bot,
        text=message.text,
        marked=tuple(
            (_index(message.text, one.offset), _index(message.text, one.offset + one.length), one.type)
            for one in message.formatted.entities
        ),
        buttons=tuple(tuple(label for label, _ in row) for row in message.buttons),
        versions=tuple(text for _, text in message.versions),
    )


def _index(text: str, units: int) -> int:
    """Return the index in *text* of the letter at this offset in UTF-16 units, as Telegram counts."""
    return len(text.encode("utf-16-le")[: 2 * units].decode("utf-16-le"))

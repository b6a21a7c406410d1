"""Without Telegram: the page alone, and who has its notes once there is a bot."""

import asyncio
import contextlib
import fcntl
import os
import pty
import re
import signal
import sys
import termios
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from sandbox.swarm import make_sample
from tests.e2e.conftest import ROOT, World, environment, kept
from tests.e2e.test_first_owner import started

_LINK = re.compile(r"http://127\.0\.0\.1:\d+/login/[\w-]{43}")
NAME = "dn=%E4%B8%89%E4%BD%93"  # 三体


class Browser:
    """Somebody's browser, let in by a link."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def save(self, text: str) -> int:
        answer = await self._http.post("/api/notes", json={"text": text})
        assert answer.status_code == 200, answer.text
        return int(answer.json()["note"]["id"])

    async def text(self, number: int) -> str:
        return str((await self._http.get(f"/api/notes/{number}")).json()["note"]["text"])

    async def calibrate(self, number: int) -> None:
        answer = await self._http.post("/api/calibrate/async", json={"note_id": number})
        assert answer.status_code == 200, answer.text

    async def calibrated(self, number: int) -> str:
        """Return the note when its name was looked for."""
        answer = await self._http.post(f"/api/calibrate/{number}", timeout=30)
        assert answer.status_code == 200, answer.text
        return await self.text(number)

    async def status(self, path: str = "/") -> int:
        return (await self._http.get(path)).status_code


def without_token(world: World) -> Path:
    config = world.write_settings()
    config.write_text(config.read_text(encoding="utf-8").replace(world.api.token, ""), encoding="utf-8")
    return config


async def alone(world: World) -> str:
    """Start the program without a token; return the link that it prints."""
    world.output = ""
    await world.launch(without_token(world))
    return (await world.printed(_LINK))[0]


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient() as http:
        yield http


async def entered(http: httpx.AsyncClient, link: str) -> Browser:
    """Open the link as a browser does: look at it, then press its button."""
    here = link.partition("/login/")[0]
    http.base_url = httpx.URL(here)
    http.headers.update({"Origin": here, "Accept": "text/html"})
    assert (await http.get(link)).status_code == 200
    assert (await http.post(link)).status_code == 303
    return Browser(http)


def goes_on_at(http: httpx.AsyncClient, here: str) -> None:
    """Let the same browser go on: this start has another port, which stands in the session's name."""
    (session,) = http.cookies.values()
    http.cookies.clear()
    http.cookies.set(f"calibot_session_{here.rpartition(':')[2]}", session)
    http.base_url = httpx.URL(here)


async def test_a_note_is_kept_and_its_name_found_on_the_page_alone(world: World, http: httpx.AsyncClient) -> None:
    one = world.swarm.seed(make_sample("三体.全集.mkv"))
    browser = await entered(http, await alone(world))
    number = await browser.save(f"to watch: {one.magnet('18')}, later")
    assert NAME in await browser.calibrated(number)
    page = (await http.get(f"/notes/{number}")).text
    assert "三体.全集.mkv" in page
    assert "/login" not in page
    assert await world.stop() == 0
    assert "Traceback" not in world.output


async def test_the_link_is_good_once_and_the_terminal_is_where_another_is(
    world: World, http: httpx.AsyncClient
) -> None:
    link = await alone(world)
    await entered(http, link)
    again = await http.post(link)
    assert again.status_code == 404
    for word in ("was used, or is too old", "terminal shows a link"):
        assert word in again.text.replace("&#39;", "'")
    assert "/login" not in again.text.partition("<main")[2]
    stranger = await http.get(
        "/", headers={"Cookie": f"calibot_session_{http.base_url.port}=x", "Accept-Language": "zh"}
    )
    assert (stranger.status_code, "终端" in stranger.text) == (401, True)
    secret = link.rpartition("/")[2]
    stored = [await asyncio.to_thread(one.read_bytes) for one in world.folder.glob("*.db*")]
    assert [one for one in stored if secret.encode() in one] == []
    assert await world.stop(signal.SIGINT) == 0


async def test_nobody_else_gets_in_while_there_is_no_telegram(world: World, http: httpx.AsyncClient) -> None:
    await world.start()
    found = re.search(r"calibot_[\w-]{43}", (await world.ask("/token backup")).text)
    assert found
    link = _LINK.search((await world.ask("/login")).text)
    assert link
    browser = await entered(http, link[0])
    await world.stop()
    goes_on_at(http, (await alone(world)).partition("/login/")[0])
    assert await browser.status() == 403
    answer = await http.get("/api/notes", headers={"Authorization": f"Bearer {found[0]}"})
    assert (answer.status_code, answer.json()["code"]) == (403, "not_let_in")


async def test_the_owner_of_the_settings_has_the_notes_in_the_chat_and_the_page_has_them_again_later(
    world: World, http: httpx.AsyncClient
) -> None:
    one = world.swarm.seed(make_sample("三体.全集.mkv"))
    browser = await entered(http, await alone(world))
    number = await browser.save(f"a film {one.magnet('18')}")
    assert NAME in await browser.calibrated(number)
    await world.stop()
    # With Telegram they are the owner's, and the page's own session opens nothing.
    await world.start()
    assert f"#{number}" in (await world.ask("/notes")).text
    assert kept(await world.ask(f"/note {number}")).startswith("a film magnet:?")
    assert (await world.ask(f"/undo {number}")).text
    assert "dn=18" in kept(await world.ask(f"/note {number}"))
    listening = re.findall(r"web\.listening.* port=(\d+)", world.output)
    goes_on_at(http, f"http://127.0.0.1:{listening[-1]}")
    assert await browser.status() == 401
    assert "Send /login to the bot" in (await http.get("/", headers={"Accept": "text/html"})).text
    chat = await world.ask(f"more {make_sample('y').magnet('y')}")
    assert "#2 saved" in chat.text
    await world.stop()
    # And without it, again, all of it is the page's.
    browser = await entered(http, await alone(world))
    assert await browser.text(number) == f"a film {one.magnet('18')}"
    assert (await browser.text(2)).startswith("more magnet:")
    assert await world.stop() == 0


async def test_who_sends_the_code_has_the_notes_once(world: World, http: httpx.AsyncClient) -> None:
    browser = await entered(http, await alone(world))
    number = await browser.save("mine")
    await world.stop()
    code = await started(world)
    bob = world.api.person("Bob")
    refused = await world.ask(f"/note {number}", person=bob, chat=world.api.private(bob))
    assert "mine" not in refused.text
    assert (await world.ask(f"/start {code}")).text.startswith("You are this bot's owner now.")
    assert kept(await world.ask(f"/note {number}")) == "mine"
    await world.stop()
    world.owners = [bob.id]
    await world.start()
    there = await world.ask(f"/note {number}", person=bob, chat=world.api.private(bob))
    assert there.text == "There is no such note here."
    assert kept(await world.ask(f"/note {number}")) == "mine"


async def test_a_power_cut_on_the_page_and_another_in_the_claim_lose_nothing(
    world: World, http: httpx.AsyncClient
) -> None:
    one = make_sample("三体.全集.mkv")
    browser = await entered(http, await alone(world))
    number = await browser.save(f"a film {one.magnet('18')}")
    await browser.calibrate(number)  # nobody has it yet
    world.kill()
    await world.ended()
    world.swarm.seed(one)
    for _ in range(2):
        world.output = ""
        await world.launch(world.write_settings())
        await world.printed(re.compile("web.listening"))
        world.kill()
        await world.ended()
    await world.start()
    await world.shows(await world.ask(f"/calibrate {number}"), "completed", "三体")
    assert NAME in kept(await world.ask(f"/note {number}"))
    assert set(world.rows("SELECT asked_by, state FROM tasks")) == {
        ("local", "completed"), (f"tg:{world.alice.id}", "completed"),
    }  # fmt: skip
    assert world.rows("SELECT door FROM doors ORDER BY door") == [("local",), (f"tg:{world.alice.id}",)]
    assert world.rows("SELECT count(DISTINCT notebook_id) FROM doors") == [(1,)]


async def test_notes_of_both_sides_come_together(world: World, http: httpx.AsyncClient) -> None:
    world.owners = []
    bob = world.invite("Bob")
    await world.start()
    chat = world.api.private(bob)
    assert "#1 saved" in (await world.ask("/save of the chat", person=bob, chat=chat)).text
    await world.stop()
    browser = await entered(http, await alone(world))
    assert await browser.save("of the page") == 2
    await world.stop()
    code = await started(world)
    claimed = await world.ask(f"/start {code}", person=bob, chat=chat)
    assert claimed.text.startswith("You are this bot's owner now.")
    for number, text in ((1, "of the chat"), (2, "of the page")):
        assert kept(await world.ask(f"/note {number}", person=bob, chat=chat)) == text
    assert "#2" in (await world.ask("/search page", person=bob, chat=chat)).text


class Terminal:
    """What a person sees, and types."""

    def __init__(self, ours: int, process: Process) -> None:
        self._ours = ours
        self.process = process
        self.shown = ""

    async def shows(self, pattern: str) -> str:
        while (found := re.search(pattern, self.shown)) is None:
            self.shown += (await asyncio.to_thread(os.read, self._ours, 4096)).decode()
        return found[1]

    def type(self, keys: bytes) -> None:
        os.write(self._ours, keys)


@contextlib.asynccontextmanager
async def terminal(world: World, browser: str) -> AsyncIterator[Terminal]:
    """Start the program without a token in a terminal with a screen, where *browser* is what opens an address."""
    ours, theirs = pty.openpty()
    script = f"import sys, threading, webbrowser; from bot import cli\nwebbrowser.open = {browser}\n"
    script += f"sys.exit(cli.main(['run', '--config', {str(without_token(world))!r}]))"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", script), cwd=ROOT, env=environment() | {"DISPLAY": ":0"},
        stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )  # fmt: skip
    os.close(theirs)
    try:
        async with asyncio.timeout(30):
            yield Terminal(ours, process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        os.close(ours)


async def test_in_a_terminal_it_opens_a_browser_and_enter_gives_another_link(world: World) -> None:
    async with terminal(world, "lambda url: print('OPENED', url, flush=True)") as person:
        first = await person.shows(rf"  ({_LINK.pattern})")
        assert "press Enter here" in person.shown
        file = Path(urlsplit(await person.shows(r"OPENED file://(\S+)")).path)
        assert f'href="{first}"' in file.read_text(), "and it is no argument of a program, which all users can see"
        assert file.stat().st_mode & 0o777 == 0o600
        person.type(b"\n")
        assert await person.shows(rf"OPENED [^ ]+  ({_LINK.pattern})") != first
        person.type(b"\x04")  # Ctrl-D: no more is heard, and it goes on
        person.type(b"\x03")  # Ctrl-C
        assert await person.process.wait() == 0
        assert not file.exists()


async def test_a_browser_that_does_not_return_holds_up_no_end(world: World) -> None:
    async with terminal(world, "lambda url: (print('OPENED', url, flush=True), threading.Event().wait())") as person:
        await person.shows(r"OPENED (\S+)")
        person.type(b"\x03")
        assert await person.process.wait() == 0

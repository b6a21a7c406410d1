"""The sandbox's Bot API server is held against one that others wrote: the same private chat, with the same program.

Only what happens in a private chat is held, since the emulator knows no topics, no limits and no HTML. What it says of
two that poll at once is no Telegram's: it refuses the newer one, Telegram ends the older.
"""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp.test_utils import TestServer
from lo_bot_api_emulator import LoBotApiEmulator

from sandbox.swarm import make_sample
from tests.e2e.conftest import World, opened_world
from tests.e2e.contract_help import OfEmulator, OfSandbox, Seen, Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")

SERVERS = ("sandbox", "emulator")
_CODE = re.compile(r"/start ([0-9a-f]{16})")
_NAMED_FOR = {"from": "User", "chat": "Chat", "message": "Message", "callback_query": "CallbackQuery"}
_RESULTS = {"sendMessage": "Message", "editMessageText": "Message"}

_SPARSE = "Telegram gives it; the emulator's messages have ids, date and text alone"
_NEWER = "Telegram gives it; newer than what the emulator knows"

# Where the two differ, and why neither need change.
KNOWN = {
    "getMe.username: the sandbox alone": "every bot of Telegram has one, and the window gives the emulator's one",
    "getMe.can_connect_to_business: the sandbox alone": _NEWER,
    "getMe.has_main_web_app: the sandbox alone": _NEWER,
    "getMe.capabilities: the emulator alone": "of the messenger that it was made for: Telegram has none",
    "Message.from: the sandbox alone": _SPARSE,
    "Message.entities: the sandbox alone": _SPARSE,
    "Message.reply_to_message: the sandbox alone": _SPARSE,
    "Message.link_preview_options: the sandbox alone": "the emulator refuses it, and the window withholds it",
    "Message.edit_date: the sandbox alone": _SPARSE,
    "Chat.first_name: the sandbox alone": _SPARSE,
    "Chat.username: the sandbox alone": _SPARSE,
}


@dataclass(frozen=True, slots=True)
class Played:
    """What a server was asked, and answered, and what ended the play before its time."""

    seen: Sequence[Seen]
    trouble: Exception | None = None


Plays = Mapping[str, Played]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def plays(tmp_path_factory: pytest.TempPathFactory) -> Plays:
    folders = [tmp_path_factory.mktemp(server) for server in SERVERS]
    return dict(zip(SERVERS, await asyncio.gather(*map(_played, SERVERS, folders)), strict=True))


@contextlib.asynccontextmanager
async def _stage(server: str, world: World) -> AsyncIterator[Stage]:
    if server == "sandbox":
        yield OfSandbox(world.api, world.alice, world.private)
        return
    emulator = LoBotApiEmulator()
    async with TestServer(emulator.app()) as opened:
        yield OfEmulator(emulator, str(opened.make_url("/bot")), world.api.token)


async def _played(server: str, folder: Path) -> Played:
    async with (
        opened_world(folder, World, reads_all=False) as world,
        _stage(server, world) as stage,
        stage.window.open() as world.base_url,
    ):
        world.owners = []
        await world.start()
        try:
            await _play(world, stage)
        except Exception as trouble:  # noqa: BLE001 - a server's own test raises it, and the others say what was different
            return Played(tuple(stage.window.seen), trouble)
        seen = tuple(stage.window.seen)
        assert await world.stop() == 0
    return Played(seen)


async def _play(world: World, stage: Stage) -> None:
    code = (await world.printed(_CODE))[1]
    assert "You are this bot's owner now." in _text(await _ask(stage, f"/start {code}"))
    sample = world.swarm.unseeded(make_sample("The true name.mkv"))
    saved = await _ask(stage, sample.magnet(dn="18"))
    assert _text(saved) == "#1 saved: 1 magnet."
    assert [*saved.buttons] == ["Calibrate"]
    card = await _ask(stage, "/calibrate 1")
    await _press(stage, await _shows(stage, card, "running"), "Refresh")
    await _press(stage, await _shows(stage, card, "running"), "Cancel")
    cancelled = await _shows(stage, card, "cancelled")
    await world.swarm.begin_seeding(sample)
    await _press(stage, cancelled, "Retry")
    ended = await _shows(stage, card, "completed")
    assert [*ended.buttons] == ["Undo"]
    assert "The true name.mkv" in _text(ended)
    assert "dn=The%20true%20name.mkv" in _text(await _ask(stage, "/note 1"))


async def _ask(stage: Stage, text: str) -> Seen:
    """Say *text* and return the message that answers it."""
    before = len(stage.window.of("sendMessage"))
    await stage.say(text)
    return (await stage.window.until(lambda: stage.window.of("sendMessage")[before:]))[0]


async def _press(stage: Stage, shown: Seen, button: str) -> None:
    """Press *button* and see that it is answered."""
    before = len(stage.window.of("answerCallbackQuery"))
    await stage.press(shown, shown.buttons[button])
    await stage.window.until(lambda: stage.window.of("answerCallbackQuery")[before:])


async def _shows(stage: Stage, card: Seen, state: str) -> Seen:
    """Return the last word of a message when it begins with *state*."""

    def last() -> Seen | None:
        *_, shown = (
            one
            for one in stage.window.of("sendMessage", "editMessageText")
            if one.result["message_id"] == card.result["message_id"]
        )
        return shown if _text(shown).startswith(f"<b>{state}</b>") else None

    return await stage.window.until(last)


def _text(shown: Seen) -> str:
    return str(shown.asked["text"])


@pytest.mark.parametrize("server", SERVERS)
async def test_a_private_chat_goes_from_the_first_start_to_a_corrected_note(plays: Plays, server: str) -> None:
    seen, trouble = plays[server].seen, plays[server].trouble
    if trouble is not None:
        raise trouble
    assert {(one.status, one.body["ok"], *sorted(one.body)) for one in seen} == {(200, True, "ok", "result")}
    told = [one.result for one in seen if one.method in {"setMyCommands", "deleteWebhook"}]
    assert told == [True] * 3
    assert [one.result for one in seen if one.method == "answerCallbackQuery"] == [True] * 3


@pytest.mark.parametrize("server", SERVERS)
async def test_an_update_that_was_confirmed_does_not_come_again(plays: Plays, server: str) -> None:
    polls = [(one.asked["offset"], _numbers(one)) for one in plays[server].seen if one.method == "getUpdates"]
    numbers = [number for _, came in polls for number in came]
    assert numbers == sorted(set(numbers))
    assert len(numbers) == 7  # four messages and three presses
    assert all(number >= offset for offset, came in polls for number in came)


def _numbers(poll: Seen) -> list[int]:
    return [update["update_id"] for update in poll.result or ()]


async def test_the_program_asks_both_for_the_same(plays: Plays) -> None:
    ours, theirs = (plays[server].seen for server in SERVERS)
    assert [(one.method, _shape(one.asked)) for one in _once(ours)] == [
        (one.method, _shape(one.asked)) for one in _once(theirs)
    ]
    for method in ("getUpdates", "editMessageText"):  # how often depends on the moment
        assert _shapes(ours, method) == _shapes(theirs, method)


def _once(seen: Sequence[Seen]) -> list[Seen]:
    """Return the requests whose number and order do not depend on the moment."""
    return [one for one in seen if one.method not in {"getUpdates", "editMessageText"}]


def _shapes(seen: Sequence[Seen], method: str) -> list[object]:
    return _distinct([_shape(one.asked) for one in seen if one.method == method])


def _shape(value: object) -> object:
    """Return *value* with the names of types for all that differs from play to play."""
    match value:
        case dict():
            return {name: _shape(one) for name, one in value.items()}
        case list():
            return _distinct([_shape(one) for one in value])
        case _:
            return type(value).__name__


def _distinct(shapes: list[object]) -> list[object]:
    return [one for position, one in enumerate(shapes) if one not in shapes[:position]]


async def test_both_answer_with_the_same_fields_but_for_those_known(plays: Plays) -> None:
    ours, theirs = (plays[server].seen for server in SERVERS)
    pairs = zip([*_once(ours), *_last_edit(ours)], [*_once(theirs), *_last_edit(theirs)], strict=False)
    found: set[str] = set()
    for one, other in pairs:
        found |= {*_departures(one.result, other.result, _RESULTS.get(one.method, one.method))}
    for told, other_told in zip(_updates(ours), _updates(theirs), strict=False):
        found |= {*_departures(told, other_told, "Update")}
    assert sorted(found - KNOWN.keys()) == []
    assert sorted(KNOWN.keys() - found) == []


def _last_edit(seen: Sequence[Seen]) -> list[Seen]:
    return [one for one in seen if one.method == "editMessageText"][-1:]


def _updates(seen: Sequence[Seen]) -> list[Any]:
    return [update for one in seen if one.method == "getUpdates" for update in one.result or ()]


def _departures(ours: object, theirs: object, at: str) -> Iterator[str]:
    """Yield where two objects of the Bot API differ in their fields, or in a field's type."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        yield from (f"{at}.{name}: the sandbox alone" for name in ours.keys() - theirs.keys())
        yield from (f"{at}.{name}: the emulator alone" for name in theirs.keys() - ours.keys())
        for name in ours.keys() & theirs.keys():
            yield from _departures(ours[name], theirs[name], _NAMED_FOR.get(name, f"{at}.{name}"))
    elif isinstance(ours, list) and isinstance(theirs, list):
        if len(ours) != len(theirs):
            yield f"{at}: {len(ours)} of the sandbox, {len(theirs)} of the emulator"
        for one, other in zip(ours, theirs, strict=False):
            yield from _departures(one, other, f"{at}[]")
    elif type(ours) is not type(theirs):
        yield f"{at}: {type(ours).__name__} of the sandbox, {type(theirs).__name__} of the emulator"

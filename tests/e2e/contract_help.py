"""The sandbox's Bot API server, and one that others wrote: each seen through a window, each with somebody to talk."""

import asyncio
import contextlib
import itertools
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
from lo_bot_api_emulator import LoBotApiEmulator

from sandbox.botapi import BotApi, Chat, Person
from sandbox.botapi.pulse import Pulse

Json = dict[str, Any]
T = TypeVar("T")

# What the emulator's bot is told is written here by the Bot API's documentation, and not by the sandbox's code.
_ALICE: Json = {"id": 7_000_000_001, "is_bot": False, "first_name": "Alice", "username": "alice", "language_code": "en"}
_CHAT: Json = {"id": 7_000_000_001, "type": "private", "first_name": "Alice", "username": "alice"}
_BOT: Json = {"id": 7, "is_bot": True, "first_name": "Fixture", "username": "fixture_bot"}

# The Bot API's sendMessage and editMessageText have it since 7.0; the emulator refuses it.
_REFUSED = frozenset({"link_preview_options"})


@dataclass(frozen=True, slots=True)
class Seen:
    """A request of the program, with its values as JSON, and the answer to it."""

    method: str
    asked: Json
    status: int
    body: Json

    @property
    def result(self) -> Any:
        """The answer's result, None when there is none."""
        return self.body.get("result")

    @property
    def buttons(self) -> dict[str, str]:
        """What the buttons say that were asked for, and the data of each."""
        rows = self.asked.get("reply_markup", {}).get("inline_keyboard", [])
        return {button["text"]: button["callback_data"] for button in itertools.chain(*rows)}


class Window:
    """Stands before a Bot API server, hands on what it is asked, and keeps what either side said.

    Args:
        base_url: the server's.
        withheld: parameters that it would refuse.
        me: what its getMe lacks.
    """

    def __init__(
        self, base_url: str, *, withheld: frozenset[str] = frozenset(), me: Mapping[str, str] | None = None
    ) -> None:
        self.seen: list[Seen] = []
        self._base_url = base_url
        self._withheld = withheld
        self._me = me or {}
        self._more = Pulse()

    def of(self, *methods: str) -> list[Seen]:
        return [seen for seen in self.seen if seen.method in methods]

    async def until(self, condition: Callable[[], T | None], seconds: float = 40) -> T:
        """Return what *condition* gives as soon as it is true, looking again at each answer."""
        try:
            async with asyncio.timeout(seconds):
                while not (found := condition()):
                    await self._more.wait()
        except TimeoutError as error:
            raise TimeoutError("\n".join(map(str, self.seen[-10:]))) from error
        return found

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[str]:
        """Be there, and tell the base URL."""
        application = web.Application()
        application.router.add_post("/bot{token}/{method}", self._hand_on)
        async with ClientSession() as self._client, TestServer(application) as server:
            yield str(server.make_url("/bot"))

    async def _hand_on(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        given = {name: str(value) for name, value in (await request.post()).items()}
        taken = {name: value for name, value in given.items() if name not in self._withheld}
        url = f"{self._base_url}{request.match_info['token']}/{method}"
        async with self._client.post(url, data=taken) as answer:
            body: Json = await answer.json()
        asked = {name: _value(value) for name, value in given.items()}
        self.seen.append(Seen(method, asked, answer.status, body))
        self._more.beat()
        if method == "getMe":
            body = body | {"result": body["result"] | self._me}
        return web.json_response(body, status=answer.status)


class Stage(Protocol):
    """A Bot API server, and Alice, who is in a private chat with its bot."""

    window: Window

    async def say(self, text: str) -> None:
        """Have Alice write *text*."""

    async def press(self, shown: Seen, data: str) -> None:
        """Have her press the button with this *data* on the message as it was *shown* last."""


class OfSandbox:
    """The sandbox's own server."""

    def __init__(self, api: BotApi, alice: Person, private: Chat) -> None:
        self.window = Window(api.base_url)
        self._alice = alice
        self._private = private

    async def say(self, text: str) -> None:
        self._alice.say(self._private, text)

    async def press(self, shown: Seen, data: str) -> None:
        message = self._private.find(shown.result["message_id"])
        assert message is not None
        await self._alice.press_data(message, data)


class OfEmulator:
    """`lo_bot_api_emulator`: it checks what it is asked, and queues updates; what is in them it leaves to us."""

    def __init__(self, emulator: LoBotApiEmulator, base_url: str, token: str) -> None:
        self.window = Window(base_url, withheld=_REFUSED, me={"username": _BOT["username"]})
        self._emulator = emulator
        self._token = token
        self._presses = itertools.count(1)

    async def say(self, text: str) -> None:
        message = {"message_id": self._emulator.next_id, "from": _ALICE, "chat": _CHAT, "date": int(time.time())}
        self._emulator.next_id += 1
        entities = [{"type": "bot_command", "offset": 0, "length": len(text.split(maxsplit=1)[0])}]
        said = message | {"text": text} | ({"entities": entities} if text.startswith("/") else {})
        await self._emulator.enqueue_update({"message": said}, token=self._token)

    async def press(self, shown: Seen, data: str) -> None:
        press = {
            "id": str(next(self._presses)),
            "from": _ALICE,
            "message": shown.result | {"from": _BOT, "chat": _CHAT},
            "chat_instance": "1",
            "data": data,
        }
        await self._emulator.enqueue_update({"callback_query": press}, token=self._token)


def _value(given: str) -> object:
    try:
        return json.loads(given)
    except ValueError:
        return given

"""The page's own server: a few files, and a WebSocket for all that happens. On 127.0.0.1, for its own page alone."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Self

from aiohttp import WSMsgType, web

from sandbox.botapi import BotApi, Event
from sandbox.page.actions import Actions, Impossible
from sandbox.page.shapes import Cast, call_json, is_in, message_json
from sandbox.page.troubles import Troubles

_STATIC = Path(__file__).parent / "static"
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_LARGEST_FRAME = 4_000_000
_LOOK_AGAIN = 3600.0
_CALLS = 12
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class ChatPage:
    """Serves the page while the ``async with`` lasts; *url* is where.

    Args:
        api: whose chats it shows.
        cast: whom it plays.
        port: where it listens; 0 takes a free one. OSError on entering where it is taken.
        gone_seconds: how long Telegram is gone when that is asked for.
    """

    def __init__(self, api: BotApi, cast: Cast, *, port: int = 0, gone_seconds: float = 10) -> None:
        self._api = api
        self._cast = cast
        self._port = port
        self._troubles = Troubles(api, gone_seconds)
        self._actions = Actions(cast, self._troubles)
        self._files: Mapping[str, bytes] = {}
        self._sockets: set[web.WebSocketResponse] = set()
        self._bot_is_there = False
        app = web.Application(middlewares=[self._only_our_own_page])
        app.router.add_get("/live", self._live)
        app.router.add_get("/file/{id}", self._download)
        app.router.add_get("/{name:[a-z-]*(?:[.][a-z]+)?}", self._static)
        app.on_response_prepare.append(_add_headers)
        app.on_shutdown.append(self._hang_up)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)

    async def __aenter__(self) -> Self:
        self._files = await asyncio.to_thread(lambda: {one.name: one.read_bytes() for one in _STATIC.iterdir()})
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        except OSError:
            await self._runner.cleanup()
            raise
        self._port = self._runner.addresses[0][1]
        self._stop_listening = self._api.on_event(self._on_event)
        return self

    async def __aexit__(self, *error: object) -> None:
        self._stop_listening()
        await self._runner.cleanup()
        await self._troubles.__aexit__(*error)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/"

    def _on_event(self, event: Event) -> None:
        self._bot_is_there = self._bot_is_there or event.method == "getUpdates"

    @web.middleware
    async def _only_our_own_page(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        """Refuse names that somebody else let point here (DNS rebinding), and other pages."""
        ours = {f"127.0.0.1:{self._port}", f"localhost:{self._port}"}
        origin = request.headers.get("Origin")
        if request.host not in ours or (origin is not None and origin != f"http://{request.host}"):
            raise web.HTTPForbidden(text="This page is for this machine alone.\n")
        return await handler(request)

    async def _static(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"] or "index.html"
        if name not in self._files:
            raise web.HTTPNotFound
        return web.Response(body=self._files[name], content_type=_TYPES[Path(name).suffix], charset="utf-8")

    async def _download(self, request: web.Request) -> web.StreamResponse:
        """Give a file of a chat, to be saved and never shown: anybody may have written it."""
        found = (one.document for chat in self._cast.chats for one in chat.messages if one.document)
        file = next((one for one in found if one.id == request.match_info["id"]), None)
        if file is None:
            raise web.HTTPNotFound
        return web.Response(
            body=file.content, content_type="application/octet-stream", headers={"Content-Disposition": "attachment"}
        )

    async def _live(self, request: web.Request) -> web.StreamResponse:
        if "Origin" not in request.headers:
            raise web.HTTPForbidden(text="Only a browser comes here.\n")
        socket = web.WebSocketResponse(max_msg_size=_LARGEST_FRAME, heartbeat=30, timeout=1)
        await socket.prepare(request)
        self._sockets.add(socket)
        try:
            async with asyncio.TaskGroup() as tasks:
                under_way = {tasks.create_task(self._tell(socket))}
                async for message in socket:
                    if message.type is WSMsgType.TEXT:
                        task = tasks.create_task(self._answer(socket, message.data))
                        under_way.add(task)
                        task.add_done_callback(under_way.discard)
                for task in tuple(under_way):
                    task.cancel()
        finally:
            self._sockets.discard(socket)
        return socket

    async def _tell(self, socket: web.WebSocketResponse) -> None:
        """Send who there is, and from then on whatever is new."""
        first = self._cast.as_json(self._api.bot) | {"gone_seconds": self._troubles.gone_seconds}
        news = News(self._api, self._cast, self._status)
        await _send(socket, {"cast": first})
        while not socket.closed:
            try:
                await _send(socket, await self._api.until(news.take, _LOOK_AGAIN))
            except TimeoutError:
                continue

    def _status(self) -> dict[str, object]:
        return self._troubles.as_json() | {"running": self._bot_is_there}

    async def _answer(self, socket: web.WebSocketResponse, text: str) -> None:
        try:
            given = json.loads(text)
        except ValueError:
            return
        if not isinstance(given, dict):
            return
        answer: dict[str, object] = {"answer": given.get("n")}
        try:
            pressed = await self._actions.do(given)
        except Impossible as error:
            answer["wrong"] = error.code
        else:
            if pressed is not None:
                answer |= {"text": pressed.text, "alert": pressed.show_alert}
        await _send(socket, answer)

    async def _hang_up(self, _: web.Application) -> None:
        for socket in tuple(self._sockets):
            await socket.close(code=1001)


class News:
    """What one page has not been told yet."""

    def __init__(self, api: BotApi, cast: Cast, status: Callable[[], dict[str, object]]) -> None:
        self._api = api
        self._cast = cast
        self._status = status
        self._calls = max(0, len(api.calls) - _CALLS)
        self._told: dict[object, dict[str, object]] = {}

    def take(self) -> dict[str, object]:
        """Return what is new, nothing when nothing is, and take it for told."""
        messages = [
            {"chat": chat.id, "id": message.id} | shape
            for chat in self._cast.chats
            for message in chat.every_message
            if (shape := self._changed((chat.id, message.id), message_json(message)))
        ]
        menus = [
            {"chat": chat.id, "person": person.id} | shape
            for person, _ in self._cast.people
            for chat in self._cast.chats
            if is_in(person, chat)
            if (shape := self._changed((chat.id, person), {"commands": self._api.menu(chat, person)}))
        ]
        calls = [call_json(call) for call in self._api.calls[self._calls :]]
        self._calls += len(calls)
        shown = [one for one in calls if one["method"] != "getUpdates" or one["status"] != 200][-_CALLS:]  # noqa: PLR2004 - HTTP
        news = {"messages": messages, "menus": menus, "calls": shown, "status": self._changed("status", self._status())}
        return {name: value for name, value in news.items() if value}

    def _changed(self, key: object, shape: dict[str, object]) -> dict[str, object]:
        if self._told.get(key) == shape:
            return {}
        self._told[key] = shape
        return shape


async def _add_headers(_: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(_HEADERS)


async def _send(socket: web.WebSocketResponse, shape: Mapping[str, object]) -> None:
    if not socket.closed:
        try:
            await socket.send_str(json.dumps(shape))
        except ConnectionError:
            await socket.close()

"""The HTTP side (Bot API, "Making requests")."""

import asyncio
import contextlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import formatdate

from aiohttp import web

from sandbox.botapi.errors import Refused, bad_request
from sandbox.botapi.events import Call, EventLog, Phase
from sandbox.botapi.faults import Fault, FaultBook
from sandbox.botapi.files import MAX_UPLOAD, File
from sandbox.botapi.methods import Methods
from sandbox.botapi.parameters import Parameters
from sandbox.botapi.world import World

_TOKEN = re.compile(r"[0-9]+:[A-Za-z0-9_-]+")
_DRIP_SECONDS = 1.0  # less than a client waits for the next byte
_POLLING = frozenset({"offset", "limit", "timeout", "allowed_updates"})


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    description: str = ""
    flood: bool = False
    body: dict[str, object] = field(default_factory=dict)


class Server:
    """Answers requests to ``/bot<token>/<method>``; GET and POST, query, form, multipart and JSON."""

    def __init__(self, token: str, world: World, methods: Methods, faults: FaultBook, log: EventLog) -> None:
        self._token = token
        self._world = world
        self._methods = methods
        self._faults = faults
        self._log = log

    def application(self) -> web.Application:
        application = web.Application(client_max_size=MAX_UPLOAD + 100_000)
        application.router.add_get("/file/bot{token:[^/]*}/{path:.*}", self._download)
        application.router.add_route("*", "/bot{token:[^/]*}/{method}", self._handle)
        return application

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        at = self._world.now()
        method = self._methods.documented(request.match_info["method"])
        try:
            self._check_token(request.match_info["token"])
            given = await _given(request)
        except Refused as refused:
            return await self._finish(request, method, None, at, _refusal(refused))
        chat_id = _chat_id(given)
        self._log.add(method, Phase.RECEIVED, chat_id)
        fault = self._faults.take(method, chat_id)
        if fault is Fault.LOST_REQUEST:
            return await self._finish(request, method, chat_id, at, _Answer(fault.status), lost=True)
        try:
            if fault is not None and not fault.applied:
                raise fault.refusal
            result = await self._done(method, given)
        except Refused as refused:
            answer = _refusal(refused)
        else:
            answer = _Answer(200, body={"ok": True, "result": result})
        self._log.add(method, Phase.APPLIED, chat_id)
        if fault is not None and fault.until is not None:
            await fault.until.wait()
        if self._faults.seconds_late:
            await asyncio.sleep(self._faults.seconds_late)
        if fault is Fault.ENDLESS_ANSWER:
            await _drip(request)
        lost = fault in {Fault.LOST_ANSWER, Fault.ENDLESS_ANSWER}
        return await self._finish(request, method, chat_id, at, answer, lost=lost)

    async def _download(self, request: web.Request) -> web.StreamResponse:
        """Give the bytes of a file (Bot API, getFile)."""
        try:
            self._check_token(request.match_info["token"])
        except Refused as refused:
            return web.json_response(_refusal(refused).body, status=refused.status)
        file = self._world.files.at(request.match_info["path"])
        if file is None:
            return web.json_response(_refusal(Refused(404, "Not Found")).body, status=404)
        return web.Response(body=file.content, content_type="application/octet-stream")

    def _check_token(self, token: str) -> None:
        if not _TOKEN.fullmatch(token):
            raise Refused(404, "Not Found")
        if token != self._token:
            raise Refused(401, "Unauthorized")

    async def _done(self, method: str, given: Mapping[str, object]) -> object:
        if method != "getUpdates":
            return self._methods.call(method, given)
        parameters = Parameters(method, given, _POLLING)
        if "allowed_updates" in parameters:
            self._world.updates.allow(parameters.words("allowed_updates"))
        return await self._world.updates.poll(
            parameters.integer("offset"), parameters.integer("limit", 100), parameters.integer("timeout")
        )

    async def _finish(
        self, request: web.Request, method: str, chat_id: int | None, at: float, answer: _Answer, *, lost: bool = False
    ) -> web.StreamResponse:
        """Write the answer out, or lose it, and keep the call."""
        date = formatdate(self._world.now(), usegmt=True)
        response = web.json_response(answer.body, status=answer.status, headers={"Date": date})
        if lost and request.transport is not None:
            request.transport.abort()
        try:
            await response.prepare(request)
            await response.write_eof()
        except ConnectionError:
            lost = True
        status = 0 if lost else answer.status
        self._log.calls.append(Call(method, chat_id, at, status, answer.description, answer.flood))
        if not lost:
            self._log.add(method, Phase.ANSWERED, chat_id)
        self._world.changed.beat()
        return response


async def _drip(request: web.Request) -> None:
    """Answer with blanks until whoever asked is gone."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    with contextlib.suppress(ConnectionError):
        await response.prepare(request)
        while True:
            await response.write(b" ")
            await asyncio.sleep(_DRIP_SECONDS)


def _refusal(refused: Refused) -> _Answer:
    body: dict[str, object] = {"ok": False, "error_code": refused.status, "description": refused.description}
    if refused.parameters:
        body["parameters"] = refused.parameters
    return _Answer(refused.status, refused.description, refused.flood, body)


async def _given(request: web.Request) -> dict[str, object]:
    """Return the request's parameters by name, those of the body over those of the query."""
    given: dict[str, object] = dict(request.query)
    try:
        if request.content_type == "application/json":
            body = json.loads(await request.text() or "{}")
        else:
            body = {name: await _value(one) for name, one in (await request.post()).items()}
    except UnicodeError as error:
        raise bad_request("strings must be encoded in UTF-8") from error
    except ValueError as error:
        raise bad_request("can't parse the request: it is no JSON") from error
    except web.HTTPRequestEntityTooLarge as error:
        raise Refused(413, "Request Entity Too Large") from error
    if not isinstance(body, dict):
        raise bad_request("sandbox: the request is no Object")
    return given | body


async def _value(given: str | bytearray | bytes | web.FileField) -> object:
    if not isinstance(given, web.FileField):
        return given
    content = await asyncio.to_thread(given.file.read)
    return File(given.filename, content, given.content_type)


def _chat_id(given: Mapping[str, object]) -> int | None:
    try:
        return int(str(given.get("chat_id")))
    except ValueError:
        return None

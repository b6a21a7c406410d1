"""What may come as a request's body: JSON, or a form of the page; and not without end."""

import asyncio

from fastapi import Request
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.clock import at_most
from services.errors import CalibotError
from web.entry import let_in
from web.errors import turn_away
from web.given import services_of
from web.refusals import NotJson, TooLarge, TooSlow
from web.stopping import unless_stopping

_MOST = 6_500_000  # bytes: a million characters, each escaped
_MOST_IN_A_FORM = 12_500_000  # bytes: the same, where each may be four escapes
_OF_ANYBODY = 65_536  # bytes that are read before it is known who asks
_SECONDS = 30.0  # in which a body must have come
_JSON, _FORM = "application/json", "application/x-www-form-urlencoded"


class Bodies:
    """Reads a body before *app* does, and refuses what is too large or something else than its path takes."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        taken = _JSON if request.url.path.startswith("/api/") else _FORM
        try:
            body = await unless_stopping(request, _read(request, _MOST if taken == _JSON else _MOST_IN_A_FORM))
        except ClientDisconnect:  # nobody is left to be answered
            return
        except CalibotError as error:
            await turn_away(scope, receive, send, error)
            return
        if body and request.headers.get("content-type", "").partition(";")[0].strip().lower() != taken:
            await turn_away(scope, receive, send, NotJson())
            return
        await self._app(scope, _again(body, receive), send)


async def _read(request: Request, most: int) -> bytes:
    """Return the body.

    Raises:
        TooLarge, TooSlow: there is more than *most* of it, or it takes too long.
        TokenNeeded, NotLetIn, FromAnotherSite: there is much of it, and it is nobody's who may ask; see `let_in`.
        ClientDisconnect: the client has gone.
    """
    if int(request.headers.get("content-length", 0)) > most:  # the server refuses what is no number
        raise TooLarge(most=most)
    reading = asyncio.ensure_future(_stream(request, most))
    await at_most(services_of(request).clock, _SECONDS, reading)
    if reading.cancelled():
        raise TooSlow
    return reading.result()


async def _stream(request: Request, most: int) -> bytes:
    body, known = bytearray(), False
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise TooLarge(most=most)
        if not known and len(body) > _OF_ANYBODY:
            await let_in(request)
            known = True
    return bytes(body)


def _again(body: bytes, receive: Receive) -> Receive:
    """Return what gives *body*, then what comes after it."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again

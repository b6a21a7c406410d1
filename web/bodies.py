"""What may come as a request's body: JSON, and not without end."""

from fastapi import Request
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.errors import ShuttingDown
from web.errors import turn_away
from web.refusals import NotJson, TooLarge
from web.stopping import unless_stopping

_MOST = 2_000_000  # bytes
_JSON = "application/json"


class Bodies:
    """Reads a body before *app* does, and refuses what is too large or something else than JSON."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            body = await unless_stopping(request, _read(request))
        except ClientDisconnect:  # nobody is left to be answered
            return
        except (TooLarge, ShuttingDown) as error:
            await turn_away(scope, receive, send, error)
            return
        if body and request.headers.get("content-type", "").partition(";")[0].strip().lower() != _JSON:
            await turn_away(scope, receive, send, NotJson())
            return
        await self._app(scope, _again(body, receive), send)


async def _read(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MOST:
            raise TooLarge(most=_MOST)
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

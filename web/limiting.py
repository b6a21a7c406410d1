"""Who comes too often is refused before anything is done for them."""

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from web.entry import origins_of
from web.errors import turn_away
from web.rates import Limits, client_of
from web.refusals import FromAnotherSite, TooManyRequests

_PAGE = "document"
_OPEN = frozenset({"/healthz", "/readyz"})


def _is_part_of_another_site(connection: HTTPConnection) -> bool:
    """Whether a page of another site wants it for an image, a frame, a script or a socket of its own (Fetch Metadata).

    Nothing here is for that. Counted, a page could use up what its reader may ask for.
    """
    headers = connection.headers
    if connection.scope["type"] == "websocket" and "origin" in headers:  # of these browsers say it everywhere
        return headers["origin"] not in origins_of(connection)
    return headers.get("sec-fetch-site") == "cross-site" and headers.get("sec-fetch-dest", _PAGE) != _PAGE


class Limited:
    """Refuses who comes too often else lets *app* answer."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app = app
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"} or scope["path"] in _OPEN:
            await self._app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        if _is_part_of_another_site(connection):
            await turn_away(scope, receive, send, FromAnotherSite())
            return
        client = client_of(connection)
        if wait := self._limits.requests.wait(client):
            await turn_away(scope, receive, send, TooManyRequests(seconds=int(wait) + 1))
            return
        self._limits.requests.take(client)
        await self._app(scope, receive, send)

"""Who is not answered yet when a stop has waited long enough is told so: else that were a fault, with a traceback."""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.errors import ShuttingDown
from web.errors import turn_away
from web.refusals import OutcomeUnknown

_ONLY_LOOKS = frozenset({"GET", "HEAD", "OPTIONS"})


class Ended:
    """Answers for *app* where the server ends it before it has: what it had begun to write is written all the same."""

    def __init__(self, app: ASGIApp, stopping: asyncio.Event) -> None:
        self._app = app
        self._stopping = stopping

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def begin(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, begin)
        except asyncio.CancelledError:
            if not self._stopping.is_set() or (begun and scope["type"] == "http"):
                raise
            if not begun:
                only_looks = scope.get("method", "GET") in _ONLY_LOOKS
                await turn_away(scope, receive, send, ShuttingDown() if only_looks else OutcomeUnknown())

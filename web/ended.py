"""Who is not answered yet when a stop has waited long enough is told so: else that were a fault, with a traceback."""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.errors import ShuttingDown
from web.errors import turn_away


class Ended:
    """Refuses what the server ends while *app* is about it."""

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
            if begun or scope["type"] != "http" or not self._stopping.is_set():
                raise
            await turn_away(scope, receive, send, ShuttingDown())

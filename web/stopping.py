"""Whoever waits is told when the program stops: else the server would cut them off, with a traceback for each."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from fastapi import Request

from services.errors import ShuttingDown

T = TypeVar("T")


async def unless_stopping(request: Request, what: Coroutine[Any, Any, T]) -> T:
    """Return what *what* does.

    Raises:
        ShuttingDown: the server stops before it has done so.
    """
    stopping = asyncio.ensure_future(request.app.state.stopping.wait())
    done = asyncio.ensure_future(what)
    try:
        await asyncio.wait({stopping, done}, return_when=asyncio.FIRST_COMPLETED)
        if not done.done():
            raise ShuttingDown
        return done.result()
    finally:
        for one in (stopping, done):
            one.cancel()
        await asyncio.wait({stopping, done})

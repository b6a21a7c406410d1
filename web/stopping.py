"""Whoever waits is told when the program stops: else the server would cut them off, with a traceback for each."""

import asyncio
from collections.abc import Coroutine
from typing import Any, NoReturn, TypeVar

from starlette.requests import HTTPConnection

from services.errors import ShuttingDown

T = TypeVar("T")


async def unless_stopping(connection: HTTPConnection, what: Coroutine[Any, Any, T]) -> T:
    """Return what *what* does.

    Raises:
        ShuttingDown: the server stops before it has done so.
    """

    async def stopping() -> NoReturn:
        await connection.app.state.stopping.wait()
        raise ShuttingDown

    return await first_of(what, stopping())


async def first_of(*what: Coroutine[Any, Any, T]) -> T:
    """Return what the first of these returns that is over, or raise what it raises; the others are ended by then."""
    running = [asyncio.ensure_future(one) for one in what]
    try:
        done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        return next(one for one in running if one in done).result()
    finally:
        for one in running:
            one.cancel()
        await asyncio.gather(*running, return_exceptions=True)

"""What costs much is made for each person one at a time: who opens many pages stands before nobody else's."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

from services.torrents import PersonId


class Turns:
    """Lets each person's requests wait for each other."""

    def __init__(self) -> None:
        self._theirs: WeakValueDictionary[PersonId, asyncio.Lock] = WeakValueDictionary()  # while somebody has it

    @asynccontextmanager
    async def of(self, person: PersonId) -> AsyncIterator[None]:
        """Wait for the person's turn, and keep it while the ``async with`` lasts."""
        turn = self._theirs.setdefault(person, asyncio.Lock())
        async with turn:
            yield

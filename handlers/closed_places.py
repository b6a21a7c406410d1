"""Where Telegram takes no messages from us: the bot was blocked, kicked or muted, or a chat or topic is no more."""

import contextlib
from collections.abc import AsyncIterator, Collection

from handlers.outgoing import Address
from services.calibration.follower import Place
from services.calibration.followers import Followership

_GENERAL = 1
"""The topic of what is sent to a forum without one; it can be closed by itself."""


class ClosedPlaces:
    """Chats with all their topics, and topics; known at once, and stored soon.

    Nothing else is stored of it: what is to be shown there stays so, and is shown once the place is open again.
    """

    def __init__(self, followers: Followership) -> None:
        self._followers = followers
        self._closed: set[Address] = set()
        self._stored: set[Address] = set()
        self._tried: set[Address] = set()

    async def load(self) -> None:
        """Read which were closed when the program ended. Raises StoreUnavailable."""
        there = {_read(one) for one in await self._followers.closed() if Address.spelled_by(one.address)}
        self._closed, self._stored = set(there), set(there)

    def __contains__(self, place: Address) -> bool:
        return not self._closed.isdisjoint(around(place))

    def close(self, place: Address, *, whole: bool) -> None:
        """Know that *place* takes nothing: its *whole* chat, or its topic alone."""
        closed = Address(place.chat_id) if whole else _topic(place)
        self._closed.add(closed)
        self._stored.discard(closed)  # it may have been opened there by `knock`
        self._tried.discard(closed)

    def took(self, place: Address) -> None:
        """Know that *place* has taken a message: its topic is open, and so is its chat."""
        self._tried |= self._closed & around(place)

    async def knock(self, place: Address, *, everywhere: bool = False) -> None:
        """Let *place* be tried again, *everywhere* all topics of its chat: somebody is there.

        That is stored when this returns, so that it is so after a crash, too. Raises StoreUnavailable.
        """
        of_chat = {one for one in self._closed if one.chat_id == place.chat_id}
        if tried := of_chat if everywhere else self._closed & around(place):
            await self._followers.open(*map(_written, tried))
            self._stored -= tried
            self._tried |= tried

    def left(self, chat_id: int) -> None:
        """Forget a chat that has become another."""
        self._closed -= {one for one in self._closed if one.chat_id == chat_id}

    @contextlib.asynccontextmanager
    async def tried(self) -> AsyncIterator[Collection[Address]]:
        """Store which are closed; yield those that are open from now on, to be told what waits for them.

        Where that fails they are yielded again. Raises StoreUnavailable.
        """
        tried, self._tried = self._tried, set()
        self._closed -= tried
        told = False
        try:
            if fresh := self._closed - self._stored:
                await self._followers.close(*map(_written, fresh))
                self._stored |= fresh
            if opened := self._stored - self._closed:
                await self._followers.open(*map(_written, opened))
                self._stored -= opened
            yield tried
            told = True
        finally:
            if not told:  # whatever kept it from that, a cancellation too
                self._closed |= tried
                self._tried |= tried


def around(place: Address) -> frozenset[Address]:
    """Return what *place* lies in: its chat, and its topic."""
    return frozenset({Address(place.chat_id), _topic(place)})


def _topic(place: Address) -> Address:
    return Address(place.chat_id, place.thread_id or _GENERAL)


def _written(place: Address) -> Place:
    """Return *place* as the store has it: General by the address of what is sent there."""
    if place.thread_id is None:
        return Place(str(place), whole=True)
    return Place(str(Address(place.chat_id) if place.thread_id == _GENERAL else place), whole=False)


def _read(place: Place) -> Address:
    address = Address.parse(place.address)
    return address if place.whole else _topic(address)

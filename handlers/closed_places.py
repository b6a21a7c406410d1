"""Where Telegram takes no messages from us: the bot was blocked, kicked or muted, or a chat or topic is no more."""

from collections.abc import Collection

from handlers.outgoing import Address
from services.calibration.followers import Followership


class ClosedPlaces:
    """Chats with all their topics, and topics; known at once, and stored at the next `settle`.

    Nothing else is stored of it: what is to be shown there stays so, and is shown once the place is open again.
    """

    def __init__(self, followers: Followership) -> None:
        self._followers = followers
        self._closed: set[Address] = set()
        self._stored: set[Address] = set()
        self._tried: set[Address] = set()

    async def load(self) -> None:
        """Read which were closed when the program ended. Raises StoreUnavailable."""
        there = {Address.parse(one) for one in await self._followers.closed() if Address.spelled_by(one)}
        self._closed, self._stored = set(there), set(there)

    def __contains__(self, place: Address) -> bool:
        return not self._closed.isdisjoint(_with_chat(place))

    def close(self, place: Address) -> None:
        self._closed.add(place)
        self._tried -= _with_chat(place)

    def took(self, place: Address) -> None:
        """Know that *place* has taken a message: it is open, and so is its chat."""
        self._tried |= self._closed & _with_chat(place)

    def try_again(self, place: Address) -> None:
        """Let *place*, a chat with all its topics or a topic, be tried once more: somebody is there."""
        topics = {one for one in self._closed if one.chat_id == place.chat_id and place.thread_id is None}
        self._tried |= topics | self._closed & _with_chat(place)

    def left(self, chat_id: int) -> None:
        """Forget a chat that has become another."""
        self._closed -= {one for one in self._closed if one.chat_id == chat_id}

    async def settle(self) -> Collection[Address]:
        """Store which are closed, and return those that are to be tried, until they `were_tried`.

        Raises:
            StoreUnavailable: it is to be called again.
        """
        tried = frozenset(self._tried)
        self._closed -= tried
        if fresh := self._closed - self._stored:
            await self._followers.close(*map(str, fresh))
            self._stored |= fresh
        if opened := self._stored - self._closed:
            await self._followers.open(*map(str, opened))
            self._stored -= opened
        return tried

    def were_tried(self, places: Collection[Address]) -> None:
        """Know that all that is to be shown at *places* is on its way."""
        self._tried -= set(places)


def _with_chat(place: Address) -> set[Address]:
    return {place, Address(place.chat_id)}

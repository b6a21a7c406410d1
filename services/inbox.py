"""What was delivered to a front end, kept from before its receipt is confirmed until everything about it is told."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from services.clock import Clock

T = TypeVar("T")

_KEPT_SECONDS = 48 * 3600.0
"""How long the number of a finished delivery is remembered: longer than anybody delivers it again."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What a front end was sent, under a *number* of the sender's; *content* is the front end's own.

    *told*: how many of the answers to it were told, the first ones.
    """

    number: int
    content: str
    told: int = 0


class Deliveries(Protocol):
    """The deliveries of each source, a front end's own word for the one that numbers them."""

    async def add(self, source: str, deliveries: Iterable[Delivery], at: float) -> Collection[int]:
        """Store those whose numbers are new; return these numbers."""

    async def unfinished(self, source: str) -> Sequence[Delivery]:
        """Return those that are not finished, by their numbers."""

    async def finish(self, source: str, numbers: Collection[int]) -> None:
        """Drop the contents of these deliveries, and remember their numbers."""

    async def tell(self, source: str, told: Mapping[int, int]) -> None:
        """Store how many of the answers to these numbers were told."""

    async def forget(self, before: float) -> None:
        """Delete the finished ones that were stored earlier than *before*."""


class InboxTx(Protocol):
    """One transaction, as the inbox sees it."""

    @property
    def deliveries(self) -> Deliveries: ...


class InboxStore(Protocol):
    """Where the inbox's transactions run: see `services.notebook.ports.NotebookStore`."""

    async def write(self, fn: Callable[[InboxTx], Awaitable[T]]) -> T:
        """Run *fn* in a transaction of its own and commit: all of it or nothing, whoever is cancelled."""

    async def read(self, fn: Callable[[InboxTx], Awaitable[T]]) -> T:
        """Run *fn* on a consistent view of what is committed."""


class Inbox:
    """The deliveries of one *source*. Each call may raise StoreUnavailable; then nothing was changed."""

    def __init__(self, store: InboxStore, clock: Clock, source: str) -> None:
        self._store = store
        self._clock = clock
        self._source = source

    async def keep(self, deliveries: Sequence[Delivery]) -> Collection[int]:
        """Store *deliveries*; return the numbers of those that never came before."""
        return await self._store.write(lambda tx: tx.deliveries.add(self._source, deliveries, self._clock.now()))

    async def unfinished(self) -> Sequence[Delivery]:
        """Return what is not finished, in the order of its numbers."""
        return await self._store.read(lambda tx: tx.deliveries.unfinished(self._source))

    async def finish(self, numbers: Collection[int], told: Mapping[int, int]) -> None:
        """Let nobody handle these *numbers* again; what they said is kept no longer.

        *told* are others, with how many of their answers were told.
        """

        async def finish(tx: InboxTx) -> None:
            await tx.deliveries.finish(self._source, numbers)
            await tx.deliveries.tell(self._source, told)

        await self._store.write(finish)

    async def purge(self) -> None:
        """Forget the numbers that nobody delivers again."""
        await self._store.write(lambda tx: tx.deliveries.forget(self._clock.now() - _KEPT_SECONDS))

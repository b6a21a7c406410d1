"""Bad weather to order: answers that the server gives instead of its own."""

import asyncio
from dataclasses import dataclass
from typing import ClassVar

from sandbox.botapi.errors import Refused


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong with a request.

    It is refused; or lost and never done (``LOST_REQUEST``); or done and its answer lost (``LOST_ANSWER``); or done at
    once and answered late (`slow_answer`), or without an end (``ENDLESS_ANSWER``: a byte a second, so that whoever
    waits for the next byte never gives up).
    """

    BAD_GATEWAY: ClassVar["Fault"]
    LOST_REQUEST: ClassVar["Fault"]
    LOST_ANSWER: ClassVar["Fault"]
    ENDLESS_ANSWER: ClassVar["Fault"]

    status: int
    description: str
    retry_after: int = 0
    until: asyncio.Event | None = None

    @classmethod
    def too_many(cls, retry_after: int) -> "Fault":
        return cls(429, f"Too Many Requests: retry after {retry_after}", retry_after)

    @classmethod
    def slow_answer(cls, until: asyncio.Event) -> "Fault":
        """Let the answer wait for *until*, which the test sets."""
        return cls(200, "the answer is slow", until=until)

    @property
    def applied(self) -> bool:
        """Whether the request is done all the same."""
        return self in {Fault.LOST_ANSWER, Fault.ENDLESS_ANSWER} or self.until is not None

    @property
    def refusal(self) -> Refused:
        return Refused(self.status, self.description, {"retry_after": self.retry_after} if self.retry_after else {})


Fault.BAD_GATEWAY = Fault(502, "Bad Gateway")
Fault.LOST_REQUEST = Fault(0, "the request was lost")
Fault.LOST_ANSWER = Fault(0, "the answer was lost")
Fault.ENDLESS_ANSWER = Fault(0, "the answer has no end")


@dataclass(slots=True)
class _Order:
    method: str
    fault: Fault
    times: int
    chat_id: int | None


class FaultBook:
    """The faults that are ordered and have not happened yet, first come first served."""

    def __init__(self) -> None:
        self._orders: list[_Order] = []
        self.seconds_late = 0.0
        """How late every answer is, whatever else happens to it."""

    def order(self, method: str, fault: Fault, times: int, chat_id: int | None) -> None:
        self._orders.append(_Order(method.lower(), fault, times, chat_id))

    @property
    def ordered(self) -> int:
        """How many are still to happen."""
        return sum(order.times for order in self._orders)

    def clear(self) -> None:
        self._orders.clear()

    def take(self, method: str, chat_id: int | None) -> Fault | None:
        """Return the fault that is due to this request, and count it."""
        for order in self._orders:
            if order.method == method.lower() and order.chat_id in {None, chat_id}:
                order.times -= 1
                if not order.times:
                    self._orders.remove(order)
                return order.fault
        return None

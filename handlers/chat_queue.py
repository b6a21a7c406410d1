"""What waits for one chat."""

import heapq
import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Self

from handlers.outgoing import Address, Message, Subject
from handlers.slots import Rank, Slots

Told = Callable[[], None]


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    message: Message
    reply_to: int | None
    told: Told

    def close(self) -> None:
        """Give back what it holds: it was sent, or never will be."""
        if self.message.document is not None:
            self.message.document.close()
        self.told()


@dataclass(frozen=True, slots=True)
class Edit:
    """What a message shows from now on; a later edit of the same message replaces one that still waits."""

    message_id: int
    message: Message = field(compare=False)
    told: Told = field(compare=False)

    def close(self) -> None:
        """Say that it was made, or never will be."""
        self.told()


What = Answer | Edit | Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A place in a chat's queue. *anew*: send the card even if it has a message."""

    rank: Rank
    place: int
    to: Address
    what: What
    anew: bool = False

    @property
    def is_answer(self) -> bool:
        """Whether it is an answer to a person; what others show is in the store."""
        return isinstance(self.what, Answer | Edit)

    def close(self) -> None:
        """Say of an answer that it is over."""
        if isinstance(self.what, Answer | Edit):
            self.what.close()

    def __lt__(self, other: Self) -> bool:
        return (self.rank, self.place) < (other.rank, other.place)

    def at(self, to: Address) -> Self | None:
        """Return this turn in what its chat has become; None where it is about a message, which stays behind."""
        match self.what:
            case Edit():
                return None
            case Answer() as answer:
                return replace(self, to=to, what=replace(answer, reply_to=None))
            case _:
                return replace(self, to=to, anew=False)

    def merged(self, newer: Self) -> Self:
        if newer.what is not self.what:
            self.close()
        return replace(
            newer,
            rank=min(self.rank, newer.rank),
            place=min(self.place, newer.place),
            anew=self.anew or newer.anew,
        )


class ChatQueue:
    """What waits for one chat, and that chat's slots."""

    def __init__(self, slots: Slots) -> None:
        self.slots = slots
        self.serving: Turn | None = None
        self.asking = False  # one of those under way is its own
        self.failures = 0
        self.retry_at = -math.inf
        self._waiting: dict[What, Turn] = {}
        self._heap: list[Turn] = []  # with turns that were replaced since: only those in _waiting count

    def put(self, turn: Turn) -> None:
        waiting = self._waiting.get(turn.what)
        if waiting is not None:
            turn = waiting.merged(turn)
        self._let_wait(turn, waiting)

    def put_back(self, turn: Turn) -> None:
        """Let a turn that was served wait once more; what came for the same message meanwhile is newer."""
        waiting = self._waiting.get(turn.what)
        if waiting is not None:
            turn = turn.merged(waiting)
        self._let_wait(turn, waiting)

    def _let_wait(self, turn: Turn, before: Turn | None) -> None:
        if before is not None and turn == before and turn.what is before.what:
            return
        self._waiting[turn.what] = turn
        heapq.heappush(self._heap, turn)

    def best(self) -> Turn | None:
        while self._heap and self._waiting.get(self._heap[0].what) is not self._heap[0]:
            heapq.heappop(self._heap)
        return self._heap[0] if self._heap else None

    def pop(self, turn: Turn) -> None:
        del self._waiting[turn.what]
        self.best()  # which clears the heap's top

    def waiting(self) -> list[Turn]:
        """Return all that waits now, best first."""
        return sorted(self._waiting.values())

    def count(self) -> int:
        """Return how many wait now."""
        return len(self._waiting)

    def drop(self, turn: Turn) -> None:
        """Take *turn* out unless it was replaced since."""
        if self._waiting.get(turn.what) is turn:
            self.pop(turn)

    def drop_cards(self) -> None:
        for turn in self.waiting():
            if not turn.is_answer:
                self.pop(turn)

    def has_answers(self) -> bool:
        """Whether an answer waits or is under way."""
        return any(turn.is_answer for turn in (self.serving, *self._waiting.values()) if turn is not None)

    def wait(self, now: float, rank: Rank) -> float:
        return max(self.retry_at - now, self.slots.wait(now, rank))

    def shed(self, most: int) -> bool:
        """Drop the oldest answer if more than *most* wait; return whether it was so."""
        answers = [turn for turn in self._waiting.values() if turn.is_answer]
        if len(answers) <= most:
            return False
        oldest = min(answers, key=lambda turn: turn.place)
        self.pop(oldest)
        oldest.close()
        return True

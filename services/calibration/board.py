"""One message that shows many tasks of a place; and the rule of when it does."""

from dataclasses import dataclass

from services.calibration.follower import BoardId, FollowerId
from services.calibration.task import State
from services.torrents import PersonId, TaskId


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """A stored board. At most one is open at an address; a *closed* one has shown all its ends.

    *behind*: its message may show lines that have left it. *asking*: it asks whether to cancel all. *page* of its live
    tasks, from 0.
    """

    id: BoardId
    address: str
    language: str
    reply_to: int | None
    message_id: int | None
    page: int
    asking: bool
    closed: bool
    behind: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A follower that is on a board, and how its task stands.

    *told*: it needs nothing more. *state* as it is shown, and *shown* the attempt and state that the board has shown.
    *asked_at*: when its last attempt was asked for, or began. *message_id* is one of its own, which is still to say
    where the task is shown now. *forgotten*: its task is kept no longer. *can_retry*: it has ended, and was not found.
    *needs_card*: it has an end to tell that a line cannot: people are asked which reading of a name is right, or were
    to be asked as it came, or it is of several torrents, and can be looked through and undone as one.
    """

    follower: FollowerId
    task_id: TaskId
    asked_by: PersonId
    reply_to: int | None
    message_id: int | None
    language: str
    attempt: int
    state: State
    shown: tuple[int, State | None]
    asked_at: float | None
    ended_at: float | None
    told: bool
    forgotten: bool
    can_retry: bool
    needs_card: bool

    @property
    def kept(self) -> bool:
        """Whether it is known how it stands, or ended."""
        return not self.forgotten or (self.shown[1] is not None and self.shown[1].ended)

    @property
    def took(self) -> float:
        """The seconds that it took, once it has ended."""
        return (self.ended_at or 0.0) - (self.asked_at or self.ended_at or 0.0)

    @property
    def fresh(self) -> bool:
        """Whether it has an end that nobody was told of."""
        return self.state.ended and not self.told


@dataclass(frozen=True, slots=True, kw_only=True)
class LineShown:
    """What a message is known to show of a line; *told* is an end of it."""

    follower: FollowerId
    task_id: TaskId
    attempt: int
    state: State
    told: bool

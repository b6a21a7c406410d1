"""Who is told of a task: a follower is one message of a front end."""

from dataclasses import dataclass
from typing import NewType

from services.calibration.task import CalibrationRequest, State
from services.torrents import NotebookId, PersonId, TaskId

FollowerId = NewType("FollowerId", int)
BoardId = NewType("BoardId", int)


@dataclass(frozen=True, slots=True)
class Place:
    """An address, or the *whole* of it: with all topics that are in it."""

    address: str
    whole: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFollower:
    """A message that shall show a task: a new one at *address*, or an existing one (*message_id*) that becomes it.

    *address* is the front end's own word for a place; *reply_to* the message that asked. *alone* is how many that are
    live may stand alone there: more of them are shown by one board.
    """

    address: str
    reply_to: int | None = None
    message_id: int | None = None
    language: str = "en"
    alone: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Follower:
    """A stored follower. It outlives its task with the request, so that its buttons still work then.

    *shown_attempt* and *shown_state* are what its message shows, as far as is known; *end_shown_at* is set when it
    needs nothing more. *gone*: its message was deleted. *failed_page*: it shows these failed items, not its card;
    below 0 the old names that were replaced, from the offset ``~failed_page`` on.
    *renewed*: how often it was told to show itself anew. *on_board*: the board that shows it.
    """

    id: FollowerId
    task_id: TaskId
    notebook: NotebookId
    asked_by: PersonId
    request: CalibrationRequest
    address: str
    reply_to: int | None
    message_id: int | None
    language: str
    shown_attempt: int
    shown_state: State | None
    end_shown_at: float | None
    gone: bool
    failed_page: int | None = None
    renewed: int = 0
    on_board: BoardId | None = None

    @property
    def leaving(self) -> bool:
        """Whether its own message is still to say that a board shows its task."""
        return self.on_board is not None and self.message_id is not None

"""What the manager needs of others: a way to look up, and a store."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar, runtime_checkable

from services.calibration.board import Board, Line, LineShown
from services.calibration.follower import BoardId, Follower, FollowerId, NewFollower, Place
from services.calibration.task import Found, Item, ItemKey, State, Task, Written
from services.notebook.ports import NotebookTx
from services.torrents import Hints, Name, NotebookId, NoteId, PersonId, Progress, TaskId, TorrentId, TorrentInfo

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class LookupRequest:
    """What to look up, and where its magnets say to ask."""

    torrent: TorrentId
    hints: Hints


@dataclass(frozen=True, slots=True)
class CalibrationResult:
    """What a lookup found: its source, verified and certain are in the info."""

    info: TorrentInfo


class CalibrationFunc(Protocol):
    """How a lookup is done."""

    async def __call__(self, lookup: LookupRequest, progress: Progress, /) -> CalibrationResult:
        """Return what was found. Cancellable at any await; the time-out is the caller's.

        Raises:
            CalibotError: the failure, with a code; `LookupFailed` in general.
        """


OrdinaryFunc = Callable[[LookupRequest, Progress], CalibrationResult]
"""The same as an ordinary function, which runs in a thread; its progress may be called from there."""


@runtime_checkable
class Engine(Protocol):
    """A `CalibrationFunc` that can also be spoken to while it runs. It finds a lookup again by its torrent."""

    async def __call__(self, lookup: LookupRequest, progress: Progress, /) -> CalibrationResult: ...

    def add_hints(self, torrent: TorrentId, hints: Hints) -> None:
        """Give a running lookup more places to ask."""

    async def detach(self) -> None:
        """Prepare for a shutdown: cancelled from now on, remote work goes on."""


class Tasks(Protocol):
    """The tasks and their items."""

    async def insert(self, task: Task, digest: str, items: Iterable[Item]) -> None:
        """Store a new task; *digest* tells equal requests of one person in one notebook."""

    async def get(self, task_id: TaskId) -> Task | None: ...
    async def those(self, task_ids: Collection[TaskId]) -> Mapping[TaskId, Task]:
        """Return those of *task_ids* that there are."""

    async def replace(self, tasks: Sequence[Task]) -> None:
        """Store the tasks' new states, attempts and times."""

    async def live_twin(self, notebook: NotebookId, asked_by: PersonId, digest: str) -> Task | None:
        """Return the equal request that is under way."""

    async def unended(self) -> Sequence[Task]:
        """Return the tasks under way, oldest first."""

    async def under_way(self, asked_by: PersonId) -> int:
        """Return how many tasks this person has under way."""

    async def live(
        self,
        *,
        notebook: NotebookId | None,
        asked_by: PersonId | None,
        note: NoteId | None = None,
        limit: int,
        newest: bool = False,
    ) -> tuple[Sequence[TaskId], int]:
        """Return the first tasks under way, of this notebook, person and note where given; and how many there are.

        Those that are running come before those that are pending, the oldest first; or the *newest* first.
        """

    async def live_items(self) -> Mapping[State, int]:
        """Return how many items of all tasks are pending, and how many running."""

    async def live_items_of(self, notebooks: Collection[NotebookId]) -> Mapping[State, int]:
        """Return the same of these notebooks' tasks."""

    async def recent(self, since: float) -> Sequence[TaskId]:
        """Return the tasks under way and those ended at *since* or later."""

    async def ended_of(
        self, notebook: NotebookId, *, note: NoteId | None, since: float, limit: int
    ) -> Sequence[TaskId]:
        """Return the first of the notebook's tasks, or the note's, that ended at *since* or later, newest end first."""

    async def with_unshown_end(self) -> Sequence[TaskId]:
        """Return the ended tasks that a follower has not yet shown as ended."""

    async def delete_ended(self, before: float, unshown_before: float) -> Sequence[TaskId]:
        """Delete tasks ended before *before*, but those with an unshown end only before *unshown_before*."""

    async def items(
        self, task_id: TaskId, *, states: Sequence[State] = (), offset: int = 0, limit: int = -1
    ) -> Sequence[Item]:
        """Return the task's items by position; of these *states* where any is given. A negative limit is none."""

    async def unended_items(self, task_id: TaskId, *, place: int, limit: int) -> Sequence[Item]:
        """Return the first of the task's items that have not ended, from position *place* on."""

    async def named_items(self, task_id: TaskId, *, place: int, limit: int) -> Sequence[Item]:
        """Return the first of those that are pending and of whose hashes a verified name is known, from *place* on."""

    async def items_at(self, keys: Collection[ItemKey]) -> Sequence[Item]:
        """Return those items that there are."""

    async def replace_items(self, items: Sequence[Item]) -> None:
        """Store the items' new states, hints, attempts, times and outcomes."""

    async def unended_among(self, task_ids: Collection[TaskId]) -> Collection[TaskId]:
        """Return the tasks with a pending or running item; costs the same for any number of items."""

    async def counts(self, task_id: TaskId) -> Mapping[State, int]: ...
    async def counts_of(self, task_ids: Collection[TaskId]) -> Mapping[TaskId, Mapping[State, int]]:
        """Return the same of many tasks."""

    async def guesses(self, task_id: TaskId, limit: int) -> Sequence[Item]:
        """Return the last ended items whose name is a guess."""

    async def overtaken(self, task_id: TaskId, place: int, limit: int) -> Sequence[Item]:
        """Return the first ended items from *place* on whose claim something verified has replaced, here or not."""

    async def replaced(
        self, task_id: TaskId, notes: Collection[NoteId], *, place: int, back: bool, limit: int
    ) -> Sequence[Item]:
        """Return ended items that wrote a name over one that claimed something else, from position *place* on.

        *back*: those before it, the nearest first. In those *notes* where what the task wrote stands; perhaps not in
        the one that had the old name.
        """

    async def found_in(self, notebook: NotebookId, torrent: TorrentId) -> Sequence[Item]:
        """Return the items of the notebook's tasks that found *torrent*, oldest first. Reads every item."""

    async def outcomes(self, task_id: TaskId, limit: int) -> Sequence[Item]:
        """Return the last items that ended, newest first."""

    async def written(self, task_ids: Collection[TaskId]) -> Mapping[TaskId, Written]:
        """Return what tasks wrote into notes, of those that wrote anything that was not changed since."""

    async def written_apart(self, task_ids: Collection[TaskId]) -> Sequence[tuple[TaskId, NoteId]]:
        """Return where a task may have something standing though what it undid there last is out of sight."""

    async def waiting(self, torrents: Collection[TorrentId]) -> Mapping[TorrentId, Sequence[Item]]:
        """Return, for each torrent, the unended items of all tasks that it answers (`TorrentId.answers`)."""


class Names(Protocol):
    """What is known of torrents."""

    async def verified(self, torrents: Collection[TorrentId]) -> Mapping[TorrentId, Found]:
        """Return, for those torrents of which it is known, what is verified of a torrent that answers them."""

    async def claimed(self, torrent: TorrentId) -> TorrentInfo | None:
        """Return what is claimed of exactly these hashes, where nothing is verified."""

    async def put(self, infos: Sequence[TorrentInfo], at: float) -> None:
        """Store each under its hashes; what is verified is never replaced."""

    async def choose(self, notebook: NotebookId, torrent: TorrentId, name: Name, person: PersonId, at: float) -> None:
        """Store *name* as what a person says the torrent's is, for this notebook; it replaces an earlier choice."""

    async def chosen(self, torrents: Collection[TorrentId]) -> Mapping[tuple[NotebookId, TorrentId], Name]:
        """Return the names of these torrents that people chose, each for their notebook."""

    async def replaced_claims(
        self, torrents: Collection[TorrentId]
    ) -> Mapping[tuple[NotebookId, TorrentId], Collection[str]]:
        """Return what was claimed of these for tasks of a notebook, chosen or not, and is replaced since."""


class Followers(Protocol):
    """Which message shows which task, and what it shows."""

    async def add(self, task: Task, follower: NewFollower) -> FollowerId:
        """Store it; an existing message that becomes this task's follows it alone from now on."""

    async def get(self, follower: FollowerId) -> Follower | None: ...
    async def at(self, address: str, message_id: int) -> Follower | None:
        """Return the follower that is this message."""

    async def of(self, *task_ids: TaskId) -> Sequence[Follower]:
        """Return the followers of these tasks, oldest first."""

    async def unfinished(self) -> Sequence[Follower]:
        """Return those that have not shown an end, oldest first."""

    async def shown(
        self, follower: Follower, message_id: int, attempt: int, state: State, end_shown_at: float | None
    ) -> None:
        """Store what its message shows now, unless it has become another task's, or has moved, meanwhile.

        Where another follower of the task has adopted the message before this one knew its number, this one replaces
        it; where it is another task's by now, this one is deleted.
        """

    async def gone(self, follower: Follower, end_shown_at: float | None) -> None:
        """Store that its message was deleted; with *end_shown_at* that there is nothing more to show in it."""

    async def closed(self) -> Sequence[Place]:
        """Return the places that take no messages from us."""

    async def close(self, place: Place, at: float) -> None:
        """Store that *place* takes none; what is live on boards there is left to them."""

    async def open(self, place: Place) -> None:
        """Store that *place* takes messages."""

    async def forget(self, before: float) -> None:
        """Delete those that showed their end, or whose place was closed for good, earlier than *before*."""

    async def again(self, task_id: TaskId) -> None:
        """Every message of the task that no board has replaced has an end to show once more."""

    async def revive(self, task_id: TaskId) -> Sequence[str]:
        """The task goes on: let its messages show it, and return their addresses.

        Those of closed boards are alone again, and the messages of these boards behind.
        """

    async def leaving(self) -> Sequence[Follower]:
        """Return those whose own message is still to say that a board shows their task."""

    async def left(self, follower: FollowerId, message_id: int) -> None:
        """Store that its message says so, or was deleted: nothing follows with it any more."""

    async def renew(self, task_ids: Collection[TaskId]) -> None:
        """Every message of the tasks that has shown an end, or is about to, has it to show once more as it is then."""

    async def move(self, address: str, became: str) -> Sequence[Follower]:
        """Send those at *address* to another one, without their messages, and return them.

        Of tasks that have ended, those that have shown it, or rest, are forgotten with their messages: else a note that
        changes would have them sent anew.
        """

    async def behind(self, notes: Collection[NoteId]) -> Sequence[Follower]:
        """Return those in the notebooks of *notes* that have the end of a task to show, once more or still.

        Whatever changes a note makes them so: who edits one, or undoes a task, changes what others have standing there,
        and what they offer to write.
        """

    async def turn(self, follower: FollowerId, failed_page: int | None) -> None:
        """Let the message show a page (from 0) of its failed items, or its card, once more."""


class Boards(Protocol):
    """Which message shows many tasks of a place."""

    async def crowd(self, address: str) -> tuple[int, int | None]:
        """Return how many followers are live at *address*, and how many may be so alone.

        One is live until it has shown an end of its task's last attempt.
        """

    async def gather(self, address: str) -> None:
        """Let all that are live at *address* be shown by its open board, a new one where there is none."""

    async def move(self, address: str, became: str) -> None:
        """Let what is open at *address* be open at *became*, without its message; where one is open there, in that."""

    async def get(self, board: BoardId) -> Board | None: ...
    async def at(self, address: str, message_id: int) -> Board | None:
        """Return the board that is this message."""

    async def open(self) -> Sequence[Board]:
        """Return those that are not closed, or whose message is behind."""

    async def behind(self) -> Sequence[Board]:
        """Return those whose message is behind."""

    async def lines(self, board: BoardId) -> Sequence[Line]:
        """Return what is on the board, oldest first."""

    async def put_up(self, board: BoardId, address: str, message_id: int) -> None:
        """Store which message it is, unless it has moved from *address* meanwhile."""

    async def take_down(self, board: BoardId) -> None:
        """Store that its message was deleted."""

    async def show(self, board: BoardId, lines: Collection[LineShown], at: float) -> None:
        """Store what is shown of these lines, unless a retry has overtaken it."""

    async def take_off(self, board: BoardId, followers: Collection[FollowerId]) -> None:
        """Let those of *followers* that have an end to tell stand alone, whatever comes; its message is behind then."""

    async def close(self, board: BoardId, at: float) -> None:
        """Close it, unless a line has an end to come."""

    async def turn(self, board: BoardId, page: int) -> None: ...
    async def ask(self, board: BoardId, *, asking: bool) -> None: ...
    async def forget(self, before: float) -> None:
        """Delete those that were closed earlier than *before*."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LookedUp:
    """What a lookup took: *waited* seconds in line, *took* seconds from its call on. *source* where it found a name."""

    torrent: TorrentId
    source: str | None
    waited: float
    took: float
    outcome: str


class Lookups(Protocol):
    """A row for each lookup that was made, for the figures."""

    async def add(self, rows: Sequence[LookedUp], at: float) -> None: ...
    async def forget(self, before: float) -> None:
        """Delete the rows older than *before*."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What a lookup was to an item of this *notebook*: from what that item saw of it, whoever else waited for it.

    *waited* seconds since it was asked for; None of a retry of which that was not kept. The rest as in `LookedUp`.
    """

    notebook: NotebookId
    source: str | None
    waited: float | None
    took: float
    outcome: str


class ServedNotebooks(Protocol):
    """A row for each item that a lookup was made for, for the figures of its notebook."""

    async def add(self, rows: Sequence[Served], at: float) -> None: ...
    async def forget(self, before: float) -> None:
        """Delete the rows older than *before*."""


class Asked(Protocol):
    """How many lookups people asked for, and when."""

    async def add(self, person: PersonId, lookups: int, at: float) -> None: ...
    async def since(self, person: PersonId, since: float) -> Sequence[tuple[float, int]]:
        """Return when, and how many, oldest first."""

    async def forget(self, before: float) -> None:
        """Delete the rows older than *before*."""


class Tx(NotebookTx, Protocol):
    """One transaction, as the manager sees it."""

    @property
    def tasks(self) -> Tasks: ...
    @property
    def names(self) -> Names: ...
    @property
    def followers(self) -> Followers: ...
    @property
    def boards(self) -> Boards: ...
    @property
    def lookups(self) -> Lookups: ...
    @property
    def served(self) -> ServedNotebooks: ...
    @property
    def asked(self) -> Asked: ...
    async def next_boot(self) -> int:
        """Count this start of the program, and return which one it is (from 1)."""


class TaskStore(Protocol):
    """Where the manager's transactions run: see `NotebookStore`."""

    async def write(self, fn: Callable[[Tx], Awaitable[T]]) -> T:
        """Run *fn* in a transaction of its own and commit: all of it or nothing, whoever is cancelled."""

    async def read(self, fn: Callable[[Tx], Awaitable[T]]) -> T:
        """Run *fn* on a consistent view of what is committed."""

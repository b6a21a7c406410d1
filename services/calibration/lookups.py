"""Which items wait for which lookup, in memory: lines, slots, joining and leaving. Nothing here waits or writes."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from services.calibration.shares import FairLine, Share
from services.calibration.task import Item, ItemKey, State
from services.torrents import Hints, NotebookId, Step, TaskId, TorrentId, TorrentInfo


@dataclass(eq=False, slots=True)
class Wait:
    """An item that waits for its lookup. *deadline* (monotonic seconds) is set when it is running."""

    key: ItemKey
    attempt: int
    deadline: float | None = None


@dataclass(eq=False, slots=True)
class Lookup:
    """A lookup in line, or under way once *leave* is set, which ends it.

    *ending*: the last item has left; it keeps its slot and its torrent until it is gone, and nobody joins it.
    *left_as* is why the last item left it; *claim* serves those who run out of time. *share*: whose slot it has, once
    it has one.
    """

    torrent: TorrentId
    hints: Hints
    asked_at: float
    waits: dict[ItemKey, Wait] = field(default_factory=dict)
    evidence: Step | None = None
    claim: TorrentInfo | None = None
    started: bool = False
    leave: Callable[[], object] | None = None
    ending: bool = False
    left_as: str = "cancelled"
    share: Share | None = None

    def end(self) -> None:
        """Leave it, once; one that has not even been called yet is left when it is."""
        if not self.ending:
            self.ending = True
            if self.leave is not None:
                self.leave()


class Lookups:
    """The lookups in line and under way; at most *most* of the second."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._in_line: dict[TorrentId, Lookup] = {}
        self._line: FairLine[Lookup] = FairLine(most)  # with lookups that everybody left, or that began, since
        self._held_up: dict[TorrentId, list[tuple[Share, Lookup]]] = {}  # by a lookup of that torrent that is ending
        self._under_way: dict[TorrentId, Lookup] = {}
        self._of_item: dict[ItemKey, Lookup] = {}
        self._items_of: dict[TaskId, set[ItemKey]] = {}

    def join(self, item: Item, notebook: NotebookId, now: float) -> tuple[Lookup | None, Wait | None]:
        """Let *item* wait for the lookup of its torrent, a new one in line where there is none, with its hints.

        The wait is None where it waits already; both are None for an item that runs and has just left.
        """
        key = (item.task_id, item.position)
        lookup = self._of_item.get(key)
        if lookup is not None and lookup.waits[key].attempt < item.attempt:
            self.left([key])  # cancelled and tried again before anybody here heard of the cancel
            lookup = None
        wait = None
        if lookup is None and item.state is State.PENDING:
            lookup = self._place(item, notebook, now)
            wait = lookup.waits[key] = Wait(key, item.attempt)
            self._of_item[key] = lookup
            self._items_of.setdefault(item.task_id, set()).add(key)
        if lookup is not None:
            lookup.hints = lookup.hints.merged(item.hints)
        return lookup, wait

    def _place(self, item: Item, notebook: NotebookId, now: float) -> Lookup:
        """Return the lookup that *item* waits for; one in line is so for each task that waits for it."""
        lookup = self._under_way.get(item.torrent)
        if lookup is not None and not lookup.ending:
            return lookup
        lookup = self._in_line.get(item.torrent)
        if lookup is None:
            lookup = self._in_line[item.torrent] = Lookup(item.torrent, Hints(), now)
        self._line.put(Share(notebook, item.task_id), lookup)
        return lookup

    def startable(self) -> Iterator[Lookup]:
        """Take from the line, and yield, each lookup that may begin now."""
        while (free := self._most - len(self._under_way)) > 0 and (taken := self._line.take(free)) is not None:
            share, lookup = taken
            if self._in_line.get(lookup.torrent) is not lookup:
                continue
            if lookup.torrent in self._under_way:
                self._held_up.setdefault(lookup.torrent, []).append(taken)
                continue
            del self._in_line[lookup.torrent]
            self._under_way[lookup.torrent] = lookup
            lookup.share = share
            self._line.hold(share)
            yield lookup

    def finished(self, lookup: Lookup) -> None:
        """Free the slot of a lookup that is gone, and forget who still waited for it."""
        del self._under_way[lookup.torrent]
        if lookup.share is not None:
            self._line.free(lookup.share)
        for share, held_up in self._held_up.pop(lookup.torrent, ()):
            self._line.put(share, held_up)
        self.left(list(lookup.waits))

    def left(self, keys: Iterable[ItemKey]) -> None:
        """Take items out of their lookups; a lookup ends when the last one leaves it."""
        for key in keys:
            lookup = self._of_item.pop(key, None)
            if lookup is None:
                continue
            del lookup.waits[key]
            siblings = self._items_of[key[0]]
            siblings.discard(key)
            if not siblings:
                del self._items_of[key[0]]
            if not lookup.waits:
                self._abandon(lookup)

    def _abandon(self, lookup: Lookup) -> None:
        if self._in_line.get(lookup.torrent) is lookup:
            del self._in_line[lookup.torrent]
        else:
            lookup.end()

    def waits_for(self, wait: Wait) -> Lookup | None:
        """Return the lookup for which *wait*, and no later try of its item, still waits."""
        lookup = self._of_item.get(wait.key)
        return lookup if lookup is not None and lookup.waits.get(wait.key) is wait else None

    def has_item(self, key: ItemKey) -> bool:
        """Whether the item waits."""
        return key in self._of_item

    def waiting(self, task_id: TaskId) -> int:
        """Return how many of the task's items wait, those whose lookups are under way too."""
        return len(self._items_of.get(task_id, ()))

    def under_way(self) -> Iterable[Lookup]:
        """Return the lookups under way, those that are ending too."""
        return list(self._under_way.values())

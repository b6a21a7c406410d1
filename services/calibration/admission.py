"""Lets the items of tasks stand in line, a stretch at a time: a batch of thousands would stand there whole."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from services.calibration.apply import Began, Named
from services.calibration.journal import Journal
from services.calibration.lookups import Lookups
from services.calibration.ports import Tx
from services.calibration.task import Found, Item, ItemKey, State
from services.torrents import NotebookId, TaskId, TorrentId

_FEWEST, _TIMES = 512, 4  # items of one task that may wait at once: so many, or so many times the slots
_TOGETHER = 256  # items read, and known names applied, in one transaction: others may write between two


@dataclass(frozen=True, slots=True)
class _Page:
    """Some of a task's unended items by position, and what is verified of their torrents."""

    items: Sequence[Item]
    names: Mapping[TorrentId, Found]
    notebook: NotebookId

    @property
    def last(self) -> bool:
        return len(self.items) < _TOGETHER


_NOTHING = _Page((), {}, NotebookId(0))


@dataclass(eq=False, slots=True)
class _Walk:
    """Where a task is. *rest* is the first position that has yet to wait; *anew*: all are to be looked at again.

    *ended*: items that are over since its page was asked for, where they may still stand as pending.
    """

    anew: bool = False
    busy: bool = False
    rest: int | None = None
    ended: set[ItemKey] = field(default_factory=set)


class Admission:
    """Owned by the runner. The items of a task wait in the order of their positions; one that waits stays as it is.

    Args:
        journal: reads items, and writes down those whose names are known.
        lookups: tells who waits.
        most: how many lookups run at once. Of one task a few times as many wait, so that no slot is idle.
        join: lets an item wait for its lookup.
        begin: lets the lookups in line begin.
    """

    def __init__(
        self,
        journal: Journal,
        lookups: Lookups,
        *,
        most: int,
        join: Callable[[Item, NotebookId], None],
        begin: Callable[[], None],
    ) -> None:
        self._journal = journal
        self._lookups = lookups
        self._ahead = max(_FEWEST, _TIMES * most)
        self._join = join
        self._begin = begin
        self._walks: dict[TaskId, _Walk] = {}  # of the tasks with a rest, and of those that are being walked

    async def admit(self, task_id: TaskId) -> None:
        """End the task's pending items whose names are known, and let the first of the others wait."""
        self._walks.setdefault(task_id, _Walk()).anew = True
        await self.go_on(task_id)

    async def go_on(self, task_id: TaskId) -> None:
        """Let the next items of the task wait."""
        walk = self._walks[task_id]
        if walk.busy:
            return
        walk.busy = True
        try:
            while walk.anew or self._is_short(task_id, walk):
                await self._go(task_id, walk)
        finally:
            walk.busy = False
            if walk.rest is None:
                del self._walks[task_id]

    def ended(self, keys: Iterable[ItemKey]) -> None:
        """Let no item wait that has ended since it was read."""
        for key in keys:
            if (walk := self._walks.get(key[0])) is not None:
                walk.ended.add(key)

    def short(self) -> Iterator[TaskId]:
        """Yield the tasks that are to go on: few of their items wait, and there are more."""
        for task_id, walk in list(self._walks.items()):
            if not walk.busy and self._is_short(task_id, walk):
                yield task_id

    def _is_short(self, task_id: TaskId, walk: _Walk) -> bool:
        return walk.rest is not None and self._lookups.waiting(task_id) <= self._ahead // 2

    async def _go(self, task_id: TaskId, walk: _Walk) -> None:
        """Walk from the rest on until enough items wait; *anew*, from the first one, and to all whose name is known."""
        anew, walk.anew = walk.anew, False
        place = 0 if anew or walk.rest is None else walk.rest
        walk.rest = None
        while walk.rest is None:
            walk.ended.clear()
            page = await self._page(task_id, place)
            await self._apply_known(page)
            for item in page.items:
                if item.torrent not in page.names and item.key not in walk.ended:
                    self._let_wait(item, page.notebook, walk)
            self._begin()
            if page.last:
                return
            place = page.items[-1].position + 1
        while anew and (page := await self._page(task_id, place, named=True)).items:
            await self._apply_known(page)
            place = page.items[-1].position + 1

    def _let_wait(self, item: Item, notebook: NotebookId, walk: _Walk) -> None:
        free = walk.rest is None and self._lookups.waiting(item.task_id) < self._ahead
        if free or self._lookups.has_item(item.key):
            self._join(item, notebook)
        elif walk.rest is None:
            walk.rest = item.position

    async def _page(self, task_id: TaskId, place: int, *, named: bool = False) -> _Page:
        async def read(tx: Tx) -> _Page:
            task = await tx.tasks.get(task_id)
            if task is None:
                return _NOTHING
            read_items = tx.tasks.named_items if named else tx.tasks.unended_items
            items = await read_items(task_id, place=place, limit=_TOGETHER)
            return _Page(items, await tx.names.verified({item.torrent for item in items}), task.notebook)

        return await self._journal.read(read) or _NOTHING

    async def _apply_known(self, page: _Page) -> None:
        """Move items whose names are known through running to their end: no lookup."""
        known = [item for item in page.items if item.state is State.PENDING and item.torrent in page.names]
        if known:
            await self._journal.tell(Began(((known[0].key, known[0].attempt),)))
            names = {page.names[item.torrent].torrent: page.names[item.torrent] for item in known}
            await self._journal.tell(*(Named(found=found) for found in names.values()))

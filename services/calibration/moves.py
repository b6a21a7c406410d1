"""A place gets another name, as a group does that becomes a supergroup: all that hangs on it goes along, once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from services.calibration.boards import fold
from services.calibration.follower import Follower
from services.calibration.ports import TaskStore, Tx
from services.clock import Clock
from services.notebook.people import People, Stored


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """What came of a word that a place has moved.

    *followers* have no message any more: they show themselves at the new place. *first*: nobody had told of it before.
    *by_settings*: they let it in, and do not know its new name. *apart*: both places have notes, and the old one's are
    where nobody opens them. *languages*: which were chosen, by place, after it.
    """

    followers: Sequence[Follower] = ()
    first: bool = False
    by_settings: bool = False
    apart: bool = False
    languages: Mapping[str, str] = field(default_factory=dict)


class Moves:
    """Lets places be what others were."""

    def __init__(self, tasks: TaskStore, people: People, clock: Clock) -> None:
        self._tasks = tasks
        self._people = people
        self._clock = clock

    async def move(self, old: str, new: str) -> Moved:
        """Let *new* open what *old* opened, be let in as *old* was, and be told of the tasks that *old* was told of.

        It may be told any number of times: what was done is not done again, so that who was denied since stays out.
        Of a place that nobody let in, and that has no notebook, nothing is kept.

        Raises:
            StoreUnavailable: nothing was changed.
        """

        async def move(tx: Tx) -> tuple[Moved, Stored]:
            moved = await self._move(tx, old, new)
            return replace(moved, languages=await tx.notebooks.languages()), await self._people.stored(tx)

        moved, stored = await self._tasks.write(move)
        self._people.know(stored)
        return moved

    async def _move(self, tx: Tx, old: str, new: str) -> Moved:
        known = (await tx.people.moved()).get(old)
        if known is not None:  # what was under way there has come to the old name since
            return Moved(followers=await self._told_there(tx, old, known))
        notebook = await tx.notebooks.behind(old)
        if notebook is None and not await self._people.lets_in(tx, old):
            return Moved()
        apart = False
        if notebook is not None and not await tx.notebooks.move(old, new):
            apart = bool(await tx.notes.page(notebook, before=None, limit=1))
        by_settings = await self._people.move(tx, old, new)
        followers = await self._told_there(tx, old, new)
        return Moved(followers=followers, first=True, by_settings=by_settings, apart=apart)

    async def _told_there(self, tx: Tx, old: str, new: str) -> Sequence[Follower]:
        await tx.boards.move(old, new)
        moved = [one.id for one in await tx.followers.move(old, new)]
        await fold(tx, new)  # the board of some may have stayed behind
        there = [await tx.followers.get(follower) for follower in moved]
        return [one for one in there if one is not None]

"""What of ours is at a qBittorrent, and how that is taken away, and nothing that its owner has taken over."""

from collections.abc import Collection, Iterable, Sequence

from services.clock import Clock
from services.resolvers.qbittorrent.calls import Calls
from services.resolvers.qbittorrent.runs import Run
from services.resolvers.qbittorrent.server import Listed

_SURELY = 0.4  # seconds
_FORCED = "forcedDL"
_STARTED = frozenset(
    (_FORCED, "downloading", "stalledDL", "uploading", "forcedUP", "stalledUP", "queuedUP", "pausedUP", "stoppedUP")
)
"""States of a torrent that somebody has started: ours looks for metadata, and stops."""


class Cleaning:
    """Takes away what the *run* has put there.

    A torrent is ours when it has our category, one of our tags and our folder, and nobody has started it: its owner
    takes it over by changing any of these. It must have been seen started for a while: ours passes through such states.
    """

    def __init__(self, calls: Calls, run: Run, clock: Clock, *, dead: bool = False) -> None:
        self._calls = calls
        self._clock = clock
        self.run = run
        self._dead = dead
        self._stopped: set[str] = set()
        self._folders: dict[str, str] = {}
        self._started: dict[str, float] = {}
        self._theirs: set[str] = set()

    async def rows(self) -> dict[str, Listed]:
        """Return what is there of this run, by its tag, but for what its owner has taken over."""
        listed = await self._calls.ask(lambda server: server.listed(category=self.run.name))
        rows = {tag: row for row in listed for tag in self.run.tags_among(row.tags)}
        now = self._clock.monotonic()
        self._stopped.update(tag for tag, row in rows.items() if row.stopped)
        self._started = {
            tag: self._started.get(tag, now) for tag, row in rows.items() if self._is_started(tag, row)
        }  # fmt: skip
        self._theirs.update(tag for tag, since in self._started.items() if now - since >= _SURELY)
        moved = {tag for tag, row in rows.items() if self._is_moved(tag, row)}
        self._theirs |= moved
        return {tag: row for tag, row in rows.items() if tag not in self._theirs}

    async def delete(self, tags: Iterable[str]) -> Collection[str]:
        """Delete what has one of *tags* and is surely ours, as it is now; return the tags of what is still there."""
        wanted = set(tags)
        rows = await self.rows()
        ours = [row.key for tag, row in rows.items() if tag in wanted and tag not in self._started]
        if not ours:
            return rows
        await self._calls.ask(lambda server: server.delete(ours))
        return await self.rows()

    async def forget(self, tags: Sequence[str]) -> None:
        """Remove *tags*, but for those that a torrent still has."""
        unused = [one for one in tags if not await self._used(one)]
        if unused:
            await self._calls.ask(lambda server: server.forget_tags(unused))
        self._stopped.difference_update(tags)
        for tag in tags:
            self._folders.pop(tag, None)

    async def finish(self) -> bool:
        """Delete all that is ours, with our category and tags; return whether nothing is left of it."""
        if await self.delete(await self.rows()):
            return False
        await self.forget(self.run.tags_among(await self._calls.ask(lambda server: server.tags())))
        if not await self._calls.ask(lambda server: server.listed(category=self.run.name)):
            await self._calls.ask(lambda server: server.forget_category(self.run.name))
        return True

    async def known(self) -> bool:
        """Whether the server knows our category, or a tag of ours: it does before it has loaded its torrents."""
        if await self._calls.ask(lambda server: server.has_category(self.run.name)):
            return True
        return bool(self.run.tags_among(await self._calls.ask(lambda server: server.tags())))

    async def _used(self, tag: str) -> bool:
        return bool(await self._calls.ask(lambda server: server.listed(tag=tag)))

    def _is_moved(self, tag: str, row: Listed) -> bool:
        """Whether its folder is another one than before; of a dead run's nobody knows what it was, but ours."""
        if self._dead:
            return not self._has_own_folder(row)
        return self._folders.setdefault(tag, row.folder) != row.folder

    def _has_own_folder(self, row: Listed) -> bool:
        return row.folder.rstrip("/").rpartition("/")[2] == self.run.folder

    def _is_started(self, tag: str, row: Listed) -> bool:
        if row.state == _FORCED:  # we do that ourselves, before it stops
            return self._dead or tag in self._stopped
        return row.state in _STARTED or (row.state == "queuedDL" and row.has_metadata)

"""What of ours is at a qBittorrent, and how that is taken away, and nothing that its owner has taken over."""

import re
from collections.abc import Collection, Iterable, Sequence

from services.resolvers.qbittorrent.calls import Calls
from services.resolvers.qbittorrent.runs import Run
from services.resolvers.qbittorrent.server import Listed


class Cleaning:
    """Takes away what the *run* has put there.

    A torrent is ours when it has our category, one of our tags and our folder, even where somebody has started it: its
    owner takes it over by changing any of these.
    """

    def __init__(self, calls: Calls, run: Run) -> None:
        self._calls = calls
        self.run = run

    async def rows(self) -> dict[str, Listed]:
        """Return what is there of this run, by its tag, but for what its owner has taken over."""
        listed = await self._calls.ask(lambda server: server.listed(category=self.run.name))
        ours = [row for row in listed if _last_of(row.folder) == self.run.folder]
        return {tag: row for row in ours for tag in self.run.tags_among(row.tags)}

    async def delete(self, tags: Iterable[str]) -> Collection[str]:
        """Delete what has one of *tags* and is surely ours, as it is now; return the tags of what is still there."""
        wanted = set(tags)
        rows = await self.rows()
        ours = [row.key for tag, row in rows.items() if tag in wanted]
        if not ours:
            return rows
        await self._calls.ask(lambda server: server.delete(ours))
        return await self.rows()

    async def forget(self, tags: Sequence[str]) -> None:
        """Remove *tags*, but for those that a torrent still has."""
        if not tags:
            return
        only = tags[0] if len(tags) == 1 else None  # else one long answer is sooner there than many short ones
        rows = await self._calls.ask(lambda server: server.listed(tag=only))
        unused = sorted(set(tags).difference(*(row.tags for row in rows)))
        if unused:
            await self._calls.ask(lambda server: server.forget_tags(unused))

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


def _last_of(path: str) -> str:
    """Return the last name of *path*, as any system spells it: a qBittorrent on Windows has backslashes."""
    return re.split(r"[/\\]", path.rstrip("/\\"))[-1]

"""The resolver itself: what it is made of, and one caller's lookup from its beginning to its end."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Self

from services.clock import Clock
from services.errors import NotFound
from services.resolvers.addresses import AddressPolicy
from services.resolvers.qbittorrent.calls import Calls
from services.resolvers.qbittorrent.lookups import Lookup
from services.resolvers.qbittorrent.magnets import Guard, decoded_twice, magnet
from services.resolvers.qbittorrent.runs import Run
from services.resolvers.qbittorrent.server import Listed, Login, New, Server
from services.resolvers.qbittorrent.watch import Watch
from services.resolvers.torrent_file import LARGEST, ReadTorrent, told_by
from services.torrents import Hints, Progress, TorrentId, TorrentInfo

_TIMES = 3  # that a torrent is looked for again where it has gone


class QbittorrentResolver:
    """A `Resolver` that asks a qBittorrent. `open` makes one.

    A torrent that is there already is read, and nothing is changed about it: where it has no metadata yet, that is
    waited for. Any other is looked for with `fetchMetadata` where the server has that (5.2); else it is added, to stop
    after its metadata, with a category, a tag and a folder of ours, and deleted when nobody looks for it any more.
    """

    label = "qbittorrent"

    def __init__(self, calls: Calls, watch: Watch, run: Run, guard: Guard, *, read: ReadTorrent) -> None:
        self._calls = calls
        self._watch = watch
        self._run = run
        self._guard = guard
        self._read = read
        self._more: dict[TorrentId, list[Hints]] = {}

    @classmethod
    @asynccontextmanager
    async def open(
        cls, login: Login, *, marks: Path, policy: AddressPolicy, clock: Clock, read: ReadTorrent
    ) -> AsyncIterator[Self]:
        """Yield one. What earlier processes have left there is taken away, at the end what this one has.

        Args:
            login: which server, and how it lets us in.
            marks: a folder that tells which processes are over: see `runs`. It is made when missing.
            policy: whom a magnet may have the server contact.
            clock: for what is waited for.
            read: see there.
        """
        run = await asyncio.to_thread(Run.begin, marks, login.url)
        dead = await asyncio.to_thread(Run.dead, marks, login.url)
        calls = Calls(Server(login))
        guard = Guard(policy, clock)
        watch = Watch(calls, run, dead, guard, clock=clock)
        watching = asyncio.create_task(watch.run(), name="qbittorrent")
        try:
            yield cls(calls, watch, run, guard, read=read)
        finally:
            await asyncio.shield(asyncio.create_task(_close(watching, watch, calls)))

    async def resolve(self, torrent: TorrentId, hints: Hints, progress: Progress) -> TorrentInfo:
        """See `Resolver.resolve`. Steps are those of the swarm, as far as the server tells them.

        Raises:
            NotFound: what it has is not this torrent, it refuses the magnet, somebody takes it away there, or it
                would have to be added by a v2 info-hash (*reason* is ``v2_alone``), or cannot be added now
                (``half_there``).
            ResolverDown: it cannot be asked; parameter *reason* says why, see `Server`.
        """
        progress.started()
        more = self._more[torrent] = []
        try:
            fetches = await self._calls.ask(Server.fetches)
            first = await self._guard.passed(hints)
            lookup = Lookup(torrent, first, progress, more)
            content = await (self._fetched(lookup) if fetches else self._looked_for(lookup))
        finally:
            del self._more[torrent]
        if len(content) > LARGEST:
            raise NotFound(reason="file_too_large")
        return await asyncio.to_thread(told_by, content, torrent, self.label, self._read)

    def add_hints(self, torrent: TorrentId, hints: Hints) -> None:
        """See `Resolver.add_hints`. What was not added by us is told nothing."""
        if torrent in self._more:
            self._more[torrent].append(hints)

    async def _fetched(self, lookup: Lookup) -> bytes:
        lookup.magnet = magnet(lookup.torrent, decoded_twice(lookup.hints))
        content = await self._watch.found(lookup)
        if content is None:
            raise NotFound(reason="taken_away")
        return content

    async def _looked_for(self, lookup: Lookup) -> bytes:
        for _ in range(_TIMES):
            listed = await self._calls.everything()
            there = next((one for one in listed if one.may_be(lookup.torrent)), None)
            if there is None:
                _check_apart(lookup.torrent, listed)
            again = lookup.again(key=there.key) if there else lookup.again(tag=self._run.next_tag())
            content = await (self._watch.found(again) if there else self._added(again))
            if content is not None:
                return content
        raise NotFound(reason="taken_away")

    async def _added(self, lookup: Lookup) -> bytes | None:
        new = New(magnet(TorrentId(v1=lookup.torrent.v1), lookup.hints), self._run.name, lookup.tag, self._run.place)
        self._watch.expect(lookup)
        try:
            if not await self._calls.ask(lambda server: server.add(new)):
                return None  # somebody else was faster
            return await self._watch.found_ours(lookup)
        finally:
            await self._watch.clear(lookup.tag)


def _check_apart(torrent: TorrentId, listed: Iterable[Listed]) -> None:
    """See that *torrent* may be added by its v1 info-hash beside what is *listed*.

    qBittorrent 4.5.2 crashes when it has a hybrid twice, by its v1 and by its v2, and metadata comes for one of them.
    So what we add has a v1 alone, and nothing is added beside a v2 of which it is not known yet what it is.
    """
    if torrent.v1 is None:
        raise NotFound(reason="v2_alone")
    if any(one.may_be_half for one in listed):
        raise NotFound(reason="half_there")


async def _close(watching: "asyncio.Task[None]", watch: Watch, calls: Calls) -> None:
    watching.cancel()
    await asyncio.wait([watching])
    await watch.end()
    await calls.close()
    if not watching.cancelled():
        watching.result()  # a bug

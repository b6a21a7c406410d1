"""The one who looks: what has become of every lookup under way, and what is to be taken away."""

import asyncio
from collections.abc import Collection, Coroutine, Iterable

import structlog

from services.clock import Clock
from services.errors import LookupFailed, ResolverDown
from services.resolvers.port import ASKED, DOWN
from services.resolvers.qbittorrent.calls import Calls
from services.resolvers.qbittorrent.cleaning import Cleaning
from services.resolvers.qbittorrent.lookups import Lookup
from services.resolvers.qbittorrent.magnets import Guard
from services.resolvers.qbittorrent.runs import Run
from services.resolvers.qbittorrent.server import Listed
from services.torrents import Hints, Step

log = structlog.stdlib.get_logger(__name__)
_EACH = 0.5  # seconds between two looks
_SOON = 0.1  # seconds between two looks while somebody has just begun
_NEW = 1.0  # seconds
_EVIDENCE_EACH = 5.0  # seconds
_LONGEST = 10.0  # seconds between two looks at a server that does not answer
_PATIENCE = 10.0  # seconds of silence that a lookup bears: a server that is started anew
_LATE = 3.0  # seconds in which a torrent may appear that was added, or that a server loads
_DHT_EACH = 5.0  # seconds
_SURELY = 10.0  # seconds in which nothing of a dead run must be seen
_CLEARING = 20.0  # seconds that somebody waits at most for what is to be taken away
_LAST_TRIES = 3
_NAMED_FOR = 2.0  # seconds in which names are read before those who have theirs are let go


class _Sweep:
    """What a dead run has left, until nothing was seen of it for a while: a server that starts loads its torrents."""

    def __init__(self, cleaning: Cleaning) -> None:
        self._cleaning = cleaning
        self._empty_since: float | None = None
        self._seen = False
        self.run = cleaning.run

    async def done(self, now: float) -> bool:
        """Take away what is there, and return whether nothing more will come."""
        if not await self._cleaning.known():
            return True
        self._seen = True
        if rows := await self._cleaning.rows():
            self._empty_since = None
            await self._cleaning.delete(rows)
            return False
        self._empty_since = self._empty_since or now
        return now - self._empty_since >= _SURELY and await self._cleaning.finish()

    async def end(self) -> None:
        """Let go of the run that is done: one that may be elsewhere is looked for again there."""
        await asyncio.to_thread(self.run.end, clean=self._seen or not self.run.elsewhere)


class Watch:
    """Looks at all lookups together, and takes away what was added for them; `run` does it, until it is cancelled."""

    def __init__(self, calls: Calls, run: Run, dead: Iterable[Run], guard: Guard, *, clock: Clock) -> None:
        self._calls = calls
        self._guard = guard
        self._clock = clock
        self._cleaning = Cleaning(calls, run)
        self._sweeps = [_Sweep(Cleaning(calls, one)) for one in dead]
        self._lookups: dict[str, Lookup] = {}
        self._others: set[Lookup] = set()
        self._leaving: dict[str, asyncio.Future[None]] = {}
        self._added: dict[str, float] = {}
        self._dht_nodes = 0
        self._dht_at: float | None = None
        self._down_since: float | None = None
        self._silent = False
        self._ended = False
        self._unsure_until = 0.0
        self._ever_added = False
        self._news = asyncio.Event()

    async def found(self, lookup: Lookup) -> bytes | None:
        """Return the .torrent that *lookup* waits for; None where its torrent is gone, or was never there.

        Raises:
            NotFound, ResolverDown: see `Server`; or nobody looks any more.
        """
        self._check()
        lookup.begin(self._clock.monotonic(), _NEW if lookup.key else 0)
        self._others.add(lookup)
        self._news.set()
        try:
            return await lookup.outcome
        finally:
            self._others.discard(lookup)

    def expect(self, lookup: Lookup) -> None:
        """Know that a torrent may be added with the lookup's tag from now on; `clear` must follow."""
        self._check()
        self._ever_added = True
        self._added[lookup.tag] = self._clock.monotonic()
        self._lookups[lookup.tag] = lookup

    async def found_ours(self, lookup: Lookup) -> bytes | None:
        """Like `found`, for a torrent that was expected, and is added."""
        self._added[lookup.tag] = now = self._clock.monotonic()
        lookup.begin(now, _NEW)
        lookup.added = True
        self._news.set()
        return await lookup.outcome

    def _check(self) -> None:
        if self._ended:
            raise ResolverDown(reason="closed")

    async def clear(self, tag: str) -> None:
        """Return when what was added with *tag* is gone, or cannot be taken away in time: then it will be, later.

        Who is cancelled meanwhile waits for that, too.
        """
        self._lookups.pop(tag, None)
        if self._ended:  # `end` does it
            return
        leaving = self._leaving[tag] = asyncio.get_running_loop().create_future()
        self._news.set()
        late = asyncio.ensure_future(self._clock.sleep(_CLEARING))
        cancelled: asyncio.CancelledError | None = None
        while not (leaving.done() or late.done()):
            try:
                await asyncio.wait({leaving, late}, return_when=asyncio.FIRST_COMPLETED)
            except asyncio.CancelledError as error:
                cancelled = error
        late.cancel()
        if not leaving.done():
            self._tell_left("not deleted")
            leaving.set_result(None)
        if cancelled is not None:
            raise cancelled

    async def run(self) -> None:
        try:
            await self._go_on_looking()
        finally:
            self._ended = True
            self._leave_all()

    async def _go_on_looking(self) -> None:
        pause = _EACH
        while True:
            if not self._busy:
                await self._news.wait()
            self._news.clear()
            try:
                await self._look()
                pause = self._pause
                self._down_since, self._silent = None, False
            except ResolverDown as error:
                self._bear(error)
                pause = min(_LONGEST, 2 * pause) if not (self._lookups or self._others) else _EACH
            await self._rest(pause)

    async def end(self) -> None:
        """Take away what is left, where the server lets us; call it when nobody looks any more."""
        why = await self._why_left() if self._ever_added else None
        if why is not None:
            self._tell_left(why)
        await asyncio.to_thread(self._cleaning.run.end, clean=why is None)
        for sweep in self._sweeps:
            await asyncio.to_thread(sweep.run.end, clean=False)

    async def _why_left(self) -> str | None:
        """Take away all that is ours, and return None; or why something is left, or may be."""
        if self._silent:
            return "timeout"
        if self._added:
            await self._clock.sleep(_EACH)  # what was added just now is not listed yet
        try:
            for _ in range(_LAST_TRIES):
                if await self._cleaning.finish():
                    return None
                await self._clock.sleep(_EACH)
        except ResolverDown as error:
            return str(error.parameters["reason"])
        return "not deleted"

    def _tell_left(self, reason: str) -> None:
        log.warning("qbittorrent.left", run=self._cleaning.run.name, reason=reason)

    @property
    def _busy(self) -> bool:
        unsure = self._clock.monotonic() < self._unsure_until
        return bool(self._lookups or self._others or self._leaving or self._sweeps or unsure)

    @property
    def _pause(self) -> float:
        new = self._clock.monotonic() - _NEW
        return _SOON if any(one.begun_at > new for one in (*self._lookups.values(), *self._others)) else _EACH

    async def _rest(self, seconds: float) -> None:
        """Return after so many *seconds*, or when somebody waits for something to be taken away."""
        late = asyncio.ensure_future(self._clock.sleep(seconds))
        news = asyncio.ensure_future(self._news.wait())
        try:
            await asyncio.wait({late, news}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            late.cancel()
            news.cancel()

    async def _look(self) -> None:
        if self._lookups or self._others:
            await self._look_at_dht()
        if self._ever_added:
            await self._look_at_ours()
        await self._look_at_others()
        now = self._clock.monotonic()
        for sweep in list(self._sweeps):
            if await sweep.done(now):
                self._sweeps.remove(sweep)
                await sweep.end()

    async def _look_at_dht(self) -> None:
        now = self._clock.monotonic()
        if self._dht_at is None or now - self._dht_at >= _DHT_EACH:
            self._dht_nodes = await self._calls.ask(lambda server: server.dht_nodes())
            self._dht_at = now

    async def _look_at_ours(self) -> None:
        await self._take_in_hints()
        rows = await self._cleaning.rows()
        for tag in rows:
            self._added.pop(tag, None)  # it has appeared
        begun = self._clock.monotonic()
        for tag, lookup in list(self._lookups.items()):
            if self._leaving and self._clock.monotonic() - begun >= _NAMED_FOR:
                break
            await self._alone(lookup, self._look_at(lookup, rows.get(tag)))
            if tag in self._lookups:
                self._lookups[tag] = self._lookups.pop(tag)  # who was not looked at is the first next time
        left: Collection[str] = rows
        if orphans := [tag for tag in rows if tag not in self._lookups]:
            left = await self._cleaning.delete(orphans)
            self._doubt(_LATE)
        await self._let_go(left)

    async def _alone(self, lookup: Lookup, looking: Coroutine[None, None, None]) -> None:
        """Do what concerns *lookup* alone: a status that its torrent alone is answered with holds up no other."""
        try:
            await looking
            lookup.down_since = None
        except ResolverDown as error:
            if not str(error.parameters["reason"]).startswith("status"):
                raise
            now = self._clock.monotonic()
            lookup.down_since = now if lookup.down_since is None else lookup.down_since
            if now - lookup.down_since >= _PATIENCE:
                lookup.fail(error)
        except LookupFailed as error:
            lookup.fail(error)

    async def _look_at(self, lookup: Lookup, row: Listed | None) -> None:
        now = self._clock.monotonic()
        if row is None:
            if lookup.missing_since is None or (lookup.tag and not lookup.added):
                lookup.missing_since = now
            if now - lookup.missing_since >= _LATE:
                lookup.settle(None)
            return
        if not (row.has_metadata or row.queued or row.stopped) and lookup.is_due(now, _EVIDENCE_EACH):
            lookup.asked = await self._calls.ask(lambda server: server.asked(row.key))
        lookup.see(row, self._dht_nodes)
        if row.has_metadata:
            lookup.settle_with(await self._calls.ask(lambda server: server.exported(row.key)))
        elif lookup.late != Hints():
            await self._tell(lookup, row.key)

    async def _take_in_hints(self) -> None:
        """See what may be passed on of what has come late: for all at once, as name servers may be slow."""
        more = [(one, hints) for one in self._lookups.values() if (hints := one.take_more()) is not None]
        passed = await asyncio.gather(*(self._guard.passed(hints) for _, hints in more))
        for (lookup, _), hints in zip(more, passed, strict=True):
            lookup.late = lookup.late.merged(hints)

    async def _tell(self, lookup: Lookup, key: str) -> None:
        try:
            await self._calls.ask(lambda server: server.tell(key, lookup.tag, lookup.late))
        except ResolverDown:
            lookup.refused_late()
            raise
        lookup.told_late()

    async def _look_at_others(self) -> None:
        followed = [one for one in self._others if one.key]
        if followed:
            keys = sorted({one.key for one in followed})
            rows = {row.key: row for row in await self._calls.ask(lambda server: server.listed(keys=keys))}
            for lookup in followed:
                await self._alone(lookup, self._look_at(lookup, rows.get(lookup.key)))
        for lookup in [one for one in self._others if not one.key]:
            await self._alone(lookup, self._fetch(lookup))

    async def _fetch(self, lookup: Lookup) -> None:
        now = self._clock.monotonic()
        due = lookup.is_due(now, max(_EACH, (now - lookup.begun_at) / 10))  # it cannot be asked for many at once
        if not due and lookup.told != Step(DOWN):
            return
        content = await self._calls.ask(lambda server: server.fetched(lookup.magnet))
        lookup.tell(Step(ASKED))  # all that it says until it has the name
        lookup.settle_with(content)

    async def _let_go(self, left: Iterable[str]) -> None:
        """Settle those who wait for what is gone: who has never been seen may still appear for a while."""
        here, now = set(left), self._clock.monotonic()
        gone = [
            tag for tag in self._leaving
            if tag not in here and now - self._added.get(tag, -_LATE) >= _LATE
        ]  # fmt: skip
        if not gone:
            return
        await self._cleaning.forget(gone)
        for tag in gone:
            self._added.pop(tag, None)
            self._settle(tag)
            del self._leaving[tag]

    def _bear(self, error: ResolverDown) -> None:
        """Take in that the server did not answer: nobody waits for its answer for long."""
        now = self._clock.monotonic()
        self._down_since = now if self._down_since is None else self._down_since
        self._silent = error.parameters["reason"] == "timeout"
        self._doubt(2 * _LONGEST)
        over = now - self._down_since >= _PATIENCE or error.parameters["reason"] in {"password", "too_old", "closed"}
        for lookup in (*self._lookups.values(), *self._others):
            lookup.tell(Step(DOWN))
            if over:
                lookup.fail(ResolverDown(**error.parameters))
        for tag in list(self._leaving):
            self._settle(tag)

    def _settle(self, tag: str) -> None:
        if not self._leaving[tag].done():
            self._leaving[tag].set_result(None)

    def _doubt(self, seconds: float) -> None:
        """Go on looking for so long: what is gone from a server that starts anew may come back."""
        if self._ever_added:
            self._unsure_until = max(self._unsure_until, self._clock.monotonic() + seconds)

    def _leave_all(self) -> None:
        for lookup in (*self._lookups.values(), *self._others):
            lookup.fail(ResolverDown(reason="closed"))
        self._lookups.clear()
        for tag in list(self._leaving):
            self._settle(tag)

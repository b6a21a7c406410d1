"""Many sources as one, which is never slower for having more of them: who is silent, full or down holds up nobody."""

import asyncio
import contextlib
import math
from collections import deque
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Sequence
from functools import partial

import structlog

from services.clock import Clock
from services.errors import CalibotError, LookupFailed, NotFound, ResolverDown, SourceFailed, SourceLate
from services.resolvers.breaker import Breaker, Turn
from services.resolvers.port import ASKED, DOWN, IN_LINE, Resolver
from services.torrents import Hints, Progress, Step, TorrentId, TorrentInfo

log = structlog.stdlib.get_logger(__name__)
_RANKS = ("asking", "connecting", "receiving")
"""The codes of steps, the one that promises most last."""
_MOST_SILENCES = 3
_FIRST_PAUSE, _LONGEST_PAUSE = 10.0, 600.0  # seconds
_HAS_NONE = frozenset({None, "no_file", "nothing_said"})  # reasons; what is wrong with another source can be mended
_NO_FAULT = _HAS_NONE | {"v2_alone", "half_there", "taken_away", "metadata_unusable"}  # of a source that works
_OF_THE_PROGRAM = frozenset({"output_unusable"})  # its sentence names whose fault it is

Troubled = Callable[[str, str], None]
"""Is told which source could not be asked, or failed, by its label, and why: for who sees to it, and not for people."""

_LegTask = asyncio.Task[TorrentInfo]


class Source:
    """A resolver, of which at most *most* lookups are asked at once, and none while its *breaker* pauses."""

    def __init__(
        self, resolver: Resolver, *, breaker: Breaker, most: int, troubled: Troubled = lambda *_: None
    ) -> None:
        self.resolver = resolver
        self.breaker = breaker
        self._troubled = troubled
        self._most = most
        self._slots = asyncio.Semaphore(most)
        self._legs: set[_LegTask] = set()  # those that end, too
        self._legs_of: dict[TorrentId, set[_LegTask]] = {}
        self._silences = 0
        self._pause = 0.0
        self._known_at = -math.inf
        self._told = ""

    @property
    def label(self) -> str:
        return self.resolver.label

    @property
    def full(self) -> bool:
        """Whether who asks now has to stand in line: for a place, or for what comes of one who tries."""
        return len(self._legs) >= (1 if self.breaker.doubtful else self._most)

    def is_waited_for(self, now: float) -> bool:
        """Whether it is worth that others wait for it: not for a while where it was silent again and again."""
        return now >= self._known_at + self._pause

    def was_silent(self, since: float, now: float) -> None:
        """Take in that another had a name that it was asked for *since* then; it may be that it answered others."""
        if since >= self._known_at:
            self._silences += 1
            self._known_at = now
            if self._silences >= _MOST_SILENCES:
                self._pause = min(_LONGEST_PAUSE, 2 * self._pause or _FIRST_PAUSE)

    def was_in_time(self, now: float) -> None:
        self._silences, self._pause, self._known_at = 0, 0.0, now

    def begin(
        self, torrent: TorrentId, leg: "Callable[[Collection[_LegTask]], Coroutine[None, None, TorrentInfo]]"
    ) -> "_LegTask":
        """Let *leg* run, which is given those before it of this *torrent* that have not ended yet."""
        ours = self._legs_of.setdefault(torrent, set())
        task = asyncio.create_task(leg(frozenset(ours)))
        self._legs.add(task)
        ours.add(task)

        def over(_: "_LegTask") -> None:
            self._legs.discard(task)
            ours.discard(task)
            if not ours and self._legs_of.get(torrent) is ours:
                del self._legs_of[torrent]
            if not task.cancelled():
                task.exception()  # seen: nobody waits for it any more, or somebody has looked

        task.add_done_callback(over)
        return task

    async def rest(self) -> None:
        """Return when nothing runs any more."""
        while self._legs:
            await asyncio.wait(self._legs)

    @contextlib.asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a place, and for one who tries whether it works again; watch what comes of asking meanwhile.

        Raises:
            ResolverDown: it pauses.
        """
        async with self._slots:
            while (turn := self.breaker.begin()) is None:
                if self.breaker.seconds_left:
                    raise ResolverDown(reason="paused")
                await self.breaker.tried()
            tell = partial(self.breaker.left, turn)
            try:
                yield
                tell, self._told = partial(self.breaker.worked), ""
            except ResolverDown as error:
                tell = partial(self._failed, turn, str(error.parameters.get("reason", "")))
                raise
            except LookupFailed as error:
                tell = partial(self.breaker.worked)
                if _is_broken(error):
                    self._in_trouble(str(error.parameters.get("reason", "")))
                raise
            finally:
                tell()

    def _failed(self, turn: Turn, reason: str) -> None:
        """Count that it could not be asked; the log is told when that begins, and each time that it is left alone."""
        if self.breaker.failed(turn):
            log.warning("resolver.down", source=self.label, reason=reason, seconds=self.breaker.seconds_left)
            self._told = reason
        self._in_trouble(reason)

    def _in_trouble(self, reason: str) -> None:
        self._troubled(self.label, reason)
        if reason != self._told:
            log.warning("resolver.trouble", source=self.label, reason=reason)
            self._told = reason


class Chain:
    """A `Resolver` that asks *sources* in their order.

    The next one is asked when the one before it has failed or made a claim, cannot be asked now, or has been silent for
    *hedge_after* seconds. Who was silent so three times in a row while another had the name is not waited for in pauses
    that grow: a dead torrent says nothing of whoever is asked for it. The first verified answer is taken at once, and
    the others are left, which may take them a while: `rest` waits for it. A claim is told by `Progress`, and taken when
    nobody else is to come. Several sources may have one label: they are one to people, and each has its own breaker.
    """

    label = "chain"

    def __init__(self, sources: Sequence[Source], *, clock: Clock, hedge_after: float = 6.0) -> None:
        self._sources = tuple(sources)
        self._clock = clock
        self._hedge_after = hedge_after
        self._under_way: dict[TorrentId, _Asking] = {}

    async def resolve(self, torrent: TorrentId, hints: Hints, progress: Progress) -> TorrentInfo:
        """See `Resolver.resolve`.

        Raises:
            LookupFailed: none has the name: as the first of those says that could be asked, and that says more than
                that. Parameter *unasked* names those that could not be, and *failed* the others with which something
                is wrong; where none could be asked, it is ResolverDown, and *source* names them.
        """
        asking = self._under_way[torrent] = _Asking(
            torrent, hints, progress, self._sources, clock=self._clock, hedge_after=self._hedge_after
        )
        try:
            return await asking.answer()
        finally:
            del self._under_way[torrent]

    async def rest(self) -> None:
        """Return when nothing runs any more that was begun for a lookup."""
        for source in self._sources:
            await source.rest()

    def add_hints(self, torrent: TorrentId, hints: Hints) -> None:
        """See `Resolver.add_hints`; who is asked later hears of them, too."""
        asking = self._under_way.get(torrent)
        if asking is not None:
            asking.add_hints(hints)


class _Asking:
    """One lookup: who was asked, who is still to be, and what they say."""

    def __init__(
        self,
        torrent: TorrentId,
        hints: Hints,
        progress: Progress,
        sources: Sequence[Source],
        *,
        clock: Clock,
        hedge_after: float,
    ) -> None:
        self._torrent = torrent
        self._hints = hints
        self._progress = progress
        self._to_come = deque(sources)
        self._clock = clock
        self._hedge_after = hedge_after
        self._legs: dict[_LegTask, Source] = {}
        self._newest: _LegTask | None = None
        self._began: dict[Source, float] = {}
        self._down: dict[str, None] = {}
        self._steps: dict[Source, Step] = {}
        self._claim: TorrentInfo | None = None
        self._failures: list[tuple[str, CalibotError]] = []  # by whom

    async def answer(self) -> TorrentInfo:
        patience = asyncio.ensure_future(self._clock.sleep(self._hedge_after))
        try:
            self._ask_next()
            while self._legs:
                heard = {*self._legs, patience} if self._to_come else set(self._legs)
                await asyncio.wait(heard, return_when=asyncio.FIRST_COMPLETED)
                for leg in [one for one in self._legs if one.done()]:
                    info = self._taken(leg)
                    if info is not None:
                        return info
                if self._to_come and (patience.done() or self._newest not in self._legs):
                    patience.cancel()
                    patience = asyncio.ensure_future(self._clock.sleep(self._hedge_after))
                    self._ask_next()
            return self._last_word()
        except asyncio.CancelledError:
            await _over(*self._legs)
            raise
        finally:
            for one in (*self._legs, patience):
                one.cancel()

    def add_hints(self, hints: Hints) -> None:
        self._hints = self._hints.merged(hints)
        for source in self._legs.values():
            source.resolver.add_hints(self._torrent, hints)

    def _ask_next(self) -> None:
        """Ask the next one; and those after it, where it is down or full, or not waited for now."""
        while self._to_come:
            source = self._to_come.popleft()
            if source.breaker.seconds_left:
                self._down[source.label] = None
                continue
            if full := source.full:
                self._steps[source] = Step(IN_LINE)
            self._newest = source.begin(self._torrent, partial(self._ask, source))
            self._legs[self._newest] = source
            if not full and source.is_waited_for(self._clock.monotonic()):
                break
        if len(self._legs) > 1 or self._down or self._steps or self._failures:  # else its start is told soon
            self._tell()

    async def _ask(self, source: Source, before: Collection[_LegTask]) -> TorrentInfo:
        if before:
            await asyncio.wait(before)
        async with source.turn():
            self._steps.pop(source, None)
            self._began[source] = self._clock.monotonic()
            info = await source.resolver.resolve(self._torrent, self._hints, _Leg(self, source))
            if info.verified and not info.torrent.answers(self._torrent):
                raise NotFound(reason="another torrent")
            return info

    def _taken(self, leg: _LegTask) -> TorrentInfo | None:
        """Take in what has come of a *leg*, and return it if that is all that is needed: a verified answer."""
        source = self._legs.pop(leg)
        self._steps.pop(source, None)
        began, now = self._began.pop(source, None), self._clock.monotonic()
        if began is not None and now - began < self._hedge_after:
            source.was_in_time(now)
        try:
            info = leg.result()
        except ResolverDown:
            self._down[source.label] = None
        except CalibotError as error:
            self._failures.append((source.label, error))
        except (Exception, asyncio.CancelledError):  # a bug of this source's; the others go on
            log.exception("resolver.bug", source=source.label)
            self._failures.append((source.label, LookupFailed()))
        else:
            if info.verified:
                self._note_silences(now)
                return info
            if self._claim is None:
                self._claim = info
                self._progress.claimed(info)
        self._tell()
        return None

    def _note_silences(self, now: float) -> None:
        for source in self._legs.values():
            began = self._began.get(source, now)
            if now - began >= self._hedge_after:
                source.was_silent(began, now)

    def _last_word(self) -> TorrentInfo:
        if self._claim is not None:
            return self._claim
        down = ",".join(self._down)
        if not self._failures:
            raise ResolverDown(source=down)
        told, first = min(self._failures, key=lambda one: _says(one[1], _HAS_NONE))
        names_itself = isinstance(first, SourceFailed) or _says(first, _OF_THE_PROGRAM)
        failed = ",".join(one for one in self._broken() if one != told or not names_itself)
        others = {key: labels for key, labels in (("unasked", down), ("failed", failed)) if labels}
        raise type(first)(**first.parameters, **others) if others else first

    def _broken(self) -> Collection[str]:
        return dict.fromkeys(label for label, error in self._failures if _is_broken(error))

    # What it tells.

    def started(self) -> None:
        self._progress.started()
        self._tell()

    def heard(self, source: Source, step: Step) -> None:
        self._steps[source] = step
        self._tell()

    def _tell(self) -> None:
        if not self._legs:
            return
        told = {one: step for one, step in self._steps.items() if step.code in _RANKS}
        steps = sorted(told.values(), key=lambda one: _RANKS.index(one.code))
        seen: dict[str, int | float | str] = {}
        for step in steps:
            seen |= {key: _more(value, seen.get(key)) for key, value in step.parameters.items()}
        codes = {one: self._steps.get(one, Step(ASKED)).code for one in self._legs.values()}
        asked = dict.fromkeys(one.label for one, code in codes.items() if code not in {IN_LINE, DOWN})
        if others := [one for one in asked if one not in {source.label for source in told}]:
            seen["beside" if steps else "sources"] = ",".join(others)
        in_line = dict.fromkeys(one.label for one, code in codes.items() if code == IN_LINE)
        if waiting := [one for one in in_line if one not in asked]:
            seen["waiting"] = ",".join(waiting)
        down = self._down | dict.fromkeys(one.label for one, code in codes.items() if code == DOWN)
        if unasked := [one for one in down if one not in asked | in_line]:
            seen["down"] = ",".join(unasked)
        if broken := self._broken():
            seen["broken"] = ",".join(broken)
        self._progress.report(Step(steps[-1].code if steps else ASKED, seen))


def _is_broken(error: CalibotError) -> bool:
    """Whether something is wrong with the source that ends so: it does not just lack the torrent, or time."""
    return not isinstance(error, SourceLate) and not _says(error, _NO_FAULT)


def _says(error: CalibotError, reasons: Collection[str | None]) -> bool:
    return isinstance(error, NotFound) and error.parameters.get("reason") in reasons


class _Leg:
    """The progress of one source's part in a lookup."""

    def __init__(self, asking: _Asking, source: Source) -> None:
        self._asking = asking
        self._source = source

    def started(self) -> None:
        self._asking.started()

    def report(self, step: Step) -> None:
        if step.code != DOWN:
            self._source.breaker.worked()
        self._asking.heard(self._source, step)

    def claimed(self, info: TorrentInfo) -> None:
        """Do nothing: a source's claim is its answer."""


def _more(value: float | str, other: float | str | None) -> int | float | str:
    """Return which of two tells more: the greater number, or the later word."""
    return max(value, other) if isinstance(value, int | float) and isinstance(other, int | float) else value


async def _over(*legs: _LegTask) -> None:
    for one in legs:
        one.cancel()
    if legs:
        await asyncio.wait(legs)

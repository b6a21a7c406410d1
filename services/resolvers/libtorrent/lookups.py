"""Who waits for what: callers, and the info-hashes looked up for them, which the session knows by a handle."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from services.errors import LookupFailed
from services.resolvers.libtorrent.doubts import Doubts
from services.resolvers.libtorrent.evidence import DhtSightings, Endpoint, Sightings, differs, step
from services.torrents import InfoHash, Progress, Step, TorrentId

Metadata = tuple[TorrentId, bytes]
"""An info dictionary: the hashes computed from its bytes, and the bytes."""

Failure = Callable[[], LookupFailed]
"""Makes the error to raise: each caller raises one of its own."""

Handle = TypeVar("Handle")
_Handle_contra = TypeVar("_Handle_contra", contravariant=True)

_LONGEST_PAUSE = 64.0


def wire_hash(info_hash: InfoHash) -> str:
    """Return the 40 digits by which the swarm, and a session, know *info_hash*: of a v2 hash the first 40 (BEP 52)."""
    return info_hash.hex[:40]


class Holder(Protocol[_Handle_contra]):
    """Whoever has what a handle stands for: a session, which connects in its *way*."""

    @property
    def way(self) -> str: ...

    def remove(self, handle: _Handle_contra) -> None: ...

    def pause(self, handle: _Handle_contra) -> None: ...

    def resume(self, handle: _Handle_contra) -> None: ...


class Exchange(Protocol):
    """One with a *peer*, beside the sessions; it *gives* once it has said how much metadata there is: *held* bytes."""

    @property
    def peer(self) -> Endpoint: ...

    @property
    def gives(self) -> bool: ...

    @property
    def held(self) -> int: ...

    def end(self) -> None: ...


@dataclass(slots=True, eq=False)
class Lookup(Generic[Handle]):
    """One caller, who waits for *found*. *dht_before* is what each session's DHT had shown when the lookup began."""

    asked: TorrentId
    progress: Progress
    found: asyncio.Future[Metadata | Failure]
    torrents: "list[SoughtTorrent[Handle]]" = field(default_factory=list)
    told: Step | None = None
    dht_before: dict[str, DhtSightings] = field(default_factory=dict)

    def take(self, given: Metadata | Failure) -> None:
        """End with *given*, unless it is the metadata of another torrent than the one that was asked for."""
        if not self.found.done() and (callable(given) or given[0].answers(self.asked)):
            self.found.set_result(given)

    def tell(self, dhts: Mapping[str, DhtSightings], at: float) -> None:
        """Report where it stands, if that is news: of *dhts*, what the best has shown since it began.

        *at*: now, in the clock's seconds.
        """
        shown = (dht.since(self.dht_before.get(way)) for way, dht in dhts.items())
        best = max(shown, key=lambda dht: dht.nodes)
        now = step((torrent.sightings for torrent in self.torrents), best, at)
        if differs(now, self.told):
            self.told = now
            self.progress.report(now)


@dataclass(slots=True, eq=False)
class SoughtTorrent(Generic[Handle]):
    """One info-hash, for as long as somebody looks it up. *given* is what it has brought; *looked*, when last.

    *holder* leads, and has it by *handle*, once it is there; *beside* are the handles of others, with who holds each,
    *alone* those by which a peer is heard alone, as its *doubts* want it. *exchanges* are beside them all. *known* are
    the peers that the sessions have told each other of, the last one last; *joined*: to the others, too.
    """

    info_hash: InfoHash
    handle: Handle | None
    holder: Holder[Handle]
    beside: dict[Handle, Holder[Handle]] = field(default_factory=dict)
    alone: dict[Handle, Holder[Handle]] = field(default_factory=dict)
    exchanges: frozenset[Exchange] = frozenset()  # which costs nothing; an empty set has 216 bytes
    joined: bool = False
    sightings: Sightings = field(default_factory=Sightings)
    lookups: set[Lookup[Handle]] = field(default_factory=set)
    given: Metadata | Failure | None = None
    next_announce: float = 0.0
    pause: float = 1.0
    looked: float = 0.0
    known: dict[Endpoint, None] = field(default_factory=dict)
    doubts: Doubts = field(default_factory=Doubts)

    @property
    def wanted(self) -> bool:
        """Whether somebody still waits for what it has not brought yet."""
        return self.given is None and bool(self.lookups)

    def give(self, given: Metadata | Failure) -> None:
        """End every lookup that *given* is an answer to."""
        self.given = given
        self._hang_up()
        for lookup in self.lookups:
            lookup.take(given)

    def racing(self) -> list[tuple[Handle, Holder[Handle]]]:
        """Return the handles by which it is looked up, with who holds each."""
        leading = [] if self.handle is None else [(self.handle, self.holder)]
        return [*leading, *self.beside.items()]

    def settle(self, now: float) -> bool:
        """Let the race for it pause, so that peers can be heard who bear one connection from us, or go on.

        Return whether it goes on after a pause. Who is giving metadata by itself is heard already.
        """
        if self.doubts.part(now, receiving=self.sightings.receiving):
            for exchange in self.exchanges:
                if not exchange.gives:
                    exchange.end()
            for handle, holder in self.racing():
                holder.pause(handle)
        elif self.doubts.is_enough(now, hearing=bool(self.alone)):
            return self.take_up(now)
        return False

    def take_up(self, now: float) -> bool:
        """Let the race for it go on, where it is paused; return whether it was."""
        paused = self.doubts.meet(now)
        for handle, holder in self.racing() if paused else ():
            holder.resume(handle)
        return paused

    def remove(self) -> None:
        """Take it out of all sessions."""
        for handle, holder in (*self.racing(), *self.alone.items()):
            holder.remove(handle)
        self._hang_up()
        self.beside.clear()
        self.alone.clear()
        self.joined = False

    def _hang_up(self) -> None:
        for exchange in self.exchanges:
            exchange.end()

    def plan_announce(self, now: float) -> None:
        """Be due again after 1, 2, 4 ... s."""
        self.next_announce = now + self.pause
        self.pause = min(2 * self.pause, _LONGEST_PAUSE)


class Board(Generic[Handle]):
    """Every lookup under way and every torrent that is sought for one. *busy* is set while there is a lookup.

    *torrents* has those sought, by their `wire_hash`, *running* those of them that the sessions still have, by each
    session's handle: what has brought something is over.
    """

    def __init__(self) -> None:
        self.lookups: set[Lookup[Handle]] = set()
        self.torrents: dict[str, SoughtTorrent[Handle]] = {}
        self.running: dict[Handle, SoughtTorrent[Handle]] = {}
        self.busy = asyncio.Event()

    def begin(self, lookup: Lookup[Handle]) -> None:
        self.lookups.add(lookup)
        self.busy.set()

    def seek(self, torrent: SoughtTorrent[Handle]) -> None:
        self.torrents[wire_hash(torrent.info_hash)] = torrent

    def there(self, torrent: SoughtTorrent[Handle], handle: Handle) -> None:
        """Take in that *torrent* is looked up by *handle* of the session that leads."""
        torrent.handle = handle
        self.running[handle] = torrent

    def awaits(self, torrent: SoughtTorrent[Handle]) -> bool:
        """Whether *torrent* is still sought and not there yet."""
        return torrent.handle is None and torrent.wanted and self.sought(torrent.info_hash) is torrent

    def seek_beside(self, torrent: SoughtTorrent[Handle], handle: Handle, holder: Holder[Handle]) -> None:
        """Let *torrent* be looked up by *handle* of *holder*, too."""
        torrent.beside[handle] = holder
        self.running[handle] = torrent

    def sought(self, info_hash: InfoHash) -> SoughtTorrent[Handle] | None:
        return self.torrents.get(wire_hash(info_hash))

    def join(self, lookup: Lookup[Handle], torrent: SoughtTorrent[Handle]) -> None:
        """Let *lookup* wait for *torrent*, too; what that has brought before counts."""
        if lookup not in torrent.lookups:
            torrent.lookups.add(lookup)
            lookup.torrents.append(torrent)
        if torrent.given is not None:
            lookup.take(torrent.given)

    def leave(self, lookup: Lookup[Handle]) -> list[SoughtTorrent[Handle]]:
        """End *lookup*; return what runs and nobody waits for any more."""
        self.lookups.discard(lookup)
        if not self.lookups:
            self.busy.clear()
        idle = []
        for torrent in lookup.torrents:
            torrent.lookups.discard(lookup)
            if not torrent.lookups:
                del self.torrents[wire_hash(torrent.info_hash)]
                if self.stop(torrent) or torrent.handle is None:
                    idle.append(torrent)
        return idle

    def stop(self, torrent: SoughtTorrent[Handle]) -> bool:
        """Let none of its handles run for *torrent* any more; return whether it did run."""
        for handle in torrent.beside:
            self.running.pop(handle, None)
        return torrent.handle is not None and self.running.pop(torrent.handle, None) is not None

    def end(self, torrent: SoughtTorrent[Handle], given: Metadata | Failure) -> None:
        """End what waits for *torrent*, which runs no more, with *given*."""
        self.stop(torrent)
        torrent.give(given)

    def fail(self, failure: Failure) -> None:
        """End every lookup."""
        for lookup in self.lookups:
            lookup.take(failure)

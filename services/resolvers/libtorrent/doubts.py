"""What makes the peers of a torrent doubtful, and which of them have been heard alone."""

import math
from collections import Counter
from dataclasses import dataclass, field

from services.resolvers.libtorrent.evidence import Connection, Endpoint

BRINGS = 1_000
"""Bytes a second: who says so much gives something, and what a slow one gives twice comes later."""

_TALK = 2.0  # seconds since the first connection, without a name, after which peers are doubted
_CALM = 10.0  # seconds of the race before it is paused where nobody lied; each time twice as many
_LONGEST = 10.0  # seconds that it is paused
_LET_GO = 0.25  # seconds until those have let us go who bear one connection
_YOUNG = 15.0  # seconds in which it may: one who lies of the size has libtorrent drop all that others give, unheard
_GREETING = 2.0  # seconds that a peer may need until it talks


@dataclass(slots=True)
class Doubts:
    """What is doubted of one torrent's peers; all times are the clock's seconds.

    They *stand* where what peers give is wrong (somebody has *ever_lied*), or does not end (*much* has come): each must
    be heard alone then. *looked* is when one was last to be chosen, by the way that peers are connected; *heard* counts
    how often each was, by the same. *candidates* are who can be, by the way; *liars* have given what is wrong when they
    were heard alone. Who has said nothing yet, and hung up, is left alone for a while: *silent_until*.

    Most peers bear one connection from us. Where *refusers*, who talk in the race, do not let themselves be heard
    beside it, the race is paused, and those that it had are heard *apart*: at once where somebody has *lied* since the
    last time, else after a while, for a slow peer loses what it was about to give.
    """

    stand: bool = False
    looked: dict[str, float] = field(default_factory=dict)
    heard: "Counter[tuple[str, Endpoint]]" = field(default_factory=Counter)
    candidates: dict[str, list[Connection]] = field(default_factory=dict)
    # Of most torrents these stay empty, which costs nothing; an empty set has 216 bytes.
    liars: frozenset[Endpoint] = frozenset()
    refusers: frozenset[tuple[str, Endpoint]] = frozenset()
    silent_until: dict[tuple[str, Endpoint], float] = field(default_factory=dict)
    lied: bool = False
    ever_lied: bool = False
    much: bool = False
    apart: set[Endpoint] | None = None
    _talking_since: float = math.inf
    _since: float = -math.inf
    _rest_until: float = -math.inf
    _calm_until: float = math.inf
    _calm: float = _CALM

    def lie(self) -> None:
        """Take in that what peers gave was wrong."""
        self.stand = self.lied = self.ever_lied = True

    def spare(self, rate: int, now: float, *, only: bool) -> bool:
        """Whether a peer that brings at this *rate* is left alone, since the name may be about to come of it.

        Where it is the *only* one, it is heard alone as it is.
        """
        suspect = not only and (self.much or now >= self._talking_since + _YOUNG)
        return rate >= BRINGS and not (self.ever_lied or suspect)

    def hear(self, way: str, peer: Endpoint) -> int:
        """Take in that *peer* is heard in that *way* from now on; return how often it was by then."""
        if self.apart is not None:
            self.apart.add(peer)
        self.heard[way, peer] += 1
        return self.heard[way, peer]

    def refuse(self, way: str, peer: Endpoint) -> None:
        """Take in that *peer* talks in the race's session of that *way*, and has hung up beside it."""
        if self.apart is None:
            self.refusers |= {(way, peer)}
            self.heard[way, peer] -= 1

    def look(self, now: float, *, connected: bool) -> None:
        """Take in whether somebody is *connected*."""
        if connected and math.isinf(self._talking_since):
            self._talking_since = now
            self._calm_until = now + self._calm
        self.stand = self.stand or now - self._talking_since >= _TALK

    @property
    def unheard(self) -> bool:
        """Whether there is a candidate who was not heard apart."""
        every = {one.peer for peers in self.candidates.values() for one in peers}
        return self.apart is not None and bool(every - self.apart - self.liars)

    def can_hear(self, now: float) -> bool:
        """Whether those who were to let us go have done so."""
        return self.apart is None or now >= self._since + _LET_GO

    def part(self, now: float, *, receiving: bool) -> bool:
        """Hear peers apart from now on, where that is due; return whether it is."""
        due = self.lied or (now >= self._calm_until and not receiving)
        if self.apart is not None or not self.refusers or not due or now < self._rest_until:
            return False
        self.apart, self.lied, self._since = set(), False, now
        return True

    def is_enough(self, now: float, *, hearing: bool) -> bool:
        """Whether all were heard apart, and nobody is any more (*hearing*), or for long enough."""
        over = now >= self._since + _LONGEST
        return self.apart is not None and (over or not (hearing or self.unheard))

    def meet(self, now: float) -> bool:
        """Hear nobody apart from now on, since a peer has become known, or all were heard; return whether they were."""
        if self.apart is None:
            self._calm_until = max(self._calm_until, now + _GREETING)
            return False
        self._calm *= 2
        self.apart, self.lied = None, False
        self._rest_until, self._calm_until = now + _GREETING, now + self._calm
        self.candidates.clear()
        self.refusers = frozenset()
        return True

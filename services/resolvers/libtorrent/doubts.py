"""What makes the peers of a torrent doubtful, and which of them have been heard alone."""

import math
from collections import Counter
from dataclasses import dataclass, field

from services.resolvers.libtorrent.evidence import Connection, Endpoint

_TALK = 2.0  # seconds since the first connection, without a name, after which peers are doubted
_CALM = 10.0  # seconds of the race before it is paused where nobody lied; each time twice as many
_LONGEST = 10.0  # seconds that it is paused


@dataclass(slots=True)
class Doubts:
    """What is doubted of one torrent's peers; all times are the clock's seconds.

    They *stand* where what peers give is wrong, or does not end: each must be heard alone then. *looked* is when one
    was last chosen; *heard* counts how often each was, by the way that it is connected. *candidates* are who can be,
    by the way.

    Most peers bear one connection from us. Where one that talks in the race has *refused* to be heard beside it, the
    race is paused, and those that it had are heard *apart*: at once where somebody has *lied* since the last time, else
    after a while, for a slow peer loses what it was about to give.
    """

    stand: bool = False
    looked: float = 0.0
    heard: "Counter[tuple[str, Endpoint]]" = field(default_factory=Counter)
    candidates: dict[str, list[Connection]] = field(default_factory=dict)
    refused: bool = False
    lied: bool = False
    apart: set[Endpoint] | None = None
    _talking_since: float = math.inf
    _until: float = math.inf
    _calm_until: float = math.inf
    _calm: float = _CALM

    def lie(self) -> None:
        """Take in that what peers gave was wrong."""
        self.stand = self.lied = True

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
        return self.apart is not None and bool(every - self.apart)

    def part(self, now: float, *, receiving: bool) -> bool:
        """Hear peers apart from now on, where that is due; return whether it is."""
        if self.apart is not None or not self.refused or not (self.lied or (now >= self._calm_until and not receiving)):
            return False
        self.apart, self.refused, self.lied, self._until = set(), False, False, now + _LONGEST
        return True

    def is_enough(self, now: float, *, hearing: bool) -> bool:
        """Whether all were heard apart, and nobody is any more (*hearing*), or for long enough."""
        return self.apart is not None and (now >= self._until or not (hearing or self.unheard))

    def meet(self, now: float) -> bool:
        """Hear nobody apart from now on; return whether somebody was."""
        if self.apart is None:
            return False
        self._calm *= 2
        self.apart, self._calm_until = None, now + self._calm
        return True

"""What makes the peers of a torrent doubtful, and which of them have been heard alone."""

from collections import Counter
from dataclasses import dataclass, field

from services.resolvers.libtorrent.evidence import Connection, Endpoint


@dataclass(slots=True)
class Doubts:
    """What is doubted of one torrent's peers.

    They *stand* where what peers give is wrong (then they were *lied* to us), or does not end: each must be heard alone
    then. *talking_since* is when the first of them was connected. *looked* is when one was last chosen; *heard* counts
    how often each was, by the way that it is connected. *candidates* are who can be, by the way. Most peers bear one
    connection from us: while they are heard *apart*, those so far, the race is paused.
    """

    stand: bool = False
    lied: bool = False
    talking_since: float | None = None
    looked: float = 0.0
    candidates: dict[str, list[Connection]] = field(default_factory=dict)
    heard: "Counter[tuple[str, Endpoint]]" = field(default_factory=Counter)
    apart: set[Endpoint] | None = None

    def lie(self) -> None:
        """Take in that what peers gave was wrong."""
        self.stand = self.lied = True

    @property
    def unheard(self) -> bool:
        """Whether there is a candidate who was not heard apart."""
        every = {one.peer for peers in self.candidates.values() for one in peers}
        return self.apart is not None and bool(every - self.apart)

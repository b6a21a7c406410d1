"""What the product needs of a source of names."""

from typing import Protocol

from services.torrents import Hints, Progress, TorrentId, TorrentInfo

ASKED = "asking_others"
"""The code of a step that says nothing but that a source is asked, and is looking for the name."""
IN_LINE = "in_line"
"""The code of one that says that the source is not looking yet: others come first there."""
DOWN = "down"
"""The code of one that says that the source, which was asked, cannot be just now: it is borne for a while."""


class Resolver(Protocol):
    """One way to learn what torrent an info-hash names: the swarm, a client, a script, a cache."""

    label: str
    """Short, shown to people and stored as the source: ``swarm``."""

    async def resolve(self, torrent: TorrentId, hints: Hints, progress: Progress) -> TorrentInfo:
        """Return the torrent's info, its hashes computed from its bytes where the source is verified.

        Goes on until it has an answer: the caller bounds the time by cancelling. Cancellable at any await; leaves
        nothing running or stored behind. Never called twice at once for one *torrent*. Calls ``progress.started()``
        once it is under way, then reports, which it does only when the source can be asked, or has gone `DOWN`.

        Raises:
            NotFound: the source answered that it does not know, or what it gave is unusable.
            ResolverDown: the source could not be asked.

        Source: BEP 3, 9, 52.
        """

    def add_hints(self, torrent: TorrentId, hints: Hints) -> None:
        """Give a running lookup of *torrent* more places to ask; harmless when there is none."""

"""What the notebook needs of the store, inside one transaction."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Protocol, TypeVar

from services.notebook.note import Change, Mark, Note
from services.torrents import NotebookId, NoteId, PersonId, TorrentId

T = TypeVar("T")


class Answers(Protocol):
    """What was answered to each request key, so that a request which comes twice is done once."""

    async def get(self, key: str) -> str | None:
        """Return the stored answer to *key*."""

    async def put(self, key: str, answer: str, at: float) -> None:
        """Store *answer*; the key must be new."""

    async def forget(self, before: float) -> None:
        """Delete the answers stored earlier than *before*."""


class Notes(Protocol):
    """The notes and their earlier texts."""

    async def insert(self, note: Note, torrents: Iterable[TorrentId]) -> NoteId:
        """Store *note* under a number never used before (its own id is ignored) with the torrents in its text."""

    async def get(self, notebook: NotebookId, note_id: NoteId) -> Note | None:
        """Return the note; None where it is unknown or another notebook's."""

    async def having(self, notebook: NotebookId, torrents: Sequence[TorrentId]) -> Mapping[TorrentId, Sequence[Note]]:
        """Return, for each torrent, the notebook's notes with a magnet of any of its hashes, by their numbers."""

    async def replace_text(self, note: Note, text: str, change: Change) -> bool:
        """Replace the text if the note is still at *note*'s version, and keep its earlier text as a revision."""

    async def mark(self, marks: Sequence[Mark], at: float) -> None:
        """Write down, for each note that a mark is about, how the torrent's last calibration ended."""

    async def earlier_texts(self, note_id: NoteId) -> Sequence[str]:
        """Return the texts that were replaced, oldest first."""


class Notebooks(Protocol):
    """Which notebook a door (a chat's address, or ``local``) opens."""

    async def behind(self, door: str) -> NotebookId | None:
        """Return the notebook that *door* opens."""

    async def open(self, door: str, at: float) -> NotebookId:
        """Return the notebook that *door* opens; a new one at its first use."""


class People(Protocol):
    """The people who were let in from a chat, beside those of the settings."""

    async def owners(self) -> Sequence[PersonId]:
        """Return the owners that are stored here."""

    async def add_owner(self, person: PersonId, at: float) -> None:
        """Make *person* an owner; again is harmless."""


class NotebookTx(Protocol):
    """One transaction, as the notebook sees it."""

    @property
    def answers(self) -> Answers: ...
    @property
    def notes(self) -> Notes: ...
    @property
    def notebooks(self) -> Notebooks: ...
    @property
    def people(self) -> People: ...


class NotebookStore(Protocol):
    """Where the notebook's transactions run."""

    async def write(self, fn: Callable[[NotebookTx], Awaitable[T]]) -> T:
        """Run *fn* in a transaction, commit, return its value: all of it or nothing, whoever is cancelled.

        Raises:
            StoreUnavailable: nothing was changed.
            Exception: what *fn* raised; nothing was changed.
        """

    async def read(self, fn: Callable[[NotebookTx], Awaitable[T]]) -> T:
        """Run *fn* on a consistent view of what is committed. Raises StoreUnavailable."""

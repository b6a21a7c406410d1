"""What the notebook needs of the store, inside one transaction."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from typing import Protocol, TypeVar

from services.access import LetIn
from services.notebook.note import Change, Known, Mark, Note, Revision, Selection, Whereabouts
from services.torrents import FileEntry, InfoHash, NotebookId, NoteId, TaskId, TorrentId

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
    """The notes and their earlier texts. One that was deleted is not there, but for `put_away` and `restore`."""

    async def insert(self, note: Note, torrents: Iterable[TorrentId]) -> NoteId:
        """Store *note* under a number never used before (its own id is ignored) with the torrents in its text."""

    async def get(self, notebook: NotebookId, note_id: NoteId) -> Note | None:
        """Return the note; None where it is unknown or another notebook's."""

    async def those(self, notebook: NotebookId, note_ids: Collection[NoteId]) -> Sequence[Note]:
        """Return those that there are in the notebook, by their numbers."""

    async def whereabouts(self, note_ids: Collection[NoteId]) -> Sequence[Whereabouts]:
        """Return where those of the notes are that there are, put away or not, in whichever notebook."""

    async def select(self, notebook: NotebookId, selection: Selection, limit: int) -> Sequence[NoteId]:
        """Return the numbers, rising, of at most *limit* notes with a torrent.

        Of `Uncalibrated` those that were never tried come first, then those whose last try is oldest; together they
        have no more than `MOST_TORRENTS`.
        """

    async def from_origin(self, origin: str) -> Note | None:
        """Return the note that was made of the message *origin*."""

    async def deleted_from(self, origin: str) -> Note | None:
        """Return the last note that was made of the message *origin* and is put away."""

    async def numbers_having(self, notebook: NotebookId, torrents: Iterable[TorrentId]) -> Sequence[NoteId]:
        """Return the numbers, rising, of the notebook's notes with a magnet of any hash of these torrents.

        Where a hybrid's pair of hashes was verified, each of them stands for both.
        """

    async def uncalibrated(self, note_ids: Collection[NoteId]) -> Collection[NoteId]:
        """Return those of these notes that have a torrent which was not yet calibrated in them, or failed."""

    async def undecided(self, note_ids: Collection[NoteId]) -> Collection[NoteId]:
        """Return those of these notes that were calibrated with a guess about which nobody has decided yet.

        Not those whose few guesses leave nothing to choose: no reading of them can stand in a note.
        """

    async def having(self, notebook: NotebookId, torrents: Sequence[TorrentId]) -> Mapping[TorrentId, Sequence[Note]]:
        """Return, for each torrent, the notebook's notes with a magnet of any of its hashes, by their numbers."""

    async def pinned(self, notebook: NotebookId, torrents: Sequence[TorrentId]) -> Collection[tuple[NoteId, TorrentId]]:
        """Return the notes, with the torrent, in which a person undid or kept its name."""

    async def pin(self, note_id: NoteId, torrents: Iterable[TorrentId], at: float) -> None:
        """Let nothing but a person's word write these torrents' names into the note any more."""

    async def unpin(self, note_id: NoteId, torrents: Iterable[TorrentId] | None = None) -> None:
        """Take the pins of these torrents, or all of them, from the note."""

    async def replace_text(self, note: Note, text: str, change: Change) -> bool:
        """Replace the text if the note is still at *note*'s version, and keep its earlier text as a revision.

        What a task writes by itself and one name after another is one change, its earlier text the one before them all.
        """

    async def set_torrents(self, note: Note, torrents: Iterable[TorrentId]) -> None:
        """Store which torrents the note's text has now; what is known of those that stay is kept."""

    async def mark_typed(self, note_id: NoteId, torrents: Iterable[TorrentId], at: float | None) -> None:
        """Write down when somebody typed the names which the note has for *torrents*; None where nobody did."""

    async def share_typed(self, note_id: NoteId, torrents: Iterable[TorrentId]) -> None:
        """Let a hash be as calibrated as its torrent's other one, whose name somebody typed since it was asked for."""

    async def reopen_halves(self, note_id: NoteId) -> None:
        """Let each hash be yet to be calibrated of which a pair's claim alone is known, whose other the note has not.

        But where somebody has typed its name since it was asked for.
        """

    async def mark(self, marks: Sequence[Mark], at: float) -> None:
        """Write down, for each note that a mark is about, how the torrent's last calibration ended."""

    async def revisions(self, note_id: NoteId) -> Sequence[Revision]:
        """Return the texts that were replaced, oldest first."""

    async def count_steps(self, note_id: NoteId) -> int:
        """Return how often the note was changed; an edit and the names carried over it are one step."""

    async def last_cause(self, note_id: NoteId) -> str | None:
        """Return why the note was changed last; None where it never was."""

    async def page_of_steps(self, note_id: NoteId, *, skip: int, limit: int) -> Sequence[Revision]:
        """Return the texts before the *limit* newest steps but for *skip*, oldest first.

        A version is the last that was replaced: where names were carried over an edit, the one that the edit made.
        """

    async def written_by(self, notebook: NotebookId, task_id: TaskId) -> Sequence[Note]:
        """Return the notes that the task changed, by their numbers."""

    async def page(
        self, notebook: NotebookId, *, before: NoteId | None = None, skip: int = 0, limit: int
    ) -> Sequence[Note]:
        """Return notes, newest first, without the first *skip*: those older than *before*, where it is given."""

    async def page_after(self, notebook: NotebookId, *, after: NoteId, limit: int) -> Sequence[Note]:
        """Return the *limit* notes that are next newer than *after*, oldest first."""

    async def delete(self, note_id: NoteId, at: float) -> None:
        """Put the note away."""

    async def restore(self, notebook: NotebookId, note_id: NoteId, since: float) -> bool:
        """Take back a note that was put away at *since* or later; False where there is none."""

    async def put_away(self, notebook: NotebookId, note_id: NoteId, since: float) -> bool:
        """Whether the note was put away at *since* or later, and is so still."""

    async def purge(self, before: float) -> None:
        """Delete for good what was put away earlier than *before*."""


class Facts(Protocol):
    """What is known of torrents, whoever said so."""

    async def of(self, notebook: NotebookId, torrents: Collection[TorrentId]) -> Mapping[TorrentId, Known]:
        """Return, for those torrents of which it is known, what is known of one that answers them.

        The name is the one that people of the *notebook* chose, where they did.
        """

    async def files(self, torrent: TorrentId, *, skip: int, limit: int) -> Sequence[FileEntry]:
        """Return the files of that of which `of` tells, in the torrent's own order, without the first *skip*."""

    async def asked_for(self, notebook: NotebookId, info_hash: InfoHash) -> bool:
        """Whether a task of the notebook has the torrent; a verified hybrid answers to both of its hashes."""


class Words(Protocol):
    """The index by which notes are found. Notes and names keep it true by themselves."""

    async def search(
        self,
        notebook: NotebookId,
        words: Sequence[str],
        *,
        before: NoteId | None = None,
        after: NoteId | None = None,
        skip: int = 0,
        limit: int,
    ) -> Sequence[NoteId]:
        """Return notes that have all *words*, newest first: the newest of all, or of those older than *before*.

        Without the first *skip*. With *after*: those newer than it, and of them the oldest.
        """

    async def known(self, note_ids: Collection[NoteId]) -> Mapping[NoteId, Sequence[str]]:
        """Return, by note, what it is found by that is known of its torrents: names, hashes, and paths of files."""


class Notebooks(Protocol):
    """Which notebook a door (a chat's address, or ``local``) opens."""

    async def behind(self, door: str) -> NotebookId | None:
        """Return the notebook that *door* opens."""

    async def open(self, door: str, at: float) -> NotebookId:
        """Return the notebook that *door* opens; a new one at its first use."""

    async def languages(self) -> Mapping[str, str]:
        """Return the language that was chosen for each door that has one."""

    async def speak(self, door: str, language: str | None) -> None:
        """Store the language that was chosen for *door*, which is open; None: no more than each person's own."""

    async def move(self, door: str, became: str) -> bool:
        """Let *became* open what *door* opens, unless there are notes in what it opened before; return whether so.

        It has then the language that was chosen for *door*, unless it has its own.
        """

    async def doors_of(self, notebook: NotebookId) -> Sequence[str]:
        """Return the doors that open the notebook."""

    async def join(self, notebook: NotebookId, into: NotebookId) -> None:
        """Let all that is in *notebook*, and its doors, be the other's; there is no such notebook then.

        Of two readings of a name that were chosen in both, the later one counts.
        """


class People(Protocol):
    """The people and chats that were let in from a chat, beside those of the settings."""

    async def everybody(self) -> Sequence[LetIn]:
        """Return all that are stored here, in the order in which they were let in."""

    async def put(self, one: LetIn) -> None:
        """Let in one that has a time; it replaces what the same one was before."""

    async def remove(self, who: str) -> None:
        """Forget *who*, a person or a chat."""

    async def moved(self) -> Mapping[str, str]:
        """Return what chats have become, by their old names."""

    async def move(self, door: str, became: str, at: float) -> None:
        """Store that a chat has become another: its door is that one's from now on. It must be the first time."""


class NotebookTx(Protocol):
    """One transaction, as the notebook sees it."""

    @property
    def answers(self) -> Answers: ...
    @property
    def notes(self) -> Notes: ...
    @property
    def facts(self) -> Facts: ...
    @property
    def words(self) -> Words: ...
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

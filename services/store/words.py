"""The index of words by which notes are found. Whoever writes notes or names keeps it true: see `WordRows.refresh`."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from services.notebook.words import notebook_word, query, words_of
from services.store import codec
from services.store.statements import Statements
from services.torrents import NotebookId, NoteId, TorrentId

_MOST_FILES = 2000  # of one torrent


class WordRows:
    """See `services.notebook.ports.Words`."""

    def __init__(self, statements: Statements) -> None:
        self._run = statements

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
        asked = query(notebook, words)
        if after is not None:
            rows = await self._run.all("search_newer_notes", query=asked, after=after, limit=limit)
            return [NoteId(row["rowid"]) for row in reversed(rows)]
        rows = await self._run.all("search_notes", query=asked, before=before, skip=skip, limit=limit)
        return [NoteId(row["rowid"]) for row in rows]

    async def refresh(self, note_ids: Iterable[NoteId]) -> None:
        """Index these notes as they are now; those that are not there (any more) are forgotten."""
        note_ids = list(note_ids)
        ids = codec.dump(note_ids)
        known = await self.known(note_ids)
        notes = await self._run.all("note_texts", ids=ids)
        await self._run.one("forget_words", ids=ids)
        await self._run.many(
            "insert_words",
            [
                {
                    "id": row["id"],
                    "notebook": notebook_word(NotebookId(row["notebook_id"])),
                    "words": words_of(row["text"], known.get(NoteId(row["id"]), ())),
                }
                for row in notes
            ],
        )

    async def refresh_having(self, torrents: Sequence[TorrentId]) -> None:
        """Index anew the notes that have one of *torrents*, in any notebook: something new is known of them."""
        hashes = [one.hex for torrent in torrents for one in torrent.hashes]
        rows = await self._run.all("notes_with_hashes", hashes=codec.dump(hashes))
        if rows:
            await self.refresh(NoteId(row["note_id"]) for row in rows)

    async def known(self, note_ids: Collection[NoteId]) -> Mapping[NoteId, Sequence[str]]:
        known: dict[NoteId, list[str]] = defaultdict(list)
        files: dict[int, list[str]] = defaultdict(list)
        names = await self._run.all("names_in_notes", ids=codec.dump(list(note_ids)))
        if not names:
            return known
        name_ids = codec.dump(sorted({row["name_id"] for row in names}))
        for row in await self._run.all("first_files", ids=name_ids, most=_MOST_FILES):
            files[row["name_id"]].append(row["path"])
        for row in names:
            # A claimed pair may be two torrents'.
            hashes = filter(None, (row["v1"], row["v2"])) if row["verified"] else ()
            known[NoteId(row["note_id"])] += [row["name"], *hashes]
        for row in names:  # behind all names: there may be too many
            known[NoteId(row["note_id"])] += files[row["name_id"]]
        return known

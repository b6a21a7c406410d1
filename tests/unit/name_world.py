"""Notes whose names people decide about, on a hand-moved clock."""

from handlers.cards import card
from handlers.outgoing import Message
from services.calibration.choice import Choice
from services.calibration.manager import AsyncCalibrationManager
from services.calibration.task import Item, NoteRequest
from services.decoding import decode
from services.i18n import ENGLISH
from services.magnets.parse import find_magnets
from services.notebook.note import Cause, Change, Note
from services.store.store import Store
from services.torrents import FileEntry, NotebookId, NoteId, PersonId, TaskId, TorrentId, TorrentInfo
from tests.fake_clock import FakeClock
from tests.unit.fakes import FakeEngine, torrent

ALICE, BOB = PersonId("tg:1"), PersonId("tg:2")
TRUE = "三國演義"
RAW = TRUE.encode("big5")


def link(word: str, name: str = "") -> str:
    return f"magnet:?xt=urn:btih:{torrent(word).shown}" + (f"&dn={name}" if name else "")


class World:
    def __init__(self, store: Store, notebook: NotebookId, clock: FakeClock, engine: FakeEngine) -> None:
        self.store, self.notebook, self.clock, self.engine = store, notebook, clock, engine

    async def add(
        self, text: str, *words: str, notebook: NotebookId | None = None, origin: str | None = None
    ) -> NoteId:
        return await self.insert(text, *map(torrent, words), notebook=notebook, origin=origin)

    async def insert(
        self, text: str, *torrents: TorrentId, notebook: NotebookId | None = None, origin: str | None = None
    ) -> NoteId:
        note = Note(
            id=NoteId(0), notebook=notebook or self.notebook, text=text, version=1, origin=origin, person=ALICE,
            created_at=1.0, changed_at=1.0,
        )  # fmt: skip
        return await self.store.write(lambda tx: tx.notes.insert(note, torrents))

    async def note(self, note_id: NoteId, notebook: NotebookId | None = None) -> Note:
        note = await self.store.read(lambda tx: tx.notes.get(notebook or self.notebook, note_id))
        assert note is not None
        return note

    async def text(self, note_id: NoteId) -> str:
        return (await self.note(note_id)).text

    async def edit(self, note_id: NoteId, text: str, person: PersonId, *, apart: bool = False) -> None:
        note = await self.note(note_id)
        edit = Change(cause=Cause.EDIT, person=person, task_id=None, at=self.clock.now(), apart=apart)
        assert await self.store.write(lambda tx: tx.notes.replace_text(note, text, edit))
        typed = {one.torrents[0] for one in find_magnets(text)}
        await self.store.write(lambda tx: tx.notes.mark_typed(note_id, typed, edit.at))

    async def pin(self, note_id: NoteId, word: str) -> None:
        await self.store.write(lambda tx: tx.notes.pin(note_id, [torrent(word)], 1.0))

    async def calibrate(
        self, manager: AsyncCalibrationManager, *notes: NoteId, notebook: NotebookId | None = None, named: bool = True
    ) -> TaskId:
        task_id = await manager.submit_task(
            request=NoteRequest(notes, named=notes if named else ()), notebook=notebook or self.notebook,
            asked_by=ALICE, cause="command",
        )  # fmt: skip
        await self.clock.advance(5)
        return task_id

    async def choose(
        self,
        manager: AsyncCalibrationManager,
        task_id: TaskId,
        encoding: str,
        *,
        position: int = 0,
        key: str | None = None,
    ) -> None:
        await manager.choose_name(
            Choice(task_id, position, encoding), notebook=self.notebook, asked_by=BOB, request_key=key
        )

    async def shown(self, manager: AsyncCalibrationManager, task_id: TaskId) -> Message:
        snapshot = await manager.get_task_status(task_id)
        assert snapshot is not None
        return card(snapshot, snapshot.task.state, self.clock.now(), ENGLISH)

    async def item(self, manager: AsyncCalibrationManager, task_id: TaskId) -> Item:
        return (await manager.list_items(task_id))[0]


def labels(message: Message) -> list[str]:
    return [one.text for row in (message.keyboard.inline_keyboard if message.keyboard else ()) for one in row]


def guessed(word: str = "guess", raw: bytes = RAW, *, verified: bool = True) -> TorrentInfo:
    return TorrentInfo(
        torrent=torrent(word), name=decode(raw), size=1, files=(FileEntry("a", 1),), source="swarm", verified=verified
    )

"""What a .torrent that somebody sent teaches, on a hand-moved clock; and what counts as one."""

import pytest
from telegram import Document

from handlers.cards import card
from handlers.incoming import is_torrent_file
from services.calibration.manager import AsyncCalibrationManager
from services.calibration.task import FROM_FILE, NoteRequest, Snapshot, State, is_left_of
from services.errors import AllUndone, NoteNotFound, NothingToLookUp, ShuttingDown
from services.i18n import ENGLISH
from services.magnets.rewrite import magnet_link
from services.store.codec import request_from_json, request_to_json
from services.store.store import Store
from services.torrents import Hints, InfoHash, NotebookId, NoteId, TaskId, TorrentId
from tests.fake_clock import FakeClock, settle
from tests.unit.conftest import Run
from tests.unit.fakes import FakeEngine, hashes, info_of, torrent
from tests.unit.test_async_calibration_manager import BOB, note_with, status, submit, text_of

V2 = InfoHash(64 * "e")


def magnet(word: str, *, dn: str = "") -> str:
    return f"magnet:?xt=urn:btih:{torrent(word).v1}{dn}"


def only(*notes: NoteId, word: str = "sent") -> NoteRequest:
    return NoteRequest(notes, torrents=(torrent(word),))


async def ended(manager: AsyncCalibrationManager, task_id: TaskId, clock: FakeClock) -> Snapshot:
    await settle()
    snapshot = await status(manager, task_id)
    assert snapshot.task.state is State.COMPLETED
    return snapshot


async def test_whatever_waits_for_a_name_that_is_learned_ends_with_it_and_its_lookup_is_left(
    run: Run, engine: FakeEngine, clock: FakeClock, store: Store, notebook: NotebookId
) -> None:
    note = await note_with(store, notebook, magnet("sent"), torrent("sent"))
    async with run(max_workers=1) as manager:
        running = await submit(manager, notebook, NoteRequest((note,)))
        pending = await submit(manager, notebook, hashes("other", "sent"), asked_by=BOB)
        await clock.advance(2)
        assert torrent("sent") in engine.running
        await manager.learn(info_of(torrent("sent"), "Sent.mkv"))
        snapshot = await ended(manager, running, clock)
        assert snapshot.first.corrected == (note,)
        assert await text_of(store, notebook, note) == magnet("sent", dn="&dn=Sent.mkv")
        assert (await status(manager, pending)).counts == {State.COMPLETED: 1, State.RUNNING: 1}
        assert list(engine.running) == [torrent("other")], "its slot is free"


async def test_a_hybrid_that_is_learned_serves_those_who_wait_for_either_hash(
    run: Run, clock: FakeClock, notebook: NotebookId
) -> None:
    v1 = torrent("sent")
    async with run() as manager:
        waiting = await submit(manager, notebook, hashes("sent"))
        await clock.advance(2)
        await manager.learn(info_of(TorrentId(v1.v1, V2), "Sent.mkv"))
        await ended(manager, waiting, clock)


async def test_a_guess_that_is_learned_is_written_into_no_note(
    run: Run, clock: FakeClock, store: Store, notebook: NotebookId
) -> None:
    note = await note_with(store, notebook, magnet("sent"), torrent("sent"))
    async with run() as manager:
        await manager.learn(info_of(torrent("sent"), "Sent.mkv", certain=False))
        await ended(manager, await submit(manager, notebook, only(note)), clock)
        assert await text_of(store, notebook, note) == magnet("sent")


async def test_nothing_is_learned_once_the_manager_is_closed(run: Run, store: Store) -> None:
    async with run() as manager:
        pass
    with pytest.raises(ShuttingDown):
        await manager.learn(info_of(torrent("sent"), "Sent.mkv"))
    assert not await store.read(lambda tx: tx.names.verified([torrent("sent")]))


async def test_a_request_for_some_torrents_of_notes_looks_up_and_writes_these_alone(
    run: Run, engine: FakeEngine, clock: FakeClock, store: Store, notebook: NotebookId
) -> None:
    text = f"{magnet('sent')}&tr=http://a/\n{magnet('beside')}"
    note = await note_with(store, notebook, text, torrent("sent"), torrent("beside"))
    async with run() as manager:
        await manager.learn(info_of(torrent("sent"), "Sent.mkv"))
        snapshot = await ended(manager, await submit(manager, notebook, only(note)), clock)
        assert (snapshot.total, snapshot.written.standing) == (1, (note,))
        assert snapshot.first.hints == Hints(("http://a/",))
        assert not engine.calls
    written = f"{magnet('sent')}&dn=Sent.mkv&tr=http://a/\n{magnet('beside')}"
    assert await text_of(store, notebook, note) == written


async def test_links_with_either_hash_of_a_hybrid_are_one_item(
    run: Run, clock: FakeClock, store: Store, notebook: NotebookId
) -> None:
    v1, hybrid = torrent("sent"), TorrentId(torrent("sent").v1, V2)
    first = await note_with(store, notebook, magnet("sent"), v1)
    second = await note_with(store, notebook, f"magnet:?xt=urn:btmh:1220{V2}", TorrentId.of(V2))
    async with run() as manager:
        await manager.learn(info_of(hybrid, "Sent.mkv"))
        request = NoteRequest((first, second), torrents=(hybrid,))
        snapshot = await ended(manager, await submit(manager, notebook, request), clock)
        assert (snapshot.total, set(snapshot.written.standing)) == (1, {first, second})


async def test_a_request_for_a_torrent_that_no_note_has_is_refused(
    run: Run, store: Store, notebook: NotebookId
) -> None:
    foreign = f"{magnet('sent')}&xt=urn:btmh:1220{'f' * 64}"
    note = await note_with(store, notebook, foreign, torrent("sent"))
    async with run() as manager:
        with pytest.raises(NothingToLookUp):
            await submit(manager, notebook, NoteRequest((note,), torrents=(TorrentId(torrent("sent").v1, V2),)))
        with pytest.raises(NoteNotFound):
            await submit(manager, notebook, only(NoteId(99)))


async def test_what_was_undone_of_that_torrent_stays_so_whatever_else_is_in_the_note(
    run: Run, clock: FakeClock, store: Store, notebook: NotebookId
) -> None:
    text = f"{magnet('sent')}\n{magnet('beside')}"
    note = await note_with(store, notebook, text, torrent("sent"), torrent("beside"))
    await store.write(lambda tx: tx.notes.pin(note, [torrent("sent")], at=0.0))
    async with run() as manager:
        await manager.learn(info_of(torrent("sent"), "Sent.mkv"))
        with pytest.raises(AllUndone):
            await submit(manager, notebook, only(note))
    assert await text_of(store, notebook, note) == text


def test_a_request_for_some_torrents_is_stored_and_read_and_is_no_other_one() -> None:
    some, all_ = NoteRequest((NoteId(1),), torrents=(TorrentId(torrent("sent").v1, V2),)), NoteRequest((NoteId(1),))
    for one in (some, all_):
        assert request_from_json(request_to_json(one)) == one
    assert request_from_json('{"notes":[1],"named":[]}') == all_, "as it was stored before"
    assert not is_left_of(some, all_)


async def test_the_card_of_a_torrent_that_was_in_no_note_says_how_to_keep_it(
    run: Run, clock: FakeClock, notebook: NotebookId
) -> None:
    async with run() as manager:
        await manager.learn(info_of(torrent("sent"), "Sent.mkv"))
        for cause, told in ((FROM_FILE, True), ("command", False)):
            request, me = hashes("sent"), BOB
            task_id = await manager.submit_task(request=request, notebook=notebook, asked_by=me, cause=cause)
            shown = card(await ended(manager, task_id, clock), State.COMPLETED, clock.now(), ENGLISH)
            assert ("To keep it, reply to the file with /save." in shown.html) is told


def test_a_magnet_without_a_name_has_its_hashes_alone() -> None:
    both = TorrentId(torrent("sent").v1, V2)
    assert magnet_link(both, None, Hints()) == f"magnet:?xt=urn:btih:{both.v1}&xt=urn:btmh:1220{V2}"


@pytest.mark.parametrize(
    ("name", "mime_type", "is_one"),
    [
        ("a.torrent", None, True),
        ("A.TORRENT", "application/octet-stream", True),
        ("a", "application/x-bittorrent", True),
        (None, "application/x-bittorrent", True),
        ("torrent", None, False),
        ("a.torrent.txt", "text/plain", False),
        (None, None, False),
    ],
)
def test_a_torrent_file_is_told_by_the_end_of_its_name_or_its_type(
    name: str | None, mime_type: str | None, is_one: bool
) -> None:
    assert is_torrent_file(Document("a", "a", file_name=name, mime_type=mime_type)) is is_one

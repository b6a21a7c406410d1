"""What the manager promises, on a hand-moved clock."""

import asyncio
import threading
from collections.abc import Awaitable, Callable

import pytest

from services.calibration.apply import Failed, apply_told
from services.calibration.follower import NewFollower
from services.calibration.manager import AsyncCalibrationManager
from services.calibration.ports import CalibrationResult, LookupRequest, Tx
from services.calibration.task import CalibrationRequest, NoteRequest, Snapshot, State
from services.errors import (
    CannotCancel,
    CannotRetry,
    NotAllowed,
    NoteNotFound,
    NotFound,
    NothingToLookUp,
    ShuttingDown,
    TaskNotFound,
)
from services.notebook.note import Note
from services.store.store import Store
from services.torrents import Hints, InfoHash, NotebookId, NoteId, PersonId, Progress, Step, TaskId, TorrentId
from tests.fake_clock import FakeClock, settle
from tests.unit.conftest import Run
from tests.unit.fakes import FakeEngine, hashes, info_of, torrent

ALICE, BOB = PersonId("tg:1"), PersonId("tg:2")


def submit(
    manager: AsyncCalibrationManager,
    notebook: NotebookId,
    request: CalibrationRequest,
    *,
    asked_by: PersonId = ALICE,
    follower: NewFollower | None = None,
    key: str | None = None,
) -> Awaitable[TaskId]:
    return manager.submit_task(
        request=request, notebook=notebook, asked_by=asked_by, cause="command", follower=follower, request_key=key
    )


async def status(manager: AsyncCalibrationManager, task_id: TaskId) -> Snapshot:
    snapshot = await manager.get_task_status(task_id)
    assert snapshot is not None
    return snapshot


async def note_with(store: Store, notebook: NotebookId, text: str, *torrents: TorrentId) -> NoteId:
    note = Note(
        id=NoteId(0),
        notebook=notebook,
        text=text,
        version=1,
        origin=None,
        person=ALICE,
        created_at=0.0,
        changed_at=0.0,
    )
    return await store.write(lambda tx: tx.notes.insert(note, torrents))


async def text_of(store: Store, notebook: NotebookId, note_id: NoteId) -> str:
    note = await store.read(lambda tx: tx.notes.get(notebook, note_id))
    assert note is not None
    return note.text


# The four of the first design.


async def test_submit_task_completes_success(
    run: Run, engine: FakeEngine, clock: FakeClock, notebook: NotebookId
) -> None:
    engine.knows("debian", "debian.iso")
    async with run() as manager:
        task_id = await submit(manager, notebook, hashes("debian"))
        assert (await status(manager, task_id)).task.state is State.PENDING
        await settle()
        assert (await status(manager, task_id)).task.state is State.RUNNING
        await clock.advance(1)
        snapshot = await status(manager, task_id)
        assert snapshot.task.state is State.COMPLETED
        assert snapshot.counts == {State.COMPLETED: 1}
        assert snapshot.first.found is not None
        assert snapshot.first.found.name.text == "debian.iso"
        assert snapshot.first.found.file_count == 2
        assert snapshot.task.completed_at == clock.now()


async def test_task_failure_sets_error(run: Run, engine: FakeEngine, clock: FakeClock, notebook: NotebookId) -> None:
    engine.knows("gone", NotFound(reason="no such torrent"))
    async with run() as manager:
        task_id = await submit(manager, notebook, hashes("gone"))
        await clock.advance(1)
        snapshot = await status(manager, task_id)
        assert snapshot.task.state is State.FAILED
        assert snapshot.first.failure == Step("not_found", {"reason": "no such torrent"})
        assert snapshot.first.found is None


async def test_task_result_ttl_cleanup(run: Run, engine: FakeEngine, clock: FakeClock, notebook: NotebookId) -> None:
    engine.knows("debian", "debian.iso")
    async with run(task_ttl_seconds=100) as manager:
        task_id = await submit(manager, notebook, hashes("debian"))
        await clock.advance(1)
        await clock.advance(100)
        assert await manager.get_task_status(task_id) is not None
        assert await manager.cleanup_old_tasks() == 0
        await clock.advance(1)
        assert await manager.get_task_status(task_id) is None
        assert await manager.cleanup_old_tasks() == 1


async def test_max_concurrency_respected(run: Run, engine: FakeEngine, clock: FakeClock, notebook: NotebookId) -> None:
    engine.delay = 10
    words = ["a", "b", "c", "d", "e"]
    for word in words:
        engine.knows(word, f"{word}.iso")
    async with run(max_workers=2) as manager:
        tasks = [await submit(manager, notebook, hashes(word)) for word in words]
        await clock.advance(25)  # two waves of 10 s are over, the third is half way
        states = [(await status(manager, task)).task.state for task in tasks]
        assert states == [State.COMPLETED] * 4 + [State.RUNNING]
    assert engine.most_at_once == 2


async def test_the_default_is_five_at_once(run: Run, engine: FakeEngine, notebook: NotebookId) -> None:
    async with run() as manager:
        await submit(manager, notebook, hashes(*map(str, range(20))))
        await settle()
        assert len(engine.running) == 5


# Kinds of functions.


async def test_an_async_function_is_enough(run: Run, clock: FakeClock, notebook: NotebookId) -> None:
    async def find(lookup: LookupRequest, progress: Progress) -> CalibrationResult:
        return CalibrationResult(info_of(lookup.torrent, "x"))

    async with run(find) as manager:
        task_id = await submit(manager, notebook, hashes("x"))
        await settle()
        assert (await status(manager, task_id)).task.state is State.COMPLETED


async def test_an_async_function_that_hangs_is_timed_out(run: Run, clock: FakeClock, notebook: NotebookId) -> None:
    async def hang(lookup: LookupRequest, progress: Progress) -> CalibrationResult:
        await asyncio.Event().wait()
        raise AssertionError

    async with run(hang, timeout=30) as manager:
        task_id = await submit(manager, notebook, hashes("x"))
        await clock.advance(30)
        assert (await status(manager, task_id)).first.failure == Step("timed_out")


async def test_an_ordinary_function_runs_in_a_thread_and_holds_its_slot_until_the_thread_ends(
    run: Run, clock: FakeClock, notebook: NotebookId
) -> None:
    begun, may_end = threading.Semaphore(0), threading.Event()
    names = []

    def slow(lookup: LookupRequest, progress: Progress) -> CalibrationResult:
        names.append(threading.current_thread().name)
        progress.report(Step("asking", {"trackers": 2}))
        begun.release()
        may_end.wait()
        return CalibrationResult(info_of(lookup.torrent, "late.iso"))

    async with run(slow, max_workers=1, timeout=30) as manager:
        first = await submit(manager, notebook, hashes("first"))
        await asyncio.to_thread(begun.acquire)
        await settle()
        assert (await status(manager, first)).progress == Step("asking", {"trackers": 2})
        second = await submit(manager, notebook, hashes("second"))
        await clock.advance(30)
        assert (await status(manager, first)).task.state is State.FAILED
        assert (await status(manager, second)).task.state is State.PENDING, "the thread still holds the only slot"
        assert len(names) == 1
        may_end.set()
        await asyncio.to_thread(begun.acquire)
        await settle()
        assert (await status(manager, second)).task.state in {State.RUNNING, State.COMPLETED}
        assert (await status(manager, first)).task.state is State.FAILED, "what came too late changes no end"
    assert names[0].startswith("calibration")


async def test_a_bug_in_the_function_fails_its_task_and_no_other(
    run: Run, engine: FakeEngine, clock: FakeClock, notebook: NotebookId
) -> None:
    engine.knows("bug", ZeroDivisionError("secret detail"))
    engine.knows("fine", "fine.iso")
    async with run() as manager:
        broken = await submit(manager, notebook, hashes("bug"))
        fine = await submit(manager, notebook, hashes("fine"))
        await clock.advance(1)
        assert (await status(manager, broken)).first.failure == Step("internal")
        assert (await status(manager, fine)).task.state is State.COMPLETED


async def test_a_verified_answer_for_another_torrent_is_refused(
    run: Run, engine: FakeEngine, clock: FakeClock, notebook: NotebookId
) -> None:
    engine.knows("asked", info_of(torrent("other"), "other.iso"))
    async with run() as manager:
        task_id = await submit(manager, notebook, hashes("asked"))
        await clock.advance(1)
        snapshot = await status(manager, task_id)
        assert snapshot.first.failure is not None
        assert snapshot.first.failure.code == "not_found"


# Time-outs and verdicts.


@pytest.mark.parametrize(
    ("evidence", "code"),
    [
        ({"trackers": 2, "trackers_answered": 2, "dht_nodes": 0, "peers": 4}, "slow"),
        ({"trackers": 2, "trackers_answered": 1, "dht_nodes": 0, "peers": 0}, "dead"),
        ({"trackers": 0, "trackers_answered": 0, "dht_nodes": 9, "peers": 0}, "dead"),
        ({"trackers": 2, "trackers_answered": 0, "dht": 1, "dht_nodes": 0, "peers": 0}, "cut_off"),
    ],
)
async def test_a_time_out_is_judged_by_the_last_evidence(
    evidence: dict[str, int], code: str, run: Run, engine: FakeEngine, clock: FakeClock, notebook: NotebookId
) -> None:
    engine.evidence = Step("asking", evidence)
    async with run(timeout=60) as manager:
        task_id = await submit(manager, notebook, hashes("x"))
        await clock.advance(59)
        assert (await status(manager, task_id)).task.state is State.RUNNING
        await clock.advance(1)
        snapshot = await status(manager, task_id)
        assert snapshot.task.state is State.FAILED
        assert snapshot.first.failure is not None
        assert snapshot.first.failure.code == code
        assert not engine.running


async def test_time_runs_from_an_items_own_running_not_from_the_line(
    run: Run, engine: FakeEngine, clock: FakeClock, notebook: NotebookId
) -> None:
    async with run(max_workers=1, timeout=60) as manager:
        await submit(manager, notebook, hashes("first"))
        second = await submit(manager, notebook, hashes("second"))
        await clock.advance(119)
        assert (await status(manager, second)).task.state is State.RUNNING
        await clock.advance(1)
        assert (await status(manager, second)).task.state is State.FAILED


async def test_one_who_joins_late_has_its_full_time(
    run: Run, engine: FakeEngine, clock: FakeClock, notebook: NotebookId
) -> None:
    async with run(timeout=60) as manager:
        early = await submit(manager, notebook, hashes("x"), asked_by=ALICE)
        await clock.advance(40)
        late = await submit(manager, notebook, hashes("x"), asked_by=BOB)
        await clock.advance(20)
        assert (await status(manager, early)).task.state is State.FAILED
        assert (await status(manager, late)).task.state is State.RUNNING
        engine.running[torrent("x")].report(Step("asking", {"trackers": 1, "trackers_answered": 1}))
        await clock.advance(40)
        assert (await status(manager, late)).task.state is State.FAILED
        assert engine.calls[torrent("x")] == 1


async def test_a_remote_lookup_is_pending_until_a_worker_takes_it(
    run: Run, engine: FakeEngine, clock: FakeClock, notebook: NotebookId
) -> None:
    engine.starts_at_once = False
    async with run(timeout=60) as manager:
        task_id = await submit(manager, notebook, hashes("x"))
        await clock.advance(500)
        assert (await status(manager, task_id)).task.state is State.PENDING
        engine.running[torrent("x")].started()
        await settle()
        assert (await status(manager, task_id)).task.state is State.RUNNING
        await clock.advance(60)
        assert (await status(manager, task_id)).task.state is State.FAILED


# Joining, names that are known, hints.


async def test_the_same_request_under_way_gives_that_task_a_follower_more_and_its_hints(
    run: Run, engine: FakeEngine, store: Store, notebook: NotebookId
) -> None:
    async with run() as manager:
        a = Hints(trackers=("http://a/",))
        b = Hints(trackers=("http://b/",), peers=(("192.0.2.1", 6881),))
        first = await submit(manager, notebook, hashes("x", hints=a), follower=NewFollower(address="tg:1", reply_to=1))
        await settle()
        second = await submit(manager, notebook, hashes("x", hints=b), follower=NewFollower(address="tg:1", reply_to=2))
        await settle()
        assert first == second
        assert len(await store.read(lambda tx: tx.followers.of(first))) == 2
        assert engine.hints[torrent("x")] == a.merged(b)
        assert (await status(manager, first)).first.hints == a.merged(b)
        assert engine.calls[torrent("x")] == 1


async def test_other_people_get_tasks_of_their_own_and_share_the_lookup(
    run: Run, engine: FakeEngine, clock: FakeClock, notebook: NotebookId
) -> None:
    engine.knows("x", "x.iso")
    async with run() as manager:
        alice = await submit(manager, notebook, hashes("x"), asked_by=ALICE)
        bob = await submit(manager, notebook, hashes("x", "y"), asked_by=BOB)
        assert alice != bob
        await clock.advance(1)
        assert (await status(manager, alice)).task.state is State.COMPLETED
        assert (await status(manager, bob)).counts == {State.COMPLETED: 1, State.RUNNING: 1}
        assert engine.calls[torrent("x")] == 1


async def test_a_verified_name_is_final_and_needs_no_lookup(
    run: Run, engine: FakeEngine, clock: FakeClock, notebook: NotebookId
) -> None:
    engine.knows("x", "x.iso")
    async with run(max_workers=1) as manager:
        await submit(manager, notebook, hashes("x"))
        await clock.advance(1)
        await submit(manager, notebook, hashes("blocks the only slot"))
        await settle()
        again = await submit(manager, notebook, hashes("x"))
        seen = [(await status(manager, again)).task.state]
        await settle()
        snapshot = await status(manager, again)
        assert seen == [State.PENDING]
        assert snapshot.task.state is State.COMPLETED
        assert snapshot.task.started_at is not None
        assert engine.calls[torrent("x")] == 1


async def test_a_claimed_name_is_looked_up_again(
    run: Run, engine: FakeEngine, clock: FakeClock, notebook: NotebookId
) -> None:
    engine.knows("x", info_of(torrent("x"), "claimed.iso", verified=False))
    async with run() as manager:
        await submit(manager, notebook, hashes("x"))
        await clock.advance(1)
        engine.knows("x", "true.iso")
        again = await submit(manager, notebook, hashes("x"))
        await clock.advance(1)
        snapshot = await status(manager, again)
        assert snapshot.first.found is not None
        assert snapshot.first.found.name.text == "true.iso"
        assert snapshot.first.found.verified


async def test_a_hybrids_name_serves_those_who_wait_for_either_hash_but_not_a_foreign_pair(
    run: Run, engine: FakeEngine, clock: FakeClock, notebook: NotebookId
) -> None:
    v1, v2, foreign = InfoHash("1" * 40), InfoHash("2" * 64), InfoHash("3" * 64)
    pair = TorrentId(v1, v2)
    engine.names[TorrentId(v1)] = info_of(pair, "hybrid.iso")
    async with run() as manager:
        from_v1 = await submit(manager, notebook, _request(TorrentId(v1)))
        from_v2 = await submit(manager, notebook, _request(TorrentId(v2=v2)))
        from_pair = await submit(manager, notebook, _request(pair))
        wrong = await submit(manager, notebook, _request(TorrentId(v1, foreign)))
        await clock.advance(1)
        for task_id in (from_v1, from_v2, from_pair):
            snapshot = await status(manager, task_id)
            assert snapshot.first.found is not None
            assert snapshot.first.found.torrent == pair
        assert (await status(manager, wrong)).task.state is State.RUNNING
        assert set(engine.running) == {TorrentId(v1, foreign)}


def _request(asked: TorrentId) -> CalibrationRequest:
    from services.calibration.task import HashRequest  # noqa: PLC0415

    return HashRequest(((asked, Hints()),))


async def test_a_lookup_that_is_ending_is_not_joined(
    run: Run, engine: FakeEngine, clock: FakeClock, notebook: NotebookId
) -> None:
    engine.lingers = asyncio.Event()
    async with run() as manager:
        first = await submit(manager, notebook, hashes("x"))
        await settle()
        await manager.cancel_task(first, notebook=notebook, asked_by=ALICE)
        second = await submit(manager, notebook, hashes("x"))
        await settle()
        assert second != first
        assert engine.calls[torrent("x")] == 1, "the next begins when the one before is gone"
        engine.lingers.set()
        await settle()
        assert engine.calls[torrent("x")] == 2


# Cancel and retry.


async def test_a_cancel_ends_the_lookup_when_the_last_one_leaves(
    run: Run, engine: FakeEngine, clock: FakeClock, notebook: NotebookId
) -> None:
    async with run() as manager:
        alice = await submit(manager, notebook, hashes("x"), asked_by=ALICE)
        bob = await submit(manager, notebook, hashes("x"), asked_by=BOB)
        await settle()
        await manager.cancel_task(alice, notebook=notebook, asked_by=ALICE)
        assert (await status(manager, alice)).task.state is State.CANCELLED
        await settle()
        assert engine.running
        await manager.cancel_task(bob, notebook=notebook, asked_by=BOB)
        await settle()
        assert not engine.running


async def test_a_cancelled_task_keeps_the_names_that_it_found(
    run: Run, engine: FakeEngine, clock: FakeClock, notebook: NotebookId
) -> None:
    engine.knows("found", "found.iso")
    async with run() as manager:
        task_id = await submit(manager, notebook, hashes("found", "lost"))
        await clock.advance(1)
        await manager.cancel_task(task_id, notebook=notebook, asked_by=ALICE)
        snapshot = await status(manager, task_id)
        assert snapshot.task.state is State.CANCELLED
        assert snapshot.counts == {State.COMPLETED: 1, State.CANCELLED: 1}


async def test_cancel_and_retry_refuse_strangers_foreign_notebooks_and_what_cannot_be(
    run: Run, engine: FakeEngine, store: Store, clock: FakeClock, notebook: NotebookId
) -> None:
    engine.knows("x", "x.iso")
    other = await store.write(lambda tx: tx.notebooks.open("tg:2", clock.now()))
    async with run() as manager:
        task_id = await submit(manager, notebook, hashes("x"))
        with pytest.raises(NotAllowed):
            await manager.cancel_task(task_id, notebook=notebook, asked_by=BOB)
        with pytest.raises(TaskNotFound):
            await manager.cancel_task(task_id, notebook=other, asked_by=ALICE)
        with pytest.raises(TaskNotFound):
            await manager.cancel_task(TaskId("nonsense"), notebook=notebook, asked_by=ALICE)
        with pytest.raises(CannotRetry):
            await manager.retry_task(task_id, notebook=notebook, asked_by=ALICE)
        await clock.advance(1)
        with pytest.raises(CannotCancel):
            await manager.cancel_task(task_id, notebook=notebook, asked_by=ALICE)
        with pytest.raises(CannotRetry):
            await manager.retry_task(task_id, notebook=notebook, asked_by=ALICE)
        assert (await status(manager, task_id)).task.state is State.COMPLETED


async def test_an_administrator_cancels_everyones(run: Run, engine: FakeEngine, notebook: NotebookId) -> None:
    async with run() as manager:
        task_id = await submit(manager, notebook, hashes("x"))
        await manager.cancel_task(task_id, notebook=notebook, asked_by=BOB, everyones=True)
        assert (await status(manager, task_id)).task.state is State.CANCELLED


async def test_a_retry_keeps_the_id_counts_an_attempt_and_looks_up_only_what_failed(
    run: Run, engine: FakeEngine, clock: FakeClock, notebook: NotebookId
) -> None:
    engine.knows("found", "found.iso")
    async with run(timeout=60) as manager:
        task_id = await submit(manager, notebook, hashes("found", "slow"))
        await clock.advance(60)
        assert (await status(manager, task_id)).task.state is State.COMPLETED
        assert (await status(manager, task_id)).can_retry
        engine.knows("slow", "slow.iso")
        await manager.retry_task(task_id, notebook=notebook, asked_by=ALICE)
        assert (await status(manager, task_id)).task.attempt == 2
        await clock.advance(1)
        snapshot = await status(manager, task_id)
        assert snapshot.counts == {State.COMPLETED: 2}
        assert not snapshot.can_retry
        assert engine.calls[torrent("found")] == 1


async def test_a_late_failure_of_an_earlier_attempt_does_not_touch_the_next(
    run: Run, engine: FakeEngine, clock: FakeClock, store: Store, notebook: NotebookId
) -> None:
    async with run() as manager:
        task_id = await submit(manager, notebook, hashes("x"))
        await settle()
        await manager.cancel_task(task_id, notebook=notebook, asked_by=ALICE)
        await manager.retry_task(task_id, notebook=notebook, asked_by=ALICE)
        await settle()
        late = Failed(Step("dead"), (((task_id, 0), 1),))
        await store.write(lambda tx: apply_told(tx, [late], clock.now()))
        assert (await status(manager, task_id)).task.state is State.RUNNING


# Notes.

LINK = "magnet:?xt=urn:btih:{}"


async def test_a_note_task_corrects_every_note_of_its_notebook_that_has_the_hash_and_a_hash_task_none(
    run: Run, engine: FakeEngine, clock: FakeClock, store: Store, notebook: NotebookId
) -> None:
    x = torrent("x")
    link = LINK.format(x.shown)
    other_notebook = await store.write(lambda tx: tx.notebooks.open("tg:2", clock.now()))
    one = await note_with(store, notebook, f"before {link} after", x)
    two = await note_with(store, notebook, f"{link}&dn=18", x)
    foreign = await note_with(store, other_notebook, link, x)
    engine.knows("x", "三体.mkv")
    engine.knows("y", "y")
    async with run() as manager:
        await submit(manager, notebook, hashes("x"))
        await clock.advance(1)
        assert await text_of(store, notebook, one) == f"before {link} after"
        task_id = await submit(manager, notebook, NoteRequest((one,)))
        await settle()
        encoded = "%E4%B8%89%E4%BD%93.mkv"
        assert await text_of(store, notebook, one) == f"before {link}&dn={encoded} after"
        assert await text_of(store, notebook, two) == f"{link}&dn={encoded}"
        assert await text_of(store, other_notebook, foreign) == link
        assert (await status(manager, task_id)).first.corrected == (one, two)
        assert [one.text for one in await store.read(lambda tx: tx.notes.revisions(two))] == [f"{link}&dn=18"]


@pytest.mark.parametrize("kind", ["claimed", "guessed", "empty", "overlong"])
async def test_a_name_that_is_not_sure_is_told_and_not_written(
    kind: str, run: Run, engine: FakeEngine, clock: FakeClock, store: Store, notebook: NotebookId
) -> None:
    x = torrent("x")
    name = {"empty": "", "overlong": "長" * 334}.get(kind, "name")
    engine.knows("x", info_of(x, name, verified=kind != "claimed", certain=kind != "guessed"))
    text = LINK.format(x.shown)
    note_id = await note_with(store, notebook, text, x)
    async with run() as manager:
        task_id = await submit(manager, notebook, NoteRequest((note_id,)))
        await clock.advance(1)
        snapshot = await status(manager, task_id)
        assert snapshot.task.state is State.COMPLETED
        assert snapshot.first.found is not None
        assert snapshot.first.found.name.text == name
        assert await text_of(store, notebook, note_id) == text


async def test_a_failure_is_filed_under_its_pair_alone(
    run: Run, engine: FakeEngine, clock: FakeClock, store: Store, notebook: NotebookId
) -> None:
    v1, foreign = InfoHash("1" * 40), InfoHash("3" * 64)
    good = await note_with(store, notebook, LINK.format(v1), TorrentId(v1))
    pair = await note_with(store, notebook, f"{LINK.format(v1)}&xt=urn:btmh:1220{foreign}", TorrentId(v1, foreign))
    engine.names[TorrentId(v1)] = "good.iso"
    async with run(timeout=10) as manager:
        await submit(manager, notebook, NoteRequest((good,)))
        await clock.advance(1)
        await submit(manager, notebook, NoteRequest((pair,)))
        await clock.advance(10)
    rows = await store.read(lambda tx: tx.notes._run.run("SELECT note_id, outcome FROM note_hashes ORDER BY 1"))
    assert [tuple(row) for row in rows] == [(good, "completed"), (pair, "failed"), (pair, "failed")]


async def test_what_was_written_meanwhile_is_kept(
    run: Run, engine: FakeEngine, clock: FakeClock, store: Store, notebook: NotebookId
) -> None:
    from services.notebook.note import Change  # noqa: PLC0415

    x = torrent("x")
    link = LINK.format(x.shown)
    note_id = await note_with(store, notebook, link, x)
    engine.knows("x", "x.iso")
    async with run() as manager:
        await submit(manager, notebook, NoteRequest((note_id,)))
        await settle()

        async def edit(tx: Tx) -> bool:
            note = await tx.notes.get(notebook, note_id)
            assert note is not None
            change = Change(cause="edit", person=BOB, task_id=None, at=clock.now())
            return await tx.notes.replace_text(note, f"{link} and more", change)

        assert await store.write(edit)
        await clock.advance(1)
        assert await text_of(store, notebook, note_id) == f"{link}&dn=x.iso and more"


async def test_a_request_with_nothing_to_look_up_makes_no_task(
    run: Run, store: Store, clock: FakeClock, notebook: NotebookId
) -> None:
    empty = await note_with(store, notebook, "no link here")
    other = await store.write(lambda tx: tx.notebooks.open("tg:2", clock.now()))
    foreign = await note_with(store, other, LINK.format(torrent("x").shown), torrent("x"))
    async with run() as manager:
        with pytest.raises(NothingToLookUp):
            await submit(manager, notebook, NoteRequest((empty,)))
        for number in (foreign, NoteId(99), NoteId(0), NoteId(-1), NoteId(10**30)):
            with pytest.raises(NoteNotFound):
                await submit(manager, notebook, NoteRequest((number,)))
        assert (await manager.changes_since(0)).tasks == ()


# Once.


async def test_the_same_request_key_gives_the_stored_answer(
    run: Run, engine: FakeEngine, clock: FakeClock, notebook: NotebookId
) -> None:
    engine.knows("x", "x.iso")
    async with run() as manager:
        first = await submit(manager, notebook, hashes("x"), key="tg:1:1")
        await clock.advance(1)
        assert await submit(manager, notebook, hashes("x"), key="tg:1:1") == first
        assert await submit(manager, notebook, hashes("x"), key="tg:1:2") != first


async def test_a_cancel_that_comes_twice_does_not_cancel_the_retry_between(
    run: Run, engine: FakeEngine, clock: FakeClock, notebook: NotebookId
) -> None:
    async with run() as manager:
        task_id = await submit(manager, notebook, hashes("x"))
        await manager.cancel_task(task_id, notebook=notebook, asked_by=ALICE, request_key="press")
        await manager.retry_task(task_id, notebook=notebook, asked_by=ALICE, request_key="again")
        await manager.cancel_task(task_id, notebook=notebook, asked_by=ALICE, request_key="press")
        await settle()
        assert (await status(manager, task_id)).task.state is State.RUNNING


async def test_an_answer_is_kept_for_two_days(run: Run, clock: FakeClock, notebook: NotebookId, store: Store) -> None:
    async with run() as manager:
        await submit(manager, notebook, hashes("x"), key="k")
        await clock.advance(48 * 3600)
        await manager.cleanup_old_tasks()
        assert await store.read(lambda tx: tx.answers.get("k")) is not None
        await clock.advance(1)
        await manager.cleanup_old_tasks()
        assert await store.read(lambda tx: tx.answers.get("k")) is None


# Changes.


async def test_a_poll_gives_what_changed_after_its_number(
    run: Run, engine: FakeEngine, clock: FakeClock, notebook: NotebookId
) -> None:
    engine.knows("x", "x.iso")
    async with run() as manager:
        start = await manager.changes_since(0)
        assert start.reset
        x = await submit(manager, notebook, hashes("x"))
        await submit(manager, notebook, hashes("y"))
        await settle()
        changes = await manager.changes_since(start.number)
        assert not changes.reset
        assert len(changes.tasks) == 2
        await clock.advance(1)
        after = await manager.changes_since(changes.number)
        assert [snapshot.task.id for snapshot in after.tasks] == [x]
        assert after.tasks[0].task.state is State.COMPLETED
        assert (await manager.changes_since(after.number)).tasks == ()


async def test_a_poll_is_bounded_and_says_that_there_is_more(run: Run, notebook: NotebookId) -> None:
    async with run() as manager:
        start = await manager.changes_since(0)
        for word in "abcde":
            await submit(manager, notebook, hashes(word))
        await settle()
        seen = []
        number, more = start.number, True
        while more:
            part = await manager.changes_since(number, limit=2)
            assert len(part.tasks) <= 2
            seen += [snapshot.task.id for snapshot in part.tasks]
            number, more = part.number, part.more
        assert len(set(seen)) == len(seen) == 5


async def test_a_number_of_the_future_or_of_another_boot_is_answered_by_everything(
    run: Run, engine: FakeEngine, clock: FakeClock, notebook: NotebookId
) -> None:
    engine.knows("ended", "ended.iso")
    async with run() as manager:
        await submit(manager, notebook, hashes("ended"))
        await clock.advance(1)
        await submit(manager, notebook, hashes("live"))
        number = (await manager.changes_since(0)).number
        future = await manager.changes_since(number + 1)
        assert future.reset
        assert len(future.tasks) == 2
    async with run() as manager:
        again = await manager.changes_since(number)
        assert again.reset
        assert again.number > number
        assert len(again.tasks) == 2


async def test_notes_that_changed_take_numbers_too(
    run: Run, engine: FakeEngine, clock: FakeClock, store: Store, notebook: NotebookId
) -> None:
    x = torrent("x")
    engine.knows("x", "x.iso")
    note_id = await note_with(store, notebook, LINK.format(x.shown), x)
    async with run() as manager:
        number = (await manager.changes_since(0)).number
        await submit(manager, notebook, NoteRequest((note_id,)))
        await clock.advance(1)
        changes = await manager.changes_since(number)
        assert changes.notes == {note_id: changes.number}


async def test_what_changes_while_it_is_read_is_told_again_and_gives_nothing_a_later_number(
    run: Run, store: Store, notebook: NotebookId, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with run() as manager:
        number = (await manager.changes_since(0)).number
        task_id = await submit(manager, notebook, hashes("x"))
        await submit(manager, notebook, hashes("y"))
        await settle()
        read = store.read

        async def while_more_is_done(fn: Callable[[Tx], Awaitable[object]]) -> object:
            monkeypatch.undo()
            await manager.cancel_task(task_id, notebook=notebook, asked_by=ALICE)
            return await read(fn)

        monkeypatch.setattr(store, "read", while_more_is_done)
        changes = await manager.changes_since(number)
        assert [one.seq <= changes.number for one in changes.tasks] == [True, True]
        assert len({one.seq for one in changes.tasks}) == 2
        after = await manager.changes_since(changes.number)
        assert [(one.task.id, one.task.state) for one in after.tasks] == [(task_id, State.CANCELLED)]


async def test_with_notebooks_only_their_tasks_are_read(
    run: Run, store: Store, clock: FakeClock, notebook: NotebookId
) -> None:
    other = await store.write(lambda tx: tx.notebooks.open("tg:2", clock.now()))
    async with run() as manager:
        number = (await manager.changes_since(0)).number
        task_id = await submit(manager, notebook, hashes("x"))
        await submit(manager, other, hashes("y"))
        await settle()
        for since in (0, number):
            changes = await manager.changes_since(since, notebooks={notebook})
            assert [one.task.id for one in changes.tasks] == [task_id]
        assert (await manager.changes_since(number, notebooks=())).tasks == ()


async def test_progress_is_told_and_only_its_newest_word(
    run: Run, engine: FakeEngine, clock: FakeClock, notebook: NotebookId
) -> None:
    async with run() as manager:
        task_id = await submit(manager, notebook, hashes("x"))
        await settle()
        number = (await manager.changes_since(0)).number
        for peers in range(5):
            engine.running[torrent("x")].report(Step("connecting", {"peers": peers}))
        changes = await manager.changes_since(number)
        assert [snapshot.task.id for snapshot in changes.tasks] == [task_id]
        assert changes.tasks[0].progress == Step("connecting", {"peers": 4})


# Ends, restarts, retention.


async def test_a_shutdown_hands_running_work_back_and_the_next_start_takes_it_up_with_its_hints(
    run: Run, engine: FakeEngine, clock: FakeClock, store: Store, notebook: NotebookId
) -> None:
    hints = Hints(trackers=("http://t/",), peers=(("192.0.2.1", 1),))
    async with run() as manager:
        task_id = await submit(manager, notebook, hashes("x", hints=hints))
        await settle()
        assert engine.running
    assert engine.detached
    assert not engine.running
    task = await store.read(lambda tx: tx.tasks.get(task_id))
    assert task is not None
    assert (task.state, task.attempt) == (State.PENDING, 1)
    engine.knows("x", "x.iso")
    engine.hints.clear()
    async with run() as manager:
        await settle()
        assert engine.hints[torrent("x")] == hints
        await clock.advance(1)
        assert (await status(manager, task_id)).task.state is State.COMPLETED


@pytest.mark.parametrize("turns", range(0, 40, 3))
async def test_a_shutdown_at_any_turn_of_the_loop_ends_and_hands_back(
    turns: int, run: Run, engine: FakeEngine, store: Store, notebook: NotebookId
) -> None:
    async with run() as manager:
        task_id = await submit(manager, notebook, hashes("never found"))
        for _ in range(turns):
            await asyncio.sleep(0)
    task = await store.read(lambda tx: tx.tasks.get(task_id))
    assert task is not None
    assert task.state is State.PENDING
    assert not engine.running


async def test_after_a_shutdown_nothing_is_accepted(run: Run, notebook: NotebookId) -> None:
    async with run() as manager:
        pass
    with pytest.raises(ShuttingDown):
        await submit(manager, notebook, hashes("x"))


async def test_a_task_is_kept_until_its_end_was_shown_but_not_over_thirty_days(
    run: Run, engine: FakeEngine, clock: FakeClock, store: Store, notebook: NotebookId
) -> None:
    engine.knows("x", "x.iso")
    async with run(task_ttl_seconds=100) as manager:
        task_id = await submit(manager, notebook, hashes("x"), follower=NewFollower(address="tg:1"))
        await clock.advance(1)
        assert [snapshot.task.id for snapshot in await manager.unshown_ends()] == [task_id]
        await clock.advance(101)
        assert await manager.get_task_status(task_id) is None, "the ttl bounds what is answered"
        assert await manager.cleanup_old_tasks() == 0
        await clock.advance(30 * 86400)
        assert await manager.cleanup_old_tasks() == 1


async def test_a_caller_who_gives_up_does_not_undo_what_was_committed(
    run: Run, engine: FakeEngine, clock: FakeClock, notebook: NotebookId
) -> None:
    engine.knows("x", "x.iso")
    async with run() as manager:
        for turns in range(30):
            engine.knows(str(turns), "other.iso")
            call = asyncio.ensure_future(submit(manager, notebook, hashes("x", str(turns)), key=str(turns)))
            for _ in range(turns):
                await asyncio.sleep(0)
            call.cancel()
            await settle()
        await clock.advance(100)
        await settle()
        changes = await manager.changes_since(0)
        assert {snapshot.task.state for snapshot in changes.tasks} == {State.COMPLETED}


async def test_eight_threads_submitting_a_hundred_each_lose_nothing(
    run: Run, engine: FakeEngine, clock: FakeClock, notebook: NotebookId
) -> None:
    engine.delay = 0
    loop = asyncio.get_running_loop()
    async with run(max_workers=50) as manager:

        def flood(thread: int) -> list[TaskId]:
            ids = []
            for number in range(100):
                word = f"{thread}/{number}"
                engine.knows(word, word)
                call = asyncio.run_coroutine_threadsafe(_submit(manager, notebook, word), loop)
                ids.append(call.result(timeout=15))
            return ids

        ids = [one for part in await asyncio.gather(*(asyncio.to_thread(flood, n) for n in range(8))) for one in part]
        await settle()
        assert len(set(ids)) == 800
        found = [(await status(manager, task_id)).first.found for task_id in ids]
        assert {one.name.text for one in found if one} == {f"{t}/{n}" for t in range(8) for n in range(100)}


async def _submit(manager: AsyncCalibrationManager, notebook: NotebookId, word: str) -> TaskId:
    return await submit(manager, notebook, hashes(word))

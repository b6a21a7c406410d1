"""What followed messages come to show, with the real manager and store, on a hand-moved clock."""

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar, cast

import pytest
from structlog.testing import capture_logs

from handlers.live_status import LiveStatus, TaskCard
from handlers.outbox import Outbox
from handlers.outgoing import Address, Card
from handlers.slots import Rank
from services.calibration.choice import Choice, choices
from services.calibration.follower import FollowerId, NewFollower
from services.calibration.followers import Followership
from services.calibration.manager import AsyncCalibrationManager
from services.calibration.ports import Tx
from services.calibration.task import HashRequest, NoteRequest, State
from services.errors import CannotCancel, CannotRetry, LookupFailed, StoreUnavailable
from services.i18n import Catalogues
from services.notebook.edits import Edits
from services.notebook.history import History
from services.notebook.languages import Languages
from services.notebook.note import Cause, Change, Note
from services.notebook.notebook import Notebook
from services.store.store import Store
from services.torrents import InfoHash, NotebookId, NoteId, PersonId, TaskId, TorrentId
from tests.fake_clock import FakeClock, settle
from tests.unit.conftest import Run
from tests.unit.fakes import FakeEngine, hashes, info_of, moves, torrent
from tests.unit.name_world import guessed

ALICE = PersonId("tg:1")
CHAT = Address(100)
TTL = 100.0
T = TypeVar("T")


@dataclass
class FakeOutbox:
    """Remembers marks as the outbox does, and shows all of them when told; *pages* is what each message has shown,
    *html* the last word about each task."""

    marks: dict[FollowerId, tuple[Address, Rank]] = field(default_factory=dict)
    pages: dict[int, list[tuple[int, str]]] = field(default_factory=dict)
    replies: dict[int, int | None] = field(default_factory=dict)
    html: dict[TaskId, str] = field(default_factory=dict)

    def mark(self, follower: FollowerId, to: Address, rank: Rank) -> None:
        _, before = self.marks.get(follower, (to, rank))
        self.marks[follower] = to, min(before, rank)

    async def flush(self, live: LiveStatus, *, told: bool = True) -> int:
        """Show what is marked, one after another; return how many. Not *told*: killed before that was stored."""
        marks, self.marks = self.marks, {}
        cards = 0
        for follower in marks:
            card = await live.render(follower)
            if card is None:
                continue
            cards += 1
            message_id = self.put_up(card)
            if told:
                await live.shown(follower, card, message_id)
        return cards

    def put_up(self, card: Card) -> int:
        message_id = card.message_id or 1000 + len(self.pages)
        assert isinstance(card, TaskCard)
        self.pages.setdefault(message_id, []).append((card.attempt, card.state))
        self.replies.setdefault(message_id, card.reply_to)
        self.html[card.follower.task_id] = card.message.html
        assert card.message.html.startswith(f"<b>{card.state}</b>")
        return message_id

    @property
    def as_outbox(self) -> Outbox:
        return cast("Outbox", self)


@dataclass
class World:
    """One start of the program; *outbox* is Telegram, which outlives it."""

    manager: AsyncCalibrationManager
    followers: Followership
    live: LiveStatus
    outbox: FakeOutbox
    notebook: NotebookId

    async def submit(
        self, *words: str, at: Address = CHAT, message_id: int | None = None, reply_to: int | None = 7
    ) -> TaskId:
        return await self.manager.submit_task(
            request=hashes(*words),
            notebook=self.notebook,
            asked_by=ALICE,
            cause="command",
            follower=NewFollower(address=str(at), reply_to=reply_to, message_id=message_id),
        )

    async def submit_notes(self, *numbers: NoteId) -> TaskId:
        return await self.manager.submit_task(
            request=NoteRequest(numbers),
            notebook=self.notebook,
            asked_by=ALICE,
            cause="command",
            follower=NewFollower(address=str(CHAT), reply_to=7, message_id=None),
        )

    async def cancel(self, task_id: TaskId) -> None:
        await self.manager.cancel_task(task_id, notebook=self.notebook, asked_by=ALICE)

    async def retry(self, task_id: TaskId) -> None:
        await self.manager.retry_task(task_id, notebook=self.notebook, asked_by=ALICE)

    async def tick(self) -> int:
        """Poll and show; return how many requests that cost."""
        await self.live.poll()
        return await self.outbox.flush(self.live)

    async def follower(self, task_id: TaskId) -> FollowerId:
        (one,) = await self.followers.of(task_id)
        return one.id


async def saved(notes: Notebook, notebook: NotebookId, word: str) -> NoteId:
    text = f"magnet:?xt=urn:btih:{torrent(word).shown}"
    note = await notes.save(text, notebook=notebook, person=ALICE, origin=None)
    assert note is not None
    return note.note_id


async def calibrated(world: World, notes: Notebook, clock: FakeClock) -> tuple[NoteId, TaskId]:
    """Save a note, have it calibrated and the end shown; return its number, and the task."""
    number = await saved(notes, world.notebook, "a")
    task_id = await world.submit_notes(number)
    await clock.advance(1)
    await world.tick()
    return number, task_id


async def edited(store: Store, note: Note) -> None:
    """Add a word to the note's text, as a person does."""
    change = Change(cause=Cause.EDIT, person=ALICE, task_id=None, at=2.0)
    assert await store.write(lambda tx: tx.notes.replace_text(note, f"{note.text} more", change))


Begin = Callable[[AsyncCalibrationManager], Awaitable[World]]


@pytest.fixture
def begin(store: Store, clock: FakeClock, notebook: NotebookId) -> Begin:
    outbox = FakeOutbox()

    async def begin(manager: AsyncCalibrationManager) -> World:
        outbox.marks.clear()
        followers = Followership(store, clock)
        live = LiveStatus(manager, followers, moves(store, clock), clock, Languages(store, Catalogues({}), clock))
        await live.resume(outbox.as_outbox)
        return World(manager, followers, live, outbox, notebook)

    return begin


# The way of one message.


async def test_one_message_goes_from_pending_over_running_to_its_end(
    run: Run, begin: Begin, engine: FakeEngine, clock: FakeClock
) -> None:
    engine.knows("x", "x.iso")
    engine.starts_at_once = False
    async with run() as manager:
        world = await begin(manager)
        task_id = await world.submit("x")
        await world.live.show(task_id)
        await world.outbox.flush(world.live)
        engine.running[torrent("x")].started()
        await settle()
        await world.tick()
        await clock.advance(1)
        await world.tick()
        assert world.outbox.pages == {1000: [(1, "pending"), (1, "running"), (1, "completed")]}
        assert world.outbox.replies == {1000: 7}


async def test_who_asks_is_answered_before_ends_and_ends_before_progress(
    run: Run, begin: Begin, engine: FakeEngine, clock: FakeClock
) -> None:
    engine.knows("x", "x.iso")
    async with run() as manager:
        world = await begin(manager)
        asked, ended, running = await world.submit("asked"), await world.submit("x"), await world.submit("running")
        await clock.advance(1)
        await world.live.show(asked)
        await world.live.poll()
        ranks = {follower: rank for follower, (_, rank) in world.outbox.marks.items()}
        assert ranks == {
            await world.follower(asked): Rank.ANSWER,
            await world.follower(ended): Rank.END,
            await world.follower(running): Rank.PROGRESS,
        }


async def test_every_follower_of_a_task_is_shown_its_end_in_its_own_chat(
    run: Run, begin: Begin, engine: FakeEngine, clock: FakeClock
) -> None:
    engine.knows("x", "x.iso")
    async with run() as manager:
        world = await begin(manager)
        await world.submit("x", reply_to=1)
        await world.submit("x", reply_to=2)
        await clock.advance(1)
        await world.tick()
        assert world.outbox.replies == {1000: 1, 1001: 2}
        assert [pages[-1] for pages in world.outbox.pages.values()] == [(1, "completed")] * 2


async def test_a_poll_marks_only_what_changed(run: Run, begin: Begin, engine: FakeEngine, clock: FakeClock) -> None:
    async with run() as manager:
        world = await begin(manager)
        await world.submit("x")
        await clock.advance(1)
        await world.tick()
        await world.live.poll()
        assert not world.outbox.marks


async def test_an_end_that_was_shown_costs_no_further_request(
    run: Run, begin: Begin, engine: FakeEngine, clock: FakeClock
) -> None:
    engine.knows("x", "x.iso")
    async with run() as manager:
        world = await begin(manager)
        task_id = await world.submit("x")
        await clock.advance(1)
        await world.live.show(task_id)
        assert await world.outbox.flush(world.live) == 1
        assert await world.tick() == 0
        await world.live.show(task_id)
        assert await world.outbox.flush(world.live) == 0


async def test_an_end_is_shown_again_where_somebody_changed_a_note_that_its_task_wrote_into(
    run: Run, begin: Begin, engine: FakeEngine, clock: FakeClock, store: Store, notebook: NotebookId
) -> None:
    for word in "abc":
        engine.knows(word, f"{word}.iso")
    async with run() as manager:
        world = await begin(manager)
        notes = Notebook(store, clock, manager.note_changed)
        numbers = [await saved(notes, notebook, word) for word in "abc"]
        first, second = [await world.submit_notes(one) for one in numbers[:2]]
        await clock.advance(1)
        await world.tick()
        history = History(store, clock, manager.note_changed)
        await history.undo(notebook, numbers[0], person=ALICE)
        await world.live.poll()
        assert world.outbox.marks == {await world.follower(first): (CHAT, Rank.ANEW)}
        await world.outbox.flush(world.live)
        await notes.delete(notebook, numbers[1])
        await notes.delete(notebook, numbers[2])
        await world.live.poll()
        assert list(world.outbox.marks) == [await world.follower(second)]


async def test_a_note_that_changes_in_what_its_tasks_did_not_write_costs_no_request(
    run: Run, begin: Begin, engine: FakeEngine, clock: FakeClock, store: Store, notebook: NotebookId
) -> None:
    engine.knows("a", "a.iso")
    async with run() as manager:
        world = await begin(manager)
        notes = Notebook(store, clock, manager.note_changed)
        number, _ = await calibrated(world, notes, clock)
        for costs in (1, 0, 0):  # what it wrote does not stand any more
            await edited(store, await notes.get(notebook, number))
            manager.note_changed(number)
            assert await world.tick() == costs
            assert not await manager.unshown_ends()


@pytest.fixture
def guess(engine: FakeEngine) -> None:
    engine.knows("guess", guessed())  # its tables are read from disk: not in the loop


@pytest.mark.usefixtures("guess")
async def test_a_choice_is_shown_on_every_card_that_offers_it(
    run: Run, begin: Begin, clock: FakeClock, store: Store, notebook: NotebookId
) -> None:
    async with run() as manager:
        world = await begin(manager)
        notes = Notebook(store, clock, manager.note_changed)
        numbers = [await saved(notes, notebook, "guess") for _ in range(2)]
        tasks = [await world.submit_notes(one) for one in numbers]
        await clock.advance(1)
        assert await world.tick() == 2
        await store.write(lambda tx: tx.notes.pin(numbers[1], [torrent("guess")], 1.0))
        await manager.choose_name(Choice(tasks[0], 0, "big5hkscs"), notebook=notebook, asked_by=ALICE)
        assert await world.tick() == 2


@pytest.mark.parametrize("what", ["calibrated", "typed", "taken out", "deleted"])
async def test_an_offer_over_a_claim_goes_from_every_card_when_its_note_has_changed(
    run: Run, begin: Begin, engine: FakeEngine, clock: FakeClock, store: Store, notebook: NotebookId, what: str
) -> None:
    claim = info_of(torrent("a"), "a.claim", verified=False)
    engine.knows("a", claim)
    async with run() as manager:
        world = await begin(manager)
        notes, edits = Notebook(store, clock, manager.note_changed), Edits(store, clock, manager.note_changed)
        number, first = await calibrated(world, notes, clock)
        (only,) = choices(claim.name, verified=False)
        await manager.choose_name(Choice(first, 0, only.word), notebook=notebook, asked_by=ALICE)
        cards = [first, await world.submit("a"), await world.submit_notes(number)]
        await clock.advance(1)
        await manager.learn(info_of(torrent("a"), "a.iso"))
        await world.tick()
        assert ["was never verified" in world.outbox.html[one] for one in cards] == [True] * 3
        note = await notes.get(notebook, number)
        if what == "deleted":
            await notes.delete(notebook, number)
        elif what == "calibrated":
            await world.submit_notes(number)
            await clock.advance(1)
        else:
            said = "nothing" if what == "taken out" else note.text.replace("a.claim", "mine")
            await edits.replace(said, notebook=notebook, note_id=number, expected=note.version, person=ALICE)
        await world.tick()
        assert ["was never verified" in world.outbox.html[one] for one in cards] == [False] * 3


async def test_an_offer_goes_from_the_card_of_one_hash_when_the_note_has_the_other(
    run: Run, begin: Begin, engine: FakeEngine, clock: FakeClock, store: Store, notebook: NotebookId
) -> None:
    other = TorrentId(v2=InfoHash("2" * 64))
    claim = engine.names[other] = info_of(other, "a.claim", verified=False)
    engine.knows("a", "a.iso")
    async with run() as manager:
        world, notes = await begin(manager), Notebook(store, clock, manager.note_changed)
        link = f"magnet:?xt=urn:btmh:1220{other.v2}"
        note = await notes.save(link, notebook=notebook, person=ALICE, origin=None)
        assert note is not None
        first = await world.submit_notes(note.note_id)
        await clock.advance(1)
        (only,) = choices(claim.name, verified=False)
        await manager.choose_name(Choice(first, 0, only.word), notebook=notebook, asked_by=ALICE)
        await manager.learn(info_of(TorrentId(torrent("a").v1, other.v2), "a.iso"))
        task_id = await world.submit("a")
        await clock.advance(1)
        await world.tick()
        assert "was never verified" in world.outbox.html[task_id]
        await notes.delete(notebook, note.note_id)
        await world.tick()
        assert "was never verified" not in world.outbox.html[task_id]


async def test_a_press_that_has_nothing_left_to_write_has_its_card_shown_once_more(
    run: Run, begin: Begin, engine: FakeEngine, clock: FakeClock, store: Store, notebook: NotebookId
) -> None:
    engine.knows("a", info_of(torrent("a"), "a.claim", verified=False))
    async with run() as manager:
        world = await begin(manager)
        _, task_id = await calibrated(world, Notebook(store, clock, manager.note_changed), clock)
        await manager.learn(info_of(torrent("a"), "a.iso"))
        for costs in (1, 1):
            world = await begin(manager)  # it does not know what its messages show
            await manager.choose_name(Choice(task_id, 0, "utf-8"), notebook=notebook, asked_by=ALICE)
            assert await world.tick() == costs


@pytest.mark.parametrize("first", [True, False])
async def test_an_end_on_its_way_is_not_the_last_word_of_a_note_that_changes_meanwhile(
    run: Run, begin: Begin, engine: FakeEngine, clock: FakeClock, store: Store, notebook: NotebookId, *, first: bool
) -> None:
    for word in "ab":
        engine.knows(word, f"{word}.iso")
    async with run() as manager:
        world = await begin(manager)
        notes = Notebook(store, clock, manager.note_changed)
        numbers = [await saved(notes, notebook, word) for word in "ab"]
        task_id = await world.submit_notes(*numbers)
        if first:
            await world.live.show(task_id)
            await world.outbox.flush(world.live)
        await clock.advance(1)
        if not first:
            await world.tick()
            await notes.delete(notebook, numbers[0])
        await world.live.poll()
        follower = await world.follower(task_id)
        on_its_way = await world.live.render(follower)
        assert on_its_way is not None
        world.outbox.marks.clear()
        await notes.delete(notebook, numbers[1])
        await world.live.poll()
        message_id = world.outbox.put_up(on_its_way)
        await world.live.shown(follower, on_its_way, message_id)
        assert await world.outbox.flush(world.live) == 1
        assert await manager.unshown_ends() == []


async def test_a_card_is_sent_again_where_nobody_knows_what_its_message_shows(
    run: Run, begin: Begin, engine: FakeEngine, clock: FakeClock, store: Store, notebook: NotebookId
) -> None:
    engine.knows("a", "a.iso")
    async with run() as manager:
        world = await begin(manager)
        notes = Notebook(store, clock, manager.note_changed)
        number, _ = await calibrated(world, notes, clock)
        history = History(store, clock, manager.note_changed)
        await history.undo(notebook, number, person=ALICE)
        await world.live.poll()
        assert await world.outbox.flush(world.live, told=False) == 1  # the answer to it was lost
        await history.undo(notebook, number, person=ALICE)
        assert await world.tick() == 1


async def test_an_end_that_has_to_be_shown_again_is_so_after_a_restart_in_between(
    run: Run, begin: Begin, engine: FakeEngine, clock: FakeClock, store: Store, notebook: NotebookId
) -> None:
    engine.knows("a", "a.iso")
    async with run() as manager:
        world = await begin(manager)
        number, task_id = await calibrated(world, Notebook(store, clock, manager.note_changed), clock)
        await History(store, clock, manager.note_changed).undo(notebook, number, person=ALICE)
    async with run() as manager:
        world = await begin(manager)
        assert list(world.outbox.marks) == [await world.follower(task_id)]


@pytest.mark.parametrize("shown", [True, False])
async def test_a_message_that_was_deleted_after_it_had_shown_its_end_is_not_sent_anew_for_a_note_that_changes(
    run: Run, begin: Begin, engine: FakeEngine, clock: FakeClock, store: Store, notebook: NotebookId, *, shown: bool
) -> None:
    engine.knows("a", "a.iso")
    async with run() as manager:
        world = await begin(manager)
        notes = Notebook(store, clock, manager.note_changed)
        number = await saved(notes, notebook, "a")
        task_id = await world.submit_notes(number)
        if not shown:
            await world.live.show(task_id)
            await world.outbox.flush(world.live)
        await clock.advance(1)
        if shown:
            await world.tick()
            await notes.delete(notebook, number)
        follower = await world.follower(task_id)
        card = await world.live.render(follower)
        assert card is not None
        await world.live.gone(follower, card)
        assert (await world.live.render(follower) is None) == shown


async def test_a_page_of_what_was_not_found_is_not_turned_back_by_a_note_that_changes_and_tells_of_it(
    run: Run, begin: Begin, engine: FakeEngine, clock: FakeClock, store: Store, notebook: NotebookId
) -> None:
    engine.knows("a", "a.iso")
    engine.knows("b", LookupFailed())
    async with run() as manager:
        world = await begin(manager)
        notes = Notebook(store, clock, manager.note_changed)
        found, lost = [await saved(notes, notebook, word) for word in "ab"]
        task_id = await world.submit_notes(found, lost)
        await clock.advance(1)
        await world.tick()
        follower = await world.follower(task_id)
        await world.followers.turn(follower, 0)
        await world.live.show(task_id)
        assert await world.outbox.flush(world.live) == 1
        await notes.delete(notebook, found)
        assert await world.tick() == 0
        await notes.delete(notebook, lost)
        await world.live.poll()
        card = await world.live.render(follower)
        assert card is not None
        assert "Not found: 1–1 of 1" in card.message.html
        assert f"#{lost} ·" not in card.message.html.partition("Not found")[2]


async def test_a_closed_chat_is_not_tried_at_each_change_and_goes_on_when_it_is_open_again(
    run: Run, begin: Begin, engine: FakeEngine, clock: FakeClock
) -> None:
    async with run(timeout=30) as manager:
        world = await begin(manager)
        task_id = await world.submit("x")
        await settle()
        await world.tick()
        world.live.closed(CHAT, whole=True)
        await clock.advance(30)
        assert await world.tick() == 0
        assert await manager.unshown_ends()
        world.live.took(CHAT)
        assert await world.tick() == 1
        assert [states for _, states in world.outbox.pages[1000]][-1] == "failed"
        assert await world.follower(task_id)


async def test_what_is_to_be_shown_in_other_chats_is_not_shown_again_for_one_that_is_open_again(
    run: Run, begin: Begin
) -> None:
    async with run(max_workers=600) as manager:
        world = await begin(manager)
        places = [Address(100), Address(-200, 7), Address(-200, 8), Address(-2000), Address(-200)]
        tasks = [await world.submit(str(number), at=to) for number, to in enumerate(places)]
        await settle()
        await world.live.poll()
        world.outbox.marks.clear()
        for place in (places[0], places[1], places[4]):
            world.live.closed(place, whole=place.thread_id is None)
        await world.live.somebody_is_at(Address(-200), everywhere=True)
        await world.live.poll()
        assert world.outbox.marks == {
            await world.follower(tasks[place]): (places[place], Rank.PROGRESS) for place in (1, 2, 4)
        }
        world.outbox.marks.clear()
        await world.live.poll()
        assert world.outbox.marks == {}


async def test_a_person_who_asks_in_a_closed_chat_is_answered(run: Run, begin: Begin) -> None:
    async with run() as manager:
        world = await begin(manager)
        world.live.closed(CHAT, whole=True)
        await world.live.show(await world.submit("x"))
        assert [rank for _, rank in world.outbox.marks.values()] == [Rank.ANSWER]


async def test_more_changes_than_one_answer_holds_are_all_marked_in_one_read_an_answer(
    run: Run, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with run(max_workers=600) as manager:
        world = await begin(manager)
        for number in range(510):
            await world.submit(str(number))
        await settle()
        reads, read = 0, Followership.of

        async def of(followers: Followership, *task_ids: TaskId) -> object:
            nonlocal reads
            reads += 1
            return await read(followers, *task_ids)

        monkeypatch.setattr(Followership, "of", of)
        await world.live.poll()
        assert len(world.outbox.marks) == 510
        assert reads == 2


async def test_a_store_that_fails_in_the_middle_of_a_poll_loses_no_mark(
    run: Run, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with run() as manager:
        world = await begin(manager)
        for word in "abc":
            await world.submit(word)
        await settle()
        with monkeypatch.context() as broken:
            broken.setattr(Followership, "of", _down)
            await world.live.poll()
        assert not world.outbox.marks
        await world.live.poll()
        assert len(world.outbox.marks) == 3


async def test_an_outage_of_the_store_is_one_line_until_it_works_again(
    run: Run, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with run() as manager:
        world = await begin(manager)
        with capture_logs() as logs:
            for word in "ab":
                await world.submit(word)
                with monkeypatch.context() as broken:
                    broken.setattr(Followership, "of", _down)
                    for _ in range(3):
                        await world.live.poll()
                await world.live.poll()
    assert [(one["event"], one["reason"], "exc_info" in one) for one in logs if one["log_level"] != "info"] == [
        ("store.unavailable", "disk full", False)
    ] * 2


async def test_what_was_done_is_no_failure_when_it_cannot_be_shown_yet(
    run: Run, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with run() as manager:
        world = await begin(manager)
        task_id = await world.submit("x")
        with monkeypatch.context() as broken, capture_logs() as logs:
            broken.setattr(Followership, "of", _down)
            await world.live.show(task_id)
        assert [one["event"] for one in logs] == ["show_failed"]
        await world.live.poll()
        assert list(world.outbox.marks) == [await world.follower(task_id)]


async def _down(*_: object) -> None:
    raise StoreUnavailable(reason="disk full")


async def test_before_there_is_an_outbox_nothing_is_marked_and_nothing_fails(
    run: Run, store: Store, clock: FakeClock, notebook: NotebookId
) -> None:
    async with run() as manager:
        followers = Followership(store, clock)
        live = LiveStatus(manager, followers, moves(store, clock), clock, Languages(store, Catalogues({}), clock))
        world = World(manager, followers, live, FakeOutbox(), notebook)
        task_id = await world.submit("x")
        await live.show(task_id)
        await live.resume(world.outbox.as_outbox)
        assert list(world.outbox.marks) == [await world.follower(task_id)]


# Restarts.


async def test_a_new_start_marks_every_message_that_has_not_shown_an_end_and_no_other(
    run: Run, begin: Begin, engine: FakeEngine, clock: FakeClock
) -> None:
    engine.knows("shown", "shown.iso")
    async with run() as manager:
        world = await begin(manager)
        shown = await world.submit("shown")
        await clock.advance(1)
        await world.tick()
        engine.knows("unshown", "unshown.iso")
        unshown, live = await world.submit("unshown"), await world.submit("live")
        await clock.advance(1)
    async with run() as manager:
        world = await begin(manager)
        assert {follower: rank for follower, (_, rank) in world.outbox.marks.items()} == {
            await world.follower(unshown): Rank.END,
            await world.follower(live): Rank.PROGRESS,
        }
        assert await world.follower(shown) not in world.outbox.marks


async def test_a_message_that_showed_running_stays_running_over_a_restart(
    run: Run, begin: Begin, engine: FakeEngine, clock: FakeClock
) -> None:
    async with run() as manager:
        world = await begin(manager)
        await world.submit("x")
        await settle()
        await world.tick()
    async with run(engine) as manager:
        world = await begin(manager)  # the task is pending now, and so the store says
        await world.outbox.flush(world.live)
        await settle()
        await world.tick()
        assert set(world.outbox.pages[1000]) == {(1, "running")}
        assert len(world.outbox.pages) == 1


async def test_a_kill_before_the_running_card_was_stored_as_shown_does_not_take_it_back_to_pending(
    run: Run, begin: Begin, engine: FakeEngine
) -> None:
    engine.starts_at_once = False
    async with run() as manager:
        world = await begin(manager)
        task_id = await world.submit("x")
        await world.live.show(task_id)
        await world.outbox.flush(world.live)
        await settle()
        engine.running[torrent("x")].started()
        await settle()
        await world.live.poll()
        await world.outbox.flush(world.live, told=False)
        assert world.outbox.pages == {1000: [(1, "pending"), (1, "running")]}
    async with run() as manager:
        world = await begin(manager)
        await world.outbox.flush(world.live)
        assert world.outbox.pages[1000][-1] == (1, "running")


async def test_a_retry_goes_back_to_pending_as_another_attempt(
    run: Run, begin: Begin, engine: FakeEngine, clock: FakeClock
) -> None:
    async with run(max_workers=1) as manager:
        world = await begin(manager)
        task_id = await world.submit("x")
        await settle()
        await world.tick()
        await world.cancel(task_id)
        await world.tick()
        await world.submit("y")  # takes the only slot
        await settle()
        await world.retry(task_id)
        await world.tick()
        assert world.outbox.pages[1000] == [(1, "running"), (1, "cancelled"), (2, "pending")]


@pytest.mark.parametrize("seed", range(8))
async def test_no_message_ever_goes_back(
    seed: int, run: Run, begin: Begin, engine: FakeEngine, clock: FakeClock
) -> None:
    """Random people and deaths: each message's (attempt, state) only ever grows, and in the end each has its end."""
    draw = random.Random(seed)
    order = {"pending": 0, "running": 1, "completed": 2, "failed": 2, "cancelled": 2}
    for word in "abc":
        engine.knows(word, f"{word}.iso")
    tasks: list[TaskId] = []
    for life in range(6):
        async with run(max_workers=2, timeout=5) as manager:
            world = await begin(manager)
            for _ in range(15):
                await _something(world, draw, tasks, clock)
            await settle()
            if life == 5:
                await clock.advance(60)
                await world.tick()
    assert len(world.outbox.pages) == len(tasks) > 0, "one message for each who asked"
    for pages in world.outbox.pages.values():
        steps = [(attempt, order[state]) for attempt, state in pages]
        assert steps == sorted(steps)
        assert steps[-1][1] == 2


async def _something(world: World, draw: random.Random, tasks: list[TaskId], clock: FakeClock) -> None:
    match draw.choice(["submit", "cancel", "retry", "wait", "poll", "flush", "flush", "killed"]):
        case "submit":
            tasks.append(await world.submit(draw.choice("abcxyz")))
            await world.live.show(tasks[-1])
        case "cancel" | "retry" as action if tasks:
            act = world.cancel if action == "cancel" else world.retry
            try:
                await act(task_id := draw.choice(tasks))
            except (CannotCancel, CannotRetry):
                return
            await world.live.show(task_id)
        case "wait":
            await clock.advance(draw.random() * 3)
        case "poll":
            await world.live.poll()
        case "flush":
            await world.outbox.flush(world.live)
        case "killed":  # what is on its way when the program dies has arrived, and is not stored
            sent = {one: to for one, to in world.outbox.marks.items() if await _has_message(world, one)}
            kept, world.outbox.marks = world.outbox.marks, sent
            await world.outbox.flush(world.live, told=False)
            world.outbox.marks = kept


async def _has_message(world: World, follower: FollowerId) -> bool:
    one = await world.followers.get(follower)
    return one is not None and one.message_id is not None


# Ends that come late.


async def test_an_end_older_than_the_ttl_is_still_shown(
    run: Run, begin: Begin, engine: FakeEngine, clock: FakeClock
) -> None:
    engine.knows("x", "x.iso")
    async with run(task_ttl_seconds=TTL) as manager:
        world = await begin(manager)
        task_id = await world.submit("x")
        await clock.advance(TTL + 10)
    async with run(task_ttl_seconds=TTL) as manager:
        assert await manager.get_task_status(task_id) is None
        world = await begin(manager)
        await manager.cleanup_old_tasks()
        await world.outbox.flush(world.live)
        assert world.outbox.pages == {1000: [(1, "completed")]}


async def test_an_end_that_the_ttl_has_overtaken_before_the_poll_is_shown(
    run: Run, begin: Begin, engine: FakeEngine, clock: FakeClock
) -> None:
    engine.knows("x", "x.iso")
    async with run(task_ttl_seconds=0.1) as manager:
        world = await begin(manager)
        await world.submit("x")
        await clock.advance(60)
        await world.tick()
        assert world.outbox.pages == {1000: [(1, "completed")]}


async def test_a_deleted_message_is_not_sent_again_before_the_end_and_then_anew(
    run: Run, begin: Begin, engine: FakeEngine, clock: FakeClock
) -> None:
    async with run(timeout=30) as manager:
        world = await begin(manager)
        task_id = await world.submit("x")
        await settle()
        await world.tick()
        await clock.advance(1)
        follower = await world.follower(task_id)
        card = await world.live.render(follower)
        assert card is not None
        await world.live.gone(follower, card)
        await world.live.show(task_id)
        assert await world.outbox.flush(world.live) == 0
        await clock.advance(30)
        await world.tick()
        assert world.outbox.pages == {1000: [(1, "running")], 1001: [(1, "failed")]}
        assert world.outbox.replies[1001] == 7
        await world.retry(task_id)
        await settle()
        await world.tick()
        assert world.outbox.pages[1001][-1] == (2, "running"), "the new message is its message from now on"


async def test_a_retry_while_the_end_is_on_its_way_is_shown_after_it(
    run: Run, begin: Begin, engine: FakeEngine, clock: FakeClock
) -> None:
    async with run(timeout=30) as manager:
        world = await begin(manager)
        task_id = await world.submit("x")
        await clock.advance(30)
        follower = await world.follower(task_id)
        card = await world.live.render(follower)
        assert isinstance(card, TaskCard)
        assert card.state is State.FAILED
        await world.retry(task_id)
        await world.live.shown(follower, card, world.outbox.put_up(card))
        (one,) = await world.followers.unfinished()
        assert one.id == follower
    async with run(timeout=30) as manager:
        world = await begin(manager)
        await world.outbox.flush(world.live)
        await clock.advance(30)
        await world.tick()
        assert world.outbox.pages[1000][0] == (1, "failed")
        assert world.outbox.pages[1000][-1] == (2, "failed")


async def test_a_message_that_became_another_tasks_while_a_card_was_on_its_way_shows_the_other_to_its_end(
    run: Run, begin: Begin, engine: FakeEngine, clock: FakeClock
) -> None:
    engine.knows("x", "x.iso")
    engine.knows("y", "y.iso")
    async with run() as manager:
        world = await begin(manager)
        first = await world.submit("x", message_id=5)
        await clock.advance(1)
        follower = await world.follower(first)
        late = await world.live.render(follower)
        assert isinstance(late, TaskCard)
        assert late.ended
        second = await world.submit("y", message_id=5)
        await world.live.shown(follower, late, world.outbox.put_up(late))
        await clock.advance(1)
        await world.tick()
        assert late.follower.task_id == first != second
        one = await world.followers.at(str(CHAT), 5)
        assert one is not None
        assert (one.task_id, one.shown_state) == (second, State.COMPLETED)
        assert world.outbox.pages == {5: [(1, "completed"), (1, "completed")]}


async def test_the_follower_of_a_task_that_is_no_more_comes_to_rest(
    run: Run, begin: Begin, engine: FakeEngine, store: Store, clock: FakeClock
) -> None:
    async with run(timeout=30) as manager:
        world = await begin(manager)
        task_id = await world.submit("x")
        follower = await world.follower(task_id)
        await clock.advance(30 + 31 * 86400)
        assert await manager.cleanup_old_tasks() == 1
        assert await world.live.render(follower) is None
        assert not await world.followers.unfinished()
        one = await world.followers.get(follower)
        assert one is not None
        assert one.request == HashRequest(((torrent("x"), hashes("x").torrents[0][1]),)), "its buttons still work"


async def test_an_unknown_follower_shows_nothing(run: Run, begin: Begin) -> None:
    async with run() as manager:
        world = await begin(manager)
        assert await world.live.render(FollowerId(99)) is None


async def test_the_card_of_a_follower_that_was_deleted_meanwhile_changes_nothing(
    run: Run, begin: Begin, store: Store
) -> None:
    async with run() as manager:
        world = await begin(manager)
        task_id = await world.submit("x")
        card = await world.live.render(await world.follower(task_id))
        assert card is not None
        await world.live.shown(FollowerId(99), card, 1)

        async def everybody(tx: Tx) -> int:
            return len(await tx.followers.unfinished())

        assert await store.read(everybody) == 1

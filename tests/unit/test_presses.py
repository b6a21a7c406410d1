"""What a press does to its message and to its task, without a Telegram."""

import contextlib
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from telegram import CallbackQuery, Chat, InaccessibleMessage, InlineKeyboardMarkup, Message, Update, User

from handlers.buttons import Verb, batches, button
from handlers.live_status import LiveStatus
from handlers.outgoing import Address, Subject
from handlers.outgoing import Message as Shown
from handlers.presses import press
from handlers.slots import Rank
from services.access import Access
from services.calibration.follower import Follower, NewFollower
from services.calibration.followers import Followership
from services.calibration.manager import AsyncCalibrationManager
from services.calibration.task import NoteRequest
from services.errors import LookupFailed, NotFound, StoreUnavailable
from services.i18n import Catalogues
from services.notebook.edits import Edits
from services.notebook.history import History
from services.notebook.languages import Languages
from services.notebook.notebook import Notebook
from services.notebook.people import People
from services.store.store import Store
from services.torrents import Name, NotebookId, PersonId, TaskId
from tests.fake_clock import FakeClock
from tests.unit.conftest import Run
from tests.unit.fakes import FakeEngine, hashes, info_of, moves, torrent

ALICE = PersonId("tg:1")
CARD = 50


class Box:
    """An outbox that remembers what was said and marked."""

    def __init__(self) -> None:
        self.said: list[str | None] = []
        self.marks: list[tuple[Subject, Rank]] = []
        self.edits: list[tuple[int, str]] = []

    @contextlib.contextmanager
    def standing_still(self, chat_id: int) -> Iterator[None]:
        yield

    async def press(self, query: CallbackQuery, text: str | None = None) -> None:
        self.said.append(text)

    def mark(self, subject: Subject, to: Address, rank: Rank) -> None:
        self.marks.append((subject, rank))

    def edit(self, to: Address, message_id: int, message: Shown, *, told: Callable[[], None]) -> None:
        self.edits.append((message_id, message.html))
        told()


def question(who: int) -> Message:
    return Message(7, datetime.now(UTC), Chat(1, "private"), from_user=User(who, "A", is_bot=False), text="magnet")


class Presser:
    def __init__(self, manager: AsyncCalibrationManager, store: Store, clock: FakeClock) -> None:
        self.manager = manager
        self.followers = Followership(store, clock)
        languages = Languages(store, Catalogues({}), clock)
        self.live = LiveStatus(manager, self.followers, moves(store, clock), clock, languages)
        self.box = Box()
        self.live._outbox = self.box  # type: ignore[assignment] # as much of it as a press needs
        self.notebook = Notebook(store, clock, manager.note_changed)
        self.services = SimpleNamespace(
            manager=manager,
            followers=self.followers,
            notebook=self.notebook,
            history=History(store, clock, manager.note_changed),
            people=People(store, Access(owners=frozenset({ALICE})), clock),
            live=self.live,
            outbox=self.box,
            languages=languages,
            receipts=SimpleNamespace(hold=lambda _: lambda: None, answers=lambda _: lambda: None),
        )
        self.updates = 0

    async def press(
        self,
        verb: Verb,
        about: str | int,
        *,
        message_id: int = CARD,
        who: int = 1,
        stands: bool = True,
        asked_by: int | None = None,
    ) -> str | None:
        """Press a button of a message, which answers one of *asked_by* where that is given; return what is said."""
        self.updates += 1
        keyboard = InlineKeyboardMarkup([[button("x", verb, about)]]) if stands else None
        message = Message(
            message_id, datetime.now(UTC), Chat(1, "private"), from_user=User(9, "bot", is_bot=True), text="x",
            reply_markup=keyboard, reply_to_message=None if asked_by is None else question(asked_by),
        )  # fmt: skip
        query = CallbackQuery(
            str(self.updates), User(who, "Alice", is_bot=False), "chat", message=message, data=f"{verb}:{about}"
        )
        context = SimpleNamespace(services=self.services, bot=SimpleNamespace(id=1))
        await press(Update(self.updates, callback_query=query), context)  # type: ignore[arg-type] # what a handler uses
        return self.box.said[-1]

    async def press_on_what_is_gone(self, verb: Verb, about: str | int) -> str | None:
        """Press a button of a message that Telegram tells nothing more of."""
        self.updates += 1
        gone = InaccessibleMessage(Chat(1, "private"), CARD)
        query = CallbackQuery(
            str(self.updates), User(1, "Alice", is_bot=False), "chat", message=gone, data=f"{verb}:{about}"
        )
        context = SimpleNamespace(services=self.services, bot=SimpleNamespace(id=1))
        await press(Update(self.updates, callback_query=query), context)  # type: ignore[arg-type] # what a handler uses
        return self.box.said[-1]

    async def follower(self, message_id: int = CARD) -> Follower:
        follower = await self.followers.at("tg:1", message_id)
        assert follower is not None
        return follower

    async def show(self) -> None:
        """Let the card be shown as it is now, as the outbox does."""
        follower = await self.follower()
        if (card := await self.live.render(follower.id)) is not None:
            await self.live.shown(follower.id, card, CARD)


Submit = Callable[[AsyncCalibrationManager, str], Awaitable[TaskId]]


@pytest.fixture
def submit(notebook: NotebookId) -> Submit:
    async def submit(manager: AsyncCalibrationManager, word: str) -> TaskId:
        return await manager.submit_task(
            request=hashes(word),
            notebook=notebook,
            asked_by=ALICE,
            cause="command",
            follower=NewFollower(address="tg:1", message_id=CARD),
        )

    return submit


async def test_a_reading_is_chosen_by_anybody_there_and_its_card_is_marked_though_it_had_come_to_rest(
    run: Run, engine: FakeEngine, clock: FakeClock, store: Store, submit: Submit
) -> None:
    name = Name(text="三國演義", raw="三國演義".encode("big5"), encoding="big5hkscs", certain=False)
    engine.knows("x", replace(info_of(torrent("x"), "x"), name=name))
    async with run(task_ttl_seconds=100) as manager:
        presser = Presser(manager, store, clock)
        task_id = await submit(manager, "x")
        await clock.advance(5)
        await presser.show()
        assert (await presser.follower()).end_shown_at is not None
        assert await presser.press(Verb.READING, f"{task_id}:0:no such", who=2) is not None
        assert await presser.press(Verb.READING, "forged", who=2) is not None
        assert await presser.press(Verb.READING, f"{task_id}:0:big5hkscs", who=2) is None
        assert presser.box.marks[-1] == ((await presser.follower()).id, Rank.END)
        card = await presser.live.render((await presser.follower()).id)
        assert card is not None
        assert "Chosen by hand" in card.message.html
        await presser.show()
        await clock.advance(200)
        await manager.cleanup_old_tasks()
        assert await presser.press(Verb.READING, f"{task_id}:0:utf-8", who=2) is None
        assert (await presser.follower()).task_id != task_id, "kept no longer: it is asked anew"


async def test_a_press_on_a_message_that_is_gone_is_told_that_its_button_is_no_longer_in_use(
    run: Run, store: Store, clock: FakeClock
) -> None:
    async with run() as manager:
        presser = Presser(manager, store, clock)
        for verb, about in ((Verb.CANCEL, "x"), (Verb.CANCEL_ALL, 1), (Verb.LANGUAGE, "en")):
            assert await presser.press_on_what_is_gone(verb, about) == "This button is no longer in use."


async def test_keeping_an_old_name_where_there_is_none_is_told(
    run: Run, engine: FakeEngine, clock: FakeClock, store: Store, submit: Submit
) -> None:
    engine.knows("x", "x.iso")
    async with run() as manager:
        presser = Presser(manager, store, clock)
        task_id = await submit(manager, "x")
        await clock.advance(5)
        assert await presser.press(Verb.KEEP_OLD, f"{task_id}:0") == "There is nothing to choose here any more."
        assert await presser.press(Verb.KEEP_OLD, "another:0") is not None


async def test_undo_pressed_on_a_card_whose_note_was_undone_apart_is_told_and_the_card_follows(
    run: Run, engine: FakeEngine, clock: FakeClock, store: Store, notebook: NotebookId
) -> None:
    engine.knows("x", "x.iso")
    async with run() as manager:
        presser = Presser(manager, store, clock)
        saved = await presser.notebook.save(
            f"magnet:?xt=urn:btih:{torrent('x').shown}", notebook=notebook, person=ALICE, origin=None
        )
        assert saved is not None
        await presser.press(Verb.CALIBRATE, saved.note_id)
        await clock.advance(5)
        await presser.show()
        follower = await presser.follower()
        await presser.services.history.undo(notebook, saved.note_id, person=ALICE)
        said = await presser.press(Verb.UNDO_TASK, follower.task_id)
        assert said == "There is nothing to undo, or to write again."
        assert presser.box.marks[-1] == (follower.id, Rank.END)
        card = await presser.live.render(follower.id)
        assert card is not None
        assert "Undone in 1 note." in card.message.html


async def test_undo_pressed_on_a_card_whose_note_was_edited_since_is_told_and_the_card_follows(
    run: Run, engine: FakeEngine, clock: FakeClock, store: Store, notebook: NotebookId
) -> None:
    engine.knows("x", "x.iso")
    async with run() as manager:
        presser = Presser(manager, store, clock)
        link = f"magnet:?xt=urn:btih:{torrent('x').shown}"
        saved = await presser.notebook.save(link, notebook=notebook, person=ALICE, origin="one")
        assert saved is not None
        await presser.press(Verb.CALIBRATE, saved.note_id)
        await clock.advance(5)
        await presser.show()
        follower = await presser.follower()
        edits = Edits(store, clock, lambda _: None)
        await edits.apply(f"{link}&dn=Mine", notebook=notebook, person=ALICE, origin="one")
        said = await presser.press(Verb.UNDO_TASK, follower.task_id)
        assert said == "It was edited since, and that edit would be lost."
        assert presser.box.marks[-1] == (follower.id, Rank.END)
        card = await presser.live.render(follower.id)
        assert card is not None
        assert card.message.keyboard is None


async def test_an_undo_says_what_stays_beneath_another_task_and_comes_to_it_when_that_was_undone(
    run: Run, engine: FakeEngine, clock: FakeClock, store: Store, notebook: NotebookId
) -> None:
    engine.knows("early", "early.iso")
    for word in ("late", "last"):
        engine.knows(word, LookupFailed())
    async with run() as manager:
        presser = Presser(manager, store, clock)
        links = " ".join(f"magnet:?xt=urn:btih:{torrent(word).shown}" for word in ("early", "late", "last"))
        saved = await presser.notebook.save(links, notebook=notebook, person=ALICE, origin=None)
        assert saved is not None
        await presser.press(Verb.CALIBRATE, saved.note_id)
        await clock.advance(5)
        await presser.show()
        first = (await presser.follower()).task_id
        engine.knows("late", "late.iso")
        await presser.press(Verb.CALIBRATE, saved.note_id, message_id=CARD + 1)
        await clock.advance(5)
        second = (await presser.follower(CARD + 1)).task_id
        engine.knows("last", "last.iso")
        await presser.press(Verb.RETRY, first)
        await clock.advance(5)
        assert await presser.press(Verb.UNDO_TASK, first) == (
            "Undone in 1 note. What it wrote before another task did stays: undo that one first."
        )
        assert await presser.press(Verb.UNDO_TASK, second, message_id=CARD + 1) == "Undone in 1 note."
        assert await presser.press(Verb.UNDO_TASK, first) == "Undone in 1 note."
        assert (await presser.notebook.get(notebook, saved.note_id)).text == links


async def test_refresh_shows_an_end_that_is_older_than_the_ttl_and_was_not_shown(
    run: Run, engine: FakeEngine, clock: FakeClock, store: Store, submit: Submit
) -> None:
    engine.knows("x", "x.iso")
    async with run(task_ttl_seconds=100) as manager:
        presser = Presser(manager, store, clock)
        task_id = await submit(manager, "x")
        await clock.advance(200)
        assert await presser.press(Verb.REFRESH, task_id) is None
        assert presser.box.marks == [((await presser.follower()).id, Rank.END)]


@pytest.mark.parametrize(("verb", "ended"), [(Verb.CANCEL, True), (Verb.RETRY, False)])
async def test_a_press_that_comes_too_late_brings_a_card_that_nobody_follows_up_to_date(
    verb: Verb, ended: bool, run: Run, engine: FakeEngine, clock: FakeClock, store: Store, submit: Submit
) -> None:
    if ended:
        engine.knows("x", "x.iso")
    async with run() as manager:
        presser = Presser(manager, store, clock)
        task_id = await submit(manager, "x")
        await clock.advance(2)
        assert await presser.press(verb, task_id, message_id=51)
        orphan = await presser.follower(51)
        assert presser.box.marks[-2:] == [((await presser.follower()).id, Rank.END), (orphan.id, Rank.END)]


async def test_retry_after_the_end_of_retention_asks_anew(
    run: Run, engine: FakeEngine, clock: FakeClock, store: Store, submit: Submit
) -> None:
    engine.knows("x", NotFound(reason="no"))
    async with run(task_ttl_seconds=100) as manager:
        presser = Presser(manager, store, clock)
        task_id = await submit(manager, "x")
        await clock.advance(5)
        await presser.show()
        await clock.advance(200)
        assert await manager.cleanup_old_tasks() == 1
        assert await presser.press(Verb.RETRY, task_id) is None
        assert (await presser.follower()).task_id != task_id
        await clock.advance(1.5)
        assert engine.calls == {torrent("x"): 2}


async def test_calibrate_all_pressed_again_is_the_card_already_though_a_note_was_deleted_before(
    run: Run, engine: FakeEngine, clock: FakeClock, store: Store
) -> None:
    async with run() as manager:
        presser = Presser(manager, store, clock)
        home = await presser.notebook.behind("tg:1")
        numbers = []
        for word in "abc":
            text = f"magnet:?xt=urn:btih:{torrent(word).shown}"
            saved = await presser.notebook.save(text, notebook=home, person=ALICE, origin=None)
            assert saved is not None
            numbers.append(saved.note_id)
        await presser.notebook.delete(home, numbers[1])
        ((packed, _),) = batches(numbers)
        for _ in range(2):
            assert await presser.press(Verb.CALIBRATE_ALL, packed) is None
        assert (await presser.follower()).request == NoteRequest((numbers[0], numbers[2]))


async def test_calibrate_pressed_again_wakes_a_card_that_came_to_rest_and_asks_anew_when_its_task_is_gone(
    run: Run, engine: FakeEngine, clock: FakeClock, store: Store, notebook: NotebookId
) -> None:
    engine.knows("x", "x.iso")
    async with run(task_ttl_seconds=100) as manager:
        presser = Presser(manager, store, clock)
        saved = await presser.notebook.save(
            f"magnet:?xt=urn:btih:{torrent('x').shown}", notebook=notebook, person=ALICE, origin=None
        )
        assert saved is not None
        await presser.press(Verb.CALIBRATE, saved.note_id)
        follower = await presser.follower()
        await presser.followers.rests(follower)  # the bot may not write there: the button still stands
        await clock.advance(5)
        await presser.press(Verb.CALIBRATE, saved.note_id)
        await presser.show()
        await clock.advance(200)
        await manager.cleanup_old_tasks()
        await presser.press(Verb.CALIBRATE, saved.note_id)
        assert (await presser.follower()).task_id != follower.task_id


@pytest.mark.parametrize(("asked_by", "answers"), [(1, 7), (2, None), (None, None)])
async def test_what_is_pressed_answers_the_message_with_which_its_presser_had_asked(
    asked_by: int | None, answers: int | None, run: Run, clock: FakeClock, store: Store, notebook: NotebookId
) -> None:
    async with run() as manager:
        presser = Presser(manager, store, clock)
        text = f"magnet:?xt=urn:btih:{torrent('x').shown}"
        saved = await presser.notebook.save(text, notebook=notebook, person=ALICE, origin=None)
        assert saved is not None
        await presser.press(Verb.CALIBRATE, saved.note_id, asked_by=asked_by)
        assert (await presser.follower()).reply_to == answers


async def test_a_press_is_refused_in_words_also_where_the_store_fails_while_its_message_is_adopted(
    run: Run, engine: FakeEngine, clock: FakeClock, store: Store, submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.knows("x", "x.iso")

    async def fail(_: Followership, task_id: TaskId) -> None:
        raise StoreUnavailable

    async with run() as manager:
        presser = Presser(manager, store, clock)
        task_id = await submit(manager, "x")
        await clock.advance(5)
        with monkeypatch.context() as patch:
            patch.setattr(Followership, "again", fail)
            said = await presser.press(Verb.CANCEL, task_id, message_id=77)
            assert said == "It has already ended."
            assert await presser.followers.at("tg:1", 77) is None
        await presser.press(Verb.CANCEL, task_id, message_id=77)
        follower = await presser.follower(77)
        assert presser.box.marks[-1] == (follower.id, Rank.END)


async def test_a_message_that_offers_to_undo_a_deletion_says_that_the_note_is_back_where_it_was_back_already(
    run: Run, clock: FakeClock, store: Store
) -> None:
    async with run() as manager:
        presser = Presser(manager, store, clock)
        home = await presser.notebook.behind("tg:1")
        saved = await presser.notebook.save(
            f"magnet:?xt=urn:btih:{torrent('x').shown}", notebook=home, person=ALICE, origin=None
        )
        assert saved is not None
        await presser.notebook.delete(home, saved.note_id)
        await presser.notebook.restore(home, saved.note_id)
        said = await presser.press(Verb.UNDELETE, saved.note_id)
        assert said == "This note is not deleted: there is nothing to take back."
        assert presser.box.edits == [(CARD, f"#{saved.note_id} is back.")]

"""A group becomes a supergroup: what goes along to its new name, in one transaction and once."""

import pytest
from structlog.testing import capture_logs

from handlers.live_status import LiveStatus
from handlers.outgoing import Address
from services.access import Access, LetIn, Role
from services.calibration.follower import Follower, NewFollower
from services.calibration.followers import Followership
from services.calibration.manager import AsyncCalibrationManager
from services.calibration.moves import Moves
from services.calibration.task import State
from services.errors import NoteNotFound, StoreUnavailable
from services.i18n import Catalogues
from services.notebook.languages import Languages
from services.notebook.notebook import Notebook
from services.notebook.people import Outcome, People
from services.store.store import Store
from services.torrents import NoteId, PersonId, TaskId
from tests.fake_clock import FakeClock
from tests.unit.conftest import Run
from tests.unit.fakes import FakeEngine, hashes, torrent
from tests.unit.test_people import FullDisk

ALICE, BOB = PersonId("tg:1"), PersonId("tg:2")
OLD, NEW, OTHER = "tg:-500", "tg:-100500", "tg:-100501"
OWNED = Access(owners=frozenset({ALICE}))
BY_SETTINGS = Access(owners=frozenset({ALICE}), chats=frozenset({OLD}))


class World:
    """One start of the program, as far as places go."""

    def __init__(self, store: Store, people: People, clock: FakeClock) -> None:
        self.store, self.people, self.clock = store, people, clock
        self.notebook = Notebook(store, clock, lambda _: None)
        self.followers = Followership(store, clock)
        self.moves = Moves(store, people, clock)

    async def note(self, door: str, text: str = "a word") -> NoteId:
        notebook = await self.notebook.behind(door)
        saved = await self.notebook.save(text, notebook=notebook, person=BOB, origin=None, anything=True)
        assert saved is not None
        return saved.note_id

    async def opens(self, door: str, note_id: NoteId) -> bool:
        try:
            await self.notebook.get(await self.notebook.behind(door), note_id)
        except NoteNotFound:
            return False
        return True

    async def told(self, manager: AsyncCalibrationManager, word: str, address: str = OLD) -> Follower:
        """Return the follower of a new task at *address*."""
        notebook = await self.notebook.behind(OLD)
        new = NewFollower(address=address, reply_to=7)
        task_id = await manager.submit_task(
            request=hashes(word), notebook=notebook, asked_by=BOB, cause="command", follower=new
        )
        return await self.follower(task_id)

    async def follower(self, task_id: TaskId) -> Follower:
        (one,) = await self.followers.of(task_id)
        return one

    def serves(self, chat: str, person: PersonId = BOB) -> bool:
        return self.people.access.serves(person, chat, private=False)


async def begun(store: Store, clock: FakeClock, access: Access) -> World:
    return World(store, await People(store, access, clock).load(), clock)


@pytest.fixture
async def world(store: Store, clock: FakeClock) -> World:
    return await begun(store, clock, OWNED)


# The notebook.


async def test_the_supergroup_opens_the_groups_notebook(world: World) -> None:
    number = await world.note(OLD)
    await world.moves.move(OLD, NEW)
    assert await world.opens(NEW, number)
    assert not await world.opens(OTHER, number)


async def test_an_empty_notebook_that_the_supergroup_has_opened_gives_way(world: World) -> None:
    number = await world.note(OLD)
    await world.notebook.behind(NEW)
    moved = await world.moves.move(OLD, NEW)
    assert await world.opens(NEW, number)
    assert not moved.apart


async def test_notes_that_the_supergroup_has_already_stay_and_the_groups_are_said_to_be_left_behind(
    world: World,
) -> None:
    old, new = await world.note(OLD), await world.note(NEW)
    moved = await world.moves.move(OLD, NEW)
    assert moved.apart
    assert (await world.opens(NEW, new), await world.opens(NEW, old)) == (True, False)


async def test_an_empty_notebook_is_not_said_to_be_left_behind(world: World) -> None:
    await world.notebook.behind(OLD)
    await world.note(NEW)
    assert not (await world.moves.move(OLD, NEW)).apart


async def test_what_was_written_in_the_group_and_comes_later_is_kept_in_the_supergroups_notebook(
    store: Store, clock: FakeClock
) -> None:
    world = await begun(store, clock, BY_SETTINGS)
    await world.moves.move(OLD, NEW)  # nobody has opened its notebook yet
    assert world.serves(OLD)
    for late in (await world.note(OLD), await world.note(OLD)):
        assert await world.opens(NEW, late)


# Its language.


async def test_a_database_that_cannot_be_read_afterwards_keeps_nobody_from_hearing_of_the_upgrade(
    store: Store, clock: FakeClock, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await begun(store, clock, BY_SETTINGS)
    languages = Languages(store, Catalogues({}), clock)
    await languages.choose(OLD, "zh")

    async def unreadable(*_: object) -> None:
        raise StoreUnavailable

    async with run() as manager:
        live = LiveStatus(manager, world.followers, world.moves, clock, languages)
        with monkeypatch.context() as patch, capture_logs() as logs:
            patch.setattr(store, "read", unreadable)
            await live.moved(Address.parse(OLD).chat_id, Address.parse(NEW).chat_id)
    assert languages.of(NEW) == "zh"
    assert [one["event"] for one in logs] == ["group_upgraded"]


async def test_a_language_that_was_chosen_for_the_supergroup_stays(world: World) -> None:
    languages = Languages(world.store, Catalogues({}), world.clock)
    await languages.choose(OLD, "zh")
    await languages.choose(NEW, "en")
    assert (await world.moves.move(OLD, NEW)).languages[NEW] == "en"


# Who is let in.


async def test_a_group_that_the_settings_let_in_is_let_in_as_a_supergroup_and_over_restarts(
    store: Store, clock: FakeClock
) -> None:
    world = await begun(store, clock, BY_SETTINGS)
    assert (world.serves(OLD), world.serves(NEW)) == (True, False)
    moved = await world.moves.move(OLD, NEW)
    assert (moved.first, moved.by_settings) == (True, True)
    for one in (world, await begun(store, clock, BY_SETTINGS)):
        assert one.serves(NEW)
        (chat,) = [let_in for let_in in one.people.everybody(asked_by=ALICE) if let_in.role is Role.CHAT]
        assert chat == LetIn(who=NEW, role=Role.CHAT, added_at=clock.now(), added_by=PersonId(OLD))


async def test_a_group_that_an_owner_let_in_is_let_in_by_them_as_a_supergroup(world: World) -> None:
    await world.people.allow(OLD, Role.CHAT, asked_by=ALICE)
    at = world.clock.now()
    await world.clock.advance(10)
    moved = await world.moves.move(OLD, NEW)
    assert (moved.first, moved.by_settings) == (True, False)
    assert world.serves(NEW)
    (chat,) = [let_in for let_in in world.people.everybody(asked_by=ALICE) if let_in.role is Role.CHAT]
    assert chat == LetIn(who=NEW, role=Role.CHAT, added_at=at, added_by=ALICE)


async def test_a_supergroup_that_is_let_in_already_stays_as_it_is(store: Store, clock: FakeClock) -> None:
    world = await begun(store, clock, BY_SETTINGS)
    await world.people.allow(NEW, Role.CHAT, asked_by=ALICE)
    await world.moves.move(OLD, NEW)
    (chat,) = [let_in for let_in in world.people.everybody(asked_by=ALICE) if let_in.role is Role.CHAT]
    assert (chat.who, chat.added_by) == (NEW, ALICE)


async def test_settings_that_know_the_supergroup_already_let_it_in_by_themselves(
    store: Store, clock: FakeClock
) -> None:
    world = await begun(store, clock, Access(owners=frozenset({ALICE}), chats=frozenset({OLD, NEW})))
    moved = await world.moves.move(OLD, NEW)
    assert (moved.first, moved.by_settings) == (True, False)
    assert [one for one in world.people.everybody(asked_by=ALICE) if one.role is Role.CHAT] == [
        LetIn(who=NEW, role=Role.CHAT)
    ]


@pytest.mark.parametrize("access", [OWNED, BY_SETTINGS], ids=["by an owner", "by the settings"])
async def test_who_is_denied_afterwards_is_let_in_by_no_later_word_nor_by_the_old_number(
    store: Store, clock: FakeClock, access: Access
) -> None:
    world = await begun(store, clock, access)
    await world.people.allow(OLD, Role.CHAT, asked_by=ALICE)
    await world.moves.move(OLD, NEW)
    assert await world.people.deny(NEW, asked_by=ALICE) is Outcome.CHANGED
    await world.moves.move(OLD, NEW)
    for one in (world, await begun(store, clock, access)):
        assert not one.serves(NEW)
        assert not one.serves(OLD)


async def test_the_old_number_means_the_supergroup_to_an_owner_too(store: Store, clock: FakeClock) -> None:
    world = await begun(store, clock, BY_SETTINGS)
    await world.moves.move(OLD, NEW)
    assert await world.people.deny(OLD, asked_by=ALICE) is Outcome.CHANGED
    assert not world.serves(NEW)
    assert await world.people.allow(OLD, Role.CHAT, asked_by=ALICE) is Outcome.CHANGED
    assert world.serves(NEW)


async def test_a_group_that_nobody_let_in_lets_no_supergroup_in_and_leaves_nothing(world: World) -> None:
    moved = await world.moves.move(OLD, NEW)
    assert not moved.first
    assert not world.serves(NEW)
    assert await world.store.read(lambda tx: tx.people.moved()) == {}


async def test_a_denied_groups_notebook_goes_along_and_lets_nobody_in(world: World) -> None:
    number = await world.note(OLD)
    await world.moves.move(OLD, NEW)
    assert await world.opens(NEW, number)
    assert not world.serves(NEW)


async def test_the_first_of_two_words_counts(world: World) -> None:
    await world.people.allow(OLD, Role.CHAT, asked_by=ALICE)
    await world.moves.move(OLD, NEW)
    await world.moves.move(OLD, OTHER)
    assert (world.serves(NEW), world.serves(OTHER)) == (True, False)


async def test_a_full_disk_changes_nothing_and_the_next_word_does_all(store: Store, clock: FakeClock) -> None:
    world = await begun(store, clock, BY_SETTINGS)
    number = await world.note(OLD)
    moves = Moves(FullDisk(store), world.people, clock)  # type: ignore[arg-type] # as much of it as a move needs
    with pytest.raises(StoreUnavailable):
        await moves.move(OLD, NEW)
    assert (world.serves(OLD), world.serves(NEW)) == (True, False)
    assert (await moves.move(OLD, NEW)).first
    assert world.serves(NEW)
    assert await world.opens(NEW, number)


# Who is told.


async def test_the_card_of_a_task_under_way_shows_itself_anew_in_the_supergroup(world: World, run: Run) -> None:
    async with run() as manager:
        follower = await world.told(manager, "x")
        elsewhere = await world.told(manager, "y", "tg:-5000")
        await world.followers.shown(follower, 50, 1, State.RUNNING)
        moved = await world.moves.move(OLD, NEW)
        one = await world.follower(follower.task_id)
        assert moved.followers == [one]
        assert (one.address, one.message_id, one.reply_to, one.end_shown_at) == (NEW, None, None, None)
        assert await world.follower(elsewhere.task_id) == elsewhere
        assert await world.followers.at(OLD, 50) is None


async def test_an_end_that_was_not_shown_is_yet_to_be_shown_and_one_that_was_stays_quiet(
    world: World, run: Run, engine: FakeEngine
) -> None:
    for word in ("told", "untold", "changed"):
        engine.names[torrent(word)] = f"{word}.iso"
    async with run() as manager:
        told, untold, changed = [await world.told(manager, word) for word in ("told", "untold", "changed")]
        await world.clock.advance(5)
        for number, one in enumerate((told, changed)):
            await world.followers.shown(one, number, 1, State.COMPLETED)
        await world.followers.shown(untold, 9, 1, State.RUNNING)
        await world.followers.again(changed.task_id)  # what it says of notes has changed since
        moved = await world.moves.move(OLD, NEW)
        assert [one.task_id for one in moved.followers] == [untold.task_id]
        assert await world.followers.unfinished() == moved.followers


async def test_an_edit_that_reached_the_group_just_before_says_nothing_of_the_new_message(
    world: World, run: Run
) -> None:
    async with run() as manager:
        follower = await world.told(manager, "x")
        await world.moves.move(OLD, NEW)
        await world.followers.shown(follower, 50, 1, State.RUNNING)
        assert (await world.follower(follower.task_id)).message_id is None


async def test_who_comes_to_the_old_place_later_goes_along_with_the_next_word(world: World, run: Run) -> None:
    async with run() as manager:
        first = await world.told(manager, "x")
        assert (await world.moves.move(OLD, NEW)).first
        late = await world.told(manager, "y")
        moved = await world.moves.move(OLD, NEW)
        assert not moved.first
        assert [one.task_id for one in moved.followers] == [late.task_id]
        assert (await world.moves.move(OLD, NEW)).followers == []
        assert {(await world.follower(one.task_id)).address for one in (first, late)} == {NEW}


# What the operator is told.


async def logged(world: World, manager: AsyncCalibrationManager) -> list[dict[str, object]]:
    languages = Languages(world.store, Catalogues({}), world.clock)
    live = LiveStatus(manager, world.followers, world.moves, world.clock, languages)
    with capture_logs() as logs:
        for _ in range(2):
            await live.moved(Address.parse(OLD).chat_id, Address.parse(NEW).chat_id)
    return [dict(one) for one in logs]


async def test_the_operator_is_told_once_what_to_write_into_the_settings(
    store: Store, clock: FakeClock, run: Run
) -> None:
    world = await begun(store, clock, BY_SETTINGS)
    async with run() as manager:
        (line,) = await logged(world, manager)
    assert (line["event"], line["chat"], line["became"], line["log_level"]) == (
        "group_upgraded",
        -500,
        -100500,
        "warning",
    )
    assert "write -100500 in the place of -500 into allowed_chats" in str(line["remedy"])


async def test_of_a_group_that_an_owner_let_in_the_operator_has_nothing_to_do(world: World, run: Run) -> None:
    await world.people.allow(OLD, Role.CHAT, asked_by=ALICE)
    async with run() as manager:
        (line,) = await logged(world, manager)
    assert (line["event"], line["log_level"], "remedy" in line) == ("group_upgraded", "info", False)


async def test_the_operator_is_told_of_a_notebook_that_is_left_behind(world: World, run: Run) -> None:
    await world.note(OLD)
    await world.note(NEW)
    async with run() as manager:
        lines = await logged(world, manager)
    assert [one["event"] for one in lines] == ["group_upgraded", "notebook_left_behind"]


async def test_the_language_that_was_chosen_for_the_group_goes_along(store: Store, clock: FakeClock, run: Run) -> None:
    world = World(store, People(store, Access(), clock), clock)
    languages = Languages(store, Catalogues({}), clock)
    await languages.choose(OLD, "en")
    async with run() as manager:
        live = LiveStatus(manager, world.followers, world.moves, clock, languages)
        await live.moved(Address.parse(OLD).chat_id, Address.parse(NEW).chat_id)
    assert languages.of(NEW) == "en"

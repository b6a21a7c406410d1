"""Which message shows which task, and what is stored of it."""

import pytest

from services.calibration.follower import Follower, NewFollower
from services.calibration.followers import Followership
from services.calibration.task import State
from services.errors import TaskNotFound
from services.store.store import Store
from services.torrents import NotebookId, PersonId, TaskId
from tests.fake_clock import FakeClock, settle
from tests.unit.conftest import Run
from tests.unit.fakes import FakeEngine, hashes

ALICE, BOB = PersonId("tg:1"), PersonId("tg:2")
HERE = "tg:100"


@pytest.fixture
def followers(store: Store, clock: FakeClock) -> Followership:
    return Followership(store, clock)


@pytest.fixture
async def task_id(run: Run, notebook: NotebookId) -> TaskId:
    """A task that a new message follows, in reply to 7."""
    async with run() as manager:
        return await manager.submit_task(
            request=hashes("x"),
            notebook=notebook,
            asked_by=ALICE,
            cause="command",
            follower=NewFollower(address=HERE, reply_to=7, language="de"),
        )


@pytest.fixture
async def follower(followers: Followership, task_id: TaskId) -> Follower:
    (one,) = await followers.of(task_id)
    return one


async def now(followers: Followership, follower: Follower) -> Follower:
    one = await followers.get(follower.id)
    assert one is not None
    return one


async def test_a_follower_is_stored_with_all_that_its_message_and_its_buttons_need(
    followers: Followership, follower: Follower, task_id: TaskId, notebook: NotebookId
) -> None:
    assert (follower.task_id, follower.notebook, follower.asked_by) == (task_id, notebook, ALICE)
    assert (follower.address, follower.reply_to, follower.language) == (HERE, 7, "de")
    assert follower.request == hashes("x")
    assert (follower.message_id, follower.shown_state, follower.end_shown_at, follower.gone) == (
        None,
        None,
        None,
        False,
    )
    assert await followers.get(follower.id) == follower
    assert await followers.unfinished() == [follower]


async def test_what_is_shown_is_stored_and_its_message_found_again(followers: Followership, follower: Follower) -> None:
    await followers.shown(follower, 50, 1, State.RUNNING)
    one = await followers.at(HERE, 50)
    assert one is not None
    assert (one.id, one.shown_attempt, one.shown_state, one.end_shown_at) == (follower.id, 1, State.RUNNING, None)
    assert await followers.at(HERE, 51) is None
    assert await followers.at("tg:101", 50) is None


@pytest.mark.parametrize("state", [State.COMPLETED, State.FAILED, State.CANCELLED])
async def test_a_shown_end_is_the_last_word(
    state: State, followers: Followership, follower: Follower, clock: FakeClock
) -> None:
    await followers.shown(follower, 50, 1, state)
    assert (await now(followers, follower)).end_shown_at == clock.now()
    assert not await followers.unfinished()


async def test_an_end_that_a_retry_has_overtaken_is_not_the_last_word(
    run: Run, followers: Followership, follower: Follower, task_id: TaskId, notebook: NotebookId
) -> None:
    async with run() as manager:
        await manager.cancel_task(task_id, notebook=notebook, asked_by=ALICE)
        await manager.retry_task(task_id, notebook=notebook, asked_by=ALICE)
    await followers.shown(follower, 50, 1, State.CANCELLED)
    one = await now(followers, follower)
    assert (one.message_id, one.shown_attempt, one.shown_state, one.end_shown_at) == (50, 1, State.CANCELLED, None)
    await followers.shown(one, 50, 2, State.CANCELLED)
    assert not await followers.unfinished()


async def test_a_retry_makes_every_message_unfinished_again(
    run: Run, followers: Followership, follower: Follower, task_id: TaskId, notebook: NotebookId
) -> None:
    async with run() as manager:
        await manager.cancel_task(task_id, notebook=notebook, asked_by=ALICE)
        await followers.shown(follower, 50, 1, State.CANCELLED)
        assert not await followers.unfinished()
        await manager.retry_task(task_id, notebook=notebook, asked_by=ALICE)
    assert [one.id for one in await followers.unfinished()] == [follower.id]


async def test_a_deleted_message_is_forgotten_and_its_end_is_still_owed(
    followers: Followership, follower: Follower
) -> None:
    await followers.shown(follower, 50, 1, State.RUNNING)
    await followers.lost_message(follower)
    one = await now(followers, follower)
    assert (one.message_id, one.gone, one.end_shown_at) == (None, True, None)
    assert await followers.at(HERE, 50) is None
    await followers.shown(one, 60, 1, State.FAILED)
    assert (await now(followers, follower)).gone is False


async def test_one_that_rests_is_owed_nothing(followers: Followership, follower: Follower, clock: FakeClock) -> None:
    await followers.rests(follower)
    assert (await now(followers, follower)).end_shown_at == clock.now()
    assert not await followers.unfinished()


# Messages that begin to follow.


async def test_a_message_that_nobody_follows_is_adopted(
    followers: Followership, task_id: TaskId, notebook: NotebookId
) -> None:
    await followers.adopt(task_id, notebook, NewFollower(address=HERE, message_id=70))
    one = await followers.at(HERE, 70)
    assert one is not None
    assert (one.task_id, one.request) == (task_id, hashes("x"))


async def test_a_message_that_is_followed_stays_as_it_is(
    run: Run, followers: Followership, follower: Follower, notebook: NotebookId
) -> None:
    await followers.shown(follower, 50, 1, State.COMPLETED)
    before = await now(followers, follower)
    async with run() as manager:
        other = await manager.submit_task(request=hashes("y"), notebook=notebook, asked_by=ALICE, cause="command")
        await followers.adopt(other, notebook, NewFollower(address=HERE, message_id=50))
    assert await now(followers, follower) == before
    assert not await followers.of(other)


async def test_another_notebooks_task_is_adopted_by_nobody_just_as_an_unknown_one(
    store: Store, clock: FakeClock, followers: Followership, task_id: TaskId, notebook: NotebookId
) -> None:
    foreign = await store.write(lambda tx: tx.notebooks.open("tg:2", clock.now()))
    message = NewFollower(address=HERE, message_id=70)
    errors = []
    for task, where in ((task_id, foreign), (TaskId("unknown"), notebook), (TaskId(""), notebook)):
        with pytest.raises(TaskNotFound) as error:
            await followers.adopt(task, where, message)
        errors.append((type(error.value), error.value.parameters))
    assert errors == [errors[0]] * 3
    assert await followers.at(HERE, 70) is None


async def test_a_message_that_becomes_another_tasks_follows_that_one_alone(
    run: Run, followers: Followership, follower: Follower, task_id: TaskId, notebook: NotebookId
) -> None:
    await followers.shown(follower, 50, 1, State.CANCELLED)
    async with run() as manager:
        other = await manager.submit_task(
            request=hashes("y"),
            notebook=notebook,
            asked_by=ALICE,
            cause="button",
            follower=NewFollower(address=HERE, message_id=50),
        )
    one = await followers.at(HERE, 50)
    assert one is not None
    assert (one.task_id, one.shown_state, one.end_shown_at) == (other, None, None)
    assert not await followers.of(task_id)
    await followers.shown(follower, 50, 1, State.CANCELLED)  # what was on its way for the task before
    assert await followers.at(HERE, 50) == one


async def test_a_second_press_of_its_button_gives_the_task_that_a_message_shows_whoever_presses(
    run: Run, followers: Followership, engine: FakeEngine, clock: FakeClock, notebook: NotebookId
) -> None:
    engine.knows("x", "x.iso")
    async with run() as manager:

        async def press(person: PersonId, word: str = "x") -> TaskId:
            return await manager.submit_task(
                request=hashes(word),
                notebook=notebook,
                asked_by=person,
                cause="button",
                follower=NewFollower(address=HERE, message_id=50),
            )

        task_id = await press(ALICE)
        assert await press(BOB) == task_id
        await clock.advance(1)
        assert await press(ALICE) == task_id
        assert len(await followers.of(task_id)) == 1
        assert await press(ALICE, "y") != task_id, "another button of the same message"


async def test_a_follower_outlives_its_task_with_its_request(
    run: Run, followers: Followership, follower: Follower, engine: FakeEngine, clock: FakeClock
) -> None:
    engine.knows("x", "x.iso")
    async with run(task_ttl_seconds=10) as manager:
        await settle()
        await clock.advance(1)
        await followers.shown(follower, 50, 1, State.COMPLETED)
        await clock.advance(20)
        assert await manager.cleanup_old_tasks() == 1
    one = await followers.at(HERE, 50)
    assert one is not None
    assert one.request == hashes("x")
    await followers.shown(one, 50, 1, State.COMPLETED)
    assert (await now(followers, follower)).end_shown_at == clock.now()


async def test_a_card_adopted_before_its_number_was_known_is_followed_once(
    followers: Followership, follower: Follower, task_id: TaskId, notebook: NotebookId
) -> None:
    await followers.adopt(task_id, notebook, NewFollower(address=HERE, message_id=50))
    await followers.shown(follower, 50, 1, State.RUNNING)
    (one,) = await followers.of(task_id)
    assert (one.id, one.message_id, one.shown_state) == (follower.id, 50, State.RUNNING)


async def test_a_message_that_another_task_took_meanwhile_stays_that_ones(
    run: Run, followers: Followership, follower: Follower, task_id: TaskId, notebook: NotebookId
) -> None:
    async with run() as manager:
        other = await manager.submit_task(
            request=hashes("y"),
            notebook=notebook,
            asked_by=ALICE,
            cause="button",
            follower=NewFollower(address=HERE, message_id=50),
        )
    await followers.shown(follower, 50, 1, State.RUNNING)
    assert not await followers.of(task_id)
    (one,) = await followers.of(other)
    assert await followers.at(HERE, 50) == one
    assert [each.id for each in await followers.unfinished()] == [one.id]


async def test_one_that_rests_keeps_its_message_and_a_retry_wakes_it_alone(
    run: Run, followers: Followership, follower: Follower, task_id: TaskId, notebook: NotebookId
) -> None:
    async with run() as manager:
        await manager.cancel_task(task_id, notebook=notebook, asked_by=ALICE)
        await followers.shown(follower, 50, 1, State.RUNNING)
        await followers.rests(follower)
        await followers.adopt(task_id, notebook, NewFollower(address=HERE, message_id=50))
        await manager.retry_task(task_id, notebook=notebook, asked_by=ALICE)
    (one,) = await followers.of(task_id)
    assert (one.id, one.message_id, one.gone, one.end_shown_at) == (follower.id, 50, False, None)


async def test_who_asked_is_known_as_long_as_the_task_is_kept(followers: Followership, task_id: TaskId) -> None:
    assert await followers.asker(task_id) == ALICE
    assert await followers.asker(TaskId("unknown")) is None

"""Chats and topics that take no messages: what is shown there once they do, whatever came between."""

import random
from datetime import timedelta

import pytest

from handlers.closed_places import ClosedPlaces
from handlers.outgoing import Address
from services.calibration.follower import NewFollower, Place
from services.calibration.followers import Followership
from services.errors import LookupFailed, StoreUnavailable
from services.store.store import Store
from services.torrents import NotebookId, PersonId
from tests.fake_clock import FakeClock
from tests.unit.board_world import ALICE, GROUP, Begin, UnevenEngine, World, knows, starts
from tests.unit.fakes import hashes

HOUR = timedelta(hours=1).total_seconds()
TOPIC, OTHER_TOPIC = Address(-500, 7), Address(-500, 8)


@pytest.fixture
def engine(clock: FakeClock) -> UnevenEngine:
    return UnevenEngine(clock)


@pytest.fixture
def begin(store: Store, clock: FakeClock, engine: UnevenEngine, notebook: NotebookId) -> Begin:
    return starts(store, clock, engine, notebook)


def told(world: World, to: Address = GROUP) -> str:
    return "\n".join(world.telegram.texts(to.chat_id))


async def closed_with(world: World, engine: UnevenEngine, words: list[str], to: Address = GROUP) -> None:
    """Ask for *words*, and let the chat be closed before any of them ends."""
    engine.delay = 20
    for word in words:
        await world.ask(word, to=to)
    await world.passes(10)
    world.telegram.blocked.add(to.chat_id)
    await world.passes(60)


async def opens(world: World, how: str, to: Address = GROUP) -> None:
    world.telegram.blocked.discard(to.chat_id)
    if how == "by /start":
        await world.live.somebody_is_at(Address(to.chat_id), everywhere=True)
    else:
        await world.ask("the next one", to=to)


@pytest.mark.parametrize("how", ["by /start", "by what is asked next"])
@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize("hours", [0, 2, 29 * 24])
@pytest.mark.parametrize("count", [1, 5])
async def test_every_end_is_told_in_a_chat_that_is_open_again(
    begin: Begin, engine: UnevenEngine, clock: FakeClock, count: int, hours: float, how: str, *, restarts: bool
) -> None:
    words = knows(engine, count)
    async with begin() as world:
        await closed_with(world, engine, words)
        clock._now += hours * HOUR
        await world.manager.cleanup_old_tasks()
        if not restarts:
            await opens(world, how)
            await world.at_rest()
    if restarts:
        async with begin() as world:
            await world.manager.cleanup_old_tasks()
            await world.passes(5)
            await opens(world, how)
            await world.at_rest()
    assert world.living() == []
    assert [word for word in words if f"name {word}." not in told(world)] == []
    assert [text for text in world.shown() if " 0 found" in text] == []


@pytest.mark.parametrize("count", [1, 5])
async def test_a_closed_chat_costs_one_refused_request_and_no_start_costs_another(
    begin: Begin, engine: UnevenEngine, count: int
) -> None:
    async with begin() as world:
        await closed_with(world, engine, knows(engine, count))
        refused = world.telegram.turned_away[GROUP.chat_id]
    async with begin() as world:
        await world.passes(60)
        assert (refused, world.telegram.turned_away[GROUP.chat_id]) == (1, 1)
        await world.live.somebody_is_at(GROUP, everywhere=True)
        await world.passes(60)
        assert world.telegram.turned_away[GROUP.chat_id] == 2


async def test_one_that_is_open_again_before_the_program_knew_is_shown_once(begin: Begin, engine: UnevenEngine) -> None:
    async with begin() as world:
        await closed_with(world, engine, knows(engine, 1), to=ALICE)
        await opens(world, "by /start", to=ALICE)
        await world.at_rest()
        calls = len(world.telegram.calls)
        await world.live.somebody_is_at(ALICE, everywhere=True)
        await world.passes(60)
        assert len(world.telegram.calls) == calls


async def test_what_changes_on_an_ended_card_meanwhile_is_shown_when_its_chat_is_open_again(
    begin: Begin, engine: UnevenEngine
) -> None:
    async with begin() as world:
        task_id = await world.ask("w", to=ALICE)
        await world.passes(70)
        (before,) = world.shown(ALICE)
        assert before.startswith("<b>failed</b>")
        engine.knows("w", "name w.")
        world.telegram.blocked.add(ALICE.chat_id)
        await world.manager.retry_task(task_id, notebook=world.notebook, asked_by=PersonId("tg:1"))
        await world.passes(30)
        assert world.shown(ALICE) == [before]
        await opens(world, "by /start", to=ALICE)
        await world.at_rest()
        assert "name w." in world.shown(ALICE)[0]


async def test_a_list_whose_line_is_retried_elsewhere_while_its_chat_is_closed_is_not_left_live(
    begin: Begin, engine: UnevenEngine
) -> None:
    words = knows(engine, 3)
    engine.knows("lost", LookupFailed())
    engine.delay = 10
    async with begin() as world:
        for word in words:
            await world.ask(word)
        await world.passes(5)
        engine.delay = 30
        lost = await world.ask("lost")
        await world.passes(25)
        world.telegram.blocked.add(GROUP.chat_id)
        await world.passes(60)
        engine.knows("lost", "name lost.")
        await world.manager.retry_task(lost, notebook=world.notebook, asked_by=PersonId("tg:1"))
        await opens(world, "by /start")
        await world.at_rest()
        assert world.living() == []
        assert "name lost." in told(world)


async def test_an_ended_list_whose_line_is_retried_elsewhere_does_not_offer_it_any_more(
    begin: Begin, engine: UnevenEngine
) -> None:
    async with begin() as world:
        tasks = [await world.ask(word) for word in knows(engine, 4, lost=1)]
        await world.at_rest()
        assert "3 found, 1 not" in world.boards()[0]
        engine.knows("w0", "name w0.")
        await world.manager.retry_task(tasks[0], notebook=world.notebook, asked_by=PersonId("tg:1"))
        await world.at_rest()
        await world.passes(20)
        assert "3 found, 0 not" in world.boards()[0]


async def test_a_folded_card_whose_task_is_old_still_says_where_to_look(
    begin: Begin, engine: UnevenEngine, clock: FakeClock
) -> None:
    engine.delay = 3
    words = knows(engine, 4)
    async with begin() as world:
        for word in words[:3]:
            await world.ask(word)
        await world.passes(2)
        await world.ask(words[3])
        while not any(" 0 left" in text for text in world.shown()):
            await world.passes(0.5)
        assert world.living()  # the list goes first
    clock._now += 2 * HOUR
    async with begin() as world:
        await world.manager.cleanup_old_tasks()
        await world.at_rest()
        assert world.living() == []


async def test_a_group_that_becomes_another_while_it_is_closed_is_told_every_end_there(
    begin: Begin, engine: UnevenEngine, store: Store
) -> None:
    became = Address(-600)
    await store.write(lambda tx: tx.notebooks.open(str(GROUP), 0))
    words = knows(engine, 2)
    async with begin() as world:
        await closed_with(world, engine, words)
        world.telegram.upgraded[GROUP.chat_id] = became.chat_id
        await world.live.moved(GROUP.chat_id, became.chat_id)
        await world.at_rest()
        assert [word for word in words if f"name {word}." not in told(world, became)] == []


async def test_what_the_store_does_not_take_of_a_closed_chat_is_stored_later(
    begin: Begin, engine: UnevenEngine, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def down(_: object) -> None:
        raise StoreUnavailable(reason="disk full")

    async with begin() as world:
        engine.delay = 20
        world.telegram.blocked.add(ALICE.chat_id)
        await world.ask(*knows(engine, 1), to=ALICE)
        with monkeypatch.context() as patch:
            patch.setattr(store, "write", down)
            await world.passes(5)
        await world.passes(5)
        assert await world.followers.closed() == [Place(str(ALICE), whole=True)]
        await opens(world, "by /start", to=ALICE)
        await world.at_rest()
        assert await world.followers.closed() == []
        assert "name w0." in told(world, ALICE)


async def test_a_list_that_was_closed_for_longer_than_its_tasks_are_kept_ends_and_takes_in_no_other(
    begin: Begin, engine: UnevenEngine, clock: FakeClock
) -> None:
    words = knows(engine, 12)
    async with begin() as world:
        await closed_with(world, engine, words[:6])
        clock._now += 31 * 24 * HOUR
        await world.manager.cleanup_old_tasks()
        await opens(world, "by /start")
        await world.at_rest()
        assert world.living() == []
        for word in words[6:]:
            await world.ask(word)
        await world.at_rest()
        assert "What was listed here is no longer kept." in world.shown()
        (new,) = world.boards()
        assert "6 tasks: 6 found" in new
        assert [word for word in words[6:] if f"name {word}." not in new] == []


async def test_a_card_whose_task_is_kept_no_longer_says_so(
    begin: Begin, engine: UnevenEngine, clock: FakeClock
) -> None:
    async with begin() as world:
        await closed_with(world, engine, knows(engine, 1), to=ALICE)
        clock._now += 31 * 24 * HOUR
        await world.manager.cleanup_old_tasks()
        await opens(world, "by /start", to=ALICE)
        await world.at_rest()
        assert world.shown(ALICE) == ["This task is no longer kept."]


async def test_what_is_asked_once_a_chat_is_open_again_stands_below_and_not_on_the_list_of_before(
    begin: Begin, engine: UnevenEngine
) -> None:
    words = knows(engine, 11)
    async with begin() as world:
        await closed_with(world, engine, words[:5])
        world.telegram.blocked.clear()
        for word in words[5:]:
            await world.ask(word)
        await world.at_rest()
        (old, new) = world.boards()
        assert "5 tasks: 5 found" in old
        assert [word for word in words[5:] if f"name {word}." not in new] == []


async def test_the_same_asked_again_in_a_chat_that_is_open_again_is_told(begin: Begin, engine: UnevenEngine) -> None:
    words = knows(engine, 6)
    engine.delay = 50
    async with begin() as world:
        for word in words:
            await world.ask(word)
        await world.passes(5)
        world.live.closed(GROUP, whole=True)
        await world.passes(5)
        await world.live.somebody_is_at(GROUP)  # as a command does
        await world.ask(words[0])
        await world.at_rest()
        assert [word for word in words if f"name {word}." not in told(world)] == []


async def test_who_has_written_in_a_closed_chat_is_told_though_the_program_is_killed_right_then(
    begin: Begin, engine: UnevenEngine, store: Store, clock: FakeClock
) -> None:
    async with begin() as world:
        await closed_with(world, engine, knows(engine, 1), to=ALICE)
        await opens(world, "by /start", to=ALICE)
        killed = ClosedPlaces(Followership(store, clock))
        await killed.load()
        assert ALICE not in killed


async def test_a_closed_general_topic_holds_up_no_other(begin: Begin, engine: UnevenEngine) -> None:
    words = knows(engine, 2)
    async with begin() as world:
        world.live.closed(GROUP, whole=False)
        await world.ask(words[0], to=TOPIC)
        await world.passes(70)
        assert f"name {words[0]}." in told(world)
        await world.followers.again(await world.ask(words[1], to=TOPIC))
        await world.at_rest()
        assert f"name {words[1]}." in told(world)
        assert await world.followers.closed() == [Place("tg:-500", whole=False)]


async def test_closed_places_are_forgotten_with_what_was_to_be_shown_there_and_others_are_not(
    begin: Begin, engine: UnevenEngine, store: Store, clock: FakeClock
) -> None:
    near = Address(1001)
    async with begin() as world:
        await closed_with(world, engine, knows(engine, 1), to=ALICE)
        (closed,) = await world.followers.unfinished()
        task_id = await world.ask("w0", to=near)
        await world.passes(100)
        (other,) = await world.followers.of(task_id)
        clock._now += 60 * 24 * HOUR
        await world.manager.cleanup_old_tasks()
        assert await world.followers.get(closed.id) is not None
        assert await world.followers.closed() == [Place(str(ALICE), whole=True)]
        clock._now += 29.9 * 24 * HOUR
        await world.manager.cleanup_old_tasks()
        assert await world.followers.get(other.id) is not None
        clock._now += HOUR * 24
        await world.manager.cleanup_old_tasks()
        assert await world.followers.get(closed.id) is None
        assert await world.followers.closed() == []


@pytest.mark.parametrize("seed", range(12))
async def test_a_long_list_of_before_is_shown_to_its_last_end(begin: Begin, engine: UnevenEngine, seed: int) -> None:
    engine._draw = random.Random(seed)
    words = knows(engine, 20, lost=12)
    async with begin() as world:
        engine.spread = 20, 60
        for word in words:
            await world.ask(word)
        await world.passes(10)
        world.telegram.blocked.add(GROUP.chat_id)
        await world.passes(100)
        await opens(world, "by /start")
        await world.at_rest()
        await world.passes(60)
        assert world.living() == []
        assert "20 tasks: 8 found, 12 not, 0 left" in world.boards()[0]


async def test_a_folded_card_whose_task_is_kept_no_longer_is_not_left_live(
    begin: Begin, engine: UnevenEngine, clock: FakeClock
) -> None:
    engine.delay = 30
    words = knows(engine, 4)
    async with begin() as world:
        for word in words[:3]:
            await world.ask(word)
        await world.passes(2)
        await world.ask(words[3])
        while len(world.boards()) < 1:
            await world.passes(0.5)
        world.telegram.blocked.add(GROUP.chat_id)
        await world.passes(100)
        clock._now += 31 * 24 * HOUR
        await world.manager.cleanup_old_tasks()
        await opens(world, "by /start")
        await world.at_rest()
        assert world.living() == []


async def test_a_closed_general_has_its_list_to_itself_and_is_forgotten_like_any_topic(
    begin: Begin, engine: UnevenEngine, clock: FakeClock
) -> None:
    words = knows(engine, 9)
    async with begin() as world:
        engine.delay = 20
        for word in words[:4]:
            await world.ask(word)
        await world.passes(10)
        world.live.closed(GROUP, whole=False)
        await world.passes(60)
        await world.live.somebody_is_at(GROUP)
        for word in words[4:]:
            await world.ask(word)
        await world.at_rest()
        (old, new) = world.boards()
        assert "4 tasks: 4 found" in old
        assert "5 tasks: 5 found" in new
        await world.ask("lost")
        await world.passes(5)
        world.live.closed(GROUP, whole=False)
        await world.passes(70)
        assert len(await world.followers.unfinished()) == 1
        for days in (60, 31):
            clock._now += days * 24 * HOUR
            await world.manager.cleanup_old_tasks()
        assert await world.followers.unfinished() == []
        assert await world.followers.closed() == []


@pytest.mark.parametrize("hours", [0, 2, 40 * 24])
async def test_a_card_that_has_shown_its_end_stays_though_its_task_is_kept_no_longer(
    begin: Begin, engine: UnevenEngine, clock: FakeClock, hours: float
) -> None:
    async with begin() as world:
        task_id = await world.ask(*knows(engine, 1), to=ALICE)
        await world.at_rest()
        (shown,) = world.shown(ALICE)
        clock._now += hours * HOUR
        await world.manager.cleanup_old_tasks()
        await world.followers.again(task_id)
        await world.live.show(task_id)
        await world.at_rest()
        assert world.shown(ALICE) == [shown]
        await world.followers.again(task_id)
    async with begin() as world:
        await world.at_rest()
        assert world.shown(ALICE) == [shown]


async def test_a_message_that_became_another_tasks_does_not_rest_for_what_it_showed_before(
    begin: Begin, engine: UnevenEngine
) -> None:
    async with begin() as world:
        task_id = await world.ask(*knows(engine, 1), to=ALICE)
        await world.passes(1)
        (before,) = await world.followers.of(task_id)
        assert before.message_id is not None
        other = await world.manager.submit_task(
            request=hashes("another"),
            notebook=world.notebook,
            asked_by=PersonId("tg:1"),
            cause="button",
            follower=NewFollower(address=str(ALICE), message_id=before.message_id),
        )
        await world.followers.rests(before)
        assert [one.end_shown_at for one in await world.followers.of(other)] == [None]


# Which places are closed.


@pytest.fixture
def places(store: Store, clock: FakeClock) -> ClosedPlaces:
    return ClosedPlaces(Followership(store, clock))


async def tried(places: ClosedPlaces) -> set[Address]:
    async with places.tried() as opened:
        return set(opened)


async def test_a_closed_chat_closes_its_topics_and_a_closed_topic_nothing_else(places: ClosedPlaces) -> None:
    everything = (TOPIC, OTHER_TOPIC, GROUP, Address(-5000))
    places.close(TOPIC, whole=False)
    assert [one in places for one in everything] == [True, False, False, False]
    places.close(GROUP, whole=False)
    assert [one in places for one in everything] == [True, False, True, False]
    places.close(OTHER_TOPIC, whole=True)
    assert [one in places for one in everything] == [True, True, True, False]


async def test_what_a_chat_takes_opens_no_topic_and_start_opens_all(places: ClosedPlaces) -> None:
    places.close(GROUP, whole=True)
    places.close(TOPIC, whole=False)
    places.close(ALICE, whole=True)
    places.took(GROUP)
    assert await tried(places) == {GROUP}
    assert [one in places for one in (GROUP, OTHER_TOPIC, TOPIC, ALICE)] == [False, False, True, True]
    await places.knock(GROUP, everywhere=True)
    assert await tried(places) == {TOPIC}


async def test_what_a_topic_takes_opens_it_and_its_chat(places: ClosedPlaces) -> None:
    places.close(GROUP, whole=True)
    places.close(OTHER_TOPIC, whole=False)
    places.took(TOPIC)
    await tried(places)
    assert [one in places for one in (GROUP, TOPIC, OTHER_TOPIC)] == [False, False, True]


async def test_one_that_refuses_after_it_took_is_closed(places: ClosedPlaces) -> None:
    places.close(GROUP, whole=True)
    places.took(GROUP)
    places.close(GROUP, whole=True)
    assert await tried(places) == set()
    assert GROUP in places


async def test_a_topic_that_refuses_says_nothing_of_its_chat(places: ClosedPlaces) -> None:
    places.close(GROUP, whole=True)
    places.took(OTHER_TOPIC)
    places.close(TOPIC, whole=False)
    assert await tried(places) == {GROUP}
    assert [one in places for one in (OTHER_TOPIC, TOPIC)] == [False, True]


async def test_those_that_could_not_be_told_are_tried_again_and_what_they_took_meanwhile_counts(
    places: ClosedPlaces,
) -> None:
    places.close(GROUP, whole=True)
    places.took(GROUP)

    async def fails() -> None:
        async with places.tried():
            raise StoreUnavailable

    with pytest.raises(StoreUnavailable):
        await fails()
    assert GROUP in places
    async with places.tried() as opened:
        assert opened == {GROUP}
        places.close(GROUP, whole=True)
        places.took(GROUP)
    assert await tried(places) == {GROUP}
    assert await tried(places) == set()


async def test_they_are_known_after_a_restart(places: ClosedPlaces, store: Store, clock: FakeClock) -> None:
    places.close(GROUP, whole=True)
    places.close(ALICE, whole=True)
    await tried(places)
    places.took(ALICE)
    await tried(places)
    again = ClosedPlaces(Followership(store, clock))
    await again.load()
    assert [one in again for one in (GROUP, ALICE)] == [True, False]


async def test_one_that_is_knocked_at_and_refuses_is_stored_as_closed_again(
    places: ClosedPlaces, store: Store, clock: FakeClock
) -> None:
    places.close(GROUP, whole=True)
    await tried(places)
    await places.knock(GROUP)
    assert await Followership(store, clock).closed() == []
    await tried(places)
    places.close(GROUP, whole=True)
    await tried(places)
    assert await Followership(store, clock).closed() == [Place(str(GROUP), whole=True)]


async def test_open_places_are_no_work_for_the_store(
    places: ClosedPlaces, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "write", None)
    monkeypatch.setattr(store, "read", None)
    places.took(GROUP)
    await places.knock(GROUP, everywhere=True)
    assert await tried(places) == set()

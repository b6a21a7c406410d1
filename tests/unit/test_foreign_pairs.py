"""A claim of a link that names two hashes, which nobody knows to be one torrent's: it is said of neither of them."""

import pytest

from services.calibration.choice import choices
from services.calibration.manager import AsyncCalibrationManager
from services.notebook.history import History
from services.store.store import Store
from services.torrents import InfoHash, Name, NotebookId, TaskId, TorrentId
from tests.fake_clock import FakeClock
from tests.unit.conftest import Run
from tests.unit.fakes import FakeEngine, info_of, torrent
from tests.unit.name_world import BOB, World, link

CLAIM, TRUE = "claimed.mkv", "true.mkv"
ALONE = torrent("x")
PAIR = TorrentId(ALONE.v1, InfoHash("9" * 64))


def pair(name: str) -> str:
    return f"magnet:?xt=urn:btih:{PAIR.v1}&xt=urn:btmh:1220{PAIR.v2}&dn={name}"


@pytest.fixture
def world(store: Store, notebook: NotebookId, clock: FakeClock, engine: FakeEngine) -> World:
    engine.knows("x", info_of(ALONE, TRUE))
    engine.names[PAIR] = info_of(PAIR, CLAIM, verified=False)
    return World(store, notebook, clock, engine)


async def press(world: World, manager: AsyncCalibrationManager, task_id: TaskId) -> None:
    (only,) = choices(Name(text=CLAIM, raw=CLAIM.encode()), verified=False)
    items = await manager.list_items(task_id)
    position = next(one.position for one in items if one.torrent == PAIR)
    await world.choose(manager, task_id, only.word, position=position)


@pytest.mark.parametrize("order", [(PAIR, ALONE), (ALONE, PAIR)])
async def test_a_press_writes_into_the_links_of_the_pair_alone_and_its_undo_leaves_the_other(
    world: World, run: Run, store: Store, clock: FakeClock, order: tuple[TorrentId, TorrentId]
) -> None:
    def both(claimed: str) -> str:
        return " ".join(pair(claimed) if one == PAIR else link("x", TRUE) for one in order)

    async with run() as manager:
        note = await world.insert(" ".join(pair("18") if one == PAIR else link("x", "18") for one in order), *order)
        await world.calibrate(manager, note)
        task_id = await world.calibrate(manager, note)
        await press(world, manager, task_id)
        assert await world.text(note) == both(CLAIM)
        await world.calibrate(manager, note)
        assert await world.text(note) == both(CLAIM)
        await History(store, clock, manager.note_changed).undo_task(world.notebook, task_id, person=BOB)
        assert await world.text(note) == both("18")


async def test_one_that_was_chosen_is_written_into_no_note_that_has_one_hash_alone(world: World, run: Run) -> None:
    async with run() as manager:
        first = await world.insert(pair("18"), PAIR)
        task_id = await world.calibrate(manager, first)
        junk = await world.insert(link("x", "18"), ALONE)
        await press(world, manager, task_id)
        await world.calibrate(manager, later := await world.insert(f"b {pair('19')}", PAIR))
        assert [await world.text(one) for one in (first, later)] == [pair(CLAIM), f"b {pair(CLAIM)}"]
        assert await world.text(junk) == link("x", "18")
        await world.calibrate(manager, junk)
        await world.calibrate(manager, first)
        assert await world.text(junk) == link("x", TRUE)


async def test_both_in_a_new_note_get_their_own_names(world: World, run: Run) -> None:
    async with run() as manager:
        await press(world, manager, await world.calibrate(manager, await world.insert(pair("18"), PAIR)))
        note = await world.insert(f"{link('x', '18')} {pair('18')}", ALONE, PAIR)
        await world.calibrate(manager, note)
        assert await world.text(note) == f"{link('x', TRUE)} {pair(CLAIM)}"


async def test_an_old_name_that_is_kept_of_a_pair_leaves_the_one_of_its_hash(world: World, run: Run) -> None:
    async with run() as manager:
        await press(world, manager, await world.calibrate(manager, await world.insert(pair("18"), PAIR)))
        note = await world.insert(f"{link('x', 'Old.Film.2001')} {pair('Old.Film.2002')}", ALONE, PAIR)
        task_id = await world.calibrate(manager, note)
        items = await manager.list_items(task_id)
        key = next(one.key for one in items if one.torrent == PAIR)
        await manager.keep_old_name(key, notebook=world.notebook, asked_by=BOB)
        assert await world.text(note) == f"{link('x', TRUE)} {pair('Old.Film.2002')}"


async def test_a_note_with_one_hash_alone_is_not_calibrated_by_what_is_claimed_of_both(
    world: World, run: Run, store: Store
) -> None:
    async with run() as manager:
        asked = await world.insert(pair("18"), PAIR)
        alone = await world.insert(link("x", "18"), ALONE)
        task_id = await world.calibrate(manager, asked)
        for _ in range(2):
            assert set(await store.read(lambda tx: tx.notes.uncalibrated([asked, alone]))) == {alone}
            await press(world, manager, task_id)

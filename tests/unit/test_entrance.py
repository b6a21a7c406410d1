"""The DHT is entered again where it was lost, and at a calm pace."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from services.resolvers.libtorrent.entrance import Return
from services.resolvers.libtorrent.evidence import DhtSightings
from services.resolvers.libtorrent.lookups import Board, Lookup
from services.torrents import InfoHash, Progress, TorrentId
from tests.fake_clock import FakeClock, settle

NODES = ("router.test:6881",)


class FakeArm:
    """A session whose DHT has the nodes that it is told of, and that remembers when it was entered, and where."""

    def __init__(self, clock: FakeClock, nodes: int = 0) -> None:
        self.dht = DhtSightings(asked=True, nodes=nodes)
        self.session = self
        self.entered: list[float] = []
        self._clock = clock
        self._start = clock.monotonic()

    def enter_dht(self, nodes: tuple[str, ...]) -> None:
        assert nodes == NODES
        self.entered.append(self._clock.monotonic() - self._start)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


class Returning:
    """A `Return` that runs, for one lookup or none, and how often it asked again."""

    def __init__(self, clock: FakeClock, *arms: FakeArm) -> None:
        self.board: Board[Any] = Board()
        self.asked_again = 0
        self.it = Return(cast("Any", arms), NODES, self.board, self._again, clock)

    def _again(self) -> None:
        self.asked_again += 1

    @asynccontextmanager
    async def lookup(self) -> AsyncIterator[None]:
        found = asyncio.get_running_loop().create_future()
        one: Lookup[Any] = Lookup(TorrentId(v1=InfoHash("a" * 40), v2=None), cast("Progress", None), found)
        self.board.begin(one)
        yield
        self.board.leave(one)


@asynccontextmanager
async def returning(clock: FakeClock, *arms: FakeArm) -> AsyncIterator[Returning]:
    one = Returning(clock, *arms)
    task = asyncio.create_task(one.it.run())
    await settle()
    yield one
    task.cancel()
    await asyncio.wait([task])


async def test_without_a_node_it_is_entered_again_less_and_less_often(clock: FakeClock) -> None:
    arm = FakeArm(clock)
    async with returning(clock, arm) as one, one.lookup():
        await clock.advance(300)
    assert arm.entered == [5, 10, 20, 40, 80, 144, 208, 272]


async def test_with_a_node_it_is_left_alone_and_each_session_is_looked_at_for_itself(clock: FakeClock) -> None:
    well, lost = FakeArm(clock, nodes=1), FakeArm(clock)
    async with returning(clock, well, lost) as one, one.lookup():
        await clock.advance(9)
    assert (well.entered, lost.entered) == ([], [5])


async def test_where_bootstrap_nodes_alone_answer_it_is_left_alone(clock: FakeClock) -> None:
    arm = FakeArm(clock)
    async with returning(clock, arm) as one, one.lookup():
        for _ in range(20):
            arm.dht.messages += 1
            await clock.advance(1)
    assert arm.entered == []


async def test_what_was_asked_is_asked_again_once_it_has_come_back(clock: FakeClock) -> None:
    arm = FakeArm(clock, nodes=1)
    async with returning(clock, arm) as one, one.lookup():
        await clock.advance(60)
        arm.dht.nodes = 0
        await clock.advance(9)
        assert (len(arm.entered), one.asked_again) == (1, 0)
        arm.dht.nodes = 1
        await clock.advance(60)
        assert (len(arm.entered), one.asked_again) == (1, 1)


async def test_while_nothing_is_looked_up_nobody_is_asked(clock: FakeClock) -> None:
    arm = FakeArm(clock)
    async with returning(clock, arm) as one:
        await clock.advance(600)
        assert clock.sleeping == 0
        async with one.lookup():
            await clock.advance(4)
            assert arm.entered == []
            await clock.advance(2)
            assert arm.entered == [605]

"""The DHT is entered again where it was lost, and the proxy looked after, at a calm pace."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from services.resolvers.libtorrent import entrance
from services.resolvers.libtorrent.entrance import Entrance, Return
from services.resolvers.libtorrent.evidence import DhtSightings
from services.resolvers.libtorrent.lookups import Board, Lookup
from services.resolvers.socks import Proxy
from services.torrents import InfoHash, Progress, TorrentId
from tests.fake_clock import FakeClock, settle

NODES = ("203.0.113.1:6881",)
PROXY = Proxy("proxy.test", 1080)


class FakeArm:
    """A session whose DHT has the nodes that it is told of, and that remembers when it was entered, and where.

    It is its own lane, too, and remembers when it went to the proxy anew.
    """

    def __init__(self, clock: FakeClock, nodes: int = 0) -> None:
        self.dht = DhtSightings(asked=True, nodes=nodes)
        self.session = self.lane = self
        self.entered: list[float] = []
        self.came_again: list[float] = []
        self._clock = clock
        self._start = clock.monotonic()

    def enter_dht(self, nodes: tuple[str, ...]) -> None:
        assert tuple(nodes) == NODES
        self.entered.append(self._clock.monotonic() - self._start)

    def come_again(self, proxy: Proxy) -> None:
        assert proxy == PROXY
        self.came_again.append(self._clock.monotonic() - self._start)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


class FakeProxy:
    """Nodes answer through it; or what is *wrong* happens. *tried* is how often it was asked for them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.wrong: OSError | None = None
        self.tried = 0
        monkeypatch.setattr(entrance, "nodes_behind", self._nodes_behind)

    async def _nodes_behind(self, proxy: Proxy, nodes: tuple[str, ...]) -> tuple[str, ...]:
        assert proxy == PROXY
        self.tried += 1
        if self.wrong:
            raise self.wrong
        return nodes


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> FakeProxy:
    return FakeProxy(monkeypatch)


class Returning:
    """A `Return` that runs, or an `Entrance`, for one lookup or none, and how often it asked again."""

    def __init__(self, clock: FakeClock, *arms: FakeArm, behind: bool = False) -> None:
        self.board: Board[Any] = Board()
        self.asked_again = 0
        self.it: Entrance | Return
        if behind:
            self.it = Entrance(PROXY, cast("Any", arms), NODES, self.board, self._again, clock)
        else:
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
async def returning(clock: FakeClock, *arms: FakeArm, behind: bool = False) -> AsyncIterator[Returning]:
    one = Returning(clock, *arms, behind=behind)
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


async def test_a_proxy_through_which_something_comes_is_left_alone(clock: FakeClock, proxy: FakeProxy) -> None:
    arm = FakeArm(clock)
    async with returning(clock, arm, behind=True) as one, one.lookup():
        for _ in range(60):
            arm.dht.messages += 1
            await clock.advance(5)
        assert (proxy.tried, arm.entered, arm.came_again, one.asked_again) == (1, [0], [], 0)


async def test_where_nothing_comes_through_a_proxy_all_go_there_anew_less_and_less_often(
    clock: FakeClock, proxy: FakeProxy
) -> None:
    arm, well = FakeArm(clock), FakeArm(clock)
    async with returning(clock, arm, well, behind=True) as one, one.lookup():
        for _ in range(36):
            well.dht.messages += 1
            await clock.advance(5)
    assert sorted({*arm.came_again}) == [20, 61, 122]
    assert len(arm.came_again) == 2 * 3, "its lane, too"
    assert arm.came_again == well.came_again
    assert arm.entered == [0, 21, 62, 123]
    assert proxy.tried == 4


async def test_a_proxy_that_is_down_is_tried_once_a_minute_and_entered_when_it_is_well(
    clock: FakeClock, proxy: FakeProxy
) -> None:
    proxy.wrong = TimeoutError()
    arm = FakeArm(clock)
    with capture_logs() as logs:
        async with returning(clock, arm, behind=True):
            await clock.advance(600)
            assert (proxy.tried, arm.entered) == (15, [])
            proxy.wrong = None
            await clock.advance(64)
    assert len(arm.entered) == 1
    assert [(line["event"], line.get("error")) for line in logs] == [
        ("swarm.proxy", "it does not answer in time"),
        ("swarm.proxy_back", None),
    ]

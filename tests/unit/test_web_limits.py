"""How often one client may ask, and be wrong about who it is."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.requests import HTTPConnection

from services.store.store import Store
from tests.fake_clock import FakeClock
from tests.unit.conftest import Run
from tests.unit.web_world import ALICE, World, web_world
from web.app import make_app
from web.rates import Rates, client_of

ASKED = "/api/calibrate/status/none"
HERE, THERE = "192.0.2.1", "192.0.2.2"
FROM_HERE = {"Origin": "http://calibot"}


@pytest.fixture
async def world(run: Run, store: Store, clock: FakeClock) -> AsyncIterator[World]:
    async with run() as manager, web_world(manager, store, clock) as world:
        world.app = make_app(dataclasses.replace(world.services, rate_limit=30))
        yield world


async def statuses(http: httpx.AsyncClient, count: int, headers: dict[str, str]) -> list[int]:
    return [(await http.get(ASKED, headers=headers)).status_code for _ in range(count)]


async def test_a_client_that_asks_too_often_is_told_when_it_may_again_and_another_is_not_held_up(world: World) -> None:
    alice = world.as_(ALICE)
    async with world.client(HERE) as here, world.client(THERE) as there:
        assert await statuses(here, 31, alice) == [404] * 30 + [429]
        refused = await here.get(ASKED, headers=alice)
        assert (refused.json()["code"], refused.headers["retry-after"]) == ("too_many_requests", "3")
        assert refused.json()["error"] == "That was too often. Try again in 3 seconds."
        assert await statuses(there, 1, alice) == [404]
        await world.clock.advance(int(refused.headers["retry-after"]))
        assert await statuses(here, 2, alice) == [404, 429]


async def test_whoever_watches_the_process_is_never_refused(world: World) -> None:
    async with world.client(HERE) as here:
        assert {(await here.get("/healthz")).status_code for _ in range(100)} == {200}


async def test_who_guesses_has_to_wait_and_whoever_is_known_at_the_same_address_has_not(world: World) -> None:
    world.app = make_app(world.services)
    assert world.services.rate_limit == 0
    session = await world.services.sessions.open(await world.services.sessions.link(ALICE))
    async with world.client(HERE) as here, world.client(THERE) as there:
        guess = {"Authorization": "Bearer calibot_guess"}
        assert await statuses(here, 25, guess) == [401] * 20 + [429] * 5
        assert (await here.get(ASKED, headers=guess)).headers["retry-after"] == "4"
        assert await statuses(here, 1, world.as_(ALICE)) == [404]
        assert await statuses(here, 1, {"Cookie": f"calibot_session={session}"}) == [404]
        assert await statuses(there, 1, guess) == [401]
        await world.clock.advance(3)
        assert await statuses(here, 2, guess) == [401, 429]


async def test_who_guesses_links_has_to_wait_though_they_were_right_at_last(world: World) -> None:
    world.app = make_app(world.services)
    link = f"/login/{await world.services.sessions.link(ALICE)}"
    async with world.client(HERE) as here, world.client(THERE) as there:
        guesses = [(await here.post("/login/x", headers=FROM_HERE)).status_code for _ in range(22)]
        assert guesses == [404] * 20 + [429] * 2
        assert (await here.post(link, headers=FROM_HERE)).status_code == 429
        assert (await there.post(link, headers=FROM_HERE)).status_code == 303


async def test_no_other_sites_page_keeps_anybody_out(world: World) -> None:
    """As ``<img src="…/login/x">`` would, and forms that it sends by itself."""
    world.app = make_app(world.services)
    link = f"/login/{await world.services.sessions.link(ALICE)}"
    async with world.client(HERE) as here:
        for _ in range(50):
            await here.get("/login/x")
            assert (await here.post("/login/x", headers={"Origin": "https://elsewhere.example"})).status_code == 403
        assert await statuses(here, 1, world.as_(ALICE)) == [404]
        assert (await here.get(link)).status_code == 200
        assert (await here.post(link, headers=FROM_HERE)).status_code == 303


@pytest.mark.parametrize("wanted_for", ["image", "iframe", "empty", "websocket"])
async def test_what_another_sites_page_is_made_of_is_not_counted_for_its_reader(wanted_for: str, world: World) -> None:
    """Browsers say so of addresses with TLS, and of this machine; and of whoever only follows a link."""
    its = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": wanted_for}
    async with world.client(HERE) as here:
        assert {(await here.get("/", headers=its)).status_code for _ in range(40)} == {403}
        assert await statuses(here, 29, world.as_(ALICE)) == [404] * 29
        followed = {**its, "Sec-Fetch-Dest": "document"}
        assert (
            await here.get(f"/login/{await world.services.sessions.link(ALICE)}", headers=followed)
        ).status_code == 200
        assert await statuses(here, 1, world.as_(ALICE)) == [429]


async def test_of_a_link_it_is_told_so_often_that_it_is_none_and_then_nothing_before_it_is_used(world: World) -> None:
    world.app = make_app(world.services)
    async with world.client(HERE) as here:
        assert [(await here.get("/login/x")).status_code for _ in range(22)] == [404] * 20 + [200] * 2
        assert (await here.post("/login/x", headers=FROM_HERE)).status_code == 404


async def test_a_browser_forgets_a_session_that_has_ended_and_is_not_counted_for_it_again(world: World) -> None:
    world.app = make_app(world.services)
    sessions = world.services.sessions
    async with world.client(HERE) as here:
        await here.post(f"/login/{await sessions.link(ALICE)}", headers=FROM_HERE)
        await sessions.close_all(ALICE)
        assert {(await here.get("/")).status_code for _ in range(30)} == {401}
        assert not here.cookies
        assert (await here.post(f"/login/{await sessions.link(ALICE)}", headers=FROM_HERE)).status_code == 303
        assert await statuses(here, 1, {"Authorization": "Bearer calibot_guess"}) == [401]
        assert here.cookies, "it was the token that was nobody's"


async def test_asking_without_a_token_is_no_guess(world: World) -> None:
    world.app = make_app(world.services)
    async with world.client(HERE) as here:
        assert set(await statuses(here, 50, {})) == {401}


async def test_guesses_at_the_websocket_are_counted_too(world: World) -> None:
    world.app = make_app(world.services)
    answers = [(await world.listen(None, Authorization="Bearer guess")).status for _ in range(22)]
    assert answers == [401] * 20 + [429] * 2


async def test_sockets_that_another_sites_page_opens_are_not_counted_for_its_reader(world: World) -> None:
    its = {"Origin": "https://elsewhere.example"}
    assert {(await world.listen(None, **its)).status for _ in range(40)} == {403}
    own = await world.listen(ALICE)
    assert own.accepted
    await own.leaves()


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:1:2:3::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("no address", "no address", True),
    ],
)
def test_a_client_is_an_address_or_a_subscribers_network(one: str, other: str, *, same: bool) -> None:
    asking = [client_of(HTTPConnection({"type": "http", "client": (host, 1), "headers": []})) for host in (one, other)]
    assert (asking[0] == asking[1]) == same


@pytest.mark.parametrize("a_minute", [1, 3, 7, 60, 600, 10_000])
def test_all_of_a_minute_may_come_at_once_and_then_one_at_a_time(a_minute: int, clock: FakeClock) -> None:
    rates = Rates(clock, a_minute)
    for _ in range(a_minute):
        assert rates.wait("x") == 0
        rates.take("x")
    assert rates.wait("x") == pytest.approx(60 / a_minute, abs=1e-3)
    clock._now += 60 / a_minute
    assert rates.wait("x") == 0
    rates.take("x")
    assert rates.wait("x") > 0


def test_clients_are_not_remembered_without_end(clock: FakeClock) -> None:
    rates = Rates(clock, 1)
    for number in range(50_001):
        rates.take(str(number))
    assert [rates.wait(one) > 0 for one in ("0", "1", "50000")] == [False, True, True]


async def trickle(world: World, size: int, **headers: str) -> tuple[int, int]:
    """Send *size* bytes in pieces; return the answer's status, and how many bytes were taken."""
    taken = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal taken
        for _ in range(0, size, 16_384):
            taken += 16_384
            yield b" " * 16_384

    headers["Content-Type"] = "application/json"
    answer = await world.http.post("/api/notes", content=body(), headers=headers)
    return answer.status_code, taken


async def test_of_a_stranger_no_long_body_is_read(world: World) -> None:
    status, taken = await trickle(world, 3_000_000)
    assert status == 401
    status, taken = await trickle(world, 3_000_000, **world.as_(ALICE))
    assert (status, taken >= 3_000_000) == (400, True)


async def test_a_body_that_is_said_to_be_too_large_is_not_waited_for(world: World) -> None:
    async def nothing() -> AsyncIterator[bytes]:
        await world.clock.sleep(3600)
        yield b""

    headers = {"Content-Length": "99999999", "Content-Type": "application/json", **world.as_(ALICE)}
    answer = await world.http.post("/api/notes", content=nothing(), headers=headers)
    assert answer.status_code == 413


async def test_a_body_that_does_not_come_is_not_waited_for_without_an_end(world: World) -> None:
    async def slow() -> AsyncIterator[bytes]:
        yield b"{"
        await world.clock.sleep(3600)

    asking = asyncio.create_task(
        world.http.post("/api/notes", content=slow(), headers={"Content-Type": "application/json"})
    )
    await world.clock.advance(31)
    assert (await asking).json()["code"] == "too_slow"

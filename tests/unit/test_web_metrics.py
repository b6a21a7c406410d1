"""What Prometheus is told."""

import re
from collections.abc import AsyncIterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from services.errors import NotFound
from services.store.store import Store
from services.torrents import PersonId
from tests.fake_clock import FakeClock
from tests.unit.conftest import Run
from tests.unit.fakes import FakeEngine, torrent
from tests.unit.web_world import ALICE, BOB, CAROL, MALLORY, Sent, World, web_world
from web.figures import Figures


@pytest.fixture
async def world(run: Run, store: Store, clock: FakeClock, engine: FakeEngine) -> AsyncIterator[World]:
    engine.knows("x", "x.iso")
    engine.knows("no", NotFound(reason="no"))
    figures = Figures(Sent)
    async with run(looked_up=figures.looked_up) as manager, web_world(manager, store, clock, figures) as world:
        yield world


async def samples(world: World) -> dict[str, float]:
    """Return each sample by its name, with its labels' values."""
    answer = await world.get(ALICE, "/metrics")
    assert answer.status_code == 200
    return {
        "/".join([one.name, *one.labels.values()]): one.value
        for family in text_string_to_metric_families(answer.text)
        for one in family.samples
    }


async def test_lookups_are_counted_by_what_came_of_them_and_timed_by_source(world: World) -> None:
    for word in ("x", "no"):
        await world.ended("/api/calibrate/async", {"info_hash": torrent(word).shown.hex})
    told = await samples(world)
    assert told["calibot_lookups_total/found"] == 1
    assert told["calibot_lookups_total/not_found"] == 1
    assert told["calibot_lookup_wait_seconds_count"] == 2
    assert told["calibot_lookup_duration_seconds_count/swarm"] == 1
    assert told["calibot_lookup_duration_seconds_sum/swarm"] == pytest.approx(1)
    assert told["calibot_lookup_duration_seconds_count/none"] == 1


async def test_what_waits_and_runs_now_is_told(world: World) -> None:
    await world.post(ALICE, "/api/calibrate/batch", {"info_hashes": [f"{number:040x}" for number in range(1, 9)]})
    await world.clock.advance(1)
    told = await samples(world)
    assert (told["calibot_items/pending"], told["calibot_items/running"]) == (3, 5)


async def test_the_chats_messages_are_told(world: World) -> None:
    told = await samples(world)
    assert told["calibot_outbox_waiting"] == 3
    assert told["calibot_telegram_requests_total"] == 40
    assert told["calibot_telegram_flood_waits_total"] == 2


def test_without_a_chat_nothing_is_told_of_its_messages() -> None:
    text = Figures(lambda: None).shown({}, "")[0].decode()
    assert "calibot_items" in text
    assert not re.search("telegram|outbox", text)


async def test_a_name_that_was_known_is_no_lookup(world: World) -> None:
    for _ in range(2):
        await world.ended("/api/calibrate/async", {"info_hash": torrent("x").shown.hex})
    assert (await samples(world))["calibot_lookups_total/found"] == 1


@pytest.mark.parametrize(
    ("person", "status", "code"),
    [(None, 401, "token_needed"), (MALLORY, 403, "not_let_in"), (BOB, 403, "owners_only"), (CAROL, 403, "owners_only")],
)
async def test_nobody_but_an_owner_is_told(world: World, person: PersonId | None, status: int, code: str) -> None:
    answer = await world.get(person, "/metrics")
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_names_keep_to_the_conventions_and_say_what_they_are(world: World) -> None:
    text = (await world.get(ALICE, "/metrics")).text
    families = list(text_string_to_metric_families(text))
    assert all(re.fullmatch(r"calibot_[a-z_]+", one.name) and one.documentation for one in families)
    assert all(one.name.endswith("_seconds") for one in families if one.type == "histogram")


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("text/plain", "text/plain"),
        ("application/openmetrics-text; version=1.0.0", "application/openmetrics-text"),
        ("application/openmetrics-text; version=x", "application/openmetrics-text"),
    ],
)
async def test_it_is_told_in_the_format_that_is_asked_for(world: World, accept: str, kind: str) -> None:
    answer = await world.get(ALICE, "/metrics", Accept=accept)
    assert answer.headers["content-type"].startswith(kind)

"""Calibrating over HTTP: the exact bodies, who may do what, and what is refused."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from starlette.types import Message

from services.errors import LookupFailed
from services.store.store import Store
from tests.fake_clock import FakeClock
from tests.unit.conftest import Run
from tests.unit.fakes import FakeEngine, info_of, torrent
from tests.unit.web_world import ALICE, BOB, GROUP, World, web_world

ASYNC, BATCH, STATUS = "/api/calibrate/async", "/api/calibrate/batch", "/api/calibrate/status"


@pytest.fixture
async def world(run: Run, store: Store, clock: FakeClock, engine: FakeEngine) -> AsyncIterator[World]:
    engine.knows("a", "a.mkv")
    engine.knows("b", "b.mkv")
    engine.knows("lost", LookupFailed())
    async with run() as manager, web_world(manager, store, clock) as world:
        yield world


async def test_a_note_is_calibrated_and_the_bodies_are_those_of_the_report(world: World) -> None:
    note_id = await world.note(ALICE, "a")
    answer = await world.post(ALICE, ASYNC, {"note_id": note_id})
    task_id = answer.json()["task_id"]
    assert (answer.status_code, answer.json()) == (200, {"success": True, "task_id": task_id, "status": "pending"})
    await asyncio.sleep(0)
    running = (await world.get(ALICE, f"{STATUS}/{task_id}")).json()
    assert (running["success"], running["task_id"], running["note_id"]) == (True, task_id, note_id)
    assert running["status"] in {"pending", "running"}
    await world.clock.advance(2)
    done = (await world.get(ALICE, f"{STATUS}/{task_id}")).json()
    assert (done["status"], done["result"], done["counts"]) == ("completed", "a.mkv", {"completed": 1})
    assert (done["error"], done["code"]) == (None, None)
    (item,) = done["items"]
    assert (item["name"], item["verified"], item["certain"], item["notes"]) == ("a.mkv", True, True, [note_id])
    assert (item["size"], item["files"], item["source"]) == (1234, 2, "swarm")
    assert done["created_at"] <= done["started_at"] <= done["completed_at"]
    assert done["created_at"].endswith("Z")
    assert "dn=a.mkv" in await world.text(ALICE, note_id)


async def test_an_info_hash_is_looked_up_and_changes_no_note(world: World) -> None:
    note_id = await world.note(ALICE, "a")
    before = await world.text(ALICE, note_id)
    done = await world.ended(ASYNC, {"info_hash": torrent("a").shown.hex.upper()})
    assert (done["status"], done["result"]) == ("completed", "a.mkv")
    assert (done["info_hash"], done["note_id"]) == (torrent("a").shown.hex, None)
    assert await world.text(ALICE, note_id) == before


@pytest.mark.parametrize(("language", "error"), [("en", "The lookup ended without a name."), ("zh", "没有找到名字")])
async def test_a_failure_says_why_in_the_readers_language(language: str, error: str, world: World) -> None:
    task_id = str((await world.ended(ASYNC, {"info_hash": torrent("lost").shown.hex}))["task_id"])
    failed = (await world.get(ALICE, f"{STATUS}/{task_id}", language=language)).json()
    assert (failed["status"], failed["code"]) == ("failed", "lookup_failed")
    assert failed["error"] == failed["items"][0]["error"]
    assert failed["error"].isascii() == (language == "en")
    assert "result" not in failed or failed["result"] is None


async def test_many_are_one_task_with_pages_of_items(world: World, engine: FakeEngine) -> None:
    words = [f"w{number}" for number in range(45)]
    for word in words:
        engine.knows(word, f"{word}.mkv")
    answer = await world.post(ALICE, BATCH, {"info_hashes": [torrent(word).shown.hex for word in words]})
    task_id = answer.json()["task_id"]
    assert answer.json() == {"success": True, "task_id": task_id, "status": "pending", "total": 45}
    await world.clock.advance(100)
    done = (await world.get(ALICE, f"{STATUS}/{task_id}")).json()
    assert done["result"].splitlines() == [f"{word}.mkv" for word in words]
    assert [item["position"] for item in done["items"]] == list(range(20))
    pages = [(await world.get(ALICE, f"{STATUS}/{task_id}/items?page={page}")).json() for page in range(4)]
    assert [len(page["items"]) for page in pages] == [20, 20, 5, 0]
    assert [page["more"] for page in pages] == [True, True, False, False]


async def test_notes_and_all_that_were_not_calibrated_are_batches_too(world: World) -> None:
    first, second = await world.note(ALICE, "a"), await world.note(ALICE, "b")
    done = await world.ended(BATCH, {"note_ids": [first, second, first]})
    assert (done["result"], done["note_id"]) == ("a.mkv\nb.mkv", None)
    third = await world.note(ALICE, "a", "lost")
    done = await world.ended(BATCH, {"all": True})
    assert (done["note_id"], done["counts"]) == (third, {"completed": 1, "failed": 1})
    refused = await world.post(BOB, BATCH, {"all": True})
    assert (refused.status_code, refused.json()["code"]) == (404, "note_not_found")


async def test_notes_of_two_notebooks_are_no_batch(world: World) -> None:
    mine, ours = await world.note(ALICE, "a"), await world.note(GROUP, "b")
    refused = await world.post(ALICE, BATCH, {"note_ids": [mine, ours]})
    assert (refused.status_code, refused.json()["code"]) == (404, "note_not_found")


async def test_the_old_way_waits_for_the_name(world: World) -> None:
    note_id = await world.note(ALICE, "a")
    waiting = asyncio.ensure_future(world.post(ALICE, f"/api/calibrate/{note_id}"))
    await world.clock.advance(0.5)
    assert not waiting.done()
    await world.clock.advance(1)
    answer = await waiting
    assert (answer.status_code, answer.json()) == (200, {"success": True, "result": "a.mkv"})


async def test_a_name_that_is_only_claimed_says_so_and_who_claims_it(world: World, engine: FakeEngine) -> None:
    claimed = replace(info_of(torrent("b"), "claimed.mkv", verified=False), source="command")
    engine.knows("b", claimed)
    note_id = await world.note(ALICE, "a", "b")
    waiting = asyncio.ensure_future(world.post(ALICE, f"/api/calibrate/{note_id}"))
    await world.clock.advance(3)
    told = [{"info_hash": torrent("b").shown.hex, "name": "claimed.mkv", "source": "command"}]
    assert (await waiting).json() == {
        "success": True, "result": "a.mkv\nclaimed.mkv", "verified": False, "claimed": told,
    }  # fmt: skip
    assert "claimed.mkv" not in await world.text(ALICE, note_id)
    for body, expected in (({"info_hash": torrent("b").shown.hex}, told), ({"info_hash": torrent("a").shown.hex}, [])):
        done = await world.ended(ASYNC, body)
        assert (done["status"], done["claimed"]) == ("completed", expected)


async def test_the_old_way_says_why_there_is_no_name(world: World) -> None:
    note_id = await world.note(ALICE, "lost")
    waiting = asyncio.ensure_future(world.post(ALICE, f"/api/calibrate/{note_id}"))
    await world.clock.advance(2)
    answer = await waiting
    assert (answer.status_code, answer.json()["code"]) == (502, "lookup_failed")


async def test_the_old_way_ends_in_time_and_the_task_goes_on(world: World, engine: FakeEngine) -> None:
    for number in range(30):  # a hundred of them would be taken on at once
        engine.knows(f"w{number}", "x")
    engine.delay = 50
    await world.post(ALICE, BATCH, {"info_hashes": [torrent(f"w{number}").shown.hex for number in range(30)]})
    note_id = await world.note(ALICE, "a")
    waiting = asyncio.ensure_future(world.post(ALICE, f"/api/calibrate/{note_id}"))
    await world.clock.advance(66)
    answer = await waiting
    assert (answer.status_code, answer.json()["code"]) == (504, "not_in_time")
    await world.clock.advance(400)
    assert "dn=a.mkv" in await world.text(ALICE, note_id)


async def test_the_old_way_says_why_a_lookup_ran_out_of_time(world: World) -> None:
    note_id = await world.note(ALICE, "nobody has it")
    waiting = asyncio.ensure_future(world.post(ALICE, f"/api/calibrate/{note_id}"))
    await world.clock.advance(61)
    answer = await waiting
    assert (answer.status_code, answer.json()["code"]) == (502, "timed_out")


async def test_the_old_way_lets_go_when_its_client_does_or_the_program_stops(world: World) -> None:
    note_id = await world.note(ALICE, "nobody has it")
    waits = asyncio.ensure_future(world.post(ALICE, f"/api/calibrate/{note_id}"))
    await world.clock.advance(1)
    coming: asyncio.Queue[Message] = asyncio.Queue()
    await coming.put({"type": "http.request", "body": b"", "more_body": False})
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(key.lower().encode(), value.encode()) for key, value in world.as_(ALICE).items()]
    path = f"/api/calibrate/{note_id}"
    scope = {"type": "http", "method": "POST", "path": path, "query_string": b"", "headers": headers}
    leaves = asyncio.ensure_future(world.app(scope, coming.get, send))
    await world.clock.advance(1)
    assert not leaves.done()
    await coming.put({"type": "http.disconnect"})
    await world.clock.advance(0.1)
    assert leaves.done()
    assert not waits.done()
    world.app.state.stopping.set()
    answer = await waits
    assert (answer.status_code, answer.json()["code"]) == (503, "shutting_down")


async def test_a_body_that_is_cut_off_is_nobodys_and_one_that_never_ends_does_not_outlast_the_program(
    world: World,
) -> None:
    coming: asyncio.Queue[Message] = asyncio.Queue()
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": ASYNC, "query_string": b"", "headers": []}
    await coming.put({"type": "http.request", "body": b"{", "more_body": True})
    await coming.put({"type": "http.disconnect"})
    await world.app(scope, coming.get, send)
    assert sent == []
    await coming.put({"type": "http.request", "body": b"{", "more_body": True})
    stays = asyncio.ensure_future(world.app(scope, coming.get, send))
    await world.clock.advance(1)
    assert not stays.done()
    world.app.state.stopping.set()
    await stays
    assert sent[0]["status"] == 503


async def test_a_task_is_cancelled_and_tried_again_once_each(world: World, engine: FakeEngine) -> None:
    task_id = (await world.post(ALICE, ASYNC, {"info_hash": torrent("new").shown.hex})).json()["task_id"]
    cancelled = await world.post(ALICE, f"/api/calibrate/cancel/{task_id}")
    assert (cancelled.status_code, cancelled.json()) == (
        200,
        {"success": True, "task_id": task_id, "status": "cancelled"},
    )
    again = await world.post(ALICE, f"/api/calibrate/cancel/{task_id}")
    assert (again.status_code, again.json()["code"]) == (409, "cannot_cancel")
    engine.knows("new", "new.mkv")
    retried = await world.post(ALICE, f"/api/calibrate/retry/{task_id}")
    assert (retried.status_code, retried.json()["status"]) in {(200, "pending"), (200, "running")}
    await world.clock.advance(2)
    again = await world.post(ALICE, f"/api/calibrate/retry/{task_id}")
    assert (again.status_code, again.json()["code"]) == (409, "cannot_retry")
    assert (await world.get(ALICE, f"{STATUS}/{task_id}")).json()["result"] == "new.mkv"


async def test_the_same_key_is_one_task_and_another_persons_is_their_own(world: World) -> None:
    body = {"info_hash": torrent("a").shown.hex}
    first = (await world.ended(ASYNC, body))["task_id"]
    keyed = [(await world.post(ALICE, ASYNC, body, Idempotency_Key="k")).json() for _ in range(2)]
    assert keyed[0]["task_id"] == keyed[1]["task_id"] != first
    await world.clock.advance(5)
    again = (await world.post(ALICE, ASYNC, body, Idempotency_Key="k")).json()
    assert again == {"success": True, "task_id": keyed[0]["task_id"], "status": "completed"}
    assert (await world.post(BOB, ASYNC, body, Idempotency_Key="k")).json()["task_id"] != keyed[0]["task_id"]
    other = await world.post(ALICE, f"/api/calibrate/cancel/{first}", Idempotency_Key="k")
    assert other.status_code == 409, "another route's request is another one"
    other = await world.post(ALICE, ASYNC, {"info_hash": torrent("b").shown.hex}, Idempotency_Key="k")
    assert other.json()["task_id"] != keyed[0]["task_id"], "what it asks for is not lost"


async def test_the_same_key_gives_the_task_that_nothing_would_be_left_for_now(world: World) -> None:
    note_id = await world.note(ALICE, "a")
    answers = []
    for path, body in ((BATCH, {"all": True}), (ASYNC, {"note_id": note_id})):
        first = (await world.post(ALICE, path, body, Idempotency_Key="k")).json()
        await world.clock.advance(5)
        answers.append((path, body, first))
    notebook = await world.services.notebook.behind(ALICE)
    await world.services.notebook.delete(notebook, note_id)
    for path, body, first in answers:
        again = await world.post(ALICE, path, body, Idempotency_Key="k")
        assert (again.status_code, again.json()["task_id"]) == (200, first["task_id"])


# Who gets in.


async def test_who_has_left_the_group_sees_it_no_more(world: World) -> None:
    note_id = await world.note(GROUP, "a")
    assert (await world.post(BOB, ASYNC, {"note_id": note_id})).status_code == 200
    world.doors.members.discard(BOB)
    assert (await world.post(BOB, ASYNC, {"note_id": note_id})).status_code == 404


async def test_while_nobody_can_tell_who_is_in_a_group_its_things_are_not_said_to_be_gone(world: World) -> None:
    ours, mine = await world.note(GROUP, "a"), await world.note(BOB, "a")
    asked = (await world.post(ALICE, ASYNC, {"note_id": ours})).json()["task_id"]
    world.doors.reachable = False
    for answer in (
        await world.post(BOB, ASYNC, {"note_id": ours}),
        await world.get(BOB, f"{STATUS}/{asked}"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (503, "membership_unknown")
    before = world.doors.asked
    assert (await world.post(BOB, ASYNC, {"note_id": mine})).status_code == 200
    assert world.doors.asked == before, "one's own is nobody else's matter"


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Bearer calibot_x", "Basic {token}", "{token}", ""])
async def test_whatever_is_no_token_is_refused(header: str, world: World) -> None:
    header = header.format(token=world.tokens[ALICE])
    answer = await world.http.post(ASYNC, json={"note_id": 1}, headers={"Authorization": header})
    assert (answer.status_code, answer.json()["code"]) == (401, "token_needed")
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_token_that_was_taken_back_opens_nothing(world: World) -> None:
    await world.services.tokens.take_back(ALICE, "test")
    assert (await world.post(ALICE, ASYNC, {"note_id": 1})).status_code == 401


# What is refused.

GOOD = torrent("a").shown.hex


NO_ONE: list[object] = [
    {}, [], "x", 7, {"note_id": None}, {"note_id": 1, "info_hash": GOOD}, {"note_id": "1"}, {"note_id": 0},
    {"note_id": -1}, {"note_id": 1.5}, {"note_id": True}, {"note_id": 2**63}, {"note_id": 10**400},
    {"info_hash": "abc"}, {"info_hash": "g" * 40}, {"info_hash": "0" * 40}, {"info_hash": 12},
    {"info_hash": "\ud800" * 40}, {"note_id": 1, "x\ud800": 1}, None,
]  # fmt: skip
NO_MANY: list[object] = [
    {}, {"note_ids": []}, {"note_ids": [1], "all": True}, {"all": False}, {"all": 1}, {"info_hashes": [""]},
    {"note_ids": [1, "2"]}, {"info_hashes": [GOOD] * 5001}, {"note_ids": list(range(1, 1002))},
    {"all": True, "info_hashes": [GOOD]},
]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "body"),
    [
        *[(ASYNC, body) for body in NO_ONE],
        *[(BATCH, body) for body in NO_MANY],
        *[(f"/api/calibrate/{number}", None) for number in ("x", 0, 10**30, "1_0", "%2B1", "%201")],
    ],
    ids=lambda value: repr(value)[:40],
)
async def test_a_bad_request_is_one_line_and_changes_nothing(path: str, body: object, world: World) -> None:
    answer = await world.post(ALICE, path, body)
    assert answer.status_code == 400, answer.text
    assert set(answer.json()) == {"success", "error", "code"}
    assert answer.json()["code"] in {"bad_request", "invalid_info_hash"}
    assert (await world.services.manager.live_tasks())[1] == 0


@pytest.mark.parametrize("page", ["x", -1, 10**30, "1_0", "%2B1", "%201"])
async def test_a_page_is_digits_alone(page: object, world: World) -> None:
    answer = await world.get(ALICE, f"{STATUS}/some/items?page={page}")
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b'{"note_id": ' + b"9" * 5000 + b"}", "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b'{"note_id": 1}', "text/plain", 415),
        (b"note_id=1", "application/x-www-form-urlencoded", 415),
        (b'{"note_id": 1}' + b" " * 6_500_000, "application/json", 413),
    ],
    ids=["cut off", "deep", "a huge number", "no text", "text", "a form", "too large"],
)
async def test_a_body_that_is_none_is_refused(content: bytes, kind: str, status: int, world: World) -> None:
    headers = world.as_(ALICE) | {"Content-Type": kind}
    answer = await world.http.post(ASYNC, content=content, headers=headers)
    assert answer.status_code == status
    assert set(answer.json()) == {"success", "error", "code"}


async def test_what_there_is_not_is_not_found(world: World) -> None:
    for path, body in ((ASYNC, {"note_id": 999}), ("/api/calibrate/999", None)):
        answer = await world.post(ALICE, path, body)
        assert (answer.status_code, answer.json()["code"]) == (404, "note_not_found")
    for method, path in (("GET", "status"), ("POST", "cancel"), ("POST", "retry")):
        answer = await world.http.request(method, f"/api/calibrate/{path}/nothing", headers=world.as_(ALICE))
        assert (answer.status_code, answer.json()["code"]) == (404, "task_not_found")


async def test_a_note_without_a_magnet_is_told_so(world: World) -> None:
    note_id = await world.note(ALICE)
    answer = await world.post(ALICE, ASYNC, {"note_id": note_id})
    assert (answer.status_code, answer.json()["code"]) == (400, "nothing_to_look_up")
